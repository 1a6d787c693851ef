//! Resolves the names in expressions: variables, locals, resources, account and region.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::model::EvalContext;
use super::view::View;
use crate::diag::{Diagnostic, nearest};
use crate::elsewhere;
use crate::files::Files;
use crate::lang::{Budget, Reference, Scope, Step, descend};
use crate::value::{Unknown, Value};

/// The scope of an expression: the context and, within `for_each`, `each`.
pub(super) struct Names<'w, 'a> {
    eval: &'w EvalContext<'a>,
    each: Option<Value>,
    /// The kind and the view of the resource that a postcondition sees.
    own: Option<(&'w str, &'w Value)>,
}

impl<'w, 'a> Names<'w, 'a> {
    pub(super) fn new(eval: &'w EvalContext<'a>, each: Option<Value>) -> Self {
        Self { eval, each, own: None }
    }

    /// The same, with the resource that is `self`.
    pub(super) fn of_resource(self, kind: &'w str, view: &'w Value) -> Self {
        Self { own: Some((kind, view)), ..self }
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
        if !self.eval.stack.root.locals.contains_key(name) {
            if self.eval.stack.root.unread.contains("local") {
                return Ok((Value::unknown("local", name), reference.steps.len()));
            }
            return Err(Diagnostic::error("unknown-reference", format!("the stack has no local `{name}`"))
                .at(reference.span, "not declared"));
        }
        self.eval.ensure_local(name);
        let found = self.eval.local(name, |local| match local {
            Ok(value) => Ok(descend(value, reference, 1)),
            Err(problem) => Err(problem.clone()),
        });
        // It was evaluated above.
        found.unwrap_or(Ok((Value::Null, 1)))
    }

    fn resource(&self, reference: &Reference) -> Result<(Value, usize), Diagnostic> {
        let name = reference.name(0).unwrap_or_default();
        let address = format!("{}.{name}", reference.root);
        let views = self.eval.views.borrow();
        match views.get(&address) {
            None => Ok((Value::Unknown(Unknown::new(address, "")), reference.steps.len())),
            Some(View::Off) => Err(Diagnostic::error(
                "switched-off",
                format!("there is no `{address}`: its `when` is false"),
            )
            .at(reference.span, "refers to a resource that is disabled")
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
            let error = Diagnostic::error(
                "unknown-attribute",
                format!("{} has no attribute `{name}`", reference.root),
            )
            .help(format!("dwctl explain {}", reference.root));
            let near = meant(&reference.root, name, attributes);
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
    let Some(kind) = crate::kinds::kind(kind) else { return Vec::new() };
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
            "var" => match reference.name(0).and_then(|name| eval.variables.get(name)) {
                Some(value) => Ok(descend(value, reference, 1)),
                None if eval.stack.root.unread.contains("variable") => {
                    Ok((Value::unknown("var", reference.to_string()), reference.steps.len()))
                }
                None => Err(Diagnostic::error(
                    "unknown-reference",
                    format!("the stack has no variable `{reference}`"),
                )
                .at(reference.span, "not declared")),
            },
            "local" => self.local(reference),
            "env" => Ok((text(&eval.stack.env), 0)),
            "stack" => self
                .member(reference, &[("name", text(&eval.stack.name)), ("region", text(&eval.stack.region))]),
            "aws" => {
                let scope = &eval.facts.scope;
                let zones = match &eval.facts.availability_zones {
                    Some(zones) => Value::list(zones.clone()),
                    None => Value::unknown("aws", "availability_zones"),
                };
                self.member(
                    reference,
                    &[
                        ("account_id", text(&scope.account_id)),
                        ("availability_zones", zones),
                        ("partition", text(&scope.partition)),
                        ("region", text(&scope.region)),
                    ],
                )
            }
            "path" => self.member(reference, &[("stack", text(&eval.stack.folder.display().to_string()))]),
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
            _ => self.resource(reference),
        }
    }

    fn files(&self) -> &Files {
        &self.eval.stack.root.files
    }

    fn budget(&self) -> &Budget {
        &self.eval.budget
    }

    fn planned_at(&self) -> Option<&str> {
        Some(&self.eval.planned_at)
    }
}
