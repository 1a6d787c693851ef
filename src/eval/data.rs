//! Data: existing resources of others that a stack names in `[data.KIND.NAME]`, as expressions see them.

use std::collections::BTreeMap;

use super::model::{DataNeeds, EvalContext, Instance};
use super::references::InstanceNeeds;
use super::resolve::Names;
use crate::diag::Diagnostic;
use crate::elsewhere;
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Way};
use crate::schema::{PathStep, Shape, as_written, validate};
use crate::value::{Unknown, Value};

/// The attribute of data that is its id at AWS.
const ID: &str = "id";

impl<'a> EvalContext<'a> {
    /// Takes the needs of an instance. Data counts as what it needs itself: nothing else is done for it.
    pub(super) fn take_needs(&self, instance: &mut Instance<'a>, found: InstanceNeeds) {
        let InstanceNeeds { all, mut soft, after } = found;
        let mut needs = DataNeeds { after, ..DataNeeds::default() };
        let mut of_data = self.of_data.borrow_mut();
        for address in all {
            if !address.is_data() {
                needs.needs.insert(address);
                continue;
            }
            if let Some(others) = of_data.get(&address) {
                needs.needs.extend(others.needs.iter().cloned());
                needs.data.extend(others.data.iter().cloned());
                if needs.after.contains(&address) {
                    needs.after.extend(others.after.iter().cloned());
                }
            }
            soft.remove(&address);
            needs.data.insert(address);
        }
        // A need that comes by data is no reference of a deferrable attribute.
        let by_data: Vec<&DataNeeds> = needs.data.iter().filter_map(|one| of_data.get(one)).collect();
        soft.retain(|needed, _| !by_data.iter().any(|one| one.needs.contains(needed)));
        instance.needs.clone_from(&needs.needs);
        instance.soft = soft;
        instance.data.clone_from(&needs.data);
        if instance.resource.is_data {
            instance.after.clone_from(&needs.after);
            of_data.insert(instance.address.clone(), needs);
        }
    }

    /// Evaluates what data looks for. Returns false if there are problems.
    pub(super) fn evaluate_data(&self, instance: &mut Instance<'a>, problems: &mut Vec<Diagnostic>) -> bool {
        let before = problems.len();
        let resource = instance.resource;
        let names = Names::of(self, instance, instance.each_names());
        let is_decided = self.take_place(instance, &names, problems);
        let by = instance.kind.found_by();
        let mut query = BTreeMap::new();
        for entry in resource.body.entries() {
            let found = problems.len();
            let value = entry.value.evaluate(&names, problems);
            if value.contains_secret() {
                problems.push(
                    Diagnostic::error("secret-name", format!("`{}` would show a secret", entry.name))
                        .at(entry.value.span, "what data looks for is always shown")
                        .help("use a name that is not secret"),
                );
            }
            let value = if problems.len() > found {
                Value::unknown(instance.address.to_string(), entry.name.as_str())
            } else {
                value
            };
            query.insert(entry.name.clone(), value);
        }
        let query = as_written(&by.query, Value::Map(query));
        let table = resource.table();
        for fault in validate(&by.query, &query, &table) {
            let is_key = fault.code == "unknown-attribute";
            let span = resource.body.place(&fault.path, is_key);
            let (message, label) = match fault.path.as_slice() {
                [PathStep::Name(name)] if is_key => unknown_attribute(instance.kind, name),
                _ => (fault.message, fault.label),
            };
            let error = Diagnostic::error(fault.code, message).at(span, label);
            problems.push(error.help(format!("dwctl explain {}", resource.kind)));
        }
        if problems.len() == before {
            let given: Vec<&str> =
                query.as_map().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            problems.extend(by.misuse(&given).map(|misuse| {
                Diagnostic::error("invalid-data", format!("{} {misuse}", instance.address))
                    .at(resource.span, "")
                    .help(format!("dwctl explain {}", resource.kind))
            }));
        }
        if problems.len() == before && !query.contains_unknown() && self.way(instance, &query).is_none() {
            let what = format!("{} looks for something that is no {}", instance.address, resource.kind);
            let arn = resource.body.entry("arn").map_or(resource.span, |entry| entry.value.span);
            problems.push(Diagnostic::error("invalid-value", what).at(arn, "not the ARN of one"));
        }
        instance.written.clone_from(&query);
        instance.spec = query;
        is_decided && problems.len() == before
    }

    /// How data is found; `None` if an ARN is not one of its kind.
    fn way(&self, instance: &Instance<'_>, query: &Value) -> Option<Way> {
        instance.kind.way(query, &instance.scope())
    }

