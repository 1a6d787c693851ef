//! `dwctl modules fetch`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::repository::Fetched;
use crate::cli::files::{self, Readers};
use crate::cli::printer::Printer;
use crate::cli::revision::Repository;
use crate::cli::scratch::{self, Scratch};
use crate::cli::spinner::Spinner;
use crate::cli::{Exit, Failure, Outcome, context};
use crate::diag::{Diagnostic, counted};
use crate::files::{Files, checksum};
use crate::limits;
use crate::stack::{self, LOCK_FILE, LockFile, Pinned, Remote};

/// Fetches the modules of other repositories that the stack calls, and pins new ones in dwctl.lock.toml.
///
/// A pinned module stays at its commit, wherever its branch or tag moves. Fetched modules are kept in the
/// user's cache (DWCTL_MODULES_DIR), which all stacks share.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the stack.
    #[arg(default_value = ".", env = "DWCTL_STACK")]
    stack: PathBuf,

    /// Pins every module to the commit that its source names now.
    #[arg(long, conflicts_with_all = ["locked", "revision"])]
    update: bool,

    /// Fails instead of changing dwctl.lock.toml, as CI should.
    #[arg(long)]
    locked: bool,

    /// Fetches what the stack's lock file pins in this git revision, for `dwctl diff`.
    #[arg(long, value_name = "REVISION", value_parser = revision)]
    revision: Option<String>,
}

fn revision(text: &str) -> Result<String, &'static str> {
    match text.starts_with('-') {
        true => Err("a revision does not begin with a hyphen"),
        false => Ok(text.to_owned()),
    }
}

pub(super) fn run(args: &Args, printer: &Printer) -> Outcome {
    if let Some(problem) = context::no_folder(&args.stack) {
        return Err(Failure::new(Exit::Invalid, vec![problem], Default::default()));
    }
    let checkout = match &args.revision {
        Some(name) => {
            let repository = Repository::of(&args.stack)?;
            let commit = repository.commit(name)?;
            Some(repository.checkout(&commit, name)?)
        }
        None => None,
    };
    let folder = checkout.as_ref().map_or(args.stack.as_path(), |checkout| &checkout.folder);
    let home = stack::modules_home()?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&home).map_err(|error| {
        Diagnostic::error("unwritable", format!("cannot make the folder {}", home.display()))
            .note(error.to_string())
            .help("DWCTL_MODULES_DIR names another folder for modules")
    })?;
    scratch::sweep_in(&home, scratch::NEW_FOLDER_GRACE);
    let files = Files::new(folder);
    let lock = LockFile::read(&files)?;
    let mut fetch = Fetch {
        printer,
        home,
        lock: &lock,
        update: args.update,
        locked: args.locked || args.revision.is_some(),
        repositories: BTreeMap::new(),
        commits: BTreeMap::new(),
        pinned: BTreeMap::new(),
        fetched: 0,
    };
    fetch.all(&files)?;
    let (fetched, count) = (fetch.fetched, fetch.pinned.len());
    let new = LockFile(fetch.pinned);
    let path = args.stack.join(LOCK_FILE);
    if new != lock && !fetch.locked {
        files::write(&path, new.text().as_bytes(), Readers::All).map_err(|error| {
            Diagnostic::error("unwritable", format!("cannot write {}", path.display()))
                .note(error.to_string())
        })?;
        printer.note(&format!("{} is written: commit it", path.display()));
    }
    printer.note(&match (count, fetched) {
        (0, _) => "the stack calls no module of another repository".to_owned(),
        (_, 0) => format!("{} pinned and on this machine", counted(count, "module")),
        _ => format!("{} fetched, {} pinned", counted(fetched, "module"), count),
    });
    Ok(Exit::Done)
}

struct Fetch<'a> {
    printer: &'a Printer,
    /// The folder of all fetched modules.
    home: PathBuf,
    /// The lock file before.
    lock: &'a LockFile,
    update: bool,
    locked: bool,
    /// The repositories that this run fetched from, by URL.
    repositories: BTreeMap<String, Fetched>,
    /// The commits that revisions of repositories stand for.
    commits: BTreeMap<(String, Option<String>), String>,
    /// The modules of the stack.
    pinned: BTreeMap<String, Pinned>,
    fetched: usize,
}

