//! Computes the differences between a desired and a live spec, by the kind's schema.

use std::collections::{BTreeMap, BTreeSet};

use super::conceal::{conceal, same};
use super::policy_case;
use crate::schema::{Document, Marks, Node, PathStep, Shape, normalize};
use crate::value::Value;

/// One difference.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeChange {
    /// The path of the attribute.
    pub path: Vec<PathStep>,
    /// The live value; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub before: Option<Value>,
    /// The desired value; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub after: Option<Value>,
    /// The change forces a replacement of the resource.
    pub forces_replacement: bool,
    /// The change loses data.
    pub data_loss: bool,
    /// The change interrupts the service.
    pub downtime: bool,
    /// The element is a policy statement, and is shown as one.
    pub statement: bool,
    /// AWS cannot return the live value.
    pub hidden: bool,
    /// The stack wrote the attribute and no longer declares it, but leaves it as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
    /// Who caused the difference.
    pub cause: Cause,
}

/// Reads a field that is present, null included, as `Some`. An absent field is `None` by default.
fn some<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

impl AttributeChange {
    /// Returns the change with its secrets revealed, to judge its risks.
    pub(super) fn revealed(&self) -> Self {
        let open = |value: &Option<Value>| value.clone().map(Value::reveal);
        Self { before: open(&self.before), after: open(&self.after), ..self.clone() }
    }

    /// The top-level attribute that it is in.
    pub fn root(&self) -> Option<&str> {
        match self.path.first()? {
            PathStep::Name(name) => Some(name),
            PathStep::Index(_) => None,
        }
    }

    /// Returns whether it is one of the tags by which dwctl recognises what it owns.
    pub fn is_owner_tag(&self) -> bool {
        matches!(self.path.as_slice(), [PathStep::Name(tags), PathStep::Name(key)]
            if tags == "tags" && crate::kind::Owner::KEYS.contains(&key.as_str()))
    }
}

/// Who made an attribute differ from its desired value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Cause {
    /// The stack was edited.
    Stack,
    /// Someone else changed it at AWS.
    Drift,
    /// Both.
    Both,
}

/// Returns all differences between two specs in canonical form; empty exactly if they are equal.
pub fn diff(node: &Node, before: &Value, after: &Value) -> Vec<AttributeChange> {
    let mut walk = Walk { changes: Vec::new(), path: Vec::new() };
    if before.contains_secret() || after.contains_secret() {
        let (before, after) = conceal(Some(node), before, after);
        walk.node(Some(node), Flags::default(), &before, &after);
    } else {
        walk.node(Some(node), Flags::default(), before, after);
    }
    walk.changes
}

/// Returns the differences in the order of the file. In a keyed list, removed elements come first,
/// then the others as they are `written`.
pub fn in_order_of(node: &Node, written: &Value, changes: Vec<AttributeChange>) -> Vec<AttributeChange> {
    arrange(node, Some(written), 0, changes)
}

/// Orders differences whose paths share their first `depth` steps.
fn arrange(
    node: &Node,
    written: Option<&Value>,
    depth: usize,
    changes: Vec<AttributeChange>,
) -> Vec<AttributeChange> {
    let written = match written {
        Some(Value::Secret(inner)) => inner.as_ref(),
        Some(written) => written,
        None => return changes,
    };
    let mut groups: Vec<(Option<PathStep>, Vec<AttributeChange>)> = Vec::new();
    for change in changes {
        let step = change.path.get(depth).cloned();
        match groups.last_mut() {
            Some((last, group)) if *last == step => group.push(change),
            _ => groups.push((step, vec![change])),
        }
    }
    let mut elements: BTreeMap<&str, (usize, &Value)> = BTreeMap::new();
    if let (Some(key), Value::List(list)) = (node.key.as_deref(), written) {
        let named =
            list.iter().enumerate().filter_map(|(at, one)| Some((one.get(key)?.as_str()?, (at, one))));
        elements.extend(named);
        groups.sort_by_key(|(step, _)| match step {
            Some(PathStep::Name(name)) => elements.get(name.as_str()).map(|(at, _)| *at),
            _ => None,
        });
    }
    let within = |(step, group): (Option<PathStep>, Vec<AttributeChange>)| {
        let Some(step) = step else { return group };
        let Some(inner) = node.at(std::slice::from_ref(&step)) else { return group };
        let value = match (&step, written) {
            (PathStep::Name(name), Value::Map(map)) => map.get(name),
            (PathStep::Name(name), _) => elements.get(name.as_str()).map(|(_, value)| *value),
            (PathStep::Index(_), _) => None,
        };
        arrange(inner, value, depth + 1, group)
    };
    groups.into_iter().flat_map(within).collect()
}

