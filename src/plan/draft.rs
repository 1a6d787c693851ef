//! The decisions on all resources, before a part of them is selected and they are ordered.

use std::collections::BTreeMap;

use super::Change;
use crate::diag::Diagnostic;
use crate::graph::Address;

/// The decided changes.
#[derive(Default)]
pub(super) struct Draft {
    /// One change per declared or owned resource.
    pub(super) changes: BTreeMap<Address, Change>,
    /// Existing resources whose address now stands for another resource.
    pub(super) deposed: Vec<Change>,
    /// Addresses for which no decision is possible, and why. This matters only if they are selected.
    pub(super) undecided: BTreeMap<Address, Vec<Diagnostic>>,
}

impl Draft {
    /// Refuses to change a resource, for these reasons if there are any.
    pub(super) fn refuse(&mut self, address: &Address, problems: impl IntoIterator<Item = Diagnostic>) {
        let mut problems = problems.into_iter().peekable();
        if problems.peek().is_some() {
            self.undecided.entry(address.clone()).or_default().extend(problems);
        }
    }
}
