//! Brings a spec into canonical form, in which equal settings are equal values.

use std::collections::BTreeMap;

use super::pattern::matches;
use super::{Document, Node, Shape};
use crate::kind::{canonical_json, canonical_pattern, canonical_policy};
use crate::value::{Number, Value};

/// Brings a spec, desired or live, into canonical form: fills in defaults, drops nulls and empty
/// optional collections, sorts sets, and makes documents canonical. A scalar is converted to the
/// type of its field if nothing is lost (`"5"` for a number, `5` for a string). Fields that the
/// schema calls secret become secret at any depth. Unknown and secret parts are kept.
pub fn normalize(node: &Node, value: Value) -> Value {
    complete(node, value, true)
}

/// As [`normalize`], but keeps lists in the order of the file and documents as they are, so that a
/// path leads to its place in the file. Fills in defaults and converts scalars.
pub fn as_written(node: &Node, value: Value) -> Value {
    complete(node, value, false)
}

/// Reorders lists with keyed elements of a canonical value to the order of the file, which is that
/// of `written`.
pub fn in_order(node: &Node, value: Value, written: &Value) -> Value {
    let written = match written {
        Value::Secret(inner) => inner.as_ref(),
        written => written,
    };
    match (&node.shape, value, written) {
        (_, Value::Secret(inner), written) => in_order(node, *inner, written).into_secret(),
        (Shape::Object { fields, .. }, Value::Map(map), Value::Map(written)) => {
            let arranged = map.into_iter().map(|(name, value)| {
                let value = match (fields.get(&name), written.get(&name)) {
                    (Some(field), Some(written)) => in_order(field, value, written),
                    _ => value,
                };
                (name, value)
            });
            Value::Map(arranged.collect())
        }
        (Shape::List { element, .. }, Value::List(list), Value::List(written)) => {
            let Some(key) = node.key.as_deref() else { return Value::List(list) };
            let place = |value: &Value| {
                let named = value.get(key);
                named.and_then(|_| written.iter().position(|one| one.get(key) == named))
            };
            let mut placed: Vec<(usize, Value)> = list
                .into_iter()
                .map(|value| match place(&value) {
                    Some(at) => (at, in_order(element, value, &written[at])),
                    None => (usize::MAX, value),
                })
                .collect();
            placed.sort_by_key(|(at, _)| *at);
            Value::List(placed.into_iter().map(|(_, value)| value).collect())
        }
        (_, value, _) => value,
    }
}

/// Drops what a live resource does not have: nulls, and empty lists and maps where none need be written.
/// Documents are left as they are.
pub fn without_absent(node: &Node, value: Value) -> Value {
    match (&node.shape, value) {
        (Shape::Object { fields, required }, Value::Map(map)) => {
            let is_there = |name: &String, value: &Value| match (value, fields.get(name)) {
                (Value::Null, _) => false,
                (Value::List(list), Some(Node { shape: Shape::List { .. }, .. })) => {
                    !list.is_empty() || required.contains(name)
                }
                (Value::Map(map), Some(Node { shape: Shape::Map(_), .. })) => {
                    !map.is_empty() || required.contains(name)
                }
                _ => true,
            };
            let there = map.into_iter().filter(|(name, value)| is_there(name, value));
            Value::Map(
                there
                    .map(|(name, value)| match fields.get(&name) {
                        Some(field) => (name, without_absent(field, value)),
                        None => (name, value),
                    })
                    .collect(),
            )
        }
        (Shape::List { element, .. }, Value::List(list)) => {
            Value::List(list.into_iter().map(|value| without_absent(element, value)).collect())
        }
        (Shape::Map(element), Value::Map(map)) => {
            Value::Map(map.into_iter().map(|(name, value)| (name, without_absent(element, value))).collect())
        }
        (_, value) => value,
    }
}

fn complete(node: &Node, value: Value, canonical: bool) -> Value {
    match value {
        Value::Unknown(_) => value,
        Value::Secret(inner) => complete(node, *inner, canonical).into_secret(),
        value => known(node, value, canonical),
    }
}

