//! Saved plans: what was reviewed is what is applied, and nothing else.

use std::fs;

use dwctl::graph::Address;
use dwctl::kinds::kind;
use dwctl::value::Value;
use serde_json::{Value as Json, json};

use crate::harness::{ACCOUNT, Project, Run, run};

const PASSWORD: &str = "planted-hunter2-password";

/// Two topics, a secret, and one topic that comes with the second edition.
fn stack(display: &str, more: &str) -> String {
    format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
         [variable.password]\ntype = \"string\"\nsensitive = true\ndefault = \"{PASSWORD}\"\n\
         [variable.team]\ntype = \"string\"\ndefault = \"data\"\n\
         [sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"{display}\"\ntags = {{ team = \"${{var.team}}\" }}\n\
         [sns_topic.other]\nname = \"other\"\ndisplay_name = \"Other\"\n\
         [secretsmanager_secret.db]\nname = \"shop-db\"\nsecret_string = \"${{var.password}}\"\n{more}"
    )
}

/// Applied once, then edited and planned into `p.dwplan`: an update, a creation, a deletion.
fn planned() -> Project {
    let project = Project::new(&stack("Before", "[sns_topic.old]\nname = \"old\"\n"));
    project.apply();
    project.write(&stack("After", "[sns_topic.new]\nname = \"new\"\n"));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0).says("dwctl apply p.dwplan");
    project
}

/// Someone changes a topic at AWS.
fn change(project: &Project, topic: &str, display: &str) {
    let kind = kind("sns_topic").expect("a kind");
    let address: Address = format!("sns_topic.{topic}").parse().unwrap();
    let id = project.ledger().resources[&address].id.clone();
    let live = project.live(&address.to_string()).expect("it exists").spec;
    let mut wanted = live.clone();
    if let Value::Map(map) = &mut wanted {
        map.insert("display_name".into(), Value::from(display));
    }
    project.with(async |_, cx| kind.update(cx, &id, &live, &wanted).await.expect("it can be changed"));
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
fn what_was_reviewed_is_applied_once() {
    let project = planned();
    apply(&project, &[]).exits(0).says("1 created · 1 updated · 1 destroyed");
    project.settled();
    apply(&project, &[]).exits(7).says("applied already").says("nothing was changed");
}

#[test]
fn a_first_plan_is_sealed_too() {
    let project = Project::new(&stack("First", ""));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0);
    apply(&project, &[]).exits(0);
    project.settled();
}

