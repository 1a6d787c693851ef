//! `sns_subscription`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sns::types::Subscription;

use super::filter::check_filter_policy;
use super::shared::check_retries;
use crate::kind::prelude::*;

/// A subscription of an Amazon SNS topic: who receives its messages.
///
/// Email addresses, HTTP endpoints and endpoints of other accounts have to confirm it: until then
/// `pending_confirmation` is true and nothing is delivered. dwctl does not wait for that. AWS cannot
/// delete a subscription that is not confirmed; it drops it 48 hours after it was made. dwctl then
/// forgets it: an endpoint that confirms in that time stays subscribed until it, or the topic's
/// owner, ends it. A subscription has no tags: one of the same topic, protocol and endpoint that is
/// there already is this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// ARN of the topic.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    #[schemars(extend("x-dwctl-names" = "topic"))]
    pub topic_arn: String,
    /// How messages are delivered: `sqs`, `lambda`, `firehose`, `http`, `https`, `email`,
    /// `email-json`, `sms` or `application`.
    #[schemars(extend("x-dwctl" = [REPLACE]))]
    pub protocol: String,
    /// Where messages are delivered: an ARN, a URL, an email address or a phone number such as
    /// `+15555550100`. AWS shows a URL with a password (`https://user:password@host/`) without the password.
    #[schemars(extend("x-dwctl" = [REPLACE], "x-dwctl-spelling" = "masked-url"))]
    pub endpoint: String,
    /// Which messages to deliver. Absent: all.
    #[schemars(extend("x-dwctl-document" = "pattern"))]
    pub filter_policy: Option<Json>,
    /// What the filter policy is matched against.
    #[serde(default = "message_attributes")]
    #[schemars(extend("enum" = ["MessageAttributes", "MessageBody"]))]
    pub filter_policy_scope: String,
    /// Deliver the message as it was published, not wrapped in JSON. For `sqs`, `firehose`, `http`
    /// and `https`.
    #[serde(default)]
    pub raw_message_delivery: bool,
    /// Where messages go that cannot be delivered:
    /// `{ deadLetterTargetArn = "${sqs_queue.dead.arn}" }`.
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: messages that cannot be delivered are lost"]))]
    pub redrive_policy: Option<Json>,
    /// How deliveries are retried, as SNS's delivery policy document. For `http` and `https`.
    /// Absent: as the topic says.
    pub delivery_policy: Option<Json>,
    /// Role by which SNS writes to a Firehose stream. For `firehose`, which needs it.
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub subscription_role_arn: Option<String>,
    /// Which archived messages to deliver again, as SNS's replay policy document. For FIFO topics.
    pub replay_policy: Option<Json>,
}

defaults! {
    message_attributes: String = "MessageAttributes";
}

/// The attributes of a subscription that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the subscription.
    pub arn: String,
    /// Whether the endpoint has still to confirm the subscription; nothing is delivered until then.
    pub pending_confirmation: bool,
    /// Account that owns the subscription.
    pub owner: String,
}

/// The delivery protocols (<https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>).
const PROTOCOLS: [&str; 9] =
    ["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"];

/// An existing subscription.
#[derive(Deserialize, JsonSchema)]
struct Existing {
    /// ARN of the topic.
    topic_arn: String,
    /// Its protocol, such as `sqs`.
    protocol: Option<String>,
    /// Its endpoint, such as the ARN of a queue.
    endpoint: Option<String>,
}

impl Filter for Existing {
    /// One list a topic serves all of its subscriptions.
    async fn search(cx: &Cx, filters: &[Self]) -> Vec<Result<Vec<String>>> {
        let topics: BTreeSet<&String> = filters.iter().map(|one| &one.topic_arn).collect();
        let listed = topics.into_iter().map(async |topic| (topic, confirmed(cx, topic).await));
        let listed: BTreeMap<&String, _> = futures_util::future::join_all(listed).await.into_iter().collect();
        let shown = |endpoint: &str| Form::MaskedUrl.canonical(endpoint, &cx.scope);
        each_filter(filters, async |one: &Self| {
            let Some(found) = listed.get(&one.topic_arn) else { return Ok(Vec::new()) };
            let found = found.as_ref().map_err(Error::clone)?.iter().filter(|(_, found)| {
                let endpoint = one.endpoint.as_deref();
                one.protocol.as_deref().is_none_or(|protocol| found.protocol() == Some(protocol))
                    && endpoint.is_none_or(|one| found.endpoint().map(shown) == Some(shown(one)))
            });
            Ok(found.map(|(arn, _)| arn.clone()).collect())
        })
        .await
    }
}

/// The kind `sns_subscription`.
pub struct SnsSubscription;

