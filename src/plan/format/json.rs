//! A plan in the format of Terraform's plans
//! (<https://developer.hashicorp.com/terraform/internals/json-format>), so that checkov, conftest
//! and tf-summarize can read it. Further information is in members named `dwctl`.
//!
//! Unlike in Terraform's format, secrets are masked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::modules::{Tree, configuration};
use super::terraform::{self, Referred, Resource, Sides, address, resources, sides};
use super::{Options, escape, place};
use crate::graph::{Address, ModulePath};
use crate::kind::{ErasedKind, Known};
use crate::kinds;
use crate::plan::conceal::conceal;
use crate::plan::review::{Item, Output, Review, Sort, ValueText, notes, risk_json, visible};
use crate::plan::since::digest;
use crate::plan::{Absence, Action, Cause, Change, DataState, Plan, Reason, Revisions, Sign};
use crate::schema::PathStep;
use crate::value::Value;

const PROVIDER: &str = "registry.terraform.io/hashicorp/aws";

/// The data that the plan read, and what the apply reads.
fn data(plan: &Plan) -> Json {
    let list = plan.data.iter().map(|one| {
        let (found, later) = match &one.state {
            DataState::Found(ids) => (Some(ids.iter().map(|id| visible(id)).collect::<Vec<_>>()), None),
            DataState::Later(why) => (None, Some(visible(&why.to_string()))),
        };
        let address = visible(&one.address.to_string());
        json!({ "address": address, "region": one.place.region, "found": found, "read_by_apply": later })
    });
    list.collect()
}

pub(super) fn render(review: &Review<'_>, options: &Options) -> String {
    let plan = review.plan;
    // The key is the change itself, because a deposed resource has the same address as its
    // successor.
    let items: HashMap<*const Change, &Item<'_>> =
        review.items.iter().map(|item| (std::ptr::from_ref(item.change), item)).collect();
    let changes = plan.changes.iter().map(|change| (&change.address, change)).collect();
    let mut lists = Lists::of(options, changes);
    for change in plan.changes.iter().chain(&plan.deposed) {
        let item = items.get(&std::ptr::from_ref(change)).copied();
        // The resource does not exist and is not created, because it is not selected or not applied
        // yet.
        let is_nothing = item.is_none() && change.live.is_none() && change.action == Action::NoOp;
        if let Some(kind) = kinds::kind(&change.address.kind).filter(|_| !is_nothing) {
            lists.add(kind, change, item, review.drift);
        }
    }
    let outputs = output_changes(review);
    let planned_values = lists.planned.json();
    let mut root_module = configuration(&plan.calls, lists.configuration);
    let planned_outputs: Map<String, Json> = plan
        .outputs
        .iter()
        .map(|(name, value)| {
            let Sides { known, sensitive, .. } = sides(&masked(value));
            (name.clone(), json!({ "sensitive": sensitive != json!(false), "value": known }))
        })
        .collect();
    let counts: Map<String, Json> =
        review.counts().into_iter().map(|(sort, count)| (sort.name().to_owned(), count.into())).collect();
    // A variable is secret as a whole, like an output.
    let variables: Map<String, Json> = plan
        .variables
        .iter()
        .map(|(name, value)| (visible(name), json!({ "value": sides(&masked(value)).known })))
        .collect();
    root_module["variables"] = Json::Object(declared_variables(plan));
    let mut json = json!({
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "variables": variables,
        "planned_values": {
            "outputs": planned_outputs,
            "root_module": planned_values,
        },
        "resource_drift": lists.drift,
        "resource_changes": lists.changes,
        "output_changes": outputs,
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.9.0",
            "values": { "root_module": lists.prior.json() },
        },
        "configuration": {
            "provider_config": {
                "aws": {
                    "name": "aws",
                    "full_name": PROVIDER,
                    "expressions": { "region": { "constant_value": plan.region } },
                },
            },
            "root_module": root_module,
        },
        "checks": [],
        "timestamp": plan.now.map(|now| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "applyable": !review.items.is_empty() && review.verb() == "plan",
        "complete": true,
        "errored": false,
        "dwctl": {
            "version": env!("CARGO_PKG_VERSION"),
            "stack": visible(&plan.stack),
            "env": visible(&plan.env),
            "account_id": plan.account_id,
            "region": plan.region,
            "drift": review.drift,
            "counts": counts,
            "unchanged": review.unchanged,
            "not_selected": review.not_selected,
            "not_applied": review.not_applied,
        },
    });
    accounts(review, &mut json);
    if !review.drift && !plan.data.is_empty() {
        json["dwctl"]["data"] = data(plan);
    }
    let warnings = review.warnings();
    if !warnings.is_empty() {
        let list = warnings.into_iter().map(|(code, words)| json!({ "code": code, "message": words }));
        json["dwctl"]["warnings"] = list.collect();
    }
    if !plan.changed_modules.is_empty() {
        let modules = plan.changed_modules.values();
        json["dwctl"]["changed_modules"] = modules.map(|one| json!(one)).collect();
    }
    if let Some(Revisions { old, new }) = &plan.revisions {
        json["dwctl"]["revisions"] = json!({ "old": visible(old), "new": visible(new) });
    }
    escape::json(json)
}

