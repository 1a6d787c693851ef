//! A plan as it is described to a person, independent of the format. All formats show this, so none
//! says more or less than another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use super::detail::details_of;
use super::names::names;
pub use super::words::{brief, shorten, visible};
use super::{
    Absence, Action, Cause, Change, Detail, Plan, Reason, Revisions, Risk, RiskLabel, Sign, of_change,
    value_text,
};
use crate::aws::Place;
use crate::diag::counted;
use crate::graph::Address;
use crate::kind::{DeleteCheck, Known};
use crate::stack::ChangedFile;
use crate::value::Value;

/// A plan as it is described.
pub struct Review<'p> {
    /// The plan itself.
    pub plan: &'p Plan,
    /// The review shows drift, that is, changes made outside dwctl: see [`Plan::drift`].
    pub drift: bool,
    /// The changes that do something, ordered by address.
    pub items: Vec<Item<'p>>,
    /// The number of resources that exist and stay as they are.
    pub unchanged: usize,
    /// The number of resources outside the selected part of the stack.
    pub not_selected: usize,
    /// The number of declared resources that were never created, which is no drift.
    pub not_applied: usize,
}

/// The change of one resource, in words.
pub struct Item<'p> {
    /// The change.
    pub change: &'p Change,
    /// Its address.
    pub address: String,
    /// The change as summaries count it.
    pub sort: Sort,
    /// The change in words: `replace, new one first`.
    pub words: &'static str,
    /// The reason and further remarks; may be empty.
    pub why: String,
    /// The risks, the worst first, each label once.
    pub risks: Vec<Risk>,
    /// AWS's id of a resource that is replaced, deleted or forgotten.
    pub id: Option<String>,
    /// The parts of a destroyed resource that AWS keeps; may be empty.
    pub kept: String,
    /// The differences; empty where they are not shown, as for destroyed resources.
    pub details: Vec<Detail>,
    /// The earlier item that already shows this change, if both change in the same way.
    pub same_as: Option<usize>,
    /// The dependents of a replaced or removed resource, nearest first.
    pub dependents: Dependents,
}

/// The direct and indirect dependents of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// The addresses, nearest first.
    pub addresses: Vec<String>,
    /// There are more dependents than these.
    pub more: bool,
}

/// The most files of a module that are listed, and the most calls of it.
const MAX_FILES: usize = 20;
/// The most dependents that are listed.
const MAX_DEPENDENTS: usize = 50;

/// The change of a resource as summaries count it; the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sort {
    /// It is deleted at AWS.
    Destroy,
    /// It is replaced.
    Replace,
    /// Someone else deleted it.
    Deleted,
    /// It is updated.
    Update,
    /// Someone else changed it.
    Changed,
    /// It is created.
    Create,
    /// It is no longer owned.
    Forget,
    /// It moves to another address.
    Move,
    /// The stack takes ownership of it.
    Import,
}

impl Sort {
    /// All sorts, the most severe first.
    pub const ALL: [Self; 9] = [
        Self::Destroy,
        Self::Replace,
        Self::Deleted,
        Self::Update,
        Self::Changed,
        Self::Create,
        Self::Forget,
        Self::Move,
        Self::Import,
    ];

    /// A sign of one character.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Destroy | Self::Deleted => "-",
            Self::Replace => "±",
            Self::Update | Self::Changed => "~",
            Self::Create => "+",
            Self::Forget => ".",
            Self::Move => ">",
            Self::Import => "<",
        }
    }

    /// A stable name in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Destroy => "destroy",
            Self::Replace => "replace",
            Self::Deleted => "deleted",
            Self::Update => "update",
            Self::Changed => "changed",
            Self::Create => "create",
            Self::Forget => "forget",
            Self::Move => "move",
            Self::Import => "import",
        }
    }

    /// The words after a count: `to update`.
    pub fn counted(self) -> &'static str {
        match self {
            Self::Destroy => "to destroy",
            Self::Replace => "to replace",
            Self::Deleted => "deleted outside dwctl",
            Self::Update => "to update",
            Self::Changed => "changed outside dwctl",
            Self::Create => "to create",
            Self::Forget => "to forget",
            Self::Move => "to move",
            Self::Import => "to import",
        }
    }

    /// The order in a summary: additions before removals.
    const COUNTED: [Self; 9] = [
        Self::Import,
        Self::Move,
        Self::Create,
        Self::Update,
        Self::Changed,
        Self::Replace,
        Self::Destroy,
        Self::Deleted,
        Self::Forget,
    ];
}

