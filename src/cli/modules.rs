//! `dwctl modules`: fetches modules of other repositories.

mod fetch;
mod repository;

use super::Outcome;
use super::printer::Printer;

/// Fetches modules of other repositories.
///
/// A source such as "git::https://github.com/acme/modules.git//lake?ref=v1.2.0" is pinned to a commit and a
/// checksum in dwctl.lock.toml. No command but `fetch` reads other repositories.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Fetch(fetch::Args),
}

pub(super) fn run(args: Args, printer: &Printer) -> Outcome {
    match args.verb {
        Verb::Fetch(args) => fetch::run(&args, printer),
    }
}
