//! The other resources of the stack, for rules that concern several specs.

use std::cell::RefCell;
use std::collections::HashMap;

use super::Known;
use crate::aws::Place;
use crate::value::Value;

/// Another resource of the stack, as far as its spec is known without AWS.
#[derive(Clone)]
pub struct Peer<'a> {
    /// Its address, for messages.
    pub address: String,
    /// The name of its kind.
    pub kind: &'static str,
    /// Its region, and its account if that is not the stack's own.
    pub place: &'a Place,
    /// Its desired spec.
    pub spec: Known<'a>,
}

/// All resources of a stack, found by address and by what they say.
pub(crate) struct Peers<'a> {
    all: Vec<Peer<'a>>,
    by_address: HashMap<String, usize>,
    /// For each kind and attribute that was asked for: the resources by the text of the attribute.
    by_text: RefCell<HashMap<(String, String), ByText<'a>>>,
}

/// The places of the resources with each text.
type ByText<'a> = HashMap<&'a str, Vec<usize>>;

impl<'a> Peers<'a> {
    pub(crate) fn new(all: Vec<Peer<'a>>) -> Self {
        let by_address = all.iter().enumerate().map(|(at, peer)| (peer.address.clone(), at)).collect();
        Self { all, by_address, by_text: RefCell::default() }
    }

    /// The resources, in the order in which they were given.
    pub(crate) fn all(&self) -> &[Peer<'a>] {
        &self.all
    }

    fn with(&self, kind: &str, attribute: &str, text: &str) -> Vec<usize> {
        let mut by_text = self.by_text.borrow_mut();
        let index = by_text.entry((kind.to_owned(), attribute.to_owned())).or_insert_with(|| {
            let mut index = ByText::new();
            for (at, peer) in self.all.iter().enumerate().filter(|(_, peer)| peer.kind == kind) {
                if let Some(text) = peer.spec.text(attribute) {
                    index.entry(text).or_default().push(at);
                }
            }
            index
        });
        index.get(text).cloned().unwrap_or_default()
    }
}

/// The other resources of a stack.
pub struct Among<'a> {
    pub(crate) address: &'a str,
    pub(crate) peers: &'a Peers<'a>,
    pub(crate) before: Vec<&'a Peer<'a>>,
    pub(crate) place: &'a Place,
    pub(crate) account_id: &'a str,
}

impl<'a> Among<'a> {
    /// The address of the resource that is checked.
    pub fn address(&self) -> &str {
        self.address
    }

    /// Its region.
    pub fn region(&self) -> &'a str {
        &self.place.region
    }

    /// The account of the stack, if known.
    pub fn account_id(&self) -> &'a str {
        self.account_id
    }

    /// The resources of the same kind that come before this one, so that each pair is checked once. Only
    /// those that claim something that this one claims, too ([`Kind::claims`](super::Kind::claims)).
    pub fn before(&self) -> impl Iterator<Item = &'a Peer<'a>> {
        self.before.iter().copied()
    }

    /// The resources of a kind whose attribute is this text.
    pub fn with(&self, kind: &str, attribute: &str, text: &str) -> impl Iterator<Item = &'a Peer<'a>> {
        let peers = self.peers;
        peers.with(kind, attribute, text).into_iter().filter_map(|at| peers.all.get(at))
    }

    /// For an unknown `value`: the resource and the attribute of it that AWS will assign.
    pub fn referred<'v>(&self, value: &'v Value) -> Option<(&'a Peer<'a>, &'v str)> {
        match value {
            Value::Unknown(unknown) => {
                let at = self.peers.by_address.get(&unknown.address)?;
                Some((self.peers.all.get(*at)?, unknown.attribute.as_str()))
            }
            _ => None,
        }
    }
}
