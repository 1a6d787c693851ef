//! Rebuilds a ledger from AWS: declared resources as a plan finds them, and undeclared ones as the tag
//! index shows and the services confirm.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::instances::instances;
use super::record::{record, record_accounts};
use crate::aws::{self, Place, Session};
use crate::eval::EvalContext;
use crate::graph::Address;
use crate::kind::{ErasedKind, Owner};
use crate::kinds;
use crate::ledger::{self, Entry, Ledger};
use crate::live::{Shown, Unresolved, confirm, resolve};
use crate::plan::{Change, Plan};
use crate::schema::PathStep;

/// The resources found and not found, with their ids.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Declared, and the stack's by their owner tags.
    pub by_tags: Vec<(Address, String)>,
    /// Declared, of a kind that AWS cannot tag: taken over by their declared names.
    pub by_name: Vec<(Address, String)>,
    /// No longer declared, and the stack's by their owner tags: the next plan deletes them.
    pub undeclared: Vec<(Address, String)>,
    /// Left out, with the reason.
    pub unconfirmed: Vec<(Address, String)>,
    /// Declared, but not at AWS.
    pub missing: Vec<Address>,
    /// Errors during the search for undeclared resources.
    pub search_errors: Vec<String>,
}

/// Adds the resources to the ledger that `plan` found, and those that only the tag index knows. The
/// plan was made with [`crate::plan::Selection::recover`] and `adopt`. Existing entries stay as they
/// are.
pub async fn recover(
    session: &Session,
    eval: &EvalContext<'_>,
    plan: &Plan,
    ledger: &mut Ledger,
) -> Recovered {
    let mut recovered = Recovered::default();
    let instances = instances(eval, plan).0;
    for change in &plan.changes {
        let known = ledger.resources.contains_key(change.recorded_as());
        let Some(instance) = instances.get(&change.address).filter(|_| !known) else { continue };
        let (Some(id), Some(live)) = (&change.id, &change.live) else {
            recovered.missing.push(change.address.clone());
            continue;
        };
        let found = (change.address.clone(), id.clone());
        if !instance.kind.taggable() {
            recovered.by_name.push(found);
        } else if !change.origin.is_taken_over() {
            recovered.by_tags.push(found);
        } else {
            let why = match Owner::of(&live.tags) {
                Some(owner) => {
                    format!(
                        "the tags of {id} say that it is {} of stack {}/{}",
                        owner.address, owner.stack, owner.env
                    )
                }
                None => format!("{id} exists, but has no owner tags"),
            };
            recovered.unconfirmed.push((change.address.clone(), why));
            continue;
        }
        record(ledger, instance, id, Some(live));
        if let Some(entry) = ledger.resources.get_mut(&change.address) {
            forget_differing(entry, change);
        }
    }
    // A generated name is not known without the ledger, but the tags tell the address.
    let declared: BTreeSet<&Address> = instances
        .iter()
        .filter(|(address, one)| one.resource.name_prefix.is_none() || !recovered.missing.contains(address))
        .map(|(address, _)| address)
        .collect();
    let places = instances.values().map(|instance| instance.place.clone());
    let places: BTreeSet<Place> = places.chain([Place::of(&plan.region)]).collect();
    undeclared(session, &declared, places, ledger, &mut recovered).await;
    recovered.missing.retain(|address| !ledger.resources.contains_key(address));
    record_accounts(eval, ledger);
    let existing: BTreeSet<Address> = ledger.resources.keys().cloned().collect();
    ledger.intents.retain(|address, _| !existing.contains(address));
    recovered
}

