//! The only access to the files of a stack. All files that a stack reads are within its folder, or
//! within the shared ones below: stack files, environments, files read by functions, uploads. A
//! checkout of somebody else's repository may hold links to anything that its reader may read; these
//! are refused.
//!
//! Functions and documents also read from the folders that `[stack] shared` names. A pull request may
//! name any folder, so each must be within the same git repository and must not contain the stack
//! itself: other files of a checkout, such as credentials at its top, stay unread. `.git` and
//! `.dwctl`, which git and dwctl keep for themselves, are never read.
//!
//! Links within the folder are followed as long as they stay inside. The path is resolved first. Its
//! target is then opened from the open root folder, one component at a time and without following
//! links, so that a link put there meanwhile is not followed either. Only regular files are opened: no
//! devices, and no pipes, which might never end.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::limits;

/// The files of a stack.
#[derive(Clone, Debug, Default)]
pub struct Files {
    folder: PathBuf,
    /// Opened on first use.
    root: Arc<OnceLock<Root>>,
    /// Further folders to read from.
    shared: Arc<Vec<Shared>>,
    /// The folder in messages, if it has another name there.
    shown: Option<PathBuf>,
    /// The folder is that of a module.
    is_module: bool,
}

/// A further folder to read from.
#[derive(Debug)]
struct Shared {
    /// Its path as written, without `.` and `..`.
    place: PathBuf,
    root: Root,
}

/// Names that are never read: git's and dwctl's own, which hold tokens and keys.
const PRIVATE: [&str; 2] = [".git", ".dwctl"];

fn is_private(name: &std::ffi::OsStr) -> bool {
    PRIVATE.iter().any(|private| name.eq_ignore_ascii_case(private))
}

/// A folder that files are read from.
#[derive(Debug)]
struct Root {
    /// Its canonical path.
    real: PathBuf,
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
}

/// The type of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, wherever it points.
    Link,
    /// A pipe, a socket, a device.
    Special,
}

/// An entry of a folder.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The name.
    pub name: std::ffi::OsString,
    /// Its own type, without following links.
    pub kind: Kind,
}

/// An open file of a stack.
#[derive(Debug)]
pub struct Opened {
    /// The file, at its start.
    pub file: File,
    /// Its length in bytes.
    pub length: u64,
}

/// The reason why nothing is read. It reveals nothing of what a path leads to.
#[derive(Debug)]
pub enum Refusal {
    /// There is no such name.
    Missing,
    /// The path leads out of the stack's folder, or of a shared one.
    Outside,
    /// The path leads into git's or dwctl's own files.
    Private,
    /// It is not a file.
    NotAFile(&'static str),
    /// It has more bytes than allowed.
    TooLarge(u64),
    /// It lists more entries than allowed.
    TooMany(usize),
    /// An I/O error.
    Failed(io::Error),
}

impl Refusal {
    /// A stable name in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "no-such-file",
            Self::Outside | Self::Private => "outside-folder",
            Self::NotAFile(_) => "not-a-file",
            Self::TooLarge(_) | Self::TooMany(_) => "too-large",
            Self::Failed(_) => "unreadable-file",
        }
    }

    /// Describes the refusal of the path `name`.
    pub fn describe(&self, name: &str) -> String {
        match self {
            Self::Missing => format!("there is no file `{name}`"),
            Self::Outside => format!("`{name}` is outside the stack's folder"),
            Self::Private => format!("`{name}` belongs to git or dwctl, and is never read"),
            Self::NotAFile(what) => format!("`{name}` is not a file, but {what}"),
            Self::TooLarge(limit) => {
                format!("`{name}` is too large: at most {} are read", limits::bytes(*limit))
            }
            Self::TooMany(limit) => format!("`{name}` has more than {limit} entries"),
            Self::Failed(error) => format!("cannot read `{name}`: {error}"),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Failed(error),
        }
    }
}

