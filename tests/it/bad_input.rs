//! Errors in a stack, its files or the environment are reported at their place, at once, with the right
//! exit code. Nothing is written and nothing panics.

use std::path::Path;
use std::time::Duration;

use crate::paper::{Run, dwctl, dwctl_with, folder, headed};

const DONE: i32 = 0;
const ERROR: i32 = 1;
const INVALID: i32 = 3;
const REFUSED: i32 = 7;

/// Fake credentials of no account.
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

/// Checks the rules for every failed run.
fn orderly(run: &Run, code: i32, folder: &Path) {
    assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
    assert!(!run.stderr.contains("panicked") && !run.stderr.contains("stack backtrace"), "{}", run.stderr);
    assert!(run.stderr.starts_with("error"), "no error is told first: {}", run.stderr);
    // An unoptimised build has three times as long.
    assert!(run.time < Duration::from_secs(3), "{:?}: {}", run.time, run.stderr);
    assert!(!folder.join(".dwctl").exists(), "something was written: {}", run.stderr);
}

/// Expects that `validate`, `plan` and `apply` of this file all report `place` and each of `words`.
fn refused(text: &str, place: &str, words: &[&str]) {
    let stack = folder(&[("stack.toml", &headed(text))]);
    let mut said = Vec::new();
    for arguments in [&["validate"][..], &["plan"], &["plan", "--offline"], &["apply", "--yes"]] {
        let run = dwctl(stack.path(), arguments);
        orderly(&run, INVALID, stack.path());
        assert_eq!(run.stdout, "");
        said.push(run.stderr);
    }
    assert!(said.iter().all(|one| *one == said[0]), "{said:#?}");
    assert!(said[0].contains(&format!("--> stack.toml:{place}\n")), "not at {place}: {}", said[0]);
    for word in words {
        assert!(said[0].contains(word), "nothing of `{word}`: {}", said[0]);
    }
}

/// Expects that a stack with these resources is valid.
#[track_caller]
fn accepted(text: &str) {
    let stack = folder(&[("stack.toml", &headed(text))]);
    let run = dwctl(stack.path(), &["validate"]);
    assert_eq!(run.code, DONE, "{text}: {}", run.stderr);
}

#[test]
fn resources_that_depend_on_each_other() {
    refused(
        "[sns_topic.a]\nname = '${sns_topic.b.arn}'\n[sns_topic.b]\nname = '${sns_topic.a.arn}'",
        "6:11",
        &["error[cycle]", "sns_topic.a → sns_topic.b → sns_topic.a"],
    );
}

#[test]
fn a_string_that_ends_in_its_expression_is_one_error() {
    let text = r#"[sns_topic.a]
name = "${replace("a-b", "-", "")}"
[output]
x = [{ a = "${sns_topic.a["k"].arn}", b = "c" }]
"#;
    let stack = folder(&[("stack.toml", &headed(text))]);
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    assert_eq!(run.stderr.matches("error[").count(), 2, "{}", run.stderr);
    for advice in [r#"write '${replace("a-b", "-", "")}'"#, r#"write '${sns_topic.a["k"].arn}'"#] {
        assert!(run.stderr.contains(advice), "{}", run.stderr);
    }
}

#[test]
fn a_value_of_another_type() {
    refused(
        "[glue_workflow.a]\nname = 'a'\nmax_concurrent_runs = 'three'",
        "7:23",
        &["error[wrong-type]", "integer"],
    );
}

#[test]
fn a_kind_that_does_not_exist() {
    refused("[sns_topik.a]\nname = 'a'", "5:2", &["error[unknown-kind]", "did you mean `sns_topic`?"]);
}

#[test]
fn an_attribute_that_does_not_exist() {
    refused(
        "[sns_topic.a]\nname = 'a'\ndisplayname = 'b'",
        "7:1",
        &["error[unknown-attribute]", "`display_name`"],
    );
}

#[test]
fn a_resource_that_does_not_exist() {
    refused(
        "[sns_topic.a]\nname = '${sns_topic.bb.name}'",
        "6:11",
        &["error[unknown-reference]", "sns_topic.bb"],
    );
}

#[test]
fn a_schedule_that_never_comes() {
    refused(
        "[glue_crawler.a]\nname = 'a'\nrole = 'r'\nschedule = 'cron(0 25 * * ? *)'\ntargets = { s3_targets = [{ path = 's3://a/b' }] }",
        "8:12",
        &["hours", "0 to 23"],
    );
}

#[test]
fn an_invalid_cidr_block() {
    refused("[ec2_vpc.a]\ncidr_block = '10.0.0.0/33'", "6:14", &["error["]);
}

#[test]
fn a_policy_that_iam_would_refuse() {
    refused(
        "[sns_topic.a]\nname = 'a'\npolicy = { Version = '2012-10-17', Statement = [{ Efect = 'Allow' }] }",
        "7:49",
        &["Efect", "Effect"],
    );
}

#[test]
fn an_invalid_arn() {
    refused(
        "[iam_role.a]\nrole_name = 'a'\nmanaged_policy_arns = ['ReadOnlyAccess']\nassume_role_policy_document = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = { Service = 'glue.amazonaws.com' } }] }",
        "7:24",
        &["error[invalid-value]"],
    );
}

