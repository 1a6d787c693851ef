//! The only way to the terminal: results go to stdout, everything else to stderr. Texts that arrive here
//! hold no secret: values are redacted by their type, and text from outside has the type
//! [`crate::diag::Outside`]. Excerpts of files are redacted where they are cut out.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anstream::ColorChoice;
use indicatif::ProgressBar;

use super::stream;
use crate::aws::Audit;
use crate::diag::{
    Diagnostic, Outside, Severity, Sources, first_diagnostics, github, printable, render, render_fitted,
    visible_json,
};

/// The workflow of GitHub Actions that dwctl runs in.
struct GitHub {
    /// The checkout. File paths of annotations are relative to it.
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

/// Returns whether a runner of GitHub Actions reads the output and executes its workflow commands.
fn listens() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The width of the terminal that an output goes to; `None` if it is no terminal.
#[cfg(unix)]
fn columns(output: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let (width, _) = output.is_terminal().then(|| terminal_size::terminal_size_of(output)).flatten()?;
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

/// Returns whether results go into a file and so are no part of a log.
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

/// Prints text for people or, with `--json`, events for programs.
pub(super) struct Printer {
    color_out: bool,
    color_err: bool,
    terminal: Cell<bool>,
    /// Width of the terminal that results are printed to.
    width: Option<usize>,
    /// The bar that redraws itself on stderr. Other output must not write into it.
    live: RefCell<Option<ProgressBar>>,
    github: Option<GitHub>,
    /// True if results are part of a GitHub Actions log.
    log: bool,
    /// True if everything is printed as events: see [`Self::stream`].
    stream: Cell<bool>,
    /// True after a question, whose line has no break yet.
    asked: Cell<bool>,
    /// True if the running work reports a signal itself.
    work_reports_stop: Cell<bool>,
    audit: OnceCell<Audit>,
    /// Why results could not be written, unless the reader closed its end.
    unwritten: OnceCell<String>,
}

impl Printer {
    /// Colours always, never, or (with `None`) as the terminal and the environment say.
    pub(super) fn new(colour: Option<bool>) -> Self {
        let choose = |auto: ColorChoice| colour.unwrap_or(!matches!(auto, ColorChoice::Never));
        Self {
            color_out: choose(anstream::AutoStream::choice(&std::io::stdout())),
            color_err: choose(anstream::AutoStream::choice(&std::io::stderr())),
            terminal: Cell::new(
                std::io::stderr().is_terminal() && std::env::var_os("CI").is_none_or(|ci| ci.is_empty()),
            ),
            width: columns(&std::io::stdout()),
            live: RefCell::default(),
            github: GitHub::of_environment(),
            log: listens() && !is_file(),
            stream: Cell::new(false),
            asked: Cell::new(false),
            work_reports_stop: Cell::new(false),
            audit: OnceCell::new(),
            unwritten: OnceCell::new(),
        }
    }

    /// Returns whether the output goes to a GitHub Actions log, which can fold groups.
    pub(super) fn is_github(&self) -> bool {
        self.github.is_some()
    }

    /// Returns whether results are coloured.
    pub(super) fn colour(&self) -> bool {
        self.color_out
    }

    /// Dims a less important part of a result.
    pub(super) fn dim(&self, text: &str) -> String {
        let style = anstyle::Style::new().dimmed();
        if self.color_out { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Returns whether progress may redraw itself.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal.get()
    }

    /// Makes progress print lines, because log lines go to stderr at the same time.
    pub(super) fn is_logged(&self) {
        self.terminal.set(false);
    }

    /// Width of the terminal that results are printed to; `None` if they go elsewhere.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// The bar that redraws itself, if any.
    pub(super) fn live(&self) -> Option<ProgressBar> {
        self.live.borrow().clone()
    }

    /// Registers a bar that redraws itself on stderr from now on.
    pub(super) fn attach_bar(&self, bar: &ProgressBar) {
        self.live.replace(Some(bar.clone()));
    }

    /// Clears and drops the bar.
    pub(super) fn clear_bar(&self) {
        if let Some(bar) = self.live.take() {
            bar.finish_and_clear();
        }
    }

    /// Suspends the bar while `write` runs.
    fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.live() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Prints events from now on: JSON lines on stdout.
    pub(super) fn stream(&self) {
        self.stream.set(true);
        self.event(&stream::version());
    }

    /// Returns whether everything is printed as events.
    pub(super) fn is_stream(&self) -> bool {
        self.stream.get()
    }

    /// Prints one event.
    pub(super) fn event(&self, event: &stream::Event) {
        self.write(&event.line(jiff::Timestamp::now()));
    }

    /// Prints a result. A reader that closes its end (`dwctl plan | head`) is no error.
    pub(super) fn out(&self, text: &str) {
        let text = printable(text, self.color_out);
        self.write(&if self.log { github::harmless(&text) } else { text });
    }

    /// Prints a result as JSON. It stays valid JSON even in a GitHub Actions log.
    pub(super) fn json(&self, text: &str) {
        self.write(&visible_json(github::harmless_json(text).into_owned()));
    }

    /// Prints a value that the user asked to see even if it is secret. It is printed unchanged, since
    /// it mostly goes to a variable of a script. On a terminal, control characters are escaped.
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

    /// Prints progress or a remark to stderr.
    pub(super) fn note(&self, text: &str) {
        if self.is_stream() {
            return self.event(&stream::log(text));
        }
        self.err(&format!("{text}\n"), false);
    }

    /// Prints a workflow command for the GitHub Actions runner. Hidden characters in it are escaped.
    pub(super) fn command(&self, line: &str) {
        self.apart(|| drop(writeln!(std::io::stderr().lock(), "{}", printable(line, false))));
    }

    /// Prints a question, without a line break.
    pub(super) fn ask(&self, question: &str) {
        self.err(question, false);
        self.asked.set(true);
    }

    /// Notes that the answer, and so the user's line break, has arrived.
    pub(super) fn answered(&self) {
        self.asked.set(false);
    }

    /// From now on the running work reports a signal itself.
    pub(super) fn let_work_report_stop(&self) {
        self.work_reports_stop.set(true);
    }

    /// Reports that a signal came while operations are running.
    pub(super) fn stopping(&self) {
        if !self.work_reports_stop.get() {
            self.note("Stopping: waiting for running operations. Press Ctrl-C again to stop at once.");
        }
    }

    /// Prints clap's error, with colours or without.
    pub(super) fn refusal(&self, words: impl Fn(bool) -> String) {
        self.err(&words(self.color_err), self.color_err);
    }

    /// Writes to stderr. The colours of a `coloured` text are kept.
    fn err(&self, text: &str, coloured: bool) {
        let text = if self.asked.take() { &format!("\n{text}") } else { text };
        let text = self.harmless(printable(text, coloured));
        self.apart(|| drop(std::io::stderr().lock().write_all(text.as_bytes())));
    }

    /// Returns whether results could not be written, and reports that on stderr even if events are printed.
    pub(super) fn is_cut_short(&self) -> bool {
        let Some(trouble) = self.unwritten.get() else { return false };
        let error = Diagnostic::error("unwritable", "cannot write to standard output");
        let error = error.note(trouble.as_str()).note("the output is incomplete");
        self.err(&render(&error, &Sources::default(), self.color_err), self.color_err);
        true
    }

    fn harmless<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        if self.is_github() { github::harmless(&text).into_owned().into() } else { text }
    }

    /// Prints diagnostics, with their count if there are several errors.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let diagnostics = &first_diagnostics(diagnostics);
        if self.is_stream() {
            return diagnostics.iter().for_each(|one| self.event(&stream::diagnostic(one, sources)));
        }
        let width = columns(&std::io::stderr());
        let drawn = |one: &Diagnostic| match width {
            Some(width) => render_fitted(one, sources, self.color_err, width),
            None => render(one, sources, self.color_err),
        };
        let shown: String = diagnostics.iter().map(|one| drawn(one) + "\n").collect();
        self.err(&shown, self.color_err);
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

    /// Registers an audit file, so that a failure to write it is reported at the end.
    pub(super) fn audited(&self, audit: &Audit) {
        self.audit.get_or_init(|| audit.clone());
    }

    /// Prints the last messages of every command, before it ends with this exit code.
    pub(super) fn end(&self, exit: u8) {
        if let Some(audit) = self.audit.get()
            && let Some(trouble) = audit.trouble()
        {
            let what = format!("the audit file {} is incomplete", audit.path().display());
            let warning = Diagnostic::error("audit", what).note(trouble);
            let warning = warning.note("what was changed at AWS is in the ledger, and in CloudTrail");
            self.diagnostics(&[Diagnostic { severity: Severity::Warning, ..warning }], &Sources::default());
        }
        if self.is_stream() {
            self.event(&stream::end(exit));
        }
    }
}

/// Ignores the error of a reader that closed its end: `dwctl plan | head`.
fn unless_unread(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Prints the last message of a process whose main thread may hold the lock of stderr, bypassing that
/// lock. On a terminal the message replaces the bar.
pub(super) fn last_words(words: &str) {
    use std::os::fd::AsFd;
    let stderr = std::io::stderr();
    let clear = if stderr.is_terminal() { "\r\x1b[2K\x1b[?25h" } else { "" };
    if let Ok(own) = stderr.as_fd().try_clone_to_owned() {
        // If stderr cannot be written, there is nowhere to report that.
        drop(std::fs::File::from(own).write_all(format!("{clear}{words}").as_bytes()));
    }
}

/// Stderr for text that does not come from a printer: the log and panic messages. They are searched for
/// secrets like text from outside.
pub(super) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = Outside::new(String::from_utf8_lossy(bytes));
        let masked = text.masked();
        let masked = printable(&masked, false);
        let harmless = if listens() { github::harmless(&masked) } else { masked.as_ref().into() };
        // A failure cannot be reported: the logger would try to log it, and panic.
        drop(std::io::stderr().write_all(harmless.as_bytes()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
