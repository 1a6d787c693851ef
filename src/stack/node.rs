//! TOML values with their places in the file. Their strings are parsed as expressions.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use crate::diag::{Diagnostic, FileId, Span};
use crate::lang::{Reference, Scope, Template};
use crate::schema::PathStep;
use crate::value::{Number, Value};

/// A TOML value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its place.
    pub span: Span,
    /// Its content.
    pub content: Content,
}

/// The content of a [`Node`].
#[derive(Clone, Debug)]
pub enum Content {
    /// A value without expressions.
    Literal(Value),
    /// A string with expressions.
    Template(Template),
    /// An array.
    List(Vec<Node>),
    /// A table, in the order of the file.
    Table(Vec<Entry>),
}

/// One key of a table.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as it is written.
    pub name: String,
    /// The place of the key.
    pub span: Span,
    /// The key, if it contains expressions. They are evaluated only where a table is a map with free keys.
    pub key: Option<Template>,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// Converts a parsed TOML value of `file`, whose whole text is `text`. Errors in its expressions are
    /// added to `problems`, and an unknown value replaces the expression.
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
                // TOML has no negative zero.
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
                    .map(|(key, value)| {
                        let span = Span::new(file, key.span().start, key.span().end);
                        let (name, key) = read_key(key.get_ref(), span, text, problems);
                        Entry { name, span, key, value: Self::read(value, file, text, problems) }
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

    /// The entry with this name, if it is a table that has one.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name == name)
    }

    /// The value, if it contains no expressions.
    pub fn literal(&self) -> Option<Value> {
        match &self.content {
            Content::Literal(value) => Some(value.clone()),
            Content::Template(_) => None,
            Content::List(list) => {
                list.iter().map(Self::literal).collect::<Option<Vec<_>>>().map(Value::List)
            }
            Content::Table(entries) => entries
                .iter()
                .map(|entry| {
                    Some((entry.name.clone(), entry.value.literal().filter(|_| entry.key.is_none())?))
                })
                .collect::<Option<_>>()
                .map(Value::Map),
        }
    }

    /// All references in it.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        self.visit(&mut |template| references.extend(template.references()));
        references
    }

    /// The reference, if it is nothing else.
    pub fn reference(&self) -> Option<&Reference> {
        match &self.content {
            Content::Template(template) => template.reference(),
            Content::Literal(_) | Content::List(_) | Content::Table(_) => None,
        }
    }

    fn visit(&self, each: &mut impl FnMut(&Template)) {
        match &self.content {
            Content::Literal(_) => {}
            Content::Template(template) => each(template),
            Content::List(list) => list.iter().for_each(|node| node.visit(each)),
            Content::Table(entries) => entries.iter().for_each(|entry| {
                entry.key.iter().for_each(&mut *each);
                entry.value.visit(each);
            }),
        }
    }

    /// Its value in `scope`. Every error in it is added to `problems`, and null replaces the part with
    /// the error.
    pub fn evaluate(&self, scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Value {
        self.evaluate_named(scope, problems).listed()
    }

    /// As [`Node::evaluate`], but a set stays a set. For values that other expressions refer to.
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
            Content::Table(entries) if entries.iter().any(|entry| entry.key.is_some()) => {
                keyed(entries, scope, problems)
            }
            Content::Table(entries) => Value::Map(
                entries
                    .iter()
                    .map(|entry| (entry.name.clone(), entry.value.evaluate_named(scope, problems)))
                    .collect(),
            ),
        }
    }

    /// The node at a path, or the expression above it that produces the value there.
    pub fn find(&self, path: &[PathStep]) -> Option<&Self> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        match (&self.content, step) {
            (Content::Template(_), _) => Some(self),
            (Content::Table(_), PathStep::Name(name)) => self.entry(name)?.value.find(rest),
            (Content::List(list), PathStep::Index(index)) => list.get(*index)?.find(rest),
            _ => None,
        }
    }

    /// Returns whether a table has an entry with this name, or may have one because it is an expression.
    pub fn has(&self, name: &str) -> bool {
        match &self.content {
            Content::Table(entries) => entries.iter().any(|entry| entry.name == *name || entry.key.is_some()),
            _ => true,
        }
    }

    /// The place of `path` in the file. For a path into the value of an expression, the place of that
    /// expression. With `key`, the place of the last step's key instead of its value.
    pub fn place(&self, path: &[PathStep], key: bool) -> Span {
        let mut node = self;
        let mut span = self.span;
        for (index, step) in path.iter().enumerate() {
            match (&node.content, step) {
                (Content::Table(entries), PathStep::Name(name)) => {
                    let mut evaluated = entries.iter().filter(|entry| entry.key.is_some());
                    let found = entries.iter().find(|entry| entry.name == *name);
                    // The only key that is an expression, or the table itself if there are several.
                    let Some(entry) =
                        found.or_else(|| evaluated.next().filter(|_| evaluated.next().is_none()))
                    else {
                        break;
                    };
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

/// Reads a key. One with expressions is also returned as a template; an error in it is added to `problems`.
fn read_key(key: &str, span: Span, text: &str, problems: &mut Vec<Diagnostic>) -> (String, Option<Template>) {
    if !key.contains("${") && !key.contains("%{") {
        return (key.to_owned(), None);
    }
    let (inner, exact) = inside_quotes(text, span, key);
    match Template::parse(key, inner, exact) {
        Ok(template) => match template.is_literal() {
            Some(literal) => (literal.to_owned(), None),
            None => (key.to_owned(), Some(template)),
        },
        Err(problem) => {
            problems.push(problem);
            (key.to_owned(), None)
        }
    }
}

/// The value of a table with expressions in its keys.
fn keyed(entries: &[Entry], scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Value {
    let mut map: BTreeMap<String, Value> = BTreeMap::new();
    let mut places: BTreeMap<String, Span> = BTreeMap::new();
    for entry in entries {
        let value = entry.value.evaluate_named(scope, problems);
        let key = match &entry.key {
            None => Ok(Value::String(entry.name.clone())),
            Some(template) => template.evaluate(scope),
        };
        let name = match key {
            Ok(Value::String(name)) => name,
            Ok(other) => {
                problems.push(no_key(&other, entry));
                continue;
            }
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        match places.insert(name.clone(), entry.span) {
            None => drop(map.insert(name, value)),
            Some(first) => problems.push(
                Diagnostic::error("duplicate", format!("two keys of this table are {name:?}"))
                    .at(entry.span, "the same key again")
                    .and(first, "first written here"),
            ),
        }
    }
    Value::Map(map)
}

/// The error for a value that cannot be a key.
fn no_key(value: &Value, entry: &Entry) -> Diagnostic {
    if let Some(unknown) = value.first_unknown() {
        return Diagnostic::error("undecided", "a key must be known before anything is created")
            .at(entry.span, format!("depends on {}.{}", unknown.address, unknown.attribute))
            .help("use names and variables here, not values that AWS assigns");
    }
    if value.contains_secret() {
        return Diagnostic::error("secret-name", "a key would show a secret")
            .at(entry.span, "keys are always shown")
            .help("use a key that is not secret; its value may be secret");
    }
    Diagnostic::error("wrong-type", format!("a key must be a string, not {}", value.kind_name()))
        .at(entry.span, "expected a string")
        .help("convert it: \"${tostring(…)}\"")
}

/// The place of a string literal's content, and whether its bytes equal the string, so that places
/// within it can be shown.
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