impl<'p> Review<'p> {
    /// Describes a plan.
    pub fn new(plan: &'p Plan, drift: bool) -> Self {
        let needed = needed_by(plan);
        let mut items: Vec<Item<'p>> =
            plan.effective().map(|change| item(change, drift, plan.now, &needed)).collect();
        let mut first: HashMap<String, usize> = HashMap::new();
        for (index, item) in items.iter_mut().enumerate() {
            if let Some(key) = item.sameness() {
                item.same_as = Some(*first.entry(key).or_insert(index)).filter(|&one| one != index);
            }
        }
        let count =
            |is: Rest| plan.changes.iter().filter(|change| rest(plan, drift, change) == Some(is)).count();
        Self {
            plan,
            drift,
            items,
            unchanged: count(Rest::Unchanged),
            not_selected: count(Rest::NotSelected),
            not_applied: count(Rest::NotApplied),
        }
    }

    /// The title: `ecommerce/dev`.
    pub fn title(&self) -> String {
        visible(&format!("{}/{}", self.plan.stack, self.plan.env))
    }

    /// The verb that shows it: `plan`, `drift` or `diff`.
    pub fn verb(&self) -> &'static str {
        match &self.plan.revisions {
            Some(_) => "diff",
            None if self.drift => "drift",
            None => "plan",
        }
    }

    /// The accounts and the region: `account 111111111111 · us-east-1`.
    pub fn place(&self) -> String {
        let others = self.others().into_iter().map(|(id, name)| match name {
            Some(name) => format!("{id} ({name})"),
            None => id.to_owned(),
        });
        let others: Vec<String> = others.collect();
        let account = match (&self.plan.revisions, &self.plan.account_id) {
            (Some(Revisions { old, new }), _) => format!("from {old} to {new}, without AWS"),
            (None, Some(account)) if !others.is_empty() => {
                format!("accounts {account}, {}", others.join(", "))
            }
            (None, Some(account)) => format!("account {account}"),
            (None, None) => "offline: compared with nothing".to_owned(),
        };
        visible(&format!("{account} · {}", self.plan.region))
    }

    /// The accounts besides the stack's own, each with its name.
    pub fn others(&self) -> BTreeMap<&str, Option<&str>> {
        let changes = self.plan.changes.iter().chain(&self.plan.deposed);
        let places = changes.flat_map(|change| [&change.place, change.existing_place()]);
        let others = places.filter_map(|place| Some((place.account.as_deref()?, place.name.as_deref())));
        others.collect()
    }

    /// The number of resources per sort, in the order of a summary.
    pub fn counts(&self) -> Vec<(Sort, usize)> {
        counts(self.items.iter())
    }

    /// The summary: `2 to update · 61 unchanged`.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> =
            self.counts().into_iter().map(|(sort, count)| format!("{count} {}", sort.counted())).collect();
        parts.push(self.rest());
        parts.join(" · ")
    }

    /// The summary of all other resources: `61 unchanged · 3 not selected`.
    pub fn rest(&self) -> String {
        let mut rest =
            format!("{} {}", self.unchanged, if self.drift { "without drift" } else { "unchanged" });
        for (count, words) in [(self.not_selected, "not selected"), (self.not_applied, "not applied yet")] {
            if count > 0 {
                let _ = write!(rest, " · {count} {words}");
            }
        }
        rest
    }

    /// Returns why a resource does not change.
    pub fn rest_of(&self, change: &Change) -> Option<Rest> {
        rest(self.plan, self.drift, change)
    }

    /// The message if nothing changes.
    pub fn nothing(&self) -> Option<&'static str> {
        let asked = &self.plan.asked;
        if !self.items.is_empty() {
            return None;
        }
        Some(match self.verb() {
            "diff" if self.outputs().is_empty() => "No changes: both declare the same.",
            "diff" => "No changes to resources: both declare the same, except for outputs.",
            "drift" if asked.partial => {
                "No drift: nobody changed the selected resources since the last apply."
            }
            "drift" => "No drift: nobody changed the stack's resources since the last apply.",
            _ if asked.destroy && asked.partial => {
                "Nothing to destroy: none of the selected resources exists."
            }
            _ if asked.destroy => "Nothing to destroy: none of the stack's resources exists.",
            _ if asked.partial => "No changes: the selected resources match the stack.",
            _ if self.outputs().is_empty() => "No changes: AWS matches the stack.",
            _ => "No changes to resources: AWS matches the stack, except for outputs.",
        })
    }

    /// The code and text of each of [`Plan::warnings`].
    pub fn warnings(&self) -> Vec<(&'static str, String)> {
        self.plan.warnings.iter().map(|one| (one.code, visible(&one.message))).collect()
    }

    /// The data that the changes may follow from, each with what was found; none if nothing changes.
    pub fn data(&self) -> Vec<(String, String)> {
        let is_shown = !self.drift && (!self.items.is_empty() || !self.outputs().is_empty());
        let data = self.plan.data.iter().filter(|_| is_shown);
        data.map(|one| (visible(&one.address.to_string()), visible(&one.words(&self.plan.region)))).collect()
    }

    /// What changed in the folders of modules, a line for each:
    /// `./modules/lake of module.raw, module.old: main.toml changed, job.py added`.
    pub fn changed_modules(&self) -> Vec<String> {
        let lines = self.plan.changed_modules.values().map(|module| {
            let few = |names: Vec<String>| {
                let more = names.len().saturating_sub(MAX_FILES);
                let mut shown: Vec<String> = names.into_iter().take(MAX_FILES).collect();
                shown.extend((more > 0).then(|| format!("… {more} more")));
                shown.join(", ")
            };
            let before = module.before.as_ref().map_or_else(String::new, |before| format!(" (was {before})"));
            let files = module.files.iter().map(|(name, how)| {
                let how = match how {
                    ChangedFile::Added => "added",
                    ChangedFile::Removed => "removed",
                    ChangedFile::Changed => "changed",
                };
                format!("{name} {how}")
            });
            let files =
                if module.files.is_empty() { "the same files".to_owned() } else { few(files.collect()) };
            visible(&format!("{}{before} of {}: {files}", module.source, few(module.calls.clone())))
        });
        lines.collect()
    }

    /// The outputs that change, by name.
    pub fn outputs(&self) -> Vec<Output> {
        let names: BTreeSet<&String> =
            self.plan.outputs.keys().chain(self.plan.outputs_before.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let (before, after) = (self.plan.outputs_before.get(name), self.plan.outputs.get(name));
                Output::of(name, before, after, self.plan.outputs_sensitivity.get(name).copied())
            })
            .collect()
    }

    /// The items with a risk of this label.
    pub fn at_risk(&self, label: RiskLabel) -> impl Iterator<Item = &Item<'p>> {
        self.items.iter().filter(move |item| item.risks.iter().any(|risk| risk.label == label))
    }

    /// The number of attributes that were changed outside dwctl.
    pub fn drifted(&self) -> usize {
        let details = self.items.iter().flat_map(|item| &item.details);
        details.filter(|detail| detail.cause != Cause::Stack).count()
    }
}

