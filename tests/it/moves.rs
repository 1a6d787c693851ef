//! Addresses and ownership: import, move, rename, release, and who changed what.

use dwctl::kind::{NewResource, Owner};
use dwctl::kinds::kind;
use dwctl::schema::normalize;
use dwctl::value::Value;

use crate::harness::Project;

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";

fn topic(name: &str) -> String {
    format!("[sns_topic.{name}]\nname = \"alerts\"\n")
}

fn vpc(name: &str) -> String {
    format!("[ec2_vpc.{name}]\ncidr_block = \"10.1.0.0/16\"\nempty_default_security_group = false\n")
}

fn stack(text: &str) -> Project {
    Project::new(&format!("{HEAD}{text}"))
}

/// Creates a resource without `dwctl`. Returns its id.
fn foreign(project: &Project, name: &str, spec: Value, tags: &[(&str, &str)]) -> String {
    let kind = kind(name).expect("a kind");
    let spec = normalize(&kind.schema().spec, spec);
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let new = NewResource { tags: &tags, token: "5c2f3d0e-7b1c-4d55-9a52-2f3d1b9b0001" };
    project.with(async |_, cx| kind.create(cx, &spec, new).await.expect("it can be made").id)
}

fn write(project: &Project, text: &str) {
    project.write(&format!("{HEAD}{text}"));
}

#[test]
fn an_import_takes_over_an_existing_resource_by_id() {
    let project = stack("");
    let spec = Value::map([("cidr_block", Value::from("10.1.0.0/16"))]);
    let id = foreign(&project, "ec2_vpc", spec, &[("team", "data")]);

    let import = format!("[[import]]\nto = \"ec2_vpc.main\"\nid = \"{id}\"\n");
    write(&project, &format!("{}tags = {{ team = \"data\" }}\n{import}", vpc("main")));
    let plan = project.run(&["plan"]).exits(0).plans("ec2_vpc.main", "< import");
    plan.says(&format!("exists as {id}")).says("1 to import");
    project.apply();
    assert_eq!(project.id("ec2_vpc.main"), id);
    let tags = project.live("ec2_vpc.main").expect("it exists").tags;
    assert_eq!(tags.get(Owner::ADDRESS).map(String::as_str), Some("ec2_vpc.main"));
    // The import block may stay or be removed.
    project.settled();
    write(&project, &format!("{}tags = {{ team = \"data\" }}\n", vpc("main")));
    project.settled();
}

#[test]
fn a_wrong_import_is_refused() {
    let project =
        stack(&format!("{}[[import]]\nto = \"ec2_vpc.main\"\nid = \"vpc-00000000000000000\"\n", vpc("main")));
    project.run(&["plan"]).exits(1).says("there is no ec2_vpc vpc-00000000000000000 to import");

    let import = "[[import]]\nto = \"ec2_vpc.other\"\nid = \"vpc-1\"\n";
    write(&project, &format!("{}{import}", vpc("main")));
    project.run(&["validate"]).exits(3).says("the stack has no resource `ec2_vpc.other`");
    write(&project, &format!("{}[[import]]\nto = \"ec2_vpc.main\"\n", vpc("main")));
    project.run(&["validate"]).exits(3).says("`[[import]]` needs `id`");

    // A resource of another stack is not taken over without `--adopt`.
    let spec = Value::map([("cidr_block", Value::from("10.1.0.0/16"))]);
    let owner = [("dwctl:stack", "other"), ("dwctl:env", "prod"), ("dwctl:address", "ec2_vpc.main")];
    let id = foreign(&project, "ec2_vpc", spec, &owner);
    write(&project, &format!("{}[[import]]\nto = \"ec2_vpc.main\"\nid = \"{id}\"\n", vpc("main")));
    project.run(&["plan"]).exits(7).says("ec2_vpc.main of stack other/prod");
    project.run(&["plan", "--adopt"]).exits(0).says("1 to import");
}

#[test]
fn a_move_changes_only_the_address() {
    let project = stack(&vpc("old"));
    project.apply();
    let id = project.id("ec2_vpc.old");

    let moved = "[[moved]]\nfrom = \"ec2_vpc.old\"\nto = \"ec2_vpc.new\"\n";
    write(
        &project,
        &format!(
            "{}{moved}",
            vpc("new").replace("10.1.0.0/16\"", "10.1.0.0/16\"\nenable_dns_hostnames = true")
        ),
    );
    project.run(&["plan"]).plans("ec2_vpc.new", "~ update in place").says("was ec2_vpc.old");
    write(&project, &format!("{}{moved}", vpc("new")));
    project.run(&["plan"]).plans("ec2_vpc.new", "> move").says("was ec2_vpc.old").says("1 to move");
    project.apply();
    assert_eq!(project.id("ec2_vpc.new"), id);
    assert_eq!(project.ledger().resources.len(), 1);
    project.settled();

    write(&project, &format!("{}{}{moved}", vpc("new"), vpc("old").replace("10.1", "10.2")));
    project.run(&["plan"]).exits(3).says("ec2_vpc.old has moved, and is still declared");
}

