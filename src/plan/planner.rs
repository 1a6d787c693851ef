//! Makes a plan in three stages: the survey finds out what is there, decisions turn each finding into
//! a change, and the changes are arranged. Pure: where the survey needs more from AWS, the plan is
//! its questions, and it is made again with the answers.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::Addresses;
use super::arrange::{Arranged, arrange};
use super::calls::calls;
use super::conditions::Conditions;
use super::connect::Names;
use super::data::Seen;
use super::decide::{Case, create, decide, remove};
use super::declared::{heading, stays};
use super::draft::Draft;
use super::inputs::Stop;
use super::notices::{busy, moved_region};
use super::output_state::show_unselected;
use super::protect::protected;
use super::renames::renamed;
use super::select::spread;
use super::settle::dangling;
use super::survey::{Finding, Surveyor};
use super::unreplaced;
use super::{Action, Asked, Change, DataRead, DataState, Inputs, Origin, Outcome, Plan, Reason};
use crate::diag::Diagnostic;
use crate::eval::{Instance, KnownName};
use crate::graph::Address;
use crate::kinds;
use crate::ledger::is_of_secret;
use crate::stack::still_declared;
use crate::value::Value;

/// Makes the plan.
///
/// # Errors
/// All problems of the stack and of its resources.
pub fn plan(inputs: &Inputs<'_, '_>) -> Result<Outcome, Vec<Diagnostic>> {
    let mut moves = BTreeMap::new();
    loop {
        let mut planner = Planner::new(inputs, moves.clone());
        match &inputs.selection.import {
            Some((address, _)) => {
                planner.visit_only(address);
                return planner.conclude();
            }
            None => planner.visit(),
        }
        // Renames without a `[[moved]]` can only be detected once every resource has been visited.
        let renamed = renamed(&planner.surveyor, &planner.draft);
        if renamed.is_empty() {
            return planner.conclude();
        }
        moves.extend(renamed);
    }
}

/// The stages of one plan: it surveys and decides one resource after the other, since the
/// declaration of one refers to what AWS has of others.
struct Planner<'p, 'w, 'a> {
    inputs: &'p Inputs<'w, 'a>,
    surveyor: Surveyor<'p, 'w, 'a>,
    draft: Draft,
    /// The references between declared resources.
    names: BTreeMap<Address, Names>,
    conditions: Conditions,
    /// The data, as far as it is seen.
    data: BTreeMap<Address, DataRead>,
    /// Problems of the whole plan, whatever is selected.
    problems: Vec<Diagnostic>,
}

impl<'p, 'w, 'a> Planner<'p, 'w, 'a> {
    /// `renamed` are moves in addition to the stack's `[[moved]]`.
    fn new(inputs: &'p Inputs<'w, 'a>, renamed: BTreeMap<Address, Address>) -> Self {
        let (addresses, problems) = Addresses::new(inputs.ledger, inputs.eval.stack, renamed);
        let mut names = addresses.names();
        let import = inputs.selection.import.clone();
        names.extend(import.map(|(address, id)| (address, KnownName { id, prefix: None })));
        inputs.eval.remember_names(names);
        let surveyor = Surveyor::new(inputs, addresses);
        let (draft, conditions) = (Draft::default(), Conditions::default());
        let (names, data) = (BTreeMap::new(), BTreeMap::new());
        Self { inputs, surveyor, draft, names, conditions, data, problems }
    }

    /// Decides every declared or owned resource.
    fn visit(&mut self) {
        let eval = self.inputs.eval;
        for declaration in eval.declarations() {
            for instance in eval.instances(declaration, &mut self.problems) {
                if instance.resource.is_data {
                    self.data(&instance);
                    continue;
                }
                self.surveyor.addresses.declare(&instance);
                self.names.insert(instance.address.clone(), Names::of(eval, &instance));
                match &self.inputs.selection.only {
                    Some(only) if !only.contains(&instance.address) => self.leave(&instance),
                    _ => self.instance(&instance),
                }
            }
        }
        eval.check_modules(&mut self.problems);
        if !self.inputs.offline {
            self.undeclared();
            self.intended();
            self.deposed();
        }
    }

