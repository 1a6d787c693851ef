//! `sqs_queue`.

use crate::kind::prelude::*;
use aws_sdk_sqs::types::QueueAttributeName;

/// An Amazon SQS queue: it keeps messages until a consumer has received and deleted them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the queue; a FIFO queue's ends in `.fifo`.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 80), regex(pattern = r"^[A-Za-z0-9_-]+(\.fifo)?$"))]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when destroyed: its messages are deleted"]))]
    pub queue_name: String,
    /// Strict order and exactly-once processing within a message group.
    #[serde(default)]
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub fifo_queue: bool,
    /// Take a message's body as its deduplication id. FIFO queues only.
    #[serde(default)]
    #[schemars(extend("x-dwctl-only-if" = "fifo_queue = true"))]
    pub content_based_deduplication: bool,
    /// Whether messages are deduplicated per queue or per message group. FIFO queues only. Absent: `queue`.
    #[schemars(extend("enum" = ["queue", "messageGroup"], "x-dwctl-absent" = "queue"))]
    #[schemars(extend("x-dwctl-only-if" = "fifo_queue = true"))]
    pub deduplication_scope: Option<String>,
    /// Whether the throughput quota counts per queue or per message group (high throughput, which
    /// needs the deduplication scope `messageGroup`). FIFO queues only. Absent: `perQueue`.
    #[schemars(extend("enum" = ["perQueue", "perMessageGroupId"], "x-dwctl-absent" = "perQueue"))]
    #[schemars(extend("x-dwctl-only-if" = "fifo_queue = true"))]
    pub fifo_throughput_limit: Option<String>,
    /// Seconds for which a new message is hidden from consumers.
    #[serde(default)]
    #[schemars(range(min = 0, max = 900))]
    pub delay_seconds: i32,
    /// Largest message in bytes.
    #[serde(default = "maximum_message_size")]
    #[schemars(range(min = 1_024, max = 1_048_576))]
    pub maximum_message_size: i32,
    /// Seconds after which a message that nobody deleted is dropped.
    #[serde(default = "message_retention_period")]
    #[schemars(range(min = 60, max = 1_209_600))]
    #[schemars(extend("x-dwctl-risk" = ["data-loss when less: messages are kept {after} s instead of {before} s"]))]
    pub message_retention_period: i32,
    /// Seconds for which a call waits for a message if the queue is empty (long polling).
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    pub receive_message_wait_time_seconds: i32,
    /// Seconds for which a received message is hidden from other consumers.
    #[serde(default = "visibility_timeout")]
    #[schemars(range(min = 0, max = 43_200))]
    pub visibility_timeout: i32,
    /// Who may send and receive. Absent: the account alone, as its IAM policies say.
    pub policy: Option<PolicyDocument>,
    /// Where a message goes that consumers received too often:
    /// `{ deadLetterTargetArn = "${sqs_queue.dead.arn}", maxReceiveCount = 5 }`.
    #[schemars(extend("x-dwctl-document" = "json"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: messages that cannot be processed are no longer set aside"]))]
    pub redrive_policy: Option<RedrivePolicy>,
    /// Which queues may use this one as their dead-letter queue. Absent: all of the account and region.
    #[schemars(extend("x-dwctl-risk" = ["access when gone: every queue of the account may use it as its dead-letter queue"]))]
    #[schemars(extend("x-dwctl-document" = "json", "x-dwctl-absent" = { "redrivePermission": "allowAll" }))]
    pub redrive_allow_policy: Option<RedriveAllowPolicy>,
    /// KMS key that encrypts messages at rest: id, ARN or alias.
    #[schemars(extend("x-dwctl-spelling" = "kms-key", "x-dwctl-names" = "kms-key"))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: no longer encrypted with a key of the account"]))]
    pub kms_master_key_id: Option<String>,
    /// Seconds for which SQS reuses a data key before it asks KMS again. Absent: 300.
    #[schemars(range(min = 60, max = 86_400), extend("x-dwctl-absent" = 300))]
    #[schemars(extend("x-dwctl-only-with" = "kms_master_key_id"))]
    pub kms_data_key_reuse_period_seconds: Option<i32>,
    /// Encrypt messages at rest with a key of SQS. Absent: true, unless there is a KMS key.
    #[schemars(extend("x-dwctl" = [DERIVED]))]
    #[schemars(extend("x-dwctl-risk" = ["protection when off if kms_master_key_id = null: messages are no longer encrypted at rest"]))]
    pub sqs_managed_sse_enabled: Option<bool>,
}

