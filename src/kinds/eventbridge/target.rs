//! Targets of an `eventbridge_rule`.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types;

use crate::kind::prelude::*;

/// Where a rule sends its events, and in which form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-at-most-one" = [["input", "input_path", "input_transformer"]]))]
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
    /// Maximum number of attempts after the first.
    #[serde(default = "maximum_retry_attempts")]
    #[schemars(range(min = 0, max = 185))]
    pub maximum_retry_attempts: i32,
    /// Maximum age of an event that is still retried, in seconds.
    #[serde(default = "maximum_event_age")]
    #[schemars(range(min = 60, max = 86400))]
    pub maximum_event_age_in_seconds: i32,
}

defaults! {
    maximum_retry_attempts: i32 = 185;
    maximum_event_age: i32 = 86400;
    task_count: i32 = 1;
    disabled: String = "DISABLED";
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
#[schemars(extend("x-dwctl-at-most-one" = [["launch_type", "capacity_provider_strategy"]]))]
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
#[schemars(extend("x-dwctl-one-of" = [["sql", "sqls"]]))]
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

fn has_queue(dead: &DeadLetter) -> bool {
    !dead.arn.is_empty()
}

fn has_group(queue: &SqsParameters) -> bool {
    !queue.message_group_id.is_empty()
}

fn has_subnets(network: &EcsNetwork) -> bool {
    !network.subnets.is_empty()
}

table! {
    Target = types::Target {
        id, arn, role_arn, input, input_path, input_transformer, retry_policy,
        dead_letter_config if has_queue, ecs_parameters, http_parameters,
        kinesis_parameters, redshift_data_parameters,
        sqs_parameters if has_group,
    }
    InputTransformer = types::InputTransformer { input_paths_map, input_template }
    RetryPolicy = types::RetryPolicy {
        maximum_retry_attempts or maximum_retry_attempts,
        maximum_event_age_in_seconds or maximum_event_age,
    }
    DeadLetter = types::DeadLetterConfig { arn }
    EcsParameters = types::EcsParameters {
        task_definition_arn, task_count or task_count, launch_type, capacity_provider_strategy,
        network_configuration if has_subnets, platform_version, group,
        enable_ecs_managed_tags, enable_execute_command, propagate_tags,
    }
    CapacityProvider = types::CapacityProviderStrategyItem { capacity_provider, weight, base }
    EcsNetwork = types::AwsVpcConfiguration { security_groups, assign_public_ip or disabled; subnets }
    HttpParameters = types::HttpParameters {
        path_parameter_values, header_parameters, query_string_parameters,
    }
    KinesisParameters = types::KinesisParameters { partition_key_path }
    RedshiftDataParameters = types::RedshiftDataParameters {
        database, db_user, secret_manager_arn, sql, sqls, statement_name, with_event,
    }
    SqsParameters = types::SqsParameters { message_group_id }
}

/// AWS nests the settings of a task's network in a table of its own.
impl Table<types::NetworkConfiguration> for EcsNetwork {
    fn of(network: &types::NetworkConfiguration) -> Result<Self> {
        let none = || Self { subnets: Vec::new(), security_groups: Vec::new(), assign_public_ip: disabled() };
        network
            .awsvpc_configuration()
            .map_or_else(|| Ok(none()), <Self as Table<types::AwsVpcConfiguration>>::of)
    }

    fn to_sdk(&self) -> Result<types::NetworkConfiguration> {
        Ok(types::NetworkConfiguration::builder()
            .awsvpc_configuration(Table::<types::AwsVpcConfiguration>::to_sdk(self)?)
            .build())
    }
}

#[cfg(test)]
mod tests {
    use super::super::target_check::check_target;
    use super::Target;
    use crate::kind::Known;
    use crate::kind::sdk::Table;
    use crate::value::Value;
    use serde_json::json;

    fn messages(target: serde_json::Value) -> Vec<String> {
        let mut problems = Vec::new();
        check_target(Known(&Value::from_json(&target)), "targets.0", &mut problems);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn every_setting_survives_a_round_trip_to_the_sdk() {
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
        assert_eq!(Target::of(&target.to_sdk().expect("AWS's form")).expect("a target"), target);
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
            (json!({ "arn": arn, "input_path": "detail" }), "begins with `$`"),
            (json!({ "arn": arn, "sqs_parameters": { "message_group_id": "a" } }), "not of lambda"),
            (json!({ "arn": "arn:aws:states:us-east-1:111122223333:stateMachine:m" }), "your role"),
            (json!({ "arn": arn, "input_transformer": { "input_template": "<id>" } }), "not named"),
        ] {
            let found = messages(target.clone());
            assert!(found.len() == 1 && found[0].contains(why), "{target}: {found:?}");
        }
    }
}
