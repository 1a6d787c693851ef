//! The lock of a ledger while it is held: its heartbeat, and whether it still stands.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use super::Holder;
use super::file::FileLock;
use super::s3::{Expect, Objects};
use crate::diag::Diagnostic;
use crate::signals::{self, Last, LastResort};

/// Held while a verb changes what the ledger tells of. One in a file is freed with the
/// process; one in S3 is renewed by a heartbeat, freed by [`Lock::release`], and may be
/// taken over by others once it gave no sign of life for its expiry. The heartbeat has a thread of its
/// own, which also frees the lock where the main thread does not come to it.
pub struct Lock {
    holder: Holder,
    hold: Hold,
}

enum Hold {
    File(#[expect(dead_code, reason = "held until dropped")] FileLock),
    S3(Beating),
}

/// Whether a lock still stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is held.
    Held,
    /// It may have been taken over: for too long no renewal was answered. Nothing new is to
    /// be begun until one is.
    Doubtful,
    /// It is lost, and why.
    Lost(String),
}

/// What the heartbeat knows.
#[derive(Clone)]
struct Pulse {
    /// When the last renewal that succeeded was sent, by both clocks: the monotonic one
    /// stands still while a machine sleeps.
    renewed: (Instant, SystemTime),
    etag: String,
    lost: Option<String>,
}

struct Beating {
    place: String,
    expiry: Duration,
    pulse: watch::Receiver<Pulse>,
    stop: Arc<Notify>,
    freed: watch::Receiver<Option<Result<(), Diagnostic>>>,
    /// Frees it where the process ends before [`Lock::release`].
    _resort: LastResort,
}

impl Lock {
    pub(super) fn of_file(holder: Holder, lock: FileLock) -> Self {
        Self { holder, hold: Hold::File(lock) }
    }

