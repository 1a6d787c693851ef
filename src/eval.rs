//! Evaluates a stack as far as its resources are known: everything that expressions can see, and
//! the instances that declarations expand to.

mod among;
mod conditions;
mod data;
mod ephemeral;
mod ignored;
mod imports;
mod keys;
mod model;
mod naming;
mod nulls;
mod offline;
mod place;
mod prefix;
mod references;
mod resolve;
mod scopes;
mod settings;
mod tags;
mod timeout;
mod values;
mod view;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::diag::{Diagnostic, Span};
use crate::elsewhere;
use crate::files::Files;
use crate::graph::{Address, ModulePath};
use crate::kind::{ErasedKind, Known, Problem};
use crate::kinds;
use crate::lang::Budget;
use crate::limits;
use crate::schema::{Fault, PathStep, as_written, in_order, normalize, validate};
use crate::stack::{Content, Node, Resource, Stack, still_declared};
use crate::value::{Unknown, Value};

pub use conditions::Judgement;
pub use model::{AccountFacts, EvalContext, Facts, Instance, KnownName, Timeout};
pub use offline::{Write, written};
use references::{EachValues, References};
use resolve::Names;
pub use scopes::{Declaration, ScopeId};
use settings::{to_flag, too_many, undecided};
use view::View;

/// Factor by which the budget of a plan or an apply exceeds that of the check before them.
const WIDE: u64 = 16;

impl<'a> EvalContext<'a> {
    /// Resolves every reference and orders the declarations.
    ///
    /// # Errors
    /// References to something undeclared, and cycles.
    pub fn new(
        stack: &'a Stack,
        facts: Facts,
        variables: BTreeMap<String, Value>,
    ) -> Result<Self, Vec<Diagnostic>> {
        match Self::linked(stack, facts, variables) {
            (Some(eval), problems) if problems.is_empty() => Ok(eval),
            (_, problems) => Err(problems),
        }
    }

    /// As [`EvalContext::new`], but continues after undeclared references, so that other errors are found,
    /// too. Returns all errors; `None` if the declarations have no order.
    fn linked(
        stack: &'a Stack,
        facts: Facts,
        variables: BTreeMap<String, Value>,
    ) -> (Option<Self>, Vec<Diagnostic>) {
        let (mut references, mut problems) = References::of(stack);
        problems.extend(ephemeral::misused(stack));
        // Locals in a cycle must never be evaluated.
        if problems.iter().any(|problem| matches!(problem.code, "cycle" | "too-many")) {
            return (None, problems);
        }
        let order = match references.order() {
            Ok(order) => order,
            Err(cycle) => {
                problems.push(references.cycle(&cycle));
                return (None, problems);
            }
        };
        let eval = Self {
            stack,
            facts,
            planned_at: crate::ledger::now(),
            variables,
            references,
            // The first of several wins.
            imports: stack.imports.iter().rev().map(|import| (&import.to, import)).collect(),
            order,
            views: RefCell::default(),
            warnings: RefCell::default(),
            warned: RefCell::default(),
            faulty: RefCell::default(),
            has_faults: !problems.is_empty(),
            fixed: RefCell::default(),
            changing: RefCell::default(),
            of_data: RefCell::default(),
            later: RefCell::default(),
            generated: RefCell::default(),
            paths: RefCell::default(),
            changing_paths: RefCell::default(),
            homes: RefCell::default(),
            instance_count: Cell::new(0),
            budget: Budget::wide(WIDE),
        };
        (Some(eval), problems)
    }

