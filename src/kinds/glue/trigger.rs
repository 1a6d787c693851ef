//! `glue_trigger`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_glue::types::{self, Trigger, TriggerState, TriggerUpdate};

use super::shared;
use crate::kind::prelude::*;

/// An AWS Glue trigger: starts jobs and crawlers on a schedule, after other jobs and
/// crawlers, on an event, or when asked.
// Arguments may hold secrets, so there is no `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the trigger, unique in the account and region.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub name: String,
    /// When it fires: `SCHEDULED` by `schedule`; `CONDITIONAL` when `predicate` is met;
    /// `EVENT` on events of EventBridge; `ON_DEMAND` when started.
    #[schemars(extend("x-dwctl" = [REPLACE], "enum" = ["SCHEDULED", "CONDITIONAL", "ON_DEMAND", "EVENT"]))]
    pub r#type: String,
    /// Name of the workflow that it belongs to.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 255))]
    pub workflow_name: Option<String>,
    /// What the trigger is for.
    #[schemars(length(max = 2048))]
    pub description: Option<String>,
    /// When a `SCHEDULED` trigger fires, in UTC, such as `cron(15 2 * * ? *)`.
    #[schemars(extend("x-dwctl-document" = "schedule"))]
    #[schemars(extend("x-dwctl-only-if" = "type = SCHEDULED"))]
    pub schedule: Option<String>,
    /// What a `CONDITIONAL` trigger waits for.
    #[schemars(extend("x-dwctl-only-if" = "type = CONDITIONAL"))]
    pub predicate: Option<Predicate>,
    /// The jobs and crawlers that it starts, all at once.
    pub actions: Vec<Action>,
    /// How many events an `EVENT` trigger waits for. Absent: it fires on each.
    // By default, an event trigger takes one event at a time.
    #[schemars(extend("x-dwctl-absent" = { "batch_size": 1, "batch_window_seconds": 900 }))]
    #[schemars(extend("x-dwctl-only-if" = "type = EVENT"))]
    pub event_batching_condition: Option<EventBatchingCondition>,
    /// Whether a `SCHEDULED` or `CONDITIONAL` trigger is activated; the others always are.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// What a conditional trigger waits for.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Predicate {
    /// Whether all conditions must be met (`AND`) or one of them (`ANY`).
    #[serde(default = "and")]
    #[schemars(extend("enum" = ["AND", "ANY"]))]
    pub logical: String,
    /// The conditions. Their order does not matter.
    #[schemars(extend("x-dwctl" = [SET]), length(max = 500))]
    pub conditions: Vec<Condition>,
}

/// A state of a job or a crawler: `job_name` and `state`, or `crawler_name` and `crawl_state`.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// How the state is compared.
    #[serde(default = "equals")]
    #[schemars(extend("enum" = ["EQUALS"]))]
    pub logical_operator: String,
    /// Name of the job.
    #[schemars(length(min = 1, max = 255))]
    pub job_name: Option<String>,
    /// State of its run.
    #[schemars(extend("enum" = ["SUCCEEDED", "STOPPED", "TIMEOUT", "FAILED"]))]
    pub state: Option<String>,
    /// Name of the crawler.
    #[schemars(length(min = 1, max = 255))]
    pub crawler_name: Option<String>,
    /// State of its crawl: `SUCCEEDED`, `FAILED` or `CANCELLED`.
    #[schemars(extend("enum" = ["CANCELLED", "CANCELLING", "ERROR", "FAILED", "RUNNING", "SUCCEEDED"]))]
    pub crawl_state: Option<String>,
}

