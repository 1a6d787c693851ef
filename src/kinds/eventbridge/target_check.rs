//! Checks targets for what EventBridge refuses and the schema cannot express.

use std::collections::BTreeMap;

use crate::kind::prelude::*;

/// Checks one target.
pub(super) fn check_target(target: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    if let Some(arn) = target.text("arn") {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        // All targets but these few are called with a role:
        // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
        let service = parts.get(2).copied().unwrap_or_default();
        if matches!(
            service,
            "states" | "redshift" | "redshift-serverless" | "ecs" | "kinesis" | "firehose" | "glue"
        ) && !target.may_be_set("role_arn")
        {
            problems.push(
                Problem::new(path, "EventBridge needs your role to call this target").help("set `role_arn`"),
            );
        }
        for (field, services) in [
            ("ecs_parameters", &["ecs"][..]),
            ("kinesis_parameters", &["kinesis"]),
            ("redshift_data_parameters", &["redshift", "redshift-serverless"]),
            ("sqs_parameters", &["sqs"]),
            ("http_parameters", &["events", "execute-api"]),
        ] {
            if target.is_set(field) && parts.len() == 6 && !services.contains(&service) {
                problems.push(Problem::new(
                    format!("{path}.{field}"),
                    format!("`{field}` is for targets of {}, not of {service}", services.join(" and ")),
                ));
            }
        }
        if service == "ecs" && !target.may_be_set("ecs_parameters") {
            problems.push(Problem::new(path, "a target in ECS needs its task").help("set `ecs_parameters`"));
        }
    }
    if let Some(input_path) = target.text("input_path")
        && !input_path.starts_with('$')
    {
        problems.push(
            Problem::new(format!("{path}.input_path"), "a JSONPath begins with `$`")
                .help("such as `$.detail`"),
        );
    }
    check_transformer(target, path, problems);
    check_destination(target, path, problems);
}

/// Names that begin with `aws.` are reserved
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>).
fn check_transformer(target: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    let Some(template) = target.text("input_transformer.input_template") else { return };
    let none = BTreeMap::new();
    let paths = match target.get("input_transformer.input_paths_map") {
        Some(Value::Map(paths)) => paths,
        None if !target.may_be_set("input_transformer.input_paths_map") => &none,
        _ => return,
    };
    if paths.len() > 100 {
        problems.push(Problem::new(
            format!("{path}.input_transformer.input_paths_map"),
            format!("a transformer names at most 100 parts of the event, not {}", paths.len()),
        ));
    }
    for (name, value) in paths {
        if let Value::String(value) = value
            && !value.starts_with('$')
        {
            problems.push(
                Problem::new(
                    format!("{path}.input_transformer.input_paths_map.{name}"),
                    "a JSONPath begins with `$`",
                )
                .help("such as `$.detail.status`"),
            );
        }
    }
    if filled(template).is_none() {
        problems.push(
            Problem::new(
                format!("{path}.input_transformer.input_template"),
                "the text is not JSON, so the target would receive nothing",
            )
            .help("put text in double quotes: `\"job <name> failed\"`, written '\"job <name> failed\"'"),
        );
        return;
    }
    for name in placeholders(template) {
        if !name.starts_with("aws.") && !paths.contains_key(name) {
            problems.push(
                Problem::new(
                    format!("{path}.input_transformer.input_template"),
                    format!("`<{name}>` is not named in `input_paths_map`"),
                )
                .help(format!("add `{name} = \"$.…\"` to `input_paths_map`")),
            );
        }
    }
}

/// The names in `<…>`. Only texts that look like a name count: `<b>` within text does, `a < b` does not.
fn placeholders(template: &str) -> Vec<&str> {
    template
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>').map(|(name, _)| name))
        .filter(|name| is_name(name))
        .collect()
}

/// Services with ARNs in most stacks that EventBridge cannot send to
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html>).
const NO_TARGETS: [&str; 8] = ["cloudwatch", "dynamodb", "ec2", "iam", "kms", "rds", "s3", "secretsmanager"];