/// The flags that a path inherits from its parents.
#[derive(Clone, Copy, Default)]
struct Flags {
    replace: bool,
    data_loss: bool,
    downtime: bool,
    secret: bool,
    hidden: bool,
}

struct Walk {
    changes: Vec<AttributeChange>,
    path: Vec<PathStep>,
}

impl Walk {
    fn within(&mut self, step: PathStep, inner: impl FnOnce(&mut Self)) {
        self.path.push(step);
        inner(self);
        self.path.pop();
    }

    fn leaf(&mut self, flags: Flags, before: &Value, after: &Value, statement: bool) {
        let present = |value: &Value| {
            let value = if flags.secret { value.clone().reveal().into_secret() } else { value.clone() };
            (!matches!(&value, Value::Null) && value != Value::Secret(Box::new(Value::Null))).then_some(value)
        };
        self.changes.push(AttributeChange {
            path: self.path.clone(),
            before: present(before),
            after: present(after),
            forces_replacement: flags.replace,
            data_loss: flags.data_loss,
            downtime: flags.downtime,
            statement,
            hidden: flags.hidden,
            stays: false,
            cause: Cause::Stack,
        });
    }

    /// Records a value that exists on one side only; null counts as a value.
    fn presence(&mut self, flags: Flags, before: Option<&Value>, after: Option<&Value>) {
        self.leaf(flags, before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null), false);
        if let Some(change) = self.changes.last_mut() {
            change.before = change.before.take().or(before.map(|_| Value::Null));
            change.after = change.after.take().or(after.map(|_| Value::Null));
        }
    }

    fn node(&mut self, node: Option<&Node>, mut flags: Flags, before: &Value, after: &Value) {
        if let Some(node) = node {
            flags.replace |= node.marks.replace
                || (node.marks.replace_when_come_or_gone
                    && matches!(before, Value::Null) != matches!(after, Value::Null));
            flags.data_loss |= node.marks.data_loss;
            flags.downtime |= node.marks.downtime;
            flags.hidden |= node.marks.unreadable();
            flags.secret |= matches!(node.shape, Shape::Secret);
        }
        match (before, after) {
            // An unknown value may turn out equal; until then it differs.
            (Value::Unknown(_), _) | (_, Value::Unknown(_)) => self.leaf(flags, before, after, false),
            (Value::Secret(before), Value::Secret(after)) => {
                self.node(node, Flags { secret: true, ..flags }, before, after);
            }
            (Value::Secret(before), after) => self.node(node, Flags { secret: true, ..flags }, before, after),
            (before, Value::Secret(after)) => self.node(node, Flags { secret: true, ..flags }, before, after),
            (before, after) if before == after => {}
            (before, after) => self.differing(node, flags, before, after),
        }
    }

    fn differing(&mut self, node: Option<&Node>, flags: Flags, before: &Value, after: &Value) {
        let shape = node.map(|node| &node.shape);
        let secret = before.contains_secret() || after.contains_secret();
        // AWS returns in the open what the stack keeps secret. That alone is no difference.
        if secret && open(node, before) == open(node, after) {
            return;
        }
        if flags.secret {
            return self.leaf(flags, before, after, false);
        }
        if node.and_then(|node| node.document).is_some_and(Document::is_whole) {
            return self.leaf(flags, before, after, false);
        }
        match (shape, before, after) {
            (Some(Shape::Policy), Value::Map(before), Value::Map(after)) => {
                self.policy(node, flags, before, after);
            }
            (_, Value::Map(before), Value::Map(after)) => {
                let fields = node.and_then(Node::fields);
                let element = match shape {
                    Some(Shape::Map(element)) => Some(element.as_ref()),
                    _ => None,
                };
                self.maps(
                    |name| fields.and_then(|fields| fields.get(name)).or(element),
                    flags,
                    before,
                    after,
                );
            }
            // In a map of policies, each policy is reported by itself.
            (Some(Shape::Map(element)), Value::Null, Value::Map(after))
                if matches!(element.shape, Shape::Policy) =>
            {
                self.maps(|_| Some(element.as_ref()), flags, &BTreeMap::new(), after);
            }
            (Some(Shape::Map(element)), Value::Map(before), Value::Null)
                if matches!(element.shape, Shape::Policy) =>
            {
                self.maps(|_| Some(element.as_ref()), flags, before, &BTreeMap::new());
            }
            (Some(Shape::List { element, .. }), Value::List(before), Value::List(after)) => {
                match node.and_then(|node| node.key.as_deref()) {
                    Some(key) => self.keyed(element, key, flags, before, after),
                    None if node.is_some_and(|node| node.marks.set) => {
                        self.sets(element, flags, before, after);
                    }
                    None => self.lists(Some(element), flags, before, after),
                }
            }
            (_, Value::List(before), Value::List(after)) => self.lists(None, flags, before, after),
            (Some(Shape::Object { fields, .. }), Value::Null, Value::Map(after))
                if !flags.replace && !fields.is_empty() && self.path.is_empty() =>
            {
                self.maps(|name| fields.get(name), flags, &BTreeMap::new(), after);
            }
            (Some(Shape::Object { fields, .. }), Value::Map(before), Value::Null) if self.path.is_empty() => {
                self.maps(|name| fields.get(name), flags, before, &BTreeMap::new());
            }
            _ => self.leaf(flags, before, after, false),
        }
    }

    fn maps<'n>(
        &mut self,
        node_of: impl Fn(&str) -> Option<&'n Node>,
        flags: Flags,
        before: &BTreeMap<String, Value>,
        after: &BTreeMap<String, Value>,
    ) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let left = before.get(name).unwrap_or(&Value::Null);
            let right = after.get(name).unwrap_or(&Value::Null);
            // A key with a null value is not an absent key: free maps may have both.
            let presence_differs = before.contains_key(name) != after.contains_key(name);
            self.within(PathStep::Name(name.clone()), |walk| {
                if presence_differs && left == right {
                    walk.presence(flags, before.get(name), after.get(name));
                } else {
                    walk.node(node_of(name), flags, left, right);
                }
            });
        }
    }

    fn lists(&mut self, element: Option<&Node>, flags: Flags, before: &[Value], after: &[Value]) {
        // An element that only moved was neither added nor removed.
        if is_reordered(before, after) {
            return self.leaf(flags, &Value::List(before.to_vec()), &Value::List(after.to_vec()), false);
        }
        for (place, left, right) in aligned(before, after) {
            self.within(PathStep::Index(place), |walk| match (left, right) {
                (Some(left), Some(right)) => walk.node(element, flags, left, right),
                (left, right) => walk.presence(flags, left, right),
            });
        }
    }

    fn keyed(&mut self, element: &Node, key: &str, flags: Flags, before: &[Value], after: &[Value]) {
        let name = |value: &Value| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let index = |list: &[Value]| -> Option<BTreeMap<String, Value>> {
            let map: BTreeMap<String, Value> =
                list.iter().filter_map(|value| Some((name(value)?, value.clone()))).collect();
            (map.len() == list.len()).then_some(map)
        };
        match (index(before), index(after)) {
            (Some(left), Some(right)) if left != right => self.maps(|_| Some(element), flags, &left, &right),
            // Lists without known keys, or that only differ in order, are compared by position.
            _ => self.lists(Some(element), flags, before, after),
        }
    }

    fn sets(&mut self, element: &Node, flags: Flags, before: &[Value], after: &[Value]) {
        let mut found = false;
        let [gone, come] = apart(before, after, &|value| open(Some(element), value));
        // Elements of a set have no position, so all share the path of the set.
        for at in gone {
            found = true;
            self.leaf(flags, &before[at], &Value::Null, false);
        }
        for at in come {
            found = true;
            self.leaf(flags, &Value::Null, &after[at], false);
        }
        if !found {
            self.leaf(flags, &Value::List(before.to_vec()), &Value::List(after.to_vec()), false);
        }
    }

    /// Compares policies by statement, and the rest of them by name.
    fn policy(
        &mut self,
        node: Option<&Node>,
        flags: Flags,
        before: &BTreeMap<String, Value>,
        after: &BTreeMap<String, Value>,
    ) {
        let statements = |policy: &BTreeMap<String, Value>| match policy.get("Statement") {
            Some(Value::List(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        let (left, right) = (statements(before), statements(after));
        let found = self.changes.len();
        let alone = |statement: &Value| {
            let policy = Value::map([("Statement", Value::List(vec![statement.clone()]))]);
            open(node, &policy)
        };
        let [gone, come] = apart(&left, &right, &alone);
        for index in gone {
            self.within(PathStep::Index(index), |walk| walk.leaf(flags, &left[index], &Value::Null, true));
        }
        for index in come {
            self.within(PathStep::Index(index), |walk| walk.leaf(flags, &Value::Null, &right[index], true));
        }
        let rest = |policy: &BTreeMap<String, Value>| {
            let mut rest = policy.clone();
            rest.remove("Statement");
            rest
        };
        self.maps(|_| None, flags, &rest(before), &rest(after));
        if self.changes.len() == found {
            // Same statements, in another number or order. The canonical form rules this out.
            self.leaf(flags, &Value::Map(before.clone()), &Value::Map(after.clone()), false);
        }
    }
}

/// Returns whether two differing lists hold the same elements in another order.
pub(super) fn is_reordered(before: &[Value], after: &[Value]) -> bool {
    let mut left: Vec<&Value> = before.iter().collect();
    before.len() == after.len()
        && before != after
        && after.iter().all(|value| {
            let at = left.iter().position(|one| *one == value);
            at.map(|at| left.swap_remove(at)).is_some()
        })
}

/// Returns a value with its secrets revealed and in canonical order, which depends on the contents.
fn open(node: Option<&Node>, value: &Value) -> Value {
    if !value.contains_secret() {
        return value.clone();
    }
    let value = value.clone().reveal();
    match node {
        Some(node) => normalize(node, value).reveal(),
        None => value,
    }
}

/// The positions of elements that only one of two lists has.
fn apart(before: &[Value], after: &[Value], open: &dyn Fn(&Value) -> Value) -> [Vec<usize>; 2] {
    let secret = before.iter().chain(after).any(Value::contains_secret);
    let compared = |list: &[Value]| -> Vec<Value> {
        list.iter().map(|value| if secret { open(value) } else { value.clone() }).collect()
    };
    let (left, right) = (compared(before), compared(after));
    let alone = |list: &[Value], other: &[Value]| {
        list.iter().enumerate().filter(|(_, value)| !other.contains(value)).map(|(at, _)| at).collect()
    };
    [alone(&left, &right), alone(&right, &left)]
}

/// Aligns two versions of a list. Equal elements stand side by side, however far they have moved;
/// the rest stands between them, in order. Each pair comes with its position: in the new list, if
/// the pair has a new element.
pub(super) fn aligned<'v>(
    before: &'v [Value],
    after: &'v [Value],
) -> Vec<(usize, Option<&'v Value>, Option<&'v Value>)> {
    let by_place = |from: usize, to: usize, count: usize, more: usize| {
        (0..count.max(more)).map(move |at| {
            let (left, right) = (before.get(from..from + count), after.get(to..to + more));
            let left = left.and_then(|left| left.get(at));
            let right = right.and_then(|right| right.get(at));
            (if right.is_some() { to + at } else { from + at }, left, right)
        })
    };
    let mut known: Vec<&Value> = Vec::new();
    let mut number = |value: &'v Value| {
        known.iter().position(|one| same(one, value)).unwrap_or_else(|| {
            known.push(value);
            known.len() - 1
        })
    };
    let left: Vec<usize> = before.iter().map(&mut number).collect();
    let right: Vec<usize> = after.iter().map(&mut number).collect();
    similar::capture_diff_slices(similar::Algorithm::Myers, &left, &right)
        .iter()
        .flat_map(|run| {
            let (old, new) = (run.old_range(), run.new_range());
            by_place(old.start, new.start, old.len(), new.len())
        })
        .collect()
}

