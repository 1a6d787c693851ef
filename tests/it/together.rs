//! Concurrent runs: only one at a time changes a stack, nothing is lost or created twice, and those who wait
//! print whose lock they wait for. Also the cost of a ledger when many resources are created, or AWS is slow.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use dwctl::ledger::Ledger;

use crate::harness::{Project, Run, finish};

const BUCKET: &str = "shop-ledger";
const KEY: &str = "dwctl/shop/default.json";
const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
/// Named and assigned ids.
const RESOURCES: &str = "[sns_topic.feeds]\nfor_each = [\"a\", \"b\", \"c\"]\nname = \"feed-${each.key}\"\n\
    [kms_key.data]\ndescription = \"Data\"\n[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n";
const COUNT: usize = 5;

/// A stack with its ledger in S3, whose lock expires after this many seconds.
fn in_s3(expiry: u64, resources: &str) -> Project {
    let ledger = format!("[ledger]\nbucket = \"{BUCKET}\"\nlock_expiry_seconds = {expiry}\n");
    let project = Project::new(&format!("{HEAD}{ledger}{resources}"));
    project.with(async |_, cx| {
        cx.aws.s3().create_bucket().bucket(BUCKET).send().await.expect("a bucket");
    });
    project
}

/// The ledger in S3.
fn ledger(project: &Project) -> Ledger {
    project.with(async |_, cx| {
        let object = cx.aws.s3().get_object().bucket(BUCKET).key(KEY).send().await.expect("a ledger");
        let text = object.body.collect().await.expect("its text").to_vec();
        Ledger::parse(&text, KEY).expect("a ledger")
    })
}

/// Returns whether the lock in S3 is held.
fn locked(project: &Project) -> bool {
    project.with(async |_, cx| {
        let key = format!("{KEY}.lock");
        cx.aws.s3().head_object().bucket(BUCKET).key(key).send().await.is_ok()
    })
}

/// The number of versions of an object.
fn versions(project: &Project, key: &str) -> u64 {
    project.with(async |_, cx| {
        let listed = cx.aws.s3().list_object_versions().bucket(BUCKET).prefix(key).send().await;
        let listed = listed.expect("versions");
        listed.versions().iter().filter(|version| version.key() == Some(key)).count() as u64
    })
}

/// The number of topics, keys and VPCs at AWS, owned or not.
fn made(project: &Project) -> usize {
    project.with(async |_, cx| {
        let ours = aws_sdk_ec2::types::Filter::builder().name("tag:dwctl:stack").values("shop").build();
        let vpcs = cx.aws.ec2().describe_vpcs().filters(ours).send().await.expect("VPCs");
        let keys = cx.aws.kms().list_keys().send().await.expect("keys");
        let topics = cx.aws.sns().list_topics().send().await.expect("topics");
        vpcs.vpcs().len() + keys.keys().len() + topics.topics().len()
    })
}

fn apply(project: &Project, arguments: &[&str]) -> Command {
    project.command(&[&["apply", "--yes"], arguments].concat())
}

fn start(command: &mut Command) -> Child {
    command.spawn().expect("dwctl can be run")
}

/// Waits for a condition.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts 16 applies of one stack at once, and expects that all get their turn.
fn sixteen(project: &Project) {
    let children: Vec<Child> =
        (0..16).map(|_| start(&mut apply(project, &["--lock-timeout", "150s"]))).collect();
    let runs: Vec<Run> = children.into_iter().map(|child| finish(child, "apply").exits(0)).collect();
    let made_by = |run: &&Run| run.stdout.contains(&format!("{COUNT} created"));
    assert_eq!(runs.iter().filter(made_by).count(), 1, "one makes all of it");
    let idle = |run: &&Run| run.stdout.contains("No changes");
    assert_eq!(runs.iter().filter(idle).count(), 15, "the others find it made");
    let waited = |run: &&Run| run.stderr.contains("Waiting for the lock, held by");
    assert!(runs.iter().filter(waited).count() >= 8, "a run that waits says whose lock it waits for");
    assert_eq!(made(project), COUNT, "nothing is made twice");
}

