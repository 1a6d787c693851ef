//! Converts a bucket to Terraform, where most settings are separate resources
//! (<https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_bucket>).

use crate::kind::prelude::*;

/// Attributes with another name in Terraform.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("lifecycle_rules.transitions", "transition"),
    ("lifecycle_rules.noncurrent_version_transitions", "noncurrent_version_transition"),
    ("cors_rules.id", "id"),
    ("notification.event_bridge", "eventbridge"),
    ("notification.lambda_function_configurations", "lambda_function"),
    ("notification.queue_configurations", "queue"),
    ("notification.topic_configurations", "topic"),
    ("replication.rules", "rule"),
    ("intelligent_tiering.tierings", "tiering"),
    ("intelligent_tiering.id", "name"),
    ("request_metrics.id", "name"),
    ("inventory.id", "name"),
];

const ENABLED: &str = "Enabled";

/// Moves settings out that are separate resources.
pub(super) fn arrange(bucket: &mut Block) -> Vec<TerraformPart> {
    let name = bucket.get("bucket").cloned().unwrap_or_default();
    let mut parts = security(bucket, &name);
    parts.extend(data(bucket, &name));
    parts.extend(access(bucket, &name));
    parts.extend(reports(bucket, &name));
    parts
}

/// Encryption, public access, ownership, policy.
fn security(bucket: &mut Block, name: &Value) -> Vec<TerraformPart> {
    let mut parts = Vec::new();
    if let Some(mut encryption) = take_block(bucket, "encryption") {
        let by_default = nested([
            ("sse_algorithm", take(&mut encryption, "sse_algorithm")),
            ("kms_master_key_id", take(&mut encryption, "kms_master_key_id")),
        ]);
        let rule = nested([
            ("apply_server_side_encryption_by_default", by_default),
            ("bucket_key_enabled", take(&mut encryption, "bucket_key_enabled")),
        ]);
        let resource = "aws_s3_bucket_server_side_encryption_configuration";
        parts.push(TerraformPart::new(resource, "bucket", name, [("rule", rule)]));
    }
    if let Some(access) = take_block(bucket, "public_access_block") {
        let mut part = TerraformPart::new("aws_s3_bucket_public_access_block", "bucket", name, []);
        part.attributes.extend(access);
        parts.push(part);
    }
    let rule = nested([("object_ownership", take(bucket, "object_ownership"))]);
    parts.push(TerraformPart::new("aws_s3_bucket_ownership_controls", "bucket", name, [("rule", rule)]));
    let policy = take(bucket, "policy");
    if policy != Value::Null {
        parts.push(TerraformPart::new("aws_s3_bucket_policy", "bucket", name, [("policy", policy)]));
    }
    parts
}

/// What happens to the data: versioning, lifecycle, object lock, replication.
fn data(bucket: &mut Block, name: &Value) -> Vec<TerraformPart> {
    let mut parts = Vec::new();
    let status = word(take(bucket, "versioning"), ENABLED, "Disabled");
    let versioning = nested([("status", status)]);
    let attributes = [("versioning_configuration", versioning)];
    parts.push(TerraformPart::new("aws_s3_bucket_versioning", "bucket", name, attributes));
    let rules: Vec<Value> = take_blocks(bucket, "lifecycle_rules")
        .into_iter()
        .map(|mut rule| {
            if let Some(filter) = take_block(&mut rule, "filter") {
                rule.insert("filter".to_owned(), lifecycle_filter(filter));
            }
            Value::Map(rule)
        })
        .collect();
    let least = take(bucket, "transition_default_minimum_object_size");
    if !rules.is_empty() {
        let attributes = [("rule", Value::List(rules)), ("transition_default_minimum_object_size", least)];
        parts.push(TerraformPart::new("aws_s3_bucket_lifecycle_configuration", "bucket", name, attributes));
    }
    if let Some(retention) = take_block(bucket, "object_lock_default_retention") {
        let retention = Value::List(vec![Value::Map(retention)]);
        let rule = nested([("default_retention", retention)]);
        let resource = "aws_s3_bucket_object_lock_configuration";
        parts.push(TerraformPart::new(resource, "bucket", name, [("rule", rule)]));
    }
    if let Some(mut replication) = take_block(bucket, "replication") {
        let rules = take_blocks(&mut replication, "rule").into_iter().map(replication_rule).collect();
        let attributes = [("role", take(&mut replication, "role")), ("rule", Value::List(rules))];
        let resource = "aws_s3_bucket_replication_configuration";
        parts.push(TerraformPart::new(resource, "bucket", name, attributes));
    }
    parts
}

