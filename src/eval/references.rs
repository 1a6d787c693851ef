//! The references between declarations, found in the files before anything is evaluated.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::view::View;
use crate::diag::{Diagnostic, Span, nearest};
use crate::elsewhere;
use crate::graph::{self, Address};
use crate::kinds;
use crate::lang::{Reference, Step, descend};
use crate::stack::{Condition, Node, Resource, Stack};
use crate::value::Value;

/// The roots of references that are not kinds.
const ROOTS: [&str; 7] = ["var", "local", "env", "stack", "aws", "each", "path"];

/// The references of every declaration: to which instances of which declarations, and where they are
/// written. Also the attributes that anything refers to.
pub(super) struct References {
    targets: Vec<Vec<Target>>,
    referred: Vec<Rc<BTreeSet<String>>>,
    /// Edges of cycles that are left out of the order of evaluation.
    deferred: BTreeSet<(usize, usize)>,
    indices: BTreeMap<String, usize>,
    locals: BTreeMap<String, Local>,
}

/// A local as it is written.
struct Local {
    /// The declarations that it refers to directly.
    targets: Vec<Target>,
    /// The locals that it refers to directly.
    needs: Vec<String>,
    /// True if it refers to a declaration, directly or through other locals.
    changes: bool,
}

#[derive(Clone, Debug)]
struct Target {
    index: usize,
    which: Which,
    sees: Sees,
    span: Span,
    /// The attribute that contains the reference, if that can be set after both exist.
    deferrable: Option<String>,
}

/// The instances of its target that a reference uses.
#[derive(Clone, Debug)]
enum Which {
    All,
    Key(String),
    /// The instance whose key is this part of the referring one's `each`.
    Each(Rc<Reference>),
}

impl Which {
    /// The key of the only instance; `None` if there may be others.
    fn key(&self, each: Option<&Value>) -> Option<String> {
        match self {
            Self::All => None,
            Self::Key(key) => Some(key.clone()),
            Self::Each(part) => match descend(each?, part, 0) {
                (Value::String(key), taken) if taken == part.steps.len() => Some(key),
                (Value::Number(key), taken) if taken == part.steps.len() => Some(key.to_string()),
                _ => None,
            },
        }
    }
}

/// The parts of its target that a reference uses.
#[derive(Clone, Debug)]
enum Sees {
    /// Only the order.
    Nothing,
    Attribute(String),
    /// Attributes that only evaluation reveals.
    Everything,
}

/// Every reference in the stack.
pub(super) fn all(stack: &Stack) -> Vec<Reference> {
    let mut nodes: Vec<&Node> = stack.root.locals.values().map(|entry| &entry.value).collect();
    nodes.extend(stack.root.outputs.values().map(|output| &output.value));
    nodes.extend(&stack.tags);
    nodes.extend(stack.imports.iter().map(|import| &import.id));
    nodes.extend(stack.root.resources.iter().flat_map(nodes_of));
    let conditions = stack.root.outputs.values().flat_map(|output| &output.preconditions);
    let conditions = conditions.chain(stack.root.checks.values().flatten());
    let of_resources =
        stack.root.resources.iter().flat_map(|one| one.preconditions.iter().chain(&one.postconditions));
    let conditions = conditions.chain(of_resources).flat_map(Condition::references);
    nodes.into_iter().flat_map(Node::references).chain(conditions).collect()
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
        .chain(&lifecycle.protect)
        .chain(&lifecycle.create_before_destroy)
        .chain(&lifecycle.retain)
        .chain(&resource.timeout)
        .chain(&resource.name_prefix)
}

