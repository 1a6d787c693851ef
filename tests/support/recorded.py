"""Lays out what AWS was seen to answer: tests/data/recorded/errors.json and answers.json.

    recorded.py CHECKOUT

CHECKOUT is a checkout of https://github.com/localstack/localstack, whose tests record the answers of AWS to calls
in real accounts (tests/aws/services/**/*.snapshot.json, Apache-2.0). Names, ids and times are replaced there; here
they become plausible again. Needs botocore's data files: run it with the Python of the emulator.

A new kind adds what it reads to READS, and runs this again.
"""
import glob
import json
import os
import re
import sys
from email.utils import format_datetime
from datetime import datetime, timezone
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ServiceModel

import layout
import models

# Our services, by the folders of the recorded tests: the crates.
KINDS = os.listdir(os.path.join(layout.ROOT, "tests", "kinds"))
SERVICES = {models.crates()[crate]: crate for crate in sorted({kind.split("_")[0] for kind in KINDS})}
ACCOUNT = "123456789012"
# Account ids of AWS's documentation, and what the recorder writes for its own.
HARMLESS = {"111111111111", "111122223333", "123456789012", "000000000000", "426614174000"}
AT = datetime(2026, 1, 2, tzinfo=timezone.utc)


# --------------------------------------------------------------------------- what is read

class Read:
    """A call by which a kind reads, recognised by the members of its answer."""

    def __init__(self, service, signing, operation, members, of, fits=lambda answer: True, label=""):
        self.model, self.signing, self.operation = service, signing, operation
        self.members, self.of, self.fits, self.label = set(members.split()), of, fits, label

    def is_in(self, service, label, answer):
        """Whether an answer that was recorded in the tests of a service is one to this call."""
        is_near = service in (self.model, "cloudformation") and self.label in label
        return is_near and self.members <= set(answer) and self.fits(answer)


def queue_url(answer):
    suffix = ".fifo" if "FifoQueue" in answer["Attributes"] else ""
    return f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/queue{suffix}"


