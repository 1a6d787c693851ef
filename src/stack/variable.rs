//! Variables: their types, and the sources of their values.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::node::Node;
use crate::diag::{Diagnostic, FileId, Span, a, counted, nearest};
use crate::lang::{self, Names, Template};
use crate::schema::PathStep;
use crate::value::Value;

/// A variable as it is declared.
#[derive(Debug)]
pub struct Variable {
    /// Its type; [`Type::Any`] if none is declared.
    pub kind: Type,
    /// Its value if nothing sets it.
    pub default: Option<Node>,
    /// Documentation for users.
    pub description: Option<String>,
    /// True if its value is secret.
    pub sensitive: bool,
    /// True if its value may reach only attributes that AWS never returns.
    pub ephemeral: bool,
    /// False if null stands for the default.
    pub nullable: bool,
    /// Conditions on its value.
    pub validation: Vec<Condition>,
    /// The place of its declaration.
    pub span: Span,
}

impl Variable {
    /// Returns whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        self.sensitive || self.ephemeral
    }
}

/// A type constraint, in Terraform's notation.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `any`
    Any,
    /// `string`
    String,
    /// `number`
    Number,
    /// `bool`
    Bool,
    /// `list(T)`
    List(Box<Type>),
    /// `tuple([T, U])`
    Tuple(Vec<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `object({ name = T, other = optional(T, DEFAULT) })`
    Object(BTreeMap<String, Field>),
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The type of its value.
    pub kind: Type,
    /// Its value if it is absent or null; `None` if it is required.
    pub absent: Option<Value>,
}

impl std::fmt::Display for Type {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => formatter.write_str("any"),
            Self::String => formatter.write_str("string"),
            Self::Number => formatter.write_str("number"),
            Self::Bool => formatter.write_str("bool"),
            Self::List(element) => write!(formatter, "list({element})"),
            Self::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(ToString::to_string).collect();
                write!(formatter, "tuple([{}])", elements.join(", "))
            }
            Self::Set(element) => write!(formatter, "set({element})"),
            Self::Map(element) => write!(formatter, "map({element})"),
            Self::Object(fields) => {
                formatter.write_str("object({ ")?;
                for (index, (name, Field { kind, absent })) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    match absent {
                        None => write!(formatter, "{comma}{name} = {kind}")?,
                        Some(Value::Null) => write!(formatter, "{comma}{name} = optional({kind})")?,
                        Some(default) => write!(formatter, "{comma}{name} = optional({kind}, {default:?})")?,
                    }
                }
                formatter.write_str(" })")
            }
        }
    }
}

