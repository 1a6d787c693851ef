//! A secret never changes the notation of a format, even if it equals a word of that notation.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use dwctl::plan::format::{Format, Options, render};
use dwctl::plan::{Plan, Selection, TextOptions};
use dwctl::value::Value;
use serde_json::Value as Json;

use super::corpus::{GROUP, corpus};
use crate::account::{Account, CLUSTER, JOB, ROLE, TOPIC};
use crate::harness::Project;
use crate::paper;

/// Stands for a secret in plans, and is replaced by each word.
const PLACEHOLDER: &str = "Pl4ceh0lder-of-no-format";

/// Everything that the formats and the events of `--json` write over the corpus: words, words with their
/// neighbours, and lines.
fn words() -> BTreeSet<String> {
    let mut texts: Vec<String> =
        corpus().iter().flat_map(|case| Format::ALL.map(|format| case.render(format))).collect();
    for file in std::fs::read_dir(paper::root().join("tests/it/snapshots")).expect("snapshots") {
        let path = file.expect("a file").path();
        if path.to_string_lossy().contains("__events_") {
            texts.push(std::fs::read_to_string(path).expect("text"));
        }
    }
    texts.push(
        "::error file=stack.toml,line=1,col=1,title=secret-tag::note: help: AWS answered: request id\n"
            .to_owned(),
    );
    let mut words = BTreeSet::new();
    for text in &texts {
        let plain = |one: char| !(one.is_alphanumeric() || one == '_');
        words.extend(text.split(plain).map(str::to_owned));
        words.extend(text.split_whitespace().map(str::to_owned));
        words.extend(text.lines().map(|line| line.trim().to_owned()));
        words.extend(text.split('"').map(str::to_owned));
    }
    // Whole documents and hashes are no words of a format.
    words.retain(|word| {
        (3..80).contains(&word.chars().count())
            && !word.chars().any(|one| one.is_control() || one == '\u{202e}')
    });
    // These would begin an expression.
    words.retain(|word| !word.contains("${") && !word.contains("%{"));
    words.extend(["\"actions\": [", "</details>", "(secret)", "null", "true", "2026"].map(str::to_owned));
    assert!(words.len() > 3_000, "{}", words.len());
    for word in ["delete", "update", "resource_changes", "planned_change", "change_summary", "after_unknown"]
    {
        assert!(words.contains(word), "{word}");
    }
    words
}

/// A text as a TOML string, which is the same in JSON.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// The plan with each placeholder replaced by another secret.
fn with(plan: &Plan, secret: &str) -> Plan {
    fn replace(value: &mut Value, secret: &str) {
        match value {
            Value::String(text) if text.contains(PLACEHOLDER) => *text = text.replace(PLACEHOLDER, secret),
            Value::List(list) => list.iter_mut().for_each(|one| replace(one, secret)),
            Value::Map(map) => map.values_mut().for_each(|one| replace(one, secret)),
            Value::Secret(inner) => replace(inner, secret),
            _ => {}
        }
    }
    let mut plan = plan.clone();
    for change in &mut plan.changes {
        let sides = change.attributes.iter_mut().flat_map(|one| one.before.iter_mut().chain(&mut one.after));
        sides.chain([&mut change.existing, &mut change.desired]).for_each(|value| replace(value, secret));
        if let Some(live) = &mut change.live {
            replace(&mut live.spec, secret);
        }
    }
    plan.outputs.values_mut().for_each(|value| replace(value, secret));
    plan.outputs_before.values_mut().flatten().for_each(|value| replace(value, secret));
    plan
}

fn secret_stack(workers: u32) -> String {
    format!(
        "[variable.s]\nsensitive = true\ndefault = \"{PLACEHOLDER}\"\n\
         {}{}{ROLE}\n[[iam_role.glue.inline_policies.lake.Statement]]\nSid = \"Own\"\nEffect = \"Allow\"\n\
         Action = \"s3:Put{workers}\"\nResource = \"*\"\nCondition = {{ StringEquals = {{ \"aws:PrincipalTag/k\" = \"${{var.s}}\" }} }}\n\
         [secretsmanager_secret.w]\nname = \"w\"\nsecret_string = '${{jsonencode({{ engine = \"redshift\", password = var.s }})}}'\n\
         [output.o]\nvalue = \"${{var.s}}\"\nsensitive = true\n",
        JOB.replace("number_of_workers = 2", &format!("number_of_workers = {workers}"))
            .replace("\"--load\" = \"full\"", "\"--load\" = \"full\", \"--password\" = \"${var.s}\""),
        TOPIC.replace("\"Alerts\"", &format!("\"{workers}-${{var.s}}\"")),
    )
}

