//! Diagnostics as annotations of GitHub Actions. These are workflow commands in the log, which GitHub
//! shows at the lines of a pull request
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use super::{Diagnostic, Severity, Sources};

/// Renders a diagnostic as one workflow command, with its line break. File paths are relative to `root`,
/// the checkout, if the file is below it. Relative paths of `sources` are relative to `folder`.
pub fn annotation(diagnostic: &Diagnostic, sources: &Sources, root: &Path, folder: &Path) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(label) = &diagnostic.primary {
        let path = plain(&folder.join(sources.path(label.span.file)));
        let path = path.strip_prefix(plain(root)).map(Path::to_path_buf).unwrap_or(path);
        properties.push(format!("file={}", property(&path.to_string_lossy())));
        properties.push(format!("line={}", sources.line(label.span)));
        properties.push(format!("col={}", sources.column(label.span)));
    }
    properties.push(format!("title={}", property(diagnostic.code)));
    let label = diagnostic.primary.iter().map(|label| label.text.as_str()).filter(|text| !text.is_empty());
    let lines: Vec<Cow<'_, str>> = std::iter::once(diagnostic.message.as_str().into())
        .chain(label.map(Cow::from))
        .chain(diagnostic.notes.iter().map(|note| format!("note: {note}").into()))
        .chain(diagnostic.helps.iter().map(|help| format!("help: {help}").into()))
        .collect();
    let mut words = lines.join("\n");
    if let Some((end, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(end);
        words.push('…');
    }
    format!("::{command} {}::{}\n", properties.join(","), data(&words))
}

/// Longest message of an annotation. The runner truncates at 4,096 characters
/// (`_maxIssueMessageLength` in
/// <https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs>).
const LONGEST: usize = 4_000;

/// The line that opens a group. The log folds the group, up to [`END_GROUP`].
pub fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// The line that ends a group.
pub const END_GROUP: &str = "::endgroup::";

/// Escapes the workflow commands in a text: `\::error::x`, `#\#[error]x`. Otherwise text from the stack or
/// from AWS could set environment variables, or hide the log lines after it. Each line is escaped by
/// itself: `::stop-commands::` applies to stdout and stderr together, and the runner reads them in no
/// fixed order.
///
/// The runner looks for `::` at the start of a line and for `##[` anywhere. Both comparisons follow
/// the rules of a language, which ignore invisible characters (`TryParseV2` and `TryParse` in
/// <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>).
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(['#', ':']) {
        return text.into();
    }
    let mut harmless = String::with_capacity(text.len() + 2);
    let mut start = true;
    for (at, character) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if start && character == ':' && begins(rest, "::") {
            harmless.push('\\');
        }
        let passed = character.is_whitespace() || is_ignored_by_runner(character);
        start = matches!(character, '\n' | '\r') || (start && passed);
        harmless.push(character);
        if character == '#' && begins(rest, LEGACY) {
            harmless.push('\\');
        }
    }
    harmless.into()
}

/// Escapes the workflow commands in a JSON text, which stays equivalent JSON. In JSON, `##[` can only
/// be inside a string, and no line can start with `::`.
pub fn harmless_json(text: &str) -> Cow<'_, str> {
    if !text.contains('#') {
        return text.into();
    }
    let mut harmless = String::with_capacity(text.len() + 8);
    for (at, character) in text.char_indices() {
        if character == '#' && begins(text.get(at..).unwrap_or_default(), LEGACY) {
            harmless.push_str("\\u0023");
        } else {
            harmless.push(character);
        }
    }
    harmless.into()
}

/// Starts a command in the notation of Azure Pipelines, which the runner still accepts.
const LEGACY: &str = "##[";

/// Returns whether a text begins with `with`. Ignored characters in between do not count.
fn begins(text: &str, with: &str) -> bool {
    let mut rest = text.chars();
    with.chars()
        .all(|wanted| rest.by_ref().find(|&one| one == wanted || !is_ignored_by_runner(one)) == Some(wanted))
}

