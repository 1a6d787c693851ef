//! What the tests know of each kind beyond its source: `tests/kinds/<kind>.toml`, one file a kind, all
//! sections of it in [`KindFile`]. Facts of AWS and Terraform that scripts extract are in `tests/data`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dwctl::kinds::KINDS;
use serde::Deserialize;
use toml::Table;

use crate::paper::root;

/// Texts by a name or a path.
pub(crate) type Texts = BTreeMap<String, String>;

/// The file of a kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindFile {
    pub life: Life,
    /// Each table has a base of its own.
    #[serde(default)]
    pub mistakes: Vec<Mistakes>,
    #[serde(default)]
    pub risks: Risks,
    /// What happens if a stack no longer declares an attribute that AWS would choose, by dotted path:
    /// `restored` to the one default that AWS documents; it `stays`, and the plan says so once; or it is
    /// `derived` from other attributes.
    #[serde(default)]
    pub removed: Texts,
    #[serde(default)]
    pub schema: Schema,
    /// What the arguments of Terraform and the properties of CloudFormation are called here, if not the
    /// same. An empty name has deliberately no counterpart, and what is inside of it is not listed.
    #[serde(default)]
    pub terraform: Texts,
    #[serde(default)]
    pub cloudformation: Texts,
    #[serde(default)]
    pub errors: Errors,
    #[serde(default)]
    pub recorded: Recorded,
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

/// The life of `<kind>.example`, as `lives.rs` goes through it. The start is the kind's example.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Life {
    /// Prerequisites that `dwctl` has no kind for.
    #[serde(default)]
    pub given: Vec<Given>,
    /// Resources in addition to those of the example, by kind and name.
    #[serde(default)]
    pub also: Table,
    /// What data looks for by attributes that the resource itself does not have.
    #[serde(default)]
    pub data: Table,
    /// Updates in place.
    #[serde(default)]
    pub change: Vec<Step>,
    /// Replacements, each with updates in place of the new resource.
    #[serde(default)]
    pub replace: Vec<Step>,
}

impl Life {
    /// Adds the further resources to a stack.
    pub(crate) fn extend(&self, stack: &mut Table) {
        for (kind, resources) in &self.also {
            let table = stack.entry(kind).or_insert_with(|| Table::new().into());
            let resources = resources.as_table().expect("resources by name").clone();
            table.as_table_mut().expect("resources by name").extend(resources);
        }
    }
}

/// A call in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    pub service: String,
    pub target: String,
    pub body: Table,
}

/// Attributes to set and to remove.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(default)]
    pub set: Table,
    #[serde(default)]
    pub remove: Vec<String>,
    #[serde(default)]
    pub change: Vec<Self>,
}

/// Mistakes in one line of a stack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mistakes {
    /// A valid stack.
    pub base: String,
    pub rows: Vec<Mistake>,
}

/// A wrong line, at the end of the base or in place of one of its lines, and a right one beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mistake {
    /// The beginning of the line of the base that is replaced.
    pub at: Option<String>,
    pub wrong: String,
    pub right: String,
    /// Words of the report of the wrong line.
    pub says: String,
    /// The beginning of the line of the report, if it is another one.
    pub reported_at: Option<String>,
}

/// What a change of an attribute means. All attributes that are not listed have a mark, or are read by the
/// code for their document: see `src/schema/meaning.rs`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Risks {
    /// Attributes whose change deletes no data, weakens no protection, opens nothing and interrupts
    /// nothing, in order.
    #[serde(default)]
    pub harmless: Vec<String>,
    /// Changes with their risks.
    #[serde(default)]
    pub changes: Vec<RisksOfChanges>,
}

/// Changes of a stack, and what plans say of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RisksOfChanges {
    /// A valid stack.
    pub base: String,
    pub rows: Vec<RiskOfChange>,
}

/// A change from one line after the base to another, with its risks, and those of the change back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskOfChange {
    #[serde(default)]
    pub before: String,
    #[serde(default)]
    pub after: String,
    #[serde(default)]
    pub there: Vec<String>,
    #[serde(default)]
    pub back: Vec<String>,
}

