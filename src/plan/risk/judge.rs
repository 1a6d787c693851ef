//! Judges the risks of changed values by the schema's marks. This is the only interpreter of
//! `x-dwctl-risk`, see `schema/meaning.rs`.
//!
//! Values are judged by their contents, secret or not. Only [`words`] shows values, and it shows no
//! secrets.

use std::collections::BTreeSet;

use super::super::detail::{at, value_text};
use super::super::{Action, AttributeChange, Change, Risk, RiskLabel};
use super::seen::{is_open, number, seen};
use super::{copies, expiry};
use crate::diag::filled;
use crate::schema::{Document, Held, Node, PathStep, RiskMark, Shape, When};
use crate::value::{Number, Value};

/// The risks of each changed attribute, in the order of `change.attributes`. With `swapped`, the
/// attributes run from the stack's value to the live one, as `drift` shows them.
pub(in crate::plan) fn of_attributes(change: &Change, swapped: bool) -> Vec<Vec<Risk>> {
    let mut risks: Vec<Vec<Risk>> = vec![Vec::new(); change.attributes.len()];
    let Some(kind) = crate::kinds::kind(&change.address.kind) else { return risks };
    let (before, after) = match swapped {
        true => (&change.desired, &change.existing),
        false => (&change.existing, &change.desired),
    };
    let unreplaced = change.unreplaced.as_ref().filter(|_| !swapped).map(|unreplaced| &unreplaced.desired);
    let creating = change.action == Action::Create;
    let schema = &kind.schema().spec;
    let (judged, read) = (BTreeSet::new(), BTreeSet::new());
    let attributes = change.attributes.as_slice();
    let mut judge = Judge { schema, attributes, before, after, unreplaced, creating, judged, read };
    for (index, one) in change.attributes.iter().enumerate() {
        for (place, risk) in judge.attribute(one) {
            // A risk that a whole document reports for one of its parts belongs to that part.
            let part = place
                .and_then(|place| change.attributes.iter().position(|other| other.path.starts_with(&place)));
            risks[part.unwrap_or(index)].push(risk);
        }
    }
    risks
}

/// The risks of destroying or replacing a resource.
pub(in crate::plan) fn of_destroyed(schema: &Node, existing: &Value) -> Vec<Risk> {
    let mut risks = Vec::new();
    for (name, field) in schema.fields().into_iter().flatten() {
        let there = existing.get(name).filter(|value| !is_nothing(value)).or(field.default.as_ref());
        for mark in &field.risks {
            let When::Destroyed(held) = &mark.when else { continue };
            let is_held = there.is_some_and(|there| match held {
                Held::Any => true,
                Held::Value(value) => plain(there).as_deref() == Some(value.as_str()),
                Held::Finite => duration(Some(there)).is_some_and(f64::is_finite),
            });
            if is_held && allows(mark, schema, existing) {
                risks.push(Risk { label: mark.sort, words: words(mark, there, None) });
            }
        }
    }
    risks
}

/// Judges the changes of one resource.
struct Judge<'c> {
    schema: &'c Node,
    attributes: &'c [AttributeChange],
    /// The whole live resource.
    before: &'c Value,
    /// The desired resource.
    after: &'c Value,
    /// The resource that would be desired if nothing were replaced.
    unreplaced: Option<&'c Value>,
    creating: bool,
    /// The places of judged tables and documents, each above a change.
    judged: BTreeSet<Vec<PathStep>>,
    /// The places of documents that have been judged.
    read: BTreeSet<Vec<PathStep>>,
}

/// A risk, and the place of the part that it belongs to, if that may be another attribute.
type Found = (Option<Vec<PathStep>>, Risk);

impl<'c> Judge<'c> {
    fn attribute(&mut self, one: &AttributeChange) -> Vec<Found> {
        let mut found = Vec::new();
        let mut node = self.schema;
        for length in 1..=one.path.len() {
            let (place, rest) = one.path.split_at(length);
            let Some(inner) = node.at(&place[length - 1..]) else { break };
            node = inner;
            if let Some(document) = node.document.filter(|_| !self.creating)
                && self.read.insert(place.to_vec())
            {
                self.document(document, place, &mut found);
            }
            match rest {
                [] => self.leaf(node, one, &mut found),
                [step] if one.before.is_none() || one.after.is_none() => {
                    self.element(node, step, one, &mut found);
                }
                _ => {}
            }
            if !rest.is_empty() && self.judged.insert(place.to_vec()) {
                self.whole(node, place, &mut found);
            }
        }
        found
    }

