//! `dwctl import`.

use std::time::Instant;

use clap_complete::engine::ArgValueCompleter as Completer;

use super::audit::AuditArgs;
use super::locking::{LockArgs, interruptible, locked};
use super::printer::Printer;
use super::{AwsArgs, Exit, Failure, Outcome, StackArgs, completions, context, facts, plan};
use crate::apply::{self, LockedLedger};
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::eval::EvalContext;
use crate::graph::Address;
use crate::kinds;
use crate::ledger::{Holder, Ledger};
use crate::plan::{Action, Selection, TextOptions, call_counts_line, render};
use crate::signals;
use crate::stack::Stack;

/// Imports an existing resource under an address that the stack declares.
///
/// Shows what the next apply would change. Sets the owner tags if AWS can tag the resource, so that
/// no other stack imports it as well, and changes nothing else at AWS. An [[import]] block does the
/// same during an apply.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address under which the stack declares it.
    #[arg(value_parser = address, add = Completer::new(completions::addresses))]
    address: Address,

    /// Its id at AWS: what `dwctl ledger list` shows of its kind, such as a name or an ARN.
    id: String,

    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    aws: AwsArgs,

    /// Takes it over even if another stack owns it.
    #[arg(long)]
    adopt: bool,

    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

fn address(text: &str) -> Result<Address, String> {
    text.parse()
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let began = Instant::now();
    let Args { address, id, adopt, .. } = args;
    let id = kinds::kind(&address.kind).map_or(id.clone(), |kind| kind.id_given(&id));
    let stack = context::load(&args.stack)?;
    let variables = context::variables(&args.stack, &stack)?;
    context::check(&stack, &variables, printer)?;
    let aws = args.audit.open(&args.aws, &stack, printer)?;
    let session = context::connect(&aws, &stack, printer).await?;
    let holder = Holder::new("import", Some(session.caller()));
    let store = context::store(&aws, &stack, &session, &holder).await?;
    locked(&store, holder, &args.lock, printer, async |lock| {
        let planning = async {
            let ledger = context::ledger(&store, &stack, Some(&session)).await?;
            let facts = facts::facts(&aws, &session, &stack, false).await?;
            let eval = context::eval(&stack, facts, variables)?;
            let place = declared(&stack, &eval, &address)?;
            if is_there(&stack, &ledger, &address, &id, &place)? {
                return Ok(None);
            }
            let selection = Selection { import: Some((address.clone(), id.clone())), adopt, ..Selection::default() };
            let mut plan = plan::make(printer, Some(&session), &stack, &eval, &ledger, &selection).await?;
            // The import sets the owner tags itself, so they are no change of the next apply.
            for change in &mut plan.changes {
                change.attributes.retain(|one| !one.is_owner_tag());
                if change.attributes.is_empty() && change.action == Action::Update {
                    change.action = Action::NoOp;
                }
            }
            let (colour, width) = (printer.colour(), printer.width());
            printer.out(&render(&plan, &TextOptions { colour, width, ..TextOptions::default() }));
            Ok(Some((eval, plan, ledger)))
        };
        let Some((eval, plan, mut ledger)) = interruptible(planning).await? else {
            printer.out(&format!("{address} is already {id} in the ledger; nothing was changed\n"));
            return Ok(Exit::Done);
        };
        let _working = signals::begin()?;
        let locked = LockedLedger { ledger: &mut ledger, store: &store, lock };
        let tagged = apply::import(&session, &eval, &plan, locked)
            .await
            .map_err(|error| Failure::new(Exit::Error, vec![error], stack.sources.clone()))?;
        let tags = match tagged {
            apply::Tagged::Set => "; its owner tags were set",
            apply::Tagged::Before => "; it already had the owner tags",
            apply::Tagged::Never => "; AWS cannot tag it, so only the ledger records its owner",
        };
        printer.out(&format!("\n{address} is now {id}, in {}{tags}.\n", store.place()));
        let left = plan.changes.iter().find(|change| change.address == address);
        printer.out(match left.map(|change| change.action) {
            Some(Action::NoOp) | None => "It matches its declaration.\n",
            Some(Action::Replace { .. }) => {
                "The next apply replaces it. To keep it, declare it as it is: dwctl plan shows what differs.\n"
            }
            Some(_) => "The next apply changes it as shown.\n",
        });
        let calls_line = call_counts_line(&session.call_counts(), began.elapsed(), printer.width());
        printer.out(&format!("{}\n", printer.dim(&calls_line)));
        Ok(Exit::Done)
    })
    .await
}

/// The place of the resource declared under an address; an error if there is none.
fn declared(stack: &Stack, eval: &EvalContext<'_>, address: &Address) -> Result<Place, Failure> {
    let mut problems = Vec::new();
    let instances = eval.evaluate_all(&mut problems);
    if let Some(instance) = instances.iter().find(|instance| instance.address == *address) {
        return Ok(instance.place.clone());
    }
    let names: Vec<String> = instances.iter().map(|instance| instance.address.to_string()).collect();
    let error = Diagnostic::error("unknown-address", format!("the stack declares no `{address}`"));
    let error = match stack.resource(address) {
        Some(resource) => error.at(resource.span, "this block has other keys, or is disabled"),
        None => error,
    };
    let error = match crate::diag::nearest(&address.to_string(), names.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    };
    let error = error
        .note("nothing was changed")
        .help(format!("declare it first: [{}]", address.declaration()))
        .help(format!("dwctl explain {} shows its attributes", address.kind));
    Err(Failure::new(Exit::Invalid, vec![error], stack.sources.clone()))
}

/// Returns whether the ledger already has exactly this entry; an error if it has a different one.
fn is_there(
    stack: &Stack,
    ledger: &Ledger,
    address: &Address,
    id: &str,
    place: &Place,
) -> Result<bool, Failure> {
    let refused = |error: Diagnostic| {
        let declared = stack.resource(address);
        let error = error.at_maybe(declared.map(|resource| resource.span), "declared here");
        let error = error.note("the ledger and AWS were left as they are");
        Failure::new(Exit::Refused, vec![error], stack.sources.clone())
    };
    if let Some(entry) = ledger.resources.get(address) {
        if entry.id == id {
            return Ok(true);
        }
        let error = Diagnostic::error("refused", format!("{address} is already another resource"))
            .note(format!("the ledger has {}, the import is {id}", entry.id))
            .help(format!("to give that one up first: dwctl ledger forget '{address}'"));
        return Err(refused(error));
    }
    let other = ledger
        .resources
        .iter()
        .find(|(other, entry)| other.kind == address.kind && entry.id == id && entry.place == *place);
    if let Some((other, _)) = other {
        let error = Diagnostic::error("refused", format!("{id} is already {other} of this stack"))
            .help(format!("to give it the new address: dwctl ledger move '{other}' '{address}'"));
        return Err(refused(error));
    }
    Ok(false)
}
