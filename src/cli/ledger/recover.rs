//! `dwctl ledger recover`.

use std::path::PathBuf;

use super::{AuditArgs, LedgerArgs, LockArgs, context, facts};
use crate::apply::{self, Recovered};
use crate::cli::locking::{self, interruptible, locked};
use crate::cli::printer::Printer;
use crate::cli::{Exit, Outcome, StackArgs, plan};
use crate::diag::counted;
use crate::graph::Address;
use crate::ledger::{Holder, Snapshot};
use crate::lines::hang;
use crate::plan::Selection;

/// Rebuilds a lost ledger, or completes one, from live AWS. Existing entries stay, and nothing at AWS
/// is changed.
///
/// Declared resources are found by their names or owner tags. Resources that are no longer declared
/// are found in the tag index and among the account's roles. S3 objects are not in the tag index, and
/// some kinds have no tags: of these, only declared ones are found.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: LedgerArgs,

    /// Sets a variable; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,

    /// Sets variables from a TOML or JSON file; may be repeated.
    #[arg(long, value_name = "FILE")]
    var_file: Vec<PathBuf>,

    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let stack_args = StackArgs { var: args.var, var_file: args.var_file, ..args.place.stack_args() };
    let stack = context::load(&stack_args)?;
    let variables = context::variables(&stack_args, &stack)?;
    context::check(&stack, &variables, printer)?;
    let aws = args.audit.open(&args.place.aws, &stack, printer)?;
    let session = context::connect(&aws, &stack, printer).await?;
    let holder = Holder::new("ledger recover", Some(session.caller()));
    let store = context::store(&aws, &stack, &session, &holder).await?;
    locked(&store, holder, &args.lock, printer, async |_| {
        let work = async {
            let mut ledger = context::ledger(&store, &stack, Some(&session)).await?;
            let before = ledger.clone();
            let facts = facts::facts(&aws, &session, &stack, true).await?;
            let eval = context::eval(&stack, facts, variables)?;
            let selection = Selection { adopt: true, recover: true, ..Selection::default() };
            let found = plan::make(printer, Some(&session), &stack, &eval, &ledger, &selection).await?;
            let recovered = apply::recover(&session, &eval, &found, &mut ledger).await;
            print(&recovered, printer);
            Ok((before, ledger))
        };
        let (before, mut ledger) = interruptible(work).await?;
        if ledger == before {
            printer.out("the ledger already had everything that was found; it was left as it is\n");
        } else {
            locking::write(&store, Snapshot::of(&mut ledger)).await?;
            printer.out(&format!(
                "{} now has {}, {} of them recovered\n",
                store.place(),
                counted(ledger.resources.len(), "resource"),
                ledger.resources.len() - before.resources.len()
            ));
        }
        Ok(Exit::Done)
    })
    .await
}

fn print(recovered: &Recovered, printer: &Printer) {
    let list = |title: &str, found: &[(Address, String)]| {
        if !found.is_empty() {
            printer.out(&format!("{title}:\n"));
        }
        for (address, words) in found {
            let line = format!("  {address}  {words}");
            printer.out(&format!("{}\n", hang(&line, 6, printer.width())));
        }
    };
    list("found by owner tags", &recovered.by_tags);
    list("found by name, since AWS cannot tag them", &recovered.by_name);
    list("no longer declared; the next apply destroys it", &recovered.undeclared);
    list("not confirmed; left out", &recovered.unconfirmed);
    let missing: Vec<(Address, String)> =
        recovered.missing.iter().map(|address| (address.clone(), String::new())).collect();
    list("declared but not found; the next apply creates them", &missing);
    for words in &recovered.search_errors {
        printer.note(&format!("not searched: {words}"));
    }
}
