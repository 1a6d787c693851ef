//! Reads data whose inputs only the apply knows.

use super::executor::Executor;
use super::pending::Pending;
use super::retry::Outcome;
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::live;

impl<'a> Executor<'_, 'a, '_> {
    /// Reads the data that a resource needs. What that needs has been applied.
    pub(super) async fn read_data(&self, instance: &Instance<'a>) -> Outcome<()> {
        for pending in self.pending.iter().filter(|one| instance.data.contains(&one.instance.address)) {
            let read = pending.read.get_or_init(|| self.read_pending(pending)).await;
            let note = |one: Diagnostic| one.note(format!("{} was left as it is", instance.address));
            read.clone().map_err(|problems| problems.into_iter().map(note).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Reads the data that is left when everything was applied: outputs and checks may see it. A partial apply
    /// may not have what it needs.
    pub(super) async fn read_rest(&self, partial: bool) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for pending in &self.pending {
            let is_open = pending.read.get().is_none();
            let read = pending.read.get_or_init(|| self.read_pending(pending)).await;
            // Others reported it already.
            problems.extend(read.clone().err().filter(|_| is_open && !partial).into_iter().flatten());
        }
        problems
    }

    async fn read_pending(&self, pending: &Pending<'a>) -> Outcome<()> {
        let Self { eval, session, .. } = *self;
        let mut instance = pending.instance.clone();
        let address = instance.address.clone();
        let on_the_way = |problems: Vec<Diagnostic>| -> Vec<Diagnostic> {
            problems.into_iter().map(|one| eval.on_the_way(one, &address.module)).collect()
        };
        let mut problems = Vec::new();
        if !eval.evaluate(&mut instance, &mut problems) {
            return Err(on_the_way(problems));
        }
        let errors = eval.preconditions(&instance).errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let Some(way) = eval.way_to(&instance) else {
            let needs = instance.spec.first_unknown();
            let needs =
                needs.map_or_else(String::new, |one| format!(": it needs {}.{}", one.address, one.attribute));
            return Err(on_the_way(vec![
                Diagnostic::error("undecided", format!("{address} cannot be read yet{needs}"))
                    .at(instance.resource.span, "")
                    .help("apply without --target, or add that address to the targets"),
            ]));
        };
        let found = live::read_data(session, &instance, &way).await.map_err(|one| on_the_way(vec![one]))?;
        let view = eval.data_view(&instance, Some(&found));
        let errors = eval.postconditions(&instance, &view).errors();
        eval.read_later(&address, false);
        eval.show(&address, view);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}
