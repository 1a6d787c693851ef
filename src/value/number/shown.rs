//! Numbers as text and in JSON.

use std::fmt;

use super::Number;

impl Number {
    /// The magnitude, as Go's verb `letter` (`e`, `f` or `g`) writes it.
    pub fn text(&self, letter: char, precision: Option<usize>) -> String {
        self.to_big().text(letter, precision)
    }

    /// The number for JSON. A double is written as earlier versions wrote it, because fingerprints in
    /// ledgers are computed from this text. Zero has no sign.
    pub fn to_json(&self) -> serde_json::Number {
        let double = match self {
            Self::Integer(integer) => return (*integer).into(),
            Self::Float(0.0) => return 0.into(),
            Self::Float(float) => Some(*float),
            Self::Big(big) if !big.is_precise() => Some(big.to_f64()),
            Self::Big(_) => None,
        };
        let number = match double {
            Some(float) => serde_json::Number::from_f64(float),
            None => self.to_string().parse().ok(),
        };
        // A double here is finite, and its digits are a valid number.
        number.unwrap_or_else(|| 0.into())
    }
}

/// Decimal, without an exponent: `250`, `0.5`.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(formatter, "{integer}"),
            Self::Float(float) => write!(formatter, "{float}"),
            Self::Big(big) => {
                let sign = if big.is_negative() { "-" } else { "" };
                write!(formatter, "{sign}{}", big.text('f', None))
            }
        }
    }
}
