//! Determines who made an attribute differ, by the fingerprints of the last apply. No one is blamed
//! without proof: if the ledger does not record the earlier value, the stack caused the difference.

use std::collections::BTreeMap;

use super::applied::{Printed, readable};
use super::tags::tags;
use super::{AttributeChange, Cause, Past};
use crate::eval::Instance;
use crate::kind::ErasedLive;
use crate::ledger::{Entry, Ledger, is_of_canonical, is_of_secret};
use crate::schema::PathStep;
use crate::value::Value;

/// A live resource beside its desired spec, and the last apply.
pub(super) struct Blame<'s, 'a> {
    pub(super) instance: &'s Instance<'a>,
    pub(super) ledger: &'s Ledger,
    /// The entry of the last apply.
    pub(super) entry: &'s Entry,
    pub(super) live: &'s ErasedLive,
    /// The live spec in canonical form.
    pub(super) found: &'s Value,
    /// The desired spec, completed.
    pub(super) want: &'s Value,
}

impl Blame<'_, '_> {
    /// Sets the cause of every changed attribute.
    pub(super) fn set(&self, changes: &mut [AttributeChange]) {
        let mut causes: BTreeMap<String, Cause> = BTreeMap::new();
        for change in changes {
            let Some(PathStep::Name(name)) = change.path.first().cloned() else { continue };
            keep_secret(self.entry, &name, change);
            // AWS cannot return this value. Only its stamp shows whether someone else changed it.
            if change.hidden {
                change.cause = self.of_hidden(&name);
                continue;
            }
            if change.stays {
                continue;
            }
            change.cause = match (name.as_str(), change.path.get(1)) {
                ("tags", Some(PathStep::Name(tag))) => self.of_tag(tag),
                _ => match causes.get(&name) {
                    Some(cause) => *cause,
                    None => {
                        let cause = self.of_attribute(&name);
                        causes.insert(name, cause);
                        cause
                    }
                },
            };
        }
    }

    fn of_hidden(&self, name: &str) -> Cause {
        let Self { instance, entry, .. } = *self;
        let field = instance.kind.schema().spec.fields().and_then(|fields| fields.get(name));
        let stamped = field.is_some_and(|field| field.marks.stamped);
        if !stamped || !Past::of(instance.kind, Some(entry), self.live).restamped {
            return Cause::Stack;
        }
        let prints = self.ledger.fingerprints();
        let desired = instance.spec.get(name);
        let desired =
            desired.and_then(|value| prints.of(entry.fingerprinted(&instance.address), name, value));
        match (desired.as_ref() == entry.fingerprint(name), entry.writing.contains(name)) {
            (_, true) => Cause::Stack,
            (true, false) => Cause::Drift,
            (false, false) => Cause::Both,
        }
    }

    fn of_tag(&self, tag: &str) -> Cause {
        let Self { instance, entry, live, ledger, .. } = *self;
        let prints = self.ledger.fingerprints();
        let address = entry.fingerprinted(&instance.address);
        let path = format!("tags.{tag}");
        if entry.writing.contains(&path) || entry.fingerprints.get(&path).is_some_and(String::is_empty) {
            return Cause::Stack;
        }
        let applied = entry.fingerprints.get(&path);
        let print = |value: &Value| prints.of(address, &path, value);
        let there = live.tags.get(tag).and_then(|text| print(&Value::String(text.clone())));
        let desired = tags(instance, &ledger.stack, &ledger.env).get(tag).and_then(print);
        match (there.as_ref() == applied, desired.as_ref() == applied) {
            (true, _) => Cause::Stack,
            (false, true) => Cause::Drift,
            (false, false) => Cause::Both,
        }
    }

    fn of_attribute(&self, name: &str) -> Cause {
        let Self { instance, ledger, entry, .. } = *self;
        let (scope, address) = (instance.scope(), entry.fingerprinted(&instance.address));
        let printed = Printed::new(instance.kind, &scope, address, name, ledger);
        let field = printed.field;
        let (found, want) = (self.found.get(name), self.want.get(name));
        if entry.writing.contains(name) || self.live.not_returned.iter().any(|one| one == name) {
            return Cause::Stack;
        }
        let Some(applied) = entry.fingerprints.get(name) else {
            // An attribute that was never declared was applied with its default. Values that AWS
            // chose are unknown.
            let default = field.and_then(|field| field.default.as_ref());
            if found == default || field.is_some_and(|field| field.marks.aws_default) {
                return Cause::Stack;
            }
            if want == default {
                return Cause::Drift;
            }
            return Cause::Both;
        };
        if applied.is_empty() {
            return Cause::Stack;
        }
        let is = |print: &str, value: Option<&Value>| {
            let Some(value) = value else { return false };
            let value = field.map_or_else(|| value.clone(), |field| readable(field, value));
            // AWS returns in the open what the stack keeps secret.
            let value = if is_of_secret(print) { value.into_secret() } else { value.reveal() };
            printed.fits(print, &value)
        };
        // In a map that others also write to, only the stack's own entries count.
        let own = found.filter(|_| field.is_some_and(|field| field.marks.shared)).map(|found| {
            let wrote = |key: &String| entry.fingerprints.contains_key(&format!("{name}.{key}"));
            let map = found.as_map().cloned().unwrap_or_default();
            Value::Map(map.into_iter().filter(|(key, _)| wrote(key)).collect())
        });
        if is(applied, own.as_ref().or(found)) {
            return Cause::Stack;
        }
        if is(applied, want) || is(applied, instance.spec.get(name)) {
            return Cause::Drift;
        }
        // An earlier version took the fingerprint of the stack's spelling, which AWS need not
        // return.
        if is_of_canonical(applied) { Cause::Both } else { Cause::Stack }
    }
}

/// Keeps values secret that were applied as secrets, even if the stack no longer says so.
fn keep_secret(entry: &Entry, name: &str, change: &mut AttributeChange) {
    let second = match change.path.get(1) {
        Some(PathStep::Name(key)) => entry.fingerprints.get(&format!("{name}.{key}")),
        _ => None,
    };
    let is_whole = |value: &Value| !matches!(value, Value::List(_) | Value::Map(_));
    if second.or_else(|| entry.fingerprints.get(name)).is_some_and(|print| is_of_secret(print))
        && change.path.len() <= 2
        && change.before.iter().chain(&change.after).all(is_whole)
    {
        change.before = change.before.take().map(Value::into_secret);
        change.after = change.after.take().map(Value::into_secret);
    }
}
