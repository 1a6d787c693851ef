//! The values of variables, and where they come from.

use std::collections::BTreeMap;

use super::model::Stack;
use super::variable::Type;
use crate::diag::{Diagnostic, Span, nearest};
use crate::lang::Names;
use crate::value::Value;

/// A value for a variable, before its conversion.
struct Given<'g> {
    value: Value,
    /// Its place in the stack.
    span: Option<Span>,
    /// The external source that sets it.
    source: Option<&'g String>,
    /// True if it is a text where JSON was expected.
    no_json: bool,
}

impl Given<'_> {
    fn at(value: Value, span: Span) -> Self {
        Self { value, span: Some(span), source: None, no_json: false }
    }
}

fn path(stack: &Stack, span: Span) -> String {
    let path = stack.sources.path(span.file);
    path.strip_prefix(&stack.folder).unwrap_or(path).display().to_string()
}

/// Maximum number of characters of a value in a message.
const LONGEST_VALUE: usize = 200;

/// The value as messages show it; a secret is hidden.
fn shown(value: &Value) -> String {
    if value.contains_secret() {
        return "sensitive, and not shown".to_owned();
    }
    let text = match value.to_json() {
        Ok(json) => json.to_string(),
        Err(_) => return "not known".to_owned(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The values of all variables. `given` are the values of `DWCTL_VAR_…`, of files named on the command
/// line, and of the command line itself, each with its source (for messages) and name; later ones
/// take precedence. A text is parsed as JSON unless the variable's type is a string.
pub fn variables(
    stack: &Stack,
    given: &[(String, String, Value)],
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Value> {
    let mut values: BTreeMap<String, Given> = BTreeMap::new();
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
            values.insert(name.clone(), Given::at(default.evaluate(&scope, problems), default.span));
        }
    }
    let may_be_declared = stack.unread.contains("variable");
    for (name, entry) in &stack.env_values {
        if stack.variables.contains_key(name) {
            let value = entry.value.evaluate(&scope, problems);
            values.insert(name.clone(), Given::at(value, entry.value.span));
        } else if !may_be_declared {
            let error = unknown(name, &format!("the environment `{}`", stack.env));
            let is_table = !entry.value.entries().is_empty();
            problems.push(match name.as_str() {
                "var" | "variable" | "variables" if is_table => Diagnostic { helps: Vec::new(), ..error }
                    .at(entry.span, "no such variable")
                    .help("an environment's file sets variables at its top: write `name = value`, without a table"),
                _ => error.at(entry.span, "no such variable"),
            });
        }
    }
    for (source, name, value) in given {
        match stack.variables.get(name) {
            Some(variable) => {
                let is_json = variable.kind != Type::String && variable.kind != Type::Any;
                let (value, no_json) = match value {
                    Value::String(text) if is_json => match serde_json::from_str(text) {
                        Ok(json) => (Value::from_json(&json), false),
                        Err(_) => (value.clone(), variable.kind.is_collection()),
                    },
                    other => (other.clone(), false),
                };
                values.insert(name.clone(), Given { value, span: None, source: Some(source), no_json });
            }
            None if may_be_declared => {}
            None => problems.push(unknown(name, source)),
        }
    }
    let mut converted = BTreeMap::new();
    let mut set_by: BTreeMap<&str, String> = BTreeMap::new();
    for (name, variable) in &stack.variables {
        let Some(Given { value, span, source, no_json }) = values.remove(name) else {
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
        let place = || span.map(|span| format!("line {} of {}", stack.sources.line(span), path(stack, span)));
        set_by.extend(source.cloned().or_else(place).map(|source| (name.as_str(), source)));
        // Mark it secret before any message can show it.
        let value = if variable.sensitive { value.sensitive() } else { value };
        match variable.kind.convert(value) {
            Ok(value) => {
                converted.insert(name.clone(), value);
            }
            Err(message) => {
                let what = format!("the value of variable `{name}` does not fit: {message}");
                let mut problem = Diagnostic::error("wrong-type", what)
                    .at(span.unwrap_or(variable.span), format!("must be {}", variable.kind));
                if let Some(source) = source {
                    problem = problem.note(format!("it is set by {source}"));
                }
                if no_json {
                    let example = variable.kind.example();
                    problem = problem.help(format!("write it as JSON, such as --var '{name}={example}'"));
                }
                problems.push(problem);
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
                let mut problem =
                    Diagnostic::error("invalid-variable", format!("variable `{name}`: {message}"))
                        .at(condition.span, "this condition is not met");
                if let Some(value) = converted.get(name) {
                    problem = problem.note(format!("its value is {}", shown(value)));
                }
                if let Some(source) = set_by.get(name.as_str()) {
                    problem = problem.note(format!("it is set by {source}"));
                }
                problems.push(problem);
            }
        }
    }
    converted
}
