//! Propagation of unknowns and secrets.

use super::{expression, template, value};
use crate::value::Value;

fn names() -> Vec<(&'static str, Value)> {
    vec![
        ("unknown", Value::unknown("kms_key.data", "arn")),
        ("resource", Value::unknown("kms_key.data", "")),
        ("half", Value::map([("known", Value::from("k")), ("not", Value::unknown("kms_key.data", "arn"))])),
        ("secret", Value::from("hunter2").into_secret()),
        ("vault", Value::map([("password", "hunter2"), ("user", "root")]).into_secret()),
        (
            "account",
            Value::map([("user", Value::from("root")), ("password", Value::from("hunter2").into_secret())]),
        ),
        ("both", Value::unknown("kms_key.data", "arn").into_secret()),
    ]
}

#[test]
fn only_the_parts_that_depend_on_unknowns_are_unknown() {
    let unknown = Value::unknown("kms_key.data", "arn");
    for text in [
        "unknown + 1",
        "!unknown",
        "unknown == 1",
        "unknown ? 1 : 2",
        "upper(unknown)",
        "unknown.a.b[0]",
        "unknown[*].a",
        "jsonencode(half)",
        "[for x in unknown : x]",
        "{ (unknown) = 1 }",
        "true && unknown",
        "unknown || false",
        "coalesce(null, unknown, 1)",
        "concat([1], unknown)",
        "\"a${unknown}\"",
        "[1, 2][unknown]",
        "max([1, unknown]...)",
        "max(unknown...)",
        "join(\",\", [unknown])",
        "resource.arn",
        "contains([unknown], 1)",
        "anytrue([false, unknown])",
        "flatten([[unknown]])",
        "half == half",
        "toset([unknown])",
        "[for x in [1] : x if unknown]",
        "zipmap([unknown], [1])",
        "type(unknown)",
        "\"%{ if unknown }a%{ endif }\"",
        "\"%{ for x in unknown }a%{ endfor }\"",
        "try(unknown, 1)",
        "can(unknown)",
    ] {
        assert_eq!(value(text, &names()), unknown, "{text}");
    }
    for (text, expected) in [
        ("false && unknown", Value::from(false)),
        ("unknown && false", false.into()),
        ("unknown || true", true.into()),
        ("length([unknown, 1])", 2.into()),
        ("half.known", "k".into()),
        ("keys(half)", Value::list(["known", "not"])),
        ("coalesce(\"a\", unknown)", "a".into()),
        ("contains([unknown, 1], 1)", true.into()),
        ("anytrue([unknown, true])", true.into()),
        ("alltrue([unknown, false])", false.into()),
        ("true ? 1 : unknown", 1.into()),
        ("[1, unknown][0]", 1.into()),
        ("merge(half, { x = 1 }).known", "k".into()),
        ("[unknown, 1]", Value::List(vec![unknown.clone(), 1.into()])),
        ("element([unknown, 1], 1)", 1.into()),
        ("lookup(half, \"known\", 1)", "k".into()),
        ("issensitive(unknown)", false.into()),
    ] {
        assert_eq!(value(text, &names()), expected, "{text}");
    }
}

#[test]
fn values_derived_from_secrets_are_secret() {
    for text in [
        "secret",
        "upper(secret)",
        "\"a${secret}b\"",
        "secret == \"x\"",
        "vault.user",
        "vault[\"user\"]",
        "secret == \"hunter2\" ? 1 : 2",
        "[for x in [secret] : upper(x)][0]",
        "jsonencode(account)",
        "{ (secret) = 1 }",
        "[for k, v in vault : v]",
        "length(vault)",
        "sensitive(1)",
        "sha256(secret)",
        "account.password",
        "{ x = 1 }[try(secret, 1) == 1 ? \"x\" : \"x\"]",
        "join(\",\", [secret])",
        "split(\"n\", secret)",
        "contains([secret], \"hunter2\")",
        "both",
        "upper(both)",
        "secret != unknown",
        "[vault][*].user[0]",
        "vault[*]",
        "coalesce(secret, 1)",
        "base64encode(secret)",
        "format(\"%s\", secret)",
        "\"%{ if secret == \"a\" }b%{ endif }\"",
        "[for x in [1] : x if secret == \"a\"]",
        "max(vault...)",
        "lookup({ hunter2 = 1 }, secret)",
        "flatten([[1], sensitive([2])])",
        "zipmap([secret], [1])",
    ] {
        match expression(text, &names()) {
            Ok(value) => assert!(matches!(value, Value::Secret(_)), "{text}: {value:?}"),
            Err(errors) => assert!(!format!("{errors:?}").contains("hunter2"), "{text}: {errors:?}"),
        }
    }
    for text in [
        "account.user",
        "length(account)",
        "nonsensitive(secret)",
        "issensitive(secret)",
        "merge(account, {}).user",
        "[secret, 1][1]",
        "values(account)[1]",
    ] {
        assert!(!value(text, &names()).contains_secret(), "{text}");
    }
    assert_eq!(value("nonsensitive(vault).user", &names()), Value::from("root"));
}

