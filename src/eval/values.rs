//! The named values of the stack and of its module instances: locals, inputs, outputs, and which
//! instances there are.

use std::collections::BTreeMap;

use super::EvalContext;
use super::model::{Local, Paths};
use super::references::{Need, What, Which};
use super::resolve::Names;
use super::scopes::ScopeId;
use super::settings::to_flag;
use crate::diag::Diagnostic;
use crate::graph::ModulePath;
use crate::limits;
use crate::stack::{self, Verdict};
use crate::value::{Unknown, Value};

impl<'a> EvalContext<'a> {
    /// Evaluates a named value of a module instance after those that it refers to. Works without
    /// recursion, so that a chain of 30,000 locals does not overflow the stack. Errors of a value are
    /// reported where it is used.
    pub(super) fn ensure(&self, value: usize, path: &ModulePath) {
        let mut open: Vec<(usize, ModulePath)> = vec![(value, path.clone())];
        while let Some((value, path)) = open.last().cloned() {
            if self.is_evaluated(value, &path) {
                open.pop();
                continue;
            }
            // Named values have no cycle: `References` refuses it.
            let around = self.evaluated_in(value, &path);
            let waits = open.len();
            for need in self.references.needs_of(value) {
                let next = self.needed_at(need, &around).map(|path| (need.value, path));
                open.extend(next.filter(|(value, path)| !self.is_evaluated(*value, path)));
            }
            if open.len() > waits {
                continue;
            }
            let held = self.budget.held();
            let found = self.compute(value, &path);
            let bytes = self.budget.held().saturating_sub(held);
            let of = if self.references.value(value).changes { &self.changing } else { &self.fixed };
            of.borrow_mut().insert((value, path), Local { value: found, bytes });
        }
    }

    fn is_evaluated(&self, value: usize, path: &ModulePath) -> bool {
        let key = (value, path.clone());
        self.fixed.borrow().contains_key(&key) || self.changing.borrow().contains_key(&key)
    }

    /// The part of a named value that `take` picks; `None` if it is not evaluated yet.
    pub(super) fn named<T>(
        &self,
        value: usize,
        path: &ModulePath,
        take: impl FnOnce(&Result<Value, Diagnostic>) -> T,
    ) -> Option<T> {
        let key = (value, path.clone());
        let (fixed, changing) = (self.fixed.borrow(), self.changing.borrow());
        fixed.get(&key).or_else(|| changing.get(&key)).map(|local| take(&local.value))
    }

    /// The module instance in which the expressions of a named value are evaluated: for an input, the one
    /// around it.
    fn evaluated_in(&self, value: usize, path: &ModulePath) -> ModulePath {
        match self.references.value(value).what {
            What::Input(_) => path.split_last().map(|(around, _)| around).unwrap_or_default(),
            What::Local(_) | What::Output(_) | What::Instances => path.clone(),
        }
    }

    /// The module instance of a needed value; `None` if it is not known or does not exist.
    fn needed_at(&self, need: &Need, around: &ModulePath) -> Option<ModulePath> {
        let needed = self.references.value(need.value);
        let Some(which) = need.child.as_ref().filter(|_| !matches!(needed.what, What::Instances)) else {
            return Some(around.clone());
        };
        let key = match which {
            Which::Only => None,
            Which::Key(key) => Some(key.clone()),
            Which::All | Which::Same | Which::Each(..) => return None,
        };
        let (_, call) = self.references.scopes.get(needed.scope).called?;
        let instances = self.references.names(needed.scope).instances?;
        let exists = self.named(instances, around, |found| match (found, &key) {
            (Ok(Value::Bool(exists)), None) => *exists,
            (Ok(Value::Map(each)), Some(key)) => each.contains_key(key),
            _ => false,
        });
        (exists == Some(true)).then(|| around.child(&call.name, key))
    }

