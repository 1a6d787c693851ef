//! State machines by state (<https://states-language.net/spec.html>), and their picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::json::{self, matched, without};
use super::{Part, Sign, list_text, value_text};
use crate::value::Value;

/// States in a picture at most; more of them tell nothing.
const MOST_STATES: usize = 120;
/// Members that hold machines of their own.
const INNER: [&str; 3] = ["Branches", "ItemProcessor", "Iterator"];

/// What differs, by state.
pub(super) fn machine((before, after): (&Value, &Value)) -> Vec<Part> {
    let mut parts = json::parts("", &without(before, &["States"]), &without(after, &["States"]));
    let (old, new) = (all(before), all(after));
    let names: Vec<&String> = new.keys().chain(old.keys().filter(|name| !new.contains_key(*name))).collect();
    for name in names {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => changed(name, old, new, &mut parts),
            (None, Some(new)) => parts.push(summed_up(Part::new(Sign::Added, format!("state {name}")), new)),
            (Some(old), None) => {
                parts.push(summed_up(Part::new(Sign::Removed, format!("state {name}")), old))
            }
            (None, None) => {}
        }
    }
    // In a form that no machine has.
    if parts.is_empty() && before != after { json::parts("", before, after) } else { parts }
}

/// All states, those of inner machines among them, as `Load` and `Fan / 1 / Load`.
fn all(machine: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    collect(machine, "", &mut found);
    found
}

fn collect<'v>(machine: &'v Value, within: &str, found: &mut BTreeMap<String, &'v Value>) {
    for (name, state) in machine.get("States").and_then(Value::as_map).into_iter().flatten() {
        let name = format!("{within}{name}");
        for (inner, place) in inner(state) {
            let place = place.map_or_else(String::new, |place| format!("{} / ", place + 1));
            collect(inner, &format!("{name} / {place}"), found);
        }
        found.insert(name, state);
    }
}

/// The machines inside of a state, with the number of a branch.
fn inner(state: &Value) -> impl Iterator<Item = (&Value, Option<usize>)> {
    let branches = state.get("Branches").and_then(Value::as_list).into_iter().flatten();
    let each = [state.get("ItemProcessor"), state.get("Iterator")].into_iter().flatten();
    branches.enumerate().map(|(place, one)| (one, Some(place))).chain(each.map(|one| (one, None)))
}

fn summed_up(part: Part, state: &Value) -> Part {
    let words = ["Type", "Resource", "Next"].map(|member| (member, state.get(member).map(list_text)));
    let words: Vec<String> = words
        .into_iter()
        .filter_map(|(member, text)| {
            let text = text?;
            Some(if member == "Next" { format!("then {text}") } else { text })
        })
        .collect();
    if words.is_empty() { part } else { part.note(words.join(", ")) }
}

fn changed(name: &str, old: &Value, new: &Value, parts: &mut Vec<Part>) {
    let what = format!("state {name}");
    for (member, begun) in [("Retry", "retry on"), ("Catch", "catch of")] {
        handlers(&what, member, begun, old, new, parts);
    }
    let apart = ["Retry", "Catch", "Branches", "ItemProcessor", "Iterator"];
    parts.extend(json::parts(&what, &without(old, &apart), &without(new, &apart)));
    // Of the machines inside, what is not a state of theirs.
    for member in INNER {
        let bare = |state: &Value| match state.get(member) {
            Some(Value::List(list)) => {
                Value::List(list.iter().map(|machine| without(machine, &["States"])).collect())
            }
            Some(machine) => without(machine, &["States"]),
            None => Value::Null,
        };
        parts.extend(json::parts(&format!("{what}: {member}"), &bare(old), &bare(new)));
    }
}

