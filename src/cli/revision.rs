//! Reads a stack from a revision of its git repository. Git is run with lists of arguments, never by a
//! shell, and is only asked for objects. So no hook, filter or attribute of the repository takes effect,
//! and nothing in it is written.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::scratch::Scratch;
use super::{Exit, Failure};
use crate::diag::{Diagnostic, Outside, Sources};
use crate::files::{Files, Refusal, bounded};
use crate::limits;
use crate::signals;
use crate::stack;

/// A git repository that contains a stack.
pub(super) struct Repository {
    /// A folder of its work tree.
    place: PathBuf,
    /// The stack's folder, relative to the top of the repository; empty if it is the top.
    folder: String,
    /// True if `place` is a bare repository of dwctl's own.
    is_fetched: bool,
}

/// The files of a stack in a revision, in a folder that is removed when this is dropped.
pub(super) struct Checkout {
    /// The stack's folder.
    pub(super) folder: PathBuf,
    /// The folder in git's notation: `main:stacks/shop`.
    pub(super) shown: PathBuf,
    /// The files that are left out, with the reason.
    pub(super) absent: Vec<String>,
    files: Scratch,
}

impl Checkout {
    /// The folder of the repository's files.
    pub(super) fn top(&self) -> &Path {
        self.files.path()
    }
}

/// A file of a revision.
struct Entry {
    mode: String,
    object: String,
    path: String,
}

