//! `dwctl apply`.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::time::Instant;

use super::audit::AuditArgs;
use super::locking::{LockArgs, interruptible, locked};
use super::printer::Printer;
use super::progress::Progress;
use super::record::RecordArgs;
use super::stream;
use super::totals::totals;
use super::{AwsArgs, Exit, Failure, Outcome, SelectArgs, StackArgs, context, facts, plan};
use crate::apply::{self, Summary};
use crate::diag::{Diagnostic, Sources};
use crate::ledger::Holder;
use crate::plan::{Allowed, Saved, Selection, TextOptions, call_counts_line, consent, few, render};
use crate::signals;
use crate::stack::Stack;
use crate::value::Value;

/// Changes AWS to match the stack: plans, asks, applies.
///
/// Instead of the stack's folder, takes a file that `dwctl plan --out` wrote, and then does exactly
/// what was reviewed, or nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Stack folder for a saved plan, if the stack has moved since the plan was made.
    #[arg(long = "stack", id = "stack_folder", value_name = "FOLDER")]
    folder: Option<PathBuf>,

    #[command(flatten)]
    how: HowArgs,

    /// Risky changes that may be applied without asking; a list, or repeated.
    #[arg(long, value_enum, value_delimiter = ',', env = "DWCTL_ALLOW", value_name = "RISK")]
    allow: Vec<Allow>,
}

/// A risk that the user allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Allow {
    /// Updates and replacements that lose data.
    DataLoss,
    /// Changes that interrupt a service.
    Downtime,
    /// Deletions of resources that hold data or cannot be restored.
    Destroy,
}

/// How to apply.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct HowArgs {
    /// Applies without asking for confirmation.
    #[arg(short, long, env = "DWCTL_YES", value_parser = |text: &str| super::switch("DWCTL_YES", text))]
    yes: bool,

    /// Maximum number of resources to work on at the same time.
    #[arg(long, default_value_t = 24, env = "DWCTL_PARALLELISM", value_name = "N")]
    parallelism: usize,

    /// Prints events as JSON lines on stdout. Does not ask, so it needs --yes or a saved plan.
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    lock: LockArgs,

    #[command(flatten)]
    audit: AuditArgs,

    #[command(flatten)]
    record: RecordArgs,
}

impl HowArgs {
    /// Begins the stream of events, where one is asked for.
    pub(super) fn begin(&self, is_saved: bool, printer: &Printer) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        printer.stream();
        if self.yes || is_saved {
            return Ok(());
        }
        let error =
            Diagnostic::error("refused", "--json cannot ask for confirmation").note("nothing was changed");
        Err(error.help("add --yes, or apply a plan that `dwctl plan --out` saved").into())
    }

    /// Returns whether the command asks no questions.
    fn is_silent(&self) -> bool {
        self.yes || self.json
    }
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    // A folder is a stack. A file is a plan saved by `plan --out`.
    let is_saved = args.stack.stack.is_file();
    args.how.begin(is_saved, printer)?;
    let selection = plan::selection(&args.select, false);
    let allowed = Allowed {
        data_loss: args.allow.contains(&Allow::DataLoss),
        downtime: args.allow.contains(&Allow::Downtime),
        destroy: args.allow.contains(&Allow::Destroy),
    };
    if !is_saved {
        if args.folder.is_some() {
            let error = Diagnostic::error("invalid-argument", "--stack is only for a saved plan");
            return Err(error.help("name the stack's folder as the argument").into());
        }
        let (stack, aws, how) = (&args.stack, &args.aws, &args.how);
        return Request { stack, aws, how, selection, allowed, saved: None }.run(printer).await;
    }
    if selection != (Selection { deep: selection.deep, ..Selection::default() }) {
        let error = Diagnostic::error("invalid-argument", "a saved plan cannot be changed");
        return Err(error
            .note("--target, --exclude, --replace and --adopt are options of `dwctl plan --out`")
            .into());
    }
    let saved = super::show::read(&args.stack.stack)?;
    let stack = StackArgs {
        stack: args.folder.unwrap_or_else(|| PathBuf::from(&saved.folder)),
        // A run without `--env` has the environment `default`, which has no file.
        env: args.stack.env.clone().or_else(|| Some(saved.env.clone()).filter(|env| env != "default")),
        ..args.stack
    };
    let selection = saved.selection.clone();
    let (stack, saved) = (&stack, Some(&saved));
    Request { stack, aws: &args.aws, how: &args.how, selection, allowed, saved }.run(printer).await
}

/// The changes that a command asks for.
pub(super) struct Request<'a> {
    pub(super) stack: &'a StackArgs,
    pub(super) aws: &'a AwsArgs,
    pub(super) how: &'a HowArgs,
    pub(super) selection: Selection,
    pub(super) allowed: Allowed,
    /// The plan that was reviewed, if it was saved.
    pub(super) saved: Option<&'a Saved>,
}

