"""Redshift: parameters, subnet groups, resize, maintenance, and all of a cluster on read.

moto keeps clusters, groups, snapshots and tags; what it has no place for is kept
beside its own objects, so that it lives and dies with them.
"""

import re

from moto.redshift.models import ParameterGroup, redshift_backends
from moto.moto_api._internal import mock_random

from emulator.wire import AwsError, extends, now

FAMILIES = ("redshift-1.0", "redshift-2.0")
DEFAULT_FAMILY = "redshift-1.0"

# https://docs.aws.amazon.com/redshift/latest/mgmt/parameter-group-defaults.html
# name, default, data type, allowed values, dynamic, what it does
PARAMETERS = (
    ("auto_analyze", "true", "boolean", "true,false", False, "Use auto analyze"),
    ("auto_mv", "true", "boolean", "true,false", False, "Use automated materialized views"),
    ("datestyle", "ISO, MDY", "string", None, False, "Sets the display format for date and time values."),
    ("enable_case_sensitive_identifier", "false", "boolean", "true,false", False,
     "Makes identifiers case sensitive."),
    ("enable_user_activity_logging", "false", "boolean", "true,false", False,
     "parameter for audit logging purpose"),
    ("extra_float_digits", "0", "integer", "-15-2", False,
     "Sets the number of digits displayed for floating-point values"),
    ("max_concurrency_scaling_clusters", "1", "integer", "0-10", True,
     "The maximum concurrency scaling clusters can be used."),
    ("max_cursor_result_set_size", "default", "integer", "0-14400000", False,
     "Sets the max cursor result set size"),
    ("query_group", "default", "string", None, False,
     "This parameter applies a user-defined label to a group of queries that are run during the same session.."),
    ("require_ssl", "false", "boolean", "true,false", False, "require ssl for all databaseconnections"),
    ("search_path", "$user, public", "string", None, False,
     "Sets the schema search order for names that are not schema-qualified."),
    ("statement_timeout", "0", "integer", "0,100-2147483647", False,
     "Aborts any statement that takes over the specified number of milliseconds."),
    ("use_fips_ssl", "false", "boolean", "true,false", False, "Use fips ssl library"),
    ("wlm_json_configuration", '[{"auto_wlm":true}]', "string", None, True, "wlm json configuration"),
)
# redshift-2.0 differs in what it asks of connections.
DEFAULTS = {"redshift-2.0": {"require_ssl": "true"}}


def fault(code, message, status=400):
    return AwsError(code, message, status)


def backend(call):
    found = call.backend(redshift_backends)
    for family in FAMILIES:
        name = "default." + family
        if name not in found.parameter_groups:
            found.parameter_groups[name] = ParameterGroup(
                name, family, "Default parameter group for " + family, call.account, call.region
            )
    return found


def cluster_of(call):
    name = call["ClusterIdentifier"]
    cluster = backend(call).clusters.get(name)
    if cluster is None:
        raise fault("ClusterNotFound", f"Cluster {name} not found.", 404)
    return cluster


def more(thing):
    """What we remember of an object of moto."""
    return thing.__dict__.setdefault("dwctl", {})


def group_of(call, name):
    group = backend(call).parameter_groups.get(name)
    if group is None:
        raise fault("ClusterParameterGroupNotFound", f"Parameter group not found: {name}", 404)
    return group


def complete(call, shown):
    """A cluster as AWS shows it, from moto's view of it and what we remember."""
    cluster = backend(call).clusters.get(shown["ClusterIdentifier"])
    known = more(cluster) if cluster is not None else {}
    shown = dict(shown)
    for empty in ("PendingModifiedValues",):
        shown[empty] = shown.get(empty) or {}
    for name in ("KmsKeyId", "RestoreStatus", "ClusterSubnetGroupName"):
        if not shown.get(name):
            shown.pop(name, None)
    status = shown.get("ClusterStatus", "")
    shown["ClusterAvailabilityStatus"] = {
        "available": "Available", "paused": "Paused", "creating": "Modifying", "deleting": "Unavailable",
    }.get(status, "Modifying")
    namespace = known.setdefault("namespace", str(mock_random.uuid4()))
    shown["ClusterNamespaceArn"] = (
        f"arn:aws:redshift:{call.region}:{call.account}:namespace:{namespace}"
    )
    if shown.get("ClusterSubnetGroupName"):
        group = backend(call).subnet_groups.get(shown["ClusterSubnetGroupName"])
        if group is not None:
            shown["VpcId"] = group.vpc_id
        shown.pop("ClusterSecurityGroups", None)
    if status == "creating":
        shown.pop("Endpoint", None)
    parameter_groups = getattr(cluster, "cluster_parameter_group_name", None)
    if parameter_groups:
        shown["ClusterParameterGroups"] = [
            {"ParameterGroupName": name, "ParameterApplyStatus": known.get("apply", "in-sync")}
            for name in parameter_groups
        ]
    shown.setdefault("TotalStorageCapacityInMegaBytes", 0)
    shown["ClusterRevisionNumber"] = "98080"
    shown["ManualSnapshotRetentionPeriod"] = known.get("ManualSnapshotRetentionPeriod", -1)
    shown["MaintenanceTrackName"] = known.get("MaintenanceTrackName", "current")
    shown["AvailabilityZoneRelocationStatus"] = (
        "enabled" if known.get("AvailabilityZoneRelocation") else "disabled"
    )
    shown["MultiAZ"] = "Enabled" if known.get("MultiAZ") else "Disabled"
    shown["IpAddressType"] = known.get("IpAddressType", "ipv4")
    shown["AquaConfiguration"] = {"AquaStatus": "disabled", "AquaConfigurationStatus": "auto"}
    shown["NextMaintenanceWindowStartTime"] = now()
    nodes = ["LEADER"] + [f"COMPUTE-{index}" for index in range(shown.get("NumberOfNodes", 1))]
    shown["ClusterNodes"] = [
        {"NodeRole": role, "PrivateIPAddress": f"10.0.0.{10 + index}"}
        for index, role in enumerate(nodes if len(nodes) > 2 else ["SHARED"])
    ]
    for name in ("DefaultIamRoleArn", "MasterPasswordSecretArn", "MasterPasswordSecretKmsKeyId", "KmsKeyId",
                 "SnapshotScheduleIdentifier", "SnapshotScheduleState", "DeferredMaintenanceWindows",
                 "CatalogArn", "ElasticIpStatus"):
        if known.get(name):
            shown[name] = known[name]
    if known.get("ExtraComputeForAutomaticOptimization") is not None:
        shown["ExtraComputeForAutomaticOptimization"] = str(
            known["ExtraComputeForAutomaticOptimization"]
        ).lower()
    if known.get("RedshiftIdcApplicationArn"):
        pass  # AWS takes it and does not show it
    if known.get("resize"):
        shown["ResizeInfo"] = {"ResizeType": known["resize"]["ResizeType"], "AllowCancelResize": False}
    copy = getattr(cluster, "cluster_snapshot_copy_status", None)
    if copy:
        shown["ClusterSnapshotCopyStatus"] = {key: value for key, value in copy.items() if value is not None}
    return shown


