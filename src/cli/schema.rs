//! `dwctl schema`.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::files::{self, Readers};
use super::printer::Printer;
use super::{Exit, Outcome};
use crate::diag::Diagnostic;
use crate::kinds;

/// Writes the JSON Schema of stack files, for editors to complete and check.
///
/// In a stack file: `#:schema ./schema/stack.schema.json`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to write stack.schema.json to; without one the schema is printed.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let text = format!("{:#}\n", stack_schema());
    match args.out {
        None => printer.json(&text),
        Some(folder) => {
            let file = folder.join("stack.schema.json");
            let written = std::fs::create_dir_all(&folder)
                .and_then(|()| files::write(&file, text.as_bytes(), Readers::All));
            written.map_err(|error| {
                Diagnostic::error("unwritable", format!("cannot write {}", file.display()))
                    .note(error.to_string())
            })?;
            printer.note(&format!("{} written", file.display()));
        }
    }
    Ok(Exit::Done)
}

/// Every scalar may be an expression in place of what it is.
fn or_expression(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    for (name, inner) in &mut schema {
        let taken = inner.take();
        *inner = match (name.as_str(), taken) {
            ("properties", Value::Object(fields)) => {
                Value::Object(fields.into_iter().map(|(name, field)| (name, or_expression(field))).collect())
            }
            ("items" | "additionalProperties", inner) => or_expression(inner),
            ("anyOf" | "oneOf", Value::Array(list)) => list.into_iter().map(or_expression).collect(),
            (_, other) => other,
        };
    }
    let description = schema.get("description").cloned();
    let is_string = schema.get("type") == Some(&json!("string"))
        && !schema.contains_key("enum")
        && !schema.contains_key("pattern");
    if is_string
        || !(schema.contains_key("type") || schema.contains_key("enum") || schema.contains_key("const"))
    {
        return Value::Object(schema);
    }
    schema.remove("default");
    let mut either = Map::new();
    either.extend(description.map(|description| ("description".to_owned(), description)));
    either.insert("anyOf".to_owned(), json!([schema, { "type": "string", "pattern": r"\$\{" }]));
    Value::Object(either)
}

/// The JSON Schema of a stack file.
fn stack_schema() -> Value {
    let strings = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let mut properties = Map::new();
    properties.insert(
        "stack".to_owned(),
        json!({
            "description": "The stack: its name, region, tags and accounts.",
            "type": "object",
            "properties": {
                "name": { "type": "string" }, "region": { "type": "string" }, "requires": { "type": "string" },
                "tags": strings, "accounts": strings
            },
            "additionalProperties": false
        }),
    );
    properties.insert(
        "ledger".to_owned(),
        json!({
            "description": "Where the ledger lives: in S3 instead of a local file.",
            "type": "object",
            "properties": {
                "bucket": { "description": "The bucket; `dwctl ledger init` makes it.", "type": "string" },
                "prefix": { "description": "What keys begin with.", "type": "string", "default": "dwctl/" },
                "region": { "description": "The bucket's region; the stack's without one.", "type": "string" },
                "kms_key_id": { "description": "The KMS key that encrypts the ledger.", "type": "string" },
                "profile": { "description": "Profile of the AWS configuration to reach it with.", "type": "string" },
                "lock_expiry_seconds": {
                    "description": "Seconds after which a lock without a sign of life may be taken over.",
                    "type": "integer", "minimum": 3, "maximum": 3600, "default": 60
                }
            },
            "additionalProperties": false
        }),
    );
    properties.insert(
        "variable".to_owned(),
        json!({
            "description": "Variables, by name.",
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "type": { "type": "string" }, "default": {}, "description": { "type": "string" },
                    "sensitive": { "type": "boolean" },
                    "validation": { "type": "array", "items": {
                        "type": "object",
                        "properties": { "condition": { "type": "string" }, "message": { "type": "string" } },
                        "required": ["condition", "message"], "additionalProperties": false } }
                },
                "additionalProperties": false
            }
        }),
    );
    properties.insert("local".to_owned(), json!({ "description": "Named expressions.", "type": "object" }));
    properties.insert("output".to_owned(), json!({ "description": "Outputs, by name.", "type": "object" }));
    let block = |description: &str, fields: Value, required: &[&str]| {
        json!({ "description": description, "type": "array", "items": {
            "type": "object", "properties": fields, "required": required, "additionalProperties": false } })
    };
    let text = json!({ "type": "string" });
    for (name, schema) in [
        (
            "import",
            block("What exists and becomes the stack's.", json!({ "to": text, "id": text }), &["to", "id"]),
        ),
        (
            "moved",
            block("What has another address now.", json!({ "from": text, "to": text }), &["from", "to"]),
        ),
        (
            "removed",
            block(
                "What the stack lets go of.",
                json!({ "from": text, "destroy": { "type": "boolean" } }),
                &["from"],
            ),
        ),
    ] {
        properties.insert(name.to_owned(), schema);
    }
    for kind in kinds::KINDS.iter() {
        let schema = kind.schema();
        let Value::Object(mut resource) = schema.json.clone() else { continue };
        resource.remove("title");
        if let Some(Value::Object(fields)) = resource.get_mut("properties") {
            let taken = std::mem::take(fields);
            fields.extend(taken.into_iter().map(|(name, field)| (name, or_expression(field))));
            fields.insert(
                "for_each".to_owned(),
                json!({ "description": "One resource for each element of a list of strings or a map." }),
            );
            fields.insert(
                "when".to_owned(),
                json!({ "description": "Whether there is such a resource.", "type": ["boolean", "string"] }),
            );
            fields.insert(
                "region".to_owned(),
                json!({ "description": "Another region than the stack's.", "type": "string" }),
            );
            fields.insert("depends_on".to_owned(), json!({ "description": "Addresses that it needs.", "type": "array", "items": { "type": "string" } }));
            fields.insert(
                "lifecycle".to_owned(),
                json!({
                    "description": "How it is replaced and removed.",
                    "type": "object",
                    "properties": {
                        "protect": { "description": "Refuse to destroy or replace it, even when its block is gone.", "type": ["boolean", "string"] },
                        "create_before_destroy": { "description": "Make the new one before the old one goes.", "type": ["boolean", "string"] },
                        "retain": { "description": "Leave it at AWS when its block is gone, and on destroy.", "type": ["boolean", "string"] },
                        "ignore_changes": { "type": "array", "items": { "type": "string" } },
                        "replace_triggered_by": { "type": "array", "items": { "type": "string" } }
                    },
                    "additionalProperties": false
                }),
            );
            if kind.taggable() {
                fields.insert(
                    "tags".to_owned(),
                    json!({ "description": "Tags, besides the stack's.", "type": ["object", "string"] }),
                );
            }
        }
        properties.insert(
            kind.name().to_owned(),
            json!({ "description": schema.description, "type": "object", "additionalProperties": resource }),
        );
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dwctl stack",
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}
