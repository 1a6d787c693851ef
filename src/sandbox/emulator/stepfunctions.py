"""Step Functions: definitions that are checked, idempotent creation, whole updates."""

import json
import re

from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser.models import stepfunctions_parser_backends as stepfunctions_backends

from emulator import interpreter  # noqa: F401  (it changes moto's)
from emulator.wire import AwsError, extends, now

# Services with integrations of their own; others are called by `aws-sdk`.
# https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
OPTIMIZED = (
    "apigateway", "athena", "aws-sdk", "batch", "bedrock", "codebuild", "databrew", "dynamodb", "ecs", "eks",
    "elasticmapreduce", "emr-containers", "emr-serverless", "events", "glue", "http", "lambda", "mediaconvert",
    "sagemaker", "sns", "sqs", "states",
)
TYPES = ("Task", "Pass", "Wait", "Choice", "Succeed", "Fail", "Parallel", "Map")


def faults(definition):
    """What is wrong with a definition: (code, message, where).

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
    """
    try:
        document = json.loads(definition)
    except (TypeError, ValueError) as error:
        return [("INVALID_JSON_DESCRIPTION", str(error), "/")]
    if not isinstance(document, dict):
        return [("INVALID_JSON_DESCRIPTION", "The definition is not an object", "/")]
    return list(_machine(document, ""))


def _machine(machine, at):
    code = "SCHEMA_VALIDATION_FAILED"
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield (code, "The field 'States' is required", at + "/States")
        return
    if not machine.get("StartAt"):
        yield (code, "The field 'StartAt' is required", at + "/StartAt")
    elif machine["StartAt"] not in states:
        yield ("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {machine['StartAt']}", at + "/StartAt")
    for name, state in states.items():
        here = f"{at}/States/{name}"
        kind = state.get("Type") if isinstance(state, dict) else None
        if kind not in TYPES:
            yield (code, f"Type is not one of {list(TYPES)}", here + "/Type")
            continue
        nexts = [("Next", state.get("Next"))] + [
            ("Catch", one.get("Next")) for one in state.get("Catch") or []] + [("Default", state.get("Default"))]
        if kind == "Choice":
            nexts += [("Choices", one.get("Next")) for one in state.get("Choices") or []]
            if not state.get("Choices"):
                yield (code, "The field 'Choices' is required", here + "/Choices")
        elif kind not in ("Succeed", "Fail") and bool(state.get("Next")) == bool(state.get("End")):
            yield (code, "Exactly one of 'Next' and 'End' is required", here)
        for field, target in nexts:
            if target is not None and target not in states:
                yield ("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", f"{here}/{field}")
        if kind == "Task" and not state.get("Resource"):
            yield (code, "The field 'Resource' is required", here + "/Resource")
        integration = re.match(r"arn:aws[a-z-]*:states:::([a-z-]+):", str(state.get("Resource") or ""))
        if kind == "Task" and integration and integration.group(1) not in OPTIMIZED:
            yield (code, f"The resource provided {state['Resource']} is not recognized. The value is not a valid "
                   "resource ARN, or the resource is not available in this region.", here + "/Resource")
        if kind == "Parallel":
            if not state.get("Branches"):
                yield (code, "The field 'Branches' is required", here + "/Branches")
            for index, branch in enumerate(state.get("Branches") or []):
                yield from _machine(branch, f"{here}/Branches[{index}]")
        if kind == "Map":
            inner = state.get("ItemProcessor") or state.get("Iterator")
            if not inner:
                yield (code, "The field 'ItemProcessor' is required", here + "/ItemProcessor")
            else:
                yield from _machine(inner, here + "/ItemProcessor")


def check(definition):
    found = faults(definition)
    if found:
        code, message, at = found[0]
        raise AwsError("InvalidDefinition", f"Invalid State Machine Definition: '{code}: {message} at {at}'")


def machine_of(call):
    arn = call["stateMachineArn"]
    found = next((one for one in call.backend(stepfunctions_backends).state_machines if one.arn == arn), None)
    if found is None:
        raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    return found


def logging(value):
    value = dict(value or {})
    value.setdefault("level", "OFF")
    value.setdefault("includeExecutionData", False)
    if value["level"] != "OFF" and not value.get("destinations"):
        raise AwsError("InvalidLoggingConfiguration",
                       "Invalid Logging Configuration: Must specify exactly one Log Destination.")
    if not value.get("destinations"):
        value.pop("destinations", None)
    return value


