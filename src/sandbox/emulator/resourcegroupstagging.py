"""Resource Groups Tagging: what moto's index lacks of the services here, pages as AWS makes them."""

from moto.cloudtrail.models import cloudtrail_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.resource_tagging import iter_taggable_backends, make_tag_matcher, match_resource_type
from moto.events.models import events_backends
from moto.iam.models import iam_backends

from emulator.wire import AwsError, extends


def invalid(text):
    return AwsError("InvalidParameterException", text)


def everything(call):
    """(ARN, resource type, tags) of all that has tags."""
    for backend in iter_taggable_backends(call.account, call.region):
        for one in backend.iter_tagged_resources():
            yield one.arn, one.resource_type, one.tags
    cloudwatch = call.backend(cloudwatch_backends)
    for name in call.state(service="cloudwatch").get("composite", {}):
        arn = f"arn:{call.partition}:cloudwatch:{call.region}:{call.account}:alarm:{name}"
        yield arn, "cloudwatch:alarm", cloudwatch.tagger.get_tag_dict_for_resource(arn)
    for name in cloudwatch.dashboards:
        arn = f"arn:{call.partition}:cloudwatch::{call.account}:dashboard/{name}"
        yield arn, "cloudwatch:dashboard", cloudwatch.tagger.get_tag_dict_for_resource(arn)
    cloudtrail = call.backend(cloudtrail_backends)
    for trail in cloudtrail.trails.values():
        yield trail.arn, "cloudtrail:trail", cloudtrail.tagging_service.get_tag_dict_for_resource(trail.arn)
    events = call.backend(events_backends)
    for bus in events.event_buses.values():
        for rule in bus.rules.values():
            yield rule.arn, "events:rule", events.tagger.get_tag_dict_for_resource(rule.arn)
    # IAM is in the index of one region, and of its kinds policies are, roles and users are not:
    # https://docs.aws.amazon.com/ARG/latest/userguide/supported-resources.html
    if call.region == "us-east-1":
        for policy in iam_backends[call.account]["aws"].managed_policies.values():
            if f"::{call.account}:" in policy.arn:
                yield policy.arn, "iam:policy", {tag["Key"]: tag["Value"] for tag in policy.tags.values()}


@extends("resourcegroupstaggingapi", "GetResources")
def get_resources(call):
    """https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html"""
    filters, arns, kinds = call.get("TagFilters", []), call.get("ResourceARNList"), call.get("ResourceTypeFilters")
    most, most_tags = call.get("ResourcesPerPage", 50), call.get("TagsPerPage")
    if arns and (kinds or filters or call.get("ResourcesPerPage") or most_tags or call.get("PaginationToken")):
        raise invalid("ResourceARNList cannot be used together with filters or pages.")
    if not 1 <= most <= 100:
        raise invalid("ResourcesPerPage must be from 1 to 100.")
    if most_tags is not None and not 100 <= most_tags <= 500:
        raise invalid("TagsPerPage must be from 100 to 500.")
    if len(filters) > 50 or any(not one.get("Key") or len(one.get("Values") or []) > 20 for one in filters):
        raise invalid("TagFilters takes up to 50 keys, and up to 20 values for each.")
    matches = make_tag_matcher(filters)
    found = {
        arn: tags for arn, kind, tags in everything(call)
        if tags and matches(tags) and match_resource_type(kind, kinds) and (not arns or arn in arns)
    }
    rest = sorted(found.items())
    after = call.get("PaginationToken", "")
    if after:
        # A page begins where the last one ended, whatever has come and gone meanwhile.
        rest = [one for one in rest if one[0] > after]
    page, count = [], 0
    for arn, tags in rest:
        if not arns and (len(page) == most or page and most_tags and count + len(tags) > most_tags):
            break
        count += len(tags)
        page.append({"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]})
    return {"ResourceTagMappingList": page,
            "PaginationToken": page[-1]["ResourceARN"] if len(page) < len(rest) else ""}
