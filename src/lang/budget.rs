//! What evaluating a stack may take: steps, bytes, depth. A few lines of expressions can ask
//! for more time or memory than any machine has (a local that holds its predecessor twice,
//! 44 times over), and a pull request can bring such lines; so each pass over a stack has a
//! budget, and the expression that goes beyond it is an error at its place.
//!
//! The budget counts what is done, and looks at no clock: what is valid on one machine is
//! valid on all. A stack of 2,000 resources takes about a hundredth of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::diag::{Diagnostic, FileId, Span};
use crate::limits;
use crate::value::Value;

/// Steps of a pass: parts of expressions that are evaluated, and the like of functions. A
/// million of them take about a tenth of a second.
pub const STEPS: u64 = 8_000_000;
/// Bytes that all values of a pass take in memory.
pub const BYTES: u64 = 128 << 20;
/// Lists and maps within each other.
pub const DEPTH: usize = 128;

/// What is left for one pass over a stack; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Budget(Rc<Spent>);

#[derive(Debug)]
struct Spent {
    /// How often the limits may be reached.
    times: Cell<u64>,
    steps: Cell<u64>,
    bytes: Cell<u64>,
    over: Cell<Option<Over>>,
    /// What was said when it was over, so that it is said once.
    said: RefCell<Option<Diagnostic>>,
}

#[derive(Clone, Copy, Debug)]
enum Over {
    Steps,
    Bytes,
    Depth,
}

/// The budget is spent: nothing more is evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exhausted;

/// How much a value is.
#[derive(Clone, Copy, Default)]
struct Weight {
    bytes: u64,
    /// Those of texts alone.
    text: u64,
    values: u64,
    depth: usize,
}

/// A value besides what it points to, with its share of the list that it is in.
const VALUE: u64 = 64;
/// A map that is not empty: its tree has room for eleven entries.
pub(super) const MAP: u64 = 640;
/// A key of a map, and its share of the tree.
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
    /// With so many times the limits. A stack is checked before anything else is done with it:
    /// what passed then must not fail in the middle of an apply, when more is known.
    pub fn wide(times: u64) -> Self {
        let budget = Self::default();
        budget.0.times.set(times);
        budget
    }

    /// From now on with the limits as they are.
    pub fn tighten(&self) {
        self.0.times.set(1);
    }

    /// Begins a pass.
    pub fn renew(&self) {
        self.0.steps.set(0);
        self.0.bytes.set(0);
        self.0.over.set(None);
        self.0.said.replace(None);
    }

    /// Bytes that are held at the moment.
    pub(crate) fn held(&self) -> u64 {
        self.0.bytes.get()
    }

    /// What was held since there were as many bytes is let go of.
    pub(crate) fn release(&self, held: u64) {
        self.0.bytes.set(held);
    }

    /// Takes what a value takes that is written out in the stack, at `span`.
    ///
    /// # Errors
    /// The budget is spent.
    pub fn take(&self, value: &Value, span: Span) -> Result<(), Diagnostic> {
        let taken = self.steps(1).and_then(|()| self.hold(Self::weight(value)));
        taken.map_err(|Exhausted| self.error(span))
    }

    /// Takes steps.
    pub(super) fn steps(&self, count: u64) -> Result<(), Exhausted> {
        let steps = self.0.steps.get().saturating_add(count);
        self.0.steps.set(steps);
        match self.0.over.get() {
            Some(_) => Err(Exhausted),
            None if steps > STEPS.saturating_mul(self.0.times.get()) => self.exhaust(Over::Steps),
            None => Ok(()),
        }
    }

    /// Holds more bytes.
    pub(super) fn hold(&self, bytes: u64) -> Result<(), Exhausted> {
        self.room(bytes)?;
        self.0.bytes.set(self.0.bytes.get().saturating_add(bytes));
        Ok(())
    }

    /// Looks whether there is room for as many more bytes.
    pub(super) fn room(&self, bytes: u64) -> Result<(), Exhausted> {
        let most = BYTES.saturating_mul(self.0.times.get());
        if self.0.bytes.get().saturating_add(bytes) > most { self.exhaust(Over::Bytes) } else { Ok(()) }
    }

    /// In place of all that was held since `held`, holds a value.
    pub(super) fn settle(&self, held: u64, value: &Value) -> Result<(), Exhausted> {
        let weight = Weight::of(value, 0);
        self.0.bytes.set(held);
        // To copy and to count a value takes a fraction of what evaluating does.
        self.steps(weight.values / 8 + weight.bytes / 4096)?;
        if weight.depth > DEPTH {
            return self.exhaust(Over::Depth);
        }
        self.hold(weight.bytes)
    }

    /// Takes the steps of a function for an argument: each goes through what it is given.
    /// What takes longer than that, the function takes itself.
    pub(super) fn read(&self, argument: &Value) -> Result<(), Exhausted> {
        let weight = Weight::of(argument, 0);
        self.steps(1 + weight.values / 2 + weight.text / 32)
    }

    /// Bytes that a value takes.
    pub(crate) fn weight(value: &Value) -> u64 {
        Weight::of(value, 0).bytes
    }

    fn exhaust(&self, over: Over) -> Result<(), Exhausted> {
        if self.0.over.get().is_none() {
            self.0.over.set(Some(over));
        }
        Err(Exhausted)
    }

    /// Whether nothing more is evaluated.
    pub(super) fn is_exhausted(&self) -> bool {
        self.0.over.get().is_some()
    }

    /// The error of the expression that spent it, whichever asks.
    pub(super) fn error(&self, span: Span) -> Diagnostic {
        let mut said = self.0.said.borrow_mut();
        // In a file of a template it was said for nobody to see.
        let inner = |error: &mut Diagnostic| {
            error.primary.as_ref().is_some_and(|label| label.span.file == FileId(u32::MAX))
        };
        said.take_if(inner);
        let error = said.get_or_insert_with(|| {
            let (what, advice) = match self.0.over.get() {
                Some(Over::Bytes) => (
                    format!("the values of the stack take more than {} of memory", limits::bytes(BYTES)),
                    "large data belongs into files: upload them with `source` of an s3_object",
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
        // Deeper than this no value gets, since each one that is made is weighed.
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
            // To print one takes as long as the square of its length.
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
    fn what_is_spent_is_said_once_and_stays_spent() {
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
    fn a_value_takes_the_place_of_what_it_was_made_of() {
        let budget = Budget::default();
        assert!(budget.hold(1_000_000).is_ok());
        assert!(budget.settle(10, &Value::from("abcd")).is_ok());
        assert_eq!(budget.held(), 10 + 64 + 4);
        let deep = (0..=DEPTH).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        assert!(budget.settle(0, &deep).is_err());
        assert!(budget.error(Span::new(FileId(0), 0, 0)).message.contains("nests"));
    }
}
