//! Hides the same secrets in both versions of a value. AWS returns in the open what the stack keeps
//! secret, perhaps in another order, and also secrets that are no longer declared.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Node, Shape};
use crate::value::Value;

/// Shorter secrets appear in other texts by chance, so they are hidden only if they are the whole
/// text.
const SHORTEST_PART: usize = 4;

/// Returns two versions of a resource or of a part of it; whatever is secret in either is secret in
/// both. Parts correspond by name, and list elements by their content beside the secret.
pub(crate) fn conceal(node: Option<&Node>, before: &Value, after: &Value) -> (Value, Value) {
    let (mut before, mut after) = pair(node, before, after);
    let (old, new) = (Texts::of(&before), Texts::of(&after));
    if old.secret.is_empty() && new.secret.is_empty() {
        return (before, after);
    }
    // A secret may appear elsewhere in the other version. A text that the stack declares in plain is not
    // hidden for that reason, unless it was a secret before.
    let all: BTreeSet<&String> = old.secret.union(&new.secret).collect();
    hide(&mut before, &all, &new.open);
    let gone: BTreeSet<&String> = old.secret.difference(&new.secret).collect();
    hide(&mut after, &gone, &BTreeSet::new());
    (before, after)
}

/// The texts of a value, grouped by secrecy.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) open: BTreeSet<String>,
    pub(super) secret: BTreeSet<String>,
}

impl Texts {
    pub(super) fn of(value: &Value) -> Self {
        let mut texts = Self::default();
        texts.gather(value, false);
        texts
    }

    fn gather(&mut self, value: &Value, secret: bool) {
        match value {
            Value::Secret(inner) => self.gather(inner, true),
            Value::List(list) | Value::Set(list) => list.iter().for_each(|one| self.gather(one, secret)),
            Value::Map(map) => map.values().for_each(|one| self.gather(one, secret)),
            Value::String(_) | Value::Number(_) => {
                let texts = if secret { &mut self.secret } else { &mut self.open };
                texts.extend(text_of(value).filter(|text| !text.is_empty()));
            }
            Value::Null | Value::Bool(_) | Value::Unknown(_) => {}
        }
    }
}

/// Returns a text or number as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Hides values that equal or contain one of the secrets, unless they are known to be open.
pub(super) fn hide(value: &mut Value, secrets: &BTreeSet<&String>, open: &BTreeSet<String>) {
    match value {
        Value::List(list) => list.iter_mut().for_each(|one| hide(one, secrets, open)),
        Value::Map(map) => map.values_mut().for_each(|one| hide(one, secrets, open)),
        Value::Number(number) => {
            let text = number.to_string();
            if secrets.contains(&text) && !open.contains(&text) {
                *value = std::mem::take(value).into_secret();
            }
        }
        Value::String(text) if !open.contains(text) => {
            let part = |secret: &&&String| {
                secret.chars().take(SHORTEST_PART).count() == SHORTEST_PART && text.contains(secret.as_str())
            };
            if secrets.contains(text) || secrets.iter().any(|secret| part(&secret)) {
                *value = std::mem::take(value).into_secret();
            }
        }
        _ => {}
    }
}

fn pair(node: Option<&Node>, before: &Value, after: &Value) -> (Value, Value) {
    let hidden = |value: &Value| match value {
        Value::Null => Value::Null,
        value => value.clone().into_secret(),
    };
    let is_secret = |value: &Value| matches!(value, Value::Secret(_));
    let shape = node.map(|node| &node.shape);
    if matches!(shape, Some(Shape::Secret)) || is_secret(before) || is_secret(after) {
        return (hidden(before), hidden(after));
    }
    match (before, after) {
        (Value::Map(_) | Value::Null, Value::Map(_) | Value::Null) => maps(shape, before, after),
        (Value::List(_) | Value::Null, Value::List(_) | Value::Null) => {
            let element = match shape {
                Some(Shape::List { element, .. }) => Some(element.as_ref()),
                _ => None,
            };
            let list = |value: &Value| value.as_list().unwrap_or_default().to_vec();
            let (left, right) = lists(element, list(before), list(after));
            let side = |value: &Value, list| match value {
                Value::List(_) => Value::List(list),
                _ => Value::Null,
            };
            (side(before, left), side(after, right))
        }
        // The shapes differ, so their parts cannot be matched.
        _ if before.contains_secret() || after.contains_secret() => (hidden(before), hidden(after)),
        _ => (before.clone(), after.clone()),
    }
}

