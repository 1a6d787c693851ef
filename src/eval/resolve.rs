//! Resolves the names in expressions: variables, locals, resources, account and region.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::model::{EvalContext, Instance};
use super::scopes::ScopeId;
use super::view::{View, is_unreadable};
use crate::diag::{Diagnostic, nearest};
use crate::elsewhere;
use crate::files::Files;
use crate::graph::{Address, ModulePath};
use crate::lang::{Budget, Reference, Scope, Step, descend};
use crate::stack::Module;
use crate::value::{Unknown, Value};

/// The scope of an expression: the context, the module instance that it is in and, within `for_each`,
/// `each`.
pub(super) struct Names<'w, 'a> {
    eval: &'w EvalContext<'a>,
    scope: ScopeId,
    path: ModulePath,
    each: Option<Value>,
    /// The kind and the view of the resource that a postcondition sees.
    own: Option<(&'w str, &'w Value)>,
}

impl<'w, 'a> Names<'w, 'a> {
    /// The scope of the stack itself.
    pub(super) fn root(eval: &'w EvalContext<'a>) -> Self {
        Self { eval, scope: ScopeId::default(), path: ModulePath::default(), each: None, own: None }
    }

    /// The scope of a resource.
    pub(super) fn of(eval: &'w EvalContext<'a>, instance: &Instance<'_>, each: Option<Value>) -> Self {
        Self { eval, scope: instance.scope, path: instance.address.module.clone(), each, own: None }
    }

    /// The scope of a module instance.
    pub(super) fn within(
        eval: &'w EvalContext<'a>,
        scope: ScopeId,
        path: &ModulePath,
        each: Option<Value>,
    ) -> Self {
        Self { eval, scope, path: path.clone(), each, own: None }
    }

    /// The same, with the resource that is `self`.
    pub(super) fn of_resource(self, kind: &'w str, view: &'w Value) -> Self {
        Self { own: Some((kind, view)), ..self }
    }