impl Repository {
    /// The repository that contains a folder. The folder itself may no longer exist.
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        let absolute = std::path::absolute(folder).map_err(|error| unreadable(folder, &error))?;
        let place = absolute.ancestors().find(|one| one.is_dir()).unwrap_or(&absolute).to_owned();
        let below =
            absolute.strip_prefix(&place).unwrap_or(Path::new("")).to_string_lossy().replace('\\', "/");
        let mut repository = Self { place, folder: String::new(), is_fetched: false };
        let output = repository.git(&["rev-parse", "--show-prefix"])?;
        if !output.status.success() {
            let error = format!("{} is not in a readable git repository", folder.display());
            return Err(Diagnostic::error("no-repository", error)
                .note(words(&output))
                .help("name the stack's folder with --stack; or compare two folders: dwctl diff OLD NEW")
                .into());
        }
        let prefix = text(output.stdout)?;
        repository.folder = format!("{}{below}", prefix.trim_end_matches(['\r', '\n']));
        repository.folder.truncate(repository.folder.trim_end_matches('/').len());
        Ok(repository)
    }

    /// A bare repository that dwctl fetched, and the folder of a module in it.
    pub(super) fn fetched(place: PathBuf, folder: String) -> Self {
        Self { place, folder, is_fetched: true }
    }

    /// The commit that a revision names. A revision never begins with a hyphen here.
    pub(super) fn commit(&self, revision: &str) -> Result<String, Failure> {
        let output = self.git(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
        if !output.status.success() {
            let error = format!("`{revision}` is neither a git revision nor a folder");
            let mut error = Diagnostic::error("unknown-revision", error);
            if !output.stderr.is_empty() {
                error = error.note(words(&output));
            }
            return Err(error
                .help("`git branch --all` and `git tag` list the revisions")
                .help("if CI cloned only the last commit, fetch the other one first: git fetch origin main:main")
                .into());
        }
        Ok(text(output.stdout)?.trim().to_owned())
    }

    /// The commit at which two revisions branched.
    pub(super) fn fork(
        &self,
        old: &str,
        new: &str,
        old_name: &str,
        new_name: &str,
    ) -> Result<String, Failure> {
        let output = self.git(&["merge-base", old, new])?;
        if !output.status.success() {
            let error = format!("{old_name} and {new_name} have no commit in common");
            let mut error = Diagnostic::error("unknown-revision", error);
            if !output.stderr.is_empty() {
                error = error.note(words(&output));
            }
            return Err(error
                .help("if CI cloned only the last commits, fetch the whole history: git fetch --unshallow")
                .help(format!("to compare them as they are: {old_name}..{new_name}"))
                .into());
        }
        Ok(text(output.stdout)?.trim().to_owned())
    }

    /// Checks out the stack's folder of a commit, and the targets of links in it. `name` is the commit's name
    /// in messages.
    pub(super) fn checkout(&self, commit: &str, name: &str) -> Result<Checkout, Failure> {
        let files = Scratch::new().map_err(|error| unwritable(&error))?;
        self.checkout_to(files, commit, name)
    }

    /// The same, to a given folder.
    pub(super) fn checkout_to(&self, files: Scratch, commit: &str, name: &str) -> Result<Checkout, Failure> {
        let mut objects = Objects::open(self)?;
        let began = Instant::now();
        let mut left = limits::REVISION_BYTES;
        let mut wanted = vec![self.folder.clone()];
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut links: Vec<(PathBuf, String)> = Vec::new();
        let mut absent = Vec::new();
        // Folders whose files name others: the stack's own, and those of its modules.
        let mut naming = vec![self.folder.clone()];
        let mut named: BTreeSet<String> = BTreeSet::from([self.folder.clone()]);
        loop {
            let Some(path) = wanted.pop() else {
                // Their files are there now.
                let Some(folder) = naming.pop() else { break };
                let there = Files::new(files.path().join(&folder));
                if folder == self.folder {
                    wanted.extend(self.shared(&there));
                }
                for source in stack::sources_of(&there) {
                    // Resolved like the target of a link in the folder.
                    if !source.starts_with('.') {
                        continue;
                    }
                    let to = leads_to(format!("{folder}/stack.toml").trim_start_matches('/'), &source);
                    let Some(to) = to.filter(|to| named.insert(to.clone())) else { continue };
                    wanted.push(to.clone());
                    naming.push(to);
                }
                continue;
            };
            if began.elapsed() > limits::REVISION_TIME {
                return Err(self.advised(too_slow(limits::REVISION_TIME)));
            }
            let entries = self.list(commit, &path)?;
            if known.len() + entries.len() > limits::REVISION_FILES {
                let what = format!("{name} has more than {} files in the folder", limits::REVISION_FILES);
                return Err(self.advised(too_large(what)));
            }
            if entries.is_empty() && known.is_empty() {
                let place = if path.is_empty() { "no file".to_owned() } else { format!("no folder {path}") };
                let what = format!("there is {place} in {name}");
                if self.is_fetched {
                    return Err(Diagnostic::error("no-module", what).into());
                }
                return Err(Diagnostic::error("no-stack", what)
                    .help("name the stack's folder, as it was then, with --stack")
                    .help("to show a stack that is entirely new: dwctl plan --offline")
                    .into());
            }
            for entry in entries {
                if !known.insert(entry.path.clone()) {
                    continue;
                }
                let inside = inside(&entry.path, name)?;
                match entry.mode.as_str() {
                    "160000" => absent.push(format!("{}, a submodule", entry.path)),
                    "120000" => {
                        let mut target = Vec::new();
                        objects
                            .read(&entry.object, &mut target, LONGEST_LINK, name)
                            .map_err(|error| self.advised(error))?;
                        let target = text(target)?;
                        match leads_to(&entry.path, &target) {
                            Some(to) => {
                                wanted.push(to);
                                links.push((files.path().join(inside), target));
                            }
                            None => absent.push(format!(
                                "{}, a link to {target}, which is outside the repository",
                                entry.path
                            )),
                        }
                    }
                    _ => {
                        let path = files.path().join(inside);
                        let mut file = created(&path).map_err(|error| unwritable(&error))?;
                        let read = objects.read(&entry.object, &mut file, left, name);
                        left -= read.map_err(|error| self.advised(error))?;
                    }
                }
            }
        }
        // Marks the top of the repository, which limits what may be shared.
        std::fs::create_dir_all(files.path().join(".git")).map_err(|error| unwritable(&error))?;
        // Links come last, so that no file is written through one.
        for (path, target) in links {
            link(&path, &target).map_err(|error| unwritable(&error))?;
        }
        let (folder, shown) = match self.folder.as_str() {
            "" => (files.path().to_owned(), format!("{name}:.")),
            folder => (files.path().join(folder), format!("{name}:{folder}")),
        };
        Ok(Checkout { folder, shown: shown.into(), absent, files })
    }

    /// The folders that the stack with these files shares, relative to the top of the repository. Problems with
    /// them are reported when the stack is read.
    fn shared(&self, files: &Files) -> Vec<String> {
        let paths = stack::shared_of(files);
        // Resolved like the target of a link in the stack's folder.
        let link = format!("{}/stack.toml", self.folder);
        paths.iter().filter_map(|path| leads_to(link.trim_start_matches('/'), path)).collect()
    }

    /// Lists the files at a path of a commit, and below.
    fn list(&self, commit: &str, path: &str) -> Result<Vec<Entry>, Failure> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
        if !path.is_empty() {
            arguments.push(path);
        }
        let output = self.git(&arguments)?;
        if !output.status.success() {
            return Err(Diagnostic::error("git", "git does not list the files of the revision")
                .note(words(&output))
                .into());
        }
        let listing = text(output.stdout)?;
        let entries = listing.split_terminator('\0').map(|line| {
            // <mode> SP <type> SP <object> TAB <path>
            let (about, path) = line.split_once('\t')?;
            let mut about = about.split(' ');
            let (mode, object) = (about.next()?.to_owned(), about.nth(1)?.to_owned());
            Some(Entry { mode, object, path: path.to_owned() })
        });
        let entries: Option<Vec<Entry>> = entries.collect();
        entries.ok_or_else(|| not_understood("ls-tree"))
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("git");
        if self.is_fetched {
            // A hook of git that runs dwctl names its own repository in these.
            for variable in OF_REPOSITORY {
                command.env_remove(variable);
            }
            command.env("GIT_DIR", &self.place);
        }
        command
            .arg("-C")
            .arg(&self.place)
            // Its messages are shown, hence the locale. Missing objects must not be fetched silently.
            .env("LC_ALL", "C")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_LITERAL_PATHSPECS", "1");
        command
    }

    fn git(&self, arguments: &[&str]) -> Result<Output, Failure> {
        let mut command = self.command();
        command.args(arguments);
        run(command, limits::REVISION_TIME).map_err(|error| self.advised(error))
    }

    /// Adds to an error of git what to do without it.
    fn advised(&self, error: Diagnostic) -> Failure {
        match self.is_fetched {
            true => error.into(),
            false => error.help("compare two folders without git: dwctl diff OLD NEW").into(),
        }
    }
}

