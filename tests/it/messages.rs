//! Messages are accurate: counts, words if nothing happens, and anything that a reader might mistake for
//! something else.

use std::process::Stdio;
use std::time::{Duration, Instant};

use dwctl::kind::ReadRequest;
use dwctl::kinds::kind;
use dwctl::plan::format::{Format, Options, render};
use dwctl::plan::{Plan, Selection, TextOptions};
use dwctl::value::Value;
use serde_json::Value as Json;

use crate::account::{Account, ROLE};
use crate::exchange::{Exchange, on};
use crate::harness::{Project, finish};
use crate::interrupt::signal;
use crate::paper;

const FOUR: &str = "[sns_topic.t]\nfor_each = [\"a\", \"b\", \"c\", \"d\"]\nname = \"t-${each.key}\"\n";

fn shown(plan: &Plan, format: Format, drift: bool) -> String {
    let text = TextOptions { drift, ..TextOptions::default() };
    render(format, plan, &Options { text, ..Options::default() })
}

fn json(plan: &Plan, drift: bool) -> Json {
    serde_json::from_str(&shown(plan, Format::Json, drift)).expect("JSON")
}

fn of(target: &str) -> Selection {
    Selection { targets: vec![target.to_owned()], ..Selection::default() }
}

#[test]
fn unselected_resources_are_not_counted_as_unchanged() {
    let nothing = Account::after("");
    let plan = nothing.planned(FOUR, &of("sns_topic.t[\"a\"]")).expect("a plan");
    let counts = "1 to create · 0 unchanged · 3 not selected";
    assert!(shown(&plan, Format::Text, false).contains(counts));
    assert!(shown(&plan, Format::Markdown, false).contains(&format!("`shop/default` · {counts}\n")));
    assert!(shown(&plan, Format::Html, false).contains(counts));
    let report = json(&plan, false);
    let counted = ["unchanged", "not_selected", "not_applied"].map(|name| report["dwctl"][name].clone());
    assert_eq!(counted, [0, 3, 0]);
    assert_eq!(report["resource_changes"].as_array().map(Vec::len), Some(1), "{report}");
    let junit = shown(&plan, Format::Junit, false);
    assert!(junit.contains("tests=\"4\"") && junit.contains("skipped=\"3\""), "{junit}");
    assert_eq!(junit.matches("<skipped message=\"not selected\"/>").count(), 3, "{junit}");

    // Only a part of the resources exists.
    let some = Account::after(&FOUR.replace(", \"c\", \"d\"", ""));
    let plan = some.plan(FOUR, &of("sns_topic.t[\"a\"]"));
    assert!(plan.contains("No changes: the selected resources match the stack."), "{plan}");
    assert!(plan.contains("1 unchanged · 3 not selected"), "{plan}");
    let plan = some.plan(FOUR, &Selection::default());
    assert!(plan.contains("2 to create · 2 unchanged\n"), "{plan}");
}

#[test]
fn missing_resources_are_not_counted_as_destroyed() {
    let destroy = Selection { destroy: true, ..Selection::default() };
    let plan = Account::after("").plan(FOUR, &destroy);
    assert!(plan.contains("Nothing to destroy: none of the stack's resources exists."), "{plan}");
    assert!(plan.contains("\n0 unchanged\n") && !plan.contains("match"), "{plan}");
    let some = Account::after(&FOUR.replace("\"c\", \"d\"", "\"c\""));
    let plan = some.plan(FOUR, &Selection { destroy: true, ..of("sns_topic.t[\"d\"]") });
    assert!(plan.contains("Nothing to destroy: none of the selected resources exists."), "{plan}");
    assert!(plan.contains("0 unchanged · 3 not selected"), "{plan}");
    let plan = some.plan(FOUR, &destroy);
    assert!(plan.contains("3 to destroy · 0 unchanged\n"), "{plan}");
}

