//! `--audit`: a line for every call that changes something, with its outcome.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{ACCOUNT, Project, finish};

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
const TOPICS: &str = "[sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"Alerts\"\n\
                      [kms_key.data]\ndescription = \"Data\"\n";

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("an audit file");
    assert!(text.is_empty() || text.ends_with('\n'), "whole lines alone\n{text}");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The operations on an address, with their outcomes.
fn operations(lines: &[Value], address: &str) -> Vec<String> {
    let of = lines.iter().filter(|line| line["address"] == address);
    of.map(|line| format!("{} {}", line["operation"].as_str().unwrap(), line["result"].as_str().unwrap()))
        .collect()
}

#[test]
fn apply_and_destroy_are_audited_call_by_call() {
    let project = Project::new(&format!("{HEAD}{TOPICS}"));
    let path = project.stack().join("audit.jsonl");
    project.run(&["apply", "--yes", "--audit", "audit.jsonl"]).exits(0);
    let applied = lines(&path);
    assert!(operations(&applied, "sns_topic.alerts").contains(&"CreateTopic ok".to_owned()), "{applied:#?}");
    assert!(operations(&applied, "kms_key.data").contains(&"CreateKey ok".to_owned()), "{applied:#?}");
    let moment = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$").expect("a pattern");
    for line in &applied {
        let mut names: Vec<&String> = line.as_object().expect("an object").keys().collect();
        names.sort();
        let expected = [
            "address",
            "attempt",
            "duration_ms",
            "env",
            "operation",
            "region",
            "request_id",
            "result",
            "service",
            "stack",
            "time",
        ];
        assert_eq!(names, expected);
        assert!(moment.is_match(line["time"].as_str().expect("a time")), "{line}");
        assert_eq!((&line["stack"], &line["env"]), (&"shop".into(), &"default".into()));
        assert_eq!((&line["region"], &line["attempt"]), (&"us-east-1".into(), &1.into()));
        assert!(line["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
        let operation = line["operation"].as_str().expect("a name");
        assert!(!operation.starts_with("Get") && !operation.starts_with("Describe"), "{operation}");
    }
    // The file has every change that reached AWS, and nothing else.
    for operation in ["CreateTopic", "CreateKey", "SetTopicAttributes", "TagResource"] {
        let count = applied.iter().filter(|line| line["operation"] == operation).count() as u64;
        let calls = project.cloud.calls(&format!("sns:{operation}"))
            + project.cloud.calls(&format!("kms:{operation}"));
        assert_eq!(count, calls, "{operation}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    // A plan without changes writes no lines; a destroy appends its own.
    project.run(&["apply", "--yes", "--audit", "audit.jsonl"]).exits(0);
    assert_eq!(lines(&path), applied);
    project.run(&["destroy", "--yes", "--audit", "audit.jsonl"]).exits(0);
    let after = lines(&path);
    assert_eq!(after[..applied.len()], applied[..]);
    assert!(operations(&after[applied.len()..], "sns_topic.alerts").contains(&"DeleteTopic ok".to_owned()));
}

#[test]
fn every_attempt_is_recorded_with_its_outcome() {
    let project = Project::new(&format!("{HEAD}{TOPICS}"));
    let path = project.stack().join("audit.jsonl");
    let audited = |options: &str| {
        project.cloud.disturb(options);
        let run = project.run(&["apply", "--yes", "--audit", "audit.jsonl"]);
        project.cloud.disturb("error_nth=&drop_response_nth=&fault_match=");
        run
    };
    // Throttled once, then refused for good.
    audited("error_nth=1:400:Throttling&fault_match=sns:SetTopicAttributes").exits(0);
    project.write(&format!("{HEAD}{}", TOPICS.replace("\"Alerts\"", "\"Other\"")));
    audited("error_nth=1:400:Throttling&fault_match=sns:SetTopicAttributes").exits(0).says("1 throttled");
    let found = operations(&lines(&path), "sns_topic.alerts");
    assert_eq!(found[found.len() - 2..], ["SetTopicAttributes Throttling", "SetTopicAttributes ok"]);
    let attempts: Vec<Value> = lines(&path).iter().map(|line| line["attempt"].clone()).collect();
    assert_eq!(attempts[attempts.len() - 2..], [1, 2]);

    project.write(&format!("{HEAD}{}", TOPICS.replace("\"Alerts\"", "\"Third\"")));
    audited("error_nth=every:1:403:AuthorizationError&fault_match=sns:SetTopicAttributes").exits(1);
    let found = operations(&lines(&path), "sns_topic.alerts");
    assert_eq!(found.last().map(String::as_str), Some("SetTopicAttributes AuthorizationError"));

    // AWS executed the call, and its answer was lost.
    audited("drop_response_nth=1&fault_match=sns:SetTopicAttributes").exits(0);
    let found = operations(&lines(&path), "sns_topic.alerts");
    assert!(found.contains(&"SetTopicAttributes NoAnswer".to_owned()), "{found:?}");
}

#[test]
fn recorded_calls_survive_a_kill() {
    let project = Project::new(&format!(
        "{HEAD}[sns_topic.feeds]\nfor_each = [\"a\", \"b\", \"c\", \"d\"]\nname = \"${{each.key}}\"\n"
    ));
    let path = project.stack().join("audit.jsonl");
    project.cloud.disturb("latency_ms=60");
    let mut child = project
        .command(&["apply", "--yes", "--parallelism", "1", "--audit", "audit.jsonl"])
        .spawn()
        .expect("dwctl");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while fs::read_to_string(&path).map_or(0, |text| text.lines().count()) < 2 {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it was killed");
        assert!(std::time::Instant::now() < deadline, "nothing is told");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("it is ours");
    drop(finish(child, "apply"));
    project.cloud.await_calm();
    project.cloud.disturb("latency_ms=0");
    assert!(lines(&path).len() >= 2);
    project.run(&["apply", "--yes", "--audit", "audit.jsonl"]).exits(0);
    let created = lines(&path).iter().filter(|line| line["operation"] == "CreateTopic").count();
    assert!((3..=4).contains(&created), "the killed call alone may be missing: {created}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_first_call() {
    let project = Project::new(&format!("{HEAD}{TOPICS}"));
    for arguments in [
        &["apply", "--yes"][..],
        &["destroy", "--yes"],
        &["import", "sns_topic.alerts", "x"],
        &["ledger", "recover"],
    ] {
        let arguments: Vec<&str> =
            arguments.iter().copied().chain(["--audit", "nowhere/audit.jsonl"]).collect();
        let run = project.run(&arguments).exits(1);
        run.says("cannot write the audit file nowhere/audit.jsonl").says("AWS was not called");
    }
    assert_eq!(project.cloud.calls("sts:GetCallerIdentity"), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_does_not_stop_the_apply() {
    let project = Project::new(&format!("{HEAD}{TOPICS}"));
    let run = project.run(&["apply", "--yes", "--audit", "/dev/full"]).exits(0);
    run.says("the audit file /dev/full is incomplete").says("2 created");
    project.settled();
}

#[test]
fn imports_and_a_ledger_in_s3_are_audited() {
    let project = Project::new(&format!(
        "{HEAD}[ledger]\nbucket = \"shop-ledger\"\n[sns_topic.alerts]\nname = \"alerts\"\n"
    ));
    project.run(&["ledger", "init", "--audit", "init.jsonl"]).exits(0);
    let init = lines(&project.stack().join("init.jsonl"));
    let names: Vec<&str> = init.iter().filter_map(|line| line["operation"].as_str()).collect();
    for operation in ["CreateBucket", "PutBucketTagging", "PutBucketVersioning", "PutBucketPolicy"] {
        assert!(names.contains(&operation), "{operation}: {names:?}");
    }
    assert!(init.iter().all(|line| line["service"] == "s3" && line["address"].is_null()), "{init:#?}");

    project.with(async |_, cx| {
        cx.aws.sns().create_topic().name("alerts").send().await.expect("made");
    });
    let arn = format!("arn:aws:sns:us-east-1:{ACCOUNT}:alerts");
    project.run(&["import", "sns_topic.alerts", &arn, "--audit", "import.jsonl"]).exits(0);
    let import = lines(&project.stack().join("import.jsonl"));
    assert_eq!(operations(&import, "sns_topic.alerts"), ["TagResource ok"]);
    let ledger: Vec<&str> = import
        .iter()
        .filter(|line| line["address"].is_null())
        .filter_map(|line| line["operation"].as_str())
        .collect();
    assert_eq!(ledger, ["PutObject", "PutObject", "DeleteObject"], "the lock, the ledger, the lock");
}
