//! Arguments that several commands take.

use clap::Args;
use clap_complete::engine::ArgValueCompleter as Completer;

use super::completions;
use super::switch::switch;

/// The values in files named on the command line, each with its source and name, and the problems with
/// these files.
pub(super) type Given = (Vec<(String, String, crate::value::Value)>, Vec<crate::diag::Diagnostic>);

/// Selects the stack, and sets its variables.
#[derive(Clone, Debug, Args)]
pub(super) struct StackArgs {
    /// Folder of the stack.
    #[arg(default_value = ".", env = "DWCTL_STACK")]
    pub(super) stack: std::path::PathBuf,

    /// Environment: reads env/NAME.toml and has its own ledger.
    #[arg(short, long, env = "DWCTL_ENV", value_name = "NAME", add = Completer::new(completions::environments))]
    pub(super) env: Option<String>,

    /// Sets a variable; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) var: Vec<String>,

    /// Sets variables from a TOML or JSON file; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(super) var_file: Vec<std::path::PathBuf>,

    /// The content of these files, which may be pipes: they are read once.
    #[arg(skip)]
    pub(super) given: std::cell::OnceCell<Given>,
}

/// How to reach AWS.
#[derive(Clone, Debug, Args)]
pub(super) struct AwsArgs {
    /// Uses the local AWS, and starts it if needed. No request leaves this machine.
    #[arg(long, env = "DWCTL_SANDBOX", value_parser = |text: &str| switch("DWCTL_SANDBOX", text))]
    pub(super) sandbox: bool,

    /// Endpoint for every service, such as that of an emulator.
    #[arg(long, env = "DWCTL_ENDPOINT_URL", value_name = "URL")]
    pub(super) endpoint_url: Option<String>,

    /// Profile in the shared AWS configuration files.
    #[arg(long, env = "DWCTL_PROFILE", value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// The file that records every call that changes something: see [`audit::AuditArgs`].
    #[arg(skip)]
    pub(super) audit: Option<crate::aws::Audit>,
}

/// Selects a part of the stack.
#[derive(Clone, Debug, Args)]
pub(super) struct SelectArgs {
    /// Only this address, with its dependencies and, when it is destroyed, its dependents; may be
    /// repeated.
    #[arg(long, value_name = "ADDRESS", add = Completer::new(completions::places))]
    pub(super) target: Vec<String>,

    /// Leaves out this address, its dependents, and what cannot be deleted without it; may be repeated.
    #[arg(long, value_name = "ADDRESS", add = Completer::new(completions::places))]
    pub(super) exclude: Vec<String>,

    /// Replaces this resource; may be repeated.
    #[arg(long, value_name = "ADDRESS", add = Completer::new(completions::addresses))]
    pub(super) replace: Vec<String>,

    /// Takes over existing resources that may belong to someone else.
    #[arg(long)]
    pub(super) adopt: bool,

    /// Also compares settings that the stack does not declare, such as a policy added by hand.
    #[arg(long, env = "DWCTL_DEEP", value_parser = |text: &str| switch("DWCTL_DEEP", text))]
    pub(super) deep: bool,
}
