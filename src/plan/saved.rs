//! A plan in a file: what was reviewed, as facts that a later apply must find again.
//!
//! The file holds no value of the stack or of AWS, only keyed fingerprints under the
//! ledger's key, and the text that the reviewer saw, in which secrets are masked. Nothing
//! is applied from the file: an apply plans again and compares ([`Saved::compare`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::detail::path_text;
use super::{Action, Change, Plan, Reason, Selection};
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::ledger::{Fingerprints, Ledger};
use crate::stack::Stack;
use crate::value::Value;

/// The format that this version writes, and the only one that it reads: a plan is short-lived.
pub const FORMAT: u32 = 1;

/// A saved plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Format of the file; the name tells it from other JSON.
    pub dwctl_plan: u32,
    /// The version of dwctl that made it.
    pub dwctl_version: String,
    /// When, RFC 3339.
    pub made: String,
    /// The stack's folder as it was given; relative to the working directory if it was.
    pub folder: String,
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub env: String,
    /// The account.
    pub account: String,
    /// The stack's region.
    pub region: String,
    /// Which ledger, of all those of the same name.
    pub lineage: String,
    /// Fingerprints of the stack's files, by path in its folder.
    pub files: BTreeMap<String, String>,
    /// Fingerprints of the variables' values.
    pub variables: BTreeMap<String, String>,
    /// Which part of the stack it is of.
    pub selection: Selection,
    /// What it does.
    pub changes: Vec<SavedChange>,
    /// What the reviewer saw.
    pub text: String,
    /// HMAC of all of the above under the ledger's key.
    pub seal: String,
}

/// What a saved plan does to one resource, and what that relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedChange {
    /// Its address.
    pub address: Address,
    /// `create`, `update`, `replace`, `replace-create-first`, `delete`, `forget`, `no-op`.
    pub action: String,
    /// Why, in words.
    pub reason: String,
    /// Its physical id, if it existed.
    pub id: Option<String>,
    /// The region.
    pub region: String,
    /// The address that it had before.
    pub moved_from: Option<Address>,
    /// Whether it becomes the stack's.
    pub imported: bool,
    /// Fingerprint of all that AWS told of it, where it is deleted or made anew.
    pub live: Option<String>,
    /// What differs, in the plan's order.
    pub attributes: Vec<SavedAttribute>,
}

/// One difference of a saved plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAttribute {
    /// Where.
    pub path: String,
    /// Fingerprint of what was there.
    pub before: Option<String>,
    /// Fingerprint of what is wanted.
    pub after: Option<String>,
    /// Whether the resource is made anew for it.
    pub forces_replacement: bool,
}

impl Saved {
    /// What `plan` relies on; `folder` as the user gave it, `text` as the user saw it.
    pub fn of(
        plan: &Plan,
        stack: &Stack,
        variables: &BTreeMap<String, Value>,
        ledger: &Ledger,
        selection: &Selection,
        (folder, text): (String, String),
    ) -> Self {
        let prints = ledger.fingerprints();
        let mut saved = Self {
            dwctl_plan: FORMAT,
            dwctl_version: env!("CARGO_PKG_VERSION").to_owned(),
            made: plan.now.map(|now| now.to_string()).unwrap_or_default(),
            folder,
            stack: plan.stack.clone(),
            env: plan.env.clone(),
            account: plan.account_id.clone().unwrap_or_default(),
            region: plan.region.clone(),
            lineage: ledger.lineage.clone(),
            files: files(stack, &prints),
            variables: variable_prints(variables, &prints),
            selection: selection.clone(),
            changes: facts(plan, &prints),
            text,
            seal: String::new(),
        };
        saved.seal = saved.sealed(&prints);
        saved
    }

    /// Reads a plan file's text; `place` is where it was found, for messages.
    ///
    /// # Errors
    /// It is cut short, no plan, or of another version of dwctl.
    pub fn parse(text: &[u8], place: &str) -> Result<Self, Diagnostic> {
        let no_plan = |error: &serde_json::Error| {
            if error.is_eof() {
                refused(format!("the plan {place} is cut short")).help("copy it again, or make a new plan")
            } else {
                refused(format!("{place} is no saved plan")).note(error.to_string())
            }
        };
        #[derive(Deserialize)]
        struct Format {
            dwctl_plan: u32,
            dwctl_version: String,
        }
        // The version first: another format may not have this version's shape.
        let format: Format = serde_json::from_slice(text).map_err(|error| no_plan(&error))?;
        let ours = env!("CARGO_PKG_VERSION");
        if format.dwctl_plan != FORMAT || format.dwctl_version != ours {
            return Err(refused(format!("the plan {place} was made by another version of dwctl"))
                .note(format!("it was made by {}, this is {ours}", format.dwctl_version))
                .help("apply it with the version that made it, or make a new plan"));
        }
        serde_json::from_slice(text).map_err(|error| no_plan(&error))
    }

    /// The file's text, with a line break at its end.
    pub fn to_text(&self) -> Vec<u8> {
        // Its keys are strings and its values plain, so it always has a JSON form.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    fn sealed(&self, prints: &Fingerprints) -> String {
        let open = Self { seal: String::new(), ..self.clone() };
        prints.seal(&serde_json::to_vec(&open).unwrap_or_default())
    }

