//! Asks AWS what a plan needs to know, in as few calls as the kinds can.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::aws::Session;
use crate::diag::Diagnostic;
use crate::kind::{ErasedKind, Owner, Wanted};
use crate::ledger::Ledger;
use crate::plan::{self, Answers, Inputs, Outcome, Plan, Question, Selection};
use crate::world::World;

/// Makes the plan, asking AWS until nothing more is needed: usually once.
///
/// # Errors
/// All problems of the stack and of its resources.
pub async fn plan(
    session: Option<&Session>,
    world: &World<'_>,
    ledger: &Ledger,
    selection: &Selection,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut answers = Answers::default();
    loop {
        let inputs = Inputs { world, ledger, answers: &answers, selection, offline: session.is_none() };
        let owner = (inputs.world.stack.name.clone(), inputs.world.stack.env.clone());
        match plan::plan(&inputs)? {
            Outcome::Plan(plan) => return Ok(*plan),
            Outcome::Ask(questions) => match session {
                Some(session) => ask(session, questions, &owner, &mut answers).await,
                // An offline plan never asks.
                None => return Err(vec![Diagnostic::error("offline", "this plan needs to ask AWS")]),
            },
        }
    }
}

/// Asks everything at the same time, reads of one kind and region together.
async fn ask(session: &Session, questions: Vec<Question>, owner: &(String, String), answers: &mut Answers) {
    let mut reads: BTreeMap<(&'static str, String), (&'static dyn ErasedKind, Vec<Wanted>)> = BTreeMap::new();
    let mut searches = Vec::new();
    for question in questions {
        match question {
            Question::Read { kind, region, wanted } => {
                let (_, batch) = reads.entry((kind.name(), region)).or_insert_with(|| (kind, Vec::new()));
                match batch.iter_mut().find(|one| one.id == wanted.id) {
                    // Two addresses may name the same thing; the reader asks for it once.
                    Some(one) => {
                        one.attributes.get_or_insert_default().extend(wanted.attributes.unwrap_or_default())
                    }
                    None => batch.push(wanted),
                }
            }
            Question::Find { kind, region, address, spec } => searches.push((kind, region, address, spec)),
        }
    }
    let reading = join_all(reads.into_iter().map(|((name, region), (kind, batch))| async move {
        let cx = session.cx(&region);
        let found = kind.read_many(&cx, &batch).await;
        (name, region, batch, found)
    }));
    let searching = join_all(searches.into_iter().map(|(kind, region, address, spec)| async move {
        let cx = session.cx(&region);
        let owner = Owner::new(&owner.0, &owner.1, &address);
        let found = kind.find(&cx, &owner, &spec).await;
        (address, found)
    }));
    let (read, found) = futures_util::future::join(reading, searching).await;
    for (name, region, batch, found) in read {
        for (wanted, live) in batch.into_iter().zip(found) {
            answers.reads.insert((name, region.clone(), wanted.id), live);
        }
    }
    answers.found.extend(found);
}
