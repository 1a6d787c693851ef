//! `dwctl completions`.

use clap::CommandFactory;

use super::printer::Printer;
use super::{Cli, Exit, Outcome};

/// Prints the completion script of a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dwctl", &mut script);
    printer.out(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
