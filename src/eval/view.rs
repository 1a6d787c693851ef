//! The parts of a declaration that expressions see.

use std::collections::BTreeMap;

use crate::value::Value;

/// The visible state of a declaration.
#[derive(Clone)]
pub(super) enum View {
    /// `when` is false: there is no resource.
    Off,
    /// One resource.
    One(Value),
    /// One resource for each key.
    Each(BTreeMap<String, Value>),
}
