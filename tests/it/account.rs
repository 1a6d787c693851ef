//! A simulated account: what AWS has, and the plan of a stack against it.

use std::collections::BTreeMap;

use dwctl::aws::Place;
use dwctl::eval::{EvalContext, Facts, Instance};
use dwctl::graph::Address;
use dwctl::kind::{ErasedLive, Identity, Known, State};
use dwctl::ledger::{Entry, Ledger};
use dwctl::plan::{self, Answers, Inputs, Outcome, Plan, Question, Selection, TextOptions};
use dwctl::schema::{Node, Shape};
use dwctl::stack::{self, Stack};
use dwctl::value::Value;

use crate::paper;

/// Reads a stack of one file, in a folder of its own.
pub(crate) fn read(text: &str) -> (Stack, tempfile::TempDir) {
    let folder = paper::folder(&[("stack.toml", &paper::headed(text))]);
    let stack = paper::load(folder.path()).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"));
    (stack, folder)
}

pub(crate) fn eval(stack: &Stack) -> EvalContext<'_> {
    with_variables(stack, &[])
}

fn with_variables<'s>(stack: &'s Stack, given: &[(String, String, Value)]) -> EvalContext<'s> {
    let mut problems = Vec::new();
    let variables = stack::variables(stack, given, &mut problems);
    assert!(problems.is_empty(), "{problems:#?}");
    EvalContext::new(stack, Facts::offline(stack), variables)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A value that AWS might have decided.
pub(crate) fn decided(node: &Node, name: &str, address: &Address) -> Value {
    match node.shape {
        Shape::Bool => Value::Bool(false),
        Shape::Number { .. } => Value::from(5439),
        Shape::List { .. } => Value::List(Vec::new()),
        Shape::Map(_) | Shape::Object { .. } => Value::Map(BTreeMap::new()),
        // In AWS's notation, because other attributes check the form of an id.
        _ => Value::from(match (address.kind.as_str(), name) {
            ("kms_key", "arn") => format!("arn:aws:kms:us-east-1:111111111111:key/of-{}", address.name),
            (_, "vpc_id") => format!("vpc-of-{}", address.name.replace('_', "-")),
            (_, "subnet_id") => format!("subnet-of-{}", address.name.replace('_', "-")),
            (_, "group_id") => format!("sg-of-{}", address.name.replace('_', "-")),
            _ => format!("{name}-of-{}", address.name),
        }),
    }
}

/// Returns the value that AWS decides for an attribute.
pub(crate) type Decide = fn(&Node, &str, &Address) -> Value;

/// A simulated account: its resources, by address.
pub(crate) struct Account {
    pub(crate) ledger: Ledger,
    pub(crate) lives: BTreeMap<Address, ErasedLive>,
}

impl Account {
    /// The account right after an apply of this stack.
    pub(crate) fn after(text: &str) -> Self {
        Self::deciding(text, decided)
    }

    /// Like [`Self::after`], with a function for the values that AWS decides.
    pub(crate) fn deciding(text: &str, decided: Decide) -> Self {
        let (stack, _folder) = read(text);
        let eval = eval(&stack);
        let ledger = Ledger::new(&stack.name, &stack.env).expect("randomness");
        let mut account = Self { ledger, lives: BTreeMap::new() };
        let mut problems = Vec::new();
        for declaration in eval.declarations() {
            for instance in eval.instances(declaration, &mut problems) {
                let live = account.make(&eval, &instance, decided);
                eval.show(&instance.address, eval.view(&instance, Some(&live.attrs), Some(&live.spec)));
                account.lives.insert(instance.address.clone(), live);
            }
        }
        for (name, value) in eval.outputs(&mut problems) {
            let print = account.ledger.print_of_output(&name, &value).expect("a known output");
            account.ledger.outputs.insert(name, print);
        }
        assert!(problems.is_empty(), "{problems:#?}");
        account
    }

