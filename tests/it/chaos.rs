//! Random runs: a random stack, random events on it and its AWS, and checks of the invariants after each
//! apply. A failure prints the seed that reproduces it, and the shortest sequence found.
//!
//! `DWCTL_CHAOS=1000` runs 1000 cases, `DWCTL_CHAOS_SEED=7` runs only that one.

mod case;
pub mod engine;
mod model;
pub mod wire;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use case::{Case, Op, case};
use engine::Engine;
use wire::Wire;

use crate::harness::Cloud;

/// Number of cases in a `cargo test`, if time allows.
const SAMPLE: u64 = 12;
/// Their time limit.
const TIME: Duration = Duration::from_secs(25);
/// Maximum number of runs to shorten a failing case.
const SHRINKS: u32 = 60;

/// The cloud is recreated after this many cases, and after a failing one. Otherwise a case deletes its own
/// resources, which is faster.
const RESET: u32 = 8;

/// Runs cases one after the other on its own cloud.
struct Worker {
    cloud: Cloud,
    wire: Wire,
    runtime: tokio::runtime::Runtime,
    /// Cases since the cloud was recreated.
    used: Cell<u32>,
}

impl Worker {
    fn new() -> Self {
        // One thread for files: what a dead process was writing is written before the next one
        // begins.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .expect("a runtime");
        Self { cloud: Cloud::new(), wire: Wire::new(), runtime, used: Cell::new(0) }
    }

    fn run(&self, case: &Case) -> Result<(), TestCaseError> {
        if self.used.get() >= RESET {
            self.cloud.empty();
            self.used.set(0);
        }
        // Reset unless this case ends well and cleans up.
        let used = self.used.replace(RESET);
        let folder = tempfile::tempdir().expect("a folder");
        let outcome = self.runtime.block_on(async {
            let engine = Engine::new(&self.cloud.emulator(), folder.path(), self.wire.clone()).await;
            case.run(&engine, &self.cloud).await?;
            if engine.clear().await {
                self.used.set(used + 1);
            }
            Ok(())
        });
        outcome.map_err(|error: String| TestCaseError::fail(error))
    }

    /// Runs the case of a seed. Returns its failure, if any.
    fn seed(&self, seed: u64) -> Option<String> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config {
            failure_persistence: None,
            max_shrink_iters: number("DWCTL_CHAOS_SHRINKS").map_or(SHRINKS, |most| most as u32),
            max_shrink_time: 240_000,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let tree = case().new_tree(&mut runner).expect("a case");
        match runner.run_one(tree, |case| self.run(&case)) {
            Ok(_) => None,
            Err(TestError::Fail(reason, shortest)) => {
                Some(format!("seed {seed}: {reason}\nthe shortest that fails so: {shortest:#?}"))
            }
            Err(TestError::Abort(reason)) => Some(format!("seed {seed}: {reason}")),
        }
    }
}

/// Runs these seeds on two clouds in parallel, until `deadline`. Returns how many were run.
fn run(seeds: Vec<u64>, deadline: Option<Instant>) -> u64 {
    let (next, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let wrong: Arc<Mutex<Vec<String>>> = Arc::default();
    let seeds = Arc::new(seeds);
    let workers: Vec<_> = (0..seeds.len().min(2))
        .map(|_| {
            let (next, done) = (next.clone(), done.clone());
            let (wrong, seeds) = (wrong.clone(), seeds.clone());
            // The future of a run is large in unoptimised builds.
            let thread = std::thread::Builder::new().stack_size(32 << 20);
            let work = move || {
                let worker = Worker::new();
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(seed) = usize::try_from(at).ok().and_then(|at| seeds.get(at)) else { return };
                    if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                        return;
                    }
                    let found = worker.seed(*seed);
                    let count = done.fetch_add(1, Ordering::SeqCst) + 1;
                    if let Some(found) = found {
                        eprintln!("{found}");
                        wrong.lock().expect("no panic meanwhile").push(found);
                    }
                    if count % 25 == 0 {
                        let wrong = wrong.lock().expect("no panic meanwhile").len();
                        eprintln!("chaos: {count} cases, {wrong} with a broken invariant");
                    }
                }
            };
            thread.spawn(work).expect("a thread")
        })
        .collect();
    for worker in workers {
        worker.join().expect("a worker ends");
    }
    let (count, wrong) = (done.load(Ordering::SeqCst), wrong.lock().expect("all have ended"));
    eprintln!("chaos: survived {} of {count}", count - wrong.len() as u64);
    assert!(
        wrong.is_empty(),
        "{} of {count} cases break an invariant; DWCTL_CHAOS_SEED=… reproduces one\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    count
}

/// An apply is killed right after it created something that the ledger does not know yet. Then the stack
/// changes: it becomes another's or nobody's, releases the resource, renames it, or moves to another
/// region.
#[test]
fn resources_of_a_killed_apply_are_not_orphaned_by_a_changed_stack() {
    let worker = Worker::new();
    for at in 3..=5 {
        let ops =
            [Op::Remove(0), Op::Release(0), Op::Rename(0), Op::Readdress(0, false), Op::Readdress(0, true)];
        for op in ops {
            // A role and a topic.
            let case = Case::of(vec![(1, 0), (0, 0)], vec![Op::KillAt(at), op]);
            worker.run(&case).unwrap_or_else(|error| panic!("killed at {at}: {error}"));
        }
    }
    // A network and a part of it, of which AWS assigns the ids; a log group of a name that is the
    // same in each region.
    for first in [vec![(4, 0)], vec![(6, 0)]] {
        for at in 3..=7 {
            let back = [Op::Relocate(0), Op::KillAt(at), Op::Relocate(0)];
            for ops in [vec![Op::KillAt(at), Op::Relocate(0)], [&[Op::Apply], &back[..]].concat()] {
                let case = Case::of(first.clone(), ops);
                worker.run(&case).unwrap_or_else(|error| panic!("killed at {at}: {error}"));
            }
        }
    }
}

