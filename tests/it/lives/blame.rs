//! No plan blames someone who did nothing: for every kind, nobody touches what was applied but
//! `dwctl`, and whatever the stack says next, no plan and no drift tells of anyone else. The same
//! after updates that AWS refused in part.

use dwctl::schema::{Node, Shape};
use toml::{Table, Value};

use super::{Life, fields};
use crate::harness::Run;

macro_rules! blames {
    ($($kind:ident: $_type:path,)*) => {
        $(#[test] fn $kind() { Life::new(stringify!($kind)).blames_nobody(); })*
    };
}

dwctl::each_kind!(blames);

/// Matches calls that change something.
const WRITES: &str = ":(?!Get|List|Describe|Head|BatchGet|Validate|Search|Lookup|AssumeRole)";

impl Life {
    fn blames_nobody(mut self) {
        let (changes, replaces) = self.steps();
        self.project.write(&toml::to_string(&self.stack).expect("a stack"));
        // What is made in part is nobody else's doing either.
        for call in [2, 5, 9] {
            self.project.cloud.disturb(&format!("fault_match={WRITES}&error_nth={call}:403:AccessDenied"));
            let run = self.project.run(&["apply", "--yes"]);
            self.project.cloud.disturb("fault_match=&error_nth=");
            if run.code == Some(0) {
                break;
            }
            self.blames_none(&format!("made but for call {call}"));
        }
        self.project.apply();
        self.project.run(&["drift"]).exits(0);
        let applied = self.stack.clone();

        // Each attribute taken out, spelled otherwise, or as some step of its life has it.
        let mut trials: Vec<(String, Table)> = Vec::new();
        let example = self.example().clone();
        for (name, value) in &example {
            let mut without = example.clone();
            without.remove(name);
            trials.push((format!("without {name}"), without));
            let field = fields(self.kind).get(name);
            for (how, respelled) in field.map(|field| respelled(field, value)).unwrap_or_default() {
                let mut with = example.clone();
                with.insert(name.clone(), respelled);
                trials.push((format!("{name} {how}"), with));
            }
        }
        for step in changes.iter().chain(&replaces) {
            for (name, value) in &step.set {
                let mut with = example.clone();
                with.insert(name.clone(), value.clone());
                trials.push((format!("{name} of {}", step.name), with));
            }
        }
        let mut planned = 0;
        for (what, trial) in trials {
            *self.example() = trial;
            planned += usize::from(self.blames_none(&what));
        }
        assert!(planned >= example.len(), "only {planned} changes can be planned");

        self.stack = applied;
        for step in &changes {
            let before = self.stack.clone();
            self.take(step);
            let after = self.stack.clone();
            for call in 1..=4 {
                self.stack = after.clone();
                self.project.write(&toml::to_string(&self.stack).expect("a stack"));
                let refusal = format!("fault_match={WRITES}&error_nth={call}:403:AccessDenied");
                self.project.cloud.disturb(&refusal);
                let run = self.project.run(&["apply", "--yes"]);
                self.project.cloud.disturb("fault_match=&error_nth=");
                if run.code == Some(0) {
                    assert!(call > 1, "nothing was refused: {run}");
                    break;
                }
                let what = format!("{} refused at its call {call}", step.name);
                assert!(self.blames_none(&what), "{what}: no plan");
                self.stack = before.clone();
                self.blames_none(&format!("{what}, and taken back"));
            }
            self.stack = after;
            self.apply();
        }
        self.stack.remove(self.kind.name());
        self.project.run(&["destroy", "--yes"]).exits(0);
    }

    /// Plans the stack as it is now, and expects that nobody is blamed; whether it can be planned.
    fn blames_none(&self, what: &str) -> bool {
        self.project.write(&toml::to_string(&self.stack).expect("a stack"));
        let blames = |run: &Run| run.stdout.contains("outside dwctl");
        let plan = self.project.run(&["plan"]);
        assert!(!blames(&plan), "{what}\n{plan}");
        if plan.code != Some(0) {
            return false;
        }
        if plan.stdout.contains("No changes") {
            return true;
        }
        let drift = self.project.run(&["drift"]);
        assert!(drift.code == Some(0) && !blames(&drift), "{what}\n{drift}");
        true
    }
}

/// The same said in other words, or nearly so: names for ARNs, ARNs with more, other cases; and
/// tables without one of their parts.
fn respelled(node: &Node, value: &Value) -> Vec<(String, Value)> {
    let told = |how: &str, value: Value| (how.to_owned(), value);
    match (&node.shape, value) {
        (Shape::String { options, .. }, Value::String(text)) if options.is_empty() => {
            let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
                return vec![told("in capitals", Value::String(text.to_uppercase()))];
            };
            if inner.contains("${") {
                return Vec::new();
            }
            vec![
                told("with :*", Value::String(format!("{text}:*"))),
                told("by its name", Value::String(format!("${{regex(\"[^/:]*$\", {inner})}}"))),
                told("in capitals", Value::String(format!("${{upper({inner})}}"))),
            ]
        }
        (Shape::Object { fields, .. }, Value::Table(table)) => {
            let parts = table.iter().flat_map(|(name, value)| {
                let mut without = table.clone();
                without.remove(name);
                let without = (format!("without {name}"), Value::Table(without));
                let field = fields.get(name);
                let with = field.map(|field| respelled(field, value)).unwrap_or_default().into_iter();
                let with = with.map(|(how, value)| {
                    let mut with = table.clone();
                    with.insert(name.clone(), value);
                    (format!("{name} {how}"), Value::Table(with))
                });
                std::iter::once(without).chain(with).collect::<Vec<_>>()
            });
            parts.collect()
        }
        (Shape::List { element, .. }, Value::Array(list)) => match list.split_first() {
            Some((first, rest)) => {
                let with = respelled(element, first).into_iter().map(|(how, value)| {
                    let list = std::iter::once(value).chain(rest.iter().cloned()).collect();
                    (format!("first {how}"), Value::Array(list))
                });
                with.chain([told("without its first", Value::Array(rest.to_vec()))]).collect()
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}
