//! `dwctl plan`.

use std::time::Instant;

use super::printer::Printer;
use super::{AwsArgs, Exit, Failure, Outcome, SelectArgs, StackArgs, context};
use crate::aws::Session;
use crate::diag::Diagnostic;
use crate::ledger::{Ledger, Store};
use crate::live;
use crate::plan::{Plan, Selection, TextOptions, render};
use crate::stack::Stack;
use crate::world::{Facts, World};

/// Shows what would change: compares the stack with live AWS.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    select: SelectArgs,

    /// Plans the removal of everything.
    #[arg(long)]
    destroy: bool,

    /// Compares with nothing: shows the whole desired stack, without AWS and credentials.
    #[arg(long, conflicts_with_all = ["sandbox", "endpoint_url", "destroy"])]
    offline: bool,

    /// Shows every attribute of what would be created.
    #[arg(long)]
    details: bool,

    /// Exits with 2 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let began = Instant::now();
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables)?;
    let selection = selection(&args.select, args.destroy);
    let (session, facts, ledger) = if args.offline {
        // What is in S3 is not asked for either.
        let ledger = match stack.ledger {
            None => {
                let store = Store::local(context::local_store(&args.aws, &stack));
                context::ledger(&store, &stack, None).await?
            }
            Some(_) => context::new_ledger(&stack)?,
        };
        (None, Facts::offline(&stack), ledger)
    } else {
        let session = context::connect(&args.aws, &stack, &|text| printer.note(text)).await?;
        let facts = context::facts(&session, &stack).await?;
        let ledger = context::read_ledger(&args.aws, &stack, &session, "plan").await?;
        (Some(session), facts, ledger)
    };
    let world = context::world(&stack, facts, variables)?;
    let plan = make(session.as_ref(), &stack, &world, &ledger, &selection).await?;
    let options = TextOptions {
        colour: printer.colour(),
        details: args.details || args.offline,
        drift: false,
        bill: session.as_ref().map(|session| (session.bill(), began.elapsed())),
    };
    printer.out(&render(&plan, &options));
    Ok(if args.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Done })
}

pub(super) fn selection(args: &SelectArgs, destroy: bool) -> Selection {
    Selection {
        targets: args.target.clone(),
        exclude: args.exclude.clone(),
        replace: args.replace.clone(),
        destroy,
        adopt: args.adopt,
        deep: args.deep,
        recover: false,
        import: None,
    }
}

/// Makes the plan, against live AWS where there is a session.
pub(super) async fn make(
    session: Option<&Session>,
    stack: &Stack,
    world: &World<'_>,
    ledger: &Ledger,
    selection: &Selection,
) -> Result<Plan, Failure> {
    live::plan(session, world, ledger, selection).await.map_err(|problems: Vec<Diagnostic>| {
        let refused = problems.iter().any(|problem| matches!(problem.code, "protected" | "not-ours"));
        Failure::new(if refused { Exit::Refused } else { Exit::Error }, problems, stack.sources.clone())
    })
}
