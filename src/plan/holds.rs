//! Holds: AWS does not delete a resource while another one names it. Either the new one is created
//! first and the holder takes it, or the holder releases the old one for a moment, or the plan is
//! refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::decide::Planner;
use super::order::Order;
use super::replacement::{clash, create_first};
use super::{Action, Change, Reason};
use crate::aws::Scope;
use crate::diag::{Diagnostic, counted};
use crate::graph::Address;
use crate::kind::{ErasedKind, Hold, Identity, Known, Link};
use crate::kinds;
use crate::schema::{PathStep, normalize};
use crate::value::Value;

/// The code of diagnostics about held resources.
pub(super) const CODE: &str = "held";

/// A resource of a plan: an address and, for a deposed resource, its index in
/// [`super::Plan::deposed`].
pub(super) type Place = (Address, Option<usize>);

/// One resource names another. If the link is a hold, AWS refuses to delete that one meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) holder: Place,
    pub(super) held: Place,
    pub(super) link: Link,
    /// The names, as AWS has them.
    pub(super) names: Vec<String>,
}

/// A reference that a resource drops for a moment, so that its target can be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The address of the held resource.
    pub held: Address,
    /// The attribute that names it.
    pub attribute: String,
    /// The names that the attribute gives it.
    pub names: Vec<String>,
}

/// The live spec in canonical form; fields that AWS cannot return are taken from `existing`.
pub fn overlaid(kind: &dyn ErasedKind, live: &Value, existing: &Value) -> Value {
    let schema = &kind.schema().spec;
    let mut spec = normalize(schema, live.clone());
    if let Value::Map(spec) = &mut spec {
        let hidden = schema.fields().into_iter().flatten().filter(|(_, field)| field.marks.unreadable());
        for (name, _) in hidden {
            if let Some(value) = existing.get(name) {
                spec.insert(name.clone(), value.clone());
            }
        }
    }
    spec
}

/// The spec of a resource without the references that it releases.
pub fn let_go(kind: &dyn ErasedKind, spec: &Value, releases: &[Release]) -> Value {
    let mut spec = spec.clone();
    for release in releases {
        let link = kind.links().iter().find(|link| link.attribute == release.attribute);
        if let Some(link) = link {
            link.forget(&mut spec, &release.names);
        }
    }
    spec
}

/// All current holds at AWS, as far as the resources were read.
pub(super) fn holds<'c>(changes: impl IntoIterator<Item = &'c Change>, deposed: &'c [Change]) -> Vec<Held> {
    let mut found = named(changes, deposed);
    found.retain(|one| one.link.hold != Hold::None);
    let in_use: BTreeSet<Place> = found.iter().map(|one| one.held.clone()).collect();
    found.retain(|one| one.link.hold != Hold::InUse || in_use.contains(&one.holder));
    found
}

/// All resources that one names at AWS, whether it holds them or not, as far as they were read.
pub(super) fn named<'c>(changes: impl IntoIterator<Item = &'c Change>, deposed: &'c [Change]) -> Vec<Held> {
    type Placed<'c> = (Option<usize>, &'c Change);
    let changes: Vec<Placed<'_>> = (changes.into_iter().map(|change| (None, change)))
        .chain(deposed.iter().enumerate().map(|(index, change)| (Some(index), change)))
        .filter(|(_, change)| change.live.is_some())
        .collect();
    let mut named: BTreeMap<(&str, String), Vec<Placed<'_>>> = BTreeMap::new();
    for &(index, change) in &changes {
        for name in names_of(change) {
            named.entry((&change.address.kind, name)).or_default().push((index, change));
        }
    }
    let mut found: Vec<Held> = Vec::new();
    for &(index, holder) in &changes {
        let Some(kind) = kinds::kind(&holder.address.kind) else { continue };
        let own = found.len();
        for link in kind.links() {
            let global = kinds::kind(link.kind).is_some_and(|kind| kind.global());
            for name in link.names(&holder.existing) {
                for &(of, held) in named.get(&(link.kind, name.to_owned())).into_iter().flatten() {
                    let near = global || held.existing_region() == holder.existing_region();
                    let (holder, held) = ((holder.address.clone(), index), (held.address.clone(), of));
                    if !near || holder == held {
                        continue;
                    }
                    match found[own..].iter_mut().find(|one| {
                        one.holder == holder && one.held == held && one.link.attribute == link.attribute
                    }) {
                        Some(one) if !one.names.iter().any(|one| one == name) => {
                            one.names.push(name.to_owned())
                        }
                        Some(_) => {}
                        None => found.push(Held { holder, held, link: *link, names: vec![name.to_owned()] }),
                    }
                }
            }
        }
    }
    found
}

/// The names by which others may refer to the live resource.
fn names_of(change: &Change) -> BTreeSet<String> {
    let arn = change.live.as_ref().and_then(|live| live.attrs.get("arn")?.as_str().map(str::to_owned));
    change.id.iter().cloned().chain(arn).collect()
}

