//! Evaluates the stack as if nothing were replaced or changed. This shows which values are unknown
//! only because of a replacement, and the previous values of outputs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Change, Past, Unreplaced, complete};
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::ledger::{Entry, Ledger};
use crate::schema::normalize;
use crate::value::Value;

/// Fills in [`Change::unreplaced`] for resources that refer to replaced ones.
pub(super) fn fill_in<'l>(
    eval: &EvalContext<'_>,
    ledger: &'l Ledger,
    entry: impl Fn(&Address) -> Option<&'l Entry>,
    changes: &mut BTreeMap<Address, Change>,
) {
    let replaced: BTreeSet<String> = changes
        .values()
        .filter(|change| matches!(change.action, Action::Replace { .. }))
        .map(|change| change.address.to_string())
        .collect();
    if replaced.is_empty() {
        return;
    }
    eval.aside(|| {
        for instance in all(eval) {
            let Some(change) = changes.get_mut(&instance.address) else { continue };
            let Some(live) = &change.live else { continue };
            eval.show(&instance.address, eval.view(&instance, Some(&live.attrs), Some(&live.spec)));
            let mut unknown = BTreeSet::new();
            unknowns(&change.desired, &mut unknown);
            let replaced: BTreeSet<String> = unknown.intersection(&replaced).cloned().collect();
            if !replaced.is_empty() {
                let found = normalize(&instance.kind.schema().spec, live.spec.clone());
                let (desired, _) = complete(
                    &instance,
                    found,
                    &Past::of(instance.kind, entry(&instance.address), live),
                    ledger,
                );
                change.unreplaced = Some(Unreplaced { desired, replaced });
            }
        }
    });
}

/// The outputs after the last apply, as far as the ledger's fingerprints prove them. A proven value
/// is either the planned output, or the output evaluated with live values; otherwise it is `None`.
/// Outputs that did not exist are left out.
pub(super) fn outputs(
    eval: &EvalContext<'_>,
    ledger: &Ledger,
    after: &BTreeMap<String, Value>,
    changes: &BTreeMap<Address, Change>,
) -> BTreeMap<String, Option<Value>> {
    let stays = |name: &str, print: &str| {
        after.get(name).filter(|value| ledger.is_output(name, print, value)).cloned()
    };
    let mut before: BTreeMap<String, Option<Value>> =
        ledger.outputs.iter().map(|(name, print)| (name.clone(), stays(name, print))).collect();
    // Outputs that are no longer declared cannot be evaluated.
    if before.iter().all(|(name, value)| value.is_some() || !eval.stack.root.outputs.contains_key(name)) {
        return before;
    }
    let live = eval.aside(|| {
        for instance in all(eval) {
            let Some(change) = changes.get(&instance.address) else { continue };
            let Some(live) = &change.live else { continue };
            let tags = live.tags.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
            let was = Instance { spec: change.existing.clone(), tags, ..instance };
            eval.show(&was.address, eval.view(&was, Some(&live.attrs), Some(&live.spec)));
        }
        // Outputs that live values cannot evaluate stay unknown.
        eval.outputs(&mut Vec::new())
    });
    for (name, value) in before.iter_mut().filter(|(_, value)| value.is_none()) {
        if let (Some(live), Some(print)) = (live.get(name), ledger.outputs.get(name))
            && ledger.is_output(name, print, live)
        {
            *value = Some(live.clone());
        }
    }
    before
}

/// All instances in order, evaluated by the values shown at that time. Their problems have already
/// been reported.
fn all<'s, 'a>(eval: &'s EvalContext<'a>) -> impl Iterator<Item = Instance<'a>> + use<'s, 'a> {
    let all = eval.declarations().flat_map(|declaration| eval.instances(declaration, &mut Vec::new()));
    all.filter(|instance| !instance.resource.is_data)
}

/// Collects the addresses that unknown parts of a value depend on.
pub(super) fn unknowns(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Unknown(unknown) => drop(found.insert(unknown.address.clone())),
        Value::List(list) | Value::Set(list) => list.iter().for_each(|value| unknowns(value, found)),
        Value::Map(map) => map.values().for_each(|value| unknowns(value, found)),
        Value::Secret(inner) => unknowns(inner, found),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
