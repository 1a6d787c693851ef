//! The order of work: what may begin now, longest remaining path first.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{self, Address};
use crate::kinds;
use crate::ledger::Ledger;
use crate::plan::{Action, Change};

/// What is done to a resource in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// Sets what a resource was made without, since it refers to one that needed it first.
    Complete,
    /// It is removed from AWS.
    Destroy,
    /// It is no longer owned, and stays at AWS as it is.
    Forget,
}

impl Step {
    /// What is being done.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Complete => "completing",
            Self::Destroy => "destroying",
            Self::Forget => "forgetting",
        }
    }

    /// What was done, when it is done.
    pub fn did(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Complete => "completed",
            Self::Destroy => "destroyed",
            Self::Forget => "forgotten",
        }
    }
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// The resource.
    pub address: Address,
    /// What is done to it.
    pub step: Step,
    /// Its place among [`crate::plan::Plan::deposed`], where it is of that.
    pub deposed: Option<usize>,
}

/// The units of a plan and what is left of them.
pub(super) struct Schedule {
    units: Vec<Unit>,
    /// For each unit, those that must be done before.
    needs: Vec<BTreeSet<usize>>,
    /// Seconds from the start of a unit to the end of everything that waits for it.
    remaining: Vec<u64>,
    waiting: BTreeSet<usize>,
    done: BTreeSet<usize>,
}

impl Schedule {
    /// Orders the changes: up after what is needed, down after what needed it, by the
    /// stack's edges and by those that the ledger remembers.
    pub(super) fn of(changes: &BTreeMap<&Address, &Change>, deposed: &[Change], ledger: &Ledger) -> Self {
        let mut units = Vec::new();
        let mut up: BTreeMap<&Address, usize> = BTreeMap::new();
        let mut down: BTreeMap<&Address, usize> = BTreeMap::new();
        let mut later: BTreeMap<&Address, usize> = BTreeMap::new();
        for (address, change) in changes {
            let mut add = |step| {
                units.push(Unit { address: (*address).clone(), step, deposed: None });
                units.len() - 1
            };
            match change.action {
                Action::NoOp => {}
                Action::Create => drop(up.insert(address, add(Step::Create))),
                // Who it waits for may in turn need it: that it exists is enough for those.
                Action::Update if !change.deferred.is_empty() => {
                    later.insert(address, add(Step::Update));
                }
                Action::Update => drop(up.insert(address, add(Step::Update))),
                Action::Replace { .. } => {
                    up.insert(address, add(Step::Create));
                    down.insert(address, add(Step::Destroy));
                }
                Action::Delete => drop(down.insert(address, add(Step::Destroy))),
                Action::Forget => drop(down.insert(address, add(Step::Forget))),
            }
            if matches!(change.action, Action::Create | Action::Replace { .. }) && !change.deferred.is_empty()
            {
                units.push(Unit { address: (*address).clone(), step: Step::Complete, deposed: None });
                later.insert(address, units.len() - 1);
            }
        }
        let mut edges: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (address, change) in changes {
            for needed in change.needs.difference(&change.deferred) {
                if let (Some(&mine), Some(&theirs)) = (up.get(address), up.get(needed)) {
                    edges.insert((mine, theirs));
                }
            }
            if let Some(&mine) = later.get(address) {
                let needed = change.needs.iter().chain([*address]);
                edges.extend(needed.filter_map(|needed| Some((mine, *up.get(needed)?))));
            }
            let before =
                ledger.resources.get(address).map(|entry| entry.needs.as_slice()).unwrap_or_default();
            for needed in change.needs.iter().chain(before) {
                // What is needed goes down after what needed it has gone, or has let go of it.
                if let Some(&theirs) = down.get(needed) {
                    let create_first = changes.get(needed).is_some_and(|needed| {
                        matches!(
                            needed.action,
                            Action::Delete | Action::Forget | Action::Replace { create_first: true }
                        )
                    });
                    if let Some(&mine) = down.get(address) {
                        if mine != theirs {
                            edges.insert((theirs, mine));
                        }
                    } else if let (Some(&mine), true) = (up.get(address), create_first) {
                        edges.insert((theirs, mine));
                    }
                }
            }
            if let (Some(&new), Some(&old), Action::Replace { create_first }) =
                (up.get(address), down.get(address), change.action)
            {
                edges.insert(if create_first { (old, new) } else { (new, old) });
            }
        }
        for (index, change) in deposed.iter().enumerate() {
            let mine = units.len();
            let step = if change.action == Action::Forget { Step::Forget } else { Step::Destroy };
            units.push(Unit { address: change.address.clone(), step, deposed: Some(index) });
            // After all that may still refer to it; before what it needed.
            edges.extend(up.get(&change.address).map(|&new| (mine, new)));
            for (address, holder) in changes {
                let applied = ledger.resources.get(address).map(|entry| entry.needs.as_slice());
                if holder.held(applied).any(|held| *held == change.address) {
                    let units = [&up, &later, &down].map(|units| units.get(address));
                    edges.extend(units.into_iter().flatten().map(|&unit| (mine, unit)));
                }
            }
            edges.extend(change.needs.iter().filter_map(|needed| Some((*down.get(needed)?, mine))));
        }
        let gone = units.len() - deposed.len();
        for (index, change) in deposed.iter().enumerate() {
            let needed = deposed.iter().enumerate().filter(|(_, one)| change.needs.contains(&one.address));
            edges.extend(needed.filter(|(one, _)| *one != index).map(|(one, _)| (gone + one, gone + index)));
        }
        // Old and new edges may contradict each other when references were turned round;
        // the old ones of what only goes down yield. What held each other goes down at the
        // same time: its kind lets go of what the others hold.
        let order = loop {
            match graph::order(units.len(), &edges) {
                Ok(order) => break order,
                Err(cycle) if cycle.iter().all(|&unit| units[unit].step == Step::Destroy) => {
                    edges.retain(|(from, to)| !(cycle.contains(from) && cycle.contains(to)));
                }
                Err(cycle) => {
                    let last = cycle.last().copied().zip(cycle.first().copied());
                    let soft =
                        cycle.windows(2).map(|pair| (pair[0], pair[1])).chain(last).find(|(from, to)| {
                            units[*from].step == Step::Destroy && units[*to].address != units[*from].address
                        });
                    match soft.or(last) {
                        Some(edge) => drop(edges.remove(&edge)),
                        None => break (0..units.len()).collect(),
                    }
                }
            }
        };
        let mut needs = vec![BTreeSet::new(); units.len()];
        for &(unit, needed) in &edges {
            needs[unit].insert(needed);
        }
        let mut remaining = vec![0; units.len()];
        for &unit in order.iter().rev() {
            let after =
                edges.iter().filter(|(_, needed)| *needed == unit).map(|(later, _)| remaining[*later]).max();
            remaining[unit] = after.unwrap_or(0) + seconds(&units[unit]);
        }
        let waiting = (0..units.len()).collect();
        Self { units, needs, remaining, waiting, done: BTreeSet::new() }
    }

