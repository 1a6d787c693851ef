//! Everything that users can write of each kind, recorded in `tests/data/contract.txt`: attributes with their
//! types, bounds, marks and defaults, what AWS decides, and what is constant about the kind.
//!
//! A change of a kind's code that loses an attribute, a bound, a mark or its documentation fails here. After
//! an intended change, renew the record and review its diff: `DWCTL_RECORD=1 cargo test --test it contract::`.
//! Documentation and the words of a risk may be rewritten freely; only their presence and length are recorded.

use std::collections::BTreeMap;

use dwctl::aws::Scope;
use dwctl::kind::ErasedKind;
use dwctl::kinds::KINDS;
use dwctl::schema::{Node, Shape};
use serde_json::{Map, Value as Json};

use crate::paper;

/// The recorded facts: each path with its words of documentation and its other facts.
type Record = BTreeMap<String, (usize, String)>;

fn path() -> std::path::PathBuf {
    paper::root().join("tests/data/contract.txt")
}

fn words(schema: &Map<String, Json>) -> usize {
    schema.get("description").and_then(Json::as_str).unwrap_or_default().split_whitespace().count()
}

/// A risk without its explanation: `protection when gone`.
fn without_words(risk: &Json) -> Json {
    let mark = risk.as_str().expect("a risk is a text");
    let rule = mark.split_once(": ").map_or(mark, |(rule, _)| rule);
    Json::from(rule)
}

/// Adds the facts of a JSON Schema and all that is within it.
fn add(record: &mut Record, path: &str, schema: &Json, required: bool) {
    let Json::Object(schema) = schema else {
        record.insert(path.to_owned(), (0, schema.to_string()));
        return;
    };
    let mut facts = schema.clone();
    for name in ["title", "description", "properties", "required", "$schema", "format"] {
        facts.remove(name);
    }
    if let Some(Json::Array(risks)) = facts.get_mut("x-dwctl-risk") {
        *risks = risks.iter().map(without_words).collect();
    }
    // An optional table is `anyOf` its schema and null.
    let mut within = schema.clone();
    if let Some(Json::Array(some)) = facts.get("anyOf")
        && let [Json::Object(one), null] = some.as_slice()
        && null.get("type") == Some(&Json::from("null"))
    {
        within = one.clone();
        let mut rest = one.clone();
        for name in ["title", "description", "properties", "required", "items"] {
            rest.remove(name);
        }
        facts.insert("anyOf".to_owned(), Json::from(vec![Json::Object(rest), null.clone()]));
    }
    for (member, step) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(inner @ Json::Object(_)) = within.get(member) {
            facts.remove(member);
            add(record, &format!("{path}{step}"), inner, false);
        }
    }
    let needed: Vec<&str> = within
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    for (name, inner) in within.get("properties").and_then(Json::as_object).into_iter().flatten() {
        add(record, &format!("{path}.{name}"), inner, needed.contains(&name.as_str()));
    }
    facts.sort_keys();
    let needed = if required { "required " } else { "" };
    record.insert(path.to_owned(), (words(schema), format!("{needed}{}", Json::Object(facts))));
}

/// Adds the facts of what AWS decides.
fn add_decided(record: &mut Record, path: &str, node: &Node) {
    let words = node.description.split_whitespace().count();
    record.insert(path.to_owned(), (words, format!("decided {}", node.type_name())));
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => {
            add_decided(record, &format!("{path}[]"), element)
        }
        Shape::Object { fields, .. } => {
            fields.iter().for_each(|(name, field)| add_decided(record, &format!("{path}.{name}"), field));
        }
        _ => {}
    }
}

