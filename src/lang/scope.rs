//! Scopes: the values of names.

use std::collections::BTreeMap;

use super::{Budget, Reference, descend};
use crate::diag::{self, Diagnostic};
use crate::files::Files;
use crate::value::Value;

/// The environment in which an expression is evaluated.
pub trait Scope {
    /// The value of the longest prefix of `reference` that the scope knows, and the number of steps in
    /// that prefix. The evaluator applies the other steps to the value.
    ///
    /// # Errors
    ///
    /// The name is not known. A diagnostic without a place is shown at the reference.
    fn resolve(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic>;

    /// The files that `file` and similar functions may read.
    fn files(&self) -> &Files;

    /// The budget for evaluation.
    fn budget(&self) -> &Budget;

    /// The time of the plan, in RFC 3339; `None` without a plan.
    fn planned_at(&self) -> Option<&str> {
        None
    }
}

/// A scope of plain names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The values by name.
    pub values: BTreeMap<String, Value>,
    /// The files of the stack.
    pub files: Files,
    /// The budget for evaluation.
    pub budget: Budget,
}

impl Scope for Names {
    fn resolve(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let Some(value) = self.values.get(&reference.root) else {
            return Err(unknown_name(&reference.root, self.values.keys().map(String::as_str))
                .at(reference.span, "not known here"));
        };
        Ok(descend(value, reference, 0))
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn budget(&self) -> &Budget {
        &self.budget
    }
}

/// The error for an unknown root name, with the most similar of `known`.
pub fn unknown_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let error = Diagnostic::error("unknown-name", format!("nothing is named `{name}` here"));
    match diag::nearest(name, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}
