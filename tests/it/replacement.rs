//! Replacements: their order of creation and deletion, and names that only one of both can have.

use crate::harness::{ACCOUNT, Project};
use crate::paper;

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
const FIRST: &str = "lifecycle = { create_before_destroy = true }\n";

/// A network with a subnet, and more settings of the subnet.
fn network(cidr_block: &str, of_subnet: &str) -> String {
    format!(
        "{HEAD}[ec2_vpc.main]\ncidr_block = \"{cidr_block}\"\n[ec2_subnet.a]\n\
         vpc_id = \"${{ec2_vpc.main.vpc_id}}\"\n\
         cidr_block = \"${{cidrsubnet(ec2_vpc.main.cidr_block, 8, 1)}}\"\n{of_subnet}"
    )
}

/// The role of a job.
fn role(path: &str) -> String {
    format!(
        "[iam_role.glue]\nrole_name = \"glue\"\npath = \"{path}\"\nassume_role_policy_document = {{ Version = \
         \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = {{ Service = \
         \"glue.amazonaws.com\" }} }}] }}\n"
    )
}

fn job(name: &str) -> String {
    format!(
        "[glue_job.load]\nname = \"{name}\"\nrole = \"${{iam_role.glue.arn}}\"\nglue_version = \"5.0\"\n\
         worker_type = \"G.1X\"\nnumber_of_workers = 2\n\
         command = {{ script_location = \"s3://scripts/job.py\", python_version = \"3\" }}\n"
    )
}

fn group(description: &str) -> String {
    format!("[ec2_security_group.web]\ngroup_name = \"web\"\ndescription = \"{description}\"\n")
}

#[test]
fn a_replacement_is_created_before_or_after_the_deletion_as_declared() {
    let declare = |name: &str, first: bool| {
        format!(
            "{HEAD}[sns_topic.alerts]\nname = \"{name}\"\nlifecycle = {{ create_before_destroy = {first} }}\n"
        )
    };
    let project = Project::new(&declare("one", false));
    project.apply();
    project.write(&declare("two", false));
    let run = project.apply().plans("sns_topic.alerts", "± replace");
    run.in_order("sns_topic.alerts: destroyed", "sns_topic.alerts: created");

    project.write(&declare("three", true));
    let run = project.apply().plans("sns_topic.alerts", "± replace, new one first");
    run.in_order("sns_topic.alerts: created", "sns_topic.alerts: destroyed");
    assert_eq!(project.id("sns_topic.alerts"), format!("arn:aws:sns:us-east-1:{ACCOUNT}:three"));
    project.settled();
}

/// The topic uses the old key until it has the new one.
#[test]
fn a_resource_with_an_assigned_id_and_dependents_is_created_first() {
    let stack = |more: &str| {
        format!(
            "{HEAD}[kms_key.data]\ndescription = \"Data\"\n{more}[sns_topic.alerts]\nname = \"alerts\"\n\
             kms_master_key_id = \"${{kms_key.data.key_id}}\"\n"
        )
    };
    let project = Project::new(&stack(""));
    project.apply();
    project.write(&stack("multi_region = true\n"));
    let run = project.run(&["apply", "--yes", "--allow", "data-loss"]).exits(0);
    let run = run.plans("kms_key.data", "± replace, new one first");
    run.in_order("kms_key.data: created", "kms_key.data: destroyed");
    run.in_order("sns_topic.alerts: updated", "kms_key.data: destroyed");
    project.settled();
}

/// AWS deletes no network with something in it. If it were deleted first, the subnet would block it until
/// its successor exists, which needs the new network.
#[test]
fn dependencies_of_a_resource_created_first_are_created_first() {
    let project = Project::new(&network("10.1.0.0/16", FIRST));
    project.apply();
    let former = project.id("ec2_vpc.main");
    project.write(&network("10.2.0.0/16", FIRST));
    let run = project
        .apply()
        .plans("ec2_vpc.main", "± replace, new one first")
        .plans("ec2_subnet.a", "± replace, new one first");
    run.in_order("ec2_subnet.a: created", "ec2_subnet.a: destroyed");
    run.in_order("ec2_subnet.a: destroyed", "ec2_vpc.main: destroyed");
    assert_ne!(project.id("ec2_vpc.main"), former);
    project.settled();
}

/// AWS deletes children with their parent, and the new parent has the name of the old one.
#[test]
fn children_are_replaced_with_their_parent() {
    let project = Project::new(&format!(
        "{HEAD}[sns_topic.alerts]\nname = \"alerts\"\n\
         [sns_subscription.queue]\ntopic_arn = \"${{sns_topic.alerts.arn}}\"\nprotocol = \"sqs\"\n\
         endpoint = \"arn:aws:sqs:us-east-1:{ACCOUNT}:queue\"\n\
         [s3_bucket.lake]\nbucket = \"shop-lake\"\nforce_destroy = true\n\
         [s3_object.script]\nbucket = \"${{s3_bucket.lake.bucket}}\"\nkey = \"job.py\"\ncontent = \"1\"\n\
         [s3_bucket.other]\nbucket = \"shop-other\"\n\
         [s3_object.note]\nbucket = \"${{s3_bucket.other.bucket}}\"\nkey = \"note\"\n\
         content = \"about ${{s3_bucket.lake.bucket}}\"\n",
    ));
    project.apply();
    project
        .run(&["apply", "--yes", "--replace", "sns_topic.alerts", "--replace", "s3_bucket.lake"])
        .exits(0)
        .plans("sns_subscription.queue", "± replace  because sns_topic.alerts changes")
        .plans("s3_object.script", "± replace  because s3_bucket.lake changes")
        .leaves("s3_object.note");
    project.settled();
}

