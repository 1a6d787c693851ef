//! The spec of a bucket.

use std::collections::BTreeMap;

use crate::kind::prelude::*;

/// An Amazon S3 bucket with its settings. What is not written is at AWS's default, which
/// is private and encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the bucket, unique in all of AWS.
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS]), length(min = 3, max = 63), regex(pattern = r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$"))]
    pub bucket: String,
    /// Keep earlier versions of objects. Turning it off suspends it: the versions stay.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: overwritten and deleted objects are no longer kept"]))]
    pub versioning: bool,
    /// How new objects are encrypted unless the writer says otherwise. Absent: `AES256`, with S3's own keys.
    #[serde(default)]
    pub encryption: Encryption,
    /// Guards against public access. Absent: all four on.
    #[serde(default)]
    pub public_access_block: PublicAccessBlock,
    /// Who owns new objects. `BucketOwnerEnforced` turns access control lists off.
    #[serde(default = "object_ownership")]
    #[schemars(extend("enum" = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]))]
    #[schemars(extend("x-dwctl-risk" = ["access when lower BucketOwnerEnforced > BucketOwnerPreferred > ObjectWriter: access control lists take effect"]))]
    pub object_ownership: String,
    /// Who may do what with the bucket, besides what IAM policies allow.
    pub policy: Option<PolicyDocument>,
    /// Refuse requests without TLS, by a statement `DenyInsecureTransport` that is added to `policy`.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: requests without TLS are accepted"]))]
    pub tls_only: bool,
    /// When objects move to other storage classes and expire.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id", "x-dwctl-document" = "lifecycle"), length(max = 1000))]
    pub lifecycle_rules: Vec<LifecycleRule>,
    /// Smallest objects that lifecycle rules move. Absent: `all_storage_classes_128K`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "enum" = ["all_storage_classes_128K", "varies_by_storage_class"]))]
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>
    #[schemars(extend("x-dwctl-restored" = { "value": "all_storage_classes_128K", "with": "lifecycle_rules" }))]
    pub transition_default_minimum_object_size: Option<String>,
    /// Where requests are logged. Absent: nowhere.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: requests are no longer logged"]))]
    pub logging: Option<Logging>,
    /// What web pages of other origins may do. The first rule that matches applies.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub cors_rules: Vec<CorsRule>,
    /// Who is notified of events.
    #[schemars(extend("x-dwctl" = [DEFAULT_IS_ABSENT]))]
    pub notification: Option<Notification>,
    /// Copying of new objects to other buckets. Needs `versioning`.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: objects are no longer copied"]))]
    pub replication: Option<Replication>,
    /// Serve the bucket as a web site.
    #[schemars(extend("x-dwctl-risk" = ["access when come: served as a web site"]))]
    pub website: Option<Website>,
    /// Faster transfers over long distances, at a price.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["cost when on"]))]
    pub accelerate: bool,
    /// Objects can be locked against deletion. Needs `versioning`; cannot be turned off.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS]))]
    pub object_lock_enabled: bool,
    /// How long new objects are locked. Needs `object_lock_enabled`.
    #[schemars(extend("x-dwctl-risk" = ["irreversible when come: locked objects cannot be deleted until their retention ends", "irreversible when [mode] higher COMPLIANCE > GOVERNANCE: nobody can lift the locks of new objects", "protection when gone: new objects are no longer locked", "protection when [mode] lower COMPLIANCE > GOVERNANCE: the locks of new objects can be lifted", "protection when shorter: new objects are locked for less time"]))]
    pub object_lock_default_retention: Option<DefaultRetention>,
    /// Archive tiers of objects in the storage class `INTELLIGENT_TIERING`.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"), length(max = 1000))]
    pub intelligent_tiering: Vec<IntelligentTiering>,
    /// CloudWatch metrics of requests, by the minute.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"), length(max = 1000))]
    pub request_metrics: Vec<RequestMetrics>,
    /// Regular lists of the objects.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"), length(max = 1000))]
    pub inventory: Vec<Inventory>,
    /// Who pays for requests and downloads.
    #[serde(default = "request_payer")]
    #[schemars(extend("enum" = ["BucketOwner", "Requester"]))]
    pub request_payer: String,
    /// When the bucket is deleted, delete all its objects with all their versions first.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when on: destroying it deletes all its objects", "data-loss when destroyed true: all its objects are deleted"]))]
    pub force_destroy: bool,
}

