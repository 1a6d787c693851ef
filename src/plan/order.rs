//! The order in which a plan is carried out: its units of work, and the dependencies between them.

use std::collections::{BTreeMap, BTreeSet};

use super::holds::{CODE, Held, Place, holds, named};
use super::{Action, Change};
use crate::aws::{self, Scope};
use crate::diag::Diagnostic;
use crate::graph::{self, Address};
use crate::kind::{Hold, Known};
use crate::kinds;
use crate::value::Value;

/// One operation on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The resource is created.
    Create,
    /// The resource is changed in place.
    Update,
    /// Sets the attributes a resource was created without, because they refer to a resource that
    /// had to be created after it.
    Complete,
    /// The resource drops its references to one that is to be deleted.
    Release,
    /// The resource is deleted at AWS.
    Destroy,
    /// The stack gives up ownership; the resource stays at AWS as it is.
    Forget,
}

impl Step {
    /// The step in progress, as a word.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Complete => "completing",
            Self::Release => "releasing",
            Self::Destroy => "destroying",
            Self::Forget => "forgetting",
        }
    }

    /// The finished step, as a word.
    pub fn did(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "updated",
            Self::Complete => "completed",
            Self::Release => "released",
            Self::Destroy => "destroyed",
            Self::Forget => "forgotten",
        }
    }
}

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// The resource.
    pub address: Address,
    /// The operation.
    pub step: Step,
    /// The index in [`crate::plan::Plan::deposed`], if the unit is for a deposed resource.
    pub deposed: Option<usize>,
}

/// The units of a plan, and their dependencies.
#[derive(Debug)]
pub struct Order {
    /// The units.
    pub units: Vec<Unit>,
    /// For each unit, those that must be done before it.
    pub needs: Vec<BTreeSet<usize>>,
    /// The units in an order in which each follows its dependencies.
    pub order: Vec<usize>,
}

/// A cycle that makes an order impossible.
#[derive(Debug)]
pub struct Unordered {
    /// The addresses of the cycle: each waits for the next, and the last for the first.
    pub cycle: Vec<Address>,
    /// The holds between them.
    pub(super) holds: Vec<Held>,
    /// True if one of them takes over the name of another.
    transfers_name: bool,
}

impl Unordered {
    /// The error that describes the cycle.
    pub fn error(&self) -> Diagnostic {
        let mut path: Vec<String> = self.cycle.iter().map(ToString::to_string).collect();
        path.extend(path.first().cloned());
        let message = format!("no order is possible, because each waits for the next: {}", path.join(" → "));
        let problem = Diagnostic::error(CODE, message);
        if self.transfers_name {
            return problem
                .note("a name is free only after the resource that has it is destroyed")
                .help("give one of them another name, and apply that first");
        }
        problem
            .note("AWS deletes none of them while another one uses it")
            .help("remove the name of the other from one of them, and apply that first")
    }
}

/// The units, indexed by what they do.
#[derive(Default)]
struct Units {
    units: Vec<Unit>,
    /// The units that create or update a resource.
    up: BTreeMap<Address, usize>,
    /// The units that follow once every resource of a reference cycle exists.
    later: BTreeMap<Address, usize>,
    /// The units that delete or forget a resource.
    down: BTreeMap<Place, usize>,
    /// The units that drop references before a deletion.
    release: BTreeMap<Place, usize>,
}

impl Units {
    /// Returns edges that delay releases as long as possible: the holder lacks a dependency from
    /// its release until the new resource exists.
    fn late(&self, hard: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
        let mut late = BTreeSet::new();
        let releases: BTreeSet<usize> = self.release.values().copied().collect();
        let mut needed_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &(unit, needed) in hard.iter().filter(|(_, needed)| releases.contains(needed)) {
            needed_by.entry(needed).or_default().push(unit);
        }
        for (place, &mine) in &self.release {
            for &held in needed_by.get(&mine).into_iter().flatten() {
                let new = self.up.get(&self.units[held].address).copied();
                let units = BTreeSet::from_iter(new.into_iter().chain([held]));
                let before = units.into_iter().flat_map(|unit| hard.range((unit, 0)..=(unit, usize::MAX)));
                let before = before.map(|(_, needed)| *needed);
                late.extend(
                    before
                        .filter(|&unit| unit != mine && unit != held && self.units[unit].address != place.0)
                        .map(|unit| (mine, unit)),
                );
            }
        }
        late
    }

