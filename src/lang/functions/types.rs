//! Types and marks. `try` and `can` are handled by the evaluator.

use std::collections::BTreeMap;

use super::super::unify::unify;
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    // Reached only with a wrong number of arguments: see the parser.
    Function::new("can", &["expression"], Reads::Nothing, |_| Err(Problem::new("takes one expression"))),
    Function::new("try", &["expression", "expressions..."], Reads::Nothing, |_| {
        Err(Problem::new("takes expressions, none of them with `...`"))
    }),
    Function::new("defaults", &["value", "defaults"], Reads::Surface, |arguments| {
        Ok(defaults(arguments.take(0), arguments.take(1)))
    }),
    // No value is ephemeral here, so none becomes null.
    Function::new("ephemeralasnull", &["value"], Reads::Nothing, |arguments| Ok(arguments.take(0))),
    Function::new("issensitive", &["value"], Reads::Nothing, |arguments| {
        Ok(matches!(arguments.get(0), Value::Secret(_)).into())
    }),
    Function::new("nonsensitive", &["value"], Reads::Nothing, |arguments| Ok(arguments.take(0).reveal())),
    Function::new("sensitive", &["value"], Reads::Nothing, |arguments| Ok(arguments.take(0).sensitive())),
    Function::new("tobool", &["value"], Reads::All, |arguments| match arguments.get(0) {
        Value::Null => Ok(Value::Null),
        _ => arguments.bool(0).map(Value::Bool),
    }),
    Function::new("tolist", &["value"], Reads::Surface, tolist),
    Function::new("tomap", &["value"], Reads::Surface, tomap),
    Function::new("tonumber", &["value"], Reads::All, |arguments| match arguments.get(0) {
        Value::Null => Ok(Value::Null),
        _ => arguments.number(0).map(Value::Number),
    }),
    Function::new("tostring", &["value"], Reads::All, |arguments| match arguments.get(0) {
        Value::Null => Ok(Value::Null),
        _ => Ok((&*arguments.text(0)?).into()),
    }),
    Function::new("type", &["value"], Reads::Nothing, |arguments| match arguments.get(0).first_unknown() {
        Some(unknown) if arguments.get(0).kind_name() == "unknown" => Ok(unknown.clone().into()),
        _ => Ok(arguments.get(0).kind_name().into()),
    }),
];

fn tolist(arguments: &mut Arguments<'_>) -> Outcome {
    if arguments.get(0).is_null() {
        return Ok(Value::Null);
    }
    let mut items = arguments.take_list(0)?;
    in_common(unify(&mut items))?;
    Ok(items.into())
}

/// Fails unless the items `have` a common type.
pub(super) fn in_common(have: bool) -> Result<(), Problem> {
    match have {
        true => Ok(()),
        false => Err(Problem { shows_nothing: true, ..Problem::of(0, "the items have no type in common") }
            .code("wrong-type")),
    }
}

fn tomap(arguments: &mut Arguments<'_>) -> Outcome {
    if arguments.get(0).is_null() {
        return Ok(Value::Null);
    }
    let (keys, mut values): (Vec<String>, Vec<Value>) = arguments.take_map(0)?.into_iter().unzip();
    in_common(unify(&mut values))?;
    Ok(keys.into_iter().zip(values).collect::<BTreeMap<_, _>>().into())
}

/// Fills nulls in `value` from `defaults`; in a list, those of every item.
fn defaults(value: Value, fallback: Value) -> Value {
    match (value, fallback) {
        (Value::Null, fallback) => fallback,
        (Value::Map(mut entries), Value::Map(fallbacks)) => {
            for (key, fallback) in fallbacks {
                let value = entries.remove(&key).unwrap_or_default();
                entries.insert(key, defaults(value, fallback));
            }
            entries.into()
        }
        (Value::List(items), fallback) if !matches!(fallback, Value::List(_)) => {
            Value::List(items.into_iter().map(|item| defaults(item, fallback.clone())).collect())
        }
        (Value::Secret(inner), fallback) => defaults(*inner, fallback).into_secret(),
        (value, _) => value,
    }
}
