//! Recognizes resources that interrupted applies created.

use super::applied::Printed;
use crate::aws::Scope;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive};
use crate::ledger::{Intent, Ledger, is_of_secret};
use crate::schema::normalize;

/// Returns whether an untaggable resource is the one that an intent describes. All attributes that
/// are fixed at creation must match, as far as the intent records them, and it records at least
/// one.
pub(super) fn is_as_intended(
    kind: &dyn ErasedKind,
    address: &Address,
    intent: &Intent,
    live: &ErasedLive,
    ledger: &Ledger,
) -> bool {
    let schema = &kind.schema().spec;
    let found = normalize(schema, live.spec.clone());
    let fixed = schema.fields().into_iter().flatten().filter(|(_, field)| field.marks.replace);
    let mut known = fixed
        .filter_map(|(name, _)| {
            Some((name, intent.fingerprints.get(name).filter(|print| !print.is_empty())?))
        })
        .peekable();
    let scope = Scope::of(&intent.place.region, intent.place.account.as_ref().unwrap_or(&ledger.account));
    known.peek().is_some()
        && known.all(|(name, print)| {
            let value = found.get(name).cloned().unwrap_or_default();
            let value = if is_of_secret(print) { value.into_secret() } else { value };
            Printed::new(kind, &scope, address, name, ledger).fits(print, &value)
        })
}
