//! Exactly those parts of a value are hidden that come from a secret.

use dwctl::plan::format::{Format, Options, render};
use dwctl::plan::{Plan, RiskLabel, Selection};

use crate::account::{Account, planned};
use crate::paper;

/// The plan in all formats, directly and from its file.
fn all_formats(plan: &Plan) -> Vec<String> {
    let mut redacted = plan.clone();
    redacted.redact(None);
    let text = serde_json::to_string(&redacted).expect("JSON");
    let read: Plan = serde_json::from_str(&text).expect("a plan");
    let mut all: Vec<String> = [plan, &redacted, &read]
        .iter()
        .flat_map(|plan| Format::ALL.map(|format| render(format, plan, &Options::default())))
        .collect();
    all.push(text);
    all
}

/// The screen, which is the same from the plan's file.
fn screen(plan: &Plan) -> String {
    let formats = all_formats(plan);
    let (shown, redacted, read) = (&formats[0], &formats[Format::ALL.len()], &formats[2 * Format::ALL.len()]);
    assert_eq!(shown, redacted);
    assert_eq!(shown, read);
    shown.clone()
}

fn group(office: &str, rules: &str) -> String {
    format!(
        "[variable.office]\nsensitive = true\ndefault = \"{office}\"\n\
         [ec2_security_group.g]\ngroup_name = \"g\"\ndescription = \"x\"\nvpc_id = \"vpc-1\"\ningress = [{rules}]\n"
    )
}

const OFFICE: &str =
    r#"{ ip_protocol = "tcp", from_port = 5439, to_port = 5439, cidr_ipv4 = "${var.office}" }"#;

