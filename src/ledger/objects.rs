//! The objects of a ledger in S3, written under conditions.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ServerSideEncryption};

use crate::aws::{Class, Error, Result as Answer};
use crate::diag::Diagnostic;
use crate::limits;

/// Maximum number of retries after S3's "a conflicting operation is under way".
const CONFLICTS: u32 = 6;

/// Longer than any call: calls end by their own timeouts, or by signals.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// The place of a ledger in S3.
#[derive(Clone, Debug)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The prefix of keys.
    pub prefix: String,
    /// The object's key.
    pub key: String,
    /// The bucket's region.
    pub region: String,
    /// The KMS key that encrypts it; without one, the bucket's default.
    pub kms_key_id: Option<String>,
    /// How long a lock without a heartbeat is respected.
    pub lock_expiry: Duration,
}

/// The object that a write expects to replace.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect<'a> {
    /// No object.
    Nothing,
    /// The object with this ETag.
    Etag(&'a str),
}

/// The objects of a bucket.
#[derive(Clone)]
pub(super) struct Objects {
    pub(super) client: Client,
    pub(super) bucket: String,
    /// The account that the bucket must belong to.
    pub(super) account: String,
    pub(super) kms_key_id: Option<String>,
    /// The writer, for the object's metadata.
    pub(super) writer: String,
}

impl Objects {
    /// The text and ETag of an object, or `None` if there is none.
    pub(super) async fn get(&self, key: &str) -> Answer<Option<(Vec<u8>, String)>> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .expected_bucket_owner(&self.account)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .map_err(Error::from);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.has_code(&["NoSuchKey"]) => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let (mut body, mut stream) = (Vec::new(), answer.body);
        while let Some(part) = stream.next().await {
            let part = part.map_err(|error| {
                Error::finding(Class::Transient, format!("the object cannot be read to its end: {error}"))
            })?;
            if (body.len() + part.len()) as u64 > limits::LEDGER {
                let limit = limits::bytes(limits::LEDGER);
                let what = format!("the object is too large: a ledger has at most {limit}");
                return Err(Error::finding(Class::Invalid, what));
            }
            body.extend_from_slice(&part);
        }
        Ok(Some((body, etag)))
    }

    /// Writes an object. Returns its new ETag, or `None` if the existing object is not the expected
    /// one.
    pub(super) async fn put(&self, key: &str, text: &[u8], expect: Expect<'_>) -> Answer<Option<String>> {
        let mut conflicts = 0;
        loop {
            let request = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(key)
                .expected_bucket_owner(&self.account)
                .content_type("application/json")
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .metadata("writer", &self.writer)
                .set_server_side_encryption(self.kms_key_id.as_ref().map(|_| ServerSideEncryption::AwsKms))
                .set_ssekms_key_id(self.kms_key_id.clone())
                .body(ByteStream::from(text.to_vec()));
            let request = match expect {
                Expect::Nothing => request.if_none_match("*"),
                Expect::Etag(etag) => request.if_match(etag),
            };
            let error = match request.send().await {
                Ok(answer) => return Ok(Some(answer.e_tag.unwrap_or_default())),
                Err(error) => Error::from(error),
            };
            if is_conflict(&error, &mut conflicts).await {
                continue;
            }
            let refused = error.has_code(&["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"]);
            if !refused && !matches!(error.class, Class::Transient | Class::Unreachable) {
                return Err(error);
            }
            // The answer to an earlier attempt of this same write may have been lost.
            return match self.get(key).await {
                Ok(Some((there, etag))) if there == text => Ok(Some(etag)),
                Ok(_) if refused => Ok(None),
                Err(unreadable) if refused => Err(unreadable),
                Ok(_) | Err(_) => Err(error),
            };
        }
    }

    /// Deletes the object with this ETag. Returns false if another one is there.
    pub(super) async fn delete(&self, key: &str, etag: &str) -> Answer<bool> {
        let mut conflicts = 0;
        loop {
            let request = self.client.delete_object().bucket(&self.bucket).key(key);
            let request = request.expected_bucket_owner(&self.account).if_match(etag);
            let error = match request.send().await {
                Ok(_) => return Ok(true),
                Err(error) => Error::from(error),
            };
            if error.has_code(&["NoSuchKey"]) {
                return Ok(true);
            }
            if error.has_code(&["PreconditionFailed"]) {
                return Ok(false);
            }
            if !is_conflict(&error, &mut conflicts).await {
                return Err(error);
            }
        }
    }

    /// The writer of an object, from its metadata.
    pub(super) async fn writer_of(&self, key: &str) -> Option<String> {
        let head = self.client.head_object().bucket(&self.bucket).key(key);
        let head = head.expected_bucket_owner(&self.account).send().await.ok()?;
        head.metadata()?.get("writer").cloned()
    }

    /// `s3://bucket/key`.
    pub(super) fn place(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// An error of S3 about one object.
    pub(super) fn trouble(&self, what: &str, key: &str, error: &Error) -> Diagnostic {
        trouble(&format!("{what} {}", self.place(key)), &self.bucket, error)
    }
}

/// Returns whether S3 asks to try again because a conflicting operation is under way, and waits for it.
/// Gives up after [`CONFLICTS`].
async fn is_conflict(error: &Error, conflicts: &mut u32) -> bool {
    let is_one = error.has_code(&["ConditionalRequestConflict"]) && *conflicts < CONFLICTS;
    if is_one {
        *conflicts += 1;
        tokio::time::sleep(Duration::from_millis(100 << *conflicts)).await;
    }
    is_one
}

/// An error of S3 about a ledger's bucket: the failure, AWS's words and advice.
pub(super) fn trouble(what: &str, bucket: &str, error: &Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("ledger", what.to_owned())
        .note(format!("AWS answered: {error}"))
        .request(error.request_id.as_deref());
    if error.has_code(&["NoSuchBucket"]) {
        return diagnostic.help(format!("to create the bucket `{bucket}`, run dwctl ledger init"));
    }
    if error.class == Class::Denied {
        diagnostic = diagnostic
            .note("S3 gives the same answer if the bucket belongs to another account")
            .note("or if the object is missing and the caller may not list the bucket");
    }
    match error.advice("check the network, then try again") {
        Some(advice) => diagnostic.help(advice),
        None => diagnostic,
    }
}
