//! A plan and its changes, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::detail::Risk;
use super::diff::{AttributeChange, Cause};
use super::stored;
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::{DeleteCheck, ErasedLive};
use crate::schema::PathStep;
use crate::stack::ChangedModule;
use crate::value::Value;

/// Everything that an apply would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The account; `None` where AWS was not asked.
    pub account_id: Option<String>,
    /// The two stack revisions that are compared without AWS; `None` for a plan against live state.
    pub revisions: Option<Revisions>,
    /// The stack's region.
    pub region: String,
    /// The time at which the plan was made, if known.
    #[serde(with = "stored::moment")]
    pub now: Option<jiff::Timestamp>,
    /// One change per declared or owned resource, ordered by address.
    pub changes: Vec<Change>,
    /// Deposed resources: replaced by an earlier apply, but still at AWS.
    pub deposed: Vec<Change>,
    /// The outputs, as far as they are known.
    pub outputs: BTreeMap<String, Value>,
    /// The outputs after the last apply, including those no longer declared; `None` if a value
    /// cannot be known.
    #[serde(with = "stored::known")]
    pub outputs_before: BTreeMap<String, Option<Value>>,
    /// The data of the stack, ordered by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataRead>,
    /// The values of the stack's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// Outputs whose secrecy changes: `true` if they become secret, `false` if they no longer are.
    #[serde(default)]
    pub outputs_sensitivity: BTreeMap<String, bool>,
    /// The stack itself and its modules, as they are called, by `module.lake.module.alarms`.
    #[serde(default)]
    pub calls: BTreeMap<String, Called>,
    /// The request that the plan answers.
    #[serde(default)]
    pub asked: Asked,
    /// For two revisions: the modules whose source or files differ, by the first call of each.
    #[serde(default)]
    pub changed_modules: BTreeMap<String, ChangedModule>,
    /// Problems that do not stop the plan, such as resources that no ledger knows.
    #[serde(default, with = "stored::warnings")]
    pub warnings: Vec<Diagnostic>,
}

/// A `[module.NAME]` block, or the stack itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Called {
    /// The names of the modules around it, and its own; empty for the stack itself.
    pub path: Vec<String>,
    /// Its folder, as it is written.
    pub source: String,
    /// What it passes to the module.
    pub inputs: BTreeMap<String, CallExpression>,
    /// Its `for_each`.
    pub for_each: Option<CallExpression>,
    /// Its `when`.
    pub when: Option<CallExpression>,
    /// Its `depends_on`.
    pub depends_on: Vec<String>,
    /// The variables of the module; `true` for secret ones.
    pub variables: BTreeMap<String, bool>,
    /// The outputs of the module; `true` for secret ones.
    pub outputs: BTreeMap<String, (CallExpression, bool)>,
}

/// What is known of an expression before it is evaluated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallExpression {
    /// What it refers to.
    pub references: Vec<String>,
    /// Its value, if it is a literal that may be shown.
    pub constant: Option<Value>,
}

/// The options a plan was requested with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The plan destroys what it selects.
    pub destroy: bool,
    /// The plan covers only a part of the stack: see [`super::Selection::is_partial`].
    pub partial: bool,
    /// The location of `[stack]`.
    pub stack_at: Declared,
}

/// The names of two revisions of a stack: folders, or git revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// The revision that is compared with.
    pub old: String,
    /// The revision that is compared.
    pub new: String,
}

/// What one `[data.KIND.NAME]` block found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRead {
    /// Its address.
    pub address: Address,
    /// Where it looked.
    pub place: Place,
    /// What was found, or why it is not read yet.
    pub state: DataState,
    /// Its block.
    pub declared: Declared,
    /// The attributes that the stack refers to, by the name of the attribute.
    #[serde(skip)]
    pub value: Value,
}

impl DataRead {
    /// The most ids that are named.
    const NAMED: usize = 3;

    /// What was found, in words. `region` is that of the stack.
    pub fn words(&self, region: &str) -> String {
        let found = match &self.state {
            DataState::Later(why) => format!("read by the apply: {why}"),
            DataState::Found(ids) if ids.is_empty() => "none found".to_owned(),
            DataState::Found(ids) => {
                let mut named = ids.iter().take(Self::NAMED).cloned().collect::<Vec<_>>().join(", ");
                if ids.len() > Self::NAMED {
                    named = format!("{named} and {} more", ids.len() - Self::NAMED);
                }
                named
            }
        };
        if self.place == Place::of(region) { found } else { format!("{found} in {}", self.place) }
    }
}

/// How far data is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataState {
    /// It was read: the ids that were found, in order.
    Found(Vec<String>),
    /// The apply reads it.
    Later(Later),
}

