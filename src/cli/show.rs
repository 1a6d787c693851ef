//! `dwctl show`.

use std::path::{Path, PathBuf};

use super::formats::{FormatArgs, saved_command};
use super::printer::Printer;
use super::{Exit, Failure, Outcome};
use crate::diag::Diagnostic;
use crate::plan::{Saved, TextOptions};

/// Shows a saved plan as it was shown when it was made, in any format, without AWS and
/// credentials.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file that `dwctl plan --out` wrote.
    #[arg(value_name = "FILE")]
    plan: PathBuf,

    #[command(flatten)]
    formats: FormatArgs,

    /// Shows every attribute of what would be created.
    #[arg(long)]
    details: bool,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let earlier = args.formats.earlier()?;
    let saved = read(&args.plan)?;
    let options = saved.shown.options(printer.colour());
    let options = TextOptions { details: options.details || args.details, ..options };
    let commands = vec![saved_command(&args.plan)];
    args.formats.show(&saved.shown.plan, options, earlier, commands, printer)?;
    printer.note(&format!(
        "Made {} of {}. Whether it still fits is told by dwctl apply.",
        saved.made, saved.folder
    ));
    Ok(Exit::Done)
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Failure> {
    if path.is_dir() {
        let error = Diagnostic::error("unreadable", format!("{} is a folder, no saved plan", path.display()));
        return Err(error.help("give the file that `dwctl plan --out FILE` wrote").into());
    }
    let text = std::fs::read(path).map_err(|error| {
        Diagnostic::error("unreadable", format!("cannot read the plan {}", path.display()))
            .note(error.to_string())
    })?;
    Ok(Saved::parse(&text, &path.display().to_string())?)
}