/// Retriers or catchers, matched by the errors that they are for.
fn handlers(what: &str, member: &str, begun: &str, old: &Value, new: &Value, parts: &mut Vec<Part>) {
    fn list<'v>(state: &'v Value, member: &str) -> Option<&'v [Value]> {
        state.get(member).map_or(Some(&[]), Value::as_list)
    }
    let (Some(before), Some(after)) = (list(old, member), list(new, member)) else {
        let part = format!("{what}: {member}");
        return parts.push(Part::between(part, old.get(member), new.get(member)));
    };
    let errors = |handler: &Value| handler.get("ErrorEquals").cloned();
    let words = |handler: &Value| {
        let errors = handler.get("ErrorEquals").map(list_text).unwrap_or_default();
        let more = match (handler.get("MaxAttempts"), handler.get("Next")) {
            (_, Some(next)) => format!(" → {}", list_text(next)),
            (Some(attempts), None) => format!(", {} attempts", value_text(attempts)),
            (None, None) => String::new(),
        };
        format!("{what}: {begun} {errors}{more}")
    };
    let count = parts.len();
    let mut order = Vec::new();
    for (old, new) in matched(before, after, &[&errors]) {
        match (old, new) {
            (Some((from, old)), Some((index, new))) => {
                order.push(from);
                parts.extend(
                    json::parts(&format!("{what}: {member}[{index}]"), old, new).into_iter().map(joined),
                );
            }
            (None, Some((_, handler))) => parts.push(Part::new(Sign::Added, words(handler))),
            (Some((_, handler)), None) => {
                parts.push(Part::new(Sign::Removed, format!("{} dropped", words(handler))));
            }
            (None, None) => {}
        }
    }
    if !order.is_sorted() {
        parts.push(
            Part::new(Sign::Changed, format!("{what}: order of {member}")).note("the first that fits counts"),
        );
    } else if parts.len() == count && old.get(member) != new.get(member) {
        parts.push(Part::between(format!("{what}: {member}"), old.get(member), new.get(member)));
    }
}

/// `Retry[0]: MaxAttempts` as `Retry[0].MaxAttempts`.
fn joined(part: Part) -> Part {
    Part { part: part.part.replace("]: ", "]."), ..part }
}

/// A state machine before and after in one picture, as a Mermaid flowchart: what comes is
/// green, what goes red and dotted, what changes yellow. `None` where it is no machine, or
/// too large a one.
pub fn state_machine_mermaid(before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    let is_machine = |machine: &Value| machine.get("States").is_some_and(|states| states.as_map().is_some());
    let (before, after) = (before.filter(|one| is_machine(one)), after.filter(|one| is_machine(one)));
    if before.is_none() && after.is_none() {
        return None;
    }
    let states = |machine: Option<&Value>| machine.map(all).unwrap_or_default().len();
    if states(before).max(states(after)) > MOST_STATES {
        return None;
    }
    let mut picture = Picture { text: "flowchart TD\n".to_owned(), nodes: 0 };
    picture.machine(before, after, 1);
    for (colour, style) in [
        ("added", "stroke:#2da44e,stroke-width:2px"),
        ("removed", "stroke:#cf222e,stroke-width:2px,stroke-dasharray:4"),
        ("changed", "stroke:#bf8700,stroke-width:2px"),
    ] {
        let _ = writeln!(picture.text, "  classDef {colour} {style}");
    }
    Some(picture.text)
}

struct Picture {
    text: String,
    nodes: usize,
}

impl Picture {
    fn node(&mut self) -> String {
        self.nodes += 1;
        format!("s{}", self.nodes)
    }

