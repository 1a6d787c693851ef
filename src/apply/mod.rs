//! Carries out a plan: a dispatcher that owns the order and the events, and executors
//! that each make one resource what it is declared to be.

mod birth;
mod book;
mod execute;
mod import;
mod look;
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
use crate::ledger::{Intent, Ledger, Lock, Store, is_of_secret};
use crate::live;
use crate::plan::{self, Action, Change, Plan, Reason};
use crate::schema::PathStep;
use crate::signals::{self, Last};
use crate::world::{Instance, World};

use book::{Book, Writing};
use execute::Executor;
use record::Seen;
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

/// The ledger of an apply, where it is written, and the lock that allows to.
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
    let started = Instant::now();
    let Keeper { ledger, store, lock } = keeper;
    // Before anything else: what needs it may go with it.
    if let Some((address, id)) = live::reappeared(session, plan, ledger).await {
        return Err(plan::still_there(&address, &id).note("nothing was changed at AWS"));
    }
    let before = ledger.clone();
    let instances = instances(world, plan);
    world.facts.scope.account_id.clone_into(&mut ledger.account);
    for change in &plan.changes {
        if let Some(from) = &change.moved_from {
            ledger.rename(from, &change.address);
        }
    }
    succeed(plan, ledger);
    remember(plan, ledger);
    inherit(plan, &instances, ledger);
    adopt(plan, &instances, ledger);
    let inherited = announce(plan, &instances, world, ledger);

    let changes: BTreeMap<&Address, &Change> = plan
        .changes
        .iter()
        .filter(|change| change.is_effective())
        .map(|change| (&change.address, change))
        .collect();
    let mut schedule = Schedule::of(&changes, &plan.deposed, ledger, &world.facts.scope)?;
    let book = Book::new(ledger, &before, store, lock, report);
    // Before the first call: what is about to be made. A first signal awaits it; where a second one left
    // it no time, nothing was made.
    let begun = signals::within(Last::Ledger, HOUR, book.begin()).await;
    if begun.transpose()?.is_none() {
        let skipped = schedule.remaining().map(|address| (address, None)).collect();
        return Ok(Summary { interrupted: true, skipped, elapsed: started.elapsed(), ..Summary::default() });
    }
    let made = changes.values().filter(|change| change.is_made()).map(|change| &change.address).collect();
    let busy = plan.changes.iter().filter(|change| {
        let state = change.live.as_ref().map(|live| &live.state);
        change.action == Action::NoOp && matches!(state, Some(State::Busy(_)))
    });
    let busy = busy.filter_map(|one| Some((&one.address, (one, instances.get(&one.address)?)))).collect();
    let executor =
        Executor { session, world, book: &book, made, deep: options.deep, report, inherited, busy };
    let mut summary = Summary::default();
    let mut running = FuturesUnordered::new();
    let mut in_work: BTreeMap<Unit, Instant> = BTreeMap::new();
    let mut started_on: BTreeSet<Address> = BTreeSet::new();
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
        if signals::is_stopping() && !summary.interrupted {
            summary.interrupted = true;
            book.hurry();
            report(Event::Stopping { in_flight: running.len() });
        }
        if trouble.is_none() {
            trouble = book.lost();
        }
        // While it is in doubt, nothing is begun and the heartbeat's answer awaited.
        let held = book.is_held();
        while !summary.interrupted && trouble.is_none() && held && running.len() < width {
            let Some(unit) = schedule.next() else { break };
            let change = match unit.deposed {
                Some(index) => &plan.deposed[index],
                None => changes[&unit.address],
            };
            let instance = instances.get(&unit.address).cloned();
            let executor = &executor;
            in_work.insert(unit.clone(), Instant::now());
            started_on.insert(unit.address.clone());
            report(Event::Started { unit: unit.clone() });
            running.push(async move {
                let work = executor.run(&unit, change, instance);
                let outcome = on_behalf_of(unit.address.to_string(), work).await;
                (unit, outcome)
            });
        }
        if running.is_empty() && (summary.interrupted || trouble.is_some() || held) {
            break;
        }
        if writing.is_idle() && trouble.is_none() && book.is_due() {
            writing.set(Writing::of(book.write()));
        }
        tokio::select! {
            Some((unit, outcome)) = running.next() => {
                let elapsed = in_work.remove(&unit).map(|began| began.elapsed()).unwrap_or_default();
                match outcome {
                    Ok(id) => {
                        schedule.done(&unit);
                        count(&mut summary, &unit);
                        report(Event::Done { unit, id, elapsed });
                    }
                    Err(mut failures) => {
                        let lost = schedule.fail(&unit);
                        if unit.step != Step::Release {
                            let waiting = lost.iter().filter_map(|address| changes.get(address).copied());
                            tell_released(&mut failures, waiting);
                        }
                        for address in lost {
                            summary.skipped.entry(address).or_insert_with(|| Some(unit.address.clone()));
                        }
                        let message =
                            failures.first().map(|failure| failure.message.clone()).unwrap_or_default();
                        report(Event::Failed { unit, message, elapsed });
                        summary.failures.extend(failures);
                    }
                }
            }
            written = writing.as_mut() => trouble = written.err(),
            () = lock.changed() => {}
            _ = tick.tick() => tell_throttled(),
            () = signals::first(), if !summary.interrupted => {}
            () = signals::second() => {}
        }
    }
    summary.interrupted |= signals::is_stopping();
    drop(running);
    not_begun(&started_on, plan, &before, &book);
    for (unit, began) in in_work {
        report(Event::Abandoned { unit, elapsed: began.elapsed() });
    }
    tell_throttled();
    if !writing.is_idle() {
        let written = signals::within(Last::Ledger, PATIENCE, writing).await;
        trouble = trouble.or(written.unwrap_or_else(|| Err(book.late())).err());
    }
    if summary.interrupted || trouble.is_some() {
        for address in schedule.remaining() {
            summary.skipped.entry(address).or_insert(None);
        }
    }
    let finished = summary.failures.is_empty() && !summary.interrupted && trouble.is_none();
    if finished {
        record_outputs(plan, world, options.partial, &book);
    }
    summary.elapsed = started.elapsed();
    let changed = summary.created + summary.updated + summary.destroyed;
    let unselected = plan.changes.iter().filter(|change| change.reason == Reason::Unselected);
    let unselected: BTreeSet<&Address> = unselected.map(|change| &change.address).collect();
    match book.finish(finished, &unselected, trouble).await {
        Some(error) => Err(error.note(format!(
            "{} changed, {} not begun",
            counted(changed, "resource"),
            summary.skipped.len()
        ))),
        None => Ok(summary),
    }
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

