//! The statements of a resource policy, for the rules of a single service.

use std::collections::BTreeMap;

use super::{Problem, in_document};
use crate::diag::nearest;
use crate::value::Value;

/// Condition keys that do not restrict the caller: with them, a grant to everybody stays public
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>,
/// section 'The meaning of "public"').
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
    /// The path of the statement, as in [`super::Known::get`].
    pub path: String,
}

/// Runs `check` on the statements of the policy at `path`: a table or JSON text, parts of which may
/// be unknown. Elements that are not statements are reported by the grammar check.
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

/// Returns whether a part of the policy is not known, so that it may grant more than is visible.
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

    /// Returns whether its effect is `Allow`.
    pub fn allows(&self) -> bool {
        self.get("Effect").and_then(Value::as_str) == Some("Allow")
    }

    /// The known texts of an element that is a text or a list of texts, each with its path.
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

    /// Returns whether the whole element is known.
    pub fn knows(&self, name: &str) -> bool {
        self.get(name).is_none_or(|value| !value.contains_unknown() && !value.contains_secret())
    }

    /// The principals of type `AWS`; `"*"` means everybody.
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

    /// Returns whether it may name principals of an account: by `AWS`, by `NotPrincipal`, or by a
    /// value that is not known.
    pub fn may_name_accounts(&self) -> bool {
        !self.accounts().is_empty() || self.members.contains_key("NotPrincipal") || !self.knows("Principal")
    }

    /// Returns whether it certainly allows something to everybody: no condition restricts the caller.
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

/// Returns whether a pattern with `*` and `?` matches a whole text. The text may be a pattern itself.
/// Then this one must match everything that the text matches, so `?` does not match a `*`.
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

/// Problems for actions of services other than `service`, such as `s3`.
pub fn foreign_actions(statements: &[Statement<'_>], service: &str, owner: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (action, path) in statements.iter().flat_map(|one| one.texts("Action")) {
        if let Some((prefix, _)) = action.split_once(':')
            && !prefix.eq_ignore_ascii_case(service)
            && prefix != "*"
        {
            problems.push(
                Problem::new(path, format!("\"{action}\" is not an action of {owner}"))
                    .help(format!("the policy of {owner} can only contain `{service}:…`")),
            );
        }
    }
    problems
}

/// Problems for actions that the policy of `owner` cannot name: those of other services than `service`, and
/// those that are not among `known`, names without the service, separated by spaces.
pub fn check_actions(
    statements: &[Statement<'_>],
    service: &str,
    owner: &str,
    known: &'static str,
) -> Vec<Problem> {
    let mut problems = foreign_actions(statements, service, owner);
    let known: Vec<&str> = known.split_whitespace().collect();
    for (action, path) in statements.iter().flat_map(|one| one.texts("Action")) {
        let Some((prefix, name)) = action.split_once(':') else { continue };
        if !prefix.eq_ignore_ascii_case(service)
            || name.contains(['*', '?'])
            || known.iter().any(|one| one.eq_ignore_ascii_case(name))
        {
            continue;
        }
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{service}:{near}`?"),
            None => format!("such as `{service}:{}`", known.first().copied().unwrap_or_default()),
        };
        problems.push(Problem::warning(path, format!("\"{action}\" is not an action of {owner}")).help(help));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn wildcard_patterns_match_as_in_iam() {
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
