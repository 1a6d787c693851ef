//! `[ledger]`: the location of the ledger.

use super::{Entry, Node, is_region};
use crate::diag::{Diagnostic, Span};
use crate::value::{Number, Value};

/// A ledger in S3, declared by `[ledger]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPlace {
    /// The bucket.
    pub bucket: String,
    /// The prefix of its keys.
    pub prefix: String,
    /// The bucket's region; `None` means the stack's.
    pub region: Option<String>,
    /// The KMS key that encrypts the ledger; `None` means the bucket's default.
    pub kms_key_id: Option<String>,
    /// The profile in the shared AWS configuration files to access it with; `None` means the stack's own
    /// credentials.
    pub profile: Option<String>,
    /// Seconds without a sign of life after which a lock may be taken over.
    pub lock_expiry_seconds: u64,
    /// The place of the table.
    pub span: Span,
}

const KNOWN: [&str; 6] = ["bucket", "prefix", "region", "kms_key_id", "profile", "lock_expiry_seconds"];

/// Returns whether a text has the form of a bucket name. The name becomes part of the host names to
/// which signed requests go, so nothing else may pass
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
        && !text.contains("..")
}

/// Reads `[ledger]` of the stack and of the environment, whose entries take precedence.
pub(super) fn ledger_place(
    stack: Option<&Entry>,
    env: Option<&Node>,
    problems: &mut Vec<Diagnostic>,
) -> Option<LedgerPlace> {
    let span = env.map(|node| node.span).or(stack.map(|entry| entry.span))?;
    let mut place = LedgerPlace {
        bucket: String::new(),
        prefix: "dwctl/".to_owned(),
        region: None,
        kms_key_id: None,
        profile: None,
        lock_expiry_seconds: 60,
        span,
    };
    for field in stack.map(|entry| &entry.value).into_iter().chain(env).flat_map(Node::entries) {
        let value = field.value.literal();
        let mut wrong = |what: &str| {
            problems.push(
                Diagnostic::error("invalid-value", format!("`{}` of [ledger] must be {what}", field.name))
                    .at(field.value.span, "it is read before anything else, so it has no expressions"),
            );
        };
        let text = match &value {
            Some(Value::String(text)) if !text.is_empty() || field.name == "prefix" => Some(text.clone()),
            _ => None,
        };
        match (field.name.as_str(), text) {
            ("bucket", Some(text)) if is_bucket(&text) => place.bucket = text,
            ("prefix", Some(text)) if !text.starts_with('/') && text.len() <= 512 => place.prefix = text,
            ("region", Some(text)) if is_region(&text) => place.region = Some(text),
            ("kms_key_id", Some(text)) => place.kms_key_id = Some(text),
            ("profile", Some(text)) => place.profile = Some(text),
            ("lock_expiry_seconds", _) => match value {
                Some(Value::Number(Number::Integer(seconds))) if (3..=3600).contains(&seconds) => {
                    place.lock_expiry_seconds = seconds.unsigned_abs();
                }
                _ => wrong("a whole number from 3 to 3600"),
            },
            ("region", _) => wrong("a region such as \"us-east-1\""),
            ("prefix", _) => wrong("a string that does not begin with `/`"),
            ("bucket", _) => wrong("the name of a bucket"),
            ("kms_key_id" | "profile", _) => wrong("a string"),
            (name, _) => {
                let error = Diagnostic::error("unknown-attribute", format!("`[ledger]` has no `{name}`"));
                problems.push(match super::foreign::member(name, &KNOWN) {
                    // A ledger is locked in its bucket.
                    _ if ["dynamodb_table", "use_lockfile", "backend"].contains(&name) => {
                        error.at(field.span, "it is not needed: the ledger is locked in its bucket")
                    }
                    Some(near) => error.at(field.span, format!("did you mean `{near}`?")),
                    None => error.at(field.span, format!("known: {}", KNOWN.join(", "))),
                });
            }
        }
    }
    if place.bucket.is_empty() && problems.is_empty() {
        problems.push(
            Diagnostic::error("missing-attribute", "`[ledger]` needs a `bucket`")
                .at(span, "`bucket` is missing")
                .help("without [ledger], the ledger is a file in .dwctl"),
        );
    }
    Some(place)
}
