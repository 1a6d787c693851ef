"""EventBridge: schedules that are checked, UpdateEventBus, rules with targets."""

import re

from moto.events.models import events_backends

from emulator.wire import AwsError, extends, now


def invalid(text):
    return AwsError("ValidationException", text)


def check_schedule(expression):
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"""
    bad = invalid("Parameter ScheduleExpression is not valid.")
    rate = re.fullmatch(r"rate\((\d+) (minutes?|hours?|days?)\)", expression)
    if rate:
        count, unit = int(rate[1]), rate[2]
        if count < 1 or (count == 1) == unit.endswith("s"):
            raise bad
        return
    cron = re.fullmatch(r"cron\(([^)]*)\)", expression)
    fields = cron[1].split() if cron else []
    if len(fields) != 6:
        raise bad
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
    names = ("", "", "", "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT", "")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise bad
    for index, field in enumerate(fields):
        low, high = limits[index]
        for part in field.split(","):
            if part in ("*", "?") and (part == "*" or index in (2, 4)):
                continue
            if index == 2 and re.fullmatch(r"L|LW|\d{1,2}W", part) or index == 4 and re.fullmatch(
                r"L|[1-7A-Z]+L|[1-7A-Z]+#[1-5]", part
            ):
                continue
            found = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", part)
            if not found:
                raise bad
            for value in found.group(1, 2):
                if value in (None, "*"):
                    continue
                if not (value.isdigit() and low <= int(value) <= high or value.upper() in names[index].split()):
                    raise bad


def buses(call):
    return call.backend(events_backends).event_buses


def bus_of(call, name):
    name = (name or "default").split("/")[-1]
    bus = buses(call).get(name)
    if bus is None:
        raise AwsError("ResourceNotFoundException", f"Event bus {name} does not exist.")
    return bus


@extends("events", "PutRule")
def put_rule(call):
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"""
    if call.get("ScheduleExpression"):
        check_schedule(call["ScheduleExpression"])
    params = dict(call.params)
    bus = bus_of(call, call.get("EventBusName"))
    if call["Name"] in bus.rules:
        params.pop("Tags", None)  # "If you are updating an existing rule, any tags you specify are ignored."
    return call.moto(params)


@extends("events", "DeleteRule")
def delete_rule(call):
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html"""
    rule = bus_of(call, call.get("EventBusName")).rules.get(call["Name"])
    if rule is None:
        return {}
    if rule.targets:
        raise invalid("Rule can't be deleted since it has targets.")
    answer = call.moto()
    call.backend(events_backends).tagger.delete_all_tags_for_resource(rule.arn)
    return answer


@extends("events", "PutTargets")
def put_targets(call):
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html"""
    rule = bus_of(call, call.get("EventBusName")).rules.get(call["Rule"])
    if rule is None:
        raise AwsError("ResourceNotFoundException", f"Rule {call['Rule']} does not exist on EventBus "
                       f"{call.get('EventBusName', 'default')}.")
    ids = {target["Id"] for target in rule.targets} | {target["Id"] for target in call["Targets"]}
    if len(ids) > 5:
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    for target in call["Targets"]:
        if sum(target.get(name) is not None for name in ("Input", "InputPath", "InputTransformer")) > 1:
            raise invalid(f"Only one of Input, InputPath, or InputTransformer must be provided for target "
                          f"{target['Id']}.")
        if re.match(r"arn:aws[a-z-]*:(states|ecs|redshift|kinesis|glue|batch|codebuild)", target["Arn"]) and not (
            target.get("RoleArn")
        ):
            raise invalid(f"RoleArn is required for target {target['Arn']}.")
    return call.moto()


@extends("events", "UpdateEventBus")
def update_event_bus(call):
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateEventBus.html"""
    bus = bus_of(call, call.get("Name"))
    for name, attribute in (("Description", "description"), ("KmsKeyIdentifier", "kms_key_identifier"),
                            ("DeadLetterConfig", "dead_letter_config")):
        if call.get(name) is not None:
            setattr(bus, attribute, call[name] or None)
    bus.last_modified_time = now().timestamp()
    answer = {"Arn": bus.arn, "Name": bus.name, "Description": bus.description,
              "KmsKeyIdentifier": bus.kms_key_identifier, "DeadLetterConfig": bus.dead_letter_config}
    return {key: value for key, value in answer.items() if value}


@extends("events", "DeleteEventBus")
def delete_event_bus(call):
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html"""
    bus = buses(call).get(call["Name"].split("/")[-1])
    if bus is None:
        return {}
    if bus.rules:
        raise invalid("Event bus can't be deleted since it has rules.")
    answer = call.moto()
    call.backend(events_backends).tagger.delete_all_tags_for_resource(bus.arn)
    return answer
