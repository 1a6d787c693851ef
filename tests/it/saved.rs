//! Saved plans: exactly the reviewed plan is applied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dwctl::graph::Address;
use dwctl::kinds::kind;
use dwctl::value::Value;
use serde_json::{Value as Json, json};

use crate::harness::{Project, Run, emulator_home, finish, run};

const PASSWORD: &str = "planted-hunter2-password";

/// Two topics, a key that one of them needs, a secret, and more resources.
fn stack(display: &str, more: &str) -> String {
    format!("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n{}", resources(display, more))
}

fn resources(display: &str, more: &str) -> String {
    format!(
        "[variable.password]\ntype = \"string\"\nsensitive = true\ndefault = \"{PASSWORD}\"\n\
         [variable.team]\ntype = \"string\"\ndefault = \"data\"\n\
         [sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"{display}\"\ntags = {{ team = \"${{var.team}}\" }}\n\
         kms_master_key_id = \"${{kms_key.data.key_id}}\"\n[kms_key.data]\ndescription = \"Data\"\n\
         [sns_topic.other]\nname = \"other\"\ndisplay_name = \"Other\"\n\
         [secretsmanager_secret.db]\nname = \"shop-db\"\nsecret_string = \"${{var.password}}\"\n{more}"
    )
}

/// Applied once, then edited and planned into `p.dwplan`: an update, a creation, a deletion.
fn planned() -> Project {
    let project = Project::new(&stack("Before", "[sns_topic.old]\nname = \"old\"\n"));
    fs::write(project.stack().join("notes.toml"), "[local]\nb = 1\n").unwrap();
    fs::create_dir(project.stack().join("env")).unwrap();
    fs::write(project.stack().join("env/prod.toml"), "team = \"data\"\n").unwrap();
    project.apply();
    project.write(&stack("After", "[sns_topic.new]\nname = \"new\"\n"));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0).says("dwctl apply p.dwplan");
    project
}

/// Someone changes an attribute at AWS.
fn change(project: &Project, address: &str, attribute: &str, value: &str) {
    let address: Address = address.parse().unwrap();
    let kind = kind(&address.kind).expect("a kind");
    let id = project.ledger().resources[&address].id.clone();
    let live = project.live(&address.to_string()).expect("it exists").spec;
    let mut desired = live.clone();
    if let Value::Map(map) = &mut desired {
        map.insert(attribute.into(), Value::from(value));
    }
    project.with(async |_, cx| kind.update(cx, &id, &live, &desired).await.expect("it can be changed"));
}

/// Someone changes the display name of a topic.
fn rename(project: &Project, topic: &str, display: &str) {
    change(project, &format!("sns_topic.{topic}"), "display_name", display);
}

/// Someone tags a topic.
fn tag(project: &Project, topic: &str, key: &str, value: &str) {
    let arn = project.id(&format!("sns_topic.{topic}"));
    let tag = aws_sdk_sns::types::Tag::builder().key(key).value(value).build().unwrap();
    project.with(async |_, cx| {
        cx.aws.sns().tag_resource().resource_arn(&arn).tags(tag.clone()).send().await.expect("tagged");
    });
}

/// Someone deletes a topic.
fn delete(project: &Project, topic: &str) {
    let arn = project.id(&format!("sns_topic.{topic}"));
    project.with(async |_, cx| {
        cx.aws.sns().delete_topic().topic_arn(&arn).send().await.expect("deleted");
    });
}

fn file(project: &Project) -> Json {
    serde_json::from_slice(&fs::read(project.stack().join("p.dwplan")).unwrap()).unwrap()
}

fn write(project: &Project, plan: &Json) {
    fs::write(project.stack().join("p.dwplan"), serde_json::to_vec_pretty(plan).unwrap()).unwrap();
}

fn apply(project: &Project, more: &[&str]) -> Run {
    let arguments: Vec<&str> = ["apply", "p.dwplan", "--yes"].iter().chain(more).copied().collect();
    project.run(&arguments)
}

#[test]
fn a_saved_plan_is_applied_once() {
    let project = planned();
    apply(&project, &[]).exits(0).says("1 created · 1 updated · 1 destroyed");
    project.settled();
    apply(&project, &[]).exits(7).says("already applied").says("nothing was changed");
}

#[test]
fn a_first_plan_is_sealed_too() {
    let project = Project::new(&stack("First", ""));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0);
    apply(&project, &[]).exits(0);
    project.settled();
}

#[test]
fn the_file_is_private_and_contains_no_secret() {
    let project = Project::new(&stack("First", ""));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0).says_not(PASSWORD);
    let path = project.stack().join("p.dwplan");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("argon2id:"), "the secret is there as its fingerprint");
    assert!(!text.contains(PASSWORD) && !text.contains(&project.ledger().key));
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
        0o600
    );
}