    /// The next unit that may begin: of those whose needs are done, the one with the
    /// longest path behind it.
    pub(super) fn next(&mut self) -> Option<Unit> {
        let best = self
            .waiting
            .iter()
            .copied()
            .filter(|&unit| self.needs[unit].is_subset(&self.done))
            .max_by_key(|&unit| (self.remaining[unit], std::cmp::Reverse(unit)))?;
        self.waiting.remove(&best);
        Some(self.units[best].clone())
    }

    /// A unit is done.
    pub(super) fn done(&mut self, unit: &Unit) {
        self.done.extend(self.units.iter().position(|one| one == unit));
    }

    /// A unit failed: takes out everything that waits for it, and tells whose that was.
    pub(super) fn fail(&mut self, unit: &Unit) -> BTreeSet<Address> {
        let mut lost: BTreeSet<usize> = self.units.iter().position(|one| one == unit).into_iter().collect();
        loop {
            let more: Vec<usize> =
                self.waiting.iter().copied().filter(|&one| !self.needs[one].is_disjoint(&lost)).collect();
            if more.is_empty() {
                break;
            }
            for one in more {
                self.waiting.remove(&one);
                lost.insert(one);
            }
        }
        lost.into_iter()
            .map(|one| self.units[one].address.clone())
            .filter(|address| *address != unit.address)
            .collect()
    }

    /// What was never begun.
    pub(super) fn remaining(&self) -> impl Iterator<Item = Address> + '_ {
        self.waiting.iter().map(|&unit| self.units[unit].address.clone())
    }
}

fn seconds(unit: &Unit) -> u64 {
    let pace = kinds::kind(&unit.address.kind).map(|kind| kind.pace());
    let seconds = match unit.step {
        Step::Create | Step::Update | Step::Complete => pace.map(|pace| pace.create_seconds),
        Step::Destroy => pace.map(|pace| pace.delete_seconds),
        Step::Forget => Some(0),
    };
    u64::from(seconds.unwrap_or(1)).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::Schedule;
    use crate::graph::Address;
    use crate::ledger::Ledger;
    use crate::plan::{Action, Change, Reason};
    use crate::value::Value;

    fn removal(address: &Address, needs: &[&Address]) -> Change {
        Change {
            address: address.clone(),
            action: Action::Delete,
            reason: Reason::Undeclared,
            id: None,
            region: String::new(),
            needs: needs.iter().copied().cloned().collect(),
            deferred: BTreeSet::new(),
            moved_from: None,
            imported: false,
            attributes: Vec::new(),
            live: None,
            existing: Value::Null,
            wanted: Value::Null,
            kept: None,
            wanted_tags: BTreeMap::new(),
            declared: None,
        }
    }

    /// Of what an apply that was cut off made the ledger has intents alone. That a bucket takes
    /// longer is no reason to begin with it.
    #[test]
    fn what_was_deposed_goes_after_what_needed_it_though_the_ledger_does_not_tell() {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let (lake, script) = (address("s3_bucket.lake"), address("s3_object.script"));
        let ledger = Ledger::new("shop", "dev").expect("randomness");
        let (gone, deposed) = (removal(&script, &[&lake]), [removal(&lake, &[])]);
        let mut schedule = Schedule::of(&BTreeMap::from([(&script, &gone)]), &deposed, &ledger);
        let first = schedule.next().expect("a unit");
        assert_eq!(first.address, script);
        assert!(schedule.next().is_none(), "the bucket is not empty yet");
        schedule.done(&first);
        assert_eq!(schedule.next().expect("a unit").address, lake);
    }
}
