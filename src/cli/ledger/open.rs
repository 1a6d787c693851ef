//! A stack and its ledger, for the commands that work on the ledger.

use std::collections::BTreeSet;

use clap_complete::engine::ArgValueCompleter as Completer;

use crate::aws::Session;
use crate::cli::audit::AuditArgs;
use crate::cli::locking::{self, LockArgs, interruptible, locked};
use crate::cli::printer::Printer;
use crate::cli::{AwsArgs, Exit, Failure, Outcome, StackArgs, completions, context};
use crate::diag::Diagnostic;
use crate::graph::{Address, Place};
use crate::ledger::{Holder, Ledger, Snapshot, Store};
use crate::stack::Stack;

/// The arguments that say which ledger is meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LedgerArgs {
    /// Folder of the stack.
    #[arg(long, default_value = ".", env = "DWCTL_STACK", value_name = "FOLDER")]
    pub(super) stack: std::path::PathBuf,

    /// Environment.
    #[arg(short, long, env = "DWCTL_ENV", value_name = "NAME", add = Completer::new(completions::environments))]
    pub(super) env: Option<String>,

    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// A stack and the store of its ledger.
pub(super) struct OpenLedger {
    pub(super) stack: Stack,
    /// The connection, if the ledger lives in S3.
    pub(super) session: Option<Session>,
    pub(super) store: Store,
    pub(super) holder: Holder,
    pub(super) aws: AwsArgs,
}

impl LedgerArgs {
    pub(super) fn stack_args(&self) -> StackArgs {
        StackArgs {
            stack: self.stack.clone(),
            env: self.env.clone(),
            var: Vec::new(),
            var_file: Vec::new(),
            given: Default::default(),
        }
    }

    /// Reads the stack, and connects to AWS only if its ledger lives there. `command` is shown to those who
    /// wait for the lock. `audit` is given by a command that changes something.
    pub(super) async fn open(
        &self,
        command: &str,
        audit: Option<&AuditArgs>,
        printer: &Printer,
    ) -> Result<OpenLedger, Failure> {
        let stack = context::load(&self.stack_args())?;
        let aws = match audit {
            Some(audit) => audit.open(&self.aws, &stack, printer)?,
            None => self.aws.clone(),
        };
        if stack.ledger.is_none() {
            let store = Store::local(context::local_store(&aws, &stack));
            let holder = Holder::new(command, None);
            return Ok(OpenLedger { stack, session: None, store, holder, aws });
        }
        context::has_region(&stack)?;
        let session = context::connect(&aws, &stack, printer).await?;
        let holder = Holder::new(command, Some(session.caller()));
        let store = context::store(&aws, &stack, &session, &holder).await?;
        Ok(OpenLedger { stack, session: Some(session), store, holder, aws })
    }
}

impl OpenLedger {
    /// The ledger; an error if there is none.
    pub(super) async fn ledger(&self) -> Result<Ledger, Failure> {
        if self.store.read().await?.is_none() {
            return Err(Diagnostic::error(
                "no-ledger",
                format!("there is no ledger at {}", self.store.place()),
            )
            .note("the first apply creates it")
            .help("if it was lost: dwctl ledger recover")
            .into());
        }
        context::ledger(&self.store, &self.stack, self.session.as_ref()).await
    }

    /// Changes the ledger under its lock, and prints what was done.
    pub(super) async fn edit(
        self,
        lock: &LockArgs,
        printer: &Printer,
        change: impl FnOnce(&mut Ledger) -> Result<String, Failure>,
    ) -> Outcome {
        locked(&self.store, self.holder.clone(), lock, printer, async |_| {
            let mut ledger = interruptible(self.ledger()).await?;
            let done = change(&mut ledger)?;
            locking::write(&self.store, Snapshot::of(&mut ledger)).await?;
            printer.out(&format!("{done}\n"));
            Ok(Exit::Done)
        })
        .await
    }
}

/// Parses an address argument.
pub(super) fn address(text: &str) -> Result<Address, String> {
    text.parse()
}

/// Parses the address of a resource or of a module.
pub(in crate::cli) fn place(text: &str) -> Result<Place, String> {
    text.parse()
}

/// The addresses of the ledger that a place stands for: a resource, all elements of a `for_each`, or all
/// that is in a module. Those of intents and of deposed resources count, too.
pub(in crate::cli) fn chosen(ledger: &Ledger, place: &Place) -> Result<BTreeSet<Address>, Diagnostic> {
    let all = ledger.resources.keys().chain(ledger.intents.keys()).chain(ledger.deposed.keys());
    let exact = match place {
        Place::Resource(address) => all.clone().any(|one| one == address).then(|| address.clone()),
        Place::Module(_) => None,
    };
    let chosen: BTreeSet<Address> = match exact {
        Some(address) => BTreeSet::from([address]),
        None => all.filter(|one| place.contains(one)).cloned().collect(),
    };
    if chosen.is_empty() { Err(unknown(ledger, place)) } else { Ok(chosen) }
}

/// The error for a place that is not in the ledger.
pub(in crate::cli) fn unknown(ledger: &Ledger, place: &impl std::fmt::Display) -> Diagnostic {
    let names: BTreeSet<String> = ledger
        .resources
        .keys()
        .flat_map(|address| {
            let module = (!address.module.is_root()).then(|| address.module.to_string());
            module.into_iter().chain([address.to_string()])
        })
        .collect();
    let error = Diagnostic::error("unknown-address", format!("the ledger has no `{place}`"));
    match crate::diag::nearest(&place.to_string(), names.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("dwctl ledger list shows all"),
    }
}
