//! Asks AWS what a plan needs to know, in as few calls as possible.

mod again;
mod claims;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;

use crate::aws::{self, Scope, Session, Tags};
use crate::diag::Diagnostic;
use crate::eval::EvalContext;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner, ReadRequest, State};
use crate::kinds;
use crate::ledger::{Entry, Ledger};
use crate::plan::{self, Action, Answers, Change, Inputs, Outcome, Plan, Question, Selection};
use crate::value::Value;

use again::{Knowledge, Reading, Search};

pub use again::{PAUSES, reappeared};

/// Time limit for the tag index; the kinds work without it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The tags of a stack's resources in the tag index, by ARN.
type Index = HashMap<String, Tags>;

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
    let told = join_all(all().map(|change| async move {
        let (Some(id), Some(live), true) = (&change.id, &change.live, goes(&change)) else { return Ok(None) };
        let Some(kind) = kinds::kind(&change.address.kind) else { return Ok(None) };
        let own = parts.get(&(kind.name(), id.as_str())).map(Vec::as_slice).unwrap_or_default();
        let cx = session.cx(change.existing_region());
        kind.check_delete(&cx, id, &change.existing, &live.attrs, own).await
    }))
    .await;
    for (change, told) in plan.changes.iter_mut().chain(&mut plan.deposed).zip(told) {
        match told {
            Ok(delete_check) => change.delete_check = delete_check,
            // This only warns early; AWS will answer the deletion itself.
            Err(error) => plan.warnings.push(
                Diagnostic::warning(
                    "read-failed",
                    format!("it is not known whether AWS would delete {}", change.address),
                )
                .note(format!("AWS answered: {error}")),
            ),
        }
    }
}