    fn make(&mut self, eval: &EvalContext<'_>, instance: &Instance<'_>, decided: Decide) -> ErasedLive {
        let kind = instance.kind;
        let predicted = kind.predict(Known(&instance.spec), &eval.facts.scope).0;
        let attrs = kind.schema().attrs.fields().into_iter().flatten().map(|(name, node)| {
            let value = predicted.get(name).cloned();
            (name.clone(), value.unwrap_or_else(|| decided(node, name, &instance.address)))
        });
        let tags = plan::tags(instance, &eval.stack.name, &eval.stack.env)
            .into_iter()
            .map(|(name, value)| (name, value.as_str().expect("a known tag").to_owned()));
        let live = ErasedLive {
            spec: instance.spec.clone().reveal(),
            attrs: Value::Map(attrs.collect()),
            tags: tags.collect(),
            state: State::Ready,
            incarnation: None,
            not_returned: Vec::new(),
        };
        let id = match kind.identity(Known(&instance.spec), &eval.facts.scope) {
            Identity::Named(id) => id,
            Identity::Assigned | Identity::Unknown => format!("id-of-{}", instance.address.name),
        };
        let entry = Entry {
            id,
            place: instance.place.clone(),
            needs: instance.needs.iter().cloned().collect(),
            applied: "2026-01-01T00:00:00Z".to_owned(),
            protect: instance.protect,
            retain: instance.retain,
            name_prefix: instance.name_prefix.clone(),
            fingerprinted_as: None,
            stamp: None,
            fingerprints: plan::prints(instance, &live.spec, &self.ledger),
            secrets: plan::prints_of_secrets(instance, &live.spec, &self.ledger),
            ..Entry::default()
        };
        self.ledger.resources.insert(instance.address.clone(), entry);
        live
    }

    pub(crate) fn change(mut self, address: &str, change: impl FnOnce(&mut ErasedLive)) -> Self {
        change(self.lives.get_mut(&address.parse().expect("an address")).expect("a live resource"));
        self
    }

    /// Simulates a change of an attribute outside of dwctl.
    pub(crate) fn set(self, address: &str, attribute: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.change(address, |live| {
            let Value::Map(spec) = &mut live.spec else { panic!("a table") };
            spec.insert(attribute.to_owned(), value);
        })
    }

    /// Simulates a deletion outside of dwctl.
    pub(crate) fn without(mut self, address: &str) -> Self {
        self.lives.remove(&address.parse().expect("an address"));
        self
    }

    /// The plan of a stack against this account as a terminal shows it, or the errors that prevent it.
    pub(crate) fn plan(&self, text: &str, selection: &Selection) -> String {
        match self.planned(text, selection) {
            Ok(plan) => plan::render(&plan, &TextOptions::default()),
            Err(problems) => problems,
        }
    }

    /// The plan of a stack against this account, or the errors that prevent it as a terminal shows them.
    pub(crate) fn planned(&self, text: &str, selection: &Selection) -> Result<Plan, String> {
        self.given(text, &[], selection)
    }

    /// As [`Self::planned`], with values for variables.
    pub(crate) fn given(
        &self,
        text: &str,
        given: &[(String, String, Value)],
        selection: &Selection,
    ) -> Result<Plan, String> {
        let folder = paper::folder(&[("stack.toml", &paper::headed(text))]);
        self.of_folder(folder.path(), given, selection)
    }

    /// As [`Self::given`], of the stack in a folder.
    pub(crate) fn of_folder(
        &self,
        folder: &std::path::Path,
        given: &[(String, String, Value)],
        selection: &Selection,
    ) -> Result<Plan, String> {
        let stack = paper::load(folder).unwrap_or_else(|(problems, _)| panic!("{problems:#?}"));
        let eval = with_variables(&stack, given);
        let mut answers = Answers::default();
        let known = self.known();
        for _ in 0..5 {
            let inputs =
                Inputs { eval: &eval, ledger: &self.ledger, answers: &answers, selection, offline: false };
            match plan::plan(&inputs) {
                Ok(Outcome::Plan(mut plan)) => {
                    // The next runs of a schedule depend on the day.
                    plan.now = None;
                    plan.asked.stack_at.file = "stack.toml".into();
                    // The path of the folder differs from run to run.
                    for declared in plan.changes.iter_mut().filter_map(|change| change.declared.as_mut()) {
                        if let Ok(path) = declared.file.strip_prefix(folder) {
                            declared.file = path.to_owned();
                        }
                    }
                    return Ok(*plan);
                }
                Ok(Outcome::Ask(questions)) => {
                    questions.into_iter().for_each(|one| answer(one, &known, &mut answers))
                }
                Err(problems) => {
                    return Err(dwctl::diag::render_all(&problems, &stack.sources, false)
                        .replace(&format!("{}/", folder.display()), ""));
                }
            }
        }
        panic!("it asks without an end")
    }

