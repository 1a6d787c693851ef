//! A lost ledger can be rebuilt completely from AWS.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dwctl::ledger::{FileStore, Ledger};

use crate::harness::{Project, Run, copy};

fn read(project: &Project, env: &str) -> Ledger {
    FileStore::new(&project.stack(), env, false).read().expect("readable").expect("a ledger")
}

fn ids(ledger: &Ledger) -> BTreeMap<String, String> {
    ledger.resources.iter().map(|(address, entry)| (address.to_string(), entry.id.clone())).collect()
}

fn lose(project: &Project) {
    fs::remove_dir_all(project.stack().join(".dwctl")).expect("a ledger");
}

fn recover(project: &Project, env: &[&str]) -> Run {
    project.run(&[&["ledger", "recover"], env].concat()).exits(0)
}

#[test]
fn the_ledger_of_the_whole_warehouse_is_recovered_without_changes() {
    let project = Project::new("");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/ecommerce"), &project.stack());
    let dev = ["--env", "dev"];
    project.run(&[&["apply", "--yes"], &dev[..]].concat()).exits(0);
    let before = read(&project, "dev");
    assert!(before.resources.len() > 75);
    // A mail subscription is confirmed by a link in the mail. SNS does not reveal the ARN of an unconfirmed
    // one.
    for (address, entry) in before.resources.iter().filter(|(address, _)| address.kind == "sns_subscription")
    {
        let (topic, token) = entry.id.rsplit_once(':').unwrap_or_else(|| panic!("{address}: {}", entry.id));
        project.with(async |_, cx| {
            let confirmed = cx.aws.sns().confirm_subscription().topic_arn(topic).token(token).send().await;
            confirmed.expect("confirmed");
        });
    }
    lose(&project);

    recover(&project, &dev).says_not("not confirmed").says_not("not found").says_not("not searched");
    let after = read(&project, "dev");
    assert_eq!(ids(&after), ids(&before), "every resource by its address and id");
    for (address, entry) in &before.resources {
        assert_eq!(after.resources[address].needs, entry.needs, "what {address} needs");
        let paths = |ledger: &Ledger| -> Vec<String> {
            ledger.resources[address].fingerprints.keys().cloned().collect()
        };
        assert_eq!(paths(&after), paths(&before), "what was applied of {address}");
    }
    project.run(&[&["plan", "--detailed-exitcode"], &dev[..]].concat()).exits(0).says("No changes");
    project.run(&[&["destroy", "--yes"], &dev[..]].concat()).exits(0).says("0 failed");
    assert!(read(&project, "dev").resources.is_empty());
}

const DECLARED: &str =
    "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.kept]\nname = \"kept\"\n";
const GONE: &str = "[sns_topic.gone]\nname = \"gone\"\n[kms_key.gone]\ndescription = \"Gone\"\n\
    [ec2_vpc.gone]\ncidr_block = \"10.0.0.0/16\"\n[s3_bucket.gone]\nbucket = \"shop-gone\"\n\
    [glue_database.gone]\nname = \"gone\"\n[cloudwatchlogs_log_group.gone]\nlog_group_name = \"/gone\"\n\
    [secretsmanager_secret.gone]\nname = \"gone\"\n[iam_role.gone]\nrole_name = \"gone\"\n\
    assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", \
    Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }\n";

#[test]
fn undeclared_resources_are_recovered_and_then_destroyed() {
    let project = Project::new(&format!("{DECLARED}{GONE}"));
    project.apply();
    let before = project.ledger();
    lose(&project);
    project.write(DECLARED);

    recover(&project, &[]).says("no longer declared").says("iam_role.gone  gone").says_not("not searched");
    assert_eq!(ids(&project.ledger()), ids(&before), "every resource by its address and id");
    project.apply().says("8 destroyed");
    project.settled();
    assert_eq!(project.ledger().resources.len(), 1);
}

#[test]
fn resources_of_another_stack_are_not_recovered() {
    let other =
        Project::new("[stack]\nname = \"bills\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n");
    other.apply();
    // The same AWS, another stack.
    other.write("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n");
    lose(&other);
    recover(&other, &[]).says("not confirmed; left out").says("sns_topic.a of stack bills/default");
    other.run(&["apply", "--yes"]).exits(7);
}

#[test]
fn an_unconfirmed_subscription_is_found_by_subscribing_again() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n\
         [sns_subscription.mail]\ntopic_arn = \"${sns_topic.a.arn}\"\nprotocol = \"email\"\n\
         endpoint = \"team@example.com\"\n",
    );
    project.apply();
    let before = project.ledger();
    lose(&project);
    recover(&project, &[]).says("not found; the next apply creates them").says("sns_subscription.mail");
    project.apply();
    project.settled();
    assert_eq!(ids(&project.ledger()), ids(&before), "it is the same one");
}
