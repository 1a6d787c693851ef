//! The declared resources of an apply.

use std::collections::BTreeMap;

use super::pending::Pending;
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kind::State;
use crate::plan::{Action, Change, Plan};

/// Resources that match their declaration but that AWS is still working on, by address.
pub(super) fn busy<'b, 'a>(
    plan: &'b Plan,
    instances: &'b BTreeMap<Address, Instance<'a>>,
) -> BTreeMap<&'b Address, (&'b Change, &'b Instance<'a>)> {
    let busy = plan.changes.iter().filter(|change| {
        let state = change.live.as_ref().map(|live| &live.state);
        change.action == Action::NoOp && matches!(state, Some(State::Busy(_)))
    });
    busy.filter_map(|one| Some((&one.address, (one, instances.get(&one.address)?)))).collect()
}

/// All declared instances, and the data that the apply reads, in order. Each instance is shown to its
/// dependents as it is at AWS.
pub(super) fn instances<'a>(
    eval: &EvalContext<'a>,
    plan: &Plan,
) -> (BTreeMap<Address, Instance<'a>>, Vec<Pending<'a>>) {
    let mut problems = Vec::new();
    let (mut instances, mut pending) = (BTreeMap::new(), Vec::new());
    let planned: BTreeMap<&Address, &Change> =
        plan.changes.iter().map(|change| (&change.address, change)).collect();
    for declaration in eval.declarations() {
        for instance in eval.instances(declaration, &mut problems) {
            if instance.resource.is_data {
                if eval.is_later(&instance.address) {
                    pending.push(Pending::of(instance));
                }
                continue;
            }
            let live = planned
                .get(&instance.address)
                .filter(|change| matches!(change.action, Action::NoOp | Action::Update))
                .and_then(|change| change.live.as_ref());
            eval.show(
                &instance.address,
                eval.view(&instance, live.map(|live| &live.attrs), live.map(|live| &live.spec)),
            );
            // The plan also knows needs that follow from no reference.
            let needs = planned.get(&instance.address).map(|change| change.needs.clone());
            let needs = needs.unwrap_or_else(|| instance.needs.clone());
            instances.insert(instance.address.clone(), Instance { needs, ..instance });
        }
    }
    (instances, pending)
}
