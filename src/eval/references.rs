//! The references between declarations, found in the files before anything is evaluated.
//!
//! A local, an input of a module and an output of one have no place in the order of declarations: a
//! reference to one of them counts as references to all that it refers to. So a resource waits only for
//! the resources whose values reach it, through whichever modules they come.

mod linker;
mod model;
mod which;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::scopes::{Declaration, ScopeId, Scopes, static_name};
use super::view::View;
use crate::diag::Diagnostic;
use crate::graph::{self, Address, ModulePath, Place};
use crate::kinds;
use crate::lang::Reference;
use crate::stack::{Condition, Module, Node, Resource, Stack};

use linker::Linker;
use model::{LONGEST_WAY, MAX, MAX_VISITS, Sees, Target, way};
pub(super) use model::{Named, Names, Need, What};
pub(super) use which::{EachValues, Which};

/// The views of declarations in module instances.
pub(super) type Views = BTreeMap<(usize, ModulePath), View>;

/// The references of every declaration: to which instances of which declarations, and where they are
/// written. Also the attributes that anything refers to.
pub(super) struct References<'a> {
    pub(super) scopes: Scopes<'a>,
    declared: Vec<Declaration<'a>>,
    targets: Vec<Vec<Target>>,
    referred: Vec<Rc<BTreeSet<String>>>,
    /// Edges of cycles that are left out of the order of evaluation.
    deferred: BTreeSet<(usize, usize)>,
    indices: BTreeMap<String, usize>,
    values: Vec<Named<'a>>,
    names: Vec<Names<'a>>,
}

/// Every reference in the stack and in its modules.
pub(super) fn all(stack: &Stack) -> Vec<Reference> {
    let mut nodes: Vec<&Node> = Vec::new();
    nodes.extend(&stack.tags);
    nodes.extend(stack.imports.iter().map(|import| &import.id));
    let mut conditions: Vec<Reference> = Vec::new();
    for module in stack.folders() {
        nodes.extend(module.locals.values().map(|entry| &entry.value));
        nodes.extend(module.outputs.values().map(|output| &output.value));
        nodes.extend(module.declared().flat_map(nodes_of));
        for call in module.calls.values() {
            nodes.extend(call.settings().chain(call.inputs.values().map(|entry| &entry.value)));
        }
        let of_resources = module.declared();
        let of_resources = of_resources.flat_map(|one| one.preconditions.iter().chain(&one.postconditions));
        conditions.extend(of_resources.chain(conditions_of(module)).flat_map(Condition::references));
    }
    nodes.into_iter().flat_map(Node::references).chain(conditions).collect()
}

/// The conditions of a module besides those of its resources.
fn conditions_of(module: &Module) -> impl Iterator<Item = &Condition> {
    let of_outputs = module.outputs.values().flat_map(|output| &output.preconditions);
    of_outputs.chain(module.checks.values().flatten())
}

fn nodes_of(resource: &Resource) -> impl Iterator<Item = &Node> {
    let attributes = resource.body.entries().iter().map(|entry| &entry.value);
    attributes.chain(settings_of(resource))
}

/// The settings of a resource besides its attributes.
fn settings_of(resource: &Resource) -> impl Iterator<Item = &Node> {
    let lifecycle = &resource.lifecycle;
    resource
        .tags
        .iter()
        .chain(&resource.for_each)
        .chain(&resource.when)
        .chain(&resource.region)
        .chain(&resource.account)
        .chain(&lifecycle.protect)
        .chain(&lifecycle.create_before_destroy)
        .chain(&lifecycle.retain)
        .chain(&resource.timeout)
        .chain(&resource.name_prefix)
}

/// The instances that another one needs.
pub(super) struct InstanceNeeds {
    pub(super) all: BTreeSet<Address>,
    /// Those that only deferrable attributes refer to, with these attributes.
    pub(super) soft: BTreeMap<Address, BTreeSet<String>>,
    /// Those that `depends_on` names, of the declaration or of a module that it is in.
    pub(super) after: BTreeSet<Address>,
}

