//! Carries out a plan. A dispatcher owns the order and the events; each executor makes one resource
//! match its declaration.

mod create;
mod execute;
mod import;
mod ledger_writer;
mod look;
mod prepare;
mod record;
mod recover;
mod schedule;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::aws::{Session, on_behalf_of};
use crate::diag::{Diagnostic, counted};
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kind::State;
use crate::ledger::{Ledger, Lock, Store};
use crate::live;
use crate::plan::{self, Action, Change, Plan, Reason};
use crate::signals::{self, Last};

use execute::{Executor, Outcome};
use ledger_writer::{LedgerWriter, Writing};
use prepare::{prepare, take_back};
use schedule::Schedule;

pub use crate::plan::order::{Step, Unit};
pub use import::{Tagged, import};
pub use recover::{Recovered, recover};

/// Time limit of the last write of the ledger; a second signal shortens it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer than any call: calls end by their own timeouts, or by signals.
const HOUR: Duration = Duration::from_secs(3_600);

/// Options of an apply.
#[derive(Clone, Debug)]
pub struct Options {
    /// Maximum number of resources worked on at the same time.
    pub parallelism: usize,
    /// The value of [`crate::plan::Selection::deep`] in the plan.
    pub deep: bool,
    /// The plan covers only a part of the stack, see [`crate::plan::Selection::is_partial`].
    pub partial: bool,
}

/// Progress of an apply. Each started unit ends with exactly one of [`Event::Done`], [`Event::Failed`]
/// and [`Event::Abandoned`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Work on a resource starts.
    Started {
        /// The work.
        unit: Unit,
    },
    /// Work on a resource waits.
    Waiting {
        /// The work.
        unit: Unit,
        /// The reason, in AWS's words.
        on: String,
        /// Time since the unit started.
        elapsed: Duration,
    },
    /// Work on a resource is done.
    Done {
        /// The work.
        unit: Unit,
        /// The resource's physical id.
        id: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// Work on a resource failed; its error is in the [`Summary`].
    Failed {
        /// The work.
        unit: Unit,
        /// The error in one line.
        message: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// A running unit is no longer waited for, because the user asked a second time to stop.
    Abandoned {
        /// The work.
        unit: Unit,
        /// Time since the unit started.
        elapsed: Duration,
    },
    /// The ledger was written.
    Saved {
        /// Number of resources in it.
        resources: usize,
    },
    /// AWS throttles calls.
    Throttled {
        /// Calls of this run that were throttled so far.
        count: u64,
    },
    /// The user asked to stop: nothing new is started, running units are waited for.
    Stopping {
        /// Running units.
        in_flight: usize,
    },
}

/// The result of an apply.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Resources created, including replacements.
    pub created: usize,
    /// Resources updated in place.
    pub updated: usize,
    /// Resources deleted, including those that were replaced.
    pub destroyed: usize,
    /// The errors.
    pub failures: Vec<Diagnostic>,
    /// Resources whose work was not started, with the failed address that they depend on, or `None`
    /// after an interruption.
    pub skipped: BTreeMap<Address, Option<Address>>,
    /// Whether the user interrupted it.
    pub interrupted: bool,
    /// Time from the first to the last step.
    pub elapsed: Duration,
}

impl Summary {
    /// The number of resources created, updated or deleted.
    fn changed(&self) -> usize {
        self.created + self.updated + self.destroyed
    }

    fn count(&mut self, unit: &Unit) {
        match unit.step {
            Step::Create => self.created += 1,
            Step::Update => self.updated += 1,
            Step::Destroy => self.destroyed += 1,
            Step::Complete | Step::Release | Step::Forget => {}
        }
    }
}

/// The ledger that an apply updates, its store, and the lock that permits writing it.
pub struct LockedLedger<'k> {
    /// The resources that the stack owns.
    pub ledger: &'k mut Ledger,
    /// The store of the ledger.
    pub store: &'k Store,
    /// The lock of the ledger, held by this apply.
    pub lock: &'k Lock,
}

