//! `cloudwatchlogs_log_group`.

mod check;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatchlogs::types;
use futures_util::{StreamExt, TryStreamExt, future, stream};

use crate::kind::prelude::*;

/// A log group of Amazon CloudWatch Logs: what log streams share in retention, encryption and filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the log group, such as `/aws-glue/jobs/output`.
    #[schemars(
        extend("x-dwctl" = [REPLACE]),
        length(min = 1, max = 512),
        regex(pattern = r"^[.\-_/#A-Za-z0-9]{1,512}$")
    )]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when destroyed: its log events are deleted"]))]
    pub log_group_name: String,
    /// Days after which log events expire. Absent: never. An account-level retention policy of CloudWatch
    /// Logs overrides it: while there is one, AWS does not return this setting, and dwctl cannot see it
    /// drift.
    #[schemars(extend("enum" = RETENTION_DAYS))]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when shorter: log events are kept {after} days instead of {before} days", "cost when longer: log events are kept {after} days instead of {before} days"]))]
    pub retention_in_days: Option<i32>,
    /// ARN of the KMS key that encrypts the log events that arrive from then on. Absent: encrypted
    /// by CloudWatch Logs itself.
    #[schemars(length(max = 256), regex(pattern = r"^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+$"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted with a key of the account"]))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    pub kms_key_id: Option<String>,
    /// Class of the log group: `STANDARD` has all features; `INFREQUENT_ACCESS` and `ESSENTIALS` cost
    /// less and have fewer; `DELIVERY` only passes the logs of Lambda on and keeps them for a day.
    #[serde(default = "standard")]
    #[schemars(extend(
        "x-dwctl" = [REPLACE],
        "enum" = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"]
    ))]
    pub log_group_class: String,
    /// Have AWS refuse every deletion of the log group until this is off again.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: the log group can be deleted"]))]
    pub deletion_protection_enabled: bool,
    /// Accept log events that are authenticated by a bearer token instead of a signature.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["access while on: a bearer token suffices to write"]))]
    pub bearer_token_authentication_enabled: bool,
    /// What to audit and mask in log events, as CloudWatch Logs' data protection policy document.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: sensitive data is no longer masked", "protection when [Statement] loses: less sensitive data is found or masked"]))]
    pub data_protection_policy: Option<Json>,
    /// Metrics made from log events, matched by `filter_name`; at most 100.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "filter_name"), length(max = 100))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: the metric of {before} is no longer created"]))]
    pub metric_filters: Vec<MetricFilter>,
    /// Where log events are streamed to, matched by `filter_name`; at most two.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "filter_name"), length(max = 2))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: log events no longer reach the subscriber {before}"]))]
    pub subscription_filters: Vec<SubscriptionFilter>,
}

/// How a metric is made from the log events that match a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricFilter {
    /// Name of the filter, unique in the log group.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[^:*]*$"))]
    pub filter_name: String,
    /// Which log events count, in the filter pattern syntax; an empty text matches all.
    #[schemars(length(max = 1024))]
    pub filter_pattern: String,
    /// The metric: exactly one.
    #[schemars(length(min = 1, max = 1))]
    pub metric_transformations: Vec<MetricTransformation>,
    /// Use log events as transformed by the log group's or the account's transformer.
    #[serde(default)]
    pub apply_on_transformed_logs: bool,
    /// Which log events to look at, by source account and region:
    /// `@aws.region = "us-east-1"`. Absent: all.
    #[schemars(length(max = 2000))]
    pub field_selection_criteria: Option<String>,
    /// System fields that become dimensions of the metric: `@aws.account`, `@aws.region`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub emit_system_field_dimensions: Vec<String>,
}

