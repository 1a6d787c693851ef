//! Paths into a value as text, as in references, `ignore_changes` and plans.

use std::fmt::{self, Write as _};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(untagged)]
pub enum PathStep {
    /// A field or key.
    Name(String),
    /// An element, from 0.
    Index(usize),
}

/// Written by hand: serde's untagged enums cannot read `serde_json`'s arbitrary-precision numbers.
impl<'de> Deserialize<'de> for PathStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let step = serde_json::Value::deserialize(deserializer)?;
        let index = step.as_u64().and_then(|index| usize::try_from(index).ok());
        match (step.as_str(), index) {
            (Some(name), _) => Ok(Self::Name(name.to_owned())),
            (None, Some(index)) => Ok(Self::Index(index)),
            (None, None) => Err(D::Error::custom("a step is a name or a position")),
        }
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Index(index) => write!(formatter, "{index}"),
        }
    }
}

/// A path as a reference writes it: `command.script_location`, `targets[0].arn`,
/// `tags["org:cost"]`.
pub fn path_text(path: &[PathStep]) -> String {
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

/// Parses the output of [`path_text`]. After a dot, a name may also contain characters for which
/// [`path_text`] would use brackets: `tags.org:cost`.
///
/// # Errors
/// The error in the path, in a few words.
pub fn parse_path(text: &str) -> Result<Vec<PathStep>, &'static str> {
    let mut path = Vec::new();
    let mut rest = text;
    let mut begins = true;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix("[\"") {
            let (name, after) = quoted(inside)?;
            path.push(PathStep::Name(name));
            rest = after.strip_prefix(']').ok_or("a bracket is not closed")?;
        } else if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').ok_or("a bracket is not closed")?;
            let index = index.parse().map_err(|_| "brackets hold a number, or a name in double quotes")?;
            path.push(PathStep::Index(index));
            rest = after;
        } else {
            let name = match (begins, rest.strip_prefix('.')) {
                (true, None) => rest,
                (false, Some(name)) => name,
                (true, Some(_)) => return Err("a name is missing before a dot"),
                (false, None) => return Err("a dot is missing after a bracket"),
            };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            if name.is_empty() {
                return Err("a name is missing after a dot");
            }
            path.push(PathStep::Name(name.to_owned()));
            rest = after;
        }
        begins = false;
    }
    if path.is_empty() { Err("it is empty") } else { Ok(path) }
}

/// A name up to its closing quote, and the rest of the text.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((name, &text[at + 1..])),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => name.push('\n'),
                Some('r') => name.push('\r'),
                Some('t') => name.push('\t'),
                Some('0') => name.push('\0'),
                Some('u') => {
                    let digits: String = characters
                        .by_ref()
                        .skip(1)
                        .map_while(|(_, one)| (one != '}').then_some(one))
                        .collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    name.push(code.ok_or("unknown escape sequence")?);
                }
                Some(escaped @ ('"' | '\\' | '\'')) => name.push(escaped),
                _ => return Err("unknown escape sequence"),
            },
            _ => name.push(character),
        }
    }
    Err("a quote is not closed")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse_path, path_text};
    use crate::schema::PathStep::{self, Index, Name};

    #[test]
    fn paths_are_read_as_they_are_written() {
        let name = |name: &str| Name(name.to_owned());
        for (text, path) in [
            ("tags", vec![name("tags")]),
            ("tags.org:cost", vec![name("tags"), name("org:cost")]),
            ("tags[\"org:cost\"]", vec![name("tags"), name("org:cost")]),
            ("default_arguments[\"--TempDir\"]", vec![name("default_arguments"), name("--TempDir")]),
            ("targets[0].arn", vec![name("targets"), Index(0), name("arn")]),
            ("[\"a.b\"][\"\\\"\\u{7}\"]", vec![name("a.b"), name("\"\u{7}")]),
        ] {
            assert_eq!(parse_path(text), Ok(path), "{text}");
        }
        for wrong in
            ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[\"b]", "a[\"b\"", "a[0]b", "a[\"\\q\"]", "a[-1]"]
        {
            assert!(parse_path(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_path_that_a_plan_writes_is_read(path in prop::collection::vec(
            prop_oneof![".{1,8}".prop_map(Name), (0..99usize).prop_map(Index)], 1..5,
        )) {
            let path: Vec<PathStep> = path;
            prop_assert_eq!(parse_path(&path_text(&path)), Ok(path));
        }
    }
}