/// The number of resources per sort, in the order of a summary.
pub(super) fn counts<'i, 'p: 'i>(items: impl Iterator<Item = &'i Item<'p>>) -> Vec<(Sort, usize)> {
    let mut counts: HashMap<Sort, usize> = HashMap::new();
    for item in items {
        *counts.entry(item.sort).or_default() += 1;
    }
    Sort::COUNTED.into_iter().filter_map(|sort| Some((sort, *counts.get(&sort)?))).collect()
}

/// Why a resource does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It exists, and stays as it is.
    Unchanged,
    /// It is outside the selected part of the stack.
    NotSelected,
    /// It is declared and was never created.
    NotApplied,
}

/// Returns why a resource does not change; `None` if it does change, or if nothing exists that
/// could.
fn rest(plan: &Plan, drift: bool, change: &Change) -> Option<Rest> {
    match change.reason {
        _ if change.action != Action::NoOp || change.is_effective() => None,
        Reason::Unselected if plan.asked.partial => Some(Rest::NotSelected),
        // An apply of a saved plan does not read the resources that the plan leaves alone.
        Reason::Unselected if change.id.is_some() => Some(Rest::Unchanged),
        _ if change.live.is_some() => Some(Rest::Unchanged),
        _ if drift => Some(Rest::NotApplied),
        _ => None,
    }
}

