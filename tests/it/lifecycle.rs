//! Settings of a resource and of a stack: triggers of a replacement, time limits, the range of versions, the
//! region, and keys that are expressions.

use std::collections::BTreeMap;

use dwctl::ledger::Intent;
use dwctl::plan::{Action, Selection};

use crate::account::Account;
use crate::harness::Project;
use crate::paper::{dwctl, dwctl_with, folder, headed, problems};

/// The addresses that the change from one stack to another replaces.
fn replaced(before: &str, after: &str) -> Vec<String> {
    let plan = Account::after(before).planned(after, &Selection::default()).expect("a plan");
    let replaced = plan.changes.iter().filter(|change| matches!(change.action, Action::Replace { .. }));
    replaced.map(|change| change.address.to_string()).collect()
}

fn triggered_by(trigger: &str, topic: &str) -> String {
    format!(
        "[kms_key.k]\ndescription = 'K'\n[sns_topic.a]\n{topic}\n\
         [glue_database.b]\nname = 'b'\nlifecycle = {{ replace_triggered_by = ['{trigger}'] }}\n"
    )
}

#[test]
fn a_change_that_a_trigger_names_replaces_the_resource() {
    const BEFORE: &str = "name = 'a'\ndisplay_name = 'A'\ntags = { team = 'x', cost = '1' }";
    for (trigger, after, is_replaced) in [
        ("sns_topic.a", BEFORE, false),
        ("sns_topic.a", "name = 'a'\ndisplay_name = 'B'\ntags = { team = 'x', cost = '1' }", true),
        (
            "sns_topic.a.display_name",
            "name = 'a'\ndisplay_name = 'B'\ntags = { team = 'x', cost = '1' }",
            true,
        ),
        (
            "sns_topic.a.display_name",
            "name = 'a'\ndisplay_name = 'A'\ntags = { team = 'y', cost = '1' }",
            false,
        ),
        ("sns_topic.a.tags", "name = 'a'\ndisplay_name = 'A'\ntags = { team = 'y', cost = '1' }", true),
        ("sns_topic.a.tags.team", "name = 'a'\ndisplay_name = 'A'\ntags = { team = 'y', cost = '1' }", true),
        ("sns_topic.a.tags.team", "name = 'a'\ndisplay_name = 'A'\ntags = { team = 'x', cost = '2' }", false),
        // An ARN that follows from the name stays while the topic is changed in place.
        ("sns_topic.a.arn", "name = 'a'\ndisplay_name = 'B'\ntags = { team = 'x', cost = '1' }", false),
        ("sns_topic.a.arn", "name = 'c'\ndisplay_name = 'A'\ntags = { team = 'x', cost = '1' }", true),
        (
            "sns_topic.a.display_name",
            "name = 'c'\ndisplay_name = 'A'\ntags = { team = 'x', cost = '1' }",
            false,
        ),
        ("kms_key.k", BEFORE, false),
    ] {
        let found = replaced(&triggered_by(trigger, BEFORE), &triggered_by(trigger, after));
        assert_eq!(
            found.contains(&"glue_database.b".to_owned()),
            is_replaced,
            "{trigger}: {after}: {found:?}"
        );
    }
    // A resource that is created triggers nothing.
    let without = "[glue_database.b]\nname = 'b'\n";
    let with = triggered_by("sns_topic.a.arn", BEFORE);
    assert_eq!(replaced(without, &with), Vec::<String>::new());
    let same = with.replace(
        "key.k]\ndescription = 'K'",
        "key.k]\ndescription = 'K'\nkey_spec = 'RSA_2048'\nkey_usage = 'SIGN_VERIFY'",
    );
    let key = |text: &str| text.replace("sns_topic.a.arn", "kms_key.k.arn");
    assert_eq!(replaced(&key(&with), &key(&same)), ["glue_database.b", "kms_key.k"]);
}

#[test]
fn a_trigger_may_name_the_instance_of_its_own_key() {
    let stack = |trigger: &str, y: &str| {
        format!(
            "[sns_topic.a]\nfor_each = {{ x = 'X', y = '{y}' }}\nname = 'a-${{each.key}}'\ndisplay_name = '${{each.value}}'\n\
             [glue_database.b]\nfor_each = ['x', 'y']\nname = 'b_${{each.key}}'\n\
             lifecycle = {{ replace_triggered_by = ['{trigger}'] }}\n"
        )
    };
    let both = ["glue_database.b[\"x\"]".to_owned(), "glue_database.b[\"y\"]".to_owned()];
    for (trigger, expected) in [
        ("sns_topic.a[each.key]", &both[1..]),
        ("sns_topic.a[each.key].display_name", &both[1..]),
        ("sns_topic.a[each.key].name", &[]),
        ("sns_topic.a[\"y\"]", &both[..]),
        ("sns_topic.a[\"x\"].display_name", &[]),
        ("sns_topic.a", &both[..]),
    ] {
        assert_eq!(replaced(&stack(trigger, "Y"), &stack(trigger, "Z")), expected, "{trigger}");
    }
}