#[test]
fn no_secret_changes_a_format() {
    let words = words();
    // A change beside the secret, a creation, and a deletion.
    let plans = [
        Account::after(&secret_stack(2)).planned(&secret_stack(5), &Selection::default()),
        Account::after("").planned(&secret_stack(2), &Selection::default()),
    ];
    let plans: Vec<Plan> = plans.into_iter().map(|plan| plan.expect("a plan")).collect();
    let options =
        Options { text: TextOptions { details: true, ..TextOptions::default() }, ..Options::default() };
    let rendered = |plan: &Plan, secret: &str, format: Format| {
        let mut plan = with(plan, secret);
        plan.redact(None);
        render(format, &plan, &options)
    };
    for plan in &plans {
        let expected = Format::ALL.map(|format| rendered(plan, PLACEHOLDER, format));
        assert!(expected.iter().all(|text| !text.contains(PLACEHOLDER)));
        assert!(expected[0].contains("(secret") && expected[0].contains("Own"), "{}", expected[0]);
        for (place, word) in words.iter().step_by(10).enumerate() {
            // All formats use the same values and are slow in unoptimised builds, so each word is tried in
            // one of them. The whole program is run with all words at once below.
            let at = place % Format::ALL.len();
            let shown = rendered(plan, word, Format::ALL[at]);
            assert!(shown == expected[at], "{} differs by {word:?}:\n{shown}", Format::ALL[at].name());
        }
    }
}

/// All words at once, each the value of a sensitive variable, through the whole program.
#[test]
fn no_secret_changes_the_output_of_dwctl() {
    let words: Vec<String> = words().into_iter().collect();
    let neutral: Vec<String> = (0..words.len()).map(|at| format!("n3utral-{at}-x")).collect();
    let plan_of = |words: &[String]| {
        let list: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let stack = |more: &str| {
            format!(
                "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[variable.words]\ntype = \"list(string)\"\nsensitive = true\n\
                 default = [\n{}\n]\n{more}",
                list.join(",\n")
            )
        };
        let secret = "[secretsmanager_secret.w]\nname = \"w\"\nsecret_string = '${jsonencode({ engine = \"redshift\", words = slice(var.words, 0, 50) })}'\n\
                      [sns_topic.s]\nname = \"s\"\ndisplay_name = '${var.words[0]}'\n[output.o]\nvalue = '${join(\"\", var.words)}'\nsensitive = true\n";
        let old = stack(&format!("{secret}{JOB}{CLUSTER}{GROUP}{ROLE}"));
        let new = stack(&format!(
            "{secret}{}{}{TOPIC}{ROLE}",
            JOB.replace("number_of_workers = 2", "number_of_workers = 9"),
            GROUP.replace("10.0.0.0/8", "0.0.0.0/0")
        ));
        let broken = stack(
            "[sns_topic.t]\nname = \"t\"\ndelete = 1\n[sns_topic.u]\nname = \"u\"\ntags = { a = '${var.words[0]}' }\n",
        );
        let folder = paper::folder(&[
            ("old/stack.toml", &old),
            ("new/stack.toml", &new),
            ("broken/stack.toml", &broken),
        ]);
        let mut all: BTreeMap<String, String> = BTreeMap::new();
        let outputs: Vec<String> =
            Format::ALL.iter().map(|format| format!("{0}=out.{0}", format.name())).collect();
        let mut arguments = vec!["diff", "old", "new"];
        outputs.iter().for_each(|one| arguments.extend(["--output", one]));
        let run = paper::dwctl(folder.path(), &arguments);
        assert_eq!(run.code, 0, "{}", run.stderr);
        all.insert("diff".to_owned(), run.stdout + &run.stderr);
        for format in Format::ALL {
            let path = folder.path().join(format!("out.{}", format.name()));
            all.insert(format.name().to_owned(), std::fs::read_to_string(path).expect("written"));
        }
        let output = Command::new(env!("CARGO_BIN_EXE_dwctl"))
            .args(["validate", "broken"])
            .current_dir(folder.path())
            .env("GITHUB_ACTIONS", "true")
            .output()
            .expect("dwctl");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // Excerpts quote files, so they are left out.
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| {
                ["::", "error", "  -->", " -->", "   -->", "    -->", "     -->"]
                    .iter()
                    .any(|start| line.starts_with(start))
            })
            .collect();
        assert!(lines.len() > 4, "{said}");
        all.insert("diagnostics".to_owned(), lines.join("\n"));
        all
    };
    let (one, other) = (plan_of(&words), plan_of(&neutral));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, text) in &one {
        for (left, right) in text.lines().zip(other[name].lines()) {
            let are_moments = [left, right].iter().all(|line| line.contains("\"timestamp\": \"2"));
            assert!(left == right || are_moments, "{name}: {left}\n{right}");
        }
        assert_eq!(text.lines().count(), other[name].lines().count(), "{name}");
    }
    let json: Json = serde_json::from_str(&one["json"]).expect("JSON");
    let deleted = json["resource_changes"].as_array().expect("changes").iter();
    assert!(deleted.filter(|one| one["change"]["actions"] == serde_json::json!(["delete"])).count() >= 1);
}

