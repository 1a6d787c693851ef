//! Operators.

use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use super::super::convert;
use super::super::tree::Node;
use super::{Evaluated, Evaluator, Taint};
use crate::diag::{Diagnostic, Span};
use crate::value::{Number, Value};

impl<'a> Evaluator<'a> {
    pub(super) fn unary(&mut self, operator: UnaryOperator, operand: &'a Node) -> Evaluated {
        let mut taint = Taint::default();
        let value = self.evaluate(operand)?;
        let result = match (operator, taint.open(value)) {
            (_, Value::Unknown(unknown)) => unknown.into(),
            (UnaryOperator::Not, value) => match convert::to_bool(&value) {
                Some(bool) => (!bool).into(),
                None => return self.wrong_type(operand.span, "`!`", "bool", &value),
            },
            (UnaryOperator::Neg, value) => match convert::to_number(&value) {
                Some(number) => number.negate().into(),
                None => return self.wrong_type(operand.span, "`-`", "number", &value),
            },
        };
        Ok(taint.close(result))
    }

    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &'a Node,
        right: &'a Node,
        span: Span,
    ) -> Evaluated {
        match operator {
            BinaryOperator::And => self.logical(left, right, false),
            BinaryOperator::Or => self.logical(left, right, true),
            BinaryOperator::Eq => self.equal(left, right, true),
            BinaryOperator::NotEq => self.equal(left, right, false),
            _ => self.numeric(operator, left, right, span),
        }
    }

    /// `&&` and `||`: an operand equal to `decisive` decides, regardless of the other.
    fn logical(&mut self, left: &'a Node, right: &'a Node, decisive: bool) -> Evaluated {
        let mut taint = Taint::default();
        let value = self.evaluate(left)?;
        let first = self.condition(value, left, &mut taint)?;
        if first == Ok(decisive) {
            return Ok(taint.close(decisive.into()));
        }
        let value = self.evaluate(right)?;
        let second = self.condition(value, right, &mut taint)?;
        let result = match (first, second) {
            (_, Ok(bool)) if bool == decisive => decisive.into(),
            (Err(unknown), _) | (_, Err(unknown)) => unknown.into(),
            (Ok(_), Ok(_)) => (!decisive).into(),
        };
        Ok(taint.close(result))
    }

    fn both(&mut self, left: &'a Node, right: &'a Node) -> Evaluated<(Value, Value)> {
        let (left, right) = (self.evaluate(left), self.evaluate(right));
        Ok((left?, right?))
    }

    fn equal(&mut self, left: &'a Node, right: &'a Node, wanted: bool) -> Evaluated {
        let mut taint = Taint::default();
        let (left, right) = self.both(left, right)?;
        let (left, right) = (taint.open_all(left), taint.open_all(right));
        let result = match left.first_unknown().or(right.first_unknown()) {
            Some(unknown) => unknown.clone().into(),
            None => ((left == right) == wanted).into(),
        };
        Ok(taint.close(result))
    }

    fn numeric(
        &mut self,
        operator: BinaryOperator,
        left_node: &'a Node,
        right_node: &'a Node,
        span: Span,
    ) -> Evaluated {
        let mut taint = Taint::default();
        let (left, right) = self.both(left_node, right_node)?;
        let (left, right) = (taint.open(left), taint.open(right));
        let left = match left {
            Value::Unknown(unknown) => return Ok(taint.close(unknown.into())),
            value => self.operand(operator, &value, left_node),
        };
        let right = match right {
            Value::Unknown(unknown) => return Ok(taint.close(unknown.into())),
            value => self.operand(operator, &value, right_node),
        };
        let (left, right) = (left?, right?);
        let order = || left.order(&right);
        let result = match operator {
            BinaryOperator::Less => Some(order().is_lt().into()),
            BinaryOperator::LessEq => Some(order().is_le().into()),
            BinaryOperator::Greater => Some(order().is_gt().into()),
            BinaryOperator::GreaterEq => Some(order().is_ge().into()),
            BinaryOperator::Plus => left.add(&right).map(Value::Number),
            BinaryOperator::Minus => left.subtract(&right).map(Value::Number),
            BinaryOperator::Mul => left.multiply(&right).map(Value::Number),
            BinaryOperator::Div => left.divide(&right).map(Value::Number),
            BinaryOperator::Mod => left.remainder(&right).map(Value::Number),
            // `binary` handles the logical operators.
            BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::And | BinaryOperator::Or => None,
        };
        match result {
            Some(value) => Ok(taint.close(value)),
            None if right.is_zero() => {
                self.fail(Diagnostic::error("division-by-zero", "a division by zero").at(right_node.span, ""))
            }
            None => self.fail(Diagnostic::error("out-of-range", "the result is too large").at(span, "")),
        }
    }

    fn operand(&mut self, operator: BinaryOperator, value: &Value, node: &Node) -> Evaluated<Number> {
        match convert::to_number(value) {
            Some(number) => Ok(number),
            None => self.wrong_type(node.span, &format!("`{}`", operator.as_str()), "number", value),
        }
    }
}
