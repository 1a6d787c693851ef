//! Stacks in folders of their own, read without AWS.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dwctl::diag::{Diagnostic, Sources, render_all};
use dwctl::eval::EvalContext;
use dwctl::kinds::KINDS;
use dwctl::stack::{self, Stack};

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A temporary folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

/// A stack of one file, with a `[stack]` table added if it has none.
pub(crate) fn headed(text: &str) -> String {
    if text.contains("[stack]") {
        text.to_owned()
    } else {
        format!("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\n{text}")
    }
}

/// Reads the stack in a folder.
pub(crate) fn load(folder: &Path) -> Result<Stack, (Vec<Diagnostic>, Sources)> {
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    stack::load(folder, None, &kinds)
}

/// The rendered errors of `validate` for a stack of one file; empty if there are none.
pub(crate) fn problems(text: &str) -> String {
    let folder = folder(&[("stack.toml", &headed(text))]);
    // The path of the folder differs from run to run.
    problems_of(folder.path()).replace(&format!("{}/", folder.path().display()), "")
}

/// The rendered errors of `validate` for the stack in a folder.
pub(crate) fn problems_of(folder: &Path) -> String {
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let stack::Loaded { stack, mut problems, is_whole } = stack::read(folder, None, &kinds, &[]);
    if is_whole {
        let mut wrong = Vec::new();
        let variables = stack::variables(&stack, &[], &mut wrong);
        problems.extend(wrong);
        (problems, ..) = EvalContext::check(&stack, variables, problems);
    }
    render_all(&problems, &stack.sources, false)
}

/// The exit code and output of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) time: Duration,
}

/// Runs the program in a folder, in an environment without account and network.
pub(crate) fn dwctl(folder: &Path, arguments: &[&str]) -> Run {
    dwctl_with(folder, arguments, &[])
}

/// Like [`dwctl`], with additional environment variables.
pub(crate) fn dwctl_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let home = tempfile::tempdir().expect("a temporary folder");
    let began = Instant::now();
    let output = Command::new(option_env!("CARGO_BIN_EXE_dwctl").unwrap_or("dwctl"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("RUST_BACKTRACE", "1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("dwctl runs");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
        time: began.elapsed(),
    }
}

/// Returns whether this test is alone in its process. If not, it is run in a process of its own, and has
/// passed when this returns. Secrets are known to the whole process, so those of another test would be
/// redacted in the excerpts of this one.
pub(crate) fn is_alone(test: &str) -> bool {
    const ALONE: &str = "DWCTL_TEST_ALONE";
    if std::env::var_os(ALONE).is_some_and(|name| name == test) {
        return true;
    }
    let program = std::env::current_exe().expect("this program");
    let run = Command::new(program).args([test, "--exact"]).env(ALONE, test).output().expect("it runs");
    let (said, error) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && said.contains("1 passed"), "{said}{error}");
    false
}
