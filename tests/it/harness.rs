//! An isolated cloud and stack for a test: the sandbox behind the checking proxy, and `dwctl` as a user
//! runs it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dwctl::aws::{Access, Cx, Options, Place, Session};
use dwctl::graph::Address;
use dwctl::kind::{ErasedKind, ErasedLive, ReadRequest, State};
use dwctl::kinds::kind;
use dwctl::ledger::{FileStore, Ledger};
use dwctl::schema::normalize;
use dwctl::value::Value;

use crate::waivers::VIOLATIONS;

/// The region of the test stacks.
pub const REGION: &str = "us-east-1";
/// The account of the sandbox.
pub const ACCOUNT: &str = "123456789012";
/// A `dwctl` that takes longer counts as stuck.
const STUCK: Duration = Duration::from_secs(180);

/// Clouds that no test uses at the moment. They end with this process: the proxy sees its stdin close and
/// removes the folder, and the emulator ends when its folder is gone.
static IDLE: Mutex<Vec<Machine>> = Mutex::new(Vec::new());

/// An emulator with the proxy in front of it.
struct Machine {
    emulator: u16,
    proxy: u16,
    folder: PathBuf,
    process: Child,
    /// The secret that the emulator expects from its controller.
    nonce: String,
}

/// A cloud for one test: empty at first, and emptied at the end.
pub struct Cloud {
    machine: Option<Machine>,
    /// The length of the log of violations when this test began.
    seen: usize,
    /// True if it cannot be reset any more.
    saved: bool,
}

impl Cloud {
    /// Takes an idle cloud, or starts one.
    pub fn new() -> Self {
        let idle = IDLE.lock().unwrap().pop();
        let machine = idle.unwrap_or_else(Machine::start);
        let seen = fs::read(machine.violations()).map_or(0, |record| record.len());
        Self { machine: Some(machine), seen, saved: false }
    }

    fn machine(&self) -> &Machine {
        self.machine.as_ref().unwrap()
    }