/// Adds what is constant about a kind.
fn add_constants(record: &mut Record, kind: &dyn ErasedKind) {
    let mut add = |name: &str, facts: String| {
        record.insert(format!("{}:{name}", kind.name()), (0, facts));
    };
    let sorted = |pairs: &mut dyn Iterator<Item = &(&str, &str)>| {
        let mut pairs: Vec<String> = pairs.map(|(here, there)| format!("{here}={there}")).collect();
        pairs.sort();
        pairs.join(" ")
    };
    let terraform = kind.terraform();
    let by_arn = if terraform.id_is_arn { " by ARN" } else { "" };
    add("also", sorted(&mut kind.also_called().iter()));
    add("terraform", format!("{}{by_arn} {}", terraform.resource, sorted(&mut terraform.names.iter())));
    add("cloudformation", format!("{:?}", kind.cloudformation()));
    let actions = kind.actions();
    add("read", actions.read.join(" "));
    add("create", actions.create.join(" "));
    add("update", actions.update.join(" "));
    add("delete", actions.delete.join(" "));
    let links = kind
        .links()
        .iter()
        .map(|link| format!("{}>{} {:?} {:?}", link.attribute, link.kind, link.hold, link.emptied));
    add("links", links.collect::<Vec<_>>().join(", "));
    let pace = kind.pace();
    add(
        "engine",
        format!(
            "tags={} {:?} apart={} deferrable={:?} users={:?} part_of={:?} global={} on_existing={:?} pace={}/{}/{} assigned={}",
            kind.taggable(),
            kind.tag_rules(),
            kind.tags_apart(),
            kind.deferrable(),
            kind.users(),
            kind.part_of(),
            kind.global(),
            kind.on_existing(&Scope::of("us-east-1", "123456789012")),
            pace.create_seconds,
            pace.delete_seconds,
            pace.deadline_seconds,
            kind.assigns_ids(),
        ),
    );
}

fn current() -> Record {
    let mut record = Record::new();
    for kind in KINDS.iter() {
        let schema = kind.schema();
        add(&mut record, kind.name(), &schema.json, false);
        for (name, node) in schema.attrs.fields().expect("a table") {
            add_decided(&mut record, &format!("{}.{name}", kind.name()), node);
        }
        add_constants(&mut record, kind.as_ref());
    }
    record
}

fn text(record: &Record) -> String {
    record.iter().map(|(path, (words, facts))| format!("{path} {words} {facts}\n")).collect()
}

fn recorded(text: &str) -> Record {
    text.lines()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let (path, words, facts) = (next(), next(), next());
            (path, (words.parse().expect("a number of words"), facts))
        })
        .collect()
}

/// The differences between two records. A documentation half as long has lost something.
fn differences(before: &Record, now: &Record) -> Vec<String> {
    let mut found = Vec::new();
    for (path, (words, facts)) in before {
        match now.get(path) {
            None => found.push(format!("{path} is lost: {facts}")),
            Some((left, _)) if left * 2 < *words => {
                found.push(format!("{path} had {words} words of documentation and has {left}"));
            }
            Some((_, other)) if facts != other => found.push(format!("{path}\n  was {facts}\n  is  {other}")),
            Some(_) => {}
        }
    }
    found.extend(
        now.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("{path} is not recorded")),
    );
    found
}

#[test]
fn no_kind_loses_a_setting_a_mark_or_its_documentation() {
    let now = current();
    if std::env::var_os("DWCTL_RECORD").is_some() {
        std::fs::write(path(), text(&now)).expect("the record can be written");
    }
    let before = recorded(&std::fs::read_to_string(path()).expect("tests/data/contract.txt"));
    let found = differences(&before, &now);
    assert!(
        found.is_empty(),
        "{}\n\n{} differences. Intended? DWCTL_RECORD=1 cargo test --test it contract::",
        found.join("\n"),
        found.len()
    );
}

#[test]
fn a_lost_attribute_bound_or_document_is_found() {
    let now = current();
    assert_eq!(recorded(&text(&now)), now, "the record says everything");
    let name = "glue_job.description".to_owned();
    let mut less = now.clone();
    less.remove(&name);
    assert_eq!(differences(&now, &less).len(), 1);
    assert_eq!(differences(&less, &now), ["glue_job.description is not recorded"]);
    let (words, facts) = now[&name].clone();
    assert!(facts.contains("\"maxLength\":2048"), "{facts}");
    let unbounded = facts.replace("\"maxLength\":2048,", "");
    assert_ne!(unbounded, facts);
    less.insert(name.clone(), (words, unbounded));
    assert_eq!(differences(&now, &less).len(), 1);
    less.insert(name, (words / 2 - 1, facts));
    assert_eq!(differences(&now, &less).len(), 1);
}
