//! Compares two revisions of a stack, folders or of git, without AWS. The result is what a plan would
//! show, with the places of errors and without secrets.

use std::fmt::Write;
use std::path::Path;

use dwctl::eval::EvalContext;
use dwctl::plan::{Action, Plan, Reason, Selection, Side, compare};
use serde_json::Value as Json;

use crate::account::{Account, CLUSTER, JOB, ROLE, TOPIC, eval, read};
use crate::paper::{Run, dwctl_with, folder, headed};
use crate::repository::{Repository, path};

const DONE: i32 = 0;
const ERROR: i32 = 1;
const CHANGES: i32 = 2;
const INVALID: i32 = 3;

const BEFORE: &str = r#"
[kms_key.data]
description = "Data"

[kms_key.old]
description = "Old"

[sns_topic.alerts]
name              = "alerts"
kms_master_key_id = "${kms_key.data.key_id}"

[s3_bucket.lake]
bucket = "shop-lake"

[glue_job.orders]
name        = "orders"
role        = "${iam_role.glue.arn}"
description = "encrypts with ${kms_key.data.key_id}"
command     = { script_location = "s3://${s3_bucket.lake.bucket}/code.py" }

[iam_role.glue]
role_name = "glue"
[iam_role.glue.assume_role_policy_document]
Version = "2012-10-17"
[[iam_role.glue.assume_role_policy_document.Statement]]
Effect    = "Allow"
Principal = { Service = "glue.amazonaws.com" }
Action    = "sts:AssumeRole"
[iam_role.glue.inline_policies.lake]
Version = "2012-10-17"
[[iam_role.glue.inline_policies.lake.Statement]]
Effect   = "Allow"
Action   = ["s3:GetObject", "s3:ListBucket"]
Resource = "${s3_bucket.lake.arn}"
[[iam_role.glue.inline_policies.lake.Statement]]
Effect   = "Allow"
Action   = "kms:Decrypt"
Resource = "${kms_key.data.arn}"

[secretsmanager_secret.warehouse]
name          = "warehouse"
secret_string = "Correct-Horse-7"
"#;

/// Runs the program in an environment with only a path to git: no account, no network.
fn dwctl(place: &Path, arguments: &[&str]) -> Run {
    let (name, path) = path();
    dwctl_with(place, arguments, &[(name, path.as_str())])
}

/// The text with these replacements. Each of them must match.
fn edited(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in\n{text}");
        text.replace(from, to)
    })
}

