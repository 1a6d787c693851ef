//! Differences in terms of their meaning: policies by grant, state machines by state, dashboards by widget,
//! and the risks of a change.

use dwctl::plan::{self, Allowed, Change, Detail, Plan, RiskLabel, Selection, Sign, consent, details};
use dwctl::schema::{normalize, path_text};
use dwctl::value::Value;
use proptest::prelude::*;

use crate::account::{Account, CLUSTER, JOB, ROLE, planned};

/// The plan's screen between an applied stack and a new one.
fn change(before: &str, after: &str) -> String {
    Account::after(before).plan(after, &Selection::default())
}

/// The details of the only resource that changes.
fn details_of(before: &str, after: &str) -> Vec<Detail> {
    let plan = planned(before, after);
    let changes: Vec<&Change> = plan.effective().collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    details(changes[0], None)
}

const TOPIC_POLICY: &str = r#"
[sns_topic.alerts]
name = "alerts"
[sns_topic.alerts.policy]
Version = "2012-10-17"
[[sns_topic.alerts.policy.Statement]]
Sid       = "Publish"
Effect    = "Allow"
Action    = "sns:Publish"
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

#[test]
fn a_policy_by_grant() {
    let after = ROLE
        .replace("\"s3:GetObject\", ", "\"s3:GetObject\", \"s3:PutObject\", ")
        .replace("\"arn:aws:s3:::lake\", ", "");
    insta::assert_snapshot!(change(ROLE, &after));
}

#[test]
fn a_narrower_policy_widens_no_access() {
    let wide = ROLE.replace("\"s3:GetObject\", \"s3:ListBucket\"", "\"s3:*\"");
    let plan = planned(&wide, ROLE);
    assert!(plan.risks().is_empty(), "{:?}", plan.risks());
    insta::assert_snapshot!(change(&wide, ROLE));
}

#[test]
fn the_order_of_a_policy_is_meaningless() {
    let after = ROLE
        .replace("[\"s3:GetObject\", \"s3:ListBucket\"]", "[\"s3:ListBucket\", \"s3:GetObject\"]")
        .replace(
            "Principal = { Service = \"glue.amazonaws.com\" }",
            "Principal = { Service = [\"glue.amazonaws.com\"] }",
        );
    assert!(planned(ROLE, &after).is_empty());
}

#[test]
fn a_public_resource_policy() {
    let after = TOPIC_POLICY
        .replace("{ Service = \"cloudwatch.amazonaws.com\" }", "\"*\"")
        .replace("Condition = { StringEquals = { \"aws:SourceAccount\" = \"111111111111\" } }\n", "");
    insta::assert_snapshot!(change(TOPIC_POLICY, &after));
}

#[test]
fn a_removed_deny_statement() {
    let (kept, _) = TOPIC_POLICY.rsplit_once("[[").expect("a second statement");
    insta::assert_snapshot!(change(TOPIC_POLICY, kept));
}

#[test]
fn changed_conditions() {
    let after = TOPIC_POLICY
        .replace(
            "\"aws:SourceAccount\" = \"111111111111\"",
            "\"aws:SourceAccount\" = [\"111111111111\", \"222222222222\"]",
        )
        .replace(
            "{ \"aws:SecureTransport\" = \"false\" }",
            "{ \"aws:SecureTransport\" = \"false\", \"aws:ViaAWSService\" = \"false\" }",
        );
    insta::assert_snapshot!(change(TOPIC_POLICY, &after));
}

#[test]
fn an_added_and_a_removed_policy() {
    let bare = "[sns_topic.alerts]\nname = \"alerts\"\n";
    let inline = ROLE.split_once("[iam_role.glue.inline_policies").expect("a policy").0.to_owned();
    insta::assert_snapshot!(format!("{}\n{}", change(&inline, ROLE), change(ROLE, &inline)));
    assert!(planned(bare, bare).is_empty());
}

