//! Terraform's conversions between strings, numbers and booleans.

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization, is_nfc};

pub(super) use crate::value::order;
use crate::value::{Number, Value};

/// Converts strings, numbers and booleans to a string.
pub fn to_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        _ => None,
    }
}

/// Converts a text to Unicode's composed form (NFC), which all texts of Terraform have: `e` followed
/// by a combining accent equals `é`.
pub(super) fn normal(text: String) -> String {
    if is_nfc(&text) { text } else { text.nfc().collect() }
}

/// As [`normal`], for all texts in a value.
pub(super) fn normalize(value: &mut Value) {
    match value {
        Value::String(text) => {
            if !is_nfc(text) {
                *text = text.nfc().collect();
            }
        }
        Value::List(items) => items.iter_mut().for_each(normalize),
        Value::Set(items) => {
            items.iter_mut().for_each(normalize);
            *value = Value::set(std::mem::take(items));
        }
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

/// Converts numbers, and strings with a decimal number, to a number.
pub fn to_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => Number::parse(text),
        _ => None,
    }
}

/// Converts booleans, and strings that spell one, to a boolean.
pub fn to_bool(value: &Value) -> Option<bool> {
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
