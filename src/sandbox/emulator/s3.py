"""S3: bucket settings as they were sent, the defaults of new buckets, checksums.

A setting is kept beside moto's bucket and given back whole. What moto acts on
(encryption, CORS, ownership, notifications) is told to moto as well.
"""

import base64
import binascii
import copy
import hashlib
import json
import re

from moto.moto_api._internal import mock_random
from moto.s3.models import FakeBucket, s3_backends

from emulator.wire import AwsError, Raw, extends


def bucket_of(call):
    """moto's bucket; what we keep of it lives and dies with it."""
    name = call["Bucket"]
    owner = s3_backends.bucket_accounts.get(name)
    bucket = s3_backends[owner[1]][owner[0]].buckets.get(name) if owner else None
    if bucket is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=name)
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
    if bucket.region_name != call.region:
        raise AwsError("PermanentRedirect", "The bucket you are attempting to access must be addressed using the "
                       "specified endpoint. Please send all future requests to this endpoint.", 301,
                       Bucket=name, Endpoint=f"{name}.s3.{bucket.region_name}.amazonaws.com")
    return bucket


def kept(call):
    return bucket_of(call).__dict__.setdefault("dwctl", {})


def malformed(text="The XML you provided was not well-formed or did not validate against our published schema"):
    return AwsError("MalformedXML", text, 400)


def invalid(text):
    return AwsError("InvalidArgument", text, 400)


def empty(status=200):
    return Raw(status, [("x-amz-request-id", mock_random.get_random_hex(16).upper())], b"")


# Buckets


