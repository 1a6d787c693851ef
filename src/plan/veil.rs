//! A plan without what is secret, from which every format shows what it shows of the plan:
//! what is shown at once, and what a file keeps to be shown later, are the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::diff::conceal;
use super::format::veiled;
use super::{Change, Plan, Reason};
use crate::diag::mask;
use crate::graph::Address;
use crate::kinds;
use crate::schema::PathStep;
use crate::value::{self, Value};

impl Plan {
    /// Masks what is secret, and leaves out what no format shows. Files are told from
    /// `root`, as far as they are in it. From such a plan nothing can be applied.
    pub fn veil(&mut self, root: Option<&Path>) {
        for change in self.changes.iter_mut().chain(&mut self.deposed) {
            Veil::default().change(change, root);
        }
        let mut veil = Veil::default();
        let before = self.outputs_before.values_mut().flatten();
        before.chain(self.outputs.values_mut()).for_each(|value| veil.value(value));
    }
}

/// Masks that tell the secrets of one resource apart, as far as they differ.
#[derive(Default)]
struct Veil {
    seen: Vec<Value>,
}

impl Veil {
    fn change(&mut self, change: &mut Change, root: Option<&Path>) {
        let kind = kinds::kind(&change.address.kind);
        let node = kind.map(|kind| &kind.schema().spec);
        let mut wanted_tags = Value::Map(std::mem::take(&mut change.wanted_tags));
        let live_tags = change.live.as_ref().map_or_else(BTreeMap::new, |live| live.tags.clone());
        let mut live_tags = Value::map(live_tags);
        // That a value was applied as a secret may be known of the difference alone.
        for one in &change.attributes {
            let (side, path) = match one.path.split_first() {
                Some((PathStep::Name(tags), rest)) if tags == "tags" => {
                    ([&mut live_tags, &mut wanted_tags], rest)
                }
                _ => ([&mut change.existing, &mut change.wanted], one.path.as_slice()),
            };
            for (value, told) in side.into_iter().zip([&one.before, &one.after]) {
                if matches!(told, Some(Value::Secret(_))) {
                    hide(value, path);
                }
            }
        }
        (change.existing, change.wanted) = veiled(node, &change.existing, &change.wanted);
        if let Some(kept) = &mut change.kept {
            kept.wanted = veiled(node, &change.existing, &kept.wanted).1;
        }
        (live_tags, wanted_tags) = veiled(None, &live_tags, &wanted_tags);
        if let Value::Map(tags) = wanted_tags {
            change.wanted_tags = tags;
        }
        if let Some(live) = &mut change.live {
            // `existing` says it, in canonical form.
            live.spec = Value::Null;
            live.attrs = veiled(kind.map(|kind| &kind.schema().attrs), &live.attrs, &Value::Null).0;
            let tags = std::mem::take(&mut live.tags);
            let tags = tags.into_iter().map(|(name, tag)| match live_tags.get(&name) {
                Some(Value::String(_)) => (text(&name), text(&tag)),
                _ => (text(&name), value::mask(0)),
            });
            live.tags = tags.collect();
            self.value(&mut live.attrs);
        }
        for one in &mut change.attributes {
            if let (Some(before), Some(after)) = (&mut one.before, &mut one.after) {
                (*before, *after) = conceal(std::mem::take(before), std::mem::take(after));
            }
            for step in &mut one.path {
                if let PathStep::Name(name) = step {
                    *name = text(name);
                }
            }
            one.before.iter_mut().chain(&mut one.after).for_each(|value| self.value(value));
        }
        self.value(&mut change.existing);
        self.value(&mut change.wanted);
        change.kept.iter_mut().for_each(|kept| self.value(&mut kept.wanted));
        change.wanted_tags.values_mut().for_each(|tag| self.value(tag));
        change.id = change.id.take().map(|id| text(&id));
        for one in std::iter::once(&mut change.address).chain(&mut change.moved_from) {
            address(one);
        }
        let addressed = |mut one: Address| {
            address(&mut one);
            one
        };
        change.needs = std::mem::take(&mut change.needs).into_iter().map(addressed).collect();
        let deferred = std::mem::take(&mut change.deferred).into_iter();
        change.deferred = deferred.map(|(one, attributes)| (addressed(one), attributes)).collect();
        for one in &mut change.releases {
            address(&mut one.held);
            one.names.iter_mut().for_each(|name| *name = text(name));
        }
        if let Reason::Triggered(by) = &mut change.reason {
            address(by);
        }
        if let Some(declared) = &mut change.declared {
            let file = root.and_then(|root| declared.file.strip_prefix(root).ok()).unwrap_or(&declared.file);
            declared.file = PathBuf::from(text(&file.to_string_lossy()));
        }
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Unknown(_) => {}
            Value::Number(number) => {
                let shown = number.to_string();
                // A number that is secret elsewhere.
                if mask(&shown) != shown {
                    *value = self.masked(Value::Number(*number));
                }
            }
            Value::String(inner) => {
                if let std::borrow::Cow::Owned(masked) = mask(inner) {
                    *inner = masked;
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Map(entries) => {
                let inner = std::mem::take(entries);
                entries.extend(inner.into_iter().map(|(key, mut value)| {
                    self.value(&mut value);
                    (text(&key), value)
                }));
            }
            Value::Secret(inner) => *value = self.masked(std::mem::take(inner)),
        }
    }

    /// What stands for a secret: whether it is there and known shows, and which others of
    /// the resource are the same.
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

/// Makes a secret of what is at a path or, where that leads nowhere, of what it leads to.
fn hide(value: &mut Value, path: &[PathStep]) {
    match (&mut *value, path.split_first()) {
        (Value::Null, _) => {}
        (Value::Map(map), Some((PathStep::Name(name), rest))) => {
            if let Some(inner) = map.get_mut(name) {
                hide(inner, rest);
            }
        }
        (Value::List(list), Some((PathStep::Index(index), rest))) if *index < list.len() => {
            list.iter_mut().skip(*index).take(1).for_each(|inner| hide(inner, rest));
        }
        _ => *value = std::mem::take(value).enclosed(),
    }
}

fn text(text: &str) -> String {
    mask(text).into_owned()
}

/// Of an address its key may hold anything.
fn address(address: &mut Address) {
    if let Some(key) = &mut address.key {
        *key = text(key);
    }
}