impl Files {
    /// The files below `folder`, or below the current one if it is empty. The folder itself may be
    /// reached through links, because the user names it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// Adds a folder to read from, by its path from the stack's folder.
    ///
    /// # Errors
    /// The reason why it is not read, as a continuation of its name.
    pub fn share(&self, path: &str) -> Result<Self, String> {
        let own = self.root().map_err(|refusal| refusal.describe(path))?;
        if !Path::new(path).is_relative() || path.is_empty() {
            return Err("is not a path from the stack's folder, such as ../policies".to_owned());
        }
        let written = own.real.join(path);
        let real = written.canonicalize().map_err(|error| match Refusal::from(error) {
            Refusal::Missing => "does not exist".to_owned(),
            refusal => refusal.describe(path),
        })?;
        let Some(top) = own.top() else {
            return Err(
                "cannot be shared: the stack is in no git repository, which would limit what is read"
                    .to_owned(),
            );
        };
        if !real.starts_with(top) {
            return Err("leads out of the git repository".to_owned());
        }
        if own.real.starts_with(&real) {
            return Err("contains the stack itself: name the folder to read from".to_owned());
        }
        if real.starts_with(&own.real) {
            return Err("is in the stack's folder, which is always readable".to_owned());
        }
        if real.components().any(|one| is_private(one.as_os_str())) {
            return Err("belongs to git or dwctl, and is never read".to_owned());
        }
        if !real.is_dir() {
            return Err("is not a folder".to_owned());
        }
        let root = Root::open(&real).map_err(|error| Refusal::Failed(error).describe(path))?;
        let mut shared: Vec<Shared> = Vec::new();
        for one in self.shared.iter() {
            let root = Root::open(&one.root.real).map_err(|error| Refusal::Failed(error).describe(path))?;
            shared.push(Shared { place: one.place.clone(), root });
        }
        shared.push(Shared { place: lexical(&written), root });
        Ok(Self { shared: Arc::new(shared), ..self.clone() })
    }

    /// The files of a module, by its path from this folder. Returns its canonical path, too. `home` are the
    /// files of the stack.
    ///
    /// # Errors
    /// The reason why it is not read, as a continuation of its name.
    pub fn module(&self, path: &str, home: &Self) -> Result<(PathBuf, Self), String> {
        let own = self.root().map_err(|refusal| refusal.describe(path))?;
        let home = home.root().map_err(|refusal| refusal.describe(path))?;
        let written = own.real.join(path);
        let (top, is_repository) = match home.top() {
            Some(top) => (top, true),
            None => (home.real.as_path(), false),
        };
        let outside = || match is_repository {
            true => "leads out of the git repository".to_owned(),
            false => "leads out of the stack's folder, which is in no git repository".to_owned(),
        };
        // Do not even reveal whether a path outside exists.
        if !lexical(&written).starts_with(top) {
            return Err(outside());
        }
        let real = written.canonicalize().map_err(|error| match Refusal::from(error) {
            Refusal::Missing => "does not exist".to_owned(),
            refusal => refusal.describe(path),
        })?;
        if !real.starts_with(top) {
            return Err(outside());
        }
        if home.real.starts_with(&real) {
            return Err("contains the stack itself: a module is a folder of its own".to_owned());
        }
        let is_private = |path: &Path| path.components().any(|one| is_private(one.as_os_str()));
        if is_private(real.strip_prefix(top).unwrap_or(&real)) {
            return Err("belongs to git or dwctl, and is never read".to_owned());
        }
        if !real.is_dir() {
            return Err("is not a folder".to_owned());
        }
        let root = Root::open(&real).map_err(|error| Refusal::Failed(error).describe(path))?;
        let folder = lexical(&self.folder.join(path));
        let shown = self.shown.as_ref().map(|shown| lexical(&shown.join(path)));
        let root = Arc::new(OnceLock::from(root));
        Ok((real, Self { folder, root, shared: Arc::default(), shown, is_module: true }))
    }

    /// Returns whether the folder is that of a module, which has no shared ones.
    pub fn is_module(&self) -> bool {
        self.is_module
    }

    /// The files of a folder of another repository, whose top is `top`. `shown` is the folder in messages.
    ///
    /// # Errors
    /// The reason why it is not read, as a continuation of its name.
    pub fn package(top: &Path, folder: &str, shown: PathBuf) -> Result<Self, String> {
        let failed = |error: io::Error| match Refusal::from(error) {
            Refusal::Missing => "does not exist".to_owned(),
            refusal => refusal.describe(folder),
        };
        let top = top.canonicalize().map_err(failed)?;
        let real = top.join(folder).canonicalize().map_err(failed)?;
        if !real.starts_with(&top) {
            return Err("leads out of its repository".to_owned());
        }
        if !real.is_dir() {
            return Err("is not a folder".to_owned());
        }
        let root = Root::open(&real).map_err(failed)?;
        let root = Arc::new(OnceLock::from(root));
        Ok(Self { folder: real, root, shared: Arc::default(), shown: Some(shown), is_module: true })
    }

