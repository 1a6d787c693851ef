//! The values of YAML scalars: YAML 1.1's words for booleans, YAML 1.2's numbers, and times, which
//! become strings in RFC 3339.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::super::convert;
use super::super::date;
use crate::value::{Number, Value};

/// The style in which a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// In single or double quotes.
    Quoted,
    /// `|` or `>`.
    Block,
}

/// The tags in `tag:yaml.org,2002:` that a scalar can have.
const TAGS: [&str; 7] = ["str", "bool", "int", "float", "null", "timestamp", "binary"];

/// The value of a scalar, with its tag in `tag:yaml.org,2002:` if it has one.
pub(super) fn resolve(text: &str, style: Style, tag: Option<&str>) -> Result<Value, String> {
    if let Some(tag) = tag.filter(|tag| !TAGS.contains(tag)) {
        return Err(format!("a scalar cannot be a {tag}"));
    }
    let value = resolved(text, style, tag)?;
    // A block without a tag is always a string, but that of the value in it.
    match (style, tag) {
        (Style::Block, None) => Ok(match convert::to_text(&value) {
            Some(text) => text.into_owned().into(),
            None => Value::Null,
        }),
        _ => Ok(value),
    }
}

fn resolved(text: &str, style: Style, tag: Option<&str>) -> Result<Value, String> {
    let cannot = || Err(format!("`{text}` is not a {}", tag.unwrap_or("number")));
    let may_be_more = match text.bytes().next() {
        None => true,
        Some(first) => b"+-0123456789yYnNtTfFoO~.".contains(&first),
    };
    if may_be_more && !matches!(tag, Some("str" | "binary")) {
        if style == Style::Quoted {
            return Ok(text.into());
        }
        if let Some(value) = word(text) {
            return Ok(value);
        }
        if tag.is_none() && matches!(text, ".nan" | ".NaN" | ".NAN") {
            return Err("a number cannot be NaN".to_owned());
        }
        if matches!(
            text,
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF"
        ) {
            return Err("a number is not finite".to_owned());
        }
        match text.bytes().next() {
            Some(b'.') => {
                if let Some(number) = Number::parse(text) {
                    return Ok(number.into());
                }
            }
            Some(b'+' | b'-' | b'0'..=b'9') => {
                if matches!(tag, None | Some("timestamp"))
                    && let Some(time) = date::of_yaml(text)
                {
                    return Ok(time.into());
                }
                if is_number(text) {
                    return number(text).map_or_else(cannot, Ok);
                }
            }
            _ => {}
        }
    }
    match tag {
        None | Some("str") => Ok(text.into()),
        Some("binary") if STANDARD.decode(text.replace(['\n', '\r'], "")).is_ok() => Ok(text.into()),
        Some("bool") => word(text).filter(|value| matches!(value, Value::Bool(_))).map_or_else(cannot, Ok),
        Some("int" | "float") => number(&text.replace('_', "")).map_or_else(cannot, Ok),
        Some("timestamp") => date::of_yaml(text).map_or_else(cannot, |time| Ok(time.into())),
        Some("null") => Ok(Value::Null),
        Some(_) => cannot(),
    }
}

/// A boolean or null.
fn word(text: &str) -> Option<Value> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false.into(),
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        _ => return None,
    })
}

/// Returns whether a plain scalar is a number in YAML 1.2.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    mantissa && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// Parses a number in any of its forms.
fn number(text: &str) -> Option<Value> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(number) = Number::parse(text) {
        return Some(number.into());
    }
    let radix = match digits.get(..2)? {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return None,
    };
    let digits = digits.get(2..)?;
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from(u64::from_str_radix(digits, radix).ok()?) * sign;
    Number::parse(&number.to_string()).map(Value::Number)
}
