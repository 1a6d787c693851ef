//! `--output markdown=FILE` of `apply` and `destroy`: reports what was done, for the summary of a job or
//! a comment. It is written however the work ends.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::progress::seconds;
use super::totals::totals;
use super::{Exit, Failure, StackArgs, files, formats, provenance};
use crate::apply::{Event, Step, Summary, Unit};
use crate::diag::{Diagnostic, Sources, render};
use crate::plan::Plan;
use crate::plan::format::{MARKDOWN_LIMIT, code, fenced, made};
use crate::plan::review::{brief, visible};

/// Maximum length of one error.
const LONGEST_ERROR: usize = 4_000;
/// Maximum length of a name or id.
const LONGEST: usize = 300;
/// Space reserved for the text after a truncated list.
const RESERVE: usize = 2_000;

/// The files of the report, and its content so far.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct RecordArgs {
    /// Writes what was done to a file, as markdown=FILE; appends to "$GITHUB_STEP_SUMMARY". May be
    /// repeated.
    #[arg(long, value_name = "markdown=FILE", value_parser = output, help_heading = "Output")]
    output: Vec<PathBuf>,

    #[arg(skip)]
    progress: Rc<RefCell<Progress>>,
}

/// The content of the report.
#[derive(Debug, Default)]
struct Progress {
    done: Vec<(Unit, String, Duration)>,
    /// The stack, its account and region, and when it was planned.
    title: Option<(String, String, Option<jiff::Timestamp>)>,
    summary: Option<Summary>,
}

/// `markdown=FILE`.
fn output(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        Some(("markdown", file)) if !file.is_empty() => Ok(PathBuf::from(file)),
        Some(("markdown", _)) => Err("the file has no name".to_owned()),
        _ => {
            Err("write markdown=FILE; `dwctl plan --output` writes a plan in the other formats, and --json prints events"
                .to_owned())
        }
    }
}

impl RecordArgs {
    /// Refuses to overwrite the files that the stack is read from.
    pub(super) fn guard(&self, stack: &StackArgs) -> Result<(), Failure> {
        let written: Vec<&Path> = self.output.iter().map(PathBuf::as_path).collect();
        let read: Vec<&Path> = stack.var_file.iter().map(PathBuf::as_path).collect();
        Ok(files::guard(&written, &[&stack.stack], &read)?)
    }

    /// Records the plan that is applied.
    pub(super) fn begins(&self, plan: &Plan) {
        let place = plan.account_id.as_ref().map_or_else(String::new, |id| format!("account {id} · "));
        let title = (format!("{}/{}", plan.stack, plan.env), format!("{place}{}", plan.region), plan.now);
        self.progress.borrow_mut().title = Some(title);
    }

    /// Records an event.
    pub(super) fn sees(&self, event: &Event) {
        if let Event::Done { unit, id, elapsed } = event
            && !self.output.is_empty()
        {
            self.progress.borrow_mut().done.push((unit.clone(), id.clone(), *elapsed));
        }
    }

    /// Records how the apply ended.
    pub(super) fn ends(&self, summary: &Summary) {
        if !self.output.is_empty() {
            self.progress.borrow_mut().summary = Some(summary.clone());
        }
    }

    /// Writes the report, and returns the outcome of the work. A failure to write is an additional error.
    pub(super) fn write(&self, verb: &str, outcome: Result<Exit, Failure>) -> Result<Exit, Failure> {
        if self.output.is_empty() {
            return outcome;
        }
        let (none, nowhere) = (Vec::new(), Sources::default());
        let (exit, problems, sources) = match &outcome {
            Ok(exit) => (*exit, &none, &nowhere),
            Err(failure) => (failure.exit, &failure.diagnostics, &failure.sources),
        };
        let text = self.progress.borrow().text(verb, exit, problems, sources);
        let mut unwritten = Vec::new();
        for path in &self.output {
            if let Err(error) = formats::put(path, &text) {
                let what = format!("cannot write {}", path.display());
                let note = "the lines above and the ledger show what was done";
                unwritten.push(Diagnostic::error("unwritable", what).note(error.to_string()).note(note));
            }
        }
        match outcome {
            outcome if unwritten.is_empty() => outcome,
            Ok(_) => Err(Failure::new(Exit::Error, unwritten, Sources::default())),
            Err(mut failure) => {
                failure.diagnostics.extend(unwritten);
                Err(failure)
            }
        }
    }
}

