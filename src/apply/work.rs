//! Work on one declared resource.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::event::Event;
use super::executor::Executor;
use super::reads::Writing;
use super::retry::{Halt, failure};
use crate::aws::{Cx, Error};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::kind::{ErasedKind, ErasedLive, ReadRequest};
use crate::plan::order::{Step, Unit};
use crate::plan::{self, Change};

/// Work on one declared resource.
pub(super) struct Work<'w, 'e, 'a, 'l> {
    pub(super) executor: &'w Executor<'e, 'a, 'l>,
    pub(super) unit: &'w Unit,
    pub(super) change: &'w Change,
    pub(super) instance: &'w Instance<'a>,
    pub(super) kind: &'static dyn ErasedKind,
    pub(super) cx: &'w Cx,
    pub(super) began: Instant,
    /// The live state before the first update.
    pub(super) before: RefCell<Option<ErasedLive>>,
    /// How long the last call took that changed it.
    pub(super) wrote: Cell<Duration>,
    /// The change under way: the reads of others wait a little for its end.
    pub(super) writing: RefCell<Option<Writing>>,
    /// It was created by a call that does not refuse an existing resource, and nothing has shown yet that it
    /// is ours.
    pub(super) unproven: Cell<bool>,
}

impl Work<'_, '_, '_, '_> {
    pub(super) fn deadline(&self) -> Instant {
        self.began + self.limit()
    }

    /// How long the step may take: as long as the stack says, or the kind.
    pub(super) fn limit(&self) -> Duration {
        let own = self.instance.timeout;
        let own = if self.unit.step == Step::Update { own.update } else { own.create };
        own.unwrap_or(Duration::from_secs(self.kind.pace().deadline_seconds.into()))
    }

    /// How long AWS may not show a change of these attributes.
    pub(super) fn settling<'s>(&self, attributes: impl IntoIterator<Item = &'s str>) -> Duration {
        self.kind.settling().time(attributes)
    }

    pub(super) fn waiting(&self, on: impl Into<String>) {
        let (unit, on) = (self.unit.clone(), on.into());
        (self.executor.report)(Event::Waiting { unit, on, elapsed: self.began.elapsed() });
    }

    pub(super) fn tags(&self) -> crate::aws::Tags {
        let stack = self.executor.eval.stack;
        plan::tags(self.instance, &stack.name, &stack.env)
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect()
    }

    pub(super) fn request(&self, id: &str) -> ReadRequest {
        let ledger = self.executor.writer.ledger.borrow();
        let entry = ledger.resources.get(&self.instance.address);
        plan::read_request(id, Some(self.instance), entry, self.executor.deep)
    }

    /// Reads the resource, together with others that are read at this time.
    pub(super) async fn read(&self, id: &str) -> Result<Option<ErasedLive>, Error> {
        self.pause();
        let patience = self.executor.patience(self.unit, None);
        self.executor.reads.read(self.kind, self.cx, &self.request(id), patience).await
    }

    /// Makes a call that changes the resource. The change lasts until the next read of it, or until
    /// [`Self::pause`].
    pub(super) async fn write<T>(&self, call: impl Future<Output = T>) -> T {
        let writing = self.executor.reads.writing(self.kind, self.cx);
        *self.writing.borrow_mut() = Some(writing);
        let began = Instant::now();
        let answer = call.await;
        self.wrote.set(began.elapsed());
        answer
    }

    /// Lets the reads of others no longer wait for this change.
    pub(super) fn pause(&self) {
        self.writing.borrow_mut().take();
    }

    pub(super) fn halt(&self, verb: &str, error: &Error, id: &str) -> Halt {
        Halt::Failed(self.failure(verb, error, Some(id)))
    }

    pub(super) fn failure(&self, verb: &str, error: &Error, id: Option<&str>) -> Diagnostic {
        let address = &self.instance.address;
        let what = match verb {
            "finish" => format!("{address} did not become ready"),
            verb => format!("cannot {verb} {address}"),
        };
        failure(&what, id.unwrap_or_default(), error).at(self.instance.resource.span, "")
    }
}
