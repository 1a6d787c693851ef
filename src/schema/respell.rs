//! Equivalent spellings in whole values: the canonical ones, for fingerprints, and those of the stack, to show
//! live values in its words.

use std::collections::BTreeMap;

use super::{Node, Shape};
use crate::aws::Scope;
use crate::value::Value;

/// A value with canonical spellings throughout, so that equivalent values are equal.
pub fn canonical(node: &Node, value: &Value, scope: &Scope) -> Value {
    spell(node, value, None, scope)
}

fn spell(node: &Node, value: &Value, beside: Option<&BTreeMap<String, Value>>, scope: &Scope) -> Value {
    if !node.respells {
        return value.clone();
    }
    match (&node.shape, value) {
        (_, Value::Secret(inner)) => spell(node, inner, beside, scope).into_secret(),
        (Shape::Object { fields, .. }, Value::Map(map)) => {
            let shown = map.iter().map(|(name, value)| {
                let value = fields
                    .get(name)
                    .map_or_else(|| value.clone(), |field| spell(field, value, Some(map), scope));
                (name.clone(), value)
            });
            Value::Map(shown.collect())
        }
        (Shape::Map(element), Value::Map(map)) => Value::Map(
            map.iter().map(|(name, value)| (name.clone(), spell(element, value, None, scope))).collect(),
        ),
        (Shape::List { element, .. }, Value::List(list)) => {
            let list = list.iter().map(|value| spell(element, value, None, scope)).collect();
            // Sort the set again, now by its canonical texts.
            super::normalize(node, Value::List(list))
        }
        (_, Value::String(text)) => match &node.spelling {
            Some(spelling) => Value::String(spelling.canonical(text, beside, scope)),
            None => value.clone(),
        },
        (_, value) => value.clone(),
    }
}

/// The live value with the spelling of the desired one wherever both mean the same.
pub fn respelled(node: &Node, live: Value, want: &Value, scope: &Scope) -> Value {
    respell(node, live, want, (None, None), scope)
}

/// The tables around a live and a desired text.
type Beside<'b> = (Option<&'b BTreeMap<String, Value>>, Option<&'b BTreeMap<String, Value>>);