/// When a message moves to a dead-letter queue, as AWS's document says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedrivePolicy {
    /// ARN of the dead-letter queue, in the same account and region; a FIFO queue's is a FIFO queue.
    #[schemars(extend("x-dwctl-names" = "queue"))]
    pub dead_letter_target_arn: String,
    /// How often a message is received before it moves.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_receive_count: i32,
}

/// Which queues may use a queue as their dead-letter queue, as AWS's document says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedriveAllowPolicy {
    /// All queues, none, or those of `sourceQueueArns`.
    #[schemars(extend("enum" = ["allowAll", "denyAll", "byQueue"]))]
    #[schemars(extend("x-dwctl-risk" = ["access when to allowAll: every queue of the account may use it as its dead-letter queue"]))]
    pub redrive_permission: String,
    /// ARNs of the queues with `byQueue`.
    // SQS takes no empty list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-dwctl" = [SET], "x-dwctl-names" = "queue"), length(max = 10))]
    #[schemars(extend("x-dwctl-only-if" = "redrivePermission = byQueue"))]
    pub source_queue_arns: Vec<String>,
}

/// The attributes of a queue that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the queue.
    pub arn: String,
    /// URL of the queue, by which messages are sent and received.
    pub queue_url: String,
}

defaults! {
    maximum_message_size: i32 = 1_048_576;
    message_retention_period: i32 = 345_600;
    visibility_timeout: i32 = 30;
}

tagging!(sqs(queue_url): tag_queue.set_tags, untag_queue.set_tag_keys, list_queue_tags.tags);

/// The kind `sqs_queue`.
pub struct SqsQueue;