    /// Returns the unit that removes the current resource of an address.
    fn down_of(&self, address: &Address) -> Option<usize> {
        self.down.get(&(address.clone(), None)).copied()
    }

    fn add(&mut self, address: &Address, step: Step, deposed: Option<usize>) -> usize {
        self.units.push(Unit { address: address.clone(), step, deposed });
        self.units.len() - 1
    }

    fn of(changes: &BTreeMap<&Address, &Change>, deposed: &[Change]) -> Self {
        let mut all = Self::default();
        for (&address, change) in changes {
            if !change.releases.is_empty() {
                let unit = all.add(address, Step::Release, None);
                all.release.insert((address.clone(), None), unit);
            }
            let up = |all: &mut Self, step| {
                let unit = all.add(address, step, None);
                all.up.insert(address.clone(), unit);
            };
            match change.action {
                Action::NoOp | Action::Delete | Action::Forget => {}
                Action::Create | Action::Replace { .. } => up(&mut all, Step::Create),
                // The resources that it waits for may depend on it. For those it is enough that it
                // exists.
                Action::Update if !change.deferred.is_empty() => {
                    let unit = all.add(address, Step::Update, None);
                    all.later.insert(address.clone(), unit);
                }
                Action::Update => up(&mut all, Step::Update),
            }
            let down = match change.action {
                Action::Replace { .. } | Action::Delete => Some(Step::Destroy),
                Action::Forget => Some(Step::Forget),
                _ => None,
            };
            if let Some(step) = down {
                let unit = all.add(address, step, None);
                all.down.insert((address.clone(), None), unit);
            }
            let is_made = |needed: &Address| {
                changes.get(needed).is_some_and(|needed: &&Change| needed.is_created_or_replaced())
            };
            // Existing resources can be referred to from the start.
            if change.is_created_or_replaced() && change.deferred.keys().any(is_made) {
                let unit = all.add(address, Step::Complete, None);
                all.later.insert(address.clone(), unit);
            }
        }
        for (index, change) in deposed.iter().enumerate() {
            let place = (change.address.clone(), Some(index));
            if !change.releases.is_empty() {
                let unit = all.add(&change.address, Step::Release, Some(index));
                all.release.insert(place.clone(), unit);
            }
            let step = if change.action == Action::Forget { Step::Forget } else { Step::Destroy };
            let unit = all.add(&change.address, step, Some(index));
            all.down.insert(place, unit);
        }
        all
    }

    /// Pairs of units where one creates a resource with the name of one that the other deletes. The
    /// deletion must come first.
    fn name_transfers(
        &self,
        changes: &BTreeMap<&Address, &Change>,
        deposed: &[Change],
        scope: &Scope,
    ) -> BTreeSet<(usize, usize)> {
        // The same name in two places is two resources, except for global kinds.
        let at = |kind: &str, place: &aws::Place, id: String| {
            let global = kinds::kind(kind).is_some_and(|kind| kind.global());
            (kind.to_owned(), place.unique(global), id)
        };
        let mut given_up: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, &unit) in &self.down {
            let change = match place.1 {
                Some(index) => deposed.get(index),
                None => changes.get(&place.0).copied(),
            };
            let is_there = |change: &&Change| change.live.is_some() && self.units[unit].step == Step::Destroy;
            let Some(change) = change.filter(is_there) else { continue };
            if let Some(id) = &change.id {
                let name = at(&place.0.kind, change.existing_place(), id.clone());
                given_up.entry(name).or_default().push(unit);
            }
        }
        let made = changes.iter().filter(|(_, change)| change.is_created_or_replaced());
        let takes = |(address, change): (&&Address, &&Change)| {
            let mine = *self.up.get(*address)?;
            let scope = scope.at(&change.place);
            let id = kinds::kind(&address.kind)?.identity(Known(&change.desired), &scope).id()?;
            let theirs = given_up.get(&at(&address.kind, &change.place, id))?;
            // The order of its own two units depends on the kind of replacement, and is set there.
            let own = self.down.get(&((*address).clone(), None));
            let others = theirs.iter().filter(|&theirs| Some(theirs) != own);
            Some(others.map(|&theirs| (mine, theirs)).collect::<Vec<_>>())
        };
        made.filter_map(takes).flatten().collect()
    }
}