/// AWS does not tag subscriptions: one is recognised by its topic and its intended attributes.
#[test]
fn untaggable_resources_of_a_killed_apply_are_not_orphaned() {
    let worker = Worker::new();
    for at in 7..=10 {
        for op in [Op::Remove(1), Op::Rename(1), Op::Readdress(1, false), Op::Readdress(1, true)] {
            let case = Case::of(vec![(12, 0)], vec![Op::KillAt(at), op]);
            worker.run(&case).unwrap_or_else(|error| panic!("killed at {at}: {error}"));
        }
    }
}

/// The SDK retries a call whose answer was lost, and AWS says that the rule exists.
#[test]
fn a_created_rule_whose_answer_was_lost_is_not_a_failure() {
    let worker = Worker::new();
    // A network, and in it a group with a rule.
    let first = vec![(5, 1)];
    for at in 1..=16_u16 {
        let scaled = u8::try_from(((at - 1) * 255).div_ceil(40)).expect("small");
        let case = Case::of(first.clone(), vec![Op::Trouble(vec![(scaled, 3)])]);
        worker.run(&case).unwrap_or_else(|error| panic!("lost at {at}: {error}"));
    }
}

/// An apply is killed right after it created something. Then the stack reverts the change, or declares
/// another secret.
#[test]
fn changes_of_a_killed_apply_are_known_after_the_stack_changed_again() {
    let worker = Worker::new();
    let database = (vec![(7, 236)], Op::Edit(0, 1, 1));
    let secret = (vec![(11, 4)], Op::Edit(0, 1, 2));
    for (first, edit) in [database, secret] {
        for at in 2..=5 {
            for by_command in [None, Some(true), Some(false)] {
                let readdress = by_command.map(|by_command| Op::Readdress(0, by_command));
                let ops = [Some(Op::KillAt(at)), readdress, Some(edit.clone())];
                let case = Case::of(first.clone(), ops.into_iter().flatten().collect());
                worker.run(&case).unwrap_or_else(|error| panic!("killed at {at}: {error}"));
            }
        }
    }
}

/// A key gets another address. It differs, so this is no rename. The old key was created by an apply that
/// was killed after it had added the alias.
#[test]
fn an_alias_moves_to_another_key_after_a_kill() {
    let worker = Worker::new();
    for begin in [Op::Apply].into_iter().chain((9..=12).map(Op::KillAt)) {
        let ops = vec![begin, Op::Readdress(0, false), Op::Edit(0, 0, 1)];
        let case = Case::of(vec![(2, 4)], ops);
        worker.run(&case).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A role was created by one apply, and updated by another that was also killed. It is ours even if somebody
/// then removes its owner tags (seed 821).
#[test]
fn resources_of_a_killed_apply_stay_ours_without_their_tags() {
    let first = vec![(184, 17), (50, 216), (183, 232), (93, 177), (72, 179)];
    let ops = vec![
        Op::Lose(true),
        Op::Kill(52, true),
        Op::Edit(12, 135, 187),
        Op::Kill(219, false),
        Op::Retag(71, 107),
    ];
    Worker::new().run(&Case::of(first, ops)).unwrap_or_else(|error| panic!("{error}"));
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}

#[test]
fn random_operations_converge() {
    if let Some(seed) = number("DWCTL_CHAOS_SEED") {
        match number("DWCTL_CHAOS") {
            Some(count) => drop(run((seed..seed + count).collect(), None)),
            None => drop(run(vec![seed], None)),
        }
        return;
    }
    if let Some(count) = number("DWCTL_CHAOS") {
        run((1..=count).collect(), None);
        return;
    }
    // Always the same ones: new seeds would fail changes that did not break them.
    assert!(run((1..=SAMPLE).collect(), Some(Instant::now() + TIME)) > 0);
}
/// Another stack takes over a resource of ours, or somebody recreates it. Somebody creates a resource that
/// an apply is about to create, at any of its requests.
#[test]
fn foreign_resources_are_left_alone() {
    let worker = Worker::new();
    // A topic, a role, a key, a network, a log group, a database, a bucket and a secret.
    for shape in [0, 1, 2, 3, 6, 7, 9, 11] {
        for remade in [false, true] {
            let case = Case::of(vec![(shape, 0)], vec![Op::Apply, Op::LoseToOthers(0, remade)]);
            worker.run(&case).unwrap_or_else(|error| panic!("shape {shape}, {remade}: {error}"));
        }
    }
    for which in 0..6 {
        for (at, stack) in [(40, true), (90, false), (140, true), (190, false)] {
            let case = Case::of(vec![(0, 0)], vec![Op::CreateMeanwhile(which, at, stack)]);
            worker.run(&case).unwrap_or_else(|error| panic!("{which} at {at}: {error}"));
        }
    }
}

/// AWS returns nothing that tells a topic or a bucket from another of its name. Without owner tags, it is
/// left alone until they are back.
#[test]
fn a_resource_that_nothing_proves_is_left_alone() {
    for shape in [0, 9] {
        let case = Case::of(vec![(shape, 0)], vec![Op::Apply, Op::Retag(0, 3), Op::Edit(0, 0, 1)]);
        Worker::new().run(&case).unwrap_or_else(|error| panic!("{error}"));
    }
}
