//! Text from stacks and from AWS, made harmless for the format that it is put into.

use std::borrow::Cow;

use crate::diag::github::harmless_json;
use crate::diag::visible_json;
use crate::plan::review::visible;

/// For the text and the quoted attributes of HTML and XML. What cannot be seen is shown.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML has no such characters.
            '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// For HTML within Markdown: a run of backticks begins no code either.
pub(super) fn html_in_markdown(text: &str) -> String {
    html(text).replace('`', "&#96;")
}

/// A span of code in Markdown: no notation, mention or reference in it is one. Its fence
/// is longer than any in the text, so that nothing ends it
/// (<https://spec.commonmark.org/0.31.2/#code-spans>).
pub fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return "`\u{FFFD}`".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let inner = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let space = if inner { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A block of code in Markdown, of whole lines.
pub fn fenced(language: &str, lines: &str) -> String {
    let fence = "`".repeat((longest_run(lines) + 1).max(3));
    format!("{fence}{language}\n{lines}{fence}\n")
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// For the quoted label of a node in Mermaid
/// (<https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters>).
pub(super) fn mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | ' '
            | '.'
            | '_'
            | '-'
            | '/'
            | ':'
            | '['
            | ']'
            | '±'
            | '~'
            | '+' => {
                escaped.push(character);
            }
            other => {
                let _ = std::fmt::Write::write_fmt(&mut escaped, format_args!("#{};", other as u32));
            }
        }
    }
    escaped
}

/// JSON with characters that cannot be seen escaped, and with no command of a CI system: both
/// stand in its texts alone.
pub(super) fn json(json: serde_json::Value) -> String {
    // The same text, were it to fail; slower.
    let mut text = serde_json::to_string_pretty(&json).unwrap_or_else(|_| format!("{json:#}"));
    drop(json);
    text.push('\n');
    seen(text)
}

/// The same on one line, without its break.
pub fn json_line(json: &serde_json::Value) -> String {
    seen(json.to_string())
}

/// What is hidden, and what would command, escaped.
fn seen(text: String) -> String {
    let text = match harmless_json(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(harmless) => harmless,
    };
    visible_json(text)
}

#[cfg(test)]
mod tests {
    use super::{code, fenced, html, mermaid};

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(html("<a href='x'>&\"\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\n");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(" "), "`\u{fffd}`");
        assert_eq!(fenced("diff", "```\n"), "````diff\n```\n````\n");
        assert_eq!(mermaid("a[\"b\"]<%%{"), "a[#34;b#34;]#60;#37;#37;#123;");
    }
}
