//! `eventbridge_rule`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_eventbridge::types::{Rule, Target as SdkTarget};
use futures_util::future::try_join;

use super::target::Target;
use super::target_check::check_target;
use crate::kind::prelude::*;

/// An Amazon EventBridge rule: sends events that match a pattern, or the ticks of a schedule,
/// to its targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Name of the rule.
    #[schemars(extend("x-dwctl" = [REPLACE]), length(min = 1, max = 64), regex(pattern = r"^[.\-_A-Za-z0-9]+$"))]
    pub name: String,
    /// Event bus, by name or ARN. Schedules run on `default` only.
    #[serde(default = "event_bus_name")]
    #[schemars(extend("x-dwctl" = [REPLACE], "x-dwctl-spelling" = "event-bus"), length(min = 1, max = 1600), regex(pattern = r"^(arn:aws[\w-]*:events:[a-z]{2}-[a-z]+-[\w-]+:[0-9]{12}:event-bus/)?[/.\-_A-Za-z0-9]+$"))]
    pub event_bus_name: String,
    /// What the rule is for.
    #[schemars(length(max = 512))]
    pub description: Option<String>,
    /// When the rule fires, in UTC: `rate(5 minutes)`, or `cron(minutes hours day-of-month month
    /// day-of-week year)` such as `cron(0 2 * * ? *)`.
    #[schemars(length(max = 256))]
    #[schemars(extend("x-dwctl-document" = "schedule"))]
    pub schedule_expression: Option<String>,
    /// Which events the rule matches, as AWS's event pattern.
    #[schemars(extend("x-dwctl-document" = "pattern"))]
    pub event_pattern: Option<Json>,
    /// Whether the rule fires.
    #[serde(default = "state")]
    #[schemars(extend("enum" = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"]))]
    pub state: String,
    /// ARN of the role by which the rule sends to a bus of another account or region.
    #[schemars(length(min = 1, max = 1600))]
    #[schemars(extend("x-dwctl-names" = "role"))]
    pub role_arn: Option<String>,
    /// Where events go; each has an `id` that is unique in the rule. AWS allows 5 in a rule unless the quota
    /// was raised.
    #[serde(default)]
    #[schemars(extend("x-dwctl-key" = "id"), length(max = 100))]
    pub targets: Vec<Target>,
}

defaults! {
    event_bus_name: String = DEFAULT_BUS;
    state: String = "ENABLED";
}

/// The attributes of a rule that AWS decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attrs {
    /// ARN of the rule.
    pub arn: String,
}

/// In Terraform, targets are separate resources.
fn arrange(rule: &mut Block) -> Vec<TerraformPart> {
    let (name, bus) = (rule.get("name").cloned(), rule.get("event_bus_name").cloned());
    let name = name.unwrap_or_default();
    take_blocks(rule, "targets")
        .into_iter()
        .map(|target| {
            let key = target.get("target_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let bus = bus.clone().unwrap_or_default();
            let part =
                TerraformPart::new("aws_cloudwatch_event_target", "rule", &name, [("event_bus_name", bus)]);
            let mut part = part.keyed(key);
            part.attributes.extend(target);
            part
        })
        .collect()
}

tag_type!(aws_sdk_eventbridge::types::Tag);
tagging!(eventbridge(resource_arn): tag_resource.set_tags, untag_resource.set_tag_keys, list_tags_for_resource.tags);

/// The kind `eventbridge_rule`. Its id is `bus|name`.
pub struct EventbridgeRule;

const DEFAULT_BUS: &str = "default";

/// Maximum length of a pattern.
const LONGEST_PATTERN: usize = 4096;

/// The fields of every event
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>).
const EVENT: [&str; 10] = [
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
    "replay-name",
];

/// Maximum number of targets in a `RemoveTargets` call; used for `PutTargets`, too
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html>).
const MAX_TARGETS: usize = 100;

