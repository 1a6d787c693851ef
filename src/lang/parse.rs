//! Parses text to a tree: `hcl-edit` parses the syntax, and this module interprets it.

mod lowering;
mod text;

use hcl_edit::expr::{self, ObjectKey, TraversalOperator};
use hcl_edit::{Decorated, Formatted, Ident, Number as HclNumber, Span as _};

use super::tree::{Access, AccessStep, Call, Conditional, Content, Expression, For, Loop, Node, Part};
use super::{Reference, Step};
use super::{convert, functions};
use crate::diag::{self, Diagnostic, Span};
use crate::value::{Number, Value};
use lowering::{Lowered, Lowering, Text, parsed};

/// Parses a template.
pub(super) fn content(text: &str, span: Span, exact: bool) -> Result<Content, Diagnostic> {
    match literal(text) {
        Some(literal) => Ok(Content::Literal(convert::normal(literal))),
        None => {
            let (parts, references) = template(text, span, exact)?;
            Ok(Content::Parts { parts, references })
        }
    }
}

/// The text with `$${` and `%%{` unescaped, if it contains no expression.
fn literal(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '%']) {
        let (before, marker) = rest.split_at(at);
        out.push_str(before);
        if marker.starts_with("${") || marker.starts_with("%{") {
            return None;
        }
        // Markers are ASCII, so the cuts below are at character boundaries.
        if marker.starts_with("$${") || marker.starts_with("%%{") {
            out.push_str(&marker[1..3]);
            rest = &marker[3..];
        } else {
            out.push_str(&marker[..1]);
            rest = &marker[1..];
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Nesting of brackets and operators that can never overflow the stack.
const SHALLOW: usize = 16;

/// Several times enough for the deepest expression that the parser accepts.
const DEEP_STACK: usize = 16 * 1024 * 1024;

/// Parses a template with expressions, and collects all its references.
///
/// The parser limits the nesting of expressions and the length of operator chains, so walking its
/// tree cannot overflow the stack. The parser itself takes up to 30 KB for each level, so texts that
/// may be deep are parsed on a separate stack.
fn template(text: &str, span: Span, exact: bool) -> Result<(Vec<Part>, Vec<Reference>), Diagnostic> {
    let nesting = text.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{' | b'?' | b'!' | b'-')).count();
    if nesting <= SHALLOW {
        return parse(text, span, exact);
    }
    let failed = || Diagnostic::error("invalid-expression", "the expression cannot be parsed").at(span, "");
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(DEEP_STACK)
            .spawn_scoped(scope, || parse(text, span, exact))
            .map_err(|_| failed())?
            .join()
            .map_err(|_| failed())?
    })
}

fn parse(text: &str, span: Span, exact: bool) -> Result<(Vec<Part>, Vec<Reference>), Diagnostic> {
    let mut lowering = Lowering { text, offset: 0, span, exact, bound: Vec::new(), references: Vec::new() };
    let parsed = parsed(text).map_err(|error| {
        // For an error at the end of the text, the parser gives the place of the last byte.
        let at = text.floor_char_boundary(error.location().offset());
        let place = lowering.place(Some(at..at + text[at..].chars().next().map_or(0, char::len_utf8)));
        if error.message().contains("nested levels") || error.message().contains("chained") {
            Diagnostic::error("too-deep", format!("the expression is too deep: {}", error.message()))
                .at(place, "")
                .help("move a part of it to [local]")
        } else {
            let reason = match error.message() {
                "unexpected token" if text[at..].starts_with("${") => "`${` without its `}`",
                "unexpected token" if text[at..].starts_with("%{") => {
                    "`%{` starts no complete `if` … `endif` or `for` … `endfor`"
                }
                message if message.starts_with("invalid expression; expected") => "a value is missing here",
                message => message,
            };
            let error = Diagnostic::error("invalid-expression", format!("not a valid expression: {reason}"));
            let error = error.at(place, "");
            match foreign(text, at) {
                Some(help) => error.help(help),
                None => error,
            }
        }
    })?;
    let parts = lowering.parts(&parsed, Text::Lines)?;
    Ok((parts, lowering.references))
}

/// A hint at the intended syntax where a text is no template.
fn foreign(text: &str, at: usize) -> Option<String> {
    if text[at..].starts_with("%{") {
        return Some("write a literal `%{` as `%%{`".to_owned());
    }
    const PSEUDO: [(&str, &str); 5] = [
        ("AWS::AccountId", "aws.account_id"),
        ("AWS::Region", "aws.region"),
        ("AWS::Partition", "aws.partition"),
        ("AWS::StackName", "stack.name"),
        ("AWS::NoValue", "null"),
    ];
    let (theirs, ours) = PSEUDO.into_iter().find(|(theirs, _)| text.contains(theirs))?;
    Some(format!("CloudFormation's `${{{theirs}}}` is `${{{ours}}}` here"))
}

impl Lowering<'_> {
    fn node(&mut self, source: &expr::Expression) -> Lowered<Node> {
        let span = self.place(source.span());
        let expression = match source {
            expr::Expression::Null(_) => Expression::Literal(Value::Null),
            expr::Expression::Bool(bool) => Expression::Literal((*bool.value()).into()),
            expr::Expression::Number(number) => Expression::Literal(self.number(number)),
            expr::Expression::String(text) => Expression::Literal(literal_text(text.as_str())),
            expr::Expression::Array(items) => {
                Expression::List(items.iter().map(|item| self.node(item)).collect::<Lowered<_>>()?)
            }
            expr::Expression::Object(object) => self.map(object)?,
            expr::Expression::StringTemplate(template) => {
                Expression::Template(self.elements(template.iter(), Text::Quoted)?)
            }
            expr::Expression::HeredocTemplate(heredoc) => {
                Expression::Template(self.heredoc(&heredoc.template)?)
            }
            expr::Expression::Parenthesis(inner) => return self.node(inner.inner()),
            expr::Expression::Variable(name) => self.name(name.as_str(), span),
            expr::Expression::Conditional(conditional) => Expression::Conditional(Box::new(Conditional {
                condition: self.node(&conditional.cond_expr)?,
                then: self.node(&conditional.true_expr)?,
                otherwise: self.node(&conditional.false_expr)?,
            })),
            expr::Expression::FuncCall(call) => self.call(call, span)?,
            expr::Expression::Traversal(traversal) => self.traversal(traversal, span)?,
            expr::Expression::UnaryOp(operation) => {
                Expression::Unary(*operation.operator.value(), Box::new(self.node(&operation.expr)?))
            }
            expr::Expression::BinaryOp(operation) => {
                let operands = (self.node(&operation.lhs_expr)?, self.node(&operation.rhs_expr)?);
                Expression::Binary(*operation.operator.value(), Box::new(operands))
            }
            expr::Expression::ForExpr(source) => self.for_expression(source)?,
        };
        Ok(Node { span, expression })
    }

    /// The number with all its written digits.
    fn number(&self, number: &Formatted<HclNumber>) -> Value {
        let written = number.span().and_then(|range| self.text.get(range)).and_then(Number::parse);
        match (written, number.value().as_i64()) {
            (Some(written), _) => written.into(),
            (None, Some(integer)) => integer.into(),
            (None, None) => number.value().as_f64().and_then(Number::from_f64).into(),
        }
    }

    /// A step that is known before evaluation, or that `each` alone decides.
    fn static_step(&mut self, operator: &TraversalOperator) -> Option<Step> {
        match operator {
            TraversalOperator::Index(index) if is_each(index) => match self.node(index).ok()?.expression {
                Expression::Reference(each) if each.root == "each" => Some(Step::Each(each)),
                _ => None,
            },
            TraversalOperator::GetAttr(name) => Some(Step::Attribute(name.as_str().to_owned())),
            TraversalOperator::Index(expr::Expression::String(text)) => {
                Some(Step::Index(literal_text(text.as_str())))
            }
            TraversalOperator::Index(expr::Expression::Number(number)) => {
                Some(Step::Index(self.number(number)))
            }
            TraversalOperator::LegacyIndex(index) => Some(Step::Index(legacy_index(*index.value()))),
            _ => None,
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Expression {
        if self.bound.iter().any(|bound| bound == name) {
            Expression::Bound(name.to_owned())
        } else {
            let reference = Reference { root: name.to_owned(), steps: Vec::new(), span };
            self.references.push(reference.clone());
            Expression::Reference(Box::new(reference))
        }
    }

    fn map(&mut self, object: &expr::Object) -> Lowered<Expression> {
        let mut entries = Vec::with_capacity(object.len());
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(name) => Node {
                    span: self.place(name.span()),
                    expression: Expression::Literal(literal_text(name.as_str())),
                },
                // A key is primarily a name.
                ObjectKey::Expression(null @ expr::Expression::Null(_)) => {
                    Node { span: self.place(null.span()), expression: Expression::Literal("null".into()) }
                }
                ObjectKey::Expression(expression @ expr::Expression::Traversal(_)) => {
                    return Err(Diagnostic::error(
                        "ambiguous-key",
                        "a key that is an expression needs parentheses",
                    )
                    .at(self.place(expression.span()), "")
                    .help("write (…) around it, or quotes for a literal key with a dot in it"));
                }
                ObjectKey::Expression(expression) => self.node(expression)?,
            };
            entries.push((key, self.node(value.expr())?));
        }
        Ok(Expression::Map(entries))
    }

    fn call(&mut self, call: &expr::FuncCall, span: Span) -> Lowered<Expression> {
        let name = call.name.name.as_str();
        let arguments: Vec<Node> = call.args.iter().map(|item| self.node(item)).collect::<Lowered<_>>()?;
        let namespaced = call.name.is_namespaced();
        if !namespaced && name == "try" && !arguments.is_empty() && !call.args.expand_final() {
            return Ok(Expression::Try(arguments));
        }
        if !namespaced && name == "can" && arguments.len() == 1 && !call.args.expand_final() {
            return Ok(arguments
                .into_iter()
                .next()
                .map_or(Expression::Literal(Value::Null), |argument| Expression::Can(Box::new(argument))));
        }
        if !namespaced
            && name == functions::TEMPLATE_STRING
            && let Some(template) = arguments.first()
            && !matches!(
                template.expression,
                Expression::Reference(_) | Expression::Bound(_) | Expression::Access(_)
            )
        {
            let message = "the template of `templatestring` must be a reference";
            return Err(Diagnostic::error("invalid-argument", message).at(template.span, "").help(
                "text that is written here needs no function; otherwise put it into [local], with `$${` for `${`",
            ));
        }
        let function = if namespaced { None } else { functions::find(name) };
        match function {
            Some(function) => {
                Ok(Expression::Call(Box::new(Call { function, arguments, expand: call.args.expand_final() })))
            }
            None => {
                let place = call.name.name.span().map_or(span, |range| self.place(Some(range)));
                let error = Diagnostic::error("unknown-function", format!("there is no function `{name}`"));
                Err(match diag::nearest(name, functions::names()) {
                    Some(near) => error.at(place, format!("did you mean `{near}`?")),
                    None => error.at(place, ""),
                })
            }
        }
    }

    fn traversal(&mut self, traversal: &expr::Traversal, span: Span) -> Lowered<Expression> {
        let mut operators = traversal.operators.as_slice();
        let base = match &traversal.expr {
            expr::Expression::Variable(name) if !self.bound.iter().any(|bound| bound == name.as_str()) => {
                let mut steps = Vec::new();
                let mut end = traversal.expr.span().map(|range| range.end);
                while let [first, rest @ ..] = operators {
                    let Some(step) = self.static_step(first.value()) else { break };
                    steps.push(step);
                    end = first.span().map(|range| range.end);
                    operators = rest;
                }
                let range = match (traversal.expr.span(), end) {
                    (Some(start), Some(end)) => Some(start.start..end),
                    _ => traversal.span(),
                };
                let reference = Reference { root: name.as_str().to_owned(), steps, span: self.place(range) };
                self.references.push(reference.clone());
                let place = reference.span;
                if operators.is_empty() {
                    return Ok(Expression::Reference(Box::new(reference)));
                }
                Node { span: place, expression: Expression::Reference(Box::new(reference)) }
            }
            other => self.node(other)?,
        };
        let mut steps = Vec::with_capacity(operators.len());
        for operator in operators {
            let place = operator.span().map_or(span, |range| self.place(Some(range)));
            steps.push(match operator.value() {
                TraversalOperator::GetAttr(name) => AccessStep::Attribute(name.as_str().to_owned(), place),
                TraversalOperator::Index(index) => AccessStep::Index(self.node(index)?),
                TraversalOperator::LegacyIndex(index) => AccessStep::Index(Node {
                    span: place,
                    expression: Expression::Literal(legacy_index(*index.value())),
                }),
                TraversalOperator::AttrSplat(_) => AccessStep::AttributeSplat,
                TraversalOperator::FullSplat(_) => AccessStep::FullSplat,
            });
        }
        Ok(Expression::Access(Box::new(Access { base, steps })))
    }

    fn for_expression(&mut self, source: &expr::ForExpr) -> Lowered<Expression> {
        let intro = &source.intro;
        let over = self.enter(intro.key_var.as_ref(), &intro.value_var, &intro.collection_expr)?;
        let key = source.key_expr.as_ref().map(|key| self.node(key)).transpose()?;
        let value = self.node(&source.value_expr)?;
        let condition = source.cond.as_ref().map(|condition| self.node(&condition.expr)).transpose()?;
        self.leave(&over);
        Ok(Expression::For(Box::new(For { over, key, value, condition, grouping: source.grouping })))
    }

    /// Lowers the collection, then binds the names for what follows.
    fn enter(
        &mut self,
        key: Option<&Decorated<Ident>>,
        value: &Decorated<Ident>,
        collection: &expr::Expression,
    ) -> Lowered<Loop> {
        let over = Loop {
            collection: self.node(collection)?,
            key: key.map(|name| name.as_str().to_owned()),
            value: value.as_str().to_owned(),
        };
        self.bound.extend(over.key.iter().chain([&over.value]).cloned());
        Ok(over)
    }

    fn leave(&mut self, over: &Loop) {
        let names = 1 + usize::from(over.key.is_some());
        self.bound.truncate(self.bound.len().saturating_sub(names));
    }
}

/// Returns whether an index is a part of `each`, such as `each.key`.
fn is_each(index: &expr::Expression) -> bool {
    let expr::Expression::Traversal(traversal) = index else { return false };
    let is_static = |operator: &Decorated<TraversalOperator>| match operator.value() {
        TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_) => true,
        TraversalOperator::Index(index) => {
            matches!(index, expr::Expression::String(_) | expr::Expression::Number(_))
        }
        _ => false,
    };
    matches!(&traversal.expr, expr::Expression::Variable(name) if name.as_str() == "each")
        && traversal.operators.iter().all(is_static)
}

fn literal_text(text: &str) -> Value {
    convert::normal(text.to_owned()).into()
}

fn legacy_index(index: u64) -> Value {
    i64::try_from(index).unwrap_or(i64::MAX).into()
}
