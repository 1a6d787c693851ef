//! Carries out a plan: a dispatcher that owns the order and the events, and executors
//! that each make one resource what it is declared to be.

mod birth;
mod book;
mod execute;
mod import;
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
use crate::graph::Address;
use crate::kind::State;
use crate::ledger::{Ledger, Lock, Store};
use crate::live;
use crate::plan::{self, Action, Change, Plan, Reason};
use crate::signals::{self, Last};
use crate::world::{Instance, World};

use book::{Book, Writing};
use execute::{Executor, Outcome};
use prepare::{prepare, take_back};
use schedule::Schedule;

pub use crate::plan::order::{Step, Unit};
pub use import::{Tagged, import};
pub use recover::{Recovered, recover};

/// How long the last write of a ledger may take; a second signal leaves it less.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than any call takes: its own limits and signals end it.
const HOUR: Duration = Duration::from_secs(3_600);

/// How to apply.
#[derive(Clone, Debug)]
pub struct Options {
    /// Resources in work at the same time, at most.
    pub parallelism: usize,
    /// As [`crate::plan::Selection::deep`] of the plan.
    pub deep: bool,
    /// The plan selects a part of the stack, by [`crate::plan::Selection::is_partial`].
    pub partial: bool,
}

/// What happens while a plan is applied. Each unit that is started ends once, with
/// [`Event::Done`], [`Event::Failed`] or [`Event::Abandoned`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Work on a resource begins.
    Started {
        /// The work.
        unit: Unit,
    },
    /// Work on a resource waits.
    Waiting {
        /// The work.
        unit: Unit,
        /// For what, in AWS's words.
        on: String,
        /// Since when it goes on.
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
    /// Work on a resource is not awaited any more: the user asked a second time to stop.
    Abandoned {
        /// The work.
        unit: Unit,
        /// Since when it went on.
        elapsed: Duration,
    },
    /// The ledger was written.
    Saved {
        /// Resources that it tells of.
        resources: usize,
    },
    /// AWS asks for fewer calls.
    Throttled {
        /// Calls of this run that it refused for that, so far.
        count: u64,
    },
    /// The user asked to stop: nothing new is begun, what is in work is awaited.
    Stopping {
        /// Resources in work.
        in_flight: usize,
    },
}

/// What an apply did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Resources made, anew or for the first time.
    pub created: usize,
    /// Resources changed in place.
    pub updated: usize,
    /// Resources removed, those that were replaced among them.
    pub destroyed: usize,
    /// What failed.
    pub failures: Vec<Diagnostic>,
    /// What was not begun, and why: the failed address it depends on, or `None` after
    /// an interruption.
    pub skipped: BTreeMap<Address, Option<Address>>,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// From the first to the last step.
    pub elapsed: Duration,
}

impl Summary {
    /// How many resources were made, changed or removed.
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
pub struct Keeper<'k> {
    /// What is owned.
    pub ledger: &'k mut Ledger,
    /// Where the ledger lives.
    pub store: &'k Store,
    /// Its lock, which this apply holds.
    pub lock: &'k Lock,
}

/// Applies the plan. The ledger is written before the first step, now and then, and at
/// the end, whatever happens.
///
/// # Errors
/// The ledger could not be written, or its lock was lost; failures of resources are in
/// the [`Summary`].
pub async fn apply(
    session: &Session,
    world: &World<'_>,
    plan: &Plan,
    keeper: Keeper<'_>,
    options: &Options,
    report: &dyn Fn(Event),
) -> Result<Summary, Diagnostic> {
    let began = Instant::now();
    let Keeper { ledger, store, lock } = keeper;
    // Before anything else: what needs it may go with it.
    if let Some((address, id)) = live::reappeared(session, plan, ledger).await {
        return Err(plan::still_there(&address, &id).note("nothing was changed at AWS"));
    }
    let before = ledger.clone();
    let instances = instances(world, plan);
    let inherited = prepare(plan, world, &instances, ledger);
    let effective = plan.changes.iter().filter(|change| change.is_effective());
    let changes: BTreeMap<&Address, &Change> = effective.map(|change| (&change.address, change)).collect();
    let schedule = Schedule::of(&changes, &plan.deposed, ledger, &world.facts.scope)?;
    let mut dispatch = Dispatch {
        changes: &changes,
        plan,
        schedule,
        summary: Summary::default(),
        in_work: BTreeMap::new(),
        started: BTreeSet::new(),
        report,
    };
    let book = Book::new(ledger, &before, store, lock, report);
    // Before the first call: what is about to be made. A first signal awaits it; where a second one left
    // it no time, nothing was made.
    let begun = signals::within(Last::Ledger, HOUR, book.begin()).await;
    if begun.transpose()?.is_none() {
        dispatch.summary.interrupted = true;
        dispatch.skip_rest();
        return Ok(Summary { elapsed: began.elapsed(), ..dispatch.summary });
    }
    let made = changes.values().filter(|change| change.is_made()).map(|change| &change.address).collect();
    let busy = busy(plan, &instances);
    let executor =
        Executor { session, world, book: &book, made, deep: options.deep, report, inherited, busy };
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
            book.hurry();
            report(Event::Stopping { in_flight: running.len() });
        }
        if trouble.is_none() {
            trouble = book.lost();
        }
        // While it is in doubt, nothing is begun and the heartbeat's answer awaited.
        let held = book.is_held();
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
        if writing.is_idle() && trouble.is_none() && book.is_due() {
            writing.set(Writing::of(book.write()));
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
    take_back(&dispatch.started, plan, &before, &book);
    dispatch.abandon();
    tell_throttled();
    if !writing.is_idle() {
        let written = signals::within(Last::Ledger, PATIENCE, writing).await;
        trouble = trouble.or(written.unwrap_or_else(|| Err(book.late())).err());
    }
    if dispatch.summary.interrupted || trouble.is_some() {
        dispatch.skip_rest();
    }
    let Dispatch { mut summary, .. } = dispatch;
    let finished = summary.failures.is_empty() && !summary.interrupted && trouble.is_none();
    if finished {
        record_outputs(plan, world, options.partial, &book);
    }
    summary.elapsed = began.elapsed();
    let unselected = plan.changes.iter().filter(|change| change.reason == Reason::Unselected);
    let unselected: BTreeSet<&Address> = unselected.map(|change| &change.address).collect();
    match book.finish(finished, &unselected, trouble).await {
        Some(error) => Err(error.note(format!(
            "{} changed, {} not begun",
            counted(summary.changed(), "resource"),
            summary.skipped.len()
        ))),
        None => Ok(summary),
    }
}

