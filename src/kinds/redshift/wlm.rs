//! Workload management: the queues of a parameter group.

use crate::kind::prelude::*;

/// The parameter that holds the workload management configuration.
pub(super) const WLM: &str = "wlm_json_configuration";

/// The properties of a queue
/// (<https://docs.aws.amazon.com/redshift/latest/mgmt/workload-mgmt-config.html#wlm-json-config-properties>).
const PROPERTIES: [&str; 16] = [
    "auto_wlm",
    "concurrency_scaling",
    "max_execution_time",
    "memory_percent_to_use",
    "name",
    "priority",
    "query_concurrency",
    "query_group",
    "query_group_wild_card",
    "queue_type",
    "rules",
    "short_query_queue",
    "user_group",
    "user_group_wild_card",
    "user_role",
    "user_role_wild_card",
];

/// Properties with a fixed set of values.
const VALUES: [(&str, &[&str]); 3] = [
    ("concurrency_scaling", &["off", "auto"]),
    ("priority", &PRIORITIES),
    ("queue_type", &["auto", "manual"]),
];

const PRIORITIES: [&str; 5] = ["highest", "high", "normal", "low", "lowest"];

/// Actions of a query monitoring rule.
const ACTIONS: [&str; 4] = ["log", "hop", "abort", "change_query_priority"];

/// Metrics of query monitoring rules.
const METRICS: [&str; 16] = [
    "query_cpu_time",
    "query_blocks_read",
    "scan_row_count",
    "query_execution_time",
    "query_queue_time",
    "query_cpu_usage_percent",
    "query_temp_blocks_to_disk",
    "cpu_skew",
    "io_skew",
    "join_row_count",
    "nested_loop_join_row_count",
    "return_row_count",
    "segment_execution_time",
    "spectrum_scan_row_count",
    "spectrum_scan_size_mb",
    "query_priority",
];

/// Checks the document, and the rules for queues of manual workload management from
/// <https://docs.aws.amazon.com/redshift/latest/mgmt/workload-mgmt-config.html>.
pub(super) fn check_queues(queues: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let queues = match queues {
        Value::List(queues) => queues.clone(),
        Value::String(text) => match serde_json::from_str(text).map(|json| Value::from_json(&json)) {
            Ok(Value::List(queues)) => queues,
            Ok(_) => return vec![not_a_list()],
            // The schema reports text that is not JSON.
            Err(_) => return problems,
        },
        Value::Map(_) => return vec![not_a_list()],
        _ => return problems,
    };
    if let Ok(json) = Value::List(queues.clone()).to_json()
        && json.to_string().len() > 8000
    {
        problems.push(
            Problem::new(WLM, "the workload management is longer than the 8000 characters that AWS allows")
                .help("use fewer or shorter rules"),
        );
    }
    // The entry that turns on short query acceleration is not a queue.
    let is_queue = |queue: &Value| {
        queue.as_map().is_some_and(|map| !(map.len() == 1 && map.contains_key("short_query_queue")))
    };
    let count = queues.iter().filter(|queue| is_queue(queue)).count();
    if count > MAX_QUEUES {
        problems.push(
            Problem::new(WLM, format!("there are {count} queues, and Redshift has at most {MAX_QUEUES}"))
                .help("merge some of them"),
        );
    }
    let modes: Vec<Option<bool>> = queues.iter().map(|queue| is_automatic(Known(queue))).collect();
    if modes.contains(&Some(true))
        && let Some(place) = modes.iter().position(|mode| *mode == Some(false))
    {
        problems.push(
            Problem::warning(
                format!("{WLM}.{place}"),
                "this queue is managed by hand and another one by Redshift, but all must be managed in the same way",
            )
            .help("give all of them `auto_wlm = true`, or none"),
        );
    }
    for (place, queue) in queues.iter().enumerate() {
        match queue {
            Value::Map(_) => check_queue(Known(queue), &format!("{WLM}.{place}"), &mut problems),
            Value::Unknown(_) | Value::Secret(_) => {}
            _ => problems.push(Problem::new(format!("{WLM}.{place}"), "a queue is a table")),
        }
    }
    for (field, most, what) in [
        ("query_concurrency", 50, "concurrency of all queues"),
        ("memory_percent_to_use", 100, "memory of all queues"),
    ] {
        let total: i64 = (0..queues.len())
            .filter_map(|place| match queues.get(place)?.get(field)? {
                Value::Number(number) => number.as_i64(),
                _ => None,
            })
            .sum();
        if total > most {
            problems.push(
                Problem::new(WLM, format!("the {what} is {total}, but AWS allows {most}"))
                    .help(format!("lower `{field}` of some queues")),
            );
        }
    }
    problems
}

