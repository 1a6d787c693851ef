//! The sorts of texts that name something at AWS, marked with `x-dwctl-names`: the form of their ids and
//! ARNs, and the location of the named resource.

use super::Problem;
use crate::aws::Scope;

/// The sort of thing that a field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// A KMS key in the resource's region, by id, ARN or alias: `kms-key`. For an ARN of another region,
    /// KMS answers "Invalid arn".
    KmsKey,
    /// A KMS key in any region: `kms-key elsewhere`.
    KmsKeyElsewhere,
    /// An IAM role by its ARN: `role`.
    Role,
    /// An IAM role by its ARN or its name: `role or name`.
    RoleOrName,
    /// A managed policy by its ARN: `policy`.
    Policy,
    /// A VPC by its id: `vpc`.
    Vpc,
    /// A subnet by its id: `subnet`.
    Subnet,
    /// A security group by its id: `security-group`.
    SecurityGroup,
    /// A prefix list by its id: `prefix-list`.
    PrefixList,
    /// A route table by its id: `route-table`.
    RouteTable,
    /// An availability zone of the resource's region by its name: `zone`.
    Zone,
    /// An S3 bucket by its name: `bucket`.
    Bucket,
    /// A log group in the resource's region by its ARN: `log-group`.
    LogGroup,
    /// An SNS topic in the resource's region by its ARN: `topic`.
    Topic,
    /// An SQS queue in the resource's region by its ARN: `queue`.
    Queue,
    /// An SQS queue in any region by its ARN: `queue elsewhere`.
    QueueElsewhere,
    /// A Lambda function in the resource's region by its ARN: `function`.
    Function,
    /// The action of an alarm by its ARN; a topic must be in the alarm's region
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html>):
    /// `alarm-action`.
    AlarmAction,
    /// A target of EventBridge by its ARN; only an event bus may be in another region
    /// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html>): `target`.
    Target,
}

/// The ARN of a resource: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
pub(super) struct Arn<'a> {
    partition: &'a str,
    service: &'a str,
    region: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") {
            return None;
        }
        let (partition, service, region) = (parts.next()?, parts.next()?, parts.next()?);
        let resource = parts.nth(1)?;
        Some(Self { partition, service, region, resource })
    }
}