fn respell(node: &Node, live: Value, want: &Value, beside: Beside<'_>, scope: &Scope) -> Value {
    if !node.respells || live == *want {
        return live;
    }
    match (&node.shape, live, want) {
        (_, live, Value::Secret(inner)) if !matches!(live, Value::Secret(_)) => {
            let same = spell(node, inner, beside.1, scope).reveal() == spell(node, &live, beside.0, scope);
            if same { want.clone() } else { respell(node, live, inner, beside, scope) }
        }
        (Shape::Object { fields, .. }, Value::Map(live), Value::Map(want)) => {
            let shown = live.iter().map(|(name, value)| {
                let value = match (fields.get(name), want.get(name)) {
                    // A field that will have no effect does not differ.
                    (Some(field), Some(wanted)) if super::normalize::has_no_effect(field, want, fields) => {
                        wanted.clone()
                    }
                    (Some(field), Some(wanted)) => {
                        respell(field, value.clone(), wanted, (Some(&live), Some(want)), scope)
                    }
                    _ => value.clone(),
                };
                (name.clone(), value)
            });
            Value::Map(shown.collect())
        }
        (Shape::Map(element), Value::Map(live), Value::Map(want)) => {
            let shown = live.into_iter().map(|(name, value)| {
                let value = match want.get(&name) {
                    Some(wanted) => respell(element, value, wanted, (None, None), scope),
                    None => value,
                };
                (name, value)
            });
            Value::Map(shown.collect())
        }
        (Shape::List { element, .. }, Value::List(live), Value::List(want)) => {
            let meant: Vec<Value> = want.iter().map(|value| spell(element, value, None, scope)).collect();
            let key = |value: &Value| node.key.as_deref().and_then(|key| value.get(key)).cloned();
            let shown = live.into_iter().enumerate().map(|(at, value)| {
                let means = spell(element, &value, None, scope);
                let same = meant.iter().position(|meant| *meant == means).and_then(|at| want.get(at));
                if let Some(same) = same {
                    return same.clone();
                }
                let wanted = match key(&value) {
                    Some(own) => want.iter().find(|wanted| key(wanted).as_ref() == Some(&own)),
                    None if node.marks.set => None,
                    None => want.get(at),
                };
                match wanted {
                    Some(wanted) => respell(element, value, wanted, (None, None), scope),
                    None => value,
                }
            });
            super::normalize(node, Value::List(shown.collect()))
        }
        (_, live, want) => {
            let same = node.spelling.is_some()
                && spell(node, &live, beside.0, scope) == spell(node, want, beside.1, scope);
            if same { want.clone() } else { live }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{canonical, respelled};
    use crate::aws::Scope;
    use crate::schema::{Schema, normalize};
    use crate::value::Value;

    fn scope() -> Scope {
        Scope::of("eu-west-1", "111122223333")
    }

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Spec {
        name: String,
        #[schemars(extend("x-dwctl-spelling" = "kms-key", "x-dwctl-absent" = "alias/aws/thing"))]
        kms_key_id: Option<String>,
        #[schemars(extend("x-dwctl-spelling" = "role"))]
        roles: Vec<String>,
        #[schemars(extend("x-dwctl-key" = "region"))]
        replicas: Vec<Replica>,
        #[schemars(extend("x-dwctl-absent" = { "size": 1 }))]
        batch: Option<Batch>,
    }

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Replica {
        region: String,
        #[schemars(extend("x-dwctl-spelling" = "kms-key in region"))]
        kms_key_id: Option<String>,
    }

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "its schema is all that is used")]
    struct Batch {
        size: i64,
        #[serde(default = "window")]
        window: i64,
    }

    fn window() -> i64 {
        900
    }

    fn spec(json: serde_json::Value) -> Value {
        normalize(&Schema::of::<Spec, Replica>().spec, Value::from_json(&json))
    }

    #[test]
    fn live_values_are_shown_in_the_spelling_of_the_stack() {
        let schema = Schema::of::<Spec, Replica>().spec;
        let kms = |region: &str| format!("arn:aws:kms:{region}:111122223333:key/1234");
        let live = spec(json!({
            "name": "a",
            "kms_key_id": kms("eu-west-1"),
            "roles": ["etl", "other"],
            "replicas": [
                { "region": "us-east-1", "kms_key_id": kms("us-east-1") },
                { "region": "us-west-2", "kms_key_id": kms("us-east-1") },
            ],
        }));
        let role = "arn:aws:iam::111122223333:role/etl";
        let want = spec(json!({
            "name": "a",
            "kms_key_id": "1234",
            "roles": ["mine", role],
            "replicas": [
                { "region": "us-west-2", "kms_key_id": "1234" },
                { "region": "us-east-1", "kms_key_id": "1234" },
            ],
        }));
        let shown = respelled(&schema, live.clone(), &want, &scope());
        assert_eq!(shown.get("kms_key_id"), want.get("kms_key_id"));
        assert_eq!(shown.get("roles"), Some(&Value::from_json(&json!([role, "other"]))));
        let replicas = shown.get("replicas").and_then(Value::as_list).unwrap_or_default();
        assert_eq!(replicas[0].get("kms_key_id"), Some(&Value::from("1234")));
        // The same id in another region is another key.
        assert_eq!(replicas[1].get("kms_key_id"), Some(&Value::from(kms("us-east-1").as_str())));
        // A text that is secret in the stack stays secret.
        let secret = Value::map([("kms_key_id", Value::from("1234").into_secret())]);
        let shown = respelled(&schema, live.clone(), &secret, &scope());
        assert_eq!(shown.get("kms_key_id"), secret.get("kms_key_id"));
        assert_eq!(
            canonical(&schema, &live, &scope()).get("kms_key_id"),
            canonical(&schema, &want, &scope()).get("kms_key_id"),
        );
    }

    #[test]
    fn values_equal_to_absent_are_dropped() {
        let bare = spec(json!({ "name": "a" }));
        for same in [
            json!({ "name": "a", "kms_key_id": "alias/aws/thing" }),
            json!({ "name": "a", "kms_key_id": "arn:aws:kms:eu-west-1:111122223333:alias/aws/thing" }),
            json!({ "name": "a", "batch": { "size": 1 } }),
            json!({ "name": "a", "batch": { "size": 1, "window": 900 } }),
        ] {
            assert_eq!(spec(same.clone()), bare, "{same}");
        }
        for other in [
            json!({ "name": "a", "kms_key_id": "alias/aws/other" }),
            json!({ "name": "a", "kms_key_id": "arn:aws:kms:eu-west-1:111122223333:key/alias/aws/thing" }),
            json!({ "name": "a", "batch": { "size": 2 } }),
            json!({ "name": "a", "batch": { "size": 1, "window": 60 } }),
        ] {
            assert_ne!(spec(other.clone()), bare, "{other}");
        }
    }
}
