//! Stack files: TOML with spans into declarations. This room knows no AWS.

mod broken;
mod foreign;
mod ledger;
mod load;
mod moved;
mod node;
mod quotes;
mod settings;
mod variable;

pub use ledger::LedgerPlace;
pub use load::{Loaded, is_region, load, read, variable_text};
pub use moved::Moves;
pub use node::{Content, Entry, Node};
pub use settings::shared_of;
pub use variable::{Type, Variable, variables};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::diag::{Sources, Span};
use crate::files::Files;
use crate::graph::Address;
use crate::schema::PathStep;

/// The environment of a run without `--env`.
pub const DEFAULT_ENV: &str = "default";

/// A stack as it is written, before anything is evaluated.
#[derive(Debug)]
pub struct Stack {
    /// The files, for messages.
    pub sources: Sources,
    /// The stack's folder.
    pub folder: PathBuf,
    /// The files in it.
    pub files: Files,
    /// `[stack] name`.
    pub name: String,
    /// `[stack] region`, or the environment's.
    pub region: String,
    /// `[stack] tags`: on every resource that can be tagged.
    pub tags: Option<Node>,
    /// `[stack] accounts`: the account that each environment belongs to.
    pub accounts: BTreeMap<String, String>,
    /// `[stack] ignore_tags`: patterns of the keys of tags that others set.
    pub ignore_tags: Vec<String>,
    /// Where `[stack]` stands.
    pub span: Span,
    /// The chosen environment; [`DEFAULT_ENV`] without one.
    pub env: String,
    /// Where the ledger lives, if not in a local file.
    pub ledger: Option<LedgerPlace>,
    /// What the environment's file sets.
    pub env_values: BTreeMap<String, Entry>,
    /// `[variable.NAME]`.
    pub variables: BTreeMap<String, Variable>,
    /// `[local]`.
    pub locals: BTreeMap<String, Entry>,
    /// `[KIND.NAME]`, in order of address.
    pub resources: Vec<Resource>,
    /// `[output]`.
    pub outputs: BTreeMap<String, Output>,
    /// `[[import]]`.
    pub imports: Vec<Import>,
    /// `[[moved]]`.
    pub moved: Vec<Moved>,
    /// `[[removed]]`.
    pub removed: Vec<Removed>,
    /// What is declared, but could not be read, which is a problem of its own: `kind.name`, or
    /// `variable`, `local` and `resource` for all of these.
    pub unread: BTreeSet<String>,
}

/// Something that exists and is to become the stack's.
#[derive(Debug)]
pub struct Import {
    /// Where it is declared.
    pub to: Address,
    /// Its physical id.
    pub id: Node,
    /// Where the block stands.
    pub span: Span,
}

/// A resource that has another address now.
#[derive(Debug)]
pub struct Moved {
    /// The address that it had.
    pub from: Address,
    /// The address that it has.
    pub to: Address,
    /// Where the block stands.
    pub span: Span,
}

/// A resource that the stack lets go of.
#[derive(Debug)]
pub struct Removed {
    /// The address that it had.
    pub from: Address,
    /// Whether it is destroyed at AWS; else it stays there, and is no longer the stack's.
    pub destroy: bool,
    /// Where the block stands.
    pub span: Span,
}

/// A resource as it is written.
#[derive(Debug)]
pub struct Resource {
    /// The kind's name.
    pub kind: String,
    /// The resource's name.
    pub name: String,
    /// Where its header stands.
    pub span: Span,
    /// The attributes of the kind, a table.
    pub body: Node,
    /// The resource's own tags.
    pub tags: Option<Node>,
    /// One resource for each element.
    pub for_each: Option<Node>,
    /// Whether there is such a resource.
    pub when: Option<Node>,
    /// Another region than the stack's.
    pub region: Option<Node>,
    /// Addresses that it needs though it does not refer to them.
    pub depends_on: Vec<(String, Span)>,
    /// How it is replaced and removed.
    pub lifecycle: Lifecycle,
}

impl Stack {
    /// The block that an address is of.
    pub fn resource(&self, address: &Address) -> Option<&Resource> {
        self.resources.iter().find(|one| one.kind == address.kind && one.name == address.name)
    }
}

impl Resource {
    /// `kind.name`.
    pub fn address(&self) -> String {
        format!("{}.{}", self.kind, self.name)
    }
}

/// An attribute, or a part of one, of `ignore_changes`.
#[derive(Clone, Debug)]
pub struct Ignored {
    /// Where it is in the resource.
    pub path: Vec<PathStep>,
    /// Where it is written.
    pub span: Span,
}

impl Ignored {
    /// Whether it says that a tag is left alone. `*` in its key stands for any text.
    pub fn is_of_tag(&self, key: &str) -> bool {
        match self.path.as_slice() {
            [PathStep::Name(tags)] => tags == "tags",
            [PathStep::Name(tags), PathStep::Name(pattern)] => tags == "tags" && matches_tag(pattern, key),
            _ => false,
        }
    }
}

/// Whether a pattern of `ignore_tags` or `ignore_changes` is of a tag's key: `*` is any text, and
/// every other character itself.
pub fn matches_tag(pattern: &str, key: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = key.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// `lifecycle` of a resource.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Refuse to delete or replace it.
    pub protect: Option<Node>,
    /// When it is replaced, make the new one before the old one is deleted.
    pub create_before_destroy: Option<Node>,
    /// Attributes whose difference from AWS is left alone.
    pub ignore_changes: Vec<Ignored>,
    /// Addresses whose change or replacement replaces this one.
    pub replace_triggered_by: Vec<String>,
    /// Leave it at AWS when it is no longer declared, and when everything is destroyed.
    pub retain: Option<Node>,
}

/// An output as it is written.
#[derive(Debug)]
pub struct Output {
    /// What it is.
    pub value: Node,
    /// For readers.
    pub description: Option<String>,
    /// Not to be printed.
    pub sensitive: bool,
    /// Where it stands.
    pub span: Span,
}
