//! Actions of others, another stack or a person, on resources that are ours or about to be.

use std::cell::RefCell;

use dwctl::aws::Tags;
use dwctl::graph::Address;
use dwctl::kind::{ErasedLive, NewResource, Owner};
use dwctl::kinds::kind;
use dwctl::plan::Selection;

use super::super::engine::{End, Survey, Thing, address, deletable_at_once};
use super::super::model::{Model, SHAPES};
use super::super::wire::Fault;
use super::{Outcome, Run, explained, thing, words};
use crate::harness::REGION;

/// The tags of a resource of another stack.
fn of_another_stack(kind: &str) -> Tags {
    Owner { stack: "other".to_owned(), env: "prod".to_owned(), address: format!("{kind}.theirs") }.tags()
}

fn of_a_person() -> Tags {
    Tags::from([("team".to_owned(), "finance".to_owned())])
}

impl Run<'_> {
    /// Creates a default resource under the name of this number, as someone else. Returns `None` if one
    /// exists already.
    pub(super) async fn make_theirs(
        &self,
        shape: usize,
        number: u32,
        tags: &Tags,
    ) -> Option<(Thing, ErasedLive)> {
        let mut other = Model::default();
        let slot = other.add(shape, 0);
        other.resources.get_mut(&slot).expect("added").number = number;
        let spec = self.engine.evaluate(&other.text()).await?;
        let kind = kind(SHAPES[shape].kind).expect("a kind");
        let name = SHAPES[shape].named.map(|named| named.replace("{n}", &number.to_string()));
        let is_there = async |id: String| {
            let thing = Thing { kind: kind.name(), region: REGION, id };
            self.engine.look(&thing).await.map(|live| (thing, live))
        };
        if let Some(name) = name
            && is_there(name).await.is_some()
        {
            return None;
        }
        let token = uuid::Uuid::new_v4().to_string();
        let new = NewResource { tags, token: &token };
        // The `dwctl` under test may have created it at this very moment.
        let id = kind.create(&self.engine.cx(REGION), &spec, new).await.ok()?.id;
        is_there(id).await.filter(|(_, live)| live.tags == *tags)
    }

    /// An apply during which someone creates what it is about to create.
    pub(super) async fn create_meanwhile(&mut self, which: u8, at: u8, stack: bool) -> Outcome {
        if !self.collisions.is_empty() || self.model.in_s3 {
            return Ok(());
        }
        let named: Vec<usize> = (0..SHAPES.len())
            .filter(|&shape| SHAPES[shape].named.is_some() && SHAPES[shape].parent.is_none())
            .collect();
        let shape = named[usize::from(which) % named.len()];
        let slot = self.model.add(shape, usize::from(which / 16));
        self.restructured.insert(slot);
        let number = self.model.resources[&slot].number;
        let tags = if stack { of_another_stack(SHAPES[shape].kind) } else { of_a_person() };
        self.write();
        self.engine.wire.follow(vec![(self.request(at), Fault::Intrude)]);
        let theirs: RefCell<Survey> = RefCell::default();
        let intrude = async || {
            if let Some((thing, live)) = self.make_theirs(shape, number, &tags).await {
                theirs.borrow_mut().insert(thing, live);
            }
        };
        let (end, _, faults_hit) =
            self.engine.apply_with_counts(Selection::default(), self.parallelism, intrude).await;
        self.log.extend(faults_hit.iter().map(|one| format!("  {one}")));
        let theirs = theirs.into_inner();
        if theirs.is_empty() {
            return match end {
                End::Done => self.holds().await,
                other => Err(format!("nothing was in the way, and an apply ended so: {other:?}")),
            };
        }
        self.foreign.extend(theirs);
        self.collisions.insert(slot);
        self.untouched(&self.engine.survey().await)?;
        match end {
            End::Failed(problems) if problems.iter().all(|one| one.code == "not-ours") => {
                explained(&problems)
            }
            other => Err(format!("what is foreign is to be refused, and it ended so: {other:?}")),
        }
    }

    /// A resource of ours becomes foreign: another stack takes it over, or a person recreates it under its
    /// name. Until it is forgotten, applies must do nothing.
    pub(super) async fn lose_to_others(&mut self, which: u8, remade: bool) -> Outcome {
        if !self.collisions.is_empty()
            || self.owner_tags_changed
            || self.lost
            || !self.restructured.is_empty()
        {
            return Ok(());
        }
        let Some(ledger) = self.engine.ledger().await else { return Ok(()) };
        let needed = |of: &Address| {
            let deposed = ledger.deposed.values().flatten();
            let entries = ledger.resources.values().chain(deposed);
            let mut needs = entries.flat_map(|entry| &entry.needs);
            needs.any(|one| one == of)
        };
        let whole: Vec<(u32, Thing)> = self
            .model
            .resources
            .iter()
            .filter(|(_, one)| one.parent.is_none() && (!remade || one.shape().named.is_some()))
            .filter_map(|(slot, one)| {
                let of = address(&one.address());
                let entry = ledger.resources.get(&of).filter(|_| !needed(&of))?;
                Some((*slot, thing(&of, entry)?))
            })
            .filter(|(_, thing)| thing.region == REGION)
            .collect();
        let parents: Vec<u32> = self.model.resources.values().filter_map(|one| one.parent).collect();
        let whole: Vec<_> = whole.into_iter().filter(|(slot, _)| !parents.contains(slot)).collect();
        let Some((slot, thing)) = whole.get(usize::from(which) % whole.len().max(1)).cloned() else {
            return Ok(());
        };
        let Some(live) = self.engine.look(&thing).await else { return Ok(()) };
        let kind = kind(thing.kind).expect("a kind");
        let cx = self.engine.cx(REGION);
        if remade {
            let spec = deletable_at_once(thing.kind, live.spec);
            let deleted = kind.delete(&cx, &thing.id, &spec).await;
            deleted.map_err(|error| format!("{thing:?} cannot be deleted: {error}"))?;
            let one = &self.model.resources[&slot];
            // Creation times have a resolution of one second.
            tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
            let made = self.make_theirs(one.shape, one.number, &of_a_person()).await;
            let (made, live) = made.ok_or_else(|| format!("{thing:?} cannot be made anew"))?;
            self.foreign.insert(made, live);
        } else {
            let tags = of_another_stack(thing.kind);
            let tagged = kind.tag(&cx, &thing.id, &live.attrs, &tags, &[]).await;
            tagged.map_err(|error| format!("{thing:?} cannot be tagged: {error}"))?;
            let live = self.engine.look(&thing).await.expect("it was there");
            self.foreign.insert(thing, live);
        }
        self.refused(true).await?;
        let one = self.model.resources.get_mut(&slot).expect("picked");
        let of = address(&one.address());
        self.engine.forget(&of).await.map_err(|problems| format!("forget fails: {}", words(&problems)))?;
        one.number = self.model.numbers + 1;
        self.model.numbers += 1;
        self.restructured.insert(slot);
        Ok(())
    }
}
