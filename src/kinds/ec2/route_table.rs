//! `ec2_route_table`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{
    ResourceType, Route as LiveRoute, RouteOrigin, RouteState, RouteTable, RouteTableAssociation,
    RouteTableAssociationStateCode as AssociationState,
};

use super::shared::{arn, by_ids, by_owner, check_v4, check_v6, exactly, existing, tag, tags_of};
use crate::kind::prelude::*;

/// A route table: where the traffic of subnets goes. Its routes and associations are exactly those written here,
/// besides what AWS adds: the routes within the VPC, to gateway endpoints, and from virtual private gateways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Id of the VPC.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    #[schemars(extend("x-dwctl-names" = "vpc"))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when destroyed: its subnets use the main route table of the VPC"]))]
    pub vpc_id: String,
    /// Routes, each with one destination and one target. Absent: none.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-document" = "routes"))]
    pub routes: Vec<Route>,
    /// Ids of the subnets that use the table. A subnet without a table uses the main one of its VPC.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-names" = "subnet"))]
    #[schemars(extend("x-dwctl-risk" = [
        "downtime when gone: {before} uses the main route table of its VPC",
        "access when come: the traffic of {after} goes by these routes"
    ]))]
    pub subnet_ids: Vec<String>,
    /// Ids of internet gateways and virtual private gateways whose incoming traffic goes by the table.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when gone: traffic that {before} lets in is no longer routed by the table"]))]
    pub gateway_ids: Vec<String>,
}

/// A route: the traffic to one destination goes to one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [
    ["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"],
    ["gateway_id", "nat_gateway_id", "vpc_endpoint_id", "transit_gateway_id", "vpc_peering_connection_id",
        "network_interface_id", "egress_only_internet_gateway_id", "carrier_gateway_id", "local_gateway_id",
        "core_network_arn"]
]))]
pub struct Route {
    /// Destination: a block of IPv4 addresses, `0.0.0.0/0` for all.
    pub destination_cidr_block: Option<String>,
    /// Destination: a block of IPv6 addresses, `::/0` for all.
    pub destination_ipv6_cidr_block: Option<String>,
    /// Destination: the addresses of a prefix list.
    #[schemars(extend("x-dwctl-names" = "prefix-list"))]
    pub destination_prefix_list_id: Option<String>,
    /// Target: an internet gateway, or a virtual private gateway.
    pub gateway_id: Option<String>,
    /// Target: a NAT gateway.
    pub nat_gateway_id: Option<String>,
    /// Target: an endpoint of a gateway load balancer, such as a firewall. Gateway endpoints add their routes
    /// themselves.
    pub vpc_endpoint_id: Option<String>,
    /// Target: a transit gateway.
    pub transit_gateway_id: Option<String>,
    /// Target: a VPC peering connection.
    pub vpc_peering_connection_id: Option<String>,
    /// Target: a network interface.
    pub network_interface_id: Option<String>,
    /// Target: an egress-only internet gateway, for IPv6.
    pub egress_only_internet_gateway_id: Option<String>,
    /// Target: a carrier gateway.
    pub carrier_gateway_id: Option<String>,
    /// Target: a local gateway.
    pub local_gateway_id: Option<String>,
    /// Target: the ARN of a core network.
    pub core_network_arn: Option<String>,
}

/// The attributes of a route table that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the table, `rtb-…`.
    pub route_table_id: String,
    /// ARN of the table.
    pub arn: String,
    /// Account that owns the table.
    pub owner_id: String,
    /// Destinations of the routes whose target no longer exists: their traffic is dropped.
    pub blackholes: Vec<String>,
}

impl Route {
    /// The destination.
    fn destination(&self) -> Option<&str> {
        let all = [
            &self.destination_cidr_block,
            &self.destination_ipv6_cidr_block,
            &self.destination_prefix_list_id,
        ];
        all.into_iter().flatten().next().map(String::as_str)
    }
}

/// In Terraform, a route names its destination and some targets otherwise.
fn arrange(table: &mut Block) -> Vec<TerraformPart> {
    let Some(Value::List(routes)) = table.get_mut("route") else { return Vec::new() };
    for route in routes {
        let Value::Map(route) = route else { continue };
        for (here, there) in [
            ("destination_cidr_block", "cidr_block"),
            ("destination_ipv6_cidr_block", "ipv6_cidr_block"),
            ("egress_only_internet_gateway_id", "egress_only_gateway_id"),
        ] {
            let value = take(route, here);
            route.insert(there.to_owned(), value);
        }
    }
    Vec::new()
}

