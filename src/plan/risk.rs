//! The risks of a change.

mod copies;
mod expiry;
mod filter;
mod judge;
mod seen;

use std::collections::BTreeMap;

use super::{Action, AttributeChange, Change, Detail, Risk, RiskLabel};
use crate::kind::Pace;
use crate::schema::Node;

/// The shortest interruption in seconds that a replacement reports.
const NOTICEABLE_SECONDS: u32 = 60;

/// The risks of each changed attribute, except those within documents. With `drift`, the risks of
/// changes that someone else made.
pub(super) fn of_attributes(change: &Change, drift: bool) -> Vec<Vec<Risk>> {
    let mut all = judge::of_attributes(change, drift);
    for (risks, one) in all.iter_mut().zip(&change.attributes) {
        risks.splice(0..0, of_marks(change, one));
    }
    all
}

/// The risks that follow from an attribute's [`crate::kind::mark::DATA_LOSS`] and
/// [`crate::kind::mark::DOWNTIME`].
fn of_marks(change: &Change, one: &AttributeChange) -> Vec<Risk> {
    let mut risks = Vec::new();
    let replaced = matches!(change.action, Action::Replace { .. });
    if one.data_loss && (replaced || !one.forces_replacement) && change.action != Action::Create {
        risks.push(Risk { label: RiskLabel::DataLoss, words: String::new() });
    }
    if one.downtime && change.action != Action::Create {
        let words = if replaced { String::new() } else { about(pace(change).create_seconds) };
        risks.push(Risk { label: RiskLabel::Downtime, words });
    }
    risks
}

fn pace(change: &Change) -> Pace {
    crate::kinds::kind(&change.address.kind)
        .map_or(Pace { create_seconds: 0, delete_seconds: 0, deadline_seconds: 0 }, |kind| kind.pace())
}

/// A duration in words: `about 15 min`; empty if it is hardly noticeable.
fn about(seconds: u32) -> String {
    match seconds {
        0..NOTICEABLE_SECONDS => String::new(),
        60..5400 => format!("about {} min", seconds.div_ceil(60)),
        _ => format!("about {} h", seconds.div_ceil(3600)),
    }
}

/// The risks of a change: those of its details, and those of deleting or replacing the resource.
/// The worst come first, each label once, with the words of all risks that have it.
pub fn of_change(change: &Change, details: &[Detail]) -> Vec<Risk> {
    let mut found: Vec<Risk> = details.iter().flat_map(|detail| detail.risks.iter().cloned()).collect();
    if matches!(change.action, Action::Delete | Action::Replace { .. }) {
        found.extend(of_resource(change));
    }
    let mut all: BTreeMap<RiskLabel, Vec<String>> = BTreeMap::new();
    for risk in found {
        let words = all.entry(risk.label).or_default();
        if !risk.words.is_empty() && !words.contains(&risk.words) {
            words.push(risk.words);
        }
    }
    all.into_iter()
        .map(|(label, mut words)| {
            let more = words.len().saturating_sub(MAX_WORDS);
            words.truncate(MAX_WORDS);
            if more > 0 {
                words.push(format!("{more} more"));
            }
            Risk { label, words: words.join("; ") }
        })
        .collect()
}

/// The most risks of one label that are listed on the line of a resource.
const MAX_WORDS: usize = 3;

/// The risks of a deletion or replacement.
pub(super) fn of_resource(change: &Change) -> Vec<Risk> {
    if let Some(redacted) = &change.redacted_risks {
        return redacted.own.clone();
    }
    let Some(kind) = crate::kinds::kind(&change.address.kind) else { return Vec::new() };
    let schema = &kind.schema().spec;
    let mut risks = judge::of_destroyed(schema, &change.existing);
    if let Action::Replace { create_first } = change.action {
        // If an attribute that forces a replacement loses data by it, any replacement loses it.
        if change.attributes.iter().all(|one| !one.data_loss) && holds_data(schema) {
            risks.push(Risk { label: RiskLabel::DataLoss, words: String::new() });
        }
        let pace = kind.pace();
        let seconds = pace.create_seconds + pace.delete_seconds;
        if !create_first && seconds >= NOTICEABLE_SECONDS {
            risks.push(Risk { label: RiskLabel::Downtime, words: about(seconds) });
        }
    }
    risks
}

/// Returns whether a new resource of the kind would lack the data of the old one.
fn holds_data(schema: &Node) -> bool {
    schema.fields().into_iter().flatten().any(|(_, field)| field.marks.replace && field.marks.data_loss)
}