    /// Applies the marks of the changed field, and of the fields in it.
    fn leaf(&self, node: &Node, one: &AttributeChange, found: &mut Vec<Found>) {
        let (before, after) = (one.before.as_ref(), one.after.as_ref());
        let secret = self.is_secret(&one.path);
        let pair = Pair { node, before, after, hidden: one.hidden, secret };
        let unchanged = self.is_kept(&one.path);
        self.marks(node, &pair, unchanged, found);
        match after.map(seen) {
            Some(Value::Unknown(_)) if !self.creating => self.unknown(node, &pair, unchanged, found),
            Some(after) if before.is_none_or(is_nothing) => self.made(node, after, secret, found),
            _ => {}
        }
    }

    fn marks(&self, node: &Node, pair: &Pair<'_>, unchanged: bool, found: &mut Vec<Found>) {
        for mark in &node.risks {
            let pair = pair.member(mark);
            if self.is_reported(mark, unchanged) && pair.has(mark) {
                found.push((None, pair.risk(mark)));
            }
        }
    }

    fn is_reported(&self, mark: &RiskMark, unchanged: bool) -> bool {
        let is_permission = matches!(mark.sort, RiskLabel::Access | RiskLabel::Protection);
        (mark.of_new || !self.creating)
            && !(unchanged && is_permission)
            && allows(mark, self.schema, self.after)
    }

    /// Applies a list's or map's marks to an element that is added or removed.
    fn element(&self, list: &Node, step: &PathStep, one: &AttributeChange, found: &mut Vec<Found>) {
        if !matches!(list.shape, Shape::List { .. } | Shape::Map(_)) {
            return;
        }
        let name = match step {
            PathStep::Name(name) => Some(Value::from(name.as_str())),
            PathStep::Index(_) => None,
        };
        let shown =
            |value: &'_ Option<Value>| value.as_ref().map(|value| name.clone().unwrap_or(value.clone()));
        let (before, after) = (shown(&one.before), shown(&one.after));
        let (before, after) = (before.as_ref(), after.as_ref());
        let secret = self.is_secret(&one.path);
        let pair = Pair { node: list, before, after, hidden: one.hidden, secret };
        for mark in list.risks.iter().filter(|mark| mark.member.is_none()) {
            let is_presence = matches!(mark.when, When::Gone | When::Come);
            if is_presence && self.is_reported(mark, self.is_kept(&one.path)) && pair.has(mark) {
                found.push((None, pair.risk(mark)));
            }
        }
    }

    /// Applies the marks of a table or document that contains a change.
    fn whole(&self, node: &Node, place: &[PathStep], found: &mut Vec<Found>) {
        if node.risks.is_empty() {
            return;
        }
        let side = |value: &'c Value| within(self.schema, value, place).filter(|value| !is_nothing(value));
        let (before, after) = (side(self.before), side(self.after));
        let whole = Pair { node, before, after, hidden: false, secret: self.is_secret(place) };
        let is_list = matches!(node.shape, Shape::List { .. } | Shape::Map(_));
        for mark in &node.risks {
            let is_element = is_list && mark.member.is_none() && matches!(mark.when, When::Gone | When::Come);
            let pair = whole.member(mark);
            if !is_element && self.is_reported(mark, self.is_kept(place)) && pair.has(mark) {
                found.push((None, pair.risk(mark)));
            }
        }
    }

    /// Applies the marks of the fields of a new value.
    fn made(&self, node: &Node, after: &Value, secret: bool, found: &mut Vec<Found>) {
        let below: Vec<(&Node, &Value)> = match (&node.shape, after) {
            (Shape::Object { fields, .. }, Value::Map(map)) => {
                fields.iter().filter_map(|(name, field)| Some((field, map.get(name)?))).collect()
            }
            (Shape::Map(element), Value::Map(map)) => {
                map.values().map(|value| (element.as_ref(), value)).collect()
            }
            (Shape::List { element, .. }, Value::List(list)) => {
                list.iter().map(|value| (element.as_ref(), value)).collect()
            }
            _ => Vec::new(),
        };
        for (field, value) in below {
            let pair = Pair { node: field, before: None, after: Some(value), hidden: false, secret };
            for mark in field.risks.iter().filter(|mark| mark.of_new) {
                let pair = pair.member(mark);
                if self.is_reported(mark, false) && pair.has(mark) {
                    found.push((None, pair.risk(mark)));
                }
            }
            self.made(field, seen(value), secret, found);
        }
    }

