//! Outputs in a plan: their old values, as far as these can be proved, and their new ones.

use serde_json::{Value as Json, json};

use crate::harness::Project;

const SECRET: &str = "planted-output-secret";

fn stack(display: &str, outputs: &str) -> String {
    format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\
         [sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"{display}\"\n\
         [kms_key.data]\ndescription = \"Data\"\n{outputs}"
    )
}

fn outputs(words: &str, secret: &str) -> String {
    format!(
        "[output]\nwords = '{words}'\nkey = \"${{kms_key.data.arn}}\"\n\
         [output.hidden]\nvalue = '${{sensitive(\"{secret}\")}}'\nsensitive = true\n"
    )
}

/// `output_changes` of the JSON plan, and the screen.
fn planned(project: &Project, more: &[&str]) -> (Json, String) {
    let arguments: Vec<&str> = ["plan", "--output", "json=p.json"].iter().chain(more).copied().collect();
    let run = project.run(&arguments).exits(0).says_not(SECRET);
    let text = std::fs::read_to_string(project.stack().join("p.json")).expect("a plan");
    assert!(!text.contains(SECRET), "{text}");
    let json: Json = serde_json::from_str(&text).expect("JSON");
    (json["output_changes"].clone(), run.stdout)
}

fn actions(changes: &Json) -> Vec<(&str, &str)> {
    let all = changes.as_object().into_iter().flatten();
    all.map(|(name, change)| (name.as_str(), change["actions"][0].as_str().unwrap_or("?"))).collect()
}

#[test]
fn outputs_before_and_after() {
    const WORDS: &str = "${sns_topic.alerts.display_name}";
    let project = Project::new(&stack("Alerts", &outputs(WORDS, SECRET)));
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "create"), ("key", "create"), ("words", "create")]);
    assert_eq!(changes["key"]["after_unknown"], true);
    assert_eq!(changes["words"]["before"], Json::Null);
    assert!(screen.contains("\nChanges to outputs:\n  + hidden = (secret)\n  + key = "), "{screen}");

    project.apply();
    let ledger = std::fs::read_to_string(project.ledger_file()).expect("a ledger");
    assert!(!ledger.contains(SECRET) && ledger.contains("argon2id:"), "a secret's fingerprint is a hard one");
    project.settled();
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "no-op"), ("key", "no-op"), ("words", "no-op")]);
    assert_eq!(
        (&changes["words"]["before"], &changes["words"]["after"]),
        (&"Alerts".into(), &"Alerts".into())
    );
    assert!(!screen.contains("Changes to outputs"), "{screen}");

    // A changed resource changes an output; the other output gets another secret.
    project.write(&stack("News", &outputs(WORDS, &format!("{SECRET}-2"))));
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "update"), ("key", "no-op"), ("words", "update")]);
    assert_eq!((&changes["words"]["before"], &changes["words"]["after"]), (&"Alerts".into(), &"News".into()));
    assert!(screen.contains("  ~ words = \"Alerts\" → \"News\"\n"), "{screen}");
    assert!(screen.contains("  ~ hidden → (secret)\n"), "{screen}");

    // The old value cannot be proved from an expression that has changed.
    project.write(&stack("Alerts", &outputs("to ${sns_topic.alerts.name}", SECRET)));
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "no-op"), ("key", "no-op"), ("words", "update")]);
    assert_eq!(changes["words"]["before"], Json::Null);
    assert_eq!(changes["words"]["dwctl"], json!({ "before_unknown": true }));
    assert!(screen.contains("  ~ words → \"to alerts\"\n"), "{screen}");

    // A replaced resource makes the outputs that refer to it unknown; their old values are known.
    project.write(&stack("Alerts", &outputs(WORDS, SECRET)));
    let (changes, screen) = planned(&project, &["--replace", "kms_key.data"]);
    assert_eq!(actions(&changes), [("hidden", "no-op"), ("key", "update"), ("words", "no-op")]);
    assert!(changes["key"]["before"].as_str().unwrap_or_default().starts_with("arn:aws:kms:"), "{changes}");
    assert_eq!((&changes["key"]["after"], &changes["key"]["after_unknown"]), (&Json::Null, &true.into()));
    assert!(screen.contains("  ~ key = \"arn:aws:kms:"), "{screen}");

    // One output is no longer declared, and one is no longer secret.
    project.write(&stack("Alerts", &format!("[output]\nwords = \"{WORDS}\"\n")));
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "delete"), ("key", "delete"), ("words", "no-op")]);
    assert!(screen.contains("  - hidden\n"), "{screen}");
    project.apply();
    let (changes, _) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("words", "no-op")]);
    let (changes, _) = planned(&project, &["--destroy"]);
    assert_eq!(actions(&changes), [("words", "delete")]);
    assert_eq!(changes["words"]["before"], "Alerts");
    project.run(&["destroy", "--yes"]).exits(0);
    assert!(project.ledger().outputs.is_empty());
}

/// Topics with names from a local, and outputs of every type.
fn named(name: &str, keys: &str, more: &str) -> String {
    format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[local]\nname = \"{name}\"\n\
         [sns_topic.one]\nname = \"${{local.name}}\"\n\
         [sns_topic.each]\nfor_each = {keys}\nname = \"each-${{each.key}}\"\n\
         [output]\nby_reference = \"topic ${{sns_topic.one.name}}\"\nby_local = \"${{local.name}}\"\n\
         all = '${{[for one in sns_topic.each : one.name]}}'\n{more}"
    )
}

