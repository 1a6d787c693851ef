//! Relates a resource's declaration to what was last applied, which the ledger records as
//! fingerprints.

use std::collections::{BTreeMap, BTreeSet};

use super::conceal::{Texts, conceal, hide, same};
use super::diff::unreadable;
use super::tags::tags;
use super::{overlay, removed_settings};
use crate::aws::Scope;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, ReadRequest};
use crate::ledger::{Entry, Ledger, is_of_canonical, is_of_secret, of_canonical};
use crate::schema::{Document, Node, PathStep, Shape, canonical, normalize, respelled};
use crate::value::Value;

/// The attributes that the stack declares: those that are written, and those that differ from their
/// default.
pub(super) fn declared<'i>(instance: &'i Instance<'_>) -> impl Iterator<Item = (&'i String, &'i Value)> {
    let fields = instance.kind.schema().spec.fields();
    instance.spec.as_map().into_iter().flatten().filter(move |(name, value)| {
        let default = fields.and_then(|fields| fields.get(*name)).and_then(|field| field.default.as_ref());
        default != Some(value) || instance.resource.body.entry(name).is_some()
    })
}

/// Selects what to read of a resource: the declared attributes, those applied before, and those
/// that something refers to; everything if `deep`.
pub fn read_request(
    id: &str,
    instance: Option<&Instance<'_>>,
    entry: Option<&Entry>,
    deep: bool,
) -> ReadRequest {
    let mut attributes: BTreeSet<String> =
        instance.into_iter().flat_map(declared).map(|(name, _)| name.clone()).collect();
    let applied = entry.into_iter().flat_map(|entry| entry.fingerprints.keys());
    for path in applied.filter(|path| !path.starts_with("tags.")) {
        attributes.extend(path.split_once('.').map(|(name, _)| name.to_owned()));
        attributes.insert(path.clone());
    }
    let entries = instance.into_iter().flat_map(map_entries);
    attributes.extend(entries.map(|(name, key, _)| format!("{name}.{key}")));
    attributes.extend(instance.into_iter().flat_map(|instance| instance.referred.iter().cloned()));
    let spec = instance.map(|instance| instance.spec.clone()).unwrap_or_default();
    let known = entry.is_some() || instance.is_none();
    ReadRequest { attributes: (!deep).then_some(attributes), spec, known, ..ReadRequest::of(id) }
}

/// The last apply of a resource, as far as it is known.
#[derive(Clone, Copy, Default)]
pub struct Past<'p> {
    /// The applied entry, compared for fields that AWS cannot return.
    pub entry: Option<&'p Entry>,
    /// The same entry, to find attributes that the stack wrote and may no longer declare.
    pub written: Option<&'p Entry>,
    /// AWS shows another stamp than it did then, so someone else wrote the resource.
    pub restamped: bool,
    /// Attributes that AWS does not return at present.
    pub not_returned: &'p [String],
    /// This apply created the resource, so that there is no change of others to ignore.
    pub is_new: bool,
}

impl<'p> Past<'p> {
    /// Derives the past from a ledger entry and the live resource.
    pub fn of(kind: &dyn ErasedKind, entry: Option<&'p Entry>, live: &'p ErasedLive) -> Self {
        let stamp = entry.and_then(|entry| entry.stamp.as_deref());
        let restamped = stamp.zip(kind.stamp(live)).is_some_and(|(then, now)| then != now);
        Self { entry, written: entry, restamped, not_returned: &live.not_returned, is_new: false }
    }
}

/// Returns both sides of the comparison of an instance with the live resource, completed by
/// [`overlay`]. Ignored changes take the live value, and attributes that were `written` but are no
/// longer declared take AWS's defaults. Live values are spelled as in the stack where they mean the
/// same.
pub fn complete(
    instance: &Instance<'_>,
    mut found: Value,
    past: &Past<'_>,
    ledger: &Ledger,
) -> (Value, Value) {
    let Past { entry, written, restamped, not_returned, is_new } = *past;
    let prints = ledger.fingerprints();
    let schema = &instance.kind.schema().spec;
    let mut want = instance.spec.clone();
    removed_settings::restore(
        instance,
        &mut want,
        &found,
        &removed_settings::by_ledger(written),
        &instance.account_id,
    );
    if !is_new {
        ignore(instance, &mut want, &found);
    }
    if let Value::Map(found) = &mut found {
        for name in not_returned {
            let Some(desired) = want.get(name) else { continue };
            if is_as_applied(instance, entry, name, desired, ledger) {
                found.insert(name.clone(), desired.clone());
            }
        }
    }
    let found = respelled(schema, found, &want, &instance.scope());
    overlay(schema, want, found, &|path, value, marks| {
        let entry = entry?;
        if restamped && marks.stamped {
            return Some(false);
        }
        if let Some(applied) = entry.fingerprints.get(path) {
            let address = entry.fingerprinted(&instance.address);
            return Some(prints.of(address, path, value).as_ref() == Some(applied));
        }
        // The attribute was not part of the last apply, so it has yet to be sent to AWS.
        marks.write_only.then_some(false)
    })
}