    fn machine(&mut self, before: Option<&Value>, after: Option<&Value>, depth: usize) {
        fn states(machine: Option<&Value>) -> BTreeMap<&String, &Value> {
            machine.and_then(|one| one.get("States")).and_then(Value::as_map).into_iter().flatten().collect()
        }
        let indent = "  ".repeat(depth);
        let (old, new) = (states(before), states(after));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).copied().collect();
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for name in names {
            let id = self.node();
            let (was, is) = (old.get(name).copied(), new.get(name).copied());
            let class = match (was, is) {
                (None, Some(_)) => ":::added",
                (Some(_), None) => ":::removed",
                (was, is) if was != is => ":::changed",
                _ => "",
            };
            let kind = is.or(was).and_then(|state| state.get("Type")).map(list_text).unwrap_or_default();
            let label = escaped(name);
            let shape = if kind == "Choice" { ["{\"", "\"}"] } else { ["[\"", "\"]"] };
            let _ = writeln!(self.text, "{indent}{id}{}{label}{}{class}", shape[0], shape[1]);
            let inner = |state: Option<&Value>| -> Vec<Value> {
                state
                    .map(|state| inner(state).map(|(machine, _)| machine.clone()).collect())
                    .unwrap_or_default()
            };
            let (had, has) = (inner(was), inner(is));
            for place in 0..had.len().max(has.len()) {
                let group = self.node();
                let _ = writeln!(self.text, "{indent}subgraph {group} [\"{label} {}\"]", place + 1);
                self.machine(had.get(place), has.get(place), depth + 1);
                let _ = writeln!(self.text, "{indent}end");
                self.edge(&indent, &id, &group, "", Some("each"));
            }
            ids.insert(name.clone(), id);
        }
        let (was, is) = (flows(before), flows(after));
        let (start, end) = (self.node(), self.node());
        let mut ends = [false, false];
        for (from, to, label) in was.union(&is) {
            let flow = (from.clone(), to.clone(), label.clone());
            let change = match (was.contains(&flow), is.contains(&flow)) {
                (false, _) => "added",
                (_, false) => "removed",
                _ => "",
            };
            let place = |name: &Option<String>, other: &String| match name {
                None => Some(other.clone()),
                Some(name) => ids.get(name).cloned(),
            };
            if let (Some(source), Some(target)) = (place(from, &start), place(to, &end)) {
                ends[0] |= from.is_none();
                ends[1] |= to.is_none();
                self.edge(&indent, &source, &target, change, label.as_deref());
            }
        }
        for (is_used, id) in ends.into_iter().zip([start, end]) {
            if is_used {
                let _ = writeln!(self.text, "{indent}{id}((\" \"))");
            }
        }
    }

    fn edge(&mut self, indent: &str, from: &str, to: &str, change: &str, label: Option<&str>) {
        let arrow = match change {
            "added" => "==>",
            "removed" => "-.->",
            _ => "-->",
        };
        let label = label.map_or_else(String::new, |label| format!("|\"{}\"|", escaped(label)));
        let _ = writeln!(self.text, "{indent}{from} {arrow}{label} {to}");
    }
}

/// From, to, and why; none is the beginning or the end.
type Flow = (Option<String>, Option<String>, Option<String>);

fn flows(machine: Option<&Value>) -> BTreeSet<Flow> {
    let mut found = BTreeSet::new();
    let Some(machine) = machine else { return found };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if let Some(start) = text(machine.get("StartAt")) {
        found.insert((None, Some(start), None));
    }
    for (name, state) in machine.get("States").and_then(Value::as_map).into_iter().flatten() {
        let from = Some(name.clone());
        let mut to = |target: Option<&Value>, label: Option<&str>| {
            if let Some(target) = text(target) {
                found.insert((from.clone(), Some(target), label.map(str::to_owned)));
            }
        };
        to(state.get("Next"), None);
        to(state.get("Default"), Some("else"));
        let list = |member: &str| state.get(member).and_then(Value::as_list).unwrap_or_default();
        list("Choices").iter().for_each(|choice| to(choice.get("Next"), Some("if")));
        for catch in list("Catch") {
            to(catch.get("Next"), Some(&catch.get("ErrorEquals").map(list_text).unwrap_or_default()));
        }
        let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default();
        if state.get("End") == Some(&Value::Bool(true)) || matches!(kind, "Succeed" | "Fail") {
            found.insert((from.clone(), None, None));
        }
    }
    found
}

/// A text inside of quotes in Mermaid.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|one| match one {
            '"' => "#quot;".to_owned(),
            '#' => "#35;".to_owned(),
            '<' => "#lt;".to_owned(),
            '>' => "#gt;".to_owned(),
            '&' => "#amp;".to_owned(),
            one if one.is_control() => " ".to_owned(),
            one => one.to_string(),
        })
        .collect()
}
