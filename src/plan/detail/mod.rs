//! Describes the differences inside a resource, in the terms of its domain. All formats of a plan
//! show this, so none says more or less than another.

mod dashboard;
mod firewall;
mod json;
mod model;
mod part;
pub(super) mod policy;
mod routes;
mod schedule;
mod states;
mod table;
mod text;
mod values;
mod wlm;

pub use model::{Detail, Line, Risk, RiskLabel, Sign};
pub use states::state_machine_mermaid;
pub(super) use states::{Chart, Flow, State};
pub use values::value_text;

use part::Part;
pub(super) use values::at;
use values::list_text;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::diff::is_reordered;
use super::new_values::refers_to_replacement;
use super::unreplaced::unknowns;
use super::{Action, AttributeChange, Change, Unreplaced, risk};
pub(super) use crate::schema::path_text;
use crate::schema::{Document, Node, PathStep, Shape};
use crate::value::Value;

/// All differences of a resource. With the time of the plan, schedules also get their next runs.
pub fn details(change: &Change, now: Option<Timestamp>) -> Vec<Detail> {
    details_of(change, now, false)
}

/// Does the same; with `drift`, differences go from the stack's value to the live one.
pub(super) fn details_of(change: &Change, now: Option<Timestamp>, drift: bool) -> Vec<Detail> {
    let schema = crate::kinds::kind(&change.address.kind).map(|kind| &kind.schema().spec);
    let judged = risk::of_attributes(change, drift);
    let mut details = Vec::new();
    let mut rest = change.attributes.as_slice();
    while let Some(first) = rest.first() {
        // Statements of one policy, and rules of one firewall, are described together.
        let place = place_of(first);
        let count = rest.iter().take_while(|one| one.statement == first.statement && place_of(one) == place);
        let (these, others) = rest.split_at(count.count().max(1));
        let from = change.attributes.len() - rest.len();
        let risks = judged.get(from..from + these.len()).unwrap_or_default();
        rest = others;
        let node = schema.and_then(|schema| schema.at(place));
        details.extend(Group { change, node, these, risks, now }.details());
    }
    if let Some(redacted) =
        change.redacted_risks.as_ref().filter(|redacted| redacted.details.len() == details.len())
    {
        for (detail, risks) in details.iter_mut().zip(&redacted.details) {
            detail.risks.clone_from(risks);
        }
    }
    details
}

/// Mermaid pictures of new and changed state machines, each with its attribute. A picture shows the
/// states before and after in one.
pub fn pictures(change: &Change) -> Vec<(String, String)> {
    machines(change)
        .filter_map(|one| {
            let picture = state_machine_mermaid(one.before.as_ref(), one.after.as_ref())?;
            Some((path_text(&one.path), picture))
        })
        .collect()
}

/// The same state machines as charts.
pub(super) fn charts(change: &Change) -> Vec<(String, Chart)> {
    machines(change)
        .filter_map(|one| Some((path_text(&one.path), Chart::of(one.before.as_ref(), one.after.as_ref())?)))
        .collect()
}

fn machines(change: &Change) -> impl Iterator<Item = &AttributeChange> {
    let schema = crate::kinds::kind(&change.address.kind).map(|kind| &kind.schema().spec);
    change.attributes.iter().filter(move |one| {
        let node = schema.and_then(|schema| schema.at(&one.path));
        node.is_some_and(|node| node.document == Some(Document::StatesLanguage))
    })
}

/// The place in the schema that a difference belongs to; for a statement, that of its policy.
fn place_of(change: &AttributeChange) -> &[PathStep] {
    let length = if change.statement { change.path.len().saturating_sub(1) } else { change.path.len() };
    &change.path[..length]
}

/// The differences of one place.
struct Group<'c> {
    change: &'c Change,
    node: Option<&'c Node>,
    these: &'c [AttributeChange],
    /// The risks of each difference, except those of its parts.
    risks: &'c [Vec<Risk>],
    now: Option<Timestamp>,
}

