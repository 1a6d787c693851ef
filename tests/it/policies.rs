//! Tools that read Terraform's plans can read ours: checkov, and Rego policies as evaluated by conftest and
//! OPA. They find each planted fault, and nothing once it is fixed.

use std::collections::BTreeSet;

use dwctl::plan::Selection;
use dwctl::plan::format::{Format, Options, render};
use serde_json::{Value as Json, json};

use crate::account::Account;
use crate::tools;

/// A stack that violates none of the rules, with its prerequisites.
const SOUND: &str = r#"
[kms_key.data]
description         = "Data at rest"
enable_key_rotation = true
key_policy          = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::111111111111:root" }, Action = "kms:*", Resource = "*" }] }
tags                = { team = "data" }

[s3_bucket.lake]
bucket              = "shop-lake"
versioning          = true
encryption          = { sse_algorithm = "aws:kms", kms_master_key_id = "${kms_key.data.arn}" }
public_access_block = { block_public_acls = true, block_public_policy = true, ignore_public_acls = true, restrict_public_buckets = true }
logging             = { target_bucket = "shop-logs", target_prefix = "lake/" }
notification        = { event_bridge = true }
lifecycle_rules     = [{ id = "old", noncurrent_version_expiration = { noncurrent_days = 30 }, abort_incomplete_multipart_upload = { days_after_initiation = 7 } }]
policy              = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::111111111111:role/etl" }, Action = "s3:GetObject", Resource = "arn:aws:s3:::shop-lake/*" }] }
tags                = { team = "data" }

[ec2_security_group.warehouse]
group_name  = "warehouse"
description = "Warehouse"
vpc_id      = "vpc-1"
ingress     = [{ ip_protocol = "tcp", from_port = 22, to_port = 22, cidr_ipv4 = "10.0.0.0/8", description = "Admins" }]
tags        = { team = "data" }

[sns_topic.alerts]
name              = "alerts"
kms_master_key_id = "${kms_key.data.arn}"
tags              = { team = "data" }

[redshift_cluster.main]
cluster_identifier        = "dw"
node_type                 = "ra3.xlplus"
db_name                   = "shop"
master_username           = "root_of_dw"
manage_master_password    = true
kms_key_id                = "${kms_key.data.arn}"
encrypted                 = true
enhanced_vpc_routing      = true
publicly_accessible       = false
cluster_subnet_group_name = "warehouse"
vpc_security_group_ids    = ["${ec2_security_group.warehouse.group_id}"]
logging                   = { log_destination_type = "cloudwatch", log_exports = ["connectionlog", "userlog"] }
tags                      = { team = "data" }

[iam_policy.load]
policy_name     = "load"
policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = ["arn:aws:s3:::shop-lake/*"] }] }
tags            = { team = "data" }

[secretsmanager_secret.warehouse]
name          = "warehouse"
secret_string = "Correct-Horse-7"
kms_key_id    = "${kms_key.data.arn}"
tags          = { team = "data" }

[cloudwatchlogs_log_group.etl]
log_group_name    = "/etl"
retention_in_days = 400
kms_key_id        = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
tags              = { team = "data" }
"#;

/// A fault: the original text, its replacement, and checkov's findings by check and address.
type Fault = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const FAULTS: &[Fault] = &[
    ("enable_key_rotation = true\n", "", &[("CKV_AWS_7", "aws_kms_key.data")]),
    ("versioning          = true\n", "", &[("CKV_AWS_21", "aws_s3_bucket.lake")]),
    (
        "{ sse_algorithm = \"aws:kms\", kms_master_key_id = \"${kms_key.data.arn}\" }",
        "{ sse_algorithm = \"AES256\" }",
        &[("CKV_AWS_145", "aws_s3_bucket.lake")],
    ),
    (
        "block_public_policy = true, ignore_public_acls = true",
        "block_public_policy = false, ignore_public_acls = false",
        &[
            ("CKV2_AWS_6", "aws_s3_bucket.lake"),
            ("CKV_AWS_54", "aws_s3_bucket_public_access_block.lake"),
            ("CKV_AWS_55", "aws_s3_bucket_public_access_block.lake"),
        ],
    ),
    (
        "Principal = { AWS = \"arn:aws:iam::111111111111:role/etl\" }, Action = \"s3:GetObject\"",
        "Principal = \"*\", Action = \"s3:GetObject\"",
        &[("CKV_AWS_70", "aws_s3_bucket_policy.lake")],
    ),
    (
        "logging             = { target_bucket = \"shop-logs\", target_prefix = \"lake/\" }\n",
        "",
        &[("CKV_AWS_18", "aws_s3_bucket.lake")],
    ),
    ("10.0.0.0/8", "0.0.0.0/0", &[("CKV_AWS_24", "aws_security_group.warehouse")]),
    (
        "name              = \"alerts\"\nkms_master_key_id = \"${kms_key.data.arn}\"\n",
        "name = \"alerts\"\n",
        &[("CKV_AWS_26", "aws_sns_topic.alerts")],
    ),
    (
        "publicly_accessible       = false",
        "publicly_accessible       = true",
        &[("CKV_AWS_87", "aws_redshift_cluster.main")],
    ),
    (
        "logging                   = { log_destination_type = \"cloudwatch\", log_exports = [\"connectionlog\", \"userlog\"] }\n",
        "",
        &[("CKV_AWS_71", "aws_redshift_cluster.main")],
    ),
    (
        "[\"s3:GetObject\"], Resource = [\"arn:aws:s3:::shop-lake/*\"]",
        "[\"*\"], Resource = [\"*\"]",
        &[
            ("CKV_AWS_62", "aws_iam_policy.load"),
            ("CKV2_AWS_40", "aws_iam_policy.load"),
            ("CKV_AWS_286", "aws_iam_policy.load"),
            ("CKV_AWS_287", "aws_iam_policy.load"),
            ("CKV_AWS_288", "aws_iam_policy.load"),
            ("CKV_AWS_289", "aws_iam_policy.load"),
            ("CKV_AWS_290", "aws_iam_policy.load"),
            ("CKV_AWS_355", "aws_iam_policy.load"),
            ("CKV_AWS_63", "aws_iam_policy.load"),
        ],
    ),
    ("retention_in_days = 400", "retention_in_days = 7", &[("CKV_AWS_338", "aws_cloudwatch_log_group.etl")]),
];

/// Rules for features that this stack lacks on purpose: copies in another region, and a function that
/// rotates the secret.
const LEFT_OUT: &str = "CKV_AWS_144,CKV2_AWS_57";

fn faulty() -> String {
    let mut text = SOUND.to_owned();
    for (sound, fault, _) in FAULTS {
        assert_eq!(text.matches(sound).count(), 1, "{sound}");
        text = text.replace(sound, fault);
    }
    text
}

fn plan(account: &Account, text: &str) -> String {
    let plan = account.planned(text, &Selection::default()).unwrap_or_else(|problems| panic!("{problems}"));
    render(Format::Json, &plan, &Options::default())
}

/// The failed checks of checkov, each with its address.
fn checkov(plan: &str) -> BTreeSet<(String, String)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("plan.json");
    std::fs::write(&file, plan).expect("written");
    let file = file.to_str().expect("text");
    let arguments = ["--framework", "terraform_plan", "--skip-download", "--compact", "--output", "json"];
    let rest = ["--skip-check", LEFT_OUT, "--file", file];
    let done = tools::run("checkov", &[&arguments[..], &rest].concat());
    let report: Json = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", tools::words(&done)));
    assert_eq!(report["summary"]["parsing_errors"], 0, "{report:#}");
    assert!(report["summary"]["passed"].as_u64().is_some_and(|passed| passed > 20), "{report:#}");
    let failed = report["results"]["failed_checks"].as_array().expect("a list");
    let text = |one: &Json, member: &str| one[member].as_str().expect("text").to_owned();
    failed.iter().map(|one| (text(one, "check_id"), text(one, "resource"))).collect()
}

#[test]
fn checkov_finds_exactly_the_planted_faults() {
    let none = Account::after("");
    let sound = Account::after(SOUND);
    let planted: BTreeSet<(String, String)> = FAULTS
        .iter()
        .flat_map(|(_, _, found)| {
            found.iter().map(|(check, place)| ((*check).to_owned(), (*place).to_owned()))
        })
        .collect();
    // For a first apply, in which keys are still unknown, and for a later one.
    assert_eq!(checkov(&plan(&none, SOUND)), BTreeSet::new());
    assert_eq!(checkov(&plan(&none, &faulty())), planted);
    assert_eq!(checkov(&plan(&sound, &faulty())), planted);
    // A plan that fixes the faults has no findings.
    assert_eq!(checkov(&plan(&Account::after(&faulty()), SOUND)), BTreeSet::new());
}

/// The result of a policy's rule for a plan.
fn rego(policies: &[&str], rule: &str, plan: &str) -> Json {
    let mut engine = regorus::Engine::new();
    for policy in policies {
        let path = crate::paper::root().join("tests/it/rego").join(policy);
        engine.add_policy_from_file(path).unwrap_or_else(|error| panic!("{policy}: {error}"));
    }
    engine.set_input_json(plan).expect("JSON");
    let answer = engine.eval_rule(rule.to_owned()).unwrap_or_else(|error| panic!("{rule}: {error}"));
    serde_json::from_str(&answer.to_json_str().expect("JSON")).expect("JSON")
}

const POLICIES: [&str; 4] = ["encryption.rego", "public.rego", "deletes.rego", "tags.rego"];

fn denied(plan: &str) -> Json {
    rego(&POLICIES, "data.main.deny", plan)
}

/// The stack that violates the policies, as an edit of the sound one.
fn forbidden() -> String {
    let (without_logs, _) = SOUND.split_once("[cloudwatchlogs_log_group.etl]").expect("it");
    without_logs
        .replace(
            "{ sse_algorithm = \"aws:kms\", kms_master_key_id = \"${kms_key.data.arn}\" }",
            "{ sse_algorithm = \"AES256\" }",
        )
        .replace("block_public_policy = true", "block_public_policy = false")
        .replace("{ AWS = \"arn:aws:iam::111111111111:role/etl\" }", "{ AWS = \"*\" }")
        .replace("10.0.0.0/8", "0.0.0.0/0")
        .replace("\"dw\"", "\"dw2\"")
        .replace(
            "kms_master_key_id = \"${kms_key.data.arn}\"\ntags              = { team = \"data\" }",
            "kms_master_key_id = \"${kms_key.data.arn}\"",
        )
}

#[test]
fn rego_policies_deny_exactly_the_planted_faults() {
    let nothing = json!([]);
    let sound = Account::after(SOUND);
    assert_eq!(denied(&plan(&Account::after(""), SOUND)), nothing);
    assert_eq!(denied(&plan(&sound, SOUND)), nothing);
    assert_eq!(
        denied(&plan(&sound, &forbidden())),
        json!([
            "aws_cloudwatch_log_group.etl holds data and is to be deleted",
            "aws_redshift_cluster.main holds data and is to be replaced",
            "aws_s3_bucket.lake is not encrypted with a KMS key",
            "aws_s3_bucket_policy.lake lets everybody in",
            "aws_s3_bucket_public_access_block.lake: block_public_policy is off",
            "aws_security_group.warehouse is open to the internet",
            "aws_sns_topic.alerts has no tag `team`",
        ])
    );
    // A plan that fixes everything is denied only for replacing the cluster.
    let mended = denied(&plan(&Account::after(&forbidden()), SOUND));
    assert_eq!(mended, json!(["aws_redshift_cluster.main holds data and is to be replaced"]));
}

/// The policies are written for Terraform's plans, and give the same result for one.
#[test]
fn rego_policies_agree_on_a_plan_of_terraform() {
    let theirs = include_str!("rego/terraform.json");
    assert_eq!(
        denied(theirs),
        json!([
            "aws_cloudwatch_log_group.etl holds data and is to be deleted",
            "aws_redshift_cluster.main holds data and is to be replaced",
            "aws_s3_bucket.lake has no tag `team`",
            "aws_s3_bucket.lake is not encrypted with a KMS key",
            "aws_s3_bucket_policy.lake lets everybody in",
            "aws_s3_bucket_public_access_block.lake: block_public_policy is off",
            "aws_security_group.warehouse is open to the internet",
        ])
    );
    // Every member of a resource change in Terraform's plan also exists in ours.
    let theirs: Json = serde_json::from_str(theirs).expect("JSON");
    let ours: Json = serde_json::from_str(&plan(&Account::after(SOUND), &forbidden())).expect("JSON");
    let keys = |one: &Json| one.as_object().expect("a table").keys().cloned().collect::<BTreeSet<_>>();
    let find = |plan: &Json, list: &str, address: &str| {
        let all = plan.pointer(list).and_then(Json::as_array).expect("a list");
        all.iter().find(|one| one["address"] == address).cloned()
    };
    assert!(keys(&theirs).is_subset(&keys(&ours)));
    for list in ["/resource_changes", "/planned_values/root_module/resources"] {
        for one in theirs.pointer(list).and_then(Json::as_array).expect("a list") {
            let address = one["address"].as_str().expect("text");
            let twin = find(&ours, list, address).unwrap_or_else(|| panic!("{list} has no {address}"));
            assert!(keys(one).is_subset(&keys(&twin)), "{address}: {:?}, {:?}", keys(one), keys(&twin));
            if one["change"].is_object() {
                let (one, twin) = (keys(&one["change"]), keys(&twin["change"]));
                assert!(one.is_subset(&twin), "{address}: {one:?}, {twin:?}");
            }
        }
    }
}

#[test]
fn a_rego_score_weighs_deletions() {
    let verdict = |plan: &str| {
        let verdict = |rule: &str| rego(&["score.rego"], &format!("data.terraform.analysis.{rule}"), plan);
        (verdict("score"), verdict("authorised"))
    };
    let sound = Account::after(SOUND);
    assert_eq!(verdict(&plan(&sound, SOUND)), (json!(0), json!(true)));
    let smaller = SOUND.replace("enhanced_vpc_routing      = true", "enhanced_vpc_routing      = false");
    assert_eq!(verdict(&plan(&sound, &smaller)), (json!(5), json!(true)));
    assert_eq!(verdict(&plan(&sound, &forbidden())), (json!(110), json!(false)));
    let wider = SOUND.replace("[\"s3:GetObject\"]", "[\"s3:GetObject\", \"s3:PutObject\"]");
    assert_eq!(verdict(&plan(&sound, &wider)), (json!(0), json!(false)));
}
