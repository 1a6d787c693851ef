//! The rules of a `Choice` state of the Amazon States Language.

use std::collections::BTreeMap;

use super::walk::{Exits, Language, Walk, is_expression, is_open, is_timestamp};
use crate::kind::prelude::*;

/// The types of values that can be compared. An operator is `<type><comparison>` or
/// `<type><comparison>Path`.
const TYPES: [&str; 4] = ["String", "Numeric", "Timestamp", "Boolean"];
const COMPARISONS: [&str; 5] = ["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"];
const TESTS: [&str; 6] = ["IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"];

/// The operand of an operator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Text,
    Number,
    Time,
    Flag,
    Path,
}

/// The operand of a comparison operator; `None` if there is no such operator.
fn operand(operator: &str) -> Option<Operand> {
    if TESTS.contains(&operator) {
        return Some(Operand::Flag);
    }
    if operator == "StringMatches" {
        return Some(Operand::Text);
    }
    let (base, by_path) = match operator.strip_suffix("Path") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let (kind, comparison) = TYPES.iter().find_map(|kind| Some((*kind, base.strip_prefix(kind)?)))?;
    if !COMPARISONS.contains(&comparison) || (kind == "Boolean" && comparison != "Equals") {
        return None;
    }
    Some(match kind {
        _ if by_path => Operand::Path,
        "String" => Operand::Text,
        "Numeric" => Operand::Number,
        "Timestamp" => Operand::Time,
        _ => Operand::Flag,
    })
}

/// Checks `Choices` and `Default`, and records the states that they lead to.
pub(super) fn check_choice(
    walk: &mut Walk,
    state: &BTreeMap<String, Value>,
    language: Language,
    path: &str,
    exits: &mut Exits,
) {
    if let Some(default) = state.get("Default") {
        exits.go(walk, default, &format!("{path}.Default"));
    }
    match state.get("Choices") {
        Some(Value::List(rules)) if !rules.is_empty() => {
            for (place, rule) in rules.iter().enumerate() {
                let at = format!("{path}.Choices.{place}");
                match rule {
                    Value::Map(rule) => {
                        match rule.get("Next") {
                            Some(next) => exits.go(walk, next, &format!("{at}.Next")),
                            None => walk.problem(&at, "a choice needs a `Next`", "the state to go on to"),
                        }
                        match language {
                            Language::JsonPath => comparison(walk, rule, &at, true),
                            Language::Jsonata => condition(walk, rule, &at),
                        }
                    }
                    value if is_open(value) => exits.unknown(),
                    _ => walk.problem(&at, "a choice is a table", ""),
                }
            }
        }
        Some(value) if is_open(value) => exits.unknown(),
        _ => walk.problem(path, "a Choice state needs choices", "add `Choices = [{ …, Next = \"…\" }]`"),
    }
}

fn condition(walk: &mut Walk, rule: &BTreeMap<String, Value>, path: &str) {
    walk.only(rule, &["Assign", "Comment", "Condition", "Next", "Output"], path, "a choice with JSONata");
    match rule.get("Condition") {
        Some(Value::Bool(_)) => {}
        Some(Value::String(text)) if is_expression(text) => {}
        Some(value) if is_open(value) => {}
        _ => walk.problem(
            path,
            "a choice with JSONata needs a `Condition`",
            "such as `\"{% $states.input.n > 1 %}\"`",
        ),
    }
}

/// Checks `And`, `Or`, `Not`, or the comparison of a variable. With `top`, a `Next` is allowed.
fn comparison(walk: &mut Walk, rule: &BTreeMap<String, Value>, path: &str, top: bool) {
    let plain: &[&str] = if top { &["Next", "Comment", "Assign"] } else { &["Comment"] };
    let own: Vec<&String> = rule.keys().filter(|name| !plain.contains(&name.as_str())).collect();
    if !top && rule.contains_key("Next") {
        walk.problem(&format!("{path}.Next"), "only the outermost choice has a `Next`", "");
    }
    for name in ["And", "Or", "Not"] {
        let Some(inner) = rule.get(name) else { continue };
        let at = format!("{path}.{name}");
        if own.len() > 1 {
            walk.problem(
                path,
                format!("`{name}` must be alone in a choice"),
                "put the other tests inside it",
            );
        }
        match (name, inner) {
            (_, inner) if is_open(inner) => {}
            ("Not", Value::Map(inner)) => comparison(walk, inner, &at, false),
            ("Not", _) => walk.problem(&at, "`Not` takes one choice", ""),
            (_, Value::List(list)) if !list.is_empty() => {
                for (place, inner) in list.iter().enumerate() {
                    match inner {
                        Value::Map(inner) => comparison(walk, inner, &format!("{at}.{place}"), false),
                        inner if is_open(inner) => {}
                        _ => walk.problem(&format!("{at}.{place}"), "a choice is a table", ""),
                    }
                }
            }
            _ => walk.problem(&at, format!("`{name}` takes a list of choices"), ""),
        }
        return;
    }
    match rule.get("Variable") {
        Some(variable) => walk.json_path(variable, &format!("{path}.Variable")),
        None => walk.problem(
            path,
            "a choice needs a `Variable`, `And`, `Or` or `Not`",
            "such as `Variable = \"$.status\"`",
        ),
    }
    let operators: Vec<&String> =
        own.into_iter().filter(|name| !matches!(name.as_str(), "Variable" | "Next")).collect();
    let [operator] = operators.as_slice() else {
        walk.problem(path, "a choice has exactly one comparison", "such as `StringEquals = \"done\"`");
        return;
    };
    let at = format!("{path}.{operator}");
    let Some(kind) = operand(operator) else {
        walk.problem(
            &at,
            format!("there is no comparison `{operator}`"),
            "such as StringEquals, NumericLessThan, IsPresent",
        );
        return;
    };
    let Some(value) = rule.get(operator.as_str()) else { return };
    match (kind, value) {
        (_, value) if is_open(value) => {}
        (Operand::Text, Value::String(_))
        | (Operand::Number, Value::Number(_))
        | (Operand::Flag, Value::Bool(_)) => {}
        (Operand::Time, Value::String(time)) if is_timestamp(time) => {}
        (Operand::Path, value) => walk.json_path(value, &at),
        (kind, _) => {
            let what = match kind {
                Operand::Number => "a number",
                Operand::Flag => "true or false",
                Operand::Time => "a time such as `2030-01-31T02:00:00Z`",
                _ => "a text",
            };
            walk.problem(&at, format!("`{operator}` compares with {what}"), "");
        }
    }
}