impl Names {
    /// Parses the mark.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "kms-key" => Self::KmsKey,
            "kms-key elsewhere" => Self::KmsKeyElsewhere,
            "role" => Self::Role,
            "role or name" => Self::RoleOrName,
            "policy" => Self::Policy,
            "vpc" => Self::Vpc,
            "subnet" => Self::Subnet,
            "security-group" => Self::SecurityGroup,
            "prefix-list" => Self::PrefixList,
            "route-table" => Self::RouteTable,
            "zone" => Self::Zone,
            "bucket" => Self::Bucket,
            "log-group" => Self::LogGroup,
            "topic" => Self::Topic,
            "queue" => Self::Queue,
            "queue elsewhere" => Self::QueueElsewhere,
            "function" => Self::Function,
            "alarm-action" => Self::AlarmAction,
            "target" => Self::Target,
            _ => return None,
        })
    }

    /// The thing in words, with an article.
    fn words(self) -> &'static str {
        match self {
            Self::KmsKey | Self::KmsKeyElsewhere => "a KMS key",
            Self::Role | Self::RoleOrName => "an IAM role",
            Self::Policy => "a managed policy",
            Self::Vpc => "a VPC",
            Self::Subnet => "a subnet",
            Self::SecurityGroup => "a security group",
            Self::PrefixList => "a prefix list",
            Self::RouteTable => "a route table",
            Self::Zone => "an availability zone",
            Self::Bucket => "a bucket",
            Self::LogGroup => "a log group",
            Self::Topic => "an SNS topic",
            Self::Queue | Self::QueueElsewhere => "an SQS queue",
            Self::Function => "a Lambda function",
            Self::AlarmAction => "an action",
            Self::Target => "a target",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::KmsKey | Self::KmsKeyElsewhere => "such as `${kms_key.NAME.arn}`",
            Self::Role => "such as `${iam_role.NAME.arn}`, or arn:aws:iam::111122223333:role/NAME",
            Self::RoleOrName => "such as `${iam_role.NAME.arn}`, or the role's name alone",
            Self::Policy => "such as arn:aws:iam::111122223333:policy/NAME",
            Self::Vpc => "such as `${ec2_vpc.NAME.vpc_id}`, or vpc-0123456789abcdef0",
            Self::Subnet => "such as `${ec2_subnet.NAME.subnet_id}`, or subnet-0123456789abcdef0",
            Self::SecurityGroup => "such as `${ec2_security_group.NAME.group_id}`, or sg-0123456789abcdef0",
            Self::PrefixList => "such as pl-0123456789abcdef0",
            Self::RouteTable => "such as `${ec2_route_table.NAME.route_table_id}`, or rtb-0123456789abcdef0",
            Self::Zone => "such as `us-east-1a`",
            Self::Bucket => "3 to 63 lower-case letters, digits, `-` and `.`",
            Self::LogGroup => "such as `${cloudwatchlogs_log_group.NAME.arn}`",
            Self::Topic | Self::AlarmAction => "such as `${sns_topic.NAME.arn}`",
            Self::Queue | Self::QueueElsewhere => "such as arn:aws:sqs:us-east-1:111122223333:NAME",
            Self::Function => "such as arn:aws:lambda:us-east-1:111122223333:function:NAME",
            Self::Target => "such as `${sfn_state_machine.NAME.arn}`",
        }
    }

    /// The prefix of its ids.
    fn prefix(self) -> Option<&'static str> {
        match self {
            Self::Vpc => Some("vpc-"),
            Self::Subnet => Some("subnet-"),
            Self::SecurityGroup => Some("sg-"),
            Self::PrefixList => Some("pl-"),
            Self::RouteTable => Some("rtb-"),
            _ => None,
        }
    }

    /// The service of its ARN, and the possible prefixes of the ARN's resource part; empty means any.
    fn service(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::KmsKey | Self::KmsKeyElsewhere => ("kms", &["key/", "alias/"]),
            Self::Role | Self::RoleOrName => ("iam", &["role/"]),
            Self::Policy => ("iam", &["policy/"]),
            Self::LogGroup => ("logs", &["log-group:"]),
            Self::Topic => ("sns", &[]),
            Self::Queue | Self::QueueElsewhere => ("sqs", &[]),
            Self::Function => ("lambda", &["function:"]),
            _ => ("", &[]),
        }
    }

    /// Returns whether the thing with this ARN must be in the region of the resource that names it.
    fn is_near(self, arn: &Arn<'_>) -> bool {
        match self {
            Self::KmsKey | Self::LogGroup | Self::Topic | Self::Queue | Self::Function => true,
            Self::AlarmAction => arn.service == "sns",
            Self::Target => arn.service != "events" && !arn.region.is_empty(),
            _ => false,
        }
    }

    /// The problem with the form of a text.
    pub(super) fn misformed(self, text: &str, path: &str) -> Option<Problem> {
        let words = self.words();
        let refusal = |message: String| Some(Problem::new(path, message).help(self.example()));
        if let Some(prefix) = self.prefix() {
            let rest = text.strip_prefix(prefix).unwrap_or_default();
            let is_id =
                !rest.is_empty() && rest.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'-');
            return if is_id { None } else { refusal(format!("\"{text}\" is not the id of {words}")) };
        }
        if self == Self::Bucket {
            return match bucket(text) {
                Bucket::Sound => None,
                // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
                Bucket::Old => Some(
                    Problem::warning(
                        path,
                        format!(
                            "\"{text}\" can only be the name of a bucket of us-east-1 created before March 2018"
                        ),
                    )
                    .help(format!("buckets since then have {}", self.example())),
                ),
                Bucket::Broken => refusal(format!("\"{text}\" cannot be the name of a bucket")),
            };
        }
        let Some(arn) = Arn::of(text) else {
            return match self {
                // The form depends on the region.
                Self::Zone => None,
                Self::KmsKey | Self::KmsKeyElsewhere if text.starts_with("arn:") => {
                    refusal(format!("\"{text}\" is not the ARN of a KMS key"))
                }
                Self::KmsKey | Self::KmsKeyElsewhere if is_key(text) => None,
                Self::KmsKey | Self::KmsKeyElsewhere => Some(
                    Problem::warning(
                        path,
                        format!("\"{text}\" is neither the id of a KMS key nor an ARN or alias"),
                    )
                    .help(
                        "an alias begins with `alias/`; an id is like 1234abcd-12ab-34cd-56ef-1234567890ab",
                    ),
                ),
                Self::RoleOrName if is_role(text) => None,
                Self::AlarmAction => refusal("an action is given by its ARN".to_owned()),
                Self::Target => refusal(format!("\"{text}\" is not an ARN")),
                _ => refusal(format!("\"{text}\" is not the ARN of {words}")),
            };
        };
        let (service, resources) = self.service();
        if service == "iam" && arn.service == "sts" && arn.resource.starts_with("assumed-role/") {
            let role = arn.resource.split('/').nth(1).unwrap_or("NAME");
            return Some(
                Problem::new(path, format!("\"{text}\" is a session of a role, not the role"))
                    .help(format!("name the role: arn:{}:iam::ACCOUNT:role/{role}", arn.partition)),
            );
        }
        let fits = service.is_empty()
            || arn.service == service
                && !arn.resource.is_empty()
                && (resources.is_empty()
                    || resources
                        .iter()
                        .any(|begin| arn.resource.strip_prefix(begin).is_some_and(|name| !name.is_empty())));
        if !fits {
            return refusal(format!("\"{text}\" is not the ARN of {words}"));
        }
        if service == "iam" && !arn.region.is_empty() {
            return refusal(format!("the ARN of {words} has no region, but \"{text}\" has one"));
        }
        None
    }

    /// The problem with the location of a well-formed name, for a resource in `region`.
    pub(super) fn misplaced(self, text: &str, region: &str, path: &str) -> Option<Problem> {
        if self == Self::Zone && !is_zone(text, region) {
            return Some(
                Problem::new(path, format!("`{text}` is not a zone of {region}"))
                    .help(format!("such as `{region}a`")),
            );
        }
        let arn = Arn::of(text)?;
        if let Some(problem) = foreign(&arn, region, path) {
            return Some(problem);
        }
        if !self.is_near(&arn) || arn.region == region {
            return None;
        }
        let words = self.words();
        if arn.region.is_empty() {
            return Some(
                Problem::new(path, format!("the ARN of {words} must contain its region"))
                    .help(self.example()),
            );
        }
        // An action may be a topic, so use the service of the ARN.
        let words = if arn.service == "sns" { "an SNS topic" } else { words };
        let bare = words.split_once(' ').map_or(words, |(_, bare)| bare);
        let help = match self {
            Self::Target => {
                format!(
                    "send to an event bus of {}, which may be in another region, and forward from there",
                    arn.region
                )
            }
            _ => format!("name {words} of {region}"),
        };
        Some(
            Problem::new(path, format!("the {bare} is in {}, but must be in {region}", arn.region))
                .help(help),
        )
    }
}

