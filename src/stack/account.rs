//! `[aws.NAME]`: an account besides the stack's own, and how it is reached.

use std::collections::BTreeMap;

use super::Node;
use crate::diag::Span;

/// The members of `[aws.NAME]`.
pub const MEMBERS: [&str; 6] =
    ["role_arn", "external_id", "session_name", "duration_seconds", "profile", "region"];

/// An `[aws.NAME]` block.
#[derive(Debug)]
pub struct Account {
    /// The place of its header.
    pub span: Span,
    /// Its members as they are written.
    pub members: BTreeMap<String, Node>,
    /// Their values; those that depend on a variable without a value are absent.
    pub access: Access,
}

/// How an account is reached.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The role to assume; without one, the account is that of the credentials.
    pub role_arn: Option<String>,
    /// The external id that the role demands. It may be secret.
    pub external_id: Option<String>,
    /// The name of the session in CloudTrail.
    pub session_name: Option<String>,
    /// The lifetime of each set of credentials.
    pub duration_seconds: Option<u32>,
    /// The profile of the shared configuration files whose credentials are used.
    pub profile: Option<String>,
    /// The region of its resources, if it is not the stack's.
    pub region: Option<String>,
}

impl std::fmt::Debug for Access {
    /// Without the external id, which may be secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { role_arn, profile, region, .. } = self;
        formatter.debug_tuple("Access").field(role_arn).field(profile).field(region).finish()
    }
}

impl Access {
    /// The account that the role is in.
    pub fn account_id(&self) -> Option<&str> {
        self.role_arn.as_deref().and_then(account_of)
    }
}

impl Account {
    /// The place of a member, or of the header.
    pub fn place(&self, member: &str) -> Span {
        self.members.get(member).map_or(self.span, |node| node.span)
    }
}

/// The account of a role's ARN; `None` if it is none.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (arn, partition, service, region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (account, role) = (parts.next()?, parts.next()?);
    let is_role = arn == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role.strip_prefix("role/").is_some_and(|name| !name.is_empty());
    is_role.then_some(account)
}

#[cfg(test)]
mod tests {
    use super::account_of;

    #[test]
    fn the_account_of_a_role_follows_from_its_arn() {
        assert_eq!(account_of("arn:aws:iam::111122223333:role/dwctl"), Some("111122223333"));
        assert_eq!(account_of("arn:aws-cn:iam::111122223333:role/path/dwctl"), Some("111122223333"));
        for wrong in [
            "",
            "dwctl",
            "arn:aws:iam::111122223333:user/dwctl",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam:us-east-1:111122223333:role/dwctl",
            "arn:aws:iam::11112222333:role/dwctl",
            "arn:aws:sts::111122223333:assumed-role/dwctl/s",
        ] {
            assert_eq!(account_of(wrong), None, "{wrong}");
        }
    }
}