fn count(summary: &mut Summary, unit: &Unit) {
    match unit.step {
        Step::Create => summary.created += 1,
        Step::Update => summary.updated += 1,
        Step::Destroy => summary.destroyed += 1,
        Step::Complete | Step::Release | Step::Forget => {}
    }
}

/// Where an apply that was cut off made what was to replace what the ledger tells of: the
/// old one is deposed, or gone.
fn succeed(plan: &Plan, ledger: &mut Ledger) {
    for change in &plan.changes {
        let (Some(id), Some(entry)) = (&change.id, ledger.resources.get(&change.address)) else { continue };
        let successor = change.live.is_some()
            && change.reason != Reason::Unselected
            && (entry.id != *id || entry.region != change.existing_region());
        if !successor {
            continue;
        }
        let deposed = |one: &Change| one.address == change.address && one.id.as_ref() == Some(&entry.id);
        if plan.deposed.iter().any(deposed) {
            ledger.depose(&change.address);
        } else {
            ledger.resources.remove(&change.address);
        }
    }
}

/// Takes into the ledger what is to be removed and that only intents told of, which other
/// intents are about to take the place of.
fn remember(plan: &Plan, ledger: &mut Ledger) {
    for change in &plan.deposed {
        let is_born = change.reason == Reason::Undeclared && change.action == Action::Delete;
        let Some(id) = change.id.as_ref().filter(|_| is_born) else { continue };
        let Some(born) = ledger.intents.get(&change.address).map(|intent| intent.born(id)) else { continue };
        ledger.deposed.entry(change.address.clone()).or_default().push(born);
    }
}

/// Takes into the ledger what an apply that was cut off made, and that this one goes on with.
fn inherit(plan: &Plan, instances: &BTreeMap<Address, Instance<'_>>, ledger: &mut Ledger) {
    for change in plan.effective() {
        let (Some(instance), Some(id), Some(_)) = (instances.get(&change.address), &change.id, &change.live)
        else {
            continue;
        };
        let goes_on = matches!(change.action, Action::Update | Action::Replace { .. }) && !change.imported;
        if !goes_on || ledger.resources.contains_key(&change.address) {
            continue;
        }
        if let Some(born) = ledger.begun(&change.address, change.existing_region(), id) {
            ledger.intents.remove(born.fingerprinted(&change.address));
            record::take(ledger, instance, born);
        }
    }
}

