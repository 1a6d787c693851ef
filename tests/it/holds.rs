//! Resources that AWS does not delete while another names them: the successor is created first, or the
//! holder releases for a moment, or the plan is refused.

use dwctl::value::Value;

use crate::gate::Gate;
use crate::harness::{ACCOUNT, Project, run};

const HEAD: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";

fn stack(text: &str) -> Project {
    Project::new(&format!("{HEAD}{text}"))
}

fn role(name: &str, more: &str) -> String {
    format!(
        "[iam_role.{name}]\nrole_name = \"{name}\"\n{more}\nassume_role_policy_document = {{ Version = \
         \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = {{ Service = \
         \"glue.amazonaws.com\" }} }}] }}\n"
    )
}

fn policy(name: &str, more: &str) -> String {
    format!(
        "[iam_policy.p]\npolicy_name = \"{name}\"\n{more}\npolicy_document = {{ Version = \"2012-10-17\", Statement \
         = [{{ Effect = \"Allow\", Action = \"s3:GetObject\", Resource = \"*\" }}] }}\n"
    )
}

const ATTACHED: &str = "managed_policy_arns = [\"${iam_policy.p.arn}\"]";
const BOUNDED: &str = "permissions_boundary = \"${iam_policy.p.arn}\"";

/// The values in an attribute of a live resource.
fn names(project: &Project, address: &str, attribute: &str) -> Vec<String> {
    let live = project.live(address).expect("it exists");
    let Some(Value::List(list)) = live.spec.get(attribute).cloned() else { return Vec::new() };
    list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn write(project: &Project, text: &str) {
    project.write(&format!("{HEAD}{text}"));
}

/// Replicated buckets need the role, the role needs the policy, and the policy names the buckets. AWS allows
/// only one order of deletion.
#[test]
fn a_cycle_of_deletions_is_broken_by_a_release() {
    let project = stack(
        "[s3_bucket.a]\nfor_each = [\"one\", \"two\"]\nbucket = \"shop-a-${each.key}\"\nversioning = true\n\
         [s3_bucket.a.replication]\nrole = \"${iam_role.r.arn}\"\n\
         rules = [{ id = \"all\", priority = 1, destination = { bucket = \"${s3_bucket.b.arn}\" } }]\n\
         [s3_bucket.b]\nbucket = \"shop-b\"\nversioning = true\n\
         [iam_role.r]\nrole_name = \"r\"\nmanaged_policy_arns = [\"${iam_policy.p.arn}\"]\n\
         assume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Principal = \
         { Service = \"s3.amazonaws.com\" }, Action = \"sts:AssumeRole\" }] }\n\
         [iam_policy.p]\npolicy_name = \"p\"\n\
         policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \
         \"s3:ListBucket\", Resource = \"${[for b in s3_bucket.a : b.arn]}\" }] }\n",
    );
    project.apply();
    project.settled();
    let run = project.run(&["destroy", "--yes"]).exits(0).says("5 destroyed");
    run.in_order("iam_role.r: destroyed", "iam_policy.p: destroyed");
    assert!(project.ledger().resources.is_empty());
}

#[test]
fn an_attached_policy_is_released_while_it_is_replaced() {
    let text = |description: &str| {
        let described = policy("p", &format!("description = \"{description}\""));
        format!("{described}{}", role("r", ATTACHED))
    };
    let project = stack(&text("one"));
    project.apply();
    write(&project, &text("two"));
    project
        .run(&["plan"])
        .exits(0)
        .plans("iam_policy.p", "± replace")
        .plans("iam_role.r", "~ update in place  releases iam_policy.p while it is replaced");
    let run = project.apply();
    run.in_order("iam_role.r: released", "iam_policy.p: destroyed");
    run.in_order("iam_policy.p: destroyed", "iam_policy.p: created");
    run.in_order("iam_policy.p: created", "iam_role.r: updated");
    assert_eq!(names(&project, "iam_role.r", "managed_policy_arns"), [project.id("iam_policy.p")]);
    project.settled();

    // A partial apply includes the holder, but makes no other change to it.
    write(&project, &text("three"));
    project
        .run(&["apply", "--yes", "--target", "iam_policy.p"])
        .exits(0)
        .plans("iam_role.r", "~ update in place  releases iam_policy.p while it is replaced");
    project.settled();
    write(&project, &text("four"));
    project.run(&["plan", "--exclude", "iam_role.r"]).exits(0).leaves("iam_policy.p");

    // A saved plan contains the release as well.
    project.run(&["plan", "--out", "plan"]).exits(0);
    project.run(&["apply", "--yes", "plan"]).exits(0);
    project.settled();
}

/// If both policies can exist, nothing is without one even for a moment.
#[test]
fn a_held_resource_is_created_first_if_its_name_is_free() {
    let text = |name: &str, more: &str| format!("{}{}", policy(name, ""), role("r", more));
    for hold in [ATTACHED, BOUNDED] {
        let project = stack(&text("one", hold));
        project.apply();
        write(&project, &text("two", hold));
        let run = project.apply().plans("iam_policy.p", "± replace, new one first");
        run.in_order("iam_policy.p: created", "iam_role.r: updated");
        run.in_order("iam_role.r: updated", "iam_policy.p: destroyed");
        project.settled();
    }
}

#[test]
fn a_plan_without_a_possible_release_is_refused() {
    let text = |description: &str, more: &str| {
        let described = policy("p", &format!("description = \"{description}\""));
        format!("{described}{}", role("r", more))
    };
    let project = stack(&text("one", BOUNDED));
    project.apply();
    write(&project, &text("two", BOUNDED));
    project
        .run(&["apply", "--yes"])
        .exits(7)
        .says("error[held]: iam_policy.p cannot be replaced while iam_role.r uses it")
        .says("iam_role.r names it in `permissions_boundary`")
        .says("the new iam_policy.p would have the id of the old iam_policy.p")
        .says("--replace iam_role.r")
        .says_not("destroyed");
    // As the message advises.
    project.run(&["apply", "--yes", "--replace", "iam_role.r"]).exits(0);
    project.settled();

    // dwctl does not release through an attribute that it must ignore.
    let kept = format!("{ATTACHED}\nlifecycle = {{ ignore_changes = [\"managed_policy_arns\"] }}");
    let project = stack(&text("one", ATTACHED));
    project.apply();
    write(&project, &text("two", &kept));
    project.run(&["plan"]).exits(7).says("cannot be replaced while iam_role.r uses it");

    // A retained role still holds the policy to be deleted.
    let project = stack(&text("one", &format!("{ATTACHED}\nlifecycle = {{ retain = true }}")));
    project.apply();
    project
        .run(&["destroy", "--yes"])
        .exits(7)
        .says("iam_role.r stays at AWS")
        .says("retain both, or neither");
    // The role names the policy by a literal ARN, and still holds it.
    let named = role("r", &format!("managed_policy_arns = [\"arn:aws:iam::{ACCOUNT}:policy/p\"]"));
    let project = stack(&format!("{}{named}", policy("p", "")));
    project.apply();
    write(&project, &named);
    project
        .run(&["apply", "--yes"])
        .exits(7)
        .says("iam_policy.p cannot be destroyed while iam_role.r uses it")
        .says("remove it from iam_role.r, or keep iam_policy.p");
    write(&project, &role("r", ""));
    project.apply().in_order("iam_role.r: updated", "iam_policy.p: destroyed");
}

fn group(name: &str, description: &str, more: &str) -> String {
    format!(
        "[ec2_security_group.{name}]\ngroup_name = \"{name}\"\ndescription = \"{description}\"\n\
         vpc_id = \"${{ec2_vpc.main.vpc_id}}\"\n{more}\n"
    )
}

const NETWORK: &str = "[ec2_vpc.main]\ncidr_block = \"10.0.0.0/16\"\n";

fn rule(direction: &str, of: &str) -> String {
    format!(
        "{direction} = [{{ ip_protocol = \"tcp\", from_port = 1, to_port = 1, referenced_security_group_id = \
         \"${{ec2_security_group.{of}.group_id}}\" }}]"
    )
}

/// The number of rules of a live group, in both directions.
fn rules(project: &Project, address: &str) -> usize {
    let live = project.live(address).expect("it exists");
    let count = |name| match live.spec.get(name) {
        Some(Value::List(list)) => list.len(),
        _ => 0,
    };
    count("ingress") + count("egress")
}

#[test]
fn a_rule_that_names_a_group_is_removed_while_the_group_is_replaced() {
    for direction in ["ingress", "egress"] {
        let text = |description: &str| {
            format!("{NETWORK}{}{}", group("a", description, ""), group("b", "B", &rule(direction, "a")))
        };
        let project = stack(&text("one"));
        project.apply();
        let before = rules(&project, "ec2_security_group.b");
        write(&project, &text("two"));
        let run = project.apply().plans("ec2_security_group.a", "± replace").plans(
            "ec2_security_group.b",
            "~ update in place  releases ec2_security_group.a while it is replaced",
        );
        run.in_order("ec2_security_group.b: released", "ec2_security_group.a: destroyed");
        assert_eq!(rules(&project, "ec2_security_group.b"), before);
        project.settled();
    }
}

/// Removing the last egress rule leaves a group without any. The default, which lets everything out, must
/// not come back.
#[test]
fn a_release_widens_no_access() {
    let text = |description: &str| {
        format!("{NETWORK}{}{}", group("a", description, ""), group("b", "B", &rule("egress", "a")))
    };
    let project = stack(&text("one"));
    project.apply();
    write(&project, &text("two"));
    // The new group cannot be created.
    project.cloud.disturb("fault_match=ec2:CreateSecurityGroup&error_nth=1:400:SecurityGroupLimitExceeded");
    project.run(&["apply", "--yes"]).exits(1).says(
        "ec2_security_group.b released ec2_security_group.a, and refers to it again after the next apply",
    );
    project.cloud.disturb("fault_match=&error_nth=");
    assert_eq!(rules(&project, "ec2_security_group.b"), 0);
    project.apply();
    project.settled();
}

#[test]
fn groups_that_name_each_other_are_destroyed() {
    let project = stack(&format!(
        "{NETWORK}{}{}",
        group("a", "A", &rule("ingress", "b")),
        group("b", "B", &format!("{}\n{}", rule("ingress", "a"), rule("egress", "a")))
    ));
    project.apply();
    project.run(&["plan", "--destroy"]).says(" first");
    project.run(&["destroy", "--yes"]).exits(0).says("released").says("3 destroyed");
}

/// After a kill between detaching and attaching, the next apply ends like an uninterrupted one.
#[test]
fn a_released_policy_is_attached_again_after_a_kill() {
    let text = |description: u64| {
        let described = policy("p", &format!("description = \"{description}\""));
        format!("{described}{}", role("r", ATTACHED))
    };
    let project = stack(&text(0));
    project.apply();
    let gate = Gate::before(&project.cloud.emulator());
    let apply = || {
        let mut command = project.command_without_endpoint(&["apply", "--yes"]);
        command.args(["--endpoint-url", &gate.endpoint()]);
        command
    };
    write(&project, &text(1));
    run(&mut apply(), "apply --yes").exits(0);
    let (first, last) = (gate.position("Action=DetachRolePolicy"), gate.last("Action=AttachRolePolicy"));
    assert!(last > first + 3, "{first} to {last}");
    for at in first..=last {
        write(&project, &text(at + 1));
        gate.forget();
        assert!(gate.kill(
            apply().stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()),
            at,
            at % 2 == 0
        ));
        project.apply();
        assert_eq!(names(&project, "iam_role.r", "managed_policy_arns"), [project.id("iam_policy.p")]);
        project.settled();
    }
}