fn known(node: &Node, value: Value, canonical: bool) -> Value {
    let normalize = |node: &Node, value: Value| complete(node, value, canonical);
    match (&node.shape, value) {
        (Shape::Object { fields, required }, Value::Map(mut map)) => {
            let mut normal = BTreeMap::new();
            for (name, field) in fields {
                let value = match map.remove(name) {
                    None | Some(Value::Null) => field.default.clone().unwrap_or(Value::Null),
                    Some(value) => value,
                };
                let value = normalize(field, value);
                // An empty list or table has a meaning if an absent one leaves the choice to AWS.
                let is_meaningful = required.contains(name)
                    || (field.marks.aws_default && !matches!(value, Value::String(_)));
                if canonical && is_as_absent(field, &value) {
                    continue;
                }
                if !is_absent(field, &value) || (is_meaningful && !matches!(value, Value::Null)) {
                    normal.insert(name.clone(), value);
                }
            }
            if canonical {
                for (name, field) in fields {
                    reset_without_effect(&mut normal, fields, name, field);
                }
            }
            // Unknown fields are kept: validation reports them.
            normal.extend(map);
            Value::Map(normal)
        }
        (Shape::Map(element), Value::Map(map)) => Value::Map(
            map.into_iter()
                .map(|(name, value)| (name, normalize(element, value)))
                .filter(|(_, value)| !matches!(value, Value::Null))
                .collect(),
        ),
        (Shape::List { element, .. }, Value::List(list)) => {
            let mut list: Vec<Value> = list.into_iter().map(|value| normalize(element, value)).collect();
            if canonical && (node.marks.set || node.key.is_some()) {
                list.sort_by_cached_key(|value| sort_key(node.key.as_deref(), value));
            }
            if canonical && node.marks.set {
                list.dedup();
            }
            Value::List(list)
        }
        (Shape::Policy | Shape::Json, value) if !canonical => value,
        (Shape::Policy, value) => document(value, canonical_policy),
        (Shape::Json, value) if node.document == Some(Document::Pattern) => {
            document(value, canonical_pattern)
        }
        (Shape::Json, value) => document(value, canonical_json),
        (Shape::Number { .. }, Value::String(text)) => match Number::parse(text.trim()) {
            Some(number) => Value::Number(number.as_double()),
            None => Value::String(text),
        },
        (Shape::Number { .. }, Value::Number(number)) => Value::Number(number.as_double()),
        (Shape::Bool, Value::String(text)) if text == "true" => Value::Bool(true),
        (Shape::Bool, Value::String(text)) if text == "false" => Value::Bool(false),
        (Shape::String { .. }, Value::Number(number)) => Value::String(number.to_string()),
        (Shape::String { .. }, Value::Bool(flag)) => Value::String(flag.to_string()),
        (Shape::Secret, Value::Number(number)) => Value::String(number.to_string()).sensitive(),
        (Shape::Secret, value @ Value::Null) => value,
        // Validation refuses another type, but the value is secret nevertheless.
        (Shape::Secret, value) => value.sensitive(),
        (_, value) => value,
    }
}

/// Returns whether an optional field with this value counts as not written. AWS has no empty text
/// where a text is optional, unless the schema says what an empty one means.
fn is_absent(field: &Node, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(list) => list.is_empty(),
        Value::Map(map) if map.is_empty() => true,
        Value::Map(_) => {
            field.marks.default_is_absent && *value == complete(field, Value::Map(BTreeMap::new()), true)
        }
        Value::String(text) => text.is_empty() && field.default.is_none() && may_be_empty(&field.shape),
        _ => false,
    }
}

/// Returns whether AWS treats a value like an absent one; see [`Node::absent`].
fn is_as_absent(field: &Node, value: &Value) -> bool {
    let Some(absent) = &field.absent else { return false };
    match (value, absent) {
        (Value::Secret(inner), _) => is_as_absent(field, inner),
        (Value::String(text), Value::String(name)) => {
            text == name || field.spelling.as_ref().is_some_and(|spelling| spelling.is_named(text, name))
        }
        (value, absent) => *value == complete(field, absent.clone(), true),
    }
}