/// A job or a crawler to start: `job_name` or `crawler_name`.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-dwctl-one-of" = [["job_name", "crawler_name"]]))]
pub struct Action {
    /// Name of the job.
    #[schemars(length(min = 1, max = 255))]
    pub job_name: Option<String>,
    /// Name of the crawler.
    #[schemars(length(min = 1, max = 255))]
    pub crawler_name: Option<String>,
    /// Arguments of the job's run, in place of the job's own of the same name.
    #[serde(default)]
    #[schemars(extend("x-dwctl-only-with" = "job_name"))]
    pub arguments: BTreeMap<String, String>,
    /// Minutes after which the run is stopped, at most 7 days. Absent: the job's own.
    #[schemars(range(min = 1, max = 10080))]
    #[schemars(extend("x-dwctl-only-with" = "job_name"))]
    pub timeout_minutes: Option<i32>,
    /// Name of the security configuration of the run. Absent: the job's own.
    #[schemars(length(min = 1, max = 255))]
    #[schemars(extend("x-dwctl-risk" = ["protection when gone: the run has the encryption of the job alone"]))]
    #[schemars(extend("x-dwctl-only-with" = "job_name"))]
    pub security_configuration: Option<String>,
    /// When to notify that the run takes long.
    #[schemars(extend("x-dwctl-only-with" = "job_name"))]
    pub notification_property: Option<NotificationProperty>,
}

/// When to notify that a run takes long.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationProperty {
    /// Minutes after the run's start until EventBridge is notified that it is late.
    #[schemars(range(min = 1))]
    pub notify_delay_after_minutes: i32,
}

/// How many events a trigger waits for.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventBatchingCondition {
    /// Events that must come before it fires.
    #[schemars(range(min = 1, max = 100))]
    pub batch_size: i32,
    /// Seconds after the first event until it fires with fewer.
    #[serde(default = "batch_window")]
    #[schemars(range(min = 1, max = 900))]
    pub batch_window_seconds: i32,
}

defaults! {
    and: String = "AND";
    equals: String = "EQUALS";
    batch_window: i32 = 900;
}

/// The attributes of a trigger that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the trigger.
    pub arn: String,
}

/// The kind `glue_trigger`.
pub struct GlueTrigger;

