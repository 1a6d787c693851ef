//! The cost of a plan of a large stack without a network: the stack of `tests/it/estate.rs` against a
//! simulated account that already has all of it.
//!
//! `cargo run --release --example noop [RESOURCES]`. Prints the best of several runs on this machine.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use dwctl::plan::{Action, Selection};

#[path = "../it/account.rs"]
mod account;
#[path = "../it/estate.rs"]
mod estate;
#[path = "../it/paper.rs"]
mod paper;

use account::Account;
use estate::Shape;

const RUNS: usize = 3;

/// CPU time of this thread, where Linux reports it; otherwise the time since `began`.
fn spent(began: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

fn main() {
    let resources: usize = std::env::args().nth(1).map_or(5_000, |text| text.parse().expect("a number"));
    for shape in [Shape::Each, Shape::Single] {
        let text = estate::stack(resources / 10, shape);
        let account = Account::after(&text);
        for (what, selection, action) in [
            ("no changes", Selection::default(), Action::NoOp),
            ("destroy", Selection { destroy: true, ..Selection::default() }, Action::Delete),
        ] {
            let mut best = Duration::MAX;
            for _ in 0..RUNS {
                let start = Instant::now();
                let began = spent(start);
                let plan = account.planned(&text, &selection).unwrap_or_else(|problems| panic!("{problems}"));
                best = best.min(spent(start) - began);
                assert!(plan.changes.iter().all(|change| change.action == action));
            }
            println!("{resources} resources, {shape:?}, {what}: {:.2} s of CPU", best.as_secs_f64());
        }
    }
}