/// Returns whether a field of a table has no effect; see [`Node::no_effect_if`].
pub(super) fn has_no_effect(
    field: &Node,
    table: &BTreeMap<String, Value>,
    fields: &BTreeMap<String, Node>,
) -> bool {
    let Some((other, value)) = &field.no_effect_if else { return false };
    let beside = table.get(other).or_else(|| fields.get(other)?.default.as_ref());
    beside.is_some_and(|beside| beside.as_str() == Some(value))
}

/// Resets a field without effect to its default.
fn reset_without_effect(
    table: &mut BTreeMap<String, Value>,
    fields: &BTreeMap<String, Node>,
    name: &str,
    field: &Node,
) {
    if !has_no_effect(field, table, fields) {
        return;
    }
    match &field.default {
        Some(default) => drop(table.insert(name.to_owned(), default.clone())),
        None => drop(table.remove(name)),
    }
}

/// Returns whether a text may be empty. If it may not, validation reports it.
fn may_be_empty(shape: &Shape) -> bool {
    match shape {
        Shape::String { options, pattern, min_length, .. } => {
            options.is_empty()
                && min_length.is_none_or(|least| least == 0)
                && pattern.as_deref().is_none_or(|pattern| matches(pattern, ""))
        }
        _ => false,
    }
}

/// Parses a document from JSON text or a table. With an unknown or secret part it stays a tree, so
/// that one unknown leaf does not hide the rest.
fn document(value: Value, canonical: fn(serde_json::Value) -> serde_json::Value) -> Value {
    let value = match value {
        Value::String(text) => match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json) => Value::from_json(&json),
            Err(_) => return Value::String(text),
        },
        other => other,
    };
    // Unknown and secret leaves are carried through the canonical form as placeholders.
    let mut held = Vec::new();
    let json = hold(&value, &mut held);
    release(&canonical(json), &held)
}

/// A text that occurs in no document, to be followed by the number of the held leaf. The canonical
/// form sorts by it; the order is stable, because the leaves are numbered in order.
const PLACEHOLDER: &str = "\u{10FFFD}dwctl:";

fn hold(value: &Value, held: &mut Vec<Value>) -> serde_json::Value {
    match value {
        Value::Unknown(_) | Value::Secret(_) => {
            let number = held.iter().position(|one| one == value).unwrap_or_else(|| {
                held.push(value.clone());
                held.len() - 1
            });
            serde_json::Value::String(format!("{PLACEHOLDER}{number:06}"))
        }
        Value::List(list) => serde_json::Value::Array(list.iter().map(|value| hold(value, held)).collect()),
        Value::Map(map) => serde_json::Value::Object(
            map.iter().map(|(name, value)| (name.clone(), hold(value, held))).collect(),
        ),
        leaf => leaf.to_json().unwrap_or(serde_json::Value::Null),
    }
}

fn release(json: &serde_json::Value, held: &[Value]) -> Value {
    match json {
        serde_json::Value::String(text) => text
            .strip_prefix(PLACEHOLDER)
            .and_then(|number| held.get(number.parse::<usize>().ok()?))
            .cloned()
            .unwrap_or_else(|| Value::String(text.clone())),
        serde_json::Value::Array(list) => Value::List(list.iter().map(|json| release(json, held)).collect()),
        serde_json::Value::Object(map) => {
            Value::Map(map.iter().map(|(name, json)| (name.clone(), release(json, held))).collect())
        }
        leaf => Value::from_json(leaf),
    }
}

