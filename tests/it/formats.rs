//! Every format of a plan: snapshots over a corpus of plans, structure, limits, and that
//! nothing breaks out of a format or leaks into it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use dwctl::graph::Address;
use dwctl::kinds::KINDS;
use dwctl::plan::format::{Format, MARKDOWN_LIMIT, Options, render};
use dwctl::plan::review::Review;
use dwctl::plan::since::Snapshot;
use dwctl::plan::{Action, Change, Declared, Plan, Reason, RiskLabel, Selection, TextOptions, diff};
use dwctl::value::Value;
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::account::{Account, CLUSTER, JOB, ROLE, TOPIC};
use crate::paper;

/// A plan of the corpus.
struct Case {
    name: &'static str,
    plan: Plan,
    drift: bool,
}

impl Case {
    fn options(&self) -> Options {
        Options {
            text: TextOptions { drift: self.drift, ..TextOptions::default() },
            commands: vec!["dwctl apply . --env dev".to_owned()],
            ..Options::default()
        }
    }

    fn render(&self, format: Format) -> String {
        render(format, &self.plan, &self.options())
    }
}

const BUCKET: &str = r#"
[s3_bucket.lake]
bucket     = "shop-lake"
versioning = true
encryption = { sse_algorithm = "aws:kms", kms_master_key_id = "alias/lake" }
lifecycle_rules = [{ id = "old", noncurrent_version_expiration = { noncurrent_days = 30 } }]
"#;

const MACHINE: &str = r#"
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

const GROUP: &str = r#"
[ec2_security_group.warehouse]
group_name  = "warehouse"
description = "Warehouse"
vpc_id      = "vpc-1"
ingress     = [{ ip_protocol = "tcp", from_port = 5439, to_port = 5439, cidr_ipv4 = "10.0.0.0/8" }]
"#;

const LOGS: &str = r#"
[cloudwatchlogs_log_group.etl]
log_group_name    = "/etl"
retention_in_days = 30
metric_filters    = [{ filter_name = "errors", filter_pattern = "ERROR", metric_transformations = [{ metric_name = "Errors", metric_namespace = "ETL", metric_value = "1" }] }]
"#;

const TICKS: &str = r#"
[eventbridge_rule.nightly]
name                = "nightly"
schedule_expression = "cron(0 2 * * ? *)"
targets             = [{ id = "load", arn = "arn:aws:states:us-east-1:111111111111:stateMachine:load", role_arn = "arn:aws:iam::111111111111:role/ticks" }]
"#;

const SECRET: &str = r#"
[secretsmanager_secret.warehouse]
name          = "warehouse"
secret_string = "Correct-Horse-7"
"#;

const JOBS: &str = r#"
[glue_job.transform]
for_each          = ["orders", "products", "stock"]
name              = "${each.key}"
role              = "glue"
number_of_workers = 2
worker_type       = "G.1X"
command           = { script_location = "s3://lake/code.py" }
timeout_minutes   = 60
"#;

/// Notation of every format that its text must not become.
const HOSTILE: &str = "x</code></summary><script>alert(1)</script> @acme/admins #1 ```\n| a | b | `c` <img src=x onerror=alert(2)> --> ]]> %%{init}%% [link](https://evil.example) \u{1b}[2J\u{202e}";

/// One plan for each sort of change.
fn corpus() -> Vec<Case> {
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
    edit("entries_of_a_map", JOB, "\"--mode\" = \"full\"", "\"--mode\" = \"delta\", \"--new\" = \"1\"");
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
    add("gone_from_aws", Account::after(TOPIC).without("kms_key.data"), TOPIC, all());
    add("no_longer_declared", Account::after(&format!("{TOPIC}{JOB}")), TOPIC, all());
    let kept = format!("{TOPIC}[sns_topic.alerts.lifecycle]\nretain = true\n");
    add("forgotten", Account::after(&kept), "", all());
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
        change.imported = true;
    }
    cases.push(Case { name: "imported", plan: imported, drift: false });
    cases
}

