//! The conditions of a plan: those that are not met, and those that only the apply can tell.

use std::collections::{BTreeMap, BTreeSet};

use super::output_state::show_unselected;
use super::{Action, Change, Inputs, Reason, warning};
use crate::diag::{Diagnostic, counted};
use crate::eval::{Instance, Judgement};
use crate::graph::Address;
use crate::lang::Reference;
use crate::value::Value;

/// Maximum number of unmet conditions of checks that are told one by one.
const MOST: usize = 50;
/// Maximum number of subjects named in one warning.
const NAMED: usize = 5;

/// The conditions that a plan has evaluated so far.
#[derive(Default)]
pub(super) struct Conditions {
    /// Resources with a condition whose result is not known yet.
    open: BTreeSet<Address>,
}

impl Conditions {
    /// Returns whether the plan evaluates conditions: it is about declared resources at AWS.
    fn count(inputs: &Inputs<'_, '_>) -> bool {
        let one = inputs.selection;
        !(inputs.offline || one.destroy || one.drift || one.recover || one.import.is_some())
    }

    /// Evaluates the preconditions of an instance.
    ///
    /// # Errors
    /// They are not met.
    pub(super) fn before(
        &mut self,
        inputs: &Inputs<'_, '_>,
        instance: &Instance<'_>,
    ) -> Result<(), Vec<Diagnostic>> {
        if instance.resource.preconditions.is_empty() || !Self::count(inputs) {
            return Ok(());
        }
        self.take(&instance.address, inputs.eval.preconditions(instance))
    }

    /// Evaluates the postconditions of an instance by what it will be.
    ///
    /// # Errors
    /// They will not be met.
    pub(super) fn after(
        &mut self,
        inputs: &Inputs<'_, '_>,
        instance: &Instance<'_>,
        change: &Change,
        view: &Value,
    ) -> Result<(), Vec<Diagnostic>> {
        if instance.resource.postconditions.is_empty() || !Self::count(inputs) {
            return Ok(());
        }
        // An update may change what AWS decides. Only the apply sees that.
        let decided = instance.kind.schema().attrs.fields();
        let is_decided = |one: Reference| {
            one.root == "self"
                && one.name(0).is_none_or(|name| decided.is_some_and(|all| all.contains_key(name)))
        };
        let mut judged = inputs.eval.postconditions(instance, view);
        if change.action == Action::Update
            && !judged.failed.is_empty()
            && instance.resource.postconditions.iter().flat_map(|one| one.references()).any(is_decided)
        {
            judged.failed.clear();
            self.open.insert(instance.address.clone());
        }
        self.take(&instance.address, judged)
    }

    /// Evaluates the postconditions of data by what was found.
    ///
    /// # Errors
    /// They are not met.
    pub(super) fn after_read(
        &mut self,
        inputs: &Inputs<'_, '_>,
        instance: &Instance<'_>,
        view: &Value,
    ) -> Result<(), Vec<Diagnostic>> {
        if instance.resource.postconditions.is_empty() || !Self::count(inputs) {
            return Ok(());
        }
        self.take(&instance.address, inputs.eval.postconditions(instance, view))
    }

    fn take(&mut self, address: &Address, judged: Judgement) -> Result<(), Vec<Diagnostic>> {
        if judged.open.is_some() {
            self.open.insert(address.clone());
        }
        let errors = judged.errors();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Evaluates the conditions of outputs and the checks. Returns the errors and the warnings.
    pub(super) fn conclude(
        self,
        inputs: &Inputs<'_, '_>,
        changes: &BTreeMap<Address, Change>,
    ) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        if !Self::count(inputs) {
            return (Vec::new(), Vec::new());
        }
        let eval = inputs.eval;
        let (outputs, checks) = eval.aside(|| {
            if inputs.selection.is_partial() {
                show_unselected(eval, inputs.ledger, changes.values());
            }
            (eval.output_conditions(), eval.checks())
        });
        let is_selected = |address: &&Address| {
            changes.get(*address).is_some_and(|change| change.reason != Reason::Unselected)
        };
        let mut open: Vec<String> = self.open.iter().filter(is_selected).map(ToString::to_string).collect();
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        for (subject, judged) in outputs {
            open.extend(judged.open.is_some().then_some(subject));
            // In a partial plan, other resources may be missing.
            if !inputs.selection.is_partial() {
                problems.extend(judged.failed.into_iter().chain(judged.broken));
            }
        }
        for (subject, judged) in checks {
            open.extend(judged.open.is_some().then_some(subject));
            warnings.extend(judged.failed);
            if !inputs.selection.is_partial() {
                problems.extend(judged.broken);
            }
        }
        let warnings = few(warnings);
        (problems, warnings.into_iter().chain(later(&open)).collect())
    }
}

/// The warnings of checks, as many as there is room for.
pub fn few(mut warnings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let more = warnings.len().saturating_sub(MOST);
    warnings.truncate(MOST);
    if more > 0 {
        let verb = if more == 1 { "is" } else { "are" };
        let what = format!("{} {verb} not met", counted(more, "more check"));
        warnings.push(Diagnostic::warning(warning::CHECK, what));
    }
    warnings
}

/// A warning that names what only the apply can check.
fn later(open: &[String]) -> Option<Diagnostic> {
    let named = open.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = open.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = format!("conditions are known after apply, and checked then: {named}{more}");
    (!open.is_empty()).then(|| Diagnostic::warning(warning::LATER, what))
}
