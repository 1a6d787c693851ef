//! The ledger in a local file: written as a whole, moved into place, locked while in use.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::{Holder, Ledger};
use crate::diag::Diagnostic;
use crate::files::{Refusal, bounded};
use crate::limits;

/// The folder within a stack's folder for dwctl's own files.
const FOLDER: &str = ".dwctl";

/// The place of a local ledger and of its emergency copies.
#[derive(Clone, Debug)]
pub struct FileStore {
    /// The stack's folder, named by the user.
    stack: PathBuf,
    /// The folders within it.
    folders: &'static [&'static str],
    path: PathBuf,
}

/// The open folder of a ledger. Neither it nor its files are reached through links: a checkout of
/// somebody else's repository must not decide which files are read and written.
#[derive(Debug)]
struct Folder(OwnedFd);

/// The locked file. It is freed when dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The former holder is of no interest any more; a failure to erase it is harmless.
        drop(self.file.set_len(0));
    }
}

impl FileStore {
    /// The ledger of an environment, in `.dwctl` in the stack's folder. The sandbox has separate
    /// ledgers, so that it can never be mistaken for the real AWS.
    pub fn new(folder: &Path, env: &str, sandbox: bool) -> Self {
        let folders: &[&str] = if sandbox { &[FOLDER, "sandbox"] } else { &[FOLDER] };
        let path = folders.iter().fold(folder.to_owned(), |path, name| path.join(name));
        let stack = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { stack: stack.to_owned(), folders, path: path.join(format!("{env}.json")) }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ledger, `None` if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, is no ledger, or was written by a newer version.
    pub fn read(&self) -> Result<Option<Ledger>, Diagnostic> {
        let read = self.enter(false).and_then(|folder| folder.open(&self.path, OFlags::RDONLY));
        let file = match read {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble("cannot read", &error)),
        };
        match bounded(file, limits::LEDGER) {
            Ok(text) => Ledger::parse(&text, &self.path.display().to_string()).map(Some),
            Err(Refusal::Failed(error)) => Err(self.trouble("cannot read", &error)),
            Err(refusal) => {
                let why = refusal.describe(&self.path.display().to_string());
                Err(self.trouble("cannot read", &io::Error::other(why)))
            }
        }
    }

    /// Writes the ledger's text to a temporary file, flushes it to disk and moves it into place, so
    /// that there is never half a ledger. Only its owner can read it.
    ///
    /// # Errors
    /// The disk is full, or the folder is not writable.
    pub fn write(&self, text: &[u8]) -> Result<(), Diagnostic> {
        self.replace(&self.path, text).map_err(|error| {
            self.trouble("cannot write", &error).help("make room, or make the folder writable")
        })
    }

    /// Keeps a copy of a ledger that its store does not accept, beside the local file. Returns its
    /// path.
    ///
    /// # Errors
    /// An I/O error.
    pub fn keep(&self, text: &[u8]) -> io::Result<PathBuf> {
        let time = super::now().replace([':', '-'], "");
        let env = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let path = self.path.with_file_name(format!("{env}.emergency-{time}.json"));
        self.replace(&path, text)?;
        Ok(path)
    }

    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        let folder = self.enter(true)?;
        // All attempts use the same name: the next one overwrites what a killed one left. Only the
        // holder of the lock writes.
        let part = path.with_extension("part");
        let written = folder
            .open(&part, OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC)
            .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
            .and_then(|()| Ok(renameat(&folder.0, name(&part), &folder.0, name(path))?));
        if let Err(error) = written {
            // Half a file is useless and takes room.
            let _ = unlinkat(&folder.0, name(&part), AtFlags::empty());
            return Err(error);
        }
        Ok(rustix::fs::fsync(&folder.0)?)
    }

    /// Tries once to lock the ledger. Returns the holder if it is locked. The lock file names its
    /// holder.
    ///
    /// # Errors
    /// The folder is not writable.
    pub fn lock(&self, holder: &Holder) -> Result<Result<FileLock, Holder>, Diagnostic> {
        let attempt = || -> io::Result<Result<FileLock, Holder>> {
            let folder = self.enter(true)?;
            let mut file = folder.open(&self.lock_path(), OFlags::CREATE | OFlags::RDWR)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Ok(Err(Holder::parse(&lock_text(file)?, "")));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let written = file
                .set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| file.write_all(&holder.text()))
                .and_then(|()| file.flush());
            // The lock is held even if this fails; waiters would only see less.
            drop(written);
            Ok(Ok(FileLock { file }))
        };
        attempt().map_err(|error| self.trouble("cannot lock", &error))
    }

    /// The current holder of the lock, as named in its file.
    pub fn holder(&self) -> Option<Holder> {
        let file = self.enter(false).and_then(|folder| folder.open(&self.lock_path(), OFlags::RDONLY));
        let file = file.ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Holder::parse(&lock_text(file).ok()?, "")),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    /// Opens the ledger's folder; `make` creates it first.
    fn enter(&self, make: bool) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = openat(CWD, &self.stack, flags, Mode::empty())?;
        for (depth, name) in self.folders.iter().enumerate() {
            if make {
                match mkdirat(&folder, *name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let entered = openat(&folder, *name, flags | OFlags::NOFOLLOW, Mode::empty());
            folder = entered.map_err(|error| unopened(&folder, name.as_ref(), error))?;
            if make && depth == 0 {
                hide_from_git(&folder);
            }
        }
        Ok(Folder(folder))
    }

    fn trouble(&self, what: &str, error: &io::Error) -> Diagnostic {
        Diagnostic::error("ledger", format!("{what} the ledger {}", self.path.display()))
            .note(error.to_string())
    }
}

