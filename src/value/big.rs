//! Binary numbers with many digits, like Go's `big.Float`, with which Terraform computes:
//! 512 bits, rounded to nearest, ties to even.

mod arithmetic;
mod decimal;

use num_bigint::BigUint;

/// Precision, in bits, of a number in a file.
pub(super) const PRECISION: u64 = 512;
/// Precision, in bits, of a double.
const DOUBLE: u64 = 53;
/// Every number except zero lies between 2^-LIMIT and 2^LIMIT. Terraform has no such limit; it keeps
/// every number quick to print.
const LIMIT: i64 = 16_384;
/// Maximum number of characters of a number.
const LONGEST: usize = 10_000;

/// The number `mantissa * 2^exponent`; the mantissa is odd, or zero.
#[derive(Clone, Debug)]
pub struct Big {
    negative: bool,
    mantissa: BigUint,
    exponent: i64,
    precision: u64,
}

impl Big {
    /// Rounds to `precision`; `more` means that the exact number is slightly larger.
    fn rounded(negative: bool, mantissa: BigUint, exponent: i64, more: bool, precision: u64) -> Option<Self> {
        let (mut mantissa, mut exponent) = (mantissa, exponent);
        let spare = mantissa.bits().saturating_sub(precision);
        if spare > 0 {
            let half = mantissa.bit(spare - 1);
            let beyond = more || mantissa.trailing_zeros().is_some_and(|zeros| zeros < spare - 1);
            mantissa >>= spare;
            if half && (beyond || mantissa.bit(0)) {
                mantissa += 1_u32;
            }
            exponent += i64::try_from(spare).ok()?;
        }
        if let Some(zeros) = mantissa.trailing_zeros().filter(|&zeros| zeros > 0) {
            mantissa >>= zeros;
            exponent += i64::try_from(zeros).ok()?;
        }
        let zero = mantissa.bits() == 0;
        let top = exponent.checked_add(i64::try_from(mantissa.bits()).ok()?)?;
        if !zero && !(-LIMIT..=LIMIT).contains(&top) {
            return None;
        }
        Some(Self { negative, mantissa, exponent: if zero { 0 } else { exponent }, precision })
    }

    /// An integer with all its bits.
    pub(super) fn integer(negative: bool, magnitude: BigUint) -> Option<Self> {
        let precision = PRECISION.max(magnitude.bits());
        Self::rounded(negative, magnitude, 0, false, precision)
    }

    /// The exact value of a double.
    pub(super) fn double(double: f64) -> Option<Self> {
        if !double.is_finite() {
            return None;
        }
        let bits = double.to_bits();
        let (fraction, power) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7ff) as i64);
        let (mantissa, exponent) =
            if power == 0 { (fraction, -1074) } else { (fraction | 1 << 52, power - 1075) };
        Self::rounded(double.is_sign_negative(), mantissa.into(), exponent, false, DOUBLE)
    }

    /// Parses a decimal number: digits with an optional point before, among or after them, and an
    /// optional exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes() {
            [b'-', ..] => (true, &text[1..]),
            [b'+', ..] => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, "0"),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let in_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = power.strip_prefix(['+', '-']).unwrap_or(power);
        if whole.len() + fraction.len() == 0
            || !in_digits(whole)
            || !in_digits(fraction)
            || unsigned.is_empty()
            || !in_digits(unsigned)
            || text.len() > LONGEST
        {
            return None;
        }
        let digits = BigUint::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
        if digits.bits() == 0 {
            return Self::rounded(negative, digits, 0, false, PRECISION);
        }
        let power = power.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        // Digits and exponent together determine the size.
        if power.unsigned_abs() > 2 * LIMIT as u64 {
            return None;
        }
        let ten = BigUint::from(10_u32).pow(u32::try_from(power.unsigned_abs()).ok()?);
        if power >= 0 {
            Self::rounded(negative, digits * ten, 0, false, PRECISION)
        } else {
            Self::quotient(negative, &digits, &ten, 0, PRECISION)
        }
    }

    fn quotient(
        negative: bool,
        left: &BigUint,
        right: &BigUint,
        exponent: i64,
        precision: u64,
    ) -> Option<Self> {
        let shift = (precision + 2 + right.bits()).saturating_sub(left.bits());
        let raised = left << shift;
        let quotient = &raised / right;
        // One more bit marks an inexact quotient.
        let more = &quotient * right != raised;
        let (quotient, shift) = ((quotient << 1_u32) + u32::from(more), shift + 1);
        Self::rounded(negative, quotient, exponent - i64::try_from(shift).ok()?, more, precision)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.bits() == 0
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// Returns whether it has the precision of a written number, and not that of a double.
    pub(super) fn is_precise(&self) -> bool {
        self.precision >= PRECISION
    }

    /// The approximate number of 64-bit limbs needed to compute with it.
    pub(super) fn limbs(&self) -> u64 {
        (self.mantissa.bits() + self.exponent.unsigned_abs()) / 64 + 1
    }

    /// The number as a 64-bit integer, if it is one.
    pub(super) fn to_i64(&self) -> Option<i64> {
        let magnitude = i128::try_from(self.magnitude_below(128)?).ok()?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    fn magnitude_below(&self, bits: i64) -> Option<u128> {
        if !(0..bits).contains(&self.exponent) {
            return None;
        }
        u128::try_from(&self.mantissa << self.exponent.unsigned_abs()).ok()
    }

    /// The integer part, without its sign.
    pub(super) fn whole(&self) -> BigUint {
        let shift = self.exponent.unsigned_abs();
        if self.exponent >= 0 { &self.mantissa << shift } else { &self.mantissa >> shift }
    }

    /// The nearest double; infinite if there is none.
    pub(super) fn to_f64(&self) -> f64 {
        let spare = self.mantissa.bits().saturating_sub(64);
        let mut top = u64::try_from(&self.mantissa >> spare).unwrap_or(u64::MAX);
        if spare > 0 {
            // The lowest bit stands for all bits that are cut off: the mantissa is odd.
            top |= 1;
        }
        let power = self.exponent.saturating_add(i64::try_from(spare).unwrap_or(i64::MAX));
        let power = i32::try_from(power.clamp(-4_000, 4_000)).unwrap_or_default();
        // In steps, so that no factor becomes infinite or zero before the result does.
        let mut double = top as f64;
        let mut rest = power;
        while rest != 0 {
            let step = rest.clamp(-1_000, 1_000);
            double *= 2_f64.powi(step);
            rest -= step;
        }
        if self.negative { -double } else { double }
    }
}