const MACHINE: &str = r#"
[sfn_state_machine.load]
name     = "load"
role_arn = "arn:aws:iam::111111111111:role/load"
[sfn_state_machine.load.definition]
StartAt = "Extract"
[sfn_state_machine.load.definition.States.Extract]
Type     = "Task"
Resource = "arn:aws:states:::glue:startJobRun.sync"
Next     = "Good?"
Retry    = [
  { ErrorEquals = ["Glue.ConcurrentRunsExceededException"], MaxAttempts = 3 },
  { ErrorEquals = ["States.ALL"], MaxAttempts = 2 },
]
Catch    = [{ ErrorEquals = ["States.ALL"], Next = "Alert" }]
[sfn_state_machine.load.definition.States."Good?"]
Type    = "Choice"
Default = "Alert"
Choices = [{ Variable = "$.ok", BooleanEquals = true, Next = "Each" }]
[sfn_state_machine.load.definition.States.Each]
Type      = "Map"
End       = true
ItemsPath = "$.tables"
[sfn_state_machine.load.definition.States.Each.ItemProcessor]
StartAt = "Load"
[sfn_state_machine.load.definition.States.Each.ItemProcessor.States.Load]
Type           = "Task"
Resource       = "arn:aws:states:::aws-sdk:redshiftdata:executeStatement"
TimeoutSeconds = 300
End            = true
[sfn_state_machine.load.definition.States.Alert]
Type  = "Fail"
Error = "Failed"
"#;

#[test]
fn a_state_machine_by_state() {
    let after = MACHINE
        .replace("MaxAttempts = 3", "MaxAttempts = 5")
        .replace("  { ErrorEquals = [\"States.ALL\"], MaxAttempts = 2 },\n", "")
        .replace("Catch    = [{ ErrorEquals = [\"States.ALL\"], Next = \"Alert\" }]\n", "")
        .replace("Next     = \"Good?\"", "Next     = \"Wait\"")
        .replace("TimeoutSeconds = 300", "TimeoutSeconds = 600");
    let after = format!(
        "{after}[sfn_state_machine.load.definition.States.Wait]\nType = \"Wait\"\nSeconds = 5\nNext = \"Good?\"\n"
    );
    insta::assert_snapshot!(change(MACHINE, &after));
    let plan = planned(MACHINE, &after);
    let pictures = plan::pictures(plan.effective().next().expect("a change"));
    assert_eq!(pictures.len(), 1);
    insta::assert_snapshot!(pictures[0].1);
}

#[test]
fn a_dropped_retry_is_reported() {
    let after = MACHINE.replace("Retry    = [\n  { ErrorEquals = [\"Glue.ConcurrentRunsExceededException\"], MaxAttempts = 3 },\n  { ErrorEquals = [\"States.ALL\"], MaxAttempts = 2 },\n]\n", "");
    let details = details_of(MACHINE, &after);
    let words: Vec<&str> = details.iter().map(|one| one.part.as_str()).collect();
    assert_eq!(
        words,
        [
            "state Extract: retry on Glue.ConcurrentRunsExceededException, 3 attempts dropped",
            "state Extract: retry on States.ALL, 2 attempts dropped",
        ]
    );
    assert!(details.iter().all(|one| one.sign == Sign::Removed && one.attribute == "definition"));
}

#[test]
fn a_secret_in_a_state_machine_is_not_shown() {
    let with = |secret: &str, seconds: u32| {
        MACHINE
            .replace("TimeoutSeconds = 300", &format!("TimeoutSeconds = {seconds}"))
            .replace("Error = \"Failed\"", &format!("Error = '${{sensitive(\"{secret}\")}}'"))
    };
    for (before, after) in
        [(with("hunter2", 300), with("hunter3", 300)), (with("hunter2", 300), with("hunter2", 301))]
    {
        let plan = planned(&before, &after);
        let change = plan.effective().next().expect("a change");
        let text = format!("{:?}", details(change, None));
        assert!(!text.contains("hunter"), "{text}");
        assert!(!format!("{:?}", plan::pictures(change)).contains("hunter"));
    }
}

/// A key with a policy, and a warehouse's security group that lets an application in. Both refer to values
/// that AWS decides.
const REFERRING: &str = r#"
[kms_key.data]
description = "Data"
[iam_role.etl]
role_name = "etl"
assume_role_policy_document = { Version = "2012-10-17", Statement = [
  { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "glue.amazonaws.com" } },
] }
[iam_role.etl.inline_policies.keys]
Version = "2012-10-17"
Statement = [
  { Effect = "Allow", Action = ["kms:Decrypt"], Resource = "${kms_key.data.arn}" },
]
[ec2_security_group.app]
group_name  = "app"
description = "App"
vpc_id      = "vpc-1"
[ec2_security_group.warehouse]
group_name  = "warehouse"
description = "Warehouse"
vpc_id      = "vpc-1"
ingress = [
  { ip_protocol = "tcp", from_port = 5439, to_port = 5439, referenced_security_group_id = "${ec2_security_group.app.group_id}" },
]
"#;

