//! Killed at any request, an apply converges: a second run ends like an uninterrupted one, with nothing
//! created twice or forgotten, and a third has nothing to do.
//!
//! `cargo test` kills at a few requests of each scenario, `tests/crash` at every one.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dwctl::kinds::kind;
use dwctl::ledger::Ledger;

use crate::gate::{Gate, Refusal};
use crate::harness::{Project, REGION, Run, copy, read_all, run};

/// More than 60 resources of all types.
const STACK: &str = include_str!("crash/stack.toml");
/// The bucket of the ledgers in S3.
const BUCKET: &str = "dwctl-ledgers";
/// Long enough for a heartbeat to be answered on a busy machine.
const EXPIRY: Duration = Duration::from_secs(6);

/// The command that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Apply,
    Update,
    Destroy,
}

/// Where the ledger lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    File,
    S3,
}

type Scenario = (What, Where);

const SCENARIOS: [Scenario; 6] = [
    (What::Apply, Where::File),
    (What::Update, Where::File),
    (What::Destroy, Where::File),
    (What::Apply, Where::S3),
    (What::Update, Where::S3),
    (What::Destroy, Where::S3),
];

#[derive(Clone, Copy, Debug)]
struct Case {
    scenario: Scenario,
    /// The request at which the command is killed.
    at: u64,
    /// True if AWS executes the request and only the answer is lost.
    after: bool,
}

fn stack(place: Where) -> String {
    match place {
        Where::File => STACK.to_owned(),
        Where::S3 => {
            format!("{STACK}\n[ledger]\nbucket = \"{BUCKET}\"\nlock_expiry_seconds = {}\n", EXPIRY.as_secs())
        }
    }
}

/// The changed stack, with every type of change that an apply can make.
fn changed(place: Where) -> String {
    let mut text = stack(place);
    let mut change = |from: &str, to: &str| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    };
    let first = "lifecycle   = { create_before_destroy = true }\n";
    // Replaced, the new one first: with ids that AWS assigns, and by name.
    let key = "description = \"Logs ${each.key}\"\n";
    change(key, &format!("{key}multi_region = true\n{first}"));
    let role = "role_name = \"shop-${each.key}\"\n";
    change(role, &format!("role_name = \"shop-v2-${{each.key}}\"\n{first}"));
    // Replaced, the old one deleted first, likewise.
    change("c = \"10.0.2.0/24\"", "c = \"10.0.3.0/24\"");
    change("name       = \"shop/${each.key}\"", "name       = \"shop-v2/${each.key}\"");
    // Replaced while it is attached to a role, which must release it first.
    let read = "policy_name     = \"shop-read\"\n";
    change(read, &format!("{read}description     = \"Read\"\n"));
    // Changed in place.
    change("retention_in_days = 30", "retention_in_days = 14");
    change("threshold           = 80", "threshold           = 90");
    change("number_of_workers = 2", "number_of_workers = 3");
    change("Action = \"s3:GetObject\"", "Action = [\"s3:GetObject\", \"s3:GetObjectVersion\"]");
    // No longer declared.
    change(", \"m\", \"n\"]", "]");
    change("\"raw\", \"clean\", \"mart\"]", "\"raw\", \"clean\"]");
    // Under another address.
    change("[eventbridge_rule.failures]", "[eventbridge_rule.failed]");
    text + "\n[[moved]]\nfrom = \"eventbridge_rule.failures\"\nto = \"eventbridge_rule.failed\"\n"
}

/// The state of a stage before the run that is killed. It can be restored repeatedly.
struct Start {
    stage: Stage,
    scenario: Scenario,
    /// The copy of dwctl's files.
    folder: tempfile::TempDir,
}

impl Start {
    fn new(scenario: Scenario) -> Self {
        let mut stage = Stage::new(scenario);
        stage.project.cloud.save();
        let folder = tempfile::tempdir().unwrap();
        if stage.kept().exists() {
            copy(&stage.kept(), folder.path());
        }
        Self { stage, scenario, folder }
    }

    fn again(&self) -> &Stage {
        self.stage.project.cloud.empty();
        if self.stage.kept().exists() {
            fs::remove_dir_all(self.stage.kept()).unwrap();
        }
        copy(self.folder.path(), &self.stage.kept());
        self.stage.gate.forget();
        &self.stage
    }
}

