//! The examples for CI: each is valid YAML with the required parts, its scripts are valid and use existing
//! options. They run here against a local AWS, with fake `gh` and `curl`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;
use serde_yaml_ng::Value;

use crate::harness::{Project, Run, run};
use crate::{paper, tools};

const GITHUB: [&str; 3] = [
    "examples/github-actions/plan.yml",
    "examples/github-actions/apply.yml",
    "examples/github-actions/drift.yml",
];
const OWN: &str = ".github/workflows/ci.yml";
const ACTION: &str = "examples/github-actions/setup/action.yml";
const GITLAB: &str = "examples/gitlab-ci/.gitlab-ci.yml";

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(paper::root().join(path)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn workflows() -> impl Iterator<Item = &'static str> {
    GITHUB.into_iter().chain([OWN])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value:?}"))
}

/// The jobs of a workflow.
fn jobs(workflow: &Value) -> Vec<&Value> {
    workflow["jobs"].as_mapping().expect("jobs").values().collect()
}

/// The steps of a workflow or of a composite action.
fn steps(document: &Value) -> Vec<&Value> {
    let jobs = if document["runs"].is_null() { jobs(document) } else { vec![&document["runs"]] };
    jobs.into_iter().flat_map(steps_of).collect()
}

/// The steps of a job.
fn steps_of(job: &Value) -> Vec<&Value> {
    job["steps"].as_sequence().expect("steps").iter().collect()
}

/// Every script, with its file.
fn scripts() -> Vec<(&'static str, String)> {
    let mut scripts = Vec::new();
    for path in workflows().chain([ACTION]) {
        for step in steps(&yaml(path)) {
            if let Some(script) = step["run"].as_str() {
                scripts.push((path, script.to_owned()));
            }
        }
    }
    for job in yaml(GITLAB).as_mapping().unwrap().values() {
        for part in ["before_script", "script"] {
            for script in job[part].as_sequence().into_iter().flatten() {
                scripts.push((GITLAB, text(script).to_owned()));
            }
        }
    }
    scripts
}

/// All scripts of a GitLab job, which one shell runs.
fn job_script(name: &str) -> String {
    let gitlab = yaml(GITLAB);
    let parts = [&gitlab[".dwctl"]["before_script"], &gitlab[name]["script"]];
    let scripts = parts.into_iter().flat_map(|part| part.as_sequence().expect("a script"));
    scripts.map(text).collect::<Vec<_>>().join("\n")
}

/// The script of the step with this name.
fn script(path: &str, name: &str) -> String {
    let document = yaml(path);
    let step = steps(&document).into_iter().find(|step| step["name"] == name);
    text(&step.unwrap_or_else(|| panic!("{path} has no step `{name}`"))["run"]).to_owned()
}

