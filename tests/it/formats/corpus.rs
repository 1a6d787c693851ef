//! The corpus: a plan for each type of change, and large plans made of them.

use std::fmt::Write;

use dwctl::graph::Address;
use dwctl::plan::format::{Format, Options, render};
use dwctl::plan::{Change, Origin, Plan, Selection, TextOptions};
use dwctl::value::Value;

use crate::account::{Account, CLUSTER, JOB, ROLE, TOPIC};

/// A plan of the corpus.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) plan: Plan,
    pub(crate) drift: bool,
}

impl Case {
    pub(crate) fn options(&self) -> Options {
        Options {
            text: TextOptions { drift: self.drift, ..TextOptions::default() },
            commands: vec!["dwctl apply . --env dev".to_owned()],
            ..Options::default()
        }
    }

    pub(crate) fn render(&self, format: Format) -> String {
        render(format, &self.plan, &self.options())
    }
}

pub(crate) const BUCKET: &str = r#"
[s3_bucket.lake]
bucket     = "shop-lake"
versioning = true
encryption = { sse_algorithm = "aws:kms", kms_master_key_id = "alias/lake" }
lifecycle_rules = [{ id = "old", noncurrent_version_expiration = { noncurrent_days = 30 } }]
"#;

pub(crate) const MACHINE: &str = r#"
[sfn_state_machine.load]
name     = "load"
role_arn = "arn:aws:iam::111111111111:role/load"
[sfn_state_machine.load.definition]
StartAt = "Load"
[sfn_state_machine.load.definition.States.Load]
Type     = "Task"
Resource = "arn:aws:states:::glue:startJobRun.sync"
Next     = "Done"
Retry    = [{ ErrorEquals = ["States.ALL"], MaxAttempts = 3 }]
[sfn_state_machine.load.definition.States.Done]
Type = "Succeed"
"#;

/// A waiting loop, a failing branch, and nested machines.
const WAITING: &str = r#"
[sfn_state_machine.load]
name     = "load"
role_arn = "arn:aws:iam::111111111111:role/load"
[sfn_state_machine.load.definition]
StartAt = "Start statement"
[sfn_state_machine.load.definition.States."Start statement"]
Type     = "Task"
Resource = "arn:aws:states:::aws-sdk:redshiftdata:executeStatement"
Next     = "Wait"
Catch    = [{ ErrorEquals = ["States.TaskFailed"], Next = "Alert" }]
[sfn_state_machine.load.definition.States.Wait]
Type    = "Wait"
Seconds = 30
Next    = "Describe"
[sfn_state_machine.load.definition.States.Describe]
Type     = "Task"
Resource = "arn:aws:states:::aws-sdk:redshiftdata:describeStatement"
Next     = "Finished?"
[sfn_state_machine.load.definition.States."Finished?"]
Type    = "Choice"
Default = "Wait"
Choices = [
  { Variable = "$.Status", StringEquals = "FINISHED", Next = "Each table" },
  { Or = [{ Variable = "$.Status", StringEquals = "FAILED" }, { Variable = "$.Error", IsPresent = true }], Next = "Alert" },
]
[sfn_state_machine.load.definition.States."Each table"]
Type      = "Map"
ItemsPath = "$.tables"
End       = true
[sfn_state_machine.load.definition.States."Each table".ItemProcessor]
StartAt = "Copy"
[sfn_state_machine.load.definition.States."Each table".ItemProcessor.States.Copy]
Type     = "Task"
Resource = "arn:aws:states:::glue:startJobRun.sync"
End      = true
[sfn_state_machine.load.definition.States.Alert]
Type     = "Task"
Resource = "arn:aws:states:::sns:publish"
Next     = "Failed"
[sfn_state_machine.load.definition.States.Failed]
Type  = "Fail"
Error = "LoadFailed"
"#;

pub(crate) const GROUP: &str = r#"
[ec2_security_group.warehouse]
group_name  = "warehouse"
description = "Warehouse"
vpc_id      = "vpc-1"
ingress     = [{ ip_protocol = "tcp", from_port = 5439, to_port = 5439, cidr_ipv4 = "10.0.0.0/8" }]
"#;

