//! One random run: its operations and invariants.

mod others;
mod part;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dwctl::aws::Tags;
use dwctl::diag::{Diagnostic, Severity};
use dwctl::graph::Address;
use dwctl::kind::Owner;
use dwctl::kinds::kind;
use dwctl::ledger::Entry;
use dwctl::plan::Selection;
use dwctl::schema::normalize;
use dwctl::value::Value;
use proptest::collection::vec;
use proptest::prelude::*;

use super::engine::{ABROAD, APART, End, Engine, Survey, Thing, address, deletable_at_once, region_of};
use super::model::{BUCKET, Declared, Model, SHAPES, STACK, json};
use super::wire::{Fault, Script};
use crate::harness::{Cloud, REGION, dwctl, finish};

/// An operation. The numbers choose among what exists at that time.
#[derive(Clone, Debug)]
pub enum Op {
    /// Sets a knob of a resource.
    Edit(u8, u8, u8),
    /// Changes the physical name of a resource.
    Rename(u8),
    /// Moves a resource and its children to another region, to another account, or back.
    Relocate(u8),
    /// Changes the address of a resource, with `[[moved]]` or without.
    Readdress(u8, bool),
    Add(u8, u8),
    Remove(u8),
    FlipCreateFirst(u8),
    /// Adds a `depends_on`.
    Depend(u8, u8),
    /// Removes a resource from the stack with a `[[removed]]`: it stays at AWS, but without its parts.
    Release(u8),
    Apply,
    /// An apply of a part of the stack, by `--target` or `--exclude`, which may be killed.
    Part(u8, bool, Option<(u8, bool)>),
    /// An apply with `--replace` of a resource.
    Replace(u8),
    /// An apply with faults at these requests.
    Trouble(Vec<(u8, u8)>),
    /// An apply that is killed at a request, before or after AWS executes it.
    Kill(u8, bool),
    /// An apply that is killed right after AWS executes this request.
    KillAt(u32),
    /// A separate `dwctl` process that is killed after so many milliseconds.
    KillProcess(u16),
    /// An apply during which someone else writes the ledger.
    Conflict(u8),
    /// Someone creates a resource; if names allow, the next one that the stack will have.
    Foreign(u8, bool),
    /// Someone, another stack or a person, creates what an apply is about to create.
    CreateMeanwhile(u8, u8, bool),
    /// Another stack takes over a resource of ours, or a person recreates it under its name.
    LoseToOthers(u8, bool),
    /// Someone changes a resource of ours.
    EditByOthers(u8, u8, u8),
    /// Someone deletes a resource of ours.
    Vanish(u8),
    /// Someone changes the tags of a resource of ours.
    Retag(u8, u8),
    /// The ledger is lost, and may be recovered.
    Lose(bool),
}

#[derive(Clone, Debug)]
pub struct Case {
    in_s3: bool,
    destroy: bool,
    /// True if everything is destroyed without an apply before.
    at_once: bool,
    parallel: bool,
    first: Vec<(u8, u8)>,
    ops: Vec<Op>,
}

fn op() -> impl Strategy<Value = Op> {
    let any = proptest::arbitrary::any::<u8>;
    let yes = proptest::arbitrary::any::<bool>;
    prop_oneof![
        4 => (any(), any(), any()).prop_map(|(a, b, c)| Op::Edit(a, b, c)),
        2 => any().prop_map(Op::Rename),
        3 => any().prop_map(Op::Relocate),
        2 => (any(), yes()).prop_map(|(a, b)| Op::Readdress(a, b)),
        2 => (any(), any()).prop_map(|(a, b)| Op::Add(a, b)),
        2 => any().prop_map(Op::Remove),
        1 => any().prop_map(Op::FlipCreateFirst),
        1 => (any(), any()).prop_map(|(a, b)| Op::Depend(a, b)),
        1 => any().prop_map(Op::Release),
        4 => Just(Op::Apply),
        3 => (any(), yes(), prop::option::of((any(), yes()))).prop_map(|(a, b, c)| Op::Part(a, b, c)),
        1 => any().prop_map(Op::Replace),
        3 => vec((any(), any()), 1..6).prop_map(Op::Trouble),
        4 => (any(), yes()).prop_map(|(a, b)| Op::Kill(a, b)),
        1 => (20_u16..900).prop_map(Op::KillProcess),
        1 => any().prop_map(Op::Conflict),
        2 => (any(), yes()).prop_map(|(a, b)| Op::Foreign(a, b)),
        2 => (any(), any(), yes()).prop_map(|(a, b, c)| Op::CreateMeanwhile(a, b, c)),
        2 => (any(), yes()).prop_map(|(a, b)| Op::LoseToOthers(a, b)),
        2 => (any(), any(), any()).prop_map(|(a, b, c)| Op::EditByOthers(a, b, c)),
        2 => any().prop_map(Op::Vanish),
        2 => (any(), any()).prop_map(|(a, b)| Op::Retag(a, b)),
        1 => yes().prop_map(Op::Lose),
    ]
}

