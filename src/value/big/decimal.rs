//! The decimal digits of a number, as Go prints its `big.Float`.

use num_bigint::BigUint;

use super::Big;

/// The digits of a number, `0.digits * 10^exponent`, without trailing zeros.
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

impl Big {
    /// The fewest digits that distinguish it from other numbers of its precision.
    fn shortest(&self) -> Decimal {
        let mut decimal = Decimal::new(&self.mantissa, self.exponent);
        if self.is_zero() {
            return decimal;
        }
        // With one bit more than the precision, 1 is half a unit in the last place.
        let shift = (self.precision + 1).saturating_sub(self.mantissa.bits());
        let mantissa = &self.mantissa << shift;
        let exponent = self.exponent - i64::try_from(shift).unwrap_or_default();
        let lower = Decimal::new(&(&mantissa - 1_u32), exponent);
        let upper = Decimal::new(&(&mantissa + 1_u32), exponent);
        // Ties go to the even number.
        let inclusive = !mantissa.bit(1);
        for at in 0..decimal.digits.len() {
            let digit = decimal.digits[at];
            let (below, above) = (lower.at(at), upper.at(at));
            let down = below != digit || inclusive && at + 1 == lower.digits.len();
            let up = digit != above && (inclusive || digit + 1 < above || at + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => decimal.round(at + 1),
                (true, false) => decimal.round_down(at + 1),
                (false, true) => decimal.round_up(at + 1),
                (false, false) => continue,
            }
            break;
        }
        decimal
    }

    /// Its magnitude in decimal, as Go's verb `letter` (`e`, `f` or `g`) writes it. Without a `precision`,
    /// the fewest digits that identify the number.
    pub(in crate::value) fn text(&self, letter: char, precision: Option<usize>) -> String {
        let decimal = match precision {
            None => self.shortest(),
            Some(precision) => {
                let mut decimal = Decimal::new(&self.mantissa, self.exponent);
                let places = match letter {
                    'e' => 1 + precision as i64,
                    'g' => precision.max(1) as i64,
                    _ => decimal.exponent + precision as i64,
                };
                if let Ok(places) = usize::try_from(places) {
                    decimal.round(places);
                } else {
                    // The number is less than half of the last shown place.
                    decimal = Decimal { digits: Vec::new(), exponent: 0 };
                }
                decimal
            }
        };
        let (count, point) = (decimal.digits.len(), decimal.exponent);
        let behind = |digits: i64| usize::try_from(digits).unwrap_or(0);
        match letter {
            'e' => decimal.scientific(precision.unwrap_or(count.saturating_sub(1))),
            'g' => {
                let mut digits = precision.map_or(count, |precision| precision.max(1));
                let most = match precision {
                    None => 6,
                    Some(_) if digits > count && count as i64 >= point => count as i64,
                    Some(_) => digits as i64,
                };
                if point - 1 < -4 || point > most {
                    decimal.scientific(digits.min(count).saturating_sub(1))
                } else {
                    if digits as i64 > point {
                        digits = count;
                    }
                    decimal.plain(behind(digits as i64 - point))
                }
            }
            _ => decimal.plain(precision.unwrap_or_else(|| behind(count as i64 - point))),
        }
    }
}

impl Decimal {
    fn new(mantissa: &BigUint, exponent: i64) -> Self {
        let shift = exponent.unsigned_abs();
        // The limit of all numbers bounds the shift.
        let (number, behind) = if exponent >= 0 {
            (mantissa << shift, 0)
        } else {
            let shift = u32::try_from(shift).unwrap_or(u32::MAX);
            (mantissa * BigUint::from(5_u32).pow(shift), i64::from(shift))
        };
        let digits = if number.bits() == 0 { Vec::new() } else { number.to_string().into_bytes() };
        let exponent = if digits.is_empty() { 0 } else { digits.len() as i64 - behind };
        let mut decimal = Self { digits, exponent };
        decimal.trim();
        decimal
    }

    fn trim(&mut self) {
        let zeros = self.digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        self.digits.truncate(self.digits.len() - zeros);
        if self.digits.is_empty() {
            self.exponent = 0;
        }
    }

    fn at(&self, place: usize) -> u8 {
        self.digits.get(place).copied().unwrap_or(b'0')
    }

    fn round(&mut self, count: usize) {
        let Some(&next) = self.digits.get(count) else { return };
        let even = || count == 0 || (self.digits[count - 1] - b'0').is_multiple_of(2);
        let tie = next == b'5' && count + 1 == self.digits.len();
        if if tie { !even() } else { next >= b'5' } { self.round_up(count) } else { self.round_down(count) }
    }

    fn round_up(&mut self, count: usize) {
        self.digits.truncate(count);
        while self.digits.pop_if(|digit| *digit == b'9').is_some() {}
        match self.digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                self.digits.push(b'1');
                self.exponent += 1;
            }
        }
    }

    fn round_down(&mut self, count: usize) {
        self.digits.truncate(count);
        self.trim();
    }

    /// `1.5e+21`, with `behind` digits after the point.
    fn scientific(&self, behind: usize) -> String {
        let mut text = String::from(char::from(self.at(0)));
        if behind > 0 {
            text.push('.');
            text.extend((1..=behind).map(|place| char::from(self.at(place))));
        }
        let power = if self.digits.is_empty() { 0 } else { self.exponent - 1 };
        let sign = if power < 0 { '-' } else { '+' };
        text + &format!("e{sign}{:02}", power.unsigned_abs())
    }

    /// `1500.25`, with `behind` digits after the point.
    fn plain(&self, behind: usize) -> String {
        let digit = |place: i64| usize::try_from(place).map_or('0', |place| char::from(self.at(place)));
        let mut text: String = (0..self.exponent).map(digit).collect();
        if text.is_empty() {
            text.push('0');
        }
        if behind > 0 {
            text.push('.');
            text.extend((0..behind as i64).map(|place| digit(self.exponent + place)));
        }
        text
    }
}