    /// Decides one resource alone. Its dependencies are read as far as they exist, because its
    /// declaration refers to them; problems with them are not reported here.
    fn visit_only(&mut self, only: &Address) {
        let eval = self.inputs.eval;
        let (mut needs, mut data) = (BTreeMap::new(), BTreeMap::new());
        for declaration in eval.declarations() {
            for instance in eval.instances(declaration, &mut Vec::new()) {
                needs.insert(instance.address.clone(), instance.needs.clone());
                data.insert(instance.address.clone(), instance.data.clone());
            }
        }
        let mut chosen = BTreeSet::from([only.clone()]);
        spread(&mut chosen, &needs, false);
        let read: BTreeSet<Address> =
            chosen.iter().filter_map(|address| data.get(address)).flatten().cloned().collect();
        for declaration in eval.declarations() {
            for instance in eval.instances(declaration, &mut Vec::new()) {
                if read.contains(&instance.address) {
                    self.data(&instance);
                }
                if chosen.contains(&instance.address) && !instance.resource.is_data {
                    self.surveyor.addresses.declare(&instance);
                    self.instance(&instance);
                }
            }
        }
        self.draft.changes.retain(|address, _| address == only);
        self.draft.undecided.retain(|address, _| address == only);
    }

    /// Decides one instance, and makes the result visible to those that refer to it.
    fn instance(&mut self, instance: &Instance<'a>) {
        let eval = self.inputs.eval;
        let permitted = self.conditions.before(self.inputs, instance).map_err(Stop::Refused);
        match permitted.and_then(|()| self.resource(instance)) {
            // Both exist for a while, so the new one needs another name.
            Ok(change)
                if change.action == (Action::Replace { create_first: true })
                    && instance.resource.name_prefix.is_some()
                    && eval.renew_name(&instance.address) =>
            {
                let mut renewed = instance.clone();
                let mut problems = Vec::new();
                if eval.evaluate(&mut renewed, &mut problems) {
                    self.instance(&renewed);
                    if let Some(again) = self.draft.changes.get_mut(&instance.address) {
                        again.keep_cause(&change);
                    }
                } else {
                    self.draft.refuse(&instance.address, problems);
                }
            }
            Ok(change) => {
                let kept = matches!(change.action, Action::NoOp | Action::Update);
                let live = change.live.as_ref().filter(|_| kept);
                let (attrs, spec) = (live.map(|live| &live.attrs), live.map(|live| &live.spec));
                let mut view = eval.view(instance, attrs, spec);
                if change.action == Action::Update {
                    eval.foresee_nulls(instance, &mut view);
                }
                let met = self.conditions.after(self.inputs, instance, &change, &view);
                self.draft.refuse(&instance.address, met.err().into_iter().flatten());
                eval.show(&instance.address, view);
                self.draft.changes.insert(instance.address.clone(), change);
            }
            // Until AWS has answered, it counts as new.
            Err(Stop::Ask) => eval.show(&instance.address, eval.view(instance, None, None)),
            Err(Stop::Refused(problems)) => {
                self.draft.refuse(&instance.address, problems);
                self.leave(instance);
            }
        }
    }

