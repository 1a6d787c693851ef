//! Mistakes in one line of a stack, which `validate` reports at that line, and similar lines that AWS
//! accepts, which it does not report. They are in the files of the kinds, `tests/kinds`.

use std::collections::BTreeSet;

use dwctl::diag::{Diagnostic, Severity, Sources};
use dwctl::eval::{EvalContext, Facts};
use dwctl::kind::{Known, Problem};
use dwctl::kinds::KINDS;
use dwctl::plan::Selection;
use dwctl::schema::Shape;
use dwctl::stack;
use dwctl::value::Value;

use crate::account::Account;
use crate::kind_file::{self, Mistake, Mistakes};
use crate::paper;

impl Mistakes {
    /// The stack with this line in place of the original.
    fn with(&self, row: &Mistake, line: &str) -> String {
        let text = match &row.at {
            None => format!("{}{line}\n", self.base),
            Some(at) => {
                let found: Vec<&str> = self.base.lines().filter(|one| one.starts_with(at.as_str())).collect();
                // If there are several, the last one is the resource that the table is about.
                let old = found.last().unwrap_or_else(|| panic!("no line begins with {at}"));
                let place = self.base.rfind(&format!("{old}\n")).expect("the line");
                format!("{}{line}{}", &self.base[..place], &self.base[place + old.len()..])
            }
        };
        paper::headed(&text)
    }
}

/// All tables, each with its kind.
fn tables() -> impl Iterator<Item = (&'static str, &'static Mistakes)> {
    kind_file::all().flat_map(|(kind, file)| file.mistakes.iter().map(move |mistakes| (kind, mistakes)))
}

/// All errors and warnings of `validate`.
fn findings(text: &str) -> (Vec<Diagnostic>, Sources) {
    let folder = paper::folder(&[("stack.toml", text)]);
    let stack = match paper::load(folder.path()) {
        Ok(stack) => stack,
        Err(failed) => return failed,
    };
    let mut problems = Vec::new();
    let variables = stack::variables(&stack, &[], &mut problems);
    match EvalContext::new(&stack, Facts::offline(&stack), variables) {
        Ok(eval) => {
            drop(eval.evaluate_all(&mut problems));
            problems.extend(eval.warnings());
        }
        Err(found) => problems.extend(found),
    }
    (problems, stack.sources.clone())
}

fn line_of(text: &str, begins: &str) -> usize {
    text.lines()
        .enumerate()
        .filter(|(_, one)| one.starts_with(begins))
        .last()
        .map_or(0, |(place, _)| place + 1)
}

