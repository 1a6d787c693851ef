//! What differs inside a resource, in the words of what it is: what every format of a plan
//! shows, so that none says more or less than another.

mod dashboard;
mod firewall;
mod json;
pub(super) mod policy;
mod schedule;
mod states;
mod table;
mod text;
mod wlm;

pub use states::state_machine_mermaid;
pub(super) use states::{Chart, Flow, State};

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::compare::is_anew;
use super::diff::is_reordered;
use super::hindsight::unknowns;
use super::{Action, AttributeChange, Cause, Change, Kept, risk};
use crate::diag::{visible, visible_json};
pub(super) use crate::schema::path_text;
use crate::schema::{Document, Node, PathStep, Shape};
use crate::value::Value;

pub use crate::schema::RiskSort as RiskLabel;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// The attribute that it is of, as a reference writes it: `policies.access`.
    pub attribute: String,
    /// The part of the attribute, in the words of its domain: a policy statement as a
    /// sentence, `state Load`, `widget "Errors"`; empty where it is the attribute as a whole.
    pub part: String,
    /// Whether it comes, goes or changes.
    pub sign: Sign,
    /// What is there, where that is worth showing beside [`Self::part`].
    pub before: Option<Value>,
    /// What is wanted, likewise.
    pub after: Option<Value>,
    /// Whether AWS cannot tell what is there.
    pub hidden: bool,
    /// Of a long text, the lines that differ, with a few around them.
    pub lines: Vec<Line>,
    /// What else there is to say: `in words: every day at 02:00 UTC`.
    pub notes: Vec<String>,
    /// Whether the resource must be made anew for it.
    pub forces_replacement: bool,
    /// What it may cost.
    pub risks: Vec<Risk>,
    /// Who made it differ.
    pub cause: Cause,
}

/// Whether something comes, goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It changes.
    Changed,
}

impl Sign {
    /// As it is shown.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
        }
    }
}

/// A line of a long text that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it comes or goes; `None` for one that stays and is shown for orientation.
    pub sign: Option<Sign>,
    /// The line, without its break.
    pub text: String,
}

/// What a change may cost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Risk {
    /// Its sort.
    pub label: RiskLabel,
    /// More about it: `about 15 min`, `opens port 5439 to 0.0.0.0/0`; may be empty.
    pub words: String,
}

/// Everything that differs in a resource. With the time of the plan, of a schedule the next
/// runs are told.
pub fn details(change: &Change, now: Option<Timestamp>) -> Vec<Detail> {
    details_of(change, now, false)
}

/// The same; with `drift`, what differs is told from the stack's side to AWS's.
pub(super) fn details_of(change: &Change, now: Option<Timestamp>, drift: bool) -> Vec<Detail> {
    let schema = crate::kinds::kind(&change.address.kind).map(|kind| &kind.schema().spec);
    let judged = risk::of_attributes(change, drift);
    let mut told = Vec::new();
    let mut rest = change.attributes.as_slice();
    while let Some(first) = rest.first() {
        // The statements of a policy, and the rules of a firewall, are told together.
        let place = place_of(first);
        let count = rest.iter().take_while(|one| one.statement == first.statement && place_of(one) == place);
        let (these, others) = rest.split_at(count.count().max(1));
        let from = change.attributes.len() - rest.len();
        let risks = judged.get(from..from + these.len()).unwrap_or_default();
        rest = others;
        let node = schema.and_then(|schema| schema.at(place));
        told.extend(Group { change, node, these, risks, now }.details());
    }
    if let Some(veiled) = change.veiled_risks.as_ref().filter(|veiled| veiled.details.len() == told.len()) {
        for (detail, risks) in told.iter_mut().zip(&veiled.details) {
            detail.risks.clone_from(risks);
        }
    }
    told
}

/// The pictures of the state machines that are new or change, before and after in one, as
/// Mermaid, with the attribute that each is of.
pub fn pictures(change: &Change) -> Vec<(String, String)> {
    machines(change)
        .filter_map(|one| {
            let picture = state_machine_mermaid(one.before.as_ref(), one.after.as_ref())?;
            Some((path_text(&one.path), picture))
        })
        .collect()
}

