//! Progress of an apply: live on a terminal, otherwise a line for each resource, in a folded group in the
//! log of GitHub Actions, or events with `--json`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::printer::Printer;
use super::stream::{self, Hook};
use crate::apply::{Event, Step, Unit};
use crate::diag::{counted, github, printable};
use crate::graph::Address;
use crate::plan::{Action, Plan};

/// How often a waiting resource is reported again, without live output.
const REMIND: Duration = Duration::from_secs(20);

/// Without live output, faster work is reported only when it is done.
const QUICK: Duration = Duration::from_secs(5);

/// How often the event stream reports ongoing work and what it waits for, as in Terraform.
const BEAT: Duration = Duration::from_secs(10);

/// Minimum time between two such events when the reason for waiting changes.
const NEWS: Duration = Duration::from_secs(1);

/// Shows the events of an apply.
pub(super) struct Progress<'p> {
    printer: &'p Printer,
    form: OutputForm,
    /// The ids of existing resources, by address and index among the deposed.
    existing: BTreeMap<(Address, Option<usize>), String>,
    state: RefCell<BTreeMap<Unit, Working>>,
}

/// The form in which events are shown.
enum OutputForm {
    /// On a terminal: a bar that redraws itself below the lines of finished work.
    Bar(ProgressBar),
    /// As lines; true if they are in a group of a CI log.
    Lines(bool),
    /// As JSON events.
    Stream,
}

struct Working {
    since: Instant,
    /// The reason that it waits, once that is known.
    on: Option<String>,
    /// When it was last reported.
    reported: Option<Instant>,
    /// The reason at the last report.
    reported_on: Option<String>,
}

impl Working {
    fn started(now: Instant) -> Self {
        Self { since: now, on: None, reported: None, reported_on: None }
    }

    /// Returns whether a line about slow work is due, and then marks it as reported.
    fn is_slow(&mut self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.since);
        let since = self.reported.map(|reported| now.saturating_duration_since(reported));
        let due = match (since, &self.on) {
            (None, _) => age >= QUICK,
            // A repeated line is only worth it if it says what the work waits for.
            (Some(since), Some(_)) => since >= REMIND,
            (Some(_), None) => false,
        };
        self.report_if(due, now)
    }

    /// Returns whether an event is due, and then marks it as reported.
    fn is_news(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.reported.unwrap_or(self.since));
        let due =
            since >= BEAT || (self.on != self.reported_on && (self.reported.is_none() || since >= NEWS));
        self.report_if(due, now)
    }

    fn report_if(&mut self, due: bool, now: Instant) -> bool {
        if due {
            self.reported = Some(now);
            self.reported_on.clone_from(&self.on);
        }
        due
    }
}

impl<'p> Progress<'p> {
    /// Progress for the work of a plan.
    pub(super) fn new(printer: &'p Printer, plan: &Plan) -> Self {
        let total = plan.effective().filter(|change| change.action != Action::NoOp).count();
        let form = if printer.is_stream() {
            OutputForm::Stream
        } else if printer.is_terminal() && total > 0 {
            let bar = ProgressBar::new(total as u64);
            // The template is a constant that a test renders.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len}  {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            printer.attach_bar(&bar);
            OutputForm::Bar(bar)
        } else {
            OutputForm::Lines(printer.is_github() && total > 0)
        };
        if let OutputForm::Lines(true) = form {
            let resources = if total == 1 { "resource" } else { "resources" };
            printer.command(&github::group(&format!("Applying: {total} {resources}")));
        }
        printer.let_work_report_stop();
        Self { printer, form, existing: existing(plan), state: RefCell::default() }
    }

