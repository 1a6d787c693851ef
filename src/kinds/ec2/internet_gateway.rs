//! `ec2_internet_gateway`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{InternetGateway, ResourceType};

use super::shared::{PAGE, arn, by_ids, by_owner, exactly, existing, tag, tags_of};
use crate::kind::prelude::*;

/// An internet gateway: the way between a VPC and the internet, for what has a public address and a route to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Id of the VPC that it is attached to; a VPC has at most one. Absent: none.
    #[schemars(extend("x-dwctl-names" = "vpc"))]
    #[schemars(extend("x-dwctl-risk" = [
        "access when come: the VPC can be reached from the internet, where routes lead to the gateway",
        "downtime when gone: the VPC has no way to the internet",
        "downtime when changed: the VPC that it leaves has no way to the internet",
        "downtime when destroyed: the VPC has no way to the internet"
    ]))]
    pub vpc_id: Option<String>,
}

/// The attributes of an internet gateway that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the gateway, `igw-…`.
    pub internet_gateway_id: String,
    /// ARN of the gateway.
    pub arn: String,
    /// Account that owns the gateway.
    pub owner_id: String,
}

/// An existing internet gateway.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the gateway, `igw-…`.
    internet_gateway_id: Option<String>,
    /// Id of the VPC that it is attached to.
    vpc_id: Option<String>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

existing! {
    describe_internet_gateways.set_filters(PAGE) => internet_gateway_id;
    "internet-gateway-id" = internet_gateway_id,
    "attachment.vpc-id" = vpc_id,
}

/// The kind `ec2_internet_gateway`.
pub struct Ec2InternetGateway;

impl Kind for Ec2InternetGateway {
    const CFN: Option<&'static str> = Some("AWS::EC2::InternetGateway");
    const TERRAFORM: Terraform = Terraform::of("aws_internet_gateway", &[]);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] =
        &[("vpc_id", "aws_internet_gateway_attachment"), ("vpc_id", "AWS::EC2::VPCGatewayAttachment")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeInternetGateways"],
        create: &["ec2:CreateInternetGateway", "ec2:CreateTags"],
        update: &[
            "ec2:AttachInternetGateway",
            "ec2:DetachInternetGateway",
            "ec2:CreateTags",
            "ec2:DeleteTags",
        ],
        delete: &["ec2:DetachInternetGateway", "ec2:DeleteInternetGateway"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const SET_AFTER_CREATE: &'static [&'static str] = &["vpc_id"];
    const DEFERRABLE: &'static [&'static str] = &["vpc_id"];
    // See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>.
    const LINKS: &'static [Link] = &[Link::to("vpc_id", "ec2_vpc").held(Hold::Loose)];
    // AWS refuses to detach it while something in the VPC has a public address, which may take its time to go.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.0.get("vpc_id").map(|vpc| format!("{vpc:?}")).into_iter().collect()
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let same =
            |peer: &&Peer<'_>| spec.is_set("vpc_id") && peer.spec.0.get("vpc_id") == spec.0.get("vpc_id");
        let other = among.before().find(same);
        let problem = other.map(|peer| {
            Problem::new("vpc_id", format!("{} is attached to this VPC", peer.address))
                .help("a VPC has one internet gateway")
        });
        problem.into_iter().collect()
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        answer(lookups, read(cx, lookups).await)
    }

    async fn find(cx: &Cx, owner: &Owner, _: Known<'_>) -> Result<Vec<String>> {
        ids(cx, by_owner(owner)).await
    }

    async fn create(cx: &Cx, _: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let request = cx.aws.ec2().create_internet_gateway();
        let tags = tags_of(ResourceType::InternetGateway, new.tags)?;
        let created = request.set_tag_specifications(tags).send().await?;
        Created::with(created.internet_gateway.and_then(|gateway| gateway.internet_gateway_id))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        if live.vpc_id == want.vpc_id {
            return Ok(());
        }
        if let Some(vpc) = &live.vpc_id {
            detach(cx, id, vpc).await?;
        }
        if let Some(vpc) = &want.vpc_id {
            cx.aws.ec2().attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        if let Some(vpc) = &live.vpc_id {
            detach(cx, id, vpc).await?;
        }
        let deleted = cx.aws.ec2().delete_internet_gateway().internet_gateway_id(id).send().await;
        deleted.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

async fn detach(cx: &Cx, id: &str, vpc: &str) -> Result<()> {
    cx.aws.ec2().detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc).send().await.or_gone()?;
    Ok(())
}

async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2InternetGateway>>> {
    let mut found = HashMap::new();
    for filter in by_ids("internet-gateway-id", lookups) {
        let request = cx.aws.ec2().describe_internet_gateways().filters(filter).max_results(PAGE);
        let mut gateways = request.into_paginator().items().send();
        while let Some(gateway) = gateways.next().await {
            let gateway = gateway?;
            let id = gateway.internet_gateway_id().unwrap_or_default().to_owned();
            found.insert(id.clone(), live(cx, id, &gateway));
        }
    }
    Ok(found)
}

fn live(cx: &Cx, id: String, gateway: &InternetGateway) -> Live<Ec2InternetGateway> {
    let attachment = gateway.attachments().first();
    let state = attachment.and_then(|one| one.state()).map(|state| state.as_str());
    let vpc = attachment.and_then(|one| one.vpc_id()).filter(|_| state != Some("detached"));
    let attrs = Attrs {
        arn: arn(cx, gateway.owner_id(), "internet-gateway", &id),
        owner_id: gateway.owner_id().unwrap_or(&cx.scope.account_id).to_owned(),
        internet_gateway_id: id.clone(),
    };
    let state = match state {
        Some(state @ ("attaching" | "detaching")) => State::Busy(state.to_owned()),
        _ => State::Ready,
    };
    let spec = Spec { vpc_id: vpc.map(str::to_owned) };
    Live { state, ..Live::ready(spec, attrs, tags_from(gateway.tags())).with_incarnation(Some(id)) }
}
