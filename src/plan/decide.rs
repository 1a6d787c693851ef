//! Decides the plan from desired and live state. Pure: where it needs more from AWS, it returns
//! questions, and is called again with the answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::applied::{complete, mark};
use super::blame::Sides;
use super::connect::{Names, connect};
use super::diff::in_order_of;
use super::holds::dangling;
use super::output_state::show_unselected;
use super::ownership::not_ours;
use super::protect::protected;
use super::survey::{Found, Origin, Stop, Survey};
use super::tags::{tag_change, tag_changes, tags};
use super::taken;
use super::{Action, Asked, AttributeChange, Change, Declared, Past, Plan, Reason, diff};
use super::{unreplaced, within};
use crate::aws::{Error, Tags};
use crate::diag::{Diagnostic, Outside, Sources, counted};
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner, ReadRequest, State};
use crate::ledger::{Entry, Ledger, is_of_secret};
use crate::schema::{in_order, normalize};
use crate::stack::{Resource, Stack};
use crate::value::Value;

/// The part of the stack that a plan covers, and what it does beyond resolving differences.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection {
    /// Covers only these addresses, their dependencies and, where they are destroyed, their
    /// dependents; everything if empty.
    pub targets: Vec<String>,
    /// Leaves out these addresses, their dependents, and whatever cannot be deleted without them.
    pub exclude: Vec<String>,
    /// Replaces these resources.
    pub replace: Vec<String>,
    /// Destroys everything selected.
    pub destroy: bool,
    /// Takes over existing resources that are not provably the stack's.
    pub adopt: bool,
    /// Also compares settings that the stack does not declare.
    pub deep: bool,
    /// Reports only what someone else changed: see [`Plan::drift`].
    #[serde(skip)]
    pub drift: bool,
    /// Only finds existing resources, to record them. A change that would be impossible is no
    /// problem.
    pub recover: bool,
    /// Only takes over the AWS resource with this id, under this address. Nothing else is decided.
    pub import: Option<(Address, String)>,
    /// Reads no other declared address; the others do not change.
    #[serde(skip)]
    pub only: Option<BTreeSet<Address>>,
}

impl Selection {
    /// Returns whether it covers only a part of the stack.
    pub fn is_partial(&self) -> bool {
        !(self.targets.is_empty() && self.exclude.is_empty())
    }
}

/// The inputs of a plan.
pub struct Inputs<'w, 'a> {
    /// The evaluated stack.
    pub eval: &'w EvalContext<'a>,
    /// The owned resources.
    pub ledger: &'w Ledger,
    /// The answers of AWS so far.
    pub answers: &'w Answers,
    /// The part of the stack to plan.
    pub selection: &'w Selection,
    /// Plans against nothing: AWS is not asked, and every resource is new.
    pub offline: bool,
}

