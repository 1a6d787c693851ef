"""Checks every addition against a running sandbox, by boto3.

    python selfcheck.py http://127.0.0.1:PORT [NAME ...]
"""

import json
import sys
import time
import traceback
import urllib.parse
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5005"
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def client(service, region="us-east-1"):
    return boto3.client(
        service, endpoint_url=ENDPOINT, region_name=region, aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def name(prefix="t"):
    return prefix + uuid.uuid4().hex[:10]


def refused(code, function, **arguments):
    """The call must fail with `code`."""
    try:
        function(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, (code, error.response["Error"])
        return error.response
    raise AssertionError(f"{code} was expected")


def equal(found, wanted):
    assert found == wanted, f"\n found {found}\nwanted {wanted}"


def holds(found, wanted):
    """Every member of `wanted` is in `found`."""
    for key, value in wanted.items():
        assert key in found, f"{key} is lost: {sorted(found)}"
        assert found[key] == value, f"{key}: found {found[key]!r}, wanted {value!r}"


@check
def unknown_operations():
    response = refused("NotImplemented", client("glue").list_blueprints)
    equal(response["ResponseMetadata"]["HTTPStatusCode"], 501)
    refused("NotImplemented", client("redshift").describe_hsm_configurations)
    refused("NotImplemented", client("redshift-serverless").list_namespaces)


# S3


@check
def s3_new_bucket():
    s3, bucket = client("s3"), name("b")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"Tags": [{"Key": "a", "Value": "b"}]})
    equal(s3.get_bucket_tagging(Bucket=bucket)["TagSet"], [{"Key": "a", "Value": "b"}])
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    equal(rules, [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}])
    equal(s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"],
          {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    equal(set(block.values()), {True})
    refused("InvalidBucketName", s3.create_bucket, Bucket="Bad_Name")
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/x"},
        "BucketKeyEnabled": True}]})
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    equal(rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"], "alias/x")
    s3.delete_bucket_encryption(Bucket=bucket)
    west = client("s3", "eu-west-1")
    other = name("b")
    west.create_bucket(Bucket=other, CreateBucketConfiguration={
        "LocationConstraint": "eu-west-1", "Tags": [{"Key": "a", "Value": "b"}]})
    equal(west.get_bucket_location(Bucket=other)["LocationConstraint"], "eu-west-1")
    equal([found.get("BucketRegion") for found in s3.list_buckets()["Buckets"] if found["Name"] == other],
          ["eu-west-1"])
    refused("BucketAlreadyOwnedByYou", west.create_bucket, Bucket=other,
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused("PermanentRedirect", s3.get_public_access_block, Bucket=other)
    refused("AccessControlListNotSupported", s3.put_bucket_acl, Bucket=bucket, ACL="public-read")
    s3.delete_bucket(Bucket=bucket)
    refused("NoSuchBucket", s3.get_bucket_encryption, Bucket=bucket)


@check
def s3_lifecycle():
    s3, bucket = client("s3"), name("b")
    s3.create_bucket(Bucket=bucket)
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    rules = [
        {"ID": "a", "Status": "Enabled", "Filter": {"ObjectSizeGreaterThan": 500},
         "NoncurrentVersionExpiration": {"NoncurrentDays": 9, "NewerNoncurrentVersions": 3},
         "NoncurrentVersionTransitions": [
             {"NoncurrentDays": 30, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 2}]},
        {"ID": "b", "Status": "Disabled",
         "Filter": {"And": {"Prefix": "x/", "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 1000,
                            "Tags": [{"Key": "k", "Value": "v"}]}},
         "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]},
        {"ID": "c", "Status": "Enabled", "Filter": {"Prefix": ""},
         "Expiration": {"ExpiredObjectDeleteMarker": True},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    equal(found["Rules"], rules)
    equal(found["TransitionDefaultMinimumObjectSize"], "varies_by_storage_class")
    refused("MalformedXML", s3.put_bucket_lifecycle_configuration, Bucket=bucket,
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Expiration": {"Days": 1}}]})
    s3.delete_bucket_lifecycle(Bucket=bucket)
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket=bucket)


@check
def s3_many_configurations():
    s3, bucket = client("s3"), name("b")
    s3.create_bucket(Bucket=bucket)
    inventory = {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All",
                 "Schedule": {"Frequency": "Daily"}, "OptionalFields": ["Size", "ETag"],
                 "Filter": {"Prefix": "a/"},
                 "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::x", "Format": "Parquet",
                                                         "Prefix": "p", "Encryption": {"SSES3": {}}}}}
    s3.put_bucket_inventory_configuration(Bucket=bucket, Id="i", InventoryConfiguration=inventory)
    found = s3.get_bucket_inventory_configuration(Bucket=bucket, Id="i")["InventoryConfiguration"]
    equal(found, inventory)
    metrics = {"Id": "m", "Filter": {"And": {"Prefix": "p", "Tags": [{"Key": "a", "Value": "b"}]}}}
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="m", MetricsConfiguration=metrics)
    equal(s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"], [metrics])
    analytics = {"Id": "n", "StorageClassAnalysis": {}, "Filter": {"Prefix": "x"}}
    s3.put_bucket_analytics_configuration(Bucket=bucket, Id="n", AnalyticsConfiguration=analytics)
    holds(s3.get_bucket_analytics_configuration(Bucket=bucket, Id="n")["AnalyticsConfiguration"],
          {"Id": "n", "Filter": {"Prefix": "x"}})
    tiering = {"Id": "t", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    s3.put_bucket_intelligent_tiering_configuration(
        Bucket=bucket, Id="t", IntelligentTieringConfiguration=tiering)
    equal(s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="t")[
        "IntelligentTieringConfiguration"], tiering)
    for kind, key in (("inventory", "i"), ("metrics", "m"), ("analytics", "n"), ("intelligent_tiering", "t")):
        getattr(s3, f"delete_bucket_{kind}_configuration")(Bucket=bucket, Id=key)
        refused("NoSuchConfiguration", getattr(s3, f"get_bucket_{kind}_configuration"), Bucket=bucket, Id=key)
        s3.head_bucket(Bucket=bucket)


@check
def s3_settings():
    s3, bucket, target = client("s3"), name("b"), name("b")
    for one in (bucket, target):
        s3.create_bucket(Bucket=one)
        s3.put_bucket_versioning(Bucket=one, VersioningConfiguration={"Status": "Enabled"})
    equal(s3.get_bucket_versioning(Bucket=bucket)["Status"], "Enabled")
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    holds(s3.get_bucket_notification_configuration(Bucket=bucket), {"EventBridgeConfiguration": {}})
    topic = client("sns").create_topic(Name=name())["TopicArn"]
    wanted = {"EventBridgeConfiguration": {}, "TopicConfigurations": [
        {"Id": "x", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"],
         "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "a/"}]}}}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
    holds(s3.get_bucket_notification_configuration(Bucket=bucket), wanted)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    replication = {"Role": "arn:aws:iam::123456789012:role/r", "Rules": [
        {"ID": "r", "Priority": 1, "Status": "Enabled", "Filter": {"Prefix": "a/"},
         "DeleteMarkerReplication": {"Status": "Enabled"},
         "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
         "ExistingObjectReplication": {"Status": "Enabled"},
         "Destination": {"Bucket": "arn:aws:s3:::" + target, "StorageClass": "STANDARD_IA",
                         "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                         "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
                         "EncryptionConfiguration": {"ReplicaKmsKeyID": "k"}}}]}
    refused("ReplicationConfigurationNotFoundError", s3.get_bucket_replication, Bucket=bucket)
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=replication)
    equal(s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"], replication)
    s3.delete_bucket_replication(Bucket=bucket)
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    equal(s3.get_bucket_request_payment(Bucket=bucket)["Payer"], "Requester")
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    equal(s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"], "Enabled")
    logging = {"TargetBucket": target, "TargetPrefix": "logs/", "TargetObjectKeyFormat": {
        "PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": logging})
    equal(s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"], logging)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    cors = [{"ID": "c", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"], "AllowedHeaders": ["h"],
             "ExposeHeaders": ["e"], "MaxAgeSeconds": 5}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
    equal(s3.get_bucket_cors(Bucket=bucket)["CORSRules"], cors)
    s3.delete_bucket_cors(Bucket=bucket)
    refused("NoSuchCORSConfiguration", s3.get_bucket_cors, Bucket=bucket)
    site = {"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"}, "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"ReplaceKeyPrefixWith": "b/"}}]}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)
    holds(s3.get_bucket_website(Bucket=bucket), site)
    s3.delete_bucket_website(Bucket=bucket)
    locked = name("b")
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=lock)
    equal(s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"], lock)


@check
def s3_policy():
    s3, bucket = client("s3"), name("b")
    s3.create_bucket(Bucket=bucket)
    refused("MalformedPolicy", s3.put_bucket_policy, Bucket=bucket, Policy="{")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    equal(json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]), json.loads(policy))
    public = json.dumps({"Version": "2012-10-17", "Statement": [dict(statement, Effect="Allow")]})
    refused("AccessDenied", s3.put_bucket_policy, Bucket=bucket, Policy=public)
    other = json.dumps({"Version": "2012-10-17", "Statement": [dict(statement, Resource="arn:aws:s3:::o/*")]})
    refused("MalformedPolicy", s3.put_bucket_policy, Bucket=bucket, Policy=other)
    s3.delete_bucket_policy(Bucket=bucket)
    refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=bucket)


@check
def s3_checksums():
    s3, bucket = client("s3"), name("b")
    s3.create_bucket(Bucket=bucket)
    for kind, value in (("SHA256", "pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4="), ("CRC32", "ShexVg=="),
                        ("CRC32C", "aR2qLw=="), ("SHA1", "Ck1VqNd45QIvq3AZd8XYQLvEhtA=")):
        s3.put_object(Bucket=bucket, Key=kind, Body=b"Hello World", **{"Checksum" + kind: value})
        found = s3.head_object(Bucket=bucket, Key=kind, ChecksumMode="ENABLED")
        equal(found["Checksum" + kind], value)
        assert "Checksum" + kind not in s3.head_object(Bucket=bucket, Key=kind)
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="x", Body=b"Hello World",
            ChecksumSHA256="AZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=")
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="x", Body=b"Hello World",
            ContentMD5="sQqNsWTgdUEFt6mb5y4/5A==")
    import http.client
    import urllib.parse

    # No checksum was sent: S3 adds its own. "123456789" is the check of CRC-64/NVME's definition.
    address = urllib.parse.urlsplit(ENDPOINT)
    plain = http.client.HTTPConnection(address.hostname, address.port)
    scope = "AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    plain.request("PUT", f"/{bucket}/plain", b"123456789", {
        "Authorization": scope, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    equal(plain.getresponse().status, 200)
    found = s3.head_object(Bucket=bucket, Key="plain", ChecksumMode="ENABLED")
    equal(found["ChecksumCRC64NVME"], "rosUhgp5mIg=")
    equal(found["ChecksumType"], "FULL_OBJECT")
    equal(s3.get_object(Bucket=bucket, Key="plain")["Body"].read(), b"123456789")


# Keys, identities, secrets

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


@check
def kms_keys():
    kms = client("kms")
    key = kms.create_key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    equal(kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], False)
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    holds(kms.get_key_rotation_status(KeyId=key), {"KeyRotationEnabled": True, "RotationPeriodInDays": 180})
    kms.enable_key_rotation(KeyId=key)
    kms.disable_key_rotation(KeyId=key)
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=key)
    kms.enable_key_rotation(KeyId=key)
    holds(kms.get_key_rotation_status(KeyId=key), {"RotationPeriodInDays": 365})
    refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key, PolicyName="default", Policy="{")
    refused("MalformedPolicyDocumentException", kms.create_key, Policy="nonsense")
    kms.update_key_description(KeyId=key, Description="e")
    equal(kms.describe_key(KeyId=key)["KeyMetadata"]["Description"], "e")
    kms.disable_key(KeyId=key)
    equal(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Disabled")
    kms.enable_key(KeyId=key)
    alias = "alias/" + name()
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    refused("AlreadyExistsException", kms.create_alias, AliasName=alias, TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    refused("KMSInvalidStateException", kms.enable_key_rotation, KeyId=key)


@check
def iam_roles_and_policies():
    iam = client("iam")
    role, policy = name("r"), name("p")
    refused("MalformedPolicyDocument", iam.create_role, RoleName=role, AssumeRolePolicyDocument="{")
    refused("MalformedPolicyDocument", iam.create_role, RoleName=role, AssumeRolePolicyDocument=POLICY)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200, Path="/a/",
                    Description="d", Tags=[{"Key": "a", "Value": "b"}])
    refused("EntityAlreadyExists", iam.create_role, RoleName=role, AssumeRolePolicyDocument=TRUST)
    found = iam.get_role(RoleName=role)["Role"]
    holds(found, {"MaxSessionDuration": 7200, "Path": "/a/", "Description": "d"})
    refused("MalformedPolicyDocument", iam.update_assume_role_policy, RoleName=role, PolicyDocument="{")
    arn = iam.create_policy(PolicyName=policy, PolicyDocument=POLICY, Tags=[{"Key": "a", "Value": "b"}])[
        "Policy"]["Arn"]
    listed = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])["Policies"]
    holds(next(one for one in listed if one["Arn"] == arn), {"PolicyName": policy, "DefaultVersionId": "v1"})
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
    refused("DeleteConflict", iam.delete_role, RoleName=role)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY, SetAsDefault=True)
    refused("LimitExceeded", iam.create_policy_version, PolicyArn=arn, PolicyDocument=POLICY)
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)
    iam.put_role_policy(RoleName=role, PolicyName="i", PolicyDocument=POLICY)
    refused("MalformedPolicyDocument", iam.put_role_policy, RoleName=role, PolicyName="j", PolicyDocument="{")
    refused("DeleteConflict", iam.delete_role, RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName="i")
    profile = name("i")
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    refused("DeleteConflict", iam.delete_role, RoleName=role)
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.delete_role(RoleName=role)
    refused("NoSuchEntity", iam.get_role, RoleName=role)


