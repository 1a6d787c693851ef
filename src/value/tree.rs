//! A value, and the source of an unknown one.

use std::collections::BTreeMap;
use std::fmt;

use super::number::Number;

/// A value of the stack language.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// No value: a null attribute counts as not written.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// Values in order.
    List(Vec<Value>),
    /// Distinct values in the order of Terraform's sets. Only expressions, locals and variables hold
    /// sets: resources and outputs receive them as lists ([`Value::listed`]).
    Set(Vec<Value>),
    /// Values by name, in order of names as in Terraform's maps.
    Map(BTreeMap<String, Value>),
    /// A value that is not decided yet, with its source.
    Unknown(Unknown),
    /// A value that must never be printed or stored. It contains no further secret.
    Secret(Box<Value>),
}

/// The source of an unknown value: the attribute of a resource that AWS decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The address of the resource, such as `kms_key.data`.
    pub address: String,
    /// The attribute, such as `arn`; empty for the whole resource.
    pub attribute: String,
}

/// The reason why a value has no JSON form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPlain {
    /// Part of it is not decided yet.
    Unknown(Unknown),
    /// Part of it is secret. Call [`Value::reveal`] first if the secret is meant.
    Secret,
}

impl Unknown {
    /// An unknown value that `attribute` of the resource at `address` decides.
    pub fn new(address: impl Into<String>, attribute: impl Into<String>) -> Self {
        Self { address: address.into(), attribute: attribute.into() }
    }
}

/// Says when the value will be known: `known after kms_key.data is created`.
impl fmt::Display for Unknown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if is_data(&self.address) { "read" } else { "created" };
        write!(formatter, "known after {} is {verb}", self.address)
    }
}

/// Returns whether an address is that of data: `data.…`, after the modules that it is in.
fn is_data(address: &str) -> bool {
    let (mut depth, mut segments) = (0_u32, vec![String::new()]);
    for one in address.chars() {
        match one {
            '.' if depth == 0 => segments.push(String::new()),
            _ => {
                depth = depth.saturating_add(u32::from(one == '[')).saturating_sub(u32::from(one == ']'));
                segments.iter_mut().last().into_iter().for_each(|last| last.push(one));
            }
        }
    }
    let mut segments = segments.iter().map(String::as_str);
    loop {
        match segments.next() {
            Some("module") => drop(segments.next()),
            first => return first == Some("data"),
        }
    }
}

impl fmt::Display for NotPlain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(unknown) => unknown.fmt(formatter),
            Self::Secret => formatter.write_str("the value is secret"),
        }
    }
}

impl std::error::Error for NotPlain {}

/// Written like JSON; a secret is always `(secret)`.
impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(bool) => write!(formatter, "{bool}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::String(text) => write!(formatter, "{text:?}"),
            Self::List(items) | Self::Set(items) => formatter.debug_list().entries(items).finish(),
            Self::Map(entries) => formatter.debug_map().entries(entries).finish(),
            Self::Unknown(unknown) => write!(formatter, "({unknown})"),
            Self::Secret(_) => formatter.write_str("(secret)"),
        }
    }
}

