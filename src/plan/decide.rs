//! The second stage of a plan: decides what to do about one resource, from what the survey found and
//! what the stack declares. Pure, and without state: `plan`, `destroy` and `diff` use the same.

use std::collections::BTreeMap;

use super::applied::{complete, mark};
use super::blame::Blame;
use super::declared::block_of;
use super::diff::in_order_of;
use super::existing::existing as existing_of;
use super::not_ours::not_ours;
use super::survey::Finding;
use super::tags::{tag_change, tag_changes, tags};
use super::{Action, AttributeChange, Change, Origin, Past, Reason, Selection, diff};
use super::{removed_settings, within};
use crate::aws::{Place, Scope};
use crate::diag::{Diagnostic, Outside};
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Known, Owner, State};
use crate::kinds;
use crate::lang::{Reference, Step};
use crate::ledger::Ledger;
use crate::schema::{PathStep, in_order, normalize};
use crate::stack::Stack;
use crate::value::Value;

/// What a decision depends on besides the resource itself.
pub(super) struct Case<'c> {
    pub(super) stack: &'c Stack,
    pub(super) ledger: &'c Ledger,
    pub(super) selection: &'c Selection,
    /// The decisions so far: they may trigger this one.
    pub(super) changes: &'c BTreeMap<Address, Change>,
}

/// Decides what to do about a declared resource.
///
/// # Errors
/// The stack may not have the resource, or nobody can change it.
pub(super) fn decide(
    instance: &Instance<'_>,
    finding: Finding<'_>,
    case: &Case<'_>,
) -> Result<Change, Diagnostic> {
    // Only the stack's own resources are destroyed; someone else's does not block that.
    let is_others = matches!(finding.origin, Origin::Import | Origin::Foreign);
    match &finding.live {
        Some(_) if is_others && case.selection.destroy => Ok(create(instance, case.stack, Reason::New)),
        Some(live) => {
            permit(instance, &finding, live, case)?;
            let live = live.clone();
            Ok(compare(instance, finding, live, case))
        }
        None if finding.origin == Origin::Absent => Ok(create(instance, case.stack, Reason::New)),
        None => Ok(Change { origin: finding.origin, ..create(instance, case.stack, Reason::Vanished) }),
    }
}

/// Returns the change that creates an instance.
pub(super) fn create(instance: &Instance<'_>, stack: &Stack, reason: Reason) -> Change {
    Change {
        action: Action::Create,
        reason,
        attributes: created(instance),
        desired: instance.spec.clone(),
        desired_tags: tags(instance, &stack.name, &stack.env),
        ..Change::of(instance, &stack.sources)
    }
}

/// Refuses resources that are not the stack's and may not become it, and failed ones.
fn permit(
    instance: &Instance<'_>,
    finding: &Finding<'_>,
    live: &ErasedLive,
    case: &Case<'_>,
) -> Result<(), Diagnostic> {
    let Case { stack, selection, .. } = case;
    let id = finding.id.as_deref().unwrap_or_default();
    let adopts = selection.adopt && !selection.destroy;
    match finding.origin {
        // An import takes a resource without an owner. Another stack's resource also needs --adopt.
        Origin::Import if Owner::of(&live.tags).is_none() => {}
        Origin::Import | Origin::Foreign if !adopts => return Err(not_ours(instance, id, live, stack)),
        _ => {}
    }
    if let Some(refusal) = finding.refusal.as_ref().filter(|_| !adopts) {
        return Err(refusal.clone().at(instance.resource.span, "declared here"));
    }
    // A failed resource can only be deleted or replaced.
    let remade = selection.replace.iter().any(|selector| instance.address.is_selected_by(selector));
    match &live.state {
        State::Failed(reason) if !(selection.recover || selection.destroy || remade) => {
            let what = format!("{} cannot be changed: AWS reports that it failed", instance.address);
            let help = format!(
                "repair it at AWS, then plan again; or replace it with --replace {}",
                instance.address
            );
            Err(Diagnostic::error("failed-resource", what)
                .at(instance.resource.span, "this resource")
                .note(format!("{id}: {}", Outside::new(reason.as_str())))
                .help(help))
        }
        _ => Ok(()),
    }
}

