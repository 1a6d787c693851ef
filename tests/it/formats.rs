//! Every format of a plan: snapshots over a corpus of plans, structure, limits, escaping and secrets.

mod corpus;
mod filed;
mod github;
mod limits;
mod notation;
mod random;
mod shape;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write;

use dwctl::kinds::KINDS;
use dwctl::plan::Selection;
use dwctl::plan::format::{Format, Options, Provenance, render};
use dwctl::plan::since::Snapshot;
use serde_json::Value as Json;

use self::corpus::{BUCKET, LOGS, corpus};
use self::notation::{main_of, outside_of_code};
use crate::account::{Account, JOB, TOPIC};
use crate::harness::Project;
use crate::paper;

#[test]
fn every_format_of_every_type_of_change() {
    let cases = corpus();
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut differing = Vec::new();
    for case in &cases {
        let json: Json = serde_json::from_str(&case.render(Format::Json)).expect("JSON");
        let mut rendered = String::new();
        let mut add = |title: &str, text: &str| {
            let _ = write!(rendered, "──── {title}\n{}\n", text.trim_end());
        };
        add("text", &case.render(Format::Text));
        add("markdown", &case.render(Format::Markdown));
        add("mermaid", &case.render(Format::Mermaid));
        add("junit", &case.render(Format::Junit));
        let sarif: Json = serde_json::from_str(&case.render(Format::Sarif)).expect("JSON");
        let results = sarif["runs"][0]["results"].as_array().expect("results").clone();
        add("sarif, results", &results.iter().map(|one| format!("{one}\n")).collect::<String>());
        let changes = json["resource_changes"].as_array().expect("changes");
        let changes: String = changes
            .iter()
            .filter(|one| one["change"]["actions"] != serde_json::json!(["no-op"]))
            .chain(json["resource_drift"].as_array().expect("drift"))
            .map(|one| format!("{one}\n"))
            .collect();
        add("json, changes and drift", &changes);
        add("html", main_of(&case.render(Format::Html)));
        let name = format!("plan_{}", case.name);
        if std::panic::catch_unwind(|| insta::assert_snapshot!(name, rendered)).is_err() {
            differing.push(case.name);
        }
    }
    assert!(differing.is_empty(), "these differ from their snapshots: {differing:?}");
}

/// The names in Terraform's notation are those of its provider, as far as they were checked.
#[test]
fn every_kind_has_a_terraform_name() {
    let data =
        std::fs::read_to_string(paper::root().join("tests/data/terraform_arguments.json")).expect("data");
    let data: Json = serde_json::from_str(&data).expect("JSON");
    let mut rendered = String::new();
    for kind in KINDS.iter() {
        let observed = &data["kinds"][kind.name()];
        let terraform = kind.terraform();
        assert_eq!(
            observed["resource"],
            terraform.resource,
            "{}: lay out its arguments by tests/support/terraform.py",
            kind.name()
        );
        let fields = kind.schema().spec.fields().expect("a table");
        for (here, _) in terraform.names {
            let mut node = &kind.schema().spec;
            for step in here.split('.') {
                if let dwctl::schema::Shape::List { element, .. } = &node.shape {
                    node = element;
                }
                let found = node.fields().and_then(|fields| fields.get(step));
                node = found.unwrap_or_else(|| panic!("{} has no {here}", kind.name()));
            }
        }
        let arguments = observed["arguments"].as_array().into_iter().flatten();
        let known: BTreeSet<&str> =
            arguments.filter_map(|name| name.as_str().and_then(|name| name.split('.').next())).collect();
        let unknown: Vec<&str> = fields
            .keys()
            .map(|name| {
                terraform
                    .names
                    .iter()
                    .find(|(here, _)| here == name)
                    .map_or(name.as_str(), |(_, there)| there)
            })
            .filter(|name| !known.contains(name))
            .collect();
        let _ = writeln!(rendered, "{} → {}: {}", kind.name(), terraform.resource, unknown.join(", "));
    }
    // The listed names have another shape in Terraform, are a resource of their own, or have no counterpart.
    insta::assert_snapshot!(rendered);
}