    fn module(&self) -> &'a Module {
        self.eval.references.scopes.get(self.scope).module
    }

    /// `stack` or `module`, for messages.
    fn whose(&self) -> &'static str {
        if self.path.is_root() { "stack" } else { "module" }
    }

    /// Resolves one of a few fixed names below a root.
    fn member(&self, reference: &Reference, members: &[(&str, Value)]) -> Result<(Value, usize), Diagnostic> {
        let Some(name) = reference.name(0) else {
            let all = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            return Ok((Value::Map(all), 0));
        };
        match members.iter().find(|(member, _)| *member == name) {
            Some((_, value)) => Ok((value.clone(), 1)),
            None => Err(Diagnostic::error("unknown-name", format!("`{}` has no `{name}`", reference.root))
                .at(
                    reference.span,
                    format!(
                        "known: {}",
                        members.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
                    ),
                )),
        }
    }

    fn local(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let Some(name) = reference.name(0) else {
            return Err(Diagnostic::error("invalid-reference", "`local` is not a value by itself")
                .at(reference.span, "write local.NAME"));
        };
        let Some(&value) = self.eval.references.names(self.scope).locals.get(name) else {
            if self.module().unread.contains("local") {
                return Ok((Value::unknown("local", name), reference.steps.len()));
            }
            let what = format!("the {} has no local `{name}`", self.whose());
            return Err(Diagnostic::error("unknown-reference", what).at(reference.span, "not declared"));
        };
        self.named(value, &self.path, reference, 1)
    }

    /// A named value of a module instance, from step `at` of the reference on.
    fn named(
        &self,
        value: usize,
        path: &ModulePath,
        reference: &Reference,
        at: usize,
    ) -> Result<(Value, usize), Diagnostic> {
        self.eval.ensure(value, path);
        let found = self.eval.named(value, path, |found| match found {
            Ok(value) => Ok(descend(value, reference, at)),
            Err(problem) => Err(problem.clone()),
        });
        // It was evaluated above.
        found.unwrap_or(Ok((Value::Null, at)))
    }

    fn variable(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let name = reference.name(0).unwrap_or_default();
        if let Some(&input) = self.eval.references.names(self.scope).inputs.get(name) {
            return self.named(input, &self.path, reference, 1);
        }
        match self.eval.variables.get(name).filter(|_| self.path.is_root()) {
            Some(value) => Ok(descend(value, reference, 1)),
            None if self.module().unread.contains("variable") => {
                Ok((Value::unknown("var", reference.to_string()), reference.steps.len()))
            }
            None => Err(Diagnostic::error(
                "unknown-reference",
                format!("the {} has no variable `{reference}`", self.whose()),
            )
            .at(reference.span, "not declared")),
        }
    }

    /// An output of a module, or all that its instances return.
    fn called(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let eval = self.eval;
        let name = reference.name(0).unwrap_or_default();
        let unknown = |scope| Ok((eval.unknown_module(scope), reference.steps.len()));
        let scope = eval.references.scopes.get(self.scope);
        let Some(&child) = scope.children.get(name) else {
            let what = format!("the {} has no module `{name}`", self.whose());
            // Its source could not be read, which was reported.
            if self.module().calls.contains_key(name) {
                return unknown(self.scope);
            }
            return Err(Diagnostic::error("unknown-reference", what).at(reference.span, "not declared"));
        };
        let Some(instances) = eval.references.names(child).instances else { return unknown(child) };
        eval.ensure(instances, &self.path);
        let keys = eval.named(instances, &self.path, |found| match found {
            Ok(Value::Map(each)) => Ok(Some(each.keys().cloned().collect::<Vec<String>>())),
            Ok(Value::Bool(true)) => Ok(None),
            Ok(Value::Bool(false)) => Err(Some(
                Diagnostic::error(
                    "switched-off",
                    format!("there is no `module.{name}`: its `when` is false"),
                )
                .at(reference.span, "refers to a module that is disabled")
                .help("use try(…, null), or the same condition here"),
            )),
            // Undecided because of another problem.
            Ok(_) => Err(None),
            Err(problem) => Err(Some(problem.clone())),
        });
        let keys = match keys {
            Some(Ok(keys)) => keys,
            Some(Err(Some(problem))) => return Err(problem),
            Some(Err(None)) | None => return unknown(child),
        };
        let output = |key: Option<String>, at: usize| {
            let path = self.path.child(name, key);
            let outputs = &eval.references.names(child).outputs;
            match reference.name(at) {
                None => Ok((eval.outputs_of(child, &path)?, at)),
                Some(output) => match outputs.get(output) {
                    Some(&value) => self.named(value, &path, reference, at + 1),
                    None => {
                        let what = format!("the module `{name}` has no output `{output}`");
                        let error = Diagnostic::error("unknown-reference", what);
                        Err(match nearest(output, outputs.keys().copied()) {
                            Some(near) => error.at(reference.span, format!("did you mean `{near}`?")),
                            None => error.at(reference.span, "not declared"),
                        })
                    }
                },
            }
        };
        let Some(keys) = keys else { return output(None, 1) };
        let whole = format!("module.{name}");
        match reference.steps.get(1) {
            Some(Step::Index(Value::String(key)) | Step::Attribute(key)) if keys.contains(key) => {
                output(Some(key.clone()), 2)
            }
            Some(Step::Index(Value::Number(number))) if keys.contains(&number.to_string()) => {
                output(Some(number.to_string()), 2)
            }
            Some(Step::Attribute(key)) if eval.references.names(child).outputs.contains_key(key.as_str()) => {
                let what = format!("`{whole}` has a `for_each`: it is one module for each key");
                let first = keys.first().map(String::as_str).unwrap_or_default();
                Err(Diagnostic::error("unknown-key", what)
                    .at(reference.span, format!("write {whole}[\"{first}\"].{key}"))
                    .help(format!("for all of them: [for one in values({whole}) : one.{key}]")))
            }
            Some(Step::Index(Value::String(key)) | Step::Attribute(key)) => {
                let error = Diagnostic::error("unknown-key", format!("`{whole}` has no instance \"{key}\""));
                Err(match nearest(key, keys.iter().map(String::as_str)) {
                    Some(near) => error.at(reference.span, format!("did you mean \"{near}\"?")),
                    None => error.at(reference.span, format!("its keys are {}", some(keys.into_iter()))),
                })
            }
            Some(Step::Index(Value::Number(_))) => {
                let error = Diagnostic::error("unknown-key", format!("`{whole}` has keys, not positions"));
                let keys = keys.into_iter().map(|key| format!("[\"{key}\"]"));
                Err(error.at(reference.span, format!("its keys are {}", some(keys))))
            }
            Some(Step::Index(_) | Step::Each(_)) | None => {
                let all = keys.into_iter().map(|key| {
                    let path = self.path.child(name, Some(key.clone()));
                    Ok((key, eval.outputs_of(child, &path)?))
                });
                Ok((Value::Map(all.collect::<Result<_, Diagnostic>>()?), 1))
            }
        }
    }

    /// An output of another stack, or all that this one refers to.
    fn other(&self, reference: &Reference) -> (Value, usize) {
        let name = reference.name(0).unwrap_or_default();
        let unknown = |output| Value::unknown(format!("stack_output.{name}"), output);
        let Some(outputs) = self.eval.facts.others.get(name) else {
            return (unknown(reference.name(1).unwrap_or_default()), reference.steps.len());
        };
        match reference.name(1) {
            None => (Value::Map(outputs.clone()), 1),
            Some(output) => match outputs.get(output) {
                Some(value) => descend(value, reference, 2),
                None => (unknown(output), reference.steps.len()),
            },
        }
    }

    fn resource(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let name = reference.name(0).unwrap_or_default();
        let address = format!("{}.{name}", reference.root);
        let views = self.eval.views.borrow();
        let index = self.eval.references.index(self.scope, &reference.root, name);
        match index.and_then(|index| views.get(&(index, self.path.clone()))) {
            None => {
                let whole = if self.path.is_root() { address } else { format!("{}.{address}", self.path) };
                Ok((Value::Unknown(Unknown::new(whole, "")), reference.steps.len()))
            }
            Some(View::Off) => Err(Diagnostic::error(
                "switched-off",
                format!("there is no `{address}`: its `when` is false"),
            )
            .at(
                reference.span,
                match reference.root.starts_with(Address::DATA) {
                    true => "refers to data that is disabled",
                    false => "refers to a resource that is disabled",
                },
            )
            .help("use try(…, null), or the same condition here")),
            Some(View::One(view)) => attribute(view, reference, 1),
            Some(View::Each(each)) => match reference.steps.get(1) {
                Some(Step::Index(Value::String(key)) | Step::Attribute(key)) => match each.get(key) {
                    Some(view) => attribute(view, reference, 2),
                    // All have the same attributes.
                    None if each
                        .values()
                        .find(|view| view.as_map().is_some())
                        .is_some_and(|view| view.get(key).is_some()) =>
                    {
                        let first = each.keys().next().map(String::as_str).unwrap_or_default();
                        let what = format!("`{address}` has a `for_each`: it is one resource for each key");
                        Err(Diagnostic::error("unknown-key", what)
                            .at(reference.span, format!("write {address}[\"{first}\"].{key}"))
                            .help(format!("for all of them: [for one in values({address}) : one.{key}]")))
                    }
                    None => {
                        let error =
                            Diagnostic::error("unknown-key", format!("`{address}` has no element \"{key}\""));
                        Err(match nearest(key, each.keys().map(String::as_str)) {
                            Some(near) => error.at(reference.span, format!("did you mean \"{near}\"?")),
                            None => error
                                .at(reference.span, format!("its keys are {}", some(each.keys().cloned()))),
                        })
                    }
                },
                Some(Step::Index(Value::Number(number))) => match each.get(&number.to_string()) {
                    Some(view) => attribute(view, reference, 2),
                    None => {
                        let error =
                            Diagnostic::error("unknown-key", format!("`{address}` has keys, not positions"));
                        let keys = each.keys().map(|key| format!("[\"{key}\"]"));
                        Err(error.at(reference.span, format!("its keys are {}", some(keys))))
                    }
                },
                Some(Step::Index(_) | Step::Each(_)) | None => Ok((Value::Map(each.clone()), 1)),
            },
        }
    }
}