/// An attribute whose values have fingerprints.
pub(super) struct Printed<'p> {
    /// Its schema, if it is a field of the kind.
    pub(super) field: Option<&'p Node>,
    scope: &'p Scope,
    /// The address that fingerprints are taken with.
    address: &'p Address,
    name: &'p str,
    ledger: &'p Ledger,
}

impl<'p> Printed<'p> {
    pub(super) fn new(
        kind: &'p dyn ErasedKind,
        scope: &'p Scope,
        address: &'p Address,
        name: &'p str,
        ledger: &'p Ledger,
    ) -> Self {
        let field = kind.schema().spec.fields().and_then(|fields| fields.get(name));
        Self { field, scope, address, name, ledger }
    }

    /// The fingerprint of a value, independent of spelling. Only values that AWS cannot return are
    /// taken exactly as the stack spells them.
    pub(super) fn print(&self, value: &Value) -> Option<String> {
        let prints = self.ledger.fingerprints();
        match self.field.filter(|field| !field.marks.unreadable()) {
            Some(field) => {
                let value = canonical(field, value, self.scope);
                prints.of(self.address, self.name, &value).map(of_canonical)
            }
            None => prints.of(self.address, self.name, value),
        }
    }

    /// Returns whether a fingerprint belongs to this value, in any spelling. Fingerprints of earlier
    /// versions fit one spelling only.
    pub(super) fn fits(&self, print: &str, value: &Value) -> bool {
        let own = match is_of_canonical(print) {
            true => self.print(value),
            false => self.ledger.fingerprints().of(self.address, self.name, value),
        };
        own.as_deref() == Some(print)
    }
}

/// Returns whether a value is the one that was last applied, as far as that is known.
fn is_as_applied(
    instance: &Instance<'_>,
    entry: Option<&Entry>,
    name: &str,
    value: &Value,
    ledger: &Ledger,
) -> bool {
    let Some((entry, applied)) = entry.and_then(|entry| Some((entry, entry.fingerprint(name)?))) else {
        return true;
    };
    let address = entry.fingerprinted(&instance.address);
    Printed::new(instance.kind, &instance.scope(), address, name, ledger).fits(applied, value)
}

/// Sets `want` to `found` where `ignore_changes` applies.
pub(super) fn ignore(instance: &Instance<'_>, want: &mut Value, found: &Value) {
    let schema = &instance.kind.schema().spec;
    let ignored = &instance.resource.lifecycle.ignore_changes;
    for ignored in ignored {
        take_over(Some(schema), want, found, &ignored.path);
    }
    // Content is compared by its checksum, so ignoring one ignores the other.
    if let (Some(content), Some(checksum)) =
        (schema.path_of(Document::Content), schema.path_of(Document::Checksum))
        && ignored.iter().any(|ignored| ignored.path == content)
    {
        take_over(Some(schema), want, found, &checksum);
    }
    // An ignored element may need another position in a list.
    if ignored.iter().any(|ignored| ignored.path.len() > 1) {
        *want = normalize(schema, std::mem::take(want));
    }
}

/// Sets `want` to `found` at a path.
fn take_over(node: Option<&Node>, want: &mut Value, found: &Value, path: &[PathStep]) {
    let Some((step, rest)) = path.split_first() else { return };
    let inner = node.and_then(|node| node.at(std::slice::from_ref(step)));
    match (want, step) {
        (Value::Map(map), PathStep::Name(name)) => {
            let there = found.get(name);
            // Either side may lack the entry of a free map.
            let is_free = inner.is_some_and(|inner| matches!(inner.shape, Shape::Map(_)));
            match (map.get_mut(name), there) {
                (Some(value), Some(there)) if !rest.is_empty() => take_over(inner, value, there, rest),
                (Some(value), None) if !rest.is_empty() && is_free => {
                    take_over(inner, value, &Value::Null, rest);
                }
                (None, Some(there)) if !rest.is_empty() && is_free => {
                    let mut entries = Value::Map(BTreeMap::new());
                    take_over(inner, &mut entries, there, rest);
                    map.insert(name.clone(), entries);
                }
                (_, Some(there)) if rest.is_empty() => drop(map.insert(name.clone(), there.clone())),
                (Some(_), None) if rest.is_empty() => drop(map.remove(name)),
                _ => {}
            }
        }
        (Value::List(list), step) => {
            let place = |list: &[Value]| match step {
                PathStep::Index(index) => (*index < list.len()).then_some(*index),
                PathStep::Name(name) => {
                    let key = node.and_then(|node| node.key.as_deref())?;
                    list.iter().position(|one| one.get(key).and_then(Value::as_str) == Some(name))
                }
            };
            let there = found.as_list().and_then(|found| place(found).and_then(|at| found.get(at)));
            match (place(list), there) {
                (Some(at), Some(there)) if rest.is_empty() => list[at] = there.clone(),
                (Some(at), Some(there)) => take_over(inner, &mut list[at], there, rest),
                (None, Some(there)) if rest.is_empty() => list.push(there.clone()),
                (Some(at), None) if rest.is_empty() => drop(list.remove(at)),
                _ => {}
            }
        }
        _ => {}
    }
}

