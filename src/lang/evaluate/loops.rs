//! `for` expressions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::super::budget::KEY;
use super::super::tree::{For, Loop};
use super::{Evaluated, Evaluator, Taint};
use crate::diag::Diagnostic;
use crate::value::{Unknown, Value};

/// The keys and values of a loop in order, or the unknown that it depends on.
pub(super) type Pairs = Result<Vec<(Value, Value)>, Unknown>;

impl<'a> Evaluator<'a> {
    /// The pairs of a loop's collection.
    pub(super) fn pairs(&mut self, over: &'a Loop, taint: &mut Taint) -> Evaluated<Pairs> {
        let collection = self.evaluate(&over.collection)?;
        let mut pairs: Vec<(Value, Value)> = match taint.open(collection) {
            Value::Unknown(unknown) => return Ok(Err(unknown)),
            // No list has more items than an i64 can count.
            Value::List(items) => {
                items.into_iter().enumerate().map(|(at, item)| ((at as i64).into(), item)).collect()
            }
            Value::Set(items) => items.into_iter().map(|item| (item.clone(), item)).collect(),
            Value::Map(entries) => entries.into_iter().map(|(key, value)| (key.into(), value)).collect(),
            other => return self.wrong_type(over.collection.span, "`for`", "list or map", &other),
        };
        if taint.0 {
            // Secret, so that messages from the body do not show them.
            for (key, value) in &mut pairs {
                *key = std::mem::take(key).into_secret();
                *value = std::mem::take(value).into_secret();
            }
        }
        Ok(Ok(pairs))
    }

    /// Runs `body` with the names of the loop bound to one pair.
    pub(super) fn with_pair<T>(
        &mut self,
        over: &'a Loop,
        (key, value): (Value, Value),
        body: impl FnOnce(&mut Self) -> Evaluated<T>,
    ) -> Evaluated<T> {
        let depth = self.bound.len();
        if let Some(name) = &over.key {
            self.bound.push((name, key));
        }
        self.bound.push((&over.value, value));
        let outcome = body(self);
        self.bound.truncate(depth);
        outcome
    }

    pub(super) fn for_expression(&mut self, source: &'a For) -> Evaluated {
        let mut taint = Taint::default();
        let pairs = match self.pairs(&source.over, &mut taint)? {
            Ok(pairs) => pairs,
            Err(unknown) => return Ok(taint.close(unknown.into())),
        };
        let mut gathered = Gathered::default();
        for pair in pairs {
            self.within(source.value.span, self.scope.budget().steps(1))?;
            // Stop at the first item that fails: the others would report the same.
            self.with_pair(&source.over, pair, |this| this.item(source, &mut gathered, &mut taint))?;
        }
        let value = match gathered {
            Gathered { unknown: Some(unknown), .. } => unknown.into(),
            Gathered { list, .. } if source.key.is_none() => list.into(),
            Gathered { groups, .. } if source.grouping => groups
                .into_iter()
                .map(|(key, values)| (key, Value::List(values)))
                .collect::<BTreeMap<_, _>>()
                .into(),
            Gathered { map, .. } => map.into(),
        };
        Ok(taint.close(value))
    }

    fn item(&mut self, source: &'a For, gathered: &mut Gathered, taint: &mut Taint) -> Evaluated<()> {
        if let Some(node) = &source.condition {
            let condition = self.evaluate(node)?;
            match self.condition(condition, node, taint)? {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(unknown) => {
                    gathered.unknown.get_or_insert(unknown);
                    return Ok(());
                }
            }
        }
        let Some(node) = &source.key else {
            let value = self.evaluate(&source.value)?;
            gathered.list.push(value);
            return Ok(());
        };
        let key = self.evaluate(node)?;
        let value = self.evaluate(&source.value)?;
        let key = match taint.open(key) {
            Value::Unknown(unknown) => {
                gathered.unknown.get_or_insert(unknown);
                return Ok(());
            }
            key => self.key(&key, node.span)?,
        };
        self.within(node.span, self.scope.budget().hold(KEY))?;
        if source.grouping {
            gathered.groups.entry(key).or_default().push(value);
            return Ok(());
        }
        match gathered.map.entry(key) {
            Entry::Vacant(free) => {
                free.insert(value);
                Ok(())
            }
            Entry::Occupied(taken) => {
                let which = if taint.0 { String::new() } else { format!(" `{}`", taken.key()) };
                self.fail(
                    Diagnostic::error("duplicate-key", format!("two items have the key{which}"))
                        .at(node.span, "")
                        .help("`...` after the value gathers the values of one key in a list"),
                )
            }
        }
    }
}

#[derive(Default)]
struct Gathered {
    list: Vec<Value>,
    map: BTreeMap<String, Value>,
    groups: BTreeMap<String, Vec<Value>>,
    unknown: Option<Unknown>,
}
