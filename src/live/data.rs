//! Reads data: existing resources of others that the stack names.

use futures_util::future::join_all;

use super::batches::{Filters, spare_tags};
use super::read::PAUSES;
use crate::aws::{self, Place, Session};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::kind::{ErasedLive, ReadRequest, Way};
use crate::plan;

/// The answers to searches, by kind, place and filter.
type Found = Vec<((&'static str, Place, String), aws::Result<Vec<String>>)>;

/// Searches for data, with the searches for one kind and place together.
pub(super) async fn search(session: &Session, filters: Filters) -> Found {
    session.asks(filters.values().map(|(_, filters)| filters.len()).sum());
    let found = join_all(filters.into_iter().map(|((name, place, _), (kind, filters))| async move {
        let found = kind.search(&session.cx(&place), &filters).await;
        session.answered(found.len());
        let keys = filters.iter().map(|filter| (name, place.clone(), plan::filter_text(filter)));
        keys.zip(found).collect::<Vec<_>>()
    }));
    found.await.into_iter().flatten().collect()
}

/// Reads data during an apply. Something that was created moments ago may not be listed yet, so that one answer
/// without it does not count.
///
/// # Errors
/// AWS answered with an error; nothing was found, or several.
pub async fn read_data(
    session: &Session,
    instance: &Instance<'_>,
    way: &Way,
) -> Result<Vec<(String, ErasedLive)>, Diagnostic> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let found = read_once(session, instance, way).await;
        let found = found.map_err(|error| plan::unreadable(instance, &error))?;
        let is_empty = found.is_empty();
        match (plan::choose(instance, found), pauses.next().filter(|_| is_empty)) {
            (_, Some(pause)) => tokio::time::sleep(pause).await,
            (chosen, None) => return chosen,
        }
    }
}

async fn read_once(
    session: &Session,
    instance: &Instance<'_>,
    way: &Way,
) -> aws::Result<Vec<(String, ErasedLive)>> {
    let kind = instance.kind;
    let cx = session.cx(&instance.place);
    let ids = match way {
        Way::Id(id) => vec![id.clone()],
        Way::Filter(filter) => {
            kind.search(&cx, std::slice::from_ref(filter)).await.pop().unwrap_or_else(|| Ok(Vec::new()))?
        }
    };
    let requests: Vec<ReadRequest> = ids
        .iter()
        .map(|id| {
            let mut request =
                ReadRequest { attributes: Some((*instance.referred).clone()), ..ReadRequest::of(id) };
            spare_tags(&mut request);
            request
        })
        .collect();
    let lives: aws::Result<Vec<Option<ErasedLive>>> =
        kind.read_many(&cx, &requests).await.into_iter().collect();
    Ok(ids.into_iter().zip(lives?).filter_map(|(id, live)| Some((id, live?))).collect())
}
