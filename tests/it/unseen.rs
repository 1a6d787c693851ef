//! External changes that AWS only hints at: the value of a secret, and the rules of a group that is
//! declared without any.

use crate::harness::Project;

const VALUE: &str = "planted-secret-value";

fn secret(value: &str) -> String {
    format!(
        "[stack]\nname = \"unseen\"\nregion = \"us-east-1\"\n\
         [secretsmanager_secret.login]\nname = \"login\"\nsecret_string = '${{sensitive(\"{value}\")}}'\n\
         recovery_window_days = 0\n\
         [secretsmanager_secret.theirs]\nname = \"theirs\"\nrecovery_window_days = 0\n"
    )
}

#[test]
fn a_secret_that_was_changed_by_hand() {
    let project = Project::new(&secret(VALUE));
    project.apply();
    project.settled();
    project.run(&["drift"]).exits(0);
    let by_hand = |name: &str| {
        project.with(async |_, cx| {
            let secrets = cx.aws.secretsmanager();
            secrets
                .put_secret_value()
                .secret_id(name)
                .secret_string("by hand")
                .send()
                .await
                .expect("it is put");
        });
    };
    // An ignored secret may be changed by others.
    by_hand("theirs");
    project.settled();
    by_hand("login");
    let plan = project.run(&["plan"]).exits(0).says("1 to update").says("drift: changed outside dwctl");
    assert!(plan.stdout.contains("secret_string") && !plan.stdout.contains("by hand"), "{plan}");
    project.run(&["drift"]).exits(4).says("secret_string").says_not(VALUE);
    // A pending change of the stack in addition to the drift.
    project.write(&secret("another-secret-value"));
    project.run(&["plan"]).exits(0).says("changed by the stack and outside dwctl");
    project.write(&secret(VALUE));
    project.apply().says("1 updated");
    project.settled();
    let value = project.with(async |_, cx| {
        let answer = cx.aws.secretsmanager().get_secret_value().secret_id("login").send().await;
        answer.expect("a value").secret_string.expect("a text")
    });
    assert_eq!(value, VALUE);
}

#[test]
fn a_rule_of_a_default_group() {
    let project = Project::new(
        "[stack]\nname = \"unseen\"\nregion = \"us-east-1\"\n[ec2_vpc.v]\ncidr_block = \"10.0.0.0/16\"\n",
    );
    project.apply();
    project.settled();
    let live = project.live("ec2_vpc.v").expect("it exists");
    let group =
        live.attrs.get("default_security_group_id").and_then(|id| id.as_str()).expect("an id").to_owned();
    project.with(async |_, cx| {
        let opened = cx.aws.ec2().authorize_security_group_ingress();
        let opened =
            opened.group_id(&group).ip_protocol("tcp").from_port(22).to_port(22).cidr_ip("0.0.0.0/0");
        opened.send().await.expect("it is opened");
    });
    const RULE: &str = "at AWS, in: tcp 22 from 0.0.0.0/0";
    project.run(&["plan"]).exits(0).says(RULE).says("drift: changed outside dwctl");
    project.run(&["drift"]).exits(4).says(RULE).says("wider access");
    project.apply();
    project.settled();
}
