//! A TOML value with its place in the file, its strings parsed as expressions.

use toml::Spanned;
use toml::de::DeValue;

use crate::diag::{Diagnostic, FileId, Span};
use crate::lang::{Reference, Scope, Template};
use crate::schema::PathStep;
use crate::value::{Number, Value};

/// A TOML value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub content: Content,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A value without expressions.
    Literal(Value),
    /// A string with expressions.
    Template(Template),
    /// An array.
    List(Vec<Node>),
    /// A table, in order of writing.
    Table(Vec<Entry>),
}

/// One key of a table.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub name: String,
    /// Where the key stands.
    pub span: Span,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// Reads a parsed TOML value of `file`, whose whole text is `text`. What is wrong
    /// with its expressions goes to `problems`, and something unknown stands in its place.
    pub fn read(
        value: &Spanned<DeValue<'_>>,
        file: FileId,
        text: &str,
        problems: &mut Vec<Diagnostic>,
    ) -> Self {
        let range = value.span();
        let span = Span::new(file, range.start, range.end);
        let mut refuse = |diagnostic| {
            problems.push(diagnostic);
            Content::Literal(Value::unknown("", ""))
        };
        let content = match value.get_ref() {
            DeValue::String(string) => {
                let (inner, exact) = inside_quotes(text, span, string);
                match Template::parse(string, inner, exact) {
                    Ok(template) => match template.is_literal() {
                        Some(literal) => Content::Literal(Value::String(literal.to_owned())),
                        None => Content::Template(template),
                    },
                    Err(diagnostic) => refuse(diagnostic),
                }
            }
            DeValue::Integer(integer) => match Number::parse_radix(integer.as_str(), integer.radix()) {
                // TOML has no zero with a sign.
                Some(number) if number.is_zero() => Content::Literal(Value::from(0)),
                Some(number) => Content::Literal(Value::Number(number)),
                None => refuse(
                    Diagnostic::error("invalid-number", "the number is too large").at(span, "too large"),
                ),
            },
            DeValue::Float(float) => match Number::parse(float.as_str()) {
                Some(number) if number.is_zero() => Content::Literal(Value::from(0)),
                Some(number) => Content::Literal(Value::Number(number)),
                None if float.as_str().contains(['n', 'N']) => refuse(
                    Diagnostic::error("invalid-number", "a number must be finite")
                        .at(span, "not a finite number"),
                ),
                None => refuse(
                    Diagnostic::error("invalid-number", "the number is too large or has too many digits")
                        .at(span, "too large"),
                ),
            },
            DeValue::Boolean(flag) => Content::Literal(Value::Bool(*flag)),
            DeValue::Datetime(datetime) => Content::Literal(Value::String(datetime.to_string())),
            DeValue::Array(list) => {
                Content::List(list.iter().map(|item| Self::read(item, file, text, problems)).collect())
            }
            DeValue::Table(table) => {
                let mut entries: Vec<Entry> = table
                    .iter()
                    .map(|(key, value)| Entry {
                        name: key.get_ref().to_string(),
                        span: Span::new(file, key.span().start, key.span().end),
                        value: Self::read(value, file, text, problems),
                    })
                    .collect();
                entries.sort_by_key(|entry| entry.span);
                Content::Table(entries)
            }
        };
        Self { span, content }
    }

    /// An empty table at `span`.
    pub fn empty(span: Span) -> Self {
        Self { span, content: Content::Table(Vec::new()) }
    }

    /// The entries, if it is a table.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The entry of this name, if it is a table that has it.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// The value, if it has no expressions at all.
    pub fn literal(&self) -> Option<Value> {
        match &self.content {
            Content::Literal(value) => Some(value.clone()),
            Content::Template(_) => None,
            Content::List(list) => {
                list.iter().map(Self::literal).collect::<Option<Vec<_>>>().map(Value::List)
            }
            Content::Table(entries) => entries
                .iter()
                .map(|entry| Some((entry.name.clone(), entry.value.literal()?)))
                .collect::<Option<_>>()
                .map(Value::Map),
        }
    }

    /// Everything it refers to.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        self.visit(&mut |template| references.extend(template.references()));
        references
    }

    fn visit(&self, each: &mut impl FnMut(&Template)) {
        match &self.content {
            Content::Literal(_) => {}
            Content::Template(template) => each(template),
            Content::List(list) => list.iter().for_each(|node| node.visit(each)),
            Content::Table(entries) => entries.iter().for_each(|entry| entry.value.visit(each)),
        }
    }

    /// Its value in `scope`. Every problem in it goes to `problems`; null stands in the
    /// place of what has one.
    pub fn evaluate(&self, scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Value {
        self.evaluate_named(scope, problems).listed()
    }

    /// As [`Node::evaluate`], for what other expressions refer to: a set stays one.
    pub fn evaluate_named(&self, scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Value {
        match &self.content {
            Content::Literal(value) => match scope.budget().take(value, self.span) {
                Ok(()) => value.clone(),
                Err(problem) => {
                    problems.push(problem);
                    Value::Null
                }
            },
            Content::Template(template) => template.evaluate_named(scope).unwrap_or_else(|found| {
                problems.extend(found);
                Value::Null
            }),
            Content::List(list) => {
                Value::List(list.iter().map(|node| node.evaluate_named(scope, problems)).collect())
            }
            Content::Table(entries) => Value::Map(
                entries
                    .iter()
                    .map(|entry| (entry.name.clone(), entry.value.evaluate_named(scope, problems)))
                    .collect(),
            ),
        }
    }

    /// What stands at a path, or what makes it: an expression above it.
    pub fn find(&self, path: &[PathStep]) -> Option<&Self> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        match (&self.content, step) {
            (Content::Template(_), _) => Some(self),
            (Content::Table(_), PathStep::Name(name)) => self.entry(name)?.value.find(rest),
            (Content::List(list), PathStep::Index(index)) => list.get(*index)?.find(rest),
            _ => None,
        }
    }

    /// Whether a table has an entry of this name, or may have one since it is an expression.
    pub fn has(&self, name: &str) -> bool {
        match &self.content {
            Content::Table(entries) => entries.iter().any(|entry| entry.name == *name),
            _ => true,
        }
    }

    /// Where `path` stands, as deep as the file says it: below an expression everything
    /// is at the expression. The key of the last step rather than its value if `key`.
    pub fn place(&self, path: &[PathStep], key: bool) -> Span {
        let mut node = self;
        let mut span = self.span;
        for (index, step) in path.iter().enumerate() {
            match (&node.content, step) {
                (Content::Table(entries), PathStep::Name(name)) => {
                    let Some(entry) = entries.iter().find(|entry| entry.name == *name) else { break };
                    node = &entry.value;
                    span = if key && index + 1 == path.len() { entry.span } else { node.span };
                }
                (Content::List(list), PathStep::Index(index)) => {
                    let Some(element) = list.get(*index) else { break };
                    node = element;
                    span = node.span;
                }
                _ => break,
            }
        }
        span
    }
}

/// Where the content of a string literal lies, and whether the bytes there are the
/// string, so that places inside of it can be told.
fn inside_quotes(text: &str, span: Span, string: &str) -> (Span, bool) {
    let raw = text.get(span.start..span.end).unwrap_or("");
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        let Some(inner) = raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) else { continue };
        let mut start = span.start + quote.len();
        let mut inner = inner;
        if quote.len() == 3 {
            // A newline right after the opening quotes is not part of the string.
            for newline in ["\r\n", "\n"] {
                if let Some(rest) = inner.strip_prefix(newline) {
                    start += newline.len();
                    inner = rest;
                    break;
                }
            }
        }
        if inner == string {
            return (Span::new(span.file, start, start + inner.len()), true);
        }
        break;
    }
    (span, false)
}
