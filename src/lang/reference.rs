//! What an expression refers to, as far as it can be said without evaluating it.

use std::fmt;

use crate::diag::Span;
use crate::value::Value;

/// The static part of a traversal: `s3_bucket.lake["raw"].arn`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The first name: `s3_bucket`.
    pub root: String,
    /// What follows it, up to the first index that is not a literal, or splat.
    pub steps: Vec<Step>,
    /// Where it is written.
    pub span: Span,
}

/// One step of a [`Reference`].
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `.name`
    Attribute(String),
    /// `["key"]`, `[0]` or `.0`: always a string or a number.
    Index(Value),
}

/// As it is written in a stack.
impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.root)?;
        self.steps.iter().try_for_each(|step| step.fmt(formatter))
    }
}

/// As it is written in a stack, with its dot or brackets.
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => write!(formatter, ".{name}"),
            Self::Index(index) => write!(formatter, "[{index:?}]"),
        }
    }
}

impl Reference {
    /// The name of step `index`, whether written `.name` or `["name"]`; `None` past
    /// the end and for numbers.
    pub fn name(&self, index: usize) -> Option<&str> {
        match self.steps.get(index)? {
            Step::Attribute(name) => Some(name),
            Step::Index(index) => index.as_str(),
        }
    }
}
