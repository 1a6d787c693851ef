//! Data that is left to an apply.

use tokio::sync::OnceCell;

use super::retry::Outcome;
use crate::eval::Instance;

/// Data that an apply reads once, before the first resource that needs it.
pub(super) struct Pending<'a> {
    pub(super) instance: Instance<'a>,
    /// Its result, once it was read.
    pub(super) read: OnceCell<Outcome<()>>,
}

impl<'a> Pending<'a> {
    pub(super) fn of(instance: Instance<'a>) -> Self {
        Self { instance, read: OnceCell::new() }
    }
}
