//! Reads resources more carefully: again if one answer shows nothing.

use super::reads::{Patience, Reads};
use crate::aws::{Class, Cx, Error};
use crate::kind::{ErasedKind, ErasedLive, ReadRequest};
use crate::live;
use crate::plan;
use crate::signals;

/// Reads a resource that the plan saw. AWS is eventually consistent, so one empty answer does not mean
/// that it is gone.
pub(super) async fn look(
    reads: &Reads,
    kind: &dyn ErasedKind,
    cx: &Cx,
    request: &ReadRequest,
) -> Result<Option<ErasedLive>, Error> {
    let mut pauses = live::PAUSES.into_iter();
    loop {
        let found = reads.read(kind, cx, request, Patience::None).await?;
        if found.is_some() {
            return Ok(found);
        }
        let Some(pause) = pauses.next() else { return Ok(None) };
        // After too few looks, the resource is not known to be gone.
        if signals::unless_stopping(tokio::time::sleep(pause)).await.is_err() {
            return Err(Error::finding(Class::NotYetConsistent, "so far, nothing has this id"));
        }
    }
}

/// Reads only what proves the owner of a resource.
pub(super) async fn look_at_tags(
    reads: &Reads,
    kind: &dyn ErasedKind,
    cx: &Cx,
    id: &str,
) -> Result<Option<ErasedLive>, Error> {
    look(reads, kind, cx, &plan::read_request(id, None, None, false)).await
}
