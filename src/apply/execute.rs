//! Carries out units: creates and updates a resource and records it in the ledger, or passes the unit
//! on.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::executor::{Executor, Known, Unproven};
use super::record::{record, refused, take};
use super::retry::{Halt, Outcome};
use super::work::Work;
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::State;
use crate::kinds;
use crate::plan::Change;
use crate::plan::order::{Step, Unit};
use crate::signals;
use crate::value::Value;

impl<'a> Executor<'_, 'a, '_> {
    /// Runs one unit. Returns the physical id.
    pub(super) async fn run(
        &self,
        unit: &Unit,
        change: &Change,
        instance: Option<Instance<'a>>,
    ) -> Outcome<String> {
        let outcome = self.step(unit, change, instance).await;
        if let Some(kind) = kinds::kind(&unit.address.kind) {
            self.reads.ended(kind, place(unit, change));
        }
        outcome
    }

    async fn step(&self, unit: &Unit, change: &Change, instance: Option<Instance<'a>>) -> Outcome<String> {
        if let Some(instance) =
            instance.as_ref().filter(|_| unit.step == Step::Release || unit.step == Step::Destroy)
        {
            self.permit(unit, change, instance)?;
        }
        match (unit.step, instance) {
            (Step::Forget, _) => {
                self.remove_owner_tags(change).await?;
                self.forget(change);
                Ok(change.id.clone().unwrap_or_default())
            }
            (Step::Release, _) => self.release_held(unit, change).await,
            (Step::Destroy, instance) => {
                let declared = instance.is_some();
                let limit = instance.and_then(|instance| instance.timeout.delete);
                // Without its block, the one that it was last applied with counts.
                let recorded = || self.recorded_timeout(change);
                self.destroy(unit, change, if declared { limit } else { recorded() }).await
            }
            (Step::Create | Step::Update | Step::Complete, Some(instance)) => {
                self.apply_change(unit, change, instance).await
            }
            // Only declared resources are created or updated.
            (_, None) => Err(vec![Diagnostic::error("defect", format!("{} is not declared", unit.address))]),
        }
    }

    /// The `timeout.delete` in the ledger's entry of a resource, current or deposed.
    fn recorded_timeout(&self, change: &Change) -> Option<Duration> {
        let ledger = self.writer.ledger.borrow();
        let entry = ledger.entry_with_id(&change.address, change.existing_place(), change.id.as_deref()?)?;
        entry.delete_timeout.map(Duration::from_secs)
    }

    async fn apply_change(&self, unit: &Unit, change: &Change, instance: Instance<'a>) -> Outcome<String> {
        self.await_needed(unit, change).await?;
        self.read_data(&instance).await?;
        self.permit(unit, change, &instance)?;
        let instance = self.evaluated(unit, change, instance)?;
        let mut cx = self.session.cx(&instance.place);
        cx.files.clone_from(self.eval.files(&instance));
        let (kind, began) = (instance.kind, Instant::now());
        let (before, wrote, writing) = (RefCell::default(), Cell::default(), RefCell::default());
        let unproven = Cell::default();
        let instance = &instance;
        let work = Work {
            executor: self,
            unit,
            change,
            instance,
            kind,
            cx: &cx,
            began,
            before,
            wrote,
            writing,
            unproven,
        };
        let made = || self.writer.ledger.borrow().resources.get(&unit.address).map(|entry| entry.id.clone());
        let id = match unit.step {
            Step::Update => change.id.clone(),
            Step::Complete => made(),
            _ => None,
        };
        let (id, made) = match id {
            Some(id) => (id, None),
            None => {
                let made = match work.create().await {
                    Ok(made) => made,
                    Err(Halt::Failed(problem)) => return Err(vec![problem]),
                    Err(Halt::Foreign(problem)) => {
                        self.disclaim(&instance.address, None);
                        return Err(vec![problem]);
                    }
                };
                (made.id.clone(), Some(made))
            }
        };
        let fresh = made.as_ref().is_some_and(|made| made.now);
        let is_made = made.is_some();
        let answered = match made {
            Some(made) => made.live,
            // A unit before this one may have changed it.
            None if unit.step == Step::Update && change.releases.is_empty() => {
                self.just_read(change).cloned()
            }
            None => None,
        };
        let before = is_made.then(|| self.record_created(change, instance, &id, fresh));
        let live = match work.converge(&id, fresh, answered).await {
            Ok(converged) => converged,
            Err(Halt::Failed(problem)) => {
                self.settle(&work, &id, fresh).await;
                return Err(vec![problem]);
            }
            Err(Halt::Foreign(problem)) => {
                self.disclaim(&instance.address, before);
                return Err(vec![problem]);
            }
        };
        {
            let mut ledger = self.writer.ledger.borrow_mut();
            record(&mut ledger, instance, &id, Some(&live));
            ledger.intents.remove(&instance.address);
            self.writer.dirty.set(true);
        }
        if let Some(before) = before.filter(|_| work.unproven.get()) {
            let (unit, place, id, tags) = (unit.clone(), instance.place.clone(), id.clone(), work.tags());
            self.unproven.borrow_mut().push(Unproven { unit, kind, place, id, tags, before });
        }
        let view = self.eval.view(instance, Some(&live.attrs), Some(&live.spec));
        let met = self.confirm(unit, change, instance, &view);
        self.eval.show(&instance.address, view);
        met.map(|()| id)
    }

