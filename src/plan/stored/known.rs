//! Stores values that may not be known. Null is an ordinary value, so a known value is a list of
//! one element, and an unknown one is an empty list.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::Value;

type Values = BTreeMap<String, Option<Value>>;

pub fn serialize<S: Serializer>(values: &Values, serializer: S) -> Result<S::Ok, S::Error> {
    let lists: BTreeMap<&String, Vec<&Value>> =
        values.iter().map(|(name, value)| (name, value.iter().collect())).collect();
    lists.serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    let lists: BTreeMap<String, Vec<Value>> = BTreeMap::deserialize(deserializer)?;
    Ok(lists.into_iter().map(|(name, list)| (name, list.into_iter().next())).collect())
}
