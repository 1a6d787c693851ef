//! What users see: plans, errors, documentation. A changed screen is a changed file in `snapshots/`, to be
//! looked at in review.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use dwctl::graph::Address;
use dwctl::ledger::Entry;
use dwctl::plan::{self, Answers, Inputs, Outcome, Selection, TextOptions};

pub(crate) use crate::account::{Account, CLUSTER, JOB, ROLE, TOPIC, eval, read};
use crate::harness::Project;
use crate::paper::{self, is_alone};

/// The plan's screen between an applied stack and a new one.
fn change(before: &str, after: &str) -> String {
    Account::after(before).plan(after, &Selection::default())
}

#[test]
fn a_plan_without_changes() {
    insta::assert_snapshot!(change(TOPIC, TOPIC));
}

#[test]
fn a_plan_of_a_first_apply() {
    let nothing = Account::after("");
    insta::assert_snapshot!(nothing.plan(&format!("{TOPIC}{ROLE}{JOB}"), &Selection::default()));
}

#[test]
fn a_plan_of_updates_in_place() {
    let after = JOB
        .replace("number_of_workers = 2", "number_of_workers = 5")
        .replace("\"--load\" = \"full\"", "\"--load\" = \"delta\", \"--new\" = \"1\"")
        .replace(", \"--bookmark\" = \"on\"", "")
        .replace("[\"warehouse\"]", "[\"warehouse\", \"lake\"]");
    insta::assert_snapshot!(change(JOB, &after));
}

#[test]
fn a_plan_of_tags() {
    insta::assert_snapshot!(change(
        TOPIC,
        &TOPIC.replace("{ team = \"data\" }", "{ team = \"platform\", cost = \"7\" }")
    ));
}

#[test]
fn a_plan_that_loses_data() {
    let after = CLUSTER.replace("db_name              = \"dw\"", "db_name              = \"warehouse\"");
    insta::assert_snapshot!(change(CLUSTER, &after));
}

#[test]
fn a_plan_that_replaces_the_new_one_first() {
    let after = format!("{TOPIC}[sns_topic.alerts.lifecycle]\ncreate_before_destroy = true\n")
        .replace("name              = \"alerts\"", "name              = \"alarms\"");
    insta::assert_snapshot!(change(TOPIC, &after));
}

#[test]
fn a_plan_with_values_known_after_a_replacement() {
    let before = format!("{TOPIC}\n[output]\nkey = \"${{kms_key.data.arn}}\"");
    let selection = Selection { replace: vec!["kms_key.data".to_owned()], ..Selection::default() };
    insta::assert_snapshot!(Account::after(&before).plan(&before, &selection));
}

#[test]
fn a_plan_of_a_secret() {
    let screen = change(CLUSTER, &CLUSTER.replace("Correct-Horse-7", "Battery-Staple-8"));
    assert!(!screen.contains("Horse") && !screen.contains("Staple"), "{screen}");
    insta::assert_snapshot!(screen);
}

#[test]
fn a_plan_of_sets() {
    insta::assert_snapshot!(change(CLUSTER, &CLUSTER.replace("role/load", "role/unload")));
}

#[test]
fn a_plan_of_policy_statements() {
    let after = ROLE
        .replace("\"s3:GetObject\", ", "\"s3:GetObject\", \"s3:PutObject\", ")
        .replace("Version = \"2012-10-17\"\n[[", "Version = \"2012-10-17\"\n[[iam_role.glue.inline_policies.lake.Statement]]\nEffect = \"Deny\"\nAction = \"s3:DeleteObject\"\nResource = \"*\"\nCondition = { Bool = { \"aws:SecureTransport\" = \"false\" } }\n[[");
    insta::assert_snapshot!(change(ROLE, &after));
}

#[test]
fn a_plan_of_a_document() {
    let before = r#"
        [cloudwatch_dashboard.load]
        dashboard_name = "load"
        dashboard_body = { widgets = [
            { type = "text", x = 0, y = 0, width = 6, height = 3, properties = { markdown = "Loads" } },
            { type = "alarm", x = 6, y = 0, width = 6, height = 3, properties = { alarms = ["arn:aws:cloudwatch:us-east-1:111111111111:alarm:late"] } },
        ] }
    "#;
    insta::assert_snapshot!(change(
        before,
        &before.replace("\"Loads\"", "\"Loads of today\"").replace(
            "width = 6, height = 3, properties = { alarms",
            "width = 12, height = 3, properties = { alarms"
        )
    ));
}