READS = {
    "cloudwatch_alarm": [
        Read("cloudwatch", "monitoring", "DescribeAlarms", "MetricAlarms CompositeAlarms",
             lambda a: a["MetricAlarms"][0]["AlarmName"], lambda a: len(a["MetricAlarms"]) == 1),
    ],
    "cloudwatch_dashboard": [
        Read("cloudwatch", "monitoring", "GetDashboard", "DashboardBody DashboardName", lambda a: a["DashboardName"]),
    ],
    "cloudwatchlogs_log_group": [
        Read("logs", "logs", "DescribeLogGroups", "logGroups", lambda a: a["logGroups"][0]["logGroupName"],
             lambda a: len(a["logGroups"]) == 1),
        Read("logs", "logs", "DescribeMetricFilters", "metricFilters", lambda a: "group",
             lambda a: a["metricFilters"] and "logGroupName" in a["metricFilters"][0]),
        Read("logs", "logs", "DescribeSubscriptionFilters", "subscriptionFilters",
             lambda a: "group", lambda a: a["subscriptionFilters"]),
    ],
    "ec2_vpc": [
        # What CreateVpc says of a VPC is what DescribeVpcs says of it.
        Read("ec2", "ec2", "DescribeVpcs", "Vpc", lambda a: a["Vpcs"][0]["VpcId"]),
    ],
    "eventbridge_rule": [
        Read("events", "events", "ListRules", "Rules", lambda a: bus(a["Rules"][0]) + "|" + a["Rules"][0]["Name"],
             lambda a: len(a["Rules"]) == 1 and "Arn" in a["Rules"][0]),
        Read("events", "events", "ListTargetsByRule", "Targets", lambda a: "default|rule",
             lambda a: a["Targets"] and "Id" in a["Targets"][0]),
    ],
    "iam_policy": [
        Read("iam", "iam", "GetPolicy", "Policy", lambda a: a["Policy"]["Arn"],
             lambda a: isinstance(a["Policy"], dict) and "DefaultVersionId" in a["Policy"]),
    ],
    "iam_role": [
        Read("iam", "iam", "GetRole", "Role", lambda a: a["Role"]["RoleName"]),
        Read("iam", "iam", "GetRolePolicy", "RoleName PolicyName PolicyDocument", lambda a: "role"),
        Read("iam", "iam", "ListAttachedRolePolicies", "AttachedPolicies", lambda a: "role",
             lambda a: a["AttachedPolicies"]),
    ],
    "kms_key": [
        Read("kms", "kms", "DescribeKey", "KeyMetadata", lambda a: a["KeyMetadata"]["KeyId"],
             # The kind makes no keys whose material is of someone else.
             lambda a: a["KeyMetadata"].get("Origin") == "AWS_KMS"),
    ],
    "s3_bucket": [
        Read("s3", "s3", "GetBucketEncryption", "ServerSideEncryptionConfiguration", lambda a: "lake"),
        Read("s3", "s3", "GetBucketCors", "CORSRules", lambda a: "lake"),
        Read("s3", "s3", "GetBucketLifecycleConfiguration", "Rules", lambda a: "lake",
             lambda a: a["Rules"] and "Status" in a["Rules"][0]),
        Read("s3", "s3", "GetBucketLogging", "LoggingEnabled", lambda a: "lake"),
        Read("s3", "s3", "GetBucketPolicy", "Policy", lambda a: "lake",
             lambda a: set(a) == {"Policy"} and "Statement" in a["Policy"]),
        Read("s3", "s3", "GetBucketReplication", "ReplicationConfiguration", lambda a: "lake"),
        Read("s3", "s3", "GetPublicAccessBlock", "PublicAccessBlockConfiguration", lambda a: "lake"),
        Read("s3", "s3", "GetBucketOwnershipControls", "OwnershipControls", lambda a: "lake"),
        Read("s3", "s3", "GetBucketRequestPayment", "Payer", lambda a: "lake"),
        Read("s3", "s3", "GetObjectLockConfiguration", "ObjectLockConfiguration", lambda a: "lake"),
        Read("s3", "s3", "GetBucketVersioning", "Status", lambda a: "lake", label="versioning"),
        Read("s3", "s3", "GetBucketAccelerateConfiguration", "Status", lambda a: "lake", label="accelerate"),
        Read("s3", "s3", "GetBucketWebsite", "IndexDocument", lambda a: "lake"),
        Read("s3", "s3", "GetBucketWebsite", "RedirectAllRequestsTo", lambda a: "lake"),
        Read("s3", "s3", "GetBucketNotificationConfiguration", "QueueConfigurations", lambda a: "lake"),
        Read("s3", "s3", "GetBucketNotificationConfiguration", "TopicConfigurations", lambda a: "lake"),
        Read("s3", "s3", "GetBucketNotificationConfiguration", "EventBridgeConfiguration", lambda a: "lake"),
        Read("s3", "s3", "ListBucketMetricsConfigurations", "MetricsConfigurationList", lambda a: "lake"),
        Read("s3", "s3", "ListBucketInventoryConfigurations", "InventoryConfigurationList", lambda a: "lake"),
        Read("s3", "s3", "ListBucketIntelligentTieringConfigurations", "IntelligentTieringConfigurationList",
             lambda a: "lake"),
    ],
    "s3_object": [
        Read("s3", "s3", "HeadObject", "AcceptRanges ETag ContentLength", lambda a: "lake/k",
             lambda a: "Body" not in a and "SSECustomerAlgorithm" not in a and "ContentRange" not in a),
    ],
    "secretsmanager_secret": [
        Read("secretsmanager", "secretsmanager", "DescribeSecret", "ARN VersionIdsToStages", lambda a: a["ARN"],
             # One that is deleted is gone.
             lambda a: "DeletedDate" not in a),
        Read("secretsmanager", "secretsmanager", "GetResourcePolicy", "ARN ResourcePolicy",
             lambda a: f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:secret-AbCdEf"),
    ],
    "sfn_state_machine": [
        Read("stepfunctions", "states", "DescribeStateMachine", "stateMachineArn definition status",
             # A version has a number.
             lambda a: a["stateMachineArn"], lambda a: not re.search(r":\d+$", a["stateMachineArn"])),
    ],
    "sns_subscription": [
        Read("sns", "sns", "GetSubscriptionAttributes", "Attributes", lambda a: a["Attributes"]["SubscriptionArn"],
             lambda a: "SubscriptionArn" in a["Attributes"]),
    ],
    "sns_topic": [
        Read("sns", "sns", "GetTopicAttributes", "Attributes", lambda a: a["Attributes"]["TopicArn"],
             lambda a: "TopicArn" in a["Attributes"] and "SubscriptionArn" not in a["Attributes"]),
        Read("sns", "sns", "GetDataProtectionPolicy", "DataProtectionPolicy",
             lambda a: f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"),
    ],
    "sqs_queue": [
        # With what AWS chooses where nothing is said.
        Read("sqs", "sqs", "GetQueueAttributes", "Attributes", queue_url, label="initial-values"),
        Read("sqs", "sqs", "GetQueueAttributes", "Attributes", queue_url,
             lambda a: "QueueArn" in a["Attributes"] or set(a["Attributes"]) == {"Policy"}),
    ],
}
# Kinds whose id is an ARN: in some recordings a placeholder has its place.
BY_ARN = {"iam_policy", "secretsmanager_secret", "sfn_state_machine", "sns_subscription", "sns_topic"}
# Members of the recorded answer that stand under another name in the answer that it is laid out as.
INSTEAD = {
    # The recorder has taken `default` for the name of something.
    ("ec2_vpc", "DescribeVpcs"): lambda answer: {"Vpcs": [{**answer["Vpc"], "InstanceTenancy": "default"}]},
}


def bus(rule):
    return rule.get("EventBusName", "default")


# --------------------------------------------------------------------------- plausible again

def plausible(text):
    """A text of a recording with something that fits in the place of each placeholder."""

    def one(found):
        name, number = found.group(1).lower(), found.group(2) or "1"
        if "region" in name:
            return "us-east-1"
        if name == "partition":
            return "aws"
        if name in ("account-id", "accountid"):
            return ACCOUNT
        if name == "path":
            return f"/path-{number}/"
        if "uuid" in name or name in ("key-id", "ssekmskeyid", "s-s-e-k-m-s-key-id", "revision-id"):
            return "00000000-0000-4000-8000-" + number.zfill(12)
        return f"{name}-{number}"

    text = re.sub(r"<([A-Za-z][\w -]*?)(?:[:_](\d+)(?:idx)?)?>", one, text)
    return re.sub("s(nf|fn)_role_arn", f"arn:aws:iam::{ACCOUNT}:role/role", text).replace("111111111111", ACCOUNT)


def is_harmless(text):
    """Whether it names no account, no stack and no key of anyone."""
    ids = set(re.findall(r"(?<![\d-])\d{12}(?!\d)", text))
    return ids <= HARMLESS and not re.search(r"\b(AKIA|ASIA)[A-Z0-9]{16}|aws:cloudformation:stack-id", text)


# --------------------------------------------------------------------------- over the wire

# Where a list goes on: what is recorded is a last page.
PAGES = {"NextToken", "nextToken", "Marker", "NextMarker", "IsTruncated", "ContinuationToken", "NextContinuationToken"}
# What stands around an answer of S3 where its model does not say
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html).
ROOTS = {
    "GetBucketCors": "CORSConfiguration", "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus", "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration", "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "GetBucketVersioning": "VersioningConfiguration", "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
}


XSI = "http://www.w3.org/2001/XMLSchema-instance"


class Misfit(ValueError):
    """A placeholder stands where there is more than a text."""


class Wire:
    """Writes an answer as its service's protocol does."""

    def __init__(self, service):
        self.model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        self.protocol = self.model.metadata["protocol"]

    def answer(self, operation, answer):
        """The inside of the answer, and its headers."""
        shape = self.model.operation_model(operation).output_shape
        self.root = ROOTS.get(operation, shape.name)
        answer = {name: value for name, value in sorted(answer.items()) if name in shape.members and name not in PAGES}
        self.enums = {}
        if self.protocol in ("json", "smithy-rpc-v2-cbor"):
            return json.dumps(self.json(shape, answer), sort_keys=True), {}
        if self.protocol == "rest-xml":
            return self.rest(shape, answer)
        return self.members(shape, answer), {}

    def text(self, shape, value, path=()):
        if shape.type_name == "string" and shape.enum:
            # Another value that it might have.
            self.enums[".".join(path)] = next(one for one in [*shape.enum, "none"] if one != value)
        if shape.type_name == "boolean":
            return "true" if value in (True, "true") else "false"
        if shape.type_name == "timestamp":
            return AT.strftime("%Y-%m-%dT%H:%M:%SZ")
        # The recorder reads documents within documents.
        if shape.type_name in ("structure", "list", "map"):
            raise Misfit(shape.name)
        return plausible(json.dumps(value) if isinstance(value, (dict, list)) else str(value))

    def number(self, value):
        return value if isinstance(value, (int, float)) else 1

    def json(self, shape, value, path=()):
        kind = shape.type_name
        if kind == "structure" and isinstance(value, dict):
            return {name: self.json(shape.members[name], inner, (*path, name)) for name, inner in value.items()
                    if name in shape.members and inner is not None}
        if kind == "list" and isinstance(value, list):
            return [self.json(shape.member, inner, path) for inner in value]
        if kind == "map" and isinstance(value, dict):
            return {plausible(name): self.json(shape.value, inner, (*path, name)) for name, inner in value.items()}
        if kind == "timestamp":
            at = AT.timestamp()
            return {"epochSeconds": at} if self.protocol == "smithy-rpc-v2-cbor" else at
        if kind == "boolean":
            return value in (True, "true")
        if kind in ("integer", "long", "float", "double"):
            return self.number(value)
        return self.text(shape, value, path)

    # XML

    def name(self, shape, member):
        told = shape.members[member].serialization
        if self.protocol == "ec2" and "name" not in told:
            return member[0].lower() + member[1:]
        return told.get("name", member)

    def members(self, shape, value, path=()):
        parts = []
        for member, inner in value.items():
            if member in shape.members and inner is not None:
                told = shape.members[member].serialization
                if told.get("location") in ("header", "headers", "statusCode"):
                    continue
                parts.append(self.element(self.name(shape, member), shape.members[member], inner, path))
        return "".join(parts)

    def element(self, name, shape, value, path=()):
        kind, told = shape.type_name, shape.serialization
        # As the test names a part.
        path = path if name in ("member", "item", "value") else (*path, name)
        if kind == "structure" and isinstance(value, dict):
            attributes = "".join(
                f' xmlns:xsi="{XSI}" {self.name(shape, member)}="{escape(str(inner))}"'
                for member, inner in value.items()
                if member in shape.members and shape.members[member].serialization.get("xmlAttribute"))
            inner = {m: v for m, v in value.items()
                     if m in shape.members and not shape.members[m].serialization.get("xmlAttribute")}
            return f"<{name}{attributes}>{self.members(shape, inner, path)}</{name}>"
        if kind == "list" and isinstance(value, list):
            item = shape.member.serialization.get("name", "item" if self.protocol == "ec2" else "member")
            at = path[:-1] if told.get("flattened") else path
            item = name if told.get("flattened") else item
            inner = "".join(self.element(item, shape.member, one, at) for one in value)
            return inner if told.get("flattened") else f"<{name}>{inner}</{name}>"
        if kind == "map" and isinstance(value, dict):
            key, of = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
            entries = "".join(
                f"<entry><{key}>{escape(plausible(one))}</{key}>{self.element(of, shape.value, inner)}</entry>"
                for one, inner in value.items())
            return f"<{name}>{entries}</{name}>"
        if kind in ("integer", "long", "float", "double"):
            value = self.number(value)
        return f"<{name}>{escape(self.text(shape, value, path))}</{name}>"

    def rest(self, shape, answer):
        headers = {}
        for member, value in answer.items():
            told = shape.members[member].serialization
            if told.get("location") == "headers":
                headers |= {told["name"] + key: plausible(str(one)) for key, one in value.items()}
            elif told.get("location") == "header":
                of = shape.members[member]
                if of.type_name == "timestamp" and of.serialization.get("timestampFormat") != "iso8601":
                    headers[told["name"]] = format_datetime(AT, usegmt=True)
                else:
                    number = of.type_name in ("integer", "long")
                    text = str(self.number(value)) if number else self.text(of, value, (told["name"] + ":",))
                    headers[told["name"]] = text
        payload = shape.serialization.get("payload")
        if payload:
            of = shape.members[payload]
            value = answer.get(payload)
            if of.type_name == "string":
                return self.text(of, value), headers
            name = of.serialization.get("name", payload)
            return (self.element(name, of, value) if isinstance(value, dict) else ""), headers
        inside = self.members(shape, answer, (self.root,))
        return (f"<{self.root}>{inside}</{self.root}>" if inside else ""), headers


# --------------------------------------------------------------------------- what is kept

DOCUMENTS = {
    "AssumeRolePolicyDocument", "DashboardBody", "DataProtectionPolicy", "DeliveryPolicy", "EffectiveDeliveryPolicy",
    "EventPattern", "FilterPolicy", "Policy", "PolicyDocument", "RedrivePolicy", "ResourcePolicy", "definition",
    "variableReferences",
}


def name_of(path, name):
    return "*" if path.endswith(".Metadata") else re.sub("<.*>|[0-9]+", "*", name)


def leaves(value, path=""):
    """What tells an answer from another: its members, and their values where these are of a few."""
    if path.rpartition(".")[2] in DOCUMENTS and isinstance(value, dict) and "Arn" not in value:
        # To its service it is a text.
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name_of(path, name)}")
    elif isinstance(value, list):
        yield path + ("[]" if value else "[none]")
        for inner in value:
            yield from leaves(inner, path + "[]")
    elif isinstance(value, bool) or value is None or (isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z_]+", value)):
        yield f"{path}={value}"
    else:
        yield path