/// Generates a case.
pub fn case() -> impl Strategy<Value = Case> {
    let flags = (prop::bool::weighted(0.25), prop::bool::weighted(0.4), any::<bool>(), any::<bool>());
    // Deletions, and a partial apply right after them.
    let part = (any::<u8>(), any::<bool>(), prop::option::of((any::<u8>(), any::<bool>())));
    let goes = prop_oneof![
        any::<u8>().prop_map(Op::Remove),
        any::<u8>().prop_map(Op::Rename),
        any::<u8>().prop_map(Op::Relocate)
    ];
    let parts = (vec(goes, 1..3), part).prop_map(|(mut ops, (which, exclude, kill))| {
        ops.push(Op::Part(which, exclude, kill));
        ops
    });
    let ops = vec(prop_oneof![12 => op().prop_map(|op| vec![op]), 1 => parts], 3..9);
    (flags, vec((any::<u8>(), any::<u8>()), 2..7), ops).prop_map(|(flags, first, ops)| {
        let (in_s3, destroy, at_once, parallel) = flags;
        let ops = ops.into_iter().flatten().collect();
        Case { in_s3, destroy, at_once, parallel, first, ops }
    })
}

/// A case while it runs.
struct Run<'r> {
    engine: &'r Engine,
    cloud: &'r Cloud,
    parallelism: usize,
    model: Model,
    /// Foreign resources, as they were created.
    foreign: Survey,
    /// Old and new addresses since the last full apply.
    readdressed: Vec<(String, String)>,
    /// Resources that were released and must stay, without an owner.
    released: BTreeSet<Thing>,
    /// Resources whose names are taken by foreign ones.
    collisions: BTreeSet<u32>,
    /// Keys that someone put into shared maps. They must stay, unless the stack came to declare
    /// them.
    added: BTreeSet<(Thing, String)>,
    /// True if owner tags were changed since the last apply.
    owner_tags_changed: bool,
    /// Resources that changed address, name or region since the last apply, or were removed.
    restructured: BTreeSet<u32>,
    /// True if the ledger was lost since the last apply, and not recovered.
    lost: bool,
    /// True if the last operation was a complete apply.
    settled: bool,
    requests: u32,
    log: Vec<String>,
}

type Outcome = Result<(), String>;

impl Case {
    /// A case that is not random: resources by shape and choice, and operations.
    pub fn of(first: Vec<(u8, u8)>, ops: Vec<Op>) -> Self {
        Self { in_s3: false, destroy: false, at_once: false, parallel: false, first, ops }
    }