#[test]
fn a_plan_of_long_values() {
    let arguments = |end: &str| {
        format!(
            "{JOB}description = \"{}{end}\"\n",
            "Loads the orders of every shop into the warehouse, in small batches; ".repeat(3)
        )
    };
    insta::assert_snapshot!(change(&arguments("by night"), &arguments("by day")));
}

#[test]
fn a_plan_of_drift() {
    let account = Account::after(JOB).set("glue_job.orders", "timeout_minutes", 120).set(
        "glue_job.orders",
        "number_of_workers",
        9,
    );
    insta::assert_snapshot!(
        account.plan(&JOB.replace("number_of_workers = 2", "number_of_workers = 3"), &Selection::default())
    );
}

#[test]
fn a_plan_of_tags_changed_by_hand() {
    let account = Account::after(TOPIC).change("sns_topic.alerts", |live| {
        live.tags.insert("owner".to_owned(), "somebody".to_owned());
        live.tags.remove("team");
    });
    insta::assert_snapshot!(account.plan(TOPIC, &Selection::default()));
}

#[test]
fn a_plan_of_resources_deleted_at_aws() {
    insta::assert_snapshot!(Account::after(TOPIC).without("kms_key.data").plan(TOPIC, &Selection::default()));
}

#[test]
fn a_plan_of_undeclared_resources() {
    let before = format!("{TOPIC}{JOB}{ROLE}[iam_role.glue.lifecycle]\nretain = true\n");
    insta::assert_snapshot!(
        Account::after(&before).without("glue_job.orders").plan("", &Selection::default())
    );
}

#[test]
fn a_plan_that_destroys_everything() {
    let destroy = Selection { destroy: true, ..Selection::default() };
    insta::assert_snapshot!(
        Account::after(&format!("{TOPIC}{JOB}")).plan(&format!("{TOPIC}{JOB}"), &destroy)
    );
}

#[test]
fn a_plan_of_another_region() {
    insta::assert_snapshot!(change(TOPIC, &format!("{TOPIC}region = \"eu-west-1\"\n")));
}

#[test]
fn a_plan_for_each_element() {
    let before = "[sns_topic.t]\nfor_each = ['orders', 'stock']\nname = '${each.key}'\n";
    insta::assert_snapshot!(change(
        before,
        &before
            .replace("'stock'", "'re\"turns'")
            .replace("${each.key}", "${replace(each.key, \"\\\"\", \"\")}")
    ));
}

#[test]
fn destroying_protected_resources_is_refused() {
    if !is_alone("screens::destroying_protected_resources_is_refused") {
        return;
    }
    let protect = "[kms_key.data.lifecycle]\nprotect = true\n";
    let protected = format!("{TOPIC}{protect}");
    let destroy = Selection { destroy: true, ..Selection::default() };
    let account = Account::after(&protected);
    let mut screens = account.plan(&protected, &destroy);
    // A resource stays protected after its block is removed from the file.
    screens.push_str(&account.plan("", &Selection::default()));
    insta::assert_snapshot!(screens);
}

#[test]
fn foreign_resources_are_refused() {
    if !is_alone("screens::foreign_resources_are_refused") {
        return;
    }
    let mut account = Account::after(TOPIC).change("sns_topic.alerts", |live| {
        live.tags = BTreeMap::from([("team".to_owned(), "finance".to_owned())]);
    });
    // The resource is not in the ledger, but exists at AWS under the same name.
    let topic = "sns_topic.alerts".parse::<Address>().expect("an address");
    let entry = account.ledger.resources[&topic].clone();
    struct Stray(Account, Address, Entry);
    let stray =
        Stray(Account { ledger: account.ledger.clone(), lives: account.lives.clone() }, topic.clone(), entry);
    account.ledger.resources.remove(&topic);
    let (stack, folder) = read(TOPIC);
    let eval = eval(&stack);
    let mut answers = Answers::default();
    let selection = Selection::default();
    let problems = loop {
        let inputs = Inputs {
            eval: &eval,
            ledger: &account.ledger,
            answers: &answers,
            selection: &selection,
            offline: false,
        };
        match plan::plan(&inputs) {
            Err(problems) => break problems,
            Ok(Outcome::Ask(questions)) => {
                questions.into_iter().for_each(|one| stray.0.answer(one, &mut answers));
            }
            Ok(Outcome::Plan(_)) => panic!("{} {}", stray.1, stray.2.id),
        }
    };
    let screen = dwctl::diag::render_all(&problems, &stack.sources, false);
    insta::assert_snapshot!(screen.replace(&format!("{}/", folder.path().display()), ""));
}

