//! Deletes a resource, and waits until AWS no longer has it.

use std::time::{Duration, Instant};

use super::event::Event;
use super::executor::Executor;
use super::look::look_at_tags;
use super::retry::{Backoff, Outcome, Retry, failure};
use crate::aws::{Class, Error};
use crate::diag::Diagnostic;
use crate::kind::State;
use crate::kinds;
use crate::plan::order::Unit;
use crate::plan::{self, Action, Change, Ownership};

/// How long an accepted deletion is waited for after a signal: most are done by then.
const LEAVING: Duration = Duration::from_secs(3);

impl Executor<'_, '_, '_> {
    /// Deletes a resource.
    pub(super) async fn destroy(&self, unit: &Unit, change: &Change) -> Outcome<String> {
        let (Some(kind), Some(id)) = (kinds::kind(&unit.address.kind), &change.id) else {
            return Ok(String::new());
        };
        let cx = self.session.cx(change.existing_region());
        let began = Instant::now();
        let deadline = began + Duration::from_secs(kind.pace().deadline_seconds.into());
        let failed = |error: &Error| {
            let what = format!("cannot destroy {}", unit.address);
            let problem = failure(&what, id, error).at_maybe(self.span(&unit.address), "");
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
        };
        let waiting = |on: String| {
            (self.report)(Event::Waiting { unit: unit.clone(), on, elapsed: began.elapsed() });
        };
        let mut retry = Retry::new(deadline);
        // The owner may have changed since the plan.
        let there = loop {
            let there = async {
                let Some(live) = look_at_tags(kind, &cx, id).await? else { return Ok(None) };
                let ownership = match live.state {
                    State::Leaving(_) => Ownership::Ours,
                    _ => self.ownership(kind, &cx, change, id, &live).await?,
                };
                Ok::<_, Error>(Some(ownership))
            };
            match there.await {
                Ok(there) => break there,
                Err(error) => retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?,
            }
        };
        let Some(ownership) = there else {
            // Somebody deleted it meanwhile. Its successor under that name could be anybody's.
            self.forget(change);
            return Ok(id.clone());
        };
        if let Some(refusal) = plan::refusal(&unit.address, id, &ownership, false) {
            return Err(vec![refusal.at_maybe(self.span(&unit.address), "")]);
        }
        let delete = async || {
            let mut retry = Retry::new(deadline);
            while let Err(error) = kind.delete(&cx, id, &change.existing).await {
                retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?;
            }
            Ok::<_, Vec<Diagnostic>>(Instant::now())
        };
        let mut deleted = delete().await?;
        let mut retry = Retry::new(deadline);
        let request = plan::read_request(id, None, None, false);
        let mut backoff = Backoff::default();
        let mut stopped: Option<Instant> = None;
        loop {
            match kind.read_many(&cx, std::slice::from_ref(&request)).await.pop() {
                Some(Ok(None)) | None => break,
                Some(Ok(Some(live))) => {
                    let on = match live.state {
                        State::Busy(words) | State::Leaving(words) | State::Failed(words) => words,
                        // The delete call may have answered wrongly that it does not exist.
                        State::Ready if deleted.elapsed() > kind.settling().time([]) => {
                            deleted = delete().await?;
                            "deleting".to_owned()
                        }
                        State::Ready => "deleting".to_owned(),
                    };
                    if Instant::now() > deadline {
                        let words = format!("AWS accepted the deletion, but {id} is still there ({on})");
                        return Err(failed(&Error::finding(Class::Other, words)));
                    }
                    if stopped.is_some_and(|since| since.elapsed() > LEAVING) {
                        let error =
                            Diagnostic::error("interrupted", format!("{} is not deleted yet", unit.address))
                                .note(format!(
                                    "AWS accepted the deletion of {id}, and is still working on it ({on})"
                                ))
                                .help("run it again: it continues where it stopped");
                        return Err(vec![error.at_maybe(self.span(&unit.address), "")]);
                    }
                    waiting(on);
                    match stopped {
                        Some(_) => tokio::time::sleep(LEAVING / 10).await,
                        None if backoff.sleep().await => {}
                        None => stopped = Some(Instant::now()),
                    }
                }
                Some(Err(error)) => retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?,
            }
        }
        self.forget(change);
        Ok(id.clone())
    }
}
