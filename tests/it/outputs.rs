//! What a plan says of outputs: what they were, as far as that can be proved, and what they
//! are to be.

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

/// `output_changes` of the plan in JSON, with the screen.
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

    // A resource changes, and with it an output; a secret is another one.
    project.write(&stack("News", &outputs(WORDS, &format!("{SECRET}-2"))));
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "update"), ("key", "no-op"), ("words", "update")]);
    assert_eq!((&changes["words"]["before"], &changes["words"]["after"]), (&"Alerts".into(), &"News".into()));
    assert!(screen.contains("  ~ words = \"Alerts\" → \"News\"\n"), "{screen}");
    assert!(screen.contains("  ~ hidden → (secret)\n"), "{screen}");

    // What it was cannot be told by an expression that is another one now.
    project.write(&stack("Alerts", &outputs("to ${sns_topic.alerts.name}", SECRET)));
    let (changes, screen) = planned(&project, &[]);
    assert_eq!(actions(&changes), [("hidden", "no-op"), ("key", "no-op"), ("words", "update")]);
    assert_eq!(changes["words"]["before"], Json::Null);
    assert_eq!(changes["words"]["dwctl"], json!({ "before_unknown": true }));
    assert!(screen.contains("  ~ words → \"to alerts\"\n"), "{screen}");

    // What is replaced makes unknown what refers to it, and is known as it was.
    project.write(&stack("Alerts", &outputs(WORDS, SECRET)));
    let (changes, screen) = planned(&project, &["--replace", "kms_key.data"]);
    assert_eq!(actions(&changes), [("hidden", "no-op"), ("key", "update"), ("words", "no-op")]);
    assert!(changes["key"]["before"].as_str().unwrap_or_default().starts_with("arn:aws:kms:"), "{changes}");
    assert_eq!((&changes["key"]["after"], &changes["key"]["after_unknown"]), (&Json::Null, &true.into()));
    assert!(screen.contains("  ~ key = \"arn:aws:kms:"), "{screen}");

    // No longer declared, and no longer secret.
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