    /// The lock object `key` with this ETag, which was written at `sent`; its heartbeat begins.
    pub(super) fn of_object(
        holder: Holder,
        objects: Objects,
        key: String,
        etag: String,
        sent: (Instant, SystemTime),
        expiry: Duration,
    ) -> Self {
        let (pulse, watched) = watch::channel(Pulse { renewed: sent, etag, lost: None });
        let (told, freed) = watch::channel(None);
        let stop = Arc::new(Notify::new());
        let place = objects.place(&key);
        let heart = Heart { objects, key, holder: holder.clone(), expiry, pulse };
        let stopped = Arc::clone(&stop);
        // That it cannot be had is told as the loss of the lock is: by the end of its channels.
        let thread = std::thread::Builder::new().name("heartbeat".to_owned());
        let begun = thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let outcome = runtime.map(|runtime| runtime.block_on(heart.live(&stopped)));
            // Nobody listens where the process is about to end.
            told.send(outcome.ok()).ok();
        });
        drop(begun);
        let (stop_too, freed_too) = (Arc::clone(&stop), freed.clone());
        let _resort = signals::last_resort(move |deadline| {
            stop_too.notify_one();
            let is_left = || freed_too.borrow().is_none() && freed_too.has_changed().is_ok();
            while is_left() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let beating = Beating { place, expiry, pulse: watched, stop, freed, _resort };
        Self { holder, hold: Hold::S3(beating) }
    }

    /// Who holds it: we.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Whether it still stands.
    pub fn standing(&self) -> Standing {
        let Hold::S3(beating) = &self.hold else { return Standing::Held };
        let pulse = beating.pulse.borrow();
        match &pulse.lost {
            Some(why) => Standing::Lost(why.clone()),
            None if beating.pulse.has_changed().is_err() => {
                Standing::Lost("the system gives no thread for its heartbeat".to_owned())
            }
            // A little early: what is begun now needs a moment to reach AWS.
            None if since(pulse.renewed) > beating.expiry.mul_f32(0.9) => Standing::Doubtful,
            None => Standing::Held,
        }
    }

    /// Returns when [`Self::standing`] may have changed.
    pub async fn changed(&self) {
        if let Hold::S3(beating) = &self.hold {
            let mut pulse = beating.pulse.clone();
            pulse.mark_unchanged();
            if pulse.changed().await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Frees it. One that was lost is another's, and left.
    ///
    /// # Errors
    /// S3's; the lock then frees itself after its expiry.
    pub async fn release(self) -> Result<(), Diagnostic> {
        let Hold::S3(Beating { place, expiry, stop, mut freed, .. }) = self.hold else { return Ok(()) };
        stop.notify_one();
        let patience = expiry.max(Duration::from_secs(60));
        let told = signals::within(Last::Lock, patience, freed.wait_for(Option::is_some)).await;
        let outcome = told.and_then(Result::ok).and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| {
            let late = Diagnostic::error("ledger", format!("the lock {place} could not be freed in time"));
            Err(frees_itself(late, expiry).help(by_hand(&self.holder)))
        })
    }
}

/// How to free a lock.
pub(super) fn by_hand(holder: &Holder) -> String {
    format!("to free it by hand: dwctl ledger unlock {}", holder.id)
}

/// What becomes of a lock that could not be freed.
pub(super) fn frees_itself(error: Diagnostic, expiry: Duration) -> Diagnostic {
    error.note(format!("it frees itself {} s after its last sign of life", expiry.as_secs()))
}

/// The time since, by the clock that tells of more.
fn since((monotonic, wall): (Instant, SystemTime)) -> Duration {
    monotonic.elapsed().max(wall.elapsed().unwrap_or_default())
}

/// Renews a lock object until it is stopped or the lock is lost, and frees it.
struct Heart {
    objects: Objects,
    key: String,
    holder: Holder,
    expiry: Duration,
    pulse: watch::Sender<Pulse>,
}

impl Heart {
    async fn live(mut self, stopped: &Notify) -> Result<(), Diagnostic> {
        self.beat(stopped).await;
        if self.pulse.borrow().lost.is_some() { Ok(()) } else { self.free().await }
    }

    async fn beat(&mut self, stopped: &Notify) {
        let pause = self.expiry / 6;
        loop {
            tokio::select! {
                () = stopped.notified() => return,
                () = tokio::time::sleep(pause) => {}
            }
            self.holder.renew(self.expiry);
            let sent = (Instant::now(), SystemTime::now());
            let (etag, renewed) = {
                let pulse = self.pulse.borrow();
                (pulse.etag.clone(), pulse.renewed)
            };
            let text = self.holder.text();
            let attempt = self.objects.put(&self.key, &text, Expect::Etag(&etag));
            let answer = tokio::select! {
                answer = tokio::time::timeout(self.expiry / 3, attempt) => answer,
                // Whether it was renewed shows when it is freed.
                () = stopped.notified() => return,
            };
            let why = match answer {
                Ok(Ok(Some(etag))) => {
                    self.pulse.send_modify(|pulse| (pulse.renewed, pulse.etag) = (sent, etag));
                    continue;
                }
                Ok(Ok(None)) => match self.objects.get(&self.key).await {
                    // A renewal whose answer did not come in time was done after all.
                    Ok(Some((text, etag))) if Holder::parse(&text, "").id == self.holder.id => {
                        self.pulse.send_modify(|pulse| pulse.etag = etag);
                        continue;
                    }
                    Ok(Some((text, _))) => {
                        format!("it was taken over by {}", Holder::parse(&text, "").words())
                    }
                    Ok(None) => "it was freed by someone else (`dwctl ledger unlock`)".to_owned(),
                    Err(error) => format!("its renewal was refused, and it cannot be read: {error}"),
                },
                _ if since(renewed) <= self.expiry => continue,
                Ok(Err(error)) => {
                    format!("it could not be renewed for {} s: {error}", self.expiry.as_secs())
                }
                Err(_) => format!("it could not be renewed for {} s: no answer", self.expiry.as_secs()),
            };
            tracing::debug!(why, "the lock is lost");
            self.pulse.send_modify(|pulse| pulse.lost = Some(why));
            return;
        }
    }

    /// Deletes the lock object.
    async fn free(&self) -> Result<(), Diagnostic> {
        let failed = |error: &crate::aws::Error| {
            let error = self.objects.trouble("cannot free the lock", &self.key, error);
            frees_itself(error, self.expiry)
        };
        let mut etag = self.pulse.borrow().etag.clone();
        loop {
            let deleting = signals::promptly(self.objects.delete(&self.key, &etag)).await;
            let Some(deleted) = deleting else { continue };
            match deleted {
                Ok(true) => return Ok(()),
                // The answer to the last renewal was lost or not awaited, or it is another's by now.
                Ok(false) => match self.objects.get(&self.key).await {
                    Ok(Some((text, there)))
                        if Holder::parse(&text, "").id == self.holder.id && there != etag =>
                    {
                        etag = there;
                    }
                    Ok(_) => return Ok(()),
                    Err(error) => return Err(failed(&error)),
                },
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}
