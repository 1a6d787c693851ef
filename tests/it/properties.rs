//! Invariants of every kind and every text, over many random inputs.

use std::collections::BTreeMap;

use dwctl::diag::Sources;
use dwctl::eval::{EvalContext, Facts};
use dwctl::graph::{Address, ModulePath, ModuleStep};
use dwctl::kind::Known;
use dwctl::kinds::KINDS;
use dwctl::ledger::{Entry, Ledger};
use dwctl::plan::{diff, overlay, value_text};
use dwctl::schema::{Node, Shape, normalize, validate};
use dwctl::stack;
use dwctl::value::Value;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::paper;

/// Runs `check` over `cases` generated values of `strategy`.
fn hold<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    check: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    if let Err(error) = runner.run(&strategy, check) {
        panic!("{error}");
    }
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "aa", "B", "", "x y", "é", "${", "\"", "5", "true", "*"])
        .prop_map(str::to_owned)
}

/// Any JSON-like value that a document may hold.
fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3_i64..3).prop_map(Value::from),
        word().prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map(word(), inner, 0..3).prop_map(Value::Map),
        ]
    })
    .boxed()
}

/// A policy document, in any of its equivalent forms.
fn policy() -> BoxedStrategy<Value> {
    let names = prop::sample::subsequence(vec!["s3:GetObject", "s3:PutObject", "s3:*"], 1..3)
        .prop_map(|names| if names.len() == 1 { Value::from(names[0]) } else { Value::list(names) });
    let statement = (
        prop::sample::select(vec!["Allow", "Deny"]),
        names,
        prop::sample::select(vec!["*", "arn:aws:s3:::lake"]),
        prop::option::of(prop::sample::select(vec!["*", "111111111111", "arn:aws:iam::111111111111:root"])),
    )
        .prop_map(|(effect, action, resource, principal)| {
            let mut map = BTreeMap::from([
                ("Effect".to_owned(), Value::from(effect)),
                ("Action".to_owned(), action),
                ("Resource".to_owned(), Value::from(resource)),
            ]);
            map.extend(principal.map(|one| ("Principal".to_owned(), Value::map([("AWS", one)]))));
            Value::Map(map)
        });
    prop::collection::vec(statement, 1..4)
        .prop_map(|list| {
            Value::map([("Version", Value::from("2012-10-17")), ("Statement", Value::List(list))])
        })
        .boxed()
}

/// Any value with the shape of `node`, within its limits where that is easy.
fn of(node: &Node, depth: u32) -> BoxedStrategy<Value> {
    match &node.shape {
        Shape::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Shape::Number { integer, minimum, maximum } => {
            let (least, most) = (minimum.unwrap_or(-2.0), maximum.unwrap_or(1_000.0));
            if *integer {
                (least as i64..=most as i64).prop_map(Value::from).boxed()
            } else {
                (least..=most).prop_map(|float| Value::from_json(&serde_json::json!(float))).boxed()
            }
        }
        Shape::String { options, .. } if !options.is_empty() => {
            prop::sample::select(options.clone()).prop_map(Value::String).boxed()
        }
        Shape::String { .. } => word().prop_map(Value::String).boxed(),
        Shape::Secret => word().prop_map(|text| Value::String(text).into_secret()).boxed(),
        Shape::Policy => policy(),
        Shape::Json => prop_oneof![
            prop::collection::btree_map(word(), anything(), 0..3).prop_map(Value::Map),
            prop::collection::vec(anything(), 0..3).prop_map(Value::List),
        ]
        .boxed(),
        Shape::List { element, .. } => {
            let most = if depth == 0 { 1 } else { 4 };
            let key = node.key.clone();
            prop::collection::vec(of(element, depth.saturating_sub(1)), 0..most)
                .prop_map(move |list| Value::List(distinct(list, key.as_deref())))
                .boxed()
        }
        Shape::Map(element) => {
            prop::collection::btree_map(word(), of(element, depth.saturating_sub(1)), 0..3)
                .prop_map(Value::Map)
                .boxed()
        }
        Shape::Object { fields, required } => {
            let mut object = Just(BTreeMap::new()).boxed();
            for (name, field) in fields {
                let value = of(field, depth.saturating_sub(1));
                let value = if required.contains(name) {
                    value.prop_map(Some).boxed()
                } else {
                    prop::option::weighted(0.4, value).boxed()
                };
                let name = name.clone();
                object = (object, value)
                    .prop_map(move |(mut object, value)| {
                        object.extend(value.map(|value| (name.clone(), value)));
                        object
                    })
                    .boxed();
            }
            object.prop_map(Value::Map).boxed()
        }
        Shape::Any => anything(),
    }
}