/// Applies the plan. The ledger is written before the first step, from time to time, and at the end,
/// whatever happens.
///
/// # Errors
/// The ledger could not be written, or its lock was lost. Failures of single resources are in the
/// [`Summary`].
pub async fn apply(
    session: &Session,
    eval: &EvalContext<'_>,
    plan: &Plan,
    locked: LockedLedger<'_>,
    options: &Options,
    report: &dyn Fn(Event),
) -> Result<Summary, Diagnostic> {
    let began = Instant::now();
    let LockedLedger { ledger, store, lock } = locked;
    // Check first whether a resource that the plan took for gone is there: this apply may delete its
    // dependents.
    if let Some((address, id)) = live::reappeared(session, plan, ledger).await {
        return Err(plan::still_there(&address, &id).note("nothing was changed at AWS"));
    }
    let before = ledger.clone();
    let instances = instances(eval, plan);
    let maybe_created = prepare(plan, eval, &instances, ledger);
    let effective = plan.changes.iter().filter(|change| change.is_effective());
    let changes: BTreeMap<&Address, &Change> = effective.map(|change| (&change.address, change)).collect();
    let schedule = Schedule::of(&changes, &plan.deposed, ledger, &eval.facts.scope)?;
    let mut dispatch = Dispatch {
        changes: &changes,
        plan,
        schedule,
        summary: Summary::default(),
        in_work: BTreeMap::new(),
        started: BTreeSet::new(),
        report,
    };
    let writer = LedgerWriter::new(ledger, &before, store, lock, report);
    // Write the intents before the first call. A first signal waits for this write. If a second one
    // cuts it off, nothing was created.
    let written = signals::within(Last::Ledger, HOUR, writer.begin()).await;
    if written.transpose()?.is_none() {
        dispatch.summary.interrupted = true;
        dispatch.skip_rest();
        return Ok(Summary { elapsed: began.elapsed(), ..dispatch.summary });
    }
    let made = changes.values().filter(|change| change.is_made()).map(|change| &change.address).collect();
    let busy = busy(plan, &instances);
    let executor =
        Executor { session, eval, writer: &writer, made, deep: options.deep, report, maybe_created, busy };
    let mut running = FuturesUnordered::new();
    let throttled = Cell::new(session.bill().throttled);
    let tell_throttled = || {
        let count = session.bill().throttled;
        if throttled.replace(count) < count {
            report(Event::Throttled { count });
        }
    };
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut writing = std::pin::pin!(Writing::default());
    let mut trouble = None;
    let width = options.parallelism.max(1);
    loop {
        if signals::is_hurried() {
            break;
        }
        if signals::is_stopping() && !dispatch.summary.interrupted {
            dispatch.summary.interrupted = true;
            writer.hurry();
            report(Event::Stopping { in_flight: running.len() });
        }
        if trouble.is_none() {
            trouble = writer.lost();
        }
        // While the lock is in doubt, start nothing and wait for the answer of the heartbeat.
        let held = writer.is_held();
        while !dispatch.summary.interrupted && trouble.is_none() && held && running.len() < width {
            let Some((unit, change)) = dispatch.start() else { break };
            let instance = instances.get(&unit.address).cloned();
            let executor = &executor;
            running.push(async move {
                let work = executor.run(&unit, change, instance);
                let outcome = on_behalf_of(unit.address.to_string(), work).await;
                (unit, outcome)
            });
        }
        if running.is_empty() && (dispatch.summary.interrupted || trouble.is_some() || held) {
            break;
        }
        if writing.is_idle() && trouble.is_none() && writer.is_due() {
            writing.set(Writing::of(writer.write()));
        }
        tokio::select! {
            Some((unit, outcome)) = running.next() => dispatch.end(unit, outcome),
            written = writing.as_mut() => trouble = written.err(),
            () = lock.changed() => {}
            _ = tick.tick() => tell_throttled(),
            () = signals::first(), if !dispatch.summary.interrupted => {}
            () = signals::second() => {}
        }
    }
    dispatch.summary.interrupted |= signals::is_stopping();
    drop(running);
    take_back(&dispatch.started, plan, &before, &writer);
    dispatch.abandon();
    tell_throttled();
    if !writing.is_idle() {
        let written = signals::within(Last::Ledger, WRITE_TIMEOUT, writing).await;
        trouble = trouble.or(written.unwrap_or_else(|| Err(writer.late())).err());
    }
    if dispatch.summary.interrupted || trouble.is_some() {
        dispatch.skip_rest();
    }
    let Dispatch { mut summary, .. } = dispatch;
    let finished = summary.failures.is_empty() && !summary.interrupted && trouble.is_none();
    if finished {
        record_outputs(plan, eval, options.partial, &writer);
    }
    summary.elapsed = began.elapsed();
    let unselected = plan.changes.iter().filter(|change| change.reason == Reason::Unselected);
    let unselected: BTreeSet<&Address> = unselected.map(|change| &change.address).collect();
    match writer.finish(finished, &unselected, trouble).await {
        Some(error) => Err(error.note(format!(
            "{} changed, {} skipped",
            counted(summary.changed(), "resource"),
            summary.skipped.len()
        ))),
        None => Ok(summary),
    }
}

/// The units of an apply: waiting, running and ended.
struct Dispatch<'d> {
    changes: &'d BTreeMap<&'d Address, &'d Change>,
    plan: &'d Plan,
    schedule: Schedule,
    summary: Summary,
    /// Running units, with their start.
    in_work: BTreeMap<Unit, Instant>,
    /// The addresses of all units that were started.
    started: BTreeSet<Address>,
    report: &'d dyn Fn(Event),
}

impl<'d> Dispatch<'d> {
    /// Starts the next unit. Returns `None` if none can start now.
    fn start(&mut self) -> Option<(Unit, &'d Change)> {
        let unit = self.schedule.next()?;
        let change = match unit.deposed {
            Some(index) => &self.plan.deposed[index],
            None => self.changes[&unit.address],
        };
        self.in_work.insert(unit.clone(), Instant::now());
        self.started.insert(unit.address.clone());
        (self.report)(Event::Started { unit: unit.clone() });
        Some((unit, change))
    }

