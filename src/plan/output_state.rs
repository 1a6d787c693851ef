//! The outputs as they are at AWS now, whatever the stack declares.

use std::collections::{BTreeMap, BTreeSet};

use super::unreplaced::unknowns;
use super::{Change, Plan, Reason, value_text};
use crate::diag::Diagnostic;
use crate::eval::{EvalContext, Instance};
use crate::ledger::{Ledger, is_of_secret};
use crate::value::Value;

/// An output as it is at AWS.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputState {
    /// It has a value.
    There {
        /// The value.
        value: Value,
        /// The value after the next apply, if it differs.
        next: Option<Value>,
        /// The last apply left an output of this name.
        was_there: bool,
    },
    /// It refers to these addresses, which do not exist.
    Missing(BTreeSet<String>),
    /// Live values cannot evaluate it, for this reason.
    Broken(String),
    /// Its declaration changed since the last apply, and there are changes to apply. Nothing proves
    /// that its value refers to existing resources.
    Unapplied {
        /// The last apply left an output of this name.
        was_there: bool,
    },
}

impl OutputState {
    /// Describes the part of an output that is not applied yet.
    pub fn pending(&self, name: &str) -> Option<String> {
        let words = match self {
            Self::There { next: None, was_there: true, .. } => return None,
            Self::There { next: None, was_there: false, .. } => {
                "is not applied yet: its value comes from live AWS".to_owned()
            }
            Self::There { value, next: Some(next), .. } => {
                let next = if value.contains_secret() { next.clone().into_secret() } else { next.clone() };
                format!("changes with the next apply: it will be {}", value_text(&next))
            }
            Self::Missing(addresses) => {
                let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
                let verb = if addresses.len() == 1 { "does" } else { "do" };
                format!("has no value: {} {verb} not exist at AWS", addresses.join(", "))
            }
            Self::Broken(message) => {
                format!("has no value at AWS: {message}")
            }
            Self::Unapplied { was_there: false } => "has no value: it is not applied yet".to_owned(),
            Self::Unapplied { was_there: true } => {
                "has no value: its declaration changed, and is not applied yet".to_owned()
            }
        };
        Some(format!("Output {name} {words}."))
    }
}

/// Returns every declared output as it is at AWS. The ledger keeps no values, so a value needs one
/// of these proofs: its fingerprint, a plan without changes, or that all its parts are read from
/// existing resources.
pub fn output_states(eval: &EvalContext<'_>, ledger: &Ledger, plan: &Plan) -> BTreeMap<String, OutputState> {
    let live = eval.aside(|| {
        for declaration in eval.declarations() {
            let instances = eval.instances(declaration, &mut Vec::new());
            let instances = instances.iter().filter(|one| !one.resource.is_data);
            instances.for_each(|one| eval.hide(&one.address));
        }
        plan.changes.iter().for_each(|change| show(eval, ledger, change));
        eval.each_output()
    });
    let settled = plan.is_empty();
    // A stack that was never applied has no outputs, not even an empty list.
    let applied_before =
        !ledger.resources.is_empty() || plan.changes.iter().any(|change| change.live.is_some());
    let of_output = |(name, (value, problems)): (String, (Value, Vec<Diagnostic>))| {
        let print = ledger.outputs.get(&name);
        let next = plan.outputs.get(&name);
        let state = match problems.into_iter().next() {
            Some(problem) => OutputState::Broken(problem.message),
            None if value.contains_unknown() => {
                let mut missing = BTreeSet::new();
                unknowns(&value, &mut missing);
                OutputState::Missing(missing)
            }
            None => {
                let was = |value: &Value| print.is_some_and(|print| ledger.is_output(&name, print, value));
                let proved = settled
                    || applied_before
                        && (was(&value) || next.is_some_and(was) || eval.is_of_resources(&name));
                // AWS returns in the open what the stack or the last apply keeps secret.
                let secret = print.is_some_and(|print| is_of_secret(print))
                    || next.is_some_and(Value::contains_secret);
                let differs = |next: &&Value| (*next).clone().reveal() != value.clone().reveal();
                match proved {
                    true => OutputState::There {
                        next: next.filter(differs).cloned(),
                        was_there: print.is_some(),
                        value: if secret { value.into_secret() } else { value },
                    },
                    false => OutputState::Unapplied { was_there: print.is_some() },
                }
            }
        };
        (name, state)
    };
    live.into_iter().map(of_output).collect()
}

/// Makes resources that an apply did not select visible as they are at AWS: they were neither
/// created nor changed, although the stack declares them.
pub fn show_unselected<'c>(
    eval: &EvalContext<'_>,
    ledger: &Ledger,
    changes: impl IntoIterator<Item = &'c Change>,
) {
    for change in changes.into_iter().filter(|change| change.reason == Reason::Unselected) {
        match (&change.live, &change.id) {
            (Some(_), _) => show(eval, ledger, change),
            (None, None) => eval.hide(&change.address),
            // The resource was not read, or is gone.
            (None, Some(_)) => {
                eval.show(&change.address, Value::unknown(change.address.to_string(), ""));
            }
        }
    }
}

/// Makes a resource visible as it is, if it exists.
fn show(eval: &EvalContext<'_>, ledger: &Ledger, change: &Change) {
    let declaration = eval.declaration(&change.address);
    // The address may exist although the declaration no longer has it, because its `for_each`
    // changed.
    let declaration =
        declaration.filter(|one| one.resource.for_each.is_some() == change.address.key.is_some());
    let (Some(declaration), Some(live)) = (declaration, &change.live) else { return };
    let Some(kind) = crate::kinds::kind(&change.address.kind) else { return };
    let entry = ledger.resources.get(change.recorded_as());
    let is_secret = |name: &str| {
        let print = entry.and_then(|entry| entry.fingerprints.get(name));
        print.is_some_and(|print| is_of_secret(print))
            || change.desired.get(name).is_some_and(Value::contains_secret)
    };
    let mut spec = change.existing.clone();
    if let Value::Map(attributes) = &mut spec {
        for (_, value) in attributes.iter_mut().filter(|(name, _)| is_secret(name)) {
            *value = std::mem::take(value).into_secret();
        }
    }
    let tags = live.tags.iter().map(|(name, value)| {
        let value = Value::from(value.as_str());
        (name.clone(), if is_secret(&format!("tags.{name}")) { value.into_secret() } else { value })
    });
    let instance = Instance {
        place: change.existing_place().clone(),
        spec,
        tags: tags.collect(),
        ..eval.blank(change.address.clone(), kind, declaration)
    };
    eval.show(&change.address, eval.view(&instance, Some(&live.attrs), Some(&live.spec)));
}
