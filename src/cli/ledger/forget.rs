//! `dwctl ledger forget`.

use clap_complete::engine::ArgValueCompleter as Completer;

use super::{AuditArgs, LedgerArgs, LockArgs, address, unknown};
use crate::cli::Outcome;
use crate::cli::completions;
use crate::cli::printer::Printer;
use crate::graph::Address;

/// Removes a resource from the ledger; it stays at AWS as it is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its address.
    #[arg(value_parser = address, add = Completer::new(completions::owned))]
    address: Address,

    #[command(flatten)]
    place: LedgerArgs,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger forget", Some(&args.audit), printer).await?;
    let address = args.address;
    opened
        .edit(&args.lock, printer, |ledger| {
            if !ledger.resources.contains_key(&address) && ledger.intents.remove(&address).is_some() {
                return Ok(format!(
                    "{address} is forgotten; it is not known whether an interrupted apply created it"
                ));
            }
            let Some(entry) = ledger.resources.remove(&address) else {
                return Err(unknown(ledger, &address).into());
            };
            ledger.intents.remove(&address);
            ledger.deposed.remove(&address);
            Ok(format!(
                "{address} is forgotten; {} stays at AWS, with its owner tags: declaring it, or \
                 `dwctl ledger recover`, makes it the stack's again",
                entry.id
            ))
        })
        .await
}