#[test]
fn nothing_breaks_out_of_a_comment() {
    for case in corpus() {
        let text = case.render(Format::Markdown);
        let plain = outside_of_code(&text);
        for notation in ["script", "@", "](", "onerror", "\u{202e}", "\u{1b}", "%%{"] {
            assert!(!plain.contains(notation), "{}: {notation:?} in\n{plain}", case.name);
        }
        assert!(text.starts_with("<!-- dwctl:shop/default -->\n"), "{text}");
        for (one, other) in [("<details>", "</details>"), ("<summary>", "</summary>")] {
            assert_eq!(plain.matches(one).count(), plain.matches(other).count(), "{}", case.name);
        }
    }
}

/// For a state machine that is too large to draw, the page draws only the changes, and says so.
#[test]
fn only_the_changes_of_a_large_state_machine_are_drawn() {
    let chain = |seconds: u32| {
        let mut text =
            "[sfn_state_machine.long]\nname = \"long\"\nrole_arn = \"arn:aws:iam::111111111111:role/load\"\n\
                        definition.StartAt = \"s0\"\ndefinition.States.s100.Type = \"Succeed\"\n"
                .to_owned();
        for place in 0..100 {
            let seconds = if place == 50 { seconds } else { 1 };
            let _ = writeln!(
                text,
                "definition.States.s{place} = {{ Type = \"Wait\", Seconds = {seconds}, Next = \"s{}\" }}",
                place + 1
            );
        }
        text
    };
    let plan = Account::after(&chain(1)).planned(&chain(2), &Selection::default()).expect("a plan");
    let page = render(Format::Html, &plan, &Options::default());
    assert!(page.contains("Of 101 states, the 3 that change or are next to those."), "{page}");
    assert_eq!(page.matches("<svg").count(), 2);
    let drawn: BTreeSet<&str> = page
        .split("<g><title>")
        .chain(page.split("<g class=\"update\"><title>"))
        .skip(1)
        .filter_map(|one| one.split('<').next())
        .collect();
    assert_eq!(
        drawn.into_iter().filter(|one| one.starts_with('s')).collect::<Vec<_>>(),
        ["s49", "s50", "s51"]
    );
}

