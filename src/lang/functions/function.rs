//! A function of the language, without the table of all.

use std::fmt;

use super::{Arguments, Problem};
use crate::value::Value;

/// The function whose template must be a reference.
pub(in super::super) const TEMPLATE_STRING: &str = "templatestring";

/// A function of the language.
pub(in super::super) struct Function {
    pub(in super::super) name: &'static str,
    /// The names of the parameters, for messages; `?` ends an optional one, and `...` one that takes any
    /// number of arguments.
    pub(in super::super) parameters: &'static [&'static str],
    pub(in super::super) reads: Reads,
    pub(in super::super) run: fn(&mut Arguments<'_>) -> Outcome,
}

pub(in super::super) type Outcome = Result<Value, Problem>;

/// How deep a function looks into its arguments. To that depth it receives known values without
/// secret wrappers, and the caller marks the result as secret where necessary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Reads {
    /// All levels: an unknown leaf makes the result unknown, and a secret leaf makes it secret.
    All,
    /// Only the outermost level: inner values are moved without a change.
    Surface,
    /// None: the function handles unknowns and secrets itself.
    Nothing,
}

impl Function {
    pub(super) const fn new(
        name: &'static str,
        parameters: &'static [&'static str],
        reads: Reads,
        run: fn(&mut Arguments<'_>) -> Outcome,
    ) -> Self {
        Self { name, parameters, reads, run }
    }

    /// Checks the number of arguments. The error says how many are expected.
    pub(in super::super) fn check_count(&self, count: usize) -> Result<(), String> {
        let required =
            self.parameters.iter().filter(|name| !name.ends_with('?') && !name.ends_with("...")).count();
        let variadic = self.parameters.last().is_some_and(|name| name.ends_with("..."));
        if count >= required && (variadic || count <= self.parameters.len()) {
            return Ok(());
        }
        let noun = if count == 1 { "argument" } else { "arguments" };
        Err(format!("`{}({})` was given {count} {noun}", self.name, self.parameters.join(", ")))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}