/// The same to be drawn otherwise.
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

/// The place in the schema that a difference is of: of a statement, its policy.
fn place_of(change: &AttributeChange) -> &[PathStep] {
    let length = if change.statement { change.path.len().saturating_sub(1) } else { change.path.len() };
    &change.path[..length]
}

/// Differences of one place.
struct Group<'c> {
    change: &'c Change,
    node: Option<&'c Node>,
    these: &'c [AttributeChange],
    /// The risks of each of them, beyond what is in it.
    risks: &'c [Vec<Risk>],
    now: Option<Timestamp>,
}

impl Group<'_> {
    /// What is secret is not told, but what it may cost is.
    fn details(&self) -> Vec<Detail> {
        let mut told = self.shown();
        let is_secret =
            |one: &AttributeChange| one.before.iter().chain(&one.after).any(Value::contains_secret);
        if !self.these.iter().any(is_secret) || self.change.veiled_risks.is_some() {
            return told;
        }
        let open: Vec<AttributeChange> = self.these.iter().map(AttributeChange::revealed).collect();
        let change = Change {
            existing: self.change.existing.clone().reveal(),
            kept: self.change.kept.clone().map(|kept| Kept { wanted: kept.wanted.reveal(), ..kept }),
            attributes: Vec::new(),
            live: None,
            ..self.change.clone()
        };
        let real = Group { change: &change, these: &open, ..*self }.shown();
        let labels = |details: &[Detail]| -> BTreeSet<RiskLabel> {
            details.iter().flat_map(|detail| detail.risks.iter().map(|risk| risk.label)).collect()
        };
        // In the words of what is shown; of what only the secret tells, no word but its sort.
        let real = labels(&real);
        told.iter_mut().for_each(|detail| detail.risks.retain(|risk| real.contains(&risk.label)));
        let missing: Vec<RiskLabel> = real.difference(&labels(&told)).copied().collect();
        if let Some(first) = told.first_mut() {
            first.risks.extend(missing.into_iter().map(|label| Risk { label, words: String::new() }));
        }
        told
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
                | Document::Checksum,
            )
            | None => Vec::new(),
        };
        if parts.is_empty() {
            let risks = self.risks.iter().cloned().chain(std::iter::repeat_with(Vec::new));
            return self.these.iter().zip(risks).map(|(one, risks)| self.as_it_is(one, risks)).collect();
        }
        self.excuse(&mut parts);
        let own = self.risks.iter().flatten().cloned().collect::<Vec<_>>();
        let mut told: Vec<Detail> = parts.into_iter().map(|part| part.of(place_of(first), first)).collect();
        if let Some(first) = told.first_mut() {
            first.risks.extend(own);
            first.risks.dedup();
        }
        told
    }

    /// What a policy or a firewall opens only since what it names is made anew, and so is
    /// unknown, is no news to who reviews it: the risks are those that there would be if it
    /// were not.
    fn excuse(&self, parts: &mut [Part]) {
        let (Some(kept), Some(first)) = (&self.change.kept, self.these.first()) else { return };
        let mut unknown = BTreeSet::new();
        self.these.iter().filter_map(|one| one.after.as_ref()).for_each(|one| unknowns(one, &mut unknown));
        // Unknown, or on paper.
        let renewed = |address: &str| {
            unknown.contains(address)
                || self.these.iter().any(|one| one.after.as_ref().is_some_and(|one| is_anew(one, address)))
        };
        let replaced: Vec<&str> =
            kept.replaced.iter().map(String::as_str).filter(|address| renewed(address)).collect();
        if replaced.is_empty() {
            return;
        }
        let place = place_of(first);
        let (before, after) = (at(&self.change.existing, place), at(&kept.wanted, place));
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
        let note = format!(
            "known after {} {} replaced",
            replaced.join(", "),
            if replaced.len() == 1 { "is" } else { "are" }
        );
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
        // Told in other words above, they are no less real.
        if let Some(first) = parts.first_mut() {
            first.risks.extend(real);
        }
    }

    /// What AWS itself tells of it besides, such as the rules of a group that is to be without any.
    fn told_by(&self) -> Vec<String> {
        let told = self.node.and_then(|node| node.told_by.as_ref());
        let told = told.and_then(|name| self.change.live.as_ref()?.attrs.get(name)?.as_list());
        let texts = told.into_iter().flatten().filter_map(Value::as_str);
        texts.map(|text| format!("at AWS, {text}")).collect()
    }

    /// The file of the stack that the resource's content comes from.
    fn file(&self) -> Option<&str> {
        let schema = &crate::kinds::kind(&self.change.address.kind)?.schema().spec;
        let is_file = |node: &Node| node.document == Some(Document::File);
        let (name, _) = schema.fields()?.iter().find(|(_, node)| is_file(node))?;
        [&self.change.wanted, &self.change.existing].into_iter().find_map(|spec| spec.get(name)?.as_str())
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
        detail.notes.extend(self.told_by());
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

/// What is said of what the stack wrote and no longer declares.
fn stays(value: Option<&Value>) -> String {
    const WORDS: &str = "no longer declared, stays as it is";
    match value.filter(|value| !matches!(value, Value::List(_) | Value::Map(_) | Value::Secret(_))) {
        Some(value) => format!("{WORDS}: {}", value_text(value)),
        None => WORDS.to_owned(),
    }
}

/// What is at a place of a value.
pub(super) fn at<'v>(value: &'v Value, place: &[PathStep]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, step| match step {
        PathStep::Name(name) => value.get(name),
        PathStep::Index(index) => value.as_list()?.get(*index),
    })
}

