//! Arithmetic that agrees with what people write: `0.1 + 0.2` is `0.3`.
//!
//! Terraform computes with 512 bits. Here integers are exact in 64 bits, and doubles
//! are added and multiplied as the decimals they print as, where those fit 128 bits.

use crate::value::Number;

/// `None` where the result is no finite number.
pub(super) fn add(left: Number, right: Number) -> Option<Number> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && let Some(sum) = left.checked_add(right)
    {
        return Some(Number::Integer(sum));
    }
    aligned(left, right)
        .and_then(|(left, right, scale)| number(left.checked_add(right)?, scale))
        .or_else(|| Number::from_f64(left.as_f64() + right.as_f64()))
}

/// `None` where the result is no finite number.
pub(super) fn subtract(left: Number, right: Number) -> Option<Number> {
    add(left, negate(right))
}

/// `None` where the result is no finite number.
pub(super) fn multiply(left: Number, right: Number) -> Option<Number> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        && let Some(product) = left.checked_mul(right)
    {
        return Some(Number::Integer(product));
    }
    decimal(left)
        .zip(decimal(right))
        .and_then(|((left, left_scale), (right, right_scale))| {
            number(left.checked_mul(right)?, left_scale + right_scale)
        })
        .or_else(|| Number::from_f64(left.as_f64() * right.as_f64()))
}

/// `None` for a division by zero or a result that is no finite number.
pub(super) fn divide(left: Number, right: Number) -> Option<Number> {
    if right.as_f64() == 0.0 {
        return None;
    }
    match aligned(left, right) {
        Some((left, right, _)) if right != 0 && left % right == 0 => number(left / right, 0),
        Some((left, right, _)) => Number::from_f64(left as f64 / right as f64),
        None => Number::from_f64(left.as_f64() / right.as_f64()),
    }
}

/// The remainder, with the sign of `left`; `None` for a division by zero.
pub(super) fn remainder(left: Number, right: Number) -> Option<Number> {
    if right.as_f64() == 0.0 {
        return None;
    }
    match aligned(left, right) {
        Some((left, right, scale)) if right != 0 => number(left % right, scale),
        _ => Number::from_f64(left.as_f64() % right.as_f64()),
    }
}

/// The number with the other sign.
pub(super) fn negate(number: Number) -> Number {
    match number {
        Number::Integer(integer) => match integer.checked_neg() {
            Some(negated) => Number::Integer(negated),
            None => Number::Float(-(integer as f64)),
        },
        // -(2^63) is an integer where 2^63 is none.
        Number::Float(float) => Number::from_f64(-float).unwrap_or(number),
    }
}

/// Both as integers of one power of ten.
fn aligned(left: Number, right: Number) -> Option<(i128, i128, u32)> {
    let (left, left_scale) = decimal(left)?;
    let (right, right_scale) = decimal(right)?;
    let scale = left_scale.max(right_scale);
    let raise = |digits: i128, from: u32| digits.checked_mul(10_i128.checked_pow(scale - from)?);
    Some((raise(left, left_scale)?, raise(right, right_scale)?, scale))
}

/// The shortest decimal that names the number: digits, and how many of them are
/// behind the point. `None` where it has more digits than a double holds for sure: then
/// it is no decimal that someone wrote, but the result of a division or a root.
fn decimal(number: Number) -> Option<(i128, u32)> {
    match number {
        Number::Integer(integer) => Some((integer.into(), 0)),
        Number::Float(float) => {
            let text = float.to_string();
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
            if digits.unsigned_abs() >= 10_u128.pow(f64::DIGITS) && !fraction.is_empty() {
                return None;
            }
            Some((digits, u32::try_from(fraction.len()).ok()?))
        }
    }
}

fn number(digits: i128, scale: u32) -> Option<Number> {
    if scale == 0
        && let Ok(integer) = i64::try_from(digits)
    {
        return Some(Number::Integer(integer));
    }
    // The parser rounds once; a division by a power of ten would round twice.
    format!("{digits}e-{scale}").parse::<f64>().ok().and_then(Number::from_f64)
}