/// Runs git. A signal that stops dwctl ends it.
pub(super) fn run(mut command: Command, limit: Duration) -> Result<Output, Diagnostic> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().map_err(|error| cannot_run(&error))?;
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    // Both outputs are read in the background, since git blocks on a full pipe. If one is too long, its
    // pipe is closed and git ends.
    let stdout = std::thread::spawn(move || stdout.map(|pipe| bounded(pipe, limits::REVISION_LIST)));
    let said = std::thread::spawn(move || stderr.map(|pipe| bounded(pipe, limits::REVISION_LIST)));
    let deadline = Instant::now() + limit;
    let status = loop {
        match process.try_wait().map_err(|error| cannot_run(&error))? {
            Some(status) => break status,
            None if Instant::now() > deadline || signals::is_stopping() => {
                // Its output is no longer needed.
                drop(process.kill());
                drop(process.wait());
                return Err(if signals::is_stopping() { signals::interrupted() } else { too_slow(limit) });
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let read = |reader: std::thread::JoinHandle<Option<Result<Vec<u8>, Refusal>>>| match reader.join() {
        Ok(Some(Ok(bytes))) => Ok(bytes),
        Ok(Some(Err(refusal))) => {
            let words: Vec<_> = command.get_args().map(|one| one.to_string_lossy()).collect();
            let what = format!("the output of `git {}` is too large", words.join(" "));
            Err(too_large(what).note(refusal.describe("its answer")))
        }
        Ok(None) | Err(_) => Ok(Vec::new()),
    };
    Ok(Output { status, stdout: read(stdout)?, stderr: read(said)? })
}

/// The variables that name a repository to git (<https://git-scm.com/docs/git#_the_git_repository>).
const OF_REPOSITORY: [&str; 7] = [
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
];

/// `git cat-file --batch`: reads the content of objects, one after the other.
struct Objects {
    process: Arc<Mutex<Child>>,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Dropping this ends the watchdog of the process.
    _watch: mpsc::Sender<()>,
}

impl Objects {
    fn open(repository: &Repository) -> Result<Self, Failure> {
        let mut command = repository.command();
        command
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| repository.advised(cannot_run(&error)))?;
        let (Some(ask), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(not_understood("cat-file"));
        };
        let process = Arc::new(Mutex::new(process));
        let (watch, ended) = mpsc::channel();
        let watched = process.clone();
        // A process that never answers would block the reader forever.
        std::thread::spawn(move || {
            if ended.recv_timeout(limits::REVISION_TIME) == Err(mpsc::RecvTimeoutError::Timeout) {
                end(&watched);
            }
        });
        Ok(Self { process, ask, answers: BufReader::new(answers), _watch: watch })
    }

    /// Writes the content of an object of at most `most` bytes to `to`, and returns its size.
    fn read(&mut self, object: &str, to: &mut impl Write, most: u64, name: &str) -> Result<u64, Diagnostic> {
        let unreadable = |error: std::io::Error| {
            Diagnostic::error("git", format!("git did not return the content of {object}"))
                .note(error.to_string())
                .help("if it was cloned without its files (--filter), fetch the revision first")
        };
        let size = self.size(object).map_err(unreadable)?;
        if size > most {
            let limit = limits::bytes(limits::REVISION_BYTES);
            return Err(too_large(format!("the files in {name} are larger than {limit} in total")));
        }
        std::io::copy(&mut self.answers.by_ref().take(size), to).map_err(|error| unwritable(&error))?;
        let mut end = [0];
        self.answers.read_exact(&mut end).map_err(unreadable)?;
        Ok(size)
    }

    fn size(&mut self, object: &str) -> std::io::Result<u64> {
        writeln!(self.ask, "{object}")?;
        self.ask.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        // <object> SP blob SP <size>
        let size = match head.trim_end().split(' ').collect::<Vec<_>>().as_slice() {
            [_, "blob", size] => size.parse::<u64>().ok(),
            _ => None,
        };
        size.ok_or_else(|| std::io::Error::other(format!("it says `{}`", head.trim_end())))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        end(&self.process);
    }
}

fn end(process: &Mutex<Child>) {
    let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
    // It only reads, and its output is no longer needed.
    drop(process.kill());
    drop(process.wait());
}

/// Maximum length of a link. No file system has longer ones.
const LONGEST_LINK: u64 = 4096;

fn too_large(what: String) -> Diagnostic {
    Diagnostic::error("too-large", what)
}

fn too_slow(limit: Duration) -> Diagnostic {
    Diagnostic::error("git", format!("git took more than {} seconds", limit.as_secs()))
}

/// Checks that a path of a revision stays inside the folder that it is put into.
fn inside<'p>(path: &'p str, name: &str) -> Result<&'p Path, Failure> {
    let plain = |one| matches!(one, Component::Normal(_));
    if path.is_empty() || path.contains('\\') || !Path::new(path).components().all(plain) {
        return Err(Diagnostic::error("git", format!("{name} has a file named {path:?}"))
            .note("it could be written outside the folder that the revision is read into")
            .into());
    }
    Ok(Path::new(path))
}

