//! The values of variables, and where they come from.

use std::collections::BTreeMap;

use super::condition::{Verdict, shown};
use super::model::Stack;
use super::variable::{Type, Variable};
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

/// The values of all variables. `given` are the values of `DWCTL_VAR_…`, of files named on the command
/// line, and of the command line itself, each with its source (for messages) and name; later ones
/// take precedence. A text is parsed as JSON unless the variable's type is a string.
pub fn variables(
    stack: &Stack,
    given: &[(String, String, Value)],
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Value> {
    let mut values: BTreeMap<String, Given> = BTreeMap::new();
    let names = || stack.root.variables.keys().map(String::as_str);
    let unknown = |name: &str, source: &str| {
        let error = Diagnostic::error("unknown-variable", format!("the stack has no variable `{name}`"))
            .note(format!("it is set by {source}"));
        match nearest(name, names()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        }
    };
    let scope = Names { files: stack.root.files.clone(), ..Names::default() };
    for (name, variable) in &stack.root.variables {
        let Some(default) = &variable.default else { continue };
        let (value, found) = (default.evaluate(&scope, problems), problems.len());
        if value.is_null() && !variable.nullable && found == problems.len() {
            problems.push(
                Diagnostic::error("wrong-type", format!("the default of the variable `{name}` is null"))
                    .at(default.span, "`nullable` is false")
                    .help("leave out the default: the variable must then be set"),
            );
        }
        values.insert(name.clone(), Given::at(value, default.span));
    }
    let may_be_declared = stack.root.unread.contains("variable");
    for (name, entry) in &stack.env_values {
        if stack.root.variables.contains_key(name) {
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
        match stack.root.variables.get(name) {
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
    for (name, variable) in &stack.root.variables {
        let mut given = values.remove(name);
        // Null stands for the default of a variable that cannot be null.
        if !variable.nullable && given.as_ref().is_some_and(|one| one.value.is_null()) {
            let default = variable.default.as_ref();
            given = match default.map(|node| Given::at(node.evaluate(&scope, &mut Vec::new()), node.span)) {
                Some(default) if !default.value.is_null() => Some(default),
                default => {
                    // A default of null has been reported.
                    if default.is_none() {
                        problems.push(null(name, variable, given.as_ref()));
                    }
                    converted.insert(name.clone(), Value::unknown("var", name.as_str()));
                    continue;
                }
            };
        }
        let Some(Given { value, span, source, no_json }) = given else {
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
        let value = if variable.is_secret() { value.sensitive() } else { value };
        match variable.kind.convert(value) {
            Ok(value) => {
                converted.insert(name.clone(), value);
            }
            Err(misfit) => {
                let inner = misfit.place();
                let what = format!("var.{name}{inner}: {}", misfit.required());
                let written =
                    [variable.default.as_ref(), stack.env_values.get(name).map(|entry| &entry.value)];
                let written = written.into_iter().flatten().find(|node| Some(node.span) == span);
                let at = written.map_or(span, |node| Some(node.place(&misfit.path(), false)));
                let mut problem = Diagnostic::error("wrong-type", what)
                    .at(at.unwrap_or(variable.span), format!("must be {}", misfit.wanted()))
                    .note(misfit.found());
                if !inner.is_empty() {
                    problem = problem.note(format!("the type of the variable is {}", variable.kind));
                }
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
    let scope = Names {
        values: BTreeMap::from([("var".to_owned(), Value::Map(converted.clone()))]),
        files: stack.root.files.clone(),
        budget: scope.budget.clone(),
    };
    for (name, variable) in &stack.root.variables {
        for condition in &variable.validation {
            // Unknown values have been reported above.
            let Some(Verdict::Failed(message)) = condition.evaluate(&scope, problems) else { continue };
            let mut problem = condition.failure("invalid-variable", &format!("variable `{name}`"), &message);
            if let Some(value) = converted.get(name) {
                problem = problem.note(format!("its value is {}", shown(value)));
            }
            if let Some(source) = set_by.get(name.as_str()) {
                problem = problem.note(format!("it is set by {source}"));
            }
            problems.push(problem);
        }
    }
    converted
}

/// The error for a variable that cannot be null, and that has no default to stand for null.
fn null(name: &str, variable: &Variable, given: Option<&Given<'_>>) -> Diagnostic {
    let error = Diagnostic::error("missing-variable", format!("the variable `{name}` must not be null"))
        .at(given.and_then(|one| one.span).unwrap_or(variable.span), "`nullable` is false");
    match given.and_then(|one| one.source) {
        Some(source) => error
            .note(format!("it is set by {source}"))
            .help("set it to a value, or leave it out if it has a default"),
        None => error.help("give it a value, or remove `nullable = false`"),
    }
}
