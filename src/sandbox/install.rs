//! The emulator's virtual environment: created once, then shared by all sandboxes.

use super::files::{absolute, last_lines, lock, make_directory, trouble};
use crate::cache::{self, set};
use crate::diag::{Diagnostic, Outside};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::LazyLock;

/// The exact versions and hashes of the Python packages.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The oldest Python that moto and botocore support.
const OLDEST: (u32, u32) = (3, 10);

/// The emulator's own files, by name: all of `emulator/`, as `build.rs` found them.
const SCRIPTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for (name, text) in SCRIPTS {
        digest.update(name.as_bytes());
        digest.update([0]);
        digest.update(text.as_bytes());
        digest.update([0]);
    }
    hex::encode(&digest.finalize()[..8])
});

/// Distinguishes this emulator's files from those of another dwctl.
pub(super) fn version() -> String {
    VERSION.clone()
}

/// An installed emulator.
pub(super) struct Emulator {
    /// The Python of its environment.
    pub python: PathBuf,
    /// The folder that holds its package.
    pub scripts: PathBuf,
}

/// A Python on this machine.
struct Python {
    program: PathBuf,
    /// Implementation and version, such as `cpython 3.12`.
    name: String,
}

/// Returns the emulator, installing it if necessary.
pub(super) async fn ensure(progress: &dyn Fn(&str)) -> Result<Emulator, Diagnostic> {
    let python = find().await?;
    let key = key(&python.name);
    let home = match set("DWCTL_EMULATOR_DIR") {
        Some(directory) => absolute(directory)?,
        None => cache::folder("DWCTL_EMULATOR_DIR")?.join(format!("emulator-{key}")),
    };
    make_directory(&home)?;
    let emulator =
        Emulator { python: home.join("venv/bin/python"), scripts: home.join(format!("files-{}", version())) };
    let marker = home.join(".complete");
    let is_complete =
        || fs::read_to_string(&marker).is_ok_and(|text| text.trim() == key) && emulator.python.exists();
    if is_complete() && emulator.scripts.join(".complete").exists() {
        return Ok(emulator);
    }
    let _lock = lock(home.join("lock"), progress).await?;
    if !is_complete() {
        progress("installing the local AWS (once; about half a minute)");
        environment(&python, &home).await?;
        fs::write(&marker, &key).map_err(|error| trouble(&marker, "cannot be written", &error))?;
    }
    if !emulator.scripts.join(".complete").exists() {
        write_scripts(&emulator.scripts)?;
    }
    Ok(emulator)
}

/// A hash of everything that an environment is made from: a new hash means a new environment.
fn key(python: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(REQUIREMENTS.as_bytes());
    digest.update(python.as_bytes());
    hex::encode(&digest.finalize()[..8])
}

