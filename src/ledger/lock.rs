//! A held lock of a ledger: its heartbeat, and its current standing.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use super::Holder;
use super::file::FileLock;
use super::holder::{by_hand, frees_itself};
use super::objects::{Expect, Objects};
use crate::aws::{Class, Error};
use crate::diag::Diagnostic;
use crate::signals::{self, Last, LastResort};

/// Held while a command changes the ledger's resources. A file lock is freed with the process. A lock
/// in S3 is renewed by a heartbeat and freed by [`Lock::release`]; others may take it over after its
/// expiry without a heartbeat. The heartbeat runs in its own thread, which also frees the lock if the
/// main thread does not get to it.
pub struct Lock {
    holder: Holder,
    hold: Hold,
}

enum Hold {
    File(#[expect(dead_code, reason = "held until dropped")] FileLock),
    S3(S3Lock),
}

/// The standing of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// It is held.
    Held,
    /// It may have been taken over, since no renewal succeeded for too long. Start nothing new until
    /// one does.
    Doubtful,
    /// It is lost, with the reason.
    Lost(String),
}

/// The result of the heartbeat so far.
#[derive(Clone)]
struct HeartbeatStatus {
    /// When the last successful renewal was sent, by both clocks: the monotonic one stops while a
    /// machine sleeps.
    renewed: (Instant, SystemTime),
    etag: String,
    lost: Option<String>,
}

struct S3Lock {
    place: String,
    expiry: Duration,
    status: watch::Receiver<HeartbeatStatus>,
    stop: Arc<Notify>,
    freed: watch::Receiver<Option<Result<(), Diagnostic>>>,
    /// Frees the lock if the process ends before [`Lock::release`].
    _resort: LastResort,
}

impl Lock {
    pub(super) fn of_file(holder: Holder, lock: FileLock) -> Self {
        Self { holder, hold: Hold::File(lock) }
    }

    /// Starts the heartbeat of the lock object `key` with this ETag, written at `sent`.
    pub(super) fn of_object(
        holder: Holder,
        objects: Objects,
        key: String,
        etag: String,
        sent: (Instant, SystemTime),
        expiry: Duration,
    ) -> Self {
        let (status, watched) = watch::channel(HeartbeatStatus { renewed: sent, etag, lost: None });
        let (freed_sender, freed) = watch::channel(None);
        let stop = Arc::new(Notify::new());
        let place = objects.place(&key);
        let heartbeat = Heartbeat { objects, key, holder: holder.clone(), expiry, status };
        let stopped = Arc::clone(&stop);
        // A missing thread shows as a lost lock, because its channels are closed.
        let thread = std::thread::Builder::new().name("heartbeat".to_owned());
        let begun = thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let outcome = runtime.map(|runtime| runtime.block_on(heartbeat.run(&stopped)));
            // Nobody listens if the process is about to end.
            freed_sender.send(outcome.ok()).ok();
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
        let lock = S3Lock { place, expiry, status: watched, stop, freed, _resort };
        Self { holder, hold: Hold::S3(lock) }
    }

    /// The holder: this process.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Its current standing.
    pub fn state(&self) -> LockState {
        let Hold::S3(lock) = &self.hold else { return LockState::Held };
        let status = lock.status.borrow();
        match &status.lost {
            Some(why) => LockState::Lost(why.clone()),
            None if lock.status.has_changed().is_err() => {
                LockState::Lost("the system provides no thread for its heartbeat".to_owned())
            }
            // A little early, because a call started now needs a moment to reach AWS.
            None if since(status.renewed) > lock.expiry.mul_f32(0.9) => LockState::Doubtful,
            None => LockState::Held,
        }
    }