/// An output that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// The output is added, removed or changed.
    pub sign: Sign,
    /// The previous value; `None` if there was none, or if it cannot be known.
    pub before: Option<Value>,
    /// The planned value.
    pub after: Option<Value>,
    /// `true` if it becomes secret, `false` if it no longer is.
    pub sensitivity: Option<bool>,
}

impl Output {
    /// Returns `None` if the output does not change. A secret part makes the whole value secret,
    /// and a value that is secret on one side is secret on both.
    fn of(
        name: &str,
        before: Option<&Option<Value>>,
        after: Option<&Value>,
        sensitivity: Option<bool>,
    ) -> Option<Self> {
        let sign = match (before, after) {
            (None, Some(_)) => Sign::Added,
            (Some(_), None) => Sign::Removed,
            (Some(Some(before)), Some(after)) if before.clone().reveal() == after.clone().reveal() => {
                // Only its secrecy changes.
                let secret = Value::from("").into_secret();
                return sensitivity.map(|_| Self {
                    name: visible(name),
                    sign: Sign::Changed,
                    before: Some(secret.clone()),
                    after: Some(secret),
                    sensitivity,
                });
            }
            (Some(_), Some(_)) => Sign::Changed,
            (None, None) => return None,
        };
        let before = before.cloned().flatten();
        let secret = sensitivity.is_some() || before.iter().chain(after).any(Value::contains_secret);
        let shown = |value: Value| if secret { value.into_secret() } else { value };
        let after = after.cloned().map(shown);
        Some(Self { name: visible(name), sign, before: before.map(shown), after, sensitivity })
    }

    /// The action, in Terraform's words.
    pub fn action(&self) -> &'static str {
        match self.sign {
            Sign::Added => "create",
            Sign::Removed => "delete",
            Sign::Changed => "update",
        }
    }

    /// The change in words, with values of at most `most` characters.
    pub fn text(&self, most: usize) -> ValueText {
        let is_secret = |value: &Option<Value>| value.as_ref().is_some_and(Value::contains_secret);
        match (&self.before, &self.after) {
            (Some(_), Some(_)) if self.sensitivity == Some(false) => {
                ValueText::Words("(secret until now, visible after the apply)")
            }
            (Some(_), Some(_)) if self.sensitivity == Some(true) => {
                ValueText::Words("(visible until now, secret)")
            }
            (Some(_), Some(_)) if is_secret(&self.after) => ValueText::Words("(secret, changed)"),
            (Some(before), Some(after)) => ValueText::Pair(value_text(before), value_text(after)),
            (None, Some(after)) if self.sign == Sign::Changed => ValueText::Becomes(value_text(after)),
            (None, Some(after)) => ValueText::Set(value_text(after)),
            (Some(before), None) => ValueText::Set(value_text(before)),
            (None, None) => ValueText::Nothing,
        }
        .shortened(most)
    }

    /// The change as a line: `name = "lake"`, `name = "lake" → "pond"`, `name → "pond"`.
    pub fn line(&self, most: usize) -> String {
        let text = self.text(most);
        match (&text, text.line()) {
            (ValueText::Nothing, _) => self.name.clone(),
            // The previous value is unknown.
            (ValueText::Becomes(_), line) => format!("{} {line}", self.name),
            (_, line) => format!("{} = {line}", self.name),
        }
    }
}

