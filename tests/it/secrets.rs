//! The hunt for secrets. They are planted at every possible entry, every command is run, and then all output
//! is searched for them, in plain and in every possible encoding.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;

use crate::harness::{Project, Run, finish, run};

/// The planted secrets, by the place where they enter.
const PLANTED: [(&str, &str); 14] = [
    ("a variable of --var-file", "varfile-8XK\"q2&w<Lm"),
    ("a variable of DWCTL_VAR_", "dwctlvar-9ZQ/r3+t=Pn"),
    ("a variable of the environment's file", "envfile-7YR%s4u Vo"),
    ("the default of a sensitive variable", "default-6WS5v-éö-Xp"),
    ("a member of a sensitive map", "member-5VT6x!Yq"),
    ("a text made secret by sensitive()", "sensitive-4UU7y~Zr"),
    ("an attribute that its kind keeps secret", "attribute-3TV8z^As"),
    ("the password of the warehouse", "Warehouse-2SW9a(Bt"),
    ("a member of a JSON document", "document-1RX0b)Cu"),
    ("a line of a text of many lines", "MIIEvQIBADANmultiline0Qy1cDv"),
    ("the content of an object", "content-0PZ2d|Ew"),
    ("the template of a generated value", "template-9OA3e;Fx"),
    ("AWS_SECRET_ACCESS_KEY", "accesskey/8NB4f+Gy"),
    ("AWS_SESSION_TOKEN", "sessiontoken/7MC5g+Hz=="),
];

fn planted(place: &str) -> &'static str {
    PLANTED.iter().find(|(name, _)| name.contains(place)).expect("it is planted").1
}

/// The stack's file, with each planted secret at its place.
fn stack() -> String {
    format!(
        r#"[stack]
name = "shop"
region = "us-east-1"

[variable.of_file]
type = "string"
sensitive = true

[variable.of_var]
type = "string"
sensitive = true

[variable.of_env]
type = "string"
sensitive = true

[variable.of_default]
type = "string"
sensitive = true
default = '{default}'

[variable.vault]
type = "map(string)"
sensitive = true
default = {{ user = "root", password = '{member}' }}

[variable.pem]
type = "string"
sensitive = true
default = '''-----BEGIN PRIVATE KEY-----
{pem}
-----END PRIVATE KEY-----
'''

[variable.warehouse]
type = "string"
sensitive = true
default = '{warehouse}'

[secretsmanager_secret.plain]
name = "plain"
secret_string = '{attribute}'

[secretsmanager_secret.document]
name = "document"
secret_string = '${{jsonencode({{ password = sensitive("{document}"), user = "root" }})}}'

[secretsmanager_secret.key]
name = "key"
secret_string = '${{var.pem}}'

[secretsmanager_secret.made]
name = "made"
generate = {{ secret_string_template = '${{jsonencode({{ salt = sensitive("{template}") }})}}', generate_string_key = "password" }}

[redshift_cluster.warehouse]
cluster_identifier = "warehouse"
node_type = "ra3.xlplus"
number_of_nodes = 2
db_name = "analytics"
master_username = "admin"
master_user_password = '${{var.warehouse}}'
skip_final_snapshot = true

[iam_role.jobs]
role_name = "jobs"
assume_role_policy_document = {{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = ["glue.amazonaws.com", "states.amazonaws.com"] }} }}] }}

[glue_job.load]
name = "load"
role = "${{iam_role.jobs.arn}}"
command = {{ name = "glueetl", script_location = "s3://code/load.py" }}

[glue_job.load.default_arguments]
"--of_file" = '${{var.of_file}}'
"--of_var" = 'jdbc:redshift://dw?password=${{var.of_var}}'
"--literal" = '${{sensitive("{sensitive}")}}'
"--plain" = "nothing-to-hide"

[sns_topic.alerts]
name = "alerts"
display_name = '${{var.of_env}}'

[sfn_state_machine.load]
name = "load"
role_arn = "${{iam_role.jobs.arn}}"
[sfn_state_machine.load.definition]
StartAt = "Pass"
States = {{ Pass = {{ Type = "Pass", Result = {{ password = '${{var.vault["password"]}}' }}, End = true }} }}

[s3_bucket.lake]
bucket = "shop-lake"
force_destroy = true

