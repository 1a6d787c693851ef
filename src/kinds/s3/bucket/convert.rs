//! Converts a bucket's settings to and from the SDK's types.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types as sdk;

use super::super::shared::{built, of_tags, text, to_tags};
use super::spec::*;
use crate::aws::{Class, Error, Result};

fn date(text: Option<&String>) -> Result<Option<DateTime>> {
    text.map(|text| {
        DateTime::from_str(text, DateTimeFormat::DateTime)
            .map_err(|error| Error::finding(Class::Invalid, format!("`{text}` is not a date: {error}")))
    })
    .transpose()
}

fn of_date(date: Option<&DateTime>) -> Option<String> {
    date.and_then(|date| date.fmt(DateTimeFormat::DateTime).ok())
}

fn is_on(status: Option<&str>) -> bool {
    status == Some("Enabled")
}

fn on(on: bool) -> &'static str {
    if on { "Enabled" } else { "Disabled" }
}

impl Encryption {
    /// As `PutBucketEncryption` takes it.
    pub fn to_sdk(&self) -> Result<sdk::ServerSideEncryptionConfiguration> {
        let default = sdk::ServerSideEncryptionByDefault::builder()
            .sse_algorithm(self.sse_algorithm.as_str().into())
            .set_kms_master_key_id(self.kms_master_key_id.clone())
            .build();
        let blocked = (!self.blocked_encryption_types.is_empty()).then(|| {
            let types = self.blocked_encryption_types.iter().map(|kind| kind.as_str().into()).collect();
            sdk::BlockedEncryptionTypes::builder().set_encryption_type(Some(types)).build()
        });
        let rule = sdk::ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(built(default)?)
            .bucket_key_enabled(self.bucket_key_enabled)
            .set_blocked_encryption_types(blocked)
            .build();
        built(sdk::ServerSideEncryptionConfiguration::builder().rules(rule).build())
    }

    /// From what `GetBucketEncryption` returned.
    pub fn of(rule: Option<&sdk::ServerSideEncryptionRule>) -> Self {
        let Some(rule) = rule else { return Self::default() };
        let default = rule.apply_server_side_encryption_by_default();
        let sse_algorithm = default.map_or("AES256", |default| default.sse_algorithm().as_str()).to_owned();
        Self {
            kms_master_key_id: text(default.and_then(|default| default.kms_master_key_id())),
            bucket_key_enabled: rule.bucket_key_enabled().unwrap_or(false),
            sse_algorithm,
            blocked_encryption_types: rule
                .blocked_encryption_types()
                .map(|blocked| {
                    blocked.encryption_type().iter().map(|kind| kind.as_str().to_owned()).collect()
                })
                .unwrap_or_default(),
        }
    }
}

impl PublicAccessBlock {
    /// As `PutPublicAccessBlock` takes it.
    pub fn to_sdk(self) -> sdk::PublicAccessBlockConfiguration {
        sdk::PublicAccessBlockConfiguration::builder()
            .block_public_acls(self.block_public_acls)
            .ignore_public_acls(self.ignore_public_acls)
            .block_public_policy(self.block_public_policy)
            .restrict_public_buckets(self.restrict_public_buckets)
            .build()
    }

    /// From what `GetPublicAccessBlock` returned. An absent block means all off.
    pub fn of(block: Option<&sdk::PublicAccessBlockConfiguration>) -> Self {
        block.map_or(Self::all(false), |block| Self {
            block_public_acls: block.block_public_acls().unwrap_or(false),
            ignore_public_acls: block.ignore_public_acls().unwrap_or(false),
            block_public_policy: block.block_public_policy().unwrap_or(false),
            restrict_public_buckets: block.restrict_public_buckets().unwrap_or(false),
        })
    }
}