/// Terraform puts several conditions into an `and` block.
fn lifecycle_filter(mut filter: Block) -> Value {
    filter.retain(|_, value| !matches!(value, Value::Null) && *value != Value::Map(Block::new()));
    if filter.len() > 1 || filter.contains_key("tags") {
        return nested([("and", Value::List(vec![Value::Map(filter)]))]);
    }
    Value::List(vec![Value::Map(filter)])
}

fn replication_rule(mut rule: Block) -> Value {
    let status = |value: Value| nested([("status", word(value, ENABLED, "Disabled"))]);
    let markers = status(take(&mut rule, "delete_marker_replication"));
    rule.insert("delete_marker_replication".to_owned(), markers);
    let criteria = nested([
        ("sse_kms_encrypted_objects", status(take(&mut rule, "sse_kms_encrypted_objects"))),
        ("replica_modifications", status(take(&mut rule, "replica_modifications"))),
    ]);
    rule.insert("source_selection_criteria".to_owned(), criteria);
    if let Some(mut to) = take_block(&mut rule, "destination") {
        let key = take(&mut to, "replica_kms_key_id");
        if key != Value::Null {
            to.insert("encryption_configuration".to_owned(), nested([("replica_kms_key_id", key)]));
        }
        let owner = take(&mut to, "access_control_translation_owner");
        if owner != Value::Null {
            to.insert("access_control_translation".to_owned(), nested([("owner", owner)]));
        }
        for switch in ["replication_time", "metrics"] {
            let value = status(take(&mut to, switch));
            to.insert(switch.to_owned(), value);
        }
        rule.insert("destination".to_owned(), Value::List(vec![Value::Map(to)]));
    }
    Value::Map(rule)
}

/// Access to the bucket.
fn access(bucket: &mut Block, name: &Value) -> Vec<TerraformPart> {
    let mut parts = Vec::new();
    let rules = take_blocks(bucket, "cors_rules");
    if !rules.is_empty() {
        let rules = Value::List(rules.into_iter().map(Value::Map).collect());
        let resource = "aws_s3_bucket_cors_configuration";
        parts.push(TerraformPart::new(resource, "bucket", name, [("cors_rule", rules)]));
    }
    if let Some(mut website) = take_block(bucket, "website") {
        let document = |key, value: Value| match value {
            Value::Null => Value::Null,
            value => nested([(key, value)]),
        };
        let attributes = [
            ("index_document", document("suffix", take(&mut website, "index_document"))),
            ("error_document", document("key", take(&mut website, "error_document"))),
            ("redirect_all_requests_to", take(&mut website, "redirect_all_requests_to")),
            ("routing_rule", take(&mut website, "routing_rules")),
        ];
        let mut part = TerraformPart::new("aws_s3_bucket_website_configuration", "bucket", name, []);
        part.attributes.extend(block(attributes));
        parts.push(part);
    }
    let accelerate = take(bucket, "accelerate");
    if !matches!(accelerate, Value::Null | Value::Bool(false)) {
        let status = word(accelerate, ENABLED, "Suspended");
        let resource = "aws_s3_bucket_accelerate_configuration";
        parts.push(TerraformPart::new(resource, "bucket", name, [("status", status)]));
    }
    let payer = take(bucket, "request_payer");
    if payer != Value::Null && payer != Value::from("BucketOwner") {
        let resource = "aws_s3_bucket_request_payment_configuration";
        parts.push(TerraformPart::new(resource, "bucket", name, [("payer", payer)]));
    }
    // At AWS, `tls_only` is a statement of the bucket policy. Here it is a separate attribute.
    parts
}

/// Logging, metrics and notifications of the bucket.
fn reports(bucket: &mut Block, name: &Value) -> Vec<TerraformPart> {
    let mut parts = Vec::new();
    for (setting, resource) in
        [("logging", "aws_s3_bucket_logging"), ("notification", "aws_s3_bucket_notification")]
    {
        if let Some(attributes) = take_block(bucket, setting) {
            let mut part = TerraformPart::new(resource, "bucket", name, []);
            part.attributes.extend(attributes);
            parts.push(part);
        }
    }
    for (setting, resource) in [
        ("intelligent_tiering", "aws_s3_bucket_intelligent_tiering_configuration"),
        ("request_metrics", "aws_s3_bucket_metric"),
        ("inventory", "aws_s3_bucket_inventory"),
    ] {
        for one in take_blocks(bucket, setting) {
            let key = one.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut part = TerraformPart::new(resource, "bucket", name, []).keyed(key);
            part.attributes.extend(one);
            parts.push(part);
        }
    }
    parts
}
