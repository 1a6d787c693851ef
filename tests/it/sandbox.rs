//! The sandbox and emulators: no request leaves this machine, whatever the environment says, and missing
//! features of an emulator never make a resource look deleted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Cloud, Project, Run, emulator_home, run};
use crate::paper::root;

/// An address reserved for documentation, where nobody answers.
const ELSEWHERE: &str = "http://192.0.2.1";
const STACK: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [s3_bucket.lake]\nbucket = \"shop-lake\"\n\
    [sns_topic.alerts]\nname = \"alerts\"\n";

/// `dwctl plan --sandbox` with the test's sandbox.
fn plan(project: &Project) -> Command {
    let mut command = project.command_without_endpoint(&["plan", "--sandbox"]);
    project.cloud.use_as_sandbox(&mut command);
    command
}

/// Runs a command, and expects that it does not wait for an answer.
fn quickly(command: &mut Command) -> Run {
    let began = Instant::now();
    let run = run(command, "plan --sandbox");
    assert!(began.elapsed() < Duration::from_secs(30), "it waited for {:?}\n{run}", began.elapsed());
    run
}

#[test]
fn the_sandbox_is_used_where_the_environment_points_elsewhere() {
    let project = Project::new(STACK);
    quickly(&mut plan(&project)).exits(0).plans("s3_bucket.lake", "+ create");
    for name in ["AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        let run = quickly(plan(&project).env(name, ELSEWHERE));
        println!("{name}\n{run}");
        run.exits(0).plans("s3_bucket.lake", "+ create").plans("sns_topic.alerts", "+ create");
    }
}

#[test]
fn a_service_that_the_environment_points_elsewhere_is_not_reached() {
    let project = Project::new(STACK);
    let run = quickly(plan(&project).env("AWS_ENDPOINT_URL_S3", ELSEWHERE));
    // Either the command uses the sandbox, or it refuses and says why.
    if run.code != Some(0) {
        run.exits(1).says("the sandbox never leaves this machine");
    }
}

#[test]
fn a_profile_that_points_elsewhere_is_not_followed() {
    let project = Project::new(STACK);
    let file = project.stack().join("aws.config");
    std::fs::write(&file, format!("[default]\nendpoint_url = {ELSEWHERE}\nregion = eu-west-1\n")).unwrap();
    let mut command = plan(&project);
    quickly(command.env("AWS_CONFIG_FILE", &file)).exits(0).plans("s3_bucket.lake", "+ create");
}

#[test]
fn the_sandbox_has_a_ledger_of_its_own() {
    let project = Project::new(STACK);
    let mut command = project.command_without_endpoint(&["apply", "--yes", "--sandbox"]);
    project.cloud.use_as_sandbox(&mut command);
    run(&mut command, "apply --yes --sandbox").exits(0);
    assert!(project.stack().join(".dwctl/sandbox/default.json").exists());
    assert!(!project.ledger_file().exists(), "the ledger of the real AWS");
}

/// An emulator that answers the caller's identity, and everything else with a web page.
fn web_page(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream?, status));
        }
        Ok::<(), std::io::Error>(())
    });
    port
}

fn answer(stream: std::net::TcpStream, status: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, kind, body) = if String::from_utf8_lossy(&body).contains("GetCallerIdentity") {
        let identity = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
            <GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/test</Arn>\
            <UserId>AIDATEST</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
            <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
        ("200 OK", "text/xml", identity)
    } else {
        (status, "text/html; charset=utf-8", "<!doctype html><html><title>404 Not Found</title></html>")
    };
    let length = body.len();
    write!(
        &stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn a_missing_feature_of_an_emulator_is_not_taken_for_a_deletion() {
    for status in ["404 Not Found", "500 Internal Server Error", "501 Not Implemented"] {
        for resource in
            ["[sns_topic.alerts]\nname = \"alerts\"\n", "[kms_key.data]\ndescription = \"Data\"\n"]
        {
            let project =
                Project::new(&format!("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n{resource}"));
            let endpoint = format!("http://127.0.0.1:{}", web_page(status));
            let mut command = project.command_without_endpoint(&["plan", "--endpoint-url", &endpoint]);
            run(&mut command, "plan").exits(1).says("does not implement").says_not("+ ");
        }
    }
}

/// The sandbox's additions to moto for state machines, crawlers and alarms, as AWS clients see them.
#[test]
fn additions_are_as_clients_of_aws_see_them() {
    let cloud = Cloud::new();
    let mut command = Command::new(emulator_home().join("venv/bin/python"));
    command.arg(root().join("src/sandbox/emulator/selfcheck.py")).arg(cloud.emulator());
    let checks = ["executions", "state_machines", "tags_of_alarms", "glue_crawlers", "alarms_and"];
    let run = run(command.args(checks).stdout(Stdio::piped()).stderr(Stdio::piped()), "selfcheck.py");
    for check in checks {
        assert!(run.stdout.lines().any(|line| line.starts_with(&format!("ok     {check}"))), "{run}");
    }
    run.exits(0);
}

/// Some SDKs include a service's namespace in the target, others do not.
#[test]
fn targets_with_and_without_a_namespace_are_checked_alike() {
    let mut cloud = Cloud::new();
    let trail = r#"{"Name": "audit", "S3BucketName": "audit-logs"}"#;
    for name in ["CloudTrail_20131101", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"] {
        let target = |operation: &str| format!("{name}.{operation}");
        assert_eq!(cloud.check_json("cloudtrail", &target("CreateTrail"), trail), [""; 0], "{name}");
        let found = cloud.check_json("cloudtrail", &target("CreateTrail"), r#"{"Name": "audit"}"#);
        assert!(found.iter().any(|one| one.contains("S3BucketName")), "{name}: {found:?}");
        let found = cloud.check_json("cloudtrail", &target("CreateTrial"), trail);
        assert!(
            found.iter().any(|one| one.contains("is not an operation of cloudtrail")),
            "{name}: {found:?}"
        );
    }
}
