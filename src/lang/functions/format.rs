//! `format` and `formatlist`: Go's verbs, as in Terraform.

use std::iter::Peekable;
use std::str::Chars;

use super::super::convert;
use super::json;
use super::{Arguments, Outcome, Problem};
use crate::value::{Number, Value};

/// Maximum width and precision, so that a typo cannot use up the memory.
const WIDEST: usize = 10_000;

pub(super) fn format(arguments: &mut Arguments<'_>) -> Outcome {
    let values = arguments.take_from(1);
    let values: Vec<&Value> = values.iter().collect();
    Ok(formatted(&arguments.text(0)?, &values, arguments, 0)?.into())
}

pub(super) fn format_list(arguments: &mut Arguments<'_>) -> Outcome {
    let values = arguments.take_from(1);
    let pattern = arguments.text(0)?;
    let mut length = None;
    for (at, value) in values.iter().enumerate() {
        if let Value::List(items) | Value::Set(items) = value {
            if length.is_some_and(|length| length != items.len()) {
                return Err(Problem::of(at + 1, "the lists have different lengths"));
            }
            length = Some(items.len());
        }
    }
    let mut made = 0;
    (0..length.unwrap_or(1))
        .map(|at| {
            let row: Vec<&Value> = values
                .iter()
                .map(|value| match value {
                    Value::List(items) | Value::Set(items) => items.get(at).unwrap_or(&Value::Null),
                    single => single,
                })
                .collect();
            let text = formatted(&pattern, &row, arguments, made)?;
            made = made.saturating_add(text.len() + 64);
            Ok(text.into())
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Value::List)
}

/// The part of a verb between `%` and its letter, and the letter.
#[derive(Clone, Default)]
struct Verb {
    plus: bool,
    minus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    letter: char,
}

/// Formats one pattern. The same call already made `made` bytes.
fn formatted(
    pattern: &str,
    values: &[&Value],
    arguments: &Arguments<'_>,
    made: usize,
) -> Result<String, Problem> {
    arguments.work(pattern.len() / 64)?;
    let mut out = String::new();
    let mut characters = pattern.chars().peekable();
    let (mut next, mut used) = (0, 0);
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        if characters.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let verb = verb(&mut characters, &mut next)?;
        let value = values.get(next).ok_or_else(|| {
            Problem::of(0, format!("there is no value for verb {} `%{}`", next + 1, verb.letter))
        })?;
        next += 1;
        used = used.max(next);
        let shown = rendered(&verb, value, next)?;
        arguments.room(made.saturating_add(out.len()).saturating_add(shown.len()))?;
        arguments.work(1 + shown.len() / 16)?;
        out.push_str(&shown);
    }
    if used < values.len() {
        return Err(Problem::of(used + 1, "there are more values than verbs in the format"));
    }
    Ok(out)
}

fn verb(characters: &mut Peekable<Chars<'_>>, next: &mut usize) -> Result<Verb, Problem> {
    let mut verb = Verb::default();
    while let Some(flag) = characters.next_if(|flag| matches!(flag, '+' | '-' | '0' | ' ' | '#')) {
        match flag {
            '+' => verb.plus = true,
            '-' => verb.minus = true,
            '0' => verb.zero = true,
            ' ' => verb.space = true,
            _ => verb.sharp = true,
        }
    }
    verb.width = digits(characters)?;
    if characters.next_if_eq(&'.').is_some() {
        verb.precision = Some(digits(characters)?.unwrap_or(0));
    }
    if characters.next_if_eq(&'[').is_some() {
        // A number does not begin with 0.
        let zero = characters.peek() == Some(&'0');
        let position = digits(characters)?.filter(|_| !zero);
        match (position, characters.next()) {
            (Some(position), Some(']')) => *next = position - 1,
            _ => return Err(Problem::of(0, "a position is written `%[1]s`, counted from 1")),
        }
    }
    verb.letter =
        characters.next().ok_or_else(|| Problem::of(0, "the format ends in the middle of a verb"))?;
    Ok(verb)
}