@check
def secrets():
    sm, secret = client("secretsmanager"), name("s")
    sm.create_secret(Name=secret, SecretString="x", Description="d", KmsKeyId="alias/k",
                     Tags=[{"Key": "a", "Value": "b"}])
    refused("ResourceExistsException", sm.create_secret, Name=secret, SecretString="y")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}]})
    assert "ResourcePolicy" not in sm.get_resource_policy(SecretId=secret)
    sm.put_resource_policy(SecretId=secret, ResourcePolicy=policy)
    equal(json.loads(sm.get_resource_policy(SecretId=secret)["ResourcePolicy"]), json.loads(policy))
    refused("MalformedPolicyDocumentException", sm.put_resource_policy, SecretId=secret, ResourcePolicy="{")
    sm.delete_resource_policy(SecretId=secret)
    assert "ResourcePolicy" not in sm.get_resource_policy(SecretId=secret)
    function = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
    sm.rotate_secret(SecretId=secret, RotationLambdaARN=function, RotateImmediately=False,
                     RotationRules={"ScheduleExpression": "rate(10 days)", "Duration": "2h"})
    found = sm.describe_secret(SecretId=secret)
    holds(found, {"RotationEnabled": True, "RotationLambdaARN": function,
                  "RotationRules": {"ScheduleExpression": "rate(10 days)", "Duration": "2h"}})
    sm.cancel_rotate_secret(SecretId=secret)
    equal(sm.describe_secret(SecretId=secret)["RotationEnabled"], False)
    sm.replicate_secret_to_regions(SecretId=secret, AddReplicaRegions=[{"Region": "eu-west-1"}])
    found = sm.describe_secret(SecretId=secret)
    equal([(one["Region"], one["Status"]) for one in found["ReplicationStatus"]], [("eu-west-1", "InSync")])
    sm.remove_regions_from_replication(SecretId=secret, RemoveReplicaRegions=["eu-west-1"])
    assert not sm.describe_secret(SecretId=secret).get("ReplicationStatus")
    sm.update_secret(SecretId=secret, Description="e")
    equal(sm.describe_secret(SecretId=secret)["Description"], "e")
    sm.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    refused("InvalidRequestException", sm.get_secret_value, SecretId=secret)
    refused("InvalidRequestException", sm.create_secret, Name=secret, SecretString="y")
    assert sm.describe_secret(SecretId=secret)["DeletedDate"]
    sm.restore_secret(SecretId=secret)
    assert "DeletedDate" not in sm.describe_secret(SecretId=secret)
    sm.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    refused("ResourceNotFoundException", sm.describe_secret, SecretId=secret)


# Messages, logs, alarms, events


