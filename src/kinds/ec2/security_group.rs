//! `ec2_security_group`.

use std::collections::{HashMap, HashSet};

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroup, SecurityGroupRule,
    UserIdGroupPair,
};

use super::shared::{
    PAGE, arn, by_ids, by_owner, check_v4, check_v6, exactly, existing, filter, tag, tags_of,
};
use crate::kind::prelude::*;

/// A security group: a firewall around what is in it. Its rules are exactly those
/// written here: a rule that someone else adds is shown as a change and removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the group, unique in its VPC.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$"))]
    pub group_name: String,
    /// What the group is for. AWS cannot change it later.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$"))]
    pub description: String,
    /// Id of the VPC. Absent: the region's default VPC.
    #[schemars(extend("x-dwctl" = [REPLACE, AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-names" = "vpc"))]
    pub vpc_id: Option<String>,
    /// Inbound rules, each with one source. Absent: no inbound traffic.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-document" = "ingress"))]
    pub ingress: Vec<Rule>,
    /// Outbound rules, each with one destination. Absent: AWS's choice, which is all outbound traffic. If
    /// removed: all outbound traffic over IPv4. To allow none: `revoke_all_egress`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET, AWS_DEFAULT], "x-dwctl-restored" = everything()))]
    #[schemars(extend("x-dwctl-document" = "egress"))]
    pub egress: Vec<Rule>,
    /// Whether the group has no egress rules, so that no outbound traffic is allowed. Default false.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["access when off: all outbound traffic is allowed"]))]
    pub revoke_all_egress: bool,
}

/// What one rule allows: a protocol, its ports, and one peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, the number of another protocol, or `-1` for all.
    pub ip_protocol: String,
    /// First port; for ICMP the type, `-1` for all. For TCP, UDP and ICMP only.
    #[schemars(range(min = -1, max = 65535))]
    pub from_port: Option<i32>,
    /// Last port; for ICMP the code, `-1` for all. For TCP, UDP and ICMP only.
    #[schemars(range(min = -1, max = 65535))]
    pub to_port: Option<i32>,
    /// Peers: a block of IPv4 addresses.
    pub cidr_ipv4: Option<String>,
    /// Peers: a block of IPv6 addresses.
    pub cidr_ipv6: Option<String>,
    /// Peers: the addresses of a prefix list, such as those of S3 in the region.
    #[schemars(extend("x-dwctl-names" = "prefix-list"))]
    pub prefix_list_id: Option<String>,
    /// Peers: what is in another security group.
    #[schemars(extend("x-dwctl-names" = "security-group"))]
    pub referenced_security_group_id: Option<String>,
    /// Account of the other group, if it is another account (a peered VPC).
    #[schemars(regex(pattern = r"^\d{12}$"))]
    pub referenced_security_group_owner_id: Option<String>,
    /// Peers: what is in this group itself. AWS Glue needs such a rule. Default false.
    #[serde(default, rename = "self")]
    pub own_group: bool,
    /// What the rule is for.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$"))]
    pub description: Option<String>,
}

/// The attributes of a security group that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the group, `sg-…`.
    pub group_id: String,
    /// ARN of the group.
    pub arn: String,
    /// Account that owns the group.
    pub owner_id: String,
}

/// In Terraform, peers are lists, and all ports are written as `0`.
fn arrange(group: &mut Block) -> Vec<TerraformPart> {
    for direction in ["ingress", "egress"] {
        let Some(Value::List(rules)) = group.get_mut(direction) else { continue };
        for rule in rules {
            let Value::Map(rule) = rule else { continue };
            for (here, there) in [
                ("cidr_ipv4", "cidr_blocks"),
                ("cidr_ipv6", "ipv6_cidr_blocks"),
                ("prefix_list_id", "prefix_list_ids"),
                ("referenced_security_group_id", "security_groups"),
            ] {
                let peers = listed(take(rule, here));
                rule.insert(there.to_owned(), peers);
            }
            for port in ["from_port", "to_port"] {
                rule.entry(port.to_owned()).or_insert(Value::from(0));
            }
        }
    }
    Vec::new()
}

