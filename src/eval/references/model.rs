//! The references that were found, before they are put in order.

use std::collections::BTreeMap;

use super::which::{At, Which};
use crate::diag::Span;
use crate::eval::scopes::ScopeId;
use crate::stack::{Entry, Output};

/// The named values of a scope, as places in the list of all.
#[derive(Default)]
pub(in crate::eval) struct Names<'a> {
    pub(in crate::eval) locals: BTreeMap<&'a str, usize>,
    pub(in crate::eval) inputs: BTreeMap<&'a str, usize>,
    pub(in crate::eval) outputs: BTreeMap<&'a str, usize>,
    /// The instances that its block has.
    pub(in crate::eval) instances: Option<usize>,
}

/// A value that expressions refer to by a name.
pub(in crate::eval) struct Named<'a> {
    pub(in crate::eval) scope: ScopeId,
    pub(in crate::eval) what: What<'a>,
    /// The declarations that it refers to directly.
    pub(super) targets: Vec<Raw>,
    /// The named values that it refers to directly.
    pub(super) needs: Vec<Need>,
    /// True if it refers to a declaration, directly or through other named values.
    pub(in crate::eval) changes: bool,
}

/// The kinds of named values.
#[derive(Clone, Copy)]
pub(in crate::eval) enum What<'a> {
    Local(&'a Entry),
    /// A variable of a module. What the block passes to it is evaluated around the module.
    Input(&'a str),
    Output(&'a Output),
    /// The `for_each` and `when` of a module's block, evaluated around the module.
    Instances,
}

/// A reference of a named value to another.
#[derive(Clone, Debug)]
pub(in crate::eval) struct Need {
    pub(in crate::eval) value: usize,
    /// The instance of a module that the other is in; `None` if it is in the same.
    pub(in crate::eval) child: Option<Which>,
}

/// A reference to a declaration in the scope of the expression.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) index: usize,
    pub(super) which: Which,
    pub(super) sees: Sees,
    pub(super) span: Span,
}

/// A reference of a declaration to another.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) index: usize,
    pub(super) at: At,
    pub(super) which: Which,
    pub(super) sees: Sees,
    pub(super) span: Span,
    /// The attribute that contains the reference, if that can be set after both exist.
    pub(super) deferrable: Option<String>,
}

/// The parts of its target that a reference uses.
#[derive(Clone, Debug)]
pub(super) enum Sees {
    /// Only the order.
    Nothing,
    Attribute(String),
    /// Attributes that only evaluation reveals.
    Everything,
}

/// Maximum number of references of all declarations, those through named values included.
pub(super) const MAX: usize = 1_000_000;
/// Maximum number of named values visited to find them.
pub(super) const MAX_VISITS: usize = 4_000_000;

/// Maximum number of steps shown of a cycle.
pub(super) const LONGEST_WAY: usize = 20;

/// `a → b → a`; a very long cycle is shortened in the middle.
pub(super) fn way(names: &[&str]) -> String {
    if names.len() <= LONGEST_WAY {
        return names.join(" → ");
    }
    let (start, end) = (&names[..LONGEST_WAY / 2], &names[names.len() - LONGEST_WAY / 2..]);
    let between = names.len() - LONGEST_WAY;
    format!("{} → … {between} more … → {}", start.join(" → "), end.join(" → "))
}
