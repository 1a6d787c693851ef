//! `cloudwatch_alarm`.

mod check;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatch::types;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::shared::{tag, tags};
use crate::kind::prelude::*;

/// A metric alarm of Amazon CloudWatch. It watches one of: a metric (`metric_name`), the result of
/// metric math, an anomaly band or a Metrics Insights query (`metrics`), or a PromQL query
/// (`evaluation_criteria`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the alarm, unique in the account and region.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub alarm_name: String,
    /// What it means when this alarm goes off, and what to do: shown in its notifications.
    #[schemars(length(max = 1024))]
    pub alarm_description: Option<String>,
    /// Whether the actions run when the state changes.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: the alarm notifies nobody"]))]
    pub actions_enabled: bool,
    /// ARNs to notify, or of actions to take, when the alarm goes off, such as SNS topics; at most five.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 5), inner(length(min = 1, max = 1024)))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: the alarm no longer notifies a previous target"]))]
    #[schemars(extend("x-dwctl-names" = "alarm-action"))]
    pub alarm_actions: Vec<String>,
    /// ARNs to notify, or of actions to take, when the alarm returns to OK; at most five.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 5), inner(length(min = 1, max = 1024)))]
    #[schemars(extend("x-dwctl-names" = "alarm-action"))]
    pub ok_actions: Vec<String>,
    /// ARNs to notify, or of actions to take, when data is missing; at most five.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 5), inner(length(min = 1, max = 1024)))]
    #[schemars(extend("x-dwctl-names" = "alarm-action"))]
    pub insufficient_data_actions: Vec<String>,
    /// Name of the metric to watch.
    #[schemars(length(min = 1, max = 255))]
    pub metric_name: Option<String>,
    /// Namespace of the metric, such as `AWS/Redshift`.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^:]"))]
    pub namespace: Option<String>,
    /// Dimensions of the metric by name: `{ ClusterIdentifier = "warehouse" }`. A metric is one
    /// combination of dimensions: all of them must be given.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// How the data points of a period are aggregated; or `extended_statistic`.
    #[schemars(extend("enum" = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"]))]
    pub statistic: Option<String>,
    /// A percentile or trimmed statistic: `p99`, `tm90`, `TM(10%:90%)`, `IQM`, `PR(0:300)`.
    #[schemars(regex(
        pattern = r"^((p|tm|tc|ts|wm)(\d{1,2}(\.\d{1,10})?|100)|IQM|(PR|TC|TM|TS|WM)\((\d+(\.\d+)?%?)?:(\d+(\.\d+)?%?)?\))$"
    ))]
    pub extended_statistic: Option<String>,
    /// Length of a period in seconds: 10, 20, 30 or a multiple of 60.
    #[schemars(range(min = 1))]
    pub period: Option<i32>,
    /// Take only data points of this unit. Absent: all units, which is nearly always right.
    #[schemars(extend("enum" = UNITS))]
    pub unit: Option<String>,
    /// Number of the latest periods that are evaluated.
    #[schemars(range(min = 1))]
    pub evaluation_periods: Option<i32>,
    /// How many of these must breach for the alarm to go off. Absent: all.
    #[schemars(range(min = 1))]
    pub datapoints_to_alarm: Option<i32>,
    /// What the statistic is compared with; or `threshold_metric_id`.
    pub threshold: Option<f64>,
    /// Id, in `metrics`, of the `ANOMALY_DETECTION_BAND` that the metric is compared with.
    #[schemars(length(min = 1, max = 255))]
    pub threshold_metric_id: Option<String>,
    /// When a data point breaches. The three with `Lower` or `Upper` compare with an anomaly band.
    #[schemars(extend("enum" = [
        "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "GreaterThanUpperThreshold",
        "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold",
        "LessThanOrEqualToThreshold", "LessThanThreshold"
    ]))]
    pub comparison_operator: Option<String>,
    /// What a period without data means: `breaching`, `notBreaching`, `ignore` (keep the state) or
    /// `missing` (insufficient data, if all are missing). AWS/DynamoDB metrics are always `ignore`.
    #[serde(default = "missing")]
    #[schemars(extend("enum" = ["breaching", "ignore", "missing", "notBreaching"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower breaching > missing > ignore > notBreaching: missing data counts as {after} instead of {before}"]))]
    pub treat_missing_data: String,
    /// For percentiles: whether periods with too few data points to be significant are evaluated.
    /// Absent: they are.
    #[schemars(length(min = 1, max = 255), extend("enum" = ["evaluate", "ignore"], "x-dwctl-absent" = "evaluate"))]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// The metrics and the expressions made of them, matched by `id`. Exactly one is watched: it has
    /// `return_data = true`, all others `false`; an anomaly band (`threshold_metric_id`) has `true` too.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"))]
    pub metrics: Vec<MetricDataQuery>,
    /// Which range of data is evaluated. Absent: a window that slides with every evaluation.
    pub evaluation_window: Option<EvaluationWindow>,
    /// Time after each creation and change in which the alarm stays silent. Absent: none.
    pub warm_up_configuration: Option<WarmUpConfiguration>,
    /// A query to watch instead of a metric.
    pub evaluation_criteria: Option<EvaluationCriteria>,
    /// Seconds between evaluations of `evaluation_criteria`: 10, 20, 30 or a multiple of 60.
    #[schemars(range(min = 10, max = 3600))]
    pub evaluation_interval: Option<i32>,
    /// What notifications contain besides the alarm.
    pub action_configuration: Option<ActionConfiguration>,
}

