//! Plays part of a kind's life against a script, `tests/data/exchanges/<name>.toml`, which was written
//! from AWS's documentation.
//!
//! - `kind`, `pages`: the kind, and the pages of AWS's documentation that the script follows.
//! - `[spec]`: the initial declaration. `set` and `remove` of a phase change it, by a dotted path such as
//!   `object_lock_mode`.
//! - `[[phase]]`: `does = "create" | "update" | "replace" | "delete"`, with `shows`, the attributes that a
//!   plan shows as changed, and its `[[phase.call]]`: the requests that the kind makes for it, including
//!   reads, and AWS's answers.

use std::collections::BTreeSet;

use dwctl::aws::{Cx, Error, Scope, Tags};
use dwctl::kind::{ErasedKind, ErasedLive, NewResource, ReadRequest, State};
use dwctl::kinds::kind;
use dwctl::plan::{AttributeChange, diff, overlay};
use dwctl::schema::{PathStep, normalize, respelled, validate};
use dwctl::value::Value;
use serde::Deserialize;

use super::{Answer, Exchange, on};

/// A script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    pub kind: String,
    pages: Vec<String>,
    spec: toml::Table,
    phase: Vec<Phase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phase {
    does: String,
    /// The id that AWS assigns on creation.
    id: Option<String>,
    #[serde(default)]
    set: toml::Table,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    shows: BTreeSet<String>,
    call: Vec<Scripted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripted {
    is: String,
    #[serde(default)]
    sends: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    sends_no: Vec<String>,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    /// Status, code and message of an error.
    fails: Option<(u16, String, String)>,
}

impl Scripted {
    fn answer(&self) -> Answer {
        let mut answer = on(&self.is).answers(&self.answer);
        for (member, value) in &self.sends {
            answer = answer.sends(member, value);
        }
        for member in &self.sends_no {
            answer = answer.sends_no(member);
        }
        for (name, value) in &self.headers {
            answer = answer.header(name, value);
        }
        match &self.fails {
            Some((status, code, words)) => answer.fails(*status, code, words),
            None => answer,
        }
    }
}

/// The script of this name.
pub fn script(name: &str) -> Play {
    let path = crate::paper::root().join(format!("tests/data/exchanges/{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Play {
    /// Returns whether a phase makes this call.
    pub fn calls(&self, operation: &str) -> bool {
        self.phase.iter().flat_map(|phase| &phase.call).any(|call| call.is == operation)
    }

    /// Returns whether a plan shows this attribute as changed, or the created resource has it.
    pub fn shows(&self, attribute: &str) -> bool {
        let mut shown = self.phase.iter().flat_map(|phase| &phase.shows);
        shown.any(|shown| shown == attribute)
    }

    /// Plays all phases.
    pub fn run(&self, name: &str) {
        assert!(
            self.pages.iter().all(|page| page.starts_with("https://docs.aws.amazon.com/")),
            "{name}: pages"
        );
        let kind = kind(&self.kind).expect("a kind");
        let exchange = Exchange::of([]);
        let mut spec = self.spec.clone();
        let mut stage = Stage { kind, live: None };
        for (index, phase) in self.phase.iter().enumerate() {
            let place = format!("{name}, phase {} ({})", index + 1, phase.does);
            phase.remove.iter().for_each(|name| drop(spec.remove(name).expect("it was there")));
            spec.extend(phase.set.clone());
            exchange.then(phase.call.iter().map(Scripted::answer));
            exchange.with(async |cx| stage.play(cx, phase, &declared(kind, &spec), &place).await);
            exchange.expect_all_requested();
        }
    }
}

/// A spec as the engine passes it to a kind.
pub fn declared(kind: &dyn ErasedKind, spec: &toml::Table) -> Value {
    let mut value = Value::from_json(&serde_json::to_value(spec).expect("plain"));
    kind.derive(&mut value, &dwctl::files::Files::default()).expect("derived");
    let value = normalize(&kind.schema().spec, value);
    assert_eq!(validate(&kind.schema().spec, &value, kind.name()), []);
    let mut problems = kind.check(dwctl::kind::Known(&value));
    problems.retain(|problem| !problem.warning);
    assert_eq!(problems, []);
    value
}

/// Reads one resource once.
pub async fn read(
    kind: &dyn ErasedKind,
    cx: &Cx,
    id: &str,
    spec: &Value,
) -> Result<Option<ErasedLive>, Error> {
    // Only the settings that are declared, as in an apply.
    let attributes = spec.as_map().map(|spec| {
        let entries = spec.iter().flat_map(|(name, value)| {
            let keys = value.as_map().into_iter().flatten();
            keys.map(move |(key, _)| format!("{name}.{key}"))
        });
        spec.keys().cloned().chain(entries).collect()
    });
    let request = ReadRequest { attributes, spec: spec.clone(), ..ReadRequest::of(id) };
    kind.read_many(cx, std::slice::from_ref(&request)).await.pop().expect("one answer")
}

/// The differences in a plan, if everything that AWS does not return is as applied.
pub fn differences(
    kind: &dyn ErasedKind,
    live: &ErasedLive,
    want: &Value,
) -> (Value, Value, Vec<AttributeChange>) {
    let schema = &kind.schema().spec;
    let found = normalize(schema, live.spec.clone());
    let found = respelled(schema, found, want, &Scope::of("us-east-1", "123456789012"));
    let (want, have) = overlay(schema, want.clone(), found, &|_, _, _| Some(true));
    let changes = diff(schema, &have, &want);
    (want, have, changes)
}

struct Stage {
    kind: &'static dyn ErasedKind,
    live: Option<(String, ErasedLive)>,
}

impl Stage {
    async fn play(&mut self, cx: &Cx, phase: &Phase, want: &Value, place: &str) {
        let before = self.live.as_ref().map(|(_, live)| differences(self.kind, live, want));
        let shown = before.as_ref().map_or_else(
            || want.as_map().into_iter().flatten().map(|(name, _)| name.clone()).collect(),
            |(_, _, changes)| changes.iter().filter_map(top).collect::<BTreeSet<String>>(),
        );
        let forces = before.iter().any(|(_, _, changes)| changes.iter().any(|one| one.forces_replacement));
        match (phase.does.as_str(), before) {
            ("create", None) => {
                assert!(phase.shows.is_subset(&shown), "{place}: {shown:?}");
                self.create(cx, phase, want, place).await;
            }
            ("update", Some((want, have, _))) => {
                assert_eq!((&shown, forces), (&phase.shows, false), "{place}");
                let (id, _) = self.live.take().expect("alive");
                self.kind
                    .update(cx, &id, &have, &want)
                    .await
                    .unwrap_or_else(|error| panic!("{place}: {error}"));
                self.settle(cx, id, &want, place).await;
            }
            ("replace", Some((_, have, _))) => {
                assert_eq!((&shown, forces), (&phase.shows, true), "{place}");
                self.delete(cx, &have, place).await;
                self.create(cx, phase, want, place).await;
            }
            ("delete", Some((_, have, _))) => self.delete(cx, &have, place).await,
            (does, live) => panic!("{place}: {does}, and alive is {}", live.is_some()),
        }
    }

    async fn create(&mut self, cx: &Cx, phase: &Phase, want: &Value, place: &str) {
        let tags = Tags::from([("team".to_owned(), "data".to_owned())]);
        let new = NewResource { tags: &tags, token: "11111111-2222-4333-8444-555555555555" };
        let created = self.kind.create(cx, want, new).await;
        let id = created.unwrap_or_else(|error| panic!("{place}: {error}")).id;
        assert_eq!(Some(&id), phase.id.as_ref(), "{place}");
        self.settle(cx, id, want, place).await;
    }

    /// Reads until AWS has finished. Then nothing may differ.
    async fn settle(&mut self, cx: &Cx, id: String, want: &Value, place: &str) {
        loop {
            let live =
                read(self.kind, cx, &id, want).await.unwrap_or_else(|error| panic!("{place}: {error}"));
            let live = live.unwrap_or_else(|| panic!("{place}: {id} is gone"));
            if let State::Busy(_) = live.state {
                continue;
            }
            assert_eq!(live.state, State::Ready, "{place}");
            let (_, _, changes) = differences(self.kind, &live, want);
            assert!(changes.is_empty(), "{place}: it did not converge to its declaration: {changes:#?}");
            self.live = Some((id, live));
            return;
        }
    }

    /// Deletes the resource, and reads until it is gone.
    async fn delete(&mut self, cx: &Cx, have: &Value, place: &str) {
        let (id, _) = self.live.take().expect("alive");
        self.kind.delete(cx, &id, have).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        while read(self.kind, cx, &id, &Value::Null)
            .await
            .unwrap_or_else(|error| panic!("{place}: {error}"))
            .is_some()
        {}
    }
}

fn top(change: &AttributeChange) -> Option<String> {
    match change.path.first() {
        Some(PathStep::Name(name)) => Some(name.clone()),
        _ => None,
    }
}
