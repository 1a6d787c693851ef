//! Secrets that this run knows, and texts without them. A secret never comes into a
//! message of dwctl's own; but AWS's words may quote what was sent, and an excerpt of a
//! file may show it. What is written to the terminal therefore goes through [`mask`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use regex::{Regex, RegexBuilder};

/// What stands in place of a secret.
const MASK: &str = "(secret)";
/// Shorter texts are found everywhere by chance, and are no secrets worth the name.
const SHORTEST: usize = 6;
/// Longer texts are masked line by line alone.
const LONGEST: usize = 8 << 10;
/// The most texts to look for; what is learnt first is what the stack declares.
const MOST: usize = 20_000;

static KNOWN: Mutex<Known> =
    Mutex::new(Known { secrets: BTreeSet::new(), plain: BTreeSet::new(), pattern: None });

/// All that is to be looked for.
struct Known {
    /// The secrets, in every form.
    secrets: BTreeSet<String>,
    /// What is known to be none, such as the name of the stack.
    plain: BTreeSet<String>,
    /// The secrets as one pattern; made when it is needed.
    pattern: Option<Regex>,
}

// A set and what is made of it: what a panic leaves of them is right.
fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Learns a secret: it, each of its lines and, of a JSON document, each text in it are
/// masked from now on, as they are and as JSON, URLs, base64 and hexadecimal write them.
pub fn learn(secret: &str) {
    let mut known = known();
    let mut texts = BTreeSet::new();
    parts(secret, &mut texts);
    for text in texts {
        if known.secrets.contains(text.as_str()) || known.secrets.len() >= MOST {
            continue;
        }
        known.secrets.extend(forms(&text));
        known.pattern = None;
    }
}

/// Learns that a text is no secret, though something secret may hold the same.
pub fn allow(plain: &str) {
    let mut known = known();
    if known.plain.insert(plain.to_owned()) {
        known.pattern = None;
    }
}

/// The text without the secrets that are known.
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut known = known();
    if known.secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    if known.pattern.is_none() {
        let mut secrets: Vec<&String> =
            known.secrets.iter().filter(|secret| !known.plain.contains(*secret)).collect();
        // Of two that begin alike, the longer one first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let escaped: Vec<String> = secrets.into_iter().map(|secret| regex::escape(secret)).collect();
        let pattern = if escaped.is_empty() { "$.^".to_owned() } else { escaped.join("|") };
        known.pattern = RegexBuilder::new(&pattern).size_limit(256 << 20).build().ok();
    }
    match &known.pattern {
        Some(pattern) => pattern.replace_all(text, MASK),
        // More than a pattern can hold: rather no words than a secret in them.
        None => Cow::Borrowed("(left out: it may show a secret)\n"),
    }
}

/// A secret and what is secret in it.
fn parts(secret: &str, texts: &mut BTreeSet<String>) {
    let fits = |text: &str| (SHORTEST..=LONGEST).contains(&text.chars().count());
    if fits(secret) {
        texts.insert(secret.to_owned());
    }
    let lines = secret.lines().map(str::trim);
    texts.extend(lines.filter(|line| fits(line)).map(str::to_owned));
    if secret.trim_start().starts_with(['{', '['])
        && let Ok(document) = serde_json::from_str::<serde_json::Value>(secret)
    {
        leaves(&document, texts);
    }
}

fn leaves(document: &serde_json::Value, texts: &mut BTreeSet<String>) {
    match document {
        serde_json::Value::String(text) => parts(text, texts),
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        serde_json::Value::Object(entries) => entries.values().for_each(|value| leaves(value, texts)),
        serde_json::Value::Number(number) => parts(&number.to_string(), texts),
        serde_json::Value::Null | serde_json::Value::Bool(_) => {}
    }
}

/// A text as it may be written.
fn forms(text: &str) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let json = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
    };
    let escaped = json(text);
    let url = percent_encoding::utf8_percent_encode(text, URL).to_string();
    let xml = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut forms = vec![
        // A document in a document is escaped twice.
        json(&escaped),
        url.replace("%20", "+"),
        xml.replace('"', "&quot;").replace('\'', "&#39;"),
        xml.replace('"', "&quot;").replace('\'', "&apos;"),
        xml,
        STANDARD.encode(text),
        STANDARD_NO_PAD.encode(text),
        URL_SAFE_NO_PAD.encode(text),
        text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        text.bytes().map(|byte| format!("{byte:02X}")).collect(),
        // As Rust and Python quote it.
        format!("{text:?}").trim_matches('"').to_owned(),
        url,
        escaped,
        text.to_owned(),
    ];
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// RFC 3986: all but the unreserved.
const URL: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::{allow, learn, mask};

    // Of all tests of this process: each looks for texts of its own.
    #[test]
    fn a_secret_is_masked_in_every_form() {
        learn("Tr0ub\"4dor & 3/é");
        for form in [
            "Tr0ub\"4dor & 3/é",
            r#"Tr0ub\"4dor & 3/é"#,
            r#"Tr0ub\\\"4dor & 3/é"#,
            "Tr0ub%224dor%20%26%203%2F%C3%A9",
            "Tr0ub%224dor+%26+3%2F%C3%A9",
            "Tr0ub&quot;4dor &amp; 3/é",
            "VHIwdWIiNGRvciAmIDMvw6k=",
        ] {
            assert_eq!(mask(&format!("'{form}' is bad")), "'(secret)' is bad", "{form}");
        }
        let hex: String = "Tr0ub\"4dor & 3/é".bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(mask(&hex), "(secret)");
    }

    #[test]
    fn lines_and_members_are_secret_too() {
        learn("-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n");
        assert_eq!(mask("| MIIEvQIBADANBg"), "| (secret)");
        learn(r#"{"user":"x","nested":[{"password":"quite-hidden-7"}]}"#);
        assert_eq!(mask("password quite-hidden-7 for x"), "password (secret) for x");
    }

    #[test]
    fn what_is_short_or_allowed_is_left() {
        learn("abc12");
        assert_eq!(mask("abc12"), "abc12");
        learn("ecommerce-of-the-test");
        allow("ecommerce-of-the-test");
        assert_eq!(mask("ecommerce-of-the-test/dev"), "ecommerce-of-the-test/dev");
    }

    #[test]
    fn the_longer_of_two_is_masked_whole() {
        learn("prefix-9d1");
        learn("prefix-9d1-and-the-rest");
        assert_eq!(mask("prefix-9d1-and-the-rest"), "(secret)");
    }
}
