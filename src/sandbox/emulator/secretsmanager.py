"""Secrets Manager: rotation rules as they were sent, policies that are JSON."""

from moto.secretsmanager.models import secretsmanager_backends

from emulator import documents
from emulator.wire import AwsError, extends


def secret_of(call, name="SecretId"):
    call.ask("DescribeSecret", {"SecretId": call[name]})  # moto names the error where it is missing
    secret = call.backend(secretsmanager_backends).secrets[call[name]]
    if secret.is_deleted():
        raise AwsError("InvalidRequestException", "You can't perform this operation on the secret because it was "
                       "marked for deletion.")
    return secret


@extends("secretsmanager", "CreateSecret")
def create(call):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"""
    secret = call.backend(secretsmanager_backends).secrets.get(call["Name"])
    if secret is not None and secret.is_deleted():
        raise AwsError("InvalidRequestException", "You can't create this secret because a secret with this name is "
                       "already scheduled for deletion.")
    return call.moto()


@extends("secretsmanager", "UpdateSecret")
def update(call):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html"""
    answer = call.moto()
    if call.get("Description") == "":  # moto takes it for a description that was not sent
        secret_of(call).description = ""
    return answer


@extends("secretsmanager", "PutResourcePolicy")
def put_policy(call):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html"""
    secret_of(call)
    documents.resource_policy(
        call["ResourcePolicy"], lambda text: AwsError("MalformedPolicyDocumentException", text))
    return call.moto()


@extends("secretsmanager", "RotateSecret")
def rotate(call):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html

    The rotation is set up. The function is not run, as the sandbox runs no functions.
    """
    secret = secret_of(call)
    function = call.get("RotationLambdaARN") or secret.rotation_lambda_arn
    if not function:
        raise AwsError("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    rules = call.get("RotationRules")
    if rules and ("AutomaticallyAfterDays" in rules) == ("ScheduleExpression" in rules):
        raise AwsError("InvalidParameterException",
                       "RotationRules must have either AutomaticallyAfterDays or ScheduleExpression.")
    days = (rules or {}).get("AutomaticallyAfterDays")
    if days is not None and not 1 <= days <= 1000:
        raise AwsError("InvalidParameterException", "AutomaticallyAfterDays must be from 1 to 1000.")
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    if rules:
        secret.dwctl_rules = dict(rules)
        secret.auto_rotate_after_days = days or 0
    version = call.get("ClientRequestToken") or next(iter(secret.versions or {}), None)
    answer = {"ARN": secret.arn, "Name": secret.name}
    if version:
        answer["VersionId"] = version
    return answer


@extends("secretsmanager", "DescribeSecret", "ListSecrets")
def describe(call):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html"""
    answer = call.moto()
    secrets = call.backend(secretsmanager_backends).secrets
    for shown in answer["SecretList"] if "SecretList" in answer else [answer]:
        secret = secrets.get(shown.get("Name"))
        rules = getattr(secret, "dwctl_rules", None)
        if rules and getattr(secret, "rotation_requested", False):
            shown["RotationRules"] = rules
    return answer


@extends("secretsmanager", "DeleteResourcePolicy")
def delete_policy(call):
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html"""
    secret_of(call)
    return call.moto()