/// The plan that replaces the key and the application's group.
fn replaced_plan(after: &str) -> Plan {
    let replace = vec!["kms_key.data".to_owned(), "ec2_security_group.app".to_owned()];
    let selection = Selection { replace, ..Selection::default() };
    let planned = Account::after(REFERRING).planned(after, &selection);
    planned.unwrap_or_else(|problems| panic!("{problems}"))
}

/// The reported access widenings, by address.
fn widened(plan: &Plan) -> Vec<String> {
    let risks = plan.risks().remove(&RiskLabel::Access).unwrap_or_default();
    risks.into_iter().map(|(address, words)| format!("{address}: {words}")).collect()
}

#[test]
fn a_replacement_widens_no_policy_that_names_it() {
    let plan = replaced_plan(REFERRING);
    assert_eq!(widened(&plan), Vec::<String>::new());
    insta::assert_snapshot!(plan::render(&plan, &plan::TextOptions::default()));
}

#[test]
fn wider_access_is_reported_beside_a_replacement() {
    for (from, to, expected) in [
        ("[\"kms:Decrypt\"]", "[\"kms:Decrypt\", \"kms:Encrypt\"]", "iam_role.etl: allows kms:Encrypt"),
        (
            "\"${kms_key.data.arn}\" }",
            "[\"${kms_key.data.arn}\", \"*\"] }",
            "iam_role.etl: allows kms:Decrypt",
        ),
        ("\"${kms_key.data.arn}\" }", "\"${kms_key.data.arn}*\" }", "iam_role.etl: allows kms:Decrypt"),
        ("from_port = 5439", "from_port = 0", "ec2_security_group.warehouse: opens tcp 0-5439 to"),
    ] {
        assert!(REFERRING.contains(from));
        let risks = widened(&replaced_plan(&REFERRING.replace(from, to)));
        assert!(risks.len() == 1 && risks[0].starts_with(expected), "{to}: {risks:?}");
    }
    // A different key widens access, whether or not a key is replaced.
    let other = REFERRING.replace("${kms_key.data.arn}", "${kms_key.other.arn}");
    let other = format!("{other}[kms_key.other]\ndescription = \"Other\"\n");
    assert_eq!(widened(&replaced_plan(&other)), ["iam_role.etl: allows kms:Decrypt"]);
}

const DASHBOARD: &str = r#"
[cloudwatch_dashboard.load]
dashboard_name = "load"
[[cloudwatch_dashboard.load.dashboard_body.widgets]]
type = "metric"
x = 0
y = 0
width = 12
height = 6
properties = { title = "Failures", region = "us-east-1", metrics = [["AWS/States", "ExecutionsFailed"], ["AWS/States", "ExecutionsAborted"]] }
[[cloudwatch_dashboard.load.dashboard_body.widgets]]
type = "text"
x = 12
y = 0
width = 6
height = 6
properties = { markdown = "Loads" }
"#;

#[test]
fn a_dashboard_by_widget() {
    let (first, second) = DASHBOARD.rsplit_once("[[").expect("two widgets");
    let (head, first) = first.split_once("[[").expect("a widget");
    // In another order: the first widget moved, one metric was removed, and one widget was added.
    let after = format!(
        "{head}[[{second}[[{}[[cloudwatch_dashboard.load.dashboard_body.widgets]]\ntype = \"alarm\"\nproperties = {{ title = \"Alarms\", alarms = [\"arn:aws:cloudwatch:us-east-1:111111111111:alarm:late\"] }}\n",
        first.replace("y = 0", "y = 6").replace(", [\"AWS/States\", \"ExecutionsAborted\"]", "")
    );
    insta::assert_snapshot!(change(DASHBOARD, &after));
}

