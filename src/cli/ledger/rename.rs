//! `dwctl ledger move`.

use clap_complete::engine::ArgValueCompleter as Completer;

use super::{AuditArgs, LedgerArgs, LockArgs, chosen, place};
use crate::cli::completions;
use crate::cli::printer::Printer;
use crate::cli::{Failure, Outcome};
use crate::diag::{Diagnostic, FileId, Span, a, counted};
use crate::graph::{Address, Place};
use crate::ledger::Ledger;
use crate::stack::{Moved, Moves};

/// Renames the address of a resource or of a module, without changing anything at AWS.
///
/// A module moves with all that is in it, and a `for_each` with all its keys, if the new address has none.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The current address: of a resource, or of a module such as module.lake.
    #[arg(value_parser = place, add = Completer::new(completions::owned_places))]
    from: Place,

    /// The new address.
    #[arg(value_parser = place, add = Completer::new(completions::places))]
    to: Place,

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
            let renames = renames(ledger, &from, &to).map_err(Failure::from)?;
            for (from, to) in &renames {
                ledger.rename(from, to);
            }
            Ok(match renames.as_slice() {
                [(from, to)] => format!("{from} is now {to}; the next apply changes its tag"),
                all => {
                    let count = counted(all.len(), "resource");
                    format!("{from} is now {to}: {count}; the next apply changes their tags")
                }
            })
        })
        .await
}

/// The new address of each resource that a move is about. None is taken, and none is moved if one cannot be.
fn renames(ledger: &Ledger, from: &Place, to: &Place) -> Result<Vec<(Address, Address)>, Diagnostic> {
    let refused =
        |message: String| Diagnostic::error("refused", message).note("the ledger was left as it is");
    let kind = |place: &Place| match place {
        Place::Module(_) => "module".to_owned(),
        Place::Resource(address) => address.kind.clone(),
    };
    let moved = chosen(ledger, from)?;
    if kind(from) != kind(to) {
        return Err(refused(format!("{} cannot become {}", a(&kind(from)), a(&kind(to)))));
    }
    let span = Span::new(FileId(0), 0, 0);
    let block = [Moved { within: Vec::new(), from: from.clone(), to: to.clone(), span }];
    let moves = Moves::of(&block);
    let renamed = |address: &Address| moves.follow(address).ok().flatten().map(|(to, _)| to);
    let mut renames: Vec<(Address, Address)> = Vec::new();
    for address in &moved {
        let to = renamed(address).ok_or_else(|| refused(format!("{address} has no address in {to}")))?;
        let is_taken = ledger.resources.contains_key(&to) && !moved.contains(&to);
        if is_taken || renames.iter().any(|(_, other)| *other == to) {
            return Err(refused(format!("the address {to} is taken")));
        }
        renames.push((address.clone(), to));
    }
    if renames.iter().any(|(_, to)| moved.contains(to)) {
        return Err(refused(format!("{to} is a part of {from}")));
    }
    if renames.iter().all(|(from, _)| !ledger.resources.contains_key(from)) {
        return Err(super::unknown(ledger, from));
    }
    Ok(renames)
}
