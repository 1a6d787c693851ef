//! Who made an attribute differ, by the fingerprints of the last apply. Nobody is blamed without
//! proof: where the ledger does not tell what was there, the difference is the stack's.

use std::collections::BTreeMap;

use super::applied::{readable, wanted};
use super::decide::{Planner, Question};
use super::tags::tags;
use super::{AttributeChange, Cause, Past};
use crate::kind::ErasedLive;
use crate::ledger::{Entry, is_of_secret};
use crate::schema::PathStep;
use crate::value::Value;
use crate::world::Instance;

/// A resource as it is at AWS, beside what is wanted of it.
pub(super) struct Sides<'s> {
    pub(super) region: &'s str,
    pub(super) id: &'s str,
    pub(super) live: &'s ErasedLive,
    /// The live spec in canonical form.
    pub(super) found: &'s Value,
    /// The desired spec, completed.
    pub(super) want: &'s Value,
}

impl Planner<'_, '_, '_> {
    /// Says of every changed attribute who changed it.
    pub(super) fn blame(
        &mut self,
        instance: &Instance<'_>,
        entry: Option<&Entry>,
        sides: &Sides<'_>,
        changes: &mut [AttributeChange],
    ) {
        let Some(entry) = entry else { return };
        let mut causes: BTreeMap<String, Cause> = BTreeMap::new();
        for change in changes {
            let Some(PathStep::Name(name)) = change.path.first().cloned() else { continue };
            keep_secret(entry, &name, change);
            // Of what AWS cannot tell nobody knows whether someone else changed it, but by its stamp.
            if change.hidden {
                change.cause = self.hidden_cause(instance, entry, sides, &name);
                continue;
            }
            if change.stays {
                continue;
            }
            change.cause = match (name.as_str(), change.path.get(1)) {
                ("tags", Some(PathStep::Name(tag))) => self.tag_cause(instance, entry, sides.live, tag),
                _ => match causes.get(&name) {
                    Some(cause) => *cause,
                    None => {
                        let cause = self.cause(instance, entry, sides, &name);
                        causes.insert(name, cause);
                        cause
                    }
                },
            };
        }
    }

    fn hidden_cause(&self, instance: &Instance<'_>, entry: &Entry, sides: &Sides<'_>, name: &str) -> Cause {
        let field = instance.kind.schema().spec.fields().and_then(|fields| fields.get(name));
        let stamped = field.is_some_and(|field| field.marks.stamped);
        if !stamped || !Past::of(instance.kind, Some(entry), sides.live).restamped {
            return Cause::Stack;
        }
        let prints = self.inputs.ledger.fingerprints();
        let wanted = instance.spec.get(name);
        let wanted = wanted.and_then(|value| prints.of(entry.fingerprinted(&instance.address), name, value));
        match (wanted.as_ref() == entry.fingerprint(name), entry.writing.contains(name)) {
            (_, true) => Cause::Stack,
            (true, false) => Cause::Drift,
            (false, false) => Cause::Both,
        }
    }

    fn tag_cause(&self, instance: &Instance<'_>, entry: &Entry, live: &ErasedLive, tag: &str) -> Cause {
        let prints = self.inputs.ledger.fingerprints();
        let address = entry.fingerprinted(&instance.address);
        let stack = self.inputs.world.stack;
        let path = format!("tags.{tag}");
        if entry.writing.contains(&path) || entry.fingerprints.get(&path).is_some_and(String::is_empty) {
            return Cause::Stack;
        }
        let applied = entry.fingerprints.get(&path);
        let print = |value: &Value| prints.of(address, &path, value);
        let there = live.tags.get(tag).and_then(|text| print(&Value::String(text.clone())));
        let wanted = tags(instance, &stack.name, &stack.env).get(tag).and_then(print);
        match (there.as_ref() == applied, wanted.as_ref() == applied) {
            (true, _) => Cause::Stack,
            (false, true) => Cause::Drift,
            (false, false) => Cause::Both,
        }
    }

    fn cause(&mut self, instance: &Instance<'_>, entry: &Entry, sides: &Sides<'_>, name: &str) -> Cause {
        let field = instance.kind.schema().spec.fields().and_then(|fields| fields.get(name));
        let (found, want) = (sides.found.get(name), sides.want.get(name));
        if entry.writing.contains(name) {
            return Cause::Stack;
        }
        let Some(applied) = entry.fingerprints.get(name) else {
            // What was never declared was applied as it is by default; what AWS chose nobody knows.
            let default = field.and_then(|field| field.default.as_ref());
            if found == default || field.is_some_and(|field| field.marks.aws_default) {
                return Cause::Stack;
            }
            if want == default {
                return Cause::Drift;
            }
            // What AWS says of it may read otherwise since the stack says something of it, too.
            return match self.bare(instance, entry, sides) {
                Some(bare) if bare.get(name) != default => Cause::Both,
                _ => Cause::Stack,
            };
        };
        if applied.is_empty() {
            return Cause::Stack;
        }
        let prints = self.inputs.ledger.fingerprints();
        let address = entry.fingerprinted(&instance.address);
        let is = |print: &str, value: Option<&Value>| {
            let Some(value) = value else { return false };
            let value = field.map_or_else(|| value.clone(), |field| readable(field, value));
            // AWS tells in the open what the stack keeps secret.
            let value = if is_of_secret(print) { value.into_secret() } else { value.reveal() };
            prints.of(address, name, &value).as_deref() == Some(print)
        };
        if is(applied, found) {
            return Cause::Stack;
        }
        if is(applied, want) || is(applied, instance.spec.get(name)) {
            return Cause::Drift;
        }
        // The stack spells it otherwise than it did, so that what AWS has may read otherwise, too.
        let Some(spelled) = &entry.spelled else { return Cause::Stack };
        let before = spelled.get(name).unwrap_or(applied);
        if before.is_empty() {
            return Cause::Stack;
        }
        match self.bare(instance, entry, sides) {
            Some(bare) if !is(before, Some(bare.get(name).unwrap_or(&Value::Null))) => Cause::Both,
            _ => Cause::Stack,
        }
    }

    /// What AWS itself says of a resource, in canonical form, where that was asked and answered;
    /// else it is asked.
    fn bare(&mut self, instance: &Instance<'_>, entry: &Entry, sides: &Sides<'_>) -> Option<&Value> {
        let (kind, region) = (instance.kind, sides.region.to_owned());
        let key = (kind.name(), region.clone(), sides.id.to_owned());
        let answers = self.inputs.answers;
        if let Some(bare) = answers.bare.get(&key) {
            return bare.as_ref();
        }
        let is_asked = |question: &Question| match question {
            Question::Bare { kind, region, wanted } => {
                (kind.name(), region, &wanted.id) == (key.0, &key.1, &key.2)
            }
            _ => false,
        };
        if !self.questions.iter().any(is_asked) {
            let wanted = wanted(sides.id, Some(instance), Some(entry), self.inputs.selection.deep);
            self.questions.push(Question::Bare { kind, region, wanted });
        }
        None
    }
}

/// What was applied as a secret is one still, though the stack no longer says so.
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