/// A stack, and a gate between its `dwctl` and the cloud.
struct Stage {
    project: Project,
    gate: Gate,
    place: Where,
}

impl Stage {
    /// The stage before the run that is killed.
    fn new((what, place): Scenario) -> Self {
        let stage = Self::of(&stack(place), place);
        if what != What::Apply {
            stage.run(&["apply", "--yes"]).exits(0);
        }
        if what == What::Update {
            stage.project.write(&changed(place));
        }
        stage.gate.forget();
        stage
    }

    fn of(text: &str, place: Where) -> Self {
        let project = Project::new(text);
        let gate = Gate::before(&project.cloud.emulator());
        if place == Where::S3 {
            project.with(async |_, cx| {
                cx.aws.s3().create_bucket().bucket(BUCKET).send().await.expect("a bucket");
            });
        }
        Self { project, gate, place }
    }

    /// The folder of dwctl's files.
    fn kept(&self) -> PathBuf {
        self.project.stack().join(".dwctl")
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.project.command_without_endpoint(arguments);
        command.args(["--endpoint-url", &self.gate.endpoint()]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments), &arguments.join(" "))
    }

    /// Runs until the process is killed. Returns whether it was.
    fn killed(&self, arguments: &[&str], at: u64, after: bool) -> bool {
        let output = fs::File::create(self.project.stack().join("killed.log")).unwrap();
        let mut command = self.command(arguments);
        command.stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null());
        self.gate.kill(&mut command, at, after)
    }

    /// The ledger, wherever it lives.
    fn ledger(&self) -> Ledger {
        match self.place {
            Where::File => self.project.ledger(),
            Where::S3 => {
                let text = self.run(&["ledger", "pull"]).exits(0).stdout;
                Ledger::parse(text.as_bytes(), "S3").expect("a ledger")
            }
        }
    }

    /// The live state of everything at AWS, owned or not, with addresses in place of ids.
    fn live(&self) -> BTreeMap<String, String> {
        let ledger = self.ledger();
        assert!(ledger.intents.is_empty() && ledger.deposed.is_empty(), "{:?}", ledger.intents);
        let mut ids: Vec<(String, String)> = ledger
            .resources
            .iter()
            .map(|(address, entry)| (entry.id.clone(), format!("<{address}>")))
            .filter(|(id, _)| id.len() > 16)
            .collect();
        ids.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
        let plain = |text: String| ids.iter().fold(text, |text, (id, name)| text.replace(id, name));
        self.project.with(async |session, cx| {
            let mut live = BTreeMap::new();
            let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (address, entry) in &ledger.resources {
                alike.entry((&address.kind, &entry.place)).or_default().push((address, &entry.id));
            }
            for ((name, place), ones) in alike {
                let ids: Vec<&str> = ones.iter().map(|(_, id)| id.as_str()).collect();
                let kind = kind(name).expect("a kind");
                let found = read_all(kind, &session.cx(place), &ids).await;
                for ((address, id), found) in ones.into_iter().zip(found) {
                    let found = found.unwrap_or_else(|| panic!("{address} {id} is not there"));
                    let text = plain(format!("{:?}, {:?}", found.spec, found.tags));
                    // The order within sets is that of the ids.
                    let parts = text.split(|one: char| " ,[](){}".contains(one));
                    let mut parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
                    parts.sort_unstable();
                    live.insert(address.to_string(), parts.join(" "));
                }
            }
            for (service, names) in listed(cx).await {
                let mut names: Vec<String> = names.into_iter().map(plain).collect();
                names.sort();
                live.insert(format!("all of {service}"), names.join("\n"));
            }
            live
        })
    }
}

