//! Converts the answer of `DescribeClusters` to the attributes of `redshift_cluster`.

use std::collections::HashMap;

use aws_sdk_redshift::operation::describe_logging_status::DescribeLoggingStatusOutput;
use aws_sdk_redshift::types::Cluster;
use futures_util::stream::{StreamExt, TryStreamExt};

use super::cluster_spec::{
    Attrs, Logging, RedshiftCluster, SnapshotCopy, Spec, copy_retention_period, forever, ip_address_type,
    log_destination_type,
};
use crate::kind::prelude::*;

/// Maximum number of concurrent reads of the logging status.
const SIDE_BY_SIDE: usize = 8;

pub(super) fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("redshift", format_args!("cluster:{name}"))
}

/// An existing cluster.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Existing {
    /// Tags that it has, among others.
    tags: Tags,
}

impl Filter for Existing {
    /// AWS answers with clusters that have any of the keys
    /// (<https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusters.html>).
    async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>> {
        each_filter(filters, async |one: &Self| {
            let keys = one.tags.keys().take(1).cloned().collect();
            let request = cx.aws.redshift().describe_clusters().set_tag_keys(Some(keys));
            let clusters: Vec<_> = request.into_paginator().items().send().try_collect().await?;
            let clusters = clusters.into_iter().filter(|cluster| {
                let tags = tags_from(cluster.tags());
                one.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
            });
            Ok(clusters.filter_map(|cluster| cluster.cluster_identifier).collect())
        })
        .await
    }
}

/// Reads one cluster.
pub(super) async fn find_cluster(cx: &Cx, id: &str) -> Result<Option<Cluster>> {
    let found = cx.aws.redshift().describe_clusters().cluster_identifier(id).send().await.or_gone()?;
    Ok(found.and_then(|found| found.clusters.unwrap_or_default().into_iter().next()))
}