impl Kind for GlueTrigger {
    const CFN: Option<&'static str> = Some("AWS::Glue::Trigger");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_glue_trigger",
        &[
            ("actions.timeout_minutes", "timeout"),
            ("actions.notification_property.notify_delay_after_minutes", "notify_delay_after"),
            ("event_batching_condition.batch_window_seconds", "batch_window"),
        ],
    );
    const ALSO_CALLED: &'static [(&'static str, &'static str)] =
        &[("actions.timeout_minutes", "Timeout"), ("enabled", "StartOnCreation")];
    const ACTIONS: Actions = Actions {
        read: &["glue:BatchGetTriggers", "glue:GetTags"],
        create: &["glue:CreateTrigger", "glue:TagResource"],
        update: &[
            "glue:UpdateTrigger",
            "glue:StartTrigger",
            "glue:StopTrigger",
            "glue:TagResource",
            "glue:UntagResource",
        ],
        delete: &["glue:DeleteTrigger"],
    };
    const BATCHES_READS: bool = true;
    // `CreateTrigger` is idempotent by name: it succeeds if the same trigger exists
    // (<https://docs.aws.amazon.com/glue/latest/webapi/API_CreateTrigger.html#API_CreateTrigger_Errors>).
    const ON_EXISTING: OnExisting = OnExisting::Returns;
    const LINKS: &'static [Link] = &[
        Link::to("workflow_name", "glue_workflow"),
        Link::to("actions.job_name", "glue_job"),
        Link::to("actions.crawler_name", "glue_crawler"),
        Link::to("predicate.conditions.job_name", "glue_job"),
        Link::to("predicate.conditions.crawler_name", "glue_crawler"),
    ];
    // AWS does not document what happens to the triggers of a deleted workflow, and `UpdateTrigger`
    // cannot move one to another workflow.
    const PART_OF: Option<(&'static str, &'static str)> = Some(("glue_workflow", "workflow_name"));
    const TAGS_APART: bool = true;
    const ID: Option<&'static str> = Some("name");

    type Spec = Spec;
    type Attrs = Attrs;

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", spec.text("name").map(|name| shared::arn(scope, "trigger", name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let Some(kind) = spec.text("type") else { return problems };
        for (attribute, owner) in [("schedule", "SCHEDULED"), ("predicate", "CONDITIONAL")] {
            if kind == owner && !spec.may_be_set(attribute) {
                problems.push(
                    Problem::new("type", format!("a `{owner}` trigger needs `{attribute}`"))
                        .help(format!("set `{attribute}`")),
                );
            }
        }
        if let Some(schedule) = spec.text("schedule") {
            problems.extend(shared::check_cron("schedule", schedule));
        }
        if !is_switched(kind) && spec.flag("enabled") == Some(false) {
            problems.push(
                Problem::new("enabled", format!("an `{kind}` trigger cannot be deactivated"))
                    .help("remove `enabled`, or the trigger"),
            );
        }
        if matches!(spec.get("actions"), Some(Value::List(actions)) if actions.is_empty()) {
            problems.push(Problem::new("actions", "a trigger starts at least one job or crawler"));
        }
        if let Some(Value::List(conditions)) = spec.get("predicate.conditions") {
            if conditions.is_empty() {
                problems.push(Problem::new("predicate.conditions", "a predicate has at least one condition"));
            }
            for (index, condition) in conditions.iter().enumerate() {
                check_condition(&format!("predicate.conditions.{index}"), Known(condition), &mut problems);
            }
        }
        if kind == "EVENT" && !spec.may_be_set("workflow_name") {
            // See https://docs.aws.amazon.com/glue/latest/dg/starting-workflow-eventbridge.html
            problems.push(
                Problem::warning("type", "events start workflows, but the trigger belongs to none")
                    .help("set `workflow_name`"),
            );
        }
        check_circle(spec, kind, &mut problems);
        problems
    }

    fn claims(own: &Peer<'_>) -> Vec<String> {
        let workflow = own.spec.0.get("workflow_name").filter(|name| !name.is_null());
        workflow.map(|name| format!("{} {name:?}", own.place)).into_iter().collect()
    }

    /// A workflow has one trigger that starts it
    /// (<https://docs.aws.amazon.com/glue/latest/dg/creating_running_workflows.html>).
    fn check_among(spec: Known<'_>, among: &Among<'_>) -> Vec<Problem> {
        let starts = |spec: Known<'_>| matches!(spec.text("type"), Some("SCHEDULED" | "ON_DEMAND" | "EVENT"));
        let workflow = |spec: Known<'_>| spec.0.get("workflow_name").filter(|name| !name.is_null()).cloned();
        let Some(own) = workflow(spec).filter(|_| starts(spec)) else { return Vec::new() };
        let other =
            among.before().find(|peer| starts(peer.spec) && workflow(peer.spec).as_ref() == Some(&own));
        other
            .map(|other| {
                Problem::new("workflow_name", format!("{} already starts this workflow", other.address))
                    .help("a workflow has one start trigger; the others are `CONDITIONAL`")
            })
            .into_iter()
            .collect()
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = shared::in_batches(lookups, shared::BATCH, |names| async move {
            let answer = cx.aws.glue().batch_get_triggers().set_trigger_names(Some(names)).send().await?;
            let triggers = answer.triggers.unwrap_or_default().into_iter();
            Ok(triggers.filter_map(|found| Some((found.name.clone()?, found))).collect::<HashMap<_, _>>())
        })
        .await;
        let arn = |name: &str| shared::arn(&cx.scope, "trigger", name);
        shared::with_tags(cx, lookups, found, arn, |lookup, found, tags| {
            let live = Live::ready(to_spec(lookup, &found)?, Attrs { arn: arn(lookup.id) }, tags);
            Ok(Live { state: state(found.state()), ..live })
        })
        .await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        set!(cx.aws.glue().create_trigger(), want =>
            name, r#type, workflow_name, description, schedule, predicate, event_batching_condition; actions
        )
        .start_on_creation(want.enabled && is_switched(&want.r#type))
        .set_tags(sdk_tags(new.tags)?)
        .send()
        .await
        .map_err(shared::name_taken)?;
        Ok(want.name.clone().into())
    }

    /// Makes one call at a time: each leaves the trigger in a transitional state that accepts no other.
    /// The engine continues once the trigger is ready again.
    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let glue = cx.aws.glue();
        if live.enabled && !want.enabled {
            glue.stop_trigger().name(id).send().await?;
            return Ok(());
        }
        if (Spec { enabled: want.enabled, ..live.clone() }) != *want {
            // "Updates the previous trigger definition by overwriting it completely"
            // (https://docs.aws.amazon.com/glue/latest/webapi/API_TriggerUpdate.html).
            let update = set!(TriggerUpdate::builder(), want =>
                description, schedule, predicate, event_batching_condition; actions
            )
            .build();
            glue.update_trigger().name(id).trigger_update(update).send().await?;
            return Ok(());
        }
        // Starting an `ON_DEMAND` trigger would run its actions. Its `enabled` never differs.
        if want.enabled && !live.enabled && want.r#type != "ON_DEMAND" {
            glue.start_trigger().name(id).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, _: &Spec) -> Result<Deletion> {
        cx.aws.glue().delete_trigger().name(id).send().await.or_gone()?;
        Ok(Deletion::Begun)
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        shared::tag(cx, &attrs.arn, set, remove).await
    }
}

