//! Types of fields with behaviour beyond their shape.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::document::{canonical_json, canonical_policy};

/// A value that is sent to AWS and shown nowhere. It prints and serialises as `(secret)`, is compared
/// by fingerprint, is masked where AWS's messages quote it, and is wiped from memory when dropped
/// (except for the copy used for masking).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        // Its parts were registered for masking where they are declared.
        crate::diag::learn_whole(&text);
        Self(text)
    }

    /// The text, for the call that sends it to AWS.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(secret)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "x-dwctl-type": "secret" })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// An IAM policy document, written as a table or as JSON text. Two documents are equal if they grant
/// the same: order, single values instead of lists, and the form of a principal make no difference.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument(pub(super) serde_json::Value);

impl PolicyDocument {
    /// Parses a document from AWS, URL-encoded (as IAM returns it) or not.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        if text.trim_start().starts_with('%') {
            let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
            return serde_json::from_str(&decoded).map(|document| Self(canonical_policy(document)));
        }
        serde_json::from_str(text).map(|document| Self(canonical_policy(document)))
    }

    /// The document as compact JSON, ready to be sent.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }

    /// The document as data in canonical form.
    pub fn as_value(&self) -> &serde_json::Value {
        &self.0
    }
}

/// Any JSON document, written as a table or as JSON text. Compared as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub(super) serde_json::Value);

impl Json {
    /// Parses JSON text.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(|document| Self(canonical_json(document)))
    }

    /// The document as compact JSON, ready to be sent.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }

    /// The document as data.
    pub fn as_value(&self) -> &serde_json::Value {
        &self.0
    }
}

macro_rules! document {
    ($name:ident, $mark:literal, $canonical:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match serde_json::Value::deserialize(deserializer)? {
                    serde_json::Value::String(text) => {
                        serde_json::from_str(&text).map($canonical).map(Self).map_err(serde::de::Error::custom)
                    }
                    document => Ok(Self($canonical(document))),
                }
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["object", "array", "string"], "x-dwctl-type": $mark })
            }

            fn inline_schema() -> bool {
                true
            }
        }
    };
}

document!(PolicyDocument, "policy", canonical_policy);
document!(Json, "json", canonical_json);
