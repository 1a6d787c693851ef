//! Rules between the attributes of a table, declared as marks of the schema: on the table
//! (`x-dwctl-one-of`, `x-dwctl-at-most-one`, `x-dwctl-together`, each a list of lists of names) or on the
//! attribute that is restricted (`x-dwctl-only-with = "name"`, `x-dwctl-only-if = "name = VALUE | OTHER"`).
//!
//! An attribute at its default counts as not written.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// A rule between attributes of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Exactly one of them is written.
    OneOf(Vec<String>),
    /// Not more than one of them is written.
    AtMostOne(Vec<String>),
    /// All of them are written, or none.
    Together(Vec<String>),
    /// The attribute has a meaning only with another one.
    OnlyWith {
        /// The attribute.
        attribute: String,
        /// The other one.
        other: String,
    },
    /// The attribute has a meaning only if another one has one of these values.
    OnlyIf {
        /// The attribute.
        attribute: String,
        /// The other one.
        other: String,
        /// The values of the other one.
        values: Vec<String>,
    },
}

impl Rule {
    /// The attributes that it is about.
    pub fn attributes(&self) -> Vec<&str> {
        match self {
            Self::OneOf(names) | Self::AtMostOne(names) | Self::Together(names) => {
                names.iter().map(String::as_str).collect()
            }
            Self::OnlyWith { attribute, other } | Self::OnlyIf { attribute, other, .. } => {
                vec![attribute, other]
            }
        }
    }

    /// What it says of an attribute, in a few words for its documentation.
    pub fn describe(&self, name: &str) -> Option<String> {
        let others = |names: &[String]| -> Option<String> {
            let others = names.iter().filter(|other| *other != name).map(String::as_str);
            names.iter().any(|one| one == name).then(|| others.collect::<Vec<_>>().join(", "))
        };
        match self {
            Self::OneOf(names) => others(names).map(|others| format!("either this or one of: {others}")),
            Self::AtMostOne(names) => others(names).map(|others| format!("not together with: {others}")),
            Self::Together(names) => others(names).map(|others| format!("only together with: {others}")),
            Self::OnlyWith { attribute, other } => {
                (attribute == name).then(|| format!("only together with: {other}"))
            }
            Self::OnlyIf { attribute, other, values } => {
                (attribute == name).then(|| format!("only if {other} is {}", values.join(" or ")))
            }
        }
    }
}

/// The names in a mark: a list of lists.
fn groups(schema: &Map<String, Json>, mark: &str) -> Vec<Vec<String>> {
    let names = |group: &Json| -> Vec<String> {
        group.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    schema.get(mark).and_then(Json::as_array).into_iter().flatten().map(names).collect()
}

/// The rules of a table.
pub(super) fn rules(schema: &Map<String, Json>) -> Vec<Rule> {
    // An optional table is `anyOf` its schema and null.
    if let Some(alternatives) = schema.get("anyOf").and_then(Json::as_array) {
        return alternatives.iter().filter_map(Json::as_object).flat_map(rules).collect();
    }
    let mut all: Vec<Rule> = Vec::new();
    all.extend(groups(schema, "x-dwctl-one-of").into_iter().map(Rule::OneOf));
    all.extend(groups(schema, "x-dwctl-at-most-one").into_iter().map(Rule::AtMostOne));
    all.extend(groups(schema, "x-dwctl-together").into_iter().map(Rule::Together));
    for (attribute, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        let mark = |name: &str| field.get(name).and_then(Json::as_str);
        let attribute = || attribute.clone();
        if let Some(other) = mark("x-dwctl-only-with") {
            all.push(Rule::OnlyWith { attribute: attribute(), other: other.to_owned() });
        }
        if let Some((other, values)) = mark("x-dwctl-only-if").and_then(|mark| mark.split_once(" = ")) {
            let values = values.split(" | ").map(str::to_owned).collect();
            all.push(Rule::OnlyIf { attribute: attribute(), other: other.to_owned(), values });
        }
    }
    all
}

/// Adds the rules to a JSON Schema in its own words, for editors.
pub(super) fn spell_out(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.values_mut().for_each(spell_out);
            if !members.contains_key("properties") {
                return;
            }
            let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let mut all = Vec::new();
            for rule in rules(members) {
                match rule {
                    Rule::OneOf(names) => {
                        let one: Vec<Json> = names.iter().map(|name| json!({ "required": [name] })).collect();
                        all.push(json!({ "oneOf": one }));
                    }
                    Rule::AtMostOne(names) => {
                        for (place, first) in names.iter().enumerate() {
                            for second in &names[place + 1..] {
                                all.push(json!({ "not": { "required": [first, second] } }));
                            }
                        }
                    }
                    Rule::Together(names) => {
                        for name in &names {
                            let others = names.iter().filter(|other| *other != name).cloned();
                            needs.entry(name.clone()).or_default().extend(others);
                        }
                    }
                    Rule::OnlyWith { attribute, other } => needs.entry(attribute).or_default().push(other),
                    // An editor cannot know the value of an expression, or whether a value is the default.
                    Rule::OnlyIf { .. } => {}
                }
            }
            if !needs.is_empty() {
                members.insert("dependentRequired".to_owned(), json!(needs));
            }
            if !all.is_empty() {
                members.insert("allOf".to_owned(), Json::Array(all));
            }
        }
        Json::Array(list) => list.iter_mut().for_each(spell_out),
        _ => {}
    }
}
