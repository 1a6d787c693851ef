//! Targets of an `eventbridge_rule`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_eventbridge::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, DeadLetterConfig,
    EcsParameters as SdkEcs, HttpParameters as SdkHttp, InputTransformer as SdkTransformer,
    KinesisParameters as SdkKinesis, LaunchType, NetworkConfiguration, PropagateTags,
    RedshiftDataParameters as SdkRedshift, RetryPolicy as SdkRetry, SqsParameters as SdkSqs,
    Target as SdkTarget,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::{Class, Error, Result};
use crate::kind::Json;
use crate::kind::mark::{DEFAULT_IS_ABSENT, SET};

/// Where a rule sends its events, and as what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Name of the target within the rule.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[.\-_A-Za-z0-9]+$"))]
    pub id: String,
    /// ARN of what receives the events: a state machine, queue, topic, function, log group, cluster ….
    #[schemars(length(min = 1, max = 1600))]
    #[schemars(extend("x-dwctl-names" = "target"))]
    pub arn: String,
    /// ARN of the role by which EventBridge calls the target; state machines, Redshift clusters, ECS
    /// tasks, streams and API destinations need one.
    #[schemars(length(min = 1, max = 1600))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub role_arn: Option<String>,
    /// JSON that the target receives instead of the event.
    pub input: Option<Json>,
    /// JSONPath of the part of the event that the target receives, such as `$.detail`.
    #[schemars(length(max = 256))]
    pub input_path: Option<String>,
    /// Text that the target receives, made from parts of the event.
    pub input_transformer: Option<InputTransformer>,
    /// How often and how long a delivery is tried again. Absent: 185 times in 24 hours.
    // <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html>
    #[schemars(extend("x-dwctl" = [DEFAULT_IS_ABSENT], "x-dwctl-risk" = ["protection when [maximum_retry_attempts] less: events are retried {after} times instead of {before}, then lost", "protection when [maximum_event_age_in_seconds] less: events are retried for {after} s instead of {before}, then lost"]))]
    pub retry_policy: Option<RetryPolicy>,
    /// Queue of events that could not be delivered.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: events that cannot be delivered are lost"]))]
    pub dead_letter_config: Option<DeadLetter>,
    /// Settings of an Amazon ECS task.
    pub ecs_parameters: Option<EcsParameters>,
    /// Settings of an API destination or API Gateway endpoint.
    pub http_parameters: Option<HttpParameters>,
    /// Settings of a Kinesis stream.
    pub kinesis_parameters: Option<KinesisParameters>,
    /// Statements for the Redshift Data API.
    pub redshift_data_parameters: Option<RedshiftDataParameters>,
    /// Settings of a FIFO queue.
    pub sqs_parameters: Option<SqsParameters>,
}

/// A text made from parts of the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputTransformer {
    /// Parts of the event by a name of their own: JSONPaths such as `$.detail.status`.
    #[serde(default)]
    pub input_paths_map: BTreeMap<String, String>,
    /// The text, with `<name>` for each part.
    #[schemars(length(min = 1, max = 8192))]
    pub input_template: String,
}

/// How often and how long a delivery is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetryPolicy {
    /// Most attempts after the first.
    #[serde(default = "maximum_retry_attempts")]
    #[schemars(range(min = 0, max = 185))]
    pub maximum_retry_attempts: i32,
    /// Oldest event that is still tried, in seconds.
    #[serde(default = "maximum_event_age")]
    #[schemars(range(min = 60, max = 86400))]
    pub maximum_event_age_in_seconds: i32,
}

fn maximum_retry_attempts() -> i32 {
    185
}

fn maximum_event_age() -> i32 {
    86400
}

/// Queue of events that could not be delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// ARN of a standard SQS queue whose policy lets EventBridge send.
    #[schemars(length(min = 1, max = 1600))]
    pub arn: String,
}

