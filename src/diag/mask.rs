//! Redacts the secrets of this run in text from outside. Values are redacted by their type
//! ([`crate::value::Value::Secret`]), so dwctl's own messages hold no secret and are never searched.
//! But AWS quotes what it refuses, and an excerpt of a file shows its content. Such text is an
//! [`Outside`], which displays itself without any known secret.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::decode::{View, decodings};

/// The replacement of a secret.
pub const MASK: &str = "(secret)";
/// Shorter texts occur everywhere by chance, and are not searched for.
const SHORTEST: usize = 4;
/// Texts of at least this length are found anywhere. Shorter ones are found only if they stand alone, with
/// no letter, digit or underscore before or after them.
const ANYWHERE: usize = 8;
/// Longer texts are also searched for in pieces of this length, since others quote only the start of them.
const PIECE: usize = 64;
/// Maximum depth of nested encodings, such as JSON in JSON in base64.
const NESTED: usize = 3;
/// Longer texts are searched through one encoding less, and learnt only by their lines.
const LONG: usize = 64 << 10;

static KNOWN: Mutex<Known> = Mutex::new(Known { texts: None, fresh: Vec::new(), searches: Vec::new() });

/// All texts to search for.
struct Known {
    texts: Option<HashSet<String>>,
    /// Learned since the last search.
    fresh: Vec<String>,
    /// The rest. Each batch is larger than those after it, so that learning one more text does not
    /// rebuild everything.
    searches: Vec<Search>,
}

// A panic leaves the set and its searches consistent, so a poisoned lock is usable.
fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Learns a value that is secret by itself, such as that of a sensitive variable. From now on the value,
/// its lines and, for a JSON document, each string in it are redacted in text from outside.
pub fn learn(secret: &str) {
    let mut known = known();
    let whole = secret.trim();
    if whole.len() > LONG && whole.contains('\n') {
        // With very many lines, each line by itself is enough.
        known.texts.get_or_insert_default().insert(whole.to_owned());
    } else {
        known.add(whole);
    }
    let mut lines = secret.lines();
    if let (Some(first), Some(second)) = (lines.next(), lines.next()) {
        [first, second].into_iter().chain(lines).for_each(|line| known.add(line));
    }
    if secret.trim_start().starts_with(['{', '['])
        && let Ok(document) = serde_json::from_str::<serde_json::Value>(secret)
    {
        leaves(&document, &mut known);
    }
}

/// Learns a value made from a secret, such as a document with a password in it. Only the whole text is
/// searched for, because its other parts are no secrets.
pub fn learn_whole(text: &str) {
    known().add(text);
}

fn leaves(document: &serde_json::Value, known: &mut Known) {
    match document {
        serde_json::Value::String(text) => text.lines().chain([text.as_str()]).for_each(|one| known.add(one)),
        serde_json::Value::Number(number) => known.add(&number.to_string()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, known)),
        serde_json::Value::Object(entries) => entries.values().for_each(|value| leaves(value, known)),
        serde_json::Value::Null | serde_json::Value::Bool(_) => {}
    }
}

/// Text that dwctl did not write itself: AWS's messages, those of another tool, an excerpt of a file,
/// the log. It displays itself without the secrets known at that time.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outside(String);

impl Outside {
    /// Wraps the text unchanged.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The unredacted text, for decisions only. It must never be shown.
    pub fn as_it_came(&self) -> &str {
        &self.0
    }

    /// The redacted text.
    pub fn masked(&self) -> Cow<'_, str> {
        mask(&self.0)
    }
}

impl From<String> for Outside {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Outside {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.masked())
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.masked().as_ref(), formatter)
    }
}

/// Redacts the known secrets in a text.
fn mask(text: &str) -> Cow<'_, str> {
    let places = secrets_in(text);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        masked.push_str(text.get(from..place.start).unwrap_or_default());
        masked.push_str(MASK);
        from = place.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Finds the known secrets in a text, however they are encoded. The ranges are in order and do not touch.
pub(super) fn secrets_in(text: &str) -> Vec<Range<usize>> {
    let mut known = known();
    if known.texts.is_none() {
        return Vec::new();
    }
    known.build();
    let mut places = Vec::new();
    let nested = if text.len() > LONG { NESTED - 1 } else { NESTED };
    known.search(&View::of(text), nested, &mut places);
    places.sort_by_key(|place| place.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        // Decoded places may start or end inside a character; see `View`.
        let (start, end) = (text.floor_char_boundary(place.start), text.ceil_char_boundary(place.end));
        match merged.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => merged.push(start..end),
        }
    }
    merged
}

