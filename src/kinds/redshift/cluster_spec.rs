//! The settings and attributes of `redshift_cluster`.

use crate::kind::prelude::*;

/// An Amazon Redshift cluster: a provisioned data warehouse.
///
/// A paused cluster is as declared: pausing and resuming is not drift. Destroying a cluster
/// takes a final snapshot unless `skip_final_snapshot` says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the cluster: lower-case letters, digits and single hyphens.
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS]), length(min = 1, max = 63), regex(pattern = r"^[a-z](-?[a-z0-9])*$"))]
    pub cluster_identifier: String,
    /// Type of the nodes, such as `ra3.large`, `ra3.xlplus` or `rg.xlarge`. A change resizes the cluster.
    #[schemars(extend("x-dwctl" = [DOWNTIME]), length(min = 1))]
    #[schemars(extend("x-dwctl-risk" = ["cost when changed: other nodes, {before} → {after}"]))]
    pub node_type: String,
    /// Number of compute nodes; 1 makes a single-node cluster. A change resizes the cluster.
    #[serde(default = "number_of_nodes")]
    #[schemars(extend("x-dwctl" = [DOWNTIME]), range(min = 1, max = 128))]
    #[schemars(extend("x-dwctl-risk" = ["cost when more: {before} → {after} nodes"]))]
    pub number_of_nodes: i32,
    /// Resize by the classic way: every target is possible, but the cluster is read-only for hours.
    /// Default: the elastic resize, some minutes, for targets that
    /// `aws redshift describe-node-configuration-options` lists.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    pub classic: bool,
    /// Name of the first database. Default: `dev`, or that of the snapshot.
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS, AWS_DEFAULT]), length(min = 1, max = 64), regex(pattern = r"^[a-z_][a-z0-9_$+.@-]*$"))]
    pub db_name: Option<String>,
    /// Name of the admin user; of a restored cluster, that of the snapshot.
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS]), length(min = 1, max = 128), regex(pattern = r"^[a-z][a-z0-9_+.@-]*$"))]
    pub master_username: String,
    /// Password of the admin user: 8 to 64 printable ASCII characters with an upper-case and a
    /// lower-case letter and a digit, without `/`, `@`, `"`, `'`, `\` and space. Better:
    /// `manage_master_password`. A restored cluster keeps the snapshot's password until this changes.
    #[schemars(extend("x-dwctl" = [WRITE_ONLY]))]
    pub master_user_password: Option<Secret>,
    /// Let Redshift create, store and rotate the admin's password in Secrets Manager.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: the admin's password is no longer rotated"]))]
    pub manage_master_password: bool,
    /// KMS key, by id or ARN, of the secret that holds the managed password. Default: `aws/secretsmanager`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-spelling" = "kms-key"))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    #[schemars(extend("x-dwctl-only-if" = "manage_master_password = true"))]
    pub master_password_secret_kms_key_id: Option<String>,
    /// Subnet group in which the cluster is placed. Default: the group `default`.
    // AWS keeps it in lower case:
    // https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateClusterSubnetGroup.html
    #[schemars(extend("x-dwctl" = [REPLACE, DATA_LOSS, AWS_DEFAULT], "x-dwctl-spelling" = "any-case"))]
    pub cluster_subnet_group_name: Option<String>,
    /// Ids of the VPC security groups. Default: the VPC's default group.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET, AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-risk" = ["access when come: traffic that {after} allows can reach it"]))]
    #[schemars(extend("x-dwctl-names" = "security-group"))]
    pub vpc_security_group_ids: Vec<String>,
    /// Parameter group. Default: AWS's group of the engine version. A change takes effect when the
    /// cluster is rebooted; the attribute `parameter_apply_status` shows when.
    // AWS keeps it in lower case:
    // https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateClusterParameterGroup.html
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-spelling" = "any-case"), length(min = 1, max = 255))]
    pub cluster_parameter_group_name: Option<String>,
    /// ARNs of the roles that `COPY`, `UNLOAD`, Spectrum and functions may use, at most 50.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 50))]
    #[schemars(extend("x-dwctl-risk" = ["access when come: SQL may use {after}"]))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub iam_roles: Vec<String>,
    /// ARN of the role that SQL means by `IAM_ROLE default`; one of `iam_roles`.
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub default_iam_role_arn: Option<String>,
    /// Encrypt the data at rest. AWS no longer creates unencrypted clusters.
    #[serde(default = "yes")]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: no longer encrypted"]))]
    pub encrypted: bool,
    /// KMS key, by id or ARN, of the data. A change re-encrypts the cluster in the background.
    /// Default: the account's key `aws/redshift`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-spelling" = "kms-key"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted with a key of the account"]))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    #[schemars(extend("x-dwctl-only-if" = "encrypted = true"))]
    pub kms_key_id: Option<String>,
    /// Port of connections; RA3 and RG nodes take 5431 to 5455 and 8191 to 8215.
    #[serde(default = "port")]
    #[schemars(extend("x-dwctl" = [DOWNTIME]))]
    pub port: i32,
    /// Reachable from outside the VPC.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["access while on: reachable from the internet"]))]
    pub publicly_accessible: bool,
    /// Elastic IP address of a publicly accessible cluster. Default: one of AWS's choice.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    #[schemars(extend("x-dwctl-only-if" = "publicly_accessible = true"))]
    pub elastic_ip: Option<String>,
    /// Send all `COPY` and `UNLOAD` traffic through the VPC.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [DOWNTIME]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: traffic to S3 leaves the VPC"]))]
    pub enhanced_vpc_routing: bool,
    /// IP addresses of the endpoint: `ipv4` or `dualstack`.
    #[serde(default = "ip_address_type")]
    #[schemars(extend("enum" = ["ipv4", "dualstack"]))]
    pub ip_address_type: String,
    /// Availability zone. A change moves the cluster, if `availability_zone_relocation` is on.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT, DOWNTIME]))]
    #[schemars(extend("x-dwctl-names" = "zone"))]
    pub availability_zone: Option<String>,
    /// Allow moves to another availability zone; RA3 and RG nodes only.
    #[serde(default)]
    pub availability_zone_relocation: bool,
    /// Run in two availability zones; RA3 nodes only, at least two, encrypted.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [DOWNTIME]))]
    #[schemars(extend("x-dwctl-risk" = ["cost when on: nodes in two zones", "protection when off: nodes in one zone only"]))]
    pub multi_az: bool,
    /// Weekly time of maintenance in UTC, at least 30 minutes, such as `sun:03:00-sun:04:00`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-spelling" = "any-case"))]
    pub preferred_maintenance_window: Option<String>,
    /// Maintenance track: `current` (the default) or `trailing`. Applied in the next maintenance.
    // <https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html>
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-restored" = { "value": "current" }))]
    pub maintenance_track_name: Option<String>,
    /// Upgrade the engine's major version in the maintenance window.
    #[serde(default = "yes")]
    pub allow_version_upgrade: bool,
    /// Major version of the engine, such as `1.0`.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]))]
    pub cluster_version: Option<String>,
    /// Days that automated snapshots are kept. 0 takes none; RA3 and RG nodes need at least 1.
    /// A smaller number deletes older snapshots at once.
    #[serde(default = "automated_snapshot_retention_period")]
    #[schemars(range(min = 0, max = 35))]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when less: automated snapshots are kept {after} days instead of {before}", "cost when more: automated snapshots are kept {after} days instead of {before}"]))]
    pub automated_snapshot_retention_period: i32,
    /// Days that new manual snapshots are kept, 1 to 3653; -1 keeps them for ever.
    #[serde(default = "forever")]
    #[schemars(range(min = -1, max = 3653))]
    #[schemars(extend("x-dwctl-risk" = ["protection when shorter: new manual snapshots are kept {after} days instead of {before} days", "cost when longer: new manual snapshots are kept {after} days instead of {before} days"]))]
    pub manual_snapshot_retention_period: i32,
    /// Spend extra compute on automatic optimization, so that it also runs under load.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["cost when on: extra compute"]))]
    pub extra_compute_for_automatic_optimization: bool,
    /// Audit log of connections, users and their activity. Absent: none.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: connections and queries are no longer logged"]))]
    pub logging: Option<Logging>,
    /// Copies of all snapshots in another region. Absent: none.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: snapshots are no longer copied to another region"]))]
    pub snapshot_copy: Option<SnapshotCopy>,
    /// Create the cluster from this snapshot. Keep the setting afterwards: changing or removing it requires a
    /// new cluster.
    #[schemars(extend("x-dwctl" = [LOCAL, REPLACE, DATA_LOSS]))]
    pub snapshot_identifier: Option<String>,
    /// Cluster of the snapshot, if the caller's IAM policy requires it.
    #[schemars(extend("x-dwctl" = [LOCAL, REPLACE, DATA_LOSS]))]
    #[schemars(extend("x-dwctl-only-with" = "snapshot_identifier"))]
    pub snapshot_cluster_identifier: Option<String>,
    /// Account that owns the snapshot, if it is another account.
    #[schemars(extend("x-dwctl" = [LOCAL, REPLACE, DATA_LOSS]))]
    #[schemars(extend("x-dwctl-only-with" = "snapshot_identifier"))]
    pub owner_account: Option<String>,
    /// Destroy the cluster without a final snapshot: its data is lost.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [LOCAL]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when on: destroying it takes no final snapshot", "data-loss when destroyed true: no final snapshot is taken"]))]
    pub skip_final_snapshot: bool,
    /// Name of the last snapshot; it must be new.
    /// Default: `<cluster_identifier>-final-<time at which the cluster was created>`.
    #[schemars(extend("x-dwctl" = [LOCAL]), length(min = 1, max = 255), regex(pattern = r"^[a-z](-?[a-z0-9])*$"))]
    #[schemars(extend("x-dwctl-only-if" = "skip_final_snapshot = false"))]
    pub final_snapshot_identifier: Option<String>,
    /// Days that the final snapshot is kept, 1 to 3653; -1 keeps it for ever.
    #[serde(default = "forever")]
    #[schemars(extend("x-dwctl" = [LOCAL]), range(min = -1, max = 3653))]
    #[schemars(extend("x-dwctl-risk" = ["protection when shorter: its final snapshot is kept only {after} days", "data-loss when destroyed finite if skip_final_snapshot = false: its final snapshot is kept only {before} days"]))]
    pub final_snapshot_retention_period: i32,
}

