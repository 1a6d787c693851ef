//! Recorded answers from AWS to the read calls of kinds (`tests/data/recorded/answers.json`, created by
//! `tests/support/recorded.py`) go through each kind. The result must be readable and declarable. Nothing
//! may be lost without a waiver that says why. What AWS returns for a resource with few settings must match
//! the kind's defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use dwctl::aws::{Cx, Error};
use dwctl::kind::{ErasedKind, ErasedLive, ReadRequest};
use dwctl::kinds::kind;
use dwctl::schema::{normalize, validate};
use dwctl::value::Value;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::exchange::{Answer, Exchange, on, play};
use crate::kind_file;
use crate::paper::root;

/// `tests/data/recorded/answers.json`.
#[derive(Deserialize)]
struct Answers {
    kinds: BTreeMap<String, Vec<Recorded>>,
}

/// A recorded answer.
#[derive(Clone, Deserialize)]
struct Recorded {
    /// Where it was recorded: the test, and its name there.
    test: String,
    label: String,
    operation: String,
    id: String,
    inside: String,
    headers: BTreeMap<String, String>,
    /// For members with a fixed set of values: another valid value.
    others: BTreeMap<String, String>,
}

impl Recorded {
    fn answer(&self) -> Answer {
        let answer = on(&self.operation).answers(&self.inside).stays();
        self.headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }
}

fn recorded(name: &str) -> Vec<Recorded> {
    let text = std::fs::read_to_string(root().join("tests/data/recorded/answers.json")).expect("answers");
    let mut all: Answers = serde_json::from_str(&text).expect("answers");
    all.kinds.remove(name).unwrap_or_default()
}

/// The script for a recorded answer, with empty answers to the kind's other calls.
fn script(name: &str, recorded: &Recorded) -> Vec<Answer> {
    let mut quiet = Vec::new();
    for (call, inside) in &kind_file::of(name).recorded.beside {
        let (call, only_for) =
            call.split_once(" for ").map_or((call.as_str(), None), |(one, of)| (one, Some(of)));
        if only_for.is_some_and(|of| of != recorded.operation) {
            continue;
        }
        let mut words = call.split(' ');
        let answer = on(words.next().expect("an operation"));
        let answer = match inside.strip_prefix("! ").and_then(|error| error.split_once(' ')) {
            Some((status, code)) => answer.fails(status.parse().expect("a status"), code, "there is none"),
            None => answer.answers(inside),
        };
        let answer = words.fold(answer, |answer, sends| {
            let (member, value) = sends.split_once('=').expect("a member and its value");
            answer.sends(member, value)
        });
        quiet.push((only_for.is_none(), answer.stays().perhaps()));
    }
    // Specific answers come before general ones.
    quiet.sort_by_key(|(for_all, _)| *for_all);
    [recorded.answer()].into_iter().chain(quiet.into_iter().map(|(_, answer)| answer)).collect()
}

type Read = Result<Option<ErasedLive>, Error>;

async fn read(kind: &dyn ErasedKind, cx: &Cx, id: &str, spec: Value) -> Read {
    let request = ReadRequest { spec, ..ReadRequest::of(id) };
    kind.read_many(cx, std::slice::from_ref(&request)).await.pop().expect("one answer")
}

/// A leaf of an answer.
enum Part {
    /// In JSON: its pointer.
    Json(String),
    /// In XML: the value, and the whole element.
    Xml(Range<usize>, Range<usize>),
    Header(String),
}

/// The leaves of an answer, by path without list indexes.
fn parts(recorded: &Recorded) -> Vec<(String, Part)> {
    let mut parts: Vec<(String, Part)> =
        recorded.headers.keys().map(|name| (format!("{name}:"), Part::Header(name.clone()))).collect();
    match serde_json::from_str::<Json>(&recorded.inside) {
        Ok(json) => of_json(&json, "", "", &mut parts),
        Err(_) => of_xml(&recorded.inside, &mut parts),
    }
    parts
}

