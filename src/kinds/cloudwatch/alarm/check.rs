//! Finds, before the first call, what CloudWatch would refuse in an alarm.

use crate::kind::prelude::*;

/// Checks the rules of
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>.
pub fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_source(spec, &mut problems);
    check_threshold(spec, &mut problems);
    check_time(spec, &mut problems);
    check_metrics(spec, &mut problems);
    check_dimensions(spec, "dimensions", &mut problems);
    for index in 0..spec.list("metrics").len() {
        check_dimensions(spec, &format!("metrics.{index}.metric_stat.metric.dimensions"), &mut problems);
    }
    problems
}

/// See <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html>.
fn check_dimensions(spec: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    let Some(Value::Map(dimensions)) = spec.get(path) else { return };
    let is_plain = |text: &str| text.bytes().all(|one| one.is_ascii() && !one.is_ascii_control());
    for (name, value) in dimensions {
        let at = format!("{path}.{name}");
        if name.trim().is_empty() || name.len() > 255 || name.starts_with(':') || !is_plain(name) {
            problems.push(
                Problem::new(&*at, format!("\"{name}\" cannot be the name of a dimension"))
                    .help("1 to 255 ASCII characters, not all of them spaces, the first no colon"),
            );
        }
        if let Value::String(text) = value
            && (text.trim().is_empty() || text.len() > 1024 || !is_plain(text))
        {
            problems.push(Problem::new(at, format!("\"{text}\" cannot be the value of a dimension")).help(
                "1 to 1024 ASCII characters, not all of them spaces; remove a dimension that has no value",
            ));
        }
    }
}

/// Exactly one of a metric, metrics or a query, without attributes of the other two.
fn check_source(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let sources = ["metric_name", "metrics", "evaluation_criteria"];
    let set: Vec<&str> = sources.into_iter().filter(|source| spec.is_set(source)).collect();
    let foreign: &[&str] = match set.as_slice() {
        [] => {
            problems.push(
                Problem::new("metric_name", "the alarm watches nothing")
                    .help("give one of `metric_name`, `metrics` and `evaluation_criteria`"),
            );
            return;
        }
        ["metric_name"] => &["evaluation_interval"],
        ["metrics"] => &[
            "namespace",
            "dimensions",
            "period",
            "statistic",
            "extended_statistic",
            "unit",
            "evaluation_interval",
        ],
        ["evaluation_criteria"] => &[
            "namespace",
            "dimensions",
            "period",
            "statistic",
            "extended_statistic",
            "unit",
            "threshold",
            "threshold_metric_id",
            "comparison_operator",
            "evaluation_periods",
            "datapoints_to_alarm",
            "evaluation_window",
        ],
        [_, second, ..] => {
            problems.push(
                Problem::new(*second, "an alarm watches one thing")
                    .help("give one of `metric_name`, `metrics` and `evaluation_criteria`"),
            );
            return;
        }
        [_] => &[],
    };
    let source = set.first().copied().unwrap_or_default();
    for attribute in foreign.iter().filter(|attribute| spec.is_set(attribute)) {
        let help = match *attribute {
            "namespace" | "dimensions" | "period" | "statistic" | "extended_statistic" | "unit"
                if source == "metrics" =>
            {
                "it belongs in the `metric_stat` of the metric"
            }
            _ => "remove it",
        };
        problems.push(
            Problem::new(*attribute, format!("`{attribute}` does not go together with `{source}`"))
                .help(help),
        );
    }
    let needed: &[&str] = match source {
        "metric_name" => &["namespace", "period", "evaluation_periods", "comparison_operator"],
        "metrics" => &["evaluation_periods", "comparison_operator"],
        _ => &["evaluation_interval"],
    };
    for attribute in needed.iter().filter(|attribute| !spec.may_be_set(attribute)) {
        problems.push(Problem::new(*attribute, format!("an alarm with `{source}` needs `{attribute}`")));
    }
    if source == "metric_name" {
        match (spec.is_set("statistic"), spec.is_set("extended_statistic")) {
            (false, false) => problems.push(
                Problem::new("statistic", "the alarm does not say how to aggregate a period")
                    .help("give `statistic` or `extended_statistic`"),
            ),
            (true, true) => problems.push(
                Problem::new("extended_statistic", "an alarm has one statistic")
                    .help("remove `statistic` or `extended_statistic`"),
            ),
            _ => {}
        }
    }
    let is_percentile = spec.text("extended_statistic").is_none_or(|statistic| statistic.starts_with('p'));
    if spec.is_set("evaluate_low_sample_count_percentile")
        && (spec.is_set("statistic") || !is_percentile || source == "evaluation_criteria")
    {
        problems.push(
            Problem::new("evaluate_low_sample_count_percentile", "this is for alarms on a percentile")
                .help("remove it, or use an `extended_statistic` such as `p99`"),
        );
    }
    for (path, dimensions) in [("dimensions".to_owned(), spec.get("dimensions"))].into_iter().chain(
        (0..spec.list("metrics").len()).map(|index| {
            let path = format!("metrics.{index}.metric_stat.metric.dimensions");
            let dimensions = spec.get(&path);
            (path, dimensions)
        }),
    ) {
        if matches!(dimensions, Some(Value::Map(dimensions)) if dimensions.len() > 30) {
            problems.push(Problem::new(path, "a metric has at most 30 dimensions"));
        }
    }
}