#[test]
fn an_unknown_target_is_reported() {
    if !is_alone("screens::an_unknown_target_is_reported") {
        return;
    }
    let target = |address: &str| Selection { targets: vec![address.to_owned()], ..Selection::default() };
    insta::assert_snapshot!(Account::after(TOPIC).plan(TOPIC, &target("sns_topic.alert")));
}

/// All errors of several stacks, one after the other.
fn errors(stacks: &[&str]) -> String {
    let mut text = String::new();
    for stack in stacks {
        let problems = paper::problems(stack);
        assert!(!problems.is_empty(), "this is valid:\n{stack}");
        text.push_str(&problems);
    }
    text
}

#[test]
fn errors_of_names() {
    if !is_alone("screens::errors_of_names") {
        return;
    }
    insta::assert_snapshot!(errors(&[
        "[sns_topics.a]\nname = 'a'",
        "[lambda.a]\nname = 'a'",
        "[sns_topic.a]\nname = 'a'\ndisplay = 'b'",
        "[glue_job.a]\nname = 'a'\nrole = 'r'\ncommand = { script_location = 's3://a/b', pyton_version = '3' }",
        "[sns_topic.a]\nname = '${sns_topic.b.name}'",
        "[sns_topic.a]\nname = '${var.nam}'\n[variable.name]\ndefault = 'a'",
        "[sns_topic.a]\nname = '${local.prefix}'",
        "[sns_topic.a]\nname = 'a'\n[output]\nx = '${sns_topic.a.ar}'",
        "[sns_topic.a]\nfor_each = ['raw', 'clean']\nname = '${each.key}'\n[output]\nx = '${sns_topic.a[\"rwa\"].arn}'",
        "[sns_topic.'a b']\nname = 'a'",
        "[stack]\nname = 'a'\nregion = 'us-east-1'\nregoin = 'us-east-1'",
    ]));
}

#[test]
fn errors_of_values() {
    if !is_alone("screens::errors_of_values") {
        return;
    }
    insta::assert_snapshot!(errors(&[
        "[sns_topic.a]\ndisplay_name = 'a'",
        "[sns_topic.a]\nname = ['a']",
        "[glue_job.a]\nname = 'a'\nrole = 'r'\nexecution_class = 'STANDRD'\nmax_retries = -1\ntimeout_minutes = 'soon'\ncommand = { script_location = 's3://a/b', python_version = '4' }",
        "[ec2_vpc.a]\ncidr_block = '10.0.0.0/33'",
        "[glue_crawler.a]\nname = 'a'\nrole = 'r'\nschedule = 'cron(0 25 * * ? *)'\ntargets = { s3_targets = [{ path = 's3://a/b' }] }",
        "[sns_topic.a]\nfor_each = 5\nname = 'a'",
        "[variable.n]\ntype = 'number'\ndefault = 'many'\n[sns_topic.a]\nname = 'a${var.n}'",
        "[sns_topic.a]\nname = 'a'\ntags = { 'aws:x' = '1', n = ['a'] }",
    ]));
}

#[test]
fn errors_of_structure() {
    if !is_alone("screens::errors_of_structure") {
        return;
    }
    insta::assert_snapshot!(errors(&[
        "[sns_topic.a]\nname = '${sns_topic.b.arn}'\n[sns_topic.b]\nname = '${sns_topic.c.arn}'\n[sns_topic.c]\nname = '${sns_topic.a.arn}'",
        "[local]\na = '${local.b}'\nb = '${local.a}'\n",
        "[sns_topic.a]\nname = 'a'\n[sns_topic.a]\nname = 'b'",
        "[sns_topic.a]\nname = 'a'\nname = 'b'",
        "[sns_topic.a]\nname = 'a\n",
        "[sns_topic.a\nname = 'a'",
        "sns_topic = 5",
        "[stack]\nregion = 'us-east-1'\n",
    ]));
}

