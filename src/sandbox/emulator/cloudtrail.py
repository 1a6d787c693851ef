"""CloudTrail: trails that are checked before they are taken, selectors, insights and aggregation."""

import json
import re

from moto.cloudtrail.models import cloudtrail_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from emulator.wire import AwsError, extends

# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
DEFAULT = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [],
           "ExcludeManagementEventSources": []}


def refused(code, text):
    return AwsError(code + "Exception", text, 400)


def trails(call):
    return call.backend(cloudtrail_backends).trails


def trail_of(call, name):
    found = trails(call).get(name.rsplit("/", 1)[-1])
    if found is None:
        raise refused("TrailNotFound", f"Unknown trail: {name} for the user: {call.account}")
    return found


def check_bucket(call, name):
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    bucket = s3_backends[call.account][call.partition].buckets.get(name)
    if bucket is None:
        raise refused("S3BucketDoesNotExist", f"S3 bucket {name} does not exist!")
    policy = json.loads(bucket.policy or "{}")
    allowed = set()
    for one in policy.get("Statement", []):
        principal = one.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        services = [services] if isinstance(services, str) else services
        actions = one.get("Action", [])
        if one.get("Effect") == "Allow" and "cloudtrail.amazonaws.com" in services:
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    if not {"s3:GetBucketAcl", "s3:PutObject"} <= allowed and "s3:*" not in allowed:
        raise refused("InsufficientS3BucketPolicy", f"Incorrect S3 bucket policy is detected for bucket: {name}")


def check(call, wanted):
    check_bucket(call, wanted["S3BucketName"])
    topic = wanted.get("SnsTopicName")
    if topic:
        arn = topic if topic.startswith("arn:") else f"arn:{call.partition}:sns:{call.region}:{call.account}:{topic}"
        region = arn.split(":")[3]
        if arn not in sns_backends[call.account][region].topics:
            raise refused("InsufficientSnsTopicPolicy", "SNS Topic does not exist or the topic policy is incorrect!")
        wanted["SnsTopicARN"] = arn
    group, role = wanted.get("CloudWatchLogsLogGroupArn"), wanted.get("CloudWatchLogsRoleArn")
    if bool(group) != bool(role):
        raise refused("InvalidParameterCombination", "You must specify a log group as well as a role ARN.")
    if group:
        name = re.fullmatch(r"arn:[^:]+:logs:[^:]+:[^:]+:log-group:([^:]+):\*", group)
        if name is None or name[1] not in logs_backends[call.account][call.region].groups:
            raise refused("InvalidCloudWatchLogsLogGroupArn", "CloudTrail cannot validate the specified log group ARN.")
    if wanted.get("IsMultiRegionTrail") and not wanted.get("IncludeGlobalServiceEvents", True):
        raise refused("InvalidParameterCombination", "Multi-Region trail must include global service events.")
    key = wanted.get("KmsKeyId")
    if key and not key.startswith("arn:"):
        sort = "" if key.startswith("alias/") else "key/"
        wanted["KmsKeyId"] = f"arn:{call.partition}:kms:{call.region}:{call.account}:{sort}{key}"
    return wanted