    fn compute(&self, value: usize, path: &ModulePath) -> Result<Value, Diagnostic> {
        let named = self.references.value(value);
        let scope = self.references.scopes.get(named.scope);
        let around = self.evaluated_in(value, path);
        let mut problems = Vec::new();
        let found = match (named.what, scope.called) {
            (What::Local(entry), _) => {
                let names = Names::within(self, named.scope, &around, None);
                entry.value.evaluate_named(&names, &mut problems)
            }
            (What::Output(output), _) => {
                let names = Names::within(self, named.scope, &around, None);
                let found = output.value.evaluate_named(&names, &mut problems);
                if output.sensitive { found.into_secret() } else { found }
            }
            (What::Input(name), Some((parent, call))) => {
                let Some(variable) = scope.module.variables.get(name) else { return Ok(Value::Null) };
                let names = Names::within(self, parent, &around, self.module_each(named.scope, path));
                let given = call.input(name).map(|node| node.evaluate_named(&names, &mut problems));
                // Null stands for the default; without one, it is refused.
                let null = given.as_ref().filter(|given| given.is_null()).cloned();
                let given = given.filter(|given| variable.nullable || !given.is_null());
                let default =
                    || variable.default.as_ref().map(|node| node.evaluate_named(&names, &mut problems));
                // A missing input was reported when the stack was read.
                let found = given.or_else(default).or(null);
                match found.map(|found| stack::passed(call, name, variable, found)) {
                    _ if !problems.is_empty() => Value::Null,
                    Some(Ok(found)) => found,
                    Some(Err(problem)) => {
                        problems.push(problem);
                        Value::Null
                    }
                    None => Value::unknown("var", name),
                }
            }
            (What::Instances, Some((parent, call))) => {
                let names = Names::within(self, parent, &around, None);
                let mut decide = || {
                    if let Some(when) = &call.when {
                        match self.decided("when", "a bool", when, &names, &mut problems, to_flag) {
                            Some(true) => {}
                            Some(false) => return Value::Bool(false),
                            None => return Value::Null,
                        }
                    }
                    match &call.for_each {
                        None => Value::Bool(true),
                        Some(node) => match self.elements(node, &names, &mut problems) {
                            Some(elements) => Value::Map(elements.into_iter().collect()),
                            None => Value::Null,
                        },
                    }
                };
                decide()
            }
            (What::Input(_) | What::Instances, None) => Value::Null,
        };
        match problems.into_iter().next() {
            Some(problem) => Err(self.on_the_way(problem, &around)),
            None => Ok(found),
        }
    }

    /// The `each` that the block of a module instance sees.
    pub(super) fn module_each(&self, scope: ScopeId, path: &ModulePath) -> Option<Value> {
        let (around, last) = path.split_last()?;
        let key = last.key.clone()?;
        let instances = self.references.names(scope).instances?;
        self.ensure(instances, &around);
        let value = self.named(instances, &around, |found| match found {
            Ok(found) => found.get(&key).cloned(),
            Err(_) => None,
        });
        Some(Value::map([("key", Value::String(key)), ("value", value.flatten().unwrap_or_default())]))
    }

    /// The instances of a scope; that of the stack itself is the root.
    pub(super) fn paths(&self, scope: ScopeId) -> Paths {
        let Some((parent, call)) = self.references.scopes.get(scope).called else {
            return Paths { list: [ModulePath::default()].into(), too_many: false };
        };
        if let Some(known) = self.paths.borrow().get(&scope) {
            return known.clone();
        }
        let parents = self.paths(parent);
        let mut list = Vec::new();
        let mut too_many = false;
        let instances = self.references.names(scope).instances;
        for (instances, around) in
            instances.into_iter().flat_map(|one| parents.list.iter().map(move |at| (one, at)))
        {
            self.ensure(instances, around);
            self.named(instances, around, |found| match found {
                Ok(Value::Bool(true)) => list.push(around.child(&call.name, None)),
                Ok(Value::Map(each)) => {
                    list.extend(each.keys().map(|key| around.child(&call.name, Some(key.clone()))));
                }
                // It is off, or undecided.
                _ => {}
            });
            if self.instance_count.get() + list.len() > limits::RESOURCES {
                too_many = true;
                list.clear();
                break;
            }
        }
        self.instance_count.set(self.instance_count.get() + list.len());
        let found = Paths { list: list.into(), too_many };
        self.paths.borrow_mut().insert(scope, found.clone());
        if self.changes(scope) {
            self.changing_paths.borrow_mut().push(scope);
        }
        found
    }

