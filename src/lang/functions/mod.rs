//! The function library, with Terraform's names and semantics.

mod arguments;
mod aws;
mod clusters;
mod collection;
mod csv;
mod date;
mod encoding;
mod families;
mod file;
mod fileset;
mod format;
mod function;
mod hash;
pub(super) mod json;
mod letters;
mod network;
mod numeric;
mod pattern;
mod re2;
mod sets;
mod string;
mod text_encoding;
mod types;
mod yaml;

pub(super) use arguments::{Arguments, Problem};
pub(super) use clusters::clusters;
pub(super) use families::{find, names};
pub(super) use function::{Function, Outcome, Reads, TEMPLATE_STRING};
