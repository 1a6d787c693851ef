//! Events at AWS between a plan and its apply: someone else creates a planned resource or takes over one to
//! be deleted, or AWS briefly does not show an existing one.

use std::cell::RefCell;
use std::collections::BTreeMap;

use dwctl::aws::{Scope, Tags};
use dwctl::diag::Diagnostic;
use dwctl::graph::Address;
use dwctl::kind::{ErasedKind, ErasedLive, Identity, Known, NewResource, OnExisting, Owner};
use dwctl::kinds::{KINDS, kind};
use dwctl::ledger::Ledger;
use dwctl::plan::{Action, Reason, Selection};
use dwctl::schema::normalize;
use dwctl::value::Value;

use crate::chaos::engine::{End, Engine};
use crate::chaos::wire::{Fault, Wire};
use crate::harness::{Project, REGION, read_all};

/// A stack, and a process that changes it.
struct Race {
    project: Project,
    runtime: tokio::runtime::Runtime,
    engine: Engine,
}

impl Race {
    fn new(text: &str) -> Self {
        let project = Project::new(text);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let engine = runtime.block_on(Engine::new(&project.cloud.emulator(), &project.stack(), Wire::new()));
        Self { project, runtime, engine }
    }

    #[track_caller]
    fn apply(&self) {
        let end = self.runtime.block_on(self.engine.apply(Selection::default(), 8, async || ()));
        assert!(matches!(end, End::Done), "{end:?}");
    }

    fn ledger(&self) -> Ledger {
        self.runtime.block_on(self.engine.ledger()).expect("a ledger")
    }

    fn look(&self, kind: &dyn ErasedKind, id: &str) -> Option<ErasedLive> {
        self.runtime.block_on(read_all(kind, &self.engine.cx(REGION), &[id])).pop().expect("one answer")
    }

    /// The planned spec of an address to be created.
    fn desired(&self, address: &Address) -> Value {
        let plan = self.runtime.block_on(self.engine.plan()).expect("a plan");
        let change = plan.changes.into_iter().find(|change| change.address == *address).expect("declared");
        assert_eq!(change.action, Action::Create);
        change.desired
    }
}

fn other(kind: &str) -> Tags {
    let owner =
        Owner { stack: "other".to_owned(), env: "prod".to_owned(), address: format!("{kind}.theirs") };
    owner.tags()
}

fn someone() -> Tags {
    Tags::from([("team".to_owned(), "finance".to_owned())])
}

async fn make(engine: &Engine, kind: &dyn ErasedKind, spec: &Value, tags: &Tags) -> String {
    let new = NewResource { tags, token: "0b9f3f5e-91c4-4a55-b5c1-1f2d6a3c0001" };
    let made = kind.create(&engine.cx(REGION), spec, new).await;
    made.unwrap_or_else(|error| panic!("{} cannot be made: {error}", kind.name())).id
}

/// Returns whether AWS silently creates a second resource beside the first.
fn is_another(kind: &dyn ErasedKind, spec: &Value, engine: &Engine) -> bool {
    let scope = engine.session.scope(REGION);
    kind.taggable() && kind.identity(Known(spec), &scope) == Identity::Assigned
}

#[track_caller]
fn not_ours(end: &End) -> &[Diagnostic] {
    let End::Failed(problems) = end else { panic!("it is to be refused, and ended so: {end:?}") };
    assert!(!problems.is_empty() && problems.iter().all(|one| one.code == "not-ours"), "{problems:#?}");
    problems
}

