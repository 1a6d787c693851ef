//! `s3_bucket`.

mod check;
mod check_delete;
mod convert;
mod spec;
mod terraform;
mod tls;
mod update;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectIdentifier, Tagging,
};
use futures_util::future::LocalBoxFuture;

use super::shared::{changed_tags, delete_versions, to_tags};
use crate::kind::prelude::*;
pub use spec::*;
use tls::{split, tls_only_of, tls_statement};

/// The attributes of a bucket that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the bucket.
    pub arn: String,
    /// Name of the bucket's host.
    pub domain_name: String,
    /// Name of the bucket's host in its region.
    pub regional_domain_name: String,
    /// Name of the bucket's host in its region, for IPv4 and IPv6.
    pub dual_stack_domain_name: String,
    /// Address of the bucket's web site, if it has one.
    pub website_url: String,
}

/// The kind `s3_bucket`.
pub struct S3Bucket;

impl Kind for S3Bucket {
    const CFN: Option<&'static str> = Some("AWS::S3::Bucket");
    const TERRAFORM: Terraform =
        Terraform::of("aws_s3_bucket", terraform::NAMES).arranged(terraform::arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("replication.rules.status", "enabled"),
        ("", "storage"),
        ("encryption", "aws_s3_bucket_server_side_encryption_configuration"),
        ("public_access_block", "aws_s3_bucket_public_access_block"),
        ("object_ownership", "aws_s3_bucket_ownership_controls"),
        ("policy", "aws_s3_bucket_policy"),
        ("policy", "AWS::S3::BucketPolicy"),
        ("versioning", "aws_s3_bucket_versioning"),
        ("lifecycle_rules", "aws_s3_bucket_lifecycle_configuration"),
        ("object_lock_default_retention", "aws_s3_bucket_object_lock_configuration"),
        ("replication", "aws_s3_bucket_replication_configuration"),
        ("cors_rules", "aws_s3_bucket_cors_configuration"),
        ("website", "aws_s3_bucket_website_configuration"),
        ("accelerate", "aws_s3_bucket_accelerate_configuration"),
        ("request_payer", "aws_s3_bucket_request_payment_configuration"),
        ("logging", "aws_s3_bucket_logging"),
        ("notification", "aws_s3_bucket_notification"),
        ("intelligent_tiering", "aws_s3_bucket_intelligent_tiering_configuration"),
        ("request_metrics", "aws_s3_bucket_metric"),
        ("inventory", "aws_s3_bucket_inventory"),
        ("bucket", "BucketName"),
        ("accelerate", "AccelerateConfiguration"),
        ("encryption", "BucketEncryption"),
        ("encryption", "server_side_encryption_configuration"),
        ("lifecycle_rules", "LifecycleConfiguration"),
        ("lifecycle_rules", "lifecycle_rule"),
        ("versioning", "VersioningConfiguration"),
        ("public_access_block", "PublicAccessBlockConfiguration"),
        ("logging", "LoggingConfiguration"),
        ("notification", "NotificationConfiguration"),
        ("replication", "ReplicationConfiguration"),
        ("website", "WebsiteConfiguration"),
        ("cors_rules", "CorsConfiguration"),
        ("cors_rules", "cors_rule"),
        ("object_lock_default_retention", "ObjectLockConfiguration"),
        ("object_ownership", "OwnershipControls"),
        ("object_ownership", "acl"),
        ("object_ownership", "AccessControl"),
        ("inventory", "InventoryConfigurations"),
        ("request_metrics", "MetricsConfigurations"),
        ("intelligent_tiering", "IntelligentTieringConfigurations"),
        ("encryption", "rule"),
        ("encryption", "apply_server_side_encryption_by_default"),
        ("encryption", "ServerSideEncryptionByDefault"),
        ("object_lock_default_retention", "rule"),
        ("object_lock_default_retention", "DefaultRetention"),
        ("lifecycle_rules.status", "enabled"),
        ("lifecycle_rules.filter.prefix", "Prefix"),
        ("lifecycle_rules.filter.tags", "TagFilters"),
        ("lifecycle_rules.filter.tags", "Tags"),
        ("lifecycle_rules.expiration.days", "ExpirationInDays"),
        ("lifecycle_rules.expiration.date", "ExpirationDate"),
        ("lifecycle_rules.noncurrent_version_expiration", "NoncurrentVersionExpirationInDays"),
        ("lifecycle_rules.transitions.days", "TransitionInDays"),
        ("lifecycle_rules.transitions.date", "TransitionDate"),
        ("lifecycle_rules.noncurrent_version_transitions.noncurrent_days", "TransitionInDays"),
        ("intelligent_tiering.filter.prefix", "Prefix"),
        ("intelligent_tiering.filter.tags", "TagFilters"),
        ("request_metrics.filter.prefix", "Prefix"),
        ("request_metrics.filter.tags", "TagFilters"),
        ("replication.rules.filter.prefix", "Prefix"),
        ("replication.rules.filter.tags", "TagFilter"),
        ("replication.rules.filter.tags", "TagFilters"),
        ("lifecycle_rules", "Rules"),
        ("notification.queue_configurations.queue_arn", "Queue"),
        ("notification.topic_configurations.topic_arn", "Topic"),
        ("replication.rules.filter", "And"),
        ("replication.rules.sse_kms_encrypted_objects", "SourceSelectionCriteria"),
        ("replication.rules.destination.replica_kms_key_id", "EncryptionConfiguration"),
        ("replication.rules.destination.account", "account_id"),
        ("logging.target_bucket", "DestinationBucketName"),
        ("logging.target_prefix", "LogFilePrefix"),
        ("logging.partition_date_source", "TargetObjectKeyFormat"),
        ("notification.lambda_function_configurations.prefix", "Filter"),
        ("notification.queue_configurations.prefix", "Filter"),
        ("notification.topic_configurations.prefix", "Filter"),
        ("website.routing_rules.key_prefix_equals", "RoutingRuleCondition"),
        ("website.routing_rules.key_prefix_equals", "condition"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketCORS",
            "s3:GetBucketLogging",
            "s3:GetBucketNotification",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetIntelligentTieringConfiguration",
            "s3:GetInventoryConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:GetMetricsConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:ListAllMyBuckets",
            "s3:ListBucket",
        ],
        create: &[
            "s3:CreateBucket",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:TagResource",
        ],
        update: &[
            "iam:PassRole",
            "s3:DeleteBucketPolicy",
            "s3:DeleteBucketWebsite",
            "s3:PutAccelerateConfiguration",
            "s3:PutBucketCORS",
            "s3:PutBucketLogging",
            "s3:PutBucketNotification",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketRequestPayment",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutBucketWebsite",
            "s3:PutEncryptionConfiguration",
            "s3:PutIntelligentTieringConfiguration",
            "s3:PutInventoryConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:PutMetricsConfiguration",
            "s3:PutReplicationConfiguration",
        ],
        delete: &[
            "s3:DeleteBucket",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:ListBucket",
            "s3:ListBucketVersions",
        ],
    };
    const SET_AFTER_CREATE: &'static [&'static str] = &[
        "versioning",
        "encryption",
        "public_access_block",
        "policy",
        "tls_only",
        "lifecycle_rules",
        "transition_default_minimum_object_size",
        "logging",
        "cors_rules",
        "notification",
        "replication",
        "website",
        "accelerate",
        "object_lock_default_retention",
        "intelligent_tiering",
        "request_metrics",
        "inventory",
        "request_payer",
    ];
    const TAG_RULES: TagRules = TagRules::PLAIN;
    // S3 checks that these exist when they are set, but does not protect them from deletion.
    const LINKS: &'static [Link] = &[
        Link::to("logging.target_bucket", "s3_bucket"),
        Link::to("replication.role", "iam_role"),
        Link::to("replication.rules.destination.bucket", "s3_bucket"),
        Link::to("notification.topic_configurations.topic_arn", "sns_topic"),
    ];
    const DEFERRABLE: &'static [&'static str] = &["policy", "logging", "notification", "replication"];
    const TAGS_APART: bool = true;
    // Emptying a bucket takes a call for every thousand versions.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 3600 };
    const ID: Option<&'static str> = Some("bucket");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        let Some(bucket) = spec.text("bucket") else { return Predicted::default() };
        let attrs = attrs(bucket, scope);
        Predicted::default()
            .with("arn", attrs.arn)
            .with("domain_name", attrs.domain_name)
            .with("regional_domain_name", attrs.regional_domain_name)
            .with("dual_stack_domain_name", attrs.dual_stack_domain_name)
            .with("website_url", attrs.website_url)
    }

    fn canonical(spec: &mut Value) {
        tls_only_of(spec);
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check::check(spec)
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        check::check_logging(spec, among)
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.text("bucket").map(str::to_owned).into_iter().collect()
    }

    /// Bucket names are unique across all regions, while ids only distinguish buckets of one region:
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let name = own.spec.text("bucket")?;
        (own.place != other.place && other.spec.text("bucket") == Some(name)).then(|| {
            Problem::new("bucket", format!("`{name}` is also the name of {}", other.address))
                .help("bucket names are unique across all regions")
        })
    }

    /// In `us-east-1`, creating a bucket that the account has already succeeds, and resets an access control list
    /// if the bucket still has one; elsewhere S3 refuses
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html#API_CreateBucket_Errors>).
    fn on_existing(scope: &Scope) -> OnExisting {
        if scope.region == "us-east-1" { OnExisting::Returns } else { OnExisting::Refuses }
    }

    /// Tags, public access block and encryption are always read, since dwctl sets them even if the stack says
    /// nothing. Every other setting is read only if it is declared. The first answer shows whether the
    /// bucket exists and is ours.
    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        each(lookups, 8, |lookup| read(cx, lookup)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        // A bucket without a location is created in `us-east-1`
        // (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
        let location = (cx.scope.region != "us-east-1")
            .then(|| BucketLocationConstraint::from(cx.scope.region.as_str()));
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(location)
            .set_tags(Some(to_tags(new.tags)?))
            .build();
        let created = cx
            .aws
            .s3()
            .create_bucket()
            .bucket(&want.bucket)
            .create_bucket_configuration(configuration)
            .object_ownership(want.object_ownership.as_str().into())
            .object_lock_enabled_for_bucket(want.object_lock_enabled)
            .send()
            .await
            .map_err(Error::from);
        match created {
            Ok(_) => Ok(want.bucket.clone().into()),
            Err(error) if error.has_code(&["BucketAlreadyExists"]) => Err(Error {
                class: Class::Invalid,
                message: format!(
                    "another account has a bucket named `{}`: names are shared by all of AWS, choose another",
                    want.bucket
                )
                .into(),
                ..error
            }),
            Err(error) => Err(error),
        }
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        update::update(cx, id, live, want).await
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let s3 = cx.aws.s3();
        if live.force_destroy {
            empty(s3, id).await?;
        }
        match s3.delete_bucket().bucket(id).send().await.or_gone() {
            Ok(deleted) => Ok(Deletion::of(deleted)),
            Err(error) if error.has_code(&["BucketNotEmpty"]) && !live.force_destroy => Err(Error {
                class: Class::Invalid,
                message: format!(
                    "`{id}` holds objects or versions of objects, and dwctl deletes them only if \
                     `force_destroy = true` was applied to the bucket"
                )
                .into(),
                ..error
            }),
            // Someone wrote an object while the bucket was emptied. The next attempt empties it again.
            Err(error) if error.has_code(&["BucketNotEmpty"]) => {
                Err(Error { class: Class::Conflict, ..error })
            }
            Err(error) => Err(error),
        }
    }

    async fn check_delete(
        cx: &Cx,
        id: &str,
        live: &Spec,
        _: &Attrs,
        parts: &[Known<'_>],
    ) -> Result<Option<DeleteCheck>> {
        if live.force_destroy {
            Ok(None)
        } else {
            check_delete::check_delete(cx, id, live.versioning, parts).await
        }
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        let s3 = cx.aws.s3();
        let before = s3
            .get_bucket_tagging()
            .bucket(id)
            .send()
            .await
            .or_none_on(&["NoSuchTagSet"])?
            .map(|tags| tags.tag_set);
        let tags = changed_tags(before.as_deref().unwrap_or_default(), set, remove);
        if tags.is_empty() {
            s3.delete_bucket_tagging().bucket(id).send().await?;
        } else {
            let tagging = built(Tagging::builder().set_tag_set(Some(to_tags(&tags)?)).build())?;
            s3.put_bucket_tagging().bucket(id).tagging(tagging).send().await?;
        }
        Ok(())
    }
}

