//! Settles how resources are replaced and deleted although others name them: which of two goes
//! first, and what is released for a moment. A plan for which there is no way is refused.

use std::collections::{BTreeMap, BTreeSet};

use super::holds::{CODE, Held, holds, named};
use super::order::Order;
use super::replacement::{clash, create_first, identity};
use super::{Action, Change, Reason, Release, warning};
use crate::aws::Scope;
use crate::diag::{Diagnostic, counted};
use crate::graph::Address;
use crate::kind::{Hold, Identity, Known};
use crate::kinds;

/// What an order depends on besides the changes.
pub(super) struct Rules<'r> {
    pub(super) scope: &'r Scope,
    /// The dependencies that an address had when it was applied.
    pub(super) applied: &'r dyn Fn(&Address) -> Vec<Address>,
    /// Whether updates of an address must not touch an attribute.
    pub(super) fixed: &'r dyn Fn(&Address, &str) -> bool,
}

/// Decides how held resources are deleted, and finds an order of all changes. `first` are the
/// resources whose new one is to be created first. Returns the problems of a plan that AWS would not
/// let happen.
pub(super) fn settle(
    changes: &mut BTreeMap<Address, Change>,
    deposed: &mut [Change],
    first: BTreeSet<Address>,
    rules: &Rules<'_>,
) -> Vec<Diagnostic> {
    let mut problems = settle_holds(changes, deposed, first, rules);
    if problems.is_empty() {
        problems.extend(find_order(changes, deposed, rules));
    }
    problems
}

/// What the plan does with a holder.
enum HolderPlan {
    /// It is deleted too, before the resource that it holds.
    Goes,
    /// It drops the reference anyway; nothing else is needed.
    DropsReference,
    /// It keeps the reference, and takes the successor of the held resource.
    Takes,
    /// It keeps the reference to a resource that would no longer exist.
    Stays,
}

fn holder_plan(holder: &Change, held: &Change, one: &Held) -> HolderPlan {
    let is_named = || {
        let desired = one.link.names(&holder.desired);
        desired.iter().any(|name| one.names.iter().any(|one| one == name))
    };
    match holder.action {
        Action::Delete | Action::Replace { create_first: false } | Action::Create => HolderPlan::Goes,
        // The old holder is deleted once the new one exists.
        Action::Replace { create_first: true } => HolderPlan::Goes,
        _ if matches!(holder.action, Action::Forget) || holder.reason == Reason::Unselected => {
            HolderPlan::Stays
        }
        _ => {
            let needs = || holder.needs.contains(&held.address) || one.link.is_open(&holder.desired);
            match held.action {
                Action::Replace { create_first: false } if is_named() || needs() => HolderPlan::Takes,
                _ if is_named() => HolderPlan::Stays,
                _ => HolderPlan::DropsReference,
            }
        }
    }
}

/// Decides how held resources can be deleted: the new one is created first if possible; else the
/// holder releases the old one for a moment. Where neither is possible, a problem is returned.
/// `first` are resources whose new one is created first in any case.
fn settle_holds(
    changes: &mut BTreeMap<Address, Change>,
    deposed: &[Change],
    mut first: BTreeSet<Address>,
    rules: &Rules<'_>,
) -> Vec<Diagnostic> {
    let scope = rules.scope;
    let holds = holds(changes.values(), deposed);
    // Deposed resources have a successor, which holders take by their own changes.
    let holds: Vec<Held> =
        holds.into_iter().filter(|one| one.holder.1.is_none() && one.held.1.is_none()).collect();
    loop {
        create_first(changes, first.clone(), scope);
        let held = holds.iter().filter_map(|one| Some((changes.get(&one.holder.0)?, &one.held.0)));
        // The old id must remain valid until every dependent has the new one.
        let needed = changes.values().flat_map(|change| change.first().map(move |needed| (change, needed)));
        let needed = needed
            .filter(|(_, needed)| changes.get(*needed).is_some_and(|needed| is_assigned(needed, scope)));
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
        let loose = one.link.hold == Hold::Loose && !(rules.fixed)(&holder.address, one.link.root());
        match holder_plan(holder, held, one) {
            HolderPlan::Goes | HolderPlan::DropsReference => {}
            HolderPlan::Takes if loose => {
                changes.entry(one.holder.0.clone()).and_modify(|holder| release(holder, one));
            }
            HolderPlan::Takes | HolderPlan::Stays => problems.push(refusal(holder, held, one, scope)),
        }
    }
    problems
}

