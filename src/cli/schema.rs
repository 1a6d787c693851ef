//! `dwctl schema`.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::files::{self, Readers};
use super::printer::Printer;
use super::{Exit, Outcome, StackArgs, context};
use crate::diag::Diagnostic;
use crate::kinds;
use crate::stack::{Stack, Type};

/// Writes the JSON Schemas of stack files and environments, for editors.
///
/// In a stack file: `#:schema ./schema/stack.schema.json`, in a file of the folder `env`:
/// `#:schema ../schema/env.schema.json`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for stack.schema.json and env.schema.json; without it, prints the schema of stack
    /// files.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,

    /// Prints the schema of environment files instead.
    #[arg(long, conflicts_with = "out")]
    env: bool,

    /// Stack folder: environment files may then set only its variables, each of its type.
    #[arg(long, value_name = "FOLDER")]
    stack: Option<PathBuf>,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let stack = match args.stack {
        None => None,
        Some(stack) => Some(context::load(&StackArgs {
            stack,
            env: None,
            var: Vec::new(),
            var_file: Vec::new(),
            given: Default::default(),
        })?),
    };
    let text = |schema: Value| format!("{schema:#}\n");
    let Some(folder) = args.out else {
        printer.json(&text(if args.env { env_schema(stack.as_ref()) } else { stack_schema() }));
        return Ok(Exit::Done);
    };
    let schemas = [("stack.schema.json", stack_schema()), ("env.schema.json", env_schema(stack.as_ref()))];
    for (name, schema) in schemas {
        let file = folder.join(name);
        let written = std::fs::create_dir_all(&folder)
            .and_then(|()| files::write(&file, text(schema).as_bytes(), Readers::All));
        written.map_err(|error| {
            Diagnostic::error("unwritable", format!("cannot write {}", file.display()))
                .note(error.to_string())
        })?;
        printer.note(&format!("{} written", file.display()));
    }
    Ok(Exit::Done)
}

/// All TOML types of a value.
const ANY: [&str; 5] = ["string", "number", "boolean", "array", "object"];

/// Marks every table with free names as open, because editors read a missing mark as closed.
fn open(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(open);
            let is_table = match members.get("type") {
                Some(Value::String(name)) => name == "object",
                Some(Value::Array(names)) => names.contains(&json!("object")),
                _ => false,
            };
            if is_table && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(true));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(open),
        _ => {}
    }
}

/// The JSON Schema of a file of the folder `env`.
fn env_schema(stack: Option<&Stack>) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "stack".to_owned(),
        stack_table("Settings of the stack that the environment overrides.", &["region"]),
    );
    properties.insert("ledger".to_owned(), ledger_table());
    for (name, variable) in stack.into_iter().flat_map(|stack| &stack.root.variables) {
        let mut schema = of_type(&variable.kind);
        let words = variable.description.clone().unwrap_or_else(|| format!("The variable `{name}`."));
        if let Value::Object(members) = &mut schema {
            members.insert("description".to_owned(), json!(words));
        }
        properties.insert(name.clone(), schema);
    }
    finished("dwctl environment", properties, stack.is_none())
}

/// The schema for the values of a variable.
fn of_type(kind: &Type) -> Value {
    match kind {
        Type::String => json!({ "type": "string" }),
        Type::Number => json!({ "type": "number" }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::List(element) | Type::Set(element) => json!({ "type": "array", "items": of_type(element) }),
        Type::Map(element) => json!({ "type": "object", "additionalProperties": of_type(element) }),
        Type::Tuple(elements) => {
            let items: Vec<Value> = elements.iter().map(of_type).collect();
            json!({ "type": "array", "prefixItems": items, "minItems": items.len(), "maxItems": items.len() })
        }
        Type::Object(fields) => {
            let required: Vec<&String> =
                fields.iter().filter(|(_, field)| field.absent.is_none()).map(|(name, _)| name).collect();
            let of: Map<String, Value> =
                fields.iter().map(|(name, field)| (name.clone(), of_type(&field.kind))).collect();
            json!({ "type": "object", "properties": of, "required": required, "additionalProperties": false })
        }
        _ => json!({ "type": ANY }),
    }
}

/// The schema of a whole file. `others` says whether it may have other members.
fn finished(title: &str, properties: Map<String, Value>, others: bool) -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": others
    });
    open(&mut schema);
    schema
}

/// Lets every scalar also be an expression.
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