/// An existing security group.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the group, `sg-…`.
    group_id: Option<String>,
    /// Its name; `default` is the group that AWS made with a VPC.
    group_name: Option<String>,
    /// Id of the VPC that it is in.
    vpc_id: Option<String>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_security_groups.set_filters(PAGE) => group_id;
    "group-id" = group_id,
    "group-name" = group_name,
    "vpc-id" = vpc_id,
}

/// The kind `ec2_security_group`.
pub struct Ec2SecurityGroup;

/// The protocols with ports, or with types and codes.
const WITH_PORTS: [&str; 4] = ["tcp", "udp", "icmp", "icmpv6"];

/// The attributes that name a rule's peer.
const PEERS: [&str; 5] = ["cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id", "self"];

impl Kind for Ec2SecurityGroup {
    const CFN: Option<&'static str> = Some("AWS::EC2::SecurityGroup");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_security_group",
        &[("group_name", "name"), ("ingress.ip_protocol", "protocol"), ("egress.ip_protocol", "protocol")],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "firewall"),
        ("ingress", "aws_security_group_rule"),
        ("ingress", "aws_vpc_security_group_ingress_rule"),
        ("egress", "aws_vpc_security_group_egress_rule"),
        ("ingress", "AWS::EC2::SecurityGroupIngress"),
        ("egress", "AWS::EC2::SecurityGroupEgress"),
        ("description", "GroupDescription"),
        ("ingress", "SecurityGroupIngress"),
        ("egress", "SecurityGroupEgress"),
        ("ingress.cidr_ipv4", "CidrIp"),
        ("egress.cidr_ipv4", "CidrIp"),
        ("ingress.cidr_ipv6", "CidrIpv6"),
        ("egress.cidr_ipv6", "CidrIpv6"),
        ("ingress.prefix_list_id", "SourcePrefixListId"),
        ("egress.prefix_list_id", "DestinationPrefixListId"),
        ("ingress.referenced_security_group_id", "SourceSecurityGroupId"),
        ("egress.referenced_security_group_id", "DestinationSecurityGroupId"),
        ("ingress.cidr_ipv4", "cidr_blocks"),
        ("egress.cidr_ipv4", "cidr_blocks"),
        ("ingress.cidr_ipv6", "ipv6_cidr_blocks"),
        ("egress.cidr_ipv6", "ipv6_cidr_blocks"),
        ("ingress.prefix_list_id", "prefix_list_ids"),
        ("egress.prefix_list_id", "prefix_list_ids"),
        ("ingress.referenced_security_group_id", "security_groups"),
        ("egress.referenced_security_group_id", "security_groups"),
        ("ingress.referenced_security_group_owner_id", "SourceSecurityGroupOwnerId"),
        ("ingress.referenced_security_group_id", "SourceSecurityGroupName"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules"],
        create: &["ec2:CreateSecurityGroup", "ec2:CreateTags"],
        update: &[
            "ec2:DescribeSecurityGroupRules",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
            "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &[
            "ec2:DeleteSecurityGroup",
            "ec2:DescribeSecurityGroupRules",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupEgress",
        ],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const SET_AFTER_CREATE: &'static [&'static str] = &["ingress", "egress", "revoke_all_egress"];
    const USERS: Option<&'static str> = Some(
        "aws ec2 describe-network-interfaces --filters Name=group-id,Values={}; aws ec2 describe-security-groups --filters Name=ip-permission.group-id,Values={}",
    );
    // See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>.
    const LINKS: &'static [Link] = &[
        Link::to("vpc_id", "ec2_vpc").held(Hold::Firm),
        Link::to("ingress.referenced_security_group_id", "ec2_security_group").held(Hold::Loose),
        Link::to("egress.referenced_security_group_id", "ec2_security_group")
            .held(Hold::Loose)
            .emptied("revoke_all_egress"),
    ];
    const DEFERRABLE: &'static [&'static str] = &["ingress", "egress"];
    // Network interfaces that services leave behind in a group take long to disappear.
    const PACE: Pace = Pace { create_seconds: 3, delete_seconds: 3, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    /// A rule cannot name its own group by id: the rules are created with the group, before the id is known.
    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let names_itself = |rule: &Value| match rule.get("referenced_security_group_id") {
            Some(Value::Unknown(id)) => id.address == among.address() && id.attribute == "group_id",
            _ => false,
        };
        let rules = ["ingress", "egress"].into_iter().flat_map(|direction| {
            spec.list(direction).iter().enumerate().map(move |(index, rule)| (direction, index, rule))
        });
        let named = rules.filter(|(_, _, rule)| names_itself(rule)).map(|(direction, index, _)| {
            Problem::new(
                format!("{direction}.{index}.referenced_security_group_id"),
                "the rule names its own group, whose id is not known before it is created",
            )
            .help("write `self = true` instead")
        });
        named.collect()
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(name) = spec.text("group_name")
            && (name.starts_with("sg-") || name.eq_ignore_ascii_case("default"))
        {
            problems.push(
                Problem::new("group_name", format!("\"{name}\" is a name that AWS reserves"))
                    .help("a name is not `default` and does not begin with `sg-`"),
            );
        }
        for direction in ["ingress", "egress"] {
            check_rules(spec, direction, &mut problems);
        }
        match (spec.get("egress"), spec.flag("revoke_all_egress")) {
            (Some(Value::List(rules)), Some(true)) if !rules.is_empty() => problems.push(
                Problem::new(
                    "revoke_all_egress",
                    "the group has egress rules, but `revoke_all_egress` removes all of them",
                )
                .help("remove `egress`, or remove `revoke_all_egress`"),
            ),
            (Some(Value::List(rules)), Some(false) | None) if rules.is_empty() => problems.push(
                Problem::new(
                    "egress",
                    "an empty `egress` is the same as none, and would allow all outbound traffic",
                )
                .help("write `revoke_all_egress = true` to allow no outbound traffic"),
            ),
            _ => {}
        }
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.text("group_name").map(str::to_ascii_lowercase).into_iter().collect()
    }

    /// Names are unique within a VPC, regardless of case
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>).
    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let (ours, theirs) = (own.spec.text("group_name")?, other.spec.text("group_name")?);
        let same_vpc = own.place == other.place && own.spec.0.get("vpc_id") == other.spec.0.get("vpc_id");
        (same_vpc && ours.eq_ignore_ascii_case(theirs)).then(|| {
            Problem::new("group_name", format!("`{ours}` is also the name of {}", other.address))
                .help("a group's name is unique in its VPC")
        })
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        answer(lookups, read(cx, lookups).await)
    }

    async fn find(cx: &Cx, owner: &Owner, _: Known<'_>) -> Result<Vec<String>> {
        ids(cx, by_owner(owner)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let created = cx
            .aws
            .ec2()
            .create_security_group()
            .group_name(&want.group_name)
            .description(&want.description)
            .set_vpc_id(want.vpc_id.clone())
            .set_tag_specifications(tags_of(ResourceType::SecurityGroup, new.tags)?)
            .send()
            .await?;
        Created::with(created.group_id)
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let egress = wanted_egress(want);
        if live.ingress == want.ingress
            && live.egress == egress
            && live.revoke_all_egress == want.revoke_all_egress
        {
            return Ok(());
        }
        // AWS accepts this form but returns the other one, which would be a permanent difference.
        let names_itself = |rule: &Rule| rule.referenced_security_group_id.as_deref() == Some(id);
        if want.ingress.iter().chain(&egress).any(names_itself) {
            let message = format!("a rule names its own group as {id}: write `self = true` instead");
            return Err(Error::finding(Class::Invalid, message));
        }
        let now = rules_of(cx, id).await?;
        if live.ingress != want.ingress {
            update_rules(cx, id, &now, &want.ingress, Direction::In).await?;
        }
        if live.egress != egress || live.revoke_all_egress != want.revoke_all_egress {
            update_rules(cx, id, &now, &egress, Direction::Out).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.ec2().delete_security_group().group_id(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// The egress rule that AWS adds to a new group
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>).
fn everything() -> serde_json::Value {
    serde_json::json!({
        "value": [{ "ip_protocol": "-1", "cidr_ipv4": "0.0.0.0/0" }],
        "without": "revoke_all_egress",
    })
}

/// The desired egress rules: none, the declared ones, or, if nothing is declared and AWS's default rule is
/// gone, that rule again
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>).
fn wanted_egress(want: &Spec) -> Vec<Rule> {
    if want.revoke_all_egress {
        return Vec::new();
    }
    if !want.egress.is_empty() {
        return want.egress.clone();
    }
    vec![Rule {
        ip_protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        cidr_ipv4: Some("0.0.0.0/0".to_owned()),
        cidr_ipv6: None,
        prefix_list_id: None,
        referenced_security_group_id: None,
        referenced_security_group_owner_id: None,
        own_group: false,
        description: None,
    }]
}

fn check_rules(spec: Known<'_>, direction: &str, problems: &mut Vec<Problem>) {
    let mut seen = HashSet::new();
    for (index, rule) in spec.list(direction).iter().enumerate() {
        let path = format!("{direction}.{index}");
        let Value::Map(fields) = rule else { continue };
        let rule = Known(rule);
        check_protocol(rule, &path, problems);
        // `self = false` names no peer, and an unknown value may be either.
        let is_named = |peer: &&str| match *peer {
            "self" => rule.flag("self") == Some(true),
            peer => rule.is_set(peer),
        };
        let peers: Vec<&str> = PEERS.into_iter().filter(is_named).collect();
        let own = rule.may_be_set("self") && rule.flag("self") != Some(false);
        let may_be_named = own || PEERS.into_iter().any(|peer| peer != "self" && rule.may_be_set(peer));
        if peers.len() > 1 || !may_be_named {
            let message = match peers.as_slice() {
                [] => "the rule names no peer".to_owned(),
                peers => format!("the rule names {} peers", peers.len()),
            };
            problems.push(Problem::new(&*path, message).help(format!(
                "a rule has exactly one of {}",
                PEERS.map(|peer| format!("`{peer}`")).join(", ")
            )));
        }
        if let Some(text) = rule.text("cidr_ipv4") {
            problems.extend(check_v4(&format!("{path}.cidr_ipv4"), text));
        }
        if let Some(text) = rule.text("cidr_ipv6") {
            problems.extend(check_v6(&format!("{path}.cidr_ipv6"), text));
        }
        if rule.is_set("referenced_security_group_owner_id")
            && !rule.may_be_set("referenced_security_group_id")
        {
            problems.push(
                Problem::new(
                    format!("{path}.referenced_security_group_owner_id"),
                    "the account belongs to a group, but the rule names no group",
                )
                .help("write `referenced_security_group_id`, or remove it"),
            );
        }
        // For AWS, two rules that differ only in their descriptions are the same.
        let mut key = fields.clone();
        key.remove("description");
        key.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)));
        let key = Value::Map(key);
        if key.is_wholly_known() && !key.contains_secret() && !seen.insert(format!("{key:?}")) {
            problems
                .push(Problem::new(path, "the same rule is declared twice").help("remove one of the two"));
        }
    }
}

