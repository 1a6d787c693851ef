//! Lists as sets: in order, equal items once.

use super::super::convert;
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("distinct", &["list"], Reads::All, distinct),
    Function::new("setintersection", &["set", "sets..."], Reads::All, |arguments| {
        combine(arguments, |items, others| items.retain(|item| others.contains(item)))
    }),
    Function::new("setproduct", &["set", "sets..."], Reads::Surface, setproduct),
    Function::new("setsubtract", &["set", "subtracted"], Reads::All, |arguments| {
        combine(arguments, |items, others| items.retain(|item| !others.contains(item)))
    }),
    Function::new("setunion", &["set", "sets..."], Reads::All, |arguments| {
        combine(arguments, |items, mut others| items.append(&mut others))
    }),
    Function::new("toset", &["list"], Reads::All, |arguments| {
        Ok(Value::List(convert::to_set(arguments.take_list(0)?)))
    }),
];

fn distinct(arguments: &mut Arguments<'_>) -> Outcome {
    let mut items = arguments.take_list(0)?;
    convert::unify(&mut items);
    let mut seen: Vec<Value> = Vec::new();
    let mut kept = Vec::new();
    for item in items {
        // Searching a sorted list keeps long lists fast.
        if let Err(place) = seen.binary_search_by(|known| convert::order(known, &item)) {
            seen.insert(place, item.clone());
            kept.push(item);
        }
    }
    Ok(kept.into())
}

fn combine(arguments: &mut Arguments<'_>, operation: fn(&mut Vec<Value>, Vec<Value>)) -> Outcome {
    let lists =
        (0..arguments.len()).map(|index| arguments.take_list(index)).collect::<Result<Vec<_>, _>>()?;
    let mut all: Vec<Value> = lists.iter().flatten().cloned().collect();
    let before: Vec<Value> = all.clone();
    convert::unify(&mut all);
    let unified = all != before;
    let mut lists = lists.into_iter().map(|mut list| {
        if unified {
            list.iter_mut().for_each(|item| {
                if let Some(text) = convert::to_text(item) {
                    *item = text.into_owned().into();
                }
            });
        }
        list
    });
    let mut items = lists.next().unwrap_or_default();
    for others in lists {
        operation(&mut items, others);
    }
    Ok(Value::List(convert::to_set(items)))
}

fn setproduct(arguments: &mut Arguments<'_>) -> Outcome {
    const MOST: usize = 1_000_000;
    if arguments.len() < 2 {
        return Err(Problem::new("expected two lists or more").code("wrong-arguments"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for index in 0..arguments.len() {
        let items = arguments.take_list(index)?;
        if rows.len().saturating_mul(items.len()) > MOST {
            return Err(Problem::new(format!("more than {MOST} combinations")).code("out-of-range"));
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
    Ok(Value::list(rows))
}
