//! Escapes characters that are invisible or make others look different. They may come from AWS's messages,
//! names, paths and files. Sent to a terminal, they could move its cursor, or reverse the direction of
//! writing so that a text reads as another (<https://trojansource.codes>).

use std::borrow::Cow;

/// Returns whether a character is invisible, or makes others look different.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}'
        )
}

/// A text as one line, with everything hidden escaped: `a\nb`, `a\u{202e}b`.
pub fn visible(text: &str) -> Cow<'_, str> {
    shown(text, |_| None)
}

/// A text of several lines for a terminal. Only line breaks and tabs move the cursor. Colour sequences
/// are kept if the text is `coloured`.
pub fn printable(text: &str, coloured: bool) -> Cow<'_, str> {
    shown(text, |rest| match rest.as_bytes() {
        [b'\n' | b'\t', ..] => Some(1),
        [0x1b, b'[', rest @ ..] if coloured => {
            // https://ecma-international.org/publications-and-standards/standards/ecma-48/: SGR
            let length = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
            (rest.get(length) == Some(&b'm')).then_some(length + 3)
        }
        _ => None,
    })
}

/// Escapes the hidden characters of a text. `kept` returns how many bytes at a position stay unescaped.
fn shown(text: &str, kept: impl Fn(&str) -> Option<usize>) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match kept(rest) {
            Some(length) => {
                shown.push_str(rest.get(..length).unwrap_or_default());
                length
            }
            None if is_hidden(character) => {
                shown.extend(character.escape_default());
                character.len_utf8()
            }
            None => {
                shown.push(character);
                character.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    shown.into()
}

/// Escapes the hidden characters of a JSON document. Except for line breaks, they can only be in strings.
pub fn visible_json(text: String) -> String {
    let hidden = |character| character != '\n' && is_hidden(character);
    if !text.contains(hidden) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !hidden(character) {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{printable, visible, visible_json};

    #[test]
    fn invisible_characters_are_shown() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\nd\u{9b}"), "a\\u{1b}[2Jb\\u{202e}c\\nd\\u{9b}");
        assert_eq!(visible("größer → 5 µs ⚠️ 日本"), "größer → 5 µs ⚠️ 日本");
    }

    #[test]
    fn only_line_breaks_and_colours_reach_a_terminal() {
        let text = "\u{1b}[1;31mred\u{1b}[0m\n\ta\u{1b}[2J\u{1b}]0;title\u{7}\r\u{2066}b";
        let shown = "red\n\ta\\u{1b}[2J\\u{1b}]0;title\\u{7}\\r\\u{2066}b";
        assert_eq!(
            printable(text, true),
            format!("\u{1b}[1;31m{}", shown.replacen("red", "red\u{1b}[0m", 1))
        );
        assert_eq!(
            printable(text, false),
            format!("\\u{{1b}}[1;31m{}", shown.replacen("red", "red\\u{1b}[0m", 1))
        );
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{e0041}", "\u{7f}\u{feff}"] });
        let text = visible_json(format!("{value:#}"));
        assert!(text.contains("\\u202e") && text.contains("\\udb40\\udc41"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }
}