#[test]
fn resources_never_created_have_no_drift() {
    let some =
        Account::after(&FOUR.replace(", \"c\", \"d\"", "")).set("sns_topic.t[\"b\"]", "display_name", "B");
    let selection = Selection { drift: true, ..Selection::default() };
    let plan = some.planned(FOUR, &selection).expect("a plan").drift();
    let counts = "1 changed outside dwctl · 1 without drift · 2 not applied yet";
    assert!(shown(&plan, Format::Text, true).contains(counts), "{}", shown(&plan, Format::Text, true));
    let report = json(&plan, true);
    assert_eq!((&report["dwctl"]["unchanged"], &report["dwctl"]["not_applied"]), (&1.into(), &2.into()));
    let junit = shown(&plan, Format::Junit, true);
    assert_eq!(junit.matches("<skipped message=\"not applied yet\"/>").count(), 2, "{junit}");
}

#[test]
fn an_output_that_is_no_longer_secret_is_a_change() {
    let topic = |sensitive: bool| {
        format!(
            "[sns_topic.t]\nname = \"t\"\n[output.word]\nvalue = \"hunter-two\"\nsensitive = {sensitive}\n"
        )
    };
    for (was, is, words) in [
        (true, false, "~ word = (secret until now, visible after the apply)"),
        (false, true, "~ word = (visible until now, secret)"),
    ] {
        let mut plan =
            Account::after(&topic(was)).planned(&topic(is), &Selection::default()).expect("a plan");
        let report = json(&plan, false);
        let change = &report["output_changes"]["word"];
        assert_eq!(change["actions"], serde_json::json!(["update"]));
        assert_eq!((&change["before_sensitive"], &change["after_sensitive"]), (&was.into(), &is.into()));
        plan.redact(None);
        let text = shown(&plan, Format::Text, false);
        assert!(text.contains(words) && !text.contains("hunter-two"), "{text}");
        assert!(
            text.contains("No changes to resources: AWS matches the stack, except for outputs."),
            "{text}"
        );
        assert!(shown(&plan, Format::Markdown, false).contains("! word = ("), "{text}");
    }
    let same = Account::after(&topic(true)).plan(&topic(true), &Selection::default());
    assert!(same.contains("No changes: AWS matches") && !same.contains("outputs"), "{same}");
}

/// A removed grant must not read like an existing one.
#[test]
fn junit_shows_added_and_removed_grants() {
    let wider = ROLE.replace("\"s3:GetObject\", ", "\"s3:GetObject\", \"s3:PutObject\", ");
    for (before, after, sign) in [(ROLE, wider.as_str(), '+'), (&wider, ROLE, '-')] {
        let plan = Account::after(before).planned(after, &Selection::default()).expect("a plan");
        let junit = shown(&plan, Format::Junit, false);
        let line = junit.lines().rfind(|line| line.contains("s3:PutObject")).expect("the grant");
        assert!(line.starts_with(&format!("{sign} ")), "{junit}");
    }
}