    /// Finds data, and makes it visible to what refers to it.
    fn data(&mut self, instance: &Instance<'a>) {
        let Inputs { eval, selection, offline, .. } = *self.inputs;
        if offline {
            return eval.show_data(instance, None);
        }
        let permitted = self.conditions.before(self.inputs, instance).map_err(Stop::Refused);
        let seen = permitted.and_then(|()| self.surveyor.data(instance, &self.draft.changes));
        let address = &instance.address;
        eval.read_later(address, matches!(seen, Ok(Seen::Later(_))));
        let (state, view) = match seen {
            Ok(Seen::Found(found)) => {
                let view = eval.data_view(instance, Some(&found));
                if let Err(problems) = self.conditions.after_read(self.inputs, instance, &view) {
                    self.problems.extend(problems);
                }
                (Some(DataState::Found(found.into_iter().map(|(id, _)| id).collect())), view)
            }
            Ok(Seen::Later(why)) => (Some(DataState::Later(why)), eval.data_view(instance, None)),
            Err(Stop::Ask) => (None, eval.data_view(instance, None)),
            Err(Stop::Refused(problems)) => {
                // What is destroyed is in the ledger.
                if !selection.destroy {
                    let problems = problems.into_iter();
                    self.problems.extend(problems.map(|one| eval.on_the_way(one, &address.module)));
                }
                (None, eval.data_view(instance, None))
            }
        };
        let read = state.map(|state| DataRead::of(instance, state, &view, &eval.stack.sources));
        self.data.extend(read.map(|read| (address.clone(), read)));
        eval.show(address, view);
    }

    /// Surveys and decides a declared resource.
    fn resource(&mut self, instance: &Instance<'a>) -> Result<Change, Stop> {
        let stack = self.inputs.eval.stack;
        if self.inputs.offline {
            return Ok(create(instance, stack, Reason::New));
        }
        let mut finding = self.surveyor.declared(instance)?;
        if let Some(old) = finding.predecessor.take() {
            self.depose(&instance.address, *old);
        }
        let old = finding.id.clone().map(|id| (finding.place.clone(), id));
        let recorded = self.surveyor.addresses.entry(&instance.address).filter(|_| finding.entry().is_some());
        let change = decide(instance, finding, &self.case())?;
        let is_new = matches!(change.action, Action::Create | Action::Replace { .. });
        let occupant = match old.filter(|_| is_new) {
            Some((place, id)) => self.surveyor.occupant(instance, (&place, &id))?,
            None => None,
        };
        let Some(occupant) = occupant else { return Ok(self.moved(change)) };
        // The resource with the new name takes over the address, and the old one is deposed.
        if let (Some(entry), Some(live)) = (recorded, &change.live) {
            if entry.protect || instance.protect {
                return Err(protected(&change, stack).into());
            }
            let entry = self.surveyor.addresses.applied(&instance.address, entry);
            let old = Finding::recorded(Origin::Deposed, entry, Some(live.clone()));
            self.depose(&instance.address, old);
        }
        let change = decide(instance, occupant, &self.case())?;
        Ok(self.moved(change))
    }

    /// Adds the ledger's address of a resource that has a new one.
    fn moved(&self, change: Change) -> Change {
        Change { moved_from: self.surveyor.addresses.moved_from(&change.address).cloned(), ..change }
    }

