//! The contract of a resource kind: typed for its author, erased for the engine.
//!
//! A kind is one file. It defines the user's settings ([`Kind::Spec`]), the attributes that AWS
//! assigns ([`Kind::Attrs`]), and its verbs. It has no diff, no retry and no sleep: the engine
//! compares by schema, retries by error class, and reads until AWS has converged.
//!
//! This file only re-exports, so that every file of the contract can use the others without a circle.

mod among;
mod attributes;
mod contract;
mod data_only;
mod document;
mod erased;
mod finder;
mod identity;
mod known;
mod link;
mod lookup;
pub mod mark;
mod named;
mod names;
mod owner;
mod pattern;
mod policy;
pub mod prelude;
mod problem;
mod rules;
mod schedule;
pub mod sdk;
mod service_policy;
mod statements;
mod template;
pub mod terraform;
mod types;

pub use crate::files::Files;
pub use crate::limits::SHOWN_CONTENT;
pub use crate::schema::Form;

pub use crate::diag::{a, counted, nearest};
pub(crate) use among::Peers;
pub use among::{Among, Peer};
pub use attributes::{Attributes, attributes_of, from_attributes, keyed, to_attributes};
pub use contract::{
    Actions, Created, DeleteCheck, Deletion, Kind, Live, NewResource, OnExisting, Pace, Reads, Settling,
    State, TagRules, answer, each, each_found, failed, id_of,
};
pub use data_only::{DataKind, Only};
pub use document::{canonical_json, canonical_pattern, canonical_policy, in_document};
#[cfg(test)]
pub(crate) use erased::problems_of;
pub use erased::{ErasedCreated, ErasedKind, ErasedLive, ReadRequest, erase};
pub use finder::{Filter, Finder, FoundBy, Way, each_filter};
pub use identity::{Identity, Predicted};
pub use known::{Known, fill_in, is_unset};
pub use link::{Hold, Link};
pub use lookup::{Applied, Lookup};
pub use names::Names;
pub use owner::Owner;
pub use pattern::check_pattern;
pub use policy::{PolicyUse, check_policy};
pub use problem::Problem;
pub(crate) use problem::problems;
pub use schedule::{check_schedule, least_minutes, never_comes};
pub use service_policy::check_service_policy;
pub use statements::{
    Statement, check_actions, check_statements, foreign_actions, has_hidden_statement, matches_pattern,
};
pub use terraform::Terraform;
pub use types::{Json, PolicyDocument, Secret};
