//! `dwctl plan`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::files::{self, Readers};
use super::formats::{Apply, FormatArgs, apply_command, apply_saved, root};
use super::locking::{self, LockArgs, interruptible, locked};
use super::printer::Printer;
use super::spinner::Spinner;
use super::{AwsArgs, Exit, Failure, Outcome, SelectArgs, StackArgs, context, facts};
use crate::aws::Session;
use crate::diag::{Diagnostic, Severity};
use crate::eval::{EvalContext, Facts};
use crate::ledger::{Holder, Ledger, Snapshot, Store};
use crate::live;
use crate::plan::saved::Showing;
use crate::plan::{Plan, Saved, Selection, TextOptions};
use crate::stack::Stack;

/// Shows what would change: compares the stack with live AWS.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    formats: FormatArgs,

    /// Plans to destroy everything.
    #[arg(long)]
    destroy: bool,

    /// Compares with nothing: shows the whole desired stack, without AWS or credentials.
    #[arg(long, conflicts_with_all = ["sandbox", "endpoint_url", "destroy"])]
    offline: bool,

    /// Shows every attribute of new resources, and each of the changes that are alike.
    #[arg(long)]
    details: bool,

    /// Saves the plan to a file. `dwctl apply FILE` then applies exactly this plan.
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    out: Option<PathBuf>,

    /// Exits with code 2 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    args.formats.guard(args.out.as_ref(), &[&args.stack.stack], &args.stack.var_file)?;
    let formats = args.formats.clone();
    formats.or_errors("plan", planned(args, printer).await)
}

async fn planned(args: Args, printer: &Printer) -> Outcome {
    let began = Instant::now();
    let earlier = args.formats.earlier()?;
    let spinner = Spinner::new(printer, "Reading the stack");
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    let selection = selection(&args.select, args.destroy);
    let (session, facts, ledger) = if args.offline {
        // An offline plan does not read a ledger in S3 either.
        let ledger = match stack.ledger {
            None => {
                let store = Store::local(context::local_store(&args.aws, &stack));
                context::ledger(&store, &stack, None).await?
            }
            Some(_) => context::new_ledger(&stack)?,
        };
        (None, Facts::offline(&stack), ledger)
    } else {
        let session = context::connect(&args.aws, &stack, printer).await?;
        let facts = facts::facts(&args.aws, &session, &stack, selection.destroy).await?;
        let ledger = if args.out.is_some() {
            keyed_ledger(&args, &stack, &session, printer).await?
        } else {
            context::read_ledger(&args.aws, &stack, &session, "plan").await?
        };
        (Some(session), facts, ledger)
    };
    let eval = context::eval(&stack, facts, variables.clone())?;
    let plan = make(printer, session.as_ref(), &stack, &eval, &ledger, &selection).await?;
    let options = TextOptions {
        colour: printer.colour(),
        details: args.details || args.offline,
        drift: false,
        call_counts: session.as_ref().map(|session| (session.call_counts(), began.elapsed())),
        width: printer.width(),
    };
    drop(spinner);
    let commands = match &args.out {
        Some(out) => Apply::Saved(apply_saved(out, args.aws.sandbox, &plan)),
        None if args.offline || args.destroy => Apply::Never,
        None => Apply::Again(apply_command(&args.stack, &args.aws, &args.select, &plan)),
    };
    printer.diagnostics(&plan.warnings, &stack.sources);
    let stuck = plan.stuck().into_iter().map(|one| Diagnostic { severity: Severity::Warning, ..one });
    printer.diagnostics(&stuck.collect::<Vec<_>>(), &stack.sources);
    let empty = plan.is_empty();
    let Some(out) = &args.out else {
        args.formats.show(plan, options, earlier, commands, printer)?;
        return Ok(exit(&args, empty));
    };
    let folder = args.stack.stack.display().to_string();
    let root = root();
    let showing = Showing { folder, root: root.as_deref(), options: &options, sandbox: args.aws.sandbox };
    let saved = Saved::of(plan, &stack, &variables, &ledger, &selection, showing);
    args.formats.show(saved.shown.plan.clone(), options, earlier, commands, printer)?;
    let unwritable = |error: std::io::Error| {
        Diagnostic::error("unwritable", format!("cannot write the plan to {}", out.display()))
            .note(error.to_string())
    };
    let text = saved.to_text().map_err(|error| unwritable(error.into()))?;
    files::write(out, &text, Readers::Owner).map_err(unwritable)?;
    let command = apply_saved(out, saved.shown.sandbox, &saved.shown.plan);
    printer.note(&format!("Saved. To apply exactly this: {command}"));
    Ok(exit(&args, empty))
}

fn exit(args: &Args, empty: bool) -> Exit {
    if args.detailed_exitcode && !empty { Exit::Changes } else { Exit::Done }
}

/// The ledger. If there is none yet it is created, since its key seals the plan.
async fn keyed_ledger(
    args: &Args,
    stack: &Stack,
    session: &Session,
    printer: &Printer,
) -> Result<Ledger, Failure> {
    let holder = Holder::new("plan --out", Some(session.caller()));
    let store = context::store(&args.aws, stack, session, &holder).await?;
    if store.read().await?.is_none() {
        let timeout = LockArgs::of(Duration::from_secs(60));
        locked(&store, holder, &timeout, printer, async |_| {
            // Another process may have created it meanwhile.
            if interruptible(async { Ok(store.read().await?) }).await?.is_some() {
                return Ok(());
            }
            locking::write(&store, Snapshot::of(&mut context::new_ledger(stack)?)).await
        })
        .await?;
    }
    context::ledger(&store, stack, Some(session)).await
}

pub(super) fn selection(args: &SelectArgs, destroy: bool) -> Selection {
    Selection {
        targets: args.target.clone(),
        exclude: args.exclude.clone(),
        replace: args.replace.clone(),
        destroy,
        adopt: args.adopt,
        deep: args.deep,
        ..Selection::default()
    }
}

/// Makes the plan, against live AWS if there is a session.
pub(super) async fn make(
    printer: &Printer,
    session: Option<&Session>,
    stack: &Stack,
    eval: &EvalContext<'_>,
    ledger: &Ledger,
    selection: &Selection,
) -> Result<Plan, Failure> {
    let spinner = Spinner::new(printer, "Planning");
    let planned = spinner.reading(session, live::plan(session, eval, ledger, selection)).await;
    planned.map_err(|problems: Vec<Diagnostic>| {
        let refused = problems.iter().any(|problem| {
            matches!(problem.code, "protected" | "held" | "not-ours" | "ledger-lost" | "account-unreachable")
        });
        Failure::new(if refused { Exit::Refused } else { Exit::Error }, problems, stack.sources.clone())
    })
}