#[test]
fn an_output_shows_the_value_at_aws() {
    let project = Project::new(&named("first", r#"["a", "b"]"#, ""));
    let run =
        project.run(&["output"]).exits(0).says("shop/default is not applied yet: there are no outputs.");
    assert_eq!(run.stdout, "");
    assert_eq!(project.run(&["output", "--json"]).exits(0).stdout, "{}\n");
    let run = project.run(&["output", "--name", "by_local"]).exits(1).says("has no value at AWS");
    assert_eq!(run.stdout, "");
    project.run(&["output", "--name", "by_locale"]).exits(1).says("did you mean `by_local`?");

    project.apply();
    let applied =
        "all          = [\"each-a\", \"each-b\"]\nby_local     = \"first\"\nby_reference = \"topic first\"\n";
    let run = project.run(&["output"]).exits(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), (applied, ""));

    // Edited, but not applied.
    project.write(&named("second", r#"["a", "c"]"#, "more = \"${sns_topic.each.c.name}\"\nword = \"w\"\n"));
    let run = project.run(&["output"]).exits(0);
    assert_eq!(
        run.stdout, "all          = [\"each-a\", \"each-b\"]\nby_reference = \"topic first\"\n",
        "{run}"
    );
    for line in [
        "Output all changes with the next apply: it will be [\"each-a\", \"each-c\"].\n",
        "Output by_reference changes with the next apply: it will be \"topic second\".\n",
        "Output by_local has no value: its declaration changed, and is not applied yet.\n",
        "Output more has no value at AWS: ",
        "Output word has no value: it is not applied yet.\n",
    ] {
        assert!(run.stderr.contains(line), "{line}{run}");
    }
    let json: Json = serde_json::from_str(&project.run(&["output", "--json"]).exits(0).stdout).expect("JSON");
    let expected = json!({
        "all": { "sensitive": false, "type": ["tuple", ["string", "string"]], "value": ["each-a", "each-b"] },
        "by_reference": { "sensitive": false, "type": "string", "value": "topic first" },
    });
    assert_eq!(json, expected);
    let run = project.run(&["output", "--name", "by_reference"]).exits(0).says("it will be \"topic second\"");
    assert_eq!(run.stdout, "topic first\n");
    assert_eq!(
        project.run(&["output", "--json", "--name", "by_reference"]).exits(0).stdout,
        "\"topic first\"\n"
    );
    let run = project.run(&["output", "--name", "by_local"]).exits(1).says("run dwctl apply first");
    assert_eq!(run.stdout, "");

    // After a partial apply, outputs of resources that were left out are missing.
    let run = project.run(&["apply", "--yes", "--target", "sns_topic.each[\"c\"]"]).exits(0);
    assert!(!run.stdout.contains("by_local") && !run.stdout.contains("second"), "{run}");
    assert!(run.stdout.contains("more         = \"each-c\""), "{run}");
    let run = project.run(&["output"]).exits(0).says_not("= \"second\"").says_not("topic second\"\n");
    assert!(run.stdout.contains("by_reference = \"topic first\"\nmore         = \"each-c\"\n"), "{run}");

    // Everything is as declared, except that somebody deleted one resource.
    project.apply();
    let id = project.id("sns_topic.one");
    project
        .with(async |_, cx| drop(cx.aws.sns().delete_topic().topic_arn(id).send().await.expect("deleted")));
    let run = project.run(&["output"]).exits(0);
    assert!(!run.stdout.contains("topic second"), "{run}");
    run.says("Output by_reference has no value: sns_topic.one does not exist at AWS.");
}

/// AWS shows in the open what the stack treats as secret.
#[test]
fn an_output_of_a_secret_stays_one_while_it_changes() {
    let stack = |word: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[variable.word]\ntype = \"string\"\n\
             sensitive = true\ndefault = \"{word}\"\n[sns_topic.one]\nname = \"one\"\n\
             display_name = \"${{var.word}}\"\n[output.word]\nvalue = \"${{sns_topic.one.display_name}}\"\n\
             sensitive = true\n[output]\ntags = '${{{{ a = sns_topic.one.display_name }}}}'\n"
        )
    };
    let project = Project::new(&stack(SECRET));
    project.apply();
    project.write(&stack("another-secret-word"));
    for arguments in [&["output"][..], &["output", "--json"]] {
        project.run(arguments).exits(0).says_not(SECRET).says_not("another-secret");
    }
    assert_eq!(project.run(&["output", "--name", "word"]).exits(0).stdout, format!("{SECRET}\n"));
}

/// An output that was never applied is marked, even if its value can be read from AWS.
#[test]
fn a_never_applied_output_is_marked() {
    let first = "[output]\nkey = \"${kms_key.data.arn}\"\n";
    let project = Project::new(&stack("Alerts", first));
    project.apply();
    project.run(&["output"]).exits(0).says_not("not applied yet");
    project.write(&stack("Alerts", &format!("{first}topic = \"${{sns_topic.alerts.arn}}\"\n")));
    let words = "Output topic is not applied yet: its value comes from live AWS.";
    for arguments in [&["output"][..], &["output", "--json"], &["output", "--name", "topic"]] {
        let run = project.run(arguments).exits(0).says(words).says_not("Output key");
        assert!(run.stdout.contains(":alerts"), "{}", run.stdout);
        assert!(!run.stdout.contains("not applied"), "{}", run.stdout);
    }
    project.apply();
    project.run(&["output"]).exits(0).says_not("not applied yet");
}
