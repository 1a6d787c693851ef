//! Signals at any request of any mutating command: it ends in time, its lock is released, what was created
//! is known or found again, and the next run finishes.
//!
//! `cargo test` stops at a few requests of each command, `DWCTL_SIGNALS=all` at every one, `/STEP` at
//! some. `DWCTL_SIGNALS_ONLY=apply/s3` selects scenarios.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::harness::{Project, Run, copy, finish, run};
use crate::interrupt::signal;

const BUCKET: &str = "dwctl-ledgers";
/// Additional time for a busy machine, beyond the two seconds.
const SLACK: Duration = Duration::from_millis(1_500);

/// Named and assigned ids, and some dependencies.
const STACK: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
    [sns_topic.feeds]\nfor_each = [\"a\", \"b\"]\nname = \"feed-${each.key}\"\n\
    [ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
    [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n";

/// A command, with its initial state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Apply,
    Saved,
    Destroy,
    Import,
    Move,
    Forget,
    Recover,
    Push,
    Unlock,
    Init,
    PlanOut,
}

const VERBS: [Verb; 11] = [
    Verb::Apply,
    Verb::Saved,
    Verb::Destroy,
    Verb::Import,
    Verb::Move,
    Verb::Forget,
    Verb::Recover,
    Verb::Push,
    Verb::Unlock,
    Verb::Init,
    Verb::PlanOut,
];

impl Verb {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Apply => &["apply", "--yes", "--parallelism", "2"],
            Self::Saved => &["apply", "plan.json", "--yes"],
            Self::Destroy => &["destroy", "--yes", "--parallelism", "2"],
            Self::Import => &["import", "sns_topic.found", "arn:aws:sns:us-east-1:123456789012:found"],
            Self::Move => &["ledger", "move", "sns_topic.feeds[\"a\"]", "sns_topic.other"],
            Self::Forget => &["ledger", "forget", "ec2_subnet.a"],
            Self::Recover => &["ledger", "recover"],
            Self::Push => &["ledger", "push", "kept.json"],
            Self::Unlock => &["ledger", "unlock", "left"],
            Self::Init => &["ledger", "init"],
            Self::PlanOut => &["plan", "--out", "plan.json"],
        }
    }

    /// Returns whether the command calls AWS: some do not if the ledger is a file.
    fn calls(self, s3: bool) -> bool {
        s3 || matches!(
            self,
            Self::Apply | Self::Saved | Self::Destroy | Self::Import | Self::Recover | Self::PlanOut
        )
    }
}

/// A stack before the command, and a gate between its `dwctl` and the cloud.
struct Stage {
    project: Project,
    gate: Gate,
    s3: bool,
    kept: tempfile::TempDir,
}

impl Stage {
    fn new(verb: Verb, s3: bool) -> Self {
        let ledger = format!("[ledger]\nbucket = \"{BUCKET}\"\nlock_expiry_seconds = 60\n");
        let text = format!("{STACK}{}", if s3 { &ledger } else { "" });
        let project = Project::new(&text);
        let gate = Gate::before(&project.cloud.emulator());
        let mut stage = Self { project, gate, s3, kept: tempfile::tempdir().unwrap() };
        if s3 && verb != Verb::Init {
            stage.run(&["ledger", "init"]).exits(0);
        }
        match verb {
            Verb::Apply | Verb::Init | Verb::PlanOut => {}
            Verb::Saved => drop(stage.run(&["plan", "--out", "plan.json"]).exits(0)),
            Verb::Destroy | Verb::Move | Verb::Forget => drop(stage.run(&["apply", "--yes"]).exits(0)),
            Verb::Import => {
                stage.project.write(&format!("{text}[sns_topic.found]\nname = \"found\"\n"));
                stage.project.with(async |_, cx| {
                    cx.aws.sns().create_topic().name("found").send().await.expect("a topic");
                });
            }
            Verb::Recover => {
                stage.run(&["apply", "--yes"]).exits(0);
                std::fs::remove_dir_all(stage.project.stack().join(".dwctl")).ok();
                if s3 {
                    stage.project.with(async |_, cx| {
                        let key = "dwctl/shop/default.json";
                        cx.aws.s3().delete_object().bucket(BUCKET).key(key).send().await.expect("deleted");
                    });
                }
            }
            Verb::Push => {
                stage.run(&["apply", "--yes"]).exits(0);
                let text = stage.run(&["ledger", "pull"]).exits(0).stdout;
                std::fs::write(stage.project.stack().join("kept.json"), text).unwrap();
            }
            Verb::Unlock => stage.project.with(async |_, cx| {
                let put = cx.aws.s3().put_object().bucket(BUCKET).key("dwctl/shop/default.json.lock");
                let lock = "{\"id\": \"left\", \"command\": \"dwctl apply\", \"host\": \"h\", \"pid\": 1, \
                            \"since\": \"\", \"heartbeat\": \"\", \"expires\": \"\"}";
                put.body(lock.as_bytes().to_vec().into()).send().await.expect("a lock");
            }),
        }
        stage.project.cloud.save();
        copy(&stage.project.stack(), stage.kept.path());
        stage.gate.forget();
        stage
    }

