//! The cost of the formats of a large plan, against their limits: all formats of a plan of 1,000 changes in
//! memory must take less than 0.5 s and 150 MB, and the HTML page must be smaller than 3 MB.
//!
//! `cargo run --release --example formats [FOLDER]`; with a folder, writes them there as `plan.*`, for
//! `tests/bench/page`. Prints the best of several runs on this machine. This is an example and not a cargo
//! benchmark, because benchmarks are built with unwinding, and would compile the SDK once more.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::time::{Duration, Instant};

use dwctl::plan::Plan;
use dwctl::plan::format::{Format, Options, render};

#[path = "../it/account.rs"]
mod account;
#[path = "../it/formats/corpus.rs"]
mod corpus;
#[path = "../it/paper.rs"]
mod paper;

const CHANGES: usize = 1_000;
const RUNS: usize = 9;
/// Environment variable with the file of a plan that already exists.
const PLAN: &str = "DWCTL_FORMATS_PLAN";

/// The peak memory of this process in MB, where Linux reports it.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// CPU time, where Linux reports it; otherwise the time since `began`. Other programs do not count.
fn spent(began: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| began.elapsed(), Duration::from_nanos)
}

/// Runs this program again with the plan in a file.
fn beside(folder: Option<String>) {
    let plan = tempfile::NamedTempFile::new().expect("a file");
    serde_json::to_writer(BufWriter::new(&plan), &corpus::many(CHANGES)).expect("written");
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    let ended = again.args(folder).env(PLAN, plan.path()).status().expect("it can be run again");
    drop(plan);
    std::process::exit(ended.code().unwrap_or(1));
}

fn main() {
    let start = Instant::now();
    let folder = std::env::args().nth(1);
    // The plan is created in a separate process, so that its cost is not counted.
    let Some(file) = std::env::var_os(PLAN) else { return beside(folder) };
    let plan: Plan = serde_json::from_reader(BufReader::new(File::open(file).unwrap())).expect("a plan");
    let options = Options { commands: vec!["dwctl apply plan.dwctl".to_owned()], ..Options::default() };
    let mut best = Duration::MAX;
    let mut each = vec![(Duration::MAX, 0); Format::ALL.len()];
    for _ in 0..RUNS {
        let began = spent(start);
        // All formats in one run, like `plan --output …`.
        let mut texts = Vec::new();
        for (format, least) in Format::ALL.into_iter().zip(&mut each) {
            let began = spent(start);
            let text = render(format, &plan, &options);
            *least = (least.0.min(spent(start) - began), text.len());
            texts.push((format, text));
        }
        best = best.min(spent(start) - began);
        if let Some(folder) = &folder {
            for (format, text) in texts {
                std::fs::write(std::path::Path::new(folder).join(format!("plan.{}", format.name())), text)
                    .expect("written");
            }
        }
    }
    for (format, (time, size)) in Format::ALL.into_iter().zip(&each) {
        println!("{:30} {:6.1} ms  {:9} bytes", format.name(), time.as_secs_f64() * 1e3, size);
    }
    let page = Format::ALL.iter().position(|one| *one == Format::Html).map_or(0, |at| each[at].1);
    let memory = peak();
    let told = memory.map_or("not told by this system".to_owned(), |memory| format!("{memory:.0} MB"));
    let rows = [
        (
            "all formats, time",
            format!("{:.0} ms", best.as_secs_f64() * 1e3),
            best.as_millis() < 500,
            "500 ms",
        ),
        ("all formats, memory", told, memory.is_none_or(|memory| memory < 150.0), "150 MB"),
        ("page", format!("{:.2} MB", page as f64 / 1e6), page < 3_000_000, "3 MB"),
    ];
    for (what, found, held, bar) in &rows {
        println!("{what:30} {found:12} bar {bar}: {}", if *held { "held" } else { "NOT held" });
    }
    std::process::exit(i32::from(!rows.iter().all(|row| row.2)));
}
