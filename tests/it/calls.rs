//! How many calls each verb makes, without skipping any check.

use std::path::Path;

use crate::harness::{Project, copy, emulator_home};

/// The most calls that each verb may take on `stacks/ecommerce`: about 5 % more than it took, since resources
/// that finish close together share their reads.
const MAX: [(&str, u64); 4] = [("apply", 315), ("plan", 70), ("update", 78), ("destroy", 203)];

#[test]
fn no_verb_exceeds_its_number_of_calls() {
    let project = Project::new("");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/ecommerce"), &project.stack());
    let before = std::cell::Cell::new(0);
    let mut taken = Vec::new();
    let mut run = |verb, arguments: &[&str]| {
        let run = project.run(arguments).exits(0);
        let calls = project.cloud.all_calls();
        taken.push((verb, calls - before.replace(calls)));
        run
    };
    run("apply", &["apply", "--env", "dev", "--yes"]);
    run("plan", &["plan", "--env", "dev", "--detailed-exitcode"]).says("No changes");
    let file = project.stack().join("monitoring.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"${var.log_retention_days}\"", "30", 1)).unwrap();
    run("update", &["apply", "--env", "dev", "--yes"]).says("1 updated");
    run("destroy", &["destroy", "--env", "dev", "--yes"]);
    let more = std::iter::zip(&taken, &MAX).any(|(taken, most)| taken.0 != most.0 || taken.1 > most.1);
    assert!(!more, "more calls than before: {taken:?}, and at most {MAX:?}");
}

