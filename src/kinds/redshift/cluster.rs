//! `redshift_cluster`.

use super::cluster_live::{arn, find_cluster, read};
use super::cluster_spec::cluster_type;
pub use super::cluster_spec::{Attrs, Logging, RedshiftCluster, SnapshotCopy, Spec};
use super::shared::tag;
use crate::kind::prelude::*;

/// In Terraform, a single-node cluster has its own `cluster_type`, and logging has a switch.
fn arrange(cluster: &mut Block) -> Vec<TerraformPart> {
    if let Some(nodes) = cluster.get("number_of_nodes").and_then(Value::as_i64) {
        let sort = if nodes == 1 { "single-node" } else { "multi-node" };
        cluster.insert("cluster_type".to_owned(), sort.into());
    }
    if let Some(mut logging) = take_block(cluster, "logging") {
        logging.insert("enable".to_owned(), Value::Bool(true));
        cluster.insert("logging".to_owned(), Value::List(vec![Value::Map(logging)]));
    }
    Vec::new()
}

impl Kind for RedshiftCluster {
    const CFN: Option<&'static str> = Some("AWS::Redshift::Cluster");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_redshift_cluster",
        &[
            ("db_name", "database_name"),
            ("master_user_password", "master_password"),
            ("availability_zone_relocation", "availability_zone_relocation_enabled"),
            ("snapshot_copy.snapshot_copy_grant_name", "grant_name"),
            ("snapshot_copy.manual_snapshot_retention_period", "manual_snapshot_retention_period"),
        ],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "warehouse"),
        ("iam_roles", "aws_redshift_cluster_iam_roles"),
        ("logging", "aws_redshift_logging"),
        ("snapshot_copy", "aws_redshift_snapshot_copy"),
        ("logging", "LoggingProperties"),
        ("snapshot_copy.destination_region", "DestinationRegion"),
        ("snapshot_copy.retention_period", "SnapshotCopyRetentionPeriod"),
        ("snapshot_copy.snapshot_copy_grant_name", "SnapshotCopyGrantName"),
        ("number_of_nodes", "cluster_type"),
        ("cluster_identifier", "name"),
        ("number_of_nodes", "nodes"),
        ("vpc_security_group_ids", "ClusterSecurityGroups"),
        ("snapshot_identifier", "SnapshotArn"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusters", "redshift:DescribeLoggingStatus"],
        create: &[
            "redshift:CreateCluster",
            "redshift:RestoreFromClusterSnapshot",
            "redshift:CreateTags",
            "iam:PassRole",
            "kms:DescribeKey",
            "kms:CreateGrant",
            "ec2:DescribeAddresses",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "secretsmanager:CreateSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:TagResource",
        ],
        update: &[
            "redshift:ModifyCluster",
            "redshift:ModifyClusterIamRoles",
            "redshift:ResizeCluster",
            "redshift:EnableLogging",
            "redshift:DisableLogging",
            "redshift:EnableSnapshotCopy",
            "redshift:DisableSnapshotCopy",
            "redshift:ModifySnapshotCopyRetentionPeriod",
            "redshift:CreateTags",
            "redshift:DeleteTags",
            "iam:PassRole",
        ],
        delete: &["redshift:DeleteCluster", "redshift:CreateClusterSnapshot", "secretsmanager:DeleteSecret"],
    };
    const BATCHES_READS: bool = true;
    const FINDER: Finder = Finder::by::<super::cluster_live::Existing>(&[]);
    // See <https://docs.aws.amazon.com/redshift/latest/APIReference/API_DeleteClusterSubnetGroup.html>,
    // <https://docs.aws.amazon.com/redshift/latest/APIReference/API_DeleteClusterParameterGroup.html>.
    const LINKS: &'static [Link] = &[
        Link::to("cluster_subnet_group_name", "redshift_cluster_subnet_group").held(Hold::Firm),
        Link::to("cluster_parameter_group_name", "redshift_cluster_parameter_group").held(Hold::Firm),
        // The group guards the cluster's network interfaces, so access must not change even briefly.
        Link::to("vpc_security_group_ids", "ec2_security_group").held(Hold::Firm),
        Link::to("iam_roles", "iam_role"),
    ];
    // A resize or a new key may take long. 75 minutes are enough for all but a classic resize.
    const PACE: Pace = Pace { create_seconds: 900, delete_seconds: 600, deadline_seconds: 4500 };
    const ID: Option<&'static str> = Some("cluster_identifier");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        let predicted = Predicted::of("arn", spec.text("cluster_identifier").map(|name| arn(scope, name)));
        match spec.flag("manage_master_password") {
            Some(false) => predicted.without("master_password_secret_arn"),
            _ => predicted,
        }
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        super::cluster_check::check(spec)
    }

    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let path = "snapshot_copy.destination_region";
        if let Some(region) = spec.text(path).filter(|region| *region == among.region()) {
            problems.push(
                Problem::new(path, format!("the cluster itself is in {region}"))
                    .help("copies of snapshots go to another region"),
            );
        }
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        own.spec.text("elastic_ip").map(str::to_owned).into_iter().collect()
    }

    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let address = own.spec.text("elastic_ip")?;
        (other.spec.text("elastic_ip") == Some(address)).then(|| {
            Problem::new("elastic_ip", format!("{address} is also the address of {}", other.address))
                .help("an elastic IP address belongs to one cluster")
        })
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        answer(lookups, read(cx, lookups).await)
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        match &want.snapshot_identifier {
            Some(_) => restore(cx, want, new).await?,
            None => make(cx, want, new).await?,
        }
        Ok(want.cluster_identifier.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        super::cluster_update::update(cx, id, live, want).await
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        // Read first, so that a deletion in progress is not requested again, and because the name of the
        // final snapshot contains the creation time.
        let Some(cluster) = find_cluster(cx, id).await? else { return Ok(Deletion::Begun) };
        if matches!(cluster.cluster_status(), Some("deleting" | "final-snapshot")) {
            return Ok(Deletion::Begun);
        }
        let request = cx.aws.redshift().delete_cluster().cluster_identifier(id);
        let request = if live.skip_final_snapshot {
            request.skip_final_cluster_snapshot(true)
        } else {
            let name = live.final_snapshot_identifier.clone().unwrap_or_else(|| {
                final_snapshot_name(id, cluster.cluster_create_time().map(|time| time.to_string()).as_deref())
            });
            request
                .skip_final_cluster_snapshot(false)
                .final_cluster_snapshot_identifier(name)
                .final_cluster_snapshot_retention_period(live.final_snapshot_retention_period)
        };
        request.send().await.or_gone()?;
        Ok(Deletion::Begun)
    }

    fn kept_after_delete(spec: Known<'_>, _: Known<'_>, incarnation: Option<&str>) -> Option<String> {
        if spec.flag("skip_final_snapshot") == Some(true) {
            return None;
        }
        let id = spec.text("cluster_identifier")?;
        let name = match (spec.text("final_snapshot_identifier"), incarnation) {
            (Some(name), _) => name.to_owned(),
            (None, Some(_)) => final_snapshot_name(id, incarnation),
            (None, None) => format!("{id}-final-<time at which the cluster was created>"),
        };
        let kept = match spec.integer("final_snapshot_retention_period") {
            Some(1) => "for 1 day".to_owned(),
            Some(days) if days > 0 => format!("for {days} days"),
            _ => "until somebody deletes it".to_owned(),
        };
        Some(format!("a final snapshot is taken first, and stays {kept}: {name}"))
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

/// `warehouse-final-20260102030405678`: the same for every attempt to delete the same cluster.
fn final_snapshot_name(id: &str, incarnation: Option<&str>) -> String {
    let digits: String =
        incarnation.unwrap_or_default().chars().filter(char::is_ascii_digit).take(17).collect();
    if digits.is_empty() { format!("{id}-final") } else { format!("{id}-final-{digits}") }
}

/// The settings that a new cluster and one from a snapshot have in common.
macro_rules! define {
    ($request:expr, $want:expr) => {
        set!($request, $want =>
            cluster_identifier, node_type, master_password_secret_kms_key_id, cluster_subnet_group_name,
            vpc_security_group_ids, cluster_parameter_group_name, iam_roles, default_iam_role_arn, encrypted,
            kms_key_id, port, publicly_accessible, elastic_ip, enhanced_vpc_routing, ip_address_type,
            availability_zone, preferred_maintenance_window, maintenance_track_name, allow_version_upgrade,
            automated_snapshot_retention_period, manual_snapshot_retention_period
        )
        .set_manage_master_password($want.manage_master_password.then_some(true))
        // Settings that only some node types support are sent only if they are on.
        .set_availability_zone_relocation($want.availability_zone_relocation.then_some(true))
        .set_multi_az($want.multi_az.then_some(true))
    };
}

async fn make(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<()> {
    let request = set!(cx.aws.redshift().create_cluster(), want =>
        db_name, master_username, master_user_password, cluster_version
    );
    define!(request, want)
        .cluster_type(cluster_type(want.number_of_nodes))
        // AWS refuses a number together with `single-node`.
        .set_number_of_nodes((want.number_of_nodes > 1).then_some(want.number_of_nodes))
        .set_extra_compute_for_automatic_optimization(
            want.extra_compute_for_automatic_optimization.then_some(true),
        )
        .set_tags(sdk_tags(new.tags)?)
        .send()
        .await?;
    Ok(())
}

/// Restores a cluster from a snapshot. The call accepts no tags, so they are set afterwards
/// (<https://docs.aws.amazon.com/redshift/latest/APIReference/API_RestoreFromClusterSnapshot.html>).
async fn restore(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<()> {
    let request = set!(cx.aws.redshift().restore_from_cluster_snapshot(), want =>
        snapshot_identifier, snapshot_cluster_identifier, owner_account, number_of_nodes
    );
    define!(request, want).send().await?;
    tag(cx, &arn(&cx.scope, &want.cluster_identifier), new.tags, &[]).await
}

#[cfg(test)]
mod tests {
    use super::{RedshiftCluster, final_snapshot_name};
    use crate::kind::{Kind, Known};
    use crate::value::Value;

    #[test]
    fn a_plan_names_the_final_snapshot_of_a_deleted_cluster() {
        let kept = |more: &[(&str, Value)], incarnation| {
            let all = [("cluster_identifier", Value::from("dw"))].into_iter().chain(more.iter().cloned());
            RedshiftCluster::kept_after_delete(Known(&Value::map(all)), Known(&Value::Null), incarnation)
        };
        let incarnation = Some("2026-01-02T03:04:05.678Z");
        let words = kept(&[("final_snapshot_retention_period", Value::from(-1))], incarnation);
        let forever = "a final snapshot is taken first, and stays until somebody deletes it: ";
        assert_eq!(words, Some(format!("{forever}dw-final-20260102030405678")));
        let named = [
            ("final_snapshot_identifier", Value::from("last")),
            ("final_snapshot_retention_period", Value::from(7)),
        ];
        assert!(kept(&named, incarnation).is_some_and(|words| words.ends_with("stays for 7 days: last")));
        assert!(
            kept(&[], None).is_some_and(|words| words.ends_with("<time at which the cluster was created>"))
        );
        assert_eq!(kept(&[("skip_final_snapshot", Value::Bool(true))], incarnation), None);
    }

    #[test]
    fn the_final_snapshot_has_a_unique_name() {
        let name = final_snapshot_name("warehouse", Some("2026-01-02T03:04:05.678Z"));
        assert_eq!(name, "warehouse-final-20260102030405678");
        assert_eq!(final_snapshot_name("warehouse", None), "warehouse-final");
    }
}