/// Where the audit log goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Logging {
    /// `s3` or `cloudwatch`.
    #[serde(default = "log_destination_type")]
    #[schemars(extend("enum" = ["s3", "cloudwatch"]))]
    pub log_destination_type: String,
    /// Bucket of the same region whose policy lets Redshift write; for `s3`.
    #[schemars(extend("x-dwctl-names" = "bucket"))]
    #[schemars(extend("x-dwctl-only-if" = "log_destination_type = s3"))]
    pub bucket_name: Option<String>,
    /// Prefix of the log files' keys; for `s3`.
    // AWS ends a prefix with a slash.
    #[schemars(extend("x-dwctl-spelling" = "folder"), length(max = 256))]
    #[schemars(extend("x-dwctl-only-if" = "log_destination_type = s3"))]
    pub s3_key_prefix: Option<String>,
    /// Logs to write: `connectionlog`, `userlog`, `useractivitylog`; for `cloudwatch`. The last needs
    /// the parameter `enable_user_activity_logging`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 3))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: {before} is no longer exported"]))]
    #[schemars(extend("x-dwctl-only-if" = "log_destination_type = cloudwatch"))]
    pub log_exports: Vec<String>,
}

/// How snapshots are copied to another region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotCopy {
    /// Region of the copies.
    #[schemars(extend("x-dwctl-risk" = ["protection when changed: snapshots are no longer copied to {before}"]))]
    pub destination_region: String,
    /// Days that copies of automated snapshots are kept. A smaller number deletes older copies at once.
    #[serde(default = "copy_retention_period")]
    #[schemars(range(min = 1, max = 35))]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when less: copies of automated snapshots are kept {after} days instead of {before}", "cost when more: copies of automated snapshots are kept {after} days instead of {before}"]))]
    pub retention_period: i32,
    /// Days that copies of manual snapshots are kept, 1 to 3653; -1 keeps them for ever.
    #[serde(default = "forever")]
    #[schemars(range(min = -1, max = 3653))]
    #[schemars(extend("x-dwctl-risk" = ["protection when shorter: copies of new manual snapshots are kept {after} days instead of {before} days", "cost when longer: copies of new manual snapshots are kept {after} days instead of {before} days"]))]
    pub manual_snapshot_retention_period: i32,
    /// Snapshot copy grant for the key of the other region; needed if `kms_key_id` is your own key.
    pub snapshot_copy_grant_name: Option<String>,
}

