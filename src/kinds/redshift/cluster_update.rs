//! Updates of a Redshift cluster.

use super::cluster_spec::{Logging, SnapshotCopy, Spec, cluster_type};
use crate::kind::prelude::*;

/// Makes the next changes towards `want`.
///
/// Redshift makes one change at a time: meanwhile the cluster is not `available` and other calls are
/// refused. So settings that apply at once go first, then the first step that takes time. The engine
/// waits, reads, and calls this again for the rest. A password goes with the first step, because it
/// cannot be read back.
pub(super) async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
    if live.logging != want.logging {
        log(cx, id, want.logging.as_ref()).await?;
    }
    if live.snapshot_copy != want.snapshot_copy {
        copy_snapshots(cx, id, live.snapshot_copy.as_ref(), want.snapshot_copy.as_ref()).await?;
    }
    let _ = modify_settings(cx, id, live, want).await?
        || modify_roles(cx, id, live, want).await?
        || modify_encryption(cx, id, live, want).await?
        || modify_multi_az(cx, id, live, want).await?
        || relocate(cx, id, live, want).await?
        || resize(cx, id, live, want).await?;
    Ok(())
}

/// The new value if it differs.
fn changed<T: PartialEq + Clone>(live: &T, want: &T) -> Option<T> {
    (live != want).then(|| want.clone())
}

/// The new value if there is one and it differs.
fn changed_to<T: PartialEq + Clone>(live: &Option<T>, want: &Option<T>) -> Option<T> {
    if live == want { None } else { want.clone() }
}

