//! Compares two revisions of a stack without AWS: makes the plan that would result if everything
//! were as the old one declares it, with no changes since.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::applied::ignore;
use super::calls::calls;
use super::connect::{Names, connect};
use super::decide::{action, created};
use super::declared::{block_of, both_exist, heading, removed};
use super::diff::in_order_of;
use super::new_values::written_as_new;
use super::replacement;
use super::tags::{different_tags, marks, tags};
use super::{
    Action, Asked, AttributeChange, Change, Declared, Origin, Plan, Reason, Revisions, Unreplaced, diff,
    overlay, removed_settings, warning,
};
use crate::diag::{Diagnostic, Outside};
use crate::eval::{EvalContext, Instance, Write, written};
use crate::graph::Address;
use crate::kind::{ErasedLive, Known, State};
use crate::schema::{Document, respelled};
use crate::stack::{Moves, still_declared};
use crate::value::{Unknown, Value};

/// One revision of a stack.
pub struct Side<'s, 'a> {
    /// Its name, such as `main`.
    pub name: String,
    /// The stack, evaluated.
    pub eval: &'s EvalContext<'a>,
    /// The result of [`EvalContext::evaluate_all`].
    pub instances: Vec<Instance<'a>>,
    /// The folder that it was read from, and the one shown in its place, if they differ.
    pub folder: Option<(PathBuf, PathBuf)>,
}

/// Compares two revisions, in the environment of the new one.
///
/// # Errors
/// Invalid `[[moved]]`, `[[removed]]` and `[[import]]` blocks of the new revision, as a plan finds
/// them.
pub fn compare(old: &Side<'_, '_>, new: &Side<'_, '_>) -> Result<Plan, Vec<Diagnostic>> {
    let mut comparison = Comparison::new(old, new);
    comparison.moved();
    comparison.renamed();
    comparison.imports();
    let outputs_before = comparison.offline();
    let outputs = comparison.decide();
    comparison.gone();
    let names = new.instances.iter().map(|one| (one.address.clone(), Names::of(new.eval, one))).collect();
    connect(&names, &mut comparison.changes);
    let first = new.instances.iter().filter(|one| one.create_before_destroy);
    let first = first.map(|one| one.address.clone()).collect();
    replacement::create_first(&mut comparison.changes, first, &new.eval.facts.scope);
    if !comparison.problems.is_empty() {
        crate::diag::unique(&mut comparison.problems);
        return Err(comparison.problems);
    }
    let stack = new.eval.stack;
    let sensitivity = |(name, before): (&String, &Value)| {
        let (was, is) = (before.contains_secret(), outputs.get(name)?.contains_secret());
        (was != is).then(|| (name.clone(), is))
    };
    let outputs_sensitivity = outputs_before.iter().filter_map(sensitivity).collect();
    let mut stack_at = heading(stack);
    stack_at.file = new.path(&stack_at.file);
    Ok(Plan {
        stack: stack.name.clone(),
        env: stack.env.clone(),
        account_id: None,
        revisions: Some(Revisions { old: old.name.clone(), new: new.name.clone() }),
        region: stack.region.clone(),
        now: new.eval.planned_at.parse().ok(),
        changes: comparison.changes.into_values().collect(),
        deposed: Vec::new(),
        outputs,
        variables: new
            .eval
            .variables()
            .iter()
            .map(|(name, value)| (name.clone(), new.show_folder(value.clone())))
            .collect(),
        outputs_sensitivity,
        calls: calls(stack),
        outputs_before: outputs_before.into_iter().map(|(name, value)| (name, Some(value))).collect(),
        data: Vec::new(),
        asked: Asked { stack_at, ..Asked::default() },
        changed_modules: BTreeMap::new(),
        warnings: Vec::new(),
    })
}