impl Folder {
    /// Opens a file of the folder by the last name of its path. A new file is readable by its owner
    /// alone.
    fn open(&self, path: &Path, flags: OFlags) -> io::Result<File> {
        // Do not wait for a pipe.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&self.0, name(path), flags, Mode::RUSR | Mode::WUSR);
        let file = File::from(file.map_err(|error| unopened(&self.0, name(path), error))?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        Ok(file)
    }
}

/// Keeps git from adding `.dwctl`, which holds the ledger and its key. An existing `.gitignore` stays.
fn hide_from_git(folder: &OwnedFd) {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    // The ledger works without it.
    drop(openat(folder, ".gitignore", flags, mode).map(|file| File::from(file).write_all(b"*\n")));
}

fn name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// The reason why something in a folder cannot be opened. Systems report links differently, and a pipe
/// as a missing device.
fn unopened(folder: &OwnedFd, name: &OsStr, error: Errno) -> io::Error {
    let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    match found.map(|found| FileType::from_raw_mode(found.st_mode)) {
        Ok(FileType::Symlink) => {
            io::Error::other(format!("{} is a link, and links are not followed there", name.display()))
        }
        Ok(FileType::RegularFile | FileType::Directory) | Err(_) => error.into(),
        Ok(_) => io::Error::other(format!("{} is not a file", name.display())),
    }
}

/// The text in a lock file.
fn lock_text(mut file: File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.take(limits::LOCK).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::FileStore;
    use crate::ledger::{Holder, Ledger};

    #[test]
    fn a_written_ledger_is_read_back() {
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
    fn the_remains_of_a_killed_write_are_overwritten() {
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
    fn no_link_is_followed() {
        use std::os::unix::fs::symlink;
        let other = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::new("shop", "dev").expect("randomness");
        let theirs = FileStore::new(other.path(), "dev", true);
        theirs.write(&ledger.text()).expect("written");
        let precious = other.path().join("precious");
        let there = ["dev.json", "dev.lock", "dev.part"];
        // The link, and its target.
        let folders = [".dwctl", ".dwctl/sandbox"].map(|link| (link.to_owned(), other.path().join(link)));
        let files = there.map(|name| (format!(".dwctl/sandbox/{name}"), precious.clone()));
        for (link, target) in folders.into_iter().chain(files) {
            std::fs::write(&precious, "words").expect("written");
            let before = std::fs::read(theirs.path()).expect("there");
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join(&link);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            symlink(target, &path).expect("a link");
            let store = FileStore::new(folder.path(), "dev", true);
            let refusals =
                [store.read().err(), store.lock(&Holder::new("apply", None)).err(), store.write(b"{}").err()];
            let messages: Vec<String> = refusals.iter().flatten().map(ToString::to_string).collect();
            assert!(!messages.is_empty(), "{link}");
            let name = link.rsplit('/').next().unwrap_or_default();
            for refusal in refusals.into_iter().flatten() {
                let note = format!("{name} is a link");
                assert!(refusal.notes.iter().any(|one| one.contains(&note)), "{link}: {refusal:?}");
            }
            assert_eq!(std::fs::read_to_string(&precious).expect("there"), "words", "{link}");
            assert_eq!(std::fs::read(theirs.path()).expect("there"), before, "{link}");
            assert!(!other.path().join(".dwctl/sandbox/dev.lock").exists(), "{link}");
        }
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
