//! Attributes removed from a stack that AWS chose before: AWS's default is restored, or the plan says once
//! that the value stays.

use std::collections::BTreeMap;

use dwctl::kinds::{KINDS, kind};
use dwctl::plan::Selection;
use dwctl::schema::{Node, Shape};
use serde_json::Value as Json;
use toml::Table;

use crate::account::Account;
use crate::harness::Project;
use crate::kind_file;

const STAYS: &str = "no longer declared, stays as it is";

fn chosen(node: &Node, path: &str, found: &mut BTreeMap<String, String>) {
    match &node.shape {
        Shape::Map(element) => chosen(element, &format!("{path}.*"), found),
        // The path of an element is not stable.
        Shape::List { element, .. } => {
            let mut within = BTreeMap::new();
            chosen(element, path, &mut within);
            assert_eq!(within, BTreeMap::new(), "AWS's choice in a list");
        }
        _ => {}
    }
    for (name, field) in node.fields().into_iter().flatten() {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if field.marks.aws_default {
            let decision = match () {
                () if field.marks.derived => "derived",
                () if field.restored.is_some() => "restored",
                () => "stays",
            };
            found.insert(below.clone(), decision.to_owned());
        } else {
            assert!(field.restored.is_none(), "{below}: a default that nothing restores");
        }
        chosen(field, &below, found);
    }
}

#[test]
fn every_attribute_has_a_decision() {
    for (kind, file) in kind_file::all() {
        let mut found = BTreeMap::new();
        chosen(&self::kind(kind).expect("a kind").schema().spec, "", &mut found);
        assert_eq!(file.removed, found, "`[removed]` of tests/kinds/{kind}.toml");
    }
}

/// Every restored default is a valid value of its attribute.
#[test]
fn every_default_fits_its_attribute() {
    fn visit(node: &Node, path: &str) {
        for (name, field) in node.fields().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if let Some(restored) = &field.restored {
                assert_eq!(dwctl::schema::validate(field, &restored.value, ""), [], "{path}");
                for beside in restored.with.iter().chain(&restored.without) {
                    assert!(
                        node.fields().is_some_and(|fields| fields.contains_key(beside)),
                        "{path}: {beside}"
                    );
                }
            }
            visit(field, &path);
        }
    }
    KINDS.iter().for_each(|kind| visit(&kind.schema().spec, kind.name()));
}

/// Each attribute that an example or a life's step declares is removed. The plan must not say that nothing
/// changes.
#[test]
fn every_removed_attribute_is_reported() {
    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, file) in kind_file::all().filter(|(_, file)| !file.removed.is_empty()) {
        let kind = kind(name).expect("a kind");
        let example: Table = kind.example().parse().expect("TOML");
        let steps = file.life.change.iter().chain(&file.life.replace);
        let variants = [Table::new()].into_iter().chain(steps.map(|step| step.set.clone()));
        for set in variants {
            let mut with = example.clone();
            file.life.extend(&mut with);
            own(&mut with, name).extend(set);
            let before = toml::to_string(&with).expect("TOML");
            for (path, decision) in &file.removed {
                let mut without = with.clone();
                // A declared default is the same as an absent attribute.
                let declared = declared(own(&mut without, name), path);
                let default = default(&kind.schema().spec, path);
                if declared.is_some() && declared == default {
                    continue;
                }
                if !remove(own(&mut without, name), path) {
                    continue;
                }
                let after = toml::to_string(&without).expect("TOML");
                let Ok(account) = std::panic::catch_unwind(|| Account::after(&before)) else { continue };
                let selection = Selection::default();
                let Ok(plan) = account.planned(&after, &selection) else { continue };
                let text = dwctl::plan::render(&plan, &dwctl::plan::TextOptions::default());
                let address = format!("{name}.example");
                let change = plan.changes.iter().find(|change| change.address.to_string() == address);
                let change = change.expect("a change");
                assert!(!change.attributes.is_empty(), "{address} without {path}\n{text}");
                let stays = decision == "stays";
                assert_eq!(text.contains(STAYS), stays, "{address} without {path}\n{text}");
                assert!(!text.contains("outside dwctl"), "{address} without {path}\n{text}");
                seen.entry(name).or_default().push(path.clone());
            }
        }
    }
    let count: usize = seen.values().map(|paths| paths.len()).sum();
    assert!(count >= 25, "only {count} were tried: {seen:?}");
}

fn own<'t>(stack: &'t mut Table, kind: &str) -> &'t mut Table {
    let kind = stack.get_mut(kind).and_then(toml::Value::as_table_mut).expect("the kind");
    kind.get_mut("example").and_then(toml::Value::as_table_mut).expect("the example")
}

fn declared(table: &Table, path: &str) -> Option<Json> {
    match path.split_once('.') {
        None => table.get(path).and_then(|value| serde_json::to_value(value).ok()),
        Some((name, rest)) => declared(table.get(name)?.as_table()?, rest),
    }
}

