//! Determines who owns a resource in the ledger. The result is checked again right before an update
//! or deletion.

use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner};
use crate::ledger::{Entry, Ledger};
use crate::stack::DEFAULT_ENV;

/// The owner of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// The stack owns it.
    Ours,
    /// Someone else owns it, according to its tags or those of its parent.
    Theirs {
        /// The owner's name.
        owner: String,
        /// Set if the owner is this stack in another env.
        elsewhere: Option<OtherEnv>,
    },
    /// It has no owner tags, and nothing proves that it is the applied resource: someone may have
    /// recreated it.
    Unproven,
}

/// The env of this run, and another env of the same stack that owns a resource. Usually `--env` was
/// forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherEnv {
    /// The env of this run.
    ours: String,
    /// The env of the owner.
    theirs: String,
}

impl OtherEnv {
    /// Returns `None` if the owner is another stack, or this one in this env. `ours` and `theirs`
    /// are each a stack and an env.
    pub fn of(ours: (&str, &str), theirs: (&str, &str)) -> Option<Self> {
        let is_one = ours.0 == theirs.0 && ours.1 != theirs.1;
        is_one.then(|| Self { ours: ours.1.to_owned(), theirs: theirs.1.to_owned() })
    }

    /// Adds to an error which env the run uses, and how to select the other one.
    pub(super) fn explain(&self, error: Diagnostic) -> Diagnostic {
        let Self { ours, theirs } = self;
        let error = match ours.as_str() {
            DEFAULT_ENV => error.note(format!("this run is in env `{ours}`, since --env is not given")),
            _ => error.note(format!("this run is in env `{ours}`, by --env or DWCTL_ENV")),
        };
        error.help(match (ours.as_str(), theirs.as_str()) {
            (_, DEFAULT_ENV) => format!("to work on env `{theirs}`, leave out --env and DWCTL_ENV"),
            (DEFAULT_ENV, _) => format!("to work on env `{theirs}`, add --env {theirs}"),
            _ => format!("to work on env `{theirs}`, write --env {theirs}"),
        })
    }
}

/// Determines who owns a resource that the ledger records as `address`, by `entry`.
///
/// Its tags decide, since another stack that takes it over sets them. Without tags that name a
/// stack, it is ours as long as AWS shows that it is still the same resource (see
/// [`incarnation`](crate::kind::Live::incarnation)): then someone removed the tags, which is drift.
/// Entries of older versions of dwctl do not record it; for those, an id that AWS assigned is the
/// proof.
pub fn ownership(
    kind: &dyn ErasedKind,
    address: &Address,
    entry: &Entry,
    live: &ErasedLive,
    ledger: &Ledger,
) -> Ownership {
    let tag = |key: &str| live.tags.get(key).map(String::as_str);
    let (stack, env) = (tag(Owner::STACK), tag(Owner::ENV));
    let differs = |tag: Option<&str>, own: &str| tag.is_some_and(|tag| tag != own);
    if differs(stack, &ledger.stack) || differs(env, &ledger.env) {
        let what = tag(Owner::ADDRESS).unwrap_or("a resource");
        let owner = match (stack, env) {
            (Some(stack), Some(env)) => format!("{what} of stack {stack}/{env}"),
            (Some(stack), None) => format!("{what} of stack {stack}"),
            (None, env) => format!("{what} of env {}", env.unwrap_or_default()),
        };
        let elsewhere = stack.zip(env).and_then(|theirs| OtherEnv::of((&ledger.stack, &ledger.env), theirs));
        return Ownership::Theirs { owner, elsewhere };
    }
    if stack.is_some() {
        // An id that is in two places of the ledger: the tags name the right one.
        let other = tag(Owner::ADDRESS).and_then(Address::of_tag).filter(|other| other != address);
        let is_there = |other: &Address| {
            other.kind == address.kind
                && ledger
                    .resources
                    .get(other)
                    .is_some_and(|known| known.id == entry.id && known.place == entry.place)
        };
        return match other.filter(is_there) {
            Some(other) => Ownership::Theirs { owner: format!("{other} of this stack"), elsewhere: None },
            None => Ownership::Ours,
        };
    }
    let same = match &entry.incarnation {
        Some(incarnation) => {
            ledger.incarnation_fingerprint(kind.name(), &entry.place, &entry.id, live).as_ref()
                == Some(incarnation)
        }
        None => kind.assigns_ids(),
    };
    if same { Ownership::Ours } else { Ownership::Unproven }
}

/// The parent that decides who owns a child whose own tags name no owner: the resource that scopes
/// the child's id, if the ledger records it. An object in the stack's bucket is the stack's, whoever
/// wrote it last, and a subscription, which cannot be tagged, belongs to its topic's owner.
pub fn parent(
    kind: &dyn ErasedKind,
    place: &Place,
    id: &str,
    live: &ErasedLive,
    ledger: &Ledger,
) -> Option<(Address, Entry)> {
    let (parent, attribute) = kind.part_of()?;
    let of = live.spec.get(attribute)?.as_str()?;
    let is_it = |(address, entry): &(&Address, &Entry)| {
        address.kind == parent && entry.id == of && entry.place == *place && id.starts_with(of)
    };
    let (address, entry) = ledger.resources.iter().find(is_it)?;
    Some((address.clone(), entry.clone()))
}

/// Returns whether the parent decides who owns a resource, after its own tags did not.
pub fn parent_decides(kind: &dyn ErasedKind, ownership: &Ownership) -> bool {
    match ownership {
        Ownership::Ours => !kind.taggable(),
        Ownership::Theirs { .. } => false,
        Ownership::Unproven => kind.taggable(),
    }
}

/// The refusal to touch a resource in the ledger that the stack no longer owns; `None` if it still
/// does.
pub fn refusal(address: &Address, id: &str, ownership: &Ownership, declared: bool) -> Option<Diagnostic> {
    let error = Diagnostic::error("not-ours", format!("{address} no longer belongs to this stack"))
        .note(format!("{} {id}", address.kind));
    let error = match ownership {
        Ownership::Ours => return None,
        Ownership::Theirs { owner, .. } => error.note(format!("its tags say that it is {owner}")),
        Ownership::Unproven => error
            .note("no tags name an owner, and nothing proves that it is the resource that was applied")
            .note("somebody may have deleted and recreated it"),
    };
    let error = error.note("it was left as it is");
    let error = match ownership {
        Ownership::Theirs { elsewhere: Some(elsewhere), .. } => elsewhere.explain(error),
        _ => error,
    };
    let error = if declared { error.help("to take it back, add --adopt") } else { error };
    Some(error.help(format!("to give it up: dwctl ledger forget '{address}'")))
}