    /// The folder, as the user named it.
    pub fn folder(&self) -> &Path {
        if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder }
    }

    /// The folder in messages.
    pub fn shown(&self) -> &Path {
        self.shown.as_deref().unwrap_or_else(|| self.folder())
    }

    /// The folder without links.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn real(&self) -> Result<&Path, Refusal> {
        Ok(&self.root()?.real)
    }

    fn root(&self) -> Result<&Root, Refusal> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let root = Root::open(self.folder()).map_err(Refusal::Failed)?;
        Ok(self.root.get_or_init(|| root))
    }

    /// The root of `path` by its text, and the target of `path` below that root. The target has links
    /// resolved and contains none. No link leads from one root to another.
    fn resolve(&self, path: &Path) -> Result<(&Root, PathBuf), Refusal> {
        let own = self.root()?;
        let place = lexical(&own.real.join(path));
        if lexical(path).components().any(|one| is_private(one.as_os_str())) {
            return Err(Refusal::Private);
        }
        let shared = self.shared.iter().find(|one| place.starts_with(&one.place));
        let root = shared.map_or(own, |one| &one.root);
        match own.real.join(path).canonicalize() {
            Ok(real) => match real.strip_prefix(&root.real) {
                Ok(below) if below.components().any(|one| is_private(one.as_os_str())) => {
                    Err(Refusal::Private)
                }
                Ok(below) => Ok((root, below.to_owned())),
                Err(_) => Err(Refusal::Outside),
            },
            // Do not even reveal whether a path outside exists.
            Err(error) => {
                let written = std::path::absolute(self.folder()).unwrap_or_else(|_| own.real.clone());
                let within = |root: &Path| lexical(&root.join(path)).starts_with(lexical(root));
                let inside = shared.is_some() || within(&own.real) || within(&written);
                Err(if inside { error.into() } else { Refusal::Outside })
            }
        }
    }

    /// Resolves the links of `path`. Returns a path from the stack's folder, or from the shared one
    /// that contains it.
    ///
    /// # Errors
    /// There is nothing, or it is outside the folder.
    pub fn leads_to(&self, path: impl AsRef<Path>) -> Result<PathBuf, Refusal> {
        Ok(self.resolve(path.as_ref())?.1)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// There is none, it is outside the folder, or it is not a regular file.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Opened, Refusal> {
        let (root, below) = self.resolve(path.as_ref())?;
        root.open_file(&below)
    }

    /// Reads a whole file of up to `limit` bytes.
    ///
    /// # Errors
    /// As for [`Files::open`], or it is larger.
    pub fn read(&self, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, Refusal> {
        bounded(self.open(path)?.file, limit)
    }

    /// Returns whether there is a file at this path.
    ///
    /// # Errors
    /// It is outside the folder, or not a regular file.
    pub fn exists(&self, path: impl AsRef<Path>) -> Result<bool, Refusal> {
        match self.open(path) {
            Ok(_) => Ok(true),
            Err(Refusal::Missing) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    /// The entries of a folder, sorted by name.
    ///
    /// # Errors
    /// There is none, or it is outside the stack's folder.
    pub fn list(&self, folder: impl AsRef<Path>) -> Result<Vec<Listed>, Refusal> {
        let (root, below) = self.resolve(folder.as_ref())?;
        let mut listed = root.list(&below)?;
        listed.retain(|one| !is_private(&one.name));
        listed.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(listed)
    }
}

/// Reads a whole file that the user names besides the stack, such as one of variables. It may be
/// anywhere and of any type, with up to `limit` bytes.
///
/// # Errors
/// An I/O error, or it is larger.
pub fn read_given(path: &Path, limit: u64) -> Result<Vec<u8>, Refusal> {
    bounded(File::open(path)?, limit)
}

/// Reads everything from a reader, up to `limit` bytes. Only one byte more is read, so that a huge
/// file or an endless device costs neither memory nor time.
///
/// # Errors
/// An I/O error, or there is more.
pub fn bounded(reader: impl Read, limit: u64) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Refusal::Failed)?;
    if bytes.len() as u64 > limit { Err(Refusal::TooLarge(limit)) } else { Ok(bytes) }
}