#[test]
fn a_trigger_that_names_nothing_is_an_error() {
    for (trigger, words) in [
        ("sns_topic.no", "the stack has no resource `sns_topic.no`"),
        ("sns_topic.a.dispay_name", "did you mean `display_name`"),
        ("sns_topic", "names a kind, not a resource"),
        ("sns_topics.a", "`sns_topics.a` is not a resource"),
        ("var.x", "`var.x` is not a resource"),
        ("a b", "names no resource and no attribute"),
        ("${sns_topic.a}", "must be a string without expressions"),
        ("", "names no resource and no attribute"),
        ("glue_database.b", "resources need each other"),
    ] {
        let shown = problems(&triggered_by(trigger, "name = 'a'"));
        assert!(shown.contains(words) && shown.contains("stack.toml:"), "{words}: {shown}");
    }
}

#[test]
fn a_trigger_names_an_instance_that_exists() {
    let each = "name = 'a-${each.key}'\nfor_each = ['x', 'y']";
    for (trigger, words) in [
        ("sns_topic.a[\"z\"]", "`sns_topic.a` has no element \"z\""),
        ("sns_topic.a[0]", "`sns_topic.a` has keys, not positions"),
        ("sns_topic.a[each.key]", "`each` is for resources with `for_each`"),
    ] {
        let shown = problems(&triggered_by(trigger, each));
        assert!(shown.contains(words) && shown.contains("stack.toml:"), "{words}: {shown}");
    }
    for trigger in ["sns_topic.a", "sns_topic.a[\"x\"]", "sns_topic.a[\"x\"].name"] {
        assert_eq!(problems(&triggered_by(trigger, each)), "", "{trigger}");
    }
}

#[test]
fn a_time_limit_is_a_duration() {
    let topic = |timeout: &str| problems(&format!("[sns_topic.a]\nname = 'a'\ntimeout = {timeout}\n"));
    assert_eq!(topic("{ create = '40m', update = '1h30m', delete = '${1 + 1}h' }"), "");
    for (timeout, words) in [
        ("{ create = '0s' }", "`0s` is not a time limit: it leaves no time"),
        ("{ create = 'forever' }", "`forever` is not a time limit"),
        ("{ create = '1d' }", "a day is 24h"),
        ("{ create = '-5m' }", "it is below zero"),
        ("{ create = '40' }", "it has no unit"),
        ("{ create = 40 }", "must be a string such as \"40m\", not number"),
        ("{ create = '999h' }", "it is longer than a week"),
        ("{ destroy = '4m' }", "did you mean `delete`?"),
        ("{ read = '4m' }", "known: create, update, delete"),
        ("'40m'", "`timeout` must be a table"),
    ] {
        let shown = topic(timeout);
        assert!(shown.contains(words) && shown.contains("stack.toml:7:"), "{words}: {shown}");
    }
}

