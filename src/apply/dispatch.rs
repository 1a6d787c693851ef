//! Keeps track of units: which ones run, and how each one ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::event::{Event, Summary};
use super::retry::Outcome;
use super::schedule::Schedule;
use crate::diag::Diagnostic;
use crate::eval::Judgement;
use crate::graph::Address;
use crate::plan::order::{Step, Unit};
use crate::plan::{Change, Plan};

/// The units of an apply: waiting, running and ended.
pub(super) struct Dispatch<'d> {
    pub(super) changes: &'d BTreeMap<&'d Address, &'d Change>,
    pub(super) plan: &'d Plan,
    pub(super) schedule: Schedule,
    pub(super) summary: Summary,
    /// Running units, with their start.
    pub(super) in_work: BTreeMap<Unit, Instant>,
    /// The addresses of all units that were started.
    pub(super) started: BTreeSet<Address>,
    pub(super) report: &'d dyn Fn(Event),
}

impl<'d> Dispatch<'d> {
    /// Starts the next unit. Returns `None` if none can start now.
    pub(super) fn start(&mut self) -> Option<(Unit, &'d Change)> {
        let unit = self.schedule.next()?;
        let change = change_of(&unit, self.changes, self.plan);
        self.in_work.insert(unit.clone(), Instant::now());
        self.started.insert(unit.address.clone());
        (self.report)(Event::Started { unit: unit.clone() });
        Some((unit, change))
    }

    /// Ends a unit. Units that wait for it can start, or are skipped if it failed.
    pub(super) fn end(&mut self, unit: Unit, outcome: Outcome<String>) {
        let elapsed = self.in_work.remove(&unit).map(|began| began.elapsed()).unwrap_or_default();
        match outcome {
            Ok(id) => {
                self.schedule.done(&unit);
                self.summary.count(&unit);
                (self.report)(Event::Done { unit, id, elapsed });
            }
            Err(mut failures) => {
                // A resource that fails its postconditions was changed nevertheless.
                if failures.iter().all(|one| one.code == Judgement::AFTER) {
                    self.summary.count(&unit);
                }
                let lost = self.schedule.fail(&unit);
                if unit.step != Step::Release {
                    let waiting = lost.iter().filter_map(|address| self.changes.get(address).copied());
                    note_released(&mut failures, waiting);
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
    pub(super) fn abandon(&mut self) {
        for (unit, began) in std::mem::take(&mut self.in_work) {
            (self.report)(Event::Abandoned { unit, elapsed: began.elapsed() });
        }
    }

    /// Marks all units that were not started as skipped.
    pub(super) fn skip_rest(&mut self) {
        for address in self.schedule.remaining() {
            self.summary.skipped.entry(address).or_insert(None);
        }
    }
}

/// The change that a unit belongs to.
pub(super) fn change_of<'d>(
    unit: &Unit,
    changes: &BTreeMap<&'d Address, &'d Change>,
    plan: &'d Plan,
) -> &'d Change {
    match unit.deposed {
        Some(index) => &plan.deposed[index],
        None => changes[&unit.address],
    }
}

/// Adds to the first error which waiting changes have already released a resource. The next apply restores
/// their references.
fn note_released<'c>(failures: &mut [Diagnostic], waiting: impl Iterator<Item = &'c Change>) {
    let Some(failure) = failures.first_mut() else { return };
    for change in waiting.filter(|change| !change.goes()) {
        for release in &change.releases {
            let words = format!("{} released {}", change.address, release.held);
            failure.notes.push(format!("{words}, and refers to it again after the next apply"));
        }
    }
}