/// Created between plan and apply: the example of a kind is planned, someone creates the same, and then the
/// plan is applied.
fn born(name: &str, tags: &Tags) {
    let kind = kind(name).expect("a kind");
    // A deleted secret keeps its name for days otherwise.
    let race =
        Race::new(&kind.example().replace("recovery_window_days           = 7", "recovery_window_days = 0"));
    let address: Address = format!("{name}.example").parse().expect("an address");
    race.apply();
    let only = Selection { targets: vec![address.to_string()], destroy: true, ..Selection::default() };
    let end = race.runtime.block_on(race.engine.apply(only, 8, async || ()));
    assert!(matches!(end, End::Done), "{end:?}");
    let desired = race.desired(&address);

    let made: RefCell<Option<(String, ErasedLive)>> = RefCell::default();
    let end = race.runtime.block_on(race.engine.apply_asking(
        Selection::default(),
        8,
        async || {
            let mut theirs = desired.clone();
            if let Value::Map(map) = &mut theirs {
                for text in ["description", "alarm_description", "display_name"] {
                    map.entry(text.to_owned()).and_modify(|text| *text = "Theirs".into());
                }
            }
            let id = make(&race.engine, kind, &theirs, tags).await;
            let cx = race.engine.cx(REGION);
            let look = async || read_all(kind, &cx, &[&id]).await.pop().flatten().expect("it was made");
            let mut live = look().await;
            // moto keeps the tags of a dashboard that was deleted.
            let left: Vec<String> =
                live.tags.keys().filter(|key| !tags.contains_key(*key)).cloned().collect();
            if kind.taggable() && !left.is_empty() {
                kind.tag(&cx, &id, &live.attrs, &Tags::new(), &left).await.expect("it can be untagged");
                live = look().await;
            }
            *made.borrow_mut() = Some((id, live));
        },
        async || (),
    ));
    let (id, before) = made.take().expect("the plan was shown");
    assert_eq!(race.look(kind, &id), Some(before), "{id} is someone else's, and was changed");
    if is_another(kind, &desired, &race.engine) {
        return;
    }
    let problems = not_ours(&end);
    let text = format!("{problems:?}");
    assert!(text.contains(&id) && text.contains("when the plan was made"), "{text}");
    if kind.taggable() {
        let whose = if tags.contains_key(Owner::STACK) { "of stack other/prod" } else { "team=finance" };
        assert!(text.contains(whose), "{text}");
    }
    let ledger = race.ledger();
    assert!(!ledger.resources.contains_key(&address) && !ledger.intents.contains_key(&address));
    // A new plan now refuses it as well.
    let problems = race.runtime.block_on(race.engine.plan()).expect_err("it is in the way");
    assert!(problems.iter().any(|one| one.code == "not-ours"), "{problems:?}");
}

