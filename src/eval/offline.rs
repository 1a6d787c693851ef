//! The desired state written down without AWS: a reference such as `${kms_key.data.arn}` stands in
//! place of each value that AWS decides.
//!
//! An *unknown* part makes the whole text around it unknown, so two revisions of the text could not
//! be compared. A reference can stand inside the text.

use std::collections::BTreeMap;

use super::resolve::Names;
use super::view::View;
use super::{EvalContext, Instance};
use crate::diag::Sources;
use crate::schema::normalize;
use crate::stack::{Content, Node};
use crate::value::{Unknown, Value};

/// Writes a value that AWS decides: as [`written`], unless the attribute has another name elsewhere.
pub type Write<'a> = dyn Fn(&Unknown) -> String + 'a;

/// `${kms_key.data.arn}`.
pub fn written(unknown: &Unknown) -> String {
    match unknown.attribute.as_str() {
        "" => format!("${{{}}}", unknown.address),
        attribute => format!("${{{}.{attribute}}}", unknown.address),
    }
}

impl<'a> EvalContext<'a> {
    /// An instance evaluated without AWS: its spec and tags without unknown parts. The resources that it refers to
    /// must have been [shown](EvalContext::show_offline) before.
    #[must_use]
    pub fn offline_instance(&self, instance: &Instance<'a>, write: &Write<'_>) -> Instance<'a> {
        let names =
            Names::of(self, instance, instance.each_names().map(|each| without_unknowns(each, write)));
        let sources = &self.stack.sources;
        let mut spec = without_unknowns(evaluate(&instance.resource.body, &names, sources), write);
        let name = instance.kind.name_attribute().filter(|_| instance.resource.name_prefix.is_some());
        if let (Value::Map(spec), Some(name)) = (&mut spec, name) {
            spec.extend(instance.spec.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        // A value computed from a part that AWS decides, such as the checksum of a text, may not be
        // computable from the reference. That part is then compared by itself.
        drop(instance.kind.derive(&mut spec, self.files(instance)));
        let mut tags = instance.tags.clone();
        let root = Names::root(self);
        let both = [(&self.stack.tags, &root), (&instance.resource.tags, &names)];
        for (node, names) in both.into_iter().filter_map(|(node, names)| Some((node.as_ref()?, names))) {
            let Value::Map(found) = evaluate(node, names, sources) else { continue };
            for (name, value) in found {
                if instance.tags.get(&name).is_some_and(Value::contains_unknown) {
                    tags.insert(name, value);
                }
            }
        }
        let tags = tags.into_iter().map(|(name, value)| (name, without_unknowns(value, write))).collect();
        let mut spec = normalize(&instance.kind.schema().spec, spec);
        instance.kind.canonical(&mut spec);
        Instance { spec, tags, ..instance.clone() }
    }

    /// The outputs, evaluated without AWS.
    pub fn offline_outputs(&self, write: &Write<'_>) -> BTreeMap<String, Value> {
        let names = Names::root(self);
        let outputs = self.stack.root.outputs.iter().map(|(name, output)| {
            let value = without_unknowns(evaluate(&output.value, &names, &self.stack.sources), write);
            (name.clone(), if output.sensitive { value.into_secret() } else { value })
        });
        outputs.collect()
    }

    /// Makes all data visible as references to it.
    pub fn show_data_offline(&self, write: &Write<'_>) {
        self.forget_locals();
        let mut views = self.views.borrow_mut();
        for ((index, _), view) in views.iter_mut() {
            if self.references.at(*index).is_some_and(|one| one.resource.is_data) {
                match view {
                    View::Off => {}
                    View::One(one) => *one = without_unknowns(std::mem::take(one), write),
                    View::Each(each) => {
                        each.values_mut().for_each(|one| *one = without_unknowns(std::mem::take(one), write));
                    }
                }
            }
        }
    }

    /// Makes an instance evaluated without AWS visible to the expressions that refer to it.
    pub fn show_offline(&self, offline: &Instance<'_>, write: &Write<'_>) {
        self.show(&offline.address, without_unknowns(self.view(offline, None, None), write));
    }
}

/// The value of a node. An expression that fails on a reference, such as one for the fifth part of
/// it, stays as it is written in the file.
fn evaluate(node: &Node, names: &Names<'_, '_>, sources: &Sources) -> Value {
    match &node.content {
        Content::Literal(value) => value.clone(),
        Content::Template(template) => {
            template.evaluate(names).unwrap_or_else(|_| sources.snippet(template.span()).into())
        }
        Content::List(list) => Value::List(list.iter().map(|one| evaluate(one, names, sources)).collect()),
        Content::Table(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| {
                    let key = entry.key.as_ref().and_then(|key| key.evaluate(names).ok());
                    let key = key.as_ref().and_then(Value::as_str).unwrap_or(&entry.name);
                    (key.to_owned(), evaluate(&entry.value, names, sources))
                })
                .collect(),
        ),
    }
}

/// Replaces every unknown part of a value by its reference.
fn without_unknowns(value: Value, write: &Write<'_>) -> Value {
    match value {
        Value::Unknown(unknown) => Value::String(write(&unknown)),
        // The secret is not known yet, and a reference to it may be shown.
        Value::Secret(inner) if inner.contains_unknown() => without_unknowns(*inner, write).into_secret(),
        Value::List(list) => Value::List(list.into_iter().map(|one| without_unknowns(one, write)).collect()),
        Value::Map(map) => {
            Value::Map(map.into_iter().map(|(name, one)| (name, without_unknowns(one, write))).collect())
        }
        known => known,
    }
}