/// Removes elements with a duplicate key, which validation would refuse.
fn distinct(list: Vec<Value>, key: Option<&str>) -> Vec<Value> {
    let Some(key) = key else { return list };
    let mut seen = Vec::new();
    list.into_iter()
        .filter(|element| {
            let name = element.get(key).cloned();
            let new = !seen.contains(&name);
            seen.push(name);
            new
        })
        .collect()
}

/// Two specs of a kind, often similar.
fn two(node: &Node) -> BoxedStrategy<(Value, Value)> {
    let strategy = of(node, 6);
    (strategy.clone(), strategy, prop::collection::vec(any::<bool>(), 64))
        .prop_map(|(left, right, choice)| {
            let near = match (&left, &right) {
                (Value::Map(one), Value::Map(other)) => Value::Map(
                    one.keys()
                        .chain(other.keys())
                        .zip(choice.iter().cycle())
                        .filter_map(|(name, take)| {
                            let from = if *take { other } else { one };
                            Some((name.clone(), from.get(name)?.clone()))
                        })
                        .collect(),
                ),
                _ => right,
            };
            (left, near)
        })
        .boxed()
}

#[test]
fn a_diff_is_empty_exactly_when_two_specs_are_equal() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(24, two(node), |(left, right)| {
            let (left, right) = (normalize(node, left), normalize(node, right));
            let changes = diff(node, &left, &right);
            prop_assert_eq!(changes.is_empty(), left == right, "{}: {:?}", kind.name(), changes);
            prop_assert!(diff(node, &left, &left).is_empty(), "{}", kind.name());
            for change in &changes {
                prop_assert!(change.before != change.after, "{}: {:?}", kind.name(), change);
            }
            Ok(())
        });
    }
}

#[test]
fn the_canonical_form_of_a_canonical_form_is_itself() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(24, of(node, 6), |spec| {
            let once = normalize(node, spec);
            prop_assert_eq!(&normalize(node, once.clone()), &once, "{}", kind.name());
            Ok(())
        });
    }
}

/// Makes every third text secret.
fn redacted(value: Value, count: &mut usize) -> Value {
    match value {
        Value::String(text) => {
            *count += 1;
            if count.is_multiple_of(3) { Value::from(text).into_secret() } else { Value::from(text) }
        }
        Value::List(list) => Value::List(list.into_iter().map(|one| redacted(one, count)).collect()),
        Value::Map(map) => {
            Value::Map(map.into_iter().map(|(name, one)| (name, redacted(one, count))).collect())
        }
        other => other,
    }
}

/// AWS returns values in the open. A stack with secrets in its documents converges all the same.
#[test]
fn a_secret_equals_its_plain_live_value() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(24, of(node, 6), |live| {
            let live = normalize(node, live);
            let want = normalize(node, redacted(live.clone(), &mut 0));
            let changes = diff(node, &live, &want);
            prop_assert!(changes.is_empty(), "{}: {:?}", kind.name(), changes);
            Ok(())
        });
    }
}

/// A plan without changes must also be empty for `update`, which compares typed specs.
#[test]
fn values_that_aws_chose_are_no_difference() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(24, of(node, 6), |live| {
            let live = normalize(node, live);
            let mut want = live.clone();
            let fields = node.fields().expect("a table");
            if let Value::Map(map) = &mut want {
                map.retain(|name, _| !fields.get(name).is_some_and(|field| field.marks.aws_default));
            }
            let want = normalize(node, want);
            let (want, live) = overlay(node, want, live, &|_, _, _| Some(true));
            prop_assert!(
                diff(node, &live, &want).is_empty(),
                "{}: {:?}",
                kind.name(),
                diff(node, &live, &want)
            );
            Ok(())
        });
    }
}

/// A value that AWS does not return is equal if it was the applied one, and differs otherwise.
#[test]
fn unreadable_attributes_are_compared_with_the_applied_value() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(12, of(node, 6), |want| {
            let want = normalize(node, want);
            let mut live = want.clone();
            let fields = node.fields().expect("a table");
            let unreadable: Vec<&String> =
                fields.iter().filter(|(_, field)| field.marks.unreadable()).map(|(name, _)| name).collect();
            if let Value::Map(map) = &mut live {
                unreadable.iter().for_each(|name| drop(map.remove(*name)));
            }
            let (same, found) = overlay(node, want.clone(), live.clone(), &|_, _, _| Some(true));
            prop_assert!(diff(node, &found, &same).is_empty(), "{}", kind.name());
            let (other, found) = overlay(node, want.clone(), live, &|_, _, _| Some(false));
            let written = unreadable.iter().filter(|name| want.get(name).is_some()).count();
            let differing: Vec<_> = diff(node, &found, &other);
            prop_assert!(differing.len() >= written, "{}: {:?}", kind.name(), differing);
            Ok(())
        });
    }
}