    /// Runs the case. Returns its failure, if any.
    pub async fn run(&self, engine: &Engine, cloud: &Cloud) -> Outcome {
        let mut run = Run {
            engine,
            cloud,
            parallelism: if self.parallel { 8 } else { 1 },
            model: Model { in_s3: self.in_s3, ..Model::default() },
            foreign: Survey::new(),
            readdressed: Vec::new(),
            released: BTreeSet::new(),
            collisions: BTreeSet::new(),
            added: BTreeSet::new(),
            owner_tags_changed: false,
            restructured: BTreeSet::new(),
            lost: false,
            settled: false,
            requests: 40,
            log: Vec::new(),
        };
        if self.in_s3 {
            engine.cx(REGION).aws.s3().create_bucket().bucket(BUCKET).send().await.expect("a bucket");
        }
        for (shape, choice) in &self.first {
            run.model.add(usize::from(*shape) % SHAPES.len(), usize::from(*choice));
        }
        run.write();
        let done = async {
            for op in &self.ops {
                run.log.push(format!("{op:?}"));
                Box::pin(run.step(op)).await?;
            }
            run.log.push("the end".to_owned());
            run.rename_collisions();
            if !(self.destroy && self.at_once) {
                run.clean(Script::new(), Selection::default(), false).await?;
            }
            if self.destroy {
                run.destroy().await?;
            }
            Ok(())
        }
        .await;
        done.map_err(|error: String| {
            format!("{error}\nafter: {}\nwith this stack:\n{}", run.log.join("\n       "), run.model.text())
        })
    }
}

