//! Decides who owns a resource, and under which address: `[[import]]`, `[[moved]]`, `[[removed]]`,
//! and renames without a `[[moved]]`.

use std::collections::{BTreeMap, BTreeSet};

use super::applied::complete;
use super::decide::{DeclaredSettings, Planner};
use super::survey::Stop;
use super::whose::OtherEnv;
use super::{Action, Change, Past, Reason, Whose, diff, is_wholes, refusal, whole, whose};
use crate::diag::Diagnostic;
use crate::eval::Instance;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner};
use crate::kinds;
use crate::ledger::Entry;
use crate::schema::normalize;
use crate::stack::{Moved, Moves, Removed, Stack};

/// The error for a move to an address that another resource already has.
pub(super) fn both_exist(from: &Address, to: &Address, block: &Moved) -> Diagnostic {
    Diagnostic::error("moved", format!("{from} cannot become {to}: both exist")).at(block.span, "this move")
}

/// Returns the stack's `[[removed]]` block that covers an address.
pub(super) fn removed<'s>(stack: &'s Stack, address: &Address) -> Option<&'s Removed> {
    stack.removed.iter().find(|block| address.is_selected_by(&block.from.to_string()))
}

/// Returns an error for each block that calls a declared resource moved or removed.
pub(super) fn still_declared(stack: &Stack, declared: impl Fn(&Address) -> bool) -> Vec<Diagnostic> {
    let moved = stack.moved.iter().map(|block| (&block.from, block.span, "has moved"));
    let removed = stack.removed.iter().map(|block| (&block.from, block.span, "is removed"));
    let blocks = moved.chain(removed).filter(|(from, ..)| declared(from));
    blocks
        .map(|(from, span, what)| {
            Diagnostic::error("still-declared", format!("{from} {what}, and is still declared"))
                .at(span, "remove this block, or the declaration")
        })
        .collect()
}