impl Order {
    /// Orders the changes. A resource is created or updated after its dependencies, and after the
    /// deletion of the resource whose name it takes. It is deleted after its dependents, both those
    /// of the stack and those that the ledger records (`applied`). These may contradict each other,
    /// for example where a reference was reversed. Then the soft edges of deletions yield, but not
    /// those that AWS insists on.
    ///
    /// # Errors
    /// The hard edges form a cycle.
    pub fn of(
        changes: &BTreeMap<&Address, &Change>,
        deposed: &[Change],
        applied: &dyn Fn(&Address) -> Vec<Address>,
        scope: &Scope,
    ) -> Result<Self, Unordered> {
        let all = Units::of(changes, deposed);
        let handed_over = all.name_transfers(changes, deposed, scope);
        let mut edges = Edges { hard: handed_over.clone(), ..Edges::default() };
        edges.of_changes(&all, changes, applied);
        edges.of_deposed(&all, changes, deposed, applied);
        edges.of_holds(&all, changes, deposed);
        edges.of_names(&all, changes, deposed);
        edges.of_taken_over(&all, changes);
        edges.of_releases(&all);
        let Edges { mut hard, soft, by_hold } = edges;
        let count = all.units.len();
        let unordered = |cycle: Vec<usize>| {
            let next = cycle.iter().cycle().skip(1);
            let edges: Vec<_> = cycle.iter().copied().zip(next.copied()).collect();
            let mut addresses: Vec<Address> =
                cycle.iter().map(|&unit| all.units[unit].address.clone()).collect();
            addresses.dedup();
            if addresses.len() > 1 && addresses.first() == addresses.last() {
                addresses.pop();
            }
            Unordered {
                holds: edges.iter().filter_map(|edge| by_hold.get(edge).cloned()).collect(),
                transfers_name: edges.iter().any(|edge| handed_over.contains(edge)),
                cycle: addresses,
            }
        };
        let given_up = graph::relax(count, &hard, &soft).map_err(unordered)?;
        hard.extend(soft.difference(&given_up));
        let late = all.late(&hard);
        let given_up = graph::relax(count, &hard, &late).map_err(unordered)?;
        hard.extend(late.difference(&given_up));
        let order = graph::order(count, &hard).map_err(unordered)?;
        let mut needs = vec![BTreeSet::new(); count];
        for (unit, needed) in hard {
            needs[unit].insert(needed);
        }
        Ok(Self { units: all.units, needs, order })
    }
}

/// The edges between units: pairs of a unit and one that it waits for.
#[derive(Default)]
struct Edges {
    /// Edges that AWS insists on.
    hard: BTreeSet<(usize, usize)>,
    /// Edges that are merely preferable.
    soft: BTreeSet<(usize, usize)>,
    /// The holds behind hard edges.
    by_hold: BTreeMap<(usize, usize), Held>,
}

impl Edges {
    /// Adds the edges of dependencies: those of the plan, and those that the ledger records.
    fn of_changes(
        &mut self,
        all: &Units,
        changes: &BTreeMap<&Address, &Change>,
        applied: &dyn Fn(&Address) -> Vec<Address>,
    ) {
        for (&address, change) in changes {
            for needed in change.first() {
                if let (Some(&mine), Some(&theirs)) = (all.up.get(address), all.up.get(needed)) {
                    self.hard.insert((mine, theirs));
                }
            }
            if let Some(&mine) = all.later.get(address) {
                let needed = change.needs.iter().chain([address]);
                self.hard.extend(needed.filter_map(|needed| Some((mine, *all.up.get(needed)?))));
            }
            let before = applied(address);
            for needed in change.needs.iter().chain(&before) {
                // A dependency is deleted after its dependents are deleted, or no longer refer to
                // it.
                let Some(theirs) = all.down_of(needed) else { continue };
                let create_first = changes.get(needed).is_some_and(|needed| {
                    matches!(
                        needed.action,
                        Action::Delete | Action::Forget | Action::Replace { create_first: true }
                    )
                });
                if let Some(mine) = all.down_of(address) {
                    if mine != theirs {
                        self.soft.insert((theirs, mine));
                    }
                } else if create_first {
                    let mine = [all.up.get(address), all.later.get(address)];
                    self.soft.extend(mine.into_iter().flatten().map(|&mine| (theirs, mine)));
                }
            }
            if let (Some(&new), Some(old), Action::Replace { create_first }) =
                (all.up.get(address), all.down_of(address), change.action)
            {
                self.hard.insert(if create_first { (old, new) } else { (new, old) });
            }
        }
    }

