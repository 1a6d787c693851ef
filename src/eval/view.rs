//! The parts of a declaration that expressions see.

use std::collections::BTreeMap;

use crate::kind::ErasedKind;
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

/// Returns whether AWS never returns an attribute.
pub(super) fn is_unreadable(kind: &dyn ErasedKind, name: &str) -> bool {
    let fields = kind.schema().spec.fields();
    fields.and_then(|fields| fields.get(name)).is_some_and(|field| field.marks.unreadable())
}