/// The metric that a metric filter publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricTransformation {
    /// Name of the metric.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^:*$]*$"))]
    pub metric_name: String,
    /// Namespace of the metric; not one of AWS's own.
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^[^:*$]*$"))]
    pub metric_namespace: String,
    /// What to publish for each matching log event: a number, or a field of the pattern such as
    /// `$.duration`.
    #[schemars(length(min = 1, max = 100), regex(pattern = r"^(-?[0-9]*\.?[0-9]+|\$.+)$"))]
    pub metric_value: String,
    /// What to publish for a minute in which log events arrived but none matched. Absent: nothing.
    pub default_value: Option<f64>,
    /// Dimensions of the metric, each a field of the pattern: `{ job = "$.job_name" }`; at most
    /// three. Not together with `default_value`.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// Unit of the metric.
    #[serde(default = "no_unit")]
    #[schemars(extend("enum" = [
        "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
        "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second",
        "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second",
        "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None"
    ]))]
    pub unit: String,
}

/// Where the log events that match a pattern are streamed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionFilter {
    /// Name of the filter, unique in the log group.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[^:*]*$"))]
    pub filter_name: String,
    /// ARN of the Kinesis stream, Firehose stream, Lambda function or logical destination.
    #[schemars(length(min = 1))]
    #[schemars(extend("x-dwctl-risk" = ["access when changed: log events go to {after}"]))]
    pub destination_arn: String,
    /// Which log events to stream, in the filter pattern syntax; an empty text matches all.
    #[schemars(length(max = 1024))]
    pub filter_pattern: String,
    /// Role by which CloudWatch Logs writes to a stream. Not for Lambda functions and logical
    /// destinations.
    #[schemars(length(min = 1))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub role_arn: Option<String>,
    /// How log events are spread over the shards of a Kinesis stream.
    #[serde(default = "by_log_stream")]
    #[schemars(extend("enum" = ["Random", "ByLogStream"]))]
    pub distribution: String,
    /// Use log events as transformed by the log group's or the account's transformer.
    #[serde(default)]
    pub apply_on_transformed_logs: bool,
    /// Which log events to look at, by source account and region:
    /// `@aws.region = "us-east-1"`. Absent: all.
    #[schemars(length(max = 2000))]
    pub field_selection_criteria: Option<String>,
    /// System fields added to the streamed log events: `@aws.account`, `@aws.region`, `@source.log`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub emit_system_fields: Vec<String>,
}

defaults! {
    standard: String = "STANDARD";
    no_unit: String = "None";
    by_log_stream: String = "ByLogStream";
}

/// All valid retentions
/// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>).
const RETENTION_DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The attributes of a log group that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the log group, without `:*`. Where a service or a policy means the log streams in it,
    /// append `:*`.
    pub arn: String,
    /// The account-level retention policy that overrides `retention_in_days`, if there is one.
    pub retention_policy_name: Option<String>,
}

/// In Terraform, filters and the data protection policy are separate resources.
fn arrange(group: &mut Block) -> Vec<TerraformPart> {
    let name = group.get("name").cloned().unwrap_or_default();
    let mut parts = Vec::new();
    for (filters, resource) in [
        ("metric_filters", "aws_cloudwatch_log_metric_filter"),
        ("subscription_filters", "aws_cloudwatch_log_subscription_filter"),
    ] {
        for filter in take_blocks(group, filters) {
            let key = filter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut part = TerraformPart::new(resource, "log_group_name", &name, []).keyed(key);
            part.attributes.extend(filter);
            parts.push(part);
        }
    }
    let policy = take(group, "data_protection_policy");
    if policy != Value::Null {
        let resource = "aws_cloudwatch_log_data_protection_policy";
        parts.push(TerraformPart::new(resource, "log_group_name", &name, [("policy_document", policy)]));
    }
    parts
}

tagging!(
    cloudwatchlogs(resource_arn): tag_resource.set_tags, untag_resource.set_tag_keys, list_tags_for_resource.tags
);

/// The kind `cloudwatchlogs_log_group`.
pub struct LogGroup;