/// Everything at AWS, by service: names, or ids for resources without a name.
async fn listed(cx: &dwctl::aws::Cx) -> Vec<(&'static str, Vec<String>)> {
    fn all<T>(items: &[T], name: impl Fn(&T) -> Option<&str>) -> Vec<String> {
        items.iter().filter_map(|item| name(item).map(str::to_owned)).collect()
    }
    let aws = &cx.aws;
    let mut found = Vec::new();
    let answer = aws.ec2().describe_vpcs().send().await.expect("VPCs");
    found.push(("VPCs", all(answer.vpcs(), |one| one.vpc_id().filter(|_| one.is_default() != Some(true)))));
    let answer = aws.ec2().describe_subnets().send().await.expect("subnets");
    let own = |one: &aws_sdk_ec2::types::Subnet| one.default_for_az() != Some(true);
    found.push(("subnets", all(answer.subnets(), |one| one.subnet_id().filter(|_| own(one)))));
    let answer = aws.ec2().describe_security_groups().send().await.expect("groups");
    let groups =
        all(answer.security_groups(), |one| one.group_id().filter(|_| one.group_name() != Some("default")));
    found.push(("security groups", groups));
    let answer = aws.kms().list_keys().send().await.expect("keys");
    let mut keys = Vec::new();
    for key in answer.keys() {
        let id = key.key_id().unwrap_or_default();
        let key = aws.kms().describe_key().key_id(id).send().await.expect("a key");
        let key = key.key_metadata.expect("a key");
        let ours = key.key_manager().is_none_or(|manager| manager.as_str() == "CUSTOMER");
        if ours && key.deletion_date().is_none() {
            keys.push(id.to_owned());
        }
    }
    found.push(("keys", keys));
    let answer = aws.kms().list_aliases().send().await.expect("aliases");
    let aliases =
        answer.aliases().iter().filter(|one| one.alias_name().is_some_and(|name| !name.contains("/aws/")));
    let aliases = aliases.map(|one| {
        format!("{} {}", one.alias_name().unwrap_or_default(), one.target_key_id().unwrap_or_default())
    });
    found.push(("aliases", aliases.collect()));
    let answer = aws.s3().list_buckets().send().await.expect("buckets");
    let buckets: Vec<String> =
        all(answer.buckets(), |one| one.name()).into_iter().filter(|name| name != BUCKET).collect();
    let mut objects = Vec::new();
    for bucket in &buckets {
        let answer = aws.s3().list_objects_v2().bucket(bucket).send().await.expect("objects");
        let keys = answer.contents().iter().map(|one| one.key().unwrap_or_default());
        objects.extend(keys.map(|key| format!("{bucket} {key}")));
    }
    found.push(("objects", objects));
    found.push(("buckets", buckets));
    let answer = aws.iam().list_roles().send().await.expect("roles");
    let roles =
        answer.roles().iter().map(|one| one.role_name().to_owned()).filter(|name| name.starts_with("shop"));
    found.push(("roles", roles.collect()));
    let local = aws_sdk_iam::types::PolicyScopeType::Local;
    let answer = aws.iam().list_policies().scope(local).send().await.expect("policies");
    found.push(("policies", all(answer.policies(), |one| one.policy_name())));
    let answer = aws.redshift().describe_clusters().send().await.expect("clusters");
    found.push(("clusters", all(answer.clusters(), |one| one.cluster_identifier())));
    let answer = aws.redshift().describe_cluster_subnet_groups().send().await.expect("subnet groups");
    found.push(("subnet groups", all(answer.cluster_subnet_groups(), |one| one.cluster_subnet_group_name())));
    let answer = aws.redshift().describe_cluster_parameter_groups().send().await.expect("parameter groups");
    found.push(("parameter groups", all(answer.parameter_groups(), |one| one.parameter_group_name())));
    let answer = aws.secretsmanager().list_secrets().send().await.expect("secrets");
    found.push(("secrets", all(answer.secret_list(), |one| one.name())));
    let answer = aws.glue().get_databases().send().await.expect("databases");
    found.push(("databases", answer.database_list().iter().map(|one| one.name().to_owned()).collect()));
    let answer = aws.glue().get_jobs().send().await.expect("jobs");
    found.push(("jobs", all(answer.jobs(), |one| one.name())));
    let answer = aws.glue().get_crawlers().send().await.expect("crawlers");
    found.push(("crawlers", all(answer.crawlers(), |one| one.name())));
    let answer = aws.glue().list_workflows().send().await.expect("workflows");
    found.push(("workflows", answer.workflows().to_vec()));
    let answer = aws.glue().get_triggers().send().await.expect("triggers");
    found.push(("triggers", all(answer.triggers(), |one| one.name())));
    let answer = aws.cloudwatch().describe_alarms().send().await.expect("alarms");
    found.push(("alarms", all(answer.metric_alarms(), |one| one.alarm_name())));
    let answer = aws.cloudwatch().list_dashboards().send().await.expect("dashboards");
    found.push(("dashboards", all(answer.dashboard_entries(), |one| one.dashboard_name())));
    let answer = aws.cloudwatchlogs().describe_log_groups().send().await.expect("log groups");
    found.push(("log groups", all(answer.log_groups(), |one| one.log_group_name())));
    let answer = aws.sns().list_topics().send().await.expect("topics");
    found.push(("topics", all(answer.topics(), |one| one.topic_arn())));
    let answer = aws.sns().list_subscriptions().send().await.expect("subscriptions");
    found.push(("subscriptions", all(answer.subscriptions(), |one| one.subscription_arn())));
    let answer = aws.sfn().list_state_machines().send().await.expect("state machines");
    found.push(("state machines", answer.state_machines().iter().map(|one| one.name().to_owned()).collect()));
    let answer = aws.eventbridge().list_rules().send().await.expect("rules");
    found.push(("rules", all(answer.rules(), |one| one.name())));
    found
}