/// Code scanning shows a result in a file of the repository.
#[test]
fn sarif_places_destroyed_resources_in_the_stack_file() {
    let stack = |topics: &str| paper::headed(topics);
    let place = paper::folder(&[
        ("old/stack.toml", &stack("[sns_topic.a]\nname = \"a\"\n")),
        ("stacks/new/main.toml", "[sns_topic.b]\nname = \"b\"\n"),
        ("stacks/new/stack.toml", &format!("# A comment\n{}", stack(""))),
    ]);
    let run = paper::dwctl(place.path(), &["diff", "old", "stacks/new", "--format", "sarif"]);
    let sarif: Json = serde_json::from_str(&run.stdout).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let gone = results.iter().find(|one| one["ruleId"] == "dwctl/destroy").expect("what is destroyed");
    let place = &gone["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "stacks/new/stack.toml", "{gone}");
    assert_eq!(place["region"]["startLine"], 2, "{gone}");
}

#[test]
fn one_day_is_singular() {
    let logs = |days: u32| {
        format!("[cloudwatchlogs_log_group.l]\nlog_group_name = \"l\"\nretention_in_days = {days}\n")
    };
    let plan = Account::after(&logs(7)).plan(&logs(1), &Selection::default());
    assert!(plan.contains("log events are kept 1 day instead of 7 days"), "{plan}");
    let bucket = |days: u32| {
        format!(
            "[s3_bucket.b]\nbucket = \"shop-b\"\nlifecycle_rules = [{{ id = \"old\", expiration = {{ days = {days} }} }}]\n"
        )
    };
    let plan = Account::after(&bucket(7)).plan(&bucket(1), &Selection::default());
    assert!(plan.contains("after 1 day") && !plan.contains("1 days"), "{plan}");
    let valid = paper::folder(&[("stack.toml", &paper::headed("[sns_topic.a]\nname = \"a\"\n"))]);
    assert_eq!(paper::dwctl(valid.path(), &["validate"]).stdout, "shop/default is valid: 1 resource\n");
}

#[test]
fn unnamed_queues_are_identified_by_their_changes() {
    let group = |queues: &str| {
        format!(
            "[redshift_cluster_parameter_group.w]\nparameter_group_name = \"w\"\nparameter_group_family = \
             \"redshift-1.0\"\ndescription = \"w\"\nwlm_json_configuration = [{queues}]\n"
        )
    };
    for (before, after, expected) in [
        (
            "{ query_concurrency = 15 }",
            "{ query_concurrency = 10 }",
            &["~ queue 1: query_concurrency  15 → 10"][..],
        ),
        (
            "{ query_group = [\"etl\"], query_concurrency = 15 }, { query_concurrency = 5 }",
            "{ query_group = [\"etl\"], query_concurrency = 10 }, { query_concurrency = 6 }",
            &["~ queue 1: query_concurrency  15 → 10", "~ queue 2: query_concurrency  5 → 6"],
        ),
        // A new queue before the last one, which is the default queue.
        (
            "{ query_concurrency = 5 }",
            "{ query_group = [\"etl\"], query_concurrency = 10 }, { query_concurrency = 6 }",
            &["+ queue 1", "~ queue 2: query_concurrency  5 → 6"],
        ),
        (
            "{ query_group = [\"etl\"], query_concurrency = 5 }, { query_concurrency = 5 }",
            "{ query_group = [\"load\"], query_concurrency = 5 }, { query_concurrency = 5 }",
            &["~ queue 1: query_group[0]  \"etl\" → \"load\""],
        ),
    ] {
        let plan = Account::after(&group(before)).plan(&group(after), &Selection::default());
        let lines: Vec<&str> = plan.lines().map(str::trim).filter(|line| line.contains("queue")).collect();
        assert_eq!(lines, expected, "{plan}");
    }
}

#[test]
fn validate_reports_a_cycle_of_moves() {
    let moved =
        |from: &str, to: &str| format!("[[moved]]\nfrom = \"sns_topic.{from}\"\nto = \"sns_topic.{to}\"\n");
    let topic = "[sns_topic.c]\nname = \"c\"\n";
    assert_eq!(paper::problems(&format!("{topic}{}{}", moved("a", "b"), moved("b", "c"))), "");
    for (blocks, words) in [
        (
            moved("a", "b") + &moved("b", "a"),
            "the [[moved]] blocks form a cycle: sns_topic.a → sns_topic.b → sns_topic.a",
        ),
        (moved("c", "c"), "the [[moved]] blocks form a cycle: sns_topic.c → sns_topic.c"),
        (moved("a", "c") + &moved("b", "c"), "sns_topic.a and sns_topic.b both become sns_topic.c"),
    ] {
        let said = paper::problems(&format!("{topic}{blocks}"));
        assert!(said.contains(words) && said.contains("stack.toml:"), "{words}\n{said}");
    }
}

#[test]
fn an_interrupted_destroy_says_to_run_destroy_again() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.t]\n\
         for_each = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\nname = \"t-${each.key}\"\n",
    );
    project.apply();
    project.cloud.disturb("latency_ms=300");
    let mut command = project.command(&["destroy", "--yes", "--parallelism", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("dwctl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while project.cloud.calls("sns:DeleteTopic") < 2 {
        assert!(
            child.try_wait().expect("a child").is_none() && Instant::now() < deadline,
            "it is not stopped"
        );
        std::thread::sleep(Duration::from_millis(3));
    }
    signal(&child, "-INT");
    finish(child, "destroy")
        .exits(6)
        .says("The ledger records what is left; run destroy again to continue.")
        .says_not("run apply");
    project.cloud.disturb("latency_ms=0");
    project.run(&["destroy", "--yes"]).exits(0);
    project
        .run(&["destroy", "--yes"])
        .exits(0)
        .says("Nothing to destroy: none of the stack's resources exists.");
}

fn bucket(more: &str) -> String {
    format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n\
         [s3_bucket.lake]\nbucket = \"shop-lake\"\n{more}"
    )
}

