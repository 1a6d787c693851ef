//! Settings that travel as a map of texts, such as those of SQS and SNS: `{ "DelaySeconds": "5" }`.
//!
//! A member `delay_seconds` is the attribute `DelaySeconds`. A number or a flag is its text, a table, a list
//! or a document is its JSON, and the empty text is an absent member. The marks of the spec say which members
//! are sent, and what stands for an absent one.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use schemars::JsonSchema;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::{Error, Value as Json};

use crate::aws::{self, Class};
use crate::schema::{Rule, Schema};
use crate::value::Value;

/// Attributes by AWS's name.
pub type Attributes = BTreeMap<String, String>;

/// The members of a spec as the attributes of a request that changes them. An absent one is the value that
/// AWS uses for it (`x-dwctl-absent`), or the empty text. Left out are those that only a replacement changes,
/// that are left to AWS, or that have no meaning beside the others (`x-dwctl-only-if`, `x-dwctl-only-with`).
///
/// # Errors
/// The spec is no table.
pub fn to_attributes<S: Serialize + JsonSchema>(spec: &S) -> aws::Result<Attributes> {
    let invalid = |words: String| aws::Error::finding(Class::Invalid, words);
    let members = match serde_json::to_value(spec) {
        Ok(Json::Object(members)) => members,
        Ok(_) => return Err(invalid("these settings are not a table".to_owned())),
        Err(error) => return Err(invalid(error.to_string())),
    };
    let schema = Schema::of::<S, ()>().spec;
    let member = |name: &str| members.get(name).cloned().map(text).unwrap_or_default();
    let mut attributes = Attributes::new();
    for (name, field) in schema.fields().into_iter().flatten() {
        let mut value = member(name);
        let is_left_out = schema.rules.iter().any(|rule| match rule {
            Rule::OnlyIf { attribute, other, values } => {
                attribute == name && !values.contains(&member(other))
            }
            Rule::OnlyWith { attribute, other } => attribute == name && member(other).is_empty(),
            _ => false,
        });
        if is_left_out || field.marks.replace || (field.marks.aws_default && value.is_empty()) {
            continue;
        }
        if value.is_empty()
            && let Some(Ok(absent)) = field.absent.as_ref().map(Value::to_json)
        {
            value = text(absent);
        }
        attributes.insert(pascal(name), value);
    }
    Ok(attributes)
}

/// The attributes that AWS returned. An empty document counts as absent, since some are unset that way.
pub fn attributes_of<K: AsRef<str>>(found: Option<HashMap<K, String>>) -> Attributes {
    let found = found.into_iter().flatten().filter(|(_, text)| text != "{}");
    found.map(|(name, text)| (name.as_ref().to_owned(), text)).collect()
}

/// The attributes by the names of an SDK.
pub fn keyed<K: for<'a> From<&'a str> + Eq + Hash>(attributes: Attributes) -> HashMap<K, String> {
    attributes.into_iter().map(|(name, text)| (K::from(&name), text)).collect()
}

/// The spec with these attributes. Attributes that it has no member for are ignored.
///
/// # Errors
/// A text is not what its member is, such as a number.
pub fn from_attributes<S: DeserializeOwned>(attributes: &Attributes) -> aws::Result<S> {
    S::deserialize(Table(attributes)).map_err(|error| {
        aws::Error::finding(Class::Other, format!("AWS returned an attribute that cannot be read: {error}"))
    })
}

fn pascal(name: &str) -> String {
    name.split('_')
        .map(|word| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default())
        .collect()
}

fn text(value: Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

struct Table<'a>(&'a Attributes);

impl<'de> Deserializer<'de> for Table<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(
            self.0.iter().map(|(name, text)| (name.as_str(), Text { name, text })),
        ))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let present = fields.iter().filter_map(|field| {
            let (name, text) = self.0.get_key_value(&pascal(field)).filter(|(_, text)| !text.is_empty())?;
            Some((*field, Text { name, text }))
        });
        visitor.visit_map(MapDeserializer::new(present))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The text of one attribute, read as what its member is.
struct Text<'a> {
    name: &'a str,
    text: &'a str,
}

impl Text<'_> {
    /// Reads it as JSON; an error says which attribute it is.
    fn json<T>(&self, read: impl FnOnce(Json) -> Result<T, Error>) -> Result<T, Error> {
        let read = serde_json::from_str(self.text).and_then(read);
        read.map_err(|error| Error::custom(format!("{}: {error}", self.name)))
    }
}

