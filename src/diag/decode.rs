//! Decodes text, and keeps the place of each byte in the original. Secrets are searched in the decoded
//! text, so that their encoded forms need not be known beforehand.

use std::ops::Range;

/// Shorter runs of digits are too short to hold a secret that is searched for.
const SHORTEST_HEX: usize = 8;
const SHORTEST_BASE64: usize = 6;
/// Separates two decoded runs. No UTF-8 text contains this byte.
const APART: u8 = 0xFF;

/// Bytes, each with its place in the original text.
pub(super) struct View {
    bytes: Vec<u8>,
    /// Empty if each byte stands for itself.
    from: Vec<Range<u32>>,
}

impl View {
    /// A view of undecoded text.
    pub(super) fn of(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), from: Vec::new() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place in the original text of a range of these bytes.
    pub(super) fn place(&self, of: Range<usize>) -> Range<usize> {
        if self.from.is_empty() {
            return of;
        }
        let all = self.from.get(of).unwrap_or_default();
        let start = all.iter().map(|one| one.start).min().unwrap_or(0);
        let end = all.iter().map(|one| one.end).max().unwrap_or(start);
        start as usize..end as usize
    }

    fn inner(&self) -> Inner<'_> {
        Inner { outer: self, view: Self { bytes: Vec::new(), from: Vec::new() }, differs: false }
    }
}

/// A view decoded from another view, while it is built.
struct Inner<'v> {
    outer: &'v View,
    view: View,
    differs: bool,
}

impl Inner<'_> {
    fn push(&mut self, byte: u8, of: Range<usize>) {
        let place = self.outer.place(of);
        self.view.bytes.push(byte);
        // No text that is shown has 4 GiB. One that had would be masked at the wrong place.
        self.view.from.push(place.start as u32..place.end as u32);
    }

    fn decoded(&mut self, text: &[u8], of: Range<usize>) {
        self.differs = true;
        text.iter().for_each(|&byte| self.push(byte, of.clone()));
    }
}

/// Decodes the view by every supported encoding.
pub(super) fn decodings(view: &View) -> Vec<View> {
    let mut all: Vec<View> = Vec::new();
    for unescape in [backslashes, entities, percents, form] {
        let mut inner = view.inner();
        let mut at = 0;
        while let Some(&byte) = view.bytes.get(at) {
            match unescape(view.bytes.get(at..).unwrap_or_default()) {
                Some((text, length)) => {
                    inner.decoded(&text, at..at + length);
                    at += length;
                }
                None => {
                    inner.push(byte, at..at + 1);
                    at += 1;
                }
            }
        }
        all.extend(inner.differs.then_some(inner.view));
    }
    all.extend((0..4).map(|skipped| base64(view, skipped)));
    all.extend((0..2).map(|skipped| hexadecimal(view, skipped)));
    all.retain(|inner| !inner.bytes.is_empty());
    all
}

type Unescaped = Option<(Vec<u8>, usize)>;

