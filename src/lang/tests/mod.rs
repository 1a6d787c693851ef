//! Compares the language with Terraform's answers, and tests its other guarantees.

mod errors;
mod files;
mod flow;
mod fuzz;
mod terraform;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Names, Template};
use crate::diag::{Diagnostic, Sources, Span};
use crate::files::Files;
use crate::value::Value;

/// Evaluates a whole template string.
fn template(text: &str, values: &[(&str, Value)]) -> Result<Value, Vec<Diagnostic>> {
    template_in(text, values, PathBuf::from("."))
}

fn template_in(text: &str, values: &[(&str, Value)], folder: PathBuf) -> Result<Value, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let file = sources.add("stack.toml", text);
    let parsed = Template::parse(text, Span::new(file, 0, text.len()), true).map_err(|error| vec![error])?;
    let values: BTreeMap<String, Value> =
        values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    parsed.evaluate(&Names { values, files: Files::new(folder), ..Names::default() })
}

/// Evaluates one expression.
fn expression(text: &str, values: &[(&str, Value)]) -> Result<Value, Vec<Diagnostic>> {
    template(&format!("${{{text}}}"), values)
}

/// The value of an expression that must have one.
fn value(text: &str, values: &[(&str, Value)]) -> Value {
    expression(text, values).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}
