//! Regular expressions in RE2's syntax. The library's time grows with the product of pattern and
//! text, and both can be large, so the cost of a search is charged before it begins.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use regex::{Captures, Regex};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::{Arguments, Outcome, Problem, re2};
use crate::value::Value;

/// Maximum number of parts of a pattern; a repeated part counts as often as it repeats.
const MAX_PARTS: usize = 10_000;
/// Timeout of one call that searches for matches. With some patterns each search runs to the end of
/// the text, which cannot be predicted.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A compiled pattern.
struct Pattern {
    regex: Regex,
    /// The names of its groups, starting with the whole match.
    names: Vec<Option<String>>,
    parts: usize,
}

pub(super) fn regex(arguments: &mut Arguments<'_>) -> Outcome {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let pattern = compiled(arguments, &pattern, 0, text.len())?;
    pattern.check_groups()?;
    match pattern.regex.captures(&text) {
        Some(captures) => Ok(pattern.captured(&captures)),
        None => Err(Problem::of(1, "the pattern does not match the string")),
    }
}

pub(super) fn regexall(arguments: &mut Arguments<'_>) -> Outcome {
    let (pattern, text) = (arguments.text(0)?, arguments.text(1)?);
    let pattern = compiled(arguments, &pattern, 0, text.len())?;
    pattern.check_groups()?;
    let names: usize = pattern.names.iter().flatten().map(String::len).sum();
    let (began, mut made, mut found) = (Instant::now(), 0_usize, Vec::new());
    for captures in pattern.regex.captures_iter(&text) {
        let texts: usize = captures.iter().flatten().map(|group| group.len()).sum();
        made = made.saturating_add(texts).saturating_add(names).saturating_add(captures.len() * 64);
        arguments.room(made)?;
        arguments.work(2 * captures.len())?;
        patient(began)?;
        found.push(pattern.captured(&captures));
    }
    Ok(Value::List(found))
}

impl Pattern {
    fn check_groups(&self) -> Result<(), Problem> {
        let named = self.names.iter().flatten().count();
        if named == 0 || named + 1 == self.names.len() {
            return Ok(());
        }
        Err(Problem::of(0, "a pattern has either named groups or unnamed ones, not both"))
    }

    /// The match, or its groups if there are any: by name if they have names.
    fn captured(&self, captures: &Captures<'_>) -> Value {
        let group = |index: usize| captures.get(index).map(|group| group.as_str()).into();
        if self.names.len() == 1 {
            return group(0);
        }
        if self.names.iter().flatten().next().is_none() {
            return Value::List((1..self.names.len()).map(group).collect());
        }
        let names = self.names.iter().enumerate();
        Value::map(names.filter_map(|(index, name)| Some((name.as_deref()?, group(index)))))
    }
}

/// Replaces the matches in a text; `$1` and `$name` stand for groups.
pub(super) fn replace(
    arguments: &Arguments<'_>,
    pattern: &str,
    text: &str,
    replacement: &str,
) -> Result<String, Problem> {
    let pattern = compiled(arguments, pattern, 1, text.len())?;
    let pieces = pieces(replacement, &pattern.names);
    let groups = pieces.iter().filter(|piece| matches!(piece, Piece::Groups(_))).count();
    let (began, mut out, mut end) = (Instant::now(), String::new(), 0);
    for captures in pattern.regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(text.get(end..whole.start()).unwrap_or_default());
        end = whole.end();
        let made = whole.len().saturating_mul(groups).saturating_add(replacement.len());
        arguments.room(made.saturating_add(out.len()))?;
        arguments.work(2 * captures.len())?;
        patient(began)?;
        for piece in &pieces {
            out.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Groups(all) => {
                    all.iter().find_map(|&index| captures.get(index)).map_or("", |group| group.as_str())
                }
            });
        }
    }
    out.push_str(text.get(end..).unwrap_or_default());
    Ok(out)
}

/// A part of a replacement.
enum Piece<'a> {
    Text(&'a str),
    /// The first group of these that matched.
    Groups(Vec<usize>),
}