/// Returns whether a desired value, at a dotted path and with these marks, is the one that was last
/// applied; `None` if that is not on record.
pub type WasApplied<'a> = dyn Fn(&str, &Value, Marks) -> Option<bool> + 'a;

/// Completes both sides, so that a plain comparison of them is right. Fields that are AWS's choice
/// when absent take the live value in `want`. Fields that AWS cannot return take the desired value
/// on the live side, if that value was last applied.
pub fn overlay(node: &Node, want: Value, live: Value, was_applied: &WasApplied<'_>) -> (Value, Value) {
    overlay_at(node, want, live, was_applied, "")
}

fn overlay_at(
    node: &Node,
    want: Value,
    live: Value,
    was_applied: &WasApplied<'_>,
    path: &str,
) -> (Value, Value) {
    match (&node.shape, want, live) {
        (Shape::Object { fields, .. }, Value::Map(mut want), Value::Map(mut live)) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if field.marks.unreadable() {
                    live.remove(name);
                    if let Some(desired) = want.get(name)
                        && was_applied(&path, desired, field.marks) != Some(false)
                    {
                        live.insert(name.clone(), desired.clone());
                    }
                    continue;
                }
                match (want.remove(name), live.remove(name)) {
                    (Some(desired), Some(found)) => {
                        let (desired, found) = overlay_at(field, desired, found, was_applied, &path);
                        want.insert(name.clone(), desired);
                        live.insert(name.clone(), found);
                    }
                    (None, Some(found)) => {
                        if field.marks.aws_default {
                            want.insert(name.clone(), found.clone());
                        }
                        live.insert(name.clone(), found);
                    }
                    // Empty on both sides.
                    (Some(Value::List(list)), None) if list.is_empty() => {}
                    (Some(Value::Map(map)), None) if map.is_empty() => {}
                    (Some(desired), None) => {
                        want.insert(name.clone(), desired);
                    }
                    (None, None) => {}
                }
            }
            (Value::Map(want), Value::Map(live))
        }
        (Shape::Map(element), Value::Map(want), Value::Map(mut live)) => {
            let want = want
                .into_iter()
                .map(|(name, desired)| match live.remove(&name) {
                    Some(found) => {
                        let (desired, found) =
                            overlay_at(element, desired, found, was_applied, &format!("{path}.{name}"));
                        live.insert(name.clone(), found);
                        (name, desired)
                    }
                    None => (name, desired),
                })
                .collect();
            (Value::Map(want), Value::Map(live))
        }
        (Shape::List { element, .. }, Value::List(want), Value::List(mut live)) if !node.marks.set => {
            let place = |desired: &Value, index: usize, live: &[Value]| match node.key.as_deref() {
                Some(key) => live
                    .iter()
                    .position(|found| found.get(key).is_some() && found.get(key) == desired.get(key)),
                None => (index < live.len()).then_some(index),
            };
            let want = want
                .into_iter()
                .enumerate()
                .map(|(index, desired)| match place(&desired, index, &live) {
                    Some(at) => {
                        let found = std::mem::take(&mut live[at]);
                        let (desired, found) =
                            overlay_at(element, desired, found, was_applied, &format!("{path}.{index}"));
                        live[at] = found;
                        desired
                    }
                    None => desired,
                })
                .collect();
            (Value::List(want), Value::List(live))
        }
        (Shape::Policy, want, live) => policy_case::align(node, want, live),
        (_, want, live) => (want, live),
    }
}

/// The dotted paths of all fields that AWS cannot return, with their values in `spec`.
pub(super) fn unreadable<'v>(node: &'v Node, spec: &'v Value) -> Vec<(String, &'v Node, &'v Value)> {
    let mut found = Vec::new();
    collect_unreadable(node, spec, "", &mut found);
    found
}

fn collect_unreadable<'v>(
    node: &'v Node,
    value: &'v Value,
    path: &str,
    found: &mut Vec<(String, &'v Node, &'v Value)>,
) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (&node.shape, value) {
        (Shape::Object { fields, .. }, Value::Map(map)) => {
            for (name, field) in fields {
                let Some(value) = map.get(name) else { continue };
                if field.marks.unreadable() {
                    found.push((below(name), field, value));
                } else {
                    collect_unreadable(field, value, &below(name), found);
                }
            }
        }
        (Shape::Map(element), Value::Map(map)) => {
            map.iter().for_each(|(name, value)| collect_unreadable(element, value, &below(name), found));
        }
        (Shape::List { element, .. }, Value::List(list)) if !node.marks.set => {
            for (index, value) in list.iter().enumerate() {
                collect_unreadable(element, value, &below(&index.to_string()), found);
            }
        }
        _ => {}
    }
}
