//! The other resources of the stack, for rules that concern several specs.

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
    /// Its desired spec.
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
    /// The address of the resource that is checked.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its region.
    pub fn region(&self) -> &'a str {
        self.region
    }

    /// The account of the stack, if known.
    pub fn account_id(&self) -> &'a str {
        self.account_id
    }

    /// The resources of the same kind that come before this one, so that each pair is checked once.
    pub fn before(&self) -> &'a [Peer<'a>] {
        self.before
    }

    /// The resources of [`Among::before`] in the same region.
    pub fn before_in_region(&self) -> impl Iterator<Item = &'a Peer<'a>> {
        let region = self.region;
        self.before.iter().filter(move |peer| peer.region == region)
    }

    /// The resources of a kind whose attribute is this text.
    pub fn with<'s>(
        &'s self,
        kind: &'s str,
        attribute: &'s str,
        text: &'s str,
    ) -> impl Iterator<Item = &'a Peer<'a>> + 's {
        self.all.values().filter(move |peer| peer.kind == kind && peer.spec.text(attribute) == Some(text))
    }

    /// For an unknown `value`: the resource and the attribute of it that AWS will assign.
    pub fn referred<'v>(&self, value: &'v Value) -> Option<(&'a Peer<'a>, &'v str)> {
        match value {
            Value::Unknown(unknown) => Some((self.all.get(&unknown.address)?, unknown.attribute.as_str())),
            _ => None,
        }
    }
}