@check
def sns_topics():
    sns = client("sns")
    attributes = {
        "DisplayName": "d", "TracingConfig": "Active", "SignatureVersion": "2",
        "HTTPSuccessFeedbackRoleArn": "arn:aws:iam::123456789012:role/r",
        "HTTPSuccessFeedbackSampleRate": "50", "SQSFailureFeedbackRoleArn": "arn:aws:iam::123456789012:role/r",
        "KmsMasterKeyId": "alias/aws/sns",
        "DeliveryPolicy": json.dumps({"http": {"defaultHealthyRetryPolicy": {"numRetries": 5,
                                      "minDelayTarget": 1, "maxDelayTarget": 2}}})}
    topic = sns.create_topic(Name=name(), Attributes=attributes, Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    found = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    holds(found, attributes)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="TracingConfig", AttributeValue="PassThrough")
    equal(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["TracingConfig"], "PassThrough")
    refused("InvalidParameter", sns.set_topic_attributes, TopicArn=topic, AttributeName="Nonsense",
            AttributeValue="x")
    refused("InvalidParameter", sns.set_topic_attributes, TopicArn=topic, AttributeName="Policy",
            AttributeValue="{")
    fifo = sns.create_topic(Name=name() + ".fifo", Attributes={
        "FifoTopic": "true", "ContentBasedDeduplication": "true", "FifoThroughputScope": "MessageGroup",
        "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "30"})})["TopicArn"]
    holds(sns.get_topic_attributes(TopicArn=fifo)["Attributes"], {
        "FifoTopic": "true", "ContentBasedDeduplication": "true", "FifoThroughputScope": "MessageGroup",
        "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "30"})})
    protection = json.dumps({"Name": "n", "Version": "2021-06-01", "Statement": []})
    sns.put_data_protection_policy(ResourceArn=topic, DataProtectionPolicy=protection)
    equal(sns.get_data_protection_policy(ResourceArn=topic)["DataProtectionPolicy"], protection)
    queue = client("sqs").create_queue(QueueName=name())["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    wanted = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"a": ["b"]}),
              "FilterPolicyScope": "MessageBody", "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn})}
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=wanted,
                                 ReturnSubscriptionArn=True)["SubscriptionArn"]
    found = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    holds(found, dict(wanted, PendingConfirmation="false"))
    equal(sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=wanted)["SubscriptionArn"],
          subscription)
    mail = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")["SubscriptionArn"]
    equal(mail, "pending confirmation")
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    equal([one["SubscriptionArn"] for one in listed if one["Protocol"] == "email"], ["PendingConfirmation"])
    mail = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com",
                         ReturnSubscriptionArn=True)["SubscriptionArn"]
    equal(sns.get_subscription_attributes(SubscriptionArn=mail)["Attributes"]["PendingConfirmation"], "true")


@check
def trails():
    trail, s3, bucket, named = client("cloudtrail"), client("s3"), name("audit-"), name("trail-")
    s3.create_bucket(Bucket=bucket)
    refused("InsufficientS3BucketPolicyException", trail.create_trail, Name=named, S3BucketName=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
         "Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}))
    topic = client("sns").create_topic(Name=named)["TopicArn"]
    made = trail.create_trail(Name=named, S3BucketName=bucket, SnsTopicName=named, IsMultiRegionTrail=True,
                              TagsList=[{"Key": "a", "Value": "b"}])
    holds(made, {"SnsTopicARN": topic, "IncludeGlobalServiceEvents": True, "IsMultiRegionTrail": True})
    refused("TrailAlreadyExistsException", trail.create_trail, Name=named, S3BucketName=bucket)
    equal(trail.list_tags(ResourceIdList=[made["TrailARN"]])["ResourceTagList"][0]["TagsList"], [{"Key": "a", "Value": "b"}])

    def found():
        return trail.describe_trails(trailNameList=[named, "nothing"])["trailList"][0]

    holds(found(), {"HasCustomEventSelectors": False, "HasInsightSelectors": False, "HomeRegion": "us-east-1"})
    trail.update_trail(Name=named, SnsTopicName="", KmsKeyId="alias/k")
    equal(("SnsTopicARN" in found(), found()["KmsKeyId"].split(":", 5)[5]), (False, "alias/k"))
    refused("InvalidParameterCombinationException", trail.update_trail, Name=named, IncludeGlobalServiceEvents=False)
    data = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]
    trail.put_event_selectors(TrailName=named, AdvancedEventSelectors=[{"FieldSelectors": data}])
    refused("InvalidEventSelectorsException", trail.put_event_selectors, TrailName=named,
            AdvancedEventSelectors=[{"FieldSelectors": data[:1]}])
    equal(trail.get_event_selectors(TrailName=named)["AdvancedEventSelectors"], [{"FieldSelectors": data}])
    equal(found()["HasCustomEventSelectors"], True)
    refused("InsightNotEnabledException", trail.get_insight_selectors, TrailName=named)
    trail.put_insight_selectors(TrailName=named, InsightSelectors=[{"InsightType": "ApiErrorRateInsight"}])
    equal(found()["HasInsightSelectors"], True)
    trail.put_event_configuration(TrailName=named, AggregationConfigurations=[
        {"Templates": ["API_ACTIVITY"], "EventCategory": "Data"}])
    equal(len(trail.get_event_configuration(TrailName=named)["AggregationConfigurations"]), 1)
    trail.start_logging(Name=named)
    equal(trail.get_trail_status(Name=named)["IsLogging"], True)
    trail.delete_trail(Name=named)
    refused("TrailNotFoundException", trail.delete_trail, Name=named)


@check
def queues():
    sqs = client("sqs")
    dead = sqs.create_queue(QueueName=name())["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]})
    wanted = {"DelaySeconds": "5", "Policy": policy, "VisibilityTimeout": "60",
              "RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    named = name()
    queue = sqs.create_queue(QueueName=named, Attributes=wanted, tags={"a": "b"})["QueueUrl"]
    equal(sqs.create_queue(QueueName=named, Attributes=wanted)["QueueUrl"], queue)
    refused("QueueAlreadyExists", sqs.create_queue, QueueName=named, Attributes=dict(wanted, DelaySeconds="6"))

    def found():
        return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]

    holds(found(), dict(wanted, MaximumMessageSize="1048576", SqsManagedSseEnabled="true"))
    redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": "3"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={
        "KmsMasterKeyId": "alias/aws/sqs", "RedrivePolicy": json.dumps(redrive)})
    holds(found(), dict(wanted, KmsMasterKeyId="alias/aws/sqs", KmsDataKeyReusePeriodSeconds="300",
                        SqsManagedSseEnabled="false", RedrivePolicy=json.dumps(dict(redrive, maxReceiveCount=3))))
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "", "RedrivePolicy": "", "Policy": ""})
    equal({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "RedrivePolicy", "Policy"} & set(found()), set())
    equal(found()["SqsManagedSseEnabled"], "false")
    for attributes in ({"DelaySeconds": "901"}, {"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"},
                       {"RedrivePolicy": json.dumps(dict(redrive, deadLetterTargetArn=arn + "x"))},
                       {"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue"})}):
        refused("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=queue, Attributes=attributes)
    for attributes in ({"FifoQueue": "true"}, {"DeduplicationScope": "queue"}, {"Nonsense": "1"}):
        refused("InvalidAttributeName", sqs.set_queue_attributes, QueueUrl=queue, Attributes=attributes)
    fifo = sqs.create_queue(QueueName=name() + ".fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    holds(sqs.get_queue_attributes(QueueUrl=fifo, AttributeNames=["All"])["Attributes"], {
        "FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue"})
    sqs.delete_queue(QueueUrl=queue)
    refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_attributes, QueueUrl=queue,
            AttributeNames=["All"])


