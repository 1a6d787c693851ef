//! What the kinds of Amazon SNS share: documents and attributes as text.

use std::collections::HashMap;

use crate::aws::{Class, Error, Result};
use crate::kind::Json;

/// The attributes of a topic or a subscription as SNS returns them; an empty text is none.
pub struct Attributes<'a>(pub Option<&'a HashMap<String, String>>);

impl Attributes<'_> {
    /// The attribute `name`.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0?.get(name).filter(|text| !text.is_empty()).cloned()
    }

    /// Whether the attribute `name` is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).as_deref() == Some("true")
    }

    /// The document in the attribute `name`; an empty one is none: it is how SNS unsets some.
    pub fn json(&self, name: &str) -> Result<Option<Json>> {
        json(self.text(name))
    }
}

/// A document, if there is one.
pub fn json(text: Option<String>) -> Result<Option<Json>> {
    let document = text.map(|text| Json::parse(&text)).transpose().map_err(unreadable)?;
    Ok(document.filter(|document| document.as_value().as_object().is_none_or(|object| !object.is_empty())))
}

/// The error where AWS returned something that is not JSON.
pub fn unreadable(error: serde_json::Error) -> Error {
    Error::finding(Class::Other, format!("AWS returned a document that is not JSON: {error}"))
}