#[test]
fn every_mistake_is_reported_at_its_line() {
    let (mut rows, mut missed) = (0, Vec::new());
    for (name, kind) in tables() {
        for row in &kind.rows {
            rows += 1;
            let text = kind.with(row, &row.wrong);
            let line = line_of(&text, row.reported_at.as_deref().unwrap_or(&row.wrong));
            let (problems, sources) = findings(&text);
            let hit = problems.iter().any(|one| {
                let words = format!(
                    "{} {} {:?} {:?}",
                    one.message,
                    one.primary.as_ref().map_or("", |label| &label.text),
                    one.helps,
                    one.notes
                );
                one.primary.as_ref().is_some_and(|label| sources.line(label.span) == line)
                    && words.contains(&row.says)
            });
            if !hit {
                let shown: Vec<String> = problems
                    .iter()
                    .map(|one| {
                        format!(
                            "{} {}",
                            one.primary.as_ref().map_or(0, |label| sources.line(label.span)),
                            one.message
                        )
                    })
                    .collect();
                missed.push(format!("{name}: {} (line {line}, `{}`): {shown:?}", row.wrong, row.says));
            }
        }
    }
    assert!(rows >= 120, "{rows}");
    assert!(missed.is_empty(), "{} of {rows} are not told:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn valid_lines_are_accepted() {
    let (mut rows, mut refused) = (0, Vec::new());
    for (name, kind) in tables() {
        for row in &kind.rows {
            rows += 1;
            let (problems, _) = findings(&kind.with(row, &row.right));
            refused.extend(problems.iter().map(|one| format!("{name}: {}: {}", row.right, one.message)));
        }
    }
    assert!(rows >= 100, "{rows}");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The value with one part after the other unknown, including those of tables and lists.
fn unknowns(value: &Value) -> Vec<Value> {
    let mut all = vec![Value::unknown("other.resource", "attribute")];
    match value {
        Value::Map(map) => {
            for (name, inner) in map {
                all.extend(unknowns(inner).into_iter().map(|inner| {
                    let mut map = map.clone();
                    map.insert(name.clone(), inner);
                    Value::Map(map)
                }));
            }
        }
        Value::List(list) => {
            for (place, inner) in list.iter().enumerate() {
                all.extend(unknowns(inner).into_iter().map(|inner| {
                    let mut list = list.clone();
                    list[place] = inner;
                    Value::List(list)
                }));
            }
        }
        _ => {}
    }
    all
}

/// With less known, nothing more is reported: a rule with unknown or broken inputs is silent.
#[test]
fn unknown_values_break_no_rule() {
    let (mut specs, mut checked, mut untrue) = (0, 0, BTreeSet::new());
    for (name, mistakes) in tables() {
        let texts = mistakes.rows.iter().flat_map(|row| [&row.wrong, &row.right].map(|line| (row, line)));
        for (row, line) in texts {
            let Ok(file) = mistakes.with(row, line).parse::<toml::Table>() else { continue };
            for kind in KINDS.iter() {
                let declared = file.get(kind.name()).and_then(toml::Value::as_table);
                for declared in declared.into_iter().flat_map(toml::Table::values) {
                    let json = serde_json::to_value(declared).expect("a table is JSON");
                    let spec = Value::from_json(&json);
                    let found = kind.check(Known(&spec));
                    specs += 1;
                    for blurred in unknowns(&spec).iter().skip(1) {
                        checked += 1;
                        // The message may name a value that is unknown now.
                        let is_new = |one: &Problem| {
                            !found
                                .iter()
                                .any(|known| (&known.path, known.warning) == (&one.path, one.warning))
                        };
                        let more = kind.check(Known(blurred)).into_iter().filter(is_new);
                        untrue.extend(
                            more.map(|one| {
                                format!("{name}: {line}: {} {}: {blurred:?}", one.path, one.message)
                            }),
                        );
                    }
                }
            }
        }
    }
    assert!(specs > 300 && checked > 2_500, "{specs} {checked}");
    let shown: Vec<&String> = untrue.iter().take(60).collect();
    assert!(untrue.is_empty(), "{} untrue: {shown:#?}", untrue.len());
}

#[test]
fn every_kind_has_mistakes() {
    let rows = |mistakes: &[Mistakes]| mistakes.iter().map(|one| one.rows.len()).sum::<usize>();
    let few: Vec<String> = kind_file::all()
        .filter(|(_, file)| rows(&file.mistakes) < 3)
        .map(|(kind, _)| format!("tests/kinds/{kind}.toml needs three rows of `[[mistakes]]`, or more"))
        .collect();
    assert!(few.is_empty(), "{}", few.join("\n"));
}

/// A module's variable that is empty by default means an absent attribute, for any attribute.
#[test]
fn an_empty_text_equals_an_absent_attribute() {
    let mut seen = BTreeSet::new();
    for kind in KINDS.iter() {
        let base = &kind_file::of(kind.name()).mistakes.first().expect("a stack").base;
        let fields = kind.schema().spec.fields().expect("a table");
        for (name, field) in fields {
            let is_text = matches!(field.shape, Shape::String { .. });
            let may_differ = field.marks.aws_default || field.default.is_some();
            if !is_text
                || may_differ
                || kind.schema().spec.requires(name)
                || base.contains(&format!("\n{name} = "))
            {
                continue;
            }
            let written = format!("{base}{name} = \"\"\n");
            if findings(&paper::headed(&written)).0.iter().any(|one| one.severity == Severity::Error) {
                continue;
            }
            for (before, after) in [(base, &written), (&written, base)] {
                let plan = Account::after(before).planned(after, &Selection::default());
                let plan = plan.unwrap_or_else(|problems| panic!("{}.{name}: {problems}", kind.name()));
                assert!(plan.is_empty(), "{}.{name}", kind.name());
            }
            seen.insert(format!("{}.{name}", kind.name()));
        }
    }
    for one in [
        "iam_policy.description",
        "glue_trigger.description",
        "sns_topic.display_name",
        "kms_key.description",
    ] {
        assert!(seen.contains(one), "{one} is not among {seen:?}");
    }
    assert!(seen.len() >= 20, "{seen:?}");
}

#[test]
fn explicit_defaults_are_no_change() {
    let bucket = "[s3_bucket.b]\nbucket = \"shop-lake\"\n";
    for written in [
        "notification = {}",
        "notification = { event_bridge = false }",
        "notification = { queue_configurations = [] }",
        "lifecycle_rules = []",
        "request_metrics = []",
        "tls_only = false",
    ] {
        let written = format!("{bucket}{written}\n");
        for (before, after) in [(bucket, written.as_str()), (written.as_str(), bucket)] {
            let plan = Account::after(before).planned(after, &Selection::default()).expect("a plan");
            assert!(plan.is_empty(), "{before} → {after}");
        }
    }
}

const TAGGED: &str = r#"[stack]
name = "shop"
region = "us-east-1"
tags = { t1 = "x", t2 = "x", t3 = "x", t4 = "x", t5 = "x", t6 = "x", t7 = "x", t8 = "x" }
[s3_bucket.b]
bucket = "shop-lake"
[s3_object.o]
bucket = "shop-lake"
key = "k"
content = "x"
tags = { team = "data" }
"#;

#[test]
fn an_object_at_the_tag_limit_gets_no_tags_of_the_stack() {
    let (problems, sources) = findings(TAGGED);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].severity, Severity::Warning);
    assert_eq!(problems[0].primary.as_ref().map(|label| sources.line(label.span)), Some(4));
    assert!(problems[0].message.contains("s3_object.o"), "{}", problems[0].message);
    let plan =
        Account::after("[sns_topic.t]\nname = 't'\n").planned(TAGGED, &Selection::default()).expect("a plan");
    let tags = |kind: &str| -> Vec<String> {
        let change = plan.effective().find(|change| change.address.kind == kind).expect("a change");
        change.desired_tags.keys().filter(|key| !key.starts_with("dwctl:")).cloned().collect()
    };
    assert_eq!(tags("s3_object"), ["team"]);
    assert_eq!(tags("s3_bucket").len(), 8);
    // If the number of tags allows it, an object has the stack's tags, too.
    let fewer = TAGGED.replace(", t7 = \"x\", t8 = \"x\"", "");
    assert!(self::findings(&fewer).0.is_empty());
}