impl Group<'_> {
    /// Describes the differences. Secrets are not shown, but their risks are.
    fn details(&self) -> Vec<Detail> {
        let mut details = self.shown();
        let is_secret =
            |one: &AttributeChange| one.before.iter().chain(&one.after).any(Value::contains_secret);
        if !self.these.iter().any(is_secret) || self.change.redacted_risks.is_some() {
            return details;
        }
        let open: Vec<AttributeChange> = self.these.iter().map(AttributeChange::revealed).collect();
        let change = Change {
            existing: self.change.existing.clone().reveal(),
            unreplaced: self
                .change
                .unreplaced
                .clone()
                .map(|one| Unreplaced { desired: one.desired.reveal(), ..one }),
            attributes: Vec::new(),
            live: None,
            ..self.change.clone()
        };
        let real = Group { change: &change, these: &open, ..*self }.shown();
        let labels = |details: &[Detail]| -> BTreeSet<RiskLabel> {
            details.iter().flat_map(|detail| detail.risks.iter().map(|risk| risk.label)).collect()
        };
        // Risks keep the words of what is shown. A risk that only the secret has is reported
        // without words.
        let real = labels(&real);
        details.iter_mut().for_each(|detail| detail.risks.retain(|risk| real.contains(&risk.label)));
        let missing: Vec<RiskLabel> = real.difference(&labels(&details)).copied().collect();
        if let Some(first) = details.first_mut() {
            first.risks.extend(missing.into_iter().map(|label| Risk { label, words: String::new() }));
        }
        details
    }

    fn shown(&self) -> Vec<Detail> {
        let Some(first) = self.these.first() else { return Vec::new() };
        let creating = self.change.action == Action::Create;
        let document = self.node.and_then(|node| node.document);
        let (before, after) = (first.before.as_ref(), first.after.as_ref());
        if first.stays {
            let part = Part::new(Sign::Changed, stays(before));
            return vec![part.of(&first.path, first)];
        }
        let is_policy = self.node.is_some_and(|node| matches!(node.shape, Shape::Policy));
        let mut parts = match document {
            _ if first.hidden => Vec::new(),
            _ if first.statement => policy::statements(
                self.these.iter().filter_map(|one| one.before.as_ref()),
                self.these.iter().filter_map(|one| one.after.as_ref()),
                creating,
            ),
            _ if is_policy => policy::whole(before, after, creating),
            Some(Document::Ingress | Document::Egress) => firewall::rules(
                self.these.iter().filter_map(|one| one.before.as_ref()),
                self.these.iter().filter_map(|one| one.after.as_ref()),
                document == Some(Document::Ingress),
                creating,
            ),
            Some(Document::Routes) => routes::routes(
                self.these.iter().filter_map(|one| one.before.as_ref()),
                self.these.iter().filter_map(|one| one.after.as_ref()),
                creating,
            ),
            Some(Document::StatesLanguage) => pair(before, after).map_or_else(Vec::new, states::machine),
            Some(Document::Dashboard) => pair(before, after).map_or_else(Vec::new, dashboard::widgets),
            Some(Document::Wlm) => pair(before, after).map_or_else(Vec::new, wlm::queues),
            Some(
                Document::Pattern
                | Document::Schedule
                | Document::Lifecycle
                | Document::Replication
                | Document::File
                | Document::Content
                | Document::Checksum
                | Document::Json,
            )
            | None => Vec::new(),
        };
        if parts.is_empty() {
            let risks = self.risks.iter().cloned().chain(std::iter::repeat_with(Vec::new));
            return self.these.iter().zip(risks).map(|(one, risks)| self.as_it_is(one, risks)).collect();
        }
        self.drop_unreal_risks(&mut parts);
        let own = self.risks.iter().flatten().cloned().collect::<Vec<_>>();
        let mut details: Vec<Detail> =
            parts.into_iter().map(|part| part.of(place_of(first), first)).collect();
        if let Some(first) = details.first_mut() {
            first.risks.extend(own);
            first.risks.dedup();
        }
        details
    }

    /// Removes risks that are not real. A policy or firewall may seem to open access only because
    /// it names a replaced resource, whose id is unknown. The remaining risks are those it would
    /// have if the resource were not replaced.
    fn drop_unreal_risks(&self, parts: &mut [Part]) {
        let (Some(unreplaced), Some(first)) = (&self.change.unreplaced, self.these.first()) else { return };
        let mut unknown = BTreeSet::new();
        self.these.iter().filter_map(|one| one.after.as_ref()).for_each(|one| unknowns(one, &mut unknown));
        // Unknown, or a reference in its place.
        let renewed = |address: &str| {
            unknown.contains(address)
                || self
                    .these
                    .iter()
                    .any(|one| one.after.as_ref().is_some_and(|one| refers_to_replacement(one, address)))
        };
        let replaced: Vec<&str> =
            unreplaced.replaced.iter().map(String::as_str).filter(|address| renewed(address)).collect();
        if replaced.is_empty() {
            return;
        }
        let place = place_of(first);
        let (before, after) = (at(&self.change.existing, place), at(&unreplaced.desired, place));
        let list = |value: Option<&Value>| -> Vec<Value> {
            let value = if first.statement { value.and_then(|value| value.get("Statement")) } else { value };
            value.and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default()
        };
        let (before, after) = (list(before), list(after));
        let (gone, come) = (
            before.iter().filter(|one| !after.contains(one)),
            after.iter().filter(|one| !before.contains(one)),
        );
        let real = match self.node.and_then(|node| node.document) {
            _ if first.statement => policy::statements(gone, come, false),
            Some(document @ (Document::Ingress | Document::Egress)) => {
                firewall::rules(gone, come, document == Document::Ingress, false)
            }
            _ => return,
        };
        let mut real: Vec<Risk> = real.into_iter().flat_map(|part| part.risks).collect();
        let verb = if replaced.len() == 1 { "is" } else { "are" };
        let note = format!("only because {} {verb} replaced", replaced.join(", "));
        for part in parts.iter_mut() {
            let count = part.risks.len();
            part.risks.retain(|risk| match real.iter().position(|one| one == risk) {
                Some(at) => {
                    real.remove(at);
                    true
                }
                None => risk.label != RiskLabel::Access,
            });
            if part.risks.len() < count {
                part.notes.push(note.clone());
            }
        }
        // These risks are real, although the parts describe them in other words.
        if let Some(first) = parts.first_mut() {
            first.risks.extend(real);
        }
    }

    /// Further text that AWS returns for it, such as the rules of a group that is to have none.
    fn described_by(&self) -> Vec<String> {
        let attribute = self.node.and_then(|node| node.described_by.as_ref());
        let list = attribute.and_then(|name| self.change.live.as_ref()?.attrs.get(name)?.as_list());
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(|text| format!("at AWS, {text}")).collect()
    }

    /// The stack's file that provides the resource's content.
    fn file(&self) -> Option<&str> {
        let schema = &crate::kinds::kind(&self.change.address.kind)?.schema().spec;
        let name = schema.field_of(Document::File)?;
        [&self.change.desired, &self.change.existing].into_iter().find_map(|spec| spec.get(name)?.as_str())
    }

    fn as_it_is(&self, one: &AttributeChange, risks: Vec<Risk>) -> Detail {
        let mut detail = Detail { risks, ..plain(one) };
        let document = self.node.and_then(|node| node.document);
        let of = match document {
            _ if self.change.action == Action::Create => None,
            Some(Document::Checksum) => Some("content of"),
            Some(Document::Content) => Some("file"),
            _ => None,
        };
        detail.notes.extend(of.zip(self.file()).map(|(of, file)| format!("{of} {file}")));
        if one.hidden {
            return detail;
        }
        detail.notes.extend(self.described_by());
        if document == Some(Document::Schedule) {
            detail.notes.extend(schedule::notes(one.before.as_ref(), one.after.as_ref(), self.now));
        }
        if let (Some(Value::String(before)), Some(Value::String(after))) = (&one.before, &one.after)
            && let Some(lines) = text::hunks(before, after)
        {
            (detail.before, detail.after, detail.lines) = (None, None, lines);
        } else if let Some(lines) = table::lines(one.before.as_ref(), one.after.as_ref()) {
            (detail.before, detail.after, detail.lines) = (None, None, lines);
        }
        detail
    }
}