impl Item<'_> {
    /// A key that is equal for items with the same description; `None` for items that are always
    /// described by themselves.
    fn sameness(&self) -> Option<String> {
        let change = self.change;
        if change.moved_from.is_some() || change.is_taken_over() || matches!(self.sort, Sort::Create) {
            return None;
        }
        let mut key = format!(
            "{}\0{}\0{}\0{}\0{}\0{:?}",
            change.address.kind,
            self.sort.name(),
            self.words,
            self.why,
            self.kept,
            self.risks
        );
        if self.details.is_empty() {
            change.address.key.as_ref()?;
            key.push('\0');
            key.push_str(&change.address.name);
        }
        for detail in &self.details {
            // The `Debug` form of a secret hides its value.
            let _ = write!(key, "\0{detail:?}");
        }
        Some(key)
    }

    /// Returns whether a reviewer must see it by itself: it is risky, or something goes.
    pub fn needs_attention(&self) -> bool {
        !self.risks.is_empty()
            || matches!(self.sort, Sort::Destroy | Sort::Replace | Sort::Deleted | Sort::Forget)
    }

    /// Returns whether the item has a risk of this label.
    pub fn has(&self, label: RiskLabel) -> bool {
        self.risks.iter().any(|risk| risk.label == label)
    }

    /// Returns whether differences are shown by default. They are not for new resources, where
    /// every attribute differs.
    pub fn shows_details(&self) -> bool {
        !self.details.is_empty() && self.sort != Sort::Create
    }

    /// The id in words: `id orders`; empty where it is not shown.
    pub fn id_words(&self) -> String {
        self.id.as_ref().map_or_else(String::new, |id| format!("id {id}"))
    }

    /// The risks in words: `data loss, downtime: about 15 min`.
    pub fn risk_words(&self) -> String {
        self.risks.iter().map(risk_text).collect::<Vec<_>>().join(", ")
    }

    /// The risks of a detail. A risk without words takes those of the resource, such as why data is
    /// lost by a replacement, or how long that takes.
    pub fn risks_of(&self, detail: &Detail) -> Vec<Risk> {
        let whole = |risk: &Risk| self.risks.iter().find(|one| one.label == risk.label);
        let words = detail.risks.iter().map(|risk| match whole(risk) {
            Some(whole) if risk.words.is_empty() => whole.clone(),
            _ => risk.clone(),
        });
        words.collect()
    }

    /// The sort key of the change: more severe changes come first.
    pub fn severity_key(&self) -> (bool, Sort, bool) {
        (!self.has(RiskLabel::DataLoss), self.sort, self.risks.is_empty())
    }
}

/// A risk in JSON. `label` is kept for readers written for earlier versions, and has one word for wider
/// access and weaker protection. `risk` distinguishes them.
pub fn risk_json(risk: &Risk) -> serde_json::Value {
    let name = risk.label.words().replace(' ', "_");
    let label = match risk.label {
        RiskLabel::Access | RiskLabel::Protection => "security_widening",
        _ => &name,
    };
    serde_json::json!({ "label": label, "risk": name, "words": visible(&risk.words) })
}

/// A risk as text: `downtime: about 15 min`.
pub fn risk_text(risk: &Risk) -> String {
    let words = risk.label.words();
    if risk.words.is_empty() { words.to_owned() } else { format!("{words}: {}", visible(&risk.words)) }
}

fn item<'p>(
    change: &'p Change,
    drift: bool,
    now: Option<jiff::Timestamp>,
    needed: &HashMap<&Address, Vec<&Address>>,
) -> Item<'p> {
    let (sort, words) = match (change.is_only_ownership(), &change.moved_from, change.action) {
        (true, Some(_), _) => (Sort::Move, "move"),
        (true, None, _) => (Sort::Import, "import"),
        (false, _, Action::Delete) if drift => (Sort::Deleted, "deleted"),
        (false, _, _) if drift => (Sort::Changed, "changed"),
        (false, _, Action::NoOp | Action::Update) => (Sort::Update, "update in place"),
        (false, _, Action::Create) => (Sort::Create, "create"),
        (false, _, Action::Replace { create_first: false }) => (Sort::Replace, "replace"),
        (false, _, Action::Replace { create_first: true }) => (Sort::Replace, "replace, new one first"),
        (false, _, Action::Delete) => (Sort::Destroy, "destroy"),
        (false, _, Action::Forget) => (Sort::Forget, "forget"),
    };
    let has_details = matches!(sort, Sort::Update | Sort::Changed | Sort::Replace | Sort::Create);
    let details = if has_details { details_of(change, now, drift) } else { Vec::new() };
    let goes = matches!(sort, Sort::Replace | Sort::Destroy | Sort::Deleted);
    let id = change.id.as_deref().filter(|_| goes || sort == Sort::Forget);
    Item {
        change,
        address: visible(&change.address.to_string()),
        sort,
        words,
        why: why(change, drift),
        risks: risks(sort, change, &details),
        id: id.map(visible),
        kept: if drift { String::new() } else { kept_after_delete(change) },
        details,
        same_as: None,
        dependents: if goes { dependents(&change.address, needed) } else { Dependents::default() },
    }
}

