//! Reads resources apart from a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use crate::aws::{self, Place, Session};
use crate::kind::{ErasedKind, ErasedLive, Owner, ReadRequest, State};
use crate::ledger::Entry;
use crate::plan;

/// The pauses before each further read. A resource that the tag index does not show either is looked
/// for once more; one that the index shows, after every pause.
pub const PAUSES: [Duration; 3] = [PAUSE, Duration::from_millis(1000), Duration::from_millis(2000)];
/// The pause before another read.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Reads of one kind and place, with their indices in the whole list.
type Batch = (&'static dyn ErasedKind, Vec<usize>, Vec<ReadRequest>);

/// Reads everything that AWS returns about the ledger's entries, in the same order. Returns `None` for
/// entries that are gone.
pub async fn owned(
    session: &Session,
    entries: &[(&'static dyn ErasedKind, &Entry)],
) -> Vec<aws::Result<Option<ErasedLive>>> {
    let mut batches: BTreeMap<(&str, &Place), Batch> = BTreeMap::new();
    for (index, (kind, entry)) in entries.iter().enumerate() {
        session.asks(1);
        let batch = batches.entry((kind.name(), &entry.place));
        let (_, indices, requests) = batch.or_insert_with(|| (*kind, Vec::new(), Vec::new()));
        indices.push(index);
        requests.push(plan::read_request(&entry.id, None, None, true));
    }
    let read = join_all(batches.into_iter().map(|((_, place), (kind, indices, requests))| async move {
        let found = kind.read_many(&session.cx(place), &requests).await;
        session.answered(found.len());
        indices.into_iter().zip(found)
    }));
    let mut found: Vec<_> = read.await.into_iter().flatten().collect();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, live)| live).collect()
}

/// Asks the service itself, because the tag index lags. Returns the resource with this id if it has
/// these owner tags.
///
/// # Errors
/// AWS answered with an error.
pub async fn confirm(
    session: &Session,
    kind: &dyn ErasedKind,
    place: &Place,
    id: &str,
    owner: &Owner,
) -> aws::Result<Option<ErasedLive>> {
    // Read the tags alone.
    let request = plan::read_request(id, None, None, false);
    let read = async || {
        let live = kind.read_many(&session.cx(place), std::slice::from_ref(&request)).await.pop();
        live.transpose().map(Option::flatten)
    };
    let live = match read().await? {
        // The index shows it, so one empty answer does not mean that it is gone.
        None => {
            tokio::time::sleep(PAUSE).await;
            read().await?
        }
        live => live,
    };
    // Ignore a resource that is being deleted.
    let stays = |live: &ErasedLive| !matches!(live.state, State::Leaving(_));
    Ok(live.filter(|live| stays(live) && Owner::of(&live.tags).as_ref() == Some(owner)))
}
