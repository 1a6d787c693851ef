//! Temporary folders. They are removed when their process ends; the next process removes those of
//! processes that were killed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Prefix of the names of these folders.
const PREFIX: &str = "dwctl-diff-";
/// The lock file in each folder. The system releases the lock however the process ends.
const LOCK: &str = ".lock";
/// A new folder certainly has its lock after this time.
pub(super) const NEW_FOLDER_GRACE: Duration = Duration::from_secs(600);

/// A temporary folder that is removed when this is dropped.
pub(super) struct Scratch {
    files: PathBuf,
    _folder: tempfile::TempDir,
    _lock: File,
}

impl Scratch {
    /// Creates an empty one that only its owner may read.
    pub(super) fn new() -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir())
    }

    /// Creates one in a folder.
    pub(super) fn new_in(parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        lock.lock()?;
        let files = folder.path().join("files");
        fs::create_dir(&files)?;
        Ok(Self { files, _folder: folder, _lock: lock })
    }

    /// The folder for files.
    pub(super) fn path(&self) -> &Path {
        &self.files
    }
}

/// Removes the folders of processes that have ended. Failures are left for the next time, since nothing
/// depends on them now.
pub(super) fn sweep() {
    sweep_in(&std::env::temp_dir(), NEW_FOLDER_GRACE);
}

/// The same for those in a folder that are older than `young`, or have a lock.
pub(super) fn sweep_in(folder: &Path, young: Duration) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_abandoned(&entry, young) {
            // Links in it are removed, not followed.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Returns whether it is a folder of the same user whose process has ended.
fn is_abandoned(entry: &fs::DirEntry, young: Duration) -> bool {
    let is_old = |metadata: &fs::Metadata| {
        metadata.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= young)
    };
    // For a link, this is the metadata of the link itself.
    let Ok(metadata) = entry.metadata() else { return false };
    if !metadata.is_dir() || !is_own(&metadata) {
        return false;
    }
    match open_lock(&entry.path().join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => is_old(&metadata),
        Err(_) => false,
    }
}

#[cfg(unix)]
fn is_own(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    // A new file shows the user id of this process.
    let me = tempfile::tempfile().and_then(|file| file.metadata()).map(|file| file.uid());
    me.is_ok_and(|me| me == metadata.uid()) && metadata.permissions().mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn open_lock(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(openat(CWD, path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_lock(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unused_folders_are_removed() {
        let place = tempfile::tempdir().expect("a folder");
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("kept"), "x").expect("a file");
        let made = |name: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).expect("a folder");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a mode");
                std::os::unix::fs::symlink(outside.path(), path.join("link")).expect("a link");
            }
            path
        };
        let (dead, alive) = (made("dwctl-diff-dead"), made("dwctl-diff-alive"));
        let (new, other) = (made("dwctl-diff-new"), made("other"));
        for folder in [&dead, &alive, &other] {
            fs::write(folder.join(LOCK), "").expect("a file");
        }
        let lock = File::open(alive.join(LOCK)).expect("open");
        lock.lock().expect("locked");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&other, place.path().join("dwctl-diff-link")).expect("a link");
        sweep_in(place.path(), NEW_FOLDER_GRACE);
        assert!(!dead.exists());
        assert!(alive.exists() && new.exists() && other.exists());
        assert!(outside.path().join("kept").exists());
        drop(lock);
        sweep_in(place.path(), Duration::ZERO);
        assert!(!alive.exists() && !new.exists() && other.exists());
        assert!(outside.path().join("kept").exists());
    }
}
