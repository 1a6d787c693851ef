//! The function library, with Terraform's names and semantics; one file for each family.

mod arguments;
mod aws;
mod collection;
mod csv;
mod date;
mod encoding;
mod file;
mod fileset;
mod format;
mod hash;
pub(super) mod json;
mod letters;
mod network;
mod numeric;
mod pattern;
mod re2;
mod sets;
mod string;
mod text_encoding;
mod types;
mod yaml;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

pub(super) use arguments::{Arguments, Problem};
pub(super) use file::TEMPLATE_STRING;
pub(super) use string::clusters;

use crate::value::Value;

/// A function of the language.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// The names of the parameters, for messages; `?` ends an optional one, and `...` one that takes any
    /// number of arguments.
    pub(super) parameters: &'static [&'static str],
    pub(super) reads: Reads,
    pub(super) run: fn(&mut Arguments<'_>) -> Outcome,
}

pub(super) type Outcome = Result<Value, Problem>;

/// How deep a function looks into its arguments. To that depth it receives known values without
/// secret wrappers, and the caller marks the result as secret where necessary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// All levels: an unknown leaf makes the result unknown, and a secret leaf makes it secret.
    All,
    /// Only the outermost level: inner values are moved without a change.
    Surface,
    /// None: the function handles unknowns and secrets itself.
    Nothing,
}

/// All families, each a table.
static FAMILIES: [&[Function]; 11] = [
    numeric::FUNCTIONS,
    string::FUNCTIONS,
    collection::FUNCTIONS,
    sets::FUNCTIONS,
    encoding::FUNCTIONS,
    file::FUNCTIONS,
    hash::FUNCTIONS,
    date::FUNCTIONS,
    network::FUNCTIONS,
    types::FUNCTIONS,
    aws::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|function| (function.name, function)).collect()
});

pub(super) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The names of all functions, unsorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied().chain(["can", "try"])
}

impl Function {
    const fn new(
        name: &'static str,
        parameters: &'static [&'static str],
        reads: Reads,
        run: fn(&mut Arguments<'_>) -> Outcome,
    ) -> Self {
        Self { name, parameters, reads, run }
    }

    /// Checks the number of arguments. The error says how many are expected.
    pub(super) fn check_count(&self, count: usize) -> Result<(), String> {
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
