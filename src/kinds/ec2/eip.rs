//! `ec2_eip`.

use std::collections::HashMap;

use aws_sdk_ec2::types::{Address, DomainType, ResourceType};

use super::shared::{arn, by_ids, by_owner, exactly, tag, tags_of};
use crate::kind::prelude::*;

/// An Elastic IP address: a public IPv4 address that stays the account's until it is released, for NAT gateways,
/// load balancers and Redshift clusters. These name it; it costs the same whether one does or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Pool of addresses: the id of one that the account brought to AWS. Absent: AWS's own, `amazon`.
    #[schemars(extend("x-dwctl" = [REPLACE], "x-dwctl-absent" = "amazon"))]
    pub public_ipv4_pool: Option<String>,
    /// Zones from which the address is announced, such as `us-east-1-bos-1`. Absent: those of the region.
    #[schemars(extend("x-dwctl" = [REPLACE, AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-risk" = ["irreversible when destroyed: the address goes back to AWS, and lists of others that allow it lead elsewhere"]))]
    pub network_border_group: Option<String>,
}

/// The attributes of an address that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Id of the allocation, `eipalloc-…`, by which others name the address.
    pub allocation_id: String,
    /// The address itself.
    pub public_ip: String,
    /// ARN of the address.
    pub arn: String,
}

/// An existing address.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// Id of the allocation, `eipalloc-…`.
    allocation_id: Option<String>,
    /// The address itself.
    public_ip: Option<String>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
}

impl Filter for Existing {
    async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>> {
        each_filter(filters, async |one: &Self| {
            let values = [("allocation-id", one.allocation_id.clone()), ("public-ip", one.public_ip.clone())];
            let request = cx.aws.ec2().describe_addresses();
            let answer = request.set_filters(Some(exactly(values, &one.tags))).send().await?;
            Ok(ids(answer.addresses))
        })
        .await
    }
}

/// The kind `ec2_eip`.
pub struct Ec2Eip;

impl Kind for Ec2Eip {
    const CFN: Option<&'static str> = Some("AWS::EC2::EIP");
    const TERRAFORM: Terraform = Terraform::of("aws_eip", &[]);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] =
        &[("", "elastic_ip"), ("", "public_address")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeAddresses"],
        create: &["ec2:AllocateAddress", "ec2:CreateTags"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:ReleaseAddress"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<Existing>(&[]);
    const USERS: Option<&'static str> = Some("aws ec2 describe-addresses --allocation-ids {}");
    // A gateway or load balancer that uses it takes its time to let it go.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        answer(lookups, read(cx, lookups).await)
    }

    async fn find(cx: &Cx, owner: &Owner, _: Known<'_>) -> Result<Vec<String>> {
        let answer = cx.aws.ec2().describe_addresses().set_filters(Some(by_owner(owner))).send().await?;
        Ok(ids(answer.addresses))
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let created = cx
            .aws
            .ec2()
            .allocate_address()
            .domain(DomainType::Vpc)
            .set_public_ipv4_pool(want.public_ipv4_pool.clone())
            .set_network_border_group(want.network_border_group.clone())
            .set_tag_specifications(tags_of(ResourceType::ElasticIp, new.tags)?)
            .send()
            .await?;
        Created::with(created.allocation_id)
    }

    async fn update(_: &Cx, _: &str, _: &Spec, _: &Spec) -> Result<()> {
        // Another pool or group is another address.
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.ec2().release_address().allocation_id(id).send().await.or_gone().map(Deletion::of)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

fn ids(addresses: Option<Vec<Address>>) -> Vec<String> {
    addresses.into_iter().flatten().filter_map(|address| address.allocation_id).collect()
}

/// `DescribeAddresses` has no pages
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html>).
async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<Ec2Eip>>> {
    let mut found = HashMap::new();
    for filter in by_ids("allocation-id", lookups) {
        let answer = cx.aws.ec2().describe_addresses().filters(filter).send().await?;
        for address in answer.addresses() {
            let id = address.allocation_id().unwrap_or_default().to_owned();
            let spec = Spec {
                public_ipv4_pool: address.public_ipv4_pool().map(str::to_owned),
                network_border_group: address.network_border_group().map(str::to_owned),
            };
            let attrs = Attrs {
                arn: arn(cx, None, "elastic-ip", &id),
                public_ip: address.public_ip().unwrap_or_default().to_owned(),
                allocation_id: id.clone(),
            };
            let live = Live::ready(spec, attrs, tags_from(address.tags())).with_incarnation(Some(&id));
            found.insert(id, live);
        }
    }
    Ok(found)
}
