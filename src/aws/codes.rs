//! The meaning of AWS error codes that services share. Those of one service are beside its client in
//! `clients.rs`.

use super::class::Class;

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
    pub(super) const COMMON: Self = Self {
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

    pub(super) fn class(&self, code: &str) -> Option<Class> {
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
