//! `dwctl import`: what it accepts and what it refuses.

use std::collections::BTreeMap;

use dwctl::kind::{NewResource, Owner};
use dwctl::kinds::kind;
use dwctl::schema::normalize;
use dwctl::value::Value;

use crate::harness::{ACCOUNT, Project, Run};

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
const TOPIC: &str = "[sns_topic.alerts]\nname = \"alerts\"\n";
const VPC: &str = "[ec2_vpc.main]\ncidr_block = \"10.1.0.0/16\"\nempty_default_security_group = false\n";
const RULES: &str = "[glue_workflow.nightly]\nname = \"nightly\"\n";

fn stack(text: &str) -> Project {
    Project::new(&format!("{HEAD}{text}"))
}

/// Creates a resource without `dwctl`. Returns its id.
fn foreign(project: &Project, name: &str, spec: &[(&str, &str)], tags: &[(&str, &str)]) -> String {
    let kind = kind(name).expect("a kind");
    let spec = spec.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
    let spec = normalize(&kind.schema().spec, Value::Map(spec.collect()));
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let new = NewResource { tags: &tags, token: "5c2f3d0e-7b1c-4d55-9a52-2f3d1b9b0001" };
    project.with(async |_, cx| kind.create(cx, &spec, new).await.expect("it can be made").id)
}

fn tags(project: &Project, address: &str) -> BTreeMap<String, String> {
    project.live(address).expect("it exists").tags
}

fn topic() -> String {
    format!("arn:aws:sns:us-east-1:{ACCOUNT}:alerts")
}

/// The output of a run, without the parts that vary.
fn screen(project: &Project, run: &Run) -> String {
    let text = format!("{}{}", run.stdout, run.stderr);
    let text = text.replace(&project.stack().display().to_string(), "STACK");
    let time = regex::Regex::new(r"in \d+\.\d\d s").expect("a pattern");
    let id = regex::Regex::new(r"(vpc|subnet)-[0-9a-f]{8,17}").expect("a pattern");
    let request = regex::Regex::new(r"request id [0-9A-Za-z-]+").expect("a pattern");
    let text = time.replace_all(&text, "in TIME s");
    let text = request.replace_all(&text, "request id ID");
    id.replace_all(&text, "$1-ID").into_owned()
}

#[test]
fn import_changes_only_the_tags_of_a_resource() {
    let project = stack(&format!("{TOPIC}display_name = \"Alerts\"\n[sns_topic.other]\nname = \"other\"\n"));
    foreign(&project, "sns_topic", &[("name", "alerts"), ("display_name", "Noise")], &[("team", "ops")]);
    // An import does not depend on the rest of the stack, even if another resource of it belongs to someone
    // else.
    foreign(&project, "sns_topic", &[("name", "other")], &[]);

    let run = project.run(&["import", "sns_topic.alerts", &topic()]).exits(0);
    insta::assert_snapshot!(screen(&project, &run));
    assert_eq!(project.id("sns_topic.alerts"), topic());
    assert_eq!(project.ledger().resources.len(), 1);
    let found = tags(&project, "sns_topic.alerts");
    assert_eq!(found.get(Owner::ADDRESS).map(String::as_str), Some("sns_topic.alerts"));
    assert_eq!(found.get("team").map(String::as_str), Some("ops"), "its own tags stay");
    assert_eq!(project.cloud.calls("sns:SetTopicAttributes"), 0);

    // The next apply makes the change that the import announced, and attributes it to the stack.
    project.write(&format!("{HEAD}{TOPIC}display_name = \"Alerts\"\n"));
    let plan = project.run(&["plan"]).exits(0);
    let plan = plan.plans("sns_topic.alerts", "~ update in place").says("\"Noise\" → \"Alerts\"");
    plan.says_not("drift").says_not("import");
    project.apply();
    project.settled();

    // A second import changes nothing.
    let calls = project.cloud.calls("sns:TagResource");
    project.run(&["import", "sns_topic.alerts", &topic()]).exits(0).says("nothing was changed");
    assert_eq!(project.cloud.calls("sns:TagResource"), calls);
}

#[test]
fn a_resource_with_an_assigned_id_is_imported() {
    let project = stack(&format!("{VPC}lifecycle = {{ protect = true }}\n"));
    let id = foreign(&project, "ec2_vpc", &[("cidr_block", "10.1.0.0/16")], &[]);
    let run = project.run(&["import", "ec2_vpc.main", &id]).exits(0);
    insta::assert_snapshot!(screen(&project, &run));
    assert_eq!(project.id("ec2_vpc.main"), id);
    assert_eq!(tags(&project, "ec2_vpc.main").get(Owner::PROTECT).map(String::as_str), Some("true"));
    project.settled();
    // Protected from the first moment on.
    project.write(HEAD);
    project.run(&["apply", "--yes"]).exits(7).says("which is protected");
}

