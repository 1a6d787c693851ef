//! Refuses the deletion of protected resources.

use std::collections::BTreeMap;

use super::addresses::Addresses;
use super::{Action, Change, Inputs, Origin, Reason};
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::Owner;
use crate::schema::path_text;
use crate::stack::Stack;

/// Refuses to delete resources that are protected, now or when they were applied.
pub(super) fn protect(
    changes: &BTreeMap<Address, Change>,
    deposed: &[Change],
    inputs: &Inputs<'_, '_>,
    addresses: &Addresses<'_>,
) -> Vec<Diagnostic> {
    // A deposed resource was replaced with permission. One known only by an intent had no successor.
    let intended = deposed.iter().filter(|change| change.origin == Origin::Intent);
    let goes = |change: &&Change| matches!(change.action, Action::Delete | Action::Replace { .. });
    let is_protected = |change: &&Change| match addresses.declared().get(&change.address) {
        Some(terms) => terms.protect,
        None => {
            let tagged = change.live.as_ref().is_some_and(|live| Owner::says(&live.tags, Owner::PROTECT));
            let applied = match change.origin {
                Origin::Intent => inputs.ledger.intents.get(&change.address).map(|intent| intent.protect),
                _ => addresses.entry(&change.address).map(|entry| entry.protect),
            };
            applied == Some(true) || tagged
        }
    };
    let refused = changes.values().chain(intended).filter(goes).filter(is_protected);
    refused.map(|change| protected(change, inputs.eval.stack)).collect()
}

/// The error for deleting a resource that is protected by its declaration, or was when applied.
pub(super) fn protected(change: &Change, stack: &Stack) -> Diagnostic {
    let lifecycle = stack.resource(&change.address).map(|resource| &resource.lifecycle);
    let declared = lifecycle.and_then(|lifecycle| lifecycle.protect.as_ref()).map(|node| node.span);
    let verb = if change.action == Action::Delete { "destroy" } else { "replace" };
    let mut error = Diagnostic::error(
        "protected",
        format!("the plan would {verb} {}, which is protected", change.address),
    );
    if let Reason::Forced(paths) = &change.reason {
        let names: Vec<String> = paths.iter().map(|path| path_text(path)).collect();
        error = error.note(format!("changed, and cannot be changed in place: {}", names.join(", ")));
    }
    match declared {
        Some(span) => error
            .at(span, "lifecycle.protect")
            .help("to continue, set lifecycle.protect = false and apply that first"),
        None => error
            .note("it was applied with lifecycle.protect = true, which still applies after its block is removed")
            .help("to continue, declare it again with lifecycle.protect = false, and apply that first"),
    }
}