pub(crate) const LOGS: &str = r#"
[cloudwatchlogs_log_group.etl]
log_group_name    = "/etl"
retention_in_days = 30
metric_filters    = [{ filter_name = "errors", filter_pattern = "ERROR", metric_transformations = [{ metric_name = "Errors", metric_namespace = "ETL", metric_value = "1" }] }]
"#;

pub(crate) const TICKS: &str = r#"
[eventbridge_rule.nightly]
name                = "nightly"
schedule_expression = "cron(0 2 * * ? *)"
targets             = [{ id = "load", arn = "arn:aws:states:us-east-1:111111111111:stateMachine:load", role_arn = "arn:aws:iam::111111111111:role/ticks" }]
"#;

pub(crate) const SECRET: &str = r#"
[secretsmanager_secret.warehouse]
name          = "warehouse"
secret_string = "Correct-Horse-7"
"#;

pub(crate) const KEY: &str = r#"
[kms_key.data]
description = "Data at rest"
key_policy  = { Version = "2012-10-17", Statement = [
  { Sid = "Admin", Effect = "Allow", Principal = { AWS = "arn:aws:iam::111111111111:root" }, Action = "kms:*", Resource = "*" },
  { Sid = "Use", Effect = "Allow", Principal = { AWS = ["arn:aws:iam::111111111111:role/etl"] }, Action = ["kms:Decrypt"], Resource = "*" },
] }
"#;

const SCRIPT: &str = r#"
[s3_object.script]
bucket = "shop-lake"
key    = "orders.py"
"#;

const BUCKET_POLICY: &str = r#"
[s3_bucket.lake.policy]
Version   = "2012-10-17"
Statement = [{ Sid = "Read", Effect = "Allow", Principal = { AWS = "arn:aws:iam::111111111111:role/etl" }, Action = "s3:GetObject", Resource = "arn:aws:s3:::shop-lake/*" }]
"#;

const TOPIC_POLICY: &str = r#"
[sns_topic.alerts.policy]
Version   = "2012-10-17"
Statement = [
  { Sid = "Alarms", Effect = "Allow", Principal = { Service = "cloudwatch.amazonaws.com" }, Action = "sns:Publish", Resource = "*" },
  { Sid = "Plain", Effect = "Deny", Principal = "*", Action = "sns:Publish", Resource = "*", Condition = { Bool = { "aws:SecureTransport" = "false" } } },
]
"#;

/// The statement that forbids plain HTTP.
const BAN: &str = "  { Sid = \"Plain\", Effect = \"Deny\", Principal = \"*\", Action = \"sns:Publish\", Resource = \"*\", Condition = { Bool = { \"aws:SecureTransport\" = \"false\" } } },\n";

const DASHBOARD: &str = r#"
[cloudwatch_dashboard.ops]
dashboard_name = "ops"
dashboard_body = { widgets = [{ type = "metric", x = 0, y = 0, width = 6, height = 6, properties = { region = "us-east-1", title = "Failures", metrics = [["AWS/States", "ExecutionsFailed"], ["AWS/States", "ExecutionsAborted"]] } }] }
"#;

const ALARM: &str = r#"
[cloudwatch_alarm.late]
alarm_name          = "late"
metric_name         = "ExecutionTime"
namespace           = "AWS/States"
statistic           = "Maximum"
period              = 300
evaluation_periods  = 1
threshold           = 3600.0
comparison_operator = "GreaterThanThreshold"
alarm_actions       = ["arn:aws:sns:us-east-1:111111111111:alerts"]
"#;

const QUEUES: &str = r#"
[redshift_cluster_parameter_group.warehouse]
parameter_group_name   = "warehouse"
parameter_group_family = "redshift-2.0"
description            = "Warehouse"
wlm_json_configuration = [{ name = "bi", query_group = ["bi"], priority = "high", queue_type = "auto", auto_wlm = true }, { name = "rest", queue_type = "auto", auto_wlm = true }]
"#;

