//! Parses RE2's syntax (<https://github.com/google/re2/wiki/Syntax>), which Terraform's `regexp` uses,
//! to the tree of `regex-syntax`. The syntax of that crate differs: its `\d`, `\w` and `\b` follow
//! Unicode, and it accepts `(?x)`, `\<` and `[a&&b]`.

use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Look, Repetition};

/// Maximum repetitions; those of nested repetitions are multiplied.
const MAX_TIMES: u32 = 1000;
/// Maximum number of parts of a pattern, and of Unicode classes, which are large.
const MAX_PARTS: usize = 10_000;
const MAX_CLASSES: usize = 500;
/// Maximum depth of nested groups. RE2 accepts more, but the recursion needs a limit.
const DEEPEST: usize = 200;

/// Unicode's scripts by their names in RE2.
const SCRIPTS: &str = include_str!("re2_scripts.txt");

/// A parsed pattern: its tree, without group names, and the names of its groups, starting with the
/// whole match. Unlike in `regex-syntax`, names can begin with a digit and occur twice.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    pub(super) names: Vec<Option<String>>,
}

/// Parses a pattern. The error is in words.
pub(super) fn parse(pattern: &str) -> Result<Parsed, String> {
    let mut parser =
        Parser { rest: pattern, flags: Flags::default(), names: vec![None], depth: 0, parts: 0, classes: 0 };
    let hir = parser.alternation()?.hir;
    if !parser.rest.is_empty() {
        return Err("unexpected `)`".to_owned());
    }
    Ok(Parsed { hir, names: parser.names })
}

struct Parser<'a> {
    rest: &'a str,
    flags: Flags,
    names: Vec<Option<String>>,
    depth: usize,
    parts: usize,
    classes: usize,
}

/// `(?imsU)`
#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    swap_greedy: bool,
}

/// A part of a pattern, and the maximum number of repetitions within it.
struct Piece {
    hir: Hir,
    times: u32,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Parses alternatives up to their closing `)` or the end of the pattern.
    fn alternation(&mut self) -> Result<Piece, String> {
        let (mut branches, mut times) = (Vec::new(), 1);
        loop {
            let branch = self.sequence()?;
            times = times.max(branch.times);
            branches.push(branch.hir);
            if !self.skip("|") {
                return Ok(Piece { hir: Hir::alternation(branches), times });
            }
        }
    }

    fn sequence(&mut self) -> Result<Piece, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        // The last piece, if it was a repetition.
        let mut repeated: Option<&str> = None;
        while let Some(first) = self.rest.chars().next() {
            let before = self.rest;
            let mut again = None;
            self.parts += 1;
            if self.parts > MAX_PARTS {
                return Err(format!("it has more than {MAX_PARTS} parts"));
            }
            match first {
                '|' | ')' => break,
                '*' | '+' | '?' => {
                    self.next();
                    let (min, max) = match first {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(&mut pieces, before, repeated, min, max, false)?;
                    again = Some(before);
                }
                '{' => match counts(before) {
                    Some((min, max, rest)) => {
                        self.rest = rest;
                        let shown = before.get(..before.len() - rest.len()).unwrap_or_default();
                        let (min, max) = sizes(min, max).ok_or_else(|| {
                            format!("invalid repeat count: `{shown}` ({MAX_TIMES} is the most)")
                        })?;
                        self.repeat(&mut pieces, before, repeated, min, max, true)?;
                        again = Some(before);
                    }
                    None => {
                        self.next();
                        pieces.push(self.literal('{'));
                    }
                },
                '(' => {
                    if let Some(piece) = self.group()? {
                        pieces.push(piece);
                    }
                }
                '\\' => self.escape(&mut pieces)?,
                _ => {
                    let hir = match first {
                        '[' => Hir::class(Class::Unicode(self.class()?)),
                        '^' => Hir::look(if self.flags.multi_line { Look::StartLF } else { Look::Start }),
                        '$' => Hir::look(if self.flags.multi_line { Look::EndLF } else { Look::End }),
                        '.' => Hir::dot(if self.flags.dot_all { Dot::AnyChar } else { Dot::AnyCharExceptLF }),
                        other => self.literal(other).hir,
                    };
                    if first != '[' {
                        self.next();
                    }
                    pieces.push(Piece { hir, times: 1 });
                }
            }
            repeated = again;
        }
        let times = pieces.iter().map(|piece| piece.times).max().unwrap_or(1);
        Ok(Piece { hir: Hir::concat(pieces.into_iter().map(|piece| piece.hir).collect()), times })
    }

