//! Compares two trees of data, by path.

use super::Part;
use crate::plan::diff::aligned;
use crate::schema::PathStep;
use crate::value::Value;

/// One difference: its path, the old value, the new value.
pub(super) type Difference<'v> = (Vec<PathStep>, Option<&'v Value>, Option<&'v Value>);

/// Returns all differences, descending as long as both sides have the same form; empty exactly if
/// they are equal.
pub(super) fn differences<'v>(before: &'v Value, after: &'v Value) -> Vec<Difference<'v>> {
    let mut found = Vec::new();
    walk(Vec::new(), Some(before), Some(after), &mut found);
    found
}

fn walk<'v>(
    path: Vec<PathStep>,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    found: &mut Vec<Difference<'v>>,
) {
    let below = |step: PathStep| path.iter().cloned().chain([step]).collect();
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Map(left)), Some(Value::Map(right))) => {
            let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                walk(below(PathStep::Name(name.clone())), left.get(name), right.get(name), found);
            }
        }
        (Some(Value::List(left)), Some(Value::List(right))) => {
            for (place, left, right) in aligned(left, right) {
                walk(below(PathStep::Index(place)), left, right, found);
            }
        }
        (before, after) => found.push((path, before, after)),
    }
}

/// Returns the differences as parts, each prefixed with `what`: `state Load: ResultPath`.
pub(super) fn parts(what: &str, before: &Value, after: &Value) -> Vec<Part> {
    differences(before, after)
        .into_iter()
        .map(|(path, before, after)| Part::between(join(what, &super::path_text(&path)), before, after))
        .collect()
}

/// Joins a prefix and a path: `state Load: ResultPath`; either may be empty.
pub(super) fn join(what: &str, path: &str) -> String {
    match (what.is_empty(), path.is_empty()) {
        (true, true) => "all of it".to_owned(),
        (true, false) => path.to_owned(),
        (false, true) => what.to_owned(),
        (false, false) => format!("{what}: {path}"),
    }
}

/// Returns the map without these members.
pub(super) fn without(value: &Value, members: &[&str]) -> Value {
    match value {
        Value::Map(map) => Value::Map(
            map.iter()
                .filter(|(name, _)| !members.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// An element of a list, with its position.
pub(super) type Placed<'v> = (usize, &'v Value);

/// Returns the key that identifies an element.
pub(super) type KeyOf<'k, K> = &'k dyn Fn(&Value) -> Option<K>;

/// Pairs the elements of two lists. Equal elements are paired first, then those with the same key,
/// for each of `keys` in turn. The others have no partner.
pub(super) fn matched<'v, K: PartialEq>(
    before: &'v [Value],
    after: &'v [Value],
    keys: &[KeyOf<'_, K>],
) -> Vec<(Option<Placed<'v>>, Option<Placed<'v>>)> {
    let mut left: Vec<Option<Placed<'v>>> = before.iter().enumerate().map(Some).collect();
    let mut pairs: Vec<_> = after.iter().enumerate().map(|one| (None, Some(one))).collect();
    let take = |left: &mut Vec<Option<Placed<'v>>>, is: &dyn Fn(usize, &Value) -> bool| {
        left.iter_mut().find(|one| one.is_some_and(|(at, value)| is(at, value))).and_then(Option::take)
    };
    for (old, new) in &mut pairs {
        // Equal elements at the same position are preferred.
        *old = new.and_then(|(place, new)| take(&mut left, &|at, value| at == place && value == new));
    }
    for (old, new) in pairs.iter_mut().filter(|(old, _)| old.is_none()) {
        *old = new.and_then(|(_, new)| take(&mut left, &|_, value| value == new));
    }
    for key in keys {
        for (old, new) in pairs.iter_mut().filter(|(old, _)| old.is_none()) {
            let desired = new.and_then(|(_, new)| key(new));
            if desired.is_some() {
                *old = take(&mut left, &|_, value| key(value) == desired);
            }
        }
    }
    pairs.extend(left.into_iter().flatten().map(|one| (Some(one), None)));
    pairs
}
