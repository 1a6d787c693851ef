//! The words of others without the secrets of this run. Values are masked by their type
//! ([`crate::value::Value::Secret`]); what dwctl says itself holds no secret and is never searched.
//! But AWS quotes what it refuses, and an excerpt of a file shows what is written there: such text
//! is an [`Outside`], which shows itself without any secret that is known.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use super::decode::{View, decodings};

/// What stands in place of a secret.
pub const MASK: &str = "(secret)";
/// Shorter texts are found everywhere by chance, and are not looked for.
const SHORTEST: usize = 4;
/// Texts from this length on are looked for anywhere, shorter ones only where they stand alone:
/// neither preceded nor followed by a letter, a digit or an underscore.
const ANYWHERE: usize = 8;
/// Longer texts are also looked for in pieces of this length, as others quote the start of them.
const PIECE: usize = 64;
/// How many encodings may be around each other: a text of JSON in one of JSON, in base64.
const NESTED: usize = 3;
/// Texts longer than this are searched through one encoding less, and learnt by their lines alone.
const LONG: usize = 64 << 10;

static KNOWN: Mutex<Known> = Mutex::new(Known { texts: None, fresh: Vec::new(), searches: Vec::new() });

/// All that is to be looked for.
struct Known {
    texts: Option<HashSet<String>>,
    /// Learned since the last search.
    fresh: Vec<String>,
    /// The rest, each batch larger than those after it, so that learning one more text does not
    /// build everything again.
    searches: Vec<Search>,
}

// A set and what is made of it: what a panic leaves of them is right.
fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Learns what is secret by itself, such as the value of a sensitive variable: it, its lines and,
/// of a JSON document, each text in it are masked in the words of others from now on.
pub fn learn(secret: &str) {
    let mut known = known();
    let whole = secret.trim();
    if whole.len() > LONG && whole.contains('\n') {
        // Of very many lines each is enough.
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

/// Learns what was made of a secret, such as a document with a password in it. It is looked for
/// as a whole: what else is in it is no secret.
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

/// Text that dwctl did not write itself: AWS's words, those of another tool, an excerpt of a file,
/// the log. It shows itself without the secrets that are known then.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outside(String);

impl Outside {
    /// Takes the text as it came.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came, to be decided by and never to be shown.
    pub fn as_it_came(&self) -> &str {
        &self.0
    }

    /// The text without secrets.
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

/// The text without the secrets that are known.
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

/// Where a text holds secrets that are known, however they are encoded: in order, none of them
/// next to another.
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
        // A place that is decoded from an encoding ends where a character does; see `View`.
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
        // Pieces of whole characters.
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

/// Texts, and what finds them in one pass over another.
struct Search {
    texts: Vec<String>,
    /// `None` where there are more than an automaton can hold: then everything is a secret.
    anywhere: Option<AhoCorasick>,
    alone: Option<AhoCorasick>,
}

impl Search {
    fn new(texts: Vec<String>) -> Self {
        let is_long = |text: &&String| text.chars().count() >= ANYWHERE;
        let of = |kind, texts: Vec<&String>| {
            // Of few long texts it would be a DFA, which is hundreds of times their size.
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
        // Few can end at one place, since they are short.
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

    // Of all tests of this process: each looks for texts of its own.
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
    fn a_secret_is_found_in_what_was_encoded_with_it() {
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
    fn of_what_was_made_of_a_secret_the_rest_is_none() {
        learn_whole(r#"{"engine":"engine-of-the-test","password":"hidden-81-xy"}"#);
        assert_eq!(mask("engine-of-the-test"), "engine-of-the-test");
        assert_eq!(mask(r#"'{"engine":"engine-of-the-test","password":"hidden-81-xy"}'"#), "'(secret)'");
        let quoted = r#""{\"engine\":\"engine-of-the-test\",\"password\":\"hidden-81-xy\"}""#;
        assert_eq!(mask(quoted), "\"(secret)\"");
    }

    #[test]
    fn a_short_secret_is_masked_where_it_stands_alone() {
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
    fn of_a_long_secret_what_is_quoted_is_masked() {
        let long: String = (0..2_000).map(|number| format!("{:x}", number * 7919 + 3)).collect();
        learn(&long);
        assert_eq!(mask(&format!("'{long}'")), "'(secret)'");
        let shown = mask(&format!("Value '{}...' is too long", &long[..1_000]));
        assert!(shown.len() < 64 + 40 && shown.starts_with("Value '(secret)"), "{shown}");
    }

    /// The rules are linear and have no limit: a bundle of certificates hides nothing else.
    #[test]
    fn ten_thousand_secrets_are_found_in_no_time() {
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
        // Unoptimised, beside other tests: what would be quadratic takes minutes.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