/// Returns whether triggers of this type can be activated and deactivated. The others fire as soon as they
/// exist, and cannot be started on creation
/// (<https://docs.aws.amazon.com/glue/latest/dg/about-triggers.html>).
fn is_switched(kind: &str) -> bool {
    matches!(kind, "SCHEDULED" | "CONDITIONAL")
}

fn state(state: Option<&TriggerState>) -> State {
    match state {
        Some(TriggerState::Creating) => State::Busy("creating".to_owned()),
        Some(TriggerState::Activating) => State::Busy("activating".to_owned()),
        Some(TriggerState::Deactivating) => State::Busy("deactivating".to_owned()),
        Some(TriggerState::Updating) => State::Busy("updating".to_owned()),
        Some(TriggerState::Deleting) => State::Leaving("deleting".to_owned()),
        _ => State::Ready,
    }
}

/// A conditional trigger cannot start a job that it waits for, since that would never end. Glue says "Job
/// cannot be a Predicate and Action for Conditional Trigger".
fn check_circle(spec: Known<'_>, kind: &str, problems: &mut Vec<Problem>) {
    if kind != "CONDITIONAL" {
        return;
    }
    for (index, action) in spec.list("actions").iter().enumerate() {
        for attribute in ["job_name", "crawler_name"] {
            let Some(name) = Known(action).text(attribute) else { continue };
            let mut conditions = spec.list("predicate.conditions").iter();
            if conditions.any(|condition| Known(condition).text(attribute) == Some(name)) {
                problems.push(
                    Problem::new(
                        format!("actions.{index}.{attribute}"),
                        format!("the trigger waits for `{name}` and starts it"),
                    )
                    .help("start another one, or create a separate trigger for it"),
                );
            }
        }
    }
}

fn check_condition(path: &str, condition: Known<'_>, problems: &mut Vec<Problem>) {
    let of_job = condition.may_be_set("job_name") && condition.may_be_set("state");
    let of_crawler = condition.may_be_set("crawler_name") && condition.may_be_set("crawl_state");
    let all = ["job_name", "state", "crawler_name", "crawl_state"];
    let given = all.iter().filter(|attribute| condition.is_set(attribute)).count();
    if given > 2 || !(of_job || of_crawler) {
        problems.push(
            Problem::new(path, "a condition is the state of one job or one crawler")
                .help("set either `job_name` and `state`, or `crawler_name` and `crawl_state`"),
        );
    }
    if let Some(state) = condition.text("crawl_state")
        && matches!(state, "RUNNING" | "CANCELLING" | "ERROR")
    {
        problems.push(
            Problem::new(
                format!("{path}.crawl_state"),
                format!("a trigger cannot wait for a crawl in `{state}`"),
            )
            .help("one of `SUCCEEDED`, `FAILED`, `CANCELLED`"),
        );
    }
}

