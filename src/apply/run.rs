//! Runs all units of a plan, and writes the ledger meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::conditions::unmet;
use super::dispatch::{Dispatch, change_of};
use super::event::{Event, HOUR, LockedLedger, Options, Summary, WRITE_TIMEOUT};
use super::execute::place;
use super::executor::Executor;
use super::instances::{busy, instances};
use super::ledger_writer::{LedgerWriter, Writing};
use super::outputs::record_outputs;
use super::prepare::{prepare, take_back};
use super::reads::Reads;
use super::schedule::Schedule;
use crate::aws::{Session, on_behalf_of};
use crate::diag::{Diagnostic, counted};
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kinds;
use crate::ledger::Lock;
use crate::live;
use crate::plan::{self, Change, Plan, Reason};
use crate::signals::{self, Last};

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
    let (instances, pending) = instances(eval, plan);
    let maybe_created = prepare(plan, eval, &instances, ledger);
    let effective = plan.changes.iter().filter(|change| change.is_effective());
    let changes: BTreeMap<&Address, &Change> = effective.map(|change| (&change.address, change)).collect();
    let schedule = Schedule::of(&changes, &plan.deposed, ledger, &eval.facts.scope)?;
    let urgent = schedule.urgent();
    let reads = Reads::default();
    for (unit, change) in schedule.units().map(|unit| (unit, change_of(unit, &changes, plan))) {
        if let Some(kind) = kinds::kind(&unit.address.kind) {
            reads.announce(kind, place(unit, change));
        }
    }
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
    let made = changes
        .values()
        .filter(|change| change.is_created_or_replaced())
        .map(|change| &change.address)
        .collect();
    let busy = busy(plan, &instances);
    let executor = Executor {
        session,
        eval,
        writer: &writer,
        made,
        deep: options.deep,
        report,
        unproven: RefCell::default(),
        reads,
        urgent,
        read: options.read,
        maybe_created,
        busy,
        pending,
    };
    let run = Run { executor: &executor, instances: &instances, lock, width: options.parallelism.max(1) };
    let trouble = run.work(&mut dispatch).await;
    take_back(&dispatch.started, plan, &before, &writer);
    let Dispatch { mut summary, .. } = dispatch;
    let finished = summary.failures.is_empty() && !summary.interrupted && trouble.is_none();
    let goes = plan.asked.destroy;
    if finished && !goes {
        summary.failures.extend(executor.read_rest(options.partial).await);
        summary.failures.extend(unmet(eval, plan, &instances, options.partial));
        for (_, judged) in eval.checks() {
            summary.warnings.extend(judged.failed);
            summary.failures.extend(judged.broken.into_iter().filter(|_| !options.partial));
        }
    }
    if finished && summary.failures.is_empty() {
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

/// The tools that run the units of a plan.
struct Run<'r, 'e, 'a, 'l> {
    executor: &'r Executor<'e, 'a, 'l>,
    instances: &'r BTreeMap<Address, Instance<'a>>,
    lock: &'r Lock,
    /// Maximum number of resources worked on at the same time.
    width: usize,
}

impl Run<'_, '_, '_, '_> {
    /// Runs units until none is left, or until the user stops it. Returns the error if the ledger
    /// could not be written, or its lock was lost.
    async fn work(&self, dispatch: &mut Dispatch<'_>) -> Option<Diagnostic> {
        let Self { executor, instances, lock, width } = *self;
        let Executor { session, writer, report, .. } = *executor;
        let mut running = FuturesUnordered::new();
        let throttled = Cell::new(session.call_counts().throttled);
        let tell_throttled = || {
            let count = session.call_counts().throttled;
            if throttled.replace(count) < count {
                report(Event::Throttled { count });
            }
        };
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut writing = std::pin::pin!(Writing::default());
        let mut trouble = None;
        loop {
            if signals::is_aborting() {
                break;
            }
            if signals::is_stopping() && !dispatch.summary.interrupted {
                dispatch.summary.interrupted = true;
                writer.write_every_change();
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
        dispatch.abandon();
        if !signals::is_stopping() && trouble.is_none() {
            let foreign = executor.prove(instances).await;
            foreign.into_iter().for_each(|(unit, failure)| dispatch.summary.disown(&unit, failure));
        }
        tell_throttled();
        if !writing.is_idle() {
            let written = signals::within(Last::Ledger, WRITE_TIMEOUT, writing).await;
            trouble = trouble.or(written.unwrap_or_else(|| Err(writer.late())).err());
        }
        if dispatch.summary.interrupted || trouble.is_some() {
            dispatch.skip_rest();
        }
        trouble
    }
}