/// The variables of the stack itself. Their types and defaults are not part of a plan.
fn declared_variables(plan: &Plan) -> Map<String, Json> {
    let declared = plan.variables.iter().map(|(name, value)| {
        let sensitivity = if value.contains_secret() { json!({ "sensitive": true }) } else { json!({}) };
        (visible(name), sensitivity)
    });
    declared.collect()
}

/// Adds the accounts besides the stack's own: each is a provider with an alias.
fn accounts(review: &Review<'_>, json: &mut Json) {
    for (id, name) in review.others() {
        json["dwctl"]["accounts"][id] = json!(name);
        let Some(name) = name else { continue };
        json["configuration"]["provider_config"][format!("aws.{name}")] = json!({
            "name": "aws",
            "full_name": PROVIDER,
            "alias": name,
            "expressions": { "allowed_account_ids": { "constant_value": [id] } },
        });
    }
}

/// The lists of resources, while they are collected.
struct Lists<'o> {
    options: &'o Options,
    /// All declared resources, for references.
    declared: HashMap<&'o Address, &'o Change>,
    changes: Vec<Json>,
    drift: Vec<Json>,
    planned: Tree,
    prior: Tree,
    /// The resources of each module, by the names of the calls that lead to it.
    configuration: BTreeMap<Vec<String>, Vec<Json>>,
    configured: HashSet<String>,
}

/// A Terraform resource before and after.
type Pair = (Option<Resource>, Option<Resource>);

impl<'o> Lists<'o> {
    fn of(options: &'o Options, declared: HashMap<&'o Address, &'o Change>) -> Self {
        Self {
            options,
            declared,
            changes: Vec::new(),
            drift: Vec::new(),
            planned: Tree::default(),
            prior: Tree::default(),
            configuration: BTreeMap::new(),
            configured: HashSet::new(),
        }
    }

    fn add(&mut self, kind: &dyn ErasedKind, change: &Change, item: Option<&Item<'_>>, drift: bool) {
        let address = &change.address;
        let (existing, desired) = conceal(Some(&kind.schema().spec), &change.existing, &change.desired);
        let live = change.live.as_ref();
        let live_tags =
            live.map(|live| Value::map(live.tags.iter().map(|(key, tag)| (key.clone(), tag.as_str()))));
        let (live_tags, desired_tags) =
            conceal(None, &live_tags.unwrap_or_default(), &Value::Map(change.desired_tags.clone()));
        let id = change.id.clone().map_or_else(|| Value::unknown(address.to_string(), "id"), Value::from);
        let made = || Value::unknown(address.to_string(), "id");
        let before = live.map(|live| side(kind, &existing, &live_tags, id.clone(), Some(&live.attrs)));
        let stays = drift || change.action == Action::NoOp;
        let after = match change.action {
            _ if stays => before.clone(),
            Action::Delete | Action::Forget => None,
            Action::Update => {
                let attrs = live.map(|live| &live.attrs);
                Some(side(kind, &desired, &desired_tags, id, attrs))
            }
            Action::NoOp | Action::Create | Action::Replace { .. } => {
                Some(side(kind, &desired, &desired_tags, made(), None))
            }
        };
        let needed = change.needs.iter().filter_map(|need| self.declared.get(need).copied());
        let referred = Referred::new(address, needed);
        for (index, pair) in
            pairs(before.clone().unwrap_or_default(), after.unwrap_or_default()).iter().enumerate()
        {
            let main = (index == 0).then_some(item).flatten();
            let actions = match (index, main.is_some() && !drift) {
                (0, true) => actions(change.action),
                (0, false) => vec!["no-op"],
                _ => actions_of_part(pair, change.action, drift),
            };
            let entry = self.entry(kind, change, pair, &actions, main.filter(|_| !drift));
            self.changes.push(entry);
            self.list(change, pair, index == 0, &referred);
        }
        if let Some(item) = item
            && let Some((was, is)) =
                drifted(kind, change, item, drift, &existing, &desired, &live_tags, &desired_tags)
        {
            let actions = if is.is_none() { vec!["delete"] } else { vec!["update"] };
            let pair = (was, is);
            let entry = self.entry(kind, change, &pair, &actions, drift.then_some(item));
            self.drift.push(entry);
        }
    }