/// Checks the settings that depend on the service of the destination.
fn check_destination(target: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    let queue = format!("{path}.dead_letter_config.arn");
    if let Some(arn) = target.text("dead_letter_config.arn") {
        if arn.split(':').nth(2) != Some("sqs") {
            problems.push(Problem::new(queue, format!("`{arn}` is not the ARN of an SQS queue")));
        } else if arn.ends_with(".fifo") {
            problems.push(
                Problem::new(queue, "events that cannot be delivered go to a standard queue")
                    .help("use a standard queue"),
            );
        }
    }
    let Some(arn) = target.text("arn") else { return };
    let mut parts = arn.splitn(6, ':');
    let (service, resource) = (parts.nth(2).unwrap_or_default(), parts.nth(2).unwrap_or_default());
    let at = format!("{path}.arn");
    if NO_TARGETS.contains(&service) {
        problems.push(
            Problem::new(at, format!("EventBridge does not send events to {service}"))
                .help("such as a state machine, a queue, a topic, a function or a log group"),
        );
    } else if service == "glue" && !resource.starts_with("workflow/") {
        problems.push(
            Problem::new(at, "EventBridge can start only workflows of Glue")
                .help("put the job into a workflow whose start trigger is of the type `EVENT`"),
        );
    } else if service == "sns" && resource.ends_with(".fifo") {
        problems
            .push(Problem::new(at, "EventBridge does not send to FIFO topics").help("use a standard topic"));
    } else if service == "sqs" && resource.ends_with(".fifo") && !target.may_be_set("sqs_parameters") {
        problems.push(
            Problem::new(at, "a FIFO queue needs the message group of the events")
                .help("set `sqs_parameters = { message_group_id = \"…\" }`"),
        );
    } else if service == "logs" {
        check_log(target, path, problems);
    }
}

/// A log group only accepts events with a timestamp and a message, unless it gets them whole
/// ("CloudWatch Logs permissions" in
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html>).
fn check_log(target: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    let help = "write `{\"timestamp\": <time>, \"message\": <text>}`, with `time = \"$.time\"` and `text = \"$.detail\"` in `input_paths_map`";
    let is_event = |value: &serde_json::Value| {
        value
            .as_object()
            .is_some_and(|map| map.len() == 2 && map.contains_key("timestamp") && map.contains_key("message"))
    };
    if let Some(template) = target.text("input_transformer.input_template")
        && let Some(values) = filled(template)
        && !(values.len() == 1 && values.iter().all(is_event))
    {
        problems.push(
            Problem::new(
                format!("{path}.input_transformer.input_template"),
                "a log group accepts only an object of `timestamp` and `message`",
            )
            .help(help),
        );
    }
    if let Some(input) = target.get("input")
        && let Ok(input) = input.to_json()
        && let Some(input) =
            input.as_str().map_or(Some(input.clone()), |text| serde_json::from_str(text).ok())
        && !is_event(&input)
    {
        problems.push(
            Problem::new(
                format!("{path}.input"),
                "a log group accepts only an object of `timestamp` and `message`",
            )
            .help("write `{ timestamp = \"…\", message = \"…\" }`"),
        );
    }
}

/// Parses a template with a placeholder value for each `<…>`; `None` if the result is not JSON.
fn filled(template: &str) -> Option<Vec<serde_json::Value>> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    let mut quoted = false;
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        match next {
            '"' => quoted = !quoted,
            '\\' if quoted => {
                text.push(next);
                text.extend(after.chars().next());
                rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
                continue;
            }
            // A line break inside a string would not be JSON, so a space takes its place.
            '\n' | '\r' | '\t' if quoted => {
                text.push(' ');
                rest = after;
                continue;
            }
            '<' => {
                if let Some((name, end)) = after.split_once('>')
                    && is_name(name)
                {
                    text.push_str(if quoted { "x" } else { "null" });
                    rest = end;
                    continue;
                }
            }
            _ => {}
        }
        text.push(next);
        rest = after;
    }
    let values: Result<Vec<serde_json::Value>, _> =
        serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>().collect();
    values.ok().filter(|values| !values.is_empty())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn templates_are_json_once_placeholders_are_filled_in() {
        for template in [
            "\"job <j> failed\"",
            "{\"id\": <id>, \"at\": \"<at>\", \"list\": [<a>, <b>]}",
            "<whole>",
            "\"one <a>\"\n\"two <b>\"",
            "{\"a\": \"x < y, \\\"<a>\\\"\"}",
            "\"two\nlines\"",
            "{\"event\": <aws.events.event.json>}",
        ] {
            assert!(filled(template).is_some(), "{template}");
        }
        for template in ["job <j> failed", "{\"id\": <id>", "{id: <id>}", "", "{\"a\": <a>,}"] {
            assert!(filled(template).is_none(), "{template}");
        }
    }
}
