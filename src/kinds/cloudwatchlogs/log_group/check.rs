//! Checks the filters of a log group.

use crate::kind::prelude::*;

/// Returns why CloudWatch Logs cannot parse a filter pattern, judging by its brackets and quotes
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>).
fn pattern_fault(pattern: &str) -> Option<&'static str> {
    let pattern = pattern.trim();
    let close = match pattern.chars().next()? {
        '{' => '}',
        '[' => ']',
        // A `%` opens a regular expression, which may contain anything.
        _ if pattern.contains('%') => return None,
        _ => '"',
    };
    let (mut quoted, mut regex, mut escaped, mut depth) = (false, false, false, 0i32);
    for one in pattern.chars() {
        match one {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if !regex => quoted = !quoted,
            '%' if !quoted => regex = !regex,
            '{' | '(' if close == '}' && !quoted && !regex => depth += 1,
            '}' | ')' if close == '}' && !quoted && !regex => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return Some("it closes a bracket that it has not opened");
        }
    }
    if regex {
        return None;
    }
    if quoted {
        Some("it opens a quotation mark that it does not close")
    } else if depth > 0 || close != '"' && !pattern.ends_with(close) {
        Some("it opens a bracket that it does not close")
    } else {
        None
    }
}

fn check_filter_pattern(filter: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    if let Some(fault) = filter.text("filter_pattern").and_then(pattern_fault) {
        problems.push(
            Problem::new(
                format!("{path}.filter_pattern"),
                format!("CloudWatch Logs cannot read the pattern: {fault}"),
            )
            .help("such as `{ $.level = \"ERROR\" }`, `[time, level = ERROR, text]` or `ERROR`"),
        );
    }
}

pub(super) fn check_metric(filter: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    check_filter_pattern(filter, path, problems);
    let Some(metric) = filter.list("metric_transformations").first().map(Known) else { return };
    let path = format!("{path}.metric_transformations.0");
    let dimensions = match metric.get("dimensions") {
        Some(Value::Map(dimensions)) => dimensions.len(),
        _ => 0,
    };
    if dimensions + filter.list("emit_system_field_dimensions").len() > 3 {
        problems.push(
            Problem::new(format!("{path}.dimensions"), "a metric filter has at most three dimensions")
                .help("those of `emit_system_field_dimensions` count too"),
        );
    }
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
    if dimensions > 0 && metric.is_set("default_value") {
        problems.push(
            Problem::new(format!("{path}.default_value"), "a metric with dimensions has no default value")
                .help("remove `default_value` or `dimensions`"),
        );
    }
    // AWS refuses with "The specified filter pattern does not support dimensions".
    let is_plain = filter
        .text("filter_pattern")
        .is_some_and(|pattern| !pattern.trim().is_empty() && !pattern.trim().starts_with(['{', '[']));
    if dimensions > 0 && is_plain {
        problems.push(
            Problem::new(
                format!("{path}.dimensions"),
                "only patterns for JSON and for columns have dimensions, since these are parts of a log event",
            )
            .help("such as the pattern `{ $.level = \"ERROR\" }` or `[time, level = ERROR, text]`"),
        );
    }
    for (name, value) in metric.get("dimensions").and_then(Value::as_map).into_iter().flatten() {
        if value.as_str().is_some_and(|value| !value.starts_with('$')) {
            problems.push(
                Problem::new(
                    format!("{path}.dimensions.{name}"),
                    "the value of a dimension must be a part of the log event, not a fixed text",
                )
                .help("such as `$.user` of a JSON event, or `$user` of a column"),
            );
        }
    }
    if metric.text("metric_namespace").is_some_and(|name| name.starts_with("AWS/")) {
        problems.push(
            Problem::new(
                format!("{path}.metric_namespace"),
                "namespaces that start with `AWS/` are reserved for AWS",
            )
            .help("use your own namespace, such as `Warehouse`"),
        );
    }
}

pub(super) fn check_subscription(filter: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    check_filter_pattern(filter, path, problems);
    let Some(destination) = filter.text("destination_arn") else { return };
    let service = destination.split(':').nth(2).unwrap_or_default();
    if !destination.starts_with("arn:") || !matches!(service, "kinesis" | "firehose" | "lambda" | "logs") {
        problems.push(
            Problem::new(format!("{path}.destination_arn"), "CloudWatch Logs cannot stream to this").help(
                "the ARN of a Kinesis stream, a Firehose stream, a Lambda function or a logical destination",
            ),
        );
        return;
    }
    let has_role = filter.is_set("role_arn");
    if matches!(service, "kinesis" | "firehose") && !has_role {
        problems.push(
            Problem::new(path, "a subscription filter that writes to a stream needs `role_arn`")
                .help("a role that logs.amazonaws.com may assume and that may write to the stream"),
        );
    }
    if service == "lambda" && has_role {
        problems.push(
            Problem::new(
                format!("{path}.role_arn"),
                "CloudWatch Logs calls a Lambda function without a role",
            )
            .help("remove `role_arn`, and let logs.amazonaws.com invoke the function"),
        );
    }
    if service != "kinesis" && service != "logs" && filter.text("distribution") == Some("Random") {
        problems.push(
            Problem::new(format!("{path}.distribution"), "only a Kinesis stream has a distribution")
                .help("remove `distribution`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::pattern_fault;

    #[test]
    fn unclosed_brackets_and_quotes_are_reported() {
        // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
        for pattern in [
            "",
            "ERROR",
            "?ERROR ?WARN",
            "\"Exit code\" -Exiting",
            "[ip, user, time, request, status_code = 4*, bytes]",
            "[w1=%ERROR[%, w2]",
            "{ $.eventType = \"UpdateTrail\" }",
            "{ ($.user.id = 1) && ($.users[0].email = \"John}Doe\") }",
            "{ $.message = %a(b% }",
            "{ $.quote = \"a \\\" b\" }",
            "{ $.a IS NULL }",
        ] {
            assert_eq!(pattern_fault(pattern), None, "{pattern}");
        }
        for pattern in
            ["{ $.a = ", "{ ($.a = 1 }", "{ $.a = 1) }", "{ $.a = \"x }", "[ip, user", "\"Exit code"]
        {
            assert!(pattern_fault(pattern).is_some(), "{pattern}");
        }
    }
}
