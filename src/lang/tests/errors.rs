//! The messages and places of errors in expressions.

use super::{expression, template};
use crate::diag::{FileId, Span};
use crate::lang::Template;
use crate::value::Value;

/// The code of the only error, the text at its place, and its full message.
fn error(text: &str) -> (String, String, String) {
    let values = [("var", Value::map([("name", Value::from("x")), ("list", Value::list([1, 2]))]))];
    let errors = template(text, &values).expect_err(text);
    let [error] = errors.as_slice() else { panic!("{text}: {errors:?}") };
    let label = error.primary.clone().unwrap_or_else(|| panic!("{text}: no place"));
    let said = [vec![error.message.clone(), label.text], error.notes.clone(), error.helps.clone()].concat();
    (error.code.to_owned(), text[label.span.start..label.span.end].to_owned(), said.join("\n"))
}

#[test]
fn errors_point_at_the_wrong_part() {
    let table = [
        ("${1 + \"x\"}", "wrong-type", "\"x\""),
        ("${[1] + 2}", "wrong-type", "[1]"),
        ("a ${1 + true} b", "wrong-type", "true"),
        ("${!5}", "wrong-type", "5"),
        ("${1 / (2 - 2)}", "division-by-zero", "2 - 2"),
        ("${2 / 0}", "division-by-zero", "0"),
        ("${uper(\"a\")}", "unknown-function", "uper"),
        ("${a::upper(\"a\")}", "unknown-function", "upper"),
        ("${upper()}", "wrong-arguments", "upper()"),
        ("${upper(\"a\", \"b\")}", "wrong-arguments", "upper(\"a\", \"b\")"),
        ("${upper([])}", "wrong-type", "[]"),
        ("${cidrsubnet(\"10.0.0.0/8\", 40, 1)}", "invalid-argument", "40"),
        ("${[1, 2][5]}", "invalid-index", "5"),
        ("${[1, 2][-1]}", "invalid-index", "-1"),
        ("${[1, 2][1.5]}", "invalid-index", "1.5"),
        ("${{ a = 1 }[\"b\"]}", "invalid-index", "\"b\""),
        ("${{ a = 1 }.b}", "unknown-attribute", ".b"),
        ("${var.nme}", "unknown-attribute", "var.nme"),
        ("${var.list.x}", "wrong-type", "var.list.x"),
        ("${vr.name}", "unknown-name", "vr.name"),
        ("a ${[1]}", "wrong-type", "[1]"),
        ("a ${null}", "wrong-type", "null"),
        ("${[for x in 5 : x]}", "wrong-type", "5"),
        ("${{ for x in [1, 1] : x => x }}", "duplicate-key", "x"),
        ("${5 ? 1 : 2}", "wrong-type", "5"),
        ("${max(5...)}", "wrong-type", "5"),
        ("${{ var.name = 1 }}", "ambiguous-key", "var.name "),
        ("${file(\"../secrets\")}", "outside-folder", "\"../secrets\""),
        ("${try(1 + \"x\", 2 + \"y\")}", "try-failed", "try(1 + \"x\", 2 + \"y\")"),
        ("${1 +}", "invalid-expression", "}"),
        ("a ${", "invalid-expression", "$"),
        ("%{ if true }", "invalid-expression", "%"),
    ];
    let mut wrong = Vec::new();
    for (text, code, place) in table {
        let (found_code, found_place, said) = error(text);
        if (found_code.as_str(), found_place.trim()) != (code, place.trim()) {
            wrong.push(format!("{text}: {found_code} at `{found_place}`: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_offer_the_nearest_name() {
    for (text, near) in [
        ("${uper(\"a\")}", "did you mean `upper`?"),
        ("${var.nme}", "did you mean `name`?"),
        ("${vars.name}", "did you mean `var`?"),
        ("${{ bucket = 1 }[\"buket\"]}", "did you mean `bucket`?"),
    ] {
        let said = error(text).2;
        assert!(said.contains(near), "{text}: {said}");
    }
}

#[test]
fn independent_parts_each_report_their_error() {
    let errors = expression("[1 + \"x\", upper([]), { a = nothing.here }]", &[]).expect_err("three errors");
    let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, ["wrong-type", "wrong-type", "unknown-name"]);
    assert_eq!(template("${1 + []} and ${!5}", &[]).expect_err("two errors").len(), 2);
}

#[test]
fn places_are_those_of_the_file() {
    let at = |exact| {
        let span = Span::new(FileId(0), 100, 111);
        let parsed = Template::parse("${nothing}x", span, exact).expect("parses");
        let [reference] = parsed.references().try_into().expect("one reference");
        reference.span
    };
    assert_eq!(at(true), Span::new(FileId(0), 102, 109));
    assert_eq!(at(false), Span::new(FileId(0), 100, 111));
}

#[test]
fn references_print_as_written() {
    let text = r#"${s3_bucket.lake["raw"].arn}${a.b[0].c[*].d}${[for x in var.list : x.name + y]}${m[local.k].z}${a.0}"#;
    let parsed = Template::parse(text, Span::new(FileId(0), 0, text.len()), true).expect("parses");
    let shown: Vec<_> = parsed.references().iter().map(ToString::to_string).collect();
    assert_eq!(shown, [r#"s3_bucket.lake["raw"].arn"#, "a.b[0].c", "var.list", "y", "m", "local.k", "a[0]"]);
    let reference = &parsed.references()[0];
    assert_eq!((reference.name(0), reference.name(1), reference.name(3)), (Some("lake"), Some("raw"), None));
    assert_eq!(&text[reference.span.start..reference.span.end], r#"s3_bucket.lake["raw"].arn"#);
}

#[test]
fn a_string_without_expressions_is_literal() {
    for (text, literal) in [
        ("", Some("")),
        ("plain $5 100%", Some("plain $5 100%")),
        ("$${x} %%{y}", Some("${x} %{y}")),
        ("$$${x}", Some("$${x}")),
        ("é$${é}", Some("é${é}")),
        ("${x}", None),
        ("%{ if x }%{ endif }", None),
    ] {
        let parsed = Template::parse(text, Span::new(FileId(0), 0, text.len()), true).expect(text);
        assert_eq!(parsed.is_literal(), literal, "{text}");
    }
}

#[test]
fn too_deep_nesting_is_an_error_and_no_crash() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{a=", "}"), ("upper(", ")"), ("!", ""), ("-", ""), ("\"${", "}\"")]
    {
        for depth in [65, 50_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let errors = expression(&text, &[]).expect_err(open);
            assert!(matches!(errors[0].code, "too-deep" | "invalid-expression"), "{open}: {:?}", errors[0]);
        }
    }
    let directives = format!("{}x{}", "%{if true}".repeat(50_000), "%{endif}".repeat(50_000));
    assert!(template(&directives, &[]).is_err());
    let conditionals = format!("{}0", "true ? 1 : ".repeat(50_000));
    assert!(expression(&conditionals, &[]).is_err());
    let sums = format!("{}1", "1 + ".repeat(50_000));
    assert_eq!(expression(&sums, &[]).expect_err("too long")[0].code, "too-deep");
    let unclosed = "${[(\"".repeat(50_000);
    assert!(template(&unclosed, &[]).is_err());
}

#[test]
fn allowed_nesting_works() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{a=", "}"), ("upper(", ")")] {
        let text = format!("{}1{}", open.repeat(40), close.repeat(40));
        assert!(expression(&text, &[]).is_ok(), "{open}");
    }
    assert_eq!(expression(&format!("{}1", "1 + ".repeat(100)), &[]).ok(), Some(Value::from(101)));
}