/// Creates the virtual environment. A half-made earlier one is cleared.
async fn environment(python: &Python, home: &Path) -> Result<(), Diagnostic> {
    let venv = home.join("venv");
    let made =
        run(&python.program, &["-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), venv.as_os_str()]).await;
    let made = made.map_err(|error| missing(&python.program, &error))?;
    if !made.status.success() {
        return Err(no_venv(&python.program).note(words(&made)));
    }
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)
        .map_err(|error| trouble(&requirements, "cannot be written", &error))?;
    let inner = venv.join("bin/python");
    let arguments = "-I -m pip install --disable-pip-version-check --no-input --quiet --require-hashes --no-deps \
                     --only-binary :all: --requirement";
    let mut arguments: Vec<&std::ffi::OsStr> = arguments.split_whitespace().map(AsRef::as_ref).collect();
    arguments.push(requirements.as_os_str());
    let installed = run(&inner, &arguments).await.map_err(|error| missing(&inner, &error))?;
    if !installed.status.success() {
        return Err(Diagnostic::error("sandbox-install", "the local AWS cannot be installed: pip failed")
            .note(format!("the end of pip's output:\n{}", words(&installed)))
            .help(
                "the sandbox needs the network once, for pip; pip's own configuration (index, proxy) is used",
            )
            .help("nothing was left half-done: the next `dwctl sandbox up` installs again"));
    }
    Ok(())
}

/// Writes the emulator's own files, and the marker last.
fn write_scripts(folder: &Path) -> Result<(), Diagnostic> {
    let package = folder.join("emulator");
    make_directory(&package)?;
    for (name, text) in SCRIPTS {
        let path = package.join(name);
        fs::write(&path, text).map_err(|error| trouble(&path, "cannot be written", &error))?;
    }
    let marker = folder.join(".complete");
    fs::write(&marker, version()).map_err(|error| trouble(&marker, "cannot be written", &error))
}

/// Finds a Python that can run the emulator: `DWCTL_PYTHON`, or the first suitable one.
async fn find() -> Result<Python, Diagnostic> {
    let chosen = set("DWCTL_PYTHON");
    let candidates: Vec<PathBuf> = match &chosen {
        Some(program) => vec![program.clone()],
        None => ["python3", "python3.13", "python3.12", "python3.11", "python3.14", "python3.10", "python"]
            .map(PathBuf::from)
            .to_vec(),
    };
    let ask = "import sys; print(sys.implementation.name, *sys.version_info[:2]); print(sys.executable)";
    let mut refused = Vec::new();
    for candidate in candidates {
        let output = match run(&candidate, &["-I".as_ref(), "-c".as_ref(), ask.as_ref()]).await {
            Ok(output) if output.status.success() => output,
            Ok(output) => {
                refused.push(format!("{}: {}", candidate.display(), words(&output)));
                continue;
            }
            Err(error) => {
                if chosen.is_some() {
                    return Err(missing(&candidate, &error));
                }
                continue;
            }
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = text.lines();
        let told: Vec<&str> = lines.next().unwrap_or("").split(' ').collect();
        let &[name, major, minor] = told.as_slice() else {
            refused.push(format!("{}: is not a Python", candidate.display()));
            continue;
        };
        if (major.parse().unwrap_or(0), minor.parse().unwrap_or(0)) < OLDEST {
            refused.push(format!("{}: {name} {major}.{minor} is too old", candidate.display()));
            continue;
        }
        let program = lines.next().map_or_else(|| candidate.clone(), PathBuf::from);
        // Debian's venv may lack the part that puts pip into an environment.
        let usable = run(&program, &["-I".as_ref(), "-c".as_ref(), "import venv, ensurepip".as_ref()]).await;
        if !usable.is_ok_and(|output| output.status.success()) {
            if chosen.is_some() {
                return Err(no_venv(&program));
            }
            refused.push(format!("{}: its venv module is missing", candidate.display()));
            continue;
        }
        return Ok(Python { program, name: format!("{name} {major}.{minor}") });
    }
    let lacks_venv = refused.iter().any(|line| line.ends_with("venv module is missing"));
    let mut diagnostic = if lacks_venv {
        no_venv(Path::new("python3"))
    } else {
        Diagnostic::error(
            "sandbox-python",
            format!("the sandbox needs Python {}.{} or newer, and none was found", OLDEST.0, OLDEST.1),
        )
        .help("install python3 (Debian, Ubuntu: apt install python3 python3-venv)")
        .help("or name one: DWCTL_PYTHON=/path/to/python3")
    };
    for line in refused {
        diagnostic = diagnostic.note(line);
    }
    Err(diagnostic)
}

fn missing(program: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("sandbox-python", format!("{} cannot be run: {error}", program.display()))
        .help("install Python 3.10 or newer, or name one: DWCTL_PYTHON=/path/to/python3")
}

fn no_venv(program: &Path) -> Diagnostic {
    Diagnostic::error(
        "sandbox-python",
        format!("{} cannot make a virtual environment: its venv module is missing", program.display()),
    )
    .help("Debian, Ubuntu: apt install python3-venv")
    .help("or name another Python: DWCTL_PYTHON=/path/to/python3")
}

/// Runs a program to its end. It is killed if this process ends.
async fn run(program: &Path, arguments: &[&std::ffi::OsStr]) -> std::io::Result<Output> {
    tokio::process::Command::new(program)
        .args(arguments)
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
}

/// The last lines of a program's output.
fn words(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    last_lines(&Outside::new(String::from_utf8_lossy(&text).trim_end()).masked(), 12)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_exact_and_hashed() {
        let text = REQUIREMENTS.replace("\\\n", " ");
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert!(lines.iter().any(|line| line.starts_with("moto==5.2.5 ")));
        for line in lines {
            assert!(line.contains("==") && line.contains("--hash=sha256:"), "{line}");
        }
    }

    #[test]
    fn the_emulator_is_embedded() {
        let embedded: Vec<&str> = SCRIPTS.iter().map(|(name, _)| *name).collect();
        assert!(embedded.is_sorted(), "{embedded:?}");
        assert!(embedded.contains(&"server.py") && embedded.contains(&"additions.py"), "{embedded:?}");
        assert!(!embedded.contains(&"selfcheck.py"));
    }
}