#[test]
fn show_needs_no_aws() {
    let project = planned();
    let mut command = project.command_without_endpoint(&["show", "p.dwplan"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let shown = run(&mut command, "show p.dwplan").exits(0);
    shown
        .plans("sns_topic.new", "+ create")
        .plans("sns_topic.old", "- destroy")
        .plans("sns_topic.alerts", "~ update in place");
}

/// How a plan becomes stale or is forged.
enum Spoil {
    /// By a change outside of the file.
    Outside(fn(&Project)),
    /// By an edit of the file.
    Edit(fn(&mut Json)),
    /// By different bytes.
    Bytes(fn(&[u8]) -> Vec<u8>),
}

use Spoil::{Bytes, Edit, Outside};

/// Name, change, additional arguments of `apply`, exit code, and expected words.
type Row = (&'static str, Spoil, &'static [&'static str], i32, &'static str);

/// Changes in the stack's folder. The account is unchanged.
const HERE: &[Row] = &[
    (
        "a stack file edited",
        Outside(|p| p.write(&stack("Later", ""))),
        &[],
        7,
        "the stack file stack.toml was changed",
    ),
    (
        "a stack file added",
        Outside(|p| fs::write(p.stack().join("more.toml"), "[local]\na = 1\n").unwrap()),
        &[],
        7,
        "the stack file more.toml is new",
    ),
    (
        "a stack file removed",
        Outside(|p| fs::remove_file(p.stack().join("notes.toml")).unwrap()),
        &[],
        7,
        "the stack file notes.toml is gone",
    ),
    ("a variable", Outside(|_| {}), &["--var", "team=ops"], 7, "the variable team was changed"),
    ("a secret", Outside(|_| {}), &["--var", "password=other"], 7, "the variable password was changed"),
    (
        "another stack",
        Outside(|p| {
            fs::create_dir(p.stack().join("billing")).unwrap();
            fs::write(p.stack().join("billing/stack.toml"), stack("After", "").replace("shop", "billing"))
                .unwrap();
        }),
        &["--stack", "billing"],
        7,
        "the plan belongs to another stack",
    ),
    (
        "another name in the same folder",
        Outside(|p| p.write(&stack("After", "").replace("shop", "billing"))),
        &[],
        1,
        "it is the ledger of shop/default, not of billing/default",
    ),
    (
        "another region",
        Outside(|p| p.write(&stack("After", "").replace("us-east-1", "eu-west-1"))),
        &[],
        7,
        "the plan belongs to another region",
    ),
    (
        "another environment",
        Outside(|_| {}),
        &["--env", "prod"],
        7,
        "the plan belongs to another environment",
    ),
    ("an environment that is not there", Outside(|_| {}), &["--env", "test"], 3, "env/test.toml"),
    (
        "another ledger",
        Outside(|p| ledger(p, "lineage", "another")),
        &[],
        7,
        "the plan belongs to another ledger",
    ),
    ("another key", Outside(|p| ledger(p, "key", "00")), &[], 7, "sealed under another key"),
    (
        "no ledger any more",
        Outside(|p| fs::remove_file(p.ledger_file()).unwrap()),
        &[],
        7,
        "shop/default has none yet",
    ),
    ("a target", Outside(|_| {}), &["--target", "sns_topic.new"], 1, "a saved plan cannot be changed"),
    ("another folder", Outside(|_| {}), &["--stack", "elsewhere"], 3, "elsewhere"),
    // The file.
    ("empty", Bytes(|_| Vec::new()), &[], 7, "p.dwplan is empty"),
    ("cut short", Bytes(|text| text[..text.len() / 2].to_vec()), &[], 7, "p.dwplan is incomplete"),
    ("no text", Bytes(|_| b"\x00\xff".to_vec()), &[], 7, "it is not JSON"),
    (
        "other JSON",
        Bytes(|_| b"{\"format_version\": \"1.2\"}".to_vec()),
        &[],
        7,
        "missing field `dwctl_plan`",
    ),
    ("another type", Edit(|plan| plan["changes"] = json!("none")), &[], 7, "invalid type"),
    ("a field too many", Edit(|plan| plan["also"] = json!(1)), &[], 7, "unknown field `also`"),
    ("a newer format", Edit(|plan| plan["dwctl_plan"] = json!(99)), &[], 7, "its format is 99"),
    ("an older format", Edit(|plan| plan["dwctl_plan"] = json!(1)), &[], 7, "its format is 1"),
    ("a newer dwctl", Edit(|plan| plan["dwctl_version"] = json!("99.0.0")), &[], 7, "by a newer dwctl"),
    ("an older dwctl", Edit(|plan| plan["dwctl_version"] = json!("0.0.1")), &[], 7, "by an older dwctl"),
    ("a dwctl of one's own", Edit(|plan| plan["dwctl_version"] = json!("fork")), &[], 7, "by another dwctl"),
    // Edits, each named.
    ("stack", Edit(|plan| plan["stack"] = json!("billing")), &[], 7, "the `stack` of the plan was changed"),
    ("env", Edit(|plan| plan["env"] = json!("prod")), &["--env", "default"], 3, "env/default.toml"),
    (
        "account",
        Edit(|plan| plan["account"] = json!("999999999999")),
        &[],
        7,
        "the `account` of the plan was changed",
    ),
    (
        "region",
        Edit(|plan| plan["region"] = json!("eu-west-1")),
        &[],
        7,
        "the `region` of the plan was changed",
    ),
    ("lineage", Edit(|plan| plan["lineage"] = json!("x")), &[], 7, "the `lineage` of the plan was changed"),
    ("serial", Edit(|plan| plan["serial"] = json!(99)), &[], 7, "the `serial` of the plan was changed"),
    ("reads", Edit(|plan| plan["reads"] = json!([])), &[], 7, "the `reads` of the plan was changed"),
    (
        "made",
        Edit(|plan| plan["made"] = json!("2020-01-01T00:00:00Z")),
        &[],
        7,
        "the `made` of the plan was changed",
    ),
    (
        "folder",
        Edit(|plan| plan["folder"] = json!("elsewhere")),
        &["--stack", "."],
        7,
        "the `folder` of the plan was changed",
    ),
    (
        "destroy",
        Edit(|plan| plan["selection"]["destroy"] = json!(true)),
        &[],
        7,
        "`destroy` of its part of the stack was changed",
    ),
    (
        "targets",
        Edit(|plan| plan["selection"]["targets"] = json!(["sns_topic.new"])),
        &[],
        7,
        "`targets` of its part of the stack was changed",
    ),
    (
        "a file's fingerprint",
        Edit(|plan| plan["files"]["stack.toml"] = json!("00")),
        &[],
        7,
        "the fingerprint of the stack file stack.toml was changed",
    ),
    (
        "a file's name",
        Edit(|plan| plan["files"]["x.toml"] = json!("00")),
        &[],
        7,
        "the fingerprint of the stack file x.toml was added",
    ),
    (
        "a variable's fingerprint",
        Edit(|plan| drop(plan["variables"].as_object_mut().unwrap().remove("team"))),
        &[],
        7,
        "the fingerprint of the variable team was removed",
    ),
    (
        "an action",
        Edit(|plan| plan["changes"][0]["action"] = json!("delete")),
        &[],
        7,
        "the action of sns_topic.alerts was changed",
    ),
    (
        "a reason",
        Edit(|plan| plan["changes"][0]["reason"] = json!("new")),
        &[],
        7,
        "the reason of sns_topic.alerts was changed",
    ),
    (
        "an id",
        Edit(|plan| plan["changes"][2]["id"] = json!("arn:aws:sns:us-east-1:1:x")),
        &[],
        7,
        "the id of sns_topic.old was changed",
    ),
    (
        "what is destroyed",
        Edit(|plan| plan["changes"][2]["live"]["display_name"] = json!("00")),
        &[],
        7,
        "the live of sns_topic.old was changed",
    ),
    (
        "a fingerprint",
        Edit(|plan| plan["changes"][0]["attributes"][0]["after"] = json!("00")),
        &[],
        7,
        "the attribute `display_name` of sns_topic.alerts was changed",
    ),
    (
        "an attribute removed",
        Edit(|plan| plan["changes"][0]["attributes"] = json!([])),
        &[],
        7,
        "the attribute `display_name` of sns_topic.alerts was removed",
    ),
    (
        "a change removed",
        Edit(|plan| drop(plan["changes"].as_array_mut().unwrap().remove(2))),
        &[],
        7,
        "what happens to sns_topic.old was removed",
    ),
    (
        "a change added",
        Edit(|plan| {
            let mut more = plan["changes"][2].clone();
            more["address"] = json!("sns_topic.other");
            plan["changes"].as_array_mut().unwrap().push(more);
        }),
        &[],
        7,
        "what happens to sns_topic.other was added",
    ),
    (
        "a change twice",
        Edit(|plan| {
            let again = plan["changes"][2].clone();
            plan["changes"].as_array_mut().unwrap().push(again);
        }),
        &[],
        7,
        "the action (again) of sns_topic.old was added",
    ),
    (
        "changes in another order",
        Edit(|plan| plan["changes"].as_array_mut().unwrap().reverse()),
        &[],
        7,
        "the `order of its changes` of the plan was changed",
    ),
    (
        "another address",
        Edit(|plan| plan["changes"][2]["address"] = json!("sns_topic.older")),
        &[],
        7,
        "what happens to sns_topic.older was added",
    ),
    (
        "what is shown",
        Edit(|plan| plan["shown"]["plan"]["changes"][0]["desired"]["description"] = json!("x")),
        &[],
        7,
        "what the reviewer is shown of kms_key.data was changed",
    ),
    (
        "what is not shown",
        Edit(|plan| plan["shown"]["plan"]["changes"] = json!([])),
        &[],
        7,
        "what the reviewer is shown of every resource was removed",
    ),
    (
        "the account that is shown",
        Edit(|plan| plan["shown"]["plan"]["account_id"] = json!("999999999999")),
        &[],
        7,
        "`account_id` of what the reviewer is shown was changed",
    ),
    ("the seal", Edit(|plan| plan["seal"] = json!("00")), &[], 7, "its seal was changed"),
    (
        "the seal of a part",
        Edit(|plan| plan["seals"][""]["account"] = json!("00")),
        &[],
        7,
        "the `account` of the plan was changed",
    ),
    ("no seals", Edit(|plan| plan["seals"] = json!({})), &[], 7, "the seals of its parts were removed"),
];

/// Changes at AWS.
const AT_AWS: &[Row] = &[
    (
        "what is updated, by hand",
        Outside(|p| rename(p, "alerts", "By hand")),
        &[],
        7,
        "sns_topic.alerts changed since the plan was made\n |\n = note: `display_name` was changed at AWS",
    ),
    (
        "what goes, by hand",
        Outside(|p| rename(p, "old", "By hand")),
        &[],
        7,
        "sns_topic.old changed since the plan was made\n |\n = note: `display_name` was changed at AWS",
    ),
    ("a tag", Outside(|p| tag(p, "alerts", "team", "ops")), &[], 7, "`tags.team` now differs as well"),
    ("a tag of what goes", Outside(|p| tag(p, "old", "cost", "7")), &[], 7, "`tags.cost` was changed at AWS"),
    ("done by hand", Outside(|p| rename(p, "alerts", "After")), &[], 7, "someone did it outside dwctl"),
    (
        "what is updated, deleted",
        Outside(|p| delete(p, "alerts")),
        &[],
        7,
        "planned: update (differs); now it is gone from AWS",
    ),
    (
        "what goes, deleted",
        Outside(|p| delete(p, "old")),
        &[],
        7,
        "planned: delete (no longer declared); now it is gone from AWS",
    ),
    (
        "made by another",
        Outside(|p| {
            p.with(async |_, cx| {
                cx.aws.sns().create_topic().name("new").send().await.expect("made");
            });
        }),
        &[],
        7,
        "sns_topic.new already exists, and nothing proves that it belongs to this stack",
    ),
    (
        "what is needed",
        Outside(|p| change(p, "kms_key.data", "description", "By hand")),
        &[],
        7,
        "sns_topic.alerts needs kms_key.data, which changed since the plan was made",
    ),
    (
        "already applied",
        Outside(|p| {
            apply(p, &[]).exits(0).says("1 created · 1 updated · 1 destroyed").code.map(drop).unwrap()
        }),
        &[],
        7,
        "it was already applied",
    ),
];

/// Someone edits a field of the ledger's file.
fn ledger(project: &Project, field: &str, value: &str) {
    let mut ledger: Json = serde_json::from_slice(&fs::read(project.ledger_file()).unwrap()).unwrap();
    ledger[field] = json!(value);
    fs::write(project.ledger_file(), ledger.to_string()).unwrap();
}

/// Applies the spoiled plan: it is refused as the row says, and nothing is written to AWS.
fn refused(project: &Project, (name, spoil, more, code, words): &Row) -> String {
    let path = project.stack().join("p.dwplan");
    match spoil {
        Outside(spoil) => spoil(project),
        Edit(edit) => {
            let mut plan = file(project);
            edit(&mut plan);
            write(project, &plan);
        }
        Bytes(spoil) => fs::write(&path, spoil(&fs::read(&path).unwrap())).unwrap(),
    }
    let audit = project.stack().join("audit.jsonl");
    fs::write(&audit, "").unwrap();
    let ended = apply(project, &[&["--audit", "audit.jsonl"], *more].concat());
    assert_eq!(ended.code, Some(*code), "{name}\n{ended}");
    assert!(ended.stderr.contains(words), "{name}: `{words}` is not said\n{ended}");
    assert_eq!(fs::read_to_string(&audit).unwrap(), "", "{name}: something was written\n{ended}");
    fs::remove_file(&audit).unwrap();
    ended.stderr
}

/// The files of a stack's folder.
fn files(project: &Project) -> Vec<(PathBuf, Vec<u8>)> {
    fn below(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => below(&path, files),
                false => files.push((path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    let mut files_of = Vec::new();
    below(&project.stack(), &mut files_of);
    files_of
}

#[test]
fn every_local_change_of_a_plan_has_its_own_error() {
    assert!(HERE.len() + AT_AWS.len() >= 30);
    let project = planned();
    let good = files(&project);
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for row in HERE {
        let words = refused(&project, row);
        if let Some(other) = seen.insert(words.clone(), row.0) {
            // An edited part and an edited seal of that part give the same error.
            assert_eq!((other, row.0), ("account", "the seal of a part"), "{words}");
        }
        for (path, _) in files(&project) {
            fs::remove_file(path).unwrap();
        }
        for (path, text) in &good {
            fs::write(path, text).unwrap();
        }
    }
    // The unmodified plan can still be applied.
    apply(&project, &["--audit", "audit.jsonl"]).exits(0);
    assert!(fs::read_to_string(project.stack().join("audit.jsonl")).unwrap().contains("CreateTopic"));
}

#[test]
fn every_change_at_aws_has_its_own_error() {
    let mut seen = BTreeSet::new();
    for row in AT_AWS {
        let project = planned();
        assert!(seen.insert(refused(&project, row)), "{} is told like another", row.0);
    }
}

#[test]
fn an_unreadable_plan_is_reported() {
    let project = planned();
    fs::create_dir(project.stack().join("folder")).unwrap();
    let show = |file: &str| run(&mut project.command_without_endpoint(&["show", file]), file);
    show("folder").exits(1).says("folder is a folder, not a saved plan");
    show("nothing").exits(1).says("`nothing` is neither a file nor an address");
    project.run(&["apply", "nothing.dwplan", "--yes"]).exits(3).says("nothing.dwplan");
    project.run(&["apply", "folder", "--yes"]).exits(3).says("folder");
    // A file that cannot be read from its start.
    #[cfg(target_os = "linux")]
    project.run(&["apply", "/proc/self/mem", "--yes"]).exits(1).says("cannot read the plan /proc/self/mem");
}

/// Every type of change: created, changed by statement and by state, replaced, deleted, secret.
fn edition(second: bool) -> String {
    let (action, retry, name, password, more) = if second {
        ("s3:*", "", "feeds", "planted-second-password", "[sns_topic.new]\nname = \"new\"\n")
    } else {
        (
            "s3:GetObject",
            "Retry = [{ ErrorEquals = [\"States.ALL\"], MaxAttempts = 3 }]\n",
            "feed",
            PASSWORD,
            "[sns_topic.old]\nname = \"old\"\n",
        )
    };
    format!(
        r#"[stack]
name = "shop"
region = "us-east-1"

[variable.password]
type = "string"
sensitive = true
default = "{password}"

[iam_role.load]
role_name = "load"
assume_role_policy_document = {{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = ["glue.amazonaws.com", "states.amazonaws.com"] }} }}] }}
inline_policies = {{ lake = {{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "{action}", Resource = "*" }}] }} }}

