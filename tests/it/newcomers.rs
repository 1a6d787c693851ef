//! The first hour of a new user: the first stack of the README works as written, and every wrong guess from
//! Terraform, CloudFormation or plain words gets an error that leads to the right name.

use std::process::Command;

use crate::harness::{Project, run};
use crate::paper::{dwctl, dwctl_with, folder, problems, root};

/// The code blocks of the README in a language, below a heading.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading");
    let mut blocks = Vec::new();
    let mut parts = section.split("```");
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        blocks.extend(block.strip_prefix(&format!("{language}\n")).map(str::to_owned));
    }
    blocks
}

#[test]
fn the_first_stack_of_the_readme_runs_as_it_is_written() {
    let [stack, env, ..] = &blocks("Your own stack", "toml")[..] else {
        panic!("a stack and an environment")
    };
    let commands = blocks("Your own stack", "sh").remove(0);
    let project = Project::new(stack);
    std::fs::create_dir(project.stack().join("env")).unwrap();
    std::fs::write(project.stack().join("env/dev.toml"), env).unwrap();
    let mut done = Vec::new();
    for line in commands.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(arguments) = line.strip_prefix("dwctl ") else {
            assert_eq!(line, "export DWCTL_SANDBOX=1");
            continue;
        };
        let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
        // There is nobody to answer the question.
        if arguments[0] == "apply" {
            arguments.push("--yes");
        }
        let mut command = project.command_without_endpoint(&arguments);
        project.cloud.use_as_sandbox(&mut command);
        let run = run(command.env("DWCTL_SANDBOX", "1").current_dir(project.stack()), line).exits(0);
        done.push((arguments[0].to_owned(), run));
    }
    let verbs: Vec<&str> = done.iter().map(|(verb, _)| verb.as_str()).collect();
    assert_eq!(verbs, ["validate", "plan", "apply", "explain"]);
    let applied = &done[2].1;
    assert!(applied.stdout.contains("raw_bucket"), "{applied}");
    let mut again = project.command_without_endpoint(&["plan", ".", "--env", "dev"]);
    project.cloud.use_as_sandbox(&mut again);
    run(again.env("DWCTL_SANDBOX", "yes").current_dir(project.stack()), "again").exits(0).says("No changes");
}

#[test]
fn an_environment_switch_is_on_off_or_an_error() {
    let project = Project::new("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n");
    let plan = |value: &str| -> Command {
        let mut command = project.command_without_endpoint(&["plan"]);
        project.cloud.use_as_sandbox(&mut command);
        command.env("DWCTL_SANDBOX", value);
        command
    };
    for on in ["1", "true", "YES", "on"] {
        run(&mut plan(on), on).exits(0).says("No changes");
    }
    for off in ["0", "false", "No", "off", ""] {
        // The test's credentials are not valid at AWS, and without credentials no request is sent.
        let mut command = plan(off);
        command.env("DWCTL_ENDPOINT_URL", project.cloud.endpoint());
        run(&mut command, off).exits(0);
    }
    run(&mut plan("maybe"), "maybe").exits(1).says("DWCTL_SANDBOX must be 1, true, yes or on");
    let mut both = plan("1");
    run(both.env("DWCTL_ENDPOINT_URL", project.cloud.endpoint()), "both").exits(1).says("exclude each other");
}

