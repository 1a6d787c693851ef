//! Checks patterns that match messages: EventBridge's event patterns
//! (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>)
//! and SNS's filter policies
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>).

use super::{Problem, nearest};
use crate::value::Value;

/// Operators of a content filter.
const OPERATORS: [&str; 8] =
    ["prefix", "suffix", "anything-but", "numeric", "exists", "cidr", "equals-ignore-case", "wildcard"];

const COMPARISONS: [&str; 5] = ["<", "<=", "=", ">", ">="];

/// Operators that `anything-but` takes in place of values.
const ANYTHING_BUT: [&str; 4] = ["prefix", "suffix", "equals-ignore-case", "wildcard"];

/// Checks the pattern at `path`: a table whose leaves are lists of values and filters, as
/// EventBridge and SNS take it.
pub fn check_pattern(pattern: &Value, path: &str, problems: &mut Vec<Problem>) {
    match pattern {
        Value::Map(map) if map.is_empty() => {
            problems.push(
                Problem::new(path, "an empty pattern matches nothing AWS accepts")
                    .help("name at least one field, such as `source`"),
            );
        }
        Value::Map(_) => check_fields(pattern, path, problems),
        Value::Unknown(_) | Value::Secret(_) | Value::Null => {}
        _ => problems.push(Problem::new(path, "a pattern is a table of fields")),
    }
}

fn check_fields(pattern: &Value, path: &str, problems: &mut Vec<Problem>) {
    let Value::Map(fields) = pattern else { return };
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        match value {
            // `$or` is a list of patterns.
            Value::List(list) if name == "$or" => {
                for (place, one) in list.iter().enumerate() {
                    match one {
                        Value::Map(_) => check_fields(one, &format!("{path}.{place}"), problems),
                        Value::Unknown(_) => {}
                        _ => problems
                            .push(Problem::new(format!("{path}.{place}"), "`$or` takes tables of fields")),
                    }
                }
            }
            Value::List(list) if list.is_empty() => {
                problems.push(
                    Problem::new(path, "an empty list matches nothing")
                        .help("list the values that match, or drop the field"),
                );
            }
            Value::List(list) => {
                for (place, one) in list.iter().enumerate() {
                    check_filter(one, &format!("{path}.{place}"), problems);
                }
            }
            Value::Map(map) if map.is_empty() => {
                problems.push(Problem::new(path, "an empty table matches nothing AWS accepts"));
            }
            Value::Map(_) => check_fields(value, &path, problems),
            Value::Unknown(_) | Value::Secret(_) => {}
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Set(_) => {
                problems.push(
                    Problem::new(path, format!("the values of `{name}` are a list"))
                        .help(format!("write `{name} = [{value:?}]`")),
                );
            }
        }
    }
}

/// Checks one element of a leaf: a value, or a filter such as `{ prefix = "a" }`.
fn check_filter(filter: &Value, path: &str, problems: &mut Vec<Problem>) {
    let Value::Map(filter) = filter else {
        if matches!(filter, Value::List(_)) {
            problems.push(Problem::new(path, "a list of values cannot contain lists"));
        }
        return;
    };
    let mut operators = filter.iter();
    let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
        problems.push(
            Problem::new(path, "a filter has exactly one operator")
                .help("give each filter a table of its own"),
        );
        return;
    };
    let path = format!("{path}.{operator}");
    if !OPERATORS.contains(&operator.as_str()) {
        let help = match nearest(operator, OPERATORS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", OPERATORS.join(", ")),
        };
        problems.push(Problem::new(path, format!("no operator `{operator}`")).help(help));
        return;
    }
    if matches!(operand, Value::Unknown(_) | Value::Secret(_)) {
        return;
    }
    let fault = match operator.as_str() {
        "exists" if !matches!(operand, Value::Bool(_)) => Some("`exists` takes true or false"),
        "cidr" if !operand.as_str().is_some_and(is_range) => {
            Some("`cidr` takes a range such as `10.0.0.0/24`")
        }
        "anything-but" if !excludes(operand) => {
            Some("`anything-but` takes values, or a table such as `{ prefix = \"a\" }`")
        }
        "wildcard" | "equals-ignore-case" if !matches!(operand, Value::String(_)) => {
            Some("the operator takes a string")
        }
        "prefix" | "suffix" if !matches!(operand, Value::String(_) | Value::Map(_)) => {
            Some("the operator takes a string")
        }
        "numeric" if !is_comparison(operand) => {
            Some("`numeric` takes comparisons such as `[\">\", 0, \"<=\", 5]`")
        }
        _ => None,
    };
    if let Some(fault) = fault {
        problems.push(Problem::new(path, fault));
    }
}