    /// Returns whether the instances of a scope depend on resources.
    fn changes(&self, scope: ScopeId) -> bool {
        let mut at = scope;
        while let Some((parent, _)) = self.references.scopes.get(at).called {
            let instances = self.references.names(at).instances;
            if instances.is_some_and(|instances| self.references.value(instances).changes) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// Forgets the named values that depend on resources.
    pub(super) fn forget_locals(&self) {
        let forgotten = self.changing.take();
        let bytes: u64 = forgotten.values().map(|local| local.bytes).sum();
        self.budget.release(self.budget.held().saturating_sub(bytes));
        self.homes.borrow_mut().clear();
        for scope in self.changing_paths.take() {
            let forgotten = self.paths.borrow_mut().remove(&scope);
            let count = forgotten.map_or(0, |paths| paths.list.len());
            self.instance_count.set(self.instance_count.get().saturating_sub(count));
        }
    }

    /// Forgets all named values: their bytes do not count in the new pass.
    pub(super) fn forget_all(&self) {
        self.fixed.borrow_mut().clear();
        self.changing.borrow_mut().clear();
        self.paths.borrow_mut().clear();
        self.changing_paths.borrow_mut().clear();
        self.homes.borrow_mut().clear();
        self.instance_count.set(0);
    }

    /// The error of a named value, if it has one.
    pub(super) fn error_of(&self, value: usize, path: &ModulePath) -> Option<Diagnostic> {
        self.ensure(value, path);
        self.named(value, path, |found| found.as_ref().err().cloned()).flatten()
    }

    /// Checks what the blocks of modules pass: which instances there are, the types of the inputs, and the
    /// validations of variables. Depends on what is known now.
    pub fn check_modules(&self, problems: &mut Vec<Diagnostic>) {
        for scope in self.references.scopes.ids() {
            let Some((parent, call)) = self.references.scopes.get(scope).called else { continue };
            let paths = self.paths(scope);
            if paths.too_many {
                let what = format!("the stack has more than {} instances of modules", limits::RESOURCES);
                problems.push(
                    Diagnostic::error("too-many", what)
                        .at(call.span, "the limit is reached here")
                        .help("split it into several stacks"),
                );
            }
            let instances = self.references.names(scope).instances;
            let around = self.paths(parent);
            for path in around.list.iter() {
                problems.extend(instances.and_then(|instances| self.error_of(instances, path)));
            }
            for path in paths.list.iter() {
                self.check_home(path, problems);
                self.check_inputs(scope, path, problems);
            }
        }
    }

    fn check_inputs(&self, scope: ScopeId, path: &ModulePath, problems: &mut Vec<Diagnostic>) {
        let before = problems.len();
        let inputs = &self.references.names(scope).inputs;
        problems.extend(inputs.values().filter_map(|&input| self.error_of(input, path)));
        if problems.len() > before {
            return;
        }
        let names = Names::within(self, scope, path, None);
        for (name, variable) in &self.references.scopes.get(scope).module.variables {
            for condition in &variable.validation {
                let mut found = Vec::new();
                // A later pass checks values that are not known yet.
                if let Some(Verdict::Failed(message)) = condition.evaluate(&names, &mut found) {
                    let subject = format!("variable `{name}`");
                    let problem = condition.failure("invalid-variable", &subject, &message);
                    let value = inputs.get(name.as_str()).and_then(|&input| {
                        self.named(input, path, |value| value.as_ref().ok().map(stack::shown)).flatten()
                    });
                    found.push(match value {
                        Some(value) => problem.note(format!("its value is {value}")),
                        None => problem,
                    });
                }
                problems.extend(found.into_iter().map(|one| self.on_the_way(one, path)));
            }
        }
    }

    /// Reports the errors of named values that nothing refers to. An error in a used one was already
    /// reported at its use, with the same place.
    pub(super) fn check_values(&self, problems: &mut Vec<Diagnostic>) {
        for scope in self.references.scopes.ids() {
            let names = self.references.names(scope);
            let is_root = scope == ScopeId::default();
            for path in self.paths(scope).list.iter() {
                for &value in names.locals.values() {
                    self.ensure(value, path);
                    if self.named(value, path, Result::is_err) != Some(true) {
                        continue;
                    }
                    // All of its errors.
                    if let What::Local(entry) = self.references.value(value).what {
                        let mut found = Vec::new();
                        entry.value.evaluate(&Names::within(self, scope, path, None), &mut found);
                        problems.extend(found.into_iter().map(|one| self.on_the_way(one, path)));
                    }
                }
                if !is_root {
                    problems.extend(names.outputs.values().filter_map(|&value| self.error_of(value, path)));
                }
            }
        }
    }

    /// Adds the way through the modules to a problem in one.
    pub fn on_the_way(&self, mut problem: Diagnostic, path: &ModulePath) -> Diagnostic {
        if problem.within.is_some() {
            return problem;
        }
        let mut way = Vec::new();
        let mut at = path.clone();
        while let Some((around, _)) = at.split_last() {
            let scope = self.references.scopes.at(&at);
            if let Some((_, call)) = scope.and_then(|scope| self.references.scopes.get(scope).called) {
                way.push(format!("in {at}, called at {}", self.stack.sources.location(call.span)));
            }
            at = around;
        }
        problem.within = Some(way.len());
        problem.notes.extend(way);
        problem
    }

    /// The value of a module as a whole, or of one of its outputs: a map of its outputs, or of those of its
    /// instances.
    pub(super) fn outputs_of(&self, scope: ScopeId, path: &ModulePath) -> Result<Value, Diagnostic> {
        let mut map = BTreeMap::new();
        for (name, &value) in &self.references.names(scope).outputs {
            self.ensure(value, path);
            let found = self.named(value, path, Clone::clone);
            map.insert((*name).to_owned(), found.unwrap_or(Ok(Value::Null))?);
        }
        Ok(Value::Map(map))
    }

    /// A value that is not known because of another problem.
    pub(super) fn unknown_module(&self, scope: ScopeId) -> Value {
        let prefix = &self.references.scopes.get(scope).prefix;
        Value::Unknown(Unknown::new(prefix.trim_end_matches('.'), ""))
    }
}