/// The risks of a resource that are still ahead.
fn risks(sort: Sort, change: &Change, details: &[Detail]) -> Vec<Risk> {
    let mut risks = of_change(change, details);
    risks.retain(|risk| match sort {
        // The change has happened. The risks that remain are deletions, wider access, weaker
        // protection and costs from now on.
        Sort::Changed => !matches!(risk.label, RiskLabel::Irreversible | RiskLabel::Downtime),
        Sort::Deleted | Sort::Forget | Sort::Move | Sort::Import => false,
        _ => true,
    });
    risks
}

/// A move to another region or account, in words.
fn moves(from: &Place, to: &Place) -> String {
    let of = |place: &Place| match &place.account {
        None if from.account != to.account => format!("{place} of the stack's own account"),
        _ => place.to_string(),
    };
    format!("moves from {} to {}", of(from), of(to))
}

/// The reason of a change, and further remarks.
fn why(change: &Change, drift: bool) -> String {
    let mut words = Vec::new();
    if !matches!(change.reason, Reason::Moved { .. }) {
        words.extend(change.place.account_words().map(|account| format!("in {account}")));
    }
    match &change.moved_from {
        Some(from) => words.push(format!("was {from}")),
        None if change.is_taken_over() => {
            words.push(format!("exists as {}", change.id.as_deref().unwrap_or_default()));
        }
        None => {}
    }
    let reason = match &change.reason {
        Reason::Vanished if drift => None,
        Reason::Vanished if change.action == Action::Create => Some("gone from AWS".to_owned()),
        Reason::Vanished => Some("gone from AWS, no longer declared".to_owned()),
        Reason::Requested => Some("requested by --replace".to_owned()),
        Reason::Triggered(address) => Some(format!("because {address} changes")),
        Reason::Moved { from } => Some(moves(from, &change.place)),
        Reason::Undeclared if change.action == Action::Forget => {
            Some(format!("{}, stays at AWS", absent(change)))
        }
        Reason::Undeclared => Some(absent(change)),
        Reason::Deposed if change.action == Action::Forget => {
            Some("replaced earlier, already gone".to_owned())
        }
        Reason::Deposed => Some("replaced earlier, still there".to_owned()),
        Reason::Destroy if change.action == Action::Forget => Some("retained, stays at AWS".to_owned()),
        Reason::Same
        | Reason::Unselected
        | Reason::New
        | Reason::Differs
        | Reason::Releases
        | Reason::Forced(_)
        | Reason::Destroy => None,
    };
    words.extend(reason);
    words.extend(released_words(change));
    words.extend(match &change.delete_check {
        Some(DeleteCheck::Refused { why, .. }) => Some(format!("AWS would refuse: it {why}")),
        Some(DeleteCheck::Stays(words)) => Some(words.clone()),
        None => None,
    });
    visible(&words.join("  "))
}

/// The reason why a resource is no longer declared, in Terraform's words.
fn absent(change: &Change) -> String {
    let address = &change.address;
    let (block, key) = (address.declaration(), address.key.as_deref());
    match (change.absence(), key) {
        (Some(Absence::Key), Some(key)) => format!("because key [{key:?}] is not in for_each"),
        (Some(Absence::Repetition), Some(_)) => format!("because {block} does not use for_each"),
        (Some(Absence::Repetition), None) => format!("because {block} uses for_each"),
        (Some(Absence::Off), _) => format!("because {block} is off: when is false"),
        _ => format!("because {block} is not in configuration"),
    }
}