@check
def log_groups():
    logs, group = client("logs"), name("/g/")
    logs.create_log_group(logGroupName=group, logGroupClass="INFREQUENT_ACCESS", tags={"a": "b"},
                          deletionProtectionEnabled=True)
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=group)
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    holds(found, {"logGroupClass": "INFREQUENT_ACCESS", "deletionProtectionEnabled": True,
                  "logGroupArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"})
    assert found["arn"].endswith(":*")
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    equal(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["kmsKeyId"], key)
    logs.disassociate_kms_key(logGroupName=group)
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    logs.put_retention_policy(logGroupName=group, retentionInDays=14)
    equal(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["retentionInDays"], 14)
    refused("InvalidParameterException", logs.put_retention_policy, logGroupName=group, retentionInDays=15)
    logs.delete_retention_policy(logGroupName=group)
    arn = found["logGroupArn"]
    equal(logs.list_tags_for_resource(resourceArn=arn)["tags"], {"a": "b"})
    logs.tag_resource(resourceArn=arn, tags={"c": "d"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    equal(logs.list_tags_for_resource(resourceArn=arn)["tags"], {"c": "d"})
    protection = json.dumps({"Name": "n", "Version": "2021-06-01", "Statement": []})
    logs.put_data_protection_policy(logGroupIdentifier=group, policyDocument=protection)
    equal(logs.get_data_protection_policy(logGroupIdentifier=group)["policyDocument"], protection)
    equal(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["dataProtectionStatus"], "ACTIVATED")
    logs.delete_data_protection_policy(logGroupIdentifier=group)
    assert "policyDocument" not in logs.get_data_protection_policy(logGroupIdentifier=group)
    change = {"metricName": "m", "metricNamespace": "n", "metricValue": "$.v", "unit": "Count",
              "dimensions": {"d": "$.d"}}
    logs.put_metric_filter(logGroupName=group, filterName="f", filterPattern="{ $.v = * }",
                           metricTransformations=[change])
    equal(logs.describe_metric_filters(logGroupName=group)["metricFilters"][0]["metricTransformations"], [change])
    change = {"metricName": "m", "metricNamespace": "n", "metricValue": "1", "defaultValue": 0.0}
    logs.put_metric_filter(logGroupName=group, filterName="f", filterPattern="", metricTransformations=[change])
    holds(logs.describe_metric_filters(logGroupName=group)["metricFilters"][0]["metricTransformations"][0], change)
    refused("ValidationException", logs.delete_log_group, logGroupName=group)
    logs.put_log_group_deletion_protection(logGroupIdentifier=group, deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName=group)
    equal(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"], [])


@check
def alarms_and_dashboards():
    cloudwatch, alarm = client("cloudwatch"), name("a")
    wanted = {"AlarmDescription": "d", "ActionsEnabled": False, "OKActions": ["arn:aws:sns:us-east-1:1:o"],
              "AlarmActions": ["arn:aws:sns:us-east-1:1:a"], "InsufficientDataActions": [],
              "MetricName": "m", "Namespace": "n", "Dimensions": [{"Name": "x", "Value": "y"}], "Period": 60,
              "Unit": "Count", "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 1.5,
              "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
              "ExtendedStatistic": "p99", "EvaluateLowSampleCountPercentile": "ignore"}
    cloudwatch.put_metric_alarm(AlarmName=alarm, Tags=[{"Key": "a", "Value": "b"}], **wanted)
    found = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]
    holds(found, wanted)
    equal(found["StateValue"], "INSUFFICIENT_DATA")
    equal(cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], [{"Key": "a", "Value": "b"}])
    cloudwatch.tag_resource(ResourceARN=found["AlarmArn"], Tags=[{"Key": "c", "Value": "d"}])
    cloudwatch.untag_resource(ResourceARN=found["AlarmArn"], TagKeys=["a"])
    equal(cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], [{"Key": "c", "Value": "d"}])
    metrics = [{"Id": "e", "Expression": "a+1", "Label": "l", "ReturnData": True},
               {"Id": "a", "ReturnData": False, "MetricStat": {
                   "Metric": {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "x", "Value": "y"}]},
                   "Period": 60, "Stat": "Sum", "Unit": "Count"}}]
    cloudwatch.put_metric_alarm(AlarmName=alarm, EvaluationPeriods=1, Threshold=2.0, Metrics=metrics,
                                ComparisonOperator="LessThanThreshold")
    found = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]
    equal(found["Metrics"], metrics)
    assert "MetricName" not in found and "Dimensions" in found, found
    equal(cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"], [{"Key": "c", "Value": "d"}])
    composite = name("c")
    cloudwatch.put_composite_alarm(AlarmName=composite, AlarmRule=f"ALARM({alarm})", AlarmDescription="d",
                                   ActionsEnabled=True)
    found = cloudwatch.describe_alarms(AlarmNames=[composite], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    holds(found[0], {"AlarmRule": f"ALARM({alarm})", "AlarmDescription": "d"})
    cloudwatch.delete_alarms(AlarmNames=[composite])
    cloudwatch.delete_alarms(AlarmNames=[alarm])
    equal(cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"], [])
    board, body = name("d"), json.dumps({"widgets": []})
    refused("InvalidParameterInput", cloudwatch.put_dashboard, DashboardName=board, DashboardBody="{")
    cloudwatch.put_dashboard(DashboardName=board, DashboardBody=body)
    equal(cloudwatch.get_dashboard(DashboardName=board)["DashboardBody"], body)
    cloudwatch.delete_dashboards(DashboardNames=[board])
    refused("ResourceNotFound", cloudwatch.get_dashboard, DashboardName=board)


@check
def event_rules():
    events, rule = client("events"), name("r")
    refused("ValidationException", events.put_rule, Name=rule, ScheduleExpression="every day")
    refused("ValidationException", events.put_rule, Name=rule, ScheduleExpression="rate(1 hours)")
    refused("ValidationException", events.put_rule, Name=rule, ScheduleExpression="cron(0 0 * * * *)")
    refused("InvalidEventPatternException", events.put_rule, Name=rule, EventPattern="{")
    refused("ValidationException", events.put_rule, Name=rule)
    events.put_rule(Name=rule, ScheduleExpression="cron(0 6 * * ? *)", State="DISABLED", Description="d",
                    RoleArn="arn:aws:iam::123456789012:role/r", Tags=[{"Key": "a", "Value": "b"}])
    found = events.describe_rule(Name=rule)
    holds(found, {"ScheduleExpression": "cron(0 6 * * ? *)", "State": "DISABLED", "Description": "d",
                  "RoleArn": "arn:aws:iam::123456789012:role/r", "EventBusName": "default"})
    equal(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"], [{"Key": "a", "Value": "b"}])
    account = "arn:aws:%s:us-east-1:123456789012:%s"
    targets = [
        {"Id": "1", "Arn": account % ("states", "stateMachine:m"), "RoleArn": "arn:aws:iam::123456789012:role/r",
         "InputTransformer": {"InputPathsMap": {"x": "$.y"}, "InputTemplate": '{"a": <x>}'},
         "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
         "DeadLetterConfig": {"Arn": account % ("sqs", "q")}},
        {"Id": "2", "Arn": account % ("sqs", "q.fifo"), "SqsParameters": {"MessageGroupId": "g"}, "Input": "{}"},
        {"Id": "3", "Arn": account % ("redshift", "cluster:c"), "RoleArn": "arn:aws:iam::123456789012:role/r",
         "RedshiftDataParameters": {"Database": "d", "Sql": "select 1", "WithEvent": True, "DbUser": "u",
                                    "StatementName": "s"}},
        {"Id": "4", "Arn": account % ("ecs", "cluster/c"), "RoleArn": "arn:aws:iam::123456789012:role/r",
         "EcsParameters": {"TaskDefinitionArn": account % ("ecs", "task-definition/t"), "TaskCount": 2,
                           "LaunchType": "FARGATE", "NetworkConfiguration": {
                               "awsvpcConfiguration": {"Subnets": ["s"], "AssignPublicIp": "DISABLED"}}}},
        {"Id": "5", "Arn": account % ("sns", "t"), "InputPath": "$.detail"},
    ]
    equal(events.put_targets(Rule=rule, Targets=targets)["FailedEntryCount"], 0)
    found = events.list_targets_by_rule(Rule=rule)["Targets"]
    equal(sorted(found, key=lambda one: one["Id"]), targets)
    refused("ValidationException", events.delete_rule, Name=rule)
    equal(events.remove_targets(Rule=rule, Ids=["1", "2", "3", "4", "5"])["FailedEntryCount"], 0)
    events.delete_rule(Name=rule)
    refused("ResourceNotFoundException", events.describe_rule, Name=rule)
    bus = name("bus")
    events.create_event_bus(Name=bus, Description="d", KmsKeyIdentifier="alias/k",
                            DeadLetterConfig={"Arn": account % ("sqs", "q")}, Tags=[{"Key": "a", "Value": "b"}])
    holds(events.describe_event_bus(Name=bus), {
        "Description": "d", "KmsKeyIdentifier": "alias/k", "DeadLetterConfig": {"Arn": account % ("sqs", "q")}})
    events.update_event_bus(Name=bus, Description="e")
    equal(events.describe_event_bus(Name=bus)["Description"], "e")
    refused("ResourceAlreadyExistsException", events.create_event_bus, Name=bus)
    events.delete_event_bus(Name=bus)


@check
def state_machines():
    sfn, machine = client("stepfunctions"), name("m")
    role = client("iam").create_role(RoleName=name("r"), AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/g:*"
    logging = {"level": "ALL", "includeExecutionData": True, "destinations": [
        {"cloudWatchLogsLogGroup": {"logGroupArn": group}}]}
    wanted = {"definition": definition, "roleArn": role, "type": "STANDARD", "loggingConfiguration": logging,
              "tracingConfiguration": {"enabled": True},
              "encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/k",
                                          "kmsDataKeyReusePeriodSeconds": 300}}
    arn = sfn.create_state_machine(name=machine, tags=[{"key": "a", "value": "b"}], **wanted)["stateMachineArn"]
    holds(sfn.describe_state_machine(stateMachineArn=arn), dict(wanted, status="ACTIVE"))
    equal(sfn.create_state_machine(name=machine, **wanted)["stateMachineArn"], arn)
    refused("StateMachineAlreadyExists", sfn.create_state_machine, name=machine,
            **dict(wanted, definition=definition.replace("Pass", "Succeed").replace(', "End": true', "")))
    refused("InvalidDefinition", sfn.create_state_machine, name=name(), definition="{", roleArn=role)
    refused("InvalidDefinition", sfn.create_state_machine, name=name(), roleArn=role,
            definition=json.dumps({"StartAt": "B", "States": {"A": {"Type": "Pass", "End": True}}}))
    changed = {"loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
               "tracingConfiguration": {"enabled": False},
               "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}
    sfn.update_state_machine(stateMachineArn=arn, **changed)
    found = sfn.describe_state_machine(stateMachineArn=arn)
    holds(found, dict(changed, definition=definition))
    assert found["revisionId"]
    other = definition.replace("Pass", "Succeed").replace(', "End": true', "")
    sfn.update_state_machine(stateMachineArn=arn, definition=other)
    equal(sfn.describe_state_machine(stateMachineArn=arn)["definition"], other)
    equal(sfn.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "a", "value": "b"}])
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "c", "value": "d"}])
    sfn.untag_resource(resourceArn=arn, tagKeys=["a"])
    equal(sfn.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "c", "value": "d"}])
    listed = lambda: sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]  # noqa: E731
    equal(listed(), [])
    for revision in (other, definition):
        sfn.update_state_machine(stateMachineArn=arn, definition=revision, publish=True)
    equal([one["stateMachineVersionArn"] for one in listed()], [f"{arn}:2", f"{arn}:1"])
    assert listed()[0]["creationDate"]
    equal(sfn.validate_state_machine_definition(definition=definition)["result"], "OK")
    equal(sfn.validate_state_machine_definition(definition="{")["result"], "FAIL")
    express = sfn.create_state_machine(name=name(), definition=definition, roleArn=role, type="EXPRESS")
    found = sfn.describe_state_machine(stateMachineArn=express["stateMachineArn"])
    holds(found, {"type": "EXPRESS", "tracingConfiguration": {"enabled": False},
                  "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
                  "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}})
    sfn.delete_state_machine(stateMachineArn=arn)
    refused("StateMachineDoesNotExist", sfn.describe_state_machine, stateMachineArn=arn)


@check
def cloudwatch_cbor():
    """The wire form of Smithy RPC v2 CBOR: indefinite lengths, gzip, errors."""
    import gzip
    import urllib.request

    alarm = name("a")
    items = {"AlarmName": alarm, "MetricName": "m", "Namespace": "n", "Statistic": "Sum",
             "ComparisonOperator": "GreaterThanThreshold"}

    def text(value):
        data = value.encode()
        return bytes([0x78, len(data)]) + data

    body = b"\xbf" + b"".join(text(key) + text(value) for key, value in items.items())
    body += text("Period") + b"\x18\x3c" + text("EvaluationPeriods") + b"\x01"
    body += text("Threshold") + b"\xfa\x3f\xc0\x00\x00\xff"  # 1.5 in single precision; end of the map

    def post(operation, data, **more):
        request = urllib.request.Request(
            f"{ENDPOINT}/service/GraniteServiceVersion20100801/operation/{operation}", data, {
                "smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/monitoring/aws4_request, "
                                 "SignedHeaders=host, Signature=0", **more})
        try:
            return urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            return error

    answer = post("PutMetricAlarm", gzip.compress(body), **{"Content-Encoding": "gzip"})
    equal((answer.status, answer.headers["smithy-protocol"]), (200, "rpc-v2-cbor"))
    equal(client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["Threshold"], 1.5)
    answer = post("DescribeAlarms", b"\xa0")
    assert b"\xc1" in answer.read(), "timestamps carry tag 1"
    answer = post("GetDashboard", b"\xa1" + text("DashboardName") + text("none"))
    equal((answer.status, answer.headers["x-amzn-query-error"]), (404, "ResourceNotFound;Sender"))
    assert b"DashboardNotFoundError" in answer.read()
    answer = post("Nonsense", b"\xa0")
    equal(answer.status, 501)
    client("cloudwatch").put_metric_data(Namespace="n", MetricData=[
        {"MetricName": "m" * 100, "Value": 1.0, "Dimensions": [{"Name": "a", "Value": str(index)}]}
        for index in range(300)])


# Glue


@check
def glue_jobs():
    glue, job = client("glue"), name("j")
    wanted = {
        "Description": "d", "LogUri": "s3://x/l", "Role": "arn:aws:iam::123456789012:role/r",
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://x/s.py", "PythonVersion": "3"},
        "DefaultArguments": {"--a": "b"}, "NonOverridableArguments": {"--c": "d"},
        "Connections": {"Connections": ["c"]}, "MaxRetries": 2, "Timeout": 60, "SecurityConfiguration": "s",
        "NotificationProperty": {"NotifyDelayAfter": 5}, "GlueVersion": "4.0", "NumberOfWorkers": 4,
        "WorkerType": "G.2X", "ExecutionClass": "FLEX", "JobMode": "SCRIPT", "JobRunQueuingEnabled": True,
        "MaintenanceWindow": "Sun:10",
        "SourceControlDetails": {"Provider": "GITHUB", "Repository": "r", "Owner": "o", "Branch": "b"}}
    glue.create_job(Name=job, Tags={"a": "b"}, **wanted)
    refused("AlreadyExistsException", glue.create_job, Name=job, **wanted)
    found = glue.get_job(JobName=job)["Job"]
    holds(found, dict(wanted, MaxCapacity=8.0, AllocatedCapacity=8))
    batch = glue.batch_get_jobs(JobNames=[job, "none"])
    equal((batch["Jobs"], batch["JobsNotFound"]), ([found], ["none"]))
    arn = f"arn:aws:glue:us-east-1:123456789012:job/{job}"
    equal(glue.get_tags(ResourceArn=arn)["Tags"], {"a": "b"})
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"c": "d"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["a"])
    equal(glue.get_tags(ResourceArn=arn)["Tags"], {"c": "d"})
    glue.update_job(JobName=job, JobUpdate={"Role": "r", "Command": {"Name": "pythonshell"}, "MaxCapacity": 1.0})
    found = glue.get_job(JobName=job)["Job"]
    holds(found, {"Role": "r", "MaxCapacity": 1.0, "MaxRetries": 0})
    assert "Description" not in found and "WorkerType" not in found, found
    refused("EntityNotFoundException", glue.update_job, JobName="none", JobUpdate=wanted)
    refused("InvalidInputException", glue.create_job, Name=name(), Role="r", Command={"Name": "glueetl"},
            MaxCapacity=2.0, WorkerType="G.1X", NumberOfWorkers=2)
    glue.start_job_run(JobName=job)
    glue.delete_job(JobName=job)
    refused("EntityNotFoundException", glue.get_job, JobName=job)
    glue.create_job(Name=job, Role="r", Command={"Name": "glueetl"})
    equal(glue.get_tags(ResourceArn=arn)["Tags"], {})


@check
def glue_crawlers():
    glue, crawler = client("glue"), name("c")
    wanted = {
        "Role": "r", "DatabaseName": "d", "Description": "x", "Classifiers": ["k"], "TablePrefix": "p_",
        "SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
        "LineageConfiguration": {"CrawlerLineageSettings": "ENABLE"}, "Configuration": '{"Version":1.0}',
        "CrawlerSecurityConfiguration": "s",
        "LakeFormationConfiguration": {"UseLakeFormationCredentials": True, "AccountId": "123456789012"}}
    targets = {"S3Targets": [{"Path": "s3://x", "Exclusions": ["*.tmp"], "SampleSize": 3}],
               "JdbcTargets": [{"ConnectionName": "c", "Path": "p"}]}
    glue.create_crawler(Name=crawler, Targets=targets, Schedule="cron(0 6 * * ? *)", Tags={"a": "b"}, **wanted)
    refused("AlreadyExistsException", glue.create_crawler, Name=crawler, Targets=targets, Role="r")
    found = glue.get_crawler(Name=crawler)["Crawler"]
    holds(found, wanted)
    holds(found["Targets"], targets)
    holds(found["Schedule"], {"ScheduleExpression": "cron(0 6 * * ? *)", "State": "SCHEDULED"})
    glue.update_crawler(Name=crawler, Description="y", TablePrefix="q_")
    found = glue.batch_get_crawlers(CrawlerNames=[crawler, "none"])
    equal(found["CrawlersNotFound"], ["none"])
    holds(found["Crawlers"][0], {"Description": "y", "TablePrefix": "q_", "Role": "r", "Version": 2})
    glue.update_crawler_schedule(CrawlerName=crawler, Schedule="cron(0 7 * * ? *)")
    equal(glue.get_crawler(Name=crawler)["Crawler"]["Schedule"]["ScheduleExpression"], "cron(0 7 * * ? *)")
    glue.stop_crawler_schedule(CrawlerName=crawler)
    equal(glue.get_crawler(Name=crawler)["Crawler"]["Schedule"]["State"], "NOT_SCHEDULED")
    glue.start_crawler(Name=crawler)
    found = glue.get_crawler(Name=crawler)["Crawler"]
    equal((found["State"], found["LastCrawl"]["Status"]), ("READY", "SUCCEEDED"))
    glue.delete_crawler(Name=crawler)
    refused("EntityNotFoundException", glue.get_crawler, Name=crawler)


@check
def glue_triggers_and_workflows():
    glue, trigger, workflow = client("glue"), name("t"), name("w")
    glue.create_workflow(Name=workflow, Description="d", DefaultRunProperties={"a": "b"}, MaxConcurrentRuns=2,
                         Tags={"a": "b"})
    refused("AlreadyExistsException", glue.create_workflow, Name=workflow)
    found = glue.batch_get_workflows(Names=[workflow, "none"])
    equal(found["MissingWorkflows"], ["none"])
    holds(found["Workflows"][0], {"Description": "d", "DefaultRunProperties": {"a": "b"}, "MaxConcurrentRuns": 2})
    glue.update_workflow(Name=workflow, Description="e", DefaultRunProperties={})
    found = glue.get_workflow(Name=workflow)["Workflow"]
    equal((found["Description"], found.get("DefaultRunProperties", {})), ("e", {}))
    wanted = {
        "Type": "CONDITIONAL", "WorkflowName": workflow, "Description": "d",
        "Predicate": {"Logical": "AND", "Conditions": [
            {"LogicalOperator": "EQUALS", "JobName": "a", "State": "SUCCEEDED"},
            {"LogicalOperator": "EQUALS", "CrawlerName": "c", "CrawlState": "SUCCEEDED"}]},
        "Actions": [{"JobName": "j", "Arguments": {"--a": "b"}, "Timeout": 5, "SecurityConfiguration": "s",
                     "NotificationProperty": {"NotifyDelayAfter": 3}}, {"CrawlerName": "c"}]}
    glue.create_trigger(Name=trigger, StartOnCreation=True, Tags={"a": "b"}, **wanted)
    refused("AlreadyExistsException", glue.create_trigger, Name=trigger, **wanted)
    holds(glue.get_trigger(Name=trigger)["Trigger"], dict(wanted, State="ACTIVATED"))
    glue.stop_trigger(Name=trigger)
    equal(glue.get_trigger(Name=trigger)["Trigger"]["State"], "DEACTIVATED")
    update = {"Actions": [{"JobName": "k"}], "Predicate": {"Conditions": [
        {"LogicalOperator": "EQUALS", "JobName": "z", "State": "FAILED"}]}}
    found = glue.update_trigger(Name=trigger, TriggerUpdate=update)["Trigger"]
    holds(found, dict(update, Type="CONDITIONAL", WorkflowName=workflow))
    assert "Description" not in found
    event = name("t")
    glue.create_trigger(Name=event, Type="EVENT", WorkflowName=workflow, Actions=[{"JobName": "j"}],
                        EventBatchingCondition={"BatchSize": 5, "BatchWindow": 60})
    found = glue.batch_get_triggers(TriggerNames=[event, "none"])
    equal(found["TriggersNotFound"], ["none"])
    holds(found["Triggers"][0], {"EventBatchingCondition": {"BatchSize": 5, "BatchWindow": 60}})
    refused("InvalidInputException", glue.create_trigger, Name=name(), Type="SCHEDULED", Schedule="daily",
            Actions=[{"JobName": "j"}])
    scheduled = name("t")
    glue.create_trigger(Name=scheduled, Type="SCHEDULED", Schedule="cron(0 6 * * ? *)",
                        Actions=[{"JobName": "j"}])
    holds(glue.get_trigger(Name=scheduled)["Trigger"], {"State": "CREATED", "Schedule": "cron(0 6 * * ? *)"})
    for one in (trigger, event, scheduled):
        glue.delete_trigger(Name=one)
    glue.delete_workflow(Name=workflow)


@check
def glue_the_rest():
    glue, connection = client("glue"), name("c")
    wanted = {"Name": connection, "ConnectionType": "JDBC", "Description": "d", "MatchCriteria": ["m"],
              "ConnectionProperties": {"JDBC_CONNECTION_URL": "u", "USERNAME": "n", "PASSWORD": "p"},
              "PhysicalConnectionRequirements": {"SubnetId": "s", "SecurityGroupIdList": ["g"],
                                                 "AvailabilityZone": "us-east-1a"}}
    glue.create_connection(ConnectionInput=wanted, Tags={"a": "b"})
    holds(glue.get_connection(Name=connection)["Connection"], wanted)
    found = glue.get_connections(HidePassword=True, Filter={"ConnectionType": "JDBC"})["ConnectionList"]
    assert all("PASSWORD" not in one["ConnectionProperties"] for one in found)
    glue.update_connection(Name=connection, ConnectionInput=dict(wanted, Description="e"))
    equal(glue.get_connection(Name=connection)["Connection"]["Description"], "e")
    glue.delete_connection(ConnectionName=connection)
    refused("EntityNotFoundException", glue.get_connection, Name=connection)
    classifier = {"Name": name("k"), "Delimiter": ";", "QuoteSymbol": "'", "ContainsHeader": "PRESENT",
                  "Header": ["a", "b"], "DisableValueTrimming": True, "AllowSingleColumn": False}
    glue.create_classifier(CsvClassifier=classifier)
    refused("AlreadyExistsException", glue.create_classifier, CsvClassifier=classifier)
    holds(glue.get_classifier(Name=classifier["Name"])["Classifier"]["CsvClassifier"], classifier)
    glue.update_classifier(CsvClassifier={"Name": classifier["Name"], "Delimiter": ","})
    equal(glue.get_classifier(Name=classifier["Name"])["Classifier"]["CsvClassifier"]["Delimiter"], ",")
    glue.delete_classifier(Name=classifier["Name"])
    database = name("d")
    glue.create_database(DatabaseInput={"Name": database, "Description": "d", "Parameters": {"a": "b"},
                                        "LocationUri": "s3://x"}, Tags={"a": "b"})
    refused("AlreadyExistsException", glue.create_database, DatabaseInput={"Name": database})
    glue.update_database(Name=database, DatabaseInput={"Name": database, "Description": "e"})
    found = glue.get_database(Name=database)["Database"]
    equal((found["Description"], found.get("Parameters", {})), ("e", {}))
    arn = f"arn:aws:glue:us-east-1:123456789012:database/{database}"
    equal(glue.get_tags(ResourceArn=arn)["Tags"], {"a": "b"})
    glue.delete_database(Name=database)


# Redshift


def a_network():
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone="us-east-1" + zone)[
        "Subnet"]["SubnetId"] for index, zone in enumerate("ab")]
    return vpc, subnets


