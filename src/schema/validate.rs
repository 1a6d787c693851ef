//! Checks whether a spec, parts of which may be unknown, fits its schema.

use super::pattern::matches;
use super::{Node, PathStep, Shape};
use crate::diag::{a, counted, nearest};
use crate::value::{Number, Value, not_json};

/// A part of a value that does not fit its schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// A stable name: `unknown-attribute`, `missing-attribute`, `wrong-type`, `invalid-value`.
    pub code: &'static str,
    /// The place in the value.
    pub path: Vec<PathStep>,
    /// The error. Never quotes a secret.
    pub message: String,
    /// The expected value, in a few words.
    pub label: String,
    /// The attribute that the table at `path` lacks.
    pub missing: Option<String>,
}

/// All faults of `value` against `node`. Messages call the owner of the attributes `owner`, such as
/// `glue_job`.
pub fn validate(node: &Node, value: &Value, owner: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    Walk { owner, faults: &mut faults }.node(node, value, &mut Vec::new(), false);
    faults
}

struct Walk<'a> {
    owner: &'a str,
    faults: &'a mut Vec<Fault>,
}

impl Walk<'_> {
    fn fault(&mut self, code: &'static str, path: &[PathStep], message: String, label: String) {
        self.faults.push(Fault { code, path: path.to_vec(), message, label, missing: None });
    }

    fn node(&mut self, node: &Node, value: &Value, path: &mut Vec<PathStep>, secret: bool) {
        match (&node.shape, value) {
            (_, Value::Unknown(_) | Value::Null) | (Shape::Any, _) => {}
            (_, Value::Secret(inner)) => self.node(node, inner, path, true),
            (Shape::Bool, Value::Bool(_)) => {}
            (Shape::Number { integer: true, .. }, Value::Number(number))
                if !matches!(number, Number::Integer(_)) =>
            {
                self.wrong_type(node, value, path);
            }
            (Shape::Number { minimum, maximum, .. }, Value::Number(number)) => {
                self.number(number.as_f64(), *minimum, *maximum, path);
            }
            (Shape::String { .. }, Value::String(text)) => self.text(&node.shape, text, path, secret),
            (Shape::Secret, Value::String(_)) => {}
            (Shape::Policy | Shape::Json, Value::Map(_) | Value::List(_)) => {}
            (Shape::Policy | Shape::Json, Value::String(text)) => self.document(text, path, secret),
            (Shape::List { element, min_items, max_items }, Value::List(list)) => {
                let what = "a number of elements that AWS does not allow";
                self.count(list.len(), (*min_items, *max_items), "element", what, path);
                for (index, value) in list.iter().enumerate() {
                    path.push(PathStep::Index(index));
                    self.node(element, value, path, secret);
                    path.pop();
                }
                if let Some(key) = &node.key {
                    self.unique(key, list, path);
                }
            }
            (Shape::Map(element), Value::Map(map)) => {
                for (name, value) in map {
                    path.push(PathStep::Name(name.clone()));
                    self.node(element, value, path, secret);
                    path.pop();
                }
            }
            (Shape::Object { fields, required }, Value::Map(map)) => {
                for (name, value) in map {
                    path.push(PathStep::Name(name.clone()));
                    match fields.get(name) {
                        Some(field) => self.node(field, value, path, secret),
                        None => self.unknown_attribute(name, fields.keys().map(String::as_str), path),
                    }
                    path.pop();
                }
                for name in required {
                    if matches!(map.get(name), None | Some(Value::Null)) {
                        let kind = fields.get(name).map(|field| field.type_name()).unwrap_or_default();
                        self.missing(name, &kind, path);
                    }
                }
            }
            _ => self.wrong_type(node, value, path),
        }
    }

    /// Checks a number against its range.
    fn number(&mut self, number: f64, minimum: Option<f64>, maximum: Option<f64>, path: &[PathStep]) {
        let is_low = minimum.is_some_and(|minimum| number < minimum);
        if !is_low && !maximum.is_some_and(|maximum| number > maximum) {
            return;
        }
        let range = match (minimum, maximum) {
            (Some(minimum), Some(maximum)) if minimum == maximum => format!("{minimum}"),
            (Some(minimum), Some(maximum)) => format!("from {minimum} to {maximum}"),
            (Some(minimum), None) => format!("at least {minimum}"),
            (None, Some(maximum)) => format!("at most {maximum}"),
            (None, None) => String::new(),
        };
        let message = format!("`{}` is out of range", name(path));
        self.fault("invalid-value", path, message, format!("must be {range}"));
    }

    /// Checks a text against its options, its length and its pattern.
    fn text(&mut self, shape: &Shape, text: &str, path: &[PathStep], secret: bool) {
        let Shape::String { options, pattern, min_length, max_length } = shape else { return };
        let name = name(path);
        if !options.is_empty() && !options.iter().any(|one| one == text) {
            let shown = if secret { String::new() } else { format!(" \"{text}\"") };
            let near = nearest(text, options.iter().map(String::as_str));
            let label = match near {
                Some(near) if !secret => format!("did you mean \"{near}\"?"),
                _ => format!(
                    "one of {}",
                    options.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ")
                ),
            };
            self.fault("invalid-value", path, format!("`{name}` cannot be{shown}"), label);
            return;
        }
        let length = text.chars().count();
        let what = "a length that AWS does not allow";
        let is_right = self.count(length, (*min_length, *max_length), "character", what, path);
        let Some(pattern) = pattern.as_ref().filter(|pattern| is_right && !matches(pattern, text)) else {
            return;
        };
        // Syntax of other tools for `${…}`.
        let foreign = ["$(", "{{", "<%"].into_iter().any(|opening| text.contains(opening));
        let hint = if foreign { "; an expression is written ${…}" } else { "" };
        let message = format!("`{name}` does not have the form that AWS requires");
        self.fault("invalid-value", path, message, format!("must match {pattern}{hint}"));
    }

    /// Checks a number of characters or elements. Returns whether it is allowed.
    fn count(
        &mut self,
        count: usize,
        (least, most): (Option<usize>, Option<usize>),
        noun: &str,
        what: &str,
        path: &[PathStep],
    ) -> bool {
        if least.is_none_or(|least| count >= least) && most.is_none_or(|most| count <= most) {
            return true;
        }
        let label = match (least, most) {
            (Some(least), Some(most)) if least == most => {
                format!("must have exactly {}, has {count}", counted(least, noun))
            }
            (Some(least), Some(most)) => format!("must have {least} to {most} {noun}s, has {count}"),
            (Some(least), None) => format!("must have at least {}, has {count}", counted(least, noun)),
            (_, most) => {
                format!("must have at most {}, has {count}", counted(most.unwrap_or_default(), noun))
            }
        };
        self.fault("invalid-value", path, format!("`{}` has {what}", name(path)), label);
        false
    }

    /// Checks a JSON document that is written as a text.
    fn document(&mut self, text: &str, path: &[PathStep], secret: bool) {
        let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) else { return };
        let label = match secret {
            true => "not JSON".to_owned(),
            false if is_file_name(text) => {
                format!("the name of a file; to read it, write '${{file(\"{text}\")}}'")
            }
            false => format!("not JSON: {}", not_json(text, &error)),
        };
        let message = format!("`{}` is not a JSON document", name(path));
        self.fault("invalid-document", path, message, label);
    }

    fn missing(&mut self, attribute: &str, kind: &str, path: &[PathStep]) {
        let whose = if path.is_empty() { self.owner.to_owned() } else { format!("`{}`", name(path)) };
        let message = format!("{whose} needs the attribute `{attribute}`");
        self.fault("missing-attribute", path, message, format!("`{attribute}` ({kind}) is missing"));
        if let Some(fault) = self.faults.last_mut() {
            fault.missing = Some(attribute.to_owned());
        }
    }

    fn wrong_type(&mut self, node: &Node, value: &Value, path: &[PathStep]) {
        let expected = node.type_name();
        let name = name(path);
        let message = format!("`{name}` must be {}, not {}", a(&expected), a(value.kind_name()));
        let label = match &node.shape {
            _ if is_intrinsic(value) => {
                "CloudFormation's functions are expressions here: \"${KIND.NAME.ATTRIBUTE}\"".to_owned()
            }
            Shape::Bool => "expected true or false".to_owned(),
            // Suggest the fields to write in it.
            Shape::Object { fields, required, .. } if !fields.is_empty() => {
                let first = fields.keys().filter(|name| required.contains(*name));
                let others = fields.keys().filter(|name| !required.contains(*name));
                let names: Vec<String> =
                    first.chain(others).take(3).map(|name| format!("`{name}`")).collect();
                let more = if fields.len() > names.len() { ", …" } else { "" };
                format!("expected a table with {}{more}", names.join(", "))
            }
            _ => format!("expected {expected}"),
        };
        self.fault("wrong-type", path, message, label);
    }

    fn unknown_attribute<'n>(&mut self, name: &str, known: impl Iterator<Item = &'n str>, path: &[PathStep]) {
        let whose = match path.len() {
            0 | 1 => self.owner.to_owned(),
            length => format!("`{}`", self::name(&path[..length - 1])),
        };
        let label = nearest(name, known).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
        self.fault("unknown-attribute", path, format!("{whose} has no attribute `{name}`"), label);
    }

    fn unique(&mut self, key: &str, list: &[Value], path: &mut Vec<PathStep>) {
        let mut seen = std::collections::HashSet::new();
        for (index, element) in list.iter().enumerate() {
            if let Some(Value::String(text)) = element.get(key)
                && !seen.insert(text)
            {
                path.push(PathStep::Index(index));
                let message =
                    format!("`{}` has two elements with {key} \"{text}\"", name(&path[..path.len() - 1]));
                self.fault("duplicate-element", path, message, "second one".to_owned());
                path.pop();
            }
        }
    }
}

/// Returns whether a value is an intrinsic function of CloudFormation, such as `{ Ref = "Bucket" }`.
fn is_intrinsic(value: &Value) -> bool {
    let Value::Map(map) = value else { return false };
    map.len() == 1 && map.keys().all(|name| name == "Ref" || name.starts_with("Fn::"))
}

/// Returns whether a text looks like a file path.
fn is_file_name(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or_default();
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    name.rsplit_once('.').is_some_and(|(name, ending)| {
        !name.is_empty() && ["json", "yaml", "yml", "asl", "tpl", "tftpl"].contains(&ending)
    }) && text.chars().all(letter)
}

fn name(path: &[PathStep]) -> String {
    let mut name = String::new();
    for step in path {
        match step {
            PathStep::Name(step) => {
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(step);
            }
            PathStep::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}