/// Reads of one kind and region, with their indices in the whole list.
type Batch = (&'static dyn ErasedKind, Vec<usize>, Vec<ReadRequest>);

/// Reads everything that AWS returns about the ledger's entries, in the same order. Returns `None` for
/// entries that are gone.
pub async fn owned(
    session: &Session,
    entries: &[(&'static dyn ErasedKind, &Entry)],
) -> Vec<aws::Result<Option<ErasedLive>>> {
    let mut batches: BTreeMap<(&str, &str), Batch> = BTreeMap::new();
    for (index, (kind, entry)) in entries.iter().enumerate() {
        session.asks(1);
        let batch = batches.entry((kind.name(), &entry.region));
        let (_, indices, requests) = batch.or_insert_with(|| (*kind, Vec::new(), Vec::new()));
        indices.push(index);
        requests.push(plan::read_request(&entry.id, None, None, true));
    }
    let read = join_all(batches.into_iter().map(|((_, region), (kind, indices, requests))| async move {
        let found = kind.read_many(&session.cx(region), &requests).await;
        session.answered(found.len());
        indices.into_iter().zip(found)
    }));
    let mut found: Vec<_> = read.await.into_iter().flatten().collect();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, live)| live).collect()
}

/// Asks all questions concurrently, with reads of one kind and region in one batch. Then reads again
/// what should exist but was not found.
async fn ask(
    knowledge: &Knowledge<'_>,
    questions: Vec<Question>,
    indices: &mut BTreeMap<String, Index>,
    answers: &mut Answers,
) {
    let Knowledge { session, .. } = *knowledge;
    let mut reads: BTreeMap<(&'static str, String), (&'static dyn ErasedKind, Vec<ReadRequest>)> =
        BTreeMap::new();
    let (mut searches, mut listings) = (Vec::new(), Vec::new());
    for question in questions {
        match question {
            Question::Read { kind, region, request, tags } => {
                // The tags to expect, until an index has confirmed them.
                let request = ReadRequest { tags, ..request };
                let (_, batch) = reads.entry((kind.name(), region)).or_insert_with(|| (kind, Vec::new()));
                match batch.iter_mut().find(|one| one.id == request.id) {
                    // Two addresses may name the same resource; read it once.
                    Some(one) => {
                        one.attributes.get_or_insert_default().extend(request.attributes.unwrap_or_default());
                        one.tags = None;
                        one.applied = None;
                    }
                    None => batch.push(request),
                }
            }
            Question::Find { kind, region, address, spec } => searches.push((kind, region, address, spec)),
            Question::Within { kind, region, address, parents } => {
                listings.push((kind, region, address, parents));
            }
        }
    }
    session.asks(reads.values().map(|(_, batch)| batch.len()).sum());
    let reading = async {
        look_up(knowledge, &mut reads, indices).await;
        join_all(reads.into_iter().map(|((_, region), (kind, requests))| async move {
            let found = kind.read_many(&session.cx(&region), &requests).await;
            session.answered(found.len());
            Reading { kind, region, requests, found }
        }))
        .await
    };
    let searching = join_all(searches.into_iter().map(|(kind, region, address, spec)| async move {
        let found = knowledge.find(kind, &region, &address, &spec).await;
        Search { kind, region, address, spec, found }
    }));
    let listing = join_all(listings.into_iter().map(|(kind, region, address, parents)| async move {
        let inside = async || {
            let cx = session.cx(&region);
            let inside = parents.iter().filter(|(parent, _)| kind.is_part_of(parent));
            let inside = inside.map(|(_, id)| kind.inside(&cx, id));
            let found: aws::Result<Vec<_>> = join_all(inside).await.into_iter().collect();
            found.map(|found| found.into_iter().flatten().map(|(id, _)| id).collect::<Vec<String>>())
        };
        let found = match inside().await {
            // An interrupted apply may have created it: one empty answer does not prove the contrary.
            Ok(ids) if ids.is_empty() && !parents.is_empty() => {
                tokio::time::sleep(again::PAUSE).await;
                inside().await
            }
            found => found,
        };
        (address, found)
    }));
    let (mut readings, mut searches, listed) = futures_util::future::join3(reading, searching, listing).await;
    knowledge.look_again(&mut readings, &mut searches, indices).await;
    for Reading { kind, region, requests, found } in readings {
        for (request, live) in requests.into_iter().zip(found) {
            answers.reads.insert((kind.name(), region.clone(), request.id), live);
        }
    }
    answers.found.extend(searches.into_iter().map(|one| ((one.address, one.region), one.found)));
    answers.within.extend(listed);
}

/// The ids of resources with an owner's tags, from the tag index of a region.
async fn indexed_ids(cx: aws::Cx, kind: &dyn ErasedKind, owner: &Owner) -> aws::Result<Vec<String>> {
    let filter = [
        (Owner::STACK, owner.stack.as_str()),
        (Owner::ENV, owner.env.as_str()),
        (Owner::ADDRESS, owner.address.as_str()),
    ];
    let index = aws::tags_by_arn(&cx, &filter).await?;
    Ok(index.keys().filter_map(|arn| kind.id_of_arn(arn)).collect())
}

/// Keeps only those expected tags that the index of their region confirms, and asks for the index
/// where it may help. Without an index, the kinds read the tags.
async fn look_up(
    knowledge: &Knowledge<'_>,
    reads: &mut BTreeMap<(&'static str, String), (&'static dyn ErasedKind, Vec<ReadRequest>)>,
    indices: &mut BTreeMap<String, Index>,
) {
    let Knowledge { session, owner, .. } = *knowledge;
    // One call that may save another costs nothing, and shows resources that the ledger does not know.
    let hopes = reads.iter().filter(|(_, (_, batch))| batch.iter().any(|request| request.tags.is_some()));
    let hopes = hopes.map(|((_, region), (kind, _))| indexed(*kind, region));
    consult(session, hopes.collect(), owner, indices).await;
    for ((_, region), (kind, batch)) in reads {
        let index = indices.get(indexed(*kind, region));
        for request in batch {
            let is_others = |address: &str, key: &str| knowledge.is_others(address, key);
            let is_shown =
                |tags: &Tags| index.is_some_and(|index| shows(index, &request.id, tags, &is_others));
            request.tags = request.tags.take().filter(is_shown);
        }
    }
}

/// Fetches the tag indices of these regions that are not known yet. An index that does not answer
/// counts as empty.
async fn consult(
    session: &Session,
    mut regions: BTreeSet<&str>,
    owner: &(String, String),
    indices: &mut BTreeMap<String, Index>,
) {
    regions.retain(|region| !indices.contains_key(*region));
    let filter = [(Owner::STACK, owner.0.as_str()), (Owner::ENV, owner.1.as_str())];
    let asked = join_all(regions.into_iter().map(|region| async move {
        let cx = session.cx(region);
        let index = match tokio::time::timeout(TIMEOUT, aws::tags_by_arn(&cx, &filter)).await {
            Ok(Ok(index)) => index,
            Ok(Err(error)) => {
                tracing::debug!(region, %error, "no tag index");
                Index::new()
            }
            Err(_) => {
                tracing::debug!(region, "no tag index in time");
                Index::new()
            }
        };
        (region.to_owned(), index)
    }))
    .await;
    indices.extend(asked);
}

/// Asks the service itself, because the tag index lags. Returns the resource with this id if it has
/// these owner tags.
///
/// # Errors
/// AWS answered with an error.
pub async fn confirm(
    session: &Session,
    kind: &dyn ErasedKind,
    region: &str,
    id: &str,
    owner: &Owner,
) -> aws::Result<Option<ErasedLive>> {
    // Read the tags alone.
    let request = plan::read_request(id, None, None, false);
    let read = async || {
        let live = kind.read_many(&session.cx(region), std::slice::from_ref(&request)).await.pop();
        live.transpose().map(Option::flatten)
    };
    let live = match read().await? {
        // The index shows it, so one empty answer does not mean that it is gone.
        None => {
            tokio::time::sleep(again::PAUSE).await;
            read().await?
        }
        live => live,
    };
    // Ignore a resource that is being deleted.
    let stays = |live: &ErasedLive| !matches!(live.state, State::Leaving(_));
    Ok(live.filter(|live| stays(live) && Owner::of(&live.tags).as_ref() == Some(owner)))
}

/// The region whose tag index covers resources of this kind.
fn indexed<'a>(kind: &dyn ErasedKind, region: &'a str) -> &'a str {
    if kind.global() { Scope::home_of(region) } else { region }
}

