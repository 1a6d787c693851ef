//! Stores the warnings of a plan: only their words, without source locations, since the files may
//! have changed by the time that the plan is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::diag::Diagnostic;
use crate::plan::warning;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    code: String,
    message: String,
    notes: Vec<String>,
    helps: Vec<String>,
}

pub fn serialize<S: Serializer>(warnings: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    let kept = warnings.iter().map(|one| Stored {
        code: one.code.to_owned(),
        message: one.message.clone(),
        notes: one.notes.clone(),
        helps: one.helps.clone(),
    });
    kept.collect::<Vec<_>>().serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Diagnostic>, D::Error> {
    let warnings = Vec::<Stored>::deserialize(deserializer)?.into_iter().map(|kept| {
        // A code of another version is not known here.
        let code = warning::ALL.iter().find(|code| **code == kept.code).copied().unwrap_or("warning");
        Diagnostic { notes: kept.notes, helps: kept.helps, ..Diagnostic::warning(code, kept.message) }
    });
    Ok(warnings.collect())
}
