//! Data: existing resources of others that a stack names.

use dwctl::kinds::KINDS;

use crate::harness::Project;
use crate::paper::{folder, headed, problems, problems_of};

/// The errors of `validate` for a stack, all of them.
fn refused(text: &str, words: &[&str]) {
    let said = problems(&headed(text));
    for word in words {
        assert!(said.contains(word), "nothing of `{word}`:\n{said}");
    }
}

fn accepted(text: &str) {
    let said = problems(&headed(text));
    assert!(said.is_empty(), "{said}");
}

#[test]
fn every_kind_is_found_by_its_id() {
    for kind in KINDS.iter() {
        accepted(&format!(
            "[data.{}.it]\nid = \"x\"\n[output]\nid = \"${{data.{}.it.id}}\"\n",
            kind.name(),
            kind.name()
        ));
    }
    let ways: Vec<String> =
        KINDS.iter().map(|kind| format!("{} {}", kind.name(), kind.found_by().in_words())).collect();
    insta::assert_snapshot!("found_by", ways.join("\n"));
}

#[test]
fn data_is_checked_without_aws() {
    let queue = "[data.sqs_queue.q]\nqueue_name = \"q\"\n";
    accepted(&format!(
        "{queue}[output]\na = \"${{data.sqs_queue.q.arn}}\"\nb = \"${{data.sqs_queue.q.tags.team}}\"\n"
    ));
    // What AWS answers is not known here, and may decide everything.
    accepted(
        r#"
        [data.ec2_subnet.all]
        many = true
        tags = { tier = "private" }
        [sqs_queue.each]
        for_each = "${toset(data.ec2_subnet.all[*].subnet_id)}"
        queue_name = "q-${each.key}"
        [sqs_queue.zone]
        for_each = "${{ for one in data.ec2_subnet.all : one.availability_zone => one }}"
        queue_name = "q-${each.key}"
        tags = { cidr = "${each.value.cidr_block}" }
        [sqs_queue.maybe]
        when = "${length(data.ec2_subnet.all) > 2}"
        queue_name = "maybe"
        [output]
        arns = "${values(sqs_queue.each)[*].arn}"
        "#,
    );
    for (text, words) in [
        (
            "[data.sqs_queue.q]\n",
            &["data.sqs_queue.q does not say what it looks for: by `queue_name`", "stack.toml:5:17"][..],
        ),
        (
            "[data.sqs_queue.q]\nname = \"q\"\n",
            &["sqs_queue cannot be found by `name`", "did you mean `queue_name`?"],
        ),
        (
            "[data.sqs_queue.q]\nvisibility_timeout = 5\n",
            &["sqs_queue cannot be found by `visibility_timeout`", "found by `queue_name`"],
        ),
        ("[data.sqs_queue.q]\nqueue_name = [\"a\"]\n", &["`queue_name` must be a string"]),
        ("[data.sqs_queue.q]\nqueue_name = \"a b\"\n", &["`queue_name`"]),
        (
            "[data.sqs_queue.q]\nqueue_name = \"q\"\nid = \"q\"\n",
            &["combines attributes that cannot be combined"],
        ),
        ("[data.s3_object.o]\nkey = \"k\"\n", &["data.s3_object.o needs `bucket`, too"]),
        ("[data.sns_subscription.s]\nprotocol = \"sqs\"\n", &["needs `topic_arn`, too"]),
        (
            "[data.sqs_queue.q]\narn = \"arn:aws:sns:us-east-1:111122223333:q\"\n",
            &["data.sqs_queue.q looks for something that is no sqs_queue", "not the ARN of one"],
        ),
        ("[data.sqs_queue.q]\nqueue_name = \"q\"\nmany = \"yes\"\n", &["`many` must be true or false"]),
        (
            "[data.sqs_queue.q]\nqueue_name = \"q\"\n[data.sqs_queue.q.lifecycle]\nprotect = true\n",
            &["data has no `lifecycle`"],
        ),
        ("[data.sqs_queue.q]\nqueue_name = \"q\"\ncount = 2\n", &["`count` is not supported"]),
        ("[data.sqs_queue]\nq = 1\n", &["`data.sqs_queue.q` must be a table"]),
        ("[data]\nsqs_queue = 1\n", &["`data.sqs_queue` must be a table"]),
        ("[data.aws_vpc.main]\nid = \"x\"\n", &["there is no kind `aws_vpc`", "did you mean `ec2_vpc`?"]),
        ("[data.aws_caller_identity.me]\n", &["there is no kind `aws_caller_identity`", "aws.account_id"]),
        (
            "[data.sqs_queues.q]\nid = \"x\"\n",
            &["there is no kind `sqs_queues`", "did you mean `sqs_queue`?"],
        ),
        (
            "[[moved]]\nfrom = \"data.sqs_queue.a\"\nto = \"data.sqs_queue.b\"\n",
            &["there is no kind `data.sqs_queue`"],
        ),
        (
            "[variable.s]\nsensitive = true\ndefault = \"hunter2-secret\"\n[data.sqs_queue.q]\nqueue_name = \"${var.s}\"\n",
            &["`queue_name` would show a secret"],
        ),
    ] {
        refused(text, words);
    }
    for (expression, words) in [
        ("data.sqs_queue.q.arm", &["sqs_queue has no attribute `arm`", "did you mean `arn`?"][..]),
        (
            "data.sqs_queue.p.arn",
            &["the stack has no `data.sqs_queue.p`", "did you mean `data.sqs_queue.q`?"],
        ),
        ("data.sqs_queu.q.arn", &["there is no kind `sqs_queu`", "did you mean `sqs_queue`?"]),
        ("data.sqs_queue", &["names a kind"]),
        ("data", &["`data` is not a value by itself"]),
        ("sqs_queue.q.arn", &["the stack has no resource `sqs_queue.q`", "did you mean `data.sqs_queue.q`?"]),
        ("data.aws_region.current.name", &["did you mean `aws.region`?"]),
    ] {
        refused(&format!("{queue}[output]\nx = \"${{{expression}}}\"\n"), words);
    }
    refused(
        "[data.redshift_cluster.c]\ncluster_identifier = \"dw\"\n[output]\nx = \"${data.redshift_cluster.c.master_user_password}\"\n",
        &["AWS does not return `master_user_password` of redshift_cluster"],
    );
    refused(
        "[data.sqs_queue.a]\nqueue_name = \"${data.sqs_queue.b.queue_name}\"\n[data.sqs_queue.b]\nqueue_name = \"${data.sqs_queue.a.queue_name}\"\n",
        &["need each other: data.sqs_queue.a → data.sqs_queue.b → data.sqs_queue.a"],
    );
}

