//! Finds what each expression refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::model::{MAX_VISITS, Named, Names, Need, Raw, Sees, Target, What, way};
use super::which::{At, Each, EachOf, Which};
use crate::diag::{Diagnostic, Span, nearest};
use crate::elsewhere;
use crate::eval::scopes::{Declaration, ScopeId, Scopes};
use crate::graph::{Address, ModulePath};
use crate::kinds;
use crate::lang::{Reference, Step};
use crate::stack::{Module, Node, Stack};
use crate::value::Value;

/// The roots of references that are not kinds.
const ROOTS: [&str; 10] =
    ["var", "local", "data", "stack_output", "module", "env", "stack", "aws", "each", "path"];

pub(super) struct Linker<'a> {
    stack: &'a Stack,
    pub(super) scopes: Scopes<'a>,
    pub(super) declared: Vec<Declaration<'a>>,
    pub(super) indices: BTreeMap<String, usize>,
    pub(super) values: Vec<Named<'a>>,
    pub(super) names: Vec<Names<'a>>,
    /// The number of named values visited for all declarations together.
    pub(super) visits: usize,
    pub(super) problems: Vec<Diagnostic>,
}

/// The direct references of an expression.
#[derive(Default)]
struct Direct {
    targets: Vec<Raw>,
    needs: Vec<(Need, Span)>,
}

impl<'a> Linker<'a> {
    pub(super) fn new(stack: &'a Stack) -> Self {
        let (scopes, problems) = Scopes::of(stack);
        let (mut declared, mut indices) = (Vec::new(), BTreeMap::new());
        for id in scopes.ids() {
            let scope = scopes.get(id);
            for resource in scope.module.declared() {
                let index = declared.len();
                indices.insert(format!("{}{}", scope.prefix, resource.address()), index);
                declared.push(Declaration { resource, scope: id, index });
            }
        }
        let (values, names) = (Vec::new(), Vec::new());
        Self { stack, scopes, declared, indices, values, names, visits: 0, problems }
    }

