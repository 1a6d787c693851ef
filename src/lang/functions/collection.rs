//! Lists and maps.

use std::collections::BTreeMap;

use super::super::convert;
use super::super::unify::unify;
use super::types::in_common;
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", &["list"], Reads::Surface, |arguments| quantify(arguments, false)),
    Function::new("anytrue", &["list"], Reads::Surface, |arguments| quantify(arguments, true)),
    Function::new("chunklist", &["list", "size"], Reads::Surface, chunklist),
    Function::new("coalesce", &["value", "values..."], Reads::Nothing, coalesce),
    Function::new("coalescelist", &["list", "lists..."], Reads::Nothing, coalescelist),
    Function::new("compact", &["list"], Reads::All, compact),
    Function::new("concat", &["list", "lists..."], Reads::Surface, concat),
    Function::new("contains", &["list", "value"], Reads::Surface, contains),
    Function::new("element", &["list", "index"], Reads::Surface, element),
    Function::new("flatten", &["list"], Reads::Surface, flatten),
    Function::new("index", &["list", "value"], Reads::All, index),
    Function::new("keys", &["map"], Reads::Surface, |arguments| {
        Ok(Value::list(arguments.take_map(0)?.into_keys()))
    }),
    Function::new("length", &["value"], Reads::Surface, length),
    Function::new("lookup", &["map", "key", "default?"], Reads::Surface, lookup),
    Function::new("matchkeys", &["values", "keys", "searched"], Reads::All, matchkeys),
    Function::new("merge", &["maps..."], Reads::Surface, merge),
    Function::new("one", &["list"], Reads::Surface, one),
    Function::new("range", &["start_or_limit", "limit?", "step?"], Reads::All, range),
    Function::new("reverse", &["list"], Reads::Surface, |arguments| {
        let mut items = arguments.take_list(0)?;
        items.reverse();
        Ok(items.into())
    }),
    Function::new("slice", &["list", "start", "end"], Reads::Surface, slice),
    Function::new("sort", &["list"], Reads::All, |arguments| {
        let mut items = arguments.texts(0)?;
        items.sort();
        Ok(Value::list(items.into_iter().map(std::borrow::Cow::into_owned)))
    }),
    Function::new("transpose", &["map"], Reads::All, transpose),
    Function::new("values", &["map"], Reads::Surface, |arguments| {
        Ok(Value::list(arguments.take_map(0)?.into_values()))
    }),
    Function::new("zipmap", &["keys", "values"], Reads::Surface, zipmap),
];

/// Looks into a value that is only moved: returns whether it is secret, and the value inside.
fn inside(value: &Value) -> (bool, &Value) {
    match value {
        Value::Secret(inner) => (true, inner),
        plain => (false, plain),
    }
}

fn tainted(value: impl Into<Value>, secret: bool) -> Value {
    if secret { value.into().tainted() } else { value.into() }
}

fn quantify(arguments: &Arguments<'_>, decisive: bool) -> Outcome {
    let (mut unknown, mut secret, mut decided) = (None, false, false);
    for item in arguments.list(0)? {
        let (is_secret, item) = inside(item);
        secret |= is_secret;
        let found = match item {
            Value::Unknown(waits) => {
                unknown = unknown.or(Some(waits));
                continue;
            }
            Value::Null => false,
            item => convert::to_bool(item).ok_or_else(|| Problem::wrong_type(0, "list of bools", item))?,
        };
        decided |= found == decisive;
    }
    if decided {
        return Ok(tainted(decisive, secret));
    }
    let result = unknown.map_or(Value::Bool(!decisive), |unknown| unknown.clone().into());
    Ok(tainted(result, secret))
}

fn chunklist(arguments: &mut Arguments<'_>) -> Outcome {
    let size = arguments.count(1)?;
    let mut items = arguments.take_list(0)?;
    in_common(unify(&mut items))?;
    if size == 0 {
        return Ok(Value::List(vec![Value::List(items)]));
    }
    let (mut chunks, mut rest) = (Vec::new(), items.into_iter().peekable());
    while rest.peek().is_some() {
        chunks.push(Value::List(rest.by_ref().take(size).collect()));
    }
    Ok(chunks.into())
}

fn coalesce(arguments: &mut Arguments<'_>) -> Outcome {
    let mut secret = false;
    let mut values = arguments.take_from(0);
    // Null has no type: beside a null, the values need no common type.
    in_common(unify(&mut values) || values.iter().any(Value::is_null))?;
    for value in values {
        let (is_secret, plain) = inside(&value);
        secret |= is_secret;
        // An unknown value counts as present: it is the result for now.
        if !matches!(plain, Value::Null) && plain.as_str() != Some("") {
            return Ok(tainted(value, secret));
        }
    }
    Err(Problem::new("every argument is null or empty"))
}