fn put(project: &Project, key: &str) {
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"x");
    project.with(async |_, cx| {
        cx.aws.s3().put_object().bucket("shop-lake").key(key).body(body).send().await.expect("put");
    });
}

/// AWS does not delete a bucket with objects. This is reported before anything else is deleted.
#[test]
fn a_bucket_with_objects_is_refused_before_anything_is_destroyed() {
    let project = Project::new(&bucket("versioning = true\n"));
    project.apply();
    put(&project, "a.csv");
    put(&project, "a.csv");
    project
        .run(&["plan", "--destroy"])
        .exits(0)
        .plans(
            "s3_bucket.lake",
            "- destroy  AWS would refuse: it holds 2 versions of objects, such as `a.csv`",
        )
        .says("warning[not-empty]")
        .says("force_destroy = true");
    let before = project.cloud.writes();
    project
        .run(&["destroy", "--yes"])
        .exits(7)
        .says("AWS would not delete s3_bucket.lake: it holds 2 versions of objects")
        .says("nothing was changed")
        .says("--exclude 's3_bucket.lake'");
    assert_eq!(project.cloud.writes(), before);
    // A replacement deletes it, too.
    project.write(&bucket("versioning = true\n").replace("shop-lake", "shop-pond"));
    project.run(&["apply", "--yes"]).exits(7).says("AWS would not delete s3_bucket.lake");
    assert_eq!(project.cloud.writes(), before);

    project.write(&bucket("versioning = true\nforce_destroy = true\n"));
    project.run(&["destroy", "--yes"]).exits(7).says("apply that");
    project.apply();
    project.run(&["destroy", "--yes"]).exits(0).says("2 destroyed");
}

/// Objects that the stack deletes itself do not block the bucket, unless versioning keeps them.
#[test]
fn objects_of_the_stack_block_its_bucket_only_if_versioned() {
    let object =
        "[s3_object.code]\nbucket = \"${s3_bucket.lake.bucket}\"\nkey = \"code.py\"\ncontent = \"x\"\n";
    let project = Project::new(&bucket(object));
    project.apply();
    project.run(&["destroy", "--yes"]).exits(0).says("3 destroyed");

    project.write(&bucket(&format!("versioning = true\n{object}")));
    project.apply();
    project.run(&["destroy", "--yes"]).exits(7).says("it holds 1 version of an object, such as `code.py`");
    project.write(&bucket(&format!("versioning = true\n{object}force_destroy = true\n")));
    project.apply();
    project.run(&["destroy", "--yes"]).exits(0).says("3 destroyed");
}

