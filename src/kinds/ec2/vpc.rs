//! `ec2_vpc`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{
    ResourceType, SecurityGroup, Tenancy, Vpc, VpcAttributeName, VpcCidrBlockState, VpcCidrBlockStateCode,
    VpcState,
};
use futures_util::future::{try_join, try_join_all, try_join3};

use super::shared::{
    Cidr, FILTER_VALUES, PAGE, arn, by_ids, by_owner, check_network_v4, exactly, existing, filter, flag, tag,
    tags_of,
};
use crate::kind::prelude::*;

/// An Amazon VPC: the private network that clusters, jobs and endpoints are in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// First block of IPv4 addresses, `/16` to `/28`.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub cidr_block: String,
    /// Further blocks of IPv4 addresses, `/16` to `/28`: all of them.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    pub secondary_cidr_blocks: Vec<String>,
    /// Whether the VPC has a `/56` block of IPv6 addresses from Amazon. Default false.
    #[serde(default)]
    pub amazon_provided_ipv6_cidr_block: bool,
    /// Whether instances share hardware (`default`) or run on hardware of their own (`dedicated`).
    #[serde(default = "shared_tenancy")]
    #[schemars(extend("x-dwctl" = [REPLACE], "enum" = ["default", "dedicated", "host"]))]
    pub instance_tenancy: String,
    /// Whether AWS's DNS server answers in the VPC. Default true.
    #[serde(default = "yes")]
    pub enable_dns_support: bool,
    /// Whether instances with public addresses get DNS names; interface endpoints with
    /// private DNS need it. Default false.
    #[serde(default)]
    pub enable_dns_hostnames: bool,
    /// Whether CloudWatch counts the addresses in use. Default false.
    #[serde(default)]
    pub enable_network_address_usage_metrics: bool,
    /// Whether the VPC's default security group has no rules, so that resources without a group can
    /// reach nothing. `false`: it has rules; AWS's own are restored if it has none. Default true.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["access when off: the default security group has rules again"]))]
    #[schemars(extend("x-dwctl-described-by" = "default_security_group_rules"))]
    pub empty_default_security_group: bool,
}

defaults! {
    shared_tenancy: String = "default";
}

/// The attributes of a VPC that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the VPC, `vpc-…`.
    pub vpc_id: String,
    /// ARN of the VPC.
    pub arn: String,
    /// Account that owns the VPC.
    pub owner_id: String,
    /// Id of the security group that AWS made with the VPC.
    pub default_security_group_id: String,
    /// The rules of that group, in words; empty if it has none.
    #[serde(default)]
    pub default_security_group_rules: Vec<String>,
    /// Id of the network ACL that AWS created with the VPC; read if something refers to it.
    pub default_network_acl_id: Option<String>,
    /// Id of the route table of subnets without their own; read if something refers to it.
    pub main_route_table_id: Option<String>,
    /// Block of IPv6 addresses from Amazon, if there is one.
    pub ipv6_cidr_block: Option<String>,
}

/// In Terraform, additional CIDR blocks and the emptied default security group are separate resources.
fn arrange(vpc: &mut Block) -> Vec<TerraformPart> {
    let mut parts = Vec::new();
    if let Value::List(blocks) = take(vpc, "secondary_cidr_blocks") {
        for cidr in blocks {
            let key = cidr.as_str().unwrap_or_default().to_owned();
            let resource = "aws_vpc_ipv4_cidr_block_association";
            let part = TerraformPart::new(resource, "vpc_id", &Value::Null, [("cidr_block", cidr)]);
            parts.push(part.keyed(key));
        }
    }
    if take(vpc, "empty_default_security_group") == Value::Bool(true) {
        let none = || Value::List(Vec::new());
        parts.push(TerraformPart::new(
            "aws_default_security_group",
            "vpc_id",
            &Value::Null,
            [("ingress", none()), ("egress", none())],
        ));
    }
    parts
}

/// An existing VPC.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the VPC, `vpc-…`.
    vpc_id: Option<String>,
    /// Its first block of IPv4 addresses.
    cidr_block: Option<String>,
    /// Whether it is the default VPC of its region.
    is_default: Option<bool>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_vpcs.set_filters(PAGE) => vpc_id;
    "vpc-id" = vpc_id,
    "cidr" = cidr_block,
    "is-default" = is_default,
}

/// The kind `ec2_vpc`.
pub struct Ec2Vpc;