/// One metric, or one expression over others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [["metric_stat", "expression"]]))]
pub struct MetricDataQuery {
    /// Name for expressions to use: a lower-case letter, then letters, digits and `_`.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^([a-z])([A-Za-z0-9\_]*)$"))]
    pub id: String,
    /// Metric math such as `errors / runs * 100`, `ANOMALY_DETECTION_BAND(m1, 2)`, or a Metrics
    /// Insights query; or `metric_stat`.
    #[schemars(length(min = 1, max = 2048))]
    pub expression: Option<String>,
    /// The metric to fetch.
    pub metric_stat: Option<MetricStat>,
    /// Name shown in graphs.
    pub label: Option<String>,
    /// Whether the alarm watches this one.
    #[serde(default = "yes")]
    pub return_data: bool,
    /// Length of a period in seconds, for a Metrics Insights query.
    #[schemars(range(min = 1))]
    pub period: Option<i32>,
    /// Account of the metric. Absent: this one.
    #[schemars(length(min = 1, max = 255))]
    pub account_id: Option<String>,
}

/// A metric and how its data points are aggregated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricStat {
    /// The metric.
    pub metric: Metric,
    /// Length of a period in seconds: 1, 5, 10, 20, 30 or a multiple of 60.
    #[schemars(range(min = 1))]
    pub period: i32,
    /// `Average`, `Maximum`, `Minimum`, `SampleCount`, `Sum`, or an extended statistic such as `p99`.
    #[schemars(regex(
        pattern = r"^(Average|Maximum|Minimum|SampleCount|Sum|(p|tm|tc|ts|wm)(\d{1,2}(\.\d{1,10})?|100)|IQM|(PR|TC|TM|TS|WM)\((\d+(\.\d+)?%?)?:(\d+(\.\d+)?%?)?\))$"
    ))]
    pub stat: String,
    /// Take only data points of this unit. Absent: all units.
    #[schemars(extend("enum" = UNITS))]
    pub unit: Option<String>,
}

/// A metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Name of the metric.
    #[schemars(length(min = 1, max = 255))]
    pub metric_name: String,
    /// Namespace of the metric, such as `AWS/Redshift`.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^:]"))]
    pub namespace: String,
    /// Dimensions of the metric by name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
}

/// The range of data that an alarm looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationWindow {
    /// Whole hours, days or weeks of the clock, not the time since the last evaluation. The period
    /// must be 60, 300, 3600, 86400 or 604800 seconds.
    pub wall_clock_window: WallClockWindow,
}

/// A window that starts and ends with the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WallClockWindow {
    /// The clock's time zone: `Europe/Berlin`, `+05:30` or `UTC+05:30`.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 50))]
    pub timezone: String,
}

/// Time in which a new or changed alarm stays silent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUpConfiguration {
    /// How long, in minutes.
    #[schemars(range(min = 1, max = 2880))]
    pub warm_up_period_duration_in_minutes: i32,
    /// Wait for the whole time even if enough data arrives earlier.
    #[serde(default)]
    pub only_start_evaluating_after_warm_up_period_ends: bool,
}

/// A query to watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvaluationCriteria {
    /// A PromQL query: every series of its result breaches.
    pub prom_ql_criteria: PromQlCriteria,
}

/// A PromQL query and how long its results must last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PromQlCriteria {
    /// The query; its result must be a vector.
    #[schemars(length(min = 1, max = 10000))]
    pub query: String,
    /// Seconds that a series must breach before the alarm goes off.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), range(min = 0, max = 86400))]
    pub pending_period: Option<i32>,
    /// Seconds that a series must not breach before the alarm is over.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), range(min = 0, max = 86400))]
    pub recovery_period: Option<i32>,
}

/// What notifications contain besides the alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionConfiguration {
    /// Tags of the alarm, for SNS topics, Lambda functions and EventBridge.
    pub alarm_tags_propagation: AlarmTagsPropagation,
}

