//! `sns_topic`.

use std::collections::BTreeMap;

use super::shared::{self, Attributes, check_retries, json};
use crate::kind::prelude::*;

/// An Amazon SNS topic: what publishers send to and subscriptions receive from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the topic; a FIFO topic's ends in `.fifo`.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 256), regex(pattern = r"^[A-Za-z0-9_-]+(\.fifo)?$"))]
    pub name: String,
    /// Sender name shown in SMS and email messages.
    #[schemars(length(max = 100))]
    pub display_name: Option<String>,
    /// Who may publish and subscribe. Absent or removed: what AWS grants the topic's owner.
    #[schemars(extend("x-dwctl" = [crate::kind::mark::AWS_DEFAULT], "x-dwctl-restored" = default_policy()))]
    pub policy: Option<PolicyDocument>,
    /// KMS key that encrypts messages at rest: id, ARN or alias. Absent: not encrypted with KMS.
    #[schemars(extend("x-dwctl-spelling" = "kms-key"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted"]))]
    #[schemars(extend("x-dwctl-names" = "kms-key"))]
    pub kms_master_key_id: Option<String>,
    /// How deliveries to HTTP endpoints are retried.
    pub delivery_policy: Option<Json>,
    /// Strict order and exactly-once delivery within a message group.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub fifo_topic: bool,
    /// Take a message's body as its deduplication id. FIFO topics only.
    #[serde(default)]
    #[schemars(extend("x-dwctl-only-if" = "fifo_topic = true"))]
    pub content_based_deduplication: bool,
    /// Whether deduplication and throughput count per topic or per message group. FIFO topics only.
    #[schemars(extend("x-dwctl" = [crate::kind::mark::AWS_DEFAULT], "enum" = ["Topic", "MessageGroup"]))]
    #[schemars(extend("x-dwctl-only-if" = "fifo_topic = true"))]
    pub fifo_throughput_scope: Option<String>,
    /// How long messages are kept for replay, as AWS's `ArchivePolicy` document. FIFO topics only.
    #[schemars(extend("x-dwctl-risk" = ["data-loss when gone: the archive of its messages is deleted", "data-loss when [MessageRetentionPeriod] less: archived messages are kept {after} days instead of {before}", "data-loss when destroyed: the archive of its messages is deleted"]))]
    #[schemars(extend("x-dwctl-only-if" = "fifo_topic = true"))]
    pub archive_policy: Option<Json>,
    /// Hash of message signatures: `"1"` is SHA-1, `"2"` is SHA-256.
    #[serde(default = "signature_version")]
    #[schemars(extend("enum" = ["1", "2"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when lower 2 > 1: messages are signed by SHA-1"]))]
    pub signature_version: String,
    /// Largest message in bytes. Above 262144 (256 KiB) a topic has at most 100 subscriptions, all of them
    /// of SQS, Firehose or Lambda.
    #[serde(default = "maximum_message_size")]
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub maximum_message_size: u32,
    /// AWS X-Ray tracing: `Active` sends traces of what is published. Standard topics only.
    #[serde(default = "tracing_config")]
    #[schemars(extend("enum" = ["PassThrough", "Active"]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when to PassThrough: no longer traced"]))]
    #[schemars(extend("x-dwctl-only-if" = "fifo_topic = false"))]
    pub tracing_config: String,
    /// What may not be in messages, as AWS's data protection policy document. Standard topics only.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: sensitive data is no longer masked", "protection when [Statement] loses: less sensitive data is found or masked"]))]
    #[schemars(extend("x-dwctl-only-if" = "fifo_topic = false"))]
    pub data_protection_policy: Option<Json>,
    /// Log of deliveries by protocol: `application`, `firehose`, `http`, `lambda` or `sqs`.
    #[serde(default)]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: deliveries of {before} are no longer logged"]))]
    pub delivery_status_logging: BTreeMap<String, DeliveryStatusLogging>,
}

/// Where the deliveries of one protocol are logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryStatusLogging {
    /// Role by which SNS logs successful deliveries.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: successful deliveries are no longer logged"]))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub success_feedback_role_arn: Option<String>,
    /// Share of successful deliveries to log, in percent.
    #[schemars(extend("x-dwctl" = [crate::kind::mark::AWS_DEFAULT]), range(min = 0, max = 100))]
    pub success_feedback_sample_rate: Option<u8>,
    /// Role by which SNS logs failed deliveries.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: failed deliveries are no longer logged"]))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub failure_feedback_role_arn: Option<String>,
}