/// How new objects are encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Encryption {
    /// `AES256` with S3's keys, `aws:kms` with a KMS key, `aws:kms:dsse` with a KMS key in two layers.
    #[schemars(extend("enum" = ["AES256", "aws:kms", "aws:kms:dsse"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower aws:kms:dsse > aws:kms > AES256: encrypted by {after} instead of {before}"]))]
    pub sse_algorithm: String,
    /// KMS key: id, ARN or alias. Absent: AWS's key `aws/s3`.
    #[schemars(extend("x-dwctl-spelling" = "kms-key", "x-dwctl-absent" = "alias/aws/s3"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted with a key of the account"]))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    pub kms_master_key_id: Option<String>,
    /// Fewer calls to KMS, by a key of the bucket. Does nothing with `AES256`.
    #[serde(default)]
    #[schemars(extend("x-dwctl-no-effect-if" = "sse_algorithm = AES256"))]
    pub bucket_key_enabled: bool,
    /// Kinds of encryption that writers may not use: `SSE-C`, or `NONE` to allow all.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT, SET]), inner(regex(pattern = r"^(NONE|SSE-C)$")))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: {before} is no longer refused"]))]
    pub blocked_encryption_types: Vec<String>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self {
            sse_algorithm: "AES256".to_owned(),
            kms_master_key_id: None,
            bucket_key_enabled: false,
            blocked_encryption_types: Vec::new(),
        }
    }
}

/// Guards against public access.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicAccessBlock {
    /// Refuse new public access control lists.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["access while off: public access control lists are not refused"]))]
    pub block_public_acls: bool,
    /// Ignore public access control lists.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["access while off: public access control lists take effect"]))]
    pub ignore_public_acls: bool,
    /// Refuse bucket policies that grant public access.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["access while off: bucket policies may grant public access"]))]
    pub block_public_policy: bool,
    /// Ignore public grants of the bucket policy.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["access while off: public grants of the bucket policy take effect"]))]
    pub restrict_public_buckets: bool,
}

impl Default for PublicAccessBlock {
    fn default() -> Self {
        Self::all(true)
    }
}

impl PublicAccessBlock {
    /// All four on or off.
    pub fn all(on: bool) -> Self {
        Self {
            block_public_acls: on,
            ignore_public_acls: on,
            block_public_policy: on,
            restrict_public_buckets: on,
        }
    }
}

/// When some objects move and expire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifecycleRule {
    /// Name of the rule.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
    /// Whether the rule is enabled.
    #[serde(default = "enabled")]
    #[schemars(extend("enum" = ["Enabled", "Disabled"]))]
    pub status: String,
    /// The objects; all conditions must hold. Absent: all objects.
    pub filter: Option<LifecycleFilter>,
    /// When current versions expire.
    pub expiration: Option<Expiration>,
    /// When current versions move to another storage class.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "storage_class"))]
    pub transitions: Vec<Transition>,
    /// When noncurrent versions are deleted.
    pub noncurrent_version_expiration: Option<NoncurrentVersionExpiration>,
    /// When noncurrent versions move to another storage class.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "storage_class"))]
    pub noncurrent_version_transitions: Vec<NoncurrentVersionTransition>,
    /// When unfinished uploads are given up.
    pub abort_incomplete_multipart_upload: Option<AbortIncompleteMultipartUpload>,
}

/// Which objects a lifecycle rule is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifecycleFilter {
    /// Keys with this prefix.
    pub prefix: Option<String>,
    /// Objects with all of these tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Larger than this, in bytes.
    #[schemars(range(min = 0))]
    pub object_size_greater_than: Option<i64>,
    /// Smaller than this, in bytes.
    #[schemars(range(min = 1))]
    pub object_size_less_than: Option<i64>,
}