@check
def redshift_groups():
    redshift, group = client("redshift"), name("p")
    redshift.create_cluster_parameter_group(ParameterGroupName=group, ParameterGroupFamily="redshift-2.0",
                                            Description="d", Tags=[{"Key": "a", "Value": "b"}])
    refused("ClusterParameterGroupAlreadyExists", redshift.create_cluster_parameter_group,
            ParameterGroupName=group, ParameterGroupFamily="redshift-2.0", Description="d")
    wlm = json.dumps([{"query_group": [], "auto_wlm": True}])
    redshift.modify_cluster_parameter_group(ParameterGroupName=group, Parameters=[
        {"ParameterName": "wlm_json_configuration", "ParameterValue": wlm},
        {"ParameterName": "statement_timeout", "ParameterValue": "5000"}])
    changed = redshift.describe_cluster_parameters(ParameterGroupName=group, Source="user")["Parameters"]
    equal({one["ParameterName"]: one["ParameterValue"] for one in changed},
          {"wlm_json_configuration": wlm, "statement_timeout": "5000"})
    every = redshift.describe_cluster_parameters(ParameterGroupName=group)["Parameters"]
    assert len(every) > 10 and any(one["Source"] == "engine-default" for one in every)
    refused("InvalidParameterValue", redshift.modify_cluster_parameter_group, ParameterGroupName=group,
            Parameters=[{"ParameterName": "nonsense", "ParameterValue": "x"}])
    refused("InvalidParameterValue", redshift.modify_cluster_parameter_group, ParameterGroupName=group,
            Parameters=[{"ParameterName": "require_ssl", "ParameterValue": "maybe"}])
    redshift.reset_cluster_parameter_group(ParameterGroupName=group, Parameters=[
        {"ParameterName": "statement_timeout"}])
    equal(len(redshift.describe_cluster_parameters(ParameterGroupName=group, Source="user")["Parameters"]), 1)
    defaults = redshift.describe_default_cluster_parameters(ParameterGroupFamily="redshift-2.0")
    assert defaults["DefaultClusterParameters"]["Parameters"]
    arn = f"arn:aws:redshift:us-east-1:123456789012:parametergroup:{group}"
    redshift.create_tags(ResourceName=arn, Tags=[{"Key": "c", "Value": "d"}])
    redshift.delete_tags(ResourceName=arn, TagKeys=["a"])
    equal([one["Tag"] for one in redshift.describe_tags(ResourceName=arn)["TaggedResources"]],
          [{"Key": "c", "Value": "d"}])
    redshift.delete_cluster_parameter_group(ParameterGroupName=group)
    refused("ClusterParameterGroupNotFound", redshift.describe_cluster_parameter_groups, ParameterGroupName=group)
    vpc, subnets = a_network()
    group = name("s")
    redshift.create_cluster_subnet_group(ClusterSubnetGroupName=group, Description="d", SubnetIds=subnets[:1],
                                         Tags=[{"Key": "a", "Value": "b"}])
    refused("ClusterSubnetGroupAlreadyExists", redshift.create_cluster_subnet_group, ClusterSubnetGroupName=group,
            Description="d", SubnetIds=subnets)
    redshift.modify_cluster_subnet_group(ClusterSubnetGroupName=group, Description="e", SubnetIds=subnets)
    found = redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=group)["ClusterSubnetGroups"][0]
    holds(found, {"Description": "e", "VpcId": vpc, "Tags": [{"Key": "a", "Value": "b"}]})
    equal(sorted(one["SubnetIdentifier"] for one in found["Subnets"]), sorted(subnets))
    redshift.delete_cluster_subnet_group(ClusterSubnetGroupName=group)
    refused("ClusterSubnetGroupNotFoundFault", redshift.describe_cluster_subnet_groups,
            ClusterSubnetGroupName=group)