impl Kind for LogGroup {
    const CFN: Option<&'static str> = Some("AWS::Logs::LogGroup");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_cloudwatch_log_group",
        &[
            ("log_group_name", "name"),
            ("metric_filters.filter_name", "name"),
            ("metric_filters.filter_pattern", "pattern"),
            ("metric_filters.metric_transformations", "metric_transformation"),
            ("metric_filters.metric_transformations.metric_name", "name"),
            ("metric_filters.metric_transformations.metric_namespace", "namespace"),
            ("metric_filters.metric_transformations.metric_value", "value"),
            ("subscription_filters.filter_name", "name"),
        ],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "log"),
        ("metric_filters", "aws_cloudwatch_log_metric_filter"),
        ("subscription_filters", "aws_cloudwatch_log_subscription_filter"),
        ("data_protection_policy", "aws_cloudwatch_log_data_protection_policy"),
        ("metric_filters", "AWS::Logs::MetricFilter"),
        ("subscription_filters", "AWS::Logs::SubscriptionFilter"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "logs:DescribeLogGroups",
            "logs:ListTagsForResource",
            "logs:DescribeMetricFilters",
            "logs:DescribeSubscriptionFilters",
            "logs:GetDataProtectionPolicy",
        ],
        create: &["logs:CreateLogGroup", "logs:TagResource"],
        update: &[
            "logs:PutRetentionPolicy",
            "logs:DeleteRetentionPolicy",
            "logs:AssociateKmsKey",
            "logs:DisassociateKmsKey",
            "logs:PutLogGroupDeletionProtection",
            "logs:PutBearerTokenAuthentication",
            "logs:PutDataProtectionPolicy",
            "logs:DeleteDataProtectionPolicy",
            "logs:PutMetricFilter",
            "logs:DeleteMetricFilter",
            "logs:PutSubscriptionFilter",
            "logs:DeleteSubscriptionFilter",
            // A subscription filter passes its role to CloudWatch Logs.
            "iam:PassRole",
            "logs:TagResource",
            "logs:UntagResource",
        ],
        delete: &["logs:DeleteLogGroup"],
    };
    const BATCHES_READS: bool = true;
    const SET_AFTER_CREATE: &'static [&'static str] = &[
        "retention_in_days",
        "bearer_token_authentication_enabled",
        "data_protection_policy",
        "metric_filters",
        "subscription_filters",
    ];
    const TAG_RULES: TagRules = TagRules::PLAIN;
    const TAGS_APART: bool = true;
    const ID: Option<&'static str> = Some("log_group_name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of(
            "arn",
            spec.text("log_group_name").map(|name| scope.arn("logs", format!("log-group:{name}"))),
        )
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if spec.text("log_group_name").is_some_and(|name| name.starts_with("aws/")) {
            problems.push(
                Problem::new("log_group_name", "names that start with `aws/` are reserved for AWS")
                    .help("start it with `/aws/`, or with your own name"),
            );
        }
        if let Some(days) = spec.integer("retention_in_days")
            && !RETENTION_DAYS.iter().any(|allowed| i64::from(*allowed) == days)
        {
            let help = match RETENTION_DAYS.iter().find(|allowed| i64::from(**allowed) > days) {
                Some(next) => format!("the next longer retention is {next} days"),
                None => "remove it to keep log events for ever".to_owned(),
            };
            problems.push(
                Problem::new(
                    "retention_in_days",
                    format!("CloudWatch Logs has no retention of {}", counted(days, "day")),
                )
                .help(help),
            );
        }
        // See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
        match spec.text("log_group_class") {
            Some("DELIVERY") if spec.is_set("retention_in_days") => problems.push(
                Problem::new(
                    "retention_in_days",
                    "a log group of class `DELIVERY` has no retention of its own",
                )
                .help("remove it"),
            ),
            Some("INFREQUENT_ACCESS") => {
                for attribute in ["metric_filters", "subscription_filters"] {
                    if !spec.list(attribute).is_empty() {
                        problems.push(
                            Problem::new(
                                attribute,
                                format!("a log group of class `INFREQUENT_ACCESS` has no `{attribute}`"),
                            )
                            .help("use the class `STANDARD`"),
                        );
                    }
                }
            }
            _ => {}
        }
        for (index, filter) in spec.list("metric_filters").iter().enumerate() {
            check::check_metric(Known(filter), &format!("metric_filters.{index}"), &mut problems);
        }
        for (index, filter) in spec.list("subscription_filters").iter().enumerate() {
            check::check_subscription(Known(filter), &format!("subscription_filters.{index}"), &mut problems);
        }
        problems
    }

    fn id_of_arn(arn: &str) -> Option<String> {
        Some(arn.split_once(":log-group:")?.1.trim_end_matches(":*").to_owned())
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = describe(cx, lookups).await;
        each_found(lookups, 10, found, |lookup, group| async move { read(cx, lookup, &group).await }).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        set!(cx.aws.cloudwatchlogs().create_log_group(), want =>
            log_group_name, kms_key_id, log_group_class, deletion_protection_enabled
        )
        .set_tags(sdk_tags(new.tags)?)
        .send()
        .await?;
        Ok(want.log_group_name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let logs = cx.aws.cloudwatchlogs();
        // Protections are added first and removed last: no intermediate state is less safe than both ends.
        if want.deletion_protection_enabled && !live.deletion_protection_enabled {
            protect(cx, id, true).await?;
        }
        if !want.bearer_token_authentication_enabled && live.bearer_token_authentication_enabled {
            accept_bearer_tokens(cx, id, false).await?;
        }
        if live.kms_key_id != want.kms_key_id {
            match &want.kms_key_id {
                Some(key) => {
                    logs.associate_kms_key().log_group_name(id).kms_key_id(key).send().await?;
                }
                None => {
                    logs.disassociate_kms_key().log_group_name(id).send().await?;
                }
            }
        }
        if live.data_protection_policy != want.data_protection_policy {
            match &want.data_protection_policy {
                Some(policy) => {
                    logs.put_data_protection_policy()
                        .log_group_identifier(id)
                        .policy_document(policy.to_text())
                        .send()
                        .await?;
                }
                None => {
                    logs.delete_data_protection_policy().log_group_identifier(id).send().await.or_gone()?;
                }
            }
        }
        if live.retention_in_days != want.retention_in_days {
            match want.retention_in_days {
                Some(days) => {
                    logs.put_retention_policy().log_group_name(id).retention_in_days(days).send().await?;
                }
                None => {
                    logs.delete_retention_policy().log_group_name(id).send().await?;
                }
            }
        }
        update_metric_filters(cx, id, live, want).await?;
        update_subscription_filters(cx, id, live, want).await?;
        if want.bearer_token_authentication_enabled && !live.bearer_token_authentication_enabled {
            accept_bearer_tokens(cx, id, true).await?;
        }
        if !want.deletion_protection_enabled && live.deletion_protection_enabled {
            protect(cx, id, false).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        if live.deletion_protection_enabled {
            return Err(Error::finding(
                Class::Invalid,
                format!(
                    "deletion protection of the log group {id} is on: apply `deletion_protection_enabled = false` first"
                ),
            ));
        }
        cx.aws.cloudwatchlogs().delete_log_group().log_group_name(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

/// The log groups of `lookups` that exist, by name.
async fn describe(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, types::LogGroup>> {
    // AWS accepts 50 names per call and leaves out log groups that do not exist
    // (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html).
    let pages: Vec<Vec<types::LogGroup>> = stream::iter(lookups.chunks(50).map(|chunk| {
        cx.aws
            .cloudwatchlogs()
            .describe_log_groups()
            .set_log_group_identifiers(Some(chunk.iter().map(|lookup| lookup.id.to_owned()).collect()))
            .into_paginator()
            .items()
            .send()
            .try_collect()
    }))
    .buffered(4)
    .try_collect()
    .await?;
    Ok(pages
        .into_iter()
        .flatten()
        .map(|group| (group.log_group_name().unwrap_or_default().to_owned(), group))
        .collect())
}

async fn read(cx: &Cx, lookup: Lookup<'_>, group: &types::LogGroup) -> Result<Option<Live<LogGroup>>> {
    let logs = cx.aws.cloudwatchlogs();
    let id = lookup.id;
    let arn = match (group.log_group_arn(), group.arn()) {
        (Some(arn), _) => arn.to_owned(),
        (None, Some(arn)) => arn.trim_end_matches(":*").to_owned(),
        (None, None) => cx.scope.arn("logs", format!("log-group:{id}")),
    };
    let (tags, metric_filters, subscription_filters, policy) = future::join4(
        tags(cx, &lookup, &arn),
        async {
            if !lookup.wants("metric_filters") {
                return Ok(Vec::new());
            }
            let pages = logs.describe_metric_filters().log_group_name(id).into_paginator().items().send();
            pages.try_collect().await
        },
        async {
            if !lookup.wants("subscription_filters") {
                return Ok(Vec::new());
            }
            let pages =
                logs.describe_subscription_filters().log_group_name(id).into_paginator().items().send();
            pages.try_collect().await
        },
        async {
            if !lookup.wants("data_protection_policy") {
                return Ok(None);
            }
            let answer = logs.get_data_protection_policy().log_group_identifier(id).send().await;
            answer.map(|answer| answer.policy_document)
        },
    )
    .await;
    let Some(tags) = tags? else { return Ok(None) };
    let Some(metric_filters) = metric_filters.or_gone()? else { return Ok(None) };
    let Some(subscription_filters) = subscription_filters.or_gone()? else { return Ok(None) };
    // For a log group without a policy, AWS may answer "not found".
    let policy = policy.or_gone()?.flatten();
    let class = group.log_group_class().map_or_else(standard, |class| class.as_str().to_owned());
    // AWS shows the account's retention here. The log group's own retention is hidden and unchanged.
    let not_returned =
        if group.retention_policy_name().is_some() { vec!["retention_in_days"] } else { Vec::new() };
    // The retention of the class `DELIVERY` is fixed and cannot be set.
    let has_retention = class != "DELIVERY";
    let spec = read!(group => Spec {
        log_group_name: id.to_owned(),
        retention_in_days: group.retention_in_days().filter(|days| *days > 0 && has_retention),
        kms_key_id, log_group_class: class, deletion_protection_enabled, bearer_token_authentication_enabled,
        data_protection_policy: Read::read(policy.as_deref())?,
        metric_filters: metric_filters.iter().map(metric_filter).collect::<Result<_>>()?,
        subscription_filters: subscription_filters.iter().map(subscription_filter).collect::<Result<_>>()?,
    });
    let attrs = Attrs { arn, retention_policy_name: group.retention_policy_name().map(str::to_owned) };
    Ok(Some(Live { not_returned, ..Live::ready(spec, attrs, tags).with_incarnation(group.creation_time()) }))
}

table! {
    MetricTransformation = types::MetricTransformation {
        metric_name, metric_namespace, metric_value, default_value, dimensions, unit or no_unit,
    }
}

fn metric_filter(filter: &types::MetricFilter) -> Result<MetricFilter> {
    Ok(read!(filter => MetricFilter {
        filter_name, filter_pattern, metric_transformations, apply_on_transformed_logs,
        field_selection_criteria, emit_system_field_dimensions,
    }))
}

fn subscription_filter(filter: &types::SubscriptionFilter) -> Result<SubscriptionFilter> {
    Ok(read!(filter => SubscriptionFilter {
        filter_name, destination_arn, filter_pattern, role_arn, distribution or by_log_stream,
        apply_on_transformed_logs, field_selection_criteria, emit_system_fields,
    }))
}

async fn protect(cx: &Cx, id: &str, on: bool) -> Result<()> {
    cx.aws
        .cloudwatchlogs()
        .put_log_group_deletion_protection()
        .log_group_identifier(id)
        .deletion_protection_enabled(on)
        .send()
        .await?;
    Ok(())
}

async fn accept_bearer_tokens(cx: &Cx, id: &str, on: bool) -> Result<()> {
    cx.aws
        .cloudwatchlogs()
        .put_bearer_token_authentication()
        .log_group_identifier(id)
        .bearer_token_authentication_enabled(on)
        .send()
        .await?;
    Ok(())
}

async fn update_metric_filters(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let logs = cx.aws.cloudwatchlogs();
    // Deletions first, to make room: a log group has at most 100 metric filters.
    for filter in &live.metric_filters {
        if !want.metric_filters.iter().any(|wanted| wanted.filter_name == filter.filter_name) {
            logs.delete_metric_filter()
                .log_group_name(id)
                .filter_name(&filter.filter_name)
                .send()
                .await
                .or_gone()?;
        }
    }
    for filter in want.metric_filters.iter().filter(|filter| !live.metric_filters.contains(filter)) {
        set!(logs.put_metric_filter().log_group_name(id), filter =>
            filter_name, filter_pattern, field_selection_criteria, emit_system_field_dimensions;
            metric_transformations
        )
        // AWS accepts this only if the log group has a transformer.
        .set_apply_on_transformed_logs(filter.apply_on_transformed_logs.then_some(true))
        .send()
        .await?;
    }
    Ok(())
}

async fn update_subscription_filters(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let logs = cx.aws.cloudwatchlogs();
    // Deletions first, to make room: a log group has at most two subscription filters.
    for filter in &live.subscription_filters {
        if !want.subscription_filters.iter().any(|wanted| wanted.filter_name == filter.filter_name) {
            logs.delete_subscription_filter()
                .log_group_name(id)
                .filter_name(&filter.filter_name)
                .send()
                .await
                .or_gone()?;
        }
    }
    for filter in
        want.subscription_filters.iter().filter(|filter| !live.subscription_filters.contains(filter))
    {
        // Only streams have shards to distribute over.
        let has_distribution = matches!(filter.destination_arn.split(':').nth(2), Some("kinesis" | "logs"));
        set!(logs.put_subscription_filter().log_group_name(id), filter =>
            filter_name, filter_pattern, destination_arn, role_arn, field_selection_criteria, emit_system_fields
        )
            .set_distribution(
                has_distribution.then(|| types::Distribution::from(filter.distribution.as_str())),
            )
            .set_apply_on_transformed_logs(filter.apply_on_transformed_logs.then_some(true))
            .send()
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Kind, Known, LogGroup};
    use crate::value::Value;

    fn paths(spec: serde_json::Value) -> Vec<String> {
        let spec = Value::from_json(&spec);
        LogGroup::check(Known(&spec)).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn invalid_settings_are_reported() {
        assert_eq!(paths(serde_json::json!({ "log_group_name": "aws/loads" })), ["log_group_name"]);
        assert_eq!(paths(serde_json::json!({ "retention_in_days": 45 })), ["retention_in_days"]);
        assert_eq!(
            paths(serde_json::json!({ "metric_filters": [{ "metric_transformations": [
                { "metric_namespace": "AWS/Mine", "default_value": 0, "dimensions": { "Table": "$.table" } },
            ] }] })),
            [
                "metric_filters.0.metric_transformations.0.default_value",
                "metric_filters.0.metric_transformations.0.metric_namespace",
            ]
        );
        let lambda = "arn:aws:lambda:us-east-1:123456789012:function:ship";
        let stream = "arn:aws:kinesis:us-east-1:123456789012:stream/ship";
        assert_eq!(
            paths(serde_json::json!({ "subscription_filters": [
                { "destination_arn": lambda },
                { "destination_arn": lambda, "role_arn": "arn:aws:iam::123456789012:role/ship" },
                { "destination_arn": stream },
                { "destination_arn": "arn:aws:sqs:us-east-1:123456789012:ship" },
            ] })),
            [
                "subscription_filters.1.role_arn",
                "subscription_filters.2",
                "subscription_filters.3.destination_arn"
            ]
        );
    }
}