#[test]
fn sixteen_applies_on_one_ledger_in_s3_take_turns() {
    let project = in_s3(20, RESOURCES);
    sixteen(&project);
    let ledger = ledger(&project);
    assert_eq!(ledger.resources.len(), COUNT);
    assert!(ledger.intents.is_empty());
    assert!(!locked(&project), "the last one frees the lock");
    project.settled();
}

#[test]
fn sixteen_applies_on_one_ledger_in_a_file_take_turns() {
    let project = Project::new(&format!("{HEAD}{RESOURCES}"));
    sixteen(&project);
    assert_eq!(project.ledger().resources.len(), COUNT);
    assert!(project.ledger().intents.is_empty());
    project.settled();
}

#[test]
fn without_waiting_the_error_names_the_lock_holder_and_a_plan_needs_no_lock() {
    let project = in_s3(60, RESOURCES);
    project.cloud.disturb("latency_ms=400&fault_match=sns:");
    let first = start(&mut apply(&project, &[]));
    until("the lock", || locked(&project));
    let pid = format!("process {}", first.id());
    project.run(&["apply", "--yes"]).exits(5).says("another dwctl is changing this stack").says(&pid);
    project.run(&["plan"]).exits(0);
    finish(first, "apply").exits(0);
    project.cloud.disturb("latency_ms=0");
    assert_eq!(made(&project), COUNT);
    let puts = project.cloud.calls("s3:PutObject");
    project.settled();
    assert_eq!(project.cloud.calls("s3:PutObject"), puts, "a plan writes neither ledger nor lock");
}

#[test]
fn the_lock_of_a_dead_holder_frees_itself() {
    let project = in_s3(3, RESOURCES);
    project.cloud.disturb("latency_ms=250");
    let mut first = start(&mut apply(&project, &[]));
    until("the first topic", || project.cloud.calls("sns:CreateTopic") > 0);
    first.kill().expect("it is ours");
    first.wait().expect("a child");
    project.cloud.await_calm();
    project.cloud.disturb("latency_ms=0");
    assert!(locked(&project), "it died with the lock");
    let began = Instant::now();
    project
        .run(&["apply", "--yes", "--lock-timeout", "40s"])
        .exits(0)
        .says("Taking over the lock of")
        .says("it is no longer renewed");
    assert!(began.elapsed() > Duration::from_secs(3), "not before its expiry");
    project.settled();
    assert_eq!(made(&project), COUNT, "nothing is made twice");
    assert_eq!(ledger(&project).resources.len(), COUNT);
}

#[test]
fn a_holder_that_lost_its_lock_starts_nothing_more() {
    use std::fmt::Write;
    let mut resources = String::new();
    for number in 0..12 {
        let _ = writeln!(resources, "[sns_topic.t{number:02}]\nname = \"topic-{number:02}\"");
        if number > 0 {
            let _ = writeln!(resources, "depends_on = [\"sns_topic.t{:02}\"]", number - 1);
        }
    }
    let project = in_s3(3, &resources);
    project.cloud.disturb("latency_ms=250");
    let first = start(&mut apply(&project, &[]));
    until("the second topic", || project.cloud.calls("sns:CreateTopic") > 1);
    let holder = project.with(async |_, cx| {
        let key = format!("{KEY}.lock");
        let lock = cx.aws.s3().get_object().bucket(BUCKET).key(key).send().await.expect("a lock");
        let text = lock.body.collect().await.expect("its text").to_vec();
        serde_json::from_slice::<serde_json::Value>(&text).expect("JSON")
    });
    let id = holder["id"].as_str().expect("an id").to_owned();
    project.run(&["ledger", "unlock", &id]).exits(0);
    finish(first, "apply").exits(1).says("the lock of the ledger").says("was lost");
    let begun = project.cloud.calls("sns:CreateTopic");
    assert!((2..12).contains(&begun), "{begun} topics were begun");
    project.cloud.disturb("latency_ms=0");
    project.apply();
    project.settled();
    assert_eq!(project.cloud.calls("sns:CreateTopic"), 12, "nothing is made twice");
}