#[test]
fn checks_of_kinds_accept_any_value_of_the_right_shape() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        let scope = dwctl::aws::Scope {
            partition: "aws".to_owned(),
            account_id: "111111111111".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let holed = (of(node, 6), prop::collection::vec(any::<bool>(), 16)).prop_map(|(spec, holes)| {
            let Value::Map(map) = spec else { return spec };
            let names = map.into_iter().zip(holes.into_iter().cycle());
            Value::Map(
                names
                    .map(|((name, value), hole)| {
                        let value = if hole { Value::unknown("kms_key.a", "arn") } else { value };
                        (name, value)
                    })
                    .collect(),
            )
        });
        hold(24, holed, |spec| {
            let _ = validate(node, &spec, kind.name());
            let spec = normalize(node, spec);
            let known = Known(&spec);
            let _ = (kind.identity(known, &scope), kind.predict(known, &scope), kind.check(known));
            let _ = value_text(&spec);
            Ok(())
        });
    }
}

/// Schema and serde agree: a valid and complete spec can be converted to the kind's type.
#[test]
fn a_valid_spec_converts_to_the_type_of_its_kind() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(32, of(node, 6), |spec| {
            let spec = normalize(node, spec);
            if validate(node, &spec, kind.name()).is_empty() {
                let accepted = kind.accepts(&spec.clone().reveal());
                prop_assert!(accepted.is_ok(), "{}: {:?} for {:?}", kind.name(), accepted, spec);
            }
            Ok(())
        });
    }
}

/// Fragments of stacks, valid and broken.
fn fragment() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "[stack]\nname = 'a'\nregion = 'us-east-1'\n",
        "[stack]\n",
        "[variable.n]\ntype = 'number'\ndefault = 3\n",
        "[variable.o]\ntype = 'object({ a = optional(list(string)) })'\ndefault = {}\n",
        "[variable.n]\nvalidation = [{ condition = '${var.n > 1}', message = 'm' }]\n",
        "[local]\nl = '${var.n}'\nm = '${local.l}'\n",
        "[local]\nl = '${local.l}'\n",
        "[sns_topic.t]\nname = '${local.l}'\n",
        "[sns_topic.t]\nfor_each = ['a', 'b']\nname = '${each.key}'\n",
        "[sns_topic.t]\nfor_each = '${sns_topic.u}'\nname = 'a'\n",
        "[sns_topic.u]\nwhen = '${var.n == 3}'\nname = '${sns_topic.t[\"a\"].name}'\n",
        "[sns_topic.u]\nname = '${sns_topic.t.arn}'\n[sns_topic.u.lifecycle]\nprotect = true\n",
        "[kms_key.k]\ntags = { a = '${kms_key.k.arn}' }\n",
        "[kms_key.k]\nkey_policy = { Statement = ['${kms_key.k.arn}'] }\n",
        "[output]\no = '${sns_topic.t}'\n",
        "[output.p]\nvalue = '${sns_topic.t[*].name}'\nsensitive = true\n",
        "[[sns_topic.t]]\nname = 5\n",
        "depends_on = ['sns_topic.u', 'kms_key.k[\"x\"]', '']\n",
        "region = '${aws.region}'\n",
        "lifecycle = 5\n",
        "= \n",
        "x = '${'\n",
        "x = '%{ if true }'\n",
        "x = \"\\u0000é\"\n",
        "a.b.c = 1979-05-27T07:32:00Z\n",
        "'' = { '' = [[], {}, nan, inf] }\n",
        "[",
        "\"\"\"",
        "\u{feff}",
        "é",
    ])
    .prop_map(str::to_owned)
}

fn expression() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "var.n",
        "local.l",
        "sns_topic.t",
        "sns_topic.t[\"a\"]",
        ".name",
        ".arn",
        "[0]",
        "[*]",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "1",
        "-",
        "+",
        "*",
        "/",
        "%",
        "==",
        "&&",
        "!",
        "?",
        ":",
        "for x in",
        "if",
        ",",
        "...",
        "upper(",
        "file(",
        "jsondecode(",
        "cidrsubnet(",
        "try(",
        "\\",
        "$",
        "${",
        "%{",
        "\n",
        " ",
        "é",
        "null",
        "each.key",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Loads, checks and evaluates a stack of these files, and renders its errors.