impl LifecycleFilter {
    /// S3 takes a single condition directly, and several inside an `And`.
    fn to_sdk(&self) -> Result<sdk::LifecycleRuleFilter> {
        let conditions = usize::from(self.prefix.is_some())
            + self.tags.len()
            + usize::from(self.object_size_greater_than.is_some())
            + usize::from(self.object_size_less_than.is_some());
        let filter = sdk::LifecycleRuleFilter::builder();
        Ok(if conditions > 1 {
            filter
                .and(
                    sdk::LifecycleRuleAndOperator::builder()
                        .set_prefix(self.prefix.clone())
                        .set_tags((!self.tags.is_empty()).then_some(to_tags(&self.tags)?))
                        .set_object_size_greater_than(self.object_size_greater_than)
                        .set_object_size_less_than(self.object_size_less_than)
                        .build(),
                )
                .build()
        } else {
            filter
                .set_prefix(self.prefix.clone())
                .set_tag(to_tags(&self.tags)?.pop())
                .set_object_size_greater_than(self.object_size_greater_than)
                .set_object_size_less_than(self.object_size_less_than)
                .build()
        })
    }

    /// A filter without a condition counts as no filter.
    fn of(rule: &sdk::LifecycleRule) -> Option<Self> {
        let filter = rule.filter();
        let and = filter.and_then(|filter| filter.and());
        let mut tags: BTreeMap<String, String> = of_tags(filter.and_then(|filter| filter.tag()));
        tags.extend(of_tags::<BTreeMap<_, _>>(and.map(|and| and.tags()).unwrap_or_default()));
        #[allow(deprecated)] // Rules made before 2016 hold the prefix outside of the filter.
        let oldest = rule.prefix();
        let filter = Self {
            prefix: text(
                and.and_then(|and| and.prefix())
                    .or_else(|| filter.and_then(|filter| filter.prefix()))
                    .or(oldest),
            ),
            tags,
            object_size_greater_than: and
                .and_then(|and| and.object_size_greater_than())
                .or_else(|| filter.and_then(|filter| filter.object_size_greater_than())),
            object_size_less_than: and
                .and_then(|and| and.object_size_less_than())
                .or_else(|| filter.and_then(|filter| filter.object_size_less_than())),
        };
        (filter != Self::default()).then_some(filter)
    }
}

impl LifecycleRule {
    /// As `PutBucketLifecycleConfiguration` takes it.
    pub fn to_sdk(&self) -> Result<sdk::LifecycleRule> {
        let expiration = self
            .expiration
            .as_ref()
            .map(|expiration| -> Result<_> {
                Ok(sdk::LifecycleExpiration::builder()
                    .set_days(expiration.days)
                    .set_date(date(expiration.date.as_ref())?)
                    .set_expired_object_delete_marker(expiration.expired_object_delete_marker)
                    .build())
            })
            .transpose()?;
        let mut rule = sdk::LifecycleRule::builder()
            .id(&self.id)
            .status(self.status.as_str().into())
            .filter(match &self.filter {
                Some(filter) => filter.to_sdk()?,
                None => sdk::LifecycleRuleFilter::builder().prefix("").build(),
            })
            .set_expiration(expiration);
        for transition in &self.transitions {
            rule = rule.transitions(
                sdk::Transition::builder()
                    .storage_class(transition.storage_class.as_str().into())
                    .set_days(transition.days)
                    .set_date(date(transition.date.as_ref())?)
                    .build(),
            );
        }
        for transition in &self.noncurrent_version_transitions {
            rule = rule.noncurrent_version_transitions(
                sdk::NoncurrentVersionTransition::builder()
                    .storage_class(transition.storage_class.as_str().into())
                    .noncurrent_days(transition.noncurrent_days)
                    .set_newer_noncurrent_versions(transition.newer_noncurrent_versions)
                    .build(),
            );
        }
        if let Some(expiration) = &self.noncurrent_version_expiration {
            rule = rule.noncurrent_version_expiration(
                sdk::NoncurrentVersionExpiration::builder()
                    .noncurrent_days(expiration.noncurrent_days)
                    .set_newer_noncurrent_versions(expiration.newer_noncurrent_versions)
                    .build(),
            );
        }
        if let Some(abort) = &self.abort_incomplete_multipart_upload {
            rule = rule.abort_incomplete_multipart_upload(
                sdk::AbortIncompleteMultipartUpload::builder()
                    .days_after_initiation(abort.days_after_initiation)
                    .build(),
            );
        }
        built(rule.build())
    }