/// Which tags of an alarm its notifications contain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-at-most-one" = [["included_tag_keys", "excluded_tag_keys"]]))]
pub struct AlarmTagsPropagation {
    /// Whether notifications contain tags.
    pub enabled: bool,
    /// Only the tags with these keys; or `excluded_tag_keys`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 50), inner(length(min = 1, max = 128)))]
    pub included_tag_keys: Vec<String>,
    /// All tags but those with these keys.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 50), inner(length(min = 1, max = 128)))]
    pub excluded_tag_keys: Vec<String>,
}

defaults! {
    missing: String = "missing";
    utc: String = "UTC";
}

const UNITS: [&str; 27] = [
    "Bits",
    "Bits/Second",
    "Bytes",
    "Bytes/Second",
    "Count",
    "Count/Second",
    "Gigabits",
    "Gigabits/Second",
    "Gigabytes",
    "Gigabytes/Second",
    "Kilobits",
    "Kilobits/Second",
    "Kilobytes",
    "Kilobytes/Second",
    "Megabits",
    "Megabits/Second",
    "Megabytes",
    "Megabytes/Second",
    "Microseconds",
    "Milliseconds",
    "None",
    "Percent",
    "Seconds",
    "Terabits",
    "Terabits/Second",
    "Terabytes",
    "Terabytes/Second",
];

/// The attributes of an alarm that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the alarm.
    pub arn: String,
}

/// Terraform nests a metric and its statistic in one block.
fn arrange(alarm: &mut Block) -> Vec<TerraformPart> {
    if let Some(Value::List(queries)) = alarm.get_mut("metric_query") {
        for query in queries {
            let Value::Map(query) = query else { continue };
            let Some(mut statistic) = take_block(query, "metric") else { continue };
            let metric = take_block(&mut statistic, "metric");
            statistic.extend(metric.unwrap_or_default());
            query.insert("metric".to_owned(), Value::List(vec![Value::Map(statistic)]));
        }
    }
    Vec::new()
}

/// The kind `cloudwatch_alarm`.
pub struct Alarm;

