//! `--audit`: the file in which commands record their changes.

use std::path::PathBuf;

use super::printer::Printer;
use super::{AwsArgs, Failure};
use crate::aws::Audit;
use crate::diag::Diagnostic;
use crate::stack::Stack;

/// The options of the audit file.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct AuditArgs {
    /// Appends a JSON line for each call that changes something at AWS.
    #[arg(long, env = "DWCTL_AUDIT", value_name = "FILE")]
    audit: Option<PathBuf>,
}

impl AuditArgs {
    /// Opens the audit file, before the first call so that every call can be recorded. Returns how to reach
    /// AWS with it.
    pub(super) fn open(&self, aws: &AwsArgs, stack: &Stack, printer: &Printer) -> Result<AwsArgs, Failure> {
        let Some(path) = self.audit.as_ref().filter(|path| !path.as_os_str().is_empty()) else {
            return Ok(aws.clone());
        };
        super::files::guard(&[path], &[&stack.folder], &[])?;
        let audit = Audit::open(path, &stack.name, &stack.env).map_err(|error| {
            Diagnostic::error("audit", format!("cannot write the audit file {}", path.display()))
                .note(error.to_string())
                .note("AWS was not called")
                .help("make the file writable, or choose another one")
        })?;
        printer.audited(&audit);
        Ok(AwsArgs { audit: Some(audit), ..aws.clone() })
    }
}
