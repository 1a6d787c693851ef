//! Templates: text with expressions in it.

use super::super::convert;
use super::super::tree::{Node, Part};
use super::{Evaluated, Evaluator, Failed, Taint};
use crate::diag::{Diagnostic, Span, a};
use crate::value::{Unknown, Value};

/// A text under construction.
#[derive(Default)]
struct Text {
    text: String,
    taint: Taint,
    unknown: Option<Unknown>,
}

impl<'a> Evaluator<'a> {
    /// The value of a whole template, or all its errors.
    pub(in super::super) fn evaluate_template(mut self, parts: &'a [Part]) -> Result<Value, Vec<Diagnostic>> {
        let budget = self.scope.budget();
        let held = budget.held();
        let outcome = self.template(parts).and_then(|value| {
            self.within(self.whole, budget.settle(held, &value))?;
            Ok(value)
        });
        if outcome.is_err() {
            budget.release(held);
        }
        self.finish(outcome)
    }

    pub(super) fn template(&mut self, parts: &'a [Part]) -> Evaluated {
        if let [Part::Value(node)] = parts {
            return self.evaluate(node);
        }
        let mut text = Text::default();
        self.parts(parts, &mut text)?;
        let Text { text, taint, unknown } = text;
        let text = convert::normal(text);
        Ok(taint.close(unknown.map_or_else(|| text.into(), Value::Unknown)))
    }

    fn parts(&mut self, parts: &'a [Part], text: &mut Text) -> Evaluated<()> {
        let mut outcome = Ok(());
        for part in parts {
            if self.part(part, text).is_err() {
                outcome = Err(Failed);
            }
        }
        outcome
    }

    fn part(&mut self, part: &'a Part, text: &mut Text) -> Evaluated<()> {
        match part {
            Part::Literal(literal) => {
                let budget = self.scope.budget();
                // A literal has no place of its own, so use the template's.
                let taken = budget.steps(1).and_then(|()| budget.hold(literal.len() as u64));
                self.within(self.whole, taken)?;
                text.text.push_str(literal);
            }
            Part::Value(node) => {
                let value = self.evaluate(node)?;
                match text.taint.open(value) {
                    Value::Unknown(unknown) => {
                        text.unknown.get_or_insert(unknown);
                    }
                    value => match convert::to_text(&value) {
                        Some(shown) => text.text.push_str(&shown),
                        None => return self.not_text(&value, node),
                    },
                }
            }
            Part::If(source) => {
                let condition = self.evaluate(&source.condition)?;
                match self.condition(condition, &source.condition, &mut text.taint)? {
                    Ok(true) => self.parts(&source.then, text)?,
                    Ok(false) => self.parts(&source.otherwise, text)?,
                    Err(unknown) => {
                        text.unknown.get_or_insert(unknown);
                    }
                }
            }
            Part::For(source) => match self.pairs(&source.over, &mut text.taint)? {
                Ok(pairs) => {
                    for pair in pairs {
                        self.within(source.over.collection.span, self.scope.budget().steps(1))?;
                        self.with_pair(&source.over, pair, |this| this.parts(&source.body, text))?;
                    }
                }
                Err(unknown) => {
                    text.unknown.get_or_insert(unknown);
                }
            },
        }
        Ok(())
    }

    fn not_text(&mut self, value: &Value, node: &Node) -> Evaluated<()> {
        let span: Span = node.span;
        let kind = value.kind_name();
        let error =
            Diagnostic::error("wrong-type", format!("{} cannot be part of a string", a(kind))).at(span, "");
        self.fail(match value {
            Value::List(_) => error.help("`join(\", \", …)` or `jsonencode(…)` turns it into a string"),
            Value::Map(_) => error.help("`jsonencode(…)` turns it into a string"),
            _ => error,
        })
    }
}
