//! A part of a difference, in the terms of its domain.

use super::model::{Detail, Risk, RiskLabel, Sign};
use crate::plan::diff::AttributeChange;
use crate::schema::{PathStep, path_text};
use crate::value::Value;

/// A part of an attribute that differs, in the terms of its domain.
pub(super) struct Part {
    pub(super) part: String,
    pub(super) sign: Sign,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) notes: Vec<String>,
    pub(super) risks: Vec<Risk>,
}

impl Part {
    pub(super) fn new(sign: Sign, part: impl Into<String>) -> Self {
        Self { part: part.into(), sign, before: None, after: None, notes: Vec::new(), risks: Vec::new() }
    }

    /// A part with its old and new value; one of them may be missing.
    pub(super) fn between(part: impl Into<String>, before: Option<&Value>, after: Option<&Value>) -> Self {
        let sign = match (before, after) {
            (None, Some(_)) => Sign::Added,
            (Some(_), None) => Sign::Removed,
            _ => Sign::Changed,
        };
        Self { before: before.cloned(), after: after.cloned(), ..Self::new(sign, part) }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(super) fn risk(mut self, label: RiskLabel, words: impl Into<String>) -> Self {
        self.risks.push(Risk { label, words: words.into() });
        self
    }

    pub(super) fn of(self, place: &[PathStep], change: &AttributeChange) -> Detail {
        Detail {
            attribute: path_text(place),
            part: self.part,
            sign: self.sign,
            before: self.before,
            after: self.after,
            hidden: false,
            lines: Vec::new(),
            notes: self.notes,
            forces_replacement: change.forces_replacement,
            risks: self.risks,
            cause: change.cause,
        }
    }
}
