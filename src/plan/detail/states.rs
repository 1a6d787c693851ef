//! State machines, compared by state (<https://states-language.net/spec.html>), and their pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::json::{self, matched, without};
use super::{Part, Sign, list_text, value_text};
use crate::diag::is_hidden;
use crate::plan::review::shorten;
use crate::value::Value;

/// The most states in a picture; one with more would be unreadable.
const MAX_STATES: usize = 120;
/// Longest label of a transition in a picture.
const LABEL: usize = 60;
/// Members that contain inner machines.
const INNER: [&str; 3] = ["Branches", "ItemProcessor", "Iterator"];

/// Returns the differences, by state.
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
    // The difference is in a form that state machines do not have.
    if parts.is_empty() && before != after { json::parts("", before, after) } else { parts }
}

/// Returns all states, including those of inner machines, as `Load` and `Fan / 1 / Load`.
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

/// The inner machines of a state; branches come with their number.
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
    for (member, prefix) in [("Retry", "retry on"), ("Catch", "catch of")] {
        handlers(&what, member, prefix, old, new, parts);
    }
    let apart = ["Retry", "Catch", "Branches", "ItemProcessor", "Iterator"];
    parts.extend(json::parts(&what, &without(old, &apart), &without(new, &apart)));
    // Differences of inner machines outside their states.
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

/// Describes retriers or catchers, matched by the errors that they handle.
fn handlers(what: &str, member: &str, prefix: &str, old: &Value, new: &Value, parts: &mut Vec<Part>) {
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
        format!("{what}: {prefix} {errors}{more}")
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
            Part::new(Sign::Changed, format!("{what}: order of {member}")).note("the first match counts"),
        );
    } else if parts.len() == count && old.get(member) != new.get(member) {
        parts.push(Part::between(format!("{what}: {member}"), old.get(member), new.get(member)));
    }
}

/// Writes `Retry[0]: MaxAttempts` as `Retry[0].MaxAttempts`.
fn joined(part: Part) -> Part {
    Part { part: part.part.replace("]: ", "]."), ..part }
}

/// A state machine before and after in one; the source of every picture of it.
#[derive(Debug)]
pub(in crate::plan) struct Chart {
    /// The states, ordered by name.
    pub(in crate::plan) states: Vec<State>,
    /// The transitions between them.
    pub(in crate::plan) flows: Vec<Flow>,
}

/// A state of a [`Chart`].
#[derive(Debug)]
pub(in crate::plan) struct State {
    /// Its name.
    pub(in crate::plan) name: String,
    /// Its type: `Task`, `Choice`.
    pub(in crate::plan) kind: String,
    /// The change of the state; `None` if it does not change.
    pub(in crate::plan) sign: Option<Sign>,
    /// The inner machines: the branches of a `Parallel`, or the one of a `Map`.
    pub(in crate::plan) inner: Vec<Chart>,
}

/// A transition between two states of a [`Chart`], by their index.
#[derive(Debug)]
pub(in crate::plan) struct Flow {
    /// The source; `None` is the start of the machine.
    pub(in crate::plan) from: Option<usize>,
    /// The target; `None` is the end of the machine.
    pub(in crate::plan) to: Option<usize>,
    /// When it is taken: the condition of a choice, the caught errors, or `else`.
    pub(in crate::plan) label: Option<String>,
    /// The transition is added or removed.
    pub(in crate::plan) sign: Option<Sign>,
}

impl Chart {
    /// Returns `None` if neither is a state machine. If the whole machine is new, nothing in it is
    /// marked as added.
    pub(in crate::plan) fn of(before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        let is_machine =
            |machine: &&Value| machine.get("States").is_some_and(|states| states.as_map().is_some());
        let (before, after) = (before.filter(is_machine), after.filter(is_machine));
        (before.is_some() || after.is_some()).then(|| Self::between(before.or(after), after))
    }

