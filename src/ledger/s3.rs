//! The ledger in S3. Each write names the version that it replaces, so that no write is lost; a lock
//! object beside it names who changes it.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>

use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;

use super::holder::{by_hand, frees_itself};
use super::objects::{Expect, HOUR, Objects, Place};
use super::{Holder, Ledger, Lock};
use crate::aws::{self, Error, Session};
use crate::diag::Diagnostic;
use crate::signals::{self, Last};

/// A ledger in S3.
pub struct S3Store {
    place: Place,
    objects: Objects,
    /// For the lock's heartbeat, which has its own thread.
    apart: Objects,
    /// The ETag of the ledger as last read or written, or `None` if there was none.
    seen: RefCell<Option<String>>,
}

impl S3Store {
    /// The ledger at `place`, with the credentials of `session`. The bucket must belong to the same
    /// account.
    pub fn new(session: &Session, place: Place, holder: &Holder) -> Self {
        let config = session.cx(&aws::Place::of(&place.region)).aws.s3().config().to_builder();
        // A ledger is small, and those who wait for its lock or its last write cannot wait for
        // minutes.
        let config = config
            .http_client(session.http_apart())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(5)
                    .with_initial_backoff(Duration::from_millis(200))
                    .with_max_backoff(Duration::from_secs(3)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(4))
                    .operation_attempt_timeout(Duration::from_secs(15))
                    .operation_timeout(Duration::from_secs(40))
                    .build(),
            );
        let alone = Client::from_conf(config.clone().http_client(session.http_alone()).build());
        let objects = Objects {
            client: Client::from_conf(config.build()),
            bucket: place.bucket.clone(),
            account: session.account_id().to_owned(),
            kms_key_id: place.kms_key_id.clone(),
            // Metadata is sent in headers, so it must be printable ASCII.
            writer: holder.words().chars().filter(|one| (' '..='~').contains(one)).collect(),
        };
        let apart = Objects { client: alone, ..objects.clone() };
        Self { place, objects, apart, seen: RefCell::new(None) }
    }

    /// `s3://bucket/key`.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.place.bucket, self.place.key)
    }

    /// The ledger, `None` if there is none yet.
    ///
    /// # Errors
    /// S3 failed; or it is no ledger, or was written by a newer version.
    pub async fn read(&self) -> Result<Option<Ledger>, Diagnostic> {
        let key = &self.place.key;
        let found = self
            .objects
            .get(key)
            .await
            .map_err(|error| self.objects.trouble("cannot read the ledger", key, &error))?;
        self.seen.replace(found.as_ref().map(|(_, etag)| etag.clone()));
        found.map(|(text, _)| Ledger::parse(&text, &self.url())).transpose()
    }

    /// Writes the ledger's text over the version that was last read or written.
    ///
    /// # Errors
    /// S3 failed, or somebody else wrote it since.
    pub async fn write(&self, text: &[u8]) -> Result<(), Diagnostic> {
        let key = &self.place.key;
        let seen = self.seen.borrow().clone();
        let expect = seen.as_deref().map_or(Expect::Nothing, Expect::Etag);
        match self.objects.put(key, text, expect).await {
            Ok(Some(etag)) => {
                self.seen.replace(Some(etag));
                Ok(())
            }
            Ok(None) => Err(self.conflict().await),
            Err(error) => Err(self.objects.trouble("cannot write the ledger", key, &error)),
        }
    }

    async fn conflict(&self) -> Diagnostic {
        let error = Diagnostic::error(
            "ledger-conflict",
            format!("the ledger {} was written by someone else meanwhile", self.url()),
        );
        let error = match self.objects.get(&self.place.key).await {
            Ok(Some((text, _))) => match Ledger::parse(&text, &self.url()) {
                Ok(there) => {
                    error.note(format!("found: serial {} of lineage {}", there.serial, there.lineage))
                }
                Err(unreadable) => error.note(unreadable.message),
            },
            Ok(None) => error.note("it was deleted"),
            Err(unreadable) => error.note(format!("it cannot be read: {unreadable}")),
        };
        let error = match self.objects.writer_of(&self.place.key).await {
            Some(writer) => error.note(format!("written by {writer}")),
            None => error,
        };
        error.note("it was left as it is")
    }

    fn lock_key(&self) -> String {
        format!("{}.lock", self.place.key)
    }

    /// The current holder of the lock.
    ///
    /// # Errors
    /// S3 failed.
    pub async fn holder(&self) -> Result<Option<Holder>, Diagnostic> {
        let key = self.lock_key();
        let found = self.objects.get(&key).await;
        let found = found.map_err(|error| self.objects.trouble("cannot read the lock", &key, &error))?;
        Ok(found.map(|(text, etag)| Holder::parse(&text, &etag)))
    }

    /// Takes the lock, waiting up to `timeout`. A lock that seems dead is watched for its whole expiry and
    /// taken over if no heartbeat comes. The clocks of other machines only decide whether watching is
    /// worthwhile.
    ///
    /// # Errors
    ///
    /// S3 failed, or another process holds it (code `locked`).
    pub async fn lock(
        &self,
        mut holder: Holder,
        timeout: Duration,
        say: &dyn Fn(&str),
    ) -> Result<Lock, Diagnostic> {
        let key = self.lock_key();
        let failed = |error: Error| self.objects.trouble("cannot lock the ledger:", &key, &error);
        let expiry = self.place.lock_expiry;
        let began = Instant::now();
        let mut watched: Option<(String, Instant)> = None;
        let mut announced = String::new();
        let mut pause = Duration::from_millis(250);
        loop {
            let found = match watched {
                // At first assume that it is free, which saves a read.
                None => None,
                Some(_) => signals::unless_stopping(self.objects.get(&key)).await?.map_err(failed)?,
            };
            let dead = found.as_ref().filter(|(text, etag)| {
                let theirs = Duration::from_secs(Holder::parse(text, etag).expiry_seconds);
                watched
                    .as_ref()
                    .is_some_and(|(seen, since)| seen == etag && since.elapsed() > expiry.max(theirs))
            });
            if found.is_none() || dead.is_some() {
                if let Some((text, etag)) = dead {
                    let former = Holder::parse(text, etag);
                    say(&format!("Taking over the lock of {}: it is no longer renewed.", former.words()));
                }
                // A signal waits for the answer: otherwise the lock would be left behind.
                let _working = signals::begin()?;
                holder.renew(expiry);
                let sent = (Instant::now(), SystemTime::now());
                let expect = dead.map_or(Expect::Nothing, |(_, etag)| Expect::Etag(etag));
                let text = holder.text();
                let attempt = self.objects.put(&key, &text, expect);
                let Some(taken) = signals::within(Last::Ledger, HOUR, attempt).await else {
                    return Err(self.leave(&key, &holder).await);
                };
                if let Some(etag) = taken.map_err(failed)? {
                    return Ok(Lock::of_object(holder, self.apart.clone(), key, etag, sent, expiry));
                }
                watched = Some((String::new(), Instant::now()));
                continue;
            }
            let Some((text, etag)) = found else { continue };
            let other = Holder::parse(&text, &etag);
            if watched.as_ref().is_none_or(|(seen, _)| *seen != etag) {
                watched = Some((etag, Instant::now()));
            }
            let mut longest = timeout;
            if other.seems_dead() {
                let theirs = Duration::from_secs(other.expiry_seconds);
                longest = longest.max(expiry.max(theirs) + Duration::from_secs(5));
            }
            if began.elapsed() >= longest {
                return Err(other.locked());
            }
            if announced != other.id {
                say(&format!("Waiting for the lock, held by {}.", other.words()));
                announced.clone_from(&other.id);
            }
            // Jitter, so that many waiters do not ask at once.
            let jitter = Duration::from_millis((uuid::Uuid::new_v4().as_u128() % 200) as u64);
            signals::unless_stopping(tokio::time::sleep(pause + jitter)).await?;
            pause = (pause * 3 / 2).min(Duration::from_secs(3));
        }
    }

    /// Frees a lock that may have been taken by a call that is no longer waited for.
    async fn leave(&self, key: &str, holder: &Holder) -> Diagnostic {
        let freeing = async {
            loop {
                let found = signals::promptly(self.objects.get(key)).await;
                if let Some(Ok(Some((text, etag)))) = found {
                    let is_own = Holder::parse(&text, "").id == holder.id;
                    let deleting =
                        async { !is_own || self.objects.delete(key, &etag).await.is_ok_and(|done| done) };
                    if signals::promptly(deleting).await == Some(true) {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let error = signals::interrupted();
        match signals::within(Last::Lock, HOUR, freeing).await {
            Some(()) => error.note("nothing was changed"),
            None => {
                let error =
                    error.note("nothing was changed, but the ledger may be locked: S3 has not answered");
                frees_itself(error, self.place.lock_expiry).help(by_hand(holder))
            }
        }
    }

    /// Frees the lock with this id, whoever holds it.
    ///
    /// # Errors
    /// S3 failed; or there is no lock, or one with another id.
    pub async fn unlock(&self, id: &str) -> Result<Holder, Diagnostic> {
        let key = self.lock_key();
        let failed = |error: Error| self.objects.trouble("cannot release the lock", &key, &error);
        loop {
            let found = signals::unless_stopping(self.objects.get(&key)).await?;
            let Some((text, etag)) = found.map_err(failed)? else {
                return Err(Diagnostic::error("not-locked", format!("{} is not locked", self.url())));
            };
            let holder = Holder::parse(&text, &etag);
            if holder.id != id {
                return Err(Diagnostic::error("refused", format!("no lock has the id {id}"))
                    .note(format!("the lock {} is held by {}", holder.id, holder.words()))
                    .note("it was left as it is"));
            }
            let _working = signals::begin()?;
            let deleting = signals::within(Last::Lock, HOUR, self.objects.delete(&key, &etag)).await;
            let Some(deleted) = deleting else {
                let error = signals::interrupted().note("it is not known whether the lock was released");
                return Err(error.help("dwctl ledger show shows the lock"));
            };
            // A heartbeat may come in between.
            if deleted.map_err(failed)? {
                return Ok(holder);
            }
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}
