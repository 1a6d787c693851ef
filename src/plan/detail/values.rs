//! Values as text, and their parts.

use crate::diag::{visible, visible_json};
use crate::schema::PathStep;
use crate::value::Value;

/// Returns the part of a value at a place.
pub(in crate::plan) fn at<'v>(value: &'v Value, place: &[PathStep]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, step| match step {
        PathStep::Name(name) => value.get(name),
        PathStep::Index(index) => value.as_list()?.get(*index),
    })
}

/// A value on one line; secrets and unknown values are named as such.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        // JSON escapes control characters, so a value cannot move the cursor.
        Value::String(text) => visible_json(serde_json::Value::String(text.clone()).to_string()),
        Value::List(list) | Value::Set(list) => {
            format!("[{}]", list.iter().map(value_text).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => format!(
            "{{ {} }}",
            map.iter()
                .map(|(name, value)| format!("{name} = {}", value_text(value)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Value::Unknown(unknown) => format!("({unknown})"),
        Value::Secret(_) => "(secret)".to_owned(),
    }
}

/// The same without quotes.
pub(super) fn list_text(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text).into_owned(),
        Value::List(list) => list.iter().map(list_text).collect::<Vec<_>>().join(", "),
        other => value_text(other),
    }
}

/// The elements of lists before and after, if all are tables.
pub(super) fn tables<'v>(
    before: impl Iterator<Item = &'v Value>,
    after: impl Iterator<Item = &'v Value>,
) -> Option<(Vec<&'v Value>, Vec<&'v Value>)> {
    let each = |value: &'v Value| match value {
        Value::List(list) => list.iter().collect(),
        one => vec![one],
    };
    let gone: Vec<&Value> = before.flat_map(each).collect();
    let come: Vec<&Value> = after.flat_map(each).collect();
    gone.iter().chain(&come).all(|one| one.as_map().is_some()).then_some((gone, come))
}