/// A problem if an ARN is of another partition than the region: no partition reaches another
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
pub(super) fn foreign(arn: &Arn<'_>, region: &str, path: &str) -> Option<Problem> {
    let own = Scope::partition_of(region);
    let is_pattern = arn.partition.contains(['*', '?', '$']);
    (arn.partition != own && !is_pattern).then(|| {
        Problem::new(path, format!("an ARN of the partition `{}` cannot be used in {region}", arn.partition))
            .help(format!("write `arn:{own}:…`, or `arn:${{aws.partition}}:…`"))
    })
}

/// The validity of a bucket name.
enum Bucket {
    Sound,
    /// Valid only for the oldest buckets of us-east-1.
    Old,
    Broken,
}

fn bucket(name: &str) -> Bucket {
    let is_end = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit();
    let all = |fits: &dyn Fn(u8) -> bool| name.bytes().all(fits);
    let ends = name.bytes().next().is_some_and(is_end) && name.bytes().last().is_some_and(is_end);
    if ends && (3..=63).contains(&name.len()) && all(&|one| is_end(one) || b".-".contains(&one)) {
        Bucket::Sound
    } else if (3..=255).contains(&name.len())
        && all(&|one| one.is_ascii_alphanumeric() || b"._-".contains(&one))
    {
        Bucket::Old
    } else {
        Bucket::Broken
    }
}

/// Returns whether a text is the id of a KMS key or the name of an alias
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>).
fn is_key(text: &str) -> bool {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_hexdigit());
    if let Some(alias) = text.strip_prefix("alias/") {
        return !alias.is_empty();
    }
    match text.strip_prefix("mrk-") {
        Some(id) => is_hex(id),
        None => {
            let groups: Vec<&str> = text.split('-').collect();
            groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.into_iter().all(is_hex)
        }
    }
}

/// Returns whether a text names a zone of a region: the region and a letter. In a local or Wavelength
/// zone, locations come between them, as in `us-west-2-lax-1a` and `us-east-1-wl1-bos-wlz-1`
/// (<https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html>).
fn is_zone(zone: &str, region: &str) -> bool {
    let Some(rest) = zone.strip_prefix(region) else { return false };
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit())
    };
    match rest.strip_prefix('-') {
        Some(places) => places.contains('-') && places.split('-').all(is_word),
        None => rest.len() == 1 && rest.bytes().all(|one| one.is_ascii_lowercase()),
    }
}

/// Returns whether a text is the name of a role, with or without its path.
fn is_role(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|one| one.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&one))
}

#[cfg(test)]
mod tests {
    use super::Names;