    fn between(before: Option<&Value>, after: Option<&Value>) -> Self {
        fn states(machine: Option<&Value>) -> BTreeMap<&String, &Value> {
            machine.and_then(|one| one.get("States")).and_then(Value::as_map).into_iter().flatten().collect()
        }
        let (old, new) = (states(before), states(after));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).copied().collect();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut states = Vec::new();
        for name in names {
            let (was, is) = (old.get(name).copied(), new.get(name).copied());
            let machines = |state: Option<&'_ Value>| -> Vec<Value> {
                state.into_iter().flat_map(inner).map(|(machine, _)| machine.clone()).collect()
            };
            let (had, has) = (machines(was), machines(is));
            places.insert(name, states.len());
            states.push(State {
                name: name.clone(),
                kind: is.or(was).and_then(|state| state.get("Type")).map(list_text).unwrap_or_default(),
                sign: match (was, is) {
                    (None, Some(_)) => Some(Sign::Added),
                    (Some(_), None) => Some(Sign::Removed),
                    (was, is) => (was != is).then_some(Sign::Changed),
                },
                inner: (0..had.len().max(has.len()))
                    .map(|place| Self::between(had.get(place), has.get(place)))
                    .collect(),
            });
        }
        let (was, is) = (ways(before), ways(after));
        // Transitions to states that do not exist are dropped.
        let place = |name: &Option<String>| match name {
            None => Some(None),
            Some(name) => places.get(name.as_str()).map(|&place| Some(place)),
        };
        let flows = was.union(&is).filter_map(|way| {
            let (from, to, label) = way;
            let sign = match (was.contains(way), is.contains(way)) {
                (false, _) => Some(Sign::Added),
                (_, false) => Some(Sign::Removed),
                _ => None,
            };
            Some(Flow { from: place(from)?, to: place(to)?, label: label.clone(), sign })
        });
        let flows = flows.collect();
        Self { states, flows }
    }
}

/// A state machine before and after in one Mermaid flowchart: added parts are green, removed ones
/// red and dotted, changed ones yellow. `None` if it is not a state machine, or too large.
pub fn state_machine_mermaid(before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    let chart = Chart::of(before, after)?;
    let states = |machine: Option<&Value>| machine.map(all).unwrap_or_default().len();
    if states(before).max(states(after)) > MAX_STATES {
        return None;
    }
    let mut picture = Picture { text: "flowchart TD\n".to_owned(), nodes: 0 };
    picture.machine(&chart, 1);
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

    fn machine(&mut self, chart: &Chart, depth: usize) {
        let indent = "  ".repeat(depth);
        let mut ids = Vec::new();
        for state in &chart.states {
            let id = self.node();
            let class = match state.sign {
                Some(Sign::Added) => ":::added",
                Some(Sign::Removed) => ":::removed",
                Some(Sign::Changed) => ":::changed",
                None => "",
            };
            let label = escaped(&state.name);
            let shape = if state.kind == "Choice" { ["{\"", "\"}"] } else { ["[\"", "\"]"] };
            let _ = writeln!(self.text, "{indent}{id}{}{label}{}{class}", shape[0], shape[1]);
            for (place, inner) in state.inner.iter().enumerate() {
                let group = self.node();
                let _ = writeln!(self.text, "{indent}subgraph {group} [\"{label} {}\"]", place + 1);
                self.machine(inner, depth + 1);
                let _ = writeln!(self.text, "{indent}end");
                self.edge(&indent, [&id, &group], None, Some("each"));
            }
            ids.push(id);
        }
        let (start, end) = (self.node(), self.node());
        let mut ends = [false, false];
        for flow in &chart.flows {
            let id = |place: Option<usize>, other: &String| match place {
                None => Some(other.clone()),
                Some(place) => ids.get(place).cloned(),
            };
            if let (Some(source), Some(target)) = (id(flow.from, &start), id(flow.to, &end)) {
                ends[0] |= flow.from.is_none();
                ends[1] |= flow.to.is_none();
                self.edge(&indent, [&source, &target], flow.sign, flow.label.as_deref());
            }
        }
        for (is_used, id) in ends.into_iter().zip([start, end]) {
            if is_used {
                let _ = writeln!(self.text, "{indent}{id}((\" \"))");
            }
        }
    }

    fn edge(&mut self, indent: &str, [from, to]: [&str; 2], sign: Option<Sign>, label: Option<&str>) {
        let arrow = match sign {
            Some(Sign::Added) => "==>",
            Some(Sign::Removed) => "-.->",
            _ => "-->",
        };
        let label =
            label.map_or_else(String::new, |label| format!("|\"{}\"|", escaped(&shorten(label, LABEL))));
        let _ = writeln!(self.text, "{indent}{from} {arrow}{label} {to}");
    }
}

/// Source, target and label; `None` as source or target is the start or the end.
type Way = (Option<String>, Option<String>, Option<String>);

