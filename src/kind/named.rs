//! Checks the texts of a spec that name something at AWS.

use super::names::{Arn, foreign};
use super::{Known, Names, Problem, Statement, check_statements};
use crate::schema::{Node, Shape};
use crate::value::Value;

/// Checks the names in a spec: their form or, if `region` is given, their location. Unknown and secret
/// values pass.
pub(super) fn check_names(node: &Node, spec: Known<'_>, region: Option<&str>) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(node, None, spec.0, region, String::new(), &mut problems);
    problems
}

fn walk(
    node: &Node,
    names: Option<Names>,
    value: &Value,
    region: Option<&str>,
    path: String,
    problems: &mut Vec<Problem>,
) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    let names = node.names.or(names);
    match (&node.shape, value) {
        (Shape::Policy, policy) => {
            if let Some(region) = region {
                problems.extend(check_statements(policy, &path, |statements| {
                    statements.iter().flat_map(|one| far(one, region)).collect()
                }));
            }
        }
        (Shape::Object { fields, .. }, Value::Map(map)) => {
            for (name, inner) in map {
                if let Some(field) = fields.get(name) {
                    walk(field, None, inner, region, below(name), problems);
                }
            }
        }
        (Shape::Map(element), Value::Map(map)) => {
            for (name, inner) in map {
                walk(element, names, inner, region, below(name), problems);
            }
        }
        (Shape::List { element, .. }, Value::List(list)) => {
            for (place, inner) in list.iter().enumerate() {
                walk(element, names, inner, region, below(&place.to_string()), problems);
            }
        }
        // An empty text counts as absent, or the schema refuses it.
        (Shape::String { .. }, Value::String(text)) if !text.is_empty() => {
            let Some(names) = names else { return };
            let misformed = names.misformed(text, &path);
            problems.extend(match region {
                None => misformed,
                Some(_) if misformed.is_some() => None,
                Some(region) => names.misplaced(text, region, &path),
            });
        }
        _ => {}
    }
}

/// Problems for names of other partitions in a statement: IAM accepts no such principals and, in
/// policies of roles, no such resources.
fn far(statement: &Statement<'_>, region: &str) -> Vec<Problem> {
    let mut texts: Vec<(&str, String)> = Vec::new();
    let mut is_of_resource = false;
    for name in ["Principal", "NotPrincipal"] {
        let Some(principal) = statement.get(name) else { continue };
        is_of_resource = true;
        for kind in ["AWS", "Federated"] {
            let path = format!("{}.{name}.{kind}", statement.path);
            match principal.get(kind) {
                Some(Value::String(text)) => texts.push((text, path)),
                Some(Value::List(list)) => {
                    let places = list.iter().enumerate();
                    texts.extend(
                        places.filter_map(|(place, one)| Some((one.as_str()?, format!("{path}.{place}")))),
                    );
                }
                _ => {}
            }
        }
    }
    if !is_of_resource {
        texts.extend(["Resource", "NotResource"].into_iter().flat_map(|name| statement.texts(name)));
    }
    texts.into_iter().filter_map(|(text, path)| foreign(&Arn::of(text)?, region, &path)).collect()
}