fn coalescelist(arguments: &mut Arguments<'_>) -> Outcome {
    let mut secret = false;
    let lists = arguments.take_from(0);
    for (at, list) in lists.iter().enumerate() {
        match inside(list).1 {
            Value::List(_) | Value::Unknown(_) => {}
            other => return Err(Problem::wrong_type(at, "list", other)),
        }
    }
    for list in lists {
        let (is_secret, plain) = inside(&list);
        secret |= is_secret;
        if plain.as_list().is_none_or(|items| !items.is_empty()) {
            return Ok(tainted(list, secret));
        }
    }
    Err(Problem::new("every list is empty"))
}

fn compact(arguments: &mut Arguments<'_>) -> Outcome {
    let mut kept = Vec::new();
    for item in arguments.list(0)? {
        match item {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            item => match convert::to_text(item) {
                Some(text) => kept.push(text.into_owned()),
                None => return Err(Problem::wrong_type(0, "list of strings", item)),
            },
        }
    }
    Ok(Value::list(kept))
}

fn concat(arguments: &mut Arguments<'_>) -> Outcome {
    let mut items = Vec::new();
    for index in 0..arguments.len() {
        items.append(&mut arguments.take_ordered(index)?);
    }
    Ok(items.into())
}

fn contains(arguments: &mut Arguments<'_>) -> Outcome {
    let wanted = arguments.take(1);
    let mut secret = wanted.contains_secret();
    let wanted = wanted.reveal();
    let mut unknown = wanted.first_unknown().cloned();
    for item in arguments.take_list(0)? {
        secret |= item.contains_secret();
        let item = item.reveal();
        if let Some(waits) = item.first_unknown() {
            unknown.get_or_insert_with(|| waits.clone());
        } else if item == wanted {
            return Ok(tainted(true, secret));
        }
    }
    Ok(tainted(unknown.map_or(Value::Bool(false), Value::Unknown), secret))
}

/// Equality after converting both lists to one type: a number equals its text.
fn same(left: &Value, right: &Value) -> bool {
    left == right
        || match (left, right) {
            (Value::String(text), other) | (other, Value::String(text)) => {
                convert::to_text(other).is_some_and(|other| other == *text)
            }
            _ => false,
        }
}

fn element(arguments: &mut Arguments<'_>) -> Outcome {
    let at = arguments.integer(1)?;
    let mut items = arguments.take_ordered(0)?;
    // No list has more items than an i64 can count; a negative position counts from the end.
    match at.checked_rem_euclid(items.len() as i64).map(usize::try_from) {
        Some(Ok(position)) => Ok(items.swap_remove(position)),
        _ => Err(Problem::of(0, "an empty list has no elements").code("invalid-index")),
    }
}

fn flatten(arguments: &mut Arguments<'_>) -> Outcome {
    fn into(items: Vec<Value>, flat: &mut Vec<Value>, secret: &mut bool) -> Result<(), Value> {
        for item in items {
            match item {
                Value::List(items) | Value::Set(items) => into(items, flat, secret)?,
                Value::Secret(inner)
                    if matches!(*inner, Value::List(_) | Value::Set(_) | Value::Unknown(_)) =>
                {
                    *secret = true;
                    into(vec![*inner], flat, secret)?;
                }
                // It may become a list of any length.
                Value::Unknown(_) => return Err(item),
                item => flat.push(item),
            }
        }
        Ok(())
    }
    let (mut flat, mut secret) = (Vec::new(), false);
    let outcome = into(arguments.take_list(0)?, &mut flat, &mut secret);
    Ok(tainted(outcome.err().unwrap_or(Value::List(flat)), secret))
}

fn index(arguments: &mut Arguments<'_>) -> Outcome {
    let wanted = arguments.take(1);
    match arguments.take_ordered(0)?.iter().position(|item| *item == wanted) {
        Some(position) => Ok(count(position)),
        None => Err(Problem::of(1, "the list does not contain the value")),
    }
}

/// Counts as a value: no collection has more items than an i64 can count.
fn count(length: usize) -> Value {
    (length as i64).into()
}

fn length(arguments: &mut Arguments<'_>) -> Outcome {
    match arguments.get(0) {
        Value::List(items) | Value::Set(items) => Ok(count(items.len())),
        Value::Map(entries) => Ok(count(entries.len())),
        Value::String(text) => {
            arguments.work(text.len() / 2)?;
            Ok(count(super::clusters::length(text)))
        }
        other => Err(Problem::wrong_type(0, "list, map or string", other)),
    }
}

