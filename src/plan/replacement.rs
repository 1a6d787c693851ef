//! The order of a replacement: whether the old or the new resource goes first.

use std::collections::{BTreeMap, BTreeSet};

use super::select::spread;
use super::{Action, Change};
use crate::aws::{Place, Scope};
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::{ErasedKind, Identity, Known, Peer};
use crate::kinds;
use crate::stack::Stack;

/// The code of diagnostics about resources that cannot be created before their predecessor is
/// deleted.
pub(super) const CODE: &str = "create-before-destroy";

/// Makes the replacements in `first` create the new resource first, and those of their direct and
/// indirect dependencies too. Otherwise a dependency would be deleted while the old resource still
/// needs it. Terraform does the same. Dependencies that cannot exist beside their predecessor are
/// left out.
pub(super) fn create_first(
    changes: &mut BTreeMap<Address, Change>,
    mut first: BTreeSet<Address>,
    scope: &Scope,
) {
    if first.is_empty() {
        return;
    }
    let needs = changes.iter().map(|(address, change)| (address.clone(), change.needs.clone())).collect();
    spread(&mut first, &needs, false);
    for (address, change) in changes {
        if change.action == (Action::Replace { create_first: false })
            && first.contains(address)
            && clash(change, scope).is_none()
        {
            change.action = Action::Replace { create_first: true };
        }
    }
}

/// Returns the resources that would have to be created before their predecessor is deleted but
/// cannot be, with the reasons: only one of the two can have something, or a dependency is deleted
/// first.
pub(super) fn clashes<'c>(
    changes: impl IntoIterator<Item = &'c Change>,
    scope: &Scope,
) -> Vec<(&'c Address, Vec<String>)> {
    let replaced = |change: &&Change| matches!(change.action, Action::Replace { .. });
    let replaced: BTreeMap<&Address, &Change> =
        changes.into_iter().filter(replaced).map(|change| (&change.address, change)).collect();
    let first = |change: &&&Change| change.action == Action::Replace { create_first: true };
    let mut clashes = Vec::new();
    for change in replaced.values().filter(first) {
        let mut reasons: Vec<String> = clash(change, scope).into_iter().collect();
        let needed = change.first().filter_map(|needed| replaced.get(needed));
        for needed in needed.filter(|needed| !first(needed)) {
            let words = format!("it needs {}, whose predecessor is destroyed first", needed.address);
            reasons.push(match clash(needed, scope) {
                Some(clash) => format!("{words}: {clash}"),
                None => words,
            });
        }
        if !reasons.is_empty() {
            clashes.push((&change.address, reasons));
        }
    }
    clashes
}

/// Returns why the old and the new resource cannot exist side by side; `None` if they can.
pub(super) fn clash(change: &Change, scope: &Scope) -> Option<String> {
    let kind = kinds::kind(&change.address.kind)?;
    let peer = |word, place, spec| {
        let address = format!("the {word} {}", change.address);
        Peer { address, kind: kind.name(), place, spec: Known(spec) }
    };
    let new = peer("new", &change.place, &change.desired);
    let old = peer("old", change.existing_place(), &change.existing);
    if let Some(problem) = kind.clash(&new, &old) {
        return Some(problem.message);
    }
    let id = |peer: &Peer<'_>| identity(kind, peer.spec, peer.place, scope).id();
    let near = new.place.is_near(old.place, kind.global());
    let same = near && id(&new).is_some_and(|new| id(&old).as_ref() == Some(&new));
    same.then(|| format!("{} would have the id of {}", new.address, old.address))
}

/// The identity of a resource in its own place, which need not be the stack's.
pub(super) fn identity(kind: &dyn ErasedKind, spec: Known<'_>, place: &Place, scope: &Scope) -> Identity {
    kind.identity(spec, &scope.at(place))
}

/// Refuses replacements that would have to create the new resource first and cannot.
pub(super) fn refuse_clashes(
    changes: &BTreeMap<Address, Change>,
    stack: &Stack,
    scope: &Scope,
) -> Vec<Diagnostic> {
    let refused = clashes(changes.values(), scope).into_iter().map(|(address, reasons)| {
        let message = format!("a new {address} cannot be created before the old one is destroyed");
        let problem = Diagnostic::error(CODE, message);
        let resource = stack.resource(address);
        let problem = match resource.map(|one| (one.span, &one.lifecycle.create_before_destroy)) {
            Some((_, Some(node))) => problem.at(node.span, "lifecycle.create_before_destroy"),
            Some((span, None)) => problem.at(span, "a resource that depends on it has lifecycle.create_before_destroy"),
            None => problem,
        };
        reasons.into_iter().fold(problem, Diagnostic::note).help(
            "give the new one another name or range; or remove lifecycle.create_before_destroy, also from its dependents, so that the old one is destroyed first",
        )
    });
    refused.collect()
}