def show(call, cluster, status=None):
    """{"Cluster": ...} as operations on one cluster answer."""
    shown = call.ask("DescribeClusters", {"ClusterIdentifier": cluster.cluster_identifier})["Clusters"][0]
    if status:
        shown["ClusterStatus"] = status
    return {"Cluster": complete(call, shown)}


EXTRA = ("MaintenanceTrackName", "AvailabilityZoneRelocation", "ManualSnapshotRetentionPeriod", "MultiAZ",
         "IpAddressType", "DefaultIamRoleArn", "ExtraComputeForAutomaticOptimization")


def remember(call, cluster):
    known = more(cluster)
    for name in EXTRA:
        if call.get(name) is not None:
            known[name] = call[name]
    if call.get("ElasticIp"):
        known["ElasticIpStatus"] = {"ElasticIp": call["ElasticIp"], "Status": "active"}


def key_arn(call, key):
    """The ARN by which AWS shows a key that was named in any of its ways."""
    if key.startswith("arn:"):
        return key
    kind = "" if key.startswith("alias/") else "key/"
    return f"arn:aws:kms:{call.region}:{call.account}:{kind}{key}"


def secret(call, cluster):
    """Creates, once, the secret in which Redshift keeps a managed password.

    https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-secrets-manager-integration.html
    """
    known = more(cluster)
    if known.get("MasterPasswordSecretArn"):
        return
    name = f"redshift!{cluster.cluster_identifier}-{cluster.master_username}"
    made = call.ask(
        "CreateSecret",
        {
            "Name": name,
            "SecretString": '{"username": "%s", "password": "%s"}'
            % (cluster.master_username, mock_random.get_random_string(32)),
            "Tags": [
                {"Key": "aws:redshift:primaryClusterArn", "Value": cluster.arn},
                {"Key": "aws:secretsmanager:owningService", "Value": "redshift"},
            ],
        },
        service="secretsmanager",
    )
    known["MasterPasswordSecretArn"] = made["ARN"]


def manage_password(call, cluster):
    if call.get("ManageMasterPassword") is True:
        secret(call, cluster)
        key = call.get("MasterPasswordSecretKmsKeyId")
        known = more(cluster)
        if key:
            known["MasterPasswordSecretKmsKeyId"] = key_arn(call, key)
        else:
            known.setdefault("MasterPasswordSecretKmsKeyId", key_arn(call, "alias/aws/secretsmanager"))
    elif call.get("ManageMasterPassword") is False or call.get("MasterUserPassword"):
        drop_secret(call, cluster)


def drop_secret(call, cluster):
    known = more(cluster)
    arn = known.pop("MasterPasswordSecretArn", None)
    known.pop("MasterPasswordSecretKmsKeyId", None)
    if arn:
        try:
            call.ask("DeleteSecret", {"SecretId": arn, "ForceDeleteWithoutRecovery": True}, "secretsmanager")
        except AwsError:
            pass  # deleted by hand