/// The units of an apply: which are to come, which are in work, and what became of the others.
struct Dispatch<'d> {
    changes: &'d BTreeMap<&'d Address, &'d Change>,
    plan: &'d Plan,
    schedule: Schedule,
    summary: Summary,
    /// Since when each unit is in work.
    in_work: BTreeMap<Unit, Instant>,
    /// The addresses of all units that were started.
    started: BTreeSet<Address>,
    report: &'d dyn Fn(Event),
}

impl<'d> Dispatch<'d> {
    /// Starts the next unit; `None` where none can start now.
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

    /// Ends a unit: those that wait for it can start, or are skipped where it failed.
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

    /// Gives up on what is still in work.
    fn abandon(&mut self) {
        for (unit, began) in std::mem::take(&mut self.in_work) {
            (self.report)(Event::Abandoned { unit, elapsed: began.elapsed() });
        }
    }

    /// Skips all that was not started.
    fn skip_rest(&mut self) {
        for address in self.schedule.remaining() {
            self.summary.skipped.entry(address).or_insert(None);
        }
    }
}

/// What is as declared while AWS is still at work on it, by address.
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

/// Says in the first of these errors what is without what it let go of, since its own change was
/// not begun.
fn tell_released<'c>(failures: &mut [Diagnostic], waiting: impl Iterator<Item = &'c Change>) {
    let Some(failure) = failures.first_mut() else { return };
    for change in waiting.filter(|change| !change.goes()) {
        for release in &change.releases {
            let words = format!("{} let go of {}", change.address, release.held);
            failure.notes.push(format!("{words}, and takes it again with the next apply"));
        }
    }
}

/// Every declared instance, shown to those that refer to it as it is at AWS.
fn instances<'a>(world: &World<'a>, plan: &Plan) -> BTreeMap<Address, Instance<'a>> {
    let mut problems = Vec::new();
    let mut instances = BTreeMap::new();
    let planned: BTreeMap<&Address, &Change> =
        plan.changes.iter().map(|change| (&change.address, change)).collect();
    for resource in world.declarations() {
        for instance in world.instances(resource, &mut problems) {
            let live = planned
                .get(&instance.address)
                .filter(|change| matches!(change.action, Action::NoOp | Action::Update))
                .and_then(|change| change.live.as_ref());
            world.show(
                &instance.address,
                world.view(&instance, live.map(|live| &live.attrs), live.map(|live| &live.spec)),
            );
            // The plan knows what it needs besides what it refers to.
            let needs = planned.get(&instance.address).map(|change| change.needs.clone());
            let needs = needs.unwrap_or_else(|| instance.needs.clone());
            instances.insert(instance.address.clone(), Instance { needs, ..instance });
        }
    }
    instances
}

/// Takes the outputs into the ledger, as they are now that everything is done. What depends on
/// something that was left out stays as it was.
fn record_outputs(plan: &Plan, world: &World<'_>, partial: bool, book: &Book<'_>) {
    let mut ledger = book.ledger.borrow_mut();
    let goes = plan.changes.iter().any(|change| change.reason == Reason::Destroy);
    if goes && !ledger.resources.is_empty() {
        return;
    }
    if partial {
        plan::show_unselected(world, &ledger, &plan.changes);
    }
    let outputs = if goes { BTreeMap::new() } else { world.each_output() };
    let mut prints = BTreeMap::new();
    for (name, (value, problems)) in &outputs {
        // In a part of a stack, what is declared may not be there.
        let is_there = problems.is_empty() && (!partial || world.is_of_resources(name));
        let print = is_there.then(|| ledger.print_of_output(name, value)).flatten();
        let print = print.or_else(|| ledger.outputs.get(name).cloned());
        prints.extend(print.map(|print| (name.clone(), print)));
    }
    if ledger.outputs != prints {
        ledger.outputs = prints;
        book.dirty.set(true);
    }
}
