//! Reference cycles: all resources are created first, and references are set afterwards.

use dwctl::value::Value;

use crate::harness::Project;

const GROUPS: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[ec2_vpc.main]
cidr_block = "10.0.0.0/16"

[ec2_security_group.warehouse]
group_name = "warehouse"
description = "The cluster"
vpc_id = "${ec2_vpc.main.vpc_id}"
ingress = [
  { ip_protocol = "tcp", from_port = 5439, to_port = 5439, referenced_security_group_id = "${ec2_security_group.etl.group_id}" },
]

[ec2_security_group.etl]
group_name = "etl"
description = "The jobs"
vpc_id = "${ec2_vpc.main.vpc_id}"
ingress = [
  { ip_protocol = "tcp", from_port = PORT, to_port = PORT, referenced_security_group_id = "${ec2_security_group.warehouse.group_id}" },
]
"#;

fn groups(port: &str) -> String {
    GROUPS.replace("PORT", port)
}

/// The group named by the first ingress rule of a group.
fn peer(project: &Project, address: &str) -> String {
    let live = project.live(address).expect("it exists");
    let peer = live.spec.get("ingress").and_then(|rules| match rules {
        Value::List(rules) => rules.first()?.get("referenced_security_group_id").cloned(),
        _ => None,
    });
    peer.and_then(|peer| peer.as_str().map(str::to_owned)).expect("a rule that names a group")
}

#[test]
fn security_groups_may_name_each_other() {
    let project = Project::new(&groups("8080"));
    project.run(&["validate"]).exits(0);
    project.run(&["plan"]).exits(0).plans("ec2_security_group.etl", "+ create").says("3 to create");
    project.apply();
    assert_eq!(peer(&project, "ec2_security_group.warehouse"), project.id("ec2_security_group.etl"));
    assert_eq!(peer(&project, "ec2_security_group.etl"), project.id("ec2_security_group.warehouse"));
    project.settled();

    // A change of one group does not affect the other.
    project.write(&groups("9090"));
    project.run(&["plan"]).plans("ec2_security_group.etl", "~ update in place").says("1 to update");
    project.apply();
    project.settled();

    // If one group is deleted, the rule of the other follows its successor.
    let lost = project.id("ec2_security_group.etl");
    project.with(async |_, cx| {
        let ec2 = cx.aws.ec2();
        let rules = ec2.describe_security_group_rules().send().await.expect("rules");
        for rule in rules.security_group_rules() {
            if rule.referenced_group_info().and_then(|group| group.group_id()) == Some(lost.as_str()) {
                let group = rule.group_id().expect("its group");
                let rule = rule.security_group_rule_id().expect("its id");
                let revoke = ec2.revoke_security_group_ingress().group_id(group);
                revoke.security_group_rule_ids(rule).send().await.expect("revoked");
            }
        }
        ec2.delete_security_group().group_id(&lost).send().await.expect("deleted");
    });
    project.run(&["plan"]).plans("ec2_security_group.etl", "+ create").says("1 to update");
    project.apply();
    project.settled();
    assert_ne!(peer(&project, "ec2_security_group.warehouse"), lost);

    project.run(&["destroy", "--yes"]).exits(0);
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn a_key_and_the_role_that_uses_it_may_name_each_other() {
    let project = Project::new(
        r#"
[stack]
name = "shop"
region = "us-east-1"

[kms_key.data]
key_policy = """${jsonencode({
  Version = "2012-10-17"
  Statement = [
    { Sid = "account", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${aws.account_id}:root" }, Action = "kms:*", Resource = "*" },
    { Sid = "jobs", Effect = "Allow", Principal = { AWS = iam_role.jobs.arn }, Action = "kms:Decrypt", Resource = "*" },
  ]
})}"""

[iam_role.jobs]
role_name = "jobs"
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "glue.amazonaws.com" }, Action = "sts:AssumeRole" }] }
[iam_role.jobs.inline_policies.key]
Version = "2012-10-17"
Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "${kms_key.data.arn}" }]
"#,
    );
    project.apply();
    project.settled();
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn a_cycle_through_attributes_required_on_creation_is_refused() {
    let project = Project::new(
        r#"
[stack]
name = "shop"
region = "us-east-1"

[sns_topic.a]
name = "${sns_topic.b.topic_name}x"

[sns_topic.b]
name = "${sns_topic.a.topic_name}x"
"#,
    );
    project.run(&["validate"]).exits(3).says("sns_topic.a → sns_topic.b → sns_topic.a");
}

