//! What belongs to a stack and what does not: nothing foreign is touched, nothing of its own is lost, and
//! the user's choices to keep, replace and select are respected.

use std::collections::BTreeMap;

use dwctl::aws::Tags;
use dwctl::kind::NewResource;
use dwctl::kinds::kind;
use dwctl::ledger::{FileStore, Holder};
use dwctl::schema::normalize;
use dwctl::value::Value;

use crate::harness::{ACCOUNT, Project};

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";

/// A stack of these resources.
fn stack(resources: &str) -> Project {
    Project::new(&format!("{HEAD}\n{resources}"))
}

/// Creates a foreign resource without `dwctl`. Returns its id.
fn foreign(project: &Project, name: &str, spec: Value, tags: &[(&str, &str)]) -> String {
    let kind = kind(name).expect("a kind");
    let spec = normalize(&kind.schema().spec, spec);
    let tags: Tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let new = NewResource { tags: &tags, token: "5c2f3d0e-7b1c-4d55-9a52-2f3d1b9b0001" };
    project.with(async |_, cx| kind.create(cx, &spec, new).await.expect("it can be made").id)
}

/// The tags of a live resource of the stack.
fn tags(project: &Project, address: &str) -> BTreeMap<String, String> {
    project.live(address).expect("it exists").tags
}

fn topic_arn(name: &str) -> String {
    format!("arn:aws:sns:us-east-1:{ACCOUNT}:{name}")
}

fn topic_exists(project: &Project, name: &str) -> bool {
    project
        .read(
            kind("sns_topic").expect("a kind"),
            &dwctl::aws::Place::of("us-east-1"),
            &topic_arn(name),
            &Value::Null,
        )
        .is_some()
}

/// Resources that are not selected do not block those that are.
#[test]
fn an_unselected_foreign_topic_does_not_block_a_selected_one() {
    let project = stack("[sns_topic.a]\nname = \"a\"\n[sns_topic.b]\nname = \"b\"\n");
    foreign(&project, "sns_topic", Value::map([("name", Value::from("b"))]), &[("team", "finance")]);

    project.run(&["plan"]).exits(7).says("sns_topic.b already exists").says_not("sns_topic.a exists");
    project.run(&["plan", "--target", "sns_topic.b"]).exits(7);
    project.run(&["plan", "--target", "sns_topic.a"]).exits(0).says("1 to create");
    project.run(&["apply", "--yes", "--exclude", "sns_topic.b"]).exits(0);
    assert!(topic_exists(&project, "a"));
    project.run(&["apply", "--yes"]).exits(7);
}

#[test]
fn a_bucket_of_someone_else_is_refused_and_taken_over_only_with_adopt() {
    let project = stack("[s3_bucket.lake]\nbucket = \"shared-lake\"\n");
    let spec = Value::map([("bucket", Value::from("shared-lake"))]);
    foreign(&project, "s3_bucket", spec, &[("team", "finance")]);

    project.run(&["plan"]).exits(7).says("already exists").says("team=finance").says("--adopt");
    project.run(&["apply", "--yes"]).exits(7).says("it was left as it is");
    assert_eq!(project.cloud.calls("s3:PutBucketTagging"), 0);

    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
    assert_eq!(project.id("s3_bucket.lake"), "shared-lake");
    assert_eq!(tags(&project, "s3_bucket.lake")["dwctl:stack"], "shop");
}

#[test]
fn a_topic_of_another_stack_is_refused_and_its_owner_named() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\n");
    let owner = [("dwctl:stack", "billing"), ("dwctl:env", "prod"), ("dwctl:address", "sns_topic.errors")];
    foreign(&project, "sns_topic", Value::map([("name", Value::from("alerts"))]), &owner);

    project.run(&["apply", "--yes"]).exits(7).says("it is sns_topic.errors of stack billing/prod");
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
    assert_eq!(tags(&project, "sns_topic.alerts")["dwctl:address"], "sns_topic.alerts");
}