    /// From what `GetBucketLifecycleConfiguration` returned.
    pub fn of(rule: &sdk::LifecycleRule) -> Self {
        let class = |class: Option<&sdk::TransitionStorageClass>| {
            class.map(|class| class.as_str().to_owned()).unwrap_or_default()
        };
        Self {
            id: rule.id().unwrap_or_default().to_owned(),
            status: rule.status().as_str().to_owned(),
            filter: LifecycleFilter::of(rule),
            expiration: rule.expiration().map(|expiration| Expiration {
                days: expiration.days(),
                date: of_date(expiration.date()),
                // S3 returns false here if days or a date are set.
                expired_object_delete_marker: expiration.expired_object_delete_marker().filter(|on| *on),
            }),
            transitions: rule
                .transitions()
                .iter()
                .map(|transition| Transition {
                    storage_class: class(transition.storage_class()),
                    days: transition.days(),
                    date: of_date(transition.date()),
                })
                .collect(),
            noncurrent_version_expiration: rule.noncurrent_version_expiration().map(|expiration| {
                NoncurrentVersionExpiration {
                    noncurrent_days: expiration.noncurrent_days().unwrap_or_default(),
                    newer_noncurrent_versions: expiration.newer_noncurrent_versions(),
                }
            }),
            noncurrent_version_transitions: rule
                .noncurrent_version_transitions()
                .iter()
                .map(|transition| NoncurrentVersionTransition {
                    storage_class: class(transition.storage_class()),
                    noncurrent_days: transition.noncurrent_days().unwrap_or_default(),
                    newer_noncurrent_versions: transition.newer_noncurrent_versions(),
                })
                .collect(),
            abort_incomplete_multipart_upload: rule
                .abort_incomplete_multipart_upload()
                .and_then(|abort| abort.days_after_initiation())
                .map(|days_after_initiation| AbortIncompleteMultipartUpload { days_after_initiation }),
        }
    }
}

impl Logging {
    /// As `PutBucketLogging` takes it.
    pub fn to_sdk(&self) -> Result<sdk::LoggingEnabled> {
        let format = self.partition_date_source.as_ref().map(|source| {
            sdk::TargetObjectKeyFormat::builder()
                .partitioned_prefix(
                    sdk::PartitionedPrefix::builder().partition_date_source(source.as_str().into()).build(),
                )
                .build()
        });
        built(
            sdk::LoggingEnabled::builder()
                .target_bucket(&self.target_bucket)
                .target_prefix(&self.target_prefix)
                .set_target_object_key_format(format)
                .build(),
        )
    }

    /// From what `GetBucketLogging` returned.
    pub fn of(logging: &sdk::LoggingEnabled) -> Self {
        Self {
            target_bucket: logging.target_bucket().to_owned(),
            target_prefix: logging.target_prefix().to_owned(),
            partition_date_source: logging
                .target_object_key_format()
                .and_then(|format| format.partitioned_prefix())
                .and_then(|partitioned| partitioned.partition_date_source())
                .map(|source| source.as_str().to_owned()),
        }
    }
}

