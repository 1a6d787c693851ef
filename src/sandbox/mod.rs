//! The sandbox: a local AWS for first runs and for tests.
//!
//! There is one emulator for each directory: moto with our additions, in a separate virtual
//! environment, on a free port of 127.0.0.1. It is detached from the process that starts it and reused
//! while it runs. It ends by itself after six idle hours, or when its directory is gone. Answers that
//! identify it carry the nonce of its state file, so another program on the same port is never
//! mistaken for it.

#![allow(clippy::result_large_err, reason = "an error ends the verb: its size does not matter")]

mod files;
mod http;
mod install;

use files::{absolute, blocking, last_lines, lock, make_directory, remove, trouble};

use crate::cache::{self, set};
use crate::diag::{Diagnostic, Outside};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Time limit for the emulator from its start to its first answer.
const START_DEADLINE: Duration = Duration::from_secs(90);
/// Time limit for an answer of the emulator's own endpoints.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// A running emulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Its endpoint: `http://127.0.0.1:<port>`.
    pub endpoint: String,
    /// Its process id.
    pub pid: u32,
    /// The folder of its state file, lock and log.
    pub directory: PathBuf,
    /// Whether it was started by a dwctl whose emulator differs from this one's.
    pub outdated: bool,
    port: u16,
    nonce: String,
}

impl Sandbox {
    /// The emulator's log.
    pub fn log(&self) -> PathBuf {
        self.directory.join(LOG)
    }

