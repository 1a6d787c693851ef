//! Decodes YAML.

use crate::diag::a;
use std::collections::{BTreeMap, HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::super::super::budget::{DEPTH, KEY, MAP};
use super::super::super::convert;
use super::super::{Arguments, Problem};
use super::scalar::{Style, resolve};
use crate::value::Value;

/// The value of a document.
pub(in super::super) fn decode(arguments: &Arguments<'_>, text: &str) -> Result<Value, Problem> {
    arguments.work(8 + text.len() / 4)?;
    let control = |one: char| one.is_control() && !matches!(one, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((before, _)) = text.split_once(control) {
        let line = before.matches('\n').count() + 1;
        return Err(Problem::of(
            0,
            format!("not valid YAML: line {line}: control characters are not allowed"),
        ));
    }
    let mut decoder = Decoder {
        arguments,
        events: Parser::new_from_str(text),
        place: Span::default(),
        anchors: HashMap::new(),
        made: 0,
    };
    decoder.document()
}

struct Decoder<'a> {
    arguments: &'a Arguments<'a>,
    events: Parser<'a, StrInput<'a>>,
    /// The place of the last event.
    place: Span,
    /// The values of anchors, each with its size in bytes.
    anchors: HashMap<usize, (Value, usize)>,
    /// The bytes so far. An alias counts as much as its anchor, because a few lines of aliases can expand
    /// to more than any machine has.
    made: usize,
}

type Decoded<T = Value> = Result<T, Problem>;

impl<'a> Decoder<'a> {
    fn document(&mut self) -> Decoded {
        self.next()?;
        if let Event::StreamEnd = self.next()? {
            return Err(self.invalid("there is no document"));
        }
        let first = self.next()?;
        let value = self.value(first, 0)?;
        self.next()?;
        match self.next()? {
            Event::StreamEnd => Ok(value),
            _ => Err(self.invalid("there is more than one document")),
        }
    }

    fn next(&mut self) -> Decoded<Event<'a>> {
        self.arguments.work(3)?;
        match self.events.next_event() {
            Some(Ok((event, place))) => {
                self.place = place;
                Ok(event)
            }
            Some(Err(error)) => Err(scan_error(&error)),
            None => Ok(Event::StreamEnd),
        }
    }

    fn invalid(&self, reason: impl std::fmt::Display) -> Problem {
        let (line, column) = (self.place.start.line(), self.place.start.col() + 1);
        Problem::of(0, format!("not valid YAML: line {line}, column {column}: {reason}"))
    }

    fn make(&mut self, bytes: usize) -> Decoded<()> {
        self.made = self.made.saturating_add(bytes);
        self.arguments.room(self.made)
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Decoded {
        if depth > DEPTH {
            return Err(self.invalid(format!("it nests more than {DEPTH} lists and maps")));
        }
        let before = self.made;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.make(96 + text.len())?;
                (anchor, self.scalar(&text, style, tag.as_deref())?)
            }
            Event::Alias(anchor) => {
                let Some((value, bytes)) = self.anchors.get(&anchor) else {
                    return Err(self.invalid("an alias is inside its own anchor"));
                };
                let bytes = *bytes;
                self.arguments.work(bytes / 256)?;
                self.arguments.room(self.made.saturating_add(bytes))?;
                self.made = self.made.saturating_add(bytes);
                return Ok(value.clone());
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq")?;
                self.make(96)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.value(event, depth + 1)?),
                    }
                }
                (anchor, Value::List(items))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map")?;
                self.make(96 + MAP as usize)?;
                (anchor, Value::Map(self.mapping(depth)?))
            }
            _ => return Err(self.invalid("a value is missing")),
        };
        if anchor > 0 {
            let bytes = self.made - before;
            self.make(bytes)?;
            self.anchors.insert(anchor, (value.clone(), bytes));
        }
        Ok(value)
    }

    /// The entries up to the end of a mapping. The last of equal keys wins, also among those that `<<`
    /// merges from another mapping.
    fn mapping(&mut self, depth: usize) -> Decoded<BTreeMap<String, Value>> {
        let mut entries = BTreeMap::new();
        loop {
            let (text, style, tag) = match self.next()? {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, style, _, tag) => (text, style, tag),
                _ => return Err(self.invalid("only a scalar can be a key")),
            };
            if text == "<<" && tag.is_none() {
                let event = self.next()?;
                match self.value(event, depth + 1)? {
                    Value::Map(others) => entries.extend(others),
                    other => {
                        return Err(
                            self.invalid(format!("`<<` takes a mapping, not {}", a(other.kind_name())))
                        );
                    }
                }
                continue;
            }
            let key = self.scalar(&text, style, tag.as_deref())?;
            let Some(key) = convert::to_text(&key).map(std::borrow::Cow::into_owned) else {
                return Err(self.invalid("a key is null"));
            };
            self.make(KEY as usize + key.len())?;
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            entries.insert(key, value);
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Decoded {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let name = match tag {
            Some(tag) => {
                Some(known(tag).ok_or_else(|| self.invalid(format!("the tag `{tag}` is not supported")))?)
            }
            None => None,
        };
        let indicator = |one| matches!(one, '#' | '&' | '*' | '!' | '|' | '>' | '%' | '@' | '`');
        if style == Style::Plain && text.starts_with(indicator) {
            return Err(self.invalid("write a value that begins like this in quotes"));
        }
        resolve(text, style, name).map_err(|reason| self.invalid(reason))
    }

    fn check_tag(&self, tag: Option<&Tag>, expected: &str) -> Decoded<()> {
        match tag {
            Some(tag) if known(tag) != Some(expected) => {
                Err(self.invalid(format!("the tag `{tag}` does not fit {}", a(expected))))
            }
            _ => Ok(()),
        }
    }
}

/// The name of a tag in `tag:yaml.org,2002:`.
fn known(tag: &Tag) -> Option<&str> {
    match tag.handle.as_str() {
        "tag:yaml.org,2002:" => Some(&tag.suffix),
        "" => tag.suffix.strip_prefix("tag:yaml.org,2002:"),
        _ => None,
    }
}

fn scan_error(error: &ScanError) -> Problem {
    let place = error.marker();
    let (line, column) = (place.line(), place.col() + 1);
    Problem::of(0, format!("not valid YAML: line {line}, column {column}: {}", error.info()))
}
