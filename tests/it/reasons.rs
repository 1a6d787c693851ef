//! A plan is accurate: it ignores meaningless spellings and orders, and names whom a policy lets in, why data
//! is lost, what depends on a deleted resource, and why a reference is null.

use dwctl::plan::format::{Format, Options, render};
use dwctl::plan::review::Review;
use dwctl::plan::{Plan, Selection};

use crate::account::{Account, CLUSTER, decided, planned};
use crate::paper;

/// The text of each risk, and the notes and parts of each detail.
fn texts(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let review = Review::new(plan, false);
    let risks = review.items.iter().flat_map(|item| &item.risks).map(|risk| risk.words.clone()).collect();
    let details = review.items.iter().flat_map(|item| &item.details);
    let details =
        details.map(|one| format!("{} {} {:?} {}", one.sign.mark(), one.attribute, one.notes, one.part));
    (risks, details.collect())
}

const TOPIC: &str = r#"
[sns_topic.alerts]
name = "alerts"
[sns_topic.alerts.policy]
Version = "2012-10-17"
[[sns_topic.alerts.policy.Statement]]
Sid       = "Publish"
Effect    = "Allow"
Action    = ["sns:Publish", "sns:Subscribe"]
Resource  = "*"
Principal = { Service = "cloudwatch.amazonaws.com" }
Condition = { StringEquals = { "aws:SourceAccount" = "111111111111" } }
[[sns_topic.alerts.policy.Statement]]
Effect    = "Deny"
Action    = "sns:Publish"
Resource  = "*"
Principal = "*"
Condition = { Bool = { "aws:SecureTransport" = "false" } }
"#;

/// IAM accepts names of actions and condition keys in any case.
#[test]
fn meaningless_case_is_no_difference() {
    let other = TOPIC
        .replace("aws:SecureTransport", "AWS:SecureTransport")
        .replace("aws:SourceAccount", "aws:sourceaccount")
        .replace("\"sns:Publish\"", "\"SNS:publish\"");
    for (before, after) in [(TOPIC, other.as_str()), (&other, TOPIC)] {
        assert!(planned(before, after).is_empty(), "{:?}", texts(&planned(before, after)));
    }
    // Only the changed action is named, in the stack's own notation.
    let plan = planned(TOPIC, &other.replace("\"sns:Subscribe\"", "\"sns:Receive\""));
    let (risks, details) = texts(&plan);
    assert_eq!(risks, ["allows sns:Receive to cloudwatch.amazonaws.com under a condition"]);
    let parts = "on * for Service cloudwatch.amazonaws.com if StringEquals aws:sourceaccount = 111111111111  (Publish)";
    assert_eq!(
        details,
        [
            format!("+ policy [] Allow sns:Receive {parts}"),
            format!("- policy [] Allow sns:Subscribe {}", parts.replace("sourceaccount", "SourceAccount")),
        ]
        .map(|one| one.replace("SourceAccount", "sourceaccount"))
    );
    let plan = planned(TOPIC, &other.replace("\"false\"", "\"FALSE\""));
    assert!(!plan.is_empty(), "a condition's value has its case");
}

/// `*` in a resource's policy means that resource: the important part is whom it lets in.
#[test]
fn a_resource_policy_names_whom_it_lets_in() {
    let with = |principal: &str| TOPIC.replace("{ Service = \"cloudwatch.amazonaws.com\" }", principal);
    for (principal, words) in [
        ("{ AWS = \"222222222222\" }", "account 222222222222"),
        ("{ AWS = \"arn:aws:iam::222222222222:role/etl\" }", "role/etl of account 222222222222"),
        ("{ Service = \"s3.amazonaws.com\" }", "s3.amazonaws.com"),
        ("\"*\"", "everybody"),
    ] {
        let (risks, _) = texts(&planned(TOPIC, &with(principal)));
        let expected = format!("allows sns:Publish, sns:Subscribe to {words} under a condition");
        assert_eq!(risks, [expected], "{principal}");
    }
    let (kept, _) = TOPIC.rsplit_once("[[").expect("a second statement");
    assert_eq!(
        texts(&planned(TOPIC, kept)).0,
        ["no longer denies sns:Publish to everybody under a condition"]
    );
}

const TRIGGER: &str = r#"
[glue_trigger.next]
name = "next"
type = "CONDITIONAL"
predicate = { conditions = [{ job_name = "a", state = "SUCCEEDED" }, { job_name = "b", state = "SUCCEEDED" }] }
actions = [{ job_name = "c" }, { job_name = "d" }]
[eventbridge_rule.landed]
name = "landed"
event_pattern = { source = ["aws.s3", "aws.glue"], detail = { size = [{ numeric = [">", 0, "<", 5] }] } }
"#;

