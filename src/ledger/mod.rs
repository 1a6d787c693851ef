//! The identity store: which resources the stack owns, and their ids. It holds names and keyed
//! fingerprints, never a value.
//!
//! A ledger lives in a local file or in S3 ([`Store`]); whoever changes it holds its lock ([`Lock`]).
//! Its format has a version. A change that an older dwctl must understand raises the version, and the
//! older one refuses the ledger. Other changes only add fields, which an older version keeps as they
//! are.

mod bucket;
mod file;
mod fingerprint;
mod holder;
mod lock;
mod model;
mod objects;
mod s3;
mod store;

pub use bucket::ensure as ensure_bucket;
pub use file::FileStore;
pub use fingerprint::{Fingerprints, is_of_canonical, is_of_secret, of_canonical};
pub use holder::Holder;
pub use lock::{Lock, LockState};
pub use model::{Entry, Intent, KnownAccount, Ledger, Obsolete, Unknown, VERSION, now};
pub use objects::Place;
pub use s3::S3Store;
pub use store::{Snapshot, Store};