/// About thirty resources of seven services, with dependencies.
fn over_services() -> String {
    let trust = "{ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", \
                 Principal = { Service = \"glue.amazonaws.com\" } }] }";
    let keys = "[\"a\", \"b\", \"c\", \"d\"]";
    format!(
        "{HEAD}[sns_topic.t]\nfor_each = {keys}\nname = \"t-${{each.key}}\"\n\
         [kms_key.k]\nfor_each = [\"a\", \"b\"]\ndescription = \"Key ${{each.key}}\"\n\
         [iam_role.r]\nfor_each = {keys}\nrole_name = \"r-${{each.key}}\"\nassume_role_policy_document = {trust}\n\
         [glue_job.j]\nfor_each = {keys}\nname = \"j-${{each.key}}\"\nrole = \"${{iam_role.r[each.key].arn}}\"\n\
         glue_version = \"5.0\"\ncommand = {{ script_location = \"s3://scripts/j.py\" }}\n\
         [glue_database.d]\nfor_each = {keys}\nname = \"d_${{each.key}}\"\n\
         [cloudwatchlogs_log_group.l]\nfor_each = {keys}\nlog_group_name = \"/l/${{each.key}}\"\n\
         [s3_bucket.b]\nfor_each = [\"a\", \"b\"]\nbucket = \"shop-b-${{each.key}}\"\n\
         [ec2_vpc.v]\ncidr_block = \"10.0.0.0/16\"\n\
         [ec2_subnet.s]\nfor_each = {{ a = 1, b = 2, c = 3 }}\nvpc_id = \"${{ec2_vpc.v.vpc_id}}\"\n\
         cidr_block = \"10.0.${{each.value}}.0/24\"\n\
         [secretsmanager_secret.x]\nfor_each = [\"a\", \"b\"]\nname = \"x-${{each.key}}\"\n"
    )
}

#[test]
fn a_throttled_apply_succeeds_and_reports_the_throttling() {
    let project = Project::new(&over_services());
    project.cloud.disturb("rps=*=5");
    let began = Instant::now();
    let run = project.apply().says("30 created").says("0 failed");
    let took = began.elapsed();
    let throttled = project.cloud.throttled();
    eprintln!("throttled {throttled} times in {took:?}");
    assert!(throttled > 0, "nothing was throttled");
    assert!(took < Duration::from_secs(40), "{took:?}\n{run}");
    let mut counts = run
        .stdout
        .lines()
        .filter_map(|line| line.split(" · ").find_map(|part| part.strip_suffix(" throttled")));
    let printed: u64 =
        counts.next_back().and_then(|count| count.trim().parse().ok()).expect("the call counts");
    assert_eq!(printed, throttled, "the line of calls says how many were throttled");
    project.cloud.disturb("rps=");
    project.settled();
}

#[test]
fn a_ledger_in_s3_is_rarely_written() {
    const COUNT: usize = 80;
    let project = in_s3(
        60,
        &format!(
            "[sns_topic.t]\nfor_each = \"${{[for n in range({COUNT}) : tostring(n)]}}\"\nname = \"t-${{each.key}}\"\n"
        ),
    );
    project.run(&["ledger", "init"]).exits(0);
    project.cloud.disturb("latency_ms=40");
    let before = project.cloud.calls("s3:PutObject");
    project.apply().says(&format!("{COUNT} created"));
    let puts = project.cloud.calls("s3:PutObject") - before;
    // The bucket keeps every version, so the number of writes can be counted without those of the lock.
    let writes = versions(&project, KEY);
    assert_eq!(puts, writes + versions(&project, &format!("{KEY}.lock")), "every write is counted");
    eprintln!("{writes} writes of the ledger for {COUNT} resources");
    assert!(writes >= 2, "{writes}: before the first call and at the end");
    assert!(writes <= 4 + COUNT as u64 / 25, "{writes} writes for {COUNT} resources");
    assert_eq!(ledger(&project).resources.len(), COUNT);
}
