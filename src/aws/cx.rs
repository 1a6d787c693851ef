//! The context of a kind's verbs.

use super::clients::Clients;
use super::scope::{Place, Scope};

/// The context of a kind's verbs: the clients of one region of one account, and the parts of names and
/// ARNs.
#[derive(Clone)]
pub struct Cx {
    /// Clients for the region, made on first use: `cx.aws.glue()`.
    pub aws: std::rc::Rc<Clients>,
    /// Partition, account and region.
    pub scope: Scope,
    /// The same as the engine names it.
    pub place: Place,
    /// The files of the stack.
    pub files: crate::files::Files,
}

/// Tags by name.
pub type Tags = std::collections::BTreeMap<String, String>;