#[test]
fn data_of_a_module_has_its_scope_and_address() {
    let text = headed(
        r#"
        [module.net]
        source = "./modules/net"
        for_each = ["a", "b"]
        name = "${each.key}"
        [output]
        x = '${module.net["a"].arn}'
        "#,
    );
    let module = "[variable.name]\n[data.sqs_queue.q]\nname = \"${var.name}\"\n[output]\narn = \"${data.sqs_queue.q.arn}\"\n";
    let place = folder(&[("stack.toml", &text), ("modules/net/main.toml", module)]);
    let said = problems_of(place.path());
    assert!(
        said.contains("sqs_queue cannot be found by `name`") && said.contains("modules/net/main.toml:3:1"),
        "{said}"
    );
    assert!(said.contains("in module.net[\"a\"], called at"), "{said}");
}

/// The network of another team: a VPC with three subnets, in a stack of its own.
const NETWORK: &str = r#"
[stack]
name   = "network"
region = "us-east-1"
[ec2_vpc.main]
cidr_block = "10.7.0.0/16"
tags       = { Name = "main", team = "net" }
[ec2_subnet.private]
for_each          = { a = 0, b = 1 }
vpc_id            = "${ec2_vpc.main.vpc_id}"
cidr_block        = "${cidrsubnet(ec2_vpc.main.cidr_block, 8, each.value)}"
availability_zone = "us-east-1${each.key}"
tags              = { tier = "private" }
[ec2_subnet.public]
vpc_id     = "${ec2_vpc.main.vpc_id}"
cidr_block = "10.7.9.0/24"
[sns_topic.alerts]
name = "alerts"
tags = { team = "net" }
"#;