    /// An entry of `resource_changes` or `resource_drift`.
    fn entry(
        &self,
        kind: &dyn ErasedKind,
        change: &Change,
        (before, after): &Pair,
        actions: &[&str],
        item: Option<&Item<'_>>,
    ) -> Json {
        let none = || Sides { known: Json::Null, unknown: json!({}), sensitive: Json::Bool(false) };
        let tree = |one: &Option<Resource>| one.as_ref().map_or_else(none, |one| sides(&one.attributes));
        let (left, right) = (tree(before), tree(after));
        let mut change_json = json!({
            "actions": actions,
            "before": left.known,
            "after": right.known,
            "after_unknown": right.unknown,
            "before_sensitive": left.sensitive,
            "after_sensitive": right.sensitive,
        });
        let Some(one) = after.as_ref().or(before.as_ref()) else { return Json::Null };
        let (module, name) = (&change.address.module, &change.address.name);
        let key = key(&change.address, one);
        let mut entry = json!({
            "address": address(module, one.resource, name, key.as_deref()),
            "mode": "managed",
            "type": one.resource,
            "name": name,
            "provider_name": PROVIDER,
        });
        if !module.is_root() {
            entry["module_address"] = json!(module.to_string());
        }
        if let Some(key) = key {
            entry["index"] = json!(key);
        }
        if one.parent.is_none() {
            if let Reason::Forced(paths) = &change.reason {
                change_json["replace_paths"] = paths.iter().map(|path| terraform::path(kind, path)).collect();
            }
            if change.is_taken_over() {
                change_json["importing"] = json!({ "id": change.id });
            }
            if let Some(from) = &change.moved_from {
                let there = kinds::kind(&from.kind).map_or(one.resource, |kind| kind.terraform().resource);
                entry["previous_address"] =
                    json!(address(&from.module, there, &from.name, from.key.as_deref()));
            }
            if change.reason == Reason::Deposed {
                entry["deposed"] = json!(change.id);
            }
            if let Some(reason) = reason(change) {
                entry["action_reason"] = json!(reason);
            }
        }
        entry["change"] = change_json;
        entry["dwctl"] = match item {
            Some(item) => own(item, self.options),
            None => json!({ "address": visible(&change.address.to_string()), "kind": change.address.kind }),
        };
        if one.parent.is_some() {
            entry["dwctl"]["part"] = json!(true);
        }
        if let Some(id) = &change.place.account {
            entry["dwctl"]["account_id"] = json!(id);
        }
        entry
    }

    /// Adds a resource to the lists of planned, prior and configured resources.
    fn list(&mut self, change: &Change, (before, after): &Pair, main: bool, referred: &Referred) {
        let module = &change.address.module;
        for (one, list) in [(before, &mut self.prior), (after, &mut self.planned)] {
            let Some(one) = one else { continue };
            let key = key(&change.address, one);
            let Sides { known, sensitive, .. } = sides(&one.attributes);
            let mut entry = json!({
                "address": address(module, one.resource, &change.address.name, key.as_deref()),
                "mode": "managed",
                "type": one.resource,
                "name": change.address.name,
                "provider_name": PROVIDER,
                "schema_version": 0,
                "values": known,
                "sensitive_values": sensitive,
            });
            if let Some(key) = key {
                entry["index"] = json!(key);
            }
            list.add(module, entry);
        }
        let Some(one) = after else { return };
        // What is in the same module has no module in its name.
        let here = |of: &ModulePath| if of == module { ModulePath::default() } else { of.clone() };
        let there = |address_of: &Address| {
            let kind = kinds::kind(&address_of.kind)?;
            let module = here(&address_of.module);
            Some(address(&module, kind.terraform().resource, &address_of.name, None))
        };
        let mut expressions = terraform::expressions(&one.attributes, referred);
        if let Some(parent) = one.parent
            && let Some(whole) = there(&change.address)
        {
            expressions.insert(parent.to_owned(), json!({ "references": [format!("{whole}.id"), whole] }));
        }
        let needs: Vec<String> =
            if main { change.needs.iter().filter_map(there).collect() } else { Vec::new() };
        // A declaration is configured once, however many resources it declares.
        let names: Vec<String> = module.steps().iter().map(|step| step.name.clone()).collect();
        let address = address(&ModulePath::default(), one.resource, &change.address.name, None);
        if !self.configured.insert(format!("{}\0{address}", names.join("\0"))) {
            return;
        }
        self.configuration.entry(names).or_default().push(json!({
            "address": address,
            "mode": "managed",
            "type": one.resource,
            "name": change.address.name,
            "provider_config_key": match change.place.name.as_ref().filter(|_| change.place.account.is_some()) {
                Some(name) => format!("aws.{name}"),
                None => "aws".to_owned(),
            },
            "expressions": expressions,
            "depends_on": needs,
            "schema_version": 0,
        }));
    }
}

