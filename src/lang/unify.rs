//! Terraform's types, as far as they affect the value of an expression: finds the common type of
//! several values, and converts values to it.

use std::collections::BTreeMap;
use std::fmt;

use super::convert;
use crate::value::Value;

/// The type of a value. dwctl does not distinguish list from tuple and map from object, so values have
/// tuple and object types; a list or map type is the common type of several of these.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// Null or unknown: compatible with every type.
    Any,
    Bool,
    Number,
    String,
    /// A boolean and a number: they have a common type only beside a text.
    Mixed,
    Tuple(Vec<Type>),
    List(Box<Type>),
    Set(Box<Type>),
    Object(BTreeMap<String, Type>),
    Map(Box<Type>),
}

impl Type {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null | Value::Unknown(_) => Self::Any,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::List(items) => Self::Tuple(items.iter().map(Self::of).collect()),
            // All items of a set have one type.
            Value::Set(items) => {
                let of_items = items.iter().map(Self::of).find(|of| *of != Self::Any);
                Self::Set(Box::new(of_items.unwrap_or(Self::Any)))
            }
            Value::Map(entries) => {
                Self::Object(entries.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            Value::Secret(inner) => Self::of(inner),
        }
    }

    /// The type to which values of all these types can be converted.
    pub(super) fn common<'t>(types: impl IntoIterator<Item = &'t Self>) -> Option<Self> {
        Self::gathered(types).filter(Self::is_settled)
    }

    fn gathered<'t>(types: impl IntoIterator<Item = &'t Self>) -> Option<Self> {
        let mut common = Self::Any;
        for next in types {
            common = match common {
                Self::Any => next.clone(),
                common if common == *next => common,
                common => common.with(next)?,
            };
        }
        Some(common)
    }

    fn is_settled(&self) -> bool {
        *self != Self::Mixed && self.inner().all(Self::is_settled)
    }

    fn with(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Any, one) | (one, Self::Any) => one.clone(),
            (Self::String, Self::Bool | Self::Number | Self::Mixed)
            | (Self::Bool | Self::Number | Self::Mixed, Self::String) => Self::String,
            (Self::Bool | Self::Number | Self::Mixed, Self::Bool | Self::Number | Self::Mixed)
                if self != other =>
            {
                Self::Mixed
            }
            (Self::Tuple(left), Self::Tuple(right)) if left.len() == right.len() => Self::Tuple(
                left.iter().zip(right).map(|(left, right)| left.with(right)).collect::<Option<_>>()?,
            ),
            (Self::Object(left), Self::Object(right)) if left.keys().eq(right.keys()) => Self::Object(
                left.iter()
                    .zip(right.values())
                    .map(|((key, left), right)| Some((key.clone(), left.with(right)?)))
                    .collect::<Option<_>>()?,
            ),
            (Self::Object(_) | Self::Map(_), Self::Object(_) | Self::Map(_)) => {
                Self::Map(Box::new(Self::gathered(self.inner().chain(other.inner()))?))
            }
            (Self::Tuple(_) | Self::List(_), Self::Tuple(_) | Self::List(_)) => {
                Self::List(Box::new(Self::gathered(self.inner().chain(other.inner()))?))
            }
            (Self::Set(_), Self::Set(_)) => {
                Self::Set(Box::new(Self::gathered(self.inner().chain(other.inner()))?))
            }
            (set @ Self::Set(_), list @ (Self::Tuple(_) | Self::List(_)))
            | (list @ (Self::Tuple(_) | Self::List(_)), set @ Self::Set(_)) => {
                list.inner().all(|item| set.inner().all(|of| of.takes(item))).then(|| set.clone())?
            }
            (left, right) if left == right => left.clone(),
            _ => return None,
        })
    }

    fn inner(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Tuple(items) => Box::new(items.iter()),
            Self::Object(entries) => Box::new(entries.values()),
            Self::List(of) | Self::Set(of) | Self::Map(of) => Box::new(std::iter::once(of.as_ref())),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Returns whether a value of the other type can be converted to this one.
    fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Bool, Self::Number) | (Self::Number, Self::Bool) => false,
            (Self::Bool | Self::Number | Self::String, Self::Bool | Self::Number | Self::String) => true,
            (Self::Tuple(left), Self::Tuple(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.takes(right))
            }
            _ => self.with(other).is_some(),
        }
    }

    /// Converts a value to this type. The error is the value, or part of it, that does not convert.
    pub(super) fn bring(&self, value: Value) -> Result<Value, Value> {
        Ok(match (self, value) {
            (_, Value::Secret(inner)) => self.bring(*inner)?.into_secret(),
            (_, value @ (Value::Null | Value::Unknown(_))) | (Self::Any, value) => value,
            (Self::String, value) => match convert::to_text(&value) {
                Some(text) => text.into_owned().into(),
                None => return Err(value),
            },
            (Self::Number, value) => match convert::to_number(&value) {
                Some(number) => number.into(),
                None => return Err(value),
            },
            (Self::Bool, value) => match convert::to_bool(&value) {
                Some(bool) => bool.into(),
                None => return Err(value),
            },
            (Self::Tuple(types), Value::List(items)) => Value::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(at, item)| types.get(at).unwrap_or(&Self::Any).bring(item))
                    .collect::<Result<_, _>>()?,
            ),
            (Self::Object(types), Value::Map(entries)) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, item)| {
                        let item = types.get(&key).unwrap_or(&Self::Any).bring(item)?;
                        Ok((key, item))
                    })
                    .collect::<Result<_, Value>>()?,
            ),
            (Self::Map(of), Value::Map(entries)) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, item)| Ok((key, of.bring(item)?)))
                    .collect::<Result<_, Value>>()?,
            ),
            (Self::List(of), Value::List(items) | Value::Set(items)) => {
                Value::List(items.into_iter().map(|item| of.bring(item)).collect::<Result<_, _>>()?)
            }
            (Self::Set(of), Value::List(items) | Value::Set(items)) => {
                let items = items.into_iter().map(|item| of.bring(item)).collect::<Result<_, _>>()?;
                Value::set(items)
            }
            (_, value) => value,
        })
    }
}

/// Converts all values to one type, like the items of a list in Terraform: texts beside numbers make
/// all of them texts. Returns false, and leaves the values as they are, if there is none.
pub fn unify(values: &mut [Value]) -> bool {
    // Most lists contain only texts.
    let texts = values.iter().all(|value| matches!(value, Value::String(_)));
    let numbers = || values.iter().all(|value| matches!(value, Value::Number(_)));
    if texts || numbers() {
        return true;
    }
    let types: Vec<Type> = values.iter().map(Type::of).collect();
    let Some(common) = Type::common(&types) else { return false };
    if types.iter().any(|one| *one != common) {
        for value in values {
            if let Ok(brought) = common.bring(value.clone()) {
                *value = brought;
            }
        }
    }
    true
}

/// The name of the type in messages.
impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Any | Self::Mixed => "any",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::Tuple(_) | Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Object(_) | Self::Map(_) => "map",
        })
    }
}
