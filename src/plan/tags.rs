//! The tags of a resource: the desired ones, and their differences.

use std::collections::{BTreeMap, BTreeSet};

use super::{AttributeChange, Cause};
use crate::eval::Instance;
use crate::kind::{ErasedLive, Owner};
use crate::ledger::{Entry, Ledger};
use crate::schema::PathStep;
use crate::stack::{Stack, matches_tag};
use crate::value::Value;

/// The desired tags of an instance, including the owner tags; a value may be unknown.
pub fn tags(instance: &Instance<'_>, stack: &str, env: &str) -> BTreeMap<String, Value> {
    let mut tags = instance.tags.clone();
    if instance.kind.taggable() {
        let owner = Owner::new(stack, env, &instance.address);
        tags.extend(owner.tags().into_iter().map(|(key, value)| (key, Value::String(value))));
        tags.extend(marks(instance));
    }
    tags
}

/// Tags that record an instance's lifecycle settings, for when its block is gone.
pub(super) fn marks(instance: &Instance<'_>) -> impl Iterator<Item = (String, Value)> {
    let marks = [(Owner::PROTECT, instance.protect), (Owner::RETAIN, instance.retain)];
    marks.into_iter().filter(|(_, set)| *set).map(|(key, _)| (key.to_owned(), Value::from("true")))
}

/// The tags that differ. Tags that others set (`ignore_tags`) are left alone, except those that the
/// last apply of `entry` set and nobody has changed since.
pub fn tag_changes(
    instance: &Instance<'_>,
    live: &ErasedLive,
    entry: Option<&Entry>,
    ledger: &Ledger,
    stack: &Stack,
) -> Vec<AttributeChange> {
    let have: BTreeMap<String, Value> =
        live.tags.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let want = tags(instance, &ledger.stack, &ledger.env);
    let is_applied = |name: &str| {
        entry.is_some_and(|entry| {
            let path = format!("tags.{name}");
            let print =
                |value| ledger.fingerprints().of(entry.fingerprinted(&instance.address), &path, value);
            entry.fingerprint(&path).is_some()
                && have.get(name).and_then(print).as_ref() == entry.fingerprint(&path)
        })
    };
    let is_others = |name: &str| {
        !want.contains_key(name)
            && stack.ignore_tags.iter().any(|pattern| matches_tag(pattern, name))
            && !is_applied(name)
    };
    different_tags(instance, &have, &want, &is_others)
}

/// The tags that differ between live and desired. Owner tags cannot be ignored, as they say who
/// owns a resource.
pub(super) fn different_tags(
    instance: &Instance<'_>,
    have: &BTreeMap<String, Value>,
    want: &BTreeMap<String, Value>,
    is_others: &dyn Fn(&str) -> bool,
) -> Vec<AttributeChange> {
    let ignored = &instance.resource.lifecycle.ignore_changes;
    if !instance.kind.taggable() {
        return Vec::new();
    }
    let is_ignored = |name: &str| {
        !Owner::KEYS.contains(&name) && (ignored.iter().any(|one| one.is_of_tag(name)) || is_others(name))
    };
    let names: BTreeSet<&String> = want.keys().chain(have.keys()).collect();
    names
        .into_iter()
        .filter(|name| !is_ignored(name))
        .filter(|name| have.get(*name) != want.get(*name))
        .map(|name| tag_change(name, have.get(name), want.get(name)))
        .collect()
}

pub(super) fn tag_change(name: &str, before: Option<&Value>, after: Option<&Value>) -> AttributeChange {
    AttributeChange {
        path: vec![PathStep::Name("tags".to_owned()), PathStep::Name(name.to_owned())],
        before: before.cloned(),
        after: after.cloned(),
        forces_replacement: false,
        data_loss: false,
        downtime: false,
        statement: false,
        hidden: false,
        stays: false,
        cause: Cause::Stack,
    }
}