#[test]
fn errors_of_expressions() {
    if !is_alone("screens::errors_of_expressions") {
        return;
    }
    insta::assert_snapshot!(errors(&[
        "[sns_topic.a]\nname = '${upper(}'",
        "[sns_topic.a]\nname = '${uper(\"a\")}'",
        "[sns_topic.a]\nname = '${1 + \"a\"}'",
        "[sns_topic.a]\nname = '${[1][4]}'",
        "[sns_topic.a]\nname = '${file(\"nowhere.txt\")}'",
        "[sns_topic.a]\nname = '${each.key}'",
        "[sns_topic.a]\nname = '${nothing.at.all}'",
        "[sns_topic.a]\nname = \"\"\"\n${cidrsubnet(\n  'x', 1, 2)}\"\"\"",
    ]));
}

#[test]
fn errors_of_documents() {
    if !is_alone("screens::errors_of_documents") {
        return;
    }
    insta::assert_snapshot!(errors(&[
        "[sns_topic.a]\nname = 'a'\npolicy = '{ \"Version\": '",
        "[sns_topic.a]\nname = 'a'\npolicy = { Version = '2012-10-17', Statement = [{ Efect = 'Allow', Action = 'sns:Publish', Resource = '*', Principal = '*' }] }",
        "[iam_role.a]\nrole_name = 'a'\nassume_role_policy_document = { Statement = [{ Effect = 'allow', Action = 'sts:AssumeRole', Principal = { Service = 'glue.amazonaws.com' } }] }",
    ]));
}