impl Kind for SnsSubscription {
    const CFN: Option<&'static str> = Some("AWS::SNS::Subscription");
    const TERRAFORM: Terraform = Terraform::of("aws_sns_topic_subscription", &[]).called_by_arn();
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[("", "subscriber")];
    const ACTIONS: Actions = Actions {
        read: &["sns:GetSubscriptionAttributes", "sns:ListSubscriptionsByTopic"],
        create: &[
            "sns:Subscribe",
            // A Firehose subscription passes its role to SNS.
            "iam:PassRole",
        ],
        update: &["sns:SetSubscriptionAttributes", "iam:PassRole"],
        delete: &["sns:Unsubscribe"],
    };
    const PREDICTED: &'static [(&'static str, &'static str)] = &[("owner", "{account_id}")];
    const TAGGABLE: bool = false;
    // `Subscribe` returns an existing subscription of the same endpoint
    // (<https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>).
    const ON_EXISTING: OnExisting = OnExisting::Returns;
    const LINKS: &'static [Link] = &[Link::to("topic_arn", "sns_topic")];
    // A topic is deleted with all its subscriptions:
    // https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html
    const PART_OF: Option<(&'static str, &'static str)> = Some(("sns_topic", "topic_arn"));
    const FINDER: Finder = Finder::by::<Existing>(&[]);

    type Spec = Spec;
    type Attrs = Attrs;

    fn id_of_arn(arn: &str) -> Option<String> {
        Some(arn.to_owned())
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        let [Some(topic), Some(endpoint)] = ["topic_arn", "endpoint"].map(|name| own.spec.get(name)) else {
            return Vec::new();
        };
        vec![format!("{topic:?} {endpoint:?}")]
    }

    /// A second `Subscribe` returns the existing subscription
    /// (<https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>).
    fn clash(own: &Peer<'_>, other: &Peer<'_>) -> Option<Problem> {
        let same = |name| own.spec.get(name).is_some_and(|ours| other.spec.get(name) == Some(ours));
        ["topic_arn", "protocol", "endpoint"].into_iter().all(same).then(|| {
            Problem::new("endpoint", format!("the endpoint is also that of {}", other.address))
                .help("a topic has one subscription for each protocol and endpoint")
        })
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        check_endpoint(spec, &mut problems);
        if let Some(protocol) = spec.text("protocol") {
            for (attribute, protocols) in [
                ("delivery_policy", &["http", "https"][..]),
                ("subscription_role_arn", &["firehose"][..]),
                ("raw_message_delivery", &["http", "https", "sqs", "firehose"][..]),
            ] {
                let is_set = match attribute {
                    "raw_message_delivery" => spec.flag(attribute) == Some(true),
                    _ => spec.is_set(attribute),
                };
                if is_set && !protocols.contains(&protocol) {
                    problems.push(
                        Problem::new(
                            attribute,
                            format!("`{attribute}` does not go together with the protocol `{protocol}`"),
                        )
                        .help(format!("it is for {}", protocols.join(", "))),
                    );
                }
            }
            if protocol == "firehose" && !spec.may_be_set("subscription_role_arn") {
                problems.push(
                    Problem::new("subscription_role_arn", "a Firehose stream needs `subscription_role_arn`")
                        .help("a role that sns.amazonaws.com may assume and that may write to the stream"),
                );
            }
        }
        let topic = spec.text("topic_arn");
        if spec.is_set("replay_policy") && topic.is_some_and(|topic| !topic.ends_with(".fifo")) {
            problems.push(Problem::new("replay_policy", "only FIFO topics keep messages for replay"));
        }
        check_documents(spec, &mut problems);
        problems
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        // The listings of topics contain no attributes, so each subscription must be read anyway.
        each(lookups, 10, |lookup| read(cx, lookup)).await
    }

    async fn find(cx: &Cx, _: &Owner, spec: Known<'_>) -> Result<Vec<String>> {
        let (Some(topic), Some(protocol), Some(endpoint)) =
            (spec.text("topic_arn"), spec.text("protocol"), plain(spec, "endpoint"))
        else {
            return Ok(Vec::new());
        };
        let listed = confirmed(cx, topic).await?.into_iter();
        let shown = |endpoint: &str| Form::MaskedUrl.canonical(endpoint, &cx.scope);
        let same = listed.filter(|(_, found)| {
            found.protocol() == Some(protocol) && found.endpoint().map(shown) == Some(shown(endpoint))
        });
        Ok(same.map(|(arn, _)| arn).take(1).collect())
    }

    async fn inside(cx: &Cx, id: &str) -> Result<Vec<(String, Tags)>> {
        Ok(confirmed(cx, id).await?.into_iter().map(|(arn, _)| (arn, Tags::new())).collect())
    }