    /// Evaluates a declaration with what is known now.
    fn evaluated(&self, unit: &Unit, change: &Change, mut instance: Instance<'a>) -> Outcome<Instance<'a>> {
        let mut problems = Vec::new();
        if !self.eval.evaluate(&mut instance, &mut problems) {
            return Err(problems);
        }
        if unit.step == Step::Create {
            let later = change.deferred.iter().filter(|(needed, _)| self.made.contains(*needed));
            instance.defer(&later.flat_map(|(_, attributes)| attributes).collect());
        }
        let unknown =
            instance.spec.first_unknown().or_else(|| instance.tags.values().find_map(Value::first_unknown));
        let Some(unknown) = unknown else { return Ok(instance) };
        let words = format!("{} cannot be applied yet: {unknown}", instance.address);
        Err(vec![
            Diagnostic::error("undecided", words)
                .at(instance.resource.span, "")
                .note(format!("it needs {}.{}", unknown.address, unknown.attribute))
                .help("apply without --target, or add that address to the targets"),
        ])
    }

    /// Records a resource right after it was created. Returns what the ledger knew of its address before.
    fn record_created(&self, change: &Change, instance: &Instance<'_>, id: &str, fresh: bool) -> Known {
        let before = self.known(&instance.address);
        let mut ledger = self.writer.ledger.borrow_mut();
        // The new one was created first, and the old one is still to be deleted.
        if change.live.is_some() {
            ledger.depose(&instance.address);
        }
        // Created earlier, by a call that seemed lost: its settings may differ from today's declaration.
        let intended = ledger.intents.remove(&instance.address).map(|intent| intent.entry(id));
        match intended.filter(|_| !fresh) {
            Some(entry) => take(&mut ledger, instance, entry),
            None => record(&mut ledger, instance, id, None),
        }
        self.writer.dirty.set(true);
        before
    }

    /// Records what is known of a resource whose change failed. If AWS does not answer or is still
    /// working on it, the ledger keeps the note that this apply may have written it.
    async fn settle(&self, work: &Work<'_, '_, 'a, '_>, id: &str, fresh: bool) {
        let before = work.before.borrow_mut().take();
        if signals::is_aborting() {
            return;
        }
        let Ok(Some(live)) = work.read(id).await else { return };
        if live.state != State::Ready || (before.is_none() && !fresh) {
            return;
        }
        let mut ledger = self.writer.ledger.borrow_mut();
        let before = before.filter(|_| !fresh);
        refused(&mut ledger, work.instance, before.as_ref(), &live);
        self.writer.dirty.set(true);
    }

    /// The entries of an address in the ledger.
    fn known(&self, address: &Address) -> Known {
        let ledger = self.writer.ledger.borrow();
        (ledger.resources.get(address).cloned(), ledger.deposed.get(address).cloned())
    }

    /// Removes the intent of an address, because the resource found there is not ours, and restores
    /// its entries from `before`.
    pub(super) fn disclaim(&self, address: &Address, before: Option<Known>) {
        let mut ledger = self.writer.ledger.borrow_mut();
        if !self.maybe_created.contains(address) {
            ledger.intents.remove(address);
        }
        if let Some((entry, deposed)) = before {
            ledger.resources.remove(address);
            ledger.deposed.remove(address);
            ledger.resources.extend(entry.map(|entry| (address.clone(), entry)));
            ledger.deposed.extend(deposed.map(|deposed| (address.clone(), deposed)));
        }
        self.writer.dirty.set(true);
    }
}

/// The place in which a unit works.
pub(super) fn place<'c>(unit: &Unit, change: &'c Change) -> &'c Place {
    match unit.step {
        Step::Create | Step::Update | Step::Complete | Step::Forget => &change.place,
        Step::Release | Step::Destroy => change.existing_place(),
    }
}
