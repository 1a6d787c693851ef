//! Values stored as JSON, where unknown differs from null. Secrets are masked.

use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::{Unknown, Value};

/// Members that encode what JSON cannot express.
const UNKNOWN: &str = "$unknown";
const SECRET: &str = "$secret";
/// Encodes a map whose only entry has one of these names.
const MAP: &str = "$map";

/// The text that replaces a secret. A number distinguishes several secrets.
pub fn mask(number: usize) -> String {
    if number == 0 { "(secret)".to_owned() } else { format!("(secret {number})") }
}

fn is_mask(text: &str) -> bool {
    let inner = text.strip_prefix("(secret").and_then(|rest| rest.strip_suffix(')'));
    inner.is_some_and(|inner| {
        let number = inner.strip_prefix(' ');
        inner.is_empty() || number.is_some_and(|one| one.parse::<usize>().is_ok())
    })
}

/// Serialises a secret as its mask.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let marked = |serializer: S, mark: &str, value: &Value| {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(mark, value)?;
            map.end()
        };
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Number(number) => number.to_json().serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) | Self::Set(items) => serializer.collect_seq(items),
            Self::Map(entries) if is_marked(entries.keys().map(String::as_str)) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(MAP, entries)?;
                map.end()
            }
            Self::Map(entries) => serializer.collect_map(entries),
            Self::Unknown(Unknown { address, attribute }) => {
                let from = Self::list([address.as_str(), attribute.as_str()]);
                marked(serializer, UNKNOWN, &from)
            }
            Self::Secret(inner) => match inner.as_ref() {
                Self::Null => marked(serializer, SECRET, &Self::Null),
                Self::String(text) if is_mask(text) => marked(serializer, SECRET, inner),
                other => match other.first_unknown() {
                    Some(unknown) => marked(serializer, SECRET, &unknown.clone().into()),
                    None => marked(serializer, SECRET, &mask(0).into()),
                },
            },
        }
    }
}

fn is_marked<'k>(mut keys: impl Iterator<Item = &'k str>) -> bool {
    matches!((keys.next(), keys.next()), (Some(UNKNOWN | SECRET | MAP), None))
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Json::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn read(json: Json) -> Result<Value, &'static str> {
    let entries = match json {
        Json::Array(items) => {
            return Ok(Value::List(items.into_iter().map(read).collect::<Result<_, _>>()?));
        }
        Json::Object(entries) => entries,
        plain => return Ok(Value::from_json(&plain)),
    };
    let all = |entries: serde_json::Map<String, Json>| {
        let entries = entries.into_iter().map(|(key, value)| Ok((key, read(value)?)));
        entries.collect::<Result<_, _>>().map(Value::Map)
    };
    if !is_marked(entries.keys().map(String::as_str)) {
        return all(entries);
    }
    match entries.into_iter().next() {
        Some((mark, Json::Array(from))) if mark == UNKNOWN => match from.as_slice() {
            [Json::String(address), Json::String(attribute)] => Ok(Value::unknown(address, attribute)),
            _ => Err("an unknown value says from where it will be known"),
        },
        Some((mark, Json::Object(entries))) if mark == MAP => all(entries),
        Some((mark, inner)) if mark == SECRET => match read(inner)? {
            inner @ (Value::Null | Value::Unknown(_)) => Ok(Value::Secret(Box::new(inner))),
            Value::String(text) if is_mask(&text) => Ok(Value::Secret(Box::new(Value::String(text)))),
            _ => Err("a secret is masked"),
        },
        _ => Err("a value is marked as what it is not"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Number;
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written_and_secrets_are_masked() {
        let secret = |inner: Value| Value::Secret(Box::new(inner));
        for (value, text, read) in [
            (Value::Null, "null", None),
            (Value::list([1.into(), Value::Number(Number::Float(0.1)), true.into()]), "[1,0.1,true]", None),
            (Value::Number(Number::Float(1e20)), "1e+20", None),
            (
                Value::Number(Number::parse("-12345678901234567890.5").unwrap()),
                "-12345678901234567890.5",
                None,
            ),
            (Value::unknown("a.b", "arn"), r#"{"$unknown":["a.b","arn"]}"#, None),
            (Value::map([("$secret", "x")]), r#"{"$map":{"$secret":"x"}}"#, None),
            (Value::map([("$map", "x"), ("y", "z")]), r#"{"$map":"x","y":"z"}"#, None),
            (secret("hunter2".into()), r#"{"$secret":"(secret)"}"#, Some(secret("(secret)".into()))),
            (secret("(secret 2)".into()), r#"{"$secret":"(secret 2)"}"#, None),
            (secret("(secret x)".into()), r#"{"$secret":"(secret)"}"#, Some(secret("(secret)".into()))),
            (secret(7.into()), r#"{"$secret":"(secret)"}"#, Some(secret("(secret)".into()))),
            (secret(Value::Null), r#"{"$secret":null}"#, None),
            (
                secret(Value::list([Value::from("x"), Value::unknown("a.b", "")])),
                r#"{"$secret":{"$unknown":["a.b",""]}}"#,
                Some(secret(Value::unknown("a.b", ""))),
            ),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            let found: Value = serde_json::from_str(text).unwrap();
            // Secrets print alike, so they are compared by their values.
            assert!(found == read.unwrap_or(value), "{text}");
        }
        for wrong in [r#"{"$secret":"hunter2"}"#, r#"{"$unknown":"a.b"}"#, r#"{"$map":1}"#] {
            assert!(serde_json::from_str::<Value>(wrong).is_err(), "{wrong}");
        }
    }
}