#[test]
fn queues_by_name() {
    let before = r#"
[redshift_cluster_parameter_group.w]
parameter_group_name   = "w"
parameter_group_family = "redshift-1.0"
description            = "w"
wlm_json_configuration = [
  { name = "loads", query_group = ["load"], priority = "highest", queue_type = "auto", auto_wlm = true },
  { name = "bi", query_group = ["bi"], priority = "normal", queue_type = "auto", auto_wlm = true },
  { name = "Default queue", priority = "low", queue_type = "auto", auto_wlm = true },
]
"#;
    let after = before
        .replace("  { name = \"loads\"", "  { name = \"ad hoc\", query_group = [\"adhoc\"], priority = \"lowest\", queue_type = \"auto\", auto_wlm = true },\n  { name = \"loads\"")
        .replace("priority = \"normal\"", "priority = \"high\"");
    insta::assert_snapshot!(change(before, &after));
}

const GROUP: &str = r#"
[ec2_security_group.warehouse]
group_name  = "warehouse"
description = "Warehouse"
vpc_id      = "vpc-1"
ingress = [
  { ip_protocol = "tcp", from_port = 5439, to_port = 5439, cidr_ipv4 = "10.0.0.0/16", description = "VPC" },
  { ip_protocol = "tcp", from_port = 443, to_port = 443, referenced_security_group_id = "sg-1" },
]
"#;

#[test]
fn a_security_group_by_rule() {
    let after = GROUP
        .replace("10.0.0.0/16", "10.0.0.0/8")
        .replace("  { ip_protocol = \"tcp\", from_port = 443", "  { ip_protocol = \"tcp\", from_port = 22, to_port = 22, cidr_ipv4 = \"0.0.0.0/0\" },\n  { ip_protocol = \"tcp\", from_port = 443");
    insta::assert_snapshot!(change(GROUP, &after));
    let narrower = GROUP.replace("10.0.0.0/16", "10.0.1.0/24");
    assert!(planned(GROUP, &narrower).risks().is_empty());
}

#[test]
fn a_changed_rule_description_widens_no_access() {
    let found = details_of(GROUP, &GROUP.replace("\"VPC\"", "\"the VPC\""));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].part, "tcp 5439 to 10.0.0.0/16: description");
    assert!(found[0].risks.is_empty());
}

#[test]
fn a_new_group_that_is_open_to_the_world() {
    let open = GROUP.replace("10.0.0.0/16", "0.0.0.0/0");
    let plan = planned("", &open);
    let words = plan.risks().remove(&RiskLabel::Access).expect("a risk");
    assert_eq!(words[0].1, "opens tcp 5439 to the whole internet");
    assert!(planned("", GROUP).risks().is_empty());
}

#[test]
fn a_schedule_in_words_with_its_next_runs() {
    let rule =
        "[eventbridge_rule.nightly]\nname = \"nightly\"\nschedule_expression = \"cron(0 2 * * ? *)\"\n";
    let mut plan = planned(rule, &rule.replace("cron(0 2", "cron(0 3"));
    plan.now = Some("2026-11-24T09:30:00Z".parse().expect("a time"));
    insta::assert_snapshot!(plan::render(&plan, &plan::TextOptions::default()));
}

#[test]
fn a_long_text_by_hunk() {
    let text = |line: &str| {
        format!(
            "[s3_object.job]\nbucket = \"scripts-of-shop\"\nkey = \"job.py\"\ncontent = \"x\"\n[glue_job.orders]\nname = \"orders\"\nrole = \"glue\"\ncommand = {{ script_location = \"s3://a/b\" }}\ndescription = \"\"\"\none\ntwo\nthree\n{line}\nfive\nsix\nseven\n\"\"\"\n"
        )
    };
    insta::assert_snapshot!(change(&text("four"), &text("4")));
}

/// Named elements are shown in the order of the declaration, after the removed ones.
#[test]
fn named_elements_in_the_order_of_the_stack() {
    let bucket = |metrics: &[(&str, &str)]| {
        let metrics = metrics.iter().map(|(id, prefix)| {
            format!(
                "[[s3_bucket.lake.request_metrics]]\nid = \"{id}\"\nfilter = {{ prefix = \"{prefix}\" }}\n"
            )
        });
        format!("[s3_bucket.lake]\nbucket = \"lake\"\n{}", metrics.collect::<String>())
    };
    let before = bucket(&[("sales", "a/"), ("gone", "b/"), ("orders", "c/"), ("last", "d/")]);
    let after = bucket(&[("zeta", "z/"), ("sales", "A/"), ("orders", "C/"), ("alpha", "a/")]);
    let plan = planned(&before, &after);
    let mut paths: Vec<String> = Vec::new();
    for attribute in &plan.effective().next().expect("a change").attributes {
        let name = path_text(&attribute.path).split('.').nth(1).expect("a name").to_owned();
        if paths.last() != Some(&name) {
            paths.push(name);
        }
    }
    assert_eq!(paths, ["gone", "last", "zeta", "sales", "orders", "alpha"]);
}