/// Takes what exists as declared into the ledger, and what the stack says now about
/// keeping it.
fn adopt(plan: &Plan, instances: &BTreeMap<Address, Instance<'_>>, ledger: &mut Ledger) {
    for change in &plan.changes {
        let (Some(instance), Some(id), Some(live)) =
            (instances.get(&change.address), &change.id, &change.live)
        else {
            continue;
        };
        if change.action == Action::NoOp && change.reason == Reason::Same {
            record::record(ledger, instance, id, Some(Seen { live, bare: None }));
            ledger.intents.remove(&change.address);
        }
    }
}

/// Writes down what is about to be made, so that a crash leaves no orphan; tells what an
/// earlier apply may have made already.
fn announce(
    plan: &Plan,
    instances: &BTreeMap<Address, Instance<'_>>,
    world: &World<'_>,
    ledger: &mut Ledger,
) -> BTreeSet<Address> {
    let mut inherited = BTreeSet::new();
    for change in plan.effective() {
        about_to_release(change, ledger);
        let Some(instance) = instances.get(&change.address) else { continue };
        let id = world.id(instance);
        // An unfinished birth is gone on with, where it is the same one that is wanted; one that is
        // replaced is another.
        let is_same = |intent: &Intent| intent.region == instance.region && intent.id == id;
        let begins = match change.action {
            Action::Create => !ledger.intents.get(&change.address).is_some_and(is_same),
            Action::Replace { .. } => true,
            _ => false,
        };
        if !begins {
            if change.action == Action::Create {
                inherited.insert(change.address.clone());
            }
            about_to_write(instance, change, ledger);
            continue;
        }
        let token = uuid::Uuid::new_v4().to_string();
        let needs = instance.needs.iter().cloned().collect();
        let fingerprints = plan::begun(instance, &change.address, ledger);
        let intent = Intent {
            region: instance.region.clone(),
            token,
            id,
            needs,
            fingerprints,
            protect: instance.protect,
            retain: instance.retain,
            unknown: BTreeMap::new(),
        };
        ledger.intents.insert(change.address.clone(), intent);
    }
    inherited
}

/// Writes down that what is let go of for a moment is not as it was applied meanwhile: nobody
/// else changed it.
fn about_to_release(change: &Change, ledger: &mut Ledger) {
    let Some(entry) = ledger.resources.get_mut(&change.address) else { return };
    for release in &change.releases {
        let root = release.attribute.split('.').next().unwrap_or_default();
        if let Some(print) = entry.fingerprints.get_mut(root).filter(|print| !is_of_secret(print)) {
            print.clear();
        }
    }
}

/// Writes down what is about to be written: attributes that were not before, and the paths of all
/// that changes, for which nobody else is to be blamed should this apply be cut off.
fn about_to_write(instance: &Instance<'_>, change: &Change, ledger: &mut Ledger) {
    let address = &instance.address;
    let entry = ledger.resources.get(address);
    let printed = entry.map_or(address, |entry| entry.fingerprinted(address));
    let prints = plan::begun(instance, printed, ledger);
    match (ledger.resources.get_mut(address), ledger.intents.get_mut(address)) {
        // Of what exists, nothing new holds until it was applied, but that it is secret.
        (Some(entry), _) => prints.into_iter().for_each(|(path, print)| {
            let print = if is_of_secret(&print) { print } else { String::new() };
            entry.fingerprints.entry(path).or_insert(print);
        }),
        (None, Some(intent)) => prints.into_iter().for_each(|(path, print)| {
            intent.fingerprints.entry(path).or_insert(print);
        }),
        (None, None) => {}
    }
    let Some(entry) = ledger.resources.get_mut(address) else { return };
    for one in change.attributes.iter().filter(|one| !one.stays) {
        let Some(PathStep::Name(root)) = one.path.first() else { continue };
        let path = match (root.as_str(), one.path.get(1)) {
            ("tags", Some(PathStep::Name(tag))) => format!("tags.{tag}"),
            _ => root.clone(),
        };
        entry.writing.insert(path);
    }
}

/// Takes back what [`about_to_write`] wrote down of resources whose change was not begun.
fn not_begun(begun: &BTreeSet<Address>, plan: &Plan, before: &Ledger, book: &Book<'_>) {
    let mut ledger = book.ledger.borrow_mut();
    for change in plan.effective().filter(|change| !begun.contains(&change.address)) {
        let Some(entry) = ledger.resources.get_mut(&change.address) else { continue };
        let former = before.resources.get(change.moved_from.as_ref().unwrap_or(&change.address));
        let writing = former.map(|former| former.writing.clone()).unwrap_or_default();
        if entry.writing != writing {
            entry.writing = writing;
            book.dirty.set(true);
        }
    }
}