#[test]
fn an_offline_plan() {
    let folder = paper::folder(&[(
        "stack.toml",
        &paper::headed(&format!("{TOPIC}{CLUSTER}\n[output]\nkey = '${{kms_key.data.arn}}'")),
    )]);
    let run = paper::dwctl(folder.path(), &["plan", "--offline"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stderr);
    assert!(!run.stdout.contains("Horse"), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout);
}

/// Only the schema knows that this value is secret: it is a plain text, deep in a table.
#[test]
fn a_secret_inside_of_a_table() {
    let details =
        "source_control_details = { auth_strategy = 'PERSONAL_ACCESS_TOKEN', auth_token = 'hunter2' }";
    let folder = paper::folder(&[("stack.toml", &paper::headed(&format!("{JOB}{details}\n")))]);
    let run = paper::dwctl(folder.path(), &["plan", "--offline"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("auth_token = (secret)") && !run.stdout.contains("hunter2"),
        "{}",
        run.stdout
    );
}

#[test]
fn the_graph_in_both_notations() {
    let folder = paper::folder(&[(
        "stack.toml",
        &paper::headed(&format!(
            "{TOPIC}\n[sns_topic.each]\nfor_each = ['a\"b']\nname = 'x'\ndepends_on = ['sns_topic.alerts']"
        )),
    )]);
    let mut screens = String::new();
    for format in ["mermaid", "dot"] {
        let run = paper::dwctl(folder.path(), &["graph", "--format", format]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let _ = writeln!(screens, "{}", run.stdout);
    }
    insta::assert_snapshot!(screens);
}

#[test]
fn a_valid_stack() {
    let folder = paper::folder(&[("stack.toml", &paper::headed(TOPIC))]);
    let run = paper::dwctl(folder.path(), &["validate"]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "shop/default is valid: 2 resources\n"),
        "{}",
        run.stderr
    );
}

fn stdout_of(arguments: &[&str]) -> String {
    let folder = paper::folder(&[]);
    let run = paper::dwctl(folder.path(), arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout
}

#[test]
fn the_list_of_kinds() {
    let list = stdout_of(&["explain"]);
    assert!(list.lines().all(|line| line.chars().count() <= 96), "{list}");
    insta::assert_snapshot!(list);
}

#[test]
fn the_documentation_of_a_kind() {
    insta::assert_snapshot!(stdout_of(&["explain", "sns_topic"]));
}

#[test]
fn the_documentation_of_an_attribute() {
    insta::assert_snapshot!(stdout_of(&["explain", "glue_job.command"]));
}

#[test]
fn documentation_that_does_not_exist() {
    let folder = paper::folder(&[]);
    let mut screens = String::new();
    for subject in ["glue_jobs", "glue_job.comand", "glue_job.command.name.x"] {
        let run = paper::dwctl(folder.path(), &["explain", subject]);
        assert_eq!(run.code, 1, "{subject}");
        screens.push_str(&run.stderr);
    }
    insta::assert_snapshot!(screens);
}

#[test]
fn the_help_of_every_verb() {
    let mut screens = stdout_of(&["--help"]);
    let verbs: Vec<String> = screens
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|verb| verb != "help")
        .collect();
    assert!(verbs.len() > 8, "{verbs:?}");
    for verb in verbs {
        let _ = writeln!(screens, "\n$ dwctl {verb} -h\n{}", stdout_of(&[&verb, "-h"]));
    }
    insta::assert_snapshot!(screens);
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout_of(&["completions", shell]);
        // The script calls `dwctl` for the candidates; see `newcomers.rs`.
        assert!(script.contains("dwctl") && script.contains("DWCTL_COMPLETE"), "{shell}");
    }
}

/// Red marks possible harm, yellow drift; mere cost has neither. On a terminal only, lines wrap with an
/// indent, and long values are cut.
#[test]
fn a_plan_in_colours_on_a_narrow_terminal() {
    let long = format!(
        "{JOB}description = \"{}\"\n",
        "Loads the orders of every shop into the warehouse; ".repeat(3)
    );
    let before = format!("{long}{CLUSTER}");
    let after = before
        .replace("db_name              = \"dw\"", "db_name              = \"warehouse\"")
        .replace("G.1X", "G.2X")
        .replace("warehouse; Loads", "lake; Loads");
    let account = Account::after(&before).set("glue_job.orders", "timeout_minutes", 120);
    let plan = account.planned(&after, &Selection::default()).expect("a plan");
    let calls = [
        ("Glue", 3),
        ("Redshift", 2),
        ("S3", 9),
        ("CloudWatch Logs", 1),
        ("EventBridge", 1),
        ("Secrets Manager", 1),
    ];
    let calls = calls.map(|(service, count)| ((service.to_owned(), "Get".to_owned()), count));
    let call_counts = dwctl::aws::CallCounts { calls: calls.into(), throttled: 0 };
    let plan_text = |width, colour| {
        let call_counts = Some((call_counts.clone(), std::time::Duration::from_millis(1234)));
        plan::render(&plan, &TextOptions { colour, width, call_counts, ..TextOptions::default() })
    };
    let narrow = plan_text(Some(80), false);
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");
    let whole = plan_text(None, false);
    assert!(whole.contains("lake; Loads the orders of every shop"), "{whole}");
    assert!(!whole.contains('…'), "{whole}");
    insta::assert_snapshot!(plan_text(Some(80), true).replace('\u{1b}', "ESC"));
}

/// A terminal shows what is being read, and clears it before other output.
#[test]
fn a_terminal_shows_what_is_read() {
    let project =
        Project::new("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.a]\nname = \"a\"\n");
    let on_a_terminal = |more: &[&str], arguments: &[&str]| {
        let base = project.command(arguments);
        let script = paper::root().join("tests/support/on_a_terminal.py");
        let mut run = Command::new(std::env::var_os("DWCTL_PYTHON").unwrap_or_else(|| "python3".into()));
        run.env_clear().env("TERM", "xterm").arg("-I").arg(script).args(more);
        run.arg(base.get_program()).args(base.get_args());
        run.current_dir(base.get_current_dir().expect("a folder"));
        run.envs(base.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = run.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, screen) = on_a_terminal(&[], &["plan"]);
    assert_eq!(code, Some(0), "{screen}");
    let (waiting, rest) = screen.split_once("shop/default").expect("a plan");
    assert!(waiting.contains("Connecting to AWS") && waiting.contains("Planning"), "{screen}");
    assert!(!rest.contains("CR") && !rest.contains("Planning"), "the spinner is gone: {screen}");
    let before = waiting.trim_end_matches("ESC[1m");
    assert!(before.ends_with("CRESC[2K"), "its line is clear: {screen}");
    let (code, screen) = on_a_terminal(&["--interrupt-at", "Connecting"], &["plan"]);
    assert_eq!(code, Some(6), "{screen}");
    let (_, last) = screen.rsplit_once("CRESC[2K").expect("a clear line");
    assert!(last.contains("interrupted") && !last.contains("Connecting"), "{screen}");
    // Without a terminal, no progress is printed.
    let run = project.run(&["plan"]).exits(0);
    assert_eq!(run.stderr, "");
}
