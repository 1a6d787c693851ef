//! Strings.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Captures, Regex};
use unicode_segmentation::UnicodeSegmentation;

use super::format::{format, format_list};
use super::{Arguments, Function, Outcome, Problem, Reads};
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
    Function::new("lower", &["string"], Reads::All, |arguments| Ok(arguments.text(0)?.to_lowercase().into())),
    Function::new("regex", &["pattern", "string"], Reads::All, regex),
    Function::new("regexall", &["pattern", "string"], Reads::All, regexall),
    Function::new("replace", &["string", "substring", "replacement"], Reads::All, replace),
    Function::new("split", &["separator", "string"], Reads::All, split),
    Function::new("startswith", &["string", "prefix"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.starts_with(&*arguments.text(1)?).into())
    }),
    Function::new("strcontains", &["string", "substring"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.contains(&*arguments.text(1)?).into())
    }),
    Function::new("strrev", &["string"], Reads::All, |arguments| {
        Ok(arguments.text(0)?.graphemes(true).rev().collect::<String>().into())
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
    Function::new("upper", &["string"], Reads::All, |arguments| Ok(arguments.text(0)?.to_uppercase().into())),
];

fn chomp(arguments: &mut Arguments<'_>) -> Outcome {
    Ok(arguments.text(0)?.trim_end_matches(['\r', '\n']).into())
}

fn indent(arguments: &mut Arguments<'_>) -> Outcome {
    const MOST_SPACES: usize = 10_000;
    let spaces = arguments.count(0)?;
    if spaces > MOST_SPACES {
        return Err(Problem::of(0, format!("at most {MOST_SPACES} spaces")));
    }
    Ok(arguments.text(1)?.replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
}

fn join(arguments: &mut Arguments<'_>) -> Outcome {
    let separator = arguments.text(0)?;
    let mut items: Vec<Cow<'_, str>> = Vec::new();
    for index in 1..arguments.len() {
        items.extend(arguments.texts(index)?);
    }
    Ok(items.join(&*separator).into())
}

fn split(arguments: &mut Arguments<'_>) -> Outcome {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
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
    let clusters: Vec<&str> = text.graphemes(true).collect();
    // A string has no more clusters than an i64 counts.
    let count = clusters.len() as i64;
    let start = if offset < 0 { offset.saturating_add(count).max(0) } else { offset.min(count) };
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    let cut = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    Ok(cut.and_then(|(start, end)| clusters.get(start..end)).unwrap_or_default().concat().into())
}

fn title(arguments: &mut Arguments<'_>) -> Outcome {
    let mut out = String::new();
    let mut inside_word = false;
    for character in arguments.text(0)?.chars() {
        if inside_word {
            out.push(character);
        } else {
            out.extend(character.to_uppercase());
        }
        // As Go's `strings.Title`: beyond ASCII only white space parts words.
        inside_word = match character {
            _ if character.is_ascii() => character.is_ascii_alphanumeric() || character == '_',
            _ => !character.is_whitespace(),
        };
    }
    Ok(out.into())
}

fn trim(arguments: &mut Arguments<'_>) -> Outcome {
    let characters = arguments.text(1)?;
    Ok(arguments.text(0)?.trim_matches(|character| characters.contains(character)).into())
}

fn replace(arguments: &mut Arguments<'_>) -> Outcome {
    let (text, wanted, replacement) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    match wanted.strip_prefix('/').and_then(|wanted| wanted.strip_suffix('/')) {
        Some(pattern) => {
            let regex = compiled(pattern, 1)?;
            Ok(regex.replace_all(&text, &*replacement).into_owned().into())
        }
        None => Ok(text.replace(&*wanted, &replacement).into()),
    }
}

fn regex(arguments: &mut Arguments<'_>) -> Outcome {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let regex = compiled(&pattern, 0)?;
    check_groups(&regex)?;
    match regex.captures(&text) {
        Some(captures) => Ok(captured(&regex, &captures)),
        None => Err(Problem::of(1, "the pattern does not match the string")),
    }
}

fn regexall(arguments: &mut Arguments<'_>) -> Outcome {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let regex = compiled(&pattern, 0)?;
    check_groups(&regex)?;
    Ok(Value::List(regex.captures_iter(&text).map(|captures| captured(&regex, &captures)).collect()))
}

fn check_groups(regex: &Regex) -> Result<(), Problem> {
    let named = regex.capture_names().flatten().count();
    if named == 0 || named + 1 == regex.captures_len() {
        return Ok(());
    }
    Err(Problem::of(0, "a pattern has either named groups or unnamed ones, not both"))
}

/// The match; its groups where there are any, by name where they have one.
fn captured(regex: &Regex, captures: &Captures<'_>) -> Value {
    let group = |index: usize| captures.get(index).map(|group| group.as_str()).into();
    if regex.captures_len() == 1 {
        return group(0);
    }
    if regex.capture_names().flatten().next().is_none() {
        return Value::List((1..regex.captures_len()).map(group).collect());
    }
    let names = regex.capture_names().enumerate();
    Value::Map(names.filter_map(|(index, name)| Some((name?.to_owned(), group(index)))).collect())
}

/// The compiled pattern; the last few are kept, as stacks apply one pattern many times.
fn compiled(pattern: &str, argument: usize) -> Result<Regex, Problem> {
    const MOST_KEPT: usize = 64;
    thread_local! {
        static KEPT: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
    }
    if let Some(regex) = KEPT.with_borrow(|kept| kept.get(pattern).cloned()) {
        return Ok(regex);
    }
    let regex = Regex::new(pattern).map_err(|error| {
        // The last line of the message is the reason, those above draw the pattern.
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Problem::of(argument, format!("the pattern is not valid: {reason}"))
    })?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// The number of characters as people count them.
pub(super) fn length(text: &str) -> usize {
    text.graphemes(true).count()
}
