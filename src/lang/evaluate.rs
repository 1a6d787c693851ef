//! Evaluates the tree of an expression.
//!
//! Errors are collected, so that independent parts each report theirs. A part with an error
//! yields [`Failed`] and is not used further. No message shows a value that may be secret: names
//! in messages come from the text of the stack.

mod access;
mod loops;
mod operators;
mod render;

use super::budget::Exhausted;
use super::functions::{Arguments, Function, Problem, Reads};
use super::scope::Scope;
use super::tree::{Call, Conditional, Content, Expression, Node};
use super::unify::Type;
use super::{Reference, Step, convert, parse};
use crate::diag::{Diagnostic, FileId, Span, a};
use crate::value::{Unknown, Value};

/// Evaluates a template. Its text lies at `whole`.
pub(super) fn content(
    content: &Content,
    scope: &dyn Scope,
    inside_template_file: bool,
    whole: Span,
) -> Result<Value, Vec<Diagnostic>> {
    match content {
        Content::Literal(text) => Ok(text.as_str().into()),
        Content::Parts { parts, .. } => {
            Evaluator::new(scope, inside_template_file, whole).evaluate_template(parts)
        }
    }
}

/// Renders a template that a function has read. Functions do not know the parser, so the evaluator gives
/// this to them.
fn render_file(text: &str, names: &dyn Scope) -> Result<Value, Vec<Diagnostic>> {
    // The text is no source file of the stack, so messages describe places in words.
    let whole = Span::new(FileId(u32::MAX), 0, text.len());
    let parsed = parse::content(text, whole, true).map_err(|error| vec![error])?;
    content(&parsed, names, true, whole)
}

struct Evaluator<'a> {
    scope: &'a dyn Scope,
    /// The names that enclosing `for`s bind, innermost last.
    bound: Vec<(&'a str, Value)>,
    errors: Vec<Diagnostic>,
    inside_template_file: bool,
    /// The span of the whole template.
    whole: Span,
}

/// The part has no value; the reason is among the errors.
struct Failed;

type Evaluated<T = Value> = Result<T, Failed>;

/// True if a value that contributed to a result was secret.
#[derive(Clone, Copy, Default)]
struct Taint(bool);

impl Taint {
    /// Unwraps a secret, and remembers that there was one.
    fn open(&mut self, value: Value) -> Value {
        match value {
            Value::Secret(inner) => {
                self.0 = true;
                *inner
            }
            plain => plain,
        }
    }

    /// As [`Taint::open`], at any depth.
    fn open_all(&mut self, value: Value) -> Value {
        if value.contains_secret() {
            self.0 = true;
            value.reveal()
        } else {
            value
        }
    }

    fn close(self, value: Value) -> Value {
        if self.0 { value.tainted() } else { value }
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: &'a dyn Scope, inside_template_file: bool, whole: Span) -> Self {
        Self { scope, bound: Vec::new(), errors: Vec::new(), inside_template_file, whole }
    }