#[test]
fn owner_tags_replace_a_lost_ledger() {
    let project = stack(
        "[sns_topic.alerts]\nname = \"alerts\"\n[s3_bucket.lake]\nbucket = \"shop-lake\"\n\
         [kms_key.data]\ndescription = \"Data\"\n\
         [ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
         [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n",
    );
    project.apply();
    let before = project.ledger().resources;
    assert_eq!(before.len(), 5);

    std::fs::remove_dir_all(project.stack().join(".dwctl")).expect("a ledger");
    project.settled();
    project.apply();
    let after = project.ledger().resources;
    let ids = |resources: &BTreeMap<_, dwctl::ledger::Entry>| -> Vec<String> {
        resources.values().map(|entry| entry.id.clone()).collect()
    };
    assert_eq!(ids(&before), ids(&after), "nothing was created twice");
    project.run(&["destroy", "--yes"]).exits(0).says("5 destroyed");
}

#[test]
fn two_applies_at_once_are_refused_and_a_plan_is_not() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\n");
    let store = FileStore::new(&project.stack(), "default", false);
    let lock = store.lock(&Holder::new("apply", None)).expect("lockable").expect("free");
    project.run(&["apply", "--yes"]).exits(5).says("another dwctl is changing this stack");
    project.run(&["plan"]).exits(0).plans("sns_topic.alerts", "+ create");
    assert!(!topic_exists(&project, "alerts"));
    drop(lock);
    project.apply();
}

#[test]
fn credentials_of_another_account_are_refused_before_anything_is_read() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\naccounts = { default = \"999999999999\" }\n\
         [sns_topic.alerts]\nname = \"alerts\"\n",
    );
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        project.run(arguments).exits(7).says("belongs to another account").says(ACCOUNT);
    }
    assert_eq!(project.cloud.calls("sts:GetCallerIdentity"), 3);
    assert_eq!(project.cloud.calls("sns:GetTopicAttributes"), 0);
}

#[test]
fn a_ledger_of_another_account_is_refused() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\n");
    project.apply();
    let ledger = std::fs::read_to_string(project.ledger_file()).expect("a ledger");
    // The fingerprints and ids stay as they are: only the account is another one.
    let other = ledger.replace(&format!("\"account\": \"{ACCOUNT}\""), "\"account\": \"999999999999\"");
    assert_ne!(ledger, other);
    std::fs::write(project.ledger_file(), other).expect("written");
    project.run(&["destroy", "--yes"]).exits(7).says("is in another account");
    assert!(topic_exists(&project, "alerts"));
}

#[test]
fn a_protected_resource_survives_the_deletion_of_its_block() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { protect = true }\n");
    project.apply();
    project.run(&["destroy", "--yes"]).exits(7).says("sns_topic.alerts, which is protected");
    project.write(&format!("{HEAD}[sns_topic.alerts]\nname = \"other\"\nlifecycle = {{ protect = true }}\n"));
    project.run(&["apply", "--yes"]).exits(7).says("the plan would replace sns_topic.alerts").says("name");
    project.write(HEAD);
    project.run(&["apply", "--yes"]).exits(7).says("the plan would destroy sns_topic.alerts");
    assert!(topic_exists(&project, "alerts"));

    project
        .write(&format!("{HEAD}[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = {{ protect = false }}\n"));
    project.apply();
    project.write(HEAD);
    project.apply().plans("sns_topic.alerts", "- destroy  because sns_topic.alerts is not in configuration");
    assert!(!topic_exists(&project, "alerts"));
}