    /// Finds all errors that can be found without AWS, beyond those found while the stack was read.
    /// Returns errors, warnings, and the number of resources. An error at the place of an earlier one
    /// is its consequence and left out.
    pub fn check(
        stack: &'a Stack,
        variables: BTreeMap<String, Value>,
        found: Vec<Diagnostic>,
    ) -> (Vec<Diagnostic>, Vec<Diagnostic>, usize) {
        let (eval, unlinked) = Self::linked(stack, Facts::offline(stack), variables);
        let mut problems = found;
        let add = |problems: &mut Vec<Diagnostic>, mut more: Vec<Diagnostic>| {
            let place = |one: &Diagnostic| one.primary.as_ref().map(|label| label.span);
            let mut spans: Vec<Span> = problems.iter().filter_map(place).collect();
            spans.sort();
            // For each span, the furthest end of it and the spans before it in its file.
            let mut reach: Vec<usize> = Vec::with_capacity(spans.len());
            for (at, span) in spans.iter().enumerate() {
                let before = at.checked_sub(1).filter(|&before| spans[before].file == span.file);
                reach.push(before.map_or(span.end, |before| reach[before].max(span.end)));
            }
            let is_told = |at: Span| {
                let next = spans.partition_point(|one| (one.file, one.start) < (at.file, at.end));
                next.checked_sub(1).is_some_and(|last| spans[last].file == at.file && reach[last] > at.start)
            };
            more.retain(|one| !place(one).is_some_and(is_told));
            problems.extend(more);
        };
        add(&mut problems, unlinked);
        let Some(mut eval) = eval else { return (problems, Vec::new(), 0) };
        eval.has_faults = !problems.is_empty();
        let mut more = Vec::new();
        let instances = eval.evaluate_all(&mut more);
        let count = instances.len();
        // A plan finds it, too, but not before it has read AWS.
        more.extend(still_declared(stack, instances.iter().map(|one| &one.address)));
        add(&mut problems, more);
        crate::diag::unique(&mut problems);
        (problems, eval.warnings(), count)
    }

    /// The values of the stack's variables.
    pub fn variables(&self) -> &BTreeMap<String, Value> {
        &self.variables
    }

    /// The declarations, each after those it refers to. Those in a reference cycle come a second time
    /// at the end, when the whole cycle has been seen.
    pub fn declarations(&self) -> impl Iterator<Item = Declaration<'a>> + use<'a> {
        self.budget.renew();
        self.forget_all();
        self.faulty.borrow_mut().clear();
        let order = self.order.iter().copied().chain(self.references.deferring());
        let order: Vec<Declaration<'a>> = order.filter_map(|index| self.references.at(index)).collect();
        order.into_iter()
    }

    /// Returns whether any expression uses the availability zones of the region.
    pub fn asks_for_zones(stack: &Stack) -> bool {
        references::all(stack)
            .iter()
            .any(|reference| reference.root == "aws" && reference.name(0) == Some("availability_zones"))
    }

    /// The outputs of other stacks that a stack refers to, each with the place of a reference to it: by the name
    /// of the block, and of the output; an empty name stands for all outputs.
    pub fn asks_of_others(stack: &Stack) -> BTreeMap<String, BTreeMap<String, Span>> {
        let mut asked: BTreeMap<String, BTreeMap<String, Span>> = BTreeMap::new();
        for reference in references::all(stack).iter().filter(|one| one.root == "stack_output") {
            if let Some(name) = reference.name(0) {
                let output = reference.name(1).unwrap_or_default().to_owned();
                asked.entry(name.to_owned()).or_default().entry(output).or_insert(reference.span);
            }
        }
        asked
    }

