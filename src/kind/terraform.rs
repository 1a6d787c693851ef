//! What a kind is called in Terraform's AWS provider, so that tools which read Terraform's
//! plans (checkov, conftest, tf-summarize) read ours.

use std::collections::BTreeMap;

use crate::value::Value;

/// Attributes by name: a resource of Terraform, or a block in one.
pub type Block = BTreeMap<String, Value>;

/// A kind in the words of Terraform's AWS provider
/// (<https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs>).
///
/// What is not said here follows from the schema: attributes keep their names, tables become
/// blocks (lists, as Terraform's JSON has them), documents become JSON text. What Terraform
/// lacks is kept under its own name.
#[derive(Clone, Copy)]
pub struct Terraform {
    /// The resource type: `aws_glue_job`.
    pub resource: &'static str,
    /// Attributes of another name there, by dotted path here; elements of lists have no
    /// step of their own: `("metrics.metric_stat", "metric")`.
    pub names: &'static [(&'static str, &'static str)],
    /// What is built otherwise there, from attributes that already have their names and
    /// shapes there; what it returns are settings that are resources of their own there.
    pub arrange: fn(&mut Block) -> Vec<TerraformPart>,
    /// Whether its `id` is the ARN there.
    pub id_is_arn: bool,
}

/// A setting of a resource that is a resource of its own in Terraform.
#[derive(Clone, Debug, PartialEq)]
pub struct TerraformPart {
    /// The resource type: `aws_s3_bucket_versioning`.
    pub resource: &'static str,
    /// What tells it from others of its type, where there may be several.
    pub key: Option<String>,
    /// The attribute that refers to what it is a part of: `bucket`.
    pub parent: &'static str,
    /// Its attributes.
    pub attributes: Block,
}

impl Terraform {
    /// A kind that differs in names alone.
    pub const fn of(resource: &'static str, names: &'static [(&'static str, &'static str)]) -> Self {
        Self { resource, names, arrange: |_| Vec::new(), id_is_arn: false }
    }

    /// As [`Self::of`], and built otherwise.
    pub const fn arranged(self, arrange: fn(&mut Block) -> Vec<TerraformPart>) -> Self {
        Self { arrange, ..self }
    }

    /// As [`Self::of`], and its `id` is the ARN.
    pub const fn called_by_arn(self) -> Self {
        Self { id_is_arn: true, ..self }
    }
}

impl TerraformPart {
    /// A part whose attribute `parent` has the value `of`.
    pub fn new(
        resource: &'static str,
        parent: &'static str,
        of: &Value,
        attributes: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Self {
        let mut all = block(attributes);
        all.insert(parent.to_owned(), of.clone());
        Self { resource, key: None, parent, attributes: all }
    }

    /// One of several, told apart by `key`.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// Attributes by name, without those that are null.
pub fn block(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Block {
    let present = attributes.into_iter().filter(|(_, value)| *value != Value::Null);
    present.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A block as Terraform's JSON has it: a list of one.
pub fn nested(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::List(vec![Value::Map(block(attributes))])
}

/// Takes an attribute out; null where there is none.
pub fn take(block: &mut Block, name: &str) -> Value {
    block.remove(name).unwrap_or_default()
}

/// Takes the one block of this name out.
pub fn take_block(block: &mut Block, name: &str) -> Option<Block> {
    match block.remove(name)? {
        Value::List(mut list) => match list.pop()? {
            Value::Map(map) => Some(map),
            _ => None,
        },
        _ => None,
    }
}

/// Takes the blocks of this name out. What is unknown is not there yet.
pub fn take_blocks(block: &mut Block, name: &str) -> Vec<Block> {
    match block.remove(name) {
        Some(Value::List(list)) => list
            .into_iter()
            .filter_map(|element| match element {
                Value::Map(map) => Some(map),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What a flag is called there; what is unknown stays so.
pub fn word(flag: Value, on: &str, off: &str) -> Value {
    match flag {
        Value::Bool(flag) => Value::from(if flag { on } else { off }),
        other => other,
    }
}

/// A list of the value, if it is one.
pub fn listed(value: Value) -> Value {
    match value {
        Value::Null => Value::List(Vec::new()),
        value => Value::List(vec![value]),
    }
}