#[test]
fn a_retained_resource_is_forgotten_and_stays() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { retain = true }\n");
    project.apply();
    project.write(HEAD);
    project.apply().plans("sns_topic.alerts", ". forget");
    assert!(topic_exists(&project, "alerts"));
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn a_retained_resource_survives_destroy() {
    let project = stack(
        "[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { retain = true }\n[sns_topic.noise]\nname = \"noise\"\n",
    );
    project.apply();
    project
        .run(&["destroy", "--yes"])
        .exits(0)
        .plans("sns_topic.alerts", ". forget  retained, stays at AWS")
        .plans("sns_topic.noise", "- destroy");
    assert!(topic_exists(&project, "alerts") && !topic_exists(&project, "noise"));
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn an_ignored_attribute_may_be_changed_by_others() {
    let declare = |ignored: &str| {
        format!(
            "{HEAD}[sns_topic.alerts]\nname = \"alerts\"\ndisplay_name = \"Alerts\"\n\
             lifecycle = {{ ignore_changes = [{ignored}] }}\n"
        )
    };
    let project = Project::new(&declare("\"display_name\""));
    project.apply();
    let topic = kind("sns_topic").expect("a kind");
    let have = project.live("sns_topic.alerts").expect("it exists").spec;
    let mut want = have.as_map().cloned().expect("a spec");
    want.insert("display_name".to_owned(), "Noise".into());
    project.with(async |_, cx| {
        topic.update(cx, &topic_arn("alerts"), &have, &Value::Map(want)).await.expect("it can be changed");
    });

    project.settled();
    project.write(&declare(""));
    project.apply().plans("sns_topic.alerts", "~ update in place").says("\"Noise\" → \"Alerts\"");
    project.settled();
}

#[test]
fn a_resource_is_replaced_when_its_reference_changes() {
    let declare = |name: &str| {
        format!(
            "{HEAD}[sns_topic.source]\nname = \"source\"\ndisplay_name = \"{name}\"\n\
             [sns_topic.follower]\nname = \"follower\"\nlifecycle = {{ replace_triggered_by = [\"sns_topic.source\"] }}\n"
        )
    };
    let project = Project::new(&declare("One"));
    project.apply();
    project.settled();
    project.write(&declare("Two"));
    project
        .apply()
        .plans("sns_topic.source", "~ update in place")
        .plans("sns_topic.follower", "± replace  because sns_topic.source changes")
        .says("1 created · 1 updated · 1 destroyed");
    project.settled();
}

#[test]
fn a_changed_key_of_for_each_does_not_touch_the_other_instances() {
    let declare =
        |keys: &str| format!("{HEAD}[sns_topic.feeds]\nfor_each = [{keys}]\nname = \"feed-${{each.key}}\"\n");
    let project = Project::new(&declare("\"orders\", \"carts\""));
    project.apply();
    project.settled();
    project.write(&declare("\"returns\", \"orders\""));
    project
        .apply()
        .plans("sns_topic.feeds[\"returns\"]", "+ create")
        .plans("sns_topic.feeds[\"carts\"]", "- destroy  because key [\"carts\"] is not in for_each")
        .leaves("sns_topic.feeds[\"orders\"]");
    project.settled();
    assert!(topic_exists(&project, "feed-returns") && topic_exists(&project, "feed-orders"));
    assert!(!topic_exists(&project, "feed-carts"));
}

#[test]
fn when_creates_and_destroys_a_resource() {
    let project = stack(
        "[variable.loud]\ntype = \"bool\"\ndefault = false\n\
         [sns_topic.alerts]\nwhen = \"${var.loud}\"\nname = \"alerts\"\n",
    );
    project.run(&["apply", "--yes"]).exits(0).leaves("sns_topic.alerts");
    project.run(&["apply", "--yes", "--var", "loud=true"]).exits(0).plans("sns_topic.alerts", "+ create");
    assert!(topic_exists(&project, "alerts"));
    project.run(&["apply", "--yes"]).exits(0).plans("sns_topic.alerts", "- destroy");
    assert!(!topic_exists(&project, "alerts"));
}

#[test]
fn tags_come_from_stack_resource_and_owner() {
    let declare = |team: &str| {
        format!(
            "{HEAD}tags = {{ project = \"warehouse\", team = \"data\" }}\n\
             [sns_topic.alerts]\nname = \"alerts\"\ntags = {{ {team} }}\n"
        )
    };
    let project = Project::new(&declare("team = \"ops\", level = \"high\""));
    project.apply();
    let expected = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owner =
            [("dwctl:stack", "shop"), ("dwctl:env", "default"), ("dwctl:address", "sns_topic.alerts")];
        pairs.iter().chain(&owner).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let all = expected(&[("project", "warehouse"), ("team", "ops"), ("level", "high")]);
    assert_eq!(tags(&project, "sns_topic.alerts"), all);

    project.write(&declare(""));
    project.apply().plans("sns_topic.alerts", "~ update in place").says("tags.team").says("tags.level");
    project.settled();
    let all = expected(&[("project", "warehouse"), ("team", "data")]);
    assert_eq!(tags(&project, "sns_topic.alerts"), all);
}

#[test]
fn dependents_are_destroyed_first() {
    let network = "[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
                   [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n";
    let project = stack(network);
    let run = project.apply();
    run.in_order("ec2_vpc.main: created", "ec2_subnet.a: created");
    let run = project.run(&["destroy", "--yes"]).exits(0);
    run.in_order("ec2_subnet.a: destroyed", "ec2_vpc.main: destroyed");

    // The order is known when the blocks are gone, too.
    project.apply();
    project.write(HEAD);
    let run = project.apply();
    run.in_order("ec2_subnet.a: destroyed", "ec2_vpc.main: destroyed");
}

#[test]
fn an_apply_needs_a_yes() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\n");
    project.run(&["apply"]).exits(7).plans("sns_topic.alerts", "+ create").says("nothing was changed");
    assert!(!topic_exists(&project, "alerts"));
}

#[test]
fn an_existing_untaggable_resource_is_taken_over_only_with_adopt() {
    let topic = topic_arn("alerts");
    let queue = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:on-call");
    let project = stack(&format!(
        "[sns_subscription.on_call]\ntopic_arn = \"{topic}\"\nprotocol = \"sqs\"\nendpoint = \"{queue}\"\n"
    ));
    let id = project.with(async |_, cx| {
        cx.aws.sns().create_topic().name("alerts").send().await.expect("made");
        let subscribe = cx.aws.sns().subscribe().topic_arn(&topic).protocol("sqs").endpoint(&queue);
        subscribe.send().await.expect("made").subscription_arn.expect("its ARN")
    });
    let before = project.cloud.calls("sns:Subscribe");
    project.run(&["apply", "--yes"]).exits(7).says("nothing proves that it belongs to this stack").says(&id);
    assert_eq!(project.cloud.calls("sns:Subscribe"), before);
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    assert_eq!(project.id("sns_subscription.on_call"), id);
    project.settled();
    // Only the ledger shows that it is ours; without the ledger, it is refused.
    std::fs::remove_dir_all(project.stack().join(".dwctl")).expect("a ledger");
    project.run(&["plan"]).exits(7);
}

#[test]
fn protection_survives_the_loss_of_its_block_and_of_the_ledger() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { protect = true }\n");
    project.apply();
    project.write(HEAD);
    std::fs::remove_dir_all(project.stack().join(".dwctl")).expect("a ledger");
    // Without block and ledger, only its tags identify it: the apply refuses and changes nothing.
    project.run(&["apply", "--yes"]).exits(7).says("sns_topic.alerts, which is not declared");
    assert!(topic_exists(&project, "alerts"));
    // After it is recovered by its tags, it is protected by them.
    project.run(&["ledger", "recover"]).exits(0).says("sns_topic.alerts");
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        project.run(arguments).exits(7).says("sns_topic.alerts, which is protected");
    }
    assert!(topic_exists(&project, "alerts"));
}

