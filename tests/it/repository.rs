//! Git repositories for tests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The path to git, since a test's environment is empty.
pub fn path() -> (&'static str, String) {
    ("PATH", std::env::var("PATH").expect("a PATH"))
}

/// A git repository for a test, independent of this machine's configuration.
pub struct Repository {
    place: PathBuf,
    /// Removes it.
    _folder: Option<tempfile::TempDir>,
}

impl Repository {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Self::at(folder.path());
        Self { _folder: Some(folder), ..repository }
    }

    /// Makes a folder one.
    pub fn at(folder: &Path) -> Self {
        let repository = Self { place: folder.to_owned(), _folder: None };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub fn path(&self) -> &Path {
        &self.place
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let (name, path) = path();
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env(name, path)
            .env("HOME", self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b.c")])
            .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@b.c")])
            .output()
            .expect("git");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a"]);
    }
}