#[test]
fn changes_since_the_last_push_come_first() {
    let before = format!("{JOB}{TOPIC}");
    let first = format!("{}{TOPIC}{BUCKET}", JOB.replace("number_of_workers = 2", "number_of_workers = 5"));
    let second = format!("{}{TOPIC}{LOGS}", JOB.replace("number_of_workers = 2", "number_of_workers = 9"));
    let account = Account::after(&before);
    let plan = |text: &str| account.planned(text, &Selection::default()).expect("a plan");
    let json = render(Format::Json, &plan(&first), &Options::default());
    let since = Some(Snapshot::parse(&json).expect("a plan's JSON"));
    let rendered = |text: &str, format| {
        render(format, &plan(text), &Options { since: since.clone(), ..Options::default() })
    };
    insta::assert_snapshot!(rendered(&second, Format::Text).lines().take(5).collect::<Vec<_>>().join("\n"));
    let comment = rendered(&second, Format::Markdown);
    assert!(comment.contains("**Since the previous plan**: 1 new · 1 changed · 1 gone\n- new: `cloudwatchlogs_log_group.etl` `create`\n"), "{comment}");
    assert!(rendered(&second, Format::Html).contains("Since the previous plan</b>: 1 new"));
    assert!(rendered(&first, Format::Text).starts_with("Since the previous plan: nothing\n"));
    for wrong in ["", "{}", "[1]", "{\"dwctl\": {\"stack\": 1}}"] {
        assert!(Snapshot::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn formats_on_the_command_line() {
    use std::os::unix::fs::PermissionsExt;
    let folder = paper::folder(&[
        ("stack.toml", &paper::headed(TOPIC)),
        ("b/stack.toml", &paper::headed(JOB).replace("shop", "other")),
    ]);
    let run = paper::dwctl(
        folder.path(),
        &[
            "plan",
            "--offline",
            "--format",
            "markdown",
            "--output",
            "json=plan.json",
            "--output",
            "html=plan.html",
            "--output",
            "text=plan.txt",
        ],
    );
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stderr);
    assert!(run.stdout.starts_with("<!-- dwctl:shop/default -->\n"), "{}", run.stdout);
    for (file, start) in [("plan.json", "{"), ("plan.html", "<!DOCTYPE html>"), ("plan.txt", "shop/default")]
    {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.starts_with(start), "{file}: {text}");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} can be read by others");
    }
    // The JSON of the last run, replaced by this one.
    let run = paper::dwctl(
        folder.path(),
        &["plan", "--offline", "--since", "plan.json", "--output", "json=plan.json"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("Since the previous plan: nothing\n"), "{}", run.stdout);
    let mut screens = String::new();
    for arguments in [
        &["plan", "--offline", "--output", "jason=x"][..],
        &["plan", "--offline", "--output", "json=nowhere/plan.json"],
        &["plan", "--offline", "--since", "stack.toml"],
        &["plan", "--offline", "--since", "nothing.json"],
        &["plan", "b", "--offline", "--since", "plan.json"],
    ] {
        let run = paper::dwctl(folder.path(), arguments);
        assert!(run.code == 1 || run.code == 2, "{}", run.code);
        let _ = writeln!(screens, "$ dwctl {}\n{}", arguments.join(" "), run.stderr);
    }
    insta::assert_snapshot!(screens);
}

/// The command applies exactly the selection, in the place, that the plan was for.
#[test]
fn the_printed_command_repeats_selection_and_place() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n[sns_topic.b]\nname = \"b\"\n\
         [sns_topic.c]\nfor_each = ['x y']\nname = \"c\"\n",
    );
    let command = |arguments: &[&str]| {
        let run = project.run(&[&["plan", "--format", "markdown"], arguments].concat()).exits(0);
        let line = run.stdout.lines().find(|line| line.starts_with("dwctl apply")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("no command\n{run}")).replace(&project.cloud.endpoint(), "ENDPOINT")
    };
    assert_eq!(command(&[]), "dwctl apply . --endpoint-url ENDPOINT");
    assert_eq!(
        command(&[
            "--target",
            "sns_topic.a",
            "--target",
            "sns_topic.c[\"x y\"]",
            "--exclude",
            "sns_topic.b",
            "--adopt"
        ]),
        "dwctl apply . --target sns_topic.a --target 'sns_topic.c[\"x y\"]' --exclude sns_topic.b --adopt \
         --endpoint-url ENDPOINT"
    );
}