/// A warning for each change that a plan would refuse, because the resource is protected, or
/// because it would have to be created before its predecessor is deleted and cannot be.
pub fn refused(plan: &Plan, old: &Side<'_, '_>, new: &Side<'_, '_>) -> Vec<Diagnostic> {
    let goes = |change: &&Change| matches!(change.action, Action::Delete | Action::Replace { .. });
    let refused = plan.changes.iter().filter(goes).filter_map(|change| {
        let of = |side: &Side<'_, '_>| {
            side.instances.iter().find(|one| one.address == change.address).map(|one| one.protect)
        };
        let verb = if change.action == Action::Delete { "destroy" } else { "replace" };
        of(new).or_else(|| of(old)).filter(|protect| *protect).map(|_| {
            Diagnostic::warning(
                warning::PROTECTED,
                format!("a plan would refuse to {verb} {}", change.address),
            )
            .note("it is protected")
            .help("to continue, set lifecycle.protect = false and apply that first")
        })
    });
    let clashes = replacement::clashes(&plan.changes, &new.eval.facts.scope);
    let clashes = clashes.into_iter().map(|(address, notes)| {
        let message =
            format!("a plan would refuse to create a new {address} before the old one is destroyed");
        notes.into_iter().fold(Diagnostic::warning(replacement::CODE, message), Diagnostic::note)
    });
    refused.chain(clashes).collect()
}

impl<'a> Side<'_, 'a> {
    /// The instances, each after those that it refers to. Members of a reference cycle appear again
    /// at the end.
    fn in_order(&self) -> Vec<&Instance<'a>> {
        let mut by_declaration: BTreeMap<usize, Vec<&Instance<'a>>> = BTreeMap::new();
        for instance in &self.instances {
            let declaration = self.eval.declaration(&instance.address);
            by_declaration.entry(declaration.map_or(0, |one| one.place())).or_default().push(instance);
        }
        let declarations = self.eval.declarations();
        declarations
            .filter_map(|one| by_declaration.get(&one.place()))
            .flat_map(|instances| instances.iter().copied())
            .collect()
    }

    /// An instance [evaluated without AWS](EvalContext::offline_instance), as it is shown.
    fn offline(&self, instance: &Instance<'a>, write: &Write<'_>) -> Instance<'a> {
        let offline = self.eval.offline_instance(instance, write);
        self.eval.show_offline(&offline, write);
        let tags = offline.tags.into_iter().map(|(name, value)| (name, self.show_folder(value))).collect();
        Instance { spec: self.show_folder(offline.spec), tags, ..offline }
    }

    /// The outputs, evaluated without AWS, as they are shown.
    fn outputs(&self, write: &Write<'_>) -> BTreeMap<String, Value> {
        let outputs = self.eval.offline_outputs(write);
        outputs.into_iter().map(|(name, value)| (name, self.show_folder(value))).collect()
    }

    /// Replaces the folder that the stack was read from in a value.
    fn show_folder(&self, value: Value) -> Value {
        match &self.folder {
            Some((from, to)) => replace_folder(value, &from.to_string_lossy(), &to.to_string_lossy()),
            None => value,
        }
    }

    /// A path as it is shown.
    fn path(&self, path: &Path) -> PathBuf {
        let inside = self.folder.as_ref().and_then(|(from, to)| Some((path.strip_prefix(from).ok()?, to)));
        match inside {
            Some((inside, to)) if *to == Path::new(".") => inside.to_owned(),
            Some((inside, to)) => to.join(inside),
            None => path.to_owned(),
        }
    }

    /// A live resource that matches the declaration of an instance.
    fn live(&self, instance: &Instance<'_>, offline: &Instance<'_>) -> ErasedLive {
        let decided = instance.kind.schema().attrs.fields().into_iter().flatten().map(|(name, _)| name);
        let view = self.eval.view(instance, None, None);
        let attrs = decided.filter_map(|name| Some((name.clone(), view.get(name)?.clone())));
        let tags = tags(offline, &self.eval.stack.name, &self.eval.stack.env);
        let tags = tags.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
        ErasedLive {
            spec: offline.spec.clone(),
            attrs: self.show_folder(Value::Map(attrs.collect())),
            tags: tags.collect(),
            state: State::Ready,
            incarnation: None,
            not_returned: Vec::new(),
        }
    }
}

