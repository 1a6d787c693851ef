//! Conditions with their messages: validations of variables, preconditions, postconditions and checks.

use super::node::{Content, Node};
use crate::diag::{Diagnostic, Span, a};
use crate::lang::{self, Reference, Scope};
use crate::value::{Unknown, Value};

/// Maximum number of values shown of a condition that is not met.
const SHOWN: usize = 5;
/// Maximum number of characters of a value in a message.
const LONGEST_VALUE: usize = 200;

/// The value as messages show it; a secret is hidden.
pub fn shown(value: &Value) -> String {
    if value.contains_secret() {
        return "sensitive, and not shown".to_owned();
    }
    let text = match value.to_json() {
        Ok(json) => json.to_string(),
        Err(_) => return "not known".to_owned(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A condition and the message that is shown if it is not met.
#[derive(Clone, Debug)]
pub struct Condition {
    /// An expression that must be true.
    pub condition: Node,
    /// The message; it may contain expressions.
    pub message: Node,
    /// The place of its table.
    pub span: Span,
}

/// The result of a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is met.
    Met,
    /// It is not met. The message never contains a secret.
    Failed(String),
    /// It depends on this value, which is not known yet.
    Unknown(Unknown),
}

impl Condition {
    /// Evaluates the condition, and the message if it is not met. Returns `None` if the condition has an
    /// error, which is added to `problems`. Terraform's rules hold: a text such as `"true"` counts as
    /// a bool, and null is an error.
    pub fn evaluate(&self, scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Option<Verdict> {
        let before = problems.len();
        let value = self.condition.evaluate(scope, problems).reveal();
        if problems.len() > before {
            return None;
        }
        if let Value::Unknown(unknown) = value {
            return Some(Verdict::Unknown(unknown));
        }
        match lang::to_bool(&value) {
            Some(true) => Some(Verdict::Met),
            Some(false) => Some(Verdict::Failed(self.text(scope, problems))),
            None => {
                problems.push(self.no_bool(&value));
                None
            }
        }
    }

    /// The error for a condition that is not met: `subject` is what it protects, such as an address.
    pub fn failure(&self, code: &'static str, subject: &str, message: &str) -> Diagnostic {
        Diagnostic::error(code, format!("{subject}: {message}"))
            .at(self.condition.span, "this condition is not met")
    }

    /// Adds to an error the values that the condition refers to, as far as they may be shown.
    pub fn with_values(&self, mut error: Diagnostic, scope: &dyn Scope) -> Diagnostic {
        let mut told: Vec<String> = Vec::new();
        for reference in self.condition.references() {
            let Ok((value, taken)) = scope.resolve(&reference) else { continue };
            let name = reference.to_string();
            let is_small = matches!(
                value.clone().reveal(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)
            );
            if taken < reference.steps.len() || !is_small || told.contains(&name) || told.len() == SHOWN {
                continue;
            }
            error = error.note(format!("`{name}` is {}", shown(&value)));
            told.push(name);
        }
        error
    }

    /// All references of the condition and its message.
    pub fn references(&self) -> Vec<Reference> {
        [&self.condition, &self.message].into_iter().flat_map(Node::references).collect()
    }

    fn text(&self, scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> String {
        let before = problems.len();
        let value = self.message.evaluate(scope, problems);
        if problems.len() > before {
            return "the condition is not met, and its message has an error".to_owned();
        }
        if value.contains_secret() {
            return "the condition is not met; its message contains a secret and is not shown".to_owned();
        }
        if let Some(unknown) = value.first_unknown() {
            return format!("the condition is not met; its message is not known yet: {unknown}");
        }
        match lang::to_text(&value) {
            // A diagnostic has one line.
            Some(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            None => {
                problems.push(
                    Diagnostic::error(
                        "wrong-type",
                        format!("`message` must be a string, not {}", is_a(&value)),
                    )
                    .at(self.message.span, "expected a string"),
                );
                "the condition is not met, and its message is not a string".to_owned()
            }
        }
    }

    fn no_bool(&self, value: &Value) -> Diagnostic {
        let error = Diagnostic::error(
            "wrong-type",
            format!("`condition` must be true or false, not {}", is_a(value)),
        )
        .at(self.condition.span, "expected a bool");
        match (&self.condition.content, value) {
            (Content::Literal(_), Value::String(_)) => {
                error.help("write it as an expression: condition = \"${…}\"")
            }
            (_, Value::Null) => error.help("compare with null, or use coalesce(…, false)"),
            _ => error,
        }
    }
}

/// `null`, `a number`.
fn is_a(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        other => a(other.kind_name()),
    }
}