fn ways(machine: Option<&Value>) -> BTreeSet<Way> {
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
        for choice in list("Choices") {
            to(choice.get("Next"), Some(format!("if {}", condition(choice, 0)).trim_end()));
        }
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

/// Describes a choice rule in a few words: `$.count > 3`
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html>).
fn condition(rule: &Value, depth: usize) -> String {
    // More deeply nested rules are left to the definition.
    if depth > 3 {
        return "…".to_owned();
    }
    if let Some(words) = rule.get("Condition") {
        let words = list_text(words);
        return words.trim_start_matches("{%").trim_end_matches("%}").trim().to_owned();
    }
    for (member, joint) in [("And", " and "), ("Or", " or ")] {
        if let Some(rules) = rule.get(member).and_then(Value::as_list) {
            let rules: Vec<String> = rules.iter().map(|rule| condition(rule, depth + 1)).collect();
            let joined = rules.join(joint);
            return if depth > 0 { format!("({joined})") } else { joined };
        }
    }
    if let Some(rule) = rule.get("Not") {
        return format!("not ({})", condition(rule, depth + 1));
    }
    let variable = rule.get("Variable").map(list_text).unwrap_or_default();
    let besides = ["Variable", "Next", "Comment", "Assign", "Output"];
    let comparison = rule.as_map().into_iter().flatten().find(|(name, _)| !besides.contains(&name.as_str()));
    match comparison {
        Some((operator, value)) => format!("{variable} {}", compared(operator, value)),
        None => variable,
    }
}

/// Writes `NumericGreaterThan: 3` as `> 3`.
fn compared(operator: &str, value: &Value) -> String {
    if let Some(what) = operator.strip_prefix("Is") {
        let what =
            if what == "Present" { "present".to_owned() } else { format!("a {}", what.to_lowercase()) };
        let what = if what == "a null" { "null".to_owned() } else { what };
        return if *value == Value::Bool(false) { format!("is not {what}") } else { format!("is {what}") };
    }
    // A value compared with a path is shown as a path.
    let (name, value) = match operator.strip_suffix("Path") {
        Some(name) => (name, list_text(value)),
        None => (operator, value_text(value)),
    };
    let types = ["String", "Numeric", "Boolean", "Timestamp"];
    let sign = match types.iter().find_map(|one| name.strip_prefix(one)) {
        Some("Equals") => "=",
        Some("LessThan") => "<",
        Some("GreaterThan") => ">",
        Some("LessThanEquals") => "≤",
        Some("GreaterThanEquals") => "≥",
        Some("Matches") => "matches",
        _ => operator,
    };
    format!("{sign} {value}")
}

/// Escapes a text for quotes in Mermaid.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|one| match one {
            '"' => "#quot;".to_owned(),
            '#' => "#35;".to_owned(),
            '<' => "#lt;".to_owned(),
            '>' => "#gt;".to_owned(),
            '&' => "#amp;".to_owned(),
            one if is_hidden(one) => " ".to_owned(),
            one => one.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::condition;
    use crate::value::Value;

    #[test]
    fn a_choice_rule_is_summarised() {
        for (rule, words) in [
            (r#"{"Variable": "$.a", "NumericGreaterThanEquals": 3, "Next": "A"}"#, "$.a ≥ 3"),
            (r#"{"Variable": "$.a", "StringEqualsPath": "$.b", "Next": "A"}"#, "$.a = $.b"),
            (r#"{"Variable": "$.a", "StringMatches": "x*", "Next": "A"}"#, "$.a matches \"x*\""),
            (r#"{"Variable": "$.a", "IsPresent": false, "Next": "A"}"#, "$.a is not present"),
            (r#"{"Variable": "$.a", "IsString": true, "Next": "A"}"#, "$.a is a string"),
            (r#"{"Variable": "$.a", "IsNull": true, "Next": "A"}"#, "$.a is null"),
            (
                r#"{"And": [{"Variable": "$.a", "BooleanEquals": true}, {"Or": [{"Variable": "$.b", "NumericLessThan": 1},
                 {"Not": {"Variable": "$.c", "StringEquals": "x"}}]}], "Next": "A"}"#,
                "$.a = true and ($.b < 1 or not ($.c = \"x\"))",
            ),
            (r#"{"Condition": "{% $count > 3 %}", "Next": "A"}"#, "$count > 3"),
            (r#"{"Next": "A"}"#, ""),
            (r#"[1]"#, ""),
        ] {
            let rule = Value::from_json(&serde_json::from_str(rule).expect("JSON"));
            assert_eq!(condition(&rule, 0), words);
        }
        let secret =
            Value::map([("Variable", Value::from("$.a")), ("StringEquals", Value::from("x").into_secret())]);
        assert_eq!(condition(&secret, 0), "$.a = (secret)");
    }
}
