//! Diagnostics as data: what is wrong, where, and what to do about it.
//!
//! Every module reports problems as [`Diagnostic`] values. Only the renderers of this module and
//! `cli/` turn them into text. A diagnostic carries labelled spans into the stack's files, which
//! [`Sources`] keeps in memory.

mod decode;
mod diagnostic;
mod excerpt;
pub mod github;
mod hidden;
mod mask;
mod render;
mod words;

pub use diagnostic::{Diagnostic, FileId, Label, Severity, Sources, Span, nearest, unique};
pub use hidden::{is_hidden, printable, visible, visible_json};
pub use mask::{Outside, learn, learn_whole};
pub use render::{first_diagnostics, render, render_all, render_fitted};
pub use words::{a, counted, filled};
