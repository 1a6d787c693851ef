//! `dwctl show`.

use std::path::{Path, PathBuf};

use super::printer::Printer;
use super::{Exit, Failure, Outcome};
use crate::diag::Diagnostic;
use crate::plan::Saved;

/// Shows a saved plan, without AWS and credentials.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file that `dwctl plan --out` wrote.
    #[arg(value_name = "FILE")]
    plan: PathBuf,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let saved = read(&args.plan)?;
    printer.out(&saved.text);
    printer.note(&format!(
        "Made {} of {}. Whether it still fits is told by dwctl apply.",
        saved.made, saved.folder
    ));
    Ok(Exit::Done)
}

/// Reads a saved plan.
pub(super) fn read(path: &Path) -> Result<Saved, Failure> {
    let text = std::fs::read(path).map_err(|error| {
        Diagnostic::error("unreadable", format!("cannot read the plan {}", path.display()))
            .note(error.to_string())
    })?;
    Ok(Saved::parse(&text, &path.display().to_string())?)
}
