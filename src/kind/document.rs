//! Canonical forms of documents, in which documents with equal meaning are equal data.

use serde_json::{Map, Value};

use super::Problem;

/// Checks a document that is a table or JSON text. A text is a single value in the stack, so its
/// problems are all reported at `path`, with their place in the text. A text that is not JSON is
/// reported by the schema.
pub fn in_document(
    document: &crate::value::Value,
    path: &str,
    check: impl FnOnce(&crate::value::Value) -> Vec<Problem>,
) -> Vec<Problem> {
    let crate::value::Value::String(text) = document else { return check(document) };
    let Ok(json) = serde_json::from_str(text) else { return Vec::new() };
    let mut problems = check(&crate::value::Value::from_json(&json));
    for problem in &mut problems {
        let place = problem.path.strip_prefix(path).unwrap_or_default().trim_start_matches('.');
        if !place.is_empty() {
            problem.message = format!("{place}: {}", problem.message);
        }
        path.clone_into(&mut problem.path);
    }
    problems
}

/// Sorts the members of every object by name. Each number has one form, with all its digits.
pub fn canonical_json(document: Value) -> Value {
    match document {
        Value::Object(object) => {
            let mut members: Vec<_> =
                object.into_iter().map(|(name, value)| (name, canonical_json(value))).collect();
            members.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(canonical_json).collect()),
        Value::Number(number) => {
            let written = crate::value::Number::parse(number.as_str());
            Value::Number(written.map_or(number, |written| written.to_json()))
        }
        other => other,
    }
}

/// The canonical form of an event pattern or a filter policy. A list of values means any of them in
/// any order, except that the comparisons of `numeric` come in pairs
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>,
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>).
pub fn canonical_pattern(document: Value) -> Value {
    fn any_order(value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let members = object.into_iter().map(|(name, value)| match name.as_str() {
                    "numeric" => (name, value),
                    _ => (name, any_order(value)),
                });
                Value::Object(members.collect())
            }
            Value::Array(list) => {
                let mut list: Vec<Value> = list.into_iter().map(any_order).collect();
                list.sort_by_cached_key(Value::to_string);
                list.dedup();
                Value::Array(list)
            }
            other => other,
        }
    }
    any_order(canonical_json(document))
}

/// The canonical form of an IAM policy, in which equal grants are equal data, after
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>:
/// one statement is a list of one; actions, resources, principals and condition values
/// are sorted sets, and a set of one is its element; `"*"` and `{"AWS": "*"}` are
/// the same principal, and an account id is its root ARN; condition values are strings.
/// Action names and condition operators keep their case, but AWS ignores the case of actions, so
/// duplicates that differ only in case are dropped. The order of statements has no meaning.
pub fn canonical_policy(document: Value) -> Value {
    let Value::Object(mut document) = document else { return document };
    if let Some(statements) = document.remove("Statement") {
        let statements = match statements {
            Value::Array(list) => list,
            one => vec![one],
        };
        let mut statements: Vec<Value> = statements.into_iter().map(canonical_statement).collect();
        statements.sort_by_cached_key(Value::to_string);
        document.insert("Statement".to_owned(), Value::Array(statements));
    }
    let mut members: Vec<_> = document.into_iter().collect();
    members.sort_by(|left, right| left.0.cmp(&right.0));
    Value::Object(members.into_iter().collect())
}

fn canonical_statement(statement: Value) -> Value {
    let Value::Object(statement) = statement else { return statement };
    let mut members: Vec<(String, Value)> = statement
        .into_iter()
        .filter(|(name, value)| !(name == "Sid" && value.as_str() == Some("")))
        .map(|(name, value)| {
            let value = match name.as_str() {
                "Action" | "NotAction" => one_or_many(value, |left, right| left.eq_ignore_ascii_case(right)),
                "Resource" | "NotResource" => one_or_many(value, |left, right| left == right),
                "Principal" | "NotPrincipal" => canonical_principal(value),
                "Condition" => canonical_condition(value),
                _ => canonical_json(value),
            };
            (name, value)
        })
        .collect();
    members.sort_by(|left, right| left.0.cmp(&right.0));
    Value::Object(members.into_iter().collect())
}

/// A sorted set of strings; a set of one becomes its element.
fn one_or_many(value: Value, same: impl Fn(&str, &str) -> bool) -> Value {
    let Value::Array(list) = value else { return value };
    let mut list: Vec<Value> = list.into_iter().map(canonical_json).collect();
    list.sort_by_cached_key(sort_key);
    list.dedup_by(|left, right| match (left.as_str(), right.as_str()) {
        (Some(left), Some(right)) => same(left, right),
        _ => left == right,
    });
    if list.len() == 1 { list.remove(0) } else { Value::Array(list) }
}

