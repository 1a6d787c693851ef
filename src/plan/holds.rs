//! Holds: AWS does not delete a resource while another one names it. Either the new one is created
//! first and the holder takes it, or the holder releases the old one for a moment, or the plan is
//! refused.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Release};
use crate::graph::Address;
use crate::kind::{ErasedKind, Hold, Link};
use crate::kinds;
use crate::schema::normalize;
use crate::value::Value;

/// The code of diagnostics about held resources.
pub(super) const CODE: &str = "held";

/// A resource of a plan: an address and, for a deposed resource, its index in
/// [`super::Plan::deposed`].
pub(super) type Place = (Address, Option<usize>);

/// One resource names another. If the link is a hold, AWS refuses to delete the other one while it is named.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) holder: Place,
    pub(super) held: Place,
    pub(super) link: Link,
    /// The names, as AWS has them.
    pub(super) names: Vec<String>,
}

/// The live spec in canonical form; fields that AWS cannot return are taken from `existing`.
pub fn overlaid(kind: &dyn ErasedKind, live: &Value, existing: &Value) -> Value {
    let schema = &kind.schema().spec;
    let mut spec = normalize(schema, live.clone());
    if let Value::Map(spec) = &mut spec {
        let hidden = schema.fields().into_iter().flatten().filter(|(_, field)| field.marks.unreadable());
        for (name, _) in hidden {
            if let Some(value) = existing.get(name) {
                spec.insert(name.clone(), value.clone());
            }
        }
    }
    spec
}

/// The spec of a resource without the references that it releases.
pub fn without_released(kind: &dyn ErasedKind, spec: &Value, releases: &[Release]) -> Value {
    let mut spec = spec.clone();
    for release in releases {
        let link = kind.links().iter().find(|link| link.attribute == release.attribute);
        if let Some(link) = link {
            link.forget(&mut spec, &release.names);
        }
    }
    spec
}

/// All current holds at AWS, as far as the resources were read.
pub(super) fn holds<'c>(changes: impl IntoIterator<Item = &'c Change>, deposed: &'c [Change]) -> Vec<Held> {
    let mut found = named(changes, deposed);
    found.retain(|one| one.link.hold != Hold::None);
    let in_use: BTreeSet<Place> = found.iter().map(|one| one.held.clone()).collect();
    found.retain(|one| one.link.hold != Hold::InUse || in_use.contains(&one.holder));
    found
}

/// All resources that one names at AWS, whether it holds them or not, as far as they were read.
pub(super) fn named<'c>(changes: impl IntoIterator<Item = &'c Change>, deposed: &'c [Change]) -> Vec<Held> {
    type Placed<'c> = (Option<usize>, &'c Change);
    let changes: Vec<Placed<'_>> = (changes.into_iter().map(|change| (None, change)))
        .chain(deposed.iter().enumerate().map(|(index, change)| (Some(index), change)))
        .filter(|(_, change)| change.live.is_some())
        .collect();
    let mut named: BTreeMap<(&str, String), Vec<Placed<'_>>> = BTreeMap::new();
    for &(index, change) in &changes {
        for name in names_of(change) {
            named.entry((&change.address.kind, name)).or_default().push((index, change));
        }
    }
    let mut found: Vec<Held> = Vec::new();
    for &(index, holder) in &changes {
        let Some(kind) = kinds::kind(&holder.address.kind) else { continue };
        let own = found.len();
        for link in kind.links() {
            let global = kinds::kind(link.kind).is_some_and(|kind| kind.global());
            for name in link.names(&holder.existing) {
                for &(of, held) in named.get(&(link.kind, name.to_owned())).into_iter().flatten() {
                    let near = held.existing_place().is_near(holder.existing_place(), global);
                    let (holder, held) = ((holder.address.clone(), index), (held.address.clone(), of));
                    if !near || holder == held {
                        continue;
                    }
                    match found[own..].iter_mut().find(|one| {
                        one.holder == holder && one.held == held && one.link.attribute == link.attribute
                    }) {
                        Some(one) if !one.names.iter().any(|one| one == name) => {
                            one.names.push(name.to_owned())
                        }
                        Some(_) => {}
                        None => found.push(Held { holder, held, link: *link, names: vec![name.to_owned()] }),
                    }
                }
            }
        }
    }
    found
}

/// The names by which others may refer to the live resource.
fn names_of(change: &Change) -> BTreeSet<String> {
    let arn = change.live.as_ref().and_then(|live| live.attrs.get("arn")?.as_str().map(str::to_owned));
    change.id.iter().cloned().chain(arn).collect()
}
