//! The equivalent of a kind in Terraform's AWS provider, so that tools that read Terraform's plans
//! (checkov, conftest, tf-summarize) can read ours.

use std::collections::BTreeMap;

use crate::value::Value;

/// Attributes by name, of a resource in Terraform or a block in one.
pub type Block = BTreeMap<String, Value>;

/// The mapping of a kind to Terraform's AWS provider
/// (<https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs>).
///
/// The rest follows from the schema: attributes keep their names, tables become blocks (lists, as in
/// Terraform's JSON), documents become JSON text. Attributes that Terraform lacks keep their own
/// names.
#[derive(Clone, Copy)]
pub struct Terraform {
    /// The resource type: `aws_glue_job`.
    pub resource: &'static str,
    /// Attributes with another name there: the dotted path here, and the name there. Elements of lists
    /// are no step of the path: `("metrics.metric_stat", "metric")`.
    pub names: &'static [(&'static str, &'static str)],
    /// Restructures attributes that already have the names and shapes of Terraform. It returns settings
    /// that are separate resources in Terraform.
    pub arrange: fn(&mut Block) -> Vec<TerraformPart>,
    /// True if `id` is the ARN in Terraform.
    pub id_is_arn: bool,
}

/// A setting of a resource that is a separate resource in Terraform.
#[derive(Clone, Debug, PartialEq)]
pub struct TerraformPart {
    /// The resource type: `aws_s3_bucket_versioning`.
    pub resource: &'static str,
    /// Distinguishes it from others of its type, if there may be several.
    pub key: Option<String>,
    /// The attribute that refers to the parent resource: `bucket`.
    pub parent: &'static str,
    /// Its attributes.
    pub attributes: Block,
}

impl Terraform {
    /// A kind that differs only in names.
    pub const fn of(resource: &'static str, names: &'static [(&'static str, &'static str)]) -> Self {
        Self { resource, names, arrange: |_| Vec::new(), id_is_arn: false }
    }

    /// Adds restructuring; see [`Self::arrange`].
    pub const fn arranged(self, arrange: fn(&mut Block) -> Vec<TerraformPart>) -> Self {
        Self { arrange, ..self }
    }

    /// Declares that `id` is the ARN in Terraform.
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

    /// Makes it one of several, distinguished by `key`.
    #[must_use]
    pub fn keyed(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// A block of these attributes, without nulls.
pub fn block(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Block {
    let present = attributes.into_iter().filter(|(_, value)| *value != Value::Null);
    present.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A block in Terraform's JSON: a list of one.
pub fn nested(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::List(vec![Value::Map(block(attributes))])
}

/// Removes and returns an attribute; null if there is none.
pub fn take(block: &mut Block, name: &str) -> Value {
    block.remove(name).unwrap_or_default()
}

/// Removes and returns the single block with this name.
pub fn take_block(block: &mut Block, name: &str) -> Option<Block> {
    match block.remove(name)? {
        Value::List(mut list) => match list.pop()? {
            Value::Map(map) => Some(map),
            _ => None,
        },
        _ => None,
    }
}

/// Removes and returns the blocks with this name. Unknown ones are left out.
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

/// Replaces a flag by Terraform's word for it; other values, such as unknown ones, stay.
pub fn word(flag: Value, on: &str, off: &str) -> Value {
    match flag {
        Value::Bool(flag) => Value::from(if flag { on } else { off }),
        other => other,
    }
}

/// A list of the value; empty for null.
pub fn listed(value: Value) -> Value {
    match value {
        Value::Null => Value::List(Vec::new()),
        value => Value::List(vec![value]),
    }
}