/// Maximum number of queues, with the default queue but without the superuser queue
/// (<https://docs.aws.amazon.com/redshift/latest/dg/cm-c-wlm-system-tables-and-views.html>: the service
/// classes 6 to 13, or 100 to 107).
const MAX_QUEUES: usize = 8;

/// Returns whether Redshift manages the memory and concurrency of a queue; `None` if nothing says so.
fn is_automatic(queue: Known<'_>) -> Option<bool> {
    match (queue.flag("auto_wlm"), queue.text("queue_type")) {
        (Some(automatic), _) => Some(automatic),
        _ if queue.may_be_set("auto_wlm") => None,
        (_, Some("auto")) => Some(true),
        (_, Some("manual")) => Some(false),
        _ => {
            let by_hand =
                ["query_concurrency", "memory_percent_to_use"].iter().any(|name| queue.is_set(name));
            by_hand.then_some(false)
        }
    }
}

fn check_queue(queue: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    if is_automatic(queue) == Some(false) && queue.is_set("priority") {
        problems.push(
            Problem::warning(
                format!("{path}.priority"),
                "only queues of automatic workload management have a priority",
            )
            .help("remove `priority`, or set `auto_wlm = true`"),
        );
    }
    let mode = is_automatic(queue);
    for (place, rule) in queue.list("rules").iter().enumerate() {
        // See https://docs.aws.amazon.com/redshift/latest/dg/cm-c-wlm-query-monitoring-rules.html
        let fits = match (Known(rule).text("action"), mode) {
            (Some("hop"), Some(automatic)) => !automatic,
            (Some("change_query_priority"), Some(automatic)) => automatic,
            _ => true,
        };
        if !fits {
            problems.push(
                Problem::warning(format!("{path}.rules.{place}.action"), "queues that are managed in this way do not have this action")
                    .help("`hop` is for queues that are managed by hand, `change_query_priority` for automatic ones"),
            );
        }
    }
    for name in queue.0.as_map().into_iter().flat_map(|map| map.keys()) {
        if !PROPERTIES.contains(&name.as_str()) {
            problems.push(match nearest(name, PROPERTIES) {
                Some(near) => {
                    Problem::new(format!("{path}.{name}"), format!("a queue has no property `{name}`"))
                        .help(format!("did you mean `{near}`?"))
                }
                None => Problem::warning(
                    format!("{path}.{name}"),
                    format!("dwctl does not know the property `{name}` of a queue"),
                ),
            });
        }
    }
    for (name, values) in VALUES {
        if let Some(value) = queue.text(name)
            && !values.contains(&value)
        {
            problems.push(
                Problem::new(format!("{path}.{name}"), format!("`{name}` cannot be `{value}`"))
                    .help(format!("one of {}", values.join(", "))),
            );
        }
    }
    for (name, least, most) in
        [("query_concurrency", 0, 50), ("memory_percent_to_use", 0, 100), ("max_execution_time", 0, i64::MAX)]
    {
        if let Some(number) = queue.integer(name)
            && !(least..=most).contains(&number)
        {
            let range =
                if most == i64::MAX { "0 or more".to_owned() } else { format!("from {least} to {most}") };
            problems
                .push(Problem::new(format!("{path}.{name}"), format!("`{name}` is {range}, not {number}")));
        }
    }
    for (place, rule) in queue.list("rules").iter().enumerate() {
        check_rule(Known(rule), &format!("{path}.rules.{place}"), problems);
    }
}

