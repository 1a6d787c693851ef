//! From what is wanted and what is there to what is to be done. Pure: where it needs
//! to know more of AWS it says so, and is asked again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::applied::{complete, mark, prints, wanted};
use super::blame::Sides;
use super::connect::{Names, connect};
use super::diff::in_order_of;
use super::hindsight;
use super::protect::protected;
use super::standing::show_unselected;
use super::tags::{tag_change, tag_changes, tags};
use super::taken;
use super::{Action, Asked, AttributeChange, Change, Declared, Past, Plan, Reason, diff};
use crate::aws::{Error, Tags};
use crate::diag::{Diagnostic, Outside, Sources};
use crate::graph::Address;
use crate::kind::{Applied, ErasedKind, ErasedLive, Identity, Owner, State, Wanted};
use crate::ledger::{Entry, Ledger, is_of_secret};
use crate::schema::{in_order, normalize};
use crate::stack::{Resource, Stack};
use crate::value::Value;
use crate::world::{Instance, World};

/// Which part of the stack a plan is for, and what it is to do beyond what differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection {
    /// Only these addresses, what they need, and what has to let go of them where they go; all
    /// if empty.
    pub targets: Vec<String>,
    /// Not these addresses, nor what needs them or cannot go without them.
    pub exclude: Vec<String>,
    /// Make these anew.
    pub replace: Vec<String>,
    /// Remove everything.
    pub destroy: bool,
    /// Take over resources that exist and are not provably ours.
    pub adopt: bool,
    /// See settings, too, that nobody declared.
    pub deep: bool,
    /// Only tell what someone else changed: see [`Plan::drift`].
    #[serde(skip)]
    pub drift: bool,
    /// Only find what is there, to be recorded: what could not be changed is no problem.
    pub recover: bool,
    /// Only take over what has this id at AWS, under this address: nothing else is decided.
    pub import: Option<(Address, String)>,
    /// Look at no other address that is declared: to what is left out nothing happens.
    #[serde(skip)]
    pub only: Option<BTreeSet<Address>>,
}

impl Selection {
    /// Whether only a part of the stack is applied.
    pub fn is_partial(&self) -> bool {
        !(self.targets.is_empty() && self.exclude.is_empty())
    }
}

/// What a plan is made from.
pub struct Inputs<'w, 'a> {
    /// The stack.
    pub world: &'w World<'a>,
    /// What is owned.
    pub ledger: &'w Ledger,
    /// What AWS answered so far.
    pub answers: &'w Answers,
    /// Which part of it.
    pub selection: &'w Selection,
    /// Against nothing: AWS is not asked, every resource is new.
    pub offline: bool,
}

