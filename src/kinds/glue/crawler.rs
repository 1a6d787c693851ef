//! `glue_crawler`.

use std::collections::HashMap;

use aws_sdk_glue::types::{self, Crawler, ScheduleState};

use super::crawler_check::check;
use super::shared;
use crate::kind::prelude::*;

/// A crawler with delete behavior `DELETE_FROM_DATABASE` may delete tables that it no longer finds
/// (<https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html>).
const TARGET_GONE: &str = "data-loss when gone if schema_change_policy.delete_behavior = DELETE_FROM_DATABASE: the tables of a removed target are deleted from the catalog";
const TARGET_CHANGED: &str = "data-loss when changed if schema_change_policy.delete_behavior = DELETE_FROM_DATABASE: the tables of a removed target are deleted from the catalog";
const PASSED_OVER: &str = "data-loss when come if schema_change_policy.delete_behavior = DELETE_FROM_DATABASE: the tables of excluded data are deleted from the catalog";

/// An AWS Glue crawler: looks through data and keeps the tables of the Data Catalog up to date with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the crawler, unique in the account and region.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub name: String,
    /// The data that the crawler reads.
    #[schemars(length(max = 2048))]
    pub description: Option<String>,
    /// Role that the crawler reads the data as: its ARN, or its path and name.
    #[schemars(extend("x-dwctl-spelling" = "role"))]
    #[schemars(extend("x-dwctl-names" = "role or name"))]
    pub role: String,
    /// Name of the catalog database that gets the tables. Not needed for `catalog_targets`.
    pub database_name: Option<String>,
    /// Data Catalog that gets the tables. Absent: the account's own.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(min = 1, max = 255))]
    pub catalog_id: Option<String>,
    /// What to crawl.
    pub targets: Targets,
    /// When to crawl, in UTC, such as `cron(15 2 * * ? *)`. Absent, or paused by hand: only
    /// when started.
    #[schemars(extend("x-dwctl-document" = "schedule"))]
    pub schedule: Option<String>,
    /// Names of custom classifiers, tried in this order before AWS's own.
    #[serde(default)]
    #[schemars(inner(length(min = 1, max = 255)))]
    pub classifiers: Vec<String>,
    /// Prefix of the names of new tables.
    #[schemars(length(max = 128))]
    pub table_prefix: Option<String>,
    /// What to do when the schema of data changes, or data is deleted.
    #[serde(default)]
    pub schema_change_policy: SchemaChangePolicy,
    /// Whether to crawl all data again or only new data.
    #[serde(default)]
    pub recrawl_policy: RecrawlPolicy,
    /// Whether the lineage of the data is recorded.
    #[serde(default)]
    pub lineage_configuration: LineageConfiguration,
    /// Read data with Lake Formation's permissions instead of the role's.
    #[schemars(extend("x-dwctl" = [DEFAULT_IS_ABSENT], "x-dwctl-risk" = ["access when [use_lake_formation_credentials] off: data is read with the permissions of the role alone"]))]
    pub lake_formation_configuration: Option<LakeFormationConfiguration>,
    /// Further settings, as AWS's crawler configuration document: grouping, partitions, table level and
    /// limits. It has a `Version`, 1.0.
    pub configuration: Option<Json>,
    /// Name of a Glue security configuration, for the crawler's logs.
    #[schemars(length(max = 128))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: logs and results are no longer encrypted"]))]
    pub crawler_security_configuration: Option<String>,
}

/// What a crawler looks through; at least one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Targets {
    /// Folders in S3.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "path"))]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub s3_targets: Vec<S3Target>,
    /// Databases by JDBC.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub jdbc_targets: Vec<JdbcTarget>,
    /// DocumentDB and MongoDB collections.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub mongo_db_targets: Vec<MongoDbTarget>,
    /// DynamoDB tables.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "path"))]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub dynamo_db_targets: Vec<DynamoDbTarget>,
    /// Tables that are in the Data Catalog already.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub catalog_targets: Vec<CatalogTarget>,
    /// Delta Lake tables.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub delta_targets: Vec<DeltaTarget>,
    /// Apache Iceberg tables.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub iceberg_targets: Vec<OpenTableTarget>,
    /// Apache Hudi tables.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub hudi_targets: Vec<OpenTableTarget>,
}

