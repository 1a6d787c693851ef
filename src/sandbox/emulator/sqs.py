"""SQS: every attribute of queues, checked and answered as AWS does. moto loses the policy with each update."""

import json

from moto.sqs.models import sqs_backends

from emulator import documents
from emulator.wire import AwsError, extends

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html: least and most.
NUMBERS = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1_024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
FIFO = {
    "ContentBasedDeduplication": ("false", "true"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
FLAGS = {"SqsManagedSseEnabled": ("false", "true"), **FIFO}
DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")


def invalid(name, value, reason=""):
    words = f"Invalid value for the parameter {name}."
    return AwsError("InvalidAttributeValue", words + (f" Reason: {reason}" if reason else ""), 400)


def unknown(words):
    return AwsError("InvalidAttributeName", words, 400)


def check_redrive(call, name, value, fifo):
    try:
        policy = json.loads(value)
    except ValueError:
        raise invalid(name, value, "Redrive policy is not a valid JSON map.")
    dead, count = policy.get("deadLetterTargetArn"), policy.get("maxReceiveCount")
    if set(policy) != {"deadLetterTargetArn", "maxReceiveCount"} or not 1 <= int(count) <= 1000:
        raise invalid(name, value, "Invalid value for maxReceiveCount: it must be from 1 to 1000.")
    partition, service, region, account, target = dead.split(":")[1:6]
    found = sqs_backends[account][region].queues.get(target)
    if service != "sqs" or region != call.region or found is None:
        raise invalid(name, value, "Dead letter target does not exist.")
    if found.fifo_queue != fifo:
        raise invalid(name, value, "Dead-letter queue must be same type of queue as the source.")
    return json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": int(count)})


def check_allow(name, value):
    try:
        policy = json.loads(value)
    except ValueError:
        raise invalid(name, value, "Redrive allow policy is not a valid JSON map.")
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue") or (permission == "byQueue") != bool(sources):
        raise invalid(name, value)
    if sources is not None and not 1 <= len(sources) <= 10:
        raise invalid(name, value, "It names 1 to 10 source queues.")
    return value


def checked(call, wanted, fifo):
    """The attributes as AWS keeps them; an empty text unsets."""
    kept = {}
    for name, value in wanted.items():
        if name in FIFO and not fifo:
            raise unknown(f"You can specify the {name} only when FifoQueue is set to true.")
        if name in NUMBERS:
            least, most = NUMBERS[name]
            if not value.isdigit() or not least <= int(value) <= most:
                raise invalid(name, value)
        elif name in FLAGS:
            if value not in FLAGS[name]:
                raise invalid(name, value)
        elif name == "Policy" and value:
            documents.resource_policy(value, lambda text: invalid("Policy", value, text))
        elif name == "RedrivePolicy" and value:
            value = check_redrive(call, name, value, fifo)
        elif name == "RedriveAllowPolicy":
            value = check_allow(name, value)
        elif name not in (*DOCUMENTS, "KmsMasterKeyId"):
            raise unknown(f"Unknown Attribute {name}.")
        kept[name] = value
    if kept.get("KmsMasterKeyId") and kept.get("SqsManagedSseEnabled") == "true":
        raise AwsError("InvalidAttributeValue", "You can use one type of server-side encryption (SSE) at one time.", 400)
    return kept


def take(queue, kept):
    known = queue.__dict__.setdefault("dwctl", {"SqsManagedSseEnabled": "true"})
    known.update(kept)
    # One sort of encryption ends the other.
    if kept.get("KmsMasterKeyId"):
        known["SqsManagedSseEnabled"] = "false"
    elif kept.get("SqsManagedSseEnabled") == "true":
        known["KmsMasterKeyId"] = ""
    if known.get("FifoThroughputLimit") == "perMessageGroupId" and known.get("DeduplicationScope") != "messageGroup":
        raise invalid("FifoThroughputLimit", "", "It needs the deduplication scope messageGroup.")
    for name in NUMBERS:
        if name in kept:
            setattr(queue, "".join("_" + one.lower() if one.isupper() else one for one in name)[1:], int(kept[name]))


def queue_of(call):
    queue = call.backend(sqs_backends).queues.get(call["QueueUrl"].rsplit("/", 1)[-1])
    if queue is None:
        raise AwsError("QueueDoesNotExist", "The specified queue does not exist.", 400)
    return queue


def shown(queue):
    known = dict(queue.__dict__.get("dwctl", {"SqsManagedSseEnabled": "true"}))
    if known.get("KmsMasterKeyId"):
        known.setdefault("KmsDataKeyReusePeriodSeconds", "300")
    else:
        known.pop("KmsDataKeyReusePeriodSeconds", None)
    answer = {
        "ApproximateNumberOfMessages": str(queue.approximate_number_of_messages),
        "ApproximateNumberOfMessagesDelayed": str(queue.approximate_number_of_messages_delayed),
        "ApproximateNumberOfMessagesNotVisible": str(queue.approximate_number_of_messages_not_visible),
        "CreatedTimestamp": str(int(queue.created_timestamp)),
        "DelaySeconds": "0",
        "LastModifiedTimestamp": str(int(queue.last_modified_timestamp)),
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "QueueArn": queue.queue_arn,
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
    }
    if queue.fifo_queue:
        answer |= {"FifoQueue": "true"} | {name: values[0] for name, values in FIFO.items()}
    return answer | {name: value for name, value in known.items() if value != ""}


@extends("sqs", "CreateQueue")
def create_queue(call):
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""
    wanted, name = dict(call.get("Attributes", {})), call["QueueName"]
    fifo = wanted.pop("FifoQueue", None)
    if fifo not in (None, "true"):
        raise unknown("Unknown Attribute FifoQueue.")
    if (fifo == "true") != name.endswith(".fifo"):
        raise AwsError("InvalidParameterValue", "The name of a FIFO queue can only include alphanumeric characters, "
                       "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.", 400)
    kept = checked(call, wanted, fifo == "true")
    found = call.backend(sqs_backends).queues.get(name)
    if found is not None:
        there = shown(found)
        for attribute, value in kept.items():
            if there.get(attribute, "") != value:
                raise AwsError("QueueNameExists", "A queue already exists with the same name and a different value "
                               f"for attribute {attribute}", 400)
        return call.ask("GetQueueUrl", {"QueueName": name})
    answer = call.moto({"QueueName": name, "Attributes": {"FifoQueue": "true"} if fifo else {},
                        "tags": call.get("tags", {})})
    take(call.backend(sqs_backends).queues[name], kept)
    return answer


@extends("sqs", "GetQueueAttributes")
def get_queue_attributes(call):
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html"""
    names, answer = call.get("AttributeNames", []), shown(queue_of(call))
    if "All" not in names:
        answer = {name: value for name, value in answer.items() if name in names}
    return {"Attributes": answer} if answer else {}


@extends("sqs", "SetQueueAttributes")
def set_queue_attributes(call):
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""
    queue = queue_of(call)
    take(queue, checked(call, call["Attributes"], queue.fifo_queue))
    return {}