#[test]
fn only_a_meaningful_order_is_a_difference() {
    let a = "{ job_name = \"a\", state = \"SUCCEEDED\" }";
    let b = a.replace("\"a\"", "\"b\"");
    let after = TRIGGER
        .replace(&format!("{a}, {b}"), &format!("{b}, {a}"))
        .replace("[\"aws.s3\", \"aws.glue\"]", "[\"aws.glue\", \"aws.s3\"]");
    assert_ne!(after, TRIGGER);
    assert!(planned(TRIGGER, &after).is_empty(), "{:?}", texts(&planned(TRIGGER, &after)));
    let turned = TRIGGER.replace("[\">\", 0, \"<\", 5]", "[\">\", 1, \"<\", 5]");
    assert!(!planned(TRIGGER, &turned).is_empty());
    let turned = TRIGGER
        .replace("{ job_name = \"c\" }, { job_name = \"d\" }", "{ job_name = \"d\" }, { job_name = \"c\" }");
    assert_eq!(texts(&planned(TRIGGER, &turned)).1, ["~ actions [\"the same in another order\"] "]);
}

/// Every format contains the reason of a data loss.
#[test]
fn why_data_is_lost_is_in_every_format() {
    let before = CLUSTER.replace("node_type ", "skip_final_snapshot = true\nnode_type ");
    let plan = planned(&before, &before.replace("db_name              = \"dw\"", "db_name = \"other\""));
    let json: serde_json::Value =
        serde_json::from_str(&render(Format::Json, &plan, &Options::default())).expect("JSON");
    let own = &json["resource_changes"][0]["dwctl"];
    let words = |risks: &serde_json::Value| {
        let risks = risks.as_array().expect("risks").iter();
        let loss = risks.filter(|one| one["label"] == "data_loss").map(|one| one["words"].clone());
        loss.collect::<Vec<_>>()
    };
    assert_eq!(words(&own["risks"]), ["no final snapshot is taken"]);
    let detail = own["details"].as_array().expect("details").iter().find(|one| one["attribute"] == "db_name");
    assert_eq!(words(&detail.expect("an answer")["risks"]), ["no final snapshot is taken"]);
    let sarif = render(Format::Sarif, &plan, &Options::default());
    assert!(sarif.contains("db_name: data loss: no final snapshot is taken"), "{sarif}");
}

/// A resource that is already gone depends on nothing.
#[test]
fn a_missing_resource_depends_on_nothing() {
    let text = "[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
        [ec2_subnet.a]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = \"10.0.1.0/24\"\navailability_zone = \"us-east-1a\"\n";
    let destroy = Selection { destroy: true, ..Selection::default() };
    let dependents = |account: &Account| -> Vec<String> {
        let plan = account.planned(text, &destroy).unwrap_or_else(|problems| panic!("{problems}"));
        let review = Review::new(&plan, false);
        let vpc = review.items.iter().find(|item| item.address == "ec2_vpc.main").expect("the VPC goes");
        vpc.dependents.addresses.clone()
    };
    let mut account = Account::after(text);
    assert_eq!(dependents(&account), ["ec2_subnet.a"]);
    let subnet = "ec2_subnet.a".parse().expect("an address");
    account.ledger.resources.remove(&subnet);
    account.lives.remove(&subnet);
    assert_eq!(dependents(&account), [""; 0]);
}

/// A plan that would make a reference null fails, and names the reference.
#[test]
fn a_reference_that_becomes_null_is_named() {
    let before =
        CLUSTER.replace("master_user_password = \"Correct-Horse-7\"", "manage_master_password = true");
    let role = r#"
[iam_role.load]
role_name = "load"
assume_role_policy_document = { Version = "2012-10-17", Statement = [
  { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "glue.amazonaws.com" } },
] }
[iam_role.load.inline_policies.login]
Version = "2012-10-17"
[[iam_role.load.inline_policies.login.Statement]]
Effect   = "Allow"
Action   = "secretsmanager:GetSecretValue"
Resource = ["${redshift_cluster.main.master_password_secret_arn}", "arn:aws:s3:::lake"]
"#;
    let account = Account::deciding(&format!("{before}{role}"), |node, name, address| match name {
        "master_password_secret_arn" => "arn:aws:secretsmanager:us-east-1:111111111111:secret:dw".into(),
        _ => decided(node, name, address),
    });
    let after = format!("{CLUSTER}{role}");
    let problems = account.planned(&after, &Selection::default()).expect_err("the reference is null");
    assert!(problems.contains("`redshift_cluster.main.master_password_secret_arn` is null"), "{problems}");
    assert!(problems.contains("null unless `manage_master_password` is set"), "{problems}");
    let shown = paper::problems(&after);
    assert!(shown.contains("`redshift_cluster.main.master_password_secret_arn` is null"), "{shown}");
    assert_eq!(paper::problems(&format!("{before}{role}")), "");
}

/// A new region for all resources, as from an environment's file, is reported once.
#[test]
fn a_new_region_of_the_stack_is_reported_once() {
    let text = "[sns_topic.a]\nname = \"a\"\n[sns_topic.b]\nname = \"b\"\n";
    let moved = format!("[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n{text}");
    let plan = planned(text, &moved);
    let warnings: Vec<&str> = plan.warnings.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(warnings, ["2 resources of shop/default are in us-east-1, but the stack is in eu-west-1"]);
    assert!(planned(text, text).warnings.is_empty());
    // A resource with a region of its own is no move of the whole stack, and is not announced as one.
    let one = text.replace("name = \"b\"", "name = \"b\"\nregion = \"eu-west-1\"");
    assert!(planned(text, &one).warnings.is_empty());
}