/// Describes an attribute that the stack wrote and no longer declares.
fn stays(value: Option<&Value>) -> String {
    const WORDS: &str = "no longer declared, stays as it is";
    match value.filter(|value| !matches!(value, Value::List(_) | Value::Map(_) | Value::Secret(_))) {
        Some(value) => format!("{WORDS}: {}", value_text(value)),
        None => WORDS.to_owned(),
    }
}

fn pair<'v>(before: Option<&'v Value>, after: Option<&'v Value>) -> Option<(&'v Value, &'v Value)> {
    before.zip(after)
}

/// Describes a difference as it is, without looking into documents.
pub(super) fn plain(change: &AttributeChange) -> Detail {
    let sign = match (&change.before, &change.after) {
        _ if change.hidden => Sign::Changed,
        (None, Some(_)) => Sign::Added,
        (Some(_), None) => Sign::Removed,
        _ => Sign::Changed,
    };
    let reordered = match (&change.before, &change.after) {
        (Some(Value::List(before)), Some(Value::List(after))) => is_reordered(before, after),
        _ => false,
    };
    let detail = Detail {
        attribute: path_text(&change.path),
        part: String::new(),
        sign,
        before: change.before.clone(),
        after: change.after.clone(),
        hidden: change.hidden,
        lines: Vec::new(),
        notes: if reordered { vec!["the same in another order".to_owned()] } else { Vec::new() },
        forces_replacement: change.forces_replacement,
        risks: Vec::new(),
        cause: change.cause,
    };
    match change.before.as_ref().or(change.after.as_ref()).filter(|_| change.statement) {
        Some(value) => Detail {
            attribute: path_text(&change.path[..change.path.len().saturating_sub(1)]),
            part: policy::sentence(value),
            before: None,
            after: None,
            ..detail
        },
        None => detail,
    }
}