fn check_protocol(rule: Known<'_>, path: &str, problems: &mut Vec<Problem>) {
    // A protocol may also be written as a number.
    let protocol = match rule.get("ip_protocol") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return,
    };
    let place = format!("{path}.ip_protocol");
    let name = match protocol.as_str() {
        "1" => Some("icmp"),
        "6" => Some("tcp"),
        "17" => Some("udp"),
        "58" => Some("icmpv6"),
        "all" => Some("-1"),
        other => WITH_PORTS.into_iter().find(|name| name.eq_ignore_ascii_case(other) && *name != other),
    };
    if let Some(name) = name {
        problems.push(
            Problem::new(place, format!("\"{protocol}\" is not the way AWS writes this protocol"))
                .help(format!("write \"{name}\"")),
        );
        return;
    }
    let has_ports = WITH_PORTS.contains(&protocol.as_str());
    if !has_ports && protocol != "-1" && protocol.parse::<u8>().is_err() {
        problems.push(
            Problem::new(place, format!("no protocol \"{protocol}\""))
                .help("tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 for all"),
        );
        return;
    }
    for port in ["from_port", "to_port"] {
        if has_ports && !rule.may_be_set(port) {
            let help = if protocol.starts_with("icmp") {
                "the ICMP type and code; -1 for all"
            } else {
                "0 to 65535 are all ports"
            };
            problems.push(Problem::new(path, format!("a rule for {protocol} needs `{port}`")).help(help));
        } else if !has_ports && rule.is_set(port) {
            problems.push(
                Problem::new(
                    format!("{path}.{port}"),
                    format!("a rule for protocol {protocol} has no ports"),
                )
                .help("remove `from_port` and `to_port`: AWS would allow all"),
            );
        }
    }
    let (Some(from), Some(to)) = (rule.integer("from_port"), rule.integer("to_port")) else { return };
    match protocol.as_str() {
        "tcp" | "udp" if from < 0 || to < from => problems.push(
            Problem::new(format!("{path}.from_port"), format!("there are no ports {from} to {to}"))
                .help("0 to 65535 are all ports"),
        ),
        "icmp" | "icmpv6" if from > 255 || to > 255 || (from == -1 && to != -1) => problems.push(
            Problem::new(format!("{path}.from_port"), format!("there is no ICMP type {from} with code {to}"))
                .help("both from 0 to 255, or -1 for all; all types go with all codes only"),
        ),
        _ => {}
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

impl Direction {
    fn has(self, rule: &SecurityGroupRule) -> bool {
        rule.is_egress().unwrap_or(false) == (self == Self::Out)
    }
}

impl Rule {
    /// Converts a rule returned by AWS.
    fn read(rule: &SecurityGroupRule, group: &str) -> Self {
        let ip_protocol = rule.ip_protocol().unwrap_or("-1").to_owned();
        let has_ports = WITH_PORTS.contains(&ip_protocol.as_str());
        let other = rule.referenced_group_info().and_then(|info| info.group_id()).unwrap_or_default();
        let owner = rule
            .referenced_group_info()
            .and_then(|info| info.user_id())
            .filter(|owner| rule.group_owner_id().is_some_and(|own| own != *owner));
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            from_port: rule.from_port().filter(|_| has_ports),
            to_port: rule.to_port().filter(|_| has_ports),
            cidr_ipv4: text(rule.cidr_ipv4()),
            cidr_ipv6: text(rule.cidr_ipv6()),
            prefix_list_id: text(rule.prefix_list_id()),
            referenced_security_group_id: text(Some(other)).filter(|other| other != group),
            referenced_security_group_owner_id: text(owner),
            own_group: other == group,
            description: text(rule.description()),
            ip_protocol,
        }
    }

    /// Converts rules that AWS returns with their group, where rules that differ only in their peers
    /// are merged into one permission.
    fn of_permissions(permissions: &[IpPermission], group: &SecurityGroup) -> Vec<Self> {
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let mut rules = Vec::new();
        for permission in permissions {
            let ip_protocol = permission.ip_protocol().unwrap_or("-1").to_owned();
            let has_ports = WITH_PORTS.contains(&ip_protocol.as_str());
            let rule = |description: Option<&str>| Self {
                from_port: permission.from_port().filter(|_| has_ports),
                to_port: permission.to_port().filter(|_| has_ports),
                ip_protocol: ip_protocol.clone(),
                cidr_ipv4: None,
                cidr_ipv6: None,
                prefix_list_id: None,
                referenced_security_group_id: None,
                referenced_security_group_owner_id: None,
                own_group: false,
                description: text(description),
            };
            rules.extend(
                permission
                    .ip_ranges()
                    .iter()
                    .map(|range| Self { cidr_ipv4: text(range.cidr_ip()), ..rule(range.description()) }),
            );
            rules.extend(
                permission
                    .ipv6_ranges()
                    .iter()
                    .map(|range| Self { cidr_ipv6: text(range.cidr_ipv6()), ..rule(range.description()) }),
            );
            rules.extend(permission.prefix_list_ids().iter().map(|list| Self {
                prefix_list_id: text(list.prefix_list_id()),
                ..rule(list.description())
            }));
            rules.extend(permission.user_id_group_pairs().iter().map(|pair| {
                let own_group = pair.group_id() == group.group_id();
                let owner = pair.user_id().filter(|owner| group.owner_id().is_some_and(|own| own != *owner));
                Self {
                    referenced_security_group_id: text(pair.group_id()).filter(|_| !own_group),
                    referenced_security_group_owner_id: text(owner),
                    own_group,
                    ..rule(pair.description())
                }
            }));
        }
        rules
    }

    /// The identity of the rule: everything but its description.
    fn key(&self) -> Self {
        Self { description: None, ..self.clone() }
    }

    fn peer_group(&self, group: &str) -> Option<String> {
        if self.own_group { Some(group.to_owned()) } else { self.referenced_security_group_id.clone() }
    }

    fn to_permission(&self, group: &str) -> IpPermission {
        let permission = IpPermission::builder()
            .ip_protocol(&self.ip_protocol)
            .set_from_port(self.from_port)
            .set_to_port(self.to_port);
        let description = self.description.clone();
        let permission = if let Some(block) = &self.cidr_ipv4 {
            permission.ip_ranges(IpRange::builder().cidr_ip(block).set_description(description).build())
        } else if let Some(block) = &self.cidr_ipv6 {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(block).set_description(description).build())
        } else if let Some(list) = &self.prefix_list_id {
            let list = PrefixListId::builder().prefix_list_id(list).set_description(description);
            permission.prefix_list_ids(list.build())
        } else {
            let pair = UserIdGroupPair::builder()
                .set_group_id(self.peer_group(group))
                .set_user_id(self.referenced_security_group_owner_id.clone())
                .set_description(description);
            permission.user_id_group_pairs(pair.build())
        };
        permission.build()
    }
}

