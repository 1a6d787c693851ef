"""The infrastructure that `side-by-side` measures, written as a stack and as a Terraform configuration.

It is described once, in dwctl's words: the kind, name and spec of each resource. Terraform's resources are made from
them: about twice as many, since settings of a bucket, rules, attachments and targets are resources of their own there.
"""
import json
import re

REGION = "us-east-1"
ACCOUNT = "123456789012"
TAGS = {"team": "data", "stage": "bench"}


def statement(action, resource):
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service):
    principal = {"Service": f"{service}.amazonaws.com"}
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def bucket(name):
    encryption = {"sse_algorithm": "aws:kms", "kms_master_key_id": "${kms_key.data.arn}", "bucket_key_enabled": True}
    return {
        "bucket": name, "versioning": True, "tls_only": True, "force_destroy": True,
        "object_ownership": "BucketOwnerEnforced", "encryption": encryption,
    }


def topic(name):
    publish = {"Sid": "Publish", "Effect": "Allow", "Action": "sns:Publish",
               "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
               "Resource": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"}
    return {"name": name, "display_name": "Alerts", "policy": document(publish)}


def alarm(name, namespace, metric, dimensions, threshold, alerts):
    return {"alarm_name": name, "namespace": namespace, "metric_name": metric, "dimensions": dimensions,
            "statistic": "Sum", "period": 300, "evaluation_periods": 1, "threshold": threshold,
            "comparison_operator": "GreaterThanThreshold", "treat_missing_data": "notBreaching",
            "alarm_actions": [f"${{sns_topic.{alerts}.arn}}"]}


def shared():
    yield "ec2_vpc", "main", {"cidr_block": "10.30.0.0/16", "enable_dns_hostnames": True}
    for number, zone in enumerate("abc"):
        yield "ec2_subnet", zone, {"vpc_id": "${ec2_vpc.main.vpc_id}", "cidr_block": f"10.30.{number}.0/24",
                                   "availability_zone": REGION + zone}
    rules = {"reports": ([], [443]), "warehouse": ([5439], [443, 5439])}
    for name, ports in rules.items():
        ingress, egress = ([{"ip_protocol": "tcp", "from_port": port, "to_port": port, "cidr_ipv4": "10.30.0.0/16"}
                            for port in some] for some in ports)
        yield "ec2_security_group", name, {
            "group_name": f"side-{name}", "description": f"The {name}", "vpc_id": "${ec2_vpc.main.vpc_id}",
            "ingress": ingress, "egress": egress}
    account = {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
               "Action": "kms:*", "Resource": "*"}
    yield "kms_key", "data", {"description": "Data", "aliases": ["alias/side"], "enable_key_rotation": True,
                              "key_policy": document(account)}
    yield "s3_bucket", "code", bucket("side-code")
    yield "iam_policy", "logs", {"policy_name": "side-logs", "policy_document": document(
        statement(["logs:CreateLogStream", "logs:PutLogEvents"], "*"))}
    load = {"load": document(statement("s3:GetObject", "${s3_bucket.code.arn}/*"))}
    start = {"start": document(statement("states:StartExecution", "${sfn_state_machine.nightly.arn}"))}
    run = {"run": document(statement(["glue:StartJobRun", "glue:GetJobRun"], "*"))}
    roles = [("warehouse", "redshift", load), ("machine", "states", run), ("start", "events", start)]
    for name, service, policies in roles:
        yield "iam_role", name, {"role_name": f"side-{name}", "assume_role_policy_document": trust(service),
                                 "inline_policies": policies}
    yield "redshift_cluster_subnet_group", "main", {
        "cluster_subnet_group_name": "side", "description": "Private subnets",
        "subnet_ids": [f"${{ec2_subnet.{zone}.subnet_id}}" for zone in "abc"]}
    yield "redshift_cluster_parameter_group", "main", {
        "parameter_group_name": "side", "parameter_group_family": "redshift-1.0", "description": "Parameters",
        "parameters": {"require_ssl": "true", "enable_user_activity_logging": "true"}}
    yield "redshift_cluster", "main", {
        "cluster_identifier": "side", "node_type": "ra3.xlplus", "number_of_nodes": 2, "db_name": "analytics",
        "master_username": "admin", "manage_master_password": True, "skip_final_snapshot": True,
        "cluster_subnet_group_name": "${redshift_cluster_subnet_group.main.cluster_subnet_group_name}",
        "cluster_parameter_group_name": "${redshift_cluster_parameter_group.main.parameter_group_name}",
        "vpc_security_group_ids": ["${ec2_security_group.warehouse.group_id}"],
        "kms_key_id": "${kms_key.data.arn}", "iam_roles": ["${iam_role.warehouse.arn}"],
        "enhanced_vpc_routing": True, "preferred_maintenance_window": "sun:03:00-sun:04:00",
        "automated_snapshot_retention_period": 7}
    yield "sns_topic", "team", topic("side-team")
    yield "cloudwatch_alarm", "disk", alarm("side-disk", "AWS/Redshift", "PercentageDiskSpaceUsed", {
        "ClusterIdentifier": "${redshift_cluster.main.cluster_identifier}"}, 80, "team")
    yield "cloudwatchlogs_log_group", "machine", {
        "log_group_name": "/aws/vendedlogs/states/side", "retention_in_days": 30}
    yield "sfn_state_machine", "nightly", {
        "name": "side-nightly", "role_arn": "${iam_role.machine.arn}", "type": "STANDARD",
        "logging_configuration": {"level": "ERROR", "include_execution_data": False,
                                  "log_group_arn": "${cloudwatchlogs_log_group.machine.arn}"},
        "definition": {"StartAt": "Load", "States": {"Load": {
            "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Parameters": {"JobName": "side-p1"}, "End": True}}}}


def pipeline(key, retention):
    own = f"side-{key}"
    lake = f"${{s3_bucket.{key}.arn}}"
    yield "s3_bucket", key, {**bucket(f"{own}-lake"), "lifecycle_rules": [
        {"id": "scratch", "filter": {"prefix": "temp/"}, "expiration": {"days": 7}}]}
    for name, content in [("job.py", f"print('{key}')\n"), ("settings.json", f'{{"pipeline": "{key}"}}\n')]:
        yield "s3_object", f"{key}_{name.partition('.')[0]}", {
            "bucket": "${s3_bucket.code.bucket}", "key": f"{key}/{name}", "content": content, "force_destroy": True}
    yield "iam_policy", key, {"policy_name": f"{own}-lake", "policy_document": document(
        statement("s3:ListBucket", lake), statement(["s3:GetObject", "s3:PutObject"], f"{lake}/*"))}
    yield "iam_role", key, {
        "role_name": own, "description": f"The job of {key}", "assume_role_policy_document": trust("glue"),
        "managed_policy_arns": [f"${{iam_policy.{key}.arn}}", "${iam_policy.logs.arn}"],
        "inline_policies": {"key": document(statement(["kms:Decrypt", "kms:GenerateDataKey"], "${kms_key.data.arn}"))}}
    yield "glue_database", key, {"name": f"side_{key}", "location_uri": f"s3://${{s3_bucket.{key}.bucket}}/curated/"}
    yield "glue_job", key, {
        "name": own, "role": f"${{iam_role.{key}.arn}}", "glue_version": "5.0", "worker_type": "G.1X",
        "number_of_workers": 2, "timeout_minutes": 60, "max_retries": 1, "execution_class": "STANDARD",
        "command": {"name": "glueetl", "python_version": "3",
                    "script_location": f"s3://${{s3_object.{key}_job.bucket}}/${{s3_object.{key}_job.key}}"},
        "default_arguments": {"--TempDir": f"s3://${{s3_bucket.{key}.bucket}}/temp/", "--job-language": "python",
                              "--database": f"${{glue_database.{key}.name}}",
                              "--custom-logGroup-prefix": f"${{cloudwatchlogs_log_group.{key}.log_group_name}}"}}
    yield "glue_crawler", key, {
        "name": own, "role": f"${{iam_role.{key}.arn}}", "database_name": f"${{glue_database.{key}.name}}",
        "targets": {"s3_targets": [{"path": f"s3://${{s3_bucket.{key}.bucket}}/raw/"}]}}
    yield "glue_trigger", key, {"name": own, "type": "SCHEDULED", "schedule": "cron(0 2 * * ? *)",
                                "actions": [{"job_name": f"${{glue_job.{key}.name}}"}]}
    metric = {"metric_name": f"Errors-{key}", "metric_namespace": "Side", "metric_value": "1"}
    yield "cloudwatchlogs_log_group", key, {
        "log_group_name": f"/side/{key}", "retention_in_days": retention,
        "metric_filters": [{"filter_name": "errors", "filter_pattern": "ERROR", "metric_transformations": [metric]}]}
    yield "cloudwatch_alarm", f"{key}_failed", alarm(f"{own}-failed", "Glue", "glue.error.ALL", {
        "JobName": f"${{glue_job.{key}.name}}", "JobRunId": "ALL", "Type": "count"}, 0, key)
    yield "cloudwatch_alarm", f"{key}_errors", alarm(f"{own}-errors", "Side", metric["metric_name"], {}, 10, key)
    yield "eventbridge_rule", f"{key}_failed", {
        "name": f"{own}-failed", "targets": [{"id": "alerts", "arn": f"${{sns_topic.{key}.arn}}"}],
        "event_pattern": {"source": ["aws.glue"], "detail-type": ["Glue Job State Change"],
                          "detail": {"jobName": [f"${{glue_job.{key}.name}}"], "state": ["FAILED"]}}}
    yield "eventbridge_rule", f"{key}_nightly", {
        "name": f"{own}-nightly", "schedule_expression": "cron(0 3 * * ? *)",
        "targets": [{"id": "start", "arn": "${sfn_state_machine.nightly.arn}", "role_arn": "${iam_role.start.arn}"}]}
    yield "sns_topic", key, topic(own)
    yield "sns_subscription", key, {
        "topic_arn": f"${{sns_topic.{key}.arn}}", "protocol": "sqs", "raw_message_delivery": True,
        "endpoint": f"arn:aws:sqs:{REGION}:{ACCOUNT}:on-call"}


def infrastructure(pipelines, retention=30):
    """All resources; the log of the first pipeline is kept for `retention` days."""
    yield from shared()
    for number in range(1, pipelines + 1):
        yield from pipeline(f"p{number}", retention if number == 1 else 30)


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def as_stack(resources):
    """The stack's file."""
    lines = ["[stack]", 'name = "side"', f'region = "{REGION}"', f"tags = {toml(TAGS)}"]
    for kind, name, spec in resources:
        lines += ["", f"[{kind}.{name}]", *(f"{attribute} = {toml(value)}" for attribute, value in spec.items())]
    return "\n".join(lines) + "\n"


# The name of each kind in Terraform, and of the attributes that it calls otherwise.
TERRAFORM = {
    "ec2_vpc": ("aws_vpc", {"vpc_id": "id"}),
    "ec2_subnet": ("aws_subnet", {"subnet_id": "id"}),
    "ec2_security_group": ("aws_security_group", {"group_id": "id", "group_name": "name"}),
    "kms_key": ("aws_kms_key", {"key_policy": "policy"}),
    "s3_bucket": ("aws_s3_bucket", {}),
    "s3_object": ("aws_s3_object", {}),
    "iam_policy": ("aws_iam_policy", {"policy_name": "name", "policy_document": "policy"}),
    "iam_role": ("aws_iam_role", {"role_name": "name", "assume_role_policy_document": "assume_role_policy"}),
    "redshift_cluster_subnet_group": ("aws_redshift_subnet_group", {"cluster_subnet_group_name": "name"}),
    "redshift_cluster_parameter_group": ("aws_redshift_parameter_group", {
        "parameter_group_name": "name", "parameter_group_family": "family"}),
    "redshift_cluster": ("aws_redshift_cluster", {"db_name": "database_name"}),
    "sns_topic": ("aws_sns_topic", {}),
    "sns_subscription": ("aws_sns_topic_subscription", {}),
    "cloudwatch_alarm": ("aws_cloudwatch_metric_alarm", {}),
    "cloudwatchlogs_log_group": ("aws_cloudwatch_log_group", {"log_group_name": "name"}),
    "sfn_state_machine": ("aws_sfn_state_machine", {}),
    "glue_database": ("aws_glue_catalog_database", {}),
    "glue_job": ("aws_glue_job", {"role": "role_arn", "timeout_minutes": "timeout"}),
    "glue_crawler": ("aws_glue_crawler", {}),
    "glue_trigger": ("aws_glue_trigger", {}),
    "eventbridge_rule": ("aws_cloudwatch_event_rule", {}),
}
DOCUMENTS = {"key_policy", "policy", "policy_document", "assume_role_policy_document", "definition", "event_pattern"}
# Attributes that are resources of their own in Terraform.
APART = {
    "ec2_security_group": {"ingress", "egress"},
    "kms_key": {"aliases"},
    "s3_bucket": {"versioning", "tls_only", "object_ownership", "encryption", "lifecycle_rules"},
    "iam_role": {"managed_policy_arns", "inline_policies"},
    "cloudwatchlogs_log_group": {"metric_filters"},
    "eventbridge_rule": {"targets"},
}


def reference(found):
    kind, name, attribute = found.groups()
    there, renamed = TERRAFORM[kind]
    return f"${{{there}.{name}.{renamed.get(attribute, attribute)}}}"


def translated(value):
    """The same with Terraform's references."""
    return json.loads(re.sub(r"\$\{(\w+)\.(\w+)\.(\w+)\}", reference, json.dumps(value)))


def in_terraform(kind, name, spec):
    """Type, name and arguments of each of Terraform's resources that make up one of dwctl's."""
    there, renamed = TERRAFORM[kind]
    body = {renamed.get(attribute, attribute): json.dumps(value) if attribute in DOCUMENTS else value
            for attribute, value in spec.items() if attribute not in APART.get(kind, ())}
    apart = []

    def also(type_, suffix, **arguments):
        apart.append((type_, f"{name}{suffix and '_'}{suffix}", arguments))

    if kind == "ec2_vpc":
        # As dwctl leaves it: without rules.
        also("aws_default_security_group", "", vpc_id=f"${{ec2_vpc.{name}.vpc_id}}")
    elif kind == "ec2_security_group":
        for direction in ("ingress", "egress"):
            for rule in spec[direction]:
                also(f"aws_vpc_security_group_{direction}_rule", str(rule["from_port"]),
                     security_group_id=f"${{ec2_security_group.{name}.group_id}}", **rule)
    elif kind == "kms_key":
        for alias in spec["aliases"]:
            also("aws_kms_alias", "", name=alias, target_key_id=f"${{kms_key.{name}.key_id}}")
    elif kind == "s3_bucket":
        where = {"bucket": f"${{s3_bucket.{name}.bucket}}"}
        also("aws_s3_bucket_versioning", "", **where, versioning_configuration={"status": "Enabled"})
        encryption = spec["encryption"]
        also("aws_s3_bucket_server_side_encryption_configuration", "", **where, rule={
            "apply_server_side_encryption_by_default": {
                "sse_algorithm": encryption["sse_algorithm"], "kms_master_key_id": encryption["kms_master_key_id"]},
            "bucket_key_enabled": encryption["bucket_key_enabled"]})
        blocked = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        also("aws_s3_bucket_public_access_block", "", **where, **dict.fromkeys(blocked, True))
        also("aws_s3_bucket_ownership_controls", "", **where, rule={"object_ownership": spec["object_ownership"]})
        arn = f"${{s3_bucket.{name}.arn}}"
        deny = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        also("aws_s3_bucket_policy", "", **where, policy=json.dumps(document(deny)))
        if "lifecycle_rules" in spec:
            rules = [{**rule, "status": "Enabled"} for rule in spec["lifecycle_rules"]]
            also("aws_s3_bucket_lifecycle_configuration", "", **where, rule=rules)
    elif kind == "s3_object":
        # Otherwise some are written before the bucket has versions.
        body["depends_on"] = [re.sub(r"\$\{s3_bucket\.(\w+)\.bucket\}", r"aws_s3_bucket_versioning.\1", spec["bucket"])]
    elif kind == "iam_role":
        role = f"${{iam_role.{name}.role_name}}"
        for number, arn in enumerate(spec.get("managed_policy_arns", [])):
            also("aws_iam_role_policy_attachment", str(number), role=role, policy_arn=arn)
        for policy, text in spec.get("inline_policies", {}).items():
            also("aws_iam_role_policy", policy, name=policy, role=role, policy=json.dumps(text))
    elif kind == "redshift_cluster_parameter_group":
        body["parameter"] = [{"name": key, "value": value} for key, value in body.pop("parameters").items()]
    elif kind == "redshift_cluster":
        # dwctl encrypts unless the stack says otherwise, and counts the nodes.
        body.update(cluster_type="multi-node", encrypted=True)
    elif kind == "cloudwatchlogs_log_group":
        for one in spec.get("metric_filters", []):
            [metric] = one["metric_transformations"]
            also("aws_cloudwatch_log_metric_filter", one["filter_name"], name=one["filter_name"],
                 pattern=one["filter_pattern"], log_group_name=f"${{cloudwatchlogs_log_group.{name}.log_group_name}}",
                 metric_transformation={"name": metric["metric_name"], "namespace": metric["metric_namespace"],
                                        "value": metric["metric_value"]})
    elif kind == "sfn_state_machine":
        logging = dict(body["logging_configuration"])
        logging["log_destination"] = logging.pop("log_group_arn") + ":*"
        body["logging_configuration"] = logging
    elif kind == "glue_crawler":
        body["s3_target"] = body.pop("targets")["s3_targets"]
    elif kind == "eventbridge_rule":
        for target in spec["targets"]:
            arguments = {"target_id" if argument == "id" else argument: value for argument, value in target.items()}
            also("aws_cloudwatch_event_target", target["id"], rule=f"${{eventbridge_rule.{name}.name}}", **arguments)
    return [(there, name, body), *apart]


# The services, by the provider's names of their endpoints.
SERVICES = ["cloudwatch", "cloudwatchevents", "cloudwatchlogs", "ec2", "glue", "iam", "kms", "redshift", "s3", "sfn",
            "sns", "sts"]


def as_configuration(resources, endpoint):
    """The configuration in Terraform's JSON syntax."""
    made = {}
    for kind, name, spec in resources:
        for type_, named, arguments in in_terraform(kind, name, spec):
            made.setdefault(type_, {})[named] = translated(arguments)
    provider = {"region": REGION, "access_key": "test", "secret_key": "test", "s3_use_path_style": True,
                "skip_credentials_validation": True, "skip_metadata_api_check": True, "skip_region_validation": True,
                "default_tags": {"tags": TAGS}, "endpoints": dict.fromkeys(SERVICES, endpoint)}
    return {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
            "provider": {"aws": provider}, "resource": made}


def count(configuration):
    return sum(map(len, configuration["resource"].values()))
