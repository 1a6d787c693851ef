//! One error type for every AWS call, and one class for every error: the engine
//! decides by class, never by service.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;

use super::transport;
use crate::diag::Outside;

/// The result of an AWS call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Too many requests: wait and try again.
    Throttled,
    /// A fault on the way or inside AWS: try again.
    Transient,
    /// Something that exists is not visible to this service yet: try again for minutes.
    NotYetConsistent,
    /// The resource does not exist.
    Gone,
    /// A resource of this name exists already.
    Exists,
    /// Something else holds or changes the resource now: try again for a while.
    Conflict,
    /// The caller may not do this.
    Denied,
    /// AWS refuses the request as it is.
    Invalid,
    /// The endpoint does not know the operation: an emulator, not AWS.
    NotImplemented,
    /// No answer came: wrong endpoint, no network.
    Unreachable,
    /// There are no usable credentials.
    Credentials,
    /// Everything else.
    Other,
}

/// A failed AWS call, or a state of a resource that ends a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What it means for the engine.
    pub class: Class,
    /// `service:Operation`, empty where no call was made.
    pub operation: String,
    /// AWS's error code.
    pub code: String,
    /// AWS's own words.
    pub message: Outside,
    /// For AWS support.
    pub request_id: Option<String>,
}

impl Error {
    /// An error that is not AWS's answer but a kind's own finding: a state that
    /// cannot go on, a limit that AWS documents.
    pub fn finding(class: Class, message: impl Into<Outside>) -> Self {
        Self {
            class,
            operation: String::new(),
            code: String::new(),
            message: message.into(),
            request_id: None,
        }
    }

    /// Whether the resource does not exist.
    pub fn is_gone(&self) -> bool {
        self.class == Class::Gone
    }

    /// What to do about it, where its class alone tells; `again` is how to try again.
    pub fn advice(&self, again: &str) -> Option<String> {
        match self.class {
            // Its words say why
            // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
            Class::Denied if self.says("BlockPublicPolicy") => Some(
                "the policy lets everybody in, and public access is blocked, for the bucket or the whole \
                 account: name who may, add a condition, or lift the block where it is set"
                    .to_owned(),
            ),
            Class::Denied if self.says("explicit deny in a service control policy") => Some(format!(
                "a service control policy of the organisation denies {}: ask who administers that",
                self.operation
            )),
            Class::Denied if self.says("with an explicit deny") => Some(format!(
                "a policy denies {} explicitly, so that allowing it does not help: change that policy",
                self.operation
            )),
            Class::Denied if !self.operation.is_empty() => {
                Some(format!("allow the caller {}", self.operation))
            }
            Class::NotImplemented => {
                Some("this endpoint is an emulator that lacks the operation; AWS has it".to_owned())
            }
            Class::Throttled | Class::Transient | Class::Unreachable => Some(again.to_owned()),
            _ => None,
        }
    }

    /// Whether AWS's words hold these.
    pub fn says(&self, words: &str) -> bool {
        self.message.as_it_came().contains(words)
    }

