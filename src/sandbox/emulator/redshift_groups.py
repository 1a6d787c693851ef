"""Redshift: parameter and subnet groups, snapshot schedules, usage limits, scheduled actions."""

import json
import re

from moto.moto_api._internal import mock_random
from moto.redshift.models import ParameterGroup

from emulator.redshift_common import (
    FAMILIES, backend, cluster_of, fault, group_of, more, page, schedule_of, subnet_group_of,
)
from emulator.wire import AwsError, extends

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