#[test]
fn workflows_have_the_required_parts() {
    let pinned = Regex::new(r"^[\w.-]+/[\w./-]+@v\d+\.\d+\.\d+$").unwrap();
    for path in workflows() {
        let workflow = yaml(path);
        for key in ["name", "on", "permissions", "concurrency", "jobs"] {
            assert!(!workflow[key].is_null(), "{path} has no `{key}`");
        }
        assert!(workflow["concurrency"]["group"].is_string(), "{path}");
        for job in jobs(&workflow) {
            for key in ["runs-on", "timeout-minutes", "steps"] {
                assert!(!job[key].is_null(), "a job of {path} has no `{key}`");
            }
            // If the workflow sets no permissions, the job must, and not `write-all`.
            assert!(job["permissions"].is_mapping() || path == OWN, "{path}: permissions of a job");
        }
        for step in steps(&workflow) {
            assert!(step["run"].is_string() != step["uses"].is_string(), "{path}: {step:?}");
        }
        if path != OWN {
            assert_eq!(workflow["permissions"], Value::Mapping(serde_yaml_ng::Mapping::new()), "{path}");
        }
    }
    assert_eq!(yaml(ACTION)["runs"]["using"], "composite");
    let mut used = 0;
    for path in workflows().chain([ACTION]) {
        for step in steps(&yaml(path)) {
            let Some(action) = step["uses"].as_str() else { continue };
            used += 1;
            assert!(pinned.is_match(action) || action == "./.github/actions/dwctl", "{path}: {action}");
            if action.starts_with("actions/checkout@") {
                assert_eq!(step["with"]["persist-credentials"], false, "{path}");
            }
            // Each names just the inputs that the action has.
            if action.starts_with("./") {
                let inputs = yaml(ACTION)["inputs"].as_mapping().unwrap().clone();
                let given = step["with"].as_mapping().unwrap();
                assert!(given.keys().eq(inputs.keys()), "{path}: {given:?}");
            }
        }
        for step in steps(&yaml(path)).iter().filter(|step| path == ACTION && step["run"].is_string()) {
            assert_eq!(step["shell"], "bash", "{path}");
        }
    }
    assert!(used > 10, "{used}");
    let write = |path: &str| -> Vec<String> {
        let workflow = yaml(path);
        let given = jobs(&workflow).into_iter().flat_map(|job| job["permissions"].as_mapping().unwrap());
        given.filter(|(_, right)| *right == "write").map(|(what, _)| text(what).to_owned()).collect()
    };
    assert_eq!(write(GITHUB[0]), ["id-token", "pull-requests", "security-events"]);
    assert_eq!(write(GITHUB[1]), ["id-token"]);
    assert_eq!(write(GITHUB[2]), ["id-token", "issues"]);
    assert_eq!(yaml(GITHUB[1])["concurrency"]["cancel-in-progress"], false);
    assert!(jobs(&yaml(GITHUB[1])).iter().any(|job| job["environment"].is_string()));

    let gitlab = yaml(GITLAB);
    let stages = gitlab["stages"].as_sequence().unwrap();
    for job in ["plan", "apply", "drift"] {
        assert!(stages.contains(&gitlab[job]["stage"]), "{job}");
        assert_eq!(gitlab[job]["extends"], ".dwctl");
        assert!(gitlab[job]["rules"].is_sequence(), "{job}");
    }
    assert!(gitlab["apply"]["resource_group"].is_string() && gitlab["apply"]["environment"] == "prod");
    assert_eq!(gitlab["apply"]["rules"][0]["when"], "manual");
    assert_eq!(gitlab["apply"]["needs"][0], "plan");
}

/// The violations of a file against its published schema; empty if there are none.
fn by_schema(schema: &str, path: &Path) -> String {
    let transform: &[&str] =
        if schema == "vendor.gitlab-ci" { &["--data-transform", "gitlab-ci"] } else { &[] };
    let path = path.to_str().unwrap();
    let done = tools::run("check-jsonschema", &[&["--builtin-schema", schema], transform, &[path]].concat());
    if done.status.success() { String::new() } else { tools::words(&done) }
}

#[test]
fn every_file_fits_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let checked = workflows().map(|path| ("vendor.github-workflows", path, "runs-on:", "run-on:"));
    let others = [
        ("vendor.github-actions", ACTION, "composite", "composit"),
        ("vendor.gitlab-ci", GITLAB, "when: manual", "when: by_hand"),
    ];
    for (schema, path, right, wrong) in checked.chain(others) {
        let path = paper::root().join(path);
        assert_eq!(by_schema(schema, &path), "");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{}", path.display());
        let broken = folder.path().join("broken.yml");
        fs::write(&broken, text.replace(right, wrong)).unwrap();
        let found = by_schema(schema, &broken);
        assert!(found.contains("Schema validation errors"), "{}: {found}", path.display());
    }
}

