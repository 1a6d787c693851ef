//! What a stack wants, as far as that can be written down without AWS: in the place of what
//! AWS decides stands the reference to it, `${kms_key.data.arn}`.
//!
//! *Unknown* swallows what is around it: of a text with an unknown part all is unknown, so two
//! revisions of it could not be told apart. The reference can stand inside of the text.

use std::collections::BTreeMap;

use super::resolve::Names;
use super::{Instance, World};
use crate::diag::Sources;
use crate::schema::normalize;
use crate::stack::{Content, Node};
use crate::value::{Unknown, Value};

/// How what AWS decides is written: as [`written`], unless it has another name elsewhere.
pub type Write<'a> = dyn Fn(&Unknown) -> String + 'a;

/// `${kms_key.data.arn}`.
pub fn written(unknown: &Unknown) -> String {
    match unknown.attribute.as_str() {
        "" => format!("${{{}}}", unknown.address),
        attribute => format!("${{{}.{attribute}}}", unknown.address),
    }
}

impl<'a> World<'a> {
    /// An instance on paper: its spec and tags without unknown parts. What it refers to must
    /// have been [shown on paper](World::show_sketch) before.
    #[must_use]
    pub fn sketch(&self, instance: &Instance<'a>, write: &Write<'_>) -> Instance<'a> {
        let names = Names::new(self, instance.each_names().map(|each| on_paper(each, write)));
        let sources = &self.stack.sources;
        let mut spec = on_paper(evaluate(&instance.resource.body, &names, sources), write);
        // What follows from a part that AWS decides, such as the checksum of a text, may not
        // follow from the reference to it; that part is then compared by itself.
        drop(instance.kind.derive(&mut spec, &self.stack.files));
        let mut tags = instance.tags.clone();
        for node in [&self.stack.tags, &instance.resource.tags].into_iter().flatten() {
            let Value::Map(found) = evaluate(node, &names, sources) else { continue };
            for (name, value) in found {
                if instance.tags.get(&name).is_some_and(Value::contains_unknown) {
                    tags.insert(name, value);
                }
            }
        }
        let tags = tags.into_iter().map(|(name, value)| (name, on_paper(value, write))).collect();
        let mut spec = normalize(&instance.kind.schema().spec, spec);
        instance.kind.canonical(&mut spec);
        Instance { spec, tags, ..instance.clone() }
    }

    /// The outputs on paper.
    pub fn sketch_outputs(&self, write: &Write<'_>) -> BTreeMap<String, Value> {
        let names = Names::new(self, None);
        let outputs = self.stack.outputs.iter().map(|(name, output)| {
            let value = on_paper(evaluate(&output.value, &names, &self.stack.sources), write);
            (name.clone(), if output.sensitive { value.into_secret() } else { value })
        });
        outputs.collect()
    }

    /// Shows an instance on paper to the expressions that refer to it.
    pub fn show_sketch(&self, sketch: &Instance<'_>, write: &Write<'_>) {
        self.show(&sketch.address, on_paper(self.view(sketch, None, None), write));
    }
}

/// The value of a node. What a function cannot make of a reference, such as the fifth part
/// of it, stands as it is written in the file.
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
                .map(|entry| (entry.name.clone(), evaluate(&entry.value, names, sources)))
                .collect(),
        ),
    }
}

/// The value with every unknown part as it is written.
fn on_paper(value: Value, write: &Write<'_>) -> Value {
    match value {
        Value::Unknown(unknown) => Value::String(write(&unknown)),
        // No secret yet, and what refers to one may be told.
        Value::Secret(inner) if inner.contains_unknown() => on_paper(*inner, write).into_secret(),
        Value::List(list) => Value::List(list.into_iter().map(|one| on_paper(one, write)).collect()),
        Value::Map(map) => {
            Value::Map(map.into_iter().map(|(name, one)| (name, on_paper(one, write))).collect())
        }
        known => known,
    }
}
