//! The bucket of ledgers: private, versioned, encrypted, reachable by TLS only.

use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    VersioningConfiguration,
};
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::S3Store;
use super::objects::{Place, trouble};
use crate::aws::{self, Class, Error, Result, ResultExt, Session};
use crate::diag::Diagnostic;
use crate::signals::{self, Last};

/// The tag of buckets for ledgers.
const TAG: &str = "dwctl:ledger";
/// The name of our statement in the bucket's policy, and of our lifecycle rule.
const OURS: &str = "DwctlLedger";
/// How long old versions of a ledger are kept.
const KEPT_DAYS: i32 = 365;

/// Creates the bucket for a ledger, or repairs its settings. Settings of others (policy statements,
/// lifecycle rules, tags) are kept. Returns the steps done; none if all is well.
///
/// # Errors
/// An AWS call failed; or the bucket belongs to another account or, without `adopt`, holds other
/// things (`refused`).
pub async fn ensure(
    session: &Session,
    store: &S3Store,
    adopt: bool,
) -> std::result::Result<Vec<String>, Diagnostic> {
    let place = store.place();
    let cx = session.cx(&aws::Place::of(&place.region));
    let bucket =
        Bucket { s3: cx.aws.s3(), place, account: session.account_id(), partition: &cx.scope.partition };
    let mut done = Vec::new();
    let name = &place.bucket;
    let failed =
        |what: &str, error: &Error| trouble(&format!("cannot {what} the bucket `{name}`"), name, error);
    match bucket.is_there().await {
        Ok(true) => {}
        Ok(false) => {
            finish_step(bucket.create(), &done).await?.map_err(|error| failed("make", &error))?;
            done.push(format!("made in {}", place.region));
        }
        Err(error) if error.class == Class::Denied => {
            return Err(Diagnostic::error("refused", format!("the bucket `{name}` is not ours"))
                .note(format!("AWS answered: {error}"))
                .note(format!(
                    "it does not belong to account {}, or the caller may not see it",
                    session.account_id()
                ))
                .note("it was left as it is")
                .help("choose another name: bucket names are shared by all accounts"));
        }
        Err(error) => return Err(failed("look at", &error)),
    }
    let tags = bucket.tags().await.map_err(|error| failed("read the tags of", &error))?;
    let is_ours = tags.iter().any(|tag| tag.key() == TAG);
    // An empty bucket without the tag may come from an earlier attempt.
    if !is_ours && !adopt && !bucket.is_empty().await.map_err(|error| failed("list", &error))? {
        return Err(Diagnostic::error("refused", format!("the bucket `{name}` holds other objects"))
            .note(format!("it has objects, but no tag `{TAG}`"))
            .note("it was left as it is")
            .help("choose another bucket, or add --adopt to use this one: its settings are then changed"));
    }
    let steps: [(&str, LocalBoxFuture<'_, Step>); 6] = [
        ("tag", Box::pin(bucket.tag(tags))),
        ("close", Box::pin(bucket.close())),
        ("version", Box::pin(bucket.version())),
        ("encrypt", Box::pin(bucket.encrypt())),
        ("set the policy of", Box::pin(bucket.restrict())),
        ("set the lifecycle of", Box::pin(bucket.expire())),
    ];
    for (what, step) in steps {
        let step = finish_step(step, &done).await?;
        done.extend(step.map_err(|error| failed(what, &error))?.map(str::to_owned));
    }
    Ok(done)
}

/// Finishes a started step even after a signal, and starts none after one.
async fn finish_step<T>(
    step: impl Future<Output = T>,
    done: &[String],
) -> std::result::Result<T, Diagnostic> {
    let stopped = |what: &str| {
        let error = signals::interrupted().note(what.to_owned());
        let error = done.iter().fold(error, |error, step| error.note(format!("the bucket was {step}")));
        error.help("run dwctl ledger init again: it continues where it stopped")
    };
    let Ok(_working) = signals::begin() else { return Err(stopped("nothing more was changed")) };
    let stepped = signals::within(Last::Call, Duration::from_secs(600), step).await;
    stepped.ok_or_else(|| stopped("it is not known whether the last step was done"))
}

struct Bucket<'b> {
    s3: &'b Client,
    place: &'b Place,
    account: &'b str,
    partition: &'b str,
}

/// The change that was made, if any.
type Step = Result<Option<&'static str>>;

