//! Imports one existing resource into the ledger, and sets its owner tags.

use std::collections::BTreeSet;

use super::event::{HOUR, LockedLedger};
use super::instances::instances;
use super::ledger_writer::LedgerWriter;
use super::record::{record, record_accounts};
use super::retry::failure;
use crate::aws::{Session, Tags, on_behalf_of};
use crate::diag::Diagnostic;
use crate::eval::EvalContext;
use crate::graph::Address;
use crate::kind::Owner;
use crate::ledger::Ledger;
use crate::plan::{self, Plan};
use crate::signals::{self, Last};
use crate::stack::matches_tag;
use crate::value::Value;

/// The outcome for the owner tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// They were set.
    Set,
    /// They were right already.
    Before,
    /// AWS cannot tag it.
    Never,
}

/// Imports the resource of a plan made with [`crate::plan::Selection::import`]. The tags are set
/// first: after an interruption, the next import or apply recognizes the resource as the stack's, and
/// no other stack takes it meanwhile.
///
/// # Errors
/// Tagging failed, the ledger could not be written, or its lock was lost.
pub async fn import(
    session: &Session,
    eval: &EvalContext<'_>,
    plan: &Plan,
    locked: LockedLedger<'_>,
) -> Result<Tagged, Diagnostic> {
    let LockedLedger { ledger, store, lock } = locked;
    let before = ledger.clone();
    let instances = instances(eval, plan).0;
    record_accounts(eval, ledger);
    let mut tagged = Tagged::Never;
    for change in &plan.changes {
        let (Some(instance), Some(id), Some(live)) =
            (instances.get(&change.address), &change.id, &change.live)
        else {
            continue;
        };
        record(ledger, instance, id, Some(live));
        as_found(ledger, &change.address, &live.tags, &eval.stack.ignore_tags);
        ledger.intents.remove(&change.address);
        if !instance.kind.taggable() {
            continue;
        }
        let desired = plan::tags(instance, &eval.stack.name, &eval.stack.env);
        let missing: Tags = desired
            .iter()
            .filter(|(key, _)| Owner::KEYS.contains(&key.as_str()))
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .filter(|(key, value)| live.tags.get(key) != Some(value))
            .collect();
        // Another owner may have left more owner tags than are overwritten.
        let needless = |key: &&str| live.tags.contains_key(*key) && !desired.contains_key(*key);
        let needless: Vec<String> = Owner::KEYS.into_iter().filter(needless).map(str::to_owned).collect();
        if missing.is_empty() && needless.is_empty() {
            tagged = Tagged::Before;
            continue;
        }
        let cx = session.cx(&instance.place);
        let tagging = instance.kind.tag(&cx, id, &live.attrs, &missing, &needless);
        let tagging = on_behalf_of(change.address.to_string(), tagging);
        // A first signal waits for this call, so that nothing is left half done between tags and
        // ledger.
        let Some(answer) = signals::within(Last::Call, HOUR, tagging).await else {
            return Err(signals::interrupted()
                .note(format!("it is not known whether the owner tags of {id} were set"))
                .note(format!("{} is not in the ledger", change.address))
                .help("run dwctl import again"));
        };
        answer.map_err(|error| {
            failure(&format!("cannot set the owner tags of {}", change.address), id, &error)
                .at(instance.resource.span, "to be imported")
                .note("it is not in the ledger, and nothing else was changed")
        })?;
        tagged = Tagged::Set;
    }
    let writer = LedgerWriter::new(ledger, &before, store, lock, &|_| {});
    let lost = writer.lost();
    match writer.finish(false, &BTreeSet::new(), lost).await {
        Some(error) => Err(error),
        None => Ok(tagged),
    }
}

/// Records all tags but the owner's as they were found. Differences from these are then the stack's
/// own changes.
fn as_found(ledger: &mut Ledger, address: &Address, tags: &Tags, ignored: &[String]) {
    let prints = ledger.fingerprints();
    let Some(entry) = ledger.resources.get_mut(address) else { return };
    let is_owners = |key: &str| Owner::KEYS.contains(&key);
    entry.fingerprints.retain(|path, _| path.strip_prefix("tags.").is_none_or(is_owners));
    let is_others = |key: &str| ignored.iter().any(|pattern| matches_tag(pattern, key));
    for (key, value) in tags.iter().filter(|(key, _)| !is_owners(key) && !is_others(key)) {
        let path = format!("tags.{key}");
        let print = prints.of(address, &path, &Value::from(value.as_str()));
        entry.fingerprints.extend(print.map(|print| (path, print)));
    }
}
