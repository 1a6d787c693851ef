//! The only way to the terminal: results to stdout, everything else to stderr.

use std::io::{IsTerminal, Write};

use anstream::ColorChoice;

use crate::diag::{Diagnostic, Sources, render_all};

/// Writes what a person reads.
pub(super) struct Printer {
    colour_out: bool,
    colour_err: bool,
    terminal: bool,
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
        }
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
        let mut stdout = std::io::stdout().lock();
        drop(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
    }

    /// Progress and remarks.
    pub(super) fn note(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        drop(writeln!(stderr, "{text}"));
    }

    /// Diagnostics, with their count where there are several errors.
    pub(super) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let mut stderr = std::io::stderr().lock();
        drop(stderr.write_all(render_all(diagnostics, sources, self.colour_err).as_bytes()));
        if diagnostics.len() > 1 {
            drop(writeln!(stderr, "{} errors", diagnostics.len()));
        }
    }
}
