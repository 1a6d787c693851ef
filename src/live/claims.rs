//! Finds resources that have the stack's owner tags, but are not in its ledger, by the tag index: of a
//! stack without a ledger, and beside the resources in the ledger.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::index::{Index, Shown, consult, indexed, resolve};
use super::read::confirm;
use crate::aws::{Place, Session};
use crate::diag::{Diagnostic, counted};
use crate::eval::EvalContext;
use crate::graph::Address;
use crate::kind::{ErasedKind, Owner};
use crate::kinds;
use crate::ledger::Ledger;
use crate::plan::{Action, Plan, warning};

/// Maximum number of resources that one message names.
const SHOWN: usize = 8;

/// A resource that the index attributes to the stack.
struct Claim {
    place: Place,
    arn: String,
    owner: Owner,
    address: Address,
    kind: &'static dyn ErasedKind,
    id: String,
}

/// The resources that the indices attribute to the stack, sorted by address.
fn claims(indices: &BTreeMap<Place, Index>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = indices
        .iter()
        .flat_map(|(place, index)| index.iter().map(move |(arn, tags)| (place, arn, tags)))
        .filter_map(|(place, arn, tags)| {
            let owner = Owner::of(tags)?;
            let Shown { kind, id, address } = resolve(arn, &owner.address).ok()?;
            Some(Claim { place: place.clone(), arn: arn.clone(), owner, address: address?, kind, id })
        })
        .collect();
    claims.sort_by(|one, other| (&one.address, &one.arn).cmp(&(&other.address, &other.arn)));
    claims
}

/// Refuses to continue if a stack has lost its ledger, because only the ledger knows undeclared
/// resources. An index that does not answer does not stop the plan.
pub(super) async fn not_in_ledger(
    session: &Session,
    eval: &EvalContext<'_>,
    plan: &Plan,
    indices: &mut BTreeMap<Place, Index>,
) -> Result<(), Vec<Diagnostic>> {
    let (name, env) = (&eval.stack.name, &eval.stack.env);
    let home = Place::of(&plan.region).home();
    let places = plan.changes.iter().map(|change| change.place.clone()).chain([home]).collect();
    consult(session, places, &(name.clone(), env.clone()), indices).await;
    let known: BTreeSet<&Address> = plan.changes.iter().map(|change| &change.address).collect();
    let claims = claims(indices).into_iter().filter(|claim| !known.contains(&claim.address));
    // A resource that cannot be read may well exist.
    let unknown = join_all(claims.map(|claim| async move {
        let live = confirm(session, claim.kind, &claim.place, &claim.id, &claim.owner).await;
        live.map_or(true, |live| live.is_some()).then_some(claim)
    }));
    let unknown: Vec<Claim> = unknown.await.into_iter().flatten().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let mut error =
        Diagnostic::error("ledger-lost", format!("{name}/{env} has no ledger, but was applied before"));
    for Claim { address, arn, .. } in unknown.iter().take(SHOWN) {
        error = error.note(format!("the tags of {arn} say that it is {address}, which is not declared"));
    }
    if unknown.len() > SHOWN {
        error = error.note(format!("and {} more", unknown.len() - SHOWN));
    }
    Err(vec![
        error
            .note("only a ledger shows what is no longer declared; nothing was changed at AWS")
            .help("restore the ledger, or rebuild it: dwctl ledger recover"),
    ])
}

/// The warning if a plan has no ledger and finds resources of the stack: whoever created them may have
/// the ledger.
pub(super) fn without_ledger(eval: &EvalContext<'_>, plan: &Plan) -> Option<Diagnostic> {
    let stack = eval.stack;
    let found: Vec<&Address> = plan
        .changes
        .iter()
        .filter(|change| change.live.is_some() && !change.is_taken_over())
        .map(|change| &change.address)
        .collect();
    let first = found.first()?;
    let (name, env) = (&stack.name, &stack.env);
    let warning = Diagnostic::warning(
        warning::NO_LEDGER,
        format!("{name}/{env} has no ledger here, but {} of its resources exist", found.len()),
    )
    .note(format!("their owner tags name this stack; one of them is {first}"));
    Some(match stack.ledger {
        None => warning
            .note("their ledger is in another folder, on another machine, or lost")
            .note("two ledgers of one stack do not know of each other's changes")
            .help("if it was lost, rebuild it: dwctl ledger recover")
            .help("if it is elsewhere, share it: declare [ledger] with an S3 bucket there, and run `dwctl ledger init` and `dwctl ledger push FILE`"),
        Some(_) => warning
            .note("its ledger in S3 was deleted, or is in another bucket or under another prefix")
            .help("check [ledger]; if it was lost, restore a version of the object, or rebuild it: dwctl ledger recover"),
    })
}

