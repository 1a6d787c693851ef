//! Settings that must be known at plan time: `when`, `for_each`, `region`, flags.

use std::collections::BTreeSet;

use super::model::{EvalContext, Instance};
use super::resolve::Names;
use super::scopes::static_name_of;
use crate::diag::{Diagnostic, Span, a};
use crate::lang::{Scope, Step};
use crate::limits;
use crate::stack::Node;
use crate::value::Value;

impl EvalContext<'_> {
    /// Checks that the entries of `replace_triggered_by` name resources that are declared, as far as that is
    /// known: an entry that names none would never replace anything. Returns false if there is a problem.
    pub(super) fn check_triggers(
        &self,
        instance: &Instance<'_>,
        names: &Names<'_, '_>,
        problems: &mut Vec<Diagnostic>,
    ) -> bool {
        let before = problems.len();
        for trigger in instance.triggers() {
            // An `each` that has no value here.
            let each = trigger.steps.iter().find_map(|step| match step {
                Step::Each(each) => Some(&**each),
                _ => None,
            });
            let problem = names.resolve(each.unwrap_or(&trigger)).err();
            problems.extend(problem.filter(|problem| each.is_some() || problem.code == "unknown-key"));
        }
        problems.len() == before
    }

    /// The elements of a `for_each` by key; `None` if there is a problem.
    pub(super) fn elements(
        &self,
        node: &Node,
        names: &Names<'_, '_>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Vec<(String, Value)>> {
        let expected = "a list of strings or a map";
        let take = |value: Value| if shows_secret(&value) { Ok(None) } else { elements(value).map(Some) };
        match self.decided("for_each", expected, node, names, problems, take)? {
            Some(elements) if elements.len() <= limits::RESOURCES => Some(elements),
            Some(_) => {
                problems.push(too_many(node.span));
                None
            }
            None => {
                problems.push(
                    Diagnostic::error("secret-for-each", "`for_each` would show a secret")
                        .at(node.span, "its keys become addresses, which are shown")
                        .help("iterate over names that are not secret; their values may be secret"),
                );
                None
            }
        }
    }

    /// The value of a setting that must be known at plan time. `None` if it is not known; this is
    /// reported, unless it follows from another problem.
    pub(super) fn decided<T>(
        &self,
        what: &str,
        expected: &str,
        node: &Node,
        names: &Names<'_, '_>,
        problems: &mut Vec<Diagnostic>,
        take: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Option<T> {
        let before = problems.len();
        match take(node.evaluate(names, problems)) {
            Ok(taken) => Some(taken),
            Err(other) => {
                if problems.len() == before && !self.follows(&other) {
                    problems.push(undecided(what, expected, &other, node));
                }
                None
            }
        }
    }

    /// Returns whether a value is unknown because of another problem.
    pub(super) fn follows(&self, value: &Value) -> bool {
        let Some(unknown) = value.first_unknown() else { return false };
        if self.awaits(&unknown.address) {
            return true;
        }
        let declaration = static_name_of(&unknown.address);
        let is_known = || declaration == "aws" || self.references.declares(&declaration);
        self.faulty.borrow().contains(&declaration) || self.has_faults && !is_known()
    }
}

pub(super) fn undecided(what: &str, expected: &str, value: &Value, node: &Node) -> Diagnostic {
    match value.first_unknown() {
        Some(unknown) => {
            Diagnostic::error("undecided", format!("`{what}` must be known before anything is created"))
                .at(
                    node.span,
                    match unknown.attribute.as_str() {
                        "" => format!("depends on {}", unknown.address),
                        attribute => format!("depends on {}.{attribute}", unknown.address),
                    },
                )
                .help("use names and variables here, not values that AWS assigns")
        }
        None => {
            let what = format!("`{what}` must be {expected}, not {}", value.kind_name());
            let error = Diagnostic::error("wrong-type", what).at(node.span, format!("expected {expected}"));
            // In a list that could be valid, find the element that is not.
            let elements = value.as_list().unwrap_or_default().iter().enumerate();
            match elements.into_iter().find(|(_, one)| one.as_str().is_none()) {
                Some((place, one)) if expected.contains("list of strings") => {
                    let error = error.note(format!("its element {place} is {}", is_a(one)));
                    match one {
                        Value::Number(_) | Value::Bool(_) => {
                            error.help("convert them to strings: \"${[for one in LIST : tostring(one)]}\"")
                        }
                        Value::Null => {
                            error.help("remove nulls: \"${[for one in LIST : one if one != null]}\"")
                        }
                        _ => error.help("if elements are more than names, use a map: its keys are the names"),
                    }
                }
                _ => error,
            }
        }
    }
}

/// `null`, `a number`.
fn is_a(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        other => a(other.kind_name()),
    }
}

/// The bool in a value; the value itself as the error if it is none.
pub(super) fn to_flag(value: Value) -> Result<bool, Value> {
    match value.reveal() {
        Value::Bool(flag) => Ok(flag),
        other => Err(other),
    }
}

pub(super) fn too_many(span: Span) -> Diagnostic {
    let what = format!("the stack has more than {} resources", limits::RESOURCES);
    Diagnostic::error("too-many", what)
        .at(span, "the limit is reached here")
        .help("split it into several stacks")
}

/// Returns whether iterating over the value would show secret keys.
fn shows_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::List(list) => list.iter().any(Value::contains_secret),
        _ => false,
    }
}

/// The elements of a `for_each` by key; the value itself as the error if it has none.
fn elements(value: Value) -> Result<Vec<(String, Value)>, Value> {
    match value {
        Value::Map(map) => Ok(map.into_iter().collect()),
        Value::List(list) => {
            let keys: Option<BTreeSet<String>> =
                list.iter().map(|key| key.as_str().map(str::to_owned)).collect();
            match keys {
                Some(keys) => Ok(keys.into_iter().map(|key| (key.clone(), Value::String(key))).collect()),
                None => Err(Value::List(list)),
            }
        }
        other => Err(other),
    }
}