@check
def redshift_clusters():
    redshift, cluster = client("redshift"), name("c")
    vpc, subnets = a_network()
    group, other = name("s"), name("p")
    redshift.create_cluster_subnet_group(ClusterSubnetGroupName=group, Description="d", SubnetIds=subnets)
    redshift.create_cluster_parameter_group(ParameterGroupName=other, ParameterGroupFamily="redshift-1.0",
                                            Description="d")
    security = client("ec2").create_security_group(GroupName="rs", Description="d", VpcId=vpc)["GroupId"]
    role = "arn:aws:iam::123456789012:role/r"
    wanted = {"NodeType": "ra3.xlplus", "MasterUsername": "admin", "NumberOfNodes": 2, "EnhancedVpcRouting": True,
              "ClusterSubnetGroupName": group, "PreferredMaintenanceWindow": "mon:03:00-mon:03:30",
              "AutomatedSnapshotRetentionPeriod": 7, "PubliclyAccessible": False, "AllowVersionUpgrade": False,
              "DBName": "dw", "MaintenanceTrackName": "trailing", "DefaultIamRoleArn": role,
              "ManualSnapshotRetentionPeriod": 30, "IpAddressType": "ipv4"}
    arguments = dict(wanted, ClusterIdentifier=cluster, ClusterType="multi-node", ManageMasterPassword=True,
                     Port=5440, IamRoles=[role], VpcSecurityGroupIds=[security], AvailabilityZoneRelocation=True,
                     Tags=[{"Key": "a", "Value": "b"}])
    made = redshift.create_cluster(**arguments)["Cluster"]
    equal(made["ClusterStatus"], "creating")
    refused("ClusterAlreadyExists", redshift.create_cluster, **arguments)
    found = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]
    holds(found, dict(wanted, ClusterStatus="available", ClusterAvailabilityStatus="Available", VpcId=vpc,
                      Encrypted=True, MultiAZ="Disabled", AvailabilityZoneRelocationStatus="enabled"))
    equal(found["Endpoint"]["Port"], 5440)
    assert found["ClusterNamespaceArn"].startswith("arn:aws:redshift:us-east-1:123456789012:namespace:")
    equal(found["VpcSecurityGroups"], [{"VpcSecurityGroupId": security, "Status": "active"}])
    client("secretsmanager").describe_secret(SecretId=found["MasterPasswordSecretArn"])
    equal(found["IamRoles"], [{"IamRoleArn": role, "ApplyStatus": "in-sync"}])
    equal(redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["ClusterNamespaceArn"],
          found["ClusterNamespaceArn"])
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=cluster)

    changed = {"AutomatedSnapshotRetentionPeriod": 9, "PreferredMaintenanceWindow": "tue:03:00-tue:03:30",
               "AllowVersionUpgrade": True, "EnhancedVpcRouting": False, "PubliclyAccessible": True,
               "MaintenanceTrackName": "current"}
    redshift.modify_cluster(ClusterIdentifier=cluster, ClusterParameterGroupName=other, MasterUserPassword="Abcdef12",
                            KmsKeyId="arn:aws:kms:us-east-1:123456789012:key/k", **changed)
    found = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]
    holds(found, dict(changed, KmsKeyId="arn:aws:kms:us-east-1:123456789012:key/k"))
    assert "MasterPasswordSecretArn" not in found
    equal(found["ClusterParameterGroups"], [
        {"ParameterGroupName": other, "ParameterApplyStatus": "pending-reboot"}])
    redshift.reboot_cluster(ClusterIdentifier=cluster)
    found = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]
    equal(found["ClusterParameterGroups"][0]["ParameterApplyStatus"], "in-sync")
    redshift.resize_cluster(ClusterIdentifier=cluster, NumberOfNodes=4, NodeType="ra3.4xlarge")
    holds(redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0],
          {"NumberOfNodes": 4, "NodeType": "ra3.4xlarge"})
    second = role + "2"
    redshift.modify_cluster_iam_roles(ClusterIdentifier=cluster, AddIamRoles=[second], RemoveIamRoles=[role],
                                      DefaultIamRoleArn=second)
    found = redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]
    equal([one["IamRoleArn"] for one in found["IamRoles"]], [second])
    equal(found["DefaultIamRoleArn"], second)
    equal(redshift.describe_logging_status(ClusterIdentifier=cluster)["LoggingEnabled"], False)
    redshift.enable_logging(ClusterIdentifier=cluster, LogDestinationType="cloudwatch", LogExports=["userlog"])
    holds(redshift.describe_logging_status(ClusterIdentifier=cluster), {
        "LoggingEnabled": True, "LogDestinationType": "cloudwatch", "LogExports": ["userlog"]})
    bucket = name("b")
    client("s3").create_bucket(Bucket=bucket)
    redshift.enable_logging(ClusterIdentifier=cluster, BucketName=bucket, S3KeyPrefix="p/")
    holds(redshift.describe_logging_status(ClusterIdentifier=cluster), {
        "LoggingEnabled": True, "BucketName": bucket, "S3KeyPrefix": "p/"})
    redshift.disable_logging(ClusterIdentifier=cluster)
    redshift.create_snapshot_copy_grant(SnapshotCopyGrantName="g")
    redshift.enable_snapshot_copy(ClusterIdentifier=cluster, DestinationRegion="us-west-2", RetentionPeriod=5,
                                  ManualSnapshotRetentionPeriod=10, SnapshotCopyGrantName="g")
    refused("SnapshotCopyAlreadyEnabledFault", redshift.enable_snapshot_copy, ClusterIdentifier=cluster,
            DestinationRegion="us-west-2")
    redshift.modify_snapshot_copy_retention_period(ClusterIdentifier=cluster, RetentionPeriod=6)
    redshift.modify_snapshot_copy_retention_period(ClusterIdentifier=cluster, RetentionPeriod=11, Manual=True)
    equal(redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["ClusterSnapshotCopyStatus"],
          {"DestinationRegion": "us-west-2", "RetentionPeriod": 6, "ManualSnapshotRetentionPeriod": 11,
           "SnapshotCopyGrantName": "g"})
    redshift.disable_snapshot_copy(ClusterIdentifier=cluster)
    redshift.modify_cluster_maintenance(ClusterIdentifier=cluster, DeferMaintenance=True,
                                        DeferMaintenanceDuration=7)
    redshift.modify_aqua_configuration(ClusterIdentifier=cluster, AquaConfigurationStatus="auto")
    redshift.pause_cluster(ClusterIdentifier=cluster)
    equal(redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["ClusterStatus"], "paused")
    refused("InvalidClusterState", redshift.modify_cluster, ClusterIdentifier=cluster, AllowVersionUpgrade=True)
    redshift.resume_cluster(ClusterIdentifier=cluster)
    schedule = name("h")
    redshift.create_snapshot_schedule(ScheduleIdentifier=schedule, ScheduleDefinitions=["rate(12 hours)"])
    redshift.modify_cluster_snapshot_schedule(ClusterIdentifier=cluster, ScheduleIdentifier=schedule)
    equal(redshift.describe_clusters(ClusterIdentifier=cluster)["Clusters"][0]["SnapshotScheduleIdentifier"],
          schedule)
    limit = redshift.create_usage_limit(ClusterIdentifier=cluster, FeatureType="spectrum", LimitType="data-scanned",
                                        Amount=1)["UsageLimitId"]
    redshift.modify_usage_limit(UsageLimitId=limit, Amount=2)
    equal(redshift.describe_usage_limits(ClusterIdentifier=cluster)["UsageLimits"][0]["Amount"], 2)
    redshift.delete_usage_limit(UsageLimitId=limit)
    action = name("a")
    redshift.create_scheduled_action(
        ScheduledActionName=action, Schedule="cron(0 6 * * ? *)", IamRole=role,
        TargetAction={"PauseCluster": {"ClusterIdentifier": cluster}})
    holds(redshift.describe_scheduled_actions(ScheduledActionName=action)["ScheduledActions"][0], {
        "TargetAction": {"PauseCluster": {"ClusterIdentifier": cluster}}, "State": "ACTIVE"})
    redshift.delete_scheduled_action(ScheduledActionName=action)
    refused("DependencyViolation", client("ec2").delete_subnet, SubnetId=subnets[0])
    refused("DependencyViolation", client("ec2").delete_security_group, GroupId=security)
    refused("InvalidClusterSubnetGroupStateFault", redshift.delete_cluster_subnet_group,
            ClusterSubnetGroupName=group)
    refused("InvalidClusterParameterGroupState", redshift.delete_cluster_parameter_group, ParameterGroupName=other)
    refused("InvalidParameterCombination", redshift.delete_cluster, ClusterIdentifier=cluster)
    final = name("f")
    redshift.delete_cluster(ClusterIdentifier=cluster, FinalClusterSnapshotIdentifier=final)
    refused("ClusterNotFound", redshift.describe_clusters, ClusterIdentifier=cluster)
    found = redshift.describe_cluster_snapshots(SnapshotIdentifier=final)["Snapshots"][0]
    holds(found, {"ClusterIdentifier": cluster, "SnapshotType": "manual"})
    redshift.delete_cluster_snapshot(SnapshotIdentifier=final)
    redshift.delete_snapshot_copy_grant(SnapshotCopyGrantName="g")