impl References {
    /// Resolves every reference. Those that cannot be resolved are left out and returned as errors.
    pub(super) fn of(stack: &Stack) -> (Self, Vec<Diagnostic>) {
        let mut linker = Linker {
            stack,
            declared: stack
                .root
                .resources
                .iter()
                .enumerate()
                .map(|(index, one)| (one.address(), index))
                .collect(),
            locals: BTreeMap::new(),
            visits: 0,
            problems: Vec::new(),
        };
        for (name, entry) in &stack.root.locals {
            let local = linker.local(&entry.value);
            linker.locals.insert(name.clone(), local);
        }
        linker.order_locals();
        let shared = stack.tags.as_ref().map(|tags| linker.targets(&tags.references())).unwrap_or_default();
        let mut targets = Vec::new();
        let mut seen_as_self = Vec::new();
        let mut count = 0;
        for resource in &stack.root.resources {
            let mut own = shared.clone();
            let deferrable = kinds::kind(&resource.kind).map(|kind| kind.deferrable()).unwrap_or_default();
            for entry in resource.body.entries() {
                let deferrable = deferrable.contains(&entry.name.as_str()).then(|| entry.name.clone());
                let found = linker.targets(&entry.value.references());
                own.extend(
                    found.into_iter().map(|target| Target { deferrable: deferrable.clone(), ..target }),
                );
            }
            for node in settings_of(resource) {
                let mut found = linker.targets(&node.references());
                // Each instance has its own element of another declaration's instances.
                if let (Some(for_each), [all]) = (&resource.for_each, found.as_mut_slice())
                    && std::ptr::eq(node, for_each)
                    && node.reference().is_some_and(|whole| whole.root != "local" && whole.steps.len() == 1)
                {
                    all.which = Which::Each(Rc::new(Reference {
                        root: "each".to_owned(),
                        steps: vec![Step::Attribute("key".to_owned())],
                        span: node.span,
                    }));
                }
                own.extend(found);
            }
            let (own_needs, own_views) = linker.conditions(resource, targets.len());
            own.extend(own_needs);
            seen_as_self.extend(own_views);
            for (address, span) in &resource.depends_on {
                own.extend(linker.written_address(address, *span));
            }
            for trigger in &resource.lifecycle.replace_triggered_by {
                own.extend(linker.trigger(trigger));
            }
            count += own.len();
            if count > MAX || linker.visits > MAX_VISITS {
                linker.problems.push(
                    Diagnostic::error("too-many", format!("the stack has more than {MAX} references"))
                        .at(resource.span, "the limit is reached here")
                        .help("locals count with everything that they refer to"),
                );
                break;
            }
            targets.push(own);
        }
        let mut all: Vec<Target> = targets.iter().flatten().cloned().collect();
        all.extend(seen_as_self);
        for output in stack.root.outputs.values() {
            all.extend(linker.targets(&output.value.references()));
        }
        let of_outputs = stack.root.outputs.values().flat_map(|output| &output.preconditions);
        for condition in of_outputs.chain(stack.root.checks.values().flatten()) {
            all.extend(linker.targets(&condition.references()));
        }
        for import in &stack.imports {
            linker.targets(&import.id.references());
            linker.written_address(&import.to.to_string(), import.span);
        }
        // Only the end of a chain of moves must be declared.
        let left: BTreeSet<&Address> = stack.moved.iter().map(|moved| &moved.from).collect();
        for moved in stack.moved.iter().filter(|moved| !left.contains(&moved.to)) {
            linker.written_address(&moved.to.to_string(), moved.span);
        }
        // Unused locals are evaluated, too.
        all.extend(linker.locals.values().flat_map(|local| &local.targets).cloned());
        let mut referred = vec![BTreeSet::new(); stack.root.resources.len()];
        for target in all {
            match target.sees {
                Sees::Nothing => {}
                Sees::Attribute(name) => drop(referred[target.index].insert(name)),
                Sees::Everything => {
                    let kind = kinds::kind(&stack.root.resources[target.index].kind);
                    let attrs = kind.and_then(|kind| kind.schema().attrs.fields()).into_iter().flatten();
                    referred[target.index].extend(attrs.map(|(name, _)| name.clone()));
                }
            }
        }
        // The linker may have stopped early: the remaining declarations have no targets.
        targets.resize_with(stack.root.resources.len(), Vec::new);
        let references = Self {
            targets,
            referred: referred.into_iter().map(Rc::new).collect(),
            deferred: BTreeSet::new(),
            indices: linker.declared,
            locals: linker.locals,
        };
        (references, linker.problems)
    }

