//! The data of a saved plan, as fingerprints.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::facts::print;
use crate::graph::Address;
use crate::ledger::Fingerprints;
use crate::plan::{DataState, Plan};
use crate::value::Value;

/// The data of one address in a saved plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedData {
    /// Its address.
    pub address: Address,
    /// The ids that were found, each with fingerprints of the attributes that the stack refers to; `None` if the
    /// apply reads it.
    pub found: Option<BTreeMap<String, BTreeMap<String, String>>>,
}

pub(super) fn facts(plan: &Plan, prints: &Fingerprints) -> Vec<SavedData> {
    let of = |one: &crate::plan::DataRead| {
        let attributes = |value: &Value| {
            let attributes = value.as_map().into_iter().flatten();
            attributes.map(|(name, value)| (name.clone(), print(prints, &one.address, name, value))).collect()
        };
        let found = match &one.state {
            DataState::Later(_) => None,
            DataState::Found(ids) => {
                let values = match &one.value {
                    Value::List(values) => values.as_slice(),
                    one => std::slice::from_ref(one),
                };
                Some(ids.iter().cloned().zip(values.iter().map(attributes)).collect())
            }
        };
        SavedData { address: one.address.clone(), found }
    };
    plan.data.iter().map(of).collect()
}

/// The data that is not what it was when the plan was made, with the differences.
pub(super) fn since<'d>(then: &'d [SavedData], now: &[SavedData]) -> Vec<(&'d Address, Vec<String>)> {
    let now: BTreeMap<&Address, &SavedData> = now.iter().map(|one| (&one.address, one)).collect();
    let differing = then.iter().map(|then| {
        let notes = match now.get(&then.address) {
            None => vec!["it is not read any more".to_owned()],
            Some(now) => then.since(now),
        };
        (&then.address, notes)
    });
    differing.filter(|(_, notes)| !notes.is_empty()).collect()
}

impl SavedData {
    fn since(&self, now: &Self) -> Vec<String> {
        let (then, now) = match (&self.found, &now.found) {
            (None, None) => return Vec::new(),
            (None, Some(_)) => return vec!["the apply was to read it, and now it is known".to_owned()],
            (Some(_), None) => return vec!["what it looks for is not known any more".to_owned()],
            (Some(then), Some(now)) => (then, now),
        };
        let mut notes = Vec::new();
        notes.extend(
            then.keys()
                .filter(|id| !now.contains_key(*id))
                .map(|id| format!("it does not find {id} any more")),
        );
        notes.extend(now.keys().filter(|id| !then.contains_key(*id)).map(|id| format!("it finds {id}")));
        for (id, then) in then {
            let Some(now) = now.get(id) else { continue };
            let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
            let changed = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
            notes.extend(changed.map(|name| format!("`{name}` of {id} was changed at AWS")));
        }
        notes
    }
}