/// A project with that network, and a stack beside it.
fn beside_the_network(text: &str) -> Project {
    let project = Project::new(&headed(text));
    let network = project.stack().join("network");
    std::fs::create_dir(&network).unwrap();
    std::fs::write(network.join("stack.toml"), NETWORK).unwrap();
    project.run(&["apply", "--yes", "network"]).exits(0);
    project
}

/// Changes the network.
fn change(project: &Project, from: &str, to: &str) {
    let file = project.stack().join("network/stack.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(file, text.replace(from, to)).unwrap();
    project.run(&["apply", "--yes", "network"]).exits(0);
}

const CLUSTER_GROUP: &str = r#"
[data.ec2_vpc.main]
tags = { Name = "main" }

[data.ec2_subnet.private]
many   = true
vpc_id = "${data.ec2_vpc.main.vpc_id}"
tags   = { tier = "private" }

[redshift_cluster_subnet_group.main]
cluster_subnet_group_name = "dw"
description               = "${data.ec2_vpc.main.cidr_block} of ${data.ec2_vpc.main.tags.team}"
subnet_ids                = "${data.ec2_subnet.private[*].subnet_id}"

[output]
vpc   = "${data.ec2_vpc.main.id}"
zones = "${sort(data.ec2_subnet.private[*].availability_zone)}"
"#;

#[test]
fn data_is_read_by_a_plan_and_never_owned() {
    let project = beside_the_network(CLUSTER_GROUP);
    project
        .run(&["plan", "--details"])
        .exits(0)
        .says("1 to create")
        .says("10.7.0.0/16 of net")
        .says("data.ec2_vpc.main        vpc-")
        .says("data.ec2_subnet.private  subnet-");
    project
        .run(&["plan", "--format", "markdown"])
        .exits(0)
        .says("Read and not changed: 2 data blocks")
        .says("- `data.ec2_vpc.main`: `vpc-");
    project
        .run(&["plan", "--format", "html"])
        .exits(0)
        .says("2 data blocks read and not changed")
        .says("<td>data.ec2_vpc.main</td><td>vpc-");
    let run = project.run(&["plan", "--format", "json"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let data = json["dwctl"]["data"].as_array().expect("data");
    assert_eq!(data[1]["address"], "data.ec2_vpc.main");
    assert!(data[1]["found"][0].as_str().is_some_and(|id| id.starts_with("vpc-")), "{data:?}");
    assert_eq!(data[1]["read_by_apply"], serde_json::Value::Null);
    project.apply();
    project.settled();
    let ledger = project.ledger();
    let owned: Vec<String> = ledger.resources.keys().map(ToString::to_string).collect();
    assert_eq!(owned, ["redshift_cluster_subnet_group.main"]);
    project.run(&["output"]).exits(0).says("[\"us-east-1a\", \"us-east-1b\"]").says("vpc-");
    // It follows what it finds.
    change(&project, "team = \"net\" }\n[ec2_subnet.private]", "team = \"core\" }\n[ec2_subnet.private]");
    project.run(&["plan"]).exits(0).says("10.7.0.0/16 of core");
    project.run(&["drift"]).says_not("data.ec2_vpc");
    project.run(&["destroy", "--yes"]).exits(0).says("1 destroyed");
    // The network is untouched.
    project.run(&["plan", "--detailed-exitcode", "network"]).exits(0).says("No changes");
}

#[test]
fn none_and_several_are_errors_with_what_was_looked_for() {
    let project = beside_the_network(
        "[data.ec2_subnet.one]\ntags = { tier = \"private\" }\n[output]\nx = \"${data.ec2_subnet.one.id}\"\n",
    );
    project
        .run(&["plan"])
        .exits(1)
        .says("error[several-found]: data.ec2_subnet.one finds 2 of the kind ec2_subnet")
        .says("looked for tags = { tier = \"private\" } in us-east-1")
        .says("found: subnet-")
        .says("`many = true`");
    project.write(&headed(
        "[data.ec2_subnet.one]\ntags = { tier = \"none\" }\n[data.sqs_queue.q]\nqueue_name = \"no\"\n\
         [output]\nx = \"${data.ec2_subnet.one.id}\"\ny = \"${data.sqs_queue.q.arn}\"\n",
    ));
    project
        .run(&["plan"])
        .exits(1)
        .says("error[not-found]: data.ec2_subnet.one finds nothing")
        .says("error[not-found]: data.sqs_queue.q finds nothing")
        .says("looked for queue_name = \"no\" in us-east-1");
    // A list may be empty.
    project.write(&headed(
        "[data.ec2_subnet.all]\nmany = true\ntags = { tier = \"none\" }\n[output]\nx = \"${data.ec2_subnet.all}\"\n",
    ));
    project.run(&["plan"]).exits(0);
}

#[test]
fn data_that_needs_a_new_resource_is_read_by_the_apply() {
    let project = Project::new(&headed(
        r#"
        [sns_topic.new]
        name         = "fresh"
        display_name = "Fresh"
        [ec2_vpc.new]
        cidr_block = "10.1.0.0/16"
        [data.ec2_security_group.default]
        vpc_id     = "${ec2_vpc.new.vpc_id}"
        group_name = "default"
        [data.sns_topic.it]
        name       = "fresh"
        depends_on = ["sns_topic.new"]
        # Its ARN is known before AWS has it.
        [data.sns_topic.same]
        arn = "${sns_topic.new.arn}"
        [sqs_queue.q]
        queue_name = "q"
        tags       = { group = "${data.ec2_security_group.default.group_id}", topic = "${data.sns_topic.it.display_name}", same = "${data.sns_topic.same.display_name}" }
        [output]
        group = "${data.ec2_security_group.default.id}"
        "#,
    ));
    project
        .run(&["plan"])
        .exits(0)
        .says("data.ec2_security_group.default")
        .says("data.sns_topic.it")
        .says("known after data.ec2_security_group.default is read")
        .says("3 to create");
    let run = project.apply();
    drop(run.says("sg-"));
    let live = project.live("sqs_queue.q").expect("it exists");
    assert_eq!((live.tags["topic"].as_str(), live.tags["same"].as_str()), ("Fresh", "Fresh"));
    assert!(live.tags["group"].starts_with("sg-"), "{:?}", live.tags);
    project.settled();
    // The queue needs what its data needs.
    let needs = &project.ledger().resources[&"sqs_queue.q".parse().unwrap()].needs;
    assert_eq!(needs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ec2_vpc.new", "sns_topic.new"]);
    project.run(&["destroy", "--yes"]).exits(0).says("3 destroyed");
}

#[test]
fn a_saved_plan_is_stale_when_its_data_changed() {
    let project = beside_the_network(CLUSTER_GROUP);
    project.run(&["plan", "--out", "plan.json"]).exits(0);
    change(&project, "team = \"net\" }\n[ec2_subnet.private]", "team = \"core\" }\n[ec2_subnet.private]");
    project
        .run(&["apply", "--yes", "plan.json"])
        .exits(7)
        .says("data.ec2_vpc.main changed since the plan was made")
        .says("`tags`");
    project.run(&["plan", "--out", "plan.json"]).exits(0);
    project.run(&["destroy", "--yes", "network"]).exits(0);
    project.run(&["apply", "--yes", "plan.json"]).exits(1).says("data.ec2_vpc.main finds nothing");
}

#[test]
fn a_destroy_needs_no_data() {
    let each = r#"
        [data.ec2_subnet.private]
        many = true
        tags = { tier = "private" }
        [data.sns_topic.alerts]
        name = "alerts"
        [sqs_queue.each]
        for_each   = "${toset(data.ec2_subnet.private[*].availability_zone)}"
        queue_name = "q-${each.key}"
        tags       = { topic = "${data.sns_topic.alerts.arn}" }
        "#;
    let project = beside_the_network(each);
    project.apply().says("2 created");
    project.run(&["destroy", "--yes", "network"]).exits(0);
    project.run(&["plan"]).exits(1).says("data.sns_topic.alerts finds nothing");
    project.run(&["destroy", "--yes"]).exits(0).says("2 destroyed");
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn data_of_modules_and_of_each_is_read_together() {
    let module = r#"
        [variable.name]
        [data.ec2_subnet.one]
        vpc_id            = "${data.ec2_vpc.main.vpc_id}"
        availability_zone = "us-east-1${var.name}"
        tags              = { tier = "private" }
        [data.ec2_vpc.main]
        cidr_block = "10.7.0.0/16"
        [[data.ec2_vpc.main.postcondition]]
        condition = '${self.cidr_block != "10.8.0.0/16"}'
        message   = "another network"
        [output]
        cidr = "${data.ec2_subnet.one.cidr_block}"
        "#;
    let project = beside_the_network(
        r#"
        [module.net]
        source   = "./modules/net"
        for_each = ["a", "b"]
        name     = "${each.key}"
        [data.sns_topic.each]
        for_each = ["alerts"]
        name     = "${each.key}"
        [sqs_queue.q]
        queue_name = "q"
        tags       = { a = '${module.net["a"].cidr}', b = '${module.net["b"].cidr}', t = '${data.sns_topic.each["alerts"].arn}' }
        "#,
    );
    std::fs::create_dir_all(project.stack().join("modules/net")).unwrap();
    std::fs::write(project.stack().join("modules/net/main.toml"), module).unwrap();
    let describes = || project.cloud.calls("ec2:DescribeVpcs");
    let before = describes();
    project.run(&["plan", "--details"]).exits(0).says("10.7.0.0/24").says("10.7.1.0/24").says(":alerts");
    // One search for both instances, and one read.
    assert_eq!(describes() - before, 2);
    let text = std::fs::read_to_string(project.stack().join("modules/net/main.toml")).unwrap();
    std::fs::write(project.stack().join("modules/net/main.toml"), text.replace("!= \"10.8", "!= \"10.7"))
        .unwrap();
    project
        .run(&["plan"])
        .exits(1)
        .says("error[postcondition-failed]")
        .says("module.net[\"a\"].data.ec2_vpc.main")
        .says("another network");
}

#[test]
fn a_secret_is_no_value_of_data() {
    let project = Project::new(&headed(
        "[secretsmanager_secret.s]\nname = \"db\"\nsecret_string = \"hunter2-in-the-vault\"\nrecovery_window_days = 0\ntags = { use = \"db\" }\n",
    ));
    project.apply();
    let reader = project.stack().join("reader");
    std::fs::create_dir(&reader).unwrap();
    let text = "[stack]\nname = \"reader\"\nregion = \"us-east-1\"\n[data.secretsmanager_secret.s]\nname = \"db\"\n\
         [data.secretsmanager_secret.t]\ntags = { use = \"db\" }\n\
         [sqs_queue.q]\nqueue_name = \"q\"\ntags = { of = \"${data.secretsmanager_secret.s.arn}\" }\n\
         [output]\nall = \"${data.secretsmanager_secret.t}\"\n";
    std::fs::write(reader.join("stack.toml"), text).unwrap();
    for arguments in [
        &["plan", "reader"][..],
        &["plan", "--out", "p.json", "reader"],
        &["apply", "--yes", "reader"],
        &["output", "reader"],
    ] {
        project.run(arguments).exits(0).says_not("hunter2");
    }
    let saved = std::fs::read_to_string(project.stack().join("p.json")).unwrap();
    assert!(!saved.contains("hunter2") && saved.contains("data.secretsmanager_secret.s"));
}

/// A stack that uses the network by its outputs.
const BY_OUTPUT: &str = r#"
[stack_output.network]
folder = "./network"

[redshift_cluster_subnet_group.main]
cluster_subnet_group_name = "dw"
description               = "in ${stack_output.network.vpc_id}"
subnet_ids                = "${stack_output.network.subnet_ids}"

[output]
topic = "${stack_output.network.topic}"
"#;

/// The outputs of the network.
const OUTPUTS: &str = r#"
[output]
vpc_id     = "${ec2_vpc.main.vpc_id}"
subnet_ids = "${values(ec2_subnet.private)[*].subnet_id}"
topic      = "${sns_topic.alerts.arn}"
planned    = "${sns_topic.alerts.display_name}"
[output.key]
value     = "${ec2_vpc.main.arn}"
sensitive = true
"#;

/// A project with the network, not yet applied, and a stack beside it.
fn with_outputs(text: &str) -> Project {
    let project = Project::new(&headed(text));
    let network = project.stack().join("network");
    std::fs::create_dir(&network).unwrap();
    std::fs::write(network.join("stack.toml"), format!("{NETWORK}{OUTPUTS}")).unwrap();
    project
}

#[test]
fn outputs_of_another_stack_are_read_as_they_are_at_aws() {
    let project = with_outputs(BY_OUTPUT);
    project.run(&["validate"]).exits(0);
    project
        .run(&["plan"])
        .exits(1)
        .says("error[not-applied]: network/default is not applied yet: it has no outputs")
        .says("stack.toml:6:15")
        .says("dwctl apply network");
    project.run(&["apply", "--yes", "network"]).exits(0);
    let calls = || project.cloud.calls("sns:GetTopicAttributes");
    let before = calls();
    project.run(&["plan"]).exits(0).says("1 to create").says("stack_output.network  network/default");
    assert_eq!(calls() - before, 1, "one read of the topic");
    project.apply();
    project.settled();
    project.run(&["output"]).exits(0).says(":alerts");
    project.run(&["plan", "--out", "plan.json"]).exits(0);
    // Only what is referred to is read.
    project.write(&headed(&BY_OUTPUT.replace("topic = \"${stack_output.network.topic}\"", "")));
    let before = calls();
    project.run(&["plan"]).exits(0);
    assert_eq!(calls() - before, 0);
    // A value that was never applied is not there.
    change(&project, "[ec2_subnet.public]", "[ec2_subnet.more]");
    let text = std::fs::read_to_string(project.stack().join("network/stack.toml")).unwrap();
    let text = text.replace("[output]\n", "[ec2_subnet.next]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.7.77.0/24\"\n[output]\nnext = \"${ec2_subnet.next.subnet_id}\"\n");
    std::fs::write(project.stack().join("network/stack.toml"), text).unwrap();
    project.write(&headed(&BY_OUTPUT.replace("network.topic}", "network.next}")));
    project
        .run(&["plan"])
        .exits(1)
        .says("error[not-applied]: the output `next` of network/default has no value")
        .says("ec2_subnet.next does not exist at AWS");
    // A destroy does without it.
    project.run(&["destroy", "--yes"]).exits(0).says("1 destroyed");
    project.run(&["destroy", "--yes", "network"]).exits(0);
}

#[test]
fn a_sensitive_output_stays_secret_in_another_stack() {
    let text = BY_OUTPUT.replace("network.topic}", "network.key}");
    let project = with_outputs(&text);
    project.run(&["apply", "--yes", "network"]).exits(0);
    let vpc = project.run(&["output", "--name", "vpc_id", "network"]).exits(0).stdout;
    project.run(&["plan"]).exits(0).says("topic = (secret)").says_not(&format!("vpc/{}", vpc.trim()));
    project.run(&["apply", "--yes"]).exits(0).says_not(&format!("vpc/{}", vpc.trim()));
    let ledger = std::fs::read_to_string(project.ledger_file()).unwrap();
    assert!(!ledger.contains("vpc-"), "{ledger}");
}

#[test]
fn references_to_other_stacks_are_checked_without_aws() {
    let checked = |text: &str, others: &[(&str, &str)]| {
        let text = headed(text);
        let mut files = vec![("stack.toml", text.as_str())];
        files.extend(others);
        problems_of(folder(&files).path())
    };
    let network = format!("{NETWORK}{OUTPUTS}");
    let network = [("network/stack.toml", network.as_str()), ("network/env/dev.toml", "")];
    assert_eq!(checked(BY_OUTPUT, &network), "");
    let with = |from: &str, to: &str| {
        assert!(BY_OUTPUT.contains(from));
        checked(&BY_OUTPUT.replace(from, to), &network)
    };
    for (from, to, words) in [
        (".topic}", ".topics}", "the stack network has no output `topics`"),
        (".topic}", ".topics}", "did you mean `topic`?"),
        ("stack_output.network.topic", "stack_output.net.topic", "the stack has no `stack_output.net`"),
        ("stack_output.network.topic", "stack_output", "`stack_output` is not a value by itself"),
        ("./network", "./nowhere", "the stack's folder `./nowhere` does not exist"),
        ("./network", "network", "does not begin with ./ or ../"),
        ("./network", "../other", "leads out of"),
        ("folder = \"./network\"", "", "`stack_output.network` needs a `folder`"),
        ("folder =", "region = \"x\"\nfolder =", "`[stack_output]` has no `region`"),
        ("folder =", "env = \"prod\"\nfolder =", "there is no environment `prod`"),
    ] {
        let said = with(from, to);
        assert!(said.contains(words), "nothing of `{words}`: {said}");
    }
    assert_eq!(with("folder =", "env = \"dev\"\nfolder ="), "");
    let broken = [("network/stack.toml", "[stack]\nname = \"network\"\n[sqs_queeu.x]\n[sqs_queeu.y]\n")];
    let said = checked(BY_OUTPUT, &broken);
    assert!(said.contains("the stack in") && said.contains("there is no kind `sqs_queeu`"), "{said}");
    let around = headed("[stack_output.back]\nfolder = \"../network\"\n");
    let circle = [
        ("a/stack.toml", around.as_str()),
        ("network/stack.toml", &headed("[stack_output.a]\nfolder = \"../a\"\n")),
    ];
    let place = folder(&[circle[0], circle[1], (".git/HEAD", "")]);
    let said = problems_of(&place.path().join("a"));
    assert!(said.contains("reads outputs of this one"), "{said}");
    // A module gets it as an input.
    let said = checked(
        &format!("{BY_OUTPUT}[module.m]\nsource = \"./m\"\n"),
        &[network[0], ("m/main.toml", "[output]\nx = \"${stack_output.network.topic}\"\n")],
    );
    assert!(said.contains("a module does not see `stack_output.network.topic`"), "{said}");
}

#[test]
fn the_tags_of_the_stack_may_be_those_of_data() {
    let project = beside_the_network("");
    project.write(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\ntags = { net = \"${data.ec2_vpc.main.tags.team}\" }\n\
         [data.ec2_vpc.main]\ntags = { Name = \"main\" }\n[sqs_queue.q]\nqueue_name = \"q\"\n",
    );
    project.apply();
    assert_eq!(project.live("sqs_queue.q").expect("it exists").tags["net"], "net");
}

/// The examples, applied one after the other.
#[test]
fn the_examples_use_an_existing_network() {
    let project = Project::new("");
    crate::harness::copy(&crate::paper::root().join("examples"), &project.stack());
    std::fs::remove_file(project.stack().join("stack.toml")).unwrap();
    // The folder of another stack is in the same git repository.
    std::fs::create_dir(project.stack().join(".git")).unwrap();
    let folders = ["stack-output/network", "stack-output/warehouse", "data"];
    for folder in folders {
        project.run(&["validate", folder]).exits(0);
        project.run(&["apply", "--yes", folder]).exits(0);
        project.run(&["plan", "--detailed-exitcode", folder]).exits(0).says("No changes");
    }
    for folder in folders.iter().rev() {
        project.run(&["destroy", "--yes", folder]).exits(0);
    }
}

#[test]
fn the_newest_snapshot_is_found() {
    let project = Project::new(&headed(
        "[redshift_cluster.dw]\ncluster_identifier = \"dw\"\nnode_type = \"ra3.large\"\ndb_name = \"dw\"\n\
         master_username = \"admin\"\nmanage_master_password = true\nskip_final_snapshot = true\n",
    ));
    project.apply();
    project.with(async |_, cx| {
        for name in ["b-first", "a-second"] {
            let call = cx.aws.redshift().create_cluster_snapshot();
            call.snapshot_identifier(name).cluster_identifier("dw").send().await.expect("a snapshot");
            tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        }
    });
    let reader = |block: &str| {
        let folder = project.stack().join("reader");
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "[stack]\nname = \"reader\"\nregion = \"us-east-1\"\n[data.redshift_snapshot.it]\n{block}\n\
             [output]\nname = \"${{data.redshift_snapshot.it.snapshot_identifier}} of ${{data.redshift_snapshot.it.cluster_identifier}}\"\n"
        );
        std::fs::write(folder.join("stack.toml"), text).unwrap();
        project.run(&["output", "reader"])
    };
    reader("cluster_identifier = \"dw\"\nnewest = true").exits(0).says("a-second of dw");
    reader("snapshot_identifier = \"b-first\"").exits(0).says("b-first of dw");
    reader("id = \"b-first\"").exits(0).says("b-first of dw");
    reader("cluster_identifier = \"dw\"").exits(1).says("finds 3 of the kind redshift_snapshot");
    reader("snapshot_identifier = \"no\"").exits(1).says("data.redshift_snapshot.it finds nothing");
    reader("most_recent = true").exits(3).says("did you mean `newest`?");
    // It cannot be declared.
    refused("[redshift_snapshot.x]\nnewest = true\n", &["there is no kind `redshift_snapshot`"]);
    project.run(&["explain", "redshift_snapshot"]).exits(0).says("A stack can only read it.").says("newest");
}

#[test]
fn an_answer_that_denies_is_told_with_its_words() {
    let project = beside_the_network(
        "[data.sns_topic.alerts]\nname = \"alerts\"\n[output]\nx = \"${data.sns_topic.alerts.arn}\"\n",
    );
    project.cloud.disturb("error_nth=1:403:AuthorizationError&fault_match=sns:GetTopicAttributes");
    project
        .run(&["plan"])
        .exits(1)
        .says("error[read-failed]: cannot read data.sns_topic.alerts")
        .says("AuthorizationError")
        .says("request id 0000")
        .says("stack.toml:5:17");
}

#[test]
fn a_comparison_of_revisions_shows_data_by_its_name() {
    let stack = |cidr: &str, tier: &str| {
        headed(&format!(
            "[data.ec2_vpc.main]\ntags = {{ Name = \"main\" }}\n\
             [data.ec2_subnet.all]\nmany = true\nvpc_id = \"${{data.ec2_vpc.main.vpc_id}}\"\ntags = {{ tier = \"{tier}\" }}\n\
             [ec2_security_group.g]\ngroup_name = \"g\"\ndescription = \"for {cidr}\"\nvpc_id = \"${{data.ec2_vpc.main.vpc_id}}\"\n\
             [sqs_queue.each]\nfor_each = \"${{toset(data.ec2_subnet.all[*].subnet_id)}}\"\nqueue_name = \"q-${{each.key}}\"\n\
             [output]\nvpc = \"${{data.ec2_vpc.main.arn}}\"\n"
        ))
    };
    let (old, new) = (stack("10.0.0.0", "a"), stack("${data.ec2_vpc.main.cidr_block}", "b"));
    let place = folder(&[("old/stack.toml", &old), ("new/stack.toml", &new)]);
    let run = crate::paper::dwctl(place.path(), &["diff", "old", "new"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("for 10.0.0.0") && run.stdout.contains("for ${data.ec2_vpc.main.cidr_block}"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("vpc_id"), "{}", run.stdout);
}
