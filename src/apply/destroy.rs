//! Deletes a resource, and waits until AWS no longer has it.

use std::time::{Duration, Instant};

use super::event::Event;
use super::executor::Executor;
use super::look::look_at_tags;
use super::reads::read;
use super::retry::{Backoff, Outcome, Retry, failure};
use crate::aws::{Class, Cx, Error, Tags};
use crate::diag::Diagnostic;
use crate::kind::{Deletion, ErasedKind, ReadRequest, State};
use crate::kinds;
use crate::plan::order::Unit;
use crate::plan::{self, Action, Change, Ownership};

/// How long an accepted deletion is waited for after a signal: most are done by then.
const LEAVING: Duration = Duration::from_secs(3);

/// The deletion of one resource.
struct Destroy<'d, 'e, 'a, 'l> {
    executor: &'d Executor<'e, 'a, 'l>,
    unit: &'d Unit,
    change: &'d Change,
    kind: &'static dyn ErasedKind,
    id: &'d str,
    cx: Cx,
    /// How long the deletion may take.
    limit: Duration,
    began: Instant,
}

impl Executor<'_, '_, '_> {
    /// Deletes a resource.
    pub(super) async fn destroy(
        &self,
        unit: &Unit,
        change: &Change,
        limit: Option<Duration>,
    ) -> Outcome<String> {
        let (Some(kind), Some(id)) = (kinds::kind(&unit.address.kind), &change.id) else {
            return Ok(String::new());
        };
        let cx = self.session.cx(change.existing_place());
        let limit = limit.unwrap_or(Duration::from_secs(kind.pace().deadline_seconds.into()));
        let destroy = Destroy { executor: self, unit, change, kind, id, cx, limit, began: Instant::now() };
        if destroy.is_ours().await? {
            let (deletion, took) = destroy.delete().await?;
            // A successor of the same name waits until AWS shows that the name is free.
            if deletion == Deletion::Begun || change.action != Action::Delete {
                destroy.await_gone(took).await?;
            }
        }
        // Otherwise somebody deleted it meanwhile. Its successor under that name could be anybody's.
        self.forget(change);
        Ok(id.clone())
    }
}

impl Destroy<'_, '_, '_, '_> {
    fn deadline(&self) -> Instant {
        self.began + self.limit
    }

    fn waiting(&self, on: String) {
        let event = Event::Waiting { unit: self.unit.clone(), on, elapsed: self.began.elapsed() };
        (self.executor.report)(event);
    }

    fn failed(&self, error: &Error) -> Vec<Diagnostic> {
        let Self { executor, unit, change, kind, id, .. } = self;
        let what = format!("cannot destroy {}", unit.address);
        let problem = failure(&what, id, error).at_maybe(executor.span(&unit.address), "");
        let first = change.action == (Action::Replace { create_first: false });
        let users = kind.users().filter(|_| error.class == Class::Conflict);
        let problem = users.into_iter().fold(problem, |problem, users| {
            problem.help(format!("to see what uses it: {}", users.replace("{}", id)))
        });
        vec![match error.class {
            Class::Conflict if first => problem.help(
                "if a resource that stays uses it, a new one can be created first: lifecycle.create_before_destroy",
            ),
            _ => problem,
        }]
    }

    /// Waits before the next attempt of a call, or gives up.
    async fn retry(&self, retry: &mut Retry, error: &Error) -> Result<(), Vec<Diagnostic>> {
        retry.wait(error, &|on| self.waiting(on)).await.map_err(|()| self.failed(error))
    }

    /// Checks that it is there and ours, unless the plan has just read it: its owner may have changed since.
    /// Returns false if it is gone.
    async fn is_ours(&self) -> Result<bool, Vec<Diagnostic>> {
        let Self { executor, unit, change, kind, id, cx, .. } = self;
        if executor.just_read(change).is_some() {
            return Ok(true);
        }
        let ownership = async || {
            let Some(live) = look_at_tags(&executor.reads, *kind, cx, id).await? else { return Ok(None) };
            Ok::<_, Error>(Some(match live.state {
                State::Leaving(_) => Ownership::Ours,
                _ => executor.ownership(*kind, cx, change, id, &live).await?,
            }))
        };
        let mut retry = Retry::new(self.deadline());
        let ownership = loop {
            match ownership().await {
                Ok(None) => return Ok(false),
                Ok(Some(ownership)) => break ownership,
                Err(error) => self.retry(&mut retry, &error).await?,
            }
        };
        match plan::refusal(&unit.address, id, &ownership, false) {
            Some(refusal) => Err(vec![refusal.at_maybe(executor.span(&unit.address), "")]),
            None => Ok(true),
        }
    }

    /// Sends the deletion. Returns how far it is, and how long the call took.
    async fn delete(&self) -> Result<(Deletion, Duration), Vec<Diagnostic>> {
        let mut retry = Retry::new(self.deadline());
        loop {
            let call = self.kind.delete(&self.cx, self.id, &self.change.existing);
            let (deleted, took) = self.executor.reads.write(self.kind, &self.cx, call).await;
            match deleted {
                Ok(deletion) => return Ok((deletion, took)),
                Err(error) => self.retry(&mut retry, &error).await?,
            }
        }
    }

    /// Waits until AWS no longer shows it. `took` is how long the call took that deleted it.
    async fn await_gone(&self, took: Duration) -> Result<(), Vec<Diagnostic>> {
        let Self { executor, kind, id, cx, .. } = self;
        let mut deleted = Instant::now();
        // Only the first read after the call waits for those of others.
        let mut patience = Some(executor.patience(self.unit, Some(took)));
        let mut retry = Retry::new(self.deadline());
        // Only its existence matters, so its tags need no call.
        let request = ReadRequest { tags: Some(Tags::new()), ..plan::read_request(id, None, None, false) };
        let mut backoff = Backoff::default();
        let mut stopped: Option<Instant> = None;
        loop {
            let there = match patience.take() {
                Some(patience) => executor.reads.read(*kind, cx, &request, patience).await,
                None => read(*kind, cx, &request).await,
            };
            let live = match there {
                Ok(None) => return Ok(()),
                Ok(Some(live)) => live,
                Err(error) => {
                    self.retry(&mut retry, &error).await?;
                    continue;
                }
            };
            let on = match live.state {
                State::Busy(words) | State::Leaving(words) | State::Failed(words) => words,
                // The delete call may have answered wrongly that it does not exist.
                State::Ready if deleted.elapsed() > kind.settling().time([]) => {
                    self.delete().await?;
                    deleted = Instant::now();
                    "deleting".to_owned()
                }
                State::Ready => "deleting".to_owned(),
            };
            if Instant::now() > self.deadline() {
                let words = format!("AWS accepted the deletion, but {id} is still there ({on})");
                return Err(self.failed(&Error::finding(Class::Other, words)));
            }
            if stopped.is_some_and(|since| since.elapsed() > LEAVING) {
                return Err(vec![self.interrupted(&on)]);
            }
            self.waiting(on);
            match stopped {
                Some(_) => tokio::time::sleep(LEAVING / 10).await,
                None if backoff.sleep().await => {}
                None => stopped = Some(Instant::now()),
            }
        }
    }

    /// The error if a signal ends the wait. `on` is what AWS is doing.
    fn interrupted(&self, on: &str) -> Diagnostic {
        let Self { executor, unit, id, .. } = self;
        Diagnostic::error("interrupted", format!("{} is not deleted yet", unit.address))
            .note(format!("AWS accepted the deletion of {id}, and is still working on it ({on})"))
            .help("run it again: it continues where it stopped")
            .at_maybe(executor.span(&unit.address), "")
    }
}
