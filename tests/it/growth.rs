//! The work for a stack grows linearly with its size. Time depends on the machine, so the tests count
//! allocations, which are exact, for 6, 12 and 24 pipelines.

use allocation_counter::{AllocationInfo, measure};
use dwctl::eval::EvalContext;
use dwctl::graph;
use dwctl::ledger::Ledger;
use dwctl::plan::{Action, Plan, Selection};
use dwctl::stack;

use crate::account::{Account, read};
use crate::estate::{self, Shape};

const SIZES: [usize; 3] = [6, 12, 24];
const SHAPES: [Shape; 2] = [Shape::Each, Shape::Single];

/// Fails if the work grows faster than the size. From 12 to 24 pipelines the size grows twice as much as from
/// 6 to 12, so linear work does the same. A logarithm adds a little; work for every pair of resources grows
/// four times as much.
fn assert_linear(what: &str, shape: Shape, work: impl FnMut(usize) -> AllocationInfo) {
    let grown = too_fast(work);
    assert!(grown.is_none(), "{what} of {shape:?}, for {SIZES:?} pipelines: {}", grown.unwrap_or_default());
}

/// The counts for the three sizes; `None` if they grow linearly.
fn too_fast(mut work: impl FnMut(usize) -> AllocationInfo) -> Option<String> {
    // One-time work, such as building the schemas, happens here.
    work(1);
    let infos = SIZES.map(&mut work);
    let is_fast = |[least, middle, most]: [u64; 3]| {
        let (first, second) = (middle as f64 - least as f64, most as f64 - middle as f64);
        second >= 2.5 * first
    };
    let counts =
        [("allocations", infos.map(|info| info.count_total)), ("bytes", infos.map(|info| info.bytes_total))];
    let found = counts.into_iter().find(|(_, counts)| is_fast(*counts));
    found.map(|(unit, [least, middle, most])| format!("{least}, {middle} and {most} {unit}"))
}

/// As [`assert_linear`], for both shapes.
fn assert_all_linear(what: &str, work: impl Fn(&str) -> AllocationInfo) {
    for shape in SHAPES {
        assert_linear(what, shape, |size| work(&estate::stack(size, shape)));
    }
}

fn planned(account: &Account, text: &str, selection: &Selection) -> (Plan, AllocationInfo) {
    let mut plan = None;
    let info = measure(|| plan = Some(account.planned(text, selection)));
    (plan.expect("it ran").unwrap_or_else(|problems| panic!("{problems}")), info)
}

fn empty() -> Account {
    Account { ledger: Ledger::new("estate", "default").expect("randomness"), lives: Default::default() }
}

fn checked(text: &str) -> AllocationInfo {
    let (stack, _folder) = read(text);
    let variables = stack::variables(&stack, &[], &mut Vec::new());
    let mut found = None;
    let info = measure(|| found = Some(EvalContext::check(&stack, variables, Vec::new())));
    let (problems, warnings, _) = found.expect("it ran");
    assert!(problems.is_empty() && warnings.is_empty(), "{problems:?} {warnings:?}");
    info
}

#[test]
fn a_check_is_linear() {
    assert_all_linear("a check", checked);
}

/// Modules that refer to each other, in blocks of their own and by `for_each`.
#[test]
fn a_check_of_modules_is_linear() {
    let module = "[variable.name]\ntype = \"string\"\n[variable.queue]\ndefault = \"none\"\n\
                  [sqs_queue.q]\nqueue_name = \"${var.name}\"\ntags = { from = \"${var.queue}\" }\n\
                  [sns_topic.t]\nname = \"${var.name}\"\ndisplay_name = \"${sqs_queue.q.queue_name}\"\n\
                  [output]\nqueue = \"${sqs_queue.q.arn}\"\n";
    let block = |name: &str, more: &str| format!("[module.{name}]\nsource = \"./modules/m\"\n{more}\n");
    let single = |size: usize| {
        let blocks = (0..size * 4).map(|at| {
            let queue =
                if at == 0 { String::new() } else { format!("queue = \"${{module.m{}.queue}}\"", at - 1) };
            block(&format!("m{at}"), &format!("name = \"m{at}\"\n{queue}"))
        });
        blocks.collect::<String>()
    };
    let each = |size: usize| {
        let keys: Vec<String> = (0..size * 4).map(|at| format!("\"k{at}\"")).collect();
        let keys = format!("for_each = [{}]\n", keys.join(", "));
        let first = block("one", &format!("{keys}name = \"one-${{each.key}}\""));
        first
            + &block(
                "two",
                &format!("{keys}name = \"two-${{each.key}}\"\nqueue = \"${{module.one[each.key].queue}}\""),
            )
    };
    for (text, shape) in [(&single as &dyn Fn(usize) -> String, Shape::Single), (&each, Shape::Each)] {
        assert_linear("a check of modules", shape, |size| {
            let folder = crate::paper::folder(&[
                ("stack.toml", &crate::paper::headed(&text(size))),
                ("modules/m/main.toml", module),
            ]);
            let stack =
                crate::paper::load(folder.path()).unwrap_or_else(|(problems, _)| panic!("{problems:?}"));
            let mut found = None;
            let info = measure(|| found = Some(EvalContext::check(&stack, Default::default(), Vec::new())));
            let (problems, _, count) = found.expect("it ran");
            assert!(problems.is_empty() && count >= size * 8, "{problems:?} {count}");
            info
        });
    }
}

