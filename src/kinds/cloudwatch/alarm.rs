//! `cloudwatch_alarm`.

mod check;

use std::collections::{BTreeMap, HashMap};

use aws_sdk_cloudwatch::types;
use futures_util::{StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shared::{change_tags, read_tags, to_tags};
use crate::aws::{Cx, Result, ResultExt, Scope, Tags};
use crate::kind::mark::{AWS_DEFAULT, REPLACE, SET};
use crate::kind::terraform::{Block, TerraformPart, take_block};
use crate::kind::{
    Actions, Foreseen, Identity, Kind, Known, Live, Lookup, NewResource, Problem, Reads, Terraform, each,
};
use crate::value::Value;

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
    /// ARNs of what to notify or do when the alarm goes off, such as SNS topics; at most five.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 5), inner(length(min = 1, max = 1024)))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: the alarm no longer notifies a previous target"]))]
    #[schemars(extend("x-dwctl-names" = "alarm-action"))]
    pub alarm_actions: Vec<String>,
    /// ARNs of what to notify or do when all is well again; at most five.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 5), inner(length(min = 1, max = 1024)))]
    #[schemars(extend("x-dwctl-names" = "alarm-action"))]
    pub ok_actions: Vec<String>,
    /// ARNs of what to notify or do when data is missing; at most five.
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
    /// How the data points of a period are summed up; or `extended_statistic`.
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
    /// How many of the latest periods are looked at.
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
    /// Which range of data is looked at. Absent: a window that slides with every evaluation.
    pub evaluation_window: Option<EvaluationWindow>,
    /// Time after each creation and change in which the alarm keeps quiet. Absent: none.
    pub warm_up_configuration: Option<WarmUpConfiguration>,
    /// A query to watch instead of a metric.
    pub evaluation_criteria: Option<EvaluationCriteria>,
    /// Seconds between evaluations of `evaluation_criteria`: 10, 20, 30 or a multiple of 60.
    #[schemars(range(min = 10, max = 3600))]
    pub evaluation_interval: Option<i32>,
    /// What notifications hold besides the alarm.
    pub action_configuration: Option<ActionConfiguration>,
}

/// One metric, or one expression over others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// A metric and how its data points are summed up.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// Time in which a new or changed alarm keeps quiet.
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

/// What notifications hold besides the alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActionConfiguration {
    /// Tags of the alarm, for SNS topics, Lambda functions and EventBridge.
    pub alarm_tags_propagation: AlarmTagsPropagation,
}

/// Which tags of an alarm its notifications hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmTagsPropagation {
    /// Whether notifications hold tags.
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

fn yes() -> bool {
    true
}

