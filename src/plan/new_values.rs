//! Values in a comparison without AWS that AWS will decide when it replaces a resource.

use std::collections::BTreeSet;

use crate::eval::written;
use crate::value::{Unknown, Value};

/// The suffix of an attribute in a reference to a resource that is replaced.
const NEW_SUFFIX: &str = " (new)";

/// Returns whether a value contains something that AWS will decide when it replaces the resource at
/// an address.
pub(super) fn refers_to_replacement(value: &Value, address: &str) -> bool {
    match value {
        Value::String(text) => text
            .split(&format!("${{{address}."))
            .skip(1)
            .any(|after| after.split_once('}').is_some_and(|(attribute, _)| attribute.ends_with(NEW_SUFFIX))),
        Value::Secret(inner) => refers_to_replacement(inner, address),
        Value::List(list) | Value::Set(list) => list.iter().any(|one| refers_to_replacement(one, address)),
        Value::Map(map) => map.values().any(|one| refers_to_replacement(one, address)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Unknown(_) => false,
    }
}

/// Returns the text of a value that AWS decides. For a replaced resource, it differs from the old
/// one's.
pub(super) fn written_as_new(unknown: &Unknown, replaced: &BTreeSet<String>) -> String {
    if !replaced.contains(&unknown.address) {
        return written(unknown);
    }
    written(&Unknown::new(unknown.address.as_str(), format!("{}{NEW_SUFFIX}", unknown.attribute)))
}