    /// Repeats the last piece. `before` begins with the operator, which is already parsed.
    fn repeat(
        &mut self,
        pieces: &mut Vec<Piece>,
        before: &str,
        repeated: Option<&str>,
        min: u32,
        max: Option<u32>,
        counted: bool,
    ) -> Result<(), String> {
        let lazy = self.skip("?");
        let shown = |from: &str| from.get(..from.len() - self.rest.len()).unwrap_or_default().to_owned();
        if let Some(first) = repeated {
            return Err(format!("invalid nested repetition operator: `{}`", shown(first)));
        }
        let Some(Piece { hir, mut times }) = pieces.pop() else {
            return Err(format!("missing argument to repetition operator: `{}`", shown(before)));
        };
        if counted {
            times = times.saturating_mul(max.unwrap_or(min)).max(1);
            if (min >= 2 || max.is_some_and(|max| max >= 2)) && times > MAX_TIMES {
                return Err(format!(
                    "invalid repeat count: `{}` is more than {MAX_TIMES} in all",
                    shown(before)
                ));
            }
        }
        let greedy = lazy == self.flags.swap_greedy;
        let hir = match max {
            // Matches the empty text, but keeps the numbers of groups within it.
            Some(0) => Hir::alternation(vec![Hir::empty(), Hir::concat(vec![Hir::fail(), hir])]),
            _ => Hir::repetition(Repetition { min, max, greedy, sub: Box::new(hir) }),
        };
        pieces.push(Piece { hir, times });
        Ok(())
    }

