//! The structure of the formats for programs.

use std::collections::BTreeSet;

use dwctl::plan::Selection;
use dwctl::plan::format::{Format, Options, render};
use serde_json::{Value as Json, json};

use super::corpus::{BUCKET, corpus};
use super::notation::{attribute, balanced, main_of};
use crate::account::{Account, CLUSTER, TOPIC};
use crate::paper;

#[test]
fn json_plans_have_the_structure_of_terraforms() {
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

/// The JSON of a case, and the change of one Terraform resource in it.
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

/// The fields that checkov's rules and common conftest policies read.
#[test]
fn json_plans_have_the_fields_that_policies_read() {
    let encryption = change_of("encryption_off", "aws_s3_bucket_server_side_encryption_configuration.lake");
    let algorithm = "/change/after/rule/0/apply_server_side_encryption_by_default/0/sse_algorithm";
    assert_eq!(encryption.pointer(algorithm), Some(&Json::from("AES256")), "{encryption:#}");
    assert_eq!(encryption["change"]["actions"], json!(["update"]));
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
    assert_eq!(cluster["change"]["actions"], json!(["delete", "create"]));
    assert_eq!(cluster["change"]["replace_paths"], json!([["database_name"]]));
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

/// A value that is only known after the apply is not in `after`. The configuration says that it is set, and
/// what it refers to, and still does so afterwards.
#[test]
fn references_are_in_the_configuration() {
    let plan = |account: Account, text: &str| {
        let plan = account.planned(text, &Selection::default()).expect("a plan");
        let json: Json =
            serde_json::from_str(&render(Format::Json, &plan, &Options::default())).expect("JSON");
        json["configuration"]["root_module"]["resources"].clone()
    };
    let text = BUCKET.replace("alias/lake", r#"${kms_key.lake[\"eu\"].arn}"#);
    let text = format!(
        "{text}[kms_key.lake]\nfor_each = [\"eu\"]\n{TOPIC}[redshift_cluster_subnet_group.w]\n\
         cluster_subnet_group_name = \"w\"\ndescription = \"W\"\n\
         subnet_ids = [\"subnet-1\", \"${{ec2_subnet.a.subnet_id}}\"]\n\
         [ec2_subnet.a]\nvpc_id = \"vpc-1\"\ncidr_block = \"10.0.0.0/24\"\n"
    );
    for account in [Account::after(""), Account::after(&text)] {
        let all = plan(account, &text);
        let expressions = |address: &str| {
            let one = all.as_array().expect("a list").iter().find(|one| one["address"] == address);
            one.unwrap_or_else(|| panic!("{address} is not in {all:#}"))["expressions"].clone()
        };
        let key = json!({ "references": ["aws_kms_key.lake[\"eu\"].arn", "aws_kms_key.lake[\"eu\"]"] });
        assert_eq!(
            expressions("aws_s3_bucket_server_side_encryption_configuration.lake")["rule"],
            json!([{ "apply_server_side_encryption_by_default": [{ "kms_master_key_id": key }] }])
        );
        assert_eq!(
            expressions("aws_sns_topic.alerts"),
            json!({ "kms_master_key_id": { "references": ["aws_kms_key.data.arn", "aws_kms_key.data"] } })
        );
        assert_eq!(
            expressions("aws_redshift_subnet_group.w"),
            json!({ "subnet_ids": { "references": ["aws_subnet.a.subnet_id", "aws_subnet.a"] } })
        );
    }
}

#[test]
fn sarif_is_valid() {
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

#[test]
fn pages_and_reports_are_well_formed_and_load_nothing() {
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