impl Kind for EventbridgeRule {
    const CFN: Option<&'static str> = Some("AWS::Events::Rule");
    const TERRAFORM: Terraform = Terraform::of(
        "aws_cloudwatch_event_rule",
        &[
            ("targets.id", "target_id"),
            ("targets.ecs_parameters", "ecs_target"),
            ("targets.http_parameters", "http_target"),
            ("targets.kinesis_parameters", "kinesis_target"),
            ("targets.redshift_data_parameters", "redshift_target"),
            ("targets.sqs_parameters", "sqs_target"),
            ("targets.input_transformer.input_paths_map", "input_paths"),
        ],
    )
    .arranged(arrange);
    const ALSO_CALLED: &'static [(&'static str, &'static str)] = &[
        ("", "schedule"),
        ("", "cron"),
        ("targets", "aws_cloudwatch_event_target"),
        ("", "aws_scheduler_schedule"),
        ("", "AWS::Scheduler::Schedule"),
        ("state", "is_enabled"),
        ("state", "enabled"),
        ("targets.ecs_parameters.network_configuration", "AwsVpcConfiguration"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "events:ListRules",
            "events:DescribeRule",
            "events:ListTargetsByRule",
            "events:ListTagsForResource",
        ],
        create: &["events:PutRule", "events:TagResource", "iam:PassRole"],
        update: &[
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:TagResource",
            "events:UntagResource",
            "iam:PassRole",
        ],
        delete: &["events:ListTargetsByRule", "events:RemoveTargets", "events:DeleteRule"],
    };
    const BATCHES_READS: bool = true;
    const SET_AFTER_CREATE: &'static [&'static str] = &["targets"];
    // `PutRule` replaces an existing rule of the same name, and then ignores the tags
    // (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>).
    const ON_EXISTING: OnExisting = OnExisting::Overwrites;
    const LINKS: &'static [Link] = &[Link::to("targets.role_arn", "iam_role")];
    const TAGS_APART: bool = true;

    type Spec = Spec;
    type Attrs = Attrs;

    fn identity(spec: Known<'_>, scope: &Scope) -> Identity {
        let named = bus(spec).map(|bus| bus_name(bus, scope)).zip(spec.text("name"));
        Identity::named(named.map(|(bus, name)| format!("{bus}|{name}")))
    }

    fn predict(spec: Known<'_>, scope: &Scope) -> Predicted {
        Predicted::of("arn", bus(spec).zip(spec.text("name")).map(|(bus, name)| arn(scope, bus, name)))
    }

    fn check(spec: Known<'_>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !spec.may_be_set("schedule_expression") && !spec.may_be_set("event_pattern") {
            problems.push(
                Problem::new("name", "a rule needs a schedule or a pattern")
                    .help("set `schedule_expression`, `event_pattern`, or both"),
            );
        }
        if let Some(schedule) = spec.text("schedule_expression") {
            if let Err(why) = check_schedule(schedule) {
                problems.push(
                    Problem::new("schedule_expression", why)
                        .help("such as `rate(5 minutes)`, or `cron(0 2 * * ? *)` for 02:00 UTC every day"),
                );
            }
            if let Some(why) = never_comes(schedule) {
                problems
                    .push(Problem::warning("schedule_expression", format!("the rule never fires: {why}")));
            }
            if bus(spec).is_some_and(|bus| bus.rsplit('/').next() != Some(DEFAULT_BUS)) {
                problems.push(
                    Problem::new("schedule_expression", "only rules of the bus `default` have a schedule")
                        .help("remove `event_bus_name`, or use EventBridge Scheduler"),
                );
            }
        }
        if let Some(pattern) = spec.get("event_pattern") {
            problems.extend(in_document(pattern, "event_pattern", check_event_pattern));
        }
        for (place, target) in spec.list("targets").iter().enumerate() {
            check_target(Known(target), &format!("targets.{place}"), &mut problems);
        }
        problems
    }

    fn id_of_arn(arn: &str) -> Option<String> {
        let rule = arn.split_once(":rule/")?.1;
        Some(
            rule.rsplit_once('/')
                .map_or_else(|| format!("default|{rule}"), |(bus, name)| format!("{bus}|{name}")),
        )
    }

    async fn read_many(cx: &Cx, lookups: &[Lookup<'_>]) -> Reads<Self> {
        let found = rules(cx, lookups).await;
        each_found(lookups, 8, found, |lookup, rule| async move { read(cx, lookup, &rule).await }).await
    }

    async fn create(cx: &Cx, want: &Spec, new: &NewResource<'_>) -> Result<Created<Self>> {
        put_rule(cx, &want.event_bus_name, want, Some(new.tags)).await?;
        Ok(format!("{}|{}", bus_name(&want.event_bus_name, &cx.scope), want.name).into())
    }

    async fn update(cx: &Cx, id: &str, live: &Spec, want: &Spec) -> Result<()> {
        let (bus, name) = parts(id);
        let settings = |spec: &Spec| Spec { targets: Vec::new(), ..spec.clone() };
        let rule_differs = settings(live) != settings(want);
        // A rule that is to be disabled is disabled before its targets change.
        if rule_differs && want.state == "DISABLED" {
            put_rule(cx, bus, want, None).await?;
        }
        let removed: Vec<String> = live
            .targets
            .iter()
            .filter(|target| !want.targets.iter().any(|other| other.id == target.id))
            .map(|target| target.id.clone())
            .collect();
        // Removals first: a rule with the maximum number of targets accepts no other.
        remove_targets(cx, bus, name, &removed).await?;
        let changed: Vec<SdkTarget> = want
            .targets
            .iter()
            .filter(|target| !live.targets.contains(target))
            .map(Target::to_sdk)
            .collect::<Result<_>>()?;
        put_targets(cx, bus, name, &changed).await?;
        if rule_differs && want.state != "DISABLED" {
            put_rule(cx, bus, want, None).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &str, live: &Spec) -> Result<Deletion> {
        let (bus, name) = parts(id);
        // A rule with targets cannot be deleted.
        let known: Vec<String> = live.targets.iter().map(|target| target.id.clone()).collect();
        remove_targets(cx, bus, name, &known).await?;
        let delete =
            async || cx.aws.eventbridge().delete_rule().event_bus_name(bus).name(name).send().await.or_gone();
        match delete().await {
            // Others have added targets since.
            Err(error) if error.says("target") => {
                let Some(targets) = targets(cx, bus, name).await? else { return Ok(Deletion::Begun) };
                let ids: Vec<String> = targets.iter().map(|target| target.id.clone()).collect();
                remove_targets(cx, bus, name, &ids).await?;
                delete().await.map(Deletion::of)
            }
            deleted => deleted.map(Deletion::of),
        }
    }

    async fn tag(cx: &Cx, _: &str, attrs: &Attrs, set: &Tags, remove: &[String]) -> Result<()> {
        tag(cx, &attrs.arn, set, remove).await
    }
}

/// The declared event bus, or the default one.
fn bus<'a>(spec: Known<'a>) -> Option<&'a str> {
    if spec.may_be_set("event_bus_name") { spec.text("event_bus_name") } else { Some(DEFAULT_BUS) }
}