/// Warns of each resource that has the stack's owner tags and that neither the ledger nor the plan
/// knows. Such twins come from concurrent applies, for example after the lock of a live one was freed.
pub(super) async fn twins(
    session: &Session,
    eval: &EvalContext<'_>,
    ledger: &Ledger,
    plan: &Plan,
    asks: bool,
    indices: &mut BTreeMap<Place, Index>,
) -> Vec<Diagnostic> {
    let owner = (eval.stack.name.clone(), eval.stack.env.clone());
    let owned = || {
        let all = ledger.resources.iter();
        all.filter_map(|(address, entry)| Some((kinds::kind(&address.kind)?, entry)))
            .filter(|(kind, _)| kind.taggable())
    };
    // Most twins are of kinds whose ids AWS assigns. If the plan needs the index for nothing else, ask
    // for those alone.
    let twinned = |kind: &dyn ErasedKind| asks || !plan.is_empty() || kind.assigns_ids();
    let places: BTreeSet<Place> =
        owned().filter(|(kind, _)| twinned(*kind)).map(|(kind, entry)| indexed(kind, &entry.place)).collect();
    consult(session, places, &owner, indices).await;
    let deposed = ledger.deposed.iter().flat_map(|(at, all)| all.iter().map(move |one| (at, one)));
    let entries = ledger.resources.iter().chain(deposed);
    let entries = entries.map(|(at, entry)| (at.kind.as_str(), &entry.place, entry.id.as_str()));
    let intents = ledger.intents.iter();
    let intents = intents.filter_map(|(at, one)| Some((at.kind.as_str(), &one.place, one.id.as_deref()?)));
    let planned = plan.changes.iter().chain(&plan.deposed);
    let planned =
        planned.filter_map(|one| Some((one.address.kind.as_str(), one.existing_place(), one.id.as_deref()?)));
    let known: BTreeSet<(&str, Place, &str)> = entries
        .chain(intents)
        .chain(planned)
        .filter_map(|(name, place, id)| Some((name, indexed(kinds::kind(name)?, place), id)))
        .collect();
    // Without a ledger, undeclared resources are reported by `not_in_ledger`.
    let claims = claims(indices)
        .into_iter()
        .filter(|claim| !known.contains(&(claim.kind.name(), claim.place.clone(), claim.id.as_str())));
    let found = join_all(claims.map(|claim| async move {
        let live = confirm(session, claim.kind, &claim.place, &claim.id, &claim.owner).await;
        live.is_ok_and(|live| live.is_some()).then_some(claim)
    }));
    let found: Vec<Claim> = found.await.into_iter().flatten().collect();
    let count = found.len();
    let mut warnings: Vec<Diagnostic> =
        found.into_iter().take(SHOWN).map(|claim| twin(&claim, ledger, plan)).collect();
    if count > SHOWN {
        let more = counted(count - SHOWN, "more resource");
        let more = format!("{more} have owner tags of this stack, but are in no ledger");
        warnings.push(
            Diagnostic::warning(warning::TWIN, more)
                .help("to list them all: aws resourcegroupstaggingapi get-resources"),
        );
    }
    warnings
}

fn twin(claim: &Claim, ledger: &Ledger, plan: &Plan) -> Diagnostic {
    let Claim { place, arn, address, kind, id, .. } = claim;
    let change = plan.changes.iter().find(|change| change.address == *address);
    let known = ledger.resources.get(address).map(|entry| entry.id.as_str());
    let known = known.or_else(|| change.and_then(|change| change.id.as_deref()));
    let name = kind.name();
    let warning = Diagnostic::warning(
        warning::TWIN,
        format!("{name} {id} has this stack's owner tags, but is in no ledger"),
    )
    .note(format!("it is {arn} in {place}"));
    let warning = match known {
        Some(known) => warning.note(format!("its tags say that it is {address}, but that is {known}")),
        None => warning.note(format!("its tags say that it is {address}")),
    };
    let warning = warning
        .note("a concurrent apply created it, or `dwctl ledger forget` gave it up")
        .note("no apply changes or deletes it");
    let declared = change.is_some_and(|change| change.action != Action::Forget);
    match (known, declared) {
        (None, false) => warning.help("to have the next apply delete it: dwctl ledger recover"),
        _ => warning.help(format!(
            "delete it by hand; or declare it under its own address, and import it: dwctl import {name}.NAME {id}"
        )),
    }
}