/// This is no reason to refuse the plan, since the dependent stays.
#[test]
fn a_resource_that_cannot_be_created_first_is_deleted_first() {
    let job = format!("{}{FIRST}", job("load"));
    let project = Project::new(&format!("{HEAD}{}{job}", role("/one/")));
    project.apply();
    project.write(&format!("{HEAD}{}{job}", role("/two/")));
    let run = project.apply().plans("iam_role.glue", "± replace").plans("glue_job.load", "~ update");
    run.in_order("iam_role.glue: destroyed", "iam_role.glue: created");
    project.settled();
}

#[test]
fn a_conflict_over_a_unique_name_is_refused_before_any_change() {
    let refuses = |before: &str, after: &str, replace: &[&str], address: &str, reasons: &[&str]| {
        let project = Project::new(before);
        project.apply();
        project.write(after);
        let mut run = project.run(&[&["apply", "--yes"], replace].concat()).exits(1).says(&format!(
            "error[create-before-destroy]: a new {address} cannot be created before the old one is destroyed"
        ));
        for reason in reasons {
            run = run.says(reason);
        }
        run.says_not("destroyed in");
        assert!(project.live(address).is_some(), "{address} is as it was");
    };
    // The id follows from the name.
    let topic = format!("{HEAD}[sns_topic.a]\nname = \"a\"\n{FIRST}");
    refuses(
        &topic,
        &topic,
        &["--replace", "sns_topic.a"],
        "sns_topic.a",
        &["stack.toml:6:39", "the new sns_topic.a would have the id of the old sns_topic.a"],
    );
    // AWS assigns the id.
    refuses(
        &format!("{HEAD}{}{FIRST}", group("One")),
        &format!("{HEAD}{}{FIRST}", group("Two")),
        &[],
        "ec2_security_group.web",
        &["`web` is also the name of the old ec2_security_group.web"],
    );
    let zone =
        |zone: &str| network("10.1.0.0/16", &format!("availability_zone = \"us-east-1{zone}\"\n{FIRST}"));
    refuses(
        &zone("a"),
        &zone("b"),
        &[],
        "ec2_subnet.a",
        &["10.1.1.0/24 overlaps 10.1.1.0/24 of the old ec2_subnet.a"],
    );
    // If it were deleted first, its dependency would be gone.
    refuses(
        &format!("{HEAD}{}{}{FIRST}", role("/one/"), job("one")),
        &format!("{HEAD}{}{}{FIRST}", role("/two/"), job("two")),
        &[],
        "glue_job.load",
        &[
            "it needs iam_role.glue, whose predecessor is destroyed first: the new iam_role.glue would have the id",
        ],
    );
}

#[test]
fn a_diff_shows_the_order_and_warns_of_refused_replacements() {
    let group = |description: &str| format!("{HEAD}{}{FIRST}", group(description));
    let place = paper::folder(&[
        ("old/stack.toml", &network("10.1.0.0/16", FIRST)),
        ("new/stack.toml", &network("10.2.0.0/16", FIRST)),
        ("one/stack.toml", &group("One")),
        ("two/stack.toml", &group("Two")),
    ]);
    let run = paper::dwctl(place.path(), &["diff", "old", "new"]);
    assert!(run.stdout.contains("± ec2_vpc.main  replace, new one first"), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stderr, "");
    let run = paper::dwctl(place.path(), &["diff", "one", "two"]);
    for words in [
        "a plan would refuse to create a new ec2_security_group.web before the old one is destroyed",
        "`web` is also the name of the old ec2_security_group.web",
    ] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn a_pending_move_to_another_region_is_destroyed_in_the_old_one() {
    let database =
        |region: &str| format!("{HEAD}[glue_database.raw]\nname = \"raw\"\nregion = \"{region}\"\n");
    let project = Project::new(&database("us-east-1"));
    project.apply();
    project.write(&database("eu-west-1"));
    project
        .run(&["plan"])
        .exits(0)
        .plans("glue_database.raw", "± replace  moves from us-east-1 to eu-west-1");
    let is_there = || {
        project.with(async |_, cx| {
            cx.aws
                .glue()
                .get_databases()
                .send()
                .await
                .expect("a list")
                .database_list()
                .iter()
                .any(|one| one.name() == "raw")
        })
    };
    assert!(is_there());
    project.run(&["destroy", "--yes"]).exits(0).says("1 destroyed");
    assert!(!is_there());
}