impl Value {
    /// A list of these items.
    pub fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A map of these entries.
    pub fn map<K: Into<String>, T: Into<Value>>(entries: impl IntoIterator<Item = (K, T)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// An unknown value that `attribute` of the resource at `address` decides.
    pub fn unknown(address: impl Into<String>, attribute: impl Into<String>) -> Self {
        Self::Unknown(Unknown::new(address, attribute))
    }

    /// The name of its type for messages: `string`, `number`, `list` …; for a secret, the type inside.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Unknown(_) => "unknown",
            Self::Secret(inner) => inner.kind_name(),
        }
    }

    /// The boolean, if it is one. Does not look into a secret.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// The number, if it is one. Does not look into a secret.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The integer, if it is one. Does not look into a secret.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The text, if it is one. Does not look into a secret.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list or a set. Does not look into a secret.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map. Does not look into a secret.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of this name, if it is a map and has one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map().and_then(|entries| entries.get(name))
    }

    /// Returns whether it is null, secret or not.
    pub fn is_null(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Secret(inner) => inner.is_null(),
            _ => false,
        }
    }

    /// Returns whether no part of it is unknown, at any depth.
    pub fn is_wholly_known(&self) -> bool {
        self.first_unknown().is_none()
    }

    /// Returns whether a part of it is unknown, at any depth.
    pub fn contains_unknown(&self) -> bool {
        self.first_unknown().is_some()
    }

    /// The first unknown in it, at any depth, secret or not.
    pub fn first_unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            Self::List(items) | Self::Set(items) => items.iter().find_map(Self::first_unknown),
            Self::Map(entries) => entries.values().find_map(Self::first_unknown),
            Self::Secret(inner) => inner.first_unknown(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
        }
    }

    /// Returns whether it is secret or contains a secret, at any depth.
    pub fn contains_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::List(items) | Self::Set(items) => items.iter().any(Self::contains_secret),
            Self::Map(entries) => entries.values().any(Self::contains_secret),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Unknown(_) => false,
        }
    }

    /// Removes the secret wrappers at any depth. The caller must take care that the result is never
    /// printed or stored.
    #[must_use]
    pub fn reveal(self) -> Self {
        match self {
            Self::Secret(inner) => inner.reveal(),
            Self::List(items) => Self::List(items.into_iter().map(Self::reveal).collect()),
            Self::Set(items) => Self::Set(items.into_iter().map(Self::reveal).collect()),
            Self::Map(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (key, value.reveal())).collect())
            }
            plain => plain,
        }
    }

    /// Replaces each set by a list, at any depth.
    #[must_use]
    pub fn listed(self) -> Self {
        match self {
            plain if !plain.contains_set() => plain,
            Self::List(items) | Self::Set(items) => Self::List(items.into_iter().map(Self::listed).collect()),
            Self::Map(mut entries) => {
                entries.values_mut().for_each(|value| *value = std::mem::take(value).listed());
                Self::Map(entries)
            }
            Self::Secret(mut inner) => {
                *inner = std::mem::take(&mut *inner).listed();
                Self::Secret(inner)
            }
            plain => plain,
        }
    }

    fn contains_set(&self) -> bool {
        match self {
            Self::Set(_) => true,
            Self::List(items) => items.iter().any(Self::contains_set),
            Self::Map(entries) => entries.values().any(Self::contains_set),
            Self::Secret(inner) => inner.contains_set(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Unknown(_) => false,
        }
    }

    /// The value as one secret. Inner wrappers are removed, because the outer one covers them.
    #[must_use]
    pub fn into_secret(self) -> Self {
        match self {
            Self::Secret(_) => self,
            plain => Self::Secret(Box::new(if plain.contains_secret() { plain.reveal() } else { plain })),
        }
    }

    /// The value as a new secret, such as that of a sensitive variable. From now on, every text in it is
    /// masked in foreign texts (see [`crate::diag::Outside`]).
    #[must_use]
    pub fn sensitive(self) -> Self {
        let secret = self.into_secret();
        secret.each_text(&crate::diag::learn);
        secret
    }

    /// The value as a secret that was computed from others. It is masked only as a whole in foreign
    /// texts: other parts of it, such as the names in a document, are not secret.
    #[must_use]
    pub fn tainted(self) -> Self {
        let secret = self.into_secret();
        secret.each_text(&crate::diag::learn_whole);
        secret
    }

    fn each_text(&self, learn: &dyn Fn(&str)) {
        match self {
            Self::String(text) => learn(text),
            Self::Number(number) => learn(&number.to_string()),
            Self::List(items) | Self::Set(items) => items.iter().for_each(|item| item.each_text(learn)),
            Self::Map(entries) => entries.values().for_each(|value| value.each_text(learn)),
            Self::Secret(inner) => inner.each_text(learn),
            Self::Null | Self::Bool(_) | Self::Unknown(_) => {}
        }
    }

    /// Converts to JSON, maps in order of names.
    ///
    /// # Errors
    ///
    /// It contains an unknown or a secret.
    pub fn to_json(&self) -> Result<serde_json::Value, NotPlain> {
        Ok(match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(bool) => (*bool).into(),
            Self::Number(number) => number.to_json().into(),
            Self::String(text) => text.as_str().into(),
            Self::List(items) | Self::Set(items) => {
                items.iter().map(Self::to_json).collect::<Result<Vec<_>, _>>()?.into()
            }
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), value.to_json()?)))
                .collect::<Result<serde_json::Map<_, _>, _>>()?
                .into(),
            Self::Unknown(unknown) => return Err(NotPlain::Unknown(unknown.clone())),
            Self::Secret(_) => return Err(NotPlain::Secret),
        })
    }

    /// Converts from JSON. A number beyond the limit of all numbers stays a text.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => {
                let text = number.as_str();
                Number::parse(text).map_or_else(|| text.into(), Self::Number)
            }
            serde_json::Value::String(text) => text.as_str().into(),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect())
            }
        }
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Number(Number::Integer(integer))
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Self {
        i64::from(integer).into()
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl From<BTreeMap<String, Value>> for Value {
    fn from(entries: BTreeMap<String, Value>) -> Self {
        Self::Map(entries)
    }
}

impl From<Unknown> for Value {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The reason why a text is not JSON. Editors do not show a byte order mark, and JSON has none (RFC 8259,
/// section 8.1).
pub fn not_json(text: &str, error: &serde_json::Error) -> String {
    match text.starts_with('\u{feff}') {
        true => "it begins with a byte order mark; save the file as UTF-8 without one".to_owned(),
        false => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_neither_debugged_nor_encoded_nor_nested() {
        let secret =
            Value::map([("password", Value::from("hunter2").into_secret()), ("user", "root".into())]);
        assert_eq!(format!("{secret:?}"), r#"{"password": (secret), "user": "root"}"#);
        assert_eq!(secret.to_json(), Err(NotPlain::Secret));
        let nested = secret.into_secret().into_secret();
        let Value::Secret(inner) = &nested else { panic!("not secret") };
        assert!(!inner.contains_secret());
        assert_eq!(
            nested.reveal().to_json(),
            Ok(serde_json::json!({ "password": "hunter2", "user": "root" }))
        );
    }

    #[test]
    fn data_is_read_and_resources_are_created() {
        for (address, verb) in [
            ("data.ec2_vpc.main", "read"),
            ("module.data[\"a.data.b\"].module.x.data.ec2_vpc.main", "read"),
            ("module.data.s3_bucket.data", "created"),
            ("kms_key.data[\"data.x.y\"]", "created"),
            ("", "created"),
        ] {
            let words = super::Unknown::new(address, "id").to_string();
            assert_eq!(words, format!("known after {address} is {verb}"));
        }
    }

    #[test]
    fn an_unknown_names_the_resource_that_decides_it() {
        let value = Value::list([Value::from(1), Value::unknown("kms_key.data", "arn")]);
        assert_eq!(
            value.first_unknown().map(ToString::to_string).as_deref(),
            Some("known after kms_key.data is created")
        );
        assert!(!value.is_wholly_known());
        assert_eq!(value.to_json(), Err(NotPlain::Unknown(Unknown::new("kms_key.data", "arn"))));
    }

    #[test]
    fn json_survives_a_round_trip() {
        let json = serde_json::json!({ "a": [1, 2.5, null, true, "x"], "b": {} });
        assert_eq!(Value::from_json(&json).to_json(), Ok(json));
        let digits = r#"[12345678901234567890,0.1234567890123456789,-3,1e-7,100000000000000000000000001]"#;
        let json: serde_json::Value = serde_json::from_str(digits).unwrap();
        assert_eq!(Value::from_json(&json).to_json().unwrap().to_string(), digits);
        // The texts of versions that knew only doubles: fingerprints are computed from this text.
        for (text, written) in
            [("1.0", "1"), ("-0.0", "0"), ("1e3", "1000"), ("0.10", "0.1"), ("1e20", "1e+20")]
        {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(Value::from_json(&json).to_json().unwrap().to_string(), written);
        }
    }
}