defaults! {
    number_of_nodes: i32 = 1;
    pub(super) port: i32 = 5439;
    pub(super) ip_address_type: String = "ipv4";
    automated_snapshot_retention_period: i32 = 1;
    pub(super) copy_retention_period: i32 = 7;
    pub(super) forever: i32 = -1;
    pub(super) log_destination_type: String = "s3";
}

/// The attributes of a cluster that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the cluster.
    pub arn: String,
    /// ARN of the cluster's namespace, by which datashares and integrations know it.
    pub cluster_namespace_arn: Option<String>,
    /// Host name of the endpoint.
    pub endpoint: Option<String>,
    /// URL of the first database for JDBC.
    pub jdbc_url: Option<String>,
    /// ARN of the secret that holds the managed password; null unless `manage_master_password` is
    /// set.
    pub master_password_secret_arn: Option<String>,
    /// The VPC of the cluster.
    pub vpc_id: Option<String>,
    /// Public key by which hosts of `COPY` over SSH know the cluster.
    pub cluster_public_key: Option<String>,
    /// Revision of the database that runs.
    pub cluster_revision_number: Option<String>,
    /// Whether the parameter group is in effect: `in-sync`, `pending-reboot`, `applying` ….
    pub parameter_apply_status: Option<String>,
    /// Status of the cluster: `available`, `paused` ….
    pub cluster_status: Option<String>,
}

/// The kind `redshift_cluster`.
pub struct RedshiftCluster;

/// The type that AWS requires in addition to the number of nodes.
pub(super) fn cluster_type(nodes: i32) -> &'static str {
    if nodes == 1 { "single-node" } else { "multi-node" }
}
