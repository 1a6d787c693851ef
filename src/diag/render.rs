//! Diagnostics as text, in the layout of `rustc` and `cargo`.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::excerpt::Excerpt;
use super::{Diagnostic, Label, Severity, Sources, Span, printable, visible};
use crate::limits;
use crate::lines::hang;

/// Longest line that an excerpt shows. A longer one (a minified file, a binary) is left out.
const LONGEST_EXCERPT_LINE: usize = 4_000;
/// Labels further apart than this many bytes get separate excerpts.
const LONGEST_EXCERPT: usize = 32_000;

/// Longest prefix of a note or help: `  = note: ` beside a line number.
const BEFORE: usize = 14;

impl Diagnostic {
    /// Wraps the texts to lines that fit a terminal. Without a terminal they stay unwrapped, so that
    /// programs can search them.
    #[must_use]
    fn fitted(mut self, width: usize) -> Self {
        let fill = |text: &str, before: usize| {
            let width = width.saturating_sub(before);
            let lines: Vec<_> = text.lines().map(|line| hang(line, 0, Some(width))).collect();
            lines.join("\n")
        };
        self.message = fill(&self.message, "warning[]: ".len() + self.code.len());
        for text in self.notes.iter_mut().chain(&mut self.helps) {
            *text = fill(text, BEFORE);
        }
        self
    }
}

/// Renders one diagnostic with its excerpts, coloured or plain, with a newline at the end. Known secrets
/// are redacted in the excerpts.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: bool) -> String {
    draw(diagnostic, sources, colour, None)
}

/// The same for a terminal of `width` columns: words are wrapped, and long source lines are trimmed.
pub fn render_fitted(diagnostic: &Diagnostic, sources: &Sources, colour: bool, width: usize) -> String {
    draw(&diagnostic.clone().fitted(width), sources, colour, Some(width))
}

fn draw(diagnostic: &Diagnostic, sources: &Sources, colour: bool, width: Option<usize>) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.clone().primary_title(printable(&diagnostic.message, false)).id(diagnostic.code);
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
        let path = visible(&sources.path(file).display().to_string()).into_owned();
        let spans = || labels.iter().map(|(_, label)| label.span);
        let start = spans().map(|span| span.start).min().unwrap_or_default();
        let end = spans().map(|span| span.end).max().unwrap_or_default();
        // Passes only the lines that the excerpt needs, since the renderer would scan the whole file for
        // each of its problems.
        if end.saturating_sub(start) <= LONGEST_EXCERPT
            && let Some(snippet) = excerpt(&labels, start, end, &path, sources)
        {
            group = group.elements(snippet);
            continue;
        }
        for one in labels.chunks(1) {
            let Some((_, label)) = one.first() else { continue };
            match excerpt(one, label.span.start, label.span.end, &path, sources) {
                Some(snippet) => group = group.elements(snippet),
                None => {
                    let words = if label.text.is_empty() { "" } else { ": " };
                    places.push(format!("in {}{words}{}", sources.location(label.span), label.text));
                }
            }
        }
    }
    for note in places.iter().chain(&diagnostic.notes) {
        group = group.element(Level::NOTE.message(printable(note, false)));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(printable(help, false)));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = width.map_or(renderer.clone(), |width| renderer.term_width(width));
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// An excerpt: the redacted lines of a file from byte `start` to byte `end`, with their labels. `None`
/// if one of the lines is too long to show.
fn excerpt<'s>(
    labels: &[(AnnotationKind, &'s Label)],
    start: usize,
    end: usize,
    path: &str,
    sources: &'s Sources,
) -> Option<Vec<Element<'s>>> {
    let (text, from, line) = sources.lines(labels.first()?.1.span.file, start, end)?;
    let fits = |one: &str| one.len() <= LONGEST_EXCERPT_LINE;
    if text.is_empty() || !text.split('\n').all(fits) {
        return None;
    }
    let excerpt = Excerpt::of(text);
    let mut annotations: Vec<Annotation<'s>> = Vec::new();
    let mut moved = None;
    for (kind, label) in labels {
        let (start, end) = (label.span.start.checked_sub(from)?, label.span.end.checked_sub(from)?);
        // A span that splits a character cannot be marked.
        text.get(start..end)?;
        let place = excerpt.place(start..end);
        if *kind == AnnotationKind::Primary || labels.len() == 1 {
            moved = Some(label.span).filter(|span| is_moved(sources, *span, &excerpt.text, place.start));
        }
        annotations.push(kind.span(place).label(printable(&label.text, false)));
    }
    let path = path.to_owned();
    let snippet = Snippet::source(excerpt.text).line_start(line).annotations(annotations);
    // A secret before it in the same line shifts its column in the excerpt.
    Some(match moved {
        Some(span) => {
            let origin = Origin::path(path).line(sources.line(span)).char_column(sources.column(span));
            vec![origin.into(), snippet.into()]
        }
        None => vec![snippet.path(path).into()],
    })
}

/// Selects the diagnostics to show: the first errors by place, then warnings as far as there is room. Adds
/// how many more there are of each.
pub fn first_diagnostics(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut ordered: Vec<&Diagnostic> = diagnostics.iter().collect();
    ordered
        .sort_by_key(|diagnostic| (diagnostic.severity, diagnostic.primary.as_ref().map(|label| label.span)));
    let left = ordered.split_off(ordered.len().min(limits::DIAGNOSTICS));
    ordered.sort_by_key(|diagnostic| diagnostic.primary.as_ref().map(|label| label.span));
    let mut first: Vec<Diagnostic> = ordered.into_iter().cloned().collect();
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let count = left.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        if count > 0 {
            let noun = if count == 1 { format!("{word} is") } else { format!("{word}s are") };
            let what = format!("{count} more {noun} not shown");
            first.push(Diagnostic { severity, ..Diagnostic::error("more", what) });
        }
    }
    first
}

