//! Arithmetic and order of numbers: cheap if both are 64-bit integers.

use std::cmp::Ordering;

use super::Number;

impl Number {
    /// The sum; `None` beyond the limit of all numbers.
    pub fn add(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) if left.checked_add(*right).is_some() => {
                Some(Self::Integer(left + right))
            }
            _ => self.to_big().add(&other.to_big()).map(Self::from),
        }
    }

    /// The difference; `None` beyond the limit of all numbers.
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) if left.checked_sub(*right).is_some() => {
                Some(Self::Integer(left - right))
            }
            _ => self.to_big().add(&other.to_big().negated()).map(Self::from),
        }
    }

    /// The product; `None` beyond the limit of all numbers.
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            // A zero keeps its sign.
            (Self::Integer(left), Self::Integer(right))
                if left.checked_mul(*right).is_some_and(|product| product != 0) =>
            {
                Some(Self::Integer(left * right))
            }
            _ => self.to_big().multiply(&other.to_big()).map(Self::from),
        }
    }

    /// The quotient; `None` beyond the limit of all numbers, and for a division by zero.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right))
                if *left != 0
                    && left.checked_rem(*right) == Some(0)
                    && left.checked_div(*right).is_some() =>
            {
                Some(Self::Integer(left / right))
            }
            _ => self.to_big().divide(&other.to_big()).map(Self::from),
        }
    }

    /// The remainder of a division, with the sign of `self`; `self` if `other` is zero. `None` beyond the
    /// limit of all numbers.
    pub fn remainder(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right))
                if left.checked_rem(*right).is_some_and(|rest| rest != 0) =>
            {
                Some(Self::Integer(left % right))
            }
            _ => self.to_big().remainder(&other.to_big()).map(Self::from),
        }
    }

    /// The number with the opposite sign.
    #[must_use]
    pub fn negate(&self) -> Self {
        match self {
            Self::Integer(integer) if *integer != 0 && integer.checked_neg().is_some() => {
                Self::Integer(-integer)
            }
            _ => self.to_big().negated().into(),
        }
    }

    /// The number without its fraction.
    #[must_use]
    pub fn truncate(&self) -> Self {
        match self {
            Self::Integer(_) => self.clone(),
            other => match other.to_big().truncated().map(Self::from) {
                // A truncated zero loses its sign.
                Some(Self::Float(0.0)) => Self::Integer(0),
                Some(whole) => whole,
                None => other.clone(),
            },
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.order(other))
    }
}

impl Number {
    /// Compares by size.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
            _ => self.to_big().order(&other.to_big()),
        }
    }
}
