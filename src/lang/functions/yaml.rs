//! YAML as Terraform writes it: names in order and in quotes, block style.

use std::cell::{Cell, RefCell};

use super::super::budget::MAP;
use super::json::write_text;
use super::{Arguments, Problem, json};
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

/// No fewer bytes than [`encode`] writes of a value that is indented so much.
pub(super) fn length(value: &Value, indent: usize) -> usize {
    match value {
        Value::String(text) => {
            let lines = text.bytes().filter(|&byte| byte == b'\n').count() + 1;
            json::length(value).saturating_add(lines.saturating_mul(indent + 4)) + 8
        }
        Value::List(items) => items.iter().map(|item| length(item, indent + 2) + indent + 4).sum(),
        Value::Map(entries) => {
            let of = |(key, item): (&String, &Value)| key.len() * 6 + length(item, indent + 2) + indent + 6;
            entries.iter().map(of).sum()
        }
        _ => 64,
    }
}

/// Counts what a document decodes to, before any of it is made: an alias stands for all that
/// its anchor does, and a few lines of them for more than any machine has.
pub(super) fn count(
    arguments: &Arguments<'_>,
    text: &str,
) -> Result<Result<(), serde_yaml_ng::Error>, Problem> {
    let counter = Counter { arguments, bytes: Cell::new(0), over: RefCell::new(None) };
    let outcome =
        serde::de::DeserializeSeed::deserialize(&counter, serde_yaml_ng::Deserializer::from_str(text));
    match counter.over.take() {
        Some(problem) => Err(problem),
        None => Ok(outcome),
    }
}

struct Counter<'a> {
    arguments: &'a Arguments<'a>,
    bytes: Cell<usize>,
    over: RefCell<Option<Problem>>,
}

impl Counter<'_> {
    fn one<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        self.bytes.set(self.bytes.get().saturating_add(bytes + 96));
        let fits = self.arguments.room(self.bytes.get()).and_then(|()| self.arguments.work(3));
        fits.map_err(|problem| {
            self.over.replace(Some(problem));
            E::custom("too much")
        })
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for &Counter<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for &Counter<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.one(0)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.one(0)
    }

    fn visit_i128<E: serde::de::Error>(self, _: i128) -> Result<(), E> {
        self.one(0)
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.one(0)
    }

    fn visit_u128<E: serde::de::Error>(self, _: u128) -> Result<(), E> {
        self.one(0)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.one(0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.one(text.len())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.one(0)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.one(0)?;
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.one(MAP as usize)?;
        while entries.next_key_seed(self)?.is_some() {
            entries.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (_, value) = tagged.variant::<serde::de::IgnoredAny>()?;
        serde::de::VariantAccess::newtype_variant_seed(value, self)
    }
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