/// Returns whether the index shows these tags, which include the address, for exactly one resource,
/// the one with this id. Tags of others do not count.
fn shows(index: &Index, id: &str, tags: &Tags, is_others: &dyn Fn(&str, &str) -> bool) -> bool {
    let Some(address) = tags.get(Owner::ADDRESS) else { return false };
    let is_wanted = |found: &Tags| {
        tags.iter().all(|(key, value)| found.get(key) == Some(value))
            && found.keys().all(|key| tags.contains_key(key) || is_others(address, key))
    };
    let kind = Address::of_tag(address).and_then(|address| kinds::kind(&address.kind));
    let is_it = |arn: &str| kind.and_then(|kind| kind.id_of_arn(arn)).as_deref() == Some(id);
    let mut of_address = index.iter().filter(|(_, found)| found.get(Owner::ADDRESS) == Some(address));
    match (of_address.next(), of_address.next()) {
        (Some((arn, found)), None) => is_wanted(found) && is_it(arn),
        // Not indexed yet, or indexed twice, because it was replaced or its address was reused.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Index, Tags, shows};

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_index_vouches_only_for_exactly_what_is_wanted() {
        let job = "arn:aws:glue:eu-west-1:123456789012:job/orders";
        let own = tags(&[("dwctl:address", "glue_job.orders"), ("team", "data")]);
        let index = |entries: &[(&str, &Tags)]| -> Index {
            entries.iter().map(|(arn, tags)| ((*arn).to_owned(), (*tags).clone())).collect()
        };
        let other = tags(&[("dwctl:address", "glue_job.returns"), ("team", "data")]);
        let plain = index(&[(job, &own), ("arn:aws:glue:eu-west-1:123456789012:job/returns", &other)]);
        assert!(shows(&plain, "orders", &own, &|_, _| false));

        // Tags that an organisation's automation adds are ignored, and no others.
        let more = tags(&[("dwctl:address", "glue_job.orders"), ("team", "data"), ("org:cost", "1")]);
        let is_others = |address: &str, key: &str| address == "glue_job.orders" && key == "org:cost";
        assert!(shows(&index(&[(job, &more)]), "orders", &own, &is_others));
        assert!(!shows(&index(&[(job, &more)]), "orders", &own, &|_, _| false));
        assert!(!shows(
            &index(&[(job, &tags(&[("dwctl:address", "glue_job.orders")]))]),
            "orders",
            &own,
            &is_others
        ));

        // The index has another resource at the address, or none.
        assert!(!shows(&plain, "orders-2", &own, &|_, _| false));
        assert!(!shows(&index(&[]), "orders", &own, &|_, _| false));
        // Tags that were changed, added or taken away.
        for there in [
            tags(&[("dwctl:address", "glue_job.orders"), ("team", "ops")]),
            tags(&[("dwctl:address", "glue_job.orders"), ("team", "data"), ("cost", "1")]),
            tags(&[("dwctl:address", "glue_job.orders")]),
            tags(&[("team", "data")]),
        ] {
            assert!(!shows(&index(&[(job, &there)]), "orders", &own, &|_, _| false), "{there:?}");
        }
        // A predecessor that the index still shows.
        let former = "arn:aws:glue:eu-west-1:123456789012:job/orders-1";
        let gone = tags(&[("dwctl:address", "glue_job.orders")]);
        assert!(!shows(&index(&[(job, &own), (former, &gone)]), "orders", &own, &|_, _| false));
        // Without an address, nothing proves whose tags they are.
        let nobody = tags(&[("team", "data")]);
        assert!(!shows(&index(&[(job, &nobody)]), "orders", &nobody, &|_, _| false));
    }

    #[test]
    fn an_index_names_resources_by_arn() {
        for (address, arn, id) in [
            ("cloudwatch_alarm.a", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:late", "late"),
            (
                "cloudwatchlogs_log_group.a",
                "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/glue/jobs:*",
                "/aws/glue/jobs",
            ),
            ("eventbridge_rule.a", "arn:aws:events:eu-west-1:123456789012:rule/bus/nightly", "bus|nightly"),
            ("eventbridge_rule.a", "arn:aws:events:eu-west-1:123456789012:rule/nightly", "default|nightly"),
            ("s3_bucket.a", "arn:aws:s3:::acme-raw", "acme-raw"),
            ("s3_object.a", "arn:aws:s3:::acme-raw/a/b:c", "acme-raw/a/b:c"),
            ("iam_role.a", "arn:aws:iam::123456789012:role/team/etl", "etl"),
            (
                "secretsmanager_secret.a",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-c-Ab12Cd",
                "a/b-c",
            ),
            ("sns_topic.a", "arn:aws:sns:eu-west-1:123456789012:t", "arn:aws:sns:eu-west-1:123456789012:t"),
        ] {
            let own = tags(&[("dwctl:address", address)]);
            let index = Index::from([(arn.to_owned(), own.clone())]);
            assert!(shows(&index, id, &own, &|_, _| false), "{arn}");
            // An ARN with the same ending is another resource.
            assert!(!shows(&index, &format!("/other{id}"), &own, &|_, _| false), "{arn}");
        }
    }
}
