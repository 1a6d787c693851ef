//! Set functions: sorted, without duplicates.

use super::super::unify::unify;
use super::super::{Budget, convert};
use super::types::in_common;
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("distinct", &["list"], Reads::All, distinct),
    Function::new("setintersection", &["set", "sets..."], Reads::All, |arguments| {
        combine(arguments, |items, others| items.retain(|item| has(&others, item)))
    }),
    Function::new("setproduct", &["set", "sets..."], Reads::Surface, setproduct),
    Function::new("setsubtract", &["set", "subtracted"], Reads::All, |arguments| {
        combine(arguments, |items, others| items.retain(|item| !has(&others, item)))
    }),
    Function::new("setunion", &["set", "sets..."], Reads::All, |arguments| {
        combine(arguments, |items, mut others| items.append(&mut others))
    }),
    Function::new("toset", &["list"], Reads::All, |arguments| {
        if arguments.get(0).is_null() {
            return Ok(Value::Null);
        }
        let mut items = arguments.take_list(0)?;
        in_common(unify(&mut items))?;
        Ok(Value::set(items))
    }),
];

fn distinct(arguments: &mut Arguments<'_>) -> Outcome {
    let mut items = arguments.take_list(0)?;
    in_common(unify(&mut items))?;
    // Sort positions, so that equal items become neighbours. The sort is stable: the first one stays.
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.sort_by(|&left, &right| convert::order(&items[left], &items[right]));
    places.dedup_by(|&mut later, &mut earlier| convert::order(&items[later], &items[earlier]).is_eq());
    places.sort_unstable();
    Ok(Value::List(places.into_iter().map(|place| std::mem::take(&mut items[place])).collect()))
}

/// Returns whether a sorted list contains an item.
fn has(sorted: &[Value], item: &Value) -> bool {
    sorted.binary_search_by(|known| convert::order(known, item)).is_ok()
}

fn combine(arguments: &mut Arguments<'_>, operation: fn(&mut Vec<Value>, Vec<Value>)) -> Outcome {
    let lists =
        (0..arguments.len()).map(|index| arguments.take_list(index)).collect::<Result<Vec<_>, _>>()?;
    let lengths: Vec<usize> = lists.iter().map(Vec::len).collect();
    let mut all: Vec<Value> = lists.into_iter().flatten().collect();
    in_common(unify(&mut all))?;
    let mut all = all.into_iter();
    let mut lists = lengths.into_iter().map(|length| all.by_ref().take(length).collect::<Vec<_>>());
    let mut items = lists.next().unwrap_or_default();
    for mut others in lists {
        others.sort_by(convert::order);
        operation(&mut items, others);
    }
    Ok(Value::set(items))
}

fn setproduct(arguments: &mut Arguments<'_>) -> Outcome {
    const MAX: usize = 1_000_000;
    if arguments.len() < 2 {
        return Err(Problem::new("expected two lists or more").code("wrong-arguments"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut of_set = false;
    for index in 0..arguments.len() {
        of_set |= matches!(arguments.get(index), Value::Set(_));
        let mut items = arguments.take_list(index)?;
        in_common(unify(&mut items))?;
        let weight = |values: &[Value]| values.iter().map(Budget::weight).sum::<u64>() as usize;
        let (before, own) = (rows.iter().map(|row| weight(row) + 64).sum::<usize>(), weight(&items));
        let made = before.saturating_mul(items.len()).saturating_add(own.saturating_mul(rows.len()));
        arguments.room(made)?;
        arguments.work(rows.len().saturating_mul(items.len()))?;
        if rows.len().saturating_mul(items.len()) > MAX {
            return Err(Problem::new(format!("more than {MAX} combinations")).code("out-of-range"));
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                items.iter().map(move |item| {
                    let mut row = row.clone();
                    row.push(item.clone());
                    row
                })
            })
            .collect();
    }
    let rows = rows.into_iter().map(Value::List).collect();
    Ok(if of_set { Value::set(rows) } else { Value::List(rows) })
}
