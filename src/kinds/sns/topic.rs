//! `sns_topic`.

use std::collections::BTreeMap;

use super::shared::{self, check_retries};
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// The attributes of a topic that AWS decides.
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

/// The names of a topic elsewhere. Terraform has the settings of delivery status once for each protocol.
macro_rules! also_called {
    ($($path:literal = $name:literal,)* delivery of $($protocol:literal)*) => {
        &[
            $(($path, $name),)*
            $(
                (
                    concat!("delivery_status_logging.", $protocol, ".success_feedback_role_arn"),
                    concat!($protocol, "_success_feedback_role_arn"),
                ),
                (
                    concat!("delivery_status_logging.", $protocol, ".success_feedback_sample_rate"),
                    concat!($protocol, "_success_feedback_sample_rate"),
                ),
                (
                    concat!("delivery_status_logging.", $protocol, ".failure_feedback_role_arn"),
                    concat!($protocol, "_failure_feedback_role_arn"),
                ),
            )*
        ]
    };
}

impl Kind for SnsTopic {
    const CFN: Option<&'static str> = Some("AWS::SNS::Topic");
    const TERRAFORM: Terraform = Terraform::of("aws_sns_topic", &[]).arranged(arrange).called_by_arn();
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = also_called! {
        "" = "notification",
        "policy" = "aws_sns_topic_policy",
        "policy" = "AWS::SNS::TopicPolicy",
        "data_protection_policy" = "aws_sns_topic_data_protection_policy",
        "name" = "TopicName",
        delivery of "application" "firehose" "http" "lambda" "sqs"
    };
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
    const ID: Option<&'static str> = Some("arn");
    const PREDICTED: &'static [(&'static str, &'static str)] =
        &[("arn", "arn:{partition}:sns:{region}:{account_id}:{name}"), ("owner", "{account_id}")];
    // `CreateTopic` returns an existing topic of the same name
    // (<https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>).
    const ON_EXISTING: OnExisting = OnExisting::Returns;
    const DEFERRABLE: &'static [&'static str] = &["policy"];
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = check_service_policy(spec, "policy", "sns");
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
        problems.extend(problems! {
            "name" if spec.text("name").is_some_and(|name| name.ends_with(".fifo") != fifo) =>
                "only the name of a FIFO topic ends in `.fifo`",
                if fifo { "end the name in `.fifo`" } else { "set `fifo_topic = true`, or remove `.fifo`" };
        });
        if let Some(Value::Map(logging)) = spec.get("delivery_status_logging") {
            for protocol in logging.keys().filter(|name| !PROTOCOLS.iter().any(|(known, _)| known == name)) {
                let path = format!("delivery_status_logging.{protocol}");
                let help = "one of application, firehose, http, lambda, sqs";
                problems.push(Problem::new(path, format!("no protocol `{protocol}`")).help(help));
            }
        }
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let mut given = attributes(want)?;
        // A new topic already has the defaults.
        let default: Spec = from_attributes(&Attributes::from([("Name".to_owned(), want.name.clone())]))?;
        let default = attributes(&default)?;
        given.retain(|name, value| !value.is_empty() && default.get(name) != Some(value));
        if want.fifo_topic {
            given.insert("FifoTopic".to_owned(), "true".to_owned());
        }
        let request = cx.aws.sns().create_topic().name(&want.name).set_tags(sdk_tags(new.tags)?);
        let request = request.set_attributes(Some(given.into_iter().collect()));
        let policy = want.data_protection_policy.as_ref().map(Json::to_text);
        let created = request.set_data_protection_policy(policy).send().await?;
        Ok(created.topic_arn().unwrap_or_default().to_owned().into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let sns = cx.aws.sns();
        let (before, mut after) = (attributes(live)?, attributes(want)?);
        after.retain(|name, value| before.get(name) != Some(value));
        for (name, value) in after {
            let request = sns.set_topic_attributes().topic_arn(id).attribute_name(name);
            request.attribute_value(value).send().await?;
        }
        if live.data_protection_policy != want.data_protection_policy {
            let policy = want.data_protection_policy.as_ref().map(Json::to_text).unwrap_or_default();
            let request = sns.put_data_protection_policy().resource_arn(id);
            request.data_protection_policy(policy).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        Ok(Deletion::of(cx.aws.sns().delete_topic().topic_arn(id).send().await.or_gone()?))
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, id, set, remove).await
    }
}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<SnsTopic>>> {
    let sns = cx.aws.sns();
    let topic = async { sns.get_topic_attributes().topic_arn(lookup.id).send().await.or_gone() };
    let both = lookup.both(topic, shared::tags(cx, &lookup, lookup.id)).await?;
    let Some((topic, tags)) = both else { return Ok(None) };
    let mut found = attributes_of(topic.attributes);
    found.insert("Name".to_owned(), lookup.id.rsplit(':').next().unwrap_or_default().to_owned());
    if lookup.wants("data_protection_policy") {
        let answer = sns.get_data_protection_policy().resource_arn(lookup.id).send().await.or_gone()?;
        let policy = answer.and_then(|answer| answer.data_protection_policy).filter(|policy| policy != "{}");
        found.extend(policy.map(|policy| ("DataProtectionPolicy".to_owned(), policy)));
    }
    // An attribute that AWS leaves out, such as `MaximumMessageSize`, is at its default.
    let mut spec: Spec = from_attributes(&found)?;
    for (protocol, prefix) in PROTOCOLS {
        let own = found
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())));
        let logging: DeliveryStatusLogging = from_attributes(&own.collect())?;
        if logging.success_feedback_role_arn.is_some() || logging.failure_feedback_role_arn.is_some() {
            spec.delivery_status_logging.insert(protocol.to_owned(), logging);
        }
    }
    let attrs = Attrs { arn: lookup.id.to_owned(), owner: found.remove("Owner").unwrap_or_default() };
    Ok(Some(Live::ready(spec, attrs, tags)))
}

/// The attributes for `SetTopicAttributes`, where an empty value unsets
/// (<https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>).
fn attributes(spec: &Spec) -> Result<Attributes> {
    let mut attributes = to_attributes(spec)?;
    attributes.retain(|name, _| name != "DataProtectionPolicy" && name != "DeliveryStatusLogging");
    if let Some(archive) = attributes.get_mut("ArchivePolicy").filter(|archive| archive.is_empty()) {
        "{}".clone_into(archive);
    }
    for (protocol, prefix) in PROTOCOLS {
        let logging = spec.delivery_status_logging.get(protocol).cloned().unwrap_or_default();
        let own = to_attributes(&logging)?.into_iter();
        attributes.extend(own.map(|(name, value)| (format!("{prefix}{name}"), value)));
    }
    Ok(attributes)
}
