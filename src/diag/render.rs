//! Diagnostics as text, in the layout of `rustc` and `cargo`.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Sources};

/// Longest line that an excerpt shows; a longer one (a minified file, a binary) is left out.
const LONGEST_EXCERPT_LINE: usize = 4_000;

/// One diagnostic with its excerpts, coloured or plain, ending in a newline.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.clone().primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);

    let labels = diagnostic
        .primary
        .iter()
        .map(|label| (AnnotationKind::Primary, label))
        .chain(diagnostic.secondary.iter().map(|label| (AnnotationKind::Context, label)));
    let mut files: Vec<(super::FileId, Vec<_>)> = Vec::new();
    for (kind, label) in labels {
        match files.iter_mut().find(|(file, _)| *file == label.span.file) {
            Some((_, of_file)) => of_file.push((kind, label)),
            None => files.push((label.span.file, vec![(kind, label)])),
        }
    }
    let mut places = Vec::new();
    for (file, labels) in files {
        let text = sources.text(file);
        let path = sources.path(file).display().to_string();
        let excerptable = labels.iter().all(|(_, label)| {
            text.get(label.span.start..label.span.end).is_some()
                && line_length(text, label.span.start) <= LONGEST_EXCERPT_LINE
        });
        if !excerptable || text.is_empty() {
            places.push(format!("in {path}"));
            continue;
        }
        let snippet = Snippet::source(text).path(path).annotations(
            labels
                .into_iter()
                .map(|(kind, label)| kind.span(label.span.start..label.span.end).label(label.text.as_str())),
        );
        group = group.element(snippet);
    }
    for note in places.iter().chain(&diagnostic.notes) {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// All diagnostics in order of place, one blank line between them, with the count at the end.
pub fn render_all(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let mut ordered: Vec<&Diagnostic> = diagnostics.iter().collect();
    ordered.sort_by_key(|diagnostic| diagnostic.primary.as_ref().map(|label| label.span));
    let mut text = String::new();
    for diagnostic in ordered {
        text.push_str(&render(diagnostic, sources, colour));
        text.push('\n');
    }
    text
}

fn line_length(text: &str, at: usize) -> usize {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[at..].find('\n').map_or(text.len(), |newline| at + newline) - start
}
