//! Ignored changes: `ignore_changes` of a resource, and `ignore_tags` of a stack.

use std::collections::BTreeSet;

use dwctl::aws::Tags;
use dwctl::kinds::{KINDS, kind};
use dwctl::plan::{Plan, Selection, details};
use toml::Table;

use crate::account::{Account, eval, read};
use crate::diff::compared;
use crate::harness::Project;
use crate::kind_file;
use crate::paper::problems;

/// The attributes of `KIND.example` that a plan shows, as it writes them.
fn shown_attributes(plan: &Plan, kind: &str) -> BTreeSet<String> {
    let change = plan.changes.iter().find(|change| change.address.to_string() == format!("{kind}.example"));
    let change = change.expect("the example");
    details(change, plan.now).into_iter().map(|detail| detail.attribute).collect()
}

/// The plan between two revisions.
fn between(before: &str, after: &str) -> Plan {
    let ((before, _old), (after, _new)) = (read(before), read(after));
    compared(&eval(&before), &eval(&after))
}

/// Every path in a plan, of every kind, can be copied into `ignore_changes`, and is then ignored.
#[test]
fn paths_are_ignored_in_the_notation_of_the_plan() {
    let mut tried = 0;
    for kind in KINDS.iter().map(|kind| kind.name()) {
        let life = &kind_file::of(kind).life;
        let mut stack: Table = dwctl::kinds::kind(kind).expect("a kind").example().parse().expect("TOML");
        life.extend(&mut stack);
        for step in &life.change {
            let before = toml::to_string(&stack).expect("TOML");
            let example = stack[kind]["example"].as_table_mut().expect("a resource");
            for name in &step.remove {
                example.remove(name);
            }
            example.extend(step.set.clone());
            let after = toml::to_string(&stack).expect("TOML");
            let plan = between(&before, &after);
            for path in shown_attributes(&plan, kind) {
                let mut ignoring = stack.clone();
                let example = ignoring[kind]["example"].as_table_mut().expect("a resource");
                let list = toml::Value::Array(vec![path.clone().into()]);
                example.insert(
                    "lifecycle".to_owned(),
                    Table::from_iter([("ignore_changes".to_owned(), list)]).into(),
                );
                let text = toml::to_string(&ignoring).expect("TOML");
                assert_eq!(problems(&text), "", "{kind} {path}");
                let plan = between(&before, &text);
                assert!(!shown_attributes(&plan, kind).contains(&path), "{kind} {path} is told still");
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried} paths were tried");
}

fn topic(stack: &str, more: &str) -> String {
    format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n{stack}\n[sns_topic.one]\nname = \"one\"\n{more}\n"
    )
}

/// An account in which an automation of the organisation has tagged the topic.
fn automated(text: &str) -> Account {
    Account::after(text).change("sns_topic.one", |live| {
        live.tags.insert("org:cost".to_owned(), "4711".to_owned());
        live.tags.insert("other".to_owned(), "x".to_owned());
    })
}

#[test]
fn tags_are_ignored_by_key_pattern_and_stack() {
    let account = automated(&topic("", "tags = { a = \"1\" }"));
    for (stack, more, left) in [
        ("", "", &["tags[\"org:cost\"]", "tags.other"][..]),
        ("", "lifecycle = { ignore_changes = ['tags.org:cost'] }", &["tags.other"]),
        ("", "lifecycle = { ignore_changes = ['tags[\"org:cost\"]'] }", &["tags.other"]),
        ("", "lifecycle = { ignore_changes = ['tags[\"org:*\"]', 'tags[\"*r\"]'] }", &[]),
        ("", "lifecycle = { ignore_changes = ['tags'] }", &[]),
        ("ignore_tags = [\"org:*\"]", "", &["tags.other"]),
        ("ignore_tags = [\"org:cost\", \"other\"]", "", &[]),
        ("ignore_tags = [\"*\"]", "", &[]),
        ("ignore_tags = [\"org\", \"org:*s\", \"o\"]", "", &["tags[\"org:cost\"]", "tags.other"]),
    ] {
        let text = topic(stack, &format!("tags = {{ a = \"1\" }}\n{more}"));
        for selection in [Selection::default(), Selection { drift: true, ..Selection::default() }] {
            let plan = account.plan(&text, &selection);
            let lines = plan.lines().filter(|line| line.trim_start().starts_with("tags"));
            let lines: Vec<&str> =
                lines.map(|line| line.trim().split("  ").next().unwrap_or_default()).collect();
            assert_eq!(lines, left, "{text}\n{plan}");
        }
        // A change of a declared tag is planned, even if others set further tags.
        let edited = text.replace("a = \"1\"", "a = \"2\"");
        let plan = account.plan(&edited, &Selection::default());
        assert_eq!(plan.contains("tags.a"), !more.contains("['tags']"), "{plan}");
    }
    // A tag that the stack no longer declares is removed, unless somebody changed it since.
    let was = topic("", "tags = { \"org:team\" = \"data\", \"org:cost\" = \"1\" }");
    let account = Account::after(&was).change("sns_topic.one", |live| {
        live.tags.insert("org:cost".to_owned(), "4711".to_owned());
    });
    let plan = account.plan(&topic("ignore_tags = [\"org:*\"]", ""), &Selection::default());
    assert!(plan.contains("tags[\"org:team\"]  - ") && !plan.contains("org:cost"), "{plan}");
}

#[test]
fn invalid_ignored_paths_are_reported_at_their_place() {
    for (stack, more, words) in [
        (
            "",
            "lifecycle = { ignore_changes = ['displayname'] }",
            &["no attribute `displayname`", "did you mean `display_name`?", "stack.toml:"][..],
        ),
        (
            "",
            "lifecycle = { ignore_changes = ['default_arguments.--x'] }",
            &["no attribute `default_arguments`"],
        ),
        ("", "lifecycle = { ignore_changes = ['arn'] }", &["AWS decides it"]),
        ("", "lifecycle = { ignore_changes = ['tags[\"org:cost\"'] }", &["a bracket is not closed"]),
        ("", "lifecycle = { ignore_changes = ['tags[\"dwctl:stack\"]'] }", &["is never ignored"]),
        ("", "lifecycle = { ignore_changes = [''] }", &["names no attribute"]),
        ("ignore_tags = [\"\"]", "", &["is empty"]),
        ("ignore_tags = [\"dwctl:*\"]", "", &["would hide the owner of a resource"]),
        ("ignore_tags = \"org:*\"", "", &["must be a list of strings"]),
        ("ignore_tag = [\"org:*\"]", "", &["did you mean `ignore_tags`?"]),
    ] {
        let said = problems(&topic(stack, more));
        for words in words {
            assert!(said.contains(words), "{words}\n{said}");
        }
    }
    // One error does not hide the other.
    let said = problems(&topic("", "displayname = \"x\"\nlifecycle = { ignore_changes = ['nonsense'] }"));
    assert!(said.contains("`nonsense`") && said.contains("`displayname`"), "{said}");
}

/// Through apply, import and drift, a topic keeps the tags of the automation.
#[test]
fn the_tags_of_an_automation_stay() {
    let stack = |more: &str| topic("ignore_tags = [\"org:*\"]", more);
    let project = Project::new(&stack("tags = { team = \"data\" }"));
    project.apply();
    let id = project.id("sns_topic.one");
    let topic = kind("sns_topic").expect("a kind");
    let tag = |key: &str, value: &str| {
        let attrs = project.live("sns_topic.one").expect("it is there").attrs;
        let set = Tags::from([(key.to_owned(), value.to_owned())]);
        project.with(async |_, cx| topic.tag(cx, &id, &attrs, &set, &[]).await.expect("tagged"));
    };
    let is_tagged = |key: &str| project.live("sns_topic.one").expect("it is there").tags.contains_key(key);
    tag("org:cost", "4711");
    project.settled();
    project.run(&["drift"]).exits(0);
    project.write(&stack("display_name = \"News\"\ntags = { team = \"sales\" }"));
    project.apply().plans("sns_topic.one", "~ update in place").says_not("org:cost");
    project.settled();
    assert!(is_tagged("org:cost"));

    project.run(&["ledger", "forget", "sns_topic.one"]).exits(0);
    project.run(&["import", "sns_topic.one", &id]).exits(0).says_not("org:cost");
    project.settled();
    assert!(is_tagged("org:cost"));
    // Once the tag is no longer ignored, it counts as undeclared and is removed.
    project.write(&crate::ignored::topic("", "display_name = \"News\"\ntags = { team = \"sales\" }"));
    project.apply().says("tags[\"org:cost\"]  - ");
    assert!(!is_tagged("org:cost"));
}

/// `all` means every attribute, as in Terraform.
#[test]
fn all_changes_can_be_ignored() {
    let before = "[sns_topic.a]\nname = \"a\"\ndisplay_name = \"A\"\ntags = { team = \"x\" }\n";
    for all in ["\"all\"", "[\"all\"]", "[\"*\"]"] {
        let after = format!(
            "[sns_topic.a]\nname = \"a\"\ndisplay_name = \"B\"\ntags = {{ team = \"y\" }}\n\
             signature_version = \"2\"\nlifecycle = {{ ignore_changes = {all} }}\n"
        );
        let plan = Account::after(before).planned(&after, &Selection::default()).expect("a plan");
        assert!(
            plan.is_empty(),
            "{all}: {:?}",
            plan.changes.iter().map(|one| &one.action).collect::<Vec<_>>()
        );
        // It is created nevertheless.
        let plan = Account::after("").planned(&after, &Selection::default()).expect("a plan");
        assert!(!plan.is_empty(), "{all}");
    }
}

const GROUP: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n\n[cloudwatchlogs_log_group.job]\n\
                     log_group_name = \"/shop/job\"\nretention_in_days = 30\n\
                     lifecycle = { ignore_changes = [\"retention_in_days\"] }\n";

/// As in Terraform: the declared value is set on creation, and later changes are ignored.
#[test]
fn a_new_resource_gets_its_ignored_attributes() {
    let project = Project::new(GROUP);
    project.apply();
    let days = || {
        project.with(async |_, cx| {
            let groups = cx.aws.cloudwatchlogs().describe_log_groups().send().await.expect("groups");
            groups.log_groups().first().and_then(|group| group.retention_in_days())
        })
    };
    assert_eq!(days(), Some(30));
    project.with(async |_, cx| {
        let put = cx.aws.cloudwatchlogs().put_retention_policy().log_group_name("/shop/job");
        put.retention_in_days(7).send().await.expect("it can be changed");
    });
    project.settled();
    assert_eq!(days(), Some(7));
    project.run(&["destroy", "--yes"]).exits(0);
}