/// The beginning of every checksum.
pub const SHA256: &str = "sha256:";

/// The checksum of the files below a folder, by their paths, contents and the targets of links. `.git` at
/// the top is left out.
///
/// # Errors
/// Something cannot be read, is neither a file nor a link, or is more than a revision may have.
pub fn checksum(root: &Path) -> io::Result<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut folders = vec![PathBuf::new()];
    let mut left = limits::REVISION_BYTES;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if path == Path::new(".git") {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.to_str().ok_or_else(|| io::Error::other("a name is not UTF-8"))?;
            let line = if kind.is_symlink() {
                let target = std::fs::read_link(entry.path())?;
                format!("{} @{name}\n", hex::encode(Sha256::digest(target.as_os_str().as_encoded_bytes())))
            } else if kind.is_file() {
                let size = entry.metadata()?.len();
                left = left.checked_sub(size).ok_or_else(|| io::Error::other("its files are too large"))?;
                format!("{}  {name}\n", hex::encode(Sha256::digest(std::fs::read(entry.path())?)))
            } else {
                return Err(io::Error::other(format!("{name} is neither a file nor a link")));
            };
            lines.push(line);
            if lines.len() > limits::REVISION_FILES {
                return Err(io::Error::other("it has too many files"));
            }
        }
    }
    lines.sort_unstable();
    Ok(format!("{SHA256}{}", hex::encode(Sha256::digest(lines.concat()))))
}

/// The path without `.` and `..`, by its text alone.
pub fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    out
}

impl Root {
    /// The top of the git repository that it is in.
    fn top(&self) -> Option<&Path> {
        self.real.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())
    }
}

#[cfg(unix)]
impl Root {
    fn open(folder: &Path) -> io::Result<Self> {
        use rustix::fs::{CWD, Mode, OFlags, openat};
        let real = folder.canonicalize()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { handle: openat(CWD, &real, flags, Mode::empty())?, real })
    }

    /// The open folder that holds the last component of a path without links, and that component.
    fn parent(&self, below: &Path) -> Result<(std::os::fd::OwnedFd, std::ffi::OsString), Refusal> {
        let mut names: Vec<_> = below.components().map(|name| name.as_os_str().to_owned()).collect();
        let last = names.pop().unwrap_or_else(|| ".".into());
        let mut folder = enter(&self.handle, ".".as_ref())?;
        for name in names {
            folder = enter(&folder, &name)?;
        }
        Ok((folder, last))
    }

    fn open_file(&self, below: &Path) -> Result<Opened, Refusal> {
        use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
        let (folder, name) = self.parent(below)?;
        // Checked before it is opened, because opening a device can have effects; and after, because
        // it may have been replaced.
        let found = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(swapped)?;
        regular(FileType::from_raw_mode(found.st_mode))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(openat(&folder, &name, flags, Mode::empty()).map_err(swapped)?);
        let metadata = file.metadata().map_err(Refusal::Failed)?;
        let kind = rustix::fs::fstat(&file).map_err(swapped)?;
        regular(FileType::from_raw_mode(kind.st_mode))?;
        Ok(Opened { length: metadata.len(), file })
    }

    fn list(&self, below: &Path) -> Result<Vec<Listed>, Refusal> {
        use std::os::unix::ffi::OsStrExt;

        use rustix::fs::{AtFlags, Dir, FileType, statat};
        let (folder, name) = self.parent(below)?;
        let folder = enter(&folder, &name)?;
        let mut listed = Vec::new();
        for entry in Dir::read_from(&folder).map_err(swapped)? {
            let entry = entry.map_err(swapped)?;
            let name = std::ffi::OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
            if name == "." || name == ".." {
                continue;
            }
            if listed.len() >= limits::LISTED {
                return Err(Refusal::TooMany(limits::LISTED));
            }
            let kind = match entry.file_type() {
                // Not every file system returns the type here.
                FileType::Unknown => match statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(found) => FileType::from_raw_mode(found.st_mode),
                    // It is gone by now.
                    Err(_) => continue,
                },
                kind => kind,
            };
            let kind = match kind {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                _ => Kind::Special,
            };
            listed.push(Listed { name, kind });
        }
        Ok(listed)
    }
}