/// In GitHub, an unknown name is the empty text, and no error.
#[test]
fn expressions_refer_to_existing_names() {
    let expression = Regex::new(r"\$\{\{(.*?)\}\}").unwrap();
    let name = Regex::new(r"\b(steps|needs|inputs)\.([\w-]+)(?:\.outputs\.([\w-]+))?").unwrap();
    let context = Regex::new(r"(?:^|[ (!&|])([a-z]+)\.").unwrap();
    let mut seen = 0;
    for path in workflows().chain([ACTION]) {
        let document = yaml(path);
        let parts: Vec<(Vec<&Value>, &Value)> = if path == ACTION {
            vec![(steps(&document), &document)]
        } else {
            let of = |job| (steps_of(job), job);
            jobs(&document).into_iter().map(of).collect()
        };
        for (steps, part) in parts {
            let text = serde_yaml_ng::to_string(part).unwrap();
            // Conditions are expressions even without braces.
            let conditions =
                text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("if: "));
            let braced = expression.captures_iter(&text).map(|one| one.get(1).unwrap().as_str());
            for one in conditions.chain(braced) {
                for found in context.captures_iter(one) {
                    let known = ["steps", "needs", "inputs", "vars", "github", "runner", "env", "secrets"];
                    assert!(known.contains(&&found[1]), "{path}: {one}");
                }
                for found in name.captures_iter(one) {
                    seen += 1;
                    let (what, output) = (&found[2], found.get(3).map_or("", |one| one.as_str()));
                    let exists = match &found[1] {
                        "inputs" => !document["inputs"][what].is_null(),
                        "needs" => {
                            (part["needs"] == what
                                || part["needs"]
                                    .as_sequence()
                                    .is_some_and(|all| all.iter().any(|one| one == what)))
                                && !document["jobs"][what]["outputs"][output].is_null()
                        }
                        _ => steps.iter().any(|step| {
                            let script = step["run"].as_str().unwrap_or_default();
                            let cached =
                                step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/cache@"));
                            step["id"] == what
                                && (script.contains(&format!("echo \"{output}="))
                                    || cached && output == "cache-hit")
                        }),
                    };
                    assert!(exists, "{path}: {} in `{one}`", &found[0]);
                }
            }
        }
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let check = |script: &str| {
        let file = folder.path().join("script");
        fs::write(&file, script).unwrap();
        tools::run("shellcheck", &["--shell", "bash", file.to_str().unwrap()])
    };
    let github = scripts().into_iter().filter(|(path, _)| *path != GITLAB);
    // One shell runs all of a job.
    let gitlab = ["plan", "apply", "drift"].map(|job| (GITLAB, job_script(job)));
    for (path, script) in github.chain(gitlab) {
        let done = check(&script);
        assert!(done.status.success(), "{path}:\n{script}\n{}", tools::words(&done));
    }
    assert!(tools::words(&check("cat $1")).contains("SC2086"));
}

