//! Modules of other git repositories: `dwctl.lock.toml`, which pins each to a commit and a checksum, and the
//! folder that keeps their files. Only `dwctl modules fetch` writes either.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Remote;
use crate::cache;
use crate::diag::Diagnostic;
use crate::files::{Files, Refusal, SHA256, checksum};
use crate::limits;

/// The name of the lock file in a stack's folder.
pub const LOCK_FILE: &str = "dwctl.lock.toml";

/// The version of its format.
const VERSION: u32 = 1;

/// A module, as the lock file pins it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The commit, in hexadecimal digits.
    pub commit: String,
    /// The checksum of its files; see [`checksum`].
    pub checksum: String,
}

/// The pinned modules of a stack, by source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile(pub BTreeMap<String, Pinned>);

/// The lock file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    module: BTreeMap<String, Pinned>,
}

impl LockFile {
    /// Reads the lock file in a stack's folder; an empty one if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is not valid.
    pub fn read(files: &Files) -> Result<Self, Diagnostic> {
        let name = files.shown().join(LOCK_FILE).display().to_string();
        let error = |note: String| {
            Diagnostic::error("lock-file", format!("cannot read {name}"))
                .note(note)
                .help("restore it from git, or remove it and run: dwctl modules fetch")
        };
        let bytes = match files.read(LOCK_FILE, limits::STACK_FILE) {
            Ok(bytes) => bytes,
            Err(Refusal::Missing) => return Ok(Self::default()),
            Err(refusal) => return Err(error(refusal.describe(LOCK_FILE))),
        };
        let text = String::from_utf8(bytes).map_err(|_| error("it is not UTF-8".to_owned()))?;
        // A newer version may have other members.
        let version = text.parse::<toml::Table>().ok().and_then(|table| table.get("version")?.as_integer());
        if let Some(version) = version.filter(|version| *version > VERSION.into()) {
            return Err(Diagnostic::error("lock-file", format!("{name} is of version {version}"))
                .note(format!("this dwctl knows versions up to {VERSION}"))
                .help("install the dwctl that wrote it"));
        }
        let written: Written = toml::from_str(&text).map_err(|wrong| error(wrong.to_string()))?;
        for (source, pinned) in &written.module {
            let is_hex = |text: &str, lengths: &[usize]| {
                lengths.contains(&text.len()) && text.bytes().all(|one| one.is_ascii_hexdigit())
            };
            let checksum = pinned.checksum.strip_prefix(SHA256).unwrap_or_default();
            if !is_hex(&pinned.commit, &[40, 64]) || !is_hex(checksum, &[64]) {
                return Err(error(format!("the commit or checksum of {source} is not valid")));
            }
        }
        Ok(Self(written.module))
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let written = Written { version: VERSION, module: self.0.clone() };
        // Numbers and strings alone, which TOML always takes.
        let body = toml::to_string(&written).unwrap_or_default();
        format!("# Written by `dwctl modules fetch`. Commit this file.\n{body}")
    }
}

impl Pinned {
    /// The folder that keeps the files, whether they are there or not.
    ///
    /// # Errors
    /// There is no home directory.
    pub fn place(&self) -> Result<PathBuf, Diagnostic> {
        Ok(home()?.join(self.checksum.strip_prefix(SHA256).unwrap_or_default()))
    }

    /// The files of the module's folder.
    ///
    /// # Errors
    /// They are not there, or are not those that the lock file pins.
    pub fn files(&self, remote: &Remote) -> Result<Files, Diagnostic> {
        let place = self.place()?;
        let fetch = "to fetch it: dwctl modules fetch";
        let found = checksum(&place).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Diagnostic::error("not-fetched", "a module of another repository is not on this machine")
                    .note(format!("the lock file pins it to commit {}", self.commit))
                    .help(fetch)
            }
            _ => Diagnostic::error("unreadable", format!("cannot read {}", place.display()))
                .note(error.to_string()),
        })?;
        if found != self.checksum {
            return Err(Diagnostic::error(
                "changed-module",
                "the files of a module are not those that were locked",
            )
            .note(format!("somebody changed {}", place.display()))
            .note("nothing in it was read")
            .help(fetch));
        }
        Files::package(&place, &remote.folder, remote.shown()).map_err(|why| {
            let folder = if remote.folder.is_empty() { "its top" } else { &remote.folder };
            Diagnostic::error("no-module", format!("the folder of the module, {folder}, {why}"))
        })
    }
}

/// The folder of all fetched modules. `DWCTL_MODULES_DIR` names another one.
///
/// # Errors
/// There is no home directory.
pub fn home() -> Result<PathBuf, Diagnostic> {
    match cache::set("DWCTL_MODULES_DIR") {
        Some(place) => Ok(place),
        None => Ok(cache::folder("DWCTL_MODULES_DIR")?.join("modules")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_lock_file_is_read_as_it_was_written() {
        let place = tempfile::tempdir().expect("a folder");
        let files = Files::new(place.path());
        assert_eq!(LockFile::read(&files).expect("none"), LockFile::default());
        let pinned = Pinned { commit: "a".repeat(40), checksum: format!("sha256:{}", "b".repeat(64)) };
        let source = "git::https://host/m.git//lake?ref=v1".to_owned();
        let lock = LockFile(BTreeMap::from([(source, pinned)]));
        fs::write(place.path().join(LOCK_FILE), lock.text()).expect("a file");
        assert_eq!(LockFile::read(&files).expect("a lock file"), lock);
        for wrong in [
            "version = 2",
            "version = 1\nmore = 1",
            "version = 1\n[module.x]\ncommit = \"../..\"\nchecksum = \"sha256:1\"",
        ] {
            fs::write(place.path().join(LOCK_FILE), wrong).expect("a file");
            assert_eq!(LockFile::read(&files).expect_err(wrong).code, "lock-file");
        }
    }
}
