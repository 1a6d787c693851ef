//! The only way to the terminal: results to stdout, everything else to stderr. Secrets that
//! the run knows are masked on both.

use std::cell::OnceCell;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anstream::ColorChoice;

use crate::aws::Audit;
use crate::diag::{Diagnostic, Severity, Sources, github, mask, render_all};

/// The workflow of GitHub Actions that dwctl runs in.
struct GitHub {
    /// The checkout, which annotations' files are relative to.
    workspace: PathBuf,
    folder: PathBuf,
}

impl GitHub {
    fn of_environment() -> Option<Self> {
        std::env::var_os("GITHUB_ACTIONS").filter(|value| value == "true")?;
        let folder = std::env::current_dir().unwrap_or_default();
        let workspace = std::env::var_os("GITHUB_WORKSPACE").filter(|value| !value.is_empty());
        Some(Self { workspace: workspace.map_or_else(|| folder.clone(), PathBuf::from), folder })
    }
}

/// Writes what a person reads.
pub(super) struct Printer {
    colour_out: bool,
    colour_err: bool,
    terminal: bool,
    github: Option<GitHub>,
    audit: OnceCell<Audit>,
}

impl Printer {
    /// With colours always, never, or as the terminal and the environment say.
    pub(super) fn new(colour: Option<bool>) -> Self {
        let choose = |auto: ColorChoice| colour.unwrap_or(!matches!(auto, ColorChoice::Never));
        Self {
            colour_out: choose(anstream::AutoStream::choice(&std::io::stdout())),
            colour_err: choose(anstream::AutoStream::choice(&std::io::stderr())),
            terminal: std::io::stderr().is_terminal()
                && std::env::var_os("CI").is_none_or(|ci| ci.is_empty()),
            github: GitHub::of_environment(),
            audit: OnceCell::new(),
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

    /// Whether progress may redraw itself.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A result. A reader that went away (`dwctl plan | head`) is no error.
    pub(super) fn out(&self, text: &str) {
        self.reveal(&mask(text));
    }

    /// A result that the user asked to see even if it is secret.
    pub(super) fn reveal(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        drop(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    }

    /// Progress and remarks.
    pub(super) fn note(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        drop(writeln!(stderr, "{}", mask(text)));
    }

    /// Diagnostics, with their count where there are several errors.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let mut stderr = std::io::stderr().lock();
        // Before they are laid out, since a secret may have many lines; and after, since the
        // excerpts may show one.
        let masked: Vec<Diagnostic> = diagnostics.iter().map(masked).collect();
        drop(stderr.write_all(mask(&render_all(&masked, sources, self.colour_err)).as_bytes()));
        if let Some(GitHub { workspace, folder }) = &self.github {
            // Escaped once they are masked: what is escaped may not look like the secret any more.
            for one in &masked {
                let line = github::annotation(one, sources, workspace, folder);
                drop(stderr.write_all(mask(&line).as_bytes()));
            }
        }
        if diagnostics.len() > 1 {
            drop(writeln!(stderr, "{} errors", diagnostics.len()));
        }
    }

    /// Says at the end if this audit file could not be written to its end.
    pub(super) fn audited(&self, audit: &Audit) {
        self.audit.get_or_init(|| audit.clone());
    }

    /// The last words of every verb.
    pub(super) fn end(&self) {
        if let Some(audit) = self.audit.get()
            && let Some(trouble) = audit.trouble()
        {
            let what = format!("the audit file {} is not complete", audit.path().display());
            let warning = Diagnostic::error("audit", what).note(trouble);
            let warning = warning.note("what was changed at AWS is in the ledger, and in CloudTrail");
            self.diagnostics(&[Diagnostic { severity: Severity::Warning, ..warning }], &Sources::default());
        }
    }
}

fn masked(diagnostic: &Diagnostic) -> Diagnostic {
    let mut diagnostic = diagnostic.clone();
    let labels = diagnostic.primary.iter_mut().chain(&mut diagnostic.secondary).map(|label| &mut label.text);
    let texts = diagnostic.notes.iter_mut().chain(&mut diagnostic.helps).chain(labels);
    for text in texts.chain([&mut diagnostic.message]) {
        *text = mask(text).into_owned();
    }
    diagnostic
}

/// Stderr for what is not a printer's: the log, and the words of a panic.
pub(super) struct MaskedStderr;

impl Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(mask(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
