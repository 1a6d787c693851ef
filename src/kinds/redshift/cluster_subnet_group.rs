//! `redshift_cluster_subnet_group`.

use std::collections::HashMap;

use aws_sdk_redshift::types::ClusterSubnetGroup;

use super::shared::tag;
use crate::kind::prelude::*;

/// An Amazon Redshift cluster subnet group: the subnets of a VPC in which clusters may be placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the group, in lower case; not `default`.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255), regex(pattern = r"^[a-z0-9._-]+$"))]
    pub cluster_subnet_group_name: String,
    /// What the group is for.
    pub description: String,
    /// Ids of the subnets, all of one VPC. A cluster that can move, or spans two zones, needs
    /// subnets in several availability zones.
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1, max = 20))]
    #[schemars(extend("x-dwctl-names" = "subnet"))]
    pub subnet_ids: Vec<String>,
}

/// The attributes of a subnet group that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the group.
    pub arn: String,
    /// The VPC of the subnets.
    pub vpc_id: String,
}

/// The kind `redshift_cluster_subnet_group`.
pub struct RedshiftClusterSubnetGroup;

impl Kind for RedshiftClusterSubnetGroup {
    const CFN: Option<&'static str> = Some("AWS::Redshift::ClusterSubnetGroup");
    const TERRAFORM: Terraform =
        Terraform::of("aws_redshift_subnet_group", &[("cluster_subnet_group_name", "name")]);
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusterSubnetGroups"],
        create: &["redshift:CreateClusterSubnetGroup", "redshift:CreateTags"],
        update: &["redshift:ModifyClusterSubnetGroup", "redshift:CreateTags", "redshift:DeleteTags"],
        delete: &["redshift:DeleteClusterSubnetGroup"],
    };
    const BATCHES_READS: bool = true;
    const USERS: Option<&'static str> = Some(
        "aws redshift describe-clusters --query \"Clusters[?ClusterSubnetGroupName=='{}'].ClusterIdentifier\"",
    );
    // A cluster in the group has a network interface in its subnets, which blocks their deletion
    // (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html>).
    // All subnets are in one VPC
    // (<https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterSubnetGroup.html>), and a
    // group does not move to another.
    const LINKS: &'static [Link] = &[Link::to("subnet_ids", "ec2_subnet").held(Hold::InUse).within("vpc_id")];
    const ID: Option<&'static str> = Some("cluster_subnet_group_name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("cluster_subnet_group_name").map(|name| arn(scope, name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if spec.text("cluster_subnet_group_name") == Some("default") {
            problems.push(
                Problem::new("cluster_subnet_group_name", "`default` is the name of Redshift's own group")
                    .help("give the group another name"),
            );
        }
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        answer(lookups, read(cx, lookups).await)
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        cx.aws
            .redshift()
            .create_cluster_subnet_group()
            .cluster_subnet_group_name(&want.cluster_subnet_group_name)
            .description(&want.description)
            .set_subnet_ids(Some(want.subnet_ids.clone()))
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Ok(want.cluster_subnet_group_name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        if live == want {
            return Ok(());
        }
        // The call replaces the whole list of subnets, so they are always sent
        // (https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterSubnetGroup.html).
        let mut request = cx
            .aws
            .redshift()
            .modify_cluster_subnet_group()
            .cluster_subnet_group_name(id)
            .set_subnet_ids(Some(want.subnet_ids.clone()));
        if live.description != want.description {
            request = request.description(&want.description);
        }
        request.send().await?;
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws
            .redshift()
            .delete_cluster_subnet_group()
            .cluster_subnet_group_name(id)
            .send()
            .await
            .or_gone()
            .map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("redshift", format_args!("subnetgroup:{name}"))
}

/// Reads one group by name, or several from the list of all, since the call accepts only one name.
async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<RedshiftClusterSubnetGroup>>> {
    let mut request = cx.aws.redshift().describe_cluster_subnet_groups();
    if let [only] = lookups {
        request = request.cluster_subnet_group_name(only.id);
    }
    let groups: Vec<ClusterSubnetGroup> =
        request.into_paginator().items().send().try_collect().await.or_gone()?.unwrap_or_default();
    Ok(groups
        .iter()
        .map(|group| {
            let name = group.cluster_subnet_group_name().unwrap_or_default().to_owned();
            (name.clone(), live(cx, name, group))
        })
        .collect())
}

fn live(cx: &Cx, name: String, group: &ClusterSubnetGroup) -> Live<RedshiftClusterSubnetGroup> {
    Live {
        attrs: Attrs { arn: arn(&cx.scope, &name), vpc_id: group.vpc_id().unwrap_or_default().to_owned() },
        spec: Spec {
            cluster_subnet_group_name: name,
            description: group.description().unwrap_or_default().to_owned(),
            subnet_ids: group
                .subnets()
                .iter()
                .filter_map(|subnet| subnet.subnet_identifier().map(str::to_owned))
                .collect(),
        },
        tags: tags_from(group.tags()),
        state: State::Ready,
        incarnation: None,
        not_returned: Vec::new(),
    }
}
