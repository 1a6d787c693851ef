//! The conditions that an apply checks: of a resource before its first write and after its last, and at the
//! end of what did not change.

use super::executor::Executor;
use super::retry::Outcome;
use crate::diag::Diagnostic;
use crate::eval::{EvalContext, Instance, Judgement};
use crate::graph::Address;
use crate::plan::order::{Step, Unit};
use crate::plan::{Action, Change, Plan, Reason};
use crate::value::Value;
use std::collections::BTreeMap;

impl<'a> Executor<'_, 'a, '_> {
    /// Checks the preconditions of a resource before a unit that changes it.
    pub(super) fn permit(&self, unit: &Unit, change: &Change, instance: &Instance<'a>) -> Outcome<()> {
        let is_first = match (unit.step, change.action) {
            (Step::Create | Step::Update, _) => true,
            // A replacement that is impossible must not delete the old resource.
            (Step::Release | Step::Destroy, Action::Replace { create_first: false }) => {
                unit.deposed.is_none()
            }
            _ => false,
        };
        if !is_first || instance.resource.preconditions.is_empty() {
            return Ok(());
        }
        let judged = self.eval.preconditions(instance);
        // Values that are known only after the old one is deleted are checked before the create call.
        let open = judged.open.clone().filter(|_| matches!(unit.step, Step::Create | Step::Update));
        let mut errors = judged.errors();
        if let (Some(unknown), true) = (open, errors.is_empty()) {
            errors.push(
                Diagnostic::error(
                    "undecided",
                    format!("{}: a precondition cannot be checked yet: {unknown}", instance.address),
                )
                .at(instance.resource.span, "")
                .help("apply without --target, or add that address to the targets"),
            );
        }
        let errors: Vec<_> = errors.into_iter().map(|one| one.note("it was left as it is")).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Checks the postconditions of a resource after its last unit.
    pub(super) fn confirm(
        &self,
        unit: &Unit,
        change: &Change,
        instance: &Instance<'a>,
        view: &Value,
    ) -> Outcome<()> {
        let completed_later =
            unit.step == Step::Create && change.deferred.keys().any(|needed| self.made.contains(needed));
        if completed_later || instance.resource.postconditions.is_empty() {
            return Ok(());
        }
        let errors = self.eval.postconditions(instance, view).errors();
        let did = unit.step.did();
        let errors: Vec<_> = errors
            .into_iter()
            .map(|one| one.note(format!("it was {did}; what depends on it was skipped")))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// The errors of conditions of resources that did not change, and of outputs, after everything was
/// applied.
pub(super) fn unmet<'a>(
    eval: &EvalContext<'a>,
    plan: &Plan,
    instances: &BTreeMap<Address, Instance<'a>>,
    partial: bool,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let kept =
        plan.changes.iter().filter(|change| change.action == Action::NoOp && change.reason == Reason::Same);
    for (change, instance) in kept.filter_map(|change| Some((change, instances.get(&change.address)?))) {
        let resource = instance.resource;
        if resource.preconditions.is_empty() && resource.postconditions.is_empty() {
            continue;
        }
        let live = change.live.as_ref();
        let view = eval.view(instance, live.map(|live| &live.attrs), live.map(|live| &live.spec));
        errors.extend(eval.preconditions(instance).errors());
        errors.extend(eval.postconditions(instance, &view).errors());
    }
    if !partial {
        let outputs = eval.output_conditions().into_iter();
        errors.extend(outputs.flat_map(|(_, judged): (String, Judgement)| judged.errors()));
    }
    errors
}