    /// Adds the edges of deposed resources.
    fn of_deposed(
        &mut self,
        all: &Units,
        changes: &BTreeMap<&Address, &Change>,
        deposed: &[Change],
        applied: &dyn Fn(&Address) -> Vec<Address>,
    ) {
        let mut places: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
        for (index, change) in deposed.iter().enumerate() {
            places.entry(&change.address).or_default().push(index);
        }
        let mut holders: BTreeMap<&Address, BTreeSet<&Address>> = BTreeMap::new();
        for (&address, holder) in changes.iter().filter(|_| !deposed.is_empty()) {
            let before = applied(address);
            let before = (!before.is_empty()).then_some(before.as_slice());
            for held in holder.held(before).filter_map(|held| Some(*places.get_key_value(held)?.0)) {
                holders.entry(held).or_default().insert(address);
            }
        }
        for (index, change) in deposed.iter().enumerate() {
            let Some(&mine) = all.down.get(&(change.address.clone(), Some(index))) else { continue };
            // It is deleted after everything that may still refer to it, and before its
            // dependencies. It does not wait for its successor if that waits for it: to get its
            // name, or because a bucket holds it and is replaced.
            self.soft.extend(all.up.get(&change.address).map(|&new| (mine, new)));
            for &address in holders.get(&change.address).into_iter().flatten() {
                let units =
                    [all.up.get(address).copied(), all.later.get(address).copied(), all.down_of(address)];
                self.soft.extend(units.into_iter().flatten().map(|unit| (mine, unit)));
            }
            self.soft.extend(change.needs.iter().filter_map(|needed| Some((all.down_of(needed)?, mine))));
            for needed in &change.needs {
                for &other in places.get(needed).into_iter().flatten().filter(|other| **other != index) {
                    let theirs = all.down.get(&(needed.clone(), Some(other)));
                    self.soft.extend(theirs.map(|&theirs| (theirs, mine)));
                }
            }
        }
    }

    /// Adds the edges of holds on resources that are deleted.
    fn of_holds(&mut self, all: &Units, changes: &BTreeMap<&Address, &Change>, deposed: &[Change]) {
        for one in holds(changes.values().copied(), deposed) {
            let Some(&theirs) = all.down.get(&one.held) else { continue };
            if all.units[theirs].step == Step::Forget {
                continue;
            }
            let change = match one.holder.1 {
                Some(index) => deposed.get(index),
                None => changes.get(&one.holder.0).copied(),
            };
            let releases = |change: &Change| {
                let mut releases = change.releases.iter();
                releases.any(|release| {
                    release.attribute == one.link.attribute
                        && one.names.iter().all(|name| release.names.contains(name))
                })
            };
            if change.is_some_and(releases) {
                self.hard.extend(all.release.get(&one.holder).map(|&mine| (theirs, mine)));
                continue;
            }
            let mine = all.down.get(&one.holder).or_else(|| match one.holder.1 {
                Some(_) => None,
                None => all.later.get(&one.holder.0).or_else(|| all.up.get(&one.holder.0)),
            });
            if let Some(&mine) = mine.filter(|&&mine| mine != theirs) {
                self.hard.insert((theirs, mine));
                self.by_hold.insert((theirs, mine), one);
            }
        }
    }

    /// Adds the edges of names that hold nothing. A recovered ledger records no other dependencies.
    fn of_names(&mut self, all: &Units, changes: &BTreeMap<&Address, &Change>, deposed: &[Change]) {
        for one in named(changes.values().copied(), deposed) {
            if let Some((&theirs, &mine)) = all.down.get(&one.held).zip(all.down.get(&one.holder))
                && one.link.hold == Hold::None
                && mine != theirs
            {
                self.soft.insert((theirs, mine));
            }
        }
    }