/// Shortens the ARN of a bus in this account and region to its name; AWS accepts both
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html>). The ARN of another
/// account's bus stays as it is.
fn bus_name<'a>(bus: &'a str, scope: &Scope) -> &'a str {
    let own = format!("arn:{}:events:{}:{}:event-bus/", scope.partition, scope.region, scope.account_id);
    bus.strip_prefix(&own).unwrap_or(bus)
}

fn parts(id: &str) -> (&str, &str) {
    id.split_once('|').unwrap_or((DEFAULT_BUS, id))
}

/// `rule/name` on the default bus, `rule/bus/name` on others.
fn arn(scope: &Scope, bus: &str, name: &str) -> String {
    // A rule on another account's bus belongs to that account.
    if let Some((before, bus)) = bus.split_once(":event-bus/") {
        return match bus {
            DEFAULT_BUS => format!("{before}:rule/{name}"),
            bus => format!("{before}:rule/{bus}/{name}"),
        };
    }
    match bus {
        DEFAULT_BUS => scope.arn("events", format_args!("rule/{name}")),
        bus => scope.arn("events", format_args!("rule/{bus}/{name}")),
    }
}

/// The rules of every requested bus, by id. The listing is restricted to the common prefix of the
/// requested names.
async fn rules(cx: &Cx, lookups: &[Lookup<'_>]) -> Result<HashMap<String, Rule>> {
    let mut buses: BTreeMap<&str, &str> = BTreeMap::new();
    for lookup in lookups {
        let (bus, name) = parts(lookup.id);
        buses.entry(bus).and_modify(|prefix| *prefix = shared_start(prefix, name)).or_insert(name);
    }
    let mut found = HashMap::new();
    for (bus, prefix) in buses {
        let mut token = None;
        loop {
            let page = cx
                .aws
                .eventbridge()
                .list_rules()
                .event_bus_name(bus)
                .set_name_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
                .set_next_token(token)
                .send()
                .await
                // A bus that does not exist has no rules.
                .or_gone()?;
            let Some(page) = page else { break };
            for rule in page.rules.unwrap_or_default() {
                found.insert(format!("{bus}|{}", rule.name().unwrap_or_default()), rule);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// The common prefix of two names. Rule names are ASCII.
fn shared_start<'a>(left: &'a str, right: &str) -> &'a str {
    let length = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    left.get(..length).unwrap_or_default()
}

async fn read(cx: &Cx, lookup: Lookup<'_>, rule: &Rule) -> Result<Option<Live<EventbridgeRule>>> {
    let (bus, name) = parts(lookup.id);
    let arn = rule.arn().map_or_else(|| arn(&cx.scope, bus, name), str::to_owned);
    let wants_targets = lookup.wants("targets");
    let (targets, tags) = try_join(
        async { if wants_targets { targets(cx, bus, name).await } else { Ok(Some(Vec::new())) } },
        tags(cx, &lookup, &arn),
    )
    .await?;
    let (Some(targets), Some(tags)) = (targets, tags) else { return Ok(None) };
    let spec = read!(rule => Spec {
        name: name.to_owned(), event_bus_name: bus.to_owned(), description, schedule_expression,
        event_pattern, state or state, role_arn,
        targets: targets.iter().map(Target::of).collect::<Result<_>>()?,
    });
    Ok(Some(Live::ready(spec, Attrs { arn }, tags)))
}

/// All targets of a rule; `None` if the rule does not exist.
async fn targets(cx: &Cx, bus: &str, name: &str) -> Result<Option<Vec<SdkTarget>>> {
    let mut targets = Vec::new();
    let mut token = None;
    loop {
        let page = cx
            .aws
            .eventbridge()
            .list_targets_by_rule()
            .event_bus_name(bus)
            .rule(name)
            .set_next_token(token)
            .send()
            .await
            .or_gone()?;
        let Some(page) = page else { return Ok(None) };
        targets.extend(page.targets.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Some(targets));
        }
    }
}

/// Writes the rule without its targets. `PutRule` replaces every setting, so those left out are unset.
async fn put_rule(cx: &Cx, bus: &str, want: &Spec, tags: Option<&Tags>) -> Result<()> {
    set!(cx.aws.eventbridge().put_rule().event_bus_name(bus), want =>
        name, description, schedule_expression, event_pattern, state, role_arn
    )
    // For an existing rule, this call does not change tags.
    .set_tags(tags.map(sdk_tags).transpose()?.flatten())
    .send()
    .await?;
    Ok(())
}

async fn put_targets(cx: &Cx, bus: &str, name: &str, targets: &[SdkTarget]) -> Result<()> {
    for some in targets.chunks(MAX_TARGETS) {
        let answer = cx
            .aws
            .eventbridge()
            .put_targets()
            .event_bus_name(bus)
            .rule(name)
            .set_targets(Some(some.to_vec()))
            .send()
            .await?;
        refused(
            "events:PutTargets",
            answer.failed_entry_count(),
            answer
                .failed_entries()
                .iter()
                .map(|entry| (entry.target_id(), entry.error_code(), entry.error_message())),
        )?;
    }
    Ok(())
}

async fn remove_targets(cx: &Cx, bus: &str, name: &str, ids: &[String]) -> Result<()> {
    for some in ids.chunks(MAX_TARGETS) {
        let answer = cx
            .aws
            .eventbridge()
            .remove_targets()
            .event_bus_name(bus)
            .rule(name)
            .set_ids(Some(some.to_vec()))
            .send()
            .await?;
        refused(
            "events:RemoveTargets",
            answer.failed_entry_count(),
            answer
                .failed_entries()
                .iter()
                .map(|entry| (entry.target_id(), entry.error_code(), entry.error_message())),
        )?;
    }
    Ok(())
}

/// Reports failed entries, since these calls succeed even if some of their entries fail.
fn refused<'a>(
    operation: &str,
    count: i32,
    entries: impl Iterator<Item = (Option<&'a str>, Option<&'a str>, Option<&'a str>)>,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let entries: Vec<_> = entries.collect();
    let code = entries.iter().find_map(|(_, code, _)| *code).unwrap_or_default().to_owned();
    let words: Vec<String> = entries
        .iter()
        .map(|(id, code, message)| {
            format!(
                "target `{}`: {}",
                id.unwrap_or_default(),
                message.or(*code).unwrap_or("refused without a reason")
            )
        })
        .collect();
    let class = if code == "ConcurrentModificationException" { Class::Conflict } else { Class::Invalid };
    Err(Error { operation: operation.to_owned(), code, ..Error::finding(class, words.join("; ")) })
}

fn check_event_pattern(pattern: &Value) -> Vec<Problem> {
    let path = "event_pattern";
    let mut problems = Vec::new();
    check_pattern(pattern, path, &mut problems);
    for name in pattern.as_map().into_iter().flat_map(|map| map.keys()) {
        if name != "$or" && !EVENT.contains(&name.as_str()) {
            let help = match nearest(name, EVENT) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the content of an event is in its `detail`".to_owned(),
            };
            problems.push(
                Problem::warning(
                    format!("{path}.{name}"),
                    format!("no event has a field `{name}`, so nothing matches"),
                )
                .help(help),
            );
        }
    }
    if let Ok(json) = pattern.to_json()
        && json.to_string().len() > LONGEST_PATTERN
    {
        problems.push(
            Problem::new(
                path,
                format!("the pattern is longer than the {LONGEST_PATTERN} characters that AWS allows"),
            )
            .help("split it over several rules"),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{arn, bus_name, refused, shared_start};
    use crate::aws::{Class, Scope};

    #[test]
    fn the_arn_of_a_rule_contains_its_bus() {
        let scope = Scope {
            partition: "aws".to_owned(),
            account_id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
        };
        assert_eq!(arn(&scope, "default", "r"), "arn:aws:events:us-east-1:111122223333:rule/r");
        assert_eq!(arn(&scope, "bus", "r"), "arn:aws:events:us-east-1:111122223333:rule/bus/r");
        assert_eq!(
            arn(&scope, "arn:aws:events:us-east-1:444455556666:event-bus/bus", "r"),
            "arn:aws:events:us-east-1:444455556666:rule/bus/r"
        );
        // The ARN of another account's bus differs from its name; for one's own bus, AWS accepts both.
        let theirs = "arn:aws:events:us-east-1:444455556666:event-bus/default";
        assert_eq!(bus_name(theirs, &scope), theirs);
        assert_eq!(bus_name("arn:aws:events:us-east-1:111122223333:event-bus/default", &scope), "default");
    }

    #[test]
    fn names_share_a_prefix() {
        assert_eq!(shared_start("warehouse-load", "warehouse-check"), "warehouse-");
        assert_eq!(shared_start("a", "b"), "");
    }

    #[test]
    fn failed_entries_are_an_error() {
        assert_eq!(refused("events:PutTargets", 0, std::iter::empty()), Ok(()));
        let entries = [(Some("load"), Some("ConcurrentModificationException"), Some("busy"))];
        let error = refused("events:PutTargets", 1, entries.into_iter()).err();
        assert_eq!(
            error.map(|error| (error.class, error.message)),
            Some((Class::Conflict, "target `load`: busy".into()))
        );
    }
}
