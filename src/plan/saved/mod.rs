//! A plan in a file: the facts that were reviewed, and that a later apply must find again.
//!
//! An apply compares keyed fingerprints under the ledger's key. The file also has the plan as it is
//! shown, with masked secrets, from which [`Saved::shown`] is rendered in every format. Nothing is
//! applied from the file itself: an apply plans again and compares ([`Saved::compare`]).

mod data;
mod facts;
mod file;
mod seal;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use data::SavedData;
pub use facts::{SavedAttribute, SavedChange};
pub use file::{FORMAT, Saved, Seals, Showing, Shown};

use super::{Action, Change, Plan, Selection};
use crate::diag::{Diagnostic, Outside};
use crate::graph::Address;
use crate::ledger::{Fingerprints, Ledger};
use crate::stack::Stack;
use crate::value::Value;
use facts::{Key, facts, key_of, print};
use seal::Verdict;

impl Saved {
    /// Records the facts that `plan` relies on, and how it is shown.
    pub fn of(
        mut plan: Plan,
        stack: &Stack,
        variables: &BTreeMap<String, Value>,
        ledger: &Ledger,
        selection: &Selection,
        showing: Showing<'_>,
    ) -> Self {
        let prints = ledger.fingerprints();
        let changes = facts(&plan, &prints);
        let (data, reads) = (data::facts(&plan, &prints), reads(&plan, ledger));
        plan.redact(showing.root);
        let mut saved = Self {
            dwctl_plan: FORMAT,
            dwctl_version: env!("CARGO_PKG_VERSION").to_owned(),
            made: plan.now.map(|now| now.to_string()).unwrap_or_default(),
            folder: showing.folder,
            stack: plan.stack.clone(),
            env: plan.env.clone(),
            account: plan.account_id.clone().unwrap_or_default(),
            region: plan.region.clone(),
            lineage: ledger.lineage.clone(),
            serial: ledger.serial,
            files: files(stack, &prints),
            variables: variable_prints(variables, &prints),
            selection: selection.clone(),
            reads,
            data,
            changes,
            shown: Shown::of(plan, showing.options, showing.sandbox),
            seals: Seals::new(),
            seal: String::new(),
        };
        seal::seal(&mut saved, &prints);
        saved
    }

    /// Reads the text of a plan file; `place` names the file in messages.
    ///
    /// # Errors
    /// The text is incomplete, is not a plan, or is from another version of dwctl.
    pub fn parse(text: &[u8], place: &str) -> Result<Self, Diagnostic> {
        if text.is_empty() {
            return Err(refused(format!("the plan {place} is empty")).help("make a new plan"));
        }
        let no_plan = |error: &serde_json::Error| match error.classify() {
            serde_json::error::Category::Eof => {
                refused(format!("the plan {place} is incomplete")).help("copy it again, or make a new plan")
            }
            serde_json::error::Category::Data => refused(format!("{place} is not a saved plan"))
                .note(Outside::new(error.to_string()).to_string()),
            _ => refused(format!("{place} is not a saved plan: it is not JSON"))
                .note(Outside::new(error.to_string()).to_string()),
        };
        #[derive(Deserialize)]
        struct Format {
            dwctl_plan: u32,
            dwctl_version: String,
        }
        // The version is read first, because another format may have another shape.
        let format: Format = serde_json::from_slice(text).map_err(|error| no_plan(&error))?;
        let ours = env!("CARGO_PKG_VERSION");
        let by = |age: &str| {
            refused(format!("the plan {place} was made by {age} dwctl"))
                .help("apply it with the version that made it, or make a new plan")
        };
        let version = |text: &str| {
            let parts = text.split(['-', '+']).next().unwrap_or_default().split('.');
            parts.map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>()
        };
        let theirs = &format.dwctl_version;
        if format.dwctl_plan != FORMAT {
            let age = if format.dwctl_plan > FORMAT { "a newer" } else { "an older" };
            return Err(by(age).note(format!(
                "its format is {}, of dwctl {theirs}; this is {ours}, which reads format {FORMAT}",
                format.dwctl_plan
            )));
        }
        if theirs != ours {
            let age = match (version(theirs), version(ours)) {
                (Some(theirs), Some(ours)) if theirs > ours => "a newer",
                (Some(theirs), Some(ours)) if theirs < ours => "an older",
                _ => "another",
            };
            return Err(by(age).note(format!("it was made by {theirs}, this is {ours}")));
        }
        serde_json::from_slice(text).map_err(|error| no_plan(&error))
    }

    /// The file's text, ending in a newline.
    ///
    /// # Errors
    /// None are known: everything in it can be written as JSON.
    pub fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Checks that the plan belongs to this stack, environment, account, region and ledger, that
    /// nobody edited it, and that the stack's files and variables have not changed.
    ///
    /// # Errors
    /// The differences.
    pub fn belongs(
        &self,
        stack: &Stack,
        variables: &BTreeMap<String, Value>,
        ledger: &Ledger,
        account: &str,
    ) -> Result<(), Diagnostic> {
        let prints = ledger.fingerprints();
        let verdict = seal::check(self, &prints);
        if let Verdict::Edited(edits) = verdict {
            return Err(edits
                .into_iter()
                .fold(refused("the plan was edited after it was saved"), Diagnostic::note));
        }
        for (what, planned, here) in [
            ("stack", self.stack.as_str(), stack.name.as_str()),
            ("environment", &self.env, &stack.env),
            ("account", &self.account, account),
            ("region", &self.region, &stack.region),
            ("ledger", &self.lineage, &ledger.lineage),
        ] {
            if planned != here {
                let error = refused(format!("the plan belongs to another {what}"))
                    .note(format!("it was made for {planned}; this is {here}"));
                return Err(match (what, ledger.serial) {
                    ("ledger", 0) => error.note(format!("{}/{} has none yet", stack.name, stack.env)),
                    _ => error,
                });
            }
        }
        if let Verdict::Foreign = verdict {
            return Err(refused("the plan was sealed under another key than this ledger's")
                .note("nothing in it matches its seals"));
        }
        let mut notes = differences("stack file", &self.files, &files(stack, &prints));
        notes.extend(differences("variable", &self.variables, &variable_prints(variables, &prints)));
        if notes.is_empty() {
            return Ok(());
        }
        Err(notes.into_iter().fold(refused("the stack changed since the plan was made"), Diagnostic::note))
    }

