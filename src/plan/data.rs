//! Data in a plan: existing resources of others that the stack names.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::declaration;
use super::inputs::{Stop, filter_text};
use super::survey::Surveyor;
use super::{Action, Change, DataRead, DataState, Declared, Later, Question, read_failed};
use crate::aws::Place;
use crate::diag::{Diagnostic, Sources, counted};
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kind::{ErasedLive, State, Way};
use crate::limits;
use crate::value::Value;

/// What a survey says of data.
pub(super) enum Seen {
    /// The resources that it found, each with its id.
    Found(Vec<(String, ErasedLive)>),
    /// The apply reads it.
    Later(Later),
}

impl DataRead {
    pub(super) fn of(instance: &Instance<'_>, state: DataState, view: &Value, sources: &Sources) -> Self {
        Self {
            address: instance.address.clone(),
            place: instance.place.clone(),
            state,
            declared: declaration(instance.resource, sources),
            value: referred(view, &instance.referred),
        }
    }

    /// The outputs of other stacks.
    pub(super) fn of_others(eval: &EvalContext<'_>) -> Vec<Self> {
        let stack = eval.stack;
        let others = eval.facts.others.iter().filter_map(|(name, outputs)| {
            let other = stack.others.get(name)?;
            let read = other.stack.as_ref()?;
            Some(Self {
                address: Address::new("stack_output", name, None),
                place: Place::of(&stack.region),
                state: DataState::Found(vec![format!("{}/{}", read.name, read.env)]),
                declared: Declared {
                    file: stack.sources.path(other.span.file).to_owned(),
                    line: stack.sources.line(other.span),
                    attributes: BTreeMap::new(),
                },
                value: Value::Map(outputs.clone()),
            })
        });
        others.collect()
    }
}