#[test]
fn disabled_protections() {
    let before = "[s3_bucket.lake]\nbucket = \"lake-of-shop\"\ntls_only = true\nlogging = { target_bucket = \"logs-of-shop\" }\n[kms_key.data]\nenable_key_rotation = true\n[cloudwatchlogs_log_group.l]\nlog_group_name = \"l\"\nretention_in_days = 365\nkms_key_id = \"arn:aws:kms:us-east-1:111111111111:key/1\"\n";
    let after = "[s3_bucket.lake]\nbucket = \"lake-of-shop\"\npublic_access_block = { block_public_policy = false }\n[kms_key.data]\nenable_key_rotation = false\n[cloudwatchlogs_log_group.l]\nlog_group_name = \"l\"\nretention_in_days = 7\n";
    insta::assert_snapshot!(change(before, after));
    insta::assert_snapshot!(change(after, before));
}

/// A secret argument that was removed from the stack is in the open only at AWS.
#[test]
fn a_removed_secret_argument_is_not_shown() {
    let with =
        |arguments: &str| JOB.replace("\"--load\" = \"full\"", &format!("\"--load\" = \"full\"{arguments}"));
    let before = with(", \"--password\" = '${sensitive(\"hunter2\")}'");
    for after in [with(""), with(", \"--secret\" = '${sensitive(\"hunter2\")}'")] {
        let screen = change(&before, &after);
        assert!(screen.contains("--password") && !screen.contains("hunter"), "{screen}");
    }
}

fn refused(plan: &Plan, allowed: &Allowed) -> String {
    let problems = consent(plan, allowed).err().unwrap_or_default();
    dwctl::diag::render_all(&problems, &dwctl::diag::Sources::default(), false)
}

#[test]
fn irreversible_changes_need_consent() {
    let replaced = CLUSTER.replace("db_name              = \"dw\"", "db_name              = \"warehouse\"");
    let resized = CLUSTER.replace("number_of_nodes      = 2", "number_of_nodes      = 4");
    let nothing = Allowed::default();
    let mut screens = refused(&planned(CLUSTER, &replaced), &nothing);
    screens.push_str(&refused(&planned(CLUSTER, &resized), &nothing));
    let without_snapshot = format!("{CLUSTER}skip_final_snapshot = true\n");
    screens.push_str(&refused(&planned("[kms_key.data]\n", ""), &nothing));
    insta::assert_snapshot!(screens);
    // The consent that a plan needs is exactly that for its risks.
    let needs =
        |before: &str, after: &str| plan::needed(&planned(before, after)).into_iter().collect::<Vec<_>>();
    assert_eq!(needs(CLUSTER, &replaced), ["data-loss", "downtime"]);
    assert_eq!(needs(CLUSTER, &resized), ["downtime"]);
    assert_eq!(needs("[kms_key.data]\n", ""), ["destroy"]);
    assert_eq!(needs("", CLUSTER), Vec::<&str>::new());
    // Each risk is allowed by its own word only.
    let loss = Allowed { data_loss: true, ..Allowed::default() };
    let downtime = Allowed { downtime: true, ..Allowed::default() };
    let both = Allowed { data_loss: true, downtime: true, destroy: false };
    assert!(consent(&planned(CLUSTER, &replaced), &loss).is_err());
    assert!(consent(&planned(CLUSTER, &replaced), &both).is_ok());
    assert!(consent(&planned(CLUSTER, &resized), &loss).is_err());
    assert!(consent(&planned(CLUSTER, &resized), &downtime).is_ok());
    assert!(consent(&planned("[kms_key.data]\n", ""), &both).is_err());
    assert!(consent(&planned("[kms_key.data]\n", ""), &Allowed::everything()).is_ok());
    // Harmless changes and new resources need no consent.
    assert!(consent(&planned(JOB, &JOB.replace("= 60", "= 90")), &nothing).is_ok());
    assert!(consent(&planned("", &without_snapshot), &nothing).is_ok());
    assert!(consent(&planned(JOB, ""), &nothing).is_ok());
}

