//! The schema of a kind, made from its Rust types: what validation, diff, `explain`
//! and the editor's JSON Schema all read.

mod build;
mod meaning;
mod normalize;
mod path;
mod spelling;
mod validate;

pub use meaning::{Document, Held, RiskMark, RiskSort, When};
pub use normalize::{as_written, in_order, normalize};
pub use path::{parse_path, path_text};
pub use spelling::{Form, Spelling, canonical, respelled};
pub use validate::{Fault, PathStep, validate};

use std::collections::BTreeMap;

use crate::kind::Names;
use crate::value::Value;

/// The schema of a kind.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The kind's documentation.
    pub description: String,
    /// What the user writes.
    pub spec: Node,
    /// What only AWS decides.
    pub attrs: Node,
    /// The JSON Schema of the spec, as editors read it.
    pub json: serde_json::Value,
}

/// What a field does besides holding a value: see [`crate::kind::mark`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// A change needs a new resource.
    pub replace: bool,
    /// To add or to remove it needs a new resource.
    pub replace_when_come_or_gone: bool,
    /// Absent means: leave what AWS chose.
    pub aws_default: bool,
    /// Absent means: derived from other attributes where that is possible.
    pub derived: bool,
    /// Steers dwctl and is never read back.
    pub local: bool,
    /// AWS never returns it.
    pub write_only: bool,
    /// It changes together with the kind's stamp.
    pub stamped: bool,
    /// A list whose order means nothing.
    pub set: bool,
    /// Changing it loses data.
    pub data_loss: bool,
    /// Changing it interrupts the service.
    pub downtime: bool,
    /// With all at its default it is as if it were absent.
    pub default_is_absent: bool,
    /// A map that others write to as well.
    pub shared: bool,
}

impl Marks {
    /// Whether live AWS cannot tell the value, so that it is compared by fingerprint.
    pub fn unreadable(self) -> bool {
        self.local || self.write_only
    }
}

/// One place in a schema.
#[derive(Clone, Debug)]
pub struct Node {
    /// The doc comment.
    pub description: String,
    /// What it holds.
    pub shape: Shape,
    /// What it does besides.
    pub marks: Marks,
    /// The value of an absent field.
    pub default: Option<Value>,
    /// Field by which the elements of a list are matched.
    pub key: Option<String>,
    /// What it is written in, where that is more than its shape.
    pub document: Option<Document>,
    /// What a change of it may cost.
    pub risks: Vec<RiskMark>,
    /// AWS's default, which is restored where a declaration of what is AWS's choice is taken out.
    pub restored: Option<Restored>,
    /// Which texts mean the same, by `x-dwctl-spelling`.
    pub spelling: Option<Spelling>,
    /// The value that AWS takes an absent field for, by `x-dwctl-absent`: written, it is as if absent.
    pub absent: Option<Value>,
    /// The field beside it, and the value of that with which this one does nothing, by `x-dwctl-moot`:
    /// it is at its default then.
    pub moot: Option<(String, String)>,
    /// Whether it, or something in it, has spellings or may be moot.
    pub respells: bool,
    /// What a text in it names at AWS: its form and its place are checked by that.
    pub names: Option<Names>,
    /// The attribute of AWS's own that tells more of it: a plan quotes that beside a change.
    pub told_by: Option<String>,
}

/// AWS's default of a field that is AWS's choice where it is absent, by `x-dwctl-restored`.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The default. In its texts `{partition}`, `{region}`, `{account_id}` and `{name}` stand for
    /// those of the resource.
    pub value: Value,
    /// Restored only where this field beside it is on.
    pub with: Option<String>,
    /// Restored only where this field beside it is off.
    pub without: Option<String>,
}

/// What a place in a schema holds.
#[derive(Clone, Debug)]
pub enum Shape {
    /// True or false.
    Bool,
    /// A number, whole if `integer`.
    Number {
        /// Without a fraction.
        integer: bool,
        /// Least value.
        minimum: Option<f64>,
        /// Greatest value.
        maximum: Option<f64>,
    },
    /// A text.
    String {
        /// The only values, if not empty.
        options: Vec<String>,
        /// A regular expression that it must match.
        pattern: Option<String>,
        /// Least characters.
        min_length: Option<usize>,
        /// Most characters.
        max_length: Option<usize>,
    },
    /// A text that is printed and kept nowhere.
    Secret,
    /// An IAM policy document: a table or JSON text.
    Policy,
    /// Any JSON document: a table or JSON text.
    Json,
    /// Elements in order, or a set if so marked.
    List {
        /// What each element is.
        element: Box<Node>,
        /// Least elements.
        min_items: Option<usize>,
        /// Most elements.
        max_items: Option<usize>,
    },
    /// Values by free names.
    Map(Box<Node>),
    /// Fields by fixed names.
    Object {
        /// The fields.
        fields: BTreeMap<String, Node>,
        /// The names of those that must be written.
        required: Vec<String>,
    },
    /// Anything.
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

    /// The place at a path of a value, as far as the schema knows it; of a list, an index and
    /// a key lead to the same.
    pub fn at(&self, path: &[PathStep]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match (&node.shape, step) {
            (Shape::Object { fields, .. }, PathStep::Name(name)) => fields.get(name),
            (Shape::Map(element), PathStep::Name(_)) => Some(element.as_ref()),
            (Shape::List { element, .. }, _) => Some(element.as_ref()),
            _ => None,
        })
    }

    /// The name of the field that is marked as this document.
    pub fn field_of(&self, document: Document) -> Option<&str> {
        let (name, _) = self.fields()?.iter().find(|(_, field)| field.document == Some(document))?;
        Some(name)
    }

    /// Whether the field `name` must be written.
    pub fn requires(&self, name: &str) -> bool {
        matches!(&self.shape, Shape::Object { required, .. } if required.iter().any(|field| field == name))
    }

    /// What it holds, in the words of the stack language.
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
