//! The risks of a change: which settings delete data, weaken protection or widen access, and which do not.
//! Every attribute of every kind has a decision.

use std::collections::{BTreeMap, BTreeSet};

use dwctl::eval::{EvalContext, Facts};
use dwctl::kinds::KINDS;
use dwctl::plan::{self, Allowed, Answers, Inputs, Outcome, Plan, RiskLabel, Selection, consent};
use dwctl::schema::{Held, Node, RiskMark, RiskSort, Shape, When};
use dwctl::stack;
use dwctl::value::Value;
use proptest::prelude::*;

use crate::account::{Account, CLUSTER, eval, read};
use crate::harness::Project;
use crate::kind_file::{self, RiskOfChange};
use crate::paper;

/// Every attribute, with whether its schema declares a risk.
fn attributes(node: &Node, path: &str, found: &mut Vec<(String, bool)>) {
    match &node.shape {
        Shape::List { element, .. } | Shape::Map(element) => attributes(element, path, found),
        Shape::Object { fields, .. } => {
            for (name, field) in fields {
                let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of_member = |mark: &RiskMark| mark.member.as_deref() == Some(name);
                let read = field.document.is_some_and(|document| !document.risk().is_empty());
                let is_policy = |node: &Node| matches!(node.shape, Shape::Policy);
                let policy = match &field.shape {
                    Shape::Map(element) => is_policy(element),
                    _ => is_policy(field),
                };
                let is_marked = !field.risks.is_empty()
                    || node.risks.iter().any(of_member)
                    || field.marks.data_loss
                    || field.marks.downtime;
                found.push((place.clone(), is_marked || read || policy));
                if !read {
                    attributes(field, &place, found);
                }
            }
        }
        _ => {}
    }
}

/// Every new attribute must have a mark, be read by the code for its document, or be listed as
/// without a risk.
#[test]
fn every_attribute_has_a_decision() {
    let mut wrong = Vec::new();
    for kind in KINDS.iter() {
        let mut found = Vec::new();
        attributes(&kind.schema().spec, "", &mut found);
        let listed = &kind_file::of(kind.name()).risks.harmless;
        assert!(listed.is_sorted_by(|one, next| one < next), "{}: not in order, or twice", kind.name());
        for (path, is_marked) in &found {
            let name = format!("{}.{path}", kind.name());
            match (is_marked, listed.contains(path)) {
                (false, false) => wrong.push(format!(
                    "{name} has no decision: mark its risk, or list it as `harmless` in tests/kinds/{}.toml",
                    kind.name()
                )),
                (true, true) => wrong.push(format!("{name} has a risk, and is listed as without one")),
                _ => {}
            }
        }
        let unknown = listed.iter().filter(|path| !found.iter().any(|(name, _)| name == *path));
        wrong.extend(unknown.map(|path| format!("{}.{path} is no attribute", kind.name())));
    }
    assert!(wrong.is_empty(), "{}\n{} in all", wrong.join("\n"), wrong.len());
}

