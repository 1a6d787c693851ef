//! The engine's view of AWS: sessions by region, clients, the metered transport, and one class for
//! each error. Nothing here knows a kind.

mod answer;
mod audit;
mod clients;
mod codes;
mod error;
mod meter;
mod pages;
mod rate;
mod session;
mod tag_index;
mod transport;

pub use audit::{Audit, on_behalf_of};
pub use clients::Clients;
pub use error::{Class, Error, Result, ResultExt};
pub use meter::{Bill, Meter};
pub use session::{Options, Scope, Session};
pub use tag_index::tags_by_arn;

/// The context of a kind's verbs: the clients of one region of one account, and the parts of names and
/// ARNs.
#[derive(Clone)]
pub struct Cx {
    /// Clients for the region, made on first use: `cx.aws.glue()`.
    pub aws: std::rc::Rc<Clients>,
    /// Partition, account and region.
    pub scope: Scope,
    /// The files of the stack.
    pub files: crate::files::Files,
}

/// Tags by name.
pub type Tags = std::collections::BTreeMap<String, String>;
