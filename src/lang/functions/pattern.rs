//! Regular expressions. The library takes time in proportion to pattern and text, but both can
//! be large: what a search may take is counted before it begins.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use regex::{Captures, Regex};
use regex_syntax::hir::{Hir, HirKind};

use super::{Arguments, Outcome, Problem};
use crate::value::Value;

/// Most parts of a pattern, repetitions counted as often as they repeat.
const MOST_PARTS: usize = 10_000;
/// How long one call may look for matches: of some patterns each search goes to the end of
/// the text, which cannot be counted before.
const PATIENCE: Duration = Duration::from_secs(5);

/// A compiled pattern, and its number of parts.
#[derive(Clone)]
struct Pattern {
    regex: Regex,
    parts: usize,
}

pub(super) fn regex(arguments: &mut Arguments<'_>) -> Outcome {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let pattern = compiled(arguments, &pattern, 0, text.len())?;
    check_groups(&pattern.regex)?;
    match pattern.regex.captures(&text) {
        Some(captures) => Ok(captured(&pattern.regex, &captures)),
        None => Err(Problem::of(1, "the pattern does not match the string")),
    }
}

pub(super) fn regexall(arguments: &mut Arguments<'_>) -> Outcome {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let Pattern { regex, .. } = compiled(arguments, &pattern, 0, text.len())?;
    check_groups(&regex)?;
    let names: usize = regex.capture_names().flatten().map(str::len).sum();
    let (began, mut made, mut found) = (Instant::now(), 0_usize, Vec::new());
    for captures in regex.captures_iter(&text) {
        let texts: usize = captures.iter().flatten().map(|group| group.len()).sum();
        made = made.saturating_add(texts).saturating_add(names).saturating_add(captures.len() * 64);
        arguments.room(made)?;
        patient(began)?;
        found.push(captured(&regex, &captures));
    }
    Ok(Value::List(found))
}

/// The text with what matches replaced; `$1` and `$name` stand for groups.
pub(super) fn replace(
    arguments: &Arguments<'_>,
    pattern: &str,
    text: &str,
    replacement: &str,
) -> Result<String, Problem> {
    let Pattern { regex, .. } = compiled(arguments, pattern, 1, text.len())?;
    let groups = replacement.matches('$').count();
    let (began, mut out, mut end) = (Instant::now(), String::new(), 0);
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(text.get(end..whole.start()).unwrap_or_default());
        end = whole.end();
        let made = whole.len().saturating_mul(groups).saturating_add(replacement.len());
        arguments.room(made.saturating_add(out.len()))?;
        patient(began)?;
        captures.expand(replacement, &mut out);
    }
    out.push_str(text.get(end..).unwrap_or_default());
    Ok(out)
}

fn patient(began: Instant) -> Result<(), Problem> {
    if began.elapsed() < PATIENCE {
        return Ok(());
    }
    let message = format!("looking for this pattern takes more than {} seconds", PATIENCE.as_secs());
    Err(Problem { shows_nothing: true, ..Problem::new(message).code("too-much") })
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

/// The compiled pattern, with the work of a search in a text of this length taken; the last
/// few are kept, as stacks apply one pattern many times.
fn compiled(
    arguments: &Arguments<'_>,
    pattern: &str,
    argument: usize,
    length: usize,
) -> Result<Pattern, Problem> {
    const MOST_KEPT: usize = 64;
    thread_local! {
        static KEPT: RefCell<HashMap<String, Pattern>> = RefCell::new(HashMap::new());
    }
    let kept = KEPT.with_borrow(|kept| kept.get(pattern).cloned());
    let found = match kept {
        Some(found) => found,
        None => {
            let parts = match regex_syntax::parse(pattern) {
                Ok(parsed) => parts(&parsed),
                // Compiled, it says what is wrong.
                Err(_) => 0,
            };
            if parts > MOST_PARTS {
                let message = format!("the pattern has more than {MOST_PARTS} parts, repetitions counted");
                return Err(Problem::of(argument, message).code("too-much"));
            }
            arguments.work(parts.saturating_mul(64).saturating_add(pattern.len()))?;
            let regex = Regex::new(pattern).map_err(|error| {
                // The last line of the message is the reason, those above draw the pattern.
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ").to_owned();
                Problem::of(argument, format!("the pattern is not valid: {reason}"))
            })?;
            let found = Pattern { regex, parts };
            KEPT.with_borrow_mut(|kept| {
                if kept.len() >= MOST_KEPT {
                    kept.clear();
                }
                kept.insert(pattern.to_owned(), found.clone());
            });
            found
        }
    };
    // All parts of a pattern can be looked for at once, at every character.
    let few = if found.parts <= 64 { 1 } else { found.parts / 2 };
    arguments.work(length.saturating_mul(few) / 16)?;
    Ok(found)
}

/// How many characters a pattern can look for at once.
fn parts(pattern: &Hir) -> usize {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1) as usize;
            parts(&repetition.sub).max(1).saturating_mul(times)
        }
        HirKind::Capture(capture) => parts(&capture.sub),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().map(parts).sum(),
    }
}
