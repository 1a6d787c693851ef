//! Updates a bucket, setting by setting.

use aws_sdk_s3::types::{
    AccelerateConfiguration, BucketLifecycleConfiguration, BucketLoggingStatus, CorsConfiguration,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRule, OwnershipControls, OwnershipControlsRule,
    RequestPaymentConfiguration, VersioningConfiguration,
};

use futures_util::future::{LocalBoxFuture, join_all};

use super::spec::*;
use super::tls::{merge, tls_statement};
use crate::kind::prelude::*;

/// Restrictions are tightened before others are relaxed. Settings that need versioning are set after it is
/// enabled, and removed before it is suspended. Those that do not depend on each other are set side by side.
pub async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let s3 = cx.aws.s3();
    let block = public_access(cx, id, live, want).await?;
    if live.object_ownership != want.object_ownership {
        let rule = OwnershipControlsRule::builder().object_ownership(want.object_ownership.as_str().into());
        let controls = built(OwnershipControls::builder().rules(built(rule.build())?).build())?;
        s3.put_bucket_ownership_controls().bucket(id).ownership_controls(controls).send().await?;
    }
    let side_by_side: [LocalBoxFuture<'_, Result<()>>; 5] = [
        Box::pin(policies(cx, id, live, want, block)),
        Box::pin(versions(cx, id, live, want)),
        Box::pin(lifecycle(cx, id, live, want)),
        Box::pin(access(cx, id, live, want)),
        Box::pin(configurations(cx, id, live, want)),
    ];
    // All end, so that no call is cut off by the error of another.
    join_all(side_by_side).await.into_iter().collect()
}

/// Updates the encryption and who has access: the policy before the block that may forbid it.
async fn policies(cx: &Cx, id: &str, live: &Spec, want: &Spec, block: PublicAccessBlock) -> Result<()> {
    let s3 = cx.aws.s3();
    if live.encryption != want.encryption {
        s3.put_bucket_encryption()
            .bucket(id)
            .server_side_encryption_configuration(want.encryption.to_sdk()?)
            .send()
            .await?;
    }
    if live.policy != want.policy || live.tls_only != want.tls_only {
        let tls = tls_statement(&cx.scope.partition, id)?;
        match merge(want.policy.as_ref(), want.tls_only.then_some(&tls)) {
            Some(policy) => s3.put_bucket_policy().bucket(id).policy(policy).send().await.map(drop)?,
            None => s3.delete_bucket_policy().bucket(id).send().await.map(drop)?,
        }
    }
    if block != want.public_access_block {
        s3.put_public_access_block()
            .bucket(id)
            .public_access_block_configuration(want.public_access_block.to_sdk()?)
            .send()
            .await?;
    }
    Ok(())
}

/// Updates versioning, and what needs it.
async fn versions(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let s3 = cx.aws.s3();
    if live.replication.is_some() && want.replication.is_none() {
        s3.delete_bucket_replication().bucket(id).send().await?;
    }
    if live.versioning != want.versioning {
        let status = if want.versioning { "Enabled" } else { "Suspended" };
        s3.put_bucket_versioning()
            .bucket(id)
            .versioning_configuration(VersioningConfiguration::builder().status(status.into()).build())
            .send()
            .await?;
    }
    if live.object_lock_default_retention != want.object_lock_default_retention {
        let retention = want.object_lock_default_retention.as_ref().map(Table::to_sdk).transpose()?;
        let rule = retention.map(|retention| ObjectLockRule::builder().default_retention(retention).build());
        let lock = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .set_rule(rule)
            .build();
        s3.put_object_lock_configuration().bucket(id).object_lock_configuration(lock).send().await?;
    }
    if let Some(replication) = &want.replication
        && live.replication.as_ref() != Some(replication)
    {
        s3.put_bucket_replication()
            .bucket(id)
            .replication_configuration(replication.to_sdk()?)
            .send()
            .await?;
    }
    Ok(())
}

