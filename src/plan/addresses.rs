//! Addresses of the stack and of the ledger. They differ where resources moved.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::declared::both_exist;
use crate::aws::Place;
use crate::diag::Diagnostic;
use crate::eval::{Instance, KnownName};
use crate::graph::Address;
use crate::ledger::{Entry, Ledger};
use crate::stack::{Moves, Stack};

/// The settings of a declaration that count even if its resource is not read.
pub(super) struct DeclaredSettings {
    pub(super) place: Place,
    pub(super) protect: bool,
    pub(super) retain: bool,
    pub(super) create_before_destroy: bool,
}

impl DeclaredSettings {
    pub(super) fn of(instance: &Instance<'_>) -> Self {
        let Instance { place, protect, retain, create_before_destroy, .. } = instance;
        Self {
            place: place.clone(),
            protect: *protect,
            retain: *retain,
            create_before_destroy: *create_before_destroy,
        }
    }
}

/// The declared addresses, and those of the ledger that became others.
pub(super) struct Addresses<'p> {
    ledger: &'p Ledger,
    /// The declared resources visited so far.
    declared: BTreeMap<Address, DeclaredSettings>,
    /// The ledger's address of each resource that has a new one.
    moves: BTreeMap<Address, Address>,
    /// The new addresses of each address of the ledger that has some.
    moved: BTreeMap<Address, BTreeSet<Address>>,
}

impl<'p> Addresses<'p> {
    /// Follows the stack's `[[moved]]` blocks from the ledger's addresses to the current ones.
    /// `renamed` are moves in addition to these. Also returns the problems of blocks.
    pub(super) fn new(
        ledger: &'p Ledger,
        stack: &Stack,
        renamed: BTreeMap<Address, Address>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut addresses =
            Self { ledger, declared: BTreeMap::new(), moves: renamed, moved: BTreeMap::new() };
        let mut problems = Vec::new();
        let blocks = Moves::of(&stack.moved);
        for from in ledger.resources.keys() {
            let (address, block) = match blocks.follow(from) {
                Ok(Some(moved)) => moved,
                Ok(None) => continue,
                Err(problem) => {
                    problems.push(problem);
                    break;
                }
            };
            if ledger.resources.contains_key(&address) {
                let is_declared = stack.resource(from).is_some();
                let help = match is_declared {
                    true => "remove this block: the move is done, and both addresses are declared".to_owned(),
                    false => format!("give up one of them first: dwctl ledger forget '{from}'"),
                };
                let refused = both_exist(from, &address, block).note("nothing was changed");
                problems.push(refused.help(help));
            } else {
                addresses.moves.insert(address, from.clone());
            }
        }
        for (to, from) in &addresses.moves {
            addresses.moved.entry(from.clone()).or_default().insert(to.clone());
        }
        (addresses, problems)
    }

    /// The ids of the ledger by current address. An interrupted apply was about to use those of its intents.
    pub(super) fn names(&self) -> BTreeMap<Address, KnownName> {
        let of = |entry: &Entry| KnownName { id: entry.id.clone(), prefix: entry.name_prefix.clone() };
        let intents = self.ledger.intents.iter().filter_map(|(address, intent)| {
            let prefix = intent.name_prefix.clone();
            Some((address.clone(), KnownName { id: intent.id.clone()?, prefix }))
        });
        let entries = self.ledger.resources.iter().map(|(address, entry)| (address.clone(), of(entry)));
        let mut names: BTreeMap<Address, KnownName> = entries.chain(intents).collect();
        for (to, from) in &self.moves {
            names.extend(self.ledger.resources.get(from).map(|entry| (to.clone(), of(entry))));
        }
        names
    }

    /// Adds a declared resource.
    pub(super) fn declare(&mut self, instance: &Instance<'_>) {
        self.declared.insert(instance.address.clone(), DeclaredSettings::of(instance));
    }

    /// The declared resources visited so far.
    pub(super) fn declared(&self) -> &BTreeMap<Address, DeclaredSettings> {
        &self.declared
    }

    pub(super) fn is_declared(&self, address: &Address) -> bool {
        self.declared.contains_key(address)
    }

    /// The ledger's entry of a current address.
    pub(super) fn entry(&self, address: &Address) -> Option<&'p Entry> {
        self.ledger.resources.get(self.recorded_as(address))
    }

    /// The ledger's address of a current one.
    pub(super) fn recorded_as<'s>(&'s self, address: &'s Address) -> &'s Address {
        self.moved_from(address).unwrap_or(address)
    }

    /// The ledger's address of a resource that has a new one.
    pub(super) fn moved_from(&self, address: &Address) -> Option<&Address> {
        self.moves.get(address)
    }

    /// Returns whether a resource of the ledger has a new address, declared or not.
    pub(super) fn is_left(&self, former: &Address) -> bool {
        self.moved.contains_key(former)
    }

    /// Returns the current address of a resource that had the address `former` in the ledger. A
    /// resource that moves to an undeclared address keeps its own.
    pub(super) fn present<'s>(&'s self, former: &'s Address) -> &'s Address {
        let mut to = self.moved.get(former).into_iter().flatten();
        to.find(|to| self.is_declared(to)).unwrap_or(former)
    }

    /// The ledger's entries that are no longer declared, under any address.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = (&'p Address, &'p Entry)> {
        let entries = self.ledger.resources.iter();
        entries.filter(|(address, _)| !self.is_declared(address) && self.present(address) == *address)
    }

    /// An entry of the ledger under its current address. Its fingerprints were taken with the
    /// former one.
    pub(super) fn applied(&self, address: &Address, entry: &'p Entry) -> Cow<'p, Entry> {
        match self.moved_from(address).filter(|_| entry.fingerprinted_as.is_none()) {
            Some(from) => Cow::Owned(Entry { fingerprinted_as: Some(from.clone()), ..entry.clone() }),
            None => Cow::Borrowed(entry),
        }
    }
}
