//! The order of work: which unit may start now, longest remaining path first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::Scope;
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::ledger::Ledger;
use crate::plan::Change;
use crate::plan::order::{self, Order, Unit};

/// The units of a plan, and those still to do.
pub(super) struct Schedule {
    units: Vec<Unit>,
    /// The index of each unit.
    places: BTreeMap<Unit, usize>,
    /// For each unit, the number of units that must be done first and are not done yet.
    open: Vec<usize>,
    /// For each unit, the units that wait for it.
    needed_by: Vec<Vec<usize>>,
    /// Seconds from the start of a unit to the end of everything that depends on it.
    remaining: Vec<u64>,
    waiting: BTreeSet<usize>,
    /// The waiting units that may start, ordered by the time of the work behind them.
    ready: BTreeSet<(Reverse<u64>, usize)>,
    done: BTreeSet<usize>,
}

impl Schedule {
    /// The units of the changes, in an order that [`Order::of`] finds.
    ///
    /// # Errors
    /// The units need each other in a cycle. The plan was checked for that; only the ledger can have
    /// changed since.
    pub(super) fn of(
        changes: &BTreeMap<&Address, &Change>,
        deposed: &[Change],
        ledger: &Ledger,
        scope: &Scope,
    ) -> Result<Self, Diagnostic> {
        let applied = |address: &Address| {
            ledger.resources.get(address).map(|entry| entry.needs.clone()).unwrap_or_default()
        };
        let Order { units, needs, order } =
            Order::of(changes, deposed, &applied, scope).map_err(|stuck| stuck.error())?;
        let mut remaining: Vec<u64> = units.iter().map(order::seconds).collect();
        for &unit in order.iter().rev() {
            for &needed in &needs[unit] {
                let through = remaining[unit] + order::seconds(&units[needed]);
                remaining[needed] = remaining[needed].max(through);
            }
        }
        let open: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
        let mut needed_by = vec![Vec::new(); units.len()];
        for (unit, needs) in needs.iter().enumerate() {
            needs.iter().for_each(|&needed| needed_by[needed].push(unit));
        }
        let places = units.iter().enumerate().map(|(at, unit)| (unit.clone(), at)).collect();
        let waiting: BTreeSet<usize> = (0..units.len()).collect();
        let ready = waiting.iter().filter(|&&unit| open[unit] == 0);
        let ready = ready.map(|&unit| (Reverse(remaining[unit]), unit)).collect();
        let done = BTreeSet::new();
        Ok(Self { units, places, open, needed_by, remaining, waiting, ready, done })
    }

    pub(super) fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter()
    }

    /// The units that hold up more than one level of others.
    pub(super) fn urgent(&self) -> BTreeSet<Unit> {
        let is_urgent = |by: &Vec<usize>| by.iter().any(|&later| !self.needed_by[later].is_empty());
        let urgent = std::iter::zip(&self.units, &self.needed_by).filter(|(_, by)| is_urgent(by));
        urgent.map(|(unit, _)| unit.clone()).collect()
    }

    /// The next unit that may start: of those whose needs are done, the one with the longest path
    /// behind it.
    pub(super) fn next(&mut self) -> Option<Unit> {
        let (_, best) = self.ready.pop_first()?;
        self.waiting.remove(&best);
        Some(self.units[best].clone())
    }

    /// Marks a unit as done.
    pub(super) fn done(&mut self, unit: &Unit) {
        let Some(&unit) = self.places.get(unit) else { return };
        if !self.done.insert(unit) {
            return;
        }
        for &later in &self.needed_by[unit] {
            self.open[later] -= 1;
            if self.open[later] == 0 && self.waiting.contains(&later) {
                self.ready.insert((Reverse(self.remaining[later]), later));
            }
        }
    }

    /// Marks a unit as failed and removes all units that depend on it. Returns their addresses.
    pub(super) fn fail(&mut self, unit: &Unit) -> BTreeSet<Address> {
        let mut lost = BTreeSet::new();
        let mut failed: Vec<usize> = self.places.get(unit).copied().into_iter().collect();
        while let Some(one) = failed.pop() {
            for &later in &self.needed_by[one] {
                // It still waits for a unit that failed, so it is not in `ready`.
                if self.waiting.remove(&later) {
                    lost.insert(self.units[later].address.clone());
                    failed.push(later);
                }
            }
        }
        lost.remove(&unit.address);
        lost
    }

    /// The addresses of units that were not started.
    pub(super) fn remaining(&self) -> impl Iterator<Item = Address> + '_ {
        self.waiting.iter().map(|&unit| self.units[unit].address.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Schedule;
    use crate::aws::Scope;
    use crate::graph::Address;
    use crate::ledger::Ledger;
    use crate::plan::{Action, Change, Reason};

    fn removal(address: &Address, needs: &[&Address]) -> Change {
        Change {
            action: Action::Delete,
            reason: Reason::Undeclared,
            needs: needs.iter().copied().cloned().collect(),
            ..Change::none(address.clone(), crate::aws::Place::default())
        }
    }

    /// After an interrupted apply, the ledger knows some resources from intents alone. A bucket must
    /// not be deleted first only because it takes longer.
    #[test]
    fn deposed_resources_are_deleted_after_their_dependents_even_if_the_ledger_lacks_the_edges() {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let (lake, script) = (address("s3_bucket.lake"), address("s3_object.script"));
        let ledger = Ledger::new("shop", "dev").expect("randomness");
        let (gone, deposed) = (removal(&script, &[&lake]), [removal(&lake, &[])]);
        let scope = Scope { partition: String::new(), account_id: String::new(), region: String::new() };
        let mut schedule =
            Schedule::of(&BTreeMap::from([(&script, &gone)]), &deposed, &ledger, &scope).expect("an order");
        let first = schedule.next().expect("a unit");
        assert_eq!(first.address, script);
        assert!(schedule.next().is_none(), "the bucket is not empty yet");
        schedule.done(&first);
        assert_eq!(schedule.next().expect("a unit").address, lake);
    }
}
