//! `--json`: the events of an apply. Also the output to a runner of GitHub Actions, which executes
//! some lines as commands.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::Value as Json;

use crate::harness::{Project, Run, finish, run};
use crate::interrupt::{STACK, signal};
use crate::secrets::Echo;

/// One resource needs the other. There are two outputs, one of them secret.
const SMALL: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"Alerts\"\n\
    [sns_topic.copies]\nname = \"copies\"\ntags = { of = \"${sns_topic.alerts.arn}\" }\n\
    [output]\nalerts = \"${sns_topic.alerts.arn}\"\n\
    [output.hidden]\nvalue = '${sensitive(\"planted-events-secret\")}'\nsensitive = true\n";

/// The events of a run, which prints nothing else.
#[track_caller]
fn events(run: &Run) -> Vec<Json> {
    assert_eq!(run.stderr, "", "stderr holds nothing\n{run}");
    let events: Vec<Json> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{run}")))
        .collect();
    for event in &events {
        assert!(event["type"].is_string(), "{event}");
        let time = event["timestamp"].as_str().unwrap_or_default();
        assert!(time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'), "{event}");
        assert_eq!(event["@timestamp"], event["timestamp"]);
        for member in ["@level", "@message", "@module"] {
            assert!(event[member].is_string(), "{member} of {event}");
        }
        snake_case(event);
    }
    let first = events.first().unwrap_or_else(|| panic!("no event\n{run}"));
    assert_eq!(first["type"], "version");
    assert!(first["format_version"].is_string() && first["dwctl"] == env!("CARGO_PKG_VERSION"), "{first}");
    let last = events.last().expect("one is there");
    assert_eq!(
        (&last["type"], last["exit_code"].as_i64()),
        (&"end".into(), run.code.map(i64::from)),
        "{run}"
    );
    balanced(&events);
    events
}

/// Checks that names are in snake case, except Terraform's that begin with `@`, and names from the stack or
/// AWS.
fn snake_case(json: &Json) {
    let name = Regex::new("^@?[a-z][a-z0-9_]*$").unwrap();
    match json {
        Json::Object(members) => {
            for (member, value) in members {
                assert!(name.is_match(member), "{member}");
                if !matches!(member.as_str(), "by_service" | "outputs") {
                    snake_case(value);
                }
            }
        }
        Json::Array(list) => list.iter().for_each(snake_case),
        _ => {}
    }
}

/// Checks that every `apply_start` is followed by exactly one `apply_complete` or `apply_errored` of the same
/// address and action, and by nothing after that, and that none of these lacks a start.
#[track_caller]
fn balanced(events: &[Json]) -> usize {
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let mut begun = 0;
    for event in events {
        let hook = &event["hook"];
        let key = format!("{} {} {}", hook["resource"]["addr"], hook["action"], hook["deposed"]);
        match event["type"].as_str() {
            Some("apply_start") => {
                assert_eq!(*open.entry(key).and_modify(|count| *count += 1).or_insert(1), 1, "{event}");
                begun += 1;
            }
            Some("apply_progress") => assert!(open.contains_key(&key), "{event}"),
            Some("apply_complete" | "apply_errored") => {
                assert_eq!(open.remove(&key), Some(1), "{event}");
            }
            _ => assert!(hook.is_null(), "{event}"),
        }
    }
    assert!(open.is_empty(), "these never end: {open:?}");
    begun
}

fn of_type<'e>(events: &'e [Json], kind: &str) -> Vec<&'e Json> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

/// The only event of a type.
#[track_caller]
fn one<'e>(events: &'e [Json], kind: &str) -> &'e Json {
    let found = of_type(events, kind);
    assert_eq!(found.len(), 1, "{kind} in {events:#?}");
    found[0]
}