    fn case(&self) -> Case<'_> {
        let Inputs { eval, ledger, selection, .. } = self.inputs;
        Case { stack: eval.stack, ledger, selection, changes: &self.draft.changes }
    }

    /// Leaves an instance as it is, without reading it.
    fn leave(&mut self, instance: &Instance<'a>) {
        let eval = self.inputs.eval;
        eval.show(&instance.address, eval.view(instance, None, None));
        let entry = self.surveyor.addresses.entry(&instance.address);
        let origin = if entry.is_some() { Origin::Ledger } else { Origin::Absent };
        let id = entry.map(|entry| entry.id.clone());
        let change = Change { id, origin, ..Change::of(instance, &eval.stack.sources) };
        self.draft.changes.insert(instance.address.clone(), change);
    }

    /// Decides the resources that are owned but no longer declared.
    fn undeclared(&mut self) {
        let entries: Vec<_> = self.surveyor.addresses.undeclared().collect();
        for (address, entry) in entries {
            let found = self.surveyor.undeclared(address, entry);
            let Some((finding, kind)) = self.accept(found).zip(kinds::kind(&address.kind)) else {
                continue;
            };
            let stays = stays(self.inputs.eval.stack, address, entry, finding.live.as_ref());
            self.draft.refuse(address, finding.refusal.clone());
            let change = remove(address, kind, finding, Reason::Undeclared, stays, &self.case());
            self.draft.changes.insert(address.clone(), change);
        }
    }

    /// Decides the undeclared resources that an interrupted apply was about to create.
    fn intended(&mut self) {
        for (address, intent, kind) in self.surveyor.intents() {
            let found = self.surveyor.intended(address, intent, kind, &self.draft);
            let Some(finding) = self.accept(found).flatten() else { continue };
            let declared = self.surveyor.addresses.is_declared(address);
            let (stack, live) = (self.inputs.eval.stack, finding.live.as_ref());
            let stays = !declared
                && finding.applied.as_deref().is_some_and(|entry| stays(stack, address, entry, live));
            let change = remove(address, kind, finding, Reason::Undeclared, stays, &self.case());
            // The address may belong to the resource that it was to replace, or to a declared one.
            if declared || self.inputs.ledger.resources.contains_key(address) {
                self.draft.deposed.push(change);
            } else {
                self.draft.changes.insert(address.clone(), change);
            }
        }
    }

    /// Decides the deposed resources of the ledger.
    fn deposed(&mut self) {
        let ledger = self.inputs.ledger;
        for (former, entry) in
            ledger.deposed.iter().flat_map(|(at, all)| all.iter().map(move |one| (at, one)))
        {
            let address = self.surveyor.addresses.present(former).clone();
            let found = self.surveyor.deposed(&address, entry);
            if let Some(finding) = self.accept(found) {
                self.depose(&address, finding);
            }
        }
    }

    /// Plans the deletion of a deposed resource, if the stack still owns it.
    fn depose(&mut self, address: &Address, finding: Finding<'p>) {
        let Some(kind) = kinds::kind(&address.kind) else { return };
        match &finding.refusal {
            Some(refusal) => {
                let refusal = refusal.clone().note("it was replaced, and is still to be destroyed");
                self.draft.refuse(address, [refusal]);
            }
            None => {
                let change = remove(address, kind, finding, Reason::Deposed, false, &self.case());
                self.draft.deposed.push(change);
            }
        }
    }

    /// Returns a finding, or records a refusal that concerns the whole plan.
    fn accept<T>(&mut self, found: Result<T, Stop>) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(Stop::Ask) => None,
            Err(Stop::Refused(problems)) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// Returns the plan, or the questions that are open.
    fn conclude(self) -> Result<Outcome, Vec<Diagnostic>> {
        let Self { inputs, surveyor, draft, names, conditions, data, mut problems } = self;
        if !surveyor.questions.is_empty() {
            return Ok(Outcome::Ask(surveyor.questions));
        }
        let addresses = &surveyor.addresses;
        let mut outputs = Outputs::of(inputs, &mut problems);
        problems.extend(still_there(inputs, addresses, &problems));
        let arranged = match arrange(draft, inputs, addresses, &names) {
            Ok(arranged) if problems.is_empty() => arranged,
            other => {
                problems.extend(other.err().into_iter().flatten());
                crate::diag::unique(&mut problems);
                return Err(problems);
            }
        };
        let Arranged { mut changes, deposed } = arranged;
        let (failed, warnings) = conditions.conclude(inputs, &changes);
        if !failed.is_empty() {
            return Err(failed);
        }
        outputs.leave_unselected(inputs, &changes);
        unreplaced::fill_in(inputs.eval, inputs.ledger, |address| addresses.entry(address), &mut changes);
        let mut plan = outputs.plan(inputs, changes, deposed);
        plan.data = data.into_values().collect();
        plan.data.extend(DataRead::of_others(inputs.eval));
        plan.data.sort_by(|one, other| one.address.cmp(&other.address));
        plan.warnings.extend(warnings);
        Ok(Outcome::Plan(Box::new(plan)))
    }
}

/// Refuses blocks that call a declared resource moved or removed.
fn still_there(
    inputs: &Inputs<'_, '_>,
    addresses: &Addresses<'_>,
    reported: &[Diagnostic],
) -> Vec<Diagnostic> {
    let mut found = still_declared(inputs.eval.stack, addresses.declared().keys());
    // A move whose two ends both exist has been reported already.
    let place = |one: &Diagnostic| one.primary.as_ref().map(|label| label.span);
    found.retain(|one| !reported.iter().any(|other| other.code == "moved" && place(other) == place(one)));
    found
}

