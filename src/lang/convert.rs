//! Terraform's conversions between strings, numbers and booleans.

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::value::{Number, Value};

/// As a string: strings, numbers and booleans.
pub(super) fn to_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        _ => None,
    }
}

/// A text in Unicode's composed form (NFC), which Terraform's texts are all in: `e` and an
/// accent after it are equal to `é`.
pub(super) fn normal(text: String) -> String {
    if is_nfc(&text) { text } else { text.nfc().collect() }
}

/// As [`normal`], of all texts in a value.
pub(super) fn normalize(value: &mut Value) {
    match value {
        Value::String(text) => {
            if !is_nfc(text) {
                *text = text.nfc().collect();
            }
        }
        Value::List(items) => items.iter_mut().for_each(normalize),
        Value::Map(entries) => {
            entries.values_mut().for_each(normalize);
            if !entries.keys().all(|key| is_nfc(key)) {
                let all = std::mem::take(entries);
                *entries = all.into_iter().map(|(key, item)| (normal(key), item)).collect::<BTreeMap<_, _>>();
            }
        }
        Value::Secret(inner) => normalize(inner),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Unknown(_) => {}
    }
}

/// As a number: numbers, and strings that hold a decimal number.
pub(super) fn to_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(*number),
        Value::String(text) => parse_number(text),
        _ => None,
    }
}

/// As a boolean: booleans, and strings that spell one.
pub(super) fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(*bool),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A decimal number without white space around it: `12`, `-0.5`, `1e3`.
pub(super) fn parse_number(text: &str) -> Option<Number> {
    if let Ok(integer) = text.parse() {
        return Some(Number::Integer(integer));
    }
    // The standard parser also takes words such as `inf`.
    let spelled_in_digits =
        text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !spelled_in_digits {
        return None;
    }
    text.parse().ok().and_then(Number::from_f64)
}

/// Gives all items one type where primitives differ, as a list has in Terraform:
/// strings next to numbers or booleans make all of them strings.
pub(super) fn unify(items: &mut [Value]) {
    let mut kinds = items.iter().filter_map(primitive_kind);
    let Some(first) = kinds.next() else { return };
    if kinds.all(|kind| kind == first) {
        return;
    }
    for item in items {
        unify_one(item);
    }
}

fn unify_one(item: &mut Value) {
    match item {
        Value::Secret(inner) => unify_one(inner),
        Value::Number(number) => *item = number.to_string().into(),
        Value::Bool(bool) => *item = bool.to_string().into(),
        _ => {}
    }
}

fn primitive_kind(value: &Value) -> Option<&'static str> {
    match value {
        Value::Secret(inner) => primitive_kind(inner),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.kind_name()),
        _ => None,
    }
}

/// The order that Terraform's sets have: by type, then numbers by size, strings by bytes.
pub(super) fn order(left: &Value, right: &Value) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) => left
            .iter()
            .zip(right)
            .map(|(left, right)| order(left, right))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| left.len().cmp(&right.len())),
        (Value::Map(left), Value::Map(right)) => left
            .iter()
            .zip(right)
            .map(|((left_key, left), (right_key, right))| {
                left_key.cmp(right_key).then_with(|| order(left, right))
            })
            .find(|order| order.is_ne())
            .unwrap_or_else(|| left.len().cmp(&right.len())),
        _ => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
        Value::Unknown(_) => 6,
        Value::Secret(_) => 7,
    }
}

/// The items in the order of a set, equal ones once.
pub(super) fn to_set(mut items: Vec<Value>) -> Vec<Value> {
    unify(&mut items);
    items.sort_by(order);
    items.dedup_by(|left, right| order(left, right).is_eq());
    items
}