impl<'a> References<'a> {
    /// Resolves every reference. Those that cannot be resolved are left out and returned as errors.
    pub(super) fn of(stack: &'a Stack) -> (Self, Vec<Diagnostic>) {
        let mut linker = Linker::new(stack);
        linker.values();
        let tags = stack.tags.as_ref().map(|tags| linker.tags(tags)).unwrap_or_default();
        let shared: Vec<Vec<Target>> = linker.shared();
        let mut targets = Vec::new();
        let mut seen_as_self = Vec::new();
        let mut count = 0;
        for declaration in linker.declared.clone() {
            let (scope, resource) = (declaration.scope, declaration.resource);
            // Data has no tags of the stack.
            let mut own = if resource.is_data { Vec::new() } else { tags.clone() };
            own.extend(shared[scope.0].iter().cloned());
            let deferrable = kinds::kind(&resource.kind).map(|kind| kind.deferrable()).unwrap_or_default();
            for entry in resource.body.entries() {
                let deferrable = deferrable.contains(&entry.name.as_str()).then(|| entry.name.clone());
                let found = linker.targets(&entry.value.references(), scope);
                own.extend(
                    found.into_iter().map(|target| Target { deferrable: deferrable.clone(), ..target }),
                );
            }
            for node in settings_of(resource) {
                let mut found = linker.targets(&node.references(), scope);
                // Each instance has its own element of another declaration's instances.
                if let (Some(for_each), [all]) = (&resource.for_each, found.as_mut_slice())
                    && std::ptr::eq(node, for_each)
                    && node
                        .reference()
                        .is_some_and(|whole| kinds::kind(&whole.root).is_some() && whole.steps.len() == 1)
                {
                    all.which = Which::each_key(node.span);
                }
                own.extend(found);
            }
            let (own_needs, own_views) = linker.conditions(declaration);
            own.extend(own_needs);
            seen_as_self.extend(own_views);
            for (address, span) in &resource.depends_on {
                own.extend(linker.written_address(address, *span, scope));
            }
            for trigger in &resource.lifecycle.replace_triggered_by {
                own.extend(linker.trigger(trigger, scope));
            }
            count += own.len();
            if count > MAX || linker.visits > MAX_VISITS {
                linker.problems.push(
                    Diagnostic::error("too-many", format!("the stack has more than {MAX} references"))
                        .at(resource.span, "the limit is reached here")
                        .help("locals and modules count with everything that they refer to"),
                );
                break;
            }
            targets.push(own);
        }
        for scope in linker.scopes.ids() {
            for condition in conditions_of(linker.scopes.get(scope).module) {
                seen_as_self.extend(linker.targets(&condition.references(), scope));
            }
        }
        let root = ScopeId::default();
        for import in &stack.imports {
            linker.targets(&import.id.references(), root);
            linker.written_address(&import.to.to_string(), import.span, root);
        }
        // Only the end of a chain of moves must be declared.
        let left: BTreeSet<(&[String], &Place)> =
            stack.moved.iter().map(|moved| (moved.within.as_slice(), &moved.from)).collect();
        for moved in stack.moved.iter().filter(|moved| !left.contains(&(moved.within.as_slice(), &moved.to)))
        {
            if let Some(scope) = linker.scopes.at(&moved.module()) {
                linker.written_address(&moved.to.to_string(), moved.span, scope);
            }
        }
        // Unused named values are evaluated, too.
        let seen = targets.iter().flatten().chain(&seen_as_self).map(|target| (target.index, &target.sees));
        let seen = seen.chain(
            linker.values.iter().flat_map(|value| &value.targets).map(|target| (target.index, &target.sees)),
        );
        let mut referred = vec![BTreeSet::new(); linker.declared.len()];
        for (index, sees) in seen {
            match sees {
                Sees::Nothing => {}
                Sees::Attribute(name) => {
                    if !referred[index].contains(name) {
                        referred[index].insert(name.clone());
                    }
                }
                Sees::Everything => {
                    let resource = linker.declared[index].resource;
                    let schema =
                        kinds::of_declaration(&resource.kind, resource.is_data).map(|kind| kind.schema());
                    let attrs = schema.and_then(|schema| schema.attrs.fields()).into_iter().flatten();
                    referred[index].extend(attrs.map(|(name, _)| name.clone()));
                    // A resource knows its settings without this.
                    let spec = schema.filter(|_| resource.is_data).and_then(|schema| schema.spec.fields());
                    referred[index].extend(spec.into_iter().flatten().map(|(name, _)| name.clone()));
                    referred[index].extend(resource.is_data.then(|| "tags".to_owned()));
                }
            }
        }
        // The linker may have stopped early: the remaining declarations have no targets.
        targets.resize_with(linker.declared.len(), Vec::new);
        let references = Self {
            targets,
            referred: referred.into_iter().map(Rc::new).collect(),
            deferred: BTreeSet::new(),
            scopes: linker.scopes,
            declared: linker.declared,
            indices: linker.indices,
            values: linker.values,
            names: linker.names,
        };
        (references, linker.problems)
    }

