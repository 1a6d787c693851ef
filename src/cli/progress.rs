//! What is going on while a plan is applied: live on a terminal, one line for each
//! event elsewhere.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::printer::Printer;
use crate::apply::Event;
use crate::diag::mask;
use crate::graph::Address;

/// How often a waiting resource says so where lines cannot be redrawn.
const REMIND: Duration = Duration::from_secs(20);

/// Shows events.
pub(super) struct Progress<'p> {
    printer: &'p Printer,
    bar: Option<ProgressBar>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    working: BTreeMap<Address, (Instant, String)>,
    reminded: BTreeMap<Address, Duration>,
}

impl<'p> Progress<'p> {
    /// For a plan of `total` resources.
    pub(super) fn new(printer: &'p Printer, total: usize) -> Self {
        let bar = (printer.is_terminal() && total > 0).then(|| {
            let bar = ProgressBar::new(total as u64);
            // The template is a constant that a test renders.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len}  {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { printer, bar, state: RefCell::default() }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(mask(text)),
            None => self.printer.note(text),
        }
    }

    /// Shows one event.
    pub(super) fn report(&self, event: Event) {
        let mut state = self.state.borrow_mut();
        match event {
            Event::Started { address, doing } => {
                if self.bar.is_none() {
                    self.line(&format!("  {address}: {doing}"));
                }
                state.working.insert(address, (Instant::now(), doing.to_owned()));
            }
            Event::Waiting { address, on, elapsed } => {
                if let Some((_, doing)) = state.working.get_mut(&address) {
                    doing.clone_from(&on);
                }
                let last = state.reminded.get(&address).copied().unwrap_or_default();
                if self.bar.is_none() && elapsed >= last + REMIND {
                    self.line(&format!("  {address}: still at it after {}: {on}", seconds(elapsed)));
                    state.reminded.insert(address, elapsed);
                }
            }
            Event::Done { address, did, id, elapsed } => {
                state.working.remove(&address);
                self.line(&format!("  {address}: {did} in {}  {id}", seconds(elapsed)));
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
            Event::Failed { address, message } => {
                state.working.remove(&address);
                self.line(&format!("  {address}: failed: {message}"));
            }
            Event::Stopping { in_flight } => {
                self.line(&format!("Stopping: {in_flight} in work are awaited. Again to stop at once."));
            }
        }
        if let Some(bar) = &self.bar {
            let words: Vec<String> = state
                .working
                .iter()
                .map(|(address, (since, doing))| format!("{address} {doing} {}", seconds(since.elapsed())))
                .collect();
            bar.set_message(mask(&words.join(" · ")).into_owned());
        }
    }

    /// Clears the live part.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `0.4 s`, `12 s`, `3 min 20 s`.
fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0..=9 => format!("{:.1} s", elapsed.as_secs_f64()),
        whole @ 10..=99 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;
    use std::time::Duration;

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(12)), "12 s");
        assert_eq!(seconds(Duration::from_secs(200)), "3 min 20 s");
    }

    #[test]
    fn the_template_of_the_bar_is_one() {
        assert!(indicatif::ProgressStyle::with_template("{spinner} {pos}/{len}  {wide_msg}").is_ok());
    }
}
