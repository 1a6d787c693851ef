//! The changes of a saved plan, and the state they rely on, as fingerprints.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::graph::Address;
use crate::ledger::Fingerprints;
use crate::plan::detail::path_text;
use crate::plan::{Action, Change, Plan, Reason};
use crate::value::Value;

/// The change of one resource in a saved plan, and the state it relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedChange {
    /// Its address.
    pub address: Address,
    /// `create`, `update`, `replace`, `replace-create-first`, `delete`, `forget`, `no-op`.
    pub action: String,
    /// The reason, in words.
    pub reason: String,
    /// The physical id, if it existed.
    pub id: Option<String>,
    /// The region.
    pub region: String,
    /// The account, if it is not the stack's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The previous address.
    pub moved_from: Option<Address>,
    /// The plan takes ownership of it.
    pub imported: bool,
    /// Fingerprints of everything AWS returned for it, by attribute, if it is deleted or replaced.
    pub live: Option<BTreeMap<String, String>>,
    /// The differences, in the plan's order.
    pub attributes: Vec<SavedAttribute>,
}

/// One difference of a saved plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedAttribute {
    /// The path of the attribute.
    pub path: String,
    /// The fingerprint of the live value.
    pub before: Option<String>,
    /// The fingerprint of the desired value.
    pub after: Option<String>,
    /// The change forces a replacement of the resource.
    pub forces_replacement: bool,
}

fn changed(path: &str) -> String {
    format!("`{path}` was changed at AWS")
}

/// An address and, for a deposed resource, its id.
pub(super) type Key<'k> = (&'k Address, Option<&'k str>);

pub(super) fn key_of(change: &Change) -> Key<'_> {
    let deposed = change.reason == Reason::Deposed;
    (&change.address, change.id.as_deref().filter(|_| deposed))
}

impl SavedChange {
    pub(super) fn key(&self) -> Key<'_> {
        let deposed = self.reason.starts_with(&reason(&Reason::Deposed));
        (&self.address, self.id.as_deref().filter(|_| deposed))
    }

    fn of(change: &Change, prints: &Fingerprints) -> Self {
        let print = |path: &str, value: &Value| print(prints, &change.address, path, value);
        let destructive = matches!(change.action, Action::Delete | Action::Replace { .. });
        let live = change.live.as_ref().filter(|_| destructive).map(|live| {
            // The live values, except those that AWS cannot return and those that are secret.
            let attributes = change.existing.as_map().into_iter().flatten();
            let attributes = attributes.map(|(name, value)| (name.clone(), print(name, value)));
            let tags = live.tags.iter().map(|(name, tag)| {
                let path = format!("tags.{name}");
                let print = print(&path, &Value::from(tag.as_str()));
                (path, print)
            });
            attributes.chain(tags).collect()
        });
        let attributes = change.attributes.iter().map(|one| {
            let path = path_text(&one.path);
            SavedAttribute {
                before: one.before.as_ref().map(|value| print(&path, value)),
                after: one.after.as_ref().map(|value| print(&path, value)),
                forces_replacement: one.forces_replacement,
                path,
            }
        });
        Self {
            address: change.address.clone(),
            action: action(change.action).to_owned(),
            reason: why(change),
            id: change.id.clone(),
            region: change.place.region.clone(),
            account: change.place.account.clone(),
            moved_from: change.moved_from.clone(),
            imported: change.is_taken_over(),
            live,
            attributes: attributes.collect(),
        }
    }

    /// The differences between this change and the one that is planned `now`.
    pub(super) fn since(&self, now: &Self) -> Vec<String> {
        if self == now {
            return Vec::new();
        }
        let mut notes = Vec::new();
        let vanished = reason(&Reason::Vanished);
        if self.reason != vanished && now.reason == vanished {
            notes.push(format!("planned: {} ({}); now it is gone from AWS", self.action, self.reason));
        } else if self.action != now.action || self.reason != now.reason {
            notes.push(format!(
                "planned: {} ({}); now it is {} ({})",
                self.action, self.reason, now.action, now.reason
            ));
        }
        let same = |one: &Self| (one.id.clone(), one.region.clone(), one.account.clone());
        if self.id.is_some() && now.id.is_some() && same(self) != same(now) {
            notes.push("it is no longer the same resource at AWS".to_owned());
        }
        // If the action differs, the attributes add nothing.
        if self.action != now.action {
            return notes;
        }
        for one in now.attributes.iter().filter(|one| !self.attributes.contains(one)) {
            notes.push(match self.attributes.iter().find(|then| then.path == one.path) {
                None => format!("`{}` now differs as well", one.path),
                Some(then) if then.before != one.before => changed(&one.path),
                Some(_) => format!("the desired value of `{}` changed", one.path),
            });
        }
        for then in &self.attributes {
            if !now.attributes.iter().any(|one| one.path == then.path) {
                notes.push(format!("`{}` no longer differs", then.path));
            }
        }
        let none = BTreeMap::new();
        let (then, now) = (self.live.as_ref().unwrap_or(&none), now.live.as_ref().unwrap_or(&none));
        let paths: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        for path in paths.into_iter().filter(|path| then.get(*path) != now.get(*path)) {
            let note = changed(path);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        if notes.is_empty() {
            notes.push("its owner, or the order of its differences, changed".to_owned());
        }
        notes
    }
}