    async fn create(cx: &Cx, want: &Spec, _: &NewResource<'_>) -> Result<Created<Self>> {
        let mut given = attributes(want)?;
        given.retain(|name, value| !value.is_empty() && (name != "RawMessageDelivery" || value == "true"));
        let request = cx.aws.sns().subscribe();
        let request = set!(request, want => topic_arn, protocol, endpoint);
        // Returns the ARN even if the endpoint has to confirm first.
        let request = request.return_subscription_arn(true);
        let created = request.set_attributes(Some(given.into_iter().collect())).send().await?;
        Ok(created.subscription_arn().unwrap_or_default().to_owned().into())
    }

    /// An unconfirmed subscription cannot be deleted
    /// (<https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html>).
    async fn check_delete(
        _: &Cx,
        _: &str,
        _: &Spec,
        attrs: &Attrs,
        _: &[Known<'_>],
    ) -> Result<Option<DeleteCheck>> {
        let words = "the old one is not confirmed: AWS cannot delete it, and drops it within 48 hours unless \
                     it is confirmed";
        Ok(attrs.pending_confirmation.then(|| DeleteCheck::Stays(words.to_owned())))
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let before = attributes(live)?;
        let mut after: Vec<_> = attributes(want)?.into_iter().collect();
        // A policy on the body allows more than one on attributes. So a wider scope is set before the
        // policy, and a narrower one after it.
        if want.filter_policy_scope == "MessageBody" {
            after.sort_by_key(|(name, _)| name != "FilterPolicyScope");
        }
        for (name, value) in after.into_iter().filter(|(name, value)| before.get(name) != Some(value)) {
            let value = to_unset(&name, value);
            let request = cx.aws.sns().set_subscription_attributes().subscription_arn(id);
            request.attribute_name(name).set_attribute_value(value).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        match cx.aws.sns().unsubscribe().subscription_arn(id).send().await.or_gone() {
            // It disappears by itself: see the documentation of the kind.
            Err(error) if error.says("pending confirmation") => Ok(Deletion::Begun),
            answer => answer.map(|_| Deletion::Begun),
        }
    }
}

/// Checks the form of the endpoint for each protocol
/// (<https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>).
fn check_endpoint(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let (Some(protocol), Some(endpoint)) = (spec.text("protocol"), spec.text("endpoint")) else { return };
    let is_arn_of =
        |service: &str| endpoint.starts_with("arn:") && endpoint.split(':').nth(2) == Some(service);
    let (fits, form) = match protocol {
        "http" => (endpoint.starts_with("http://"), "a URL that starts with `http://`"),
        "https" => (endpoint.starts_with("https://"), "a URL that starts with `https://`"),
        "email" | "email-json" => (endpoint.contains('@') && !endpoint.contains("://"), "an email address"),
        "sms" => (
            endpoint
                .trim_start_matches('+')
                .chars()
                .all(|char| char.is_ascii_digit() || "-() ".contains(char)),
            "a phone number such as `+15555550100`",
        ),
        "sqs" => (is_arn_of("sqs"), "the ARN of an SQS queue"),
        "lambda" => (is_arn_of("lambda"), "the ARN of a Lambda function"),
        "firehose" => (is_arn_of("firehose"), "the ARN of a Firehose stream"),
        "application" => (is_arn_of("sns"), "the ARN of a mobile app's endpoint"),
        other => {
            let help = match nearest(other, PROTOCOLS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", PROTOCOLS.join(", ")),
            };
            problems.push(Problem::new("protocol", format!("SNS has no protocol `{other}`")).help(help));
            return;
        }
    };
    if !fits {
        problems
            .push(Problem::new("endpoint", format!("the endpoint of the protocol `{protocol}` is {form}")));
    }
    let topic = spec.text("topic_arn");
    if protocol == "sqs"
        && endpoint.ends_with(".fifo")
        && topic.is_some_and(|topic| !topic.ends_with(".fifo"))
    {
        problems.push(
            Problem::new("endpoint", "a standard topic does not deliver to FIFO queues")
                .help("subscribe a standard queue, or make the topic a FIFO topic"),
        );
    }
    let is_fifo = topic.is_some_and(|topic| topic.ends_with(".fifo"));
    if is_fifo && protocol != "sqs" {
        problems.push(
            // See https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html
            Problem::new("protocol", "a FIFO topic delivers to SQS queues")
                .help("subscribe a queue, and read from that queue"),
        );
    }
}

fn check_documents(spec: Known<'_>, problems: &mut Vec<Problem>) {
    let fifo = spec.text("topic_arn").map(|topic| topic.ends_with(".fifo"));
    if !spec.may_be_set("filter_policy") && spec.text("filter_policy_scope") == Some("MessageBody") {
        problems.push(
            Problem::new("filter_policy_scope", "there is no filter policy to look at the message body")
                .help("give `filter_policy`, or remove `filter_policy_scope`"),
        );
    }
    check_filter_policy(spec, problems);
    if let Some(policy) = spec.get("delivery_policy") {
        problems.extend(in_document(policy, "delivery_policy", |policy| {
            check_retries(policy.get("healthyRetryPolicy"), "delivery_policy.healthyRetryPolicy")
        }));
    }
    if let Some(Value::Map(policy)) = spec.get("redrive_policy") {
        match policy.get("deadLetterTargetArn") {
            None => problems.push(
                Problem::new("redrive_policy", "the redrive policy names no queue")
                    .help("`{ deadLetterTargetArn = \"…\" }`"),
            ),
            Some(Value::String(arn)) if arn.split(':').nth(2) != Some("sqs") => problems.push(Problem::new(
                "redrive_policy.deadLetterTargetArn",
                "messages that cannot be delivered go to an SQS queue",
            )),
            Some(Value::String(arn)) if arn.ends_with(".fifo") != fifo.unwrap_or(arn.ends_with(".fifo")) => {
                let (topic, queue) =
                    if fifo == Some(true) { ("a FIFO", "a FIFO") } else { ("a standard", "a standard") };
                // See https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
                problems.push(Problem::new(
                    "redrive_policy.deadLetterTargetArn",
                    format!("messages that {topic} topic cannot deliver go to {queue} queue"),
                ));
            }
            Some(_) => {}
        }
    }
}

async fn read(cx: &Cx, lookup: Lookup<'_>) -> Result<Option<Live<SnsSubscription>>> {
    let answer = cx.aws.sns().get_subscription_attributes().subscription_arn(lookup.id).send().await;
    let Some(answer) = answer.or_gone()? else { return Ok(None) };
    let mut found = attributes_of(answer.attributes);
    let pending_confirmation = found.get("PendingConfirmation").is_some_and(|pending| pending == "true");
    if pending_confirmation && lookup.is_bare() {
        // It was abandoned and cannot be deleted: AWS drops it 48 hours after its creation.
        return Ok(None);
    }
    // The ARN of a subscription is that of its topic plus an id.
    let topic = lookup.id.rsplit_once(':').map(|(topic, _)| topic).unwrap_or_default();
    found.entry("TopicArn".to_owned()).or_insert_with(|| topic.to_owned());
    if !found.contains_key("FilterPolicy") {
        // Without a policy, the scope has no effect.
        found.remove("FilterPolicyScope");
    }
    let owner = found.remove("Owner").unwrap_or_default();
    let attrs = Attrs { arn: lookup.id.to_owned(), pending_confirmation, owner };
    let spec = from_attributes(&found)?;
    Ok(Some(Live::ready(spec, attrs, Tags::new()).with_incarnation(Some(lookup.id))))
}

/// The text at a path, secret or not. It may be compared, but never shown.
fn plain<'a>(spec: Known<'a>, path: &str) -> Option<&'a str> {
    match spec.get(path)? {
        Value::String(text) => Some(text),
        Value::Secret(inner) => match inner.as_ref() {
            Value::String(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The attributes for SNS, with an empty text for those that are unset. It refuses the scope without a policy.
fn attributes(spec: &Spec) -> Result<Attributes> {
    let mut attributes = to_attributes(spec)?;
    attributes.retain(|name, _| name != "FilterPolicyScope" || spec.filter_policy.is_some());
    Ok(attributes)
}

/// The value that sets an attribute or, if it is empty, unsets it: an empty policy filters nothing, and a
/// redrive policy is removed by sending no value
/// (<https://docs.aws.amazon.com/sns/latest/dg/message-filtering-policy-remove.html>).
fn to_unset(name: &str, value: String) -> Option<String> {
    match name {
        _ if !value.is_empty() => Some(value),
        "FilterPolicy" | "ReplayPolicy" => Some("{}".to_owned()),
        "RedrivePolicy" => None,
        _ => Some(value),
    }
}

/// The subscriptions of a topic, with their ARNs; none if the topic is gone. A pending one is listed as
/// "PendingConfirmation". It need not be found: a second `Subscribe` returns its ARN.
async fn confirmed(cx: &Cx, topic: &str) -> Result<Vec<(String, Subscription)>> {
    let mut listed =
        cx.aws.sns().list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(found) = listed.next().await {
        let Some(found) = found.map(Some).or_gone()?.flatten() else { break };
        let arn = found.subscription_arn().filter(|arn| arn.starts_with("arn:")).map(str::to_owned);
        all.extend(arn.map(|arn| (arn, found)));
    }
    Ok(all)
}
