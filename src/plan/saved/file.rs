//! A saved plan as a value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::data::SavedData;
use super::facts::SavedChange;
use crate::aws::CallCounts;
use crate::graph::Address;
use crate::plan::text::TextOptions;
use crate::plan::{Plan, Selection};

/// The format that this version writes, and the only one that it reads, since plans are
/// short-lived.
pub const FORMAT: u32 = 6;

/// Fingerprints of the parts of a file, by section and name.
pub type Seals = BTreeMap<String, BTreeMap<String, String>>;

/// A saved plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// The format of the file; its name distinguishes the file from other JSON.
    pub dwctl_plan: u32,
    /// The version of dwctl that made the plan.
    pub dwctl_version: String,
    /// The time at which the plan was made, as RFC 3339.
    pub made: String,
    /// The stack's folder as it was given, possibly relative to the working directory.
    pub folder: String,
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The account.
    pub account: String,
    /// The stack's region.
    pub region: String,
    /// The identity of the ledger, among those of the same name.
    pub lineage: String,
    /// The number of times that ledger had been written.
    pub serial: u64,
    /// Fingerprints of the stack's files, by path in its folder.
    pub files: BTreeMap<String, String>,
    /// Fingerprints of the variables' values.
    pub variables: BTreeMap<String, String>,
    /// The part of the stack that the plan covers.
    pub selection: Selection,
    /// The addresses that its changes depend on, as long as the ledger does not change; `None` if
    /// the whole stack must be read.
    pub reads: Option<BTreeSet<Address>>,
    /// The data that its changes may follow from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<SavedData>,
    /// The changes.
    pub changes: Vec<SavedChange>,
    /// The plan as it is shown to reviewers.
    pub shown: Shown,
    /// Fingerprints of the parts above, to name the ones that were edited.
    pub seals: Seals,
    /// HMAC of all of the above under the ledger's key.
    pub seal: String,
}

/// A plan as it is shown, with circumstances that are shown with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The plan, [redacted](Plan::redact).
    pub plan: Plan,
    /// Shows every attribute of created resources.
    pub details: bool,
    /// The requests that the plan took, by service and operation.
    pub calls: Option<BTreeMap<String, BTreeMap<String, u64>>>,
    /// The number of throttled requests.
    pub throttled: u64,
    /// The time that the plan took.
    pub time: Duration,
    /// The plan was made against the local AWS.
    pub sandbox: bool,
}

impl Shown {
    pub(super) fn of(plan: Plan, options: &TextOptions, sandbox: bool) -> Self {
        let (details, time) = (options.details, Duration::ZERO);
        let mut shown = Self { plan, details, calls: None, throttled: 0, time, sandbox };
        if let Some((call_counts, time)) = &options.call_counts {
            (shown.throttled, shown.time) = (call_counts.throttled, *time);
            let calls = shown.calls.insert(BTreeMap::new());
            for ((service, operation), count) in &call_counts.calls {
                calls.entry(service.clone()).or_default().insert(operation.clone(), *count);
            }
        }
        shown
    }

    /// The options for showing it as text.
    pub fn options(&self, colour: bool) -> TextOptions {
        let call_counts = self.calls.as_ref().map(|calls| {
            let calls = calls.iter().flat_map(|(service, operations)| {
                operations
                    .iter()
                    .map(move |(operation, count)| ((service.clone(), operation.clone()), *count))
            });
            (CallCounts { calls: calls.collect(), throttled: self.throttled }, self.time)
        });
        TextOptions { colour, details: self.details, call_counts, ..TextOptions::default() }
    }
}

/// How and where a plan is shown.
#[derive(Clone, Debug)]
pub struct Showing<'s> {
    /// The stack's folder as the user gave it.
    pub folder: String,
    /// The folder that file paths are relative to.
    pub root: Option<&'s Path>,
    /// The options for text.
    pub options: &'s TextOptions,
    /// The plan was made against the local AWS.
    pub sandbox: bool,
}