/// Every mark can apply, and its change can be described.
#[test]
fn every_mark_fits_its_attribute() {
    fn look(node: &Node, root: &Node, path: &str, wrong: &mut Vec<String>) {
        let member = |name: &String| match &node.shape {
            Shape::Object { fields, .. } => fields.get(name),
            Shape::Map(element) => Some(element.as_ref()),
            _ => None,
        };
        for mark in &node.risks {
            let about = match &mark.member {
                Some(name) if matches!(node.shape, Shape::Json) => {
                    assert!(!name.is_empty());
                    continue;
                }
                Some(name) => match member(name) {
                    Some(field) => field,
                    None => {
                        wrong.push(format!("{path}: there is no {name}"));
                        continue;
                    }
                },
                None => node,
            };
            let is_text = |values: &[String]| match &about.shape {
                Shape::String { options, .. } => {
                    options.is_empty() || values.iter().all(|value| options.contains(value))
                }
                _ => false,
            };
            let table = |name: &str| about.fields().is_some_and(|fields| fields.contains_key(name));
            let fits = match &mark.when {
                // The text of a map's element is true or false as well.
                When::On | When::Off => matches!(about.shape, Shape::Bool) || mark.member.is_some(),
                When::Less | When::More => matches!(about.shape, Shape::Number { .. }),
                When::Shorter | When::Longer => matches!(about.shape, Shape::Number { .. }) || table("days"),
                When::Earlier => matches!(about.shape, Shape::String { .. }),
                When::To(value) => is_text(std::slice::from_ref(value)),
                When::Lower(order) | When::Higher(order) => is_text(order),
                When::Gone | When::Come | When::Changed | When::Loses => true,
                When::Destroyed(Held::Finite) => matches!(about.shape, Shape::Number { .. }),
                When::Destroyed(_) => {
                    root.fields().is_some_and(|fields| fields.values().any(|one| one.risks.contains(mark)))
                }
            };
            if !fits {
                wrong.push(format!("{path}: {:?} on a {}", mark.when, about.type_name()));
            }
            // An attribute with a default is always present: it is never added or removed.
            if matches!(mark.when, When::Gone | When::Come) && about.default.is_some() {
                wrong.push(format!("{path}: {:?} of what has a default", mark.when));
            }
            if let Some((condition, _)) = &mark.condition {
                let mut at = Some(root);
                for name in condition.split('.') {
                    at = at.and_then(|node| node.fields()).and_then(|fields| fields.get(name));
                }
                if at.is_none() {
                    wrong.push(format!("{path}: there is no {condition}"));
                }
            }
        }
        match &node.shape {
            Shape::List { element, .. } | Shape::Map(element) => look(element, root, path, wrong),
            Shape::Object { fields, .. } => {
                for (name, field) in fields {
                    look(field, root, &format!("{path}.{name}"), wrong);
                }
            }
            _ => {}
        }
    }
    let mut wrong = Vec::new();
    for kind in KINDS.iter() {
        look(&kind.schema().spec, &kind.schema().spec, kind.name(), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn marks_are_parsed_and_described() {
    let mark =
        RiskMark::parse("data-loss while [days] lower A > B if x.y = true: gone: {before}").expect("a mark");
    assert_eq!(
        mark,
        RiskMark {
            sort: RiskSort::DataLoss,
            of_new: true,
            member: Some("days".to_owned()),
            when: When::Lower(vec!["A".to_owned(), "B".to_owned()]),
            condition: Some(("x.y".to_owned(), "true".to_owned())),
            words: "gone: {before}".to_owned(),
        }
    );
    assert_eq!(mark.short_form(), "data loss when days lowered (A > B) if x.y = true");
    for wrong in [
        "data-loss",
        "data-loss when",
        "security when off",
        "data-loss if off",
        "data-loss when lower A",
        "data-loss when [days shorter",
        "data-loss when sideways",
        "data-loss when off if x",
        "data-loss when off sideways",
    ] {
        assert_eq!(RiskMark::parse(wrong), None, "{wrong}");
    }
}

fn planned(account: &Account, after: &str) -> Plan {
    account.planned(after, &Selection::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Each risk in words, such as `data loss: log events are kept 7 days instead of 365 days`.
fn risk_texts(plan: &Plan) -> Vec<String> {
    let risks = plan.risks();
    let each = risks.iter().flat_map(|(label, all)| {
        all.iter().map(move |(_, words)| match words.as_str() {
            "" => label.words().to_owned(),
            words => format!("{}: {words}", label.words()),
        })
    });
    each.collect()
}

const LOGS: &str = "[cloudwatchlogs_log_group.x]\nlog_group_name = \"x\"\n";
const BUCKET: &str = "[s3_bucket.x]\nbucket = \"lake-of-shop\"\n";
const OBJECT: &str = "[s3_object.x]\nbucket = \"lake-of-shop\"\nkey = \"a\"\ncontent = \"a\"\n";
const KEY: &str = "[kms_key.x]\n";
const SECRET: &str = "[secretsmanager_secret.x]\nname = \"x\"\n";
const ALARM: &str = "[cloudwatch_alarm.x]\nalarm_name = \"x\"\nmetric_name = \"m\"\nnamespace = \"n\"\nstatistic = \"Sum\"\nperiod = 60\nevaluation_periods = 1\nthreshold = 1.0\ncomparison_operator = \"GreaterThanThreshold\"\n";
const DATABASE: &str = "[glue_database.x]\nname = \"x\"\n";
const ROLE: &str = "[iam_role.x]\nrole_name = \"x\"\nassume_role_policy_document = { Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = { Service = \"glue.amazonaws.com\" } }] }\n";
const MACHINE: &str = "[sfn_state_machine.x]\nname = \"x\"\nrole_arn = \"arn:aws:iam::111111111111:role/r\"\ndefinition = { StartAt = \"A\", States = { A = { Type = \"Succeed\" } } }\n";
const FIFO: &str = "[sns_topic.x]\nname = \"x.fifo\"\nfifo_topic = true\n";
const SUBNET: &str = "[ec2_subnet.x]\nvpc_id = \"vpc-1\"\ncidr_block = \"10.0.0.0/24\"\n";
const GROUP: &str = "[ec2_security_group.x]\ngroup_name = \"x\"\ndescription = \"x\"\nvpc_id = \"vpc-1\"\n";

#[test]
fn changes_and_their_risks() {
    let (mut count, mut wrong) = (0, Vec::new());
    let tables = kind_file::all().flat_map(|(_, file)| &file.risks.changes);
    for (base, row) in tables.flat_map(|table| table.rows.iter().map(move |row| (&table.base, row))) {
        count += 1;
        let RiskOfChange { before, after, there, back } = row;
        let (before, after) = (format!("{base}{before}\n"), format!("{base}{after}\n"));
        for (from, to, expected) in [(&before, &after, there), (&after, &before, back)] {
            let plan = planned(&Account::after(from), to);
            assert!(!plan.is_empty() || expected.is_empty(), "nothing changes:\n{from}\n---\n{to}");
            let shown = risk_texts(&plan);
            if shown != *expected {
                wrong.push(format!("{from}\n---\n{to}\n  is     {shown:#?}\n  not    {expected:#?}"));
            }
            // Data loss needs consent; weaker protection and wider access are only reported.
            let loses = expected.iter().any(|risk| risk.starts_with("data loss"));
            let needed = plan::needed(&plan);
            assert_eq!(needed.contains("data-loss"), loses, "{from}\n---\n{to}\n{needed:?}");
            assert_eq!(consent(&plan, &Allowed { downtime: true, ..Allowed::default() }).is_err(), loses);
            assert!(consent(&plan, &Allowed { downtime: true, data_loss: true, destroy: false }).is_ok());
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(count >= 126, "{count}");
}

/// A deletion, and what is lost with it.
#[test]
fn deletions_and_their_losses() {
    let bare: [(String, &[&str]); 12] = [
        (LOGS.to_owned(), &["data loss: its log events are deleted"]),
        (BUCKET.to_owned(), &[]),
        (OBJECT.to_owned(), &[]),
        (KEY.to_owned(), &["irreversible: after 30 days nothing encrypted with it can be read"]),
        (SECRET.to_owned(), &[]),
        (DATABASE.to_owned(), &[]),
        (CLUSTER.to_owned(), &[]),
        (FIFO.to_owned(), &[]),
        (
            format!("{FIFO}archive_policy = {{ MessageRetentionPeriod = 30 }}\n"),
            &["data loss: the archive of its messages is deleted"],
        ),
        (ROLE.to_owned(), &[]),
        (ALARM.to_owned(), &[]),
        (MACHINE.to_owned(), &[]),
    ];
    for (stack, expected) in &bare {
        let plan = planned(&Account::after(stack), "");
        assert_eq!(risk_texts(&plan), *expected, "{stack}");
        let needed: Vec<&str> = plan::needed(&plan).into_iter().collect();
        assert_eq!(needed, if expected.is_empty() { vec![] } else { vec!["destroy"] }, "{stack}");
    }
    // The risks of settings that only dwctl knows, such as `force_destroy`, are reported when a declared
    // resource is destroyed.
    let switched: [(String, &[&str]); 6] = [
        (format!("{BUCKET}force_destroy = true\n"), &["data loss: all its objects are deleted"]),
        (format!("{OBJECT}force_destroy = true\n"), &["data loss: all its versions are deleted"]),
        (
            format!("{DATABASE}force_destroy = true\n"),
            &["data loss: the tables in it are deleted from the catalog"],
        ),
        (format!("{SECRET}recovery_window_days = 0\n"), &["data loss: deleted at once, without recovery"]),
        (
            format!("{CLUSTER}skip_final_snapshot = true\nfinal_snapshot_retention_period = 7\n"),
            &["data loss: no final snapshot is taken"],
        ),
        (
            format!("{CLUSTER}final_snapshot_retention_period = 7\n"),
            &["data loss: its final snapshot is kept only 7 days"],
        ),
    ];
    for (stack, expected) in &switched {
        let selection = Selection { destroy: true, ..Selection::default() };
        let plan = Account::after(stack).planned(stack, &selection).expect("a plan");
        assert_eq!(risk_texts(&plan), *expected, "{stack}");
    }
}

/// A value that is unknown before the apply may delete data.
#[test]
fn an_unknown_value_may_delete_data() {
    let account = Account::after(&format!("{LOGS}retention_in_days = 365\n"));
    let unknown = "retention_in_days = \"${length(kms_key.new.key_id)}\"\n[kms_key.new]\n";
    let plan = planned(&account, &format!("{LOGS}{unknown}"));
    assert_eq!(
        risk_texts(&plan),
        ["data loss: log events are kept ? days instead of 365 days (known after kms_key.new is created)"]
    );
    assert!(plan::needed(&plan).contains("data-loss"));
    // The shortest retention cannot become shorter, and a new resource has no data yet.
    let plan = planned(&Account::after(""), &format!("{LOGS}{unknown}"));
    assert_eq!(risk_texts(&plan), Vec::<String>::new());
    for (before, after) in [
        // Rules whose days, filter or status is unknown.
        (
            "lifecycle_rules = [{ id = \"a\", expiration = { days = 90 } }]\n",
            "lifecycle_rules = '${[for one in split(\",\", kms_key.new.key_id) : { id = one, expiration = { days = 90 } }]}'\n",
        ),
        (
            "lifecycle_rules = [{ id = \"a\", expiration = { days = 90 } }]\n",
            "lifecycle_rules = [{ id = \"a\", expiration = { days = \"${length(kms_key.new.key_id)}\" } }]\n",
        ),
        (
            "lifecycle_rules = [{ id = \"a\", filter = { prefix = \"a\" }, expiration = { days = 90 } }]\n",
            "lifecycle_rules = [{ id = \"a\", filter = { prefix = \"${kms_key.new.key_id}\" }, expiration = { days = 90 } }]\n",
        ),
        (
            "lifecycle_rules = [{ id = \"a\", status = \"Disabled\", expiration = { days = 90 } }]\n",
            "lifecycle_rules = [{ id = \"a\", status = \"${kms_key.new.key_id}\", expiration = { days = 90 } }]\n",
        ),
        (
            "lifecycle_rules = [{ id = \"a\", noncurrent_version_expiration = { noncurrent_days = 9, newer_noncurrent_versions = 9 } }]\n",
            "lifecycle_rules = [{ id = \"a\", noncurrent_version_expiration = { noncurrent_days = 9, newer_noncurrent_versions = \"${length(kms_key.new.key_id)}\" } }]\n",
        ),
    ] {
        let plan = planned(
            &Account::after(&format!("{BUCKET}{before}")),
            &format!("{BUCKET}{after}[kms_key.new]\n"),
        );
        let shown = risk_texts(&plan);
        assert!(shown.len() == 1 && shown[0].starts_with("data loss: "), "{after}{shown:?}");
        assert!(plan::needed(&plan).contains("data-loss"), "{after}");
    }
    // If everything was already deleted after a day, nothing more can be lost.
    let all = "lifecycle_rules = [{ id = \"a\", expiration = { days = 1 } }]\n";
    let some = "lifecycle_rules = [{ id = \"a\", filter = { prefix = \"${kms_key.new.key_id}\" }, expiration = { days = \"${length(kms_key.new.key_id)}\" } }]\n[kms_key.new]\n";
    let plan = planned(&Account::after(&format!("{BUCKET}{all}")), &format!("{BUCKET}{some}"));
    assert_eq!(risk_texts(&plan), Vec::<String>::new());
}

/// A secret is judged by its value, but shown as a secret.
#[test]
fn a_secret_is_judged_by_its_value() {
    let with = |days: &str| format!("{LOGS}retention_in_days = \"${{sensitive({days})}}\"\n");
    let plan = planned(&Account::after(&with("365")), &with("7"));
    assert_eq!(risk_texts(&plan), ["data loss: log events are kept (secret) days instead of (secret) days"]);
    assert!(plan::needed(&plan).contains("data-loss"));
    let plan = planned(&Account::after(&with("7")), &with("365"));
    assert_eq!(plan::needed(&plan), BTreeSet::new());
    let rules = |days: &str, prefix: &str| {
        format!(
            "{BUCKET}lifecycle_rules = [{{ id = \"a\", filter = {{ prefix = '${{sensitive(\"{prefix}\")}}' }}, expiration = {{ days = {days} }} }}]\n"
        )
    };
    let plan = planned(&Account::after(&rules("90", "raw/old/")), &rules("90", "raw/"));
    let words = risk_texts(&plan);
    assert!(words.len() == 1 && words[0].starts_with("data loss") && !words[0].contains("raw"), "{words:?}");
    let plan = planned(&Account::after(&rules("90", "raw/")), &rules("90", "raw/old/"));
    assert_eq!(plan::needed(&plan), BTreeSet::new());
}

/// Someone increased the retention by hand, and the stack reverts that.
#[test]
fn reverting_drift_may_delete_data() {
    let stack = format!("{LOGS}retention_in_days = 7\n");
    let account = Account::after(&stack).set("cloudwatchlogs_log_group.x", "retention_in_days", 365);
    let plan = planned(&account, &stack);
    assert_eq!(risk_texts(&plan), ["data loss: log events are kept 7 days instead of 365 days"]);
    assert!(plan::needed(&plan).contains("data-loss"));
    // `drift` reports the risk of the change by hand. A shorter retention set by hand deletes data until it
    // is reverted.
    let screen =
        |plan: Plan| plan::render(&plan.drift(), &plan::TextOptions { drift: true, ..Default::default() });
    let drift = screen(plan);
    assert!(drift.contains("cost up") && !drift.contains("data loss"), "{drift}");
    let account = Account::after(&stack).set("cloudwatchlogs_log_group.x", "retention_in_days", 1);
    let drift = screen(planned(&account, &stack));
    assert!(drift.contains("data loss: log events are kept 1 day instead of 7 days"), "{drift}");
    // A rule that someone added by hand deletes until it is taken back.
    let rule = Value::from_json(
        &serde_json::json!([{ "id": "x", "status": "Enabled", "expiration": { "days": 3 } }]),
    );
    let account = Account::after(BUCKET).set("s3_bucket.x", "lifecycle_rules", rule);
    let plan = planned(
        &account,
        &format!("{BUCKET}lifecycle_rules = [{{ id = \"y\", expiration = {{ days = 9 }} }}]\n"),
    );
    assert_eq!(risk_texts(&plan), Vec::<String>::new());
    let drift = screen(plan);
    assert!(drift.contains("data loss: rule \"x\" deletes objects after 3 days"), "{drift}");
}

/// An adopted resource already holds data; a new one does not.
#[test]
fn an_adopted_resource_holds_data_and_a_new_one_does_not() {
    let rules = format!("{BUCKET}lifecycle_rules = [{{ id = \"a\", expiration = {{ days = 9 }} }}]\n");
    let plan = planned(&Account::after(""), &rules);
    assert_eq!(risk_texts(&plan), Vec::<String>::new());
    assert_eq!(plan::needed(&plan), BTreeSet::new());
    let mut live =
        Account::after(BUCKET).lives.remove(&"s3_bucket.x".parse().expect("an address")).expect("it lives");
    live.tags.clear();
    let (stack, _folder) = read(&rules);
    let eval = eval(&stack);
    let ledger = dwctl::ledger::Ledger::new(&stack.name, &stack.env).expect("randomness");
    let mut answers = Answers::default();
    answers
        .reads
        .insert(("s3_bucket", dwctl::aws::Place::of("us-east-1"), "lake-of-shop".to_owned()), Ok(Some(live)));
    let selection = Selection { adopt: true, ..Selection::default() };
    let inputs =
        Inputs { eval: &eval, ledger: &ledger, answers: &answers, selection: &selection, offline: false };
    let Ok(Outcome::Plan(plan)) = plan::plan(&inputs) else { panic!("no plan") };
    assert_eq!(risk_texts(&plan), ["data loss: rule \"a\" deletes objects after 9 days"]);
    assert_eq!(plan::needed(&plan).into_iter().collect::<Vec<_>>(), ["data-loss"]);
}

/// The first plan of each shipped stack shows the risks that a reviewer wants to see, and no others.
#[test]
fn a_first_plan_shows_only_real_risks() {
    let mut folders: Vec<(std::path::PathBuf, Option<&str>)> = vec![
        (paper::root().join("stacks/ecommerce"), Some("dev")),
        (paper::root().join("stacks/ecommerce"), Some("prod")),
        (paper::root().join("examples/minimal"), None),
        (paper::root().join("examples/modules"), None),
        (paper::root().join("examples/accounts"), None),
        (paper::root().join("examples/data"), None),
        (paper::root().join("examples/stack-output/network"), None),
        (paper::root().join("examples/stack-output/warehouse"), None),
    ];
    let mut kept = Vec::new();
    for kind in KINDS.iter() {
        let text =
            std::fs::read_to_string(paper::root().join(format!("examples/kinds/{}.toml", kind.name())))
                .expect("an example");
        let folder = paper::folder(&[("stack.toml", &text)]);
        folders.push((folder.path().to_owned(), None));
        kept.push(folder);
    }
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
    let mut found = Vec::new();
    for (folder, env) in &folders {
        let stack = match stack::load(folder, *env, &kinds) {
            Ok(stack) => stack,
            Err((problems, sources)) => panic!("{}", dwctl::diag::render_all(&problems, &sources, false)),
        };
        let mut problems = Vec::new();
        let variables = stack::variables(&stack, &[], &mut problems);
        assert!(problems.is_empty(), "{problems:#?}");
        let eval = EvalContext::new(&stack, Facts::offline(&stack), variables).expect("a context");
        let ledger = dwctl::ledger::Ledger::new(&stack.name, &stack.env).expect("randomness");
        let (answers, selection) = (Answers::default(), Selection::default());
        let inputs =
            Inputs { eval: &eval, ledger: &ledger, answers: &answers, selection: &selection, offline: true };
        let Ok(Outcome::Plan(plan)) = plan::plan(&inputs) else { panic!("{}", folder.display()) };
        for (label, all) in plan.risks() {
            found
                .extend(all.into_iter().map(|(address, words)| {
                    format!("{}: {}: {address}: {words}", stack.name, label.words())
                }));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// For new resources, access from the whole world is reported.
#[test]
fn public_access_of_a_new_resource_is_reported() {
    let rows: [(String, &[&str]); 8] = [
        (format!("{CLUSTER}publicly_accessible = true\n"), &["wider access: reachable from the internet"]),
        (
            format!("{BUCKET}public_access_block = {{ block_public_policy = false }}\n"),
            &["wider access: bucket policies may grant public access"],
        ),
        (
            format!(
                "{GROUP}ingress = [{{ ip_protocol = \"tcp\", from_port = 22, to_port = 22, cidr_ipv4 = \"0.0.0.0/0\" }}]\n"
            ),
            &["wider access: opens tcp 22 to the whole internet"],
        ),
        (
            format!(
                "{SECRET}force_overwrite_replica_secret = true\nreplicas = [{{ region = \"eu-west-1\" }}]\n"
            ),
            &["data loss: a secret of the same name in that region is overwritten"],
        ),
        (format!("{ALARM}treat_missing_data = \"notBreaching\"\nactions_enabled = false\n"), &[]),
        (format!("{BUCKET}force_destroy = true\nobject_ownership = \"ObjectWriter\"\n"), &[]),
        (format!("{KEY}deletion_window_days = 7\nenabled = false\n"), &[]),
        (format!("{SUBNET}map_public_ip_on_launch = true\n"), &[]),
    ];
    for (stack, expected) in &rows {
        let plan = planned(&Account::after(""), stack);
        assert_eq!(risk_texts(&plan), *expected, "{stack}");
        let loses = expected.iter().any(|risk| risk.starts_with("data loss"));
        assert_eq!(plan::needed(&plan).contains("data-loss"), loses, "{stack}");
    }
}

/// `apply --yes` refuses changes that delete data until they are allowed.
#[test]
fn a_setting_that_deletes_data_needs_consent() {
    let head = "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\n";
    let stack = |rest: &str| format!("{head}{LOGS}{rest}");
    let project = Project::new(&stack("retention_in_days = 365\n"));
    project.apply();
    project.write(&stack("retention_in_days = 7\n"));
    let run = |allow: &str| {
        let mut command = project.command(&["apply", "--yes"]);
        let output = command.env("DWCTL_ALLOW", allow).output().expect("dwctl runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for allow in ["downtime", "destroy,downtime"] {
        let (code, said) = run(allow);
        assert_eq!(code, Some(7), "{said}");
        assert!(said.contains("the plan would change cloudwatchlogs_log_group.x"), "{said}");
        assert!(
            said.contains("data loss by retention_in_days: log events are kept 7 days instead of 365 days")
                && said.contains("--allow data-loss"),
            "{said}"
        );
    }
    assert_eq!(run("data-loss").0, Some(0));
    // Removing the retention and adding it again shortens it.
    project.write(&stack(""));
    project.apply();
    project.write(&stack("retention_in_days = 7\n"));
    let (code, said) = run("downtime");
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("log events are kept 7 days instead of for ever"), "{said}");
}

/// Objects of all types that [`rules`] may apply to.
fn objects() -> Vec<(&'static str, BTreeMap<&'static str, &'static str>, i64)> {
    let mut objects = Vec::new();
    for key in ["", "a", "ab", "abc", "b"] {
        for tags in [vec![], vec![("x", "1")], vec![("x", "2")], vec![("x", "1"), ("y", "1")]] {
            for size in [0, 5, 10, 11, 200, 1000] {
                objects.push((key, tags.iter().copied().collect(), size));
            }
        }
    }
    objects
}

fn rules() -> impl Strategy<Value = Vec<serde_json::Value>> {
    let filter = (
        proptest::option::of(prop_oneof![Just(""), Just("a"), Just("ab"), Just("b")]),
        proptest::option::of(prop_oneof![Just(vec!["x=1"]), Just(vec!["x=2"]), Just(vec!["x=1", "y=1"])]),
        proptest::option::of(prop_oneof![Just(0i64), Just(10)]),
        proptest::option::of(prop_oneof![Just(100i64), Just(500)]),
    );
    let rule = (
        proptest::option::weighted(0.6, filter),
        any::<bool>(),
        proptest::option::of(1..4i64),
        proptest::option::of((1..4i64, proptest::option::of(1..4i64))),
    );
    proptest::collection::vec(rule, 0..4).prop_map(|rules| {
        type Filter = (Option<&'static str>, Option<Vec<&'static str>>, Option<i64>, Option<i64>);
        type Rule = (Option<Filter>, bool, Option<i64>, Option<(i64, Option<i64>)>);
        let rule = |(number, (filter, enabled, days, noncurrent)): (usize, Rule)| {
            let mut rule = serde_json::json!({
                "id": format!("r{number}"),
                "status": if enabled { "Enabled" } else { "Disabled" },
                "transitions": [{ "storage_class": "GLACIER", "days": 0 }],
            });
            if let Some((prefix, tags, above, below)) = filter {
                let tags = tags.unwrap_or_default();
                let tags: serde_json::Map<_, _> = tags.iter().filter_map(|tag| tag.split_once('=')).map(|(key, value)| (key.to_owned(), value.into())).collect();
                rule["filter"] = serde_json::json!({ "prefix": prefix, "tags": tags, "object_size_greater_than": above, "object_size_less_than": below });
            }
            if let Some(days) = days {
                rule["expiration"] = serde_json::json!({ "days": days });
            }
            if let Some((days, kept)) = noncurrent {
                rule["noncurrent_version_expiration"] = serde_json::json!({ "noncurrent_days": days, "newer_noncurrent_versions": kept });
            }
            rule
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

/// The age in days at which S3 deletes an object, or its noncurrent version of a rank.
fn deleted_after(
    rules: &[serde_json::Value],
    object: &(&str, BTreeMap<&str, &str>, i64),
    rank: Option<i64>,
) -> i64 {
    let (key, tags, size) = object;
    let fits = |rule: &serde_json::Value| {
        let filter = &rule["filter"];
        rule["status"] == "Enabled"
            && key.starts_with(filter["prefix"].as_str().unwrap_or_default())
            && filter["tags"]
                .as_object()
                .into_iter()
                .flatten()
                .all(|(name, value)| tags.get(name.as_str()).copied() == value.as_str())
            && filter["object_size_greater_than"].as_i64().is_none_or(|above| *size > above)
            && filter["object_size_less_than"].as_i64().is_none_or(|below| *size < below)
    };
    let time = |rule: &serde_json::Value| match rank {
        None => rule["expiration"]["days"].as_i64(),
        Some(rank) => {
            let rule = &rule["noncurrent_version_expiration"];
            let kept = rule["newer_noncurrent_versions"].as_i64().unwrap_or(0);
            rule["noncurrent_days"].as_i64().filter(|_| rank >= kept)
        }
    };
    rules.iter().filter(|rule| fits(rule)).filter_map(time).min().unwrap_or(i64::MAX)
}

fn stack_of(rules: &[serde_json::Value]) -> String {
    fn toml(value: &serde_json::Value) -> String {
        match value {
            serde_json::Value::Object(map) => {
                let entries: Vec<String> = map
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| format!("{name} = {}", toml(value)))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
            }
            serde_json::Value::Array(list) => {
                format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        }
    }
    let rules: Vec<String> = rules.iter().map(toml).collect();
    format!("{BUCKET}versioning = true\nlifecycle_rules = [{}]\n", rules.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// If no loss is reported, no object is deleted sooner than before, whatever the ids of the rules.
    #[test]
    fn rules_that_delete_more_are_always_reported(before in rules(), after in rules()) {
        let loses = |before: &[serde_json::Value], after: &[serde_json::Value]| {
            let plan = planned(&Account::after(&stack_of(before)), &stack_of(after));
            plan.risks().contains_key(&RiskLabel::DataLoss)
        };
        if !loses(&before, &after) {
            for object in objects() {
                for rank in [None, Some(0), Some(1), Some(2), Some(3)] {
                    prop_assert!(deleted_after(&after, &object, rank) >= deleted_after(&before, &object, rank), "{object:?} {rank:?}");
                }
            }
        }
        // The same rules in another order and with other ids lose nothing, and neither do fewer rules.
        let mut renamed: Vec<serde_json::Value> = before.iter().rev().cloned().collect();
        for (number, rule) in renamed.iter_mut().enumerate() {
            rule["id"] = format!("other{number}").into();
        }
        prop_assert!(!loses(&before, &renamed));
        renamed.pop();
        prop_assert!(!loses(&before, &renamed));
    }
}
