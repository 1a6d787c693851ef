//! Random plans, however wrong: no format panics, breaks, or shows a secret.

use dwctl::graph::Address;
use dwctl::kinds::KINDS;
use dwctl::plan::format::{Format, MARKDOWN_LIMIT, Options, render};
use dwctl::plan::{Action, Asked, Change, Declared, Origin, Plan, Reason, TextOptions, diff};
use dwctl::value::Value;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::filed::filed;
use super::notation::{balanced, outside_of_code};

/// Text with the notation of every format in it.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec![
            "a",
            "é",
            " ",
            "\n",
            "`",
            "```",
            "<",
            ">",
            "&",
            "\"",
            "'",
            "|",
            "@a",
            "#1",
            "-->",
            "]]>",
            "%%{",
            "${",
            "\u{1b}",
            "\u{202e}",
            "\u{fffe}",
            "*",
            "_",
            "</details>",
            "<script>",
            "\\",
            "[",
            "]",
        ]),
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9i64..9).prop_map(Value::from),
        text().prop_map(Value::from),
        Just(Value::unknown("kms_key.data", "arn")),
        text().prop_map(|text| Value::from(format!("hunter2{text}")).into_secret()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            prop::collection::btree_map(text(), inner, 0..3).prop_map(Value::Map),
        ]
    })
}

/// A state machine, however wrong. Its transitions may form cycles.
fn machine() -> impl Strategy<Value = Value> {
    let name = || prop_oneof![prop::sample::select(vec!["A", "B", "C"]).prop_map(str::to_owned), text()];
    let state = (name(), name(), name(), value(), 0..5usize).prop_map(|(next, other, kind, value, shape)| {
        let rule = Value::map([
            ("Variable", Value::from(kind.clone())),
            ("StringEquals", value.clone()),
            ("Next", Value::from(other.clone())),
        ]);
        let catch = Value::map([("ErrorEquals", value.clone()), ("Next", Value::from(other))]);
        let mut state = Value::map([("Type", Value::from(kind)), ("Next", Value::from(next))]);
        if let Value::Map(state) = &mut state {
            match shape {
                0 => state.insert("Choices".to_owned(), Value::List(vec![rule])),
                1 => state.insert("Catch".to_owned(), Value::List(vec![catch])),
                2 => state.insert("End".to_owned(), Value::Bool(true)),
                3 => state.insert("Default".to_owned(), value),
                _ => state.insert("Comment".to_owned(), value),
            };
        }
        state
    });
    let states = prop::collection::btree_map(name(), state, 0..5);
    let flat = (name(), states)
        .prop_map(|(start, states)| {
            Value::map([("StartAt", Value::from(start)), ("States", Value::Map(states))])
        })
        .boxed();
    let inside = (flat.clone(), prop::collection::vec(flat, 0..3));
    inside.prop_map(|(mut machine, inner)| {
        if let Value::Map(members) = &mut machine
            && let Some(Value::Map(states)) = members.get_mut("States")
            && let Some(Value::Map(first)) = states.values_mut().next()
        {
            first.insert("Branches".to_owned(), Value::List(inner));
        }
        machine
    })
}