impl Kind for Ec2Vpc {
    const CFN: Option<&'static str> = Some("AWS::EC2::VPC");
    const TERRAFORM: Terraform =
        Terraform::of("aws_vpc", &[("amazon_provided_ipv6_cidr_block", "assign_generated_ipv6_cidr_block")])
            .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "network"),
        ("secondary_cidr_blocks", "aws_vpc_ipv4_cidr_block_association"),
        ("secondary_cidr_blocks", "AWS::EC2::VPCCidrBlock"),
        ("empty_default_security_group", "aws_default_security_group"),
        ("amazon_provided_ipv6_cidr_block", "Ipv6CidrBlock"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeRouteTables",
        ],
        create: &["ec2:CreateVpc", "ec2:CreateTags"],
        update: &[
            "ec2:ModifyVpcAttribute",
            "ec2:AssociateVpcCidrBlock",
            "ec2:DisassociateVpcCidrBlock",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &["ec2:DeleteVpc"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const USERS: Option<&'static str> =
        Some("aws ec2 describe-network-interfaces --filters Name=vpc-id,Values={}");
    const PACE: Pace = Pace { create_seconds: 5, delete_seconds: 2, deadline_seconds: 600 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut seen: Vec<(&str, Cidr)> = Vec::new();
        let first = spec.text("cidr_block").map(|text| ("cidr_block".to_owned(), text));
        let others =
            spec.list("secondary_cidr_blocks").iter().enumerate().filter_map(|(index, block)| {
                Some((format!("secondary_cidr_blocks.{index}"), block.as_str()?))
            });
        for (path, text) in first.into_iter().chain(others) {
            if let Some(problem) = check_network_v4(&path, text) {
                problems.push(problem);
            } else if let Some(cidr) = Cidr::v4(text) {
                if let Some((other, _)) = seen.iter().find(|(_, other)| other.overlaps(cidr)) {
                    problems.push(
                        Problem::new(path, format!("{text} overlaps {other}"))
                            .help("the blocks of a VPC must not overlap"),
                    );
                }
                seen.push((text, cidr));
            }
        }
        if spec.flag("enable_dns_hostnames") == Some(true) && spec.flag("enable_dns_support") == Some(false) {
            problems.push(
                Problem::new("enable_dns_hostnames", "DNS names need AWS's DNS server")
                    .help("remove `enable_dns_support = false`"),
            );
        }
        if spec.text("instance_tenancy") == Some("host") {
            problems.push(
                Problem::new("instance_tenancy", "AWS does not create VPCs with the tenancy `host`")
                    .help("\"default\" or \"dedicated\"; `host` is for single instances"),
            );
        }
        problems
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
            .create_vpc()
            .cidr_block(&want.cidr_block)
            .instance_tenancy(Tenancy::from(want.instance_tenancy.as_str()))
            .amazon_provided_ipv6_cidr_block(want.amazon_provided_ipv6_cidr_block)
            .set_tag_specifications(tags_of(ResourceType::Vpc, new.tags)?)
            .send()
            .await?;
        Created::with(created.vpc.and_then(|vpc| vpc.vpc_id))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let ec2 = cx.aws.ec2();
        if live.empty_default_security_group != want.empty_default_security_group {
            update_default_group(cx, id, want.empty_default_security_group).await?;
        }
        // A call changes one attribute. DNS hostnames can only change while DNS support is on.
        let support = live.enable_dns_support != want.enable_dns_support;
        if support && want.enable_dns_support {
            ec2.modify_vpc_attribute().vpc_id(id).enable_dns_support(flag(true)).send().await?;
        }
        if live.enable_dns_hostnames != want.enable_dns_hostnames {
            let value = flag(want.enable_dns_hostnames);
            ec2.modify_vpc_attribute().vpc_id(id).enable_dns_hostnames(value).send().await?;
        }
        if support && !want.enable_dns_support {
            ec2.modify_vpc_attribute().vpc_id(id).enable_dns_support(flag(false)).send().await?;
        }
        if live.enable_network_address_usage_metrics != want.enable_network_address_usage_metrics {
            ec2.modify_vpc_attribute()
                .vpc_id(id)
                .enable_network_address_usage_metrics(flag(want.enable_network_address_usage_metrics))
                .send()
                .await?;
        }
        update_blocks(cx, id, live, want).await
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.ec2().delete_vpc().vpc_id(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// Returns whether a block is part of the VPC, or is being associated.
fn is_associated(state: Option<&VpcCidrBlockState>) -> bool {
    use VpcCidrBlockStateCode::{Associated, Associating};
    matches!(state.and_then(|state| state.state()), Some(Associated | Associating))
}

/// Returns whether AWS is still changing a block.
fn is_in_transit(state: Option<&VpcCidrBlockState>) -> bool {
    use VpcCidrBlockStateCode::{Associating, Disassociating};
    matches!(state.and_then(|state| state.state()), Some(Associating | Disassociating))
}

/// The association id and addresses of the VPC's Amazon-provided IPv6 block.
fn amazon_block(vpc: &Vpc) -> Option<(&str, Option<&str>)> {
    vpc.ipv6_cidr_block_association_set()
        .iter()
        .find(|block| {
            is_associated(block.ipv6_cidr_block_state())
                && block.ipv6_pool().is_none_or(|pool| pool.eq_ignore_ascii_case("amazon"))
        })
        .and_then(|block| Some((block.association_id()?, block.ipv6_cidr_block())))
}

fn has_rules(group: &SecurityGroup) -> bool {
    !group.ip_permissions().is_empty() || !group.ip_permissions_egress().is_empty()
}

/// Associates and disassociates CIDR blocks.
async fn update_blocks(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let ec2 = cx.aws.ec2();
    let removes_ipv6 = live.amazon_provided_ipv6_cidr_block && !want.amazon_provided_ipv6_cidr_block;
    let gone: Vec<&String> = live
        .secondary_cidr_blocks
        .iter()
        .filter(|block| !want.secondary_cidr_blocks.contains(block))
        .collect();
    // Old blocks go first, since a new one may overlap them.
    if removes_ipv6 || !gone.is_empty() {
        let answer = ec2.describe_vpcs().vpc_ids(id).send().await?;
        let vpc = answer.vpcs().first();
        let mut associations: Vec<&str> = vpc
            .map(Vpc::cidr_block_association_set)
            .unwrap_or_default()
            .iter()
            .filter(|block| is_associated(block.cidr_block_state()))
            .filter(|block| gone.iter().any(|gone| block.cidr_block() == Some(gone)))
            .filter_map(|block| block.association_id())
            .collect();
        if removes_ipv6 {
            associations.extend(vpc.and_then(amazon_block).map(|(association, _)| association));
        }
        for association in associations {
            ec2.disassociate_vpc_cidr_block().association_id(association).send().await.or_gone()?;
        }
    }
    for block in want.secondary_cidr_blocks.iter().filter(|block| !live.secondary_cidr_blocks.contains(block))
    {
        ec2.associate_vpc_cidr_block().vpc_id(id).cidr_block(block).send().await?;
    }
    if !live.amazon_provided_ipv6_cidr_block && want.amazon_provided_ipv6_cidr_block {
        ec2.associate_vpc_cidr_block().vpc_id(id).amazon_provided_ipv6_cidr_block(true).send().await?;
    }
    Ok(())
}

/// Removes all rules of the default security group, or restores those that AWS creates: all traffic from
/// its own members in, all traffic out
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html>).
async fn update_default_group(cx: &Cx, id: &str, empty: bool) -> Result<()> {
    use aws_sdk_ec2::types::{IpPermission, IpRange, UserIdGroupPair};
    let ec2 = cx.aws.ec2();
    let answer = ec2
        .describe_security_groups()
        .filters(filter("vpc-id", [id]))
        .filters(filter("group-name", ["default"]))
        .send()
        .await?;
    let Some(group) = answer.security_groups().first() else { return Ok(()) };
    let group_id = group.group_id().unwrap_or_default();
    if empty {
        if !group.ip_permissions().is_empty() {
            ec2.revoke_security_group_ingress()
                .group_id(group_id)
                .set_ip_permissions(Some(group.ip_permissions().to_vec()))
                .send()
                .await
                .or_gone()?;
        }
        if !group.ip_permissions_egress().is_empty() {
            ec2.revoke_security_group_egress()
                .group_id(group_id)
                .set_ip_permissions(Some(group.ip_permissions_egress().to_vec()))
                .send()
                .await
                .or_gone()?;
        }
    } else if !has_rules(group) {
        let all = || IpPermission::builder().ip_protocol("-1");
        let members = UserIdGroupPair::builder().group_id(group_id).build();
        ec2.authorize_security_group_ingress()
            .group_id(group_id)
            .ip_permissions(all().user_id_group_pairs(members).build())
            .send()
            .await?;
        ec2.authorize_security_group_egress()
            .group_id(group_id)
            .ip_permissions(all().ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build())
            .send()
            .await?;
    }
    Ok(())
}

/// The rules of a security group, in words such as `in: tcp 22 from 0.0.0.0/0`.
fn rules_in_words(group: &SecurityGroup) -> Vec<String> {
    use aws_sdk_ec2::types::IpPermission;
    let own = group.group_id();
    let words = |permission: &IpPermission, way: &str, peers: &str| -> Vec<String> {
        let traffic =
            match (permission.ip_protocol().unwrap_or("-1"), permission.from_port(), permission.to_port()) {
                ("-1", _, _) => "everything".to_owned(),
                (protocol, Some(from), Some(to)) if from == to => format!("{protocol} {from}"),
                (protocol, Some(from), Some(to)) => format!("{protocol} {from} to {to}"),
                (protocol, _, _) => protocol.to_owned(),
            };
        let group_of = |id: Option<&str>| match id {
            Some(id) if Some(id) != own => id.to_owned(),
            _ => "its own members".to_owned(),
        };
        let peer = permission.ip_ranges().iter().filter_map(|range| range.cidr_ip().map(str::to_owned));
        let peer = peer
            .chain(permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6().map(str::to_owned)));
        let peer = peer.chain(
            permission.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id().map(str::to_owned)),
        );
        let peer = peer.chain(permission.user_id_group_pairs().iter().map(|pair| group_of(pair.group_id())));
        peer.map(|peer| format!("{way}: {traffic} {peers} {peer}")).collect()
    };
    let come = group.ip_permissions().iter().flat_map(|permission| words(permission, "in", "from"));
    let go = group.ip_permissions_egress().iter().flat_map(|permission| words(permission, "out", "to"));
    let mut all: Vec<String> = come.chain(go).collect();
    all.sort();
    all
}

/// The resources that AWS created with each VPC, by VPC id.
#[derive(Default)]
struct Parts {
    groups: HashMap<String, SecurityGroup>,
    network_acls: HashMap<String, String>,
    route_tables: HashMap<String, String>,
}

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2Vpc>>> {
    let (vpcs, parts) = try_join(vpcs(cx, lookups), parts(cx, lookups)).await?;
    let mut parts = parts;
    let lives = try_join_all(vpcs.into_iter().map(|vpc| {
        let id = vpc.vpc_id.clone().unwrap_or_default();
        let group = parts.groups.remove(&id);
        let network_acl = parts.network_acls.remove(&id);
        let route_table = parts.route_tables.remove(&id);
        let lookup = lookups.iter().find(|lookup| lookup.id == id);
        async move {
            let asked = async |attribute: VpcAttributeName, name: &str, default: bool| {
                if lookup.is_some_and(|lookup| lookup.wants(name)) {
                    read_flag(cx, &id, attribute).await
                } else {
                    Ok(Some(default))
                }
            };
            let flags = try_join3(
                asked(VpcAttributeName::EnableDnsSupport, "enable_dns_support", true),
                asked(VpcAttributeName::EnableDnsHostnames, "enable_dns_hostnames", false),
                asked(
                    VpcAttributeName::EnableNetworkAddressUsageMetrics,
                    "enable_network_address_usage_metrics",
                    false,
                ),
            )
            .await?;
            // The VPC was deleted after it was listed.
            let (Some(dns_support), Some(dns_hostnames), Some(metrics)) = flags else { return Ok(None) };
            let amazon = amazon_block(&vpc);
            let has_group = group.is_some();
            let spec = Spec {
                cidr_block: vpc.cidr_block.clone().unwrap_or_default(),
                secondary_cidr_blocks: vpc
                    .cidr_block_association_set()
                    .iter()
                    .filter(|block| is_associated(block.cidr_block_state()))
                    .filter_map(|block| block.cidr_block.clone())
                    .filter(|block| vpc.cidr_block.as_ref() != Some(block))
                    .collect(),
                amazon_provided_ipv6_cidr_block: amazon.is_some(),
                instance_tenancy: vpc
                    .instance_tenancy()
                    .map_or_else(shared_tenancy, |tenancy| tenancy.as_str().to_owned()),
                enable_dns_support: dns_support,
                enable_dns_hostnames: dns_hostnames,
                enable_network_address_usage_metrics: metrics,
                empty_default_security_group: !group.as_ref().is_some_and(has_rules),
            };
            let attrs = Attrs {
                arn: arn(cx, vpc.owner_id(), "vpc", &id),
                owner_id: vpc.owner_id().unwrap_or(&cx.scope.account_id).to_owned(),
                default_security_group_rules: group.as_ref().map(rules_in_words).unwrap_or_default(),
                default_security_group_id: group.and_then(|group| group.group_id).unwrap_or_default(),
                default_network_acl_id: network_acl,
                main_route_table_id: route_table,
                ipv6_cidr_block: amazon.and_then(|(_, block)| block.map(str::to_owned)),
                vpc_id: id.clone(),
            };
            let in_transit =
                vpc.cidr_block_association_set().iter().any(|block| is_in_transit(block.cidr_block_state()))
                    || vpc
                        .ipv6_cidr_block_association_set()
                        .iter()
                        .any(|block| is_in_transit(block.ipv6_cidr_block_state()));
            let state = match vpc.state() {
                Some(state @ VpcState::Pending) => State::Busy(state.as_str().to_owned()),
                Some(state @ VpcState::Deleting) => State::Leaving(state.as_str().to_owned()),
                // Every VPC has a default security group, but it may be listed a moment later.
                _ if !has_group => State::Busy("making its default security group".to_owned()),
                _ if in_transit => State::Busy("changing its address blocks".to_owned()),
                _ => State::Ready,
            };
            let incarnation = Some(id.clone());
            let live = Live::ready(spec, attrs, tags_from(vpc.tags())).with_incarnation(incarnation);
            Ok::<_, Error>(Some((id, Live { state, ..live })))
        }
    }))
    .await?;
    Ok(lives.into_iter().flatten().collect())
}

async fn vpcs(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<Vec<Vpc>> {
    let mut found = Vec::new();
    for filter in by_ids("vpc-id", lookups) {
        let vpcs = cx.aws.ec2().describe_vpcs().filters(filter).max_results(PAGE).into_paginator().items();
        found.extend(vpcs.send().collect::<std::result::Result<Vec<_>, _>>().await?);
    }
    Ok(found)
}

async fn parts(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<Parts> {
    let ec2 = cx.aws.ec2();
    let mut parts = Parts::default();
    for chunk in lookups.chunks(FILTER_VALUES) {
        let of_vpcs = || filter("vpc-id", chunk.iter().map(|lookup| lookup.id));
        let of = |attribute: &str| chunk.iter().any(|lookup| lookup.wants(attribute));
        let groups = async {
            let groups = ec2
                .describe_security_groups()
                .filters(of_vpcs())
                .filters(filter("group-name", ["default"]))
                .max_results(PAGE)
                .into_paginator()
                .items()
                .send();
            Ok::<Vec<_>, Error>(groups.collect::<std::result::Result<_, _>>().await?)
        };
        let network_acls = async {
            if !of("default_network_acl_id") {
                return Ok(Vec::new());
            }
            let network_acls = ec2
                .describe_network_acls()
                .filters(of_vpcs())
                .filters(filter("default", ["true"]))
                .max_results(PAGE)
                .into_paginator()
                .items()
                .send();
            Ok::<Vec<_>, Error>(network_acls.collect::<std::result::Result<_, _>>().await?)
        };
        let route_tables = async {
            if !of("main_route_table_id") {
                return Ok(Vec::new());
            }
            // At most 100 per page:
            // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html
            let route_tables = ec2
                .describe_route_tables()
                .filters(of_vpcs())
                .filters(filter("association.main", ["true"]))
                .max_results(100)
                .into_paginator()
                .items()
                .send();
            Ok::<Vec<_>, Error>(route_tables.collect::<std::result::Result<_, _>>().await?)
        };
        let (groups, network_acls, route_tables) = try_join3(groups, network_acls, route_tables).await?;
        parts.groups.extend(groups.into_iter().filter_map(|group| Some((group.vpc_id.clone()?, group))));
        parts
            .network_acls
            .extend(network_acls.into_iter().filter_map(|acl| Some((acl.vpc_id?, acl.network_acl_id?))));
        parts.route_tables.extend(
            route_tables.into_iter().filter_map(|table| Some((table.vpc_id?, table.route_table_id?))),
        );
    }
    Ok(parts)
}

/// Reads one flag of a VPC, since AWS returns one per call. `None` if the VPC does not exist.
async fn read_flag(cx: &Cx, id: &str, attribute: VpcAttributeName) -> Result<Option<bool>> {
    let answer =
        cx.aws.ec2().describe_vpc_attribute().vpc_id(id).attribute(attribute).send().await.or_gone()?;
    Ok(answer.map(|answer| {
        [
            answer.enable_dns_support(),
            answer.enable_dns_hostnames(),
            answer.enable_network_address_usage_metrics(),
        ]
        .into_iter()
        .flatten()
        .find_map(|flag| flag.value())
        .unwrap_or(false)
    }))
}
