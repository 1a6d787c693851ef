//! `dwctl ledger list`.

use super::WhereArgs;
use crate::cli::printer::Printer;
use crate::cli::{Exit, Outcome};

/// Lists what the stack owns: address, id, region, when it was last applied.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: WhereArgs,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let ledger = args.place.open("ledger list", None, printer).await?.ledger().await?;
    if args.json {
        let resources: Vec<serde_json::Value> = ledger
            .resources
            .iter()
            .map(|(address, entry)| {
                serde_json::json!({
                    "address": address, "id": entry.id, "region": entry.region, "applied": entry.applied,
                    "needs": entry.needs, "protect": entry.protect, "retain": entry.retain,
                })
            })
            .collect();
        printer.json(&format!("{:#}\n", serde_json::Value::Array(resources)));
        return Ok(Exit::Done);
    }
    let addresses = ledger.resources.keys().map(ToString::to_string);
    let rows: Vec<[String; 4]> = addresses
        .zip(ledger.resources.values())
        .map(|(address, entry)| [address, entry.id.clone(), entry.region.clone(), entry.applied.clone()])
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (width(0), width(1), width(2));
    for [address, id, region, applied] in &rows {
        printer.out(&format!("{address:first$}  {id:second$}  {region:third$}  {applied}\n"));
    }
    for (address, entry) in
        ledger.deposed.iter().flat_map(|(address, all)| all.iter().map(move |one| (address, one)))
    {
        printer.out(&format!(
            "{address}  {}  {}  replaced, and to be destroyed by the next apply\n",
            entry.id, entry.region
        ));
    }
    for address in ledger.intents.keys() {
        printer.out(&format!("{address}  about to be made when an apply ended; the next one looks for it\n"));
    }
    Ok(Exit::Done)
}