/// A number or an anomaly band, with a matching operator.
fn check_threshold(spec: Known<'_>, problems: &mut Vec<Problem>) {
    if spec.is_set("evaluation_criteria") {
        return;
    }
    let band = spec.is_set("threshold_metric_id");
    match (spec.is_set("threshold"), band) {
        (false, false) => problems.push(
            Problem::new("threshold", "the alarm has nothing to compare with")
                .help("give `threshold`, or `threshold_metric_id` for an anomaly band"),
        ),
        (true, true) => problems.push(
            Problem::new("threshold", "an alarm compares with one thing")
                .help("remove `threshold` or `threshold_metric_id`"),
        ),
        _ => {}
    }
    if let Some(operator) = spec.text("comparison_operator") {
        let of_band = operator.contains("Upper") || operator.contains("Lower");
        if of_band && !band {
            problems.push(
                Problem::new("comparison_operator", format!("`{operator}` compares with an anomaly band"))
                    .help("give `threshold_metric_id`, or use an operator such as `GreaterThanThreshold`"),
            );
        } else if band && !of_band {
            problems.push(
                Problem::new("comparison_operator", format!("`{operator}` compares with a number, not with a band"))
                    .help("GreaterThanUpperThreshold, LessThanLowerThreshold or LessThanLowerOrGreaterThanUpperThreshold"),
            );
        }
    }
    if band {
        for attribute in ["alarm_actions", "ok_actions", "insufficient_data_actions"] {
            for (index, action) in spec.list(attribute).iter().enumerate() {
                if matches!(action, Value::String(action) if action.contains(":autoscaling:")) {
                    problems.push(Problem::new(
                        format!("{attribute}.{index}"),
                        "an alarm on an anomaly band cannot scale anything",
                    ));
                }
            }
        }
    }
    if let (Some(points), Some(periods)) =
        (spec.integer("datapoints_to_alarm"), spec.integer("evaluation_periods"))
        && points > periods
    {
        problems.push(
            Problem::new("datapoints_to_alarm", format!("{points} of {periods} periods can never breach"))
                .help("at most `evaluation_periods`"),
        );
    }
}

/// Periods must be valid, and together at most a day, or a week if they are whole hours
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>).
fn check_time(spec: Known<'_>, problems: &mut Vec<Problem>) {
    const DAY: i64 = 86_400;
    let mut periods = Vec::new();
    let paths = ["period".to_owned(), "evaluation_interval".to_owned()].into_iter().chain(
        (0..spec.list("metrics").len()).flat_map(|index| {
            [format!("metrics.{index}.period"), format!("metrics.{index}.metric_stat.period")]
        }),
    );
    for path in paths {
        let Some(period) = spec.integer(&path) else { continue };
        let short: &[i64] = if path.starts_with("metrics") { &[1, 5, 10, 20, 30] } else { &[10, 20, 30] };
        if period > 0 && period % 60 != 0 && !short.contains(&period) {
            problems.push(
                Problem::new(path.as_str(), format!("CloudWatch has no period of {period} seconds"))
                    .help("10, 20, 30 or a multiple of 60"),
            );
        }
        if path != "evaluation_interval" {
            periods.push(period);
        }
    }
    let Some(longest) = periods.into_iter().max() else { return };
    if let Some(count) = spec.integer("evaluation_periods") {
        let (most, words) = if longest >= 3600 {
            (7 * DAY, "seven days")
        } else {
            (DAY, "one day, with periods under an hour")
        };
        if count.saturating_mul(longest) > most {
            problems.push(
                Problem::new(
                    "evaluation_periods",
                    format!(
                        "{} of {longest} seconds {} more than an alarm looks back",
                        counted(count, "period"),
                        if count == 1 { "is" } else { "are" }
                    ),
                )
                .help(format!("together they may cover {words}")),
            );
        }
    }
    if spec.is_set("evaluation_window") && ![60, 300, 3600, DAY, 7 * DAY].contains(&longest) {
        problems.push(
            Problem::new(
                "evaluation_window",
                format!("periods of {longest} seconds cannot follow the wall clock"),
            )
            .help("60, 300, 3600, 86400 or 604800"),
        );
    }
}

