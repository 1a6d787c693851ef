//! `dwctl validate`.

use super::printer::Printer;
use super::{Exit, Outcome, StackArgs, context};
use crate::diag::counted;

/// Checks everything that can be checked without AWS: no credentials, no network.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    let resources = context::check(&stack, &variables, printer)?;
    printer.out(&format!("{}/{} is valid: {}\n", stack.name, stack.env, counted(resources, "resource")));
    Ok(Exit::Done)
}