    /// How data with a known query is found.
    pub fn way_to(&self, instance: &Instance<'_>) -> Option<Way> {
        if instance.spec.contains_unknown() { None } else { self.way(instance, &instance.spec) }
    }

    /// Makes data visible: what was found, each with its id, or unknown values if it is not read.
    pub fn show_data(&self, instance: &Instance<'_>, found: Option<&[(String, ErasedLive)]>) {
        self.show(&instance.address, self.data_view(instance, found));
    }

    /// Data as expressions see it.
    pub fn data_view(&self, instance: &Instance<'_>, found: Option<&[(String, ErasedLive)]>) -> Value {
        let one = |found: Option<&(String, ErasedLive)>| view(instance, found);
        match found {
            Some(found) if instance.resource.many => Value::list(found.iter().map(|found| one(Some(found)))),
            Some(found) => one(found.first()),
            None if instance.resource.many => Value::Unknown(Unknown::new(instance.address.to_string(), "")),
            None => one(None),
        }
    }

    /// Notes that data is read during the apply, or that it was read.
    pub fn read_later(&self, address: &Address, later: bool) {
        let mut all = self.later.borrow_mut();
        if later {
            all.insert(address.clone());
        } else {
            all.remove(address);
        }
    }

    /// Returns whether data is read during the apply.
    pub fn is_later(&self, address: &Address) -> bool {
        self.later.borrow().contains(address)
    }

    /// Returns whether an address is that of data, or of another stack, which a plan with AWS's answers knows.
    pub(super) fn awaits(&self, address: &str) -> bool {
        let is_data = |address: &Address| address.is_data() && !self.later.borrow().contains(address);
        address.starts_with("stack_output.")
            || address.contains(Address::DATA)
                && address.parse::<Address>().is_ok_and(|address| is_data(&address))
    }
}

/// The attributes of one found resource; unknown without one.
fn view(instance: &Instance<'_>, found: Option<&(String, ErasedLive)>) -> Value {
    let schema = instance.kind.schema();
    let address = instance.address.to_string();
    let mut view = BTreeMap::new();
    let mut add = |name: &str, value: Option<Value>| {
        let value = value.unwrap_or_else(|| Value::unknown(address.as_str(), name));
        view.insert(name.to_owned(), value);
    };
    for (name, field) in schema.spec.fields().into_iter().flatten() {
        if field.marks.unreadable() {
            continue;
        }
        let value = found.map(|(_, live)| live.spec.get(name).cloned().unwrap_or_default());
        let is_secret = matches!(field.shape, Shape::Secret);
        add(name, value.map(|value| if is_secret { value.sensitive() } else { value }));
    }
    for (name, _) in schema.attrs.fields().into_iter().flatten() {
        add(name, found.map(|(_, live)| live.attrs.get(name).cloned().unwrap_or_default()));
    }
    if instance.kind.taggable() {
        let tags = |live: &ErasedLive| {
            let tags = live.tags.iter().map(|(key, tag)| (key.clone(), Value::from(tag.as_str())));
            Value::Map(tags.collect())
        };
        add("tags", found.map(|(_, live)| tags(live)));
    }
    add(ID, found.map(|(id, _)| Value::from(id.as_str())));
    Value::Map(view)
}

/// The error for an attribute that data of a kind cannot be found by, and its label.
fn unknown_attribute(kind: &dyn ErasedKind, name: &str) -> (String, String) {
    let by = kind.found_by();
    let known = by.query.fields().into_iter().flatten().map(|(name, _)| name.as_str());
    let of = |schema: &crate::schema::Node| schema.fields().is_some_and(|fields| fields.contains_key(name));
    let message = format!("{} cannot be found by `{name}`", kind.name());
    let near = crate::diag::nearest(name, known);
    let exists = of(&kind.schema().spec) || of(&kind.schema().attrs) || name == "tags";
    let like = elsewhere::attributes_like(kind, "", name);
    let like = like.iter().find(|one| by.query.fields().is_some_and(|all| all.contains_key(*one)));
    let is_known = |name: &str| by.query.fields().is_some_and(|all| all.contains_key(name));
    if name == "most_recent" && is_known("newest") {
        return (message, "did you mean `newest`?".to_owned());
    }
    let label = match (like, near) {
        (Some(like), _) if !exists => format!("did you mean `{like}`?"),
        (_, Some(near)) if !exists => format!("did you mean `{near}`?"),
        _ => format!("found {}", by.in_words()),
    };
    (message, label)
}
