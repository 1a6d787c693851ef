//! Detects renames without a `[[moved]]`.

use std::collections::BTreeMap;

use super::applied::complete;
use super::declared::removed;
use super::draft::Draft;
use super::survey::Surveyor;
use super::{Action, Change, Past, Reason, diff};
use crate::aws::Place;
use crate::eval::Instance;
use crate::graph::Address;
use crate::ledger::Ledger;
use crate::schema::normalize;

/// Finds the new addresses whose resource is already at AWS under an old one. Either the id is the
/// same or, where AWS assigns ids, the one gone resource of the kind matches the one new declaration
/// exactly.
pub(super) fn renamed(surveyor: &Surveyor<'_, '_, '_>, draft: &Draft) -> BTreeMap<Address, Address> {
    let (ledger, stack) = (surveyor.inputs.ledger, surveyor.inputs.eval.stack);
    let addresses = &surveyor.addresses;
    let mut renamed = BTreeMap::new();
    if surveyor.newcomers.is_empty() {
        return renamed;
    }
    let is_gone = |address: &Address| {
        !addresses.is_declared(address) && !addresses.is_left(address) && removed(stack, address).is_none()
    };
    let gone: Vec<_> = ledger.resources.iter().filter(|(address, _)| is_gone(address)).collect();
    let mut by_id: BTreeMap<(&str, &Place, &str), &Address> = BTreeMap::new();
    let mut by_kind: BTreeMap<(&str, &Place), Vec<&Address>> = BTreeMap::new();
    for (old, entry) in &gone {
        by_id.entry((&old.kind, &entry.place, &entry.id)).or_insert(old);
        by_kind.entry((&old.kind, &entry.place)).or_default().push(old);
    }
    for (address, (instance, id)) in &surveyor.newcomers {
        let (kind, place) = (address.kind.as_str(), &instance.place);
        if let Some(old) = id.as_deref().and_then(|id| by_id.get(&(kind, place, id))) {
            renamed.insert(address.clone(), (*old).clone());
            continue;
        }
        let made = draft.changes.get(address);
        if id.is_some() || made.is_none_or(|change| change.reason != Reason::New) {
            continue;
        }
        let of_kind = by_kind.get(&(kind, place)).into_iter().flatten().copied();
        let alike: Vec<&Address> = of_kind
            .filter(|old| draft.changes.get(old).is_some_and(|old| is_alike(instance, old, ledger)))
            .take(2)
            .collect();
        if alike.len() != 1 {
            continue;
        }
        let rivals = surveyor.newcomers.values().filter(|(other, id)| {
            id.is_none()
                && other.address.kind == address.kind
                && other.place == instance.place
                && other.spec == instance.spec
        });
        if let ([old], 1) = (alike.as_slice(), rivals.count()) {
            renamed.insert(address.clone(), (*old).clone());
        }
    }
    renamed
}

/// Returns whether a resource to be deleted matches the one to be created in every attribute.
fn is_alike(instance: &Instance<'_>, change: &Change, ledger: &Ledger) -> bool {
    let (Action::Delete, Some(live)) = (change.action, &change.live) else { return false };
    let schema = &instance.kind.schema().spec;
    let found = normalize(schema, live.spec.clone());
    let (want, have) = complete(instance, found, &Past::default(), ledger);
    diff(schema, &have, &want).is_empty()
}
