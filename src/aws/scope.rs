//! The partition, the account and the region that a resource belongs to.

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
