//! Reads `[aws.NAME]` blocks, and evaluates them before AWS is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Access, Account, MEMBERS, account_of};
use super::load::Loader;
use super::model::Stack;
use super::region::fault;
use super::{Content, Entry, Node};
use crate::diag::{Diagnostic, Span, nearest};
use crate::lang::Names;
use crate::value::{Number, Value};

/// What its expressions may refer to: AWS is asked with their values.
const ROOTS: [&str; 4] = ["var", "local", "env", "stack"];

impl Loader<'_> {
    /// Reads one `[aws.NAME]` block.
    pub(super) fn account(&mut self, entry: Entry) {
        self.name(&entry);
        if let Some(first) = self.aws.get(&entry.name) {
            let first = first.span;
            return self.duplicate(&format!("the account `{}`", entry.name), entry.span, first);
        }
        let Content::Table(fields) = entry.value.content else {
            self.problems.push(
                Diagnostic::error("wrong-type", format!("`aws.{}` must be a table", entry.name))
                    .at(entry.value.span, "expected a table")
                    .help("an account is [aws.NAME], with `role_arn` or `profile` below"),
            );
            return;
        };
        let mut members = BTreeMap::new();
        for field in fields {
            match MEMBERS.contains(&field.name.as_str()) {
                true => drop(members.insert(field.name, field.value)),
                false => self.unknown_member(&field),
            }
        }
        self.aws.insert(entry.name, Account { span: entry.span, members, access: Access::default() });
    }

    /// Reads the account ids of an environment: one, or a list.
    pub(super) fn account_ids(&mut self, node: &Node) -> Vec<String> {
        let ids: Vec<(String, Span)> = match &node.content {
            Content::List(_) => self.texts(node, "account ids"),
            _ => self.text(node, "an account id").map(|id| (id, node.span)).into_iter().collect(),
        };
        for (id, span) in &ids {
            if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                self.problems.push(
                    Diagnostic::error("invalid-value", format!("`{id}` is not an account id"))
                        .at(*span, "twelve digits, as a string"),
                );
            }
        }
        ids.into_iter().map(|(id, _)| id).collect()
    }

    fn unknown_member(&mut self, field: &Entry) {
        let theirs = match field.name.as_str() {
            "assume_role" | "assume_role_with_web_identity" | "role" => Some("role_arn"),
            "role_session_name" => Some("session_name"),
            "duration" => Some("duration_seconds"),
            "access_key" | "secret_key" | "token" | "access_key_id" | "secret_access_key" => {
                let error =
                    Diagnostic::error("unknown-attribute", format!("`[aws.NAME]` has no `{}`", field.name));
                self.problems.push(
                    error
                        .at(field.span, "credentials do not belong in a stack")
                        .help("name a role_arn to assume, or a profile of the AWS configuration files"),
                );
                return;
            }
            _ => None,
        };
        match theirs {
            None => self.unknown_key(field, "`[aws.NAME]`", &MEMBERS),
            Some(ours) => {
                let error =
                    Diagnostic::error("unknown-attribute", format!("`[aws.NAME]` has no `{}`", field.name));
                self.problems.push(error.at(field.span, format!("did you mean `{ours}`?")));
            }
        }
    }
}

impl Stack {
    /// Evaluates the members of `[aws.NAME]` blocks. Members that depend on variables without a value stay
    /// absent: these variables are reported elsewhere.
    pub fn settle_accounts(&mut self, variables: &BTreeMap<String, Value>, problems: &mut Vec<Diagnostic>) {
        let mut accounts = std::mem::take(&mut self.aws);
        for (name, account) in &mut accounts {
            let mut access = Access::default();
            for (member, node) in &account.members {
                if let Some(value) = self.known(name, member, node, variables, problems) {
                    problems.extend(take(&mut access, member, value, node));
                }
            }
            account.access = access;
        }
        self.aws = accounts;
    }

    /// The `[aws.NAME]` that a name probably means.
    pub fn account_like(&self, name: &str) -> Option<&str> {
        nearest(name, self.aws.keys().map(String::as_str))
    }