/// The schema of `[stack]`, with these of its members.
fn stack_table(description: &str, members: &[&str]) -> Value {
    let strings = |words: &str| json!({ "description": words, "type": "object", "additionalProperties": { "type": "string" } });
    let text = |words: &str| json!({ "description": words, "type": "string" });
    let texts = |words: &str| json!({ "description": words, "type": "array", "items": { "type": "string" } });
    let known = [
        (
            "name",
            text("Name of the stack: up to 64 letters, digits, `-` and `_`. The owner tags contain it."),
        ),
        ("region", text("AWS region of its resources, such as us-east-1.")),
        ("requires", text("The versions of dwctl that it works with, such as \">= 0.3\" or \"~> 1.2\".")),
        ("tags", strings("Tags for every resource that can be tagged.")),
        (
            "accounts",
            json!({
                "description": "The account of each environment, or a list of its accounts: dwctl refuses to run in any other.",
                "type": "object",
                "additionalProperties": { "type": ["string", "array"], "items": { "type": "string" } }
            }),
        ),
        (
            "shared",
            texts("Additional folders of the git repository to read files from, such as \"../policies\"."),
        ),
        ("ignore_tags", texts("Keys of tags that others set and that dwctl ignores, such as \"org:*\".")),
    ];
    let chosen = known.into_iter().filter(|(name, _)| members.contains(name));
    let chosen: Map<String, Value> = chosen.map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "description": description, "type": "object", "properties": chosen, "additionalProperties": false })
}

/// The schema of `[aws.NAME]`.
fn accounts_table() -> Value {
    let text = |words: &str| json!({ "description": words, "type": "string" });
    json!({
        "description": "Accounts besides the stack's own, by name: `account = \"NAME\"` of a resource.",
        "type": "object",
        "additionalProperties": {
            "description": "An account, and how it is reached.",
            "type": "object",
            "properties": {
                "role_arn": text("The role that dwctl assumes there."),
                "external_id": text("The external id that the role demands."),
                "session_name": text("The name of the session in CloudTrail; by default `dwctl-STACK-ENV`."),
                "duration_seconds": {
                    "description": "The lifetime of the credentials, 900 to 43200; they are renewed in time.",
                    "type": ["integer", "string"]
                },
                "profile": text("The profile of the AWS configuration files, instead of the caller's credentials."),
                "region": text("The region of its resources, if it is not that of the stack."),
            },
            "additionalProperties": false
        }
    })
}

/// The schema of conditions: one table, or a list of tables.
fn conditions(description: &str) -> Value {
    let one = json!({
        "type": "object",
        "properties": {
            "condition": { "description": "An expression that must be true.", "type": ["string", "boolean"] },
            "message": { "description": "The message if it is not.", "type": "string" }
        },
        "required": ["condition", "message"], "additionalProperties": false
    });
    json!({ "description": description, "anyOf": [one, { "type": "array", "items": one }] })
}

fn ledger_table() -> Value {
    json!({
        "description": "Keeps the ledger in S3 instead of a local file.",
        "type": "object",
        "properties": {
            "bucket": { "description": "The bucket; `dwctl ledger init` creates it.", "type": "string" },
            "prefix": { "description": "The prefix of the keys.", "type": "string", "default": "dwctl/" },
            "region": { "description": "The bucket's region; by default that of the stack.", "type": "string" },
            "kms_key_id": { "description": "The KMS key that encrypts the ledger.", "type": "string" },
            "profile": { "description": "The AWS profile for access to it.", "type": "string" },
            "lock_expiry_seconds": {
                "description": "Seconds after which a lock that is not renewed may be taken over.",
                "type": "integer", "minimum": 3, "maximum": 3600, "default": 60
            }
        },
        "additionalProperties": false
    })
}

/// The schema of `[module.NAME]`. Its inputs are those of the folder, which the schema does not know.
fn module_table() -> Value {
    json!({
        "description": "Modules, by name: instances of what a folder declares.",
        "type": "object",
        "additionalProperties": {
            "description": "A module: `${module.NAME.OUTPUT}`. Its other members are the values of its variables.",
            "type": "object",
            "properties": {
                "source": {
                    "description": "Its folder, from that of this file.",
                    "type": "string",
                    "pattern": r"^\.\.?(/|$)"
                },
                "for_each": { "description": "One instance for each element, with `each.key` and `each.value`.", "type": ["string", "array", "object"] },
                "when": { "description": "The condition for it to exist.", "type": ["string", "boolean"] },
                "account": { "description": "The NAME of an [aws.NAME], for all in it that names no other.", "type": "string" },
                "depends_on": { "description": "Addresses that everything in it needs.", "type": "array", "items": { "type": "string" } }
            },
            "required": ["source"]
        }
    })
}

