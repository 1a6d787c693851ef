//! Detects renames without a `[[moved]]`.

use std::collections::BTreeMap;

use super::applied::complete;
use super::declared::removed;
use super::draft::Draft;
use super::survey::Surveyor;
use super::{Action, Change, Past, Reason, diff};
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
    let gone = || {
        ledger.resources.iter().filter(|(address, _)| {
            !addresses.is_declared(address)
                && !addresses.is_left(address)
                && removed(stack, address).is_none()
        })
    };
    let mut renamed = BTreeMap::new();
    for (address, (instance, id)) in &surveyor.newcomers {
        let named = gone().find(|(old, entry)| {
            old.kind == address.kind && entry.region == instance.region && Some(&entry.id) == id.as_ref()
        });
        if let Some((old, _)) = named {
            renamed.insert(address.clone(), old.clone());
            continue;
        }
        let made = draft.changes.get(address);
        if id.is_some() || made.is_none_or(|change| change.reason != Reason::New) {
            continue;
        }
        let alike: Vec<&Address> = gone()
            .filter(|(old, entry)| old.kind == address.kind && entry.region == instance.region)
            .filter(|(old, _)| draft.changes.get(old).is_some_and(|old| is_alike(instance, old, ledger)))
            .map(|(old, _)| old)
            .collect();
        let rivals = surveyor.newcomers.values().filter(|(other, id)| {
            id.is_none()
                && other.address.kind == address.kind
                && other.region == instance.region
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
