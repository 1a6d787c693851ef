//! Arithmetic on numbers and their order: cheap while both are integers of 64 bits.

use std::cmp::Ordering;

use super::Number;

impl Number {
    /// `None` beyond the limit of all numbers.
    pub fn add(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) if left.checked_add(*right).is_some() => {
                Some(Self::Integer(left + right))
            }
            _ => self.to_big().add(&other.to_big()).map(Self::from),
        }
    }

    /// `None` beyond the limit of all numbers.
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) if left.checked_sub(*right).is_some() => {
                Some(Self::Integer(left - right))
            }
            _ => self.to_big().add(&other.to_big().negated()).map(Self::from),
        }
    }

    /// `None` beyond the limit of all numbers.
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            // The sign of a zero is kept.
            (Self::Integer(left), Self::Integer(right))
                if left.checked_mul(*right).is_some_and(|product| product != 0) =>
            {
                Some(Self::Integer(left * right))
            }
            _ => self.to_big().multiply(&other.to_big()).map(Self::from),
        }
    }

    /// `None` beyond the limit of all numbers, and for a division by zero.
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

    /// What a division leaves, with the sign of `self`; all of it where `other` is zero. `None`
    /// beyond the limit of all numbers.
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

    /// The number with the other sign.
    #[must_use]
    pub fn negate(&self) -> Self {
        match self {
            Self::Integer(integer) if *integer != 0 && integer.checked_neg().is_some() => {
                Self::Integer(-integer)
            }
            _ => self.to_big().negated().into(),
        }
    }

    /// Without what is behind the point.
    #[must_use]
    pub fn truncate(&self) -> Self {
        match self {
            Self::Integer(_) => self.clone(),
            other => match other.to_big().truncated().map(Self::from) {
                // No zero without a fraction has a sign here.
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
    /// By size.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
            _ => self.to_big().order(&other.to_big()),
        }
    }
}