fn to_spec(lookup: &Lookup<'_>, trigger: &Trigger) -> Result<Spec> {
    let kind = trigger.r#type().map(|kind| kind.as_str().to_owned()).unwrap_or_default();
    let enabled = match trigger.state() {
        Some(TriggerState::Activated | TriggerState::Activating) => true,
        Some(TriggerState::Deactivated | TriggerState::Deactivating) => kind == "ON_DEMAND",
        _ => !is_switched(&kind),
    };
    Ok(read!(trigger => Spec {
        name: lookup.id.to_owned(), r#type: kind, workflow_name, description, schedule,
        predicate if has_conditions, actions,
        event_batching_condition, enabled: enabled,
    }))
}

fn has_conditions(predicate: &Predicate) -> bool {
    !predicate.conditions.is_empty()
}

fn is_delayed(notification: &NotificationProperty) -> bool {
    notification.notify_delay_after_minutes > 0
}

table! {
    Predicate = types::Predicate { logical or and; conditions }
    Condition = types::Condition {
        logical_operator or equals, job_name, state, crawler_name, crawl_state,
    }
    Action = types::Action {
        job_name, crawler_name, arguments, timeout_minutes as timeout if is_positive, security_configuration,
        notification_property if is_delayed,
    }
    NotificationProperty = types::NotificationProperty { notify_delay_after_minutes as notify_delay_after }
    EventBatchingCondition = types::EventBatchingCondition {
        batch_size, batch_window_seconds as batch_window or batch_window,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::GlueTrigger;
    use crate::kind::problems_of;
    use crate::value::Value;

    fn broken(spec: serde_json::Value) -> Vec<String> {
        let problems = problems_of::<GlueTrigger>(&Value::from_json(&spec));
        problems.into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn type_and_settings_fit() {
        let none: [&str; 0] = [];
        let actions = json!([{ "job_name": "orders" }]);
        let nightly = json!({ "type": "SCHEDULED", "schedule": "cron(0 2 * * ? *)", "actions": actions });
        assert_eq!(broken(nightly), none);
        assert_eq!(broken(json!({ "type": "SCHEDULED", "actions": actions })), ["type"]);
        assert_eq!(broken(json!({ "type": "ON_DEMAND", "actions": actions, "enabled": false })), ["enabled"]);
        assert_eq!(
            broken(
                json!({ "type": "EVENT", "workflow_name": "w", "actions": actions, "schedule": "cron(0 2 * * ? *)" })
            ),
            ["schedule"]
        );
        let both = json!([{ "job_name": "orders", "crawler_name": "orders" }]);
        assert_eq!(broken(json!({ "type": "ON_DEMAND", "actions": both })), ["actions.0.crawler_name"]);
    }

    #[test]
    fn a_condition_is_of_a_job_or_of_a_crawler() {
        let of = |condition: serde_json::Value| {
            broken(json!({ "type": "CONDITIONAL", "actions": [{ "job_name": "orders" }],
                "predicate": { "conditions": [condition] } }))
        };
        let none: [&str; 0] = [];
        assert_eq!(of(json!({ "job_name": "a", "state": "SUCCEEDED" })), none);
        assert_eq!(of(json!({ "crawler_name": "a", "crawl_state": "SUCCEEDED" })), none);
        assert_eq!(of(json!({ "crawler_name": "a", "state": "SUCCEEDED" })), ["predicate.conditions.0"]);
        assert_eq!(of(json!({ "job_name": "a" })), ["predicate.conditions.0"]);
        assert_eq!(
            of(json!({ "crawler_name": "a", "crawl_state": "RUNNING" })),
            ["predicate.conditions.0.crawl_state"]
        );
    }
}