/// Maximum number of keys shown of a collection.
const SHOWN: usize = 20;

/// The keys of a collection, if there are few; otherwise the first of them.
fn some(keys: impl ExactSizeIterator<Item = String>) -> String {
    let more = keys.len().saturating_sub(SHOWN);
    let shown = keys.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The attribute that step `at` of the reference names, or the whole view without one.
fn attribute(view: &Value, reference: &Reference, at: usize) -> Result<(Value, usize), Diagnostic> {
    let (Value::Map(attributes), Some(name)) = (view, reference.name(at)) else {
        return Ok((view.clone(), at.min(reference.steps.len())));
    };
    match attributes.get(name) {
        Some(value) => Ok((value.clone(), at + 1)),
        None => {
            let kind = reference.root.strip_prefix(Address::DATA).unwrap_or(&reference.root);
            let is_unreadable = kind != reference.root
                && crate::kinds::data_kind(kind).is_some_and(|kind| is_unreadable(kind, name));
            if is_unreadable {
                let what = format!("AWS does not return `{name}` of {kind}");
                return Err(Diagnostic::error("unknown-attribute", what)
                    .at(reference.span, "only the stack that owns it knows it"));
            }
            let error = Diagnostic::error("unknown-attribute", format!("{kind} has no attribute `{name}`"))
                .help(format!("dwctl explain {kind}"));
            let near = meant(kind, name, attributes);
            Err(if near.is_empty() {
                error.at(reference.span, "no such attribute")
            } else {
                error.at(reference.span, elsewhere::did_you_mean(&near))
            })
        }
    }
}

/// Suggestions for an attribute that a resource does not have, whether declared or decided by AWS.
fn meant(kind: &str, name: &str, attributes: &BTreeMap<String, Value>) -> Vec<String> {
    let Some(kind) = crate::kinds::data_kind(kind) else { return Vec::new() };
    if name == "id" && kind.terraform().id_is_arn && attributes.contains_key("arn") {
        return vec!["arn".to_owned()];
    }
    // Terraform's `id` of a resource with an assigned id: `vpc_id` of a VPC.
    if name == "id" && kind.assigns_ids() {
        let decided = kind.schema().attrs.fields().into_iter().flatten().map(|(name, _)| name);
        let mut ids = decided.filter(|name| name.ends_with("_id"));
        let thing = kind.name().rsplit('_').next().unwrap_or_default();
        if let Some(id) = ids.clone().find(|id| id.starts_with(thing)).or_else(|| ids.next()) {
            return vec![id.clone()];
        }
    }
    let near = nearest(name, attributes.keys().map(String::as_str));
    if let Some(near) = near.filter(|near| strsim::osa_distance(name, near) <= 2) {
        return vec![near.to_owned()];
    }
    let mut all = elsewhere::attributes_like(kind, "", name);
    if all.is_empty() {
        all.extend(near.map(str::to_owned));
    }
    all
}

impl Scope for Names<'_, '_> {
    fn resolve(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let eval = self.eval;
        let text = |text: &str| Value::String(text.to_owned());
        let reference = &*match &self.each {
            Some(each) => reference.within(each),
            None => Cow::Borrowed(reference),
        };
        match reference.root.as_str() {
            "var" => self.variable(reference),
            "local" => self.local(reference),
            "module" => self.called(reference),
            "env" => Ok((text(&eval.stack.env), 0)),
            "stack" => self
                .member(reference, &[("name", text(&eval.stack.name)), ("region", text(&eval.stack.region))]),
            "aws" => {
                let home = eval.home(&self.path);
                let of_account = home.name.as_ref().and_then(|name| eval.facts.accounts.get(name));
                let (scope, zones) = match of_account {
                    Some(of) => (&of.scope, &of.availability_zones),
                    None => (&eval.facts.scope, &eval.facts.availability_zones),
                };
                let zones = match zones {
                    Some(zones) => Value::list(zones.clone()),
                    None => Value::unknown("aws", "availability_zones"),
                };
                let accounts = eval.facts.accounts.iter().map(|(name, of)| {
                    let of = [
                        ("account_id", text(&of.scope.account_id)),
                        ("partition", text(&of.scope.partition)),
                        ("region", text(&of.scope.region)),
                    ];
                    (name.as_str(), Value::map(of))
                });
                self.member(
                    reference,
                    &[
                        ("account_id", text(&scope.account_id)),
                        ("accounts", Value::map(accounts)),
                        ("availability_zones", zones),
                        ("partition", text(&scope.partition)),
                        ("region", text(&scope.region)),
                    ],
                )
            }
            // `file` reads from the folder of the module itself.
            "path" => self.member(
                reference,
                &[("module", text(".")), ("stack", text(&eval.stack.folder.display().to_string()))],
            ),
            "each" => match (&self.each, reference.name(0)) {
                (Some(Value::Map(each)), Some(name)) if each.contains_key(name) => {
                    Ok(descend(self.each.as_ref().unwrap_or(&Value::Null), reference, 0))
                }
                (Some(each), _) => {
                    let of = |name: &str| each.get(name).cloned().unwrap_or(Value::Null);
                    self.member(reference, &[("key", of("key")), ("value", of("value"))])
                }
                (None, _) => {
                    Err(Diagnostic::error("invalid-reference", "`each` is for resources with `for_each`")
                        .at(reference.span, "there is no `for_each` here"))
                }
            },
            "self" => match self.own {
                Some((kind, view)) => {
                    attribute(view, &Reference { root: kind.to_owned(), ..reference.clone() }, 0)
                }
                None => {
                    Err(Diagnostic::error("invalid-reference", "`self` is known in postconditions alone")
                        .at(reference.span, "there is no `self` here"))
                }
            },
            "stack_output" => Ok(self.other(reference)),
            "data" => {
                // The kind is a step of its own here.
                let (value, taken) = self.resource(&reference.of_data())?;
                Ok((value, (taken + 1).min(reference.steps.len())))
            }
            _ => self.resource(reference),
        }
    }

    fn files(&self) -> &Files {
        &self.module().files
    }

    fn budget(&self) -> &Budget {
        &self.eval.budget
    }

    fn planned_at(&self) -> Option<&str> {
        Some(&self.eval.planned_at)
    }
}