fn of_json(value: &Json, path: &str, pointer: &str, parts: &mut Vec<(String, Part)>) {
    match value {
        Json::Object(map) => {
            for (name, inner) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                of_json(inner, &path, &pointer, parts);
            }
        }
        Json::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                of_json(inner, path, &format!("{pointer}/{index}"), parts);
            }
        }
        _ => parts.push((path.to_owned(), Part::Json(pointer.to_owned()))),
    }
}

fn of_xml(text: &str, parts: &mut Vec<(String, Part)>) {
    let tag = Regex::new(r"<(/?)([\w.-]+)[^>]*>").expect("a pattern");
    // Names, and where each element and its inside begin.
    let mut open: Vec<(String, usize, usize)> = Vec::new();
    let mut is_leaf = false;
    for found in tag.captures_iter(text) {
        let (whole, closes) = (found.get(0).expect("a tag"), &found[1] == "/");
        if !closes {
            open.push((found[2].to_owned(), whole.start(), whole.end()));
            is_leaf = true;
            continue;
        }
        let (name, start, inside) = open.pop().expect("an element");
        if std::mem::take(&mut is_leaf) {
            let value = inside..whole.start();
            if let (Some(entry), "key") = (open.last_mut(), name.as_str()) {
                // An entry of a map is named by its key.
                entry.0 = text[value].to_owned();
                continue;
            }
            if value.is_empty() && name != "value" {
                // This is probably a list without elements.
                continue;
            }
            let names = open.iter().map(|(name, ..)| name.as_str()).chain([name.as_str()]);
            let names: Vec<&str> = names.filter(|name| !["member", "item", "value"].contains(name)).collect();
            // An entry of a map without a value cannot be read.
            let element = if name == "value" { value.clone() } else { start..whole.end() };
            parts.push((names.join("."), Part::Xml(value, element)));
        }
    }
}

fn changed(value: &str, other: Option<&String>) -> String {
    if let Some(other) = other {
        return other.clone();
    }
    match value {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        _ => match value.parse::<i64>() {
            Ok(number) => (number + 1).to_string(),
            Err(_) => format!("{value}x"),
        },
    }
}

/// The same answer with another value for this part, and without it.
fn without(recorded: &Recorded, path: &str, part: &Part) -> [Recorded; 2] {
    let other_value = recorded.others.get(path);
    let (mut other, mut none) = (recorded.clone(), recorded.clone());
    match part {
        Part::Header(name) => {
            if let Some(value) = other.headers.get_mut(name) {
                *value = changed(value, other_value);
            }
            none.headers.remove(name);
        }
        Part::Xml(value, element) => {
            other.inside.replace_range(value.clone(), &changed(&recorded.inside[value.clone()], other_value));
            none.inside.replace_range(element.clone(), "");
        }
        Part::Json(pointer) => {
            let json: Json = serde_json::from_str(&recorded.inside).expect("JSON");
            let mut changes = json.clone();
            if let Some(value) = changes.pointer_mut(pointer) {
                *value = match &*value {
                    Json::Bool(flag) => (!*flag).into(),
                    Json::Number(number) => (number.as_f64().unwrap_or_default() as i64 + 1).into(),
                    Json::String(text) => changed(text, other_value).into(),
                    other => other.clone(),
                };
            }
            other.inside = changes.to_string();
            let mut lacks = json;
            let (parent, name) = pointer.rsplit_once('/').expect("a member");
            let name = name.replace("~1", "/").replace("~0", "~");
            match lacks.pointer_mut(parent) {
                Some(Json::Object(map)) => drop(map.remove(&name)),
                Some(Json::Array(list)) => drop(list.remove(name.parse().expect("a place"))),
                _ => unreachable!("a part is in something"),
            }
            none.inside = lacks.to_string();
        }
    }
    [other, none]
}