/// The outputs of a plan.
struct Outputs {
    /// Those that are known.
    after: BTreeMap<String, Value>,
    /// Those that depend on a skipped resource: they are unknown.
    unseen: BTreeSet<String>,
}

impl Outputs {
    /// Evaluates the outputs by what the resources will be.
    fn of(inputs: &Inputs<'_, '_>, problems: &mut Vec<Diagnostic>) -> Self {
        let mut after = match inputs.selection.import {
            Some(_) => BTreeMap::new(),
            None => inputs.eval.outputs(problems),
        };
        let mut unseen = BTreeSet::new();
        if let Some(only) = &inputs.selection.only {
            let seen: BTreeSet<String> = only.iter().map(ToString::to_string).collect();
            let is_unseen = |value: &Value| {
                let mut addresses = BTreeSet::new();
                unreplaced::unknowns(value, &mut addresses);
                !addresses.is_subset(&seen)
            };
            unseen.extend(after.iter().filter(|(_, value)| is_unseen(value)).map(|(name, _)| name.clone()));
        }
        after.retain(|name, _| !unseen.contains(name));
        Self { after, unseen }
    }

    /// Evaluates them again if the plan covers a part of the stack. Excluded resources are not
    /// created or changed, so whatever depends on them keeps its value.
    fn leave_unselected(&mut self, inputs: &Inputs<'_, '_>, changes: &BTreeMap<Address, Change>) {
        let (eval, selection) = (inputs.eval, inputs.selection);
        if !selection.is_partial() || selection.destroy {
            return;
        }
        let after = eval.aside(|| {
            show_unselected(eval, inputs.ledger, changes.values());
            eval.each_output()
        });
        let unseen =
            after.iter().filter(|(name, (_, problems))| !(problems.is_empty() && eval.is_of_resources(name)));
        self.unseen.extend(unseen.map(|(name, _)| name.clone()));
        self.after = after.into_iter().map(|(name, (value, _))| (name, value)).collect();
        self.after.retain(|name, _| !self.unseen.contains(name));
    }

    /// Returns the finished plan.
    fn plan(self, inputs: &Inputs<'_, '_>, changes: BTreeMap<Address, Change>, deposed: Vec<Change>) -> Plan {
        let Inputs { eval, ledger, selection, offline, .. } = *inputs;
        let Self { after, unseen } = self;
        let goes = selection.destroy && !selection.is_partial();
        let outputs = if goes { BTreeMap::new() } else { after };
        let mut outputs_before = unreplaced::outputs(eval, ledger, &outputs, &changes);
        outputs_before.retain(|name, _| !unseen.contains(name));
        let sensitivity = |(name, print): (&String, &String)| {
            let (was, is) = (is_of_secret(print), outputs.get(name)?.contains_secret());
            (was != is).then(|| (name.clone(), is))
        };
        let outputs_sensitivity = ledger.outputs.iter().filter_map(sensitivity).collect();
        let stack = eval.stack;
        let mut warnings: Vec<Diagnostic> = changes.values().filter_map(busy).collect();
        warnings.extend(moved_region(stack, changes.values()));
        warnings.extend(dangling(&changes, &eval.facts.scope));
        let (destroy, partial) = (selection.destroy, selection.is_partial());
        Plan {
            stack: stack.name.clone(),
            env: stack.env.clone(),
            account_id: (!offline).then(|| eval.facts.scope.account_id.clone()),
            revisions: None,
            region: stack.region.clone(),
            now: eval.planned_at.parse().ok(),
            changes: changes.into_values().collect(),
            deposed,
            outputs,
            outputs_before,
            data: Vec::new(),
            variables: eval.variables().clone(),
            outputs_sensitivity,
            calls: calls(stack),
            changed_modules: BTreeMap::new(),
            asked: Asked { destroy, partial, stack_at: heading(stack) },
            warnings,
        }
    }
}
