//! Rules for a bucket that the schema cannot express.

mod lifecycle;
mod notification;
mod policy;

use super::tls::TLS_SID;
use crate::kind::prelude::*;

/// Checks all rules.
pub fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(name) = spec.text("bucket") {
        check_name(name, &mut problems);
        if name.contains('.') && spec.flag("accelerate") == Some(true) {
            problems.push(
                Problem::new("accelerate", "a bucket with a dot in its name cannot be accelerated")
                    .help("choose a name without dots"),
            );
        }
    }
    policy::check(spec, &mut problems);
    notification::check(spec, &mut problems);
    notification::check_others(spec, &mut problems);
    if spec.flag("tls_only") == Some(true) && declares_tls_statement(spec) {
        problems.push(
            Problem::new("policy", format!("`tls_only` adds the statement `{TLS_SID}` itself"))
                .help("remove it from `policy`, or remove `tls_only`"),
        );
    }
    check_encryption(spec, &mut problems);
    let versioned = spec.flag("versioning");
    let off = versioned == Some(false) || !spec.may_be_set("versioning");
    for (attribute, asks) in [
        ("replication", spec.is_set("replication")),
        ("object_lock_enabled", spec.flag("object_lock_enabled") == Some(true)),
    ] {
        if asks && off {
            problems.push(
                Problem::new(attribute, format!("`{attribute}` needs versioning"))
                    .help("set `versioning = true`"),
            );
        }
    }
    if spec.is_set("object_lock_default_retention")
        && (spec.flag("object_lock_enabled") == Some(false) || !spec.may_be_set("object_lock_enabled"))
    {
        problems.push(
            Problem::new("object_lock_default_retention", "objects are locked only if object lock is on")
                .help("set `object_lock_enabled = true`"),
        );
    }
    if spec.is_set("transition_default_minimum_object_size") && !spec.may_be_set("lifecycle_rules") {
        problems.push(Problem::new(
            "transition_default_minimum_object_size",
            "the size is stored with lifecycle rules, but there are none",
        ));
    }
    for (index, rule) in spec.list("lifecycle_rules").iter().enumerate() {
        if matches!(rule, Value::Map(_)) {
            lifecycle::check_rule(Known(rule), &format!("lifecycle_rules.{index}"), &mut problems);
        }
    }
    check_replication(spec, &mut problems);
    if spec.is_set("website.redirect_all_requests_to") {
        for other in ["index_document", "error_document", "routing_rules"] {
            let path = format!("website.{other}");
            if spec.is_set(&path) {
                problems.push(Problem::new(
                    path,
                    "a site that redirects all requests cannot have other settings",
                ));
            }
        }
    } else if spec.text("website.index_document").is_some_and(|name| name.contains('/')) {
        problems.push(
            Problem::new(
                "website.index_document",
                "the index document is a name in every folder, without `/`",
            )
            .help("such as `index.html`"),
        );
    } else if spec.get("website").is_some() && !spec.may_be_set("website.index_document") {
        problems.push(
            Problem::new("website", "a site needs an index document")
                .help("set `index_document = \"index.html\"`"),
        );
    }
    for (index, rule) in spec.list("website.routing_rules").iter().enumerate() {
        let (rule, path) = (Known(rule), format!("website.routing_rules.{index}.redirect"));
        if rule.is_set("redirect.replace_key_with") && rule.is_set("redirect.replace_key_prefix_with") {
            problems.push(
                Problem::new(
                    format!("{path}.replace_key_with"),
                    "a redirect replaces the key or its prefix, not both",
                )
                .help("keep one of `replace_key_with` and `replace_key_prefix_with`"),
            );
        }
        if let Some(code) = rule.text("redirect.http_redirect_code")
            && !(code.len() == 3 && code.starts_with('3') && code.parse::<u16>().is_ok() && code != "300")
        {
            problems.push(
                Problem::new(
                    format!("{path}.http_redirect_code"),
                    format!("`{code}` is not the code of a redirect"),
                )
                .help("301 to 399"),
            );
        }
    }
    for (index, tiering) in spec.list("intelligent_tiering").iter().enumerate() {
        for (tier, entry) in Known(tiering).list("tierings").iter().enumerate() {
            let entry = Known(entry);
            if entry.text("access_tier") == Some("DEEP_ARCHIVE_ACCESS")
                && entry.integer("days").is_some_and(|days| days < 180)
            {
                problems.push(Problem::new(
                    format!("intelligent_tiering.{index}.tierings.{tier}.days"),
                    "objects move to the deep archive tier after 180 days at the earliest",
                ));
            }
        }
    }
    problems
}

/// Checks the target of access logs, if it is in the stack
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>).
pub fn check_logging(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
    let path = "logging.target_bucket";
    let Some(target) = spec.text(path) else { return Vec::new() };
    let Some(bucket) = among.with("s3_bucket", "bucket", target).next() else { return Vec::new() };
    if bucket.place.region != among.region() {
        // AWS's error is `CrossLocationLoggingProhibitted`.
        return vec![
            Problem::new(
                path,
                format!(
                    "{} is in {}, but logs stay in {}",
                    bucket.address,
                    bucket.place.region,
                    among.region()
                ),
            )
            .help("log to a bucket of the same region"),
        ];
    }
    let algorithm =
        bucket.spec.text("encryption.sse_algorithm").filter(|algorithm| algorithm.starts_with("aws:kms"));
    algorithm
        .map(|algorithm| {
            Problem::warning(
                path,
                format!("{} encrypts with `{algorithm}`, but AWS documents only `AES256` for a bucket that receives logs", bucket.address),
            )
            .help("encrypt that bucket with `AES256`: otherwise S3 may silently drop the logs")
        })
        .into_iter()
        .collect()
}