#[test]
fn the_stack_of_the_terraform_benchmark_is_valid() {
    let project = Project::new("");
    let mut write = std::process::Command::new(emulator_home().join("venv/bin/python"));
    write.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/side-by-side"));
    let written = write.args(["--pipelines", "2", "--write"]).arg(project.stack()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    project.run(&["validate", "dwctl"]).exits(0).says("51 resources");
}

const OBJECTS: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[s3_bucket.lake]
bucket = "shop-lake"
versioning = true
force_destroy = true

[s3_object.part]
for_each = ["a", "b"]
bucket = "${s3_bucket.lake.bucket}"
key = "parts/${each.key}.csv"
content = "id\n"
metadata = { owner = "data" }
force_destroy = true
"#;

#[test]
fn an_object_is_read_again_only_if_its_version_changed() {
    let project = Project::new(OBJECTS);
    project.apply();
    let heads = || project.cloud.calls("s3:HeadObject");
    let before = heads();
    project.settled();
    assert_eq!(heads(), before, "both are what was applied");

    // The same content with other metadata: only the version shows the difference.
    project.with(async |_, cx| {
        let put = cx.aws.s3().put_object().bucket("shop-lake").key("parts/a.csv");
        let put = put.metadata("owner", "finance").content_type("text/csv");
        put.body("id\n".as_bytes().to_vec().into()).send().await.expect("it can be written");
    });
    let plan = project.run(&["plan"]).exits(0).plans("s3_object.part[\"a\"]", "~ update").says("finance");
    plan.leaves("s3_object.part[\"b\"]");
    assert_eq!(heads(), before + 1);
    project.apply();
    let before = heads();
    project.settled();
    assert_eq!(heads(), before, "both are again what was applied");

    // Tags are not part of a version, and no listing contains them: only a deep read finds the change.
    project.with(async |_, cx| {
        let untag = cx.aws.s3().delete_object_tagging().bucket("shop-lake").key("parts/b.csv");
        untag.send().await.expect("it can be untagged");
    });
    let tags = || project.cloud.calls("s3:GetObjectTagging");
    let before = tags();
    project.settled();
    assert_eq!(tags(), before, "both are the versions that were tagged");
    project.run(&["plan", "--deep"]).exits(0).plans("s3_object.part[\"b\"]", "~ update");
    project.run(&["drift"]).exits(4).says("s3_object.part[\"b\"]");

    // Under a delete marker there is no object.
    project.with(async |_, cx| {
        let delete = cx.aws.s3().delete_object().bucket("shop-lake").key("parts/b.csv");
        delete.send().await.expect("it can be deleted");
    });
    project.run(&["plan"]).exits(0).plans("s3_object.part[\"b\"]", "+ create");
    project.write(&OBJECTS.replace("owner = \"data\"", "owner = \"sales\""));
    project.run(&["plan"]).exits(0).plans("s3_object.part[\"a\"]", "~ update");
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn an_unversioned_object_is_read_again_only_if_it_was_written_again() {
    let project = Project::new(&OBJECTS.replace("versioning = true\n", ""));
    project.apply();
    let calls = || (project.cloud.calls("s3:HeadObject"), project.cloud.calls("s3:GetObjectTagging"));
    let before = calls();
    project.settled();
    assert_eq!(calls(), before, "the listing shows both as they were applied");

    project.with(async |_, cx| {
        let put = cx.aws.s3().put_object().bucket("shop-lake").key("parts/a.csv");
        put.body("id\n1\n".as_bytes().to_vec().into()).send().await.expect("it can be written");
    });
    let plan = project.run(&["plan"]).exits(0).plans("s3_object.part[\"a\"]", "~ update");
    plan.leaves("s3_object.part[\"b\"]");
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn many_objects_cost_one_listing_rather_than_a_call_each() {
    let keys: Vec<String> = (0..40).map(|number| format!("\"{number:02}\"")).collect();
    let project = Project::new(&OBJECTS.replace("[\"a\", \"b\"]", &format!("[{}]", keys.join(", "))));
    let calls = || {
        let of = |name: &str| project.cloud.calls(&format!("s3:{name}"));
        [of("HeadObject"), of("GetObjectTagging"), of("ListObjectVersions"), of("PutObject")]
    };
    project.apply();
    let [heads, tags, listings, puts] = calls();
    assert_eq!([heads, tags, puts], [0, 0, 40], "S3 answers a put with all that is to be known");
    assert!(listings <= 2, "{listings} listings");
    project.settled();
    assert_eq!(calls(), [0, 0, listings + 1, 40]);
    project.run(&["destroy", "--yes"]).exits(0);
    let [heads, tags, listings, _] = calls();
    // The plan has just read who owns them. A listing before each deletion finds all versions of the object.
    assert!(heads == 0 && tags == 0 && listings <= 45, "{heads}, {tags}, {listings}");
}

const ESTATE: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[s3_bucket.lake]
for_each = ["raw", "curated"]
bucket = "shop-${each.key}"
versioning = true
tls_only = true

[iam_role.job]
for_each = ["a", "b", "c"]
role_name = "shop-${each.key}"
assume_role_policy_document = { Version = "2012-10-17", Statement = { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "glue.amazonaws.com" } } }
managed_policy_arns = ["arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"]

[cloudwatchlogs_log_group.job]
for_each = ["a", "b", "c"]
log_group_name = "/shop/${each.key}"
retention_in_days = 30

[cloudwatch_alarm.late]
for_each = ["a", "b", "c", "d", "e", "f", "g", "h"]
alarm_name = "shop-${each.key}"
comparison_operator = "GreaterThanThreshold"
evaluation_periods = 1
metric_name = "Failures"
namespace = "Shop"
period = 300
statistic = "Sum"
threshold = 0
"#;

/// A new resource is read once, with all its settings. Its tags are not read if the call that created it
/// proves that they are set.
#[test]
fn an_apply_does_not_read_known_values_again() {
    let project = Project::new(ESTATE);
    project.apply();
    let calls = |name: &str| project.cloud.calls(name);
    assert_eq!(calls("s3:GetBucketVersioning"), 2);
    assert_eq!(calls("s3:GetBucketPolicy"), 2);
    // Another stack could have created the same bucket at the same moment.
    assert_eq!(calls("s3:GetBucketTagging"), 2);
    assert_eq!(calls("iam:AttachRolePolicy"), 3);
    // The listing of the account shows the roles after all was written.
    assert_eq!(calls("iam:GetRole"), 0);
    assert_eq!(calls("iam:ListAttachedRolePolicies"), 0);
    assert!(calls("iam:GetAccountAuthorizationDetails") <= 2);
    assert_eq!(calls("logs:PutRetentionPolicy"), 3);
    assert!(calls("logs:DescribeLogGroups") > 0);
    assert_eq!(calls("logs:ListTagsForResource"), 0);
    // Calls of the plan, calls that check that no alarm is overwritten, and calls that see the new alarms.
    let described = calls("cloudwatch:DescribeAlarms");
    assert!(described <= 8, "{described} calls for 8 alarms");
    // The plan asks the tag index whether a ledger was lost. At the end, the index proves that all are new.
    assert_eq!(calls("cloudwatch:ListTagsForResource"), 0);
    assert_eq!(calls("resourcegroupstaggingapi:GetResources"), 2);
    project.settled();

    let before =
        [calls("iam:ListRolePolicies"), calls("logs:DescribeLogGroups"), calls("cloudwatch:DescribeAlarms")];
    project.run(&["destroy", "--yes"]).exits(0);
    let after =
        [calls("iam:ListRolePolicies"), calls("logs:DescribeLogGroups"), calls("cloudwatch:DescribeAlarms")];
    // AWS's answer to a deletion proves that the resource is gone.
    let more: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(more, [0, 1, 1], "only the plan asks");
}

const POLICIES: &str = r#"
[stack]
name = "shop"
region = "eu-west-1"

[iam_policy.read]
for_each = ["a", "b", "c", "d"]
policy_name = "shop-${each.key}"
description = "Reads ${each.key}"
policy_document = { Version = "2012-10-17", Statement = { Effect = "Allow", Action = "s3:GetObject", Resource = "*" } }
"#;

#[test]
fn a_policy_is_read_by_itself_only_if_it_changed() {
    let project = Project::new(POLICIES);
    project.apply();
    let gets = || project.cloud.calls("iam:GetPolicy");
    let before = gets();
    project.settled();
    assert_eq!(gets(), before, "the listing and the index of IAM's own region tell all");

    // Someone recreates the policy with the same document and another description.
    project.with(async |_, cx| {
        let iam = cx.aws.iam();
        let arn = project.id("iam_policy.read[\"a\"]");
        let policy = iam.get_policy().policy_arn(&arn).send().await.expect("there").policy.expect("there");
        let version = iam.get_policy_version().policy_arn(&arn).version_id("v1").send().await.expect("there");
        iam.delete_policy().policy_arn(&arn).send().await.expect("it can be deleted");
        iam.create_policy()
            .policy_name("shop-a")
            .description("Writes")
            .set_tags(policy.tags)
            .policy_document(version.policy_version().and_then(|one| one.document()).expect("a document"))
            .send()
            .await
            .expect("it can be made");
    });
    project.run(&["plan"]).exits(0).plans("iam_policy.read[\"a\"]", "± replace").says("Writes");
    assert_eq!(gets(), before + 1);
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn computed_attributes_are_read_only_if_referenced() {
    let vpc =
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n";
    let project = Project::new(vpc);
    project.apply();
    assert_eq!(project.cloud.calls("ec2:DescribeRouteTables"), 0);

    project.write(&format!("{vpc}\n[output]\ntable = \"${{ec2_vpc.main.main_route_table_id}}\"\n"));
    project.apply().says("rtb-");
    assert_eq!(project.cloud.calls("ec2:DescribeNetworkAcls"), 0);
    // An expression that may use any attribute reads all of them.
    project.write(&format!("{vpc}\n[output]\nall = '${{[for name, value in ec2_vpc.main : value]}}'\n"));
    project.apply().says("rtb-").says("acl-");
    project.run(&["destroy", "--yes"]).exits(0);
}
