//! Asks AWS what a plan needs to know, in as few calls as possible.

mod accounts;
mod again;
mod batches;
mod claims;
mod data;
mod index;
mod read;

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::aws::{self, Place, Session, Tags};
use crate::diag::Diagnostic;
use crate::eval::EvalContext;
use crate::kinds;
use crate::ledger::Ledger;
use crate::plan::{self, Action, Answers, Change, Inputs, Outcome, Plan, Question, Selection, warning};
use crate::value::Value;

use again::{Knowledge, Reading, Search};
use batches::{Batches, Reads, spare_all_tags};
use index::{Index, consult};
use read::PAUSE;

pub use again::reappeared;
pub use data::read_data;
pub use index::{Shown, Unresolved, index_of, indexed, resolve, shows};
pub use read::{PAUSES, confirm, owned};

/// Makes the plan. Asks AWS until no question is left; one round is usual.
///
/// # Errors
/// All problems of the stack and its resources.
pub async fn plan(
    session: Option<&Session>,
    eval: &EvalContext<'_>,
    ledger: &Ledger,
    selection: &Selection,
) -> Result<Plan, Vec<Diagnostic>> {
    let lost = session.map(|session| accounts::unreachable(session, eval.stack, ledger));
    if let Some(lost) = lost.filter(|lost| !lost.is_empty()) {
        return Err(lost);
    }
    let mut answers = Answers::default();
    let mut indices = BTreeMap::new();
    loop {
        let inputs = Inputs { eval, ledger, answers: &answers, selection, offline: session.is_none() };
        let owner = (inputs.eval.stack.name.clone(), inputs.eval.stack.env.clone());
        match plan::plan(&inputs)? {
            Outcome::Plan(mut plan) => {
                if let Some(session) = session.filter(|_| !selection.recover && selection.import.is_none()) {
                    if ledger.account.is_empty() {
                        claims::not_in_ledger(session, eval, &plan, &mut indices).await?;
                        plan.warnings.extend(claims::without_ledger(eval, &plan));
                    }
                    let asks = selection.destroy || selection.drift;
                    let twins = claims::twins(session, eval, ledger, &plan, asks, &mut indices).await;
                    plan.warnings.extend(twins);
                    check_deletes(session, &mut plan).await;
                }
                return Ok(*plan);
            }
            Outcome::Ask(questions) => match session {
                Some(session) => {
                    let knowledge =
                        Knowledge { session, ledger, owner: &owner, ignore_tags: &eval.stack.ignore_tags };
                    ask(&knowledge, questions, &mut indices, &mut answers).await;
                }
                // An offline plan never asks.
                None => return Err(vec![Diagnostic::error("offline", "this plan needs to ask AWS")]),
            },
        }
    }
}

/// Asks ahead of each deletion whether AWS would refuse it, and what would stay.
async fn check_deletes(session: &Session, plan: &mut Plan) {
    let goes = |change: &&Change| {
        matches!(change.action, Action::Delete | Action::Replace { .. }) && change.live.is_some()
    };
    let all = || plan.changes.iter().chain(&plan.deposed);
    let mut parts: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for change in all().filter(goes) {
        let part_of = kinds::kind(&change.address.kind).and_then(|kind| kind.part_of());
        if let Some((whole, attribute)) = part_of
            && let Some(id) = change.existing.get(attribute).and_then(Value::as_str)
        {
            parts.entry((whole, id)).or_default().push(&change.existing);
        }
    }
    let parts = &parts;
    let found = join_all(all().map(|change| async move {
        let (Some(id), Some(live), true) = (&change.id, &change.live, goes(&change)) else { return Ok(None) };
        let Some(kind) = kinds::kind(&change.address.kind) else { return Ok(None) };
        let own = parts.get(&(kind.name(), id.as_str())).map(Vec::as_slice).unwrap_or_default();
        let cx = session.cx(change.existing_place());
        kind.check_delete(&cx, id, &change.existing, &live.attrs, own).await
    }))
    .await;
    for (change, found) in plan.changes.iter_mut().chain(&mut plan.deposed).zip(found) {
        match found {
            Ok(delete_check) => change.delete_check = delete_check,
            // This only warns early; AWS will answer the deletion itself.
            Err(error) => plan.warnings.push(
                Diagnostic::warning(
                    warning::READ_FAILED,
                    format!("it is not known whether AWS would delete {}", change.address),
                )
                .note(format!("AWS answered: {error}")),
            ),
        }
    }
}

