//! Attributes that were removed from a declaration and are AWS's choice when absent. AWS's default
//! is restored if it is known; otherwise the value stays, and the plan says so once.

use std::collections::BTreeMap;

use super::{AttributeChange, Cause};
use crate::aws::Scope;
use crate::eval::Instance;
use crate::ledger::Entry;
use crate::schema::{Node, PathStep, Restored, Shape, normalize, path_text};
use crate::value::Value;

/// Returns whether the stack wrote the attribute at a dotted path in the last apply.
pub(super) type Wrote<'w> = dyn Fn(&str) -> bool + 'w;

/// Returns whether the stack wrote an attribute, according to the ledger.
pub(super) fn by_ledger(entry: Option<&Entry>) -> impl Fn(&str) -> bool {
    move |path| entry.is_some_and(|entry| entry.fingerprints.contains_key(path))
}

/// Sets `want` to AWS's defaults for attributes that the stack wrote and no longer declares.
pub(super) fn restore(
    instance: &Instance<'_>,
    want: &mut Value,
    found: &Value,
    wrote: &Wrote<'_>,
    account_id: &str,
) {
    let root = want.clone();
    let fill = |text: &str| fill(text, &instance.place.region, account_id, &root);
    walk(instance, want, found, wrote, &mut |field, name, want, _, _| {
        let Some(restored) = &field.restored else { return };
        if restored.applies(want) {
            want.insert(name.to_owned(), normalize(field, filled(&restored.value, &fill)));
        }
    });
}

/// The attributes that the stack wrote and no longer declares, and that stay at AWS as they are.
pub(super) fn staying(
    instance: &Instance<'_>,
    want: &Value,
    found: &Value,
    wrote: &Wrote<'_>,
) -> Vec<AttributeChange> {
    let mut all = Vec::new();
    walk(instance, &mut want.clone(), found, wrote, &mut |field, _, _, found, path| {
        if field.restored.is_none() {
            all.push(AttributeChange {
                path: path.split('.').map(|name| PathStep::Name(name.to_owned())).collect(),
                before: Some(found.clone()),
                after: Some(found.clone()),
                forces_replacement: false,
                data_loss: false,
                downtime: false,
                statement: false,
                hidden: false,
                stays: true,
                cause: Cause::Stack,
            });
        }
    });
    all
}

/// The dotted paths of all nested attributes that `spec` declares and that are AWS's choice when
/// absent. The ledger has a fingerprint of each.
pub(super) fn within(node: &Node, spec: &Value) -> Vec<(String, Value)> {
    fn visit(node: &Node, value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
        let Value::Map(map) = value else { return };
        if let Shape::Map(element) = &node.shape {
            map.iter().for_each(|(name, value)| visit(element, value, &join(path, name), found));
        }
        for (name, field) in node.fields().into_iter().flatten() {
            let Some(value) = map.get(name) else { continue };
            let below = join(path, name);
            if field.marks.aws_default && !path.is_empty() && !field.marks.unreadable() {
                found.push((below.clone(), value.clone()));
            }
            visit(field, value, &below, found);
        }
    }
    let mut found = Vec::new();
    visit(node, spec, "", &mut found);
    found
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Handles a field that was removed: the field, its name, the table that lacks it, its live value,
/// and its path.
type Visit<'v> = dyn FnMut(&Node, &str, &mut BTreeMap<String, Value>, &Value, &str) + 'v;

fn walk(instance: &Instance<'_>, want: &mut Value, found: &Value, wrote: &Wrote<'_>, visit: &mut Visit<'_>) {
    let ignored = &instance.resource.lifecycle.ignore_changes;
    let ignored: Vec<String> = ignored.iter().map(|one| path_text(&one.path)).collect();
    let is_ignored = |path: &str| {
        let within = |one: &String| path.strip_prefix(one).is_some_and(|rest| rest.starts_with('.'));
        ignored.iter().any(|one| path == one || within(one))
    };
    step(&instance.kind.schema().spec, want, found, "", &|path| wrote(path) && !is_ignored(path), visit);
}

fn step(
    node: &Node,
    want: &mut Value,
    found: &Value,
    path: &str,
    was_removed: &dyn Fn(&str) -> bool,
    visit: &mut Visit<'_>,
) {
    let (Value::Map(want), Value::Map(found)) = (want, found) else { return };
    if let Shape::Map(element) = &node.shape {
        for (name, desired) in want.iter_mut() {
            if let Some(there) = found.get(name) {
                step(element, desired, there, &join(path, name), was_removed, visit);
            }
        }
    }
    for (name, field) in node.fields().into_iter().flatten() {
        let Some(there) = found.get(name).filter(|there| !matches!(there, Value::Null)) else { continue };
        let below = join(path, name);
        match want.get_mut(name) {
            Some(desired) => step(field, desired, there, &below, was_removed, visit),
            None if field.marks.aws_default && !field.marks.unreadable() && was_removed(&below) => {
                visit(field, name, want, there, &below);
            }
            None => {}
        }
    }
}

impl Restored {
    /// Returns whether the default is restored, given the rest of the table.
    fn applies(&self, table: &BTreeMap<String, Value>) -> bool {
        let is_on = |name: &String| match table.get(name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::List(list)) => !list.is_empty(),
            Some(_) => true,
        };
        self.with.as_ref().is_none_or(is_on) && !self.without.as_ref().is_some_and(is_on)
    }
}

/// Fills in the placeholders of a default.
fn filled(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::List(list) => Value::List(list.iter().map(|one| filled(one, fill)).collect()),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(name, one)| (name.clone(), filled(one, fill))).collect())
        }
        other => other.clone(),
    }
}

fn fill(text: &str, region: &str, account_id: &str, spec: &Value) -> String {
    let name = spec.get("name").and_then(Value::as_str).unwrap_or_default();
    text.replace("{partition}", Scope::partition_of(region))
        .replace("{region}", region)
        .replace("{account_id}", account_id)
        .replace("{name}", name)
}
