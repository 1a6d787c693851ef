//! Resources that AWS does not move: what they name is in another place, such as another VPC.

use std::collections::{BTreeMap, BTreeSet};

use super::{AttributeChange, Change};
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::Link;
use crate::schema::PathStep;
use crate::value::Value;

/// Marks the attributes by which an instance would move to another place as forcing its replacement; see
/// [`Link::within`]. `changes` are those of its dependencies.
pub(super) fn force_replacement(
    instance: &Instance<'_>,
    existing: &Value,
    desired: &Value,
    changes: &BTreeMap<Address, Change>,
    attributes: &mut [AttributeChange],
) {
    for link in instance.kind.links() {
        let Some(place) = link.within else { continue };
        let named = changes.values().filter(|change| change.address.kind == link.kind);
        let before: BTreeSet<Option<&str>> = named
            .clone()
            .filter(|change| is_named(change, link, existing))
            .map(|change| text(&change.existing, place))
            .collect();
        let after: BTreeSet<Option<&str>> = named
            .filter(|change| instance.needs.contains(&change.address))
            .filter(|change| change.is_created_or_replaced() || is_named(change, link, desired))
            .map(|change| text(&change.desired, place))
            .collect();
        if before.is_empty() || after.is_empty() || !before.is_disjoint(&after) {
            continue;
        }
        for one in attributes.iter_mut() {
            let root = one.path.first();
            one.forces_replacement |= matches!(root, Some(PathStep::Name(name)) if name == link.root());
        }
    }
}

fn is_named(change: &Change, link: &Link, spec: &Value) -> bool {
    change.id.as_deref().is_some_and(|id| link.names(spec).contains(&id))
}

/// The place, or `None` if it is not known yet: then it is a new one.
fn text<'v>(spec: &'v Value, place: &str) -> Option<&'v str> {
    spec.get(place).and_then(Value::as_str)
}
