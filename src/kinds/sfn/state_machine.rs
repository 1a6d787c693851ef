//! `sfn_state_machine`.

use aws_sdk_sfn::types::{
    CloudWatchLogsLogGroup, EncryptionConfiguration, EncryptionType, LogDestination, LogLevel,
    LoggingConfiguration, StateMachineStatus, StateMachineType, TracingConfiguration,
};

use super::doubled::doubled;
use super::states_language;
use crate::kind::prelude::*;

/// An AWS Step Functions state machine: the steps of a pipeline, in the Amazon States Language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the state machine; letters, digits, `-` and `_` if it is to log.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 80), regex(pattern = r##"^[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]+$"##))]
    pub name: String,
    /// ARN of the role by which the states call other services.
    #[schemars(length(min = 1, max = 256))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub role_arn: String,
    /// The steps in the Amazon States Language: a table, JSON text, or `file("load.asl.json")`.
    #[schemars(extend("x-dwctl-document" = "states-language"))]
    pub definition: Json,
    /// `STANDARD` runs up to a year and exactly once; `EXPRESS` runs up to five minutes, many a second.
    #[serde(default = "standard")]
    #[schemars(extend("x-dwctl" = [REPLACE], "enum" = ["STANDARD", "EXPRESS"]))]
    pub r#type: String,
    /// Log of what executions do. Absent: none.
    #[schemars(extend("x-dwctl" = [DEFAULT_IS_ABSENT], "x-dwctl-risk" = ["protection when gone: executions are no longer logged"]))]
    pub logging_configuration: Option<Logging>,
    /// AWS X-Ray tracing. Absent: off.
    #[schemars(extend("x-dwctl" = [DEFAULT_IS_ABSENT], "x-dwctl-risk" = ["protection when gone: executions are no longer traced"]))]
    pub tracing_configuration: Option<Tracing>,
    /// Key that encrypts the definition and the data of executions. Absent: a key of AWS's own.
    #[schemars(extend("x-dwctl-absent" = { "type": "AWS_OWNED_KEY" }))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted with a key of the account", "protection when [type] lower CUSTOMER_MANAGED_KMS_KEY > AWS_OWNED_KEY: no longer encrypted with a key of the account"]))]
    pub encryption_configuration: Option<Encryption>,
}

/// Log of what executions do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Logging {
    /// Which events are logged.
    #[serde(default = "off")]
    #[schemars(extend("enum" = ["ALL", "ERROR", "FATAL", "OFF"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower ALL > ERROR > FATAL > OFF: logged at the level {after} instead of {before}"]))]
    pub level: String,
    /// Log the states' input and output too.
    #[serde(default)]
    pub include_execution_data: bool,
    /// ARN of the CloudWatch log group, with or without `:*` at its end.
    #[schemars(extend("x-dwctl-spelling" = "log-group"), length(min = 1, max = 256))]
    #[schemars(extend("x-dwctl-names" = "log-group"))]
    pub log_group_arn: Option<String>,
}

/// AWS X-Ray tracing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tracing {
    /// Whether executions are traced.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when off: executions are no longer traced"]))]
    pub enabled: bool,
}

/// Key that encrypts the definition and the data of executions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Encryption {
    /// Whose key it is.
    #[schemars(extend("enum" = ["CUSTOMER_MANAGED_KMS_KEY", "AWS_OWNED_KEY"]))]
    pub r#type: String,
    /// KMS key, by id or ARN; for `CUSTOMER_MANAGED_KMS_KEY`.
    #[schemars(extend("x-dwctl-spelling" = "kms-key"), length(min = 1, max = 2048))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    #[schemars(extend("x-dwctl-only-if" = "type = CUSTOMER_MANAGED_KMS_KEY"))]
    pub kms_key_id: Option<String>,
    /// Seconds for which a data key is used again before KMS is asked for another. Default: 300.
    // <https://docs.aws.amazon.com/step-functions/latest/apireference/API_EncryptionConfiguration.html>
    #[schemars(extend("x-dwctl" = [AWS_DEFAULT], "x-dwctl-restored" = { "value": 300, "with": "kms_key_id" }), range(min = 60, max = 900))]
    #[schemars(extend("x-dwctl-only-if" = "type = CUSTOMER_MANAGED_KMS_KEY"))]
    pub kms_data_key_reuse_period_seconds: Option<i32>,
}

defaults! {
    standard: String = "STANDARD";
    off: String = "OFF";
}

/// The attributes of a state machine that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the state machine.
    pub arn: String,
}

tag_type!(aws_sdk_sfn::types::Tag);
tagging!(sfn(resource_arn): tag_resource.set_tags, untag_resource.set_tag_keys, list_tags_for_resource.tags);

/// The kind `sfn_state_machine`. Its id is the ARN.
pub struct SfnStateMachine;

const OWN_KEY: &str = "CUSTOMER_MANAGED_KMS_KEY";