    /// Does the work, and meanwhile reports what takes long.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = ticks.tick() => self.report_working(Instant::now()),
            }
        }
    }

    /// Reports work that takes long, or that now waits for something else.
    fn report_working(&self, now: Instant) {
        for (unit, working) in self.state.borrow_mut().iter_mut() {
            let elapsed = now.saturating_duration_since(working.since);
            match self.form {
                OutputForm::Bar(_) => {}
                OutputForm::Lines(_) => {
                    let first = working.reported.is_none();
                    if working.is_slow(now) {
                        self.line(&match &working.on {
                            Some(on) if !first || elapsed >= REMIND => {
                                format!("  {}: still waiting after {}: {on}", unit.address, seconds(elapsed))
                            }
                            _ => format!("  {}: {}", unit.address, unit.step.doing()),
                        });
                    }
                }
                OutputForm::Stream => {
                    if working.is_news(now) {
                        self.printer.event(&self.hook(unit, Some(elapsed)).progress(working.on.as_deref()));
                    }
                }
            }
        }
    }

    fn hook<'h>(&'h self, unit: &'h Unit, elapsed: Option<Duration>) -> Hook<'h> {
        let known = (unit.address.clone(), unit.deposed);
        // A resource that is being created has no id yet.
        let id = self.existing.get(&known).filter(|_| unit.step != Step::Create);
        Hook { unit, id: id.map(String::as_str), elapsed }
    }

    fn line(&self, text: &str) {
        match &self.form {
            OutputForm::Bar(bar) => bar.println(printable(text, false)),
            OutputForm::Lines(_) | OutputForm::Stream => self.printer.note(text),
        }
    }

    /// Shows one event.
    pub(super) fn report(&self, event: Event) {
        let stream = matches!(self.form, OutputForm::Stream);
        match event {
            Event::Started { unit } => {
                if stream {
                    self.printer.event(&self.hook(&unit, None).start());
                }
                self.state.borrow_mut().insert(unit, Working::started(Instant::now()));
            }
            Event::Waiting { unit, on, .. } => {
                if let Some(working) = self.state.borrow_mut().get_mut(&unit) {
                    working.on = Some(on);
                }
                self.report_working(Instant::now());
            }
            Event::Done { unit, id, elapsed } => {
                self.state.borrow_mut().remove(&unit);
                if stream {
                    let hook = self.hook(&unit, Some(elapsed));
                    let id = Some(id.as_str()).filter(|id| !id.is_empty()).or(hook.id);
                    self.printer.event(&Hook { id, ..hook }.complete());
                } else {
                    let (address, did) = (&unit.address, unit.step.did());
                    self.line(&format!("  {address}: {did} in {}  {id}", seconds(elapsed)));
                }
                if let OutputForm::Bar(bar) = &self.form {
                    bar.inc(1);
                }
            }
            Event::Failed { unit, message, elapsed } => {
                self.state.borrow_mut().remove(&unit);
                if stream {
                    self.printer.event(&self.hook(&unit, Some(elapsed)).errored(&message));
                } else {
                    self.line(&format!("  {}: failed: {message}", unit.address));
                }
            }
            Event::Abandoned { unit, elapsed } => {
                self.state.borrow_mut().remove(&unit);
                let message = "stopped waiting; the next apply finds out whether it succeeded";
                if stream {
                    self.printer.event(&self.hook(&unit, Some(elapsed)).errored(message));
                } else {
                    self.line(&format!("  {}: {message}", unit.address));
                }
            }
            Event::Stopping { in_flight } if stream => self.printer.event(&stream::stopping(in_flight)),
            Event::Stopping { in_flight } => {
                self.line(&format!(
                    "Stopping: waiting for {}. Press Ctrl-C again to stop at once.",
                    counted(in_flight, "running operation")
                ));
            }
            Event::Saved { resources } if stream => self.printer.event(&stream::ledger_write(resources)),
            Event::Throttled { count } if stream => self.printer.event(&stream::throttled(count)),
            // The last line reports the number of throttled calls.
            Event::Saved { .. } | Event::Throttled { .. } => {}
        }
        if let OutputForm::Bar(bar) = &self.form {
            let state = self.state.borrow();
            let words = state.iter().map(|(unit, one)| {
                let doing = one.on.as_deref().unwrap_or(unit.step.doing());
                format!("{} {doing} {}", unit.address, seconds(one.since.elapsed()))
            });
            bar.set_message(printable(&words.collect::<Vec<_>>().join(" · "), false).into_owned());
        }
    }

    /// Clears the bar, and ends the group.
    pub(super) fn finish(&self) {
        match &self.form {
            OutputForm::Bar(_) => self.printer.clear_bar(),
            OutputForm::Lines(true) => self.printer.command(github::END_GROUP),
            OutputForm::Lines(false) | OutputForm::Stream => {}
        }
    }
}

/// The ids of existing resources, by address and index among the deposed.
fn existing(plan: &Plan) -> BTreeMap<(Address, Option<usize>), String> {
    let deposed = plan.deposed.iter().enumerate().map(|(place, change)| (change, Some(place)));
    let all = plan.changes.iter().map(|change| (change, None)).chain(deposed);
    all.filter_map(|(change, place)| Some(((change.address.clone(), place), change.id.clone()?))).collect()
}

/// `0.4 s`, `12 s`, `3 min 20 s`.
pub(super) fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0..=9 => format!("{:.1} s", elapsed.as_secs_f64()),
        whole @ 10..=99 => format!("{whole} s"),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{BEAT, NEWS, QUICK, REMIND, Working, seconds};
    use std::time::{Duration, Instant};

    #[test]
    fn a_slow_operation_is_reported_once_and_again_while_it_waits() {
        let began = Instant::now();
        let mut working = Working::started(began);
        assert!(!working.is_slow(began + QUICK / 2));
        assert!(working.is_slow(began + QUICK));
        assert!(!working.is_slow(began + QUICK * 9), "it is told once");
        working.on = Some("available".to_owned());
        assert!(working.is_slow(began + QUICK + REMIND));
        assert!(!working.is_slow(began + QUICK + REMIND + QUICK));
    }

    #[test]
    fn a_program_gets_news_at_once_and_a_heartbeat_otherwise() {
        let began = Instant::now();
        let mut working = Working::started(began);
        assert!(!working.is_news(began + BEAT / 2));
        working.on = Some("creating".to_owned());
        assert!(working.is_news(began + BEAT / 2));
        assert!(!working.is_news(began + BEAT));
        working.on = Some("available".to_owned());
        assert!(!working.is_news(began + BEAT / 2 + NEWS / 2), "not a line for every answer");
        assert!(working.is_news(began + BEAT / 2 + NEWS));
        assert!(working.is_news(began + BEAT * 2));
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
