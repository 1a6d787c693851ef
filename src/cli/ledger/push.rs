//! `dwctl ledger push`.

use std::path::PathBuf;

use super::{AuditArgs, LedgerArgs, LockArgs, context};
use crate::cli::locking::{self, interruptible, locked};
use crate::cli::printer::Printer;
use crate::cli::{Exit, Failure, Outcome};
use crate::diag::{Diagnostic, counted};
use crate::files::{bounded, read_given};
use crate::ledger::{Ledger, Snapshot};
use crate::limits;

/// Uploads a ledger from a file, such as the copy that was kept when the store could not be reached.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file; `-` for standard input.
    file: PathBuf,

    /// Overwrites even a newer ledger, or one of another lineage.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    place: LedgerArgs,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger push", Some(&args.audit), printer).await?;
    let name = args.file.display().to_string();
    let text = match name.as_str() {
        "-" => bounded(std::io::stdin().lock(), limits::LEDGER),
        _ => read_given(&args.file, limits::LEDGER),
    };
    let text = text.map_err(|refusal| {
        Diagnostic::error("unreadable", format!("cannot read {name}")).note(refusal.describe(&name))
    })?;
    let mut pushed = Ledger::parse(&text, &name)?;
    context::belongs(&pushed, &name, &opened.stack, opened.session.as_ref())?;
    locked(&opened.store, opened.holder.clone(), &args.lock, printer, async |_| {
        if let Some(there) = interruptible(async { Ok(opened.store.read().await?) }).await? {
            if !args.force {
                check(&pushed, &there, &name)?;
            }
            pushed.serial = pushed.serial.max(there.serial);
        }
        locking::write(&opened.store, Snapshot::of(&mut pushed)).await?;
        printer.out(&format!(
            "{} now holds {name}, {}, as serial {}\n",
            opened.store.place(),
            counted(pushed.resources.len(), "resource"),
            pushed.serial
        ));
        Ok(Exit::Done)
    })
    .await
}

/// Checks that the pushed ledger continues the one in the store.
fn check(pushed: &Ledger, there: &Ledger, name: &str) -> Result<(), Failure> {
    let message = if pushed.lineage != there.lineage {
        format!("{name} has another lineage")
    } else if pushed.serial < there.serial {
        format!("{name} is older than the ledger")
    } else {
        return Ok(());
    };
    Err(Diagnostic::error("refused", message)
        .note(format!("the ledger: serial {}, lineage {}", there.serial, there.lineage))
        .note(format!("the file: serial {}, lineage {}", pushed.serial, pushed.lineage))
        .note("the ledger was left as it is")
        .help("dwctl ledger recover completes the ledger from live AWS")
        .help("to write it anyway, add --force")
        .into())
}