fn utf8(code: u32, length: usize) -> Unescaped {
    let character = char::from_u32(code)?;
    Some((character.to_string().into_bytes(), length))
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    // `from_str_radix` also accepts a sign.
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// Decodes an escape of JSON, Rust or Python.
fn backslashes(text: &[u8]) -> Unescaped {
    let (b'\\', &next) = (*text.first()?, text.get(1)?) else { return None };
    let unit = |at: usize| hex(text.get(at..at + 4));
    match next {
        b'n' => Some((b"\n".to_vec(), 2)),
        b'r' => Some((b"\r".to_vec(), 2)),
        b't' => Some((b"\t".to_vec(), 2)),
        b'b' => Some((b"\x08".to_vec(), 2)),
        b'f' => Some((b"\x0c".to_vec(), 2)),
        b'u' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(10).position(|&byte| byte == b'}')?;
            utf8(hex(text.get(3..end))?, end + 1)
        }
        b'u' => match (unit(2)?, text.get(6..8)) {
            (high @ 0xD800..0xDC00, Some(br"\u")) => {
                let low = unit(8).filter(|low| (0xDC00..0xE000).contains(low))?;
                utf8(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            (code, _) => utf8(code, 6),
        },
        // TOML's long form.
        b'U' => utf8(hex(text.get(2..10))?, 10),
        b'x' => Some((vec![u8::try_from(hex(text.get(2..4))?).ok()?], 4)),
        other => Some((vec![other], 2)),
    }
}

/// Decodes an entity of XML or HTML.
fn entities(text: &[u8]) -> Unescaped {
    if *text.first()? != b'&' {
        return None;
    }
    let end = text.iter().take(10).position(|&byte| byte == b';')?;
    let name = text.get(1..end)?;
    let plain = |character: &str| Some((character.as_bytes().to_vec(), end + 1));
    match name {
        b"amp" => plain("&"),
        b"lt" => plain("<"),
        b"gt" => plain(">"),
        b"quot" => plain("\""),
        b"apos" => plain("'"),
        [b'#', b'x' | b'X', digits @ ..] => utf8(hex(Some(digits))?, end + 1),
        [b'#', digits @ ..] => utf8(std::str::from_utf8(digits).ok()?.parse().ok()?, end + 1),
        _ => None,
    }
}

/// Decodes a percent escape of a URL.
fn percents(text: &[u8]) -> Unescaped {
    (*text.first()? == b'%').then(|| Some((vec![u8::try_from(hex(text.get(1..3))?).ok()?], 3))).flatten()
}

/// Decodes form encoding.
fn form(text: &[u8]) -> Unescaped {
    if *text.first()? == b'+' { Some((b" ".to_vec(), 1)) } else { percents(text) }
}

/// The positions of the digits in each run.
fn runs(bytes: &[u8], is_digit: impl Fn(u8) -> bool) -> impl Iterator<Item = Vec<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes.get(at..)?.iter().position(|&byte| is_digit(byte))?;
        let mut run = Vec::new();
        at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                byte if is_digit(byte) => run.push(at),
                // Base64 may be wrapped over several lines.
                b'\n' | b'\r' if bytes.get(at + 1).is_some_and(|&next| is_digit(next) || next == b'\n') => {}
                _ => break,
            }
            at += 1;
        }
        Some(run)
    })
}

/// Decodes runs of base64, in either alphabet, from digit `skipped` on.
fn base64(view: &View, skipped: usize) -> View {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let mut inner = view.inner();
    for run in runs(&view.bytes, |byte| digit(byte).is_some()).filter(|run| run.len() >= SHORTEST_BASE64) {
        let digits: Vec<(usize, u32)> = run
            .iter()
            .skip(skipped)
            .map(|&at| (at, u32::from(view.bytes.get(at).copied().and_then(digit).unwrap_or_default())))
            .collect();
        for group in digits.chunks(4) {
            for pair in group.windows(2).enumerate() {
                let (place, &[(from, left), (to, right)]) = pair else { continue };
                let bits = [left << 2 | right >> 4, left << 4 | right >> 2, left << 6 | right];
                let byte = bits.get(place).copied().unwrap_or_default() & 0xFF;
                inner.push(byte as u8, from..to + 1);
            }
        }
        // Padding belongs to the last group.
        let padding = run.last().map_or(0, |&last| {
            view.bytes.iter().skip(last + 1).take(2).take_while(|&&byte| byte == b'=').count()
        });
        if let (Some(last), Some(&at)) = (inner.view.from.last_mut(), run.last())
            && padding > 0
        {
            last.end = last.end.max(view.place(at..at + 1 + padding).end as u32);
        }
        let end = run.last().map_or(0, |last| last + 1);
        inner.push(APART, end..end);
    }
    inner.view
}

/// Decodes runs of hexadecimal digits from digit `skipped` on.
fn hexadecimal(view: &View, skipped: usize) -> View {
    let mut inner = view.inner();
    for run in runs(&view.bytes, |byte| byte.is_ascii_hexdigit()).filter(|run| run.len() >= SHORTEST_HEX) {
        let run = run.get(skipped..).unwrap_or_default();
        for pair in run.chunks_exact(2) {
            let &[from, to] = pair else { continue };
            let digits = [view.bytes[from], view.bytes[to]];
            if let Some(byte) = hex(Some(&digits)) {
                inner.push(byte as u8, from..to + 1);
            }
        }
        let end = run.last().map_or(0, |last| last + 1);
        inner.push(APART, end..end);
    }
    inner.view
}
