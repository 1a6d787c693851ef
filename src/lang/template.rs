//! A template: one string of a stack.

use super::tree::{Content, Expression, Part};
use super::{Reference, Scope, evaluate, parse};
use crate::diag::{Diagnostic, Span};
use crate::value::Value;

/// One string of a stack, parsed.
#[derive(Clone, Debug)]
pub struct Template {
    span: Span,
    content: Content,
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
        Ok(Self { span, content: parse::content(text, span, exact)? })
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
        self.evaluate_named(scope).map(Value::listed)
    }

    /// As [`Template::evaluate`], but a set stays a set. For values that other expressions refer to.
    ///
    /// # Errors
    ///
    /// As [`Template::evaluate`].
    pub fn evaluate_named(&self, scope: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
        evaluate::content(&self.content, scope, false, self.span)
    }

    /// The place of its text.
    pub fn span(&self) -> Span {
        self.span
    }
}