impl Type {
    /// Parses a type expression.
    ///
    /// # Errors
    /// The error in the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text, depth: 0 };
        let kind = parser.kind()?;
        parser.space();
        if parser.rest.is_empty() { Ok(kind) } else { Err(format!("unexpected `{}`", parser.rest)) }
    }

    /// Converts a value to this type, by Terraform's rules.
    ///
    /// # Errors
    /// A part of the value does not fit.
    pub fn convert(&self, value: Value) -> Result<Value, Misfit> {
        let wrong = |value: &Value| {
            let found = if *value == Value::Null { "null".to_owned() } else { a(value.kind_name()) };
            Err(Misfit { steps: Vec::new(), wanted: self.clone(), found: format!("it is {found}") })
        };
        let misfit = |found: String| Misfit { steps: Vec::new(), wanted: self.clone(), found };
        match (self, value) {
            (_, Value::Secret(inner)) => self.convert(*inner).map(Value::into_secret),
            (_, Value::Unknown(unknown)) => Ok(Value::Unknown(unknown)),
            (_, Value::Null) => Ok(Value::Null),
            (Self::Any, value) => Ok(value),
            (Self::String, value) => match lang::to_text(&value) {
                Some(text) => Ok(Value::String(text.into_owned())),
                None => wrong(&value),
            },
            (Self::Number, value) => {
                lang::to_number(&value).map(Value::Number).map_or_else(|| wrong(&value), Ok)
            }
            (Self::Bool, value) => lang::to_bool(&value).map(Value::Bool).map_or_else(|| wrong(&value), Ok),
            (Self::List(element) | Self::Set(element), Value::List(list) | Value::Set(list)) => {
                let mut list = list
                    .into_iter()
                    .enumerate()
                    .map(|(at, value)| element.convert(value).map_err(|one| one.below(Inner::Index(at))))
                    .collect::<Result<Vec<_>, _>>()?;
                if element.has_any() && !lang::unify(&mut list) {
                    return Err(misfit("its elements have no common type".to_owned()));
                }
                Ok(if matches!(self, Self::Set(_)) { Value::set(list) } else { Value::List(list) })
            }
            (Self::Tuple(elements), Value::List(list)) if list.len() == elements.len() => list
                .into_iter()
                .zip(elements)
                .enumerate()
                .map(|(at, (value, element))| {
                    element.convert(value).map_err(|one| one.below(Inner::Index(at)))
                })
                .collect::<Result<_, _>>()
                .map(Value::List),
            (Self::Tuple(_), Value::List(list)) => {
                Err(misfit(format!("it has {}", counted(list.len(), "element"))))
            }
            (Self::Map(element), Value::Map(map)) => {
                let (keys, values): (Vec<String>, Vec<Value>) = map.into_iter().unzip();
                let mut converted = Vec::with_capacity(values.len());
                for (key, value) in keys.iter().zip(values) {
                    let value = element.convert(value);
                    converted.push(value.map_err(|one| one.below(Inner::Key(key.clone())))?);
                }
                if element.has_any() && !lang::unify(&mut converted) {
                    return Err(misfit("its elements have no common type".to_owned()));
                }
                Ok(Value::Map(keys.into_iter().zip(converted).collect()))
            }
            (Self::Object(fields), Value::Map(mut map)) => {
                let mut object = BTreeMap::new();
                for (name, Field { kind, absent }) in fields {
                    let inner = || Inner::Field(name.clone());
                    let value = match (map.remove(name), absent) {
                        (None | Some(Value::Null), Some(absent)) => absent.clone(),
                        (Some(value), _) => kind.convert(value).map_err(|one| one.below(inner()))?,
                        (None, None) => {
                            let found = "it is missing".to_owned();
                            return Err(
                                Misfit { steps: Vec::new(), wanted: kind.clone(), found }.below(inner())
                            );
                        }
                    };
                    object.insert(name.clone(), value);
                }
                match map.into_keys().next() {
                    Some(name) => {
                        let near = nearest(&name, fields.keys().map(String::as_str));
                        Err(misfit(match near {
                            Some(near) => format!("it has no field `{name}`; did you mean `{near}`?"),
                            None => format!("it has no field `{name}`"),
                        }))
                    }
                    None => Ok(Value::Map(object)),
                }
            }
            (_, value) => wrong(&value),
        }
    }

    /// Returns whether the type leaves a part of a value open.
    fn has_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_any(),
            Self::Tuple(elements) => elements.iter().any(Self::has_any),
            Self::Object(fields) => fields.values().any(|field| field.kind.has_any()),
        }
    }
}

/// A part of a value that does not fit its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    /// The way to it, from the inside out.
    steps: Vec<Inner>,
    /// The type that it must have.
    wanted: Type,
    /// What it is instead, in words.
    found: String,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq)]
enum Inner {
    /// `.name` of an object.
    Field(String),
    /// `["key"]` of a map.
    Key(String),
    /// `[0]`
    Index(usize),
}

impl Misfit {
    fn below(mut self, step: Inner) -> Self {
        self.steps.push(step);
        self
    }

    /// The path in the value.
    pub(super) fn path(&self) -> Vec<PathStep> {
        let steps = self.steps.iter().rev().map(|step| match step {
            Inner::Field(name) | Inner::Key(name) => PathStep::Name(name.clone()),
            Inner::Index(at) => PathStep::Index(*at),
        });
        steps.collect()
    }

    /// The type that is required there.
    pub(super) fn wanted(&self) -> &Type {
        &self.wanted
    }

    /// What is there instead: `it is a string`.
    pub(super) fn found(&self) -> &str {
        &self.found
    }

    /// `["raw"].days`
    pub(super) fn place(&self) -> String {
        let steps = self.steps.iter().rev().map(|step| match step {
            Inner::Field(name) => format!(".{name}"),
            Inner::Key(key) => format!("[{key:?}]"),
            Inner::Index(at) => format!("[{at}]"),
        });
        steps.collect()
    }

