//! The objects that a bucket's rule applies to.

use std::fmt;

use super::seen::{is_open, number, seen};
use crate::plan::detail::value_text;
use crate::value::Value;

/// The conditions of a rule; without conditions, it applies to all objects.
#[derive(Clone)]
pub(super) struct Filter<'v> {
    value: Option<&'v Value>,
}

impl<'v> Filter<'v> {
    pub(super) fn of(value: Option<&'v Value>) -> Self {
        Self { value: value.filter(|value| !value.is_null()) }
    }

    fn member(&self, name: &str) -> Option<&'v Value> {
        let value = self.value?;
        match seen(value) {
            open if is_open(open) => Some(value),
            inner => inner.get(name).filter(|one| !one.is_null()),
        }
    }

    /// Returns whether the filter certainly matches all objects of the other.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let prefix = match (self.member("prefix"), other.member("prefix")) {
            (None, _) => true,
            (Some(own), _) if seen(own).as_str() == Some("") => true,
            (Some(own), Some(theirs)) => match (seen(own).as_str(), seen(theirs).as_str()) {
                (Some(own), Some(theirs)) => theirs.starts_with(own),
                _ => false,
            },
            (Some(_), None) => false,
        };
        let tags = match (self.member("tags").map(seen), other.member("tags").map(seen)) {
            (None, _) => true,
            (Some(Value::Map(own)), Some(Value::Map(theirs))) => own.iter().all(|(key, value)| {
                theirs.get(key).is_some_and(|theirs| !is_open(theirs) && seen(theirs) == seen(value))
            }),
            (Some(Value::Map(own)), _) => own.is_empty(),
            _ => false,
        };
        let bound = |name: &str, is_wider: fn(f64, f64) -> bool| match (self.member(name), other.member(name))
        {
            (None, _) => true,
            (Some(own), Some(theirs)) => {
                number(own).zip(number(theirs)).is_some_and(|(own, theirs)| is_wider(own, theirs))
            }
            (Some(_), None) => false,
        };
        prefix
            && tags
            && bound("object_size_greater_than", |own, theirs| own <= theirs)
            && bound("object_size_less_than", |own, theirs| own >= theirs)
    }

    /// Describes the filter: ` under "raw/" with the tag a = b`; empty for all objects.
    pub(super) fn words(&self) -> String {
        let mut words = String::new();
        if self.value.is_some_and(is_open) {
            return " of a filter that is not known yet".to_owned();
        }
        if let Some(prefix) = self.member("prefix").filter(|prefix| seen(prefix).as_str() != Some("")) {
            let prefix = if is_open(prefix) { "?".to_owned() } else { value_text(prefix) };
            words.push_str(&format!(" under {prefix}"));
        }
        if let Some(tags) = self.member("tags").map(seen) {
            let tags: Vec<String> = match tags {
                Value::Map(tags) => {
                    tags.iter().map(|(key, value)| format!("{key} = {}", Text(value))).collect()
                }
                other => vec![value_text(other)],
            };
            if !tags.is_empty() {
                words.push_str(&format!(" with {}", tags.join(" and ")));
            }
        }
        for (name, than) in
            [("object_size_greater_than", "larger than"), ("object_size_less_than", "smaller than")]
        {
            if let Some(size) = self.member(name) {
                words.push_str(&format!(" {than} {} bytes", Text(size)));
            }
        }
        words
    }
}

/// A value within a sentence: texts without quotes, secrets masked.
pub(super) struct Text<'v>(pub(super) &'v Value);

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if is_open(value) => formatter.write_str("?"),
            Value::String(text) => formatter.write_str(text),
            other => formatter.write_str(&value_text(other)),
        }
    }
}