#[test]
fn scripts_parse_and_contain_no_expressions() {
    let scripts = scripts();
    assert!(scripts.len() > 10, "{}", scripts.len());
    for (path, script) in scripts {
        // An expression would let anyone who names a branch inject code into the script.
        assert!(!script.contains("${{"), "an expression in a script of {path}:\n{script}");
        let checked = Command::new("bash").args(["-n", "-c", &script]).output().expect("bash");
        assert!(
            checked.status.success() && checked.stderr.is_empty(),
            "{path}:\n{script}\n{}",
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}

#[test]
fn scripts_use_options_that_exist() {
    let call = Regex::new(r"(?m)(?:^|[;&|]|exec) *dwctl ([a-z]+)(.*)$").unwrap();
    let option = Regex::new(r"(?:^|[ (])(--[a-z][a-z-]+)").unwrap();
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = Vec::new();
    for (path, script) in scripts() {
        let script = script.replace("\\\n", " ");
        // Options in an array belong to the only call of the script.
        let arrays: String =
            script.lines().filter(|line| line.contains("=(--") || line.contains("set -- --")).collect();
        for found in call.captures_iter(&script) {
            let verb = found[1].to_owned();
            let help = helps.entry(verb.clone()).or_insert_with(|| {
                let help =
                    Command::new(env!("CARGO_BIN_EXE_dwctl")).args([&verb, "--help"]).output().unwrap();
                assert!(help.status.success(), "{path}: dwctl {verb} is no verb");
                String::from_utf8(help.stdout).unwrap()
            });
            let words = format!("{} {}", &found[2], arrays.replace("set -- --", "--").replace("set --", ""));
            for option in option.captures_iter(&words) {
                let known = help.split(|one: char| !(one.is_alphanumeric() || one == '-'));
                assert!(
                    known.into_iter().any(|one| one == &option[1]),
                    "{path}: dwctl {verb} {}",
                    &option[1]
                );
                seen.push(format!("{verb} {}", &option[1]));
            }
        }
    }
    for expected in ["plan --out", "plan --since", "apply --yes", "apply --allow", "drift --deep"] {
        assert!(seen.iter().any(|one| one == expected), "{expected} is not seen in {seen:?}");
    }
}

/// A `gh` that logs its calls, and answers with the file named after the call, through the call's own filter.
/// A run's artifact is a folder.
const GH: &str = r#"#!/usr/bin/env bash
set -eu
here="$(dirname "$0")"
echo "$*" | tr '\n' ' ' >> "$here/calls"; echo >> "$here/calls"
filter=. before=
for word in "$@"; do
  if [ "$before" = --jq ]; then filter="$word"; fi
  before="$word"
done
case "$1 $2" in
  "run list") jq "$filter" "$here/run" ;;
  "run download") cp -r "$here/artifact" "${@: -1}" ;;
  *) case "$*" in
       *"--method "*) for word in "$@"; do case "$word" in body=@*) cp "${word#body=@}" "$here/body" ;; esac; done ;;
       *commits/*/pulls*) jq "$filter" "$here/pulls" ;;
       *) jq "$filter" "$here/found" ;;
     esac ;;
esac
"#;

/// A `curl` that logs its calls, and answers with pages of notes. The authorization header must be in a
/// file.
const CURL: &str = r#"#!/usr/bin/env bash
set -eu
here="$(dirname "$0")"
echo "$*" >> "$here/calls"
method=GET out=/dev/null
while [ $# -gt 0 ]; do
  case "$1" in
    --header) grep -q '^PRIVATE-TOKEN: glpat-1$' "${2#@}"; shift ;;
    --request) method="$2"; shift ;;
    --output) out="$2"; shift ;;
    --dump-header) headers="$2"; shift ;;
    --data-urlencode) cp "${2#body@}" "$here/body"; shift ;;
    http*) url="$1" ;;
  esac
  shift
done
if [ "$method" = GET ]; then
  page="${url##*page=}"
  cat "$here/page$page" > "$out"
  if [ -f "$here/page$((page + 1))" ]; then next="$((page + 1))"; else next=; fi
  printf 'HTTP/2 200\r\nx-next-page: %s\r\n' "$next" > "$headers"
fi
"#;

/// A checkout, and the programs on a runner's PATH.
struct Runner {
    project: Project,
    bin: tempfile::TempDir,
}

impl Runner {
    fn new(stack: &str) -> Self {
        let project = Project::new(stack);
        let bin = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dwctl"), bin.path().join("dwctl")).unwrap();
        // Not every machine has one.
        let jq = format!("#!/bin/sh\nexec {}\n", tools::jq());
        for (name, program) in [("gh", GH), ("curl", CURL), ("jq", jq.as_str())] {
            fs::write(bin.path().join(name), program).unwrap();
            fs::set_permissions(bin.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let runner = Self { project, bin };
        for name in ["run", "pulls", "found"] {
            runner.answers(name, "[]");
        }
        runner
    }

    fn answers(&self, name: &str, text: &str) {
        fs::write(self.bin.path().join(name), text).unwrap();
    }

    fn written(&self, name: &str) -> String {
        fs::read_to_string(self.bin.path().join(name)).unwrap_or_default()
    }

    fn checkout(&self) -> PathBuf {
        self.project.stack().parent().unwrap().to_owned()
    }

    /// Runs a step as a runner does, in the stack's checkout.
    fn step(&self, path: &str, name: &str, more: &[(&str, &str)]) -> Run {
        self.run(&script(path, name), name, more)
    }

    /// Runs a GitLab job: all its scripts, in one shell.
    fn job(&self, name: &str, more: &[(&str, &str)]) -> Run {
        let variables = [
            ("ROLE", ""),
            ("AWS_ID_TOKEN", "a token"),
            ("COMMENT_TOKEN", "glpat-1"),
            ("CI_JOB_ID", "9"),
            ("CI_PROJECT_ID", "5"),
            ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
            ("GITHUB_ACTIONS", ""),
        ];
        let variables: Vec<(&str, &str)> = variables.into_iter().chain(more.iter().copied()).collect();
        self.run(&job_script(name), name, &variables)
    }

    fn run(&self, script: &str, name: &str, more: &[(&str, &str)]) -> Run {
        fs::write(self.bin.path().join("calls"), "").unwrap();
        fs::write(self.bin.path().join("output"), "").unwrap();
        let mut command = Command::new("bash");
        let rest = std::env::var("PATH").unwrap_or_default();
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.checkout())
            .env_clear()
            .env("PATH", format!("{}:{rest}", self.bin.path().display()))
            .env("HOME", self.checkout().join("home"))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("DWCTL_ENDPOINT_URL", self.project.cloud.endpoint())
            .env("DWCTL_STACK", "stack")
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_WORKSPACE", self.checkout())
            .env("GITHUB_OUTPUT", self.bin.path().join("output"))
            .env("GITHUB_STEP_SUMMARY", self.bin.path().join("summary"))
            .env("GITHUB_SHA", "5ad1")
            .env("GH_REPO", "acme/warehouse")
            .env("BRANCH", "more; echo forged")
            .env("NUMBER", "7")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        run(&mut command, name)
    }
}

const STACK: &str = "[stack]\nname = \"warehouse\"\nregion = \"us-east-1\"\n\
                     [sns_topic.alerts]\nname = \"alerts\"\n";

/// GitHub's answer for the pull requests of a commit.
const PULLS: &str = r#"[{ "merged_at": null, "head": { "sha": "dead" } },
                       { "merged_at": "2026-11-01T00:00:00Z", "head": { "sha": "beef" } }]"#;

/// GitHub's answer for comments and issues: author, number, and text.
fn by<const N: usize>(all: [(&str, u32, &str); N]) -> String {
    let comments = all.map(|(who, number, body)| {
        serde_json::json!({ "id": number, "number": number, "user": { "type": who }, "body": body })
    });
    let without = serde_json::json!({ "id": 1, "number": 1, "user": { "type": "User" }, "body": "" });
    let comments: Vec<_> = [without].into_iter().chain(comments).collect();
    serde_json::Value::Array(comments).to_string()
}

#[test]
fn a_pull_request_is_planned_commented_and_applied_as_reviewed() {
    let [plan, apply, _] = GITHUB;
    let runner = Runner::new(STACK);
    runner.step(plan, "Find the plan of the last push", &[]).exits(0).says_not("forged");
    assert!(runner.written("calls").contains("--branch more; echo forged --event pull_request"));
    runner.step(plan, "Plan", &[]).exits(0).says("sns_topic.alerts").says("Saved.");
    for file in ["plan.dwctl", "plan.md", "plan.json", "plan.html", "plan.sarif"] {
        assert!(runner.checkout().join("plan").join(file).is_file(), "{file}");
    }

    // The first comment is made, and later ones update it.
    runner.step(plan, "Comment", &[]).exits(0);
    let calls = runner.written("calls");
    assert!(calls.contains("--method POST repos/acme/warehouse/issues/7/comments "), "{calls}");
    assert!(
        runner.written("body").starts_with("<!-- dwctl:warehouse/default -->\n"),
        "{}",
        runner.written("body")
    );
    // Not what people write, however it begins.
    let ours = "<!-- dwctl:warehouse/default -->\n\nOld";
    runner.answers(
        "found",
        &by([("User", 39, ours), ("Bot", 40, "Coverage"), ("Bot", 41, ours), ("Bot", 42, ours)]),
    );
    runner.step(plan, "Comment", &[]).exits(0);
    let calls = runner.written("calls");
    assert!(calls.contains("--method PATCH repos/acme/warehouse/issues/comments/41 "), "{calls}");
    assert!(!calls.contains("POST"), "{calls}");

    // The next push says what is new since.
    fs::rename(runner.checkout().join("plan"), runner.bin.path().join("artifact")).unwrap();
    runner.answers("run", r#"[{ "databaseId": 1234 }]"#);
    runner.project.write(&format!("{STACK}[sns_topic.loads]\nname = \"loads\"\n"));
    runner.step(plan, "Find the plan of the last push", &[]).exits(0);
    runner.step(plan, "Plan", &[]).exits(0);
    let markdown = fs::read_to_string(runner.checkout().join("plan/plan.md")).unwrap();
    assert!(markdown.to_lowercase().contains("since") && markdown.contains("sns_topic.loads"), "{markdown}");

    // The merge finds that plan and applies it. Changes without risks need no approval.
    fs::remove_dir_all(runner.bin.path().join("artifact")).unwrap();
    fs::rename(runner.checkout().join("plan"), runner.bin.path().join("artifact")).unwrap();
    runner.answers("pulls", PULLS);
    let found = "Find the reviewed plan, and what it may cost";
    runner.step(apply, found, &[("DWCTL_ENV", "prod")]).exits(0);
    assert!(runner.written("calls").contains("repos/acme/warehouse/commits/5ad1/pulls"));
    assert!(runner.written("calls").contains("--commit beef --event pull_request --status success"));
    assert_eq!(runner.written("output"), "run=1234\nallow=\nenvironment=prod\n");
    fs::remove_dir_all(runner.checkout().join("plan")).unwrap();
    let run = runner.step(apply, "Apply", &[("RUN", "1234"), ("ALLOW", "")]).exits(0).says("2 created");
    assert!(runner.checkout().join("audit.jsonl").is_file());
    runner.project.settled();

    // In the log: a group, and in it one line a resource.
    let lines: Vec<&str> = run.stderr.lines().collect();
    let start = lines.iter().position(|line| *line == "::group::Applying: 2 resources").expect("a group");
    let end = lines.iter().position(|line| *line == "::endgroup::").expect("its end");
    assert_eq!(end, start + 3, "{run}");
    assert!(lines[start + 1..end].iter().all(|line| line.contains(": created in ")), "{run}");
}

#[test]
fn data_loss_needs_a_separate_approval() {
    let [plan, apply, _] = GITHUB;
    let found = "Find the reviewed plan, and what it may cost";
    let logs = "[cloudwatchlogs_log_group.etl]\nlog_group_name = \"/etl\"\n";
    let runner = Runner::new(&format!("{STACK}{logs}"));
    runner.project.apply();
    runner.project.write(STACK);
    runner.step(plan, "Plan", &[]).exits(0).says("data loss");
    fs::rename(runner.checkout().join("plan"), runner.bin.path().join("artifact")).unwrap();

    // A push that no pull request made has no plan, nor has a commit without a run.
    runner.step(apply, found, &[("DWCTL_ENV", "prod")]).exits(1).says("::error::5ad1 was not merged");
    runner.answers("pulls", PULLS);
    runner.step(apply, found, &[("DWCTL_ENV", "prod")]).exits(1).says("::error::beef has no plan");
    runner.answers("run", r#"[{ "databaseId": 1234 }]"#);
    runner.step(apply, found, &[("DWCTL_ENV", "prod")]).exits(0);
    assert_eq!(runner.written("output"), "run=1234\nallow=destroy\nenvironment=prod-risky\n");

    fs::remove_dir_all(runner.checkout().join("plan")).unwrap();
    let refused = runner.step(apply, "Apply", &[("RUN", "1234"), ("ALLOW", "")]).exits(7);
    // On GitHub it is also printed as an annotation.
    refused.says("::error title=not-allowed::the plan would destroy cloudwatchlogs_log_group.etl%0A");
    fs::remove_dir_all(runner.checkout().join("plan")).unwrap();
    runner.step(apply, "Apply", &[("RUN", "1234"), ("ALLOW", "destroy")]).exits(0).says("1 destroyed");
    runner.project.settled();
}

#[test]
fn drift_updates_a_single_issue() {
    let drift = GITHUB[2];
    let runner = Runner::new(&format!("{STACK}display_name = \"Alerts\"\n"));
    runner.project.apply();
    let look = |code: &str| {
        runner.step(drift, "Look for drift", &[]).exits(0);
        assert_eq!(runner.written("output"), format!("code={code}\n"));
        runner.step(drift, "Tell", &[("CODE", code), ("DWCTL_ENV", "prod")]).exits(0);
        runner.written("calls")
    };
    assert!(!look("0").contains("--method"), "nothing is to be told");
    let topic = runner.project.id("sns_topic.alerts");
    runner.project.with(async |_, cx| {
        let set = cx.aws.sns().set_topic_attributes().topic_arn(&topic).attribute_name("DisplayName");
        set.attribute_value("Changed").send().await.expect("changed");
    });
    let calls = look("4");
    assert!(calls.contains("--method POST repos/acme/warehouse/issues --raw-field title=Drift"), "{calls}");
    assert!(runner.written("body").contains("Changed"), "{}", runner.written("body"));
    let marker = runner.written("body").lines().next().unwrap().to_owned();
    runner.answers(
        "found",
        &by([("User", 10, marker.as_str()), ("Bot", 11, "Broken link"), ("Bot", 12, &marker)]),
    );
    let calls = look("4");
    assert!(
        calls.contains("--method PATCH repos/acme/warehouse/issues/12 ") && !calls.contains("state=closed")
    );
    runner.project.apply();
    assert!(look("0").contains("issues/12 --field body=@drift.md --raw-field state=closed"));

    // An error is not drift; its place is relative to the checkout.
    runner.project.write(&STACK.replace("name = \"alerts\"", "nam = \"alerts\""));
    let failed = runner.step(drift, "Look for drift", &[]).exits(3);
    failed.says("::error file=stack/stack.toml,line=5,col=1,title=unknown-attribute::");
    assert_eq!(runner.written("output"), "");
}

#[test]
fn a_merge_request_has_one_note_and_is_applied_as_planned() {
    let runner = Runner::new(STACK);
    // As restored from the job's cache.
    let built = runner.checkout().join(".dwctl-bin/bin");
    fs::create_dir_all(&built).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dwctl"), built.join("dwctl")).unwrap();
    let notes = "https://gitlab.example/api/v4/projects/5/merge_requests/3/notes";

    runner.answers("page1", r#"[{ "id": 1, "body": "Looks good" }]"#);
    runner.job("plan", &[("CI_MERGE_REQUEST_IID", "3")]).exits(0).says("Saved.");
    let calls = runner.written("calls");
    assert!(calls.contains("--request POST") && calls.trim_end().ends_with(notes), "{calls}");
    assert!(!calls.contains("glpat"), "a token among the arguments: {calls}");
    assert!(runner.written("body").starts_with("<!-- dwctl:warehouse/default -->\n"));

    // The note is found on any page.
    runner.answers("page2", r#"[{ "id": 8, "body": "<!-- dwctl:warehouse/default -->\nOld" }]"#);
    runner.job("plan", &[("CI_MERGE_REQUEST_IID", "3")]).exits(0);
    let calls = runner.written("calls");
    assert!(calls.contains("--request PUT") && calls.trim_end().ends_with(&format!("{notes}/8")), "{calls}");

    // Elsewhere there is nothing to comment on.
    runner.job("plan", &[]).exits(0);
    assert_eq!(runner.written("calls"), "");
    runner.job("apply", &[]).exits(0).says("1 created").says_not("::group::");
    runner.project.settled();
    runner.job("drift", &[]).exits(0);
    assert!(runner.checkout().join("junit.xml").is_file());
}