def encryption(value):
    value = dict(value or {"type": "AWS_OWNED_KEY"})
    if value["type"] == "CUSTOMER_MANAGED_KMS_KEY":
        if not value.get("kmsKeyId"):
            raise AwsError("InvalidEncryptionConfiguration",
                           "Invalid Encryption Configuration: kmsKeyId must be specified.")
        value.setdefault("kmsDataKeyReusePeriodSeconds", 300)
    return value


@extends("stepfunctions", "CreateStateMachine")
def create(call):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"""
    check(call["definition"])
    arn = f"arn:{call.partition}:states:{call.region}:{call.account}:stateMachine:{call['name']}"
    wanted = {
        "definition": call["definition"], "type": call.get("type", "STANDARD"),
        "loggingConfiguration": logging(call.get("loggingConfiguration")),
        "tracingConfiguration": call.get("tracingConfiguration", {"enabled": False}),
        "encryptionConfiguration": encryption(call.get("encryptionConfiguration")),
    }
    found = next((one for one in call.backend(stepfunctions_backends).state_machines if one.arn == arn), None)
    if found is not None:
        # A different role or other tags are ignored.
        if any(getattr(found, key) != value for key, value in wanted.items()):
            raise AwsError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        return {"stateMachineArn": arn, "creationDate": found.creation_date}
    answer = call.moto()
    machine = next(one for one in call.backend(stepfunctions_backends).state_machines if one.arn == arn)
    for key, value in wanted.items():
        setattr(machine, key, value)
    return answer


@extends("stepfunctions", "UpdateStateMachine")
def update(call):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html"""
    machine = machine_of(call)
    members = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
    if not any(call.get(name) is not None for name in members):
        raise AwsError("MissingRequiredParameter",
                       "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration or "
                       "the EncryptionConfiguration must be specified")
    if call.get("definition") is not None:
        check(call["definition"])
    settled = {}
    if call.get("loggingConfiguration") is not None:
        settled["loggingConfiguration"] = logging(call["loggingConfiguration"])
    if call.get("encryptionConfiguration") is not None:
        settled["encryptionConfiguration"] = encryption(call["encryptionConfiguration"])
    for name in ("definition", "roleArn", "tracingConfiguration"):
        if call.get(name) is not None:
            settled[name] = call[name]
    for name, value in settled.items():
        setattr(machine, name, value)
    machine.dwctl_revision = str(mock_random.uuid4())
    machine.update_date = now().replace(tzinfo=None)
    answer = {"updateDate": now(), "revisionId": machine.dwctl_revision}
    if call.get("publish"):
        machine.publish(call.get("versionDescription"))
        answer["stateMachineVersionArn"] = machine.latest_version.arn
    return answer


@extends("stepfunctions", "DescribeStateMachine")
def describe(call):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html"""
    answer = call.moto()
    machine = next((one for one in call.backend(stepfunctions_backends).state_machines
                    if one.arn == answer["stateMachineArn"]), None)
    if machine is not None:
        for name in ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration", "type"):
            answer[name] = getattr(machine, name)
        if getattr(machine, "dwctl_revision", None):
            answer["revisionId"] = machine.dwctl_revision
    return answer


@extends("stepfunctions", "ListStateMachineVersions")
def versions(call):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListStateMachineVersions.html

    The page has no error for a state machine that does not exist: it has no versions. All are on one page.
    """
    machines = call.backend(stepfunctions_backends).state_machines
    published = [version for machine in machines if machine.arn == call["stateMachineArn"]
                 for version in machine.versions.values()]
    return {"stateMachineVersions": [
        {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}
        for version in sorted(published, key=lambda version: -version.version)]}


@extends("stepfunctions", "ValidateStateMachineDefinition")
def validate(call):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html"""
    found = faults(call["definition"])
    return {
        "result": "FAIL" if found else "OK",
        "diagnostics": [{"severity": "ERROR", "code": code, "message": message, "location": at}
                        for code, message, at in found],
        "truncated": False,
    }


@extends("stepfunctions", "StartExecution")
def start(call):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html

    Without a name AWS makes one up; moto calls all of these the same.
    """
    return call.moto(dict(call.params, name=call.get("name") or str(mock_random.uuid4())))
