//! Strings.

use std::borrow::Cow;

use super::clusters::clusters;
use super::format::{format, format_list};
use super::{Arguments, Function, Outcome, Problem, Reads, letters};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("chomp", &["string"], Reads::All, chomp),
    Function::new("endswith", &["string", "suffix"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.ends_with(&*arguments.text(1)?).into())
    }),
    Function::new("format", &["format", "values..."], Reads::All, format),
    Function::new("formatlist", &["format", "values..."], Reads::All, format_list),
    Function::new("indent", &["spaces", "string"], Reads::All, indent),
    Function::new("join", &["separator", "list", "lists..."], Reads::All, join),
    Function::new("lower", &["string"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.chars().map(letters::lower).collect::<String>().into())
    }),
    Function::new("regex", &["pattern", "string"], Reads::All, super::pattern::regex),
    Function::new("regexall", &["pattern", "string"], Reads::All, super::pattern::regexall),
    Function::new("replace", &["string", "substring", "replacement"], Reads::All, replace),
    Function::new("split", &["separator", "string"], Reads::All, split),
    Function::new("startswith", &["string", "prefix"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.starts_with(&*arguments.text(1)?).into())
    }),
    Function::new("strcontains", &["string", "substring"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.contains(&*arguments.text(1)?).into())
    }),
    Function::new("strrev", &["string"], Reads::All, |arguments| {
        let text = arguments.text(0)?;
        arguments.work(text.len() / 2)?;
        Ok(clusters(&text).rev().collect::<String>().into())
    }),
    Function::new("substr", &["string", "offset", "length"], Reads::All, substr),
    Function::new("title", &["string"], Reads::All, title),
    Function::new("trim", &["string", "characters"], Reads::All, trim),
    Function::new("trimprefix", &["string", "prefix"], Reads::All, |arguments| {
        let text = arguments.text(0)?;
        Ok(text.strip_prefix(&*arguments.text(1)?).unwrap_or(&text).into())
    }),
    Function::new("trimspace", &["string"], Reads::All, |arguments| Ok(arguments.text(0)?.trim().into())),
    Function::new("trimsuffix", &["string", "suffix"], Reads::All, |arguments| {
        let text = arguments.text(0)?;
        Ok(text.strip_suffix(&*arguments.text(1)?).unwrap_or(&text).into())
    }),
    Function::new("upper", &["string"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.chars().map(letters::upper).collect::<String>().into())
    }),
];

fn chomp(arguments: &mut Arguments<'_>) -> Outcome {
    Ok(arguments.text(0)?.trim_end_matches(['\r', '\n']).into())
}

fn indent(arguments: &mut Arguments<'_>) -> Outcome {
    const MAX_SPACES: usize = 10_000;
    let spaces = arguments.count(0)?;
    if spaces > MAX_SPACES {
        return Err(Problem::of(0, format!("at most {MAX_SPACES} spaces")));
    }
    let text = arguments.text(1)?;
    let breaks = text.bytes().filter(|&byte| byte == b'\n').count();
    arguments.room(breaks.saturating_mul(spaces))?;
    Ok(text.replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
}

fn join(arguments: &mut Arguments<'_>) -> Outcome {
    let separator = arguments.text(0)?;
    let mut items: Vec<Cow<'_, str>> = Vec::new();
    for index in 1..arguments.len() {
        items.extend(arguments.texts(index)?);
    }
    arguments.room(items.len().saturating_mul(separator.len()))?;
    Ok(items.join(&*separator).into())
}

fn split(arguments: &mut Arguments<'_>) -> Outcome {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
    let pieces = if separator.is_empty() { text.len() } else { text.matches(&*separator).count() };
    arguments.room(pieces.saturating_mul(64).saturating_add(text.len()))?;
    Ok(if text.is_empty() && separator.is_empty() {
        Value::List(Vec::new())
    } else if separator.is_empty() {
        Value::list(text.chars().map(String::from))
    } else {
        Value::list(text.split(&*separator))
    })
}

fn substr(arguments: &mut Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let (offset, length) = (arguments.integer(1)?, arguments.integer(2)?);
    arguments.work(text.len() / 2)?;
    // A string has no more clusters than an i64 can count.
    let count = clusters(&text).count() as i64;
    let start = if offset < 0 { offset.saturating_add(count).max(0) } else { offset.min(count) };
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    // Both are between 0 and `count`.
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    Ok(clusters(&text).take(end).skip(start).collect::<String>().into())
}

fn title(arguments: &mut Arguments<'_>) -> Outcome {
    let mut inside_word = false;
    let text = arguments.text(0)?;
    let cased = text.chars().map(|character| {
        let cased = if inside_word { character } else { letters::title(character) };
        // Like Go's `strings.Title`: beyond ASCII, only white space separates words.
        inside_word = match character {
            _ if character.is_ascii() => character.is_ascii_alphanumeric() || character == '_',
            _ => !character.is_whitespace(),
        };
        cased
    });
    Ok(cased.collect::<String>().into())
}

fn trim(arguments: &mut Arguments<'_>) -> Outcome {
    let characters = arguments.text(1)?;
    Ok(arguments.text(0)?.trim_matches(|character| characters.contains(character)).into())
}

fn replace(arguments: &mut Arguments<'_>) -> Outcome {
    let (text, wanted, replacement) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    match wanted.strip_prefix('/').and_then(|wanted| wanted.strip_suffix('/')) {
        Some(pattern) => Ok(super::pattern::replace(arguments, pattern, &text, &replacement)?.into()),
        None => {
            let count = match wanted.len() {
                0 => text.len() + 1,
                _ => text.matches(&*wanted).count(),
            };
            arguments.room(count.saturating_mul(replacement.len()).saturating_add(text.len()))?;
            Ok(text.replace(&*wanted, &replacement).into())
        }
    }
}