fn pair<'v>(before: Option<&'v Value>, after: Option<&'v Value>) -> Option<(&'v Value, &'v Value)> {
    before.zip(after)
}

/// A part of an attribute that differs, in the words of its domain.
struct Part {
    part: String,
    sign: Sign,
    before: Option<Value>,
    after: Option<Value>,
    notes: Vec<String>,
    risks: Vec<Risk>,
}

impl Part {
    fn new(sign: Sign, part: impl Into<String>) -> Self {
        Self { part: part.into(), sign, before: None, after: None, notes: Vec::new(), risks: Vec::new() }
    }

    /// What is there and what is wanted: one of them may be missing.
    fn between(part: impl Into<String>, before: Option<&Value>, after: Option<&Value>) -> Self {
        let sign = match (before, after) {
            (None, Some(_)) => Sign::Added,
            (Some(_), None) => Sign::Removed,
            _ => Sign::Changed,
        };
        Self { before: before.cloned(), after: after.cloned(), ..Self::new(sign, part) }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn risk(mut self, label: RiskLabel, words: impl Into<String>) -> Self {
        self.risks.push(Risk { label, words: words.into() });
        self
    }

    fn of(self, place: &[PathStep], change: &AttributeChange) -> Detail {
        Detail {
            attribute: path_text(place),
            part: self.part,
            sign: self.sign,
            before: self.before,
            after: self.after,
            hidden: false,
            lines: Vec::new(),
            notes: self.notes,
            forces_replacement: change.forces_replacement,
            risks: self.risks,
            cause: change.cause,
        }
    }
}

/// A difference as it is, without a closer look into documents.
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

/// A value on one line; secrets and unknowns say so.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        // As JSON, which escapes control characters: a value cannot move the cursor.
        Value::String(text) => visible_json(serde_json::Value::String(text.clone()).to_string()),
        Value::List(list) | Value::Set(list) => {
            format!("[{}]", list.iter().map(value_text).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => format!(
            "{{ {} }}",
            map.iter()
                .map(|(name, value)| format!("{name} = {}", value_text(value)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Value::Unknown(unknown) => format!("({unknown})"),
        Value::Secret(_) => "(secret)".to_owned(),
    }
}

fn list_text(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text).into_owned(),
        Value::List(list) => list.iter().map(list_text).collect::<Vec<_>>().join(", "),
        other => value_text(other),
    }
}