/// The message of an error as a user sees it.
fn words(problems: &[Diagnostic]) -> String {
    let one = |problem: &Diagnostic| {
        format!("{}: {} {:?} {:?}", problem.code, problem.message, problem.notes, problem.helps)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("\n  ")
}

impl Run<'_> {
    async fn step(&mut self, op: &Op) -> Outcome {
        if !matches!(op, Op::Lose(_) | Op::Retag(..)) {
            self.settled = self.settled && matches!(op, Op::Apply);
        }
        // Without a ledger, resources are found only under their current addresses and names.
        let tells = |op: &Op| {
            matches!(op, Op::Rename(_) | Op::Relocate(_) | Op::Readdress(..) | Op::Remove(_) | Op::Release(_))
        };
        if self.lost && tells(op) {
            self.lost = false;
            let recovered = self.engine.recover().await;
            recovered.map_err(|problems| format!("recover fails: {}", words(&problems)))?;
        }
        match op {
            Op::Edit(which, knob, option) => {
                if let Some(one) = self.pick(*which) {
                    let knobs = one.shape().knobs;
                    let at = usize::from(*knob) % knobs.len();
                    one.knobs[at] = usize::from(*option) % (knobs[at].options.len() + 1);
                }
            }
            Op::Rename(which) => {
                let number = self.model.fresh_number();
                let slot = self.model.pick(usize::from(*which));
                if let Some((slot, one)) =
                    slot.and_then(|slot| Some((slot, self.model.resources.get_mut(&slot)?)))
                {
                    one.number = number;
                    self.collisions.remove(&slot);
                    self.restructured.insert(slot);
                }
            }
            Op::Relocate(which) => {
                let number = self.model.fresh_number();
                let region_owner =
                    self.model.pick(usize::from(*which)).and_then(|slot| self.model.region_owner(slot));
                let region_owner =
                    region_owner.filter(|region_owner| !self.collisions.contains(region_owner));
                if let Some((region_owner, one)) = region_owner.and_then(|region_owner| {
                    Some((region_owner, self.model.resources.get_mut(&region_owner)?))
                }) {
                    one.region = match one.region {
                        REGION => ABROAD,
                        ABROAD => APART,
                        _ => REGION,
                    };
                    if one.shape().kind == "s3_bucket" {
                        // The names of buckets are one space in all regions.
                        one.number = number;
                    }
                    self.engine.abroad.set(true);
                    self.restructured.insert(region_owner);
                }
            }
            Op::Readdress(which, by_command) => {
                let slot = self.model.pick(usize::from(*which));
                if let Some((slot, one)) =
                    slot.and_then(|slot| Some((slot, self.model.resources.get_mut(&slot)?)))
                {
                    let from = one.address();
                    one.label.push('x');
                    let to = one.address();
                    self.readdressed.push((from.clone(), to.clone()));
                    if *by_command {
                        self.model.moved.push((from, to));
                    }
                    self.restructured.insert(slot);
                }
            }
            Op::Add(shape, choice) => {
                self.model.add(usize::from(*shape) % SHAPES.len(), usize::from(*choice));
            }
            Op::Remove(which) => {
                if let Some(slot) = self.model.pick(usize::from(*which)) {
                    self.model.remove(slot);
                    self.collisions.retain(|slot| self.model.resources.contains_key(slot));
                    self.restructured.insert(slot);
                }
            }
            Op::FlipCreateFirst(which) => {
                if let Some(one) = self.pick(*which) {
                    one.create_first ^= one.shape().may_be_first();
                }
            }
            Op::Depend(which, on) => {
                let (later, earlier) =
                    (self.model.pick(usize::from(*which)), self.model.pick(usize::from(*on)));
                if let (Some(later), Some(earlier)) = (later, earlier)
                    && earlier < later
                {
                    self.model.resources.get_mut(&later).expect("picked").after = Some(earlier);
                }
            }
            Op::Release(which) => self.release(*which).await,
            Op::Apply => self.apply(Script::new()).await?,
            Op::Part(which, exclude, kill) => self.apply_part(*which, *exclude, *kill).await?,
            Op::Replace(which) => self.replace(*which).await?,
            Op::Trouble(faults) => {
                let mut script = Script::new();
                for (at, what) in faults {
                    let kinds = [
                        Fault::Throttle,
                        Fault::Internal,
                        Fault::Cut,
                        Fault::Lost,
                        Fault::Late,
                        Fault::Empty,
                        Fault::Empty,
                    ];
                    script.push((self.request(*at), kinds[usize::from(*what) % kinds.len()]));
                }
                self.apply(script).await?;
            }
            Op::Kill(at, done) => {
                self.apply(vec![self.kill(*at, *done)]).await?;
            }
            Op::KillAt(at) => self.apply(vec![(*at, Fault::KillAfter)]).await?,
            Op::KillProcess(milliseconds) => self.kill_process(*milliseconds).await?,
            Op::Conflict(at) => {
                if self.model.in_s3 {
                    self.apply(vec![(self.request(*at), Fault::Intrude)]).await?;
                }
            }
            Op::Foreign(shape, collides) => self.make_foreign(usize::from(*shape), *collides).await,
            Op::CreateMeanwhile(which, at, stack) => {
                Box::pin(self.create_meanwhile(*which, *at, *stack)).await?
            }
            Op::LoseToOthers(which, remade) => Box::pin(self.lose_to_others(*which, *remade)).await?,
            Op::EditByOthers(which, knob, option) => self.edit_by_others(*which, *knob, *option).await,
            Op::Vanish(which) => self.vanish(*which).await,
            Op::Retag(which, how) => Box::pin(self.retag(*which, *how)).await?,
            Op::Lose(recover) => self.lose(*recover).await?,
        }
        Ok(())
    }

    /// Maps a progress value to a request of an apply.
    fn request(&self, at: u8) -> u32 {
        1 + u32::from(at) * self.requests / 255
    }

    fn kill(&self, at: u8, done: bool) -> (u32, Fault) {
        (self.request(at), if done { Fault::KillAfter } else { Fault::KillBefore })
    }

    fn pick(&mut self, choice: u8) -> Option<&mut Declared> {
        let slot = self.model.pick(usize::from(choice))?;
        self.model.resources.get_mut(&slot)
    }

    fn write(&self) {
        std::fs::write(self.engine.folder().join("stack.toml"), self.model.text()).expect("written");
    }

    /// An apply in any state, which may be refused or killed.
    async fn apply(&mut self, script: Script) -> Outcome {
        if self.collisions.is_empty() {
            return self.clean(script, Selection::default(), false).await;
        }
        self.refused(true).await.map(drop)
    }

    /// An apply that is refused, without changes, because a resource is not ours. It is allowed to be
    /// complete unless it `must` be refused. Returns whether it was refused.
    async fn refused(&mut self, must: bool) -> Result<bool, String> {
        let before = self.engine.survey().await;
        self.write();
        match self.engine.apply(Selection::default(), self.parallelism, async || ()).await {
            End::Failed(problems) if problems.iter().any(|problem| problem.code == "not-ours") => {
                explained(&problems)?;
            }
            End::Done if !must => return self.holds().await.map(|()| false),
            other => return Err(format!("what is foreign is to be refused, and it ended so: {other:?}")),
        }
        if self.engine.survey().await != before {
            return Err("an apply that was refused changed something".to_owned());
        }
        Ok(true)
    }

    /// An apply with no obstacles except those of the script, and its invariants.
    async fn clean(&mut self, script: Script, selection: Selection, again: bool) -> Outcome {
        self.write();
        let intrudes = script.iter().any(|(_, fault)| *fault == Fault::Intrude);
        self.engine.wire.follow(script.clone());
        let (end, requests, faults_hit) = self
            .engine
            .apply_with_counts(selection, self.parallelism, async || self.engine.write_ledger().await)
            .await;
        self.log.extend(faults_hit.iter().map(|one| format!("  {one}")));
        match end {
            End::Done => {
                self.requests = requests.max(10);
                self.holds().await
            }
            End::Killed => {
                if self.model.in_s3 {
                    self.engine.unlock().await;
                }
                self.untouched(&self.engine.survey().await)
            }
            End::Failed(problems) => {
                explained(&problems)?;
                let conflict = problems.iter().any(|problem| problem.code == "ledger-conflict");
                // Nothing was done, because a resource that seemed to be gone still existed.
                if problems.iter().all(|problem| problem.code == "still-there") && !again {
                    return self.untouched(&self.engine.survey().await);
                }
                if intrudes && conflict && !again {
                    return self.untouched(&self.engine.survey().await);
                }
                Err(format!("an apply fails:\n  {}", words(&problems)))
            }
        }
    }

    /// Checks the invariants after a complete apply.
    async fn holds(&mut self) -> Outcome {
        self.model.moved.clear();
        (self.owner_tags_changed, self.lost, self.settled) = (false, false, true);
        self.restructured.clear();
        self.write();
        let survey = self.engine.survey().await;
        self.untouched(&survey)?;
        // Released resources now count as foreign.
        self.model.removed.clear();
        self.readdressed.clear();
        self.stayed(&survey)?;
        for thing in std::mem::take(&mut self.released) {
            let live = survey[&thing].clone();
            if Owner::of(&live.tags).is_some() {
                return Err(format!("{thing:?} was let go and has the tags {:?}", live.tags));
            }
            self.foreign.insert(thing, live);
        }
        let ledger = self.engine.ledger().await;
        let (resources, intents) =
            ledger.map(|ledger| (ledger.resources, ledger.intents)).unwrap_or_default();
        if !intents.is_empty() {
            return Err(format!("intents are left: {intents:?}"));
        }
        let mut ours: BTreeMap<Thing, String> = BTreeMap::new();
        for (address, entry) in &resources {
            let thing = thing(address, entry).ok_or_else(|| format!("{address} is nothing of chaos"))?;
            if let Some(other) = ours.insert(thing, address.to_string()) {
                return Err(format!("{} is both {other} and {address}", entry.id));
            }
        }
        for (thing, live) in &survey {
            let foreign = self.foreign.contains_key(thing);
            match ours.remove(thing) {
                None if foreign => {}
                None => return Err(format!("an orphan or a duplicate: {thing:?} {:?}", live.tags)),
                Some(address) if foreign => {
                    return Err(format!("{address} took over {thing:?}, which is foreign"));
                }
                Some(address) => {
                    self.is_as_declared(&address, thing, live)?;
                    self.is_secret_as_declared(&address, thing).await?;
                }
            }
        }
        if let Some((thing, address)) = ours.pop_first() {
            return Err(format!("a phantom: {address} is {thing:?} in the ledger, and not at AWS"));
        }
        let known: BTreeSet<String> = resources.keys().map(ToString::to_string).collect();
        let declared: BTreeSet<String> = self.model.resources.values().map(Declared::address).collect();
        if known != declared {
            return Err(format!("the ledger tells of {known:?}, and declared are {declared:?}"));
        }
        self.is_settled().await
    }

    async fn is_settled(&self) -> Outcome {
        match self.engine.plan().await {
            Ok(plan) if plan.is_empty() => Ok(()),
            Ok(plan) => {
                let left: Vec<_> = plan
                    .effective()
                    .map(|one| (&one.address, one.action, &one.reason, &one.attributes))
                    .collect();
                Err(format!("a further plan is not empty: {left:?}"))
            }
            Err(problems) => Err(format!("a further plan fails: {}", words(&problems))),
        }
    }

    /// Checks a resource against the model, without dwctl's own diff.
    fn is_as_declared(&mut self, of: &str, thing: &Thing, live: &dwctl::kind::ErasedLive) -> Outcome {
        let id = &thing.id;
        let Some(one) = self.model.resources.values().find(|one| one.address() == of) else {
            return Err(format!("{of} is {id}, and no longer declared"));
        };
        if kind(one.shape().kind).expect("a kind").taggable() {
            let mut tags = Owner::new(STACK, "default", &address(of)).tags();
            tags.insert("team".to_owned(), "data".to_owned());
            if live.tags != tags {
                return Err(format!("{of} {id} has the tags {:?}", live.tags));
            }
        }
        let spec = live.spec.clone().reveal().to_json().map_err(|_| format!("{of} has unknown values"))?;
        for (knob, option) in one.set().filter(|(knob, _)| knob.plain) {
            let (mut is, desired) = (spec[knob.name].clone(), json(&option));
            if let (Some(is), Some(desired)) = (is.as_object_mut(), desired.as_object()) {
                self.added.retain(|(of, key)| of != thing || !desired.contains_key(key));
                is.retain(|key, _| !self.added.contains(&(thing.clone(), key.clone())));
            }
            if is != desired {
                return Err(format!("{of} {id}: {} is {is} and not {option}", knob.name));
            }
        }
        Ok(())
    }

    /// Checks the value of a secret against the model. AWS returns it by a separate call.
    async fn is_secret_as_declared(&self, of: &str, thing: &Thing) -> Outcome {
        let one = self.model.resources.values().find(|one| one.address() == of);
        let Some(one) = one.filter(|one| one.shape().kind == "secretsmanager_secret") else { return Ok(()) };
        let Some((_, option)) = one.set().find(|(knob, _)| knob.name == "secret_string") else {
            return Ok(());
        };
        let id = thing.id.as_str();
        let cx = self.engine.cx(thing.region);
        let value = cx.aws.secretsmanager().get_secret_value().secret_id(id).send().await;
        let value = value.map_err(|error| format!("{of} {id} has no value: {error:?}"))?;
        match value.secret_string() {
            Some(text) if json(&option) == text => Ok(()),
            other => Err(format!("{of} {id} holds {other:?} and not {option}")),
        }
    }

    /// Checks that foreign resources are as they were created.
    fn untouched(&self, survey: &Survey) -> Outcome {
        for (key, was) in &self.foreign {
            match survey.get(key) {
                Some(live) if live == was => {}
                Some(live) => {
                    return Err(format!("{key:?} is foreign, and was changed: {was:?} to {live:?}"));
                }
                None => return Err(format!("{key:?} is foreign, and was deleted")),
            }
        }
        Ok(())
    }

    /// Checks that released resources still exist.
    fn stayed(&self, survey: &Survey) -> Outcome {
        match self.released.iter().find(|thing| !survey.contains_key(thing)) {
            Some(thing) => Err(format!("{thing:?} was let go, and was deleted")),
            None => Ok(()),
        }
    }

    /// Renames the resources that collide with foreign ones.
    fn rename_collisions(&mut self) {
        for slot in std::mem::take(&mut self.collisions) {
            let number = self.model.fresh_number();
            if let Some(one) = self.model.resources.get_mut(&slot) {
                one.number = number;
            }
        }
    }

    async fn destroy(&mut self) -> Outcome {
        self.write();
        let all = Selection { destroy: true, ..Selection::default() };
        match self.engine.apply(all, self.parallelism, async || ()).await {
            End::Done => {}
            other => return Err(format!("destroy ends so: {other:?}")),
        }
        let survey = self.engine.survey().await;
        self.untouched(&survey)?;
        self.stayed(&survey)?;
        let stays = |thing: &Thing| self.foreign.contains_key(thing) || self.released.contains(thing);
        let left: Vec<_> = survey.keys().filter(|thing| !stays(thing)).collect();
        if !left.is_empty() {
            return Err(format!("destroy leaves {left:?}"));
        }
        match self.engine.ledger().await {
            Some(ledger) if !ledger.resources.is_empty() => {
                Err(format!("after destroy the ledger tells of {:?}", ledger.resources.keys()))
            }
            _ => Ok(()),
        }
    }

    async fn kill_process(&mut self, milliseconds: u16) -> Outcome {
        if !self.collisions.is_empty() {
            return Ok(());
        }
        self.write();
        let endpoint = self.cloud.endpoint();
        let mut command = std::process::Command::new(dwctl());
        command
            .args(["apply", "--yes", "--parallelism", "4", "--endpoint-url", &endpoint])
            .current_dir(self.engine.folder())
            .env_clear()
            .env("HOME", self.engine.folder())
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // As in the applies of this process, which need no consent.
            .env("DWCTL_ALLOW", "data-loss,downtime,destroy")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("dwctl can be run");
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
        // The process may already have ended.
        child.kill().expect("it is ours");
        let run = finish(child, "apply");
        self.cloud.await_calm();
        if self.model.in_s3 {
            self.engine.unlock().await;
        }
        match run.code {
            None => self.untouched(&self.engine.survey().await),
            Some(0) => self.holds().await,
            Some(_) => Err(format!("an apply fails: {run}")),
        }
    }

    /// Someone creates a resource with tags of their own.
    async fn make_foreign(&mut self, shape: usize, collides: bool) {
        let shape = shape % SHAPES.len();
        if SHAPES[shape].parent.is_some() || SHAPES[shape].kind == "s3_object" {
            return;
        }
        let number = self.model.fresh_number();
        let tags = Tags::from([("team".to_owned(), "finance".to_owned())]);
        let made = self.make_theirs(shape, number, &tags).await;
        self.foreign.extend([made.expect("a new name")]);
        if collides && SHAPES[shape].named.is_some() {
            let slot = self.model.add(shape, 0);
            self.model.resources.get_mut(&slot).expect("added").number = number;
            self.collisions.insert(slot);
        }
    }

    /// A resource of ours that exists.
    async fn ours(&self, choice: u8) -> Option<Thing> {
        let ledger = self.engine.ledger().await?;
        let count = ledger.resources.len();
        let (address, entry) = ledger.resources.iter().nth(usize::from(choice) % count.max(1))?;
        thing(address, entry)
    }

    async fn edit_by_others(&mut self, which: u8, knob: u8, option: u8) {
        let Some(thing) = self.ours(which).await else { return };
        let Thing { kind: name, region, id } = &thing;
        let Some(live) = self.engine.look(&thing).await else { return };
        let shape = SHAPES.iter().find(|shape| shape.kind == *name).expect("a shape");
        let simple: Vec<_> = shape
            .knobs
            .iter()
            .filter(|knob| knob.plain && knob.name != "aliases" && !knob.replaces)
            .collect();
        let Some(knob) = simple.get(usize::from(knob) % simple.len().max(1)) else { return };
        let option = json(knob.options[usize::from(option) % knob.options.len()]);
        let kind = kind(name).expect("a kind");
        let mut want = live.spec.clone();
        if let Value::Map(map) = &mut want {
            map.insert(knob.name.to_owned(), Value::from_json(&option));
        }
        let want = normalize(&kind.schema().spec, want);
        for key in option.as_object().into_iter().flat_map(|map| map.keys()) {
            self.added.insert((thing.clone(), key.clone()));
        }
        // A change that AWS refuses is not made.
        drop(kind.update(&self.engine.cx(region), id, &live.spec, &want).await);
    }

    async fn vanish(&mut self, which: u8) {
        let Some(thing) = self.ours(which).await else { return };
        let Thing { kind: name, region, id } = &thing;
        // AWS does not delete a network that contains anything.
        if *name == "ec2_vpc" {
            return;
        }
        let Some(live) = self.engine.look(&thing).await else { return };
        let spec = deletable_at_once(name, live.spec);
        let deleted = kind(name).expect("a kind").delete(&self.engine.cx(region), id, &spec).await;
        self.released.remove(&thing);
        deleted.unwrap_or_else(|error| panic!("{name} {id} cannot be deleted: {error}"));
    }

    async fn retag(&mut self, which: u8, how: u8) -> Outcome {
        let settled = std::mem::take(&mut self.settled);
        let Some(thing) = self.ours(which).await else { return Ok(()) };
        let Thing { kind: name, region, id } = &thing;
        let kind = kind(name).expect("a kind");
        let Some(live) = self.engine.look(&thing).await.filter(|_| kind.taggable()) else { return Ok(()) };
        let one = |key: &str, value: &str| Tags::from([(key.to_owned(), value.to_owned())]);
        let owner = &Owner::KEYS[..3];
        let (set, remove) = match how % 4 {
            0 => (one("who", "someone"), Vec::new()),
            1 => (Tags::new(), vec!["team".to_owned()]),
            2 => (one(Owner::ADDRESS, "sns_topic.other"), Vec::new()),
            _ => (Tags::new(), owner.iter().map(|key| (*key).to_owned()).collect()),
        };
        let cx = self.engine.cx(region);
        let tagged = kind.tag(&cx, id, &live.attrs, &set, &remove).await;
        tagged.unwrap_or_else(|error| panic!("{name} {id} cannot be tagged: {error}"));
        if how % 4 == 3 && live.incarnation.is_none() && !kind.assigns_ids() {
            // Only the intent of an interrupted apply can still prove whose it is.
            if self.refused(settled).await? {
                let of_owner = |(key, _): &(String, String)| owner.contains(&key.as_str());
                let tags: Tags = live.tags.into_iter().filter(of_owner).collect();
                let tagged = kind.tag(&cx, id, &live.attrs, &tags, &[]).await;
                tagged.unwrap_or_else(|error| panic!("{name} {id} cannot be tagged: {error}"));
            }
            return Ok(());
        }
        self.owner_tags_changed |= how % 4 > 1;
        Ok(())
    }

    /// Loses the ledger, if the tags still identify everything.
    async fn lose(&mut self, recover: bool) -> Outcome {
        let untagged = self.model.resources.values().any(|one| one.shape().kind == "sns_subscription");
        if self.owner_tags_changed || !self.restructured.is_empty() || !self.collisions.is_empty() {
            return Ok(());
        }
        self.write();
        self.engine.lose_ledger(self.model.in_s3).await;
        if !recover && !untagged {
            self.lost = true;
            return if self.settled { self.is_settled().await } else { Ok(()) };
        }
        let recovered = self.engine.recover().await;
        let recovered = recovered.map_err(|problems| format!("recover fails: {}", words(&problems)))?;
        if self.settled {
            if !recovered.unconfirmed.is_empty() || !recovered.missing.is_empty() {
                return Err(format!("recover does not find all: {recovered:?}"));
            }
            return self.is_settled().await;
        }
        Ok(())
    }
}

/// The resource of a ledger entry.
fn thing(address: &Address, entry: &Entry) -> Option<Thing> {
    let shape = SHAPES.iter().find(|shape| shape.kind == address.kind)?;
    // Global resources can be created from either region.
    let region = if shape.kind == "iam_role" { REGION } else { region_of(&entry.place) };
    Some(Thing { kind: shape.kind, region, id: entry.id.clone() })
}

/// Checks that every error is a documented one, and says what to do.
fn explained(problems: &[Diagnostic]) -> Outcome {
    const CODES: [&str; 10] = [
        "still-there",
        "apply-failed",
        "read-failed",
        "not-ours",
        "not-converged",
        "ledger",
        "ledger-conflict",
        "lock-lost",
        "locked",
        "failed-resource",
    ];
    for problem in problems {
        let helpful = !problem.helps.is_empty() || !problem.notes.is_empty();
        if !CODES.contains(&problem.code) || problem.severity != Severity::Error || !helpful {
            return Err(format!("an error that is not explained: {}", words(std::slice::from_ref(problem))));
        }
    }
    if problems.is_empty() { Err("it failed without an error".to_owned()) } else { Ok(()) }
}
