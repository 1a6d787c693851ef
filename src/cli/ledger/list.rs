//! `dwctl ledger list`.

use clap_complete::engine::ArgValueCompleter as Completer;

use super::{LedgerArgs, chosen, place};
use crate::cli::completions;
use crate::cli::printer::Printer;
use crate::cli::{Exit, Outcome};
use crate::graph::Place;
use crate::ledger::Ledger;
use crate::lines::{hang, table};

/// Lists the stack's resources: address, id, region, and time of the last apply.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Lists only this resource, all keys of this `for_each`, or all that is in this module.
    #[arg(value_parser = place, add = Completer::new(completions::owned_places))]
    address: Option<Place>,

    #[command(flatten)]
    place: LedgerArgs,

    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    let mut ledger = args.place.open("ledger list", None, printer).await?.ledger().await?;
    if let Some(place) = &args.address {
        let chosen = chosen(&ledger, place)?;
        ledger.resources.retain(|address, _| chosen.contains(address));
        ledger.deposed.retain(|address, _| chosen.contains(address));
        ledger.intents.retain(|address, _| chosen.contains(address));
    }
    if args.json {
        let resources: Vec<serde_json::Value> = ledger
            .resources
            .iter()
            .map(|(address, entry)| {
                let mut one = serde_json::json!({
                    "address": address, "id": entry.id, "region": entry.place.region, "applied": entry.applied,
                    "needs": entry.needs, "protect": entry.protect, "retain": entry.retain,
                });
                if let Some(account) = &entry.place.account {
                    one["account_id"] = serde_json::json!(account);
                }
                one
            })
            .collect();
        printer.json(&format!("{:#}\n", serde_json::Value::Array(resources)));
        return Ok(Exit::Done);
    }
    printer.out(&rows(&ledger, printer.width()));
    for (address, entry) in
        ledger.deposed.iter().flat_map(|(address, all)| all.iter().map(move |one| (address, one)))
    {
        let words = "replaced; the next apply destroys it";
        print_line(format!("{address}  {}  {}  {words}", entry.id, entry.place), printer);
    }
    for address in ledger.intents.keys() {
        print_line(
            format!("{address}  may have been created by an interrupted apply; the next one looks for it"),
            printer,
        );
    }
    Ok(Exit::Done)
}

fn print_line(line: String, printer: &Printer) {
    printer.out(&format!("{}\n", hang(&line, 4, printer.width())));
}

/// A row for each resource. If the terminal is too narrow, the time of the last apply is dropped first, then
/// the region, then part of the id.
fn rows(ledger: &Ledger, width: Option<usize>) -> String {
    /// Characters of an id that should stay visible.
    const ENOUGH: usize = 40;
    let columns = |from: &[usize]| -> Vec<Vec<String>> {
        let all = ledger.resources.iter().map(|(address, entry)| {
            let address = address.to_string();
            let day = entry.applied.split('T').next().unwrap_or_default();
            let all = [address.as_str(), &entry.id, &entry.place.to_string(), &entry.applied, day];
            from.iter().filter_map(|at| all.get(*at)).map(|one| (*one).to_owned()).collect()
        });
        all.collect()
    };
    let fits = |rows: &Vec<Vec<String>>| {
        let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let count = rows.first().map_or(0, Vec::len);
        let all: usize =
            (0..count).map(|at| if at == 1 { widest(at).min(ENOUGH) } else { widest(at) } + 2).sum();
        width.is_none_or(|width| all <= width + 2)
    };
    let choices: [&[usize]; 3] = [&[0, 1, 2, 3], &[0, 1, 2, 4], &[0, 1, 2]];
    let rows = choices.into_iter().map(columns).find(fits).unwrap_or_else(|| columns(&[0, 1]));
    table(&rows, 1, width)
}
