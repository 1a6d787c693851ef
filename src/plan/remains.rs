//! Plans for resources that exist but are not declared: the ledger's undeclared ones, and those
//! that interrupted applies left behind.

use std::collections::BTreeSet;

use super::applied::{is_print, mark};
use super::decide::{Planner, Question, declaration, read_failed};
use super::survey::Stop;
use super::{Action, Change, Declared, Reason};
use crate::aws::Scope;
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner};
use crate::kinds;
use crate::ledger::{Entry, Intent, Ledger, is_of_secret};
use crate::schema::{Node, Shape, normalize};
use crate::stack::Stack;
use crate::value::Value;

impl Planner<'_, '_, '_> {
    /// Decides the resources that are owned but no longer declared.
    pub(super) fn undeclared(&mut self) {
        if self.inputs.offline {
            return;
        }
        for (address, entry) in &self.inputs.ledger.resources {
            // A resource that moves to an undeclared address is deleted like any undeclared one.
            let moves = self.moves.iter().any(|(to, from)| from == address && self.declared.contains_key(to));
            if self.declared.contains_key(address) || moves {
                continue;
            }
            let Some(kind) = kinds::kind(&address.kind) else {
                self.problems.push(unknown_kind(address));
                continue;
            };
            let live = match self.read(address, kind, &entry.region, &entry.id, None, Some(entry)) {
                Ok(live) => live,
                Err(stop) => {
                    self.tell(stop);
                    continue;
                }
            };
            let action = if live.is_none() || self.stays(address, entry, live.as_ref()) {
                Action::Forget
            } else {
                Action::Delete
            };
            let reason = if live.is_none() { Reason::Vanished } else { Reason::Undeclared };
            // A resource that stays at AWS is only forgotten, whoever owns it.
            let seen = live.as_ref().filter(|_| action == Action::Delete);
            let refusal = match seen.map(|live| self.refuse(address, kind, entry, live)).transpose() {
                Ok(refusal) => refusal.flatten(),
                Err(stop) => {
                    self.tell(stop);
                    continue;
                }
            };
            let (action, reason) = match refusal {
                Some(refusal) => {
                    self.undecided.entry(address.clone()).or_default().push(refusal);
                    (Action::NoOp, Reason::Unselected)
                }
                None => (action, reason),
            };
            let mut change = removal(address, kind, entry, live, action, reason, self.inputs.ledger);
            if change.reason == Reason::Undeclared {
                change.declared = block_of(self.inputs.eval.stack, address);
            }
            self.changes.insert(address.clone(), change);
        }
    }

    /// Decides the undeclared resources that an interrupted apply was about to create.
    pub(super) fn unfinished(&mut self) {
        if self.inputs.offline {
            return;
        }
        // Resources with neither tags nor a name come last: they are searched for in their parents.
        let ledger = self.inputs.ledger;
        let is_within = |address: &Address, intent: &Intent| {
            intent.id.is_none() && kinds::kind(&address.kind).is_some_and(|kind| !kind.taggable())
        };
        let (last, first): (Vec<_>, Vec<_>) =
            ledger.intents.iter().partition(|(address, intent)| is_within(address, intent));
        for (address, intent) in first.into_iter().chain(last) {
            let terms = self.declared.get(address);
            // Resources without a name are found by owner, together with the resource at their
            // address.
            let is_apart = |kind: &&dyn ErasedKind| {
                terms.is_none_or(|terms| terms.region != intent.region)
                    || intent.id.is_some()
                    || !kind.taggable()
            };
            let declared = terms.is_some();
            let Some(kind) = kinds::kind(&address.kind).filter(is_apart) else { continue };
            let answer = match kind.taggable() {
                true => self.found(address, &intent.region),
                false => self.inputs.answers.within.get(address),
            };
            let ids = match (&intent.id, answer) {
                (Some(id), _) => std::slice::from_ref(id),
                (None, Some(Ok(ids))) => ids.as_slice(),
                (None, Some(Err(error))) => {
                    self.problems.push(read_failed(&address.to_string(), "", error));
                    continue;
                }
                (None, None) => {
                    let (region, address) = (intent.region.clone(), address.clone());
                    if kind.taggable() {
                        self.look_for(kind, region, address, Value::Null);
                    } else if self.questions.is_empty() {
                        // All possible parents are known by now.
                        let parents = self.parents(intent);
                        self.questions.push(Question::Within { kind, region, address, parents });
                    }
                    continue;
                }
            };
            let Some((id, live)) = self.created_by(kind, address, intent, ids) else { continue };
            let entry = intent.entry(&id);
            let stays = !declared && self.stays(address, &entry, Some(&live));
            let action = if stays { Action::Forget } else { Action::Delete };
            let mut change = removal(address, kind, &entry, Some(live), action, Reason::Undeclared, ledger);
            change.declared = block_of(self.inputs.eval.stack, address);
            // The address may belong to the resource that it was to replace, or to a declared one.
            if declared || ledger.resources.contains_key(address) {
                self.deposed.push(change);
            } else {
                self.changes.insert(address.clone(), change);
            }
        }
    }

    /// Returns whether a resource that is no longer declared stays at AWS.
    fn stays(&self, address: &Address, entry: &Entry, live: Option<&ErasedLive>) -> bool {
        let tagged = live.is_some_and(|live| Owner::says(&live.tags, Owner::RETAIN));
        self.removed(address).map_or(entry.retain || tagged, |removed| !removed.destroy)
    }

    /// Finds the one of `ids` that the intent's apply created.
    fn created_by(
        &mut self,
        kind: &'static dyn ErasedKind,
        address: &Address,
        intent: &Intent,
        ids: &[String],
    ) -> Option<(String, ErasedLive)> {
        let ledger = self.inputs.ledger;
        let owner = self.owner(address);
        let known = |id: &&String| {
            let ids = std::slice::from_ref(*id);
            self.unknown(ids, &intent.region, address, ledger.resources.get(address)).is_some()
        };
        // The resource may have another address by now, or already be the one at its address.
        let ids: Vec<&String> =
            ids.iter().filter(known).filter(|id| !self.is_placed(address, &intent.region, id)).collect();
        for id in ids {
            let live = match self.read(address, kind, &intent.region, id, None, None) {
                Ok(Some(live)) => live,
                Ok(None) => continue,
                Err(stop) => {
                    self.tell(stop);
                    continue;
                }
            };
            // Someone else's resource is not our concern.
            let is_it = match (kind.taggable(), &intent.id) {
                (true, _) => Owner::of(&live.tags).as_ref() == Some(&owner),
                (false, Some(_)) => true,
                (false, None) => is_as_intended(kind, address, intent, &live, ledger),
            };
            if is_it {
                return Some((id.clone(), live));
            }
        }
        None
    }

    /// The possible parents of an intended resource: all resources of the kinds that it depends on.
    fn parents(&self, intent: &Intent) -> Vec<(String, String)> {
        let kinds: BTreeSet<&str> = intent.needs.iter().map(|needed| needed.kind.as_str()).collect();
        let there = self.changes.values().chain(&self.deposed).filter(|change| {
            change.live.is_some()
                && change.existing_region() == intent.region
                && kinds.contains(change.address.kind.as_str())
        });
        there.filter_map(|change| Some((change.address.kind.clone(), change.id.clone()?))).collect()
    }

    /// Returns whether a resource at a declared address has this id, or will have it.
    fn is_placed(&self, address: &Address, region: &str, id: &str) -> bool {
        let placed = |(other, change): (&Address, &Change)| {
            other.kind == address.kind
                && change.existing_region() == region
                && change.id.as_deref() == Some(id)
        };
        let named = |(other, (instance, named)): (&Address, &(Instance<'_>, Option<String>))| {
            other.kind == address.kind && instance.region == region && named.as_deref() == Some(id)
        };
        self.changes.iter().any(placed) || self.newcomers.iter().any(named)
    }

    /// Returns the undeclared address for which an interrupted apply was about to create a resource
    /// with this id.
    pub(super) fn intended(&self, kind: &str, region: &str, id: &str) -> Option<&Address> {
        let found = self.inputs.ledger.intended(kind, region, id);
        found.map(|(address, _)| address).filter(|address| !self.declared.contains_key(*address))
    }

    /// Returns whether an untaggable resource was created for an address that is no longer
    /// declared.
    pub(super) fn was_intended(&self, instance: &Instance<'_>, id: &str, live: &ErasedLive) -> bool {
        let ledger = self.inputs.ledger;
        let (kind, region) = (instance.kind, &instance.region);
        let mut former = ledger.intents.iter().filter(|(address, intent)| {
            address.kind == kind.name() && intent.region == *region && !self.declared.contains_key(*address)
        });
        former.any(|(address, intent)| match &intent.id {
            Some(intended) => intended == id,
            None => is_as_intended(kind, address, intent, live, ledger),
        })
    }

    /// Returns the first id in a region that `address` has no deposed entry for, and that is not
    /// `old`.
    pub(super) fn unknown(
        &self,
        ids: &[String],
        region: &str,
        address: &Address,
        old: Option<&Entry>,
    ) -> Option<String> {
        let deposed = self.inputs.ledger.deposed.get(address).into_iter().flatten();
        let known: Vec<&str> = deposed
            .chain(old)
            .filter(|entry| entry.region == region)
            .map(|entry| entry.id.as_str())
            .collect();
        ids.iter().find(|id| !known.contains(&id.as_str())).cloned()
    }

    /// Decides the deposed resources of the ledger.
    pub(super) fn replaced(&mut self) {
        if self.inputs.offline {
            return;
        }
        let ledger = self.inputs.ledger;
        for (address, entry) in ledger
            .deposed
            .iter()
            .flat_map(|(address, entries)| entries.iter().map(move |entry| (address, entry)))
        {
            let Some(kind) = kinds::kind(&address.kind) else {
                self.problems.push(unknown_kind(address));
                continue;
            };
            // The resource may have been given an address again.
            let owned = ledger.resources.iter().any(|(other, one)| {
                other.kind == address.kind && one.id == entry.id && one.region == entry.region
            });
            let present = self.present(address).clone();
            if owned {
                self.depose(&present, kind, entry, None);
                continue;
            }
            let deposed = match self.read(address, kind, &entry.region, &entry.id, None, Some(entry)) {
                Ok(Some(live)) => self.depose_ours(&present, kind, entry, live),
                Ok(None) => {
                    self.depose(&present, kind, entry, None);
                    Ok(())
                }
                Err(stop) => Err(stop),
            };
            if let Err(stop) = deposed {
                self.tell(stop);
            }
        }
    }

    /// Plans the deletion of a deposed resource, if the stack still owns it.
    pub(super) fn depose_ours(
        &mut self,
        address: &Address,
        kind: &'static dyn ErasedKind,
        entry: &Entry,
        live: ErasedLive,
    ) -> Result<(), Stop> {
        match self.refuse(address, kind, entry, &live)? {
            Some(refusal) => {
                let refusal = refusal.note("it was replaced, and is to be destroyed");
                self.undecided.entry(address.clone()).or_default().push(refusal);
            }
            None => self.depose(address, kind, entry, Some(live)),
        }
        Ok(())
    }

    /// Plans the deletion of a deposed resource.
    pub(super) fn depose(
        &mut self,
        address: &Address,
        kind: &'static dyn ErasedKind,
        entry: &Entry,
        live: Option<ErasedLive>,
    ) {
        let action = if live.is_some() { Action::Delete } else { Action::Forget };
        let ledger = self.inputs.ledger;
        let printed = entry.fingerprinted(self.moves.get(address).unwrap_or(address));
        let entry = Entry { fingerprinted_as: Some(printed.clone()), ..entry.clone() };
        self.deposed.push(removal(address, kind, &entry, live, action, Reason::Deposed, ledger));
    }
}

