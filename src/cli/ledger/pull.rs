//! `dwctl ledger pull`.

use super::LedgerArgs;
use crate::cli::printer::Printer;
use crate::cli::{Exit, Outcome};

/// Prints the ledger as JSON.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: LedgerArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let ledger = args.place.open("ledger pull", None, printer).await?.ledger().await?;
    printer.json(&String::from_utf8_lossy(&ledger.text()));
    Ok(Exit::Done)
}
