//! `dwctl ledger init`.

use super::{AuditArgs, LedgerArgs, context};
use crate::cli::printer::Printer;
use crate::cli::{Exit, Failure, Outcome};
use crate::diag::Diagnostic;
use crate::ledger;

/// Creates the S3 bucket that [ledger] names, or repairs its settings: private, versioned, encrypted,
/// TLS only.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: LedgerArgs,
    #[command(flatten)]
    audit: AuditArgs,

    /// Uses an existing bucket that holds other objects, and changes its settings.
    #[arg(long)]
    adopt: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger init", Some(&args.audit), printer).await?;
    let (Some(session), Some(s3)) = (&opened.session, opened.store.as_s3()) else {
        return Err(Failure::from(
            Diagnostic::error("no-bucket", "the stack's ledger is a local file, which needs no bucket")
                .note(format!("it is {}", opened.store.place()))
                .help("to keep it in S3, add [ledger] with a bucket to stack.toml"),
        ));
    };
    let of_profile = context::ledger_session(&opened.aws, &opened.stack).await?;
    let done = ledger::ensure_bucket(of_profile.as_ref().unwrap_or(session), s3, args.adopt).await?;
    for step in &done {
        printer.out(&format!("{step}\n"));
    }
    let words = if done.is_empty() { "the bucket is already set up" } else { "the bucket is ready" };
    printer.out(&format!("{words}; the ledger is at {}\n", opened.store.place()));
    Ok(Exit::Done)
}
