//! The engine's view of AWS: sessions by account and region, clients, the metered transport, and one class for
//! each error. Nothing here knows a kind.

mod answer;
mod audit;
mod class;
mod classify;
mod clients;
mod codes;
mod cx;
mod error;
mod meter;
mod pages;
mod rate;
mod scope;
mod session;
mod tag_index;
mod transport;

pub use audit::{Audit, on_behalf_of};
pub use class::Class;
pub use clients::Clients;
pub use cx::{Cx, Tags};
pub use error::{Error, Result, ResultExt};
pub use meter::{CallCounts, Meter};
pub use scope::{Place, Scope};
pub use session::{Access, Options, Reached, Session};
pub use tag_index::tags_by_arn;
