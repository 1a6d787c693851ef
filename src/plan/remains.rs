//! Surveys resources that exist but are not declared: the ledger's undeclared and deposed ones, and
//! those that interrupted applies left behind.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::declared::stays;
use super::draft::Draft;
use super::inputs::Stop;
use super::intents::is_as_intended;
use super::survey::{Finding, Surveyor};
use super::{Origin, Question, read_failed};
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner};
use crate::kinds;
use crate::ledger::{Entry, Intent};
use crate::value::Value;

impl<'p> Surveyor<'p, '_, '_> {
    /// Surveys a resource of the ledger that is no longer declared.
    pub(super) fn undeclared(&mut self, address: &Address, entry: &'p Entry) -> Result<Finding<'p>, Stop> {
        let kind = kinds::kind(&address.kind).ok_or_else(|| unknown_kind(address))?;
        let live = self.read(address, kind, &entry.place, &entry.id, None, Some(entry))?;
        // A resource that stays at AWS is only forgotten, whoever owns it.
        let goes = live.as_ref().filter(|live| !stays(self.inputs.eval.stack, address, entry, Some(live)));
        let refusal = match goes {
            Some(live) => self.refuse(address, kind, entry, live)?,
            None => None,
        };
        let origin = if refusal.is_some() { Origin::Taken } else { Origin::Ledger };
        Ok(Finding { refusal, ..Finding::recorded(origin, Cow::Borrowed(entry), live) })
    }

    /// Surveys a deposed resource of the ledger, whose address is `address` now.
    pub(super) fn deposed(&mut self, address: &Address, entry: &'p Entry) -> Result<Finding<'p>, Stop> {
        let kind = kinds::kind(&address.kind).ok_or_else(|| unknown_kind(address))?;
        let entry = self.addresses.applied(address, entry);
        // The resource may have been given an address again.
        let places = self.recorded_in(&address.kind, &entry.id);
        let owned = places.contains(&(&entry.place, false));
        let live = match owned {
            true => None,
            false => self.read(address, kind, &entry.place, &entry.id, None, Some(&entry))?,
        };
        let refusal = match &live {
            Some(live) => self.refuse(address, kind, &entry, live)?,
            None => None,
        };
        Ok(Finding { refusal, ..Finding::recorded(Origin::Deposed, entry, live) })
    }

    /// The intents whose resources must be looked for apart from the declared ones. Resources with
    /// neither tags nor a name come last: they are searched for in their parents.
    pub(super) fn intents(&self) -> Vec<(&'p Address, &'p Intent, &'static dyn ErasedKind)> {
        let ledger = self.inputs.ledger;
        // Resources without a name are found by owner, together with the resource at their address.
        let is_apart = |address: &Address, intent: &Intent, kind: &dyn ErasedKind| {
            let terms = self.addresses.declared().get(address);
            terms.is_none_or(|terms| terms.place != intent.place) || intent.id.is_some() || !kind.taggable()
        };
        let apart = ledger.intents.iter().filter_map(|(address, intent)| {
            let kind = kinds::kind(&address.kind).filter(|kind| is_apart(address, intent, *kind))?;
            Some((address, intent, kind))
        });
        let (last, mut first): (Vec<_>, Vec<_>) =
            apart.partition(|(_, intent, kind)| intent.id.is_none() && !kind.taggable());
        first.extend(last);
        first
    }

    /// Surveys the resource that an interrupted apply was about to create. `draft` has the declared
    /// resources, one of which it may be by now.
    pub(super) fn intended(
        &mut self,
        address: &Address,
        intent: &Intent,
        kind: &'static dyn ErasedKind,
        draft: &Draft,
    ) -> Result<Option<Finding<'p>>, Stop> {
        let answer = match kind.taggable() {
            true => self.found(address, &intent.place),
            false => self.inputs.answers.within.get(address),
        };
        let ids = match (&intent.id, answer) {
            (Some(id), _) => std::slice::from_ref(id),
            (None, Some(Ok(ids))) => ids.as_slice(),
            (None, Some(Err(error))) => return Err(read_failed(&address.to_string(), "", error).into()),
            (None, None) => {
                let (place, address) = (intent.place.clone(), address.clone());
                if kind.taggable() {
                    self.look_for(kind, place, address, Value::Null);
                } else if self.questions.is_empty() {
                    // All possible parents are known by now.
                    let parents = parents(intent, draft);
                    self.questions.push(Question::Within { kind, place, address, parents });
                }
                return Err(Stop::Ask);
            }
        };
        let ledger = self.inputs.ledger;
        let entry = ledger.resources.get(address);
        let mut stopped = None;
        for id in ids {
            let is_known = self.unknown(std::slice::from_ref(id), &intent.place, address, entry).is_none();
            // The resource may have another address by now, or already be the one at its address.
            if is_known || self.is_placed(address, &intent.place, id, draft) {
                continue;
            }
            match self.read(address, kind, &intent.place, id, None, None) {
                Ok(Some(live)) if self.is_intended(address, intent, kind, &live) => {
                    let entry = Cow::Owned(intent.entry(id));
                    let found = Finding::recorded(Origin::Intent, entry, Some(live));
                    return stopped.map_or(Ok(Some(found)), Err);
                }
                Ok(_) => {}
                Err(stop) => stopped = Some(stop),
            }
        }
        stopped.map_or(Ok(None), Err)
    }

    /// Returns whether a live resource is the one of an intent. Someone else's is not our concern.
    fn is_intended(
        &self,
        address: &Address,
        intent: &Intent,
        kind: &dyn ErasedKind,
        live: &ErasedLive,
    ) -> bool {
        match (kind.taggable(), &intent.id) {
            (true, _) => Owner::of(&live.tags) == Some(self.owner(address)),
            (false, Some(_)) => true,
            (false, None) => is_as_intended(kind, address, intent, live, self.inputs.ledger),
        }
    }

    /// Returns whether a resource at a declared address has this id, or will have it.
    fn is_placed(&self, address: &Address, place: &Place, id: &str, draft: &Draft) -> bool {
        let placed = |(other, change): (&Address, &super::Change)| {
            other.kind == address.kind && change.existing_place() == place && change.id.as_deref() == Some(id)
        };
        let named = |(other, (instance, named)): (&Address, &(Instance<'_>, Option<String>))| {
            other.kind == address.kind && instance.place == *place && named.as_deref() == Some(id)
        };
        draft.changes.iter().any(placed) || self.newcomers.iter().any(named)
    }
}

/// The possible parents of an intended resource: all resources of the kinds that it depends on.
fn parents(intent: &Intent, draft: &Draft) -> Vec<(String, String)> {
    let kinds: BTreeSet<&str> = intent.needs.iter().map(|needed| needed.kind.as_str()).collect();
    let there = draft.changes.values().chain(&draft.deposed).filter(|change| {
        change.live.is_some()
            && *change.existing_place() == intent.place
            && kinds.contains(change.address.kind.as_str())
    });
    there.filter_map(|change| Some((change.address.kind.clone(), change.id.clone()?))).collect()
}

fn unknown_kind(address: &Address) -> Diagnostic {
    Diagnostic::error(
        "unknown-kind",
        format!("the ledger has {address}, of a kind that this version does not know"),
    )
    .help("use the version of dwctl that made it")
}