/// Maximum length of a definition.
const LONGEST: usize = 1_048_576;

impl Kind for SfnStateMachine {
    const CFN: Option<&'static str> = Some("AWS::StepFunctions::StateMachine");
    const TERRAFORM: Terraform =
        Terraform::of("aws_sfn_state_machine", &[("logging_configuration.log_group_arn", "log_destination")])
            .called_by_arn();
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "step_function"),
        ("", "stepfunctions"),
        ("", "orchestration"),
        ("name", "StateMachineName"),
        ("definition", "DefinitionString"),
        ("definition", "asl"),
        ("logging_configuration.log_group_arn", "Destinations"),
        ("type", "StateMachineType"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["states:DescribeStateMachine", "states:ListTagsForResource"],
        create: &["states:CreateStateMachine", "states:TagResource", "iam:PassRole"],
        update: &["states:UpdateStateMachine", "states:TagResource", "states:UntagResource", "iam:PassRole"],
        delete: &["states:DeleteStateMachine"],
    };
    const TAG_RULES: TagRules = TagRules::PLAIN;
    // `CreateStateMachine` is idempotent: it returns an identical machine of the same name, and then ignores
    // a different role or tags
    // (<https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html>).
    const ON_EXISTING: OnExisting = OnExisting::Returns;
    const LINKS: &'static [Link] = &[
        Link::to("role_arn", "iam_role"),
        Link::to("logging_configuration.log_group_arn", "cloudwatchlogs_log_group"),
    ];
    const TAGS_APART: bool = true;
    // A deleted machine remains until its executions have ended.
    const PACE: Pace = Pace { create_seconds: 3, delete_seconds: 30, deadline_seconds: 600 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        Identity::named(spec.text("name").map(|name| arn(scope, name)))
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("name").map(|name| arn(scope, name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let express = spec.text("type") == Some("EXPRESS");
        let mut problems = match spec.get("definition") {
            // The schema reports text that is not JSON.
            Some(Value::String(text)) if doubled(text).is_some() => {
                let member = doubled(text).unwrap_or_default();
                vec![
                    Problem::new("definition", format!("the definition has `{member}` twice"))
                        .help("keep one of the two"),
                ]
            }
            Some(definition) => in_document(definition, "definition", |definition| {
                states_language::check(definition, express)
            }),
            None => Vec::new(),
        };
        if let Some(Ok(json)) = spec.get("definition").map(Value::to_json)
            && json.to_string().len() > LONGEST
        {
            problems
                .push(Problem::new("definition", format!("the definition is longer than {LONGEST} bytes")));
        }
        let logging = |field: &str| format!("logging_configuration.{field}");
        if spec.text(&logging("level")).is_some_and(|level| level != "OFF")
            && !spec.may_be_set(&logging("log_group_arn"))
        {
            problems.push(
                Problem::new("logging_configuration", "a log needs a log group")
                    .help("set `log_group_arn = \"${cloudwatchlogs_log_group.NAME.arn}\"`"),
            );
        }
        if let Some(arn) = spec.text(&logging("log_group_arn"))
            && !arn.contains(":log-group:")
        {
            problems.push(Problem::new(
                logging("log_group_arn"),
                format!("`{arn}` is not the ARN of a log group"),
            ));
        }
        let key = "encryption_configuration.kms_key_id";
        match spec.text("encryption_configuration.type") {
            Some(OWN_KEY) if !spec.may_be_set(key) => {
                problems.push(
                    Problem::new("encryption_configuration", "your own key must be named")
                        .help("set `kms_key_id`"),
                );
            }
            _ => {}
        }
        if spec.text(key).is_some_and(|key| key.starts_with("alias/") || key.contains(":alias/")) {
            problems.push(
                Problem::new(key, "an alias cannot be compared with the key that AWS returns")
                    .help("give the key's ARN or id, such as `${kms_key.NAME.arn}`"),
            );
        }
        problems
    }

    fn id_of_arn(arn: &str) -> Option<String> {
        Some(arn.to_owned())
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let created = cx
            .aws
            .sfn()
            .create_state_machine()
            .name(&want.name)
            .role_arn(&want.role_arn)
            .definition(want.definition.to_text())
            .r#type(StateMachineType::from(want.r#type.as_str()))
            .set_logging_configuration(want.logging_configuration.as_ref().map(to_logging))
            .set_tracing_configuration(want.tracing_configuration.as_ref().map(to_tracing))
            .set_encryption_configuration(
                want.encryption_configuration.as_ref().map(to_encryption).transpose()?,
            )
            .set_tags(sdk_tags(new.tags)?)
            .send()
            .await?;
        Ok(created.state_machine_arn.into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let nothing = cx.aws.sfn().update_state_machine().state_machine_arn(id);
        let mut request = nothing.clone();
        if live.definition != want.definition {
            request = request.definition(want.definition.to_text());
        }
        if live.role_arn != want.role_arn {
            request = request.role_arn(&want.role_arn);
        }
        // Settings left out of the call stay unchanged, so "off" must be sent.
        if live.logging_configuration != want.logging_configuration {
            let off = Logging { level: off(), include_execution_data: false, log_group_arn: None };
            request = request
                .logging_configuration(to_logging(want.logging_configuration.as_ref().unwrap_or(&off)));
        }
        if live.tracing_configuration != want.tracing_configuration {
            let off = Tracing { enabled: false };
            request = request
                .tracing_configuration(to_tracing(want.tracing_configuration.as_ref().unwrap_or(&off)));
        }
        if live.encryption_configuration != want.encryption_configuration {
            let aws = Encryption {
                r#type: "AWS_OWNED_KEY".to_owned(),
                kms_key_id: None,
                kms_data_key_reuse_period_seconds: None,
            };
            request = request.encryption_configuration(to_encryption(
                want.encryption_configuration.as_ref().unwrap_or(&aws),
            )?);
        }
        if request.as_input() != nothing.as_input() {
            request.send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.sfn().delete_state_machine().state_machine_arn(id).send().await.or_gone()?;
        Ok(Deletion::Begun)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

fn arn(scope: &Scope, name: &str) -> String {
    scope.arn("states", format_args!("stateMachine:{name}"))
}

fn to_logging(logging: &Logging) -> LoggingConfiguration {
    // AWS only accepts the ARN with `:*` at its end
    // (https://docs.aws.amazon.com/step-functions/latest/apireference/API_CloudWatchLogsLogGroup.html).
    let destination = logging.log_group_arn.as_ref().map(|arn| {
        let arn = if arn.ends_with(":*") { arn.clone() } else { format!("{arn}:*") };
        let group = CloudWatchLogsLogGroup::builder().log_group_arn(arn).build();
        vec![LogDestination::builder().cloud_watch_logs_log_group(group).build()]
    });
    LoggingConfiguration::builder()
        .level(LogLevel::from(logging.level.as_str()))
        .include_execution_data(logging.include_execution_data)
        .set_destinations(destination)
        .build()
}

fn to_tracing(tracing: &Tracing) -> TracingConfiguration {
    TracingConfiguration::builder().enabled(tracing.enabled).build()
}

fn to_encryption(encryption: &Encryption) -> Result<EncryptionConfiguration> {
    EncryptionConfiguration::builder()
        .r#type(EncryptionType::from(encryption.r#type.as_str()))
        .set_kms_key_id(encryption.kms_key_id.clone())
        .set_kms_data_key_reuse_period_seconds(encryption.kms_data_key_reuse_period_seconds)
        .build()
        .built()
}

/// Reads one machine, since Step Functions has no batch read, and no read that returns tags.
async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<SfnStateMachine>>> {
    let sfn = cx.aws.sfn();
    let machine = async { sfn.describe_state_machine().state_machine_arn(lookup.id).send().await.or_gone() };
    // A machine that is being deleted has no tags any more.
    let tags = async { Ok(Some(tags(cx, &lookup, lookup.id).await?.unwrap_or_default())) };
    let Some((machine, tags)) = lookup.both(machine, tags).await? else { return Ok(None) };
    let spec = Spec {
        name: machine.name.clone(),
        role_arn: machine.role_arn.clone(),
        definition: Json::read(machine.definition())?,
        r#type: machine.r#type.as_str().to_owned(),
        logging_configuration: machine.logging_configuration().map(logging),
        tracing_configuration: machine
            .tracing_configuration()
            .map(|tracing| Tracing { enabled: tracing.enabled }),
        encryption_configuration: machine.encryption_configuration().map(encryption),
    };
    // The name stays taken until the machine is gone.
    let state = match machine.status() {
        Some(StateMachineStatus::Deleting) => State::Leaving("deleting".to_owned()),
        _ => State::Ready,
    };
    let incarnation = Some(machine.creation_date.to_string());
    let live = Live::ready(spec, Attrs { arn: lookup.id.to_owned() }, tags).with_incarnation(incarnation);
    Ok(Some(Live { state, ..live }))
}

fn logging(logging: &LoggingConfiguration) -> Logging {
    Logging {
        level: logging.level().map_or_else(off, |level| level.as_str().to_owned()),
        include_execution_data: logging.include_execution_data,
        log_group_arn: logging
            .destinations()
            .iter()
            .find_map(|destination| destination.cloud_watch_logs_log_group()?.log_group_arn())
            .map(str::to_owned),
    }
}

fn encryption(encryption: &EncryptionConfiguration) -> Encryption {
    let own = encryption.r#type.as_str() == OWN_KEY;
    Encryption {
        r#type: encryption.r#type.as_str().to_owned(),
        kms_key_id: encryption.kms_key_id().map(str::to_owned),
        kms_data_key_reuse_period_seconds: encryption.kms_data_key_reuse_period_seconds().filter(|_| own),
    }
}