#[test]
fn retain_is_also_a_tag_of_the_resource() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { retain = true }\n");
    project.apply();
    project.write(HEAD);
    std::fs::remove_dir_all(project.stack().join(".dwctl")).expect("a ledger");
    project.run(&["ledger", "recover"]).exits(0).says("sns_topic.alerts");
    project.apply().plans("sns_topic.alerts", ". forget");
    assert!(topic_exists(&project, "alerts"));
    project.settled();
}

#[test]
fn owner_tags_edited_by_hand_are_shown_and_restored() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\ntags = { team = \"data\" }\n");
    project.apply();
    let arn = topic_arn("alerts");
    let tag = |key: &str, value: &str| {
        aws_sdk_sns::types::Tag::builder().key(key).value(value).build().expect("a tag")
    };
    project.with(async |_, cx| {
        let tags =
            cx.aws.sns().tag_resource().resource_arn(&arn).tags(tag("dwctl:address", "sns_topic.noise"));
        tags.send().await.expect("tagged");
        let untag = cx.aws.sns().untag_resource().resource_arn(&arn).tag_keys("dwctl:env");
        untag.send().await.expect("untagged");
    });
    // The tags still name the stack: the resource is neither refused nor recreated.
    let plan = project.run(&["plan"]).exits(0).plans("sns_topic.alerts", "~ update in place");
    let lines = plan.attributes("sns_topic.alerts");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("sns_topic.noise") && lines[0].contains("drift"), "{lines:?}");
    assert!(lines[1].contains("dwctl:env") && lines[1].contains("drift"), "{lines:?}");
    project.run(&["drift"]).exits(4).says("dwctl:env").says("dwctl:address");
    project.apply();
    project.settled();

    // Tags that name another stack are respected.
    project.with(async |_, cx| {
        let tags = cx.aws.sns().tag_resource().resource_arn(&arn).tags(tag("dwctl:stack", "billing"));
        tags.send().await.expect("tagged");
    });
    for arguments in [&["plan"][..], &["drift"], &["apply", "--yes"], &["destroy", "--yes"]] {
        project
            .run(arguments)
            .exits(7)
            .says("sns_topic.alerts of stack billing/default")
            .says("ledger forget");
    }
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
    let found = tags(&project, "sns_topic.alerts");
    assert_eq!((found["dwctl:stack"].as_str(), found["team"].as_str()), ("shop", "data"));
}

