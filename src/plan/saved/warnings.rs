//! What a plan warns of, in a file: the words, without places in the stack's files, which may be
//! others by the time that it is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::diag::Diagnostic;

/// The codes of a plan's warnings; one of another version is told as the last of them.
const CODES: [&str; 5] = ["busy", "no-ledger", "read-failed", "twin", "warning"];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    code: String,
    message: String,
    notes: Vec<String>,
    helps: Vec<String>,
}

pub fn serialize<S: Serializer>(warnings: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    let kept = warnings.iter().map(|one| Kept {
        code: one.code.to_owned(),
        message: one.message.clone(),
        notes: one.notes.clone(),
        helps: one.helps.clone(),
    });
    kept.collect::<Vec<_>>().serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Diagnostic>, D::Error> {
    let warnings = Vec::<Kept>::deserialize(deserializer)?.into_iter().map(|kept| {
        let code = CODES.into_iter().find(|code| *code == kept.code).unwrap_or("warning");
        Diagnostic { notes: kept.notes, helps: kept.helps, ..Diagnostic::warning(code, kept.message) }
    });
    Ok(warnings.collect())
}