macro_rules! kinds {
    ($($kind:ident: $_type:path,)*) => {
        mod of_another_stack {
            $(#[test] fn $kind() { super::born(stringify!($kind), &super::other(stringify!($kind))); })*
        }
    };
}

dwctl::each_kind!(kinds);

/// The same by a person, for kinds whose create call does not refuse.
#[test]
fn a_resource_created_by_a_person_meanwhile_is_not_overwritten() {
    let scope = Scope::of(REGION, "");
    for kind in KINDS.iter().filter(|kind| kind.on_existing(&scope) != OnExisting::Refuses) {
        born(kind.name(), &someone());
    }
}

const ALARM: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [cloudwatch_alarm.a]\nalarm_name = \"a\"\nalarm_description = \"Ours\"\nnamespace = \"AWS/SNS\"\n\
    metric_name = \"NumberOfMessagesPublished\"\nstatistic = \"Sum\"\nperiod = 300\nevaluation_periods = 1\n\
    threshold = 1\ncomparison_operator = \"GreaterThanThreshold\"\n";
const BUCKET: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [s3_bucket.a]\nbucket = \"shop-a\"\nversioning = true\n";
const RULE: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [eventbridge_rule.a]\nname = \"a\"\nschedule_expression = \"rate(1 hour)\"\n\
    targets = [{ id = \"log\", arn = \"arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/a\" }]\n";

/// Nothing can be done between the last read and the call, but the next read shows the change.
#[test]
fn a_resource_created_at_the_same_moment_is_left_after_the_first_read() {
    for (text, name, call) in [
        (ALARM, "cloudwatch_alarm", "PutMetricAlarm"),
        (BUCKET, "s3_bucket", "PUT s3"),
        (RULE, "eventbridge_rule", "PutRule"),
    ] {
        for tags in [other(name), someone()] {
            let kind = kind(name).expect("a kind");
            let race = Race::new(text);
            let address: Address = format!("{name}.a").parse().expect("an address");
            let mut spec = race.desired(&address);
            if let Value::Map(map) = &mut spec {
                map.insert("targets".to_owned(), Value::List(Vec::new()));
                map.retain(|name, _| {
                    kind.schema().spec.fields().is_some_and(|fields| fields.contains_key(name))
                });
            }
            let spec = normalize(&kind.schema().spec, spec);
            race.engine.wire.trap(call, Fault::Intrude);
            let end = race.runtime.block_on(race.engine.apply(Selection::default(), 8, async || {
                make(&race.engine, kind, &spec, &tags).await;
            }));
            assert!(race.engine.wire.faults_hit().len() == 1, "{:?}", race.engine.wire.faults_hit());
            let text = format!("{:?}", not_ours(&end));
            assert!(text.contains("at the same moment"), "{text}");
            let id = kind.identity(Known(&spec), &race.engine.session.scope(REGION)).id().expect("named");
            let live = race.look(kind, &id).expect("it is there");
            assert_eq!(live.tags, tags, "{name}");
            let set = |name: &str| live.spec.get(name).cloned().unwrap_or_default();
            assert!(!set("versioning").as_bool().unwrap_or(false), "{name} was updated");
            assert!(matches!(set("targets"), Value::Null | Value::List(_)));
            if let Value::List(targets) = set("targets") {
                assert!(targets.is_empty(), "{name} was updated");
            }
            let ledger = race.ledger();
            assert!(ledger.resources.is_empty() && ledger.intents.is_empty(), "{:?}", ledger.resources);
        }
    }
}

/// After a create whose answer was lost, the resource is found again, and not created twice.
#[test]
fn a_create_without_an_answer_finds_its_own() {
    for (text, call) in [(ALARM, "PutMetricAlarm"), (BUCKET, "PUT s3"), (RULE, "PutRule")] {
        for fault in [Fault::Lost, Fault::Late, Fault::Cut, Fault::Internal] {
            let race = Race::new(text);
            race.engine.wire.trap(call, fault);
            race.apply();
            assert_eq!(race.engine.wire.faults_hit().len(), 1, "{call}");
            assert_eq!(race.ledger().resources.len(), 1);
            let plan = race.runtime.block_on(race.engine.plan()).expect("a plan");
            assert!(plan.is_empty(), "{call} {fault:?}");
        }
    }
}

/// A rename, create-before-delete, and someone was faster.
#[test]
fn a_replacement_whose_name_was_taken_keeps_the_old_resource_known() {
    for first in [true, false] {
        let declare = |name: &str| {
            ALARM.replace("\"a\"", &format!("\"{name}\""))
                + &format!("lifecycle = {{ create_before_destroy = {first} }}\n")
        };
        let race = Race::new(&declare("a"));
        race.apply();
        race.project.write(&declare("b"));
        let kind = kind("cloudwatch_alarm").expect("a kind");
        let spec = race.look(kind, "a").expect("there").spec;
        let mut spec = spec.as_map().cloned().expect("a spec");
        spec.insert("alarm_name".to_owned(), "b".into());
        let spec = Value::Map(spec);
        let tags = other("cloudwatch_alarm");
        let end = race.runtime.block_on(race.engine.apply_asking(
            Selection::default(),
            8,
            async || drop(make(&race.engine, kind, &spec, &tags).await),
            async || (),
        ));
        not_ours(&end);
        assert_eq!(race.look(kind, "b").expect("there").tags, tags);
        let ledger = race.ledger();
        let known: Vec<&str> = ledger.resources.values().map(|entry| entry.id.as_str()).collect();
        assert_eq!(known, if first { vec!["a"] } else { vec![] });
        assert!(ledger.deposed.is_empty() && ledger.intents.is_empty());
        assert_eq!(race.look(kind, "a").is_some(), first);
    }
}

/// A resource that another stack took over while the question was open is neither deleted nor changed, and
/// keeps its tags.
#[test]
fn a_resource_taken_over_after_the_plan_is_neither_changed_nor_deleted() {
    let declare = |rest: &str| format!("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n{rest}");
    let topic = "[sns_topic.a]\nname = \"a\"\n";
    let retained = "[sns_topic.a]\nname = \"a\"\nlifecycle = { retain = true }\n";
    let changed = "[sns_topic.a]\nname = \"a\"\ndisplay_name = \"New\"\n";
    let renamed = "[sns_topic.a]\nname = \"b\"\n";
    for (before, after, refused) in
        [(topic, "", true), (topic, changed, true), (topic, renamed, true), (retained, "", false)]
    {
        let race = Race::new(&declare(before));
        race.apply();
        race.project.write(&declare(after));
        let kind = kind("sns_topic").expect("a kind");
        let id = race.ledger().resources.values().next().expect("a topic").id.clone();
        let theirs: RefCell<Option<ErasedLive>> = RefCell::default();
        let end = race.runtime.block_on(race.engine.apply_asking(
            Selection::default(),
            8,
            async || {
                let cx = race.engine.cx(REGION);
                let live = read_all(kind, &cx, &[&id]).await.pop().flatten().expect("there");
                kind.tag(&cx, &id, &live.attrs, &other("sns_topic"), &[]).await.expect("it can be tagged");
                *theirs.borrow_mut() = read_all(kind, &cx, &[&id]).await.pop().flatten();
            },
            async || (),
        ));
        if refused {
            let text = format!("{:?}", not_ours(&end));
            assert!(text.contains("of stack other/prod"), "{text}");
        } else {
            assert!(matches!(end, End::Done), "{end:?}");
        }
        assert_eq!(race.look(kind, &id), theirs.take(), "{after}");
    }
}

#[test]
fn an_apply_that_fails_only_on_foreign_resources_exits_with_7() {
    let project = Project::new(&format!("{ALARM}{}", "[sns_topic.t]\nname = \"t\"\n"));
    // The apply is held before it creates the alarm, until someone else has created it.
    let gate = crate::gate::Gate::before(&project.cloud.emulator());
    gate.halt("PutMetricAlarm", false);
    let mut command =
        project.command_without_endpoint(&["apply", "--yes", "--endpoint-url", &gate.endpoint()]);
    let child = command.spawn().expect("dwctl can be run");
    gate.await_held();
    project.with(async |_, cx| {
        let put = cx.aws.cloudwatch().put_metric_alarm().alarm_name("a").namespace("AWS/SNS");
        let put = put.metric_name("x").evaluation_periods(1).period(60).threshold(2.0);
        let put = put.statistic(aws_sdk_cloudwatch::types::Statistic::Sum);
        let put =
            put.comparison_operator(aws_sdk_cloudwatch::types::ComparisonOperator::GreaterThanThreshold);
        let tag = aws_sdk_cloudwatch::types::Tag::builder().key("team").value("finance").build();
        put.tags(tag).send().await.expect("made");
    });
    gate.release();
    let run = crate::harness::finish(child, "apply");
    run.exits(7).says("not-ours").says("1 created").says("1 failed").says("team=finance");
    project.run(&["plan"]).exits(7).says("team=finance");
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
}

const NETWORK: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
    [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n\
    [ec2_security_group.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ngroup_name = \"a\"\ndescription = \"A\"\n\
    [kms_key.a]\ndescription = \"A\"\n[sns_topic.a]\nname = \"a\"\n\
    [cloudwatchlogs_log_group.a]\nlog_group_name = \"/a\"\n\
    [iam_role.a]\nrole_name = \"a\"\nassume_role_policy_document = { Version = \"2012-10-17\", \
    Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }\n";

/// The ids, by address.
fn ids(ledger: &Ledger) -> BTreeMap<String, String> {
    ledger.resources.iter().map(|(address, entry)| (address.to_string(), entry.id.clone())).collect()
}

#[test]
fn one_empty_answer_recreates_nothing() {
    let race = Race::new(NETWORK);
    race.apply();
    let before = ids(&race.ledger());
    race.engine.wire.follow(Vec::new());
    race.runtime.block_on(race.engine.plan()).expect("a plan");
    let requests = race.engine.wire.count();
    let mut hit = 0;
    for at in 1..=requests {
        race.engine.wire.follow(vec![(at, Fault::Empty)]);
        let plan = race.runtime.block_on(race.engine.plan()).expect("a plan");
        hit += race.engine.wire.faults_hit().len();
        assert!(
            plan.is_empty(),
            "{:?}: {:?}",
            race.engine.wire.faults_hit(),
            plan.effective().collect::<Vec<_>>()
        );
    }
    assert!(hit >= 7, "{hit} of {requests} requests");
    // An apply that changes something, and a destroy, at any of their reads.
    let mut text = NETWORK.replace("[sns_topic.a]\n", "[sns_topic.a]\ndisplay_name = \"0\"\n");
    for at in 1..=requests + 4 {
        text = text.replace(&format!("\"{}\"", at - 1), &format!("\"{at}\""));
        race.project.write(&text);
        race.engine.wire.follow(vec![(at, Fault::Empty)]);
        race.apply();
        assert_eq!(ids(&race.ledger()), before, "{:?}", race.engine.wire.faults_hit());
    }
}

/// A resource was taken over since the plan, and the first read before its deletion does not show it.
#[test]
fn one_empty_answer_before_a_deletion_does_not_hide_the_owner() {
    const PARTS: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n\
        [sns_subscription.a]\ntopic_arn = \"${sns_topic.a.arn}\"\nprotocol = \"sqs\"\n\
        endpoint = \"arn:aws:sqs:us-east-1:123456789012:q\"\n";
    let topic = kind("sns_topic").expect("a kind");
    // The topic, and a subscription, whose owner is that of its topic.
    for target in ["sns_topic.a", "sns_subscription.a"] {
        let race = Race::new(PARTS);
        race.apply();
        let id = ids(&race.ledger())["sns_topic.a"].clone();
        let only = Selection { destroy: true, targets: vec![target.to_owned()], ..Selection::default() };
        let end = race.runtime.block_on(race.engine.apply_asking(
            only,
            8,
            async || {
                let cx = race.engine.cx(REGION);
                let live = read_all(topic, &cx, &[&id]).await.pop().flatten().expect("there");
                topic.tag(&cx, &id, &live.attrs, &other("sns_topic"), &[]).await.expect("it can be tagged");
                race.engine.wire.trap("GetTopicAttributes", Fault::Empty);
            },
            async || (),
        ));
        assert_eq!(race.engine.wire.faults_hit().len(), 1, "{target}");
        assert!(format!("{:?}", not_ours(&end)).contains("of stack other/prod"), "{target}: {end:?}");
        assert!(race.look(topic, &id).is_some(), "{target}");
        let entry = ids(&race.ledger())["sns_subscription.a"].clone();
        let subscription = kind("sns_subscription").expect("a kind");
        assert!(race.look(subscription, &entry).is_some(), "{target}");
    }
}

/// A released resource loses its owner tags even if one answer does not show it.
#[test]
fn one_empty_answer_leaves_no_owner_tags_on_a_released_resource() {
    let text = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
    let race = Race::new(&format!("{text}[sns_topic.a]\nname = \"a\"\n"));
    race.apply();
    let id = ids(&race.ledger())["sns_topic.a"].clone();
    race.project.write(&format!("{text}[[removed]]\nfrom = \"sns_topic.a\"\n"));
    let end = race.runtime.block_on(race.engine.apply_asking(
        Selection::default(),
        8,
        async || race.engine.wire.trap("GetTopicAttributes", Fault::Empty),
        async || (),
    ));
    assert!(matches!(end, End::Done), "{end:?}");
    assert_eq!(race.engine.wire.faults_hit().len(), 1);
    let live = race.look(kind("sns_topic").expect("a kind"), &id).expect("it stays");
    assert_eq!(Owner::of(&live.tags), None);
}

#[test]
fn a_deleted_resource_is_recreated_within_seconds() {
    let race = Race::new(NETWORK);
    race.apply();
    let ledger = race.ledger();
    let address: Address = "sns_topic.a".parse().expect("an address");
    let entry = &ledger.resources[&address];
    race.runtime.block_on(async {
        race.engine.cx(REGION).aws.sns().delete_topic().topic_arn(&entry.id).send().await.expect("deleted");
    });
    let began = std::time::Instant::now();
    let plan = race.runtime.block_on(race.engine.plan()).expect("a plan");
    assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    let gone: Vec<_> = plan.effective().map(|one| (&one.address, one.action, &one.reason)).collect();
    assert_eq!(gone, [(&address, Action::Create, &Reason::Vanished)]);
    race.apply();
}

/// A resource that the plan took for deleted exists when it is applied: it is not created twice, and nothing
/// that depends on it is replaced.
#[test]
fn a_resource_that_reappears_after_the_plan_is_not_created_twice() {
    let race = Race::new(NETWORK);
    race.apply();
    let before = ids(&race.ledger());
    let topic = kind("sns_topic").expect("a kind");
    let id = before["sns_topic.a"].clone();
    let live = race.look(topic, &id).expect("there");
    race.runtime.block_on(async {
        race.engine.cx(REGION).aws.sns().delete_topic().topic_arn(&id).send().await.expect("deleted");
    });
    let end = race.runtime.block_on(race.engine.apply_asking(
        Selection::default(),
        8,
        async || drop(make(&race.engine, topic, &live.spec, &live.tags).await),
        async || (),
    ));
    let End::Failed(problems) = end else { panic!("{end:?}") };
    assert_eq!(problems[0].code, "still-there", "{problems:?}");
    race.apply();
    assert_eq!(ids(&race.ledger()), before);
}

/// A second resource with the tags of the first, and one of an undeclared address.
#[test]
fn plan_drift_and_destroy_report_a_duplicate_outside_the_ledger() {
    let text =
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n";
    let project = Project::new(text);
    project.apply().says_not("in no ledger");
    project.settled();
    let vpc = kind("ec2_vpc").expect("a kind");
    let live = project.live("ec2_vpc.main").expect("there");
    let make = |tags: &Tags| {
        project.with(async |_, cx| {
            let new = NewResource { tags, token: "0b9f3f5e-91c4-4a55-b5c1-1f2d6a3c0002" };
            vpc.create(cx, &live.spec, new).await.expect("made").id
        })
    };
    let twin = make(&live.tags);
    let mut tags = live.tags.clone();
    tags.insert(Owner::ADDRESS.to_owned(), "ec2_vpc.old".to_owned());
    let old = make(&tags);
    let mut tags = live.tags;
    tags.insert(Owner::ENV.to_owned(), "prod".to_owned());
    let others = make(&tags);
    // Every format for reviewers says so.
    project.run(&["plan", "--out", "saved.json"]).exits(0);
    for format in ["markdown", "html", "json", "sarif", "junit"] {
        // A saved plan says so, too.
        for verb in [&["plan"][..], &["drift"], &["show", "saved.json"]] {
            let run = project.run(&[verb, &["--format", format]].concat()).exits(0);
            let text = run.stdout.replace("&#39;", "'").replace("&#x27;", "'").replace("&apos;", "'");
            for id in [&twin, &old] {
                let words = format!("ec2_vpc {id} has this stack's owner tags, but is in no ledger");
                assert!(text.contains(&words), "{format}: {text}");
            }
        }
    }
    for arguments in
        [&["plan"][..], &["drift"], &["apply", "--yes"], &["plan", "--destroy"], &["destroy", "--yes"]]
    {
        let run = project.run(arguments).exits(0);
        let known = project.ledger().resources.values().next().map(|entry| entry.id.clone());
        let run = run
            .says(&format!("ec2_vpc {twin} has this stack's owner tags, but is in no ledger"))
            .says(&format!("ec2_vpc {old} has this stack's owner tags, but is in no ledger"))
            .says("dwctl ledger recover")
            .says_not(&others);
        if let Some(known) = known {
            run.says(&format!("its tags say that it is ec2_vpc.main, but that is {known}"));
        }
    }
    assert!(project.ledger().resources.is_empty());
    for id in [twin, old, others] {
        assert!(
            project.read(vpc, &dwctl::aws::Place::of(REGION), &id, &Value::Null).is_some(),
            "{id} is left"
        );
    }
}

/// A clone without the ledger finds the resources of the stack.
#[test]
fn a_clone_without_the_ledger_says_that_a_ledger_exists() {
    let text = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n";
    let project = Project::new(text);
    project.run(&["plan"]).exits(0).says_not("no ledger");
    project.apply().says_not("no ledger");
    project.run(&["plan"]).exits(0).says_not("no ledger");
    let kept = project.stack().join("kept");
    std::fs::rename(project.stack().join(".dwctl"), &kept).expect("a ledger");
    let tells = |run: crate::harness::Run| {
        run.says("shop/default has no ledger here, but 1 of its resources exist")
            .says("sns_topic.a")
            .says("dwctl ledger recover")
            .says("[ledger]")
    };
    tells(project.run(&["plan", "--detailed-exitcode"]).exits(0));
    tells(project.run(&["drift"]).exits(0));
    tells(project.run(&["apply", "--yes"]).exits(0));
    project.run(&["plan"]).exits(0).says_not("no ledger");
}
