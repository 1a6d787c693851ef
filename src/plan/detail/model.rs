//! The differences inside a resource, as values.

use crate::plan::diff::Cause;
use crate::value::Value;

pub use crate::schema::RiskSort as RiskLabel;

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// The attribute, as a reference writes it: `policies.access`.
    pub attribute: String,
    /// The part of the attribute, in the terms of its domain: a policy statement as a sentence,
    /// `state Load`, `widget "Errors"`; empty for the whole attribute.
    pub part: String,
    /// It is added, removed or changed.
    pub sign: Sign,
    /// The live value, if it adds something to [`Self::part`].
    pub before: Option<Value>,
    /// The desired value, likewise.
    pub after: Option<Value>,
    /// AWS cannot return the live value.
    pub hidden: bool,
    /// For long texts, the lines that differ, with some context.
    pub lines: Vec<Line>,
    /// Further remarks: `in words: every day at 02:00 UTC`.
    pub notes: Vec<String>,
    /// The difference forces a replacement of the resource.
    pub forces_replacement: bool,
    /// The risks.
    pub risks: Vec<Risk>,
    /// Who caused the difference.
    pub cause: Cause,
}

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// It is added.
    Added,
    /// It is removed.
    Removed,
    /// It is changed.
    Changed,
}

impl Sign {
    /// The mark that shows it.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
        }
    }
}

/// A line of a difference in a long text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line is added or removed; `None` for lines of context.
    pub sign: Option<Sign>,
    /// The line, without its line break.
    pub text: String,
}

/// A risk of a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Risk {
    /// Its label.
    pub label: RiskLabel,
    /// More words: `about 15 min`, `opens port 5439 to 0.0.0.0/0`; may be empty.
    pub words: String,
}
