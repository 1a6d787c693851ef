//! `fileset`: the files in a folder that match a pattern. The patterns are those of Terraform's
//! library (<https://github.com/bmatcuk/doublestar>, version 1): `*` and `?` within
//! a name, `[a-z]`, `[^a]`, `{a,b}`, and `**` for any number of folders.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::path::{Component, Path, PathBuf};
use std::str::Chars;

use regex::Regex;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir};

use super::{Arguments, Outcome, Problem};
use crate::files::{Kind, Refusal, lexical};
use crate::limits;
use crate::value::Value;

pub(super) fn fileset(arguments: &mut Arguments<'_>) -> Outcome {
    let (text, pattern) = (arguments.text(0)?, arguments.text(1)?);
    let folder = lexical(Path::new(&*text));
    // A pattern is relative to the folder, even if it begins with `/`.
    let all = lexical(&folder.join(pattern.trim_start_matches('/')));
    let names: Vec<&str> = all.components().filter_map(|one| one.as_os_str().to_str()).collect();
    let plain = |name: &&&str| !name.contains(['*', '?', '[', '{', '\\']);
    // The folder's path is literal, even with special characters.
    let within = folder.components().zip(all.components()).take_while(|(left, right)| left == right).count();
    let start = within.max(names.iter().take_while(plain).count()).min(names.len().saturating_sub(1));
    let (base, wanted) = names.split_at(start);
    let mut steps = Vec::new();
    for name in wanted {
        match *name {
            "**" if matches!(steps.last(), Some(Step::Folders)) => {}
            "**" => steps.push(Step::Folders),
            name => steps.push(Step::Name(matcher(arguments, name)?)),
        }
    }
    let mut search = Search { arguments, named: &text, found: BTreeSet::new(), seen: 0, within: Vec::new() };
    let base: PathBuf = base.iter().collect();
    search.folder(&base, &steps)?;
    Ok(Value::set(search.found.iter().map(|path| from(&folder, path).into()).collect()))
}

/// The relative path from a folder.
fn from(folder: &Path, path: &Path) -> String {
    let common = folder.components().zip(path.components()).take_while(|(left, right)| left == right).count();
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    let names = up.chain(path.components().skip(common)).map(|one| one.as_os_str().to_string_lossy());
    names.collect::<Vec<_>>().join("/")
}

enum Step {
    /// `**`: any number of nested folders.
    Folders,
    Name(Regex),
}

struct Search<'a> {
    arguments: &'a Arguments<'a>,
    named: &'a str,
    found: BTreeSet<PathBuf>,
    seen: usize,
    /// The real paths of the open folders, so that links cannot cause endless recursion.
    within: Vec<PathBuf>,
}

impl Search<'_> {
    fn folder(&mut self, folder: &Path, steps: &[Step]) -> Result<(), Problem> {
        let files = self.arguments.files;
        let real = match files.leads_to(folder) {
            Ok(real) => real,
            Err(Refusal::Missing) => return Ok(()),
            Err(refusal) => return Err(Problem::refused(&refusal, self.named, files)),
        };
        if self.within.iter().any(|outer| outer.starts_with(&real)) {
            return Ok(());
        }
        let entries = match files.list(folder) {
            Ok(entries) => entries,
            Err(Refusal::Missing) => return Ok(()),
            Err(refusal) => return Err(Problem::refused(&refusal, self.named, files)),
        };
        self.seen = self.seen.saturating_add(entries.len());
        self.arguments.work(entries.len().saturating_mul(4) + 256)?;
        if self.seen > limits::LISTED {
            return Err(Problem::refused(&Refusal::TooMany(limits::LISTED), self.named, files));
        }
        self.within.push(real);
        for entry in entries {
            let (is_file, is_folder) = match entry.kind {
                Kind::File => (true, false),
                Kind::Folder => (false, true),
                Kind::Special => continue,
                Kind::Link => {
                    let path = folder.join(&entry.name);
                    let is_file = files.open(&path).is_ok();
                    (is_file, !is_file && files.list(&path).is_ok())
                }
            };
            let path = folder.join(&entry.name);
            let name = entry.name.to_string_lossy();
            self.entry(&path, &name, (is_file, is_folder), steps)?;
        }
        self.within.pop();
        Ok(())
    }

    fn entry(
        &mut self,
        path: &Path,
        name: &str,
        (is_file, is_folder): (bool, bool),
        steps: &[Step],
    ) -> Result<(), Problem> {
        match steps {
            [Step::Folders, rest @ ..] => {
                if rest.is_empty() && is_file {
                    self.found.insert(path.to_owned());
                }
                if is_folder {
                    self.folder(path, steps)?;
                }
                if rest.is_empty() { Ok(()) } else { self.entry(path, name, (is_file, is_folder), rest) }
            }
            [Step::Name(wanted)] if is_file && wanted.is_match(name) => {
                self.found.insert(path.to_owned());
                Ok(())
            }
            [Step::Name(wanted), rest @ ..] if !rest.is_empty() && is_folder && wanted.is_match(name) => {
                self.folder(path, rest)
            }
            _ => Ok(()),
        }
    }
}

/// Compiles the pattern of one name.
fn matcher(arguments: &Arguments<'_>, pattern: &str) -> Result<Regex, Problem> {
    let invalid = |reason: &str| Problem::of(1, format!("not a valid pattern: {reason} in `{pattern}`"));
    let mut expression = String::from("^(?s:");
    let (mut characters, mut braces) = (pattern.chars().peekable(), 0_usize);
    while let Some(character) = characters.next() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '{' => {
                braces += 1;
                expression.push_str("(?:");
            }
            ',' if braces > 0 => expression.push('|'),
            '}' if braces > 0 => {
                braces -= 1;
                expression.push(')');
            }
            '[' => {
                let class = class(&mut characters).ok_or_else(|| invalid("`[…]` is not complete"))?;
                expression.push_str(&class);
            }
            '\\' => match characters.next() {
                Some(escaped) => expression.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4]))),
                None => return Err(invalid("a backslash escapes nothing")),
            },
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    if braces > 0 {
        return Err(invalid("`{` is not closed"));
    }
    expression.push_str(")$");
    arguments.work(2000 + expression.len().saturating_mul(64))?;
    Regex::new(&expression).map_err(|_| invalid("it is too long"))
}

/// The class after a `[`, as a regular expression.
fn class(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let negated = characters.next_if_eq(&'^').is_some();
    let (mut ranges, mut members) = (Vec::new(), 0);
    while characters.next_if_eq(&']').is_none() {
        let low = member(characters)?;
        let high = match characters.next_if_eq(&'-') {
            Some(_) => member(characters)?,
            None => low,
        };
        members += 1;
        // A range in the wrong order is empty.
        ranges.extend((low <= high).then(|| ClassUnicodeRange::new(low, high)));
    }
    if members == 0 && !negated {
        return None;
    }
    let mut class = ClassUnicode::new(ranges);
    if negated {
        class.negate();
    }
    Some(Hir::class(Class::Unicode(class)).to_string())
}

fn member(characters: &mut Peekable<Chars<'_>>) -> Option<char> {
    match characters.next()? {
        '\\' => characters.next(),
        ']' | '-' => None,
        other => Some(other),
    }
}
