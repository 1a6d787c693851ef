//! The table of all functions; one file for each family.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Function, aws, collection, date, encoding, file, hash, network, numeric, sets, string, types};

/// All families, each a table.
static FAMILIES: [&[Function]; 11] = [
    numeric::FUNCTIONS,
    string::FUNCTIONS,
    collection::FUNCTIONS,
    sets::FUNCTIONS,
    encoding::FUNCTIONS,
    file::FUNCTIONS,
    hash::FUNCTIONS,
    date::FUNCTIONS,
    network::FUNCTIONS,
    types::FUNCTIONS,
    aws::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|function| (function.name, function)).collect()
});

pub(in super::super) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The names of all functions, unsorted.
pub(in super::super) fn names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied().chain(["can", "try"])
}
