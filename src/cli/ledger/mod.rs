//! `dwctl ledger`: inspects and repairs the ledger.

mod forget;
mod init;
mod list;
mod open;
mod pull;
mod push;
mod recover;
mod rename;
mod show;
mod unlock;

use super::audit::AuditArgs;
use super::locking::LockArgs;
use super::printer::Printer;
use super::{Outcome, context, facts};
use open::{LedgerArgs, address, unknown};
pub(super) use open::{chosen, place};

/// Inspects and repairs the ledger.
///
/// The ledger records which resources the stack owns, and their ids. It is in .dwctl in the stack's
/// folder, or in S3 if the stack has a [ledger] table.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Init(init::Args),
    List(list::Args),
    Show(show::Args),
    Move(rename::Args),
    Forget(forget::Args),
    Recover(recover::Args),
    Unlock(unlock::Args),
    Pull(pull::Args),
    Push(push::Args),
}

pub(super) async fn run(args: Args, printer: &Printer) -> Outcome {
    match args.verb {
        Verb::Init(args) => init::run(args, printer).await,
        Verb::List(args) => list::run(args, printer).await,
        Verb::Show(args) => show::run(args, printer).await,
        Verb::Move(args) => rename::run(args, printer).await,
        Verb::Forget(args) => forget::run(args, printer).await,
        Verb::Recover(args) => recover::run(args, printer).await,
        Verb::Unlock(args) => unlock::run(args, printer).await,
        Verb::Pull(args) => pull::run(args, printer).await,
        Verb::Push(args) => push::run(args, printer).await,
    }
}
