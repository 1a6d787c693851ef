//! `dwctl drift`.

use std::time::Instant;

use super::formats::{Apply, FormatArgs, apply_command};
use super::printer::Printer;
use super::spinner::Spinner;
use super::{AwsArgs, Exit, Outcome, SelectArgs, StackArgs, context, facts, plan};
use crate::plan::{Selection, TextOptions};

/// Shows what someone else changed at AWS since the last apply.
///
/// Exits with code 4 if there is drift. Changes made by the stack itself are left out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    formats: FormatArgs,

    /// Only this address and its dependencies; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,

    /// Leaves out this address and its dependents; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    exclude: Vec<String>,

    /// Also compares settings that the stack does not declare, such as a policy added by hand.
    #[arg(long, env = "DWCTL_DEEP", value_parser = |text: &str| super::switch("DWCTL_DEEP", text))]
    deep: bool,

    /// Shows each of the changes that are alike.
    #[arg(long)]
    details: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    args.formats.guard(None, &[&args.stack.stack], &args.stack.var_file)?;
    let formats = args.formats.clone();
    formats.or_errors("drift", looked(args, printer).await)
}

async fn looked(args: Args, printer: &Printer) -> Outcome {
    let began = Instant::now();
    let earlier = args.formats.earlier()?;
    let spinner = Spinner::new(printer, "Reading the stack");
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    let session = context::connect(&args.aws, &stack, printer).await?;
    let facts = facts::facts(&args.aws, &session, &stack, false).await?;
    let ledger = context::read_ledger(&args.aws, &stack, &session, "drift").await?;
    let eval = context::eval(&stack, facts, variables)?;
    let select = SelectArgs {
        target: args.target,
        exclude: args.exclude,
        replace: Vec::new(),
        adopt: false,
        deep: args.deep,
    };
    let selection = Selection { drift: true, ..plan::selection(&select, false) };
    let plan = plan::make(printer, Some(&session), &stack, &eval, &ledger, &selection).await?;
    drop(spinner);
    printer.diagnostics(&plan.warnings, &stack.sources);
    let commands = Apply::Again(apply_command(&args.stack, &args.aws, &select, &plan));
    let drift = plan.drift();
    let call_counts = Some((session.call_counts(), began.elapsed()));
    let options = TextOptions {
        colour: printer.colour(),
        details: args.details,
        drift: true,
        call_counts,
        width: printer.width(),
    };
    let exit = if drift.is_empty() { Exit::Done } else { Exit::Drift };
    args.formats.show(drift, options, earlier, commands, printer)?;
    Ok(exit)
}
