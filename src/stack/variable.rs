//! Variables: their types, and where their values come from.

use std::collections::BTreeMap;

use super::{Node, Stack};
use crate::diag::{Diagnostic, Span, nearest};
use crate::lang::Names;
use crate::value::{Number, Value};

/// A variable as it is declared.
#[derive(Debug)]
pub struct Variable {
    /// What its value must be; [`Type::Any`] without one.
    pub kind: Type,
    /// Its value where nothing sets it.
    pub default: Option<Node>,
    /// For readers.
    pub description: Option<String>,
    /// Whether its value is secret.
    pub sensitive: bool,
    /// Conditions that its value must meet, with what to say where it does not.
    pub validation: Vec<(Node, String)>,
    /// Where it is declared.
    pub span: Span,
}

/// A type constraint, in Terraform's notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `any`
    Any,
    /// `string`
    String,
    /// `number`
    Number,
    /// `bool`
    Bool,
    /// `list(T)` and `tuple` alike
    List(Box<Type>),
    /// `set(T)`
    Set(Box<Type>),
    /// `map(T)`
    Map(Box<Type>),
    /// `object({ name = T, other = optional(T) })`: type and whether it is optional
    Object(BTreeMap<String, (Type, bool)>),
}

impl std::fmt::Display for Type {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => formatter.write_str("any"),
            Self::String => formatter.write_str("string"),
            Self::Number => formatter.write_str("number"),
            Self::Bool => formatter.write_str("bool"),
            Self::List(element) => write!(formatter, "list({element})"),
            Self::Set(element) => write!(formatter, "set({element})"),
            Self::Map(element) => write!(formatter, "map({element})"),
            Self::Object(fields) => {
                formatter.write_str("object({ ")?;
                for (index, (name, (kind, optional))) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    if *optional {
                        write!(formatter, "{comma}{name} = optional({kind})")?;
                    } else {
                        write!(formatter, "{comma}{name} = {kind}")?;
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
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text, depth: 0 };
        let (kind, optional) = parser.kind()?;
        parser.space();
        if optional {
            return Err("`optional` is for the fields of an object".to_owned());
        }
        if parser.rest.is_empty() { Ok(kind) } else { Err(format!("unexpected `{}`", parser.rest)) }
    }

    /// The value as this type, converted as Terraform converts.
    ///
    /// # Errors
    /// Where it does not fit, as a path such as `.nodes[0]`, and what was found there.
    pub fn convert(&self, value: Value) -> Result<Value, String> {
        self.convert_at(value, String::new())
    }

    fn convert_at(&self, value: Value, path: String) -> Result<Value, String> {
        let wrong = |value: &Value| {
            let at = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
            Err(format!("{self} expected{at}, not {}", value.kind_name()))
        };
        match (self, value) {
            (_, Value::Secret(inner)) => self.convert_at(*inner, path).map(Value::into_secret),
            (_, Value::Unknown(unknown)) => Ok(Value::Unknown(unknown)),
            (_, Value::Null) => Ok(Value::Null),
            (Self::Any, value) => Ok(value),
            (Self::String, value @ Value::String(_)) => Ok(value),
            (Self::String, Value::Number(number)) => Ok(Value::String(number.to_string())),
            (Self::String, Value::Bool(flag)) => Ok(Value::String(flag.to_string())),
            (Self::Number, value @ Value::Number(_)) => Ok(value),
            (Self::Number, Value::String(text)) => {
                let number = text.trim().parse::<i64>().map(Number::Integer).ok();
                let number = number.or_else(|| text.trim().parse::<f64>().ok().and_then(Number::from_f64));
                number.map(Value::Number).map_or_else(|| wrong(&Value::String(text)), Ok)
            }
            (Self::Bool, value @ Value::Bool(_)) => Ok(value),
            (Self::Bool, Value::String(text)) if text == "true" || text == "false" => {
                Ok(Value::Bool(text == "true"))
            }
            (Self::List(element) | Self::Set(element), Value::List(list)) => {
                let list = list
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| element.convert_at(value, format!("{path}[{index}]")))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Value::List(list))
            }
            (Self::Map(element), Value::Map(map)) => map
                .into_iter()
                .map(|(name, value)| Ok((name.clone(), element.convert_at(value, format!("{path}.{name}"))?)))
                .collect::<Result<_, _>>()
                .map(Value::Map),
            (Self::Object(fields), Value::Map(mut map)) => {
                let mut object = BTreeMap::new();
                for (name, (kind, optional)) in fields {
                    match map.remove(name) {
                        Some(value) => {
                            object.insert(name.clone(), kind.convert_at(value, format!("{path}.{name}"))?);
                        }
                        None if *optional => {
                            object.insert(name.clone(), Value::Null);
                        }
                        None => return Err(format!("the field `{name}` is missing")),
                    }
                }
                match map.keys().next() {
                    Some(name) => Err(format!("there is no field `{name}` in {self}")),
                    None => Ok(Value::Map(object)),
                }
            }
            (_, value) => wrong(&value),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
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