/// A cluster in its own network. `pg` is the name and family of its parameter group, `sg` the same for its
/// security group, and `b` the block of its second subnet.
fn warehouse(pg: (&str, &str), sg: (&str, &str), b: &str) -> String {
    let subnet = |name: &str, cidr: &str, zone: &str| {
        format!(
            "[ec2_subnet.{name}]\nvpc_id = \"${{ec2_vpc.main.vpc_id}}\"\ncidr_block = \"{cidr}\"\n\
             availability_zone = \"us-east-1{zone}\"\n"
        )
    };
    format!(
        "{NETWORK}{}{}{}\
         [redshift_cluster_subnet_group.main]\ncluster_subnet_group_name = \"shop\"\ndescription = \"S\"\n\
         subnet_ids = [\"${{ec2_subnet.a.subnet_id}}\", \"${{ec2_subnet.b.subnet_id}}\"]\n\
         [redshift_cluster_parameter_group.main]\nparameter_group_name = \"{}\"\n\
         parameter_group_family = \"redshift-2.0\"\ndescription = \"{}\"\n\
         [redshift_cluster.main]\ncluster_identifier = \"shop\"\nnode_type = \"ra3.xlplus\"\nnumber_of_nodes = 2\n\
         master_username = \"admin\"\nmanage_master_password = true\nskip_final_snapshot = true\n\
         cluster_subnet_group_name = \"${{redshift_cluster_subnet_group.main.cluster_subnet_group_name}}\"\n\
         cluster_parameter_group_name = \"${{redshift_cluster_parameter_group.main.parameter_group_name}}\"\n\
         vpc_security_group_ids = [\"${{ec2_security_group.cluster.group_id}}\"]\n",
        subnet("a", "10.0.0.0/24", "a"),
        subnet("b", b, "b"),
        group("cluster", sg.1, "").replace("\"cluster\"", &format!("\"{}\"", sg.0)),
        pg.0,
        pg.1,
    )
}