/// Returns the location of the block that an address belongs to, if the stack still has it.
pub(super) fn block_of(stack: &Stack, address: &Address) -> Option<Declared> {
    let resource = stack.resource(address)?;
    Some(declaration(resource, &stack.sources))
}

/// Returns the change that removes a resource from AWS, or from the ledger alone.
fn removal(
    address: &Address,
    kind: &'static dyn ErasedKind,
    entry: &Entry,
    live: Option<ErasedLive>,
    action: Action,
    reason: Reason,
    ledger: &Ledger,
) -> Change {
    let existing = live.as_ref().map(|live| existing(address, kind, entry, live, ledger)).unwrap_or_default();
    Change {
        action,
        reason,
        id: Some(entry.id.clone()),
        needs: entry.needs.iter().cloned().collect(),
        live,
        existing,
        ..Change::none(address.clone(), entry.region.clone())
    }
}

/// Returns whether an untaggable resource is the one that an intent describes. All attributes that
/// are fixed at creation must match, as far as the intent records them, and it records at least
/// one.
fn is_as_intended(
    kind: &dyn ErasedKind,
    address: &Address,
    intent: &Intent,
    live: &ErasedLive,
    ledger: &Ledger,
) -> bool {
    let schema = &kind.schema().spec;
    let found = normalize(schema, live.spec.clone());
    let fixed = schema.fields().into_iter().flatten().filter(|(_, field)| field.marks.replace);
    let mut known = fixed
        .filter_map(|(name, _)| {
            Some((name, intent.fingerprints.get(name).filter(|print| !print.is_empty())?))
        })
        .peekable();
    let scope = Scope::of(&intent.region, &ledger.account);
    known.peek().is_some()
        && known.all(|(name, print)| {
            let value = found.get(name).cloned().unwrap_or_default();
            let value = if is_of_secret(print) { value.into_secret() } else { value };
            is_print(
                print,
                schema.fields().and_then(|fields| fields.get(name)),
                &scope,
                address,
                name,
                &value,
                ledger,
            )
        })
}