/// Owner tags identify the owner. They cannot be ignored like a setting.
#[test]
fn the_owners_tags_are_set_where_tags_are_ignored() {
    let project =
        stack("[sns_topic.alerts]\nname = \"alerts\"\nlifecycle = { ignore_changes = [\"tags\"] }\n");
    foreign(&project, "sns_topic", Value::map([("name", Value::from("alerts"))]), &[("team", "finance")]);
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
    let found = tags(&project, "sns_topic.alerts");
    assert_eq!((found["dwctl:stack"].as_str(), found["team"].as_str()), ("shop", "finance"));
}

/// A new name that belongs to another stack is not ignored. With `--adopt`, its resource is taken over for
/// the address, and the old one is deleted.
#[test]
fn a_rename_onto_a_bucket_of_another_stack_is_refused_and_takes_it_over_only_with_adopt() {
    let declare = |name: &str, more: &str| format!("{HEAD}[s3_bucket.lake]\nbucket = \"{name}\"\n{more}");
    let project = Project::new(&declare("old-lake", ""));
    project.apply();
    let owner = [("dwctl:stack", "billing"), ("dwctl:env", "prod"), ("dwctl:address", "s3_bucket.lake")];
    foreign(&project, "s3_bucket", Value::map([("bucket", Value::from("new-lake"))]), &owner);
    project.write(&declare("new-lake", ""));
    let before = project.cloud.writes();
    for arguments in [&["plan"][..], &["apply", "--yes"], &["plan", "--target", "s3_bucket.lake"]] {
        project
            .run(arguments)
            .exits(7)
            .says("s3_bucket.lake of stack billing/prod")
            .says("is still old-lake");
    }
    assert_eq!(project.cloud.writes(), before);

    project.write(&declare("new-lake", "lifecycle = { protect = true }\n"));
    project.run(&["apply", "--yes", "--adopt"]).exits(7).says("which is protected");
    project.write(&declare("new-lake", ""));
    let run = project.run(&["apply", "--yes", "--adopt"]).exits(0);
    run.plans("s3_bucket.lake", "< import");
    assert_eq!(project.id("s3_bucket.lake"), "new-lake");
    let bucket = kind("s3_bucket").expect("a kind");
    assert!(project.read(bucket, &dwctl::aws::Place::of("us-east-1"), "old-lake", &Value::Null).is_none());
    project.settled();
}

