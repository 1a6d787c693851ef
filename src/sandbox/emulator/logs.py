"""CloudWatch Logs: keys, classes, deletion protection, data protection, metric filters."""

import copy

from moto.logs.models import logs_backends

from emulator import documents
from emulator.wire import AwsError, extends, now

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
             3653)


def groups(call):
    return call.backend(logs_backends).groups


def group_of(call, name=None):
    name = name or call.get("logGroupName") or call.get("logGroupIdentifier") or call.get("resourceIdentifier")
    if name and name.startswith("arn:"):
        name = name.split(":log-group:", 1)[-1].removesuffix(":*")
    group = groups(call).get(name)
    if group is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def more(group):
    return group.__dict__.setdefault("dwctl", {})


@extends("logs", "CreateLogGroup")
def create_group(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"""
    answer = call.moto()
    more(groups(call)[call["logGroupName"]]).update(
        logGroupClass=call.get("logGroupClass", "STANDARD"),
        deletionProtectionEnabled=call.get("deletionProtectionEnabled", False),
    )
    return answer


@extends("logs", "DescribeLogGroups")
def describe_groups(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html"""
    params = {key: value for key, value in call.params.items()
              if key in ("logGroupNamePrefix", "limit", "nextToken")}
    names, pattern = call.get("logGroupIdentifiers"), call.get("logGroupNamePattern")
    if names:
        names = {name.split(":log-group:", 1)[-1].removesuffix(":*") for name in names}
        params = {}
    answer = call.ask("DescribeLogGroups", params)
    while names is not None and answer.get("nextToken"):
        more_groups = call.ask("DescribeLogGroups", {"nextToken": answer.pop("nextToken")})
        answer["logGroups"] += more_groups.get("logGroups", [])
        if more_groups.get("nextToken"):
            answer["nextToken"] = more_groups["nextToken"]
    shown = []
    for one in answer.get("logGroups", []):
        group = groups(call)[one["logGroupName"]]
        if names is not None and group.name not in names or pattern and pattern not in group.name:
            continue
        known = more(group)
        one["logGroupClass"] = known.get("logGroupClass", "STANDARD")
        one["deletionProtectionEnabled"] = known.get("deletionProtectionEnabled", False)
        one["logGroupArn"] = group.arn
        one["bearerTokenAuthenticationEnabled"] = known.get("bearer", False)
        if known.get("protection"):
            one["dataProtectionStatus"] = "ACTIVATED"
        elif known.get("protected"):
            one["dataProtectionStatus"] = "DELETED"
        if call.get("logGroupClass") in (None, one["logGroupClass"]):
            shown.append(one)
    answer["logGroups"] = shown
    return answer


@extends("logs", "DeleteLogGroup")
def delete_group(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html"""
    group = group_of(call)
    if more(group).get("deletionProtectionEnabled"):
        raise AwsError("ValidationException", "The log group has deletion protection enabled.")
    answer = call.moto()
    # moto keeps the tags and filters of what is gone.
    backend = call.backend(logs_backends)
    backend.tagger.delete_all_tags_for_resource(group.arn)
    backend.filters.metric_filters = [
        one for one in backend.filters.metric_filters if one.get("logGroupName") != group.name]
    return answer


@extends("logs", "PutLogGroupDeletionProtection")
def deletion_protection(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html"""
    more(group_of(call))["deletionProtectionEnabled"] = call["deletionProtectionEnabled"]
    return {}


@extends("logs", "PutBearerTokenAuthentication")
def bearer(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutBearerTokenAuthentication.html"""
    more(group_of(call))["bearer"] = call["bearerTokenAuthenticationEnabled"]
    return {}


@extends("logs", "AssociateKmsKey", "DisassociateKmsKey")
def kms_key(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html"""
    group = group_of(call)
    if call.operation == "DisassociateKmsKey":
        group.kms_key_id = None
        return {}
    key = call["kmsKeyId"]
    if not key.startswith("arn:"):
        raise AwsError("InvalidParameterException", "The kmsKeyId must be the ARN of a key.")
    group.kms_key_id = key
    return {}


@extends("logs", "PutRetentionPolicy")
def retention(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    group_of(call)
    if call["retentionInDays"] not in RETENTION:
        raise AwsError("InvalidParameterException", "1 validation error detected: Value "
                       f"'{call['retentionInDays']}' at 'retentionInDays' failed to satisfy constraint: Member "
                       f"must satisfy enum value set: {list(RETENTION)}")
    return call.moto()


@extends("logs", "PutDataProtectionPolicy", "GetDataProtectionPolicy", "DeleteDataProtectionPolicy")
def data_protection(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDataProtectionPolicy.html"""
    group = group_of(call)
    known = more(group)
    if call.operation.startswith("Delete"):
        known.pop("protection", None)
        return {}
    if call.operation.startswith("Put"):
        documents.parse(call["policyDocument"], lambda text: AwsError("InvalidParameterException", text))
        stamp = int(now().timestamp() * 1000)
        known.update(protection=(call["policyDocument"], stamp), protected=True)
    answer = {"logGroupIdentifier": call["logGroupIdentifier"]}
    if known.get("protection"):
        answer["policyDocument"], answer["lastUpdatedTime"] = known["protection"]
    return answer


@extends("logs", "PutMetricFilter")
def put_metric_filter(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html"""
    group = group_of(call)
    for one in call["metricTransformations"]:
        if one.get("dimensions") and one.get("defaultValue") is not None:
            raise AwsError("InvalidParameterException",
                           "Invalid metric transformation: dimensions and default value are mutually exclusive.")
    # moto takes no empty pattern; AWS does, and it matches every event.
    call.backend(logs_backends).filters.metric_filters[:] = [
        one for one in call.backend(logs_backends).filters.metric_filters
        if (one["logGroupName"], one["filterName"]) != (call["logGroupName"], call["filterName"])]
    call.moto(dict(call.params, filterPattern=call["filterPattern"] or " "))
    filters = more(group).setdefault("filters", {})
    filters[call["filterName"]] = (call["filterPattern"], copy.deepcopy(call["metricTransformations"]))
    return {}


@extends("logs", "DescribeMetricFilters")
def describe_metric_filters(call):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html"""
    if call.get("logGroupName"):
        group_of(call)
    answer = call.moto()
    for one in answer.get("metricFilters", []):
        group = groups(call).get(one.get("logGroupName"))
        kept = more(group).get("filters", {}).get(one["filterName"]) if group else None
        if kept:
            one["filterPattern"], one["metricTransformations"] = kept
    return answer