# Network


@check
def networks():
    ec2 = client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"):
        lower = attribute[0].lower() + attribute[1:]
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
        equal(ec2.describe_vpc_attribute(VpcId=vpc, Attribute=lower)[attribute]["Value"], True)
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": False}})
        equal(ec2.describe_vpc_attribute(VpcId=vpc, Attribute=lower)[attribute]["Value"], False)
    added = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    found = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"]
    equal([one["CidrBlock"] for one in found], ["10.0.0.0/16", "10.1.0.0/16"])
    ec2.disassociate_vpc_cidr_block(AssociationId=added["AssociationId"])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")["Subnet"][
        "SubnetId"]
    refused("InvalidSubnet.Conflict", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.0/25")
    refused("InvalidSubnet.Range", ec2.create_subnet, VpcId=vpc, CidrBlock="10.9.1.0/24")
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsARecordOnLaunch={"Value": True})
    found = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    equal(found["MapPublicIpOnLaunch"], True)
    holds(found["PrivateDnsNameOptionsOnLaunch"], {
        "HostnameType": "resource-name", "EnableResourceNameDnsARecord": True})
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    one = ec2.create_security_group(GroupName="one", Description="d", VpcId=vpc)["GroupId"]
    two = ec2.create_security_group(GroupName="two", Description="d", VpcId=vpc)["GroupId"]
    refused("InvalidGroup.Duplicate", ec2.create_security_group, GroupName="two", Description="d", VpcId=vpc)
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
                  "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "x"}, {"CidrIp": "11.0.0.0/8"}]}
    made = ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[permission], TagSpecifications=[
        {"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}])["SecurityGroupRules"]
    equal(len({rule["SecurityGroupRuleId"] for rule in made}), 2)
    refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=one,
            IpPermissions=[permission])
    ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": two, "Description": "g"}]}])
    filters = [{"Name": "group-id", "Values": [one]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    ingress = [rule for rule in rules if not rule["IsEgress"]]
    equal(sorted(rule.get("CidrIpv4", "") for rule in ingress), ["", "10.0.0.0/8", "11.0.0.0/8"])
    equal([rule["ReferencedGroupInfo"]["GroupId"] for rule in ingress if "ReferencedGroupInfo" in rule], [two])
    equal([rule["Description"] for rule in ingress if "ReferencedGroupInfo" in rule], ["g"])
    equal([rule["CidrIpv4"] for rule in rules if rule["IsEgress"]], ["0.0.0.0/0"])
    chosen = next(rule for rule in ingress if rule.get("CidrIpv4") == "10.0.0.0/8")
    equal((chosen["Description"], chosen["FromPort"]), ("x", 443))
    ec2.modify_security_group_rules(GroupId=one, SecurityGroupRules=[
        {"SecurityGroupRuleId": chosen["SecurityGroupRuleId"], "SecurityGroupRule": {
            "IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "CidrIpv4": "10.0.0.0/8",
            "Description": "y"}}])
    found = ec2.describe_security_group_rules(SecurityGroupRuleIds=[chosen["SecurityGroupRuleId"]])[
        "SecurityGroupRules"][0]
    holds(found, {"FromPort": 8443, "Description": "y", "CidrIpv4": "10.0.0.0/8"})
    ec2.update_security_group_rule_descriptions_ingress(GroupId=one, SecurityGroupRuleDescriptions=[
        {"SecurityGroupRuleId": chosen["SecurityGroupRuleId"], "Description": "z"}])
    found = ec2.describe_security_group_rules(SecurityGroupRuleIds=[chosen["SecurityGroupRuleId"]])[
        "SecurityGroupRules"][0]
    equal(found["Description"], "z")
    refused("DependencyViolation", ec2.delete_security_group, GroupId=two)
    ec2.revoke_security_group_ingress(GroupId=one, SecurityGroupRuleIds=[
        rule["SecurityGroupRuleId"] for rule in ingress])
    equal([rule for rule in ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
           if not rule["IsEgress"]], [])
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[two])["NetworkInterface"]
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
    refused("DependencyViolation", ec2.delete_security_group, GroupId=two)
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    for group in (one, two):
        ec2.delete_security_group(GroupId=group)
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=[vpc])


@check
def the_index_of_tags():
    index, glue, owner = client("resourcegroupstaggingapi"), client("glue"), name("o")
    account = "arn:aws:%s:us-east-1:123456789012:%s"
    tags = [{"Key": "owner", "Value": owner}, {"Key": "a", "Value": "b"}]
    plain = {"owner": owner, "a": "b"}
    thing, bucket = name("i"), name("index-")
    cloudwatch, events, kms = client("cloudwatch"), client("events"), client("kms")
    cloudwatch.put_metric_alarm(AlarmName=thing, MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1,
                                Threshold=1, Statistic="Sum", ComparisonOperator="GreaterThanThreshold", Tags=tags)
    cloudwatch.put_composite_alarm(AlarmName=thing + "c", AlarmRule=f"ALARM({thing})", Tags=tags)
    cloudwatch.put_dashboard(DashboardName=thing, DashboardBody="{}", Tags=tags)
    events.put_rule(Name=thing, ScheduleExpression="rate(1 hour)", Tags=tags)
    client("logs").create_log_group(logGroupName=thing, tags=plain)
    glue.create_database(DatabaseInput={"Name": thing}, Tags=plain)
    glue.create_workflow(Name=thing, Tags=plain)
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    topic = client("sns").create_topic(Name=thing, Tags=tags)["TopicArn"]
    policy = client("iam").create_policy(PolicyName=thing, PolicyDocument=POLICY, Tags=tags)["Policy"]["Arn"]
    key = kms.create_key(Tags=[{"TagKey": one["Key"], "TagValue": one["Value"]} for one in tags])["KeyMetadata"]
    wanted = sorted([
        account % ("cloudwatch", "alarm:" + thing), account % ("cloudwatch", f"alarm:{thing}c"),
        "arn:aws:cloudwatch::123456789012:dashboard/" + thing, account % ("events", "rule/" + thing),
        account % ("logs", "log-group:" + thing), account % ("glue", "database/" + thing),
        account % ("glue", "workflow/" + thing), "arn:aws:s3:::" + bucket, topic, key["Arn"], policy,
    ])

    def found(**arguments):
        pages, token = [], ""
        while True:
            answer = index.get_resources(PaginationToken=token, **arguments)
            pages.append(answer["ResourceTagMappingList"])
            token = answer["PaginationToken"]
            if not token:
                return pages

    ours = [{"Key": "owner", "Values": [owner, "nobody"]}]
    pages = found(TagFilters=ours, ResourcesPerPage=4)
    equal([len(page) for page in pages], [4, 4, 3])
    equal(sorted(one["ResourceARN"] for page in pages for one in page), wanted)
    equal([{tag["Key"]: tag["Value"] for tag in one["Tags"]} for page in pages for one in page], [plain] * 11)
    equal(len(found(TagFilters=ours + [{"Key": "a"}], ResourcesPerPage=100)[0]), 11)
    equal(found(TagFilters=ours + [{"Key": "a", "Values": ["c"]}]), [[]])
    equal(len(found(TagFilters=ours, ResourceTypeFilters=["glue:workflow", "s3"])[0]), 2)
    equal(found(ResourceARNList=[topic])[0][0]["ResourceARN"], topic)
    refused("InvalidParameterException", index.get_resources, ResourcesPerPage=101)
    glue.delete_workflow(Name=thing)
    cloudwatch.delete_dashboards(DashboardNames=[thing])
    equal(len(found(TagFilters=ours)[0]), 9)


def ended(sfn, machine, given="{}"):
    """How the execution of a machine ended that is given no name."""
    started = sfn.start_execution(stateMachineArn=machine, input=given)["executionArn"]
    for _ in range(100):
        found = sfn.describe_execution(executionArn=started)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.1)
    raise AssertionError("the execution does not end")


