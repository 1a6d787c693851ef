//! A reviewer's test: every important change in a large plan is named on the first screen, or in the lines
//! of its resource, without looking into raw JSON.

use std::fmt::Write;

use dwctl::plan::Selection;
use dwctl::plan::format::{Format, Options, render};

use crate::account::Account;
use crate::harness::Project;

/// A change to be found: the resource, the text before and after, and the words expected on its line or
/// below it.
struct Hidden {
    address: &'static str,
    before: &'static str,
    after: &'static str,
    words: &'static [&'static str],
}

const ROLE_HEAD: &str = "[iam_role.etl]\nrole_name = 'etl'\nassume_role_policy_document = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = { Service = 'glue.amazonaws.com' } }] }\n";

const HIDDEN: [Hidden; 20] = [
    Hidden {
        address: "iam_role.etl",
        before: "ROLE[iam_role.etl.inline_policies.lake]\nVersion = '2012-10-17'\nStatement = [{ Sid = 'Lake', Effect = 'Allow', Action = ['s3:GetObject'], Resource = 'arn:aws:s3:::lake/*' }]\n",
        after: "ROLE[iam_role.etl.inline_policies.lake]\nVersion = '2012-10-17'\nStatement = [{ Sid = 'Lake', Effect = 'Allow', Action = ['s3:GetObject', 's3:DeleteObject'], Resource = 'arn:aws:s3:::lake/*' }]\n",
        words: &["⚠ wider access: allows s3:DeleteObject", "+ Allow s3:DeleteObject on arn:aws:s3:::lake/*"],
    },
    Hidden {
        address: "sfn_state_machine.load",
        before: "[sfn_state_machine.load]\nname = 'load'\nrole_arn = 'arn:aws:iam::111111111111:role/load'\n[sfn_state_machine.load.definition]\nStartAt = 'Load'\n[sfn_state_machine.load.definition.States.Load]\nType = 'Task'\nResource = 'arn:aws:states:::glue:startJobRun.sync'\nEnd = true\nRetry = [{ ErrorEquals = ['States.ALL'], MaxAttempts = 3 }]\n",
        after: "[sfn_state_machine.load]\nname = 'load'\nrole_arn = 'arn:aws:iam::111111111111:role/load'\n[sfn_state_machine.load.definition]\nStartAt = 'Load'\n[sfn_state_machine.load.definition.States.Load]\nType = 'Task'\nResource = 'arn:aws:states:::glue:startJobRun.sync'\nEnd = true\n",
        words: &["- state Load: retry on States.ALL, 3 attempts dropped"],
    },
    Hidden {
        address: "cloudwatchlogs_log_group.jobs",
        before: "[cloudwatchlogs_log_group.jobs]\nlog_group_name = 'jobs'\nretention_in_days = 365\n",
        after: "[cloudwatchlogs_log_group.jobs]\nlog_group_name = 'jobs'\nretention_in_days = 7\n",
        words: &["⚠ data loss: log events are kept 7 days instead of 365 days"],
    },
    Hidden {
        address: "cloudwatch_alarm.late",
        before: "[cloudwatch_alarm.late]\nALARM\nalarm_actions = ['arn:aws:sns:us-east-1:111111111111:a', 'arn:aws:sns:us-east-1:111111111111:b']\n",
        after: "[cloudwatch_alarm.late]\nALARM\nalarm_actions = ['arn:aws:sns:us-east-1:111111111111:a']\n",
        words: &[
            "⚠ weaker protection: the alarm no longer notifies a previous target",
            "- \"arn:aws:sns:us-east-1:111111111111:b\"",
        ],
    },
    Hidden {
        address: "s3_bucket.public",
        before: "[s3_bucket.public]\nbucket = 'public-of-shop'\n",
        after: "[s3_bucket.public]\nbucket = 'public-of-shop'\npublic_access_block = { block_public_policy = false, restrict_public_buckets = false }\n",
        words: &["⚠ wider access: bucket policies may grant public access"],
    },
    Hidden {
        address: "cloudwatchlogs_log_group.sealed",
        before: "[cloudwatchlogs_log_group.sealed]\nlog_group_name = 'sealed'\nkms_key_id = 'arn:aws:kms:us-east-1:111111111111:key/1'\n",
        after: "[cloudwatchlogs_log_group.sealed]\nlog_group_name = 'sealed'\n",
        words: &["⚠ weaker protection: no longer encrypted with a key of the account"],
    },
    Hidden {
        address: "ec2_security_group.warehouse",
        before: "[ec2_security_group.warehouse]\ngroup_name = 'w'\ndescription = 'w'\nvpc_id = 'vpc-1'\ningress = [{ ip_protocol = 'tcp', from_port = 5439, to_port = 5439, cidr_ipv4 = '10.0.0.0/16' }]\n",
        after: "[ec2_security_group.warehouse]\ngroup_name = 'w'\ndescription = 'w'\nvpc_id = 'vpc-1'\ningress = [{ ip_protocol = 'tcp', from_port = 5439, to_port = 5439, cidr_ipv4 = '0.0.0.0/0' }]\n",
        words: &["⚠ wider access: opens tcp 5439 to the whole internet"],
    },
    Hidden {
        address: "kms_key.data",
        before: "[kms_key.data]\nenable_key_rotation = true\n",
        after: "[kms_key.data]\nenable_key_rotation = false\n",
        words: &["⚠ weaker protection: the key is no longer rotated"],
    },
    Hidden {
        address: "eventbridge_rule.nightly",
        before: "[eventbridge_rule.nightly]\nname = 'nightly'\nschedule_expression = 'cron(0 2 * * ? *)'\n",
        after: "[eventbridge_rule.nightly]\nname = 'nightly'\nschedule_expression = 'cron(0 3 * * ? *)'\n",
        words: &["every day at 02:00 UTC → every day at 03:00 UTC"],
    },
    Hidden {
        address: "glue_job.big",
        before: "[glue_job.big]\nname = 'big'\nrole = 'glue'\nworker_type = 'G.1X'\nnumber_of_workers = 2\ncommand = { script_location = 's3://a/b' }\n",
        after: "[glue_job.big]\nname = 'big'\nrole = 'glue'\nworker_type = 'G.2X'\nnumber_of_workers = 2\ncommand = { script_location = 's3://a/b' }\n",
        words: &["⚠ cost up: different workers, G.1X → G.2X"],
    },
    Hidden {
        address: "s3_bucket.open",
        before: "[s3_bucket.open]\nbucket = 'open-of-shop'\ntls_only = true\n",
        after: "[s3_bucket.open]\nbucket = 'open-of-shop'\n",
        words: &["⚠ weaker protection: requests without TLS are accepted"],
    },
    Hidden {
        address: "s3_bucket.unlogged",
        before: "[s3_bucket.unlogged]\nbucket = 'unlogged-of-shop'\nlogging = { target_bucket = 'logs-of-shop' }\n",
        after: "[s3_bucket.unlogged]\nbucket = 'unlogged-of-shop'\n",
        words: &["⚠ weaker protection: requests are no longer logged"],
    },
    Hidden {
        address: "sns_topic.banned",
        before: "[sns_topic.banned]\nname = 'banned'\npolicy = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sns:Publish', Resource = '*', Principal = { Service = 'glue.amazonaws.com' } }, { Effect = 'Deny', Action = 'sns:Publish', Resource = '*', Principal = '*', Condition = { Bool = { 'aws:SecureTransport' = 'false' } } }] }\n",
        after: "[sns_topic.banned]\nname = 'banned'\npolicy = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sns:Publish', Resource = '*', Principal = { Service = 'glue.amazonaws.com' } }] }\n",
        words: &["⚠ wider access: no longer denies sns:Publish"],
    },
    Hidden {
        address: "iam_role.trusted",
        before: "[iam_role.trusted]\nrole_name = 'trusted'\nassume_role_policy_document = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = { AWS = '111111111111' } }] }\n",
        after: "[iam_role.trusted]\nrole_name = 'trusted'\nassume_role_policy_document = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = { AWS = ['111111111111', '999999999999'] } }] }\n",
        words: &["⚠ wider access: allows sts:AssumeRole", "for AWS arn:aws:iam::999999999999:root"],
    },
    Hidden {
        address: "redshift_cluster.main",
        before: "CLUSTER",
        after: "CLUSTERpublicly_accessible = true\n",
        words: &["⚠ wider access: reachable from the internet"],
    },
    Hidden {
        address: "redshift_cluster.resized",
        before: "[redshift_cluster.resized]\nnumber_of_nodes = 2\nHEADcluster_identifier = 'r'\n",
        after: "[redshift_cluster.resized]\nnumber_of_nodes = 4\nHEADcluster_identifier = 'r'\n",
        words: &["downtime: about 15 min", "cost up: 2 → 4 nodes"],
    },
    Hidden {
        address: "redshift_cluster.renamed",
        before: "[redshift_cluster.renamed]\nHEADcluster_identifier = 'old'\n",
        after: "[redshift_cluster.renamed]\nHEADcluster_identifier = 'new'\n",
        words: &["⚠ data loss, downtime: about 25 min", "forces replacement"],
    },
    Hidden {
        address: "kms_key.gone",
        before: "[kms_key.gone]\n",
        after: "",
        words: &["⚠ irreversible: after 30 days nothing encrypted with it can be read"],
    },
    Hidden {
        address: "redshift_cluster_parameter_group.wlm",
        before: "[redshift_cluster_parameter_group.wlm]\nparameter_group_name = 'wlm'\nparameter_group_family = 'redshift-1.0'\ndescription = 'w'\nwlm_json_configuration = [{ name = 'bi', query_group = ['bi'], priority = 'high', queue_type = 'auto', auto_wlm = true }, { name = 'rest', queue_type = 'auto', auto_wlm = true }]\n",
        after: "[redshift_cluster_parameter_group.wlm]\nparameter_group_name = 'wlm'\nparameter_group_family = 'redshift-1.0'\ndescription = 'w'\nwlm_json_configuration = [{ name = 'bi', query_group = ['bi'], priority = 'low', queue_type = 'auto', auto_wlm = true }, { name = 'rest', queue_type = 'auto', auto_wlm = true }]\n",
        words: &["~ queue \"bi\": priority  \"high\" → \"low\""],
    },
    Hidden {
        address: "cloudwatch_dashboard.ops",
        before: "[cloudwatch_dashboard.ops]\ndashboard_name = 'ops'\ndashboard_body = { widgets = [{ type = 'metric', x = 0, y = 0, width = 6, height = 6, properties = { region = 'us-east-1', title = 'Failures', metrics = [['AWS/States', 'ExecutionsFailed'], ['AWS/States', 'ExecutionsAborted']] } }] }\n",
        after: "[cloudwatch_dashboard.ops]\ndashboard_name = 'ops'\ndashboard_body = { widgets = [{ type = 'metric', x = 0, y = 0, width = 6, height = 6, properties = { region = 'us-east-1', title = 'Failures', metrics = [['AWS/States', 'ExecutionsFailed']] } }] }\n",
        words: &["- widget \"Failures\": metric AWS/States ExecutionsAborted"],
    },
];

