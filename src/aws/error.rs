//! One error type for all AWS calls, and one class for each error. The engine decides by class, never
//! by service.

use std::fmt;

use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;

use super::class::Class;
use super::transport;
use crate::diag::Outside;

/// The result of an AWS call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed AWS call, or a state of a resource that ends an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its meaning for the engine.
    pub class: Class,
    /// `service:Operation`, or empty if no call was made.
    pub operation: String,
    /// AWS's error code.
    pub code: String,
    /// AWS's own message.
    pub message: Outside,
    /// The request id, for AWS support.
    pub request_id: Option<String>,
}

impl Error {
    /// An error that a kind detects without an answer from AWS: a state that cannot proceed, or a limit that
    /// AWS documents.
    pub fn finding(class: Class, message: impl Into<Outside>) -> Self {
        Self {
            class,
            operation: String::new(),
            code: String::new(),
            message: message.into(),
            request_id: None,
        }
    }

    /// Returns whether the resource does not exist.
    pub fn is_gone(&self) -> bool {
        self.class == Class::Gone
    }

    /// Advice that follows from the class alone. `again` says how to try again.
    pub fn advice(&self, again: &str) -> Option<String> {
        match self.class {
            // The message contains the reason
            // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
            Class::Denied if self.says("BlockPublicPolicy") => Some(
                "the policy allows everybody, but public access is blocked for the bucket or the whole account: name the principals, add a condition, or lift the block"
                    .to_owned(),
            ),
            Class::Denied if self.says("explicit deny in a service control policy") => Some(format!(
                "a service control policy of the organisation denies {}: ask its administrator",
                self.operation
            )),
            Class::Denied if self.says("with an explicit deny") => Some(format!(
                "a policy denies {} explicitly, so allowing it does not help: change that policy",
                self.operation
            )),
            Class::Denied if !self.operation.is_empty() => {
                Some(format!("allow the caller {}", self.operation))
            }
            Class::NotImplemented => {
                Some("this endpoint is an emulator without this operation; AWS has it".to_owned())
            }
            Class::Throttled | Class::Transient | Class::Unreachable => Some(again.to_owned()),
            _ => None,
        }
    }

    /// Returns whether AWS's message contains these words.
    pub fn says(&self, words: &str) -> bool {
        self.message.as_it_came().contains(words)
    }

    /// Returns whether AWS answered with one of these codes.
    pub fn has_code(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.operation.is_empty() {
            write!(formatter, "{}: ", self.operation)?;
        }
        if !self.code.is_empty() {
            write!(formatter, "{}: ", self.code)?;
        }
        self.message.fmt(formatter)
    }
}

impl std::error::Error for Error {}

impl From<BuildError> for Error {
    /// A member that the SDK requires is missing.
    fn from(error: BuildError) -> Self {
        Self::finding(Class::Invalid, error.to_string())
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        if let Some(refusal) = assumed(&error) {
            return refusal;
        }
        let (service, operation) = call_of::<E>();
        let operation = format!("{service}:{operation}");
        match &error {
            SdkError::ServiceError(answer) => {
                let meta = answer.err().meta();
                let status = answer.raw().status().as_u16();
                let code = meta.code().map(str::to_owned).unwrap_or_else(|| code_of_status(status));
                let message = meta.message().unwrap_or("").to_owned();
                let class = Class::of(service, &code, &message, status);
                let request_id = meta.extra("aws_request_id").map(str::to_owned);
                let message = if message.is_empty() { format!("HTTP status {status}") } else { message };
                Self { class, operation, code, message: message.into(), request_id }
            }
            SdkError::DispatchFailure(failure) => {
                let words = DisplayErrorContext(&error).to_string();
                let class = if transport::is_refusal(&words) {
                    Class::NotImplemented
                } else if transport::is_too_large(&words) {
                    Class::Other
                } else if words.contains("credential") || words.contains("Credential") {
                    Class::Credentials
                } else if failure.is_io() || failure.is_timeout() || failure.is_user() {
                    Class::Unreachable
                } else {
                    Class::Other
                };
                Self { class, operation, code: String::new(), message: tidy(&words).into(), request_id: None }
            }
            SdkError::TimeoutError(_) => Self {
                class: Class::Transient,
                operation,
                code: String::new(),
                message: "no answer in time".into(),
                request_id: None,
            },
            SdkError::ConstructionFailure(_) => {
                let words = DisplayErrorContext(&error).to_string();
                let class = if words.to_lowercase().contains("credential") {
                    Class::Credentials
                } else {
                    Class::Invalid
                };
                Self { class, operation, code: String::new(), message: tidy(&words).into(), request_id: None }
            }
            _ => Self {
                class: Class::Transient,
                operation,
                code: String::new(),
                message: tidy(&DisplayErrorContext(&error).to_string()).into(),
                request_id: None,
            },
        }
    }
}

/// AWS's answer to the assumption of a role, if the credentials of a call failed for that.
fn assumed(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(answer) = error.downcast_ref::<AssumeRoleError>() {
            let meta = answer.meta();
            let message = meta.message().unwrap_or("AWS gave no reason").to_owned();
            return Some(Error {
                class: Class::Credentials,
                operation: "sts:AssumeRole".to_owned(),
                code: meta.code().unwrap_or_default().to_owned(),
                message: message.into(),
                request_id: meta.extra("aws_request_id").map(str::to_owned),
            });
        }
        source = error.source();
    }
    None
}

/// For `aws_sdk_glue::operation::create_job::CreateJobError`, returns `glue` and `CreateJob`.
fn call_of<E>() -> (&'static str, &'static str) {
    let name = std::any::type_name::<E>();
    let service = name.strip_prefix("aws_sdk_").and_then(|rest| rest.split("::").next()).unwrap_or("aws");
    let operation = name.rsplit("::").next().unwrap_or(name);
    (service, operation.strip_suffix("Error").unwrap_or(operation))
}

fn code_of_status(status: u16) -> String {
    match status {
        403 => "AccessDenied".to_owned(),
        404 => "NotFound".to_owned(),
        409 => "Conflict".to_owned(),
        301 => "PermanentRedirect".to_owned(),
        _ => format!("HTTP{status}"),
    }
}

/// Drops the debug print that `DisplayErrorContext` appends.
fn tidy(words: &str) -> String {
    words
        .split(" (DispatchFailure(")
        .next()
        .unwrap_or(words)
        .split(" (ConstructionFailure(")
        .next()
        .unwrap_or(words)
        .to_owned()
}

/// Turns "it does not exist" into `None`.
pub trait ResultExt<T> {
    /// Returns `Ok(None)` if the error says that the resource does not exist.
    fn or_gone(self) -> Result<Option<T>>;
    /// Returns `Ok(None)` if AWS answered with one of these codes, by which a service says that a
    /// setting was never made.
    fn or_none_on(self, codes: &[&str]) -> Result<Option<T>>;
}

impl<T, E: Into<Error>> ResultExt<T> for std::result::Result<T, E> {
    fn or_gone(self) -> Result<Option<T>> {
        match self.map_err(Into::into) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn or_none_on(self, codes: &[&str]) -> Result<Option<T>> {
        match self.map_err(Into::into) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.has_code(codes) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
