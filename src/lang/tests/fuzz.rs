//! No input causes a panic or reveals a secret.

use proptest::prelude::*;

use super::template;
use crate::diag::{FileId, Span};
use crate::lang::{Template, functions};
use crate::value::Value;

const SECRET: &str = "hunter2";

fn names() -> Vec<(&'static str, Value)> {
    vec![
        ("s", Value::from(SECRET).into_secret()),
        ("v", Value::map([("password", SECRET)]).into_secret()),
        ("m", Value::map([("a", Value::from(1)), ("p", Value::from(SECRET).into_secret())])),
        ("u", Value::unknown("kms_key.data", "arn")),
        ("w", Value::list([Value::from("x"), Value::unknown("kms_key.data", "id"), Value::Null])),
        ("l", Value::list([3, 1, 2])),
    ]
}

/// Checks that no output contains the secret.
fn check(text: &str) -> Result<(), TestCaseError> {
    let shown = match template(text, &names()) {
        Ok(value) => format!("{value:?}"),
        Err(errors) => format!("{errors:?}"),
    };
    prop_assert!(!shown.contains(SECRET), "{text} tells {shown}");
    Ok(())
}

fn atom() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "s",
        "v",
        "m",
        "u",
        "w",
        "l",
        "m.p",
        "m.a",
        "v.password",
        "1",
        "-1",
        "0",
        "2.5",
        "1e300",
        "\"\"",
        "\"a\"",
        "\"10.0.0.0/8\"",
        "\"%s %d %v\"",
        "\"[a-z]+\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[1, \"a\", null]",
        "{ a = 1, b = [2] }",
        "\"${s}-x\"",
        "\"é\\n☃\"",
        "l[0]",
        "w[*]",
        "9223372036854775807",
        "-9223372036854775808",
        "1e-300",
        "1e400",
        "12345678901234567890.5",
        "toset([2, 1])",
        "range(300)",
        "join(\"xy\", range(300))",
        "[[[[[[[[1]]]]]]]]",
        "\"(?:a{90}|b?){90}\"",
        "\"%9999.99f%[1]s\"",
        "\"{\\\"a\\\": [1, {}]}\"",
        "\"&a [*a, x]\"",
    ])
    .prop_map(str::to_owned)
}

fn any_expression() -> impl Strategy<Value = String> {
    let mut functions: Vec<&str> =
        functions::names().filter(|name| !matches!(*name, "bcrypt" | "nonsensitive")).collect();
    functions.sort_unstable();
    atom().prop_recursive(4, 40, 4, move |inner| {
        let call = (prop::sample::select(functions.clone()), prop::collection::vec(inner.clone(), 0..4), any::<bool>());
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||",
        ]);
        prop_oneof![
            4 => call.prop_map(|(name, arguments, expand)| {
                let dots = if expand && !arguments.is_empty() { "..." } else { "" };
                format!("{name}({}{dots})", arguments.join(", "))
            }),
            2 => (inner.clone(), operator, inner.clone()).prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(condition, then, otherwise)| format!("({condition} ? {then} : {otherwise})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(list, value)| format!("[for x in {list} : [x, {value}] if x != 1]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(list, value)| format!("{{ for k, x in {list} : x => {value}... }}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(base, index)| format!("({base})[{index}]")),
            1 => inner.clone().prop_map(|base| format!("({base})[*].a")),
            1 => inner.clone().prop_map(|base| format!("!{base}")),
            1 => inner.prop_map(|base| format!("\"<${{{base}}}>\"")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_string_parses_or_is_refused(text in "\\PC{0,60}") {
        let _ = Template::parse(&text, Span::new(FileId(0), 0, text.len()), true);
    }

    #[test]
    fn any_string_of_syntax_parses_or_is_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "${", "}", "%{", "~", "\"", "[", "]", "(", ")", "{", "if ", "else", "endif", "for ", " in ", "endfor", ":",
            "=>", "...", ".", "*", "a", "1", "-", "!", "?", ",", "=", "\n", "$", "%", "<<E\n", "E\n", "\\", "é", "#", "/*", "::",
        ]), 0..30)
    ) {
        check(&parts.concat())?;
    }

    #[test]
    fn any_expression_has_a_value_or_an_error(text in any_expression()) {
        check(&format!("${{{text}}}"))?;
        check(&format!("%{{ if {text} }}a%{{ endif }}"))?;
    }
}
