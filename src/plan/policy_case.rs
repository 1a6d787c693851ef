//! Aligns policies that differ only in case where IAM ignores case: in action names with their
//! prefixes
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>) and
//! in condition keys, including tag keys in them
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>).
//! Operators, resources, principals and condition values are compared as they are.

use std::collections::{BTreeMap, btree_map};

use crate::schema::{Node, normalize};
use crate::value::Value;

/// The type of a name, and the name in lower case.
type Name = (Of, String);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Action,
    Key,
}

/// Returns both policies with one spelling per name: the first one in `want`.
pub(super) fn align(node: &Node, want: Value, live: Value) -> (Value, Value) {
    if want == live {
        return (want, live);
    }
    let mut spellings: BTreeMap<Name, String> = BTreeMap::new();
    rewrite(&want, &mut |of, name| {
        let spelling = spellings.entry((of, name.to_ascii_lowercase()));
        spelling.or_insert_with(|| name.to_owned()).clone()
    });
    let respell = |policy: Value| {
        let rewritten = rewrite(&policy, &mut |of, name| {
            let spelling = spellings.get(&(of, name.to_ascii_lowercase()));
            spelling.map_or_else(|| name.to_owned(), String::clone)
        });
        // Another spelling may change the canonical order.
        if rewritten == policy { policy } else { normalize(node, rewritten) }
    };
    (respell(want), respell(live))
}

/// Rewrites the names of a policy's actions and condition keys.
fn rewrite(policy: &Value, word: &mut dyn FnMut(Of, &str) -> String) -> Value {
    let Value::Map(policy) = policy else { return policy.clone() };
    let members = policy.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("Statement", Value::List(list)) => {
                Value::List(list.iter().map(|one| statement(one, word)).collect())
            }
            ("Statement", one) => statement(one, word),
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Map(members.collect())
}

fn statement(statement: &Value, word: &mut dyn FnMut(Of, &str) -> String) -> Value {
    let Value::Map(statement) = statement else { return statement.clone() };
    let members = statement.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("Action" | "NotAction", value) => actions(value, word),
            ("Condition", Value::Map(operators)) => {
                let operators =
                    operators.iter().map(|(operator, keys)| (operator.clone(), renamed(keys, word)));
                Value::Map(operators.collect())
            }
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Map(members.collect())
}

fn actions(value: &Value, word: &mut dyn FnMut(Of, &str) -> String) -> Value {
    match value {
        Value::String(name) => Value::String(word(Of::Action, name)),
        Value::List(list) => Value::List(list.iter().map(|one| actions(one, word)).collect()),
        other => other.clone(),
    }
}

fn renamed(keys: &Value, word: &mut dyn FnMut(Of, &str) -> String) -> Value {
    let Value::Map(keys) = keys else { return keys.clone() };
    let mut renamed = BTreeMap::new();
    for (key, values) in keys {
        match renamed.entry(word(Of::Key, key)) {
            btree_map::Entry::Vacant(free) => drop(free.insert(values.clone())),
            // If a key appears twice, both are kept.
            btree_map::Entry::Occupied(_) => drop(renamed.insert(key.clone(), values.clone())),
        }
    }
    Value::Map(renamed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::align;
    use crate::plan::diff;
    use crate::value::Value;

    /// The number of differences between two policies of one statement.
    fn differences(before: &Json, after: &Json) -> usize {
        let kind = crate::kinds::kind("sns_topic").expect("a kind");
        let schema = &kind.schema().spec;
        let spec = |statement: &Json| {
            let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
            crate::schema::normalize(schema, Value::from_json(&json!({ "name": "t", "policy": policy })))
        };
        let (want, live) = crate::plan::overlay(schema, spec(after), spec(before), &|_, _, _| None);
        diff(schema, &live, &want).len()
    }

    fn statement(action: Json, condition: Json) -> Json {
        json!({ "Effect": "Deny", "Principal": "*", "Resource": "*", "Action": action, "Condition": condition })
    }

    #[test]
    fn names_that_differ_only_in_case_are_equal() {
        let plain = statement(json!("sns:Publish"), json!({ "Bool": { "aws:SecureTransport": "false" } }));
        for same in [
            statement(json!("SNS:publish"), json!({ "Bool": { "aws:SecureTransport": "false" } })),
            statement(
                json!(["sns:Publish", "sns:publish"]),
                json!({ "Bool": { "AWS:securetransport": false } }),
            ),
        ] {
            assert_eq!(differences(&plain, &same), 0, "{same}");
            assert_eq!(differences(&same, &plain), 0, "{same}");
        }
        let tagged = statement(json!("sns:*"), json!({ "StringEquals": { "aws:ResourceTag/Team": "a" } }));
        let other = statement(json!("sns:*"), json!({ "StringEquals": { "aws:resourcetag/team": "a" } }));
        assert_eq!(differences(&tagged, &other), 0);
    }

    #[test]
    fn case_sensitive_values_of_iam_differ() {
        let plain =
            statement(json!("sns:Publish"), json!({ "StringEquals": { "aws:ResourceTag/Team": "a" } }));
        for other in [
            statement(json!("sns:Publish"), json!({ "StringEquals": { "aws:ResourceTag/Team": "A" } })),
            statement(json!("sns:Subscribe"), json!({ "StringEquals": { "aws:ResourceTag/Team": "a" } })),
            json!({ "Effect": "Deny", "Principal": "*", "Resource": "arn:aws:sns:*:*:T", "Action": "sns:Publish",
                "Condition": { "StringEquals": { "aws:ResourceTag/Team": "a" } } }),
        ] {
            assert_ne!(differences(&plain, &other), 0, "{other}");
        }
        // A key in two spellings keeps the values of both.
        let twice = statement(
            json!("sns:Publish"),
            json!({ "StringEquals": { "aws:ResourceTag/Team": "a", "aws:ResourceTag/team": "b" } }),
        );
        assert_ne!(differences(&plain, &twice), 0);
        assert_ne!(differences(&twice, &plain), 0);
    }

    /// One of two statements changes: only that change is shown, as the stack writes it.
    #[test]
    fn only_the_changed_name_is_shown_in_its_own_spelling() {
        let kind = crate::kinds::kind("sns_topic").expect("a kind");
        let node = crate::schema::Node::clone(
            kind.schema().spec.fields().and_then(|fields| fields.get("policy")).expect("a policy"),
        );
        let policy = |statements: Json| {
            crate::schema::normalize(&node, Value::from_json(&json!({ "Statement": statements })))
        };
        let live = policy(json!([statement(json!(["sns:publish", "sns:subscribe"]), json!({}))]));
        let want =
            policy(json!([statement(json!(["SNS:Subscribe", "sns:Receive", "sns:Publish"]), json!({}))]));
        let (want, live) = align(&node, want, live);
        let names = |policy: &Value| {
            policy.get("Statement").expect("statements").as_list().expect("a list")[0].get("Action").cloned()
        };
        assert_eq!(names(&live), Some(Value::from_json(&json!(["sns:Publish", "SNS:Subscribe"]))));
        assert_eq!(
            names(&want),
            Some(Value::from_json(&json!(["sns:Publish", "sns:Receive", "SNS:Subscribe"])))
        );
    }
}
