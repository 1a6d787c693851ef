//! Helpers shared by the kinds of IAM.

use crate::kind::prelude::*;

tag_type!(aws_sdk_iam::types::Tag);

/// Tag keys that differ only in case are the same
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules>).
pub const TAG_RULES: TagRules = TagRules { any_case: true, ..TagRules::PLAIN };

/// Names that differ only in case clash
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names>).
pub fn clash(own: &Peer<'_>, other: &Peer<'_>, name: &str) -> Option<Problem> {
    let (ours, theirs) = (own.spec.text(name)?, other.spec.text(name)?);
    (ours != theirs && ours.eq_ignore_ascii_case(theirs)).then(|| {
        Problem::new(name, format!("`{ours}` is the name of {}, except for its case", other.address))
            .help("IAM ignores the case of names")
    })
}

/// From this many resources on, the whole account is listed at once. For fewer, separate calls cost less
/// than the pages of an account.
pub const READ_ACCOUNT_FROM: usize = 3;

/// Maximum page size of IAM.
pub const PAGE: i32 = 1000;

/// The size of a policy as IAM counts it, without white space; `None` if part of it is
/// unknown (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub fn size(policy: &Value) -> Option<usize> {
    let text = match policy {
        Value::String(text) => text.clone(),
        policy => policy.to_json().ok()?.to_string(),
    };
    Some(text.chars().filter(|character| !character.is_whitespace()).count())
}

/// Reports a policy that is larger than IAM allows.
pub fn check_size(spec: Known<'_>, attribute: &str, most: usize, help: &str) -> Option<Problem> {
    let size = size(spec.get(attribute)?)?;
    (size > most).then(|| {
        Problem::new(
            attribute,
            format!("the policy has {size} characters without white space, but IAM allows {most}"),
        )
        .help(help)
    })
}

/// A path must be `/` or `/…/`.
pub fn check_path(spec: Known<'_>) -> Option<Problem> {
    let path = spec.text("path")?;
    path.contains("//")
        .then(|| Problem::new("path", "a path has no empty part").help("write it as \"/team/project/\""))
}

/// Returns whether IAM refused because of a quota.
pub fn is_limit(error: &Error) -> bool {
    error.has_code(&["LimitExceeded", "LimitExceededException"])
}