    /// Applies the marks of the fields of a table that is unknown.
    fn unknown(&self, node: &Node, pair: &Pair<'_>, unchanged: bool, found: &mut Vec<Found>) {
        for (name, field) in node.fields().into_iter().flatten() {
            let before = pair.before.map(seen).and_then(|before| before.get(name));
            let pair = Pair { node: field, before, after: pair.after, hidden: false, secret: pair.secret };
            self.marks(field, &pair, unchanged, found);
            self.unknown(field, &pair, unchanged, found);
        }
    }

    /// Judges what the rules of a document do to data.
    fn document(&self, document: Document, place: &[PathStep], found: &mut Vec<Found>) {
        let side = |value: &'c Value| within(self.schema, value, place);
        let (before, after) = (side(self.before), side(self.after));
        // A rule that contains a secret is only named.
        let is_secret = |rule: &str| self.is_secret(&[place, &[PathStep::Name(rule.to_owned())]].concat());
        let risks = match document {
            Document::Lifecycle => expiry::risks(before, after, &is_secret),
            // If a replacement is still named here, its objects continue to be copied.
            Document::Replication if self.is_kept(place) => Vec::new(),
            Document::Replication => copies::risks(before, after, &is_secret),
            _ => return,
        };
        found.extend(risks.into_iter().map(|(rule, risk)| {
            let place = rule.map(|rule| [place, &[PathStep::Name(rule)]].concat());
            (place, risk)
        }));
    }

    /// Returns whether a change at, above or within a place is secret.
    fn is_secret(&self, place: &[PathStep]) -> bool {
        let touches = |one: &&AttributeChange| one.path.starts_with(place) || place.starts_with(&one.path);
        let is_secret =
            |one: &AttributeChange| one.before.iter().chain(&one.after).any(Value::contains_secret);
        self.attributes.iter().filter(touches).any(is_secret)
    }

    /// Returns whether a place would not change if none of its references were replaced.
    fn is_kept(&self, place: &[PathStep]) -> bool {
        self.unreplaced.is_some_and(|unreplaced| {
            let side = |value| within(self.schema, value, place).map(|value| value.clone().reveal());
            side(unreplaced) == side(self.before)
        })
    }
}

/// Two values of a place.
#[derive(Clone, Copy)]
struct Pair<'v> {
    node: &'v Node,
    before: Option<&'v Value>,
    after: Option<&'v Value>,
    /// AWS cannot return the live value; it is only known to differ.
    hidden: bool,
    /// Neither value may be shown.
    secret: bool,
}