/// Clears the fingerprints of attributes that differ from the declaration: nobody knows who changed
/// them.
fn forget_differing(entry: &mut Entry, change: &Change) {
    for attribute in &change.attributes {
        let names: Vec<&str> = attribute
            .path
            .iter()
            .map_while(|step| match step {
                PathStep::Name(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let Some(first) = names.first() else { continue };
        // Tags are recorded one by one; other attributes as a whole, with everything below them.
        let path = if *first == "tags" { names.join(".") } else { (*first).to_owned() };
        let below = format!("{path}.");
        let differing =
            entry.fingerprints.iter_mut().filter(|(known, _)| **known == path || known.starts_with(&below));
        differing.for_each(|(_, print)| print.clear());
    }
}

/// Looks for resources with the stack's owner tags that are no longer declared.
async fn undeclared(
    session: &Session,
    declared: &BTreeSet<&Address>,
    places: BTreeSet<Place>,
    ledger: &mut Ledger,
    recovered: &mut Recovered,
) {
    let (stack, env) = ([ledger.stack.as_str()], [ledger.env.as_str()]);
    let filter = [(Owner::STACK, &stack[..]), (Owner::ENV, &env)];
    let mut indices = BTreeMap::new();
    let homes: BTreeSet<Place> = places.iter().map(Place::home).collect();
    for place in places.into_iter().chain(homes.clone()).collect::<BTreeSet<Place>>() {
        match aws::tags_by_arn(&session.cx(&place), &filter).await {
            Ok(index) => drop(indices.insert(place, index)),
            Err(error) => recovered.search_errors.push(format!("the tag index in {place}: {error}")),
        }
    }
    for (place, index) in indices {
        let mut found: Vec<(String, aws::Tags)> = index.into_iter().collect();
        found.sort();
        for (arn, tags) in found {
            let Some(owner) = Owner::of(&tags) else { continue };
            match resolve(&arn, &owner.address) {
                Ok(Shown { kind, id, address: Some(address) }) => {
                    let found = Found { place: &place, name: &arn, owner, address, kind, id };
                    found.take(session, declared, ledger, recovered).await;
                }
                Ok(_) => {
                    recovered.search_errors.push(format!("{arn} {}", Unresolved::NoAddress(owner.address)))
                }
                Err(why) => recovered.search_errors.push(format!("{arn} {why}")),
            }
        }
    }
    // Resources that the index does not know, but one listing does.
    let each = homes.iter().flat_map(|home| kinds::KINDS.iter().map(move |kind| (kind, home)));
    let asked = each.map(|(kind, home)| async move { (kind, home, kind.all_tags(&session.cx(home)).await) });
    let mut listed = Vec::new();
    for (kind, home, all) in join_all(asked).await {
        listed.push((kind, home.clone(), format!("all of {}", kind.name()), all));
    }
    // Resources that only the listing of a parent in the stack shows.
    for (address, entry) in &ledger.resources {
        let cx = session.cx(&entry.place);
        for kind in kinds::KINDS.iter().filter(|kind| kind.is_part_of(&address.kind)) {
            let all = kind.inside(&cx, &entry.id).await;
            listed.push((kind, entry.place.clone(), format!("{} in {}", kind.name(), entry.id), all));
        }
    }
    for (kind, place, name, all) in listed {
        let all = all.unwrap_or_else(|error| {
            recovered.search_errors.push(format!("{name}: {error}"));
            Vec::new()
        });
        for (id, tags) in all {
            let owner = Owner::of(&tags)
                .filter(|owner| owner.stack == ledger.stack && owner.env == ledger.env)
                .filter(|owner| Address::kind_of_tag(&owner.address) == Some(kind.name()));
            let Some(owner) = owner else { continue };
            let name = format!("{} {id}", kind.name());
            let Some(address) = Address::of_tag(&owner.address) else {
                recovered.search_errors.push(format!("{name} {}", Unresolved::NoAddress(owner.address)));
                continue;
            };
            let found = Found { place: &place, name: &name, owner, address, kind: &**kind, id };
            found.take(session, declared, ledger, recovered).await;
        }
    }
}

/// A resource with the stack's owner tags, as shown by something other than its own service.
struct Found<'f> {
    place: &'f Place,
    /// Its name in messages.
    name: &'f str,
    owner: Owner,
    address: Address,
    kind: &'static dyn ErasedKind,
    id: String,
}

impl Found<'_> {
    /// Adds it to the ledger if it is not declared and its service confirms it.
    async fn take(
        self,
        session: &Session,
        declared: &BTreeSet<&Address>,
        ledger: &mut Ledger,
        recovered: &mut Recovered,
    ) {
        let Self { place, name, owner, address, kind, id } = self;
        let mut deposed = ledger.deposed.get(&address).into_iter().flatten();
        if deposed.any(|entry| entry.id == id && entry.place == *place) {
            return;
        }
        let known = ledger.resources.get(&address).map(|entry| entry.id.as_str());
        if known == Some(id.as_str()) || (known.is_none() && declared.contains(&address)) {
            return;
        }
        match confirm(session, kind, place, &id, &owner).await {
            Ok(None) => {}
            Ok(Some(_)) if known.is_some() => {
                let why =
                    format!("{name} has the same owner tags, but the ledger says {}", known.unwrap_or(""));
                recovered.unconfirmed.push((address, why));
            }
            Ok(Some(live)) => {
                let entry = Entry {
                    id: id.clone(),
                    place: place.clone(),
                    applied: ledger::now(),
                    protect: Owner::says(&live.tags, Owner::PROTECT),
                    retain: Owner::says(&live.tags, Owner::RETAIN),
                    incarnation: ledger.incarnation_fingerprint(kind.name(), place, &id, &live),
                    ..Entry::default()
                };
                ledger.resources.insert(address.clone(), entry);
                recovered.undeclared.push((address, id));
            }
            Err(error) => recovered.unconfirmed.push((address, format!("{name}: {error}"))),
        }
    }
}