const ALARM: &str = "alarm_name = 'late'\nmetric_name = 'm'\nnamespace = 'n'\nstatistic = 'Sum'\nperiod = 60\nevaluation_periods = 1\nthreshold = 1.0\ncomparison_operator = 'GreaterThanThreshold'";
const CLUSTER_HEAD: &str =
    "node_type = 'ra3.xlplus'\nmaster_username = 'admin'\nmaster_user_password = 'Correct-Horse-7'\n";

fn stack(text: impl Fn(&Hidden) -> &'static str) -> String {
    let mut stack = String::new();
    for hidden in &HIDDEN {
        let cluster = format!("[redshift_cluster.main]\n{CLUSTER_HEAD}cluster_identifier = 'main'\n");
        // `CLUSTER` before `HEAD`, because the text of `CLUSTER` contains `HEAD`.
        let text = text(hidden)
            .replace("ROLE", ROLE_HEAD)
            .replace("ALARM", ALARM)
            .replace("CLUSTER", &cluster)
            .replace("HEAD", CLUSTER_HEAD);
        stack.push_str(&text);
    }
    stack
}

/// Harmless changes, and unchanged resources, to hide among.
fn noise(version: u32) -> String {
    let mut text = String::new();
    for number in 0..180 {
        let shown = if number % 2 == 0 { version } else { 0 };
        let _ = writeln!(
            text,
            "[sns_topic.t{number}]\nname = 't{number}'\ndisplay_name = 'Topic {number} of {shown}'"
        );
    }
    text
}

