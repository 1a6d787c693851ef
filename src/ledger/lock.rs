//! The lock of a ledger while it is held: its heartbeat, and whether it still stands.

use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::Holder;
use super::file::FileLock;
use super::s3::{Expect, Objects};
use crate::diag::Diagnostic;

/// Held while a verb changes what the ledger tells of. One in a file is freed with the
/// process; one in S3 is renewed by a heartbeat, freed by [`Lock::release`], and may be
/// taken over by others once it gave no sign of life for its expiry.
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
    objects: Objects,
    key: String,
    expiry: Duration,
    pulse: watch::Receiver<Pulse>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Drop for Beating {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Lock {
    pub(super) fn of_file(holder: Holder, lock: FileLock) -> Self {
        Self { holder, hold: Hold::File(lock) }
    }

    /// The lock object `key` with this ETag, which was written at `sent`; its heartbeat
    /// begins.
    pub(super) fn of_object(
        holder: Holder,
        objects: Objects,
        key: String,
        etag: String,
        sent: (Instant, SystemTime),
        expiry: Duration,
    ) -> Self {
        let (pulse, watched) = watch::channel(Pulse { renewed: sent, etag, lost: None });
        let (stop, stopped) = oneshot::channel();
        let heart =
            Heart { objects: objects.clone(), key: key.clone(), holder: holder.clone(), expiry, pulse };
        let task = tokio::spawn(heart.beat(stopped));
        let beating = Beating { objects, key, expiry, pulse: watched, stop: Some(stop), task };
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
        let Hold::S3(mut beating) = self.hold else { return Ok(()) };
        // A renewal under way is awaited, so that the lock's ETag is known.
        if let Some(stop) = beating.stop.take() {
            // A heartbeat that has ended needs no word.
            stop.send(()).ok();
        }
        drop((&mut beating.task).await);
        let pulse = beating.pulse.borrow().clone();
        if pulse.lost.is_some() {
            return Ok(());
        }
        let mut etag = pulse.etag;
        loop {
            match beating.objects.delete(&beating.key, &etag).await {
                Ok(true) => return Ok(()),
                // The answer to the last renewal was lost, or it is another's by now.
                Ok(false) => match beating.objects.get(&beating.key).await {
                    Ok(Some((text, there)))
                        if Holder::parse(&text, "").id == self.holder.id && there != etag =>
                    {
                        etag = there;
                    }
                    Ok(_) => return Ok(()),
                    Err(error) => return Err(unreleased(&beating, &error)),
                },
                Err(error) => return Err(unreleased(&beating, &error)),
            }
        }
    }
}

fn unreleased(beating: &Beating, error: &crate::aws::Error) -> Diagnostic {
    beating
        .objects
        .trouble("cannot free the lock", &beating.key, error)
        .note(format!("it frees itself {} s after its last sign of life", beating.expiry.as_secs()))
}

/// The time since, by the clock that tells of more.
fn since((monotonic, wall): (Instant, SystemTime)) -> Duration {
    monotonic.elapsed().max(wall.elapsed().unwrap_or_default())
}

/// Renews a lock object until it is stopped or the lock is lost.
struct Heart {
    objects: Objects,
    key: String,
    holder: Holder,
    expiry: Duration,
    pulse: watch::Sender<Pulse>,
}

impl Heart {
    async fn beat(mut self, mut stopped: oneshot::Receiver<()>) {
        let pause = self.expiry / 6;
        loop {
            tokio::select! {
                _ = &mut stopped => return,
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
            let why = match tokio::time::timeout(self.expiry / 3, attempt).await {
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
}
