//! The meaning of AWS error codes. Those of one service are beside its client in `clients.rs`, common
//! ones are here.

use super::clients;
use super::error::Class;

/// Error codes by meaning, as they appear on the wire: XML services often use another name than the
/// exception in the API reference. Codes that only mean that AWS refuses the request need not be
/// listed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codes {
    /// The resource does not exist.
    pub gone: &'static [&'static str],
    /// A resource of this name exists already.
    pub exists: &'static [&'static str],
    /// Something else holds or changes the resource now.
    pub conflict: &'static [&'static str],
    /// Something created seconds ago is not, or not yet, as this call needs it.
    pub not_yet_consistent: &'static [&'static str],
    /// The caller may not do this.
    pub denied: &'static [&'static str],
    /// The credentials are wrong or too old.
    pub credentials: &'static [&'static str],
    /// A fault inside AWS.
    pub transient: &'static [&'static str],
}

impl Codes {
    /// No codes.
    pub const NONE: Self = Self {
        gone: &[],
        exists: &[],
        conflict: &[],
        not_yet_consistent: &[],
        denied: &[],
        credentials: &[],
        transient: &[],
    };

    /// Codes that all services share, and the equivalents of EC2, S3 and IAM
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html>,
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
    const COMMON: Self = Self {
        // AWS answers a HEAD request without a body: see `error::code_of_status`.
        gone: &["NotFound", "404"],
        denied: &[
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "UnauthorizedAccess",
            "NotAuthorized",
            "OptInRequired",
        ],
        credentials: &[
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
        ],
        transient: &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "InternalServiceException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "RequestTimeout",
            "RequestTimeoutException",
            "Unavailable",
        ],
        ..Self::NONE
    };

    fn class(&self, code: &str) -> Option<Class> {
        [
            (self.gone, Class::Gone),
            (self.exists, Class::Exists),
            (self.not_yet_consistent, Class::NotYetConsistent),
            (self.conflict, Class::Conflict),
            (self.credentials, Class::Credentials),
            (self.denied, Class::Denied),
            (self.transient, Class::Transient),
        ]
        .into_iter()
        .find_map(|(codes, class)| codes.contains(&code).then_some(class))
    }
}

/// All codes for throttling: the SDK's list, and those of Glue, Redshift, IAM and Step Functions. The
/// transport uses them before it knows the service.
const THROTTLING: &[&str] = &[
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
    "KmsThrottlingException",
    "KMSThrottling",
];

pub(super) fn is_throttling_code(code: &str) -> bool {
    let code = code.split(['#', ':']).next_back().unwrap_or(code);
    THROTTLING.contains(&code)
}

impl Class {
    /// The class of an error, from its code, its message and the status of the answer. `service` is
    /// named as in its SDK crate, such as `glue`.
    pub fn of(service: &str, code: &str, message: &str, status: u16) -> Self {
        if is_throttling_code(code)
            || status == 429
            || (code == "LimitExceededException" && message.contains("Rate exceeded"))
        {
            return Self::Throttled;
        }
        // S3 itself answers so if it does not know a header, or not in that request.
        if code == "NotImplemented" && message.contains("A header you provided implies functionality") {
            return Self::Invalid;
        }
        if code == "NotImplemented" || code == "UnknownOperationException" || status == 501 {
            return Self::NotImplemented;
        }
        if is_not_yet_consistent(code, message) {
            return Self::NotYetConsistent;
        }
        // SNS has a topic or a subscription of that name that differs.
        if code.starts_with("InvalidParameter") && message.contains("already exists with different") {
            return Self::Exists;
        }
        let own = clients::codes(service).and_then(|codes| codes.class(code));
        own.or_else(|| Codes::COMMON.class(code)).unwrap_or(match status {
            500 | 502 | 503 | 504 => Self::Transient,
            400..=499 => Self::Invalid,
            _ => Self::Other,
        })
    }
}

/// Returns whether an error says that a new role, key, topic or grant has not reached the service yet:
/// IAM is eventually consistent ("Changes that I make are not always immediately visible",
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>).
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
        // CloudWatch Logs tests the role of a subscription filter when it is set.
        "permission to assume the provided role",
        "Could not deliver test message to specified",
        // SNS and Secrets Manager refuse a policy that names a new role.
        "Policy Error: PrincipalNotFound",
        "This resource policy contains an unsupported principal",
        // Step Functions does not see the policy of a new role yet.
        "is not authorized to access the Log Destination",
    ];
    // A Glue crawler tests its role when it is created or changed; a new grant to the role may not be
    // there yet. This holds for one code only: with others the caller lacks the permission, and
    // waiting would not help.
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

#[cfg(test)]
mod tests {
    use super::{Codes, clients};

    /// Services of which no resource is created.
    const ASKED_ALONE: [&str; 2] = ["resourcegroupstagging", "sts"];

    #[test]
    fn every_service_says_what_its_errors_mean() {
        for (service, codes) in clients::CODES {
            if ASKED_ALONE.contains(service) {
                continue;
            }
            assert!(
                !codes.gone.is_empty(),
                "list beside `{service}` in src/aws/clients.rs what it answers where a resource does not \
                 exist (gone), exists already (exists) or is in use (conflict): its API reference has it \
                 under \"Errors\""
            );
        }
    }

    #[test]
    fn no_code_is_listed_twice() {
        for (service, codes) in clients::CODES.iter().chain([&("all", Codes::COMMON)]) {
            let Codes { gone, exists, conflict, not_yet_consistent, denied, credentials, transient } = codes;
            let mut all: Vec<&str> =
                [gone, exists, conflict, not_yet_consistent, denied, credentials, transient]
                    .into_iter()
                    .flat_map(|codes| codes.iter().copied())
                    .collect();
            all.sort_unstable();
            if let Some(pair) = all.windows(2).find(|pair| pair[0] == pair[1]) {
                panic!("{service}: {}", pair[0]);
            }
            let common = all.iter().find(|code| *service != "all" && Codes::COMMON.class(code).is_some());
            assert!(common.is_none(), "{service}: every service has {common:?}");
        }
    }
}
