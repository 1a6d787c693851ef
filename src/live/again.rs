//! Reads again what one answer from AWS did not show. Its services are eventually consistent, and
//! trusting a single empty answer would create a second resource.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures_util::future::{join, join_all};

use super::index::{Index, consult, indexed, indexed_ids, resolve};
use super::read::{PAUSES, owned};
use crate::aws::{self, Place, Session};
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner, ReadRequest, State};
use crate::kinds;
use crate::ledger::Ledger;
use crate::plan::{Plan, Reason};
use crate::stack::matches_tag;
use crate::value::Value;

/// Reads of one kind and place, with what they found.
pub(super) struct Reading {
    pub(super) kind: &'static dyn ErasedKind,
    pub(super) place: Place,
    pub(super) requests: Vec<ReadRequest>,
    pub(super) found: Vec<aws::Result<Option<ErasedLive>>>,
}

/// A search by owner, with what it found.
pub(super) struct Search {
    pub(super) kind: &'static dyn ErasedKind,
    pub(super) place: Place,
    pub(super) address: Address,
    pub(super) spec: Value,
    pub(super) found: aws::Result<Vec<String>>,
}

/// The session, and what is known about the stack's resources.
pub(super) struct Knowledge<'k> {
    pub(super) session: &'k Session,
    pub(super) ledger: &'k Ledger,
    /// The name and environment of the stack.
    pub(super) owner: &'k (String, String),
    /// Patterns of tag keys that others manage.
    pub(super) ignore_tags: &'k [String],
}

impl Knowledge<'_> {
    /// Returns whether an unwanted tag of an address is left alone, because others set it and no apply
    /// of ours did.
    pub(super) fn is_others(&self, address: &str, key: &str) -> bool {
        let entry = Address::of_tag(address).and_then(|address| self.ledger.resources.get(&address));
        let is_applied = entry.is_some_and(|entry| entry.fingerprints.contains_key(&format!("tags.{key}")));
        !is_applied && self.ignore_tags.iter().any(|pattern| matches_tag(pattern, key))
    }

    /// The owner tags of an address.
    pub(super) fn owner_of(&self, address: &Address) -> Owner {
        Owner::new(&self.owner.0, &self.owner.1, address)
    }

    /// The resources and intents of the ledger that have an id: kind, place and id.
    fn recorded(&self) -> HashSet<(&str, &Place, &str)> {
        let entries = self.ledger.resources.iter();
        let deposed = self.ledger.deposed.iter().flat_map(|(at, all)| all.iter().map(move |one| (at, one)));
        let entries = entries.chain(deposed);
        let entries = entries.map(|(at, entry)| (&*at.kind, &entry.place, &*entry.id));
        let intents = self.ledger.intents.iter();
        let intents =
            intents.filter_map(|(at, intent)| Some((&*at.kind, &intent.place, intent.id.as_deref()?)));
        entries.chain(intents).collect()
    }

    /// Returns whether the ledger has a resource, or an intent, at this address.
    fn expects(&self, address: &Address) -> bool {
        self.ledger.resources.contains_key(address) || self.ledger.intents.contains_key(address)
    }

    /// Reads again what should exist but was not found.
    pub(super) async fn look_again(
        &self,
        readings: &mut [Reading],
        searches: &mut [Search],
        indices: &mut BTreeMap<Place, Index>,
    ) {
        let is_empty = |search: &&Search| search.found.as_ref().is_ok_and(Vec::is_empty);
        let is_found = |one: &Reading| one.found.iter().all(|found| !matches!(found, Ok(None)));
        if readings.iter().all(is_found) && !searches.iter().any(|search| is_empty(&search)) {
            return;
        }
        if self.ledger.account.is_empty() {
            // Without a ledger, only the index may know. A plan without a ledger asks for it anyway.
            let missing = readings.iter().filter(|one| !is_found(one));
            let places = missing.map(|one| indexed(one.kind, &one.place));
            let places =
                places.chain(searches.iter().filter(is_empty).map(|one| indexed(one.kind, &one.place)));
            consult(self.session, places.collect(), self.owner, indices).await;
        }
        let recorded = self.recorded();
        for (looked, pause) in PAUSES.into_iter().enumerate() {
            let shown = Indexed::of(indices);
            let believed = |known: bool, shown: bool| if looked == 0 { !known && !shown } else { !shown };
            let mut reads: Vec<(usize, Vec<usize>)> = Vec::new();
            for (at, one) in readings.iter().enumerate() {
                let missing =
                    one.requests.iter().zip(&one.found).enumerate().filter(|(_, (request, found))| {
                        let place = indexed(one.kind, &one.place);
                        matches!(found, Ok(None))
                            && !believed(
                                recorded.contains(&(one.kind.name(), &one.place, &*request.id)),
                                shown.resources.contains(&(&place, one.kind.name(), request.id.clone())),
                            )
                    });
                let missing: Vec<usize> = missing.map(|(place, _)| place).collect();
                if !missing.is_empty() {
                    reads.push((at, missing));
                }
            }
            let finds: Vec<usize> = (0..searches.len())
                .filter(|&at| is_empty(&&searches[at]))
                .filter(|&at| {
                    let one = &searches[at];
                    let index = indexed(one.kind, &one.place);
                    let owner = (&index, self.owner_of(&one.address));
                    !believed(self.expects(&one.address), shown.owners.contains(&owner))
                })
                .collect();
            if reads.is_empty() && finds.is_empty() {
                return;
            }
            let places: BTreeSet<Place> = reads
                .iter()
                .map(|(at, _)| indexed(readings[*at].kind, &readings[*at].place))
                .chain(finds.iter().map(|&at| indexed(searches[at].kind, &searches[at].place)))
                .collect();
            join(tokio::time::sleep(pause), consult(self.session, places, self.owner, indices)).await;
            let reading = join_all(reads.into_iter().map(|(at, places)| {
                let one = &readings[at];
                // Do not trust an index for the tags of a resource that may not exist.
                let requests =
                    places.iter().map(|&place| ReadRequest { tags: None, ..one.requests[place].clone() });
                let requests: Vec<ReadRequest> = requests.collect();
                async move {
                    let found = one.kind.read_many(&self.session.cx(&one.place), &requests).await;
                    (at, places, found)
                }
            }));
            let finding = join_all(finds.into_iter().map(|at| {
                let one = &searches[at];
                async move { (at, self.find(one.kind, &one.place, &one.address, &one.spec).await) }
            }));
            let (read, found) = join(reading, finding).await;
            for (at, places, found) in read {
                for (place, live) in places.into_iter().zip(found) {
                    // An error says less than the answer before it.
                    if let Ok(Some(live)) = live {
                        tracing::debug!(id = readings[at].requests[place].id, "there after all");
                        readings[at].found[place] = Ok(Some(live));
                    }
                }
            }
            for (at, found) in found {
                searches[at].found = found.or_else(|_| searches[at].found.clone());
            }
        }
    }

    /// The ids of resources with the owner tags of an address.
    pub(super) async fn find(
        &self,
        kind: &'static dyn ErasedKind,
        place: &Place,
        address: &Address,
        spec: &Value,
    ) -> aws::Result<Vec<String>> {
        let owner = self.owner_of(address);
        match kind.find(&self.session.cx(place), &owner, spec).await {
            // The kind finds nothing without a spec. Only the tag index still knows the name of a
            // resource that is no longer declared.
            Ok(ids) if ids.is_empty() && *spec == Value::Null && kind.taggable() => {
                indexed_ids(self.session.cx(&indexed(kind, place)), kind, &owner).await
            }
            found => found,
        }
    }
}