/// When current versions expire: one of the three.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [["days", "date", "expired_object_delete_marker"]]))]
pub struct Expiration {
    /// Days after creation.
    #[schemars(range(min = 1))]
    pub days: Option<i32>,
    /// On a day, as `2030-01-01T00:00:00Z`.
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}T00:00:00Z$"))]
    pub date: Option<String>,
    /// Remove delete markers that hide nothing any more.
    pub expired_object_delete_marker: Option<bool>,
}

/// When current versions move: `days` or `date`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [["days", "date"]]))]
pub struct Transition {
    /// Storage class to move to.
    #[schemars(extend("enum" = ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]))]
    pub storage_class: String,
    /// Days after creation.
    #[schemars(range(min = 0))]
    pub days: Option<i32>,
    /// On a day, as `2030-01-01T00:00:00Z`.
    #[schemars(regex(pattern = r"^\d{4}-\d{2}-\d{2}T00:00:00Z$"))]
    pub date: Option<String>,
}

/// When noncurrent versions are deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoncurrentVersionExpiration {
    /// Days after they became noncurrent.
    #[schemars(range(min = 1))]
    pub noncurrent_days: i32,
    /// Number of newest versions that are kept anyway.
    #[schemars(range(min = 1, max = 100))]
    pub newer_noncurrent_versions: Option<i32>,
}

/// When noncurrent versions move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoncurrentVersionTransition {
    /// Storage class to move to.
    #[schemars(extend("enum" = ["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]))]
    pub storage_class: String,
    /// Days after they became noncurrent.
    #[schemars(range(min = 0))]
    pub noncurrent_days: i32,
    /// Number of newest versions that stay anyway.
    #[schemars(range(min = 1, max = 100))]
    pub newer_noncurrent_versions: Option<i32>,
}

/// When unfinished uploads are given up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AbortIncompleteMultipartUpload {
    /// Days after they began.
    #[schemars(range(min = 1))]
    pub days_after_initiation: i32,
}

/// Where requests are logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Logging {
    /// Bucket that the logs go to, in the same region and account.
    #[schemars(extend("x-dwctl-names" = "bucket"))]
    pub target_bucket: String,
    /// Prefix of the keys of the logs.
    #[serde(default)]
    pub target_prefix: String,
    /// Partition the keys of the logs by date: of the event, or of the log's delivery. Absent: no partitions.
    #[schemars(extend("enum" = ["EventTime", "DeliveryTime"]))]
    pub partition_date_source: Option<String>,
}

/// What web pages of some origins may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorsRule {
    /// Name of the rule.
    #[schemars(length(max = 255))]
    pub id: Option<String>,
    /// HTTP methods.
    #[schemars(extend("x-dwctl" = [SET]), inner(regex(pattern = r"^(GET|PUT|HEAD|POST|DELETE)$")))]
    pub allowed_methods: Vec<String>,
    /// Origins, such as `https://www.example.com`.
    #[schemars(extend("x-dwctl" = [SET]))]
    pub allowed_origins: Vec<String>,
    /// Headers of requests.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub allowed_headers: Vec<String>,
    /// Headers of answers that pages may read.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub expose_headers: Vec<String>,
    /// Seconds that browsers may remember the rule.
    #[schemars(range(min = 0))]
    pub max_age_seconds: Option<i32>,
}

/// Who is notified of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// Send all events to Amazon EventBridge.
    #[serde(default)]
    pub event_bridge: bool,
    /// Lambda functions; each must allow S3 to call it.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"))]
    pub lambda_function_configurations: Vec<LambdaFunctionConfiguration>,
    /// SQS queues; each must allow S3 to send to it.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"))]
    pub queue_configurations: Vec<QueueConfiguration>,
    /// SNS topics; each must allow S3 to publish to it.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"))]
    pub topic_configurations: Vec<TopicConfiguration>,
}

