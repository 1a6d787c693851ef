//! dwctl's folder in the user's cache.

use std::path::PathBuf;

use crate::diag::Diagnostic;

/// The folder, which may not exist yet. `instead` is the variable that names another one.
///
/// # Errors
/// There is no home directory.
pub fn folder(instead: &str) -> Result<PathBuf, Diagnostic> {
    let home = || {
        set("HOME").ok_or_else(|| {
            Diagnostic::error("no-home", "no home directory is known: HOME is not set")
                .help(format!("set HOME, XDG_CACHE_HOME or {instead}"))
        })
    };
    let base = if cfg!(target_os = "macos") {
        home()?.join("Library/Caches")
    } else if let Some(cache) = set("XDG_CACHE_HOME").filter(|cache| cache.is_absolute()) {
        cache
    } else {
        home()?.join(".cache")
    };
    Ok(base.join("dwctl"))
}

/// A path from the environment. An empty variable counts as unset.
pub fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