    /// Adds the edges of names that one resource takes from another; see [`crate::kind::Kind::TAKES_OVER`].
    fn of_taken_over(&mut self, all: &Units, changes: &BTreeMap<&Address, &Change>) {
        let mut takers: BTreeMap<(&str, &aws::Place, &str), usize> = BTreeMap::new();
        let mut givers = Vec::new();
        for (&address, &change) in changes {
            let Some(kind) = kinds::kind(&address.kind) else { continue };
            let up = all.up.get(address).or_else(|| all.later.get(address)).copied();
            for attribute in kind.takes_over() {
                let names = |spec| -> BTreeSet<&str> {
                    Known(spec).list(attribute).iter().filter_map(Value::as_str).collect()
                };
                let (before, after) = (names(&change.existing), names(&change.desired));
                let at = |place, name| (address.kind.as_str(), place, name);
                for (name, up) in after.difference(&before).zip(up.into_iter().cycle()) {
                    takers.insert(at(&change.place, *name), up);
                }
                if let Some(giver) = all.down_of(address).or(up) {
                    let given = before.iter().filter(|name| change.goes() || !after.contains(*name));
                    givers.extend(given.map(|name| (at(change.existing_place(), *name), giver)));
                }
            }
        }
        let edge = |(name, giver)| Some((giver, *takers.get(&name)?));
        self.soft.extend(givers.into_iter().filter_map(edge).filter(|(giver, taker)| giver != taker));
    }

    /// Adds the edges of releases.
    fn of_releases(&mut self, all: &Units) {
        // A release comes before every other operation on the same resource.
        for (place, &mine) in &all.release {
            let down = all.down.get(place).copied();
            let rest = [all.up.get(&place.0), all.later.get(&place.0)];
            let rest = rest.into_iter().flatten().copied().filter(|_| place.1.is_none());
            self.hard.extend(rest.chain(down).map(|unit| (unit, mine)));
        }
    }
}