/// An uninterrupted run: its number of requests, and its end state.
struct Reference {
    requests: u64,
    live: BTreeMap<String, String>,
}

fn arguments(what: What) -> &'static [&'static str] {
    if what == What::Destroy { &["destroy", "--yes"] } else { &["apply", "--yes"] }
}

fn reference(stage: &Stage, what: What) -> Reference {
    stage.run(arguments(what)).exits(0);
    Reference { requests: stage.gate.count(), live: stage.live() }
}

/// Kills one run, and expects that the next ends as if nothing had happened.
fn survive(stage: &Stage, case: Case, reference: &Reference) -> bool {
    let arguments = arguments(case.scenario.0);
    let killed = stage.killed(arguments, case.at, case.after);
    if killed && case.scenario.1 == Where::S3 {
        // The lock of the dead process expires.
        std::thread::sleep(EXPIRY + Duration::from_millis(200));
    }
    let again = stage.run(arguments).exits(0);
    let live = stage.live();
    for (name, wanted) in &reference.live {
        assert_eq!(live.get(name), Some(wanted), "{name}\n{again}");
    }
    assert!(live.keys().eq(reference.live.keys()), "{:?}\n{again}", live.keys());
    if case.scenario.0 == What::Destroy {
        stage.run(arguments).exits(0).says("Nothing to destroy");
    } else {
        stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
    }
    killed
}

/// The requests of a run at which to kill: a few, or those chosen by `DWCTL_CRASH`: `all`, `FROM-TO`,
/// `/STEP`.
fn moments(scenario: Scenario, after: bool, requests: u64) -> Vec<u64> {
    let wish = std::env::var("DWCTL_CRASH").unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().expect("DWCTL_CRASH is all, FROM-TO or /STEP");
    if wish == "all" {
        return (1..=requests).collect();
    }
    if let Some(step) = wish.strip_prefix('/') {
        return (1 + u64::from(after)..=requests).step_by(number(step) as usize).collect();
    }
    if let Some((from, to)) = wish.split_once('-') {
        return (number(from)..=number(to).min(requests)).collect();
    }
    let count = match (scenario, after) {
        ((_, Where::File), _) => 2,
        ((What::Update, Where::S3), true) => 1,
        _ => 0,
    };
    // Most of a plan's reads come first, and later requests are more interesting.
    (0..count)
        .map(|index| requests * (4 * index + 3 + u64::from(after)) / (4 * count))
        .map(|at| at.max(1))
        .collect()
}

/// Returns whether `DWCTL_CRASH_ONLY` selects a scenario, such as `update/file`.
fn is_selected((what, place): Scenario) -> bool {
    let name = format!("{what:?}/{place:?}").to_lowercase();
    std::env::var("DWCTL_CRASH_ONLY").map_or(true, |only| only.split(',').any(|one| one == name))
}