/// Compares an existing resource with its declaration.
fn compare(instance: &Instance<'_>, finding: Finding<'_>, live: ErasedLive, case: &Case<'_>) -> Change {
    let Case { stack, ledger, .. } = *case;
    let (entry, applied) = (finding.entry(), finding.applied.as_deref());
    let schema = &instance.kind.schema().spec;
    let found = normalize(schema, live.spec.clone());
    let past = Past::of(instance.kind, applied, &live);
    let (want, mut have) = complete(instance, found.clone(), &past, ledger);
    if let Some(entry) = entry {
        mark(&instance.address, entry, &mut have, &want, schema, ledger);
    }
    let mut attributes = in_order_of(schema, &instance.written, diff(schema, &have, &want));
    attributes.extend(removed_settings::staying(
        instance,
        &instance.spec,
        &found,
        &removed_settings::by_ledger(applied),
    ));
    attributes.extend(tag_changes(instance, &live, entry, ledger, stack));
    if let Some(entry) = entry {
        let blame = Blame { instance, ledger, entry, live: &live, found: &found, want: &want };
        blame.set(&mut attributes);
    }
    within::force_replacement(instance, &have, &want, case.changes, &mut attributes);
    let requested = case.selection.replace.iter().any(|one| instance.address.is_selected_by(one));
    let (action, reason) = action(instance, &finding.place, &mut attributes, requested, case.changes);
    Change {
        action,
        reason,
        origin: finding.origin,
        id: finding.id,
        attributes,
        live: Some(live),
        existing: have,
        desired: want,
        desired_tags: tags(instance, &stack.name, &stack.env),
        ..Change::of(instance, &stack.sources)
    }
}

/// Decides the action for an existing resource with these differences, and the reason. It is the
/// one place that says which reason comes first. `place` is where the resource is now.
pub(super) fn action(
    instance: &Instance<'_>,
    place: &Place,
    attributes: &mut Vec<AttributeChange>,
    requested: bool,
    changes: &BTreeMap<Address, Change>,
) -> (Action, Reason) {
    let replace = Action::Replace { create_first: instance.create_before_destroy };
    let forced = attributes.iter().filter(|one| one.forces_replacement).map(|one| one.path.clone());
    let forced: Vec<_> = forced.collect();
    let (action, reason) = if *place != instance.place {
        (replace, Reason::Moved { from: place.clone() })
    } else if !forced.is_empty() {
        (replace, Reason::Forced(forced))
    } else if requested {
        (replace, Reason::Requested)
    } else if let Some(trigger) = trigger(instance, changes) {
        (replace, Reason::Triggered(trigger))
    } else if attributes.is_empty() {
        (Action::NoOp, Reason::Same)
    } else {
        (Action::Update, Reason::Differs)
    };
    // A setting that only stays on the existing resource is not part of its replacement.
    attributes.retain(|one| !one.stays || action == Action::Update);
    (action, reason)
}

/// Decides what to do about a resource that exists and that the stack no longer has, for this
/// reason. One that the stack may not touch does not change.
pub(super) fn remove(
    address: &Address,
    kind: &dyn ErasedKind,
    finding: Finding<'_>,
    reason: Reason,
    stays: bool,
    case: &Case<'_>,
) -> Change {
    let (action, reason) = match finding.refusal {
        Some(_) => (Action::NoOp, Reason::Unselected),
        None => reason.removes(finding.live.is_some(), stays),
    };
    let entry = finding.applied.as_deref();
    let existing = finding.live.as_ref().zip(entry);
    let existing = existing.map(|(live, entry)| existing_of(address, kind, entry, live, case.ledger));
    let declared = (reason == Reason::Undeclared).then(|| block_of(case.stack, address)).flatten();
    let needs = entry.into_iter().flat_map(|entry| entry.needs.iter().cloned()).collect();
    Change {
        origin: finding.origin,
        id: finding.id,
        needs,
        live: finding.live,
        existing: existing.unwrap_or_default(),
        declared,
        ..Change::removal(address.clone(), finding.place, action, reason)
    }
}

