//! Keeps ephemeral variables to attributes that AWS never returns.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Diagnostic;
use crate::kinds;
use crate::lang::Reference;
use crate::schema::{Node as Schema, Shape};
use crate::stack::{Content, Module, Node, Stack};

/// Errors for every expression that would let the value of an ephemeral variable reach another place.
/// Conditions may use it.
pub(super) fn misused(stack: &Stack) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for module in stack.folders() {
        misused_in(module, &mut problems);
    }
    let check = Check { module: &stack.root, locals: locals(&stack.root) };
    stack.tags.iter().for_each(|node| check.refuse(node, &mut problems));
    stack.imports.iter().for_each(|import| check.refuse(&import.id, &mut problems));
    // What a module keeps is only known from its own declarations.
    for (module, call) in
        stack.folders().flat_map(|module| module.calls.values().map(move |call| (module, call)))
    {
        let check = Check { module, locals: locals(module) };
        call.settings().for_each(|node| check.refuse(node, &mut problems));
        let source = call.source.and_then(|source| stack.modules.get(source));
        for (name, entry) in &call.inputs {
            let variable = source.and_then(|source| source.variables.get(name));
            if variable.is_some_and(|variable| !variable.ephemeral) {
                check.refuse(&entry.value, &mut problems);
            }
        }
    }
    problems
}

fn misused_in(module: &Module, problems: &mut Vec<Diagnostic>) {
    if module.variables.values().all(|variable| !variable.ephemeral) {
        return;
    }
    let check = Check { module, locals: locals(module) };
    for resource in module.declared() {
        let Some(kind) = kinds::of_declaration(&resource.kind, resource.is_data) else { continue };
        // Plans and errors show the attributes that data looks for.
        let fields = kind.schema().spec.fields().filter(|_| !resource.is_data);
        for entry in resource.body.entries() {
            let of = fields.and_then(|fields| fields.get(&entry.name));
            check.attribute(&entry.value, of, problems);
        }
        let lifecycle = &resource.lifecycle;
        let settings = [
            &resource.tags,
            &resource.for_each,
            &resource.when,
            &resource.region,
            &resource.account,
            &resource.timeout,
            &resource.name_prefix,
            &lifecycle.protect,
            &lifecycle.create_before_destroy,
            &lifecycle.retain,
        ];
        settings.into_iter().flatten().for_each(|node| check.refuse(node, problems));
        let conditions = resource.preconditions.iter().chain(&resource.postconditions);
        conditions.for_each(|one| check.refuse(&one.message, problems));
    }
    let conditions = module.outputs.values().flat_map(|output| &output.preconditions);
    let conditions = conditions.chain(module.checks.values().flatten());
    conditions.for_each(|one| check.refuse(&one.message, problems));
    module.outputs.values().for_each(|output| check.refuse(&output.value, problems));
}

/// The locals that depend on an ephemeral variable, each with that variable.
fn locals(module: &Module) -> BTreeMap<&str, &str> {
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = Vec::new();
    for (name, entry) in &module.locals {
        for reference in entry.value.references() {
            if let Some(variable) = variable(module, &reference) {
                if found.insert(name, variable).is_none() {
                    open.push(name.as_str());
                }
            } else if reference.root == "local"
                && let Some((used, _)) = reference.name(0).and_then(|used| module.locals.get_key_value(used))
            {
                users.entry(used).or_default().insert(name);
            }
        }
    }
    while let Some(local) = open.pop() {
        let Some(&variable) = found.get(local) else { continue };
        for &user in users.get(local).into_iter().flatten() {
            if !found.contains_key(user) {
                found.insert(user, variable);
                open.push(user);
            }
        }
    }
    found
}

/// The ephemeral variable that a reference names.
fn variable<'s>(module: &'s Module, reference: &Reference) -> Option<&'s str> {
    let name = reference.name(0).filter(|_| reference.root == "var")?;
    let (name, variable) = module.variables.get_key_value(name)?;
    variable.ephemeral.then_some(name.as_str())
}

struct Check<'s> {
    module: &'s Module,
    locals: BTreeMap<&'s str, &'s str>,
}

impl Check<'_> {
    /// Checks a value with its schema; `None` for an attribute that the kind does not have.
    fn attribute(&self, node: &Node, schema: Option<&Schema>, problems: &mut Vec<Diagnostic>) {
        if schema.is_some_and(|schema| schema.marks.write_only) {
            return;
        }
        match (&node.content, schema.map(|schema| &schema.shape)) {
            (Content::Table(entries), shape) => {
                for entry in entries {
                    let of = match shape {
                        Some(Shape::Object { fields, .. }) => fields.get(&entry.name),
                        Some(Shape::Map(element)) => Some(element.as_ref()),
                        _ => None,
                    };
                    self.attribute(&entry.value, of, problems);
                }
            }
            (Content::List(list), shape) => {
                let of = match shape {
                    Some(Shape::List { element, .. }) => Some(element.as_ref()),
                    _ => None,
                };
                list.iter().for_each(|one| self.attribute(one, of, problems));
            }
            _ => self.refuse(node, problems),
        }
    }

    /// Refuses ephemeral values in a node.
    fn refuse(&self, node: &Node, problems: &mut Vec<Diagnostic>) {
        for reference in node.references() {
            let by_local = || {
                let name = reference.name(0).filter(|_| reference.root == "local")?;
                self.locals.get(name).copied()
            };
            let direct = variable(self.module, &reference);
            let Some(name) = direct.or_else(by_local) else { continue };
            let error = Diagnostic::error(
                "ephemeral",
                format!("the variable `{name}` is ephemeral, and would be kept here"),
            )
            .at(reference.span, "neither AWS nor the ledger may keep its value");
            let error = match direct {
                Some(_) => error,
                None => error.note(format!("`{reference}` depends on `var.{name}`")),
            };
            problems.push(error.help(
                "use it only in attributes that AWS never returns, such as a password, and in conditions",
            ));
        }
    }
}
