//! The statement of `tls_only` in a bucket's policy.

use serde_json::json;

use crate::kind::prelude::*;

/// Sid of the statement that `tls_only` adds to the policy.
pub(super) const TLS_SID: &str = "DenyInsecureTransport";

/// The statement that `tls_only` adds, in canonical form.
pub(super) fn tls_statement(partition: &str, bucket: &str) -> Result<serde_json::Value> {
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let document = json!({
        "Statement": [{
            "Sid": TLS_SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn.clone(), format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }]
    });
    let document = PolicyDocument::parse(&document.to_string()).map_err(not_a_policy)?;
    Ok(document.as_value()["Statement"][0].clone())
}

/// The error for a policy that cannot be read.
pub(super) fn not_a_policy(error: serde_json::Error) -> Error {
    Error::finding(Class::Other, format!("the bucket policy cannot be put together: {error}"))
}

/// Sets `tls_only` if the declared policy contains its statement, and takes the statement out.
pub(super) fn tls_only_of(spec: &mut Value) {
    let Some(bucket) = Known(spec).text("bucket").map(str::to_owned) else { return };
    let statements = ["aws", "aws-cn", "aws-us-gov", "aws-eusc"]
        .into_iter()
        .filter_map(|partition| Some(Value::from_json(&tls_statement(partition, &bucket).ok()?)));
    let statements: Vec<Value> = statements.collect();
    let Value::Map(spec) = spec else { return };
    let Some(Value::Map(policy)) = spec.get_mut("policy") else { return };
    let Some(Value::List(list)) = policy.get_mut("Statement") else { return };
    let before = list.len();
    list.retain(|statement| !statements.contains(statement));
    if list.len() == before {
        return;
    }
    if list.is_empty() {
        spec.remove("policy");
    }
    spec.insert("tls_only".to_owned(), true.into());
}

/// Splits off the statement of `tls_only`. Returns the rest of the policy, and whether the statement was
/// there. A statement that someone altered stays in the policy, and so shows up as drift.
pub(super) fn split(
    policy: Option<PolicyDocument>,
    tls: &serde_json::Value,
) -> Result<(Option<PolicyDocument>, bool)> {
    let Some(document) = policy else { return Ok((None, false)) };
    let mut rest = document.as_value().clone();
    let Some(statements) = rest.get_mut("Statement").and_then(serde_json::Value::as_array_mut) else {
        return Ok((Some(document), false));
    };
    let before = statements.len();
    statements.retain(|statement| statement != tls);
    let tls_only = statements.len() < before;
    if statements.is_empty() {
        return Ok((None, tls_only));
    }
    let rest = PolicyDocument::parse(&rest.to_string()).map_err(not_a_policy)?;
    Ok((Some(rest), tls_only))
}

/// The declared policy with the statement of `tls_only`.
pub(super) fn merge(policy: Option<&PolicyDocument>, tls: Option<&serde_json::Value>) -> Option<String> {
    let Some(tls) = tls else { return policy.map(PolicyDocument::to_text) };
    let Some(policy) = policy else {
        return Some(json!({ "Version": "2012-10-17", "Statement": [tls] }).to_string());
    };
    let mut document = policy.as_value().clone();
    if let Some(statements) = document.get_mut("Statement").and_then(serde_json::Value::as_array_mut) {
        statements.push(tls.clone());
    }
    Some(document.to_string())
}