    pub(crate) fn answer(&self, question: Question, answers: &mut Answers) {
        answer(question, &self.known(), answers);
    }

    /// The resources by kind, place and id.
    fn known(&self) -> ById<'_> {
        let lives = self.lives.iter().rev().map(|(address, live)| {
            let entry = &self.ledger.resources[address];
            ((address.kind.as_str(), &entry.place, entry.id.as_str()), live)
        });
        lives.collect()
    }
}

type ById<'l> = BTreeMap<(&'l str, &'l Place, &'l str), &'l ErasedLive>;

fn answer(question: Question, known: &ById<'_>, answers: &mut Answers) {
    match question {
        Question::Read { kind, place, request, .. } => {
            let live = known.get(&(kind.name(), &place, request.id.as_str()));
            let live = live.map(|live| (*live).clone());
            answers.reads.insert((kind.name(), place, request.id), Ok(live));
        }
        Question::Data { kind, place, id, .. } => {
            let live = known.get(&(kind.name(), &place, id.as_str())).map(|live| (*live).clone());
            answers.data.insert((kind.name(), place, id), Ok(live));
        }
        Question::Search { kind, place, filter } => {
            answers.searches.insert((kind.name(), place, plan::filter_text(&filter)), Ok(Vec::new()));
        }
        Question::Find { address, place, .. } => {
            answers.found.insert((address, place), Ok(Vec::new()));
        }
        Question::Within { address, .. } => {
            answers.within.insert(address, Ok(Vec::new()));
        }
    }
}

pub(crate) const TOPIC: &str = r#"
[kms_key.data]
description = "Data at rest"

[sns_topic.alerts]
name              = "alerts"
display_name      = "Alerts"
kms_master_key_id = "${kms_key.data.arn}"
tags              = { team = "data" }
"#;

/// The plan from one stack, as it was applied, to another.
pub(crate) fn planned(before: &str, after: &str) -> Plan {
    let plan = Account::after(before).planned(after, &Selection::default());
    plan.unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) const CLUSTER: &str = r#"
[redshift_cluster.main]
cluster_identifier   = "dw"
node_type            = "ra3.xlplus"
number_of_nodes      = 2
db_name              = "dw"
master_username      = "admin"
master_user_password = "Correct-Horse-7"
iam_roles            = ["arn:aws:iam::111111111111:role/load", "arn:aws:iam::111111111111:role/spectrum"]
"#;

pub(crate) const ROLE: &str = r#"
[iam_role.glue]
role_name = "glue"
assume_role_policy_document = { Version = "2012-10-17", Statement = [
  { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "glue.amazonaws.com" } },
] }
[iam_role.glue.inline_policies.lake]
Version = "2012-10-17"
[[iam_role.glue.inline_policies.lake.Statement]]
Sid      = "Read"
Effect   = "Allow"
Action   = ["s3:GetObject", "s3:ListBucket"]
Resource = ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]
"#;

pub(crate) const JOB: &str = r#"
[glue_job.orders]
name              = "orders"
role              = "glue"
number_of_workers = 2
worker_type       = "G.1X"
timeout_minutes   = 60
command           = { script_location = "s3://lake/orders.py" }
default_arguments = { "--load" = "full", "--bookmark" = "on" }
connections       = ["warehouse"]
"#;
