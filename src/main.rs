//! The `dwctl` program.

use std::process::ExitCode;

/// What is nested is bounded everywhere; this is room for all of it, also in a build that is
/// not optimised. It is taken only as it is used.
const STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let run = std::thread::Builder::new().name("main".to_owned()).stack_size(STACK);
    match run.spawn(dwctl::cli::main) {
        // A panic has said what it is.
        Ok(running) => running.join().unwrap_or(ExitCode::from(101)),
        Err(_) => dwctl::cli::main(),
    }
}