/// The read-only attributes of a bucket, which follow from its name and region.
fn attrs(bucket: &str, scope: &Scope) -> Attrs {
    // Regions from before 2014 have a dash in their website host name
    // (https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_website_region_endpoints).
    const DASHED: &[&str] = &[
        "us-east-1",
        "us-west-1",
        "us-west-2",
        "us-gov-west-1",
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-west-1",
        "sa-east-1",
    ];
    let suffix = scope.dns_suffix();
    let region = &scope.region;
    let website = if DASHED.contains(&region.as_str()) { "s3-website-" } else { "s3-website." };
    Attrs {
        arn: format!("arn:{}:s3:::{bucket}", scope.partition),
        domain_name: format!("{bucket}.s3.{suffix}"),
        regional_domain_name: format!("{bucket}.s3.{region}.{suffix}"),
        dual_stack_domain_name: format!("{bucket}.s3.dualstack.{region}.{suffix}"),
        website_url: format!("http://{bucket}.{website}{region}.{suffix}"),
    }
}

/// Explains a refused call: the name may belong to another account, or the bucket be in another region.
/// It is better to say so in the plan than in the apply.
async fn explain(cx: &Cx, bucket: &str, error: Error) -> Error {
    let s3 = cx.aws.s3();
    if error.class == Class::Denied {
        return match s3.head_bucket().bucket(bucket).send().await.or_gone() {
            Err(head) if head.class == Class::Denied => Error {
                message: format!(
                    "`{bucket}` is a bucket of another account, or one that the caller may not see; bucket names \
                     are shared by all of AWS"
                )
                .into(),
                ..error
            },
            // The caller may see the bucket, but not this setting.
            _ => error,
        };
    }
    if !error.has_code(&["PermanentRedirect", "AuthorizationHeaderMalformed"]) {
        return error;
    }
    let listed = s3.list_buckets().prefix(bucket).send().await.ok();
    let region = listed
        .iter()
        .flat_map(|listed| listed.buckets())
        .find(|one| one.name() == Some(bucket))
        .and_then(|one| one.bucket_region())
        .unwrap_or("another region");
    Error::finding(
        Class::Invalid,
        format!("the bucket `{bucket}` already exists in {region}, not in {}", cx.scope.region),
    )
}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<S3Bucket>>> {
    let settings = async {
        match settings(cx, lookup).await {
            Ok(live) => Ok(Some(live)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(explain(cx, lookup.id, error).await),
        }
    };
    if lookup.is_bare() && lookup.tags.is_none() {
        // The call for its tags shows that it exists.
        return settings.await;
    }
    let block = async {
        let block = cx.aws.s3().get_public_access_block().bucket(lookup.id).send().await;
        match block.or_none_on(&["NoSuchPublicAccessBlockConfiguration"]) {
            Ok(block) => Ok(Some(block.and_then(|answer| answer.public_access_block_configuration))),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(explain(cx, lookup.id, error).await),
        }
    };
    let Some((block, live)) = lookup.both(block, settings).await? else { return Ok(None) };
    let public_access_block = block.as_ref().map_or_else(|| Ok(PublicAccessBlock::all(false)), Table::of)?;
    Ok(Some(Live { spec: Spec { public_access_block, ..live.spec }, ..live }))
}

/// Makes a call only if it is wanted. The futures are boxed, because a bucket's concurrent calls are too
/// large for the stack.
fn when<'a, T: 'a>(
    wanted: bool,
    call: impl Future<Output = Result<Option<T>>> + 'a,
) -> LocalBoxFuture<'a, Result<Option<T>>> {
    if wanted { Box::pin(call) } else { Box::pin(async { Ok(None) }) }
}