/// The fingerprints of an instance that has just been applied and read back.
pub fn prints(instance: &Instance<'_>, found: &Value, ledger: &Ledger) -> BTreeMap<String, String> {
    let prints = ledger.fingerprints();
    let schema = &instance.kind.schema().spec;
    let scope = instance.scope();
    let mut all = BTreeMap::new();
    for (name, value) in declared(instance) {
        let printed = Printed::new(instance.kind, &scope, &instance.address, name, ledger);
        let field = printed.field;
        let unreadable = field.is_some_and(|field| field.marks.unreadable());
        let applied = if unreadable { value } else { found.get(name).unwrap_or(value) };
        let applied = field.map_or_else(|| applied.clone(), |field| readable(field, applied));
        let applied = if value.contains_secret() { applied.into_secret() } else { applied };
        all.extend(printed.print(&applied).map(|print| (name.clone(), print)));
    }
    for (name, key, value) in map_entries(instance) {
        let path = format!("{name}.{key}");
        all.extend(prints.of(&instance.address, &path, value).map(|print| (path.clone(), print)));
    }
    for (path, _, value) in unreadable(schema, &instance.spec) {
        all.extend(prints.of(&instance.address, &path, value).map(|print| (path.clone(), print)));
    }
    for (path, value) in removed_settings::within(schema, &instance.spec) {
        all.extend(prints.of(&instance.address, &path, &value).map(|print| (path.clone(), print)));
    }
    for (name, value) in tags(instance, &ledger.stack, &ledger.env) {
        let path = format!("tags.{name}");
        all.extend(prints.of(&instance.address, &path, &value).map(|print| (path, print)));
    }
    all
}

/// Removes the parts of a value that AWS cannot return. A value that AWS cannot return at all is
/// kept.
pub(super) fn readable(node: &Node, value: &Value) -> Value {
    match (&node.shape, value) {
        (Shape::Object { fields, .. }, Value::Map(map)) => {
            let entries = map
                .iter()
                .filter(|(name, _)| !fields.get(*name).is_some_and(|field| field.marks.unreadable()));
            let entries = entries.map(|(name, value)| {
                let value = fields.get(name).map_or_else(|| value.clone(), |field| readable(field, value));
                (name.clone(), value)
            });
            Value::Map(entries.collect())
        }
        (Shape::Map(element), Value::Map(map)) => {
            Value::Map(map.iter().map(|(name, value)| (name.clone(), readable(element, value))).collect())
        }
        (Shape::List { element, .. }, Value::List(list)) => {
            Value::List(list.iter().map(|value| readable(element, value)).collect())
        }
        _ => value.clone(),
    }
}

/// Above this number of texts, they are not distinguished.
const MAX_SECRETS: usize = 64;

/// For each attribute that is partly secret, the fingerprints of its secret parts, both as declared
/// and as AWS returns them: see [`Entry::secrets`].
pub fn prints_of_secrets(
    instance: &Instance<'_>,
    found: &Value,
    ledger: &Ledger,
) -> BTreeMap<String, BTreeSet<String>> {
    let fields = instance.kind.schema().spec.fields();
    let partly = declared(instance)
        .filter(|(_, value)| !matches!(value, Value::Secret(_)) && value.contains_secret())
        .map(|(name, value)| {
            let field = fields.and_then(|fields| fields.get(name));
            let (there, _) = conceal(field, found.get(name).unwrap_or(&Value::Null), value);
            let mut texts = Texts::of(value).secret;
            texts.extend(Texts::of(&there).secret);
            (name, texts)
        })
        .filter(|(_, texts)| texts.len() <= MAX_SECRETS);
    partly
        .map(|(name, texts)| {
            let prints =
                texts.into_iter().filter_map(|text| of_secret(&instance.address, name, text, ledger));
            (name.clone(), prints.collect())
        })
        .collect()
}

fn of_secret(address: &Address, name: &str, text: String, ledger: &Ledger) -> Option<String> {
    ledger.fingerprints().of(address, name, &Value::from(text).into_secret())
}