/// What AWS answered.
#[derive(Default)]
pub struct Answers {
    /// Reads, by kind, region and id.
    pub reads: HashMap<(&'static str, String, String), Result<Option<ErasedLive>, Error>>,
    /// Searches by owner, by address and region: all that were found.
    pub found: HashMap<(Address, String), Result<Vec<String>, Error>>,
    /// Listings, by the address that one of them may be of.
    pub within: HashMap<Address, Result<Vec<String>, Error>>,
    /// What AWS itself says of resources, whatever the stack declares, in canonical form; by kind,
    /// region and id. `None` where it did not say.
    pub bare: HashMap<(&'static str, String, String), Option<Value>>,
}

/// Something to ask AWS.
pub enum Question {
    /// The resource with this id.
    Read {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its region.
        region: String,
        /// Its id, and what of it is needed.
        wanted: Wanted,
        /// The tags that it is to have, where they are known and reading them takes a call
        /// of its own: an index that shows them may save the call.
        tags: Option<Tags>,
    },
    /// The same as AWS itself tells it, whatever the stack declares.
    Bare {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its region.
        region: String,
        /// Its id, and what of it is needed.
        wanted: Wanted,
    },
    /// The ids of the resources that this owner made.
    Find {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its region.
        region: String,
        /// Its address.
        address: Address,
        /// Its spec, as far as it is known.
        spec: Value,
    },
    /// The ids of all that are parts of these.
    Within {
        /// Their kind.
        kind: &'static dyn ErasedKind,
        /// Their region.
        region: String,
        /// The address that one of them may be of.
        address: Address,
        /// Kinds and ids of what they are parts of.
        parents: Vec<(String, String)>,
    },
}

/// The plan, or what must be asked first.
pub enum Outcome {
    /// A plan.
    Plan(Box<Plan>),
    /// Questions to AWS, at least one.
    Ask(Vec<Question>),
}

/// Makes the plan.
///
/// # Errors
/// All problems of the stack and of its resources.
pub fn plan(inputs: &Inputs<'_, '_>) -> Result<Outcome, Vec<Diagnostic>> {
    let mut moves = BTreeMap::new();
    loop {
        let mut planner = Planner::new(inputs, moves.clone());
        planner.visit();
        // What was renamed without a word is seen only when everything has been.
        let renamed = match inputs.selection.import {
            Some(_) => BTreeMap::new(),
            None => planner.renamed(),
        };
        if renamed.is_empty() {
            return planner.conclude();
        }
        moves.extend(renamed);
    }
}

pub(super) struct Planner<'p, 'w, 'a> {
    pub(super) inputs: &'p Inputs<'w, 'a>,
    pub(super) questions: Vec<Question>,
    /// The reads among the questions, by kind, region and id.
    asked: BTreeSet<(&'static str, String, String)>,
    pub(super) problems: Vec<Diagnostic>,
    /// Why nothing can be decided of these; of no concern where they are not selected.
    pub(super) undecided: BTreeMap<Address, Vec<Diagnostic>>,
    pub(super) changes: BTreeMap<Address, Change>,
    /// What is there of addresses that name another resource now.
    pub(super) deposed: Vec<Change>,
    /// What is declared, so far.
    pub(super) declared: BTreeMap<Address, Terms>,
    /// What names whom of that.
    pub(super) names: BTreeMap<Address, Names>,
    /// The address in the ledger of what has another one now.
    pub(super) moves: BTreeMap<Address, Address>,
    /// What the ledger does not tell of, with its id where that follows from its spec.
    pub(super) newcomers: BTreeMap<Address, (Instance<'a>, Option<String>)>,
}

/// What of a declaration counts where its resource is not looked at.
pub(super) struct Terms {
    pub(super) region: String,
    pub(super) protect: bool,
    pub(super) retain: bool,
    pub(super) create_before_destroy: bool,
}

impl Terms {
    pub(super) fn of(instance: &Instance<'_>) -> Self {
        let Instance { region, protect, retain, create_before_destroy, .. } = instance;
        Self {
            region: region.clone(),
            protect: *protect,
            retain: *retain,
            create_before_destroy: *create_before_destroy,
        }
    }
}

impl<'p, 'w, 'a> Planner<'p, 'w, 'a> {
    /// `renamed` tells of moves besides those that the stack's `[[moved]]` do.
    fn new(inputs: &'p Inputs<'w, 'a>, renamed: BTreeMap<Address, Address>) -> Self {
        let mut planner = Self {
            inputs,
            questions: Vec::new(),
            asked: BTreeSet::new(),
            problems: Vec::new(),
            undecided: BTreeMap::new(),
            changes: BTreeMap::new(),
            deposed: Vec::new(),
            declared: BTreeMap::new(),
            names: BTreeMap::new(),
            moves: renamed,
            newcomers: BTreeMap::new(),
        };
        planner.moved();
        planner
    }

    /// Decides all that is declared or owned.
    fn visit(&mut self) {
        let world = self.inputs.world;
        if let Some((address, _)) = &self.inputs.selection.import {
            return self.visit_only(address);
        }
        for resource in world.declarations() {
            for instance in world.instances(resource, &mut self.problems) {
                self.declared.insert(instance.address.clone(), Terms::of(&instance));
                self.names.insert(instance.address.clone(), Names::of(world, &instance));
                match &self.inputs.selection.only {
                    Some(only) if !only.contains(&instance.address) => self.leave(&instance),
                    _ => {
                        let said = self.problems.len();
                        self.instance(&instance);
                        if self.problems.len() > said {
                            let said = self.problems.split_off(said);
                            self.undecided.entry(instance.address.clone()).or_default().extend(said);
                            self.leave(&instance);
                        }
                    }
                }
            }
        }
        self.undeclared();
        self.unfinished();
        self.replaced();
    }

    fn conclude(mut self) -> Result<Outcome, Vec<Diagnostic>> {
        if !self.questions.is_empty() {
            return Ok(Outcome::Ask(self.questions));
        }
        let (world, offline) = (self.inputs.world, self.inputs.offline);
        let Selection { import, destroy, .. } = self.inputs.selection;
        let goes = *destroy && !self.inputs.selection.is_partial();
        let mut outputs = match import {
            Some(_) => BTreeMap::new(),
            None => world.outputs(&mut self.problems),
        };
        // Outputs that depend on a resource that was not looked at are unknown.
        let mut unseen = BTreeSet::new();
        if let Some(only) = &self.inputs.selection.only {
            let seen: BTreeSet<String> = only.iter().map(ToString::to_string).collect();
            let is_unseen = |value: &Value| {
                let mut addresses = BTreeSet::new();
                hindsight::unknowns(value, &mut addresses);
                !addresses.is_subset(&seen)
            };
            let names = outputs.iter().filter(|(_, value)| is_unseen(value)).map(|(name, _)| name.clone());
            unseen.extend(names);
        }
        outputs.retain(|name, _| !unseen.contains(name));
        self.still_there();
        self.doubles();
        connect(&self.names, &mut self.changes);
        self.select();
        if self.inputs.selection.is_partial() && !destroy {
            // What is left out is neither made nor changed, and what depends on it stays as it was.
            let after = world.aside(|| {
                show_unselected(world, self.inputs.ledger, self.changes.values());
                world.each_output()
            });
            unseen.extend(
                after
                    .iter()
                    .filter(|(name, (_, problems))| !(problems.is_empty() && world.is_of_resources(name)))
                    .map(|(name, _)| name.clone()),
            );
            outputs = after.into_iter().map(|(name, (value, _))| (name, value)).collect();
            outputs.retain(|name, _| !unseen.contains(name));
        }
        if !self.inputs.selection.recover && self.inputs.selection.import.is_none() {
            self.protect();
            self.order_replacements();
        }
        if !self.problems.is_empty() {
            crate::diag::unique(&mut self.problems);
            return Err(self.problems);
        }
        let ledger = self.inputs.ledger;
        let mut changes = std::mem::take(&mut self.changes);
        hindsight::keep(world, ledger, |address| self.entry(address), &mut changes);
        let outputs = if goes { BTreeMap::new() } else { outputs };
        let mut outputs_before = hindsight::outputs(world, ledger, &outputs, &changes);
        outputs_before.retain(|name, _| !unseen.contains(name));
        let sensitivity = |(name, print): (&String, &String)| {
            let (was, is) = (is_of_secret(print), outputs.get(name)?.contains_secret());
            (was != is).then(|| (name.clone(), is))
        };
        let outputs_sensitivity = ledger.outputs.iter().filter_map(sensitivity).collect();
        let stack = world.stack;
        Ok(Outcome::Plan(Box::new(Plan {
            stack: stack.name.clone(),
            env: stack.env.clone(),
            account_id: (!offline).then(|| world.facts.scope.account_id.clone()),
            revisions: None,
            region: stack.region.clone(),
            now: world.planned_at.parse().ok(),
            changes: changes.into_values().collect(),
            deposed: self.deposed,
            outputs,
            outputs_before,
            variables: world.variables().clone(),
            outputs_sensitivity,
            asked: Asked {
                destroy: *destroy,
                partial: self.inputs.selection.is_partial(),
                stack_at: heading(stack),
            },
            warnings: Vec::new(),
        })))
    }

    pub(super) fn entry(&self, address: &Address) -> Option<&Entry> {
        let ledger = &self.inputs.ledger.resources;
        ledger.get(self.moves.get(address).unwrap_or(address))
    }

    /// The address that something has now which had this one in the ledger.
    pub(super) fn present<'s>(&'s self, former: &'s Address) -> &'s Address {
        let is_it = |(to, from): &(&Address, &Address)| *from == former && self.declared.contains_key(*to);
        self.moves.iter().find(is_it).map_or(former, |(to, _)| to)
    }

    /// Decides one instance and shows it to those that refer to it.
    pub(super) fn instance(&mut self, instance: &Instance<'a>) {
        let (change, view) = match self.decide(instance) {
            Some(change) => {
                let kept = matches!(change.action, Action::NoOp | Action::Update);
                let live = change.live.as_ref().filter(|_| kept);
                let view = self.inputs.world.view(
                    instance,
                    live.map(|live| &live.attrs),
                    live.map(|live| &live.spec),
                );
                (Some(change), view)
            }
            // Not known yet, or a problem that was said: as if it were new.
            None => (None, self.inputs.world.view(instance, None, None)),
        };
        self.inputs.world.show(&instance.address, view);
        if let Some(change) = change {
            self.changes.insert(instance.address.clone(), change);
        }
    }

    fn decide(&mut self, instance: &Instance<'a>) -> Option<Change> {
        let stack = self.inputs.world.stack;
        let create = |reason| Change {
            action: Action::Create,
            reason,
            attributes: created(instance),
            wanted: instance.spec.clone(),
            wanted_tags: tags(instance, &stack.name, &stack.env),
            ..Change::of(instance, &stack.sources)
        };
        if self.inputs.offline {
            return Some(create(Reason::New));
        }
        let mut entry = self.entry(&instance.address).cloned();
        if let (Some(entry), Some(from)) = (&mut entry, self.moves.get(&instance.address)) {
            // Its fingerprints are of the address that it had.
            entry.fingerprinted_as.get_or_insert_with(|| from.clone());
        }
        let mut region = entry.as_ref().map_or(&instance.region, |entry| &entry.region).clone();
        let import = self.import(&instance.address);
        let mut id = match (&entry, &import) {
            (Some(entry), Some(import)) if entry.id != *import => {
                self.problems.push(super::ownership::imported_before(instance, &entry.id, import));
                return None;
            }
            (Some(entry), _) => entry.id.clone(),
            (None, Some(import)) => import.clone(),
            (None, None) => {
                let identification = self.identify(instance, None);
                let id = match &identification {
                    Identification::Id(id) => Some(id.clone()),
                    _ => None,
                };
                self.newcomers.insert(instance.address.clone(), (instance.clone(), id));
                match identification {
                    Identification::Id(id) => id,
                    Identification::New => return Some(create(Reason::New)),
                    Identification::Pending => return None,
                }
            }
        };
        // What an apply that was cut off made, or may have made.
        let begun = |region: &str, id: &str| self.inputs.ledger.begun(&instance.address, region, id);
        let mut known = entry.clone().or_else(|| begun(&region, &id));
        let mut read = match self.read(instance.kind, &region, &id, Some(instance), known.as_ref()) {
            // What AWS is deleting is gone, but for its name, which apply waits for; one who
            // destroys awaits the end of it.
            Ok(Some(live)) if matches!(live.state, State::Leaving(_)) && !self.inputs.selection.destroy => {
                Ok(None)
            }
            read => read,
        };
        if let (Some(old), Ok(live)) = (&entry, &read) {
            match self.successor(instance, old, live.is_none()) {
                Ok(None) => {}
                Ok(Some((new, born))) => {
                    if let Some(live) = live.clone() {
                        self.depose_ours(&instance.address, instance.kind, old, live);
                    }
                    known = begun(&instance.region, &new);
                    (entry, region, id, read) = (None, instance.region.clone(), new, Ok(Some(born)));
                }
                Err(()) => return None,
            }
        }
        let live = match read {
            Ok(Some(live)) => live,
            Ok(None) if entry.is_some() => {
                let moved_from = self.moves.get(&instance.address).cloned();
                return match self.in_the_way(instance, (&region, &id)) {
                    Ok(None) => Some(Change { moved_from, ..create(Reason::Vanished) }),
                    Ok(Some((new, there))) => {
                        let found = Found { region: &instance.region, id: &new, live: there };
                        Some(Change { moved_from, ..self.compare(instance, None, None, found, true) })
                    }
                    Err(()) => None,
                };
            }
            Ok(None) if import.is_some() => {
                self.problems.push(super::ownership::nothing_to_import(instance, &id));
                return None;
            }
            Ok(None) => return Some(create(Reason::New)),
            Err(Unread::Pending) => return None,
            Err(Unread::Failed(error)) => {
                self.problems.push(
                    read_failed(&instance.address.to_string(), &id, &error)
                        .at(instance.resource.span, "cannot be read"),
                );
                return None;
            }
        };
        let selection = self.inputs.selection;
        let refusal = match &entry {
            None => None,
            Some(entry) => self.refuse(&instance.address, instance.kind, entry, &live).ok()?,
        };
        let foreign = refusal.is_some() || (entry.is_none() && !self.is_ours(instance, &id, &live));
        // Nothing but what is ours is destroyed, and what is not does not stand in the way of that.
        if foreign && entry.is_none() && selection.destroy {
            return Some(create(Reason::New));
        }
        // An import takes what nobody owns; what another stack owns takes --adopt as well.
        let free = entry.is_none() && import.is_some() && Owner::of(&live.tags).is_none();
        if foreign && !free && (!selection.adopt || selection.destroy) {
            let problem = match refusal {
                None => super::ownership::not_ours(instance, &id, &live, stack),
                Some(refusal) => refusal.at(instance.resource.span, "declared here"),
            };
            self.problems.push(problem);
            return None;
        }
        // What AWS gave up on can be removed and made anew, and nothing else.
        let remade = selection.replace.iter().any(|selector| instance.address.is_selected_by(selector));
        if let State::Failed(reason) = &live.state
            && !(selection.recover || selection.destroy || remade)
        {
            self.problems.push(
                Diagnostic::error(
                    "failed-resource",
                    format!("{} cannot be changed: AWS gave up on it", instance.address),
                )
                .at(instance.resource.span, "this resource")
                .note(format!("{id}: {}", Outside::new(reason.as_str())))
                .help(format!(
                    "repair it at AWS, then plan again; or make it anew with --replace {}",
                    instance.address
                )),
            );
            return None;
        }
        let old = live.clone();
        let there = Found { region: &region, id: &id, live };
        let change = self.compare(instance, entry.as_ref(), known.as_ref(), there, foreign);
        if !matches!(change.action, Action::Replace { .. }) || selection.destroy {
            return Some(change);
        }
        match self.in_the_way(instance, (&region, &id)) {
            Ok(None) => Some(change),
            // What has the new name takes the address over, and the old one goes.
            Ok(Some((new, there))) => {
                if let Some(entry) = &entry {
                    if entry.protect || instance.protect {
                        let problem = protected(&change, self.protection(&change.address));
                        self.problems.push(problem);
                        return None;
                    }
                    self.depose(&instance.address, instance.kind, entry, Some(old));
                }
                let found = Found { region: &instance.region, id: &new, live: there };
                Some(Change {
                    moved_from: change.moved_from,
                    ..self.compare(instance, None, None, found, true)
                })
            }
            Err(()) => None,
        }
    }

    /// What is to be done about what is there: `foreign` says that it becomes the stack's by this.
    fn compare(
        &mut self,
        instance: &Instance<'a>,
        entry: Option<&Entry>,
        known: Option<&Entry>,
        found: Found<'_>,
        foreign: bool,
    ) -> Change {
        let Found { region, id, live } = found;
        let stack = self.inputs.world.stack;
        let schema = &instance.kind.schema().spec;
        let found = normalize(schema, live.spec.clone());
        let (want, mut have) =
            complete(instance, found.clone(), &Past::of(instance.kind, known, &live), self.inputs.ledger);
        let staying = taken::staying(instance, &instance.spec, &found, &taken::by_ledger(known));
        if let Some(entry) = entry {
            mark(&instance.address, entry, &mut have, &want, schema, self.inputs.ledger);
        }
        let mut attributes = in_order_of(schema, &instance.written, diff(schema, &have, &want));
        attributes.extend(staying);
        attributes.extend(tag_changes(instance, &live, entry, self.inputs.ledger, stack));
        let sides = Sides { region, id, live: &live, found: &found, want: &want };
        self.blame(instance, entry, &sides, &mut attributes);
        let forced: Vec<_> =
            attributes.iter().filter(|one| one.forces_replacement).map(|one| one.path.clone()).collect();
        let replace = Action::Replace { create_first: instance.create_before_destroy };
        let selected =
            |selectors: &[String]| selectors.iter().any(|selector| instance.address.is_selected_by(selector));
        let (action, reason) = if region != instance.region {
            (replace, Reason::Moved { from: region.to_owned() })
        } else if !forced.is_empty() {
            (replace, Reason::Forced(forced))
        } else if selected(&self.inputs.selection.replace) {
            (replace, Reason::Requested)
        } else if let Some(trigger) = trigger(instance, &self.changes) {
            (replace, Reason::Triggered(trigger))
        } else if attributes.is_empty() {
            (Action::NoOp, Reason::Same)
        } else {
            (Action::Update, Reason::Differs)
        };
        // What is made anew is made without it.
        attributes.retain(|one| !one.stays || action == Action::Update);
        Change {
            action,
            reason,
            id: Some(id.to_owned()),
            attributes,
            live: Some(live),
            existing: have,
            wanted: want,
            wanted_tags: tags(instance, &stack.name, &stack.env),
            moved_from: self.moves.get(&instance.address).cloned(),
            imported: foreign,
            ..Change::of(instance, &stack.sources)
        }
    }

    /// The id of a resource that the ledger does not tell of, or tells of as `old`.
    pub(super) fn identify(&mut self, instance: &Instance<'_>, old: Option<&Entry>) -> Identification {
        let scope =
            crate::aws::Scope { region: instance.region.clone(), ..self.inputs.world.facts.scope.clone() };
        match instance.kind.identity(crate::kind::Known(&instance.spec), &scope) {
            Identity::Named(id) => Identification::Id(id),
            Identity::Unknown => Identification::New,
            Identity::Assigned => match self.found(&instance.address, &instance.region) {
                Some(Ok(ids)) => {
                    let new = self.unknown(ids, &instance.region, &instance.address, old);
                    new.map_or(Identification::New, Identification::Id)
                }
                Some(Err(error)) => {
                    self.problems.push(
                        read_failed(&instance.address.to_string(), "", error)
                            .at(instance.resource.span, "cannot be looked for"),
                    );
                    Identification::Pending
                }
                None => {
                    let (address, region) = (instance.address.clone(), instance.region.clone());
                    self.look_for(instance.kind, region, address, instance.spec.clone());
                    Identification::Pending
                }
            },
        }
    }

    /// What bears an address in a region, where that was looked for.
    pub(super) fn found(&self, address: &Address, region: &str) -> Option<&'p Result<Vec<String>, Error>> {
        self.inputs.answers.found.get(&(address.clone(), region.to_owned()))
    }

    /// Asks what bears an address in a region.
    pub(super) fn look_for(
        &mut self,
        kind: &'static dyn ErasedKind,
        region: String,
        address: Address,
        spec: Value,
    ) {
        let is_asked = |question: &Question| match question {
            Question::Find { address: of, region: within, .. } => *of == address && *within == region,
            _ => false,
        };
        if !self.questions.iter().any(is_asked) {
            self.questions.push(Question::Find { kind, region, address, spec });
        }
    }

    /// What is at AWS of this id: as much of it as is declared or, by `entry`, was applied;
    /// everything where it is to go, since it goes with everything.
    pub(super) fn read(
        &mut self,
        kind: &'static dyn ErasedKind,
        region: &str,
        id: &str,
        instance: Option<&Instance<'_>>,
        entry: Option<&Entry>,
    ) -> Result<Option<ErasedLive>, Unread> {
        let key = (kind.name(), region.to_owned(), id.to_owned());
        match self.inputs.answers.reads.get(&key) {
            Some(Ok(live)) => Ok(live.clone()),
            Some(Err(error)) => Err(Unread::Failed(error.clone())),
            None => {
                // What is in a circle of references is come by twice.
                if self.asked.insert(key) {
                    let deep = self.inputs.selection.deep || instance.is_none();
                    self.questions.push(Question::Read {
                        kind,
                        region: region.to_owned(),
                        wanted: Wanted {
                            applied: self.applied(instance, entry),
                            ..wanted(id, instance, entry, deep)
                        },
                        tags: instance.and_then(|instance| self.known_tags(instance, id)),
                    });
                }
                Err(Unread::Pending)
            }
        }
    }

    /// The tags that a resource is to have, if an index may vouch for them: of what the
    /// ledger tells of, since elsewhere the tags decide whose it is.
    fn known_tags(&self, instance: &Instance<'_>, id: &str) -> Option<Tags> {
        self.entry(&instance.address).filter(|entry| entry.id == id && instance.kind.tags_apart())?;
        let stack = self.inputs.world.stack;
        tags(instance, &stack.name, &stack.env)
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                _ => None,
            })
            .collect()
    }

