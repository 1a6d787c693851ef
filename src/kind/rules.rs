//! Checks the rules between attributes that a schema declares; see [`Rule`].

use super::{Known, Problem};
use crate::schema::{Node, Rule, Shape};
use crate::value::Value;

/// Violations of the rules in `node` and below. What is unknown violates none.
pub(super) fn check_rules(node: &Node, spec: Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(node, spec.0, "", &mut problems);
    problems
}

fn walk(node: &Node, value: &Value, path: &str, problems: &mut Vec<Problem>) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match (&node.shape, value) {
        (Shape::Object { fields, .. }, Value::Map(map)) => {
            let table = Table { node, spec: Known(value) };
            for rule in &node.rules {
                problems.extend(table.check(rule).into_iter().map(|(attribute, problem)| Problem {
                    path: attribute.map_or_else(|| path.to_owned(), below),
                    ..problem
                }));
            }
            for (name, inner) in map {
                if let Some(field) = fields.get(name) {
                    walk(field, inner, &below(name), problems);
                }
            }
        }
        (Shape::Map(element), Value::Map(map)) => {
            map.iter().for_each(|(name, inner)| walk(element, inner, &below(name), problems));
        }
        (Shape::List { element, .. }, Value::List(list)) => {
            for (place, inner) in list.iter().enumerate() {
                walk(element, inner, &below(&place.to_string()), problems);
            }
        }
        _ => {}
    }
}

struct Table<'a> {
    node: &'a Node,
    spec: Known<'a>,
}