/// The subscribers of the topic.
const LOADS: &str = r#"
[sns_subscription.mail]
topic_arn = "${sns_topic.alerts.arn}"
protocol  = "email"
endpoint  = "data@acme.example"

[cloudwatch_alarm.late]
alarm_name          = "late"
metric_name         = "ExecutionTime"
namespace           = "AWS/States"
statistic           = "Maximum"
period              = 300
evaluation_periods  = 1
threshold           = 3600.0
comparison_operator = "GreaterThanThreshold"
alarm_actions       = ["${sns_topic.alerts.arn}"]
"#;

pub(crate) const JOBS: &str = r#"
[glue_job.transform]
for_each          = ["orders", "products", "stock"]
name              = "${each.key}"
role              = "glue"
number_of_workers = 2
worker_type       = "G.1X"
command           = { script_location = "s3://lake/code.py" }
timeout_minutes   = 60
"#;

/// Notation of every format, which must stay plain text in each.
pub(crate) const HOSTILE: &str = "x</code></summary><script>alert(1)</script> @acme/admins #1 ```\n| a | b | `c` <img src=x onerror=alert(2)> --> ]]> %%{init}%% [link](https://evil.example) \u{1b}[2J\u{202e}";

/// One plan for each type of change.
pub(crate) fn corpus() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name, account: Account, text: &str, selection: Selection| {
        let plan = account.planned(text, &selection).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        cases.push(Case { name, plan, drift: false });
    };
    let all = Selection::default;
    let replaced = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in\n{text}");
        text.replace(from, to)
    };
    let mut edit = |name, text: &str, from: &str, to: &str| {
        add(name, Account::after(text), &replaced(text, from, to), all());
    };
    edit("update_of_a_number", JOB, "number_of_workers = 2", "number_of_workers = 5");
    edit("attribute_added", JOB, "connections", "description = \"Orders\"\nconnections");
    edit("attribute_removed", JOB, "timeout_minutes   = 60\n", "");
    edit("entries_of_a_map", JOB, "\"--load\" = \"full\"", "\"--load\" = \"delta\", \"--new\" = \"1\"");
    edit("list_in_order", JOB, "[\"warehouse\"]", "[\"warehouse\", \"lake\"]");
    edit("set_of_arns", CLUSTER, "role/load", "role/unload");
    edit("keyed_list", LOGS, "\"ERROR\"", "\"?ERROR ?FATAL\"");
    edit("keyed_list_renamed", LOGS, "\"errors\"", "\"failures\"");
    edit("retention_cut", LOGS, "= 30", "= 7");
    edit("tags", TOPIC, "{ team = \"data\" }", "{ team = \"platform\", cost = \"7\" }");
    edit(
        "replace_with_data_loss",
        CLUSTER,
        "db_name              = \"dw\"",
        "db_name              = \"warehouse\"",
    );
    edit("downtime", CLUSTER, "number_of_nodes      = 2", "number_of_nodes      = 4");
    edit("secret_changed", CLUSTER, "Correct-Horse-7", "Battery-Staple-8");
    edit("secret_text_changed", SECRET, "Correct-Horse-7", "Battery-Staple-8");
    edit("policy_widened", ROLE, "\"s3:GetObject\", ", "\"s3:GetObject\", \"s3:*\", ");
    edit("policy_trust", ROLE, "glue.amazonaws.com", "lambda.amazonaws.com");
    edit(
        "state_machine_retry_dropped",
        MACHINE,
        "Retry    = [{ ErrorEquals = [\"States.ALL\"], MaxAttempts = 3 }]\n",
        "",
    );
    edit("security_group_opened", GROUP, "10.0.0.0/8", "0.0.0.0/0");
    edit("schedule_moved", TICKS, "cron(0 2", "cron(0 3");
    edit(
        "target_added",
        TICKS,
        "targets             = [",
        "targets             = [{ id = \"other\", arn = \"arn:aws:sns:us-east-1:111111111111:t\" }, ",
    );
    edit(
        "encryption_off",
        BUCKET,
        "sse_algorithm = \"aws:kms\", kms_master_key_id = \"alias/lake\"",
        "sse_algorithm = \"AES256\"",
    );
    edit(
        "public_access_allowed",
        BUCKET,
        "versioning = true\n",
        "versioning = true\npublic_access_block = { block_public_acls = false, block_public_policy = false }\n",
    );
    edit("versioning_off", BUCKET, "versioning = true\n", "versioning = false\n");
    edit(
        "identical_changes_of_a_declaration",
        JOBS,
        "timeout_minutes   = 60",
        "timeout_minutes   = 90\nmax_retries       = 2",
    );
    edit("key_gone", JOBS, ", \"stock\"", "");
    edit(
        "long_text",
        &format!(
            "{JOB}description = \"{} by night\"\n",
            "Loads the orders of every shop into the warehouse; ".repeat(6)
        ),
        "by night",
        "by day",
    );
    let keyless =
        TOPIC.replace("kms_master_key_id = \"${kms_key.data.arn}\"\n", "kms_master_key_id = \"alias/old\"\n");
    edit(
        "unknown_after_creation",
        &keyless,
        "\"alias/old\"",
        "\"${kms_key.new.arn}\"\n[kms_key.new]\ndescription = \"New\"",
    );
    edit("another_region", TOPIC, "[sns_topic.alerts]", "[sns_topic.alerts]\nregion = \"eu-west-1\"");
    edit(
        "new_one_first",
        &format!("{TOPIC}[sns_topic.alerts.lifecycle]\ncreate_before_destroy = true\n"),
        "= \"alerts\"",
        "= \"alarms\"",
    );
    edit(
        "control_characters",
        JOB,
        "connections ",
        "description = \"a\\u001b[2Jb\\u202Ec\\u0007\"\nconnections ",
    );
    edit("key_policy", &format!("{KEY}\n"), "role/etl\"", "role/etl\", \"arn:aws:iam::999999999999:root\"");
    edit(
        "bucket_policy_public",
        &format!(
            "{BUCKET}public_access_block = {{ block_public_policy = false, restrict_public_buckets = false }}\n{BUCKET_POLICY}"
        ),
        "{ AWS = \"arn:aws:iam::111111111111:role/etl\" }",
        "\"*\"",
    );
    edit("topic_policy_ban_gone", &format!("{TOPIC}{TOPIC_POLICY}"), BAN, "");
    edit("policy_narrowed", ROLE, "\"s3:GetObject\", \"s3:ListBucket\"", "\"s3:GetObject\"");
    edit(
        "policy_in_another_order",
        ROLE,
        "\"s3:GetObject\", \"s3:ListBucket\"",
        "\"s3:ListBucket\", \"s3:GetObject\"",
    );
    let retried = "Retry    = [{ ErrorEquals = [\"States.ALL\"], MaxAttempts = 3 }]\n";
    edit(
        "state_added",
        MACHINE,
        &format!("Next     = \"Done\"\n{retried}"),
        &format!(
            "Next     = \"Check\"\n{retried}[sfn_state_machine.load.definition.States.Check]\nType = \"Wait\"\nSeconds = 60\nNext = \"Done\"\n"
        ),
    );
    edit("dashboard_widget", DASHBOARD, ", [\"AWS/States\", \"ExecutionsAborted\"]", "");
    edit(
        "alarm_action_removed",
        ALARM,
        "alarm_actions       = [\"arn:aws:sns:us-east-1:111111111111:alerts\"]\n",
        "",
    );
    edit("queue_priority", QUEUES, "\"high\"", "\"low\"");
    edit("cost_up", JOB, "G.1X", "G.2X");
    let rebuilt = WAITING
        .replace("Seconds = 30", "Seconds = 60")
        .replace("Next = \"Alert\" },\n]", "Next = \"Failed\" },\n]")
        .replace(
            "startJobRun.sync\"\nEnd      = true\n",
            "startJobRun.sync\"\nNext     = \"Count\"\n[sfn_state_machine.load.definition.States.\"Each table\".ItemProcessor.States.Count]\nType = \"Pass\"\nEnd  = true\n",
        );
    add("state_machine_rebuilt", Account::after(WAITING), &rebuilt, all());
    let hostile = toml_text(HOSTILE);
    let stack =
        format!("{TOPIC}\n[glue_workflow.x]\nname = \"x\"\ndefault_run_properties = {{ a = \"1\" }}\n");
    let hostile_stack = stack
        .replace("{ a = \"1\" }", &format!("{{ {hostile} = {hostile} }}"))
        .replace("description = \"Data at rest\"", &format!("description = {hostile}"))
        .replace("{ team = \"data\" }", &format!("{{ team = \"data\", note = {hostile} }}"));
    add("injection", Account::after(&stack), &hostile_stack, all());
    add("nothing", Account::after(TOPIC), TOPIC, all());
    add("first_apply", Account::after(""), &format!("{TOPIC}{ROLE}{JOB}{BUCKET}"), all());
    add("block_of_keys_gone", Account::after(JOBS), "", all());
    add(
        "turned_off",
        Account::after(&format!("{TOPIC}{JOBS}")),
        &format!(
            "{}{}",
            TOPIC.replace("[sns_topic.alerts]", "[sns_topic.alerts]\nwhen = false"),
            JOBS.replace("for_each          = [\"orders\", \"products\", \"stock\"]\n", "")
                .replace("${each.key}", "all")
        ),
        all(),
    );
    let archive = "lifecycle_rules = [{ id = \"archive\", transitions = [{ days = 30, storage_class = \"STANDARD_IA\" }, { days = 90, storage_class = \"GLACIER\" }] }, ";
    add("table_added", Account::after(BUCKET), &replaced(BUCKET, "lifecycle_rules = [", archive), all());
    add("gone_from_aws", Account::after(TOPIC).without("kms_key.data"), TOPIC, all());
    let used = format!("{LOADS}{TOPIC}");
    add("replaced_with_dependents", Account::after(&used), &used.replace("\"alerts\"", "\"alarms\""), all());
    add("key_destroyed", Account::after(TOPIC), &keyless[keyless.find("[sns_topic").expect("it")..], all());
    add("no_longer_declared", Account::after(&format!("{TOPIC}{JOB}")), TOPIC, all());
    let kept = format!("{TOPIC}[sns_topic.alerts.lifecycle]\nretain = true\n");
    add("forgotten", Account::after(&kept), "", all());
    let born = |account: Account| {
        account.change("redshift_cluster.main", |live| {
            live.incarnation = Some("2026-01-02T03:04:05.678Z".to_owned())
        })
    };
    add("cluster_destroyed", born(Account::after(CLUSTER)), "", all());
    let brief = format!("{SECRET}recovery_window_days = 7\n{CLUSTER}final_snapshot_retention_period = 30\n");
    add("what_stays_of_it", born(Account::after(&brief)), "", all());
    let written = |text: &str| format!("{SCRIPT}content = {}\n", toml_text(text));
    add(
        "content_by_hand",
        Account::after(&written("a")).set("s3_object.script", "checksum_sha256", "other"),
        &written("a"),
        all(),
    );
    add(
        "everything_destroyed",
        Account::after(&format!("{TOPIC}{JOB}")),
        &format!("{TOPIC}{JOB}"),
        Selection { destroy: true, ..all() },
    );
    add(
        "replace_asked_for",
        Account::after(TOPIC),
        TOPIC,
        Selection { replace: vec!["kms_key.data".to_owned()], ..all() },
    );
    let outputs = |words: &str, secret: &str| {
        format!(
            "{TOPIC}[output]\nwords = {words}\nname = \"${{sns_topic.alerts.name}}\"\nkey = \"${{kms_key.data.arn}}\"\n\
             [output.hidden]\nvalue = '${{sensitive(\"{secret}\")}}'\nsensitive = true\n"
        )
    };
    let output = outputs("\"${sns_topic.alerts.display_name}\"", "Correct-Horse-7");
    add(
        "outputs_change",
        Account::after(&format!("{output}[output.gone]\nvalue = \"x\"\n")),
        &format!(
            "{}[output.new]\nvalue = {}\n",
            outputs("\"${sns_topic.alerts.display_name}\"", "Battery-Staple-8")
                .replace("\"Alerts\"", "\"News\""),
            toml_text(HOSTILE)
        ),
        Selection { replace: vec!["kms_key.data".to_owned()], ..all() },
    );
    let moved = format!(
        "{}\n[[moved]]\nfrom = \"glue_job.orders\"\nto = \"glue_job.sales\"\n",
        replaced(JOB, "glue_job.orders", "glue_job.sales")
    );
    add("moved", Account::after(JOB), &moved, all());
    add(
        "triggered",
        Account::after(&format!(
            "{TOPIC}{JOB}[glue_job.orders.lifecycle]\nreplace_triggered_by = [\"sns_topic.alerts\"]\n"
        )),
        &format!("{TOPIC}{JOB}[glue_job.orders.lifecycle]\nreplace_triggered_by = [\"sns_topic.alerts\"]\n")
            .replace("\"Alerts\"", "\"Alarms\""),
        all(),
    );
    let by_hand = || {
        Account::after(&format!("{JOB}{TOPIC}"))
            .set("glue_job.orders", "timeout_minutes", 120)
            .set("glue_job.orders", "number_of_workers", 9)
            .change("sns_topic.alerts", |live| {
                live.tags.insert("owner".to_owned(), "somebody".to_owned());
            })
    };
    let edited = format!("{}{TOPIC}", replaced(JOB, "number_of_workers = 2", "number_of_workers = 3"));
    add("drift_and_both", by_hand(), &edited, all());
    let drift = by_hand().without("kms_key.data").planned(&edited, &all()).expect("a plan").drift();
    cases.push(Case { name: "drift_alone", plan: drift, drift: true });
    let mut imported = Account::after(JOB).planned(JOB, &all()).expect("a plan");
    for change in &mut imported.changes {
        change.origin = Origin::Import;
    }
    cases.push(Case { name: "imported", plan: imported, drift: false });
    cases
}