/// Reads one cluster by name, or several from the list of all, since the call accepts only one name.
pub(super) async fn read(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Live<RedshiftCluster>>> {
    let clusters: Vec<Cluster> = match lookups {
        [only] => find_cluster(cx, only.id).await?.into_iter().collect(),
        _ => cx.aws.redshift().describe_clusters().into_paginator().items().send().try_collect().await?,
    };
    let wanted = clusters.iter().filter_map(|cluster| {
        let lookup = lookups.iter().find(|lookup| Some(lookup.id) == cluster.cluster_identifier())?;
        Some((*lookup, cluster))
    });
    futures_util::stream::iter(wanted.map(|(lookup, cluster)| async move {
        let logging = if lookup.wants("logging") {
            let status = cx.aws.redshift().describe_logging_status().cluster_identifier(lookup.id);
            status.send().await.or_gone()?
        } else {
            None
        };
        Ok((lookup.id.to_owned(), live(&cx.scope, cluster, logging.as_ref())))
    }))
    .buffered(SIDE_BY_SIDE)
    .try_collect()
    .await
}

fn live(
    scope: &Scope,
    cluster: &Cluster,
    logging: Option<&DescribeLoggingStatusOutput>,
) -> Live<RedshiftCluster> {
    let id = cluster.cluster_identifier().unwrap_or_default();
    // A change that AWS has accepted and applies later counts as done.
    let pending = cluster.pending_modified_values();
    let endpoint = cluster.endpoint();
    let host = endpoint.and_then(|endpoint| endpoint.address()).filter(|host| !host.is_empty());
    let port = endpoint.and_then(|endpoint| endpoint.port()).filter(|port| *port > 0);
    let nodes = pending
        .and_then(|pending| pending.number_of_nodes())
        .or(cluster.number_of_nodes())
        .filter(|nodes| *nodes > 0);
    let not_returned = [
        // A new cluster has no endpoint, and so no port, for a while.
        ("port", port.is_none()),
        // AWS may return a paused cluster without nodes. It has them again when it is resumed.
        ("number_of_nodes", nodes.is_none()),
    ];
    let port = port.unwrap_or_else(super::cluster_spec::port);
    let group = cluster.cluster_parameter_groups().first();
    let secret = text(cluster.master_password_secret_arn());
    let spec = Spec {
        cluster_identifier: id.to_owned(),
        node_type: pending
            .and_then(|pending| text(pending.node_type()))
            .or_else(|| text(cluster.node_type()))
            .unwrap_or_default(),
        number_of_nodes: nodes.unwrap_or(1),
        classic: false,
        db_name: text(cluster.db_name()),
        master_username: cluster.master_username().unwrap_or_default().to_owned(),
        master_user_password: None,
        manage_master_password: secret.is_some(),
        master_password_secret_kms_key_id: text(cluster.master_password_secret_kms_key_id()),
        cluster_subnet_group_name: text(cluster.cluster_subnet_group_name()),
        vpc_security_group_ids: cluster
            .vpc_security_groups()
            .iter()
            .filter(|group| group.status() != Some("removing"))
            .filter_map(|group| text(group.vpc_security_group_id()))
            .collect(),
        cluster_parameter_group_name: group.and_then(|group| text(group.parameter_group_name())),
        iam_roles: cluster
            .iam_roles()
            .iter()
            .filter(|role| role.apply_status() != Some("removing"))
            .filter_map(|role| text(role.iam_role_arn()))
            .collect(),
        default_iam_role_arn: text(cluster.default_iam_role_arn()),
        encrypted: match pending.and_then(|pending| pending.encryption_type()) {
            Some(kind) => !kind.eq_ignore_ascii_case("none"),
            None => cluster.encrypted().unwrap_or(false),
        },
        kms_key_id: text(cluster.kms_key_id()),
        port,
        publicly_accessible: pending
            .and_then(|pending| pending.publicly_accessible())
            .or(cluster.publicly_accessible())
            .unwrap_or(false),
        elastic_ip: cluster.elastic_ip_status().and_then(|status| text(status.elastic_ip())),
        enhanced_vpc_routing: pending
            .and_then(|pending| pending.enhanced_vpc_routing())
            .or(cluster.enhanced_vpc_routing())
            .unwrap_or(false),
        ip_address_type: text(cluster.ip_address_type()).unwrap_or_else(ip_address_type),
        availability_zone: text(cluster.availability_zone()),
        availability_zone_relocation: matches!(
            cluster.availability_zone_relocation_status(),
            Some("enabled" | "pending_enabling")
        ),
        multi_az: cluster.multi_az().is_some_and(is_on),
        preferred_maintenance_window: text(cluster.preferred_maintenance_window()),
        maintenance_track_name: pending
            .and_then(|pending| text(pending.maintenance_track_name()))
            .or_else(|| text(cluster.maintenance_track_name())),
        allow_version_upgrade: cluster.allow_version_upgrade().unwrap_or(true),
        cluster_version: pending
            .and_then(|pending| text(pending.cluster_version()))
            .or_else(|| text(cluster.cluster_version())),
        automated_snapshot_retention_period: pending
            .and_then(|pending| pending.automated_snapshot_retention_period())
            .or(cluster.automated_snapshot_retention_period())
            .unwrap_or(1),
        manual_snapshot_retention_period: cluster.manual_snapshot_retention_period().unwrap_or_else(forever),
        extra_compute_for_automatic_optimization: cluster
            .extra_compute_for_automatic_optimization()
            .is_some_and(is_on),
        logging: logging.and_then(live_logging),
        snapshot_copy: cluster.cluster_snapshot_copy_status().and_then(|copy| {
            Some(SnapshotCopy {
                destination_region: text(copy.destination_region())?,
                retention_period: copy
                    .retention_period()
                    .and_then(|days| i32::try_from(days).ok())
                    .unwrap_or_else(copy_retention_period),
                // AWS leaves the number out, or returns 0, if none was given.
                manual_snapshot_retention_period: copy
                    .manual_snapshot_retention_period()
                    .filter(|days| *days != 0)
                    .unwrap_or_else(forever),
                snapshot_copy_grant_name: text(copy.snapshot_copy_grant_name()),
            })
        }),
        snapshot_identifier: None,
        snapshot_cluster_identifier: None,
        owner_account: None,
        skip_final_snapshot: false,
        final_snapshot_identifier: None,
        final_snapshot_retention_period: forever(),
    };
    let attrs = Attrs {
        arn: arn(scope, id),
        cluster_namespace_arn: text(cluster.cluster_namespace_arn()),
        endpoint: host.map(str::to_owned),
        jdbc_url: host.map(|host| {
            format!("jdbc:redshift://{host}:{port}/{}", spec.db_name.as_deref().unwrap_or("dev"))
        }),
        master_password_secret_arn: secret,
        vpc_id: text(cluster.vpc_id()),
        cluster_public_key: text(cluster.cluster_public_key()),
        cluster_revision_number: text(cluster.cluster_revision_number()),
        parameter_apply_status: group.and_then(|group| text(group.parameter_apply_status())),
        cluster_status: text(cluster.cluster_status()),
    };
    let state = state(cluster.cluster_status(), cluster.cluster_availability_status());
    let incarnation = cluster.cluster_create_time().map(ToString::to_string);
    let not_returned = not_returned.into_iter().filter(|(_, is_so)| *is_so).map(|(name, _)| name).collect();
    Live {
        state,
        not_returned,
        ..Live::ready(spec, attrs, tags_from(cluster.tags())).with_incarnation(incarnation)
    }
}

fn live_logging(logging: &DescribeLoggingStatusOutput) -> Option<Logging> {
    logging.logging_enabled().unwrap_or(false).then(|| Logging {
        log_destination_type: logging
            .log_destination_type()
            .map_or_else(log_destination_type, |kind| kind.as_str().to_owned()),
        bucket_name: text(logging.bucket_name()),
        s3_key_prefix: text(logging.s3_key_prefix()),
        log_exports: logging.log_exports().to_vec(),
    })
}

/// Parses AWS's flags in text form: `Enabled`, `true`.
fn is_on(text: &str) -> bool {
    ["enabled", "true", "enabling"].iter().any(|on| text.eq_ignore_ascii_case(on))
}

/// Interprets the states of
/// <https://docs.aws.amazon.com/redshift/latest/mgmt/rs-mgmt-cluster-status.html>.
/// A cluster that a change can repair (another parameter group, more nodes) counts as ready for it.
fn state(status: Option<&str>, availability: Option<&str>) -> State {
    match status.unwrap_or_default() {
        "available" => match availability {
            Some(busy @ ("Modifying" | "Maintenance")) => State::Busy(busy.to_lowercase()),
            Some("Failed") => State::Failed("the cluster has failed".to_owned()),
            _ => State::Ready,
        },
        "" | "paused" | "storage-full" | "incompatible-parameters" => State::Ready,
        failed @ ("hardware-failure"
        | "incompatible-hsm"
        | "incompatible-network"
        | "incompatible-restore") => State::Failed(format!("the cluster's status is `{failed}`")),
        leaving @ ("deleting" | "final-snapshot") => State::Leaving(leaving.to_owned()),
        busy => State::Busy(busy.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{live, state};
    use crate::aws::Scope;
    use crate::kind::State;
    use aws_sdk_redshift::types::{Cluster, ClusterSnapshotCopyStatus, PendingModifiedValues};

    fn scope() -> Scope {
        Scope {
            partition: "aws".to_owned(),
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        }
    }

    #[test]
    fn a_paused_cluster_is_ready_and_a_modifying_one_is_busy() {
        assert_eq!(state(Some("paused"), Some("Paused")), State::Ready);
        assert_eq!(state(Some("available"), Some("Available")), State::Ready);
        assert_eq!(state(Some("available"), Some("Modifying")), State::Busy("modifying".to_owned()));
        for busy in ["creating", "resizing", "pausing", "available, prep-for-resize"] {
            assert_eq!(state(Some(busy), Some("Modifying")), State::Busy(busy.to_owned()));
        }
        assert_eq!(
            state(Some("final-snapshot"), Some("Modifying")),
            State::Leaving("final-snapshot".to_owned())
        );
        assert!(matches!(state(Some("incompatible-network"), None), State::Failed(_)));
    }

    #[test]
    fn pending_changes_count_as_applied() {
        let cluster = Cluster::builder()
            .cluster_identifier("w")
            .number_of_nodes(2)
            .maintenance_track_name("current")
            .pending_modified_values(
                PendingModifiedValues::builder()
                    .number_of_nodes(4)
                    .maintenance_track_name("trailing")
                    .build(),
            )
            .cluster_snapshot_copy_status(
                ClusterSnapshotCopyStatus::builder()
                    .destination_region("us-west-2")
                    .retention_period(7)
                    .build(),
            )
            .build();
        let live = live(&scope(), &cluster, None);
        assert_eq!(live.not_returned, ["port"]);
        let spec = live.spec;
        assert_eq!(spec.number_of_nodes, 4);
        assert_eq!(spec.maintenance_track_name.as_deref(), Some("trailing"));
        assert_eq!(spec.snapshot_copy.map(|copy| copy.manual_snapshot_retention_period), Some(-1));
    }
}