#[test]
fn errors_withhold_secrets() {
    for text in [
        "tonumber(secret)",
        "cidrhost(secret, 1)",
        "jsondecode(secret)",
        "lookup({}, secret)",
        "{ a = 1 }[secret]",
        "[1][secret]",
        "file(secret)",
        "regex(secret, \"a\")",
        "secret + 1",
        "parseint(secret, 10)",
        "arn_parse(secret)",
        "uuidv5(secret, \"\")",
        "{ for x in [secret, secret] : x => 1 }",
        "{ for k, v in { a = secret, b = secret } : v => k }",
        "vault.passwort",
        "format(secret, 1)",
        "yamldecode(\"${secret}: [\")",
        "tomldecode(secret)",
        "csvdecode(\"${secret},${secret}\\n1,2\")",
        "base64decode(secret)",
        "[for x in secret : x]",
        "try(tonumber(secret))",
        "index([1], secret)",
        "one([secret, secret])",
        "templatefile(secret, {})",
        "range(secret)",
        "sum([secret])",
        "sort([[secret]])",
        "arn_build(\"a:${secret}\", 1, 1, 1, 1)",
    ] {
        let errors = expression(text, &names()).expect_err(text);
        let said = format!("{errors:?}");
        assert!(!said.contains("hunter2"), "{text}: {said}");
    }
    let error = &expression("cidrhost(secret, 1)", &names()).expect_err("not an address")[0];
    assert!(error.notes.iter().any(|note| note.contains("withheld")), "{error:?}");
}

#[test]
fn an_expression_alone_keeps_its_type() {
    assert_eq!(template("${[1]}", &[]).ok(), Some(Value::list([1])));
    assert_eq!(template("${1}", &[]).ok(), Some(Value::from(1)));
    assert_eq!(template("${1} ", &[]).ok(), Some(Value::from("1 ")));
    assert_eq!(template("a\n${~ 1 ~}\n b", &[]).ok(), Some(Value::from("a1 b")));
    assert_eq!(
        template("a \n  \n  ${~ \"X\" ~}  \n \n  b%{ if true ~}  \n  \n yes\n%{ endif ~}\n z", &[]).ok(),
        Some(Value::from("a \n  \nX \n  b  \n yes\n z"))
    );
}

/// A scope that knows only the time of the plan.
struct Planned(crate::files::Files, crate::lang::Budget);

impl super::super::Scope for Planned {
    fn resolve(
        &self,
        reference: &super::super::Reference,
    ) -> Result<(Value, usize), crate::diag::Diagnostic> {
        Err(super::super::scope::unknown_name(&reference.root, []))
    }

    fn files(&self) -> &crate::files::Files {
        &self.0
    }

    fn budget(&self) -> &crate::lang::Budget {
        &self.1
    }

    fn planned_at(&self) -> Option<&str> {
        Some("2026-01-31T08:00:00Z")
    }
}

#[test]
fn the_time_of_the_plan_is_the_same_everywhere() {
    let text = "${timeadd(plantimestamp(), \"24h\")} after ${plantimestamp()}";
    let mut sources = crate::diag::Sources::default();
    let file = sources.add("stack.toml", text);
    let span = crate::diag::Span::new(file, 0, text.len());
    let template =
        super::super::Template::parse(text, span, true).unwrap_or_else(|error| panic!("{error:?}"));
    let value = template
        .evaluate(&Planned(crate::files::Files::default(), crate::lang::Budget::default()))
        .unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(value, "2026-02-01T08:00:00Z after 2026-01-31T08:00:00Z".into());
    // Without a plan there is no time of it.
    assert!(super::expression("plantimestamp()", &[]).is_err());
}

#[test]
fn branches_of_a_conditional_have_one_type_if_it_is_known() {
    let unknown = Value::unknown("kms_key.data", "arn");
    for (text, expected) in [
        ("true ? 1 : \"a\"", Value::from("1")),
        ("true ? 1 : unknown", 1.into()),
        ("true ? unknown : 1", unknown.clone()),
        ("true ? [1, unknown] : [\"a\", \"b\"]", Value::list([Value::from("1"), unknown])),
        ("true ? { a = 1 } : half", Value::map([("a", "1")])),
        ("true ? 1 : secret", "1".into()),
        // The arm that is not chosen need not have a value.
        ("true ? 1 : [][0]", 1.into()),
        ("false ? secret.x : 2", 2.into()),
        ("[for x in [1, 2] : x > 1 ? x : \"no\"]", Value::list(["no", "2"])),
    ] {
        assert_eq!(value(text, &names()), expected, "{text}");
    }
    let secret = value("true ? secret : 1", &names());
    assert!(matches!(secret, Value::Secret(_)), "{secret:?}");
    for text in
        ["true ? 1 : {}", "true ? [1] : { a = 1 }", "false ? 1 : true", "true ? { a = 1, b = [1] } : {}"]
    {
        assert_eq!(expression(text, &names()).expect_err(text)[0].code, "wrong-type", "{text}");
    }
}

#[test]
fn sets_become_lists_when_a_value_leaves_an_expression() {
    assert_eq!(value("toset([10, 9, 10])", &[]), Value::list([9, 10]));
    assert_eq!(
        value("{ a = [toset([\"b\", \"a\"])] }", &[]).get("a"),
        Some(&Value::list([Value::list(["a", "b"])]))
    );
    let names =
        [("set", Value::set(vec!["b".into(), "a".into()])), ("secret", Value::from("x").into_secret())];
    for (text, expected) in [
        ("{ for k, v in set : k => v }", Value::map([("a", "a"), ("b", "b")])),
        ("[for k, v in set : k]", Value::list(["a", "b"])),
        ("set == [\"a\", \"b\"]", false.into()),
        ("set == toset([\"b\", \"a\"])", true.into()),
        ("length(set)", 2.into()),
        ("join(\"\", set)", "ab".into()),
        ("set[*]", Value::list(["a", "b"])),
        ("max(toset([1, 10])...)", 10.into()),
    ] {
        assert_eq!(value(text, &names), expected, "{text}");
    }
    for text in ["set[0]", "set[\"a\"]", "element(set, 0)", "set.a"] {
        assert!(expression(text, &names).is_err(), "{text}");
    }
    let tainted = value("[for k, v in toset([secret]) : k]", &names);
    assert!(matches!(tainted, Value::Secret(_)), "{tainted:?}");
}
