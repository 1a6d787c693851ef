//! Warnings of a plan, and errors of AWS's answers.

use super::{Action, Change, Reason, warning};
use crate::aws::{Error, Place};
use crate::diag::{Diagnostic, counted};
use crate::kind::State;
use crate::stack::Stack;

/// A warning if the stack's region changed: everything it has is replaced by new resources there.
pub(super) fn moved_region<'c>(
    stack: &Stack,
    changes: impl Iterator<Item = &'c Change>,
) -> Option<Diagnostic> {
    let left: Vec<&Place> = changes
        .filter(|change| {
            change.place.region == stack.region && change.place.account == change.existing_place().account
        })
        .filter_map(|change| match &change.reason {
            Reason::Moved { from } => Some(from),
            _ => None,
        })
        .collect();
    let from = left.first()?;
    let count = counted(left.iter().filter(|one| one == &from).count(), "resource");
    let verb = if left.len() == 1 { "is" } else { "are" };
    let what = format!(
        "{count} of {}/{} {verb} in {from}, but the stack is in {}",
        stack.name, stack.env, stack.region
    );
    Some(
        Diagnostic::warning(warning::REGION, what)
            .note(format!("an apply creates new ones in {}, and destroys those in {from}", stack.region))
            .help(format!(
                "if that is not intended, write region = \"{}\" in [stack], or in [stack] of env/{}.toml",
                from.region, stack.env
            )),
    )
}

/// The error for a resource that cannot be read; `id` may be empty.
pub fn read_failed(address: &str, id: &str, error: &Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("read-failed", format!("cannot read {address}"))
        .note(format!("AWS answered: {error}"));
    if !id.is_empty() {
        diagnostic = diagnostic.note(format!("its id is {id}"));
    }
    let diagnostic = diagnostic.request(error.request_id.as_deref());
    match error.advice("try again") {
        Some(advice) => diagnostic.help(advice),
        None => diagnostic,
    }
}

/// A warning if the resource matches its declaration while AWS is still working on it: an apply has
/// nothing to change there.
pub(super) fn busy(change: &Change) -> Option<Diagnostic> {
    let State::Busy(state) = &change.live.as_ref()?.state else { return None };
    let words =
        format!("{} matches its declaration, but AWS is still working on it: {state}", change.address);
    (change.action == Action::NoOp).then(|| Diagnostic::warning(warning::BUSY, words))
}