    fn kind(&mut self) -> Result<(Type, bool), String> {
        self.depth += 1;
        if self.depth > 32 {
            return Err("nested too deeply".to_owned());
        }
        let word = self.word();
        let mut optional = false;
        let kind = match word.as_str() {
            "any" => Type::Any,
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "list" | "set" | "map" | "optional" => {
                self.take('(')?;
                let (element, _) = self.kind()?;
                self.take(')')?;
                match word.as_str() {
                    "list" => Type::List(Box::new(element)),
                    "set" => Type::Set(Box::new(element)),
                    "map" => Type::Map(Box::new(element)),
                    _ => {
                        optional = true;
                        element
                    }
                }
            }
            "object" => {
                self.take('(')?;
                self.take('{')?;
                let mut fields = BTreeMap::new();
                loop {
                    self.space();
                    if self.rest.starts_with('}') {
                        break;
                    }
                    let name = self.word();
                    if name.is_empty() {
                        return Err("expected a field name".to_owned());
                    }
                    self.take('=')?;
                    fields.insert(name, self.kind()?);
                    self.space();
                    self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                }
                self.take('}')?;
                self.take(')')?;
                Type::Object(fields)
            }
            "" => return Err("expected a type".to_owned()),
            other => {
                let known = ["any", "string", "number", "bool", "list", "set", "map", "object"];
                let hint = nearest(other, known)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(format!("there is no type `{other}`{hint}"));
            }
        };
        self.depth -= 1;
        Ok((kind, optional))
    }
}

/// The values of all variables. `given` are those of the command line, of files named
/// there and of `DWCTL_VAR_…`, in that order of strength, weakest first: source (for messages), name, value.
/// A text is taken as JSON where the variable's type is not a string.
pub fn variables(
    stack: &Stack,
    given: &[(String, String, Value)],
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Value> {
    let mut values: BTreeMap<String, (Value, Option<Span>)> = BTreeMap::new();
    let names = || stack.variables.keys().map(String::as_str);
    let unknown = |name: &str, source: &str| {
        let error = Diagnostic::error("unknown-variable", format!("the stack has no variable `{name}`"))
            .note(format!("it is set by {source}"));
        match nearest(name, names()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        }
    };
    let scope = Names { files: stack.files.clone(), ..Names::default() };
    for (name, variable) in &stack.variables {
        if let Some(default) = &variable.default {
            values.insert(name.clone(), (default.evaluate(&scope, problems), Some(default.span)));
        }
    }
    for (name, node) in &stack.env_values {
        if stack.variables.contains_key(name) {
            values.insert(name.clone(), (node.evaluate(&scope, problems), Some(node.span)));
        } else {
            problems.push(
                unknown(name, &format!("the environment `{}`", stack.env)).at(node.span, "no such variable"),
            );
        }
    }
    for (source, name, value) in given {
        match stack.variables.get(name) {
            Some(variable) => {
                let value = match value {
                    Value::String(text) if variable.kind != Type::String && variable.kind != Type::Any => {
                        serde_json::from_str(text)
                            .map_or_else(|_| value.clone(), |json| Value::from_json(&json))
                    }
                    other => other.clone(),
                };
                values.insert(name.clone(), (value, None));
            }
            None => problems.push(unknown(name, source)),
        }
    }
    let mut converted = BTreeMap::new();
    for (name, variable) in &stack.variables {
        let Some((value, span)) = values.remove(name) else {
            problems.push(
                Diagnostic::error("missing-variable", format!("the variable `{name}` has no value"))
                    .at(variable.span, "declared without a default")
                    .help(format!(
                        "set it in env/{}.toml, with --var {name}=… or with DWCTL_VAR_{name}",
                        stack.env
                    )),
            );
            converted.insert(name.clone(), Value::unknown("var", name.as_str()));
            continue;
        };
        // Secret before anything is said of it.
        let value = if variable.sensitive { value.sensitive() } else { value };
        match variable.kind.convert(value) {
            Ok(value) => {
                converted.insert(name.clone(), value);
            }
            Err(message) => {
                problems.push(
                    Diagnostic::error(
                        "wrong-type",
                        format!("the value of variable `{name}` does not fit: {message}"),
                    )
                    .at(span.unwrap_or(variable.span), format!("must be {}", variable.kind)),
                );
                converted.insert(name.clone(), Value::unknown("var", name.as_str()));
            }
        }
    }
    for (name, variable) in &stack.variables {
        for (condition, message) in &variable.validation {
            let scope = Names {
                values: BTreeMap::from([("var".to_owned(), Value::Map(converted.clone()))]),
                files: stack.files.clone(),
                budget: scope.budget.clone(),
            };
            let outcome = condition.evaluate(&scope, problems).reveal();
            if outcome == Value::Bool(false) {
                problems.push(
                    Diagnostic::error("invalid-variable", format!("variable `{name}`: {message}"))
                        .at(condition.span, "this condition is not met"),
                );
            }
        }
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::Type;
    use crate::value::Value;

    #[test]
    fn types_print_as_they_are_written() {
        for text in
            ["string", "list(number)", "map(set(bool))", "object({ a = string, b = optional(number) })"]
        {
            assert_eq!(Type::parse(text).map(|kind| kind.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "strin", "list", "list(", "object({ a })", "string)", "optional(string)"] {
            assert!(Type::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn conversion_is_terraforms() {
        assert_eq!(Type::Number.convert("5".into()), Ok(5.into()));
        assert_eq!(Type::String.convert(true.into()), Ok("true".into()));
        assert!(Type::Bool.convert("yes".into()).is_err());
        let object = Type::parse("object({ a = number })").expect("a type");
        assert!(object.convert(Value::map([("a", 1), ("b", 2)])).is_err());
    }
}