impl Known {
    fn add(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().take(SHORTEST).count() < SHORTEST {
            return;
        }
        let texts = self.texts.get_or_insert_default();
        if texts.contains(text) {
            return;
        }
        texts.insert(text.to_owned());
        self.fresh.push(text.to_owned());
        // Pieces end at character boundaries.
        let mut rest = text;
        while rest.len() > PIECE {
            let (piece, more) = rest.split_at(rest.floor_char_boundary(PIECE));
            if text.len() > 2 * PIECE && texts.insert(piece.to_owned()) {
                self.fresh.push(piece.to_owned());
            }
            rest = more;
        }
    }

    fn build(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let mut batch = std::mem::take(&mut self.fresh);
        while let Some(last) = self.searches.pop_if(|last| last.texts.len() <= batch.len()) {
            batch.extend(last.texts);
        }
        self.searches.push(Search::new(batch));
    }

    fn search(&self, view: &View, nested: usize, places: &mut Vec<Range<usize>>) {
        for search in &self.searches {
            search.find(view.bytes(), |found| places.push(view.place(found)));
        }
        if nested > 0 {
            decodings(view).iter().for_each(|inner| self.search(inner, nested - 1, places));
        }
    }
}

/// A batch of texts, with automata that find all of them in one pass.
struct Search {
    texts: Vec<String>,
    /// `None` if the texts exceed what an automaton can hold: then everything counts as secret.
    anywhere: Option<AhoCorasick>,
    alone: Option<AhoCorasick>,
}

impl Search {
    fn new(texts: Vec<String>) -> Self {
        let is_long = |text: &&String| text.chars().count() >= ANYWHERE;
        let of = |kind, texts: Vec<&String>| {
            // For a few long texts the default would be a DFA, hundreds of times their size.
            let builder = &mut AhoCorasick::builder();
            builder.kind(Some(AhoCorasickKind::ContiguousNFA)).match_kind(kind).build(texts).ok()
        };
        let anywhere = of(MatchKind::LeftmostLongest, texts.iter().filter(is_long).collect());
        let alone = of(MatchKind::Standard, texts.iter().filter(|text| !is_long(text)).collect());
        Self { texts, anywhere, alone }
    }

    fn find(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        let (Some(anywhere), Some(alone)) = (&self.anywhere, &self.alone) else {
            return found(0..text.len());
        };
        anywhere.find_iter(Input::new(text)).for_each(|one| found(one.range()));
        // Few matches can end at one place, since these texts are short.
        for one in alone.find_overlapping_iter(text).filter(|one| stands_alone(text, one.range())) {
            found(one.range());
        }
    }
}