def validate(call):
    """Constraints that the pages of CreateCluster and ModifyCluster state."""
    name = call.get("NewClusterIdentifier") or call["ClusterIdentifier"]
    if not re.fullmatch(r"[a-z](?:[a-z0-9]|-(?!-|$)){0,62}", name):
        raise fault("InvalidParameterValue", f"The parameter ClusterIdentifier is not valid: {name}")
    if call.get("ManageMasterPassword") and call.get("MasterUserPassword"):
        raise fault(
            "InvalidParameterCombination",
            "You can't use MasterUserPassword if ManageMasterPassword is true.",
        )
    if call.get("MasterPasswordSecretKmsKeyId") and call.get("ManageMasterPassword") is False:
        raise fault(
            "InvalidParameterCombination",
            "You can only use MasterPasswordSecretKmsKeyId if ManageMasterPassword is true.",
        )
    password = call.get("MasterUserPassword")
    if password is not None and not (
        8 <= len(password) <= 64
        and re.search("[A-Z]", password)
        and re.search("[a-z]", password)
        and re.search("[0-9]", password)
        and not re.search(r"['\"\\/@ ]", password)
    ):
        raise fault("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password.")
    days = call.get("AutomatedSnapshotRetentionPeriod")
    if days is not None and not 0 <= days <= 35:
        raise fault("InvalidParameterValue", "AutomatedSnapshotRetentionPeriod must be from 0 to 35.")
    parameters = call.get("ClusterParameterGroupName")
    if parameters:
        group_of(call, parameters)
    if call.operation == "CreateCluster" and call.get("ClusterSubnetGroupName"):
        subnet_group_of(call, call["ClusterSubnetGroupName"])


@extends("redshift", "CreateCluster")
def create_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html"""
    validate(call)
    if call["ClusterIdentifier"] in backend(call).clusters:
        raise fault("ClusterAlreadyExists", "Cluster already exists")
    if call.get("Encrypted") is False:
        raise fault("InvalidParameterValue", "Clusters must be encrypted: Encrypted can't be false.")
    if not call.get("ManageMasterPassword") and not call.get("MasterUserPassword"):
        raise fault(
            "InvalidParameterCombination",
            "You must specify MasterUserPassword unless ManageMasterPassword is true.",
        )
    nodes = call.get("NumberOfNodes", 1)
    if call.get("ClusterType") == "multi-node" and nodes < 2:
        raise fault(
            "InvalidParameterCombination",
            "Number of nodes for cluster type multi-node must be greater than or equal to 2",
        )
    if call.get("ClusterType") == "single-node" and nodes > 1:
        raise fault("InvalidParameterCombination", "Number of nodes for cluster type single-node must be 1")
    params = dict(call.params, Encrypted=True)
    params.setdefault("ClusterType", "multi-node" if nodes > 1 else "single-node")
    params.setdefault("PreferredMaintenanceWindow", "sun:05:00-sun:05:30")
    params.setdefault("ClusterParameterGroupName", "default." + DEFAULT_FAMILY)
    call.moto(params)
    cluster = backend(call).clusters[call["ClusterIdentifier"]]
    remember(call, cluster)
    # AWS shows this word where no key of the account was named.
    more(cluster)["KmsKeyId"] = key_arn(call, call["KmsKeyId"]) if call.get("KmsKeyId") else "AWS_OWNED_KMS_KEY"
    group = backend(call).subnet_groups.get(call.get("ClusterSubnetGroupName"))
    if group is not None:
        if not call.get("VpcSecurityGroupIds"):
            cluster.vpc_security_group_ids = [
                found["GroupId"]
                for found in call.ask(
                    "DescribeSecurityGroups",
                    {"Filters": [{"Name": "vpc-id", "Values": [group.vpc_id]},
                                 {"Name": "group-name", "Values": ["default"]}]},
                    service="ec2",
                )["SecurityGroups"]
            ]
        if not call.get("AvailabilityZone"):
            cluster.availability_zone = group.subnets[0].availability_zone
    if call.get("SnapshotScheduleIdentifier"):
        schedule_of(call, call["SnapshotScheduleIdentifier"])
        more(cluster).update(
            SnapshotScheduleIdentifier=call["SnapshotScheduleIdentifier"], SnapshotScheduleState="ACTIVE"
        )
    manage_password(call, cluster)
    return show(call, cluster, "creating")


@extends("redshift", "DescribeClusters")
def describe_clusters(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusters.html"""
    backend(call)
    answer = call.moto()
    wanted, values = set(call.get("TagKeys", [])), set(call.get("TagValues", []))
    clusters = [complete(call, shown) for shown in answer.get("Clusters", [])]
    if wanted or values:
        clusters = [
            shown for shown in clusters
            if any(tag["Key"] in wanted or tag["Value"] in values for tag in shown.get("Tags", []))
        ]
    return page(call, clusters, "Clusters")


def page(call, items, name, default=100):
    """One page, as MaxRecords and Marker ask.

    https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusters.html
    """
    start = int(call.get("Marker") or 0)
    most = int(call.get("MaxRecords") or default)
    answer = {name: items[start : start + most]}
    if start + most < len(items):
        answer["Marker"] = str(start + most)
    return answer