/// The attributes of a view that something refers to.
fn referred(view: &Value, names: &BTreeSet<String>) -> Value {
    match view {
        Value::Map(all) => {
            let seen = all.iter().filter(|(name, _)| names.contains(*name));
            Value::Map(seen.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Value::List(all) => Value::List(all.iter().map(|one| referred(one, names)).collect()),
        other => other.clone(),
    }
}

/// The ids told of what was found.
const TOLD: usize = 10;

impl<'a> Surveyor<'_, '_, 'a> {
    /// Finds data. `changes` are those decided so far, which include all that it needs.
    pub(super) fn data(
        &mut self,
        instance: &Instance<'a>,
        changes: &BTreeMap<Address, Change>,
    ) -> Result<Seen, Stop> {
        let eval = self.inputs.eval;
        let changes_first = |address: &&Address| {
            changes.get(*address).is_some_and(Change::is_effective) || eval.is_later(address)
        };
        // What it looks for may follow from a declaration, such as an ARN, before anything has it.
        let is_new = |address: &&Address| {
            let action = changes.get(*address).map(|change| change.action);
            matches!(action, Some(Action::Create | Action::Replace { .. }))
        };
        let first = instance.after.iter().find(changes_first);
        // A destroy changes everything, and needs no data.
        if let Some(first) =
            first.or_else(|| instance.needs.iter().find(is_new)).filter(|_| !self.inputs.selection.destroy)
        {
            return Ok(Seen::Later(Later::After(first.clone())));
        }
        let Some(way) = eval.way_to(instance) else {
            let unknown = instance.spec.first_unknown();
            let name = unknown.map(|one| match one.attribute.as_str() {
                "" => one.address.clone(),
                attribute => format!("{}.{attribute}", one.address),
            });
            return Ok(Seen::Later(Later::Unknown(name.unwrap_or_default())));
        };
        let (kind, place) = (instance.kind, &instance.place);
        let answers = self.inputs.answers;
        let ids = match way {
            Way::Id(id) => vec![id],
            Way::Filter(filter) => {
                match answers.searches.get(&(kind.name(), place.clone(), filter_text(&filter))) {
                    Some(Ok(ids)) => ids.clone(),
                    Some(Err(error)) => return Err(unreadable(instance, error).into()),
                    None => {
                        self.questions.push(Question::Search { kind, place: place.clone(), filter });
                        return Err(Stop::Ask);
                    }
                }
            }
        };
        if let Some(problem) = count(instance, &ids) {
            return Err(problem.into());
        }
        let (mut found, mut asks) = (Vec::new(), false);
        for id in ids {
            match answers.data.get(&(kind.name(), place.clone(), id.clone())) {
                Some(Ok(live)) => found.extend(live.clone().map(|live| (id, live))),
                Some(Err(error)) => return Err(unreadable(instance, error).into()),
                None => {
                    let attributes = (*instance.referred).clone();
                    self.questions.push(Question::Data { kind, place: place.clone(), id, attributes });
                    asks = true;
                }
            }
        }
        if asks {
            return Err(Stop::Ask);
        }
        Ok(Seen::Found(choose(instance, found)?))
    }
}

/// Of what AWS returned, what data finds: that which AWS is not deleting, in the order of its ids.
///
/// # Errors
/// It is none, or several and the block is for one.
pub fn choose(
    instance: &Instance<'_>,
    mut found: Vec<(String, ErasedLive)>,
) -> Result<Vec<(String, ErasedLive)>, Diagnostic> {
    let going = found.iter().find_map(|(id, live)| match &live.state {
        State::Leaving(words) => Some(format!("AWS is deleting {id} ({words})")),
        _ => None,
    });
    found.retain(|(_, live)| !matches!(live.state, State::Leaving(_)));
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let ids: Vec<String> = found.iter().map(|(id, _)| id.clone()).collect();
    match count(instance, &ids) {
        None if ids.is_empty() && !instance.resource.many => Err(none(instance, going)),
        None => Ok(found),
        Some(problem) => Err(problem),
    }
}

/// The problem with the number of resources that were found. None at all are left to [`choose`].
pub fn count(instance: &Instance<'_>, ids: &[String]) -> Option<Diagnostic> {
    let resource = instance.resource;
    if resource.many {
        let is_too_many = ids.len() > limits::RESOURCES;
        return is_too_many.then(|| {
            let what = format!("{} finds {}", instance.address, counted(ids.len(), "resource"));
            Diagnostic::error("too-many", what)
                .at(resource.span, format!("at most {} can be read", limits::RESOURCES))
        });
    }
    match ids {
        [] => Some(none(instance, None)),
        [_] => None,
        several => {
            let what = format!("{} finds {} of the kind {}", instance.address, several.len(), resource.kind);
            let mut sorted = several.to_vec();
            sorted.sort();
            let mut told = sorted.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
            if several.len() > TOLD {
                told = format!("{told} and {} more", several.len() - TOLD);
            }
            Some(
                Diagnostic::error("several-found", what)
                    .at(resource.span, looked_for(instance))
                    .note(format!("found: {told}"))
                    .help("add an attribute that only one of them has, or `many = true` for a list of all"),
            )
        }
    }
}

fn none(instance: &Instance<'_>, note: Option<String>) -> Diagnostic {
    let resource = instance.resource;
    let error = Diagnostic::error("not-found", format!("{} finds nothing", instance.address))
        .at(resource.span, looked_for(instance));
    let error = match note {
        Some(note) => error.note(note),
        None => error,
    };
    error.help(format!("dwctl explain {} lists what it can be found by", resource.kind))
}

/// What data looks for, in words.
fn looked_for(instance: &Instance<'_>) -> String {
    let query = instance.spec.as_map().into_iter().flatten();
    let query: Vec<String> =
        query.map(|(name, value)| format!("{name} = {}", super::value_text(value))).collect();
    format!("looked for {} in {}", query.join(", "), instance.place)
}

/// The error for data that AWS does not let us read.
pub fn unreadable(instance: &Instance<'_>, error: &crate::aws::Error) -> Diagnostic {
    read_failed(&instance.address.to_string(), "", error).at(instance.resource.span, "cannot be read")
}
