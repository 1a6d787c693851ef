//! Arithmetic like that of Go's `big.Float`: the exact result is rounded once.

use std::cmp::Ordering;

use num_bigint::BigUint;

use super::{Big, PRECISION};

impl Big {
    /// Both mantissas, scaled to the smaller exponent.
    fn aligned(&self, other: &Self) -> (BigUint, BigUint, i64) {
        let exponent = self.exponent.min(other.exponent);
        let raise = |one: &Self| &one.mantissa << one.exponent.abs_diff(exponent);
        // Zero is zero at every exponent.
        match (self.is_zero(), other.is_zero()) {
            (true, _) => (BigUint::ZERO, other.mantissa.clone(), other.exponent),
            (_, true) => (self.mantissa.clone(), BigUint::ZERO, self.exponent),
            _ => (raise(self), raise(other), exponent),
        }
    }

    pub(in crate::value) fn add(&self, other: &Self) -> Option<Self> {
        let precision = self.precision.max(other.precision);
        let (left, right, exponent) = self.aligned(other);
        let (negative, sum) = if self.negative == other.negative {
            (self.negative, left + right)
        } else {
            match left.cmp(&right) {
                Ordering::Equal => (false, BigUint::ZERO),
                Ordering::Greater => (self.negative, left - right),
                Ordering::Less => (other.negative, right - left),
            }
        };
        Self::rounded(negative, sum, exponent, false, precision)
    }

    /// The number with the opposite sign.
    pub(in crate::value) fn negated(&self) -> Self {
        Self { negative: !self.negative, ..self.clone() }
    }

    pub(in crate::value) fn multiply(&self, other: &Self) -> Option<Self> {
        let product = &self.mantissa * &other.mantissa;
        let exponent = self.exponent + other.exponent;
        let product = Self::rounded(self.negative != other.negative, product, exponent, false, PRECISION)?;
        let precision = self.precision.max(other.precision).max(product.mantissa.bits());
        Some(Self { precision, ..product })
    }

    /// The quotient; `None` also for a division by zero.
    pub(in crate::value) fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let negative = self.negative != other.negative;
        let precision = self.precision.max(other.precision);
        if self.is_zero() {
            return Self::rounded(negative, BigUint::ZERO, 0, false, precision);
        }
        let exponent = self.exponent - other.exponent;
        Self::quotient(negative, &self.mantissa, &other.mantissa, exponent, precision)
    }

    /// The number without its fraction.
    pub(in crate::value) fn truncated(&self) -> Option<Self> {
        Self::rounded(self.negative, self.whole(), 0, false, self.precision)
    }

    /// The remainder of a division, with the sign of `self`; `self` if `other` is zero.
    pub(in crate::value) fn remainder(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return Some(self.clone());
        }
        let times = self.divide(other)?.truncated()?;
        self.add(&other.multiply(&times)?.negated())
    }

    pub(in crate::value) fn order(&self, other: &Self) -> Ordering {
        let sign = |one: &Self| if one.is_zero() { 0 } else { 1 - 2 * i32::from(one.negative) };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign.is_ne() || self.is_zero() {
            return by_sign;
        }
        let (left, right, _) = self.aligned(other);
        if self.negative { right.cmp(&left) } else { left.cmp(&right) }
    }
}