#[test]
fn killed_at_any_request_it_converges() {
    let began = Instant::now();
    let is_asked = std::env::var_os("DWCTL_CRASH").is_some();
    let needed = |scenario: &Scenario| {
        let is_sampled = || [false, true].map(|after| moments(*scenario, after, 1).len()) != [0, 0];
        is_selected(*scenario) && (is_asked || is_sampled())
    };
    let scenarios: Mutex<VecDeque<Scenario>> = Mutex::new(SCENARIOS.into_iter().filter(needed).collect());
    let references: Mutex<BTreeMap<Scenario, Reference>> = Mutex::default();
    let starts: Mutex<Vec<Start>> = Mutex::default();
    side_by_side(2, || {
        while let Some(scenario) = take(&scenarios) {
            let start = Start::new(scenario);
            let reference = reference(start.again(), scenario.0);
            references.lock().unwrap().insert(scenario, reference);
            starts.lock().unwrap().push(start);
        }
    });
    let references = references.into_inner().unwrap();
    for ((what, _), reference) in &references {
        assert!(*what == What::Destroy || reference.live.len() > 60);
    }
    let (failed, unkilled, mut total) = (Mutex::new(Vec::new()), Mutex::new(0), 0);
    for (scenario, reference) in &references {
        let mut cases = VecDeque::new();
        for after in [false, true] {
            let moments = moments(*scenario, after, reference.requests);
            cases.extend(moments.into_iter().map(|at| Case { scenario: *scenario, at, after }));
        }
        total += cases.len();
        // Runs that wait for the lock of a dead process need no CPU, so more of them run at once.
        let workers = if scenario.1 == Where::S3 { 10 } else { 3 }.min(cases.len().div_ceil(2));
        let cases = Mutex::new(cases);
        side_by_side(workers, || {
            let mut start = take_where(&starts, |start| start.scenario == *scenario);
            while let Some(case) = take(&cases) {
                let one = || {
                    let start = start.get_or_insert_with(|| Start::new(*scenario));
                    survive(start.again(), case, reference)
                };
                match catch_unwind(AssertUnwindSafe(one)) {
                    Ok(killed) => {
                        *unkilled.lock().unwrap() += u32::from(!killed);
                        if std::env::var_os("DWCTL_CRASH").is_some() {
                            eprintln!(
                                "survived: {case:?}{}",
                                if killed { "" } else { ", which ended before" }
                            );
                        }
                    }
                    Err(_) => {
                        eprintln!("not survived: {case:?}");
                        failed.lock().unwrap().push(case);
                    }
                }
            }
        });
    }
    assert!(total > 0, "DWCTL_CRASH and DWCTL_CRASH_ONLY choose no request");
    let failed = failed.into_inner().unwrap();
    let requests: Vec<String> = references
        .iter()
        .map(|((what, place), one)| format!("{what:?}/{place:?} {}", one.requests))
        .collect();
    eprintln!("requests of unbroken runs: {}", requests.join(", "));
    eprintln!(
        "survived {} of {total}, {} of which ended before they were killed, in {:.0} s",
        total - failed.len(),
        unkilled.into_inner().unwrap(),
        began.elapsed().as_secs_f64()
    );
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Runs the work in this many threads.
fn side_by_side(workers: usize, work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(&work);
        }
    });
}

fn take<T>(from: &Mutex<VecDeque<T>>) -> Option<T> {
    from.lock().unwrap().pop_front()
}

fn take_where<T>(from: &Mutex<Vec<T>>, wanted: impl Fn(&T) -> bool) -> Option<T> {
    let mut from = from.lock().unwrap();
    from.iter().position(wanted).map(|index| from.remove(index))
}

/// Two keys that are replaced, create-before-delete.
fn keys(spec: &str) -> String {
    format!(
        "[stack]\nname = \"shop\"\nregion = \"{REGION}\"\n[kms_key.data]\ndescription = \"Data\"\n\
         multi_region = {spec}\nlifecycle = {{ create_before_destroy = true }}\n"
    )
}

fn live_keys(stage: &Stage) -> usize {
    let lists = stage.project.with(async |_, cx| listed(cx).await);
    lists.into_iter().find(|(service, _)| *service == "keys").map_or(0, |(_, keys)| keys.len())
}