    /// Parses a group; `None` if it only sets flags.
    fn group(&mut self) -> Result<Option<Piece>, String> {
        let before = self.rest;
        let outer = self.flags;
        let mut capture = None;
        self.next();
        if self.skip("?P<") || self.skip("?<") {
            let end = self.rest.find('>').ok_or_else(|| format!("invalid named capture: `{before}`"))?;
            let (name, rest) = self.rest.split_at(end);
            let word = |one: char| one.is_ascii_alphanumeric() || one == '_';
            if name.is_empty() || !name.chars().all(word) {
                return Err(format!(
                    "invalid named capture: `(?<{name}>`; RE2 has no lookahead or lookbehind"
                ));
            }
            self.rest = rest.get(1..).unwrap_or_default();
            capture = Some(self.names.len());
            self.names.push(Some(name.to_owned()));
        } else if self.skip("?") {
            if !self.flags(before)? {
                return Ok(None);
            }
        } else {
            capture = Some(self.names.len());
            self.names.push(None);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} groups are within each other"));
        }
        let Piece { hir, times } = self.alternation()?;
        self.depth -= 1;
        if !self.skip(")") {
            return Err("missing closing `)`".to_owned());
        }
        self.flags = outer;
        let hir = match capture.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => Hir::capture(Capture { index, name: None, sub: Box::new(hir) }),
            None => hir,
        };
        Ok(Some(Piece { hir, times }))
    }

    /// Parses flags after `(?`. Returns whether a group follows.
    fn flags(&mut self, before: &str) -> Result<bool, String> {
        let (mut flags, mut on, mut any) = (self.flags, true, true);
        while let Some(flag) = self.next() {
            match flag {
                'i' => flags.ignore_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'U' => flags.swap_greedy = on,
                '-' if on => (on, any) = (false, false),
                ':' | ')' if any => {
                    self.flags = flags;
                    return Ok(flag == ':');
                }
                _ => break,
            }
            any |= flag != '-';
        }
        let shown = before.get(..before.len() - self.rest.len()).unwrap_or_default();
        Err(format!("invalid or unsupported Perl syntax: `{shown}`"))
    }

    fn literal(&self, character: char) -> Piece {
        let mut buffer = [0; 4];
        let plain = Hir::literal(character.encode_utf8(&mut buffer).as_bytes());
        let hir = match self.flags.ignore_case {
            true => Hir::class(Class::Unicode(self.folded(class([(character, character)])))),
            false => plain,
        };
        Piece { hir, times: 1 }
    }

    /// Adds the other cases of the characters if case is ignored.
    fn folded(&self, mut class: ClassUnicode) -> ClassUnicode {
        // The case tables are compiled in.
        if self.flags.ignore_case && class.try_case_fold_simple().is_err() {
            debug_assert!(false, "there are no tables of cases");
        }
        class
    }

    /// Parses a backslash sequence outside of `[…]`.
    fn escape(&mut self, pieces: &mut Vec<Piece>) -> Result<(), String> {
        let hir = match self.rest.chars().nth(1) {
            Some('A') => Hir::look(Look::Start),
            Some('z') => Hir::look(Look::End),
            Some('b') => Hir::look(Look::WordAscii),
            Some('B') => Hir::look(Look::WordAsciiNegate),
            Some('Q') => {
                let quoted = self.rest.get(2..).unwrap_or_default();
                let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                pieces.extend(text.chars().map(|character| self.literal(character)));
                self.rest = rest;
                return Ok(());
            }
            _ => match self.named_class()? {
                Some(class) => {
                    pieces.push(Piece { hir: Hir::class(Class::Unicode(class)), times: 1 });
                    return Ok(());
                }
                None => {
                    let character = self.escaped()?;
                    pieces.push(self.literal(character));
                    return Ok(());
                }
            },
        };
        self.rest = self.rest.get(2..).unwrap_or_default();
        pieces.push(Piece { hir, times: 1 });
        Ok(())
    }

    /// Parses `\d`, `\pL` and the like, if present.
    fn named_class(&mut self) -> Result<Option<ClassUnicode>, String> {
        let mut following = self.rest.chars().skip(1);
        let (mut class, mut negated) = match following.next() {
            Some('p' | 'P') if self.rest.starts_with('\\') => {
                self.classes += 1;
                if self.classes > MAX_CLASSES {
                    return Err(format!("it names more than {MAX_CLASSES} classes of Unicode"));
                }
                let negated = self.rest.starts_with("\\P");
                let before = self.rest;
                self.rest = self.rest.get(2..).unwrap_or_default();
                let mut name = match self.next() {
                    Some('{') => {
                        let (name, rest) = self
                            .rest
                            .split_once('}')
                            .ok_or_else(|| format!("invalid character class range: `{before}`"))?;
                        self.rest = rest;
                        name.to_owned()
                    }
                    other => other.map(String::from).unwrap_or_default(),
                };
                let inner = name.strip_prefix('^').map(str::to_owned);
                let negated = negated != inner.is_some();
                name = inner.unwrap_or(name);
                let class = unicode(&name)
                    .ok_or_else(|| format!("`{name}` is neither a category nor a script of Unicode"))?;
                (class, negated)
            }
            Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) if self.rest.starts_with('\\') => {
                self.rest = self.rest.get(2..).unwrap_or_default();
                let class = match letter.to_ascii_lowercase() {
                    'd' => class([('0', '9')]),
                    's' => class([('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')]),
                    _ => class([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
                };
                (class, letter.is_ascii_uppercase())
            }
            Some(':') if self.rest.starts_with('[') => {
                // Without `:]`, these are ordinary characters.
                let Some((name, rest)) = self.rest.get(2..).and_then(|rest| rest.split_once(":]")) else {
                    return Ok(None);
                };
                self.rest = rest;
                let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
                let class = posix(name).ok_or_else(|| format!("there is no class `[:{name}:]`"))?;
                (class, negated)
            }
            _ => return Ok(None),
        };
        class = self.folded(class);
        if std::mem::take(&mut negated) {
            class.negate();
        }
        Ok(Some(class))
    }

    /// The character that an escape sequence stands for.
    fn escaped(&mut self) -> Result<char, String> {
        let before = self.rest;
        self.next();
        let Some(first) = self.next() else { return Err("trailing backslash".to_owned()) };
        let octal = |rest: &str| rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let found = match first {
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            // A single digit would be a backreference.
            '0'..='7' if first == '0' || octal(self.rest) > 0 => {
                let (more, rest) = self.rest.split_at(octal(self.rest));
                self.rest = rest;
                u32::from_str_radix(&format!("{first}{more}"), 8).ok().and_then(char::from_u32)
            }
            'x' => {
                let digits = match self.rest.strip_prefix('{') {
                    Some(inner) => inner.split_once('}'),
                    None => self.rest.split_at_checked(2),
                };
                digits.and_then(|(digits, rest)| {
                    self.rest = rest;
                    let hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                    u32::from_str_radix(digits, 16).ok().filter(|_| hex).and_then(char::from_u32)
                })
            }
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(other),
            _ => None,
        };
        found.ok_or_else(|| {
            let shown = before.get(..before.len() - self.rest.len()).unwrap_or_default();
            format!("invalid escape sequence: `{shown}`")
        })
    }

    /// `[…]`
    fn class(&mut self) -> Result<ClassUnicode, String> {
        let before = self.rest;
        self.next();
        let negated = self.skip("^");
        let mut all = ClassUnicode::empty();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if let Some(class) = self.named_class()? {
                all.union(&class);
                continue;
            }
            let from = self.rest;
            let low = self.class_character(before)?;
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
                self.next();
                high = self.class_character(before)?;
                if high < low {
                    let shown = from.get(..from.len() - self.rest.len()).unwrap_or_default();
                    return Err(format!("invalid character class range: `{shown}`"));
                }
            }
            all.push(ClassUnicodeRange::new(low, high));
        }
        self.next();
        all = self.folded(all);
        if negated {
            all.negate();
        }
        Ok(all)
    }

    fn class_character(&mut self, class: &str) -> Result<char, String> {
        if self.rest.starts_with('\\') {
            return self.escaped();
        }
        self.next().ok_or_else(|| format!("missing closing `]`: `{class}`"))
    }
}