/// The sort key of a set's element: its key, else its whole text.
fn sort_key(key: Option<&str>, value: &Value) -> String {
    let subject = key.and_then(|key| value.get(key)).unwrap_or(value);
    match subject {
        Value::String(text) => text.clone(),
        other => hold(other, &mut Vec::new()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde_json::json;

    use super::{as_written, in_order, normalize, without_absent};
    use crate::schema::Schema;
    use crate::value::Value;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Rules {
        #[schemars(extend("x-dwctl-key" = "id"))]
        rules: Vec<Rule>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Rule {
        id: String,
        days: i32,
    }

    #[test]
    fn keyed_lists_are_shown_in_the_order_of_the_file() {
        let schema = Schema::of::<Rules, Rules>().spec;
        let rule = |id: &str, days: i32| json!({ "id": id, "days": days });
        let written = Value::from_json(&json!({ "rules": [rule("z", 1), rule("a", 2), rule("m", 3)] }));
        let canonical = normalize(&schema, written.clone());
        assert_ne!(canonical, written);
        assert_eq!(in_order(&schema, canonical, &written), written);
        // Elements that only AWS has come last.
        let live = Value::from_json(&json!({ "rules": [rule("b", 9), rule("m", 4), rule("z", 1)] }));
        let shown = Value::from_json(&json!({ "rules": [rule("z", 1), rule("m", 4), rule("b", 9)] }));
        assert_eq!(in_order(&schema, live, &written), shown);
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Spec {
        name: String,
        description: Option<String>,
        #[schemars(extend("x-dwctl" = ["aws-default"]))]
        version: Option<String>,
        #[schemars(length(min = 1))]
        key: Option<String>,
        #[serde(default = "path")]
        path: String,
        #[schemars(extend("x-dwctl" = ["default-is-absent"]))]
        notification: Option<Inner>,
        logging: Option<Inner>,
        #[schemars(extend("x-dwctl" = ["set"]))]
        #[serde(default)]
        set: Vec<String>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Inner {
        #[serde(default)]
        on: bool,
        prefix: Option<String>,
    }

    fn path() -> String {
        "/".to_owned()
    }

    fn normal(spec: serde_json::Value) -> Value {
        normalize(&Schema::of::<Spec, Inner>().spec, Value::from_json(&spec))
    }

    #[test]
    fn meaningless_empty_and_default_values_are_dropped() {
        let bare = normal(json!({ "name": "a" }));
        for same in [
            json!({ "name": "a", "description": "" }),
            json!({ "name": "a", "version": "" }),
            json!({ "name": "a", "path": "/" }),
            json!({ "name": "a", "notification": {} }),
            json!({ "name": "a", "notification": { "on": false, "prefix": "" } }),
            json!({ "name": "a", "logging": null, "set": [] }),
        ] {
            assert_eq!(normal(same.clone()), bare, "{same}");
        }
        for other in [
            json!({ "name": "" }),
            json!({ "name": "a", "description": " " }),
            json!({ "name": "a", "key": "" }),
            json!({ "name": "a", "path": "" }),
            json!({ "name": "a", "notification": { "on": true } }),
            json!({ "name": "a", "logging": { "on": false } }),
        ] {
            assert_ne!(normal(other.clone()), bare, "{other}");
        }
    }

    #[test]
    fn nulls_of_live_values_are_dropped_at_any_depth() {
        let schema = Schema::of::<Live, Inner>().spec;
        let live = json!({
            "needed": [], "some": [], "map": {}, "text": null, "body": { "kept": null, "list": [] },
            "inner": { "on": false, "prefix": null }, "parts": [{ "on": true, "prefix": null }],
        });
        let there = json!({
            "needed": [], "body": { "kept": null, "list": [] },
            "inner": { "on": false }, "parts": [{ "on": true }],
        });
        assert_eq!(without_absent(&schema, Value::from_json(&live)), Value::from_json(&there));
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Live {
        needed: Vec<String>,
        #[serde(default)]
        some: Vec<String>,
        #[serde(default)]
        map: BTreeMap<String, String>,
        text: Option<String>,
        body: Option<crate::kind::Json>,
        inner: Option<Inner>,
        #[serde(default)]
        parts: Vec<Inner>,
    }

    #[test]
    fn written_lists_keep_their_order() {
        let spec = Value::from_json(&json!({ "name": "a", "set": ["b", "a", "b"] }));
        let written = as_written(&Schema::of::<Spec, Inner>().spec, spec.clone());
        assert_eq!(written.get("set"), Some(&Value::from_json(&json!(["b", "a", "b"]))));
        assert_eq!(
            normal(json!({ "name": "a", "set": ["b", "a", "b"] })).get("set"),
            Some(&Value::from_json(&json!(["a", "b"])))
        );
    }
}