#[test]
fn a_state_machine_that_cannot_run() {
    refused(
        "[sfn_state_machine.a]\nname = 'a'\nrole_arn = 'arn:aws:iam::111111111111:role/a'\ndefinition = { StartAt = 'First', States = { Frist = { Type = 'Pass', End = true } } }",
        "8:26",
        &["First"],
    );
}

#[test]
fn one_run_reports_every_error() {
    let stack = folder(&[
        ("stack.toml", "[stack]\nname = 'shop'\nregion = 'us-east-1'\n"),
        ("one.toml", "[sns_topic.a]\nnam = 'a'\n"),
        ("two.toml", "[glue_workflow.b]\nname = 5.5\nmax_concurrent_runs = 'x'\n"),
    ]);
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    for place in ["--> one.toml:", "--> two.toml:3:"] {
        assert!(run.stderr.contains(place), "{}", run.stderr);
    }
    assert!(run.stderr.trim_end().ends_with("errors"), "{}", run.stderr);
}

/// The reported errors of a stack: line, code and message of each.
fn errors_of(text: &str, arguments: &[&str]) -> Vec<String> {
    let stack = folder(&[("stack.toml", &headed(text))]);
    let run = dwctl(stack.path(), arguments);
    orderly(&run, INVALID, stack.path());
    let errors = run.stderr.split("error[").skip(1);
    let errors = errors.map(|error| {
        let line = error.split("--> stack.toml:").nth(1).and_then(|rest| rest.split(':').next());
        format!("{} {}", line.unwrap_or("-"), error.lines().next().unwrap_or_default())
    });
    errors.collect()
}

