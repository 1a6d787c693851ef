//! Names of regions.

use crate::diag::{Diagnostic, Span};

/// The error for a text that is not the name of a region.
pub(super) fn fault(region: &str, span: Span) -> Option<Diagnostic> {
    (!is_region(region)).then(|| {
        Diagnostic::error("invalid-value", format!("`{region}` is not the name of a region"))
            .at(span, "such as us-east-1")
    })
}

/// Returns whether a text has the form of a region name. The name becomes part of the host names to
/// which signed requests go, so nothing else may pass.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), [words @ .., number] if words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit()))
}