fn stands_alone(text: &[u8], place: Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = place.start.checked_sub(1).and_then(|at| text.get(at));
    let (first, last) = (text.get(place.start), place.end.checked_sub(1).and_then(|at| text.get(at)));
    let joined_before = is_word(before) && is_word(first);
    let joined_after = is_word(last) && is_word(text.get(place.end));
    !joined_before && !joined_after
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::{Outside, learn, learn_whole};

    fn mask(text: &str) -> String {
        Outside::new(text).to_string()
    }

    // The known secrets are shared by all tests of this process, so each test uses texts of its own.
    #[test]
    fn a_secret_is_masked_in_every_form() {
        learn("Tr0ub\"4dor & 3/é");
        for form in [
            "Tr0ub\"4dor & 3/é",
            r#"Tr0ub\"4dor & 3/é"#,
            r#"Tr0ub\\\"4dor & 3/é"#,
            r#"Tr0ub\"4dor \u0026 3\/\u00e9"#,
            r#"Tr0ub\"4dor & 3/\u{e9}"#,
            "Tr0ub%224dor%20%26%203%2F%C3%A9",
            "Tr0ub%224dor+%26+3%2f%c3%a9",
            "Tr0ub%25224dor%2520%2526%25203%252F%25C3%25A9",
            "Tr0ub&quot;4dor &amp; 3/é",
            "Tr0ub&#34;4dor &#x26; 3/&#233;",
            "VHIwdWIiNGRvciAmIDMvw6k=",
            "VHIwdWIiNGRvciAmIDMvw6k",
        ] {
            assert_eq!(mask(&format!("'{form}' is bad")), "'(secret)' is bad", "{form}");
        }
        let hex: String = "Tr0ub\"4dor & 3/é".bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(mask(&hex), "(secret)");
        assert_eq!(mask(&format!("0x{}", hex.to_uppercase())), "0x(secret)");
    }

    #[test]
    fn a_secret_is_found_in_encoded_text_around_it() {
        let secret = "inner-hidden-41f7";
        learn(secret);
        for before in ["", "a", "ab", "abc", "{\"password\":\""] {
            let text = format!("{before}{secret}\"}} and more");
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let shown = mask(&format!("Value '{encoded}' is bad"));
                assert!(shown.starts_with("Value '") && shown.ends_with("' is bad"), "{shown}");
                let core = &encoded[encoded.len() / 2 - 4..encoded.len() / 2 + 4];
                assert!(shown.contains("(secret)") && !shown.contains(core), "{before}: {shown}");
            }
            let twice = STANDARD.encode(STANDARD.encode(&text));
            assert!(mask(&twice).contains("(secret)"), "{before}");
        }
        let wrapped = STANDARD.encode(format!("{}{secret}", "x".repeat(50)));
        let wrapped = format!("{}\n{}", &wrapped[..76], &wrapped[76..]);
        assert!(mask(&wrapped).contains("(secret)"), "{wrapped}");
    }

    #[test]
    fn lines_and_members_are_secret_too() {
        learn("-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n");
        assert_eq!(mask("| MIIEvQIBADANBg"), "| (secret)");
        learn(r#"{"user":"x","nested":[{"password":"quite-hidden-7"}]}"#);
        assert_eq!(mask("password quite-hidden-7 for x"), "password (secret) for x");
    }

    #[test]
    fn other_members_of_a_secret_document_are_not_masked() {
        learn_whole(r#"{"engine":"engine-of-the-test","password":"hidden-81-xy"}"#);
        assert_eq!(mask("engine-of-the-test"), "engine-of-the-test");
        assert_eq!(mask(r#"'{"engine":"engine-of-the-test","password":"hidden-81-xy"}'"#), "'(secret)'");
        let quoted = r#""{\"engine\":\"engine-of-the-test\",\"password\":\"hidden-81-xy\"}""#;
        assert_eq!(mask(quoted), "\"(secret)\"");
    }

    #[test]
    fn a_short_secret_is_masked_only_as_a_whole_word() {
        learn("q7z");
        learn("abc12");
        learn("p@s-9");
        for (text, shown) in [
            ("q7z", "q7z"),
            ("abc12", "(secret)"),
            ("'abc12', abc12.", "'(secret)', (secret)."),
            ("xabc12 abc123 _abc12 abc12-", "xabc12 abc123 _abc12 (secret)-"),
            ("xp@s-9 p@s-9x p@s-9.", "xp@s-9 p@s-9x (secret)."),
        ] {
            assert_eq!(mask(text), shown);
        }
    }

    #[test]
    fn the_longer_of_two_is_masked_whole() {
        learn("prefix-9d1");
        learn("prefix-9d1-and-the-rest");
        assert_eq!(mask("prefix-9d1-and-the-rest"), "(secret)");
    }

    #[test]
    fn quoted_parts_of_a_long_secret_are_masked() {
        let long: String = (0..2_000).map(|number| format!("{:x}", number * 7919 + 3)).collect();
        learn(&long);
        assert_eq!(mask(&format!("'{long}'")), "'(secret)'");
        let shown = mask(&format!("Value '{}...' is too long", &long[..1_000]));
        assert!(shown.len() < 64 + 40 && shown.starts_with("Value '(secret)"), "{shown}");
    }

    /// The search is linear and has no limit: a bundle of certificates redacts nothing else.
    #[test]
    fn ten_thousand_secrets_are_found_quickly() {
        let began = Instant::now();
        let line = |number: u64| {
            format!("{:016x}{:016x}{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15), number * 31, !number)
        };
        let bundle: Vec<String> = (1..10_000).map(line).collect();
        learn(&bundle.join("\n"));
        learn("after-the-bundle-5e");
        let text = format!("{} and after-the-bundle-5e and {}", bundle[9_000], "words ".repeat(10_000));
        for _ in 0..10 {
            assert!(mask(&text).starts_with("(secret) and (secret) and words"));
        }
        // In an unoptimised build beside other tests, a quadratic search would take minutes.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
