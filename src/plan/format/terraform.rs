//! Converts our resources to those of Terraform's AWS provider: names, blocks, and settings that
//! are resources of their own there. Each kind says what it is there ([`crate::kind::Terraform`]).

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use crate::graph::{Address, ModulePath};
use crate::kind::terraform::Block;
use crate::kind::{ErasedKind, Terraform};
use crate::kinds;
use crate::plan::Change;
use crate::schema::{Document, Node, PathStep, Shape};
use crate::value::Value;

/// The text in place of a secret.
pub(super) const MASK: &str = "(secret)";

/// A Terraform resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resource {
    /// The type: `aws_s3_bucket`.
    pub(super) resource: &'static str,
    /// The key that distinguishes it from other resources of its type with the same parent.
    pub(super) key: Option<String>,
    /// The attribute that refers to its parent; `None` for the main resource.
    pub(super) parent: Option<&'static str>,
    /// Its attributes, including unknown values and secrets.
    pub(super) attributes: Value,
}

/// Converts a spec to Terraform resources, the main one first.
pub(super) fn resources(kind: &dyn ErasedKind, spec: &Value, tags: Value, id: Value) -> Vec<Resource> {
    let Terraform { resource, names, arrange, .. } = kind.terraform();
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

/// Converts a value to the shape that it has in Terraform.
fn shaped(node: Option<&Node>, value: &Value, names: &[(&str, &str)], path: &str, top: bool) -> Value {
    let shape = node.map(|node| &node.shape);
    match (shape, value) {
        (_, Value::Unknown(_) | Value::Secret(_) | Value::Null) => value.clone(),
        (Some(Shape::Policy | Shape::Json), Value::String(_)) => value.clone(),
        (Some(Shape::Policy | Shape::Json), document) => document_text(document),
        (_, document) if node.is_some_and(is_text) => document_text(document),
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

/// Returns whether a table is JSON text in Terraform.
fn is_text(node: &Node) -> bool {
    node.document == Some(Document::Json)
}

/// A document as text; unknown or secret if a part of it is.
fn document_text(document: &Value) -> Value {
    if let Some(unknown) = document.first_unknown() {
        return Value::Unknown(unknown.clone());
    }
    match document.to_json() {
        Ok(json) => Value::String(json.to_string()),
        Err(_) => Value::from(MASK).into_secret(),
    }
}

/// The path of an attribute in Terraform, as in `replace_paths`.
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
                if node.is_some_and(is_text) {
                    break;
                }
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

/// The Terraform address of a resource with a Terraform type.
pub(super) fn address(module: &ModulePath, resource: &str, name: &str, key: Option<&str>) -> String {
    let address = Address::new(resource, name, key.map(str::to_owned));
    Address { module: module.clone(), ..address }.to_string()
}

/// The possible targets of a resource's references: its dependencies, by the values that AWS
/// returned for them.
#[derive(Default)]
pub(super) struct Referred {
    /// The address of the resource itself. References to it are left out, because attributes that
    /// AWS decides are not configured.
    own: String,
    /// The module that it is in, which names in it do not repeat.
    module: ModulePath,
    /// Ids and other texts, each with the attribute that has this value, and its resource, as
    /// references.
    known: HashMap<String, [String; 2]>,
}

impl Referred {
    pub(super) fn new<'c>(own: &Address, needed: impl Iterator<Item = &'c Change>) -> Self {
        let mut known = HashMap::new();
        for change in needed {
            let Some(kind) = kinds::kind(&change.address.kind) else { continue };
            let live = change.live.as_ref().and_then(|live| live.attrs.as_map());
            let decided =
                live.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
            for (attribute, value) in decided.chain(change.id.as_deref().map(|id| ("id", id))) {
                let refers = || reference(kind, &change.address, attribute, &own.module);
                known.entry(value.to_owned()).or_insert_with(refers);
            }
        }
        Self { own: own.to_string(), module: own.module.clone(), known }
    }
}

/// Terraform references to an attribute of a resource, and to the resource, from a module.
fn reference(kind: &dyn ErasedKind, there: &Address, attribute: &str, from: &ModulePath) -> [String; 2] {
    let Terraform { resource, names, .. } = kind.terraform();
    let module = if there.module == *from { ModulePath::default() } else { there.module.clone() };
    let whole = address(&module, resource, &there.name, there.key.as_deref());
    let attribute = names.iter().find(|(here, _)| *here == attribute).map_or(attribute, |(_, it)| it);
    [if attribute.is_empty() { whole.clone() } else { format!("{whole}.{attribute}") }, whole]
}

/// The attributes of a block that refer to other resources. `after` lacks values that are only
/// known after the apply, so tools see here that such an attribute is set, as in Terraform's own
/// plans.
pub(super) fn expressions(attributes: &Value, referred: &Referred) -> Map<String, Json> {
    let all = attributes.as_map().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), expression(value, referred)?))).collect()
}

fn expression(value: &Value, referred: &Referred) -> Option<Json> {
    match value {
        Value::List(blocks) if !blocks.is_empty() && blocks.iter().all(|one| one.as_map().is_some()) => {
            let blocks: Vec<Map<String, Json>> =
                blocks.iter().map(|block| expressions(block, referred)).collect();
            blocks.iter().any(|block| !block.is_empty()).then(|| json!(blocks))
        }
        value => {
            let mut references = Vec::new();
            refer(value, referred, &mut references);
            (!references.is_empty()).then(|| json!({ "references": references }))
        }
    }
}

/// Collects each attribute that a value refers to, followed by its resource.
fn refer(value: &Value, referred: &Referred, references: &mut Vec<String>) {
    let list = match value {
        Value::Unknown(unknown) if unknown.address == referred.own => None,
        Value::Unknown(unknown) => unknown.address.parse::<Address>().ok().and_then(|there| {
            Some(reference(kinds::kind(&there.kind)?, &there, &unknown.attribute, &referred.module))
        }),
        Value::String(text) => referred.known.get(text).cloned(),
        Value::Secret(inner) => return refer(inner, referred, references),
        Value::List(list) => return list.iter().for_each(|one| refer(one, referred, references)),
        Value::Map(map) => return map.values().for_each(|one| refer(one, referred, references)),
        _ => None,
    };
    for one in list.into_iter().flatten() {
        if !references.contains(&one) {
            references.push(one);
        }
    }
}

/// A value as in Terraform's JSON: the known parts, which parts are unknown, and which are secret.
pub(super) struct Sides {
    pub(super) known: Json,
    pub(super) unknown: Json,
    pub(super) sensitive: Json,
}

/// Splits a value into these three trees.
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
