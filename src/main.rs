//! The `dwctl` program.

fn main() -> std::process::ExitCode {
    dwctl::cli::main()
}