impl<'v> Pair<'v> {
    /// The pair of the member that a mark is about.
    fn member(&self, mark: &RiskMark) -> Self {
        let Some(name) = &mark.member else { return *self };
        let field = self.node.fields().and_then(|fields| fields.get(name));
        let of = |value: Option<&'v Value>| match value.map(seen) {
            // Members of an unknown value are unknown.
            Some(Value::Unknown(_)) => value,
            value => value.and_then(|value| value.get(name)).or(field.and_then(|one| one.default.as_ref())),
        };
        Self { node: field.unwrap_or(self.node), before: of(self.before), after: of(self.after), ..*self }
    }

    /// Returns whether the change is, or may be, the one that the mark describes.
    fn has(&self, mark: &RiskMark) -> bool {
        // An unknown value is not reported as a cost.
        let is_cost = mark.sort == RiskLabel::Cost;
        self.happens(&mark.when).is_some_and(|is_certain| is_certain || !is_cost)
    }

    fn risk(&self, mark: &RiskMark) -> Risk {
        let named = |value: Option<&Value>| match value {
            Some(_) if self.secret => Some(Value::Null.into_secret()),
            value => value.map(|value| names(self.node, value)),
        };
        let mut words = words(mark, named(self.before).as_ref(), named(self.after).as_ref());
        if let Some(unknown) = self.after.and_then(Value::first_unknown).filter(|_| !words.is_empty()) {
            words.push_str(&format!(" ({unknown})"));
        }
        Risk { label: mark.sort, words }
    }

    /// Returns `None` if the change is not of this type, and `Some(false)` if that is not known
    /// yet.
    fn happens(&self, when: &When) -> Option<bool> {
        let default = self.node.default.as_ref();
        let something = |value: Option<&'v Value>| value.map(seen).filter(|value| !is_nothing(value));
        let (was, is) = (something(self.before), something(self.after));
        let before = if self.hidden { was } else { was.or(default) };
        let after = is.or(default);
        let certain = |happens: bool| happens.then_some(true);
        if let Some(is) = is.filter(|is| is_open(is)) {
            return self.may_happen(when, before, is);
        }
        match when {
            When::On => certain(flag(after) == Some(true) && (self.hidden || flag(before) != Some(true))),
            When::Off => certain(flag(after) != Some(true) && (self.hidden || flag(before) == Some(true))),
            When::Less => falls(self.limit(before, after, true)?, after.and_then(number)?, before.is_some()),
            When::More => {
                falls(-self.limit(before, after, false)?, -after.and_then(number)?, before.is_some())
            }
            // Other marks cover tables that are added or removed.
            When::Shorter | When::Longer
                if self.node.fields().is_some() && (was.is_none() || is.is_none()) =>
            {
                None
            }
            When::Shorter => {
                let unknown = self.hidden && was.is_none();
                falls(if unknown { f64::INFINITY } else { duration(before)? }, duration(after)?, !unknown)
            }
            When::Longer => certain(duration(after)? > duration(before)?),
            When::Earlier => certain(match (was, is) {
                (Some(was), Some(is)) => is.as_str()? < was.as_str()?,
                (Some(_), None) => true,
                (None, _) => false,
            }),
            When::Gone => certain(was.is_some() && is.is_none()),
            When::Come => certain(was.is_none() && is.is_some()),
            When::Changed => certain(was.is_some() && is.is_some() && !is_same(was, is)),
            When::To(value) => {
                let is = |side: Option<&Value>| side.and_then(plain).as_deref() == Some(value.as_str());
                certain(is(after) && !is(before))
            }
            When::Lower(order) => certain(rank(order, after)? > rank(order, before)?),
            When::Higher(order) => certain(rank(order, after)? < rank(order, before)?),
            When::Loses => certain(was.zip(is).is_some_and(|(was, is)| !holds(is, was))),
            When::Destroyed(_) => None,
        }
    }

    /// Does the same if the desired value is not known yet.
    fn may_happen(&self, when: &When, before: Option<&Value>, is: &Value) -> Option<bool> {
        let least = |value: f64| match &self.node.shape {
            Shape::Number { minimum: Some(minimum), .. } => value <= *minimum,
            _ => false,
        };
        let may = |happens: bool| happens.then_some(false);
        match when {
            When::On => may(flag(before) != Some(true)),
            When::Off => may(flag(before) == Some(true)),
            When::Less => may(before.and_then(number).is_some_and(|before| !least(before))),
            When::More => may(before.and_then(number).is_some()),
            When::Shorter => may(duration(before).is_none_or(|before| !least(before))),
            When::Longer => may(duration(before).is_some_and(f64::is_finite)),
            When::Earlier => may(before.is_some()),
            // The value exists, whatever it is.
            When::Gone => None,
            When::Come => before.is_none().then_some(true),
            When::Changed => (before.is_some() && !is_same(before, Some(is))).then_some(true),
            When::To(value) => may(before.and_then(plain).as_deref() != Some(value.as_str())),
            When::Lower(order) => may(rank(order, before)? + 1 < order.len()),
            When::Higher(order) => may(rank(order, before)? > 0),
            When::Loses => may(before.is_some()),
            When::Destroyed(_) => None,
        }
    }

    /// The limit that a number is compared with. If the live value is unknown, the extreme that it
    /// may have had.
    fn limit(&self, before: Option<&Value>, after: Option<&Value>, most: bool) -> Option<f64> {
        if !self.hidden || before.is_some() {
            return before.and_then(number);
        }
        match &self.node.shape {
            Shape::Number { minimum, maximum, .. } => {
                if most { *maximum } else { *minimum }.or_else(|| after.and_then(number))
            }
            _ => None,
        }
    }
}

/// Returns whether a number falls, which is certain if the live value is known.
fn falls(before: f64, after: f64, is_known: bool) -> Option<bool> {
    (after < before).then_some(is_known)
}

