//! `ec2_nat_gateway`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{ConnectivityType, NatGateway, NatGatewayState, ResourceType};

use super::shared::{PAGE, arn, by_ids, by_owner, exactly, existing, tag, tags_of};
use crate::kind::prelude::*;

/// A NAT gateway: what is in private subnets reaches the internet, or another network, by its address, and nothing
/// reaches them. It costs by the hour and by the gigabyte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Id of the subnet that it is in. For a public gateway one with a route to an internet gateway: name that route
    /// table in `depends_on`, since AWS makes no public gateway before.
    #[schemars(extend("x-dwctl" = [REPLACE], "x-dwctl-names" = "subnet"))]
    #[schemars(extend("x-dwctl-risk" = ["downtime when destroyed: what has a route to it loses its way out"]))]
    pub subnet_id: String,
    /// `public`: to the internet. `private`: to other VPCs and networks. Default `public`.
    #[serde(default = "connectivity_type")]
    #[schemars(extend("x-dwctl" = [REPLACE], "enum" = ["public", "private"]))]
    pub connectivity_type: String,
    /// Id of the allocation of its Elastic IP address. Public gateways only.
    #[schemars(extend("x-dwctl" = [REPLACE], "x-dwctl-only-if" = "connectivity_type = public"))]
    pub allocation_id: Option<String>,
    /// Its address in the subnet. Absent: AWS chooses one.
    #[schemars(extend("x-dwctl" = [REPLACE, AWS_DEFAULT]))]
    pub private_ip_address: Option<String>,
}

/// The attributes of a NAT gateway that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the gateway, `nat-…`.
    pub nat_gateway_id: String,
    /// ARN of the gateway.
    pub arn: String,
    /// Id of the VPC that it is in.
    pub vpc_id: String,
    /// Public address of its traffic. Public gateways only.
    pub public_ip: Option<String>,
    /// Id of its network interface.
    pub network_interface_id: String,
}

defaults! {
    connectivity_type: String = "public";
}

/// An existing NAT gateway.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the gateway, `nat-…`.
    nat_gateway_id: Option<String>,
    /// Id of the VPC that it is in.
    vpc_id: Option<String>,
    /// Id of the subnet that it is in.
    subnet_id: Option<String>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_nat_gateways.set_filter(PAGE) => nat_gateway_id unless is_gone;
    "nat-gateway-id" = nat_gateway_id,
    "vpc-id" = vpc_id,
    "subnet-id" = subnet_id,
}

/// The kind `ec2_nat_gateway`.
pub struct Ec2NatGateway;

impl Kind for Ec2NatGateway {
    const CFN: Option<&'static str> = Some("AWS::EC2::NatGateway");
    const TERRAFORM: Terraform = Terraform::of("aws_nat_gateway", &[("private_ip_address", "private_ip")]);
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeNatGateways"],
        create: &["ec2:CreateNatGateway", "ec2:CreateTags"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteNatGateway"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    // Its network interface is in the subnet, and the address is associated with it
    // (<https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html>).
    const LINKS: &'static [Link] = &[
        Link::to("subnet_id", "ec2_subnet").held(Hold::Firm),
        Link::to("allocation_id", "ec2_eip").held(Hold::Firm),
    ];
    const PACE: Pace = Pace { create_seconds: 120, delete_seconds: 60, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let is_public = spec.text("connectivity_type") == Some("public");
        problems! {
            "allocation_id" if is_public && !spec.may_be_set("allocation_id") =>
                "a public NAT gateway needs an address",
                "write `allocation_id = \"${ec2_eip.NAME.allocation_id}\"`, or `connectivity_type = \"private\"`";
        }
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.0.get("allocation_id").map(|address| format!("{address:?}")).into_iter().collect()
    }

    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let address = own.spec.0.get("allocation_id").filter(|address| !address.is_null())?;
        (other.spec.0.get("allocation_id") == Some(address)).then(|| {
            Problem::new("allocation_id", format!("the address is that of {}", other.address))
                .help("a NAT gateway has an address of its own: declare another `ec2_eip`")
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
            .create_nat_gateway()
            .subnet_id(&want.subnet_id)
            .connectivity_type(ConnectivityType::from(want.connectivity_type.as_str()))
            .set_allocation_id(want.allocation_id.clone())
            .set_private_ip_address(want.private_ip_address.clone())
            .client_token(new.token)
            .set_tag_specifications(tags_of(ResourceType::Natgateway, new.tags)?)
            .send()
            .await?;
        Created::with(created.nat_gateway.and_then(|gateway| gateway.nat_gateway_id))
    }

    async fn update(_: &Cx, _: &str, _: &Spec, _: &Spec) -> Result<()> {
        // Each setting is one of its creation.
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.ec2().delete_nat_gateway().nat_gateway_id(id).send().await.or_gone()?;
        Ok(Deletion::Begun)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

/// Returns whether AWS has deleted it: it is listed for about an hour more.
fn is_gone(gateway: &NatGateway) -> bool {
    gateway.state() == Some(&NatGatewayState::Deleted)
}

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2NatGateway>>> {
    let mut found = HashMap::new();
    for filter in by_ids("nat-gateway-id", lookups) {
        let request = cx.aws.ec2().describe_nat_gateways().filter(filter).max_results(PAGE);
        let mut gateways = request.into_paginator().items().send();
        while let Some(gateway) = gateways.next().await {
            let gateway = gateway?;
            if is_gone(&gateway) {
                continue;
            }
            let id = gateway.nat_gateway_id().unwrap_or_default().to_owned();
            found.insert(id.clone(), live(cx, id, &gateway));
        }
    }
    Ok(found)
}

fn live(cx: &Cx, id: String, gateway: &NatGateway) -> Live<Ec2NatGateway> {
    let all = gateway.nat_gateway_addresses();
    let first = all.iter().find(|one| one.is_primary() == Some(true)).or(all.first());
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let spec = Spec {
        subnet_id: gateway.subnet_id().unwrap_or_default().to_owned(),
        connectivity_type: gateway
            .connectivity_type()
            .map_or_else(connectivity_type, |kind| kind.as_str().to_owned()),
        allocation_id: first.and_then(|one| text(one.allocation_id())),
        private_ip_address: first.and_then(|one| text(one.private_ip())),
    };
    let state = match gateway.state() {
        Some(state @ NatGatewayState::Pending) => State::Busy(state.as_str().to_owned()),
        Some(state @ NatGatewayState::Deleting) => State::Leaving(state.as_str().to_owned()),
        Some(NatGatewayState::Failed) => {
            let words = gateway.failure_message().or(gateway.failure_code()).unwrap_or_default();
            State::Failed(format!("the gateway has failed: {words}"))
        }
        _ => State::Ready,
    };
    let attrs = Attrs {
        arn: arn(cx, None, "natgateway", &id),
        vpc_id: gateway.vpc_id().unwrap_or_default().to_owned(),
        public_ip: first.and_then(|one| text(one.public_ip())),
        network_interface_id: first.and_then(|one| text(one.network_interface_id())).unwrap_or_default(),
        nat_gateway_id: id.clone(),
    };
    Live { state, ..Live::ready(spec, attrs, tags_from(gateway.tags())).with_incarnation(Some(id)) }
}