macro_rules! as_json {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.json(|json| json.$method(visitor))
        })*
    };
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    as_json! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_seq deserialize_map
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.json(|json| json.deserialize_struct(name, fields, visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct enum identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::{Attributes, from_attributes, to_attributes};
    use crate::kind::{Json, PolicyDocument};

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Spec {
        display_name: Option<String>,
        delay_seconds: i32,
        #[serde(default)]
        fifo_queue: bool,
        rate: Option<f64>,
        policy: Option<PolicyDocument>,
        filter: Option<Json>,
        redrive: Option<Redrive>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Redrive {
        max_count: i32,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sources: Vec<String>,
    }

    fn attributes(of: &[(&str, &str)]) -> Attributes {
        of.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_spec_comes_back_from_its_attributes() {
        let spec = Spec {
            // A text that looks like a number stays a text.
            display_name: Some("007".to_owned()),
            delay_seconds: 5,
            fifo_queue: true,
            rate: Some(0.5),
            policy: PolicyDocument::parse(r#"{"Version":"2012-10-17","Statement":[]}"#).ok(),
            filter: Json::parse(r#"{"a":[1]}"#).ok(),
            redrive: Some(Redrive { max_count: 3, sources: Vec::new() }),
        };
        let sent = to_attributes(&spec).expect("attributes");
        for (name, text) in [
            ("DisplayName", "007"),
            ("DelaySeconds", "5"),
            ("FifoQueue", "true"),
            ("Filter", r#"{"a":[1]}"#),
            ("Redrive", r#"{"maxCount":3}"#),
        ] {
            assert_eq!(sent[name], text);
        }
        assert_eq!(from_attributes::<Spec>(&sent).expect("the spec"), spec);
    }

    #[test]
    fn absent_attributes_are_empty_and_foreign_ones_ignored() {
        let spec: Spec = from_attributes(&attributes(&[
            ("DelaySeconds", "0"),
            ("DisplayName", ""),
            ("ApproximateNumberOfMessages", "7"),
        ]))
        .expect("the spec");
        assert_eq!((spec.delay_seconds, &spec.display_name, spec.fifo_queue), (0, &None, false));
        assert_eq!(to_attributes(&spec).expect("attributes")["Policy"], "");
    }

    #[test]
    fn a_text_that_is_not_a_number_is_an_error() {
        for text in ["many", "1.5", "\"1\""] {
            let error = from_attributes::<Spec>(&attributes(&[("DelaySeconds", text)])).expect_err(text);
            assert!(error.says("DelaySeconds: "), "{error}");
        }
        assert!(from_attributes::<Spec>(&attributes(&[])).is_err(), "it is required");
        assert!(to_attributes(&vec![1]).is_err());
    }

    #[derive(Default, Serialize, JsonSchema)]
    struct Marked {
        #[schemars(extend("x-dwctl" = ["replace"]))]
        name: String,
        fifo: bool,
        #[schemars(extend("x-dwctl-only-if" = "fifo = true", "x-dwctl-absent" = "queue"))]
        scope: Option<String>,
        key: Option<String>,
        #[schemars(extend("x-dwctl-only-with" = "key", "x-dwctl-absent" = 300))]
        reuse_seconds: Option<i32>,
        #[schemars(extend("x-dwctl" = ["aws-default"]))]
        policy: Option<String>,
        #[schemars(extend("x-dwctl-absent" = { "permission": "all" }))]
        allow: Option<Json>,
    }

    #[test]
    fn marks_decide_which_attributes_are_sent() {
        let sent = |spec: &Marked| to_attributes(spec).expect("attributes");
        let plain = Marked { name: "n".to_owned(), ..Marked::default() };
        let all = r#"{"permission":"all"}"#;
        assert_eq!(sent(&plain), attributes(&[("Allow", all), ("Fifo", "false"), ("Key", "")]));
        let full = Marked {
            fifo: true,
            key: Some("k".to_owned()),
            policy: Some("p".to_owned()),
            reuse_seconds: Some(60),
            ..Marked::default()
        };
        let sent = sent(&full);
        for (name, text) in [("Scope", "queue"), ("ReuseSeconds", "60"), ("Policy", "p"), ("Key", "k")] {
            assert_eq!(sent[name], text);
        }
    }
}