def shown(call, trail):
    known = trail.dwctl
    answer = {
        "Name": trail.trail_name,
        "S3BucketName": known["S3BucketName"],
        "IncludeGlobalServiceEvents": known.get("IncludeGlobalServiceEvents", True),
        "IsMultiRegionTrail": known.get("IsMultiRegionTrail", False),
        "HomeRegion": trail.region_name,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": known.get("EnableLogFileValidation", False),
        "HasCustomEventSelectors": known.get("selectors", {"EventSelectors": [DEFAULT]}) != {"EventSelectors": [DEFAULT]},
        "HasInsightSelectors": bool(known.get("insights")),
        "IsOrganizationTrail": known.get("IsOrganizationTrail", False),
    }
    texts = ("S3KeyPrefix", "SnsTopicName", "SnsTopicARN", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId")
    return answer | {name: known[name] for name in texts if known.get(name)}


@extends("cloudtrail", "CreateTrail")
def create_trail(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html"""
    wanted = {name: value for name, value in call.params.items() if name not in ("Name", "TagsList")}
    for backend in cloudtrail_backends[call.account].values():
        for one in backend.trails.values():
            if one.trail_name == call["Name"] and (one.region_name == call.region or one.is_multi_region):
                raise refused("TrailAlreadyExists", f"Trail {one.trail_name} already exists for customer: {call.account}")
    wanted = check(call, wanted)
    call.moto({"Name": call["Name"], "S3BucketName": wanted["S3BucketName"], "TagsList": call.get("TagsList", []),
               "IsMultiRegionTrail": wanted.get("IsMultiRegionTrail", False)})
    trail = trails(call)[call["Name"]]
    trail.dwctl = wanted
    return {name: value for name, value in shown(call, trail).items() if not name.startswith(("Has", "Home"))}


@extends("cloudtrail", "UpdateTrail")
def update_trail(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html"""
    trail = trail_of(call, call["Name"])
    given = {name: value for name, value in call.params.items() if name != "Name" and value is not None}
    wanted = {name: value for name, value in {**trail.dwctl, **given}.items() if value != ""}
    if "SnsTopicName" not in wanted:
        wanted.pop("SnsTopicARN", None)
    trail.dwctl = check(call, wanted)
    trail.is_multi_region = wanted.get("IsMultiRegionTrail", False)
    return {name: value for name, value in shown(call, trail).items() if not name.startswith(("Has", "Home"))}


@extends("cloudtrail", "DescribeTrails")
def describe_trails(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html"""
    names = [name.rsplit("/", 1)[-1] for name in call.get("trailNameList", [])]
    found = [trail for trail in trails(call).values() if not names or trail.trail_name in names]
    return {"trailList": [shown(call, trail) for trail in found]}


@extends("cloudtrail", "DeleteTrail")
def delete_trail(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DeleteTrail.html"""
    trail = trail_of(call, call["Name"])
    return call.moto({"Name": trail.trail_name})


@extends("cloudtrail", "PutEventSelectors", "GetEventSelectors")
def event_selectors(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html"""
    trail = trail_of(call, call["TrailName"])
    if call.operation == "PutEventSelectors":
        simple, advanced = call.get("EventSelectors"), call.get("AdvancedEventSelectors")
        if bool(simple) == bool(advanced) or len(simple or []) > 5:
            raise refused("InvalidEventSelectors", "Give event selectors or advanced event selectors.")
        for one in advanced or []:
            fields = {field["Field"]: field for field in one["FieldSelectors"]}
            category = fields.get("eventCategory", {}).get("Equals")
            if category not in (["Management"], ["Data"], ["NetworkActivity"]):
                raise refused("InvalidEventSelectors", "Each selector has one eventCategory.")
            if category == ["Data"] and len(fields.get("resources.type", {}).get("Equals", [])) != 1:
                raise refused("InvalidEventSelectors", "A selector of data events has one resources.type.")
        trail.dwctl["selectors"] = (
            {"EventSelectors": [{**DEFAULT, **one} for one in simple]} if simple
            else {"AdvancedEventSelectors": advanced}
        )
    return {"TrailARN": trail.arn, **trail.dwctl.get("selectors", {"EventSelectors": [DEFAULT]})}


@extends("cloudtrail", "PutInsightSelectors", "GetInsightSelectors")
def insight_selectors(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutInsightSelectors.html"""
    trail = trail_of(call, call["TrailName"])
    if call.operation == "PutInsightSelectors":
        trail.dwctl["insights"] = call["InsightSelectors"]
    elif not trail.dwctl.get("insights"):
        raise refused("InsightNotEnabled", f"Trail {trail.arn} does not have Insights enabled.")
    return {"TrailARN": trail.arn, "InsightSelectors": trail.dwctl["insights"]}


@extends("cloudtrail", "PutEventConfiguration", "GetEventConfiguration")
def event_configuration(call):
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventConfiguration.html"""
    trail = trail_of(call, call["TrailName"])
    if call.operation == "PutEventConfiguration":
        trail.dwctl["aggregation"] = call.get("AggregationConfigurations", [])
    return {"TrailARN": trail.arn, "AggregationConfigurations": trail.dwctl.get("aggregation", [])}
