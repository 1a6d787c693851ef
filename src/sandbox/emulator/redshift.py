"""Redshift: all of a cluster on read, resize, maintenance, snapshots, logging.

moto keeps clusters, groups, snapshots and tags; what it has no place for is kept
beside its own objects, so that it lives and dies with them.
"""

import re

from moto.moto_api._internal import mock_random

from emulator.redshift_common import (
    DEFAULT_FAMILY, backend, cluster_of, fault, group_of, more, page, schedule_of, subnet_group_of,
)
from emulator.wire import AwsError, extends, now


def complete(call, shown):
    """A cluster as AWS shows it, from moto's view of it and what we remember."""
    cluster = backend(call).clusters.get(shown["ClusterIdentifier"])
    known = more(cluster) if cluster is not None else {}
    shown = dict(shown)
    shown["PendingModifiedValues"] = shown.get("PendingModifiedValues") or {}
    for name in ("KmsKeyId", "RestoreStatus", "ClusterSubnetGroupName"):
        if not shown.get(name):
            shown.pop(name, None)
    status = shown.get("ClusterStatus", "")
    shown["ClusterAvailabilityStatus"] = {
        "available": "Available", "paused": "Paused", "creating": "Modifying", "deleting": "Unavailable",
    }.get(status, "Modifying")
    namespace = known.setdefault("namespace", str(mock_random.uuid4()))
    shown["ClusterNamespaceArn"] = (
        f"arn:{call.partition}:redshift:{call.region}:{call.account}:namespace:{namespace}"
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
    return f"arn:{call.partition}:kms:{call.region}:{call.account}:{kind}{key}"


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


@extends("redshift", "ModifyCluster")
def modify_cluster(call):
    """https://docs.aws.amazon.com/redshift/latest/APIReference/API_ModifyCluster.html"""
    cluster = cluster_of(call)
    validate(call)
    if cluster.status != "available":
        raise fault("InvalidClusterState", f"There is an operation running on the Cluster {cluster.status}.")
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
    if call.get("Encrypted") is False:
        # "If the value is not encrypted (false), then the cluster is decrypted."
        known.pop("KmsKeyId", None)
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
        f"arn:{call.partition}:redshift:{call.region}:{call.account}:snapshot:"
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