fn judged(name: &str) {
    let (kind, all) = (kind(name).expect("a kind"), recorded(name));
    assert_eq!(
        all.is_empty(),
        kind_file::of(name).recorded.none,
        "add what {name} reads to `READS` in tests/support/recorded.py, or say `recorded.none = true` in \
         tests/kinds/{name}.toml"
    );
    let waivers = &kind_file::of(name).recorded.lost;
    let mut faults = Vec::new();
    // For each member, whether it influenced any live value.
    let mut seen: BTreeMap<String, bool> = BTreeMap::new();
    let aws = Exchange::of([]);
    // A new session for each read, because a session limits the rate of its requests.
    let read = |one: &Recorded| {
        aws.instead(script(name, one));
        aws.with(async |cx| read(kind, cx, &one.id, Value::Null).await)
    };
    for one in &all {
        let place = format!("{} {} ({})", one.operation, one.label, one.test);
        let as_recorded = read(one);
        aws.expect_all_requested();
        if !matches!(as_recorded, Ok(Some(_))) {
            faults.push(format!("{place} cannot be read: {as_recorded:?}"));
            continue;
        }
        assert_eq!(read(one), as_recorded, "{place} is read in two ways");
        if let Ok(Some(live)) = &as_recorded {
            // Everything that AWS returns must be declarable.
            let spec = normalize(&kind.schema().spec, live.spec.clone());
            let problems = validate(&kind.schema().spec, &spec, name);
            faults.extend(problems.iter().map(|problem| format!("{place} would be refused: {problem:?}")));
        }
        for (path, part) in parts(one) {
            let named = format!("{} {path}", one.operation.split_once(':').expect("a service").1);
            if seen.get(&named) == Some(&true) {
                continue;
            }
            let matters = without(one, &path, &part).iter().any(|other| match read(other) {
                // If the SDK fails to parse the modified answer, that does not prove that the kind uses the
                // member.
                Err(error) if !error.operation.is_empty() => false,
                other => other != as_recorded,
            });
            seen.insert(named, matters);
        }
    }
    aws.instead([]);
    for (path, seen) in &seen {
        match (seen, waivers.get(path)) {
            (false, None) => faults.push(format!(
                "{path} is lost: read it, or say in `[recorded.lost]` of tests/kinds/{name}.toml why not"
            )),
            (true, Some(_)) => faults.push(format!("{path} is waived, and is not lost")),
            (false, Some(reason)) if reason.len() < 10 => faults.push(format!("{path} needs a reason")),
            _ => {}
        }
    }
    for path in waivers.keys().filter(|path| !seen.contains_key(*path)) {
        faults.push(format!("{path} is waived, and was not recorded"));
    }
    assert!(faults.is_empty(), "{name}:\n{}\n{} in all", faults.join("\n"), faults.len());
}

macro_rules! recorded {
    ($($kind:ident: $_type:path,)*) => {
        $(#[test] fn $kind() { judged(stringify!($kind)); })*
    };
}

dwctl::each_kind!(recorded);

#[test]
fn the_defaults_of_kinds_are_those_that_aws_returns() {
    let mut faults = Vec::new();
    let mut of = BTreeSet::new();
    let aws = Exchange::of([]);
    aws.with(async |cx| {
        let all =
            kind_file::all().flat_map(|(name, file)| file.recorded.made.iter().map(move |one| (name, one)));
        for (name, made) in all {
            let kind = kind(name).expect("a kind");
            let found = recorded(name);
            let Some(one) = found.iter().find(|one| one.test == made.test && one.label == made.label) else {
                faults.push(format!("{name}: there is no {} of {}", made.label, made.test));
                continue;
            };
            aws.instead(script(name, one));
            let want = play::declared(kind, &made.spec);
            let live = read(kind, cx, &one.id, want.clone()).await;
            let Ok(Some(live)) = live else {
                faults.push(format!("{name} {}: {live:?}", made.label));
                continue;
            };
            of.insert(name);
            let (_, _, changes) = play::differences(kind, &live, &want);
            for change in changes {
                faults.push(format!(
                    "{name} {} ({}): AWS has {:?}, the kind would make it {:?}: {:?}",
                    made.label, made.test, change.before, change.after, change.path
                ));
            }
        }
        aws.instead([]);
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(of.len() > 5, "{of:?}");
}
