//! The audit file: one JSON line for each call that changed, or may have changed, something at AWS. It
//! holds names and outcomes, never a request or an answer, so that no secret can get into it.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use serde::Serialize;

use super::{answer, transport};

tokio::task_local! {
    /// The resource that the calls of this task are for.
    static ADDRESS: String;
}

/// Runs work for a resource. The audit file shows the address with each of its calls.
pub async fn on_behalf_of<T>(address: String, work: impl Future<Output = T>) -> T {
    ADDRESS.scope(address, work).await
}

/// The prefixes of operations that change nothing. Operations of any other name are recorded: better
/// one line too many.
const READS: &[&str] = &[
    "Get",
    "List",
    "Describe",
    "Head",
    "BatchGet",
    "Lookup",
    "Search",
    "Simulate",
    "Validate",
    "AssumeRole",
];

fn changes_something(operation: &str) -> bool {
    !READS.iter().any(|verb| operation.starts_with(verb))
}

/// The audit file of a run, shared by clones.
#[derive(Clone, Debug)]
pub struct Audit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    stack: String,
    env: String,
    file: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    file: File,
    trouble: Option<io::Error>,
}

/// One line. README.md explains the fields.
#[derive(Serialize)]
struct Line<'l> {
    time: String,
    stack: &'l str,
    env: &'l str,
    address: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'l str>,
    region: &'l str,
    service: &'l str,
    operation: &'l str,
    request_id: Option<&'l str>,
    result: &'l str,
    attempt: u32,
    duration_ms: u64,
}

impl Audit {
    /// Opens the file for appending. A new one is readable by its owner alone.
    ///
    /// # Errors
    /// An I/O error.
    pub fn open(path: &Path, stack: &str, env: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            stack: stack.to_owned(),
            env: env.to_owned(),
            file: Mutex::new(Written { file: options.open(path)?, trouble: None }),
        })))
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The reason why lines are missing, if any are.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.as_ref().map(ToString::to_string)
    }

    // A line is written by one system call, so a panic leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, line: &Line<'_>) {
        // Strings and numbers always have a JSON form.
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        let mut written = self.lock();
        if let Err(error) = written.file.write_all(&text) {
            written.trouble.get_or_insert(error);
        }
    }
}

/// An interceptor that writes the audit file, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    pub(super) audit: Option<Audit>,
    /// The account of the calls, if it is not the stack's own.
    pub(super) account: Option<String>,
}

/// A running attempt.
#[derive(Debug)]
struct Attempt {
    audit: Audit,
    address: Option<String>,
    account: Option<String>,
    region: String,
    service: String,
    operation: String,
    number: u32,
    time: jiff::Timestamp,
    began: Instant,
    recorded: AtomicBool,
}

impl Storable for Attempt {
    type Storer = StoreReplace<Self>;
}

impl Attempt {
    fn record(&self, result: &str, request_id: Option<&str>) {
        if self.recorded.swap(true, Ordering::Relaxed) {
            return;
        }
        self.audit.write(&Line {
            time: format!("{:.3}", self.time),
            stack: &self.audit.0.stack,
            env: &self.audit.0.env,
            address: self.address.as_deref(),
            account_id: self.account.as_deref(),
            region: &self.region,
            service: &self.service,
            operation: &self.operation,
            request_id,
            result,
            attempt: self.number,
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }
}

impl Drop for Attempt {
    /// Abandoned without an answer: AWS may have carried it out.
    fn drop(&mut self) {
        self.record("NoAnswer", None);
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(audit) = &self.audit else { return Ok(()) };
        let operation = config.load::<Metadata>().map(|metadata| metadata.name().to_owned());
        let Some(operation) = operation.filter(|operation| changes_something(operation)) else {
            return Ok(());
        };
        let (service, region) = transport::signed_for(context.request());
        let attempt = Attempt {
            audit: audit.clone(),
            address: ADDRESS.try_with(Clone::clone).ok(),
            account: self.account.clone(),
            region: region.to_owned(),
            service: service.to_owned(),
            operation,
            number: config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts),
            time: jiff::Timestamp::now(),
            began: Instant::now(),
            recorded: AtomicBool::new(false),
        };
        config.interceptor_state().store_put(attempt);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(attempt) = config.load::<Attempt>() else { return Ok(()) };
        let Some(response) = context.response() else {
            attempt.record("NoAnswer", None);
            return Ok(());
        };
        let id = answer::request_id(response);
        let status = response.status().as_u16();
        let result = match status {
            ..400 => "ok".to_owned(),
            _ => answer::code(response).unwrap_or_else(|| format!("HTTP{status}")),
        };
        attempt.record(&result, id.as_deref());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Audit, Line, changes_something};

    #[test]
    fn operation_names_distinguish_reads_from_changes() {
        for read in ["GetObject", "ListTagsForResource", "DescribeVpcs", "HeadBucket", "BatchGetJobs"] {
            assert!(!changes_something(read), "{read}");
        }
        for change in ["CreateTopic", "PutObject", "Subscribe", "TagResource", "BatchDeleteTable", "NewVerb"]
        {
            assert!(changes_something(change), "{change}");
        }
    }

    #[test]
    fn lines_are_appended_to_a_private_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        for request_id in [None, Some("r")] {
            let audit = Audit::open(&path, "shop", "dev").expect("it can be written");
            let line = Line {
                time: "2026-01-01T00:00:00.000Z".to_owned(),
                stack: "shop",
                env: "dev",
                address: Some("sns_topic.alerts"),
                account_id: None,
                region: "us-east-1",
                service: "sns",
                operation: "CreateTopic",
                request_id,
                result: "ok",
                attempt: 1,
                duration_ms: 7,
            };
            audit.write(&line);
            assert_eq!(audit.trouble(), None);
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(Audit::open(folder.path(), "shop", "dev").is_err(), "a folder is no file");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn failed_writes_are_remembered() {
        let audit = Audit::open(std::path::Path::new("/dev/full"), "shop", "dev").expect("it can be opened");
        audit.0.file.lock().expect("free").trouble = None;
        let line = Line {
            time: String::new(),
            stack: "",
            env: "",
            address: None,
            account_id: None,
            region: "",
            service: "",
            operation: "",
            request_id: None,
            result: "",
            attempt: 1,
            duration_ms: 0,
        };
        audit.write(&line);
        assert!(audit.trouble().is_some_and(|words| words.contains("space")), "{:?}", audit.trouble());
    }
}