/// The same as in Terraform's JSON, except for secrets.
#[test]
fn json_has_variables_and_a_timestamp() {
    let stack = format!(
        "{TOPIC}[variable.size]\ntype = \"number\"\ndefault = 3\n[variable.names]\ntype = \"list(string)\"\ndefault = [\"a\"]\n\
         [variable.password]\ntype = \"string\"\nsensitive = true\ndefault = \"Correct-Horse-7\"\n"
    );
    let folder = paper::folder(&[("stack.toml", &paper::headed(&stack))]);
    let run = paper::dwctl(folder.path(), &["plan", "--offline", "--format", "json", "--var", "size=5"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("Horse"), "{}", run.stdout);
    let json: Json = serde_json::from_str(&run.stdout).expect("JSON");
    let expected = serde_json::json!({
        "names": { "value": ["a"] }, "password": { "value": "(secret)" }, "size": { "value": 5 },
    });
    assert_eq!(json["variables"], expected);
    let declared = serde_json::json!({ "names": {}, "password": { "sensitive": true }, "size": {} });
    assert_eq!(json["configuration"]["root_module"]["variables"], declared);
    let time = json["timestamp"].as_str().expect("a time");
    assert!(time.len() == 20 && time.ends_with('Z') && time.starts_with("20"), "{time}");
}

/// A comment links its run and its commit, and says what merging does. No value from the environment can
/// become notation.
#[test]
fn a_comment_links_its_run_and_explains_the_merge() {
    let folder = paper::folder(&[("stack.toml", &paper::headed(TOPIC))]);
    let event = "{\"pull_request\":{\"head\":{\"sha\":\"89abcdef0123456789abcdef0123456789abcdef\"}}}";
    std::fs::write(folder.path().join("event.json"), event).expect("a file");
    let rendered = |format: &str, repository: &str| {
        let environment = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", repository),
            ("GITHUB_RUN_ID", "123"),
            ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_EVENT_PATH", "event.json"),
        ];
        let run = paper::dwctl_with(folder.path(), &["plan", "--offline", "--format", format], &environment);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let comment = rendered("markdown", "acme/lake");
    let line = "[Run](https://github.com/acme/lake/actions/runs/123) of \
                [`89abcde`](https://github.com/acme/lake/commit/89abcdef0123456789abcdef0123456789abcdef) on 20";
    assert!(comment.contains(line), "{comment}");
    let page = rendered("html", "acme/lake");
    assert!(
        page.contains("<a href=\"https://github.com/acme/lake/actions/runs/123\">Run</a> of <a "),
        "{page}"
    );
    let hostile = "acme/lake](https://evil.example)<script>";
    for format in ["markdown", "html"] {
        let text = rendered(format, hostile);
        assert!(!text.contains("evil") && text.contains("Run on 20"), "{text}");
    }
    let plan = Account::after("").planned(TOPIC, &Selection::default()).expect("a plan");
    let foot = |is_request, is_saved| {
        let provenance = Some(Provenance { is_request, ..Provenance::default() });
        let commands = vec!["dwctl apply .".to_owned()];
        let text = render(
            Format::Markdown,
            &plan,
            &Options { provenance, is_saved, commands, ..Options::default() },
        );
        text.lines().rev().nth(4).unwrap_or_default().to_owned()
    };
    assert_eq!(foot(false, false), "To apply it:");
    assert!(
        foot(true, false).starts_with("Merging alone changes nothing at AWS.")
            && foot(true, false).contains("plans again")
    );
    assert!(foot(true, true).contains("exactly this plan"), "{}", foot(true, true));
}

/// The file reports what an apply did and what it refused.
#[test]
fn an_apply_writes_a_markdown_report() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n[kms_key.k]\ndescription = \"k\"\n",
    );
    let summary = project.stack().join("summary.md");
    std::fs::write(&summary, "before\n").expect("a file");
    let run = |arguments: &[&str], code: i32| {
        let mut command = project.command(arguments);
        command.env("GITHUB_STEP_SUMMARY", "summary.md").env_remove("DWCTL_ALLOW");
        let output = command.output().expect("dwctl runs");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(&summary).expect("a summary")
    };
    let text =
        run(&["apply", "--yes", "--output", "markdown=summary.md", "--output", "markdown=other.md"], 0);
    assert!(text.starts_with("before\n### dwctl apply `shop/default` · 2 created · "), "{text}");
    assert!(
        text.contains("- `+` `sns_topic.a` created in ") && text.contains(" · id `arn:aws:sns:"),
        "{text}"
    );
    let other = std::fs::read_to_string(project.stack().join("other.md")).expect("a file");
    assert_eq!(text, format!("before\n{other}"));
    let stack = std::fs::read_to_string(project.stack().join("stack.toml")).expect("the stack");
    let (left, _) = stack.split_once("[kms_key.k]").expect("the key");
    std::fs::write(project.stack().join("stack.toml"), left).expect("written");
    let text = run(&["apply", "--yes", "--output", "markdown=summary.md"], 7);
    let (_, last) = text.rsplit_once("### ").expect("a heading");
    assert!(last.starts_with("dwctl apply `shop/default` · refused\n"), "{last}");
    assert!(last.contains("Nothing was changed.") && last.contains("kms_key.k"), "{last}");
    let run = project.run(&["apply", "--yes", "--output", "json=x"]).exits(1);
    assert!(run.stderr.contains("write markdown=FILE"), "{run}");
}