#[test]
fn no_secret_is_in_the_file_and_it_is_private() {
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

#[test]
fn what_changes_elsewhere_is_left_and_told() {
    let project = planned();
    change(&project, "other", "By hand");
    apply(&project, &[]).exits(0).says("sns_topic.other differs, too").says("0 failed");
    let live = project.live("sns_topic.other").expect("it exists");
    assert_eq!(live.spec.get("display_name"), Some(&Value::from("By hand")));
    // It is still seen as what it is.
    project.run(&["drift"]).exits(4).says("sns_topic.other");
}

#[test]
fn every_stale_plan_says_what_changed() {
    type Case = (&'static str, fn(&Project), &'static [&'static str], &'static str);
    let cases: [Case; 11] = [
        ("another file", |p| p.write(&stack("Later", "")), &[], "the stack file stack.toml was changed"),
        (
            "a new file",
            |p| fs::write(p.stack().join("more.toml"), "[local]\na = 1\n").unwrap(),
            &[],
            "the stack file more.toml is new",
        ),
        ("a variable", |_| {}, &["--var", "team=ops"], "the variable team was changed"),
        ("a secret", |_| {}, &["--var", "password=other"], "the variable password was changed"),
        ("another environment", |_| {}, &["--env", "prod"], "prod"),
        ("by hand", |p| change(p, "alerts", "By hand"), &[], "`display_name` was changed at AWS"),
        ("what goes", |p| change(p, "old", "By hand"), &[], "it was changed at AWS"),
        (
            "done by hand",
            |p| change(p, "alerts", "After"),
            &[],
            "sns_topic.alerts is not as it was when the plan was made",
        ),
        (
            "another ledger",
            |p| {
                let mut ledger: Json = serde_json::from_slice(&fs::read(p.ledger_file()).unwrap()).unwrap();
                ledger["lineage"] = json!("another");
                fs::write(p.ledger_file(), ledger.to_string()).unwrap();
            },
            &[],
            "the plan is of another ledger",
        ),
        (
            "another key",
            |p| {
                let mut ledger: Json = serde_json::from_slice(&fs::read(p.ledger_file()).unwrap()).unwrap();
                ledger["key"] = json!("00");
                fs::write(p.ledger_file(), ledger.to_string()).unwrap();
            },
            &[],
            "was edited since it was made",
        ),
        ("a target", |_| {}, &["--target", "sns_topic.new"], "what a saved plan does is decided"),
    ];
    for (name, disturb, more, words) in cases {
        let project = planned();
        disturb(&project);
        let ended = apply(&project, more).says(words).says_not("created");
        let code = ended.code;
        let expected = match name {
            "a target" => 1,
            "another environment" => 3,
            _ => 7,
        };
        assert_eq!(code, Some(expected), "{name}\n{ended}");
        assert!(project.live("sns_topic.old").is_some(), "{name}: nothing was destroyed");
    }
}

#[test]
fn every_forged_plan_is_refused() {
    let project = planned();
    let good = file(&project);
    let edited = "was edited since it was made";
    let forge = |path: &str, value: Json| {
        let mut plan = good.clone();
        *plan.pointer_mut(path).unwrap_or_else(|| panic!("{path} is in the plan")) = value;
        plan
    };
    let other = ACCOUNT.replace('1', "9");
    let cases = [
        ("/dwctl_plan", json!(2), "another version of dwctl"),
        ("/dwctl_version", json!("99.0.0"), "it was made by 99.0.0"),
        ("/dwctl_version", json!("0.0.1"), "it was made by 0.0.1"),
        ("/stack", json!("billing"), "of another stack or environment"),
        ("/account", json!(other), "of another account"),
        ("/region", json!("eu-west-1"), "of another region"),
        ("/lineage", json!("x"), "of another ledger"),
        ("/made", json!("2020-01-01T00:00:00Z"), edited),
        ("/text", json!("nothing to see"), edited),
        ("/selection/destroy", json!(true), edited),
        ("/selection/targets", json!(["sns_topic.new"]), edited),
        ("/files/stack.toml", json!("00"), edited),
        ("/variables/team", json!("00"), edited),
        ("/changes", json!([]), edited),
        ("/changes/0/action", json!("delete"), edited),
        ("/changes/0/id", json!("arn:aws:sns:us-east-1:1:x"), edited),
        ("/changes/0/attributes", json!([]), edited),
        ("/seal", json!(""), edited),
        ("/seal", json!("00"), edited),
        ("/changes", json!("none"), "is no saved plan"),
    ];
    for (path, value, words) in cases {
        write(&project, &forge(path, value));
        apply(&project, &[]).exits(7).says(words).says_not("created");
    }
    let text = serde_json::to_vec_pretty(&good).unwrap();
    let path = project.stack().join("p.dwplan");
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    apply(&project, &[]).exits(7).says("is cut short");
    fs::write(&path, "").unwrap();
    apply(&project, &[]).exits(7).says("is cut short");
    fs::write(&path, "{\"format_version\": \"1.2\"}").unwrap();
    apply(&project, &[]).exits(7).says("is no saved plan");
    fs::write(&path, b"\x00\xff").unwrap();
    apply(&project, &[]).exits(7).says("is no saved plan");
    // As it was made, it still is what was reviewed.
    write(&project, &good);
    apply(&project, &[]).exits(0);
}
