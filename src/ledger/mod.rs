//! The identity store: what the stack owns and under which ids. Names and keyed
//! fingerprints, never a value.

mod file;
mod fingerprint;

pub use file::{FileStore, Lock};
pub use fingerprint::Fingerprints;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::Address;

/// The format that this version writes; it reads this and all before.
pub const VERSION: u32 = 1;

/// What a stack owns in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Format of the file.
    pub version: u32,
    /// Tells one ledger from another of the same name; made once.
    pub lineage: String,
    /// Counts the writes.
    pub serial: u64,
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The account that everything below lives in; empty until the first apply.
    pub account: String,
    /// Key of the fingerprints, 32 bytes in hexadecimal.
    pub key: String,
    /// What exists.
    pub resources: BTreeMap<Address, Entry>,
    /// What an apply set out to create and has not finished.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub intents: BTreeMap<Address, Intent>,
}

/// One resource of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The physical id.
    pub id: String,
    /// The region it lives in.
    pub region: String,
    /// The addresses it needs: the order in which to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// When dwctl last changed it, RFC 3339.
    pub applied: String,
    /// Refuse to delete it, even when its block is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Leave it at AWS when its block is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// What AWS called this state of it, where it does: the version of an object, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
    /// Keyed fingerprint of every attribute as it was applied, by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<String, String>,
}

/// A resource about to be created: what to look for after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The region it is made in.
    pub region: String,
    /// The client token of every attempt.
    pub token: String,
    /// The id it will have, where that follows from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Ledger {
    /// A ledger that owns nothing.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn new(stack: &str, env: &str) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self {
            version: VERSION,
            lineage: uuid::Uuid::new_v4().to_string(),
            serial: 0,
            stack: stack.to_owned(),
            env: env.to_owned(),
            account: String::new(),
            key: fingerprint::to_hex(&key),
            resources: BTreeMap::new(),
            intents: BTreeMap::new(),
        })
    }

    /// The fingerprints of this ledger's key.
    pub fn fingerprints(&self) -> Fingerprints {
        Fingerprints::new(&self.key)
    }
}

/// Now, as RFC 3339 in UTC to the second.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}
