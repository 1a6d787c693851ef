//! Proves at the end of an apply whose the resources are that it created with calls that do not refuse an
//! existing one. The tag index proves most of them, a few in each call; the rest are read.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;

use super::executor::{Executor, Unproven};
use super::reads::read;
use crate::aws::{Error, Place};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedLive, Owner, State};
use crate::live::{self, PAUSES};
use crate::plan;
use crate::plan::order::Unit;
use crate::signals;

impl Executor<'_, '_, '_> {
    /// Returns the units that created nothing, since the resource proves to be someone else's, each with the
    /// error. Their addresses are as before in the ledger. A resource that cannot be read now stays in the
    /// ledger: the next plan checks its owner.
    pub(super) async fn prove(&self, instances: &BTreeMap<Address, Instance<'_>>) -> Vec<(Unit, Diagnostic)> {
        let mut unproven = std::mem::take(&mut *self.unproven.borrow_mut());
        let mut places: BTreeMap<Place, Vec<&str>> = BTreeMap::new();
        for one in &unproven {
            let addresses = places.entry(live::indexed(one.kind, &one.place)).or_default();
            addresses.extend(one.tags.get(Owner::ADDRESS).map(String::as_str));
        }
        let stack = self.eval.stack;
        let mut indices = HashMap::new();
        for (place, addresses) in places {
            let index = live::index_of(self.session, &place, (&stack.name, &stack.env), &addresses).await;
            indices.insert(place, index);
        }
        unproven.retain(|one| {
            let index = indices.get(&live::indexed(one.kind, &one.place));
            !index.is_some_and(|index| live::shows(index, &one.id, &one.tags, &|_, _| false))
        });
        let read = join_all(unproven.iter().map(|one| self.owner_tags(one))).await;
        let mut foreign = Vec::new();
        for (one, live) in unproven.into_iter().zip(read) {
            let Some(instance) = instances.get(&one.unit.address) else { continue };
            match live {
                Ok(Some(live)) if Owner::of(&live.tags) != Owner::of(&one.tags) => {
                    self.disclaim(&one.unit.address, Some(one.before));
                    foreign.push((one.unit, plan::intruded(instance, &one.id, &live, stack)));
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(address = %one.unit.address, %error, "its owner is not known"),
            }
        }
        foreign
    }

    /// Reads the tags of a new resource, which may not be visible at once.
    async fn owner_tags(&self, one: &Unproven) -> Result<Option<ErasedLive>, Error> {
        let cx = self.session.cx(&one.place);
        let request = plan::read_request(&one.id, None, None, false);
        let mut pauses = PAUSES.into_iter();
        loop {
            let live = read(one.kind, &cx, &request).await?;
            let is_clear =
                live.as_ref().is_none_or(|live| !live.tags.is_empty() || live.state != State::Ready);
            let Some(pause) = pauses.next().filter(|_| !is_clear) else { return Ok(live) };
            if signals::unless_stopping(tokio::time::sleep(pause)).await.is_err() {
                return Ok(None);
            }
        }
    }
}