    /// The selection for a fresh plan: the addresses that this plan depends on, as long as nobody
    /// else applied anything.
    pub fn selection(&self, ledger: &Ledger) -> Selection {
        let only = self.reads.clone().filter(|_| self.serial == ledger.serial);
        Selection { only, ..self.selection.clone() }
    }

    /// Compares the plan with a fresh one, and reduces the fresh one to the reviewed changes; other
    /// differences are left alone. Returns the addresses of those, as far as the fresh plan read
    /// them.
    ///
    /// # Errors
    /// One for each resource whose change differs from the reviewed one.
    pub fn compare(&self, fresh: &mut Plan, ledger: &Ledger) -> Result<Vec<Address>, Vec<Diagnostic>> {
        let now = facts(fresh, &ledger.fingerprints());
        let now: BTreeMap<Key<'_>, &SavedChange> = now.iter().map(|one| (one.key(), one)).collect();
        let reviewed: BTreeSet<Key<'_>> = self.changes.iter().map(SavedChange::key).collect();
        let others: BTreeSet<Address> =
            now.keys().filter(|key| !reviewed.contains(*key)).map(|key| key.0.clone()).collect();
        let read = data::facts(fresh, &ledger.fingerprints());
        let changed = data::since(&self.data, &read).into_iter().map(|(address, notes)| {
            let refusal = refused(format!("{address} changed since the plan was made"));
            notes.into_iter().fold(refusal, Diagnostic::note)
        });
        let mut problems: Vec<Diagnostic> = changed.collect();
        for then in &self.changes {
            let notes = match now.get(&then.key()) {
                None if ledger.serial > self.serial => vec![format!(
                    "planned: {}; there is nothing left to do: it was already applied, since the ledger was written {} times then, and {} by now",
                    then.action, self.serial, ledger.serial
                )],
                None => vec![format!(
                    "planned: {}; there is nothing left to do: someone did it outside dwctl",
                    then.action
                )],
                Some(now) => then.since(now),
            };
            // One refusal per resource is enough.
            if !notes.is_empty() {
                problems.push(notes.into_iter().fold(
                    refused(format!("{} changed since the plan was made", then.address)),
                    Diagnostic::note,
                ));
            } else if !others.is_empty()
                && let Some(other) = fresh.needed(&then.address).into_iter().find(|one| others.contains(*one))
            {
                problems.push(refused(format!(
                    "{} needs {other}, which changed since the plan was made",
                    then.address
                )));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_other = |change: &Change| change.is_effective() && !reviewed.contains(&key_of(change));
        fresh.deposed.retain(|change| !is_other(change));
        for change in fresh.changes.iter_mut().filter(|change| is_other(change)) {
            // The reason is kept: it tells the apply that the resource does not match its
            // declaration.
            change.action = Action::NoOp;
            change.moved_from = None;
            change.origin = change.origin.kept();
            change.attributes.clear();
        }
        let others = others.into_iter().collect();
        Ok(others)
    }
}

/// The addresses that a plan's changes depend on, as long as the ledger does not change: the
/// changed resources, their dependencies, and resources that may turn out to be the same one.
/// `None` after an interrupted apply, whose leftovers are searched for in the whole stack.
fn reads(plan: &Plan, ledger: &Ledger) -> Option<BTreeSet<Address>> {
    if !ledger.intents.is_empty() || !ledger.deposed.is_empty() {
        return None;
    }
    let mut reads = BTreeSet::new();
    for change in plan.effective() {
        reads.insert(change.address.clone());
        reads.extend(plan.needed(&change.address).into_iter().cloned());
    }
    let settled =
        |change: &Change| change.declared.is_some() && ledger.resources.contains_key(&change.address);
    reads.extend(plan.changes.iter().filter(|change| !settled(change)).map(|change| change.address.clone()));
    Some(reads)
}

fn refused(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("stale-plan", message)
}

fn files(stack: &Stack, prints: &Fingerprints) -> BTreeMap<String, String> {
    let files = stack.sources.files().map(|(path, text)| {
        let path = path.strip_prefix(&stack.folder).unwrap_or(path);
        (path.display().to_string(), prints.seal(text.as_bytes()))
    });
    files.collect()
}

fn variable_prints(variables: &BTreeMap<String, Value>, prints: &Fingerprints) -> BTreeMap<String, String> {
    let prints = variables.iter().map(|(name, value)| {
        let address = Address::new("variable", name, None);
        (name.clone(), print(prints, &address, "", value))
    });
    prints.collect()
}

fn differences(what: &str, then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter_map(|name| match (then.get(name), now.get(name)) {
        (Some(_), None) => Some(format!("the {what} {name} is gone")),
        (None, Some(_)) => Some(format!("the {what} {name} is new")),
        (then, now) => (then != now).then(|| format!("the {what} {name} was changed")),
    });
    differing.collect()
}