impl Kind for Alarm {
    const CFN: Option<&'static str> = Some("AWS::CloudWatch::Alarm");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_cloudwatch_metric_alarm",
        &[
            ("evaluate_low_sample_count_percentile", "evaluate_low_sample_count_percentiles"),
            ("metrics", "metric_query"),
            ("metrics.metric_stat", "metric"),
        ],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("", "alert"), ("", "monitor")];
    const ACTIONS: Actions = Actions {
        read: &["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
        create: &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
        update: &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
        delete: &["cloudwatch:DeleteAlarms"],
    };
    const BATCHES_READS: bool = true;
    // `PutMetricAlarm` updates an existing alarm of the same name, and then ignores the tags
    // (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>).
    const ON_EXISTING: OnExisting = OnExisting::Overwrites;
    const TAGS_APART: bool = true;
    const ID: Option<&'static str> = Some("alarm_name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of(
            "arn",
            spec.text("alarm_name").map(|name| scope.arn("cloudwatch", format!("alarm:{name}"))),
        )
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check::check(spec)
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        // CloudWatch returns tags for one resource at a time.
        each_found(lookups, 10, describe(cx, lookups).await, |lookup, alarm| async move {
            let arn = match alarm.alarm_arn() {
                Some(arn) => arn.to_owned(),
                None => cx.scope.arn("cloudwatch", format!("alarm:{}", lookup.id)),
            };
            let Some(tags) = tags(cx, &lookup, &arn).await? else { return Ok(None) };
            let live = Live::ready(to_spec(&alarm)?, Attrs { arn }, tags);
            Ok(Some(live.with_incarnation(alarm.alarm_configuration_updated_timestamp())))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        put(cx, want, sdk_tags(new.tags)?).await?;
        Ok(want.alarm_name.clone().into())
    }

    async fn update(cx: &Cx, _: &str, live: &Spec, want: &Spec) -> Result<()> {
        // PutMetricAlarm replaces the whole definition and leaves state and tags alone
        // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
        if live != want {
            put(cx, want, None).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.cloudwatch().delete_alarms().alarm_names(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

/// The alarms of `lookups` that exist, by name.
async fn describe(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, types::MetricAlarm>> {
    // At most 100 names per call, and as many alarms per page
    // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html).
    let pages: Vec<Vec<_>> = stream::iter(lookups.chunks(100).map(|chunk| {
        cx.aws
            .cloudwatch()
            .describe_alarms()
            .set_alarm_names(Some(chunk.iter().map(|lookup| lookup.id.to_owned()).collect()))
            .alarm_types(types::AlarmType::MetricAlarm)
            .max_records(100)
            .into_paginator()
            .send()
            .try_collect()
    }))
    .buffered(4)
    .try_collect()
    .await?;
    Ok(pages
        .into_iter()
        .flatten()
        .flat_map(|page| page.metric_alarms.unwrap_or_default())
        .map(|alarm| (alarm.alarm_name().unwrap_or_default().to_owned(), alarm))
        .collect())
}

fn to_spec(alarm: &types::MetricAlarm) -> Result<Spec> {
    Ok(read!(alarm => Spec {
        alarm_name, alarm_description, actions_enabled or yes, alarm_actions, ok_actions,
        insufficient_data_actions, metric_name, namespace, dimensions: from_dimensions(alarm.dimensions()),
        statistic, extended_statistic, period, unit, evaluation_periods, datapoints_to_alarm, threshold,
        threshold_metric_id, comparison_operator, treat_missing_data or missing,
        evaluate_low_sample_count_percentile, metrics,
        evaluation_window: match alarm.evaluation_window() {
            Some(types::EvaluationWindow::WallClockWindow(clock)) => {
                Some(EvaluationWindow { wall_clock_window: Table::of(clock)? })
            }
            _ => None,
        },
        warm_up_configuration,
        evaluation_criteria: match alarm.evaluation_criteria() {
            Some(types::EvaluationCriteria::PromQlCriteria(criteria)) => {
                Some(EvaluationCriteria { prom_ql_criteria: Table::of(criteria)? })
            }
            _ => None,
        },
        evaluation_interval,
        action_configuration: match alarm.action_configuration() {
            Some(actions) if actions.alarm_tags_propagation().is_some() => Some(Table::of(actions)?),
            _ => None,
        },
    }))
}

table! {
    WallClockWindow = types::WallClockWindow { timezone or utc }
    WarmUpConfiguration = types::WarmUpConfiguration {
        warm_up_period_duration_in_minutes, only_start_evaluating_after_warm_up_period_ends,
    }
    PromQlCriteria = types::AlarmPromQlCriteria { query, pending_period, recovery_period }
    ActionConfiguration = types::ActionConfiguration { alarm_tags_propagation }
    AlarmTagsPropagation = types::AlarmTagsPropagation { enabled, included_tag_keys, excluded_tag_keys }
    MetricDataQuery = types::MetricDataQuery {
        id, expression, metric_stat, label, return_data or yes, period, account_id,
    }
    MetricStat = types::MetricStat { metric, period, stat, unit }
}

impl Own for Metric {}

impl Table<types::Metric> for Metric {
    fn of(metric: &types::Metric) -> Result<Self> {
        Ok(read!(metric => Self { metric_name, namespace, dimensions: from_dimensions(metric.dimensions()) }))
    }

    fn to_sdk(&self) -> Result<types::Metric> {
        let metric = set!(types::Metric::builder(), self => metric_name, namespace);
        Ok(metric.set_dimensions(to_dimensions(&self.dimensions)).build())
    }
}

fn from_dimensions(dimensions: &[types::Dimension]) -> BTreeMap<String, String> {
    dimensions
        .iter()
        .map(|one| (one.name().unwrap_or_default().to_owned(), one.value().unwrap_or_default().to_owned()))
        .collect()
}

fn to_dimensions(dimensions: &BTreeMap<String, String>) -> Option<Vec<types::Dimension>> {
    (!dimensions.is_empty()).then(|| {
        dimensions
            .iter()
            .map(|(name, value)| types::Dimension::builder().name(name).value(value).build())
            .collect()
    })
}

async fn put(cx: &Cx, want: &Spec, tags: Option<Vec<types::Tag>>) -> Result<()> {
    // "Not applicable to PromQL alarms".
    let missing_data = want.evaluation_criteria.is_none().then(|| want.treat_missing_data.clone());
    let window = want.evaluation_window.as_ref().map(|window| window.wall_clock_window.to_sdk());
    let criteria = want.evaluation_criteria.as_ref().map(|criteria| criteria.prom_ql_criteria.to_sdk());
    set!(cx.aws.cloudwatch().put_metric_alarm(), want =>
        alarm_name, alarm_description, actions_enabled, alarm_actions, ok_actions, insufficient_data_actions,
        metric_name, namespace, statistic, extended_statistic, period, unit, evaluation_periods,
        datapoints_to_alarm, threshold, threshold_metric_id, comparison_operator,
        evaluate_low_sample_count_percentile, metrics, warm_up_configuration, evaluation_interval,
        action_configuration
    )
    .set_dimensions(to_dimensions(&want.dimensions))
    .set_treat_missing_data(missing_data)
    .set_evaluation_window(window.transpose()?.map(types::EvaluationWindow::WallClockWindow))
    .set_evaluation_criteria(criteria.transpose()?.map(types::EvaluationCriteria::PromQlCriteria))
    .set_tags(tags)
    .send()
    .await?;
    Ok(())
}