#[test]
fn the_range_of_versions_is_checked_before_everything_else() {
    let stack = |range: &str| {
        folder(&[(
            "stack.toml",
            &format!(
                "[stack]\nname = 'shop'\nregion = 'us-east-1'\nrequires = '{range}'\nnew = 1\n[newer]\na = 1\n"
            ),
        )])
    };
    let ours = env!("CARGO_PKG_VERSION");
    let run = dwctl(stack(">= 99.1").path(), &["validate"]);
    assert_eq!(run.code, 3);
    let words = format!("this stack needs dwctl >= 99.1, and this is dwctl {ours}");
    assert!(run.stderr.contains(&words) && run.stderr.contains("stack.toml:4:12"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
    let run = dwctl(stack("garbage").path(), &["validate"]);
    assert!(run.stderr.contains("`garbage` is not a range of versions"), "{}", run.stderr);
    assert!(run.stderr.contains("`[stack]` has no `new`"), "{}", run.stderr);
    let run = dwctl(stack(&format!(">= {ours}, < 99")).path(), &["validate"]);
    assert!(!run.stderr.contains("needs dwctl"), "{}", run.stderr);
}

#[test]
fn variables_decide_the_region_before_aws_is_asked() {
    let stack = |region: &str, more: &str| {
        let text = format!(
            "[stack]\nname = 'shop'\nregion = '{region}'\n[variable.place]\ntype = 'string'\n{more}\n[output]\nr = '${{stack.region}}'\n"
        );
        folder(&[
            ("stack.toml", &text),
            ("env/eu.toml", "place = 'eu'\n"),
            ("vars.json", "{\"place\": \"eu\"}"),
        ])
    };
    let shown = |region: &str, more: &str, arguments: &[&str]| {
        let folder = stack(region, more);
        let run = dwctl(folder.path(), &[&["plan", "--offline"], arguments].concat());
        format!("{}{}", run.stdout, run.stderr)
    };
    let west = "${var.place}-west-1";
    for arguments in [&["--env", "eu"][..], &["--var", "place=eu"], &["--var-file", "vars.json"]] {
        let said = shown(west, "", arguments);
        assert!(said.contains("r = \"eu-west-1\""), "{said}");
    }
    assert!(shown(west, "default = 'us'", &[]).contains("r = \"us-west-1\""));
    let run = dwctl_with(stack(west, "").path(), &["plan", "--offline"], &[("DWCTL_VAR_place", "ap-south")]);
    assert!(
        run.stderr.contains("`ap-south-west-1` is not") || run.stdout.contains("ap-south-west-1"),
        "{}",
        run.stderr
    );
    for (region, more, words) in [
        (west, "", "the variable `place` has no value"),
        (west, "default = 'x y'", "`x y-west-1` is not the name of a region"),
        ("${aws.region}", "default = 'us'", "the region must be known before AWS is asked"),
        ("${stack.region}", "default = 'us'", "the region must be known before AWS is asked"),
        (
            "${local.r}",
            "default = 'us'\n[local]\nr = 'us-east-1'",
            "the region must be known before AWS is asked",
        ),
        ("${[var.place]}", "default = 'us'", "`region` must be a string, not list"),
        ("${null}", "default = 'us'", "`region` must be a string, not null"),
        (west, "default = 'us'\nsensitive = true", "`region` would show a secret"),
        ("${var.plac}", "default = 'us'", "plac"),
    ] {
        let said = shown(region, more, &[]);
        assert!(said.contains(words) && said.contains("stack.toml:"), "{words}: {said}");
        assert_eq!(said.matches("error[").count(), 1, "{said}");
    }
}

const POLICY: &str = "{ Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sqs:SendMessage', Resource = '*' }] }";

fn role(policies: &str) -> String {
    format!(
        "[variable.x]\ndefault = 'run'\n[kms_key.k]\ndescription = 'K'\n[iam_role.r]\nrole_name = 'r'\n\
         assume_role_policy_document = {{ Version = '2012-10-17', Statement = [{{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = {{ Service = 'glue.amazonaws.com' }} }}] }}\n\
         {policies}\n"
    )
}

#[test]
fn keys_of_maps_may_be_expressions() {
    let policy = |key: &str| format!("inline_policies.{key} = {POLICY}");
    let shown = Account::after("").plan(&role(&policy("\"sdlf-${var.x}\"")), &Selection::default());
    let plan =
        Account::after("").planned(&role(&policy("\"sdlf-${var.x}\"")), &Selection::default()).expect(&shown);
    let change = plan.changes.iter().find(|change| change.address.kind == "iam_role").expect("the role");
    let policies = change.desired.get("inline_policies").and_then(|all| all.as_map()).expect("a map");
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["sdlf-run"]);
    // Tags, documents and locals are free as well; `$${` is a literal.
    let text = "[variable.x]\ndefault = 'run'\n[local]\nm = { '${var.x}' = 1 }\n\
                [sns_topic.a]\nname = 'a'\ntags = { 'team-${var.x}' = '${local.m.run}', '$${y}' = 'z' }\n";
    let plan = Account::after("").planned(text, &Selection::default()).expect("a plan");
    let tags = &plan.changes[0].desired_tags;
    assert!(tags.contains_key("team-run") && tags.contains_key("${y}"), "{:?}", tags.keys());
    for (text, words) in [
        (policy("\"${kms_key.k.key_id}\""), "a key must be known before anything is created"),
        (policy("\"${5}\""), "a key must be a string, not number"),
        (policy("\"${null}\""), "a key must be a string, not null"),
        (policy("\"${sensitive(var.x)}\""), "a key would show a secret"),
        (policy("\"${var.y}\""), "the stack has no variable `y`"),
        (policy("\"${var.\""), "not a valid expression"),
        (format!("{}\n{}", policy("\"${var.x}\""), policy("run")), "two keys of this table are \"run\""),
        ("'${var.x}' = 1".to_owned(), "an attribute of an iam_role has no computed name"),
        ("tags = { '${var.x}' = '${kms_key.k.arn}', '${var.x}-' = [] }".to_owned(), "must be a string"),
    ] {
        let shown = problems(&role(&text));
        assert!(shown.contains(words) && shown.contains("stack.toml:"), "{words}: {shown}");
    }
    // What a computed name may be meant for is not missing, too.
    let shown = problems("[sqs_queue.q]\n'${\"queue\"}_name' = 'q'\n");
    assert_eq!(shown.matches("error[").count(), 1, "{shown}");
    let text = headed("").replace("region", "accounts = { '${env}' = '111111111111' }\nregion");
    assert!(problems(&text).contains("must be a name without expressions"), "{}", problems(&text));
}

#[test]
fn a_timeout_that_is_no_table_may_mean_an_attribute() {
    let text = "[glue_job.a]\nname = 'a'\nrole = 'arn:aws:iam::111111111111:role/glue'\ntimeout = 60\n\
                command = { script_location = 's3://b/a.py' }\n";
    let shown = problems(text);
    assert!(shown.contains("glue_job has no attribute `timeout`"), "{shown}");
    assert!(shown.contains("did you mean `timeout_minutes`?"), "{shown}");
}

/// The name of the log group that a plan desires.
fn group_name(account: &Account, text: &str) -> String {
    let plan = account.planned(text, &Selection::default()).unwrap_or_else(|shown| panic!("{shown}"));
    let group = plan
        .changes
        .iter()
        .find(|change| change.address.kind == "cloudwatchlogs_log_group")
        .expect("the group");
    group.desired.get("log_group_name").and_then(|name| name.as_str()).expect("a name").to_owned()
}

#[test]
fn a_generated_name_stays() {
    let group = |prefix: &str, more: &str| {
        format!("[cloudwatchlogs_log_group.g]\nname_prefix = '{prefix}'\n{more}\n")
    };
    let first = group_name(&Account::after(""), &group("etl-", ""));
    assert!(first.starts_with("etl-") && first.len() == 14, "{first}");
    // The same without a ledger; another for each address.
    assert_eq!(group_name(&Account::after(""), &group("etl-", "retention_in_days = 7")), first);
    // The rest of the ledger has no part in it: a saved plan has to find the same name.
    let topic = "[sns_topic.t]\nname = 't'\n";
    assert_eq!(group_name(&Account::after(topic), &(group("etl-", "") + topic)), first);
    let other = group("etl-", "").replace("_group.g]", "_group.h]");
    assert_ne!(group_name(&Account::after(""), &other), first);
    let account = Account::after(&group("etl-", ""));
    let name = group_name(&account, &group("etl-", "retention_in_days = 7"));
    let plan = account.planned(&group("etl-", ""), &Selection::default()).expect("a plan");
    assert!(plan.is_empty(), "{name}");
    let moved =
        other.clone() + "[[moved]]\nfrom = 'cloudwatchlogs_log_group.g'\nto = 'cloudwatchlogs_log_group.h'\n";
    assert_eq!(group_name(&account, &moved), name);
    // An interrupted apply was about to create it under this name.
    let mut interrupted = Account::after("");
    let intent = Intent {
        place: dwctl::aws::Place::of("us-east-1"),
        token: "token".to_owned(),
        id: Some("etl-interrupted".to_owned()),
        needs: Vec::new(),
        fingerprints: BTreeMap::new(),
        protect: false,
        retain: false,
        name_prefix: None,
        delete_timeout: None,
        unknown: BTreeMap::new(),
    };
    interrupted.ledger.intents.insert("cloudwatchlogs_log_group.g".parse().expect("an address"), intent);
    assert_eq!(group_name(&interrupted, &group("etl-", "")), "etl-interrupted");
    // Another prefix is another name, also one that the old name begins with.
    assert_eq!(replaced(&group("etl-orders-", ""), &group("etl-", "")), ["cloudwatchlogs_log_group.g"]);
    assert_eq!(replaced(&group("etl-", ""), &group("etl-orders-", "")), ["cloudwatchlogs_log_group.g"]);
    // Of a name that dwctl did not generate, the beginning counts.
    let named = "[cloudwatchlogs_log_group.g]\nlog_group_name = 'etl-by-hand'\n";
    assert_eq!(group_name(&Account::after(named), &group("etl-", "")), "etl-by-hand");
    assert_eq!(replaced(&group("etl-", ""), &group("elt-", "")), ["cloudwatchlogs_log_group.g"]);
    let class = "log_group_class = 'INFREQUENT_ACCESS'";
    assert_eq!(group_name(&account, &group("etl-", class)), name);
    let first = format!("{class}\nlifecycle = {{ create_before_destroy = true }}");
    assert_ne!(group_name(&account, &group("etl-", &first)), name);
    for (text, words) in [
        (group("etl-", "log_group_name = 'x'"), "`log_group_name` and `name_prefix` exclude each other"),
        (group("", ""), "`name_prefix` is empty"),
        (group("not a name?", ""), "must match"),
        (group("not a name?", ""), "`name_prefix` makes the `log_group_name` \"not a name?"),
        (group("not a name?", ""), "name_prefix = 'not a name?'"),
        (group("a b", ""), "log_group_name"),
        (group("${sensitive(\"x\")}", ""), "`name_prefix` would show a secret"),
        (group("${5}", ""), "`name_prefix` must be a string, not number"),
        ("[kms_key.k]\nname_prefix = 'x'\n".to_owned(), "a kms_key has no `name_prefix`"),
        (
            format!("[kms_key.k]\ndescription = 'K'\n{}", group("${kms_key.k.key_id}", "")),
            "must be known before anything",
        ),
    ] {
        let shown = problems(&text);
        assert!(shown.contains(words) && shown.contains("stack.toml:"), "{words}: {shown}");
    }
}

/// The name of the new object differs because it is replaced. It is not why.
#[test]
fn a_generated_name_is_no_cause_of_a_replacement() {
    let stack = |key: &str, class: &str, prefix: &str| {
        format!(
            "[kms_key.k]\ndescription = '{key}'\n[cloudwatchlogs_log_group.g]\nname_prefix = '{prefix}'\n\
             log_group_class = '{class}'\nlifecycle = {{ create_before_destroy = true, replace_triggered_by = ['kms_key.k'] }}\n"
        )
    };
    let before = stack("one", "STANDARD", "etl-");
    let account = Account::after(&before);
    let cause = |after: &str| {
        let plan = account.planned(after, &Selection::default()).expect("a plan");
        let change = plan.changes.into_iter().find(|one| one.address.name == "g").expect("the group");
        let forced = change.attributes.iter().filter(|one| one.forces_replacement);
        let forced: Vec<String> = forced.map(|one| format!("{:?}", one.path)).collect();
        let renamed =
            change.attributes.iter().any(|one| format!("{:?}", one.path).contains("log_group_name"));
        assert!(renamed, "the new name is shown");
        (format!("{:?}", change.reason), forced.join(" "))
    };
    let (reason, forced) = cause(&stack("two", "STANDARD", "etl-"));
    assert!(reason.contains("Triggered") && forced.is_empty(), "{reason} {forced}");
    let (reason, forced) = cause(&stack("one", "INFREQUENT_ACCESS", "etl-"));
    assert!(reason.contains("log_group_class") && !reason.contains("log_group_name"), "{reason}");
    assert!(forced.contains("log_group_class") && !forced.contains("log_group_name"), "{forced}");
    let (reason, forced) = cause(&stack("one", "STANDARD", "elt-"));
    assert!(reason.contains("log_group_name") && forced.contains("log_group_name"), "{reason} {forced}");
}

#[test]
fn an_apply_keeps_a_generated_name() {
    let group = |more: &str| {
        format!(
            "[stack]\nname = 'shop'\nregion = 'us-east-1'\n[cloudwatchlogs_log_group.g]\nname_prefix = '/etl/'\n{more}\n\
             [output]\nname = '${{cloudwatchlogs_log_group.g.log_group_name}}'\n"
        )
    };
    let project = Project::new(&group(""));
    project.apply();
    let name = project.id("cloudwatchlogs_log_group.g");
    assert!(name.starts_with("/etl/") && name.len() == 15, "{name}");
    project.settled();
    project.write(&group("retention_in_days = 7"));
    project.run(&["plan", "--out", "p.dwplan"]).exits(0);
    project.run(&["apply", "p.dwplan", "--yes"]).exits(0);
    assert_eq!(project.id("cloudwatchlogs_log_group.g"), name);
    project.settled();
    project.run(&["output", "--name", "name"]).exits(0).says(&name);
    project.run(&["destroy", "--yes"]).exits(0);
}
