//! The limits for evaluating a stack: steps, bytes, depth. A few lines of expressions can need
//! more time or memory than any machine has (a local that contains its predecessor twice, 44
//! times in a row), and a pull request can contain such lines. So each pass over a stack has a
//! budget, and the expression that exceeds it is reported as an error at its place.
//!
//! The budget counts work and uses no clock, so a stack that is valid on one machine is valid on
//! all. A stack of 2,000 resources takes about a hundredth of the budget.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::diag::{Diagnostic, FileId, Span};
use crate::limits;
use crate::value::Value;

/// Steps of a pass: evaluated parts of expressions, and comparable work of functions. A million steps
/// take about a tenth of a second.
pub const STEPS: u64 = 8_000_000;
/// Memory, in bytes, of all values of a pass.
pub const BYTES: u64 = 128 << 20;
/// Depth of nested lists and maps.
pub const DEPTH: usize = 128;

/// The remaining budget of one pass over a stack; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Budget(Rc<Spent>);

#[derive(Debug)]
struct Spent {
    /// The factor by which the limits are multiplied.
    times: Cell<u64>,
    steps: Cell<u64>,
    bytes: Cell<u64>,
    over: Cell<Option<Over>>,
    /// The error that was reported when it was exceeded, so that it is reported once.
    said: RefCell<Option<Diagnostic>>,
}

#[derive(Clone, Copy, Debug)]
enum Over {
    Steps,
    Bytes,
    Depth,
}

/// The budget is exceeded: nothing more is evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exhausted;

/// The size of a value.
#[derive(Clone, Copy, Default)]
struct Weight {
    bytes: u64,
    /// The bytes of texts alone.
    text: u64,
    values: u64,
    depth: usize,
}

/// Bytes of a value without what it points to, its share of the surrounding list included.
const VALUE: u64 = 64;
/// Bytes of a map that is not empty: its tree has room for eleven entries.
pub(super) const MAP: u64 = 640;
/// Bytes of a key of a map, its share of the tree included.
pub(super) const KEY: u64 = 96;

impl Default for Spent {
    fn default() -> Self {
        Self {
            times: Cell::new(1),
            steps: Cell::new(0),
            bytes: Cell::new(0),
            over: Cell::new(None),
            said: RefCell::new(None),
        }
    }
}

impl Budget {
    /// A budget with `times` the limits. A stack is checked before anything else: what passes the check
    /// must not fail in the middle of an apply, when more values are known.
    pub fn wide(times: u64) -> Self {
        let budget = Self::default();
        budget.0.times.set(times);
        budget
    }

    /// Returns to the plain limits from now on.
    pub fn tighten(&self) {
        self.0.times.set(1);
    }

    /// Starts a pass.
    pub fn renew(&self) {
        self.0.steps.set(0);
        self.0.bytes.set(0);
        self.0.over.set(None);
        self.0.said.replace(None);
    }

    /// The bytes that are held now.
    pub(crate) fn held(&self) -> u64 {
        self.0.bytes.get()
    }

    /// Releases the bytes that were taken since `held` bytes were held.
    pub(crate) fn release(&self, held: u64) {
        self.0.bytes.set(held);
    }

    /// Charges for a value that is written in the stack, at `span`.
    ///
    /// # Errors
    /// The budget is exceeded.
    pub fn take(&self, value: &Value, span: Span) -> Result<(), Diagnostic> {
        let taken = self.steps(1).and_then(|()| self.hold(Self::weight(value)));
        taken.map_err(|Exhausted| self.error(span))
    }

    /// Charges steps.
    pub(super) fn steps(&self, count: u64) -> Result<(), Exhausted> {
        let steps = self.0.steps.get().saturating_add(count);
        self.0.steps.set(steps);
        match self.0.over.get() {
            Some(_) => Err(Exhausted),
            None if steps > STEPS.saturating_mul(self.0.times.get()) => self.exhaust(Over::Steps),
            None => Ok(()),
        }
    }

    /// Charges bytes.
    pub(super) fn hold(&self, bytes: u64) -> Result<(), Exhausted> {
        self.room(bytes)?;
        self.0.bytes.set(self.0.bytes.get().saturating_add(bytes));
        Ok(())
    }

    /// Checks that there is room for this many more bytes.
    pub(super) fn room(&self, bytes: u64) -> Result<(), Exhausted> {
        let most = BYTES.saturating_mul(self.0.times.get());
        if self.0.bytes.get().saturating_add(bytes) > most { self.exhaust(Over::Bytes) } else { Ok(()) }
    }

    /// Replaces everything held since `held` by one value.
    pub(super) fn settle(&self, held: u64, value: &Value) -> Result<(), Exhausted> {
        let weight = Weight::of(value, 0);
        self.0.bytes.set(held);
        // Copying and counting a value takes a fraction of the time of evaluating it.
        self.steps(weight.values / 8 + weight.bytes / 4096)?;
        if weight.depth > DEPTH {
            return self.exhaust(Over::Depth);
        }
        self.hold(weight.bytes)
    }