/// An entry of an older version has no creation mark; the next apply adds it.
#[test]
fn an_older_ledger_gets_the_incarnations_of_its_resources() {
    let project = stack(
        "[cloudwatchlogs_log_group.etl]\nlog_group_name = \"/etl\"\n[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n",
    );
    project.apply();
    let mut ledger: serde_json::Value =
        serde_json::from_slice(&std::fs::read(project.ledger_file()).expect("a ledger")).expect("JSON");
    for entry in ledger["resources"].as_object_mut().expect("entries").values_mut() {
        assert!(entry.as_object_mut().expect("an entry").remove("born").is_some());
    }
    std::fs::write(project.ledger_file(), ledger.to_string()).expect("written");
    let untag = |addresses: &[&str]| {
        for address in addresses {
            let live = project.live(address).expect("it exists");
            let kind = kind(address.split_once('.').expect("an address").0).expect("a kind");
            let keys: Vec<String> = live.tags.keys().cloned().collect();
            project.with(async |_, cx| {
                let id = project.id(address);
                kind.tag(cx, &id, &live.attrs, &Tags::new(), &keys).await.expect("untagged");
            });
        }
    };
    // An assigned id proves that it is the same resource; a name does not.
    untag(&["cloudwatchlogs_log_group.etl", "ec2_vpc.main"]);
    let run =
        project.run(&["plan"]).exits(7).says("cloudwatchlogs_log_group.etl no longer belongs to this stack");
    run.says_not("ec2_vpc.main is not").says("nothing proves");
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
    untag(&["cloudwatchlogs_log_group.etl", "ec2_vpc.main"]);
    project.run(&["plan"]).exits(0).plans("cloudwatchlogs_log_group.etl", "~ update in place").says("drift");
}

/// A forgotten resource does not block the deletion of the rest.
#[test]
fn resources_taken_over_by_others_are_forgotten_and_the_rest_destroyed() {
    let project = stack(
        "[sns_topic.alerts]\nname = \"alerts\"\n[sns_topic.noise]\nname = \"noise\"\n\
         [sns_topic.kept]\nname = \"kept\"\nlifecycle = { retain = true }\n",
    );
    project.apply();
    let owner = [("dwctl:stack", "billing"), ("dwctl:env", "prod"), ("dwctl:address", "sns_topic.errors")];
    for name in ["alerts", "kept"] {
        let arn = topic_arn(name);
        project.with(async |_, cx| {
            let tags = owner.map(|(key, value)| {
                aws_sdk_sns::types::Tag::builder().key(key).value(value).build().expect("a tag")
            });
            let tag = cx.aws.sns().tag_resource().resource_arn(&arn).set_tags(Some(tags.into()));
            tag.send().await.expect("tagged");
        });
    }
    project.run(&["destroy", "--yes"]).exits(7).says("sns_topic.alerts no longer belongs to this stack");
    assert!(topic_exists(&project, "alerts") && topic_exists(&project, "noise"));
    project.run(&["destroy", "--yes", "--target", "sns_topic.noise"]).exits(0);
    project.run(&["ledger", "forget", "sns_topic.alerts"]).exits(0);
    // A forgotten resource keeps its tags if another stack owns it now.
    project.write(&format!("{HEAD}[[removed]]\nfrom = \"sns_topic.kept\"\n"));
    project.apply().plans("sns_topic.kept", ". forget");
    let tags = |name: &str| {
        let topic = kind("sns_topic").expect("a kind");
        project
            .read(topic, &dwctl::aws::Place::of("us-east-1"), &topic_arn(name), &Value::Null)
            .expect("it is there")
            .tags
    };
    assert_eq!(
        (tags("alerts")["dwctl:stack"].as_str(), tags("kept")["dwctl:stack"].as_str()),
        ("billing", "billing")
    );
    assert!(project.ledger().resources.is_empty());
}

/// The first row: a missing resource is created, and a vanished one is created again.
#[test]
fn missing_declared_resources_are_created() {
    let project = stack("[sns_topic.alerts]\nname = \"alerts\"\n");
    project.apply().plans("sns_topic.alerts", "+ create");
    project.with(async |_, cx| {
        cx.aws.sns().delete_topic().topic_arn(topic_arn("alerts")).send().await.expect("deleted");
    });
    project.apply().plans("sns_topic.alerts", "+ create  gone from AWS");
    project.settled();
}

/// A name that only one resource can have moves before its former holder is deleted.
#[test]
fn an_alias_stays_with_the_key_that_replaces_another() {
    let key = |multi_region: bool| {
        format!(
            "{HEAD}[kms_key.data]\naliases = [\"alias/data\"]\nmulti_region = {multi_region}\n\
             lifecycle = {{ create_before_destroy = true }}\n"
        )
    };
    let project = Project::new(&key(false));
    project.apply();
    let former = project.id("kms_key.data");
    project.write(&key(true));
    project.apply();
    let latter = project.id("kms_key.data");
    assert_ne!(former, latter);
    let holder = project.with(async |_, cx| {
        let answer = cx.aws.kms().describe_key().key_id("alias/data").send().await.expect("it is there");
        answer.key_metadata.expect("a key").key_id
    });
    assert_eq!(holder, latter);
    project.settled();
}