/// Deliberate differences from AWS's CloudFormation schema, and from what Terraform's provider replaces.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schema {
    /// AWS's path → our name: below the same parent, or absolute with a leading dot. `.` alone means the
    /// parent itself. `terraform.<attribute>` → our path.
    #[serde(default)]
    pub rename: Texts,
    /// `path difference` → reason.
    #[serde(default)]
    pub waive: Texts,
}

/// What errors of the kind's service mean. They may be in the file of any kind of the service.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Errors {
    /// Codes of AWS's models that do not mean what their names say: `class: reason`.
    #[serde(default)]
    pub model: Texts,
    /// Codes that AWS was seen to answer, by class. `CODE: words` matches only messages with these words.
    #[serde(default)]
    pub recorded: BTreeMap<String, Vec<String>>,
}

/// About AWS's recorded answers for the kind: see `recorded.rs`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    /// There are no recorded answers.
    #[serde(default)]
    pub none: bool,
    /// By operation, the answers to the other calls of a read: the inside of an answer, or `! STATUS CODE`
    /// for an error. `MEMBER=VALUE` after an operation is what the request must say. `for OPERATION` limits
    /// it to recorded answers to that one.
    #[serde(default)]
    pub beside: Texts,
    /// What AWS returns and the kind does not, by call and path in its answer, with the reason.
    #[serde(default)]
    pub lost: Texts,
    /// Resources as AWS was asked to create them in the tests that recorded the answers. What AWS returns
    /// beyond that is what the kind calls its default.
    #[serde(default)]
    pub made: Vec<Made>,
}

/// A resource that AWS was asked to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    pub test: String,
    pub label: String,
    /// The request to create it.
    pub spec: Table,
}

/// A part of the kind's life that the emulator does not support. One of `step`, `attribute` and `predicted`
/// says which. See `waivers.rs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gap {
    /// The step of this name, such as `change 2`, is left out.
    pub step: Option<String>,
    /// No step changes this attribute.
    pub attribute: Option<String>,
    /// The live value of this attribute differs from the predicted one.
    pub predicted: Option<String>,
    /// The operation that the emulator lacks or gets wrong.
    pub operation: String,
    pub reason: String,
    /// The script that covers it instead: `tests/data/exchanges/<name>.toml`, from AWS's documentation.
    pub exchange: String,
}

static FILES: LazyLock<BTreeMap<&'static str, Result<KindFile, String>>> = LazyLock::new(|| {
    let read = |name: &str| {
        let path = format!("tests/kinds/{name}.toml");
        let text = std::fs::read_to_string(root().join(&path)).map_err(|error| {
            format!(
                "{path}: {error}\nwrite it: `[[life.change]]` and `[[life.replace]]` change every attribute, \
                 `[[mistakes]]` are lines that validate refuses; tests/it/kind_file.rs explains all sections"
            )
        })?;
        toml::from_str(&text).map_err(|error| format!("{path}: {error}"))
    };
    KINDS.iter().map(|kind| (kind.name(), read(kind.name()))).collect()
});

/// The file of a kind.
pub(crate) fn of(kind: &str) -> &'static KindFile {
    let file = FILES.get(kind).unwrap_or_else(|| panic!("{kind} is no kind"));
    file.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// The files of all kinds.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static KindFile)> {
    FILES.keys().map(|kind| (*kind, of(kind)))
}

#[test]
fn every_file_belongs_to_a_kind_and_is_readable() {
    let mut faults: Vec<&str> =
        FILES.values().filter_map(|file| file.as_ref().err()).map(String::as_str).collect();
    let foreign: Vec<String> = std::fs::read_dir(root().join("tests/kinds"))
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
        .filter(|file| !file.strip_suffix(".toml").is_some_and(|name| FILES.contains_key(name)))
        .map(|file| format!("tests/kinds/{file} is of no kind: remove it, or add the kind"))
        .collect();
    faults.extend(foreign.iter().map(String::as_str));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