/// Marks values as secret that were applied as secrets, because AWS returns them in the open.
/// `found` is in canonical form. Values that are open in `desired` stay open; those that are secret
/// in `desired` are not handled here.
pub(super) fn mark(
    address: &Address,
    entry: &Entry,
    found: &mut Value,
    desired: &Value,
    schema: &Node,
    ledger: &Ledger,
) {
    let Value::Map(found) = found else { return };
    for (name, live) in found {
        let desired = desired.get(name).unwrap_or(&Value::Null);
        let field = schema.fields().and_then(|fields| fields.get(name));
        let is_secret = |path: &str| entry.fingerprints.get(path).is_some_and(|print| is_of_secret(print));
        match (field.map(|field| &field.shape), live) {
            // Each entry of a free map has its own fingerprint.
            (Some(Shape::Map(_)), Value::Map(entries)) => {
                for (key, live) in entries.iter_mut().filter(|(key, _)| is_secret(&format!("{name}.{key}"))) {
                    mark_secret(address, entry, name, live, desired.get(key).unwrap_or(&Value::Null), ledger);
                }
            }
            (_, live) if is_secret(name) => mark_secret(address, entry, name, live, desired, ledger),
            _ => {}
        }
    }
}

/// Marks a value as secret, or those parts of it that were applied as secrets.
fn mark_secret(
    address: &Address,
    entry: &Entry,
    name: &str,
    live: &mut Value,
    desired: &Value,
    ledger: &Ledger,
) {
    if !matches!(live, Value::List(_) | Value::Map(_)) {
        *live = std::mem::take(live).into_secret();
        return;
    }
    // The value is as applied, so `desired` says what is secret in it.
    if same(live, desired) && desired.contains_secret() {
        return;
    }
    let (there, declared) = (Texts::of(live), Texts::of(desired));
    let known = declared.open.union(&declared.secret).cloned().collect();
    let mut secrets: BTreeSet<String> = there.open.difference(&known).cloned().collect();
    if let Some(prints) = entry.secrets.get(name).filter(|_| secrets.len() <= MAX_SECRETS) {
        let address = entry.fingerprinted(address);
        secrets.retain(|text| {
            of_secret(address, name, text.clone(), ledger).is_some_and(|print| prints.contains(&print))
        });
    }
    hide(live, &secrets.iter().collect(), &declared.open);
}

/// The entries of an instance's free maps. In a map that others also write to, these are ours.
fn map_entries<'i>(instance: &'i Instance<'_>) -> impl Iterator<Item = (&'i str, &'i str, &'i Value)> {
    let fields = instance.kind.schema().spec.fields().into_iter().flatten();
    let maps = fields.filter(|(_, field)| matches!(field.shape, Shape::Map(_)) && !field.marks.unreadable());
    maps.flat_map(|(name, _)| {
        let map = instance.spec.get(name).and_then(Value::as_map).into_iter().flatten();
        map.map(|(key, value)| (name.as_str(), key.as_str(), value))
    })
}

/// The provisional fingerprints of an apply that is about to begin; the final ones replace them
/// once it is done. They record only which values are secret, values that cannot be changed later,
/// and settings that only dwctl uses. `address` is the one that fingerprints are taken with.
pub fn intended_prints(
    instance: &Instance<'_>,
    address: &Address,
    ledger: &Ledger,
) -> BTreeMap<String, String> {
    let prints = ledger.fingerprints();
    let schema = &instance.kind.schema().spec;
    let scope = instance.scope();
    let print = |path: &str, value: &Value, lasts: bool| {
        let printed = Printed::new(instance.kind, &scope, address, path, ledger);
        let of = |value: &Value| printed.print(value);
        let print = match value.contains_secret() {
            true => of(&value.clone().into_secret()),
            false if lasts => of(value),
            false => None,
        };
        print.unwrap_or_default()
    };
    let mut all = BTreeMap::new();
    for (name, value) in declared(instance) {
        let field = schema.fields().and_then(|fields| fields.get(name));
        all.insert(name.clone(), print(name, value, field.is_some_and(|field| field.marks.replace)));
    }
    for (name, key, value) in map_entries(instance) {
        let path = format!("{name}.{key}");
        all.insert(path.clone(), print(&path, value, false));
    }
    for (path, value) in removed_settings::within(schema, &instance.spec) {
        all.insert(path.clone(), print(&path, &value, false));
    }
    for (path, field, value) in unreadable(schema, &instance.spec) {
        // A value other than the default may not have been sent by then, so it will be sent again.
        let lasts = field.marks.local || field.default.as_ref() == Some(value);
        let known = if lasts { prints.of(address, &path, value) } else { None };
        all.insert(path, known.unwrap_or_default());
    }
    all
}
