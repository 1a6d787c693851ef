//! What the statements of a resource's policy say, for the rules of one service.

use std::collections::BTreeMap;

use super::{Problem, in_document};
use crate::value::Value;

/// Condition keys that do not say who calls: a grant to everybody stays public with them
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>).
const NOBODY: [&str; 6] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:referer",
    "aws:securetransport",
    "aws:useragent",
    "s3:tlsversion",
];

/// One statement of a policy, with the path of its table.
pub struct Statement<'a> {
    members: &'a BTreeMap<String, Value>,
    /// Its path, as in [`super::Known::get`].
    pub path: String,
}

/// Runs `check` on every statement of the policy at `path`: a table or JSON text, of which
/// parts may be unknown. What is no statement is the grammar's to report.
pub fn check_statements(
    policy: &Value,
    path: &str,
    check: impl Fn(&[Statement<'_>]) -> Vec<Problem>,
) -> Vec<Problem> {
    in_document(policy, path, |document| {
        let statements: Vec<Statement<'_>> = match document.get("Statement") {
            Some(Value::List(list)) => list
                .iter()
                .enumerate()
                .filter_map(|(place, one)| Statement::of(one, format!("{path}.Statement.{place}")))
                .collect(),
            Some(one) => Statement::of(one, format!("{path}.Statement")).into_iter().collect(),
            None => Vec::new(),
        };
        check(&statements)
    })
}

/// Whether a part of the policy is not known, so that more may be granted than is seen.
pub fn has_hidden_statement(policy: &Value) -> bool {
    match policy {
        Value::Unknown(_) | Value::Secret(_) => true,
        policy => match policy.get("Statement") {
            Some(Value::List(list)) => list.iter().any(is_hidden),
            Some(one) => is_hidden(one),
            None => false,
        },
    }
}

fn is_hidden(value: &Value) -> bool {
    matches!(value, Value::Unknown(_) | Value::Secret(_))
}

impl<'a> Statement<'a> {
    fn of(value: &'a Value, path: String) -> Option<Self> {
        Some(Self { members: value.as_map()?, path })
    }

    /// An element of the statement.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    /// Whether it allows something.
    pub fn allows(&self) -> bool {
        self.get("Effect").and_then(Value::as_str) == Some("Allow")
    }

    /// The texts of an element that is one or many, each with its path, as far as they are known.
    pub fn texts(&self, name: &str) -> Vec<(&'a str, String)> {
        let path = format!("{}.{name}", self.path);
        match self.get(name) {
            Some(Value::String(text)) => vec![(text.as_str(), path)],
            Some(Value::List(list)) => list
                .iter()
                .enumerate()
                .filter_map(|(place, one)| Some((one.as_str()?, format!("{path}.{place}"))))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether all of an element is known.
    pub fn knows(&self, name: &str) -> bool {
        self.get(name).is_none_or(|value| !value.contains_unknown() && !value.contains_secret())
    }

    /// The principals of type `AWS`; `"*"` for everybody.
    pub fn accounts(&self) -> Vec<&'a str> {
        match self.get("Principal") {
            Some(Value::String(all)) => vec![all.as_str()],
            Some(Value::Map(kinds)) => match kinds.get("AWS") {
                Some(Value::String(one)) => vec![one.as_str()],
                Some(Value::List(list)) => list.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Whether it may name somebody of an account: by `AWS`, by what it excludes, or by something
    /// that is not known.
    pub fn may_name_accounts(&self) -> bool {
        !self.accounts().is_empty() || self.members.contains_key("NotPrincipal") || !self.knows("Principal")
    }

    /// Whether it surely allows everybody something: no condition says who.
    pub fn is_public(&self) -> bool {
        let open = match self.get("Condition") {
            None | Some(Value::Null) => true,
            Some(Value::Map(operators)) => operators.values().all(|keys| {
                keys.as_map().is_some_and(|keys| {
                    keys.keys().all(|key| NOBODY.contains(&key.to_ascii_lowercase().as_str()))
                })
            }),
            Some(_) => false,
        };
        self.allows() && open && self.accounts().contains(&"*")
    }

    /// The path of its principal.
    pub fn principal_path(&self) -> String {
        format!("{}.Principal", self.path)
    }
}

/// Whether a pattern with `*` and `?` matches all of a text. The text may be a pattern itself: then it
/// matches what this one matches, so `?` does not take a `*`.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut of) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(&one) if one == text[at] || (one == '?' && text[at] != '*') => {
                at += 1;
                of += 1;
            }
            _ => match star {
                Some((from, reached)) => {
                    star = Some((from, reached + 1));
                    of = from + 1;
                    at = reached + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(of..).is_none_or(|rest| rest.iter().all(|one| *one == '*'))
}

/// The actions of a policy that are of another service than `service`, such as `s3`.
pub fn foreign_actions(statements: &[Statement<'_>], service: &str, owner: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (action, path) in statements.iter().flat_map(|one| one.texts("Action")) {
        if let Some((prefix, _)) = action.split_once(':')
            && !prefix.eq_ignore_ascii_case(service)
            && prefix != "*"
        {
            problems.push(
                Problem::new(path, format!("\"{action}\" is no action of {owner}"))
                    .help(format!("the policy of {owner} speaks of `{service}:…` alone")),
            );
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("*", ""),
            ("a*", "abc"),
            ("*c", "abc"),
            ("a?c", "abc"),
            ("a*b*c", "axxbyyc"),
            ("", ""),
            ("s3:*", "s3:Get*"),
            ("s3:Get?bject", "s3:GetObject"),
        ] {
            assert!(matches_pattern(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("a*b", "abc"),
            ("a?c", "ac"),
            ("*a", "b"),
            ("s3:Get?", "s3:Get*"),
            ("s3:Get*", "s3:*"),
        ] {
            assert!(!matches_pattern(pattern, text), "{pattern} {text}");
        }
    }
}