impl<'a> Table<'a> {
    fn field(&self, name: &str) -> Option<&'a Node> {
        self.node.fields()?.get(name)
    }

    /// Returns whether an attribute is surely written, with another value than its default.
    fn has(&self, name: &str) -> bool {
        let default = self.field(name).and_then(|field| field.default.as_ref());
        match (self.spec.get(name), default) {
            (Some(Value::List(list)), _) => !list.is_empty(),
            (Some(Value::Map(map)), _) => !map.is_empty(),
            (Some(value), Some(default)) => value != default,
            (None, Some(_)) => false,
            (_, None) => self.spec.is_set(name),
        }
    }

    /// The violations of a rule, each with its attribute; `None` is the table itself.
    fn check<'r>(&self, rule: &'r Rule) -> Vec<(Option<&'r str>, Problem)> {
        let on = |attribute: &'r str, message: String, help: String| {
            (Some(attribute), Problem::new("", message).help(help))
        };
        let needs = |attribute: &'r str, other: &str| {
            let help = format!("set `{other}`, or remove `{attribute}`");
            on(attribute, format!("`{attribute}` needs `{other}`"), help)
        };
        match rule {
            Rule::OneOf(names) | Rule::AtMostOne(names) => {
                let written: Vec<&str> =
                    names.iter().map(String::as_str).filter(|name| self.has(name)).collect();
                if let [first, others @ ..] = written.as_slice()
                    && !others.is_empty()
                {
                    let excluded = others.iter().map(|other| {
                        let help = format!("keep either `{first}` or `{other}`");
                        on(other, format!("`{other}` conflicts with `{first}`"), help)
                    });
                    return excluded.collect();
                }
                let missing =
                    matches!(rule, Rule::OneOf(_)) && !names.iter().any(|name| self.spec.may_be_set(name));
                let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let (most, last) = all.split_at(all.len() - 1);
                let words = format!("one of {} and {} is needed", most.join(", "), last.join(""));
                missing.then(|| (None, Problem::new("", words).help("set one of them"))).into_iter().collect()
            }
            Rule::Together(names) => {
                let mut found = Vec::new();
                for name in names.iter().filter(|name| self.has(name)) {
                    let missing = names.iter().filter(|other| !self.spec.may_be_set(other));
                    found.extend(missing.map(|other| needs(name, other)));
                }
                found
            }
            Rule::OnlyWith { attribute, other } => {
                let alone = self.has(attribute) && !self.spec.may_be_set(other);
                alone.then(|| needs(attribute, other)).into_iter().collect()
            }
            Rule::OnlyIf { attribute, other, values } => {
                let Some(field) = self.field(other) else { return Vec::new() };
                let absent = !self.spec.may_be_set(other);
                let value = if absent { field.default.as_ref() } else { self.spec.get(other) };
                let value = match value {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Bool(flag)) => flag.to_string(),
                    // An unknown value may be an accepted one.
                    Some(_) => return Vec::new(),
                    None if absent => String::new(),
                    None => return Vec::new(),
                };
                if !self.has(attribute) || values.contains(&value) {
                    return Vec::new();
                }
                let wanted: Vec<String> =
                    values.iter().map(|value| format!("`{other} = {}`", field.written(value))).collect();
                let wanted = wanted.join(" or ");
                let help = format!("remove `{attribute}`, or set {wanted}");
                vec![on(attribute, format!("`{attribute}` needs {wanted}"), help)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::json;

    use super::check_rules;
    use crate::kind::Known;
    use crate::schema::{Schema, as_written};
    use crate::value::Value;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    #[schemars(extend("x-dwctl-together" = [["user", "password"]]))]
    struct Spec {
        #[serde(default)]
        fifo: bool,
        #[schemars(extend("x-dwctl-only-if" = "fifo = true"))]
        scope: Option<String>,
        #[serde(default)]
        #[schemars(extend("x-dwctl-only-if" = "fifo = false"))]
        traced: bool,
        user: Option<String>,
        password: Option<String>,
        #[schemars(extend("x-dwctl-only-with" = "user"))]
        host: Option<String>,
        action: Option<Action>,
        #[serde(default)]
        actions: Vec<Action>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    #[schemars(extend("x-dwctl-one-of" = [["job", "crawler"]], "x-dwctl-at-most-one" = [["a", "b"]]))]
    struct Action {
        job: Option<String>,
        crawler: Option<String>,
        a: Option<String>,
        #[serde(default)]
        b: Vec<String>,
    }

    fn broken(spec: serde_json::Value) -> Vec<(String, String)> {
        let schema = Schema::of::<Spec, Action>().spec;
        let spec = as_written(&schema, Value::from_json(&spec));
        let problems = check_rules(&schema, Known(&spec));
        problems.into_iter().map(|problem| (problem.path, problem.message)).collect()
    }

    #[test]
    fn only_values_known_to_be_set_break_a_rule() {
        let none: [(String, String); 0] = [];
        for right in [
            json!({}),
            json!({ "scope": "x", "fifo": true }),
            json!({ "traced": true }),
            json!({ "fifo": true, "traced": false }),
            json!({ "user": "u", "password": "p", "host": "h" }),
            json!({ "action": { "job": "j", "a": "x", "b": [] }, "actions": [{ "crawler": "c" }] }),
        ] {
            assert_eq!(broken(right.clone()), none, "{right}");
        }
        for (wrong, path, words) in [
            (json!({ "scope": "x" }), "scope", "`scope` needs `fifo = true`"),
            (json!({ "fifo": true, "traced": true }), "traced", "`traced` needs `fifo = false`"),
            (json!({ "user": "u" }), "user", "`user` needs `password`"),
            (json!({ "host": "h" }), "host", "`host` needs `user`"),
            (json!({ "actions": [{}] }), "actions.0", "one of `job` and `crawler` is needed"),
            (
                json!({ "actions": [{ "job": "j" }, { "job": "j", "crawler": "c" }] }),
                "actions.1.crawler",
                "`crawler` conflicts with `job`",
            ),
            (json!({ "action": { "job": "j", "a": "x", "b": ["y"] } }), "action.b", "`b` conflicts with `a`"),
        ] {
            assert_eq!(broken(wrong.clone()), [(path.to_owned(), words.to_owned())], "{wrong}");
        }
    }

    #[test]
    fn unknown_values_break_no_rule() {
        let schema = Schema::of::<Spec, Action>().spec;
        let unknown = || Value::unknown("a.b", "c");
        let of = |fields: &[(&str, Value)]| Value::map(fields.iter().cloned());
        let text = || Value::from("x");
        for spec in [
            of(&[("fifo", unknown()), ("scope", text()), ("traced", Value::Bool(true))]),
            of(&[("fifo", unknown()), ("scope", unknown()), ("traced", unknown())]),
            of(&[("user", unknown()), ("password", unknown()), ("host", text())]),
            of(&[("action", unknown()), ("actions", Value::List(vec![unknown()]))]),
            of(&[("action", of(&[("job", unknown()), ("a", text())]))]),
            unknown(),
        ] {
            let problems = check_rules(&schema, Known(&spec));
            assert!(problems.is_empty(), "{spec:?}: {problems:?}");
        }
    }

    #[test]
    fn the_editor_schema_has_the_rules() {
        let json = Schema::of::<Spec, Action>().json;
        assert_eq!(json["dependentRequired"]["host"], json!(["user"]));
        assert_eq!(json["dependentRequired"]["password"], json!(["user"]));
        let action = &json["properties"]["actions"]["items"];
        assert_eq!(
            action["allOf"][0]["oneOf"],
            json!([{ "required": ["job"] }, { "required": ["crawler"] }])
        );
        assert_eq!(action["allOf"][1], json!({ "not": { "required": ["a", "b"] } }));
    }
}
