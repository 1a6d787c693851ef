//! Prepares the ledger for an apply. It tidies what earlier applies left, and notes what this apply is
//! about to create or write before the first call, so that a crash leaves no orphan and nobody else is
//! blamed.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger_writer::LedgerWriter;
use super::record;
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::ledger::{Entry, Intent, Ledger, is_of_secret};
use crate::plan::{self, Action, Change, Origin, Plan, Reason};
use crate::schema::PathStep;

/// Prepares the ledger for the changes of a plan. Returns the addresses that an interrupted apply may
/// have created already.
pub(super) fn prepare(
    plan: &Plan,
    eval: &EvalContext<'_>,
    instances: &BTreeMap<Address, Instance<'_>>,
    ledger: &mut Ledger,
) -> BTreeSet<Address> {
    record::record_accounts(eval, ledger);
    for change in &plan.changes {
        if let Some(from) = &change.moved_from {
            ledger.rename(from, &change.address);
        }
    }
    depose_replaced(plan, ledger);
    depose_interrupted(plan, ledger);
    record_interrupted(plan, instances, ledger);
    record_unchanged(plan, instances, ledger);
    write_intents(plan, instances, eval, ledger)
}

/// Deposes entries whose successor was created by an interrupted apply. Removes entries whose resource
/// is gone.
fn depose_replaced(plan: &Plan, ledger: &mut Ledger) {
    for change in &plan.changes {
        let Some(entry) = ledger.resources.get(&change.address) else { continue };
        let is_successor = change.live.is_some() && !change.origin.is_recorded();
        if !is_successor || change.reason == Reason::Unselected {
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

/// Records resources that an interrupted apply created and this one deletes. So far only their intents
/// are recorded, and new intents are about to replace these.
fn depose_interrupted(plan: &Plan, ledger: &mut Ledger) {
    for change in &plan.deposed {
        let is_made = change.origin == Origin::Intent && change.action == Action::Delete;
        let Some(id) = change.id.as_ref().filter(|_| is_made) else { continue };
        let Some(entry) = ledger.intents.get(&change.address).map(|intent| intent.entry(id)) else {
            continue;
        };
        let entry = with_incarnation(entry, change, ledger);
        ledger.deposed.entry(change.address.clone()).or_default().push(entry);
    }
}

/// Records resources that an interrupted apply created and this one continues with.
fn record_interrupted(plan: &Plan, instances: &BTreeMap<Address, Instance<'_>>, ledger: &mut Ledger) {
    for change in plan.effective() {
        let (Some(instance), Some(id), Some(_)) = (instances.get(&change.address), &change.id, &change.live)
        else {
            continue;
        };
        let goes_on = matches!(change.action, Action::Update | Action::Replace { .. });
        if !goes_on || change.origin != Origin::Intent {
            continue;
        }
        if let Some(entry) = ledger.intended_entry(&change.address, change.existing_place(), id) {
            ledger.intents.remove(entry.fingerprinted(&change.address));
            let entry = with_incarnation(entry, change, ledger);
            record::take(ledger, instance, entry);
        }
    }
}

/// Adds the incarnation fingerprint to the entry of a resource that an interrupted apply created. It was
/// found by its owner tags or its intent, and stays the stack's even if somebody removes the tags.
fn with_incarnation(entry: Entry, change: &Change, ledger: &Ledger) -> Entry {
    let live = change.live.as_ref();
    let incarnation = live.and_then(|live| {
        ledger.incarnation_fingerprint(&change.address.kind, change.existing_place(), &entry.id, live)
    });
    Entry { incarnation, ..entry }
}

/// Records resources that match their declaration, with their current `protect` and `retain`.
fn record_unchanged(plan: &Plan, instances: &BTreeMap<Address, Instance<'_>>, ledger: &mut Ledger) {
    for change in &plan.changes {
        let (Some(instance), Some(id), Some(live)) =
            (instances.get(&change.address), &change.id, &change.live)
        else {
            continue;
        };
        if change.action == Action::NoOp && change.reason == Reason::Same {
            record::record(ledger, instance, id, Some(live));
            ledger.intents.remove(&change.address);
        }
    }
}

/// Writes an intent for each resource that is about to be created. Returns the addresses that an
/// earlier apply may have created already.
fn write_intents(
    plan: &Plan,
    instances: &BTreeMap<Address, Instance<'_>>,
    eval: &EvalContext<'_>,
    ledger: &mut Ledger,
) -> BTreeSet<Address> {
    let mut interrupted = BTreeSet::new();
    for change in plan.effective() {
        about_to_release(change, ledger);
        let Some(instance) = instances.get(&change.address) else { continue };
        let id = eval.id(instance);
        // An interrupted create is continued if it was for the same resource. A replacement is always
        // a new one.
        let is_same = |intent: &Intent| intent.place == instance.place && intent.id == id;
        let begins = match change.action {
            Action::Create => !ledger.intents.get(&change.address).is_some_and(is_same),
            Action::Replace { .. } => true,
            _ => false,
        };
        if !begins {
            if change.action == Action::Create {
                interrupted.insert(change.address.clone());
            }
            about_to_write(instance, change, ledger);
            continue;
        }
        let token = uuid::Uuid::new_v4().to_string();
        let needs = instance.needs.iter().cloned().collect();
        let fingerprints = plan::intended_prints(instance, &change.address, ledger);
        let intent = Intent {
            place: instance.place.clone(),
            token,
            id,
            needs,
            fingerprints,
            protect: instance.protect,
            retain: instance.retain,
            name_prefix: instance.name_prefix.clone(),
            delete_timeout: instance.timeout.delete.map(|limit| limit.as_secs()),
            unknown: BTreeMap::new(),
        };
        ledger.intents.insert(change.address.clone(), intent);
    }
    interrupted
}

/// Notes that an attribute with a released name differs from the applied one for now, so that nobody
/// else is blamed.
fn about_to_release(change: &Change, ledger: &mut Ledger) {
    let Some(entry) = ledger.resources.get_mut(&change.address) else { return };
    for release in &change.releases {
        let root = release.attribute.split('.').next().unwrap_or_default();
        if let Some(print) = entry.fingerprints.get_mut(root).filter(|print| !is_of_secret(print)) {
            print.clear();
        }
    }
}

/// Notes what is about to be written: attributes that were not set before, and the paths of all
/// changes, so that nobody else is blamed for them if this apply is interrupted.
fn about_to_write(instance: &Instance<'_>, change: &Change, ledger: &mut Ledger) {
    let address = &instance.address;
    let entry = ledger.resources.get(address);
    let printed = entry.map_or(address, |entry| entry.fingerprinted(address));
    let prints = plan::intended_prints(instance, printed, ledger);
    match (ledger.resources.get_mut(address), ledger.intents.get_mut(address)) {
        // An existing resource gets no new fingerprints before the change was applied; only secrets
        // are marked.
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

/// Reverts what [`about_to_write`] noted for resources whose change was not started.
pub(super) fn take_back(
    started: &BTreeSet<Address>,
    plan: &Plan,
    before: &Ledger,
    writer: &LedgerWriter<'_>,
) {
    let mut ledger = writer.ledger.borrow_mut();
    for change in plan.effective().filter(|change| !started.contains(&change.address)) {
        let Some(entry) = ledger.resources.get_mut(&change.address) else { continue };
        let former = before.resources.get(change.recorded_as());
        let writing = former.map(|former| former.writing.clone()).unwrap_or_default();
        if entry.writing != writing {
            entry.writing = writing;
            writer.dirty.set(true);
        }
    }
}
