//! The whole life of every kind: create, update in place attribute by attribute, replace, drift, external
//! deletion, destroy. After each step, a plan finds no changes. The inputs are the kind's example and the
//! life in its file (`kind_file.rs`).

mod blame;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use dwctl::aws::Place;
use dwctl::graph::Address;
use dwctl::kind::{ErasedKind, ErasedLive, Identity, Known};
use dwctl::kinds::kind;
use dwctl::schema::Node;
use dwctl::value::Value;
use toml::Table;

use crate::harness::{Project, Run};
use crate::kind_file::{self, Gap, Given};

macro_rules! lives {
    ($($kind:ident: $_type:path,)*) => {
        $(#[test] fn $kind() { live(stringify!($kind)); })*
    };
}

dwctl::each_kind!(lives);

fn live(name: &str) {
    Life::new(name).live();
}

/// A step of the life in the kind's file.
struct Step {
    /// For example `change 2`, or `replace 1 change 2`.
    name: String,
    set: Table,
    remove: Vec<String>,
    /// Updates in place after a replacement.
    changes: Vec<Step>,
}

impl Step {
    /// These steps, except those that the emulator cannot do.
    fn all(steps: &[kind_file::Step], word: &str, gaps: &[Gap]) -> Vec<Self> {
        let named = steps.iter().enumerate().map(|(index, step)| (format!("{word} {}", index + 1), step));
        named
            .filter(|(name, _)| !gaps.iter().any(|gap| gap.step.as_ref() == Some(name)))
            .map(|(name, step)| Self {
                set: step.set.clone(),
                remove: step.remove.clone(),
                changes: Self::all(&step.change, &format!("{name} change"), gaps),
                name,
            })
            .collect()
    }
}

struct Life {
    kind: &'static dyn ErasedKind,
    /// `<kind>.example`.
    address: String,
    /// The currently declared stack.
    stack: Table,
    project: Project,
    /// Everything that was ever in the ledger: address and id, with its place.
    made: BTreeMap<(Address, String), Place>,
    /// Attributes that a plan showed as changed in place, or as the reason of a replacement.
    changed: BTreeSet<String>,
    replaced: BTreeSet<String>,
}

impl Life {
    fn new(name: &str) -> Self {
        let kind = kind(name).unwrap_or_else(|| panic!("{name} is no kind"));
        let stack: Table = kind.example().parse().expect("the example is TOML");
        let project = Project::new(kind.example());
        Self {
            kind,
            address: format!("{name}.example"),
            stack,
            project,
            made: BTreeMap::new(),
            changed: BTreeSet::new(),
            replaced: BTreeSet::new(),
        }
    }

    fn live(mut self) {
        let (changes, replaces) = self.steps();
        let example = self.example().clone();
        self.say("validate");
        self.project.write(&toml::to_string(&self.stack).expect("a stack"));
        self.project.run(&["validate"]).exits(0);
        self.say("create");
        self.apply().plans(&self.address, "+ create");
        self.matches_prediction();
        self.is_found();
        for (index, step) in changes.iter().enumerate() {
            let before = self.look();
            self.change(step);
            if index == 0 {
                self.drifts(&before);
            }
        }
        self.back(example);
        for step in &replaces {
            self.replace(step);
            step.changes.iter().for_each(|step| self.change(step));
        }
        self.vanishes();
        self.say("destroy");
        self.project.run(&["destroy", "--yes"]).exits(0);
        assert!(self.project.ledger().resources.is_empty(), "the ledger still tells of resources");
        self.expect_nothing_left();
        self.covers_the_schema();
    }

    /// The steps of the life, after its additions to the stack.
    fn steps(&mut self) -> (Vec<Step>, Vec<Step>) {
        let file = kind_file::of(self.kind.name());
        file.life.extend(&mut self.stack);
        for Given { service, target, body } in &file.life.given {
            let body = serde_json::to_string(body).unwrap();
            self.project.cloud.call_json(service, target, &body);
        }
        (
            Step::all(&file.life.change, "change", &file.gaps),
            Step::all(&file.life.replace, "replace", &file.gaps),
        )
    }

    /// Prints a step, for readers of the output of a failure.
    fn say(&self, what: &str) {
        println!("{}: {what}", self.address);
    }

    /// Applies, and expects that the next plan finds no changes.
    fn apply(&mut self) -> Run {
        self.project.write(&toml::to_string(&self.stack).expect("a stack"));
        let began = Instant::now();
        let run = self.project.apply();
        if began.elapsed() > Duration::from_secs(10) {
            println!("  slow: {:.1} s\n{run}", began.elapsed().as_secs_f64());
        }
        for (address, entry) in self.project.ledger().resources {
            self.made.insert((address, entry.id), entry.place);
        }
        self.project.settled();
        run
    }

    fn look(&self) -> ErasedLive {
        self.project.live(&self.address).expect("it exists")
    }

    /// The table of the example.
    fn example(&mut self) -> &mut Table {
        let kind = self.stack.get_mut(self.kind.name()).and_then(toml::Value::as_table_mut);
        kind.and_then(|kind| kind.get_mut("example")).and_then(toml::Value::as_table_mut).expect("an example")
    }

    fn take(&mut self, step: &Step) {
        self.say(&step.name);
        let example = self.example();
        for name in &step.remove {
            assert!(example.remove(name).is_some(), "{}: `{name}` is removed and was not there", step.name);
        }
        example.extend(step.set.clone());
    }

    fn change(&mut self, step: &Step) {
        self.take(step);
        let run = self.apply().plans(&self.address, "~ update in place");
        let shown = run.attributes(&self.address);
        self.changed.extend(shown.iter().map(|line| attribute(line)));
    }

    /// Reverts the changes: AWS matches the example again, or the plan says once what stays.
    fn back(&mut self, example: Table) {
        self.say("back to the example");
        let changed = std::mem::replace(self.example(), example);
        let run = self.apply();
        let shown = run.attributes(&self.address);
        assert!(shown.iter().all(|line| !line.contains("outside dwctl")), "{run}");
        *self.example() = changed;
    }

    fn replace(&mut self, step: &Step) {
        self.take(step);
        let run = self.apply().plans(&self.address, "± replace").says(" created · ").says_not(" 0 destroyed");
        let shown = run.attributes(&self.address);
        let forcing = shown.iter().filter(|line| line.contains("forces replacement"));
        self.replaced.extend(forcing.map(|line| attribute(line)));
    }

    /// The resource matches what was predicted before its creation.
    fn matches_prediction(&self) {
        let live = self.look();
        let id = self.project.id(&self.address);
        let gaps = &kind_file::of(self.kind.name()).gaps;
        self.project.with(async |_, cx| {
            if let Identity::Named(named) = self.kind.identity(Known(&live.spec), &cx.scope) {
                assert_eq!(named, id, "the id that follows from the spec");
            }
            for (name, value) in self.kind.predict(Known(&live.spec), &cx.scope).0 {
                let waived = gaps.iter().any(|gap| gap.predicted.as_ref() == Some(&name));
                assert_ne!(
                    live.attrs.get(&name) == Some(&value),
                    waived,
                    "predicted {name} = {value:?}, live {:?}",
                    live.attrs
                );
            }
        });
    }

    /// Another stack finds the resource as data, by each way that the kind offers, and by no wrong one.
    fn is_found(&self) {
        self.say("found as data");
        let (live, id) = (self.look(), self.project.id(&self.address));
        let by = self.kind.found_by();
        let tags = || Value::map(live.tags.iter().map(|(key, tag)| (key.clone(), Value::from(tag.as_str()))));
        let given = &kind_file::of(self.kind.name()).life.data;
        let value = |name: &str| -> toml::Value {
            let of_life = given.get(name).cloned();
            of_life.unwrap_or_else(|| match name {
                "id" => id.clone().into(),
                "tags" => toml::Value::try_from(tags().to_json().unwrap()).unwrap(),
                name => {
                    // `subnet_id` is one of `subnet_ids`.
                    let of_many = || live.spec.get(&format!("{name}s"))?.as_list()?.first();
                    let value = live.spec.get(name).or_else(|| live.attrs.get(name)).or_else(of_many);
                    let value =
                        value.unwrap_or_else(|| panic!("no `{name}` to look for: add it to [life.data]"));
                    toml::Value::try_from(value.to_json().unwrap()).unwrap()
                }
            })
        };
        let mut ways: Vec<Vec<&str>> = vec![vec!["id"]];
        ways.extend(by.query.fields().unwrap().contains_key("arn").then(|| vec!["arn"]));
        let is_set = |name: &&str| live.spec.get(name).is_some_and(|value| !value.is_null());
        ways.extend(
            (!by.identity.is_empty())
                .then(|| by.identity.iter().map(String::as_str).filter(is_set).collect()),
        );
        let required: Vec<&str> = by.filter_required.iter().map(String::as_str).collect();
        let others = by.filter.iter().map(String::as_str).filter(|one| !required.contains(one));
        let others: Vec<Vec<&str>> =
            others.map(|one| required.iter().copied().chain([one]).collect()).collect();
        ways.extend((!required.is_empty()).then(|| required.clone()));
        ways.extend(others);
        let mut stack = Table::new();
        let head = [("name", "finds".into()), ("region", self.stack["stack"]["region"].clone())];
        stack.insert(
            "stack".to_owned(),
            Table::from_iter(head.map(|(name, value)| (name.to_owned(), value))).into(),
        );
        let (mut data, mut outputs) = (Table::new(), Table::new());
        let mut add = |name: String, mut block: Table, many: bool| {
            let path = format!("data.{}.{name}", self.kind.name());
            if many {
                block.insert("many".to_owned(), true.into());
            }
            data.insert(name.clone(), block.into());
            let found = if many { format!("${{{path}[*].id}}") } else { format!("${{[{path}.id]}}") };
            outputs.insert(name, found.into());
        };
        for (at, way) in ways.iter().enumerate() {
            let block: Table = way.iter().map(|name| ((*name).to_owned(), value(name))).collect();
            add(format!("many-{at}"), block.clone(), true);
            // Several may match a filter.
            if !way.iter().any(|name| by.filter.iter().any(|one| one == name)) {
                add(format!("one-{at}"), block, false);
            }
        }
        add("none".to_owned(), Table::from_iter([("id".to_owned(), format!("{id}x").into())]), true);
        let kinds = Table::from_iter([(self.kind.name().to_owned(), data.into())]);
        stack.extend([("data".to_owned(), kinds.into()), ("output".to_owned(), outputs.into())]);
        let folder = self.project.stack().join("finds");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("stack.toml"), toml::to_string(&stack).unwrap()).unwrap();
        let run = self.project.run(&["output", "--json", "finds"]).exits(0);
        let found: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        for (name, found) in found.as_object().expect("outputs") {
            let found = found.get("value").unwrap_or(found).as_array().expect("ids").clone();
            match name.as_str() {
                "none" => assert_eq!(found, Vec::<serde_json::Value>::new(), "{run}"),
                many if many.starts_with("many") => {
                    assert!(found.contains(&id.as_str().into()), "{name}: {run}")
                }
                _ => assert_eq!(found, [serde_json::Value::from(id.as_str())], "{name}: {run}"),
            }
        }
        assert!(found.as_object().unwrap().len() > 2, "{run}");
    }

    /// Someone reverts the last change: the plan shows drift, and apply makes the change again.
    fn drifts(&mut self, before: &ErasedLive) {
        self.say("drift");
        let after = self.look();
        let have = self.with_unreadable(after.spec.clone());
        let mut want = have.as_map().cloned().expect("a spec");
        let (declared, fields) = (self.example().clone(), fields(self.kind));
        let mut changed = 0;
        for (name, field) in fields {
            let seen = declared.contains_key(name) || !field.marks.aws_default;
            if field.marks.replace
                || field.marks.unreadable()
                || !seen
                || before.spec.get(name) == after.spec.get(name)
            {
                continue;
            }
            changed += 1;
            match before.spec.get(name) {
                Some(value) => drop(want.insert(name.clone(), value.clone())),
                None => drop(want.remove(name)),
            }
        }
        assert!(changed > 0, "the first change changed nothing that can be read");
        let id = self.project.id(&self.address);
        self.project.with(async |_, cx| {
            self.kind.update(cx, &id, &have, &Value::Map(want)).await.expect("the change can be taken back");
        });
        self.apply().plans(&self.address, "~ update in place").says("drift: changed outside dwctl");
    }

    /// Someone deletes the resource: the plan says so, and apply creates it again.
    fn vanishes(&mut self) {
        self.say("deleted behind our back");
        let (id, live) = (self.project.id(&self.address), self.look());
        let spec = self.with_unreadable(live.spec);
        self.project.with(async |_, cx| {
            self.kind.delete(cx, &id, &spec).await.expect("it can be deleted");
        });
        let gone = self.project.live(&self.address).is_none();
        assert!(gone, "it is deleted and can still be read");
        self.apply().plans(&self.address, "+ create  gone from AWS");
    }

    /// A live spec, with the literal declared values of attributes that AWS does not return.
    fn with_unreadable(&mut self, spec: Value) -> Value {
        let (mut spec, declared) = (spec.as_map().cloned().expect("a spec"), self.example().clone());
        for (name, field) in fields(self.kind) {
            if let Some(value) = declared.get(name).filter(|_| field.marks.unreadable()) {
                let json = serde_json::to_value(value).expect("a plain value");
                if !json.to_string().contains("${") {
                    spec.insert(name.clone(), Value::from_json(&json));
                }
            }
        }
        Value::Map(spec)
    }

    fn expect_nothing_left(&self) {
        let left: Vec<String> = self
            .made
            .iter()
            .filter(|((address, id), place)| {
                let kind = kind(&address.kind).expect("a kind");
                self.project.read(kind, place, id, &Value::Null).is_some()
            })
            .map(|((address, id), _)| format!("{address} ({id})"))
            .collect();
        assert!(left.is_empty(), "left at AWS: {}", left.join(", "));
    }

    /// Every attribute was changed, in place or by a replacement as its mark says.
    fn covers_the_schema(&self) {
        let mut faults = Vec::new();
        let gaps = &kind_file::of(self.kind.name()).gaps;
        for (name, field) in fields(self.kind) {
            let (covered, way) = match field.marks.replace {
                true => (self.replaced.contains(name), "replace"),
                false => (self.changed.contains(name), "change"),
            };
            let waived = gaps.iter().any(|gap| gap.attribute.as_ref() == Some(name));
            match (covered, waived) {
                _ if field.marks.local => {}
                (true, true) => faults.push(format!("`{name}` is waived, and a {way} step covers it")),
                (false, false) => faults.push(format!("no {way} step changes `{name}`")),
                _ => {}
            }
        }
        assert!(faults.is_empty(), "tests/kinds/{}.toml:\n  {}", self.kind.name(), faults.join("\n  "));
    }
}

fn fields(kind: &dyn ErasedKind) -> &BTreeMap<String, Node> {
    kind.schema().spec.fields().expect("a spec is an object")
}

/// The top-level attribute that a line of a plan is about.
fn attribute(line: &str) -> String {
    line.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}