impl Planner<'_, '_, '_> {
    /// Follows the stack's `[[moved]]` blocks from the ledger's addresses to the current ones.
    pub(super) fn moved(&mut self) {
        let blocks = Moves::of(&self.inputs.eval.stack.moved);
        let ledger = &self.inputs.ledger.resources;
        for from in ledger.keys() {
            let (address, block) = match blocks.follow(from) {
                Ok(Some(moved)) => moved,
                Ok(None) => continue,
                Err(problem) => {
                    self.problems.push(problem);
                    return;
                }
            };
            if ledger.contains_key(&address) {
                let is_declared = self.inputs.eval.stack.resource(from).is_some();
                let help = match is_declared {
                    true => "remove this block: what it moved has moved, and both are declared".to_owned(),
                    false => format!("let go of one of them first: dwctl ledger forget '{from}'"),
                };
                let refused = both_exist(from, &address, block).note("nothing was changed");
                self.problems.push(refused.help(help));
            } else {
                self.moves.insert(address, from.clone());
            }
        }
    }

    /// Returns the `[[removed]]` block that covers an address.
    pub(super) fn removed(&self, address: &Address) -> Option<&Removed> {
        removed(self.inputs.eval.stack, address)
    }

    /// Determines the owner of a resource in the ledger.
    pub(super) fn whose(
        &mut self,
        address: &Address,
        kind: &dyn ErasedKind,
        entry: &Entry,
        live: &ErasedLive,
    ) -> Result<Whose, Stop> {
        let ledger = self.inputs.ledger;
        let known_as = self.moves.get(address).unwrap_or(address);
        let own = whose(kind, known_as, entry, live, ledger);
        if !is_wholes(kind, &own) {
            return Ok(own);
        }
        let Some((of, of_entry)) = whole(kind, &entry.region, &entry.id, live, ledger) else {
            return Ok(own);
        };
        let Some(kind) = kinds::kind(&of.kind) else { return Ok(own) };
        let live = self.read(&of, kind, &of_entry.region, &of_entry.id, None, Some(&of_entry))?;
        Ok(live.map_or(own, |live| whose(kind, &of, &of_entry, &live, ledger)))
    }

    /// Refuses to touch a resource in the ledger that the stack no longer owns.
    pub(super) fn refuse(
        &mut self,
        address: &Address,
        kind: &dyn ErasedKind,
        entry: &Entry,
        live: &ErasedLive,
    ) -> Result<Option<Diagnostic>, Stop> {
        let whose = self.whose(address, kind, entry, live)?;
        let known_as = self.moves.get(address).unwrap_or(address);
        let declared = self.declared.contains_key(address) && !self.inputs.selection.destroy;
        Ok(refusal(known_as, &entry.id, &whose, declared))
    }

    /// Refuses to change a resource that has two addresses: a change of one would change both.
    pub(super) fn doubles(&mut self) {
        let mut by_id: BTreeMap<(&str, &str, &str), Vec<&Change>> = BTreeMap::new();
        for change in self.changes.values().filter(|change| change.live.is_some()) {
            let Some(id) = &change.id else { continue };
            let kind = kinds::kind(&change.address.kind);
            let region = if kind.is_some_and(ErasedKind::global) { "" } else { change.existing_region() };
            by_id.entry((&change.address.kind, region, id)).or_default().push(change);
        }
        let mut refused = Vec::new();
        for ((_, _, id), changes) in by_id.into_iter().filter(|(_, changes)| changes.len() > 1) {
            for change in &changes {
                let others = changes.iter().filter(|other| other.address != change.address);
                let others: Vec<String> = others.map(|other| other.address.to_string()).collect();
                let message = format!("{} is {id}, and so is {}", change.address, others.join(", "));
                let error = Diagnostic::error("not-ours", message).note("it was left as it is");
                let error = error.help("give each an id of its own: an [[import]] names one that is free");
                let forget = format!("to let go of one address: dwctl ledger forget '{}'", change.address);
                refused.push((change.address.clone(), error.help(forget)));
            }
        }
        for (address, refusal) in refused {
            self.undecided.entry(address).or_default().push(refusal);
        }
    }

    /// Decides one resource alone. Its dependencies are read as far as they exist, because its
    /// declaration refers to them; problems with them are not reported here.
    pub(super) fn visit_only(&mut self, only: &Address) {
        let eval = self.inputs.eval;
        let mut needs = BTreeMap::new();
        for resource in eval.declarations() {
            for instance in eval.instances(resource, &mut Vec::new()) {
                needs.insert(instance.address.clone(), instance.needs.clone());
            }
        }
        let mut chosen = BTreeSet::from([only.clone()]);
        super::select::spread(&mut chosen, &needs, false);
        for resource in eval.declarations() {
            for instance in eval.instances(resource, &mut Vec::new()) {
                if !chosen.contains(&instance.address) {
                    continue;
                }
                self.declared.insert(instance.address.clone(), DeclaredSettings::of(&instance));
                self.instance(&instance);
            }
        }
        self.changes.retain(|address, _| address == only);
        self.undecided.retain(|address, _| address == only);
    }

    /// Refuses blocks that call a declared resource moved or removed.
    pub(super) fn still_there(&mut self) {
        let declared = |address: &Address| self.declared.contains_key(address);
        let mut found = still_declared(self.inputs.eval.stack, declared);
        // A move whose two ends both exist has been reported already.
        let place = |one: &Diagnostic| one.primary.as_ref().map(|label| label.span);
        found.retain(|one| {
            !self.problems.iter().any(|other| other.code == "moved" && place(other) == place(one))
        });
        self.problems.extend(found);
    }

    /// Detects renames: a new address whose resource is already at AWS under an old one. Either the
    /// id is the same or, where AWS assigns ids, the one gone resource of the kind matches the one
    /// new declaration exactly.
    pub(super) fn renamed(&self) -> BTreeMap<Address, Address> {
        let gone = || {
            self.inputs.ledger.resources.iter().filter(|(address, _)| {
                !self.declared.contains_key(*address)
                    && !self.moves.values().any(|from| from == *address)
                    && self.removed(address).is_none()
            })
        };
        let mut renamed = BTreeMap::new();
        for (address, (instance, id)) in &self.newcomers {
            let named = gone().find(|(old, entry)| {
                old.kind == address.kind && entry.region == instance.region && Some(&entry.id) == id.as_ref()
            });
            if let Some((old, _)) = named {
                renamed.insert(address.clone(), old.clone());
                continue;
            }
            let made = self.changes.get(address);
            if id.is_some() || made.is_none_or(|change| change.reason != Reason::New) {
                continue;
            }
            let alike: Vec<&Address> = gone()
                .filter(|(old, entry)| old.kind == address.kind && entry.region == instance.region)
                .filter(|(old, _)| {
                    self.changes.get(old).is_some_and(|change| self.is_alike(instance, change))
                })
                .map(|(old, _)| old)
                .collect();
            let rivals = self.newcomers.values().filter(|(other, id)| {
                id.is_none()
                    && other.address.kind == address.kind
                    && other.region == instance.region
                    && other.spec == instance.spec
            });
            if let ([old], 1) = (alike.as_slice(), rivals.count()) {
                renamed.insert(address.clone(), (*old).clone());
            }
        }
        renamed
    }

    /// Returns whether a resource to be deleted matches the one to be created in every attribute.
    fn is_alike(&self, instance: &Instance<'_>, change: &super::Change) -> bool {
        let (Action::Delete, Some(live)) = (change.action, &change.live) else { return false };
        let schema = &instance.kind.schema().spec;
        let found = normalize(schema, live.spec.clone());
        let (want, have) = complete(instance, found, &Past::default(), self.inputs.ledger);
        diff(schema, &have, &want).is_empty()
    }
}