/// A text as TOML writes it.
fn toml_text(text: &str) -> String {
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

/// The page between its head and its foot, which are the same for all.
fn main_of(page: &str) -> &str {
    let (_, rest) = page.split_once("<body>").expect("a body");
    rest.split_once("<footer>").expect("a footer").0
}

#[test]
fn every_format_of_every_sort_of_change() {
    let cases = corpus();
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut differing = Vec::new();
    for case in &cases {
        let json: Json = serde_json::from_str(&case.render(Format::Json)).expect("JSON");
        let mut told = String::new();
        let mut add = |title: &str, text: &str| {
            let _ = write!(told, "──── {title}\n{}\n", text.trim_end());
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
        if std::panic::catch_unwind(|| insta::assert_snapshot!(name, told)).is_err() {
            differing.push(case.name);
        }
    }
    assert!(differing.is_empty(), "these differ from their snapshots: {differing:?}");
}

#[test]
fn every_json_has_the_shape_of_terraforms() {
    let mut actions = BTreeSet::new();
    for case in corpus() {
        let json: Json = serde_json::from_str(&case.render(Format::Json)).expect("JSON");
        assert_eq!(json["format_version"], "1.2", "{}", case.name);
        for list in ["resource_changes", "resource_drift"] {
            for one in json[list].as_array().expect("a list") {
                for member in ["address", "type", "name", "provider_name"] {
                    assert!(one[member].is_string(), "{}: {member} of {one}", case.name);
                }
                assert_eq!(one["mode"], "managed");
                let resource = one["type"].as_str().expect("a type");
                let address = one["address"].as_str().expect("an address");
                assert!(
                    resource.starts_with("aws_") && address.starts_with(&format!("{resource}.")),
                    "{one}"
                );
                let change = &one["change"];
                for member in ["before", "after", "after_unknown", "before_sensitive", "after_sensitive"] {
                    assert!(change.get(member).is_some(), "{}: {member} of {one}", case.name);
                }
                let done = change["actions"].as_array().expect("actions");
                actions.extend(done.iter().filter_map(Json::as_str).map(str::to_owned));
                let is = |action: &str| done.contains(&Json::from(action));
                assert_eq!(change["before"].is_null(), is("create") && !is("delete"), "{}: {one}", case.name);
                assert_eq!(
                    change["after"].is_null(),
                    (is("delete") && !is("create")) || is("forget"),
                    "{}: {one}",
                    case.name
                );
                assert!(one["dwctl"]["address"].is_string());
            }
        }
        let addresses: Vec<&str> = json["resource_changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["address"].as_str().unwrap())
            .collect();
        assert_eq!(
            addresses.iter().collect::<BTreeSet<_>>().len(),
            addresses.len(),
            "{}: {addresses:?}",
            case.name
        );
        assert!(json["planned_values"]["root_module"]["resources"].is_array());
    }
    assert_eq!(actions, ["create", "delete", "forget", "no-op", "update"].map(str::to_owned).into());
}

/// The JSON of a case, and the change of a resource of Terraform in it.
fn change_of(case: &str, address: &str) -> Json {
    let case = corpus().into_iter().find(|one| one.name == case).expect("a case");
    let json: Json = serde_json::from_str(&case.render(Format::Json)).expect("JSON");
    let changes = json["resource_changes"].as_array().expect("changes");
    changes
        .iter()
        .find(|one| one["address"] == address)
        .unwrap_or_else(|| panic!("{address} is not in {json:#}"))
        .clone()
}

/// What checkov's rules and the usual policies of conftest read.
#[test]
fn policies_find_what_they_look_for() {
    let encryption = change_of("encryption_off", "aws_s3_bucket_server_side_encryption_configuration.lake");
    let algorithm = "/change/after/rule/0/apply_server_side_encryption_by_default/0/sse_algorithm";
    assert_eq!(encryption.pointer(algorithm), Some(&Json::from("AES256")), "{encryption:#}");
    assert_eq!(encryption["change"]["actions"], serde_json::json!(["update"]));
    let access = change_of("public_access_allowed", "aws_s3_bucket_public_access_block.lake");
    assert_eq!(access.pointer("/change/after/block_public_acls"), Some(&Json::from(false)));
    assert_eq!(access.pointer("/change/before/block_public_acls"), Some(&Json::from(true)));
    let group = change_of("security_group_opened", "aws_security_group.warehouse");
    assert_eq!(group.pointer("/change/after/ingress/0/cidr_blocks/0"), Some(&Json::from("0.0.0.0/0")));
    assert_eq!(group.pointer("/change/after/ingress/0/protocol"), Some(&Json::from("tcp")));
    let policy = change_of("policy_widened", "aws_iam_role_policy.glue[\"lake\"]");
    let document: Json =
        serde_json::from_str(policy.pointer("/change/after/policy").and_then(Json::as_str).expect("text"))
            .expect("JSON");
    assert!(document.to_string().contains("s3:*"), "{document}");
    let cluster = change_of("replace_with_data_loss", "aws_redshift_cluster.main");
    assert_eq!(cluster["change"]["actions"], serde_json::json!(["delete", "create"]));
    assert_eq!(cluster["change"]["replace_paths"], serde_json::json!([["database_name"]]));
    assert_eq!(cluster["action_reason"], "replace_because_cannot_update");
    assert_eq!(cluster.pointer("/change/after_sensitive/master_password"), Some(&Json::from(true)));
    assert_eq!(cluster.pointer("/change/after/master_password"), Some(&Json::from("(secret)")));
    let job = change_of("update_of_a_number", "aws_glue_job.orders");
    assert_eq!(
        job.pointer("/change/after/command/0/script_location"),
        Some(&Json::from("s3://lake/orders.py"))
    );
    assert_eq!(job.pointer("/change/after/number_of_workers"), Some(&Json::from(5)));
    assert_eq!(job.pointer("/change/before/number_of_workers"), Some(&Json::from(2)));
    let topic = change_of("first_apply", "aws_sns_topic.alerts");
    assert_eq!(topic.pointer("/change/after_unknown/kms_master_key_id"), Some(&Json::from(true)));
    assert_eq!(topic.pointer("/change/after/kms_master_key_id"), None);
}

/// The names in Terraform are those of its provider, as far as that was asked.
#[test]
fn every_kind_is_in_terraforms_words() {
    let data =
        std::fs::read_to_string(paper::root().join("tests/data/terraform_replaces.json")).expect("data");
    let data: Json = serde_json::from_str(&data).expect("JSON");
    let mut told = String::new();
    for kind in KINDS.iter() {
        let observed = &data["kinds"][kind.name()];
        let terraform = kind.terraform();
        assert_eq!(observed["resource"], terraform.resource, "{}", kind.name());
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
        let known: BTreeSet<&str> = ["replaces", "in_place"]
            .iter()
            .flat_map(|list| observed[*list].as_array().into_iter().flatten())
            .filter_map(|name| name.as_str().and_then(|name| name.split('.').next()))
            .collect();
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
        let _ = writeln!(told, "{} → {}: {}", kind.name(), terraform.resource, unknown.join(", "));
    }
    // What is listed has another shape there, a resource of its own, or no twin.
    insta::assert_snapshot!(told);
}

#[test]
fn every_sarif_is_one() {
    for case in corpus() {
        let json: Json = serde_json::from_str(&case.render(Format::Sarif)).expect("JSON");
        assert_eq!(json["version"], "2.1.0");
        let run = &json["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        for result in run["results"].as_array().expect("results") {
            let rule = &rules[result["ruleIndex"].as_u64().expect("an index") as usize];
            assert_eq!(rule["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{result}");
            assert_eq!(place["artifactLocation"]["uri"], "stack.toml");
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }
    // The line of the attribute, not of the resource.
    let case = corpus().into_iter().find(|one| one.name == "replace_with_data_loss").expect("a case");
    let json: Json = serde_json::from_str(&case.render(Format::Sarif)).expect("JSON");
    let results = json["runs"][0]["results"].as_array().expect("results");
    let loss = results.iter().find(|one| one["ruleId"] == "dwctl/data-loss").expect("a result");
    let line = loss
        .pointer("/locations/0/physicalLocation/region/startLine")
        .and_then(Json::as_u64)
        .expect("a line");
    let text = paper::headed(
        &CLUSTER.replace("db_name              = \"dw\"", "db_name              = \"warehouse\""),
    );
    assert!(text.lines().nth(line as usize - 1).is_some_and(|line| line.starts_with("db_name")), "{line}");
}

/// Whether every tag that is opened is closed, in order: of XML, or of HTML with its void
/// elements.
fn balanced(text: &str) -> Result<(), String> {
    const VOID: [&str; 4] = ["meta", "br", "input", "!DOCTYPE"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        if before.contains('>') && !open.is_empty() {
            return Err(format!("`>` in the text {before:?}"));
        }
        let mut quote = None;
        let end = after
            .char_indices()
            .find(|&(_, one)| match (quote, one) {
                (None, '>') => true,
                (None, '"') => {
                    quote = Some('"');
                    false
                }
                (Some(mark), one) if mark == one => {
                    quote = None;
                    false
                }
                _ => false,
            })
            .map(|(at, _)| at)
            .ok_or("a tag without an end")?;
        let tag = &after[..end];
        rest = &after[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.starts_with('?') || tag.ends_with('/') || VOID.contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            match open.pop() {
                Some(opened) if opened == name => {}
                other => return Err(format!("</{name}> closes {other:?}")),
            }
        } else {
            open.push(name.to_owned());
            // Text as it stands, until its end.
            if name == "script" || name == "style" {
                let at = rest.find(&format!("</{name}>")).ok_or("no end")?;
                rest = &rest[at..];
            }
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are not closed")) }
}

#[test]
fn every_page_and_report_is_well_formed_and_safe() {
    use base64::Engine;
    use sha2::Digest;
    let marked =
        regex::Regex::new(r#"<[a-z][^>]*\s(src|srcset|on[a-z]+|style|action)\s*="#).expect("a pattern");
    for case in corpus() {
        let report = case.render(Format::Junit);
        balanced(&report).unwrap_or_else(|problem| panic!("{}: {problem}\n{report}", case.name));
        let tests = report.matches("<testcase ").count();
        assert!(report.contains(&format!("tests=\"{tests}\"")), "{report}");
        assert_eq!(
            report.matches("<failure ").count().to_string(),
            attribute(&report, "failures"),
            "{report}"
        );

        let page = case.render(Format::Html);
        balanced(&page).unwrap_or_else(|problem| panic!("{}: {problem}", case.name));
        let policy = attribute(&page, "http-equiv=\"Content-Security-Policy\" content");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for element in ["script", "style"] {
            assert_eq!(page.matches(&format!("<{element}")).count(), 1, "{}: {element}", case.name);
            let inner = page.split_once(&format!("<{element}>")).expect("one").1;
            let inner = inner.split_once(&format!("</{element}>")).expect("its end").0;
            let hash =
                base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(inner.as_bytes()));
            assert!(policy.contains(&format!("{element}-src 'sha256-{hash}'")), "{element}: {policy}");
        }
        // Nothing is fetched: no source, and no link that leaves the page.
        assert!(!marked.is_match(main_of(&page)), "{}: {:?}", case.name, marked.find(main_of(&page)));
        assert_eq!(page.matches("href=\"").count(), page.matches("href=\"#r").count(), "{}", case.name);
    }
}

fn attribute(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {text}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Markdown without what stands in code, where nothing is notation.
fn outside_of_code(text: &str) -> String {
    let mut plain = String::new();
    let mut fence: Option<String> = None;
    let code = regex::Regex::new("<code>[^<]*</code>").expect("a pattern");
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|one| *one == '`').collect();
        match &fence {
            Some(open) if ticks.len() >= open.len() && line.trim() == ticks => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                let html = code.replace_all(line, "");
                let mut rest = html.as_ref();
                while let Some(start) = rest.find('`') {
                    plain.push_str(&rest[..start]);
                    let run = rest[start..].chars().take_while(|one| *one == '`').count();
                    let after = &rest[start + run..];
                    let mut end = None;
                    let mut at = 0;
                    while let Some(next) = after[at..].find('`') {
                        let length = after[at + next..].chars().take_while(|one| *one == '`').count();
                        if length == run {
                            end = Some(at + next + length);
                            break;
                        }
                        at += next + length;
                    }
                    rest = &after[end.unwrap_or_else(|| panic!("code without an end: {line}"))..];
                }
                plain.push_str(rest);
                plain.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is left open:\n{text}");
    plain
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

#[test]
fn twenty_secrets_are_in_no_format() {
    let mut stack = String::new();
    let mut secrets: Vec<String> = Vec::new();
    let mut secret = || {
        let text = format!("Pl4nted-{}-x{}", secrets.len(), secrets.len() * 7919);
        secrets.push(text.clone());
        text
    };
    let variables: Vec<String> = (0..10).map(|_| secret()).collect();
    for (index, value) in variables.iter().enumerate() {
        let _ = write!(stack, "[variable.v{index}]\nsensitive = true\ndefault = \"{value}\"\n");
    }
    for index in 0..5 {
        let _ = write!(
            stack,
            "[secretsmanager_secret.s{index}]\nname = \"s{index}\"\ndescription = \"${{var.v{index}}}\"\nsecret_string = \"{}\"\n",
            secret()
        );
    }
    for index in 0..5 {
        let _ = write!(
            stack,
            "[glue_job.j{index}]\nname = \"j{index}\"\nrole = \"r\"\ncommand = {{ script_location = \"s3://a/b\" }}\n\
             default_arguments = {{ \"--password\" = \"${{var.v{}}}\", \"--plain\" = \"1\" }}\n\
             source_control_details = {{ auth_strategy = \"PERSONAL_ACCESS_TOKEN\", auth_token = \"{}\" }}\n",
            index + 5,
            secret()
        );
    }
    stack
        .push_str("[sns_topic.t]\nname = \"t\"\ndisplay_name = \"${var.v0}\"\n[output]\no = \"${var.v2}\"\n");
    assert_eq!(secrets.len(), 20);
    let other = stack.replace("Pl4nted", "Ch4nged").replace("\"--plain\" = \"1\"", "\"--plain\" = \"2\"");
    let destroy = Selection { destroy: true, ..Selection::default() };
    let account = || Account::after(&stack);
    let drifted = (0..5).fold(account(), |account, index| {
        account.set(&format!("secretsmanager_secret.s{index}"), "description", "x")
    });
    let plans = [
        ("created", Account::after("").planned(&stack, &Selection::default())),
        ("changed", account().planned(&other, &Selection::default())),
        ("unchanged", account().planned(&stack, &Selection::default())),
        ("destroyed", account().planned(&stack, &destroy)),
        ("no longer declared", account().planned("", &Selection::default())),
        ("drifted", drifted.planned(&stack, &Selection::default())),
    ];
    for (name, plan) in plans {
        let plan = plan.expect("a plan");
        for drift in [false, true] {
            let plan = if drift { plan.clone().drift() } else { plan.clone() };
            let case = Case { name, plan, drift };
            for format in Format::ALL {
                let mut options = case.options();
                options.text.details = true;
                let text = render(format, &case.plan, &options);
                for secret in &secrets {
                    let changed = secret.replace("Pl4nted", "Ch4nged");
                    assert!(
                        !text.contains(secret) && !text.contains(&changed),
                        "{secret} is in {} of {name}",
                        format.name()
                    );
                }
            }
        }
    }
}

/// A plan of many changes of all sorts, made by hand.
fn many(count: usize) -> Plan {
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
        // No two the same, so that nothing can be told at once.
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

#[test]
fn a_comment_on_5_000_changes_fits_and_says_what_it_leaves_out() {
    let plan = many(5_000);
    let began = Instant::now();
    let text = render(
        Format::Markdown,
        &plan,
        &Options { commands: vec!["dwctl apply".to_owned()], ..Options::default() },
    );
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(text.len() <= MARKDOWN_LIMIT, "{}", text.len());
    assert!(text.len() > MARKDOWN_LIMIT * 9 / 10, "room is wasted: {}", text.len());
    let plain = outside_of_code(&text);
    assert!(plain.contains("A comment holds 65,536 characters. Not named here: "), "{plain}");
    assert!(text.trim_end().ends_with("```") && text.contains("dwctl apply\n"), "the commands are there");
    // What loses data is named to the last, before anything else is.
    let review = Review::new(&plan, false);
    let grave: Vec<&Change> = review.at_risk(RiskLabel::DataLoss).map(|item| item.change).collect();
    let key = |change: &&Change| format!("[\"{}\"]", change.address.key.as_deref().unwrap_or_default());
    let named = grave.iter().filter(|change| text.contains(&key(change))).count();
    assert!(named > 250, "{named} of {}", grave.len());
    assert!(!text.contains("update in place"), "less grave ones are named, and {named} of {}", grave.len());
}

#[test]
fn a_comment_drops_details_before_names() {
    let plan = many(500);
    let text = render(Format::Markdown, &plan, &Options::default());
    assert!(text.len() <= MARKDOWN_LIMIT, "{}", text.len());
    let plain = outside_of_code(&text);
    assert!(plain.contains("Without their details: ") && !plain.contains("Not named here"), "{plain}");
    for change in &plan.changes {
        if matches!(change.action, Action::Delete | Action::Replace { .. }) {
            assert!(text.contains(change.address.key.as_deref().unwrap_or_default()), "{}", change.address);
        }
    }
}

#[test]
fn all_formats_of_1_000_changes_are_small_and_quick() {
    let plan = many(1_000);
    let began = Instant::now();
    for format in Format::ALL {
        let text = render(format, &plan, &Options::default());
        let most = if format == Format::Json { 12_000_000 } else { 3_000_000 };
        assert!(text.len() < most, "{}: {} bytes", format.name(), text.len());
    }
    // Unoptimised, beside other tests: what would be quadratic takes minutes.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn what_is_new_since_the_last_push_is_said_first() {
    let before = format!("{JOB}{TOPIC}");
    let first = format!("{}{TOPIC}{BUCKET}", JOB.replace("number_of_workers = 2", "number_of_workers = 5"));
    let second = format!("{}{TOPIC}{LOGS}", JOB.replace("number_of_workers = 2", "number_of_workers = 9"));
    let account = Account::after(&before);
    let plan = |text: &str| account.planned(text, &Selection::default()).expect("a plan");
    let json = render(Format::Json, &plan(&first), &Options::default());
    let since = Some(Snapshot::parse(&json).expect("a plan's JSON"));
    let told = |text: &str, format| {
        render(format, &plan(text), &Options { since: since.clone(), ..Options::default() })
    };
    insta::assert_snapshot!(told(&second, Format::Text).lines().take(5).collect::<Vec<_>>().join("\n"));
    let comment = told(&second, Format::Markdown);
    assert!(comment.contains("**Since the plan before**: 1 new · 1 changed · 1 gone\n- new: `cloudwatchlogs_log_group.etl` `create`\n"), "{comment}");
    assert!(told(&second, Format::Html).contains("Since the plan before</b>: 1 new"));
    assert!(told(&first, Format::Text).starts_with("Since the plan before: nothing\n"));
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
    assert!(run.stdout.starts_with("Since the plan before: nothing\n"), "{}", run.stdout);
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

/// Text with the notation of every format in it.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "a",
            "é",
            " ",
            "\n",
            "`",
            "```",
            "<",
            ">",
            "&",
            "\"",
            "'",
            "|",
            "@a",
            "#1",
            "-->",
            "]]>",
            "%%{",
            "${",
            "\u{1b}",
            "\u{202e}",
            "\u{fffe}",
            "*",
            "_",
            "</details>",
            "<script>",
            "\\",
            "[",
            "]",
        ]),
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9i64..9).prop_map(Value::from),
        text().prop_map(Value::from),
        Just(Value::unknown("kms_key.data", "arn")),
        text().prop_map(|text| Value::from(format!("hunter2{text}")).into_secret()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map(text(), inner, 0..3).prop_map(Value::Map),
        ]
    })
}

/// A change of any kind between any two values of its attributes, however wrong.
fn change() -> impl Strategy<Value = Change> {
    (
        0..KINDS.len(),
        prop::collection::vec((any::<prop::sample::Index>(), value(), value()), 0..5),
        0..7usize,
        text(),
    )
        .prop_map(|(kind, fields, action, name)| {
            let kind = &KINDS[kind];
            let schema = &kind.schema().spec;
            let names: Vec<&String> = schema.fields().expect("a table").keys().collect();
            let (mut before, mut after) =
                (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
            for (index, one, other) in fields {
                let name = index.get(&names).to_string();
                before.insert(name.clone(), one);
                after.insert(name, other);
            }
            let (existing, wanted) = (Value::Map(before), Value::Map(after));
            let attributes = diff(schema, &existing, &wanted);
            let action = [
                Action::NoOp,
                Action::Create,
                Action::Update,
                Action::Replace { create_first: true },
                Action::Replace { create_first: false },
                Action::Delete,
                Action::Forget,
            ][action];
            let live = (action != Action::Create).then(|| dwctl::kind::ErasedLive {
                spec: Value::Null,
                attrs: Value::Map(Default::default()),
                tags: [(name.clone(), name.clone())].into(),
                state: dwctl::kind::State::Ready,
            });
            Change {
                address: Address {
                    kind: kind.name().to_owned(),
                    name: "x".to_owned(),
                    key: Some(name.clone()),
                },
                action,
                reason: Reason::Forced(attributes.iter().map(|one| one.path.clone()).collect()),
                id: Some(name.clone()),
                region: name.clone(),
                needs: Default::default(),
                deferred: Default::default(),
                moved_from: None,
                imported: false,
                attributes,
                live,
                existing,
                wanted,
                kept: None,
                wanted_tags: [(name.clone(), Value::from(name.clone()))].into(),
                declared: Some(Declared { file: name.into(), line: 1, attributes: Default::default() }),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_format_panics_breaks_or_leaks(changes in prop::collection::vec(change(), 0..4), stack in text()) {
        let plan = Plan {
            stack: stack.clone(),
            env: stack,
            account_id: None,
            revisions: None,
            region: "us-east-1".to_owned(),
            now: None,
            deposed: Vec::new(),
            outputs: [("o".to_owned(), Value::from("hunter2").into_secret())].into(),
            outputs_before: [("o".to_owned(), Some(Value::from("hunter2")))].into(),
            changes,
        };
        for drift in [false, true] {
            let plan = if drift { plan.clone().drift() } else { plan.clone() };
            for format in Format::ALL {
                let options = Options { text: TextOptions { drift, details: true, ..TextOptions::default() }, ..Options::default() };
                let text = render(format, &plan, &options);
                prop_assert!(!text.contains("hunter2"), "{} leaks:\n{text}", format.name());
                prop_assert!(!text.chars().any(|one| one != '\n' && one.is_control() || one == '\u{202e}'), "{}", format.name());
                match format {
                    Format::Json | Format::Sarif => drop(serde_json::from_str::<Json>(&text).expect("JSON")),
                    Format::Html | Format::Junit => prop_assert_eq!(balanced(&text), Ok(()), "{}", text),
                    Format::Markdown => {
                        let plain = outside_of_code(&text);
                        prop_assert!(!plain.contains('@') && !plain.contains("<script"), "{plain}");
                        prop_assert!(text.len() <= MARKDOWN_LIMIT);
                    }
                    Format::Text | Format::Mermaid => {}
                }
            }
        }
    }
}