impl Bucket<'_> {
    async fn is_there(&self) -> Result<bool> {
        let head = self.s3.head_bucket().bucket(&self.place.bucket).expected_bucket_owner(self.account);
        Ok(head.send().await.or_gone()?.is_some())
    }

    async fn create(&self) -> Result<()> {
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: no constraint means
        // us-east-1.
        let configuration = (self.place.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.place.region.as_str()))
                .build()
        });
        let request = self.s3.create_bucket().bucket(&self.place.bucket);
        let made = request.set_create_bucket_configuration(configuration).send().await;
        made.or_none_on(&["BucketAlreadyOwnedByYou"])?;
        Ok(())
    }

    async fn is_empty(&self) -> Result<bool> {
        let request = self.s3.list_objects_v2().bucket(&self.place.bucket).max_keys(1);
        Ok(request.expected_bucket_owner(self.account).send().await?.contents().is_empty())
    }

    async fn tags(&self) -> Result<Vec<Tag>> {
        let request = self.s3.get_bucket_tagging().bucket(&self.place.bucket);
        let answer =
            request.expected_bucket_owner(self.account).send().await.or_none_on(&["NoSuchTagSet"])?;
        Ok(answer.map(|answer| answer.tag_set).unwrap_or_default())
    }

    async fn tag(&self, mut tags: Vec<Tag>) -> Step {
        if tags.iter().any(|tag| tag.key() == TAG) {
            return Ok(None);
        }
        tags.push(Tag::builder().key(TAG).value("true").build()?);
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build()?;
        let request = self.s3.put_bucket_tagging().bucket(&self.place.bucket).tagging(tagging);
        request.expected_bucket_owner(self.account).send().await?;
        Ok(Some("tagged as a ledger bucket"))
    }

    async fn close(&self) -> Step {
        let request = self.s3.get_public_access_block().bucket(&self.place.bucket);
        let answer = request
            .expected_bucket_owner(self.account)
            .send()
            .await
            .or_none_on(&["NoSuchPublicAccessBlockConfiguration"])?;
        let want = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        if answer.and_then(|answer| answer.public_access_block_configuration).as_ref() == Some(&want) {
            return Ok(None);
        }
        let request = self.s3.put_public_access_block().bucket(&self.place.bucket);
        let request = request.public_access_block_configuration(want);
        request.expected_bucket_owner(self.account).send().await?;
        Ok(Some("closed to the public"))
    }

    async fn version(&self) -> Step {
        let request = self.s3.get_bucket_versioning().bucket(&self.place.bucket);
        let answer = request.expected_bucket_owner(self.account).send().await?;
        if answer.status() == Some(&BucketVersioningStatus::Enabled) {
            return Ok(None);
        }
        let want = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let request = self.s3.put_bucket_versioning().bucket(&self.place.bucket);
        let request = request.versioning_configuration(want);
        request.expected_bucket_owner(self.account).send().await?;
        Ok(Some("versioned: earlier ledgers can be restored"))
    }

    async fn encrypt(&self) -> Step {
        let request = self.s3.get_bucket_encryption().bucket(&self.place.bucket);
        let answer = request
            .expected_bucket_owner(self.account)
            .send()
            .await
            .or_none_on(&["ServerSideEncryptionConfigurationNotFoundError"])?;
        let rules = answer.and_then(|answer| answer.server_side_encryption_configuration);
        let rules = rules.map(|configuration| configuration.rules).unwrap_or_default();
        let default = rules.first().and_then(|rule| rule.apply_server_side_encryption_by_default());
        let key = self.place.kms_key_id.as_deref();
        // Without a requested key, any encryption is fine.
        if default.is_some_and(|default| key.is_none() || default.kms_master_key_id() == key) {
            return Ok(None);
        }
        let algorithm =
            if key.is_some() { ServerSideEncryption::AwsKms } else { ServerSideEncryption::Aes256 };
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(algorithm)
            .set_kms_master_key_id(key.map(str::to_owned));
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default.build()?)
            .set_bucket_key_enabled(key.map(|_| true))
            .build();
        let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build()?;
        let request = self.s3.put_bucket_encryption().bucket(&self.place.bucket);
        let request = request.server_side_encryption_configuration(configuration);
        request.expected_bucket_owner(self.account).send().await?;
        Ok(Some("encrypted"))
    }

    /// Denies requests without TLS
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html>).
    async fn restrict(&self) -> Step {
        let request = self.s3.get_bucket_policy().bucket(&self.place.bucket);
        let answer =
            request.expected_bucket_owner(self.account).send().await.or_none_on(&["NoSuchBucketPolicy"])?;
        let text = answer.and_then(|answer| answer.policy).unwrap_or_else(|| "{}".to_owned());
        let mut policy: Value = serde_json::from_str(&text)
            .map_err(|error| Error::finding(Class::Other, format!("its policy is not JSON: {error}")))?;
        let arn = format!("arn:{}:s3:::{}", self.partition, self.place.bucket);
        let want = json!({
            "Sid": OURS, "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } }
        });
        let mut statements = match policy.get("Statement") {
            Some(Value::Array(list)) => list.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one.clone()],
        };
        if statements.contains(&want) {
            return Ok(None);
        }
        statements.retain(|statement| statement["Sid"] != OURS);
        statements.push(want);
        let version = policy.get("Version").cloned().unwrap_or_else(|| json!("2012-10-17"));
        policy = json!({ "Version": version, "Statement": statements });
        let request = self.s3.put_bucket_policy().bucket(&self.place.bucket).policy(policy.to_string());
        request.expected_bucket_owner(self.account).send().await?;
        Ok(Some("restricted to TLS"))
    }

    async fn expire(&self) -> Step {
        let request = self.s3.get_bucket_lifecycle_configuration().bucket(&self.place.bucket);
        let answer = request
            .expected_bucket_owner(self.account)
            .send()
            .await
            .or_none_on(&["NoSuchLifecycleConfiguration"])?;
        let mut rules = answer.and_then(|answer| answer.rules).unwrap_or_default();
        let as_wanted = |rule: &LifecycleRule| {
            rule.id() == Some(OURS)
                && rule.status() == &ExpirationStatus::Enabled
                && rule.filter().and_then(LifecycleRuleFilter::prefix) == Some(self.place.prefix.as_str())
                && rule.noncurrent_version_expiration().and_then(|one| one.noncurrent_days())
                    == Some(KEPT_DAYS)
        };
        if rules.iter().any(as_wanted) {
            return Ok(None);
        }
        let want = LifecycleRule::builder()
            .id(OURS)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(&self.place.prefix).build())
            .noncurrent_version_expiration(
                NoncurrentVersionExpiration::builder().noncurrent_days(KEPT_DAYS).build(),
            )
            // Freed locks leave only their delete markers.
            .expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build());
        rules.retain(|rule| rule.id() != Some(OURS));
        rules.push(want.build()?);
        let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()?;
        let request = self.s3.put_bucket_lifecycle_configuration().bucket(&self.place.bucket);
        let request = request.lifecycle_configuration(configuration);
        request.expected_bucket_owner(self.account).send().await?;
        Ok(Some("earlier versions are kept for 365 days"))
    }
}