#[test]
fn a_move_follows_for_each_and_chains() {
    let project = stack("[sns_topic.a]\nfor_each = [\"x\", \"y\"]\nname = \"${each.key}\"\n");
    project.apply();
    write(
        &project,
        "[sns_topic.c]\nfor_each = [\"x\", \"z\"]\nname = \"${each.key == \"z\" ? \"y\" : each.key}\"\n\
         [[moved]]\nfrom = \"sns_topic.a\"\nto = \"sns_topic.b\"\n\
         [[moved]]\nfrom = \"sns_topic.b\"\nto = \"sns_topic.c\"\n\
         [[moved]]\nfrom = 'sns_topic.c[\"y\"]'\nto = 'sns_topic.c[\"z\"]'\n"
            .replace("\\\"", "\"")
            .replace(
                "name = \"${each.key == \"z\" ? \"y\" : each.key}\"",
                "name = '${each.key == \"z\" ? \"y\" : each.key}'",
            )
            .as_str(),
    );
    project.run(&["plan"]).exits(0).says("2 to move").says_not("to create").says_not("to destroy");
    project.apply();
    project.settled();
}

/// An existing resource is never missing from a plan, neither under its old address nor the new one.
#[test]
fn a_move_to_an_undeclared_address_is_a_removal() {
    let each =
        |keys: &str| format!("[sns_topic.alerts]\nfor_each = [{keys}]\nname = \"alerts-${{each.key}}\"\n");
    let project = stack(&each("\"a\", \"b\""));
    project.apply();
    let moved = "[[moved]]\nfrom = \"sns_topic.alerts[\\\"b\\\"]\"\nto = \"sns_topic.alerts[\\\"c\\\"]\"\n";
    write(&project, &format!("{}{moved}", each("\"a\"")));
    project.run(&["plan"]).exits(0).plans("sns_topic.alerts[\"b\"]", "- destroy");
    project.apply();
    assert_eq!(project.ledger().resources.len(), 1);
    project.settled();
}

#[test]
fn a_rename_without_a_moved_block_is_detected() {
    // With a name as id, the same name is the same topic. With an assigned id, it is the only VPC with these
    // settings.
    let project = stack(&format!("{}{}", topic("old"), vpc("old")));
    project.apply();
    let id = project.id("ec2_vpc.old");
    write(&project, &format!("{}{}", topic("new"), vpc("new")));
    let plan =
        project.run(&["plan"]).exits(0).plans("sns_topic.new", "> move").plans("ec2_vpc.new", "> move");
    plan.says_not("to destroy").says_not("to create");
    project.apply();
    assert_eq!(project.id("ec2_vpc.new"), id);
    project.settled();

    // If two resources match, neither is a move: they are destroyed and created, as declared.
    write(&project, &format!("{}{}{}", topic("new"), vpc("a"), vpc("b")));
    project.run(&["plan"]).exits(0).says("2 to create").says("1 to destroy");
}

#[test]
fn a_removed_resource_stays_at_aws_without_an_owner() {
    let project = stack(&format!("{}{}", topic("alerts"), vpc("main")));
    project.apply();
    let id = project.id("ec2_vpc.main");
    write(&project, &format!("{}[[removed]]\nfrom = \"ec2_vpc.main\"\n", topic("alerts")));
    project.run(&["plan"]).plans("ec2_vpc.main", ". forget").says("1 to forget");
    project.apply();
    let there = project
        .read(kind("ec2_vpc").expect("a kind"), &dwctl::aws::Place::of("us-east-1"), &id, &Value::Null)
        .expect("it stays");
    assert_eq!(Owner::of(&there.tags), None, "{:?}", there.tags);
    assert!(there.tags.keys().all(|key| !key.starts_with("dwctl:")), "{:?}", there.tags);
    project.settled();
    write(&project, "[[removed]]\nfrom = \"sns_topic.alerts\"\ndestroy = true\n");
    project.run(&["plan"]).plans("sns_topic.alerts", "- destroy");
    project.apply();
}

