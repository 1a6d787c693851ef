//! `[stack] requires`: the versions of dwctl that a stack works with, in Terraform's notation
//! (<https://developer.hashicorp.com/terraform/language/expressions/version-constraints>).

use crate::diag::{Diagnostic, Span};

/// A version: up to three numbers. Those that are not written are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u64; 3]);

/// The code of the error for a version that the stack does not work with. No other error counts then: the
/// stack may be written in a newer language.
pub(super) const CODE: &str = "version";

/// Checks that this dwctl has a version of the range.
pub(super) fn check(range: &str, span: Span) -> Option<Diagnostic> {
    let ours = env!("CARGO_PKG_VERSION");
    match matches(range, ours) {
        Some(true) => None,
        Some(false) => Some(
            Diagnostic::error(
                CODE,
                format!("this stack needs dwctl {}, and this is dwctl {ours}", range.trim()),
            )
            .at(span, format!("this is {ours}"))
            .help(
                "run it with a version of that range, or change `requires` if the stack works with this one",
            ),
        ),
        None => Some(
            Diagnostic::error("invalid-value", format!("`{range}` is not a range of versions"))
                .at(span, "such as \">= 0.3\", \"~> 1.2\" or \">= 1.0, < 2.0\"")
                .help("the operators are =, !=, >, >=, <, <= and ~>; a comma means `and`"),
        ),
    }
}

/// Returns whether a version meets all constraints of a range; `None` if the range is not one.
fn matches(range: &str, version: &str) -> Option<bool> {
    let (ours, _) = parse(version.split(['-', '+']).next()?)?;
    let mut all = true;
    for constraint in range.split(',') {
        let constraint = constraint.trim();
        let operator =
            ["~>", ">=", "<=", "!=", ">", "<", "="].into_iter().find(|one| constraint.starts_with(one));
        let (bound, written) = parse(constraint.strip_prefix(operator.unwrap_or_default())?.trim())?;
        all &= match operator {
            None | Some("=") => ours == bound,
            Some("!=") => ours != bound,
            Some(">") => ours > bound,
            Some(">=") => ours >= bound,
            Some("<") => ours < bound,
            Some("<=") => ours <= bound,
            // Only the last number that is written may grow.
            _ => ours >= bound && ours.0[..written.saturating_sub(1)] == bound.0[..written.saturating_sub(1)],
        };
    }
    Some(all)
}

/// The version, and how many of its numbers are written.
fn parse(text: &str) -> Option<(Version, usize)> {
    let mut version = Version([0; 3]);
    let mut written = 0;
    for part in text.split('.') {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *version.0.get_mut(written)? = part.parse().ok().filter(|_| is_number)?;
        written += 1;
    }
    Some((version, written))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn ranges_are_terraforms() {
        for (range, version, is) in [
            (">= 0.3", "0.3.0", true),
            (">=0.3", "0.2.9", false),
            (">= 0.3", "1.0.0", true),
            ("0.3", "0.3.0", true),
            ("= 0.3.1", "0.3.0", false),
            ("!= 0.3.1", "0.3.0", true),
            ("~> 0.3", "0.9.9", true),
            ("~> 0.3", "1.0.0", false),
            ("~> 0.3.1", "0.3.9", true),
            ("~> 0.3.1", "0.4.0", false),
            ("~> 0.3.1", "0.3.0", false),
            ("~> 1", "2.0.0", true),
            (">= 1.0, < 2.0", "1.9.0", true),
            (">= 1.0, < 2.0", "2.0.0", false),
            (" >= 1.0 ,< 2 ", "1.0.0-dev", true),
        ] {
            assert_eq!(matches(range, version), Some(is), "{range} {version}");
        }
        for garbage in [
            "",
            "garbage",
            ">=",
            ">= 1.",
            ">= 1.2.3.4",
            ">= v1",
            "1.0,",
            "=> 1.0",
            "^1.0",
            ">= -1",
            "1.x",
            ">= 1 < 2",
        ] {
            assert_eq!(matches(garbage, "1.0.0"), None, "`{garbage}`");
        }
    }
}
