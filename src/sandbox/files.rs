//! The files of the sandbox, and the folders that it keeps them in.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;

pub(super) fn absolute(path: PathBuf) -> Result<PathBuf, Diagnostic> {
    std::path::absolute(&path).map_err(|error| trouble(&path, "cannot be resolved", &error))
}

pub(super) fn make_directory(path: &Path) -> Result<(), Diagnostic> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| trouble(path, "cannot be created", &error))
}

/// The error if one of our own files cannot be used.
pub(super) fn trouble(path: &Path, what: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("sandbox-directory", format!("{} {what}: {error}", path.display()))
        .help("DWCTL_SANDBOX_DIR names another directory for the sandbox")
}

pub(super) fn remove(path: &Path) -> Result<(), Diagnostic> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(trouble(path, "cannot be removed", &error)),
        _ => Ok(()),
    }
}

/// The last `count` lines of `text`.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// An exclusive lock on a file, held until the value is dropped.
pub(super) async fn lock(path: PathBuf, progress: &dyn Fn(&str)) -> Result<File, Diagnostic> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| trouble(&path, "cannot be opened", &error))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(fs::TryLockError::WouldBlock) => progress("waiting for another dwctl that starts the local AWS"),
        Err(fs::TryLockError::Error(error)) => return Err(trouble(&path, "cannot be locked", &error)),
    }
    blocking(move || {
        file.lock().map_err(|error| trouble(&path, "cannot be locked", &error))?;
        Ok(file)
    })
    .await
}

/// Runs blocking work outside of the event loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Diagnostic> + Send + 'static,
) -> Result<T, Diagnostic> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Diagnostic::error("sandbox-start", format!("the sandbox failed: {error}"))),
    }
}