/// Describes which references a resource drops, so that AWS can delete their targets. Reviewers
/// should know what lacks a dependency for a moment.
fn released_words(change: &Change) -> Option<String> {
    let held: BTreeSet<String> = change.releases.iter().map(|one| one.held.to_string()).collect();
    let named = held.into_iter().collect::<Vec<_>>().join(", ");
    match change.action {
        _ if named.is_empty() => None,
        Action::Update => Some(format!("releases {named} while it is replaced")),
        _ => Some(format!("releases {named} first")),
    }
}

/// Describes what AWS keeps of a destroyed resource.
fn kept_after_delete(change: &Change) -> String {
    if !matches!(change.action, Action::Delete | Action::Replace { .. }) {
        return String::new();
    }
    let (null, live) = (Value::Null, change.live.as_ref());
    let attrs = live.map_or(&null, |live| &live.attrs);
    let incarnation = live.and_then(|live| live.incarnation.as_deref());
    let kind = crate::kinds::kind(&change.address.kind);
    let words =
        kind.and_then(|kind| kind.kept_after_delete(Known(&change.existing), Known(attrs), incarnation));
    visible(&words.unwrap_or_default())
}

/// Returns the existing dependents of each address.
fn needed_by(plan: &Plan) -> HashMap<&Address, Vec<&Address>> {
    let mut needed: HashMap<&Address, Vec<&Address>> = HashMap::new();
    // A resource that does not exist has no dependencies yet, or no longer.
    let is_there = |change: &&Change| {
        let is_new =
            matches!(change.reason, Reason::New | Reason::Vanished) || change.action == Action::Create;
        !is_new && (plan.revisions.is_some() || change.id.is_some())
    };
    for change in plan.changes.iter().filter(is_there) {
        for need in &change.needs {
            needed.entry(need).or_default().push(&change.address);
        }
    }
    needed
}

fn dependents(of: &Address, needed: &HashMap<&Address, Vec<&Address>>) -> Dependents {
    let mut seen = HashSet::from([of]);
    let mut found: Vec<&Address> = Vec::new();
    let mut next = 0;
    let mut at = of;
    loop {
        for &one in needed.get(at).into_iter().flatten() {
            if found.len() == MAX_DEPENDENTS {
                return Dependents { addresses: found.iter().map(|one| shown(one)).collect(), more: true };
            }
            if seen.insert(one) {
                found.push(one);
            }
        }
        match found.get(next) {
            Some(one) => (at, next) = (one, next + 1),
            None => break,
        }
    }
    Dependents { addresses: found.iter().map(|one| shown(one)).collect(), more: false }
}

fn shown(address: &Address) -> String {
    visible(&address.to_string())
}

impl Dependents {
    /// The dependents in words: `3 resources need it: a, b, c`; empty if there are none.
    pub fn words(&self, most: usize) -> String {
        let count = self.addresses.len();
        if count == 0 {
            return String::new();
        }
        let named = self.addresses.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
        let rest = if self.more || count > most { ", …" } else { "" };
        let need = if count == 1 { "needs" } else { "need" };
        let more = if self.more { "more than " } else { "" };
        format!("{more}{} {need} it: {named}{rest}", counted(count, "resource"))
    }
}

