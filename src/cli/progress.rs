//! What is going on while a plan is applied: live on a terminal, a line for each resource
//! elsewhere, in a group of its own in the log of GitHub Actions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::printer::Printer;
use crate::apply::Event;
use crate::diag::{github, mask};
use crate::graph::Address;

/// How often a waiting resource says so where lines cannot be redrawn.
const REMIND: Duration = Duration::from_secs(20);

/// What is done sooner is told once, when it is done, where lines cannot be redrawn.
const QUICK: Duration = Duration::from_secs(5);

/// Shows events.
pub(super) struct Progress<'p> {
    printer: &'p Printer,
    bar: Option<ProgressBar>,
    group: bool,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    working: BTreeMap<Address, Working>,
    reminded: BTreeMap<Address, Duration>,
}

impl State {
    /// What is in work for longer than a few seconds, and was not told of.
    fn slow(&mut self, now: Instant) -> Vec<String> {
        let slow = self
            .working
            .iter_mut()
            .filter(|(_, one)| !one.told && now.saturating_duration_since(one.since) >= QUICK);
        slow.map(|(address, one)| {
            one.told = true;
            format!("  {address}: {}", one.doing)
        })
        .collect()
    }
}

struct Working {
    since: Instant,
    /// What is done to it; on a terminal what it waits for, as soon as that is known.
    doing: String,
    /// That it is in work was told.
    told: bool,
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
        let group = printer.is_github() && total > 0;
        if group {
            let resources = if total == 1 { "resource" } else { "resources" };
            printer.note(&github::group(&format!("Applying: {total} {resources}")));
        }
        Self { printer, bar, group, state: RefCell::default() }
    }

    /// Does the work, and tells meanwhile of what takes long.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = ticks.tick() => self.tell_slow(),
            }
        }
    }

    /// Tells of what is in work for longer than a few seconds, once.
    fn tell_slow(&self) {
        if self.bar.is_some() {
            return;
        }
        for line in self.state.borrow_mut().slow(Instant::now()) {
            self.line(&line);
        }
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
                let working = Working { since: Instant::now(), doing: doing.to_owned(), told: false };
                state.working.insert(address, working);
            }
            Event::Waiting { address, on, elapsed } => {
                if let Some(working) = state.working.get_mut(&address)
                    && self.bar.is_some()
                {
                    working.doing.clone_from(&on);
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
                .map(|(address, one)| format!("{address} {} {}", one.doing, seconds(one.since.elapsed())))
                .collect();
            bar.set_message(mask(&words.join(" · ")).into_owned());
        }
    }

    /// Clears the live part, and ends the group.
    pub(super) fn finish(&self) {
        if self.group {
            self.printer.note(github::END_GROUP);
        }
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
    use super::{QUICK, State, Working, seconds};
    use std::time::{Duration, Instant};

    #[test]
    fn what_takes_long_is_told_once_and_what_is_quick_is_not() {
        let (since, mut state) = (Instant::now(), State::default());
        for name in ["slow", "quick"] {
            let working = Working { since, doing: "creating".to_owned(), told: false };
            state.working.insert(format!("sns_topic.{name}").parse().unwrap(), working);
        }
        assert!(state.slow(since + QUICK / 2).is_empty());
        state.working.remove(&"sns_topic.quick".parse().unwrap());
        assert_eq!(state.slow(since + QUICK), ["  sns_topic.slow: creating"]);
        assert!(state.slow(since + QUICK * 9).is_empty());
    }

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
