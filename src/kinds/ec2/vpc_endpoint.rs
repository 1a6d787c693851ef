//! `ec2_vpc_endpoint`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{
    self, DnsOptionsSpecification, IpAddressType, ResourceType, VpcEndpoint, VpcEndpointType,
};

use super::shared::{PAGE, arn, by_ids, by_owner, exactly, existing, filter, tag, tags_of};
use crate::kind::prelude::*;

/// A VPC endpoint: a way from a VPC to a service of AWS that does not lead through the internet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Id of the VPC.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    #[schemars(extend("x-dwctl-names" = "vpc"))]
    pub vpc_id: String,
    /// Name of the service, such as `com.amazonaws.us-east-1.s3`.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when destroyed: clients reach the service by the internet, or not at all"]))]
    pub service_name: String,
    /// `Gateway` for S3 and DynamoDB, which costs nothing and works by routes; `Interface` for other services, which
    /// is a network interface in each subnet; `GatewayLoadBalancer` for firewalls. Default `Gateway`.
    #[serde(default = "vpc_endpoint_type")]
    #[schemars(extend("enum" = ["Gateway", "Interface", "GatewayLoadBalancer"], "x-dwctl" = [REPLACE]))]
    pub vpc_endpoint_type: String,
    /// Ids of the route tables that get routes to the service. Gateway endpoints only.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET], "x-dwctl-names" = "route-table"))]
    #[schemars(extend("x-dwctl-only-if" = "vpc_endpoint_type = Gateway"))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when gone: {before} has no route to the service"]))]
    pub route_table_ids: Vec<String>,
    /// Ids of the subnets that get a network interface, each in another availability zone. Not for gateway endpoints.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET], "x-dwctl-names" = "subnet"))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when gone: the endpoint has no network interface in {before}"]))]
    pub subnet_ids: Vec<String>,
    /// Ids of the security groups of the network interfaces, which let in the clients, to port 443. Interface
    /// endpoints only. Absent: the default group of the VPC.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET, AWS_DEFAULT], "x-dwctl-names" = "security-group"))]
    #[schemars(extend("x-dwctl-only-if" = "vpc_endpoint_type = Interface"))]
    #[schemars(extend("x-dwctl-risk" = ["access when come: {after} says what reaches the endpoint, too"]))]
    pub security_group_ids: Vec<String>,
    /// Whether the service's own DNS name leads to the endpoint in the VPC, which needs DNS support and DNS hostnames
    /// there. Interface endpoints only. Default false.
    #[serde(default)]
    #[schemars(extend("x-dwctl-only-if" = "vpc_endpoint_type = Interface"))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when off: clients reach the service by the internet, or not at all"]))]
    pub private_dns_enabled: bool,
    /// Who may do what through the endpoint. Absent: everyone everything, as far as other policies allow it.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-restored" = everything()))]
    pub policy_document: Option<PolicyDocument>,
    /// Addresses of the network interfaces. Absent: AWS's choice by the subnets.
    #[schemars(extend("enum" = ["ipv4", "ipv6", "dualstack"], "x-dwctl" = [AWS_DEFAULT]))]
    pub ip_address_type: Option<String>,
    /// The DNS records of the endpoint. Absent: AWS's choice by the addresses.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    pub dns_options: Option<DnsOptions>,
}

/// DNS records of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsOptions {
    /// Addresses in the records.
    #[schemars(extend("enum" = ["ipv4", "ipv6", "dualstack", "service-defined"], "x-dwctl" = [AWS_DEFAULT]))]
    pub dns_record_ip_type: Option<String>,
}

/// The attributes of an endpoint that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the endpoint, `vpce-…`.
    pub vpc_endpoint_id: String,
    /// ARN of the endpoint.
    pub arn: String,
    /// Account that owns the endpoint.
    pub owner_id: String,
    /// DNS names of the endpoint, the one of all zones first.
    pub dns_names: Vec<String>,
    /// Ids of the network interfaces.
    pub network_interface_ids: Vec<String>,
    /// Id of the prefix list of the service's addresses, for rules of security groups. Gateway endpoints only.
    pub prefix_list_id: Option<String>,
}

defaults! {
    vpc_endpoint_type: String = "Gateway";
}

/// The policy that allows what the one of AWS for a new endpoint does
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>).
fn everything() -> serde_json::Value {
    serde_json::json!({ "value": {
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" }]
    } })
}