/// A resource on one side, including attributes that AWS decides; these are unknown before it is
/// created.
fn side(
    kind: &dyn ErasedKind,
    spec: &Value,
    tags: &Value,
    id: Value,
    attrs: Option<&Value>,
) -> Vec<Resource> {
    let unknown = id.clone();
    let mut all = resources(kind, spec, tags.clone(), id);
    if let Some(Resource { attributes: Value::Map(block), .. }) = all.first_mut() {
        for name in kind.schema().attrs.fields().into_iter().flatten().map(|(name, _)| name) {
            let value = match attrs {
                Some(attrs) => Known(attrs).get(name).cloned(),
                None => Some(unknown.clone()),
            };
            if let Some(value) = value {
                block.entry(name.clone()).or_insert(value);
            }
        }
    }
    all
}

/// Pairs each resource with its earlier version, the main one first.
fn pairs(before: Vec<Resource>, after: Vec<Resource>) -> Vec<Pair> {
    let mut earlier: BTreeMap<(&'static str, Option<String>), Resource> = BTreeMap::new();
    let mut order = Vec::new();
    for one in before {
        order.push((one.resource, one.key.clone()));
        earlier.insert((one.resource, one.key.clone()), one);
    }
    let mut pairs: Vec<Pair> =
        after.into_iter().map(|one| (earlier.remove(&(one.resource, one.key.clone())), Some(one))).collect();
    pairs.extend(order.into_iter().filter_map(|key| Some((Some(earlier.remove(&key)?), None))));
    pairs
}

fn actions(action: Action) -> Vec<&'static str> {
    match action {
        Action::NoOp => vec!["no-op"],
        Action::Create => vec!["create"],
        Action::Update => vec!["update"],
        Action::Replace { create_first: false } => vec!["delete", "create"],
        Action::Replace { create_first: true } => vec!["create", "delete"],
        Action::Delete => vec!["delete"],
        Action::Forget => vec!["forget"],
    }
}

fn actions_of_part(pair: &Pair, action: Action, drift: bool) -> Vec<&'static str> {
    match (pair, action) {
        _ if drift => vec!["no-op"],
        ((None, Some(_)), _) => vec!["create"],
        ((Some(_), None), Action::Forget) => vec!["forget"],
        ((Some(_), None), _) => vec!["delete"],
        (_, Action::Replace { .. }) => actions(action),
        ((before, after), _) if before == after => vec!["no-op"],
        _ => vec!["update"],
    }
}

/// A resource that someone changed outside dwctl: as it was applied, and as it is. Attributes that
/// differ for another reason have the live value on both sides.
#[allow(clippy::too_many_arguments)]
fn drifted(
    kind: &dyn ErasedKind,
    change: &Change,
    item: &Item<'_>,
    drift: bool,
    existing: &Value,
    desired: &Value,
    live_tags: &Value,
    desired_tags: &Value,
) -> Option<Pair> {
    let id = change.id.clone().map_or(Value::Null, Value::from);
    let whole =
        |spec: &Value, tags: &Value| resources(kind, spec, tags.clone(), id.clone()).into_iter().next();
    if change.reason == Reason::Vanished && !desired.is_null() {
        return Some((whole(desired, desired_tags), None));
    }
    if item.sort == Sort::Destroy || (drift && item.sort != Sort::Changed) {
        return None;
    }
    let mut names = std::collections::BTreeSet::new();
    for one in change.attributes.iter().filter(|one| one.cause != Cause::Stack && !one.hidden) {
        if let Some(PathStep::Name(name)) = one.path.first() {
            names.insert(name.as_str());
        }
    }
    if names.is_empty() {
        return None;
    }
    let (Value::Map(live), Value::Map(applied)) = (existing, desired) else { return None };
    let mut was = live.clone();
    for name in &names {
        match applied.get(*name) {
            Some(value) => was.insert((*name).to_owned(), value.clone()),
            None => was.remove(*name),
        };
    }
    let tags = if names.contains("tags") { desired_tags } else { live_tags };
    Some((whole(&Value::Map(was), tags), whole(existing, live_tags)))
}