impl Request<'_> {
    /// Plans, asks and applies, and writes the report.
    pub(super) async fn run(self, printer: &Printer) -> Outcome {
        let record = &self.how.record;
        record.guard(self.stack)?;
        let verb = if self.selection.destroy { "destroy" } else { "apply" };
        let outcome = change(self, printer).await;
        record.write(verb, outcome)
    }
}

/// Plans, asks and applies.
async fn change(request: Request<'_>, printer: &Printer) -> Outcome {
    let Request { stack: stack_args, aws: aws_args, how, selection, allowed, saved } = request;
    let allowed = &allowed;
    let began = Instant::now();
    let stack = context::load(stack_args)?;
    let variables = context::variables(stack_args, &stack)?;
    context::check(&stack, &variables, printer)?;
    let aws_args = &how.audit.open(aws_args, &stack, printer)?;
    let session = context::connect(aws_args, &stack, printer).await?;
    let destroys = selection.destroy || saved.is_some_and(|saved| saved.selection.destroy);
    let command = if selection.destroy { "destroy" } else { "apply" };
    let holder = Holder::new(command, Some(session.caller()));
    let store = context::store(aws_args, &stack, &session, &holder).await?;
    locked(&store, holder, &how.lock, printer, async |lock| {
        let planning = async {
            let ledger = context::ledger(&store, &stack, Some(&session)).await?;
            let facts = facts::facts(aws_args, &session, &stack, destroys).await?;
            if let Some(saved) = saved {
                saved
                    .belongs(&stack, &variables, &ledger, session.account_id())
                    .map_err(|error| stale(vec![error], &stack))?;
            }
            let make = async |quiet: bool| {
                let selection = saved.map_or_else(|| selection.clone(), |saved| saved.selection(&ledger));
                let planned = async |selection: &Selection| {
                    let mut eval = context::eval(&stack, facts.clone(), variables.clone())?;
                    if let Some(saved) = saved {
                        // Expressions that use the time of the plan must give the same values again.
                        eval.planned_at.clone_from(&saved.made);
                    }
                    let plan = plan::make(printer, Some(&session), &stack, &eval, &ledger, selection).await?;
                    Ok::<_, Failure>((eval, plan))
                };
                let (eval, mut plan) = match planned(&selection).await {
                    // The partial plan may have failed because of a resource that it leaves out, so everything is
                    // planned.
                    Err(_) if selection.only.is_some() => {
                        planned(&Selection { only: None, ..selection }).await?
                    }
                    made => made?,
                };
                if let Some(saved) = saved {
                    let others =
                        saved.compare(&mut plan, &ledger).map_err(|problems| stale(problems, &stack))?;
                    for other in others.iter().filter(|_| !quiet) {
                        printer.note(&format!(
                            "{other} also changed since the plan was made; it is left as it is."
                        ));
                    }
                }
                Ok::<_, Failure>((eval, plan))
            };
            let mut read = Some(Instant::now());
            let (mut eval, mut plan) = make(false).await?;
            how.record.begins(&plan);
            let call_counts = (session.call_counts(), began.elapsed());
            if printer.is_stream() {
                stream::planned(&plan, selection.destroy).iter().for_each(|event| printer.event(event));
                printer.event(&stream::calls("plan", &call_counts.0, call_counts.1));
            } else {
                let options = TextOptions {
                    colour: printer.colour(),
                    call_counts: Some(call_counts),
                    width: printer.width(),
                    ..TextOptions::default()
                };
                printer.out(&render(&plan, &options));
            }
            printer.diagnostics(&plan.warnings, &stack.sources);
            let stuck = plan.stuck();
            if !stuck.is_empty() {
                let stuck = stuck.into_iter().map(|one| one.note("nothing was changed")).collect();
                return Err(Failure::new(Exit::Refused, stuck, stack.sources.clone()));
            }
            let consent = consent(&plan, allowed);
            if how.is_silent() {
                consent.map_err(|problems| Failure::new(Exit::Refused, problems, stack.sources.clone()))?;
            } else if !plan.is_empty() {
                ask(&plan.stack, &plan.env, selection.destroy, consent.err().unwrap_or_default(), printer)
                    .await?;
                // AWS may have changed while the user was thinking.
                read = None;
                if saved.is_some() {
                    read = Some(Instant::now());
                    (eval, plan) = make(true).await?;
                }
            }
            Ok((eval, plan, ledger, read))
        };
        let (eval, plan, mut ledger, read) = interruptible(planning).await?;
        let _working = signals::begin()?;
        let progress = Progress::new(printer, &plan);
        let applying = Instant::now();
        let options = apply::Options {
            parallelism: how.parallelism,
            deep: selection.deep,
            partial: selection.is_partial(),
            read,
        };
        let locked = apply::LockedLedger { ledger: &mut ledger, store: &store, lock };
        let report = |event| {
            how.record.sees(&event);
            progress.report(event);
        };
        let work = apply::apply(&session, &eval, &plan, locked, &options, &report);
        let summary = progress.during(work).await;
        progress.finish();
        let mut summary =
            summary.map_err(|error| Failure::new(Exit::Error, vec![error], stack.sources.clone()))?;
        how.record.ends(&summary);
        let call_counts = (session.call_counts(), applying.elapsed());
        if printer.is_stream() {
            let applied = stream::applied(&summary, totals(&summary), selection.destroy);
            applied.iter().for_each(|event| printer.event(event));
            printer.event(&stream::calls(command, &call_counts.0, call_counts.1));
        } else if !plan.is_empty() {
            let calls_line = printer.dim(&call_counts_line(&call_counts.0, call_counts.1, printer.width()));
            printer.out(&format!("\n{}\n{calls_line}\n", totals(&summary)));
        }
        let checks = if plan.is_empty() { Vec::new() } else { few(std::mem::take(&mut summary.warnings)) };
        printer.diagnostics(&checks, &stack.sources);
        let exit = end(&summary, command, printer);
        if !summary.failures.is_empty() {
            return Err(Failure::new(exit, summary.failures, stack.sources.clone()));
        }
        if exit == Exit::Done && !selection.destroy {
            let all = eval.each_output();
            let declared = all.len();
            let outputs: BTreeMap<String, Value> = all
                .into_iter()
                .filter(|(name, (value, problems))| {
                    let is_there = !options.partial || eval.is_of_resources(name);
                    is_there && problems.is_empty() && value.is_wholly_known()
                })
                .map(|(name, (value, _))| (name, value))
                .collect();
            if outputs.len() < declared && !printer.is_stream() {
                printer.note("Other outputs depend on resources that this apply left out: see dwctl output.");
            }
            if printer.is_stream() {
                printer.event(&stream::outputs(&outputs));
            } else if !outputs.is_empty() {
                printer.out(&format!("\n{}", super::output::text(&outputs, printer.width())));
            }
        }
        Ok(exit)
    })
    .await
}

