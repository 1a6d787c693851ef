//! Checks a crawler for what AWS Glue refuses and the schema cannot express
//! (<https://docs.aws.amazon.com/glue/latest/dg/define-crawler.html>).

use super::shared;
use crate::kind::prelude::*;

/// The lists of `targets`.
const TARGETS: [&str; 8] = [
    "s3_targets",
    "jdbc_targets",
    "mongo_db_targets",
    "dynamo_db_targets",
    "catalog_targets",
    "delta_targets",
    "iceberg_targets",
    "hudi_targets",
];

pub(super) fn check(spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(schedule) = spec.text("schedule") {
        problems.extend(shared::check_cron("schedule", schedule));
    }
    let path = |list: &str| format!("targets.{list}");
    if spec.get("targets").is_some() && !TARGETS.iter().any(|list| spec.may_be_set(&path(list))) {
        problems.push(
            Problem::new("targets", "a crawler has at least one target")
                .help("such as `s3_targets = [{ path = \"s3://bucket/folder/\" }]`"),
        );
    }
    let of_catalog = spec.is_set("targets.catalog_targets");
    if !spec.may_be_set("targets.catalog_targets") && !spec.may_be_set("database_name") {
        problems.push(
            Problem::new("database_name", "a crawler needs a database for its tables")
                .help("set `database_name`"),
        );
    }
    check_schema_change(spec, of_catalog, &mut problems);
    check_targets(spec, of_catalog, &mut problems);
    if let Some(configuration) = spec.get("configuration") {
        problems.extend(in_document(configuration, "configuration", check_configuration));
    }
    if spec.text("recrawl_policy.recrawl_behavior") == Some("CRAWL_EVENT_MODE") {
        for list in ["s3_targets", "catalog_targets"] {
            for (index, target) in spec.list(&path(list)).iter().enumerate() {
                if !Known(target).may_be_set("event_queue_arn") && Known(target).0.as_map().is_some() {
                    problems.push(
                        Problem::new(
                            format!("targets.{list}.{index}"),
                            "`CRAWL_EVENT_MODE` needs a queue with the bucket's events",
                        )
                        .help("set `event_queue_arn`"),
                    );
                }
            }
        }
    }
    problems
}

/// Checks the schema change policy. A crawler of only new folders may only log changes, and one of existing
/// catalog tables may only log deletions
/// (<https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html>,
/// <https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html>).
fn check_schema_change(spec: Known<'_>, of_catalog: bool, problems: &mut Vec<Problem>) {
    let only_new = spec.text("recrawl_policy.recrawl_behavior") == Some("CRAWL_NEW_FOLDERS_ONLY");
    let mut must_log = Vec::new();
    if only_new {
        must_log.push(("update_behavior", "`CRAWL_NEW_FOLDERS_ONLY`"));
        must_log.push(("delete_behavior", "`CRAWL_NEW_FOLDERS_ONLY`"));
    } else if of_catalog {
        must_log.push(("delete_behavior", "catalog targets"));
    }
    for (attribute, cause) in must_log {
        let path = format!("schema_change_policy.{attribute}");
        // An unknown value may be `LOG`. An absent one is AWS's default, which is not `LOG`.
        if spec.text(&path) != Some("LOG") && (spec.text(&path).is_some() || !spec.may_be_set(&path)) {
            problems.push(
                Problem::new(path, format!("with {cause}, a crawler can only log such changes"))
                    .help(format!("set `{attribute} = \"LOG\"` in `schema_change_policy`")),
            );
        }
    }
}

