//! Numbers.

use std::cmp::Ordering;

use num_bigint::BigUint;

use super::{Arguments, Function, Outcome, Problem, Reads};
use crate::value::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", &["number"], Reads::All, abs),
    Function::new("ceil", &["number"], Reads::All, |arguments| rounded(arguments, false)),
    Function::new("floor", &["number"], Reads::All, |arguments| rounded(arguments, true)),
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

/// Maximum number of digits that `parseint` reads.
const LONGEST: usize = 10_000;

fn abs(arguments: &mut Arguments<'_>) -> Outcome {
    let number = arguments.number(0)?;
    Ok(if number.is_negative() { number.negate() } else { number }.into())
}

fn rounded(arguments: &Arguments<'_>, down: bool) -> Outcome {
    let number = arguments.number(0)?;
    let whole = number.truncate();
    // Truncation makes a negative number larger.
    if whole == number || number.is_negative() != down {
        return Ok(whole.into());
    }
    within(whole.add(&Number::Integer(if down { -1 } else { 1 })))
}

fn within(result: Option<Number>) -> Outcome {
    result.map(Value::Number).ok_or_else(|| Problem::new("the result is too large").code("out-of-range"))
}

fn double(arguments: &Arguments<'_>, index: usize) -> Result<f64, Problem> {
    let double = arguments.number(index)?.as_f64();
    if double.is_finite() { Ok(double) } else { Err(Problem::of(index, "the number is too large")) }
}

/// The result of a function that computes with doubles, as Terraform does.
fn finite(result: f64) -> Outcome {
    within(Number::exactly(result))
}

fn log(arguments: &mut Arguments<'_>) -> Outcome {
    finite(logarithm(double(arguments, 0)?) / logarithm(double(arguments, 1)?))
}

/// The logarithm with the rounding of Go's `math.Log`, after <https://www.netlib.org/fdlibm/e_log.c>.
#[allow(clippy::unreadable_literal, clippy::excessive_precision, reason = "as they are published")]
fn logarithm(number: f64) -> f64 {
    if !number.is_finite() || number <= 0.0 {
        return number.ln();
    }
    let (mut fraction, mut power) = fraction_and_power(number);
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        power -= 1;
    }
    let (f, k) = (fraction - 1.0, power as f64);
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let odd = s2
        * (6.666666666666735130e-01
            + s4 * (2.857142874366239149e-01
                + s4 * (1.818357216161805012e-01 + s4 * 1.479819860511658591e-01)));
    let even =
        s4 * (3.999999999940941908e-01 + s4 * (2.222219843214978396e-01 + s4 * 1.531383769920937332e-01));
    let half = 0.5 * f * f;
    k * 6.93147180369123816490e-01
        - ((half - (s * (half + (odd + even)) + k * 1.90821492927058770002e-10)) - f)
}

fn extreme(arguments: &Arguments<'_>, wanted: Ordering) -> Outcome {
    let mut best = arguments.number(0)?;
    for index in 1..arguments.len() {
        let number = arguments.number(index)?;
        if number.order(&best) == wanted {
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
    let text = match arguments.get(0) {
        Value::String(text) => text.as_str(),
        other => return Err(Problem::wrong_type(0, "string", other)),
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let invalid = || Problem::of(0, format!("`{text}` is not a whole number in base {base}"));
    if digits.is_empty() {
        return Err(invalid());
    }
    let base = u32::try_from(base).map_err(|_| invalid())?;
    let values: Vec<u8> = digits
        .chars()
        .map(|character| digit(character, base).filter(|&value| u32::from(value) < base))
        .collect::<Option<_>>()
        .ok_or_else(invalid)?;
    let too_large = || Problem::of(0, "the number is too large").code("out-of-range");
    if values.len() > LONGEST {
        return Err(too_large());
    }
    arguments.work(values.len())?;
    let magnitude = BigUint::from_radix_be(&values, base).ok_or_else(invalid)?;
    Number::from_integer(negative, magnitude).map(Value::Number).ok_or_else(too_large)
}

/// The value of a digit. Up to base 36, letters have no case; beyond it, upper case follows lower case.
fn digit(character: char, base: u32) -> Option<u8> {
    let character = u8::try_from(character).ok()?;
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'z' => Some(character - b'a' + 10),
        b'A'..=b'Z' if base <= 36 => Some(character - b'A' + 10),
        b'A'..=b'Z' => Some(character - b'A' + 36),
        _ => None,
    }
}

fn pow(arguments: &mut Arguments<'_>) -> Outcome {
    finite(power(double(arguments, 0)?, double(arguments, 1)?))
}

/// A power with the rounding of Go's `math.Pow`, which differs from other libraries: it computes the
/// fraction of the exponent by logarithms and the rest by squares.
fn power(base: f64, exponent: f64) -> f64 {
    let whole = exponent.abs().trunc();
    if !base.is_finite() || !exponent.is_finite() || base == 0.0 || base == 1.0 || whole >= 9.2e18 {
        return base.powf(exponent);
    }
    if exponent.abs() == 0.5 {
        return if exponent > 0.0 { base.sqrt() } else { 1.0 / base.sqrt() };
    }
    let (mut rest, mut fraction) = (whole as u64, exponent.abs() - whole);
    if fraction != 0.0 && base < 0.0 {
        return f64::NAN;
    }
    let (mut result, mut result_power) = (1.0, 0_i64);
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            rest += 1;
        }
        result = (fraction * logarithm(base)).exp();
    }
    let (mut square, mut square_power) = fraction_and_power(base);
    while rest != 0 {
        // The next square would exceed the range of exponents.
        if !(-4_096..=4_096).contains(&square_power) {
            result_power += square_power;
            break;
        }
        if rest & 1 == 1 {
            result *= square;
            result_power += square_power;
        }
        square *= square;
        square_power *= 2;
        if square < 0.5 {
            square += square;
            square_power -= 1;
        }
        rest >>= 1;
    }
    if exponent < 0.0 {
        result = 1.0 / result;
        result_power = -result_power;
    }
    scaled(result, result_power)
}

/// A number as a fraction in [0.5, 1) and a power of two.
fn fraction_and_power(number: f64) -> (f64, i64) {
    if number.abs() < f64::MIN_POSITIVE {
        let (fraction, power) = fraction_and_power(number * 2_f64.powi(64));
        return (fraction, power - 64);
    }
    let bits = number.to_bits();
    let power = ((bits >> 52) & 0x7ff) as i64 - 1022;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), power)
}

fn scaled(number: f64, power: i64) -> f64 {
    let power = power.clamp(-4_400, 4_400) as i32;
    // In parts, so that no factor overflows before the result does.
    let half = power / 2;
    let quarter = half / 2;
    number
        * 2_f64.powi(quarter)
        * 2_f64.powi(half - quarter)
        * 2_f64.powi((power - half) / 2)
        * 2_f64.powi(power - half - (power - half) / 2)
}

fn signum(arguments: &mut Arguments<'_>) -> Outcome {
    Ok(arguments.integer(0)?.signum().into())
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
        total =
            total.add(&number).ok_or_else(|| Problem::new("the result is too large").code("out-of-range"))?;
    }
    Ok(total.into())
}