@extends("redshift", "ModifyCluster")
def modify_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyCluster.html"""
    cluster = cluster_of(call)
    validate(call)
    if cluster.status != "available":
        raise fault("InvalidClusterState", f"There is an operation running on the Cluster {cluster.status}.")
    if call.get("Encrypted") is False:
        raise fault("InvalidParameterValue", "Clusters must be encrypted: Encrypted can't be false.")
    renamed = call.get("NewClusterIdentifier")
    if renamed and renamed in backend(call).clusters:
        raise fault("ClusterAlreadyExists", "Cluster already exists")
    known = more(cluster)
    plain = {
        "NodeType": "node_type", "NumberOfNodes": "number_of_nodes", "MasterUserPassword": "master_user_password",
        "AutomatedSnapshotRetentionPeriod": "automated_snapshot_retention_period",
        "PreferredMaintenanceWindow": "preferred_maintenance_window", "ClusterVersion": "cluster_version",
        "AllowVersionUpgrade": "allow_version_upgrade", "PubliclyAccessible": "publicly_accessible",
        "EnhancedVpcRouting": "enhanced_vpc_routing", "Port": "port", "AvailabilityZone": "availability_zone",
        "VpcSecurityGroupIds": "vpc_security_group_ids", "ClusterSecurityGroups": "cluster_security_groups",
        "Encrypted": "encrypted",
    }
    for name, attribute in plain.items():
        if call.get(name) is not None:
            setattr(cluster, attribute, call[name])
    if call.get("ClusterType") == "single-node":
        cluster.number_of_nodes = 1
    if call.get("KmsKeyId"):
        known["KmsKeyId"] = key_arn(call, call["KmsKeyId"])
        cluster.encrypted = True
    group = call.get("ClusterParameterGroupName")
    if group and [group] != cluster.cluster_parameter_group_name:
        # "This change is applied only after the cluster is rebooted."
        cluster.cluster_parameter_group_name = [group]
        known["apply"] = "pending-reboot"
    remember(call, cluster)
    manage_password(call, cluster)
    if renamed:
        found = backend(call)
        found.clusters.pop(cluster.cluster_identifier)
        cluster.cluster_identifier = renamed
        found.clusters[renamed] = cluster
    return show(call, cluster)


@extends("redshift", "RebootCluster")
def reboot_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_RebootCluster.html"""
    cluster = cluster_of(call)
    if cluster.status != "available":
        raise fault("InvalidClusterState", "The cluster is not available.")
    more(cluster)["apply"] = "in-sync"
    return show(call, cluster, "rebooting")


@extends("redshift", "ResizeCluster")
def resize_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ResizeCluster.html"""
    cluster = cluster_of(call)
    if cluster.status != "available":
        raise fault("InvalidClusterState", "The cluster is not available.")
    nodes = call.get("NumberOfNodes") or cluster.number_of_nodes
    if call.get("ClusterType") == "single-node":
        nodes = 1
    if call.get("ClusterType") == "multi-node" and nodes < 2:
        raise fault("InvalidParameterCombination",
                    "Number of nodes for cluster type multi-node must be greater than or equal to 2")
    if nodes == cluster.number_of_nodes and call.get("NodeType", cluster.node_type) == cluster.node_type:
        raise fault("InvalidParameterValue", "The requested configuration is the cluster's own.")
    cluster.number_of_nodes = nodes
    cluster.node_type = call.get("NodeType", cluster.node_type)
    more(cluster)["resize"] = {
        "ResizeType": "ClassicResize" if call.get("Classic") else "ElasticResize",
        "TargetNodeType": cluster.node_type,
        "TargetNumberOfNodes": nodes,
        "TargetClusterType": "multi-node" if nodes > 1 else "single-node",
    }
    return show(call, cluster, "resizing")


@extends("redshift", "DescribeResize")
def describe_resize(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeResize.html"""
    done = more(cluster_of(call)).get("resize")
    if not done:
        raise fault("ResizeNotFound", "A resize operation for the specified cluster is not found.", 404)
    return dict(done, Status="SUCCEEDED")


