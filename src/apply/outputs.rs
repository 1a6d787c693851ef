//! Records the outputs of a stack in the ledger.

use std::collections::BTreeMap;

use super::ledger_writer::LedgerWriter;
use crate::eval::EvalContext;
use crate::plan::{self, Plan, Reason};

/// Records the outputs after the apply. Outputs that depend on an unselected resource
/// keep their entries.
pub(super) fn record_outputs(plan: &Plan, eval: &EvalContext<'_>, partial: bool, writer: &LedgerWriter<'_>) {
    let mut ledger = writer.ledger.borrow_mut();
    let goes = plan.changes.iter().any(|change| change.reason == Reason::Destroy);
    if goes && !ledger.resources.is_empty() {
        return;
    }
    if partial {
        plan::show_unselected(eval, &ledger, &plan.changes);
    }
    let outputs = if goes { BTreeMap::new() } else { eval.each_output() };
    let mut prints = BTreeMap::new();
    for (name, (value, problems)) in &outputs {
        // In a partial apply, a declared resource may not exist.
        let is_there = problems.is_empty() && (!partial || eval.is_of_resources(name));
        let print = is_there.then(|| ledger.print_of_output(name, value)).flatten();
        let print = print.or_else(|| ledger.outputs.get(name).cloned());
        prints.extend(print.map(|print| (name.clone(), print)));
    }
    if ledger.outputs != prints {
        ledger.outputs = prints;
        writer.dirty.set(true);
    }
}
