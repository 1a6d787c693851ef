//! The results of an apply, in numbers.

use crate::apply::Summary;

/// The numbers of resources, by what was done to them.
pub(super) fn totals(summary: &Summary) -> String {
    format!(
        "{} created · {} updated · {} destroyed · {} failed · {} skipped",
        summary.created,
        summary.updated,
        summary.destroyed,
        summary.failures.len(),
        summary.skipped.len(),
    )
}