/// The number of the first request that contains `words` in an uninterrupted run from `before` to `after`.
fn rehearse(before: &str, after: &str, words: &'static str) -> u64 {
    let stage = Stage::of(before, Where::File);
    stage.run(&["apply", "--yes"]).exits(0);
    stage.project.write(after);
    stage.gate.forget();
    stage.run(&["apply", "--yes"]).exits(0);
    stage.gate.position(words)
}

#[test]
fn a_replaced_resource_is_not_forgotten() {
    let at = rehearse(&keys("false"), &keys("true"), "ScheduleKeyDeletion");
    let stage = Stage::of(&keys("false"), Where::File);
    stage.run(&["apply", "--yes"]).exits(0);
    let old = stage.project.id("kms_key.data");
    stage.project.write(&keys("true"));
    stage.gate.forget();
    // The successor exists, the old key is about to be deleted, and the ledger does not record that yet.
    assert!(stage.killed(&["apply", "--yes"], at, false));
    assert_eq!(live_keys(&stage), 2);
    stage.run(&["plan"]).plans("kms_key.data", "- destroy  replaced earlier, still there");
    stage.run(&["apply", "--yes"]).exits(0);
    assert_eq!(live_keys(&stage), 1);
    assert_ne!(stage.project.id("kms_key.data"), old);
    stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
}

#[test]
fn a_deposed_resource_stays_known_until_it_is_deleted() {
    let stage = Stage::of(&keys("false"), Where::File);
    stage.run(&["apply", "--yes"]).exits(0);
    let old = stage.project.id("kms_key.data");
    stage.project.write(&keys("true"));
    stage.gate.refuse(Refusal { after: None, words: "ScheduleKeyDeletion", status: Some(400) });
    stage.run(&["apply", "--yes"]).exits(1);
    stage.gate.stop_refusing();
    let ledger = stage.project.ledger();
    let deposed: Vec<&str> = ledger.deposed.values().flatten().map(|entry| entry.id.as_str()).collect();
    assert_eq!(deposed, [old.as_str()]);
    stage.run(&["ledger", "list"]).says(&old).says("the next apply destroys it");
    stage.run(&["ledger", "show", "kms_key.data"]).says(&old);
    stage.run(&["destroy", "--yes"]).exits(0);
    assert_eq!(live_keys(&stage), 0);
    assert!(stage.project.ledger().deposed.is_empty());
}

/// AWS does not show whether a bucket may be emptied.
#[test]
fn a_deposed_bucket_is_emptied_where_that_was_applied() {
    let lake = |name: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"{REGION}\"\n[s3_bucket.lake]\nbucket = \"shop-{name}\"\n\
             force_destroy = true\nlifecycle = {{ create_before_destroy = true }}\n"
        )
    };
    let stage = Stage::of(&lake("old"), Where::File);
    stage.run(&["apply", "--yes"]).exits(0);
    stage.project.with(async |_, cx| {
        let put = cx.aws.s3().put_object().bucket("shop-old").key("data").body(b"1".to_vec().into());
        put.send().await.expect("put");
    });
    stage.project.write(&lake("new"));
    stage.gate.refuse(Refusal { after: None, words: "/shop-old/?delete", status: Some(400) });
    stage.run(&["apply", "--yes"]).exits(1);
    stage.gate.stop_refusing();
    assert_eq!(stage.project.ledger().deposed.len(), 1);
    // The same under another address.
    stage.project.write(&lake("new").replace("s3_bucket.lake", "s3_bucket.sea"));
    stage.run(&["apply", "--yes"]).exits(0).says("1 destroyed");
    stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
}

#[test]
fn a_created_resource_that_is_no_longer_declared_is_destroyed() {
    let empty = format!("[stack]\nname = \"shop\"\nregion = \"{REGION}\"\n");
    // The name of one topic is known only once the key exists.
    let full = format!(
        "{empty}[kms_key.data]\ndescription = \"Data\"\n[sns_topic.a]\nname = \"a\"\n\
         [sns_topic.b]\nname = \"b-${{kms_key.data.key_id}}\"\n"
    );
    let stage = Stage::of(&full, Where::File);
    stage.run(&["apply", "--yes", "--parallelism", "1"]).exits(0);
    let at = stage.gate.last("Action=CreateTopic");
    let stage = Stage::of(&full, Where::File);
    assert!(stage.killed(&["apply", "--yes", "--parallelism", "1"], at, true));
    let there = stage.project.with(async |_, cx| listed(cx).await);
    let count =
        |name: &str| there.iter().filter(|(service, _)| *service == name).flat_map(|(_, all)| all).count();
    assert_eq!((count("keys"), count("topics")), (1, 2));
    stage.project.write(&empty);
    stage.run(&["apply", "--yes"]).exits(0);
    let left: Vec<_> = stage
        .project
        .with(async |_, cx| listed(cx).await)
        .into_iter()
        .filter(|(service, names)| matches!(*service, "keys" | "topics") && !names.is_empty())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
}