/// All rules of one group, with their ids.
async fn rules_of(cx: &Cx, id: &str) -> Result<Vec<SecurityGroupRule>> {
    let rules = cx
        .aws
        .ec2()
        .describe_security_group_rules()
        .filters(filter("group-id", [id]))
        .max_results(PAGE)
        .into_paginator()
        .items()
        .send();
    Ok(rules.collect::<std::result::Result<Vec<_>, _>>().await?)
}

/// Updates the rules of one direction. New rules are added first, so that no desired traffic is cut in
/// between; then old ones are removed.
async fn update_rules(
    cx: &Cx,
    id: &str,
    now: &[SecurityGroupRule],
    want: &[Rule],
    direction: Direction,
) -> Result<()> {
    let now: HashMap<Rule, (&SecurityGroupRule, Rule)> = now
        .iter()
        .filter(|rule| direction.has(rule))
        .map(|rule| {
            let read = Rule::read(rule, id);
            (read.key(), (rule, read))
        })
        .collect();
    let wanted: HashSet<Rule> = want.iter().map(|rule| rule.key()).collect();
    let added: Vec<IpPermission> = want
        .iter()
        .filter(|rule| !now.contains_key(&rule.key()))
        .map(|rule| rule.to_permission(id))
        .collect();
    let removed = || now.iter().filter(|(key, _)| !wanted.contains(*key)).map(|(_, (rule, _))| *rule);
    match authorize(cx, id, direction, added.clone()).await {
        // The quota has no room for old and new rules at the same time.
        Err(error) if error.has_code(&["RulesPerSecurityGroupLimitExceeded"]) => {
            revoke(cx, id, direction, removed()).await?;
            authorize(cx, id, direction, added).await?;
        }
        done => {
            done?;
            revoke(cx, id, direction, removed()).await?;
        }
    }
    let described = want
        .iter()
        .filter(|rule| now.get(&rule.key()).is_some_and(|(_, read)| read.description != rule.description))
        .map(|rule| rule.to_permission(id))
        .collect();
    describe(cx, id, direction, described).await
}