/// A document of few names and values, so that two of them have much in common.
fn document() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::json!("Allow")),
        Just(serde_json::json!("Deny")),
        Just(serde_json::json!("s3:GetObject")),
        Just(serde_json::json!("*")),
        Just(serde_json::json!(null)),
        any::<bool>().prop_map(Into::into),
        (0..3i64).prop_map(Into::into),
        "[a-c \n\"]{0,4}".prop_map(Into::into),
    ];
    let name = prop::sample::select(vec![
        "Statement",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "Principal",
        "Condition",
        "Sid",
        "States",
        "StartAt",
        "Next",
        "Retry",
        "Catch",
        "ErrorEquals",
        "Branches",
        "ItemProcessor",
        "Choices",
        "widgets",
        "properties",
        "title",
        "metrics",
        "x",
        "y",
        "type",
        "name",
        "query_group",
        "a",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| {
                serde_json::Value::Object(
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

/// Attributes with documents of every type.
const DOCUMENTS: [(&str, &str); 5] = [
    ("iam_policy", "policy_document"),
    ("sfn_state_machine", "definition"),
    ("cloudwatch_dashboard", "dashboard_body"),
    ("redshift_cluster_parameter_group", "wlm_json_configuration"),
    ("sns_topic", "delivery_policy"),
];

fn changed(kind: &str, attribute: &str, before: &Value, after: &Value) -> Change {
    let schema = &dwctl::kinds::kind(kind).expect("a kind").schema().spec;
    let spec = |value: &Value| normalize(schema, Value::map([(attribute, value.clone())]));
    let (before, after) = (spec(before), spec(after));
    let plan = planned(JOB, &JOB.replace("= 60", "= 90"));
    let mut change = plan.effective().next().expect("a change").clone();
    change.address = format!("{kind}.x").parse().expect("an address");
    change.attributes = plan::diff(schema, &before, &after);
    change
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn details_exist_exactly_if_values_differ(
        before in document(), after in document(), which in 0..DOCUMENTS.len()
    ) {
        let (kind, attribute) = DOCUMENTS[which];
        let (before, after) = (Value::from_json(&before), Value::from_json(&after));
        let change = changed(kind, attribute, &before, &after);
        let found = details(&change, None);
        prop_assert_eq!(found.is_empty(), change.attributes.is_empty(), "{:#?}", found);
        let _ = plan::pictures(&change);
        prop_assert!(details(&changed(kind, attribute, &before, &before), None).is_empty());
    }

    #[test]
    fn no_secret_is_shown(before in document(), after in document(), which in 0..DOCUMENTS.len()) {
        let (kind, attribute) = DOCUMENTS[which];
        let hide = |value: serde_json::Value| hidden(Value::from_json(&value));
        // AWS returns the stack's secret value in plain text.
        for (before, after) in [
            (hide(before.clone()).reveal(), hide(after.clone())),
            (hide(before.clone()).reveal(), hide(before.clone())),
            (hide(before.clone()), hide(after.clone())),
        ] {
            let change = changed(kind, attribute, &before, &after);
            let found = details(&change, None);
            // In attributes that are shown by path, the ledger identifies a removed secret.
            let whole = attribute != "delivery_policy";
            if after.contains_secret() && (whole || aligned(&before, &after)) {
                let words = format!("{found:?} {:?}", plan::pictures(&change));
                prop_assert!(!words.contains("hunter"), "{}", words);
            }
        }
    }
}

/// The same value with every `Allow` in it secret.
fn hidden(value: Value) -> Value {
    match value {
        Value::String(text) if text == "Allow" => Value::from("hunter2").into_secret(),
        Value::List(list) => Value::List(list.into_iter().map(hidden).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(name, value)| (name, hidden(value))).collect()),
        other => other,
    }
}

/// Returns whether everything that is secret on one side is secret or absent on the other.
fn aligned(before: &Value, after: &Value) -> bool {
    before.clone().reveal() == after.clone().reveal()
}
