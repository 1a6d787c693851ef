//! Classifies AWS's errors, from their codes and words.

use super::class::Class;
use super::clients;
use super::codes::{Codes, is_throttling_code};

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
    // CloudTrail tests the role that writes to a log group; a new grant to the role may not be there yet.
    const OF_A_TRAILS_ROLE: &[&str] =
        &["InvalidCloudWatchLogsLogGroupArnException", "InvalidCloudWatchLogsRoleArnException"];
    matches!(code, "MalformedPolicyDocument" | "MalformedPolicyDocumentException" | "MalformedPolicy")
        && message.to_lowercase().contains("invalid principal")
        || WORDS.iter().any(|words| message.contains(words))
        || OF_A_TRAILS_ROLE.contains(&code) && message.contains("Access denied")
        || code == "InvalidInputException" && OF_A_CRAWLERS_ROLE.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::{Codes, clients};

    /// Services of which no resource is created.
    const ASKED_ALONE: [&str; 2] = ["resourcegroupstagging", "sts"];

    #[test]
    fn every_service_classifies_its_errors() {
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