/// The failure for a saved plan that no longer fits.
fn stale(problems: Vec<Diagnostic>, stack: &Stack) -> Failure {
    let problems = problems.into_iter().map(|problem| {
        problem
            .note("nothing was changed")
            .help("make a new plan and have it reviewed: dwctl plan --out FILE")
    });
    Failure::new(Exit::Refused, problems.collect(), stack.sources.clone())
}

/// Asks for confirmation, and names the risks that would be refused without it.
async fn ask(
    stack: &str,
    env: &str,
    destroy: bool,
    costs: Vec<Diagnostic>,
    printer: &Printer,
) -> Result<(), Failure> {
    let refused = |message: &str| {
        let diagnostic = Diagnostic::error("refused", message.to_owned()).note("nothing was changed");
        let verb = if destroy { "destroy" } else { "apply" };
        Failure::from(diagnostic.help(format!("to {verb} without asking, add --yes")))
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused("there is no terminal to ask for confirmation"));
    }
    let verb = if destroy { "Destroy everything above in" } else { "Apply these changes to" };
    let costs: String = costs
        .iter()
        .flat_map(|one| one.notes.iter().map(move |note| format!("\n⚠ {}: {note}", one.message)))
        .collect();
    let question = format!("{costs}\n{verb} {stack}/{env}? Type yes to confirm: ");
    // On a thread of its own, so that the heartbeat of the lock continues while the user thinks.
    // It may wait forever, and so holds nothing that others need.
    printer.ask(&question);
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await;
    printer.answered();
    match answer {
        Ok(Ok(answer)) if answer.trim() == "yes" => Ok(()),
        // An answer is not a mistake, so it needs no advice.
        _ => {
            printer.note("Cancelled: nothing was changed.");
            Err(Failure::new(Exit::Refused, Vec::new(), Sources::default()))
        }
    }
}

/// Reports what was not done, and chooses the exit code. `command` is the command that continues the work.
fn end(summary: &Summary, command: &str, printer: &Printer) -> Exit {
    let kept = if command == "destroy" {
        "The ledger records what is left"
    } else {
        "The ledger records what was created"
    };
    let skipped = summary.skipped.iter().filter(|_| !printer.is_stream());
    for (address, because) in skipped {
        printer.note(&stream::skipped(address, because.as_ref()));
    }
    if summary.interrupted {
        printer.note(&format!("Interrupted. {kept}; run {command} again to continue."));
        return Exit::Interrupted;
    }
    if !summary.failures.is_empty() {
        // AWS would refuse a lasting failure again.
        let next = match summary.failures.iter().any(|failure| failure.lasting) {
            true => format!("resolve what was refused, then run {command} again"),
            false => format!("run {command} again to continue"),
        };
        printer.note(&format!("{kept}; {next}.\n"));
        // Running again does not help against resources of another owner.
        let refused = summary.failures.iter().all(|failure| failure.code == "not-ours");
        return if refused { Exit::Refused } else { Exit::Error };
    }
    Exit::Done
}
