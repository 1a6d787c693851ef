//! No plan reports drift that did not happen. For every kind, only `dwctl` changes the resource, and
//! whatever the stack declares next, neither plan nor drift blames anyone else. The same holds after
//! updates that AWS refused in part.

use dwctl::schema::{Form, Node, Shape};
use toml::{Table, Value};

use super::{Life, fields};
use crate::harness::{REGION, Run};

macro_rules! blames {
    ($($kind:ident: $_type:path,)*) => {
        $(#[test] fn $kind() { Life::new(stringify!($kind)).never_reports_false_drift(); })*
    };
}

dwctl::each_kind!(blames);

/// Matches mutating calls.
const WRITES: &str = ":(?!Get|List|Describe|Head|BatchGet|Validate|Search|Lookup|AssumeRole)";

impl Life {
    fn never_reports_false_drift(mut self) {
        let (changes, replaces) = self.steps();
        self.project.write(&toml::to_string(&self.stack).expect("a stack"));
        // The part of an apply that succeeded is not attributed to anyone else.
        for call in [2, 5, 9] {
            self.project.cloud.disturb(&format!("fault_match={WRITES}&error_nth={call}:403:AccessDenied"));
            let run = self.project.run(&["apply", "--yes"]);
            self.project.cloud.disturb("fault_match=&error_nth=");
            if run.code == Some(0) {
                break;
            }
            self.expects_no_drift(&format!("made but for call {call}"));
        }
        self.project.apply();
        self.project.run(&["drift"]).exits(0);
        let applied = self.stack.clone();
        let names: Vec<String> = self.example().keys().cloned().collect();
        self.knows_spellings(&names);
        self.knows_defaults();
        self.stack = applied.clone();
        self.apply();

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
            planned += usize::from(self.expects_no_drift(&what));
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
                assert!(self.expects_no_drift(&what), "{what}: no plan");
                self.stack = before.clone();
                self.expects_no_drift(&format!("{what}, and taken back"));
            }
            self.stack = after;
            self.apply();
            self.knows_spellings(&step.set.keys().cloned().collect::<Vec<_>>());
        }
        self.stack.remove(self.kind.name());
        self.project.run(&["destroy", "--yes"]).exits(0);
    }

    /// Writes each of these attributes in every spelling that AWS considers equal: no changes and no drift,
    /// before an apply and after it.
    fn knows_spellings(&mut self, names: &[String]) {
        let example = self.example().clone();
        for name in names {
            let Some(field) = fields(self.kind).get(name) else { continue };
            for (how, spelled) in spellings(field, &example[name]) {
                self.example().insert(name.clone(), spelled);
                self.is_the_same(&format!("{name} {how}"));
                *self.example() = example.clone();
                self.is_the_same(&format!("{name} {how}, and taken back"));
            }
        }
    }

    /// Writes the value that AWS uses for an absent attribute: no changes.
    fn knows_defaults(&mut self) {
        let example = self.example().clone();
        for (path, default) in defaults(self.kind.schema().spec.fields().expect("fields"), &example) {
            let set = |table: &mut Table, value: Option<&Value>| {
                let (table, name) = match path.as_slice() {
                    [name] => (table, name),
                    [outer, name] => (table[outer].as_table_mut().expect("a table"), name),
                    other => panic!("{other:?} is too deep"),
                };
                match value {
                    Some(value) => drop(table.insert(name.clone(), value.clone())),
                    None => drop(table.remove(name)),
                }
            };
            set(self.example(), None);
            self.apply();
            self.is_the_same(&format!("without {path:?}"));
            set(self.example(), Some(&default));
            self.project.write(&toml::to_string(&self.stack).expect("a stack"));
            if self.project.run(&["validate"]).code != Some(0) {
                // The default belongs to a resource of another type.
                *self.example() = example.clone();
                self.apply();
                continue;
            }
            self.is_the_same(&format!("{path:?} as its default"));
            set(self.example(), None);
            self.is_the_same(&format!("{path:?} as its default, and taken out"));
            *self.example() = example.clone();
            self.apply();
        }
    }

    /// Expects no changes and no drift, before an apply and after it.
    fn is_the_same(&self, what: &str) {
        self.project.write(&toml::to_string(&self.stack).expect("a stack"));
        let plan = self.project.run(&["plan"]);
        assert!(plan.code == Some(0) && plan.stdout.contains("No changes"), "{what}\n{plan}");
        let apply = self.project.run(&["apply", "--yes"]);
        assert!(apply.code == Some(0) && apply.stdout.contains("No changes"), "{what}\n{apply}");
        let drift = self.project.run(&["drift"]);
        assert!(drift.code == Some(0), "{what}\n{drift}");
    }

    /// Plans the current stack, and expects no drift. Returns whether it can be planned.
    fn expects_no_drift(&self, what: &str) -> bool {
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

/// The same value in other or similar words: names for ARNs, longer ARNs, other cases, and tables without
/// one of their parts.
fn respelled(node: &Node, value: &Value) -> Vec<(String, Value)> {
    let spelling = |how: &str, value: Value| (how.to_owned(), value);
    match (&node.shape, value) {
        (Shape::String { options, .. }, Value::String(text)) if options.is_empty() => {
            let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
                return vec![spelling("in capitals", Value::String(text.to_uppercase()))];
            };
            if inner.contains("${") {
                return Vec::new();
            }
            vec![
                spelling("with :*", Value::String(format!("{text}:*"))),
                spelling("by its name", Value::String(format!("${{regex(\"[^/:]*$\", {inner})}}"))),
                spelling("in capitals", Value::String(format!("${{upper({inner})}}"))),
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
                with.chain([spelling("without its first", Value::Array(rest.to_vec()))]).collect()
            }
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Values in other spellings, with a description.
type Spellings = Vec<(String, Value)>;

/// The other spellings of a value that AWS considers equal, for any part of it.
fn spellings(node: &Node, value: &Value) -> Spellings {
    match (&node.shape, value) {
        (Shape::Object { fields, .. }, Value::Table(table)) => {
            let within = |name: &String| Some((fields.get(name)?, table.get(name)?));
            each_of(table, &|name| within(name).map(|(field, value)| spellings(field, value)))
        }
        (Shape::Map(element), Value::Table(table)) => {
            each_of(table, &|name| Some(spellings(element, table.get(name)?)))
        }
        (Shape::List { element, .. }, Value::Array(list)) => {
            let places = list.iter().enumerate().flat_map(|(at, value)| {
                spellings(element, value).into_iter().map(move |(how, value)| {
                    let mut list = list.clone();
                    list[at] = value;
                    (format!("{at} {how}"), Value::Array(list))
                })
            });
            places.collect()
        }
        (_, Value::String(text)) => {
            let form = node.spelling.as_ref().map(|spelling| spelling.form);
            let other = form.and_then(|form| respelled_as(form, text));
            other.map(|text| (format!("as {text}"), Value::String(text))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn each_of(table: &Table, spellings: &dyn Fn(&String) -> Option<Spellings>) -> Spellings {
    let all = table.keys().flat_map(|name| {
        spellings(name).unwrap_or_default().into_iter().map(move |(how, value)| {
            let mut table = table.clone();
            table.insert(name.clone(), value);
            (format!("{name} {how}"), Value::Table(table))
        })
    });
    all.collect()
}

/// A text in another spelling: a name for an ARN, or an ARN for a name.
fn respelled_as(form: Form, text: &str) -> Option<String> {
    let own = |service: &str, name: &str| {
        format!("arn:${{aws.partition}}:{service}:{REGION}:${{aws.account_id}}:{name}")
    };
    let expression = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let expression = expression.filter(|inner| !inner.contains("${"));
    // What follows a mark in an ARN.
    let after = |mark: &str| match expression {
        Some(inner) => Some(format!("${{element(split(\"{mark}\", {inner}), 1)}}")),
        None => text.split_once(mark).map(|(_, name)| name.to_owned()),
    };
    match form {
        Form::KmsKey if text.starts_with("alias/") => Some(own("kms", text)),
        Form::KmsKey => after(":key/").or_else(|| Some(own("kms", &format!("key/{text}")))),
        Form::Role => after(":role/"),
        Form::LogGroup => Some(text.strip_suffix(":*").map_or(format!("{text}:*"), str::to_owned)),
        Form::EventBus => Some(own("events", &format!("event-bus/{text}"))),
        Form::Topic => Some(own("sns", text)),
        Form::AnyCase => Some(match expression {
            Some(inner) => format!("${{upper({inner})}}"),
            None => text.to_uppercase(),
        }),
        Form::Folder => Some(text.strip_suffix('/').map_or(format!("{text}/"), str::to_owned)),
        // The other spelling cannot be known without the password.
        Form::MaskedUrl => None,
    }
}

/// The attributes with an implied value at AWS if they are absent, and that value.
fn defaults(fields: &std::collections::BTreeMap<String, Node>, example: &Table) -> Vec<(Vec<String>, Value)> {
    let mut found = Vec::new();
    for (name, field) in fields {
        let absent = field.absent.as_ref().map(in_toml);
        let absent = absent.or(field.marks.default_is_absent.then(|| Value::Table(Table::new())));
        found.extend(absent.map(|absent| (vec![name.clone()], absent)));
        if let (Some(fields), Some(Value::Table(table))) = (field.fields(), example.get(name)) {
            let below = defaults(fields, table).into_iter();
            found.extend(below.map(|(path, value)| ([vec![name.clone()], path].concat(), value)));
        }
    }
    found
}

/// A known value in TOML.
fn in_toml(value: &dwctl::value::Value) -> Value {
    use dwctl::value::Value as Own;
    match value {
        Own::Bool(flag) => Value::Boolean(*flag),
        Own::Number(number) => Value::Integer(number.to_string().parse().expect("a whole number")),
        Own::String(text) => Value::String(text.clone()),
        Own::Map(map) => {
            Value::Table(map.iter().map(|(name, value)| (name.clone(), in_toml(value))).collect())
        }
        Own::List(list) | Own::Set(list) => Value::Array(list.iter().map(in_toml).collect()),
        other => panic!("no default is {other:?}"),
    }
}