/// The error for a resource that is not provably the stack's.
pub fn not_ours(instance: &Instance<'_>, id: &str, live: &ErasedLive, stack: &Stack) -> Diagnostic {
    let error = Diagnostic::error(
        "not-ours",
        format!("{} exists already and is not provably this stack's", instance.address),
    )
    .at(instance.resource.span, "declared here")
    .note(format!("{} {id}", instance.kind.name()));
    let error = match Owner::of(&live.tags) {
        Some(owner) => error.note(format!(
            "its tags say that it is {} of stack {}/{}",
            owner.address, owner.stack, owner.env
        )),
        None if live.tags.is_empty() => error.note("it has no tags that name an owner"),
        None => error.note(format!(
            "its tags are {}",
            live.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
        )),
    };
    let error = error.note("it was left as it is");
    let Some(owner) = Owner::of(&live.tags) else {
        return error.help("to take it over, import it ([[import]], or --adopt); else choose another name");
    };
    if owner.stack == stack.name && owner.env == stack.env {
        return error.help("it is the stack's own: [[moved]] or `dwctl ledger move` gives it this address");
    }
    match OtherEnv::of((&stack.name, &stack.env), (&owner.stack, &owner.env)) {
        Some(elsewhere) => {
            let error = elsewhere.tell(error);
            let error = error.help("for one of its own in each env, write `${env}` into the name");
            error.help(format!("only to take it away from env `{}`: --adopt", owner.env))
        }
        None => error.help("to take it over from there, add --adopt; else choose another name"),
    }
}

/// The error for creating a resource that is in the ledger and has reappeared at AWS.
pub fn still_there(address: &Address, id: &str) -> Diagnostic {
    Diagnostic::error("still-there", format!("{address} cannot be made: it is there"))
        .note(format!("AWS did not show {id} when the plan was made, and shows it now"))
        .help("run it again: it plans with what is there")
}

/// The error for an import with another id than the ledger records.
pub(super) fn imported_before(instance: &Instance<'_>, id: &str, import: &str) -> Diagnostic {
    Diagnostic::error("import", format!("{} exists already", instance.address))
        .at(instance.resource.span, "declared here")
        .note(format!("it is {id}; the import names {import}"))
        .note("both were left as they are")
        .help("give the import an address of its own, or remove it")
}

/// The error for an import of a resource that does not exist.
pub(super) fn nothing_to_import(instance: &Instance<'_>, id: &str) -> Diagnostic {
    Diagnostic::error("import", format!("there is no {} {id} to import", instance.kind.name()))
        .at(instance.resource.span, "declared here")
        .note(format!("AWS has none in {}", instance.region))
        .help("check the id and the region; to make a new one, remove the import")
}
