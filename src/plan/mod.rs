//! What would change, and why: pure, from what is wanted and what is there.

mod applied;
mod blame;
mod compare;
mod conceal;
mod connect;
mod decide;
mod detail;
mod diff;
pub mod format;
mod hindsight;
mod holds;
pub mod order;
mod ownership;
mod partly;
mod policy_case;
mod protect;
mod remains;
mod replacement;
pub mod review;
mod risk;
pub mod saved;
mod select;
pub mod since;
mod standing;
mod survey;
mod tags;
mod taken;
mod text;
mod veil;
mod whose;

pub use applied::{Past, begun, complete, prints, prints_of_secrets, wanted};
pub use compare::{Side, compare, refused};
pub(crate) use conceal::conceal;
pub use decide::{Answers, Inputs, Outcome, Question, Selection, plan, read_failed};
pub use detail::{Detail, Line, Risk, RiskLabel, Sign, details, pictures, state_machine_mermaid, value_text};
pub use diff::{AttributeChange, Cause, diff, overlay};
pub use holds::{Release, let_go, overlaid};
pub use ownership::{not_ours, still_there};
pub use partly::{partly, unseen};
pub use remains::existing;
pub use risk::{Allowed, consent, needed, of_change};
pub use saved::Saved;
pub use standing::{Standing, show_unselected, standing};
pub use tags::{tag_changes, tags};
pub use text::{TextOptions, bill_line, change_text, render};
pub use whose::{Whose, is_wholes, refusal, whole, whose};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::kind::{ErasedLive, Parting};
use crate::schema::PathStep;
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
    /// The two revisions of the stack that are compared without AWS; `None` for a plan
    /// against what is there.
    pub revisions: Option<Revisions>,
    /// The stack's region.
    pub region: String,
    /// When it was made, where that is known.
    #[serde(with = "saved::moment")]
    pub now: Option<jiff::Timestamp>,
    /// One for every resource that is declared or owned, in order of address.
    pub changes: Vec<Change>,
    /// What was replaced before, by another resource of its address, and is there still.
    pub deposed: Vec<Change>,
    /// The outputs as far as they are known.
    pub outputs: BTreeMap<String, Value>,
    /// What the outputs were after the last apply, those that are no longer declared among
    /// them; `None` where that cannot be known.
    #[serde(with = "saved::known")]
    pub outputs_before: BTreeMap<String, Option<Value>>,
    /// The values of the stack's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// Outputs that are secret from now on, or no longer (`false`).
    #[serde(default)]
    pub outputs_sensitivity: BTreeMap<String, bool>,
    /// What it was asked for.
    #[serde(default)]
    pub asked: Asked,
    /// What is wrong beside it, such as resources that no ledger knows.
    #[serde(default, with = "saved::warnings")]
    pub warnings: Vec<Diagnostic>,
}

/// What a plan was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The removal of what it selects.
    pub destroy: bool,
    /// It is of a part of the stack: see [`Selection::is_partial`].
    pub partial: bool,
    /// Where `[stack]` stands.
    pub stack_at: Declared,
}

/// The names of two revisions of a stack: of folders, or of git revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// What it is compared with.
    pub old: String,
    /// What is compared.
    pub new: String,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its address.
    pub address: Address,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Its physical id, if it exists.
    pub id: Option<String>,
    /// The region it lives, or will live, in.
    pub region: String,
    /// The addresses that it needs, or needed when it was applied.
    pub needs: BTreeSet<Address>,
    /// Those of `needs` that need it in turn, with the attributes that refer to them: it is made
    /// without these, and completed when they exist.
    pub deferred: BTreeMap<Address, BTreeSet<String>>,
    /// What it lets go of for a moment, so that AWS deletes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Release>,
    /// The address that it had before.
    pub moved_from: Option<Address>,
    /// It exists, and becomes the stack's.
    pub imported: bool,
    /// The attributes that differ, tags among them as `tags.NAME`.
    pub attributes: Vec<AttributeChange>,
    /// The resource as it is.
    pub live: Option<ErasedLive>,
    /// As `live.spec`, with what is declared for fields that AWS cannot tell: what
    /// `delete` is given.
    pub existing: Value,
    /// As it is wanted, complete; null where it is no longer declared.
    pub wanted: Value,
    /// What `wanted` would be if nothing that it refers to were made anew.
    pub kept: Option<Kept>,
    /// All tags as they are wanted, the owner's among them.
    pub wanted_tags: BTreeMap<String, Value>,
    /// Where it is declared; of what is no longer, the block that made it, where that is left.
    pub declared: Option<Declared>,
    /// What AWS told of deleting it, before anything is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parting: Option<Parting>,
    /// What it may cost, where what tells that was secret and is masked by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veiled_risks: Option<VeiledRisks>,
}

/// The risks of a change, from before its secrets were masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VeiledRisks {
    /// Of each detail, in order.
    pub details: Vec<Vec<Risk>>,
    /// Of the fate of the resource itself.
    pub fate: Vec<Risk>,
}

/// A resource as it would be wanted if nothing that it refers to were made anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// As it would be wanted.
    pub wanted: Value,
    /// The addresses of what is made anew.
    pub replaced: BTreeSet<String>,
}

/// Where a resource is declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The file, as it was opened.
    pub file: PathBuf,
    /// The line of the resource's header, from 1.
    pub line: usize,
    /// The lines of its attributes, from 1.
    pub attributes: BTreeMap<String, usize>,
}

impl Declared {
    /// The name of the attribute by which a block makes several resources.
    pub(super) const FOR_EACH: &'static str = "for_each";

