//! Reads the tables that declare something: variables, outputs and resources.

use super::condition::Condition;
use super::load::Loader;
use super::node::{Content, Entry};
use super::variable::{Type, Variable};
use super::{Lifecycle, Output, Resource, settings};
use crate::diag::Diagnostic;
use crate::value::Value;

impl Loader<'_> {
    pub(super) fn variable(&mut self, entry: Entry) {
        const KNOWN: [&str; 7] =
            ["type", "default", "description", "sensitive", "ephemeral", "nullable", "validation"];
        self.name(&entry);
        if let Some(first) = self.variables.get(&entry.name) {
            let first = first.span;
            return self.duplicate(&format!("the variable `{}`", entry.name), entry.span, first);
        }
        let mut variable = Variable {
            kind: Type::Any,
            default: None,
            description: None,
            sensitive: false,
            ephemeral: false,
            nullable: true,
            validation: Vec::new(),
            span: entry.span,
        };
        if !matches!(entry.value.content, Content::Table(_)) {
            self.problems.push(
                Diagnostic::error("wrong-type", format!("the variable `{}` must be a table", entry.name))
                    .at(entry.value.span, "expected a table")
                    .help(format!("[variable.{}] with type, default and description", entry.name)),
            );
        }
        for field in entry.value.entries() {
            match field.name.as_str() {
                "type" => {
                    if let Some(text) = self.text(&field.value, "`type`") {
                        match Type::parse(&text) {
                            Ok(kind) => variable.kind = kind,
                            Err(message) => self.problems.push(
                                Diagnostic::error("invalid-type", "this is not a type")
                                    .at(field.value.span, message),
                            ),
                        }
                    }
                }
                "default" => variable.default = Some(field.value.clone()),
                "description" => variable.description = self.text(&field.value, "`description`"),
                "sensitive" => variable.sensitive = self.flag(&field.value, "`sensitive`"),
                "ephemeral" => variable.ephemeral = self.flag(&field.value, "`ephemeral`"),
                "nullable" => variable.nullable = self.flag(&field.value, "`nullable`"),
                "validation" => variable.validation = self.conditions(field, "a validation"),
                _ => self.unknown_key(field, "a variable", &KNOWN),
            }
        }
        self.variables.insert(entry.name, variable);
    }

    pub(super) fn output(&mut self, entry: Entry) {
        self.name(&entry);
        if let Some(first) = self.outputs.get(&entry.name) {
            let first = first.span;
            return self.duplicate(&format!("the output `{}`", entry.name), entry.span, first);
        }
        let mut output = Output {
            value: entry.value.clone(),
            description: None,
            sensitive: false,
            preconditions: Vec::new(),
            span: entry.span,
        };
        const KNOWN: [&str; 4] = ["value", "description", "sensitive", "precondition"];
        // `[output.name]` with a `value` is the long form; any other table is the value itself.
        if let Some(value) = entry.value.entry("value") {
            output.value = value.value.clone();
            for field in entry.value.entries() {
                match field.name.as_str() {
                    "value" => {}
                    "description" => output.description = self.text(&field.value, "`description`"),
                    "sensitive" => output.sensitive = self.flag(&field.value, "`sensitive`"),
                    "precondition" => output.preconditions = self.conditions(field, "a precondition"),
                    _ => self.unknown_key(field, "an output", &KNOWN),
                }
            }
        }
        self.outputs.insert(entry.name, output);
    }

    pub(super) fn check(&mut self, entry: Entry) {
        self.name(&entry);
        if self.checks.contains_key(&entry.name) {
            let first = self.checks.get(&entry.name).and_then(|all| all.first()).map(|one| one.span);
            return self.duplicate(
                &format!("the check `{}`", entry.name),
                entry.span,
                first.unwrap_or(entry.span),
            );
        }
        let conditions = self.conditions(&entry, "a check");
        self.checks.insert(entry.name, conditions);
    }

    /// Reads conditions with their messages: a table, or a list of tables.
    pub(super) fn conditions(&mut self, entry: &Entry, what: &str) -> Vec<Condition> {
        const KNOWN: [&str; 2] = ["condition", "message"];
        let tables = match &entry.value.content {
            Content::List(tables) => tables.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let mut conditions = Vec::new();
        for table in tables {
            if !matches!(table.content, Content::Table(_)) {
                let message = format!("`{}` must be a table with `condition` and `message`", entry.name);
                self.problems.push(
                    Diagnostic::error("wrong-type", message)
                        .at(table.span, "expected { condition = \"${…}\", message = \"…\" }"),
                );
                continue;
            }
            for field in table.entries().iter().filter(|field| !KNOWN.contains(&field.name.as_str())) {
                self.unknown_key(field, what, &KNOWN);
            }
            match (table.entry("condition"), table.entry("message")) {
                (Some(condition), Some(message)) => conditions.push(Condition {
                    condition: condition.value.clone(),
                    message: message.value.clone(),
                    span: table.span,
                }),
                (condition, _) => {
                    let missing = if condition.is_none() { "condition" } else { "message" };
                    self.problems.push(
                        Diagnostic::error(
                            "missing-attribute",
                            format!("{what} needs `condition` and `message`"),
                        )
                        .at(table.span, format!("`{missing}` is missing")),
                    );
                }
            }
        }
        conditions
    }

    pub(super) fn resource(&mut self, kind: &str, entry: Entry) {
        self.name(&entry);
        let key = (kind.to_owned(), entry.name.clone());
        if let Some(first) = self.resources.get(&key) {
            let first = first.span;
            return self.duplicate(&format!("the resource `{kind}.{}`", entry.name), entry.span, first);
        }
        let Content::Table(entries) = entry.value.content else {
            self.unread.insert(format!("{kind}.{}", entry.name));
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`{kind}.{}` must be a table", entry.name))
                    .at(entry.value.span, "expected a table")
                    .help(format!("a resource is [{kind}.NAME], with its attributes below")),
            );
            return;
        };
        let mut resource = Resource::new(kind, &entry.name, entry.span);
        let mut body = Vec::new();
        for field in entries {
            match field.name.as_str() {
                "tags" => resource.tags = Some(field.value),
                "for_each" => resource.for_each = Some(field.value),
                "when" => resource.when = Some(field.value),
                "region" => resource.region = Some(field.value),
                "account" => resource.account = Some(field.value),
                "depends_on" => resource.depends_on = self.texts(&field.value, "`depends_on`"),
                "lifecycle" => self.lifecycle(kind, &field, &mut resource.lifecycle),
                "name_prefix" => resource.name_prefix = Some(field.value),
                "timeout" => resource.timeout = Some(field.value),
                "precondition" => resource.preconditions = self.conditions(&field, "a precondition"),
                "postcondition" => resource.postconditions = self.conditions(&field, "a postcondition"),
                "provider" | "count" => {
                    let error = Diagnostic::error(
                        "not-supported",
                        format!("`{}` is not supported by this version of dwctl", field.name),
                    )
                    .at(field.span, "cannot be used yet");
                    self.problems.push(match field.name.as_str() {
                        "count" => error.help("use for_each with a list of names, or when = true or false"),
                        "provider" => error.help(
                            "use region to place a resource in another region, account for one of an [aws.NAME]",
                        ),
                        _ => error,
                    });
                }
                _ => body.push(field),
            }
        }
        resource.body.content = Content::Table(body);
        self.resources.insert(key, resource);
    }

    fn lifecycle(&mut self, kind: &str, entry: &Entry, lifecycle: &mut Lifecycle) {
        const KNOWN: [&str; 5] =
            ["protect", "create_before_destroy", "ignore_changes", "replace_triggered_by", "retain"];
        for field in entry.value.entries() {
            match field.name.as_str() {
                "protect" => lifecycle.protect = Some(field.value.clone()),
                "create_before_destroy" => lifecycle.create_before_destroy = Some(field.value.clone()),
                "retain" => lifecycle.retain = Some(field.value.clone()),
                "ignore_changes" => {
                    // Terraform's `ignore_changes = all`.
                    let texts = match field.value.literal() {
                        Some(Value::String(text)) if text == "all" => vec![(text, field.value.span)],
                        _ => self.texts(&field.value, "`ignore_changes`"),
                    };
                    lifecycle.ignore_changes = settings::ignored(kind, texts, &mut self.problems);
                }
                "replace_triggered_by" => {
                    let texts = self.texts(&field.value, "`replace_triggered_by`");
                    lifecycle.replace_triggered_by = settings::triggers(texts, &mut self.problems);
                }
                _ => self.unknown_key(field, "`lifecycle`", &KNOWN),
            }
        }
    }
}
