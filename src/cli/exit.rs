//! How a command ends.

use crate::diag::{Diagnostic, Sources};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Error = 1,
    Changes = 2,
    Invalid = 3,
    Drift = 4,
    Locked = 5,
    Interrupted = 6,
    Refused = 7,
}

/// Why a command ended early: the diagnostics and the exit code.
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) sources: Sources,
}

impl Failure {
    pub(super) fn new(exit: Exit, diagnostics: Vec<Diagnostic>, sources: Sources) -> Self {
        Self { exit, diagnostics, sources }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        let exit = match diagnostic.code {
            "locked" => Exit::Locked,
            "interrupted" => Exit::Interrupted,
            "protected" | "held" | "refused" | "stale-plan" => Exit::Refused,
            _ => Exit::Error,
        };
        Self::new(exit, vec![diagnostic], Sources::default())
    }
}

pub(super) type Outcome = Result<Exit, Failure>;
