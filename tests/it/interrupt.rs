//! Stopped anywhere, it converges: what was made is known or found again, and nothing is
//! made twice.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::harness::{Project, finish};

/// Named and assigned ids, some that need each other, more than are made at once.
pub const STACK: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [sns_topic.feeds]\nfor_each = [\"a\", \"b\", \"c\", \"d\"]\nname = \"feed-${each.key}\"\n\
    [kms_key.data]\nfor_each = [\"a\", \"b\", \"c\"]\ndescription = \"Data ${each.key}\"\n\
    [ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
    [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n\
    [iam_role.glue]\nrole_name = \"glue\"\n\
    assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
    Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }\n";
const RESOURCES: usize = 10;
/// Calls by which something of the stack is made.
const CREATES: [&str; 5] =
    ["sns:CreateTopic", "kms:CreateKey", "ec2:CreateVpc", "ec2:CreateSubnet", "iam:CreateRole"];

/// Sends a signal, by its name.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Starts an apply and returns once `count` resources are being made.
fn apply_until(project: &Project, count: u64) -> Child {
    let mut child = project.command(&["apply", "--yes", "--parallelism", "2"]).spawn().expect("dwctl");
    let deadline = Instant::now() + Duration::from_secs(60);
    while CREATES.iter().map(|operation| project.cloud.calls(operation)).sum::<u64>() < count {
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "apply ended before {count} resources were begun");
        assert!(Instant::now() < deadline, "apply does not begin");
        std::thread::sleep(Duration::from_millis(3));
    }
    child
}

/// How much of the stack there is at AWS, whoever knows of it.
fn made(project: &Project) -> usize {
    project.with(async |_, cx| {
        let ours = aws_sdk_ec2::types::Filter::builder().name("tag:dwctl:stack").values("shop").build();
        let vpcs = cx.aws.ec2().describe_vpcs().filters(ours.clone()).send().await.expect("VPCs");
        let subnets = cx.aws.ec2().describe_subnets().filters(ours).send().await.expect("subnets");
        let keys = cx.aws.kms().list_keys().send().await.expect("keys");
        let topics = cx.aws.sns().list_topics().send().await.expect("topics");
        let roles = cx.aws.iam().list_roles().send().await.expect("roles");
        let roles = roles.roles().iter().filter(|role| role.role_name() == "glue").count();
        vpcs.vpcs().len() + subnets.subnets().len() + keys.keys().len() + topics.topics().len() + roles
    })
}

#[test]
fn ctrl_c_awaits_what_is_in_work_and_the_next_apply_goes_on() {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=120");
    let child = apply_until(&project, 3);
    signal(&child, "-INT");
    let run = finish(child, "apply").exits(6).says("in work are awaited").says("run apply again");
    let known = project.ledger().resources.len();
    assert!((2..RESOURCES).contains(&known), "{known} resources in the ledger\n{run}");
    assert_eq!(made(&project), known, "what was made is in the ledger\n{run}");

    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES);
    assert_eq!(project.ledger().resources.len(), RESOURCES);
    assert!(project.ledger().intents.is_empty());
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=1000");
    let mut child = apply_until(&project, 1);
    let stderr = child.stderr.take().expect("piped");
    signal(&child, "-INT");
    let mut lines = BufReader::new(stderr).lines().map(|line| line.expect("its output"));
    assert!(lines.any(|line| line.starts_with("Stopping: ")), "the first Ctrl-C is not answered");
    let began = Instant::now();
    signal(&child, "-INT");
    finish(child, "apply").exits(6);
    assert!(began.elapsed() < Duration::from_millis(900), "it awaited what was in work");
    project.cloud.await_calm();
    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES);
}

/// As GitHub Actions cancels a job: SIGINT, SIGTERM 7.5 s later, SIGKILL 2.5 s after that.
/// Here they come faster than the calls in work are answered.
#[test]
fn interrupted_terminated_and_killed_it_converges() {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=700");
    let mut child = apply_until(&project, 3);
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("a child").is_none(), "it awaits what is in work");
    signal(&child, "-TERM");
    std::thread::sleep(Duration::from_millis(100));
    // It may have ended by then.
    let _ = child.kill();
    child.wait().expect("a child");
    let ledger = project.ledger();
    assert!(!ledger.intents.is_empty(), "what was about to be made is in the ledger");
    project.cloud.await_calm();

    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES, "nothing is made twice");
    assert!(project.ledger().intents.is_empty());
}

/// Killed while the `count`th resource is being made.
fn killed_at(count: u64) {
    let project = Project::new(STACK);
    project.cloud.disturb("latency_ms=25");
    let mut child = apply_until(&project, count);
    child.kill().expect("it is ours");
    child.wait().expect("a child");
    // What it sent before it died is done by AWS all the same.
    project.cloud.await_calm();

    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES, "nothing is made twice");
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn killed_at_the_first_resource_it_converges() {
    killed_at(1);
}

#[test]
fn killed_half_way_it_converges() {
    killed_at(5);
}

#[test]
fn killed_at_the_last_resource_it_converges() {
    killed_at(RESOURCES as u64);
}

/// AWS made it, and its answer was lost on the way.
fn answer_lost(operation: &str) {
    let project = Project::new(STACK);
    project.cloud.disturb(&format!("drop_response_nth=1&fault_match={operation}"));
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES, "nothing is made twice");
}

#[test]
fn a_lost_answer_makes_no_second_topic() {
    answer_lost("sns:CreateTopic");
}

#[test]
fn a_lost_answer_makes_no_second_role() {
    answer_lost("iam:CreateRole");
}

#[test]
fn a_lost_answer_makes_no_second_vpc() {
    answer_lost("ec2:CreateVpc");
}

#[test]
fn a_lost_answer_makes_no_second_key() {
    answer_lost("kms:CreateKey");
}

#[test]
fn throttles_are_borne() {
    let project = Project::new(STACK);
    project.cloud.disturb("rps=sns=4,kms=4&burst=2");
    project.apply();
    project.settled();
    assert_eq!(made(&project), RESOURCES);
}
