//! Preconditions, postconditions and checks: what a plan and an apply do with them.

use dwctl::plan::Selection;

use crate::account::Account;
use crate::harness::Project;
use crate::paper::problems;

fn topic(more: &str) -> String {
    format!("[sns_topic.a]\nname = 'a'\n{more}\n[sns_topic.b]\nname = 'b'\ndepends_on = ['sns_topic.a']\n")
}

fn plan(text: &str) -> String {
    Account::after("").plan(text, &Selection::default())
}

/// The messages of the warnings of a plan.
fn warnings(text: &str) -> Vec<String> {
    let plan = Account::after("").planned(text, &Selection::default()).expect("a plan");
    plan.warnings.into_iter().map(|one| one.message).collect()
}

#[test]
fn a_precondition_fails_the_plan_of_its_resource_at_its_place() {
    let text = format!(
        "[variable.days]\ntype = 'number'\ndefault = 0\n{}",
        topic("precondition = { condition = '${var.days > 0}', message = 'days is ${var.days}' }")
    );
    let shown = plan(&text);
    for words in [
        "error[precondition-failed]: sns_topic.a: days is 0",
        "stack.toml:10:30",
        "this condition is not met",
        "`var.days` is 0",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(plan(&text.replace("default = 0", "default = 1")).matches("create").count(), 3);
    // What is not selected, and what is destroyed, has no conditions.
    let other = Selection { exclude: vec!["sns_topic.a".to_owned()], ..Selection::default() };
    assert!(!Account::after("").plan(&text, &other).contains("error"), "left out");
    let destroy = Selection { destroy: true, ..Selection::default() };
    assert!(!Account::after("").plan(&text, &destroy).contains("error"), "destroyed");
    // `validate` does not know the account, so it evaluates them for errors alone.
    assert_eq!(problems(&text), "");
}

#[test]
fn conditions_see_the_instance_and_postconditions_see_it_as_self() {
    let each = |condition: &str| {
        format!(
            "[sns_topic.a]\nfor_each = ['x', 'y']\nname = 'a-${{each.key}}'\n\
             postcondition = [{{ condition = '{condition}', message = '${{each.key}}: ${{self.name}}' }}]\n"
        )
    };
    assert!(!plan(&each("${self.name == \"a-${each.key}\"}")).contains("error"));
    let shown = plan(&each("${each.key == \"x\"}"));
    assert!(shown.contains("error[postcondition-failed]: sns_topic.a[\"y\"]: y: a-y"), "{shown}");
    assert_eq!(shown.matches("error[").count(), 1, "{shown}");
    for (text, words) in [
        (
            topic("precondition = { condition = '${self.name == 1}', message = 'm' }"),
            "`self` is known in postconditions alone",
        ),
        (topic("display_name = '${self.name}'"), "`self` is known in postconditions alone"),
        (
            topic("postcondition = { condition = '${self.nam == 1}', message = 'm' }"),
            "sns_topic has no attribute `nam`",
        ),
        (
            topic("postcondition = { condition = '${sns_topic.a.name == 1}', message = 'm' }"),
            "write self.ATTRIBUTE",
        ),
        (
            topic("precondition = { condition = '${sns_topic.a.name == 1}', message = 'm' }"),
            "use a postcondition",
        ),
        (
            topic("precondition = { condition = '${sns_topic.b.name == 1}', message = 'm' }"),
            "resources need each other",
        ),
        (
            topic("precondition = { condition = '${each.key == 1}', message = 'm' }"),
            "`each` is for resources with `for_each`",
        ),
        (topic("precondition = { condition = '${var.x}', message = 'm' }"), "the stack has no variable `x`"),
        (
            topic("precondition = { condition = '${5}', message = 'm' }"),
            "`condition` must be true or false, not a number",
        ),
        (topic("precondition = { condition = 'var.x', message = 'm' }"), "write it as an expression"),
        (topic("precondition = 'x'"), "`precondition` must be a table with `condition` and `message`"),
        (topic("postcondition = { condition = true }"), "`message` is missing"),
    ] {
        let shown = problems(&text);
        assert!(shown.contains(words), "{words}: {shown}");
        assert!(shown.contains("stack.toml:"), "{shown}");
    }
}

#[test]
fn a_message_never_shows_a_secret() {
    let text = "[variable.key]\nsensitive = true\ndefault = 'hunter2hunter2'\n";
    let message = |message: &str| {
        let condition =
            format!("precondition = {{ condition = '${{var.key == \"\"}}', message = '{message}' }}");
        plan(&format!("{text}{}", topic(&condition)))
    };
    let shown = message("the key is ${var.key}");
    assert!(shown.contains("its message contains a secret and is not shown"), "{shown}");
    assert!(shown.contains("`var.key` is sensitive, and not shown"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown = message("${file(\"missing\")}");
    assert!(shown.contains("its message has an error") && shown.contains("missing"), "{shown}");
}

#[test]
fn a_plan_tells_which_conditions_only_the_apply_can_check() {
    let text = format!(
        "[kms_key.data]\ndescription = 'Data'\n{}[check.key]\ncondition = '${{kms_key.data.arn != \"\"}}'\nmessage = 'm'\n\
         [output.arn]\nvalue = '${{kms_key.data.arn}}'\nprecondition = {{ condition = '${{kms_key.data.arn != \"\"}}', message = 'm' }}\n",
        topic("precondition = { condition = '${kms_key.data.key_id != \"\"}', message = 'm' }")
    );
    assert_eq!(
        warnings(&text),
        ["conditions are known after apply, and checked then: sns_topic.a, output `arn`, check `key`"]
    );
    let output = "[output.x]\nvalue = 1\nprecondition = { condition = false, message = 'no x' }\n";
    let shown = plan(&topic(output));
    assert!(shown.contains("error[precondition-failed]: output `x`: no x"), "{shown}");
}

#[test]
fn a_check_warns_and_stops_nothing() {
    let text = "[sns_topic.a]\nfor_each = ['x', 'y']\nname = 'a-${each.key}'\n\
        [check.good]\ncondition = '${length(sns_topic.a) == 2}'\nmessage = 'm'\n\
        [check.names]\ncondition = '${alltrue([for one in sns_topic.a : one.name == \"a-x\"])}'\nmessage = 'a name differs'\n\
        [[check.two]]\ncondition = true\nmessage = 'm'\n\
        [[check.two]]\ncondition = false\nmessage = 'second'\n";
    assert_eq!(warnings(text), ["check `names`: a name differs", "check `two`: second"]);
    // As in Terraform, a condition without a result is an error.
    let broken = text.replace("${length(sns_topic.a) == 2}", "${sns_topic.a[\"z\"].name == \"\"}");
    let shown = plan(&broken);
    assert!(shown.contains("`sns_topic.a` has no element \"z\"") && shown.contains("error["), "{shown}");
    for (text, words) in [
        (
            "[check.a]\ncondition = '${sns_topic.no.name}'\nmessage = 'm'\n",
            "the stack has no resource `sns_topic.no`",
        ),
        ("[check.a]\nassert = []\n", "a check has no `assert`"),
        ("[check]\na = 1\n", "must be a table with `condition`"),
        ("[checks.a]\ncondition = true\nmessage = 'm'\n", "did you mean `check`?"),
        ("[check.a]\ncondition = '${self.x}'\nmessage = 'm'\n", "`self` is known in postconditions alone"),
    ] {
        let shown = problems(text);
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let many: String = (0..10_000)
        .map(|number| format!("[check.c{number}]\ncondition = '${{{number} < 0}}'\nmessage = 'm'\n"))
        .collect();
    let begun = std::time::Instant::now();
    let told = warnings(&many);
    assert_eq!(told.len(), 51);
    assert_eq!(told.last().map(String::as_str), Some("9950 more checks are not met"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

const HEAD: &str = "[stack]\nname = 'shop'\nregion = 'us-east-1'\n[kms_key.data]\ndescription = 'Data'\n";

#[test]
fn an_apply_does_not_touch_a_resource_whose_precondition_is_not_met() {
    let condition = "precondition = { condition = '${endswith(kms_key.data.arn, \"x\")}', message = 'no x' }";
    let project = Project::new(&format!("{HEAD}{}", topic(condition)));
    let run = project.run(&["apply", "--yes"]).exits(1);
    let run = run
        .says("sns_topic.a: no x")
        .says("it was left as it is")
        .says("known after apply, and checked then: sns_topic.a");
    run.says("stack.toml:8:30").says("skipped: sns_topic.b, which depends on sns_topic.a");
    let ledger = project.ledger();
    let known: Vec<String> = ledger.resources.keys().map(ToString::to_string).collect();
    assert_eq!(known, ["kms_key.data"]);
    // Now the value is known, so the plan fails.
    project.run(&["plan"]).exits(1).says("sns_topic.a: no x");
    project.write(&format!("{HEAD}{}", topic(&condition.replace("\"x\"", "\"\""))));
    project.apply();
    project.settled();
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn a_failed_postcondition_stops_what_depends_on_the_resource() {
    let key = |condition: &str| {
        format!(
            "{HEAD}postcondition = {{ condition = '{condition}', message = 'a bad key' }}\n\
                 [sns_topic.a]\nname = 'a'\nkms_master_key_id = '${{kms_key.data.arn}}'\n"
        )
    };
    let project = Project::new(&key("${endswith(self.arn, \"x\")}"));
    let run = project.run(&["apply", "--yes", "--output", "markdown=report.md"]).exits(1);
    let run = run.says("error[postcondition-failed]: kms_key.data: a bad key").says("it was created");
    run.says("skipped: sns_topic.a, which depends on kms_key.data").says("1 created");
    let known: Vec<String> = project.ledger().resources.keys().map(ToString::to_string).collect();
    assert_eq!(known, ["kms_key.data"]);
    project.run(&["plan"]).exits(1).says("kms_key.data: a bad key");
    project.write(&key("${endswith(self.arn, self.key_id)}"));
    project.apply();
    project.settled();
    project.run(&["destroy", "--yes"]).exits(0);
}

#[test]
fn unmet_checks_are_told_after_plan_and_apply_in_every_format() {
    let stack = |name: &str| {
        format!(
            "{HEAD}[sns_topic.a]\nname = '{name}'\n\
                 [check.key]\ncondition = '${{endswith(kms_key.data.arn, \"x\")}}'\nmessage = 'the <key> is ${{sns_topic.a.name}}'\n"
        )
    };
    let project = Project::new(&stack("a"));
    let run = project.run(&["apply", "--yes", "--output", "markdown=report.md"]).exits(0);
    run.says("known after apply, and checked then: check `key`")
        .says("warning[check-failed]: check `key`: the <key> is a");
    let report = std::fs::read_to_string(project.stack().join("report.md")).expect("a report");
    assert!(report.contains("Checks that are not met") && report.contains("check `key`"), "{report}");
    let formats = ["json", "markdown", "html", "sarif", "junit"];
    let outputs: Vec<String> = formats.iter().map(|format| format!("{format}=p.{format}")).collect();
    let mut arguments = vec!["plan", "--detailed-exitcode"];
    outputs.iter().for_each(|output| arguments.extend(["--output", output]));
    project.run(&arguments).exits(0).says("check `key`: the <key> is a");
    for format in formats {
        let text = std::fs::read_to_string(project.stack().join(format!("p.{format}"))).expect("a plan");
        assert!(text.contains("key") && text.contains("is a"), "{format}: {text}");
        assert!(!["html", "junit"].contains(&format) || !text.contains("the <key>"), "{format}: {text}");
    }
    project.write(&stack("b"));
    let run = project.run(&["apply", "--yes", "--json"]).exits(0);
    let told: Vec<&str> = run.stdout.lines().filter(|line| line.contains("check-failed")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    project.run(&["destroy", "--yes"]).exits(0).says_not("check-failed");
}