/// Terraform's name of the reason.
fn reason(change: &Change) -> Option<&'static str> {
    match (&change.reason, change.action) {
        (Reason::Forced(_) | Reason::Moved { .. }, _) => Some("replace_because_cannot_update"),
        (Reason::Requested, _) => Some("replace_by_request"),
        (Reason::Triggered(_), _) => Some("replace_by_triggers"),
        _ => change.absence().map(Absence::name),
    }
}

/// The index: the key of the resource, of its part, or both.
fn key(address: &Address, one: &Resource) -> Option<String> {
    match (&address.key, &one.key) {
        (Some(key), Some(part)) => Some(format!("{key}/{part}")),
        (key, part) => key.clone().or(part.clone()),
    }
}

/// All outputs with their earlier values, including removed ones. An earlier value that cannot be
/// known is null, and marked in a `dwctl` member.
fn output_changes(review: &Review<'_>) -> Map<String, Json> {
    let changed: HashMap<String, Output> =
        review.outputs().into_iter().map(|one| (one.name.clone(), one)).collect();
    let plan = review.plan;
    let names: BTreeSet<&String> = plan.outputs.keys().chain(plan.outputs_before.keys()).collect();
    let names = names.into_iter().map(|name| {
        let (action, before, after) = match changed.get(&visible(name)) {
            Some(output) => (output.action(), output.before.clone(), output.after.clone()),
            None => ("no-op", plan.outputs.get(name).cloned(), plan.outputs.get(name).cloned()),
        };
        let masked_sides = |value: &Option<Value>| sides(&masked(value.as_ref().unwrap_or(&Value::Null)));
        let (mut left, mut right) = (masked_sides(&before), masked_sides(&after));
        // The value is masked on both sides, but is secret on only one of them.
        match changed.get(&visible(name)).and_then(|output| output.sensitivity) {
            Some(true) => left.sensitive = Json::Bool(false),
            Some(false) => right.sensitive = Json::Bool(false),
            None => {}
        }
        let mut change = json!({
            "actions": [action],
            "before": left.known,
            "after": right.known,
            "after_unknown": right.unknown,
            "before_sensitive": left.sensitive,
            "after_sensitive": right.sensitive,
        });
        if before.is_none() && action != "create" {
            change["dwctl"] = json!({ "before_unknown": true });
        }
        (visible(name), change)
    });
    names.collect()
}

/// An output, secret as a whole if a part of it is.
fn masked(value: &Value) -> Value {
    if value.contains_secret() { value.clone().into_secret() } else { value.clone() }
}

/// The `dwctl` member of a resource.
fn own(item: &Item<'_>, options: &Options) -> Json {
    let details: Vec<Json> = item
        .details
        .iter()
        .map(|one| {
            let sign = match one.sign {
                Sign::Added => "added",
                Sign::Removed => "removed",
                Sign::Changed => "changed",
            };
            let lines: Vec<String> = one
                .lines
                .iter()
                .map(|line| {
                    let sign = match line.sign {
                        Some(Sign::Added) => '+',
                        Some(Sign::Removed) => '-',
                        _ => ' ',
                    };
                    format!("{sign} {}", visible(&line.text))
                })
                .collect();
            let cause = match one.cause {
                Cause::Stack => "stack",
                Cause::Drift => "drift",
                Cause::Both => "both",
            };
            json!({
                "attribute": visible(&one.attribute),
                "part": visible(&one.part),
                "sign": sign,
                "text": ValueText::of(one, item.sort == Sort::Create).line(),
                "lines": lines,
                "notes": notes(one, false),
                "forces_replacement": one.forces_replacement,
                "risks": item.risks_of(one).iter().map(risk_json).collect::<Vec<_>>(),
                "cause": cause,
            })
        })
        .collect();
    let place = place(item.change, None, options);
    json!({
        "address": item.address,
        "kind": item.change.address.kind,
        "action": item.sort.name(),
        "words": item.words,
        "why": item.why,
        "id": item.change.id.as_deref().map(visible),
        "leaves": item.kept,
        "risks": item.risks.iter().map(risk_json).collect::<Vec<_>>(),
        "details": details,
        "dependents": item.dependents.addresses,
        "declared": place.map(|(file, line)| json!({ "file": visible(&file), "line": line })),
        "digest": digest(item),
    })
}
