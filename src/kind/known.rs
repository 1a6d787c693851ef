//! A spec as a kind sees it: before apply with unknown parts, afterwards as its type.

use crate::aws::{Class, Error, Result};
use crate::value::{Number, Value};

/// A spec whose parts may be unknown. A kind sees this before apply.
#[derive(Clone, Copy)]
pub struct Known<'a>(pub &'a Value);

impl<'a> Known<'a> {
    /// The value at a dotted path such as `command.name`; a number selects a list element.
    /// `None` if it is absent, null or unknown. A path does not lead into a secret, but the value
    /// itself may be one.
    pub fn get(&self, path: &str) -> Option<&'a Value> {
        let mut value = self.0;
        for step in path.split('.') {
            value = match value {
                Value::Map(map) => map.get(step)?,
                Value::List(list) => list.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        (!matches!(value, Value::Null | Value::Unknown(_))).then_some(value)
    }

    /// The string at a path, if it is known and no secret.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        match self.get(path)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer at a path, if it is known.
    pub fn integer(&self, path: &str) -> Option<i64> {
        match self.get(path)? {
            Value::Number(Number::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// The bool at a path, if it is known.
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.get(path)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The elements of the list at a path; empty if it is absent or unknown.
    pub fn list(&self, path: &str) -> &'a [Value] {
        match self.get(path) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// Returns whether the user certainly set the path, to a known value or not. False if the path
    /// leads through an unknown table; see [`Known::may_be_set`].
    pub fn is_set(&self, path: &str) -> bool {
        self.written(path) == Some(true)
    }

    /// Returns whether the user may have set the path. A rule that requires an attribute asks this,
    /// so that it stays silent if the answer is not known.
    pub fn may_be_set(&self, path: &str) -> bool {
        self.written(path) != Some(false)
    }

    /// Returns whether the path is set; `None` if that is not known.
    fn written(&self, path: &str) -> Option<bool> {
        let mut value = self.0;
        for step in path.split('.') {
            let next = match value {
                Value::Map(map) => map.get(step),
                Value::List(list) => step.parse::<usize>().ok().and_then(|index| list.get(index)),
                Value::Unknown(_) => return None,
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => return Some(false),
            }
        }
        Some(!matches!(value, Value::Null))
    }
}

/// Returns whether an attribute is absent, null or an empty text.
pub fn is_unset(spec: &Value, name: &str) -> bool {
    spec.get(name).is_none_or(|value| *value == Value::Null || value.as_str() == Some(""))
}

/// Sets an attribute that [is unset](is_unset), for [`Kind::derive`](super::Kind::derive).
pub fn fill_in(spec: &mut Value, name: &str, value: impl Into<Value>) {
    if is_unset(spec, name)
        && let Value::Map(fields) = spec
    {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Converts a complete value to its type. Secrets are revealed only here; afterwards they are kept in
/// [`Secret`](super::Secret).
pub(super) fn typed<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    let json = value.clone().reveal().to_json().map_err(|_| {
        Error::finding(Class::Other, "a part of the specification is still unknown; this is a bug in dwctl")
    })?;
    serde_json::from_value(json).map_err(|error| {
        Error::finding(Class::Invalid, format!("the specification does not have the kind's shape: {error}"))
    })
}