[s3_object.settings]
bucket = "${{s3_bucket.lake.bucket}}"
key = "settings.ini"
content = '${{sensitive("{content}")}}'

[output.default]
value = '${{var.of_default}}'
sensitive = true

[output.argument]
value = '${{glue_job.load.default_arguments["--of_file"]}}'
sensitive = true
"#,
        default = planted("default of"),
        member = planted("sensitive map"),
        pem = planted("many lines"),
        warehouse = planted("warehouse"),
        attribute = planted("its kind"),
        document = planted("JSON"),
        template = planted("template"),
        sensitive = planted("sensitive()"),
        content = planted("content"),
    )
}

/// A secret in all forms in which it might be written.
fn forms(secret: &str) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    let json = serde_json::Value::from(secret).to_string();
    let url: String = secret
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut forms = vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        url.replace("%20", "+"),
        url,
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        format!("{secret:?}").trim_matches('"').to_owned(),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// A stack with all secrets in it, and the findings so far.
struct Hunt {
    project: Project,
    /// Files that contain secrets because they were planted there.
    sources: Vec<PathBuf>,
    outside: tempfile::TempDir,
    found: Vec<String>,
    searched: usize,
}

impl Hunt {
    fn new() -> Self {
        let project = Project::new(&stack());
        let outside = tempfile::tempdir().expect("a folder");
        let file = outside.path().join("secrets.toml");
        fs::write(&file, format!("of_file = '{}'\n", planted("--var-file"))).expect("written");
        fs::create_dir_all(outside.path().join("tmp")).expect("a folder");
        let env = project.stack().join("env/dev.toml");
        fs::create_dir_all(env.parent().expect("a folder")).expect("a folder");
        fs::write(&env, format!("of_env = '{}'\n", planted("environment's file"))).expect("written");
        let sources = vec![file, env, project.stack().join("stack.toml")];
        Self { project, sources, outside, found: Vec::new(), searched: 0 }
    }

    /// A command with maximal output.
    fn command(&self, arguments: &[&str], endpoint: Option<&str>) -> Command {
        let mut command = match endpoint {
            Some(url) => {
                let mut command = self.project.command_without_endpoint(arguments);
                command.args(["--endpoint-url", url]);
                command
            }
            None => self.project.command(arguments),
        };
        command
            .args(["--env", "dev", "--log", "trace"])
            .env("DWCTL_VAR_of_var", planted("DWCTL_VAR_"))
            .env("AWS_SECRET_ACCESS_KEY", planted("AWS_SECRET"))
            .env("AWS_SESSION_TOKEN", planted("AWS_SESSION"))
            .env("TMPDIR", self.outside.path().join("tmp"))
            .env("RUST_BACKTRACE", "1");
        let verb = (arguments[0], arguments.get(1).copied().unwrap_or_default());
        if !matches!(verb.0, "ledger" | "show") || verb.1 == "recover" {
            command.arg("--var-file").arg(&self.sources[0]);
        }
        if matches!(verb, ("apply" | "destroy" | "import", _) | ("ledger", "recover")) {
            command.args(["--audit", "audit.jsonl"]);
        }
        command
    }

    /// Runs a command, and searches its output and files.
    #[track_caller]
    fn run(&mut self, arguments: &[&str], code: i32) -> Run {
        self.run_at(arguments, None, code)
    }

    #[track_caller]
    fn run_at(&mut self, arguments: &[&str], endpoint: Option<&str>, code: i32) -> Run {
        let words = arguments.join(" ");
        let run = run(&mut self.command(arguments, endpoint), &words);
        self.search(&format!("stdout of `{words}`"), run.stdout.as_bytes());
        self.search(&format!("stderr of `{words}`"), run.stderr.as_bytes());
        self.search_files(&words);
        run.exits(code)
    }

    fn search(&mut self, place: &str, bytes: &[u8]) {
        self.searched += 1;
        for (name, secret) in PLANTED {
            for form in forms(secret) {
                let form = form.as_bytes();
                if bytes.windows(form.len()).any(|window| window == form) {
                    let form = String::from_utf8_lossy(form).into_owned();
                    self.found.push(format!("{name}: `{form}` in {place}"));
                }
            }
        }
    }