#[test]
fn protection_is_also_a_tag_of_the_resource() {
    let project = stack(&format!("{}lifecycle = {{ protect = true }}\n", vpc("main")));
    project.apply();
    let tags = project.live("ec2_vpc.main").expect("it exists").tags;
    assert_eq!(tags.get("dwctl:protect").map(String::as_str), Some("true"));
    // If the ledger says otherwise and the block is gone, the tag still protects the resource.
    let mut ledger = std::fs::read_to_string(project.ledger_file()).expect("a ledger");
    ledger = ledger.replace("\"protect\": true", "\"protect\": false");
    std::fs::write(project.ledger_file(), ledger).expect("written");
    write(&project, "");
    project.run(&["apply", "--yes"]).exits(7).says("would destroy ec2_vpc.main, which is protected");
    write(&project, &vpc("main"));
    project.apply();
    let tags = project.live("ec2_vpc.main").expect("it exists").tags;
    assert_eq!(tags.get("dwctl:protect"), None);
    write(&project, "");
    project.apply();
}

#[test]
fn only_changes_by_others_are_drift() {
    let declare = |display: &str, team: &str| {
        format!(
            "[sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"{display}\"\ntags = {{ team = \"{team}\" }}\n{}",
            vpc("main")
        )
    };
    let project = stack(&declare("Alerts", "data"));
    project.run(&["drift"]).exits(0).says("No drift");
    project.apply();
    project.run(&["drift"]).exits(0).says("No drift").says("2 without drift");

    // Pending changes of the stack are not drift.
    write(&project, &declare("Alarms", "ops"));
    project.run(&["drift"]).exits(0).says("No drift");
    write(&project, &declare("Alerts", "data"));

    let arn = project.id("sns_topic.alerts");
    let vpc = project.id("ec2_vpc.main");
    project.with(async |_, cx| {
        let sns = cx.aws.sns();
        let set = sns.set_topic_attributes().topic_arn(&arn).attribute_name("DisplayName");
        set.attribute_value("Hacked").send().await.expect("set");
        let tag = |key: &str, value: &str| {
            aws_sdk_sns::types::Tag::builder().key(key).value(value).build().expect("a tag")
        };
        let tags = sns.tag_resource().resource_arn(&arn).tags(tag("team", "evil"));
        tags.tags(tag("dwctl:address", "sns_topic.other")).send().await.expect("tagged");
        cx.aws.ec2().delete_vpc().vpc_id(&vpc).send().await.expect("deleted");
    });
    let drift = project
        .run(&["drift"])
        .exits(4)
        .plans("sns_topic.alerts", "~ changed")
        .plans("ec2_vpc.main", "- deleted");
    let drift = drift.says("\"Alerts\" → \"Hacked\"").says("\"data\" → \"evil\"");
    drift.says("1 changed outside dwctl · 1 deleted outside dwctl");
    let plan = project.run(&["plan"]);
    let plan = plan.says("\"Hacked\" → \"Alerts\"  drift: changed outside dwctl");
    plan.says("\"sns_topic.other\" → \"sns_topic.alerts\"  drift: changed outside dwctl");

    write(&project, &declare("Alarms", "data"));
    project.run(&["drift"]).exits(4).says("also by the stack");
    project.apply();
    project.run(&["drift"]).exits(0).says("No drift");
}

#[test]
fn a_deep_plan_compares_undeclared_settings() {
    let project = stack("[s3_bucket.lake]\nbucket = \"lake\"\n");
    project.apply();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/auditor"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"}]}"#;
    project.with(async |_, cx| {
        cx.aws.s3().put_bucket_policy().bucket("lake").policy(policy).send().await.expect("put");
    });
    project.settled();
    project.run(&["drift", "--deep"]).exits(4).plans("s3_bucket.lake", "~ changed").says("s3:GetObject");
    project.run(&["plan", "--deep"]).plans("s3_bucket.lake", "~ update in place").says("s3:GetObject");
    project.run(&["apply", "--deep", "--yes"]).exits(0);
    project.run(&["plan", "--deep"]).exits(0).says("No changes");
}

/// The order in which the keys are changed does not matter.
#[test]
fn an_alias_may_move_between_keys() {
    let stack = |one: &str, other: &str| {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[kms_key.a]\naliases = [{one}]\n\
             [kms_key.b]\naliases = [{other}]\n"
        )
    };
    let alias = "\"alias/data\"";
    let project = Project::new(&stack(alias, ""));
    project.apply();
    for (one, other, holder) in [("", alias, "kms_key.b"), (alias, "", "kms_key.a")] {
        project.write(&stack(one, other));
        project.run(&["apply", "--yes", "--parallelism", "1"]).exits(0);
        project.settled();
        let held = project.live(holder).expect("it exists");
        assert_eq!(held.spec.get("aliases"), Some(&Value::List(vec![Value::from("alias/data")])));
    }
    project.write(&stack(alias, alias));
    project.run(&["validate"]).exits(3).says("`alias/data` is also a name of kms_key.a");
}
