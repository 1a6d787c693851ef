//! Where names get their values from.

use std::collections::BTreeMap;

use super::{Budget, Reference, Step};
use crate::diag::{self, Diagnostic};
use crate::files::Files;
use crate::value::Value;

/// What an expression is evaluated in.
pub trait Scope {
    /// The value of the longest prefix of `reference` that the scope knows, and how
    /// many of its steps that took; the evaluator applies the rest to the value.
    ///
    /// # Errors
    ///
    /// Where the name is not known. Without a place of its own the diagnostic is put
    /// at the reference.
    fn resolve(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic>;

    /// What `file` and its like may read.
    fn files(&self) -> &Files;

    /// What evaluating may take.
    fn budget(&self) -> &Budget;

    /// When the plan was made, in RFC 3339; `None` where there is no plan.
    fn planned_at(&self) -> Option<&str> {
        None
    }
}

/// A scope of plain names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The values by their first name.
    pub values: BTreeMap<String, Value>,
    /// The files of the stack.
    pub files: Files,
    /// What evaluating may take.
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

/// What the steps of `reference` from `taken` on lead to in `value`, as far as they do, and how
/// many are taken then. Going down by reference spares the copy of everything beside it.
pub fn descend(mut value: &Value, reference: &Reference, mut taken: usize) -> (Value, usize) {
    while let Some(step) = reference.steps.get(taken) {
        let inner = match (value, step) {
            (Value::Map(entries), Step::Attribute(name) | Step::Index(Value::String(name))) => {
                entries.get(name)
            }
            (Value::List(items), Step::Index(Value::Number(index))) => {
                index.as_i64().and_then(|index| items.get(usize::try_from(index).ok()?))
            }
            _ => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
        taken += 1;
    }
    (value.clone(), taken)
}

/// The error for a first name that no scope knows, with the nearest of `known`.
pub fn unknown_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let error = Diagnostic::error("unknown-name", format!("nothing is named `{name}` here"));
    match diag::nearest(name, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}
