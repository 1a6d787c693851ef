//! Arguments and errors of functions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::budget::Exhausted;
use super::super::{Budget, Scope, convert};
use crate::diag::{Diagnostic, a};
use crate::files::{Files, Refusal};
use crate::value::{Number, Value};

/// The arguments of one call; their number was checked.
pub(in super::super) struct Arguments<'a> {
    values: Vec<Value>,
    /// The files that may be read.
    pub(super) files: &'a Files,
    /// The budget for evaluation.
    pub(super) budget: &'a Budget,
    /// The time of the plan, in RFC 3339.
    pub(super) planned_at: Option<&'a str>,
    /// True if the call is in a file that `templatefile` reads.
    pub(super) inside_template_file: bool,
    /// Renders the text of a template.
    pub(super) render: Render,
}

/// Renders the text of a template with these names.
pub(in super::super) type Render = fn(&str, &dyn Scope) -> Result<Value, Vec<Diagnostic>>;

/// The reason why a function has no result.
pub(in super::super) struct Problem {
    /// The argument that caused it.
    pub(in super::super) argument: Option<usize>,
    /// Its code: a stable name in kebab case.
    pub(in super::super) code: &'static str,
    /// The message; may show the arguments.
    pub(in super::super) message: String,
    pub(in super::super) notes: Vec<String>,
    /// True if the message shows no part of any argument, so that it is safe for secrets.
    pub(in super::super) shows_nothing: bool,
}

impl Problem {
    /// A problem with the content of argument `index`.
    pub(super) fn of(index: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(index), ..Self::new(message) }
    }

    /// A problem with the call as a whole.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            argument: None,
            code: "invalid-argument",
            message: message.into(),
            notes: Vec::new(),
            shows_nothing: false,
        }
    }

    /// Argument `index` has the wrong type.
    pub(super) fn wrong_type(index: usize, expected: &str, found: &Value) -> Self {
        let message = match found {
            Value::String(_) if expected == "number" || expected == "bool" => {
                format!("expected {}, found a string that is not one", a(expected))
            }
            _ => format!("expected {}, found {}", a(expected), found.kind_name()),
        };
        Self { code: "wrong-type", shows_nothing: true, ..Self::of(index, message) }
    }

    /// The file `path`, argument 0, cannot be read.
    pub(super) fn refused(refusal: &Refusal, path: &str, files: &Files) -> Self {
        if !matches!(refusal, Refusal::Outside) {
            return Self::of(0, refusal.describe(path)).code(refusal.code());
        }
        let (message, note) = match files.is_module() {
            true => (
                format!("`{path}` is outside the module's folder"),
                "a module reads its own folder alone: pass the text to it, name = '${file(\"PATH\")}' in its [module.NAME]",
            ),
            false => (
                refusal.describe(path),
                "a folder of the same git repository can be read if [stack] names it: shared = [\"../policies\"]",
            ),
        };
        let mut problem = Self::of(0, message).code(refusal.code());
        problem.notes.push(note.to_owned());
        problem
    }

    /// Replaces the code.
    pub(super) fn code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
}

/// The evaluator replaces this problem by its own message.
impl From<Exhausted> for Problem {
    fn from(_: Exhausted) -> Self {
        Self { shows_nothing: true, ..Self::new("too much").code("too-much") }
    }
}

impl<'a> Arguments<'a> {
    pub(in super::super) fn new(
        values: Vec<Value>,
        scope: &'a dyn Scope,
        inside_template_file: bool,
        render: Render,
    ) -> Self {
        Self {
            values,
            files: scope.files(),
            budget: scope.budget(),
            planned_at: scope.planned_at(),
            inside_template_file,
            render,
        }
    }

    /// Charges steps for slow work: one for about a tenth of a microsecond.
    pub(super) fn work(&self, steps: usize) -> Result<(), Problem> {
        Ok(self.budget.steps(steps as u64)?)
    }

    /// Checks that there is room for this many more bytes, before they are allocated.
    pub(super) fn room(&self, bytes: usize) -> Result<(), Problem> {
        Ok(self.budget.room(bytes as u64)?)
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The argument; null if it is not given.
    pub(super) fn get(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    /// As [`Arguments::get`], but takes the argument, leaving null.
    pub(super) fn take(&mut self, index: usize) -> Value {
        self.values.get_mut(index).map(std::mem::take).unwrap_or_default()
    }

    /// Takes all arguments from `start` on.
    pub(super) fn take_from(&mut self, start: usize) -> Vec<Value> {
        self.values.split_off(start.min(self.values.len()))
    }

    pub(super) fn text(&self, index: usize) -> Result<Cow<'_, str>, Problem> {
        let value = self.get(index);
        convert::to_text(value).ok_or_else(|| Problem::wrong_type(index, "string", value))
    }

    pub(super) fn number(&self, index: usize) -> Result<Number, Problem> {
        let value = self.get(index);
        convert::to_number(value).ok_or_else(|| Problem::wrong_type(index, "number", value))
    }

    pub(super) fn integer(&self, index: usize) -> Result<i64, Problem> {
        let number = self.number(index)?;
        number.as_i64().ok_or_else(|| {
            let expected =
                if number.is_integer() { "expected a smaller number" } else { "expected a whole number" };
            Problem::of(index, expected)
        })
    }

    /// A whole number that is not negative and fits a `usize`.
    pub(super) fn count(&self, index: usize) -> Result<usize, Problem> {
        usize::try_from(self.integer(index)?).map_err(|_| Problem::of(index, "expected a number from 0 up"))
    }

    pub(super) fn bool(&self, index: usize) -> Result<bool, Problem> {
        let value = self.get(index);
        convert::to_bool(value).ok_or_else(|| Problem::wrong_type(index, "bool", value))
    }

    pub(super) fn list(&self, index: usize) -> Result<&[Value], Problem> {
        let value = self.get(index);
        value.as_list().ok_or_else(|| Problem::wrong_type(index, "list", value))
    }

    /// Takes the items of a list or a set.
    pub(super) fn take_list(&mut self, index: usize) -> Result<Vec<Value>, Problem> {
        match self.take(index) {
            Value::List(items) | Value::Set(items) => Ok(items),
            other => Err(Problem::wrong_type(index, "list", &other)),
        }
    }

    /// Takes the items of a list. A set is refused, because its items have no positions.
    pub(super) fn take_ordered(&mut self, index: usize) -> Result<Vec<Value>, Problem> {
        match self.take(index) {
            Value::List(items) => Ok(items),
            other => Err(Problem::wrong_type(index, "list", &other)),
        }
    }

    pub(super) fn map(&self, index: usize) -> Result<&BTreeMap<String, Value>, Problem> {
        let value = self.get(index);
        value.as_map().ok_or_else(|| Problem::wrong_type(index, "map", value))
    }

    pub(super) fn take_map(&mut self, index: usize) -> Result<BTreeMap<String, Value>, Problem> {
        match self.take(index) {
            Value::Map(entries) => Ok(entries),
            other => Err(Problem::wrong_type(index, "map", &other)),
        }
    }

    /// The items of a list as strings; numbers and booleans are converted.
    pub(super) fn texts(&self, index: usize) -> Result<Vec<Cow<'_, str>>, Problem> {
        self.list(index)?
            .iter()
            .map(|item| {
                convert::to_text(item).ok_or_else(|| Problem::wrong_type(index, "list of strings", item))
            })
            .collect()
    }
}
