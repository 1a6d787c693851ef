//! The owner of a resource, as its tags name it.

use crate::aws::Tags;
use crate::graph::Address;

/// The owner of a resource, kept in its tags. They find a resource with an assigned id again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The name of the stack.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The address in the stack, as [`Address::as_tag`] writes it.
    pub address: String,
}

impl Owner {
    /// Key of the stack's tag.
    pub const STACK: &'static str = "dwctl:stack";
    /// Key of the environment's tag.
    pub const ENV: &'static str = "dwctl:env";
    /// Key of the address's tag.
    pub const ADDRESS: &'static str = "dwctl:address";
    /// Key of the tag that is `true` on a protected resource, in case ledger and declaration are lost.
    pub const PROTECT: &'static str = "dwctl:protect";
    /// Key of the tag that is `true` on a retained resource, for the same reason.
    pub const RETAIN: &'static str = "dwctl:retain";
    /// Every key that dwctl sets.
    pub const KEYS: [&'static str; 5] = [Self::STACK, Self::ENV, Self::ADDRESS, Self::PROTECT, Self::RETAIN];

    /// The owner of a resource of a stack.
    pub fn new(stack: &str, env: &str, address: &Address) -> Self {
        Self { stack: stack.to_owned(), env: env.to_owned(), address: address.as_tag() }
    }

    /// The owner as tags.
    pub fn tags(&self) -> Tags {
        Tags::from([
            (Self::STACK.to_owned(), self.stack.clone()),
            (Self::ENV.to_owned(), self.env.clone()),
            (Self::ADDRESS.to_owned(), self.address.clone()),
        ])
    }

    /// Returns whether the tag `key`, [`Self::PROTECT`] or [`Self::RETAIN`], is `true`.
    pub fn says(tags: &Tags, key: &str) -> bool {
        tags.get(key).is_some_and(|value| value == "true")
    }

    /// The owner named by a resource's tags.
    pub fn of(tags: &Tags) -> Option<Self> {
        Some(Self {
            stack: tags.get(Self::STACK)?.clone(),
            env: tags.get(Self::ENV)?.clone(),
            address: tags.get(Self::ADDRESS)?.clone(),
        })
    }
}