/// Checks the targets: S3 paths, queues, and which targets can be combined.
fn check_targets(spec: Known<'_>, of_catalog: bool, problems: &mut Vec<Problem>) {
    if of_catalog {
        // See https://docs.aws.amazon.com/glue/latest/dg/crawler-catalog-tables.html
        for list in TARGETS.iter().filter(|list| **list != "catalog_targets") {
            let path = format!("targets.{list}");
            if !spec.list(&path).is_empty() {
                problems.push(
                    Problem::new(path, "a crawler of catalog tables has no other targets")
                        .help("split it into two crawlers"),
                );
            }
        }
    }
    let folder = |path: String, folder: &str, problems: &mut Vec<Problem>| {
        if !["s3://", "s3a://", "s3n://"].iter().any(|scheme| folder.starts_with(scheme)) {
            problems.push(
                Problem::new(path, format!("`{folder}` is not a folder in S3"))
                    .help("write it as `s3://bucket/folder/`"),
            );
        }
    };
    for (list, field) in [
        ("s3_targets", "path"),
        ("delta_targets", "delta_tables"),
        ("iceberg_targets", "paths"),
        ("hudi_targets", "paths"),
    ] {
        for (index, target) in spec.list(&format!("targets.{list}")).iter().enumerate() {
            let (target, path) = (Known(target), format!("targets.{list}.{index}.{field}"));
            if let Some(text) = target.text(field) {
                folder(path.clone(), text, problems);
            }
            for (place, text) in target.list(field).iter().enumerate() {
                if let Some(text) = text.as_str() {
                    folder(format!("{path}.{place}"), text, problems);
                }
            }
        }
    }
    for list in ["s3_targets", "catalog_targets"] {
        for (index, target) in spec.list(&format!("targets.{list}")).iter().enumerate() {
            for queue in ["event_queue_arn", "dlq_event_queue_arn"] {
                let Some(arn) = Known(target).text(queue) else { continue };
                let path = format!("targets.{list}.{index}.{queue}");
                if arn.split(':').nth(2) != Some("sqs") {
                    problems.push(Problem::new(path, format!("`{arn}` is not the ARN of an SQS queue")));
                }
            }
        }
    }
    for (index, target) in spec.list("targets.mongo_db_targets").iter().enumerate() {
        if let Some(path) = Known(target).text("path").filter(|path| !path.contains('/')) {
            problems.push(
                Problem::new(
                    format!("targets.mongo_db_targets.{index}.path"),
                    format!("`{path}` is not a database and a collection"),
                )
                .help("write it as `database/collection`"),
            );
        }
    }
}

/// The values that a setting of the configuration accepts.
enum Takes {
    /// One of these texts.
    One(&'static [&'static str]),
    /// A whole number of at least 1.
    Count,
    /// True or false.
    Flag,
    /// A table with these settings.
    Table(&'static [(&'static str, Takes)]),
}

/// See <https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html>.
const CONFIGURATION: Takes = Takes::Table(&[
    ("Version", Takes::One(&["1.0", "1"])),
    ("CreatePartitionIndex", Takes::Flag),
    (
        "CrawlerOutput",
        Takes::Table(&[
            ("Partitions", Takes::Table(&[("AddOrUpdateBehavior", Takes::One(&["InheritFromTable"]))])),
            (
                "Tables",
                Takes::Table(&[
                    ("AddOrUpdateBehavior", Takes::One(&["MergeNewColumns"])),
                    ("TableThreshold", Takes::Count),
                ]),
            ),
        ]),
    ),
    (
        "Grouping",
        Takes::Table(&[
            ("TableGroupingPolicy", Takes::One(&["CombineCompatibleSchemas"])),
            ("TableLevelConfiguration", Takes::Count),
        ]),
    ),
]);

fn check_configuration(configuration: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    if matches!(configuration, Value::Map(map) if !map.contains_key("Version")) {
        problems.push(
            Problem::new("configuration", "the configuration has no `Version`").help("add `Version = 1.0`"),
        );
    }
    check_member(configuration, &CONFIGURATION, "configuration", &mut problems);
    problems
}

fn check_member(value: &Value, takes: &Takes, path: &str, problems: &mut Vec<Problem>) {
    if matches!(value, Value::Unknown(_) | Value::Secret(_) | Value::Null) {
        return;
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    match (takes, value) {
        (Takes::Table(members), Value::Map(map)) => {
            for (member, value) in map {
                let path = format!("{path}.{member}");
                match members.iter().find(|(known, _)| known == member) {
                    Some((_, takes)) => check_member(value, takes, &path, problems),
                    None => match nearest(member, members.iter().map(|(known, _)| *known)) {
                        Some(near) => problems.push(
                            Problem::new(path, format!("`{name}` has no member `{member}`"))
                                .help(format!("did you mean `{near}`?")),
                        ),
                        None => problems.push(Problem::warning(
                            path,
                            format!("dwctl does not know the member `{member}` of `{name}`"),
                        )),
                    },
                }
            }
        }
        (Takes::Table(_), _) => problems.push(Problem::new(path, format!("`{name}` is a table"))),
        (Takes::Flag, Value::Bool(_)) => {}
        (Takes::Flag, _) => problems.push(Problem::new(path, format!("`{name}` is true or false"))),
        (Takes::Count, Value::Number(number)) if number.as_i64().is_some_and(|number| number >= 1) => {}
        (Takes::Count, _) => {
            problems.push(Problem::new(path, format!("`{name}` is a whole number, 1 or more")))
        }
        (Takes::One(texts), value) => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => String::new(),
            };
            if !texts.contains(&text.as_str()) {
                problems.push(
                    Problem::new(path, format!("`{name}` cannot be `{text}`"))
                        .help(format!("write `{}`", texts.first().unwrap_or(&""))),
                );
            }
        }
    }
}
