//! The ledger in a local file: written whole, moved into place, locked while it is used.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::{Holder, Ledger};
use crate::diag::Diagnostic;
use crate::files::{Refusal, read_given};
use crate::limits;

/// The folder in a stack's folder for what dwctl keeps.
const FOLDER: &str = ".dwctl";

/// Where a local ledger lives, and where copies are kept in an emergency.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

/// The locked file; freed when dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Who held it is of no more interest. That it cannot be said is no harm.
        drop(self.file.set_len(0));
    }
}

impl FileStore {
    /// The ledger of an environment, in `.dwctl` in the stack's folder. The sandbox has
    /// ledgers of its own, so that it can never be taken for the real AWS.
    pub fn new(folder: &Path, env: &str, sandbox: bool) -> Self {
        let folder = folder.join(FOLDER);
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
        match read_given(&self.path, limits::LEDGER) {
            Ok(text) => Ledger::parse(&text, &self.path.display().to_string()).map(Some),
            Err(Refusal::Missing) => Ok(None),
            Err(Refusal::Failed(error)) => Err(self.trouble("cannot read", &error)),
            Err(refusal) => {
                let told = refusal.told(&self.path.display().to_string());
                Err(self.trouble("cannot read", &io::Error::other(told)))
            }
        }
    }

    /// Writes the ledger's text: beside the old one first, flushed to the disk, then moved
    /// over it, so that at no instant there is half a ledger. Readable by its owner alone.
    ///
    /// # Errors
    /// The disk is full, the folder cannot be written.
    pub fn write(&self, text: &[u8]) -> Result<(), Diagnostic> {
        self.replace(&self.path, text).map_err(|error| {
            self.trouble("cannot write", &error).help("make room, or make the folder writable")
        })
    }

    /// Keeps a ledger that its store does not take, beside where a local one lives: the
    /// file that it is in.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&self, text: &[u8]) -> io::Result<PathBuf> {
        let time = super::now().replace([':', '-'], "");
        let env = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.path.with_file_name(format!("{env}.emergency-{time}.json"));
        self.replace(&path, text)?;
        Ok(path)
    }

    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        let folder = self.folder()?;
        // One name for all attempts: what a killed one left is written over by the next, and
        // there is one writer, who holds the lock.
        let part = path.with_extension("part");
        let written = private(OpenOptions::new().create(true).write(true).truncate(true))
            .open(&part)
            .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&part, path));
        if let Err(error) = written {
            // Half a file is of no use, and takes room.
            drop(std::fs::remove_file(&part));
            return Err(error);
        }
        File::open(&folder)?.sync_all()
    }

    /// Tries once to lock the ledger; who holds it where it is not free. The lock's file
    /// tells of the holder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn lock(&self, holder: &Holder) -> Result<Result<FileLock, Holder>, Diagnostic> {
        let attempt = || -> io::Result<Result<FileLock, Holder>> {
            self.folder()?;
            let path = self.lock_path();
            let mut file =
                private(OpenOptions::new().create(true).write(true).truncate(false)).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Ok(Err(Holder::parse(&told(&path)?, "")));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let told = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(&holder.text()))
                .and_then(|()| file.flush());
            // It is held all the same: only a waiter would be told less.
            drop(told);
            Ok(Ok(FileLock { file }))
        };
        attempt().map_err(|error| self.trouble("cannot lock", &error))
    }

    /// Who holds the lock, as far as its file tells.
    pub fn holder(&self) -> Option<Holder> {
        let file = File::open(self.lock_path()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Holder::parse(&told(&self.lock_path()).ok()?, "")),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    fn folder(&self) -> io::Result<PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        self.hide_from_git();
        Ok(folder)
    }

    /// Keeps git from adding `.dwctl`, which holds the ledger and its key; what the user says there stays.
    fn hide_from_git(&self) {
        let top = self.path.ancestors().find(|one| one.ends_with(FOLDER));
        let Some(path) = top.map(|top| top.join(".gitignore")) else { return };
        // Nothing of the ledger depends on it.
        drop(File::create_new(path).and_then(|mut file| file.write_all(b"*\n")));
    }

    fn trouble(&self, what: &str, error: &io::Error) -> Diagnostic {
        Diagnostic::error("ledger", format!("{what} the ledger {}", self.path.display()))
            .note(error.to_string())
    }
}

/// Readable by the owner alone.
/// What the file of a lock tells of its holder.
fn told(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(limits::LOCK).read_to_end(&mut text)?;
    Ok(text)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::FileStore;
    use crate::ledger::{Holder, Ledger};

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(folder.path(), "dev", false);
        assert_eq!(store.read().expect("readable"), None);
        let ledger = Ledger::new("shop", "dev").expect("randomness");
        store.write(&ledger.text()).expect("written");
        assert_eq!(store.read().expect("readable"), Some(ledger.clone()));
        let kept = store.keep(&ledger.text()).expect("kept");
        #[cfg(unix)]
        for path in [store.path(), &kept] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_a_killed_write_left_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(folder.path(), "dev", false);
        let ledger = Ledger::new("shop", "dev").expect("randomness");
        store.write(&ledger.text()).expect("written");
        let part = store.path().with_extension("part");
        std::fs::write(&part, vec![b'x'; 100_000]).expect("half of a write");
        assert_eq!(store.read().expect("readable"), Some(ledger.clone()));
        store.write(&ledger.text()).expect("written");
        assert_eq!(store.read().expect("readable"), Some(ledger));
        assert!(!part.exists());
    }

    #[test]
    fn git_does_not_see_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let ignored = folder.path().join(".dwctl/.gitignore");
        for sandbox in [true, false] {
            let store = FileStore::new(folder.path(), "dev", sandbox);
            store.write(b"{}").expect("written");
            assert_eq!(std::fs::read_to_string(&ignored).expect("there"), "*\n");
            assert!(!store.path().with_file_name(".gitignore").exists() || !sandbox, "one is enough");
        }
        std::fs::write(&ignored, "!dev.json\n").expect("written");
        let store = FileStore::new(folder.path(), "dev", false);
        drop(store.lock(&Holder::new("apply", None)).expect("lockable").expect("free"));
        assert_eq!(std::fs::read_to_string(&ignored).expect("there"), "!dev.json\n", "the user's stays");
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
    fn a_held_lock_names_its_holder() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FileStore::new(folder.path(), "dev", false);
        let holder = Holder::new("apply", None);
        assert_eq!(store.holder(), None);
        let held = store.lock(&holder).expect("lockable").expect("free");
        assert_eq!(store.lock(&Holder::new("destroy", None)).expect("lockable").expect_err("held"), holder);
        assert_eq!(store.holder(), Some(holder.clone()));
        drop(held);
        assert_eq!(store.holder(), None);
        store.lock(&holder).expect("lockable").expect("free again");
    }
}