    fn module(&self, scope: ScopeId) -> &'a Module {
        self.scopes.get(scope).module
    }

    /// Links the named values of all scopes, and refuses cycles of them.
    pub(super) fn values(&mut self) {
        let mut values: Vec<Named<'a>> = Vec::new();
        for id in self.scopes.ids() {
            let scope = self.scopes.get(id);
            let mut add = |what| {
                values.push(Named {
                    scope: id,
                    what,
                    targets: Vec::new(),
                    needs: Vec::new(),
                    changes: false,
                });
                values.len() - 1
            };
            let mut names = Names::default();
            if scope.called.is_some() {
                names.instances = Some(add(What::Instances));
                let inputs = scope.module.variables.keys();
                names.inputs = inputs.map(|name| (name.as_str(), add(What::Input(name)))).collect();
            }
            let locals = scope.module.locals.iter();
            names.locals = locals.map(|(name, entry)| (name.as_str(), add(What::Local(entry)))).collect();
            let outputs = scope.module.outputs.iter();
            names.outputs =
                outputs.map(|(name, output)| (name.as_str(), add(What::Output(output)))).collect();
            self.names.push(names);
        }
        self.values = values;
        for at in 0..self.values.len() {
            let Named { scope, what, .. } = self.values[at];
            let called = self.scopes.get(scope).called;
            let mut direct = Direct::default();
            match (what, called) {
                (What::Local(entry), _) => self.direct(&entry.value.references(), scope, &mut direct),
                (What::Output(output), _) => self.direct(&output.value.references(), scope, &mut direct),
                (What::Input(name), Some((parent, call))) => {
                    let references = call.input(name).map(Node::references).unwrap_or_default();
                    self.direct(&references, parent, &mut direct);
                }
                (What::Instances, Some((parent, call))) => {
                    let references: Vec<Reference> = call.settings().flat_map(Node::references).collect();
                    self.direct(&references, parent, &mut direct);
                }
                (What::Input(_) | What::Instances, None) => {}
            }
            let mut seen = BTreeSet::new();
            let needs = direct.needs.into_iter().map(|(need, _)| need);
            let needs = needs.filter(|need| seen.insert((need.value, need.child.as_ref().map(Which::text))));
            let needs: Vec<Need> = needs.collect();
            let value = &mut self.values[at];
            value.changes = !direct.targets.is_empty();
            (value.targets, value.needs) = (direct.targets, needs);
        }
        self.order_values();
    }

    /// Finds the named values that depend on declarations, and refuses cycles. Works without recursion,
    /// because a chain of locals can have tens of thousands of links.
    fn order_values(&mut self) {
        let mut done = vec![false; self.values.len()];
        let mut open = vec![false; self.values.len()];
        for start in 0..self.values.len() {
            if done[start] {
                continue;
            }
            // The current path, each value with the number of its needs that were visited.
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            open[start] = true;
            while let Some((value, at)) = path.last_mut() {
                let (value, nth) = (*value, *at);
                *at += 1;
                match self.values[value].needs.get(nth).map(|need| need.value) {
                    Some(needed) if done[needed] => self.values[value].changes |= self.values[needed].changes,
                    Some(needed) if open[needed] => {
                        let start = path.iter().position(|(one, _)| *one == needed).unwrap_or_default();
                        let round = path.iter().skip(start).map(|(one, _)| *one).chain([needed]);
                        self.circle(&round.collect::<Vec<_>>());
                    }
                    Some(needed) => {
                        open[needed] = true;
                        path.push((needed, 0));
                    }
                    None => {
                        path.pop();
                        open[value] = false;
                        done[value] = true;
                        if let Some((above, _)) = path.last() {
                            let changes = self.values[value].changes;
                            self.values[*above].changes |= changes;
                        }
                    }
                }
            }
        }
    }

    /// Adds the error for named values that need each other.
    fn circle(&mut self, round: &[usize]) {
        let all_locals = round.iter().all(|at| {
            matches!(self.values[*at].what, What::Local(_)) && self.values[*at].scope == ScopeId::default()
        });
        let name = |at: usize| {
            let Named { scope, what, .. } = self.values[at];
            let prefix = &self.scopes.get(scope).prefix;
            match what {
                What::Local(entry) if all_locals => entry.name.clone(),
                What::Local(entry) => format!("{prefix}local.{}", entry.name),
                What::Input(name) => format!("{prefix}var.{name}"),
                What::Output(_) => {
                    let names = &self.names[scope.0].outputs;
                    let name = names.iter().find(|(_, one)| **one == at).map_or("", |(name, _)| name);
                    format!("{prefix}{name}")
                }
                What::Instances => prefix.trim_end_matches('.').to_owned(),
            }
        };
        let span = round.last().map(|&at| match self.values[at].what {
            What::Local(entry) => entry.span,
            What::Output(output) => output.span,
            What::Input(_) | What::Instances => {
                let called = self.scopes.get(self.values[at].scope).called;
                called.map_or(Span::new(crate::diag::FileId(0), 0, 0), |(_, call)| call.span)
            }
        });
        let names: Vec<String> = round.iter().map(|&at| name(at)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = if all_locals { "locals" } else { "values" };
        let problem = Diagnostic::error("cycle", format!("{what} need each other: {}", way(&names)));
        self.problems.push(problem.at_maybe(span, "part of the cycle"));
    }

    /// The targets of the stack's tags, which every resource has.
    pub(super) fn tags(&mut self, tags: &Node) -> Vec<Target> {
        self.targets(&tags.references(), ScopeId::default())
    }

    /// The targets that everything in a scope has, for each scope: those of the instances of its modules, and of
    /// their `depends_on`.
    pub(super) fn shared(&mut self) -> Vec<Vec<Target>> {
        let mut shared: Vec<Vec<Target>> = Vec::new();
        for id in self.scopes.ids() {
            let scope = self.scopes.get(id);
            let (depth, Some((parent, call))) = (scope.depth, scope.called) else {
                shared.push(Vec::new());
                continue;
            };
            let mut own = shared[parent.0].clone();
            if let Some(instances) = self.names[id.0].instances {
                let mut open = vec![(instances, At::same(depth), call.span)];
                self.follow(&mut open, &mut own);
            }
            for (address, span) in &call.depends_on {
                own.extend(self.written_address(address, *span, parent));
            }
            shared.push(own);
        }
        shared
    }

    /// The targets of the references of a resource, directly and through named values.
    pub(super) fn targets(&mut self, references: &[Reference], scope: ScopeId) -> Vec<Target> {
        let mut direct = Direct::default();
        self.direct(references, scope, &mut direct);
        if direct.targets.is_empty() && direct.needs.is_empty() {
            return Vec::new();
        }
        let at = At::same(self.scopes.get(scope).depth);
        let targets = direct.targets.into_iter();
        let mut targets: Vec<Target> = targets.map(|raw| raw.seen(&at, &Each::Resource, None)).collect();
        let needs = direct.needs.iter().rev();
        let mut open: Vec<(usize, At, Span)> =
            needs.map(|(need, span)| (need.value, need.at(&at, &Each::Resource), *span)).collect();
        self.follow(&mut open, &mut targets);
        targets
    }

    /// The targets of a resource's conditions: the declarations that they need, and the resource itself
    /// for what postconditions see as `self`.
    pub(super) fn conditions(&mut self, declaration: Declaration<'a>) -> (Vec<Target>, Vec<Target>) {
        let Declaration { resource, scope, index } = declaration;
        let (mut needs, mut own) = (Vec::new(), Vec::new());
        let before = resource.preconditions.iter().map(|one| (one, false));
        for (condition, after) in before.chain(resource.postconditions.iter().map(|one| (one, true))) {
            let (selves, others): (Vec<Reference>, Vec<Reference>) =
                condition.references().into_iter().partition(|one| after && one.root == "self");
            own.extend(selves.into_iter().map(|one| Target {
                index,
                at: At::same(self.scopes.get(scope).depth),
                which: Which::All,
                sees: one.name(0).map_or(Sees::Everything, |name| Sees::Attribute(name.to_owned())),
                span: one.span,
                deferrable: None,
            }));
            for target in self.targets(&others, scope) {
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

    /// Adds the targets of named values, and of all that they refer to. Each value comes with the module
    /// instances that it is in, and the place of the reference to it.
    fn follow(&mut self, open: &mut Vec<(usize, At, Span)>, targets: &mut Vec<Target>) {
        let mut seen: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut found: BTreeSet<(usize, String, String, Option<String>)> = BTreeSet::new();
        while let Some((value, at, span)) = open.pop() {
            if !seen.insert((value, at.text())) {
                continue;
            }
            self.visits += 1;
            if self.visits > MAX_VISITS {
                break;
            }
            let named = &self.values[value];
            if !named.changes {
                continue;
            }
            // An expression of a block is evaluated around its module.
            let (at, each) = match (named.what, at.split_last()) {
                (What::Local(_) | What::Output(_), _) => (at, Each::None),
                (What::Input(_), Some((around, which))) => {
                    (around, Each::Module(which, self.scopes.get(named.scope).depth - 1))
                }
                (What::Instances, Some((around, _))) => (around, Each::None),
                (What::Input(_) | What::Instances, None) => continue,
            };
            for raw in &named.targets {
                let target = raw.seen(&at, &each, Some(span));
                let sees = match &target.sees {
                    Sees::Attribute(name) => Some(name.clone()),
                    Sees::Nothing | Sees::Everything => None,
                };
                if found.insert((target.index, target.at.text(), target.which.text(), sees)) {
                    targets.push(target);
                }
            }
            open.extend(named.needs.iter().rev().map(|need| (need.value, need.at(&at, &each), span)));
        }
    }

    /// Finds the direct references of an expression in a scope.
    fn direct(&mut self, references: &[Reference], scope: ScopeId, direct: &mut Direct) {
        for reference in references {
            let name = reference.name(0);
            let mut need = |value: &usize| {
                direct.needs.push((Need { value: *value, child: None }, reference.span));
            };
            match reference.root.as_str() {
                "local" => {
                    let Some(name) = name else { continue };
                    match self.names[scope.0].locals.get(name) {
                        Some(value) => need(value),
                        None => {
                            let known = self.module(scope).locals.keys();
                            let near = nearest(name, known.map(String::as_str));
                            self.unknown("local", name, near, reference.span, scope);
                        }
                    }
                }
                "var" => {
                    let Some(name) = name else { continue };
                    if let Some(value) = self.names[scope.0].inputs.get(name) {
                        need(value);
                    } else if !self.module(scope).variables.contains_key(name) {
                        let near = nearest(name, self.module(scope).variables.keys().map(String::as_str));
                        self.unknown("variable", name, near, reference.span, scope);
                    }
                }
                "module" => self.output(reference, scope, direct),
                "data" => direct.targets.extend(self.data(reference, scope)),
                "stack_output" => self.other(reference, scope),
                root if kinds::kind(root).is_some() => direct.targets.extend(self.resource(reference, scope)),
                "self" => self.problems.push(
                    Diagnostic::error("invalid-reference", "`self` is known in postconditions alone")
                        .at(reference.span, "there is no `self` here")
                        .help("for the key or the value of a `for_each`, write each.key or each.value"),
                ),
                root if !ROOTS.contains(&root) => {
                    let error = Diagnostic::error("unknown-name", format!("nothing is named `{root}` here"));
                    let near = self.meant(reference, scope);
                    self.problems.push(if near.is_empty() {
                        error.at(
                            reference.span,
                            "neither a kind nor var, local, data, stack_output, module, env, stack, aws, each or path",
                        )
                    } else {
                        error.at(reference.span, elsewhere::did_you_mean(&near))
                    });
                }
                _ => {}
            }
        }
    }

    /// Finds what a reference to a module uses: an output, or all of them.
    fn output(&mut self, reference: &Reference, scope: ScopeId, direct: &mut Direct) {
        let Some(name) = reference.name(0) else {
            self.problems.push(
                Diagnostic::error("invalid-reference", "`module` is not a value by itself")
                    .at(reference.span, "write module.NAME.OUTPUT"),
            );
            return;
        };
        let Some(&child) = self.scopes.get(scope).children.get(name) else {
            // A source that cannot be read has been reported.
            if !self.module(scope).calls.contains_key(name) {
                let near = nearest(name, self.module(scope).calls.keys().map(String::as_str));
                self.unknown("module", name, near, reference.span, scope);
            }
            return;
        };
        let which = self.instances_of(child, reference.steps.get(1));
        let at = match which {
            Which::Key(_) | Which::Each(..) => 2,
            _ => 1,
        };
        let has_each = self.scopes.get(child).called.is_some_and(|(_, call)| call.for_each.is_some());
        let names = &self.names[child.0];
        let mut needed: Vec<usize> = names.instances.into_iter().collect();
        match reference.name(at).filter(|_| at == 2 || !has_each) {
            Some(output) => match names.outputs.get(output) {
                Some(value) => needed.push(*value),
                None => {
                    let module = self.module(child);
                    if module.unread.contains("output") {
                        return;
                    }
                    let what = format!("the module `{name}` has no output `{output}`");
                    let error = Diagnostic::error("unknown-reference", what);
                    self.problems.push(match nearest(output, module.outputs.keys().map(String::as_str)) {
                        Some(near) => error.at(reference.span, format!("did you mean `{near}`?")),
                        None => error
                            .at(reference.span, "not declared")
                            .note(format!("its source is {}", module.files.shown().display())),
                    });
                }
            },
            None => needed.extend(names.outputs.values()),
        }
        let needs = needed.into_iter().map(|value| Need { value, child: Some(which.clone()) });
        direct.needs.extend(needs.map(|need| (need, reference.span)));
    }

    /// The instances of a module that a step after its name chooses.
    fn instances_of(&self, child: ScopeId, step: Option<&Step>) -> Which {
        let called = self.scopes.get(child).called;
        match (called.is_some_and(|(_, call)| call.for_each.is_some()), step) {
            (false, _) => Which::Only,
            (true, Some(Step::Index(Value::String(key)) | Step::Attribute(key))) => Which::Key(key.clone()),
            (true, Some(Step::Each(part))) => Which::Each(Rc::new(part.as_ref().clone()), EachOf::Resource),
            (true, _) => Which::All,
        }
    }

    /// Suggestions for an unresolved reference: a root, a kind, or something declared.
    fn meant(&self, reference: &Reference, scope: ScopeId) -> Vec<String> {
        let root = reference.root.as_str();
        let second = reference.name(0).unwrap_or_default();
        let fixed = match (root, second) {
            ("locals", _) => "local",
            ("variable" | "variables" | "vars" | "param" | "parameter" | "parameters", _) => "var",
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
            ("var", self.module(scope).variables.contains_key(root)),
            ("local", self.module(scope).locals.contains_key(root)),
            ("module", self.module(scope).calls.contains_key(root)),
        ];
        if let Some((place, _)) = known.into_iter().find(|(_, is)| *is) {
            return vec![format!("{place}.{root}")];
        }
        let named = self.module(scope).declared().filter(|one| one.name == root);
        let declared: Vec<String> = named.take(3).map(|one| one.address()).collect();
        if !declared.is_empty() {
            return declared;
        }
        elsewhere::kinds_like(root)
    }

    /// Checks a reference to an output of another stack.
    fn other(&mut self, reference: &Reference, scope: ScopeId) {
        let mut refuse = |error: Diagnostic, near: Option<&str>| {
            self.problems.push(match near {
                Some(near) => error.at(reference.span, format!("did you mean `{near}`?")),
                None => error.at(reference.span, "not declared"),
            });
        };
        if scope != ScopeId::default() {
            let what = format!("a module does not see `{reference}`");
            let error =
                Diagnostic::error("unknown-reference", what).at(reference.span, "only the stack does");
            self.problems.push(error.help("pass it to the module as an input"));
            return;
        }
        let others = &self.stack.others;
        let Some(name) = reference.name(0) else {
            self.problems.push(
                Diagnostic::error("invalid-reference", "`stack_output` is not a value by itself")
                    .at(reference.span, "write stack_output.NAME.OUTPUT"),
            );
            return;
        };
        let Some(other) = others.get(name) else {
            if self.stack.root.unread.contains("stack_output") {
                return;
            }
            let error =
                Diagnostic::error("unknown-reference", format!("the stack has no `stack_output.{name}`"));
            return refuse(error, nearest(name, others.keys().map(String::as_str)));
        };
        // A stack that could not be read was reported.
        let (Some(stack), Some(output)) = (&other.stack, reference.name(1)) else { return };
        if !stack.root.outputs.contains_key(output) {
            let what = format!("the stack {} has no output `{output}`", stack.name);
            let error = Diagnostic::error("unknown-reference", what);
            let error = error.note(format!("its folder is {}", stack.folder.display()));
            refuse(error, nearest(output, stack.root.outputs.keys().map(String::as_str)));
        }
    }

    /// The target of a reference to data, `data.KIND.NAME`.
    fn data(&mut self, reference: &Reference, scope: ScopeId) -> Option<Raw> {
        let fact = match reference.name(0) {
            Some("aws_caller_identity") => "aws.account_id",
            Some("aws_region") => "aws.region",
            Some("aws_partition") => "aws.partition",
            Some("aws_availability_zones") => "aws.availability_zones",
            _ => "",
        };
        if !fact.is_empty() {
            let error = Diagnostic::error("unknown-name", format!("there is no `{reference}`"));
            self.problems.push(error.at(reference.span, format!("did you mean `{fact}`?")));
            return None;
        }
        let Some(kind) = reference.name(0) else {
            self.problems.push(
                Diagnostic::error("invalid-reference", "`data` is not a value by itself")
                    .at(reference.span, "write data.KIND.NAME.ATTRIBUTE"),
            );
            return None;
        };
        let module = self.module(scope);
        if kinds::data_kind(kind).is_none() && !module.unread.iter().any(|one| one.starts_with(Address::DATA))
        {
            let error = Diagnostic::error("unknown-name", format!("there is no kind `{kind}`"));
            let near = elsewhere::data_kinds_like(kind);
            self.problems.push(match near.is_empty() {
                true => error.at(reference.span, "write data.KIND.NAME.ATTRIBUTE"),
                false => error.at(reference.span, elsewhere::did_you_mean(&near)),
            });
            return None;
        }
        self.resource(&reference.of_data(), scope)
    }

    fn resource(&mut self, reference: &Reference, scope: ScopeId) -> Option<Raw> {
        let Some(name) = reference.name(0) else {
            self.problems.push(
                Diagnostic::error("invalid-reference", format!("`{reference}` names a kind, not a resource"))
                    .at(reference.span, format!("write {}.NAME.ATTRIBUTE", reference.root)),
            );
            return None;
        };
        let index = self.index(&reference.root, name, reference.span, scope)?;
        let has_each = self.declared[index].resource.for_each.is_some();
        let which = match (has_each, reference.steps.get(1)) {
            (true, Some(Step::Index(Value::String(key)) | Step::Attribute(key))) => Which::Key(key.clone()),
            (true, Some(Step::Each(part))) => Which::Each(Rc::new(part.as_ref().clone()), EachOf::Resource),
            _ => Which::All,
        };
        // All of a list.
        let has_each = has_each || self.declared[index].resource.many;
        let is_one = !matches!(which, Which::All);
        let sees = match reference.name(if is_one { 2 } else { 1 }) {
            Some(name) if is_one || !has_each => Sees::Attribute(name.to_owned()),
            _ => Sees::Everything,
        };
        Some(Raw { index, which, sees, span: reference.span })
    }

    /// The target of an entry of `replace_triggered_by`.
    pub(super) fn trigger(&mut self, reference: &Reference, scope: ScopeId) -> Option<Target> {
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
        let target = self.resource(reference, scope)?;
        let is_each = self.declared[target.index].resource.for_each.is_some();
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
        let at = At::same(self.scopes.get(scope).depth);
        Some(Target { sees: Sees::Nothing, ..target.seen(&at, &Each::Resource, None) })
    }

    /// The place of `kind.name` in a scope.
    fn index(&mut self, kind: &str, name: &str, span: Span, scope: ScopeId) -> Option<usize> {
        let prefix = &self.scopes.get(scope).prefix;
        if let Some(index) = self.indices.get(&format!("{prefix}{kind}.{name}")) {
            return Some(*index);
        }
        let address = format!("{kind}.{name}");
        let known = self.module(scope).declared().map(|one| one.address()).collect::<Vec<_>>();
        // The same as data, or as a resource.
        let other = match address.strip_prefix(Address::DATA) {
            Some(resource) => resource.to_owned(),
            None => format!("{}{address}", Address::DATA),
        };
        let near = known.iter().find(|one| **one == other).cloned();
        let near = near.or_else(|| nearest(&address, known.iter().map(String::as_str)).map(str::to_owned));
        let what = if kind.starts_with(Address::DATA) { "data" } else { "resource" };
        self.unknown(what, &address, near.as_deref(), span, scope);
        None
    }

    /// The declarations at an address that is written in a scope, or in a module that it names.
    pub(super) fn written_address(&mut self, text: &str, span: Span, scope: ScopeId) -> Vec<Target> {
        let parsed = match text.parse::<Address>() {
            Ok(address) => Ok((address.module.clone(), Some(address))),
            Err(message) => text.parse::<ModulePath>().map(|path| (path, None)).map_err(|_| message),
        };
        let (path, address) = match parsed {
            Ok(parsed) => parsed,
            Err(message) => {
                self.problems
                    .push(Diagnostic::error("invalid-reference", message).at(span, "expected an address"));
                return Vec::new();
            }
        };
        let mut at = At::same(self.scopes.get(scope).depth);
        let mut inner = scope;
        for step in path.steps() {
            let Some(&child) = self.scopes.get(inner).children.get(step.name.as_str()) else {
                if !self.module(inner).calls.contains_key(&step.name) {
                    let near = nearest(&step.name, self.module(inner).calls.keys().map(String::as_str));
                    self.unknown("module", &step.name, near, span, inner);
                }
                return Vec::new();
            };
            let which = match (self.instances_of(child, None), &step.key) {
                (Which::All, Some(key)) => Which::Key(key.clone()),
                (which, _) => which,
            };
            (at, inner) = (at.child(which), child);
        }
        let target =
            |index, at, which| Target { index, at, which, sees: Sees::Nothing, span, deferrable: None };
        if let Some(address) = address {
            let index = self.index(&address.kind, &address.name, span, inner);
            let which = address.key.map_or(Which::All, Which::Key);
            return index.map(|index| target(index, at, which)).into_iter().collect();
        }
        let depth = self.scopes.get(inner).depth;
        let mut targets = Vec::new();
        for id in self.scopes.within(inner) {
            let deeper = self.scopes.get(id).depth - depth;
            let at = (0..deeper).fold(at.clone(), |at, _| at.child(Which::All));
            let first = self.declared.partition_point(|one| one.scope < id);
            let own = self.declared[first..].iter().take_while(|one| one.scope == id);
            targets.extend(own.map(|one| target(one.index, at.clone(), Which::All)));
        }
        targets
    }

    fn unknown(&mut self, what: &str, name: &str, near: Option<&str>, span: Span, scope: ScopeId) {
        // It is declared, and why it could not be read was already reported.
        let unread = &self.module(scope).unread;
        if unread.contains(what) || unread.contains(name) || unread.contains(&format!("{what}.{name}")) {
            return;
        }
        let whose = if scope == ScopeId::default() { "stack" } else { "module" };
        let what = if what == "data" { String::new() } else { format!("{what} ") };
        let error = Diagnostic::error("unknown-reference", format!("the {whose} has no {what}`{name}`"));
        self.problems.push(match near {
            Some(near) => error.at(span, format!("did you mean `{near}`?")),
            None => error.at(span, "not declared"),
        });
    }
}

impl Need {
    /// The module instances that the needed value is in, seen by a resource. The expression is in those at
    /// `at`, and `each` has this meaning in it.
    fn at(&self, at: &At, each: &Each) -> At {
        match &self.child {
            None => at.clone(),
            Some(which) => at.child(which.seen(each)),
        }
    }
}

impl Raw {
    /// The target, seen by a resource. The expression is in the module instances at `at`, and `each` has
    /// this meaning in it.
    fn seen(&self, at: &At, each: &Each, span: Option<Span>) -> Target {
        Target {
            index: self.index,
            at: at.clone(),
            which: self.which.seen(each),
            sees: self.sees.clone(),
            span: span.unwrap_or(self.span),
            deferrable: None,
        }
    }
}
