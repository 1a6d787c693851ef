//! A schema as a tree: one node for each place in a value.

use std::collections::BTreeMap;

use super::{Document, PathStep, RiskMark, Rule, Spelling};
use crate::kind::Names;
use crate::value::Value;

/// The schema of a kind.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The kind's documentation.
    pub description: String,
    /// The settings that the user writes.
    pub spec: Node,
    /// The attributes that AWS decides.
    pub attrs: Node,
    /// The JSON Schema of the spec, for editors.
    pub json: serde_json::Value,
}

/// The marks of a field; see [`crate::kind::mark`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// A change needs a replacement.
    pub replace: bool,
    /// Adding or removing it needs a replacement.
    pub replace_when_come_or_gone: bool,
    /// If absent, AWS's choice is kept.
    pub aws_default: bool,
    /// If absent, it is derived from other attributes where that is possible.
    pub derived: bool,
    /// Controls dwctl itself, and is never read back.
    pub local: bool,
    /// AWS never returns it.
    pub write_only: bool,
    /// Its changes show in the kind's stamp.
    pub stamped: bool,
    /// A list whose order has no meaning.
    pub set: bool,
    /// A change loses data.
    pub data_loss: bool,
    /// A change interrupts the service.
    pub downtime: bool,
    /// If all its members are at their defaults, it equals an absent one.
    pub default_is_absent: bool,
    /// A map that others write, too.
    pub shared: bool,
}

impl Marks {
    /// Returns whether AWS cannot return the value, so that it is compared by fingerprint.
    pub fn unreadable(self) -> bool {
        self.local || self.write_only
    }
}

/// One place in a schema.
#[derive(Clone, Debug)]
pub struct Node {
    /// The doc comment.
    pub description: String,
    /// The type of its value.
    pub shape: Shape,
    /// The marks of the field.
    pub marks: Marks,
    /// The value of an absent field.
    pub default: Option<Value>,
    /// Field by which the elements of a list are matched.
    pub key: Option<String>,
    /// The language or role of its content, if it has more meaning than its shape.
    pub document: Option<Document>,
    /// The risks of changing it.
    pub risks: Vec<RiskMark>,
    /// AWS's default, which is restored when a field that AWS may choose is no longer declared.
    pub restored: Option<Restored>,
    /// The rule by which different texts are equivalent: `x-dwctl-spelling`.
    pub spelling: Option<Spelling>,
    /// The value that AWS assumes for an absent field: `x-dwctl-absent`. Written, it equals absence.
    pub absent: Option<Value>,
    /// Another field of the table, and its value with which this field has no effect: `x-dwctl-no-effect-if`.
    /// This field then counts as at its default.
    pub no_effect_if: Option<(String, String)>,
    /// Rules between the attributes of the table.
    pub rules: Vec<Rule>,
    /// True if it, or something within it, has a spelling or may have no effect.
    pub respells: bool,
    /// The type of AWS resource that its text names. Form and location of the name are checked.
    pub names: Option<Names>,
    /// An attribute decided by AWS that explains the value: a plan quotes it beside a change.
    pub described_by: Option<String>,
}

/// AWS's default of a field that AWS chooses if it is absent: `x-dwctl-restored`.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The default. In its texts, `{partition}`, `{region}`, `{account_id}` and `{name}` stand for the
    /// resource's own.
    pub value: Value,
    /// Restored only if this field of the table is on.
    pub with: Option<String>,
    /// Restored only if this field of the table is off.
    pub without: Option<String>,
}

/// The type of the value at a place in a schema.
#[derive(Clone, Debug)]
pub enum Shape {
    /// True or false.
    Bool,
    /// A number, whole if `integer`.
    Number {
        /// True if it has no fraction.
        integer: bool,
        /// Minimum.
        minimum: Option<f64>,
        /// Maximum.
        maximum: Option<f64>,
    },
    /// A text.
    String {
        /// The permitted values, if not empty.
        options: Vec<String>,
        /// A regular expression that it must match.
        pattern: Option<String>,
        /// Minimum number of characters.
        min_length: Option<usize>,
        /// Maximum number of characters.
        max_length: Option<usize>,
    },
    /// A text that is never printed or stored.
    Secret,
    /// An IAM policy document: a table or JSON text.
    Policy,
    /// Any JSON document: a table or JSON text.
    Json,
    /// Elements in order, or a set if marked so.
    List {
        /// The type of each element.
        element: Box<Node>,
        /// Minimum number of elements.
        min_items: Option<usize>,
        /// Maximum number of elements.
        max_items: Option<usize>,
    },
    /// Values under free names.
    Map(Box<Node>),
    /// Fields with fixed names.
    Object {
        /// The fields.
        fields: BTreeMap<String, Node>,
        /// The names of the fields that must be written.
        required: Vec<String>,
    },
    /// Any value.
    Any,
}

impl Node {
    /// The fields, if it is an object.
    pub fn fields(&self) -> Option<&BTreeMap<String, Node>> {
        match &self.shape {
            Shape::Object { fields, .. } => Some(fields),
            _ => None,
        }
    }

    /// The place in the schema for a path into a value, if the schema knows it. In a list, an index
    /// and a key lead to the same place.
    pub fn at(&self, path: &[PathStep]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match (&node.shape, step) {
            (Shape::Object { fields, .. }, PathStep::Name(name)) => fields.get(name),
            (Shape::Map(element), PathStep::Name(_)) => Some(element.as_ref()),
            (Shape::List { element, .. }, _) => Some(element.as_ref()),
            _ => None,
        })
    }

    /// The name of the field with this document mark.
    pub fn field_of(&self, document: Document) -> Option<&str> {
        let (name, _) = self.fields()?.iter().find(|(_, field)| field.document == Some(document))?;
        Some(name)
    }

    /// The path of the same field.
    pub fn path_of(&self, document: Document) -> Option<[PathStep; 1]> {
        self.field_of(document).map(|name| [PathStep::Name(name.to_owned())])
    }

    /// Returns whether the field `name` must be written.
    pub fn requires(&self, name: &str) -> bool {
        matches!(&self.shape, Shape::Object { required, .. } if required.iter().any(|field| field == name))
    }

    /// Writes a value as a stack does: a text in quotes, a flag or number without.
    pub fn written(&self, value: &str) -> String {
        match self.shape {
            Shape::Bool | Shape::Number { .. } => value.to_owned(),
            _ => format!("\"{value}\""),
        }
    }

    /// The name of its type in the stack language.
    pub fn type_name(&self) -> String {
        match &self.shape {
            Shape::Bool => "bool".to_owned(),
            Shape::Number { integer: true, .. } => "integer".to_owned(),
            Shape::Number { .. } => "number".to_owned(),
            Shape::String { .. } => "string".to_owned(),
            Shape::Secret => "secret string".to_owned(),
            Shape::Policy => "policy document".to_owned(),
            Shape::Json => "JSON document".to_owned(),
            Shape::List { element, .. } if self.marks.set => format!("set({})", element.type_name()),
            Shape::List { element, .. } => format!("list({})", element.type_name()),
            Shape::Map(element) => format!("map({})", element.type_name()),
            Shape::Object { .. } => "table".to_owned(),
            Shape::Any => "any".to_owned(),
        }
    }
}
