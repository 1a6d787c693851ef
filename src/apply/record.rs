//! Records resources in the ledger after work on them.

use crate::eval::{EvalContext, Instance};
use crate::kind::ErasedLive;
use crate::ledger::{self, Entry, KnownAccount, Ledger};
use crate::plan;
use crate::schema::normalize;

/// Records the accounts of the stack, and how they are reached.
pub(super) fn record_accounts(eval: &EvalContext<'_>, ledger: &mut Ledger) {
    let others = eval.facts.accounts.iter().filter_map(|(name, of)| {
        let access = &eval.stack.aws.get(name)?.access;
        let known = KnownAccount {
            name: name.clone(),
            role_arn: access.role_arn.clone(),
            profile: access.profile.clone(),
            ..KnownAccount::default()
        };
        Some((of.scope.account_id.clone(), known))
    });
    ledger.set_accounts(&eval.facts.scope.account_id, others.collect());
}

/// Records a resource as it was applied and read back. `live` is `None` if it has not been read yet.
pub(super) fn record(ledger: &mut Ledger, instance: &Instance<'_>, id: &str, live: Option<&ErasedLive>) {
    let found = live.map(|live| live.spec.clone()).unwrap_or_default();
    let found = normalize(&instance.kind.schema().spec, found);
    let known = ledger.resources.get(&instance.address);
    let (fingerprints, writing) = match live {
        Some(_) => (plan::prints(instance, &found, ledger), Default::default()),
        None => plan::unseen(instance, ledger),
    };
    let entry = Entry {
        id: id.to_owned(),
        place: instance.place.clone(),
        needs: instance.needs.iter().cloned().collect(),
        applied: ledger::now(),
        protect: instance.protect,
        retain: instance.retain,
        name_prefix: instance.name_prefix.clone(),
        delete_timeout: instance.timeout.delete.map(|limit| limit.as_secs()),
        fingerprinted_as: None,
        stamp: live.and_then(|live| instance.kind.stamp(live)),
        incarnation: live
            .and_then(|live| ledger.incarnation_fingerprint(instance.kind.name(), &instance.place, id, live)),
        secrets: plan::prints_of_secrets(instance, &found, ledger),
        unknown: known.map(|known| known.unknown.clone()).unwrap_or_default(),
        fingerprints,
        writing,
        former_spellings: Default::default(),
    };
    // An unchanged entry is not rewritten: an apply without changes leaves the file as it is.
    match ledger.resources.get_mut(&instance.address) {
        Some(known) if (Entry { applied: known.applied.clone(), ..entry.clone() }) == *known => {}
        _ => drop(ledger.resources.insert(instance.address.clone(), entry)),
    }
}

/// Records a resource that an interrupted apply created.
pub(super) fn take(ledger: &mut Ledger, instance: &Instance<'_>, entry: Entry) {
    let entry = Entry {
        protect: instance.protect,
        retain: instance.retain,
        delete_timeout: instance.timeout.delete.map(|limit| limit.as_secs()),
        ..entry
    };
    ledger.resources.insert(instance.address.clone(), entry);
}

/// Records what an apply changed of a resource before AWS refused the rest. `before` is the live state
/// before the first update, or `None` if this apply created it.
pub(super) fn refused(
    ledger: &mut Ledger,
    instance: &Instance<'_>,
    before: Option<&ErasedLive>,
    live: &ErasedLive,
) {
    let Some(mut entry) = ledger.resources.get(&instance.address).cloned() else { return };
    plan::partly(instance, &mut entry, before, live, ledger);
    ledger.resources.insert(instance.address.clone(), entry);
}