/// The numbers in `{2}`, `{2,}` and `{2,3}`, and the text after it; `None` if it is no repetition.
fn counts(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (inside, rest) = text.strip_prefix('{')?.split_once('}')?;
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        plain && (text.len() == 1 || !text.starts_with('0'))
    };
    match inside.split_once(',') {
        None => number(inside).then_some((inside, Some(inside), rest)),
        Some((min, "")) => number(min).then_some((min, None, rest)),
        Some((min, max)) => (number(min) && number(max)).then_some((min, Some(max), rest)),
    }
}

/// The numbers as integers, if they are not too large and in the right order.
fn sizes(min: &str, max: Option<&str>) -> Option<(u32, Option<u32>)> {
    let size = |text: &str| text.parse().ok().filter(|&size: &u32| size <= MAX_TIMES);
    let min = size(min)?;
    match max {
        None => Some((min, None)),
        Some(max) => size(max).filter(|&max| min <= max).map(|max| (min, Some(max))),
    }
}

fn class<const N: usize>(ranges: [(char, char); N]) -> ClassUnicode {
    ClassUnicode::new(ranges.map(|(low, high)| ClassUnicodeRange::new(low, high)))
}

/// A general category or a script of Unicode.
fn unicode(name: &str) -> Option<ClassUnicode> {
    const CATEGORIES: &[&str] = &[
        "Cc", "Cf", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No",
        "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
    ];
    match name {
        "Any" => Some(class([('\0', char::MAX)])),
        // No text contains a surrogate.
        "Cs" => Some(ClassUnicode::empty()),
        // RE2's `C` does not contain unassigned characters.
        "C" => {
            let mut all = unicode("Cc")?;
            all.union(&unicode("Cf")?);
            all.union(&unicode("Co")?);
            Some(all)
        }
        _ if CATEGORIES.contains(&name) => property(&format!("\\p{{gc={name}}}")),
        _ if SCRIPTS.lines().any(|script| script == name) => property(&format!("\\p{{sc={name}}}")),
        _ => None,
    }
}

fn property(pattern: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(pattern).ok()?.into_kind() {
        regex_syntax::hir::HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

fn posix(name: &str) -> Option<ClassUnicode> {
    Some(match name {
        "alnum" => class([('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "alpha" => class([('A', 'Z'), ('a', 'z')]),
        "ascii" => class([('\0', '\u{7f}')]),
        "blank" => class([('\t', '\t'), (' ', ' ')]),
        "cntrl" => class([('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
        "digit" => class([('0', '9')]),
        "graph" => class([('!', '~')]),
        "lower" => class([('a', 'z')]),
        "print" => class([(' ', '~')]),
        "punct" => class([('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "space" => class([('\t', '\r'), (' ', ' ')]),
        "upper" => class([('A', 'Z')]),
        "word" => class([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        "xdigit" => class([('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}