    /// The port of 127.0.0.1 on which it answers.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The environment variables that the emulator gets.
const KEPT: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"];

const STATE: &str = "state.json";
const LOG: &str = "emulator.log";
const LOCK: &str = "lock";

/// The emulator writes this once it answers, and returns it on request.
#[derive(Deserialize, Serialize)]
struct State {
    port: u16,
    pid: u32,
    nonce: String,
    #[serde(default)]
    version: String,
}

/// Returns the running sandbox, after installing and starting it if necessary. `progress` gets short
/// messages about slow steps.
pub async fn up(progress: &dyn Fn(&str)) -> Result<Sandbox, Diagnostic> {
    let directory = directory()?;
    make_directory(&directory)?;
    // The common case, a running sandbox, needs no lock.
    if let Some(sandbox) = blocking({
        let directory = directory.clone();
        move || live(&directory)
    })
    .await?
    {
        return Ok(sandbox);
    }
    let _lock = lock(directory.join(LOCK), progress).await?;
    if let Some(sandbox) = blocking({
        let directory = directory.clone();
        move || live(&directory)
    })
    .await?
    {
        return Ok(sandbox);
    }
    let emulator = install::ensure(progress).await?;
    progress("starting the local AWS");
    start(&directory, &emulator).await
}

/// Stops the sandbox. Returns false if none was running.
pub fn down() -> Result<bool, Diagnostic> {
    let directory = directory()?;
    let Some(sandbox) = live(&directory)? else {
        remove(&directory.join(STATE))?;
        return Ok(false);
    };
    let path = format!("/dwctl/stop?nonce={}", sandbox.nonce);
    // It may end before its answer is read; only its end matters.
    let _ = http::request(sandbox.port, "POST", &path, ANSWER_DEADLINE);
    let deadline = Instant::now() + ANSWER_DEADLINE;
    while answers(sandbox.port, &sandbox.nonce) {
        if Instant::now() > deadline {
            return Err(Diagnostic::error(
                "sandbox-does-not-stop",
                format!("the sandbox at {} does not stop", sandbox.endpoint),
            )
            .help(format!("end its process yourself: kill {}", sandbox.pid)));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    remove(&directory.join(STATE))?;
    Ok(true)
}

/// The sandbox, if it is running.
pub fn status() -> Result<Option<Sandbox>, Diagnostic> {
    live(&directory()?)
}

/// Empties the sandbox: all accounts and regions are new again.
pub async fn reset() -> Result<Sandbox, Diagnostic> {
    let directory = directory()?;
    blocking(move || {
        let Some(sandbox) = live(&directory)? else {
            return Err(Diagnostic::error("sandbox-not-running", "no sandbox is running")
                .help("start one with `dwctl sandbox up`"));
        };
        match http::request(sandbox.port, "POST", "/moto-api/reset", Duration::from_secs(60)) {
            Ok((200, _)) => Ok(sandbox),
            Ok((status, body)) => Err(Diagnostic::error(
                "sandbox-not-reset",
                format!("the sandbox at {} answered its reset with {status}", sandbox.endpoint),
            )
            .note(body)),
            Err(error) => Err(Diagnostic::error(
                "sandbox-not-reset",
                format!("the sandbox at {} did not answer its reset: {error}", sandbox.endpoint),
            )
            .help(format!("see {}", sandbox.log().display()))),
        }
    })
    .await
}

/// The environment variables that direct any AWS client to the sandbox and nothing else.
pub fn env(sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", sandbox.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", "test".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_DEFAULT_REGION", "us-east-1".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
    ]
}

/// The state directory of this user's sandbox: `DWCTL_SANDBOX_DIR`, or a folder in the user's cache.
pub fn directory() -> Result<PathBuf, Diagnostic> {
    match set("DWCTL_SANDBOX_DIR") {
        Some(directory) => absolute(directory),
        None => Ok(cache::folder("DWCTL_SANDBOX_DIR")?.join("sandbox")),
    }
}

/// The sandbox of `directory`, if it answers with its nonce.
fn live(directory: &Path) -> Result<Option<Sandbox>, Diagnostic> {
    let path = directory.join(STATE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble(&path, "cannot be read", &error)),
    };
    // A state file that cannot be parsed counts as missing and is rewritten.
    let Ok(state) = serde_json::from_str::<State>(&text) else { return Ok(None) };
    if !answers(state.port, &state.nonce) {
        return Ok(None);
    }
    Ok(Some(Sandbox {
        endpoint: format!("http://127.0.0.1:{}", state.port),
        pid: state.pid,
        directory: directory.to_path_buf(),
        outdated: state.version != install::version(),
        port: state.port,
        nonce: state.nonce,
    }))
}

/// Returns whether the process on `port` has this `nonce`.
fn answers(port: u16, nonce: &str) -> bool {
    let Ok((200, body)) = http::request(port, "GET", "/dwctl/health", ANSWER_DEADLINE) else {
        return false;
    };
    serde_json::from_str::<serde_json::Value>(&body)
        .is_ok_and(|health| health.get("nonce").and_then(|value| value.as_str()) == Some(nonce))
}

/// Starts the emulator, detached, and waits until it answers.
async fn start(directory: &Path, emulator: &install::Emulator) -> Result<Sandbox, Diagnostic> {
    let state = directory.join(STATE);
    remove(&state)?;
    let nonce = nonce()?;
    let log_path = directory.join(LOG);
    let log = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&log_path)
        .map_err(|error| trouble(&log_path, "cannot be written", &error))?;
    let also = log.try_clone().map_err(|error| trouble(&log_path, "cannot be written", &error))?;
    let child = Command::new(&emulator.python)
        // It outlives this process, and the environment may hold secrets.
        .env_clear()
        .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        // Isolated from the user's own Python packages.
        .arg("-I")
        .arg(emulator.scripts.join("emulator").join("server.py"))
        .args(["--nonce", &nonce, "--version", &install::version()])
        .arg("--ready")
        .arg(&state)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also)
        // A separate process group, so that Ctrl-C in the terminal does not reach it.
        .process_group(0)
        .spawn()
        .map_err(|error| {
            Diagnostic::error("sandbox-start", format!("the local AWS cannot be started: {error}"))
                .note(emulator.python.display().to_string())
        })?;
    let mut starting = Starting(Some(child));
    let deadline = Instant::now() + START_DEADLINE;
    loop {
        let seen = blocking({
            let directory = directory.to_path_buf();
            move || live(&directory)
        })
        .await?;
        if let Some(sandbox) = seen.filter(|sandbox| sandbox.nonce == nonce) {
            starting.0 = None;
            return Ok(sandbox);
        }
        let died = starting.0.as_mut().and_then(|child| child.try_wait().ok().flatten());
        if died.is_some() || Instant::now() > deadline {
            let what = match died {
                Some(status) => format!("the local AWS stopped while starting ({status})"),
                None => format!("the local AWS did not answer within {} s", START_DEADLINE.as_secs()),
            };
            return Err(Diagnostic::error("sandbox-start", what)
                .note(format!("the end of {}:\n{}", log_path.display(), tail(&log_path)))
                .help("try again; `dwctl sandbox down` cleans up after an earlier start"));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// An emulator that has not answered yet. It is killed if nobody waits for it any more, for example
/// after a signal; otherwise the next start would run a second one beside it.
struct Starting(Option<Child>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The last lines of a file, for a message.
fn tail(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(())
    });
    match read {
        Ok(()) => last_lines(&Outside::new(text).masked(), 12),
        Err(error) => format!("(cannot be read: {error})"),
    }
}

/// A random value that distinguishes this emulator from any other program on its port.
fn nonce() -> Result<String, Diagnostic> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Diagnostic::error("sandbox-start", format!("the system provides no random numbers: {error}"))
    })?;
    Ok(hex::encode(bytes))
}