    /// Everything below the stack's folder, the home and the folder for temporary files.
    fn search_files(&mut self, words: &str) {
        fn below(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() { below(&path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        let stack = self.project.stack();
        for folder in [stack.as_path(), &stack.with_file_name("home"), self.outside.path()] {
            below(folder, &mut files);
        }
        files.retain(|file| !self.sources.contains(file));
        for file in files {
            let bytes = fs::read(&file).unwrap_or_default();
            self.search(&format!("{} after `{words}`", file.display()), &bytes);
        }
    }

    /// Searches the arguments of a process and its children, and the environment of the children.
    #[cfg(target_os = "linux")]
    fn search_processes(&mut self, process: u32) {
        let parent = |id: u32| -> Option<u32> {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
        };
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        for id in all.into_iter().filter(|&id| id == process || parent(id) == Some(process)) {
            let read = |name: &str| fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
            let (arguments, environment) = (read("cmdline"), read("environ"));
            self.search(&format!("the arguments of process {id}"), &arguments);
            if id != process {
                self.search(&format!("the environment of process {id}"), &environment);
            }
        }
    }

    #[track_caller]
    fn ends(self, least: usize) {
        assert!(self.searched >= least, "{} texts were searched", self.searched);
        assert!(self.found.is_empty(), "{} secrets lie about:\n{}", self.found.len(), self.found.join("\n"));
    }
}

/// The read-only commands. New ones belong here.
const LOOKS: &[&[&str]] = &[
    &["validate"],
    &["plan"],
    &["plan", "--details"],
    &["plan", "--deep"],
    &["plan", "--destroy"],
    &["plan", "--out", "hunted.dwplan"],
    &["show", "hunted.dwplan", "--details"],
    &["show", "hunted.dwplan", "--format", "json", "--output", "markdown=hunted.md"],
    &["show", "hunted.dwplan", "--format", "html"],
    &["graph"],
    &["graph", "--format", "dot"],
];
/// The read-only commands that need a ledger or applied resources.
const LOOKS_BACK: &[&[&str]] = &[
    &["drift"],
    &["drift", "--deep"],
    &["output"],
    &["output", "--json"],
    &["ledger", "list"],
    &["ledger", "list", "--json"],
    &["ledger", "show"],
    &["ledger", "show", "glue_job.load"],
    &["ledger", "show", "secretsmanager_secret.plain"],
    &["ledger", "pull"],
    &["show"],
    &["show", "--json"],
    &["show", "glue_job.load"],
];

impl Hunt {
    fn look(&mut self, commands: &[&[&str]]) {
        for command in commands {
            let code = self.command(command, None).output().expect("dwctl").status.code();
            // Codes for changes and drift are expected. Failures are the subject of other tests.
            let code = code.filter(|code| matches!(code, 0 | 4)).unwrap_or(0);
            self.run(command, code);
        }
    }
}

#[test]
fn no_command_leaves_a_secret_behind() {
    let mut hunt = Hunt::new();
    hunt.look(LOOKS);
    hunt.run_offline();

    // Killed at work, with processes and files as they are then.
    hunt.project.cloud.disturb("latency_ms=100");
    let mut child = hunt.command(&["apply", "--yes"], None).spawn().expect("dwctl");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while hunt.project.cloud.calls("secretsmanager:CreateSecret") == 0 {
        assert!(std::time::Instant::now() < deadline, "apply does not begin");
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    #[cfg(target_os = "linux")]
    hunt.search_processes(child.id());
    hunt.search_files("apply, at work");
    child.kill().expect("it is ours");
    let run = finish(child, "apply");
    hunt.search("stdout of an apply that was killed", run.stdout.as_bytes());
    hunt.search("stderr of an apply that was killed", run.stderr.as_bytes());
    hunt.search_files("apply, killed");
    hunt.project.cloud.await_calm();
    hunt.project.cloud.disturb("latency_ms=0");

    // Throttled, faulty, denied; then done.
    hunt.project.cloud.disturb("error_nth=every:1:403:AccessDeniedException&fault_match=glue:CreateJob");
    hunt.run(&["apply", "--yes"], 1);
    hunt.run(&["apply", "--yes", "--json"], 1);
    hunt.project.cloud.disturb("error_nth=every:3:500:InternalFailure&fault_match=secretsmanager:");
    hunt.run(&["apply", "--yes"], 0);
    hunt.project.cloud.disturb("error_nth=&fault_match=");
    hunt.run(&["apply", "--yes"], 0);
    hunt.look(LOOKS);
    hunt.look(LOOKS_BACK);

    // Changed by someone else.
    let arguments = std::collections::HashMap::from([("--of_file".to_owned(), "another".to_owned())]);
    hunt.project.with(async |_, cx| {
        let update = aws_sdk_glue::types::JobUpdate::builder().set_default_arguments(Some(arguments));
        let command = aws_sdk_glue::types::JobCommand::builder().name("glueetl");
        let update = update.command(command.script_location("s3://code/load.py").build()).role("jobs");
        cx.aws.glue().update_job().job_name("load").job_update(update.build()).send().await.expect("updated");
    });
    hunt.look(&[&["plan"], &["drift"]]);
    hunt.run(&["apply", "--yes"], 0);

    // The deployed value was secret, and the new stack no longer contains it: only the fingerprint in the
    // ledger identifies it.
    let source = hunt.project.stack().join("stack.toml");
    let whole = fs::read_to_string(&source).expect("the stack");
    let (before, after) = whole.split_once("\"--literal\"").expect("it is declared");
    let (_, after) = after.split_once("\"--plain\"").expect("it is declared");
    fs::write(&source, format!("{before}\"--plain\"{after}")).expect("written");
    let shown = hunt.run(&["plan"], 0);
    assert!(shown.stdout.contains("default_arguments"), "that it goes is shown\n{shown}");
    hunt.look(&[&["plan"], &["plan", "--details"], &["drift"]]);
    fs::write(&source, &whole).expect("written");

    // The ledger is lost and recovered.
    fs::remove_file(hunt.project.stack().join(".dwctl/dev.json")).expect("a ledger");
    hunt.run(&["import", "secretsmanager_secret.plain", "plain"], 0);
    hunt.run(&["import", "glue_job.load", "load"], 0);
    hunt.run(&["ledger", "recover"], 0);
    hunt.look(LOOKS);
    hunt.run(&["apply", "--yes", "--json"], 0);
    hunt.run(&["destroy", "--yes", "--json"], 0);
    hunt.ends(150);
}

impl Hunt {
    fn run_offline(&mut self) {
        let words = "plan --offline";
        let mut command = self.project.command_without_endpoint(&["plan", "--offline", "--env", "dev"]);
        command.arg("--var-file").arg(&self.sources[0]).env("DWCTL_VAR_of_var", planted("DWCTL_VAR_"));
        let run = run(&mut command, words).exits(0);
        self.search(words, run.stdout.as_bytes());
        self.search(words, run.stderr.as_bytes());
    }
}

/// A proxy in front of the cloud that refuses every creation, with an error that quotes the whole request, as
/// some services quote a value that they refuse.
pub struct Echo {
    port: u16,
    stop: Arc<AtomicBool>,
}

impl Echo {
    /// A proxy in front of the cloud at this URL.
    pub fn before(cloud: &str) -> Self {
        let upstream = cloud.strip_prefix("http://").expect("a URL").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let upstream = upstream.clone();
                std::thread::spawn(move || serve(stream, &upstream));
            }
        });
        Self { port, stop }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Connects once, so that the listener notices the flag.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// Answers one request, and closes.
fn serve(mut stream: TcpStream, upstream: &str) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 16 << 10];
    let head = loop {
        if let Some(at) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        request.extend_from_slice(&buffer[..count]);
    };
    let lines = String::from_utf8_lossy(&request[..head]).into_owned();
    let header = |name: &str| {
        let mut lines = lines.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    if header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    while request.len() < head + length {
        let count = stream.read(&mut buffer).ok().filter(|&count| count > 0)?;
        request.extend_from_slice(&buffer[..count]);
    }
    let body = String::from_utf8_lossy(&request[head..]).into_owned();
    let target = header("x-amz-target").unwrap_or_default();
    let makes = target.contains(".Create")
        || body.contains("Action=Create")
        || (lines.starts_with("PUT ") && lines.contains("settings.ini"));
    if !makes {
        let mut there = TcpStream::connect(upstream).ok()?;
        let kept = lines.lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let kept: Vec<&str> = kept.take_while(|line| !line.is_empty()).collect();
        there.write_all(format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).as_bytes()).ok()?;
        there.write_all(&request[head..]).ok()?;
        let mut answer = Vec::new();
        there.read_to_end(&mut answer).ok()?;
        return stream.write_all(&answer).ok();
    }
    let words = format!("Value not valid: {body} ({})", urldecoded(&body));
    let (kind, answer) = if target.is_empty() {
        let words = words.replace('&', "&amp;").replace('<', "&lt;");
        let code = "<Code>InvalidParameterValue</Code>";
        let error = format!("<Error>{code}<Message>{words}</Message></Error>");
        let s3 = lines.starts_with("PUT ");
        ("text/xml", if s3 { error } else { format!("<ErrorResponse>{error}</ErrorResponse>") })
    } else {
        let error =
            serde_json::json!({ "__type": "ValidationException", "message": words, "Message": words });
        ("application/x-amz-json-1.1", error.to_string())
    };
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())).ok()
}