fn digits(characters: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, Problem> {
    let mut number = None;
    while let Some(digit) = characters.peek().and_then(|character| character.to_digit(10)) {
        characters.next();
        let grown = number.unwrap_or(0) * 10 + digit as usize;
        if grown > WIDEST {
            return Err(Problem::of(0, format!("a width or precision is at most {WIDEST}")));
        }
        number = Some(grown);
    }
    Ok(number)
}

fn rendered(verb: &Verb, value: &Value, at: usize) -> Result<String, Problem> {
    let number = || convert::to_number(value).ok_or_else(|| Problem::wrong_type(at, "number", value));
    let text = || convert::to_text(value).ok_or_else(|| Problem::wrong_type(at, "string", value));
    Ok(match verb.letter {
        'v' => match value {
            Value::String(text) if !verb.sharp => padded(verb, text.clone()),
            Value::Number(number) if !verb.sharp => {
                padded(verb, format!("{}{}", minus(number), number.text('g', None)))
            }
            other => padded(verb, json::encode(other)),
        },
        // `%t` ignores a width.
        't' => match convert::to_bool(value) {
            Some(bool) => bool.to_string(),
            None => return Err(Problem::wrong_type(at, "bool", value)),
        },
        's' => padded(verb, shortened(verb, &text()?)),
        'q' => padded(verb, json::encode(&shortened(verb, &text()?).into())),
        'd' | 'b' | 'o' | 'x' | 'X' => {
            let number = number()?;
            if !number.is_integer() {
                return Err(Problem::of(at, format!("`%{}` takes a whole number", verb.letter)));
            }
            whole(verb, &number)
        }
        'e' | 'E' | 'f' | 'g' | 'G' => {
            let number = number()?;
            let precision = match verb.letter {
                'g' | 'G' => verb.precision,
                _ => Some(verb.precision.unwrap_or(6)),
            };
            let digits = number.text(verb.letter.to_ascii_lowercase(), precision);
            let digits = if verb.letter.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
            fractional(verb, sign(verb, &number), &digits)
        }
        letter => return Err(Problem::of(0, format!("there is no verb `%{letter}`"))),
    })
}

fn minus(number: &Number) -> &'static str {
    if number.is_negative() { "-" } else { "" }
}

fn sign(verb: &Verb, number: &Number) -> &'static str {
    match (minus(number), verb.plus, verb.space) {
        ("", true, _) => "+",
        ("", false, true) => " ",
        (minus, ..) => minus,
    }
}

/// Shortens a text. A precision of zero keeps everything, as in Terraform.
fn shortened(verb: &Verb, text: &str) -> String {
    match verb.precision {
        Some(precision) if precision > 0 => super::clusters::clusters(text).take(precision).collect(),
        _ => text.to_owned(),
    }
}

/// Formats an integer like Go's `big.Int`.
fn whole(verb: &Verb, number: &Number) -> String {
    let (radix, prefix) = match verb.letter {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    // An integer zero has no sign.
    let sign = if number.is_zero() { sign(verb, &Number::Integer(0)) } else { sign(verb, number) };
    let prefix = if verb.sharp { prefix } else { "" };
    let digits = match (number, radix) {
        (Number::Integer(integer), 10) => integer.unsigned_abs().to_string(),
        _ => number.magnitude().to_str_radix(radix),
    };
    let digits = if verb.letter == 'X' { digits.to_uppercase() } else { digits };
    if verb.precision == Some(0) && digits == "0" {
        return String::new();
    }
    let mut zeros = verb.precision.unwrap_or(0).saturating_sub(digits.len());
    let length = sign.len() + prefix.len() + zeros + digits.len();
    let missing = verb.width.unwrap_or(0).saturating_sub(length);
    let (mut left, mut right) = (0, 0);
    match verb.precision {
        _ if verb.minus => right = missing,
        None if verb.zero => zeros = missing,
        _ => left = missing,
    }
    let (left, zeros, right) = (" ".repeat(left), "0".repeat(zeros), " ".repeat(right));
    format!("{left}{sign}{prefix}{zeros}{digits}{right}")
}

/// Formats a number like Go's `big.Float`; zeros go between sign and digits, wherever the field is.
fn fractional(verb: &Verb, sign: &str, digits: &str) -> String {
    let missing = verb.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
    if verb.zero {
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else if verb.minus {
        format!("{sign}{digits}{}", " ".repeat(missing))
    } else {
        format!("{}{sign}{digits}", " ".repeat(missing))
    }
}

fn padded(verb: &Verb, shown: String) -> String {
    // Counting the characters of a long text is slow.
    let Some(width) = verb.width else { return shown };
    let missing = width.saturating_sub(super::clusters::length(&shown));
    let fill = (if verb.zero { "0" } else { " " }).repeat(missing);
    if verb.minus { shown + &fill } else { fill + &shown }
}
