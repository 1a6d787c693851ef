//! `dwctl output`.

use std::collections::BTreeMap;

use clap_complete::engine::ArgValueCompleter as Completer;

use super::printer::Printer;
use super::{AwsArgs, Exit, Failure, Outcome, StackArgs, completions, context, plan};
use crate::diag::{Diagnostic, nearest};
use crate::lines::pairs;
use crate::plan::{Selection, value_text};
use crate::value::Value;

/// Shows the stack's outputs, from live AWS.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,

    /// Only this output, its value alone: a string without quotes, anything else as JSON.
    /// Shows a sensitive one.
    #[arg(short, long, add = Completer::new(completions::outputs))]
    name: Option<String>,

    /// As JSON, sensitive values masked.
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    let session = context::connect(&args.aws, &stack, printer).await?;
    let ledger = context::read_ledger(&args.aws, &stack, &session, "output").await?;
    let facts = context::facts(&session, &stack).await?;
    let world = context::world(&stack, facts, variables)?;
    let outputs =
        plan::make(printer, Some(&session), &stack, &world, &ledger, &Selection::default()).await?.outputs;
    match &args.name {
        Some(name) => {
            let Some(value) = outputs.get(name) else {
                let error = Diagnostic::error("unknown-output", format!("the stack has no output `{name}`"));
                return Err(match nearest(name, outputs.keys().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                }
                .into());
            };
            match value.clone().reveal() {
                Value::String(text) => printer.reveal(&format!("{text}\n")),
                value => match value.to_json() {
                    Ok(json) => printer.reveal(&format!("{json}\n")),
                    Err(reason) => {
                        return Err(Failure::from(
                            Diagnostic::error(
                                "unknown-value",
                                format!("the output `{name}` has no value yet"),
                            )
                            .note(reason.to_string()),
                        ));
                    }
                },
            }
        }
        None if args.json => {
            let json: serde_json::Map<String, serde_json::Value> = outputs
                .iter()
                .map(|(name, value)| {
                    let sensitive = value.contains_secret();
                    let value =
                        if sensitive { serde_json::Value::Null } else { value.to_json().unwrap_or_default() };
                    (name.clone(), serde_json::json!({ "value": value, "sensitive": sensitive }))
                })
                .collect();
            printer.json(&format!("{:#}\n", serde_json::Value::Object(json)));
        }
        None => printer.out(&text(&outputs, printer.width())),
    }
    Ok(Exit::Done)
}

/// The outputs, one a line.
pub(super) fn text(outputs: &BTreeMap<String, Value>, width: Option<usize>) -> String {
    let rows: Vec<(String, String)> =
        outputs.iter().map(|(name, value)| (name.clone(), value_text(value))).collect();
    pairs(&rows, 0, " = ", width)
}