    /// Turns the result of the evaluation into that of the template.
    fn finish(self, outcome: Evaluated) -> Result<Value, Vec<Diagnostic>> {
        match outcome {
            Ok(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }

    fn fail<T>(&mut self, error: Diagnostic) -> Evaluated<T> {
        self.errors.push(error);
        Err(Failed)
    }

    fn wrong_type<T>(&mut self, span: Span, what: &str, expected: &str, found: &Value) -> Evaluated<T> {
        let found = found.kind_name();
        self.fail(
            Diagnostic::error("wrong-type", format!("{what} needs {}, found {found}", a(expected)))
                .at(span, format!("this is {}", article(found))),
        )
    }

    fn evaluate(&mut self, node: &'a Node) -> Evaluated {
        let budget = self.scope.budget();
        let held = budget.held();
        self.within(node.span, budget.steps(1))?;
        let value = self.expression(node)?;
        self.within(node.span, budget.settle(held, &value))?;
        Ok(value)
    }

    /// Fails if the budget is exceeded.
    fn within(&mut self, span: Span, spent: Result<(), Exhausted>) -> Evaluated<()> {
        match spent {
            Ok(()) => Ok(()),
            Err(Exhausted) => self.fail(self.scope.budget().error(span)),
        }
    }

    fn expression(&mut self, node: &'a Node) -> Evaluated {
        match &node.expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Template(parts) => self.template(parts),
            Expression::List(items) => self.list(items),
            Expression::Map(entries) => self.map(entries),
            Expression::Reference(reference) => self.reference(reference),
            Expression::Bound(name) => self.bound(name, node.span),
            Expression::Access(access) => self.access(access),
            Expression::Conditional(conditional) => self.conditional(conditional),
            Expression::Unary(operator, operand) => self.unary(*operator, operand),
            Expression::Binary(operator, operands) => {
                self.binary(*operator, &operands.0, &operands.1, node.span)
            }
            Expression::Call(call) => self.call(call, node.span),
            Expression::Try(candidates) => self.first_that_succeeds(candidates, node.span),
            Expression::Can(candidate) => self.can(candidate),
            Expression::For(source) => self.for_expression(source),
        }
    }

    fn evaluate_all(&mut self, nodes: impl Iterator<Item = &'a Node>) -> Evaluated<Vec<Value>> {
        let values: Vec<Evaluated> = nodes.map(|node| self.evaluate(node)).collect();
        values.into_iter().collect()
    }

    fn list(&mut self, items: &'a [Node]) -> Evaluated {
        self.evaluate_all(items.iter()).map(Value::List)
    }

    fn map(&mut self, entries: &'a [(Node, Node)]) -> Evaluated {
        let keys: Vec<Evaluated> = entries.iter().map(|(key, _)| self.evaluate(key)).collect();
        let values = self.evaluate_all(entries.iter().map(|(_, value)| value));
        let keys = keys.into_iter().collect::<Evaluated<Vec<_>>>()?;
        let mut taint = Taint::default();
        let mut unknown = None;
        let mut map = std::collections::BTreeMap::new();
        for ((key, (node, _)), value) in keys.into_iter().zip(entries).zip(values?) {
            match taint.open(key) {
                Value::Unknown(key) => unknown = unknown.or(Some(key)),
                key => {
                    map.insert(self.key(&key, node.span)?, value);
                }
            }
        }
        Ok(taint.close(unknown.map_or(Value::Map(map), Value::Unknown)))
    }

    /// Converts the key of a map to text.
    fn key(&mut self, key: &Value, span: Span) -> Evaluated<String> {
        match convert::to_text(key) {
            Some(text) => Ok(text.into_owned()),
            None => self.wrong_type(span, "the key of a map", "string", key),
        }
    }

    fn reference(&mut self, reference: &Reference) -> Evaluated {
        let (value, taken) = match self.scope.resolve(reference) {
            Ok(resolved) => resolved,
            Err(error) if error.primary.is_none() => return self.fail(error.at(reference.span, "")),
            Err(error) => return self.fail(error),
        };
        let mut taint = Taint::default();
        let mut value = taint.open(value);
        for step in reference.steps.get(taken..).unwrap_or_default() {
            let inner = match step {
                Step::Attribute(name) => self.attribute(value, name, reference.span, taint)?,
                Step::Index(index) => self.index(value, index, reference.span, taint)?,
                Step::Each(index) => {
                    let index = self.reference(index)?;
                    let index = taint.open(index);
                    self.index(value, &index, reference.span, taint)?
                }
            };
            value = taint.open(inner);
        }
        Ok(taint.close(value))
    }

    fn bound(&mut self, name: &str, span: Span) -> Evaluated {
        match self.bound.iter().rev().find(|(bound, _)| *bound == name) {
            Some((_, value)) => Ok(value.clone()),
            // Unreachable: the parser distinguishes bound names from references.
            None => {
                self.fail(Diagnostic::error("unknown-name", format!("`{name}` is not bound")).at(span, ""))
            }
        }
    }

    fn conditional(&mut self, conditional: &'a Conditional) -> Evaluated {
        let condition = self.evaluate(&conditional.condition)?;
        let mut taint = Taint::default();
        let (chosen, other) = match self.condition(condition, &conditional.condition, &mut taint)? {
            Ok(true) => (&conditional.then, &conditional.otherwise),
            Ok(false) => (&conditional.otherwise, &conditional.then),
            Err(unknown) => return Ok(taint.close(unknown.into())),
        };
        let value = self.evaluate(chosen)?;
        let value = match self.type_of(other)? {
            Some(other) => self.as_one(value, &other, chosen)?,
            None => value,
        };
        Ok(taint.close(value))
    }

    /// The type of the arm that is not chosen; `None` if it has no value here.
    fn type_of(&mut self, node: &'a Node) -> Evaluated<Option<Type>> {
        if let Expression::Literal(value) = &node.expression {
            return Ok(Some(Type::of(value)));
        }
        let (errors, bound) = (self.errors.len(), self.bound.len());
        let held = self.scope.budget().held();
        let value = self.evaluate(node);
        if self.scope.budget().is_exhausted() {
            return Err(Failed);
        }
        self.scope.budget().release(held);
        self.bound.truncate(bound);
        self.errors.truncate(errors);
        Ok(value.ok().map(|value| Type::of(&value)))
    }

    /// Converts a value to the common type of both arms.
    fn as_one(&mut self, value: Value, other: &Type, node: &Node) -> Evaluated {
        let own = Type::of(&value);
        if own == *other {
            return Ok(value);
        }
        let common = Type::common([&own, other]);
        match common.map_or(Err(Value::Null), |common| common.bring(value)) {
            Ok(value) => Ok(value),
            Err(_) => self.fail(
                Diagnostic::error(
                    "wrong-type",
                    format!("the branches of `? :` have no type in common: {own} here, {other} in the other"),
                )
                .at(node.span, ""),
            ),
        }
    }

    /// The condition as a boolean, or the unknown that it depends on.
    fn condition(
        &mut self,
        value: Value,
        node: &Node,
        taint: &mut Taint,
    ) -> Evaluated<Result<bool, Unknown>> {
        match taint.open(value) {
            Value::Unknown(unknown) => Ok(Err(unknown)),
            value => match convert::to_bool(&value) {
                Some(bool) => Ok(Ok(bool)),
                None => self.wrong_type(node.span, "a condition", "bool", &value),
            },
        }
    }

    fn first_that_succeeds(&mut self, candidates: &'a [Node], span: Span) -> Evaluated {
        let (errors, bound) = (self.errors.len(), self.bound.len());
        let mut reasons = Vec::new();
        for candidate in candidates {
            if let Ok(value) = self.evaluate(candidate) {
                return Ok(value);
            }
            self.bound.truncate(bound);
            if self.scope.budget().is_exhausted() {
                return Err(Failed);
            }
            reasons.extend(self.errors.drain(errors..).map(|error| error.message));
        }
        let mut error = Diagnostic::error("try-failed", "no argument of `try` can be evaluated").at(span, "");
        error.notes = reasons;
        self.fail(error)
    }

    fn can(&mut self, candidate: &'a Node) -> Evaluated {
        let (errors, bound) = (self.errors.len(), self.bound.len());
        match self.evaluate(candidate) {
            Ok(Value::Unknown(unknown)) => Ok(unknown.into()),
            Ok(value) => {
                let taint = Taint(matches!(value, Value::Secret(_)));
                Ok(taint.close(true.into()))
            }
            Err(Failed) if self.scope.budget().is_exhausted() => Err(Failed),
            Err(Failed) => {
                self.bound.truncate(bound);
                self.errors.truncate(errors);
                Ok(false.into())
            }
        }
    }

    fn call(&mut self, call: &'a Call, span: Span) -> Evaluated {
        let function = call.function;
        let mut values = self.evaluate_all(call.arguments.iter())?;
        let mut taint = Taint::default();
        if call.expand {
            let last = values.pop().map(|last| taint.open(last));
            match last {
                Some(Value::List(items) | Value::Set(items)) => values.extend(items),
                Some(Value::Unknown(unknown)) => return Ok(taint.close(unknown.into())),
                found => {
                    let place = call.arguments.last().map_or(span, |last| last.span);
                    return self.wrong_type(place, "`...`", "list", &found.unwrap_or_default());
                }
            }
        }
        if let Err(message) = function.check_count(values.len()) {
            return self.fail(Diagnostic::error("wrong-arguments", message).at(span, ""));
        }
        let withheld = taint.0 || values.iter().any(Value::contains_secret);
        for value in &mut values {
            let argument = std::mem::take(value);
            *value = match function.reads {
                Reads::All => taint.open_all(argument),
                Reads::Surface => taint.open(argument),
                Reads::Nothing => argument,
            };
        }
        let unknown = match function.reads {
            Reads::All => values.iter().find_map(Value::first_unknown),
            Reads::Surface => values.iter().find_map(|value| match value {
                Value::Unknown(unknown) => Some(unknown),
                _ => None,
            }),
            Reads::Nothing => None,
        };
        if let Some(unknown) = unknown {
            return Ok(taint.close(unknown.clone().into()));
        }
        self.within(span, values.iter().try_for_each(|value| self.scope.budget().read(value)))?;
        let mut arguments = Arguments::new(values, self.scope, self.inside_template_file, render_file);
        match (function.run)(&mut arguments) {
            Ok(mut value) => {
                convert::normalize(&mut value);
                Ok(taint.close(value))
            }
            Err(_) if self.scope.budget().is_exhausted() => self.fail(self.scope.budget().error(span)),
            Err(problem) => self.fail(explain(problem, function, call, span, withheld)),
        }
    }
}

/// The error of a function, at the argument that caused it.
fn explain(problem: Problem, function: &Function, call: &Call, span: Span, withheld: bool) -> Diagnostic {
    let place = problem
        .argument
        .and_then(|index| call.arguments.get(index).or(call.arguments.last()))
        .map_or(span, |argument| argument.span);
    if withheld && !problem.shows_nothing {
        let message = format!("{}: an argument is not valid", function.name);
        return Diagnostic::error(problem.code, message)
            .at(place, "")
            .note("the reason is withheld: a secret is involved");
    }
    let error =
        Diagnostic::error(problem.code, format!("{}: {}", function.name, problem.message)).at(place, "");
    problem.notes.into_iter().fold(error, Diagnostic::note)
}

fn article(kind: &str) -> String {
    match kind {
        "null" | "unknown" => kind.to_owned(),
        _ => a(kind),
    }
}
