//! A stack as it is written: its declarations, with their places.

use super::account::Account;
use super::condition::Condition;
use super::ledger::LedgerPlace;
use super::node::{Entry, Node};
use super::variable::Variable;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::diag::{Sources, Span};
use crate::files::Files;
use crate::graph::{Address, ModulePath, Place};
use crate::lang::Reference;
use crate::schema::PathStep;

/// The environment of a run without `--env`.
pub const DEFAULT_ENV: &str = "default";

/// A stack as it is written, before evaluation.
#[derive(Debug)]
pub struct Stack {
    /// The source files, for messages.
    pub sources: Sources,
    /// The stack's folder.
    pub folder: PathBuf,
    /// `[stack] name`.
    pub name: String,
    /// `[stack] region`, or the environment's; empty until [`Stack::settle_region`] if it is an
    /// expression.
    pub region: String,
    /// The expression of the region.
    pub region_from: Option<Node>,
    /// `[stack] tags`: the tags of every resource that can have tags.
    pub tags: Option<Node>,
    /// `[stack] accounts`: the accounts that each environment may be in.
    pub accounts: BTreeMap<String, Vec<String>>,
    /// `[aws.NAME]`: the accounts besides the stack's own.
    pub aws: BTreeMap<String, Account>,
    /// `[stack] ignore_tags`: patterns for the keys of tags that others manage.
    pub ignore_tags: Vec<String>,
    /// The place of `[stack]`.
    pub span: Span,
    /// The chosen environment; [`DEFAULT_ENV`] without one.
    pub env: String,
    /// The location of the ledger; `None` means a local file.
    pub ledger: Option<LedgerPlace>,
    /// The values in the environment's file.
    pub env_values: BTreeMap<String, Entry>,
    /// What its own folder declares.
    pub root: Module,
    /// The folders that modules name, each once. [`Call::source`] is a place in this list.
    pub modules: Vec<Module>,
    /// `[stack_output.NAME]`: the stacks whose outputs it reads.
    pub others: BTreeMap<String, OtherStack>,
    /// `[[import]]`.
    pub imports: Vec<Import>,
    /// `[[moved]]` of the stack itself, then those of its modules.
    pub moved: Vec<Moved>,
    /// `[[removed]]`, likewise, with the addresses in all instances of a module.
    pub removed: Vec<Removed>,
}

/// Another stack, whose outputs a stack reads.
#[derive(Debug)]
pub struct OtherStack {
    /// The place of its block.
    pub span: Span,
    /// `folder` as it is written, and its place.
    pub folder: (String, Span),
    /// Its environment, if it is not that of this stack.
    pub env: Option<String>,
    /// The stack; `None` if it could not be read.
    pub stack: Option<Box<Stack>>,
}

/// What the files of one folder declare: of the stack's own, or of one that modules name.
#[derive(Debug, Default)]
pub struct Module {
    /// The files in the folder.
    pub files: Files,
    /// `[variable.NAME]`.
    pub variables: BTreeMap<String, Variable>,
    /// `[local]`.
    pub locals: BTreeMap<String, Entry>,
    /// `[KIND.NAME]`, in order of address.
    pub resources: Vec<Resource>,
    /// `[data.KIND.NAME]`, in order of address.
    pub data: Vec<Resource>,
    /// `[output]`.
    pub outputs: BTreeMap<String, Output>,
    /// `[check.NAME]`: the conditions of each check.
    pub checks: BTreeMap<String, Vec<Condition>>,
    /// `[module.NAME]`.
    pub calls: BTreeMap<String, Call>,
    /// `[[moved]]`, with addresses as they are called in this folder.
    pub moved: Vec<Moved>,
    /// `[[removed]]`, likewise.
    pub removed: Vec<Removed>,
    /// Declarations that could not be read; that is reported separately. `kind.name`, or `variable`,
    /// `local` and `resource` for all of these.
    pub unread: BTreeSet<String>,
}

/// A `[module.NAME]` block: instances of the module in a folder.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// The place of its header.
    pub span: Span,
    /// The place of its source in [`Stack::modules`]; `None` if that could not be read.
    pub source: Option<usize>,
    /// `source` as it is written, and its place.
    pub folder: (String, Span),
    /// The values of the module's variables.
    pub inputs: BTreeMap<String, Entry>,
    /// `for_each`: one instance for each element.
    pub for_each: Option<Node>,
    /// `when`: the condition for the instance to exist.
    pub when: Option<Node>,
    /// The `[aws.NAME]` of everything in it that names no other; `None` for that of the module around it.
    pub account: Option<Node>,
    /// Addresses that everything in it needs.
    pub depends_on: Vec<(String, Span)>,
}

/// An existing object that the stack takes over.
#[derive(Debug)]
pub struct Import {
    /// The address of its declaration.
    pub to: Address,
    /// Its physical id.
    pub id: Node,
    /// The place of the block.
    pub span: Span,
}

/// A resource or a module whose address has changed.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The names of the calls that lead to the module that says so; it moved in all instances of that. The
    /// addresses are those within the module. Empty for the stack itself.
    pub within: Vec<String>,
    /// The old address.
    pub from: Place,
    /// The new address.
    pub to: Place,
    /// The place of the block.
    pub span: Span,
}

/// A resource or a module that leaves the stack.
#[derive(Clone, Debug)]
pub struct Removed {
    /// Its address until now.
    pub from: Place,
    /// True if it is destroyed at AWS. Otherwise it stays there, without belonging to the stack.
    pub destroy: bool,
    /// The place of the block.
    pub span: Span,
}