    /// `a number is required`
    pub(super) fn required(&self) -> String {
        let noun = match &self.wanted {
            Type::Tuple(elements) => format!("a tuple of {}", counted(elements.len(), "element")),
            Type::Object(_) => "an object".to_owned(),
            Type::List(_) => "a list".to_owned(),
            Type::Set(_) => "a set".to_owned(),
            Type::Map(_) => "a map".to_owned(),
            scalar => a(&scalar.to_string()),
        };
        format!("{noun} is required")
    }
}

impl Type {
    pub(super) fn is_collection(&self) -> bool {
        !matches!(self, Self::Any | Self::String | Self::Number | Self::Bool)
    }

    /// An example of a value of this type in JSON.
    pub(super) fn example(&self) -> String {
        match self {
            Self::Any | Self::String => "\"a\"".to_owned(),
            Self::Number => "1".to_owned(),
            Self::Bool => "true".to_owned(),
            Self::List(element) | Self::Set(element) => format!("[{}]", element.example()),
            Self::Map(element) => format!("{{\"key\": {}}}", element.example()),
            Self::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::example).collect();
                format!("[{}]", elements.join(", "))
            }
            Self::Object(fields) => {
                let needed = fields.iter().filter(|(_, field)| field.absent.is_none());
                let fields: Vec<String> =
                    needed.map(|(name, field)| format!("\"{name}\": {}", field.kind.example())).collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: char) -> Result<(), String> {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(format!("expected `{token}`")),
        }
    }

    fn word(&mut self) -> String {
        self.space();
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    /// The items up to the closing mark, separated by commas; a trailing comma is permitted.
    fn items(
        &mut self,
        end: char,
        mut item: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            self.space();
            if self.rest.starts_with(end) {
                return self.take(end);
            }
            item(self)?;
            self.space();
            self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        }
    }

    /// A field of an object, after its `=`.
    fn field(&mut self) -> Result<Field, String> {
        self.space();
        let here = self.rest;
        if self.word() != "optional" {
            self.rest = here;
            return Ok(Field { kind: self.kind()?, absent: None });
        }
        self.take('(')?;
        let kind = self.kind()?;
        self.space();
        let absent = match self.rest.strip_prefix(',') {
            None => Value::Null,
            Some(rest) => {
                self.rest = rest;
                let text = self.expression();
                let default = constant(text)?;
                let shown = |wrong: Misfit| {
                    let place = wrong.place();
                    let at = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
                    format!("the default `{}`: {}{at}, {}", text.trim(), wrong.required(), wrong.found())
                };
                kind.convert(default).map_err(shown)?
            }
        };
        self.take(')')?;
        Ok(Field { kind, absent: Some(absent) })
    }

    /// The text up to the bracket that closes the current one.
    fn expression(&mut self) -> &'a str {
        let (mut open, mut quoted, mut escaped) = (0_usize, false, false);
        let end = self.rest.find(|character: char| {
            match character {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ if quoted => {}
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' if open == 0 => return true,
                ')' | ']' | '}' => open -= 1,
                _ => {}
            }
            false
        });
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        text
    }

    fn kind(&mut self) -> Result<Type, String> {
        self.depth += 1;
        if self.depth > 32 {
            return Err("nested too deeply".to_owned());
        }
        let word = self.word();
        let kind = match word.as_str() {
            "any" => Type::Any,
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "list" | "set" | "map" => {
                self.space();
                if !self.rest.starts_with('(') {
                    return Err(format!("`{word}` needs the type of its elements: write `{word}(string)`"));
                }
                self.take('(')?;
                let element = Box::new(self.kind()?);
                self.take(')')?;
                match word.as_str() {
                    "list" => Type::List(element),
                    "set" => Type::Set(element),
                    _ => Type::Map(element),
                }
            }
            "tuple" => {
                self.take('(')?;
                self.take('[')?;
                let mut elements = Vec::new();
                self.items(']', |this| {
                    elements.push(this.kind()?);
                    Ok(())
                })?;
                self.take(')')?;
                Type::Tuple(elements)
            }
            "optional" => return Err("`optional` is for the fields of an object".to_owned()),
            "object" => {
                self.take('(')?;
                self.take('{')?;
                let mut fields = BTreeMap::new();
                self.items('}', |this| {
                    let name = this.word();
                    if name.is_empty() {
                        return Err("expected a field name".to_owned());
                    }
                    this.take('=')?;
                    fields.insert(name, this.field()?);
                    Ok(())
                })?;
                self.take(')')?;
                Type::Object(fields)
            }
            "integer" | "int" | "float" | "double" => {
                return Err(format!("there is no type `{word}`; write `number`"));
            }
            "boolean" => return Err(format!("there is no type `{word}`; write `bool`")),
            "array" => return Err(format!("there is no type `{word}`; write `list(string)`")),
            "" => return Err("expected a type".to_owned()),
            other => {
                let known = ["any", "string", "number", "bool", "list", "set", "map", "tuple", "object"];
                let hint = nearest(other, known)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(format!("there is no type `{other}`{hint}"));
            }
        };
        self.depth -= 1;
        Ok(kind)
    }
}

