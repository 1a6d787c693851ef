//! How a resource is identified: its id at AWS, and the attributes that follow from its spec.

use std::collections::BTreeMap;

use crate::value::Value;

/// How the id of a resource at AWS is determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The id follows from the spec.
    Named(String),
    /// AWS assigns the id when the resource is created.
    Assigned,
    /// The id follows from a part of the spec that is not known yet.
    Unknown,
}

impl Identity {
    /// `Named` if the name is known, else `Unknown`.
    pub fn named(name: Option<impl Into<String>>) -> Self {
        name.map_or(Self::Unknown, |name| Self::Named(name.into()))
    }

    /// The id, if it is known before the resource is created.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Named(id) => Some(id),
            Self::Assigned | Self::Unknown => None,
        }
    }
}

/// Attributes that can be computed from the spec before AWS has seen it: ARNs, URLs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predicted(pub BTreeMap<String, Value>);

impl Predicted {
    /// Predicts one attribute, if its value is known.
    pub fn of(attribute: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => Self::default().with(attribute, value),
            None => Self::default(),
        }
    }

    /// Predicts another attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<String>) -> Self {
        self.0.insert(attribute.to_owned(), Value::String(value.into()));
        self
    }

    /// Predicts that an attribute is null, because AWS creates no such thing for this spec.
    #[must_use]
    pub fn without(mut self, attribute: &str) -> Self {
        self.0.insert(attribute.to_owned(), Value::Null);
        self
    }
}