/// The settings of a removed block that only steer dwctl are known from the ledger's fingerprint.
#[test]
fn an_undeclared_bucket_is_emptied_only_if_force_destroy_was_applied() {
    let bucket = |force: bool| {
        Project::new(&format!("{HEAD}[s3_bucket.lake]\nbucket = \"shop-lake\"\nforce_destroy = {force}\n"))
    };
    let fill = |project: &Project| {
        project.with(async |_, cx| {
            let put = cx.aws.s3().put_object().bucket("shop-lake").key("data/1");
            put.send().await.expect("someone's object");
        });
    };
    let project = bucket(false);
    project.apply();
    fill(&project);
    project.write(HEAD);
    project.run(&["apply", "--yes"]).exits(7).says("it holds 1 object").says("shop-lake");

    let project = bucket(true);
    project.apply();
    fill(&project);
    project.write(HEAD);
    project.apply();
    let left =
        project.with(async |_, cx| cx.aws.s3().list_buckets().send().await.expect("an answer").buckets);
    assert!(left.unwrap_or_default().is_empty());
}

/// AWS accepts a bus by name and by ARN: both mean the same rule, not a second one.
#[test]
fn a_rule_is_the_same_on_a_bus_by_name_and_by_arn() {
    let rule = |bus: &str| {
        format!(
            "{HEAD}[eventbridge_rule.nightly]\nname = \"nightly\"\nschedule_expression = \"rate(2 days)\"\n{bus}"
        )
    };
    let spellings = [
        "event_bus_name = \"arn:aws:events:us-east-1:123456789012:event-bus/default\"\n",
        "event_bus_name = \"default\"\n",
        "",
    ];
    let project = Project::new(&rule(spellings[0]));
    project.apply();
    for bus in spellings {
        project.write(&rule(bus));
        let run = project.run(&["plan", "--detailed-exitcode"]).exits(0).says("No changes");
        assert!(!run.stderr.contains("twin"), "{bus}\n{run}");
    }
}

/// A user who forgets `--env` is led to the right environment, not to adopt its resources in another.
#[test]
fn a_resource_of_another_env_is_refused_with_its_env() {
    let project =
        stack("[sns_topic.a]\nname = \"a\"\n[cloudwatchlogs_log_group.etl]\nlog_group_name = \"/etl\"\n");
    std::fs::create_dir(project.stack().join("env")).expect("a folder");
    for env in ["dev", "prod"] {
        std::fs::write(project.stack().join(format!("env/{env}.toml")), "").expect("written");
    }
    project.run(&["apply", "--yes", "--env", "dev"]).exits(0);
    for verb in [&["plan"] as &[&str], &["apply", "--yes"]] {
        let run = project.run(verb).exits(7).says("its tags say that it is sns_topic.a of stack shop/dev");
        run.in_order("this run is in env `default`, since --env is not given", "add --env dev");
        run.in_order("to work on env `dev`, add --env dev", "--adopt");
        run.says("write `${env}` into the name").says_not("to take it over from there");
    }
    let run = project.run(&["plan", "--env", "prod"]).exits(7);
    run.says("this run is in env `prod`, by --env or DWCTL_ENV")
        .says("to work on env `dev`, write --env dev");

    // In the other direction, the env that lost the resource is told who owns it now.
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    let run = project.run(&["plan", "--env", "dev"]).exits(7);
    run.in_order("its tags say that it is sns_topic.a of stack shop/default", "this run is in env `dev`");
    run.in_order("to work on env `default`, leave out --env and DWCTL_ENV", "to take it back, add --adopt");
    // Another stack gets no advice about envs, whatever its env is called.
    project.write(&format!("{}[sns_topic.a]\nname = \"a\"\n", HEAD.replace("shop", "toys")));
    let run = project.run(&["plan", "--env", "prod"]).exits(7);
    run.says("to take it over from there, add --adopt").says_not("to work on env");
}
