//! Operations on a part of a stack: a partial apply, a replacement, a release.

use std::collections::{BTreeMap, BTreeSet};

use dwctl::graph::Address;
use dwctl::kind::Owner;
use dwctl::ledger::Entry;
use dwctl::plan::Selection;

use super::super::engine::{End, Thing, address};
use super::super::wire::Script;
use super::{Outcome, Run, thing, words};

impl Run<'_> {
    /// Removes a resource from the stack that must stay at AWS.
    pub(super) async fn release(&mut self, which: u8) {
        let slot = self.model.pick(usize::from(which));
        let Some((slot, one)) = slot.and_then(|slot| Some((slot, self.model.resources.get(&slot)?))) else {
            return;
        };
        // AWS does not delete a parent while this resource exists.
        if one.parent.is_some() || self.owner_tags_changed {
            return;
        }
        let of = address(&one.address());
        let survey = self.engine.survey().await;
        if let Some(ledger) = self.engine.ledger().await {
            let known = |entries: &mut dyn Iterator<Item = (&Address, &Entry)>| -> BTreeSet<Thing> {
                entries.filter_map(|(address, entry)| thing(address, entry)).collect()
            };
            let replaced = ledger.deposed.iter().flat_map(|(at, all)| all.iter().map(move |one| (at, one)));
            let others = ledger.resources.iter().filter(|(address, _)| **address != of);
            let others = known(&mut others.chain(replaced));
            let begun = ledger.intents.contains_key(&of);
            let born = survey.iter().filter(|(thing, live)| {
                begun
                    && !others.contains(thing)
                    && live.tags.get(Owner::ADDRESS).map(String::as_str) == Some(&of.to_string())
            });
            let own = known(&mut ledger.resources.iter().filter(|(address, _)| **address == of));
            let own = own.into_iter().filter(|thing| survey.contains_key(thing));
            self.released.extend(born.map(|(thing, _)| thing.clone()).chain(own));
        }
        self.model.remove(slot);
        self.model.removed.push(of.to_string());
        self.collisions.retain(|slot| self.model.resources.contains_key(slot));
        self.restructured.insert(slot);
    }

    /// A partial apply. Afterwards that part must be as declared, and unrelated resources must be unchanged.
    pub(super) async fn apply_part(&mut self, which: u8, exclude: bool, kill: Option<(u8, bool)>) -> Outcome {
        let applied = self.engine.ledger().await.map(|ledger| ledger.resources).unwrap_or_default();
        let declared = self.model.resources.iter();
        let mut all: BTreeMap<Address, Option<u32>> =
            declared.map(|(slot, one)| (address(&one.address()), Some(*slot))).collect();
        // Resources that are no longer declared are deleted.
        let is_former = |of: &&Address| self.readdressed.iter().any(|(from, _)| address(from) == **of);
        for of in applied.keys().filter(|of| !is_former(of)) {
            all.entry(of.clone()).or_insert(None);
        }
        // Mostly selects resources to be deleted, if there are any.
        let goes = |slot: &Option<u32>| slot.is_none_or(|slot| self.restructured.contains(&slot));
        if !which.is_multiple_of(4) && all.values().any(goes) {
            all.retain(|_, slot| goes(slot));
        }
        let count = all.len().max(1);
        let one = all.into_iter().nth(usize::from(which / 4) % count);
        let one = one.filter(|_| self.collisions.is_empty());
        let Some((named, slot)) = one else { return Ok(()) };
        let needed = self.model.spread(slot, false);
        let before = self.engine.survey().await;
        let related = self.related(&named, &applied);
        let is_left = |of: &&Address| if exclude { **of == named } else { !related.contains(*of) };
        let left: Vec<Thing> =
            applied.iter().filter(|(of, _)| is_left(of)).filter_map(|(of, entry)| thing(of, entry)).collect();
        let chosen: Vec<Address> = self
            .model
            .resources
            .iter()
            .map(|(slot, one)| (slot, address(&one.address())))
            .filter(|(slot, of)| if exclude { !related.contains(of) } else { needed.contains(slot) })
            .map(|(_, of)| of)
            .collect();
        self.write();
        let one = vec![named.to_string()];
        let selection = match exclude {
            true => Selection { exclude: one, ..Selection::default() },
            false => Selection { targets: one, ..Selection::default() },
        };
        self.engine.wire.follow(kill.map(|(at, done)| self.kill(at, done)).into_iter().collect());
        let (end, _, faults_hit) =
            self.engine.apply_with_counts(selection, self.parallelism, async || ()).await;
        self.log.extend(faults_hit.iter().map(|one| format!("  {one}")));
        let survey = self.engine.survey().await;
        self.untouched(&survey)?;
        for thing in left {
            if survey.get(&thing) != before.get(&thing) {
                return Err(format!("{thing:?} was not selected, and was changed"));
            }
        }
        match end {
            End::Killed => {
                if self.model.in_s3 {
                    self.engine.unlock().await;
                }
                return Ok(());
            }
            End::Failed(problems) => return Err(format!("a part cannot be applied: {}", words(&problems))),
            End::Done => {}
        }
        let ledger = self.engine.ledger().await.map(|ledger| ledger.resources).unwrap_or_default();
        for of in chosen {
            let thing = ledger.get(&of).and_then(|entry| thing(&of, entry));
            let Some((thing, live)) = thing.and_then(|thing| survey.get_key_value(&thing)) else {
                return Err(format!("{of} was selected, and is not there"));
            };
            self.is_as_declared(&of.to_string(), thing, live)?;
        }
        Ok(())
    }

    /// All direct and indirect dependencies and dependents of this address, now or when it was applied.
    fn related(&self, named: &Address, applied: &BTreeMap<Address, Entry>) -> BTreeSet<Address> {
        let mut edges: Vec<(Address, Address)> = Vec::new();
        for (from, entry) in applied {
            edges.extend(entry.needs.iter().map(|needed| (from.clone(), needed.clone())));
        }
        for one in self.model.resources.values() {
            let needs = one.parent.into_iter().chain(one.after);
            let needs = needs.filter_map(|slot| Some(address(&self.model.resources.get(&slot)?.address())));
            edges.extend(needs.map(|needed| (address(&one.address()), needed)));
        }
        edges.extend(self.readdressed.iter().map(|(from, to)| (address(from), address(to))));
        let mut related = BTreeSet::from([named.clone()]);
        loop {
            let count = related.len();
            for (one, other) in &edges {
                if related.contains(one) || related.contains(other) {
                    related.extend([one.clone(), other.clone()]);
                }
            }
            if related.len() == count {
                return related;
            }
        }
    }

    /// An apply that replaces a resource, with either order of creation and deletion.
    pub(super) async fn replace(&mut self, which: u8) -> Outcome {
        let slot = self.model.pick(usize::from(which)).filter(|_| self.collisions.is_empty());
        let Some(slot) = slot else { return Ok(()) };
        let one = &self.model.resources[&slot];
        let only_one = one.shape().named.is_some() || one.parent.is_some();
        let first = self.model.spread([slot], true);
        if only_one && first.iter().any(|slot| self.model.resources[slot].create_first) {
            return Ok(());
        }
        let selection = Selection { replace: vec![one.address()], ..Selection::default() };
        self.clean(Script::new(), selection, false).await
    }
}