/// An old file would be taken for the current plan, so if there is no plan, it holds the errors.
#[test]
fn output_files_contain_the_errors_if_there_is_no_plan() {
    let text = |attribute: &str| paper::headed(&format!("[sns_topic.a]\nname = \"a\"\n{attribute}"));
    let stack = paper::folder(&[("stack.toml", &text("displayname = \"<b>\"\n"))]);
    let formats = ["text", "markdown", "json", "html", "sarif", "junit", "mermaid"];
    let outputs: Vec<String> = formats.iter().map(|format| format!("{format}=old.{format}")).collect();
    let mut arguments = vec!["plan", "--offline"];
    arguments.extend(outputs.iter().flat_map(|output| ["--output", output]));
    for format in formats {
        std::fs::write(stack.path().join(format!("old.{format}")), "the plan of yesterday").expect("written");
    }
    let run = paper::dwctl(stack.path(), &arguments);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let file =
        |format: &str| std::fs::read_to_string(stack.path().join(format!("old.{format}"))).expect(format);
    for format in formats {
        let content = file(format);
        assert!(!content.contains("yesterday"), "{format}: {content}");
        let words = if format == "mermaid" { "There is no plan" } else { "displayname" };
        assert!(content.contains(words), "{format}: {content}");
        assert!(format != "html" || !content.contains("<b>"), "{content}");
    }
    assert!(
        file("markdown").starts_with("### dwctl plan · the stack is not valid\n"),
        "{}",
        file("markdown")
    );
    let json: serde_json::Value = serde_json::from_str(&file("json")).expect("JSON");
    assert_eq!(
        (&json["errored"], &json["diagnostics"][0]["range"]["start"]["line"]),
        (&true.into(), &7.into())
    );
    let sarif: serde_json::Value = serde_json::from_str(&file("sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
    // The error output of the last run is no plan, so the next run has nothing to compare with, and succeeds.
    std::fs::write(stack.path().join("stack.toml"), text("")).expect("written");
    let run = paper::dwctl(
        stack.path(),
        &["plan", "--offline", "--since", "old.json", "--output", "markdown=old.markdown"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(file("markdown").contains("sns_topic.a"), "{}", file("markdown"));
}

#[test]
fn an_obsolete_moved_block_is_reported() {
    let both = "[sns_topic.a]\nname = \"a\"\n[sns_topic.b]\nname = \"b\"\n";
    let moved = format!("{both}[[moved]]\nfrom = \"sns_topic.a\"\nto = \"sns_topic.b\"\n");
    let problems = Account::after(both).planned(&moved, &Selection::default()).expect_err("both exist");
    assert!(problems.contains("remove this block: the move is done"), "{problems}");
    assert!(!problems.contains("forget") && !problems.contains("still declared"), "{problems}");
    let (_, rest) = moved.split_once("[sns_topic.b]").expect("another");
    let rest = format!("[sns_topic.b]{rest}");
    let problems = Account::after(both).planned(&rest, &Selection::default()).expect_err("both exist");
    assert!(problems.contains("dwctl ledger forget 'sns_topic.a'"), "{problems}");
}

#[test]
fn errors_suggest_the_right_notation() {
    let topic = "[sns_topic.t]\nname = \"t\"\n";
    let each = "[sns_topic.t]\nfor_each = [\"a\", \"b\"]\nname = '${each.key}'\n";
    let with =
        |text: &str, output: &str| paper::problems(&format!("{text}[output.o]\nvalue = '${{{output}}}'\n"));
    for (shown, words) in [
        (with(topic, "sns_topic.t.id"), "did you mean `arn`?"),
        (with(each, "sns_topic.t.arn"), "write sns_topic.t[\"a\"].arn"),
        (with(each, "sns_topic.t.arn"), "[for one in values(sns_topic.t) : one.arn]"),
        (paper::problems(&each.replace("[\"a\", \"b\"]", "[1, 2]")), "its element 0 is a number"),
        (paper::problems(&each.replace("[\"a\", \"b\"]", "'${[\"a\", null]}'")), "its element 1 is null"),
    ] {
        assert!(shown.contains(words), "nothing of `{words}`: {shown}");
    }
    let stack = paper::folder(&[
        ("stack.toml", &paper::headed("[variable.retention]\ndefault = 1\n")),
        ("env/dev.toml", "retenton = 7\n[var]\nretention = 3\n"),
    ]);
    let run = paper::dwctl(stack.path(), &["validate", "--env", "dev"]);
    assert!(run.stderr.contains("write `name = value`, without a table"), "{}", run.stderr);
    assert!(run.stderr.contains("--> env/dev.toml:1:1\n"), "{}", run.stderr);
}