/// A text as TOML writes it.
pub(crate) fn toml_text(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // It would begin an expression.
            '%' => quoted.push_str("%%"),
            one if one.is_control() || one == '\u{202e}' => {
                let _ = write!(quoted, "\\u{:04X}", one as u32);
            }
            one => quoted.push(one),
        }
    }
    quoted.replace("%%%%{", "%%{") + "\""
}

/// A hand-made plan of many changes of all types.
pub(crate) fn many(count: usize) -> Plan {
    let base = corpus();
    let of = |name: &str| base.iter().find(|case| case.name == name).expect("a case").plan.clone();
    let names = [
        "first_apply",
        "update_of_a_number",
        "replace_with_data_loss",
        "policy_widened",
        "state_machine_retry_dropped",
        "no_longer_declared",
        "encryption_off",
        "drift_and_both",
        "long_text",
    ];
    let pool: Vec<Change> =
        names.iter().flat_map(|name| of(name).effective().cloned().collect::<Vec<_>>()).collect();
    let mut plan = of("nothing");
    plan.changes.clear();
    let mut last: Option<Address> = None;
    for index in 0..count {
        let mut change = pool[index % pool.len()].clone();
        change.address =
            Address { name: format!("n{}", index / 3), key: Some(format!("k{index}")), ..change.address };
        change.needs = last.iter().cloned().collect();
        last = (index % 11 != 0).then(|| change.address.clone());
        // Each value is unique, so that changes cannot be grouped.
        if let Some(one) = change.attributes.first_mut() {
            one.after = one
                .after
                .clone()
                .filter(Value::contains_secret)
                .or(Some(Value::from(format!("value {index}"))));
        }
        plan.changes.push(change);
    }
    plan
}