#[test]
fn unselected_resources_are_not_recorded_as_applied() {
    let text = |secret: &str, display: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"{REGION}\"\n[secretsmanager_secret.a]\nname = \"a\"\n\
             secret_string = \"{secret}\"\n[sns_topic.a]\nname = \"a\"\ndisplay_name = \"{display}\"\n"
        )
    };
    let stage = Stage::of(&text("one", "one"), Where::File);
    stage.run(&["apply", "--yes"]).exits(0);
    stage.project.write(&text("two", "two"));
    stage.run(&["apply", "--yes", "--target", "sns_topic.a"]).exits(0);
    stage.run(&["plan"]).plans("secretsmanager_secret.a", "~ update in place").leaves("sns_topic.a");
}

/// The bucket of the ledger becomes unreachable at some moment.
fn out_of_reach(status: Option<u16>) {
    // Only a few, so that the heartbeat runs before the first one is created.
    let names: Vec<String> = (0..12).map(|number| format!("\"{number}\"")).collect();
    let text = format!(
        "[stack]\nname = \"shop\"\nregion = \"{REGION}\"\n[ledger]\nbucket = \"{BUCKET}\"\n\
         lock_expiry_seconds = {}\n[sns_topic.a]\nfor_each = [{}]\nname = \"a-${{each.key}}\"\n",
        EXPIRY.as_secs(),
        names.join(", ")
    );
    let stage = Stage::of(&text, Where::S3);
    // The intents are written, and every later write fails.
    let written = "PUT /dwctl-ledgers/dwctl/shop/default.json?";
    stage.gate.refuse(Refusal { after: Some(written), words: BUCKET, status });
    let run = stage.run(&["apply", "--yes"]).exits(1).says("dwctl ledger push").says("is kept in");
    stage.gate.stop_refusing();
    let folder = stage.project.ledger_file().parent().expect("a folder").to_owned();
    let copies: Vec<_> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains("emergency"))
        .collect();
    assert_eq!(copies.len(), 1, "{run}");
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(&copies[0]).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::thread::sleep(EXPIRY + Duration::from_millis(200));
    stage.run(&["ledger", "push", copies[0].to_str().expect("a path")]).exits(0);
    stage.run(&["apply", "--yes"]).exits(0);
    stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
    let ledger = stage.ledger();
    assert!(ledger.resources.len() == 12 && ledger.intents.is_empty());
}

#[test]
fn a_ledger_that_stops_answering_is_kept_in_a_local_file() {
    out_of_reach(Some(500));
}

#[test]
fn a_ledger_that_refuses_connections_is_kept_in_a_local_file() {
    out_of_reach(None);
}

#[test]
fn a_full_disk_is_reported_and_the_next_apply_finds_everything() {
    let stage = Stage::of(STACK, Where::File);
    // Files may grow to 30 KB: enough for the intents, not for the ledger.
    let dwctl = env!("CARGO_BIN_EXE_dwctl");
    let plain = stage.command(&["apply", "--yes"]);
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "trap '' XFSZ; ulimit -f 30; exec \"$0\" \"$@\"", dwctl]).args(plain.get_args());
    command.env_clear().current_dir(stage.project.stack());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run(&mut command, "apply")
        .exits(1)
        .says("cannot write the ledger")
        .says("not in the ledger: ")
        .says("make room");
    stage.run(&["apply", "--yes"]).exits(0);
    stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
    let whole = stage.live();
    let unbroken = reference(&Stage::new((What::Apply, Where::File)), What::Apply).live;
    assert_eq!(whole, unbroken);
}
