//! What the stack says of an address besides its settings: where it is declared, and what is to
//! happen to a resource that is not.

use std::collections::BTreeMap;

use super::{Change, Declared};
use crate::diag::{Diagnostic, Sources};
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedLive, Owner};
use crate::ledger::Entry;
use crate::stack::{Moved, Removed, Resource, Stack};

impl Change {
    /// Returns a change of an instance without any effect yet.
    pub(super) fn of(instance: &Instance<'_>, sources: &Sources) -> Self {
        Self {
            needs: instance.needs.clone(),
            declared: Some(declaration(instance.resource, sources)),
            ..Self::none(instance.address.clone(), instance.place.clone())
        }
    }
}

/// The location of the `[stack]` block.
pub(super) fn heading(stack: &Stack) -> Declared {
    Declared {
        file: stack.sources.path(stack.span.file).to_owned(),
        line: stack.sources.line(stack.span),
        attributes: BTreeMap::new(),
    }
}

/// The location of a resource's declaration.
pub(super) fn declaration(resource: &Resource, sources: &Sources) -> Declared {
    let written = resource.body.entries().iter();
    let mut attributes: BTreeMap<String, usize> =
        written.map(|entry| (entry.name.clone(), sources.line(entry.span))).collect();
    if let Some(tags) = &resource.tags {
        attributes.insert("tags".to_owned(), sources.line(tags.span));
    }
    if let Some(for_each) = &resource.for_each {
        attributes.insert(Declared::FOR_EACH.to_owned(), sources.line(for_each.span));
    }
    Declared {
        file: sources.path(resource.span.file).to_owned(),
        line: sources.line(resource.span),
        attributes,
    }
}

/// Returns the location of the block that an address belongs to, if the stack still has it.
pub(super) fn block_of(stack: &Stack, address: &Address) -> Option<Declared> {
    let resource = stack.resource(address)?;
    Some(declaration(resource, &stack.sources))
}

/// Returns the stack's `[[removed]]` block that covers an address.
pub(super) fn removed<'s>(stack: &'s Stack, address: &Address) -> Option<&'s Removed> {
    stack.removed.iter().find(|block| block.from.contains(address))
}

/// Returns whether a resource that is no longer declared stays at AWS.
pub(super) fn stays(stack: &Stack, address: &Address, entry: &Entry, live: Option<&ErasedLive>) -> bool {
    let tagged = live.is_some_and(|live| Owner::says(&live.tags, Owner::RETAIN));
    removed(stack, address).map_or(entry.retain || tagged, |removed| !removed.destroy)
}

/// The error for a move to an address that another resource already has.
pub(super) fn both_exist(from: &Address, to: &Address, block: &Moved) -> Diagnostic {
    Diagnostic::error("moved", format!("{from} cannot become {to}: both exist")).at(block.span, "this move")
}