[sfn_state_machine.load]
name = "load"
role_arn = "${{iam_role.load.arn}}"
[sfn_state_machine.load.definition]
StartAt = "Load"
[sfn_state_machine.load.definition.States.Load]
Type = "Task"
Resource = "arn:aws:states:::glue:startJobRun.sync"
End = true
{retry}
[glue_job.load]
name = "load"
role = "${{iam_role.load.arn}}"
command = {{ name = "glueetl", script_location = "s3://code/load.py" }}
default_arguments = {{ "--url" = "jdbc:redshift://dw?password=${{var.password}}", "--plain" = "{action}" }}

[secretsmanager_secret.db]
name = "shop-db"
secret_string = "${{var.password}}"

[sns_topic.feed]
name = "{name}"

[sns_topic.same]
name = "same"
tags = {{ team = "data" }}

{more}
[output.topic]
value = "${{sns_topic.feed.arn}}"

[output.password]
value = "${{var.password}}"
sensitive = true
"#
    )
}

#[test]
fn every_format_is_shown_as_it_was_printed() {
    const FILES: [(&str, &str); 7] = [
        ("text", "txt"),
        ("markdown", "md"),
        ("json", "json"),
        ("html", "html"),
        ("sarif", "sarif"),
        ("junit", "xml"),
        ("mermaid", "mmd"),
    ];
    let project = Project::new(&edition(false));
    project.apply();
    project.run(&["plan", "--output", "json=before.json"]).exits(0);
    project.write(&edition(true));
    let outputs = |folder: &str| -> Vec<String> {
        fs::create_dir(project.stack().join(folder)).unwrap();
        FILES
            .iter()
            .flat_map(|(format, end)| ["--output".to_owned(), format!("{format}={folder}/plan.{end}")])
            .collect()
    };
    let since = ["--since", "before.json"].map(str::to_owned);
    let arguments = |first: &[&str], folder: &str| -> Vec<String> {
        first.iter().map(|one| (*one).to_owned()).chain(outputs(folder)).chain(since.clone()).collect()
    };
    let planned = arguments(&["plan", "--out", "p.dwplan"], "planned");
    let planned = project.run(&planned.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    // Elsewhere, without AWS, and without the stack.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(project.stack().join("p.dwplan"), elsewhere.path().join("p.dwplan")).unwrap();
    fs::copy(project.stack().join("before.json"), elsewhere.path().join("before.json")).unwrap();
    let show = |arguments: &[String]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = project.command_without_endpoint(&arguments);
        command.current_dir(elsewhere.path());
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        run(&mut command, "show").exits(0)
    };
    fs::create_dir(elsewhere.path().join("shown")).unwrap();
    let shown = show(&arguments(&["show", "p.dwplan"], "shown"));
    assert_eq!(shown.stdout, planned.stdout);
    for (format, end) in FILES {
        let planned = fs::read_to_string(project.stack().join(format!("planned/plan.{end}"))).unwrap();
        let again = fs::read_to_string(elsewhere.path().join(format!("shown/plan.{end}"))).unwrap();
        assert!(planned.contains("sns_topic.new") || end == "sarif", "{format} says what is new\n{planned}");
        assert_eq!(again, planned, "{format}");
        let arguments = ["show", "p.dwplan", "--format", format].map(str::to_owned);
        assert_eq!(show(&[&arguments[..], &since[..]].concat()).stdout, planned, "{format} as printed");
        for secret in [PASSWORD, "planted-second-password"] {
            assert!(!planned.contains(secret), "{format}");
        }
    }
    let file = fs::read_to_string(project.stack().join("p.dwplan")).unwrap();
    assert!(!file.contains(PASSWORD) && !file.contains("planted-second-password"));
    assert!(!file.contains(&*project.stack().to_string_lossy()), "no path of this machine");
    let words = show(&["show", "p.dwplan", "--details"].map(str::to_owned)).stdout;
    let time = regex::Regex::new(r"\d+ calls in [\d.]+ s").expect("a pattern");
    insta::assert_snapshot!(time.replace_all(&words, "N calls in T s"));
    // Replacing the topic is allowed by the test's environment; the rest is plain.
    apply(&project, &[]).exits(0);
    project.settled();
}