#[test]
fn resources_used_by_a_cluster_are_created_first_or_kept() {
    let before = warehouse(("pg", "P"), ("sg", "S"), "10.0.1.0/24");
    let project = stack(&before);
    project.apply();
    // Both have the same name, so only one can exist.
    for (after, held) in [
        (warehouse(("pg", "Q"), ("sg", "S"), "10.0.1.0/24"), "redshift_cluster_parameter_group.main"),
        (warehouse(("pg", "P"), ("sg", "T"), "10.0.1.0/24"), "ec2_security_group.cluster"),
    ] {
        write(&project, &after);
        let words = format!("{held} cannot be replaced while redshift_cluster.main uses it");
        project.run(&["apply", "--yes"]).exits(7).says(&words).says_not("destroyed in");
    }
    let after = warehouse(("pg2", "Q"), ("sg2", "T"), "10.0.1.0/24");
    write(&project, &after);
    let run = project
        .apply()
        .plans("redshift_cluster_parameter_group.main", "± replace, new one first")
        .plans("ec2_security_group.cluster", "± replace, new one first")
        .plans("redshift_cluster.main", "~ update in place");
    for held in ["redshift_cluster_parameter_group.main", "ec2_security_group.cluster"] {
        run.in_order("redshift_cluster.main: updated", &format!("{held}: destroyed"));
    }
    project.settled();
    // The cluster may have a network interface in each of its subnets.
    write(&project, &warehouse(("pg2", "Q"), ("sg2", "T"), "10.0.2.0/24"));
    project.run(&["plan"]).exits(0).plans("ec2_subnet.b", "± replace, new one first");
    write(&project, &after.replace("us-east-1b", "us-east-1c"));
    project.run(&["plan"]).exits(7).says("ec2_subnet.b cannot be replaced while");
    project.run(&["destroy", "--yes"]).exits(0);
}

