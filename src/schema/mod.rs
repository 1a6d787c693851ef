//! The schema of a kind, derived from its Rust types. Validation, diff, `explain` and the editor's
//! JSON Schema all use it.

mod build;
mod meaning;
mod node;
mod normalize;
mod path;
mod pattern;
mod respell;
mod rules;
mod spelling;
mod validate;

pub use meaning::{Document, Held, RiskMark, RiskSort, When};
pub use node::{Marks, Node, Restored, Schema, Shape};
pub use normalize::{as_written, in_order, normalize, without_absent};
pub use path::{PathStep, parse_path, path_text};
pub use respell::{canonical, respelled};
pub use rules::Rule;
pub use spelling::{Form, Spelling};
pub use validate::{Fault, validate};
