//! The only way to the terminal: results to stdout, everything else to stderr. What comes here
//! holds no secret: values are masked by their type, and the words of others are of the type
//! [`crate::diag::Outside`]. Excerpts of files are masked where they are cut out.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anstream::ColorChoice;
use indicatif::ProgressBar;

use super::stream;
use crate::aws::Audit;
use crate::diag::{
    Diagnostic, Outside, Severity, Sources, github, printable, render, render_fitted, told, visible_json,
};

/// The workflow of GitHub Actions that dwctl runs in.
struct GitHub {
    /// The checkout, which annotations' files are relative to.
    workspace: PathBuf,
    folder: PathBuf,
}

impl GitHub {
    fn of_environment() -> Option<Self> {
        listens().then_some(())?;
        let folder = std::env::current_dir().unwrap_or_default();
        let workspace = std::env::var_os("GITHUB_WORKSPACE").filter(|value| !value.is_empty());
        Some(Self { workspace: workspace.map_or_else(|| folder.clone(), PathBuf::from), folder })
    }
}

/// Whether a runner of GitHub Actions reads what is written, and does what it commands.
fn listens() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Columns of the terminal that an output is.
#[cfg(unix)]
fn columns(output: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let (width, _) = output.is_terminal().then(|| terminal_size::terminal_size_of(output)).flatten()?;
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

/// Whether results go into a file, where they are no log of anything.
fn is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let stdout = std::io::stdout().as_fd().try_clone_to_owned();
        stdout
            .and_then(|stdout| std::fs::File::from(stdout).metadata())
            .is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    false
}

/// Writes what a person reads, or with `--json` what a program does.
pub(super) struct Printer {
    colour_out: bool,
    colour_err: bool,
    terminal: Cell<bool>,
    /// Columns of the terminal that results are printed to.
    width: Option<usize>,
    /// What redraws itself on stderr, and must not be written into.
    live: RefCell<Option<ProgressBar>>,
    github: Option<GitHub>,
    /// Results are a log of GitHub Actions, too.
    log: bool,
    /// All that is said is an event: see [`Self::stream`].
    stream: Cell<bool>,
    /// A question stands at the end of a line that is not ended.
    asked: Cell<bool>,
    /// Whether who works tells by itself that a signal came.
    tells_stopping: Cell<bool>,
    audit: OnceCell<Audit>,
    /// Why results could not be written, where that was not for want of a reader.
    unwritten: OnceCell<String>,
}

impl Printer {
    /// With colours always, never, or as the terminal and the environment say.
    pub(super) fn new(colour: Option<bool>) -> Self {
        let choose = |auto: ColorChoice| colour.unwrap_or(!matches!(auto, ColorChoice::Never));
        Self {
            colour_out: choose(anstream::AutoStream::choice(&std::io::stdout())),
            colour_err: choose(anstream::AutoStream::choice(&std::io::stderr())),
            terminal: Cell::new(
                std::io::stderr().is_terminal() && std::env::var_os("CI").is_none_or(|ci| ci.is_empty()),
            ),
            width: columns(&std::io::stdout()),
            live: RefCell::default(),
            github: GitHub::of_environment(),
            log: listens() && !is_file(),
            stream: Cell::new(false),
            asked: Cell::new(false),
            tells_stopping: Cell::new(false),
            audit: OnceCell::new(),
            unwritten: OnceCell::new(),
        }
    }

    /// Whether a log of GitHub Actions is written, which folds groups.
    pub(super) fn is_github(&self) -> bool {
        self.github.is_some()
    }

    /// Whether results are coloured.
    pub(super) fn colour(&self) -> bool {
        self.colour_out
    }