/// Why data is read during the apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Later {
    /// It looks for a value that is not known yet: `ec2_vpc.main.vpc_id`.
    Unknown(String),
    /// It depends on a resource that changes.
    After(Address),
}

impl std::fmt::Display for Later {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(value) => write!(formatter, "needs {value}"),
            Self::After(address) => write!(formatter, "depends on {address}"),
        }
    }
}

/// The change of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its address.
    pub address: Address,
    /// The planned action.
    pub action: Action,
    /// The reason for the action.
    pub reason: Reason,
    /// Its physical id, if it exists.
    pub id: Option<String>,
    /// Where it is, or will be created.
    pub place: Place,
    /// The addresses it depends on, or depended on when it was applied.
    pub needs: BTreeSet<Address>,
    /// The members of `needs` that depend on this resource in turn, each with the attributes that
    /// refer to it. The resource is created without these attributes, and completed once the others
    /// exist.
    pub deferred: BTreeMap<Address, BTreeSet<String>>,
    /// References that are removed for a moment, so that AWS can delete their targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Release>,
    /// How the resource comes to be known.
    pub origin: Origin,
    /// The previous address, if it was moved.
    pub moved_from: Option<Address>,
    /// The attributes that differ; tags appear as `tags.NAME`.
    pub attributes: Vec<AttributeChange>,
    /// The live resource.
    pub live: Option<ErasedLive>,
    /// `live.spec`, with the declared values of fields that AWS cannot return. `delete` receives
    /// it.
    pub existing: Value,
    /// The desired spec, complete; null if the resource is no longer declared.
    pub desired: Value,
    /// The value that `desired` would have if none of its references were replaced.
    pub unreplaced: Option<Unreplaced>,
    /// All desired tags, including the owner tags.
    pub desired_tags: BTreeMap<String, Value>,
    /// Its declaration. If it is no longer declared, the block that created it, if that still exists.
    pub declared: Option<Declared>,
    /// AWS's answer about deleting it, asked for before anything is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_check: Option<DeleteCheck>,
    /// The risks, if they follow from secrets that are masked by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_risks: Option<RedactedRisks>,
}

/// A reference that a resource drops for a moment, so that its target can be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The address of the held resource.
    pub held: Address,
    /// The attribute that names it.
    pub attribute: String,
    /// The names that the attribute gives it.
    pub names: Vec<String>,
}

/// How a resource comes to be known. It is determined once, by the survey; everything that depends
/// on it reads this value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It is not known: it was never created.
    #[default]
    Absent,
    /// The ledger has an entry for it.
    Ledger,
    /// The ledger has an entry, but by its tags the resource belongs to someone else now, or to
    /// nobody.
    Taken,
    /// An interrupted apply created it: the ledger has only its intent.
    Intent,
    /// The ledger has it as the old object of a replacement.
    Deposed,
    /// Only its owner tags name this address.
    Tags,
    /// An import names it.
    Import,
    /// It has the declared name, but nothing shows that it is the stack's.
    Foreign,
}

impl Origin {
    /// Returns whether a plan that keeps the resource takes ownership of it.
    pub fn is_taken_over(self) -> bool {
        match self {
            Self::Taken | Self::Import | Self::Foreign => true,
            Self::Absent | Self::Ledger | Self::Intent | Self::Deposed | Self::Tags => false,
        }
    }

    /// Returns whether the ledger's entry of the address is about this very resource.
    pub fn is_recorded(self) -> bool {
        matches!(self, Self::Ledger | Self::Taken)
    }

    /// The origin in a plan that takes over nothing.
    pub(super) fn kept(self) -> Self {
        if self.is_taken_over() { Self::Ledger } else { self }
    }
}

/// The risks of a change, computed before its secrets were masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactedRisks {
    /// The risks of each detail, in order.
    pub details: Vec<Vec<Risk>>,
    /// The risks of creating, replacing or deleting the resource itself.
    #[serde(rename = "fate")]
    pub own: Vec<Risk>,
}

/// The desired spec of a resource if none of its references were replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unreplaced {
    /// The desired spec.
    pub desired: Value,
    /// The addresses of the replaced resources.
    pub replaced: BTreeSet<String>,
}

/// The location of a resource's declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The file, under the path by which it was opened.
    pub file: PathBuf,
    /// The line of the resource's header, counted from 1.
    pub line: usize,
    /// The lines of its attributes, counted from 1.
    pub attributes: BTreeMap<String, usize>,
}

impl Declared {
    /// The attribute that makes a block declare several resources.
    pub(super) const FOR_EACH: &'static str = "for_each";

