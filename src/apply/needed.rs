//! Waits for the needs of a unit that AWS has not finished yet.

use std::time::{Duration, Instant};

use super::event::Event;
use super::executor::Executor;
use super::look::look;
use super::retry::{Backoff, Retry, failure};
use crate::aws::{Class, Error};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::kind::State;
use crate::plan::order::Unit;
use crate::plan::{self, Change};

impl<'a> Executor<'_, 'a, '_> {
    /// Waits for the needs of this change that match their declaration but that AWS is still working
    /// on. Then shows them to their dependents.
    pub(super) async fn await_needed(&self, unit: &Unit, change: &Change) -> Result<(), Vec<Diagnostic>> {
        for needed in change.first() {
            if let Some(&(busy, instance)) = self.busy.get(needed) {
                self.await_ready(unit, busy, instance).await.map_err(|problem| vec![problem])?;
            }
        }
        Ok(())
    }

    async fn await_ready(
        &self,
        unit: &Unit,
        busy: &Change,
        instance: &Instance<'a>,
    ) -> Result<(), Diagnostic> {
        let Some(id) = &busy.id else { return Ok(()) };
        let (kind, began) = (instance.kind, Instant::now());
        let cx = self.session.cx(&instance.place);
        let own = instance.timeout.create.max(instance.timeout.update);
        let limit = own.unwrap_or(Duration::from_secs(kind.pace().deadline_seconds.into()));
        let deadline = began + limit;
        let waiting = |on: &str| {
            let (unit, on) = (unit.clone(), format!("for {}: {on}", busy.address));
            (self.report)(Event::Waiting { unit, on, elapsed: began.elapsed() });
        };
        let failed = |error: &Error| {
            let what = format!("{} needs {}, which did not become ready", unit.address, busy.address);
            failure(&what, id, error).at_maybe(self.span(&unit.address), "")
        };
        let request = {
            let ledger = self.writer.ledger.borrow();
            plan::read_request(id, Some(instance), ledger.resources.get(&busy.address), self.deep)
        };
        let mut retry = Retry::new(deadline);
        let mut backoff = Backoff::default();
        loop {
            let live = match look(&self.reads, kind, &cx, &request).await {
                Ok(Some(live)) => live,
                Ok(None) => {
                    let words = format!("AWS says that {id} does not exist");
                    return Err(failed(&Error::finding(Class::Gone, words)));
                }
                Err(error) => {
                    retry.wait(&error, &|on| waiting(&on)).await.map_err(|()| failed(&error))?;
                    continue;
                }
            };
            match &live.state {
                State::Ready => {
                    let view = self.eval.view(instance, Some(&live.attrs), Some(&live.spec));
                    self.eval.show(&busy.address, view);
                    return Ok(());
                }
                State::Failed(reason) | State::Leaving(reason) => {
                    let words = format!("AWS reports: {reason}");
                    return Err(failed(&Error::finding(Class::Other, words)));
                }
                State::Busy(words) if Instant::now() > deadline => {
                    let seconds = limit.as_secs();
                    let words = format!("AWS is still working on it after {seconds} s ({words})");
                    return Err(failed(&Error::finding(Class::Other, words)));
                }
                State::Busy(words) => waiting(words),
            }
            // Nothing was started yet, so a signal ends the wait.
            if !backoff.sleep().await {
                return Err(Diagnostic::error("interrupted", format!("{} was skipped", unit.address))
                    .note(format!("it needs {}, which AWS is still working on", busy.address))
                    .help("run it again: it continues where it stopped")
                    .at_maybe(self.span(&unit.address), ""));
            }
        }
    }
}