#[test]
fn a_ledger_in_s3_seals_a_plan_too() {
    let text = |display: &str| {
        stack(display, "").replace("[variable.team]", "[ledger]\nbucket = \"shop-ledger\"\n[variable.team]")
    };
    let project = Project::new(&text("Before"));
    project.with(async |_, cx| {
        cx.aws.s3().create_bucket().bucket("shop-ledger").send().await.expect("a bucket");
    });
    project.apply();
    project.write(&text("After"));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0);
    let good = file(&project);
    let mut forged = good.clone();
    forged["changes"][0]["action"] = json!("delete");
    write(&project, &forged);
    apply(&project, &[]).exits(7).says("the action of sns_topic.alerts was changed");
    write(&project, &good);
    apply(&project, &[]).exits(0).says("0 created · 1 updated · 0 destroyed");
    project.settled();
    // The ledger was updated since the plan.
    apply(&project, &[]).exits(7).says("already applied");
    // The same stack with its ledger in another bucket.
    project.with(async |_, cx| {
        cx.aws.s3().create_bucket().bucket("other-ledger").send().await.expect("a bucket");
    });
    project.write(&text("After").replace("shop-ledger", "other-ledger"));
    apply(&project, &[])
        .exits(7)
        .says("the plan belongs to another ledger")
        .says("shop/default has none yet");
}

