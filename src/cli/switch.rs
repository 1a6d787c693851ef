//! Switches that are given as a flag or by a variable of the environment.

/// Parses a switch of the environment; `None` if it is neither on nor off. Empty counts as not set.
pub(super) fn is_on(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "" | "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Parses a switch, given as a flag or by the variable of that name.
pub(super) fn switch(variable: &str, text: &str) -> Result<bool, String> {
    is_on(text).ok_or_else(|| format!("{variable} must be 1, true, yes or on; or 0, false, no or off"))
}