/// The lines with errors, one entry per error.
fn lines(text: &str) -> Vec<String> {
    let errors = errors_of(text, &["validate"]);
    errors.iter().map(|one| one.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_unknown_table_hides_no_other_error() {
    let tables: String = (0..5).map(|at| format!("[aws_thing{at}.t]\nname = 'a'\n")).collect();
    let resources: String =
        (0..33).map(|at| format!("[sns_topic.t{at}]\nname = 't{at}'\nfifo = true\n")).collect();
    let errors = errors_of(&format!("{tables}{resources}"), &["validate"]);
    let count = |code: &str| errors.iter().filter(|one| one.contains(code)).count();
    assert_eq!((count("unknown-kind"), count("unknown-attribute"), errors.len()), (5, 33, 38), "{errors:#?}");
}

/// A declaration with a wrong name, or that is not a table, still counts as declared.
#[test]
fn references_to_a_broken_table_are_not_reported() {
    let topic = "[sns_topic.a]\nname = '${local.prefix}'\nnope = 1\n";
    assert_eq!(lines(&format!("[locals]\nprefix = 'x'\n{topic}")), ["5", "9"]);
    let topic = "[sns_topic.a]\nname = '${var.prefix}'\nnope = 1\n";
    assert_eq!(lines(&format!("[variables.prefix]\ndefault = 'x'\n{topic}")), ["5", "9"]);
    let workflow = "[glue_workflow.w]\nname = '${sns_topic.a.name}'\nnope = 1\n";
    assert_eq!(lines(&format!("[resource.sns_topic.a]\nname = 'x'\n{workflow}")), ["5", "9"]);
    assert_eq!(lines(&format!("[sns_topic]\na = 3\n{workflow}")).len(), 2);
    assert_eq!(lines(&format!("[[sns_topic]]\nname = 'a'\n{workflow}")).len(), 2);
    // A resource of an unknown kind is reported at its header and at every reference to it.
    let topic = "[aws_sns_topic.a]\nname = 'a'\n[glue_workflow.w]\nname = '${aws_sns_topic.a.name}'\n";
    assert_eq!(lines(topic), ["5", "8"]);
}

#[test]
fn a_setting_that_cannot_be_decided_hides_no_other_error() {
    let body =
        "name = '${each.key}'\nnope = 1\ntags = { a = [] }\nfifo_topic = 'x'\ndisplay_name = '${var.no}'\n";
    for for_each in ["3", "'${kms_key.k.key_id}'", "'${1 +}'", "'${var.no}'", "[1, 2]", "'${local.broken}'"] {
        let text = format!(
            "[kms_key.k]\n[local]\nbroken = '${{1 / 0}}'\n[sns_topic.a]\nfor_each = {for_each}\n{body}"
        );
        let errors = lines(&text);
        for line in ["11", "12", "13", "14"] {
            assert_eq!(
                errors.iter().filter(|one| *one == line).count(),
                1,
                "{for_each}: {line} in {errors:?}"
            );
        }
        // The error in the local is reported at the local.
        assert!(errors.iter().any(|one| one == "7"), "{for_each}: {errors:?}");
        let own = usize::from(!for_each.contains("local"));
        assert_eq!(errors.iter().filter(|one| *one == "9").count(), own, "{for_each}: {errors:?}");
        assert_eq!(errors.len(), 5 + own, "{for_each}: {errors:?}");
    }
    // A value that is unknown only because of another error is not reported again.
    let text = "[sns_topic.a]\nname = 'a'\nnope = 1\n[sns_topic.b]\nname = 'b'\n\
                when = '${sns_topic.a.name == \"a\"}'\nnope = 2\n[sns_topic.c]\nname = '${each.key}'\n\
                for_each = '${[sns_topic.a.name]}'\nlifecycle = { protect = '${sns_topic.a.name}' }\nnope = 3\n";
    assert_eq!(lines(text), ["7", "11", "16"]);
}

#[test]
fn a_variable_without_a_value_hides_no_other_error() {
    let errors = errors_of(
        "[variable.nodes]\ntype = 'number'\n[sns_topic.a]\nname = 'a'\nnope = 1\n\
         [sns_topic.b]\nfor_each = '${range(var.nodes)}'\nname = 'b'\nnope = 1\n",
        &["plan"],
    );
    let codes: Vec<&str> = errors.iter().filter_map(|one| one.split(']').next()).collect();
    assert_eq!(codes, ["5 missing-variable", "9 unknown-attribute", "13 unknown-attribute"], "{errors:?}");
}

/// A rule with broken inputs stays silent.
#[test]
fn consequences_of_a_broken_attribute_are_not_reported() {
    let crawler = "[glue_crawler.a]\nname = 'a'\nrole = 'r'\ndatabase_name = 'd'\n";
    for targets in ["", "targets = 3\n", "targets = { s3 = [] }\n", "targets = { catalog_targets = 1 }\n"] {
        assert_eq!(lines(&format!("{crawler}{targets}")).len(), 1, "{targets}");
    }
}

/// Names from other tools and services, with the expected hint for each.
#[test]
fn a_name_from_elsewhere_has_a_hint() {
    let classifier = "[glue_classifier.a]\nname = 'a'\ncsv_classifier = { name = 'a' }";
    for (text, words) in [
        ("[eventbridge_rule.a]\nname = 'a'\nis_enabled = true", "did you mean `state`?"),
        ("[eventbridge_rule.a]\nname = 'a'\nenabled = true", "did you mean `state`?"),
        ("[s3_object.a]\nbucket = 'b'\nkey = 'k'\nbody = 'x'", "did you mean `content` or `source`?"),
        ("[glue_trigger.a]\nname = 'a'\nstart_on_creation = true", "did you mean `enabled`?"),
        (classifier, "`name` belongs to the resource itself, not to `csv_classifier`"),
        (
            "[sns_topic.a]\nname = 'a'\ndelivery_status_logging = { sqs = { foo = 1 } }",
            "known: `failure_feedback_role_arn`, `success_feedback_role_arn`, `success_feedback_sample_rate`",
        ),
        (
            "[sns_topic.a]\nname = 'a'\ndelivery_status_logging = { sqs = { role_arn = 'x' } }",
            "did you mean `failure_feedback_role_arn` or `success_feedback_role_arn`?",
        ),
        (
            "[sns_topic.a]\nname = 'a'\nsqs_failure_feedback_role_arn = 'x'",
            "did you mean `delivery_status_logging.sqs.failure_feedback_role_arn`?",
        ),
        (
            "[s3_bucket.a]\nbucket = 'b'\nencryption = { rule = { sse_algorithm = 'AES256' } }",
            "its contents belong in `encryption` itself",
        ),
        ("[sns_topic.a]\nname = 'a'\nlifecycle = { ignore_changes = ['Tags'] }", "did you mean `tags`?"),
        (
            "[eventbridge_rule.a]\nname = 'a'\nlifecycle = { ignore_changes = ['is_enabled'] }",
            "did you mean `state`?",
        ),
    ] {
        let stack = folder(&[("stack.toml", &headed(text))]);
        let run = dwctl(stack.path(), &["validate"]);
        orderly(&run, INVALID, stack.path());
        assert!(run.stderr.contains(words), "{text}: {}", run.stderr);
    }
}

#[test]
fn plurals_and_articles_are_grammatical() {
    for (text, words) in [
        (
            "[glue_classifier.a]\nname = 'a'\ncsv_classifier = { delimiter = 'ab' }",
            "must have exactly 1 character, has 2",
        ),
        ("[sns_subscription.a]\ntags = { a = 'b' }", "AWS cannot tag an sns_subscription"),
        ("[[moved]]\nfrom = 'sns_topic.a'\nto = 'kms_key.a'", "an sns_topic cannot become a kms_key"),
        ("[[moved]]\nfrom = 'glue_job.a'\nto = 's3_bucket.a'", "a glue_job cannot become an s3_bucket"),
        ("[sns_topic.a]\nname = [1]", "must be a string, not a list"),
    ] {
        let stack = folder(&[("stack.toml", &headed(text))]);
        let run = dwctl(stack.path(), &["validate"]);
        orderly(&run, INVALID, stack.path());
        assert!(run.stderr.contains(words), "{text}: {}", run.stderr);
    }
}

/// A group has no id before it is created, so an apply would stop half-way.
#[test]
fn a_group_that_refers_to_itself_gets_the_hint_self() {
    let group =
        "[ec2_security_group.a]\ngroup_name = 'a'\ndescription = 'a'\nvpc_id = 'vpc-0123456789abcdef0'\n";
    for (direction, place) in [("ingress", "9:65"), ("egress", "9:64")] {
        let id = "${ec2_security_group.a.group_id}";
        let rule = format!("{direction} = [{{ ip_protocol = '-1', referenced_security_group_id = '{id}' }}]");
        refused(&format!("{group}{rule}"), place, &["self = true"]);
    }
    accepted(&format!("{group}ingress = [{{ ip_protocol = '-1', self = true }}]"));
}

#[test]
fn a_file_that_is_not_text() {
    let stack = folder(&[("stack.toml", &headed(""))]);
    std::fs::write(stack.path().join("data.toml"), b"[local]\na = \"\xff\xfe\"\n").expect("a file");
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    assert!(
        run.stderr.contains("data.toml") && run.stderr.contains("UTF-8") && run.stderr.contains("line 2"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_above_the_size_limit() {
    let stack = folder(&[("stack.toml", &headed("")), ("data.toml", &"# data\n".repeat(1_500_000))]);
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    assert!(run.stderr.contains("data.toml") && run.stderr.contains("4 MiB"), "{}", run.stderr);
}

#[test]
fn a_large_stack_is_read_quickly() {
    let many: String =
        (0..2_000).map(|number| format!("[sns_topic.t{number}]\nname = 't{number}'\n")).collect();
    let stack = folder(&[("stack.toml", &headed(&many))]);
    let run = dwctl(stack.path(), &["validate"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.time < Duration::from_secs(6), "{:?}", run.time);
}

#[test]
fn values_nested_without_an_end() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let deep = format!("[local]\na = {}1{}\n", open.repeat(20_000), close.repeat(20_000));
        let stack = folder(&[("stack.toml", &headed(&deep))]);
        orderly(&dwctl(stack.path(), &["validate"]), INVALID, stack.path());
    }
    let deep = format!("[local]\na = '${{{}1{}}}'\n", "(".repeat(20_000), ")".repeat(20_000));
    let stack = folder(&[("stack.toml", &headed(&deep))]);
    orderly(&dwctl(stack.path(), &["validate"]), INVALID, stack.path());
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere() {
    let stack = folder(&[("stack.toml", &headed(""))]);
    std::os::unix::fs::symlink("loop.toml", stack.path().join("loop.toml")).expect("a link");
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    assert!(run.stderr.contains("cannot read loop.toml"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_file_that_never_ends() {
    let stack = folder(&[("stack.toml", &headed(""))]);
    std::os::unix::fs::symlink("/dev/zero", stack.path().join("zero.toml")).expect("a link");
    orderly(&dwctl(stack.path(), &["validate"]), INVALID, stack.path());
}

#[test]
fn a_folder_without_a_stack() {
    let empty = folder(&[]);
    let run = dwctl(empty.path(), &["plan"]);
    orderly(&run, INVALID, empty.path());
    assert!(run.stderr.contains("error[no-stack]") && run.stderr.contains("stack.toml"), "{}", run.stderr);
}

#[test]
fn a_folder_that_does_not_exist() {
    let empty = folder(&[]);
    let run = dwctl(empty.path(), &["plan", "nowhere"]);
    orderly(&run, INVALID, empty.path());
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
}

#[test]
fn a_file_in_place_of_a_folder() {
    let stack = folder(&[("stack.toml", &headed(""))]);
    let run = dwctl(stack.path(), &["plan", "stack.toml"]);
    orderly(&run, INVALID, stack.path());
    assert!(run.stderr.contains("stack.toml"), "{}", run.stderr);
}

#[test]
fn an_environment_that_does_not_exist() {
    let stack = folder(&[("stack.toml", &headed("")), ("env/prod.toml", "")]);
    let run = dwctl(stack.path(), &["plan", "--env", "prd"]);
    orderly(&run, INVALID, stack.path());
    assert!(run.stderr.contains("prd"), "{}", run.stderr);
}

/// An environment names a file, and must not be a path out of the stack.
#[test]
fn an_environment_that_leaves_the_stack() {
    let stack = folder(&[("shop/stack.toml", &headed("")), ("secret.toml", "x = 'hunter2'")]);
    let run = dwctl(&stack.path().join("shop"), &["plan", "--env", "../../secret"]);
    orderly(&run, INVALID, stack.path());
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn variables_that_do_not_fit() {
    let stack = folder(&[("stack.toml", &headed("[variable.nodes]\ntype = 'number'"))]);
    for (arguments, word) in [
        (&["plan"][..], "nodes"),
        (&["plan", "--var", "nodes=many"], "number"),
        (&["plan", "--var", "node=2"], "did you mean `nodes`?"),
        (&["plan", "--var", "nodes"], "NAME=VALUE"),
        (&["plan", "--var-file", "nowhere.toml"], "nowhere.toml"),
    ] {
        let run = dwctl(stack.path(), arguments);
        orderly(&run, INVALID, stack.path());
        assert!(run.stderr.contains(word), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn no_credentials() {
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"], &["output"]] {
        let run = dwctl(stack.path(), arguments);
        orderly(&run, ERROR, stack.path());
        assert!(
            run.stderr.contains("error[credentials]") && run.stderr.contains("AWS_PROFILE"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_profile_that_does_not_exist() {
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    let run = dwctl(stack.path(), &["plan", "--profile", "nobody"]);
    orderly(&run, ERROR, stack.path());
    assert!(run.stderr.contains("nobody"), "{}", run.stderr);
}

#[test]
fn an_invalid_region() {
    for region in ["us east 1", "", "https://example.com/", "us-east-1.evil.example"] {
        let stack = folder(&[("stack.toml", &format!("[stack]\nname = 'shop'\nregion = '{region}'\n"))]);
        for arguments in [&["validate"][..], &["plan"]] {
            let run = dwctl_with(stack.path(), arguments, &KEYS);
            orderly(&run, INVALID, stack.path());
            assert!(run.stderr.contains("region"), "{region}: {}", run.stderr);
        }
    }
}

#[test]
fn an_endpoint_that_is_down() {
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    let arguments = ["plan", "--endpoint-url", "http://127.0.0.1:1"];
    let run = dwctl_with(stack.path(), &arguments, &KEYS);
    assert_eq!(run.code, ERROR, "{}", run.stderr);
    assert!(
        run.stderr.contains("error[unreachable]") && run.stderr.contains("127.0.0.1:1"),
        "{}",
        run.stderr
    );
    assert!(run.time < Duration::from_secs(3), "{:?}", run.time);
    assert!(!stack.path().join(".dwctl").exists());
}

#[test]
fn an_endpoint_that_is_not_a_url() {
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    for url in ["localhost", "127.0.0.1:1", "ftp://127.0.0.1:1"] {
        let run = dwctl_with(stack.path(), &["plan", "--endpoint-url", url], &KEYS);
        orderly(&run, ERROR, stack.path());
        assert!(run.stderr.contains(url), "{}", run.stderr);
    }
}

/// Starts a server that answers every request with `body`. Returns its URL.
fn answering(body: &'static str) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 16 << 10];
            let _ = stream.read(&mut request);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{address}")
}

/// Without a limit, an endless answer would never end. No real answer from AWS is this large.
#[test]
fn an_answer_without_end() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 16 << 10]);
                let status = if number % 2 == 0 { "200 OK" } else { "400 Bad Request" };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-type: text/xml\r\nconnection: close\r\n\r\n"
                );
                let part = [b'x'; 64 << 10];
                while stream.write_all(&part).is_ok() {}
            });
        }
    });
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    for _ in 0..2 {
        let run = dwctl_with(stack.path(), &["plan", "--endpoint-url", &endpoint], &KEYS);
        assert_eq!(run.code, ERROR, "{}", run.stderr);
        assert!(run.stderr.contains("longer than 64 MiB"), "{}", run.stderr);
        assert!(run.time < Duration::from_secs(20), "{:?}", run.time);
    }
}

#[test]
fn the_account_of_somebody_else() {
    let endpoint = answering(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::999999999999:user/me</Arn>\
        <UserId>A</UserId><Account>999999999999</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
    let stack = folder(&[(
        "stack.toml",
        "[stack]\nname = 'shop'\nregion = 'us-east-1'\naccounts = { default = '111111111111' }\n[sns_topic.a]\nname = 'a'\n",
    )]);
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--endpoint-url", &endpoint]).collect();
        let run = dwctl_with(stack.path(), &arguments, &KEYS);
        orderly(&run, REFUSED, stack.path());
        assert!(
            run.stderr.contains("error[wrong-account]") && run.stderr.contains("stack.toml:1:"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("999999999999"), "{}", run.stderr);
    }
}

/// The endpoint answers, but is not AWS.
#[test]
fn an_endpoint_that_is_not_aws() {
    let endpoint = answering("<html><body>It works!</body></html>");
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    let run = dwctl_with(stack.path(), &["plan", "--endpoint-url", &endpoint], &KEYS);
    assert_eq!(run.code, ERROR, "{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(!stack.path().join(".dwctl").exists());
}

#[test]
fn a_ledger_that_is_damaged() {
    for text in ["", "{", "{\"version\": 999}", "[]"] {
        let stack =
            folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'")), (".dwctl/default.json", text)]);
        let run = dwctl(stack.path(), &["plan", "--offline"]);
        assert_eq!(run.code, ERROR, "{text:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("error[ledger]"), "{text:?}: {}", run.stderr);
        assert_eq!(std::fs::read_to_string(stack.path().join(".dwctl/default.json")).expect("kept"), text);
    }
}

#[test]
fn names_that_could_deceive_a_terminal() {
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = \"\\u001b[2Jgone\\u0007\""))]);
    for arguments in [&["validate"][..], &["plan", "--offline"]] {
        let run = dwctl(stack.path(), arguments);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
        }
    }
}

#[test]
fn arguments_that_do_not_exist() {
    let empty = folder(&[]);
    for arguments in [
        &["paln"][..],
        &["plan", "--ofline"],
        &["plan", "--detailed-exitcode", "--nope"],
        &["plan", "--output", "json="],
        &["graph", "--format", "svgg"],
        &["completions", "tcsh"],
    ] {
        let run = dwctl(empty.path(), arguments);
        assert_eq!(run.code, ERROR, "{arguments:?}: 2 would say that there are changes");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains("--help"), "{}", run.stderr);
    }
}

const NETWORK: &str = "[ec2_vpc.main]\ncidr_block = '10.0.0.0/16'\nsecondary_cidr_blocks = ['10.8.0.0/20']\n\
                       [ec2_vpc.other]\ncidr_block = '10.0.0.0/16'\n\
                       [ec2_subnet.a]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '10.0.0.0/20'\n";

#[test]
fn a_subnet_outside_of_its_vpc() {
    let subnet = "[ec2_subnet.b]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '10.1.0.0/20'\n";
    refused(
        &(NETWORK.to_owned() + subnet),
        "15:14",
        &["10.1.0.0/20 is not within ec2_vpc.main", "the VPC has 10.0.0.0/16, 10.8.0.0/20"],
    );
    // An overlap with only a part of the VPC's block is refused as well.
    let subnet = "[ec2_subnet.b]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '10.8.0.0/19'\n";
    refused(&(NETWORK.to_owned() + subnet), "15:14", &["10.8.0.0/19 is not within ec2_vpc.main"]);
}

#[test]
fn subnets_that_overlap() {
    let subnet = "[ec2_subnet.b]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '10.0.8.0/24'\n";
    refused(&(NETWORK.to_owned() + subnet), "15:14", &["10.0.8.0/24 overlaps 10.0.0.0/20 of ec2_subnet.a"]);
    let many = "[ec2_subnet.b]\nfor_each = { x = '10.0.16.0/20', y = '10.0.16.0/21' }\n\
                vpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '${each.value}'\n";
    refused(
        &(NETWORK.to_owned() + many),
        "16:14",
        &["10.0.16.0/21 overlaps 10.0.16.0/20 of ec2_subnet.b[\"x\"]"],
    );
    // A VPC that the stack does not make.
    let by_id = "[ec2_subnet.a]\nvpc_id = 'vpc-1'\ncidr_block = '10.0.0.0/20'\nipv6_cidr_block = '2600:1f14::/56'\n\
                 [ec2_subnet.b]\nvpc_id = 'vpc-1'\ncidr_block = '10.0.16.0/20'\nipv6_cidr_block = '2600:1f14::/64'\n";
    refused(by_id, "12:19", &["2600:1f14::/64 overlaps 2600:1f14::/56 of ec2_subnet.a"]);
}

/// Two resources that every apply would swap or fail on.
#[test]
fn two_declarations_of_one_aws_resource() {
    let topics = "[sns_topic.a]\nname = 'x'\n[sns_topic.b]\nname = 'x'\n";
    refused(topics, "7:12", &["sns_topic.b would be the same resource at AWS as sns_topic.a"]);
    let topics = "[sns_topic.a]\nfor_each = ['1', '2']\nname = 'x'\n";
    refused(topics, "5:12", &["sns_topic.a[\"2\"] would be the same resource at AWS as sns_topic.a[\"1\"]"]);
    let buckets = "[s3_bucket.a]\nbucket = 'lake'\n[s3_bucket.b]\nbucket = 'lake'\nregion = 'eu-west-1'\n";
    refused(buckets, "8:10", &["`lake` is also the name of s3_bucket.a"]);
    let groups = "[ec2_security_group.a]\ngroup_name = 'web'\ndescription = 'a'\n\
                  [ec2_security_group.b]\ngroup_name = 'Web'\ndescription = 'b'\n";
    refused(groups, "9:14", &["`Web` is also the name of ec2_security_group.a"]);
    let subscription = |name: &str| {
        format!(
            "[sns_subscription.{name}]\ntopic_arn = '${{sns_topic.a.arn}}'\nprotocol = 'email'\nendpoint = 'a@example.com'\n"
        )
    };
    let subscribed = format!("[sns_topic.a]\nname = 'x'\n{}{}", subscription("a"), subscription("b"));
    refused(&subscribed, "14:12", &["the endpoint is also that of sns_subscription.a"]);
}

#[test]
fn two_declarations_that_only_seem_to_be_one_resource() {
    let stack = "[sns_topic.a]\nname = 'x'\n[sns_topic.b]\nname = 'x'\nregion = 'eu-west-1'\n\
                    [ec2_vpc.a]\ncidr_block = '10.0.0.0/16'\n[ec2_vpc.b]\ncidr_block = '10.0.0.0/16'\n\
                    [ec2_security_group.a]\nvpc_id = '${ec2_vpc.a.vpc_id}'\ngroup_name = 'x'\ndescription = 'a'\n\
                    [ec2_security_group.b]\nvpc_id = '${ec2_vpc.b.vpc_id}'\ngroup_name = 'x'\ndescription = 'b'\n";
    accepted(stack);
}

#[test]
fn subnets_that_only_seem_to_overlap() {
    let stacks = [
        // In another VPC, in the second block of the same VPC, and next to the other subnet.
        "[ec2_subnet.b]\nvpc_id = '${ec2_vpc.other.vpc_id}'\ncidr_block = '10.0.0.0/20'\n",
        "[ec2_subnet.b]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '10.8.0.0/20'\n",
        "[ec2_subnet.b]\nvpc_id = '${ec2_vpc.main.vpc_id}'\ncidr_block = '10.0.16.0/20'\n",
        // In a VPC that is known only by its id.
        "[ec2_subnet.b]\nvpc_id = 'vpc-1'\ncidr_block = '192.168.0.0/24'\n",
    ];
    for subnet in stacks {
        accepted(&(NETWORK.to_owned() + subnet));
    }
}

#[test]
fn a_file_that_is_missing() {
    refused("[sns_topic.a]\nname = 'a'\ndisplay_name = '${file(\"nowhere.txt\")}'", "7:24", &["nowhere.txt"]);
    refused("[s3_object.a]\nbucket = 'lake'\nkey = 'a.py'\nsource = 'nowhere.py'", "8:10", &["nowhere.py"]);
    refused(
        "[glue_workflow.a]\nname = 'a'\ndescription = '${templatefile(\"nowhere.tftpl\", {})}'",
        "7:31",
        &["nowhere.tftpl"],
    );
}

/// A checkout may contain links to anything that its reader may read: tokens, keys, `/proc`.
#[cfg(unix)]
#[test]
fn links_out_of_the_stack() {
    use std::os::unix::fs::symlink;
    const SECRET: &str = "extraheader = AUTHORIZATION: basic aHVudGVyMjI=\n";
    let topic = headed("[variable.size]\ntype = 'number'\ndefault = 1\n[sns_topic.a]\nname = 'a'\n");
    let outside = folder(&[("config", SECRET), ("dev.toml", SECRET), ("deep/x.toml", SECRET)]);
    let reached = outside.path().join("config");
    let cases: [(&str, &std::path::Path, &[&str]); 7] = [
        ("x.toml", &reached, &[]),
        ("x.toml", "../config".as_ref(), &[]),
        ("x.toml", "y".as_ref(), &[]),
        ("x.toml", "/proc/self/environ".as_ref(), &[]),
        ("x.toml", "/dev/null".as_ref(), &[]),
        ("env", outside.path(), &["--env", "dev"]),
        ("env/dev.toml", &reached, &["--env", "dev"]),
    ];
    for (name, target, more) in cases {
        let stack = folder(&[("config", SECRET), ("shop/stack.toml", &topic)]);
        let shop = stack.path().join("shop");
        if name.contains('/') {
            std::fs::create_dir(shop.join("env")).expect("a folder");
        }
        symlink(target, shop.join(name)).expect("a link");
        symlink("../config", shop.join("y")).expect("a link");
        for verb in [&["validate"][..], &["plan", "--offline"], &["graph"]] {
            let run = dwctl(&shop, &[verb, more].concat());
            orderly(&run, INVALID, &shop);
            let output = format!("{}{}", run.stdout, run.stderr);
            assert!(output.contains("error[outside-folder]") && output.contains(".toml"), "{name}: {output}");
            assert!(!output.contains("extraheader") && !output.contains("aHVud"), "{name}: {output}");
        }
        // The names of files outside the stack are not reported either.
        if name == "env" {
            let run = dwctl(&shop, &["validate", "--env", "prod"]);
            orderly(&run, INVALID, &shop);
            assert!(!run.stderr.contains("dev"), "{}", run.stderr);
        }
    }
}

/// Links inside the stack's own folder still work.
#[cfg(unix)]
#[test]
fn links_inside_of_the_stack() {
    use std::os::unix::fs::symlink;
    let stack = folder(&[
        ("stack.toml", &headed("[variable.size]\ntype = 'number'\n[sns_topic.a]\nname = '${local.a}'\n")),
        ("parts/local", "[local]\na = '${trimspace(file(\"all/name.txt\"))}'\n"),
        ("parts/environments/dev.toml", "size = 1\n"),
        ("parts/name.txt", "topic\n"),
    ]);
    for (target, name) in [
        ("parts/local", "once"),
        ("once", "local.toml"),
        ("parts", "all"),
        ("all/environments", "env"),
        ("dev.toml", "parts/environments/prod.toml"),
    ] {
        symlink(target, stack.path().join(name)).expect("a link");
    }
    for env in ["dev", "prod"] {
        let run = dwctl(stack.path(), &["validate", "--env", env]);
        assert_eq!(run.code, DONE, "{}", run.stderr);
    }
    // A link to the stack's folder is the user's own.
    let elsewhere = folder(&[]);
    symlink(stack.path(), elsewhere.path().join("here")).expect("a link");
    let run = dwctl(elsewhere.path(), &["validate", "here", "--env", "dev"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_folder_or_pipe_in_place_of_a_file() {
    let stack = folder(&[("stack.toml", &headed(""))]);
    std::fs::create_dir(stack.path().join("folder.toml")).expect("a folder");
    let _socket = std::os::unix::net::UnixListener::bind(stack.path().join("socket.toml")).expect("a socket");
    let made = std::process::Command::new("mkfifo").arg(stack.path().join("pipe.toml")).status();
    assert!(made.expect("mkfifo").success());
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    for words in [
        "cannot read folder.toml",
        "but a folder",
        "cannot read socket.toml",
        "cannot read pipe.toml",
        "but a pipe",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert!(run.stderr.contains("folder.toml:1:1"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn folders_that_contain_themselves() {
    let stack = folder(&[
        (
            "stack.toml",
            &headed(
                "[s3_object.a]\nfor_each = '${fileset(\".\", \"**/*.py\")}'\nbucket = 'lake'\nkey = '${each.value}'\nsource = '${each.value}'\n",
            ),
        ),
        ("jobs/a.py", ""),
    ]);
    std::os::unix::fs::symlink(".", stack.path().join("self")).expect("a link");
    std::os::unix::fs::symlink("..", stack.path().join("jobs/up")).expect("a link");
    let run = dwctl(stack.path(), &["plan", "--offline"]);
    assert_eq!(run.code, DONE, "{}", run.stderr);
    assert!(run.time < Duration::from_secs(3), "{:?}", run.time);
    assert!(run.stdout.contains("1 to create"), "{}", run.stdout);
}

#[cfg(unix)]
#[test]
fn a_file_name_that_is_not_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.toml");
    if std::fs::write(stack.path().join(name), "[sns_topic.b]\nnam = 'b'\n").is_err() {
        // Not every file system allows such names.
        return;
    }
    let run = dwctl(stack.path(), &["validate"]);
    orderly(&run, INVALID, stack.path());
    assert!(run.stderr.contains("caf"), "{}", run.stderr);
}

#[test]
fn a_variable_file_that_is_not_text_or_too_large() {
    let stack = folder(&[("stack.toml", &headed("[variable.nodes]\ntype = 'number'"))]);
    std::fs::write(stack.path().join("a.tfvars"), b"nodes = \xff\n").expect("a file");
    std::fs::write(stack.path().join("b.tfvars"), "# values\n".repeat(1_200_000)).expect("a file");
    for (name, word) in [("a.tfvars", "UTF-8"), ("b.tfvars", "4 MiB"), ("/dev/zero", "4 MiB")] {
        if !Path::new(name).exists() && !stack.path().join(name).exists() {
            continue;
        }
        let run = dwctl(stack.path(), &["plan", "--var-file", name]);
        orderly(&run, INVALID, stack.path());
        assert!(run.stderr.contains(name) && run.stderr.contains(word), "{}", run.stderr);
    }
}

/// On an instance, the metadata service answers within milliseconds. Elsewhere, the address may swallow
/// all requests.
#[test]
fn metadata_of_an_instance_that_never_answers() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}", listener.local_addr().expect("an address"));
    let kept = std::thread::spawn(move || listener.incoming().take(8).collect::<Vec<_>>());
    let environment =
        [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent.as_str())];
    let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
    let run = dwctl_with(stack.path(), &["plan"], &environment);
    orderly(&run, ERROR, stack.path());
    assert!(run.stderr.contains("error[credentials]"), "{}", run.stderr);
    assert!(!kept.is_finished(), "it is asked again and again");
}

#[test]
fn credentials_that_aws_refuses() {
    use crate::exchange::{Exchange, on};
    for (code, words) in [
        ("ExpiredToken", "The security token included in the request is expired"),
        ("InvalidClientTokenId", "The security token included in the request is invalid."),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match"),
    ] {
        let aws = Exchange::of([on("sts:GetCallerIdentity").fails(403, code, words)]);
        let stack = folder(&[("stack.toml", &headed("[sns_topic.a]\nname = 'a'"))]);
        let run = dwctl_with(stack.path(), &["plan", "--endpoint-url", &aws.endpoint()], &KEYS);
        orderly(&run, ERROR, stack.path());
        assert!(run.stderr.contains("error[credentials]") && run.stderr.contains(words), "{}", run.stderr);
        assert!(run.stderr.contains("AWS_PROFILE") || run.stderr.contains("aws sso login"), "{}", run.stderr);
    }
}

/// A bucket name that is taken in another region is reported by the plan, not by the apply.
#[test]
fn a_bucket_that_is_in_another_region() {
    use crate::exchange::{Exchange, on};
    let aws = Exchange::of([
        on("s3:GetPublicAccessBlock").fails(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint."),
        on("s3:ListBuckets").answers(
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>lake</Name><BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>",
        ),
    ]);
    let stack = folder(&[("stack.toml", &headed("[s3_bucket.lake]\nbucket = 'lake'"))]);
    let run = dwctl_with(stack.path(), &["plan", "--endpoint-url", &aws.endpoint()], &KEYS);
    orderly(&run, ERROR, stack.path());
    for words in ["`lake` already exists in eu-west-1, not in us-east-1", "stack.toml:5:"] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

/// Editors hide a byte order mark. A stack may begin with one; in JSON it is reported.
#[test]
fn a_byte_order_mark() {
    let policy = "\u{feff}{\"Version\": \"2012-10-17\", \"Statement\": []}";
    let stack = format!(
        "\u{feff}{}",
        headed(
            "[iam_policy.p]\npolicy_name = 'p'\npolicy_document = '${file(\"p.json\")}'\n\
             [local]\nx = '${jsondecode(file(\"p.json\"))}'\n"
        )
    );
    let place = folder(&[("stack.toml", &stack), ("p.json", policy)]);
    let run = dwctl(place.path(), &["validate"]);
    orderly(&run, INVALID, place.path());
    assert!(run.stderr.contains("2 errors"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("it begins with a byte order mark").count(), 2, "{}", run.stderr);
}
