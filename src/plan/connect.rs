//! Dependencies between resources: by references, by names that are written without a reference,
//! and by attributes that are deferred where resources depend on each other.

use std::collections::{BTreeMap, BTreeSet};

use super::Change;
use crate::aws::Place;
use crate::eval::{EvalContext, Instance};
use crate::graph::{self, Address};
use crate::kind::{Known, Link, Predicted};
use crate::value::Value;

/// The names of a resource, and the names by which it refers to others.
pub(super) struct Names {
    place: Place,
    global: bool,
    /// Its id and ARN, as far as they follow from the stack.
    own: BTreeSet<String>,
    /// The attributes that name others, with the names; `None` if they are not known yet.
    links: Vec<(&'static Link, Option<Vec<String>>)>,
    /// See [`Instance::soft`]; only attributes that are set.
    soft: BTreeMap<Address, BTreeSet<String>>,
    /// Addresses that it refers to only in attributes that are not set.
    idle: BTreeSet<Address>,
    deferrable: &'static [&'static str],
}

impl Names {
    pub(super) fn of(eval: &EvalContext<'_>, instance: &Instance<'_>) -> Self {
        let (kind, spec) = (instance.kind, &instance.spec);
        let scope = eval.facts.scope.at(&instance.place);
        let Predicted(predicted) = kind.predict(Known(spec), &scope);
        let arn = predicted.get("arn").and_then(Value::as_str).map(str::to_owned);
        let links = kind.links().iter().map(|link| {
            let names = (!link.is_open(spec)).then(|| link.names(spec).into_iter().map(str::to_owned));
            (link, names.map(Iterator::collect))
        });
        let is_set = |attribute: &String| match spec.get(attribute) {
            None | Some(Value::Null) => false,
            Some(Value::List(list)) => !list.is_empty(),
            Some(Value::Map(map)) => !map.is_empty(),
            Some(_) => true,
        };
        let (mut soft, mut idle) = (instance.soft.clone(), BTreeSet::new());
        soft.retain(|needed, attributes| {
            attributes.retain(is_set);
            if attributes.is_empty() {
                idle.insert(needed.clone());
            }
            !attributes.is_empty()
        });
        Self {
            place: instance.place.clone(),
            global: kind.global(),
            own: eval.id(instance).into_iter().chain(arn).collect(),
            links: links.collect(),
            soft,
            idle,
            deferrable: kind.deferrable(),
        }
    }

    /// Returns whether an attribute names another resource than `other`, although it refers to the
    /// same declaration.
    fn names_others(&self, attribute: &str, kind: &str, other: &Self) -> bool {
        let mut links =
            self.links.iter().filter(|(link, _)| link.root() == attribute && link.kind == kind).peekable();
        links.peek().is_some()
            && !other.own.is_empty()
            && links.all(|(_, names)| {
                names.as_ref().is_some_and(|names| !names.iter().any(|name| other.own.contains(name)))
            })
    }
}

/// Completes the dependencies of each change, and decides what is deferred.
pub(super) fn connect(names: &BTreeMap<Address, Names>, changes: &mut BTreeMap<Address, Change>) {
    let indices: BTreeMap<&Address, usize> =
        names.keys().enumerate().map(|(index, address)| (address, index)).collect();
    let mut named: BTreeMap<(&str, &str), Vec<&Address>> = BTreeMap::new();
    for (address, one) in names {
        for name in &one.own {
            named.entry((&address.kind, name)).or_default().push(address);
        }
    }
    let addresses: Vec<&Address> = names.keys().collect();
    let (mut hard, mut soft) = (BTreeSet::new(), BTreeSet::new());
    // Soft edges whose attributes can be set later. The other soft edges are merely preferable.
    let mut following: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for (address, one) in names {
        let (Some(change), Some(&mine)) = (changes.get_mut(address), indices.get(address)) else { continue };
        change.needs.retain(|needed| !one.idle.contains(needed));
        for (needed, attributes) in &one.soft {
            let Some(other) = names.get(needed) else { continue };
            let mut attributes = attributes.clone();
            attributes.retain(|attribute| !one.names_others(attribute, &needed.kind, other));
            if attributes.is_empty() {
                change.needs.remove(needed);
            } else if let Some(&theirs) = indices.get(needed) {
                following.insert((mine, theirs), attributes);
            }
        }
        for needed in &change.needs {
            let Some(&theirs) = indices.get(needed) else { continue };
            if following.contains_key(&(mine, theirs)) {
                soft.insert((mine, theirs));
            } else {
                hard.insert((mine, theirs));
            }
        }
        for (link, found) in &one.links {
            for name in found.iter().flatten() {
                for &other in named.get(&(link.kind, name.as_str())).into_iter().flatten() {
                    let near =
                        names.get(other).is_some_and(|other| other.place.is_near(&one.place, other.global))
                            || name.starts_with("arn:");
                    let Some(&theirs) = indices.get(other).filter(|_| near && other != address) else {
                        continue;
                    };
                    if hard.contains(&(mine, theirs)) {
                        continue;
                    }
                    if one.deferrable.contains(&link.root()) {
                        let attributes = following.entry((mine, theirs)).or_default();
                        attributes.insert(link.root().to_owned());
                    }
                    soft.insert((mine, theirs));
                }
            }
        }
    }
    // Deferring an attribute that merely names a resource is better than deferring one that grants
    // access: a topic's policy must exist before a bucket can send to the topic. The stack's own
    // dependencies have an order, or were refused earlier.
    let linked = |(mine, theirs): &(usize, usize)| {
        let links = || following.get(&(*mine, *theirs)).into_iter().flatten();
        let (one, kind) = (&names[addresses[*mine]], addresses[*theirs].kind.as_str());
        let is_link = |attribute: &String| {
            one.links.iter().any(|(link, _)| link.root() == attribute && link.kind == kind)
        };
        links().all(is_link)
    };
    let (named, said): (BTreeSet<_>, BTreeSet<_>) = soft.iter().copied().partition(linked);
    let Ok(mut given_up) = graph::relax(names.len(), &hard, &said) else { return };
    hard.extend(said.difference(&given_up));
    let Ok(more) = graph::relax(names.len(), &hard, &named) else { return };
    given_up.extend(more);
    for &(mine, theirs) in &soft {
        let (Some(change), needed) = (changes.get_mut(addresses[mine]), addresses[theirs]) else { continue };
        match (given_up.contains(&(mine, theirs)), following.get(&(mine, theirs))) {
            (false, _) => drop(change.needs.insert(needed.clone())),
            (true, Some(attributes)) => {
                change.needs.insert(needed.clone());
                change.deferred.insert(needed.clone(), attributes.clone());
            }
            // Only the name is written, and its resource must come later for another reason.
            (true, None) => {}
        }
    }
}
