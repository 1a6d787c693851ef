//! What a plan is made from, and what it asks.

use std::collections::{BTreeSet, HashMap};

use super::Plan;
use crate::aws::{Error, Place, Tags};
use crate::diag::Diagnostic;
use crate::eval::EvalContext;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, ReadRequest};
use crate::ledger::Ledger;
use crate::value::Value;

/// The part of the stack that a plan covers, and what it does beyond resolving differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection {
    /// Covers only these addresses, their dependencies and, where they are destroyed, their
    /// dependents; everything if empty.
    pub targets: Vec<String>,
    /// Leaves out these addresses, their dependents, and whatever cannot be deleted without them.
    pub exclude: Vec<String>,
    /// Replaces these resources.
    pub replace: Vec<String>,
    /// Destroys everything selected.
    pub destroy: bool,
    /// Takes over existing resources that may belong to someone else.
    pub adopt: bool,
    /// Also compares settings that the stack does not declare.
    pub deep: bool,
    /// Reports only what someone else changed: see [`Plan::drift`].
    #[serde(skip)]
    pub drift: bool,
    /// Only finds existing resources, to record them. A change that would be impossible is no
    /// problem.
    pub recover: bool,
    /// Only takes over the AWS resource with this id, under this address. Nothing else is decided.
    pub import: Option<(Address, String)>,
    /// Reads no other declared address; the others do not change.
    #[serde(skip)]
    pub only: Option<BTreeSet<Address>>,
}

impl Selection {
    /// Returns whether it covers only a part of the stack.
    pub fn is_partial(&self) -> bool {
        !(self.targets.is_empty() && self.exclude.is_empty())
    }
}

/// The inputs of a plan.
pub struct Inputs<'w, 'a> {
    /// The evaluated stack.
    pub eval: &'w EvalContext<'a>,
    /// The owned resources.
    pub ledger: &'w Ledger,
    /// AWS's answers so far.
    pub answers: &'w Answers,
    /// The part of the stack to plan.
    pub selection: &'w Selection,
    /// Plans against nothing: AWS is not asked, and every resource is new.
    pub offline: bool,
}

/// AWS's answers.
#[derive(Default)]
pub struct Answers {
    /// Reads, by kind, place and id.
    pub reads: HashMap<(&'static str, Place, String), Result<Option<ErasedLive>, Error>>,
    /// Searches by owner, by address and place: the ids of all that were found.
    pub found: HashMap<(Address, Place), Result<Vec<String>, Error>>,
    /// Reads of data, by kind, place and id.
    pub data: HashMap<(&'static str, Place, String), Result<Option<ErasedLive>, Error>>,
    /// The ids that searches for data found, by kind, place and [filter](filter_text).
    pub searches: HashMap<(&'static str, Place, String), Result<Vec<String>, Error>>,
    /// Listings of child resources, by the address that one of them may belong to.
    pub within: HashMap<Address, Result<Vec<String>, Error>>,
}

/// A question to AWS.
pub enum Question {
    /// Reads the resource with this id.
    Read {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its place.
        place: Place,
        /// Its id, and the attributes that are needed.
        request: ReadRequest,
        /// The desired tags, if they are known and reading tags takes a separate call: an index
        /// that already shows them may save that call.
        tags: Option<Tags>,
    },
    /// Finds the ids of the resources that this owner created.
    Find {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its place.
        place: Place,
        /// Its address.
        address: Address,
        /// Its spec, as far as it is known.
        spec: Value,
    },
    /// Reads the attributes of data that the stack refers to.
    Data {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its place.
        place: Place,
        /// Its id.
        id: String,
        /// The attributes.
        attributes: BTreeSet<String>,
    },
    /// Searches for data.
    Search {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its place.
        place: Place,
        /// What it looks for.
        filter: Value,
    },
    /// Lists the ids of all children of these parents.
    Within {
        /// Their kind.
        kind: &'static dyn ErasedKind,
        /// Their place.
        place: Place,
        /// The address that one of them may belong to.
        address: Address,
        /// The kinds and ids of the parents.
        parents: Vec<(String, String)>,
    },
}

/// A text that is equal for equal filters.
pub fn filter_text(filter: &Value) -> String {
    filter.to_json().map(|json| json.to_string()).unwrap_or_default()
}

/// The plan, or the questions to ask first.
pub enum Outcome {
    /// The finished plan.
    Plan(Box<Plan>),
    /// Questions to AWS, at least one.
    Ask(Vec<Question>),
}

/// Why no decision is possible.
pub(super) enum Stop {
    /// AWS must be asked first.
    Ask,
    /// The plan refuses it.
    Refused(Vec<Diagnostic>),
}

impl From<Diagnostic> for Stop {
    fn from(problem: Diagnostic) -> Self {
        Self::Refused(vec![problem])
    }
}