/// A few words, each by itself, that a fork might choose to hide changes from a reviewer.
#[test]
fn secrets_of_a_fork_hide_no_changes() {
    for secret in [
        "delete",
        "update",
        "resource_changes",
        "\"actions\": [",
        "</details>",
        "destroy\nDestroyed\ndata loss\n1 to destroy\ns3_bucket.customers\nshop",
    ] {
        let stack = |more: &str| {
            format!(
                "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[variable.harmless]\nsensitive = true\ndefault = {}\n\
                 [local]\nx = '${{var.harmless}}'\n[sns_topic.a]\nname = \"a\"\n{more}",
                quoted(secret)
            )
        };
        let bucket = "[s3_bucket.customers]\nbucket = \"customers-of-the-shop\"\nforce_destroy = true\n";
        let folder = paper::folder(&[("old/stack.toml", &stack(bucket)), ("new/stack.toml", &stack(""))]);
        let run = paper::dwctl(
            folder.path(),
            &["diff", "old", "new", "--output", "json=p.json", "--output", "markdown=m.md"],
        );
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(
            run.stdout.contains("- s3_bucket.customers  destroy  because s3_bucket.customers is not in configuration  ⚠ data loss"),
            "{secret:?}\n{}",
            run.stdout
        );
        let json: Json = serde_json::from_slice(&std::fs::read(folder.path().join("p.json")).expect("there"))
            .expect("JSON");
        let change = &json["resource_changes"][0];
        assert_eq!(change["address"], "aws_s3_bucket.customers", "{secret:?}");
        assert_eq!(change["change"]["actions"], serde_json::json!(["delete"]), "{secret:?}");
        let comment = std::fs::read_to_string(folder.path().join("m.md")).expect("there");
        assert!(
            comment.contains("s3_bucket.customers")
                && comment.contains("</details>") == comment.contains("<details>"),
            "{secret:?}\n{comment}"
        );
        assert!(!comment.contains("(secret)"), "{secret:?}\n{comment}");
    }
}

#[test]
fn no_secret_changes_an_event() {
    let list: Vec<String> = words().iter().map(|word| quoted(word)).collect();
    let project = Project::new(&format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[variable.words]\ntype = \"list(string)\"\nsensitive = true\n\
         default = [\n{}\n]\n[sns_topic.s]\nname = \"s\"\ndisplay_name = '${{var.words[7]}}'\n[output]\no = \"${{sns_topic.s.name}}\"\n",
        list.join(",\n")
    ));
    let run = project.run(&["apply", "--yes", "--json"]).exits(0);
    let mut kinds = BTreeSet::new();
    for line in run.stdout.lines() {
        let event: Json = serde_json::from_str(line).expect("an event");
        kinds.insert(event["type"].as_str().expect("a type").to_owned());
        assert!(!line.contains("(secret)"), "{line}");
    }
    for kind in ["version", "planned_change", "change_summary", "apply_complete", "outputs", "end"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}
