//! Users of Terraform and CloudFormation find our names: every argument and property of each kind there has
//! the same name here, or a hint. The hints are in the files of the kinds.

use std::collections::{BTreeMap, BTreeSet};

use dwctl::elsewhere::attributes_like;
use dwctl::kind::ErasedKind;
use dwctl::kinds::KINDS;
use dwctl::schema::{Node, Shape};
use serde_json::Value as Json;

use crate::kind_file;
use crate::paper::root;

/// The settings that every resource may have besides its attributes.
const SETTINGS: [&str; 6] = ["tags", "region", "lifecycle", "depends_on", "for_each", "when"];

/// Their dotted paths to ours; an empty one has no counterpart.
type Hints = kind_file::Texts;

fn data(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/data").join(name)).expect("the file")
}

fn element(node: &Node) -> &Node {
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => self::element(element),
        _ => node,
    }
}

/// The table at a dotted path; `None` if it is not a table.
fn table<'n>(kind: &'n dyn ErasedKind, path: &str) -> Option<&'n Node> {
    let steps = path.split('.').filter(|step| !step.is_empty());
    let node =
        steps.into_iter().try_fold(&kind.schema().spec, |node, step| element(node).fields()?.get(step))?;
    Some(element(node)).filter(|node| node.fields().is_some())
}

/// Our counterpart of each of their paths, parents first: an attribute of the same name, or a hint.
fn led(kind: &'static dyn ErasedKind, theirs: &BTreeSet<Vec<String>>) -> Hints {
    let mut homes: BTreeMap<Vec<String>, Option<String>> =
        BTreeMap::from([(Vec::new(), Some(String::new()))]);
    let mut hints = Hints::new();
    for path in theirs {
        let (name, parents) = path.split_last().expect("a path");
        // What stands in something that we do not have, or that is no table here, has no place.
        let Some(Some(parent)) = homes.get(parents) else { continue };
        let Some(fields) = table(kind, parent).and_then(|node| node.fields()) else { continue };
        let here = |name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
        if fields.contains_key(name) || parent.is_empty() && SETTINGS.contains(&name.as_str()) {
            homes.insert(path.clone(), Some(here(name)));
            continue;
        }
        let likely = attributes_like(kind, parent, name);
        homes.insert(path.clone(), likely.first().cloned());
        hints.insert(path.join("."), likely.join(" or "));
    }
    hints
}

fn arguments(kind: &str) -> BTreeSet<Vec<String>> {
    let facts: Json = serde_json::from_str(&data("terraform_arguments.json")).expect("facts");
    let arguments = facts["kinds"][kind]["arguments"].as_array();
    let arguments = arguments.unwrap_or_else(|| {
        panic!("add the arguments of {kind} in Terraform to tests/data/terraform_arguments.json")
    });
    let path = |one: &Json| one.as_str().expect("a path").split('.').map(str::to_owned).collect();
    arguments.iter().map(path).collect()
}

fn properties(kind: &dyn ErasedKind) -> BTreeSet<Vec<String>> {
    fn walk(facts: &Json, properties: &Json, path: &[String], all: &mut BTreeSet<Vec<String>>) {
        for (name, property) in properties.as_object().into_iter().flatten() {
            let path: Vec<String> = path.iter().cloned().chain([name.clone()]).collect();
            let read_only = facts["readOnly"].as_array().into_iter().flatten();
            if read_only.into_iter().any(|one| one.as_str() == Some(&path.join("/"))) || path.len() > 6 {
                continue;
            }
            all.insert(path.clone());
            let mut inner = property;
            while inner.get("items").is_some() || inner.get("ref").is_some() {
                inner = match inner.get("ref").and_then(Json::as_str) {
                    Some(name) => &facts["defs"][name],
                    None => &inner["items"],
                };
            }
            walk(facts, &inner["props"], &path, all);
        }
    }
    let facts: Json = serde_json::from_str(&data("cloudformation.json")).expect("facts");
    let Some(facts) = kind.cloudformation().map(|name| facts["types"][name].clone()) else {
        return BTreeSet::new();
    };
    let mut all = BTreeSet::new();
    walk(&facts, &facts["properties"], &[], &mut all);
    all
}

/// Every name is one of ours, has the hint from the table, or is listed there as without a counterpart. For
/// the last, nothing is guessed.
#[test]
fn every_argument_and_property_of_other_tools_leads_to_ours() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for kind in KINDS.iter().map(AsRef::as_ref) {
        let file = kind_file::of(kind.name());
        for (tool, theirs, decided) in [
            ("terraform", arguments(kind.name()), &file.terraform),
            ("cloudformation", properties(kind), &file.cloudformation),
        ] {
            count += theirs.len();
            let place = format!("tests/kinds/{}.toml: [{tool}]", kind.name());
            let found = led(kind, &theirs);
            for (theirs, ours) in &found {
                if decided.get(theirs) != Some(ours) {
                    let decided = decided.get(theirs).map_or("undecided", String::as_str);
                    wrong.push(format!("{place} \"{theirs}\" = \"{ours}\" # {decided}"));
                }
            }
            wrong.extend(
                decided
                    .keys()
                    .filter(|theirs| !found.contains_key(*theirs))
                    .map(|theirs| format!("{place} \"{theirs}\" is ours, or no name of theirs: remove it")),
            );
        }
    }
    assert!(count > 1_000, "{count}");
    assert!(wrong.is_empty(), "{} names:\n{}", wrong.len(), wrong.join("\n"));
}
