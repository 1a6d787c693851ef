//! Forms in which values of a plan are written to a file.

pub(super) mod known;
pub(super) mod moment;
pub(super) mod warnings;