    /// What of a resource is declared as it was applied, where AWS has a name for its state.
    fn applied(&self, instance: Option<&Instance<'_>>, entry: Option<&Entry>) -> Option<Applied> {
        let (instance, entry) = instance.zip(entry)?;
        let stamp = entry.stamp.clone()?;
        let now = prints(instance, &Value::Null, self.inputs.ledger);
        let same = now.into_iter().filter(|(path, print)| entry.fingerprints.get(path) == Some(print));
        let decided =
            instance.kind.schema().attrs.fields().into_iter().flatten().map(|(name, _)| name.clone());
        Some(Applied { stamp, attributes: same.map(|(path, _)| path).chain(decided).collect() })
    }

    /// Whether a live resource that the ledger does not tell of is provably ours: its
    /// owner tags say so, or, where AWS cannot tag, an unfinished apply set out to make it.
    pub(super) fn is_ours(&self, instance: &Instance<'_>, id: &str, live: &ErasedLive) -> bool {
        if instance.kind.taggable() {
            // A name that has another address since an apply was cut off.
            let former = self.intended(&instance.address.kind, &instance.region, id);
            return Owner::of(&live.tags).is_some_and(|owner| {
                owner == self.owner(&instance.address)
                    || former.is_some_and(|former| owner == self.owner(former))
            });
        }
        let begun = self.inputs.ledger.begun(&instance.address, &instance.region, id);
        begun.is_some() || self.was_intended(instance, id, live)
    }