macro_rules! notified {
    ($(#[$doc:meta])* $name:ident, $(#[$target_doc:meta])* $target:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// Name of the entry.
            #[schemars(length(min = 1, max = 255))]
            pub id: String,
            $(#[$target_doc])*
            pub $target: String,
            /// Events, such as `s3:ObjectCreated:*`.
            #[schemars(extend("x-dwctl" = [SET]), length(min = 1))]
            pub events: Vec<String>,
            /// Only keys with this prefix.
            #[schemars(length(max = 1024))]
            pub prefix: Option<String>,
            /// Only keys with this suffix.
            #[schemars(length(max = 1024))]
            pub suffix: Option<String>,
        }
    };
}

notified! {
    /// A Lambda function that is called on events.
    LambdaFunctionConfiguration,
    /// ARN of the function.
    #[schemars(extend("x-dwctl-names" = "function"))]
    lambda_function_arn
}
notified! {
    /// A queue that events are sent to.
    QueueConfiguration,
    /// ARN of the queue.
    #[schemars(extend("x-dwctl-names" = "queue"))]
    queue_arn
}
notified! {
    /// A topic that events are published to.
    TopicConfiguration,
    /// ARN of the topic.
    #[schemars(extend("x-dwctl-names" = "topic"))]
    topic_arn
}

/// Copying of new objects to other buckets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replication {
    /// Role by which S3 copies.
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub role: String,
    /// What is copied where.
    #[schemars(extend("x-dwctl-key" = "id", "x-dwctl-document" = "replication"), length(min = 1, max = 1000))]
    pub rules: Vec<ReplicationRule>,
}

/// What is copied where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicationRule {
    /// Name of the rule.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
    /// If several rules match, the one with the highest number applies.
    #[schemars(range(min = 0))]
    pub priority: i32,
    /// Whether the rule is enabled.
    #[serde(default = "enabled")]
    #[schemars(extend("enum" = ["Enabled", "Disabled"]))]
    pub status: String,
    /// The objects; all conditions must hold. Absent: all objects.
    pub filter: Option<ObjectFilter>,
    /// Copy delete markers too. Not with a filter by tags.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when on: deletions are copied as well"]))]
    pub delete_marker_replication: bool,
    /// Copy objects that are encrypted by KMS keys too; `destination` then names its key.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: objects that KMS keys encrypt are no longer copied"]))]
    pub sse_kms_encrypted_objects: bool,
    /// Copy changes of replicas' metadata back.
    #[serde(default)]
    pub replica_modifications: bool,
    /// Where the copies go.
    pub destination: Destination,
}

/// Which objects a setting is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectFilter {
    /// Keys with this prefix.
    pub prefix: Option<String>,
    /// Objects with all of these tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Where copies go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Destination {
    /// ARN of the bucket.
    pub bucket: String,
    /// Account of the bucket, if it is another one.
    #[schemars(regex(pattern = r"^\d{12}$"))]
    pub account: Option<String>,
    /// Storage class of the copies. Absent: that of the object.
    pub storage_class: Option<String>,
    /// `Destination` gives the copies to the account of their bucket.
    #[schemars(extend("enum" = ["Destination"]))]
    pub access_control_translation_owner: Option<String>,
    /// KMS key of the copies of KMS-encrypted objects.
    #[schemars(extend("x-dwctl-spelling" = "kms-key"))]
    #[schemars(extend("x-dwctl-names" = "kms-key elsewhere"))]
    pub replica_kms_key_id: Option<String>,
    /// Copy within 15 minutes, with a service level agreement. Needs `metrics`.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: no replication time is guaranteed"]))]
    pub replication_time: bool,
    /// CloudWatch metrics of the copying.
    #[serde(default)]
    pub metrics: bool,
}

/// A bucket served as a web site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Website {
    /// Suffix of the page of a folder, such as `index.html`.
    pub index_document: Option<String>,
    /// Key of the page that is shown on errors.
    pub error_document: Option<String>,
    /// Redirects all requests. No other setting is allowed beside it.
    pub redirect_all_requests_to: Option<RedirectAllRequestsTo>,
    /// Requests that are sent elsewhere.
    #[serde(default)]
    pub routing_rules: Vec<RoutingRule>,
}

/// Where all requests are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedirectAllRequestsTo {
    /// Name of the host.
    pub host_name: String,
    /// Protocol. Absent: that of the request.
    #[schemars(extend("enum" = ["http", "https"]))]
    pub protocol: Option<String>,
}

