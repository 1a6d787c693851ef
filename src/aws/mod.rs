//! AWS, seen from the engine: sessions by region, clients, the metered transport,
//! and one class for every error. This room knows no kind.

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

/// What a kind's verbs get to work with: the clients of one region of one account,
/// and the facts that names and ARNs are made of.
#[derive(Clone)]
pub struct Cx {
    /// Clients for the region, made when first used: `cx.aws.glue()`.
    pub aws: std::rc::Rc<Clients>,
    /// Partition, account and region.
    pub scope: Scope,
    /// The files of the stack.
    pub files: crate::files::Files,
}

/// Tags by name.
pub type Tags = std::collections::BTreeMap<String, String>;
