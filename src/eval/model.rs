//! The evaluated stack as a value, and the resources that it desires.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;
use std::time::Duration;

use super::references::{References, Views};
use super::scopes::ScopeId;
use crate::aws::{Place, Scope as AwsScope};
use crate::diag::Diagnostic;
use crate::graph::{Address, ModulePath};
use crate::kind::ErasedKind;
use crate::lang::{Budget, Reference};
use crate::stack::{Import, Resource, Stack};
use crate::value::Value;

/// Facts from AWS about this run: `aws` in expressions.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Partition, account and region.
    pub scope: AwsScope,
    /// The availability zones of the region, if they were asked for.
    pub availability_zones: Option<Vec<String>>,
    /// The accounts of `[aws.NAME]`.
    pub accounts: BTreeMap<String, AccountFacts>,
    /// The outputs of other stacks that the stack refers to, by the name of the block and of the output. Those
    /// that are missing are unknown.
    pub others: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Facts of an account besides the stack's own.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    /// Its partition, its id, and the region of its resources.
    pub scope: AwsScope,
    /// The availability zones of the region, if they were asked for.
    pub availability_zones: Option<Vec<String>>,
}

impl Facts {
    /// The place of resources of `[aws.NAME]`; `None` if there is no such block.
    pub fn place(&self, name: &str) -> Option<Place> {
        let AwsScope { account_id, region, .. } = &self.accounts.get(name)?.scope;
        let account = (*account_id != self.scope.account_id).then(|| account_id.clone());
        Some(Place { region: region.clone(), account, name: Some(name.to_owned()) })
    }

    /// Takes another id for the stack's own account, and for the names that lead there.
    pub fn set_account(&mut self, id: &str) {
        for of in self.accounts.values_mut().filter(|of| of.scope.account_id == self.scope.account_id) {
            id.clone_into(&mut of.scope.account_id);
        }
        id.clone_into(&mut self.scope.account_id);
    }

    /// Placeholders for a run without AWS. The account is the stack's own, or zeros.
    pub fn offline(stack: &Stack) -> Self {
        let own = stack.accounts.get(&stack.env).and_then(|ids| ids.first());
        let account_id = own.cloned().unwrap_or_else(|| "000000000000".to_owned());
        let partition = AwsScope::partition_of(&stack.region).to_owned();
        let zones = |region: &str| ["a", "b", "c"].map(|letter| format!("{region}{letter}")).to_vec();
        let scope = AwsScope { partition, account_id, region: stack.region.clone() };
        let accounts = stack.aws.iter().enumerate().map(|(at, (name, account))| {
            let access = &account.access;
            let region = access.region.as_ref().unwrap_or(&stack.region);
            let id = match (
                access.account_id(),
                account.members.contains_key("role_arn") || access.profile.is_some(),
            ) {
                (Some(id), _) => id.to_owned(),
                // A profile, or a role that depends on a variable without a value: any account of its own.
                (None, true) => format!("{:012}", at + 1),
                (None, false) => scope.account_id.clone(),
            };
            let facts =
                AccountFacts { scope: AwsScope::of(region, &id), availability_zones: Some(zones(region)) };
            (name.clone(), facts)
        });
        let accounts = accounts.collect();
        Self { accounts, availability_zones: Some(zones(&stack.region)), scope, others: BTreeMap::new() }
    }
}

/// The time limits that a stack sets for a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeout {
    /// For its creation.
    pub create: Option<Duration>,
    /// For a change.
    pub update: Option<Duration>,
    /// For its deletion.
    pub delete: Option<Duration>,
}

/// One desired resource.
#[derive(Clone)]
pub struct Instance<'a> {
    /// Its address in the stack.
    pub address: Address,
    /// Its kind.
    pub kind: &'static dyn ErasedKind,
    /// Its declaration.
    pub resource: &'a Resource,
    /// The place of its declaration in the tree of modules.
    pub scope: ScopeId,
    /// Its element of `for_each`.
    pub each: Option<Value>,
    /// Its region, and its account if that is not the stack's own.
    pub place: Place,
    /// Its account.
    pub account_id: String,
    /// The desired spec in canonical form; parts may be unknown or secret.
    pub spec: Value,
    /// The desired spec as it is written, so that a path leads to its place in the file.
    pub written: Value,
    /// The desired tags without the owner's; a value may be unknown.
    pub tags: BTreeMap<String, Value>,
    /// The addresses that it refers to. They must exist before it is complete.
    pub needs: BTreeSet<Address>,
    /// The addresses in `needs` that only deferrable attributes refer to (`Kind::DEFERRABLE`), with
    /// these attributes.
    pub soft: BTreeMap<Address, BTreeSet<String>>,
    /// Refuses to delete or replace it.
    pub protect: bool,
    /// Creates the replacement before the old object is deleted.
    pub create_before_destroy: bool,
    /// Keeps it at AWS when it is no longer declared, and when the stack is destroyed.
    pub retain: bool,
    /// How long its steps may take, where the stack says so.
    pub timeout: Timeout,
    /// The beginning of its name, if dwctl generates the rest.
    pub name_prefix: Option<String>,
    /// Its attributes that something in the stack refers to.
    pub referred: Rc<BTreeSet<String>>,
    /// The data that it needs, directly and through other data. What that needs is in [`Self::needs`].
    pub data: BTreeSet<Address>,
    /// The addresses that `depends_on` names; for data alone.
    pub after: BTreeSet<Address>,
}