/// Returns whether `anything-but` takes the operand: a value, a list of values, or one operator.
fn excludes(operand: &Value) -> bool {
    match operand {
        Value::Map(map) => map.len() == 1 && map.keys().all(|name| ANYTHING_BUT.contains(&name.as_str())),
        Value::List(list) => {
            !list.is_empty() && !list.iter().any(|one| matches!(one, Value::Map(_) | Value::List(_)))
        }
        _ => true,
    }
}

/// Returns whether a text is an IP address range.
fn is_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let most = match address.parse() {
            Ok(std::net::IpAddr::V4(_)) => 32,
            Ok(std::net::IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

/// Returns whether the operand is `["=", 5]`, a bound, or a lower and an upper bound.
fn is_comparison(operand: &Value) -> bool {
    let Value::List(list) = operand else { return false };
    if list.iter().any(|one| matches!(one, Value::Unknown(_))) {
        return matches!(list.len(), 2 | 4);
    }
    let pairs: Option<Vec<(&str, f64)>> = list
        .chunks(2)
        .map(|pair| match pair {
            [comparison, Value::Number(number)] => {
                Some((comparison.as_str().filter(|one| COMPARISONS.contains(one))?, number.as_f64()))
            }
            _ => None,
        })
        .collect();
    match pairs.as_deref() {
        Some([_]) => true,
        Some([(from, low), (to, high)]) => from.starts_with('>') && to.starts_with('<') && low < high,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::check_pattern;
    use crate::value::Value;
    use serde_json::json;

    fn paths(pattern: serde_json::Value) -> Vec<String> {
        let mut problems = Vec::new();
        check_pattern(&Value::from_json(&pattern), "event_pattern", &mut problems);
        problems.into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn documented_patterns_pass() {
        for pattern in [
            json!({ "source": ["aws.glue"], "detail-type": ["Glue Job State Change"],
                    "detail": { "state": ["FAILED", "TIMEOUT"], "jobName": [{ "prefix": "load-" }] } }),
            json!({ "detail": { "c": [{ "numeric": [">", 0, "<=", 5] }], "d": [{ "anything-but": ["x"] }],
                    "e": [{ "exists": false }], "f": [null, "", 1, true],
                    "g": [{ "prefix": { "equals-ignore-case": "a" } }],
                    "h": [{ "anything-but": { "wildcard": "a*" } }], "i": [{ "cidr": "10.0.0.0/24" }] } }),
            json!({ "detail": { "$or": [{ "a": [1] }, { "b": [{ "suffix": ".csv" }] }] } }),
        ] {
            assert_eq!(paths(pattern.clone()), [""; 0], "{pattern}");
        }
    }

    #[test]
    fn errors_name_their_place() {
        for (pattern, path) in [
            (json!([]), "event_pattern"),
            (json!({}), "event_pattern"),
            (json!({ "source": "aws.glue" }), "event_pattern.source"),
            (json!({ "source": [] }), "event_pattern.source"),
            (json!({ "detail": { "a": [{ "perfix": "x" }] } }), "event_pattern.detail.a.0.perfix"),
            (json!({ "detail": { "a": [{ "prefix": "x", "suffix": "y" }] } }), "event_pattern.detail.a.0"),
            (json!({ "detail": { "a": [{ "numeric": ["=>", 1] }] } }), "event_pattern.detail.a.0.numeric"),
            (json!({ "detail": { "a": [["x"]] } }), "event_pattern.detail.a.0"),
            (
                json!({ "detail": { "a": [{ "numeric": [">", 5, "<", 1] }] } }),
                "event_pattern.detail.a.0.numeric",
            ),
            (
                json!({ "detail": { "a": [{ "numeric": ["<", 5, ">", 9] }] } }),
                "event_pattern.detail.a.0.numeric",
            ),
            (json!({ "detail": { "a": [{ "cidr": "10.0.0/24" }] } }), "event_pattern.detail.a.0.cidr"),
            (
                json!({ "detail": { "a": [{ "anything-but": { "exists": true } }] } }),
                "event_pattern.detail.a.0.anything-but",
            ),
            (json!({ "detail": { "$or": ["x"] } }), "event_pattern.detail.$or.0"),
        ] {
            assert_eq!(paths(pattern.clone()), [path], "{pattern}");
        }
    }
}