/// An existing route table.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the table, `rtb-…`.
    route_table_id: Option<String>,
    /// Id of the VPC that it is in.
    vpc_id: Option<String>,
    /// Id of a subnet that uses it by an association of its own.
    subnet_id: Option<String>,
    /// Whether it is the main table of its VPC.
    main: Option<bool>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_route_tables.set_filters(TABLES) => route_table_id;
    "route-table-id" = route_table_id,
    "vpc-id" = vpc_id,
    "association.subnet-id" = subnet_id,
    "association.main" = main,
}

/// The kind `ec2_route_table`.
pub struct Ec2RouteTable;

impl Kind for Ec2RouteTable {
    const CFN: Option<&'static str> = Some("AWS::EC2::RouteTable");
    const TERRAFORM: Terraform = Terraform::of("aws_route_table", &[("routes", "route")]).arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("routes", "aws_route"),
        ("routes", "AWS::EC2::Route"),
        ("routes.destination_cidr_block", "cidr_block"),
        ("routes.destination_ipv6_cidr_block", "ipv6_cidr_block"),
        ("routes.egress_only_internet_gateway_id", "egress_only_gateway_id"),
        ("subnet_ids", "aws_route_table_association"),
        ("subnet_ids", "AWS::EC2::SubnetRouteTableAssociation"),
        ("gateway_ids", "AWS::EC2::GatewayRouteTableAssociation"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:CreateRouteTable", "ec2:CreateTags"],
        update: &[
            "ec2:CreateRoute",
            "ec2:ReplaceRoute",
            "ec2:DeleteRoute",
            "ec2:AssociateRouteTable",
            "ec2:DisassociateRouteTable",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &["ec2:DisassociateRouteTable", "ec2:DeleteRouteTable"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const SET_AFTER_CREATE: &'static [&'static str] = &["routes", "subnet_ids", "gateway_ids"];
    const DEFERRABLE: &'static [&'static str] = &["routes", "subnet_ids", "gateway_ids"];
    // See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>. A route stays without its
    // target, as a blackhole.
    const LINKS: &'static [Link] = &[
        Link::to("vpc_id", "ec2_vpc").held(Hold::Firm),
        Link::to("subnet_ids", "ec2_subnet").within("vpc_id"),
        Link::to("gateway_ids", "ec2_internet_gateway"),
        Link::to("routes.gateway_id", "ec2_internet_gateway"),
        Link::to("routes.nat_gateway_id", "ec2_nat_gateway"),
        Link::to("routes.vpc_endpoint_id", "ec2_vpc_endpoint"),
    ];

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (index, route) in spec.list("routes").iter().enumerate() {
            let route = Known(route);
            let path = |attribute: &str| format!("routes.{index}.{attribute}");
            for (attribute, check) in [
                ("destination_cidr_block", check_v4 as fn(&str, &str) -> Option<Problem>),
                ("destination_ipv6_cidr_block", check_v6),
                ("destination_prefix_list_id", |_, _| None),
            ] {
                let Some(text) = route.text(attribute) else { continue };
                problems.extend(check(&path(attribute), text));
                if seen.contains(&text) {
                    problems.push(
                        Problem::new(path(attribute), format!("there are two routes to {text}"))
                            .help("a table has one route to each destination"),
                    );
                }
                seen.push(text);
            }
            let is_v4 = route.is_set("destination_cidr_block");
            if is_v4 && route.is_set("egress_only_internet_gateway_id") {
                problems.push(
                    Problem::new(
                        path("egress_only_internet_gateway_id"),
                        "an egress-only internet gateway takes IPv6 traffic alone",
                    )
                    .help("for IPv4: `nat_gateway_id`"),
                );
            }
            if route.text("gateway_id").is_some_and(|id| id.starts_with("nat-")) {
                problems.push(
                    Problem::new(path("gateway_id"), "a NAT gateway is another type of target")
                        .help("write `nat_gateway_id`"),
                );
            }
        }
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.list("subnet_ids").iter().map(|subnet| format!("{subnet:?}")).collect()
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, subnet) in spec.list("subnet_ids").iter().enumerate() {
            let has = |peer: &&Peer<'_>| peer.spec.list("subnet_ids").contains(subnet);
            if let Some(other) = among.before().find(has) {
                problems.push(
                    Problem::new(
                        format!("subnet_ids.{index}"),
                        format!("the subnet is in {}, too", other.address),
                    )
                    .help("a subnet uses one route table"),
                );
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
        let request = cx.aws.ec2().create_route_table().vpc_id(&want.vpc_id).client_token(new.token);
        let tags = tags_of(ResourceType::RouteTable, new.tags)?;
        let created = request.set_tag_specifications(tags).send().await?;
        Created::with(created.route_table.and_then(|table| table.route_table_id))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        update_routes(cx, id, live, want).await?;
        update_associations(cx, id, live, want).await
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let bare = Spec { subnet_ids: Vec::new(), gateway_ids: Vec::new(), ..live.clone() };
        update_associations(cx, id, live, &bare).await?;
        cx.aws.ec2().delete_route_table().route_table_id(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// Creates, redirects and removes routes.
async fn update_routes(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let ec2 = cx.aws.ec2();
    for route in want.routes.iter().filter(|route| !live.routes.contains(route)) {
        if live.routes.iter().any(|one| one.destination() == route.destination()) {
            let request = ec2.replace_route().route_table_id(id);
            set_route(request, route).send().await?;
        } else {
            let request = ec2.create_route().route_table_id(id);
            set_new_route(request, route).send().await?;
        }
    }
    let is_wanted = |route: &&Route| want.routes.iter().any(|one| one.destination() == route.destination());
    for route in live.routes.iter().filter(|route| !is_wanted(route)) {
        ec2.delete_route()
            .route_table_id(id)
            .set_destination_cidr_block(route.destination_cidr_block.clone())
            .set_destination_ipv6_cidr_block(route.destination_ipv6_cidr_block.clone())
            .set_destination_prefix_list_id(route.destination_prefix_list_id.clone())
            .send()
            .await
            .or_gone()?;
    }
    Ok(())
}

/// Makes a function that sets the members of a route in a request.
macro_rules! route {
    ($name:ident, $request:ty) => {
        fn $name(request: $request, route: &Route) -> $request {
            request
                .set_destination_cidr_block(route.destination_cidr_block.clone())
                .set_destination_ipv6_cidr_block(route.destination_ipv6_cidr_block.clone())
                .set_destination_prefix_list_id(route.destination_prefix_list_id.clone())
                .set_gateway_id(route.gateway_id.clone())
                .set_nat_gateway_id(route.nat_gateway_id.clone())
                .set_vpc_endpoint_id(route.vpc_endpoint_id.clone())
                .set_transit_gateway_id(route.transit_gateway_id.clone())
                .set_vpc_peering_connection_id(route.vpc_peering_connection_id.clone())
                .set_network_interface_id(route.network_interface_id.clone())
                .set_egress_only_internet_gateway_id(route.egress_only_internet_gateway_id.clone())
                .set_carrier_gateway_id(route.carrier_gateway_id.clone())
                .set_local_gateway_id(route.local_gateway_id.clone())
                .set_core_network_arn(route.core_network_arn.clone())
        }
    };
}

route!(set_route, aws_sdk_ec2::operation::replace_route::builders::ReplaceRouteFluentBuilder);
route!(set_new_route, aws_sdk_ec2::operation::create_route::builders::CreateRouteFluentBuilder);

/// Associates subnets and gateways, and ends other associations.
async fn update_associations(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    let ec2 = cx.aws.ec2();
    let gone = |live: &[String], want: &[String]| -> Vec<String> {
        live.iter().filter(|one| !want.contains(one)).cloned().collect()
    };
    let leaving =
        [gone(&live.subnet_ids, &want.subnet_ids), gone(&live.gateway_ids, &want.gateway_ids)].concat();
    if !leaving.is_empty() {
        let answer = ec2.describe_route_tables().route_table_ids(id).send().await.or_gone()?;
        let tables = answer.and_then(|answer| answer.route_tables).unwrap_or_default();
        let associations = tables.iter().flat_map(RouteTable::associations);
        let named = |one: &&RouteTableAssociation| {
            let of = one.subnet_id().or(one.gateway_id());
            of.is_some_and(|of| leaving.iter().any(|leaving| leaving == of))
        };
        for association in
            associations.filter(named).filter_map(RouteTableAssociation::route_table_association_id)
        {
            ec2.disassociate_route_table().association_id(association).send().await.or_gone()?;
        }
    }
    for subnet in gone(&want.subnet_ids, &live.subnet_ids) {
        ec2.associate_route_table().route_table_id(id).subnet_id(subnet).send().await?;
    }
    for gateway in gone(&want.gateway_ids, &live.gateway_ids) {
        ec2.associate_route_table().route_table_id(id).gateway_id(gateway).send().await?;
    }
    Ok(())
}

/// Tables of a page at most
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>).
const TABLES: i32 = 100;

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2RouteTable>>> {
    let mut found = HashMap::new();
    for filter in by_ids("route-table-id", lookups) {
        let request = cx.aws.ec2().describe_route_tables().filters(filter).max_results(TABLES);
        let mut tables = request.into_paginator().items().send();
        while let Some(table) = tables.next().await {
            let table = table?;
            let id = table.route_table_id().unwrap_or_default().to_owned();
            found.insert(id.clone(), live(cx, id, &table));
        }
    }
    Ok(found)
}

/// A route that someone created, and not AWS. A gateway endpoint is the target of the routes to its prefix list.
fn own_route(route: &LiveRoute) -> Option<Route> {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let is_made = route.origin().is_none_or(|origin| *origin == RouteOrigin::CreateRoute);
    let endpoint = route.gateway_id().filter(|id| id.starts_with("vpce-"));
    let is_local = route.gateway_id() == Some("local");
    if !is_made || is_local || (endpoint.is_some() && route.destination_prefix_list_id().is_some()) {
        return None;
    }
    Some(Route {
        destination_cidr_block: text(route.destination_cidr_block()),
        destination_ipv6_cidr_block: text(route.destination_ipv6_cidr_block()),
        destination_prefix_list_id: text(route.destination_prefix_list_id()),
        gateway_id: text(route.gateway_id()).filter(|_| endpoint.is_none()),
        nat_gateway_id: text(route.nat_gateway_id()),
        vpc_endpoint_id: text(endpoint),
        transit_gateway_id: text(route.transit_gateway_id()),
        vpc_peering_connection_id: text(route.vpc_peering_connection_id()),
        network_interface_id: text(route.network_interface_id()),
        egress_only_internet_gateway_id: text(route.egress_only_internet_gateway_id()),
        carrier_gateway_id: text(route.carrier_gateway_id()),
        local_gateway_id: text(route.local_gateway_id()),
        core_network_arn: text(route.core_network_arn()),
    })
}

fn live(cx: &Cx, id: String, table: &RouteTable) -> Live<Ec2RouteTable> {
    let state =
        |one: &RouteTableAssociation| one.association_state().and_then(|state| state.state()).cloned();
    let is_there = |one: &&RouteTableAssociation| {
        !matches!(state(one), Some(AssociationState::Disassociating | AssociationState::Disassociated))
    };
    let associations = || table.associations().iter().filter(is_there);
    let text = |id: Option<&str>| id.map(str::to_owned);
    let spec = Spec {
        vpc_id: table.vpc_id().unwrap_or_default().to_owned(),
        routes: table.routes().iter().filter_map(own_route).collect(),
        subnet_ids: associations().filter_map(|one| text(one.subnet_id())).collect(),
        gateway_ids: associations().filter_map(|one| text(one.gateway_id())).collect(),
    };
    let is_busy = |one: &RouteTableAssociation| {
        matches!(state(one), Some(AssociationState::Associating | AssociationState::Disassociating))
    };
    let failed = table.associations().iter().find(|one| state(one) == Some(AssociationState::Failed));
    let state = match failed {
        Some(one) => State::Failed(format!(
            "the association with {} has failed",
            one.subnet_id().or(one.gateway_id()).unwrap_or_default()
        )),
        None if table.associations().iter().any(is_busy) => {
            State::Busy("changing its associations".to_owned())
        }
        None => State::Ready,
    };
    let dropped = |route: &&LiveRoute| route.state() == Some(&RouteState::Blackhole);
    let blackholes = table.routes().iter().filter(dropped).filter_map(own_route);
    let attrs = Attrs {
        arn: arn(cx, table.owner_id(), "route-table", &id),
        owner_id: table.owner_id().unwrap_or(&cx.scope.account_id).to_owned(),
        blackholes: blackholes.filter_map(|route| route.destination().map(str::to_owned)).collect(),
        route_table_id: id.clone(),
    };
    Live { state, ..Live::ready(spec, attrs, tags_from(table.tags())).with_incarnation(Some(id)) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Route as LiveRoute, RouteOrigin};

    use super::own_route;

    #[test]
    fn routes_that_aws_adds_are_not_the_stacks() {
        let route = || LiveRoute::builder().origin(RouteOrigin::CreateRoute);
        let all = "0.0.0.0/0";
        let gateway = route().destination_cidr_block(all).gateway_id("igw-1").build();
        assert_eq!(own_route(&gateway).and_then(|route| route.gateway_id).as_deref(), Some("igw-1"));
        let firewall = route().destination_cidr_block(all).gateway_id("vpce-1").build();
        let firewall = own_route(&firewall).expect("the stack's");
        assert_eq!((firewall.vpc_endpoint_id.as_deref(), firewall.gateway_id), (Some("vpce-1"), None));
        let endpoint = route().destination_prefix_list_id("pl-1").gateway_id("vpce-1").build();
        assert_eq!(own_route(&endpoint), None);
        for (origin, id) in
            [(RouteOrigin::CreateRouteTable, "local"), (RouteOrigin::EnableVgwRoutePropagation, "vgw-1")]
        {
            let route =
                LiveRoute::builder().origin(origin).destination_cidr_block(all).gateway_id(id).build();
            assert_eq!(own_route(&route), None, "{id}");
        }
    }
}