/// Settings of an Amazon ECS task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EcsParameters {
    /// ARN of the task definition, with or without its revision.
    #[schemars(length(min = 1, max = 1600))]
    pub task_definition_arn: String,
    /// Number of tasks.
    #[serde(default = "task_count")]
    #[schemars(range(min = 1))]
    pub task_count: i32,
    /// What the task runs on. Absent, with `capacity_provider_strategy` absent too: the cluster's default.
    #[schemars(extend("enum" = ["EC2", "EXTERNAL", "FARGATE"]))]
    pub launch_type: Option<String>,
    /// Capacity providers among which tasks are divided, such as `FARGATE_SPOT`; instead of `launch_type`.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "capacity_provider"), length(max = 6))]
    pub capacity_provider_strategy: Vec<CapacityProvider>,
    /// Network of tasks in mode `awsvpc`.
    pub network_configuration: Option<EcsNetwork>,
    /// Platform version of Fargate tasks, the number only, such as `1.4.0`.
    pub platform_version: Option<String>,
    /// Task group.
    #[schemars(length(max = 255))]
    pub group: Option<String>,
    /// Let ECS tag the tasks with its own tags.
    #[serde(default)]
    pub enable_ecs_managed_tags: bool,
    /// Allow commands inside the tasks' containers.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["access when on: commands can be run in the containers"]))]
    pub enable_execute_command: bool,
    /// `TASK_DEFINITION` copies the definition's tags to the tasks.
    #[schemars(extend("enum" = ["TASK_DEFINITION"]))]
    pub propagate_tags: Option<String>,
}

fn task_count() -> i32 {
    1
}

/// A share of the tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityProvider {
    /// Name of the capacity provider.
    #[schemars(length(min = 1, max = 255))]
    pub capacity_provider: String,
    /// Share of the tasks beyond every `base`, in proportion to the other weights.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000))]
    pub weight: i32,
    /// Number of tasks that run here first; only one provider has one.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000))]
    pub base: i32,
}

/// Network of tasks in mode `awsvpc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EcsNetwork {
    /// Ids of the subnets.
    #[schemars(extend("x-dwctl" = [SET]), length(min = 1, max = 16))]
    #[schemars(extend("x-dwctl-names" = "subnet"))]
    pub subnets: Vec<String>,
    /// Ids of the security groups.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [SET]), length(max = 5))]
    #[schemars(extend("x-dwctl-names" = "security-group"))]
    pub security_groups: Vec<String>,
    /// Whether tasks get a public address.
    #[serde(default = "disabled")]
    #[schemars(extend("enum" = ["ENABLED", "DISABLED"]))]
    #[schemars(extend("x-dwctl-risk" = ["access when to ENABLED: tasks get a public address"]))]
    pub assign_public_ip: String,
}

fn disabled() -> String {
    "DISABLED".to_owned()
}

/// Settings of an API destination or API Gateway endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HttpParameters {
    /// Values of the path's wildcards, in order.
    #[serde(default)]
    pub path_parameter_values: Vec<String>,
    /// Headers by name.
    #[serde(default)]
    pub header_parameters: BTreeMap<String, String>,
    /// Query parameters by name.
    #[serde(default)]
    pub query_string_parameters: BTreeMap<String, String>,
}

/// Settings of a Kinesis stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KinesisParameters {
    /// JSONPath of the partition key.
    #[schemars(length(max = 256))]
    pub partition_key_path: String,
}

