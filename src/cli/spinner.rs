//! Shows on a terminal what dwctl waits for: one line on stderr that redraws itself and disappears before
//! other output. Without a terminal it shows nothing.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::printer::Printer;
use crate::aws::Session;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// A spinner that is shown until this is dropped.
pub(super) struct Spinner<'p> {
    printer: &'p Printer,
    /// `None` without a terminal.
    bar: Option<ProgressBar>,
    /// True if dropping this ends the bar.
    own: bool,
}

impl<'p> Spinner<'p> {
    /// Shows what dwctl waits for. An outer spinner changes its message instead.
    pub(super) fn new(printer: &'p Printer, words: &str) -> Self {
        let words = words.to_owned();
        if let Some(bar) = printer.live() {
            bar.set_message(words);
            return Self { printer, bar: Some(bar), own: false };
        }
        if !printer.is_terminal() || printer.is_stream() {
            return Self { printer, bar: None, own: false };
        }
        let bar = ProgressBar::new_spinner().with_message(words);
        // The template is a constant that a test renders.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        printer.attach_bar(&bar);
        Self { printer, bar: Some(bar), own: true }
    }

    /// Reads from AWS, and meanwhile shows how much is read.
    pub(super) async fn reading<T>(&self, session: Option<&Session>, work: impl Future<Output = T>) -> T {
        let (Some(bar), Some(session)) = (&self.bar, session) else { return work.await };
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = ticks.tick() => bar.set_message(words(session.reads(), session.call_counts().total())),
            }
        }
    }
}

impl Drop for Spinner<'_> {
    fn drop(&mut self) {
        if self.own {
            self.printer.clear_bar();
        }
    }
}

/// Without padding, so that the `^C` that the terminal echoes stays on the line and is cleared with it.
const TEMPLATE: &str = "{spinner} {msg}";

/// `Reading 12 of 81 resources · 34 calls`.
fn words((answered, asked): (usize, usize), calls: u64) -> String {
    let resources = if asked == 1 { "resource" } else { "resources" };
    match (asked, calls) {
        (0, _) => "Planning".to_owned(),
        (_, 1) => format!("Reading {answered} of {asked} {resources} · 1 call"),
        _ => format!("Reading {answered} of {asked} {resources} · {calls} calls"),
    }
}

#[cfg(test)]
mod tests {
    use super::{TEMPLATE, words};

    #[test]
    fn the_template_is_one() {
        assert!(indicatif::ProgressStyle::with_template(TEMPLATE).is_ok());
    }

    #[test]
    fn reads_are_counted() {
        assert_eq!(words((0, 0), 0), "Planning");
        assert_eq!(words((0, 1), 1), "Reading 0 of 1 resource · 1 call");
        assert_eq!(words((12, 81), 34), "Reading 12 of 81 resources · 34 calls");
    }
}