    /// The locals that a local refers to directly.
    pub(super) fn local_needs<'s>(
        &self,
        name: &str,
        stack: &'s Stack,
    ) -> impl Iterator<Item = &'s str> + use<'_, 's> {
        let needs = self.locals.get(name).into_iter().flat_map(|local| &local.needs);
        needs.filter_map(|name| stack.root.locals.get_key_value(name)).map(|(name, _)| name.as_str())
    }

    /// Returns whether the value of a local depends on resources.
    pub(super) fn local_changes(&self, name: &str) -> bool {
        self.locals.get(name).is_none_or(|local| local.changes)
    }

    /// Returns whether the stack declares `kind.name`.
    pub(super) fn declares(&self, declaration: &str) -> bool {
        self.indices.contains_key(declaration)
    }

    /// The attributes of a declaration that something in the stack refers to.
    pub(super) fn referred(&self, resource: &Resource) -> Rc<BTreeSet<String>> {
        let index = self.indices.get(&resource.address());
        index.and_then(|index| self.referred.get(*index)).cloned().unwrap_or_default()
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

    /// The instances that one with this `each` needs, among those seen so far. Also, for instances that
    /// only deferrable attributes refer to, these attributes.
    pub(super) fn needs(
        &self,
        stack: &Stack,
        resource: &Resource,
        each: Option<&Value>,
        views: &BTreeMap<String, View>,
    ) -> (BTreeSet<Address>, BTreeMap<Address, BTreeSet<String>>) {
        let (mut all, mut hard) = (BTreeSet::new(), BTreeSet::new());
        let mut soft: BTreeMap<Address, BTreeSet<String>> = BTreeMap::new();
        let Some(&index) = self.indices.get(&resource.address()) else { return (all, soft) };
        for target in &self.targets[index] {
            let mut needs = BTreeSet::new();
            let needed = &stack.root.resources[target.index];
            let address = |key| Address::new(&*needed.kind, &*needed.name, key);
            match views.get(&needed.address()) {
                Some(View::Each(all)) => match (&target.which, target.which.key(each)) {
                    // An element of its own may be missing, as in `try(x[each.key].arn, null)`.
                    (Which::Each(_), Some(key)) if !all.contains_key(&key) => {}
                    (_, Some(key)) => drop(needs.insert(address(Some(key)))),
                    (_, None) => needs.extend(all.keys().map(|key| address(Some(key.clone())))),
                },
                Some(View::One(_)) => {
                    needs.insert(address(None));
                }
                Some(View::Off) | None => {}
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
        (all, soft)
    }

    pub(super) fn cycle(&self, stack: &Stack, cycle: &[usize]) -> Diagnostic {
        let name = |index: usize| stack.root.resources[index].address();
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

/// Maximum number of steps shown of a cycle.
const LONGEST_WAY: usize = 20;

/// `a → b → a`; a very long cycle is shortened in the middle.
fn way(names: &[&str]) -> String {
    if names.len() <= LONGEST_WAY {
        return names.join(" → ");
    }
    let (start, end) = (&names[..LONGEST_WAY / 2], &names[names.len() - LONGEST_WAY / 2..]);
    let between = names.len() - LONGEST_WAY;
    format!("{} → … {between} more … → {}", start.join(" → "), end.join(" → "))
}

/// Maximum number of references of all declarations, those through locals included.
const MAX: usize = 1_000_000;
/// Maximum number of locals visited to find them.
const MAX_VISITS: usize = 4_000_000;

struct Linker<'a> {
    stack: &'a Stack,
    declared: BTreeMap<String, usize>,
    locals: BTreeMap<String, Local>,
    /// The number of locals visited for all declarations together.
    visits: usize,
    problems: Vec<Diagnostic>,
}

impl Linker<'_> {
    /// The direct references of a local.
    fn local(&mut self, value: &Node) -> Local {
        let (mut targets, mut needs) = (Vec::new(), Vec::new());
        self.direct(&value.references(), &mut targets, &mut |name, _| needs.push(name.to_owned()));
        needs.sort();
        needs.dedup();
        let changes = !targets.is_empty();
        Local { targets, needs, changes }
    }

    /// Finds the locals that depend on declarations, and refuses cycles. Works without recursion,
    /// because a chain of locals can have tens of thousands of links.
    fn order_locals(&mut self) {
        let names: Vec<String> = self.locals.keys().cloned().collect();
        let mut done: BTreeSet<String> = BTreeSet::new();
        for name in names {
            if done.contains(&name) {
                continue;
            }
            // The current path, each local with the number of its needs that were visited.
            let mut path: Vec<(String, usize)> = vec![(name.clone(), 0)];
            let mut open: BTreeSet<String> = BTreeSet::from([name]);
            while let Some((name, at)) = path.last_mut() {
                let needed = self.locals.get(name.as_str()).and_then(|local| local.needs.get(*at)).cloned();
                *at += 1;
                let name = name.clone();
                match needed {
                    Some(needed) if done.contains(&needed) => self.changes_with(&name, &needed),
                    Some(needed) if open.contains(&needed) => {
                        let start = path.iter().position(|(one, _)| *one == needed).unwrap_or_default();
                        let round: Vec<&str> = path
                            .iter()
                            .skip(start)
                            .map(|(one, _)| one.as_str())
                            .chain([needed.as_str()])
                            .collect();
                        let entry = self.stack.root.locals.get(&needed);
                        let problem =
                            Diagnostic::error("cycle", format!("locals need each other: {}", way(&round)));
                        let span = entry.map(|entry| entry.span);
                        self.problems.push(problem.at_maybe(span, "part of the cycle"));
                    }
                    Some(needed) => {
                        open.insert(needed.clone());
                        path.push((needed, 0));
                    }
                    None => {
                        path.pop();
                        open.remove(&name);
                        if let Some((above, _)) = path.last() {
                            let above = above.clone();
                            self.changes_with(&above, &name);
                        }
                        done.insert(name);
                    }
                }
            }
        }
    }

    fn changes_with(&mut self, name: &str, needed: &str) {
        let changes = self.locals.get(needed).is_some_and(|needed| needed.changes);
        if let Some(local) = self.locals.get_mut(name) {
            local.changes |= changes;
        }
    }

    /// The targets of references, directly and through locals.
    fn targets(&mut self, references: &[Reference]) -> Vec<Target> {
        let (mut targets, mut open) = (Vec::new(), Vec::new());
        self.direct(references, &mut targets, &mut |name, span| open.push((name.to_owned(), span)));
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut found: BTreeSet<(usize, Option<&str>, Option<&str>)> = BTreeSet::new();
        let mut open: Vec<(&str, Span)> =
            open.iter().map(|(name, span)| (name.as_str(), *span)).rev().collect();
        let mut by_locals = Vec::new();
        while let Some((name, span)) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            self.visits += 1;
            if self.visits > MAX_VISITS {
                break;
            }
            let Some(local) = self.locals.get(name) else { continue };
            for target in local.targets.iter().filter(|_| local.changes) {
                let sees = match &target.sees {
                    Sees::Attribute(name) => Some(name.as_str()),
                    Sees::Nothing | Sees::Everything => None,
                };
                // No local sees `each`.
                let key = match &target.which {
                    Which::Key(key) => Some(key.as_str()),
                    Which::All | Which::Each(_) => None,
                };
                if found.insert((target.index, key, sees)) {
                    by_locals.push(Target { span, ..target.clone() });
                }
            }
            let needs = local.needs.iter().filter(|_| local.changes);
            open.extend(needs.rev().map(|name| (name.as_str(), span)));
        }
        targets.extend(by_locals);
        targets
    }

    /// The targets of a resource's conditions: the declarations that they need, and the resource itself
    /// for what postconditions see as `self`.
    fn conditions(&mut self, resource: &Resource, index: usize) -> (Vec<Target>, Vec<Target>) {
        let (mut needs, mut own) = (Vec::new(), Vec::new());
        let before = resource.preconditions.iter().map(|one| (one, false));
        for (condition, after) in before.chain(resource.postconditions.iter().map(|one| (one, true))) {
            let (selves, others): (Vec<Reference>, Vec<Reference>) =
                condition.references().into_iter().partition(|one| after && one.root == "self");
            own.extend(selves.into_iter().map(|one| Target {
                index,
                which: Which::All,
                sees: one.name(0).map_or(Sees::Everything, |name| Sees::Attribute(name.to_owned())),
                span: one.span,
                deferrable: None,
            }));
            for target in self.targets(&others) {
                if target.index != index {
                    needs.push(target);
                    continue;
                }
                let what = format!("a condition of `{}` refers to that resource", resource.address());
                let error = Diagnostic::error("cycle", what).at(target.span, "refers to itself");
                self.problems.push(if after {
                    error.help("write self.ATTRIBUTE")
                } else {
                    error.help("a precondition is checked before it exists: use a postcondition, and write self.ATTRIBUTE")
                });
            }
        }
        (needs, own)
    }

    /// The direct targets of references. Locals among them are passed to `local`.
    fn direct(
        &mut self,
        references: &[Reference],
        targets: &mut Vec<Target>,
        local: &mut dyn FnMut(&str, Span),
    ) {
        for reference in references {
            if reference.root == "local" {
                if let Some(name) = reference.name(0) {
                    if self.stack.root.locals.contains_key(name) {
                        local(name, reference.span);
                    } else {
                        let near = nearest(name, self.stack.root.locals.keys().map(String::as_str));
                        self.unknown("local", name, near, reference.span);
                    }
                }
            } else if reference.root == "var" {
                if let Some(name) = reference.name(0)
                    && !self.stack.root.variables.contains_key(name)
                {
                    let near = nearest(name, self.stack.root.variables.keys().map(String::as_str));
                    self.unknown("variable", name, near, reference.span);
                }
            } else if kinds::kind(&reference.root).is_some() {
                targets.extend(self.resource(reference));
            } else if reference.root == "self" {
                self.problems.push(
                    Diagnostic::error("invalid-reference", "`self` is known in postconditions alone")
                        .at(reference.span, "there is no `self` here")
                        .help("for the key or the value of a `for_each`, write each.key or each.value"),
                );
            } else if !ROOTS.contains(&reference.root.as_str()) {
                let error =
                    Diagnostic::error("unknown-name", format!("nothing is named `{}` here", reference.root));
                let near = self.meant(reference);
                self.problems.push(if near.is_empty() {
                    error.at(reference.span, "neither a kind nor var, local, env, stack, aws, each or path")
                } else {
                    error.at(reference.span, elsewhere::did_you_mean(&near))
                });
            }
        }
    }

    /// Suggestions for an unresolved reference: a root, a kind, or something declared.
    fn meant(&self, reference: &Reference) -> Vec<String> {
        let root = reference.root.as_str();
        let second = reference.name(0).unwrap_or_default();
        let fixed = match (root, second) {
            ("locals", _) => "local",
            ("variable" | "variables" | "vars" | "param" | "parameter" | "parameters", _) => "var",
            ("data", "aws_caller_identity") => "aws.account_id",
            ("data", "aws_region") => "aws.region",
            ("data", "aws_partition") => "aws.partition",
            ("account_id" | "account", _) => "aws.account_id",
            ("region", _) => "aws.region",
            ("partition", _) => "aws.partition",
            ("terraform", _) | ("environment" | "workspace" | "stage", _) => "env",
            ("count", _) | ("key" | "value" | "item", _) => "each",
            _ => "",
        };
        if !fixed.is_empty() {
            return vec![fixed.to_owned()];
        }
        if let Some(near) = nearest(root, ROOTS).filter(|near| strsim::osa_distance(root, near) == 1) {
            return vec![near.to_owned()];
        }
        let known = [
            ("var", self.stack.root.variables.contains_key(root)),
            ("local", self.stack.root.locals.contains_key(root)),
        ];
        if let Some((place, _)) = known.into_iter().find(|(_, is)| *is) {
            return vec![format!("{place}.{root}")];
        }
        let named = |address: &&String| address.split_once('.').is_some_and(|(_, name)| name == root);
        let declared: Vec<String> = self.declared.keys().filter(named).take(3).cloned().collect();
        if !declared.is_empty() {
            return declared;
        }
        elsewhere::kinds_like(root)
    }

    fn resource(&mut self, reference: &Reference) -> Option<Target> {
        let Some(name) = reference.name(0) else {
            self.problems.push(
                Diagnostic::error("invalid-reference", format!("`{reference}` names a kind, not a resource"))
                    .at(reference.span, format!("write {}.NAME.ATTRIBUTE", reference.root)),
            );
            return None;
        };
        let address = format!("{}.{name}", reference.root);
        let Some(&index) = self.declared.get(&address) else {
            self.unknown_resource(&address, reference.span);
            return None;
        };
        let which = match (self.stack.root.resources[index].for_each.is_some(), reference.steps.get(1)) {
            (true, Some(Step::Index(Value::String(key)) | Step::Attribute(key))) => Which::Key(key.clone()),
            (true, Some(Step::Each(part))) => Which::Each(Rc::new(part.as_ref().clone())),
            _ => Which::All,
        };
        let is_one = !matches!(which, Which::All);
        let sees = match reference.name(if is_one { 2 } else { 1 }) {
            Some(name) if is_one || self.stack.root.resources[index].for_each.is_none() => {
                Sees::Attribute(name.to_owned())
            }
            _ => Sees::Everything,
        };
        Some(Target { index, which, sees, span: reference.span, deferrable: None })
    }

    /// The target of an entry of `replace_triggered_by`.
    fn trigger(&mut self, reference: &Reference) -> Option<Target> {
        let Some(kind) = kinds::kind(&reference.root) else {
            let near = elsewhere::kinds_like(&reference.root);
            let error = Diagnostic::error("invalid-reference", format!("`{reference}` is not a resource"));
            self.problems.push(if near.is_empty() || ROOTS.contains(&reference.root.as_str()) {
                error.at(reference.span, "expected KIND.NAME or KIND.NAME.ATTRIBUTE")
            } else {
                error.at(reference.span, elsewhere::did_you_mean(&near))
            });
            return None;
        };
        let target = self.resource(reference)?;
        let is_each = self.stack.root.resources[target.index].for_each.is_some();
        let attribute = reference.name(if is_each { 2 } else { 1 });
        let of = |schema: &crate::schema::Node, name: &str| {
            schema.fields().is_some_and(|fields| fields.contains_key(name))
        };
        if let Some(name) = attribute
            && name != "tags"
            && !of(&kind.schema().spec, name)
            && !of(&kind.schema().attrs, name)
        {
            let what = format!("{} has no attribute `{name}`", reference.root);
            let near = elsewhere::attributes_like(kind, "", name);
            let error = Diagnostic::error("unknown-attribute", what);
            let error = match near.is_empty() {
                true => error.at(reference.span, "no such attribute"),
                false => error.at(reference.span, elsewhere::did_you_mean(&near)),
            };
            self.problems.push(error.help(format!("dwctl explain {}", reference.root)));
            return None;
        }
        Some(Target { sees: Sees::Nothing, ..target })
    }

    fn written_address(&mut self, text: &str, span: Span) -> Option<Target> {
        let address: Result<Address, _> = text.parse();
        match address {
            Ok(address) => match self.declared.get(&address.declaration()) {
                Some(&index) => {
                    let which = address.key.map_or(Which::All, Which::Key);
                    Some(Target { index, which, sees: Sees::Nothing, span, deferrable: None })
                }
                None => {
                    self.unknown_resource(&address.declaration(), span);
                    None
                }
            },
            Err(message) => {
                self.problems
                    .push(Diagnostic::error("invalid-reference", message).at(span, "expected an address"));
                None
            }
        }
    }

    fn unknown_resource(&mut self, address: &str, span: Span) {
        let near = nearest(address, self.declared.keys().map(String::as_str)).map(str::to_owned);
        self.unknown("resource", address, near.as_deref(), span);
    }

    fn unknown(&mut self, what: &str, name: &str, near: Option<&str>, span: Span) {
        // It is declared, and why it could not be read was already reported.
        if self.stack.root.unread.contains(what) || self.stack.root.unread.contains(name) {
            return;
        }
        let error = Diagnostic::error("unknown-reference", format!("the stack has no {what} `{name}`"));
        self.problems.push(match near {
            Some(near) => error.at(span, format!("did you mean `{near}`?")),
            None => error.at(span, "not declared"),
        });
    }
}
