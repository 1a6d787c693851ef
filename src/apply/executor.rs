//! The tools that carry out every unit, and steps that several units share.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::event::Event;
use super::ledger_writer::LedgerWriter;
use super::look::look_at_tags;
use super::pending::Pending;
use super::reads::{Patience, Reads};
use super::retry::{Outcome, failure};
use crate::aws::{Class, Cx, Error, Place, Session, Tags};
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner, State};
use crate::kinds;
use crate::ledger::Entry;
use crate::plan::order::Unit;
use crate::plan::{self, Action, Change, Ownership, Reason};

/// How long a read proves whose a resource is. The owner is checked before each change, and AWS may take
/// minutes between two of them.
pub(super) const READS_PROVE: Duration = Duration::from_secs(10);

/// Carries out units.
pub(super) struct Executor<'e, 'a, 'l> {
    pub(super) session: &'e Session,
    pub(super) eval: &'e EvalContext<'a>,
    pub(super) writer: &'e LedgerWriter<'l>,
    /// Resources that are created or replaced.
    pub(super) made: BTreeSet<&'e Address>,
    /// True if settings that nobody declared are read, too.
    pub(super) deep: bool,
    pub(super) report: &'e dyn Fn(Event),
    /// Created resources whose owner is still to be proved.
    pub(super) unproven: RefCell<Vec<Unproven>>,
    pub(super) reads: Reads,
    /// The units that hold up more than one level of others.
    pub(super) urgent: BTreeSet<Unit>,
    /// The time since which the plan was read, unless a person was asked since.
    pub(super) read: Option<Instant>,
    /// Resources that an interrupted apply may have created, and this one continues with.
    pub(super) maybe_created: BTreeSet<Address>,
    /// Resources that match their declaration but that AWS is still working on.
    pub(super) busy: BTreeMap<&'e Address, (&'e Change, &'e Instance<'a>)>,
    /// The data that this apply reads, in order.
    pub(super) pending: Vec<Pending<'a>>,
}

impl Executor<'_, '_, '_> {
    /// The resource as the plan read it, if that still proves whose it is.
    pub(super) fn just_read<'c>(&self, change: &'c Change) -> Option<&'c ErasedLive> {
        change.live.as_ref().filter(|live| live.state == State::Ready && self.read_recently())
    }

    /// Returns whether what the plan read still proves whose a resource is.
    pub(super) fn read_recently(&self) -> bool {
        self.read.is_some_and(|read| read.elapsed() < READS_PROVE)
    }

    /// How long a read of a unit waits for those of others. `took` is how long the call took that it follows.
    pub(super) fn patience(&self, unit: &Unit, took: Option<Duration>) -> Patience {
        match took {
            _ if !self.urgent.contains(unit) => Patience::Leisurely,
            Some(took) => Patience::After(took),
            None => Patience::None,
        }
    }

    pub(super) fn forget(&self, change: &Change) {
        let mut ledger = self.writer.ledger.borrow_mut();
        let Some(id) = &change.id else {
            // The plan found that it is gone.
            ledger.resources.remove(&change.address);
            ledger.intents.remove(&change.address);
            self.writer.dirty.set(true);
            return;
        };
        let place = change.existing_place();
        if !matches!(change.action, Action::Replace { .. })
            && change.reason != Reason::Deposed
            && ledger.resources.get(&change.address).is_none_or(|entry| entry.id == *id)
        {
            // This also finishes what an interrupted apply started.
            ledger.intents.remove(&change.address);
        }
        // The address may already belong to a replacement that was created first.
        if !ledger.discard(&change.address, place, id)
            && ledger.resources.get(&change.address).is_some_and(|entry| entry.id == *id)
        {
            ledger.resources.remove(&change.address);
        }
        self.writer.dirty.set(true);
    }

    /// Removes the owner tags from a resource that stays at AWS, so that it has no owner.
    pub(super) async fn remove_owner_tags(&self, change: &Change) -> Outcome<()> {
        let (Some(kind), Some(id), Some(live)) =
            (kinds::kind(&change.address.kind), &change.id, &change.live)
        else {
            return Ok(());
        };
        if !kind.taggable() || !Owner::KEYS.iter().any(|key| live.tags.contains_key(*key)) {
            return Ok(());
        }
        let cx = self.session.cx(&change.place);
        let failed = |error: Error| vec![failure(&format!("cannot give up {}", change.address), id, &error)];
        let seen = match self.just_read(change) {
            Some(live) => Some(live.clone()),
            None => look_at_tags(&self.reads, kind, &cx, id).await.map_err(failed)?,
        };
        let live = match seen {
            Some(live)
                if self.ownership(kind, &cx, change, id, &live).await.map_err(failed)? == Ownership::Ours =>
            {
                live
            }
            // It is gone, or has another owner, whose tags are left alone.
            _ => return Ok(()),
        };
        let keys = Owner::KEYS.into_iter().filter(|key| live.tags.contains_key(*key));
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        match kind.tag(&cx, id, &live.attrs, &Tags::new(), &keys).await {
            Err(error) if error.class != Class::Gone => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Asks AWS who owns a resource that is about to be changed or deleted. An imported one counts as
    /// ours as long as its owner is the one that the plan saw.
    pub(super) async fn ownership(
        &self,
        kind: &'static dyn ErasedKind,
        cx: &Cx,
        change: &Change,
        id: &str,
        live: &ErasedLive,
    ) -> Result<Ownership, Error> {
        let planned = change.live.as_ref().filter(|_| change.is_taken_over());
        if planned.is_some_and(|planned| Owner::of(&planned.tags) == Owner::of(&live.tags)) {
            return Ok(Ownership::Ours);
        }
        let (address, place) = (&change.address, &cx.place);
        let ownership = {
            let ledger = self.writer.ledger.borrow();
            // A resource to be deleted may be known from an intent alone.
            let intended = || Entry { id: id.to_owned(), place: place.clone(), ..Entry::default() };
            match ledger.entry_with_id(address, place, id) {
                Some(entry) => plan::ownership(kind, address, entry, live, &ledger),
                None => plan::ownership(kind, address, &intended(), live, &ledger),
            }
        };
        if !plan::parent_decides(kind, &ownership) {
            return Ok(ownership);
        }
        let parent = plan::parent(kind, place, id, live, &self.writer.ledger.borrow());
        let Some((address, entry)) = parent else { return Ok(ownership) };
        let Some(kind) = kinds::kind(&address.kind) else { return Ok(ownership) };
        Ok(match look_at_tags(&self.reads, kind, cx, &entry.id).await? {
            Some(live) => plan::ownership(kind, &address, &entry, &live, &self.writer.ledger.borrow()),
            None => ownership,
        })
    }

    pub(super) fn span(&self, address: &Address) -> Option<crate::diag::Span> {
        self.eval.stack.resource(address).map(|resource| resource.span)
    }
}

/// The entries of an address in the ledger: current and deposed.
pub(super) type Known = (Option<Entry>, Option<Vec<Entry>>);

/// A created resource that might be someone else's, who created it at the same moment.
pub(super) struct Unproven {
    pub(super) unit: Unit,
    pub(super) kind: &'static dyn ErasedKind,
    pub(super) place: Place,
    pub(super) id: String,
    /// The tags that the call sent.
    pub(super) tags: Tags,
    /// The entries of the address before the create call.
    pub(super) before: Known,
}