/// Credentials of another account, from the emulator's STS.
fn of_another_account(project: &Project) -> [String; 3] {
    let body = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=it&\
                RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fdeploy";
    let address = project.cloud.emulator().replace("http://", "");
    let mut stream = TcpStream::connect(&address).expect("the emulator");
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| {
        let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{answer}"));
        rest.split_once('<').expect("its end").0.to_owned()
    })
}

#[test]
fn a_plan_is_of_one_account() {
    let elsewhere = |project: &Project| {
        let [id, secret, token] = of_another_account(project);
        let mut command = project.command(&["apply", "p.dwplan", "--yes"]);
        command.env("AWS_ACCESS_KEY_ID", id);
        command.env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_SESSION_TOKEN", token);
        run(&mut command, "apply p.dwplan").exits(7)
    };
    // The ledger records its account.
    let project = planned();
    elsewhere(&project).says("shop/default is in another account");
    // A first plan has no ledger to check.
    project.run(&["destroy", "--yes"]).exits(0);
    fs::remove_file(project.ledger_file()).unwrap();
    project.run(&["plan", "--out", "p.dwplan"]).exits(0);
    let other = elsewhere(&project).says("the plan belongs to another account");
    other.says("it was made for 123456789012; this is 222222222222").says("nothing was changed");
    apply(&project, &[]).exits(0);
}

