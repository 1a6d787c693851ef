"""KMS: the rotation period, and policies that are JSON."""

from moto.kms import models
from moto.kms.models import kms_backends

from emulator import documents
from emulator.wire import AwsError, extends

_pair = models.generate_private_key


def pair(key_spec):
    """moto makes a pair of keys for symmetric keys, too, which takes longer than all else."""
    return _pair(key_spec) if key_spec.startswith(("RSA_", "ECC_")) else None


models.generate_private_key = pair


def bad(text):
    return AwsError("MalformedPolicyDocumentException", text)


def key_of(call):
    """moto's key. Its state is checked by moto, which names the error."""
    call.ask("DescribeKey", {"KeyId": call["KeyId"]})
    backend = call.backend(kms_backends)
    return backend.keys[backend.get_key_id(backend.any_id_to_key_id(call["KeyId"]))]


def usable(call):
    key = key_of(call)
    if key.key_state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    return key


@extends("kms", "CreateKey", "PutKeyPolicy")
def policies(call):
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"""
    if call.get("Policy") is not None:
        documents.resource_policy(call["Policy"], bad)
    if call.operation == "PutKeyPolicy":
        usable(call)
    return call.moto()


@extends("kms", "EnableKeyRotation", "DisableKeyRotation")
def rotation(call):
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html"""
    key = usable(call)
    period = call.get("RotationPeriodInDays")
    if period is not None and not 90 <= period <= 2560:
        raise AwsError("ValidationException", "RotationPeriodInDays must be from 90 to 2560.")
    if call.operation == "EnableKeyRotation":
        if key.key_spec != "SYMMETRIC_DEFAULT" or key.origin not in ("AWS_KMS", None):
            raise AwsError("UnsupportedOperationException", f"{key.arn} does not support automatic rotation.")
        key.dwctl_period = period or 365  # "If no value is specified, the default value is 365 days."
    return call.moto()


@extends("kms", "GetKeyRotationStatus")
def rotation_status(call):
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html"""
    answer = call.moto()
    key = key_of(call)
    if answer.get("KeyRotationEnabled"):
        answer["RotationPeriodInDays"] = getattr(key, "dwctl_period", 365)
    answer["KeyId"] = key.arn
    return answer