/// The answers of AWS.
#[derive(Default)]
pub struct Answers {
    /// Reads, by kind, region and id.
    pub reads: HashMap<(&'static str, String, String), Result<Option<ErasedLive>, Error>>,
    /// Searches by owner, by address and region: the ids of all that were found.
    pub found: HashMap<(Address, String), Result<Vec<String>, Error>>,
    /// Listings of child resources, by the address that one of them may belong to.
    pub within: HashMap<Address, Result<Vec<String>, Error>>,
}

/// A question to AWS.
pub enum Question {
    /// Reads the resource with this id.
    Read {
        /// Its kind.
        kind: &'static dyn ErasedKind,
        /// Its region.
        region: String,
        /// Its id, and the attributes that are needed.
        request: ReadRequest,
        /// The desired tags, if they are known and reading tags takes a separate call: an index
        /// that already shows them may save that call.
        tags: Option<Tags>,
    },
    /// Finds the ids of the resources that this owner created.
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
    /// Lists the ids of all children of these parents.
    Within {
        /// Their kind.
        kind: &'static dyn ErasedKind,
        /// Their region.
        region: String,
        /// The address that one of them may belong to.
        address: Address,
        /// The kinds and ids of the parents.
        parents: Vec<(String, String)>,
    },
}

/// The plan, or the questions to ask first.
pub enum Outcome {
    /// The finished plan.
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
        // Renames without a `[[moved]]` can only be detected once every resource has been visited.
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
    /// The reads that are already among the questions, by kind, region and id.
    pub(super) asked: BTreeSet<(&'static str, String, String)>,
    pub(super) problems: Vec<Diagnostic>,
    /// Why no decision is possible for these. It matters only if they are selected.
    pub(super) undecided: BTreeMap<Address, Vec<Diagnostic>>,
    pub(super) changes: BTreeMap<Address, Change>,
    /// Existing resources whose address now stands for another resource.
    pub(super) deposed: Vec<Change>,
    /// The declared resources visited so far.
    pub(super) declared: BTreeMap<Address, DeclaredSettings>,
    /// The references between them.
    pub(super) names: BTreeMap<Address, Names>,
    /// The ledger's address of each resource that has a new one.
    pub(super) moves: BTreeMap<Address, Address>,
    /// Resources that the ledger does not record, with their id if it follows from the spec.
    pub(super) newcomers: BTreeMap<Address, (Instance<'a>, Option<String>)>,
}

/// The settings of a declaration that count even if its resource is not read.
pub(super) struct DeclaredSettings {
    pub(super) region: String,
    pub(super) protect: bool,
    pub(super) retain: bool,
    pub(super) create_before_destroy: bool,
}

impl DeclaredSettings {
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
    /// `renamed` are moves in addition to the stack's `[[moved]]`.
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

    /// Decides every declared or owned resource.
    fn visit(&mut self) {
        let eval = self.inputs.eval;
        if let Some((address, _)) = &self.inputs.selection.import {
            return self.visit_only(address);
        }
        for resource in eval.declarations() {
            for instance in eval.instances(resource, &mut self.problems) {
                self.declared.insert(instance.address.clone(), DeclaredSettings::of(&instance));
                self.names.insert(instance.address.clone(), Names::of(eval, &instance));
                match &self.inputs.selection.only {
                    Some(only) if !only.contains(&instance.address) => self.leave(&instance),
                    _ => self.instance(&instance),
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
        let (eval, offline) = (self.inputs.eval, self.inputs.offline);
        let Selection { import, destroy, .. } = self.inputs.selection;
        let goes = *destroy && !self.inputs.selection.is_partial();
        let mut outputs = match import {
            Some(_) => BTreeMap::new(),
            None => eval.outputs(&mut self.problems),
        };
        // Outputs that depend on a skipped resource are unknown.
        let mut unseen = BTreeSet::new();
        if let Some(only) = &self.inputs.selection.only {
            let seen: BTreeSet<String> = only.iter().map(ToString::to_string).collect();
            let is_unseen = |value: &Value| {
                let mut addresses = BTreeSet::new();
                unreplaced::unknowns(value, &mut addresses);
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
            // Excluded resources are not created or changed, so whatever depends on them keeps its
            // value.
            let after = eval.aside(|| {
                show_unselected(eval, self.inputs.ledger, self.changes.values());
                eval.each_output()
            });
            unseen.extend(
                after
                    .iter()
                    .filter(|(name, (_, problems))| !(problems.is_empty() && eval.is_of_resources(name)))
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
        unreplaced::fill_in(eval, ledger, |address| self.entry(address), &mut changes);
        let outputs = if goes { BTreeMap::new() } else { outputs };
        let mut outputs_before = unreplaced::outputs(eval, ledger, &outputs, &changes);
        outputs_before.retain(|name, _| !unseen.contains(name));
        let sensitivity = |(name, print): (&String, &String)| {
            let (was, is) = (is_of_secret(print), outputs.get(name)?.contains_secret());
            (was != is).then(|| (name.clone(), is))
        };
        let outputs_sensitivity = ledger.outputs.iter().filter_map(sensitivity).collect();
        let stack = eval.stack;
        let mut warnings: Vec<Diagnostic> = changes.values().filter_map(busy).collect();
        warnings.extend(emigration(stack, changes.values()));
        warnings.extend(dangling(&changes));
        Ok(Outcome::Plan(Box::new(Plan {
            stack: stack.name.clone(),
            env: stack.env.clone(),
            account_id: (!offline).then(|| eval.facts.scope.account_id.clone()),
            revisions: None,
            region: stack.region.clone(),
            now: eval.planned_at.parse().ok(),
            changes: changes.into_values().collect(),
            deposed: self.deposed,
            outputs,
            outputs_before,
            variables: eval.variables().clone(),
            outputs_sensitivity,
            asked: Asked {
                destroy: *destroy,
                partial: self.inputs.selection.is_partial(),
                stack_at: heading(stack),
            },
            warnings,
        })))
    }

    pub(super) fn entry(&self, address: &Address) -> Option<&Entry> {
        let ledger = &self.inputs.ledger.resources;
        ledger.get(self.moves.get(address).unwrap_or(address))
    }

    /// Returns the current address of a resource that had the address `former` in the ledger.
    pub(super) fn present<'s>(&'s self, former: &'s Address) -> &'s Address {
        let is_it = |(to, from): &(&Address, &Address)| *from == former && self.declared.contains_key(*to);
        self.moves.iter().find(is_it).map_or(former, |(to, _)| to)
    }

    /// Decides one instance, and makes the result visible to those that refer to it.
    pub(super) fn instance(&mut self, instance: &Instance<'a>) {
        match self.decide(instance) {
            Ok(change) => {
                let kept = matches!(change.action, Action::NoOp | Action::Update);
                let live = change.live.as_ref().filter(|_| kept);
                let (attrs, spec) = (live.map(|live| &live.attrs), live.map(|live| &live.spec));
                let mut view = self.inputs.eval.view(instance, attrs, spec);
                if change.action == Action::Update {
                    self.inputs.eval.foresee_nulls(instance, &mut view);
                }
                self.inputs.eval.show(&instance.address, view);
                self.changes.insert(instance.address.clone(), change);
            }
            // Until AWS has answered, it counts as new.
            Err(Stop::Ask) => {
                let view = self.inputs.eval.view(instance, None, None);
                self.inputs.eval.show(&instance.address, view);
            }
            Err(Stop::Refused(problems)) => {
                self.undecided.entry(instance.address.clone()).or_default().extend(problems);
                self.leave(instance);
            }
        }
    }

    fn decide(&mut self, instance: &Instance<'a>) -> Result<Change, Stop> {
        if self.inputs.offline {
            return Ok(self.create(instance, Reason::New));
        }
        let found = match self.survey(instance)? {
            Survey::New => return Ok(self.create(instance, Reason::New)),
            Survey::Vanished { region, id } => {
                let moved_from = self.moves.get(&instance.address).cloned();
                return Ok(match self.in_the_way(instance, (&region, &id))? {
                    Some(found) => self.compare(instance, found),
                    None => Change { moved_from, ..self.create(instance, Reason::Vanished) },
                });
            }
            Survey::There(found) => *found,
        };
        let selection = self.inputs.selection;
        // Only the stack's own resources are destroyed; someone else's does not block that.
        if matches!(found.origin, Origin::Import | Origin::Foreign) && selection.destroy {
            return Ok(self.create(instance, Reason::New));
        }
        self.may_have(instance, &found)?;
        let (region, id) = (found.region.clone(), found.id.clone());
        let (entry, old) = (found.origin.entry().cloned(), found.live.clone());
        let change = self.compare(instance, found);
        if !matches!(change.action, Action::Replace { .. }) || selection.destroy {
            return Ok(change);
        }
        let Some(new) = self.in_the_way(instance, (&region, &id))? else { return Ok(change) };
        // The resource with the new name takes over the address, and the old one is deposed.
        if let Some(entry) = entry {
            if entry.protect || instance.protect {
                return Err(protected(&change, self.protection(&change.address)).into());
            }
            self.depose(&instance.address, instance.kind, &entry, Some(old));
        }
        Ok(self.compare(instance, new))
    }

    /// Returns the change that creates an instance.
    fn create(&self, instance: &Instance<'_>, reason: Reason) -> Change {
        let stack = self.inputs.eval.stack;
        Change {
            action: Action::Create,
            reason,
            attributes: created(instance),
            desired: instance.spec.clone(),
            desired_tags: tags(instance, &stack.name, &stack.env),
            ..Change::of(instance, &stack.sources)
        }
    }

    /// Refuses resources that are not the stack's and may not become it, and failed ones.
    fn may_have(&self, instance: &Instance<'_>, found: &Found) -> Result<(), Stop> {
        let selection = self.inputs.selection;
        let stack = self.inputs.eval.stack;
        let Found { origin, id, live, .. } = found;
        let adopts = selection.adopt && !selection.destroy;
        match origin {
            Origin::Ledger(_) | Origin::Intent(_) | Origin::Tags => {}
            // An import takes a resource without an owner. Another stack's resource also needs
            // --adopt.
            Origin::Import if Owner::of(&live.tags).is_none() => {}
            Origin::Import | Origin::Foreign | Origin::Taken(..) if adopts => {}
            Origin::Import | Origin::Foreign => return Err(not_ours(instance, id, live, stack).into()),
            Origin::Taken(_, refusal) => {
                return Err(refusal.clone().at(instance.resource.span, "declared here").into());
            }
        }
        // A failed resource can only be deleted or replaced.
        let remade = selection.replace.iter().any(|selector| instance.address.is_selected_by(selector));
        match &live.state {
            State::Failed(reason) if !(selection.recover || selection.destroy || remade) => {
                let what = format!("{} cannot be changed: AWS gave up on it", instance.address);
                Err(Diagnostic::error("failed-resource", what)
                    .at(instance.resource.span, "this resource")
                    .note(format!("{id}: {}", Outside::new(reason.as_str())))
                    .help(format!(
                        "repair it at AWS, then plan again; or make it anew with --replace {}",
                        instance.address
                    ))
                    .into())
            }
            _ => Ok(()),
        }
    }

    /// Decides what to do about an existing resource.
    fn compare(&mut self, instance: &Instance<'a>, there: Found) -> Change {
        let Found { origin, region, id, live } = there;
        let (entry, applied) = (origin.entry(), origin.applied());
        let stack = self.inputs.eval.stack;
        let schema = &instance.kind.schema().spec;
        let found = normalize(schema, live.spec.clone());
        let past = Past::of(instance.kind, applied, &live);
        let (want, mut have) = complete(instance, found.clone(), &past, self.inputs.ledger);
        let staying = taken::staying(instance, &instance.spec, &found, &taken::by_ledger(applied));
        if let Some(entry) = entry {
            mark(&instance.address, entry, &mut have, &want, schema, self.inputs.ledger);
        }
        let mut attributes = in_order_of(schema, &instance.written, diff(schema, &have, &want));
        attributes.extend(staying);
        attributes.extend(tag_changes(instance, &live, entry, self.inputs.ledger, stack));
        let sides = Sides { live: &live, found: &found, want: &want };
        self.blame(instance, entry, &sides, &mut attributes);
        within::force_replacement(instance, &have, &want, &self.changes, &mut attributes);
        let forced: Vec<_> =
            attributes.iter().filter(|one| one.forces_replacement).map(|one| one.path.clone()).collect();
        let replace = Action::Replace { create_first: instance.create_before_destroy };
        let selected =
            |selectors: &[String]| selectors.iter().any(|selector| instance.address.is_selected_by(selector));
        let (action, reason) = if region != instance.region {
            (replace, Reason::Moved { from: region })
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
        // A setting that only stays on the existing resource is not part of its replacement.
        attributes.retain(|one| !one.stays || action == Action::Update);
        Change {
            action,
            reason,
            id: Some(id),
            attributes,
            live: Some(live),
            existing: have,
            desired: want,
            desired_tags: tags(instance, &stack.name, &stack.env),
            moved_from: self.moves.get(&instance.address).cloned(),
            imported: origin.is_taken_over(),
            ..Change::of(instance, &stack.sources)
        }
    }
}

/// A warning if the stack's region changed: everything it has is replaced by new resources there.
fn emigration<'c>(stack: &Stack, changes: impl Iterator<Item = &'c Change>) -> Option<Diagnostic> {
    let left: Vec<&String> = changes
        .filter(|change| change.region == stack.region)
        .filter_map(|change| match &change.reason {
            Reason::Moved { from } => Some(from),
            _ => None,
        })
        .collect();
    let from = left.first()?;
    let count = counted(left.iter().filter(|one| one == &from).count(), "resource");
    let verb = if left.len() == 1 { "is" } else { "are" };
    let what = format!(
        "{count} of {}/{} {verb} in {from}, and the stack is in {}",
        stack.name, stack.env, stack.region
    );
    Some(
        Diagnostic::warning("region", what)
            .note(format!("an apply makes new ones in {}, and destroys those in {from}", stack.region))
            .help(format!(
                "if that is not meant, write region = \"{from}\" in [stack], or in [stack] of env/{}.toml",
                stack.env
            )),
    )
}

/// Returns the address whose change forces a replacement of the instance: one that its lifecycle
/// names, or its parent that is itself replaced.
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
    /// Returns a change of an instance without any effect yet.
    pub(super) fn of(instance: &Instance<'_>, sources: &Sources) -> Self {
        Self {
            needs: instance.needs.clone(),
            declared: Some(declaration(instance.resource, sources)),
            ..Self::none(instance.address.clone(), instance.region.clone())
        }
    }
}

/// The location of the `[stack]` block.
pub(super) fn heading(stack: &Stack) -> Declared {
    Declared {
        file: stack.sources.path(stack.span.file).to_owned(),
        line: stack.sources.line(stack.span),
        attributes: BTreeMap::new(),
    }
}

/// The location of a resource's declaration.
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

/// The error for a resource that cannot be read; `id` may be empty.
pub fn read_failed(address: &str, id: &str, error: &Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("read-failed", format!("cannot read {address}"))
        .note(format!("AWS answered: {error}"));
    if !id.is_empty() {
        diagnostic = diagnostic.note(format!("its id is {id}"));
    }
    let diagnostic = diagnostic.request(error.request_id.as_deref());
    match error.advice("try again") {
        Some(advice) => diagnostic.help(advice),
        None => diagnostic,
    }
}

/// A warning if the resource matches its declaration while AWS is still working on it: an apply has
/// nothing to change there.
fn busy(change: &Change) -> Option<Diagnostic> {
    let State::Busy(state) = &change.live.as_ref()?.state else { return None };
    let words = format!("{} is as declared, and AWS is still at work on it: {state}", change.address);
    (change.action == Action::NoOp).then(|| Diagnostic::warning("busy", words))
}
