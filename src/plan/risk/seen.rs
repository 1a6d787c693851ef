//! Values, whether secret or not.

use crate::value::Value;

/// Returns the value inside a secret.
pub(super) fn seen(value: &Value) -> &Value {
    match value {
        Value::Secret(inner) => inner,
        other => other,
    }
}

/// Returns whether a value is not known yet: unknown, or a reference in its place.
pub(super) fn is_open(value: &Value) -> bool {
    match seen(value) {
        Value::Unknown(_) => true,
        Value::String(text) => text.contains("${"),
        _ => false,
    }
}

/// A number, which some AWS documents hold as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match seen(value) {
        Value::Number(number) => Some(number.as_f64()),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}