def machine_of(sfn, role, **document):
    made = sfn.create_state_machine(name=name("m"), definition=json.dumps(document), roleArn=role)
    return made["stateMachineArn"]


@check
def executions():
    """What moto's interpreter does not do by itself: `interpreter.py`."""
    done = {"Type": "Pass", "End": True}
    for region, partition in (("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
        sfn, glue, job = client("stepfunctions", region), client("glue", region), name("j")
        role = f"arn:{partition}:iam::123456789012:role/r"
        # What the sandbox cannot run, or AWS refuses, changes nothing for those that follow.
        call = {"Type": "Task", "Resource": f"arn:{partition}:states:::http:invoke", "End": True, "Arguments": {
            "ApiEndpoint": "https://example.com/", "Method": "GET",
            "InvocationConfig": {"ConnectionArn": f"arn:{partition}:events:{region}:123456789012:connection/c/1"}}}
        calls = machine_of(sfn, role, QueryLanguage="JSONata", StartAt="A", States={"A": call})
        equal(ended(sfn, calls)["status"], "FAILED")
        nobody = {"Type": "Task", "Resource": f"arn:{partition}:states:::nobody:knows", "End": True}
        refused("InvalidDefinition", machine_of, sfn=sfn, role=role, StartAt="A", States={"A": nobody},
                QueryLanguage="JSONata")
        plain = machine_of(sfn, role, StartAt="A", States={"A": dict(done, Parameters={"x.$": "$.y"})})
        equal(json.loads(ended(sfn, plain, '{"y": 1}')["output"]), {"x": 1})
        # Each start without a name is another execution.
        starts = {sfn.start_execution(stateMachineArn=plain, input='{"y": 1}')["executionArn"] for _ in range(2)}
        equal(len(starts), 2)
        glue.create_job(Name=job, Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://x/y.py"})
        runs = machine_of(sfn, role, StartAt="A", States={"A": {
            "Type": "Task", "Resource": f"arn:{partition}:states:::glue:startJobRun.sync",
            "Parameters": {"JobName": job}, "End": True}})
        equal(json.loads(ended(sfn, runs)["output"])["JobRunState"], "SUCCEEDED")
        arn = f"arn:{partition}:states:{region}:123456789012:stateMachine:"
        assert runs.startswith(arn), runs
    sfn, role = client("stepfunctions"), "arn:aws:iam::123456789012:role/r"
    # Items in batches, and children that are express.
    express = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, "StartAt": "B",
               "States": {"B": done}}
    batched = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": express, "End": True,
               "ItemSelector": {"v.$": "$$.Map.Item.Value"},
               "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"run.$": "$.run", "mode": "all"}}}
    output = ended(sfn, machine_of(sfn, role, StartAt="A", States={"A": batched}), '{"items": [1, 2, 3], "run": 7}')
    shared = {"run": 7, "mode": "all"}
    equal(json.loads(output["output"]), [{"BatchInput": shared, "Items": [{"v": 1}, {"v": 2}]},
                                         {"BatchInput": shared, "Items": [{"v": 3}]}])
    sized = dict(batched, ItemBatcher={"MaxInputBytesPerBatch": 18})
    output = ended(sfn, machine_of(sfn, role, StartAt="A", States={"A": sized}), '{"items": [1, 2, 3]}')
    equal([len(batch["Items"]) for batch in json.loads(output["output"])], [2, 1])


@check
def tags_of_alarms_by_query():
    """As Terraform asks: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/making-api-requests.html"""
    alarm = name("a")

    def query(**parameters):
        request = urllib.request.Request(
            ENDPOINT, urllib.parse.urlencode(dict(parameters, Version="2010-08-01")).encode(),
            {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
             "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request, "
             "SignedHeaders=host, Signature=0"})
        return urllib.request.urlopen(request).read().decode()

    query(Action="PutMetricAlarm", AlarmName=alarm, MetricName="m", Namespace="n", Period="60", Statistic="Sum",
          EvaluationPeriods="1", Threshold="1", ComparisonOperator="GreaterThanThreshold",
          **{"Tags.member.1.Key": "team", "Tags.member.1.Value": "data"})
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{alarm}"
    shown = query(Action="ListTagsForResource", ResourceARN=arn)
    assert "<Key>team</Key>" in shown and "<Value>data</Value>" in shown, shown
    query(Action="TagResource", ResourceARN=arn, **{"Tags.member.1.Key": "a", "Tags.member.1.Value": "b"})
    query(Action="UntagResource", ResourceARN=arn, **{"TagKeys.member.1": "team"})
    shown = query(Action="ListTagsForResource", ResourceARN=arn)
    assert "<Key>a</Key>" in shown and "team" not in shown, shown


if __name__ == "__main__":
    chosen = sys.argv[2:]
    failed = 0
    for function in CHECKS:
        if chosen and not any(function.__name__.startswith(part) for part in chosen):
            continue
        try:
            function()
            print("ok    ", function.__name__)
        except Exception:
            failed += 1
            print("FAILED", function.__name__)
            traceback.print_exc(limit=-2, file=sys.stdout)
    sys.exit(1 if failed else 0)