    pub(super) fn owner(&self, address: &Address) -> Owner {
        let stack = self.inputs.world.stack;
        Owner::new(&stack.name, &stack.env, address)
    }
}

/// What changes and thereby has the instance made anew: what its lifecycle names, or is replaced
/// and has it as a part.
pub(super) fn trigger(instance: &Instance<'_>, changes: &BTreeMap<Address, Change>) -> Option<Address> {
    let triggers = &instance.resource.lifecycle.replace_triggered_by;
    let part = instance.kind.part_of();
    let has_part = |change: &Change| {
        let whole = |attribute| instance.spec.get(attribute).and_then(Value::as_str);
        let is_whole =
            |attribute| whole(attribute).zip(change.id.as_deref()).is_none_or(|(own, id)| own == id);
        instance.needs.contains(&change.address)
            && part.is_some_and(|(kind, attribute)| change.address.kind == kind && is_whole(attribute))
    };
    let is_named = |change: &Change| triggers.iter().any(|trigger| change.address.is_selected_by(trigger));
    let found = changes.values().find(|change| match change.action {
        Action::Replace { .. } => is_named(change) || has_part(change),
        Action::Update => is_named(change),
        _ => false,
    });
    found.map(|change| change.address.clone())
}

impl Change {
    /// Nothing, as long as nothing else is said, to an instance of which nothing else is known.
    pub(super) fn of(instance: &Instance<'_>, sources: &Sources) -> Self {
        Self {
            address: instance.address.clone(),
            action: Action::NoOp,
            reason: Reason::Unselected,
            id: None,
            region: instance.region.clone(),
            needs: instance.needs.clone(),
            deferred: BTreeMap::new(),
            releases: Vec::new(),
            moved_from: None,
            imported: false,
            attributes: Vec::new(),
            live: None,
            existing: Value::Null,
            wanted: Value::Null,
            kept: None,
            wanted_tags: BTreeMap::new(),
            declared: Some(declaration(instance.resource, sources)),
            parting: None,
            veiled_risks: None,
        }
    }
}