/// The live spec of a resource in the ledger, in canonical form. AWS returns secrets in the open;
/// the ledger knows which values are secret. Settings that only dwctl uses, such as
/// `force_destroy`, are unknown to AWS and are recovered from their fingerprints.
pub fn existing(
    address: &Address,
    kind: &dyn ErasedKind,
    entry: &Entry,
    live: &ErasedLive,
    ledger: &Ledger,
) -> Value {
    let mut existing = normalize(&kind.schema().spec, live.spec.clone());
    let fields = kind.schema().spec.fields();
    mark(address, entry, &mut existing, &Value::Null, &kind.schema().spec, ledger);
    let printed = entry.fingerprinted(address);
    for (name, field) in fields.into_iter().flatten().filter(|(_, field)| field.marks.local) {
        let Some(applied) = entry.fingerprint(name) else { continue };
        let prints = ledger.fingerprints();
        // Fingerprints of secrets are memory-hard, so only a few candidate values are tried.
        let secret = is_of_secret(applied);
        let as_applied = |value: Value| if secret { value.into_secret() } else { value };
        let is_it = |value: &Value| prints.of(printed, name, value).as_ref() == Some(applied);
        let mut values = candidates(field).take(if secret { FEW } else { usize::MAX }).map(as_applied);
        if let (Some(value), Value::Map(map)) = (values.find(is_it), &mut existing) {
            map.insert(name.clone(), value);
        }
    }
    existing
}

/// The number of candidate values that are tried against the fingerprint of a secret.
const FEW: usize = 32;

/// All possible values of an attribute if there are few of them; else none.
fn candidates(field: &Node) -> Box<dyn Iterator<Item = Value>> {
    const MANY: f64 = 4096.0;
    match field.shape {
        Shape::Bool => Box::new([false, true].into_iter().map(Value::Bool)),
        Shape::Number { integer: true, minimum: Some(from), maximum: Some(to) } if to - from < MANY => {
            Box::new((from as i64..=to as i64).map(Value::from))
        }
        _ => Box::new(std::iter::empty()),
    }
}

fn unknown_kind(address: &Address) -> Diagnostic {
    Diagnostic::error("unknown-kind", format!("the ledger tells of {address}, of a kind this version lacks"))
        .help("use the version of dwctl that made it")
}
