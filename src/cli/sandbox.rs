//! `dwctl sandbox`.

use super::printer::Printer;
use super::{Exit, Outcome};
use crate::sandbox;

/// Runs a local AWS, for first steps and tests.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Starts it, and installs it on first use.
    Up,
    /// Stops it and deletes everything in it.
    Down,
    /// Shows whether it is running, and where.
    Status,
    /// Deletes everything in it.
    Reset,
    /// Prints shell commands that point the AWS tools at it: eval "$(dwctl sandbox env)"
    Env,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    match args.verb {
        Verb::Up => {
            let sandbox = sandbox::up(&|text| printer.note(text)).await?;
            printer.out(&format!("the sandbox is running at {}\n", sandbox.endpoint));
        }
        Verb::Down => {
            let text = if sandbox::down()? { "the sandbox is stopped\n" } else { "no sandbox is running\n" };
            printer.out(text);
        }
        Verb::Status => match sandbox::status()? {
            Some(sandbox) => printer
                .out(&format!("the sandbox is running at {} (process {})\n", sandbox.endpoint, sandbox.pid)),
            None => printer.out("no sandbox is running\n"),
        },
        Verb::Reset => {
            let sandbox = sandbox::reset().await?;
            printer.out(&format!("the sandbox at {} is empty\n", sandbox.endpoint));
        }
        Verb::Env => {
            let sandbox = sandbox::up(&|text| printer.note(text)).await?;
            for (name, value) in sandbox::env(&sandbox) {
                printer.out(&format!("export {name}='{value}'\n"));
            }
        }
    }
    Ok(Exit::Done)
}