/// AWS accepts a key's ARN as its id, so two addresses could share the key.
#[test]
fn an_arn_and_an_id_import_the_same_resource() {
    let keys = "[kms_key.a]\ndescription = \"A\"\n[kms_key.b]\ndescription = \"B\"\n";
    let project = stack(keys);
    let id = foreign(&project, "kms_key", &[("description", "A")], &[]);
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}");
    let import = |address: &str, id: &str| format!("[[import]]\nto = \"{address}\"\nid = \"{id}\"\n");
    project.write(&format!("{HEAD}{keys}{}{}", import("kms_key.a", &id), import("kms_key.b", &arn)));
    project.run(&["plan"]).exits(3).says("are imported from the same id");
    project.write(&format!("{HEAD}{keys}"));
    project.run(&["import", "kms_key.a", &arn]).exits(0);
    assert_eq!(project.id("kms_key.a"), id);
    project.run(&["import", "kms_key.a", &id]).exits(0).says("nothing was changed");
    project.write(&format!("{HEAD}{keys}{}", import("kms_key.b", &arn)));
    project.run(&["plan"]).exits(7).says("kms_key.a");
}

#[test]
fn an_untaggable_resource_is_recorded_only_in_the_ledger() {
    let queue = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:on-call");
    let topic = topic();
    // The topic that it refers to still belongs to someone else, which does not matter.
    let project = stack(&format!(
        "{TOPIC}[sns_subscription.on_call]\ntopic_arn = \"${{sns_topic.alerts.arn}}\"\n\
         protocol = \"sqs\"\nendpoint = \"{queue}\"\n"
    ));
    assert!(!kind("sns_subscription").expect("a kind").taggable());
    let id = project.with(async |_, cx| {
        cx.aws.sns().create_topic().name("alerts").send().await.expect("made");
        let subscribe = cx.aws.sns().subscribe().topic_arn(&topic).protocol("sqs").endpoint(&queue);
        subscribe.send().await.expect("made").subscription_arn.expect("its ARN")
    });
    let run = project.run(&["import", "sns_subscription.on_call", &id]).exits(0);
    insta::assert_snapshot!(screen(&project, &run).replace(&id, "SUBSCRIPTION"));
    assert_eq!(project.id("sns_subscription.on_call"), id);
    project.run(&["plan"]).exits(7);
    project.run(&["import", "sns_topic.alerts", &topic]).exits(0);
    project.settled();
}

#[test]
fn refused_imports_change_nothing() {
    let project = stack(&format!("{TOPIC}{VPC}{RULES}"));
    let owner = [("dwctl:stack", "billing"), ("dwctl:env", "prod"), ("dwctl:address", "sns_topic.errors")];
    foreign(&project, "sns_topic", &[("name", "alerts")], &owner);
    let vpc = foreign(&project, "ec2_vpc", &[("cidr_block", "10.1.0.0/16")], &[]);
    let mut screens = String::new();
    let mut refused = |arguments: &[&str], code: i32| {
        let run = project.run(arguments).exits(code);
        screens.push_str(&format!("$ dwctl {}\n{}\n", arguments[..2].join(" "), screen(&project, &run)));
    };
    // Another stack's; nothing; not declared; no address.
    refused(&["import", "sns_topic.alerts", &topic()], 7);
    refused(&["import", "glue_workflow.nightly", "weekly"], 1);
    refused(&["import", "sns_topic.alert", &topic()], 3);
    refused(&["import", "sns_topic", "x"], 1);
    assert!(!project.ledger_file().exists(), "nothing was written");
    assert_eq!(project.cloud.calls("sns:TagResource"), 0);

    // The address has another id in the ledger, or the id has another address.
    project.run(&["import", "ec2_vpc.main", &vpc]).exits(0);
    let other = foreign(&project, "ec2_vpc", &[("cidr_block", "10.2.0.0/16")], &[]);
    refused(&["import", "ec2_vpc.main", &other], 7);
    project.write(&format!("{HEAD}{}", VPC.replace("main", "second")));
    refused(&["import", "ec2_vpc.second", &vpc], 7);
    assert_eq!(project.ledger().resources.len(), 1);
    insta::assert_snapshot!(screens);

    project.write(&format!("{HEAD}{TOPIC}"));
    project.run(&["import", "sns_topic.alerts", &topic(), "--adopt"]).exits(0);
    assert_eq!(tags(&project, "sns_topic.alerts").get(Owner::STACK).map(String::as_str), Some("shop"));
}

#[test]
fn an_import_holds_the_lock_and_a_refused_tag_leaves_the_ledger_as_it_was() {
    let project = stack(TOPIC);
    foreign(&project, "sns_topic", &[("name", "alerts")], &[]);
    let store = dwctl::ledger::FileStore::new(&project.stack(), "default", false);
    let holder = dwctl::ledger::Holder::new("apply", None);
    let lock = store.lock(&holder).expect("lockable").expect("free");
    project.run(&["import", "sns_topic.alerts", &topic()]).exits(5).says("another dwctl");
    drop(lock);

    project.cloud.disturb("error_nth=every:1:403:AuthorizationError&fault_match=sns:TagResource");
    let run = project.run(&["import", "sns_topic.alerts", &topic()]).exits(1);
    run.says("cannot set the owner tags of sns_topic.alerts").says("request id").says("stack.toml:4:");
    assert!(!project.ledger_file().exists());
    project.cloud.disturb("error_nth=&fault_match=");
    project.run(&["import", "sns_topic.alerts", &topic()]).exits(0);
    project.settled();
}