/// Requests that are sent elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoutingRule {
    /// Only keys with this prefix.
    pub key_prefix_equals: Option<String>,
    /// Only if the response would be this error, such as `404`.
    pub http_error_code_returned_equals: Option<String>,
    /// Where they are sent.
    pub redirect: Redirect,
}

/// Where some requests are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Redirect {
    /// Name of the host.
    pub host_name: Option<String>,
    /// HTTP status of the answer, such as `301`.
    pub http_redirect_code: Option<String>,
    /// Protocol. Absent: that of the request.
    #[schemars(extend("enum" = ["http", "https"]))]
    pub protocol: Option<String>,
    /// In place of the prefix of the key.
    pub replace_key_prefix_with: Option<String>,
    /// In place of the key.
    pub replace_key_with: Option<String>,
}

/// How long new objects are locked: days or years.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [["days", "years"]]))]
pub struct DefaultRetention {
    /// `GOVERNANCE` can be lifted by permission, `COMPLIANCE` by nobody.
    #[schemars(extend("enum" = ["GOVERNANCE", "COMPLIANCE"]))]
    pub mode: String,
    /// Days.
    #[schemars(range(min = 1, max = 36500))]
    pub days: Option<i32>,
    /// Years.
    #[schemars(range(min = 1, max = 100))]
    pub years: Option<i32>,
}

/// Archive tiers of some objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntelligentTiering {
    /// Name of the configuration.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// Whether the tiers are enabled.
    #[serde(default = "enabled")]
    #[schemars(extend("enum" = ["Enabled", "Disabled"]))]
    pub status: String,
    /// The objects; all conditions must hold. Absent: all objects.
    pub filter: Option<ObjectFilter>,
    /// The tiers.
    #[schemars(extend("x-dwctl-key" = "access_tier"), length(min = 1, max = 2))]
    pub tierings: Vec<Tiering>,
}

/// When objects move to an archive tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tiering {
    /// The tier.
    #[schemars(extend("enum" = ["ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"]))]
    pub access_tier: String,
    /// Days without access: from 90, for the deep tier from 180.
    #[schemars(range(min = 90, max = 730))]
    pub days: i32,
}

/// CloudWatch metrics of the requests for some objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestMetrics {
    /// Name of the filter in CloudWatch.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-zA-Z0-9._-]+$"))]
    pub id: String,
    /// Only requests through this access point.
    pub access_point_arn: Option<String>,
    /// The objects; all conditions must hold. Absent: all objects.
    pub filter: Option<ObjectFilter>,
}

/// A regular list of the objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Name of the list.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-zA-Z0-9._-]+$"))]
    pub id: String,
    /// Whether the list is written.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Only keys with this prefix.
    pub prefix: Option<String>,
    /// All versions, or the current ones.
    #[schemars(extend("enum" = ["All", "Current"]))]
    pub included_object_versions: String,
    /// How often.
    #[schemars(extend("enum" = ["Daily", "Weekly"]))]
    pub schedule_frequency: String,
    /// What is listed besides the keys, such as `Size` and `StorageClass`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub optional_fields: Vec<String>,
    /// Where the list goes.
    pub destination: InventoryDestination,
}

/// Where a list of objects goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryDestination {
    /// ARN of the bucket.
    pub bucket: String,
    /// Account of the bucket.
    pub account_id: Option<String>,
    /// Form of the list.
    #[schemars(extend("enum" = ["CSV", "ORC", "Parquet"]))]
    pub format: String,
    /// Prefix of the keys of the list.
    pub prefix: Option<String>,
    /// KMS key that encrypts the list. Absent: the encryption of the bucket.
    #[schemars(extend("x-dwctl-spelling" = "kms-key"))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    pub kms_key_id: Option<String>,
}

defaults! {
    enabled: String = "Enabled";
    /// The default of `object_ownership`.
    pub object_ownership: String = "BucketOwnerEnforced";
    /// The default of `request_payer`.
    pub request_payer: String = "BucketOwner";
}
