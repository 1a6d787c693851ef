//! The `dwctl` program.

use std::process::ExitCode;

/// Stack size of the main thread. Nesting is bounded everywhere; this has room for all of it, even in an
/// unoptimised build. The system commits the memory only as it is used.
const STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let run = std::thread::Builder::new().name("main".to_owned()).stack_size(STACK);
    match run.spawn(dwctl::cli::main) {
        // A panic has already printed its message.
        Ok(running) => running.join().unwrap_or(ExitCode::from(101)),
        Err(_) => dwctl::cli::main(),
    }
}