/// Every query is either a metric or an expression, and exactly one of them is watched.
fn check_metrics(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let metrics = spec.list("metrics");
    if metrics.is_empty() {
        return;
    }
    let band = spec.text("threshold_metric_id");
    let mut watched = 0;
    let mut is_sure = !spec.may_be_set("threshold_metric_id") || band.is_some();
    for query in metrics {
        let query = Known(query);
        let id = query.text("id");
        let returns = if query.may_be_set("return_data") { query.flag("return_data") } else { Some(true) };
        is_sure &= id.is_some() && returns.is_some();
        if returns == Some(true) && id != band {
            watched += 1;
        }
    }
    let ids: Option<Vec<&str>> = metrics.iter().map(|query| Known(query).text("id")).collect();
    if let Some(ids) = ids {
        for (index, query) in metrics.iter().enumerate() {
            let Some(expression) = Known(query).text("expression") else { continue };
            for name in names(expression).into_iter().filter(|name| !ids.contains(name)) {
                let help = nearest(name, ids.iter().copied()).map_or_else(
                    || format!("`metrics` has {}", ids.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                problems.push(
                    Problem::new(format!("metrics.{index}.expression"), format!("`metrics` has no `{name}`"))
                        .help(help),
                );
            }
        }
    }
    if is_sure && watched != 1 {
        problems.push(
            Problem::new(
                "metrics",
                format!("{watched} of the metrics are watched, but it must be exactly one"),
            )
            .help("set `return_data = false` on all others"),
        );
    }
    if let Some(band) = band
        && is_sure
        && !metrics.iter().any(|query| Known(query).text("id") == Some(band))
    {
        problems.push(Problem::new("threshold_metric_id", format!("`metrics` has no `{band}`")));
    }
}

/// The ids in a metric math expression. Function names are in upper case, and a Metrics Insights query has
/// no ids (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>).
fn names(expression: &str) -> Vec<&str> {
    if expression.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select")) {
        return Vec::new();
    }
    // Quoted parts are text. An unbalanced quote is left for CloudWatch to refuse.
    expression
        .split(['"', '\''])
        .step_by(2)
        .flat_map(|part| part.split(|one: char| !one.is_ascii_alphanumeric() && one != '_'))
        .filter(|word| word.starts_with(|one: char| one.is_ascii_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::kind::problems_of;
    use crate::value::{Unknown, Value};

    fn paths(spec: &Value) -> Vec<String> {
        problems_of::<super::super::Alarm>(spec).into_iter().map(|problem| problem.path).collect()
    }

    fn simple(changes: serde_json::Value) -> Value {
        let mut spec = serde_json::json!({
            "alarm_name": "a", "metric_name": "m", "namespace": "n", "statistic": "Sum", "period": 60,
            "evaluation_periods": 1, "threshold": 1, "comparison_operator": "GreaterThanThreshold",
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        Value::from_json(&spec)
    }

    #[test]
    fn alarms_on_a_metric() {
        assert!(paths(&simple(serde_json::json!({}))).is_empty());
        assert_eq!(
            paths(&simple(serde_json::json!({ "extended_statistic": "p99" }))),
            ["extended_statistic"]
        );
        assert_eq!(paths(&simple(serde_json::json!({ "period": 90 }))), ["period"]);
        assert_eq!(paths(&simple(serde_json::json!({ "evaluation_periods": 1441 }))), ["evaluation_periods"]);
        assert!(paths(&simple(serde_json::json!({ "period": 3600, "evaluation_periods": 168 }))).is_empty());
        assert_eq!(paths(&simple(serde_json::json!({ "datapoints_to_alarm": 2 }))), ["datapoints_to_alarm"]);
        assert_eq!(
            paths(&simple(serde_json::json!({ "comparison_operator": "LessThanLowerThreshold" }))),
            ["comparison_operator"]
        );
        assert_eq!(paths(&simple(serde_json::json!({ "dimensions": { "A": " " } }))), ["dimensions.A"]);
        assert_eq!(
            paths(&simple(serde_json::json!({ "metrics": [{ "id": "m1" }] }))),
            ["metrics", "metrics.0",]
        );
    }

    #[test]
    fn alarms_on_metrics() {
        let spec = |metrics: serde_json::Value, band: bool| {
            let mut spec =
                serde_json::json!({ "alarm_name": "a", "evaluation_periods": 1, "metrics": metrics });
            if band {
                spec["threshold_metric_id"] = "band".into();
                spec["comparison_operator"] = "GreaterThanUpperThreshold".into();
            } else {
                spec["threshold"] = 1.into();
                spec["comparison_operator"] = "GreaterThanThreshold".into();
            }
            Value::from_json(&spec)
        };
        let stat = serde_json::json!({ "period": 60, "stat": "Sum" });
        let pair = serde_json::json!([{ "id": "m", "metric_stat": stat }, { "id": "band", "expression": "ANOMALY_DETECTION_BAND(m)" }]);
        assert!(paths(&spec(pair.clone(), true)).is_empty());
        assert_eq!(paths(&spec(pair, false)), ["metrics"]);
        let lost = serde_json::json!([{ "id": "m", "metric_stat": stat }]);
        assert_eq!(paths(&spec(lost, true)), ["threshold_metric_id"]);
    }

    #[test]
    fn unknown_values_are_not_reported() {
        let unknown = || Value::Unknown(Unknown { address: "a.b".to_owned(), attribute: "c".to_owned() });
        let mut spec = simple(serde_json::json!({}));
        if let Value::Map(map) = &mut spec {
            for name in ["period", "threshold", "comparison_operator", "statistic", "alarm_actions"] {
                map.insert(name.to_owned(), unknown());
            }
        }
        assert!(paths(&spec).is_empty());
    }
}
