//! Masks the secrets of a plan. All formats show the masked plan, so a plan that is shown at once
//! and one that is saved and shown later look the same. Only values are masked; addresses, paths
//! and words of the review never are, even if they equal a secret.

use std::collections::BTreeMap;
use std::path::Path;

use super::conceal::conceal;
use super::risk::of_resource;
use super::{Change, Plan, RedactedRisks, details};
use crate::kinds;
use crate::schema::PathStep;
use crate::value::{self, Value};

impl Plan {
    /// Masks secrets, and drops data that no format shows. Files inside `root` are shown relative
    /// to it. The resulting plan cannot be applied.
    pub fn redact(&mut self, root: Option<&Path>) {
        for change in self.changes.iter_mut().chain(&mut self.deposed) {
            change.redacted_risks = risks(change).or(change.redacted_risks.take());
            Redactor::default().change(change, root);
        }
        if let Some(file) = root.and_then(|root| self.asked.stack_at.file.strip_prefix(root).ok()) {
            self.asked.stack_at.file = file.to_owned();
        }
        // An output that is secret on either side is masked as a whole on both.
        for (name, before) in &mut self.outputs_before {
            let (Some(before), Some(after)) = (before, self.outputs.get_mut(name)) else { continue };
            if before.contains_secret() || after.contains_secret() {
                *before = std::mem::take(before).into_secret();
                *after = std::mem::take(after).into_secret();
            }
        }
        let mut redactor = Redactor::default();
        let before = self.outputs_before.values_mut().flatten();
        let variables = self.variables.values_mut();
        before.chain(self.outputs.values_mut()).chain(variables).for_each(|value| redactor.value(value));
    }
}

/// Computes the risks of a change if they follow from secrets.
fn risks(change: &Change) -> Option<RedactedRisks> {
    let values = change.attributes.iter().flat_map(|one| one.before.iter().chain(&one.after));
    if change.redacted_risks.is_some()
        || !values.chain([&change.existing, &change.desired]).any(Value::contains_secret)
    {
        return None;
    }
    let details = details(change, None).into_iter().map(|detail| detail.risks).collect();
    Some(RedactedRisks { details, own: of_resource(change) })
}

/// Masks the secrets of one resource; different secrets get different masks.
#[derive(Default)]
struct Redactor {
    seen: Vec<Value>,
}

impl Redactor {
    fn change(&mut self, change: &mut Change, root: Option<&Path>) {
        let kind = kinds::kind(&change.address.kind);
        let node = kind.map(|kind| &kind.schema().spec);
        let mut desired_tags = Value::Map(std::mem::take(&mut change.desired_tags));
        let live_tags = change.live.as_ref().map_or_else(BTreeMap::new, |live| live.tags.clone());
        let mut live_tags = Value::map(live_tags);
        // Only the difference shows that a tag was applied as a secret.
        for one in &change.attributes {
            let [PathStep::Name(tags), PathStep::Name(tag)] = one.path.as_slice() else { continue };
            if tags != "tags" {
                continue;
            }
            for (side, tag_value) in [(&mut live_tags, &one.before), (&mut desired_tags, &one.after)] {
                if let (Value::Map(tags), Some(Value::Secret(_))) = (side, tag_value)
                    && let Some(value) = tags.get_mut(tag)
                {
                    *value = std::mem::take(value).into_secret();
                }
            }
        }
        (change.existing, change.desired) = conceal(node, &change.existing, &change.desired);
        if let Some(unreplaced) = &mut change.unreplaced {
            unreplaced.desired = conceal(node, &change.existing, &unreplaced.desired).1;
        }
        (live_tags, desired_tags) = conceal(None, &live_tags, &desired_tags);
        if let Value::Map(tags) = desired_tags {
            change.desired_tags = tags;
        }
        if let Some(live) = &mut change.live {
            // `existing` holds the same, in canonical form.
            live.spec = Value::Null;
            live.attrs = conceal(kind.map(|kind| &kind.schema().attrs), &live.attrs, &Value::Null).0;
            let tags = std::mem::take(&mut live.tags);
            let tags = tags.into_iter().map(|(name, tag)| match live_tags.get(&name) {
                Some(Value::String(_)) => (name, tag),
                _ => (name, value::mask(0)),
            });
            live.tags = tags.collect();
            self.value(&mut live.attrs);
        }
        for one in &mut change.attributes {
            one.before.iter_mut().chain(&mut one.after).for_each(|value| self.value(value));
        }
        self.value(&mut change.existing);
        self.value(&mut change.desired);
        change.unreplaced.iter_mut().for_each(|unreplaced| self.value(&mut unreplaced.desired));
        change.desired_tags.values_mut().for_each(|tag| self.value(tag));
        if let Some(declared) = &mut change.declared
            && let Some(file) = root.and_then(|root| declared.file.strip_prefix(root).ok())
        {
            declared.file = file.to_owned();
        }
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Unknown(_) | Value::Number(_) | Value::String(_) => {}
            Value::List(items) | Value::Set(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Map(entries) => entries.values_mut().for_each(|value| self.value(value)),
            Value::Secret(inner) => *value = self.masked(std::mem::take(inner)),
        }
    }

    /// Returns the mask of a secret. It shows whether the secret exists and is known, and which
    /// secrets of the resource are equal.
    fn masked(&mut self, secret: Value) -> Value {
        let inner = match secret.first_unknown() {
            Some(unknown) => unknown.clone().into(),
            None if secret.is_null() => Value::Null,
            None => {
                let number = self.seen.iter().position(|one| *one == secret).unwrap_or_else(|| {
                    self.seen.push(secret);
                    self.seen.len() - 1
                });
                value::mask(number).into()
            }
        };
        Value::Secret(Box::new(inner))
    }
}