fn is_nothing(value: &Value) -> bool {
    match seen(value) {
        Value::Null => true,
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// A bool, which maps of parameters hold as text.
fn flag(value: Option<&Value>) -> Option<bool> {
    match seen(value?) {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A duration. Absent and negative ones are unlimited; `None` if it is not a duration.
fn duration(value: Option<&Value>) -> Option<f64> {
    const DAYS_OF_A_YEAR: f64 = 365.0;
    let without_end = |number: f64| if number < 0.0 { f64::INFINITY } else { number };
    match value.map(seen) {
        None | Some(Value::Null) => Some(f64::INFINITY),
        Some(Value::Map(map)) => {
            let part = |name: &str| map.get(name).and_then(number);
            match (part("days"), part("years")) {
                (None, None) => None,
                (days, years) => Some(days.unwrap_or(0.0) + DAYS_OF_A_YEAR * years.unwrap_or(0.0)),
            }
        }
        Some(value) => number(value).map(without_end),
    }
}

/// The position in an order.
fn rank(order: &[String], value: Option<&Value>) -> Option<usize> {
    let text = value.and_then(plain)?;
    order.iter().position(|one| *one == text)
}

fn is_same(left: Option<&Value>, right: Option<&Value>) -> bool {
    let bare = |value: Option<&Value>| value.map(|value| value.clone().reveal());
    bare(left) == bare(right)
}

/// Returns whether a document contains everything that another one does.
fn holds(whole: &Value, part: &Value) -> bool {
    match (seen(whole), seen(part)) {
        (Value::Map(whole), Value::Map(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| holds(whole, part)))
        }
        (Value::List(whole), Value::List(part)) => {
            part.iter().all(|part| whole.iter().any(|whole| holds(whole, part)))
        }
        (whole, part) => whole == part,
    }
}

/// A value as marks write it.
fn plain(value: &Value) -> Option<String> {
    match seen(value) {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value_text(seen(value))),
        _ => None,
    }
}

/// Returns whether the mark's condition holds, or may hold.
fn allows(mark: &RiskMark, schema: &Node, resource: &Value) -> bool {
    let Some((path, expected)) = &mark.condition else { return true };
    let path: Vec<PathStep> = path.split('.').map(|name| PathStep::Name(name.to_owned())).collect();
    let default = schema.at(&path).and_then(|node| node.default.as_ref());
    let value = within(schema, resource, &path).filter(|value| !is_nothing(value)).or(default);
    match value {
        Some(value) => is_open(value) || plain(value).as_deref() == Some(expected.as_str()),
        None => expected == "null",
    }
}

/// Returns the value at a place; list elements are found by key.
pub(super) fn within<'v>(schema: &Node, value: &'v Value, place: &[PathStep]) -> Option<&'v Value> {
    let mut node = Some(schema);
    place.iter().try_fold(value, |value, step| {
        let value = seen(value);
        let key = node.and_then(|node| node.key.as_deref());
        node = node.and_then(|node| node.at(std::slice::from_ref(step)));
        match (value, step, key) {
            // All parts of an unknown value are unknown.
            (Value::Unknown(_), ..) => Some(value),
            (Value::List(list), PathStep::Name(name), Some(key)) => {
                list.iter().find(|one| seen(one).get(key).map(seen).and_then(Value::as_str) == Some(name))
            }
            _ => at(value, std::slice::from_ref(step)),
        }
    })
}

/// Describes a list or map by the names of its elements.
fn names(node: &Node, value: &Value) -> Value {
    let joined = |names: Option<Vec<&str>>| names.map(|names| Value::from(names.join(", ")));
    let names = match (&node.shape, value) {
        (Shape::List { .. }, Value::List(list)) => joined(
            list.iter()
                .map(|one| node.key.as_deref().map_or(Some(one), |key| one.get(key))?.as_str())
                .collect(),
        ),
        (Shape::Map(_), Value::Map(map)) => joined(Some(map.keys().map(String::as_str).collect())),
        _ => None,
    };
    names.unwrap_or_else(|| value.clone())
}

/// The words of a mark with the values that it names. Secrets are masked.
fn words(mark: &RiskMark, before: Option<&Value>, after: Option<&Value>) -> String {
    let mut words = mark.words.clone();
    for (name, value) in [("{before}", before), ("{after}", after)] {
        let days = format!("{name} days");
        let is_endless = |value: &Value| match value {
            Value::Number(Number::Integer(number)) => *number < 0,
            _ => false,
        };
        if value.is_none_or(is_endless) {
            words = words.replace(&days, "for ever");
        }
        let shown = match value {
            None => "none".to_owned(),
            Some(value) if is_open(value) => "?".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => value_text(other),
        };
        words = filled(&words, name, &shown);
    }
    words
}