    /// Of these addresses, those that outputs need: what they refer to, and what that needs.
    pub fn needed_by_outputs<'k>(
        &self,
        outputs: impl Iterator<Item = &'k str>,
        addresses: impl Iterator<Item = &'k Address>,
    ) -> BTreeSet<Address> {
        let reached = self.references.reached(outputs);
        let is_reached = |address: &&Address| {
            self.declaration(address).is_some_and(|declaration| reached.contains(&declaration.index))
        };
        addresses.filter(is_reached).cloned().collect()
    }

    /// Expands a declaration to instances in all instances of its module, with what is known now. The
    /// resources that it refers to must have been [shown](EvalContext::show) before.
    pub fn instances(
        &self,
        declaration: Declaration<'a>,
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<Instance<'a>> {
        // An unknown kind was refused when the stack was read.
        let Some(kind) = kinds::of_declaration(&declaration.resource.kind, declaration.resource.is_data)
        else {
            return Vec::new();
        };
        let mut instances = Vec::new();
        for path in self.paths(declaration.scope).list.iter() {
            let mut found = Vec::new();
            self.instances_in(path, declaration, kind, &mut instances, &mut found);
            problems.extend(found.into_iter().map(|one| self.on_the_way(one, path)));
        }
        instances
    }

    fn instances_in(
        &self,
        path: &ModulePath,
        declaration: Declaration<'a>,
        kind: &'static dyn ErasedKind,
        instances: &mut Vec<Instance<'a>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let Declaration { resource, scope, index } = declaration;
        let place = (index, path.clone());
        let whole = Address { module: path.clone(), ..Address::new(resource.table(), &*resource.name, None) };
        let faulty = || {
            self.faulty.borrow_mut().insert(self.references.name(declaration));
        };
        let names = Names::within(self, scope, path, None);
        if let Some(when) = &resource.when {
            match self.decided("when", "a bool", when, &names, problems, to_flag) {
                Some(true) => {}
                Some(false) => {
                    self.views.borrow_mut().insert(place, View::Off);
                    return;
                }
                // Other errors of the declaration are reported as well.
                None => faulty(),
            }
        }
        let elements = match &resource.for_each {
            None => vec![(None, None)],
            Some(node) => {
                let Some(elements) = self.elements(node, &names, problems) else {
                    // Reports the other errors, as far as they do not depend on it.
                    let unknown = Value::Unknown(Unknown::new(whole.to_string(), ""));
                    faulty();
                    self.views.borrow_mut().insert(place, View::One(unknown.clone()));
                    let blank = self.blank(whole, kind, declaration);
                    self.evaluate(&mut Instance { each: Some(unknown), ..blank }, problems);
                    return;
                };
                elements.into_iter().map(|(key, value)| (Some(key), Some(value))).collect()
            }
        };
        if resource.for_each.is_some() {
            let mut views = self.views.borrow_mut();
            let mut each = match views.remove(&place) {
                Some(View::Each(each)) => each,
                _ => BTreeMap::new(),
            };
            let keys: BTreeSet<&String> = elements.iter().filter_map(|(key, _)| key.as_ref()).collect();
            each.retain(|key, _| keys.contains(key));
            for key in keys {
                // Elements may refer to each other.
                let unknown = || Value::Unknown(Unknown::new(whole.to_string(), ""));
                each.entry(key.clone()).or_insert_with(unknown);
            }
            views.insert(place, View::Each(each));
        }
        let referred = self.references.referred(declaration);
        let module = |depth: usize| {
            let path = ModulePath::of(path.steps().get(..=depth)?.to_vec());
            self.module_each(self.references.scopes.at(&path)?, &path)
        };
        for (key, value) in elements {
            let address = Address { key, ..whole.clone() };
            let mut instance = Instance {
                each: value,
                referred: Rc::clone(&referred),
                ..self.blank(address, kind, declaration)
            };
            let each = instance.each_names();
            let each = EachValues { resource: each.as_ref(), module: &module };
            let needs = self.references.needs(declaration, path, &each, &self.views.borrow());
            self.take_needs(&mut instance, needs);
            if self.evaluate(&mut instance, problems) {
                instances.push(instance);
            } else {
                faulty();
                self.show(&instance.address, Value::Unknown(Unknown::new(instance.address.to_string(), "")));
            }
        }
    }

    /// The declaration of an address.
    pub fn declaration(&self, address: &Address) -> Option<Declaration<'a>> {
        self.references.declaration(address)
    }

    /// The files that an instance reads: those of its module's folder.
    pub fn files(&self, instance: &Instance<'_>) -> &'a Files {
        &self.references.scopes.get(instance.scope).module.files
    }

    /// An instance without evaluated values.
    pub(crate) fn blank(
        &self,
        address: Address,
        kind: &'static dyn ErasedKind,
        declaration: Declaration<'a>,
    ) -> Instance<'a> {
        let place = self.home(&address.module);
        Instance {
            address,
            kind,
            resource: declaration.resource,
            scope: declaration.scope,
            each: None,
            account_id: self.account_id(&place).to_owned(),
            place,
            spec: Value::Null,
            written: Value::Null,
            tags: BTreeMap::new(),
            needs: BTreeSet::new(),
            soft: BTreeMap::new(),
            protect: false,
            create_before_destroy: false,
            retain: false,
            timeout: Timeout::default(),
            name_prefix: None,
            referred: Rc::default(),
            data: BTreeSet::new(),
            after: BTreeSet::new(),
        }
    }

    /// Evaluates the desired values of an instance with what is known now. Returns false if there are
    /// problems.
    pub fn evaluate(&self, instance: &mut Instance<'a>, problems: &mut Vec<Diagnostic>) -> bool {
        if instance.resource.is_data {
            return self.evaluate_data(instance, problems);
        }
        let before = problems.len();
        let resource = instance.resource;
        let names = Names::of(self, instance, instance.each_names());
        let mut is_decided = self.take_place(instance, &names, problems);
        match self.timeout(resource, &names, problems) {
            Some(timeout) => instance.timeout = timeout,
            None => is_decided = false,
        }
        is_decided &= self.check_triggers(instance, &names, problems);
        let mut flag = |node: &Option<Node>, what: &str| {
            let Some(node) = node else { return false };
            let flag = self.decided(what, "a bool", node, &names, problems, to_flag);
            is_decided &= flag.is_some();
            flag.unwrap_or_default()
        };
        instance.protect = flag(&resource.lifecycle.protect, "protect");
        instance.create_before_destroy =
            flag(&resource.lifecycle.create_before_destroy, "create_before_destroy");
        instance.retain = flag(&resource.lifecycle.retain, "retain");
        let mut attributes = BTreeMap::new();
        for entry in resource.body.entries() {
            let found = problems.len();
            let value = entry.value.evaluate(&names, problems);
            // An error in one attribute must not hide those of others.
            let value = if problems.len() > found { self.unknown(instance, &entry.name) } else { value };
            attributes.insert(entry.name.clone(), value);
        }
        is_decided &= self.add_name(instance, &names, &mut attributes, problems);
        let mut spec = Value::Map(attributes);
        let schema = instance.kind.schema();
        if let Err(problem) = instance.kind.derive(&mut spec, self.files(instance)) {
            problems.push(located(problem, resource));
        }
        let written = as_written(&schema.spec, spec.clone());
        spec = normalize(&schema.spec, spec);
        instance.kind.canonical(&mut spec);
        let faults = validate(&schema.spec, &written, &resource.kind);
        // The kind's own rules see this: what does not fit the schema becomes unknown.
        let mut sound = written.clone();
        if let Value::Map(sound) = &mut sound {
            let fields = schema.spec.fields().into_iter().flatten().map(|(name, _)| name);
            for name in fields.filter(|name| schema.spec.requires(name)) {
                sound.entry(name.clone()).or_insert_with(|| self.unknown(instance, name));
            }
            for fault in &faults {
                let Some(PathStep::Name(name)) = fault.path.first() else { continue };
                match schema.spec.fields().is_some_and(|fields| fields.contains_key(name)) {
                    true => drop(sound.insert(name.clone(), self.unknown(instance, name))),
                    false => drop(sound.remove(name)),
                }
            }
        }
        let advised: BTreeSet<String> = faults
            .iter()
            .filter(|fault| fault.code == "unknown-attribute")
            .filter_map(|fault| meant(instance.kind, fault).into_iter().next())
            .collect();
        // An attribute that was written under a wrong name is not reported as missing, too.
        let is_said = |fault: &Fault| {
            let missing = fault.missing.as_ref();
            missing.is_some_and(|missing| {
                let table = elsewhere::dotted(instance.kind, &fault.path);
                advised.contains(&if table.is_empty() {
                    missing.clone()
                } else {
                    format!("{table}.{missing}")
                })
            })
        };
        // A computed name has its own error. It may be meant for what is missing in its table.
        let is_computed = |fault: &Fault| {
            let (table, name) = match (&fault.missing, fault.path.split_last()) {
                (Some(_), _) => (fault.path.as_slice(), None),
                (None, Some((PathStep::Name(name), table))) => (table, Some(name)),
                (None, _) => return false,
            };
            let table = if table.is_empty() { Some(&resource.body) } else { resource.body.find(table) };
            let mut computed = table.into_iter().flat_map(Node::entries).filter(|entry| entry.key.is_some());
            computed.any(|entry| name.is_none_or(|name| *name == entry.name))
        };
        for fault in faults.iter().filter(|fault| !is_said(fault) && !is_computed(fault)).cloned() {
            let key = fault.code == "unknown-attribute";
            let missing = fault.code == "missing-attribute" && fault.path.is_empty();
            let label = if key { elsewhere::advice(instance.kind, &fault.path) } else { fault.label };
            let span = if missing { resource.span } else { resource.body.place(&fault.path, key) };
            let error = Diagnostic::error(fault.code, fault.message).at(span, label);
            let error = of_prefix(error, instance, &fault.path, &written);
            let error = nulls::explain(error, resource.body.find(&fault.path), &names);
            problems.push(error.help(format!("dwctl explain {}", resource.kind)));
        }
        let scope = self.facts.scope.at(&instance.place);
        for path in naming::secrets_in_names(instance.kind, &spec, &scope) {
            let Some(PathStep::Name(name)) = path.first() else { continue };
            problems.push(
                Diagnostic::error("secret-name", format!("`{name}` would show a secret"))
                    .at(
                        resource.body.place(&path, false),
                        "it is part of the resource's name, which is always shown",
                    )
                    .help("use a name that is not secret"),
            );
        }
        instance.written = written;
        self.report(instance.kind.check(Known(&sound)), instance, Some(&names), problems);
        let is_sound = faults.is_empty() && problems.len() == before;
        if is_sound
            && !spec.contains_unknown()
            && let Err(message) = instance.kind.accepts(&spec)
        {
            problems.push(
                Diagnostic::error(
                    "wrong-type",
                    format!("{} is not a valid {}", instance.address, resource.kind),
                )
                .at(resource.span, "")
                .note(message),
            );
        }
        instance.spec = spec;
        instance.tags = self.tags(instance, &names, problems);
        is_decided && faults.is_empty() && problems.len() == before
    }

    /// The unknown value of an attribute.
    fn unknown(&self, instance: &Instance<'_>, attribute: &str) -> Value {
        Value::unknown(instance.address.to_string(), attribute)
    }

    /// Adds the findings of a kind to the problems or to the warnings.
    fn report(
        &self,
        found: Vec<Problem>,
        instance: &Instance<'_>,
        names: Option<&Names<'_, '_>>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let resource = instance.resource;
        for problem in found {
            let (path, warning) = (path_of(&problem.path), problem.warning);
            let mut diagnostic = located(problem, resource);
            diagnostic = of_prefix(diagnostic, instance, &path, &instance.written);
            if let Some(names) = names {
                diagnostic = nulls::explain(diagnostic, resource.body.find(&path), names);
            }
            let diagnostic = self.on_the_way(diagnostic, &instance.address.module);
            if warning {
                self.warn(diagnostic);
            } else {
                problems.push(diagnostic);
            }
        }
    }

    fn warn(&self, warning: Diagnostic) {
        if self.warned.borrow_mut().insert(warning.clone()) {
            self.warnings.borrow_mut().push(warning);
        }
    }

    /// The warnings, each once.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        self.warnings.borrow().clone()
    }

    /// Makes an instance visible to the expressions that refer to it.
    pub fn show(&self, address: &Address, view: Value) {
        self.forget_locals();
        // Nothing refers to an address that is not declared.
        let Some(place) = self.place(address) else { return };
        let mut views = self.views.borrow_mut();
        match &address.key {
            None => {
                views.insert(place, View::One(view));
            }
            Some(key) => match views.get_mut(&place) {
                Some(View::Each(each)) => {
                    each.insert(key.clone(), view);
                }
                _ => {
                    views.insert(place, View::Each(BTreeMap::from([(key.clone(), view)])));
                }
            },
        }
    }

    /// The place of the views of an address.
    fn place(&self, address: &Address) -> Option<(usize, ModulePath)> {
        Some((self.references.declaration(address)?.index, address.module.clone()))
    }

    /// Hides an instance that does not exist: its collection is without it, and a single resource
    /// becomes unknown.
    pub fn hide(&self, address: &Address) {
        self.forget_locals();
        let Some(place) = self.place(address) else { return };
        let mut views = self.views.borrow_mut();
        match (&address.key, views.get_mut(&place)) {
            (Some(key), Some(View::Each(each))) => drop(each.remove(key)),
            (None, Some(View::One(view))) => {
                *view = Value::Unknown(Unknown::new(address.declaration(), ""));
            }
            _ => {}
        }
    }

    /// Runs `work`, then forgets the resources that it showed.
    pub fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        let views = self.views.borrow().clone();
        let done = work();
        self.views.replace(views);
        self.forget_locals();
        done
    }

    /// The view of an instance in expressions: its desired attributes, those that AWS decided
    /// (`attrs`), those that follow from the spec, and unknown for the rest.
    pub fn view(&self, instance: &Instance<'_>, attrs: Option<&Value>, live_spec: Option<&Value>) -> Value {
        let schema = instance.kind.schema();
        let scope = self.facts.scope.at(&instance.place);
        let unknown = |name: &str| Value::unknown(instance.address.to_string(), name);
        let mut view = BTreeMap::new();
        let predicted = match attrs {
            Some(_) => crate::kind::Predicted::default(),
            None => instance.kind.predict(Known(&instance.spec), &scope),
        };
        for name in schema.attrs.fields().into_iter().flatten().map(|(name, _)| name) {
            let value = match attrs {
                Some(attrs) => attrs.get(name).cloned().unwrap_or(Value::Null),
                None => predicted.0.get(name).cloned().unwrap_or_else(|| unknown(name)),
            };
            view.insert(name.clone(), value);
        }
        for (name, field) in schema.spec.fields().into_iter().flatten() {
            let value = match instance.spec.get(name) {
                Some(value) => match instance.written.get(name) {
                    Some(written) => in_order(field, value.clone(), written),
                    None => value.clone(),
                },
                None if field.marks.aws_default => match (live_spec, attrs) {
                    (Some(live), _) => live.get(name).cloned().unwrap_or(Value::Null),
                    (None, Some(_)) => Value::Null,
                    (None, None) => unknown(name),
                },
                None => Value::Null,
            };
            view.insert(name.clone(), value);
        }
        if instance.kind.taggable() {
            view.insert("tags".to_owned(), Value::Map(instance.tags.clone()));
        }
        Value::Map(view)
    }

    /// Sets to null the attributes of a view that will be null after the apply.
    pub fn foresee_nulls(&self, instance: &Instance<'_>, view: &mut Value) {
        let scope = self.facts.scope.at(&instance.place);
        let Value::Map(view) = view else { return };
        let predicted = instance.kind.predict(Known(&instance.spec), &scope).0;
        for (name, _) in predicted.into_iter().filter(|(_, value)| value.is_null()) {
            view.insert(name, Value::Null);
        }
    }

    /// The id in the `[[import]]` for an address; `None` without such a block.
    pub fn import(&self, address: &Address, problems: &mut Vec<Diagnostic>) -> Option<String> {
        let import = self.imports.get(address)?;
        match import.id.evaluate(&Names::root(self), problems) {
            Value::String(id) if !id.is_empty() => {
                Some(kinds::kind(&address.kind).map_or(id.clone(), |kind| kind.id_given(&id)))
            }
            secret @ Value::Secret(_) => {
                problems.extend(imports::shown(&secret, &import.id));
                None
            }
            other => {
                problems.push(undecided("id", "a string", &other, &import.id));
                None
            }
        }
    }

    /// The outputs with what is known now; secret if declared sensitive.
    pub fn outputs(&self, problems: &mut Vec<Diagnostic>) -> BTreeMap<String, Value> {
        let evaluated = self.each_output().into_iter().map(|(name, (value, found))| {
            problems.extend(found);
            (name, value)
        });
        evaluated.collect()
    }

    /// As [`EvalContext::outputs`], each with its own problems.
    pub fn each_output(&self) -> BTreeMap<String, (Value, Vec<Diagnostic>)> {
        let names = Names::root(self);
        let outputs = self.stack.root.outputs.iter().map(|(name, output)| {
            let mut problems = Vec::new();
            let value = output.value.evaluate(&names, &mut problems);
            (name.clone(), (if output.sensitive { value.into_secret() } else { value }, problems))
        });
        outputs.collect()
    }

    /// Returns whether every text of an output comes from resources. Such an output contains nothing
    /// that AWS does not have, however its expression was written at the last apply.
    pub fn is_of_resources(&self, output: &str) -> bool {
        let Some(output) = self.stack.root.outputs.get(output) else { return false };
        let mut open = vec![&output.value];
        let mut seen = BTreeSet::new();
        while let Some(node) = open.pop() {
            match &node.content {
                Content::Literal(Value::String(_)) => return false,
                Content::Literal(_) => {}
                Content::List(list) => open.extend(list),
                Content::Table(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
                Content::Template(template) => {
                    let mut is_of_resources = false;
                    for reference in template.references() {
                        match reference.root.as_str() {
                            // What a module returns may be written in it.
                            "var" | "each" | "module" => return false,
                            "env" | "stack" | "aws" | "path" => {}
                            "local" => {
                                let name = reference.name(0).unwrap_or_default().to_owned();
                                let Some(local) = self.stack.root.locals.get(&name) else { return false };
                                // Another member of a table may be shown.
                                if !matches!(local.value.content, Content::Template(_)) {
                                    return false;
                                }
                                is_of_resources = true;
                                if seen.insert(name) {
                                    open.push(&local.value);
                                }
                            }
                            _ => is_of_resources = true,
                        }
                    }
                    if !is_of_resources {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Evaluates the whole stack without AWS, with only what follows from the stack itself. Returns
    /// the instances.
    pub fn evaluate_all(&self, problems: &mut Vec<Diagnostic>) -> Vec<Instance<'a>> {
        let mut all: BTreeMap<Address, Instance<'a>> = BTreeMap::new();
        self.budget.tighten();
        for declaration in self.declarations() {
            let resource = declaration.resource;
            if all.len() > limits::RESOURCES {
                problems.push(too_many(resource.span));
                break;
            }
            if !resource.is_data {
                self.check_ignored(resource, problems);
                keys::misplaced(resource, problems);
            }
            for instance in self.instances(declaration, problems) {
                if instance.resource.is_data {
                    self.show_data(&instance, None);
                    problems.extend(self.preconditions(&instance).broken);
                    continue;
                }
                let view = self.view(&instance, None, None);
                // Whether they are met depends on the account: a plan tells it.
                problems.extend(self.preconditions(&instance).broken);
                problems.extend(self.postconditions(&instance, &view).broken);
                self.show(&instance.address, view);
                all.insert(instance.address.clone(), instance);
            }
        }
        self.check_modules(problems);
        self.check_values(problems);
        self.outputs(problems);
        self.check_among(&all, problems);
        self.check_imports(&all, problems);
        crate::diag::unique(problems);
        all.into_values().collect()
    }

    /// The physical id of an instance, if it follows from the declaration.
    pub fn id(&self, instance: &Instance<'_>) -> Option<String> {
        let scope = self.facts.scope.at(&instance.place);
        instance.kind.identity(Known(&instance.spec), &scope).id()
    }
}

/// The steps of a problem's path.
fn path_of(path: &str) -> Vec<PathStep> {
    path.split('.')
        .filter(|step| !step.is_empty())
        .map(|step| step.parse().map_or_else(|_| PathStep::Name(step.to_owned()), PathStep::Index))
        .collect()
}

/// A kind's problem as a diagnostic, at its place in the file.
fn located(problem: Problem, resource: &Resource) -> Diagnostic {
    let path = path_of(&problem.path);
    let span = if path.is_empty() { resource.span } else { resource.body.place(&path, false) };
    let diagnostic = if problem.warning {
        Diagnostic::warning("doubtful-value", problem.message)
    } else {
        Diagnostic::error("invalid-value", problem.message)
    };
    let diagnostic = diagnostic.at(span, "");
    if problem.help.is_empty() { diagnostic } else { diagnostic.help(problem.help) }
}

/// Points an error about a generated name to the `name_prefix` that it begins with.
fn of_prefix(error: Diagnostic, instance: &Instance<'_>, path: &[PathStep], written: &Value) -> Diagnostic {
    let (Some(node), Some([PathStep::Name(name)])) = (&instance.resource.name_prefix, path.get(..1)) else {
        return error;
    };
    if instance.kind.name_attribute() != Some(name.as_str()) {
        return error;
    }
    let made = Known(written).text(name).map(|made| format!("`name_prefix` makes the `{name}` \"{made}\""));
    let label = error.primary.as_ref().map(|label| label.text.clone()).unwrap_or_default();
    let error = error.at(node.span, label);
    match made {
        Some(made) => error.note(made),
        None => error,
    }
}

/// Dotted paths of attributes that may be meant by an unknown one.
fn meant(kind: &dyn ErasedKind, fault: &Fault) -> Vec<String> {
    let Some((PathStep::Name(name), parents)) = fault.path.split_last() else { return Vec::new() };
    elsewhere::attributes_like(kind, &elsewhere::dotted(kind, parents), name)
}