fn try_out(files: &[(&str, &str)]) {
    let folder = paper::folder(files);
    let (problems, sources) = match paper::load(folder.path()) {
        Err((problems, sources)) => {
            assert!(!problems.is_empty(), "refused without a reason");
            (problems, sources)
        }
        Ok(stack) => {
            let mut problems = Vec::new();
            let variables = stack::variables(&stack, &[], &mut problems);
            match EvalContext::new(&stack, Facts::offline(&stack), variables) {
                Ok(eval) => drop(eval.evaluate_all(&mut problems)),
                Err(found) => problems.extend(found),
            }
            (problems, stack.sources.clone())
        }
    };
    show(&problems, &sources);
}

fn show(problems: &[dwctl::diag::Diagnostic], sources: &Sources) {
    for problem in problems {
        assert!(!problem.message.is_empty() && !problem.message.ends_with('.'), "{problem:?}");
        for label in problem.primary.iter().chain(&problem.secondary) {
            let text = sources.text(label.span.file);
            assert!(
                text.get(label.span.start..label.span.end).is_some(),
                "{problem:?} points outside of {text:?}"
            );
        }
        assert!(dwctl::diag::render(problem, sources, true).contains(problem.code));
    }
}

#[test]
fn any_text_is_parsed_or_refused() {
    hold(160, prop::collection::vec(fragment(), 0..8), |fragments| {
        try_out(&[("stack.toml", &fragments.concat())]);
        Ok(())
    });
    hold(96, ".{0,60}", |text| {
        try_out(&[("stack.toml", &text)]);
        Ok(())
    });
}

#[test]
fn any_split_into_files_is_parsed_or_refused() {
    hold(64, prop::collection::vec(fragment(), 2..6), |fragments| {
        let names = ["stack.toml", "b.toml", "c.toml", "d.toml", "e.toml", "env/default.toml"];
        let files: Vec<(&str, &str)> =
            names.iter().copied().zip(fragments.iter().map(String::as_str)).collect();
        try_out(&files);
        Ok(())
    });
}

#[test]
fn any_expression_is_evaluated_or_refused() {
    hold(256, expression(), |expression| {
        let text = toml::Value::String(format!("${{{expression}}}")).to_string();
        let stack = paper::headed(&format!(
            "[variable.n]\ndefault = 3\n[local]\nl = 'x'\n[sns_topic.t]\nfor_each = ['a']\nname = '${{each.key}}'\n\
            [sns_topic.u]\nname = {text}\ntags = {{ t = {text} }}\n"
        ));
        try_out(&[("stack.toml", &stack)]);
        Ok(())
    });
}

const MARKER: &str = "Marker-4711";

#[test]
fn a_ledger_survives_a_round_trip() {
    let text = r"[a-z]{1,8}";
    let entry = (text, text, any::<bool>(), any::<bool>(), prop::collection::btree_map(text, text, 0..3))
        .prop_map(|(id, region, protect, retain, fingerprints)| Entry {
            fingerprinted_as: None,
            id,
            place: dwctl::aws::Place { account: Some(region.clone()), ..dwctl::aws::Place::of(&region) },
            needs: Vec::new(),
            applied: "2026-01-01T00:00:00Z".to_owned(),
            protect,
            retain,
            stamp: None,
            fingerprints,
            ..Entry::default()
        });
    let key = || prop::option::of(".{0,12}");
    let steps = prop::collection::vec((text, key()).prop_map(|(name, key)| ModuleStep { name, key }), 0..3);
    let address = (steps, text, text, key()).prop_map(|(steps, kind, name, key)| Address {
        module: ModulePath::of(steps),
        kind,
        name,
        key,
    });
    hold(128, prop::collection::btree_map(address, entry, 0..4), |resources| {
        let ledger = Ledger { resources, ..Ledger::new("shop", "dev").expect("randomness") };
        let json = serde_json::to_string(&ledger).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Ledger>(&json).expect("a ledger"), ledger);
        Ok(())
    });
}

/// `value` with every text replaced by the marker.
fn marked(value: Value) -> Value {
    match value {
        Value::String(_) => Value::from(MARKER),
        Value::Secret(inner) => marked(*inner).into_secret(),
        Value::List(list) => Value::List(list.into_iter().map(marked).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(name, value)| (name, marked(value))).collect()),
        other => other,
    }
}

