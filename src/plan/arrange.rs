//! The third stage of a plan: of all decided changes, it selects those that were asked for, refuses
//! what is protected, and finds an order.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::Addresses;
use super::connect::{Names, connect};
use super::draft::Draft;
use super::protect::protect;
use super::replacement::refuse_clashes;
use super::select::{Selected, select};
use super::settle::{Rules, settle};
use super::{Change, Inputs};
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::ErasedKind;
use crate::kinds;
use crate::schema::PathStep;

/// The changes of a plan.
pub(super) struct Arranged {
    /// One change per declared or owned resource.
    pub(super) changes: BTreeMap<Address, Change>,
    /// The selected deposed resources.
    pub(super) deposed: Vec<Change>,
}

/// Arranges the decided changes. `names` are the references between declared resources.
///
/// # Errors
/// Selected resources are undecided, protected or held, or have no order.
pub(super) fn arrange(
    mut draft: Draft,
    inputs: &Inputs<'_, '_>,
    addresses: &Addresses<'_>,
    names: &BTreeMap<Address, Names>,
) -> Result<Arranged, Vec<Diagnostic>> {
    refuse_doubles(&mut draft);
    connect(names, &mut draft.changes);
    let Selected { mut changes, mut deposed, mut problems } = select(draft, inputs.selection, addresses);
    if !inputs.selection.recover && inputs.selection.import.is_none() {
        problems.extend(protect(&changes, &deposed, inputs, addresses));
        let (stack, scope) = (inputs.eval.stack, &inputs.eval.facts.scope);
        let applied = |address: &Address| {
            let needs = addresses.entry(address).into_iter().flat_map(|entry| &entry.needs);
            needs.map(|needed| addresses.present(needed).clone()).collect()
        };
        let fixed = |address: &Address, attribute: &str| {
            let ignored = stack.resource(address).map(|one| one.lifecycle.ignore_changes.as_slice());
            let mut ignored = ignored.unwrap_or_default().iter();
            ignored.any(|one| matches!(one.path.first(), Some(PathStep::Name(name)) if name == attribute))
        };
        let first = addresses.declared().iter().filter(|(_, terms)| terms.create_before_destroy);
        let first: BTreeSet<Address> = first.map(|(address, _)| address.clone()).collect();
        let rules = Rules { scope, applied: &applied, fixed: &fixed };
        problems.extend(settle(&mut changes, &mut deposed, first, &rules));
        problems.extend(refuse_clashes(&changes, stack, scope));
    }
    if problems.is_empty() { Ok(Arranged { changes, deposed }) } else { Err(problems) }
}

/// Refuses to change a resource that has two addresses: a change of one would change both.
fn refuse_doubles(draft: &mut Draft) {
    let mut by_id: BTreeMap<(&str, Place, &str), Vec<&Change>> = BTreeMap::new();
    for change in draft.changes.values().filter(|change| change.live.is_some()) {
        let Some(id) = &change.id else { continue };
        let kind = kinds::kind(&change.address.kind);
        let place = change.existing_place().unique(kind.is_some_and(ErasedKind::global));
        by_id.entry((&change.address.kind, place, id)).or_default().push(change);
    }
    let mut refused = Vec::new();
    for ((_, _, id), changes) in by_id.into_iter().filter(|(_, changes)| changes.len() > 1) {
        for change in &changes {
            let others = changes.iter().filter(|other| other.address != change.address);
            let others: Vec<String> = others.map(|other| other.address.to_string()).collect();
            let message = format!("{} is {id}, and so is {}", change.address, others.join(", "));
            let error = Diagnostic::error("not-ours", message).note("it was left as it is");
            let error = error.help("give each its own id, such as a free one in an [[import]]");
            let forget = format!("to give up one address: dwctl ledger forget '{}'", change.address);
            refused.push((change.address.clone(), error.help(forget)));
        }
    }
    for (address, refusal) in refused {
        draft.refuse(&address, [refusal]);
    }
}