fn some(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

impl CorsRule {
    /// As `PutBucketCors` takes it.
    pub fn to_sdk(&self) -> Result<sdk::CorsRule> {
        built(
            sdk::CorsRule::builder()
                .set_id(self.id.clone())
                .set_allowed_methods(Some(self.allowed_methods.clone()))
                .set_allowed_origins(Some(self.allowed_origins.clone()))
                .set_allowed_headers(some(&self.allowed_headers))
                .set_expose_headers(some(&self.expose_headers))
                .set_max_age_seconds(self.max_age_seconds)
                .build(),
        )
    }

    /// From what `GetBucketCors` returned.
    pub fn of(rule: &sdk::CorsRule) -> Self {
        Self {
            id: text(rule.id()),
            allowed_methods: rule.allowed_methods().to_vec(),
            allowed_origins: rule.allowed_origins().to_vec(),
            allowed_headers: rule.allowed_headers().to_vec(),
            expose_headers: rule.expose_headers().to_vec(),
            max_age_seconds: rule.max_age_seconds(),
        }
    }
}

fn key_filter(
    prefix: Option<&String>,
    suffix: Option<&String>,
) -> Option<sdk::NotificationConfigurationFilter> {
    let rules: Vec<sdk::FilterRule> =
        [(sdk::FilterRuleName::Prefix, prefix), (sdk::FilterRuleName::Suffix, suffix)]
            .into_iter()
            .filter_map(|(name, value)| Some(sdk::FilterRule::builder().name(name).value(value?).build()))
            .collect();
    (!rules.is_empty()).then(|| {
        sdk::NotificationConfigurationFilter::builder()
            .key(sdk::S3KeyFilter::builder().set_filter_rules(Some(rules)).build())
            .build()
    })
}

fn of_key_filter(filter: Option<&sdk::NotificationConfigurationFilter>, name: &str) -> Option<String> {
    // S3 returns the names as `Prefix` and `Suffix`, but accepts them in any case.
    filter?
        .key()?
        .filter_rules()
        .iter()
        .find(|rule| rule.name().is_some_and(|rule| rule.as_str().eq_ignore_ascii_case(name)))
        .and_then(|rule| text(rule.value()))
}

macro_rules! notified {
    ($name:ident, $target:ident) => {
        impl $name {
            fn to_sdk(&self) -> Result<sdk::$name> {
                built(
                    sdk::$name::builder()
                        .id(&self.id)
                        .$target(&self.$target)
                        .set_events(Some(self.events.iter().map(|event| event.as_str().into()).collect()))
                        .set_filter(key_filter(self.prefix.as_ref(), self.suffix.as_ref()))
                        .build(),
                )
            }

            fn of(entry: &sdk::$name) -> Self {
                Self {
                    id: entry.id().unwrap_or_default().to_owned(),
                    $target: entry.$target().to_owned(),
                    events: entry.events().iter().map(|event| event.as_str().to_owned()).collect(),
                    prefix: of_key_filter(entry.filter(), "prefix"),
                    suffix: of_key_filter(entry.filter(), "suffix"),
                }
            }
        }
    };
}

notified!(LambdaFunctionConfiguration, lambda_function_arn);
notified!(QueueConfiguration, queue_arn);
notified!(TopicConfiguration, topic_arn);

impl Notification {
    /// As `PutBucketNotificationConfiguration` takes it.
    pub fn to_sdk(&self) -> Result<sdk::NotificationConfiguration> {
        let functions: Result<Vec<_>> =
            self.lambda_function_configurations.iter().map(LambdaFunctionConfiguration::to_sdk).collect();
        let queues: Result<Vec<_>> =
            self.queue_configurations.iter().map(QueueConfiguration::to_sdk).collect();
        let topics: Result<Vec<_>> =
            self.topic_configurations.iter().map(TopicConfiguration::to_sdk).collect();
        let (functions, queues, topics) = (functions?, queues?, topics?);
        Ok(sdk::NotificationConfiguration::builder()
            .set_event_bridge_configuration(
                self.event_bridge.then(|| sdk::EventBridgeConfiguration::builder().build()),
            )
            .set_lambda_function_configurations((!functions.is_empty()).then_some(functions))
            .set_queue_configurations((!queues.is_empty()).then_some(queues))
            .set_topic_configurations((!topics.is_empty()).then_some(topics))
            .build())
    }

    /// From what `GetBucketNotificationConfiguration` returned.
    pub fn of(
        event_bridge: bool,
        functions: &[sdk::LambdaFunctionConfiguration],
        queues: &[sdk::QueueConfiguration],
        topics: &[sdk::TopicConfiguration],
    ) -> Option<Self> {
        let notification = Self {
            event_bridge,
            lambda_function_configurations: functions.iter().map(LambdaFunctionConfiguration::of).collect(),
            queue_configurations: queues.iter().map(QueueConfiguration::of).collect(),
            topic_configurations: topics.iter().map(TopicConfiguration::of).collect(),
        };
        (notification != Self::default()).then_some(notification)
    }
}

/// Converts S3's three unions of prefix, tag and `And`, which differ only in their types.
macro_rules! object_filter {
    ($to:ident, $of:ident, $filter:ident, $and:ident) => {
        impl ObjectFilter {
            fn $to(&self) -> Result<sdk::$filter> {
                let filter = sdk::$filter::builder();
                if usize::from(self.prefix.is_some()) + self.tags.len() > 1 {
                    let and = sdk::$and::builder()
                        .set_prefix(self.prefix.clone())
                        .set_tags(Some(to_tags(&self.tags)?))
                        .build();
                    return Ok(filter.and(and).build());
                }
                Ok(filter.set_prefix(self.prefix.clone()).set_tag(to_tags(&self.tags)?.pop()).build())
            }

            fn $of(filter: Option<&sdk::$filter>) -> Option<Self> {
                let filter = filter?;
                let mut tags: BTreeMap<String, String> = of_tags(filter.tag());
                tags.extend(of_tags::<BTreeMap<_, _>>(
                    filter.and().map(|and| and.tags()).unwrap_or_default(),
                ));
                let prefix = text(filter.and().and_then(|and| and.prefix()).or(filter.prefix()));
                let filter = Self { prefix, tags };
                (filter != Self::default()).then_some(filter)
            }
        }
    };
}

object_filter!(to_replication, of_replication, ReplicationRuleFilter, ReplicationRuleAndOperator);
object_filter!(to_tiering, of_tiering, IntelligentTieringFilter, IntelligentTieringAndOperator);

impl ReplicationRule {
    fn to_sdk(&self) -> Result<sdk::ReplicationRule> {
        let fifteen_minutes = || sdk::ReplicationTimeValue::builder().minutes(15).build();
        let to = &self.destination;
        let mut destination = sdk::Destination::builder()
            .bucket(&to.bucket)
            .set_account(to.account.clone())
            .set_storage_class(to.storage_class.as_deref().map(Into::into));
        if let Some(owner) = &to.access_control_translation_owner {
            destination = destination.access_control_translation(built(
                sdk::AccessControlTranslation::builder().owner(owner.as_str().into()).build(),
            )?);
        }
        if let Some(key) = &to.replica_kms_key_id {
            destination = destination.encryption_configuration(
                sdk::EncryptionConfiguration::builder().replica_kms_key_id(key).build(),
            );
        }
        if to.replication_time {
            destination = destination.replication_time(built(
                sdk::ReplicationTime::builder().status(on(true).into()).time(fifteen_minutes()).build(),
            )?);
        }
        if to.metrics {
            destination = destination.metrics(built(
                sdk::Metrics::builder()
                    .status(on(true).into())
                    .set_event_threshold(to.replication_time.then(fifteen_minutes))
                    .build(),
            )?);
        }
        let mut rule = sdk::ReplicationRule::builder()
            .id(&self.id)
            .priority(self.priority)
            .status(self.status.as_str().into())
            .filter(match &self.filter {
                Some(filter) => filter.to_replication()?,
                None => sdk::ReplicationRuleFilter::builder().prefix("").build(),
            })
            .delete_marker_replication(
                sdk::DeleteMarkerReplication::builder()
                    .status(on(self.delete_marker_replication).into())
                    .build(),
            )
            .destination(built(destination.build())?);
        if self.sse_kms_encrypted_objects || self.replica_modifications {
            let mut criteria = sdk::SourceSelectionCriteria::builder();
            if self.sse_kms_encrypted_objects {
                criteria = criteria.sse_kms_encrypted_objects(built(
                    sdk::SseKmsEncryptedObjects::builder().status(on(true).into()).build(),
                )?);
            }
            if self.replica_modifications {
                criteria = criteria.replica_modifications(built(
                    sdk::ReplicaModifications::builder().status(on(true).into()).build(),
                )?);
            }
            rule = rule.source_selection_criteria(criteria.build());
        }
        built(rule.build())
    }

    fn of(rule: &sdk::ReplicationRule) -> Self {
        let criteria = rule.source_selection_criteria();
        let to = rule.destination();
        #[allow(deprecated)] // Rules of the first version hold the prefix outside of the filter.
        let oldest = rule.prefix();
        Self {
            id: rule.id().unwrap_or_default().to_owned(),
            priority: rule.priority().unwrap_or_default(),
            status: rule.status().as_str().to_owned(),
            filter: ObjectFilter::of_replication(rule.filter()).or_else(|| {
                text(oldest).map(|prefix| ObjectFilter { prefix: Some(prefix), tags: BTreeMap::new() })
            }),
            delete_marker_replication: is_on(
                rule.delete_marker_replication().and_then(|markers| markers.status()).map(|on| on.as_str()),
            ),
            sse_kms_encrypted_objects: is_on(
                criteria
                    .and_then(|criteria| criteria.sse_kms_encrypted_objects())
                    .map(|kms| kms.status().as_str()),
            ),
            replica_modifications: is_on(
                criteria
                    .and_then(|criteria| criteria.replica_modifications())
                    .map(|replica| replica.status().as_str()),
            ),
            destination: Destination {
                bucket: to.map(|to| to.bucket().to_owned()).unwrap_or_default(),
                account: text(to.and_then(|to| to.account())),
                storage_class: text(to.and_then(|to| to.storage_class()).map(|class| class.as_str())),
                access_control_translation_owner: to
                    .and_then(|to| to.access_control_translation())
                    .map(|translation| translation.owner().as_str().to_owned()),
                replica_kms_key_id: text(
                    to.and_then(|to| to.encryption_configuration())
                        .and_then(|encryption| encryption.replica_kms_key_id()),
                ),
                replication_time: is_on(
                    to.and_then(|to| to.replication_time()).map(|time| time.status().as_str()),
                ),
                metrics: is_on(to.and_then(|to| to.metrics()).map(|metrics| metrics.status().as_str())),
            },
        }
    }
}

impl Replication {
    /// As `PutBucketReplication` takes it.
    pub fn to_sdk(&self) -> Result<sdk::ReplicationConfiguration> {
        let rules: Result<Vec<_>> = self.rules.iter().map(ReplicationRule::to_sdk).collect();
        built(sdk::ReplicationConfiguration::builder().role(&self.role).set_rules(Some(rules?)).build())
    }

    /// From what `GetBucketReplication` returned.
    pub fn of(replication: &sdk::ReplicationConfiguration) -> Self {
        Self {
            role: replication.role().to_owned(),
            rules: replication.rules().iter().map(ReplicationRule::of).collect(),
        }
    }
}

impl Website {
    /// As `PutBucketWebsite` takes it.
    pub fn to_sdk(&self) -> Result<sdk::WebsiteConfiguration> {
        let mut website = sdk::WebsiteConfiguration::builder();
        if let Some(suffix) = &self.index_document {
            website = website.index_document(built(sdk::IndexDocument::builder().suffix(suffix).build())?);
        }
        if let Some(key) = &self.error_document {
            website = website.error_document(built(sdk::ErrorDocument::builder().key(key).build())?);
        }
        if let Some(all) = &self.redirect_all_requests_to {
            website = website.redirect_all_requests_to(built(
                sdk::RedirectAllRequestsTo::builder()
                    .host_name(&all.host_name)
                    .set_protocol(all.protocol.as_deref().map(Into::into))
                    .build(),
            )?);
        }
        for rule in &self.routing_rules {
            let condition = (rule.key_prefix_equals.is_some()
                || rule.http_error_code_returned_equals.is_some())
            .then(|| {
                sdk::Condition::builder()
                    .set_key_prefix_equals(rule.key_prefix_equals.clone())
                    .set_http_error_code_returned_equals(rule.http_error_code_returned_equals.clone())
                    .build()
            });
            let to = &rule.redirect;
            let redirect = sdk::Redirect::builder()
                .set_host_name(to.host_name.clone())
                .set_http_redirect_code(to.http_redirect_code.clone())
                .set_protocol(to.protocol.as_deref().map(Into::into))
                .set_replace_key_prefix_with(to.replace_key_prefix_with.clone())
                .set_replace_key_with(to.replace_key_with.clone())
                .build();
            website = website.routing_rules(
                sdk::RoutingRule::builder().set_condition(condition).redirect(redirect).build(),
            );
        }
        Ok(website.build())
    }

    /// From what `GetBucketWebsite` returned.
    pub fn of(website: &aws_sdk_s3::operation::get_bucket_website::GetBucketWebsiteOutput) -> Self {
        let protocol = |protocol: Option<&sdk::Protocol>| text(protocol.map(|protocol| protocol.as_str()));
        Self {
            index_document: website.index_document().map(|index| index.suffix().to_owned()),
            error_document: website.error_document().map(|error| error.key().to_owned()),
            redirect_all_requests_to: website.redirect_all_requests_to().map(|all| RedirectAllRequestsTo {
                host_name: all.host_name().to_owned(),
                protocol: protocol(all.protocol()),
            }),
            routing_rules: website
                .routing_rules()
                .iter()
                .map(|rule| {
                    let condition = rule.condition();
                    let to = rule.redirect();
                    RoutingRule {
                        key_prefix_equals: text(condition.and_then(|when| when.key_prefix_equals())),
                        http_error_code_returned_equals: text(
                            condition.and_then(|when| when.http_error_code_returned_equals()),
                        ),
                        redirect: Redirect {
                            host_name: text(to.and_then(|to| to.host_name())),
                            http_redirect_code: text(to.and_then(|to| to.http_redirect_code())),
                            protocol: protocol(to.and_then(|to| to.protocol())),
                            replace_key_prefix_with: to
                                .and_then(|to| to.replace_key_prefix_with())
                                .map(str::to_owned),
                            replace_key_with: text(to.and_then(|to| to.replace_key_with())),
                        },
                    }
                })
                .collect(),
        }
    }
}

impl DefaultRetention {
    /// As `PutObjectLockConfiguration` takes it.
    pub fn to_sdk(&self) -> sdk::ObjectLockRule {
        sdk::ObjectLockRule::builder()
            .default_retention(
                sdk::DefaultRetention::builder()
                    .mode(self.mode.as_str().into())
                    .set_days(self.days)
                    .set_years(self.years)
                    .build(),
            )
            .build()
    }

    /// From what `GetObjectLockConfiguration` returned.
    pub fn of(lock: &sdk::ObjectLockConfiguration) -> Option<Self> {
        let retention = lock.rule()?.default_retention()?;
        Some(Self {
            mode: retention.mode()?.as_str().to_owned(),
            days: retention.days().filter(|days| *days > 0),
            years: retention.years().filter(|years| *years > 0),
        })
    }
}

impl IntelligentTiering {
    /// As `PutBucketIntelligentTieringConfiguration` takes it.
    pub fn to_sdk(&self) -> Result<sdk::IntelligentTieringConfiguration> {
        let mut tiering = sdk::IntelligentTieringConfiguration::builder()
            .id(&self.id)
            .status(self.status.as_str().into())
            .set_filter(self.filter.as_ref().map(ObjectFilter::to_tiering).transpose()?);
        for tier in &self.tierings {
            tiering = tiering.tierings(built(
                sdk::Tiering::builder().access_tier(tier.access_tier.as_str().into()).days(tier.days).build(),
            )?);
        }
        built(tiering.build())
    }

    /// From what `ListBucketIntelligentTieringConfigurations` returned.
    pub fn of(tiering: &sdk::IntelligentTieringConfiguration) -> Self {
        Self {
            id: tiering.id().to_owned(),
            status: tiering.status().as_str().to_owned(),
            filter: ObjectFilter::of_tiering(tiering.filter()),
            tierings: tiering
                .tierings()
                .iter()
                .map(|tier| Tiering {
                    access_tier: tier.access_tier().as_str().to_owned(),
                    days: tier.days(),
                })
                .collect(),
        }
    }
}

impl RequestMetrics {
    /// As `PutBucketMetricsConfiguration` takes it.
    pub fn to_sdk(&self) -> Result<sdk::MetricsConfiguration> {
        let empty = ObjectFilter::default();
        let filter = self.filter.as_ref().unwrap_or(&empty);
        let mut tags = to_tags(&filter.tags)?;
        let conditions =
            usize::from(filter.prefix.is_some()) + tags.len() + usize::from(self.access_point_arn.is_some());
        let union = if conditions > 1 {
            Some(sdk::MetricsFilter::And(
                sdk::MetricsAndOperator::builder()
                    .set_prefix(filter.prefix.clone())
                    .set_tags((!tags.is_empty()).then_some(tags))
                    .set_access_point_arn(self.access_point_arn.clone())
                    .build(),
            ))
        } else {
            let prefix = filter.prefix.clone().map(sdk::MetricsFilter::Prefix);
            let access_point = self.access_point_arn.clone().map(sdk::MetricsFilter::AccessPointArn);
            prefix.or(access_point).or_else(|| tags.pop().map(sdk::MetricsFilter::Tag))
        };
        built(sdk::MetricsConfiguration::builder().id(&self.id).set_filter(union).build())
    }

    /// From what `ListBucketMetricsConfigurations` returned.
    pub fn of(metrics: &sdk::MetricsConfiguration) -> Self {
        let mut filter = ObjectFilter::default();
        let mut access_point_arn = None;
        match metrics.filter() {
            Some(sdk::MetricsFilter::Prefix(prefix)) => filter.prefix = text(Some(prefix)),
            Some(sdk::MetricsFilter::Tag(tag)) => filter.tags = of_tags([tag]),
            Some(sdk::MetricsFilter::AccessPointArn(arn)) => access_point_arn = text(Some(arn)),
            Some(sdk::MetricsFilter::And(and)) => {
                filter.prefix = text(and.prefix());
                filter.tags = of_tags(and.tags());
                access_point_arn = text(and.access_point_arn());
            }
            _ => {}
        }
        Self {
            id: metrics.id().to_owned(),
            access_point_arn,
            filter: (filter != ObjectFilter::default()).then_some(filter),
        }
    }
}

impl Inventory {
    /// As `PutBucketInventoryConfiguration` takes it.
    pub fn to_sdk(&self) -> Result<sdk::InventoryConfiguration> {
        let mut to = sdk::InventoryS3BucketDestination::builder()
            .bucket(&self.destination.bucket)
            .set_account_id(self.destination.account_id.clone())
            .format(self.destination.format.as_str().into())
            .set_prefix(self.destination.prefix.clone());
        if let Some(key) = &self.destination.kms_key_id {
            let kms = built(sdk::Ssekms::builder().key_id(key).build())?;
            to = to.encryption(sdk::InventoryEncryption::builder().ssekms(kms).build());
        }
        let filter = match &self.prefix {
            Some(prefix) => Some(built(sdk::InventoryFilter::builder().prefix(prefix).build())?),
            None => None,
        };
        let fields: Vec<_> = self.optional_fields.iter().map(|field| field.as_str().into()).collect();
        built(
            sdk::InventoryConfiguration::builder()
                .id(&self.id)
                .is_enabled(self.enabled)
                .included_object_versions(self.included_object_versions.as_str().into())
                .schedule(built(
                    sdk::InventorySchedule::builder()
                        .frequency(self.schedule_frequency.as_str().into())
                        .build(),
                )?)
                .set_filter(filter)
                .set_optional_fields((!fields.is_empty()).then_some(fields))
                .destination(
                    sdk::InventoryDestination::builder().s3_bucket_destination(built(to.build())?).build(),
                )
                .build(),
        )
    }

    /// From what `ListBucketInventoryConfigurations` returned.
    pub fn of(inventory: &sdk::InventoryConfiguration) -> Self {
        let to = inventory.destination().and_then(|to| to.s3_bucket_destination());
        Self {
            id: inventory.id().to_owned(),
            enabled: inventory.is_enabled(),
            prefix: text(inventory.filter().map(|filter| filter.prefix())),
            included_object_versions: inventory.included_object_versions().as_str().to_owned(),
            schedule_frequency: inventory
                .schedule()
                .map(|schedule| schedule.frequency().as_str().to_owned())
                .unwrap_or_default(),
            optional_fields: inventory
                .optional_fields()
                .iter()
                .map(|field| field.as_str().to_owned())
                .collect(),
            destination: InventoryDestination {
                bucket: to.map(|to| to.bucket().to_owned()).unwrap_or_default(),
                account_id: text(to.and_then(|to| to.account_id())),
                format: to.map(|to| to.format().as_str().to_owned()).unwrap_or_default(),
                prefix: text(to.and_then(|to| to.prefix())),
                kms_key_id: text(
                    to.and_then(|to| to.encryption())
                        .and_then(|encryption| encryption.ssekms())
                        .map(|kms| kms.key_id()),
                ),
            },
        }
    }
}
