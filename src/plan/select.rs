//! Selects the part of a stack that a plan covers: everything, some addresses with their
//! dependencies, or what is destroyed.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::Planner;
use super::holds::holds;
use super::{Action, Change, Reason};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;

impl<'a> Planner<'_, '_, 'a> {
    /// Leaves an instance as it is, without reading it.
    pub(super) fn leave(&mut self, instance: &Instance<'a>) {
        let eval = self.inputs.eval;
        eval.show(&instance.address, eval.view(instance, None, None));
        let id = self.entry(&instance.address).map(|entry| entry.id.clone());
        let change = Change { id, ..Change::of(instance, &eval.stack.sources) };
        self.changes.insert(instance.address.clone(), change);
    }

    /// Turns the plan into a destroy if requested, and drops changes that were not selected.
    pub(super) fn select(&mut self) {
        let selection = self.inputs.selection;
        for selector in selection.targets.iter().chain(&selection.exclude).chain(&selection.replace) {
            let known = || self.changes.keys().chain(self.deposed.iter().map(|change| &change.address));
            if !known().any(|address| address.is_selected_by(selector)) {
                let names: Vec<String> = known().map(ToString::to_string).collect();
                let error = Diagnostic::error(
                    "unknown-address",
                    format!("nothing in the stack has the address `{selector}`"),
                );
                // The selector may use another tool's name for the kind, such as
                // `aws_s3_bucket.lake`.
                let (kind, rest) = selector
                    .split_once('.')
                    .map_or((selector.as_str(), None), |(kind, rest)| (kind, Some(rest)));
                let ours = crate::elsewhere::kinds_like(kind)
                    .into_iter()
                    .map(|near| rest.map_or(near.clone(), |rest| format!("{near}.{rest}")))
                    .find(|near| known().any(|address| address.is_selected_by(near)));
                let near = ours.or_else(|| {
                    crate::diag::nearest(selector, names.iter().map(String::as_str)).map(str::to_owned)
                });
                self.problems.push(match near {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                });
            }
        }
        if selection.destroy {
            for change in self.changes.values_mut() {
                // It is deleted from its current region, not from the one it was to move to.
                change.region = change.existing_region().to_owned();
                let retain = self.declared.get(&change.address).is_some_and(|terms| terms.retain);
                (change.action, change.reason) = match (&change.live, change.action) {
                    (_, Action::Forget) => continue,
                    (Some(_), _) if retain => (Action::Forget, Reason::Destroy),
                    (Some(_), _) => (Action::Delete, Reason::Destroy),
                    (None, _) if change.reason == Reason::Vanished => (Action::Forget, Reason::Vanished),
                    (None, _) => (Action::NoOp, Reason::Same),
                };
                change.attributes.clear();
            }
        }
        let changed_together = self.changed_together();
        let is =
            |address: &Address, selectors: &[String]| selectors.iter().any(|one| address.is_selected_by(one));
        let mut chosen: BTreeSet<Address> = changed_together
            .keys()
            .filter(|address| selection.targets.is_empty() || is(address, &selection.targets))
            .cloned()
            .collect();
        spread(&mut chosen, &changed_together, false);
        let mut left_out: BTreeSet<Address> =
            changed_together.keys().filter(|address| is(address, &selection.exclude)).cloned().collect();
        spread(&mut left_out, &changed_together, true);
        for (address, change) in &mut self.changes {
            if !chosen.contains(address) || left_out.contains(address) {
                (change.action, change.reason) = (Action::NoOp, Reason::Unselected);
                (change.moved_from, change.imported) = (None, false);
                change.attributes.clear();
            }
        }
        let undecided = std::mem::take(&mut self.undecided);
        let selected = |address: &Address| chosen.contains(address) && !left_out.contains(address);
        self.problems
            .extend(undecided.into_iter().filter(|(address, _)| selected(address)).flat_map(|(_, why)| why));
        self.deposed.retain(|change| selected(&change.address));
    }

    /// For each address, the others that must be changed with it: dependencies of resources that
    /// stay or are created, and dependents of resources that are deleted.
    fn changed_together(&self) -> BTreeMap<Address, BTreeSet<Address>> {
        let destroy = self.inputs.selection.destroy;
        let deposed: BTreeSet<&Address> = self.deposed.iter().map(|change| &change.address).collect();
        let mut changed_together: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for change in self.changes.values().filter(|change| !destroy && !change.goes()) {
            changed_together.insert(change.address.clone(), change.needs.clone());
        }
        for address in self.changes.keys().chain(deposed.iter().copied()) {
            changed_together.entry(address.clone()).or_default();
        }
        let falls = |address: &Address| {
            let change = self.changes.get(address);
            let goes = |change: &Change| change.goes() || matches!(change.action, Action::Replace { .. });
            destroy || deposed.contains(address) || change.is_some_and(goes)
        };
        for change in self.changes.values().chain(&self.deposed) {
            let address = &change.address;
            let applied = self.entry(address).map(|entry| entry.needs.as_slice());
            let held: Vec<&Address> = match self.undecided.contains_key(address) {
                // The change is undecided, so it may be anything.
                true => applied.unwrap_or_default().iter().collect(),
                false if destroy || change.is_effective() => change.held(applied).collect(),
                false => continue,
            };
            let held = held.into_iter().map(|held| self.present(held));
            for held in held.filter(|held| *held != address && falls(held)) {
                changed_together.entry(held.clone()).or_default().insert(address.clone());
            }
        }
        // A resource without changes may also have to release another one.
        for one in holds(self.changes.values(), &self.deposed) {
            if falls(&one.held.0) && one.holder.0 != one.held.0 {
                changed_together.entry(one.held.0).or_default().insert(one.holder.0);
            }
        }
        changed_together
    }
}

/// Adds to `set` all its dependencies or, if `upwards`, all its dependents.
pub(super) fn spread(
    set: &mut BTreeSet<Address>,
    needs: &BTreeMap<Address, BTreeSet<Address>>,
    upwards: bool,
) {
    loop {
        let mut more = BTreeSet::new();
        for (address, needed) in needs {
            if upwards && !set.contains(address) && needed.iter().any(|one| set.contains(one)) {
                more.insert(address.clone());
            }
            if !upwards && set.contains(address) {
                more.extend(
                    needed.iter().filter(|one| !set.contains(*one) && needs.contains_key(one)).cloned(),
                );
            }
        }
        if more.is_empty() {
            return;
        }
        set.extend(more);
    }
}
