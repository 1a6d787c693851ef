//! `dwctl ledger forget`.

use clap_complete::engine::ArgValueCompleter as Completer;

use super::{AuditArgs, LedgerArgs, LockArgs, chosen, place};
use crate::cli::Outcome;
use crate::cli::completions;
use crate::cli::printer::Printer;
use crate::diag::counted;
use crate::graph::Place;

/// Removes a resource, or all that is in a module, from the ledger; it stays at AWS as it is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its address.
    #[arg(value_parser = place, add = Completer::new(completions::owned_places))]
    address: Place,

    #[command(flatten)]
    place: LedgerArgs,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    audit: AuditArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger forget", Some(&args.audit), printer).await?;
    let place = args.address;
    opened
        .edit(&args.lock, printer, |ledger| {
            let mut lines = Vec::new();
            let chosen = chosen(ledger, &place)?;
            for address in &chosen {
                let intended = ledger.intents.remove(address).is_some();
                let deposed = ledger.deposed.remove(address).into_iter().flatten();
                let mut ids: Vec<String> =
                    ledger.resources.remove(address).map(|one| one.id).into_iter().collect();
                ids.extend(deposed.map(|one| one.id));
                lines.push(match ids.join(", ") {
                    ids if !ids.is_empty() => format!("{address} is forgotten; {ids} stays at AWS"),
                    _ if intended => format!(
                        "{address} is forgotten; it is not known whether an interrupted apply created it"
                    ),
                    _ => format!("{address} is forgotten"),
                });
            }
            let stays =
                "with its owner tags: declaring it, or `dwctl ledger recover`, makes it the stack's again";
            match lines.as_mut_slice() {
                [one] if one.ends_with("stays at AWS") => one.push_str(&format!(", {stays}")),
                [_] => {}
                all => {
                    let count = counted(all.len(), "resource");
                    lines.push(format!("{count} forgotten; what stays at AWS stays {stays}"));
                }
            }
            Ok(lines.join("\n"))
        })
        .await
}