    /// The line of an attribute as a reference writes it (`command.name`), or of the
    /// resource where the attribute is not written.
    pub fn line_of(&self, attribute: &str) -> usize {
        let name = attribute.split(['.', '[']).next().unwrap_or_default();
        self.attributes.get(name).copied().unwrap_or(self.line)
    }
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is made.
    Create,
    /// It is changed and stays the same resource.
    Update,
    /// It is made anew.
    Replace {
        /// The new one is made before the old one is deleted.
        create_first: bool,
    },
    /// It is removed from AWS.
    Delete,
    /// It is no longer owned, and stays at AWS as it is.
    Forget,
}

/// Why something happens to a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It is as declared.
    Same,
    /// It is not of the part of the stack that the plan is for.
    Unselected,
    /// It is declared and was never made.
    New,
    /// It was made and is gone from AWS.
    Vanished,
    /// It is declared otherwise than it is.
    Differs,
    /// It lets go of what is replaced, and takes the new one.
    LetsGo,
    /// These attributes cannot be changed in place.
    Forced(Vec<Vec<PathStep>>),
    /// It was asked for by `--replace`.
    Requested,
    /// This address changes, which `replace_triggered_by` names.
    Triggered(Address),
    /// It is declared in another region.
    Moved {
        /// Where it is.
        from: String,
    },
    /// It is no longer declared.
    Undeclared,
    /// It was replaced, by an apply that did not come to deleting it.
    Deposed,
    /// Everything is to be destroyed.
    Destroy,
}

/// What the stack lacks of a resource that is no longer declared, as Terraform tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// There is no block of its name.
    Block,
    /// The block's `for_each` has no such key.
    Key,
    /// The block has a `for_each` now, or has none any more.
    Repetition,
    /// The block is off: `when = false`.
    Off,
}

impl Absence {
    /// Terraform's name of the reason.
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
    /// No change of an address of which nothing else is known.
    pub(crate) fn none(address: Address, region: String) -> Self {
        Self {
            address,
            action: Action::NoOp,
            reason: Reason::Unselected,
            id: None,
            region,
            needs: BTreeSet::new(),
            deferred: BTreeMap::new(),
            releases: Vec::new(),
            moved_from: None,
            imported: false,
            attributes: Vec::new(),
            live: None,
            existing: Value::Null,
            wanted: Value::Null,
            kept: None,
            wanted_tags: BTreeMap::new(),
            declared: None,
            parting: None,
            veiled_risks: None,
        }
    }

    /// What the stack lacks of it, where it is no longer declared.
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

    /// Whether it does something, if only to the ledger.
    pub fn is_effective(&self) -> bool {
        self.action != Action::NoOp || self.moved_from.is_some() || self.imported
    }

    /// The addresses that must be there before it is made or changed.
    pub fn first(&self) -> impl Iterator<Item = &Address> {
        self.needs.iter().filter(|needed| !self.deferred.contains_key(*needed))
    }

    /// Whether it is made, for the first time or anew.
    pub fn is_made(&self) -> bool {
        matches!(self.action, Action::Create | Action::Replace { .. })
    }

    /// Whether it is no longer to be there, or no longer the stack's.
    pub fn goes(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Forget)
    }

    /// What it needed when it was applied, which AWS may not let go of while it is there; `applied`
    /// is what the ledger tells of that.
    pub fn held<'c>(&'c self, applied: Option<&'c [Address]>) -> impl Iterator<Item = &'c Address> {
        let is_there = self.goes() || self.live.is_some();
        let declared = self.goes() || (applied.is_none() && is_there);
        let applied = applied.filter(|_| is_there).unwrap_or_default();
        self.needs.iter().filter(move |_| declared).chain(applied)
    }

    /// The region of what is there now.
    pub fn existing_region(&self) -> &str {
        match &self.reason {
            Reason::Moved { from } => from,
            _ => &self.region,
        }
    }

    /// Whether nothing changes but whose, or under which address, it is.
    pub fn is_only_ownership(&self) -> bool {
        (self.moved_from.is_some() || self.imported)
            && matches!(self.action, Action::NoOp | Action::Update)
            && self.releases.is_empty()
            && self.attributes.iter().all(AttributeChange::is_owner_tag)
    }
}

impl Plan {
    /// The changes that do something.
    pub fn effective(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().chain(&self.deposed).filter(|change| change.is_effective())
    }

    /// The addresses that a resource needs, directly or by others.
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

    /// What someone other than dwctl changed since the last apply, and nothing else. What
    /// differs is told from the stack's side to AWS's: as it was changed.
    pub fn drift(mut self) -> Self {
        for change in &mut self.changes {
            let vanished = change.reason == Reason::Vanished;
            change.attributes.retain(|one| one.cause != Cause::Stack);
            for one in &mut change.attributes {
                // Of what AWS cannot tell, only the stack's side is known.
                if !one.hidden {
                    std::mem::swap(&mut one.before, &mut one.after);
                }
                (one.forces_replacement, one.data_loss, one.downtime) = (false, false, false);
            }
            change.moved_from = None;
            change.imported = false;
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

    /// What AWS would refuse to delete: an apply would stop there, with the rest done.
    pub fn stuck(&self) -> Vec<Diagnostic> {
        let stuck = self.effective().filter_map(|change| match &change.parting {
            Some(Parting::Refused { why, help }) => Some((change, why, help)),
            _ => None,
        });
        let told = stuck.map(|(change, why, help)| {
            let id = change.id.as_deref().unwrap_or_default();
            let leave = format!("or leave it out: --exclude '{}'", change.address);
            Diagnostic::error("not-empty", format!("AWS would not delete {}: it {why}", change.address))
                .note(format!("its id is {id}"))
                .help(help.clone())
                .help(leave)
        });
        told.collect()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.effective().next().is_none()
    }
}