/// The schema of `[data.KIND.NAME]`.
fn data_table() -> Value {
    let kinds = kinds::KINDS.iter().chain(kinds::DATA_KINDS.iter()).map(|kind| {
        let by = kind.found_by();
        let mut fields: Map<String, Value> =
            by.json.iter().map(|(name, field)| (name.clone(), or_expression(field.clone()))).collect();
        let settings = json!({
            "many": { "description": "Whether it is a list of all that match.", "type": "boolean" },
            "for_each": { "description": "One for each element, with `each.key` and `each.value`.", "type": ["string", "array", "object"] },
            "when": { "description": "Whether it is read.", "type": ["string", "boolean"] },
            "region": { "description": "The region, if it is not that of the stack.", "type": "string" },
            "depends_on": { "description": "Addresses that must be applied before it is read.", "type": "array", "items": { "type": "string" } },
            "precondition": conditions("Conditions that must be true before it is read."),
            "postcondition": conditions("Conditions on what is found, which they see as `self`.")
        });
        fields.extend(settings.as_object().cloned().unwrap_or_default());
        let one = json!({
            "description": format!("An existing resource, found {}.", by.in_words()),
            "type": "object", "properties": fields, "additionalProperties": false
        });
        let description = format!("Existing resources of the kind {}, by name.", kind.name());
        (kind.name().to_owned(), json!({ "description": description, "type": "object", "additionalProperties": one }))
    });
    json!({
        "description": "Existing resources of others, by kind and name: `${data.KIND.NAME.ATTRIBUTE}`.",
        "type": "object",
        "properties": kinds.collect::<Map<String, Value>>(),
        "additionalProperties": false
    })
}

/// The schema of `[stack_output.NAME]`.
fn stack_output_table() -> Value {
    json!({
        "description": "Other stacks, by name, whose outputs are read.",
        "type": "object",
        "additionalProperties": {
            "description": "Another stack: `${stack_output.NAME.OUTPUT}`.",
            "type": "object",
            "properties": {
                "folder": { "description": "Its folder, from that of this file.", "type": "string", "pattern": r"^\.\.?(/|$)" },
                "env": { "description": "Its environment, if it is not that of this stack.", "type": "string" }
            },
            "required": ["folder"],
            "additionalProperties": false
        }
    })
}