pub(super) fn facts(plan: &Plan, prints: &Fingerprints) -> Vec<SavedChange> {
    plan.effective().map(|change| SavedChange::of(change, prints)).collect()
}

fn action(action: Action) -> &'static str {
    match action {
        Action::NoOp => "no-op",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace { create_first: false } => "replace",
        Action::Replace { create_first: true } => "replace-create-first",
        Action::Delete => "delete",
        Action::Forget => "forget",
    }
}

/// The reason, and what else happens because of it.
fn why(change: &Change) -> String {
    let released = change.releases.iter().map(|one| format!("; releases {}", one.held));
    std::iter::once(reason(&change.reason)).chain(released).collect()
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Same => "as declared".to_owned(),
        Reason::New => "new".to_owned(),
        Reason::Vanished => "gone from AWS".to_owned(),
        Reason::Differs => "differs".to_owned(),
        Reason::Releases => "releases for a moment".to_owned(),
        Reason::Forced(paths) => {
            let paths: Vec<String> = paths.iter().map(|path| path_text(path)).collect();
            format!("forced by {}", paths.join(", "))
        }
        Reason::Requested => "requested".to_owned(),
        Reason::Triggered(address) => format!("triggered by {address}"),
        Reason::Moved { from } => format!("moved from {from}"),
        Reason::Undeclared => "no longer declared".to_owned(),
        Reason::Deposed => "replaced earlier".to_owned(),
        Reason::Unselected => "not selected".to_owned(),
        Reason::Destroy => "everything is destroyed".to_owned(),
    }
}

/// The fingerprint of a value that may be partly unknown. The sources of unknown parts are
/// included.
pub(super) fn print(prints: &Fingerprints, address: &Address, path: &str, value: &Value) -> String {
    let whole = match value.first_unknown() {
        None => value.clone(),
        Some(_) => without_unknowns(value),
    };
    // A value without unknowns always has a fingerprint, unless Argon2 rejects its constant
    // parameters. Without one, the fact must never match.
    prints.of(address, path, &whole).unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

fn without_unknowns(value: &Value) -> Value {
    match value {
        Value::Unknown(unknown) => Value::map([("unknown", Value::String(format!("{unknown:?}")))]),
        Value::List(items) => Value::List(items.iter().map(without_unknowns).collect()),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), without_unknowns(value))).collect())
        }
        Value::Secret(inner) => Value::Secret(Box::new(without_unknowns(inner))),
        plain => plain.clone(),
    }
}
