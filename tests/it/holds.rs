//! What AWS does not delete while something else names it: the new one is made first, or the
//! holder lets go for a moment, or the plan is refused.

use dwctl::value::Value;

use crate::harness::{ACCOUNT, Project};

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

/// The names of an attribute of a live resource.
fn names(project: &Project, address: &str, attribute: &str) -> Vec<String> {
    let live = project.live(address).expect("it exists");
    let Some(Value::List(list)) = live.spec.get(attribute).cloned() else { return Vec::new() };
    list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn write(project: &Project, text: &str) {
    project.write(&format!("{HEAD}{text}"));
}

/// Replicated buckets need the role, it needs the policy, and that names the buckets: of the
/// ends of all these only one order is AWS's own.
#[test]
fn a_circle_of_what_goes_is_broken_where_aws_allows_it() {
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
fn an_attached_policy_is_let_go_of_while_it_is_replaced() {
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
        .plans("iam_role.r", "~ update in place  lets go of iam_policy.p while that is replaced");
    let run = project.apply();
    run.in_order("iam_role.r: released", "iam_policy.p: destroyed");
    run.in_order("iam_policy.p: destroyed", "iam_policy.p: created");
    run.in_order("iam_policy.p: created", "iam_role.r: updated");
    assert_eq!(names(&project, "iam_role.r", "managed_policy_arns"), [project.id("iam_policy.p")]);
    project.settled();

    // A part of the stack takes the holder along, which nothing else happens to.
    write(&project, &text("three"));
    project
        .run(&["apply", "--yes", "--target", "iam_policy.p"])
        .exits(0)
        .plans("iam_role.r", "~ update in place  lets go of iam_policy.p");
    project.settled();
    write(&project, &text("four"));
    project.run(&["plan", "--exclude", "iam_role.r"]).exits(0).leaves("iam_policy.p");

    // A saved plan is of that as well.
    project.run(&["plan", "--out", "plan"]).exits(0);
    project.run(&["apply", "--yes", "plan"]).exits(0);
    project.settled();
}

/// Where both can be there, nothing is without its policy even for a moment.
#[test]
fn what_is_held_is_made_first_where_its_name_is_free() {
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
fn what_cannot_be_let_go_of_is_refused() {
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
        .says("error[held]: iam_policy.p cannot be replaced while iam_role.r holds it")
        .says("iam_role.r names it in `permissions_boundary`")
        .says("the new iam_policy.p would have the id of the old iam_policy.p")
        .says("--replace iam_role.r")
        .says_not("destroyed");
    // As it says.
    project.run(&["apply", "--yes", "--replace", "iam_role.r"]).exits(0);
    project.settled();

    // What dwctl is not to change, it does not let go of either.
    let kept = format!("{ATTACHED}\nlifecycle = {{ ignore_changes = [\"managed_policy_arns\"] }}");
    let project = stack(&text("one", ATTACHED));
    project.apply();
    write(&project, &text("two", &kept));
    project.run(&["plan"]).exits(7).says("cannot be replaced while iam_role.r holds it");

    // What stays holds what goes.
    let project = stack(&text("one", &format!("{ATTACHED}\nlifecycle = {{ retain = true }}")));
    project.apply();
    project
        .run(&["destroy", "--yes"])
        .exits(7)
        .says("iam_role.r stays at AWS")
        .says("retain both, or neither");
    // Written without a reference, and still there.
    let named = role("r", &format!("managed_policy_arns = [\"arn:aws:iam::{ACCOUNT}:policy/p\"]"));
    let project = stack(&format!("{}{named}", policy("p", "")));
    project.apply();
    write(&project, &named);
    project
        .run(&["apply", "--yes"])
        .exits(7)
        .says("iam_policy.p cannot be destroyed while iam_role.r holds it")
        .says("let iam_role.r name it no more, or keep iam_policy.p");
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

/// The rules of a live group, both ways.
fn rules(project: &Project, address: &str) -> usize {
    let live = project.live(address).expect("it exists");
    let count = |name| match live.spec.get(name) {
        Some(Value::List(list)) => list.len(),
        _ => 0,
    };
    count("ingress") + count("egress")
}

#[test]
fn a_rule_that_names_a_group_goes_while_that_is_replaced() {
    for direction in ["ingress", "egress"] {
        let text = |description: &str| {
            format!("{NETWORK}{}{}", group("a", description, ""), group("b", "B", &rule(direction, "a")))
        };
        let project = stack(&text("one"));
        project.apply();
        let before = rules(&project, "ec2_security_group.b");
        write(&project, &text("two"));
        let run = project
            .apply()
            .plans("ec2_security_group.a", "± replace")
            .plans("ec2_security_group.b", "~ update in place  lets go of ec2_security_group.a");
        run.in_order("ec2_security_group.b: released", "ec2_security_group.a: destroyed");
        assert_eq!(rules(&project, "ec2_security_group.b"), before);
        project.settled();
    }
}

/// A last rule for what goes out leaves a group without any, which is not the default: that
/// would let everything out.
#[test]
fn to_let_go_opens_nothing() {
    let text = |description: &str| {
        format!("{NETWORK}{}{}", group("a", description, ""), group("b", "B", &rule("egress", "a")))
    };
    let project = stack(&text("one"));
    project.apply();
    write(&project, &text("two"));
    // The new one cannot be made.
    project.cloud.disturb("fault_match=ec2:CreateSecurityGroup&error_nth=1:400:SecurityGroupLimitExceeded");
    project.run(&["apply", "--yes"]).exits(1);
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
