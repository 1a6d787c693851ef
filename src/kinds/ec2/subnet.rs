//! `ec2_subnet`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{HostnameType, ResourceType, Subnet, SubnetCidrBlockStateCode, SubnetState};

use super::shared::{
    Cidr, PAGE, arn, by_ids, by_owner, check_network_v4, check_v6, exactly, existing, flag, tag, tags_of,
};
use crate::kind::prelude::*;

/// A subnet: a range of a VPC's addresses in one availability zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Id of the VPC.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    #[schemars(extend("x-dwctl-names" = "vpc"))]
    pub vpc_id: String,
    /// IPv4 addresses of the subnet, `/16` to `/28`, within a block of the VPC. Absent
    /// only for an `ipv6_native` subnet.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub cidr_block: Option<String>,
    /// Availability zone by name, such as `us-east-1a`. Absent, with
    /// `availability_zone_id` absent too: AWS chooses one.
    #[schemars(extend("x-dwctl" = [REPLACE, AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-names" = "zone"))]
    pub availability_zone: Option<String>,
    /// Availability zone by the id that is the same in all accounts, such as `use1-az1`.
    #[schemars(extend("x-dwctl" = [REPLACE, AWS_DEFAULT]))]
    pub availability_zone_id: Option<String>,
    /// IPv6 addresses of the subnet, `/44` to `/64` in steps of four, within a block of
    /// the VPC. Absent: none.
    pub ipv6_cidr_block: Option<String>,
    /// Whether the subnet has IPv6 addresses only. Default false.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub ipv6_native: bool,
    /// Whether instances in the subnet get a public IPv4 address. Default false.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["access when on: instances in it get public addresses"]))]
    pub map_public_ip_on_launch: bool,
    /// Whether instances and interfaces created in the subnet get an IPv6 address. Default false; true in an
    /// `ipv6_native` subnet, as AWS has it.
    #[serde(default)]
    pub assign_ipv6_address_on_creation: bool,
    /// Whether AWS's DNS server makes up IPv6 addresses for names that have IPv4 alone. Default false.
    #[serde(default)]
    pub enable_dns64: bool,
    /// DNS names of instances that start in the subnet. Absent: AWS's choice.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    pub private_dns_name_options_on_launch: Option<PrivateDnsNameOptions>,
}

/// DNS names of instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrivateDnsNameOptions {
    /// Whether names are made from the IPv4 address (`ip-name`) or the instance id (`resource-name`). Absent:
    /// AWS's choice, `resource-name` in an `ipv6_native` subnet.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "enum" = ["ip-name", "resource-name"]))]
    pub hostname_type: Option<String>,
    /// Whether names made from the instance id answer with the IPv4 address. Default false.
    #[serde(default)]
    pub enable_resource_name_dns_a_record: bool,
    /// Whether names made from the instance id answer with the IPv6 address. Default false.
    #[serde(default)]
    pub enable_resource_name_dns_aaaa_record: bool,
}

/// The attributes of a subnet that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the subnet, `subnet-…`.
    pub subnet_id: String,
    /// ARN of the subnet.
    pub arn: String,
    /// Account that owns the subnet.
    pub owner_id: String,
}

/// In Terraform, the options of DNS names at launch are attributes of the subnet itself.
fn arrange(subnet: &mut Block) -> Vec<TerraformPart> {
    if let Some(mut options) = take_block(subnet, "private_dns_name_options_on_launch") {
        for (here, there) in [
            ("hostname_type", "private_dns_hostname_type_on_launch"),
            ("enable_resource_name_dns_a_record", "enable_resource_name_dns_a_record_on_launch"),
            ("enable_resource_name_dns_aaaa_record", "enable_resource_name_dns_aaaa_record_on_launch"),
        ] {
            subnet.insert(there.to_owned(), take(&mut options, here));
        }
    }
    Vec::new()
}