/// The fate of a holder.
enum Fate {
    /// It is deleted too, before the resource that it holds.
    Goes,
    /// It drops the reference anyway; nothing else is needed.
    LetsGo,
    /// It keeps the reference, and takes the successor of the held resource.
    Takes,
    /// It keeps the reference to a resource that would no longer exist.
    Stays,
}

fn fate(holder: &Change, held: &Change, one: &Held) -> Fate {
    let is_named = || {
        let desired = one.link.names(&holder.desired);
        desired.iter().any(|name| one.names.iter().any(|one| one == name))
    };
    match holder.action {
        Action::Delete | Action::Replace { create_first: false } | Action::Create => Fate::Goes,
        // The old holder is deleted once the new one exists.
        Action::Replace { create_first: true } => Fate::Goes,
        _ if matches!(holder.action, Action::Forget) || holder.reason == Reason::Unselected => Fate::Stays,
        _ => {
            let needs = || holder.needs.contains(&held.address) || one.link.is_open(&holder.desired);
            match held.action {
                Action::Replace { create_first: false } if is_named() || needs() => Fate::Takes,
                _ if is_named() => Fate::Stays,
                _ => Fate::LetsGo,
            }
        }
    }
}

/// Decides how held resources can be deleted: the new one is created first if possible; else the
/// holder releases the old one for a moment. Where neither is possible, a problem is returned.
/// `first` are resources whose new one is created first in any case. `fixed` tells whether updates
/// of an address must not touch an attribute.
pub(super) fn settle(
    changes: &mut BTreeMap<Address, Change>,
    deposed: &[Change],
    mut first: BTreeSet<Address>,
    scope: &Scope,
    fixed: &dyn Fn(&Address, &str) -> bool,
) -> Vec<Diagnostic> {
    let holds = holds(changes.values(), deposed);
    // Deposed resources have a successor, which holders take by their own changes.
    let holds: Vec<Held> =
        holds.into_iter().filter(|one| one.holder.1.is_none() && one.held.1.is_none()).collect();
    loop {
        create_first(changes, first.clone(), scope);
        let held = holds.iter().filter_map(|one| Some((changes.get(&one.holder.0)?, &one.held.0)));
        // Until a dependent has the new id, the old one must lead somewhere.
        let needed = changes.values().flat_map(|change| change.first().map(move |needed| (change, needed)));
        let needed = needed.filter(|(_, needed)| changes.get(*needed).is_some_and(is_assigned));
        let stays = |holder: &Change| {
            matches!(holder.action, Action::NoOp | Action::Update | Action::Replace { create_first: true })
        };
        let could = |held: &Change| {
            held.action == Action::Replace { create_first: false } && clash(held, scope).is_none()
        };
        let more: BTreeSet<Address> = held
            .chain(needed)
            .filter(|(holder, held)| stays(holder) && !first.contains(*held))
            .filter(|(_, held)| changes.get(*held).is_some_and(could))
            .map(|(_, held)| held.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        first.extend(more);
    }
    let mut problems = Vec::new();
    for one in &holds {
        let (Some(holder), Some(held)) = (changes.get(&one.holder.0), changes.get(&one.held.0)) else {
            continue;
        };
        if !matches!(held.action, Action::Delete | Action::Replace { .. }) {
            continue;
        }
        let loose = one.link.hold == Hold::Loose && !fixed(&holder.address, one.link.root());
        match fate(holder, held, one) {
            Fate::Goes | Fate::LetsGo => {}
            Fate::Takes if loose => {
                changes.entry(one.holder.0.clone()).and_modify(|holder| release(holder, one));
            }
            Fate::Takes | Fate::Stays => problems.push(refusal(holder, held, one, scope)),
        }
    }
    problems
}

/// Warnings about resources that stay and still name one that is destroyed, where AWS does not refuse
/// that, and about retained ones that depend on it.
pub(super) fn dangling(changes: &BTreeMap<Address, Change>) -> Vec<Diagnostic> {
    let goes = |held: &Change| match held.action {
        Action::Delete => true,
        // Otherwise the new one has the same name.
        Action::Replace { .. } => is_assigned(held),
        _ => false,
    };
    let mut found: BTreeMap<&Address, BTreeMap<&Address, Option<&str>>> = BTreeMap::new();
    let named = named(changes.values(), &[]);
    for one in named.iter().filter(|one| one.link.hold == Hold::None) {
        let (Some(holder), Some(held)) = (changes.get(&one.holder.0), changes.get(&one.held.0)) else {
            continue;
        };
        if goes(held) && matches!(fate(holder, held, one), Fate::Stays) {
            found.entry(&held.address).or_default().insert(&holder.address, Some(one.link.attribute));
        }
    }
    for holder in changes.values().filter(|change| change.action == Action::Forget) {
        for held in holder.needs.iter().filter_map(|needed| changes.get(needed)).filter(|held| goes(held)) {
            found.entry(&held.address).or_default().entry(&holder.address).or_default();
        }
    }
    let told = |(held, holders): (&Address, BTreeMap<&Address, Option<&str>>)| {
        let (first, attribute) = holders.first_key_value()?;
        let needs = match attribute {
            Some(attribute) => format!("names it in `{attribute}`"),
            None => "needs it".to_owned(),
        };
        let others = match holders.len() - 1 {
            0 => String::new(),
            more => format!(", as {} more", counted(more, "resource")),
        };
        let what = format!("{held} is destroyed, and {first} still {needs}{others}");
        let is_retained = changes.get(*first).is_some_and(|first| first.action == Action::Forget);
        let help = match is_retained {
            true => "retain both, or neither".to_owned(),
            false => format!("let {first} name another, or keep {held}"),
        };
        Some(Diagnostic::warning("dangling", what).note("AWS destroys it all the same").help(help))
    };
    found.into_iter().filter_map(told).collect()
}

/// Returns whether AWS assigns a new id when the resource is replaced.
fn is_assigned(change: &Change) -> bool {
    kinds::kind(&change.address.kind).is_some_and(|kind| {
        let scope =
            Scope { partition: String::new(), account_id: String::new(), region: change.region.clone() };
        kind.identity(Known(&change.desired), &scope) == Identity::Assigned
    })
}

/// Makes a holder release the resource that it holds.
pub(super) fn release(holder: &mut Change, one: &Held) {
    if holder.action == Action::NoOp {
        (holder.action, holder.reason) = (Action::Update, Reason::LetsGo);
    }
    holder.releases.push(Release {
        held: one.held.0.clone(),
        attribute: one.link.attribute.to_owned(),
        names: one.names.clone(),
    });
}

fn refusal(holder: &Change, held: &Change, one: &Held, scope: &Scope) -> Diagnostic {
    let (name, by) = (&held.address, &holder.address);
    let verb = if matches!(held.action, Action::Delete) { "destroyed" } else { "replaced" };
    let problem = Diagnostic::error(CODE, format!("{name} cannot be {verb} while {by} holds it")).note(
        format!("{by} names it in `{}`, and AWS deletes no {} that is in use", one.link.attribute, name.kind),
    );
    if holder.action == Action::Forget {
        return problem
            .note(format!("{by} stays at AWS as it is"))
            .help("retain both, or neither".to_owned());
    }
    match (held.action, clash(held, scope)) {
        (Action::Replace { create_first: false }, Some(clash)) => {
            problem.note(format!("a new one cannot be made beside it: {clash}")).help(format!(
                "give the new one another name, so that it is made first and {by} can take it; or make \
                 both anew, with --replace {by}"
            ))
        }
        (Action::Replace { .. }, _) => problem.help(format!(
            "let {by} refer to {name} instead of writing its name, so that it takes the new one"
        )),
        _ => problem.help(format!("let {by} name it no more, or keep {name}")),
    }
}

impl Planner<'_, '_, '_> {
    /// Decides how held resources are deleted, and checks that all changes can be ordered.
    pub(super) fn settle(&mut self, first: BTreeSet<Address>) {
        let eval = self.inputs.eval;
        let (scope, stack) = (&eval.facts.scope, eval.stack);
        let fixed = |address: &Address, attribute: &str| {
            let ignored = stack.resource(address).map(|one| one.lifecycle.ignore_changes.as_slice());
            let mut ignored = ignored.unwrap_or_default().iter();
            ignored.any(|one| matches!(one.path.first(), Some(PathStep::Name(name)) if name == attribute))
        };
        let mut problems = settle(&mut self.changes, &self.deposed, first, scope, &fixed);
        if problems.is_empty() {
            let (mut changes, mut deposed) =
                (std::mem::take(&mut self.changes), std::mem::take(&mut self.deposed));
            let applied = |address: &Address| {
                let needs = self.entry(address).into_iter().flat_map(|entry| &entry.needs);
                needs.map(|needed| self.present(needed).clone()).collect()
            };
            problems.extend(arrange(&mut changes, &mut deposed, &applied, &fixed, scope));
            (self.changes, self.deposed) = (changes, deposed);
        }
        self.problems.extend(problems);
    }
}

/// Finds an order, if need be by adding releases between resources that are all deleted. Returns an
/// error if there is none. `applied` returns the dependencies that an address had when it was
/// applied; `fixed` tells whether updates of an address must not touch an attribute.
pub(super) fn arrange(
    changes: &mut BTreeMap<Address, Change>,
    deposed: &mut [Change],
    applied: &dyn Fn(&Address) -> Vec<Address>,
    fixed: &dyn Fn(&Address, &str) -> bool,
    scope: &Scope,
) -> Option<Diagnostic> {
    loop {
        let effective = changes.values().filter(|change| change.is_effective());
        let effective = effective.map(|change| (&change.address, change)).collect();
        let stuck = Order::of(&effective, deposed, applied, scope).err()?;
        let mut holds = stuck.holds.iter();
        let loose = holds.find(|one| one.link.hold == Hold::Loose && !fixed(&one.holder.0, one.link.root()));
        let Some(one) = loose else { return Some(stuck.told()) };
        let holder = match one.holder.1 {
            Some(index) => deposed.get_mut(index)?,
            None => changes.get_mut(&one.holder.0)?,
        };
        release(holder, one);
    }
}
