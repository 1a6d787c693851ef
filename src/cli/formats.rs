//! `--format`, `--output` and `--since`: a plan in several formats in one run.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::files::{self, Readers};
use super::printer::Printer;
use super::provenance;
use super::{AwsArgs, Exit, Failure, Outcome, SelectArgs, StackArgs};
use crate::diag::Diagnostic;
use crate::files::read_given;
use crate::limits;
use crate::plan::format::{Format, Options, Refusal, render};
use crate::plan::review::Review;
use crate::plan::since::Snapshot;
use crate::plan::{Plan, TextOptions, needed};

/// The output formats of a plan.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct FormatArgs {
    /// Format to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,

    /// Also writes it to a file, such as markdown=plan.md; may be repeated.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output, help_heading = "Output")]
    output: Vec<(Format, PathBuf)>,

    /// Lists first what changed since the plan whose JSON is in this file.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    since: Option<PathBuf>,
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// How a shown plan can be applied.
pub(super) enum Apply {
    /// It cannot be applied.
    Never,
    /// This command plans again, and applies the new plan.
    Again(String),
    /// This command applies exactly the plan shown.
    Saved(String),
}

/// `FORMAT=FILE`.
fn output(text: &str) -> Result<(Format, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write FORMAT=FILE, such as markdown=plan.md")?;
    let format = Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let known = Format::ALL.map(Format::name).join(", ");
        format!("there is no format `{name}`; the formats are {known}")
    })?;
    if file.is_empty() {
        return Err("the file has no name".to_owned());
    }
    Ok((format, PathBuf::from(file)))
}

impl FormatArgs {
    /// Returns whether the plan is only shown as text on the terminal.
    pub(super) fn is_plain(&self) -> bool {
        self.format == Format::Text && self.output.is_empty() && self.since.is_none()
    }

    /// Refuses output files that must not be written, before anything else happens: see [`files::guard`].
    /// `out` is another file that is written.
    pub(super) fn guard(
        &self,
        out: Option<&PathBuf>,
        stacks: &[&Path],
        read: &[PathBuf],
    ) -> Result<(), Failure> {
        let written: Vec<&Path> =
            self.output.iter().map(|(_, path)| path).chain(out).map(PathBuf::as_path).collect();
        let read: Vec<&Path> = read.iter().map(PathBuf::as_path).collect();
        Ok(files::guard(&written, stacks, &read)?)
    }

    /// The plan of `--since`, read before anything else happens.
    pub(super) fn earlier(&self) -> Result<Option<Snapshot>, Failure> {
        let Some(path) = &self.since else { return Ok(None) };
        let unreadable = |reason: String| {
            Diagnostic::error("unreadable-plan", format!("--since cannot use {}", path.display()))
                .note(reason)
                .help("give the file that --output json=FILE wrote; omit --since the first time")
        };
        let text = read_given(path, limits::PLAN)
            .map_err(|refusal| unreadable(refusal.describe(&path.display().to_string())))?;
        let text = String::from_utf8(text).map_err(|error| unreadable(error.to_string()))?;
        if Snapshot::is_of_errors(&text) {
            return Ok(None);
        }
        Ok(Some(Snapshot::parse(&text).map_err(unreadable)?))
    }

    /// Returns the outcome of the work. If there is no plan, writes the errors into the output files,
    /// since an older plan left there would be taken for the current one.
    pub(super) fn or_errors(&self, verb: &str, outcome: Outcome) -> Outcome {
        let mut failure = match outcome {
            Err(failure) if failure.exit != Exit::Interrupted && !self.output.is_empty() => failure,
            outcome => return outcome,
        };
        // The failure already says that the files cannot be written.
        if failure.diagnostics.iter().any(|one| one.code == "unwritable") {
            return Err(failure);
        }
        let outcome = match failure.exit {
            Exit::Refused => "refused",
            Exit::Invalid => "the stack is not valid",
            Exit::Locked => "the ledger is locked",
            _ => "failed",
        };
        let (problems, sources, provenance) =
            (&failure.diagnostics, &failure.sources, provenance::of_environment());
        let refusal = Refusal { verb, outcome, problems, sources, provenance };
        let mut unwritten = Vec::new();
        for (format, path) in &self.output {
            if let Err(error) = put(path, &refusal.render(*format)) {
                unwritten.push(unwritable(path, &error));
            }
        }
        failure.diagnostics.extend(unwritten);
        Err(failure)
    }