/// A folder in S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct S3Target {
    /// The folder, as an `s3://` URL.
    pub path: String,
    /// Glob patterns, relative to `path`, of what to skip.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = [PASSED_OVER]))]
    pub exclusions: Vec<String>,
    /// Name of a network connection, where the bucket is reached through a VPC.
    pub connection_name: Option<String>,
    /// Files to read in each leaf folder. Absent: all.
    #[schemars(range(min = 1, max = 249))]
    pub sample_size: Option<i32>,
    /// SQS queue with the bucket's events, for `CRAWL_EVENT_MODE`.
    #[schemars(extend("x-dwctl-names" = "queue elsewhere"))]
    pub event_queue_arn: Option<String>,
    /// SQS queue for events that could not be handled.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: events that cannot be handled are lost"]))]
    #[schemars(extend("x-dwctl-names" = "queue elsewhere"))]
    pub dlq_event_queue_arn: Option<String>,
}

/// A database by JDBC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JdbcTarget {
    /// Name of the Glue connection.
    pub connection_name: String,
    /// What to crawl: `database/schema/table`, where `%` stands for all.
    #[schemars(extend("x-dwctl-risk" = [TARGET_CHANGED]))]
    pub path: String,
    /// Glob patterns of what to skip.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = [PASSED_OVER]))]
    pub exclusions: Vec<String>,
    /// What else to record of tables: `COMMENTS`, `RAWTYPES`.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET], "items" = { "type": "string", "enum": ["COMMENTS", "RAWTYPES"] }))]
    pub enable_additional_metadata: Vec<String>,
}

/// A DocumentDB or MongoDB collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MongoDbTarget {
    /// Name of the Glue connection.
    pub connection_name: String,
    /// What to crawl: `database/collection`.
    #[schemars(extend("x-dwctl-risk" = [TARGET_CHANGED]))]
    pub path: String,
    /// Read all records instead of a sample.
    #[serde(default = "yes")]
    pub scan_all: bool,
}

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DynamoDbTarget {
    /// Name of the table.
    pub path: String,
    /// Read all records instead of a sample.
    #[serde(default = "yes")]
    pub scan_all: bool,
    /// Share of the table's read capacity to use. Absent: 0.5 of it.
    #[schemars(range(min = 0.1, max = 1.5))]
    pub scan_rate: Option<f64>,
}

/// Tables that are in the Data Catalog already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogTarget {
    /// Name of their database.
    #[schemars(length(min = 1, max = 255))]
    pub database_name: String,
    /// Names of the tables.
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1), inner(length(min = 1, max = 255)))]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub tables: Vec<String>,
    /// Name of a network connection, where the data is reached through a VPC.
    pub connection_name: Option<String>,
    /// SQS queue with the bucket's events, for `CRAWL_EVENT_MODE`.
    #[schemars(extend("x-dwctl-names" = "queue elsewhere"))]
    pub event_queue_arn: Option<String>,
    /// SQS queue for events that could not be handled.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: events that cannot be handled are lost"]))]
    #[schemars(extend("x-dwctl-names" = "queue elsewhere"))]
    pub dlq_event_queue_arn: Option<String>,
}

/// Delta Lake tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeltaTarget {
    /// Folders of the tables, as `s3://` URLs.
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub delta_tables: Vec<String>,
    /// Name of a network connection, where the data is reached through a VPC.
    pub connection_name: Option<String>,
    /// Write manifest files beside the data.
    #[serde(default)]
    pub write_manifest: bool,
    /// Create native tables, for engines that read the Delta log themselves.
    #[serde(default)]
    pub create_native_delta_table: bool,
}

/// Apache Iceberg or Hudi tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenTableTarget {
    /// Folders to look for tables in, as `s3://` URLs.
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = [TARGET_GONE]))]
    pub paths: Vec<String>,
    /// Name of a network connection, where the data is reached through a VPC.
    pub connection_name: Option<String>,
    /// Glob patterns of what to skip.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = [PASSED_OVER]))]
    pub exclusions: Vec<String>,
    /// How many folders deep to look.
    pub maximum_traversal_depth: Option<i32>,
}

