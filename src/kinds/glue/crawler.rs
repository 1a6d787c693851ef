//! `glue_crawler`.

use std::collections::HashMap;

use aws_sdk_glue::types::{
    CatalogTarget as AwsCatalogTarget, Crawler, CrawlerLineageSettings, CrawlerTargets, DeleteBehavior,
    DeltaTarget as AwsDeltaTarget, DynamoDbTarget as AwsDynamoDbTarget, HudiTarget as AwsHudiTarget,
    IcebergTarget as AwsIcebergTarget, JdbcMetadataEntry, JdbcTarget as AwsJdbcTarget,
    LakeFormationConfiguration as AwsLakeFormation, LineageConfiguration as AwsLineage,
    MongoDbTarget as AwsMongoDbTarget, RecrawlBehavior, RecrawlPolicy as AwsRecrawlPolicy,
    S3Target as AwsS3Target, ScheduleState, SchemaChangePolicy as AwsSchemaChangePolicy, UpdateBehavior,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::crawler_check::check;
use super::shared;
use crate::aws::{Class, Cx, Error, Result, ResultExt, Scope, Tags};
use crate::kind::mark::{AWS_DEFAULT, DEFAULT_IS_ABSENT, REPLACE, SET};
use crate::kind::terraform::{Block, TerraformPart, take_block};
use crate::kind::{
    Actions, Foreseen, Identity, Json, Kind, Known, Link, Live, Lookup, NewResource, Pace, Problem, Reads,
    State, Terraform,
};

/// A crawler with delete behavior `DELETE_FROM_DATABASE` may delete tables that it no longer finds
/// (<https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html>).
const TARGET_GONE: &str = "data-loss when gone if schema_change_policy.delete_behavior = DELETE_FROM_DATABASE: the tables of a removed target are deleted from the catalog";
const TARGET_CHANGED: &str = "data-loss when changed if schema_change_policy.delete_behavior = DELETE_FROM_DATABASE: the tables of a removed target are deleted from the catalog";
const PASSED_OVER: &str = "data-loss when come if schema_change_policy.delete_behavior = DELETE_FROM_DATABASE: the tables of excluded data are deleted from the catalog";

/// An AWS Glue crawler: looks through data and keeps the tables of the Data Catalog up to it.
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
    /// Finer behaviour, as AWS's crawler configuration document: grouping, partitions,
    /// table level and limits. It has a `Version`, 1.0.
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
    /// Glob patterns, relative to `path`, of what to pass over.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]))]
    #[schemars(extend("x-dwctl-risk" = [PASSED_OVER]))]
    pub exclusions: Vec<String>,
    /// Name of a network connection, where the bucket is reached through a VPC.
    pub connection_name: Option<String>,
    /// Files to read in each lowest folder. Absent: all.
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
    /// Glob patterns of what to pass over.
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
    /// Make native tables, for engines that read the Delta log themselves.
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
    /// Glob patterns of what to pass over.
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
    /// Of a table whose data has another schema: `UPDATE_IN_DATABASE`, or `LOG` and leave it.
    #[serde(default = "update_behavior")]
    #[schemars(extend("enum" = ["LOG", "UPDATE_IN_DATABASE"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when to UPDATE_IN_DATABASE: crawls overwrite the schemas of tables"]))]
    pub update_behavior: String,
    /// Of a table whose data is gone: `DEPRECATE_IN_DATABASE`, `DELETE_FROM_DATABASE`, or
    /// `LOG` and leave it.
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

fn yes() -> bool {
    true
}

fn update_behavior() -> String {
    "UPDATE_IN_DATABASE".to_owned()
}

fn delete_behavior() -> String {
    "DEPRECATE_IN_DATABASE".to_owned()
}

fn recrawl_behavior() -> String {
    "CRAWL_EVERYTHING".to_owned()
}

fn lineage() -> String {
    "DISABLE".to_owned()
}

/// What AWS decides about a crawler.
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
    const NAME: &'static str = "glue_crawler";
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
    const EXAMPLE: &'static str = include_str!("../../../examples/kinds/glue_crawler.toml");
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
    const TAGGABLE: bool = true;
    const LINKS: &'static [Link] = &[
        Link::to("role", "iam_role"),
        Link::to("database_name", "glue_database"),
        Link::to("classifiers", "glue_classifier"),
    ];
    const TAGS_APART: bool = true;
    // A running crawl is stopped before its crawler is deleted, which takes minutes.
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 2, deadline_seconds: 1200 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, _: &Scope) -> Identity {
        Identity::named(spec.text("name"))
    }

    fn foresee(spec: Known<'_>, scope: &Scope) -> Foreseen {
        match spec.text("name") {
            Some(name) => Foreseen::default().with("arn", shared::arn(scope, "crawler", name)),
            None => Foreseen::default(),
        }
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

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<String> {
        cx.aws
            .glue()
            .create_crawler()
            .name(&want.name)
            .set_description(want.description.clone())
            .role(&want.role)
            .set_database_name(want.database_name.clone())
            .set_catalog_id(want.catalog_id.clone())
            .targets(targets(&want.targets)?)
            .set_schedule(want.schedule.clone())
            .set_classifiers((!want.classifiers.is_empty()).then(|| want.classifiers.clone()))
            .set_table_prefix(want.table_prefix.clone())
            .schema_change_policy(schema_change(&want.schema_change_policy))
            .recrawl_policy(recrawl(&want.recrawl_policy))
            // Not every region supports lineage. Left out, it is off.
            .set_lineage_configuration(
                (want.lineage_configuration != LineageConfiguration::default())
                    .then(|| lineage_of(&want.lineage_configuration)),
            )
            .set_lake_formation_configuration(want.lake_formation_configuration.as_ref().map(lake_formation))
            .set_configuration(want.configuration.as_ref().map(Json::to_text))
            .set_crawler_security_configuration(want.crawler_security_configuration.clone())
            .set_tags(Some(shared::tags_map(new.tags)))
            .send()
            .await?;
        Ok(want.name.clone())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let glue = cx.aws.glue();
        // Settings left out of the call stay unchanged, so a removed one is sent empty. AWS does not
        // document this (https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateCrawler.html), so
        // unchanged settings are sent, too.
        let text = |live: &Option<String>, want: &Option<String>| {
            want.clone().or_else(|| live.is_some().then(String::new))
        };
        glue.update_crawler()
            .name(id)
            .set_description(text(&live.description, &want.description))
            .role(&want.role)
            .set_database_name(text(&live.database_name, &want.database_name))
            .set_catalog_id(want.catalog_id.clone())
            .targets(targets(&want.targets)?)
            .set_schedule(text(&live.schedule, &want.schedule))
            .set_classifiers(Some(want.classifiers.clone()))
            .set_table_prefix(text(&live.table_prefix, &want.table_prefix))
            .schema_change_policy(schema_change(&want.schema_change_policy))
            .recrawl_policy(recrawl(&want.recrawl_policy))
            .set_lineage_configuration(
                (want.lineage_configuration != live.lineage_configuration
                    || want.lineage_configuration != LineageConfiguration::default())
                .then(|| lineage_of(&want.lineage_configuration)),
            )
            .set_lake_formation_configuration(
                match (&live.lake_formation_configuration, &want.lake_formation_configuration) {
                    (_, Some(want)) => Some(lake_formation(want)),
                    (Some(_), None) => {
                        Some(AwsLakeFormation::builder().use_lake_formation_credentials(false).build())
                    }
                    (None, None) => None,
                },
            )
            .set_configuration(text(
                &live.configuration.as_ref().map(Json::to_text),
                &want.configuration.as_ref().map(Json::to_text),
            ))
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

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<()> {
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
        deleted.map(drop)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}

fn to_spec(lookup: &Lookup<'_>, crawler: &Crawler) -> Result<Spec> {
    // A paused schedule counts as none, since it starts nothing.
    let schedule = crawler
        .schedule()
        .filter(|schedule| schedule.state() != Some(&ScheduleState::NotScheduled))
        .and_then(|schedule| shared::text(schedule.schedule_expression()));
    let configuration = shared::text(crawler.configuration())
        .map(|text| Json::parse(&text))
        .transpose()
        .map_err(|error| {
            Error::finding(Class::Other, format!("AWS returned a configuration that is not JSON: {error}"))
        })?;
    Ok(Spec {
        name: lookup.id.to_owned(),
        description: shared::text(crawler.description()),
        role: crawler.role().unwrap_or_default().to_owned(),
        database_name: shared::text(crawler.database_name()),
        catalog_id: shared::text(crawler.catalog_id()),
        targets: crawler.targets().map(to_targets).unwrap_or_default(),
        schedule,
        classifiers: crawler.classifiers().to_vec(),
        table_prefix: shared::text(crawler.table_prefix()),
        schema_change_policy: crawler
            .schema_change_policy()
            .map(|policy| SchemaChangePolicy {
                update_behavior: policy
                    .update_behavior()
                    .map_or_else(update_behavior, |behavior| behavior.as_str().to_owned()),
                delete_behavior: policy
                    .delete_behavior()
                    .map_or_else(delete_behavior, |behavior| behavior.as_str().to_owned()),
            })
            .unwrap_or_default(),
        recrawl_policy: crawler
            .recrawl_policy()
            .and_then(|policy| policy.recrawl_behavior())
            .map(|behavior| RecrawlPolicy { recrawl_behavior: behavior.as_str().to_owned() })
            .unwrap_or_default(),
        lineage_configuration: crawler
            .lineage_configuration()
            .and_then(|configuration| configuration.crawler_lineage_settings())
            .map(|setting| LineageConfiguration { crawler_lineage_settings: setting.as_str().to_owned() })
            .unwrap_or_default(),
        lake_formation_configuration: crawler.lake_formation_configuration().map(|configuration| {
            LakeFormationConfiguration {
                use_lake_formation_credentials: configuration
                    .use_lake_formation_credentials()
                    .unwrap_or(false),
                account_id: shared::text(configuration.account_id()),
            }
        }),
        configuration,
        crawler_security_configuration: shared::text(crawler.crawler_security_configuration()),
    })
}

fn to_targets(targets: &CrawlerTargets) -> Targets {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Targets {
        s3_targets: targets
            .s3_targets()
            .iter()
            .map(|target| S3Target {
                path: owned(target.path()),
                exclusions: target.exclusions().to_vec(),
                connection_name: shared::text(target.connection_name()),
                sample_size: target.sample_size().filter(|size| *size > 0),
                event_queue_arn: shared::text(target.event_queue_arn()),
                dlq_event_queue_arn: shared::text(target.dlq_event_queue_arn()),
            })
            .collect(),
        jdbc_targets: targets
            .jdbc_targets()
            .iter()
            .map(|target| JdbcTarget {
                connection_name: owned(target.connection_name()),
                path: owned(target.path()),
                exclusions: target.exclusions().to_vec(),
                enable_additional_metadata: target
                    .enable_additional_metadata()
                    .iter()
                    .map(|entry| entry.as_str().to_owned())
                    .collect(),
            })
            .collect(),
        mongo_db_targets: targets
            .mongo_db_targets()
            .iter()
            .map(|target| MongoDbTarget {
                connection_name: owned(target.connection_name()),
                path: owned(target.path()),
                scan_all: target.scan_all().unwrap_or(true),
            })
            .collect(),
        dynamo_db_targets: targets
            .dynamo_db_targets()
            .iter()
            .map(|target| DynamoDbTarget {
                path: owned(target.path()),
                scan_all: target.scan_all().unwrap_or(true),
                scan_rate: target.scan_rate(),
            })
            .collect(),
        catalog_targets: targets
            .catalog_targets()
            .iter()
            .map(|target| CatalogTarget {
                database_name: target.database_name().to_owned(),
                tables: target.tables().to_vec(),
                connection_name: shared::text(target.connection_name()),
                event_queue_arn: shared::text(target.event_queue_arn()),
                dlq_event_queue_arn: shared::text(target.dlq_event_queue_arn()),
            })
            .collect(),
        delta_targets: targets
            .delta_targets()
            .iter()
            .map(|target| DeltaTarget {
                delta_tables: target.delta_tables().to_vec(),
                connection_name: shared::text(target.connection_name()),
                write_manifest: target.write_manifest().unwrap_or(false),
                create_native_delta_table: target.create_native_delta_table().unwrap_or(false),
            })
            .collect(),
        iceberg_targets: targets
            .iceberg_targets()
            .iter()
            .map(|target| OpenTableTarget {
                paths: target.paths().to_vec(),
                connection_name: shared::text(target.connection_name()),
                exclusions: target.exclusions().to_vec(),
                maximum_traversal_depth: target.maximum_traversal_depth(),
            })
            .collect(),
        hudi_targets: targets
            .hudi_targets()
            .iter()
            .map(|target| OpenTableTarget {
                paths: target.paths().to_vec(),
                connection_name: shared::text(target.connection_name()),
                exclusions: target.exclusions().to_vec(),
                maximum_traversal_depth: target.maximum_traversal_depth(),
            })
            .collect(),
    }
}

fn targets(targets: &Targets) -> Result<CrawlerTargets> {
    let list = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let s3 = targets.s3_targets.iter().map(|target| {
        AwsS3Target::builder()
            .path(&target.path)
            .set_exclusions(list(&target.exclusions))
            .set_connection_name(target.connection_name.clone())
            .set_sample_size(target.sample_size)
            .set_event_queue_arn(target.event_queue_arn.clone())
            .set_dlq_event_queue_arn(target.dlq_event_queue_arn.clone())
            .build()
    });
    let jdbc = targets.jdbc_targets.iter().map(|target| {
        let metadata = target.enable_additional_metadata.iter();
        AwsJdbcTarget::builder()
            .connection_name(&target.connection_name)
            .path(&target.path)
            .set_exclusions(list(&target.exclusions))
            .set_enable_additional_metadata(
                (!target.enable_additional_metadata.is_empty())
                    .then(|| metadata.map(|entry| JdbcMetadataEntry::from(entry.as_str())).collect()),
            )
            .build()
    });
    let mongo_db = targets.mongo_db_targets.iter().map(|target| {
        AwsMongoDbTarget::builder()
            .connection_name(&target.connection_name)
            .path(&target.path)
            .scan_all(target.scan_all)
            .build()
    });
    let dynamo_db = targets.dynamo_db_targets.iter().map(|target| {
        AwsDynamoDbTarget::builder()
            .path(&target.path)
            .scan_all(target.scan_all)
            .set_scan_rate(target.scan_rate)
            .build()
    });
    let catalog = targets.catalog_targets.iter().map(|target| {
        AwsCatalogTarget::builder()
            .database_name(&target.database_name)
            .set_tables(Some(target.tables.clone()))
            .set_connection_name(target.connection_name.clone())
            .set_event_queue_arn(target.event_queue_arn.clone())
            .set_dlq_event_queue_arn(target.dlq_event_queue_arn.clone())
            .build()
            .map_err(shared::incomplete)
    });
    let delta = targets.delta_targets.iter().map(|target| {
        AwsDeltaTarget::builder()
            .set_delta_tables(Some(target.delta_tables.clone()))
            .set_connection_name(target.connection_name.clone())
            .write_manifest(target.write_manifest)
            .create_native_delta_table(target.create_native_delta_table)
            .build()
    });
    let iceberg = targets.iceberg_targets.iter().map(|target| {
        AwsIcebergTarget::builder()
            .set_paths(Some(target.paths.clone()))
            .set_connection_name(target.connection_name.clone())
            .set_exclusions(list(&target.exclusions))
            .set_maximum_traversal_depth(target.maximum_traversal_depth)
            .build()
    });
    let hudi = targets.hudi_targets.iter().map(|target| {
        AwsHudiTarget::builder()
            .set_paths(Some(target.paths.clone()))
            .set_connection_name(target.connection_name.clone())
            .set_exclusions(list(&target.exclusions))
            .set_maximum_traversal_depth(target.maximum_traversal_depth)
            .build()
    });
    Ok(CrawlerTargets::builder()
        .set_s3_targets(Some(s3.collect()))
        .set_jdbc_targets(Some(jdbc.collect()))
        .set_mongo_db_targets(Some(mongo_db.collect()))
        .set_dynamo_db_targets(Some(dynamo_db.collect()))
        .set_catalog_targets(Some(catalog.collect::<Result<_>>()?))
        .set_delta_targets(Some(delta.collect()))
        .set_iceberg_targets(Some(iceberg.collect()))
        .set_hudi_targets(Some(hudi.collect()))
        .build())
}

fn schema_change(policy: &SchemaChangePolicy) -> AwsSchemaChangePolicy {
    AwsSchemaChangePolicy::builder()
        .update_behavior(UpdateBehavior::from(policy.update_behavior.as_str()))
        .delete_behavior(DeleteBehavior::from(policy.delete_behavior.as_str()))
        .build()
}

fn recrawl(policy: &RecrawlPolicy) -> AwsRecrawlPolicy {
    AwsRecrawlPolicy::builder()
        .recrawl_behavior(RecrawlBehavior::from(policy.recrawl_behavior.as_str()))
        .build()
}

fn lineage_of(configuration: &LineageConfiguration) -> AwsLineage {
    AwsLineage::builder()
        .crawler_lineage_settings(CrawlerLineageSettings::from(
            configuration.crawler_lineage_settings.as_str(),
        ))
        .build()
}

fn lake_formation(configuration: &LakeFormationConfiguration) -> AwsLakeFormation {
    AwsLakeFormation::builder()
        .use_lake_formation_credentials(configuration.use_lake_formation_credentials)
        .set_account_id(configuration.account_id.clone())
        .build()
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
