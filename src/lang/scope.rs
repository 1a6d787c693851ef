//! Where names get their values from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Reference, Step};
use crate::diag::{self, Diagnostic};
use crate::value::Value;

/// What an expression is evaluated in.
pub trait Scope {
    /// The value of the longest prefix of `reference` that the scope knows, and how
    /// many of its steps that took; the evaluator applies the rest to the value.
    ///
    /// # Errors
    ///
    /// Where the name is not known. Without a place of its own the diagnostic is put
    /// at the reference.
    fn resolve(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic>;

    /// The folder that `file` and its like may read; they read nothing outside of it,
    /// and relative paths start there.
    fn folder(&self) -> &Path;

    /// When the plan was made, in RFC 3339; `None` where there is no plan.
    fn planned_at(&self) -> Option<&str> {
        None
    }
}

/// A scope of plain names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The values by their first name.
    pub values: BTreeMap<String, Value>,
    /// The folder that files are read from.
    pub folder: PathBuf,
}

impl Scope for Names {
    fn resolve(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let Some(mut value) = self.values.get(&reference.root) else {
            return Err(unknown_name(&reference.root, self.values.keys().map(String::as_str))
                .at(reference.span, "not known here"));
        };
        // Going down by reference spares the copy of everything beside the leaf.
        let mut taken = 0;
        while let Some(Step::Attribute(name)) = reference.steps.get(taken) {
            match value.get(name) {
                Some(inner) => value = inner,
                None => break,
            }
            taken += 1;
        }
        Ok((value.clone(), taken))
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The error for a first name that no scope knows, with the nearest of `known`.
pub fn unknown_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
    let error = Diagnostic::error("unknown-name", format!("nothing is named `{name}` here"));
    match diag::nearest(name, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}
