//! `redshift_snapshot`, which a stack can only read.

use aws_sdk_redshift::types::Snapshot;

use crate::kind::prelude::*;

/// A snapshot of an Amazon Redshift cluster, from which `redshift_cluster` can restore one.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// Name of the snapshot; that of an automated one begins with `rs:`.
    pub snapshot_identifier: String,
    /// Name of the cluster that it was taken of.
    pub cluster_identifier: Option<String>,
    /// ARN of the snapshot.
    pub arn: Option<String>,
    /// `manual` or `automated`.
    pub snapshot_type: Option<String>,
    /// Its state, such as `available`.
    pub status: Option<String>,
    /// When it was taken, in RFC 3339.
    pub snapshot_create_time: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// KMS key that encrypts it.
    pub kms_key_id: Option<String>,
    /// Name of the cluster's first database.
    pub db_name: Option<String>,
    /// Name of the cluster's administrator.
    pub master_username: Option<String>,
    /// Type of the cluster's nodes.
    pub node_type: Option<String>,
    /// Number of the cluster's nodes.
    pub number_of_nodes: Option<i32>,
    /// Port of the cluster.
    pub port: Option<i32>,
    /// Account of the cluster.
    pub owner_account: Option<String>,
}

/// An existing snapshot that can be used.
#[derive(Deserialize, JsonSchema)]
pub struct Existing {
    /// Name of the snapshot.
    snapshot_identifier: Option<String>,
    /// Name of the cluster that it was taken of.
    cluster_identifier: Option<String>,
    /// `manual`, or `automated`.
    #[schemars(extend("enum" = ["manual", "automated"]))]
    snapshot_type: Option<String>,
    /// Account of the cluster, for snapshots that it shares.
    owner_account: Option<String>,
    /// Tags that it has, among others.
    #[serde(default)]
    tags: Tags,
    /// Whether it is the newest of those that match.
    #[serde(default)]
    newest: bool,
}

impl Filter for Existing {
    /// AWS answers with snapshots that have any of the keys
    /// (<https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusterSnapshots.html>).
    async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>> {
        each_filter(filters, async |one: &Self| {
            let keys = one.tags.keys().next().map(|key| vec![key.clone()]);
            let request = cx
                .aws
                .redshift()
                .describe_cluster_snapshots()
                .set_snapshot_identifier(one.snapshot_identifier.clone())
                .set_cluster_identifier(one.cluster_identifier.clone())
                .set_snapshot_type(one.snapshot_type.clone())
                .set_owner_account(one.owner_account.clone())
                .set_tag_keys(keys);
            let mut pages = request.into_paginator().items().send();
            let mut found = Vec::new();
            // A cluster or a snapshot that does not exist is an error to AWS.
            while let Some(snapshot) = pages.next().await {
                let Some(snapshot) = existing(snapshot.or_gone())?.flatten() else { break };
                found.push(snapshot);
            }
            found.retain(|snapshot| {
                let tags = tags_from(snapshot.tags());
                snapshot.status() == Some("available")
                    && one.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
            });
            if one.newest {
                // The last of those of the same second has the last name.
                found.sort_by_key(|snapshot| {
                    let at = snapshot.snapshot_create_time().map(|time| (time.secs(), time.subsec_nanos()));
                    (at, snapshot.snapshot_identifier.clone())
                });
                found.drain(..found.len().saturating_sub(1));
            }
            Ok(found.into_iter().filter_map(|snapshot| snapshot.snapshot_identifier).collect())
        })
        .await
    }
}

/// The kind `redshift_snapshot`.
pub struct RedshiftSnapshot;

impl DataKind for RedshiftSnapshot {
    const TERRAFORM: &'static str = "aws_redshift_cluster_snapshot";
    const ACTIONS: &'static [&'static str] = &["redshift:DescribeClusterSnapshots"];

    type Filter = Existing;
    type Attrs = Attrs;

    fn id_of_arn(arn: &str) -> Option<String> {
        // `arn:aws:redshift:REGION:ACCOUNT:snapshot:CLUSTER/SNAPSHOT`
        arn.split_once(":snapshot:")?.1.split_once('/').map(|(_, id)| id.to_owned())
    }

    async fn read_many(cx: &Cx, ids: &[&str]) -> Vec<Result<Option<(Attrs, Tags)>>> {
        // A call takes one name, or none for all snapshots of the account, which may be thousands.
        futures_util::future::join_all(ids.iter().map(async |id| {
            let request = cx.aws.redshift().describe_cluster_snapshots().snapshot_identifier(*id);
            let found = existing(request.send().await.or_gone())?.flatten();
            Ok(found.and_then(|found| found.snapshots.unwrap_or_default().into_iter().next()).map(attrs))
        }))
        .await
    }
}

/// An answer, or `None` if there is no such snapshot.
fn existing<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.code == "ClusterSnapshotNotFound" => Ok(None),
        answer => answer.map(Some),
    }
}

fn attrs(snapshot: Snapshot) -> (Attrs, Tags) {
    let tags = tags_from(snapshot.tags());
    let attrs = Attrs {
        snapshot_create_time: snapshot.snapshot_create_time().map(ToString::to_string),
        snapshot_identifier: snapshot.snapshot_identifier.unwrap_or_default(),
        cluster_identifier: snapshot.cluster_identifier,
        arn: snapshot.snapshot_arn,
        snapshot_type: snapshot.snapshot_type,
        status: snapshot.status,
        encrypted: snapshot.encrypted,
        kms_key_id: snapshot.kms_key_id,
        db_name: snapshot.db_name,
        master_username: snapshot.master_username,
        node_type: snapshot.node_type,
        number_of_nodes: snapshot.number_of_nodes,
        port: snapshot.port,
        owner_account: snapshot.owner_account,
    };
    (attrs, tags)
}
