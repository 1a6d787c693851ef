//! Numbers: small ones are cheap, large ones keep all their digits.

mod arithmetic;
mod shown;
#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests;

use num_bigint::BigUint;

use super::big::Big;

/// A number in its one canonical form: an integer if it fits 64 bits; else a double, if the double's
/// shortest decimal is that number; else the 512 bits with which Terraform computes. So `0.1 + 0.2`
/// is `0.3`.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// The number that is the double's shortest decimal; finite.
    Float(f64),
    /// Any other number.
    Big(Box<Big>),
}

/// 2^63 is the first double above every i64; -2^63 is an i64 itself.
const ABOVE_INTEGERS: f64 = 9_223_372_036_854_775_808.0;
/// A decimal with at most this many digits is the shortest decimal of its nearest double.
const SURE_DIGITS: usize = f64::DIGITS as usize;

impl Number {
    /// The number that `float` prints as; `None` for infinities and NaN. It is an integer if it has no
    /// fraction and fits.
    pub fn from_f64(float: f64) -> Option<Self> {
        if !float.is_finite() {
            None
        } else if float.fract() == 0.0 && (-ABOVE_INTEGERS..ABOVE_INTEGERS).contains(&float) {
            Some(Self::Integer(float as i64))
        } else {
            Some(Self::Float(float))
        }
    }

    /// The exact value of a double, as functions that compute with doubles return it.
    pub fn exactly(float: f64) -> Option<Self> {
        Big::double(float).map(Self::from)
    }

    /// An integer of any length; `None` beyond the limit of all numbers.
    pub fn from_integer(negative: bool, magnitude: BigUint) -> Option<Self> {
        Big::integer(negative, magnitude).map(Self::from)
    }

    /// Parses a decimal number without white space around it: `12`, `-0.5`, `.5`, `1e400`. `None` if the
    /// text is no number, or beyond the limit of all numbers, about `1e4932`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(integer) = text.parse::<i64>() {
            return Some(if integer == 0 && text.starts_with('-') {
                Self::Float(-0.0)
            } else {
                Self::Integer(integer)
            });
        }
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        // `digits > 0` excludes words such as `inf`. Digits of the exponent count, too, which is safe.
        if digits > 0
            && digits <= SURE_DIGITS
            && let Ok(float) = text.parse::<f64>()
            && (float == 0.0 || (1e-280..1e280).contains(&float.abs()))
        {
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            if float != 0.0 {
                return Self::from_f64(float);
            } else if !mantissa.contains(|digit: char| matches!(digit, '1'..='9')) {
                return Some(if float.is_sign_negative() { Self::Float(-0.0) } else { Self::Integer(0) });
            }
        }
        Big::parse(text).map(Self::from)
    }

    /// Parses an integer in a base from 2 to 36, with an optional sign. Otherwise as [`Number::parse`].
    pub fn parse_radix(text: &str, radix: u32) -> Option<Self> {
        if radix == 10 {
            return Self::parse(text);
        }
        if let Ok(integer) = i64::from_str_radix(text, radix) {
            return Some(Self::Integer(integer));
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let magnitude = BigUint::parse_bytes(digits.as_bytes(), radix)?;
        Self::from_integer(text.starts_with('-'), magnitude)
    }

    /// The nearest double.
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Integer(integer) => *integer as f64,
            Self::Float(float) => *float,
            Self::Big(big) => big.to_f64(),
        }
    }

    /// The number as a 64-bit integer, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            Self::Float(float) => (*float == 0.0).then_some(0),
            Self::Big(big) => big.to_i64(),
        }
    }

    /// Returns whether it has no fraction.
    pub fn is_integer(&self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Float(float) => float.fract() == 0.0,
            Self::Big(big) => big.is_integer(),
        }
    }

    /// Returns whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.as_i64() == Some(0)
    }

    /// Returns whether it is written with a minus sign.
    pub fn is_negative(&self) -> bool {
        match self {
            Self::Integer(integer) => *integer < 0,
            Self::Float(float) => float.is_sign_negative(),
            Self::Big(big) => big.is_negative(),
        }
    }

    /// The integer part, without its sign.
    pub fn magnitude(&self) -> BigUint {
        match self {
            Self::Integer(integer) => integer.unsigned_abs().into(),
            other => other.to_big().whole(),
        }
    }

    /// Rounds to a double: AWS accepts no more digits in a number of a request.
    #[must_use]
    pub fn as_double(self) -> Self {
        match self {
            Self::Big(big) => Self::from_f64(big.to_f64()).unwrap_or(Self::Big(big)),
            Self::Float(0.0) => Self::Integer(0),
            other => other,
        }
    }

    /// The approximate number of 64-bit limbs needed to compute with it.
    pub(crate) fn limbs(&self) -> u64 {
        match self {
            Self::Integer(_) | Self::Float(_) => 1,
            Self::Big(big) => big.limbs(),
        }
    }

    fn to_big(&self) -> Big {
        let big = match self {
            Self::Integer(integer) => Big::integer(*integer < 0, integer.unsigned_abs().into()),
            Self::Float(float) => Big::parse(&format!("{float:e}")),
            Self::Big(big) => return big.as_ref().clone(),
        };
        // Every 64-bit integer and every finite double is within the limit.
        #[allow(clippy::expect_used)]
        big.expect("a number within the limit")
    }
}

/// Converts to the canonical form.
impl From<Big> for Number {
    fn from(big: Big) -> Self {
        if big.is_zero() {
            return if big.is_negative() { Self::Float(-0.0) } else { Self::Integer(0) };
        }
        if let Some(integer) = big.to_i64() {
            return Self::Integer(integer);
        }
        if big.is_precise() {
            let float = big.to_f64();
            // An integer in this range does not fit 64 bits.
            if float.is_finite()
                && float != 0.0
                && Big::parse(&format!("{float:e}")).is_some_and(|named| named.order(&big).is_eq())
            {
                return Self::Float(float);
            }
        }
        Self::Big(Box::new(big))
    }
}
