//! `dwctl destroy`.

use super::printer::Printer;
use super::{AwsArgs, Outcome, StackArgs, apply};
use crate::plan::{Allowed, Selection};

/// Destroys everything that the stack owns: shows the plan, asks, destroys.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    how: apply::HowArgs,

    /// Only this address and its dependents; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,

    /// Leaves out this address and its dependencies; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    exclude: Vec<String>,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    args.how.begin(false, printer)?;
    let selection =
        Selection { targets: args.target, exclude: args.exclude, destroy: true, ..Selection::default() };
    // A user who asks to remove the listed resources has consented to all risks of it.
    let (stack, aws, how, allowed) = (&args.stack, &args.aws, &args.how, Allowed::everything());
    apply::Request { stack, aws, how, selection, allowed, saved: None }.run(printer).await
}