@extends("redshift", "ModifyClusterIamRoles")
def modify_cluster_iam_roles(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterIamRoles.html"""
    cluster = cluster_of(call)
    removed = set(call.get("RemoveIamRoles", []))
    roles = [role for role in cluster.iam_roles_arn if role not in removed]
    roles += [role for role in call.get("AddIamRoles", []) if role not in roles]
    default = call.get("DefaultIamRoleArn")
    if default and default not in roles:
        raise fault("InvalidClusterState", "The default IAM role must be associated with the cluster.")
    cluster.iam_roles_arn = roles
    known = more(cluster)
    if call.get("DefaultIamRoleArn") is not None:
        known["DefaultIamRoleArn"] = default
    elif known.get("DefaultIamRoleArn") in removed:
        known.pop("DefaultIamRoleArn")
    return show(call, cluster)


@extends("redshift", "ModifyClusterMaintenance")
def modify_cluster_maintenance(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterMaintenance.html"""
    cluster = cluster_of(call)
    known = more(cluster)
    if call.get("DeferMaintenance") is False:
        known.pop("DeferredMaintenanceWindows", None)
    elif call.get("DeferMaintenance"):
        known["DeferredMaintenanceWindows"] = [{
            "DeferMaintenanceIdentifier": call.get("DeferMaintenanceIdentifier")
            or "dfm-" + mock_random.get_random_hex(17),
            "DeferMaintenanceStartTime": call.get("DeferMaintenanceStartTime") or now(),
            "DeferMaintenanceEndTime": call.get("DeferMaintenanceEndTime") or now(),
        }]
    return show(call, cluster)


@extends("redshift", "ModifyAquaConfiguration")
def modify_aqua_configuration(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyAquaConfiguration.html"""
    cluster_of(call)  # retired: AWS takes the call and decides by itself
    return {"AquaConfiguration": {"AquaStatus": "disabled", "AquaConfigurationStatus": "auto"}}


@extends("redshift", "DeleteCluster")
def delete_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DeleteCluster.html"""
    cluster = cluster_of(call)
    skip, final = call.get("SkipFinalClusterSnapshot", False), call.get("FinalClusterSnapshotIdentifier")
    if not skip and not final:
        raise fault("InvalidParameterCombination",
                    "FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified.")
    if skip and final:
        raise fault("InvalidParameterCombination",
                    "FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true.")
    shown = show(call, cluster, "deleting")
    if final:
        call.call("CreateClusterSnapshot", {
            "ClusterIdentifier": cluster.cluster_identifier, "SnapshotIdentifier": final,
            "ManualSnapshotRetentionPeriod": call.get("FinalClusterSnapshotRetentionPeriod", -1),
        })
        call.ask("DeleteCluster", {"ClusterIdentifier": call["ClusterIdentifier"],
                                   "SkipFinalClusterSnapshot": True})
    else:
        call.moto()
    drop_secret(call, cluster)
    return shown


@extends("redshift", "PauseCluster", "ResumeCluster")
def pause_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_PauseCluster.html"""
    cluster = cluster_of(call)
    pause = call.operation == "PauseCluster"
    if cluster.status != ("available" if pause else "paused"):
        raise fault("InvalidClusterState", f"The cluster is {cluster.status}.")
    call.moto()
    return show(call, cluster, "pausing" if pause else "resuming")


# Snapshots


@extends("redshift", "CreateClusterSnapshot")
def create_cluster_snapshot(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateClusterSnapshot.html"""
    cluster = cluster_of(call)
    answer = call.moto()
    snapshot = backend(call).snapshots[call["SnapshotIdentifier"]]
    known = more(cluster)
    more(snapshot).update(
        ManualSnapshotRetentionPeriod=call.get("ManualSnapshotRetentionPeriod",
                                               known.get("ManualSnapshotRetentionPeriod", -1)),
        KmsKeyId=known.get("KmsKeyId"),
        MaintenanceTrackName=known.get("MaintenanceTrackName", "current"),
        MasterPasswordSecretArn=known.get("MasterPasswordSecretArn"),
        MasterPasswordSecretKmsKeyId=known.get("MasterPasswordSecretKmsKeyId"),
    )
    return {"Snapshot": snapshot_shown(call, answer["Snapshot"])}


def snapshot_shown(call, shown):
    snapshot = backend(call).snapshots.get(shown["SnapshotIdentifier"])
    shown.update({key: value for key, value in more(snapshot).items() if value is not None}
                 if snapshot is not None else {})
    shown["SnapshotArn"] = (
        f"arn:aws:redshift:{call.region}:{call.account}:snapshot:"
        f"{shown['ClusterIdentifier']}/{shown['SnapshotIdentifier']}"
    )
    shown.setdefault("OwnerAccount", call.account)
    return shown


@extends("redshift", "DescribeClusterSnapshots")
def describe_cluster_snapshots(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusterSnapshots.html"""
    wanted = call.get("ClusterIdentifier")
    shown = [snapshot_shown(call, one) for one in call.moto().get("Snapshots", [])]
    # moto answers with all snapshots where a cluster has none.
    kind = call.get("SnapshotType")
    shown = [one for one in shown if (not wanted or one["ClusterIdentifier"] == wanted)
             and (not kind or one["SnapshotType"] == kind)]
    return page(call, shown, "Snapshots")


@extends("redshift", "EnableSnapshotCopy", "DisableSnapshotCopy", "ModifySnapshotCopyRetentionPeriod")
def snapshot_copy(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_EnableSnapshotCopy.html"""
    cluster = cluster_of(call)
    found = cluster.cluster_snapshot_copy_status
    if call.operation == "EnableSnapshotCopy":
        if found is not None:
            raise fault("SnapshotCopyAlreadyEnabledFault",
                        "The cluster already has cross-region snapshot copy enabled.")
        if call["DestinationRegion"] == call.region:
            raise fault("UnknownSnapshotCopyRegionFault",
                        "The specified region is incorrect or does not exist.", 404)
        if call.get("SnapshotCopyGrantName") is None and str(more(cluster).get("KmsKeyId", "")).startswith("arn:"):
            raise fault("InvalidParameterValue",
                        "SnapshotCopyGrantName is required for Snapshot Copy on KMS encrypted clusters.")
        cluster.cluster_snapshot_copy_status = {
            "DestinationRegion": call["DestinationRegion"],
            "RetentionPeriod": call.get("RetentionPeriod", 7),
            "ManualSnapshotRetentionPeriod": call.get("ManualSnapshotRetentionPeriod", -1),
            "SnapshotCopyGrantName": call.get("SnapshotCopyGrantName"),
        }
    elif found is None:
        code = "SnapshotCopyAlreadyDisabledFault" if call.operation == "DisableSnapshotCopy" \
            else "SnapshotCopyDisabledFault"
        raise fault(code, "Cross-region snapshot copy is disabled.")
    elif call.operation == "DisableSnapshotCopy":
        cluster.cluster_snapshot_copy_status = None
    else:
        manual = call.get("Manual", False)
        found["ManualSnapshotRetentionPeriod" if manual else "RetentionPeriod"] = call["RetentionPeriod"]
    return show(call, cluster)


# Logging


@extends("redshift", "EnableLogging", "DisableLogging", "DescribeLoggingStatus")
def logging(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_EnableLogging.html"""
    known = more(cluster_of(call))
    if call.operation == "DisableLogging":
        known.pop("logging", None)
    elif call.operation == "EnableLogging":
        kind = call.get("LogDestinationType", "s3")
        bucket = call.get("BucketName")
        if kind == "s3":
            if not bucket:
                raise fault("InvalidParameterValue", "BucketName is required where the destination is s3.")
            try:
                call.ask("HeadBucket", {"Bucket": bucket}, service="s3")
            except AwsError:
                raise fault("BucketNotFoundFault", f"Could not find the specified bucket: {bucket}")
        status = {"LoggingEnabled": True, "LogDestinationType": kind}
        if kind == "s3":
            status["BucketName"] = bucket
            if call.get("S3KeyPrefix"):
                status["S3KeyPrefix"] = call["S3KeyPrefix"]
        else:
            status["LogExports"] = call.get("LogExports", [])
        known["logging"] = status
    return dict(known.get("logging") or {"LoggingEnabled": False})


# Parameter groups


def parameters_of(group):
    """The parameters of a group, each with its source."""
    changed = more(group).setdefault("parameters", {})
    for name, default, data_type, allowed, dynamic, text in PARAMETERS:
        default = DEFAULTS.get(group.family, {}).get(name, default)
        shown = {
            "ParameterName": name,
            "ParameterValue": changed.get(name, default),
            "Description": text,
            "Source": "user" if name in changed else "engine-default",
            "DataType": data_type,
            "ApplyType": "dynamic" if dynamic else "static",
            "IsModifiable": True,
        }
        if allowed:
            shown["AllowedValues"] = allowed
        yield shown


def check_parameter(name, value):
    known = {parameter[0]: parameter for parameter in PARAMETERS}.get(name)
    if known is None:
        raise fault("InvalidParameterValue", f"Could not find parameter with name: {name}")
    allowed = known[3]
    if known[2] == "boolean" and value not in ("true", "false"):
        raise fault("InvalidParameterValue", f"Invalid value {value} for parameter {name}. Allowed: {allowed}")
    if known[2] == "integer" and value != "default":
        bounds = [re.fullmatch(r"(-?\d+)-(-?\d+)|(-?\d+)", part) for part in allowed.split(",")]
        good = re.fullmatch(r"-?\d+", value or "") and any(
            int(value) == int(found[3]) if found[3] else int(found[1]) <= int(value) <= int(found[2])
            for found in bounds
        )
        if not good:
            raise fault("InvalidParameterValue", f"Invalid value {value} for parameter {name}. Allowed: {allowed}")
    if name == "wlm_json_configuration":
        import json

        try:
            if not isinstance(json.loads(value), list):
                raise ValueError
        except ValueError:
            raise fault("InvalidParameterValue", "The value of wlm_json_configuration is not a JSON list.")


@extends("redshift", "CreateClusterParameterGroup")
def create_parameter_group(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateClusterParameterGroup.html"""
    name = call["ParameterGroupName"].lower()
    if name in backend(call).parameter_groups:
        raise fault("ClusterParameterGroupAlreadyExists", f"ParameterGroup {name} already exists")
    if call["ParameterGroupFamily"] not in FAMILIES:
        raise fault("InvalidParameterValue", f"ParameterGroupFamily {call['ParameterGroupFamily']} is not valid.")
    return call.moto(dict(call.params, ParameterGroupName=name))


@extends("redshift", "DescribeClusterParameterGroups")
def describe_parameter_groups(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusterParameterGroups.html"""
    backend(call)
    return page(call, call.moto().get("ParameterGroups", []), "ParameterGroups")


@extends("redshift", "DeleteClusterParameterGroup")
def delete_parameter_group(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DeleteClusterParameterGroup.html"""
    name = call["ParameterGroupName"]
    group_of(call, name)
    users = [c for c in backend(call).clusters.values() if name in c.cluster_parameter_group_name]
    if users or name.startswith("default."):
        raise fault("InvalidClusterParameterGroupState",
                    f"The parameter group {name} is a default one or in use by a cluster.")
    return call.moto()


@extends("redshift", "DescribeClusterParameters")
def describe_parameters(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusterParameters.html"""
    group = group_of(call, call["ParameterGroupName"])
    source = call.get("Source")
    shown = [one for one in parameters_of(group) if not source or one["Source"] == source]
    return page(call, shown, "Parameters")


@extends("redshift", "DescribeDefaultClusterParameters")
def describe_default_parameters(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeDefaultClusterParameters.html"""
    family = call["ParameterGroupFamily"]
    if family not in FAMILIES:
        raise fault("InvalidParameterValue", f"ParameterGroupFamily {family} is not valid.")
    group = ParameterGroup("default", family, "", call.account, call.region)
    answer = page(call, list(parameters_of(group)), "Parameters")
    return {"DefaultClusterParameters": dict(answer, ParameterGroupFamily=family)}


@extends("redshift", "ModifyClusterParameterGroup", "ResetClusterParameterGroup")
def modify_parameter_group(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterParameterGroup.html"""
    name = call["ParameterGroupName"]
    group = group_of(call, name)
    if name.startswith("default."):
        raise fault("InvalidClusterParameterGroupState", "The default parameter group cannot be modified.")
    changed = more(group).setdefault("parameters", {})
    given = call.get("Parameters", [])
    if len(given) > 20:
        raise fault("InvalidParameterValue", "At most 20 parameters can be modified in one request.")
    if call.operation == "ResetClusterParameterGroup":
        touched = list(changed) if call.get("ResetAllParameters") else [one["ParameterName"] for one in given]
        for one in touched:
            changed.pop(one, None)
    else:
        for one in given:
            check_parameter(one.get("ParameterName"), one.get("ParameterValue"))
        touched = [one["ParameterName"] for one in given]
        changed.update({one["ParameterName"]: one["ParameterValue"] for one in given})
    static = {parameter[0] for parameter in PARAMETERS if not parameter[4]}
    if static & set(touched):
        for cluster in backend(call).clusters.values():
            if name in cluster.cluster_parameter_group_name:
                more(cluster)["apply"] = "pending-reboot"
    return {
        "ParameterGroupName": name,
        "ParameterGroupStatus": "Your parameter group has been updated. If you changed only dynamic parameters, "
        "associated clusters are being modified now. If you changed static parameters, all updates, including "
        "dynamic parameters, will be applied when you reboot the associated clusters.",
    }


# Subnet groups


def subnet_group_of(call, name):
    group = backend(call).subnet_groups.get(name)
    if group is None:
        raise fault("ClusterSubnetGroupNotFoundFault", f"Cluster Subnet Group: {name} not found.")
    return group


@extends("redshift", "CreateClusterSubnetGroup")
def create_subnet_group(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateClusterSubnetGroup.html"""
    name = call["ClusterSubnetGroupName"].lower()
    if name in backend(call).subnet_groups:
        raise fault("ClusterSubnetGroupAlreadyExists", f"The Cluster subnet group '{name}' already exists.")
    check_subnets(call)
    answer = call.moto(dict(call.params, ClusterSubnetGroupName=name))
    return {"ClusterSubnetGroup": subnet_group_shown(answer["ClusterSubnetGroup"])}


def check_subnets(call):
    wanted = list(dict.fromkeys(call["SubnetIds"]))
    try:
        found = call.ask("DescribeSubnets", {"SubnetIds": wanted}, service="ec2")["Subnets"]
    except AwsError as error:
        raise fault("InvalidSubnet", error.message)
    if len({subnet["VpcId"] for subnet in found}) != 1:
        raise fault("InvalidSubnet", "The subnets are not all in the same VPC.")


def subnet_group_shown(shown):
    shown.setdefault("SupportedClusterIpAddressTypes", ["ipv4"])
    return shown


@extends("redshift", "DescribeClusterSubnetGroups")
def describe_subnet_groups(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusterSubnetGroups.html"""
    if call.get("ClusterSubnetGroupName"):
        subnet_group_of(call, call["ClusterSubnetGroupName"])
    groups = [subnet_group_shown(one) for one in call.moto().get("ClusterSubnetGroups", [])]
    return page(call, groups, "ClusterSubnetGroups")


@extends("redshift", "ModifyClusterSubnetGroup")
def modify_subnet_group(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterSubnetGroup.html"""
    group = subnet_group_of(call, call["ClusterSubnetGroupName"])
    check_subnets(call)
    group.subnet_ids = list(dict.fromkeys(call["SubnetIds"]))
    if call.get("Description") is not None:
        group.description = call["Description"]
    return {
        "ClusterSubnetGroup": subnet_group_shown(
            call.ask("DescribeClusterSubnetGroups", {"ClusterSubnetGroupName": call["ClusterSubnetGroupName"]})[
                "ClusterSubnetGroups"
            ][0]
        )
    }


@extends("redshift", "DeleteClusterSubnetGroup")
def delete_subnet_group(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_DeleteClusterSubnetGroup.html"""
    name = call["ClusterSubnetGroupName"]
    subnet_group_of(call, name)
    if any(cluster.cluster_subnet_group_name == name for cluster in backend(call).clusters.values()):
        raise fault("InvalidClusterSubnetGroupStateFault",
                    "The cluster subnet group cannot be deleted because it is in use.")
    return call.moto()


# Snapshot schedules, scheduled actions, usage limits


def schedule_of(call, name):
    found = call.state().setdefault("schedules", {}).get(name)
    if found is None:
        raise fault("SnapshotScheduleNotFound", f"Snapshot schedule {name} not found.")
    return found


def schedule_shown(call, schedule):
    users = [
        {"ClusterIdentifier": cluster.cluster_identifier, "ScheduleAssociationState": "ACTIVE"}
        for cluster in backend(call).clusters.values()
        if more(cluster).get("SnapshotScheduleIdentifier") == schedule["ScheduleIdentifier"]
    ]
    return dict(schedule, AssociatedClusterCount=len(users), AssociatedClusters=users)


def check_schedule(definitions):
    for text in definitions:
        if not re.fullmatch(r"(rate|cron)\(.+\)", text or ""):
            raise fault("InvalidSchedule", f"The schedule you submitted isn't valid: {text}")


@extends("redshift", "CreateSnapshotSchedule", "ModifySnapshotSchedule", "DeleteSnapshotSchedule",
         "DescribeSnapshotSchedules")
def snapshot_schedules(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateSnapshotSchedule.html"""
    schedules = call.state().setdefault("schedules", {})
    name = call.get("ScheduleIdentifier")
    if call.operation == "CreateSnapshotSchedule":
        name = name or "schedule-" + mock_random.get_random_hex(8)
        if name in schedules:
            raise fault("SnapshotScheduleAlreadyExists", f"Snapshot schedule {name} already exists.")
        check_schedule(call.get("ScheduleDefinitions", []))
        schedules[name] = {
            "ScheduleIdentifier": name, "ScheduleDefinitions": call.get("ScheduleDefinitions", []),
            "ScheduleDescription": call.get("ScheduleDescription"), "Tags": call.get("Tags", []),
        }
        return schedule_shown(call, schedules[name])
    if call.operation == "DescribeSnapshotSchedules":
        user = call.get("ClusterIdentifier")
        shown = [schedule_shown(call, one) for key, one in schedules.items() if name in (None, key)]
        shown = [one for one in shown if not user
                 or any(each["ClusterIdentifier"] == user for each in one["AssociatedClusters"])]
        return page(call, shown, "SnapshotSchedules")
    schedule = schedule_of(call, name)
    if call.operation == "ModifySnapshotSchedule":
        check_schedule(call["ScheduleDefinitions"])
        schedule["ScheduleDefinitions"] = call["ScheduleDefinitions"]
        return schedule_shown(call, schedule)
    if schedule_shown(call, schedule)["AssociatedClusterCount"]:
        raise fault("InvalidClusterSnapshotScheduleState", "The snapshot schedule is associated with a cluster.")
    del schedules[name]
    return {}


@extends("redshift", "ModifyClusterSnapshotSchedule")
def modify_cluster_snapshot_schedule(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyClusterSnapshotSchedule.html"""
    known = more(cluster_of(call))
    if call.get("DisassociateSchedule"):
        known.pop("SnapshotScheduleIdentifier", None)
        known.pop("SnapshotScheduleState", None)
        return {}
    schedule_of(call, call.get("ScheduleIdentifier"))
    known.update(SnapshotScheduleIdentifier=call["ScheduleIdentifier"], SnapshotScheduleState="ACTIVE")
    return {}


@extends("redshift", "CreateUsageLimit", "ModifyUsageLimit", "DeleteUsageLimit", "DescribeUsageLimits")
def usage_limits(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateUsageLimit.html"""
    limits = call.state().setdefault("limits", {})
    if call.operation == "CreateUsageLimit":
        cluster_of(call)
        key = ("ClusterIdentifier", "FeatureType", "LimitType", "Period")
        made = {name: call.get(name) for name in key + ("Amount", "BreachAction")}
        made["Period"] = made["Period"] or "monthly"
        made["BreachAction"] = made["BreachAction"] or "log"
        if any(all(one[name] == made[name] for name in key) for one in limits.values()):
            raise fault("UsageLimitAlreadyExists", "The usage limit already exists.")
        made.update(UsageLimitId=str(mock_random.uuid4()), Tags=call.get("Tags", []))
        limits[made["UsageLimitId"]] = made
        return made
    if call.operation == "DescribeUsageLimits":
        shown = [one for one in limits.values()
                 if all(call.get(name) in (None, one[name])
                        for name in ("UsageLimitId", "ClusterIdentifier", "FeatureType"))]
        return page(call, shown, "UsageLimits")
    found = limits.get(call["UsageLimitId"])
    if found is None:
        raise fault("UsageLimitNotFound", "The usage limit identifier can't be found.", 404)
    if call.operation == "DeleteUsageLimit":
        del limits[call["UsageLimitId"]]
        return {}
    found.update({name: call[name] for name in ("Amount", "BreachAction") if call.get(name) is not None})
    return found


@extends("redshift", "CreateScheduledAction", "ModifyScheduledAction", "DeleteScheduledAction",
         "DescribeScheduledActions")
def scheduled_actions(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_CreateScheduledAction.html"""
    actions = call.state().setdefault("actions", {})
    name = call.get("ScheduledActionName")
    if call.operation == "DescribeScheduledActions":
        shown = [one for key, one in actions.items() if name in (None, key)]
        if name and not shown:
            raise fault("ScheduledActionNotFound", f"The scheduled action {name} cannot be found.")
        return page(call, shown, "ScheduledActions")
    if call.operation == "CreateScheduledAction":
        if name in actions:
            raise fault("ScheduledActionAlreadyExists", f"The scheduled action {name} already exists.")
        actions[name] = {"ScheduledActionName": name, "State": "ACTIVE", "NextInvocations": []}
    elif name not in actions:
        raise fault("ScheduledActionNotFound", f"The scheduled action {name} cannot be found.")
    elif call.operation == "DeleteScheduledAction":
        del actions[name]
        return {}
    if call.get("Schedule") and not re.fullmatch(r"(at|cron)\(.+\)", call["Schedule"]):
        raise fault("InvalidSchedule", f"The schedule you submitted isn't valid: {call['Schedule']}")
    for member in ("TargetAction", "Schedule", "IamRole", "ScheduledActionDescription", "StartTime", "EndTime"):
        if call.get(member) is not None:
            actions[name][member] = call[member]
    if call.get("Enable") is not None:
        actions[name]["State"] = "ACTIVE" if call["Enable"] else "DISABLED"
    return actions[name]
