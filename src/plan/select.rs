//! Selects the part of a stack that a plan covers: everything, some addresses with their
//! dependencies, or what is destroyed.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::Addresses;
use super::draft::Draft;
use super::holds::holds;
use super::{Action, Change, Reason, Selection};
use crate::diag::Diagnostic;
use crate::graph::Address;

/// The changes after a selection, and why some of the selected ones are not possible.
pub(super) struct Selected {
    pub(super) changes: BTreeMap<Address, Change>,
    pub(super) deposed: Vec<Change>,
    pub(super) problems: Vec<Diagnostic>,
}

/// Turns the plan into a destroy if requested, and drops changes that were not selected.
pub(super) fn select(mut draft: Draft, selection: &Selection, addresses: &Addresses<'_>) -> Selected {
    let selectors = selection.targets.iter().chain(&selection.exclude).chain(&selection.replace);
    let mut problems: Vec<Diagnostic> =
        selectors.filter_map(|selector| unknown_address(selector, &draft)).collect();
    if selection.destroy {
        draft.changes.values_mut().for_each(|change| destroy(change, addresses));
    }
    let changed_together = changed_together(&draft, selection.destroy, addresses);
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
    let selected = |address: &Address| chosen.contains(address) && !left_out.contains(address);
    let Draft { mut changes, mut deposed, undecided } = draft;
    for change in changes.values_mut().filter(|change| !selected(&change.address)) {
        (change.action, change.reason) = (Action::NoOp, Reason::Unselected);
        change.moved_from = None;
        change.attributes.clear();
    }
    deposed.retain(|change| selected(&change.address));
    problems.extend(undecided.into_iter().filter(|(address, _)| selected(address)).flat_map(|(_, why)| why));
    Selected { changes, deposed, problems }
}

/// The error for a selector that selects nothing.
fn unknown_address(selector: &str, draft: &Draft) -> Option<Diagnostic> {
    let known = || draft.changes.keys().chain(draft.deposed.iter().map(|change| &change.address));
    if known().any(|address| address.is_selected_by(selector)) {
        return None;
    }
    let names: Vec<String> = known().map(ToString::to_string).collect();
    let error =
        Diagnostic::error("unknown-address", format!("nothing in the stack has the address `{selector}`"));
    // The selector may use another tool's name for the kind, such as `aws_s3_bucket.lake`.
    let (kind, rest) = selector.split_once('.').map_or((selector, None), |(kind, rest)| (kind, Some(rest)));
    let ours = crate::elsewhere::kinds_like(kind)
        .into_iter()
        .map(|near| rest.map_or(near.clone(), |rest| format!("{near}.{rest}")))
        .find(|near| known().any(|address| address.is_selected_by(near)));
    let near =
        ours.or_else(|| crate::diag::nearest(selector, names.iter().map(String::as_str)).map(str::to_owned));
    Some(match near {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    })
}

/// Turns a change into the deletion of its resource.
fn destroy(change: &mut Change, addresses: &Addresses<'_>) {
    // It is deleted from its current place, not from the one it was to move to.
    change.place = change.existing_place().clone();
    let retain = addresses.declared().get(&change.address).is_some_and(|terms| terms.retain);
    if change.action == Action::Forget {
        return;
    }
    let exists = change.live.is_some();
    (change.action, change.reason) = match exists || change.reason == Reason::Vanished {
        true => Reason::Destroy.removes(exists, retain),
        false => (Action::NoOp, Reason::Same),
    };
    change.attributes.clear();
}

/// For each address, the others that must be changed with it: dependencies of resources that
/// stay or are created, and dependents of resources that are deleted.
fn changed_together(
    draft: &Draft,
    destroy: bool,
    addresses: &Addresses<'_>,
) -> BTreeMap<Address, BTreeSet<Address>> {
    let Draft { changes, deposed, undecided } = draft;
    let old: BTreeSet<&Address> = deposed.iter().map(|change| &change.address).collect();
    let mut changed_together: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for change in changes.values().filter(|change| !destroy && !change.goes()) {
        changed_together.insert(change.address.clone(), change.needs.clone());
    }
    for address in changes.keys().chain(old.iter().copied()) {
        changed_together.entry(address.clone()).or_default();
    }
    let falls = |address: &Address| {
        let change = changes.get(address);
        let goes = |change: &Change| change.goes() || matches!(change.action, Action::Replace { .. });
        destroy || old.contains(address) || change.is_some_and(goes)
    };
    for change in changes.values().chain(deposed) {
        let address = &change.address;
        let applied = addresses.entry(address).map(|entry| entry.needs.as_slice());
        let held: Vec<&Address> = match undecided.contains_key(address) {
            // The change is undecided, so it may be anything.
            true => applied.unwrap_or_default().iter().collect(),
            false if destroy || change.is_effective() => change.held(applied).collect(),
            false => continue,
        };
        let held = held.into_iter().map(|held| addresses.present(held));
        for held in held.filter(|held| *held != address && falls(held)) {
            changed_together.entry(held.clone()).or_default().insert(address.clone());
        }
    }
    // A resource without changes may also have to release another one.
    for one in holds(changes.values(), deposed) {
        if falls(&one.held.0) && one.holder.0 != one.held.0 {
            changed_together.entry(one.held.0).or_default().insert(one.holder.0);
        }
    }
    changed_together
}

/// Adds to `set` all its dependencies or, if `upwards`, all its dependents.
pub(super) fn spread(
    set: &mut BTreeSet<Address>,
    needs: &BTreeMap<Address, BTreeSet<Address>>,
    upwards: bool,
) {
    let mut dependents: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (address, needed) in needs.iter().filter(|_| upwards) {
        needed.iter().for_each(|one| dependents.entry(one).or_default().push(address));
    }
    let mut open: Vec<Address> = set.iter().cloned().collect();
    while let Some(address) = open.pop() {
        let next: Vec<&Address> = match upwards {
            true => dependents.get(&address).cloned().unwrap_or_default(),
            false => {
                let needed = needs.get(&address).into_iter().flatten();
                needed.filter(|one| needs.contains_key(*one)).collect()
            }
        };
        for one in next {
            if set.insert(one.clone()) {
                open.push(one.clone());
            }
        }
    }
}