/// Replaces one folder by another in a value.
fn replace_folder(value: Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) if text.contains(from) => Value::String(text.replace(from, to)),
        Value::Secret(inner) => replace_folder(*inner, from, to).into_secret(),
        Value::List(list) => Value::List(list.into_iter().map(|one| replace_folder(one, from, to)).collect()),
        Value::Map(map) => {
            Value::Map(map.into_iter().map(|(name, one)| (name, replace_folder(one, from, to))).collect())
        }
        other => other,
    }
}

struct Comparison<'c, 's, 'a, 'b> {
    old: &'c Side<'s, 'a>,
    new: &'c Side<'s, 'b>,
    /// The instances that the old revision declares.
    before: BTreeMap<Address, &'c Instance<'a>>,
    /// The addresses that the new revision declares.
    declared: BTreeSet<Address>,
    /// The old address of each moved resource.
    moves: BTreeMap<Address, Address>,
    /// The ids of the resources that the new revision imports.
    imports: BTreeMap<Address, String>,
    /// The old revision's instances, evaluated without AWS, by their own addresses.
    offline: BTreeMap<Address, Instance<'a>>,
    changes: BTreeMap<Address, Change>,
    problems: Vec<Diagnostic>,
}

impl<'c, 's, 'a, 'b> Comparison<'c, 's, 'a, 'b> {
    fn new(old: &'c Side<'s, 'a>, new: &'c Side<'s, 'b>) -> Self {
        Self {
            old,
            new,
            before: old.instances.iter().map(|one| (one.address.clone(), one)).collect(),
            declared: new.instances.iter().map(|one| one.address.clone()).collect(),
            moves: BTreeMap::new(),
            imports: BTreeMap::new(),
            offline: BTreeMap::new(),
            changes: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// The old instances whose address no longer exists.
    fn left(&self) -> impl Iterator<Item = &'c Instance<'a>> {
        self.old.instances.iter().filter(|one| {
            !self.declared.contains(&one.address) && !self.moves.values().any(|from| *from == one.address)
        })
    }

    /// Follows the new revision's `[[moved]]` blocks.
    fn moved(&mut self) {
        let stack = self.new.eval.stack;
        self.problems.extend(still_declared(stack, self.declared.iter()));
        let moves = Moves::of(&stack.moved);
        for from in self.before.keys() {
            match moves.follow(from) {
                Ok(Some((to, block))) if self.before.contains_key(&to) => {
                    self.problems.push(
                        both_exist(from, &to, block)
                            .note(format!("{} declares both", self.old.name))
                            .help("remove one of them first, and this block"),
                    );
                }
                // Without a declared target, for example if its key is gone, the resource is
                // deleted.
                Ok(Some((to, _))) if self.declared.contains(&to) => {
                    self.moves.insert(to, from.clone());
                }
                Ok(_) => {}
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    /// Detects renames without a `[[moved]]` as a plan does: the same id or, where AWS assigns ids,
    /// the only matching declaration.
    fn renamed(&mut self) {
        let known = |address: &Address| self.before.contains_key(address) || self.moves.contains_key(address);
        let newcomers: Vec<&Instance<'_>> =
            self.new.instances.iter().filter(|one| !known(&one.address)).collect();
        let stack = self.new.eval.stack;
        let gone: Vec<&Instance<'_>> =
            self.left().filter(|one| removed(stack, &one.address).is_none()).collect();
        let akin = |one: &Instance<'_>, other: &Instance<'_>| {
            one.address.kind == other.address.kind && one.place == other.place
        };
        let mut renamed = BTreeMap::new();
        for instance in &newcomers {
            let id = self.new.eval.id(instance);
            let mut alike = gone.iter().filter(|one| {
                akin(one, instance)
                    && match &id {
                        Some(_) => self.old.eval.id(one) == id,
                        None => one.spec == instance.spec,
                    }
            });
            let rivals = newcomers.iter().filter(|one| akin(one, instance) && one.spec == instance.spec);
            if let (Some(old), None) = (alike.next(), alike.next())
                && (id.is_some() || rivals.count() == 1)
            {
                renamed.insert(instance.address.clone(), old.address.clone());
            }
        }
        self.moves.extend(renamed);
    }

    /// Returns the old instance that a resource of the new revision comes from.
    fn former(&self, address: &Address) -> Option<&'c Instance<'a>> {
        self.before.get(self.moves.get(address).unwrap_or(address)).copied()
    }

    /// Imports existing resources into the new revision.
    fn imports(&mut self) {
        for instance in &self.new.instances {
            if self.former(&instance.address).is_none()
                && let Some(id) = self.new.eval.import(&instance.address, &mut self.problems)
            {
                self.imports.insert(instance.address.clone(), id);
            }
        }
    }

    /// Evaluates the old revision without AWS, under its new addresses. Returns its outputs.
    fn offline(&mut self) -> BTreeMap<String, Value> {
        let names: BTreeMap<String, String> =
            self.moves.iter().map(|(to, from)| (from.to_string(), to.to_string())).collect();
        let write = |unknown: &Unknown| match names.get(&unknown.address) {
            Some(now) => written(&Unknown::new(now.as_str(), unknown.attribute.as_str())),
            None => written(unknown),
        };
        self.old.eval.show_data_offline(&write);
        for instance in self.old.in_order() {
            self.offline.insert(instance.address.clone(), self.old.offline(instance, &write));
        }
        self.old.outputs(&write)
    }

    /// Decides every resource that the new revision declares. Returns its outputs.
    fn decide(&mut self) -> BTreeMap<String, Value> {
        // The specs that would result if nothing were replaced.
        self.new.eval.show_data_offline(&written);
        let mut unreplaced: BTreeMap<Address, Value> = BTreeMap::new();
        for instance in self.new.in_order() {
            unreplaced.insert(instance.address.clone(), self.new.offline(instance, &written).spec);
        }
        let mut replaced: BTreeSet<String> = BTreeSet::new();
        for instance in self.new.in_order() {
            let offline = self.new.offline(instance, &|unknown| written_as_new(unknown, &replaced));
            let mut change = self.change(instance, &offline);
            if let Some(desired) =
                unreplaced.get(&instance.address).filter(|unreplaced| **unreplaced != offline.spec)
            {
                change.unreplaced = Some(Unreplaced { desired: desired.clone(), replaced: replaced.clone() });
            }
            if matches!(change.action, Action::Replace { .. })
                && replaced.insert(instance.address.to_string())
            {
                self.new.eval.show_offline(&offline, &|unknown| written_as_new(unknown, &replaced));
            }
            self.changes.insert(instance.address.clone(), change);
        }
        self.new.outputs(&|unknown| written_as_new(unknown, &replaced))
    }

    fn change(&self, instance: &Instance<'b>, offline: &Instance<'b>) -> Change {
        let stack = self.new.eval.stack;
        let mut change = Change {
            action: Action::Create,
            reason: Reason::New,
            desired: offline.spec.clone(),
            desired_tags: tags(offline, &stack.name, &stack.env),
            ..Change::of(instance, &stack.sources)
        };
        if let Some(declared) = &mut change.declared {
            declared.file = self.new.path(&declared.file);
        }
        if let Some(id) = self.imports.get(&instance.address) {
            return Change {
                action: Action::NoOp,
                reason: Reason::Same,
                id: Some(id.clone()),
                origin: Origin::Import,
                live: Some(self.new.live(instance, offline)),
                existing: offline.spec.clone(),
                ..change
            };
        }
        let was = self.former(&instance.address);
        let Some((was, old)) = was.and_then(|was| Some((was, self.offline.get(&was.address)?))) else {
            return Change { attributes: created(offline), ..change };
        };
        let schema = &instance.kind.schema().spec;
        let mut want = offline.spec.clone();
        // Every attribute that the old revision declares counts as written.
        let wrote = |path: &str| at(&old.spec, path).is_some();
        let staying = removed_settings::staying(offline, &want, &old.spec, &wrote);
        removed_settings::restore(
            offline,
            &mut want,
            &old.spec,
            &wrote,
            &self.new.eval.facts.scope.account_id,
        );
        ignore(offline, &mut want, &old.spec);
        let was_spec = respelled(schema, old.spec.clone(), &want, &offline.scope());
        let (want, have) = overlay(schema, want, was_spec, &|path, value, _| {
            Some(at(&old.spec, path).is_some_and(|was| was.clone().reveal() == value.clone().reveal()))
        });
        let mut attributes = in_order_of(schema, &offline.written, diff(schema, &have, &want));
        attributes.extend(staying);
        attributes.extend(different_tags(offline, &own_tags(old), &own_tags(offline), &|_| false));
        self.show_content_lines(was, instance, &mut attributes);
        let (action, reason) = action(offline, &was.place, &mut attributes, false, &self.changes);
        Change {
            action,
            reason,
            origin: Origin::Ledger,
            moved_from: self.moves.get(&instance.address).cloned(),
            attributes,
            live: Some(self.old.live(was, old)),
            existing: have,
            desired: want,
            ..change
        }
    }

    /// Shows different content by its lines instead of its checksum, without known secrets.
    fn show_content_lines(
        &self,
        was: &Instance<'_>,
        is: &Instance<'_>,
        attributes: &mut Vec<AttributeChange>,
    ) {
        let schema = &is.kind.schema().spec;
        let (Some(checksum), Some(content)) =
            (schema.path_of(Document::Checksum), schema.path_of(Document::Content))
        else {
            return;
        };
        let Some(at) = attributes.iter().position(|one| one.path == checksum) else { return };
        let text = |side: &EvalContext<'_>, one: &Instance<'_>| {
            let text = one.kind.content(Known(&one.spec), side.files(one))?;
            Some(Outside::new(text).to_string())
        };
        let (before, after) = (text(self.old.eval, was), text(self.new.eval, is));
        if before.is_none() || before == after {
            return;
        }
        if let (Some(before), Some(after), Some(one)) = (before, after, attributes.get_mut(at)) {
            one.path = content.to_vec();
            (one.before, one.after) = (Some(before.into()), Some(after.into()));
            // Content written in the stack is part of these lines.
            let mut place = 0;
            attributes.retain(|one| {
                place += 1;
                one.path != content || place == at + 1
            });
        }
    }

    /// Decides resources that the new revision no longer declares.
    fn gone(&mut self) {
        let stack = self.new.eval.stack;
        let gone: Vec<Change> = self
            .left()
            .filter_map(|was| {
                let offline = self.offline.get(&was.address)?;
                let declared = block_of(stack, &was.address)
                    .map(|block| Declared { file: self.new.path(&block.file), ..block });
                let stays = removed(stack, &was.address).map_or(was.retain, |removed| !removed.destroy);
                let (action, reason) = Reason::Undeclared.removes(true, stays);
                Some(Change {
                    origin: Origin::Ledger,
                    needs: was.needs.clone(),
                    live: Some(self.old.live(was, offline)),
                    existing: offline.spec.clone(),
                    declared,
                    ..Change::removal(was.address.clone(), was.place.clone(), action, reason)
                })
            })
            .collect();
        self.changes.extend(gone.into_iter().map(|change| (change.address.clone(), change)));
    }
}

/// The tags that the stack decides, without the owner tags. These change with the address of a
/// moved resource, which is reported already.
fn own_tags(offline: &Instance<'_>) -> BTreeMap<String, Value> {
    let mut tags = offline.tags.clone();
    if offline.kind.taggable() {
        tags.extend(marks(offline));
    }
    tags
}

/// Returns the value at a dotted path of [`overlay`]; keys of free maps may contain dots.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    match value {
        Value::Secret(inner) => at(inner, path),
        _ if path.is_empty() => Some(value),
        Value::Map(map) => map.iter().find_map(|(name, inner)| match path.strip_prefix(name.as_str())? {
            "" => Some(inner),
            rest => at(inner, rest.strip_prefix('.')?),
        }),
        Value::List(list) => {
            let (index, rest) = path.split_once('.').unwrap_or((path, ""));
            at(list.get(index.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}
