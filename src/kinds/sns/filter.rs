//! Checks filter policies of subscriptions
//! (<https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>).

use std::collections::BTreeMap;

use crate::kind::prelude::*;

/// Maximum number of attribute or property names in a policy.
const MAX_KEYS: usize = 5;

/// Maximum number of combinations of values.
const MAX_COMBINATIONS: usize = 150;

/// SNS compares numbers from the negative of this to this.
const LARGEST: f64 = 1e9;

/// Checks the `filter_policy` of a subscription.
pub(super) fn check_filter_policy(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let Some(policy) = spec.get("filter_policy") else { return };
    let by_attributes = spec.text("filter_policy_scope").is_none_or(|scope| scope == "MessageAttributes");
    problems.extend(in_document(policy, "filter_policy", |policy| check(policy, by_attributes)));
}

fn check(policy: &Value, by_attributes: bool) -> Vec<Problem> {
    let path = "filter_policy";
    let mut problems = Vec::new();
    let fields = match policy {
        // An empty policy removes the filter.
        Value::Map(fields) if fields.is_empty() => return problems,
        Value::Map(fields) => fields,
        Value::Unknown(_) | Value::Secret(_) => return problems,
        _ => return vec![Problem::new(path, "a filter policy is a table")],
    };
    if by_attributes {
        for (name, _) in fields.iter().filter(|(_, values)| matches!(values, Value::Map(_))) {
            problems.push(
                Problem::new(format!("{path}.{name}"), "attributes of a message have no members")
                    .help("give a list of values, or set `filter_policy_scope = \"MessageBody\"`"),
            );
        }
    }
    check_pattern(policy, path, &mut problems);
    if policy.contains_unknown() || policy.contains_secret() || !problems.is_empty() {
        return problems;
    }
    check_numbers(policy, path, &mut problems);
    let mut leaves = Vec::new();
    collect(fields, 1, &mut leaves);
    if leaves.len() > MAX_KEYS {
        let what = if by_attributes { "attributes" } else { "properties" };
        problems.push(
            Problem::new(
                path,
                format!("a filter policy looks at {MAX_KEYS} {what} at most, this one at {}", leaves.len()),
            )
            .help("filter by fewer, or use two subscriptions"),
        );
        return problems;
    }
    // A value in the message body counts once per level of its depth.
    let combinations = leaves.iter().fold(1_usize, |all, (values, depth)| {
        all.saturating_mul(values * if by_attributes { 1 } else { *depth })
    });
    if combinations > MAX_COMBINATIONS {
        problems.push(
            Problem::new(path, format!("the filter policy has {combinations} combinations of values, but SNS allows {MAX_COMBINATIONS}"))
                .help("the number of values of each key, times its depth in a message body, times those of the others"),
        );
    }
    problems
}

/// Collects the number of values of each key, with its depth. AWS does not document how the alternatives of
/// `$or` count, so they do not.
fn collect(fields: &BTreeMap<String, Value>, depth: usize, leaves: &mut Vec<(usize, usize)>) {
    for (name, value) in fields {
        match value {
            Value::List(_) if name == "$or" => {}
            Value::List(list) => leaves.push((list.len().max(1), depth)),
            Value::Map(inner) => collect(inner, depth + 1, leaves),
            _ => {}
        }
    }
}

fn check_numbers(value: &Value, path: &str, problems: &mut Vec<Problem>) {
    match value {
        Value::Number(number) if number.as_f64().abs() > LARGEST => {
            problems.push(Problem::new(path, "SNS compares numbers from -1000000000 to 1000000000"));
        }
        Value::List(list) => {
            for (place, one) in list.iter().enumerate() {
                check_numbers(one, &format!("{path}.{place}"), problems);
            }
        }
        Value::Map(map) => {
            for (name, one) in map {
                check_numbers(one, &format!("{path}.{name}"), problems);
            }
        }
        _ => {}
    }
}
