//! Converts a bucket's settings to and from the SDK's types.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types as sdk;

use super::super::shared::{of_tags, to_tags};
use super::spec::*;
use crate::kind::prelude::*;

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

table! {
    PublicAccessBlock = sdk::PublicAccessBlockConfiguration {
        block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets,
    }
    NoncurrentVersionExpiration = sdk::NoncurrentVersionExpiration {
        noncurrent_days, newer_noncurrent_versions,
    }
    NoncurrentVersionTransition = sdk::NoncurrentVersionTransition {
        storage_class, noncurrent_days, newer_noncurrent_versions,
    }
    AbortIncompleteMultipartUpload = sdk::AbortIncompleteMultipartUpload { days_after_initiation }
    CorsRule = sdk::CorsRule {
        id, allowed_headers, expose_headers, max_age_seconds; allowed_methods, allowed_origins
    }
    RedirectAllRequestsTo = sdk::RedirectAllRequestsTo { host_name, protocol }
    Redirect = sdk::Redirect {
        host_name, http_redirect_code, protocol, replace_key_prefix_with, replace_key_with,
    }
    DefaultRetention = sdk::DefaultRetention { mode, days if is_positive, years if is_positive }
    Tiering = sdk::Tiering { access_tier, days }
    IntelligentTiering = sdk::IntelligentTieringConfiguration {
        id, status, filter if has_condition, tierings,
    }
    Replication = sdk::ReplicationConfiguration { role; rules }
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

impl Own for LifecycleRule {}

impl Table<sdk::LifecycleRule> for LifecycleRule {
    fn to_sdk(&self) -> Result<sdk::LifecycleRule> {
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
        let transition = |transition: &Transition| -> Result<_> {
            let date = date(transition.date.as_ref())?;
            Ok(set!(sdk::Transition::builder(), transition => storage_class, days).set_date(date).build())
        };
        let transitions: Result<Vec<_>> = self.transitions.iter().map(transition).collect();
        set!(sdk::LifecycleRule::builder(), self =>
            id, status, noncurrent_version_transitions, noncurrent_version_expiration,
            abort_incomplete_multipart_upload
        )
        .filter(match &self.filter {
            Some(filter) => filter.to_sdk()?,
            None => sdk::LifecycleRuleFilter::builder().prefix("").build(),
        })
        .set_expiration(expiration)
        .set_transitions(Some(transitions?).filter(|all| !all.is_empty()))
        .build()
        .built()
    }

    fn of(rule: &sdk::LifecycleRule) -> Result<Self> {
        let transition = |transition: &sdk::Transition| -> Result<_> {
            Ok(read!(transition => Transition { storage_class, days, date: of_date(transition.date()) }))
        };
        Ok(read!(rule => Self {
            id, status, filter: LifecycleFilter::of(rule),
            expiration: rule.expiration().map(|expiration| Expiration {
                days: expiration.days(),
                date: of_date(expiration.date()),
                // S3 returns false here if days or a date are set.
                expired_object_delete_marker: expiration.expired_object_delete_marker().filter(|on| *on),
            }),
            transitions: rule.transitions().iter().map(transition).collect::<Result<_>>()?,
            noncurrent_version_expiration, noncurrent_version_transitions,
            abort_incomplete_multipart_upload if has_days,
        }))
    }
}

fn has_days(abort: &AbortIncompleteMultipartUpload) -> bool {
    abort.days_after_initiation > 0
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
    ($filter:ident, $and:ident) => {
        impl Table<sdk::$filter> for ObjectFilter {
            fn to_sdk(&self) -> Result<sdk::$filter> {
                let filter = sdk::$filter::builder();
                if usize::from(self.prefix.is_some()) + self.tags.len() > 1 {
                    let and = set!(sdk::$and::builder(), self => prefix).set_tags(Some(to_tags(&self.tags)?));
                    return Ok(filter.and(and.build()).build());
                }
                Ok(set!(filter, self => prefix).set_tag(to_tags(&self.tags)?.pop()).build())
            }

            fn of(filter: &sdk::$filter) -> Result<Self> {
                let mut tags: BTreeMap<String, String> = of_tags(filter.tag());
                tags.extend(of_tags::<BTreeMap<_, _>>(
                    filter.and().map(|and| and.tags()).unwrap_or_default(),
                ));
                let prefix = text(filter.and().and_then(|and| and.prefix()).or(filter.prefix()));
                Ok(Self { prefix, tags })
            }
        }
    };
}

impl Own for ObjectFilter {}

object_filter!(ReplicationRuleFilter, ReplicationRuleAndOperator);
object_filter!(IntelligentTieringFilter, IntelligentTieringAndOperator);

/// A filter without a condition counts as no filter.
fn has_condition(filter: &ObjectFilter) -> bool {
    *filter != ObjectFilter::default()
}

impl Own for ReplicationRule {}

impl Table<sdk::ReplicationRule> for ReplicationRule {
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
                Some(filter) => filter.to_sdk()?,
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

    fn of(rule: &sdk::ReplicationRule) -> Result<Self> {
        let criteria = rule.source_selection_criteria();
        let to = rule.destination();
        #[allow(deprecated)] // Rules of the first version hold the prefix outside of the filter.
        let oldest =
            text(rule.prefix()).map(|prefix| ObjectFilter { prefix: Some(prefix), tags: BTreeMap::new() });
        let filter: Option<ObjectFilter> = Read::read(rule.filter())?;
        Ok(read!(rule => Self {
            id, priority, status,
            filter: filter.filter(has_condition).or(oldest),
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
        }))
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
            website = website.redirect_all_requests_to(all.to_sdk()?);
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
            website = website.routing_rules(
                sdk::RoutingRule::builder()
                    .set_condition(condition)
                    .redirect(rule.redirect.to_sdk()?)
                    .build(),
            );
        }
        Ok(website.build())
    }

    /// From what `GetBucketWebsite` returned.
    pub fn of(website: &aws_sdk_s3::operation::get_bucket_website::GetBucketWebsiteOutput) -> Result<Self> {
        let rule = |rule: &sdk::RoutingRule| -> Result<_> {
            let condition = rule.condition();
            Ok(RoutingRule {
                key_prefix_equals: text(condition.and_then(|when| when.key_prefix_equals())),
                http_error_code_returned_equals: text(
                    condition.and_then(|when| when.http_error_code_returned_equals()),
                ),
                redirect: Read::read(rule.redirect())?,
            })
        };
        Ok(Self {
            index_document: website.index_document().map(|index| index.suffix().to_owned()),
            error_document: website.error_document().map(|error| error.key().to_owned()),
            redirect_all_requests_to: Read::read(website.redirect_all_requests_to())?,
            routing_rules: website.routing_rules().iter().map(rule).collect::<Result<_>>()?,
        })
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
    pub fn of(metrics: &sdk::MetricsConfiguration) -> Result<Self> {
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
        let filter = Some(filter).filter(has_condition);
        Ok(Self { id: metrics.id().to_owned(), access_point_arn, filter })
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
    pub fn of(inventory: &sdk::InventoryConfiguration) -> Result<Self> {
        let to = inventory.destination().and_then(|to| to.s3_bucket_destination());
        let kms = to.and_then(|to| to.encryption()).and_then(|encryption| encryption.ssekms());
        let destination = match to {
            Some(to) => read!(to => InventoryDestination {
                bucket, account_id, format, prefix, kms_key_id: text(kms.map(|kms| kms.key_id())),
            }),
            None => InventoryDestination::default(),
        };
        Ok(read!(inventory => Self {
            id, enabled as is_enabled, prefix: text(inventory.filter().map(|filter| filter.prefix())),
            included_object_versions,
            schedule_frequency: Read::read(inventory.schedule().map(|schedule| schedule.frequency()))?,
            optional_fields, destination: destination,
        }))
    }
}