impl Kind for SqsQueue {
    const CFN: Option<&'static str> = Some("AWS::SQS::Queue");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_sqs_queue",
        &[
            ("queue_name", "name"),
            ("maximum_message_size", "max_message_size"),
            ("message_retention_period", "message_retention_seconds"),
            ("receive_message_wait_time_seconds", "receive_wait_time_seconds"),
            ("visibility_timeout", "visibility_timeout_seconds"),
        ],
    );
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("policy", "aws_sqs_queue_policy"),
        ("policy", "AWS::SQS::QueuePolicy"),
        ("redrive_policy", "aws_sqs_queue_redrive_policy"),
        ("redrive_policy", "dead_letter_config"),
        ("redrive_allow_policy", "aws_sqs_queue_redrive_allow_policy"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["sqs:GetQueueAttributes", "sqs:ListQueueTags"],
        create: &["sqs:CreateQueue", "sqs:TagQueue"],
        update: &["sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
        delete: &["sqs:DeleteQueue"],
    };
    const ID: Option<&'static str> = Some("queue_url");
    // <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>
    const PREDICTED: &'static [(&'static str, &'static str)] = &[
        ("arn", "arn:{partition}:sqs:{region}:{account_id}:{queue_name}"),
        ("queue_url", "https://sqs.{region}.{dns_suffix}/{account_id}/{queue_name}"),
    ];
    const TAGS_APART: bool = true;
    // `CreateQueue` returns the URL of a queue that has the same settings
    // (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>).
    const ON_EXISTING: OnExisting = OnExisting::Returns;
    const DEFERRABLE: &'static [&'static str] = &["policy", "redrive_policy", "redrive_allow_policy"];
    const LINKS: &'static [Link] = &[Link::to("redrive_policy.deadLetterTargetArn", "sqs_queue")];
    // A deletion takes up to 60 s, and so does the name until it is free again
    // (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html>).
    const PACE: Pace = Pace { create_seconds: 2, delete_seconds: 60, deadline_seconds: 300 };
    // See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.
    // Until then the servers of SQS differ, so one read may show a change and the next one not.
    const SETTLING: Settling =
        Settling { seconds: 60, slower: &[("message_retention_period", 900)], agreeing: 2 };

    type Spec = Spec;
    type Attrs = Attrs;

    fn derive(spec: &mut Value, _: &Files) -> Result<(), Problem> {
        let has_no_key = is_unset(spec, "kms_master_key_id");
        fill_in(spec, "sqs_managed_sse_enabled", has_no_key);
        Ok(())
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let is = |path: &str, value: &str| spec.text(path) == Some(value);
        let fifo = spec.flag("fifo_queue");
        let is_other = |path: &str| {
            spec.text(path).zip(fifo).is_some_and(|(name, fifo)| name.ends_with(".fifo") != fifo)
        };
        let mut problems = problems! {
            "queue_name" if is_other("queue_name") =>
                "only the name of a FIFO queue ends in `.fifo`",
                "a FIFO queue has `fifo_queue = true` and a name that ends in `.fifo`";
            "fifo_throughput_limit" if is("fifo_throughput_limit", "perMessageGroupId")
                && (is("deduplication_scope", "queue") || !spec.may_be_set("deduplication_scope")) =>
                "a quota per message group needs deduplication per message group",
                "set `deduplication_scope = \"messageGroup\"`";
            "sqs_managed_sse_enabled" if spec.is_set("kms_master_key_id")
                && spec.flag("sqs_managed_sse_enabled") == Some(true) =>
                "a queue is encrypted by a KMS key or by SQS, not by both",
                "drop one of `kms_master_key_id` and `sqs_managed_sse_enabled`";
            "redrive_policy.deadLetterTargetArn" if is_other("redrive_policy.deadLetterTargetArn") =>
                "the dead-letter queue is of the other type",
                "a FIFO queue needs a FIFO queue, and a standard queue a standard queue";
            "redrive_allow_policy.redrivePermission" if is("redrive_allow_policy.redrivePermission", "byQueue")
                && !spec.may_be_set("redrive_allow_policy.sourceQueueArns") =>
                "`byQueue` names the queues",
                "give `sourceQueueArns`";
        };
        problems.extend(check_service_policy(spec, "policy", "sqs"));
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        let mut given = to_attributes(want)?;
        given.retain(|_, value| !value.is_empty());
        if want.fifo_queue {
            given.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        let request = cx.aws.sqs().create_queue().queue_name(&want.queue_name).set_tags(sdk_tags(new.tags)?);
        request.set_attributes(Some(keyed(given))).send().await?;
        id_of::<Self>(want, &cx.scope).map(Created::from)
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let (before, mut after) = (to_attributes(live)?, to_attributes(want)?);
        after.retain(|name, value| before.get(name) != Some(value));
        // SQS refuses both types of encryption at once, so the key is removed first.
        let is_first = |name: &String, value: &mut String| name == "KmsMasterKeyId" && value.is_empty();
        let first: Attributes = after.extract_if(.., is_first).collect();
        for changed in [first, after].into_iter().filter(|changed| !changed.is_empty()) {
            let request = cx.aws.sqs().set_queue_attributes().queue_url(id);
            request.set_attributes(Some(keyed(changed))).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.sqs().delete_queue().queue_url(id).send().await.or_gone()?;
        Ok(Deletion::Begun)
    }

    async fn tag(cx: &Cx, id: &str, _: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, id, set, remove).await
    }
}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<SqsQueue>>> {
    let sqs = cx.aws.sqs();
    let all = QueueAttributeName::All;
    let answer =
        sqs.get_queue_attributes().queue_url(lookup.id).attribute_names(all).send().await.or_gone()?;
    let Some(answer) = answer else { return Ok(None) };
    let Some(tags) = tags(cx, &lookup, lookup.id).await? else { return Ok(None) };
    let mut found = attributes_of(answer.attributes);
    let arn = found.remove("QueueArn").unwrap_or_default();
    let created = found.remove("CreatedTimestamp");
    found.insert("QueueName".to_owned(), lookup.id.rsplit('/').next().unwrap_or_default().to_owned());
    let attrs = Attrs { arn, queue_url: lookup.id.to_owned() };
    Ok(Some(Live::ready(from_attributes(&found)?, attrs, tags).with_incarnation(created)))
}
