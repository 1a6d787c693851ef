//! The expressions of a stack: `"${…}"` in HCL's own syntax, over [`Value`].
//!
//! [`Template::parse`] turns a TOML string into a tree once; [`Template::evaluate`]
//! walks it in a [`Scope`]. Nothing here does I/O except the `file` functions, and
//! those read through [`Scope::files`].

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
use tree::Part;

/// Gives all values one type, as the items of a list have in Terraform; leaves them as they are
/// where there is none.
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
    /// Parses `text`, the decoded string whose content lies at `span` of its file.
    /// `exact` says that the bytes there equal `text` (no escapes), so that places
    /// inside of it can be shown; otherwise every place is the whole `span`.
    ///
    /// # Errors
    ///
    /// Where the text is not a template, nests too deeply, or calls a function that
    /// there is not.
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

    /// The text, if there is no expression in it.
    pub fn is_literal(&self) -> Option<&str> {
        match &self.content {
            Content::Literal(text) => Some(text),
            Content::Parts { .. } => None,
        }
    }

    /// Everything it refers to, in the order of writing, without names that a `for`
    /// inside of it binds.
    pub fn references(&self) -> Vec<Reference> {
        match &self.content {
            Content::Literal(_) => Vec::new(),
            Content::Parts { references, .. } => references.clone(),
        }
    }

    /// Its value: that of the expression where it is nothing but `${expression}`,
    /// a string otherwise. A set becomes a list.
    ///
    /// # Errors
    ///
    /// Every error of the parts that can be evaluated on their own.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
        self.evaluate_as(scope, false).map(Value::listed)
    }

    /// As [`Template::evaluate`], for what other expressions refer to: a set stays one.
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

    /// Where its text lies.
    pub fn span(&self) -> Span {
        self.span
    }
}