impl Instance<'_> {
    /// The `each` of its expressions.
    pub(super) fn each_names(&self) -> Option<Value> {
        let value = self.each.clone()?;
        // Without a key, the instance stands for any element.
        let key = self.address.key.clone().map_or_else(|| value.clone(), Value::String);
        Some(Value::map([("key", key), ("value", value)]))
    }

    /// The entries of its `replace_triggered_by`, with its own key.
    pub fn triggers(&self) -> Vec<Reference> {
        let each = self.each_names();
        let triggers = self.resource.lifecycle.replace_triggered_by.iter();
        let within =
            |one: &Reference| each.as_ref().map_or_else(|| one.clone(), |each| one.within(each).into_owned());
        triggers.map(within).collect()
    }

    /// Its account and region.
    pub fn scope(&self) -> AwsScope {
        AwsScope::of(&self.place.region, &self.account_id)
    }

    /// Removes attributes that are set later, known or not.
    pub fn defer(&mut self, attributes: &BTreeSet<&String>) {
        if let Value::Map(spec) = &mut self.spec {
            spec.retain(|name, _| !attributes.contains(name));
        }
    }
}

/// A stack with the values of its variables and of the resources seen so far.
pub struct EvalContext<'a> {
    /// The declarations.
    pub stack: &'a Stack,
    /// Account, region and zones.
    pub facts: Facts,
    /// The time at which this was built, in RFC 3339: the `plantimestamp()` of every expression.
    pub planned_at: String,
    pub(super) variables: BTreeMap<String, Value>,
    pub(super) references: References<'a>,
    /// The `[[import]]` of each address that has one.
    pub(super) imports: BTreeMap<&'a Address, &'a Import>,
    pub(super) order: Vec<usize>,
    pub(super) views: RefCell<Views>,
    pub(super) warnings: RefCell<Vec<Diagnostic>>,
    /// The same, to find each of them.
    pub(super) warned: RefCell<HashSet<Diagnostic>>,
    /// Declarations with a problem. Their values are therefore unknown.
    pub(super) faulty: RefCell<BTreeSet<String>>,
    /// True if the stack has other errors. An undeclared reference may then be a consequence.
    pub(super) has_faults: bool,
    /// Named values that depend on no resource, each in a module instance.
    pub(super) fixed: RefCell<BTreeMap<(usize, ModulePath), Local>>,
    /// The other named values. Each resource that is shown may make more of them known.
    pub(super) changing: RefCell<BTreeMap<(usize, ModulePath), Local>>,
    /// The module instances of each scope that were needed so far, and their number.
    pub(super) paths: RefCell<BTreeMap<ScopeId, Paths>>,
    pub(super) instance_count: Cell<usize>,
    /// The scopes among these whose instances depend on resources.
    pub(super) changing_paths: RefCell<Vec<ScopeId>>,
    /// The needs of each data.
    pub(super) of_data: RefCell<BTreeMap<Address, DataNeeds>>,
    /// Data that is read during the apply.
    pub(super) later: RefCell<BTreeSet<Address>>,
    /// The names whose end dwctl generates.
    pub(super) generated: RefCell<Generated>,
    /// The place of what each module instance declares.
    pub(super) homes: RefCell<BTreeMap<ModulePath, Place>>,
    /// The remaining budget of the pass that [`EvalContext::declarations`] began.
    pub(super) budget: Budget,
}

/// The needs of data.
#[derive(Clone, Default)]
pub(super) struct DataNeeds {
    /// The resources, directly and through other data.
    pub(super) needs: BTreeSet<Address>,
    /// The other data.
    pub(super) data: BTreeSet<Address>,
    /// See [`Instance::after`].
    pub(super) after: BTreeSet<Address>,
}

/// The id of a resource, which may have a generated name.
#[derive(Clone, Debug)]
pub struct KnownName {
    /// The id.
    pub id: String,
    /// The `name_prefix` that it was made with, if that is known.
    pub prefix: Option<String>,
}

/// The names of the ledger.
#[derive(Default)]
pub(super) struct Generated {
    /// The id of each address that has one.
    pub(super) ids: BTreeMap<Address, KnownName>,
    /// Addresses that get a new name.
    pub(super) renewed: BTreeSet<Address>,
}

/// An evaluated local or another named value.
pub(super) struct Local {
    pub(super) value: Result<Value, Diagnostic>,
    /// The bytes of the budget that it holds.
    pub(super) bytes: u64,
}

/// The instances of a module's block, in all modules that it is in.
#[derive(Clone)]
pub(super) struct Paths {
    pub(super) list: Rc<[ModulePath]>,
    /// True if there are more than the limit.
    pub(super) too_many: bool,
}