/// The usual duration of a unit in seconds.
pub fn seconds(unit: &Unit) -> u64 {
    let pace = kinds::kind(&unit.address.kind).map(|kind| kind.pace());
    let seconds = match unit.step {
        Step::Create | Step::Update | Step::Complete | Step::Release => pace.map(|pace| pace.create_seconds),
        Step::Destroy => pace.map(|pace| pace.delete_seconds),
        Step::Forget => Some(0),
    };
    u64::from(seconds.unwrap_or(1)).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::{Order, Step};
    use crate::aws::{self, Scope};
    use crate::diag::Diagnostic;
    use crate::graph::Address;
    use crate::kind::{ErasedLive, Hold, State};
    use crate::kinds;
    use crate::plan::settle::{Rules, settle};
    use crate::plan::{Action, Change, Reason};
    use crate::value::Value;

    const KINDS: [&str; 6] = [
        "iam_policy",
        "iam_role",
        "ec2_security_group",
        "s3_bucket",
        "redshift_cluster",
        "redshift_cluster_parameter_group",
    ];

    /// A spec of a kind whose links name these addresses; each address serves as its own id.
    fn spec(address: &Address, named: &BTreeSet<Address>) -> Value {
        let name = address.name.as_str();
        let own = ["policy_name", "role_name", "bucket", "cluster_identifier", "parameter_group_name"];
        let mut spec: BTreeMap<String, Value> =
            own.into_iter().chain(["group_name"]).map(|own| (own.to_owned(), Value::from(name))).collect();
        for one in named {
            for link in kinds::kind(&address.kind).expect("a kind").links() {
                // Policies with even names become a role's permissions boundary; the others are
                // attached to it.
                let bounds = one.name.ends_with(['0', '2', '4', '6', '8']);
                let fits = link.kind == one.kind
                    && link.attribute != "egress.referenced_security_group_id"
                    && (one.kind != "iam_policy" || bounds == (link.attribute == "permissions_boundary"));
                if !fits {
                    continue;
                }
                let id = Value::from(one.to_string());
                match link.attribute.split_once('.') {
                    Some((list, inner)) => {
                        let list = spec.entry(list.to_owned()).or_insert_with(|| Value::List(Vec::new()));
                        if let Value::List(list) = list {
                            list.push(Value::map([(inner, id)]));
                        }
                    }
                    None if link.attribute.ends_with('s') => {
                        let list = spec.entry(link.attribute.to_owned());
                        if let Value::List(list) = list.or_insert_with(|| Value::List(Vec::new())) {
                            list.push(id);
                        }
                    }
                    None => drop(spec.insert(link.attribute.to_owned(), id)),
                }
            }
        }
        Value::Map(spec)
    }

    /// The names whose deletion AWS would refuse, each with the strength of the hold.
    fn held(address: &Address, spec: &Value) -> BTreeMap<String, Hold> {
        let links = kinds::kind(&address.kind).expect("a kind").links().iter();
        let links = links.filter(|link| link.hold != Hold::None);
        links.flat_map(|link| link.names(spec).into_iter().map(|name| (name.to_owned(), link.hold))).collect()
    }

    fn change(address: &Address, action: Action, needs: &BTreeSet<Address>) -> Change {
        let spec = spec(address, needs);
        let empty = ErasedLive {
            incarnation: None,
            not_returned: Vec::new(),
            spec: Value::Null,
            attrs: Value::Null,
            tags: BTreeMap::new(),
            state: State::Ready,
        };
        Change {
            action,
            reason: Reason::Same,
            id: Some(address.to_string()),
            needs: needs.clone(),
            live: Some(empty),
            existing: spec.clone(),
            desired: spec,
            ..Change::none(address.clone(), aws::Place::of("us-east-1"))
        }
    }

    /// Carries out ready units in a random order, and fails where AWS would refuse.
    fn carry_out(changes: &BTreeMap<Address, Change>, mut pick: u64) -> Result<(), TestCaseError> {
        let effective = changes.values().filter(|change| change.is_effective());
        let by_address = effective.map(|change| (&change.address, change)).collect();
        let order = Order::of(&by_address, &[], &|_| Vec::new(), &scope());
        let order = order.map_err(|stuck| TestCaseError::fail(stuck.error().message))?;
        let mut live: BTreeMap<String, BTreeMap<String, Hold>> = changes
            .iter()
            .map(|(address, change)| (address.to_string(), held(address, &change.existing)))
            .collect();
        let mut waiting: BTreeSet<usize> = (0..order.units.len()).collect();
        let mut done = BTreeSet::new();
        while !waiting.is_empty() {
            let ready: Vec<usize> =
                waiting.iter().copied().filter(|&unit| order.needs[unit].is_subset(&done)).collect();
            prop_assert!(!ready.is_empty(), "it never ends");
            pick = pick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let unit = ready[(pick >> 33) as usize % ready.len()];
            waiting.remove(&unit);
            done.insert(unit);
            let (address, step) = (&order.units[unit].address, order.units[unit].step);
            let (id, change) = (address.to_string(), &changes[address]);
            match step {
                Step::Release => {
                    let names = change.releases.iter().flat_map(|release| &release.names);
                    let holds = live.get_mut(&id).expect("it is there");
                    names.for_each(|name| {
                        holds.remove(name);
                    });
                }
                Step::Destroy => {
                    live.remove(&id);
                    let holder = live.iter().find(|(_, names)| names.contains_key(&id));
                    prop_assert!(holder.is_none(), "{} is held by {:?}", id, holder);
                }
                Step::Create | Step::Update | Step::Complete => {
                    let names = held(address, &change.desired);
                    let missing = names.keys().find(|name| !live.contains_key(*name));
                    prop_assert!(missing.is_none(), "{} needs {:?}", id, missing);
                    live.insert(id, names);
                }
                Step::Forget => {}
            }
        }
        for (address, change) in changes.iter().filter(|(_, change)| !change.goes()) {
            let desired = held(address, &change.desired);
            prop_assert_eq!(live.get(&address.to_string()), Some(&desired), "{} is not as it was", address);
        }
        Ok(())
    }

    /// Addresses of random kinds, each with its dependencies.
    fn stack(most: usize) -> impl Strategy<Value = BTreeMap<Address, BTreeSet<Address>>> {
        let kinds = prop::collection::vec(0..KINDS.len(), 1..9);
        (kinds, prop::collection::vec((0usize..9, 0usize..9), 0..most)).prop_map(|(kinds, edges)| {
            let address = |index: usize| Address::new(KINDS[kinds[index]], format!("n{index}"), None);
            let mut stack: BTreeMap<Address, BTreeSet<Address>> =
                (0..kinds.len()).map(|index| (address(index), BTreeSet::new())).collect();
            for (from, to) in
                edges.into_iter().filter(|(from, to)| from != to && *from < kinds.len() && *to < kinds.len())
            {
                stack.entry(address(from)).or_default().insert(address(to));
            }
            stack
        })
    }

    fn scope() -> Scope {
        Scope {
            partition: "aws".to_owned(),
            account_id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    fn settled(changes: &mut BTreeMap<Address, Change>) -> Vec<Diagnostic> {
        let rules = Rules { scope: &scope(), applied: &|_| Vec::new(), fixed: &|_, _| false };
        settle(changes, &mut [], BTreeSet::new(), &rules)
    }

    /// A change of a role that has one name and is to have another.
    fn role(name: &str, action: Action, is: &str, becomes: &str) -> Change {
        let address = Address::new("iam_role", name, None);
        let named = |name: &str| Value::map([("role_name", Value::from(name))]);
        let mut change = change(&address, action, &BTreeSet::new());
        change.id = Some(is.to_owned());
        (change.existing, change.desired) = (named(is), named(becomes));
        if action == Action::Create {
            (change.id, change.live) = (None, None);
        }
        change
    }

    /// The units in order, as `step name`.
    fn steps(changes: &[Change], deposed: &[Change]) -> Result<Vec<String>, String> {
        let by_address = changes.iter().map(|change| (&change.address, change)).collect();
        let order = Order::of(&by_address, deposed, &|_| Vec::new(), &scope());
        let order = order.map_err(|stuck| format!("{:?}", stuck.error()))?;
        let unit = |&unit: &usize| &order.units[unit];
        Ok(order
            .order
            .iter()
            .map(unit)
            .map(|unit| format!("{} {}", unit.step.did(), unit.address.name))
            .collect())
    }

    #[test]
    fn a_name_is_taken_after_its_holder_is_deleted() {
        let replace = Action::Replace { create_first: false };
        let (goes, comes) = (role("b", Action::Delete, "x", ""), role("a", Action::Create, "", "x"));
        assert_eq!(steps(&[comes, goes], &[]), Ok(vec!["destroyed b".to_owned(), "created a".to_owned()]));
        let swapped =
            steps(&[role("a", replace, "x", "y"), role("b", replace, "y", "x")], &[]).expect("an order");
        assert!(swapped[..2].iter().all(|unit| unit.starts_with("destroyed")), "{swapped:?}");
        // Each new role waits for the other's old name to be free: a deadlock.
        let first = Action::Replace { create_first: true };
        let stuck =
            steps(&[role("a", first, "x", "y"), role("b", first, "y", "x")], &[]).expect_err("no order");
        assert!(stuck.contains("iam_role.a → iam_role.b → iam_role.a\""), "{stuck}");
        assert!(stuck.contains("a name is free only after the resource that has it is destroyed"), "{stuck}");
        // A deposed resource may have the name that its address is to get back.
        let deposed = role("a", Action::Delete, "x", "");
        let back = steps(&[role("a", Action::Create, "", "x")], &[deposed]);
        assert_eq!(back, Ok(vec!["destroyed a".to_owned(), "created a".to_owned()]));
    }

    /// A recovered ledger records no dependencies, and some names hold nothing.
    #[test]
    fn a_resource_is_destroyed_before_those_it_names() {
        let address = |kind: &str, name: &str| Address::new(kind, name, None);
        let mut job = change(&address("glue_job", "b"), Action::Delete, &BTreeSet::new());
        job.existing = Value::map([("role", Value::from("a"))]);
        let role = role("a", Action::Delete, "a", "");
        assert_eq!(steps(&[role, job], &[]), Ok(vec!["destroyed b".to_owned(), "destroyed a".to_owned()]));
    }

    /// `UpdateAlias` moves an alias without a gap.
    #[test]
    fn a_name_that_can_be_taken_over_is_taken_before_it_is_released() {
        let key = |name: &str, action, before: &[&str], after: &[&str]| {
            let address = Address::new("kms_key", name, None);
            let spec = |names: &[&str]| Value::map([("aliases", Value::list(names.to_vec()))]);
            let mut change = change(&address, action, &BTreeSet::new());
            (change.existing, change.desired) = (spec(before), spec(after));
            change
        };
        let (update, delete) = (Action::Update, Action::Delete);
        let order = |changes: &[Change]| steps(changes, &[]);
        let moved = order(&[key("a", update, &["alias/x"], &[]), key("b", update, &[], &["alias/x"])]);
        assert_eq!(moved, Ok(vec!["updated b".to_owned(), "updated a".to_owned()]));
        let moved =
            order(&[key("a", delete, &["alias/x"], &[]), key("b", Action::Create, &[], &["alias/x"])]);
        assert_eq!(moved, Ok(vec!["created b".to_owned(), "destroyed a".to_owned()]));
        let swapped = order(&[
            key("a", update, &["alias/x"], &["alias/y"]),
            key("b", update, &["alias/y"], &["alias/x"]),
        ]);
        assert_eq!(swapped.map(|units| units.len()), Ok(2), "one after the other");
    }

    /// A killed apply left a deposed object in a bucket that is to be replaced.
    #[test]
    fn a_deposed_resource_is_deleted_with_its_holder() {
        let address = |kind: &str, name: &str| Address::new(kind, name, None);
        let (bucket, object) = (address("s3_bucket", "lake"), address("s3_object", "file"));
        let in_bucket = |name: &str| {
            Value::map([("bucket", name), ("key", "k")].map(|(key, value)| (key, Value::from(value))))
        };
        let mut lake = change(&bucket, Action::Replace { create_first: false }, &BTreeSet::new());
        lake.id = Some("lake".to_owned());
        let mut old = change(&object, Action::Delete, &BTreeSet::new());
        (old.id, old.existing) = (Some("lake/k".to_owned()), in_bucket("lake"));
        let mut new = change(&object, Action::Create, &BTreeSet::from([bucket]));
        (new.id, new.live, new.desired) = (None, None, in_bucket("lake"));
        let units = ["destroyed file", "destroyed lake", "created lake", "created file"].map(str::to_owned);
        assert_eq!(steps(&[lake, new], &[old]), Ok(units.to_vec()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn every_destroy_ends(stack in stack(30), pick in any::<u64>()) {
            let mut changes: BTreeMap<Address, Change> = stack
                .iter()
                .map(|(address, needs)| (address.clone(), change(address, Action::Delete, needs)))
                .collect();
            let problems = settled(&mut changes);
            prop_assert!(problems.is_empty(), "{:?}", problems);
            carry_out(&changes, pick)?;
        }

        #[test]
        fn held_resources_are_replaced_first_or_refused(
            stack in stack(12), replaced in prop::collection::btree_set(0usize..9, 0..4), pick in any::<u64>()
        ) {
            // As in a stack, a resource depends only on earlier ones.
            let mut changes: BTreeMap<Address, Change> = BTreeMap::new();
            for (index, (address, needs)) in stack.iter().enumerate() {
                let replace = Action::Replace { create_first: false };
                let action = if replaced.contains(&index) { replace } else { Action::NoOp };
                let needs = needs.iter().filter(|needed| *needed < address).cloned().collect();
                changes.insert(address.clone(), change(address, action, &needs));
            }
            let before = changes.clone();
            let problems = settled(&mut changes);
            if problems.is_empty() {
                carry_out(&changes, pick)?;
            }
            // A plan may be refused only if a remaining resource holds another and cannot release
            // it.
            let firm = before.values().filter(|holder| holder.action == Action::NoOp).any(|holder| {
                held(&holder.address, &holder.existing).iter().any(|(name, hold)| {
                    let held = before.values().find(|one| one.address.to_string() == *name);
                    *hold == Hold::Firm && held.is_some_and(|held| held.action != Action::NoOp)
                })
            });
            prop_assert_eq!(!problems.is_empty(), firm, "{:?}", problems);
        }
    }
}