    /// Restores the state before the command.
    fn again(&self) -> &Self {
        self.project.cloud.empty();
        std::fs::remove_dir_all(self.project.stack()).unwrap();
        copy(self.kept.path(), &self.project.stack());
        self.gate.forget();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command_without_endpoint(arguments);
        command.args(["--endpoint-url", &self.gate.endpoint()]);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments), &arguments.join(" "))
    }

    fn ledger_file(&self) -> PathBuf {
        self.project.ledger_file()
    }

    fn is_locked(&self) -> bool {
        if !self.s3 {
            // A lock that is held is not empty.
            let lock = self.ledger_file().with_extension("lock");
            return std::fs::File::open(lock).is_ok_and(|file| file.try_lock().is_err());
        }
        self.project.with(async |_, cx| {
            let head = cx.aws.s3().head_object().bucket(BUCKET).key("dwctl/shop/default.json.lock");
            head.send().await.is_ok()
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    verb: Verb,
    at: u64,
    /// True if AWS executes the request, but its answer does not arrive.
    after: bool,
    /// True if a second signal follows the first.
    twice: bool,
}

/// Returns whether a request changes something, or may.
fn writes(head: &str) -> bool {
    let reads = ["GET ", "HEAD "].iter().any(|method| head.starts_with(method))
        || ["Action=Describe", "Action=Get", "Action=List", ".Get", ".List", ".Describe"]
            .iter()
            .any(|words| head.contains(words));
    !reads
}

/// Stops one run, and expects that the next one finishes.
fn stop(stage: &Stage, case: Case) {
    let arguments = case.verb.arguments();
    let name = if case.at.is_multiple_of(2) { "-INT" } else { "-TERM" };
    stage.gate.halt(case.at, case.after);
    let mut child = stage.command(arguments).spawn().expect("dwctl can be run");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !stage.gate.holds() {
        if child.try_wait().expect("a child").is_some() {
            // The run had one request fewer than the rehearsal, so nothing was stopped.
            stage.gate.release();
            finish(child, &arguments.join(" ")).exits(0);
            return;
        }
        assert!(Instant::now() < deadline, "request {} does not come", case.at);
        std::thread::sleep(Duration::from_millis(2));
    }
    let held = stage.gate.heads().get(case.at as usize - 1).cloned().unwrap_or_default();
    signal(&child, name);
    let began = Instant::now();
    let mut released = case.twice;
    if case.twice {
        std::thread::sleep(Duration::from_millis(50));
        if child.try_wait().expect("a child").is_none() {
            signal(&child, if name == "-INT" { "-TERM" } else { "-HUP" });
        }
    }
    while child.try_wait().expect("a child").is_none() {
        let since = began.elapsed();
        if !released && since > Duration::from_millis(1_200) {
            // Only a running operation may delay the end: a write of the ledger or its lock, or a resource.
            let begun = |head: &String| writes(head) && !head.contains(".lock");
            let is_begun = writes(&held) || stage.gate.heads().iter().any(begun);
            assert!(is_begun, "nothing is in work, and {held} is awaited");
            stage.gate.release();
            released = true;
        }
        assert!(
            since < Duration::from_secs(if case.twice { 2 } else { 20 }) + SLACK,
            "it does not end at {held}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    stage.gate.release();
    let ended = finish(child, &arguments.join(" ")).exits(6);
    stage.gate.await_calm();
    let is_left = case.verb != Verb::Unlock && stage.is_locked();
    assert!(!is_left, "the lock is left after {held}\n{ended}");
    conclude(stage, case.verb, &ended);
}

/// Expects that the next run finishes.
fn conclude(stage: &Stage, verb: Verb, ended: &Run) {
    let again = || {
        let run = stage.run(verb.arguments());
        assert!(run.code.is_some(), "{run}\n{ended}");
        run
    };
    match verb {
        Verb::Apply => {
            again().exits(0);
            stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
        }
        Verb::Saved => {
            // The reviewed plan may have been started, and then a new plan is required.
            let run = again();
            if run.code != Some(0) {
                run.exits(7);
                stage.run(&["apply", "--yes"]).exits(0);
            }
            stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
        }
        Verb::Destroy => {
            again().exits(0);
            stage.run(&["destroy", "--yes"]).exits(0).says("Nothing to destroy");
        }
        Verb::Import => {
            again().exits(0);
            stage.run(&["ledger", "show", "sns_topic.found"]).exits(0);
        }
        Verb::Move | Verb::Forget => {
            // The ledger may have been written, and then the address no longer exists.
            let run = again();
            assert!(matches!(run.code, Some(0 | 1)), "{run}\n{ended}");
            let list = stage.run(&["ledger", "list"]).exits(0);
            let gone = if verb == Verb::Move { "sns_topic.feeds[\"a\"]" } else { "ec2_subnet.a" };
            list.says_not(gone).says("ec2_vpc.main");
        }
        Verb::Recover | Verb::Push => {
            let run = again();
            // It may have been written.
            let is_older = verb == Verb::Push && run.stderr.contains("is older than the ledger");
            assert!(run.code == Some(0) || is_older, "{run}\n{ended}");
            stage.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
        }
        Verb::Unlock => {
            let run = again();
            assert!(run.code == Some(0) || run.stderr.contains("is not locked"), "{run}\n{ended}");
        }
        Verb::Init => {
            again().exits(0);
            stage.run(verb.arguments()).exits(0).says("already set up");
        }
        Verb::PlanOut => {
            again().exits(0);
            stage.run(&["apply", "plan.json", "--yes"]).exits(0);
        }
    }
}

/// The requests of a run at which to stop.
fn moments(requests: u64, few: u64, salt: u64) -> Vec<u64> {
    let wish = std::env::var("DWCTL_SIGNALS").unwrap_or_default();
    if wish == "all" {
        return (1..=requests).collect();
    }
    if let Some(step) = wish.strip_prefix('/') {
        let step = step.parse().expect("DWCTL_SIGNALS is all or /STEP");
        return (1 + salt % step as u64..=requests).step_by(step).collect();
    }
    // Spread over the run, with an offset for each scenario.
    let mut at: Vec<u64> =
        (0..few).map(|index| 1 + (requests * (2 * index + 1) / (2 * few) + salt) % requests).collect();
    at.dedup();
    at
}

fn is_selected(verb: Verb, s3: bool) -> bool {
    let name = format!("{verb:?}/{}", if s3 { "s3" } else { "file" }).to_lowercase();
    std::env::var("DWCTL_SIGNALS_ONLY").map_or(true, |only| only.split(',').any(|one| one == name))
}

#[test]
fn a_run_stopped_at_any_request_ends_in_time_and_the_next_finishes() {
    let scenarios: VecDeque<(Verb, bool)> = VERBS
        .into_iter()
        .flat_map(|verb| [(verb, true), (verb, false)])
        .filter(|(verb, s3)| verb.calls(*s3) && is_selected(*verb, *s3))
        .collect();
    let began = Instant::now();
    let scenarios = Mutex::new(scenarios);
    let (failed, total) = (Mutex::new(Vec::new()), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let next = scenarios.lock().unwrap().pop_front();
                    let Some((verb, s3)) = next else { return };
                    let mut stage = Stage::new(verb, s3);
                    stage.run(verb.arguments()).exits(0);
                    let heads = stage.gate.heads();
                    for twice in [true, false] {
                        for after in [false, true] {
                            let requests = heads.len() as u64;
                            let few = u64::from(twice == (after != s3));
                            let salt = if twice { 0 } else { requests / 4 };
                            for at in moments(requests, few, salt) {
                                let case = Case { verb, at, after, twice };
                                *total.lock().unwrap() += 1;
                                let one = AssertUnwindSafe(|| stop(stage.again(), case));
                                if catch_unwind(one).is_err() {
                                    eprintln!(
                                        "not survived: {case:?}, S3: {s3}, {:?}",
                                        heads.get(at as usize - 1)
                                    );
                                    failed.lock().unwrap().push((case, s3));
                                    stage.gate.release();
                                    // A process that a failed check left running must not disturb the next
                                    // one.
                                    stage = Stage::new(verb, s3);
                                }
                            }
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let total = total.into_inner().unwrap();
    eprintln!("survived {} of {total} in {:.0} s", total - failed.len(), began.elapsed().as_secs_f64());
    assert!(failed.is_empty(), "{failed:#?}");
}
