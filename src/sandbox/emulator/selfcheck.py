"""Checks every addition against a running sandbox, by boto3.

    python selfcheck.py http://127.0.0.1:PORT [NAME ...]
"""

import json
import sys
import traceback
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
    equal(found["ChecksumCRC64NVME"], "rosUhgqIlIg=")
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
    made = sm.create_secret(Name=secret, SecretString="x", Description="d", KmsKeyId="alias/k",
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
    equal(sfn.validate_state_machine_definition(definition=definition)["result"], "OK")
    equal(sfn.validate_state_machine_definition(definition="{")["result"], "FAIL")
    express = sfn.create_state_machine(name=name(), definition=definition, roleArn=role, type="EXPRESS")
    found = sfn.describe_state_machine(stateMachineArn=express["stateMachineArn"])
    holds(found, {"type": "EXPRESS", "tracingConfiguration": {"enabled": False},
                  "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
                  "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}})
    sfn.delete_state_machine(stateMachineArn=arn)
    refused("StateMachineDoesNotExist", sfn.describe_state_machine, stateMachineArn=arn)


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


if __name__ == "__main__":
    chosen = sys.argv[2:]
    failed = 0
    for function in CHECKS:
        if chosen and not any(function.__name__.startswith(part) for part in chosen):
            continue
        try:
            function()
            print("ok    ", function.__name__)
        except Exception as error:
            failed += 1
            print("FAILED", function.__name__)
            traceback.print_exc(limit=-2, file=sys.stdout)
    sys.exit(1 if failed else 0)