def recordings(checkout):
    """(service, test, label, answer) of all that was recorded."""
    folder = os.path.join(checkout, "tests", "aws", "services")
    files = sorted(glob.glob(os.path.join(folder, "**", "*.snapshot.json"), recursive=True))
    # What a service's own tests recorded comes first.
    for file in sorted(files, key=lambda file: f"{os.sep}cloudformation{os.sep}" in file):
        service = os.path.relpath(file, folder).split(os.sep)[0]
        with open(file) as opened:
            recorded = json.load(opened)
        for test, content in sorted(recorded.items()):
            name = test.split("::", 1)[1].replace("::", ".")
            for label, answer in sorted((content.get("recorded-content") or {}).items()):
                yield service, name, label, answer


def errors_in(value):
    if isinstance(value, dict):
        error, meta = value.get("Error"), value.get("ResponseMetadata")
        if isinstance(error, dict) and isinstance(meta, dict) and isinstance(meta.get("HTTPStatusCode"), int):
            yield error.get("Code"), meta["HTTPStatusCode"], error.get("Message") or value.get("message") or ""
        for inner in value.values():
            yield from errors_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from errors_in(inner)


def errors(recorded):
    """By crate: each code and status, with up to three messages."""
    found = {}
    for service, _, _, answer in recorded:
        if service not in SERVICES:
            continue
        for code, status, message in errors_in(answer):
            # Where AWS answers without words, as to HEAD, botocore writes the status.
            if not isinstance(code, str) or code.isdigit() or status < 400:
                continue
            message = plausible(str(message))[:200]
            messages = found.setdefault(SERVICES[service], {}).setdefault((code, status), [])
            if is_harmless(message) and message not in messages and len(messages) < 3:
                messages.append(message)
    return {
        service: [{"code": code, "status": status, "message": message}
                  for (code, status), messages in sorted(codes.items()) for message in messages or [""]]
        for service, codes in sorted(found.items())
    }


