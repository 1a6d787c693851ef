//! The values of the stack language, with the two that make a plan honest:
//! **unknown** (AWS has not decided it yet) and **secret** (it may be printed nowhere).

use std::collections::BTreeMap;
use std::fmt;

/// A value of the stack language.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing: an attribute that is null is as if it were not written.
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
    /// Values by name; iterates in the order of names, as Terraform's maps do.
    Map(BTreeMap<String, Value>),
    /// Not decided yet; says what decides it.
    Unknown(Unknown),
    /// A value that may be printed and kept nowhere. Never nested in itself.
    Secret(Box<Value>),
}

/// Why a value is unknown: the attribute of a resource that AWS decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The address of the resource that decides it, such as `kms_key.data`.
    pub address: String,
    /// The attribute of it, such as `arn`; empty where the whole resource is meant.
    pub attribute: String,
}

/// A number: integers are exact in 64 bits, everything else is a double. A double
/// without a fraction that fits an integer is always an integer, so that `==` is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// Anything else; finite.
    Float(f64),
}
