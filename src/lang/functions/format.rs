//! `format` and `formatlist`: Go's verbs, as Terraform has them.

use std::iter::Peekable;
use std::str::Chars;

use super::super::convert;
use super::json;
use super::{Arguments, Outcome, Problem};
use crate::value::{Number, Value};

/// Widest field and longest fraction, so that a slip of the finger takes no memory.
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
        if let Value::List(items) = value {
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
                    Value::List(items) => items.get(at).unwrap_or(&Value::Null),
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

/// What stands between `%` and the letter.
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

/// `made` bytes were made before in the same call.
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
        // A number that begins with 0 is none.
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
    let whole = || match number()? {
        Number::Float(float) if float.fract() != 0.0 => {
            Err(Problem::of(at, format!("`%{}` takes a whole number", verb.letter)))
        }
        number => Ok(number),
    };
    Ok(match verb.letter {
        'v' if verb.sharp => padded(verb, json::encode(value)),
        'v' => match value {
            Value::Number(number) => signed(verb, *number, number.to_string()),
            Value::Null => padded(verb, "null".to_owned()),
            Value::List(_) | Value::Map(_) => padded(verb, json::encode(value)),
            other => padded(verb, convert::to_text(other).unwrap_or_default().into_owned()),
        },
        't' => match convert::to_bool(value) {
            // Of any width.
            Some(bool) => bool.to_string(),
            None => return Err(Problem::wrong_type(at, "bool", value)),
        },
        's' => padded(verb, shortened(verb, &text()?)),
        'q' => padded(verb, json::encode(&shortened(verb, &text()?).into())),
        'd' => signed(verb, whole()?, whole()?.to_string()),
        'b' => signed(verb, whole()?, radix(whole()?, |magnitude| format!("{magnitude:b}"))),
        'o' => signed(verb, whole()?, radix(whole()?, |magnitude| format!("{magnitude:o}"))),
        'x' => signed(verb, whole()?, radix(whole()?, |magnitude| format!("{magnitude:x}"))),
        'X' => signed(verb, whole()?, radix(whole()?, |magnitude| format!("{magnitude:X}"))),
        'f' | 'F' => {
            let precision = verb.precision.unwrap_or(6);
            signed(verb, number()?, format!("{:.precision$}", number()?.as_f64()))
        }
        'e' | 'E' => {
            let shown = exponent(number()?.as_f64(), verb.precision.unwrap_or(6));
            let shown = if verb.letter == 'E' { shown.to_uppercase() } else { shown };
            signed(verb, number()?, shown)
        }
        'g' | 'G' => {
            let shown = general(number()?.as_f64(), verb.precision);
            let shown = if verb.letter == 'G' { shown.to_uppercase() } else { shown };
            signed(verb, number()?, shown)
        }
        letter => return Err(Problem::of(0, format!("there is no verb `%{letter}`"))),
    })
}

/// Without a precision, and with one of 0, the whole text.
fn shortened(verb: &Verb, text: &str) -> String {
    match verb.precision {
        Some(precision) if precision > 0 => super::string::clusters(text).take(precision).collect(),
        _ => text.to_owned(),
    }
}

fn radix(number: Number, shown: fn(u128) -> String) -> String {
    let magnitude = match number {
        Number::Integer(integer) => u128::from(integer.unsigned_abs()),
        // A cast of a double beyond the range gives the end of the range.
        Number::Float(float) => float.abs() as u128,
    };
    let sign = if number.as_f64() < 0.0 { "-" } else { "" };
    format!("{sign}{}", shown(magnitude))
}

/// Go writes at least two digits of exponent, with its sign.
fn exponent(number: f64, precision: usize) -> String {
    two_digits(&format!("{number:.precision$e}"))
}

fn two_digits(shown: &str) -> String {
    match shown.split_once('e') {
        Some((mantissa, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
            format!("{mantissa}e{sign}{power:0>2}")
        }
        None => shown.to_owned(),
    }
}

/// The shorter of both ways, as C's `%g`; without a precision, all digits there are.
fn general(number: f64, precision: Option<usize>) -> String {
    let scientific = match precision {
        Some(precision) => format!("{number:.*e}", precision.max(1) - 1),
        None => format!("{number:e}"),
    };
    let power: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let limit = precision.map_or(6, |precision| i32::try_from(precision.max(1)).unwrap_or(i32::MAX));
    let trim = |shown: String| match shown.contains('.') {
        true => shown.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => shown,
    };
    if power < -4 || power >= limit {
        let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return two_digits(&format!("{}e{power}", trim(mantissa.to_owned())));
    }
    match precision {
        Some(_) => trim(format!("{number:.*}", usize::try_from(limit - 1 - power).unwrap_or(0))),
        None => number.to_string(),
    }
}

/// Signs and pads a number; zeros go between sign and digits.
fn signed(verb: &Verb, number: Number, shown: String) -> String {
    let (sign, digits) = match shown.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None if verb.plus => ("+", shown.as_str()),
        None if verb.space => (" ", shown.as_str()),
        None => ("", shown.as_str()),
    };
    debug_assert!(sign != "-" || number.as_f64() <= 0.0);
    let width = verb.width.unwrap_or(0).saturating_sub(sign.len());
    if verb.zero && !verb.minus {
        return format!("{sign}{digits:0>width$}");
    }
    // On the right of a number are spaces, even where zeros are asked for.
    padded(&Verb { zero: false, ..verb.clone() }, format!("{sign}{digits}"))
}

fn padded(verb: &Verb, shown: String) -> String {
    // Counting takes long where the text is.
    let Some(width) = verb.width else { return shown };
    let missing = width.saturating_sub(super::string::length(&shown));
    if missing == 0 {
        shown
    } else {
        let padding = (if verb.zero { "0" } else { " " }).repeat(missing);
        if verb.minus { shown + &padding } else { padding + &shown }
    }
}