/// Statements for the Redshift Data API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RedshiftDataParameters {
    /// Name of the database.
    #[schemars(length(min = 1, max = 64))]
    pub database: String,
    /// Database user whose temporary credentials are taken; instead of a secret.
    #[schemars(length(min = 1, max = 128))]
    pub db_user: Option<String>,
    /// ARN of the secret that holds the credentials, or a JSONPath of it.
    #[schemars(
        length(min = 1, max = 1600),
        regex(
            pattern = r"^(^arn:aws([a-z]|\-)*:secretsmanager:[a-z0-9-.]+:.*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$"
        )
    )]
    pub secret_manager_arn: Option<String>,
    /// One SQL statement.
    #[schemars(length(min = 1, max = 100_000))]
    pub sql: Option<String>,
    /// Several SQL statements, run in one transaction.
    #[serde(default)]
    pub sqls: Vec<String>,
    /// Name by which the statement is known in the Data API.
    #[schemars(length(min = 1, max = 500))]
    pub statement_name: Option<String>,
    /// Send an event when the statement has run.
    #[serde(default)]
    pub with_event: bool,
}

/// Settings of a FIFO queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SqsParameters {
    /// Message group of the messages.
    pub message_group_id: String,
}

fn list(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn map(map: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}

fn sorted(map: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    map.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Target {
    pub(super) fn to_sdk(&self) -> Result<SdkTarget> {
        SdkTarget::builder()
            .id(&self.id)
            .arn(&self.arn)
            .set_role_arn(self.role_arn.clone())
            .set_input(self.input.as_ref().map(Json::to_text))
            .set_input_path(self.input_path.clone())
            .set_input_transformer(
                self.input_transformer
                    .as_ref()
                    .map(|transformer| {
                        SdkTransformer::builder()
                            .set_input_paths_map(map(&transformer.input_paths_map))
                            .input_template(&transformer.input_template)
                            .build()
                            .map_err(invalid)
                    })
                    .transpose()?,
            )
            .set_retry_policy(self.retry_policy.as_ref().map(|retry| {
                SdkRetry::builder()
                    .maximum_retry_attempts(retry.maximum_retry_attempts)
                    .maximum_event_age_in_seconds(retry.maximum_event_age_in_seconds)
                    .build()
            }))
            .set_dead_letter_config(
                self.dead_letter_config
                    .as_ref()
                    .map(|queue| DeadLetterConfig::builder().arn(&queue.arn).build()),
            )
            .set_ecs_parameters(self.ecs_parameters.as_ref().map(EcsParameters::to_sdk).transpose()?)
            .set_http_parameters(self.http_parameters.as_ref().map(|http| {
                SdkHttp::builder()
                    .set_path_parameter_values(list(&http.path_parameter_values))
                    .set_header_parameters(map(&http.header_parameters))
                    .set_query_string_parameters(map(&http.query_string_parameters))
                    .build()
            }))
            .set_kinesis_parameters(
                self.kinesis_parameters
                    .as_ref()
                    .map(|stream| {
                        SdkKinesis::builder()
                            .partition_key_path(&stream.partition_key_path)
                            .build()
                            .map_err(invalid)
                    })
                    .transpose()?,
            )
            .set_redshift_data_parameters(
                self.redshift_data_parameters
                    .as_ref()
                    .map(|data| {
                        SdkRedshift::builder()
                            .database(&data.database)
                            .set_db_user(data.db_user.clone())
                            .set_secret_manager_arn(data.secret_manager_arn.clone())
                            .set_sql(data.sql.clone())
                            .set_sqls(list(&data.sqls))
                            .set_statement_name(data.statement_name.clone())
                            .with_event(data.with_event)
                            .build()
                            .map_err(invalid)
                    })
                    .transpose()?,
            )
            .set_sqs_parameters(
                self.sqs_parameters
                    .as_ref()
                    .map(|queue| SdkSqs::builder().message_group_id(&queue.message_group_id).build()),
            )
            .build()
            .map_err(invalid)
    }

    pub(super) fn from_sdk(target: &SdkTarget) -> Self {
        Self {
            id: target.id.clone(),
            arn: target.arn.clone(),
            role_arn: target.role_arn.clone(),
            // AWS accepts only JSON here.
            input: target.input().and_then(|text| Json::parse(text).ok()),
            input_path: target.input_path.clone(),
            input_transformer: target.input_transformer().map(|transformer| InputTransformer {
                input_paths_map: sorted(transformer.input_paths_map()),
                input_template: transformer.input_template.clone(),
            }),
            retry_policy: target.retry_policy().map(|retry| RetryPolicy {
                maximum_retry_attempts: retry.maximum_retry_attempts().unwrap_or_else(maximum_retry_attempts),
                maximum_event_age_in_seconds: retry
                    .maximum_event_age_in_seconds()
                    .unwrap_or_else(maximum_event_age),
            }),
            dead_letter_config: target
                .dead_letter_config()
                .and_then(|queue| Some(DeadLetter { arn: queue.arn()?.to_owned() })),
            ecs_parameters: target.ecs_parameters().map(EcsParameters::from_sdk),
            http_parameters: target.http_parameters().map(|http| HttpParameters {
                path_parameter_values: http.path_parameter_values().to_vec(),
                header_parameters: sorted(http.header_parameters()),
                query_string_parameters: sorted(http.query_string_parameters()),
            }),
            kinesis_parameters: target
                .kinesis_parameters()
                .map(|stream| KinesisParameters { partition_key_path: stream.partition_key_path.clone() }),
            redshift_data_parameters: target.redshift_data_parameters().map(|data| RedshiftDataParameters {
                database: data.database.clone(),
                db_user: data.db_user.clone(),
                secret_manager_arn: data.secret_manager_arn.clone(),
                sql: data.sql.clone(),
                sqls: data.sqls().to_vec(),
                statement_name: data.statement_name.clone(),
                with_event: data.with_event,
            }),
            sqs_parameters: target.sqs_parameters().and_then(|queue| {
                Some(SqsParameters { message_group_id: queue.message_group_id()?.to_owned() })
            }),
        }
    }
}

impl EcsParameters {
    fn to_sdk(&self) -> Result<SdkEcs> {
        let network = self
            .network_configuration
            .as_ref()
            .map(|network| {
                AwsVpcConfiguration::builder()
                    .set_subnets(Some(network.subnets.clone()))
                    .set_security_groups(list(&network.security_groups))
                    .assign_public_ip(AssignPublicIp::from(network.assign_public_ip.as_str()))
                    .build()
                    .map(|awsvpc| NetworkConfiguration::builder().awsvpc_configuration(awsvpc).build())
                    .map_err(invalid)
            })
            .transpose()?;
        let providers = self
            .capacity_provider_strategy
            .iter()
            .map(|one| {
                CapacityProviderStrategyItem::builder()
                    .capacity_provider(&one.capacity_provider)
                    .weight(one.weight)
                    .base(one.base)
                    .build()
                    .map_err(invalid)
            })
            .collect::<Result<Vec<_>>>()?;
        SdkEcs::builder()
            .set_capacity_provider_strategy((!providers.is_empty()).then_some(providers))
            .task_definition_arn(&self.task_definition_arn)
            .task_count(self.task_count)
            .set_launch_type(self.launch_type.as_deref().map(LaunchType::from))
            .set_network_configuration(network)
            .set_platform_version(self.platform_version.clone())
            .set_group(self.group.clone())
            .enable_ecs_managed_tags(self.enable_ecs_managed_tags)
            .enable_execute_command(self.enable_execute_command)
            .set_propagate_tags(self.propagate_tags.as_deref().map(PropagateTags::from))
            .build()
            .map_err(invalid)
    }

    fn from_sdk(task: &SdkEcs) -> Self {
        Self {
            task_definition_arn: task.task_definition_arn.clone(),
            task_count: task.task_count().unwrap_or_else(task_count),
            launch_type: task.launch_type().map(|kind| kind.as_str().to_owned()),
            capacity_provider_strategy: task
                .capacity_provider_strategy()
                .iter()
                .map(|one| CapacityProvider {
                    capacity_provider: one.capacity_provider.clone(),
                    weight: one.weight,
                    base: one.base,
                })
                .collect(),
            network_configuration: task
                .network_configuration()
                .and_then(|network| network.awsvpc_configuration())
                .map(|awsvpc| EcsNetwork {
                    subnets: awsvpc.subnets.clone(),
                    security_groups: awsvpc.security_groups().to_vec(),
                    assign_public_ip: awsvpc
                        .assign_public_ip()
                        .map_or_else(disabled, |assign| assign.as_str().to_owned()),
                }),
            platform_version: task.platform_version.clone(),
            group: task.group.clone(),
            enable_ecs_managed_tags: task.enable_ecs_managed_tags,
            enable_execute_command: task.enable_execute_command,
            propagate_tags: task.propagate_tags().map(|propagate| propagate.as_str().to_owned()),
        }
    }
}

/// The error for settings that the SDK refuses to build.
pub(super) fn invalid(error: impl std::fmt::Display) -> Error {
    Error::finding(Class::Invalid, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::target_check::check_target;
    use super::Target;
    use crate::kind::Known;
    use crate::value::Value;
    use serde_json::json;

    fn messages(target: serde_json::Value) -> Vec<String> {
        let mut problems = Vec::new();
        check_target(Known(&Value::from_json(&target)), "targets.0", &mut problems);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn every_setting_survives_the_way_to_aws_and_back() {
        let target: Target = serde_json::from_value(json!({
            "id": "load", "arn": "arn:aws:ecs:us-east-1:111122223333:cluster/c", "role_arn": "r",
            "input_transformer": { "input_paths_map": { "a": "$.a" }, "input_template": "<a>" },
            "retry_policy": { "maximum_retry_attempts": 3 }, "dead_letter_config": { "arn": "q" },
            "ecs_parameters": { "task_definition_arn": "t",
                "capacity_provider_strategy": [{ "capacity_provider": "FARGATE_SPOT", "weight": 3, "base": 1 }],
                "network_configuration": { "subnets": ["s"], "security_groups": ["g"] } },
            "http_parameters": { "header_parameters": { "a": "b" } },
            "kinesis_parameters": { "partition_key_path": "$.id" },
            "redshift_data_parameters": { "database": "dev", "sqls": ["a", "b"], "with_event": true },
            "sqs_parameters": { "message_group_id": "m" }
        }))
        .expect("a target");
        assert_eq!(Target::from_sdk(&target.to_sdk().expect("AWS's form")), target);
    }

    #[test]
    fn targets_are_checked() {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:f";
        assert_eq!(
            messages(json!({ "id": "a", "arn": arn, "input_transformer": {
            "input_paths_map": { "id": "$.detail.id" }, "input_template": "{\"id\": <id>, \"at\": <aws.events.event.ingestion-time>}" } })),
            [""; 0]
        );
        for (target, why) in [
            (json!({ "arn": arn, "input": {}, "input_path": "$" }), "only one of"),
            (json!({ "arn": arn, "input_path": "detail" }), "begins with `$`"),
            (
                json!({ "arn": "arn:aws:ecs:us-east-1:111122223333:cluster/c", "role_arn": "r", "ecs_parameters": { "task_definition_arn": "t",
                    "launch_type": "FARGATE", "capacity_provider_strategy": [{ "capacity_provider": "FARGATE_SPOT" }] } }),
                "either a launch type or capacity providers",
            ),
            (json!({ "arn": arn, "sqs_parameters": { "message_group_id": "a" } }), "not of lambda"),
            (json!({ "arn": "arn:aws:states:us-east-1:111122223333:stateMachine:m" }), "your role"),
            (json!({ "arn": arn, "input_transformer": { "input_template": "<id>" } }), "not named"),
        ] {
            let found = messages(target.clone());
            assert!(found.len() == 1 && found[0].contains(why), "{target}: {found:?}");
        }
    }
}