fn maps(shape: Option<&Shape>, before: &Value, after: &Value) -> (Value, Value) {
    let empty = BTreeMap::new();
    let (left, right) = (before.as_map().unwrap_or(&empty), after.as_map().unwrap_or(&empty));
    // A part under another name may have had this name before.
    let renamed = right.iter().any(|(name, value)| !left.contains_key(name) && value.contains_secret());
    let (mut one, mut other) = (BTreeMap::new(), BTreeMap::new());
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for name in names {
        let node = match shape {
            Some(Shape::Object { fields, .. }) => fields.get(name),
            Some(Shape::Map(element)) => Some(element.as_ref()),
            _ => None,
        };
        let (before, after) = (left.get(name), right.get(name));
        let free = !matches!(shape, Some(Shape::Object { .. }));
        let (hidden, shown) = match (before, after) {
            (Some(before), None) if renamed && free => (before.clone().into_secret(), Value::Null),
            _ => pair(node, before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null)),
        };
        if before.is_some() {
            one.insert(name.clone(), hidden);
        }
        if after.is_some() {
            other.insert(name.clone(), shown);
        }
    }
    let side = |value: &Value, map| if value.as_map().is_some() { Value::Map(map) } else { Value::Null };
    (side(before, one), side(after, other))
}

/// Conceals two lists. Equal elements are matched first. An element with a secret then matches
/// those that are equal beside the secret; if there are none, it may match any.
fn lists(element: Option<&Node>, before: Vec<Value>, after: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let holds = |list: &[Value]| list.iter().any(Value::contains_secret);
    if !holds(&before) && !holds(&after) {
        let alone = |list: Vec<Value>| list.iter().map(|one| pair(element, one, &Value::Null).0).collect();
        return (alone(before), alone(after));
    }
    let (mut left, mut right) = (before, after);
    let mut free_left: Vec<usize> = (0..left.len()).collect();
    let mut free_right = Vec::new();
    for (at, value) in right.iter_mut().enumerate() {
        match free_left.iter().position(|&from| same(&left[from], value)) {
            Some(place) => {
                let from = free_left.remove(place);
                (left[from], *value) = pair(element, &left[from], value);
            }
            None => free_right.push(at),
        }
    }
    let initial = (left.clone(), right.clone());
    cover(element, &mut left, &free_left, &initial.1, &free_right);
    cover(element, &mut right, &free_right, &initial.0, &free_left);
    (left, right)
}

/// Hides elements of one list that may be a secret element of the other.
fn cover(element: Option<&Node>, list: &mut [Value], free: &[usize], other: &[Value], free_other: &[usize]) {
    // If secrets are known in this list, there is no need to guess.
    let known = free.iter().any(|&at| list[at].contains_secret());
    for &place in free_other {
        let secret = &other[place];
        if !secret.contains_secret() || known {
            continue;
        }
        let fitting: Vec<usize> = free.iter().copied().filter(|&at| fits(&list[at], secret)).collect();
        for &at in if fitting.is_empty() { free } else { &fitting } {
            list[at] = pair(element, &list[at], secret).0;
        }
    }
}

