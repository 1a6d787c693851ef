//! Builds our own tree from the JSON Schema that `schemars` derives.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json};

use super::rules::{rules, spell_out};
use super::{Document, Marks, Node, Restored, RiskMark, Schema, Shape, Spelling};
use crate::kind::{Names, mark};
use crate::value::Value;

impl Schema {
    /// The schema of a kind with these types of spec and attributes.
    pub fn of<Spec: JsonSchema, Attrs: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut spec = settings.clone().into_generator().into_root_schema_for::<Spec>().to_value();
        close(&mut spec);
        let node = node(&spec);
        spell_out(&mut spec);
        let attrs = settings.into_generator().into_root_schema_for::<Attrs>().to_value();
        Self { description: node.description.clone(), spec: node, attrs: self::node(&attrs), json: spec }
    }
}

/// Adds what holds for the tables of every kind, so that their types need not say it: they have no other
/// attributes than their fields, and an absent list or table is empty.
fn close(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.values_mut().for_each(close);
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), Json::from(false));
            }
            if let Some(default) = members.get_mut("default") {
                drop_empty(default);
                if is_empty(default) {
                    members.remove("default");
                }
            }
        }
        Json::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_empty(default: &Json) -> bool {
    match default {
        Json::Null => true,
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Drops what a default table leaves out.
fn drop_empty(default: &mut Json) {
    if let Json::Object(members) = default {
        members.values_mut().for_each(drop_empty);
        members.retain(|_, member| !is_empty(member));
    }
}

fn node(schema: &Json) -> Node {
    let Json::Object(schema) = schema else {
        return Node {
            description: String::new(),
            shape: Shape::Any,
            marks: Marks::default(),
            default: None,
            key: None,
            document: None,
            risks: Vec::new(),
            restored: None,
            names: None,
            described_by: None,
            spelling: None,
            absent: None,
            no_effect_if: None,
            respells: false,
            rules: Vec::new(),
        };
    };
    let mut shape = shape(schema);
    let mut spelling = text(schema, "x-dwctl-spelling").and_then(|mark| Spelling::parse(&mark));
    if let Shape::List { element, .. } = &mut shape {
        // The mark of a list applies to its elements.
        element.spelling = spelling.take().or(element.spelling.take());
        element.respells |= element.spelling.is_some();
    }
    let absent = schema.get("x-dwctl-absent").map(Value::from_json);
    let no_effect_if = text(schema, "x-dwctl-no-effect-if");
    let no_effect_if =
        no_effect_if.and_then(|mark| mark.split_once(" = ").map(|(name, value)| (name.into(), value.into())));
    let inner = match &shape {
        Shape::Object { fields, .. } => fields.values().any(|field| field.respells),
        Shape::List { element, .. } | Shape::Map(element) => element.respells,
        _ => false,
    };
    Node {
        rules: rules(schema),
        respells: inner || spelling.is_some() || no_effect_if.is_some(),
        spelling,
        absent,
        no_effect_if,
        description: text(schema, "description").unwrap_or_default(),
        shape,
        marks: marks(schema),
        default: schema.get("default").filter(|default| !default.is_null()).map(Value::from_json),
        key: text(schema, "x-dwctl-key"),
        names: text(schema, "x-dwctl-names").and_then(|name| Names::named(&name)),
        described_by: text(schema, "x-dwctl-described-by"),
        document: text(schema, "x-dwctl-document").and_then(|name| Document::named(&name)),
        risks: schema
            .get("x-dwctl-risk")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|mark| RiskMark::parse(mark.as_str()?))
            .collect(),
        restored: schema.get("x-dwctl-restored").and_then(Json::as_object).and_then(|restored| {
            Some(Restored {
                value: Value::from_json(restored.get("value")?),
                with: text(restored, "with"),
                without: text(restored, "without"),
            })
        }),
    }
}

fn text(schema: &Map<String, Json>, name: &str) -> Option<String> {
    schema.get(name).and_then(Json::as_str).map(str::to_owned)
}

fn count(schema: &Map<String, Json>, name: &str) -> Option<usize> {
    schema.get(name).and_then(Json::as_u64).map(|count| count as usize)
}

fn marks(schema: &Map<String, Json>) -> Marks {
    let mut marks = Marks::default();
    for name in schema.get("x-dwctl").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    {
        match name {
            mark::REPLACE => marks.replace = true,
            mark::REPLACE_WHEN_COME_OR_GONE => marks.replace_when_come_or_gone = true,
            mark::AWS_DEFAULT => marks.aws_default = true,
            mark::DERIVED => (marks.aws_default, marks.derived) = (true, true),
            mark::LOCAL => marks.local = true,
            mark::WRITE_ONLY => marks.write_only = true,
            mark::STAMPED => marks.stamped = true,
            mark::SET => marks.set = true,
            mark::DATA_LOSS => marks.data_loss = true,
            mark::DOWNTIME => marks.downtime = true,
            mark::DEFAULT_IS_ABSENT => marks.default_is_absent = true,
            mark::SHARED => marks.shared = true,
            // `every_mark_is_known` in the kinds' tests fails on a name that is not in `mark`.
            _ => {}
        }
    }
    marks
}

fn shape(schema: &Map<String, Json>) -> Shape {
    match text(schema, "x-dwctl-type").as_deref() {
        Some("secret") => return Shape::Secret,
        Some("policy") => return Shape::Policy,
        Some("json") => return Shape::Json,
        _ => {}
    }
    // An optional field of a struct or enum type is `anyOf: [its schema, null]`, and an
    // enum with documented variants is `oneOf` constants.
    for name in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema.get(name).and_then(Json::as_array) {
            let real: Vec<&Json> =
                alternatives.iter().filter(|one| one.get("type") != Some(&Json::from("null"))).collect();
            let constants: Option<Vec<String>> =
                real.iter().map(|one| one.get("const").and_then(Json::as_str).map(str::to_owned)).collect();
            return match (real.as_slice(), constants) {
                (_, Some(options)) if !options.is_empty() => options_of(options),
                ([one], _) => node(one).shape,
                _ => Shape::Any,
            };
        }
    }
    let kind = match schema.get("type") {
        Some(Json::String(kind)) => kind.as_str(),
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null").unwrap_or("")
        }
        _ => "",
    };
    match kind {
        "boolean" => Shape::Bool,
        "integer" | "number" => Shape::Number {
            integer: kind == "integer",
            minimum: schema.get("minimum").and_then(Json::as_f64),
            maximum: schema.get("maximum").and_then(Json::as_f64),
        },
        "string" => Shape::String {
            options: schema
                .get("enum")
                .and_then(Json::as_array)
                .map(|options| options.iter().filter_map(Json::as_str).map(str::to_owned).collect())
                .unwrap_or_default(),
            pattern: text(schema, "pattern"),
            min_length: count(schema, "minLength"),
            max_length: count(schema, "maxLength"),
        },
        "array" => Shape::List {
            element: Box::new(schema.get("items").map(node).unwrap_or_else(|| node(&Json::Bool(true)))),
            min_items: count(schema, "minItems"),
            max_items: count(schema, "maxItems"),
        },
        "object" => {
            match (schema.get("properties").and_then(Json::as_object), schema.get("additionalProperties")) {
                (None, Some(values @ Json::Object(_))) => Shape::Map(Box::new(node(values))),
                (None, Some(Json::Bool(true))) => Shape::Map(Box::new(node(&Json::Bool(true)))),
                (properties, _) => Shape::Object {
                    fields: properties
                        .into_iter()
                        .flatten()
                        .map(|(name, schema)| (name.clone(), node(schema)))
                        .collect::<BTreeMap<_, _>>(),
                    required: schema
                        .get("required")
                        .and_then(Json::as_array)
                        .map(|names| names.iter().filter_map(Json::as_str).map(str::to_owned).collect())
                        .unwrap_or_default(),
                },
            }
        }
        _ => Shape::Any,
    }
}

fn options_of(options: Vec<String>) -> Shape {
    Shape::String { options, pattern: None, min_length: None, max_length: None }
}