    /// The URL for `dwctl`. Every request is checked against AWS's models.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.machine().proxy)
    }

    /// The URL that bypasses the proxy.
    pub fn emulator(&self) -> String {
        format!("http://127.0.0.1:{}", self.machine().emulator)
    }

    /// Makes `--sandbox` of a command use this cloud's emulator.
    pub fn use_as_sandbox(&self, command: &mut Command) {
        command
            .env("DWCTL_SANDBOX_DIR", self.machine().folder.join("sandbox"))
            .env("DWCTL_EMULATOR_DIR", emulator_home());
    }

    /// Sets options of the proxy, such as `latency_ms=100&fault_match=s3:`.
    pub fn disturb(&self, options: &str) {
        let (status, body) = request(self.machine().proxy, "GET", &format!("/__config?{options}"));
        assert_eq!(status, 200, "{body}");
    }

    /// Deletes everything, or everything that was created since [`Self::save`].
    pub fn empty(&self) {
        assert!(self.machine().empty(), "the emulator does not answer");
    }

    /// Makes [`Self::empty`] return to the current state from now on.
    pub fn save(&mut self) {
        let path = format!("/dwctl/save?nonce={}", self.machine().nonce);
        let (status, body) = request(self.machine().emulator, "POST", &path);
        assert_eq!(status, 200, "{body}");
        self.saved = true;
    }

    /// Calls that went through the proxy since the test began, by `service:Operation`.
    pub fn calls(&self, operation: &str) -> u64 {
        self.statistics()["calls"][operation].as_u64().unwrap_or(0)
    }

    /// All calls that went through the proxy since the test began.
    pub fn all_calls(&self) -> u64 {
        self.statistics()["requests"].as_u64().expect("their number")
    }

    /// Calls of a service that went through the proxy without being throttled.
    pub fn answered(&self, service: &str) -> u64 {
        let statistics = self.statistics();
        let of = |counts: &serde_json::Value| -> u64 {
            let counts = counts.as_object().into_iter().flatten();
            let prefix = format!("{service}:");
            counts.filter(|(call, _)| call.starts_with(&prefix)).filter_map(|(_, count)| count.as_u64()).sum()
        };
        of(&statistics["calls"]) - of(&statistics["throttled"])
    }

    /// Calls that the proxy throttled.
    pub fn throttled(&self) -> u64 {
        let statistics = self.statistics();
        statistics["throttled"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum()
    }

    /// Returns once every request has been answered, or its sender is gone.
    pub fn await_calm(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let statistics = self.statistics();
            let answered = statistics["status"].as_object().into_iter().flatten();
            let answered: u64 = answered.filter_map(|(_, count)| count.as_u64()).sum();
            if statistics["requests"].as_u64() == Some(answered) {
                return;
            }
            assert!(Instant::now() < deadline, "requests stay unanswered: {statistics}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Mutating calls since the test began, by `service:Operation`.
    pub fn writes(&self) -> std::collections::BTreeMap<String, u64> {
        const READS: [&str; 8] =
            ["Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Filter", "Search"];
        let statistics = self.statistics();
        let calls = statistics["calls"].as_object().into_iter().flatten();
        let is_read = |call: &str| {
            let operation = call.split_once(':').map_or(call, |(_, operation)| operation);
            READS.iter().any(|read| operation.starts_with(read))
        };
        let writes = calls.filter(|(call, _)| !is_read(call));
        writes.map(|(call, count)| (call.clone(), count.as_u64().unwrap_or(0))).collect()
    }

    fn statistics(&self) -> serde_json::Value {
        let (_, body) = request(self.machine().proxy, "GET", "/__stats");
        serde_json::from_str(&body).expect("the proxy's statistics")
    }

    /// Makes a call of the JSON protocol, bypassing the proxy. `target` is its X-Amz-Target.
    pub fn call_json(&self, service: &str, target: &str, body: &str) {
        let (status, answer) = self.post_json(self.machine().emulator, service, target, body);
        assert_eq!(status, 200, "{target}: {answer}");
    }

    /// Makes such a call through the proxy. Returns the violations that its models find, which then do not
    /// fail the test.
    pub fn check_json(&mut self, service: &str, target: &str, body: &str) -> Vec<String> {
        assert_eq!(self.violations(), [""; 0], "of earlier requests");
        self.post_json(self.machine().proxy, service, target, body);
        let found = self.violations();
        self.seen = fs::read(self.machine().violations()).map_or(0, |record| record.len());
        found
    }

    fn post_json(&self, port: u16, service: &str, target: &str, body: &str) -> (u16, String) {
        let headers = format!(
            "X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, \
             Signature=0\r\n"
        );
        exchange(port, "POST", "/", &headers, body).expect("it answers")
    }

    /// Requests that violate AWS's models, except waived ones.
    fn violations(&self) -> Vec<String> {
        let record = fs::read(self.machine().violations()).unwrap_or_default();
        let mut found: Vec<String> = String::from_utf8_lossy(&record[self.seen.min(record.len())..])
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|one| one["level"] == "error")
            .filter_map(|one| {
                let text = |name: &str| one[name].as_str().unwrap_or("?").to_owned();
                let operation = format!("{}:{}", text("service"), text("operation"));
                let path = text("path");
                let waived = VIOLATIONS.iter().any(|waiver| {
                    waiver.operation == operation && waiver.member == path && waiver.rule == text("kind")
                });
                (!waived).then(|| format!("{operation} {path}: {} ({})", text("detail"), text("kind")))
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let violations = self.violations();
        if let Some(machine) = self.machine.take()
            && !self.saved
            && machine.empty()
        {
            IDLE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(machine);
        }
        if !violations.is_empty() {
            let text = format!("AWS's models refuse these requests:\n  {}", violations.join("\n  "));
            if std::thread::panicking() {
                eprintln!("{text}");
            } else {
                panic!("{text}");
            }
        }
    }
}

impl Machine {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("dwctl-it-").tempdir().unwrap().keep();
        let home = emulator_home();
        let up = Command::new(dwctl())
            .args(["sandbox", "up"])
            .env("DWCTL_SANDBOX_DIR", folder.join("sandbox"))
            .env("DWCTL_EMULATOR_DIR", &home)
            .stdin(Stdio::null())
            .output()
            .expect("dwctl can be run");
        assert!(up.status.success(), "dwctl sandbox up: {}", String::from_utf8_lossy(&up.stderr));
        let state = fs::read(folder.join("sandbox/state.json")).expect("a state file");
        let state: serde_json::Value = serde_json::from_slice(&state).expect("a state");
        let emulator = u16::try_from(state["port"].as_u64().expect("a port")).unwrap();

        let nonce = state["nonce"].as_str().expect("a nonce").to_owned();
        let ready = folder.join("proxy.port");
        let log = fs::File::create(folder.join("proxy.log")).unwrap();
        let mut process = Command::new(home.join("venv/bin/python"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/aws_check_proxy.py"))
            .args(["--port", "0", "--no-cbor-bridge", "--stats", "", "--upstream"])
            .arg(format!("http://127.0.0.1:{emulator}"))
            .arg("--violations")
            .arg(folder.join("violations.jsonl"))
            .arg("--ready")
            .arg(&ready)
            .arg("--leash")
            .arg(&folder)
            .arg("--index-cache")
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("aws_models.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the emulator's Python can be run");
        let deadline = Instant::now() + Duration::from_secs(60);
        let proxy = loop {
            if let Some(port) = fs::read_to_string(&ready).ok().and_then(|text| text.parse().ok()) {
                break port;
            }
            let ended = process.try_wait().unwrap();
            let late = Instant::now() > deadline;
            if ended.is_some() || late {
                let log = fs::read_to_string(folder.join("proxy.log")).unwrap_or_default();
                panic!("the checking proxy does not start: {ended:?}\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Self { emulator, proxy, folder, process, nonce }
    }

    fn violations(&self) -> PathBuf {
        self.folder.join("violations.jsonl")
    }

    /// Resets the machine. Returns false if it no longer answers.
    fn empty(&self) -> bool {
        let calm = "latency_ms=0&fault_match=&fail_nth=&drop_response_nth=&error_nth=&rps=";
        try_request(self.proxy, "GET", &format!("/__config?{calm}")).is_ok_and(|(status, _)| status == 200)
            && try_request(self.proxy, "GET", "/__reset").is_ok()
            && try_request(self.emulator, "POST", "/moto-api/reset").is_ok_and(|(status, _)| status == 200)
    }
}

/// Copies a folder of the repository into a project's stack.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The folder of the emulator's installation, shared by all tests.
pub fn emulator_home() -> PathBuf {
    std::env::var_os("DWCTL_EMULATOR_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulator"), PathBuf::from)
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its stdin closes: it removes the folder, and so ends the emulator.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Reads a resource, once AWS has finished changing it.
pub async fn read(kind: &dyn ErasedKind, cx: &Cx, id: &str, spec: &Value) -> Option<ErasedLive> {
    let request = ReadRequest { spec: spec.clone(), ..ReadRequest::of(id) };
    settled(kind, cx, &[request]).await.pop().expect("one answer")
}

/// Reads resources of one kind, once AWS has finished changing them.
pub async fn read_all(kind: &dyn ErasedKind, cx: &Cx, ids: &[&str]) -> Vec<Option<ErasedLive>> {
    let request = |id: &&str| ReadRequest::of(*id);
    settled(kind, cx, &ids.iter().map(request).collect::<Vec<_>>()).await
}

async fn settled(kind: &dyn ErasedKind, cx: &Cx, request: &[ReadRequest]) -> Vec<Option<ErasedLive>> {
    let deadline = Instant::now() + STUCK;
    loop {
        let read = kind.read_many(cx, request).await;
        let mut live: Vec<Option<ErasedLive>> = read
            .into_iter()
            .zip(request)
            .map(|(read, request)| {
                read.unwrap_or_else(|error| panic!("{} {} cannot be read: {error}", kind.name(), request.id))
            })
            .collect();
        let busy =
            live.iter().flatten().find(|live| matches!(live.state, State::Busy(_) | State::Leaving(_)));
        let Some(busy) = busy else {
            for live in live.iter_mut().flatten() {
                live.spec = normalize(&kind.schema().spec, std::mem::take(&mut live.spec));
            }
            return live;
        };
        assert!(Instant::now() < deadline, "{} stays {:?}", kind.name(), busy.state);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The exit code and output of a `dwctl`.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    command: String,
}

impl Run {
    /// Expects an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code\n{self}");
        self
    }

    /// Expects words on stdout or stderr.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stdout.contains(words) || self.stderr.contains(words), "`{words}` is not said\n{self}");
        self
    }

    /// Expects that words are not in the output.
    #[track_caller]
    pub fn says_not(self, words: &str) -> Self {
        assert!(!self.stdout.contains(words) && !self.stderr.contains(words), "`{words}` is said\n{self}");
        self
    }

    /// Expects `first` before `second` in the output.
    #[track_caller]
    pub fn in_order(&self, first: &str, second: &str) {
        let at =
            |words: &str| self.stderr.find(words).unwrap_or_else(|| panic!("`{words}` is not said\n{self}"));
        assert!(at(first) < at(second), "`{first}` is to come before `{second}`\n{self}");
    }

    /// Expects that the printed plan has this action for `address`: `~ update in place`.
    #[track_caller]
    pub fn plans(self, address: &str, action: &str) -> Self {
        let found = self.action(address);
        assert!(
            found.as_deref().is_some_and(|found| found.starts_with(action)),
            "{address} is to `{action}`, and the plan says {found:?}\n{self}"
        );
        self
    }

    /// Expects that the printed plan leaves `address` unchanged.
    #[track_caller]
    pub fn leaves(self, address: &str) -> Self {
        let found = self.action(address);
        assert!(found.is_none(), "{address} is to be left, and the plan says {found:?}\n{self}");
        self
    }

    /// The action of the printed plan for `address`: sign and words.
    pub fn action(&self, address: &str) -> Option<String> {
        action_in(&self.stdout, address)
    }

    /// The attribute lines below `address` in the printed plan.
    pub fn attributes(&self, address: &str) -> Vec<String> {
        attributes_in(&self.stdout, address)
    }
}

/// The action of a printed plan for `address`: sign and words.
pub fn action_in(text: &str, address: &str) -> Option<String> {
    let mut planned = planned(text).into_iter();
    planned.find(|one| one.addresses.iter().any(|known| known == address)).map(|one| one.action)
}

/// The attribute lines of a printed plan for `address`.
pub fn attributes_in(text: &str, address: &str) -> Vec<String> {
    let mut planned = planned(text).into_iter();
    let found = planned.find(|one| one.addresses.iter().any(|known| known == address));
    found.map_or_else(Vec::new, |one| one.attributes)
}

/// A change of a printed plan.
struct Planned {
    /// The resources that it is told of.
    addresses: Vec<String>,
    /// The sign and the words.
    action: String,
    attributes: Vec<String>,
}

/// Reads the changes of a printed plan. The resources of modules are below the names of these.
fn planned(text: &str) -> Vec<Planned> {
    let (mut all, mut modules, mut inner) = (Vec::<Planned>::new(), vec![String::new()], "");
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("  module.").and_then(|rest| rest.split("  ").next()) {
            modules = expanded(&format!("module.{heading}")).iter().map(|one| format!("{one}.")).collect();
            inner = "  ";
            continue;
        }
        let Some(line) = line.strip_prefix(inner).and_then(|line| line.strip_prefix("  ")) else { continue };
        if let Some(rest) = line.strip_prefix("    ") {
            all.last_mut().into_iter().for_each(|one| one.attributes.push(rest.trim().to_owned()));
        } else if let Some((_, names)) = line.split_once(" more like it: ") {
            let names = expanded(names);
            let full = |name: &String| {
                let modules: &[String] =
                    if name.starts_with("module.") { &[String::new()] } else { &modules };
                modules.iter().map(|module| format!("{module}{name}")).collect::<Vec<_>>()
            };
            all.last_mut().into_iter().for_each(|one| one.addresses.extend(names.iter().flat_map(full)));
        } else if let Some((sign, rest)) = line.split_once(' ') {
            let Some((name, words)) = rest.split_once("  ") else { continue };
            all.push(Planned {
                addresses: modules.iter().map(|module| format!("{module}{name}")).collect(),
                action: format!("{sign} {}", words.trim()),
                attributes: Vec::new(),
            });
        }
    }
    all
}

/// The addresses of shared names: `a.b["c", "d"]` are two.
fn expanded(names: &str) -> Vec<String> {
    let (mut all, mut quoted, mut depth) = (vec![String::new()], false, 0);
    let mut characters = names.chars().peekable();
    let mut items: Vec<String> = Vec::new();
    while let Some(one) = characters.next() {
        match one {
            '\\' if quoted => {
                all.iter_mut().for_each(|name| name.push(one));
                if let Some(next) = characters.next() {
                    all.iter_mut().for_each(|name| name.push(next));
                }
                continue;
            }
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.append(&mut all);
                all.push(String::new());
                characters.next();
                continue;
            }
            ',' if !quoted => {
                // A further key of the same name.
                characters.next();
                let last = all.last().cloned().unwrap_or_default();
                let key = last.rfind('[').map_or(last.len(), |at| at + 1);
                all.push(last[..key].to_owned());
                let mut open = false;
                while let Some(next) = characters.peek().copied().filter(|next| open || !",]".contains(*next))
                {
                    characters.next();
                    open ^= next == '"';
                    all.last_mut().into_iter().for_each(|name| name.push(next));
                    if next == '\\'
                        && let Some(next) = characters.next()
                    {
                        all.last_mut().into_iter().for_each(|name| name.push(next));
                    }
                }
                continue;
            }
            _ => {}
        }
        all.iter_mut().for_each(|name| name.push(one));
    }
    items.append(&mut all);
    items
}

impl std::fmt::Display for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr, command } = self;
        write!(formatter, "$ dwctl {command}\n{stdout}{stderr}(exit code {code:?})")
    }
}

/// A stack in a folder of its own, and its cloud.
pub struct Project {
    folder: tempfile::TempDir,
    pub cloud: Cloud,
}

/// The binary, or another build of it, such as an optimised one for `tests/crash`.
pub fn dwctl() -> std::ffi::OsString {
    std::env::var_os("DWCTL_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_dwctl").into())
}