/// Warnings about resources that stay and still name one that is destroyed, where AWS does not refuse
/// that, and about retained ones that depend on it.
pub(super) fn dangling(changes: &BTreeMap<Address, Change>, scope: &Scope) -> Vec<Diagnostic> {
    let goes = |held: &Change| match held.action {
        Action::Delete => true,
        // Otherwise the new one has the same name.
        Action::Replace { .. } => is_assigned(held, scope),
        _ => false,
    };
    let mut found: BTreeMap<&Address, BTreeMap<&Address, Option<&str>>> = BTreeMap::new();
    let named = named(changes.values(), &[]);
    for one in named.iter().filter(|one| one.link.hold == Hold::None) {
        let (Some(holder), Some(held)) = (changes.get(&one.holder.0), changes.get(&one.held.0)) else {
            continue;
        };
        if goes(held) && matches!(holder_plan(holder, held, one), HolderPlan::Stays) {
            found.entry(&held.address).or_default().insert(&holder.address, Some(one.link.attribute));
        }
    }
    for holder in changes.values().filter(|change| change.action == Action::Forget) {
        for held in holder.needs.iter().filter_map(|needed| changes.get(needed)).filter(|held| goes(held)) {
            found.entry(&held.address).or_default().entry(&holder.address).or_default();
        }
    }
    let warning = |(held, holders): (&Address, BTreeMap<&Address, Option<&str>>)| {
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
        Some(Diagnostic::warning(warning::DANGLING, what).note("AWS destroys it all the same").help(help))
    };
    found.into_iter().filter_map(warning).collect()
}

/// Returns whether AWS assigns a new id when the resource is replaced.
fn is_assigned(change: &Change, scope: &Scope) -> bool {
    kinds::kind(&change.address.kind).is_some_and(|kind| {
        identity(kind, Known(&change.desired), &change.place, scope) == Identity::Assigned
    })
}

/// Makes a holder release the resource that it holds.
fn release(holder: &mut Change, one: &Held) {
    if holder.action == Action::NoOp {
        (holder.action, holder.reason) = (Action::Update, Reason::Releases);
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
    let problem = Diagnostic::error(CODE, format!("{name} cannot be {verb} while {by} uses it")).note(
        format!("{by} names it in `{}`, and AWS deletes no {} that is in use", one.link.attribute, name.kind),
    );
    if holder.action == Action::Forget {
        return problem
            .note(format!("{by} stays at AWS as it is"))
            .help("retain both, or neither".to_owned());
    }
    match (held.action, clash(held, scope)) {
        (Action::Replace { create_first: false }, Some(clash)) => {
            problem.note(format!("a new one cannot exist beside it: {clash}")).help(format!(
                "give the new one another name, so that it is created first and {by} can switch to it; or replace both, with --replace {by}"
            ))
        }
        (Action::Replace { .. }, _) => problem.help(format!(
            "make {by} refer to {name} instead of writing its name, so that it switches to the new one"
        )),
        _ => problem.help(format!("remove it from {by}, or keep {name}")),
    }
}

/// Finds an order, if need be by adding releases between resources that are all deleted. Returns an
/// error if there is none.
fn find_order(
    changes: &mut BTreeMap<Address, Change>,
    deposed: &mut [Change],
    rules: &Rules<'_>,
) -> Option<Diagnostic> {
    loop {
        let effective = changes.values().filter(|change| change.is_effective());
        let effective = effective.map(|change| (&change.address, change)).collect();
        let stuck = Order::of(&effective, deposed, rules.applied, rules.scope).err()?;
        let mut holds = stuck.holds.iter();
        let loose =
            holds.find(|one| one.link.hold == Hold::Loose && !(rules.fixed)(&one.holder.0, one.link.root()));
        let Some(one) = loose else { return Some(stuck.error()) };
        let holder = match one.holder.1 {
            Some(index) => deposed.get_mut(index)?,
            None => changes.get_mut(&one.holder.0)?,
        };
        release(holder, one);
    }
}