/// Tightens the public access block as planned, but allows writing a public policy if one is planned.
/// Returns the block now in force. The rest is relaxed after the policy has changed, so that no old
/// policy becomes public in between.
async fn public_access(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<PublicAccessBlock> {
    let (from, to) = (live.public_access_block, want.public_access_block);
    let first = PublicAccessBlock {
        block_public_acls: from.block_public_acls || to.block_public_acls,
        ignore_public_acls: from.ignore_public_acls || to.ignore_public_acls,
        restrict_public_buckets: from.restrict_public_buckets || to.restrict_public_buckets,
        // This flag only guards the writing of policies.
        block_public_policy: to.block_public_policy,
    };
    if first != from {
        cx.aws
            .s3()
            .put_public_access_block()
            .bucket(id)
            .public_access_block_configuration(first.to_sdk()?)
            .send()
            .await?;
    }
    Ok(first)
}

async fn lifecycle(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let s3 = cx.aws.s3();
    let size = &want.transition_default_minimum_object_size;
    if live.lifecycle_rules == want.lifecycle_rules && live.transition_default_minimum_object_size == *size {
        return Ok(());
    }
    if want.lifecycle_rules.is_empty() {
        if !live.lifecycle_rules.is_empty() {
            s3.delete_bucket_lifecycle().bucket(id).send().await?;
        }
        return Ok(());
    }
    let rules: Result<Vec<_>> = want.lifecycle_rules.iter().map(LifecycleRule::to_sdk).collect();
    let lifecycle = built(BucketLifecycleConfiguration::builder().set_rules(Some(rules?)).build())?;
    s3.put_bucket_lifecycle_configuration()
        .bucket(id)
        .lifecycle_configuration(lifecycle)
        .set_transition_default_minimum_object_size(size.as_deref().map(Into::into))
        .send()
        .await?;
    Ok(())
}

/// Updates logging, the settings of access from elsewhere, and notifications.
async fn access(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let s3 = cx.aws.s3();
    if live.logging != want.logging {
        let logging = want.logging.as_ref().map(Logging::to_sdk).transpose()?;
        s3.put_bucket_logging()
            .bucket(id)
            .bucket_logging_status(BucketLoggingStatus::builder().set_logging_enabled(logging).build())
            .send()
            .await?;
    }
    if live.cors_rules != want.cors_rules {
        if want.cors_rules.is_empty() {
            s3.delete_bucket_cors().bucket(id).send().await?;
        } else {
            let rules: Result<Vec<_>> = want.cors_rules.iter().map(CorsRule::to_sdk).collect();
            let cors = built(CorsConfiguration::builder().set_cors_rules(Some(rules?)).build())?;
            s3.put_bucket_cors().bucket(id).cors_configuration(cors).send().await?;
        }
    }
    if live.website != want.website {
        match &want.website {
            Some(website) => {
                s3.put_bucket_website().bucket(id).website_configuration(website.to_sdk()?).send().await?;
            }
            None => {
                s3.delete_bucket_website().bucket(id).send().await?;
            }
        }
    }
    if live.notification != want.notification {
        let notification = want.notification.clone().unwrap_or_default().to_sdk()?;
        s3.put_bucket_notification_configuration()
            .bucket(id)
            .notification_configuration(notification)
            .send()
            .await?;
    }
    if live.accelerate != want.accelerate {
        let status = if want.accelerate { "Enabled" } else { "Suspended" };
        s3.put_bucket_accelerate_configuration()
            .bucket(id)
            .accelerate_configuration(AccelerateConfiguration::builder().status(status.into()).build())
            .send()
            .await?;
    }
    if live.request_payer != want.request_payer {
        let payment =
            RequestPaymentConfiguration::builder().payer(want.request_payer.as_str().into()).build();
        s3.put_bucket_request_payment()
            .bucket(id)
            .request_payment_configuration(built(payment)?)
            .send()
            .await?;
    }
    Ok(())
}

/// Removes and puts the elements of a list that S3 keeps by id.
macro_rules! by_id {
    ($s3:expr, $bucket:expr, $live:expr, $want:expr, $delete:ident, $put:ident, $body:ident) => {
        for gone in $live.iter().filter(|live| !$want.iter().any(|want| want.id == live.id)) {
            $s3.$delete().bucket($bucket).id(&gone.id).send().await?;
        }
        for want in $want.iter().filter(|want| !$live.contains(want)) {
            $s3.$put().bucket($bucket).id(&want.id).$body(want.to_sdk()?).send().await?;
        }
    };
}

async fn configurations(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let s3 = cx.aws.s3();
    by_id!(
        s3,
        id,
        live.intelligent_tiering,
        want.intelligent_tiering,
        delete_bucket_intelligent_tiering_configuration,
        put_bucket_intelligent_tiering_configuration,
        intelligent_tiering_configuration
    );
    by_id!(
        s3,
        id,
        live.request_metrics,
        want.request_metrics,
        delete_bucket_metrics_configuration,
        put_bucket_metrics_configuration,
        metrics_configuration
    );
    by_id!(
        s3,
        id,
        live.inventory,
        want.inventory,
        delete_bucket_inventory_configuration,
        put_bucket_inventory_configuration,
        inventory_configuration
    );
    Ok(())
}