/// Where a stack's `[stack]` stands.
pub(super) fn heading(stack: &Stack) -> Declared {
    Declared {
        file: stack.sources.path(stack.span.file).to_owned(),
        line: stack.sources.line(stack.span),
        attributes: BTreeMap::new(),
    }
}

/// Where a resource is declared.
pub(super) fn declaration(resource: &Resource, sources: &Sources) -> Declared {
    let written = resource.body.entries().iter();
    let mut attributes: BTreeMap<String, usize> =
        written.map(|entry| (entry.name.clone(), sources.line(entry.span))).collect();
    if let Some(tags) = &resource.tags {
        attributes.insert("tags".to_owned(), sources.line(tags.span));
    }
    if let Some(for_each) = &resource.for_each {
        attributes.insert(Declared::FOR_EACH.to_owned(), sources.line(for_each.span));
    }
    Declared {
        file: sources.path(resource.span.file).to_owned(),
        line: sources.line(resource.span),
        attributes,
    }
}

/// What was found of a resource.
struct Found<'f> {
    region: &'f str,
    id: &'f str,
    live: ErasedLive,
}

pub(super) enum Identification {
    Id(String),
    New,
    Pending,
}

pub(super) enum Unread {
    Pending,
    Failed(Error),
}

/// A new resource's attributes, as changes from nothing.
pub(super) fn created(instance: &Instance<'_>) -> Vec<AttributeChange> {
    let schema = &instance.kind.schema().spec;
    let mut changes = diff(schema, &Value::Null, &in_order(schema, instance.spec.clone(), &instance.written));
    for change in &mut changes {
        (change.forces_replacement, change.data_loss, change.downtime) = (false, false, false);
    }
    changes.extend(instance.tags.iter().map(|(name, value)| tag_change(name, None, Some(value))));
    changes
}

/// The error of a resource that cannot be read; `id` may be empty.
pub fn read_failed(address: &str, id: &str, error: &Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("read-failed", format!("cannot read {address}"))
        .note(format!("AWS answered: {error}"));
    if !id.is_empty() {
        diagnostic = diagnostic.note(format!("its id is {id}"));
    }
    if let Some(request) = &error.request_id {
        diagnostic = diagnostic.note(format!("request id {request}"));
    }
    match error.advice("try again") {
        Some(advice) => diagnostic.help(advice),
        None => diagnostic,
    }
}
