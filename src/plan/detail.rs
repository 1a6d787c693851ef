//! What differs inside a resource, in the words of what it is: what every format of a plan
//! shows, so that none says more or less than another.

use std::fmt::Write;

use super::{AttributeChange, Cause, Change};
use crate::schema::PathStep;
use crate::value::Value;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// The attribute that it is of, as a reference writes it: `policies.access`.
    pub attribute: String,
    /// The part of the attribute, in the words of its domain: a policy statement as a
    /// sentence, `state Load`, `widget "Errors"`; empty where it is the attribute as a whole.
    pub part: String,
    /// Whether it comes, goes or changes.
    pub sign: Sign,
    /// What is there, where that is worth showing beside [`Self::part`].
    pub before: Option<Value>,
    /// What is wanted, likewise.
    pub after: Option<Value>,
    /// Whether AWS cannot tell what is there.
    pub hidden: bool,
    /// Of a long text, the lines that differ, with a few around them.
    pub lines: Vec<Line>,
    /// What else there is to say: `in words: every day at 02:00 UTC`.
    pub notes: Vec<String>,
    /// Whether the resource must be made anew for it.
    pub forces_replacement: bool,
    /// What it may cost.
    pub risks: Vec<Risk>,
    /// Who made it differ.
    pub cause: Cause,
}

/// Whether something comes, goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It changes.
    Changed,
}

/// A line of a long text that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it comes or goes; `None` for one that stays and is shown for orientation.
    pub sign: Option<Sign>,
    /// The line, without its break.
    pub text: String,
}

/// What a change may cost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// Its sort.
    pub label: RiskLabel,
    /// More about it: `about 15 min`, `opens port 5439 to 0.0.0.0/0`; may be empty.
    pub words: String,
}

/// Sorts of risk, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskLabel {
    /// Data is lost.
    DataLoss,
    /// It cannot be undone.
    Irreversible,
    /// The service is interrupted.
    Downtime,
    /// More is allowed, to more, or less is recorded or encrypted.
    SecurityWidening,
    /// It costs more.
    CostUp,
}

impl RiskLabel {
    /// The label as people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::DataLoss => "data loss",
            Self::Irreversible => "irreversible",
            Self::Downtime => "downtime",
            Self::SecurityWidening => "security widening",
            Self::CostUp => "cost up",
        }
    }
}

/// Everything that differs in a resource.
pub fn details(change: &Change) -> Vec<Detail> {
    change.attributes.iter().map(plain).collect()
}

/// A difference as it is, without a closer look into documents.
pub(super) fn plain(change: &AttributeChange) -> Detail {
    let sign = match (&change.before, &change.after) {
        _ if change.hidden => Sign::Changed,
        (None, Some(_)) => Sign::Added,
        (Some(_), None) => Sign::Removed,
        _ => Sign::Changed,
    };
    let mut risks = Vec::new();
    if change.data_loss {
        risks.push(Risk { label: RiskLabel::DataLoss, words: String::new() });
    }
    if change.downtime {
        risks.push(Risk { label: RiskLabel::Downtime, words: String::new() });
    }
    let detail = Detail {
        attribute: path_text(&change.path),
        part: String::new(),
        sign,
        before: change.before.clone(),
        after: change.after.clone(),
        hidden: change.hidden,
        lines: Vec::new(),
        notes: Vec::new(),
        forces_replacement: change.forces_replacement,
        risks,
        cause: change.cause,
    };
    match change.before.as_ref().or(change.after.as_ref()).filter(|_| change.statement) {
        Some(value) => Detail {
            attribute: path_text(&change.path[..change.path.len().saturating_sub(1)]),
            part: statement(value),
            before: None,
            after: None,
            ..detail
        },
        None => detail,
    }
}

/// A path as it is written in a reference: `command.script_location`, `targets[0].arn`.
pub(super) fn path_text(path: &[PathStep]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            PathStep::Index(index) => {
                let _ = write!(text, "[{index}]");
            }
            PathStep::Name(name) => {
                let plain = name
                    .chars()
                    .all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'));
                if !plain {
                    let _ = write!(text, "[{name:?}]");
                } else if text.is_empty() {
                    text.push_str(name);
                } else {
                    let _ = write!(text, ".{name}");
                }
            }
        }
    }
    text
}

/// A value on one line; secrets and unknowns say so.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        // As JSON, which escapes control characters: a value cannot move the cursor.
        Value::String(text) => {
            let json = serde_json::Value::String(text.clone()).to_string();
            json.chars()
                .map(|character| if character.is_control() { '\u{FFFD}' } else { character })
                .collect()
        }
        Value::List(list) => format!("[{}]", list.iter().map(value_text).collect::<Vec<_>>().join(", ")),
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => format!(
            "{{ {} }}",
            map.iter()
                .map(|(name, value)| format!("{name} = {}", value_text(value)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Value::Unknown(unknown) => format!("({unknown})"),
        Value::Secret(_) => "(secret)".to_owned(),
    }
}

/// A policy statement as a sentence: `Allow s3:PutObject on arn:… for Service glue.amazonaws.com`.
fn statement(value: &Value) -> String {
    let words = |name: &str| value.get(name).map(list_text);
    let mut text = words("Effect").unwrap_or_default();
    if let Some(action) = words("Action") {
        let _ = write!(text, " {action}");
    }
    if let Some(action) = words("NotAction") {
        let _ = write!(text, " everything but {action}");
    }
    if let Some(resource) = words("Resource") {
        let _ = write!(text, " on {resource}");
    }
    if let Some(resource) = words("NotResource") {
        let _ = write!(text, " on all but {resource}");
    }
    for (member, word) in [("Principal", "for"), ("NotPrincipal", "for all but")] {
        if let Some(Value::Map(principals)) = value.get(member) {
            let names: Vec<String> =
                principals.iter().map(|(kind, names)| format!("{kind} {}", list_text(names))).collect();
            let _ = write!(text, " {word} {}", names.join(", "));
        }
    }
    if let Some(condition) = value.get("Condition") {
        let _ = write!(text, " if {}", value_text(condition));
    }
    if let Some(Value::String(sid)) = value.get("Sid") {
        let _ = write!(text, "  ({sid})");
    }
    text
}

fn list_text(value: &Value) -> String {
    match value {
        Value::String(text) => {
            text.chars().map(|one| if one.is_control() { '\u{FFFD}' } else { one }).collect()
        }
        Value::List(list) => list.iter().map(list_text).collect::<Vec<_>>().join(", "),
        other => value_text(other),
    }
}