impl Progress {
    fn text(&self, verb: &str, exit: Exit, problems: &[Diagnostic], sources: &Sources) -> String {
        let mut text = String::new();
        let title = self.title.as_ref().map_or_else(String::new, |(title, ..)| code(&brief(title, LONGEST)));
        let _ = writeln!(text, "### dwctl {verb} {title} · {}\n", self.outcome(exit));
        if let Some((_, place, _)) = &self.title {
            let _ = writeln!(text, "{}\n", code(&brief(place, LONGEST)));
        }
        if let Some(provenance) = provenance::of_environment() {
            let now = self.title.as_ref().and_then(|(.., now)| *now);
            let _ = writeln!(text, "{}\n", made(&provenance, now));
        }
        let alert = match exit {
            Exit::Done | Exit::Changes | Exit::Drift => None,
            Exit::Interrupted => {
                Some("Interrupted. The ledger records what was done; run it again to continue.")
            }
            _ if self.summary.is_some() => {
                Some("Not everything was done. The ledger records what was; run it again to continue.")
            }
            _ => Some("Nothing was changed."),
        };
        if let Some(alert) = alert {
            let _ = writeln!(text, "> [!CAUTION]\n> {alert}\n");
        }
        for problem in problems {
            let rendered = render(problem, sources, false);
            let lines: String = brief(rendered.trim_end(), LONGEST_ERROR)
                .lines()
                .map(|line| format!("{}\n", visible(line)))
                .collect();
            let block = fenced("text", &lines);
            if text.len() + block.len() + RESERVE > MARKDOWN_LIMIT {
                text.push_str("… more errors are in the log.\n\n");
                break;
            }
            let _ = writeln!(text, "{block}");
        }
        let checks = self.summary.iter().flat_map(|summary| &summary.warnings);
        let checks = checks.map(|one| format!("- {}", visible(&brief(&one.message, LONGEST_ERROR))));
        list(&mut text, "Checks that are not met", checks.collect());
        let skipped = self.summary.iter().flat_map(|summary| &summary.skipped);
        let skipped = skipped.map(|(address, because)| match because {
            Some(because) => format!("- {}, which needs {}", name(address), name(because)),
            None => format!("- {}", name(address)),
        });
        list(&mut text, "Skipped", skipped.collect());
        let done = self.done.iter().map(|(unit, id, elapsed)| {
            let sign = match unit.step {
                Step::Create => '+',
                Step::Destroy => '-',
                Step::Forget => '.',
                Step::Update | Step::Complete | Step::Release => '~',
            };
            let id =
                if id.is_empty() { String::new() } else { format!(" · id {}", code(&brief(id, LONGEST))) };
            let (address, did) = (name(&unit.address), unit.step.did());
            format!("- `{sign}` {address} {did} in {}{id}", seconds(*elapsed))
        });
        list(&mut text, "Done", done.collect());
        text
    }

    fn outcome(&self, exit: Exit) -> String {
        match &self.summary {
            Some(summary) if !self.done.is_empty() || !summary.failures.is_empty() => totals(summary),
            Some(_) => "nothing to do".to_owned(),
            None if exit == Exit::Refused => "refused".to_owned(),
            None if exit == Exit::Interrupted => "interrupted".to_owned(),
            None => "failed".to_owned(),
        }
    }
}

fn name(address: &crate::graph::Address) -> String {
    code(&brief(&visible(&address.to_string()), LONGEST))
}

/// Adds a list with its heading, as far as there is room.
fn list(text: &mut String, heading: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "**{heading}**\n");
    for (place, line) in lines.iter().enumerate() {
        if text.len() + line.len() + RESERVE / 2 > MARKDOWN_LIMIT {
            let _ = writeln!(text, "- … {} more", lines.len() - place);
            break;
        }
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Progress, output};
    use crate::apply::{Step, Summary, Unit};
    use crate::cli::Exit;
    use crate::diag::{Diagnostic, Sources};
    use crate::plan::format::MARKDOWN_LIMIT;

    fn unit(place: usize, step: Step) -> Unit {
        let address = format!("sns_topic.t[\"`<b>{place}\"]").parse().expect("an address");
        Unit { address, step, deposed: None }
    }

    #[test]
    fn only_markdown_is_written() {
        assert_eq!(output("markdown=a.md"), Ok("a.md".into()));
        assert!(output("json=a").is_err() && output("markdown=").is_err() && output("a.md").is_err());
    }

    #[test]
    fn the_report_fits_and_escapes_its_content() {
        let skipped = [("sns_topic.b".parse().expect("an address"), None)].into();
        let summary = Summary { created: 3_000, skipped, ..Summary::default() };
        let done =
            (0..3_000).map(|place| (unit(place, Step::Create), "x".repeat(90), Duration::from_secs(1)));
        let progress = Progress {
            done: done.collect(),
            title: Some(("shop/`x`".to_owned(), "account 1 · us-east-1".to_owned(), None)),
            summary: Some(summary),
        };
        let problem = Diagnostic::error("failed", "```\n# <script>alert(1)</script>").note("request id 1");
        let text = progress.text("apply", Exit::Error, &[problem], &Sources::default());
        assert!(text.len() <= MARKDOWN_LIMIT, "{}", text.len());
        assert!(text.contains("more\n") && text.contains("**Skipped**\n\n- `sns_topic.b`\n"), "{text}");
        assert!(text.contains("````text\n") && text.contains("request id 1"), "{text}");
        assert!(text.contains("- `+` ``sns_topic.t[\"`<b>0\"]`` created in 1.0 s"), "{text}");
    }

    #[test]
    fn a_refusal_says_that_nothing_was_changed() {
        let problem = Diagnostic::error("stale-plan", "the plan does not fit any more");
        let text = Progress::default().text("apply", Exit::Refused, &[problem], &Sources::default());
        assert!(
            text.starts_with("### dwctl apply  · refused\n") && text.contains("Nothing was changed."),
            "{text}"
        );
    }
}
