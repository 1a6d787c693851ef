//! Writes the files that a user names: `--output`, `--out`.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::diag::Diagnostic;

/// Maximum number of links that are followed, as in Linux
/// (<https://man7.org/linux/man-pages/man7/path_resolution.7.html>).
const MAX_LINKS: usize = 40;
/// How long to wait for the reader of a pipe.
const READER: Duration = Duration::from_secs(5);

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Only its owner, even if the file existed before.
    Owner,
    /// Only its owner; a file that existed before keeps its mode.
    OwnerAtFirst,
    /// Everyone whom the umask allows; a file that existed before keeps its mode.
    All,
}

/// What a path leads to.
enum Place {
    /// A file, or nothing yet in a folder that exists.
    File(PathBuf, Option<Metadata>),
    /// A pipe or a device.
    Stream(PathBuf),
    /// A file that a process has open: `/dev/stdout`, `/dev/fd/3`.
    Open(PathBuf, Option<u32>),
}

/// Writes a file atomically. Links are followed and kept. Anything but a file, such as a pipe, a terminal
/// or `/dev/stdout`, is written to directly. A reader that closes its end is no error.
///
/// # Errors
/// An error of the system, or the path leads to a folder.
pub(super) fn write(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    match resolve(path)? {
        Place::File(path, known) => replace(&path, known.as_ref(), text, readers),
        Place::Stream(path) => write_to_open(open_stream(&path)?, text),
        // Opening the file again would not share the position of the descriptor.
        Place::Open(_, Some(1)) => write_to_open(io::stdout().as_fd().try_clone_to_owned()?.into(), text),
        Place::Open(_, Some(2)) => write_to_open(io::stderr().as_fd().try_clone_to_owned()?.into(), text),
        Place::Open(path, _) => write_to_open(OpenOptions::new().append(true).open(path)?, text),
    }
}

/// Refuses to overwrite the files of a stack, the inputs of this command, or one file twice.
pub(super) fn guard(written: &[&Path], stacks: &[&Path], read: &[&Path]) -> Result<(), Diagnostic> {
    let mut seen = Vec::new();
    for path in written {
        // Other places, and errors, are handled when the file is written.
        let Ok(Place::File(file, _)) = resolve(path) else { continue };
        let shown = path.display();
        let refusal = if seen.contains(&file) {
            format!("two results would be written to {shown}")
        } else if read.iter().any(|one| one.canonicalize().is_ok_and(|one| one == file)) {
            format!("this command reads {shown}, which would be overwritten")
        } else if stacks.iter().any(|folder| is_of_stack(folder, &file)) {
            format!("{shown} is a file of the stack, or would become one")
        } else {
            seen.push(file);
            continue;
        };
        return Err(Diagnostic::error("invalid-argument", refusal)
            .note("nothing was written")
            .help("name another file"));
    }
    Ok(())
}

/// Returns whether a file is part of a stack, or would be if it were created.
fn is_of_stack(folder: &Path, file: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let has = |path: &Path, extensions: &[&str]| {
        path.extension().is_some_and(|one| extensions.iter().any(|extension| one == *extension))
    };
    let is_toml = |path: &Path| {
        has(path, &["toml"]) && path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
    };
    if file.starts_with(folder.join(".dwctl")) {
        return has(file, &["json", "lock", "part"]);
    }
    [folder.clone(), folder.join("env")].iter().any(|folder| {
        let listed = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files = listed.map(|entry| entry.path()).filter(|path| is_toml(path));
        (file.parent() == Some(folder) && is_toml(file))
            // A link inside the repository may lead to the file.
            || files.any(|path| path.canonicalize().is_ok_and(|path| path == file))
    })
}

/// Appends to a file, and creates it if needed. Otherwise like [`write`].
///
/// # Errors
/// As for [`write`].
pub(super) fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    match resolve(path)? {
        Place::File(path, _) => {
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
            file.write_all(text)
        }
        Place::Stream(_) | Place::Open(..) => write(path, text, Readers::OwnerAtFirst),
    }
}

/// Opens a pipe or a device. A pipe must have a reader now or soon: a blocking open without a time limit
/// would never return without one.
fn open_stream(path: &Path) -> io::Result<File> {
    let deadline = Instant::now() + READER;
    let flags = OFlags::NONBLOCK.bits() as i32;
    loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(path) {
            Ok(file) => {
                rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
                return Ok(file);
            }
            // `ENXIO`: no process has it open for reading.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                if Instant::now() > deadline {
                    return Err(io::Error::new(ErrorKind::TimedOut, "nobody reads from this pipe"));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(error),
        }
    }
}

fn write_to_open(mut file: File, text: &[u8]) -> io::Result<()> {
    match file.write_all(text).and_then(|()| file.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Follows links, except those that stand for an open file.
fn resolve(path: &Path) -> io::Result<Place> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(ErrorKind::IsADirectory.into());
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?.to_owned();
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.canonicalize()?,
            _ => Path::new(".").canonicalize()?,
        };
        path = folder.join(&name);
        if is_of_descriptors(&folder) {
            let number = name.to_str().and_then(|name| name.parse().ok());
            return Ok(Place::Open(path, number.filter(|_| is_own(&folder))));
        }
        match path.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::File(path, None)),
            Err(error) => return Err(error),
            Ok(known) if known.is_symlink() => path = folder.join(path.read_link()?),
            Ok(known) if known.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(known) if known.is_file() => return Ok(Place::File(path, Some(known))),
            Ok(known) if known.file_type().is_socket() => return Err(io::Error::other("it is a socket")),
            Ok(_) => return Ok(Place::Stream(path)),
        }
    }
    Err(io::Error::other("the chain of links is too long"))
}