    /// Returns when [`Self::state`] may have changed.
    pub async fn changed(&self) {
        if let Hold::S3(lock) = &self.hold {
            let mut status = lock.status.clone();
            status.mark_unchanged();
            if status.changed().await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Frees the lock. A lost lock belongs to somebody else and is left.
    ///
    /// # Errors
    /// S3 failed; the lock then expires by itself.
    pub async fn release(self) -> Result<(), Diagnostic> {
        let Hold::S3(S3Lock { place, expiry, stop, mut freed, .. }) = self.hold else { return Ok(()) };
        stop.notify_one();
        let timeout = expiry.max(Duration::from_secs(60));
        let in_time = signals::within(Last::Lock, timeout, freed.wait_for(Option::is_some)).await;
        let outcome = in_time.and_then(Result::ok).and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| {
            let late = Diagnostic::error("ledger", format!("the lock {place} could not be released in time"));
            Err(frees_itself(late, expiry).help(by_hand(&self.holder)))
        })
    }
}

/// The time since then, by the clock that shows more.
fn since((monotonic, wall): (Instant, SystemTime)) -> Duration {
    monotonic.elapsed().max(wall.elapsed().unwrap_or_default())
}

/// Renews a lock object until it is stopped or the lock is lost, then frees it.
struct Heartbeat {
    objects: Objects,
    key: String,
    holder: Holder,
    expiry: Duration,
    status: watch::Sender<HeartbeatStatus>,
}

impl Heartbeat {
    async fn run(mut self, stopped: &Notify) -> Result<(), Diagnostic> {
        self.renew(stopped).await;
        if self.status.borrow().lost.is_some() { Ok(()) } else { self.free().await }
    }

    async fn renew(&mut self, stopped: &Notify) {
        let pause = self.expiry / 6;
        loop {
            tokio::select! {
                () = stopped.notified() => return,
                () = tokio::time::sleep(pause) => {}
            }
            self.holder.renew(self.expiry);
            let sent = (Instant::now(), SystemTime::now());
            let (etag, renewed) = {
                let status = self.status.borrow();
                (status.etag.clone(), status.renewed)
            };
            let text = self.holder.text();
            let attempt = self.objects.put(&self.key, &text, Expect::Etag(&etag));
            let answer = tokio::select! {
                answer = tokio::time::timeout(self.expiry / 3, attempt) => answer,
                // Freeing the lock shows whether it was renewed.
                () = stopped.notified() => return,
            };
            let why = match answer {
                Ok(Ok(Some(etag))) => {
                    self.status.send_modify(|status| (status.renewed, status.etag) = (sent, etag));
                    continue;
                }
                Ok(Ok(None)) => match self.objects.get(&self.key).await {
                    // A renewal whose answer came too late had succeeded.
                    Ok(Some((text, etag))) if Holder::parse(&text, "").id == self.holder.id => {
                        self.status.send_modify(|status| status.etag = etag);
                        continue;
                    }
                    Ok(Some((text, _))) => {
                        format!("it was taken over by {}", Holder::parse(&text, "").words())
                    }
                    Ok(None) => "it was released by someone else (`dwctl ledger unlock`)".to_owned(),
                    Err(error) => format!("its renewal was refused, and it cannot be read: {error}"),
                },
                _ if since(renewed) <= self.expiry => continue,
                Ok(Err(error)) => {
                    format!("it could not be renewed for {} s: {error}", self.expiry.as_secs())
                }
                Err(_) => format!("it could not be renewed for {} s: no answer", self.expiry.as_secs()),
            };
            tracing::debug!(why, "the lock is lost");
            self.status.send_modify(|status| status.lost = Some(why));
            return;
        }
    }

    /// Deletes the lock object.
    async fn free(&self) -> Result<(), Diagnostic> {
        let failed = |error: &Error| {
            let error = self.objects.trouble("cannot release the lock", &self.key, error);
            frees_itself(error, self.expiry)
        };
        let mut etag = self.status.borrow().etag.clone();
        loop {
            let deleting = signals::promptly(self.objects.delete(&self.key, &etag)).await;
            let Some(deleted) = deleting else { continue };
            match deleted {
                Ok(true) => return Ok(()),
                // The answer to the last renewal was lost or not waited for, or somebody else has the
                // lock.
                Ok(false) => match self.objects.get(&self.key).await {
                    Ok(Some((text, there))) if Holder::parse(&text, "").id == self.holder.id => {
                        if there == etag {
                            let what =
                                format!("S3 says that the lock {etag} changed, but returns it unchanged");
                            return Err(failed(&Error::finding(Class::Conflict, what)));
                        }
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