/// Returns the address whose change forces a replacement of the instance: one that its lifecycle
/// names, or its parent that is itself replaced.
pub(super) fn trigger(instance: &Instance<'_>, changes: &BTreeMap<Address, Change>) -> Option<Address> {
    let part = instance.kind.part_of();
    let has_part = |change: &Change| {
        let whole = |attribute| instance.spec.get(attribute).and_then(Value::as_str);
        let is_whole =
            |attribute| whole(attribute).zip(change.id.as_deref()).is_none_or(|(own, id)| own == id);
        part.is_some_and(|(kind, attribute)| change.address.kind == kind && is_whole(attribute))
    };
    let is_replaced = |change: &&Change| matches!(change.action, Action::Replace { .. });
    let needed = instance.needs.iter().filter_map(|needed| changes.get(needed));
    let wholes = needed.filter(is_replaced).filter(|change| has_part(change));
    let triggers = instance.triggers();
    let named = triggers.iter().flat_map(|trigger| triggered(instance, trigger, changes));
    named.chain(wholes).map(|change| &change.address).min().cloned()
}

/// The changes that an entry of `replace_triggered_by` is about.
fn triggered<'c>(
    instance: &Instance<'_>,
    trigger: &Reference,
    changes: &'c BTreeMap<Address, Change>,
) -> impl Iterator<Item = &'c Change> {
    let name = trigger.name(0).unwrap_or_default().to_owned();
    let start =
        Address { module: instance.address.module.clone(), kind: trigger.root.clone(), name, key: None };
    let is_of = |one: &Address| one.declaration() == start.declaration();
    let all: Vec<&Change> =
        changes.range(start.clone()..).take_while(|(one, _)| is_of(one)).map(|(_, change)| change).collect();
    // Instances have keys, and then the second step is one of them, or not known.
    let is_each = all.iter().any(|change| change.address.key.is_some());
    let key = match trigger.steps.get(1) {
        Some(Step::Index(Value::Number(key))) if is_each => Some(key.to_string()),
        Some(Step::Index(Value::String(key)) | Step::Attribute(key)) if is_each => Some(key.clone()),
        _ => None,
    };
    let path = trigger.steps.iter().skip(if is_each { 2 } else { 1 });
    let path: Vec<PathStep> = path.filter_map(step).collect();
    let is_it = move |change: &&Change| key.is_none() || change.address.key == key;
    all.into_iter().filter(is_it).filter(move |change| changes_at(change, &path))
}

fn step(step: &Step) -> Option<PathStep> {
    match step {
        Step::Attribute(name) | Step::Index(Value::String(name)) => Some(PathStep::Name(name.clone())),
        Step::Index(Value::Number(index)) => Some(PathStep::Index(usize::try_from(index.as_i64()?).ok()?)),
        Step::Index(_) | Step::Each(_) => None,
    }
}

/// Returns whether an existing resource changes at a path, or at all if the path is empty. What AWS decides
/// changes with the resource itself.
fn changes_at(change: &Change, path: &[PathStep]) -> bool {
    let is_replaced = matches!(change.action, Action::Replace { .. });
    if !is_replaced && change.action != Action::Update {
        return false;
    }
    let Some(PathStep::Name(root)) = path.first() else { return true };
    let overlaps = |one: &AttributeChange| one.path.iter().zip(path).all(|(left, right)| left == right);
    if change.attributes.iter().any(overlaps) {
        return true;
    }
    let kind = kinds::kind(&change.address.kind);
    let is_decided =
        kind.and_then(|kind| kind.schema().attrs.fields()).is_some_and(|all| all.contains_key(root));
    // An ARN that follows from an unchanged name stays the same.
    let foreseen = kind.filter(|_| is_decided && is_replaced).and_then(|kind| {
        let live = change.live.as_ref()?;
        let account = live.attrs.get("arn").and_then(Value::as_str).and_then(|arn| arn.split(':').nth(4));
        let scope = Scope::of(&change.place.region, account.unwrap_or_default());
        let predicted = kind.predict(Known(&change.desired), &scope).0;
        Some(predicted.get(root).is_some_and(|value| live.attrs.get(root) == Some(value)))
    });
    is_decided && is_replaced && foreseen != Some(true)
}

/// A new resource's attributes, as changes from nothing.
pub(super) fn created(instance: &Instance<'_>) -> Vec<AttributeChange> {
    let schema = &instance.kind.schema().spec;
    let mut changes = diff(schema, &Value::Null, &in_order(schema, instance.spec.clone(), &instance.written));
    for change in &mut changes {
        (change.forces_replacement, change.data_loss, change.downtime) = (false, false, false);
    }
    changes.extend(instance.tags.iter().map(|(name, value)| tag_change(name, None, Some(value))));
    changes
}