#[test]
fn apply_and_show_explain_a_wrong_argument() {
    let stack = folder(&[
        ("stack.toml", "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n"),
        ("env/dev.toml", ""),
        ("notes.md", "# Notes"),
    ]);
    for (arguments, code, words) in [
        (&["apply", "stack.toml"][..], 1, &["file of a stack", "dwctl apply .", "dwctl plan --out FILE"][..]),
        (&["plan", "stack.toml"], 3, &["a stack is a whole folder", "name the folder: ."]),
        (&["plan", "notes.md"], 3, &["not a stack's folder", "`dwctl show FILE`"]),
        (&["apply", "notes.md"], 7, &["not a saved plan"]),
        (&["apply", "prod.dwplan"], 3, &["there is no folder prod.dwplan", "dwctl plan --out prod.dwplan"]),
        (&["plan", "dev"], 3, &["there is no folder dev", "--env dev"]),
        (&["plan", "s3_bucket.lake"], 3, &["there is no folder", "--target 's3_bucket.lake'"]),
        (&["show", "."], 1, &["not a saved plan", "dwctl show --stack ."]),
        (&["show", "stack.toml"], 1, &["file of a stack", "dwctl apply ."]),
        (&["show", "dev"], 1, &["neither a file nor an address", "--env dev"]),
        (&["show", "s3_bucket"], 1, &["neither a file nor an address", "dwctl explain s3_bucket"]),
        (&["show", "aws_s3_bucket.lake"], 1, &["did you mean `s3_bucket.lake`?"]),
        (&["show", "crawler"], 1, &["did you mean `glue_crawler.NAME`?"]),
    ] {
        let run = dwctl(stack.path(), arguments);
        for word in words {
            assert!(run.stderr.contains(word), "{arguments:?}: no `{word}` in\n{}", run.stderr);
        }
        assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn explain_knows_the_names_of_other_tools() {
    let here = folder(&[]);
    for (name, first) in [
        ("aws_cloudwatch_log_group", "cloudwatchlogs_log_group\n"),
        ("AWS::S3::Bucket", "s3_bucket\n"),
        ("aws_s3_bucket_versioning", "s3_bucket.versioning "),
        ("AWS::SNS::TopicPolicy", "sns_topic.policy "),
        ("aws_glue_job.command", "glue_job.command "),
    ] {
        let run = dwctl(here.path(), &["explain", name]);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        assert!(run.stdout.starts_with(first), "{name}: {}", run.stdout);
        assert!(run.stderr.contains("is "), "{name}: {}", run.stderr);
    }
    for (name, words) in [
        ("bucket", "did you mean `s3_bucket`?"),
        ("redshift_cluster.database_name", "did you mean `redshift_cluster.db_name`?"),
        ("glue_job.command.script", "did you mean `glue_job.command.script_location`?"),
        ("aws_lambda_function", "dwctl explain lists all kinds"),
    ] {
        let run = dwctl(here.path(), &["explain", name]);
        assert_eq!(run.code, 1, "{name}");
        assert!(run.stderr.contains(words), "{name}: {}", run.stderr);
    }
}

#[test]
fn a_shell_completes_environments_kinds_and_addresses() {
    let stack = folder(&[
        (
            "stack.toml",
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[sns_topic.alerts]\nname = \"a\"\n\
             [s3_bucket.lake]\nfor_each = [\"raw\", \"a b\"]\nbucket = '${replace(each.key, \" \", \"-\")}-x'\n\
             [output]\ntopic = \"${sns_topic.alerts.arn}\"\n",
        ),
        ("env/dev.toml", ""),
        ("env/prod.toml", ""),
    ]);
    let completed = |line: &[&str]| -> Vec<String> {
        let words = [&["--", "dwctl"], line].concat();
        let run = dwctl_with(stack.path(), &words, &[("DWCTL_COMPLETE", "fish")]);
        assert_eq!(run.code, 0, "{line:?}: {}", run.stderr);
        run.stdout.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(completed(&["plan", "--env", ""]), ["dev", "prod"]);
    assert_eq!(completed(&["plan", ".", "-e", "p"]), ["prod"]);
    assert_eq!(
        completed(&["plan", "--target", "s3"]),
        ["s3_bucket.lake", "s3_bucket.lake[\"a b\"]", "s3_bucket.lake[raw]"]
    );
    assert_eq!(completed(&["import", "sns"]), ["sns_topic.alerts"]);
    assert_eq!(completed(&["show", "sns_t"]), ["sns_topic.alerts"]);
    assert_eq!(completed(&["output", "--name", ""]), ["topic"]);
    assert_eq!(completed(&["explain", "glue_cl"]), ["glue_classifier"]);
    assert_eq!(completed(&["explain", "glue_job.command.s"]), ["glue_job.command.script_location"]);
    // From another folder.
    let path = stack.path().to_str().unwrap();
    let elsewhere = folder(&[]);
    let words = ["--", "dwctl", "apply", path, "--target", "sns"];
    let run = dwctl_with(elsewhere.path(), &words, &[("DWCTL_COMPLETE", "fish")]);
    assert_eq!(run.stdout.trim(), "sns_topic.alerts", "{}", run.stderr);
    // Without quotes, as a shell passes `lake["raw"]`.
    let run = dwctl(stack.path(), &["completions", "bash"]);
    assert!(run.stdout.contains("DWCTL_COMPLETE=\"bash\""), "{}", run.stdout);
    let run = dwctl_with(stack.path(), &["--", "dwctl", ""], &[("DWCTL_COMPLETE", "tcl")]);
    assert_ne!(run.code, 0);
}

#[test]
fn an_address_is_accepted_without_its_quotes() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[s3_bucket.lake]\nfor_each = [\"raw\", \"tidy\"]\n\
         bucket = \"shop-${each.key}\"\n",
    );
    for selector in ["s3_bucket.lake[\"raw\"]", "s3_bucket.lake[raw]", "s3_bucket.lake.raw"] {
        let run = project.run(&["plan", "--target", selector]).exits(0);
        run.plans("s3_bucket.lake[\"raw\"]", "+ create").leaves("s3_bucket.lake[\"tidy\"]");
    }
    project.run(&["plan", "--target", "s3_bucket.lake[rax]"]).exits(1).says("did you mean");
    project.run(&["plan", "--target", "aws_s3_bucket.lake"]).exits(1).says("did you mean `s3_bucket.lake`?");
}

/// From an empty file to a small data lake by wrong guesses: each text, and the helpful words of its error.
const WALK: &[(&str, &[&str])] = &[
    ("name = 'lake'", &["`name` is in no table", "write `[stack]`"]),
    ("region = 'us-east-1'\n", &["did you mean `region` of `[stack]`?"]),
    ("[provider]\nregion = 'us-east-1'", &["did you mean `stack`?", "`region` belongs in `[stack]`"]),
    ("[terraform]\n", &["did you mean `stack` or `ledger`?"]),
    ("[variables]\nx = 1", &["did you mean `variable`?", "env/NAME.toml"]),
    ("[locals]\nx = 1", &["did you mean `local`?"]),
    ("[outputs]\nx = 1", &["did you mean `output`?"]),
    ("[environments.dev]\n", &["env/NAME.toml", "--env NAME"]),
    ("[data.aws_region.current]\n", &["${aws.region}"]),
    ("[resource.aws_s3_bucket.lake]\nbucket = 'x'", &["`[KIND.NAME]`", "[s3_bucket.lake]"]),
    // The bucket.
    ("[aws_s3_bucket.lake]\nbucket = 'x'", &["did you mean `s3_bucket`?"]),
    ("[bucket.lake]\n", &["did you mean `s3_bucket`?"]),
    ("['AWS::S3::Bucket'.lake]\n", &["did you mean `s3_bucket`?"]),
    ("[aws_s3_bucket_versioning.lake]\n", &["did you mean `s3_bucket.versioning`?"]),
    ("[aws_lambda_function.f]\n", &["has no kind for it"]),
    ("[s3_bucket.lake]\nname = 'x'", &["did you mean `bucket`?"]),
    ("[s3_bucket.lake]\nBucketName = 'x'", &["did you mean `bucket`?"]),
    ("[s3_bucket.lake]\nbucket = 'lake-x'\nversioning = { status = 'Enabled' }", &["expected true or false"]),
    ("[s3_bucket.lake]\nbucket = 'lake-x'\nencryption = true", &["expected a table with", "sse_algorithm"]),
    ("[s3_bucket.lake]\nbucket = 'lake-x'\nacl = 'private'", &["did you mean `object_ownership`?"]),
    ("[s3_bucket.lake]\nbucket = 'lake-x'\nlifecycle_rule = []", &["did you mean `lifecycle_rules`?"]),
    (
        "[s3_bucket.lake]\nbucket = \"${data.aws_caller_identity.current.account_id}\"",
        &["did you mean `aws.account_id`?"],
    ),
    ("[s3_bucket.lake]\nbucket = \"lake-${account_id}\"", &["did you mean `aws.account_id`?"]),
    ("[s3_bucket.lake]\nbucket = \"lake-${terraform.workspace}\"", &["did you mean `env`?"]),
    (
        "[variable.team]\ndefault = 'a'\n[s3_bucket.lake]\nbucket = \"lake-${team}\"",
        &["did you mean `var.team`?"],
    ),
    (
        "[variable.team]\ndefault = 'a'\n[s3_bucket.lake]\nbucket = \"lake-${vars.team}\"",
        &["did you mean `var`?"],
    ),
    (
        "[s3_bucket.lake]\nbucket = 'lake-x'\nlifecycle = { prevent_destroy = true }",
        &["did you mean `protect`?"],
    ),
    ("[s3_bucket.lake]\nbucket = 'lake-x'\nDeletionPolicy = 'Retain'", &["did you mean `lifecycle.retain`?"]),
    ("[s3_bucket.lake]\nbucket = 'lake-x'\nDependsOn = ['x']", &["did you mean `depends_on`?"]),
    ("[[s3_bucket]]\nbucket = 'lake-x'", &["write [s3_bucket.NAME]"]),
    ("[s3_bucket]\nbucket = 'lake-x'", &["a resource is [s3_bucket.NAME]"]),
    ("[s3_bucket.lake]\nbucket = 'lake-{{ account }}'", &["an expression is written ${…}"]),
    ("[s3_bucket.lake]\nbucket = \"lake-${AWS::AccountId}\"", &["is `${aws.account_id}` here"]),
    ("[s3_bucket.lake]\nbucket = { Ref = 'Name' }", &["\"${KIND.NAME.ATTRIBUTE}\""]),
    ("[ledger]\nbucket = 'state'\nkey = 'lake.tfstate'", &["did you mean `prefix`?"]),
    ("[ledger]\nbucket = 'state'\ndynamodb_table = 'locks'", &["locked in its bucket"]),
    (
        "[s3_bucket.lake]\nfor_each = ['raw']\nbucket = 'lake-x'\n[glue_database.raw]\nname = 'raw'\nlocation_uri = \"s3://${s3_bucket.lake[0].bucket}/\"",
        &["its keys are [\"raw\"]"],
    ),
    (
        "[glue_classifier.log]\nname = 'log'\ngrok_classifier = { classification = 'log', grok_pattern = '%{WORD:level}' }",
        &["literal `%{` as `%%{`"],
    ),
    // The database, and what refers to the bucket.
    ("[aws_glue_catalog_database.raw]\nname = 'raw'", &["did you mean `glue_database`?"]),
    ("[glue_database.raw]\ndatabase_name = 'raw'", &["did you mean `name`?"]),
    (
        "[s3_bucket.lake]\nbucket = 'lake-x'\n[glue_database.raw]\nname = 'raw'\nlocation_uri = \"s3://${aws_s3_bucket.lake.bucket}/\"",
        &["did you mean `s3_bucket`?"],
    ),
    (
        "[s3_bucket.lake]\nbucket = 'lake-x'\n[glue_database.raw]\nname = 'raw'\nlocation_uri = \"s3://${s3_bucket.lake.id}/\"",
        &["did you mean `bucket`?"],
    ),
    (
        "[s3_bucket.lake]\nbucket = 'lake-x'\n[glue_database.raw]\nname = 'raw'\nlocation_uri = \"s3://${lake.bucket}/\"",
        &["did you mean `s3_bucket.lake`?"],
    ),
    (
        "[s3_bucket.lake]\nfor_each = ['raw']\nbucket = 'lake-x'\n[glue_database.raw]\nname = 'raw'\nlocation_uri = \"s3://${s3_bucket.lake[\"raw\"].bucket}/\"",
        &["write 's3://${s3_bucket.lake[\"raw\"].bucket}/'"],
    ),
    // The role.
    ("[role.glue]\n", &["did you mean `iam_role`?"]),
    (
        "[iam_role.glue]\nname = 'glue'\nassume_role_policy = {}",
        &["did you mean `role_name`?", "did you mean `assume_role_policy_document`?"],
    ),
    (
        "[iam_role.glue]\nrole_name = 'glue'\nassume_role_policy_document = { Statement = [{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = 'glue.amazonaws.com' }] }",
        &["{ Service = \"glue.amazonaws.com\" }"],
    ),
    (
        "[iam_role.glue]\nrole_name = 'glue'\nassume_role_policy_document = 'trust.json'",
        &["'${file(\"trust.json\")}'"],
    ),
    ("[aws_iam_role_policy_attachment.glue]\n", &["did you mean `iam_role.managed_policy_arns`?"]),
    // The crawler.
    ("[crawler.raw]\n", &["did you mean `glue_crawler`?"]),
    (
        "[glue_crawler.raw]\nname = 'raw'\nrole = 'glue'\ndatabase = 'raw'\ns3_target = [{ path = 's3://lake-x/' }]",
        &["did you mean `database_name`?", "did you mean `targets.s3_targets`?"],
    ),
    ("[glue_crawler.raw]\nname = 'raw'\nrole = 'glue'\npath = 's3://lake-x/'", &["did you mean `targets`?"]),
    (
        "[glue_crawler.raw]\nname = 'raw'\nrole = 'glue'\ntargets = ['s3://lake-x/']",
        &["expected a table with", "_targets`"],
    ),
    (
        "[glue_crawler.raw]\nname = 'raw'\nrole = 'glue'\ndatabase_name = 'raw'\ntargets = { s3 = [] }",
        &["did you mean `s3_targets`?"],
    ),
    (
        "[glue_crawler.raw]\nname = 'raw'\nrole = 'glue'\ndatabase_name = 'raw'\nschedule = 'daily'\ntargets = { s3_targets = [{ path = 's3://lake-x/' }] }",
        &["cron("],
    ),
    // The job.
    ("[etl.orders]\n", &["did you mean `glue_job`?"]),
    (
        "[glue_job.orders]\nname = 'orders'\nrole_arn = 'glue'\nscript_location = 's3://x/y.py'",
        &["did you mean `role`?", "did you mean `command.script_location`?"],
    ),
    (
        "[glue_job.orders]\nname = 'orders'\nrole = 'glue'\ncommand = 's3://x/y.py'",
        &["expected a table with `script_location`"],
    ),
    (
        "[glue_job.orders]\nname = 'orders'\nrole = 'glue'\ncommand = { script = 's3://x/y.py' }",
        &["did you mean `script_location`?"],
    ),
    (
        "[glue_job.orders]\nname = 'orders'\nrole = 'glue'\ncommand = { name = 'spark', script_location = 's3://x/y.py' }",
        &["glueetl"],
    ),
    // The state machine.
    ("[step_function.nightly]\n", &["did you mean `sfn_state_machine`?"]),
    (
        "[sfn_state_machine.nightly]\nname = 'n'\nrole = 'x'\ndefinition = 'nightly.asl.json'",
        &["did you mean `role_arn`?", "'${file(\"nightly.asl.json\")}'"],
    ),
    (
        "[sfn_state_machine.nightly]\nname = 'n'\nrole_arn = 'arn:aws:iam::111111111111:role/x'\ndefinition = { StartAt = 'A', States = { A = { Type = 'Task', Resource = 'glue:startJobRun', End = true } } }",
        &["arn:aws:states:::glue:startJobRun.sync"],
    ),
];

#[test]
fn every_wrong_guess_gets_a_helpful_error() {
    let mut lost = Vec::new();
    for (text, words) in WALK {
        // If the text has content outside of tables, nothing may come before it.
        let documentation = if text.starts_with(['n', 'r']) {
            let stack = folder(&[("stack.toml", text)]);
            dwctl(stack.path(), &["validate"]).stderr
        } else {
            problems(text)
        };
        let missing: Vec<&&str> = words.iter().filter(|word| !documentation.contains(**word)).collect();
        if !missing.is_empty() {
            lost.push(format!("{text}\n— no {missing:?} in\n{documentation}"));
        }
    }
    assert!(lost.is_empty(), "{}\n{} in all", lost.join("\n\n"), lost.len());
}

/// The end of the walk contains everything that the errors suggested.
#[test]
fn wrong_guesses_lead_to_a_small_data_lake() {
    let project = Project::new(
        r#"
[stack]
name   = "lake"
region = "us-east-1"

[s3_bucket.lake]
bucket     = "lake-${aws.account_id}"
versioning = true

[glue_database.raw]
name         = "raw"
location_uri = "s3://${s3_bucket.lake.bucket}/raw/"

[iam_role.glue]
role_name = "lake-glue"
assume_role_policy_document = { Version = "2012-10-17", Statement = [
  { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["glue.amazonaws.com", "states.amazonaws.com"] } },
] }
managed_policy_arns = ["arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"]

[glue_crawler.raw]
name          = "raw"
role          = "${iam_role.glue.arn}"
database_name = "${glue_database.raw.name}"
targets       = { s3_targets = [{ path = "s3://${s3_bucket.lake.bucket}/raw/" }] }

[glue_job.orders]
name    = "orders"
role    = "${iam_role.glue.arn}"
command = { name = "glueetl", script_location = "s3://${s3_bucket.lake.bucket}/jobs/orders.py" }

[sfn_state_machine.nightly]
name       = "nightly"
role_arn   = "${iam_role.glue.arn}"
definition = { StartAt = "Orders", States = { Orders = { Type = "Task", Resource = "arn:aws:states:::glue:startJobRun.sync", Parameters = { JobName = "${glue_job.orders.name}" }, End = true } } }
"#,
    );
    project.apply();
    project.settled();
}