    /// Checks that the plan is of this stack, environment, account, region and ledger, that
    /// nobody edited it, and that the stack's files and variables are as they were.
    ///
    /// # Errors
    /// What is otherwise.
    pub fn belongs(
        &self,
        stack: &Stack,
        variables: &BTreeMap<String, Value>,
        ledger: &Ledger,
        account: &str,
    ) -> Result<(), Diagnostic> {
        let of_another = |what: &str, planned: &str, here: &str| {
            Err(refused(format!("the plan is of another {what}"))
                .note(format!("it is of {planned}; here it is {here}")))
        };
        if (&self.stack, &self.env) != (&stack.name, &stack.env) {
            let planned = format!("{}/{}", self.stack, self.env);
            return of_another("stack or environment", &planned, &format!("{}/{}", stack.name, stack.env));
        }
        if self.account != account {
            return of_another("account", &self.account, account);
        }
        if self.region != stack.region {
            return of_another("region", &self.region, &stack.region);
        }
        if self.lineage != ledger.lineage {
            return of_another("ledger", &self.lineage, &ledger.lineage);
        }
        let prints = ledger.fingerprints();
        if self.seal != self.sealed(&prints) {
            return Err(refused("the plan was edited since it was made")
                .note("its seal, made under the ledger's key, does not fit what it says"));
        }
        let mut notes = differences("stack file", &self.files, &files(stack, &prints));
        notes.extend(differences("variable", &self.variables, &variable_prints(variables, &prints)));
        if notes.is_empty() {
            return Ok(());
        }
        Err(notes.into_iter().fold(refused("the stack changed since the plan was made"), Diagnostic::note))
    }

    /// Compares the plan with a fresh one, and reduces that to what was reviewed: what now
    /// differs elsewhere is left as it is. Returns the addresses of the latter.
    ///
    /// # Errors
    /// One for each resource to which something else would happen than was reviewed.
    pub fn compare(&self, fresh: &mut Plan, ledger: &Ledger) -> Result<Vec<Address>, Vec<Diagnostic>> {
        let now = facts(fresh, &ledger.fingerprints());
        let now: BTreeMap<Key<'_>, &SavedChange> = now.iter().map(|one| (one.key(), one)).collect();
        let reviewed: BTreeSet<Key<'_>> = self.changes.iter().map(SavedChange::key).collect();
        let others: BTreeSet<Address> =
            now.keys().filter(|key| !reviewed.contains(*key)).map(|key| key.0.clone()).collect();
        let mut problems = Vec::new();
        for then in &self.changes {
            let notes = match now.get(&then.key()) {
                None => vec![format!(
                    "planned was {}; nothing is to be done any more: the plan was applied already, or \
                     someone else did it",
                    then.action
                )],
                Some(now) => then.since(now),
            };
            // One refusal for each is enough.
            if !notes.is_empty() {
                problems.push(notes.into_iter().fold(
                    refused(format!("{} is not as it was when the plan was made", then.address)),
                    Diagnostic::note,
                ));
            } else if !others.is_empty()
                && let Some(other) = fresh.needed(&then.address).into_iter().find(|one| others.contains(*one))
            {
                problems.push(refused(format!(
                    "{} needs {other}, which changed since the plan was made",
                    then.address
                )));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_other = |change: &Change| change.is_effective() && !reviewed.contains(&key_of(change));
        fresh.deposed.retain(|change| !is_other(change));
        for change in fresh.changes.iter_mut().filter(|change| is_other(change)) {
            // The reason stays, by which apply knows that it is not as declared.
            change.action = Action::NoOp;
            change.moved_from = None;
            change.imported = false;
            change.attributes.clear();
        }
        let others = others.into_iter().collect();
        Ok(others)
    }
}

/// An address and, of what was replaced by another one of that address, its id.
type Key<'k> = (&'k Address, Option<&'k str>);

fn key_of(change: &Change) -> Key<'_> {
    let deposed = change.reason == Reason::Deposed;
    (&change.address, change.id.as_deref().filter(|_| deposed))
}

impl SavedChange {
    fn key(&self) -> Key<'_> {
        let deposed = self.reason == reason(&Reason::Deposed);
        (&self.address, self.id.as_deref().filter(|_| deposed))
    }

    fn of(change: &Change, prints: &Fingerprints) -> Self {
        let print = |path: &str, value: &Value| print(prints, &change.address, path, value);
        let destructive = matches!(change.action, Action::Delete | Action::Replace { .. });
        let live = change.live.as_ref().filter(|_| destructive).map(|live| {
            let tags = Value::map(live.tags.iter().map(|(key, value)| (key.clone(), value.clone())));
            print("", &Value::list([live.spec.clone(), tags]))
        });
        let attributes = change.attributes.iter().map(|one| {
            let path = path_text(&one.path);
            SavedAttribute {
                before: one.before.as_ref().map(|value| print(&path, value)),
                after: one.after.as_ref().map(|value| print(&path, value)),
                forces_replacement: one.forces_replacement,
                path,
            }
        });
        Self {
            address: change.address.clone(),
            action: action(change.action).to_owned(),
            reason: reason(&change.reason),
            id: change.id.clone(),
            region: change.region.clone(),
            moved_from: change.moved_from.clone(),
            imported: change.imported,
            live,
            attributes: attributes.collect(),
        }
    }