fn open(port: u16, cidr: &str) -> String {
    format!(r#"{{ ip_protocol = "tcp", from_port = {port}, to_port = {port}, cidr_ipv4 = "{cidr}" }}"#)
}

#[test]
fn only_the_secret_element_of_a_list_is_hidden() {
    let of = |port| group("203.0.113.7/32", &format!("{OFFICE}, {}", open(port, "10.0.0.0/16")));
    let plan = planned(&of(5439), &of(443));
    let shown = screen(&plan);
    assert!(shown.contains("opens tcp 443 to 10.0.0.0/16"), "{shown}");
    assert!(shown.contains("closes tcp 5439 to 10.0.0.0/16"), "{shown}");
    assert!(!shown.contains("(secret"), "the secret one stays as it is\n{shown}");
    assert!(all_formats(&plan).iter().all(|text| !text.contains("203.0.113.7")));
    // Both change at once: only the ledger knows which of the two was the secret.
    let other = group("198.51.100.9/32", &format!("{OFFICE}, {}", open(443, "10.0.0.0/16")));
    let plan = planned(&of(5439), &other);
    let shown = screen(&plan);
    assert!(shown.contains("closes tcp 5439 to 10.0.0.0/16"), "{shown}");
    assert!(
        shown.contains("closes tcp 5439 to (secret)") && shown.contains("opens tcp 5439 to (secret)"),
        "{shown}"
    );
    for secret in ["203.0.113.7", "198.51.100.9"] {
        assert!(all_formats(&plan).iter().all(|text| !text.contains(secret)), "{secret}");
    }
    // The secret is removed: nothing in the new declaration identifies the old value.
    let gone = group("203.0.113.7/32", &open(5439, "10.0.0.0/16"));
    let plan = planned(&of(5439), &gone);
    assert!(screen(&plan).contains("closes tcp 5439 to (secret)"), "{}", screen(&plan));
    assert!(all_formats(&plan).iter().all(|text| !text.contains("203.0.113.7")));
    // An older ledger does not say which values are secret, so every undeclared value is hidden.
    let mut account = Account::after(&of(5439));
    account.ledger.resources.values_mut().for_each(|entry| entry.secrets.clear());
    let plan = account.planned(&gone, &Selection::default()).expect("a plan");
    assert!(all_formats(&plan).iter().all(|text| !text.contains("203.0.113.7")));
}

#[test]
fn a_secret_that_grants_public_access_is_a_risk() {
    let of = |office: &str| group(office, OFFICE);
    for (before, after, risk) in [
        ("203.0.113.7/32", "0.0.0.0/0", true),
        ("203.0.113.7/32", "203.0.112.0/23", true),
        ("203.0.113.0/24", "203.0.113.7/32", false),
        ("0.0.0.0/0", "203.0.113.7/32", false),
    ] {
        let plan = planned(&of(before), &of(after));
        let at_risk = plan.risks().contains_key(&RiskLabel::Access);
        assert_eq!(at_risk, risk, "{before} {after}");
        let shown = screen(&plan);
        assert_eq!(shown.contains("⚠ wider access"), risk, "{shown}");
        assert!(
            all_formats(&plan).iter().all(|text| !text.contains("203.0.11") && !text.contains("0.0.0.0")),
            "{shown}"
        );
    }
    // The same for the permissions of a policy and its principals.
    let role = |who: &str, what: &str| {
        format!(
            "[variable.who]\nsensitive = true\ndefault = \"{who}\"\n[variable.what]\nsensitive = true\ndefault = \"{what}\"\n\
             [sns_topic.t]\nname = \"t\"\n[sns_topic.t.policy]\nVersion = \"2012-10-17\"\n[[sns_topic.t.policy.Statement]]\n\
             Sid = \"own\"\nEffect = \"Allow\"\nPrincipal = {{ AWS = '${{var.who}}' }}\nAction = '${{var.what}}'\n\
             Resource = \"arn:aws:sns:us-east-1:000000000000:t\"\n"
        )
    };
    let account = "arn:aws:iam::999999999999:root";
    for (before, after, risk) in [
        ((account, "sns:AddPermission"), ("*", "sns:AddPermission"), true),
        ((account, "sns:AddPermission"), (account, "sns:*"), true),
        (("*", "sns:AddPermission"), (account, "sns:AddPermission"), false),
    ] {
        let plan = planned(&role(before.0, before.1), &role(after.0, after.1));
        let shown = screen(&plan);
        assert_eq!(shown.contains("⚠ wider access"), risk, "{after:?}\n{shown}");
        assert!(
            all_formats(&plan)
                .iter()
                .all(|text| !text.contains("999999999999") && !text.contains("sns:AddPermission")),
            "{shown}"
        );
    }
    // The same for risks from the marks of a schema.
    let bucket = |keep: bool| {
        format!(
            "[variable.keep]\ntype = \"bool\"\nsensitive = true\ndefault = {keep}\n\
             [s3_bucket.b]\nbucket = \"b-of-the-shop\"\nversioning = '${{var.keep}}'\nforce_destroy = '${{!var.keep}}'\n"
        )
    };
    let plan = planned(&bucket(true), &bucket(false));
    assert!(screen(&plan).contains('⚠'), "{}", screen(&plan));
    let plan = planned(&bucket(false), "");
    assert!(screen(&plan).contains("⚠ data loss"), "{}", screen(&plan));
}

#[test]
fn the_rest_of_a_document_with_a_secret_is_shown() {
    let stack = |password: &str| {
        format!(
            "[variable.password]\nsensitive = true\ndefault = \"{password}\"\n\
             [s3_bucket.redshift]\nbucket = \"mini-redshift\"\n\
             [secretsmanager_secret.admin]\nname = \"mini/admin\"\n\
             secret_string = '${{jsonencode({{ engine = \"redshift\", username = \"dwadmin\", password = var.password }})}}'\n\
             [sns_topic.t]\nname = \"dwadmin\"\ndisplay_name = \"dwadmin\"\n\
             [output]\nredshift_bucket = \"${{s3_bucket.redshift.bucket}}\"\n"
        )
    };
    let plan = planned("", &stack("Tr0ub4dor-and-3"));
    for text in all_formats(&plan) {
        assert!(!text.contains("Tr0ub4dor"), "{text}");
        assert!(!text.contains("(secret)_") && !text.contains("_(secret)"), "{text}");
    }
    assert!(screen(&plan).contains("s3_bucket.redshift"), "{}", screen(&plan));
    let json = render(Format::Json, &plan, &Options::default());
    for word in ["aws_s3_bucket.redshift", "redshift_bucket", "\"dwadmin\"", "mini-redshift"] {
        assert!(json.contains(word), "{word}\n{json}");
    }
    let folder = paper::folder(&[("stack.toml", &paper::headed(&stack("Tr0ub4dor-and-4")))]);
    let run = paper::dwctl(folder.path(), &["plan", "--offline", "--details"]);
    assert!(run.stdout.contains("mini-redshift") && run.stdout.contains("\"dwadmin\""), "{}", run.stdout);
    assert!(run.stdout.contains("secret_string") && !run.stdout.contains("Tr0ub4dor"), "{}", run.stdout);
}

/// A rule of the engine for all kinds: ids, ARNs and URLs contain no secret.
#[test]
fn secrets_in_names_are_refused() {
    let variable = "[variable.v]\nsensitive = true\ndefault = \"hidden-name-1\"\n";
    for (resource, place) in [
        ("[sns_topic.t]\nname = '${var.v}'\n", "`name` would show a secret"),
        ("[sns_topic.t]\nname = 'a-${var.v}'\n", "`name` would show a secret"),
        ("[s3_bucket.b]\nbucket = '${var.v}'\n", "`bucket` would show a secret"),
        (
            "[s3_object.o]\nbucket = '${var.v}'\nkey = '${var.v}'\ncontent = 'x'\n",
            "`bucket` would show a secret",
        ),
        (
            "[s3_object.o]\nbucket = 'b-of-the-shop'\nkey = '${var.v}'\ncontent = 'x'\n",
            "`key` would show a secret",
        ),
        ("[secretsmanager_secret.s]\nname = '${var.v}'\nsecret_string = 'x'\n", "`name` would show a secret"),
        (
            "[cloudwatchlogs_log_group.l]\nlog_group_name = '/${var.v}'\n",
            "`log_group_name` would show a secret",
        ),
        (
            "[ec2_security_group.g]\ngroup_name = '${var.v}'\ndescription = 'x'\nvpc_id = 'vpc-1'\n",
            "`group_name` would show a secret",
        ),
        (
            "[iam_role.r]\nrole_name = 'r'\npath = '/${var.v}/'\nassume_role_policy_document = { Version = '2012-10-17', Statement = [{ Effect = 'Allow', Action = 'sts:AssumeRole', Principal = { Service = 'glue.amazonaws.com' } }] }\n",
            "`path` would show a secret",
        ),
        ("[sns_topic.t]\nname = 't'\nregion = '${var.v}'\n", "`region` would show a secret"),
        ("[sns_topic.t]\nname = 't'\ntags = { a = '${var.v}' }\n", "the tag `a` would show a secret"),
        ("[sns_topic.t]\nname = 't'\ntags = '${{ a = var.v }}'\n", "the tag `a` would show a secret"),
        ("[sns_topic.t]\nname = 't'\ntags = '${sensitive({ a = var.v })}'\n", "`tags` would show a secret"),
        (
            "[sns_topic.t]\nname = 't'\n[[import]]\nto = 'sns_topic.t'\nid = '${var.v}'\n",
            "`id` would show a secret",
        ),
    ] {
        let shown = paper::problems(&format!("{variable}{resource}"));
        assert!(shown.contains(place) && shown.contains("stack.toml:"), "{resource}\n{shown}");
        assert!(!shown.contains("hidden-name-1") || shown.matches("(secret)").count() > 0, "{shown}");
    }
    // Attributes outside of ids, ARNs and URLs may be secret.
    for resource in [
        "[sns_topic.t]\nname = 't'\ndisplay_name = '${var.v}'\n",
        "[sns_subscription.s]\ntopic_arn = 'arn:aws:sns:us-east-1:111111111111:t'\nprotocol = 'https'\nendpoint = 'https://u:${var.v}@example.com/x'\n",
        "[secretsmanager_secret.s]\nname = 's'\nsecret_string = '${var.v}'\n",
    ] {
        assert_eq!(paper::problems(&format!("{variable}{resource}")), "", "{resource}");
    }
}

/// Excerpts are searched for secrets, but their paths are not.
#[test]
fn no_path_is_masked() {
    let folder = paper::folder(&[(
        "warehouse/stack.toml",
        "[stack]\nname = \"c23\"\nregion = \"us-east-1\"\n[glue_job.c]\ndefault_arguments = { \"--secret_name\" = \"warehouse\" }\nx = = 1\n",
    )]);
    for environment in [&[][..], &[("GITHUB_ACTIONS", "true")]] {
        let run = paper::dwctl_with(folder.path(), &["validate", "warehouse"], environment);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains("--> warehouse/stack.toml:6:5"), "{}", run.stderr);
        let annotated = run.stderr.contains("::error file=warehouse/stack.toml,line=6,col=5,");
        assert_eq!(annotated, !environment.is_empty(), "{}", run.stderr);
    }
    // A variable that holds the name of the stack, of its folder and of an address.
    let stack = "[stack]\nname = \"warehouse\"\nregion = \"us-east-1\"\n[variable.v]\nsensitive = true\ndefault = \"warehouse\"\n\
                 [sns_topic.warehouse]\nname = \"warehouse\"\ndisplay_name = '${var.v}'\nnonsense = 1\n";
    let folder = paper::folder(&[("warehouse/stack.toml", stack)]);
    let run = paper::dwctl(folder.path(), &["validate", "warehouse"]);
    assert!(run.stderr.contains("warehouse/stack.toml:10:1"), "{}", run.stderr);
    std::fs::write(folder.path().join("warehouse/stack.toml"), stack.replace("nonsense = 1\n", ""))
        .expect("written");
    let run = paper::dwctl(folder.path(), &["plan", "warehouse", "--offline", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(json["resource_changes"][0]["dwctl"]["address"], "sns_topic.warehouse", "{json:#}");
    assert_eq!(json["dwctl"]["stack"], "warehouse", "{json:#}");
}

/// A label stays at its words even after a secret in the same line, and names the true column.
#[test]
fn excerpts_are_masked_and_labels_keep_their_place() {
    let stack = "[stack]\nname = \"x\"\nregion = \"us-east-1\"\n[variable.v]\nsensitive = true\ndefault = \"hidden-longer-than-its-mask\"\n\
                 [sns_topic.t]\nname = \"t\"\ntags = { a = 'hidden-longer-than-its-mask', \"aws:b\" = \"x\" }\n";
    let folder = paper::folder(&[("stack.toml", stack)]);
    let run = paper::dwctl(folder.path(), &["validate"]);
    let line = stack.lines().nth(8).expect("a line");
    let column = line.find("\"aws:b\"").expect("there") + 1;
    assert!(run.stderr.contains(&format!("stack.toml:9:{column}")), "{}", run.stderr);
    assert!(run.stderr.contains("tags = { a = '(secret)', \"aws:b\" = \"x\" }"), "{}", run.stderr);
    let lines: Vec<&str> = run.stderr.lines().collect();
    let at = lines.iter().position(|line| line.contains("(secret)")).expect("the excerpt");
    assert_eq!(lines[at + 1].find('^'), lines[at].find("\"aws:b\""), "{}", run.stderr);
}

/// A sensitive variable's value is hidden even if its file cannot be parsed.
#[test]
fn excerpts_of_broken_files_show_no_sensitive_value() {
    let stack = "[stack]\nname = \"x\"\nregion = \"us-east-1\"\n[variable.login]\nsensitive = true\ntype = \"string\"\n";
    let secret = "hunter22-correct";
    let shows = |files: &[(&str, &str)], arguments: &[&str]| {
        let run = paper::dwctl(paper::folder(files).path(), arguments);
        assert_eq!(run.code, 3, "{files:?}: {}", run.stderr);
        assert!(run.stderr.contains(".toml:"), "the place is told: {}", run.stderr);
        assert!(!run.stderr.contains("hunter22"), "{files:?}: {}", run.stderr);
    };
    for broken in [
        "login = SECRET",
        "login = \"SECRET",
        "login = '''SECRET",
        "login: SECRET",
        "\"login\" \"SECRET\"",
        "login = \"x\"\nlogin = \"SECRET\"",
        "login = \"SECRET\\q\"",
        "login = 1SECRET",
        "export login=SECRET",
        // A misspelt attribute.
        "logni = \"SECRET\"",
    ] {
        let text = broken.replace("SECRET", secret);
        shows(&[("stack.toml", stack), ("env/dev.toml", &text)], &["validate", "--env", "dev"]);
    }
    for broken in [
        "[variable.other]\nsensitive = true\ndefault = \"SECRET\" oops\n",
        "[variable.other]\ndefault = \"SECRET\" oops\nsensitive = true\n",
        // Valid TOML with an invalid expression.
        "[secretsmanager_secret.s]\nname = \"s\"\nsecret_string = \"${SECRET\"\n",
    ] {
        let text = format!("{stack}{}", broken.replace("SECRET", secret));
        shows(&[("stack.toml", &text)], &["validate"]);
    }
}

/// Thousands of secrets are learnt and found quickly, and none is forgotten.
#[test]
fn a_secret_bundle_of_certificates_hides_no_other_text() {
    let bundle: String = (0..6_000u64)
        .map(|line| format!("{:064x}\n", u128::from(line.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 40 | 0xabc))
        .collect();
    let stack = "[stack]\nname=\"x\"\nregion=\"us-east-1\"\n[variable.bundle]\nsensitive=true\n[variable.password]\nsensitive=true\n\
                 [secretsmanager_secret.b]\nname=\"b\"\nsecret_string=\"${var.bundle}\"\n\
                 [sns_topic.t]\nname=\"t\"\ndisplay_name=\"${var.password}\"\ntags = { a = \"hunter22-correct-horse\", \"aws:b\" = \"x\" }\n";
    let variables = format!("bundle='''{bundle}'''\npassword='hunter22-correct-horse'\n");
    let folder = paper::folder(&[("stack.toml", stack), ("more/v.toml", &variables)]);
    let run = paper::dwctl(folder.path(), &["validate", "--var-file", "more/v.toml"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("reserved") && !run.stderr.contains("hunter22"), "{}", run.stderr);
    // Generous for an unoptimised build that runs beside other tests; an optimised one takes a tenth of it.
    assert!(run.time.as_secs() < 20, "{:?}", run.time);
}