/// The names of items, at most `most`, and the number of further ones. Items that differ in one key share
/// a name: `glue_job.transform["orders", "stock"]`.
pub fn named(items: &[&Item<'_>], most: usize) -> String {
    let addresses: Vec<&Address> = items.iter().map(|item| &item.change.address).collect();
    names(&addresses, most)
}

/// The live and the planned value, as they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueText {
    /// A change from one value to the other.
    Pair(String, String),
    /// The value of something new.
    Set(String),
    /// An added value.
    Added(String),
    /// A removed value.
    Removed(String),
    /// A new value whose previous one is unknown.
    Becomes(String),
    /// A remark in place of values.
    Words(&'static str),
    /// Nothing: the name of the part says it all.
    Nothing,
}

impl ValueText {
    /// Describes a difference, of a new resource if `creating`.
    pub fn of(detail: &Detail, creating: bool) -> Self {
        const SECRET: ValueText = ValueText::Words("(secret, changed)");
        match (&detail.before, &detail.after) {
            (Some(before), Some(after)) if before.contains_secret() || after.contains_secret() => SECRET,
            (Some(before), Some(after)) => Self::Pair(value_text(before), value_text(after)),
            (None, Some(after)) if creating => Self::Set(value_text(after)),
            (None, Some(after)) if detail.hidden && after.contains_secret() => SECRET,
            (None, Some(after)) if detail.hidden => Self::Becomes(value_text(after)),
            (None, Some(after)) => Self::Added(value_text(after)),
            (Some(before), None) => Self::Removed(value_text(before)),
            (None, None) if detail.part.is_empty() && detail.lines.is_empty() => Self::Words("null"),
            (None, None) => Self::Nothing,
        }
    }

    /// Shortens values to `most` characters. Two long values are cut to where they differ.
    #[must_use]
    pub fn shortened(self, most: usize) -> Self {
        match self {
            Self::Pair(left, right)
                if left.chars().count() + right.chars().count() > most.saturating_mul(2) =>
            {
                let (left, right) = apart(&left, &right, most);
                Self::Pair(left, right)
            }
            Self::Set(value) => Self::Set(shorten(&value, most)),
            Self::Added(value) => Self::Added(shorten(&value, most)),
            Self::Removed(value) => Self::Removed(shorten(&value, most)),
            Self::Becomes(value) => Self::Becomes(shorten(&value, most)),
            other => other,
        }
    }

    /// The change on one line: `1 → 2`, `+ 2`.
    pub fn line(&self) -> String {
        visible(&match self {
            Self::Pair(left, right) => format!("{left} → {right}"),
            Self::Set(value) => value.clone(),
            Self::Added(value) => format!("+ {value}"),
            Self::Removed(value) => format!("- {value}"),
            Self::Becomes(value) => format!("→ {value}"),
            Self::Words(words) => (*words).to_owned(),
            Self::Nothing => String::new(),
        })
    }
}

/// The severity_key of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// For information.
    Plain,
    /// Someone else changed something.
    Drift,
    /// The change forces a replacement of the resource.
    Danger,
}

/// The notes on a difference, besides its values. With `drift`, the note that it is drift is left
/// out.
pub fn notes(detail: &Detail, drift: bool) -> Vec<String> {
    noted(detail, drift).into_iter().map(|(_, note)| note).collect()
}

/// The same notes, each with its severity.
pub fn noted(detail: &Detail, drift: bool) -> Vec<(Tone, String)> {
    let mut notes: Vec<(Tone, String)> =
        detail.notes.iter().map(|note| (Tone::Plain, visible(note))).collect();
    if detail.forces_replacement {
        notes.push((Tone::Danger, "forces replacement".to_owned()));
    }
    let cause = match detail.cause {
        Cause::Stack => None,
        Cause::Drift if drift => None,
        Cause::Both if drift => Some("also by the stack"),
        Cause::Drift => Some("drift: changed outside dwctl"),
        Cause::Both => Some("changed by the stack and outside dwctl"),
    };
    notes.extend(cause.map(|cause| (Tone::Drift, cause.to_owned())));
    notes
}

/// Cuts two long texts to where they differ.
fn apart(left: &str, right: &str, most: usize) -> (String, String) {
    let same = left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count();
    let start = same.saturating_sub(20);
    let cut = |text: &str| {
        let mut rest = text.chars().skip(start);
        let middle: String = rest.by_ref().take(most).collect();
        let (head, tail) = (if start > 0 { "…" } else { "" }, if rest.next().is_some() { "…" } else { "" });
        format!("{head}{middle}{tail}")
    };
    (cut(left), cut(right))
}

#[cfg(test)]
mod tests {
    use super::{ValueText, brief, shorten};

    #[test]
    fn long_values_are_cut_to_the_difference() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(brief("abcdef", 6), "abcdef");
        assert_eq!(brief("äbcdefgh", 6), "äbc…gh");
        let pair =
            ValueText::Pair(format!("{}x", "a".repeat(50)), format!("{}y", "a".repeat(50))).shortened(30);
        assert_eq!(pair.line(), format!("…{}x → …{}y", "a".repeat(20), "a".repeat(20)));
    }
}
