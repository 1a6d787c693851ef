//! The state of a walk over a definition in the Amazon States Language.

use std::collections::{BTreeMap, BTreeSet};

use super::paths;
use crate::kind::Problem;
use crate::value::Value;

pub(super) type Fields = BTreeMap<String, Value>;

/// The query language of a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Language {
    JsonPath,
    Jsonata,
}

/// The state of a walk over a definition.
pub(super) struct Walk {
    pub(super) problems: Vec<Problem>,
    /// The names of all states, which are unique in the whole machine.
    pub(super) names: BTreeSet<String>,
    pub(super) express: bool,
    /// The machine's language, which is the default for all its states, at any depth.
    pub(super) language: Language,
}

/// Returns whether a value is unknown or secret, so that nothing can be said about it.
pub(super) fn is_open(value: &Value) -> bool {
    matches!(value, Value::Unknown(_) | Value::Secret(_))
}

impl Walk {
    pub(super) fn problem(&mut self, path: &str, message: impl Into<String>, help: &str) {
        self.problems.push(Problem::new(path, message).help(help));
    }

    pub(super) fn only(&mut self, fields: &Fields, allowed: &[&str], path: &str, whose: &str) {
        for name in fields.keys().filter(|name| !allowed.contains(&name.as_str())) {
            let near = crate::kind::nearest(name, allowed.iter().copied());
            let help = near.map_or_else(
                || format!("one of {}", allowed.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.problem(&format!("{path}.{name}"), format!("{whose} has no field `{name}`"), &help);
        }
    }

    pub(super) fn json_path(&mut self, value: &Value, path: &str) {
        // An intrinsic function may take the place of a path
        // (https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html).
        match value {
            Value::String(text) => {
                if let Err((message, help)) = paths::check(text) {
                    self.problem(path, message, &help);
                }
            }
            value if is_open(value) => {}
            _ => self.problem(path, "a JSONPath begins with `$`", "such as `$.detail`"),
        }
    }
}

/// The possible successors of a state.
#[derive(Default)]
pub(super) struct Exits {
    /// The path of each field, and the name of the next state.
    pub(super) to: Vec<(String, String)>,
    /// True if the state may be the last.
    pub(super) ends: bool,
    /// True if some successor is unknown.
    pub(super) open: bool,
}

impl Exits {
    pub(super) fn go(&mut self, walk: &mut Walk, next: &Value, path: &str) {
        match next {
            Value::String(next) => self.to.push((path.to_owned(), next.clone())),
            next if is_open(next) => self.open = true,
            _ => walk.problem(path, "it is the name of a state", ""),
        }
    }

    pub(super) fn unknown(&mut self) {
        self.open = true;
    }
}

/// Returns whether a text is a JSONata expression: `{% … %}`.
pub(super) fn is_expression(text: &str) -> bool {
    text.starts_with("{%") && text.ends_with("%}")
}

/// Returns whether a text is an RFC 3339 timestamp, with a capital `T` and a zone.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return false };
    let digits = |text: &str, form: &[usize], separator: char| -> bool {
        let parts: Vec<&str> = text.split(separator).collect();
        parts.len() == form.len()
            && parts
                .iter()
                .zip(form)
                .all(|(part, length)| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let clock = time.strip_suffix('Z').or_else(|| {
        let at = time.rfind(['+', '-'])?;
        let (clock, zone) = time.split_at(at);
        digits(zone.get(1..)?, &[2, 2], ':').then_some(clock)
    });
    let Some(clock) = clock else { return false };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    digits(date, &[4, 2, 2], '-')
        && digits(clock, &[2, 2, 2], ':')
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}