/// Proves that the counts detect quadratic work: in this stack each instance depends on all others.
#[test]
fn quadratic_work_is_detected() {
    let text = |size: usize| {
        let keys: Vec<String> = (0..size * 4).map(|number| format!("\"k{number}\"")).collect();
        let keys = keys.join(", ");
        format!(
            r#"
            [cloudwatchlogs_log_group.one]
            for_each       = [{keys}]
            log_group_name = "one/${{each.key}}"
            [cloudwatchlogs_log_group.two]
            for_each       = [{keys}]
            log_group_name = '${{join("-", [each.key, length(values(cloudwatchlogs_log_group.one)[*].arn)])}}'
            "#
        )
    };
    assert!(too_fast(|size| checked(&text(size))).is_some());
}

#[test]
fn a_plan_of_a_new_stack_is_linear() {
    assert_all_linear("a plan of new resources", |text| {
        let (plan, info) = planned(&empty(), text, &Selection::default());
        assert!(plan.changes.iter().all(|change| change.action == Action::Create));
        info
    });
}

#[test]
fn a_plan_without_changes_is_linear() {
    assert_all_linear("a plan without changes", |text| {
        let (plan, info) = planned(&Account::after(text), text, &Selection::default());
        assert!(plan.changes.iter().all(|change| change.action == Action::NoOp));
        info
    });
}

#[test]
fn a_plan_to_destroy_is_linear() {
    let selection = Selection { destroy: true, ..Selection::default() };
    assert_all_linear("a plan to destroy", |text| {
        let (plan, info) = planned(&Account::after(text), text, &selection);
        assert!(plan.changes.iter().all(|change| change.action == Action::Delete));
        info
    });
}

#[test]
fn a_part_of_a_plan_is_linear() {
    for selection in [
        Selection { targets: vec!["cloudwatch_alarm".to_owned()], ..Selection::default() },
        Selection { exclude: vec!["s3_bucket".to_owned()], ..Selection::default() },
    ] {
        assert_all_linear("a part of a plan", |text| planned(&empty(), text, &selection).1);
    }
}

#[test]
fn a_ledger_is_linear() {
    assert_all_linear("a ledger", |text| {
        let Account { ledger, .. } = Account::after(text);
        let mut same = false;
        let info = measure(|| {
            let text = serde_json::to_string_pretty(&ledger).expect("it can be written");
            let again: Ledger = serde_json::from_str(&text).expect("it can be read");
            same = again.resources == ledger.resources;
        });
        assert!(same);
        info
    });
}

/// A reference with the instance's own key depends on no other instance.
#[test]
fn an_instance_depends_on_instances_with_its_own_key() {
    let (plan, _) = planned(&empty(), &estate::stack(3, Shape::Each), &Selection::default());
    let job =
        plan.changes.iter().find(|change| change.address.to_string() == "glue_job.transform[\"p00001\"]");
    let needs: Vec<String> = job.expect("the job").needs.iter().map(ToString::to_string).collect();
    let own = ["cloudwatchlogs_log_group.runs", "glue_database.catalog", "iam_role.job", "s3_bucket.data"];
    let mut expected: Vec<String> = own.map(|name| format!("{name}[\"p00001\"]")).to_vec();
    expected.push("s3_object.script[\"p00001\"]".to_owned());
    assert_eq!(needs, expected);
}

/// The order of a chain, and of many resources that depend on one: the number of steps equals the number of
/// edges.
#[test]
fn an_order_is_linear() {
    let chain = |count: usize| (1..count).map(|node| (node, node - 1)).collect();
    let star = |count: usize| (1..count).map(|node| (node, 0)).collect();
    for edges in [&chain as &dyn Fn(usize) -> _, &star] {
        assert_linear("an order", Shape::Single, |size| {
            let (count, mut order) = (size * 40, None);
            let needs = edges(count);
            let info = measure(|| order = Some(graph::order(count, &needs)));
            assert_eq!(order.and_then(Result::ok).map(|order| order.len()), Some(count));
            info
        });
    }
}