/// Returns whether two values are equal, regardless of secrecy and of the order in plain lists.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Secret(one), other) => same(one, other),
        (one, Value::Secret(other)) => same(one, other),
        (Value::Map(one), Value::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|there| same(value, there)))
        }
        (Value::List(one), Value::List(other)) => {
            let is_plain = |value: &Value| text_of(&value.clone().reveal()).is_some();
            let mut rest: Vec<&Value> = other.iter().collect();
            one.len() == other.len()
                && (one.iter().zip(other).all(|(one, other)| same(one, other))
                    || one.iter().all(|value| {
                        let found = rest.iter().position(|there| same(value, there));
                        is_plain(value) && found.map(|at| rest.swap_remove(at)).is_some()
                    }))
        }
        (one, other) => one == other,
    }
}

/// Returns whether two values are equal apart from what is secret in either.
fn fits(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Secret(_), _) | (_, Value::Secret(_)) => true,
        (Value::Map(one), Value::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|there| fits(value, there)))
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| fits(one, other))
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::conceal;
    use crate::value::Value;

    fn secret(text: &str) -> Value {
        Value::from(text).into_secret()
    }

    fn rule(port: i64, cidr: Value) -> Value {
        Value::map([("port", Value::from(port)), ("cidr", cidr)])
    }

    fn shown(before: &[Value], after: &[Value]) -> (String, String) {
        let (before, after) = conceal(None, &Value::list(before.to_vec()), &Value::list(after.to_vec()));
        (format!("{before:?}"), format!("{after:?}"))
    }

    #[test]
    fn only_the_secret_element_of_a_list_is_hidden() {
        let office = || rule(5439, secret("203.0.113.7/32"));
        let live = rule(5439, "203.0.113.7/32".into());
        let open = |port| rule(port, "10.0.0.0/16".into());
        assert_eq!(
            shown(&[open(5439), live.clone()], &[office(), open(443)]),
            (
                r#"[{"cidr": "10.0.0.0/16", "port": 5439}, {"cidr": (secret), "port": 5439}]"#.to_owned(),
                r#"[{"cidr": (secret), "port": 5439}, {"cidr": "10.0.0.0/16", "port": 443}]"#.to_owned(),
            )
        );
        // The secret changed, so all its possible predecessors are hidden.
        assert_eq!(
            shown(&[open(22), live.clone()], &[open(22), rule(5439, secret("198.51.100.1/32"))]).0,
            r#"[{"cidr": "10.0.0.0/16", "port": 22}, {"cidr": (secret), "port": 5439}]"#
        );
        assert_eq!(
            shown(&[open(22), live], &[open(23), rule(443, secret("198.51.100.1/32"))]).0,
            r#"[{"cidr": (secret), "port": 22}, {"cidr": (secret), "port": 5439}]"#
        );
    }

    #[test]
    fn a_secret_is_hidden_in_every_other_place() {
        let before = Value::map([("a", "x"), ("b", "user:hunter22"), ("c", "hunter22")]);
        let after = Value::map([("a", secret("hunter22")), ("b", "y".into()), ("c", "hunter22".into())]);
        let (before, after) = conceal(None, &before, &after);
        // A value that is declared in the open is open on both sides.
        assert_eq!(format!("{before:?}"), r#"{"a": (secret), "b": (secret), "c": "hunter22"}"#);
        assert_eq!(format!("{after:?}"), r#"{"a": (secret), "b": "y", "c": "hunter22"}"#);
        // A value that was applied as a secret stays secret.
        let (_, after) =
            conceal(None, &Value::map([("a", secret("hunter22"))]), &Value::map([("b", "hunter22")]));
        assert_eq!(format!("{after:?}"), r#"{"b": (secret)}"#);
    }

    #[test]
    fn a_renamed_secret_is_hidden() {
        let before = Value::map([("--password", Value::from("older-one")), ("--x", 1.into())]);
        let after = Value::map([("--pwd", secret("newer-one")), ("--x", 2.into())]);
        let (before, _) = conceal(None, &before, &after);
        assert_eq!(format!("{before:?}"), r#"{"--password": (secret), "--x": 1}"#);
    }
}
