//! Patterns of texts. Most patterns of AWS are of one form, `^[class]+$`: those are compared directly,
//! since compiling one as a regular expression takes up to a millisecond and 100 KB.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use regex::Regex;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

/// A pattern, ready for comparison.
enum Pattern {
    /// Characters of these classes, one of each, then repetitions of the last class.
    Classes {
        first: Vec<ClassUnicode>,
        rest: Option<Repeated>,
    },
    Regex(Regex),
    /// It does not compile. A test over all kinds proves that there is none.
    Invalid,
}

struct Repeated {
    class: ClassUnicode,
    least: usize,
    most: Option<usize>,
}

/// Returns whether `text` matches. Each pattern is compiled once.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: OnceLock<Mutex<HashMap<String, Pattern>>> = OnceLock::new();
    let mut compiled = COMPILED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(pattern) {
        return known.matches(text);
    }
    compiled.entry(pattern.to_owned()).or_insert_with(|| Pattern::of(pattern)).matches(text)
}

impl Pattern {
    fn of(pattern: &str) -> Self {
        let simple = regex_syntax::parse(pattern).ok().and_then(|parsed| Self::simple(&parsed));
        simple.unwrap_or_else(|| Regex::new(pattern).map_or(Self::Invalid, Self::Regex))
    }

    /// The classes of a pattern that consists of nothing else between `^` and `$`.
    fn simple(parsed: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = parsed.kind() else { return None };
        let (start, parts) = parts.split_first()?;
        let (end, parts) = parts.split_last()?;
        let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(found) if *found == look);
        if !is(start, Look::Start) || !is(end, Look::End) {
            return None;
        }
        let class = |part: &Hir| match part.kind() {
            HirKind::Class(Class::Unicode(class)) => Some(class.clone()),
            _ => None,
        };
        let (first, rest) = match parts.split_last()? {
            (last, first) if matches!(last.kind(), HirKind::Repetition(_)) => (first, Some(last)),
            _ => (parts, None),
        };
        let rest = match rest.map(Hir::kind) {
            Some(HirKind::Repetition(repeated)) => Some(Repeated {
                class: class(&repeated.sub)?,
                least: usize::try_from(repeated.min).ok()?,
                most: repeated.max.map(usize::try_from).transpose().ok()?,
            }),
            _ => None,
        };
        let first = first.iter().map(class).collect::<Option<_>>()?;
        Some(Self::Classes { first, rest })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Classes { first, rest } => {
                let mut characters = text.chars();
                let begins =
                    first.iter().all(|class| characters.next().is_some_and(|one| contains(class, one)));
                begins
                    && match rest {
                        None => characters.next().is_none(),
                        Some(Repeated { class, least, most }) => {
                            let count = characters.clone().count();
                            count >= *least
                                && most.is_none_or(|most| count <= most)
                                && characters.all(|one| contains(class, one))
                        }
                    }
            }
            Self::Regex(regex) => regex.is_match(text),
            Self::Invalid => true,
        }
    }
}

fn contains(class: &ClassUnicode, character: char) -> bool {
    let at = class.ranges().partition_point(|range| range.end() < character);
    class.ranges().get(at).is_some_and(|range| range.start() <= character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::{Pattern, matches};

    const SIMPLE: [&str; 12] = [
        "^[a-z]+$",
        "^[a-z]*$",
        r"^[\w+=,.@-]+$",
        r"^\d{12}$",
        r"^[^\r\n]$",
        "^[^:*]*$",
        "^[a-z_][a-z0-9_$+.@-]*$",
        "^[A-Z][a-z]$",
        r"^[.\-_/#A-Za-z0-9]{1,4}$",
        "^[a-c]{2,}$",
        r"^[\x09\x0A\x0D\x20-\x7E\xA1-\xFF]*$",
        "^(?:[a-z])+$",
    ];

    #[test]
    fn simple_patterns_need_no_regular_expression() {
        for pattern in SIMPLE {
            assert!(matches!(Pattern::of(pattern), Pattern::Classes { .. }), "{pattern}");
        }
        for pattern in
            ["[a-z]+", "^[a-z]+", "[a-z]+$", "^a|b$", "^([a-z]+-)+$", "(?m)^[a-z]+$", "^[a-z]+[0-9]$"]
        {
            assert!(matches!(Pattern::of(pattern), Pattern::Regex(_)), "{pattern}");
        }
        assert!(matches!(Pattern::of("("), Pattern::Invalid));
    }

    proptest! {
        #[test]
        fn simple_patterns_match_like_regular_expressions(
            at in 0..SIMPLE.len(),
            text in prop_oneof!["[a-c]{0,5}", "[A-Z][a-z]{0,2}", r"[0-9]{10,13}", r"[-_a-z0-9+.@/#:*\r\n é😀]{0,6}"],
        ) {
            let regex = Regex::new(SIMPLE[at]).expect("it compiles");
            prop_assert_eq!(matches(SIMPLE[at], &text), regex.is_match(&text), "{}", SIMPLE[at]);
        }
    }
}