/// Returns whether the runner ignores a character before or inside a command. When in doubt it says yes:
/// the only cost is an extra `\` in the line.
fn is_ignored_by_runner(character: char) -> bool {
    let seen = character.is_ascii_graphic() || character.is_alphanumeric() || character.is_whitespace();
    // Blocks of symbols: arrows, lines, mathematics, punctuation such as the middle dot.
    let sign = matches!(character, '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{BF}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{2070}'..='\u{2BFF}' | '\u{3001}'..='\u{303F}' | '\u{FFFD}' | '\u{1F000}'..='\u{1FAFF}');
    !seen && !sign
}

/// Escapes the message after the second `::` of a command
/// (`escapeData` in <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).
fn data(text: &str) -> String {
    let line = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    harmless(&line).into_owned()
}

/// Escapes the value of a property (`escapeProperty` in the same file).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A path without `.` and, as far as possible without the file system, without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn an_error_has_its_line_and_a_path_relative_to_the_checkout() {
        let mut sources = Sources::default();
        let file = sources.add("../stacks/a,b:c/stack.toml", "[stack]\nname = 1\n");
        let error = Diagnostic::error("wrong-type", "100% wrong: a, b\r\n::error::forged")
            .at(Span::new(file, 15, 16), "a string, please")
            .note("AWS says:\nno")
            .help("write a string");
        let (root, folder) = (Path::new("/repo"), Path::new("/repo/tools"));
        assert_eq!(
            annotation(&error, &sources, root, folder),
            "::error file=stacks/a%2Cb%3Ac/stack.toml,line=2,col=8,title=wrong-type::100%25 wrong: a, \
             b%0D%0A::error::forged%0Aa string, please%0Anote: AWS says:%0Ano%0Ahelp: write a string\n"
        );
        // A file outside the checkout keeps its whole path.
        let annotation_text = annotation(&error, &sources, Path::new("/elsewhere"), folder);
        assert!(
            annotation_text.starts_with("::error file=/repo/stacks/a%2Cb%3Ac/stack.toml,line=2,"),
            "{annotation_text}"
        );
    }

    #[test]
    fn a_warning_without_a_place_has_a_title() {
        let warning = Diagnostic::warning("audit", "the audit file is not complete");
        assert_eq!(
            annotation(&warning, &Sources::default(), Path::new("/"), Path::new("/")),
            "::warning title=audit::the audit file is not complete\n"
        );
    }

    #[test]
    fn no_line_is_a_command() {
        assert_eq!(group("x ##[error]"), "::group::x #\\#[error]");
        for (text, expected) in [
            ("::error::x", "\\::error::x"),
            ("a\n \t::add-mask::x\n", "a\n \t\\::add-mask::x\n"),
            ("a\r::stop-commands::x", "a\r\\::stop-commands::x"),
            // Invisible characters do not hide that the command starts the line.
            ("\u{feff}::error::x", "\u{feff}\\::error::x"),
            ("\u{ad}:\u{200b}:error::x", "\u{ad}\\:\u{200b}:error::x"),
            ("\u{1b}\u{e0001}::error::x", "\u{1b}\u{e0001}\\::error::x"),
            ("x ##[error]y ##[group]z", "x #\\#[error]y #\\#[group]z"),
            ("###[error]", "##\\#[error]"),
            ("#\u{200d}#[error]", "#\\\u{200d}#[error]"),
            // These are no commands.
            ("a::b arn:aws:s3:::lake\n· ::x", "a::b arn:aws:s3:::lake\n· ::x"),
            (": :x\n# #[x]\n# Title", ": :x\n# #[x]\n# Title"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
            assert_eq!(harmless(&harmless(text)), expected, "once is enough: {text:?}");
        }
    }

    #[test]
    fn json_is_unchanged() {
        let json = serde_json::json!({ "##[a]": ["::b", "c\n::d", "###[e]", "#"] });
        for text in [format!("{json}"), format!("{json:#}")] {
            let harmless = harmless_json(&text);
            assert!(!harmless.contains("##["), "{harmless}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).unwrap(), json);
            assert_eq!(super::harmless(&harmless), harmless, "and no line is a command");
        }
    }

    #[test]
    fn escapes_survive_a_round_trip() {
        assert_eq!(data("%0A\n%"), "%250A%0A%25");
        assert_eq!(property("a,b:c%\r"), "a%2Cb%3Ac%25%0D");
        assert_eq!(group("100%\nof it"), "::group::100%25%0Aof it");
    }
}
