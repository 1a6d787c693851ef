//! JSON as Terraform writes it: names sorted, no white space, `<`, `>` and `&` escaped.

use std::fmt::Write as _;

use crate::value::Value;

/// The value as JSON text. The caller passes known, plain values only; others become null.
pub(in super::super) fn encode(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// An upper bound on the bytes that [`encode`] writes.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text_length(text),
        Value::List(items) | Value::Set(items) => {
            items.iter().map(|item| length(item) + 1).sum::<usize>() + 2
        }
        Value::Map(entries) => {
            entries.iter().map(|(key, item)| text_length(key) + length(item) + 2).sum::<usize>() + 2
        }
        Value::Number(number) => number.limbs() as usize * 20 + 32,
        _ => 32,
    }
}

fn text_length(text: &str) -> usize {
    let escaped = |byte: &u8| matches!(byte, 0..=0x1f | b'<' | b'>' | b'&' | 0xe2);
    let quoted = |byte: &u8| matches!(byte, b'"' | b'\\');
    let bytes = text.as_bytes();
    let more = bytes.iter().filter(|byte| escaped(byte)).count() * 5;
    text.len() + 2 + more + bytes.iter().filter(|byte| quoted(byte)).count()
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(text, out),
        Value::List(items) | Value::Set(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        Value::Null | Value::Unknown(_) | Value::Secret(_) => out.push_str("null"),
    }
}

/// Writes a quoted string, escaped like Go's encoder.
pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}
