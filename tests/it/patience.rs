//! Throttled at any call, or by every service at once, an apply takes longer and succeeds.

use std::time::Instant;

use crate::harness::Project;

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";

/// Resources of several services that each need several calls.
const STACK: &str = "[sns_topic.feeds]\nfor_each = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\nname = \"feed-${each.key}\"\n\
    display_name = \"Feed\"\n\
    [kms_key.data]\nfor_each = [\"a\", \"b\", \"c\"]\ndescription = \"Data ${each.key}\"\n\
    [cloudwatchlogs_log_group.jobs]\nfor_each = [\"a\", \"b\", \"c\", \"d\"]\nlog_group_name = \"/jobs/${each.key}\"\n\
    retention_in_days = 14\n\
    [glue_database.zones]\nfor_each = [\"raw\", \"clean\", \"mart\"]\nname = \"${each.key}\"\n\
    [iam_role.jobs]\nfor_each = [\"a\", \"b\", \"c\"]\nrole_name = \"job-${each.key}\"\n\
    assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
    Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }\n";

#[test]
fn an_apply_limited_to_five_requests_a_second_takes_no_longer_than_needed() {
    let project = Project::new(&format!("{HEAD}{STACK}"));
    project.cloud.disturb("rps=*=5&burst=5");
    let began = Instant::now();
    let run = project.run(&["apply", "--yes"]).exits(0).says("19 created").says("0 failed");
    let took = began.elapsed().as_secs_f64();
    project.cloud.disturb("rps=");
    let most = ["sns", "kms", "logs", "glue", "iam"].map(|service| project.cloud.answered(service));
    let least = most.into_iter().max().unwrap_or(0) as f64 / 5.0;
    assert!(took < 2.5 * least + 5.0, "{took:.1} s, where {least:.1} s must be\n{run}");
    assert!(!run.stdout.ends_with(" 0 throttled\n"), "the line of calls counts the throttled ones\n{run}");
    let throttled = project.cloud.throttled();
    let answered: u64 = most.iter().sum();
    assert!(throttled > 0 && throttled * 2 < answered, "{throttled} throttled, {answered} answered\n{run}");
    project.settled();
}

/// Throttling of the first call of each type in a run.
#[test]
fn throttled_first_calls_are_retried() {
    let project = Project::new(&format!(
        "{HEAD}[ledger]\nbucket = \"shop-ledger\"\n[sns_topic.alerts]\nname = \"alerts\"\n\
         [ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n"
    ));
    project.run(&["ledger", "init"]).exits(0);
    for (code, call) in [
        ("400:Throttling", "sts:GetCallerIdentity"),
        // Calls for the lock and the ledger.
        ("503:SlowDown", "s3:PutObject"),
        ("503:SlowDown", "s3:GetObject"),
        ("503:SlowDown", "s3:DeleteObject"),
        ("400:Throttling", "sns:CreateTopic"),
        ("503:RequestLimitExceeded", "ec2:CreateVpc"),
        ("503:RequestLimitExceeded", "ec2:DescribeVpcs"),
    ] {
        project.cloud.disturb(&format!("error_nth=1,2:{code}&fault_match={call}"));
        project.run(&["apply", "--yes"]).exits(0).says("2 created");
        project.cloud.disturb("error_nth=&fault_match=");
        project.settled();
        project.run(&["destroy", "--yes"]).exits(0);
    }
}

/// AWS is eventually consistent: a new resource may be invisible for a moment.
#[test]
fn a_created_resource_that_is_not_visible_yet_is_waited_for() {
    for (resource, gone, read, create) in [
        ("[sns_topic.x]\nname = \"x\"\n", "2,3:404:NotFound", "sns:GetTopicAttributes", "sns:CreateTopic"),
        (
            "[ec2_vpc.x]\ncidr_block = \"10.0.0.0/16\"\n",
            "2,3:400:InvalidVpcID.NotFound",
            "ec2:DescribeVpcs$",
            "ec2:CreateVpc",
        ),
        (
            "[kms_key.x]\ndescription = \"x\"\n",
            "1,2:400:NotFoundException",
            "kms:DescribeKey",
            "kms:CreateKey",
        ),
        (
            "[cloudwatchlogs_log_group.x]\nlog_group_name = \"x\"\nretention_in_days = 14\n",
            "1,2:400:ResourceNotFoundException",
            "logs:PutRetentionPolicy",
            "logs:CreateLogGroup",
        ),
    ] {
        let project = Project::new(&format!("{HEAD}{resource}"));
        // For some kinds, the plan already makes such a call.
        project.cloud.disturb(&format!("error_nth={gone}&fault_match={read}"));
        project.run(&["apply", "--yes"]).exits(0).says("1 created");
        project.cloud.disturb("error_nth=&fault_match=");
        assert_eq!(project.cloud.calls(create), 1, "{create}");
        project.settled();
    }
}
