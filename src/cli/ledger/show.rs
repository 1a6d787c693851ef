//! `dwctl ledger show`.

use clap_complete::engine::ArgValueCompleter as Completer;

use super::{LedgerArgs, address, unknown};
use crate::cli::completions;
use crate::cli::printer::Printer;
use crate::cli::{Exit, Outcome};
use crate::graph::Address;
use crate::lines::pairs;

/// Shows the ledger's location, owner and lock holder, or one resource.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Shows only this resource.
    #[arg(value_parser = address, add = Completer::new(completions::owned))]
    address: Option<Address>,

    #[command(flatten)]
    place: LedgerArgs,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let opened = args.place.open("ledger show", None, printer).await?;
    let ledger = opened.ledger().await?;
    let mut lines: Vec<(&str, String)> = Vec::new();
    match &args.address {
        None => {
            lines.push(("stack", format!("{}/{}", ledger.stack, ledger.env)));
            lines.push(("account", ledger.account.clone()));
            lines.push(("location", opened.store.place()));
            lines.push(("lineage", ledger.lineage.clone()));
            lines.push(("serial", ledger.serial.to_string()));
            lines.push(("format", ledger.version.to_string()));
            lines.push(("resources", ledger.resources.len().to_string()));
            lines.push(("unfinished", ledger.intents.len().to_string()));
            let deposed: usize = ledger.deposed.values().map(Vec::len).sum();
            if deposed > 0 {
                lines.push(("deposed", deposed.to_string()));
            }
            let lock = opened.store.holder().await?;
            lines.push((
                "lock",
                lock.map_or("free".to_owned(), |held| format!("{}: {}", held.id, held.words())),
            ));
        }
        Some(address) => {
            let Some(entry) = ledger.resources.get(address) else {
                return Err(unknown(&ledger, address).into());
            };
            lines.push(("address", address.to_string()));
            lines.push(("id", entry.id.clone()));
            lines.push(("region", entry.place.region.clone()));
            lines.extend(entry.place.account_words().map(|account| ("account", account)));
            let deposed: Vec<&str> =
                ledger.deposed.get(address).into_iter().flatten().map(|one| one.id.as_str()).collect();
            if !deposed.is_empty() {
                lines.push(("deposed", deposed.join(", ")));
            }
            lines.push(("applied", entry.applied.clone()));
            lines.push(("protected", if entry.protect { "yes" } else { "no" }.to_owned()));
            lines.push(("retained", if entry.retain { "yes" } else { "no" }.to_owned()));
            let needs: Vec<String> = entry.needs.iter().map(ToString::to_string).collect();
            lines.push(("needs", needs.join(", ")));
            let known: Vec<&str> = entry.fingerprints.keys().map(String::as_str).collect();
            lines.push(("fingerprints", known.join(", ")));
        }
    }
    let lines: Vec<(String, String)> =
        lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    printer.out(&pairs(&lines, 0, "  ", printer.width()));
    Ok(Exit::Done)
}