    /// Shows the plan, redacted, in all requested formats.
    pub(super) fn show(
        &self,
        mut plan: Plan,
        text: TextOptions,
        since: Option<Snapshot>,
        apply: Apply,
        printer: &Printer,
    ) -> Result<(), Failure> {
        if let Some(earlier) = &since {
            let review = Review::new(&plan, text.drift);
            let (was, is) = ((earlier.verb, &earlier.title), (review.verb(), &review.title()));
            if was != is {
                let describe = |(verb, title): (&str, &String)| format!("a {verb} of {title}");
                let what = format!("--since is {}", describe(was));
                return Err(Diagnostic::error("unreadable-plan", what)
                    .note(format!("this is {}", describe(is)))
                    .into());
            }
        }
        let plain = TextOptions { colour: false, width: None, ..text.clone() };
        let (commands, is_saved) = match apply {
            Apply::Never => (Vec::new(), false),
            Apply::Again(command) => (vec![command], false),
            Apply::Saved(command) => (vec![command], true),
        };
        let provenance = provenance::of_environment();
        let mut options = Options { text, commands, is_saved, since, root: root(), provenance };
        plan.redact(options.root.as_deref());
        let shown = render(self.format, &plan, &options);
        options.text = plain;
        for (format, path) in &self.output {
            let text = render(*format, &plan, &options);
            put(path, &text).map_err(|error| unwritable(path, &error))?;
        }
        printer.out(&shown);
        Ok(())
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("unwritable", format!("cannot write {}", path.display()))
        .note(error.to_string())
        .note("nothing at AWS was changed")
}

/// Writes a format to a file that the user names. The summary of a GitHub Actions step is appended to,
/// since other commands of the step may have written to it ("Adding a job summary" in
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).
pub(super) fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|summary| !summary.is_empty());
    if summary.is_some_and(|summary| Path::new(&summary) == path) {
        return files::append(path, text.as_bytes());
    }
    files::write(path, text.as_bytes(), Readers::OwnerAtFirst)
}

/// The folder that shown paths are relative to. If it is gone, paths are shown as they were opened.
pub(super) fn root() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// The option that selects the local AWS.
const SANDBOX: &str = " --sandbox";

/// The command that applies a plan of this stack, with its target, selection and the consent that it
/// needs. Values of variables are left out, since they may be secret.
pub(super) fn apply_command(stack: &StackArgs, aws: &AwsArgs, select: &SelectArgs, plan: &Plan) -> String {
    let mut command = format!("dwctl apply {}", word(&stack.stack.to_string_lossy()));
    if let Some(env) = &stack.env {
        command.push_str(&format!(" --env {}", word(env)));
    }
    for var in &stack.var {
        let name = var.split('=').next().unwrap_or_default();
        command.push_str(&format!(" --var {}=…", word(name)));
    }
    for file in &stack.var_file {
        command.push_str(&format!(" --var-file {}", word(&file.to_string_lossy())));
    }
    for (flag, addresses) in
        [("target", &select.target), ("exclude", &select.exclude), ("replace", &select.replace)]
    {
        addresses.iter().for_each(|address| command.push_str(&format!(" --{flag} {}", word(address))));
    }
    for (flag, given) in [(" --adopt", select.adopt), (" --deep", select.deep), (SANDBOX, aws.sandbox)] {
        command.push_str(if given { flag } else { "" });
    }
    for (flag, given) in [("endpoint-url", &aws.endpoint_url), ("profile", &aws.profile)] {
        command.extend(given.iter().map(|given| format!(" --{flag} {}", word(given))));
    }
    command + &allow(plan)
}

/// The command that applies a saved plan, likewise. The plan may come from a file that anyone wrote.
pub(super) fn apply_saved(file: &Path, sandbox: bool, plan: &Plan) -> String {
    let sandbox = if sandbox { SANDBOX } else { "" };
    format!("dwctl apply {}{sandbox}{}", word(&file.to_string_lossy()), allow(plan))
}

/// ` --allow data-loss,downtime`: exactly the consent that the plan needs without a question.
fn allow(plan: &Plan) -> String {
    match needed(plan) {
        needed if needed.is_empty() => String::new(),
        needed => format!(" --allow {}", needed.into_iter().collect::<Vec<_>>().join(",")),
    }
}

/// Quotes a word for a shell.
fn word(text: &str) -> String {
    let plain = |one: char| one.is_alphanumeric() || "._-/:@%+,".contains(one);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::{output, word};
    use crate::plan::format::Format;

    #[test]
    fn outputs_name_a_format_and_a_file() {
        assert_eq!(output("json=a=b.json"), Ok((Format::Json, "a=b.json".into())));
        assert!(output("jason=x").is_err_and(|error| error.contains("sarif")));
        assert!(output("plan.md").is_err() && output("json=").is_err());
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(word("stacks/ecommerce"), "stacks/ecommerce");
        assert_eq!(word("it's; rm"), "'it'\\''s; rm'");
        assert_eq!(word(""), "''");
    }
}
