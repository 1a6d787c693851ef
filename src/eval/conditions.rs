//! Evaluates the conditions of resources, outputs and checks.

use super::resolve::Names;
use super::{EvalContext, Instance};
use crate::diag::{Diagnostic, Severity};
use crate::graph::ModulePath;
use crate::stack::{Condition, Module, Verdict};
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
        let names = Names::of(self, instance, instance.each_names());
        let conditions = &instance.resource.preconditions;
        let judged = judge(conditions, &names, Judgement::BEFORE, &instance.address.to_string());
        self.judged_in(judged, &instance.address.module)
    }

    /// Evaluates the postconditions of an instance, which see this view of it.
    pub fn postconditions(&self, instance: &Instance<'_>, view: &Value) -> Judgement {
        let names = Names::of(self, instance, instance.each_names()).of_resource(instance.kind.name(), view);
        let conditions = &instance.resource.postconditions;
        let judged = judge(conditions, &names, Judgement::AFTER, &instance.address.to_string());
        self.judged_in(judged, &instance.address.module)
    }

    /// Evaluates the preconditions of the outputs, those of modules included.
    pub fn output_conditions(&self) -> Vec<(String, Judgement)> {
        self.in_modules(|module, names, prefix| {
            let outputs = module.outputs.iter().filter(|(_, output)| !output.preconditions.is_empty());
            let judged = outputs.map(|(name, output)| {
                let subject = format!("output `{prefix}{name}`");
                let judged = judge(&output.preconditions, names, Judgement::BEFORE, &subject);
                (subject, judged)
            });
            judged.collect()
        })
    }

    /// Evaluates the checks, those of modules included. A condition that is not met is a warning; one that
    /// has no result is an error, as in Terraform.
    pub fn checks(&self) -> Vec<(String, Judgement)> {
        self.in_modules(|module, names, prefix| {
            let judged = module.checks.iter().map(|(name, conditions)| {
                let subject = format!("check `{prefix}{name}`");
                let mut judged = judge(conditions, names, Judgement::CHECK, &subject);
                judged.failed.iter_mut().for_each(|one| one.severity = Severity::Warning);
                (subject, judged)
            });
            judged.collect()
        })
    }

    /// Judges something of the stack and of every module instance. The names of what is in a module begin
    /// with its path.
    fn in_modules(
        &self,
        judge: impl Fn(&Module, &Names<'_, '_>, &str) -> Vec<(String, Judgement)>,
    ) -> Vec<(String, Judgement)> {
        let mut all = Vec::new();
        for scope in self.references.scopes.ids() {
            let module = self.references.scopes.get(scope).module;
            if module.checks.is_empty() && module.outputs.values().all(|one| one.preconditions.is_empty()) {
                continue;
            }
            for path in self.paths(scope).list.iter() {
                let prefix = if path.is_root() { String::new() } else { format!("{path}.") };
                let judged = judge(module, &Names::within(self, scope, path, None), &prefix);
                all.extend(judged.into_iter().map(|(subject, one)| (subject, self.judged_in(one, path))));
            }
        }
        all
    }

    /// The same, with the way through the modules to it.
    fn judged_in(&self, mut judged: Judgement, path: &ModulePath) -> Judgement {
        for problem in judged.failed.iter_mut().chain(&mut judged.broken) {
            *problem = self.on_the_way(problem.clone(), path);
        }
        judged
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