fn default(node: &Node, path: &str) -> Option<Json> {
    match path.split_once('.') {
        None => node.fields()?.get(path)?.restored.as_ref()?.value.to_json().ok(),
        Some((name, rest)) => default(node.fields()?.get(name)?, rest),
    }
}

fn remove(table: &mut Table, path: &str) -> bool {
    match path.split_once('.') {
        None => table.remove(path).is_some(),
        Some(("*", rest)) => {
            let tables = table.iter_mut().filter_map(|(_, inner)| inner.as_table_mut());
            // Removes it from each table; one removal is enough to count.
            tables.map(|inner| usize::from(remove(inner, rest))).sum::<usize>() > 0
        }
        Some((name, rest)) => {
            table.get_mut(name).and_then(toml::Value::as_table_mut).is_some_and(|inner| remove(inner, rest))
        }
    }
}

const BASE: &str = r#"
[stack]
name = "taken"
region = "us-east-1"

[ec2_vpc.v]
cidr_block = "10.0.0.0/16"

[iam_role.glue]
role_name = "glue"
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "glue.amazonaws.com" }, Action = "sts:AssumeRole" }] }
"#;

fn stack(egress: &str, policy: &str, key_policy: &str, timeout: &str) -> String {
    format!(
        "{BASE}
[ec2_security_group.g]
group_name = \"g\"
description = \"g\"
vpc_id = \"${{ec2_vpc.v.vpc_id}}\"
{egress}
[sns_topic.t]
name = \"t\"
{policy}
[kms_key.k]
description = \"k\"
{key_policy}
[glue_job.j]
name = \"j\"
role = \"${{iam_role.glue.arn}}\"
command = {{ script_location = \"s3://scripts/j.py\" }}
{timeout}
"
    )
}

/// Policies that let another account in, and closed egress, go back to AWS's defaults. A timeout stays, which
/// is reported once, in every format.
#[test]
fn a_removed_attribute_is_restored_or_reported_once() {
    let written = stack(
        "egress = [{ ip_protocol = \"tcp\", from_port = 443, to_port = 443, cidr_ipv4 = \"0.0.0.0/0\" }]",
        "policy = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Principal = { AWS = \"arn:aws:iam::999999999999:root\" }, Action = \"sns:Publish\", Resource = \"arn:aws:sns:us-east-1:123456789012:t\" }] }",
        "key_policy = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Principal = { AWS = [\"123456789012\", \"999999999999\"] }, Action = \"kms:*\", Resource = \"*\" }] }",
        "timeout_minutes = 60",
    );
    let project = Project::new(&written);
    project.apply();
    project.settled();

    project.write(&stack("", "", "", ""));
    project.run(&["drift"]).exits(0).says("No drift");
    let plan = project.run(&[
        "plan",
        "--output",
        "json=p.json",
        "--output",
        "markdown=p.md",
        "--output",
        "html=p.html",
    ]);
    let plan = plan.exits(0).says("4 to update").says("timeout_minutes").says(&format!("{STAYS}: 60"));
    assert!(plan.stdout.contains("999999999999"), "{plan}");
    assert!(!plan.stdout.contains("outside dwctl"), "{plan}");
    for file in ["p.json", "p.md", "p.html"] {
        let text = std::fs::read_to_string(project.stack().join(file)).expect(file);
        assert!(text.contains(STAYS), "{file}: {text}");
    }
    let json = std::fs::read_to_string(project.stack().join("p.json")).expect("a plan");
    let json: Json = serde_json::from_str(&json).expect("JSON");
    let changes = json["resource_changes"].as_array().expect("changes");
    let job = changes
        .iter()
        .find(|one| one["address"].as_str().is_some_and(|one| one.contains("job")))
        .expect("the job");
    assert_eq!(job["change"]["actions"], serde_json::json!(["update"]), "{job}");

    project.apply().says("4 updated");
    project.settled();
    project.run(&["drift"]).exits(0);
    for (address, attribute) in [("sns_topic.t", "policy"), ("kms_key.k", "key_policy")] {
        let live = project.live(address).expect("it exists");
        let policy = format!("{:?}", live.spec.get(attribute));
        assert!(policy.contains("123456789012") && !policy.contains("999999999999"), "{address}: {policy}");
    }
    let egress = project.live("ec2_security_group.g").expect("it exists");
    let egress = egress.spec.get("egress").and_then(|egress| egress.as_list()).expect("rules").to_vec();
    assert_eq!(egress.len(), 1);
    assert_eq!(egress[0].get("ip_protocol").and_then(|protocol| protocol.as_str()), Some("-1"));
    let job = project.live("glue_job.j").expect("it exists");
    assert_eq!(job.spec.get("timeout_minutes"), Some(&dwctl::value::Value::from(60)));

    // No outgoing traffic is allowed, and the stack does not mention the default.
    project.write(&written);
    project.apply();
    project.write(&stack("revoke_all_egress = true", "", "", ""));
    let plan = project.run(&["plan"]).exits(0).says("revoke_all_egress");
    assert!(!plan.stdout.contains("0.0.0.0/0 "), "{plan}");
}