/// The value of an expression that has no names.
fn constant(text: &str) -> Result<Value, String> {
    let wrong = |problem: &Diagnostic| format!("the default `{}`: {}", text.trim(), problem.message);
    let whole = format!("${{{text}}}");
    // The expression has no place of its own: errors are shown at the type.
    let template =
        Template::parse(&whole, Span::new(FileId(u32::MAX), 0, 0), false).map_err(|one| wrong(&one))?;
    template.evaluate(&Names::default()).map_err(|problems| problems.first().map_or_else(String::new, wrong))
}

#[cfg(test)]
mod tests {
    use super::Type;
    use crate::value::Value;

    #[test]
    fn types_print_as_they_are_written() {
        for text in [
            "string",
            "list(number)",
            "map(set(bool))",
            "tuple([string, list(any)])",
            "object({ a = string, b = optional(number) })",
            "object({ a = optional(list(string), [\"x\", \"y)\"]), b = optional(number, 3) })",
        ] {
            assert_eq!(Type::parse(text).map(|kind| kind.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "",
            "strin",
            "list",
            "list(",
            "object({ a })",
            "object({ a = optional(number, \"x\") })",
            "object({ a = optional(number, ) })",
            "object({ a = optional(number, b) })",
            "object({ a = optional(number, 1 })",
            "tuple(string)",
            "tuple([string)",
            "string)",
            "optional(string)",
            "list(optional(string))",
        ] {
            assert!(Type::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_convert_as_in_terraform() {
        assert_eq!(Type::Number.convert("5".into()), Ok(5.into()));
        assert_eq!(Type::String.convert(true.into()), Ok("true".into()));
        assert!(Type::Bool.convert("yes".into()).is_err());
        for padded in [" 5", "5 ", "0x10", ""] {
            assert!(Type::Number.convert(padded.into()).is_err(), "`{padded}`");
        }
        let object = Type::parse("object({ a = number })").expect("a type");
        assert!(object.convert(Value::map([("a", 1), ("b", 2)])).is_err());
        let tuple = Type::parse("tuple([string, number])").expect("a type");
        let two = Value::list([Value::from(1), "2".into()]);
        assert_eq!(tuple.convert(two), Ok(Value::list([Value::from("1"), 2.into()])));
        assert!(tuple.convert(Value::list([1])).is_err());
        let set = Type::parse("set(number)").expect("a type");
        let numbers = Value::list([Value::from(10), "9".into(), 10.into()]);
        assert_eq!(set.convert(numbers), Ok(Value::set(vec![9.into(), 10.into()])));
    }

    #[test]
    fn absent_and_null_members_get_their_default() {
        let kind = "object({ a = optional(number, \"3\"), b = optional(object({ c = optional(string, \"x\") }), {}), \
                    d = optional(bool), e = optional(list(object({ f = optional(number, 1) })), [{}, { f = 2 }]) })";
        let kind = Type::parse(kind).expect("a type");
        let defaults = Value::map([
            ("a", Value::from(3)),
            ("b", Value::map([("c", "x")])),
            ("d", Value::Null),
            ("e", Value::list([Value::map([("f", 1)]), Value::map([("f", 2)])])),
        ]);
        assert_eq!(kind.convert(Value::map::<&str, Value>([])), Ok(defaults.clone()));
        assert_eq!(kind.convert(Value::map([("a", Value::Null), ("b", Value::Null)])), Ok(defaults));
        let given = kind.convert(Value::map([("a", Value::from(5)), ("b", Value::map([("c", 7)]))]));
        assert_eq!(given.as_ref().map(|one| one.get("a")), Ok(Some(&5.into())));
        assert_eq!(given.as_ref().map(|one| one.get("b")), Ok(Some(&Value::map([("c", "7")]))));
    }
}