    /// What is otherwise `now`.
    fn since(&self, now: &Self) -> Vec<String> {
        if self == now {
            return Vec::new();
        }
        let mut notes = Vec::new();
        if self.action != now.action || self.reason != now.reason {
            notes.push(format!(
                "planned was {} ({}); now it is {} ({})",
                self.action, self.reason, now.action, now.reason
            ));
        }
        if self.id.is_some() && now.id.is_some() && (&self.id, &self.region) != (&now.id, &now.region) {
            notes.push("it is another resource at AWS than it was".to_owned());
        }
        // Where something else altogether is to be done, its attributes tell nothing more.
        if self.action != now.action {
            return notes;
        }
        for one in now.attributes.iter().filter(|one| !self.attributes.contains(one)) {
            notes.push(match self.attributes.iter().find(|then| then.path == one.path) {
                None => format!("`{}` differs now, too", one.path),
                Some(then) if then.before != one.before => {
                    format!("`{}` was changed at AWS", one.path)
                }
                Some(_) => format!("`{}` is wanted otherwise", one.path),
            });
        }
        for then in &self.attributes {
            if !now.attributes.iter().any(|one| one.path == then.path) {
                notes.push(format!("`{}` does not differ any more", then.path));
            }
        }
        if notes.is_empty() {
            notes.push(if self.live == now.live {
                "whose it is, or the order of what differs, is otherwise".to_owned()
            } else {
                "it was changed at AWS".to_owned()
            });
        }
        notes
    }
}

fn refused(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("stale-plan", message)
}

fn facts(plan: &Plan, prints: &Fingerprints) -> Vec<SavedChange> {
    plan.effective().map(|change| SavedChange::of(change, prints)).collect()
}

fn action(action: Action) -> &'static str {
    match action {
        Action::NoOp => "no-op",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace { create_first: false } => "replace",
        Action::Replace { create_first: true } => "replace-create-first",
        Action::Delete => "delete",
        Action::Forget => "forget",
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Same => "as declared".to_owned(),
        Reason::New => "new".to_owned(),
        Reason::Vanished => "gone from AWS".to_owned(),
        Reason::Differs => "differs".to_owned(),
        Reason::Forced(paths) => {
            let paths: Vec<String> = paths.iter().map(|path| path_text(path)).collect();
            format!("forced by {}", paths.join(", "))
        }
        Reason::Requested => "asked for".to_owned(),
        Reason::Triggered(address) => format!("triggered by {address}"),
        Reason::Moved { from } => format!("moved from {from}"),
        Reason::Undeclared => "no longer declared".to_owned(),
        Reason::Deposed => "replaced before".to_owned(),
        Reason::Unselected => "not selected".to_owned(),
        Reason::Destroy => "everything is destroyed".to_owned(),
    }
}

/// A fingerprint of a value of which a part may be unknown: where that comes from is then
/// part of the fact.
fn print(prints: &Fingerprints, address: &Address, path: &str, value: &Value) -> String {
    let whole = match value.first_unknown() {
        None => value.clone(),
        Some(_) => without_unknowns(value),
    };
    // Without unknowns in it a value always has one, but for a failure of Argon2's
    // constant parameters; a fact that is missing must then never fit.
    prints.of(address, path, &whole).unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

fn without_unknowns(value: &Value) -> Value {
    match value {
        Value::Unknown(unknown) => Value::map([("unknown", Value::String(format!("{unknown:?}")))]),
        Value::List(items) => Value::List(items.iter().map(without_unknowns).collect()),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (key.clone(), without_unknowns(value))).collect())
        }
        Value::Secret(inner) => Value::Secret(Box::new(without_unknowns(inner))),
        plain => plain.clone(),
    }
}

fn files(stack: &Stack, prints: &Fingerprints) -> BTreeMap<String, String> {
    let files = stack.sources.files().map(|(path, text)| {
        let path = path.strip_prefix(&stack.folder).unwrap_or(path);
        (path.display().to_string(), prints.seal(text.as_bytes()))
    });
    files.collect()
}

fn variable_prints(variables: &BTreeMap<String, Value>, prints: &Fingerprints) -> BTreeMap<String, String> {
    let prints = variables.iter().map(|(name, value)| {
        let address = Address { kind: "variable".to_owned(), name: name.clone(), key: None };
        (name.clone(), print(prints, &address, "", value))
    });
    prints.collect()
}

fn differences(what: &str, then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter_map(|name| match (then.get(name), now.get(name)) {
        (Some(_), None) => Some(format!("the {what} {name} is gone")),
        (None, Some(_)) => Some(format!("the {what} {name} is new")),
        (then, now) => (then != now).then(|| format!("the {what} {name} was changed")),
    });
    differing.collect()
}