/// The policy that AWS gives to a topic created without one: its owner may do everything
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html>).
fn default_policy() -> serde_json::Value {
    serde_json::json!({ "value": {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission",
                "SNS:RemovePermission", "SNS:DeleteTopic", "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Resource": "arn:{partition}:sns:{region}:{account_id}:{name}",
            "Condition": { "StringEquals": { "AWS:SourceOwner": "{account_id}" } },
        }],
    } })
}

defaults! {
    signature_version: String = "1";
    maximum_message_size: u32 = 262_144_u32;
    tracing_config: String = "PassThrough";
}

/// What AWS decides about a topic.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the topic.
    pub arn: String,
    /// Account that owns the topic.
    pub owner: String,
}

/// In Terraform, delivery logging has separate attributes for each protocol.
fn arrange(topic: &mut Block) -> Vec<TerraformPart> {
    if let Value::Map(protocols) = take(topic, "delivery_status_logging") {
        for (protocol, settings) in protocols {
            let Value::List(blocks) = settings else { continue };
            let settings = blocks.into_iter().filter_map(|one| match one {
                Value::Map(map) => Some(map),
                _ => None,
            });
            for (name, value) in settings.flatten() {
                topic.insert(format!("{protocol}_{name}"), value);
            }
        }
    }
    Vec::new()
}

/// The kind `sns_topic`.
pub struct SnsTopic;

/// Actions that a topic policy may name; SNS refuses others as "out of service scope"
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html>).
const ACTIONS: &str = "Publish Subscribe AddPermission ConfirmSubscription DeleteTopic GetDataProtectionPolicy \
    GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource \
    PutDataProtectionPolicy Receive RemovePermission SetTopicAttributes TagResource UntagResource";

/// Messages can be archived for 1 to 365 days
/// (<https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html>).
fn check_archive(policy: &Value) -> Vec<Problem> {
    let path = "archive_policy.MessageRetentionPeriod";
    let days = match policy.get("MessageRetentionPeriod") {
        Some(Value::Number(days)) => days.as_i64(),
        Some(Value::String(days)) => days.parse().ok(),
        Some(_) => return Vec::new(),
        None if matches!(policy, Value::Map(map) if !map.is_empty()) => None,
        None => return Vec::new(),
    };
    if days.is_some_and(|days| (1..=365).contains(&days)) {
        return Vec::new();
    }
    vec![
        Problem::new(path, "messages are kept 1 to 365 days")
            .help("such as `MessageRetentionPeriod = \"30\"`"),
    ]
}

/// The protocols with delivery status: the stack's name and the prefix of AWS's attributes.
const PROTOCOLS: [(&str, &str); 5] = [
    ("application", "Application"),
    ("firehose", "Firehose"),
    ("http", "HTTP"),
    ("lambda", "Lambda"),
    ("sqs", "SQS"),
];

