//! The errors if no plan could be made, in each format, so that no reader mistakes an older file
//! for this run's plan.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::escape::{self, html};
use super::markdown::{LIMIT, made};
use super::{Format, Provenance, fenced};
use crate::diag::{Diagnostic, Severity, Sources, first_diagnostics, render};
use crate::plan::review::{brief, visible};

/// Longest text of one error.
const LONGEST_ERROR: usize = 4_000;
/// The room that is kept free within Markdown's limit.
const RESERVE: usize = 2_000;

/// A plan that could not be made.
pub struct Refusal<'r> {
    /// The verb: `plan`, `drift`, `diff`.
    pub verb: &'r str,
    /// The outcome in a word: `refused`, `invalid`.
    pub outcome: &'r str,
    /// The errors.
    pub problems: &'r [Diagnostic],
    /// The files that the errors refer to.
    pub sources: &'r Sources,
    /// Where the plan was attempted, in CI.
    pub provenance: Option<Provenance>,
}

impl Refusal<'_> {
    /// Renders the errors in a format, ending in a newline.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => format!("{}.\n\n{}", self.heading(), self.errors().join("\n")),
            Format::Markdown => self.markdown(),
            Format::Json => self.json(),
            Format::Html => self.html(),
            Format::Sarif => self.sarif(),
            Format::Junit => self.junit(),
            Format::Mermaid => {
                format!("flowchart LR\n  none[\"{}\"]\n", escape::mermaid(&self.heading()))
            }
        }
    }

    fn heading(&self) -> String {
        let Self { verb, outcome, .. } = self;
        format!("There is no {verb}: {outcome}")
    }

    /// Each error as a terminal shows it, ending in a newline.
    fn errors(&self) -> Vec<String> {
        let shown = first_diagnostics(self.problems).into_iter().map(|one| {
            let text = render(&one, self.sources, false);
            let lines = brief(text.trim_end(), LONGEST_ERROR);
            lines.lines().map(|line| format!("{}\n", visible(line))).collect()
        });
        shown.collect()
    }

    fn markdown(&self) -> String {
        let Self { verb, outcome, .. } = self;
        let mut text = format!("### dwctl {verb} · {outcome}\n\n");
        if let Some(provenance) = &self.provenance {
            let _ = writeln!(text, "{}\n", made(provenance, None));
        }
        let _ = writeln!(text, "> [!CAUTION]\n> There is no {verb}. Nothing was changed.\n");
        for lines in self.errors() {
            let block = fenced("text", &lines);
            if text.len() + block.len() + RESERVE > LIMIT {
                text.push_str("… more errors are in the log.\n");
                break;
            }
            let _ = writeln!(text, "{block}");
        }
        text
    }

    /// Terraform's plan after an error, with diagnostics as in its `validate -json`
    /// (<https://developer.hashicorp.com/terraform/internals/json-format>).
    fn json(&self) -> String {
        let diagnostics: Vec<Json> = first_diagnostics(self.problems)
            .iter()
            .map(|one| {
                let severity = match one.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                let detail = one.notes.iter().chain(&one.helps).map(|words| visible(words));
                let place = one.primary.as_ref().map(|label| {
                    let (line, column) = (self.sources.line(label.span), self.sources.column(label.span));
                    json!({
                        "filename": visible(&self.sources.path(label.span.file).display().to_string()),
                        "start": { "line": line, "column": column },
                    })
                });
                json!({
                    "severity": severity,
                    "summary": visible(&one.message),
                    "detail": detail.collect::<Vec<_>>().join("\n"),
                    "range": place,
                    "dwctl": { "code": one.code },
                })
            })
            .collect();
        escape::json(json!({
            "format_version": "1.2",
            "errored": true,
            "resource_changes": [],
            "diagnostics": diagnostics,
            "dwctl": { "verb": self.verb, "outcome": self.outcome },
        }))
    }

    fn html(&self) -> String {
        let heading = html(&self.heading());
        let mut text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; \
             form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{heading}</title>\n</head>\n<body>\n<h1>{heading}</h1>\n<p>Nothing was changed.</p>\n"
        );
        for lines in self.errors() {
            // Lines are escaped one by one, because line breaks are not invisible characters here.
            let lines: Vec<String> = lines.lines().map(html).collect();
            let _ = writeln!(text, "<pre>{}</pre>", lines.join("\n"));
        }
        text.push_str("</body>\n</html>\n");
        text
    }

    /// A failed run without results, so that earlier findings stay open.
    fn sarif(&self) -> String {
        let notices: Vec<Json> = first_diagnostics(self.problems)
            .iter()
            .map(|one| {
                let level = if one.severity == Severity::Error { "error" } else { "warning" };
                let words: Vec<String> =
                    std::iter::once(&one.message).chain(&one.notes).map(|words| visible(words)).collect();
                json!({ "level": level, "message": { "text": words.join("; ") } })
            })
            .collect();
        escape::json(json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "dwctl", "semanticVersion": env!("CARGO_PKG_VERSION") } },
                "invocations": [{ "executionSuccessful": false, "toolExecutionNotifications": notices }],
                "results": [],
            }],
        }))
    }

    fn junit(&self) -> String {
        let name = html(&format!("dwctl {}", self.verb));
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\">\n  \
             <testsuite name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    \
             <testcase classname=\"dwctl\" name=\"{}\">\n",
            html(self.verb)
        );
        let lines: Vec<String> =
            self.errors().iter().flat_map(|one| one.lines().map(html).collect::<Vec<_>>()).collect();
        let _ =
            writeln!(text, "      <error message=\"{}\">{}</error>", html(&self.heading()), lines.join("\n"));
        text.push_str("    </testcase>\n  </testsuite>\n</testsuites>\n");
        text
    }
}
