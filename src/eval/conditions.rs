//! Evaluates the conditions of resources, outputs and checks.

use super::resolve::Names;
use super::{EvalContext, Instance};
use crate::diag::{Diagnostic, Severity};
use crate::stack::{Condition, Verdict};
use crate::value::{Unknown, Value};

/// The result of some conditions.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// An error for each condition that is not met.
    pub failed: Vec<Diagnostic>,
    /// The errors of conditions that have no result.
    pub broken: Vec<Diagnostic>,
    /// The first value that is not known yet, if one is needed.
    pub open: Option<Unknown>,
}

impl Judgement {
    /// The code of a precondition that is not met.
    pub const BEFORE: &'static str = "precondition-failed";
    /// The code of a postcondition that is not met.
    pub const AFTER: &'static str = "postcondition-failed";
    /// The code of a check that is not met.
    pub const CHECK: &'static str = "check-failed";

    /// All errors.
    pub fn errors(self) -> Vec<Diagnostic> {
        self.failed.into_iter().chain(self.broken).collect()
    }
}

impl EvalContext<'_> {
    /// Evaluates the preconditions of an instance.
    pub fn preconditions(&self, instance: &Instance<'_>) -> Judgement {
        let names = Names::new(self, instance.each_names());
        judge(&instance.resource.preconditions, &names, Judgement::BEFORE, &instance.address.to_string())
    }

    /// Evaluates the postconditions of an instance, which see this view of it.
    pub fn postconditions(&self, instance: &Instance<'_>, view: &Value) -> Judgement {
        let names = Names::new(self, instance.each_names()).of_resource(instance.kind.name(), view);
        judge(&instance.resource.postconditions, &names, Judgement::AFTER, &instance.address.to_string())
    }

    /// Evaluates the preconditions of the outputs, by output.
    pub fn output_conditions(&self) -> Vec<(String, Judgement)> {
        let names = Names::new(self, None);
        let outputs = self.stack.root.outputs.iter().filter(|(_, output)| !output.preconditions.is_empty());
        let judged = outputs.map(|(name, output)| {
            let subject = format!("output `{name}`");
            (subject.clone(), judge(&output.preconditions, &names, Judgement::BEFORE, &subject))
        });
        judged.collect()
    }

    /// Evaluates the checks. A condition that is not met is a warning; one that has no result is an error, as
    /// in Terraform.
    pub fn checks(&self) -> Vec<(String, Judgement)> {
        let names = Names::new(self, None);
        let judged = self.stack.root.checks.iter().map(|(name, conditions)| {
            let subject = format!("check `{name}`");
            let mut judged = judge(conditions, &names, Judgement::CHECK, &subject);
            judged.failed.iter_mut().for_each(|one| one.severity = Severity::Warning);
            (subject, judged)
        });
        judged.collect()
    }
}

fn judge(conditions: &[Condition], names: &Names<'_, '_>, code: &'static str, subject: &str) -> Judgement {
    let mut judged = Judgement::default();
    for condition in conditions {
        match condition.evaluate(names, &mut judged.broken) {
            Some(Verdict::Failed(message)) => {
                let error = condition.failure(code, subject, &message);
                judged.failed.push(condition.with_values(error, names));
            }
            Some(Verdict::Unknown(unknown)) => drop(judged.open.get_or_insert(unknown)),
            Some(Verdict::Met) | None => {}
        }
    }
    judged
}