#[cfg(unix)]
fn enter(folder: &std::os::fd::OwnedFd, name: &std::ffi::OsStr) -> Result<std::os::fd::OwnedFd, Refusal> {
    use rustix::fs::{Mode, OFlags, openat};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::empty()).map_err(swapped)
}

/// Interprets an error on a path whose links were resolved before.
#[cfg(unix)]
fn swapped(error: rustix::io::Errno) -> Refusal {
    match error {
        // There is a link now.
        rustix::io::Errno::LOOP => Refusal::Outside,
        error => io::Error::from(error).into(),
    }
}

#[cfg(unix)]
fn regular(kind: rustix::fs::FileType) -> Result<(), Refusal> {
    use rustix::fs::FileType;
    match kind {
        FileType::RegularFile => Ok(()),
        // There was no link when the path was resolved.
        FileType::Symlink => Err(Refusal::Outside),
        FileType::Directory => Err(Refusal::NotAFile("a folder")),
        FileType::Fifo => Err(Refusal::NotAFile("a pipe")),
        FileType::Socket => Err(Refusal::NotAFile("a socket")),
        _ => Err(Refusal::NotAFile("a device")),
    }
}

/// For systems on which folders cannot be opened: the opened path is resolved once more.
#[cfg(not(unix))]
impl Root {
    fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self { real: folder.canonicalize()? })
    }

    fn same(&self, below: &Path) -> Result<PathBuf, Refusal> {
        let path = self.real.join(below);
        if path.canonicalize()? == path { Ok(path) } else { Err(Refusal::Outside) }
    }

    fn open_file(&self, below: &Path) -> Result<Opened, Refusal> {
        let path = self.same(below)?;
        let kind = path.metadata()?;
        if !kind.is_file() {
            return Err(Refusal::NotAFile(if kind.is_dir() { "a folder" } else { "a device" }));
        }
        let file = File::open(&path)?;
        self.same(below)?;
        Ok(Opened { length: file.metadata()?.len(), file })
    }

    fn list(&self, below: &Path) -> Result<Vec<Listed>, Refusal> {
        let mut listed = Vec::new();
        for entry in std::fs::read_dir(self.same(below)?)? {
            let entry = entry?;
            if listed.len() >= limits::LISTED {
                return Err(Refusal::TooMany(limits::LISTED));
            }
            let kind = entry.file_type()?;
            let kind = match () {
                () if kind.is_file() => Kind::File,
                () if kind.is_dir() => Kind::Folder,
                () if kind.is_symlink() => Kind::Link,
                () => Kind::Special,
            };
            listed.push(Listed { name: entry.file_name(), kind });
        }
        Ok(listed)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{Files, Kind, Refusal, checksum};

    /// A folder `stack` beside a file `outside`.
    fn stack() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("stack");
        std::fs::create_dir_all(folder.join("sql/deep")).expect("a folder");
        std::fs::write(folder.join("sql/deep/a.sql"), "select 1").expect("a file");
        std::fs::write(root.path().join("outside"), "hunter2").expect("a file");
        root
    }

    fn read_or_code(files: &Files, path: &str) -> String {
        match files.read(path, 100) {
            Ok(bytes) => String::from_utf8(bytes).expect("text"),
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    #[test]
    fn links_are_followed_while_they_stay_inside() {
        let root = stack();
        let folder = root.path().join("stack");
        let link = |target: &std::path::Path, name: &str| symlink(target, folder.join(name)).expect("a link");
        for (target, name) in [
            ("sql/deep/a.sql", "file"),
            ("file", "chain"),
            ("sql", "folder"),
            ("folder/deep/../deep/a.sql", "through"),
            ("../stack/sql/deep/a.sql", "out-and-in"),
            ("../outside", "out"),
            ("..", "up"),
            ("up/outside", "chain-out"),
            ("nowhere", "dangling"),
            ("loop", "loop"),
            ("/proc/self/environ", "proc"),
            ("/dev/zero", "device"),
        ] {
            link(target.as_ref(), name);
        }
        link(&folder.join("sql/deep/a.sql"), "absolute");
        let files = Files::new(&folder);
        let inside = [
            "file",
            "chain",
            "folder/deep/a.sql",
            "through",
            "absolute",
            "out-and-in",
            "./sql/../sql/deep/a.sql",
            "up/stack/file",
        ];
        for path in inside {
            assert_eq!(read_or_code(&files, path), "select 1", "{path}");
        }
        assert_eq!(read_or_code(&files, &folder.join("file").to_string_lossy()), "select 1");
        for path in ["out", "up/outside", "chain-out", "../outside", "proc", "device", "/etc/passwd", "up"] {
            assert_eq!(read_or_code(&files, path), "outside-folder", "{path}");
        }
        for path in ["nowhere", "dangling", "sql/deep/a.sql/b"] {
            assert_eq!(read_or_code(&files, path), "no-such-file", "{path}");
        }
        assert_eq!(read_or_code(&files, "loop"), "unreadable-file");
        assert_eq!(read_or_code(&files, "../nowhere"), "outside-folder", "nor whether there is one");
        assert!(matches!(files.list("up"), Err(Refusal::Outside)));
        let names: Vec<_> = files.list("sql").expect("listed").into_iter().map(|one| one.kind).collect();
        assert_eq!(names, [Kind::Folder]);
    }

    #[test]
    fn only_files_up_to_the_size_limit_are_read() {
        let root = stack();
        let folder = root.path().join("stack");
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("a socket");
        let made = std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().expect("mkfifo");
        assert!(made.success());
        symlink("pipe", folder.join("link-to-pipe")).expect("a link");
        let files = Files::new(&folder);
        for path in ["socket", "pipe", "link-to-pipe", "sql", ".", ""] {
            assert_eq!(read_or_code(&files, path), "not-a-file", "{path}");
        }
        assert!(matches!(files.read("sql/deep/a.sql", 7), Err(Refusal::TooLarge(7))));
        assert!(files.read("sql/deep/a.sql", 8).is_ok());
    }

    /// A link that replaces a folder after the path was resolved.
    #[test]
    fn a_path_swapped_for_a_link_meanwhile_is_not_followed() {
        let root = stack();
        let folder = root.path().join("stack");
        std::fs::create_dir_all(root.path().join("other/deep")).expect("a folder");
        std::fs::write(root.path().join("other/deep/a.sql"), "hunter2").expect("a file");
        let files = Files::new(&folder);
        let (_, below) = files.resolve("sql/deep/a.sql".as_ref()).expect("inside");
        std::fs::rename(folder.join("sql"), folder.join("before")).expect("moved");
        symlink("../other", folder.join("sql")).expect("a link");
        assert!(files.root().expect("open").open_file(&below).is_err());
        std::fs::remove_file(folder.join("sql")).expect("removed");
        std::fs::create_dir_all(folder.join("sql/deep")).expect("a folder");
        symlink("../../../outside", folder.join("sql/deep/a.sql")).expect("a link");
        assert!(matches!(files.root().expect("open").open_file(&below), Err(Refusal::Outside)));
    }

    #[test]
    fn a_checksum_depends_on_names_contents_and_links_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir(at("a")).expect("a folder");
        std::fs::write(at("a/one.toml"), "x").expect("a file");
        std::fs::write(at("b.toml"), "y").expect("a file");
        let first = checksum(place.path()).expect("a checksum");
        assert!(first.starts_with("sha256:") && first.len() == 71, "{first}");
        std::fs::create_dir(at(".git")).expect("a folder");
        std::fs::create_dir(at("empty")).expect("a folder");
        assert_eq!(checksum(place.path()).expect("a checksum"), first);
        std::fs::write(at("b.toml"), "z").expect("a file");
        let changed = checksum(place.path()).expect("a checksum");
        std::fs::remove_file(at("b.toml")).expect("removed");
        std::os::unix::fs::symlink("z", at("b.toml")).expect("a link");
        let linked = checksum(place.path()).expect("a checksum");
        std::fs::rename(at("b.toml"), at("c.toml")).expect("renamed");
        let renamed = checksum(place.path()).expect("a checksum");
        let all = [&first, &changed, &linked, &renamed];
        assert!((1..4).all(|one| !all[..one].contains(&all[one])), "{all:?}");
    }
}
