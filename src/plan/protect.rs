//! Refuses the deletion of protected resources.

use super::decide::Planner;
use super::{Action, Change, Reason};
use crate::diag::{Diagnostic, Span};
use crate::graph::Address;
use crate::kind::Owner;

impl Planner<'_, '_, '_> {
    /// Refuses to delete resources that are protected, now or when they were applied.
    pub(super) fn protect(&mut self) {
        // A deposed resource was replaced with permission. One known only by an intent had no
        // successor.
        let intended = self.deposed.iter().filter(|change| change.reason == Reason::Undeclared);
        for change in self.changes.values().chain(intended) {
            if !matches!(change.action, Action::Delete | Action::Replace { .. }) {
                continue;
            }
            let is_protected = match self.declared.get(&change.address) {
                Some(terms) => terms.protect,
                None => {
                    let tagged = change.live.as_ref();
                    let tagged = tagged.is_some_and(|live| Owner::says(&live.tags, Owner::PROTECT));
                    let applied = self.entry(&change.address).map(|entry| entry.protect);
                    let intended =
                        self.inputs.ledger.intents.get(&change.address).map(|intent| intent.protect);
                    applied.or(intended) == Some(true) || tagged
                }
            };
            if is_protected {
                let problem = protected(change, self.protection(&change.address));
                self.problems.push(problem);
            }
        }
    }

    /// Returns where an address is declared to be protected.
    pub(super) fn protection(&self, address: &Address) -> Option<Span> {
        let resource = self.inputs.eval.stack.resource(address)?;
        resource.lifecycle.protect.as_ref().map(|node| node.span)
    }
}

/// The error for deleting a resource that is protected by its declaration, or was when applied.
pub(super) fn protected(change: &Change, declared: Option<Span>) -> Diagnostic {
    let verb = if change.action == Action::Delete { "destroy" } else { "replace" };
    let mut error = Diagnostic::error(
        "protected",
        format!("the plan would {verb} {}, which is protected", change.address),
    );
    if let Reason::Forced(paths) = &change.reason {
        let names: Vec<String> = paths.iter().map(|path| super::detail::path_text(path)).collect();
        error = error.note(format!("changed, and cannot be changed in place: {}", names.join(", ")));
    }
    match declared {
        Some(span) => error
            .at(span, "lifecycle.protect")
            .help("to go on, set lifecycle.protect = false and apply that first"),
        None => error
            .note("it was applied with lifecycle.protect = true, which holds though its block is gone")
            .help("to go on, declare it again with lifecycle.protect = false, and apply that first"),
    }
}