/// An existing subnet.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the subnet, `subnet-…`.
    subnet_id: Option<String>,
    /// Id of the VPC that it is in.
    vpc_id: Option<String>,
    /// Its IPv4 addresses.
    cidr_block: Option<String>,
    /// Its availability zone by name, such as `us-east-1a`.
    availability_zone: Option<String>,
    /// Its availability zone by the id that is the same in all accounts, such as `use1-az1`.
    availability_zone_id: Option<String>,
    /// Whether it is the default subnet of its availability zone.
    default_for_az: Option<bool>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_subnets.set_filters(PAGE) => subnet_id;
    "subnet-id" = subnet_id,
    "vpc-id" = vpc_id,
    "cidr-block" = cidr_block,
    "availability-zone" = availability_zone,
    "availability-zone-id" = availability_zone_id,
    "default-for-az" = default_for_az,
}

/// The kind `ec2_subnet`.
pub struct Ec2Subnet;

impl Kind for Ec2Subnet {
    const CFN: Option<&'static str> = Some("AWS::EC2::Subnet");
    const TERRAFORM: Terraform = Terraform::of("aws_subnet", &[]).arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("private_dns_name_options_on_launch.hostname_type", "private_dns_hostname_type_on_launch"),
        (
            "private_dns_name_options_on_launch.enable_resource_name_dns_a_record",
            "enable_resource_name_dns_a_record_on_launch",
        ),
        (
            "private_dns_name_options_on_launch.enable_resource_name_dns_aaaa_record",
            "enable_resource_name_dns_aaaa_record_on_launch",
        ),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeSubnets"],
        create: &["ec2:CreateSubnet", "ec2:CreateTags"],
        update: &[
            "ec2:ModifySubnetAttribute",
            "ec2:AssociateSubnetCidrBlock",
            "ec2:DisassociateSubnetCidrBlock",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &["ec2:DeleteSubnet"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const USERS: Option<&'static str> =
        Some("aws ec2 describe-network-interfaces --filters Name=subnet-id,Values={}");
    // See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>.
    const LINKS: &'static [Link] = &[Link::to("vpc_id", "ec2_vpc").held(Hold::Firm)];
    // Network interfaces that services leave behind in a subnet take long to disappear.
    const PACE: Pace = Pace { create_seconds: 3, delete_seconds: 3, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    /// AWS enables address assignment in an IPv6-only subnet by itself.
    fn derive(spec: &mut Value, _: &Files) -> Result<(), Problem> {
        if let Value::Map(fields) = spec
            && matches!(fields.get("ipv6_native"), Some(Value::Bool(true)))
        {
            let assigns = fields.entry("assign_ipv6_address_on_creation".to_owned()).or_insert(Value::Null);
            if *assigns == Value::Null {
                *assigns = true.into();
            }
        }
        Ok(())
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(text) = spec.text("cidr_block") {
            problems.extend(check_network_v4("cidr_block", text));
        }
        if let Some(text) = spec.text("ipv6_cidr_block") {
            match Cidr::v6(text) {
                Some(cidr) if !(44..=64).contains(&cidr.prefix) || cidr.prefix % 4 != 0 => problems.push(
                    Problem::new("ipv6_cidr_block", format!("AWS has no subnets of /{}", cidr.prefix))
                        .help("choose /44, /48, /52, /56, /60 or /64"),
                ),
                _ => problems.extend(check_v6("ipv6_cidr_block", text)),
            }
        }
        if spec.is_set("availability_zone") && spec.is_set("availability_zone_id") {
            problems.push(
                Problem::new("availability_zone_id", "the availability zone is given by name and by id")
                    .help("keep one of `availability_zone` and `availability_zone_id`"),
            );
        }
        let has_ipv6 = spec.is_set("ipv6_cidr_block");
        match spec.flag("ipv6_native") {
            Some(true) => {
                for attribute in ["cidr_block", "map_public_ip_on_launch"] {
                    let is_off = attribute == "map_public_ip_on_launch" && spec.flag(attribute) != Some(true);
                    if spec.is_set(attribute) && !is_off {
                        problems.push(
                            Problem::new(attribute, format!("an IPv6-only subnet has no `{attribute}`"))
                                .help("remove it, or remove `ipv6_native`"),
                        );
                    }
                }
                if !has_ipv6 {
                    problems.push(
                        Problem::new("ipv6_native", "an IPv6-only subnet needs IPv6 addresses")
                            .help("write `ipv6_cidr_block`"),
                    );
                }
            }
            _ if !spec.may_be_set("cidr_block") && !spec.may_be_set("ipv6_native") => problems.push(
                Problem::new("cidr_block", "the subnet has no addresses")
                    .help("write `cidr_block`, or `ipv6_native = true` with `ipv6_cidr_block`"),
            ),
            Some(false) if !spec.may_be_set("cidr_block") => problems.push(
                Problem::new("cidr_block", "the subnet has no IPv4 addresses")
                    .help("write `cidr_block`, or `ipv6_native = true`"),
            ),
            _ => {}
        }
        if spec.flag("assign_ipv6_address_on_creation") == Some(true) && !has_ipv6 {
            problems.push(
                Problem::new("assign_ipv6_address_on_creation", "the subnet has no IPv6 addresses to assign")
                    .help("write `ipv6_cidr_block`"),
            );
        }
        problems
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let Some(vpc_id) = spec.0.get("vpc_id") else { return problems };
        let vpc = vpc_of(vpc_id, among);
        if let (Some(vpc), Some(block)) = (vpc, spec.text("cidr_block").and_then(Cidr::v4))
            && let Some(ranges) = ranges(vpc.spec)
            && !ranges.iter().any(|range| range.contains(block))
        {
            let ranges: Vec<String> = ranges.into_iter().map(Cidr::canonical).collect();
            problems.push(
                Problem::new("cidr_block", format!("{} is not within {}", block.canonical(), vpc.address))
                    .help(format!("the VPC has {}", ranges.join(", "))),
            );
        }
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.0.get("vpc_id").map(|vpc| format!("{vpc:?}")).into_iter().collect()
    }

    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        if own.spec.0.get("vpc_id")? != other.spec.0.get("vpc_id")? {
            return None;
        }
        let overlap = |attribute, parse: fn(&str) -> Option<Cidr>| {
            let block = |peer: &Peer<'_>| peer.spec.text(attribute).and_then(parse);
            let (ours, theirs) = (block(own)?, block(other)?);
            ours.overlaps(theirs).then(|| {
                let (ours, theirs) = (ours.canonical(), theirs.canonical());
                Problem::new(attribute, format!("{ours} overlaps {theirs} of {}", other.address))
                    .help("the subnets of a VPC must not overlap")
            })
        };
        overlap("cidr_block", Cidr::v4).or_else(|| overlap("ipv6_cidr_block", Cidr::v6))
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
            .create_subnet()
            .vpc_id(&want.vpc_id)
            .set_cidr_block(want.cidr_block.clone())
            .set_ipv6_cidr_block(want.ipv6_cidr_block.clone())
            .set_ipv6_native(want.ipv6_native.then_some(true))
            .set_availability_zone(want.availability_zone.clone())
            .set_availability_zone_id(want.availability_zone_id.clone())
            .set_tag_specifications(tags_of(ResourceType::Subnet, new.tags)?)
            .send()
            .await?;
        Created::with(created.subnet.and_then(|subnet| subnet.subnet_id))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let ec2 = cx.aws.ec2();
        // A call changes one attribute.
        let modify = || ec2.modify_subnet_attribute().subnet_id(id);
        if live.map_public_ip_on_launch != want.map_public_ip_on_launch {
            modify().map_public_ip_on_launch(flag(want.map_public_ip_on_launch)).send().await?;
        }
        // Addresses can only be assigned while the subnet has an IPv6 block.
        let assigns = live.assign_ipv6_address_on_creation != want.assign_ipv6_address_on_creation;
        if assigns && !want.assign_ipv6_address_on_creation {
            modify().assign_ipv6_address_on_creation(flag(false)).send().await?;
        }
        if live.ipv6_cidr_block != want.ipv6_cidr_block {
            update_ipv6_block(cx, id, live, want).await?;
        }
        if assigns && want.assign_ipv6_address_on_creation {
            modify().assign_ipv6_address_on_creation(flag(true)).send().await?;
        }
        if live.enable_dns64 != want.enable_dns64 {
            modify().enable_dns64(flag(want.enable_dns64)).send().await?;
        }
        let Some(want) = &want.private_dns_name_options_on_launch else { return Ok(()) };
        let live = live.private_dns_name_options_on_launch.as_ref();
        if let Some(kind) = &want.hostname_type
            && live.and_then(|live| live.hostname_type.as_ref()) != Some(kind)
        {
            modify().private_dns_hostname_type_on_launch(HostnameType::from(kind.as_str())).send().await?;
        }
        let a_record = want.enable_resource_name_dns_a_record;
        if live.is_some_and(|live| live.enable_resource_name_dns_a_record) != a_record {
            modify().enable_resource_name_dns_a_record_on_launch(flag(a_record)).send().await?;
        }
        let aaaa_record = want.enable_resource_name_dns_aaaa_record;
        if live.is_some_and(|live| live.enable_resource_name_dns_aaaa_record) != aaaa_record {
            modify().enable_resource_name_dns_aaaa_record_on_launch(flag(aaaa_record)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.ec2().delete_subnet().subnet_id(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// The VPC in the stack that an id refers to.
fn vpc_of<'a>(vpc_id: &Value, among: &Among<'a>) -> Option<&'a Peer<'a>> {
    among
        .referred(vpc_id)
        .filter(|(peer, attribute)| peer.kind == "ec2_vpc" && *attribute == "vpc_id")
        .map(|(peer, _)| peer)
}

/// The IPv4 blocks of a VPC; `None` if some are unknown.
fn ranges(vpc: Known<'_>) -> Option<Vec<Cidr>> {
    let mut ranges = vec![Cidr::v4(vpc.text("cidr_block")?)?];
    if vpc.is_set("secondary_cidr_blocks") {
        let Some(Value::List(more)) = vpc.get("secondary_cidr_blocks") else { return None };
        for block in more {
            ranges.push(Cidr::v4(block.as_str()?)?);
        }
    }
    Some(ranges)
}

/// Changes or removes the IPv6 block. A subnet has at most one at a time
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateSubnetCidrBlock.html>).
async fn update_ipv6_block(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let ec2 = cx.aws.ec2();
    if live.ipv6_cidr_block.is_some() {
        let answer = ec2.describe_subnets().subnet_ids(id).send().await?;
        let association = answer.subnets().first().and_then(ipv6_block).and_then(|(id, _)| id);
        if let Some(association) = association {
            ec2.disassociate_subnet_cidr_block().association_id(association).send().await.or_gone()?;
        }
    }
    if let Some(block) = &want.ipv6_cidr_block {
        ec2.associate_subnet_cidr_block().subnet_id(id).ipv6_cidr_block(block).send().await?;
    }
    Ok(())
}

/// The association id and CIDR block of the subnet's IPv6 addresses.
fn ipv6_block(subnet: &Subnet) -> Option<(Option<&str>, &str)> {
    use SubnetCidrBlockStateCode::{Associated, Associating};
    subnet
        .ipv6_cidr_block_association_set()
        .iter()
        .find(|block| {
            let state = block.ipv6_cidr_block_state().and_then(|state| state.state());
            matches!(state, Some(Associated | Associating))
        })
        .and_then(|block| Some((block.association_id(), block.ipv6_cidr_block()?)))
}

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2Subnet>>> {
    let mut found = HashMap::new();
    for filter in by_ids("subnet-id", lookups) {
        let mut subnets =
            cx.aws.ec2().describe_subnets().filters(filter).max_results(PAGE).into_paginator().items().send();
        while let Some(subnet) = subnets.next().await {
            let subnet = subnet?;
            let id = subnet.subnet_id().unwrap_or_default().to_owned();
            found.insert(id.clone(), live(cx, id, &subnet));
        }
    }
    Ok(found)
}

fn live(cx: &Cx, id: String, subnet: &Subnet) -> Live<Ec2Subnet> {
    use SubnetCidrBlockStateCode::{Associating, Disassociating};
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let spec = Spec {
        vpc_id: subnet.vpc_id().unwrap_or_default().to_owned(),
        cidr_block: text(subnet.cidr_block()),
        availability_zone: text(subnet.availability_zone()),
        availability_zone_id: text(subnet.availability_zone_id()),
        ipv6_cidr_block: ipv6_block(subnet).map(|(_, block)| block.to_owned()),
        ipv6_native: subnet.ipv6_native().unwrap_or(false),
        map_public_ip_on_launch: subnet.map_public_ip_on_launch().unwrap_or(false),
        assign_ipv6_address_on_creation: subnet.assign_ipv6_address_on_creation().unwrap_or(false),
        enable_dns64: subnet.enable_dns64().unwrap_or(false),
        private_dns_name_options_on_launch: subnet.private_dns_name_options_on_launch().map(|options| {
            PrivateDnsNameOptions {
                hostname_type: options.hostname_type().map(|kind| kind.as_str().to_owned()),
                enable_resource_name_dns_a_record: options
                    .enable_resource_name_dns_a_record()
                    .unwrap_or(false),
                enable_resource_name_dns_aaaa_record: options
                    .enable_resource_name_dns_aaaa_record()
                    .unwrap_or(false),
            }
        }),
    };
    let in_transit = subnet.ipv6_cidr_block_association_set().iter().any(|block| {
        let state = block.ipv6_cidr_block_state().and_then(|state| state.state());
        matches!(state, Some(Associating | Disassociating))
    });
    let state = match subnet.state() {
        Some(state @ SubnetState::Pending) => State::Busy(state.as_str().to_owned()),
        Some(state @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity)) => {
            State::Failed(format!("the subnet is in state {}", state.as_str()))
        }
        _ if in_transit => State::Busy("changing its IPv6 addresses".to_owned()),
        _ => State::Ready,
    };
    let attrs = Attrs {
        arn: subnet.subnet_arn().map_or_else(|| arn(cx, subnet.owner_id(), "subnet", &id), str::to_owned),
        owner_id: subnet.owner_id().unwrap_or(&cx.scope.account_id).to_owned(),
        subnet_id: id.clone(),
    };
    Live { state, ..Live::ready(spec, attrs, tags_from(subnet.tags())).with_incarnation(Some(id)) }
}

#[cfg(test)]
mod tests {
    use super::Ec2Subnet;
    use crate::kind::{Kind, Known};
    use crate::value::Value;

    fn places(spec: serde_json::Value) -> Vec<String> {
        Ec2Subnet::check(Known(&Value::from_json(&spec))).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn addresses_are_checked() {
        use serde_json::json;
        assert_eq!(places(json!({ "vpc_id": "v", "cidr_block": "10.0.0.0/24" })), [""; 0]);
        assert_eq!(places(json!({ "vpc_id": "v", "cidr_block": "10.0.0.1/24" })), ["cidr_block"]);
        assert_eq!(places(json!({ "vpc_id": "v" })), ["cidr_block"]);
        assert_eq!(places(json!({ "vpc_id": "v", "ipv6_native": false })), ["cidr_block"]);
        assert_eq!(
            places(
                json!({ "ipv6_native": true, "cidr_block": "10.0.0.0/24", "map_public_ip_on_launch": false })
            ),
            ["cidr_block", "ipv6_native"]
        );
        assert_eq!(
            places(json!({ "cidr_block": "10.0.0.0/24", "ipv6_cidr_block": "2600:1f14::/62",
                "availability_zone": "us-east-1a", "availability_zone_id": "use1-az1" })),
            ["ipv6_cidr_block", "availability_zone_id"]
        );
        let unknown = Value::map([
            ("cidr_block", Value::unknown("ec2_vpc.a", "cidr_block")),
            ("ipv6_cidr_block", Value::unknown("ec2_vpc.a", "ipv6_cidr_block")),
            ("assign_ipv6_address_on_creation", Value::from(true)),
        ]);
        assert_eq!(Ec2Subnet::check(Known(&unknown)), []);
    }
}
