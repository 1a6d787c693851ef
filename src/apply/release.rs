//! Makes a resource release one that is to be deleted.

use std::time::{Duration, Instant};

use super::event::Event;
use super::executor::Executor;
use super::look::look;
use super::retry::{Backoff, Outcome, RESEND, Retry, failure};
use crate::aws::{Class, Error};
use crate::kind::State;
use crate::kinds;
use crate::plan::order::Unit;
use crate::plan::{self, Change};

impl Executor<'_, '_, '_> {
    /// Updates a resource so that it no longer names the one to be deleted, and waits until AWS shows
    /// that.
    pub(super) async fn release_held(&self, unit: &Unit, change: &Change) -> Outcome<String> {
        let (Some(kind), Some(id)) = (kinds::kind(&unit.address.kind), &change.id) else {
            return Ok(String::new());
        };
        let cx = self.session.cx(change.existing_place());
        let began = Instant::now();
        let failed = |error: &Error| {
            let held: Vec<String> = change.releases.iter().map(|one| one.held.to_string()).collect();
            let what = format!("{} cannot release {}", unit.address, held.join(", "));
            vec![failure(&what, id, error).at_maybe(self.span(&unit.address), "")]
        };
        let waiting = |on: String| {
            (self.report)(Event::Waiting { unit: unit.clone(), on, elapsed: began.elapsed() });
        };
        let deadline = began + Duration::from_secs(kind.pace().deadline_seconds.into());
        let mut retry = Retry::new(deadline);
        let mut backoff = Backoff::default();
        let request = plan::read_request(id, None, None, true);
        let mut sent: Option<Instant> = None;
        loop {
            let live = match look(&self.reads, kind, &cx, &request).await {
                Ok(Some(live)) => live,
                // A resource that is gone holds nothing.
                Ok(None) => return Ok(id.clone()),
                Err(error) => {
                    retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?;
                    continue;
                }
            };
            let have = plan::overlaid(kind, &live.spec, &change.existing);
            let want = plan::without_released(kind, &have, &change.releases);
            if want == have {
                return Ok(id.clone());
            }
            if Instant::now() > deadline {
                let words = format!("AWS accepted the change, but {id} still names it");
                return Err(failed(&Error::finding(Class::Other, words)));
            }
            match &live.state {
                State::Busy(words) | State::Leaving(words) => waiting(words.clone()),
                _ if sent.is_some_and(|sent| sent.elapsed() < RESEND) => {
                    waiting("for AWS to show the change".to_owned());
                }
                _ => {
                    // The owner may have changed since the plan.
                    let ownership = self.ownership(kind, &cx, change, id, &live).await;
                    let refusal =
                        ownership.map(|ownership| plan::refusal(&unit.address, id, &ownership, true));
                    if let Ok(Some(refusal)) = refusal {
                        return Err(vec![refusal.at_maybe(self.span(&unit.address), "")]);
                    }
                    let updated = match refusal {
                        Ok(_) => self.reads.write(kind, &cx, kind.update(&cx, id, &have, &want)).await.0,
                        Err(error) => Err(error),
                    };
                    match updated {
                        Ok(()) => sent = Some(Instant::now()),
                        Err(error) => retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?,
                    }
                    continue;
                }
            }
            backoff.sleep_through().await;
        }
    }
}
