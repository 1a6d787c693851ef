//! Attributes, indexes and splats.

use super::super::Step;
use super::super::convert;
use super::super::tree::{Access, AccessStep, Expression};
use super::{Evaluated, Evaluator, Taint};
use crate::diag::{self, Diagnostic, Span, a};
use crate::value::Value;

impl<'a> Evaluator<'a> {
    pub(super) fn access(&mut self, access: &'a Access) -> Evaluated {
        if let (Expression::Reference(reference), [AccessStep::Index(node), after @ ..]) =
            (&access.base.expression, access.steps.as_slice())
            && !reference.steps.is_empty()
        {
            match self.evaluate(node)? {
                index @ (Value::String(_) | Value::Number(_)) => {
                    // As if the index were a literal: the scope then copies only this element.
                    // An element that does not exist is reported in the usual way.
                    let mut written = reference.as_ref().clone();
                    written.steps.push(Step::Index(index));
                    match self.scope.resolve(&written) {
                        Ok((value, taken)) if taken == written.steps.len() => {
                            return self.steps(value, after, access.base.span);
                        }
                        Err(error) if error.primary.is_some() => return self.fail(error),
                        _ => {}
                    }
                }
                Value::Unknown(unknown) => return self.steps(unknown.into(), after, access.base.span),
                _ => {}
            }
        }
        let base = self.evaluate(&access.base)?;
        self.steps(base, &access.steps, access.base.span)
    }

    fn steps(&mut self, value: Value, steps: &'a [AccessStep], base: Span) -> Evaluated {
        let mut taint = Taint::default();
        let mut value = taint.open(value);
        let mut rest = steps;
        while let [step, after @ ..] = rest {
            rest = after;
            let inner = match step {
                AccessStep::Attribute(name, span) => self.attribute(value, name, *span, taint)?,
                AccessStep::Index(node) => {
                    let index = self.evaluate(node)?;
                    let index = taint.open(index);
                    self.index(value, &index, node.span, taint)?
                }
                AccessStep::FullSplat => {
                    let spread = self.spread(taint.close(value), after, base)?;
                    return Ok(taint.close(spread));
                }
                AccessStep::AttributeSplat => {
                    let attributes =
                        after.iter().take_while(|step| matches!(step, AccessStep::Attribute(..))).count();
                    let (of_items, of_list) = after.split_at(attributes);
                    rest = of_list;
                    self.spread(taint.close(value), of_items, base)?
                }
            };
            value = taint.open(inner);
        }
        Ok(taint.close(value))
    }

    /// Takes the steps from every item. Null counts as no item, and any other value as one item.
    fn spread(&mut self, value: Value, steps: &'a [AccessStep], base: Span) -> Evaluated {
        let mut taint = Taint::default();
        let items = match taint.open(value) {
            Value::List(items) | Value::Set(items) => items,
            Value::Null => Vec::new(),
            Value::Unknown(unknown) => return Ok(taint.close(unknown.into())),
            single => vec![single],
        };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            // The item stays secret during the steps, so that no message shows it.
            list.push(self.steps(taint.close(item), steps, base)?);
        }
        Ok(taint.close(Value::List(list)))
    }

    pub(super) fn attribute(&mut self, value: Value, name: &str, span: Span, taint: Taint) -> Evaluated {
        match value {
            Value::Map(mut entries) => match entries.remove(name) {
                Some(inner) => Ok(inner),
                None => {
                    let error =
                        Diagnostic::error("unknown-attribute", format!("there is no attribute `{name}`"));
                    let near = diag::nearest(name, entries.keys().map(String::as_str)).filter(|_| !taint.0);
                    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                    self.fail(error.at(span, label))
                }
            },
            Value::Unknown(mut unknown) => {
                if unknown.attribute.is_empty() {
                    unknown.attribute = name.to_owned();
                }
                Ok(unknown.into())
            }
            Value::List(_) => self.fail(
                Diagnostic::error("wrong-type", format!("a list has no attribute `{name}`"))
                    .at(span, "")
                    .help(format!("`[*].{name}` takes it from every item, `[0].{name}` from the first")),
            ),
            other => {
                let kind = other.kind_name();
                self.fail(
                    Diagnostic::error("wrong-type", format!("{} has no attributes, so no `{name}`", a(kind)))
                        .at(span, ""),
                )
            }
        }
    }

    pub(super) fn index(&mut self, value: Value, index: &Value, span: Span, taint: Taint) -> Evaluated {
        if let Value::Unknown(unknown) = index {
            return Ok(unknown.clone().into());
        }
        match value {
            Value::Unknown(unknown) => Ok(unknown.into()),
            Value::List(items) => self.index_list(items, index, span, taint),
            Value::Map(mut entries) => {
                let key = self.key(index, span)?;
                match entries.remove(&key) {
                    Some(inner) => Ok(inner),
                    None if taint.0 => {
                        self.fail(Diagnostic::error("invalid-index", "the map has no such key").at(span, ""))
                    }
                    None => {
                        let near = diag::nearest(&key, entries.keys().map(String::as_str));
                        let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                        self.fail(
                            Diagnostic::error("invalid-index", format!("the map has no key `{key}`"))
                                .at(span, label),
                        )
                    }
                }
            }
            other => self.wrong_type(span, "an index", "list or map", &other),
        }
    }

    fn index_list(&mut self, mut items: Vec<Value>, index: &Value, span: Span, taint: Taint) -> Evaluated {
        let Some(number) = convert::to_number(index) else {
            return self.wrong_type(span, "the index of a list", "number", index);
        };
        let position = number.as_i64().and_then(|integer| usize::try_from(integer).ok());
        if let Some(position) = position.filter(|&position| position < items.len()) {
            return Ok(items.swap_remove(position));
        }
        let message = match number.as_i64() {
            _ if taint.0 => "the list has no such item".to_owned(),
            None => "the index of a list is a whole number".to_owned(),
            Some(..=-1) => "the index of a list is not negative".to_owned(),
            Some(position) => format!("there is no item {position} in a list of {}", items.len()),
        };
        self.fail(Diagnostic::error("invalid-index", message).at(span, ""))
    }
}