/// An existing endpoint.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the endpoint, `vpce-…`.
    vpc_endpoint_id: Option<String>,
    /// Id of the VPC that it is in.
    vpc_id: Option<String>,
    /// Name of its service, such as `com.amazonaws.us-east-1.s3`.
    service_name: Option<String>,
    /// Its type: `Gateway`, `Interface` or `GatewayLoadBalancer`.
    vpc_endpoint_type: Option<String>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_vpc_endpoints.set_filters(PAGE) => vpc_endpoint_id unless is_gone;
    "vpc-endpoint-id" = vpc_endpoint_id,
    "vpc-id" = vpc_id,
    "service-name" = service_name,
    "vpc-endpoint-type" = vpc_endpoint_type,
}

/// The kind `ec2_vpc_endpoint`.
pub struct Ec2VpcEndpoint;

impl Kind for Ec2VpcEndpoint {
    const CFN: Option<&'static str> = Some("AWS::EC2::VPCEndpoint");
    const TERRAFORM: Terraform = Terraform::of("aws_vpc_endpoint", &[("policy_document", "policy")]);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("policy_document", "aws_vpc_endpoint_policy"),
        ("route_table_ids", "aws_vpc_endpoint_route_table_association"),
        ("subnet_ids", "aws_vpc_endpoint_subnet_association"),
        ("security_group_ids", "aws_vpc_endpoint_security_group_association"),
        ("private_dns_enabled", "aws_vpc_endpoint_private_dns"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeVpcEndpoints", "ec2:DescribePrefixLists"],
        create: &["ec2:CreateVpcEndpoint", "ec2:CreateTags"],
        update: &["ec2:ModifyVpcEndpoint", "ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteVpcEndpoints"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const DEFERRABLE: &'static [&'static str] = &["route_table_ids", "policy_document"];
    // See <https://docs.aws.amazon.com/vpc/latest/privatelink/delete-vpc-endpoint.html>: network interfaces of an
    // endpoint are in its subnets and groups.
    const LINKS: &'static [Link] = &[
        Link::to("vpc_id", "ec2_vpc").held(Hold::Firm),
        Link::to("route_table_ids", "ec2_route_table").within("vpc_id"),
        Link::to("subnet_ids", "ec2_subnet").held(Hold::Loose).within("vpc_id"),
        Link::to("security_group_ids", "ec2_security_group").held(Hold::Firm).within("vpc_id"),
    ];
    const PACE: Pace = Pace { create_seconds: 60, delete_seconds: 60, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let kind = spec.text("vpc_endpoint_type");
        let is = |one: &str| kind == Some(one);
        let service = spec.text("service_name");
        let has_gateway = service.is_some_and(|name| name.ends_with(".s3") || name.ends_with(".dynamodb"));
        let mut problems = problems! {
            "service_name" if is("Gateway") && service.is_some() && !has_gateway =>
                "only S3 and DynamoDB have gateway endpoints",
                "write `vpc_endpoint_type = \"Interface\"`";
            "subnet_ids" if is("Gateway") && spec.is_set("subnet_ids") =>
                "a gateway endpoint is in no subnet",
                "name route tables in `route_table_ids`, or write `vpc_endpoint_type = \"Interface\"`";
            "subnet_ids" if is("Interface") && !spec.may_be_set("subnet_ids") =>
                "an interface endpoint without subnets has no network interface, so nothing reaches it",
                "name a subnet of each availability zone";
        };
        if let Some(policy) = spec.get("policy_document") {
            problems.extend(check_policy(policy, "policy_document", PolicyUse::Resource));
        }
        problems
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut zones: Vec<(String, String)> = Vec::new();
        for (index, subnet) in spec.list("subnet_ids").iter().enumerate() {
            let Some((peer, "subnet_id")) = among.referred(subnet) else { continue };
            let Some(zone) =
                peer.spec.text("availability_zone").or_else(|| peer.spec.text("availability_zone_id"))
            else {
                continue;
            };
            match zones.iter().find(|(known, _)| known == zone) {
                Some((_, other)) => problems.push(
                    Problem::new(
                        format!("subnet_ids.{index}"),
                        format!("{} and {other} are both in {zone}", peer.address),
                    )
                    .help("an endpoint has one network interface in an availability zone: keep one subnet of each"),
                ),
                None => zones.push((zone.to_owned(), peer.address.clone())),
            }
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
        let is_interface = want.vpc_endpoint_type == "Interface";
        let some = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
        let created = cx
            .aws
            .ec2()
            .create_vpc_endpoint()
            .vpc_id(&want.vpc_id)
            .service_name(&want.service_name)
            .vpc_endpoint_type(VpcEndpointType::from(want.vpc_endpoint_type.as_str()))
            .set_route_table_ids(some(&want.route_table_ids))
            .set_subnet_ids(some(&want.subnet_ids))
            .set_security_group_ids(some(&want.security_group_ids))
            // AWS enables it unless told otherwise.
            .set_private_dns_enabled(is_interface.then_some(want.private_dns_enabled))
            .set_policy_document(want.policy_document.as_ref().map(PolicyDocument::to_text))
            .set_ip_address_type(want.ip_address_type.as_deref().map(IpAddressType::from))
            .set_dns_options(want.dns_options.as_ref().map(dns_options))
            .client_token(new.token)
            .set_tag_specifications(tags_of(ResourceType::VpcEndpoint, new.tags)?)
            .send()
            .await?;
        Created::with(created.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let changes = |live: &[String], want: &[String]| {
            let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
            let added = want.iter().filter(|one| !live.contains(one)).cloned().collect();
            let removed = live.iter().filter(|one| !want.contains(one)).cloned().collect();
            (some(added), some(removed))
        };
        let (add_tables, remove_tables) = changes(&live.route_table_ids, &want.route_table_ids);
        let (add_subnets, remove_subnets) = changes(&live.subnet_ids, &want.subnet_ids);
        let (add_groups, remove_groups) = changes(&live.security_group_ids, &want.security_group_ids);
        let policy =
            want.policy_document.as_ref().filter(|policy| live.policy_document.as_ref() != Some(policy));
        let addresses =
            want.ip_address_type.as_deref().filter(|one| live.ip_address_type.as_deref() != Some(one));
        let dns = want.dns_options.as_ref().filter(|options| live.dns_options.as_ref() != Some(options));
        let private =
            (live.private_dns_enabled != want.private_dns_enabled).then_some(want.private_dns_enabled);
        cx.aws
            .ec2()
            .modify_vpc_endpoint()
            .vpc_endpoint_id(id)
            .set_add_route_table_ids(add_tables)
            .set_remove_route_table_ids(remove_tables)
            .set_add_subnet_ids(add_subnets)
            .set_remove_subnet_ids(remove_subnets)
            .set_add_security_group_ids(add_groups)
            .set_remove_security_group_ids(remove_groups)
            .set_policy_document(policy.map(PolicyDocument::to_text))
            .set_ip_address_type(addresses.map(IpAddressType::from))
            .set_dns_options(dns.map(dns_options))
            .set_private_dns_enabled(private)
            .send()
            .await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        let Some(answer) = cx.aws.ec2().delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.or_gone()?
        else {
            return Ok(Deletion::Begun);
        };
        // The call succeeds even if it deletes nothing.
        match answer.unsuccessful().first().and_then(|one| one.error()) {
            Some(error) => {
                let code = error.code().unwrap_or_default();
                let words = error.message().unwrap_or_default();
                let class = Class::of("ec2", code, words, 400);
                let operation = "ec2:DeleteVpcEndpoints".to_owned();
                let error = Error { operation, code: code.to_owned(), ..Error::finding(class, words) };
                if error.is_gone() { Ok(Deletion::Begun) } else { Err(error) }
            }
            None => Ok(Deletion::Begun),
        }
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

fn dns_options(options: &DnsOptions) -> DnsOptionsSpecification {
    let kind = options.dns_record_ip_type.as_deref().map(types::DnsRecordIpType::from);
    DnsOptionsSpecification::builder().set_dns_record_ip_type(kind).build()
}

/// Returns whether AWS has deleted it: it is listed for some minutes more.
fn is_gone(endpoint: &VpcEndpoint) -> bool {
    state_of(endpoint) == "deleted"
}

/// The state in lower case, as AWS answers; the type of the SDK has capital letters.
fn state_of(endpoint: &VpcEndpoint) -> String {
    endpoint.state().map(|state| state.as_str().to_ascii_lowercase()).unwrap_or_default()
}

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2VpcEndpoint>>> {
    let mut endpoints: Vec<VpcEndpoint> = Vec::new();
    for filter in by_ids("vpc-endpoint-id", lookups) {
        let request = cx.aws.ec2().describe_vpc_endpoints().filters(filter).max_results(PAGE);
        let found: Vec<_> = request.into_paginator().items().send().try_collect().await?;
        endpoints.extend(found.into_iter().filter(|endpoint| !is_gone(endpoint)));
    }
    let wants_list = |id: &str| lookups.iter().any(|one| one.id == id && one.wants("prefix_list_id"));
    let mut services: Vec<String> = endpoints
        .iter()
        .filter(|endpoint| matches!(endpoint.vpc_endpoint_type(), Some(VpcEndpointType::Gateway)))
        .filter(|endpoint| endpoint.vpc_endpoint_id().is_some_and(wants_list))
        .filter_map(|endpoint| endpoint.service_name.clone())
        .collect();
    services.sort();
    services.dedup();
    let mut lists: HashMap<String, String> = HashMap::new();
    if !services.is_empty() {
        let request = cx.aws.ec2().describe_prefix_lists().filters(filter("prefix-list-name", services));
        let found: Vec<_> = request.into_paginator().items().send().try_collect().await?;
        lists.extend(
            found.into_iter().filter_map(|list| Some((list.prefix_list_name?, list.prefix_list_id?))),
        );
    }
    let lives = endpoints.iter().map(|endpoint| {
        let id = endpoint.vpc_endpoint_id().unwrap_or_default().to_owned();
        let list = endpoint.service_name().and_then(|name| lists.get(name)).cloned();
        Ok((id.clone(), live(cx, id, endpoint, list)?))
    });
    lives.collect()
}

fn live(
    cx: &Cx,
    id: String,
    endpoint: &VpcEndpoint,
    prefix_list_id: Option<String>,
) -> Result<Live<Ec2VpcEndpoint>> {
    let spec = Spec {
        vpc_id: endpoint.vpc_id().unwrap_or_default().to_owned(),
        service_name: endpoint.service_name().unwrap_or_default().to_owned(),
        vpc_endpoint_type: endpoint
            .vpc_endpoint_type()
            .map_or_else(vpc_endpoint_type, |kind| kind.as_str().to_owned()),
        route_table_ids: endpoint.route_table_ids().to_vec(),
        subnet_ids: endpoint.subnet_ids().to_vec(),
        security_group_ids: endpoint.groups().iter().filter_map(|group| group.group_id.clone()).collect(),
        private_dns_enabled: endpoint.private_dns_enabled().unwrap_or(false),
        policy_document: endpoint
            .policy_document()
            .map(|text| PolicyDocument::read(Some(text)))
            .transpose()?,
        ip_address_type: endpoint
            .ip_address_type()
            .map(|kind| kind.as_str().to_owned())
            .filter(|kind| kind != "not-specified"),
        dns_options: endpoint.dns_options().and_then(|options| {
            let kind = options.dns_record_ip_type()?.as_str().to_owned();
            (kind != "not-specified").then_some(DnsOptions { dns_record_ip_type: Some(kind) })
        }),
    };
    let words = state_of(endpoint);
    let state = match words.as_str() {
        "pending" => State::Busy(words),
        "deleting" => State::Leaving(words),
        "failed" | "rejected" | "expired" => {
            let reason = endpoint.last_error().and_then(|error| error.message()).unwrap_or_default();
            State::Failed(format!("the endpoint is {words}: {reason}"))
        }
        // One of another account's service may wait for its owner to accept it.
        _ => State::Ready,
    };
    let attrs = Attrs {
        arn: arn(cx, endpoint.owner_id(), "vpc-endpoint", &id),
        owner_id: endpoint.owner_id().unwrap_or(&cx.scope.account_id).to_owned(),
        dns_names: endpoint.dns_entries().iter().filter_map(|entry| entry.dns_name.clone()).collect(),
        network_interface_ids: endpoint.network_interface_ids().to_vec(),
        prefix_list_id,
        vpc_endpoint_id: id.clone(),
    };
    Ok(Live { state, ..Live::ready(spec, attrs, tags_from(endpoint.tags())).with_incarnation(Some(id)) })
}
