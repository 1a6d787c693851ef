//! The expressions of a stack: `"${…}"` in HCL's own syntax, with values of type
//! [`Value`](crate::value::Value).
//!
//! [`Template::parse`] turns a TOML string into a tree once; [`Template::evaluate`] evaluates it
//! in a [`Scope`]. Nothing here does I/O except the `file` functions, and they read through
//! [`Scope::files`].

mod budget;
mod convert;
mod evaluate;
mod functions;
mod parse;
mod reference;
mod scope;
mod template;
mod tree;
mod unify;

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests;

pub use budget::Budget;
pub use convert::{to_bool, to_number, to_text};
pub use reference::{Reference, Step, descend};
pub use scope::{Names, Scope, unknown_name};
pub use template::Template;
pub use unify::unify;