/// The stream without times, versions, counts of calls and request ids.
fn shown(run: &Run) -> String {
    let mut text = run.stdout.clone();
    for (pattern, with) in [
        (r#""(@?timestamp)":"[^"]*""#, "\"$1\":\"TIME\""),
        (r#""elapsed_seconds":[0-9.]+"#, "\"elapsed_seconds\":0"),
        (r"in [0-9.]+ s\b", "in 0 s"),
        (r"\b[0-9]+ calls", "N calls"),
        (r#""by_service":\{[^}]*\}"#, "\"by_service\":{}"),
        (r#""total":[0-9]+"#, "\"total\":0"),
        (r"request id [A-Za-z0-9-]+", "request id ID"),
        (&format!("\\b{}\\b", regex::escape(env!("CARGO_PKG_VERSION"))), "VERSION"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, with).into_owned();
    }
    text
}

fn json(project: &Project, verb: &str, more: &[&str]) -> Run {
    let arguments: Vec<&str> = [verb, "--json", "--parallelism", "1"].iter().chain(more).copied().collect();
    project.run(&arguments)
}

#[test]
fn the_stream_of_an_apply_of_one_without_changes_and_of_a_destroy() {
    let project = Project::new(SMALL);
    let made = json(&project, "apply", &["--yes"]).exits(0).says_not("planted-events-secret");
    assert_eq!(balanced(&events(&made)), 2);
    insta::assert_snapshot!("events_apply", shown(&made));

    let nothing = json(&project, "apply", &["--yes"]).exits(0).says_not("planted-events-secret");
    assert_eq!(balanced(&events(&nothing)), 0);
    insta::assert_snapshot!("events_no_changes", shown(&nothing));

    let gone = json(&project, "destroy", &["--yes"]).exits(0);
    assert_eq!(balanced(&events(&gone)), 2);
    insta::assert_snapshot!("events_destroy", shown(&gone));
}

#[test]
fn the_stream_of_an_apply_that_fails() {
    let project = Project::new(SMALL);
    project.cloud.disturb("error_nth=every:1:403:AuthorizationError&fault_match=sns:CreateTopic");
    let run = json(&project, "apply", &["--yes"]).exits(1);
    let events = events(&run);
    assert_eq!(balanced(&events), 1);
    let diagnostic = &one(&events, "diagnostic")["diagnostic"];
    assert!(diagnostic["detail"].as_str().unwrap_or_default().contains("request id "), "{run}");
    assert_eq!(diagnostic["range"]["start"]["line"], 4, "{run}");
    insta::assert_snapshot!("events_failure", shown(&run));
}

#[test]
fn json_apply_needs_yes_unless_the_plan_is_saved() {
    let project = Project::new(SMALL);
    let run = json(&project, "apply", &[]).exits(7);
    let all = events(&run);
    let diagnostic = &one(&all, "diagnostic")["diagnostic"];
    assert_eq!(diagnostic["summary"], "--json cannot ask for confirmation", "{run}");
    json(&project, "destroy", &[]).exits(7).says("--json cannot ask for confirmation");

    project.run(&["plan", "--out", "p.dwplan"]).exits(0);
    let run = project.run(&["apply", "p.dwplan", "--json"]).exits(0);
    assert_eq!(balanced(&events(&run)), 2);
    let run = project.run(&["apply", "p.dwplan", "--json"]).exits(7);
    assert!(!of_type(&events(&run), "diagnostic").is_empty(), "a stale plan is an event\n{run}");
}

#[test]
fn errors_before_the_plan_are_events() {
    let project = Project::new(&SMALL.replace("display_name", "display_nam"));
    let run = json(&project, "apply", &["--yes"]).exits(3);
    let all = events(&run);
    let diagnostic = &one(&all, "diagnostic")["diagnostic"];
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["code"], "unknown-attribute");
    assert!(diagnostic["range"]["filename"].as_str().unwrap_or_default().ends_with("stack.toml"), "{run}");
    assert!(diagnostic["range"]["end"]["column"].as_u64() > diagnostic["range"]["start"]["column"].as_u64());

    // Another one holds the ledger.
    project.write(SMALL);
    project.cloud.disturb("latency_ms=400");
    let mut holder = project.command(&["apply", "--yes"]).spawn().expect("dwctl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while project.cloud.calls("sns:CreateTopic") == 0 {
        assert!(holder.try_wait().expect("a child").is_none() && Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(3));
    }
    let run = json(&project, "apply", &["--yes"]).exits(5);
    assert_eq!(one(&events(&run), "diagnostic")["diagnostic"]["code"], "locked", "{run}");
    finish(holder, "apply").exits(0);
}

#[test]
fn a_refused_risk_is_an_event() {
    let key = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[kms_key.data]\ndescription = \"Data\"\n";
    let project = Project::new(key);
    project.apply();
    project.write(key.split_once("[kms_key").expect("a key").0);
    let mut command = project.command(&["apply", "--yes", "--json"]);
    command.env_remove("DWCTL_ALLOW");
    let refused = run(&mut command, "apply --yes --json").exits(7);
    let events = events(&refused);
    let change = &one(&events, "planned_change")["change"];
    assert_eq!(change["action"], "delete");
    assert_eq!(change["reason"], "delete_because_no_resource_config");
    assert_eq!(change["risks"][0]["label"], "irreversible", "{refused}");
    let diagnostic = &one(&events, "diagnostic")["diagnostic"];
    assert_eq!(diagnostic["code"], "not-allowed");
    assert!(diagnostic["helps"][0].as_str().unwrap_or_default().contains("--allow destroy"), "{refused}");
    assert!(of_type(&events, "apply_start").is_empty());
}

/// Starts an apply, and stops it `times` times once a few resources are being created.
fn interrupted(latency_ms: u32, times: usize) -> (Project, Vec<Json>) {
    let project = Project::new(STACK);
    project.cloud.disturb(&format!("latency_ms={latency_ms}"));
    let mut child =
        project.command(&["apply", "--yes", "--json", "--parallelism", "2"]).spawn().expect("dwctl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while project.cloud.calls("sns:CreateTopic") + project.cloud.calls("kms:CreateKey") < 2 {
        assert!(child.try_wait().expect("a child").is_none() && Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(3));
    }
    for _ in 0..times {
        signal(&child, "-INT");
        std::thread::sleep(Duration::from_millis(100));
    }
    let run = finish(child, "apply --json").exits(6);
    (project, events(&run))
}

#[test]
fn an_interrupted_apply_lists_skipped_resources() {
    let (project, events) = interrupted(150, 1);
    let stopping = one(&events, "stopping");
    assert!(stopping["in_flight"].as_u64() <= Some(2), "{stopping}");
    let begun = balanced(&events);
    assert_eq!(of_type(&events, "apply_complete").len(), begun, "what is in work is awaited");
    let not_begun = of_type(&events, "not_begun");
    assert_eq!(begun + not_begun.len(), 10, "all are reported: {events:#?}");
    assert!(not_begun.iter().all(|event| event["because"].is_null()), "{not_begun:#?}");
    let summary = of_type(&events, "change_summary").pop().expect("one at the end");
    assert_eq!(summary["interrupted"], true);
    assert_eq!(summary["changes"]["add"], begun);
    assert_eq!(project.ledger().resources.len(), begun);
}

#[test]
fn abandoned_operations_have_an_end_event() {
    let (project, events) = interrupted(1500, 2);
    let errored = of_type(&events, "apply_errored");
    assert!(!errored.is_empty(), "{events:#?}");
    for event in errored {
        assert!(event["hook"]["message"].as_str().unwrap_or_default().contains("stopped waiting"), "{event}");
    }
    project.cloud.await_calm();
}

/// Forty topics, a bucket and its objects, some of which fail. Then others fail, with replacements and
/// deletions.
#[test]
fn every_started_operation_ends_once() {
    let many = |name: &str, topics: u32| {
        let keys: Vec<String> = (0..topics).map(|key| format!("\"{key}\"")).collect();
        format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
             [s3_bucket.lake]\nbucket = \"shop-lake\"\nforce_destroy = true\n\
             [s3_object.settings]\nbucket = \"${{s3_bucket.lake.bucket}}\"\nkey = \"settings.ini\"\ncontent = \"{name}\"\n\
             [sns_topic.each]\nfor_each = [{}]\nname = \"{name}-${{each.key}}\"\n\
             [sns_topic.after]\nfor_each = [{}]\nname = \"after-{name}-${{each.key}}\"\n\
             tags = {{ of = \"${{sns_topic.each[each.key].arn}}\" }}\n",
            keys.join(", "),
            keys.join(", ")
        )
    };
    let project = Project::new(&many("one", 20));
    project.cloud.disturb("error_nth=every:7:403:AuthorizationError&fault_match=sns:CreateTopic");
    let run = project.run(&["apply", "--yes", "--json"]).exits(1);
    let first = events(&run);
    let failed = of_type(&first, "apply_errored").len();
    assert!(failed > 0 && of_type(&first, "diagnostic").len() == failed, "{run}");
    assert_eq!(balanced(&first) + of_type(&first, "not_begun").len(), 42);
    for event in of_type(&first, "not_begun") {
        let because = &event["because"]["addr"];
        let of = of_type(&first, "apply_errored");
        assert!(of.iter().any(|errored| errored["hook"]["resource"]["addr"] == *because), "{event}");
    }
    let calls = of_type(&first, "calls").pop().expect("the call counts");
    assert!(calls["calls"]["by_service"]["SNS"].as_u64() > Some(30), "{calls}");

    project.cloud.disturb("error_nth=&fault_match=");
    let second = events(&project.run(&["apply", "--yes", "--json"]).exits(0));
    assert!(of_type(&second, "apply_errored").is_empty() && !of_type(&second, "ledger_write").is_empty());

    // Other names are other topics: all are replaced, and five of each are no longer declared.
    project.write(&many("two", 15));
    let run = project.run(&["apply", "--yes", "--json"]).exits(0);
    let third = events(&run);
    assert_eq!(balanced(&third), 15 * 2 * 2 + 5 * 2 + 1, "{run}");
    let summary = of_type(&third, "change_summary");
    assert_eq!((&summary[0]["changes"]["add"], &summary[0]["changes"]["remove"]), (&30.into(), &40.into()));
    assert_eq!((&summary[1]["changes"]["add"], &summary[1]["changes"]["remove"]), (&30.into(), &40.into()));
}

#[test]
fn throttling_is_an_event() {
    let keys = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[kms_key.data]\n\
        for_each = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\ndescription = \"${each.key}\"\n";
    let project = Project::new(keys);
    project.cloud.disturb("rps=kms=5&burst=2");
    let run = project.run(&["apply", "--yes", "--json"]).exits(0);
    let events = events(&run);
    let throttled = of_type(&events, "throttled");
    let counts: Vec<u64> = throttled.iter().filter_map(|event| event["count"].as_u64()).collect();
    assert!(!counts.is_empty() && counts.windows(2).all(|pair| pair[0] < pair[1]), "{counts:?}\n{run}");
    let calls = of_type(&events, "calls").pop().expect("the call counts");
    assert_eq!(calls["calls"]["throttled"].as_u64(), counts.last().copied(), "{run}");
}

/// The lines in which a runner finds a command, in either notation
/// (<https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>).
fn commands(text: &str) -> Vec<&str> {
    let lines = text.split(['\n', '\r']);
    lines.filter(|line| line.trim_start().starts_with("::") || line.contains("##[")).collect()
}

/// Text in the stack, or an AWS error that quotes it, tries to command the runner.
#[test]
fn no_foreign_text_commands_a_runner() {
    const TEXT: &str = "a job\\n::error::x\\n  ::add-mask::done\\r::stop-commands::token\\n##[error]y";
    let stack = format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
         [iam_role.jobs]\nrole_name = \"jobs\"\ndescription = \"{TEXT}\"\n\
         assume_role_policy_document = {{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", \
         Action = \"sts:AssumeRole\", Principal = {{ Service = \"glue.amazonaws.com\" }} }}] }}\n\
         [output]\nwords = \"${{iam_role.jobs.description}}\"\n"
    );
    let project = Project::new(&stack);
    let echo = Echo::before(&project.cloud.emulator());
    let url = format!("http://127.0.0.1:{}", echo.port());
    let ours =
        Regex::new(r"^::(error|warning) (file=[^:]*,)?title=[a-z-]+::|^::group::Applying: 1 |^::endgroup::$")
            .unwrap();
    let mut quoted = 0;
    let mut hunt = |arguments: &[&str], code: i32| {
        let mut command = project.command_without_endpoint(arguments);
        command.env("GITHUB_ACTIONS", "true").env("CI", "true");
        if arguments[0] != "validate" {
            command.args(["--endpoint-url", &url]);
        }
        let run = run(&mut command, &arguments.join(" ")).exits(code);
        for text in [&run.stdout, &run.stderr] {
            for line in commands(text) {
                assert!(ours.is_match(line) && !line.contains("##["), "`{line}` is a command\n{run}");
            }
            quoted += text.matches("stop-commands").count();
        }
        run
    };
    hunt(&["plan", "--details"], 0);
    for format in ["markdown", "json", "html", "sarif", "junit", "mermaid"] {
        hunt(&["plan", "--details", "--format", format], 0);
    }
    let failed = hunt(&["apply", "--yes"], 1);
    assert!(
        failed.stderr.contains("\\::add-mask::done\\r::stop-commands::token"),
        "AWS's words are reported\n{failed}"
    );
    assert!(failed.stderr.contains("\n::error file="), "and the annotation is one\n{failed}");
    hunt(&["apply", "--yes", "--json"], 1);
    // An error that quotes the stack.
    project.write(&stack.replace("role_name", "role_nam"));
    hunt(&["validate"], 3);
    hunt(&["apply", "--yes", "--json"], 3);
    project.write(&stack);
    // Done, it is told by the outputs.
    project.apply();
    hunt(&["apply", "--yes"], 0);
    hunt(&["output"], 0);
    let json = hunt(&["output", "--json"], 0);
    let json: Json = serde_json::from_str(&json.stdout).expect("it stays JSON");
    assert!(json["words"]["value"].as_str().unwrap_or_default().ends_with("\n##[error]y"), "{json}");
    assert!(quoted > 5, "the words were there {quoted} times");
}