    /// The value of a member, which must not depend on AWS.
    fn known(
        &self,
        name: &str,
        member: &str,
        node: &Node,
        variables: &BTreeMap<String, Value>,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Value> {
        let locals = match self.locals_of(node) {
            Ok(locals) => locals,
            Err(reference) => {
                problems.push(
                    Diagnostic::error("undecided", format!("`{member}` must be known before AWS is asked"))
                        .at(node.span, format!("depends on `{reference}`"))
                        .note(format!("the account of [aws.{name}] is asked before the stack is evaluated"))
                        .help("write it out, or take it from a variable"),
                );
                return None;
            }
        };
        let stack = Value::map([("name", self.name.as_str()), ("region", self.region.as_str())]);
        let mut values: BTreeMap<String, Value> =
            [("var", Value::Map(variables.clone())), ("env", self.env.as_str().into()), ("stack", stack)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
        let scope = |values: &BTreeMap<String, Value>| Names {
            values: values.clone(),
            files: self.root.files.clone(),
            ..Names::default()
        };
        // The problems of locals are reported where all locals are checked.
        let mut known = BTreeMap::new();
        for local in locals {
            let Some(entry) = self.root.locals.get(local) else { continue };
            let mut found = Vec::new();
            let value = entry.value.evaluate(&scope(&values), &mut found);
            if !found.is_empty() {
                return None;
            }
            known.insert(local.to_owned(), value);
            values.insert("local".to_owned(), Value::Map(known.clone()));
        }
        let before = problems.len();
        let value = node.evaluate(&scope(&values), problems);
        (problems.len() == before && !value.contains_unknown()).then_some(value)
    }

    /// The locals that an expression needs, each after those that it needs itself.
    ///
    /// # Errors
    /// It depends on something else than variables and locals.
    fn locals_of(&self, node: &Node) -> Result<Vec<&str>, String> {
        let (mut order, mut done) = (Vec::new(), BTreeSet::new());
        // Each local comes twice: before and after those that it needs.
        let mut open: Vec<(Option<&str>, bool)> = vec![(None, false)];
        while let Some((local, is_after)) = open.pop() {
            if is_after {
                order.extend(local);
                continue;
            }
            let node = match local {
                None => node,
                Some(name) if !done.insert(name) => continue,
                Some(name) => match self.root.locals.get(name) {
                    Some(entry) => &entry.value,
                    None => continue,
                },
            };
            open.push((local, true));
            for reference in node.references() {
                if !ROOTS.contains(&reference.root.as_str()) {
                    let name = reference.name(0).map_or_else(String::new, |name| format!(".{name}"));
                    return Err(format!("{}{name}", reference.root));
                }
                let needed = reference.name(0).filter(|_| reference.root == "local");
                let needed = needed.and_then(|name| self.root.locals.get_key_value(name));
                open.extend(needed.map(|(name, _)| (Some(name.as_str()), false)));
            }
        }
        Ok(order)
    }
}

/// Takes the value of a member. Null counts as absent.
fn take(access: &mut Access, member: &str, value: Value, node: &Node) -> Option<Diagnostic> {
    let is_secret = value.contains_secret();
    let value = value.reveal();
    if value.is_null() {
        return None;
    }
    if is_secret && member != "external_id" {
        let error = Diagnostic::error("secret-name", format!("`{member}` would show a secret"));
        return Some(error.at(node.span, "how an account is reached is always shown"));
    }
    let wrong = |message: String, label: &str| {
        Some(Diagnostic::error("invalid-value", message).at(node.span, label.to_owned()))
    };
    if member == "duration_seconds" {
        return match value {
            Value::Number(Number::Integer(seconds)) if (900..=43_200).contains(&seconds) => {
                access.duration_seconds = u32::try_from(seconds).ok();
                None
            }
            _ => wrong("`duration_seconds` must be a whole number".to_owned(), "from 900 to 43200"),
        };
    }
    let Value::String(text) = value else {
        let message = format!("`{member}` must be a string, not {}", value.kind_name());
        return Some(Diagnostic::error("wrong-type", message).at(node.span, "expected a string"));
    };
    let is_of = |more: &str| text.chars().all(|one| one.is_ascii_alphanumeric() || more.contains(one));
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    match member {
        "role_arn" if account_of(&text).is_none() => wrong(
            format!("`{text}` is not the ARN of a role"),
            "such as arn:aws:iam::111122223333:role/dwctl",
        ),
        "external_id" if !is_of("_+=,.@:/-") || !(2..=1_224).contains(&text.len()) => wrong(
            "`external_id` has a form that AWS does not take".to_owned(),
            "2 to 1224 letters, digits and _+=,.@:/-",
        ),
        "session_name" if !is_of("_+=,.@-") || !(2..=64).contains(&text.len()) => {
            wrong(format!("`{text}` is not the name of a session"), "2 to 64 letters, digits and _+=,.@-")
        }
        "profile" if text.is_empty() => wrong("`profile` is empty".to_owned(), "the name of a profile"),
        "region" if fault(&text, node.span).is_some() => fault(&text, node.span),
        _ => {
            let field = match member {
                "role_arn" => &mut access.role_arn,
                "external_id" => &mut access.external_id,
                "session_name" => &mut access.session_name,
                "profile" => &mut access.profile,
                _ => &mut access.region,
            };
            *field = Some(text);
            None
        }
    }
}