/// The diff of two stacks in folders.
fn diff_text(before: &str, after: &str) -> String {
    let place = folder(&[("old/stack.toml", &headed(before)), ("new/stack.toml", &headed(after))]);
    let run = dwctl(place.path(), &["diff", "old", "new"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert_eq!(run.stderr, "");
    assert!(!place.path().join("old/.dwctl").exists() && !place.path().join("new/.dwctl").exists());
    run.stdout
}

/// The diff of this stack and a changed copy.
fn changed(changes: &[(&str, &str)]) -> String {
    diff_text(BEFORE, &edited(BEFORE, changes))
}

fn refused(place: &Path, arguments: &[&str], code: i32) -> String {
    let run = dwctl(place, arguments);
    assert_eq!(run.code, code, "{arguments:?}: {}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.starts_with("error"), "{}", run.stderr);
    run.stderr
}

/// A stack in `stacks/shop` with two committed revisions and one uncommitted edit.
fn with_history() -> Repository {
    let repository = Repository::new();
    let stack = |days: u32| {
        headed(&format!(
            "[sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = '${{file(\"name.txt\")}}'\n\
             [cloudwatchlogs_log_group.etl]\nlog_group_name = \"/etl\"\nretention_in_days = {days}\n"
        ))
    };
    repository.write("stacks/shop/stack.toml", &stack(30));
    repository.write("stacks/shop/name.txt", "First");
    repository.commit();
    repository.git(&["tag", "first"]);
    repository.git(&["checkout", "--quiet", "-b", "work"]);
    repository.write("stacks/shop/stack.toml", &stack(14));
    repository.write("stacks/shop/name.txt", "Second");
    repository.commit();
    repository.write("stacks/shop/stack.toml", &stack(7));
    repository
}

#[test]
fn a_screen_of_a_diff() {
    insta::assert_snapshot!(changed(&[
        ("[kms_key.old]\ndescription = \"Old\"", "[kms_key.new]\ndescription = \"New\""),
        ("\"alerts\"", "\"alarms\""),
        ("\"s3:GetObject\", ", "\"s3:GetObject\", \"s3:PutObject\", "),
        ("encrypts with", "is encrypted with"),
        ("Correct-Horse-7", "Battery-Staple-8"),
    ]));
}

#[test]
fn equal_revisions_have_no_changes() {
    let screen = diff_text(BEFORE, BEFORE);
    assert!(screen.contains("from old to new, without AWS · us-east-1\n"), "{screen}");
    assert!(screen.contains("No changes: both declare the same.\n\n7 unchanged\n"), "{screen}");
}

#[test]
fn another_notation_is_no_change() {
    let after = edited(
        BEFORE,
        &[
            ("[\"s3:GetObject\", \"s3:ListBucket\"]", "[\"s3:ListBucket\", \"s3:GetObject\"]"),
            ("\"encrypts with ${kms_key.data.key_id}\"", "\"${local.use} ${local.key}\""),
        ],
    );
    let locals = "[local]\nkey = \"${kms_key.data.key_id}\"\nuse = \"encrypts with\"\n";
    let screen = diff_text(BEFORE, &format!("{locals}{after}"));
    assert!(screen.contains("7 unchanged\n") && screen.contains("No changes"), "{screen}");
}

#[test]
fn text_around_an_unknown_value_is_compared() {
    // A plan does not know this text until the key is created.
    let screen = changed(&[("encrypts with ${kms_key.data.key_id}", "encrypts by ${kms_key.data.key_id}")]);
    let line =
        "description  \"encrypts with ${kms_key.data.key_id}\" → \"encrypts by ${kms_key.data.key_id}\"";
    assert!(screen.contains(line), "{screen}");
    // Through a local, through a file, and through a function that needs a known value.
    let before = |local: &str| {
        format!(
            "[local]\nname = \"{local}\"\n[kms_key.data]\n[sns_topic.a]\nname = \"a\"\n\
             display_name = '${{local.name}} ${{split(\":\", kms_key.data.arn)[4]}}'\n\
             [sns_topic.b]\nname = \"b\"\ndisplay_name = \"${{local.name}} ${{kms_key.data.arn}}\"\n"
        )
    };
    let screen = diff_text(&before("x"), &before("y"));
    assert!(screen.contains("\"x ${kms_key.data.arn}\" → \"y ${kms_key.data.arn}\""), "{screen}");
    let other = before("x").replace("[4]", "[3]");
    let screen = diff_text(&before("x"), &other);
    assert!(screen.contains("sns_topic.a") && screen.contains("1 to update · 2 unchanged"), "{screen}");
}

#[test]
fn another_source_of_an_unknown_value_is_a_change() {
    let screen = changed(&[("\"${kms_key.data.key_id}\"", "\"${kms_key.old.key_id}\"")]);
    assert!(
        screen.contains("kms_master_key_id  \"${kms_key.data.key_id}\" → \"${kms_key.old.key_id}\""),
        "{screen}"
    );
    assert!(screen.ends_with("1 to update · 6 unchanged\n"), "{screen}");
}

#[test]
fn a_move_changes_nothing_else() {
    for block in ["\n[[moved]]\nfrom = \"kms_key.data\"\nto = \"kms_key.lake\"\n", ""] {
        // With a `[[moved]]` block, or without one because only one resource matches.
        let after = edited(BEFORE, &[("kms_key.data", "kms_key.lake")]) + block;
        let screen = diff_text(BEFORE, &after);
        assert!(screen.contains("  > kms_key.lake  move  was kms_key.data\n"), "{screen}");
        assert!(screen.ends_with("1 to move · 6 unchanged\n"), "{screen}");
    }
    let renamed = edited(BEFORE, &[("s3_bucket.lake", "s3_bucket.raw")]);
    assert!(diff_text(BEFORE, &renamed).contains("  > s3_bucket.raw  move  was s3_bucket.lake\n"));
}

#[test]
fn instances_of_for_each_are_compared_by_key() {
    let stack = |name: &str, keys: &str| {
        format!(
            "[kms_key.{name}]\nfor_each = {keys}\ndescription = \"${{each.key}}\"\n\
             [sns_topic.{name}]\nfor_each = {keys}\nname = \"{name}-${{each.key}}\"\n\
             display_name = \"by ${{kms_key.{name}[each.key].arn}}\"\n"
        )
    };
    let screen = diff_text(&stack("a", "[\"x\", \"y\"]"), &stack("a", "[\"y\", \"z\"]"));
    assert!(screen.contains("+ sns_topic.a[\"z\"]") && screen.contains("- sns_topic.a[\"x\"]"), "{screen}");
    assert!(screen.ends_with("2 to create · 2 to destroy · 2 unchanged\n"), "{screen}");
    let block = "[[moved]]\nfrom = \"kms_key.a\"\nto = \"kms_key.b\"\n";
    let after = stack("a", "[\"x\", \"y\"]").replace("kms_key.a", "kms_key.b") + block;
    let screen = diff_text(&stack("a", "[\"x\", \"y\"]"), &after);
    assert!(screen.contains("> kms_key.b[\"x\"]  move  was kms_key.a[\"x\"]\n"), "{screen}");
    assert!(screen.ends_with("2 to move · 2 unchanged\n"), "{screen}");
    // A move to what is not declared is a removal.
    let screen = diff_text(
        "[sns_topic.a]\nname = \"a\"\n",
        "[sns_topic.b]\nfor_each = [\"y\"]\nname = \"${each.key}\"\n\
         [[moved]]\nfrom = \"sns_topic.a\"\nto = \"sns_topic.b[\\\"x\\\"]\"\n",
    );
    assert!(screen.contains("- sns_topic.a       destroy") && screen.contains("1 to create"), "{screen}");
}

#[test]
fn impossible_moves_are_refused_at_their_place() {
    let block = "\n[[moved]]\nfrom = \"kms_key.old\"\nto = \"kms_key.data\"\n";
    let gone = edited(BEFORE, &[("[kms_key.old]\ndescription = \"Old\"\n", "")]);
    for (after, code) in
        [(gone + block, "error[moved]"), (format!("{BEFORE}{block}"), "error[still-declared]")]
    {
        let place = folder(&[("old/stack.toml", &headed(BEFORE)), ("new/stack.toml", &headed(&after))]);
        let said = refused(place.path(), &["diff", "old", "new"], INVALID);
        assert!(said.contains(code) && said.contains("--> new/stack.toml:"), "{said}");
    }
}

#[test]
fn a_replacement_names_its_reason_and_extends_to_dependents() {
    let cluster = "[kms_key.data]\n[ec2_security_group.a]\ngroup_name = \"a\"\ndescription = \"A\"\nvpc_id = \"vpc-1\"\n\
                   [sns_topic.a]\nname = \"a\"\ndisplay_name = \"of ${ec2_security_group.a.group_id}\"\n";
    let screen = diff_text(cluster, &cluster.replace("\"A\"", "\"B\""));
    assert!(screen.contains("± ec2_security_group.a  replace"), "{screen}");
    assert!(screen.contains("description  \"A\" → \"B\"  forces replacement"), "{screen}");
    let other = "\"of ${ec2_security_group.a.group_id}\" → \"of ${ec2_security_group.a.group_id (new)}\"";
    assert!(screen.contains(other), "{screen}");
}

#[test]
fn a_replacement_alone_widens_no_access() {
    let stack = |description: &str, from: &str| {
        format!(
            "[ec2_security_group.a]\ngroup_name = \"a\"\ndescription = \"{description}\"\nvpc_id = \"vpc-1\"\n\
             [ec2_security_group.b]\ngroup_name = \"b\"\ndescription = \"B\"\nvpc_id = \"vpc-1\"\n\
             ingress = [{{ ip_protocol = \"tcp\", from_port = 5439, to_port = 5439, {from} }}]\n"
        )
    };
    let group = "referenced_security_group_id = \"${ec2_security_group.a.group_id}\"";
    let screen = diff_text(&stack("A", group), &stack("B", group));
    assert!(
        screen.contains("~ ec2_security_group.b  update in place") && screen.contains("(new)"),
        "{screen}"
    );
    assert!(screen.contains("only because ec2_security_group.a is replaced"), "{screen}");
    assert!(!screen.contains("wider access"), "{screen}");
    let screen = diff_text(&stack("A", group), &stack("B", "cidr_ipv4 = \"0.0.0.0/0\""));
    assert!(screen.contains("wider access"), "{screen}");
}

#[test]
fn outputs_are_compared_too() {
    let stack = |description: &str, outputs: &str| {
        format!(
            "[ec2_security_group.a]\ngroup_name = \"a\"\ndescription = \"{description}\"\nvpc_id = \"vpc-1\"\n[output]\n{outputs}"
        )
    };
    let group = "group = \"${ec2_security_group.a.group_id}\"\n";
    let before = stack(
        "A",
        &format!(
            "{group}name = \"x\"\nold = 1\nword = {{ value = \"Correct-Horse-7\", sensitive = true }}\n"
        ),
    );
    assert!(!diff_text(&before, &before).contains("outputs"), "{}", diff_text(&before, &before));
    let after = stack(
        "B",
        &format!(
            "{group}name = \"y\"\nfresh = 2\nword = {{ value = \"Battery-Staple-8\", sensitive = true }}\n"
        ),
    );
    let screen = diff_text(&before, &after);
    for line in [
        "  + fresh = 2\n",
        "  ~ group = \"${ec2_security_group.a.group_id}\" → \"${ec2_security_group.a.group_id (new)}\"\n",
        "  ~ name = \"x\" → \"y\"\n",
        "  - old = 1\n",
        "  ~ word = (secret, changed)\n",
    ] {
        assert!(screen.contains(line), "{line} is not in\n{screen}");
    }
}

#[test]
fn lifecycle_counts_as_in_a_plan() {
    let before = "[sns_topic.a]\nname = \"a\"\ndisplay_name = \"A\"\n[kms_key.b]\ndescription = \"b\"\n[s3_bucket.c]\nbucket = \"shop-c\"\n[s3_bucket.c.lifecycle]\nretain = true\n";
    let ignored =
        before.replace("\"A\"", "\"B\"") + "[sns_topic.a.lifecycle]\nignore_changes = [\"display_name\"]\n";
    assert!(diff_text(before, &ignored).contains("No changes"));
    let triggered = before.replace("\"A\"", "\"B\"")
        + "[kms_key.b.lifecycle]\nreplace_triggered_by = [\"sns_topic.a\"]\ncreate_before_destroy = true\n";
    let screen = diff_text(before, &triggered);
    assert!(
        screen.contains("± kms_key.b    replace, new one first  because sns_topic.a changes"),
        "{screen}"
    );
    let kept = before.split("[s3_bucket.c]").next().expect("a part");
    let screen = diff_text(before, kept);
    assert!(
        screen.contains(". s3_bucket.c  forget  because s3_bucket.c is not in configuration, stays at AWS"),
        "{screen}"
    );
    let removed = format!("{kept}[[removed]]\nfrom = \"s3_bucket.c\"\ndestroy = true\n");
    assert!(
        diff_text(before, &removed)
            .contains("- s3_bucket.c  destroy  because s3_bucket.c is not in configuration")
    );
    let protected = format!("{before}[sns_topic.a.lifecycle]\nprotect = true\n");
    assert!(diff_text(before, &protected).contains("dwctl:protect"), "{}", diff_text(before, &protected));
}

#[test]
fn changes_that_a_plan_would_refuse_are_warned_of() {
    let guard = |name: &str, protect: bool| {
        let (a, b) = (format!("[sns_topic.a]\nname = \"{name}\"\n"), "[sns_topic.b]\nname = \"b\"\n");
        let lifecycle = |of: &str| format!("[sns_topic.{of}.lifecycle]\nprotect = {protect}\n");
        (headed(&format!("{a}{}", lifecycle("a"))), format!("{b}{}", lifecycle("b")))
    };
    let ((old, gone), (new, _)) = (guard("a", true), guard("c", true));
    let place = folder(&[
        ("old/stack.toml", &format!("{old}{gone}")),
        ("new/stack.toml", &new),
        ("free/stack.toml", &guard("c", false).0),
    ]);
    let run = dwctl(place.path(), &["diff", "old", "new"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    for words in ["a plan would refuse to replace sns_topic.a", "a plan would refuse to destroy sns_topic.b"]
    {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let run = dwctl(place.path(), &["diff", "old", "free"]);
    assert!(!run.stderr.contains("sns_topic.a") && run.stderr.contains("sns_topic.b"), "{}", run.stderr);
}

/// The action on each resource, with its changed attributes. Owner tags are left out, because a moved
/// resource only changes them in a plan.
fn fates(plan: &Plan) -> Vec<String> {
    let shown = plan.effective().map(|change| {
        let paths = change.attributes.iter().filter(|one| !one.is_owner_tag());
        let paths: Vec<_> = paths.map(|one| (&one.path, one.forces_replacement)).collect();
        let action = if change.is_only_ownership() { Action::NoOp } else { change.action };
        let reason = match &change.reason {
            Reason::Differs if change.is_only_ownership() => &Reason::Same,
            reason => reason,
        };
        format!("{} {action:?} {reason:?} {:?} {paths:?}", change.address, change.moved_from)
    });
    shown.collect()
}

/// If AWS matches the old revision, a plan of the new one equals the diff of both.
#[test]
fn a_diff_equals_the_plan_it_predicts() {
    let whole = format!("{TOPIC}{ROLE}{JOB}{CLUSTER}");
    let edits: [&[(&str, &str)]; 16] = [
        &[],
        &[("number_of_workers = 2", "number_of_workers = 5")],
        &[("timeout_minutes   = 60\n", "")],
        &[("\"--load\" = \"full\"", "\"--load\" = \"delta\", \"--new\" = \"1\"")],
        &[("[\"warehouse\"]", "[\"warehouse\", \"lake\"]")],
        &[("role/load", "role/unload")],
        &[("{ team = \"data\" }", "{ team = \"platform\", cost = \"7\" }")],
        &[("db_name              = \"dw\"", "db_name              = \"warehouse\"")],
        &[("number_of_nodes      = 2", "number_of_nodes      = 4")],
        &[("Correct-Horse-7", "Battery-Staple-8")],
        &[("\"s3:GetObject\", ", "\"s3:GetObject\", \"s3:*\", ")],
        &[("glue.amazonaws.com", "lambda.amazonaws.com")],
        &[(TOPIC, "")],
        &[(JOB, ""), (ROLE, "")],
        &[("name              = \"alerts\"", "name              = \"alarms\"")],
        &[("kms_key.data", "kms_key.other")],
    ];
    for edit in edits {
        let after = edited(&whole, edit);
        let planned = Account::after(&whole).planned(&after, &Selection::default()).expect("a plan");
        let ((old, _old_folder), (new, _new_folder)) = (read(&whole), read(&after));
        let (old, new) = (eval(&old), eval(&new));
        let plan = compared(&old, &new);
        assert_eq!(fates(&plan), fates(&planned), "{edit:?}");
        assert_eq!(plan.is_empty(), edit.is_empty(), "{edit:?}");
    }
}

pub(crate) fn compared(old: &EvalContext<'_>, new: &EvalContext<'_>) -> Plan {
    let mut problems = Vec::new();
    let old =
        Side { name: "old".to_owned(), eval: old, instances: old.evaluate_all(&mut problems), folder: None };
    let new =
        Side { name: "new".to_owned(), eval: new, instances: new.evaluate_all(&mut problems), folder: None };
    assert!(problems.is_empty(), "{problems:?}");
    compare(&old, &new).expect("a diff")
}

/// Every kind, and the largest stack, show no difference to themselves.
#[test]
fn a_stack_has_no_diff_to_itself() {
    let run = dwctl(&crate::paper::root().join("stacks/ecommerce"), &["diff", ".", ".", "--env", "dev"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.stdout.contains("No changes: both declare the same."), "{}", run.stdout);
    let mut compared = 0;
    for kind in dwctl::kinds::KINDS.iter() {
        let text = headed(kind.example());
        let place = folder(&[("old/stack.toml", &text), ("new/stack.toml", &text)]);
        let run = dwctl(place.path(), &["diff", "old", "new"]);
        // An example may refer to resources that it does not declare.
        if run.code == DONE {
            compared += 1;
            assert!(
                run.stdout.contains("No changes: both declare the same."),
                "{}: {}",
                kind.name(),
                run.stdout
            );
        } else {
            assert!(run.stderr.contains("unknown-reference"), "{}: {}", kind.name(), run.stderr);
        }
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn an_import_is_no_creation() {
    let after = format!(
        "{BEFORE}[sns_topic.there]\nname = \"there\"\n[[import]]\nto = \"sns_topic.there\"\nid = \"arn:aws:sns:us-east-1:111111111111:there\"\n"
    );
    let screen = diff_text(BEFORE, &after);
    assert!(
        screen.contains("< sns_topic.there  import  exists as arn:aws:sns:us-east-1:111111111111:there"),
        "{screen}"
    );
}

#[test]
fn no_format_shows_a_changed_secret() {
    let after = edited(BEFORE, &[("Correct-Horse-7", "Battery-Staple-8")]);
    let place = folder(&[("old/stack.toml", &headed(BEFORE)), ("new/stack.toml", &headed(&after))]);
    for format in ["text", "markdown", "json", "html", "sarif", "junit", "mermaid"] {
        let run = dwctl(place.path(), &["diff", "old", "new", "--details", "--format", format]);
        assert_eq!(run.code, DONE, "{}", run.stderr);
        assert!(!run.stdout.contains("Horse") && !run.stdout.contains("Staple"), "{}", run.stdout);
        // Formats without values still name the resource; SARIF does so only if there is a risk.
        assert!(run.stdout.contains("secretsmanager_secret") || format == "sarif", "{}", run.stdout);
    }
    let run = dwctl(place.path(), &["diff", "old", "new"]);
    assert!(run.stdout.contains("secret_string  (secret, changed)\n"), "{}", run.stdout);
}

#[test]
fn a_value_secret_in_one_revision_is_secret_in_both() {
    let stack = |sensitive: bool, key: &str, name: &str| {
        format!(
            "[variable.word]\ndefault = \"Hush-Puppy-99\"\nsensitive = {sensitive}\n[kms_key.data]\n\
             [sns_topic.a]\nname = \"a\"\ndisplay_name = \"{name} ${{kms_key.data.arn}}\"\n\
             [sns_topic.b]\nname = \"b\"\ndisplay_name = \"${{var.word}} {name} ${{kms_key.data.arn}}\"\n\
             [sns_topic.c]\nname = \"c\"\ndisplay_name = '${{var.word}}{name}${{split(\":\", kms_key.data.arn)[3]}}'\n\
             [secretsmanager_secret.d]\nname = \"d\"\nsecret_string = \"${{kms_key.data.{key}}}\"\n"
        )
    };
    for (before, after) in [(true, true), (true, false), (false, true)] {
        let screen = diff_text(&stack(before, "arn", "x"), &stack(after, "key_id", "y"));
        assert!(!screen.contains("Hush"), "{screen}");
        // The reference itself is shown, although its value becomes part of a secret elsewhere.
        assert!(screen.contains("\"x ${kms_key.data.arn}\" → \"y ${kms_key.data.arn}\""), "{screen}");
        assert!(screen.contains("secret_string  (secret, changed)"), "{screen}");
        assert!(screen.ends_with("4 to update · 1 unchanged\n"), "{screen}");
    }
}

#[test]
fn every_format_names_the_compared_revisions() {
    let after = edited(BEFORE, &[("\"alerts\"", "\"alarms\""), ("[kms_key.old]\ndescription = \"Old\"", "")]);
    let place = folder(&[("old/stack.toml", &headed(BEFORE)), ("new/stack.toml", &headed(&after))]);
    let mut arguments = vec!["diff", "old", "new", "--detailed-exitcode"];
    let outputs =
        ["text", "markdown", "json", "html", "sarif", "junit", "mermaid"].map(|one| format!("{one}={one}"));
    outputs.iter().for_each(|output| arguments.extend(["--output", output]));
    let run = dwctl(place.path(), &arguments);
    assert_eq!(run.code, CHANGES, "{}", run.stderr);
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).expect("a file");
    assert_eq!(read("text"), run.stdout);
    let markdown = read("markdown");
    assert!(
        markdown.starts_with("<!-- dwctl:shop/default -->\n### dwctl diff `shop/default` · "),
        "{markdown}"
    );
    assert!(markdown.contains("`from old to new, without AWS · us-east-1`"), "{markdown}");
    assert!(!markdown.contains("To apply it"), "{markdown}");
    let html = read("html");
    assert!(html.contains("<title>Diff shop/default</title>"), "{html}");
    assert!(html.contains("from old to new, without AWS"), "{html}");
    assert!(read("junit").contains("name=\"dwctl diff shop/default\""));
    assert!(read("mermaid").contains("sns_topic.alerts"));
    assert!(read("sarif").contains("kms_key.old: destroy"), "{}", read("sarif"));
    let json: Json = serde_json::from_str(&read("json")).expect("JSON");
    assert_eq!(json["dwctl"]["revisions"], serde_json::json!({ "old": "old", "new": "new" }));
    assert_eq!((&json["applyable"], &json["dwctl"]["account_id"]), (&Json::Bool(false), &Json::Null));
    let of = |address: &str| {
        let all = json["resource_changes"].as_array().expect("a list");
        all.iter().find(|one| one["dwctl"]["address"] == address).expect("a change").clone()
    };
    let topic = of("sns_topic.alerts");
    assert_eq!(topic["change"]["actions"], serde_json::json!(["delete", "create"]));
    assert_eq!(topic["change"]["before"]["name"], "alerts");
    assert_eq!(topic["change"]["after"]["name"], "alarms");
    assert_eq!(topic["change"]["replace_paths"], serde_json::json!([["name"]]));
    let key = of("kms_key.old");
    assert_eq!(
        (&key["change"]["before"]["description"], &key["change"]["after"]),
        (&Json::from("Old"), &Json::Null)
    );
    assert_eq!(of("s3_bucket.lake")["change"]["actions"], serde_json::json!(["no-op"]));
}

#[test]
fn since_refuses_another_type_of_plan() {
    let after = edited(BEFORE, &[("\"alerts\"", "\"alarms\"")]);
    let place = folder(&[("old/stack.toml", &headed(BEFORE)), ("new/stack.toml", &headed(&after))]);
    let run = dwctl(place.path(), &["diff", "old", "old", "--output", "json=diff.json"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    let run = dwctl(place.path(), &["diff", "old", "new", "--since", "diff.json"]);
    assert!(
        run.stdout.starts_with("Since the previous plan: 1 new\n  new      sns_topic.alerts  replace\n"),
        "{}",
        run.stdout
    );
    let run = dwctl(place.path(), &["plan", "new", "--offline", "--output", "json=plan.json"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    let said = refused(place.path(), &["diff", "old", "new", "--since", "plan.json"], ERROR);
    assert!(
        said.contains("--since is a plan of shop/default") && said.contains("this is a diff of shop/default"),
        "{said}"
    );
    let said = refused(place.path(), &["plan", "new", "--offline", "--since", "diff.json"], ERROR);
    assert!(said.contains("--since is a diff of shop/default"), "{said}");
}

#[test]
fn variables_and_environment_apply_to_both_revisions() {
    let stack = |more: &str| {
        headed(&format!(
            "{more}[variable.days]\ntype = \"number\"\n[cloudwatchlogs_log_group.etl]\nlog_group_name = \"/etl/${{env}}\"\nretention_in_days = \"${{var.days}}\"\n"
        ))
    };
    let fresh = "[variable.team]\ntype = \"string\"\n[sns_topic.a]\nname = \"${var.team}\"\n";
    let place = folder(&[
        ("old/stack.toml", &stack("")),
        ("old/env/dev.toml", "days = 14"),
        ("new/stack.toml", &stack(fresh)),
        ("new/env/dev.toml", "days = 7"),
        ("team.toml", "team = \"data\""),
    ]);
    // The old revision does not declare the variable `team`.
    let run = dwctl(place.path(), &["diff", "old", "new", "--env", "dev", "--var-file", "team.toml"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.stdout.starts_with("shop/dev · from old to new"), "{}", run.stdout);
    assert!(
        run.stdout.contains("retention_in_days  14 → 7") && run.stdout.contains("+ sns_topic.a"),
        "{}",
        run.stdout
    );
    let run =
        dwctl(place.path(), &["diff", "old", "new", "-e", "dev", "--var", "days=30", "--var", "team=data"]);
    assert!(!run.stdout.contains("etl"), "{}", run.stdout);
    let said = refused(
        place.path(),
        &["diff", "old", "new", "--var", "days=1", "--var", "team=a", "--var", "tem=b"],
        INVALID,
    );
    assert!(said.contains("error[unknown-variable]"), "{said}");
    let said = refused(place.path(), &["diff", "old", "new", "--var", "days=1"], INVALID);
    assert!(said.contains("error[missing-variable]") && said.contains("--> new/stack.toml:"), "{said}");
}

#[test]
fn an_account_named_by_only_one_revision_is_no_difference() {
    let account =
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\naccounts = { default = \"222222222222\" }\n";
    for (before, after) in
        [(headed(BEFORE), format!("{account}{BEFORE}")), (format!("{account}{BEFORE}"), headed(BEFORE))]
    {
        let screen = diff_text(&before, &after);
        assert!(screen.contains("No changes"), "{screen}");
    }
    let screen = diff_text(&headed(BEFORE).replace("us-east-1", "eu-west-1"), BEFORE);
    assert!(
        screen.contains("kms_key.data") && screen.contains("moves from eu-west-1 to us-east-1"),
        "{screen}"
    );
    let screen = diff_text(&headed(BEFORE).replace("\"shop\"", "\"store\""), BEFORE);
    assert!(screen.contains("from old (store/default) to new (shop/default)"), "{screen}");
}

#[test]
fn revisions_of_git() {
    let repository = with_history();
    let mut screens = String::new();
    for arguments in [
        &["diff", "main..work", "--stack", "stacks/shop"][..],
        &["diff", "first", "work", "--stack", "stacks/shop/"],
        &["diff", "main", "--stack", "stacks/shop"],
        &["diff", "HEAD", "--stack", "stacks/shop"],
        &["diff", "..main", "--stack", "stacks/shop"],
    ] {
        let run = dwctl(repository.path(), arguments);
        assert_eq!(run.code, DONE, "{}", run.stderr);
        let _ = writeln!(screens, "$ dwctl {}\n{}{}", arguments.join(" "), run.stdout, run.stderr);
    }
    insta::assert_snapshot!(screens);
    // From the stack's own folder, and with the stack named by `DWCTL_STACK`.
    let run = dwctl(&repository.path().join("stacks/shop"), &["diff", "main"]);
    assert!(run.stdout.contains("30 → 7"), "{}{}", run.stdout, run.stderr);
    let (name, path) = path();
    let environment = [(name, path.as_str()), ("DWCTL_STACK", "stacks/shop")];
    let run = dwctl_with(repository.path(), &["diff", "main"], &environment);
    assert!(run.stdout.contains("30 → 7"), "{}{}", run.stdout, run.stderr);
    // Places in files are those of the work tree.
    let run =
        dwctl(repository.path(), &["diff", "main..work", "--stack", "stacks/shop", "--format", "junit"]);
    assert!(run.stdout.contains("file=\"stacks/shop/stack.toml\" line=\"8\""), "{}", run.stdout);
    // Nothing was written, and git's index is unchanged.
    assert_eq!(repository.git(&["status", "--porcelain"]), " M stacks/shop/stack.toml\n");
}

#[test]
fn three_dots_compare_with_the_merge_base() {
    let repository = with_history();
    repository.git(&["checkout", "--quiet", "--force", "main"]);
    repository.write("stacks/shop/name.txt", "Of main");
    repository.commit();
    let run = dwctl(repository.path(), &["diff", "main...work", "--stack", "stacks/shop"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.stdout.contains("from where work branched from main to work, without AWS"), "{}", run.stdout);
    assert!(
        run.stdout.contains("\"First\" → \"Second\"") && !run.stdout.contains("Of main"),
        "{}",
        run.stdout
    );
    repository.git(&["checkout", "--quiet", "--orphan", "alone"]);
    repository.commit();
    let said = refused(repository.path(), &["diff", "main...alone", "--stack", "stacks/shop"], ERROR);
    assert!(said.contains("main and alone have no commit in common"), "{said}");
}

#[test]
fn a_stack_at_the_top_of_a_repository() {
    let repository = Repository::new();
    repository.write("stack.toml", &headed("[sns_topic.a]\nname = \"a\"\n"));
    repository.commit();
    repository
        .write("stack.toml", &headed("[sns_topic.a]\nname = \"a\"\ndisplay_name = \"${path.stack}\"\n"));
    let run = dwctl(repository.path(), &["diff", "HEAD"]);
    assert!(run.stdout.contains("display_name  + \".\""), "{}{}", run.stdout, run.stderr);
    repository.commit();
    // The output does not show the temporary folder of a revision.
    let run = dwctl(repository.path(), &["diff", "HEAD~..HEAD"]);
    assert!(run.stdout.contains("display_name  + \".\""), "{}{}", run.stdout, run.stderr);
    repository.write("stack.toml", &headed("[sns_topic.a]\nnam = \"a\"\n"));
    repository.commit();
    let said = refused(repository.path(), &["diff", "HEAD~..HEAD"], INVALID);
    assert!(said.contains("--> HEAD:./stack.toml:6:1\n"), "{said}");
}

#[cfg(unix)]
#[test]
fn only_links_inside_the_stack_are_followed() {
    use std::os::unix::fs::symlink;
    let repository = Repository::new();
    let topic = |name: &str| format!("[sns_topic.{name}]\nname = \"{name}\"\n");
    repository.write("shop/parts/common", &topic("common"));
    repository.write("shop/stack.toml", &headed(&topic("own")));
    symlink("parts/common", repository.path().join("shop/common.toml")).expect("a link");
    repository.commit();
    repository.git(&["tag", "first"]);
    repository.write("shop/parts/common", &topic("common").replace("\"common\"", "\"other\""));
    let outside = folder(&[("secret.toml", &topic("outside"))]);
    symlink(outside.path().join("secret.toml"), repository.path().join("shop/outside.toml")).expect("a link");
    repository.commit();
    let run = dwctl(repository.path(), &["diff", "first..HEAD", "--stack", "shop"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.stdout.contains("name  \"common\" → \"other\"  forces replacement"), "{}", run.stdout);
    assert!(!run.stdout.contains("outside"), "{}", run.stdout);
    assert!(run.stderr.contains("HEAD has no shop/outside.toml, a link to "), "{}", run.stderr);
    // A file of the repository beside the stack is outside of the stack, in a revision as in
    // the working tree.
    std::fs::remove_file(repository.path().join("shop/outside.toml")).expect("removed");
    repository.write("token.toml", "hunter2 = = ghp_0123456789\n");
    symlink("../token.toml", repository.path().join("shop/token.toml")).expect("a link");
    repository.commit();
    for arguments in [&["diff", "first..HEAD", "--stack", "shop"][..], &["diff", "first", "--stack", "shop"]]
    {
        let said = refused(repository.path(), arguments, INVALID);
        assert!(said.contains("error[outside-folder]"), "{said}");
        assert!(said.contains("token.toml") && !said.contains("ghp_") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_revision_with_too_many_files_is_refused() {
    let repository = Repository::new();
    repository.write("shop/stack.toml", &headed("[sns_topic.a]\nname = \"a\"\n"));
    for number in 0..20_001 {
        repository.write(&format!("shop/data/{number}"), "");
    }
    repository.commit();
    let said = refused(repository.path(), &["diff", "HEAD", "--stack", "shop"], ERROR);
    assert!(said.contains("error[too-large]") && said.contains("more than 20000 files"), "{said}");
}

#[test]
fn git_attributes_hide_no_files() {
    let repository = with_history();
    repository.write(".gitattributes", "* export-ignore\n*.txt export-subst filter=none\n");
    repository.write("stacks/shop/name.txt", "$Format:%H$");
    repository.commit();
    let run = dwctl(repository.path(), &["diff", "main..HEAD", "--stack", "stacks/shop"]);
    assert!(run.stdout.contains("\"First\" → \"$Format:%H$\""), "{}{}", run.stdout, run.stderr);
}

#[test]
fn errors_name_their_revision() {
    let repository = with_history();
    repository.write("stacks/shop/broken.toml", "[sns_topic.b]\nname = \"${sns_topic.c.name}\"\n");
    repository.commit();
    repository.git(&["tag", "broken"]);
    repository.git(&["rm", "--quiet", "stacks/shop/broken.toml"]);
    repository.write("bad/stack.toml", "[stack\n");
    repository.commit();
    let mut screens = String::new();
    for (arguments, code) in [
        (&["diff", "broken..HEAD", "--stack", "stacks/shop"][..], INVALID),
        (&["diff", "HEAD", "broken", "--stack", "stacks/shop"], INVALID),
        (&["diff", "bad", "stacks/shop"], INVALID),
        (&["diff", "nothing..HEAD", "--stack", "stacks/shop"], ERROR),
        (&["diff", "main", "HEAD", "--stack", "stacks/none"], ERROR),
        (&["diff", "stacks/shop", "HEAD"], ERROR),
        (&["diff", "stacks/shop"], ERROR),
        (&["diff", "main..HEAD", "work"], ERROR),
        (&["diff", "HEAD", "--stack", "stacks/shop", "--env", "prod"], INVALID),
    ] {
        let said = refused(repository.path(), arguments, code);
        let _ = writeln!(screens, "$ dwctl {}\n{said}", arguments.join(" "));
    }
    assert!(!screens.contains("dwctl-diff-"), "the folder of the files is told: {screens}");
    insta::assert_snapshot!(screens);
}

#[test]
fn a_revision_is_never_passed_to_git_as_an_option() {
    let repository = with_history();
    let place = repository.path();
    for arguments in [
        &["diff", "--stack", "stacks/shop", "--", "--output=stolen"][..],
        &["diff", "--stack", "stacks/shop", "--", "main", "--output=stolen"],
        &["diff", "--stack", "stacks/shop", "--", "main..--output=stolen"],
        &["diff", "--stack", "stacks/shop", "--", "main...-x"],
    ] {
        let said = refused(place, arguments, ERROR);
        assert!(said.contains("is not a git revision") && said.contains("git was not called"), "{said}");
    }
    // A revision is never run by a shell, and is never used as a path.
    for revision in ["main; touch stolen", "$(touch stolen)", "main\ntouch stolen", "`touch stolen`"] {
        let said = refused(place, &["diff", revision, "--stack", "stacks/shop"], ERROR);
        assert!(said.contains("error[unknown-revision]"), "{said}");
    }
    let said = refused(place, &["diff", "main..HEAD", "--stack=--output=stolen"], ERROR);
    assert!(said.contains("error[no-stack]"), "{said}");
    assert!(!place.join("stolen").exists());
}

#[test]
fn without_git_or_a_repository() {
    let place = folder(&[("stack.toml", &headed(BEFORE))]);
    let said = refused(place.path(), &["diff", "main"], ERROR);
    assert!(said.contains("error[no-repository]") && said.contains("not a git repository"), "{said}");
    assert!(said.contains("main is not a folder, so it is read as a git revision"), "{said}");
    let run = dwctl_with(place.path(), &["diff", "main"], &[("PATH", "/nowhere")]);
    assert_eq!(run.code, ERROR, "{}", run.stdout);
    assert!(run.stderr.contains("cannot run git") && run.stderr.contains("install git"), "{}", run.stderr);
}

/// Changed lines of a text file are shown without secrets; for any other file, only its name.
#[test]
fn a_changed_object_names_its_file_and_the_changed_lines() {
    let stack = r#"
[variable.password]
type      = "string"
sensitive = true
default   = "Correct-Horse-7"

[s3_object.script]
bucket = "shop-lake"
key    = "orders.py"
source = "scripts/orders.py"

[s3_object.table]
bucket = "shop-lake"
key    = "table.bin"
source = "table.bin"

[s3_object.plain]
bucket  = "shop-lake"
key     = "plain.txt"
content = "one\ntwo\n"

[s3_object.hidden]
bucket  = "shop-lake"
key     = "hidden.txt"
content = "${var.password}"
"#;
    let script = |middle: &str| {
        let around =
            |from: usize| (from..from + 20).map(|line| format!("line_{line} = {line}\n")).collect::<String>();
        format!("{}{middle}{}", around(0), around(20))
    };
    let place = folder(&[
        ("old/stack.toml", &headed(stack)),
        ("old/scripts/orders.py", &script("limit = 5\nkey = 'Correct-Horse-7'\n")),
        ("old/table.bin", "a\0b"),
        (
            "new/stack.toml",
            &headed(&edited(
                stack,
                &[
                    ("one\\ntwo", "one\\nthree"),
                    ("default   = \"Correct-Horse-7", "default   = \"Battery-Staple-8"),
                ],
            )),
        ),
        ("new/scripts/orders.py", &script("limit = 7\nkey = 'Battery-Staple-8'\n")),
        ("new/table.bin", "a\0c"),
    ]);
    let run = dwctl(place.path(), &["diff", "old", "new"]);
    assert_eq!((run.code, run.stderr.as_str()), (DONE, ""), "{}", run.stderr);
    for format in ["json", "html", "markdown", "junit"] {
        let other = dwctl(place.path(), &["diff", "old", "new", "--format", format]);
        assert!(
            other.stdout.contains("limit = 7") && other.stdout.contains("scripts/orders.py"),
            "{}",
            other.stdout
        );
        assert!(!other.stdout.contains("Horse") && !other.stdout.contains("Staple"), "{}", other.stdout);
    }
    assert!(!run.stdout.contains("Horse") && !run.stdout.contains("Staple"), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout);
}

/// A long or entirely different content is shown within bounds of time and space.
#[test]
fn shown_lines_of_content_are_bounded() {
    let stack = "[s3_object.script]\nbucket = 'shop-lake'\nkey = 'a'\nsource = 'a'\n";
    let text = |seed: u64| {
        let mut state = seed;
        let numbers = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{}\n", (state >> 33) % 100)
        });
        numbers.take(80_000).collect::<String>()
    };
    let place = folder(&[
        ("old/stack.toml", &headed(stack)),
        ("old/a", &text(1)),
        ("new/stack.toml", &headed(stack)),
        ("new/a", &text(2)),
    ]);
    let run = dwctl(place.path(), &["diff", "old", "new"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.stdout.contains("more lines differ"), "{}", run.stdout);
    assert!(run.stdout.lines().count() < 1_100, "{}", run.stdout.lines().count());
    assert!(run.time < std::time::Duration::from_secs(20), "{:?}", run.time);
}

/// A revision reads the shared folders as of the same revision.
#[test]
fn a_revision_reads_its_own_shared_folders() {
    let repository = Repository::new();
    let stack = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\nshared = [\"../../words\", \"../lists\"]\n\
         [sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = '${file(\"../../words/name.txt\")}'\n\
         [sns_topic.each]\nfor_each = '${fileset(\"../lists\", \"*\")}'\nname = 'each-${replace(each.key, \".\", \"-\")}'\n";
    repository.write("stacks/shop/stack.toml", stack);
    repository.write("words/name.txt", "First");
    repository.write("stacks/lists/a.txt", "");
    repository.commit();
    repository.git(&["checkout", "--quiet", "-b", "work"]);
    repository.write("words/name.txt", "Second");
    repository.write("stacks/lists/b.txt", "");
    repository.commit();
    repository.write("words/name.txt", "Third");
    for (arguments, words) in [
        (&["diff", "main..work", "--stack", "stacks/shop"][..], "\"First\" → \"Second\""),
        (&["diff", "work", "--stack", "stacks/shop"], "\"Second\" → \"Third\""),
        (&["diff", "main", "--stack", "stacks/shop"], "\"First\" → \"Third\""),
    ] {
        let run = dwctl(repository.path(), arguments);
        assert_eq!(run.code, DONE, "{}", run.stderr);
        assert!(run.stdout.contains(words), "{words}\n{}{}", run.stdout, run.stderr);
        let is_new = run.stdout.contains("+ sns_topic.each[\"b.txt\"]");
        assert_eq!(is_new, arguments[1].starts_with("main"), "{}", run.stdout);
    }
    // A revision that shares more than its repository is refused as a stack that does.
    repository.write("stacks/shop/stack.toml", &stack.replace("\"../lists\"", "\"../lists\", \"../../..\""));
    repository.commit();
    let run = dwctl(repository.path(), &["diff", "main..work", "--stack", "stacks/shop"]);
    assert!(run.code == INVALID && run.stderr.contains("the shared folder `../../..`"), "{}", run.stderr);
}