/// Reads all but the public access block.
async fn settings(cx: &Cx, lookup: Lookup<'_>) -> Result<Live<S3Bucket>> {
    let s3 = cx.aws.s3();
    let id = lookup.id;
    let wants = |attribute: &str| lookup.wants(attribute);
    let tags = when(lookup.tags.is_none(), async {
        s3.get_bucket_tagging().bucket(id).send().await.or_none_on(&["NoSuchTagSet"])
    });
    let encryption = when(!lookup.is_bare(), async {
        s3.get_bucket_encryption()
            .bucket(id)
            .send()
            .await
            .or_none_on(&["ServerSideEncryptionConfigurationNotFoundError"])
    });
    let versioning =
        when(wants("versioning"), async { Ok(Some(s3.get_bucket_versioning().bucket(id).send().await?)) });
    let ownership = when(wants("object_ownership"), async {
        s3.get_bucket_ownership_controls()
            .bucket(id)
            .send()
            .await
            .or_none_on(&["OwnershipControlsNotFoundError"])
    });
    let policy = when(wants("policy") || wants("tls_only"), async {
        s3.get_bucket_policy().bucket(id).send().await.or_none_on(&["NoSuchBucketPolicy"])
    });
    let lifecycle =
        when(wants("lifecycle_rules") || wants("transition_default_minimum_object_size"), async {
            s3.get_bucket_lifecycle_configuration()
                .bucket(id)
                .send()
                .await
                .or_none_on(&["NoSuchLifecycleConfiguration"])
        });
    let logging =
        when(wants("logging"), async { Ok(Some(s3.get_bucket_logging().bucket(id).send().await?)) });
    let cors = when(wants("cors_rules"), async {
        s3.get_bucket_cors().bucket(id).send().await.or_none_on(&["NoSuchCORSConfiguration"])
    });
    let notification = when(wants("notification"), async {
        Ok(Some(s3.get_bucket_notification_configuration().bucket(id).send().await?))
    });
    let replication = when(wants("replication"), async {
        s3.get_bucket_replication()
            .bucket(id)
            .send()
            .await
            .or_none_on(&["ReplicationConfigurationNotFoundError"])
    });
    let website = when(wants("website"), async {
        s3.get_bucket_website().bucket(id).send().await.or_none_on(&["NoSuchWebsiteConfiguration"])
    });
    let accelerate = when(wants("accelerate"), async {
        // Not every region supports it.
        s3.get_bucket_accelerate_configuration()
            .bucket(id)
            .send()
            .await
            .or_none_on(&["MethodNotAllowed", "UnsupportedArgument"])
    });
    let lock = when(wants("object_lock_enabled") || wants("object_lock_default_retention"), async {
        s3.get_object_lock_configuration()
            .bucket(id)
            .send()
            .await
            .or_none_on(&["ObjectLockConfigurationNotFoundError"])
    });
    let payer = when(wants("request_payer"), async {
        Ok(Some(s3.get_bucket_request_payment().bucket(id).send().await?))
    });
    let tiering = when(wants("intelligent_tiering"), tierings(s3, id));
    let metrics = when(wants("request_metrics"), request_metrics(s3, id));
    let inventory = when(wants("inventory"), inventories(s3, id));
    let (
        (tags, encryption, versioning, ownership, policy),
        (lifecycle, logging, cors, notification, replication, website),
        (accelerate, lock, payer, tiering, metrics, inventory),
    ) = futures_util::join!(
        async { futures_util::join!(tags, encryption, versioning, ownership, policy) },
        async { futures_util::join!(lifecycle, logging, cors, notification, replication, website) },
        async { futures_util::join!(accelerate, lock, payer, tiering, metrics, inventory) },
    );
    let live_policy = Read::read(policy?.as_ref().and_then(|answer| answer.policy()))?;
    let (policy, tls_only) = split(live_policy, &tls_statement(&cx.scope.partition, id)?)?;
    let (encryption, lifecycle, lock) = (encryption?, lifecycle?, lock?);
    let lock = lock.as_ref().and_then(|lock| lock.object_lock_configuration());
    let retention = lock.and_then(|lock| lock.rule()).and_then(|rule| rule.default_retention());
    let rule = encryption
        .as_ref()
        .and_then(|answer| answer.server_side_encryption_configuration())
        .and_then(|encryption| encryption.rules().first());
    let spec = Spec {
        bucket: id.to_owned(),
        versioning: versioning?
            .is_some_and(|versioning| versioning.status() == Some(&BucketVersioningStatus::Enabled)),
        encryption: Encryption::of(rule),
        public_access_block: PublicAccessBlock::all(false),
        object_ownership: match ownership? {
            Some(answer) => {
                answer.ownership_controls().and_then(|controls| controls.rules().first()).map_or_else(
                    || "ObjectWriter".to_owned(),
                    |rule| rule.object_ownership().as_str().to_owned(),
                )
            }
            // A bucket without ownership controls, from before 2023, leaves objects to their writers.
            None if wants("object_ownership") => "ObjectWriter".to_owned(),
            None => object_ownership(),
        },
        policy,
        tls_only,
        lifecycle_rules: Read::read(lifecycle.as_ref().map(|answer| answer.rules()).unwrap_or_default())?,
        transition_default_minimum_object_size: lifecycle
            .as_ref()
            .and_then(|answer| answer.transition_default_minimum_object_size())
            .map(|size| size.as_str().to_owned()),
        logging: logging?.and_then(|answer| answer.logging_enabled().map(Logging::of)),
        cors_rules: Read::read(cors?.as_ref().map(|answer| answer.cors_rules()).unwrap_or_default())?,
        notification: notification?.and_then(|answer| {
            Notification::of(
                answer.event_bridge_configuration().is_some(),
                answer.lambda_function_configurations(),
                answer.queue_configurations(),
                answer.topic_configurations(),
            )
        }),
        replication: Read::read(replication?.as_ref().and_then(|answer| answer.replication_configuration()))?,
        website: website?.as_ref().map(Website::of).transpose()?,
        accelerate: accelerate?
            .is_some_and(|answer| answer.status().is_some_and(|status| status.as_str() == "Enabled")),
        object_lock_enabled: lock.is_some_and(|lock| lock.object_lock_enabled().is_some()),
        object_lock_default_retention: Read::read(retention)?,
        intelligent_tiering: tiering?.unwrap_or_default(),
        request_metrics: metrics?.unwrap_or_default(),
        inventory: inventory?.unwrap_or_default(),
        request_payer: payer?
            .and_then(|answer| answer.payer().map(|payer| payer.as_str().to_owned()))
            .unwrap_or_else(request_payer),
        force_destroy: false,
    };
    let tags = match lookup.tags {
        Some(tags) => tags.clone(),
        None => tags?.map(|answer| tags_from(answer.tag_set())).unwrap_or_default(),
    };
    Ok(Live::ready(spec, attrs(id, &cx.scope), tags))
}