/// The target of a link, relative to the top of the repository. `None` if it is or may be outside: every
/// `..` must come before the first name.
fn leads_to(link: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    let mut down = false;
    if target.starts_with('/') || target.contains('\\') {
        return None;
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if down => return None,
            ".." => drop(parts.pop()?),
            name => {
                down = true;
                parts.push(name);
            }
        }
    }
    Some(parts.join("/"))
}

fn created(path: &Path) -> std::io::Result<std::fs::File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::File::create_new(path)
}

#[cfg(unix)]
fn link(path: &Path, target: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::os::unix::fs::symlink(target, path)
}

/// Writes the target as a file, as git does where links are not supported.
#[cfg(not(unix))]
fn link(path: &Path, target: &str) -> std::io::Result<()> {
    created(path)?.write_all(target.as_bytes())
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        Diagnostic::error("git", "the name of a file in the revision is not UTF-8")
            .note(
                Outside::new(String::from_utf8_lossy(error.as_bytes()))
                    .masked()
                    .chars()
                    .take(200)
                    .collect::<String>(),
            )
            .into()
    })
}

/// Git's error message.
pub(super) fn words(output: &Output) -> String {
    let said = Outside::new(String::from_utf8_lossy(&output.stderr).trim());
    match said.masked() {
        said if said.is_empty() => format!("git printed nothing; {}", output.status),
        said => format!("git says: {said}"),
    }
}

fn cannot_run(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("git", "cannot run git").note(error.to_string()).help("install git")
}

fn not_understood(command: &str) -> Failure {
    Diagnostic::error("git", format!("the output of git {command} is not valid")).into()
}

fn unreadable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Error,
        vec![
            Diagnostic::error("unreadable", format!("cannot read {}", folder.display()))
                .note(error.to_string()),
        ],
        Sources::default(),
    )
}

fn unwritable(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("unwritable", "cannot write the files of the revision to a temporary folder")
        .note(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{inside, leads_to};

    #[test]
    fn links_stay_inside() {
        assert_eq!(leads_to("a/b/link", "../c.toml").as_deref(), Some("a/c.toml"));
        assert_eq!(leads_to("link", "./a//b").as_deref(), Some("a/b"));
        for (link, target) in [("link", "../x"), ("a/link", "/etc/passwd"), ("a/b/link", "c/../../d")] {
            assert_eq!(leads_to(link, target), None, "{link} → {target}");
        }
    }

    #[test]
    fn files_stay_inside() {
        assert!(inside("a/b.toml", "main").is_ok());
        for path in ["../a", "/a", "a/../../b", "", "a\\..\\b"] {
            assert!(inside(path, "main").is_err(), "{path}");
        }
    }
}