#[test]
fn a_ledger_holds_no_value() {
    // The instances need a context; of the engine's own rules only the spec matters here.
    let folder = paper::folder(&[(
        "stack.toml",
        &KINDS.iter().fold(paper::headed(""), |text, kind| format!("{text}[{}.a]\n", kind.name())),
    )]);
    let stack = paper::load(folder.path()).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"));
    for resource in &stack.root.resources {
        let kind = dwctl::kinds::kind(&resource.kind).expect("a kind");
        let node = &kind.schema().spec;
        // Fingerprints of secrets are slow on purpose.
        let cases =
            if node.fields().expect("a table").values().any(|field| matches!(field.shape, Shape::Secret)) {
                2
            } else {
                6
            };
        hold(cases, of(node, 6), |spec| {
            let ledger = Ledger::new("shop", "dev").expect("randomness");
            let address = Address::new(&*resource.kind, "a", None);
            let instance = dwctl::eval::Instance {
                address: address.clone(),
                kind,
                resource,
                scope: Default::default(),
                each: None,
                place: dwctl::aws::Place::of("us-east-1"),
                account_id: "111122223333".to_owned(),
                spec: normalize(node, marked(spec)),
                written: dwctl::value::Value::Null,
                tags: BTreeMap::new(),
                needs: Default::default(),
                soft: Default::default(),
                protect: false,
                create_before_destroy: false,
                retain: false,
                name_prefix: None,
                timeout: dwctl::eval::Timeout::default(),
                referred: Default::default(),
                data: Default::default(),
                after: Default::default(),
            };
            let fingerprints = dwctl::plan::prints(&instance, &instance.spec, &ledger);
            for (path, print) in &fingerprints {
                let hexadecimal = print.trim_start_matches("argon2id:").trim_end_matches('=');
                prop_assert!(hexadecimal.len() == 32, "{}", print);
                prop_assert!(hexadecimal.chars().all(|one| one.is_ascii_hexdigit()), "{}", print);
                let secret = Known(&instance.spec).get(path).is_some_and(Value::contains_secret);
                prop_assert_eq!(print.starts_with("argon2id:"), secret, "{}.{}", kind.name(), path);
            }
            let entry = Entry {
                id: "id".to_owned(),
                place: dwctl::aws::Place::of("us-east-1"),
                needs: Vec::new(),
                applied: "2026-01-01T00:00:00Z".to_owned(),
                protect: false,
                retain: false,
                fingerprinted_as: None,
                stamp: None,
                fingerprints,
                ..Entry::default()
            };
            let ledger = Ledger { resources: BTreeMap::from([(address, entry)]), ..ledger };
            let json = serde_json::to_string(&ledger).expect("JSON");
            prop_assert!(!json.contains(MARKER), "{}", json);
            Ok(())
        });
    }
}

/// No plan shows a secret, at the top level or nested.
#[test]
fn a_plan_shows_no_secret_at_any_place() {
    for kind in KINDS.iter() {
        let node = &kind.schema().spec;
        hold(12, of(node, 6), |spec| {
            // As the user writes it: a plain text, which only the schema knows to be secret.
            let spec = normalize(node, planted(node, spec));
            for (before, after) in [(&Value::Null, &spec), (&spec, &Value::Null)] {
                for change in diff(node, before, after) {
                    for value in change.before.iter().chain(&change.after) {
                        let text = format!("{} {value:?}", value_text(value));
                        prop_assert!(!text.contains(MARKER), "{}: {:?}: {}", kind.name(), change.path, text);
                    }
                }
            }
            Ok(())
        });
    }
}

/// `value` with every secret of the schema replaced by the marker.
fn planted(node: &Node, value: Value) -> Value {
    match (&node.shape, value) {
        (Shape::Secret, _) => Value::from(MARKER),
        (Shape::Object { fields, .. }, Value::Map(map)) => Value::Map(
            map.into_iter()
                .map(|(name, value)| {
                    let value = planted(&fields[&name], value);
                    (name, value)
                })
                .collect(),
        ),
        (Shape::Map(element), Value::Map(map)) => {
            Value::Map(map.into_iter().map(|(name, value)| (name, planted(element, value))).collect())
        }
        (Shape::List { element, .. }, Value::List(list)) => {
            Value::List(list.into_iter().map(|value| planted(element, value)).collect())
        }
        (_, value) => value,
    }
}