/// A resource as it is written, or a `[data.KIND.NAME]` block, which names an existing one of others.
#[derive(Debug)]
pub struct Resource {
    /// The kind's name.
    pub kind: String,
    /// True for a `[data.KIND.NAME]` block. Its attributes say what it looks for.
    pub is_data: bool,
    /// True if data is a list of all that it finds, however many.
    pub many: bool,
    /// The resource's name.
    pub name: String,
    /// The place of its header.
    pub span: Span,
    /// The kind's attributes, a table.
    pub body: Node,
    /// The resource's own tags.
    pub tags: Option<Node>,
    /// `for_each`: one resource for each element.
    pub for_each: Option<Node>,
    /// `when`: the condition for the resource to exist.
    pub when: Option<Node>,
    /// Its region, if not that of its account.
    pub region: Option<Node>,
    /// The name of its account, if not that of its module.
    pub account: Option<Node>,
    /// Addresses that it needs without referring to them.
    pub depends_on: Vec<(String, Span)>,
    /// The rules for its replacement and removal.
    pub lifecycle: Lifecycle,
    /// The beginning of its name; dwctl generates the rest.
    pub name_prefix: Option<Node>,
    /// How long its creation, its update and its deletion may take.
    pub timeout: Option<Node>,
    /// Conditions for creating or changing it.
    pub preconditions: Vec<Condition>,
    /// Conditions on the resource as it is afterwards; they see it as `self`.
    pub postconditions: Vec<Condition>,
}

impl Resource {
    /// A resource without any settings. `span` is the place of its header.
    pub fn new(kind: &str, name: &str, span: Span) -> Self {
        Self {
            kind: kind.to_owned(),
            is_data: false,
            many: false,
            name: name.to_owned(),
            span,
            body: Node::empty(span),
            tags: None,
            for_each: None,
            when: None,
            region: None,
            account: None,
            depends_on: Vec::new(),
            lifecycle: Lifecycle::default(),
            name_prefix: None,
            timeout: None,
            preconditions: Vec::new(),
            postconditions: Vec::new(),
        }
    }
}

impl Stack {
    /// The declaration of an address.
    pub fn resource(&self, address: &Address) -> Option<&Resource> {
        self.module(&address.module)?.resource(&address.kind, &address.name)
    }

    /// What the module at a path declares.
    pub fn module(&self, path: &ModulePath) -> Option<&Module> {
        path.steps()
            .iter()
            .try_fold(&self.root, |module, step| self.modules.get(module.calls.get(&step.name)?.source?))
    }

    /// What all folders declare, the stack's own first.
    pub fn folders(&self) -> impl Iterator<Item = &Module> {
        std::iter::once(&self.root).chain(&self.modules)
    }
}

impl Module {
    /// Its resources, and its data.
    pub fn declared(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().chain(&self.data)
    }

    /// The declaration `[kind.name]`, or `[data.kind.name]`.
    pub fn resource(&self, kind: &str, name: &str) -> Option<&Resource> {
        let (all, kind) = match kind.strip_prefix(Address::DATA) {
            Some(kind) => (&self.data, kind),
            None => (&self.resources, kind),
        };
        let at = all.binary_search_by(|one| (one.kind.as_str(), one.name.as_str()).cmp(&(kind, name)));
        at.ok().and_then(|at| all.get(at))
    }
}

impl Resource {
    /// `kind.name`, or `data.kind.name`.
    pub fn address(&self) -> String {
        format!("{}.{}", self.table(), self.name)
    }

    /// The kind in its addresses: `ec2_vpc`, or `data.ec2_vpc`.
    pub fn table(&self) -> Cow<'_, str> {
        match self.is_data {
            true => Cow::Owned(format!("{}{}", Address::DATA, self.kind)),
            false => Cow::Borrowed(&self.kind),
        }
    }
}

/// An entry of `ignore_changes`: an attribute or a part of one.
#[derive(Clone, Debug)]
pub struct Ignored {
    /// Its path in the resource.
    pub path: Vec<PathStep>,
    /// Its place in the file.
    pub span: Span,
}

impl Ignored {
    /// Returns whether it ignores this tag. `*` in its key stands for any text.
    pub fn is_of_tag(&self, key: &str) -> bool {
        match self.path.as_slice() {
            [PathStep::Name(tags)] => tags == "tags",
            [PathStep::Name(tags), PathStep::Name(pattern)] => tags == "tags" && matches_tag(pattern, key),
            _ => false,
        }
    }
}

/// Returns whether a pattern of `ignore_tags` or `ignore_changes` matches a tag's key: `*` stands for
/// any text, every other character for itself.
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

/// The `lifecycle` of a resource.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Refuses to delete or replace it.
    pub protect: Option<Node>,
    /// Creates the replacement before the old object is deleted.
    pub create_before_destroy: Option<Node>,
    /// Attributes whose drift is left alone.
    pub ignore_changes: Vec<Ignored>,
    /// Resources, or their attributes, whose change replaces this one.
    pub replace_triggered_by: Vec<Reference>,
    /// Keeps it at AWS when it is no longer declared, and when the stack is destroyed.
    pub retain: Option<Node>,
}

/// An output as it is written.
#[derive(Debug)]
pub struct Output {
    /// Its value.
    pub value: Node,
    /// Documentation for users.
    pub description: Option<String>,
    /// True if it must not be printed.
    pub sensitive: bool,
    /// Conditions for having its value.
    pub preconditions: Vec<Condition>,
    /// Its place in the file.
    pub span: Span,
}
