//! Refusals of resources that exist, and that the stack does not own.

use super::ownership::OtherEnv;
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedLive, Owner};
use crate::stack::Stack;

/// The error for a resource that is not provably the stack's.
pub fn not_ours(instance: &Instance<'_>, id: &str, live: &ErasedLive, stack: &Stack) -> Diagnostic {
    let error = Diagnostic::error(
        "not-ours",
        format!("{} already exists, and nothing proves that it belongs to this stack", instance.address),
    )
    .at(instance.resource.span, "declared here")
    .note(format!("{} {id}", instance.kind.name()));
    let error = match Owner::of(&live.tags) {
        Some(owner) => error.note(format!(
            "its tags say that it is {} of stack {}/{}",
            owner.address, owner.stack, owner.env
        )),
        None if live.tags.is_empty() => error.note("it has no tags that name an owner"),
        None => error.note(format!(
            "its tags are {}",
            live.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
        )),
    };
    let error = error.note("it was left as it is");
    let Some(owner) = Owner::of(&live.tags) else {
        return error
            .help("to take it over, import it ([[import]], or --adopt); otherwise choose another name");
    };
    if owner.stack == stack.name && owner.env == stack.env {
        return error.help("it is the stack's own: [[moved]] or `dwctl ledger move` gives it this address");
    }
    match OtherEnv::of((&stack.name, &stack.env), (&owner.stack, &owner.env)) {
        Some(elsewhere) => {
            let error = elsewhere.explain(error);
            let error = error.help("to have one in each env, write `${env}` into the name");
            error.help(format!("to take it away from env `{}`: --adopt", owner.env))
        }
        None => error.help("to take it over from there, add --adopt; otherwise choose another name"),
    }
}

/// The error for creating a resource that is in the ledger and has reappeared at AWS.
pub fn still_there(address: &Address, id: &str) -> Diagnostic {
    Diagnostic::error("still-there", format!("{address} cannot be created: it already exists"))
        .note(format!("AWS did not show {id} when the plan was made, but shows it now"))
        .help("run it again: it plans with the existing resource")
}

/// The error for an import with another id than the ledger records.
pub(super) fn imported_before(instance: &Instance<'_>, id: &str, import: &str) -> Diagnostic {
    Diagnostic::error("import", format!("{} already exists", instance.address))
        .at(instance.resource.span, "declared here")
        .note(format!("it is {id}; the import names {import}"))
        .note("both were left as they are")
        .help("give the import its own address, or remove it")
}

/// The error for an import of a resource that does not exist.
pub(super) fn nothing_to_import(instance: &Instance<'_>, id: &str) -> Diagnostic {
    Diagnostic::error("import", format!("there is no {} {id} to import", instance.kind.name()))
        .at(instance.resource.span, "declared here")
        .note(format!("AWS has none in {}", instance.place))
        .help("check the id and the region; to create a new one, remove the import")
}

/// The error if a resource has another owner after a create call that does not refuse an existing one.
pub fn intruded(instance: &Instance<'_>, id: &str, live: &ErasedLive, stack: &Stack) -> Diagnostic {
    not_ours(instance, id, live, stack)
        .note("someone else created it at the same moment")
        .note("the create call may have changed its settings to those declared here")
}