/// What to do when data has another schema or is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaChangePolicy {
    /// For a table whose data has another schema: `UPDATE_IN_DATABASE`, or `LOG` and leave it.
    #[serde(default = "update_behavior")]
    #[schemars(extend("enum" = ["LOG", "UPDATE_IN_DATABASE"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when to UPDATE_IN_DATABASE: crawls overwrite the schemas of tables"]))]
    pub update_behavior: String,
    /// For a table whose data is gone: `DEPRECATE_IN_DATABASE`, `DELETE_FROM_DATABASE`, or `LOG` and leave
    /// it.
    #[serde(default = "delete_behavior")]
    #[schemars(extend("enum" = ["LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"]))]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when to DELETE_FROM_DATABASE: crawls delete tables whose data is gone from the catalog"]))]
    pub delete_behavior: String,
}

/// Whether to look at all data again or at what is new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecrawlPolicy {
    /// `CRAWL_EVERYTHING`; `CRAWL_NEW_FOLDERS_ONLY`; or `CRAWL_EVENT_MODE`: what S3's
    /// events in `event_queue_arn` name.
    #[serde(default = "recrawl_behavior")]
    #[schemars(extend("enum" = ["CRAWL_EVERYTHING", "CRAWL_NEW_FOLDERS_ONLY", "CRAWL_EVENT_MODE"]))]
    pub recrawl_behavior: String,
}

/// Whether the lineage of the data is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineageConfiguration {
    /// `ENABLE` or `DISABLE`.
    #[serde(default = "lineage")]
    #[schemars(extend("enum" = ["ENABLE", "DISABLE"]))]
    pub crawler_lineage_settings: String,
}

/// Reading with Lake Formation's permissions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LakeFormationConfiguration {
    /// Use Lake Formation's permissions instead of the role's.
    #[serde(default)]
    pub use_lake_formation_credentials: bool,
    /// Account that holds the data. Absent: this one.
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT]), length(max = 12))]
    pub account_id: Option<String>,
}

impl Default for SchemaChangePolicy {
    fn default() -> Self {
        Self { update_behavior: update_behavior(), delete_behavior: delete_behavior() }
    }
}

impl Default for RecrawlPolicy {
    fn default() -> Self {
        Self { recrawl_behavior: recrawl_behavior() }
    }
}

impl Default for LineageConfiguration {
    fn default() -> Self {
        Self { crawler_lineage_settings: lineage() }
    }
}

defaults! {
    update_behavior: String = "UPDATE_IN_DATABASE";
    delete_behavior: String = "DEPRECATE_IN_DATABASE";
    recrawl_behavior: String = "CRAWL_EVERYTHING";
    lineage: String = "DISABLE";
}

/// The attributes of a crawler that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the crawler.
    pub arn: String,
}

/// In Terraform, targets are blocks of the crawler itself.
fn arrange(crawler: &mut Block) -> Vec<TerraformPart> {
    let targets = take_block(crawler, "targets");
    crawler.extend(targets.unwrap_or_default());
    Vec::new()
}

/// The kind `glue_crawler`.
pub struct GlueCrawler;

/// Maximum number of names per call
/// (<https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetCrawlers.html>).
const BATCH: usize = 100;