/// A change with any two values of its attributes, however wrong.
fn change() -> impl Strategy<Value = Change> {
    let drawn = KINDS.iter().position(|kind| kind.name() == "sfn_state_machine").expect("a kind");
    (
        prop_oneof![3 => 0..KINDS.len(), 1 => Just(drawn)],
        prop::collection::vec((any::<prop::sample::Index>(), value(), value()), 0..5),
        (machine(), machine()),
        0..7usize,
        text(),
    )
        .prop_map(move |(kind, fields, (machine, other_machine), action, name)| {
            let (kind, is_drawn) = (&KINDS[kind], kind == drawn);
            let schema = &kind.schema().spec;
            let names: Vec<&String> = schema.fields().expect("a table").keys().collect();
            let (mut before, mut after) =
                (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
            for (index, one, other) in fields {
                let name = index.get(&names).to_string();
                before.insert(name.clone(), one);
                after.insert(name, other);
            }
            if is_drawn {
                before.insert("definition".to_owned(), machine);
                after.insert("definition".to_owned(), other_machine);
            }
            let (existing, desired) = (Value::Map(before), Value::Map(after));
            let attributes = diff(schema, &existing, &desired);
            let action = [
                Action::NoOp,
                Action::Create,
                Action::Update,
                Action::Replace { create_first: true },
                Action::Replace { create_first: false },
                Action::Delete,
                Action::Forget,
            ][action];
            let live = (action != Action::Create).then(|| dwctl::kind::ErasedLive {
                spec: Value::Null,
                attrs: Value::Map(Default::default()),
                tags: [(name.clone(), name.clone())].into(),
                state: dwctl::kind::State::Ready,
                incarnation: None,
                not_returned: Vec::new(),
            });
            Change {
                address: Address::new(kind.name(), "x", Some(name.clone())),
                action,
                reason: Reason::Forced(attributes.iter().map(|one| one.path.clone()).collect()),
                id: Some(name.clone()),
                place: dwctl::aws::Place::of(&name),
                needs: Default::default(),
                deferred: Default::default(),
                releases: Default::default(),
                moved_from: None,
                origin: Origin::Ledger,
                attributes,
                live,
                existing,
                desired,
                unreplaced: None,
                desired_tags: [(name.clone(), Value::from(name.clone()))].into(),
                declared: Some(Declared { file: name.into(), line: 1, attributes: Default::default() }),
                delete_check: None,
                redacted_risks: None,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_format_panics_breaks_or_leaks(
        changes in prop::collection::vec(change(), 0..4), stack in text(),
        outputs in prop::collection::btree_map(text(), value(), 0..3),
        outputs_before in prop::collection::btree_map(text(), prop::option::of(value()), 0..3),
    ) {
        let secret = Value::from("hunter2").into_secret();
        let plan = Plan {
            stack: stack.clone(),
            env: stack,
            account_id: None,
            revisions: None,
            region: "us-east-1".to_owned(),
            now: None,
            deposed: Vec::new(),
            outputs: outputs.into_iter().chain([("o".to_owned(), secret)]).collect(),
            outputs_before: outputs_before.into_iter().chain([("o".to_owned(), Some(Value::from("hunter2")))]).collect(),
            data: Vec::new(),
            variables: std::iter::once(("v".to_owned(), Value::from("hunter2").into_secret())).collect(),
            outputs_sensitivity: [("o".to_owned(), false)].into(),
            calls: std::collections::BTreeMap::new(),
            asked: Asked::default(),
            changed_modules: std::collections::BTreeMap::new(),
            warnings: Vec::new(),
            changes,
        };
        for drift in [false, true] {
            let plan = if drift { plan.clone().drift() } else { plan.clone() };
            let (file, read) = filed(&plan);
            prop_assert!(!file.contains("hunter2"), "the file leaks:\n{file}");
            for format in Format::ALL {
                render(format, &read, &Options::default());
                let options = Options { text: TextOptions { drift, details: true, ..TextOptions::default() }, ..Options::default() };
                let text = render(format, &plan, &options);
                prop_assert!(!text.contains("hunter2"), "{} leaks:\n{text}", format.name());
                prop_assert!(!text.chars().any(|one| one != '\n' && one.is_control() || one == '\u{202e}'), "{}", format.name());
                match format {
                    Format::Json | Format::Sarif => drop(serde_json::from_str::<Json>(&text).expect("JSON")),
                    Format::Html | Format::Junit => prop_assert_eq!(balanced(&text), Ok(()), "{}", text),
                    Format::Markdown => {
                        let plain = outside_of_code(&text);
                        prop_assert!(!plain.contains('@') && !plain.contains("<script"), "{plain}");
                        prop_assert!(text.len() <= MARKDOWN_LIMIT);
                    }
                    Format::Text | Format::Mermaid => {}
                }
            }
        }
    }
}
