//! Fetches a commit of another repository. Git gets a list of arguments, never a shell's line, and an empty
//! repository without hooks to fetch into. It takes credentials from where it usually does.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::Failure;
use crate::cli::revision::{Repository, run, words};
use crate::diag::Diagnostic;
use crate::limits;
use crate::stack::Remote;

/// The ways that git may use to reach a repository. A user's own `GIT_ALLOW_PROTOCOL` replaces them.
const PROTOCOLS: &str = "https:ssh";

/// A fetched repository, in a folder that is removed when this is dropped.
pub(super) struct Fetched {
    place: tempfile::TempDir,
    url: String,
}

impl Fetched {
    /// An empty repository in a folder.
    pub(super) fn new(url: &str, folder: &Path) -> Result<Self, Failure> {
        let place = tempfile::Builder::new().prefix(".git-").tempdir_in(folder);
        let place = place.map_err(|error| {
            Diagnostic::error("unwritable", format!("cannot write to {}", folder.display()))
                .note(error.to_string())
        })?;
        let fetched = Self { place, url: url.to_owned() };
        let made = fetched.git(&["init", "--quiet", "--bare", "--template="])?;
        if !made.status.success() {
            return Err(Diagnostic::error("git", "git cannot make an empty repository")
                .note(words(&made))
                .into());
        }
        Ok(fetched)
    }

    /// Fetches the pinned commit, or the one that the source's revision names now.
    pub(super) fn commit(&self, remote: &Remote, pinned: Option<&str>) -> Result<String, Failure> {
        let revision = pinned.or(remote.revision.as_deref());
        // Servers may refuse a commit by its id, and those of plain files a part of the history.
        let short = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--"];
        let fetched = self.git(&[&short[..], &[&self.url, revision.unwrap_or("HEAD")]].concat())?;
        if fetched.status.success() {
            let commit = self.names("FETCH_HEAD")?;
            if let Some(commit) = commit.filter(|one| pinned.is_none_or(|pinned| pinned == one)) {
                return Ok(commit);
            }
        }
        let all = ["+HEAD:refs/dwctl/head", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let long = ["fetch", "--quiet", "--no-recurse-submodules", "--", &self.url];
        let fetched = self.git(&[&long[..], &all[..]].concat())?;
        if !fetched.status.success() {
            return Err(Diagnostic::error("not-fetched", format!("cannot fetch {}", self.url))
                .note(words(&fetched))
                .note(
                    "dwctl never asks for a password: git takes it from a credential helper or an ssh agent",
                )
                .into());
        }
        let Some(revision) = revision else {
            let commit = self.names("refs/dwctl/head")?;
            return commit.ok_or_else(|| self.unknown("a default branch"));
        };
        for name in [format!("refs/tags/{revision}"), format!("refs/heads/{revision}"), revision.to_owned()] {
            if let Some(commit) = self.names(&name)? {
                return Ok(commit);
            }
        }
        Err(self.unknown(&format!("`{revision}`")))
    }

    /// The repository, to read a folder of it.
    pub(super) fn repository(&self, folder: &str) -> Repository {
        Repository::fetched(self.place.path().to_owned(), folder.to_owned())
    }

    /// The commit that a name stands for, if any.
    fn names(&self, name: &str) -> Result<Option<String>, Failure> {
        let output = self.git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
        let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(commit).filter(|commit| output.status.success() && !commit.is_empty()))
    }

    fn unknown(&self, what: &str) -> Failure {
        Diagnostic::error("unknown-revision", format!("{} does not have {what}", self.url))
            .help("name a branch, a tag or a whole commit after ?ref= in the source")
            .into()
    }

    fn git(&self, arguments: &[&str]) -> Result<std::process::Output, Failure> {
        let mut command = self.command();
        command.args(arguments);
        Ok(run(command, limits::MODULE_FETCH)?)
    }

    fn command(&self) -> Command {
        let mut command = Repository::fetched(PathBuf::from(self.place.path()), String::new()).command();
        command.env_remove("GIT_NO_LAZY_FETCH").args(["-c", "core.hooksPath=/dev/null"]);
        if std::env::var_os("GIT_ALLOW_PROTOCOL").is_none() {
            command.env("GIT_ALLOW_PROTOCOL", PROTOCOLS);
        }
        command
    }
}
