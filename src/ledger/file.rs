//! The ledger in a local file: written whole, moved into place, locked while it is used.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Ledger, VERSION};
use crate::diag::Diagnostic;

/// Where a local ledger lives.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

/// Held while a verb changes what the ledger tells of; freed when dropped, or when the
/// process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl FileStore {
    /// The ledger of an environment, in `.dwctl` in the stack's folder. The sandbox has
    /// ledgers of its own, so that it can never be taken for the real AWS.
    pub fn new(folder: &Path, env: &str, sandbox: bool) -> Self {
        let folder = folder.join(".dwctl");
        let folder = if sandbox { folder.join("sandbox") } else { folder };
        Self { path: folder.join(format!("{env}.json")) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ledger, `None` if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, is no ledger, or was written by a newer version.
    pub fn read(&self) -> Result<Option<Ledger>, Diagnostic> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble("cannot read", &error)),
        };
        let damaged = |note: String| {
            Diagnostic::error("ledger", format!("the ledger {} is damaged", self.path.display()))
                .note(note)
                .note("nothing was changed at AWS")
                .help("restore the file from a backup; it holds names only, and no value of your stack")
        };
        #[derive(serde::Deserialize)]
        struct Format {
            version: u32,
        }
        // The version first: a newer format may not have this version's shape.
        let format: Format = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if format.version > VERSION {
            return Err(Diagnostic::error(
                "ledger",
                format!("the ledger {} was written by a newer dwctl", self.path.display()),
            )
            .note(format!("its format is {}, this version reads up to {VERSION}", format.version))
            .help("install the newer dwctl"));
        }
        serde_json::from_str(&text).map(Some).map_err(|error| damaged(error.to_string()))
    }

    /// Writes the ledger: beside the old one first, flushed to the disk, then moved over
    /// it, so that at no instant there is half a ledger. Readable by its owner alone.
    ///
    /// # Errors
    /// The disk is full, the folder cannot be written.
    pub fn write(&self, ledger: &mut Ledger) -> Result<(), Diagnostic> {
        ledger.serial += 1;
        let attempt = || -> io::Result<()> {
            let folder = self.folder()?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            serde_json::to_writer_pretty(&mut file, ledger)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            File::open(&folder)?.sync_all()
        };
        attempt().map_err(|error| self.trouble("cannot write", &error))
    }

    /// Locks the ledger for a verb that changes something.
    ///
    /// # Errors
    /// Another process holds it.
    pub fn lock(&self) -> Result<Lock, Diagnostic> {
        let attempt = || -> io::Result<Result<File, ()>> {
            let folder = self.folder()?;
            let name = self.path.with_extension("lock");
            let name = folder.join(name.file_name().unwrap_or_default());
            let file = private(OpenOptions::new().create(true).write(true).truncate(false)).open(name)?;
            match file.try_lock() {
                Ok(()) => Ok(Ok(file)),
                Err(TryLockError::WouldBlock) => Ok(Err(())),
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        match attempt() {
            Ok(Ok(file)) => Ok(Lock { _file: file }),
            Ok(Err(())) => Err(Diagnostic::error("locked", "another dwctl is changing this stack")
                .note(format!("it holds the lock beside {}", self.path.display()))
                .help("wait until it is done; a lock of a dead process frees itself")),
            Err(error) => Err(self.trouble("cannot lock", &error)),
        }
    }

    fn folder(&self) -> io::Result<PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(folder)
    }

    fn trouble(&self, what: &str, error: &io::Error) -> Diagnostic {
        Diagnostic::error("ledger", format!("{what} the ledger {}", self.path.display()))
            .note(error.to_string())
    }
}

/// Readable by the owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::FileStore;
    use crate::ledger::Ledger;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(folder.path(), "dev", false);
        assert_eq!(store.read().expect("readable"), None);
        let mut ledger = Ledger::new("shop", "dev").expect("randomness");
        store.write(&mut ledger).expect("written");
        assert_eq!(ledger.serial, 1);
        assert_eq!(store.read().expect("readable"), Some(ledger));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(store.path()).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_or_newer_ledger_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(folder.path(), "dev", false);
        std::fs::create_dir(folder.path().join(".dwctl")).expect("a folder");
        for (text, words) in
            [("{", "damaged"), ("{\"version\": 99}", "newer"), ("{\"version\": 1}", "damaged")]
        {
            std::fs::write(store.path(), text).expect("written");
            let error = store.read().expect_err("refused");
            assert!(error.message.contains(words), "{error}");
        }
    }

    #[test]
    fn a_held_lock_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(folder.path(), "dev", false);
        let held = store.lock().expect("free");
        assert_eq!(store.lock().expect_err("held").code, "locked");
        drop(held);
        store.lock().expect("free again");
    }
}