impl Kind for GlueCrawler {
    const CFN: Option<&'static str> = Some("AWS::Glue::Crawler");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_glue_crawler",
        &[
            ("crawler_security_configuration", "security_configuration"),
            ("targets.s3_targets", "s3_target"),
            ("targets.jdbc_targets", "jdbc_target"),
            ("targets.mongo_db_targets", "mongodb_target"),
            ("targets.dynamo_db_targets", "dynamodb_target"),
            ("targets.catalog_targets", "catalog_target"),
            ("targets.delta_targets", "delta_target"),
            ("targets.iceberg_targets", "iceberg_target"),
            ("targets.hudi_targets", "hudi_target"),
        ],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] =
        &[("schedule", "ScheduleExpression"), ("targets", "target")];
    const ACTIONS: Actions = Actions {
        read: &["glue:BatchGetCrawlers", "glue:GetTags"],
        create: &["glue:CreateCrawler", "glue:TagResource", "iam:PassRole"],
        update: &[
            "glue:UpdateCrawler",
            "glue:StartCrawlerSchedule",
            "glue:TagResource",
            "glue:UntagResource",
            "iam:PassRole",
        ],
        delete: &["glue:DeleteCrawler", "glue:StopCrawler"],
    };
    const BATCHES_READS: bool = true;
    const LINKS: &'static [Link] = &[
        Link::to("role", "iam_role"),
        Link::to("database_name", "glue_database"),
        Link::to("classifiers", "glue_classifier"),
    ];
    const TAGS_APART: bool = true;
    // A running crawl is stopped before its crawler is deleted, which takes minutes.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 1200 };
    const ID: Option<&'static str> = Some("name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("name").map(|name| shared::arn(scope, "crawler", name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        check(spec)
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = shared::in_batches(lookups, BATCH, |names| async move {
            let answer = cx.aws.glue().batch_get_crawlers().set_crawler_names(Some(names)).send().await?;
            let crawlers = answer.crawlers.unwrap_or_default().into_iter();
            Ok(crawlers.filter_map(|found| Some((found.name.clone()?, found))).collect::<HashMap<_, _>>())
        })
        .await;
        let arn = |name: &str| shared::arn(&cx.scope, "crawler", name);
        shared::with_tags(cx, lookups, found, arn, |lookup, found, tags| {
            // A running crawler is as usable as an idle one, and may run for hours. Only an update
            // has to wait, and its error says so.
            let is_scheduling =
                found.schedule().and_then(|schedule| schedule.state()) == Some(&ScheduleState::Transitioning);
            let state = if is_scheduling { State::Busy("scheduling".to_owned()) } else { State::Ready };
            let live = Live::ready(to_spec(lookup, &found)?, Attrs { arn: arn(lookup.id) }, tags);
            Ok(Live { state, ..live.with_incarnation(found.creation_time()) })
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let request = set!(cx.aws.glue().create_crawler(), want =>
            name, description, role, database_name, catalog_id, targets, schedule, classifiers, table_prefix,
            schema_change_policy, recrawl_policy, lake_formation_configuration, configuration,
            crawler_security_configuration,
        );
        // Not every region supports lineage. Left out, it is off.
        let lineage = Some(&want.lineage_configuration).filter(|lineage| **lineage != Default::default());
        request
            .set_lineage_configuration(lineage.map(Table::to_sdk).transpose()?)
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Ok(want.name.clone().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let glue = cx.aws.glue();
        // Settings left out of the call stay unchanged, so a removed one is sent empty. AWS does not
        // document this (https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateCrawler.html), so
        // unchanged settings are sent, too.
        let text = |live: &Option<String>, want: &Option<String>| {
            want.clone().or_else(|| live.is_some().then(String::new))
        };
        let document = |json: &Option<Json>| json.as_ref().map(Json::to_text);
        let lineage = Some(&want.lineage_configuration)
            .filter(|lineage| **lineage != live.lineage_configuration || **lineage != Default::default());
        let no_lake_formation =
            || types::LakeFormationConfiguration::builder().use_lake_formation_credentials(false);
        let lake_formation = match &want.lake_formation_configuration {
            Some(want) => Some(want.to_sdk()?),
            None => live.lake_formation_configuration.as_ref().map(|_| no_lake_formation().build()),
        };
        set!(glue.update_crawler().name(id), want => role, catalog_id, targets, schema_change_policy, recrawl_policy)
            .set_description(text(&live.description, &want.description))
            .set_database_name(text(&live.database_name, &want.database_name))
            .set_schedule(text(&live.schedule, &want.schedule))
            .set_classifiers(Some(want.classifiers.clone()))
            .set_table_prefix(text(&live.table_prefix, &want.table_prefix))
            .set_lineage_configuration(lineage.map(Table::to_sdk).transpose()?)
            .set_lake_formation_configuration(lake_formation)
            .set_configuration(text(&document(&live.configuration), &document(&want.configuration)))
            .set_crawler_security_configuration(text(
                &live.crawler_security_configuration,
                &want.crawler_security_configuration,
            ))
            .send()
            .await?;
        if live.schedule.is_none() && want.schedule.is_some() {
            // An earlier schedule may have been paused, so it must be started.
            glue.start_crawler_schedule()
                .crawler_name(id)
                .send()
                .await
                .or_none_on(&["SchedulerRunningException", "SchedulerTransitioningException"])?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        let glue = cx.aws.glue();
        let deleted = glue.delete_crawler().name(id).send().await.or_gone();
        if let Err(error) = &deleted
            && error.has_code(&["CrawlerRunningException"])
        {
            // A crawl may take hours, so it is stopped and the engine retries.
            glue.stop_crawler()
                .name(id)
                .send()
                .await
                .or_none_on(&["CrawlerNotRunningException", "CrawlerStoppingException"])?;
        }
        deleted.map(Deletion::of)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}

fn to_spec(lookup: &Lookup<'_>, crawler: &Crawler) -> Result<Spec> {
    // A paused schedule counts as none, since it starts nothing.
    let schedule =
        crawler.schedule().filter(|schedule| schedule.state() != Some(&ScheduleState::NotScheduled));
    Ok(read!(crawler => Spec {
        name: lookup.id.to_owned(), description, role, database_name, catalog_id, targets,
        schedule: text(schedule.and_then(|schedule| schedule.schedule_expression())), classifiers,
        table_prefix, schema_change_policy, recrawl_policy, lineage_configuration,
        lake_formation_configuration, configuration, crawler_security_configuration,
    }))
}

table! {
    Targets = types::CrawlerTargets {
        ; s3_targets, jdbc_targets, mongo_db_targets, dynamo_db_targets, catalog_targets, delta_targets,
        iceberg_targets, hudi_targets,
    }
    S3Target = types::S3Target {
        path, exclusions, connection_name, sample_size if is_positive, event_queue_arn, dlq_event_queue_arn,
    }
    JdbcTarget = types::JdbcTarget { connection_name, path, exclusions, enable_additional_metadata }
    MongoDbTarget = types::MongoDbTarget { connection_name, path, scan_all or yes }
    DynamoDbTarget = types::DynamoDbTarget { path, scan_all or yes, scan_rate }
    CatalogTarget = types::CatalogTarget {
        database_name, tables, connection_name, event_queue_arn, dlq_event_queue_arn,
    }
    DeltaTarget = types::DeltaTarget {
        delta_tables, connection_name, write_manifest, create_native_delta_table,
    }
    OpenTableTarget = types::IcebergTarget { paths, connection_name, exclusions, maximum_traversal_depth }
    SchemaChangePolicy = types::SchemaChangePolicy {
        update_behavior or update_behavior, delete_behavior or delete_behavior,
    }
    RecrawlPolicy = types::RecrawlPolicy { recrawl_behavior or recrawl_behavior }
    LineageConfiguration = types::LineageConfiguration { crawler_lineage_settings or lineage }
    LakeFormationConfiguration = types::LakeFormationConfiguration {
        use_lake_formation_credentials, account_id,
    }
}

table_too! {
    OpenTableTarget = types::HudiTarget { paths, connection_name, exclusions, maximum_traversal_depth }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::GlueCrawler;
    use crate::kind::{Kind, Known};
    use crate::value::Value;

    fn broken(extra: serde_json::Value) -> Vec<String> {
        let mut spec =
            json!({ "database_name": "raw", "targets": { "s3_targets": [{ "path": "s3://lake/raw/" }] } });
        for (name, value) in extra.as_object().into_iter().flatten() {
            spec[name] = value.clone();
        }
        let problems = GlueCrawler::check(Known(&Value::from_json(&spec)));
        problems.into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn policies_and_targets_fit() {
        let none: [&str; 0] = [];
        assert_eq!(broken(json!({})), none);
        assert_eq!(broken(json!({ "targets": {} })), ["targets"]);
        assert_eq!(broken(json!({ "database_name": null })), ["database_name"]);
        assert_eq!(broken(json!({ "schedule": "cron(0 2 * * * *)" })), ["schedule"]);
        assert_eq!(broken(json!({ "schedule": "rate(1 day)" })), ["schedule"]);
        let new_only = json!({ "recrawl_behavior": "CRAWL_NEW_FOLDERS_ONLY" });
        assert_eq!(
            broken(
                json!({ "recrawl_policy": new_only, "schema_change_policy": { "update_behavior": "LOG" } })
            ),
            ["schema_change_policy.delete_behavior"]
        );
        let log = json!({ "update_behavior": "LOG", "delete_behavior": "LOG" });
        assert_eq!(broken(json!({ "recrawl_policy": new_only, "schema_change_policy": log })), none);
        let by_event = json!({ "recrawl_behavior": "CRAWL_EVENT_MODE" });
        assert_eq!(broken(json!({ "recrawl_policy": by_event })), ["targets.s3_targets.0"]);
    }
}