/// Checks for names that S3 refuses although they match the pattern
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
fn check_name(name: &str, problems: &mut Vec<Problem>) {
    const PREFIXES: &[&str] = &["xn--", "sthree-", "amzn-s3-demo-"];
    const SUFFIXES: &[&str] = &["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    if name.contains("..") {
        problems.push(Problem::new("bucket", "a bucket name cannot have two dots in a row"));
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        problems.push(Problem::new("bucket", "a bucket name cannot be an IP address"));
    }
    if let Some(prefix) = PREFIXES.iter().find(|prefix| name.starts_with(**prefix)) {
        problems.push(Problem::new("bucket", format!("AWS reserves names that begin with `{prefix}`")));
    }
    if let Some(suffix) = SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)) {
        problems.push(Problem::new("bucket", format!("AWS reserves names that end with `{suffix}`")));
    }
}

fn check_encryption(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let Some(algorithm) = spec.text("encryption.sse_algorithm") else { return };
    if algorithm == "AES256" && spec.is_set("encryption.kms_master_key_id") {
        problems.push(
            Problem::new("encryption.kms_master_key_id", "`AES256` uses S3's own keys")
                .help("set `sse_algorithm = \"aws:kms\"`, or remove the key"),
        );
    }
    if algorithm == "aws:kms:dsse" && spec.flag("encryption.bucket_key_enabled") == Some(true) {
        problems.push(Problem::new(
            "encryption.bucket_key_enabled",
            "encryption in two layers has no key of the bucket",
        ));
    }
}

fn check_replication(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let mut priorities = Vec::new();
    for (index, rule) in spec.list("replication.rules").iter().enumerate() {
        let rule = Known(rule);
        let path = format!("replication.rules.{index}");
        if let Some(priority) = rule.integer("priority") {
            if priorities.contains(&priority) {
                problems.push(Problem::new(
                    format!("{path}.priority"),
                    format!("two rules have the priority {priority}"),
                ));
            }
            priorities.push(priority);
        }
        if rule.flag("delete_marker_replication") == Some(true) && rule.is_set("filter.tags") {
            problems.push(Problem::new(
                format!("{path}.delete_marker_replication"),
                "delete markers have no tags to choose them by",
            ));
        }
        if rule.flag("destination.replication_time") == Some(true)
            && (rule.flag("destination.metrics") == Some(false) || !rule.may_be_set("destination.metrics"))
        {
            problems.push(
                Problem::new(
                    format!("{path}.destination.replication_time"),
                    "replication time control needs metrics",
                )
                .help("set `metrics = true`"),
            );
        }
        if rule.is_set("destination.access_control_translation_owner")
            && !rule.may_be_set("destination.account")
        {
            problems.push(Problem::new(
                format!("{path}.destination.access_control_translation_owner"),
                "the account that gets the copies is not named in `account`",
            ));
        }
        let kms = rule.flag("sse_kms_encrypted_objects") == Some(true);
        let key = "destination.replica_kms_key_id";
        let no_kms = rule.flag("sse_kms_encrypted_objects") == Some(false)
            || !rule.may_be_set("sse_kms_encrypted_objects");
        if kms && !rule.may_be_set(key) || no_kms && rule.is_set(key) {
            problems.push(
                Problem::new(
                    format!("{path}.destination.replica_kms_key_id"),
                    "a key for the copies needs `sse_kms_encrypted_objects`, and the other way round",
                )
                .help("set both, or neither"),
            );
        }
    }
}

/// Returns whether `policy` contains the statement of `tls_only`.
fn declares_tls_statement(spec: Known<'_>) -> bool {
    match spec.get("policy") {
        Some(Value::String(text)) => serde_json::from_str::<serde_json::Value>(text)
            .is_ok_and(|document| named(&Value::from_json(&document))),
        Some(document) => named(document),
        None => false,
    }
}

fn named(document: &Value) -> bool {
    let is_tls = |statement: &Value| Known(statement).text("Sid") == Some(TLS_SID);
    match Known(document).get("Statement") {
        Some(Value::List(statements)) => statements.iter().any(is_tls),
        Some(statement) => is_tls(statement),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(spec: serde_json::Value) -> Vec<String> {
        problems_of::<super::super::S3Bucket>(&Value::from_json(&spec))
            .into_iter()
            .map(|problem| problem.path)
            .collect()
    }

    #[test]
    fn settings_that_s3_refuses_are_reported() {
        let json = serde_json::json!({
            "bucket": "192.168.0.1",
            "object_lock_enabled": true,
            "lifecycle_rules": [{ "id": "a", "expiration": { "days": 1, "date": "2030-01-01T00:00:00Z" } }, { "id": "b" }],
            "website": { "error_document": "error.html" },
        });
        assert_eq!(
            paths(json),
            [
                "bucket",
                "object_lock_enabled",
                "lifecycle_rules.1",
                "website",
                "lifecycle_rules.0.expiration.date"
            ]
        );
    }

    #[test]
    fn the_tls_statement_is_written_once() {
        let statement = serde_json::json!({ "Statement": {
            "Sid": TLS_SID, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"
        } });
        assert_eq!(paths(serde_json::json!({ "tls_only": true, "policy": statement })), ["policy"]);
        assert_eq!(
            paths(serde_json::json!({ "tls_only": true, "policy": statement.to_string() })),
            ["policy"]
        );
        assert!(paths(serde_json::json!({ "policy": statement })).is_empty());
    }
}