/// The resources and owners that the indices of tags show, each with the place of its index.
struct Indexed<'i> {
    /// By kind and id.
    resources: HashSet<(&'i Place, &'static str, String)>,
    owners: HashSet<(&'i Place, Owner)>,
}

impl<'i> Indexed<'i> {
    fn of(indices: &'i BTreeMap<Place, Index>) -> Self {
        let mut shown = Self { resources: HashSet::new(), owners: HashSet::new() };
        for (place, (arn, tags)) in
            indices.iter().flat_map(|(place, index)| index.iter().map(move |entry| (place, entry)))
        {
            shown.owners.extend(Owner::of(tags).map(|owner| (place, owner)));
            let resource = tags.get(Owner::ADDRESS).and_then(|tag| resolve(arn, tag).ok());
            shown.resources.extend(resource.map(|one| (place, one.kind.name(), one.id)));
        }
        shown
    }
}

/// Finds a resource that the plan took for gone although it exists. The plan would create a second one
/// beside it.
pub async fn reappeared(session: &Session, plan: &Plan, ledger: &Ledger) -> Option<(Address, String)> {
    let vanished = plan.changes.iter().filter(|change| change.reason == Reason::Vanished);
    let vanished: Vec<_> = vanished
        .filter_map(|change| {
            let known = change.recorded_as();
            Some((&change.address, known, kinds::kind(&known.kind)?, ledger.resources.get(known)?))
        })
        .collect();
    if vanished.is_empty() {
        return None;
    }
    let entries: Vec<_> = vanished.iter().map(|(_, _, kind, entry)| (*kind, *entry)).collect();
    let found = owned(session, &entries).await;
    vanished.into_iter().zip(found).find_map(|((address, known, kind, entry), live)| {
        let live = live.ok()??;
        // If it belongs to somebody else by now, it is refused where it is in the way.
        let owner = Owner::of(&live.tags);
        let owners = [known, address].map(|one| Owner::new(&ledger.stack, &ledger.env, one));
        let ours = !kind.taggable() || owner.is_some_and(|owner| owners.contains(&owner));
        (ours && !matches!(live.state, State::Leaving(_))).then(|| (address.clone(), entry.id.clone()))
    })
}
