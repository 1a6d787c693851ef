//! `dwctl output`.

use std::collections::BTreeMap;

use clap_complete::engine::ArgValueCompleter as Completer;

use super::printer::Printer;
use super::{AwsArgs, Exit, Failure, Outcome, StackArgs, completions, context, facts, plan, stream};
use crate::diag::{Diagnostic, nearest};
use crate::lines::pairs;
use crate::plan::{OutputState, Selection, output_states, value_text};
use crate::stack::Stack;
use crate::value::Value;

/// Shows the stack's outputs as they are at AWS.
///
/// Declared changes that are not applied yet are reported on stderr. An output without a value at AWS
/// is left out; if --name asks for it, that is an error.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,

    /// Prints only the value of this output, even if it is sensitive: a string without quotes,
    /// anything else as JSON.
    #[arg(short, long, add = Completer::new(completions::outputs))]
    name: Option<String>,

    /// Prints JSON without sensitive values; with --name, the value as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let stack = context::load(&args.stack).map_err(|failure| lead_to_name(failure, &args))?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    if let Some(name) = &args.name {
        known(name, &stack)?;
    }
    let session = context::connect(&args.aws, &stack, printer).await?;
    let ledger = context::read_ledger(&args.aws, &stack, &session, "output").await?;
    let facts = facts::facts(&args.aws, &session, &stack, false).await?;
    let eval = context::eval(&stack, facts, variables)?;
    // The command only reads, so problems that would stop an apply do not matter.
    let selection = Selection { recover: true, ..Selection::default() };
    let plan = plan::make(printer, Some(&session), &stack, &eval, &ledger, &selection).await?;
    let mut states = output_states(&eval, &ledger, &plan);
    if let Some(name) = &args.name {
        // `known` has checked that it exists.
        let Some(state) = states.remove(name) else { return Ok(Exit::Done) };
        return one(name, state, args.json, printer);
    }
    if stack.root.outputs.is_empty() {
        printer.note("The stack declares no outputs.");
    } else if ledger.resources.is_empty()
        && !states.values().any(|one| matches!(one, OutputState::There { .. }))
    {
        printer.note(&format!("{}/{} is not applied yet: there are no outputs.", stack.name, stack.env));
    } else {
        for (name, state) in &states {
            if let Some(words) = state.pending(name) {
                printer.note(&words);
            }
        }
    }
    for name in ledger.outputs.keys().filter(|name| !stack.root.outputs.contains_key(*name)) {
        printer.note(&format!("Output {name} is no longer declared: the next apply removes it."));
    }
    let there = states.into_iter().filter_map(|(name, state)| match state {
        OutputState::There { value, .. } => Some((name, value)),
        _ => None,
    });
    let outputs: BTreeMap<String, Value> = there.collect();
    if args.json {
        printer.json(&format!("{:#}\n", stream::outputs_json(&outputs)));
    } else {
        printer.out(&text(&outputs, printer.width()));
    }
    Ok(Exit::Done)
}

/// Adds advice for users of `terraform output NAME`, who give the name in place of the folder.
fn lead_to_name(mut failure: Failure, args: &Args) -> Failure {
    let name = args.stack.stack.to_string_lossy();
    let is_word = name.chars().all(|one| one.is_alphanumeric() || one == '_' || one == '-');
    if let Some(problem) = failure.diagnostics.iter_mut().find(|one| one.code == "no-stack" && is_word) {
        problem.helps.insert(0, format!("to choose one output: dwctl output --name {name}"));
    }
    failure
}

/// Checks that the stack declares an output.
fn known(name: &str, stack: &Stack) -> Result<(), Diagnostic> {
    if stack.root.outputs.contains_key(name) {
        return Ok(());
    }
    let error = Diagnostic::error("unknown-output", format!("the stack has no output `{name}`"));
    Err(match nearest(name, stack.root.outputs.keys().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    })
}

/// Prints the value of one output.
fn one(name: &str, state: OutputState, json: bool, printer: &Printer) -> Outcome {
    let words = state.pending(name);
    let OutputState::There { value, .. } = state else {
        let error = Diagnostic::error("not-applied", format!("the output `{name}` has no value at AWS"));
        return Err(error.note(words.unwrap_or_default()).help("run dwctl apply first").into());
    };
    if let Some(words) = words {
        printer.note(&words);
    }
    match value.reveal() {
        Value::String(text) if !json => printer.reveal(&format!("{text}\n")),
        value => match value.to_json() {
            Ok(json) => printer.reveal(&format!("{json}\n")),
            Err(reason) => {
                let error = Diagnostic::error("unknown-value", format!("`{name}` cannot be written as JSON"));
                return Err(error.note(reason.to_string()).into());
            }
        },
    }
    Ok(Exit::Done)
}

/// The outputs, one per line.
pub(super) fn text(outputs: &BTreeMap<String, Value>, width: Option<usize>) -> String {
    let rows: Vec<(String, String)> =
        outputs.iter().map(|(name, value)| (name.clone(), value_text(value))).collect();
    pairs(&rows, 0, " = ", width)
}