fn missing() -> String {
    "missing".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
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

/// What AWS decides about an alarm.
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
    const NAME: &'static str = "cloudwatch_alarm";
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
    const EXAMPLE: &'static str = include_str!("../../../examples/kinds/cloudwatch_alarm.toml");
    const ACTIONS: Actions = Actions {
        read: &["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
        create: &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
        update: &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
        delete: &["cloudwatch:DeleteAlarms"],
    };
    const TAGGABLE: bool = true;
    // `PutMetricAlarm` updates an existing alarm of the same name, and then ignores the tags
    // (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>).
    const CREATE_OVERWRITES: bool = true;
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, _: &Scope) -> Identity {
        Identity::named(spec.text("alarm_name"))
    }

    fn foresee(spec: Known<'_>, scope: &Scope) -> Foreseen {
        match spec.text("alarm_name") {
            Some(name) => Foreseen::default().with("arn", scope.arn("cloudwatch", format!("alarm:{name}"))),
            None => Foreseen::default(),
        }
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check::check(spec)
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let alarms = match describe(cx, lookups).await {
            Ok(alarms) => alarms,
            Err(error) => return lookups.iter().map(|_| Err(error.clone())).collect(),
        };
        let alarms = &alarms;
        // CloudWatch returns tags for one resource at a time.
        each(lookups, 10, |lookup| async move {
            let Some(alarm) = alarms.get(lookup.id) else { return Ok(None) };
            let arn = match alarm.alarm_arn() {
                Some(arn) => arn.to_owned(),
                None => cx.scope.arn("cloudwatch", format!("alarm:{}", lookup.id)),
            };
            let Some(tags) = read_tags(cx, &lookup, &arn).await? else { return Ok(None) };
            let live = Live::ready(to_spec(alarm), Attrs { arn }, tags);
            Ok(Some(live.with_incarnation(alarm.alarm_configuration_updated_timestamp())))
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<String> {
        put(cx, want, to_tags(new.tags)).await?;
        Ok(want.alarm_name.clone())
    }

    async fn update(cx: &Cx, _: &str, live: &Spec, want: &Spec) -> Result<()> {
        // PutMetricAlarm replaces the whole definition and leaves state and tags alone
        // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
        if live != want {
            put(cx, want, None).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<()> {
        cx.aws.cloudwatch().delete_alarms().alarm_names(id).send().await.or_gone()?;
        Ok(())
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        change_tags(cx, &attrs.arn, set, remove).await
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

fn to_spec(alarm: &types::MetricAlarm) -> Spec {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Spec {
        alarm_name: alarm.alarm_name().unwrap_or_default().to_owned(),
        alarm_description: text(alarm.alarm_description()),
        actions_enabled: alarm.actions_enabled().unwrap_or(true),
        alarm_actions: alarm.alarm_actions().to_vec(),
        ok_actions: alarm.ok_actions().to_vec(),
        insufficient_data_actions: alarm.insufficient_data_actions().to_vec(),
        metric_name: text(alarm.metric_name()),
        namespace: text(alarm.namespace()),
        dimensions: from_dimensions(alarm.dimensions()),
        statistic: alarm.statistic().map(|statistic| statistic.as_str().to_owned()),
        extended_statistic: text(alarm.extended_statistic()),
        period: alarm.period(),
        unit: alarm.unit().map(|unit| unit.as_str().to_owned()),
        evaluation_periods: alarm.evaluation_periods(),
        datapoints_to_alarm: alarm.datapoints_to_alarm(),
        threshold: alarm.threshold(),
        threshold_metric_id: text(alarm.threshold_metric_id()),
        comparison_operator: alarm.comparison_operator().map(|operator| operator.as_str().to_owned()),
        treat_missing_data: text(alarm.treat_missing_data()).unwrap_or_else(missing),
        evaluate_low_sample_count_percentile: text(alarm.evaluate_low_sample_count_percentile()),
        metrics: alarm.metrics().iter().map(from_query).collect(),
        evaluation_window: alarm
            .evaluation_window()
            .and_then(|window| window.as_wall_clock_window().ok())
            .map(|clock| EvaluationWindow {
                wall_clock_window: WallClockWindow { timezone: text(clock.timezone()).unwrap_or_else(utc) },
            }),
        warm_up_configuration: alarm.warm_up_configuration().map(|warm_up| WarmUpConfiguration {
            warm_up_period_duration_in_minutes: warm_up
                .warm_up_period_duration_in_minutes()
                .unwrap_or_default(),
            only_start_evaluating_after_warm_up_period_ends: warm_up
                .only_start_evaluating_after_warm_up_period_ends()
                .unwrap_or(false),
        }),
        evaluation_criteria: alarm
            .evaluation_criteria()
            .and_then(|criteria| criteria.as_prom_ql_criteria().ok())
            .map(|criteria| EvaluationCriteria {
                prom_ql_criteria: PromQlCriteria {
                    query: criteria.query().unwrap_or_default().to_owned(),
                    pending_period: criteria.pending_period(),
                    recovery_period: criteria.recovery_period(),
                },
            }),
        evaluation_interval: alarm.evaluation_interval(),
        action_configuration: alarm
            .action_configuration()
            .and_then(|actions| actions.alarm_tags_propagation())
            .map(|tags| ActionConfiguration {
                alarm_tags_propagation: AlarmTagsPropagation {
                    enabled: tags.enabled().unwrap_or(false),
                    included_tag_keys: tags.included_tag_keys().to_vec(),
                    excluded_tag_keys: tags.excluded_tag_keys().to_vec(),
                },
            }),
    }
}

fn from_query(query: &types::MetricDataQuery) -> MetricDataQuery {
    MetricDataQuery {
        id: query.id().unwrap_or_default().to_owned(),
        expression: query.expression().map(str::to_owned),
        metric_stat: query.metric_stat().map(|stat| MetricStat {
            metric: Metric {
                metric_name: stat
                    .metric()
                    .and_then(|metric| metric.metric_name())
                    .unwrap_or_default()
                    .to_owned(),
                namespace: stat.metric().and_then(|metric| metric.namespace()).unwrap_or_default().to_owned(),
                dimensions: stat
                    .metric()
                    .map(|metric| from_dimensions(metric.dimensions()))
                    .unwrap_or_default(),
            },
            period: stat.period().unwrap_or_default(),
            stat: stat.stat().unwrap_or_default().to_owned(),
            unit: stat.unit().map(|unit| unit.as_str().to_owned()),
        }),
        label: query.label().map(str::to_owned),
        return_data: query.return_data().unwrap_or(true),
        period: query.period(),
        account_id: query.account_id().map(str::to_owned),
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

fn to_query(query: &MetricDataQuery) -> types::MetricDataQuery {
    let stat = query.metric_stat.as_ref().map(|stat| {
        let metric = types::Metric::builder()
            .metric_name(&stat.metric.metric_name)
            .namespace(&stat.metric.namespace)
            .set_dimensions(to_dimensions(&stat.metric.dimensions))
            .build();
        types::MetricStat::builder()
            .metric(metric)
            .period(stat.period)
            .stat(&stat.stat)
            .set_unit(stat.unit.as_deref().map(types::StandardUnit::from))
            .build()
    });
    types::MetricDataQuery::builder()
        .id(&query.id)
        .set_expression(query.expression.clone())
        .set_metric_stat(stat)
        .set_label(query.label.clone())
        .return_data(query.return_data)
        .set_period(query.period)
        .set_account_id(query.account_id.clone())
        .build()
}

async fn put(cx: &Cx, want: &Spec, tags: Option<Vec<types::Tag>>) -> Result<()> {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    // "Not applicable to PromQL alarms".
    let missing_data = want.evaluation_criteria.is_none().then(|| want.treat_missing_data.clone());
    let window = want.evaluation_window.as_ref().map(|window| {
        types::EvaluationWindow::WallClockWindow(
            types::WallClockWindow::builder().timezone(&window.wall_clock_window.timezone).build(),
        )
    });
    let warm_up = want.warm_up_configuration.as_ref().map(|warm_up| {
        types::WarmUpConfiguration::builder()
            .warm_up_period_duration_in_minutes(warm_up.warm_up_period_duration_in_minutes)
            .only_start_evaluating_after_warm_up_period_ends(
                warm_up.only_start_evaluating_after_warm_up_period_ends,
            )
            .build()
    });
    let criteria = want.evaluation_criteria.as_ref().map(|criteria| {
        let criteria = &criteria.prom_ql_criteria;
        types::EvaluationCriteria::PromQlCriteria(
            types::AlarmPromQlCriteria::builder()
                .query(&criteria.query)
                .set_pending_period(criteria.pending_period)
                .set_recovery_period(criteria.recovery_period)
                .build(),
        )
    });
    let actions = want.action_configuration.as_ref().map(|actions| {
        let tags = &actions.alarm_tags_propagation;
        types::ActionConfiguration::builder()
            .alarm_tags_propagation(
                types::AlarmTagsPropagation::builder()
                    .enabled(tags.enabled)
                    .set_included_tag_keys(some(&tags.included_tag_keys))
                    .set_excluded_tag_keys(some(&tags.excluded_tag_keys))
                    .build(),
            )
            .build()
    });
    cx.aws
        .cloudwatch()
        .put_metric_alarm()
        .alarm_name(&want.alarm_name)
        .set_alarm_description(want.alarm_description.clone())
        .actions_enabled(want.actions_enabled)
        .set_alarm_actions(some(&want.alarm_actions))
        .set_ok_actions(some(&want.ok_actions))
        .set_insufficient_data_actions(some(&want.insufficient_data_actions))
        .set_metric_name(want.metric_name.clone())
        .set_namespace(want.namespace.clone())
        .set_dimensions(to_dimensions(&want.dimensions))
        .set_statistic(want.statistic.as_deref().map(types::Statistic::from))
        .set_extended_statistic(want.extended_statistic.clone())
        .set_period(want.period)
        .set_unit(want.unit.as_deref().map(types::StandardUnit::from))
        .set_evaluation_periods(want.evaluation_periods)
        .set_datapoints_to_alarm(want.datapoints_to_alarm)
        .set_threshold(want.threshold)
        .set_threshold_metric_id(want.threshold_metric_id.clone())
        .set_comparison_operator(want.comparison_operator.as_deref().map(types::ComparisonOperator::from))
        .set_treat_missing_data(missing_data)
        .set_evaluate_low_sample_count_percentile(want.evaluate_low_sample_count_percentile.clone())
        .set_metrics((!want.metrics.is_empty()).then(|| want.metrics.iter().map(to_query).collect()))
        .set_evaluation_window(window)
        .set_warm_up_configuration(warm_up)
        .set_evaluation_criteria(criteria)
        .set_evaluation_interval(want.evaluation_interval)
        .set_action_configuration(actions)
        .set_tags(tags)
        .send()
        .await?;
    Ok(())
}
