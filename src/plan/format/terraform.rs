//! Resources as Terraform's AWS provider has them, from ours: names, blocks, and settings
//! that are resources of their own there. What each kind is there, the kind says
//! ([`crate::kind::Terraform`]).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::kind::terraform::Block;
use crate::kind::{ErasedKind, Terraform};
use crate::schema::{Node, PathStep, Shape};
use crate::value::Value;

/// What stands for a secret.
pub(super) const MASK: &str = "(secret)";

/// A resource in Terraform's words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resource {
    /// The type: `aws_s3_bucket`.
    pub(super) resource: &'static str,
    /// What tells it from others of its type that are parts of the same.
    pub(super) key: Option<String>,
    /// The attribute that refers to what it is a part of; `None` of the resource itself.
    pub(super) parent: Option<&'static str>,
    /// Its attributes, with unknowns and secrets.
    pub(super) attributes: Value,
}

/// The resources that a spec is in Terraform, the first being the one itself.
pub(super) fn resources(kind: &dyn ErasedKind, spec: &Value, tags: Value, id: Value) -> Vec<Resource> {
    let Terraform { resource, names, arrange } = kind.terraform();
    let mut block = match shaped(Some(&kind.schema().spec), spec, names, "", true) {
        Value::Map(block) => block,
        _ => Block::new(),
    };
    let parts = arrange(&mut block);
    if kind.taggable() {
        block.insert("tags".to_owned(), tags.clone());
        block.insert("tags_all".to_owned(), tags);
    }
    block.insert("id".to_owned(), id.clone());
    let mut all = vec![Resource { resource, key: None, parent: None, attributes: Value::Map(block) }];
    all.extend(parts.into_iter().map(|mut part| {
        part.attributes.retain(|_, value| *value != Value::Null);
        part.attributes.entry(part.parent.to_owned()).or_insert_with(|| id.clone());
        Resource {
            resource: part.resource,
            key: part.key,
            parent: Some(part.parent),
            attributes: Value::Map(part.attributes),
        }
    }));
    all
}

/// A value in the shape that it has in Terraform.
fn shaped(node: Option<&Node>, value: &Value, names: &[(&str, &str)], path: &str, top: bool) -> Value {
    let shape = node.map(|node| &node.shape);
    match (shape, value) {
        (_, Value::Unknown(_) | Value::Secret(_) | Value::Null) => value.clone(),
        (Some(Shape::Policy | Shape::Json), Value::String(_)) => value.clone(),
        (Some(Shape::Policy | Shape::Json), document) => document_text(document),
        (Some(Shape::Object { fields, .. }), Value::Map(map)) => {
            let mut block = Block::new();
            for (name, value) in map {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let there =
                    names.iter().find(|(here, _)| *here == below).map_or(name.as_str(), |(_, there)| there);
                let value = shaped(fields.get(name), value, names, &below, false);
                if value != Value::Null {
                    block.insert(there.to_owned(), value);
                }
            }
            if top { Value::Map(block) } else { Value::List(vec![Value::Map(block)]) }
        }
        (Some(Shape::List { element, .. }), Value::List(list)) => Value::List(
            list.iter()
                .map(|value| match shaped(Some(element), value, names, path, true) {
                    Value::Null => value.clone(),
                    shaped => shaped,
                })
                .collect(),
        ),
        (Some(Shape::Map(element)), Value::Map(map)) => Value::Map(
            map.iter()
                .map(|(name, value)| (name.clone(), shaped(Some(element), value, names, path, false)))
                .collect(),
        ),
        _ => value.clone(),
    }
}

/// A document as text; unknown or secret where a part of it is.
fn document_text(document: &Value) -> Value {
    if let Some(unknown) = document.first_unknown() {
        return Value::Unknown(unknown.clone());
    }
    match document.to_json() {
        Ok(json) => Value::String(json.to_string()),
        Err(_) => Value::from(MASK).into_secret(),
    }
}

/// The path of an attribute in Terraform, as `replace_paths` has it.
pub(super) fn path(kind: &dyn ErasedKind, path: &[PathStep]) -> Json {
    let names = kind.terraform().names;
    let mut dotted = String::new();
    let mut there = Vec::new();
    let mut node = Some(&kind.schema().spec);
    for step in path {
        match step {
            PathStep::Name(name) => {
                if !dotted.is_empty() {
                    dotted.push('.');
                }
                dotted.push_str(name);
                let renamed = names.iter().find(|(here, _)| *here == dotted);
                there.push(Json::from(renamed.map_or(name.as_str(), |(_, there)| there)));
                node = node.and_then(Node::fields).and_then(|fields| fields.get(name));
                if matches!(node.map(|node| &node.shape), Some(Shape::Object { .. })) {
                    there.push(Json::from(0));
                }
            }
            PathStep::Index(index) => there.push(Json::from(*index)),
        }
    }
    // The block as a whole.
    if there.last() == Some(&Json::from(0)) {
        there.pop();
    }
    Json::Array(there)
}