#[test]
fn protection_may_depend_on_the_environment() {
    let text = |env: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[variable.env]\ndefault = \"{env}\"\n\
             [sns_topic.alerts]\nname = \"alerts\"\nlifecycle = {{ protect = \"${{var.env == 'prod'}}\" }}\n"
        )
        .replace('\'', "\\\"")
    };
    let project = Project::new(&text("prod"));
    project.apply();
    assert!(project.ledger().resources.values().all(|entry| entry.protect));
    project.run(&["destroy", "--yes"]).exits(7).says("which is protected");
    project.write(&text("dev"));
    project.run(&["destroy", "--yes"]).exits(0);
}

/// Buckets that all log to the last one, which itself logs to `logs`.
fn logging(logs: &str) -> Project {
    Project::new(&format!(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[local]\nprefix = \"shop-lake\"\n\
         [s3_bucket.lake]\nfor_each = [\"bronze\", \"gold\", \"logs\", \"raw\"]\n\
         bucket = \"${{local.prefix}}-${{each.key}}\"\nversioning = true\n\
         logging = \"${{each.key == 'logs' ? null : {{ target_bucket = {logs}, target_prefix = each.key }}}}\"\n"
    )
    .replace('\'', "\\\""))
}

#[test]
fn an_instance_is_created_before_siblings_that_refer_to_it() {
    for logs in [
        "s3_bucket.lake['logs'].bucket",
        // Only the value shows which bucket it is.
        "s3_bucket.lake[lower('LOGS')].bucket",
        // Without a reference.
        "'${local.prefix}-logs'",
    ] {
        let project = logging(logs);
        let run = project.apply().says("4 created").says_not("completed");
        for other in ["bronze", "gold", "raw"] {
            let (first, second) =
                ("s3_bucket.lake[\"logs\"]: created", format!("lake[\"{other}\"]: created"));
            run.in_order(first, &second);
        }
        project.settled();
        let run = project.run(&["destroy", "--yes"]).exits(0);
        run.in_order("s3_bucket.lake[\"raw\"]: destroyed", "s3_bucket.lake[\"logs\"]: destroyed");
    }
}

/// Both name each other. Even if the names are known, both are created before the references are set.
#[test]
fn resources_that_name_each_other_are_created_without_the_reference_first() {
    for [a, b] in [["s3_bucket.a.bucket", "s3_bucket.b.bucket"], ["'shop-a'", "'shop-b'"]] {
        let bucket = |name: &str, other: &str| {
            format!(
                "[s3_bucket.{name}]\nbucket = \"shop-{name}\"\n\
                 logging = {{ target_bucket = \"${{{other}}}\", target_prefix = \"x/\" }}\n"
            )
            .replace('\'', "\\\"")
        };
        let project = Project::new(&format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n{}{}",
            bucket("a", b),
            bucket("b", a)
        ));
        project.apply().says("2 created").says("completed");
        project.settled();
        // The target already exists, so no second step is needed.
        project.run(&["apply", "--yes", "--replace", "s3_bucket.a"]).exits(0);
        project.settled();
        project.run(&["destroy", "--yes"]).exits(0);
    }
}

/// A bucket that logs to itself is created first, and then completed.
#[test]
fn a_resource_that_refers_to_itself_is_completed() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[s3_bucket.a]\nfor_each = [\"one\"]\n\
         bucket = \"shop-a\"\nlogging = { target_bucket = \"${s3_bucket.a.one.bucket}\", target_prefix = \"x/\" }\n",
    );
    project.apply();
    project.settled();
}