/// AWS moves no subnet group to another network: it is made anew, unless a cluster uses it.
#[test]
fn a_subnet_group_is_replaced_for_another_network_or_refused() {
    let before = warehouse(("pg", "P"), ("sg", "S"), "10.0.1.0/24");
    let moved = |text: &str| {
        let other = "[ec2_vpc.other]\ncidr_block = \"10.0.0.0/16\"\n";
        format!("{other}{}", text.replace("${ec2_vpc.main.vpc_id}", "${ec2_vpc.other.vpc_id}"))
    };
    let project = stack(&before);
    project.apply();
    write(&project, &moved(&before));
    project
        .run(&["apply", "--yes"])
        .exits(7)
        .says("redshift_cluster_subnet_group.main cannot be replaced while redshift_cluster.main uses it")
        .says("--replace redshift_cluster.main")
        .says_not("destroyed in");
    let without = |text: &str| {
        let (rest, _) = text.split_once("[redshift_cluster.main]").expect("a cluster");
        rest.to_owned()
    };
    write(&project, &without(&before));
    project.run(&["apply", "--yes", "--allow", "destroy,data-loss"]).exits(0);
    write(&project, &moved(&without(&before)));
    let run = project.apply().plans("redshift_cluster_subnet_group.main", "± replace");
    run.says("forces replacement");
    project.settled();
    // Other subnets of the same network are taken in place.
    let more = moved(&without(&before)).replace("10.0.1.0/24", "10.0.3.0/24");
    write(&project, &more);
    project.apply().plans("redshift_cluster_subnet_group.main", "~ update in place");
    project.settled();
}

/// AWS destroys a role that a job names, and the job then fails.
#[test]
fn remaining_references_to_destroyed_resources_are_reported() {
    let job = |role: &str, more: &str| {
        format!(
            "[glue_job.load]\nname = \"load\"\nrole = \"{role}\"\n{more}\
             command = {{ script_location = \"s3://scripts/job.py\" }}\n"
        )
    };
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/r");
    let project = stack(&format!("{}{}", role("r", ""), job("${iam_role.r.arn}", "")));
    project.apply();
    write(&project, &job(&arn, ""));
    project
        .run(&["plan"])
        .exits(0)
        .says("iam_role.r is destroyed, and glue_job.load still names it in `role`")
        .says("let glue_job.load name another, or keep iam_role.r");
    let kept = job("${iam_role.r.arn}", "lifecycle = { retain = true }\n");
    write(&project, &format!("{}{kept}", role("r", "")));
    project
        .run(&["plan", "--destroy"])
        .exits(0)
        .says("iam_role.r is destroyed, and glue_job.load still names it in `role`")
        .says("retain both, or neither");
    // If both are destroyed, or both stay, there is no warning.
    write(&project, &format!("{}{}", role("r", ""), job("${iam_role.r.arn}", "")));
    project.run(&["plan", "--destroy"]).exits(0).says_not("still names it");
    project.run(&["destroy", "--yes"]).exits(0);
}