    /// Whether AWS answered with one of these codes.
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
        let operation = operation_of::<E>();
        match &error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                let status = service.raw().status().as_u16();
                let code = meta.code().map(str::to_owned).unwrap_or_else(|| code_of_status(status));
                let message = meta.message().unwrap_or("").to_owned();
                let class = classify(&code, &message, status);
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

/// `aws_sdk_glue::operation::create_job::CreateJobError` is `glue:CreateJob`.
fn operation_of<E>() -> String {
    let name = std::any::type_name::<E>();
    let service = name.strip_prefix("aws_sdk_").and_then(|rest| rest.split("::").next()).unwrap_or("aws");
    let operation = name.rsplit("::").next().unwrap_or(name);
    format!("{service}:{}", operation.strip_suffix("Error").unwrap_or(operation))
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

/// The services' own ways to say "slow down": the SDK's list, and what Glue,
/// Redshift and IAM add.
const THROTTLING_CODES: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "DependentServiceRequestThrottlingFault",
];

pub(super) fn is_throttling_code(code: &str) -> bool {
    let code = code.split(['#', ':']).next_back().unwrap_or(code);
    THROTTLING_CODES.contains(&code)
}

/// The class of an answer. The tables hold the codes that the API pages of the
/// services list under "Errors".
fn classify(code: &str, message: &str, status: u16) -> Class {
    const GONE: &[&str] = &[
        "NoSuchEntity",
        "NoSuchEntityException",
        "EntityNotFoundException",
        "ResourceNotFoundException",
        "ResourceNotFound",
        "NotFound",
        "NotFoundException",
        "NoSuchBucket",
        "NoSuchKey",
        "ClusterNotFound",
        "ClusterNotFoundFault",
        "ClusterSubnetGroupNotFoundFault",
        "ClusterParameterGroupNotFound",
        "ClusterParameterGroupNotFoundFault",
        "StateMachineDoesNotExist",
        "InvalidVpcID.NotFound",
        "InvalidSubnetID.NotFound",
        "InvalidGroup.NotFound",
        "InvalidGroupId.NotFound",
        "InvalidSecurityGroupRuleId.NotFound",
        "InvalidPermission.NotFound",
        "InvalidVpcCidrBlockAssociationID.NotFound",
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        "DashboardNotFoundError",
        "SubscriptionNotFound",
        "404",
    ];
    const EXISTS: &[&str] = &[
        "InvalidGroup.Duplicate",
        "EntityAlreadyExists",
        "EntityAlreadyExistsException",
        "AlreadyExistsException",
        "ResourceExistsException",
        "ResourceAlreadyExistsException",
        "BucketAlreadyOwnedByYou",
        "BucketAlreadyExists",
        "ClusterAlreadyExists",
        "ClusterSubnetGroupAlreadyExists",
        "ClusterParameterGroupAlreadyExists",
        "StateMachineAlreadyExists",
        "FederatedResourceAlreadyExistsException",
    ];
    // Of a part that is there already: an attempt whose answer was lost may have made it, which
    // another look tells.
    const SEEN_LATE: &[&str] = &["InvalidPermission.Duplicate"];
    const CONFLICT: &[&str] = &[
        "ConcurrentModificationException",
        "ConcurrentModification",
        "OperationAborted",
        "ResourceInUse",
        "ConflictException",
        "ResourceInUseException",
        "DependencyViolation",
        "InvalidGroup.InUse",
        "EntityTemporarilyUnmodifiable",
        "DeleteConflict",
        "DeleteConflictException",
        "InvalidClusterState",
        "InvalidClusterStateFault",
        "CrawlerRunningException",
        "SchedulerTransitioningException",
        "OperationAbortedException",
        "ConcurrentAccessException",
        "StateMachineDeleting",
        "ConditionalRequestConflict",
        "VersionMismatchException",
        "InvalidClusterSubnetGroupStateFault",
        "InvalidClusterSubnetStateFault",
        "InvalidClusterParameterGroupState",
        "ConcurrentRunsExceededException",
        "IncorrectState",
    ];
    const DENIED: &[&str] = &[
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "NotAuthorized",
        "AuthorizationError",
        "AuthorizationErrorException",
        "OptInRequired",
        "AllAccessDisabled",
        "KMSAccessDeniedException",
        "UnauthorizedAccess",
    ];
    const CREDENTIALS: &[&str] = &[
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "AuthFailure",
        "MissingAuthenticationToken",
        "IncompleteSignature",
        "RequestExpired",
        "TokenRefreshRequired",
        "InvalidToken",
    ];
    const TRANSIENT: &[&str] = &[
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceException",
        "InternalServiceError",
        "InternalServiceFault",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ServiceFailureException",
        "RequestTimeout",
        "RequestTimeoutException",
        "OperationTimeoutException",
        "KMSInternalException",
        "DependencyTimeoutException",
        "DependencyTimeout",
        "DependentServiceUnavailableFault",
        "FederationSourceRetryableException",
        "Unavailable",
    ];
    if is_throttling_code(code)
        || status == 429
        || (code == "LimitExceededException" && message.contains("Rate exceeded"))
    {
        return Class::Throttled;
    }
    if code == "NotImplemented" || code == "UnknownOperationException" || status == 501 {
        return Class::NotImplemented;
    }
    if is_not_yet_consistent(code, message) {
        return Class::NotYetConsistent;
    }
    // SNS, of a topic or a subscription that exists and differs.
    if code.starts_with("InvalidParameter") && message.contains("already exists with different") {
        return Class::Exists;
    }
    for (codes, class) in [
        (GONE, Class::Gone),
        (EXISTS, Class::Exists),
        (SEEN_LATE, Class::NotYetConsistent),
        (CONFLICT, Class::Conflict),
        (CREDENTIALS, Class::Credentials),
        (DENIED, Class::Denied),
        (TRANSIENT, Class::Transient),
    ] {
        if codes.contains(&code) {
            return class;
        }
    }
    match status {
        500 | 502 | 503 | 504 => Class::Transient,
        400..=499 => Class::Invalid,
        _ => Class::Other,
    }
}

/// Words in which services say that a role, key, topic or grant made seconds ago
/// has not reached them: IAM is eventually consistent
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>).
fn is_not_yet_consistent(code: &str, message: &str) -> bool {
    const WORDS: &[&str] = &[
        "cannot be assumed",
        "unable to assume role",
        "Unable to assume role",
        "not authorized to perform: sts:AssumeRole",
        "is not authorized to assume",
        "Invalid principal in policy",
        "The provided execution role does not have permissions",
        "must be able to assume the role",
        "Neither the global service principal",
        "not authorized to create managed-rule",
        "does not exist or is not authorized to be assumed",
        "Could not assume role",
        "Role is not valid",
        "Service is unable to assume provided role",
        "role is invalid or cannot be assumed",
        "Secrets Manager cannot invoke the specified Lambda function",
        "Unable to validate the following destination configurations",
        // CloudWatch Logs tries the role of a subscription filter when it is put.
        "permission to assume the provided role",
        "Could not deliver test message to specified",
        // SNS and Secrets Manager, of a policy that names a role made seconds ago.
        "Policy Error: PrincipalNotFound",
        "This resource policy contains an unsupported principal",
        // Step Functions, of the policy of a role made seconds ago.
        "is not authorized to access the Log Destination",
    ];
    // A Glue crawler tries its role when it is made or changed: what was granted to the
    // role seconds ago may not be there. Only so: with other codes it is the caller who
    // lacks the permission, and waiting would not help.
    const OF_A_CRAWLERS_ROLE: &[&str] = &[
        "verify the role's TrustPolicy",
        "Insufficient Lake Formation permission",
        "does not exist or the role provided does not have access to it",
        "is not authorized to perform: glue:GetConnection",
    ];
    matches!(code, "MalformedPolicyDocument" | "MalformedPolicyDocumentException" | "MalformedPolicy")
        && message.to_lowercase().contains("invalid principal")
        || WORDS.iter().any(|words| message.contains(words))
        || code == "InvalidInputException" && OF_A_CRAWLERS_ROLE.iter().any(|words| message.contains(words))
}

/// Turns "it does not exist" into `None`.
pub trait ResultExt<T> {
    /// `Ok(None)` where the error says that the resource does not exist.
    fn or_gone(self) -> Result<Option<T>>;
    /// `Ok(None)` where AWS answered with one of these codes: the ways in which a
    /// service says that a setting was never made.
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