/// Returns whether a folder lists the open files of a process: `/dev/fd`, `/proc/4711/fd`.
fn is_of_descriptors(folder: &Path) -> bool {
    folder == Path::new("/dev/fd") || (folder.starts_with("/proc") && folder.ends_with("fd"))
}

/// Returns whether a folder lists the open files of this process.
fn is_own(folder: &Path) -> bool {
    let own = Path::new("/proc/self/fd").canonicalize();
    folder == Path::new("/dev/fd") || own.is_ok_and(|own| own == folder)
}

/// Writes a temporary file beside the file, syncs it, and renames it over the file.
fn replace(path: &Path, known: Option<&Metadata>, text: &[u8], readers: Readers) -> io::Result<()> {
    let mode = match known {
        Some(known) if readers != Readers::Owner => known.mode() & 0o7777,
        _ if readers == Readers::All => 0o666,
        _ => 0o600,
    };
    let moved = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        // The file is opened here because an error of `tempfile` would name the temporary path.
        let mut file = tempfile::Builder::new().make_in(folder, |path| options.open(path))?;
        file.write_all(text)?;
        if let Some(known) = known {
            // The umask removed bits from the mode at creation.
            file.as_file().set_permissions(Permissions::from_mode(mode))?;
            // Only root can keep a foreign owner. For others the new file is their own.
            std::os::unix::fs::fchown(file.as_file(), Some(known.uid()), Some(known.gid())).ok();
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    match moved() {
        // The folder is not writable, or the file is a mount of its own, as in a container.
        Err(error) if known.is_some() && needs_place(error.kind()) => {
            let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
            file.write_all(text)?;
            file.sync_all()
        }
        done => done,
    }
}

fn needs_place(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
    )
}

#[cfg(test)]
mod tests {
    use super::{Readers, write};
    use std::fs::{self, Permissions};
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    fn mode(path: &std::path::Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn writing_through_a_link_keeps_the_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).expect("a folder");
        fs::write(at("deep/file"), "old").expect("written");
        fs::set_permissions(at("deep/file"), Permissions::from_mode(0o640)).expect("set");
        symlink("deep/file", at("relative")).expect("a link");
        symlink(at("relative"), at("absolute")).expect("a link");
        write(&at("absolute"), b"new", Readers::OwnerAtFirst).expect("written");
        assert_eq!(fs::read_to_string(at("deep/file")).expect("readable"), "new");
        assert_eq!(mode(&at("deep/file")), 0o640, "its mode stays");
        write(&at("relative"), b"secret", Readers::Owner).expect("written");
        assert_eq!(mode(&at("deep/file")), 0o600);

        symlink("deep/later", at("dangling")).expect("a link");
        write(&at("dangling"), b"made", Readers::OwnerAtFirst).expect("written");
        assert_eq!(fs::read_to_string(at("deep/later")).expect("readable"), "made");
        assert_eq!(mode(&at("deep/later")), 0o600);
        for link in ["relative", "absolute", "dangling"] {
            assert!(at(link).symlink_metadata().expect("there").is_symlink(), "{link} is a link still");
        }
        let left = fs::read_dir(at("deep")).expect("a folder").count();
        assert_eq!(left, 2, "nothing is left beside");
    }

    #[test]
    fn paths_that_cannot_be_files_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        symlink("b", at("a")).expect("a link");
        symlink("a", at("b")).expect("a link");
        symlink("missing/file", at("nowhere")).expect("a link");
        for name in ["", "new/", "a", "nowhere", "missing/file"] {
            write(&at(name), b"x", Readers::All).expect_err(name);
        }
    }

    #[test]
    fn a_pipe_is_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success());
        let reader = {
            let pipe = pipe.clone();
            std::thread::spawn(move || {
                let mut text = String::new();
                fs::File::open(pipe).expect("a pipe").read_to_string(&mut text).expect("readable");
                text
            })
        };
        write(&pipe, b"through", Readers::Owner).expect("written");
        assert_eq!(reader.join().expect("a reader"), "through");
        assert!(pipe.symlink_metadata().expect("there").file_type().is_fifo(), "it is a pipe still");

        let error = write(&pipe, b"nowhere", Readers::Owner).expect_err("nobody reads");
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(pipe.symlink_metadata().expect("there").file_type().is_fifo(), "it is a pipe still");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("full");
        symlink("/dev/full", &link).expect("a link");
        let error = write(&link, b"x", Readers::All).expect_err("it is full");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        write("/dev/null".as_ref(), b"x", Readers::All).expect("written");
        assert!(fs::metadata("/dev/full").expect("there").file_type().is_char_device());
    }

    #[test]
    fn an_open_descriptor_is_written_at_its_position() {
        use std::os::fd::AsRawFd;
        let folder = tempfile::tempdir().expect("a folder");
        let file = fs::File::create(folder.path().join("log")).expect("a file");
        let path = format!("/dev/fd/{}", file.as_raw_fd());
        write(path.as_ref(), b"one\n", Readers::All).expect("written");
        write(path.as_ref(), b"two\n", Readers::All).expect("written");
        assert_eq!(fs::read_to_string(folder.path().join("log")).expect("readable"), "one\ntwo\n");
    }
}