    /// Returns the line of an attribute, given as a reference writes it (`command.name`), or the
    /// line of the resource if the attribute is not written.
    pub fn line_of(&self, attribute: &str) -> usize {
        let name = attribute.split(['.', '[']).next().unwrap_or_default();
        self.attributes.get(name).copied().unwrap_or(self.line)
    }
}

/// The planned action for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Nothing changes.
    NoOp,
    /// The resource is created.
    Create,
    /// The resource is changed in place.
    Update,
    /// The resource is replaced.
    Replace {
        /// The new one is created before the old one is deleted.
        create_first: bool,
    },
    /// The resource is deleted at AWS.
    Delete,
    /// The stack gives up ownership; the resource stays at AWS as it is.
    Forget,
}

/// The reason for an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It matches its declaration.
    Same,
    /// It is outside the selected part of the stack.
    Unselected,
    /// It is declared and was never created.
    New,
    /// It was created and has vanished from AWS.
    Vanished,
    /// It differs from its declaration.
    Differs,
    /// It releases a resource that is being replaced, and takes the new one.
    #[serde(rename = "LetsGo")]
    Releases,
    /// These attributes cannot be changed in place.
    Forced(Vec<Vec<PathStep>>),
    /// `--replace` requested it.
    Requested,
    /// This address changes, and `replace_triggered_by` names it.
    Triggered(Address),
    /// It is declared in another region or account.
    Moved {
        /// Where it is now.
        from: Place,
    },
    /// It is no longer declared.
    Undeclared,
    /// It was replaced, but that apply did not get to deleting it.
    Deposed,
    /// The whole selection is destroyed.
    Destroy,
}

impl Reason {
    /// The action for a resource that the plan removes, and the reason. A resource that is gone, or
    /// is to stay at AWS, is only forgotten.
    pub(super) fn removes(self, exists: bool, stays: bool) -> (Action, Self) {
        match (exists, stays) {
            (false, _) if self == Self::Deposed => (Action::Forget, self),
            (false, _) => (Action::Forget, Self::Vanished),
            (true, true) => (Action::Forget, self),
            (true, false) => (Action::Delete, self),
        }
    }
}

/// Why a resource is no longer declared, in the cases that Terraform distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// No block has its name.
    Block,
    /// The block's `for_each` does not have the key.
    Key,
    /// The block gained or lost its `for_each`.
    Repetition,
    /// The block is switched off: `when = false`.
    Off,
}

impl Absence {
    /// Terraform's name for the reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::Block => "delete_because_no_resource_config",
            Self::Key => "delete_because_each_key",
            Self::Repetition => "delete_because_wrong_repetition",
            Self::Off => "delete_because_count_index",
        }
    }
}

impl Change {
    /// Keeps the cause of a replacement that was decided again with a new generated name: the name differs
    /// because of the replacement, and is no cause of it.
    pub(super) fn keep_cause(&mut self, first: &Self) {
        self.reason.clone_from(&first.reason);
        for one in &mut self.attributes {
            let before = first.attributes.iter().find(|before| before.path == one.path);
            one.forces_replacement = before.is_some_and(|before| before.forces_replacement);
        }
    }

    /// Returns an empty change of an address: nothing else is known of it.
    pub(crate) fn none(address: Address, place: Place) -> Self {
        Self {
            address,
            action: Action::NoOp,
            reason: Reason::Unselected,
            id: None,
            place,
            needs: BTreeSet::new(),
            deferred: BTreeMap::new(),
            releases: Vec::new(),
            origin: Origin::Absent,
            moved_from: None,
            attributes: Vec::new(),
            live: None,
            existing: Value::Null,
            desired: Value::Null,
            unreplaced: None,
            desired_tags: BTreeMap::new(),
            declared: None,
            delete_check: None,
            redacted_risks: None,
        }
    }

    /// Returns the change that removes a resource, from AWS or from the ledger alone.
    pub(crate) fn removal(address: Address, place: Place, action: Action, reason: Reason) -> Self {
        Self { action, reason, ..Self::none(address, place) }
    }

    /// Returns what the stack lacks of a resource that is no longer declared.
    pub fn absence(&self) -> Option<Absence> {
        if self.reason != Reason::Undeclared {
            return None;
        }
        let Some(block) = &self.declared else { return Some(Absence::Block) };
        Some(match (&self.address.key, block.attributes.contains_key(Declared::FOR_EACH)) {
            (Some(_), true) => Absence::Key,
            (None, false) => Absence::Off,
            _ => Absence::Repetition,
        })
    }

    /// Returns whether this plan takes ownership of an existing resource.
    pub fn is_taken_over(&self) -> bool {
        self.origin.is_taken_over() && self.reason != Reason::Unselected
    }