/// Splits a replacement like Go's `Expand`: `$name` is as long as possible, an unknown group is empty,
/// and a `$` that begins no name is literal.
fn pieces<'a>(replacement: &'a str, names: &[Option<String>]) -> Vec<Piece<'a>> {
    let word = |one: char| one == '_' || one.is_alphanumeric();
    let (mut pieces, mut rest) = (Vec::new(), replacement);
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        if let Some(after) = after.strip_prefix('$') {
            pieces.push(Piece::Text("$"));
            rest = after;
            continue;
        }
        let braced = after.strip_prefix('{');
        let inside = braced.unwrap_or(after);
        let (name, following) = inside.split_at(inside.find(|one| !word(one)).unwrap_or(inside.len()));
        let following = if braced.is_some() { following.strip_prefix('}') } else { Some(following) };
        let Some(following) = following.filter(|_| !name.is_empty()) else {
            pieces.push(Piece::Text("$"));
            rest = after;
            continue;
        };
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        pieces.push(Piece::Groups(match digits && (name == "0" || !name.starts_with('0')) {
            true => name.parse().into_iter().collect(),
            false => (1..names.len()).filter(|&at| names.get(at) == Some(&Some(name.to_owned()))).collect(),
        }));
        rest = following;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn patient(began: Instant) -> Result<(), Problem> {
    if began.elapsed() < TIMEOUT {
        return Ok(());
    }
    let message = format!("looking for this pattern takes more than {} seconds", TIMEOUT.as_secs());
    Err(Problem { shows_nothing: true, ..Problem::new(message).code("too-much") })
}

/// The compiled pattern; charges for a search in a text of this length. The last few patterns are
/// cached, because stacks use one pattern many times.
fn compiled(
    arguments: &Arguments<'_>,
    pattern: &str,
    argument: usize,
    length: usize,
) -> Result<Rc<Pattern>, Problem> {
    const MAX_KEPT: usize = 64;
    thread_local! {
        static KEPT: RefCell<HashMap<String, Rc<Pattern>>> = RefCell::new(HashMap::new());
    }
    let kept = KEPT.with_borrow(|kept| kept.get(pattern).cloned());
    let found = match kept {
        Some(found) => found,
        None => {
            let invalid = |reason| Problem::of(argument, format!("the pattern is not valid: {reason}"));
            let re2::Parsed { hir, names } = re2::parse(pattern).map_err(invalid)?;
            let parts = parts(&hir);
            if parts > MAX_PARTS {
                let message = format!("the pattern has more than {MAX_PARTS} parts, repetitions counted");
                return Err(Problem::of(argument, message).code("too-much"));
            }
            arguments.work(256 + cost(&hir).saturating_mul(64).saturating_add(pattern.len()))?;
            let regex = Regex::new(&hir.to_string()).map_err(|error| {
                // The last line of the message is the reason; those above quote the pattern.
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                invalid(reason.trim_start_matches("error: ").to_owned())
            })?;
            let found = Rc::new(Pattern { regex, names, parts });
            KEPT.with_borrow_mut(|kept| {
                if kept.len() >= MAX_KEPT {
                    kept.clear();
                }
                kept.insert(pattern.to_owned(), Rc::clone(&found));
            });
            found
        }
    };
    // At worst, all parts of a pattern are compared at every character.
    let few = if found.parts <= 64 { 1 } else { found.parts / 2 };
    arguments.work(8 + length.saturating_mul(few) / 16)?;
    Ok(found)
}

/// The number of characters that a pattern may compare at the same time.
fn parts(pattern: &Hir) -> usize {
    sum(pattern, |_| 1)
}

/// The cost of compiling a pattern: Unicode classes are many ranges of characters.
fn cost(pattern: &Hir) -> usize {
    sum(pattern, |class| match class {
        Class::Unicode(class) => 1 + class.ranges().len() / 8,
        Class::Bytes(_) => 1,
    })
}

/// The sum over its characters and classes, each multiplied by its repetitions.
fn sum(pattern: &Hir, of_class: fn(&Class) -> usize) -> usize {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Class(class) => of_class(class),
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1) as usize;
            sum(&repetition.sub, of_class).max(1).saturating_mul(times)
        }
        HirKind::Capture(capture) => sum(&capture.sub, of_class),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().map(|part| sum(part, of_class)).sum(),
    }
}