    /// Ends a unit. Units that wait for it can start, or are skipped if it failed.
    fn end(&mut self, unit: Unit, outcome: Outcome<String>) {
        let elapsed = self.in_work.remove(&unit).map(|began| began.elapsed()).unwrap_or_default();
        match outcome {
            Ok(id) => {
                self.schedule.done(&unit);
                self.summary.count(&unit);
                (self.report)(Event::Done { unit, id, elapsed });
            }
            Err(mut failures) => {
                let lost = self.schedule.fail(&unit);
                if unit.step != Step::Release {
                    let waiting = lost.iter().filter_map(|address| self.changes.get(address).copied());
                    tell_released(&mut failures, waiting);
                }
                for address in lost {
                    self.summary.skipped.entry(address).or_insert_with(|| Some(unit.address.clone()));
                }
                let message = failures.first().map(|failure| failure.message.clone()).unwrap_or_default();
                (self.report)(Event::Failed { unit, message, elapsed });
                self.summary.failures.extend(failures);
            }
        }
    }

    /// Abandons all running units.
    fn abandon(&mut self) {
        for (unit, began) in std::mem::take(&mut self.in_work) {
            (self.report)(Event::Abandoned { unit, elapsed: began.elapsed() });
        }
    }

    /// Marks all units that were not started as skipped.
    fn skip_rest(&mut self) {
        for address in self.schedule.remaining() {
            self.summary.skipped.entry(address).or_insert(None);
        }
    }
}

/// Resources that match their declaration but that AWS is still working on, by address.
fn busy<'b, 'a>(
    plan: &'b Plan,
    instances: &'b BTreeMap<Address, Instance<'a>>,
) -> BTreeMap<&'b Address, (&'b Change, &'b Instance<'a>)> {
    let busy = plan.changes.iter().filter(|change| {
        let state = change.live.as_ref().map(|live| &live.state);
        change.action == Action::NoOp && matches!(state, Some(State::Busy(_)))
    });
    busy.filter_map(|one| Some((&one.address, (one, instances.get(&one.address)?)))).collect()
}

/// Notes in the first error which waiting changes have already let go of a resource. They take it again
/// with the next apply.
fn tell_released<'c>(failures: &mut [Diagnostic], waiting: impl Iterator<Item = &'c Change>) {
    let Some(failure) = failures.first_mut() else { return };
    for change in waiting.filter(|change| !change.goes()) {
        for release in &change.releases {
            let words = format!("{} released {}", change.address, release.held);
            failure.notes.push(format!("{words}, and refers to it again after the next apply"));
        }
    }
}

/// All declared instances. Each one is shown to its dependents as it is at AWS.
fn instances<'a>(eval: &EvalContext<'a>, plan: &Plan) -> BTreeMap<Address, Instance<'a>> {
    let mut problems = Vec::new();
    let mut instances = BTreeMap::new();
    let planned: BTreeMap<&Address, &Change> =
        plan.changes.iter().map(|change| (&change.address, change)).collect();
    for resource in eval.declarations() {
        for instance in eval.instances(resource, &mut problems) {
            let live = planned
                .get(&instance.address)
                .filter(|change| matches!(change.action, Action::NoOp | Action::Update))
                .and_then(|change| change.live.as_ref());
            eval.show(
                &instance.address,
                eval.view(&instance, live.map(|live| &live.attrs), live.map(|live| &live.spec)),
            );
            // The plan also knows needs that follow from no reference.
            let needs = planned.get(&instance.address).map(|change| change.needs.clone());
            let needs = needs.unwrap_or_else(|| instance.needs.clone());
            instances.insert(instance.address.clone(), Instance { needs, ..instance });
        }
    }
    instances
}

/// Records the outputs after the apply. Outputs that depend on an unselected resource
/// keep their entries.
fn record_outputs(plan: &Plan, eval: &EvalContext<'_>, partial: bool, writer: &LedgerWriter<'_>) {
    let mut ledger = writer.ledger.borrow_mut();
    let goes = plan.changes.iter().any(|change| change.reason == Reason::Destroy);
    if goes && !ledger.resources.is_empty() {
        return;
    }
    if partial {
        plan::show_unselected(eval, &ledger, &plan.changes);
    }
    let outputs = if goes { BTreeMap::new() } else { eval.each_output() };
    let mut prints = BTreeMap::new();
    for (name, (value, problems)) in &outputs {
        // In a partial apply, a declared resource may not exist.
        let is_there = problems.is_empty() && (!partial || eval.is_of_resources(name));
        let print = is_there.then(|| ledger.print_of_output(name, value)).flatten();
        let print = print.or_else(|| ledger.outputs.get(name).cloned());
        prints.extend(print.map(|print| (name.clone(), print)));
    }
    if ledger.outputs != prints {
        ledger.outputs = prints;
        writer.dirty.set(true);
    }
}
