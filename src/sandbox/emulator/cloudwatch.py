"""CloudWatch: alarm states, composite alarms, dashboard bodies."""

import json

from moto.cloudwatch.models import cloudwatch_backends

from emulator.wire import AwsError, extends, now


def backend(call):
    return call.backend(cloudwatch_backends)


def composites(call):
    return call.state().setdefault("composite", {})


@extends("cloudwatch", "PutMetricAlarm")
def put_metric_alarm(call):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html

    A new alarm starts in INSUFFICIENT_DATA; an update leaves the state as it is.
    """
    name = call["AlarmName"]
    if not call.get("Metrics") and not call.get("MetricName") and not call.get("EvaluationCriteria"):
        raise AwsError("ValidationError", "MetricName or Metrics must be given.", 400)
    if call.get("Metrics") and call.get("MetricName"):
        raise AwsError("InvalidParameterCombination",
                       "Metrics and MetricName, Namespace, Period, Statistic cannot be used together.", 400)
    before = backend(call).alarms.get(name)
    params = dict(call.params)
    if before is not None:
        params.pop("Tags", None)  # "tags of existing alarms are not changed by this operation"
    call.moto(params)
    alarm = backend(call).alarms[name]
    if before is None:
        alarm.state_value, alarm.state_reason = "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"
    else:
        alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
        alarm.state_reason_data = before.state_reason_data
        alarm.state_updated_timestamp = before.state_updated_timestamp
    alarm.dwctl = {key: value for key, value in call.params.items() if key not in ("Tags", "AlarmName")}
    return {}


@extends("cloudwatch", "PutCompositeAlarm")
def put_composite_alarm(call):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"""
    name, stored = call["AlarmName"], composites(call)
    arn = f"arn:{call.partition}:cloudwatch:{call.region}:{call.account}:alarm:{name}"
    shown = {key: value for key, value in call.params.items() if key != "Tags"}
    before = stored.get(name, {})
    shown.setdefault("ActionsEnabled", True)
    for actions in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        shown.setdefault(actions, [])
    shown.update(AlarmArn=arn, AlarmConfigurationUpdatedTimestamp=now(),
                 StateValue=before.get("StateValue", "INSUFFICIENT_DATA"),
                 StateReason="Unchecked: Initial alarm creation",
                 StateUpdatedTimestamp=before.get("StateUpdatedTimestamp", now()))
    if call.get("Tags") and not before:
        backend(call).tagger.tag_resource(arn, call["Tags"])
    stored[name] = shown
    return {}


@extends("cloudwatch", "DescribeAlarms")
def describe_alarms(call):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"""
    answer = call.moto({key: value for key, value in call.params.items()
                        if key not in ("AlarmTypes", "MaxRecords", "NextToken")})
    kinds = call.get("AlarmTypes") or ["MetricAlarm"]
    wanted, prefix = call.get("AlarmNames"), call.get("AlarmNamePrefix", "")
    metric = []
    for shown in answer.get("MetricAlarms", []) if "MetricAlarm" in kinds else []:
        known = getattr(backend(call).alarms.get(shown["AlarmName"]), "dwctl", None)
        if known is not None:
            for gone in ("MetricName", "Namespace", "Statistic", "Period", "Unit", "ExtendedStatistic",
                         "DatapointsToAlarm", "Threshold", "TreatMissingData", "Metrics",
                         "EvaluateLowSampleCountPercentile", "ThresholdMetricId", "AlarmDescription"):
                if gone not in known:
                    shown.pop(gone, None)
            shown.update(known)
        metric.append(shown)
    composite = [shown for name, shown in sorted(composites(call).items())
                 if "CompositeAlarm" in kinds and name.startswith(prefix) and (not wanted or name in wanted)]
    everything = [("MetricAlarms", one) for one in metric] + [("CompositeAlarms", one) for one in composite]
    start, most = int(call.get("NextToken") or 0), int(call.get("MaxRecords") or 50)
    page = everything[start : start + most]
    result = {kind: [one for found, one in page if found == kind] for kind in ("MetricAlarms", "CompositeAlarms")}
    if start + most < len(everything):
        result["NextToken"] = str(start + most)
    return result


@extends("cloudwatch", "DeleteAlarms")
def delete_alarms(call):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html"""
    names = call["AlarmNames"]
    known = set(backend(call).alarms) | set(composites(call))
    lost = [name for name in names if name not in known]
    if lost:
        raise AwsError("ResourceNotFound", f"Unknown alarms: {', '.join(lost)}", 404)
    for name in names:
        backend(call).tagger.delete_all_tags_for_resource(
            f"arn:{call.partition}:cloudwatch:{call.region}:{call.account}:alarm:{name}")
        composites(call).pop(name, None)
    plain = [name for name in names if name in backend(call).alarms]
    if plain:
        call.moto({"AlarmNames": plain})
    return {}


@extends("cloudwatch", "TagResource", "UntagResource", "ListTagsForResource")
def tags(call):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html"""
    arn = call["ResourceARN"]
    if arn.rsplit(":", 1)[-1] not in composites(call) and ":dashboard/" not in arn:
        return call.moto()
    tagger = backend(call).tagger
    if call.operation == "TagResource":
        tagger.tag_resource(arn, call["Tags"])
    elif call.operation == "UntagResource":
        tagger.untag_resource_using_names(arn, call["TagKeys"])
    else:
        return {"Tags": tagger.list_tags_for_resource(arn)["Tags"]}
    return {}


@extends("cloudwatch", "PutDashboard")
def put_dashboard(call):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html"""
    def bad(text):
        return AwsError("InvalidParameterInput", "The dashboard body is invalid, there are 1 validation errors: "
                        f"[ {{ \"message\": \"{text}\" }} ]", 400)
    try:
        body = json.loads(call["DashboardBody"])
    except ValueError:
        raise bad("The field DashboardBody must be a valid JSON object")
    if not isinstance(body, dict):
        raise bad("The field DashboardBody must be a valid JSON object")
    if not isinstance(body.get("widgets", []), list):
        raise bad("Should be array")
    arn = f"arn:{call.partition}:cloudwatch::{call.account}:dashboard/{call['DashboardName']}"
    before = call["DashboardName"] in backend(call).dashboards
    call.moto({k: v for k, v in call.params.items() if k != "Tags"})
    if call.get("Tags") and not before:
        backend(call).tagger.tag_resource(arn, call["Tags"])
    return {"DashboardValidationMessages": []}
