//! The ledger entry of a resource whose apply did not finish: it records what was seen at AWS,
//! whatever the stack declares.

use std::collections::{BTreeMap, BTreeSet};

use super::applied::{Printed, declared, intended_prints, readable};
use super::diff::unreadable;
use super::tags::tags;
use crate::eval::Instance;
use crate::kind::ErasedLive;
use crate::ledger::{Entry, Ledger, is_of_secret};
use crate::schema::{Node, Shape, canonical as spelled, normalize};
use crate::value::Value;

/// The fingerprints of an instance that was just created and has not been read yet, and the paths
/// of attributes that may not be set. A create call need not set everything, but it sends
/// everything that AWS cannot return.
pub fn unseen(instance: &Instance<'_>, ledger: &Ledger) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let prints = ledger.fingerprints();
    let mut all = intended_prints(instance, &instance.address, ledger);
    for (name, value) in tags(instance, &ledger.stack, &ledger.env) {
        let path = format!("tags.{name}");
        all.extend(prints.of(&instance.address, &path, &value).map(|print| (path, print)));
    }
    let mut writing: BTreeSet<String> = all.keys().cloned().collect();
    // Attributes that nobody declares may not have their default yet either.
    writing.extend(instance.kind.schema().spec.fields().into_iter().flatten().map(|(name, _)| name.clone()));
    for (path, _, value) in unreadable(&instance.kind.schema().spec, &instance.spec) {
        writing.remove(&path);
        all.extend(prints.of(&instance.address, &path, value).map(|print| (path, print)));
    }
    (all, writing)
}

/// The fingerprint of a live value under the instance's own address.
fn of(
    instance: &Instance<'_>,
    field: &Node,
    name: &str,
    value: &Value,
    secret: bool,
    ledger: &Ledger,
) -> Option<String> {
    let value = readable(field, value);
    let value = if secret { value.into_secret() } else { value };
    Printed::new(instance.kind, &instance.scope(), &instance.address, name, ledger).print(&value)
}

/// Corrects an entry after AWS refused an apply. Values that changed since `before` were written by
/// it; the others are as last applied. `before` is `None` if this apply created the resource.
pub fn partly(
    instance: &Instance<'_>,
    entry: &mut Entry,
    before: Option<&ErasedLive>,
    live: &ErasedLive,
    ledger: &Ledger,
) {
    let schema = &instance.kind.schema().spec;
    let canonical = |live: &ErasedLive| normalize(schema, live.spec.clone());
    let (was, now) = (before.map(canonical), canonical(live));
    let said: BTreeSet<&String> = declared(instance).map(|(name, _)| name).collect();
    entry.writing.clear();
    if let Some(before) = before
        && instance.kind.stamp(before) != instance.kind.stamp(live)
    {
        entry.stamp = instance.kind.stamp(live);
    }
    // Fingerprints of former addresses cannot be mixed with those of the current one.
    if entry.fingerprinted(&instance.address) != &instance.address {
        return;
    }
    for (name, field) in schema.fields().into_iter().flatten() {
        let found = now.get(name);
        let untouched = found == field.default.as_ref() || field.marks.aws_default;
        // An attribute that nobody declared may still be on its way to its default.
        let own = said.contains(name) || entry.fingerprints.contains_key(name) || !untouched;
        if field.marks.unreadable() || !own || live.not_returned.contains(name) {
            continue;
        }
        if was.as_ref().is_some_and(|was| was.get(name) == found) {
            let unknown = entry.fingerprints.get(name).is_some_and(String::is_empty);
            if unknown && untouched {
                entry.fingerprints.remove(name);
            }
        } else {
            let secret = instance.spec.get(name).is_some_and(Value::contains_secret)
                || entry.fingerprints.get(name).is_some_and(|print| is_of_secret(print));
            let scope = instance.scope();
            let meant = |value: &Value| spelled(field, value, &scope);
            let refused = found.map(meant) != instance.spec.get(name).map(meant);
            let value = found.filter(|_| !(was.is_none() && refused && untouched));
            match value.and_then(|value| of(instance, field, name, value, secret, ledger)) {
                Some(print) => drop(entry.fingerprints.insert(name.clone(), print)),
                None => drop(entry.fingerprints.remove(name)),
            }
        }
        if let Shape::Map(element) = &field.shape {
            let own = |value: Option<&Value>| value.and_then(Value::as_map).cloned().unwrap_or_default();
            let was = was.as_ref().map(|was| own(was.get(name)));
            entries(instance, entry, name, was, &own(found), &mut |value| readable(element, value), ledger);
        }
    }
    if instance.kind.taggable() {
        let own = |live: &ErasedLive| -> BTreeMap<String, Value> {
            live.tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
        };
        entries(instance, entry, "tags", before.map(own), &own(live), &mut Value::clone, ledger);
    }
}

/// Does the same for the entries of a map that the stack writes or wrote.
fn entries(
    instance: &Instance<'_>,
    entry: &mut Entry,
    name: &str,
    was: Option<BTreeMap<String, Value>>,
    now: &BTreeMap<String, Value>,
    replace: &mut dyn FnMut(&Value) -> Value,
    ledger: &Ledger,
) {
    let prefix = format!("{name}.");
    let own: Vec<String> =
        entry.fingerprints.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
    for path in own {
        let key = &path[prefix.len()..];
        let found = now.get(key);
        let same = was.as_ref().is_some_and(|was| was.get(key) == found);
        let known = entry.fingerprints.get(&path).cloned().unwrap_or_default();
        if same && (!known.is_empty() || found.is_some()) {
            continue;
        }
        let print = found.and_then(|value| {
            let value = replace(value);
            let value = if is_of_secret(&known) { value.into_secret() } else { value };
            ledger.fingerprints().of(&instance.address, &path, &value)
        });
        match print {
            Some(print) => drop(entry.fingerprints.insert(path, print)),
            None => drop(entry.fingerprints.remove(&path)),
        }
    }
}
