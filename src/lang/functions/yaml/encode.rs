//! Encodes YAML: names sorted, block style, strings in double quotes or, if they have several lines,
//! as literal blocks. The output equals that of Terraform's library byte for byte.

use std::collections::BTreeMap;

use crate::value::Value;

/// Spaces of indentation for each level.
const INDENT: usize = 2;
/// The column after which a quoted text is folded at its next space.
const WIDTH: usize = 80;
/// The longest key, in bytes, that is written without a `?`.
const LONGEST_KEY: usize = 128;

/// The value as a YAML document. The caller passes known, plain values only; others become null.
pub(in super::super) fn encode(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), column: 0, after_space: true, in_indent: true };
    writer.node(value, None, Place::Item);
    writer.begin_line(0);
    if let Value::Null | Value::Bool(_) | Value::Number(_) = value {
        // A plain scalar could continue, so a marker ends the document.
        writer.out.push_str("...\n");
    }
    writer.out
}

/// An upper bound on the bytes that [`encode`] writes for a value at this indentation.
pub(in super::super) fn length(value: &Value, indent: usize) -> usize {
    match value {
        Value::String(text) => text_length(text, indent),
        Value::List(items) | Value::Set(items) => {
            items.iter().map(|item| length(item, indent + INDENT) + indent + 4).sum()
        }
        Value::Map(entries) => {
            let of = |(key, item): (&String, &Value)| {
                text_length(key, indent) + length(item, indent + INDENT) + 2 * indent + 8
            };
            entries.iter().map(of).sum()
        }
        _ => 64,
    }
}

fn text_length(text: &str, indent: usize) -> usize {
    let lines = text.matches('\n').count() + 1;
    // An escaped character of one byte takes four.
    let plain = |one: char| one == '\n' || matches!(one, ' '..='~' if one != '"' && one != '\\');
    let escaped = if text.chars().all(plain) { 1 } else { 4 };
    (text.len() * escaped).saturating_add(lines.saturating_mul(indent + 4)) + 8
}

/// The context of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole document, or an item of a list.
    Item,
    /// A key with its `:` in the same line.
    SimpleKey,
    /// A key after `?`, or a value.
    Entry,
}

struct Writer {
    out: String,
    column: usize,
    /// True after white space, or after an indicator that needs none.
    after_space: bool,
    /// True if the line contains only indentation and block indicators.
    in_indent: bool,
}

impl Writer {
    fn put(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Moves to a column, on a new line if the current one has content there.
    fn begin_line(&mut self, indent: usize) {
        if !self.in_indent || self.column > indent || (self.column == indent && !self.after_space) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        (self.after_space, self.in_indent) = (true, true);
    }

    /// Writes an indicator. `in_indent`: a block can begin after it in the same line.
    fn sign(&mut self, sign: &str, spaced: bool, in_indent: bool) {
        if spaced && !self.after_space {
            self.put(' ');
        }
        sign.chars().for_each(|character| self.put(character));
        self.after_space = false;
        self.in_indent &= in_indent;
    }

    fn node(&mut self, value: &Value, indent: Option<usize>, place: Place) {
        let deeper = indent.map_or(0, |indent| indent + INDENT);
        match value {
            Value::List(items) | Value::Set(items) if !items.is_empty() => {
                // A list after `key:` is not indented.
                let level = match indent {
                    Some(indent) if place == Place::Entry && !self.in_indent => indent,
                    _ => deeper,
                };
                for item in items {
                    self.begin_line(level);
                    self.sign("-", true, true);
                    self.node(item, Some(level), Place::Item);
                }
            }
            Value::Map(entries) if !entries.is_empty() => self.entries(entries, deeper),
            Value::List(_) | Value::Set(_) => self.sign("[]", true, false),
            Value::Map(_) => self.sign("{}", true, false),
            Value::String(text) => self.text(text, indent.map_or(INDENT, |indent| indent + INDENT), place),
            Value::Bool(bool) => self.sign(&bool.to_string(), true, false),
            Value::Number(number) => self.sign(&number.to_string(), true, false),
            Value::Null | Value::Unknown(_) | Value::Secret(_) => self.sign("null", true, false),
        }
    }

    fn entries(&mut self, entries: &BTreeMap<String, Value>, level: usize) {
        for (key, value) in entries {
            self.begin_line(level);
            if key.len() <= LONGEST_KEY && !key.contains(is_break) {
                self.text(key, level + INDENT, Place::SimpleKey);
                self.sign(":", false, false);
            } else {
                self.sign("?", true, true);
                self.text(key, level + INDENT, Place::Entry);
                self.begin_line(level);
                self.sign(":", true, true);
            }
            self.node(value, Some(level), Place::Entry);
        }
    }

    fn text(&mut self, text: &str, indent: usize, place: Place) {
        if text.contains('\n') && place != Place::SimpleKey && fits_a_block(text) {
            self.block(text, indent);
        } else {
            self.quoted(text, indent, place != Place::SimpleKey);
        }
    }

    /// Writes a text in double quotes. A long one is folded to several lines if `folds`.
    fn quoted(&mut self, text: &str, indent: usize, folds: bool) {
        self.sign("\"", true, false);
        // After a byte order mark at the start, the library escapes every character.
        let all = text.starts_with('\u{feff}');
        let mut after_space = false;
        for (at, character) in text.char_indices() {
            let next = text.as_bytes().get(at + 1);
            if all || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                self.escaped(character);
            } else if character == ' '
                && folds
                && !after_space
                && self.column > WIDTH
                && at > 0
                && let Some(next) = next
            {
                self.begin_line(indent);
                if *next == b' ' {
                    self.put('\\');
                }
            } else {
                self.put(character);
            }
            after_space = character == ' ';
        }
        self.sign("\"", false, false);
    }

    fn escaped(&mut self, character: char) {
        let short = match character {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            other => {
                let code = match u32::from(other) {
                    code @ 0..=0xff => format!("\\x{code:02X}"),
                    code @ 0x100..=0xffff => format!("\\u{code:04X}"),
                    code => format!("\\U{code:08X}"),
                };
                return code.chars().for_each(|character| self.put(character));
            }
        };
        self.put('\\');
        self.put(short);
    }

    /// Writes a literal block, with the indicators that preserve its start and end.
    fn block(&mut self, text: &str, indent: usize) {
        self.sign("|", true, false);
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.sign(&INDENT.to_string(), false, false);
        }
        let mut from_the_end = text.chars().rev();
        match (from_the_end.next().is_some_and(is_break), from_the_end.next()) {
            (false, _) => self.sign("-", false, false),
            (true, Some(before)) if !is_break(before) => {}
            (true, _) => self.sign("+", false, false),
        }
        self.line_break();
        (self.in_indent, self.after_space) = (true, true);
        let mut starts = true;
        for character in text.chars() {
            if is_break(character) {
                self.out.push(character);
                self.column = 0;
                (self.in_indent, starts) = (true, true);
            } else {
                if std::mem::take(&mut starts) {
                    self.begin_line(indent);
                }
                self.put(character);
                self.in_indent = false;
            }
        }
    }
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns whether a character is written unescaped. Characters beyond the first plane are not.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && character != '\u{feff}'
}

/// Returns whether a literal block can contain the text: no line may end in a space.
fn fits_a_block(text: &str) -> bool {
    let mut after_space = false;
    for character in text.chars() {
        if !is_printable(character) || (after_space && is_break(character)) {
            return false;
        }
        after_space = character == ' ';
    }
    !after_space
}
