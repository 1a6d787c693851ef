//! Partial plans: what `--target` and `--exclude` include and leave out.

use crate::harness::Project;

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";

fn stack(text: &str) -> Project {
    Project::new(&format!("{HEAD}{text}"))
}

/// A network with two parts.
fn network(cidr_block: &str) -> String {
    let subnet = |name: &str, number: u8| {
        format!(
            "[ec2_subnet.{name}]\nvpc_id = \"${{ec2_vpc.main.vpc_id}}\"\n\
             cidr_block = \"${{cidrsubnet(ec2_vpc.main.cidr_block, 8, {number})}}\"\n"
        )
    };
    format!("[ec2_vpc.main]\ncidr_block = \"{cidr_block}\"\n{}{}", subnet("a", 0), subnet("b", 1))
}

const TOPIC: &str = "[sns_topic.alerts]\nname = \"alerts\"\n";

#[test]
fn target_includes_dependencies_and_exclude_leaves_out_dependents() {
    let project = stack(
        "[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\
         [ec2_subnet.a]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.0.0/24\"\n\
         [ec2_subnet.b]\nvpc_id = \"${ec2_vpc.main.vpc_id}\"\ncidr_block = \"10.0.1.0/24\"\n\
         [sns_topic.alerts]\nname = \"alerts\"\n",
    );
    project.run(&["plan", "--target", "ec2_subnet.c"]).exits(1).says("did you mean `ec2_subnet.");
    project
        .run(&["apply", "--yes", "--target", "ec2_subnet.a"])
        .exits(0)
        .plans("ec2_vpc.main", "+ create")
        .plans("ec2_subnet.a", "+ create")
        .leaves("ec2_subnet.b")
        .leaves("sns_topic.alerts");
    project
        .run(&["apply", "--yes", "--exclude", "ec2_subnet.b"])
        .exits(0)
        .plans("sns_topic.alerts", "+ create")
        .leaves("ec2_subnet.b");
    project.apply().plans("ec2_subnet.b", "+ create");
    project.settled();

    project
        .run(&["destroy", "--yes", "--target", "ec2_subnet.a"])
        .exits(0)
        .plans("ec2_subnet.a", "- destroy")
        .leaves("ec2_vpc.main");
    project
        .run(&["destroy", "--yes", "--exclude", "ec2_subnet.b"])
        .exits(0)
        .plans("sns_topic.alerts", "- destroy")
        .leaves("ec2_subnet.b")
        .leaves("ec2_vpc.main");
    project.run(&["destroy", "--yes"]).exits(0).says("2 destroyed");
}

/// AWS deletes no network with something in it.
#[test]
fn children_of_a_selected_deletion_are_deleted_first() {
    let project = stack(&format!("{}{TOPIC}", network("10.0.0.0/16")));
    project.apply();
    project.write(HEAD);
    project
        .run(&["apply", "--yes", "--target", "ec2_subnet.a"])
        .exits(0)
        .plans("ec2_subnet.a", "- destroy")
        .leaves("ec2_vpc.main")
        .leaves("ec2_subnet.b");
    project
        .run(&["plan", "--exclude", "ec2_subnet.b"])
        .exits(0)
        .plans("sns_topic.alerts", "- destroy")
        .leaves("ec2_vpc.main")
        .leaves("ec2_subnet.b");
    project
        .run(&["apply", "--yes", "--target", "ec2_vpc.main"])
        .exits(0)
        .plans("ec2_vpc.main", "- destroy")
        .plans("ec2_subnet.b", "- destroy")
        .leaves("sns_topic.alerts");
    project.apply().plans("sns_topic.alerts", "- destroy");
    project.settled();
}

#[test]
fn children_of_a_selected_replacement_are_replaced_with_it() {
    let project = stack(&format!("{}{TOPIC}", network("10.0.0.0/16")));
    project.apply();
    project.write(&format!("{HEAD}{}", network("10.1.0.0/16")));
    project
        .run(&["plan", "--exclude", "ec2_subnet.b"])
        .exits(0)
        .leaves("ec2_vpc.main")
        .leaves("ec2_subnet.a")
        .plans("sns_topic.alerts", "- destroy");
    project
        .run(&["apply", "--yes", "--target", "ec2_vpc.main"])
        .exits(0)
        .plans("ec2_vpc.main", "± replace")
        .plans("ec2_subnet.a", "± replace")
        .plans("ec2_subnet.b", "± replace")
        .leaves("sns_topic.alerts");
}

/// The dependent must drop its reference first.
#[test]
fn dependents_of_a_selected_deletion_are_updated_with_it() {
    let declare = |first: &str, then: &str| {
        let topic = |name: &str| format!("[sns_topic.{name}]\nname = \"{name}\"\n");
        format!(
            "{HEAD}{}{}[cloudwatch_alarm.failed]\nalarm_name = \"failed\"\ncomparison_operator = \
             \"GreaterThanThreshold\"\nevaluation_periods = 1\nthreshold = 1\nmetric_name = \"Failed\"\n\
             namespace = \"Shop\"\nperiod = 60\nstatistic = \"Sum\"\nalarm_actions = [\"${{sns_topic.{then}.arn}}\"]\n",
            topic(first),
            if first == then { String::new() } else { topic(then) },
        )
    };
    let project = Project::new(&declare("old", "old"));
    project.apply();
    project.write(&declare("new", "new"));
    project
        .run(&["plan", "--target", "sns_topic.old"])
        .exits(0)
        .plans("sns_topic.old", "- destroy")
        .plans("cloudwatch_alarm.failed", "~ update in place")
        .plans("sns_topic.new", "+ create");
    project
        .run(&["plan", "--target", "sns_topic.new"])
        .exits(0)
        .plans("sns_topic.new", "+ create")
        .leaves("sns_topic.old");
}