impl Project {
    /// A stack of this text, with a cloud of its own.
    pub fn new(text: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cloud: Cloud::new() };
        fs::create_dir_all(project.folder.path().join("home")).unwrap();
        fs::create_dir_all(project.stack()).unwrap();
        project.write(text);
        project
    }

    /// The stack's folder.
    pub fn stack(&self) -> PathBuf {
        self.folder.path().join("stack")
    }

    /// Writes the stack's file.
    pub fn write(&self, text: &str) {
        fs::write(self.stack().join("stack.toml"), text).unwrap();
    }

    /// A `dwctl` command in the stack's folder that only reaches this cloud. It is not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_without_endpoint(arguments);
        if matches!(
            arguments.first(),
            Some(&("plan" | "apply" | "destroy" | "drift" | "output" | "import" | "ledger" | "show"))
        ) {
            command.args(["--endpoint-url", &self.cloud.endpoint()]);
        }
        command
    }

    /// The same, without `--endpoint-url`.
    pub fn command_without_endpoint(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(dwctl());
        command
            .args(arguments)
            .current_dir(self.stack())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("home"))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Consents are given by default, since most tests are about other things.
            .env("DWCTL_ALLOW", "data-loss,downtime,destroy")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `dwctl`.
    pub fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments), &arguments.join(" "))
    }

    /// Applies, and expects success.
    #[track_caller]
    pub fn apply(&self) -> Run {
        self.run(&["apply", "--yes"]).exits(0)
    }

    /// Plans, and expects no changes.
    #[track_caller]
    pub fn settled(&self) {
        self.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
    }

    /// Runs `work` with a separate connection that bypasses the proxy.
    pub fn with<T>(&self, work: impl AsyncFnOnce(&Session, &Cx) -> T) -> T {
        self.with_accounts(&[], work)
    }

    /// The same, with ways to the accounts with these ids.
    pub fn with_accounts<T>(&self, ids: &[&str], work: impl AsyncFnOnce(&Session, &Cx) -> T) -> T {
        let options = Options {
            endpoint_url: Some(self.cloud.emulator()),
            sandbox: true,
            files: dwctl::files::Files::new(self.stack()),
            ..Options::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let accesses = ids.iter().map(|id| Access {
                name: format!("account-{id}"),
                role_arn: Some(format!("arn:aws:iam::{id}:role/tests")),
                session_name: "tests".to_owned(),
                region: REGION.to_owned(),
                ..Access::default()
            });
            let accesses: Vec<Access> = accesses.collect();
            let session = Session::connect_all(options, REGION, &accesses).await;
            let (session, refused) = session.expect("the sandbox answers");
            assert!(refused.is_empty(), "{refused:?}");
            work(&session, &session.cx(&Place::of(REGION))).await
        })
    }

    /// Reads a resource, once AWS has finished changing it.
    pub fn read(&self, kind: &dyn ErasedKind, place: &Place, id: &str, spec: &Value) -> Option<ErasedLive> {
        let account: Vec<&str> = place.account.iter().map(String::as_str).collect();
        self.with_accounts(&account, async |session, _| read(kind, &session.cx(place), id, spec).await)
    }

    /// The ledger's file.
    pub fn ledger_file(&self) -> PathBuf {
        self.store().path().to_owned()
    }

    fn store(&self) -> FileStore {
        FileStore::new(&self.stack(), "default", false)
    }

    /// The ledger.
    pub fn ledger(&self) -> Ledger {
        self.store().read().expect("a readable ledger").expect("a ledger")
    }

    /// The id of an address in the ledger.
    #[track_caller]
    pub fn id(&self, address: &str) -> String {
        let address: Address = address.parse().unwrap();
        self.ledger().resources.get(&address).expect("in the ledger").id.clone()
    }

    /// The live resource of an address in the ledger; `None` if it is gone.
    pub fn live(&self, address: &str) -> Option<ErasedLive> {
        let address: Address = address.parse().unwrap();
        let ledger = self.ledger();
        let entry = ledger.resources.get(&address).expect("in the ledger");
        let kind = kind(&address.kind).expect("a kind");
        self.read(kind, &entry.place, &entry.id, &Value::Null)
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command, words: &str) -> Run {
    finish(command.spawn().expect("dwctl can be run"), words)
}

/// Waits for a command that was started with its output piped.
pub fn finish(mut child: Child, words: &str) -> Run {
    fn reader(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                pipe.read_to_end(&mut bytes).expect("its output");
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let deadline = Instant::now() + STUCK;
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().expect("it is ours");
                child.wait().expect("a child");
                let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
                panic!("`dwctl {words}` did not end within {} s\n{stdout}{stderr}", STUCK.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    Run {
        code: status.code(),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
        command: words.to_owned(),
    }
}

/// Makes a plain request to 127.0.0.1. Returns the status and the body.
pub fn request(port: u16, method: &str, path: &str) -> (u16, String) {
    try_request(port, method, path).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

fn try_request(port: u16, method: &str, path: &str) -> std::io::Result<(u16, String)> {
    exchange(port, method, path, "", "")
}

fn exchange(
    port: u16,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(std::io::ErrorKind::InvalidData)?, body.to_owned()))
}