#[test]
fn the_stack_may_be_in_another_folder_than_when_planned() {
    let project = planned();
    let moved = project.stack().with_file_name("moved");
    fs::create_dir(&moved).unwrap();
    crate::harness::copy(&project.stack(), &moved);
    fs::write(project.stack().join("stack.toml"), "").unwrap();
    apply(&project, &[]).exits(3);
    apply(&project, &["--stack", "../moved"]).exits(0).says("1 created · 1 updated · 1 destroyed");
    project.run(&["plan", "../moved", "--detailed-exitcode"]).exits(0);
    project.run(&["apply", ".", "--stack", "../moved"]).exits(1).says("--stack is only for a saved plan");
}

#[test]
fn partial_and_destroy_plans_are_applied_as_reviewed() {
    let project = planned();
    project.run(&["plan", "--target", "sns_topic.new", "--out", "p.dwplan"]).exits(0);
    rename(&project, "alerts", "By hand");
    apply(&project, &[]).exits(0).says("1 created · 0 updated · 0 destroyed");
    project.run(&["plan", "--destroy", "--out", "p.dwplan"]).exits(0);
    apply(&project, &[]).exits(0).says("0 created · 0 updated · 6 destroyed");
    assert!(project.ledger().resources.is_empty());
}

/// Applies on a terminal, and runs `while_asked` while the question is open.
fn confirmed(project: &Project, while_asked: impl FnOnce()) -> Run {
    answered(project, "yes", while_asked)
}

