//! What a resource stands among: the other resources of its stack, for rules that one
//! spec alone cannot break.

use std::collections::BTreeMap;

use super::Known;
use crate::value::Value;

/// Another resource of the stack, as far as its spec is known without AWS.
#[derive(Clone)]
pub struct Peer<'a> {
    /// Its address, for messages.
    pub address: String,
    /// The name of its kind.
    pub kind: &'static str,
    /// Its region.
    pub region: &'a str,
    /// What the stack declares of it.
    pub spec: Known<'a>,
}

/// The other resources of a stack.
pub struct Among<'a> {
    pub(crate) address: String,
    pub(crate) all: &'a BTreeMap<String, Peer<'a>>,
    pub(crate) before: &'a [Peer<'a>],
    pub(crate) region: &'a str,
    pub(crate) account_id: &'a str,
}

impl<'a> Among<'a> {
    /// The address of this one.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The region of this one.
    pub fn region(&self) -> &'a str {
        self.region
    }

    /// The account of the stack, as far as it is known.
    pub fn account_id(&self) -> &'a str {
        self.account_id
    }

    /// Those of the same kind that come before this one, so that of two each sees the other
    /// once.
    pub fn before(&self) -> &'a [Peer<'a>] {
        self.before
    }

    /// Those of [`Among::before`] in the region of this one.
    pub fn before_in_region(&self) -> impl Iterator<Item = &'a Peer<'a>> {
        let region = self.region;
        self.before.iter().filter(move |peer| peer.region == region)
    }

    /// Those of a kind in which an attribute is this text.
    pub fn with<'s>(
        &'s self,
        kind: &'s str,
        attribute: &'s str,
        text: &'s str,
    ) -> impl Iterator<Item = &'a Peer<'a>> + 's {
        self.all.values().filter(move |peer| peer.kind == kind && peer.spec.text(attribute) == Some(text))
    }

    /// The resource of which `value` is an attribute that AWS has not assigned yet, and that
    /// attribute.
    pub fn referred<'v>(&self, value: &'v Value) -> Option<(&'a Peer<'a>, &'v str)> {
        match value {
            Value::Unknown(unknown) => Some((self.all.get(&unknown.address)?, unknown.attribute.as_str())),
            _ => None,
        }
    }
}
