//! `dwctl ledger unlock`.

use super::{AuditArgs, LedgerArgs};
use crate::cli::printer::Printer;
use crate::cli::{Exit, Failure, Outcome};
use crate::diag::Diagnostic;

/// Releases the ledger's lock by its id, whoever holds it. Use it if the holder is known to be gone.
/// A holder that is still running stops before its next step.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of the lock, as printed by the command that was refused or by `dwctl ledger show`.
    id: String,

    #[command(flatten)]
    place: LedgerArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger unlock", Some(&args.audit), printer).await?;
    let Some(s3) = opened.store.as_s3() else {
        let error = match opened.store.holder().await? {
            Some(holder) => {
                Diagnostic::error("refused", "the lock of a local file cannot be released by hand")
                    .note(format!("it is held by {}", holder.words()))
                    .help("it is released when that process ends, however it ends")
            }
            None => Diagnostic::error("not-locked", format!("{} is not locked", opened.store.place())),
        };
        return Err(Failure::from(error));
    };
    let holder = s3.unlock(&args.id).await?;
    printer.out(&format!("released; it was held by {}\n", holder.words()));
    Ok(Exit::Done)
}