    /// A result that is not to be read first.
    pub(super) fn dim(&self, text: &str) -> String {
        let style = anstyle::Style::new().dimmed();
        if self.colour_out { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Whether progress may redraw itself.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal.get()
    }

    /// Progress is told by lines: others are written to stderr at the same time.
    pub(super) fn is_logged(&self) {
        self.terminal.set(false);
    }

    /// Columns of the terminal that results are printed to; `None` where they are not.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// What redraws itself, if anything does.
    pub(super) fn live(&self) -> Option<ProgressBar> {
        self.live.borrow().clone()
    }

    /// From now on this redraws itself on stderr.
    pub(super) fn goes_live(&self, bar: &ProgressBar) {
        self.live.replace(Some(bar.clone()));
    }

    /// What redraws itself goes away.
    pub(super) fn ends_live(&self) {
        if let Some(bar) = self.live.take() {
            bar.finish_and_clear();
        }
    }

    /// Writes while nothing redraws itself.
    fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.live() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// From now on everything is said by events: on stdout, a JSON object a line.
    pub(super) fn stream(&self) {
        self.stream.set(true);
        self.event(&stream::version());
    }

    /// Whether everything is said by events.
    pub(super) fn is_stream(&self) -> bool {
        self.stream.get()
    }

    /// One event.
    pub(super) fn event(&self, event: &stream::Event) {
        self.write(&event.line(jiff::Timestamp::now()));
    }

    /// A result. A reader that went away (`dwctl plan | head`) is no error.
    pub(super) fn out(&self, text: &str) {
        let text = printable(text, self.colour_out);
        self.write(&if self.log { github::harmless(&text) } else { text });
    }

    /// A result in JSON, which it stays also where it is a log of GitHub Actions.
    pub(super) fn json(&self, text: &str) {
        self.write(&visible_json(github::harmless_json(text).into_owned()));
    }

    /// A result that the user asked to see even if it is secret, and as it is: most often
    /// for a variable of a script. On a terminal, what would command it is shown.
    pub(super) fn reveal(&self, text: &str) {
        let is_seen = std::io::stdout().is_terminal();
        self.write(&if is_seen { printable(text, false) } else { text.into() });
    }

    fn write(&self, text: &str) {
        let written = self.apart(|| {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        });
        if let Err(error) = written.or_else(unless_unread) {
            self.unwritten.get_or_init(|| error.to_string());
        }
    }

    /// Progress and remarks.
    pub(super) fn note(&self, text: &str) {
        if self.is_stream() {
            return self.event(&stream::log(text));
        }
        self.err(&format!("{text}\n"), false);
    }

    /// A line that a runner of GitHub Actions does; what is foreign in it is escaped.
    pub(super) fn command(&self, line: &str) {
        self.apart(|| drop(writeln!(std::io::stderr().lock(), "{}", printable(line, false))));
    }

    /// A question, without a break at its end.
    pub(super) fn ask(&self, question: &str) {
        self.err(question, false);
        self.asked.set(true);
    }

    /// The question was answered, by a line.
    pub(super) fn answered(&self) {
        self.asked.set(false);
    }

    /// From now on the work tells by itself that a signal came.
    pub(super) fn stopping_is_told(&self) {
        self.tells_stopping.set(true);
    }

    /// A signal came, and something is in work.
    pub(super) fn stopping(&self) {
        if !self.tells_stopping.get() {
            self.note("Stopping: finishing what is in work. Press Ctrl-C again to stop at once.");
        }
    }

    /// Why the command line is not understood, with colours or without.
    pub(super) fn refusal(&self, words: impl Fn(bool) -> String) {
        self.err(&words(self.colour_err), self.colour_err);
    }

    /// Of a `coloured` text the colours are kept.
    fn err(&self, text: &str, coloured: bool) {
        let text = if self.asked.take() { &format!("\n{text}") } else { text };
        let text = self.harmless(printable(text, coloured));
        self.apart(|| drop(std::io::stderr().lock().write_all(text.as_bytes())));
    }

    /// Tells on stderr, whatever else tells events, that results could not be written; whether that is so.
    pub(super) fn is_cut_short(&self) -> bool {
        let Some(trouble) = self.unwritten.get() else { return false };
        let error = Diagnostic::error("unwritable", "cannot write to standard output");
        let error = error.note(trouble.as_str()).note("what was to be printed is not complete");
        self.err(&render(&error, &Sources::default(), self.colour_err), self.colour_err);
        true
    }

    fn harmless<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        if self.is_github() { github::harmless(&text).into_owned().into() } else { text }
    }

    /// Diagnostics, with their count where there are several errors.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let diagnostics = &told(diagnostics);
        if self.is_stream() {
            return diagnostics.iter().for_each(|one| self.event(&stream::diagnostic(one, sources)));
        }
        let width = columns(&std::io::stderr());
        let drawn = |one: &Diagnostic| match width {
            Some(width) => render_fitted(one, sources, self.colour_err, width),
            None => render(one, sources, self.colour_err),
        };
        let shown: String = diagnostics.iter().map(|one| drawn(one) + "\n").collect();
        self.err(&shown, self.colour_err);
        if let Some(GitHub { workspace, folder }) = &self.github {
            for one in diagnostics {
                let annotation = github::annotation(one, sources, workspace, folder);
                self.command(annotation.trim_end_matches('\n'));
            }
        }
        let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
        if errors > 1 {
            self.err(&format!("{errors} errors\n"), false);
        }
    }

    /// Says at the end if this audit file could not be written to its end.
    pub(super) fn audited(&self, audit: &Audit) {
        self.audit.get_or_init(|| audit.clone());
    }

    /// The last words of every verb, which ends with this exit code.
    pub(super) fn end(&self, exit: u8) {
        if let Some(audit) = self.audit.get()
            && let Some(trouble) = audit.trouble()
        {
            let what = format!("the audit file {} is not complete", audit.path().display());
            let warning = Diagnostic::error("audit", what).note(trouble);
            let warning = warning.note("what was changed at AWS is in the ledger, and in CloudTrail");
            self.diagnostics(&[Diagnostic { severity: Severity::Warning, ..warning }], &Sources::default());
        }
        if self.is_stream() {
            self.event(&stream::end(exit));
        }
    }
}

/// An error, but of a reader that went away: `dwctl plan | head`.
fn unless_unread(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The last words of a process that ends while its main thread may hold stderr: past its lock. On a
/// terminal they stand in place of what redraws itself.
pub(super) fn last_words(words: &str) {
    use std::os::fd::AsFd;
    let stderr = std::io::stderr();
    let clear = if stderr.is_terminal() { "\r\x1b[2K\x1b[?25h" } else { "" };
    if let Ok(own) = stderr.as_fd().try_clone_to_owned() {
        // That nothing can be written to stderr cannot be said either.
        drop(std::fs::File::from(own).write_all(format!("{clear}{words}").as_bytes()));
    }
}

/// Stderr for what is not a printer's: the log, and the words of a panic, which are searched for
/// secrets as if others had written them.
pub(super) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = Outside::new(String::from_utf8_lossy(bytes));
        let masked = text.masked();
        let masked = printable(&masked, false);
        let harmless = if listens() { github::harmless(&masked) } else { masked.as_ref().into() };
        // That it cannot be written cannot be said: who writes a log would try, and panic.
        drop(std::io::stderr().write_all(harmless.as_bytes()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
