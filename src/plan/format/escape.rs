//! Escapes text from stacks and from AWS for each format.

use std::borrow::Cow;

use crate::diag::github::harmless_json;
use crate::diag::visible_json;
use crate::plan::review::visible;

/// Escapes for text and quoted attributes of HTML and XML. Invisible characters become visible.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML does not allow these characters.
            '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes for HTML within Markdown, where backticks must not start code either.
pub(super) fn html_in_markdown(text: &str) -> String {
    html(text).replace('`', "&#96;")
}

/// A code span in Markdown, in which there is no notation, mention or reference. Its fence is
/// longer than any run of backticks in the text, so nothing can end it early
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

/// A code block of whole lines in Markdown.
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

/// Escapes for the quoted label of a Mermaid node
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

/// Writes JSON with invisible characters and commands of CI systems escaped; both can only appear
/// in its strings.
pub(super) fn json(json: serde_json::Value) -> String {
    // If this fails, the other way writes the same text, but slower.
    let mut text = serde_json::to_string_pretty(&json).unwrap_or_else(|_| format!("{json:#}"));
    drop(json);
    text.push('\n');
    seen(text)
}

/// Does the same on one line, without a line break.
pub fn json_line(json: &serde_json::Value) -> String {
    seen(json.to_string())
}

/// Escapes invisible characters and commands of CI systems.
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
    fn values_cannot_break_out_of_their_markup() {
        assert_eq!(html("<a href='x'>&\"\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\n");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(" "), "`\u{fffd}`");
        assert_eq!(fenced("diff", "```\n"), "````diff\n```\n````\n");
        assert_eq!(mermaid("a[\"b\"]<%%{"), "a[#34;b#34;]#60;#37;#37;#123;");
    }
}