    /// The address under which the ledger has the resource, or would have it.
    pub fn recorded_as(&self) -> &Address {
        self.moved_from.as_ref().unwrap_or(&self.address)
    }

    /// Returns whether an apply does anything for it, if only in the ledger.
    pub fn is_effective(&self) -> bool {
        self.action != Action::NoOp || self.moved_from.is_some() || self.is_taken_over()
    }

    /// The addresses that must exist before it is created or updated.
    pub fn first(&self) -> impl Iterator<Item = &Address> {
        self.needs.iter().filter(|needed| !self.deferred.contains_key(*needed))
    }

    /// Returns whether it is created or replaced.
    pub fn is_created_or_replaced(&self) -> bool {
        matches!(self.action, Action::Create | Action::Replace { .. })
    }

    /// Returns whether it is deleted, or no longer owned.
    pub fn goes(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Forget)
    }

    /// The addresses it depended on when it was applied. AWS may refuse to delete those while it
    /// exists. `applied` are the dependencies that the ledger records.
    pub fn held<'c>(&'c self, applied: Option<&'c [Address]>) -> impl Iterator<Item = &'c Address> {
        let is_there = self.goes() || self.live.is_some();
        let declared = self.goes() || (applied.is_none() && is_there);
        let applied = applied.filter(|_| is_there).unwrap_or_default();
        self.needs.iter().filter(move |_| declared).chain(applied)
    }

    /// Where the resource is now.
    pub fn existing_place(&self) -> &Place {
        match &self.reason {
            Reason::Moved { from } => from,
            _ => &self.place,
        }
    }

    /// Returns whether only the owner or the address of the resource changes.
    pub fn is_only_ownership(&self) -> bool {
        (self.moved_from.is_some() || self.is_taken_over())
            && matches!(self.action, Action::NoOp | Action::Update)
            && self.releases.is_empty()
            && self.attributes.iter().all(AttributeChange::is_owner_tag)
    }
}

impl Plan {
    /// The changes for which an apply does something.
    pub fn effective(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().chain(&self.deposed).filter(|change| change.is_effective())
    }

    /// The addresses that a resource depends on, directly or indirectly.
    pub fn needed<'p>(&'p self, address: &'p Address) -> BTreeSet<&'p Address> {
        let by_address: BTreeMap<&Address, &Change> =
            self.changes.iter().map(|change| (&change.address, change)).collect();
        let mut needed = BTreeSet::new();
        let mut next = vec![address];
        while let Some(address) = next.pop() {
            let needs = by_address.get(address).into_iter().flat_map(|change| &change.needs);
            next.extend(needs.filter(|one| needed.insert(*one)));
        }
        needed
    }

    /// Reduces the plan to drift: what someone other than dwctl changed since the last apply.
    /// Differences then go from the stack's value to the live one, in the direction of the change.
    pub fn drift(mut self) -> Self {
        for change in &mut self.changes {
            let vanished = change.reason == Reason::Vanished;
            change.attributes.retain(|one| one.cause != Cause::Stack);
            for one in &mut change.attributes {
                // AWS cannot return this value, so only the stack's side is known.
                if !one.hidden {
                    std::mem::swap(&mut one.before, &mut one.after);
                }
                (one.forces_replacement, one.data_loss, one.downtime) = (false, false, false);
            }
            change.moved_from = None;
            change.origin = change.origin.kept();
            change.releases.clear();
            (change.action, change.reason) = match (vanished, change.attributes.is_empty()) {
                (true, _) => (Action::Delete, Reason::Vanished),
                (false, false) => (Action::Update, Reason::Differs),
                (false, true) if change.reason == Reason::Unselected => (Action::NoOp, Reason::Unselected),
                (false, true) => (Action::NoOp, Reason::Same),
            };
        }
        self.deposed.clear();
        self.outputs.clear();
        self.outputs_before.clear();
        self.outputs_sensitivity.clear();
        self
    }

    /// Errors for resources that AWS would refuse to delete: an apply would stop there, half done.
    pub fn stuck(&self) -> Vec<Diagnostic> {
        let stuck = self.effective().filter_map(|change| match &change.delete_check {
            Some(DeleteCheck::Refused { why, help }) => Some((change, why, help)),
            _ => None,
        });
        let problems = stuck.map(|(change, why, help)| {
            let id = change.id.as_deref().unwrap_or_default();
            let leave = format!("or leave it out: --exclude '{}'", change.address);
            Diagnostic::error("not-empty", format!("AWS would not delete {}: it {why}", change.address))
                .note(format!("its id is {id}"))
                .help(help.clone())
                .help(leave)
        });
        problems.collect()
    }

    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.effective().next().is_none()
    }
}