    /// Charges the steps of a function for reading an argument. A function that needs more time charges
    /// the rest itself.
    pub(super) fn read(&self, argument: &Value) -> Result<(), Exhausted> {
        let weight = Weight::of(argument, 0);
        self.steps(1 + weight.values / 2 + weight.text / 32)
    }

    /// The bytes of a value.
    pub(crate) fn weight(value: &Value) -> u64 {
        Weight::of(value, 0).bytes
    }

    fn exhaust(&self, over: Over) -> Result<(), Exhausted> {
        if self.0.over.get().is_none() {
            self.0.over.set(Some(over));
        }
        Err(Exhausted)
    }

    /// Returns whether the budget is exceeded, so that nothing more is evaluated.
    pub(super) fn is_exhausted(&self) -> bool {
        self.0.over.get().is_some()
    }

    /// The error of the expression that exceeded it, even if another expression asks.
    pub(super) fn error(&self, span: Span) -> Diagnostic {
        let mut said = self.0.said.borrow_mut();
        // Nobody saw the error if it was reported within a template file.
        let inner = |error: &mut Diagnostic| {
            error.primary.as_ref().is_some_and(|label| label.span.file == FileId(u32::MAX))
        };
        said.take_if(inner);
        let error = said.get_or_insert_with(|| {
            let (what, advice) = match self.0.over.get() {
                Some(Over::Bytes) => (
                    format!("the values of the stack take more than {} of memory", limits::bytes(BYTES)),
                    "put large data into files: upload them with `source` of an s3_object",
                ),
                Some(Over::Depth) => (
                    format!("a value nests more than {DEPTH} lists and maps"),
                    "look for a local that wraps another one again and again",
                ),
                Some(Over::Steps) | None => (
                    format!("the expressions of the stack take more than {STEPS} steps"),
                    "look for loops within loops, and for functions over very large texts",
                ),
            };
            Diagnostic::error("too-much", what).at(span, "the limit is reached here").help(advice)
        });
        error.clone()
    }
}

impl Weight {
    fn of(value: &Value, depth: usize) -> Self {
        // No value gets deeper than this, because every new value is weighed.
        if depth > 4 * DEPTH {
            return Self { bytes: VALUE, text: 0, values: 1, depth };
        }
        let mut weight = Self { bytes: VALUE, text: 0, values: 1, depth };
        let mut add = |inner: Self| {
            weight.bytes = weight.bytes.saturating_add(inner.bytes);
            weight.text = weight.text.saturating_add(inner.text);
            weight.values = weight.values.saturating_add(inner.values);
            weight.depth = weight.depth.max(inner.depth);
        };
        match value {
            Value::Null | Value::Bool(_) | Value::Unknown(_) => {}
            // The time for printing a number is quadratic in its length.
            Value::Number(number) if number.limbs() > 1 => {
                weight.bytes += 8 * number.limbs();
                weight.values += number.limbs() * number.limbs() / 16;
            }
            Value::Number(_) => {}
            Value::String(text) => {
                weight.text = text.len() as u64;
                weight.bytes += weight.text;
            }
            Value::List(items) | Value::Set(items) => {
                items.iter().for_each(|item| add(Self::of(item, depth + 1)));
            }
            Value::Map(entries) => {
                if !entries.is_empty() {
                    add(Self { bytes: MAP, ..Self::default() });
                }
                for (key, item) in entries {
                    add(Self::of(item, depth + 1));
                    add(Self { bytes: KEY + key.len() as u64, ..Self::default() });
                }
            }
            Value::Secret(inner) => add(Self::of(inner, depth)),
        }
        weight
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Budget, DEPTH, STEPS};
    use crate::diag::{FileId, Span};
    use crate::value::Value;

    #[test]
    fn an_exhausted_budget_is_reported_once_and_stays_exhausted() {
        let place = |start| Span::new(FileId(0), start, start + 1);
        let budget = Budget::default();
        assert!(budget.steps(STEPS).is_ok() && budget.steps(1).is_err() && budget.is_exhausted());
        let first = budget.error(place(5));
        assert_eq!(first, budget.error(place(9)));
        assert!(first.message.contains("8000000 steps"), "{first}");
        budget.renew();
        assert!(budget.room(BYTES).is_ok() && budget.room(BYTES + 1).is_err());
        assert!(budget.clone().error(place(0)).message.contains("128 MiB"));
        assert!(budget.steps(0).is_err());
    }

    #[test]
    fn a_value_is_charged_in_place_of_its_inputs() {
        let budget = Budget::default();
        assert!(budget.hold(1_000_000).is_ok());
        assert!(budget.settle(10, &Value::from("abcd")).is_ok());
        assert_eq!(budget.held(), 10 + 64 + 4);
        let deep = (0..=DEPTH).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        assert!(budget.settle(0, &deep).is_err());
        assert!(budget.error(Span::new(FileId(0), 0, 0)).message.contains("nests"));
    }
}
