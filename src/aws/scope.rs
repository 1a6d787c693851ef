//! The partition, the account and the region that a resource belongs to.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// Where a resource is: its region, and its account if that is not the stack's own.
///
/// Two places are equal if account and region are: [`Place::name`] is only a way to get there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    /// Such as `us-east-1`.
    pub region: String,
    /// The id of its account; `None` for the stack's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The `[aws.NAME]` by which it is reached; `None` for the stack's own credentials.
    #[serde(default, rename = "account_name", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Place {
    /// A region of the stack's own account.
    pub fn of(region: &str) -> Self {
        Self { region: region.to_owned(), ..Self::default() }
    }

    /// Another region of the same account.
    pub fn beside(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// The place in which AWS indexes global resources of the account.
    pub fn home(&self) -> Self {
        self.beside(Scope::home_of(&self.region))
    }

    /// The part of it in which an id of a kind is unique: the account alone, if the kind is `global`.
    pub fn unique(&self, global: bool) -> Self {
        if global { self.beside("") } else { self.clone() }
    }

    /// Returns whether a resource there and one in `other` can have the same id of a kind.
    pub fn is_near(&self, other: &Self, global: bool) -> bool {
        self.account == other.account && (global || self.region == other.region)
    }

    /// The account, if it is not the stack's own: `account data (111122223333)`.
    pub fn account_words(&self) -> Option<String> {
        let id = self.account.as_ref()?;
        Some(match &self.name {
            Some(name) => format!("account {name} ({id})"),
            None => format!("account {id}"),
        })
    }

    fn key(&self) -> (&Option<String>, &str) {
        (&self.account, &self.region)
    }
}

/// The region, and the account if it is not the stack's own: `us-east-1 of account data (111122223333)`.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.region)?;
        match self.account_words() {
            Some(account) => write!(formatter, " of {account}"),
            None => Ok(()),
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// The parts of names and ARNs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// Twelve digits.
    pub account_id: String,
    /// Such as `us-east-1`.
    pub region: String,
}

impl Scope {
    /// The scope of a region and an account.
    pub fn of(region: &str, account_id: &str) -> Self {
        Self {
            partition: Self::partition_of(region).to_owned(),
            account_id: account_id.to_owned(),
            region: region.to_owned(),
        }
    }

    /// The scope of a resource of a stack whose own scope this is.
    pub fn at(&self, place: &Place) -> Self {
        Self {
            partition: self.partition.clone(),
            account_id: place.account.clone().unwrap_or_else(|| self.account_id.clone()),
            region: place.region.clone(),
        }
    }

    /// The partition that a region belongs to.
    pub fn partition_of(region: &str) -> &'static str {
        match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            region if region.starts_with("eusc-") => "aws-eusc",
            region if region.starts_with("us-iso-") => "aws-iso",
            region if region.starts_with("us-isob-") => "aws-iso-b",
            region if region.starts_with("eu-isoe-") => "aws-iso-e",
            region if region.starts_with("us-isof-") => "aws-iso-f",
            _ => "aws",
        }
    }

    /// The region in which AWS indexes global resources, for the partition of `region`
    /// (<https://docs.aws.amazon.com/ARG/latest/userguide/supported-resources.html>).
    pub fn home_of(region: &str) -> &str {
        match Self::partition_of(region) {
            "aws" => "us-east-1",
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => region,
        }
    }

    /// The end of the host names of the partition
    /// (<https://docs.aws.amazon.com/general/latest/gr/rande.html>).
    pub fn dns_suffix(&self) -> &'static str {
        match self.partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-eusc" => "amazonaws.eu",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            "aws-iso-e" => "cloud.adc-e.uk",
            "aws-iso-f" => "csp.hci.ic.gov",
            _ => "amazonaws.com",
        }
    }

    /// The ARN of a regional resource of this account.
    pub fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account_id)
    }

    /// The ARN of a resource that has an account but no region, as IAM's have.
    pub fn global_arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account_id)
    }
}