/// The JSON Schema of a stack file.
fn stack_schema() -> Value {
    let mut properties = Map::new();
    let members = ["name", "region", "requires", "tags", "accounts", "shared", "ignore_tags"];
    properties
        .insert("stack".to_owned(), stack_table("The stack: its name, region, tags and accounts.", &members));
    properties.insert("ledger".to_owned(), ledger_table());
    properties.insert("aws".to_owned(), accounts_table());
    properties.insert(
        "variable".to_owned(),
        json!({
            "description": "Variables, by name.",
            "type": "object",
            "additionalProperties": {
                "description": "A variable: `${var.NAME}`. `env/NAME.toml`, DWCTL_VAR_name and --var set it.",
                "type": "object",
                "properties": {
                    "type": { "description": "Its type in Terraform's notation, such as `number` or `list(string)`.", "type": "string" },
                    "default": { "description": "The value if nothing sets it.", "type": ANY },
                    "description": { "description": "Its purpose.", "type": "string" },
                    "sensitive": { "description": "Whether its value is secret.", "type": "boolean" },
                    "ephemeral": { "description": "Whether only attributes that AWS never returns, such as a password, may have its value.", "type": "boolean" },
                    "nullable": { "description": "Whether its value may be null; otherwise null stands for the default.", "type": "boolean", "default": true },
                    "validation": conditions("Conditions that its value must meet.")
                },
                "additionalProperties": false
            }
        }),
    );
    properties.insert("module".to_owned(), module_table());
    properties.insert("data".to_owned(), data_table());
    properties.insert("stack_output".to_owned(), stack_output_table());
    properties.insert("local".to_owned(), json!({ "description": "Named expressions.", "type": "object" }));
    properties.insert("output".to_owned(), json!({ "description": "Outputs, by name.", "type": "object" }));
    let check = conditions(
        "A check: its conditions must be true after the plan and after the apply; otherwise there is a warning.",
    );
    properties.insert(
        "check".to_owned(),
        json!({ "description": "Checks, by name.", "type": "object", "additionalProperties": check }),
    );
    let block = |description: &str, fields: Value, required: &[&str]| {
        json!({ "description": description, "type": "array", "items": {
            "type": "object", "properties": fields, "required": required, "additionalProperties": false } })
    };
    let text = |words: &str| json!({ "description": words, "type": "string" });
    for (name, schema) in [
        (
            "import",
            block(
                "Imports an existing resource into the stack.",
                json!({
                    "to": text("The address under which it is declared, such as s3_bucket.lake."),
                    "id": text("Its id at AWS, such as a name or an ARN.")
                }),
                &["to", "id"],
            ),
        ),
        (
            "moved",
            block(
                "Renames the address of a resource or a module.",
                json!({
                    "from": text("The old address."),
                    "to": text("The new address.")
                }),
                &["from", "to"],
            ),
        ),
        (
            "removed",
            block(
                "Removes a resource or a module from the stack without destroying it.",
                json!({
                    "from": text("The old address."),
                    "destroy": { "description": "Destroy it instead of leaving it at AWS.", "type": "boolean" }
                }),
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
        // The beginning of the name stands for it.
        if let (Some(name), Some(Value::Array(required))) =
            (kind.name_attribute(), resource.get_mut("required"))
        {
            required.retain(|one| one != name);
        }
        if let Some(Value::Object(fields)) = resource.get_mut("properties") {
            let taken = std::mem::take(fields);
            fields.extend(taken.into_iter().map(|(name, field)| (name, or_expression(field))));
            fields.insert(
                "for_each".to_owned(),
                json!({
                    "description": "One resource for each element of a list of strings or a map.",
                    "type": ["array", "object", "string"], "items": { "type": "string" }
                }),
            );
            fields.insert(
                "when".to_owned(),
                json!({ "description": "Whether the resource exists.", "type": ["boolean", "string"] }),
            );
            fields.insert(
                "region".to_owned(),
                json!({ "description": "The region, if it is not that of its account.", "type": "string" }),
            );
            fields.insert(
                "account".to_owned(),
                json!({ "description": "The NAME of an [aws.NAME], if it is not the account of its module.", "type": "string" }),
            );
            fields.insert("depends_on".to_owned(), json!({ "description": "Addresses that it depends on.", "type": "array", "items": { "type": "string" } }));
            fields.insert(
                "precondition".to_owned(),
                conditions("Conditions that must be true before it is created or changed."),
            );
            fields.insert(
                "postcondition".to_owned(),
                conditions("Conditions on the resource as it is after the apply, which they see as `self`."),
            );
            if kind.name_attribute().is_some() {
                fields.insert(
                    "name_prefix".to_owned(),
                    json!({ "description": "The beginning of its name, instead of the whole: dwctl generates the rest once.", "type": "string" }),
                );
            }
            let limit = |words: &str| json!({ "description": words, "type": "string" });
            fields.insert(
                "timeout".to_owned(),
                json!({
                    "description": "How long its steps may take, such as \"40m\" or \"1h30m\".",
                    "type": "object",
                    "properties": {
                        "create": limit("For its creation."),
                        "update": limit("For a change."),
                        "delete": limit("For its deletion.")
                    },
                    "additionalProperties": false
                }),
            );
            fields.insert(
                "lifecycle".to_owned(),
                json!({
                    "description": "How it is replaced and deleted.",
                    "type": "object",
                    "properties": {
                        "protect": { "description": "Refuse to destroy or replace it, even after its block is removed.", "type": ["boolean", "string"] },
                        "create_before_destroy": { "description": "Create the new one before the old one is deleted.", "type": ["boolean", "string"] },
                        "retain": { "description": "Leave it at AWS when its block is removed, and on destroy.", "type": ["boolean", "string"] },
                        "ignore_changes": { "description": "Attributes whose differences are ignored, written as in a plan; `all` for every one.", "type": "array", "items": { "type": "string" } },
                        "replace_triggered_by": { "description": "Addresses, or their attributes, whose changes replace this resource.", "type": "array", "items": { "type": "string" } }
                    },
                    "additionalProperties": false
                }),
            );
            if kind.taggable() {
                fields.insert(
                    "tags".to_owned(),
                    json!({ "description": "Tags, in addition to the stack's.", "type": ["object", "string"] }),
                );
            }
        }
        properties.insert(
            kind.name().to_owned(),
            json!({ "description": schema.description, "type": "object", "additionalProperties": resource }),
        );
    }
    finished("dwctl stack", properties, false)
}
