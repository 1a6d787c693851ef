//! References of expressions, as far as they are known without evaluation.

use std::borrow::Cow;
use std::fmt;

use crate::diag::Span;
use crate::value::Value;

/// The static part of a traversal: `s3_bucket.lake["raw"].arn`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The first name: `s3_bucket`.
    pub root: String,
    /// The steps after it, up to the first splat or index that is neither a literal nor a part of `each`.
    pub steps: Vec<Step>,
    /// Its place in the file.
    pub span: Span,
}

/// One step of a [`Reference`].
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `.name`
    Attribute(String),
    /// `["key"]`, `[0]` or `.0`: always a string or a number.
    Index(Value),
    /// `[each.key]` or another part of `each`: an index that differs between the instances of a
    /// declaration.
    Each(Box<Reference>),
}

/// Written as in a stack.
impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.root)?;
        self.steps.iter().try_for_each(|step| step.fmt(formatter))
    }
}

/// Written as in a stack, with its dot or brackets.
impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => write!(formatter, ".{name}"),
            Self::Index(index) => write!(formatter, "[{index:?}]"),
            Self::Each(each) => write!(formatter, "[{each}]"),
        }
    }
}

impl Reference {
    /// The name in step `index`, written `.name` or `["name"]`; `None` past the end and for numbers.
    pub fn name(&self, index: usize) -> Option<&str> {
        match self.steps.get(index)? {
            Step::Attribute(name) => Some(name),
            Step::Index(index) => index.as_str(),
            Step::Each(_) => None,
        }
    }

    /// A reference to data with the kind in its root: `data.ec2_vpc` and the steps after it.
    #[must_use]
    pub fn of_data(&self) -> Self {
        let (root, steps) = match self.steps.split_first() {
            Some((_, steps)) => (format!("{}.{}", self.root, self.name(0).unwrap_or_default()), steps),
            None => (self.root.clone(), &[][..]),
        };
        Self { root, steps: steps.to_vec(), span: self.span }
    }

    /// The reference within an instance with this `each`: indexes that are part of `each` become those
    /// of the instance, as far as they are known texts and numbers.
    pub fn within(&self, each: &Value) -> Cow<'_, Self> {
        if !self.steps.iter().any(|step| matches!(step, Step::Each(_))) {
            return Cow::Borrowed(self);
        }
        let steps = self.steps.iter().map(|step| match step {
            Step::Each(index) => match descend(each, index, 0) {
                (part @ (Value::String(_) | Value::Number(_)), taken) if taken == index.steps.len() => {
                    Step::Index(part)
                }
                _ => step.clone(),
            },
            other => other.clone(),
        });
        Cow::Owned(Self { root: self.root.clone(), steps: steps.collect(), span: self.span })
    }
}

/// Follows the steps of `reference` from `taken` on into `value` as far as possible. Returns the value
/// there and the number of steps taken. Borrowing avoids copies of the values beside the path.
pub fn descend(mut value: &Value, reference: &Reference, mut taken: usize) -> (Value, usize) {
    while let Some(step) = reference.steps.get(taken) {
        let inner = match (value, step) {
            (Value::Map(entries), Step::Attribute(name) | Step::Index(Value::String(name))) => {
                entries.get(name)
            }
            (Value::List(items), Step::Index(Value::Number(index))) => {
                index.as_i64().and_then(|index| items.get(usize::try_from(index).ok()?))
            }
            _ => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
        taken += 1;
    }
    (value.clone(), taken)
}