/// Both sides of a resource with everything secret that is secret on either: AWS tells in
/// the open what the stack keeps secret.
pub(crate) fn veiled(node: Option<&Node>, before: &Value, after: &Value) -> (Value, Value) {
    let hide = |value: &Value| match value {
        Value::Null => Value::Null,
        value => value.clone().into_secret(),
    };
    // That all of a place is hidden makes no secret of what stands there besides the secret.
    let cover = |value: &Value| match value {
        Value::Null => Value::Null,
        value => value.clone().enclosed(),
    };
    let both = || (cover(before), cover(after));
    let shape = node.map(|node| &node.shape);
    if matches!(shape, Some(Shape::Secret)) || is_secret(before) || is_secret(after) {
        return (hide(before), hide(after));
    }
    match (before, after) {
        (Value::Map(_) | Value::Null, Value::Map(_) | Value::Null) => {
            let empty = BTreeMap::new();
            let (left, right) = (before.as_map().unwrap_or(&empty), after.as_map().unwrap_or(&empty));
            let (mut one, mut other) = (Block::new(), Block::new());
            let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let node = match shape {
                    Some(Shape::Object { fields, .. }) => fields.get(name),
                    Some(Shape::Map(element)) => Some(element.as_ref()),
                    _ => None,
                };
                let (before, after) = (left.get(name), right.get(name));
                let (hidden, shown) =
                    veiled(node, before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null));
                if before.is_some() {
                    one.insert(name.clone(), hidden);
                }
                if after.is_some() {
                    other.insert(name.clone(), shown);
                }
            }
            let side =
                |value: &Value, block| if value.as_map().is_some() { Value::Map(block) } else { Value::Null };
            (side(before, one), side(after, other))
        }
        (Value::List(_) | Value::Null, Value::List(_) | Value::Null) => {
            let element = match shape {
                Some(Shape::List { element, .. }) => Some(element.as_ref()),
                _ => None,
            };
            let alone = |value: &Value| match value {
                Value::List(list) => {
                    Value::List(list.iter().map(|one| veiled(element, one, &Value::Null).0).collect())
                }
                other => other.clone(),
            };
            let (left, right) = (alone(before), alone(after));
            // Which element of the one is which of the other, nothing tells.
            if left.contains_secret() || right.contains_secret() {
                let open = left == Value::Null || right == Value::Null;
                return if open { (left, right) } else { both() };
            }
            (left, right)
        }
        _ if before.contains_secret() || after.contains_secret() => both(),
        _ => (before.clone(), after.clone()),
    }
}

fn is_secret(value: &Value) -> bool {
    matches!(value, Value::Secret(_))
}

/// A value as Terraform's JSON tells it: what is known of it, where it is unknown, and
/// where it is secret.
pub(super) struct Sides {
    pub(super) known: Json,
    pub(super) unknown: Json,
    pub(super) sensitive: Json,
}

/// The three trees of a value.
pub(super) fn sides(value: &Value) -> Sides {
    let plain = |known| Sides { known, unknown: Json::Bool(false), sensitive: Json::Bool(false) };
    match value {
        Value::Unknown(_) => {
            Sides { known: Json::Null, unknown: Json::Bool(true), sensitive: Json::Bool(false) }
        }
        Value::Secret(inner) if inner.contains_unknown() => {
            Sides { known: Json::Null, unknown: Json::Bool(true), sensitive: Json::Bool(true) }
        }
        Value::Secret(_) => {
            Sides { known: Json::from(MASK), unknown: Json::Bool(false), sensitive: Json::Bool(true) }
        }
        Value::List(list) => {
            let mut sides_of: Sides = Sides { known: json!([]), unknown: json!([]), sensitive: json!([]) };
            for value in list {
                let Sides { known, unknown, sensitive } = sides(value);
                for (tree, value) in [
                    (&mut sides_of.known, known),
                    (&mut sides_of.unknown, unknown),
                    (&mut sides_of.sensitive, sensitive),
                ] {
                    if let Json::Array(tree) = tree {
                        tree.push(value);
                    }
                }
            }
            sides_of
        }
        Value::Map(map) => {
            let (mut all, mut open, mut hidden) = (Map::new(), Map::new(), Map::new());
            for (name, value) in map {
                let Sides { known, unknown, sensitive } = sides(value);
                if unknown != Json::Bool(true) {
                    all.insert(name.clone(), known);
                }
                if unknown != Json::Bool(false) {
                    open.insert(name.clone(), unknown);
                }
                if sensitive != Json::Bool(false) {
                    hidden.insert(name.clone(), sensitive);
                }
            }
            Sides { known: Json::Object(all), unknown: Json::Object(open), sensitive: Json::Object(hidden) }
        }
        plain_value => plain(plain_value.to_json().unwrap_or_default()),
    }
}
