"""SNS: every attribute of topics and subscriptions, data protection, confirmation."""

import json

from moto.sns.models import sns_backends

from emulator import documents
from emulator.wire import AwsError, extends

# https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
FEEDBACK = tuple(
    protocol + kind
    for protocol in ("HTTP", "Firehose", "Lambda", "Application", "SQS")
    for kind in ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
)
TOPIC = ("DeliveryPolicy", "DisplayName", "Policy", "TracingConfig", "SignatureVersion", "KmsMasterKeyId",
         "FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy", "MaximumMessageSize") + FEEDBACK
SUBSCRIPTION = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
                "SubscriptionRoleArn", "ReplayPolicy")
# Their endpoints must confirm; AWS says so until they do.
TO_CONFIRM = ("email", "email-json", "http", "https")


def invalid(text):
    return AwsError("InvalidParameter", "Invalid parameter: " + text, 400)


def topics(call):
    return call.backend(sns_backends).topics


def topic_of(call, name="TopicArn"):
    topic = topics(call).get(call[name])
    if topic is None:
        raise AwsError("NotFound", "Topic does not exist", 404)
    return topic


def check_attribute(name, value, fifo=None):
    if name not in TOPIC:
        raise invalid("AttributeName")
    if name in ("DeliveryPolicy", "ArchivePolicy") and value:
        try:
            json.loads(value)
        except ValueError:
            raise invalid(f"{name}: is not valid JSON")
    if name == "Policy" and value:
        documents.resource_policy(value, lambda text: invalid("Policy Error: " + text))
    allowed = {"TracingConfig": ("Active", "PassThrough"), "SignatureVersion": ("1", "2"),
               "FifoThroughputScope": ("Topic", "MessageGroup")}.get(name)
    if allowed and value not in allowed:
        raise invalid(f"{name}: must be one of {', '.join(allowed)}")
    if name.endswith("SampleRate") and not (value.isdigit() and int(value) <= 100):
        raise invalid(f"{name}: must be from 0 to 100")
    if fifo is False and name in ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"):
        raise invalid(f"{name}: is only for FIFO topics")