/// The same with a given answer.
fn answered(project: &Project, answer: &str, while_asked: impl FnOnce()) -> Run {
    let apply = project.command(&["apply", "p.dwplan", "--audit", "audit.jsonl"]);
    let mut command = std::process::Command::new(emulator_home().join("venv/bin/python"));
    command.args(["-c", "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"]);
    command.arg(apply.get_program()).args(apply.get_args()).current_dir(project.stack()).env_clear();
    for (name, value) in apply.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a terminal");
    let mut stdout = child.stdout.take().expect("piped");
    let mut said = String::new();
    let mut buffer = [0; 4096];
    while !said.contains("Type yes to confirm") {
        let read = stdout.read(&mut buffer).expect("its output");
        assert!(read > 0, "it ended without a question\n{said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    while_asked();
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(format!("{answer}\n").as_bytes()).expect("an answer");
    child.stdout = Some(stdout);
    let mut ended = finish(child, "apply p.dwplan");
    drop(stdin);
    ended.stdout.insert_str(0, &said);
    ended
}

/// A user who answers no has made no mistake.
#[test]
fn answering_no_is_no_error() {
    let project = planned();
    let before = project.cloud.writes();
    answered(&project, "no", || ())
        .exits(7)
        .says("Cancelled: nothing was changed.")
        .says_not("--yes")
        .says_not("error");
    assert_eq!(project.cloud.writes(), before);
}

#[test]
fn a_change_during_the_question_is_refused() {
    let project = planned();
    let audit = project.stack().join("audit.jsonl");
    confirmed(&project, || rename(&project, "alerts", "By hand"))
        .exits(7)
        .says("`display_name` was changed at AWS")
        .says("nothing was changed");
    assert_eq!(fs::read_to_string(&audit).unwrap(), "", "nothing was written");
    // The reviewed state is restored.
    rename(&project, "alerts", "Before");
    confirmed(&project, || {}).exits(0).says("1 created · 1 updated · 1 destroyed");
}

#[test]
fn unrelated_changes_are_left_and_cost_no_call() {
    let calls = |many: usize| {
        let names: Vec<String> = (0..many).map(|index| format!("\"t{index}\"")).collect();
        let more = format!(
            "[sns_topic.many]\nfor_each = [{}]\nname = \"many-${{each.key}}\"\n\
             [output.alerts]\nvalue = \"${{sns_topic.alerts.arn}}\"\n\
             [kms_key.spare]\ndescription = \"Spare\"\n\
             [output.others]\nvalue = \"${{kms_key.spare.arn}}\"\n",
            names.join(", ")
        );
        let project = Project::new(&stack("Before", &more));
        project.apply();
        project.write(&stack("After", &more));
        project.run(&["plan", "--out", "p.dwplan"]).exits(0);
        rename(&project, "other", "By hand");
        let count = || {
            ["sns:GetTopicAttributes", "sns:ListTagsForResource", "tagging:GetResources", "kms:DescribeKey"]
                .map(|call| project.cloud.calls(call))
        };
        let (before, secrets) = (count(), project.cloud.calls("secretsmanager:DescribeSecret"));
        let applied = apply(&project, &[]).exits(0).says("0 failed").says_not("sns_topic.other");
        applied.says("alerts = \"arn:").says("see dwctl output").says_not("others = ");
        let calls: Vec<u64> = count().iter().zip(before).map(|(after, before)| after - before).collect();
        assert_eq!(project.cloud.calls("secretsmanager:DescribeSecret"), secrets, "no need to look there");
        let live = project.live("sns_topic.other").expect("it exists");
        assert_eq!(live.spec.get("display_name"), Some(&Value::from("By hand")));
        // It is still reported as drift.
        project.run(&["drift"]).exits(4).says("sns_topic.other");
        calls
    };
    let (few, many) = (calls(1), calls(20));
    assert!(few[0] > 0 && few[3] > 0, "what is changed is read, and so is what it needs: {few:?}");
    assert_eq!(few, many, "of what else there is nothing is read");
}

#[test]
fn after_another_apply_every_resource_is_checked() {
    let project = planned();
    // The ledger was written, but the planned resources are unchanged.
    project.run(&["ledger", "forget", "secretsmanager_secret.db"]).exits(0);
    rename(&project, "other", "By hand");
    apply(&project, &[]).exits(0).says("sns_topic.other also changed since the plan was made; it is left");
    let live = project.live("sns_topic.other").expect("it exists");
    assert_eq!(live.spec.get("display_name"), Some(&Value::from("By hand")));
}

#[test]
fn owned_resources_are_shown_with_their_live_state() {
    let project = Project::new(&edition(false));
    project.apply();
    rename(&project, "same", "By hand");
    delete(&project, "old");
    let all = project.run(&["show"]).exits(0).says_not(PASSWORD);
    for words in [
        "sns_topic.same  arn:aws:sns:us-east-1:123456789012:same  us-east-1\n",
        "display_name                 \"By hand\"\n",
        "tags.team                    \"data\"\n",
        "sns_topic.old  arn:aws:sns:us-east-1:123456789012:old  us-east-1  gone from AWS\n",
        "{ --plain = \"s3:GetObject\", --url = (secret) }",
    ] {
        assert!(all.stdout.contains(words), "`{words}` is not in\n{}", all.stdout);
    }
    let one = project.run(&["show", "sns_topic.same"]).exits(0);
    assert!(
        all.stdout.contains(&one.stdout) && one.stdout.lines().all(|line| !line.contains("load")),
        "{one}"
    );
    let json = project.run(&["show", "--json"]).exits(0).says_not(PASSWORD);
    let json: Json = serde_json::from_str(&json.stdout).expect("JSON");
    let of = |address: &str| {
        json.as_array().unwrap().iter().find(|one| one["address"] == address).expect("it is owned").clone()
    };
    assert_eq!(of("sns_topic.old")["exists"], json!(false));
    let same = of("sns_topic.same");
    assert_eq!((&same["exists"], &same["state"]), (&json!(true), &json!("ready")));
    assert_eq!(same["attributes"]["display_name"], "By hand");
    assert_eq!(same["decided_by_aws"]["arn"], same["id"]);
    assert_eq!(same["tags"]["team"], "data");
    let arguments = &of("glue_job.load")["attributes"]["default_arguments"];
    assert_eq!(*arguments, json!({ "--plain": "s3:GetObject", "--url": "(secret)" }));
    project.run(&["show", "sns_topic.sam"]).exits(1).says("did you mean `sns_topic.same`?");
    project.run(&["show", "sns_topic.same", "--format", "json"]).exits(1).says("need a saved plan");
    project.run(&["show", "p.dwplan", "--json"]).exits(1).says("add --format json");
    project.cloud.disturb("error_nth=every:1:403:AuthorizationError&fault_match=sns:GetTopicAttributes");
    let denied = project.run(&["show"]).exits(1).says("cannot read sns_topic.same").says("request id");
    assert!(denied.stdout.contains("glue_job.load"), "what can be read is shown\n{denied}");
    project.cloud.disturb("error_nth=&fault_match=");
}
