//! Numbers.

use std::cmp::Ordering;

use super::super::arithmetic;
use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", &["number"], Reads::All, abs),
    Function::new("ceil", &["number"], Reads::All, |arguments| float(arguments, f64::ceil)),
    Function::new("floor", &["number"], Reads::All, |arguments| float(arguments, f64::floor)),
    Function::new("log", &["number", "base"], Reads::All, log),
    Function::new("max", &["number", "numbers..."], Reads::All, |arguments| {
        extreme(arguments, Ordering::Greater)
    }),
    Function::new("min", &["number", "numbers..."], Reads::All, |arguments| {
        extreme(arguments, Ordering::Less)
    }),
    Function::new("parseint", &["string", "base"], Reads::All, parseint),
    Function::new("pow", &["number", "power"], Reads::All, pow),
    Function::new("signum", &["number"], Reads::All, signum),
    Function::new("sum", &["list"], Reads::All, sum),
];

fn abs(arguments: &mut Arguments<'_>) -> Outcome {
    let number = arguments.number(0)?;
    Ok(if number.as_f64() < 0.0 { arithmetic::negate(number) } else { number }.into())
}

fn float(arguments: &Arguments<'_>, operation: fn(f64) -> f64) -> Outcome {
    match arguments.number(0)? {
        integer @ Number::Integer(_) => Ok(integer.into()),
        Number::Float(float) => finite(operation(float)),
    }
}

fn finite(result: f64) -> Outcome {
    Number::from_f64(result)
        .map(Value::Number)
        .ok_or_else(|| Problem::new("the result is not a finite number").code("out-of-range"))
}

fn log(arguments: &mut Arguments<'_>) -> Outcome {
    finite(arguments.number(0)?.as_f64().ln() / arguments.number(1)?.as_f64().ln())
}

fn extreme(arguments: &Arguments<'_>, wanted: Ordering) -> Outcome {
    let mut best = arguments.number(0)?;
    for index in 1..arguments.len() {
        let number = arguments.number(index)?;
        if number.partial_cmp(&best) == Some(wanted) {
            best = number;
        }
    }
    Ok(best.into())
}

fn parseint(arguments: &mut Arguments<'_>) -> Outcome {
    let base = arguments.integer(1)?;
    if !(2..=62).contains(&base) {
        return Err(Problem::of(1, "the base must be between 2 and 62"));
    }
    let text = arguments.text(0)?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let invalid = || Problem::of(0, format!("`{text}` is not a whole number in base {base}"));
    if digits.is_empty() {
        return Err(invalid());
    }
    let mut number: i128 = 0;
    for character in digits.chars() {
        let digit = digit(character, base).filter(|&digit| digit < base).ok_or_else(invalid)?;
        number = number
            .checked_mul(base.into())
            .and_then(|number| number.checked_add(digit.into()))
            .ok_or_else(|| Problem::of(0, "the number is too large").code("out-of-range"))?;
    }
    let number = if negative { -number } else { number };
    match i64::try_from(number) {
        Ok(number) => Ok(number.into()),
        Err(_) => finite(number as f64),
    }
}

/// Up to base 36 letters have no case, beyond it upper case follows lower case.
fn digit(character: char, base: i64) -> Option<i64> {
    let value = match character {
        '0'..='9' => u32::from(character) - u32::from('0'),
        'a'..='z' => u32::from(character) - u32::from('a') + 10,
        'A'..='Z' if base <= 36 => u32::from(character) - u32::from('A') + 10,
        'A'..='Z' => u32::from(character) - u32::from('A') + 36,
        _ => return None,
    };
    Some(value.into())
}

fn pow(arguments: &mut Arguments<'_>) -> Outcome {
    let (base, power) = (arguments.number(0)?, arguments.number(1)?);
    if let (Number::Integer(base), Number::Integer(power)) = (base, power)
        && let Some(result) = u32::try_from(power).ok().and_then(|power| base.checked_pow(power))
    {
        return Ok(result.into());
    }
    finite(base.as_f64().powf(power.as_f64()))
}

fn signum(arguments: &mut Arguments<'_>) -> Outcome {
    let number = arguments.number(0)?.as_f64();
    Ok(i64::from(number > 0.0).wrapping_sub(i64::from(number < 0.0)).into())
}

fn sum(arguments: &mut Arguments<'_>) -> Outcome {
    let list = arguments.list(0)?;
    if list.is_empty() {
        return Err(Problem::of(0, "cannot sum an empty list"));
    }
    let mut total = Number::Integer(0);
    for item in list {
        let number = super::super::convert::to_number(item)
            .ok_or_else(|| Problem::wrong_type(0, "list of numbers", item))?;
        total = arithmetic::add(total, number)
            .ok_or_else(|| Problem::new("the result is not a finite number").code("out-of-range"))?;
    }
    Ok(total.into())
}
