//! Everything that the file of a kind uses: `use crate::kind::prelude::*;`.

pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use super::mark::*;
pub(crate) use super::problems;
pub use super::sdk::{Built, Own, Read, SdkTag, Table, Write, built, is_positive, sdk_tags, tags_from, text};
pub(crate) use super::sdk::{read, set, set_changed, table, table_too, tag_type, tagging};
pub use super::terraform::{
    Block, TerraformPart, block, listed, nested, take, take_block, take_blocks, word,
};
pub use super::*;
pub use crate::aws::{Class, Cx, Error, Result, ResultExt, Scope, Tags};
pub use crate::value::Value;

/// The default of a flag that is on unless the stack says otherwise: `#[serde(default = "yes")]`.
pub fn yes() -> bool {
    true
}

/// Declares the defaults of fields, for `#[serde(default = "path")]`:
///
/// ```ignore
/// defaults! {
///     path: String = "/";
///     max_retries: i32 = 3;
/// }
/// ```
macro_rules! defaults {
    ($($(#[$note:meta])* $vis:vis $name:ident: $type:ty = $value:expr;)+) => {
        $($(#[$note])* $vis fn $name() -> $type { <$type>::from($value) })+
    };
}

pub(crate) use defaults;
