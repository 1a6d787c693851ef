//! The expressions of a stack: `"${…}"` in HCL's own syntax, with values of type [`Value`].
//!
//! [`Template::parse`] turns a TOML string into a tree once; [`Template::evaluate`] evaluates it
//! in a [`Scope`]. Nothing here does I/O except the `file` functions, and they read through
//! [`Scope::files`].

mod budget;
mod convert;
mod evaluate;
mod functions;
mod parse;
mod reference;
mod scope;
mod tree;
mod unify;

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests;

pub use budget::Budget;
pub use reference::{Reference, Step};
pub use scope::{Names, Scope, descend, unknown_name};

use crate::diag::{Diagnostic, Span};
use crate::value::Value;
use evaluate::Evaluator;
use tree::{Expression, Part};

/// Converts all values to one type, like the items of a list in Terraform. If there is none, leaves
/// them as they are and returns false.
pub fn unify(values: &mut [Value]) -> bool {
    unify::unify(values)
}

/// One string of a stack, parsed.
#[derive(Clone, Debug)]
pub struct Template {
    span: Span,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Literal(String),
    Parts { parts: Vec<Part>, references: Vec<Reference> },
}

impl Template {
    /// Parses `text`, the decoded string whose content lies at `span` of its file. With `exact`, the
    /// bytes there equal `text` (no escapes), so that places within it can be shown; otherwise every
    /// place is the whole `span`.
    ///
    /// # Errors
    ///
    /// The text is not a template, nests too deeply, or calls an unknown function.
    pub fn parse(text: &str, span: Span, exact: bool) -> Result<Self, Diagnostic> {
        let content = match parse::literal(text) {
            Some(literal) => Content::Literal(convert::normal(literal)),
            None => {
                let (parts, references) = parse::template(text, span, exact)?;
                Content::Parts { parts, references }
            }
        };
        Ok(Self { span, content })
    }

    /// The text, if it contains no expression.
    pub fn is_literal(&self) -> Option<&str> {
        match &self.content {
            Content::Literal(text) => Some(text),
            Content::Parts { .. } => None,
        }
    }

    /// All references in it, in the order of the text, without names that a `for` within it binds.
    pub fn references(&self) -> Vec<Reference> {
        match &self.content {
            Content::Literal(_) => Vec::new(),
            Content::Parts { references, .. } => references.clone(),
        }
    }

    /// The reference, if the text is just `${reference}`.
    pub fn reference(&self) -> Option<&Reference> {
        match &self.content {
            Content::Parts { parts, .. } => match parts.as_slice() {
                [Part::Value(node)] => match &node.expression {
                    Expression::Reference(reference) => Some(reference),
                    _ => None,
                },
                _ => None,
            },
            Content::Literal(_) => None,
        }
    }

    /// Its value: a string, or the value of the expression if the text is just `${expression}`. A set
    /// becomes a list.
    ///
    /// # Errors
    ///
    /// Every error of the parts that can be evaluated independently.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
        self.evaluate_as(scope, false).map(Value::listed)
    }

    /// As [`Template::evaluate`], but a set stays a set. For values that other expressions refer to.
    ///
    /// # Errors
    ///
    /// As [`Template::evaluate`].
    pub fn evaluate_named(&self, scope: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
        self.evaluate_as(scope, false)
    }

    /// As [`Template::evaluate`], for a file that `templatefile` reads.
    fn evaluate_file(&self, scope: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
        self.evaluate_as(scope, true)
    }

    fn evaluate_as(&self, scope: &dyn Scope, inside_template_file: bool) -> Result<Value, Vec<Diagnostic>> {
        match &self.content {
            Content::Literal(text) => Ok(text.as_str().into()),
            Content::Parts { parts, .. } => {
                Evaluator::new(scope, inside_template_file, self.span).evaluate_template(parts)
            }
        }
    }

    /// The place of its text.
    pub fn span(&self) -> Span {
        self.span
    }
}