fn sort_key(value: &Value) -> (String, String) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (text.to_lowercase(), text)
}

fn canonical_principal(principal: Value) -> Value {
    match principal {
        Value::String(all) if all == "*" => {
            canonical_principal(Value::Object(Map::from_iter([("AWS".to_owned(), all.into())])))
        }
        Value::Object(by_type) => {
            let mut members: Vec<(String, Value)> = by_type
                .into_iter()
                .map(|(kind, names)| {
                    let names = if kind == "AWS" { map_strings(names, &root_of_account) } else { names };
                    (kind, one_or_many(names, |left, right| left == right))
                })
                .collect();
            members.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

/// Expands an account id, which is short for the ARN of its root: `arn:aws:iam::111122223333:root`.
fn root_of_account(name: &str) -> String {
    if name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("arn:aws:iam::{name}:root")
    } else {
        name.to_owned()
    }
}

fn map_strings(value: Value, map: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(map(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(|item| map_strings(item, map)).collect()),
        other => other,
    }
}

fn canonical_condition(condition: Value) -> Value {
    let Value::Object(operators) = condition else { return condition };
    let mut operators: Vec<(String, Value)> = operators
        .into_iter()
        .map(|(operator, keys)| {
            let Value::Object(keys) = keys else { return (operator, keys) };
            let mut keys: Vec<(String, Value)> = keys
                .into_iter()
                .map(|(key, values)| (key, one_or_many(as_strings(values), |left, right| left == right)))
                .collect();
            keys.sort_by(|left, right| left.0.cmp(&right.0));
            (operator, Value::Object(keys.into_iter().collect()))
        })
        .collect();
    operators.sort_by(|left, right| left.0.cmp(&right.0));
    Value::Object(operators.into_iter().collect())
}

/// Converts booleans and numbers in conditions to strings, as AWS returns them.
fn as_strings(value: Value) -> Value {
    match value {
        Value::Bool(flag) => Value::String(flag.to_string()),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(list) => Value::Array(list.into_iter().map(as_strings).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::canonical_policy;
    use serde_json::json;

    #[test]
    fn equal_grants_are_equal_data() {
        let written = json!({ "Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": ["s3:GetObject", "s3:getobject"],
            "Resource": ["b", "a"], "Condition": { "Bool": { "aws:SecureTransport": true } } } });
        let returned = json!({ "Statement": [{
            "Condition": { "Bool": { "aws:SecureTransport": ["true"] } }, "Sid": "", "Resource": ["a", "b"], "Action": "s3:GetObject",
            "Principal": { "AWS": ["arn:aws:iam::111122223333:root"] }, "Effect": "Allow" }], "Version": "2012-10-17" });
        assert_eq!(canonical_policy(written), canonical_policy(returned));
    }

    #[test]
    fn numbers_keep_their_digits_and_have_one_form() {
        for (written, canonical) in [
            (r#"{"b":12345678901234567890,"a":1.0}"#, r#"{"a":1,"b":12345678901234567890}"#),
            ("[1e3,0.10,-0.0,123456789.123456789123456789]", "[1000,0.1,0,123456789.123456789123456789]"),
            // The form from before numbers had more digits than a double.
            ("[1e20,2.50]", "[1e+20,2.5]"),
        ] {
            let document = serde_json::from_str(written).expect("JSON");
            assert_eq!(super::canonical_json(document).to_string(), canonical);
        }
    }

    #[test]
    fn the_values_of_a_pattern_have_no_order() {
        let pattern = |sources: serde_json::Value, numeric: serde_json::Value| {
            super::canonical_pattern(json!({ "source": sources, "detail": { "size": [{ "numeric": numeric }],
                "$or": [{ "a": ["x"] }, { "b": [{ "anything-but": ["y", "z"] }] }] } }))
        };
        let one = pattern(json!(["aws.s3", "aws.glue"]), json!([">", 0, "<=", 5]));
        assert_eq!(pattern(json!(["aws.glue", "aws.s3", "aws.glue"]), json!([">", 0, "<=", 5])), one);
        assert_ne!(pattern(json!(["aws.s3", "aws.glue"]), json!(["<", 5, ">=", 0])), one);
        assert_ne!(pattern(json!(["aws.s3"]), json!([">", 0, "<=", 5])), one);
    }

    #[test]
    fn other_grants_differ() {
        let read = json!({ "Statement": [{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" }] });
        let write =
            json!({ "Statement": [{ "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*" }] });
        assert_ne!(canonical_policy(read), canonical_policy(write));
    }
}
