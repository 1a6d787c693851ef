//! `dwctl ledger move`.

use clap_complete::engine::ArgValueCompleter as Completer;

use super::{AuditArgs, LedgerArgs, LockArgs, address, unknown};
use crate::cli::completions;
use crate::cli::printer::Printer;
use crate::cli::{Failure, Outcome};
use crate::diag::{Diagnostic, a};
use crate::graph::Address;

/// Renames the address of a resource, without changing it at AWS.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The current address.
    #[arg(value_parser = address, add = Completer::new(completions::owned))]
    from: Address,

    /// The new address.
    #[arg(value_parser = address, add = Completer::new(completions::addresses))]
    to: Address,

    #[command(flatten)]
    place: LedgerArgs,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger move", Some(&args.audit), printer).await?;
    let (from, to) = (args.from, args.to);
    opened
        .edit(&args.lock, printer, |ledger| {
            let refused = |message: String| {
                Failure::from(Diagnostic::error("refused", message).note("the ledger was left as it is"))
            };
            if !ledger.resources.contains_key(&from) {
                return Err(unknown(ledger, &from).into());
            }
            if from.kind != to.kind {
                return Err(refused(format!("{} cannot become {}", a(&from.kind), a(&to.kind))));
            }
            if ledger.resources.contains_key(&to) {
                return Err(refused(format!("the address {to} is taken")));
            }
            ledger.rename(&from, &to);
            Ok(format!("{from} is now {to}; the next apply changes its tag"))
        })
        .await
}
