//! What the ledger is told of a resource that was worked on.

use crate::kind::ErasedLive;
use crate::ledger::{self, Entry, Ledger};
use crate::plan;
use crate::schema::normalize;
use crate::value::Value;
use crate::world::Instance;

/// A resource as it is read after an apply.
pub(super) struct Seen<'s> {
    /// In the spelling of the stack.
    pub(super) live: &'s ErasedLive,
    /// As AWS itself says it, in canonical form, where that was asked.
    pub(super) bare: Option<&'s Value>,
}

/// Puts a resource into the ledger, as it was applied and read back; `seen` is `None` where it has
/// not been read yet.
pub(super) fn record(ledger: &mut Ledger, instance: &Instance<'_>, id: &str, seen: Option<Seen<'_>>) {
    let live = seen.as_ref().map(|seen| seen.live);
    let found = live.map(|live| live.spec.clone()).unwrap_or_default();
    let found = normalize(&instance.kind.schema().spec, found);
    let known = ledger.resources.get(&instance.address);
    let (fingerprints, writing, spelled) = match &seen {
        Some(seen) => {
            let fingerprints = plan::prints(instance, &found, ledger);
            let spelled = plan::spelled(instance, &fingerprints, seen.bare, known, ledger);
            (fingerprints, Default::default(), spelled)
        }
        None => {
            let (fingerprints, writing) = plan::unseen(instance, ledger);
            (fingerprints, writing, None)
        }
    };
    let entry = Entry {
        id: id.to_owned(),
        region: instance.region.clone(),
        needs: instance.needs.iter().cloned().collect(),
        applied: ledger::now(),
        protect: instance.protect,
        retain: instance.retain,
        fingerprinted_as: None,
        stamp: live.and_then(|live| instance.kind.stamp(live)).map(str::to_owned),
        born: live.and_then(|live| ledger.print_of_birth(instance.kind.name(), &instance.region, id, live)),
        secrets: plan::prints_of_secrets(instance, &found, ledger),
        unknown: known.map(|known| known.unknown.clone()).unwrap_or_default(),
        fingerprints,
        writing,
        spelled,
    };
    // What has not changed is not written again: an apply without changes leaves the file as it is.
    match ledger.resources.get_mut(&instance.address) {
        Some(known) if (Entry { applied: known.applied.clone(), ..entry.clone() }) == *known => {}
        _ => drop(ledger.resources.insert(instance.address.clone(), entry)),
    }
}

/// Puts into the ledger what an apply that was cut off made.
pub(super) fn take(ledger: &mut Ledger, instance: &Instance<'_>, born: Entry) {
    let born = Entry { protect: instance.protect, retain: instance.retain, ..born };
    ledger.resources.insert(instance.address.clone(), born);
}

/// Tells the ledger what an apply changed of a resource before AWS refused the rest. `before` is
/// what was there before the first update; `None` where the resource was made by this apply.
pub(super) fn refused(
    ledger: &mut Ledger,
    instance: &Instance<'_>,
    before: Option<&ErasedLive>,
    seen: &Seen<'_>,
) {
    let Some(mut entry) = ledger.resources.get(&instance.address).cloned() else { return };
    plan::partly(instance, &mut entry, before, seen.live, seen.bare, ledger);
    ledger.resources.insert(instance.address.clone(), entry);
}
