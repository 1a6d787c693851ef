//! The order of values, by which the items of a set are sorted.

use std::cmp::Ordering;

use super::Value;

impl Value {
    /// A set of these items, which must have one type.
    pub fn set(items: Vec<Value>) -> Self {
        Self::Set(in_order(items))
    }
}

/// Orders values by their whole content, so that equal values become neighbours.
pub(crate) fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => left.order(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::List(left), Value::List(right)) | (Value::Set(left), Value::Set(right)) => left
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
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::List(_) => 4,
        Value::Set(_) => 5,
        Value::Map(_) => 6,
        // Last, as in a set.
        Value::Null => 7,
        Value::Unknown(_) => 8,
        Value::Secret(_) => 9,
    }
}

/// Sorts items of one type like Terraform's sets, and drops duplicates. Numbers are ordered by size,
/// texts by bytes, and collections by a text that is built from them
/// (`makeSetHashBytes` in <https://github.com/zclconf/go-cty/blob/main/cty/set_internals.go>).
pub(crate) fn in_order(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by(order);
    items.dedup_by(|left, right| order(left, right).is_eq());
    if items.iter().any(|item| matches!(item, Value::List(_) | Value::Set(_) | Value::Map(_))) {
        // Objects of one set have the same names; otherwise the items are maps.
        let mut maps = items.iter().filter_map(Value::as_map);
        let first = maps.next();
        let objects = first.is_some_and(|first| maps.all(|map| map.keys().eq(first.keys())));
        items.sort_by_cached_key(|item| {
            let mut text = String::new();
            spell(item, objects, &mut text);
            (item.is_null(), text)
        });
    }
    items
}

fn spell(value: &Value, object: bool, text: &mut String) {
    match value {
        Value::Null => text.push('~'),
        Value::Unknown(_) => text.push('?'),
        Value::Number(number) => {
            if number.is_negative() {
                text.push('-');
            }
            text.push_str(&number.text('g', Some(10)));
        }
        Value::Bool(bool) => text.push(if *bool { 'T' } else { 'F' }),
        Value::String(string) => {
            text.push('"');
            for character in string.chars() {
                if matches!(character, '"' | '\\') {
                    text.push('\\');
                }
                text.push(character);
            }
            text.push('"');
        }
        Value::List(items) | Value::Set(items) => {
            text.push('<');
            for item in items {
                spell(item, true, text);
                text.push(';');
            }
            text.push('>');
        }
        Value::Map(entries) => {
            text.push(if object { '<' } else { '{' });
            for (key, item) in entries {
                if !object {
                    spell(&key.as_str().into(), true, text);
                    text.push(':');
                }
                spell(item, true, text);
                text.push(';');
            }
            text.push(if object { '>' } else { '}' });
        }
        Value::Secret(inner) => spell(inner, object, text),
    }
}