/// Defines a function that reads all pages of a list for which the SDK has no paginator.
macro_rules! pages {
    ($(#[$doc:meta])* $name:ident, $operation:ident, $list:ident, $item:ident) => {
        $(#[$doc])*
        async fn $name(s3: &Client, bucket: &str) -> Result<Option<Vec<$item>>> {
            let mut found = Vec::new();
            let mut token = None;
            loop {
                let page = s3.$operation().bucket(bucket).set_continuation_token(token).send().await?;
                found.extend(page.$list().iter().map($item::of).collect::<Result<Vec<_>>>()?);
                token = page.next_continuation_token;
                if token.is_none() {
                    return Ok(Some(found));
                }
            }
        }
    };
}

pages! {
    /// The archive tiers of a bucket.
    tierings, list_bucket_intelligent_tiering_configurations, intelligent_tiering_configuration_list, IntelligentTiering
}
pages! {
    /// The request metrics of a bucket.
    request_metrics, list_bucket_metrics_configurations, metrics_configuration_list, RequestMetrics
}
pages! {
    /// The inventories of a bucket.
    inventories, list_bucket_inventory_configurations, inventory_configuration_list, Inventory
}

/// Deletes every version and every delete marker, in pages of a thousand. The next page is
/// listed while one is deleted.
async fn empty(s3: &Client, bucket: &str) -> Result<()> {
    let mut markers = (None, None);
    let mut pending: Vec<ObjectIdentifier> = Vec::new();
    loop {
        let list = s3
            .list_object_versions()
            .bucket(bucket)
            .max_keys(1000)
            .set_key_marker(markers.0.take())
            .set_version_id_marker(markers.1.take())
            .send();
        let (page, deleted) =
            futures_util::future::join(list, delete_versions(s3, bucket, std::mem::take(&mut pending))).await;
        deleted?;
        let Some(page) = page.or_gone()? else { return Ok(()) };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let hidden = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        for (key, version) in versions.chain(hidden) {
            let object = ObjectIdentifier::builder()
                .key(key.unwrap_or_default())
                .set_version_id(version.map(str::to_owned))
                .build();
            pending.push(built(object)?);
        }
        if page.is_truncated() != Some(true) {
            return delete_versions(s3, bucket, pending).await;
        }
        markers = (page.next_key_marker, page.next_version_id_marker);
    }
}

#[cfg(test)]
mod tests {
    use super::tls::{merge, not_a_policy};
    use super::*;

    fn scope() -> Scope {
        Scope { partition: "aws".into(), account_id: "111122223333".into(), region: "eu-central-1".into() }
    }

    #[test]
    fn the_tls_statement_is_split_off_as_it_was_merged() -> Result<()> {
        let tls = tls_statement("aws", "data")?;
        let written = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}}"#;
        let policy = PolicyDocument::parse(written).map_err(not_a_policy)?;
        let merged = merge(Some(&policy), Some(&tls)).unwrap_or_default();
        let live = PolicyDocument::parse(&merged).map_err(not_a_policy)?;
        assert_eq!(split(Some(live), &tls)?, (Some(policy.clone()), true));
        assert_eq!(split(Some(policy.clone()), &tls)?, (Some(policy), false));
        // Written out by hand, the statement is the same setting.
        let by_hand = |bucket: &str| {
            let policy = serde_json::from_str(&merged).map(crate::kind::canonical_policy);
            let policy = Value::from_json(&policy.unwrap_or_default());
            let mut spec = Value::map([("bucket", Value::from(bucket)), ("policy", policy)]);
            tls_only_of(&mut spec);
            (spec.get("tls_only").cloned(), spec.get("policy").map(Value::to_json))
        };
        let rest = by_hand("data").1.and_then(std::result::Result::ok).unwrap_or_default();
        assert_eq!(by_hand("data").0, Some(Value::Bool(true)));
        assert_eq!(rest["Statement"][0]["Effect"], "Allow");
        assert_eq!(rest["Statement"].as_array().map(Vec::len), Some(1));
        // For another bucket, it is an ordinary statement.
        assert_eq!(by_hand("other").0, None);
        let alone =
            PolicyDocument::parse(&merge(None, Some(&tls)).unwrap_or_default()).map_err(not_a_policy)?;
        assert_eq!(split(Some(alone), &tls)?, (None, true));
        Ok(())
    }

    #[test]
    fn names_follow_from_the_region() {
        let attrs = attrs("data", &scope());
        assert_eq!(attrs.arn, "arn:aws:s3:::data");
        assert_eq!(attrs.website_url, "http://data.s3-website.eu-central-1.amazonaws.com");
    }
}
