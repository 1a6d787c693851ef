//! Which risks of a plan need consent.

use std::collections::{BTreeMap, BTreeSet};

use super::words::visible;
use super::{Action, Change, Plan, RiskLabel, details, of_change};
use crate::diag::Diagnostic;
use crate::graph::Address;

/// The risks that a run may take without asking: `--allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Updates and replacements may lose data.
    pub data_loss: bool,
    /// The service may be interrupted.
    pub downtime: bool,
    /// Resources that hold data, or cannot be restored, may be destroyed.
    pub destroy: bool,
}

impl Allowed {
    /// Allows everything, as a request to destroy everything implies.
    pub fn everything() -> Self {
        Self { data_loss: true, downtime: true, destroy: true }
    }
}

/// Checks that all risks of the plan are allowed. Destroying a resource that holds data or cannot
/// be restored needs `destroy`. Changes that lose data or interrupt the service need `data-loss` or
/// `downtime`.
///
/// # Errors
/// One for each resource, with what it would lose, the attribute responsible, and the option that
/// allows it.
pub fn consent(plan: &Plan, allowed: &Allowed) -> Result<(), Vec<Diagnostic>> {
    let problems: Vec<Diagnostic> = costly(plan).filter_map(|change| refusal(change, allowed)).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The `--allow` values that `apply --yes` needs for the plan: `data-loss`, `destroy`, `downtime`.
pub fn needed(plan: &Plan) -> BTreeSet<&'static str> {
    costly(plan).flat_map(|change| demands(change, &Allowed::default()).0).collect()
}

/// The changes that may need consent.
fn costly(plan: &Plan) -> impl Iterator<Item = &Change> {
    plan.effective().filter(|change| !change.is_only_ownership())
}

/// The missing `--allow` values of a change, and what it would lose, by which attribute.
fn demands(change: &Change, allowed: &Allowed) -> (BTreeSet<&'static str>, Vec<String>) {
    let details = details(change, None);
    let mut needed: BTreeSet<&'static str> = BTreeSet::new();
    let mut notes = Vec::new();
    for risk in of_change(change, &details) {
        let word = match (risk.label, change.action) {
            (RiskLabel::DataLoss | RiskLabel::Irreversible, Action::Delete) if !allowed.destroy => "destroy",
            (RiskLabel::DataLoss | RiskLabel::Irreversible, Action::Delete) => continue,
            (RiskLabel::DataLoss, _) if !allowed.data_loss => "data-loss",
            (RiskLabel::Downtime, _) if !allowed.downtime => "downtime",
            _ => continue,
        };
        needed.insert(word);
        let causes: Vec<String> = details
            .iter()
            .filter(|detail| detail.risks.iter().any(|one| one.label == risk.label))
            .map(|detail| detail.attribute.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let mut note = risk.label.words().to_owned();
        if !causes.is_empty() {
            note.push_str(&format!(" by {}", causes.join(", ")));
        }
        if !risk.words.is_empty() {
            note.push_str(&format!(": {}", risk.words));
        }
        notes.push(visible(&note));
    }
    (needed, notes)
}

fn refusal(change: &Change, allowed: &Allowed) -> Option<Diagnostic> {
    let (needed, notes) = demands(change, allowed);
    if needed.is_empty() {
        return None;
    }
    let verb = match change.action {
        Action::Delete => "destroy",
        Action::Replace { .. } => "replace",
        Action::Create => "create",
        _ => "change",
    };
    let mut problem = Diagnostic::error("not-allowed", format!("the plan would {verb} {}", change.address));
    for note in notes {
        problem = problem.note(note);
    }
    let needed: Vec<&str> = needed.into_iter().collect();
    Some(problem.help(format!("to continue without asking, add --allow {}", needed.join(","))))
}

impl Plan {
    /// The risks of the plan by label, the worst first: the addresses and the words for each.
    pub fn risks(&self) -> BTreeMap<RiskLabel, Vec<(&Address, String)>> {
        let mut all: BTreeMap<RiskLabel, Vec<(&Address, String)>> = BTreeMap::new();
        for change in self.effective().filter(|change| !change.is_only_ownership()) {
            for risk in of_change(change, &details(change, None)) {
                all.entry(risk.label).or_default().push((&change.address, risk.words));
            }
        }
        all
    }
}