/// The old endpoint of an unconfirmed subscription is still there, and reported.
#[test]
fn a_pending_subscription_remains_until_it_expires() {
    const ARN: &str = "arn:aws:sns:us-east-1:123456789012:t:0a";
    let entry = |name: &str, value: &str| format!("<entry><key>{name}</key><value>{value}</value></entry>");
    let attributes = [
        entry("PendingConfirmation", "true"),
        entry("TopicArn", "arn:aws:sns:us-east-1:123456789012:t"),
        entry("Protocol", "https"),
        entry("Endpoint", "https://hooks.example.com/old"),
        entry("Owner", "123456789012"),
    ];
    let answer = format!("<Attributes>{}</Attributes>", attributes.concat());
    let exchange = Exchange::of([on("sns:GetSubscriptionAttributes").answers(answer).stays()]);
    let subscription = kind("sns_subscription").expect("a kind");
    let spec = Value::map([
        ("topic_arn", "arn:aws:sns:us-east-1:123456789012:t"),
        ("protocol", "https"),
        ("endpoint", "https://hooks.example.com/new"),
    ]);
    let request = |attributes, spec| ReadRequest { attributes, spec, ..ReadRequest::of(ARN) };
    exchange.with(async |cx| {
        let read = async |request: ReadRequest| {
            let read = subscription.read_many(cx, &[request]).await.pop().expect("one answer");
            read.expect("an answer")
        };
        let changed = read(request(None, spec)).await.expect("it is there, with the old endpoint");
        assert_eq!(changed.spec.get("endpoint"), Some(&"https://hooks.example.com/old".into()));
        assert!(read(request(None, Value::Null)).await.is_some(), "what goes is shown");
        let given_up = read(request(Some(Default::default()), Value::Null)).await;
        assert!(given_up.is_none(), "what was deleted is waited for");
        let delete_check =
            subscription.check_delete(cx, ARN, &changed.spec, &changed.attrs, &[]).await.expect("an answer");
        let words = format!("{delete_check:?}");
        assert!(words.contains("not confirmed") && words.contains("48 hours"), "{words}");
    });
}

/// One error does not hide others, and none is reported twice.
#[test]
fn every_mistake_is_reported_at_once() {
    let said = paper::problems(
        "[glue_job.a]\nname = \"a\"\nrole = \"arn:aws:iam::111111111111:role/glue\"\ncommand = { script_location = \"s3://b/a.py\" }\n\
         glue_version = \"5.0\"\nworker_type = \"G.1X\"\nnumber_of_workers = 1\ntimeout = 60\ndescription = \"${var.nope}\"\n\
         [sns_topic.b]\nname = \"b\"\ncount = 2\ndisplay_nam = \"B\"\ndisplay_name = \"${upper(\"\n\
         [sns_topic.c]\nname = \"${local.nope}\"\nlifecycle = { protekt = true, ignore_changes = [\"displayname\"] }\n\
         [sns_topic.d]\nname = \"d\"\nwhen = \"${1 + }\"\nfifo = true\n\
         [s3_bucket.e]\nbucket = \"UPPER\"\nversioning = \"${nope.x.y}\"\n",
    );
    for words in [
        "glue_job has no attribute `timeout`",
        "did you mean `timeout_minutes`?",
        "a `glueetl` job has at least 2 workers, not 1",
        "`nope`",
        "`count` is not supported",
        "did you mean `display_name`?",
        "`lifecycle` has no `protekt`",
        "no attribute `displayname` to ignore",
        "sns_topic has no attribute `fifo`",
        "stack.toml:",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let places: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("-->")).collect();
    let unique: std::collections::BTreeSet<&&str> = places.iter().collect();
    assert_eq!(places.len(), unique.len(), "a place is told twice\n{said}");
}

/// Not every refusal can be solved by more permissions.
#[test]
fn advice_on_a_refusal_depends_on_its_reason() {
    use dwctl::aws::{Class, Error};
    let refused = |words: &str| {
        let error = Error::finding(
            Class::Denied,
            format!(
                "User: arn:aws:iam::111111111111:user/a is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::b\" {words}"
            ),
        );
        Error { operation: "s3:PutBucketPolicy".to_owned(), ..error }.advice("").expect("a help")
    };
    for (words, help) in [
        (
            "because no identity-based policy allows the s3:PutBucketPolicy action",
            "allow the caller s3:PutBucketPolicy",
        ),
        (
            "because public policies are blocked by the BlockPublicPolicy block public access setting.",
            "public access is blocked",
        ),
        (
            "with an explicit deny in a service control policy",
            "a service control policy of the organisation denies",
        ),
        ("with an explicit deny in an identity-based policy", "explicitly, so allowing it does not help"),
    ] {
        assert!(refused(words).contains(help), "{words}: {}", refused(words));
    }
}