/// The text of a format about a resource: on its own line, and below it.
struct Shown {
    summary: String,
    below: String,
}

/// The part of a terminal's text about the resource.
fn in_text(screen: &str, address: &str) -> Shown {
    let mut lines = screen
        .lines()
        .skip_while(|line| !(line.starts_with("  ") && line.split_whitespace().nth(1) == Some(address)));
    let summary = lines.next().unwrap_or_default().to_owned();
    let below: Vec<&str> = lines.take_while(|line| line.starts_with("      ")).collect();
    Shown { summary, below: below.join("\n") }
}

/// The part of a comment or page about the resource: an element that opens to show more.
fn in_details(text: &str, start: &str, address: &str) -> Shown {
    let named = format!("{address}<");
    let plain = |html: &str| {
        let tags = regex::Regex::new("<[^>]*>").unwrap();
        let text =
            tags.replace_all(html, " ").replace("&quot;", "\"").replace("&#39;", "'").replace("&#34;", "\"");
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace('`', "");
        spaced(&text)
    };
    // A resource without details is one line.
    let line = format!("- `{address}` ");
    if let Some(line) = text.lines().find(|one| one.starts_with(&line)) {
        return Shown { summary: plain(line), below: String::new() };
    }
    for part in text.split(start).skip(1) {
        let (summary, below) = part.split_once("</summary>").expect("a summary");
        if summary.contains(&named) {
            return Shown { summary: plain(summary), below: plain(below) };
        }
    }
    Shown { summary: String::new(), below: String::new() }
}