/// Changes the descriptions of rules. A rule without one loses its description.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html
async fn describe(cx: &Cx, id: &str, direction: Direction, rules: Vec<IpPermission>) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let (ec2, rules) = (cx.aws.ec2(), Some(rules));
    match direction {
        Direction::In => {
            let call = ec2.update_security_group_rule_descriptions_ingress().group_id(id);
            call.set_ip_permissions(rules).send().await?;
        }
        Direction::Out => {
            let call = ec2.update_security_group_rule_descriptions_egress().group_id(id);
            call.set_ip_permissions(rules).send().await?;
        }
    }
    Ok(())
}

async fn authorize(cx: &Cx, id: &str, direction: Direction, rules: Vec<IpPermission>) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let (ec2, rules) = (cx.aws.ec2(), Some(rules));
    match direction {
        Direction::In => {
            ec2.authorize_security_group_ingress().group_id(id).set_ip_permissions(rules).send().await?;
        }
        Direction::Out => {
            ec2.authorize_security_group_egress().group_id(id).set_ip_permissions(rules).send().await?;
        }
    }
    Ok(())
}

async fn revoke(
    cx: &Cx,
    id: &str,
    direction: Direction,
    rules: impl Iterator<Item = &SecurityGroupRule>,
) -> Result<()> {
    let ids: Vec<String> = rules.filter_map(|rule| rule.security_group_rule_id.clone()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let (ec2, ids) = (cx.aws.ec2(), Some(ids));
    match direction {
        Direction::In => {
            let call = ec2.revoke_security_group_ingress().group_id(id).set_security_group_rule_ids(ids);
            call.send().await.or_gone()?;
        }
        Direction::Out => {
            let call = ec2.revoke_security_group_egress().group_id(id).set_security_group_rule_ids(ids);
            call.send().await.or_gone()?;
        }
    }
    Ok(())
}

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2SecurityGroup>>> {
    let groups = groups(cx, lookups).await?;
    Ok(groups
        .into_iter()
        .map(|group| {
            let id = group.group_id.clone().unwrap_or_default();
            (id.clone(), live(cx, id, group))
        })
        .collect())
}

fn live(cx: &Cx, id: String, group: SecurityGroup) -> Live<Ec2SecurityGroup> {
    let ingress = Rule::of_permissions(group.ip_permissions(), &group);
    let egress = Rule::of_permissions(group.ip_permissions_egress(), &group);
    let tags = tags_from(group.tags());
    let attrs = Attrs {
        arn: group
            .security_group_arn
            .unwrap_or_else(|| arn(cx, group.owner_id.as_deref(), "security-group", &id)),
        owner_id: group.owner_id.unwrap_or_else(|| cx.scope.account_id.clone()),
        group_id: id.clone(),
    };
    let spec = Spec {
        group_name: group.group_name.unwrap_or_default(),
        description: group.description.unwrap_or_default(),
        vpc_id: group.vpc_id,
        ingress,
        revoke_all_egress: egress.is_empty(),
        egress,
    };
    Live::ready(spec, attrs, tags).with_incarnation(Some(id))
}

async fn groups(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<Vec<SecurityGroup>> {
    let mut found = Vec::new();
    for filter in by_ids("group-id", lookups) {
        let groups =
            cx.aws.ec2().describe_security_groups().filters(filter).max_results(PAGE).into_paginator();
        found.extend(groups.items().send().collect::<std::result::Result<Vec<_>, _>>().await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Ec2SecurityGroup;
    use crate::kind::{Kind, Known};
    use crate::value::Value;

    fn problems(rules: serde_json::Value) -> Vec<String> {
        let spec = Value::from_json(&json!({ "group_name": "g", "description": "d", "ingress": rules }));
        Ec2SecurityGroup::check(Known(&spec))
            .into_iter()
            .map(|problem| format!("{}: {}", problem.path, problem.message))
            .collect()
    }

    #[test]
    fn valid_rules_pass() {
        assert_eq!(
            problems(json!([
                { "ip_protocol": "tcp", "from_port": 5439, "to_port": 5439, "cidr_ipv4": "10.0.0.0/8", "self": false },
                { "ip_protocol": "tcp", "from_port": 5439, "to_port": 5439, "cidr_ipv6": "::/0" },
                { "ip_protocol": "icmp", "from_port": 8, "to_port": -1, "prefix_list_id": "pl-1" },
                { "ip_protocol": "-1", "self": true },
                { "ip_protocol": 50, "referenced_security_group_id": "sg-1", "referenced_security_group_owner_id": "111122223333" },
            ])),
            [""; 0]
        );
    }

    #[test]
    fn invalid_rules_are_reported() {
        assert_eq!(
            problems(json!([
                { "ip_protocol": "TCP", "cidr_ipv4": "10.0.0.0/8" },
                { "ip_protocol": "6", "cidr_ipv4": "10.0.0.0/8" },
                { "ip_protocol": "tcp", "from_port": 1, "cidr_ipv4": "10.0.0.1/8" },
                { "ip_protocol": "tcp", "from_port": 2, "to_port": 1, "self": true, "cidr_ipv6": "::/0" },
                { "ip_protocol": "-1", "from_port": 0, "to_port": 0 },
                { "ip_protocol": "quic", "self": true },
                { "ip_protocol": "-1", "self": true, "description": "a" },
                { "ip_protocol": "-1", "self": true, "description": "b" },
            ])),
            [
                "ingress.0.ip_protocol: \"TCP\" is not the way AWS writes this protocol",
                "ingress.1.ip_protocol: \"6\" is not the way AWS writes this protocol",
                "ingress.2: a rule for tcp needs `to_port`",
                "ingress.2.cidr_ipv4: \"10.0.0.1/8\" is not the way AWS writes this block",
                "ingress.3.from_port: there are no ports 2 to 1",
                "ingress.3: the rule names 2 peers",
                "ingress.4.from_port: a rule for protocol -1 has no ports",
                "ingress.4.to_port: a rule for protocol -1 has no ports",
                "ingress.4: the rule names no peer",
                "ingress.5.ip_protocol: no protocol \"quic\"",
                "ingress.7: the same rule is declared twice",
            ]
        );
    }

    #[test]
    fn an_empty_egress_is_refused_rather_than_taken_as_open() {
        let of = |spec| Ec2SecurityGroup::check(Known(&Value::from_json(&spec))).len();
        assert_eq!(of(json!({ "egress": [] })), 1);
        assert_eq!(of(json!({ "egress": [], "revoke_all_egress": true })), 0);
        assert_eq!(
            of(json!({ "egress": [{ "ip_protocol": "-1", "self": true }], "revoke_all_egress": true })),
            1
        );
        assert_eq!(of(json!({})), 0);
    }
}