impl Fetch<'_> {
    /// Fetches the modules that the stack calls, and those that they call.
    fn all(&mut self, stack: &Files) -> Result<(), Failure> {
        let mut folders = vec![(stack.clone(), stack.clone())];
        let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
        while let Some((files, home)) = folders.pop() {
            // A folder that cannot be read is an error of `validate`.
            if files.real().is_ok_and(|real| !seen.insert(real.to_owned())) {
                continue;
            }
            for source in stack::sources_of(&files) {
                if !Remote::is_one(&source) {
                    if let Ok((_, files)) = files.module(&source, &home) {
                        folders.push((files, home.clone()));
                    }
                    continue;
                }
                if self.pinned.contains_key(&source) {
                    continue;
                }
                if self.pinned.len() >= limits::MODULE_FOLDERS {
                    let what = format!("the stack has more than {} modules", limits::MODULE_FOLDERS);
                    return Err(Diagnostic::error("too-many", what).into());
                }
                let files = self.module(&source).map_err(|mut failure| {
                    for diagnostic in &mut failure.diagnostics {
                        let called = format!("the source is {source}, called in {}", files.shown().display());
                        diagnostic.notes.push(called);
                    }
                    failure
                })?;
                folders.push((files.clone(), files));
            }
        }
        Ok(())
    }

    /// Fetches a module unless it is there, and pins it.
    fn module(&mut self, source: &str) -> Result<Files, Failure> {
        let remote = Remote::parse(source).map_err(|(what, help)| {
            Diagnostic::error("invalid-source", format!("the source of a module {what}")).help(help)
        })?;
        let known = self.lock.0.get(source);
        if self.locked && known.is_none() {
            return Err(Diagnostic::error("not-locked", format!("{LOCK_FILE} does not have a module"))
                .help("run this without --locked, and commit the file")
                .into());
        }
        let known = known.filter(|_| !self.update);
        if let Some(pinned) = known
            && let Ok(files) = pinned.files(&remote)
        {
            self.pinned.insert(source.to_owned(), pinned.clone());
            return Ok(files);
        }
        let _spinner = Spinner::new(self.printer, &format!("fetching {}", remote.url));
        let pinned = self.fetch(&remote, known)?;
        let files = pinned.files(&remote)?;
        self.printer.note(&format!("{source} is at commit {}", pinned.commit.get(..12).unwrap_or_default()));
        self.pinned.insert(source.to_owned(), pinned);
        self.fetched += 1;
        Ok(files)
    }

    /// Fetches a module at the known commit, or at the one that its revision names now.
    fn fetch(&mut self, remote: &Remote, known: Option<&Pinned>) -> Result<Pinned, Failure> {
        let place = (remote.url.clone(), remote.revision.clone());
        let commit = known.map(|pinned| pinned.commit.clone()).or_else(|| self.commits.get(&place).cloned());
        // Folders of one repository stay together.
        let commit = commit.or_else(|| {
            let is_same =
                |source: &&String| Remote::parse(source).is_ok_and(|one| (one.url, one.revision) == place);
            let other = self.lock.0.keys().find(is_same).filter(|_| !self.update)?;
            Some(self.lock.0.get(other)?.commit.clone())
        });
        let fetched = match self.repositories.remove(&remote.url) {
            Some(fetched) => fetched,
            None => Fetched::new(&remote.url, &self.home)?,
        };
        let commit = fetched.commit(remote, commit.as_deref())?;
        self.commits.insert(place, commit.clone());
        let scratch = Scratch::new_in(&self.home).map_err(|error| self.unwritable(&error))?;
        let name = format!("{} at {}", remote.url, commit.get(..12).unwrap_or_default());
        let checkout = fetched.repository(&remote.folder).checkout_to(scratch, &commit, &name)?;
        self.repositories.insert(remote.url.clone(), fetched);
        for absent in &checkout.absent {
            self.printer.note(&format!("left out: {absent}"));
        }
        let checksum = checksum(checkout.top()).map_err(|error| self.unwritable(&error))?;
        if let Some(known) = known.filter(|known| known.checksum != checksum) {
            return Err(Diagnostic::error(
                "changed-module",
                "the files of a module are not those that were locked",
            )
            .note(format!("commit {commit} has the checksum {checksum}"))
            .note(format!("{LOCK_FILE} has {}", known.checksum))
            .note("nothing of it is kept")
            .help("find out who changed the repository or the lock file; `--update` pins what is there now")
            .into());
        }
        let pinned = Pinned { commit, checksum };
        let place = pinned.place()?;
        self.keep(checkout.top(), &place).map_err(|error| self.unwritable(&error))?;
        Ok(pinned)
    }

    /// Moves the files of a module to their place, instead of what may be there.
    fn keep(&self, from: &Path, place: &Path) -> std::io::Result<()> {
        if fs::symlink_metadata(place).is_ok() {
            let old = tempfile::Builder::new().prefix(".old-").tempdir_in(&self.home)?;
            fs::rename(place, old.path().join("files"))?;
        }
        fs::rename(from, place)
    }

    fn unwritable(&self, error: &std::io::Error) -> Failure {
        Diagnostic::error("unwritable", format!("cannot write to {}", self.home.display()))
            .note(error.to_string())
            .into()
    }
}