#[test]
fn a_resource_with_unknown_references_is_imported() {
    let subnet = "[ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.1.0.0/24\"\n";
    let project = stack(&format!("{VPC}{subnet}"));
    let vpc = foreign(&project, "ec2_vpc", &[("cidr_block", "10.1.0.0/16")], &[]);
    let id = foreign(&project, "ec2_subnet", &[("vpc_id", &vpc), ("cidr_block", "10.1.0.0/24")], &[]);
    // The VPC is not imported yet, so its attributes are unknown. The import says so, and warns that they
    // would replace the subnet.
    let run = project.run(&["import", "ec2_subnet.a", &id]).exits(0);
    run.says("known after ec2_vpc.main is created").says("To keep it, declare it as it is");
    project.run(&["import", "ec2_vpc.main", &vpc]).exits(0);
    project.settled();
    let ledger = project.ledger();
    let entry = ledger.resources.get(&"ec2_subnet.a".parse().expect("an address")).expect("there");
    assert_eq!(entry.needs, ["ec2_vpc.main".parse().expect("an address")]);
}

/// Two addresses would act on one resource, or a second id would be ignored.
#[test]
fn an_id_has_one_address_and_an_address_one_id() {
    let import = |to: &str, id: &str| format!("[[import]]\nto = \"{to}\"\nid = \"{id}\"\n");
    let topics = "[sns_topic.a]\nname = \"a\"\n[sns_topic.b]\nname = \"b\"\n";
    let refused = |text: &str, words: &str| {
        let project = stack(text);
        let run = project.run(&["validate"]).exits(3).says(words);
        let places = run.stderr.matches("stack.toml:").count() + run.stderr.matches("\n  ... ").count();
        assert!(run.stderr.contains("the first import") || run.stderr.contains("declared here"), "{run}");
        assert!(places >= 1, "{run}");
        project.run(&["plan"]).exits(3);
        project.run(&["apply", "--yes"]).exits(3);
        assert!(project.cloud.writes().is_empty());
    };
    let vpcs = "[ec2_vpc.a]\ncidr_block = \"10.0.0.0/16\"\n[ec2_vpc.b]\ncidr_block = \"10.1.0.0/16\"\n";
    let one = format!("{}{}", import("ec2_vpc.a", "vpc-1"), import("ec2_vpc.b", "vpc-1"));
    refused(&format!("{vpcs}{one}"), "ec2_vpc.b and ec2_vpc.a are imported from the same id, vpc-1");
    let two = format!("{}{}", import("ec2_vpc.a", "vpc-1"), import("ec2_vpc.a", "vpc-2"));
    refused(&format!("{vpcs}{two}"), "ec2_vpc.a is imported twice");
    let a = "arn:aws:sns:us-east-1:000000000000:a";
    refused(&format!("{topics}{}", import("sns_topic.b", a)), "which sns_topic.a declares");

    // The same id in another region is another resource.
    let regions = format!(
        "[glue_workflow.a]\nname = \"x\"\n[glue_workflow.b]\nname = \"y\"\nregion = \"eu-west-1\"\n{}{}",
        import("glue_workflow.a", "z"),
        import("glue_workflow.b", "z")
    );
    stack(&regions).run(&["validate"]).exits(0);
}

/// A resource that is in the ledger under another address is not imported again.
#[test]
fn an_id_that_another_address_owns_is_not_imported() {
    let project = stack("[ec2_vpc.a]\ncidr_block = \"10.0.0.0/16\"\n");
    project.apply();
    let id = project.id("ec2_vpc.a");
    let b =
        format!("[ec2_vpc.b]\ncidr_block = \"10.0.0.0/16\"\n[[import]]\nto = \"ec2_vpc.b\"\nid = \"{id}\"\n");
    project.write(&format!("{HEAD}[ec2_vpc.a]\ncidr_block = \"10.0.0.0/16\"\n{b}"));
    project.run(&["plan"]).exits(7).says("its tags say that it is ec2_vpc.a of stack shop/default");
    let adopt = project.run(&["apply", "--yes", "--adopt"]).exits(7);
    adopt.says(&format!("ec2_vpc.b is {id}, and so is ec2_vpc.a")).says("ledger forget 'ec2_vpc.a'");
    project.run(&["import", "ec2_vpc.b", &id]).exits(7);
    assert_eq!(project.ledger().resources.len(), 1);
    // If its address is no longer declared, the resource would be destroyed.
    project.write(&format!("{HEAD}{b}"));
    project.run(&["apply", "--yes"]).exits(7);
    project.run(&["apply", "--yes", "--adopt"]).exits(7).says("ec2_vpc.a is");
    assert!(project.live("ec2_vpc.a").is_some());
}