@extends("sns", "CreateTopic")
def create_topic(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html"""
    wanted = dict(call.get("Attributes", {}))
    fifo = str(wanted.get("FifoTopic", "")).lower() == "true"
    for name, value in wanted.items():
        check_attribute(name, value, fifo)
    if call.get("DataProtectionPolicy"):
        documents.parse(call["DataProtectionPolicy"], lambda text: invalid("DataProtectionPolicy: " + text))
    arn = f"arn:{call.partition}:sns:{call.region}:{call.account}:{call['Name']}"
    found = topics(call).get(arn)
    if found is not None:
        shown = attributes(call, found)
        if any(shown.get(name) != value for name, value in wanted.items()):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
        if call.get("Tags"):
            tags = {tag["Key"]: tag["Value"] for tag in call["Tags"]}
            if {key: found._tags.get(key) for key in tags} != tags:
                raise invalid("Tags Reason: Topic already exists with different tags")
        return {"TopicArn": arn}
    answer = call.moto({key: value for key, value in call.params.items() if key != "DataProtectionPolicy"})
    topic = topics(call)[answer["TopicArn"]]
    topic.dwctl = wanted
    topic.dwctl_protection = call.get("DataProtectionPolicy")
    return answer


def attributes(call, topic):
    shown = call.ask("GetTopicAttributes", {"TopicArn": topic.arn})["Attributes"]
    if not shown.get("DeliveryPolicy"):
        shown.pop("DeliveryPolicy", None)
    shown.update({key: value for key, value in getattr(topic, "dwctl", {}).items() if value != ""})
    if shown.get("FifoTopic") == "true":
        shown.setdefault("ContentBasedDeduplication", "false")
        shown.setdefault("FifoThroughputScope", "Topic")
    pending = [one for one in call.backend(sns_backends).subscriptions.values()
               if one.topic is topic and getattr(one, "dwctl_pending", False)]
    confirmed = [one for one in call.backend(sns_backends).subscriptions.values()
                 if one.topic is topic and not getattr(one, "dwctl_pending", False)]
    shown["SubscriptionsPending"], shown["SubscriptionsConfirmed"] = str(len(pending)), str(len(confirmed))
    return shown


@extends("sns", "GetTopicAttributes")
def get_topic_attributes(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html"""
    return {"Attributes": attributes(call, topic_of(call))}


@extends("sns", "SetTopicAttributes")
def set_topic_attributes(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html"""
    topic = topic_of(call)
    name, value = call["AttributeName"], call.get("AttributeValue", "")
    known = topic.__dict__.setdefault("dwctl", {})
    if name == "FifoTopic":
        raise invalid("AttributeName")
    check_attribute(name, value, known.get("FifoTopic") == "true")
    call.ask("SetTopicAttributes", dict(call.params, AttributeValue=value))
    known[name] = value
    return {}


@extends("sns", "PutDataProtectionPolicy", "GetDataProtectionPolicy")
def data_protection(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_PutDataProtectionPolicy.html"""
    topic = topic_of(call, "ResourceArn")
    if call.operation.startswith("Get"):
        policy = getattr(topic, "dwctl_protection", None)
        return {"DataProtectionPolicy": policy} if policy else {}
    if call["DataProtectionPolicy"]:
        documents.parse(call["DataProtectionPolicy"], lambda text: invalid("DataProtectionPolicy: " + text))
    topic.dwctl_protection = call["DataProtectionPolicy"]
    return {}


def check_subscription(wanted):
    for name, value in wanted.items():
        if name not in SUBSCRIPTION:
            raise invalid("AttributeName")
        if name in ("DeliveryPolicy", "FilterPolicy", "RedrivePolicy", "ReplayPolicy") and value:
            try:
                json.loads(value)
            except ValueError:
                raise invalid(f"{name}: is not valid JSON")
        if name == "FilterPolicyScope" and value not in ("MessageAttributes", "MessageBody"):
            raise invalid(f"FilterPolicyScope: {value}")
        if name == "RawMessageDelivery" and value not in ("true", "false"):
            raise invalid(f"RawMessageDelivery: {value}")


@extends("sns", "Subscribe")
def subscribe(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"""
    topic_of(call)
    wanted = dict(call.get("Attributes", {}))
    check_subscription(wanted)
    before = set(call.backend(sns_backends).subscriptions)
    arn = call.moto(dict(call.params, Attributes={k: v for k, v in wanted.items() if k != "ReplayPolicy"}))["SubscriptionArn"]
    subscription = call.backend(sns_backends).subscriptions[arn]
    if arn not in before:
        subscription.dwctl_pending = call["Protocol"] in TO_CONFIRM
        subscription.dwctl = wanted
    elif any(subscription_attributes(call, subscription).get(key) != value for key, value in wanted.items()):
        raise invalid("Attributes Reason: Subscription already exists with different attributes")
    if getattr(subscription, "dwctl_pending", False) and not call.get("ReturnSubscriptionArn"):
        return {"SubscriptionArn": "pending confirmation"}
    return {"SubscriptionArn": arn}


@extends("sns", "ConfirmSubscription")
def confirm_subscription(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
    No mail is sent here: the token is what the ARN of the subscription ends with."""
    topic_of(call)
    for subscription in call.backend(sns_backends).subscriptions.values():
        if subscription.arn == call["TopicArn"] + ":" + call["Token"]:
            subscription.dwctl_pending = False
            return {"SubscriptionArn": subscription.arn}
    raise invalid("Token")


def subscription_attributes(call, subscription):
    shown = call.ask("GetSubscriptionAttributes", {"SubscriptionArn": subscription.arn})["Attributes"]
    shown.update(getattr(subscription, "dwctl", {}))
    pending = getattr(subscription, "dwctl_pending", False)
    shown["PendingConfirmation"] = "true" if pending else "false"
    shown["ConfirmationWasAuthenticated"] = "false" if pending else "true"
    if shown.get("FilterPolicy"):
        shown.setdefault("FilterPolicyScope", "MessageAttributes")
    else:
        shown.pop("FilterPolicy", None)
        shown.pop("FilterPolicyScope", None)
    return {key: str(value).lower() if isinstance(value, bool) else value
            for key, value in shown.items() if value != ""}


@extends("sns", "GetSubscriptionAttributes")
def get_subscription_attributes(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html"""
    subscription = call.backend(sns_backends).subscriptions.get(call["SubscriptionArn"])
    if subscription is None:
        raise AwsError("NotFound", "Subscription does not exist", 404)
    return {"Attributes": subscription_attributes(call, subscription)}


@extends("sns", "SetSubscriptionAttributes")
def set_subscription_attributes(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html"""
    subscription = call.backend(sns_backends).subscriptions.get(call["SubscriptionArn"])
    if subscription is None:
        raise AwsError("NotFound", "Subscription does not exist", 404)
    name, value = call["AttributeName"], call.get("AttributeValue", "")
    check_subscription({name: value})
    if not (name == "FilterPolicy" and value in ("", "{}")) and name != "ReplayPolicy":
        call.ask("SetSubscriptionAttributes", dict(call.params, AttributeValue=value))
    known = subscription.__dict__.setdefault("dwctl", {})
    known[name] = "" if name == "FilterPolicy" and value == "{}" else value
    return {}


@extends("sns", "ListSubscriptions", "ListSubscriptionsByTopic")
def list_subscriptions(call):
    """https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html"""
    answer = call.moto()
    subscriptions = call.backend(sns_backends).subscriptions
    for shown in answer.get("Subscriptions", []):
        if getattr(subscriptions.get(shown["SubscriptionArn"]), "dwctl_pending", False):
            shown["SubscriptionArn"] = "PendingConfirmation"
    return answer