def answers(recorded):
    """By kind: answers to the calls that it reads by, each of which has something that those before it have not."""
    wires, kept, seen = {}, {}, {}
    for service, test, label, answer in recorded:
        if not isinstance(answer, dict) or "Error" in answer or service not in (*SERVICES, "cloudformation"):
            continue
        if answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 200) != 200:
            continue
        answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        for kind, reads in READS.items():
            for read in reads:
                if re.match(r"create|update|put|cancel|replicate", label) and kind != "ec2_vpc":
                    continue
                try:
                    if not read.is_in(service, label, answer):
                        continue
                    taken = INSTEAD.get((kind, read.operation), lambda one: one)(answer)
                    identity = plausible(str(read.of(taken)))
                except (KeyError, IndexError, TypeError):
                    continue
                if kind in BY_ARN and not identity.startswith("arn:"):
                    continue
                key = (kind, read.operation, read.label)
                news = set(leaves(taken)) - seen.setdefault(key, set())
                if not news or not is_harmless(json.dumps(taken)) or len(json.dumps(taken)) > 6000:
                    continue
                wire = wires.setdefault(read.model, Wire(read.model))
                try:
                    inside, headers = wire.answer(read.operation, taken)
                except Misfit:
                    continue
                seen[key] |= news
                kept.setdefault(kind, []).append({
                    "test": test, "label": label, "operation": f"{read.signing}:{read.operation}", "id": identity,
                    "inside": inside, "headers": headers, "others": wire.enums,
                })
    return kept


def main():
    recorded = list(recordings(sys.argv[1]))
    origin = ("answers of AWS as the tests of github.com/localstack/localstack record them (Apache-2.0), "
              "laid out by tests/support/recorded.py")
    for name, what, found in (("errors", "services", errors(recorded)), ("answers", "kinds", answers(recorded))):
        # A recording a line.
        blocks = []
        for key, of in sorted(found.items()):
            lines = ",\n".join(" " + json.dumps(one, ensure_ascii=False) for one in of)
            blocks.append(f"{json.dumps(key)}: [\n{lines}\n]")
        layout.write(layout.data("recorded", name + ".json"), origin, what, blocks)


if __name__ == "__main__":
    main()