/// Makes all changes that fit into one `ModifyCluster` call. Returns whether there were any.
async fn modify_settings(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<bool> {
    let managed = live.manage_master_password != want.manage_master_password;
    let password = if want.manage_master_password {
        None
    } else if managed {
        // When leaving the managed password, the call needs a new one even if it is unchanged.
        want.master_user_password.clone()
    } else {
        changed_to(&live.master_user_password, &want.master_user_password)
    };
    let address = changed_to(&live.elastic_ip, &want.elastic_ip);
    let public = changed(&live.publicly_accessible, &want.publicly_accessible)
        // The address is only accepted together with public access.
        .or(address.as_ref().map(|_| want.publicly_accessible));
    let secret_key =
        changed_to(&live.master_password_secret_kms_key_id, &want.master_password_secret_kms_key_id);
    let nothing = cx.aws.redshift().modify_cluster().cluster_identifier(id);
    let request = set_changed!(nothing.clone(), live, want =>
        vpc_security_group_ids, cluster_parameter_group_name, port, enhanced_vpc_routing, ip_address_type,
        availability_zone_relocation, preferred_maintenance_window, maintenance_track_name,
        allow_version_upgrade, cluster_version, automated_snapshot_retention_period,
        manual_snapshot_retention_period, extra_compute_for_automatic_optimization
    )
    .set_master_user_password(password.map(|password| password.expose().to_owned()))
    .set_manage_master_password(
        (managed || (want.manage_master_password && secret_key.is_some()))
            .then_some(want.manage_master_password),
    )
    .set_master_password_secret_kms_key_id(secret_key.filter(|_| want.manage_master_password))
    .set_publicly_accessible(public)
    .set_elastic_ip(address.filter(|_| want.publicly_accessible));
    if request.as_input() == nothing.as_input() {
        return Ok(false);
    }
    request.send().await?;
    Ok(true)
}

/// Updates the IAM roles, which have their own call.
async fn modify_roles(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<bool> {
    if live.iam_roles == want.iam_roles && live.default_iam_role_arn == want.default_iam_role_arn {
        return Ok(false);
    }
    let missing = |of: &[String], from: &[String]| -> Option<Vec<String>> {
        let missing: Vec<String> = from.iter().filter(|role| !of.contains(role)).cloned().collect();
        (!missing.is_empty()).then_some(missing)
    };
    cx.aws
        .redshift()
        .modify_cluster_iam_roles()
        .cluster_identifier(id)
        .set_add_iam_roles(missing(&live.iam_roles, &want.iam_roles))
        .set_remove_iam_roles(missing(&want.iam_roles, &live.iam_roles))
        // An empty text removes the default role.
        .set_default_iam_role_arn(
            (live.default_iam_role_arn != want.default_iam_role_arn)
                .then(|| want.default_iam_role_arn.clone().unwrap_or_default()),
        )
        .send()
        .await?;
    Ok(true)
}

/// Changes the key, or turns encryption on or off. AWS then moves the data in the background.
async fn modify_encryption(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<bool> {
    if live.encrypted == want.encrypted && (!want.encrypted || live.kms_key_id == want.kms_key_id) {
        return Ok(false);
    }
    cx.aws
        .redshift()
        .modify_cluster()
        .cluster_identifier(id)
        .encrypted(want.encrypted)
        .set_kms_key_id(want.kms_key_id.clone().filter(|_| want.encrypted))
        .send()
        .await?;
    Ok(true)
}

async fn modify_multi_az(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<bool> {
    if live.multi_az == want.multi_az {
        return Ok(false);
    }
    cx.aws.redshift().modify_cluster().cluster_identifier(id).multi_az(want.multi_az).send().await?;
    Ok(true)
}

async fn relocate(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<bool> {
    let Some(zone) = changed_to(&live.availability_zone, &want.availability_zone) else { return Ok(false) };
    cx.aws.redshift().modify_cluster().cluster_identifier(id).availability_zone(zone).send().await?;
    Ok(true)
}

async fn resize(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<bool> {
    if live.node_type == want.node_type && live.number_of_nodes == want.number_of_nodes {
        return Ok(false);
    }
    cx.aws
        .redshift()
        .resize_cluster()
        .cluster_identifier(id)
        .cluster_type(cluster_type(want.number_of_nodes))
        .node_type(&want.node_type)
        .number_of_nodes(want.number_of_nodes)
        .classic(want.classic)
        .send()
        .await?;
    Ok(true)
}

async fn log(cx: &Cx, id: &str, want: Option<&Logging>) -> Result<()> {
    let Some(want) = want else {
        cx.aws.redshift().disable_logging().cluster_identifier(id).send().await?;
        return Ok(());
    };
    // This call also changes logging that is already on.
    cx.aws
        .redshift()
        .enable_logging()
        .cluster_identifier(id)
        .log_destination_type(want.log_destination_type.as_str().into())
        .set_bucket_name(want.bucket_name.clone())
        .set_s3_key_prefix(want.s3_key_prefix.clone())
        .set_log_exports((!want.log_exports.is_empty()).then(|| want.log_exports.clone()))
        .send()
        .await?;
    Ok(())
}

/// Updates the copying of snapshots. The retention is changed in place, since `EnableSnapshotCopy` refuses a
/// cluster that already copies its snapshots.
async fn copy_snapshots(
    cx: &Cx,
    id: &str,
    live: Option<&SnapshotCopy>,
    want: Option<&SnapshotCopy>,
) -> Result<()> {
    let redshift = cx.aws.redshift();
    if let (Some(live), Some(want)) = (live, want)
        && live.destination_region == want.destination_region
        && live.snapshot_copy_grant_name == want.snapshot_copy_grant_name
    {
        for (before, after, manual) in [
            (live.retention_period, want.retention_period, false),
            (live.manual_snapshot_retention_period, want.manual_snapshot_retention_period, true),
        ] {
            if before != after {
                redshift
                    .modify_snapshot_copy_retention_period()
                    .cluster_identifier(id)
                    .retention_period(after)
                    .manual(manual)
                    .send()
                    .await?;
            }
        }
        return Ok(());
    }
    if live.is_some() {
        redshift.disable_snapshot_copy().cluster_identifier(id).send().await?;
    }
    if let Some(want) = want {
        redshift
            .enable_snapshot_copy()
            .cluster_identifier(id)
            .destination_region(&want.destination_region)
            .retention_period(want.retention_period)
            .manual_snapshot_retention_period(want.manual_snapshot_retention_period)
            .set_snapshot_copy_grant_name(want.snapshot_copy_grant_name.clone())
            .send()
            .await?;
    }
    Ok(())
}