    /// The named value at a place.
    pub(super) fn value(&self, at: usize) -> &Named<'a> {
        &self.values[at]
    }

    /// The named values that one refers to directly.
    pub(super) fn needs_of(&self, value: usize) -> &[Need] {
        &self.values[value].needs
    }

    /// The declarations that outputs of the stack refer to, directly and through others.
    pub(super) fn reached<'k>(&self, outputs: impl Iterator<Item = &'k str>) -> BTreeSet<usize> {
        let own = &self.names[ScopeId::default().0].outputs;
        let mut open: Vec<usize> = outputs.filter_map(|name| own.get(name)).copied().collect();
        let (mut seen, mut reached) = (BTreeSet::new(), BTreeSet::new());
        let mut declarations = Vec::new();
        while let Some(value) = open.pop() {
            if seen.insert(value) {
                let value = &self.values[value];
                declarations.extend(value.targets.iter().map(|target| target.index));
                open.extend(value.needs.iter().map(|need| need.value));
            }
        }
        while let Some(index) = declarations.pop() {
            if reached.insert(index) {
                declarations.extend(self.targets[index].iter().map(|target| target.index));
            }
        }
        reached
    }

    /// The named values of a scope.
    pub(super) fn names(&self, scope: ScopeId) -> &Names<'a> {
        &self.names[scope.0]
    }

    /// Returns whether the stack declares `kind.name`, or `module.lake.kind.name`.
    pub(super) fn declares(&self, declaration: &str) -> bool {
        self.indices.contains_key(declaration)
    }

    /// The declaration of an address.
    pub(super) fn declaration(&self, address: &Address) -> Option<Declaration<'a>> {
        self.at(self.indices.get(&static_name(address)).copied()?)
    }

    /// The place of `kind.name` in a scope.
    pub(super) fn index(&self, scope: ScopeId, kind: &str, name: &str) -> Option<usize> {
        let prefix = &self.scopes.get(scope).prefix;
        self.indices.get(&format!("{prefix}{kind}.{name}")).copied()
    }

    /// The declaration at a place.
    pub(super) fn at(&self, index: usize) -> Option<Declaration<'a>> {
        self.declared.get(index).copied()
    }

    /// The name of a declaration without keys: `module.lake.s3_bucket.data`.
    pub(super) fn name(&self, declaration: Declaration<'a>) -> String {
        let Declaration { scope, resource, .. } = declaration;
        format!("{}{}", self.scopes.get(scope).prefix, resource.address())
    }

    /// The attributes of a declaration that something in the stack refers to.
    pub(super) fn referred(&self, declaration: Declaration<'a>) -> Rc<BTreeSet<String>> {
        self.referred.get(declaration.index).cloned().unwrap_or_default()
    }

    /// The declarations, each after those that it refers to. References in deferrable attributes are
    /// ignored if they are part of a cycle.
    ///
    /// # Errors
    /// A cycle of other references.
    pub(super) fn order(&mut self) -> Result<Vec<usize>, Vec<usize>> {
        let (mut hard, mut all) = (BTreeSet::new(), BTreeSet::new());
        for (index, targets) in self.targets.iter().enumerate() {
            for target in targets {
                all.insert((index, target.index));
                if target.deferrable.is_none() {
                    hard.insert((index, target.index));
                }
            }
        }
        let soft = all.difference(&hard).copied().collect();
        self.deferred = graph::relax(self.targets.len(), &hard, &soft)?;
        graph::order(self.targets.len(), &all.difference(&self.deferred).copied().collect())
    }

    /// The declarations that have an edge left out of the order.
    pub(super) fn deferring(&self) -> BTreeSet<usize> {
        self.deferred.iter().map(|(from, _)| *from).collect()
    }

    /// The instances that one in the module at `own` needs, among those seen so far.
    pub(super) fn needs(
        &self,
        declaration: Declaration<'a>,
        own: &ModulePath,
        each: &EachValues<'_>,
        views: &Views,
    ) -> InstanceNeeds {
        let (mut all, mut hard, mut after) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut soft: BTreeMap<Address, BTreeSet<String>> = BTreeMap::new();
        for target in &self.targets[declaration.index] {
            let mut needs = BTreeSet::new();
            let Declaration { scope, resource: needed, .. } = self.declared[target.index];
            let mut take = |path: &ModulePath, view: &View| {
                let address = |key| Address {
                    module: path.clone(),
                    ..Address::new(needed.table(), &*needed.name, key)
                };
                match view {
                    View::Each(all) => match (&target.which, target.which.key(each)) {
                        // An element of its own may be missing, as in `try(x[each.key].arn, null)`.
                        (Which::Each(..), Some(key)) if !all.contains_key(&key) => {}
                        (_, Some(key)) => drop(needs.insert(address(Some(key)))),
                        (_, None) => needs.extend(all.keys().map(|key| address(Some(key.clone())))),
                    },
                    View::One(_) => drop(needs.insert(address(None))),
                    View::Off => {}
                }
            };
            match target.at.path(self.steps(scope).into_iter(), own, each) {
                Some(path) => {
                    let key = (target.index, path);
                    if let Some(view) = views.get(&key) {
                        take(&key.1, view);
                    }
                }
                None => {
                    let from = (target.index, ModulePath::default());
                    let seen = views.range(from..).take_while(|((index, _), _)| *index == target.index);
                    for ((_, path), view) in seen.filter(|((_, path), _)| target.at.includes(path, own, each))
                    {
                        take(path, view);
                    }
                }
            }
            if matches!(target.sees, Sees::Nothing) {
                after.extend(needs.iter().cloned());
            }
            match &target.deferrable {
                Some(attribute) => needs.iter().for_each(|needed| {
                    soft.entry(needed.clone()).or_default().insert(attribute.clone());
                }),
                None => hard.extend(needs.iter().cloned()),
            }
            all.extend(needs);
        }
        soft.retain(|needed, _| !hard.contains(needed));
        InstanceNeeds { all, soft, after }
    }

    /// The names of the modules on the way to a scope.
    fn steps(&self, scope: ScopeId) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut at = scope;
        while let Some((parent, call)) = self.scopes.get(at).called {
            names.push(call.name.as_str());
            at = parent;
        }
        names.reverse();
        names
    }

    pub(super) fn cycle(&self, cycle: &[usize]) -> Diagnostic {
        let name = |index: usize| self.name(self.declared[index]);
        let mut path: Vec<String> = cycle.iter().map(|&index| name(index)).collect();
        path.extend(path.first().cloned());
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut error = Diagnostic::error("cycle", format!("resources need each other: {}", way(&path)));
        for (position, &index) in cycle.iter().enumerate().take(LONGEST_WAY) {
            let next = cycle[(position + 1) % cycle.len()];
            if let Some(target) = self.targets[index].iter().find(|target| target.index == next) {
                let words = format!("{} needs {}", name(index), name(next));
                error =
                    if position == 0 { error.at(target.span, words) } else { error.and(target.span, words) };
            }
        }
        error.help("break the cycle: use a value that both can refer to, such as a local")
    }
}
