//! YAML as Terraform writes it: names in order and in quotes, block style.

use super::json::write_text;
use crate::value::Value;

/// The value as a YAML document. It is given wholly known, plain values; what else
/// there may be becomes null.
pub(super) fn encode(value: &Value) -> String {
    let mut out = String::new();
    match value {
        // An open-ended plain scalar ends its document with a marker.
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            scalar(value, 0, &mut out);
            out.push_str("...\n");
        }
        Value::List(items) if !items.is_empty() => list(items, 0, &mut out),
        Value::Map(entries) if !entries.is_empty() => map(entries, 0, true, &mut out),
        other => scalar(other, 0, &mut out),
    }
    out
}

fn list(items: &[Value], indent: usize, out: &mut String) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            pad(indent, out);
        }
        out.push_str("- ");
        match item {
            Value::List(items) if !items.is_empty() => list(items, indent + 2, out),
            Value::Map(entries) if !entries.is_empty() => map(entries, indent + 2, true, out),
            other => scalar(other, indent, out),
        }
    }
}

/// `started`: the line of the first entry is indented already.
fn map(entries: &std::collections::BTreeMap<String, Value>, indent: usize, started: bool, out: &mut String) {
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 || !started {
            pad(indent, out);
        }
        write_text(key, out);
        out.push(':');
        match value {
            Value::List(items) if !items.is_empty() => {
                // A list directly in the outermost map is not indented, deeper ones are
                // by what their entry is.
                let inner = if indent == 0 { 0 } else { indent };
                out.push('\n');
                pad(inner, out);
                list(items, inner, out);
            }
            Value::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                map(entries, indent + 2, false, out);
            }
            other => {
                out.push(' ');
                scalar(other, indent, out);
            }
        }
    }
}

/// Ends the line.
fn scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Bool(bool) => out.push_str(&bool.to_string()),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) if fits_a_block(text) => return block(text, indent + 2, out),
        Value::String(text) => write_text(text, out),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
        Value::Null | Value::Unknown(_) | Value::Secret(_) => out.push_str("null"),
    }
    out.push('\n');
}

fn fits_a_block(text: &str) -> bool {
    text.contains('\n')
        && text.lines().all(|line| {
            !line.ends_with([' ', '\t'])
                && !line.chars().any(|character| character.is_control() && character != '\t')
        })
}

/// A literal block, with the sign that keeps its end as it is.
fn block(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let body = text.strip_suffix('\n');
    match body {
        None => out.push('-'),
        Some(body) if body.is_empty() || body.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    out.push('\n');
    for line in body.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            pad(indent, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}