@extends("s3", "CreateBucket")
def create_bucket(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

    New buckets have Block Public Access on, ACLs off and encryption on:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
    """
    name = call["Bucket"]
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if (
        not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)
        or ".." in name
        or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name)
        or name.startswith(("xn--", "sthree-", "amzn-s3-demo-"))
        or name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))
    ):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", 400, BucketName=name)
    ownership = call.get("ObjectOwnership", "BucketOwnerEnforced")
    if ownership == "BucketOwnerEnforced" and call.get("ACL", "private") != "private":
        raise AwsError("InvalidBucketAclWithObjectOwnership",
                       "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", 400)
    settings = call.get("CreateBucketConfiguration", {})
    existed = name in s3_backends.bucket_accounts
    plain = dict(call.params)
    if settings:
        plain["CreateBucketConfiguration"] = {
            key: value for key, value in settings.items() if key != "Tags"
        }
        if not plain["CreateBucketConfiguration"]:
            plain.pop("CreateBucketConfiguration")
    if "Tags" in settings:
        answer = call.moto(plain)  # moto takes no tags here
    else:
        answer = call.raw()
        if answer.status >= 300:
            return answer
    if existed:
        return answer
    call.ask("PutPublicAccessBlock", {"Bucket": name, "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True}})
    call.ask("PutBucketOwnershipControls", {"Bucket": name, "OwnershipControls": {
        "Rules": [{"ObjectOwnership": ownership}]}})
    default_encryption(call)
    if settings.get("Tags"):
        call.ask("PutBucketTagging", {"Bucket": name, "Tagging": {"TagSet": settings["Tags"]}})
    return answer


@extends("s3", "ListBuckets")
def list_buckets(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
    answer = call.moto()
    for bucket in answer.get("Buckets", []):
        owner = s3_backends.bucket_accounts.get(bucket["Name"])
        if owner:
            bucket["BucketRegion"] = s3_backends[owner[1]][owner[0]].buckets[bucket["Name"]].region_name
    if call.get("BucketRegion"):
        answer["Buckets"] = [one for one in answer["Buckets"] if one.get("BucketRegion") == call["BucketRegion"]]
    return answer


def default_encryption(call):
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                        "BucketKeyEnabled": False}]}
    kept(call)["encryption"] = rules
    call.ask("PutBucketEncryption", {"Bucket": call["Bucket"], "ServerSideEncryptionConfiguration": rules})


@extends("s3", "GetPublicAccessBlock")
def get_public_access_block(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html"""
    bucket_of(call)
    return call.raw()


@extends("s3", "PutBucketEncryption")
def put_encryption(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html"""
    rules = copy.deepcopy(call["ServerSideEncryptionConfiguration"])
    if len(rules.get("Rules", [])) != 1:
        raise malformed()
    default = rules["Rules"][0].setdefault("ApplyServerSideEncryptionByDefault", {"SSEAlgorithm": "AES256"})
    if default.get("SSEAlgorithm") not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise malformed()
    if default.get("KMSMasterKeyID") and default["SSEAlgorithm"] == "AES256":
        raise invalid("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
                      "aws:kms:dsse")
    rules["Rules"][0].setdefault("BucketKeyEnabled", False)
    bucket_of(call)
    call.raw()
    kept(call)["encryption"] = rules
    return empty()


@extends("s3", "GetBucketEncryption")
def get_encryption(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html"""
    if "encryption" not in kept(call):
        default_encryption(call)
    return {"ServerSideEncryptionConfiguration": kept(call)["encryption"]}


@extends("s3", "DeleteBucketEncryption")
def delete_encryption(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html

    Resets to server-side encryption with Amazon S3 managed keys.
    """
    default_encryption(call)
    return empty(204)


@extends("s3", "PutBucketAcl")
def put_acl(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html"""
    bucket_of(call)
    try:
        rules = call.ask("GetBucketOwnershipControls", {"Bucket": call["Bucket"]})["OwnershipControls"]["Rules"]
    except AwsError:
        rules = []
    if any(rule["ObjectOwnership"] == "BucketOwnerEnforced" for rule in rules) and call.get(
        "ACL"
    ) not in ("private", "bucket-owner-full-control"):
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    return call.raw()


@extends("s3", "PutBucketPolicy")
def put_policy(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""
    bucket_of(call)
    text = call["Policy"]
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text

    def bad(why):
        return AwsError("MalformedPolicy", why, 400)

    try:
        policy = json.loads(text)
    except ValueError:
        raise bad("Policies must be valid JSON and the first byte must be '{'")
    if not isinstance(policy, dict) or not policy.get("Statement"):
        raise bad("Missing required field Statement")
    if len(text) > 20480:
        raise AwsError("PolicyTooLarge", "Policy exceeds the maximum allowed document size.", 400)
    statements = policy["Statement"]
    public = False
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise bad("Missing required field Effect" if "Effect" not in statement else "Invalid effect")
        if not ("Principal" in statement or "NotPrincipal" in statement):
            raise bad("Missing required field Principal")
        if not ("Action" in statement or "NotAction" in statement):
            raise bad("Missing required field Action")
        actions = statement.get("Action", statement.get("NotAction"))
        for action in [actions] if isinstance(actions, str) else actions:
            if action != "*" and not action.lower().startswith(("s3:", "s3-")):
                raise bad("Policy has invalid action")
        if not ("Resource" in statement or "NotResource" in statement):
            raise bad("Missing required field Resource")
        resources = statement.get("Resource", statement.get("NotResource"))
        for resource in [resources] if isinstance(resources, str) else resources:
            named = re.fullmatch(r"arn:aws[a-z-]*:s3:::([^/]+)(/.*)?", resource)
            if not named or named[1] != call["Bucket"]:
                raise bad("Policy has invalid resource")
        principal = statement.get("Principal")
        anyone = principal == "*" or isinstance(principal, dict) and "*" in (
            [principal.get("AWS")] if isinstance(principal.get("AWS"), str) else principal.get("AWS") or [])
        public |= statement["Effect"] == "Allow" and anyone and not statement.get("Condition")
    if public:
        try:
            block = call.ask("GetPublicAccessBlock", {"Bucket": call["Bucket"]})["PublicAccessBlockConfiguration"]
        except AwsError:
            block = {}
        if block.get("BlockPublicPolicy"):
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
            raise AwsError("AccessDenied", "User is not authorized to perform: s3:PutBucketPolicy because public "
                           "policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", 403)
    return call.raw()


_permission = FakeBucket.get_permission


def permission(self, action, resource):
    """moto takes every condition for unmet, and an unmet one for a refusal. Statements with
    a condition are left out here: requests count as sent by TLS, as they would be at AWS."""
    if self.policy is None:
        return _permission(self, action, resource)
    policy = json.loads(self.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    plain = copy.copy(self)
    plain.policy = json.dumps({**policy, "Statement": [one for one in statements if not one.get("Condition")]}).encode()
    return _permission(plain, action, resource)


FakeBucket.get_permission = permission


# Settings that are one document

def rules_with_ids(rules):
    for rule in rules:
        if not rule.get("ID"):
            rule["ID"] = mock_random.get_random_hex(32)
    if len({rule["ID"] for rule in rules}) != len(rules):
        raise invalid("Rule ID must be unique. Found same ID for more than one rule")
    return rules


@extends("s3", "PutBucketLifecycleConfiguration")
def put_lifecycle(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html"""
    rules = copy.deepcopy((call.get("LifecycleConfiguration") or {}).get("Rules") or [])
    if not rules:
        raise malformed()
    for rule in rules:
        if rule.get("Status") not in ("Enabled", "Disabled"):
            raise malformed()
        if "Prefix" not in rule and "Filter" not in rule or "Prefix" in rule and "Filter" in rule:
            raise malformed()
        chosen = rule.get("Filter") or {}
        if len(chosen) > 1:
            raise malformed()
        if "And" in chosen and sum(
            len(value) if isinstance(value, list) else 1 for value in chosen["And"].values()
        ) < 2:
            raise malformed()
        actions = ("Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration",
                   "AbortIncompleteMultipartUpload")
        if not any(rule.get(action) for action in actions):
            raise invalid("At least one action needs to be specified in a rule")
        expiration = rule.get("Expiration") or {}
        if len(expiration) > 1:
            raise malformed()
        if expiration.get("Days") is not None and expiration["Days"] <= 0:
            raise invalid("'Days' for Expiration action must be a positive integer")
        noncurrent = rule.get("NoncurrentVersionExpiration")
        if noncurrent is not None and not noncurrent.get("NoncurrentDays"):
            raise malformed()
        tags = [chosen["Tag"]] if "Tag" in chosen else (chosen.get("And") or {}).get("Tags")
        if rule.get("AbortIncompleteMultipartUpload") and tags:
            raise AwsError("InvalidRequest",
                           "AbortIncompleteMultipartUpload cannot be specified with Tags.", 400)
        if "ExpiredObjectDeleteMarker" in expiration and tags:
            raise AwsError("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags.", 400)
        for transition in rule.get("Transitions") or []:
            if transition.get("StorageClass") in ("STANDARD_IA", "ONEZONE_IA") and (
                transition.get("Days") is not None and transition["Days"] < 30
            ):
                raise invalid("'Days' in Transition action must be greater than or equal to 30 for storageClass "
                              f"'{transition['StorageClass']}'")
    size = call.get("TransitionDefaultMinimumObjectSize", "all_storage_classes_128K")
    kept(call)["lifecycle"] = {"Rules": rules_with_ids(rules), "TransitionDefaultMinimumObjectSize": size}
    return {"TransitionDefaultMinimumObjectSize": size}


@extends("s3", "GetBucketLifecycleConfiguration")
def get_lifecycle(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html"""
    found = kept(call).get("lifecycle")
    if found is None:
        raise AwsError("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404)
    return found


@extends("s3", "DeleteBucketLifecycle")
def delete_lifecycle(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html"""
    kept(call).pop("lifecycle", None)
    return empty(204)


@extends("s3", "PutBucketReplication")
def put_replication(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html"""
    bucket = bucket_of(call)
    if bucket.versioning_status != "Enabled":
        raise AwsError("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication "
                       "configuration", 400)
    wanted = copy.deepcopy(call["ReplicationConfiguration"])
    if not wanted.get("Rules") or not wanted.get("Role"):
        raise malformed()
    for rule in wanted["Rules"]:
        target = (rule.get("Destination") or {}).get("Bucket", "").rsplit(":", 1)[-1]
        owner = s3_backends.bucket_accounts.get(target)
        there = s3_backends[owner[1]][owner[0]].buckets.get(target) if owner else None
        if there is None:
            raise AwsError("InvalidRequest", "Destination bucket must exist.", 400)
        if there.versioning_status != "Enabled":
            raise AwsError("InvalidRequest", "Destination bucket must have versioning enabled.", 400)
        if "Filter" in rule:
            if "Priority" not in rule:
                raise malformed()
            if "DeleteMarkerReplication" not in rule:
                raise AwsError("InvalidRequest",
                               "DeleteMarkerReplication must be specified for this version of Cross Region "
                               "Replication configuration schema.", 400)
        elif "Priority" in rule:
            raise malformed()
    rules_with_ids(wanted["Rules"])
    kept(call)["replication"] = wanted
    return empty()


@extends("s3", "GetBucketReplication")
def get_replication(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html"""
    found = kept(call).get("replication")
    if found is None:
        raise AwsError("ReplicationConfigurationNotFoundError",
                       "The replication configuration was not found", 404)
    return {"ReplicationConfiguration": found}


@extends("s3", "DeleteBucketReplication")
def delete_replication(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketReplication.html"""
    kept(call).pop("replication", None)
    return empty(204)


@extends("s3", "PutBucketNotificationConfiguration")
def put_notification(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html"""
    bucket_of(call)
    wanted = copy.deepcopy(call.get("NotificationConfiguration") or {})
    for kind in ("TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations"):
        for one in wanted.get(kind) or []:
            if not one.get("Events"):
                raise malformed()
            one.setdefault("Id", str(mock_random.uuid4()))
            for rule in one.get("Filter", {}).get("Key", {}).get("FilterRules", []):
                if rule.get("Name", "").lower() not in ("prefix", "suffix"):
                    raise invalid("filter rule name must be either prefix or suffix")
                rule["Name"] = rule["Name"].capitalize()  # as AWS shows it
    plain = copy.deepcopy({key: value for key, value in wanted.items() if key != "EventBridgeConfiguration"})
    for one in [one for ones in plain.values() for one in ones]:
        for rule in one.get("Filter", {}).get("Key", {}).get("FilterRules", []):
            rule["Name"] = rule["Name"].lower()  # as moto wants it
    if any(plain.values()):
        call.moto(dict(call.params, NotificationConfiguration=plain))
    kept(call)["notification"] = wanted
    return empty()


@extends("s3", "GetBucketNotificationConfiguration")
def get_notification(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html"""
    return dict(kept(call).get("notification", {}))


@extends("s3", "PutBucketLogging")
def put_logging(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html"""
    wanted = copy.deepcopy((call.get("BucketLoggingStatus") or {}).get("LoggingEnabled"))
    if wanted:
        if wanted.get("TargetBucket") not in s3_backends.bucket_accounts:
            raise AwsError("InvalidTargetBucketForLogging", "The target bucket for logging does not exist", 400)
        wanted.setdefault("TargetPrefix", "")
        kept(call)["logging"] = wanted
    else:
        kept(call).pop("logging", None)
    return empty()


@extends("s3", "GetBucketLogging")
def get_logging(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html"""
    found = kept(call).get("logging")
    return {"LoggingEnabled": found} if found else {}


@extends("s3", "PutBucketWebsite")
def put_website(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html"""
    wanted = copy.deepcopy(call["WebsiteConfiguration"])
    if not wanted.get("RedirectAllRequestsTo") and not (wanted.get("IndexDocument") or {}).get("Suffix"):
        raise invalid("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
    kept(call)["website"] = wanted
    return empty()


@extends("s3", "GetBucketWebsite")
def get_website(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketWebsite.html"""
    found = kept(call).get("website")
    if found is None:
        raise AwsError("NoSuchWebsiteConfiguration",
                       "The specified bucket does not have a website configuration", 404)
    return found


@extends("s3", "DeleteBucketWebsite")
def delete_website(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketWebsite.html"""
    kept(call).pop("website", None)
    return empty(204)


@extends("s3", "PutBucketCors")
def put_cors(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html"""
    rules = copy.deepcopy((call.get("CORSConfiguration") or {}).get("CORSRules") or [])
    bucket_of(call)
    if not rules or any(not rule.get("AllowedMethods") or not rule.get("AllowedOrigins") for rule in rules):
        raise malformed()
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in ("GET", "PUT", "HEAD", "POST", "DELETE"):
                raise AwsError("InvalidRequest",
                               f"Found unsupported HTTP method in CORS config. Unsupported method is {method}", 400)
    answer = call.raw()
    if answer.status < 300:
        kept(call)["cors"] = rules
    return answer


@extends("s3", "GetBucketCors")
def get_cors(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html"""
    found = kept(call).get("cors")
    if found is None:
        raise AwsError("NoSuchCORSConfiguration", "The CORS configuration does not exist", 404)
    return {"CORSRules": found}


@extends("s3", "DeleteBucketCors")
def delete_cors(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html"""
    kept(call).pop("cors", None)
    return call.raw()


@extends("s3", "PutBucketAccelerateConfiguration", "GetBucketAccelerateConfiguration")
def accelerate(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAccelerateConfiguration.html"""
    if call.operation.startswith("Get"):
        status = kept(call).get("accelerate")
        return {"Status": status} if status else {}
    status = (call.get("AccelerateConfiguration") or {}).get("Status")
    if status not in ("Enabled", "Suspended"):
        raise malformed()
    if "." in call["Bucket"]:
        raise AwsError("InvalidRequest", "S3 Transfer Acceleration is not supported for buckets with periods (.) "
                       "in their names", 400)
    # A bucket on which it was never on stays without a status.
    if status == "Enabled" or kept(call).get("accelerate"):
        kept(call)["accelerate"] = status
    return empty()


@extends("s3", "PutBucketRequestPayment", "GetBucketRequestPayment")
def request_payment(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketRequestPayment.html"""
    if call.operation.startswith("Get"):
        return {"Payer": kept(call).get("payer", "BucketOwner")}
    payer = (call.get("RequestPaymentConfiguration") or {}).get("Payer")
    if payer not in ("BucketOwner", "Requester"):
        raise malformed()
    kept(call)["payer"] = payer
    return empty()


@extends("s3", "GetObjectLockConfiguration")
def get_object_lock(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html"""
    answer = call.moto()
    retention = answer.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    for unit in ("Days", "Years"):
        if not retention.get(unit):
            retention.pop(unit, None)
    return answer


# Settings of which a bucket has many, each with an id

MANY = {
    "Inventory": "InventoryConfiguration",
    "Metrics": "MetricsConfiguration",
    "Analytics": "AnalyticsConfiguration",
    "IntelligentTiering": "IntelligentTieringConfiguration",
}


def many(call, kind):
    return kept(call).setdefault("many", {}).setdefault(kind, {})


def kind_of(call):
    return next(kind for kind in MANY if "Bucket" + kind + "Configuration" in call.operation)


def operations(verb, plural=""):
    return [f"{verb}Bucket{kind}Configuration{plural}" for kind in MANY]


@extends("s3", *operations("Put"))
def put_many(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html"""
    kind = kind_of(call)
    wanted = copy.deepcopy(call[MANY[kind]])
    if wanted.get("Id") != call["Id"]:
        raise invalid("The id of the request and of the configuration differ.")
    stored = many(call, kind)
    if len(stored) >= 1000 and call["Id"] not in stored:
        raise AwsError("TooManyConfigurations", "You are attempting to create a new configuration but have "
                       "already reached the 1,000-configuration limit.", 400)
    stored[call["Id"]] = wanted
    return empty()


@extends("s3", *operations("Get"))
def get_many(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketInventoryConfiguration.html"""
    kind = kind_of(call)
    found = many(call, kind).get(call["Id"])
    if found is None:
        raise AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404)
    return {MANY[kind]: found}


@extends("s3", *operations("Delete"))
def delete_many(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketInventoryConfiguration.html

    moto would delete the bucket.
    """
    if many(call, kind_of(call)).pop(call["Id"], None) is None:
        raise AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404)
    return empty(204)


@extends("s3", *operations("List", "s"))
def list_many(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html"""
    kind = kind_of(call)
    stored = many(call, kind)
    names = sorted(name for name in stored if name > call.get("ContinuationToken", ""))
    answer = {"IsTruncated": len(names) > 100, MANY[kind] + "List": [stored[name] for name in names[:100]]}
    if len(names) > 100:
        answer["NextContinuationToken"] = names[99]
    return answer


# Checksums
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html


def _table(polynomial, width):
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1
        table.append(value)
    return table


_TABLES = {"crc32c": (_table(0x82F63B78, 32), 32), "crc64nvme": (_table(0x9A6C9329AC4BC9B5, 64), 64)}


def checksum(kind, data):
    """A checksum as S3 writes it: base64 of the big-endian value."""
    if kind in ("sha1", "sha256", "sha512", "md5"):
        return base64.b64encode(hashlib.new(kind, data).digest()).decode()
    if kind == "crc32":
        return base64.b64encode(binascii.crc32(data).to_bytes(4, "big")).decode()
    table, width = _TABLES[kind]
    mask = (1 << width) - 1
    value = mask
    for byte in data:
        value = table[(value ^ byte) & 255] ^ (value >> 8)
    return base64.b64encode((value ^ mask).to_bytes(width // 8, "big")).decode()


KINDS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
# Beyond this, a checksum in plain Python would take longer than anybody waits.
SLOW = 32 << 20


def payload(call):
    """The object's bytes and the checksums that came with them."""
    environ, body = call.environ, call.body
    claimed = {kind: environ["HTTP_X_AMZ_CHECKSUM_" + kind.upper()] for kind in KINDS
               if environ.get("HTTP_X_AMZ_CHECKSUM_" + kind.upper())}
    if not environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING-"):
        return body, claimed
    data, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        at = end + 2
        if size == 0:
            break
        data.append(body[at : at + size])
        at += size + 2
    for line in body[at:].decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower().startswith("x-amz-checksum-"):
            claimed[name.strip().lower()[len("x-amz-checksum-") :]] = value.strip()
    return b"".join(data), claimed


def verify(call, data, claimed):
    digest = call.environ.get("HTTP_CONTENT_MD5")
    if digest and digest != checksum("md5", data):
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)
    signed = call.environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
    if re.fullmatch("[0-9a-f]{64}", signed) and signed != hashlib.sha256(data).hexdigest():
        raise AwsError("XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was computed.", 400)
    for kind, value in claimed.items():
        if kind in KINDS and (kind not in _TABLES or len(data) <= SLOW) and value != checksum(kind, data):
            raise AwsError("BadDigest",
                           f"The {kind.upper()} you specified did not match the calculated checksum.", 400)


@extends("s3", "PutObject")
def put_object(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    try:
        data, claimed = payload(call)
    except ValueError:
        raise AwsError("IncompleteBody", "The body is not chunked as it should be.", 400)
    verify(call, data, claimed)
    answer = call.raw()
    if answer.status >= 300:
        return answer
    if not claimed and len(data) <= SLOW:
        # "If you don't specify a checksum, Amazon S3 adds CRC64NVME."
        claimed = {"crc64nvme": checksum("crc64nvme", data)}
    key = bucket_of(call).keys.get(call["Key"])
    if key is not None and claimed:
        key.__dict__["dwctl_checksums"] = claimed
        key.checksum_algorithm, key.checksum_value = next(
            (kind.upper(), value) for kind, value in claimed.items())
        key.checksum_type = "FULL_OBJECT"
        answer.headers = without_checksums(answer.headers) + checksum_headers(claimed)
    return answer


@extends("s3", "DeleteObject")
def delete_object(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html

    moto's own; here since it must not come between the look and the write of another
    conditional request.
    """
    return call.raw()


def without_checksums(headers):
    return [(name, value) for name, value in headers
            if not name.lower().startswith(("x-amz-checksum-", "x-amz-sdk-checksum"))]


def checksum_headers(found):
    return [("x-amz-checksum-" + kind, value) for kind, value in found.items()] + [
        ("x-amz-checksum-type", "FULL_OBJECT")]


@extends("s3", "HeadObject", "GetObject")
def read_object(call):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""
    answer = call.raw()
    if answer.status != 200 or call.get("ChecksumMode") != "ENABLED":
        return answer
    bucket = bucket_of(call)
    key = bucket.keys.get(call["Key"])
    if call.get("VersionId"):
        key = next((one for one in bucket.keys.getlist(call["Key"], [])
                    if getattr(one, "version_id", None) == call["VersionId"]), None)
    found = getattr(key, "dwctl_checksums", None)
    if found:
        answer.headers = without_checksums(answer.headers) + checksum_headers(found)
    return answer