/// Checks a query monitoring rule
/// (<https://docs.aws.amazon.com/redshift/latest/dg/cm-c-wlm-query-monitoring-rules.html>).
fn check_rule(rule: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    if rule.0.as_map().is_none() {
        return;
    }
    if let Some(action) = rule.text("action")
        && !ACTIONS.contains(&action)
    {
        problems.push(
            Problem::new(format!("{path}.action"), format!("a rule has no action `{action}`"))
                .help(format!("one of {}", ACTIONS.join(", "))),
        );
    }
    if rule.text("action") == Some("change_query_priority") {
        let help = format!("one of {}", PRIORITIES.join(", "));
        match rule.text("value") {
            None if !rule.may_be_set("value") => problems.push(
                Problem::new(
                    path,
                    "a rule that changes the priority of a query names the new one as `value`",
                )
                .help(help),
            ),
            Some(value) if !PRIORITIES.contains(&value) => problems.push(
                Problem::new(format!("{path}.value"), format!("there is no priority `{value}`")).help(help),
            ),
            _ => {}
        }
    }
    let predicates = rule.list("predicate");
    if predicates.len() > 3 {
        problems.push(Problem::new(format!("{path}.predicate"), "a rule has at most three predicates"));
    }
    for (place, predicate) in predicates.iter().enumerate() {
        let (predicate, path) = (Known(predicate), format!("{path}.predicate.{place}"));
        if let Some(metric) = predicate.text("metric_name")
            && !METRICS.contains(&metric)
        {
            problems.push(match nearest(metric, METRICS) {
                Some(near) => {
                    Problem::new(format!("{path}.metric_name"), format!("a rule has no metric `{metric}`"))
                        .help(format!("did you mean `{near}`?"))
                }
                None => Problem::warning(
                    format!("{path}.metric_name"),
                    format!("dwctl does not know the metric `{metric}`"),
                ),
            });
        }
        if let Some(operator) = predicate.text("operator")
            && !["=", "<", ">"].contains(&operator)
        {
            problems.push(
                Problem::new(
                    format!("{path}.operator"),
                    format!("a predicate cannot compare with `{operator}`"),
                )
                .help("one of =, <, >"),
            );
        }
    }
}

fn not_a_list() -> Problem {
    Problem::new(WLM, "workload management is a list of queues").help("write `[{ … }, { … }]`")
}

#[cfg(test)]
mod tests {
    use super::check_queues;
    use crate::value::Value;
    use serde_json::json;

    fn messages(queues: serde_json::Value) -> Vec<String> {
        check_queues(&Value::from_json(&queues)).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn queues_are_checked() {
        let fine = json!([
            { "query_group": ["etl"], "query_concurrency": 5, "memory_percent_to_use": 60 },
            { "query_concurrency": 5, "memory_percent_to_use": 40 },
            { "short_query_queue": true }
        ]);
        assert_eq!(messages(fine.clone()), Vec::<String>::new());
        assert_eq!(messages(json!(fine.to_string())), Vec::<String>::new());
        assert!(messages(json!({ "auto_wlm": true }))[0].contains("list of queues"));
        assert!(messages(json!("{\"auto_wlm\": true}"))[0].contains("list of queues"));
        assert!(
            messages(json!([{ "query_concurrency": 40 }, { "query_concurrency": 11 }]))[0].contains("51")
        );
        assert!(messages(json!(vec![json!({ "auto_wlm": true }); 8])).is_empty());
        assert!(messages(json!(vec![json!({ "auto_wlm": true }); 9]))[0].contains("9 queues"));
        assert!(
            messages(json!([{ "auto_wlm": true }, { "query_concurrency": 5 }]))[0]
                .contains("in the same way")
        );
        let rule = |rule: serde_json::Value| messages(json!([{ "auto_wlm": true, "rules": [rule] }]));
        assert!(rule(json!({ "action": "change_query_priority", "value": "low" })).is_empty());
        assert!(rule(json!({ "action": "change_query_priority" }))[0].contains("`value`"));
        assert!(rule(json!({ "action": "change_query_priority", "value": "urgent" }))[0].contains("urgent"));
        assert!(rule(json!({ "action": "hop" }))[0].contains("do not have"));
        assert!(messages(json!(["etl"]))[0].contains("table"));
        assert!(messages(json!([{ "rules": "x".repeat(8000) }]))[0].contains("8000"));
    }
}