/// Renders the diagnostics that [`first_diagnostics`] selects, with one blank line between them.
pub fn render_all(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in first_diagnostics(diagnostics) {
        text.push_str(&render(&diagnostic, sources, colour));
        text.push('\n');
    }
    text
}

fn is_moved(sources: &Sources, span: Span, text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default().chars().count() + 1 != sources.column(span)
}

#[cfg(test)]
mod tests {
    use super::{render, render_all, render_fitted};
    use crate::diag::{Diagnostic, Sources, Span};
    use crate::limits::DIAGNOSTICS;

    #[test]
    fn the_first_errors_are_shown_and_the_rest_counted() {
        let mut sources = Sources::default();
        let text: String = (0..20_000).map(|number| format!("a{number} = 1\n")).collect();
        let file = sources.add("stack.toml", text.as_str());
        let places = text.match_indices(" = ").map(|(at, _)| Span::new(file, at, at + 3));
        let mut all: Vec<Diagnostic> =
            places.map(|span| Diagnostic::error("wrong", "no").at(span, "here")).collect();
        all.reverse();
        all.push(Diagnostic::warning("odd", "hm"));
        let shown = render_all(&all, &sources, false);
        assert_eq!(shown.matches("error[wrong]").count(), DIAGNOSTICS, "{shown}");
        assert!(shown.contains("--> stack.toml:1:3\n") && shown.contains("50 | a49 = 1\n"), "{shown}");
        assert!(shown.contains("19950 more errors are not shown"), "{shown}");
        assert!(shown.contains("1 more warning is not shown"), "{shown}");
    }

    #[test]
    fn a_long_line_is_trimmed_to_a_terminal() {
        let line = format!("{}wrong{}\n", "before ".repeat(30), " after".repeat(30));
        let mut sources = Sources::default();
        let file = sources.add("stack.toml", line.clone());
        let at = line.find("wrong").expect("the word");
        let error = Diagnostic::error("wrong", "no").at(Span::new(file, at, at + 5), "here");
        let shown = render_fitted(&error, &sources, false, 80);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert!(shown.contains("wrong") && shown.contains("^^^^^ here"), "{shown}");
    }

    #[test]
    fn words_fit_a_terminal() {
        let words = "a sentence of several words that goes on beyond what a terminal shows in one line";
        let mut sources = Sources::default();
        let file = sources.add("stack.toml", "a = 1\n".repeat(2_000));
        let error = Diagnostic::error("unknown-attribute", words).at(Span::new(file, 6_000, 6_001), "here");
        let error = error.note(words).help(words).help("short");
        for width in [72, 80, 100] {
            let shown = render_fitted(&error, &sources, false, width);
            assert!(shown.lines().all(|line| line.chars().count() <= width), "{width}: {shown}");
            let plain =
                |text: &str| text.replace(['=', '|'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plain(&shown), plain(&render(&error, &sources, false)), "{shown}");
        }
        assert_eq!(render_fitted(&error, &sources, false, 200), render(&error, &sources, false));
    }

    #[test]
    fn an_excerpt_does_not_depend_on_its_position_in_the_file() {
        let lines = "[a]\nb = 1\n\nc = \"x\"\n\n\nd = 2";
        let mut shown = Vec::new();
        for before in [0, 1, 5_000] {
            let mut sources = Sources::default();
            let text = format!("{}{lines}", "#\n".repeat(before));
            let file = sources.add("stack.toml", text.as_str());
            let at = |word: &str| {
                let start = text.rfind(word).expect("there");
                Span::new(file, start, start + word.len())
            };
            let end = Span::new(file, text.len(), text.len());
            let error = Diagnostic::error("wrong", "no").at(at("c = \"x\"\n"), "here").and(at("b"), "there");
            let text =
                render(&error, &sources, false) + &render(&error.clone().at(end, "end"), &sources, false);
            let plain = |line: &str| {
                line.trim_start_matches([' ', '0', '5', '1', '2', '3', '4', '6', '7', '8', '9']).to_owned()
            };
            shown.push(text.lines().map(plain).filter(|line| !line.starts_with("-->")).collect::<Vec<_>>());
        }
        assert_eq!(shown[0], shown[1]);
        assert_eq!(shown[0], shown[2]);
    }

    #[test]
    fn places_in_long_lines_and_far_apart_are_shown() {
        let mut sources = Sources::default();
        let text = format!("a = 1\n{}\nb = \"{}\"\n", "#\n".repeat(100_000), "x".repeat(10_000_000));
        let file = sources.add("stack.toml", text.as_str());
        let at = text.rfind("xx").expect("there");
        let error = Diagnostic::error("wrong", "no").at(Span::new(file, at, at + 2), "here");
        let shown = render(&error.and(Span::new(file, 0, 1), "there"), &sources, false);
        assert!(shown.contains("1 | a = 1") && shown.contains("there"), "{shown}");
        assert!(shown.contains("in stack.toml:100003:10000004: here"), "{shown}");
    }
}