/// Asks all questions concurrently, with reads of one kind and place in one batch. Then reads again
/// what should exist but was not found.
async fn ask(
    knowledge: &Knowledge<'_>,
    questions: Vec<Question>,
    indices: &mut BTreeMap<Place, Index>,
    answers: &mut Answers,
) {
    let Knowledge { session, .. } = *knowledge;
    let Batches { mut reads, of_resources, of_data, filters, searches, listings, .. } =
        Batches::of(questions);
    session.asks(reads.values().map(|(_, batch)| batch.len()).sum());
    let reading = async {
        look_up(knowledge, &mut reads, indices).await;
        spare_all_tags(&mut reads, &of_data, &of_resources);
        join_all(reads.into_iter().map(|((_, place, _), (kind, requests))| async move {
            let found = kind.read_many(&session.cx(&place), &requests).await;
            session.answered(found.len());
            Reading { kind, place, requests, found }
        }))
        .await
    };
    let searching = join_all(searches.into_iter().map(|(kind, place, address, spec)| async move {
        let found = knowledge.find(kind, &place, &address, &spec).await;
        Search { kind, place, address, spec, found }
    }));
    let listing = join_all(listings.into_iter().map(|(kind, place, address, parents)| async move {
        let inside = async || {
            let cx = session.cx(&place);
            let inside = parents.iter().filter(|(parent, _)| kind.is_part_of(parent));
            let inside = inside.map(|(_, id)| kind.inside(&cx, id));
            let found: aws::Result<Vec<_>> = join_all(inside).await.into_iter().collect();
            found.map(|found| found.into_iter().flatten().map(|(id, _)| id).collect::<Vec<String>>())
        };
        let found = match inside().await {
            // An interrupted apply may have created it: one empty answer does not prove the contrary.
            Ok(ids) if ids.is_empty() && !parents.is_empty() => {
                tokio::time::sleep(PAUSE).await;
                inside().await
            }
            found => found,
        };
        (address, found)
    }));
    let looking = data::search(session, filters);
    let (mut readings, mut searches, listed, found) =
        futures_util::future::join4(reading, searching, listing, looking).await;
    answers.searches.extend(found);
    knowledge.look_again(&mut readings, &mut searches, indices).await;
    for Reading { kind, place, requests, found } in readings {
        for (request, live) in requests.into_iter().zip(found) {
            let key = (kind.name(), place.clone(), request.id);
            if of_data.contains(&key) {
                answers.data.insert(key.clone(), live.clone());
            }
            if of_resources.contains(&key) {
                answers.reads.insert(key, live);
            }
        }
    }
    answers.found.extend(searches.into_iter().map(|one| ((one.address, one.place), one.found)));
    answers.within.extend(listed);
}

/// Keeps only those expected tags that the index of their region confirms, and asks for the index
/// where it may help. Without an index, the kinds read the tags.
async fn look_up(knowledge: &Knowledge<'_>, reads: &mut Reads, indices: &mut BTreeMap<Place, Index>) {
    let Knowledge { session, owner, .. } = *knowledge;
    // One call that may save another costs nothing, and shows resources that the ledger does not know.
    let hopes = reads.iter().filter(|(_, (_, batch))| batch.iter().any(|request| request.tags.is_some()));
    let hopes = hopes.map(|((_, place, _), (kind, _))| indexed(*kind, place));
    consult(session, hopes.collect(), owner, indices).await;
    for ((_, place, _), (kind, batch)) in reads {
        let index = indices.get(&indexed(*kind, place));
        for request in batch {
            let is_others = |address: &str, key: &str| knowledge.is_others(address, key);
            let is_shown =
                |tags: &Tags| index.is_some_and(|index| shows(index, &request.id, tags, &is_others));
            request.tags = request.tags.take().filter(is_shown);
        }
    }
}
