//! A diagnostic, and the places in the stack that it names.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use super::words::counted;

/// The severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The command cannot continue.
    Error,
    /// The command continues, but the user should look.
    Warning,
}

/// A byte range in one file of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file, as registered in [`Sources`].
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span of `file` from byte `start` up to, not including, byte `end`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start, end }
    }
}

/// The handle of a file in [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// The files that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    text: String,
    /// The byte at which each line begins.
    lines: Vec<usize>,
}

impl Sources {
    /// Registers a file under the path to show in messages.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        self.files.push(File { path: path.into(), text, lines });
        FileId((self.files.len() - 1) as u32)
    }

    /// Shows the files below folder `from` as if they were below `to`.
    pub fn relocate(&mut self, from: &Path, to: &Path) {
        for file in &mut self.files {
            if let Ok(inside) = file.path.strip_prefix(from) {
                file.path = to.join(inside);
            }
        }
    }

    /// The path under which `file` was registered.
    pub fn path(&self, file: FileId) -> &Path {
        self.files.get(file.0 as usize).map_or(Path::new("?"), |file| &file.path)
    }

    /// The text of `file`.
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |file| &file.text)
    }

    /// Every file with its text.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files.iter().map(|file| (file.path.as_path(), file.text.as_str()))
    }

    /// The source text under `span`, empty if the span lies outside the file.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.file).get(span.start..span.end).unwrap_or("")
    }

    /// The whole lines that contain these bytes: their text, the byte at which it begins, and the
    /// number of the first line. `None` if the file has no such bytes.
    pub(super) fn lines(&self, file: FileId, start: usize, end: usize) -> Option<(&str, usize, usize)> {
        let file = self.files.get(file.0 as usize)?;
        let first = file.lines.partition_point(|&line| line <= start).max(1);
        let after = file.lines.partition_point(|&line| line <= end);
        let from = *file.lines.get(first - 1)?;
        let to = file.lines.get(after).copied().unwrap_or(file.text.len());
        (end <= file.text.len()).then(|| Some((file.text.get(from..to)?, from, first)))?
    }

    /// The line of the start of `span`, from 1.
    pub fn line(&self, span: Span) -> usize {
        let lines = self.files.get(span.file.0 as usize).map_or(&[][..], |file| &file.lines);
        lines.partition_point(|&start| start <= span.start).max(1)
    }

    /// The column of the start of `span`, in characters, from 1.
    pub fn column(&self, span: Span) -> usize {
        let text = self.text(span.file);
        let before = text.get(..span.start.min(text.len())).unwrap_or(text);
        before.rsplit('\n').next().unwrap_or("").chars().count() + 1
    }

    /// `file:line:column` of the start of `span`; line and column count from 1,
    /// columns in characters.
    pub fn location(&self, span: Span) -> String {
        format!("{}:{}:{}", self.path(span.file).display(), self.line(span), self.column(span))
    }
}

/// A span with a short explanation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The explanation, in a few words; may be empty.
    pub text: String,
}

/// One problem: what is wrong, where, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable name in kebab case, such as `unknown-attribute`.
    pub code: &'static str,
    /// One sentence without a full stop at its end.
    pub message: String,
    /// The place of the problem.
    pub primary: Option<Label>,
    /// Related places.
    pub secondary: Vec<Label>,
    /// Facts, such as AWS's own message.
    pub notes: Vec<String>,
    /// What to do next.
    pub helps: Vec<String>,
    /// True if a retry cannot succeed: the user must correct something first.
    pub lasting: bool,
    /// The number of notes at the end that tell the way through modules; `None` if nothing says yet where
    /// it is.
    pub within: Option<usize>,
}

impl Diagnostic {
    /// An error of the given code.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
            lasting: false,
            within: None,
        }
    }

    /// A warning of the given code.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Sets the place of the problem, with a few words about it.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label { span, text: text.into() });
        self
    }

    /// Like [`Diagnostic::at`], for a place that may be unknown.
    #[must_use]
    pub fn at_maybe(self, span: Option<Span>, text: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, text),
            None => self,
        }
    }

    /// Adds a related place.
    #[must_use]
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds an AWS request id, by which AWS support finds the request.
    #[must_use]
    pub fn request(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => self.note(format!("request id {id}")),
            None => self,
        }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl Diagnostic {
    /// The same problem without its way through modules, and that way.
    fn apart(mut self) -> (Self, Vec<String>) {
        let way = self.within.take().unwrap_or_default();
        let at = self.notes.len().saturating_sub(way);
        let way = self.notes.split_off(at);
        (self, way)
    }
}

/// Removes duplicates; the first of equal problems stays. One in several instances of a module is told
/// once.
pub fn unique(problems: &mut Vec<Diagnostic>) {
    let hasher = RandomState::new();
    // Each with its first way, and the hashes of all its ways.
    let mut kept: Vec<(Diagnostic, Vec<String>, HashSet<u64>)> = Vec::with_capacity(problems.len());
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for problem in problems.drain(..) {
        let (problem, way) = problem.apart();
        let alike = places.entry(hasher.hash_one(&problem)).or_default();
        match alike.iter().find(|&&place| kept[place].0 == problem) {
            Some(&place) => drop(kept[place].2.insert(hasher.hash_one(&way))),
            None => {
                alike.push(kept.len());
                let ways = HashSet::from([hasher.hash_one(&way)]);
                kept.push((problem, way, ways));
            }
        }
    }
    problems.extend(kept.into_iter().map(|(mut problem, mut way, ways)| {
        if ways.len() > 1 {
            way.push(format!("and in {}", counted(ways.len() - 1, "other module instance")));
        }
        problem.within = Some(way.len());
        problem.notes.extend(way);
        problem
    }));
}

/// The name in `candidates` nearest to `wanted`, for "did you mean". `None` if none is near enough to
/// be a typing error. After very many comparisons it always returns `None`, so that a stack with
/// thousands of wrong names is reported at once, with advice only for the first of them.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Comparisons per thread. Each takes about a microsecond.
    const COMPARISONS: u32 = 200_000;
    /// A comparison takes time by the product of the lengths. No valid name is longer.
    const LONGEST: usize = 256;
    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(COMPARISONS) };
    }
    if wanted.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .take_while(|_| LEFT.get().checked_sub(1).inspect(|&left| LEFT.set(left)).is_some())
        .map(|candidate| (strsim::jaro_winkler(wanted, candidate), candidate))
        .filter(|(score, _)| *score > 0.78)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}