    fn fault(names: &str, text: &str) -> Option<String> {
        let names = Names::named(names).unwrap_or_else(|| panic!("{names}"));
        let problem = names.misformed(text, "p").or_else(|| names.misplaced(text, "us-east-1", "p"))?;
        Some(format!("{}{}", if problem.warning { "warning: " } else { "" }, problem.message))
    }

    #[test]
    fn names_that_aws_accepts_pass() {
        for (names, text) in [
            ("kms-key", "1234abcd-12ab-34cd-56ef-1234567890ab"),
            ("kms-key", "mrk-1234abcd12ab34cd56ef1234567890ab"),
            ("kms-key", "alias/aws/s3"),
            ("kms-key", "arn:aws:kms:us-east-1:111122223333:alias/lake"),
            ("kms-key", "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"),
            ("kms-key elsewhere", "arn:aws:kms:eu-west-1:111122223333:key/1"),
            ("role", "arn:aws:iam::111122223333:role/service-role/etl"),
            ("role or name", "arn:aws:iam::111122223333:role/etl"),
            ("role or name", "/service-role/etl"),
            ("role or name", "etl"),
            ("policy", "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"),
            ("vpc", "vpc-1"),
            ("subnet", "subnet-0123456789abcdef0"),
            ("security-group", "sg-0123456789abcdef0"),
            ("prefix-list", "pl-63a5400a"),
            ("zone", "us-east-1f"),
            ("zone", "us-east-1-bos-1a"),
            ("zone", "us-east-1-wl1-bos-wlz-1"),
            ("bucket", "my.logs-2"),
            ("log-group", "arn:aws:logs:us-east-1:111122223333:log-group:/aws/vendedlogs/x:*"),
            ("topic", "arn:aws:sns:us-east-1:111122223333:t.fifo"),
            ("queue elsewhere", "arn:aws:sqs:eu-west-1:111122223333:q"),
            ("function", "arn:aws:lambda:us-east-1:111122223333:function:f:prod"),
            ("alarm-action", "arn:aws:automate:eu-west-1:ec2:stop"),
            ("target", "arn:aws:events:eu-west-1:111122223333:event-bus/central"),
        ] {
            assert_eq!(fault(names, text), None, "{names} {text}");
        }
    }

    #[test]
    fn names_that_aws_refuses_are_reported() {
        for (names, text, says) in [
            ("kms-key", "arn:aws:kms:eu-west-1:111122223333:key/1", "is in eu-west-1"),
            ("kms-key", "arn:aws-cn:kms:us-east-1:111122223333:key/1", "`aws-cn`"),
            ("kms-key", "arn:aws:s3:::lake", "not the ARN of a KMS key"),
            ("kms-key", "lake", "warning: "),
            ("role", "arn:aws:iam::111122223333:user/x", "not the ARN of an IAM role"),
            ("role", "arn:aws:iam::111122223333:role/", "not the ARN of an IAM role"),
            ("role", "etl", "not the ARN of an IAM role"),
            ("role or name", "arn:aws:sts::111122223333:assumed-role/etl/me", "a session"),
            ("role or name", "etl role", "not the ARN of an IAM role"),
            ("role", "arn:aws:iam:us-east-1:111122223333:role/r", "has no region"),
            ("role", "arn:aws-us-gov:iam::111122223333:role/r", "`aws-us-gov`"),
            ("policy", "arn:aws:iam::111122223333:role/r", "not the ARN of a managed policy"),
            ("vpc", "main", "not the id of a VPC"),
            ("subnet", "my-subnet", "not the id of a subnet"),
            ("subnet", "subnet-", "not the id of a subnet"),
            ("security-group", "my-sg", "not the id of a security group"),
            ("zone", "us-east-1", "not a zone"),
            ("zone", "us-east-1A", "not a zone"),
            ("zone", "us-east-1ab", "not a zone"),
            ("zone", "us-west-2-lax-1a", "not a zone"),
            ("bucket", "My_Bucket", "warning: "),
            ("bucket", "my bucket", "cannot be the name"),
            ("bucket", "s3://logs", "cannot be the name"),
            ("log-group", "/aws/x", "not the ARN of a log group"),
            ("log-group", "arn:aws:logs:eu-west-1:111122223333:log-group:x", "is in eu-west-1"),
            ("topic", "arn:aws:sns:::t", "must contain its region"),
            ("alarm-action", "alerts", "ARN"),
            ("alarm-action", "arn:aws:sns:eu-west-1:111122223333:t", "SNS topic is in eu-west-1"),
            ("target", "arn:aws:states:eu-west-1:111122223333:stateMachine:m", "is in eu-west-1"),
            ("target", "queue", "is not an ARN"),
        ] {
            let fault = fault(names, text).unwrap_or_default();
            assert!(fault.contains(says), "{names} {text}: {fault}");
        }
    }
}