impl Kind for SnsTopic {
    const CFN: Option<&'static str> = Some("AWS::SNS::Topic");
    const TERRAFORM: Terraform = Terraform::of("aws_sns_topic", &[]).arranged(arrange).called_by_arn();
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "notification"),
        ("policy", "aws_sns_topic_policy"),
        ("policy", "AWS::SNS::TopicPolicy"),
        ("data_protection_policy", "aws_sns_topic_data_protection_policy"),
        ("name", "TopicName"),
        (
            "delivery_status_logging.application.success_feedback_role_arn",
            "application_success_feedback_role_arn",
        ),
        (
            "delivery_status_logging.application.success_feedback_sample_rate",
            "application_success_feedback_sample_rate",
        ),
        (
            "delivery_status_logging.application.failure_feedback_role_arn",
            "application_failure_feedback_role_arn",
        ),
        ("delivery_status_logging.firehose.success_feedback_role_arn", "firehose_success_feedback_role_arn"),
        (
            "delivery_status_logging.firehose.success_feedback_sample_rate",
            "firehose_success_feedback_sample_rate",
        ),
        ("delivery_status_logging.firehose.failure_feedback_role_arn", "firehose_failure_feedback_role_arn"),
        ("delivery_status_logging.http.success_feedback_role_arn", "http_success_feedback_role_arn"),
        ("delivery_status_logging.http.success_feedback_sample_rate", "http_success_feedback_sample_rate"),
        ("delivery_status_logging.http.failure_feedback_role_arn", "http_failure_feedback_role_arn"),
        ("delivery_status_logging.lambda.success_feedback_role_arn", "lambda_success_feedback_role_arn"),
        (
            "delivery_status_logging.lambda.success_feedback_sample_rate",
            "lambda_success_feedback_sample_rate",
        ),
        ("delivery_status_logging.lambda.failure_feedback_role_arn", "lambda_failure_feedback_role_arn"),
        ("delivery_status_logging.sqs.success_feedback_role_arn", "sqs_success_feedback_role_arn"),
        ("delivery_status_logging.sqs.success_feedback_sample_rate", "sqs_success_feedback_sample_rate"),
        ("delivery_status_logging.sqs.failure_feedback_role_arn", "sqs_failure_feedback_role_arn"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:GetDataProtectionPolicy"],
        create: &["sns:CreateTopic", "sns:TagResource"],
        update: &[
            "sns:SetTopicAttributes",
            "sns:PutDataProtectionPolicy",
            "sns:TagResource",
            "sns:UntagResource",
            // For the roles that log deliveries.
            "iam:PassRole",
        ],
        delete: &["sns:DeleteTopic"],
    };
    // `CreateTopic` returns an existing topic of the same name
    // (<https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>).
    const CREATE_OVERWRITES: bool = true;
    const DEFERRABLE: &'static [&'static str] = &["policy"];
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        Identity::named(spec.text("name").map(|name| scope.arn("sns", name)))
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("name").map(|name| scope.arn("sns", name)))
            .with("owner", &*scope.account_id)
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(policy) = spec.get("policy") {
            problems.extend(check_policy(policy, "policy", PolicyUse::Resource));
            problems.extend(check_statements(policy, "policy", |statements| {
                check_actions(statements, "sns", "a topic", ACTIONS)
            }));
        }
        if let Some(policy) = spec.get("delivery_policy") {
            problems.extend(in_document(policy, "delivery_policy", |policy| {
                let path = "delivery_policy.http.defaultHealthyRetryPolicy";
                check_retries(Known(policy).get("http.defaultHealthyRetryPolicy"), path)
            }));
        }
        if let Some(policy) = spec.get("archive_policy") {
            problems.extend(in_document(policy, "archive_policy", check_archive));
        }
        let fifo = spec.flag("fifo_topic").unwrap_or(false);
        if let Some(name) = spec.text("name")
            && name.ends_with(".fifo") != fifo
        {
            let help =
                if fifo { "end the name in `.fifo`" } else { "set `fifo_topic = true`, or remove `.fifo`" };
            problems.push(Problem::new("name", "only the name of a FIFO topic ends in `.fifo`").help(help));
        }
        if let Some(crate::value::Value::Map(logging)) = spec.get("delivery_status_logging") {
            for protocol in logging.keys().filter(|name| !PROTOCOLS.iter().any(|(known, _)| known == name)) {
                problems.push(
                    Problem::new(
                        format!("delivery_status_logging.{protocol}"),
                        format!("no protocol `{protocol}`"),
                    )
                    .help("one of application, firehose, http, lambda, sqs"),
                );
            }
        }
        problems
    }

    fn id_of_arn(arn: &str) -> Option<String> {
        Some(arn.to_owned())
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<String> {
        let mut request = cx.aws.sns().create_topic().name(&want.name).set_tags(sdk_tags(new.tags)?);
        for (name, value) in attributes(want) {
            // A new topic already has these defaults.
            let is_default = matches!(
                (name.as_str(), value.as_str()),
                ("SignatureVersion", "1")
                    | ("TracingConfig", "PassThrough")
                    | ("MaximumMessageSize", "262144")
            );
            if !value.is_empty() && !is_default {
                request = request.attributes(name, value);
            }
        }
        if let Some(policy) = &want.data_protection_policy {
            request = request.data_protection_policy(policy.to_text());
        }
        let created = request.send().await?;
        Ok(created.topic_arn().unwrap_or_default().to_owned())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let before = attributes(live);
        for (name, value) in attributes(want) {
            if before.get(&name) != Some(&value) {
                cx.aws
                    .sns()
                    .set_topic_attributes()
                    .topic_arn(id)
                    .attribute_name(name)
                    .attribute_value(value)
                    .send()
                    .await?;
            }
        }
        if live.data_protection_policy != want.data_protection_policy {
            let policy = want.data_protection_policy.as_ref().map(Json::to_text).unwrap_or_default();
            cx.aws
                .sns()
                .put_data_protection_policy()
                .resource_arn(id)
                .data_protection_policy(policy)
                .send()
                .await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<()> {
        cx.aws.sns().delete_topic().topic_arn(id).send().await.or_gone()?;
        Ok(())
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, id, set, remove).await
    }
}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<SnsTopic>>> {
    let sns = cx.aws.sns();
    let (topic, tags) = futures_util::future::join(
        sns.get_topic_attributes().topic_arn(lookup.id).send(),
        shared::tags(cx, &lookup, lookup.id),
    )
    .await;
    let Some(topic) = topic.or_gone()? else { return Ok(None) };
    let Some(tags) = tags? else { return Ok(None) };
    let data_protection_policy = if lookup.wants("data_protection_policy") {
        sns.get_data_protection_policy().resource_arn(lookup.id).send().await.or_gone()?.and_then(|answer| {
            answer.data_protection_policy().filter(|text| !text.is_empty()).map(str::to_owned)
        })
    } else {
        None
    };
    let attributes = Attributes(topic.attributes());
    let text = |name: &str| attributes.text(name);
    let delivery_status_logging = PROTOCOLS
        .into_iter()
        .filter_map(|(protocol, prefix)| {
            let logging = DeliveryStatusLogging {
                success_feedback_role_arn: text(&format!("{prefix}SuccessFeedbackRoleArn")),
                success_feedback_sample_rate: text(&format!("{prefix}SuccessFeedbackSampleRate"))
                    .and_then(|rate| rate.parse().ok()),
                failure_feedback_role_arn: text(&format!("{prefix}FailureFeedbackRoleArn")),
            };
            (logging.success_feedback_role_arn.is_some() || logging.failure_feedback_role_arn.is_some())
                .then(|| (protocol.to_owned(), logging))
        })
        .collect();
    let spec = Spec {
        name: lookup.id.rsplit(':').next().unwrap_or_default().to_owned(),
        display_name: text("DisplayName"),
        policy: Read::read(text("Policy").as_deref())?,
        kms_master_key_id: text("KmsMasterKeyId"),
        delivery_policy: attributes.json("DeliveryPolicy")?,
        fifo_topic: attributes.is_true("FifoTopic"),
        content_based_deduplication: attributes.is_true("ContentBasedDeduplication"),
        fifo_throughput_scope: text("FifoThroughputScope"),
        archive_policy: attributes.json("ArchivePolicy")?,
        signature_version: text("SignatureVersion").unwrap_or_else(signature_version),
        // AWS returns it only if it was set.
        maximum_message_size: text("MaximumMessageSize")
            .and_then(|size| size.parse().ok())
            .unwrap_or_else(maximum_message_size),
        tracing_config: text("TracingConfig").unwrap_or_else(tracing_config),
        data_protection_policy: json(data_protection_policy)?,
        delivery_status_logging,
    };
    let attrs = Attrs { arn: lookup.id.to_owned(), owner: text("Owner").unwrap_or_default() };
    Ok(Some(Live::ready(spec, attrs, tags)))
}

/// The attributes for `SetTopicAttributes`, where an empty value unsets
/// (<https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>).
fn attributes(spec: &Spec) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::from([
        ("DisplayName".to_owned(), spec.display_name.clone().unwrap_or_default()),
        ("KmsMasterKeyId".to_owned(), spec.kms_master_key_id.clone().unwrap_or_default()),
        ("DeliveryPolicy".to_owned(), spec.delivery_policy.as_ref().map(Json::to_text).unwrap_or_default()),
        ("SignatureVersion".to_owned(), spec.signature_version.clone()),
        ("TracingConfig".to_owned(), spec.tracing_config.clone()),
        ("MaximumMessageSize".to_owned(), spec.maximum_message_size.to_string()),
    ]);
    if let Some(policy) = &spec.policy {
        attributes.insert("Policy".to_owned(), policy.to_text());
    }
    if spec.fifo_topic {
        attributes.insert("FifoTopic".to_owned(), "true".to_owned());
        attributes
            .insert("ContentBasedDeduplication".to_owned(), spec.content_based_deduplication.to_string());
        attributes.insert(
            "ArchivePolicy".to_owned(),
            spec.archive_policy.as_ref().map_or("{}".to_owned(), Json::to_text),
        );
        if let Some(scope) = &spec.fifo_throughput_scope {
            attributes.insert("FifoThroughputScope".to_owned(), scope.clone());
        }
    }
    for (protocol, prefix) in PROTOCOLS {
        let logging = spec.delivery_status_logging.get(protocol);
        let role = |role: Option<&String>| role.cloned().unwrap_or_default();
        attributes.insert(
            format!("{prefix}SuccessFeedbackRoleArn"),
            role(logging.and_then(|logging| logging.success_feedback_role_arn.as_ref())),
        );
        attributes.insert(
            format!("{prefix}FailureFeedbackRoleArn"),
            role(logging.and_then(|logging| logging.failure_feedback_role_arn.as_ref())),
        );
        if let Some(rate) = logging.and_then(|logging| logging.success_feedback_sample_rate) {
            attributes.insert(format!("{prefix}SuccessFeedbackSampleRate"), rate.to_string());
        }
    }
    attributes
}