fn urldecoded(body: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = body.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap_or(""), 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn secrets_quoted_by_aws_are_masked() {
    let mut hunt = Hunt::new();
    // The roles and the bucket already exist, so the apply starts all other resources.
    let roles = ["apply", "--yes", "--target", "iam_role.jobs", "--target", "s3_bucket.lake"];
    hunt.run(&roles, 0);
    let echo = Echo::before(&hunt.project.cloud.emulator());
    let url = format!("http://127.0.0.1:{}", echo.port);
    let run = hunt.run_at(&["apply", "--yes"], Some(&url), 1);
    for address in [
        "secretsmanager_secret.plain",
        "secretsmanager_secret.document",
        "secretsmanager_secret.key",
        "redshift_cluster.warehouse",
        "glue_job.load",
        "sns_topic.alerts",
        "sfn_state_machine.load",
        "s3_object.settings",
    ] {
        assert!(run.stderr.contains(&format!("cannot create {address}")), "{address} is refused\n{run}");
    }
    assert!(run.stderr.matches("Value not valid").count() >= 8, "AWS's words are told\n{run}");
    assert!(run.stderr.matches("(secret)").count() >= 8, "the secrets among them are masked\n{run}");
    assert!(run.stderr.contains("nothing-to-hide"), "and nothing else\n{run}");
    let run = hunt.run_at(&["apply", "--yes", "--json"], Some(&url), 1);
    assert!(run.stdout.matches("Value not valid").count() >= 8, "events tell AWS's words\n{run}");
    assert!(run.stdout.matches("(secret)").count() >= 8, "the secrets among them are masked\n{run}");
    assert!(run.stdout.contains("nothing-to-hide"), "and nothing else\n{run}");
    hunt.ends(5);
}

#[test]
fn errors_in_the_stack_show_no_secret() {
    let mut hunt = Hunt::new();
    let source = hunt.project.stack().join("stack.toml");
    let whole = fs::read_to_string(&source).expect("the stack");
    let warehouse = planted("warehouse");
    let mut errors = 0;
    for (from, to) in [
        // Errors next to the secret, on its line, and in its value.
        ("secret_string = '", "secret_strin = 1\nsecret_string = '"),
        ("type = \"string\"\nsensitive = true\ndefault", "type = \"number\"\nsensitive = true\ndefault"),
        ("master_user_password = '${var.warehouse}'", &format!("master_user_password = [\"{warehouse}\"]")),
        ("db_name = \"analytics\"", "db_name = '${var.of_var + 1}'"),
        ("number_of_nodes = 2", "number_of_nodes = '${var.of_file}'"),
        ("name = \"alerts\"\n", "name = '${var.of_var}'\n"),
        ("name = \"alerts\"\n", "name = \"alerts\"\ntags = { owner = '${var.of_var}' }\n"),
        ("name = \"alerts\"\n", "name = \"alerts\"\nfor_each = '${[var.of_var]}'\n"),
        ("name = \"alerts\"\n", "name = \"alerts\"\nfor_each = '${var.vault}'\n"),
        ("name = \"alerts\"\n", "name = \"alerts\"\nwhen = '${var.of_var}'\n"),
        ("name = \"alerts\"\n", "name = '${jsondecode(var.of_var)}'\n"),
        ("name = \"alerts\"\n", "name = '${file(var.of_var)}'\n"),
        ("name = \"alerts\"\n", "name = '${var.vault[var.of_var]}'\n"),
        ("name = \"alerts\"\n", "name = '${tonumber(var.of_var)}'\n"),
        ("name = \"alerts\"\n", "name = '${{ a = 1 }[var.of_var]}'\n"),
        ("name = \"alerts\"\n", "name = '${cidrhost(var.of_var, 1)}'\n"),
        ("name = \"alerts\"\n", "name = '${regex(var.of_var, \"x\")}'\n"),
        // A file that is not TOML has no schema.
        ("master_user_password = '${var.warehouse}'", &format!("master_user_password = \"{warehouse}")),
        ("master_user_password = '${var.warehouse}'", &format!("master_user_password = {warehouse}\"")),
        (
            "master_user_password = '${var.warehouse}'",
            &format!("master_user_password = \"\"\"\n{warehouse}\n"),
        ),
        ("master_user_password = '${var.warehouse}'", &format!("master_user_password '{warehouse}'")),
    ] {
        assert!(whole.contains(from), "{from}");
        fs::write(&source, whole.replacen(from, to, 1)).expect("written");
        let code = hunt.command(&["validate"], None).output().expect("dwctl").status.code().unwrap_or(-1);
        let run = hunt.run(&["validate"], code);
        assert!(matches!(code, 0 | 3), "{to}\n{run}");
        errors += usize::from(code == 3);
    }
    assert!(errors >= 12, "{errors} of them are refused");
    hunt.ends(30);
}

#[test]
fn secrets_do_not_become_addresses() {
    let variable = "[variable.names]\ntype = 'list(string)'\nsensitive = true\ndefault = ['hidden-name-1']\n";
    for elements in ["${var.names}", "${[for name in var.names : name]}", "${[sensitive(\"hidden-name-1\")]}"]
    {
        let topic = format!("{variable}[sns_topic.each]\nfor_each = '{elements}'\nname = 'x'\n");
        let shown = crate::paper::problems(&topic);
        assert!(shown.contains("`for_each` would show a secret"), "{elements}\n{shown}");
    }
    // Values of plain keys may be secret, and remain so.
    let map = "{ a = sensitive(\"hidden-value-1\") }";
    let topic =
        format!("[sns_topic.each]\nfor_each = '${{{map}}}'\nname = 'x'\ndisplay_name = '${{each.value}}'\n");
    assert_eq!(crate::paper::problems(&topic), "");
    let folder = crate::paper::folder(&[("stack.toml", &crate::paper::headed(&topic))]);
    let shown = crate::paper::dwctl(folder.path(), &["plan", "--offline"]).stdout;
    assert!(shown.contains("(secret)") && !shown.contains("hidden-value-1"), "{shown}");
}

/// The sandbox outlives the command that started it.
#[cfg(target_os = "linux")]
#[test]
fn the_sandbox_is_started_without_the_secrets_of_the_environment() {
    let hunt = Hunt::new();
    let folder = hunt.outside.path().join("sandbox");
    let sandbox = |arguments: &[&str]| {
        let mut command = hunt.project.command_without_endpoint(arguments);
        hunt.project.cloud.use_as_sandbox(&mut command);
        command
            .env("DWCTL_SANDBOX_DIR", &folder)
            .env("DWCTL_VAR_of_var", planted("DWCTL_VAR_"))
            .env("AWS_SECRET_ACCESS_KEY", planted("AWS_SECRET"));
        run(&mut command, &arguments.join(" "))
    };
    sandbox(&["sandbox", "up"]).exits(0);
    let state = fs::read(folder.join("state.json")).expect("a state");
    let state: serde_json::Value = serde_json::from_slice(&state).expect("a state");
    let process = state["pid"].as_u64().expect("a process");
    let environment = fs::read(format!("/proc/{process}/environ")).expect("its environment");
    let arguments = fs::read(format!("/proc/{process}/cmdline")).expect("its arguments");
    sandbox(&["sandbox", "down"]).exits(0);
    let mut hunt = hunt;
    assert!(environment.windows(5).any(|window| window == b"PATH="), "that is its environment");
    hunt.search("the environment of the sandbox", &environment);
    hunt.search("the arguments of the sandbox", &arguments);
    hunt.ends(2);
}

#[test]
fn a_secret_output_is_revealed_only_by_name() {
    let hunt = Hunt::new();
    run(&mut hunt.command(&["apply", "--yes"], None), "apply").exits(0);
    let run =
        run(&mut hunt.command(&["output", "--name", "default"], None), "output --name default").exits(0);
    assert_eq!(run.stdout.trim_end(), planted("default of"));
}