fn lookup(arguments: &mut Arguments<'_>) -> Outcome {
    let key = arguments.text(1)?.into_owned();
    match arguments.take_map(0)?.remove(&key) {
        Some(value) => Ok(value),
        None if arguments.len() > 2 => Ok(arguments.take(2)),
        None => Err(Problem::of(1, format!("the map has no key `{key}`")).code("invalid-index")),
    }
}

fn matchkeys(arguments: &mut Arguments<'_>) -> Outcome {
    let values = arguments.take_list(0)?;
    let (keys, searched) = (arguments.list(1)?, arguments.list(2)?);
    if values.len() != keys.len() {
        return Err(Problem::of(1, "there must be as many keys as values"));
    }
    arguments.work(keys.len().saturating_mul(searched.len()) / 8)?;
    let chosen = values.into_iter().zip(keys);
    let chosen = chosen.filter(|(_, key)| searched.iter().any(|wanted| same(wanted, key)));
    Ok(Value::List(chosen.map(|(value, _)| value).collect()))
}

fn merge(arguments: &mut Arguments<'_>) -> Outcome {
    let mut merged = BTreeMap::new();
    for index in 0..arguments.len() {
        match arguments.get(index) {
            Value::Null => {}
            _ => merged.extend(arguments.take_map(index)?),
        }
    }
    Ok(merged.into())
}

fn one(arguments: &mut Arguments<'_>) -> Outcome {
    let mut items = arguments.take_list(0)?;
    match items.len() {
        0 | 1 => Ok(items.pop().unwrap_or_default()),
        length => Err(Problem::of(0, format!("expected a list of one or no items, found {length}"))),
    }
}

fn range(arguments: &mut Arguments<'_>) -> Outcome {
    const LONGEST: usize = 1024;
    let zero = Number::Integer(0);
    let (start, limit) = match arguments.len() {
        1 => (zero.clone(), arguments.number(0)?),
        _ => (arguments.number(0)?, arguments.number(1)?),
    };
    let falling = limit < start;
    let step = match arguments.len() {
        3 => arguments.number(2)?,
        _ if falling => Number::Integer(-1),
        _ => Number::Integer(1),
    };
    if step == zero {
        return Err(Problem::of(2, "the step must not be zero"));
    }
    if (step < zero) != falling && limit != start {
        return Err(Problem::of(2, "the step leads away from the limit"));
    }
    let mut items = Vec::new();
    let mut next = start;
    while if falling { next > limit } else { next < limit } {
        if items.len() == LONGEST {
            return Err(Problem::new(format!("more than {LONGEST} items")).code("out-of-range"));
        }
        let after =
            next.add(&step).ok_or_else(|| Problem::new("the numbers grow too large").code("out-of-range"))?;
        items.push(Value::Number(std::mem::replace(&mut next, after)));
    }
    Ok(items.into())
}

fn slice(arguments: &mut Arguments<'_>) -> Outcome {
    let (start, end) = (arguments.count(1)?, arguments.count(2)?);
    let mut items = arguments.take_ordered(0)?;
    if start > end || end > items.len() {
        let message = format!("there is no slice from {start} to {end} of a list of {}", items.len());
        return Err(Problem::of(if start > end { 1 } else { 2 }, message).code("invalid-index"));
    }
    Ok(Value::List(items.drain(start..end).collect()))
}

fn transpose(arguments: &mut Arguments<'_>) -> Outcome {
    let mut transposed: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut made: usize = 0;
    for (key, names) in arguments.map(0)? {
        let names = names.as_list().ok_or_else(|| Problem::wrong_type(0, "map of lists", names))?;
        made = names.len().saturating_mul(key.len() + 64).saturating_add(made);
        arguments.room(made)?;
        for name in names {
            let text = convert::to_text(name)
                .ok_or_else(|| Problem::wrong_type(0, "map of lists of strings", name))?;
            transposed.entry(text.into_owned()).or_default().push(key.as_str().into());
        }
    }
    Ok(Value::map(transposed))
}

fn zipmap(arguments: &mut Arguments<'_>) -> Outcome {
    let (keys, values) = (arguments.take_list(0)?, arguments.take_ordered(1)?);
    if keys.len() != values.len() {
        return Err(Problem::of(1, format!("there are {} keys, but {} values", keys.len(), values.len())));
    }
    let (mut map, mut secret) = (BTreeMap::new(), false);
    for (key, value) in keys.into_iter().zip(values) {
        let (is_secret, key) = inside(&key);
        secret |= is_secret;
        if let Value::Unknown(unknown) = key {
            return Ok(tainted(unknown.clone(), secret));
        }
        let key = convert::to_text(key).ok_or_else(|| Problem::wrong_type(0, "list of strings", key))?;
        map.insert(key.into_owned(), value);
    }
    Ok(tainted(map, secret))
}