/// Collapses spaces, and removes emphasis, colons and the picture variants of signs.
fn spaced(text: &str) -> String {
    text.replace(['\u{fe0f}', '*', ':'], "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_format_for_people_names_every_important_change() {
    let account = Account::after(&format!("{}{}", noise(1), stack(|one| one.before)));
    let after = format!("{}{}", noise(2), stack(|one| one.after));
    let plan = account.planned(&after, &Selection::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let shown = |format| render(format, &plan, &Options::default());
    let (screen, comment, page) = (shown(Format::Text), shown(Format::Markdown), shown(Format::Html));
    let page = page.split_once("<main>").expect("its contents").1;
    let mut missing = Vec::new();
    for hidden in &HIDDEN {
        let address = hidden.address;
        let formats = [
            ("text", in_text(&screen, address)),
            ("markdown", in_details(&comment, "<details>", address)),
            ("html", in_details(page, "<details class=\"i", address)),
        ];
        for (format, Shown { summary, below }) in formats {
            for words in hidden.words {
                // Risks must be visible without opening anything.
                let place =
                    if words.contains('⚠') { summary.clone() } else { format!("{summary}\n{below}") };
                // Other formats separate the sign from the values before and after: by columns, or by a
                // colon.
                let unsigned = words.trim_start_matches(['+', '-', '~', ' ']);
                let parts: Vec<&str> = match format {
                    "text" => vec![words],
                    _ => unsigned.split(" → ").flat_map(|part| part.split("  ")).collect(),
                };
                if !parts.iter().all(|part| spaced(&place).contains(&spaced(part))) {
                    missing.push(format!("{format}, {address}: `{words}` is not in\n{summary}\n{below}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{} are missing:\n\n{}", missing.len(), missing.join("\n\n"));
    // The list of resources at risk comes first in every format.
    let first: Vec<&str> = screen.lines().take(12).collect();
    let comment_first = comment.split_once("<details>").expect("details").0;
    let page = shown(Format::Html);
    let page_first = page.split_once("<main>").expect("its contents").0;
    for (label, address) in [
        ("data loss", "redshift_cluster.renamed"),
        ("irreversible", "kms_key.gone"),
        ("downtime", "redshift_cluster.resized"),
        ("wider access", "iam_role.etl"),
        ("weaker protection", "cloudwatch_alarm.late"),
        ("cost up", "glue_job.big"),
    ] {
        let line = first.iter().find(|line| line.contains(&format!("⚠ {label}")));
        assert!(line.is_some_and(|line| line.contains(address)), "{label} {address}:\n{}", first.join("\n"));
        for (text, ends) in [(comment_first, "\n"), (page_first, "</li>")] {
            let text = text.to_lowercase();
            let line = text.split(ends).find(|line| line.contains(label));
            assert!(line.is_some_and(|line| line.contains(address)), "{label} {address}:\n{text}");
        }
    }
}

/// A change that cannot be undone needs a confirmation or permission.
#[test]
fn changes_that_are_not_allowed_are_not_applied() {
    const LOGS: &str = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n[cloudwatchlogs_log_group.jobs]\nlog_group_name = \"jobs\"\n";
    let project = Project::new(LOGS);
    project.apply();
    project.write("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n");
    let run = |allow: &str| {
        let mut command = project.command(&["apply", "--yes"]);
        let output = command.env("DWCTL_ALLOW", allow).output().expect("dwctl runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for allow in ["downtime", "data-loss,downtime"] {
        let (code, said) = run(allow);
        assert_eq!(code, Some(7), "{said}");
        assert!(said.contains("the plan would destroy cloudwatchlogs_log_group.jobs"), "{said}");
        assert!(said.contains("its log events are deleted") && said.contains("--allow destroy"), "{said}");
    }
    // The printed commands allow exactly these risks.
    let apply = format!("\ndwctl apply . --endpoint-url {}", project.cloud.endpoint());
    let shown = project.run(&["plan", "--format", "markdown"]).exits(0);
    assert!(shown.stdout.contains(&format!("{apply} --allow destroy\n")), "{shown}");
    let shown = project.run(&["plan", "--format", "markdown", "--out", "p.dwplan"]).exits(0);
    assert!(shown.stdout.contains("\ndwctl apply p.dwplan --allow destroy\n"), "{shown}");
    assert!(shown.stderr.contains("dwctl apply p.dwplan --allow destroy\n"), "{shown}");
    project.write(&format!("{LOGS}tags = {{ team = \"data\" }}\n"));
    let shown = project.run(&["plan", "--format", "markdown"]).exits(0);
    assert!(shown.stdout.contains(&format!("{apply}\n")), "{shown}");
    project.write(LOGS);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    // `destroy` itself is the consent to destroy.
    let mut command = project.command(&["destroy", "--yes"]);
    let output = command.env_remove("DWCTL_ALLOW").output().expect("dwctl runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    project.apply();
    project.write("[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n");
    assert_eq!(run("destroy").0, Some(0));
}
