//! Every way in which a resource may come to belong to someone else, for every kind, with the kinds' own
//! examples. No command writes or deletes anything foreign without `--adopt`.
//!
//! All examples form one stack `a`, so each row of the table takes only a few runs. Foreign resources are
//! read before and after, and the proxy counts the calls that write.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dwctl::aws::{Cx, Tags};
use dwctl::diag::Diagnostic;
use dwctl::eval::{EvalContext, Facts};
use dwctl::graph::Address;
use dwctl::kind::{ErasedKind, ErasedLive, NewResource, Owner};
use dwctl::kinds::{KINDS, kind};
use dwctl::ledger::{FileStore, Holder, Ledger, Store};
use dwctl::plan::Selection;
use dwctl::value::Value;
use dwctl::{apply, live, stack};
use regex::Regex;
use toml::Table;

use crate::harness::{Project, Run, copy, read_all, run};

/// The kinds for which AWS returns nothing that distinguishes a resource from another one created under its
/// name. Without tags, nobody knows their owner.
const NAMELESS: [&str; 8] = [
    "cloudtrail_trail",
    "cloudwatch_dashboard",
    "eventbridge_rule",
    "glue_trigger",
    "redshift_cluster_parameter_group",
    "redshift_cluster_subnet_group",
    "s3_bucket",
    "sns_topic",
];

/// The kind with neither tags nor a parent. Nobody can see that someone took one over; only its creation
/// time shows that one was recreated.
const UNTAGGED: &str = "glue_classifier";

/// The stack `a` without resources.
const HEAD: &str = "[stack]\nname = \"a\"\nregion = \"us-east-1\"\n";

/// The attribute with the name of a resource of a kind.
fn naming(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "cloudwatch_alarm" => "alarm_name",
        "cloudwatch_dashboard" => "dashboard_name",
        "cloudwatchlogs_log_group" => "log_group_name",
        "ec2_security_group" => "group_name",
        "iam_policy" => "policy_name",
        "iam_role" => "role_name",
        "redshift_cluster" => "cluster_identifier",
        "redshift_cluster_parameter_group" => "parameter_group_name",
        "redshift_cluster_subnet_group" => "cluster_subnet_group_name",
        "cloudtrail_trail" => "trail_name",
        "sqs_queue" => "queue_name",
        "s3_bucket" => "bucket",
        "s3_object" => "key",
        "ec2_eip" | "ec2_internet_gateway" | "ec2_nat_gateway" | "ec2_route_table" | "ec2_vpc_endpoint" => {
            return None;
        }
        "ec2_subnet" | "ec2_vpc" | "kms_key" | "sns_subscription" => return None,
        _ => "name",
    })
}

/// Returns whether AWS assigns the ids of a kind.
fn is_assigned(kind: &str) -> bool {
    kind == "ec2_security_group" || naming(kind).is_none()
}

fn examples() -> impl Iterator<Item = &'static dyn ErasedKind> {
    KINDS.iter().map(AsRef::as_ref).filter(|kind| kind.name() != UNTAGGED)
}

/// The address of a kind's example in the common stack.
fn example(kind: &str) -> Address {
    format!("{kind}.{kind}_example").parse().unwrap()
}

/// Renames a declaration, with all references to the name in the declaration itself.
fn rename(kind: &str, declaration: &mut Table, prefix: &str) {
    for alias in declaration.get_mut("aliases").and_then(toml::Value::as_array_mut).into_iter().flatten() {
        let name = alias.as_str().unwrap().strip_prefix("alias/").unwrap();
        *alias = format!("alias/{prefix}{name}").into();
    }
    let Some(attribute) = naming(kind) else { return };
    let Some(old) = declaration.get(attribute).and_then(toml::Value::as_str).map(str::to_owned) else {
        return;
    };
    let prefix = if kind == "glue_database" { prefix.replace('-', "_") } else { prefix.to_owned() };
    let new = match old.strip_prefix('/') {
        Some(rest) => format!("/{prefix}{rest}"),
        None => format!("{prefix}{old}"),
    };
    // `warehouse` alone is part of many texts that are not names.
    if old.contains('-') && !old.starts_with("${") {
        let text = toml::to_string(declaration).unwrap().replace(&old, &new);
        *declaration = text.parse().unwrap();
    } else {
        declaration.insert(attribute.to_owned(), new.into());
    }
}

/// All examples as one stack. `prefix` begins the names of all their resources.
fn all(stack: &str, prefix: &str) -> Table {
    let mut merged = Table::new();
    for kind in examples() {
        let text = kind.example();
        let declared: Table = text.parse().unwrap();
        let declared: Vec<(String, String)> = declared
            .iter()
            .filter(|(kind, _)| *kind != "stack")
            .flat_map(|(kind, all)| all.as_table().unwrap().keys().map(|name| (kind.clone(), name.clone())))
            .collect();
        let mut text = text.to_owned();
        for (of, name) in &declared {
            let pattern = Regex::new(&format!(r"\b{of}\.{name}\b")).unwrap();
            text = pattern.replace_all(&text, format!("{of}.{}_{name}", kind.name())).into_owned();
        }
        let renamed: Table = text.parse().unwrap();
        for (of, resources) in renamed.into_iter().filter(|(kind, _)| kind != "stack") {
            let to = merged.entry(of.clone()).or_insert_with(|| Table::new().into());
            for (name, declaration) in resources.as_table().unwrap() {
                let mut declaration = declaration.as_table().unwrap().clone();
                // The kinds' own examples have distinct names, but their prerequisites do not.
                if of != kind.name() {
                    rename(&of, &mut declaration, &format!("{}-", kind.name().replace('_', "-")));
                }
                rename(&of, &mut declaration, prefix);
                to.as_table_mut().unwrap().insert(name.clone(), declaration.into());
            }
        }
    }
    let head = format!("name = \"{stack}\"\nregion = \"us-east-1\"");
    merged.insert("stack".to_owned(), head.parse::<Table>().unwrap().into());
    merged
}

/// Import blocks for these ids.
fn imports<'i>(ids: impl IntoIterator<Item = (&'i Address, &'i String)>) -> String {
    let block = |(address, id): (&Address, &String)| format!("[[import]]\nto = '{address}'\nid = '{id}'\n");
    ids.into_iter().map(block).collect()
}

fn write(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("stack.toml"), text).unwrap();
}

/// The fixture of the table: stacks in one cloud, and a state to return to.
struct Owners {
    project: Project,
    /// The ledger of `a` in that state.
    kept: tempfile::TempDir,
}

impl Owners {
    /// Applies the stack `a`.
    fn new() -> Self {
        let project = Project::new(&all("a", "").to_string());
        project.apply();
        let kept = tempfile::tempdir().unwrap();
        let mut owners = Self { project, kept };
        owners.keep();
        owners
    }

    /// Makes the current state the start of each row.
    fn keep(&mut self) {
        self.project.cloud.save();
        copy(&self.a().join(".dwctl"), self.kept.path());
    }

    /// Returns to the start state for a row.
    fn row(&self, name: &str) {
        println!("{name}");
        self.project.cloud.empty();
        copy(self.kept.path(), &self.a().join(".dwctl"));
        write(&self.a(), &all("a", "").to_string());
        for other in ["b", "c"] {
            drop(std::fs::remove_dir_all(self.folder(other)));
        }
    }

    fn a(&self) -> PathBuf {
        self.project.stack()
    }

    /// The folder of another stack.
    fn folder(&self, name: &str) -> PathBuf {
        self.a().with_file_name(name)
    }

    fn run(&self, folder: &Path, arguments: &[&str]) -> Run {
        run(self.project.command(arguments).current_dir(folder), &arguments.join(" "))
    }

    fn ledger(&self, folder: &Path) -> Ledger {
        FileStore::new(folder, "default", false).read().unwrap().unwrap()
    }

    /// The ids of the examples in a ledger.
    fn ids(&self, folder: &Path) -> BTreeMap<Address, String> {
        let ledger = self.ledger(folder);
        let ids = examples().map(|kind| {
            let address = example(kind.name());
            let id = ledger.resources[&address].id.clone();
            (address, id)
        });
        ids.collect()
    }

    /// Reads these resources.
    fn look(&self, ids: &BTreeMap<Address, String>) -> BTreeMap<Address, Option<ErasedLive>> {
        self.project.with(async |_, cx| {
            let mut found = BTreeMap::new();
            for (address, id) in ids {
                let kind = kind(&address.kind).unwrap();
                found.insert(address.clone(), read_all(kind, cx, &[id]).await.pop().unwrap());
            }
            found
        })
    }

    /// Expects that commands on a stack are refused and touch nothing, and that the plan names each of these
    /// resources.
    #[track_caller]
    fn refuses(&self, folder: &Path, foreign: &BTreeMap<Address, String>, verbs: &[&str]) {
        let (writes, before) = (self.project.cloud.writes(), self.look(foreign));
        let addresses: Vec<String> = foreign.keys().map(ToString::to_string).collect();
        for verb in verbs {
            let with = |option: &'static str, some: &[String]| {
                let chosen: Vec<String> =
                    some.iter().flat_map(|one| [option.to_owned(), one.clone()]).collect();
                [vec![if option == "--target" { "plan" } else { "apply" }.to_owned()], chosen].concat()
            };
            let runs: Vec<Vec<String>> = match *verb {
                // Long lists of errors are cut.
                "plan" => addresses.chunks(12).map(|some| with("--target", some)).collect(),
                "replace" => vec![[with("--replace", &addresses), vec!["--yes".to_owned()]].concat()],
                "drift" => vec![vec!["drift".to_owned()]],
                verb => vec![vec![verb.to_owned(), "--yes".to_owned()]],
            };
            for arguments in runs {
                let run = self.run(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
                let run = run.exits(7).says("[not-ours]");
                for address in arguments.iter().filter(|one| *verb == "plan" && one.contains('.')) {
                    let is_it = |line: &str| line.contains("[not-ours]") && line.contains(address.as_str());
                    assert!(run.stderr.lines().any(is_it), "{address} is not refused\n{run}");
                }
            }
        }
        assert_eq!(self.project.cloud.writes(), writes, "something was written");
        for (address, live) in self.look(foreign) {
            assert_eq!(live, before[&address], "{address} is not as it was");
        }
    }

    /// Plans, then runs `meanwhile` as if the question were open, and applies the plan. Returns the
    /// failures.
    fn overtaken(&self, selection: &Selection, meanwhile: impl AsyncFnOnce(&Cx)) -> Vec<Diagnostic> {
        self.project.with(async |session, cx| {
            let names: Vec<&str> = examples().map(ErasedKind::name).collect();
            let stack = stack::load(&self.a(), None, &names).unwrap_or_else(|_| panic!("a stack"));
            let store = Store::local(FileStore::new(&self.a(), "default", false));
            let lock = store.lock(Holder::new("apply", None), Duration::ZERO, &|_| {}).await.unwrap();
            let mut ledger = store.read().await.unwrap().unwrap();
            let facts = Facts {
                scope: session.scope("us-east-1"),
                availability_zones: None,
                accounts: Default::default(),
                others: Default::default(),
            };
            let eval = EvalContext::new(&stack, facts, BTreeMap::new()).unwrap();
            let plan = live::plan(Some(session), &eval, &ledger, selection).await.unwrap();
            meanwhile(cx).await;
            let locked = apply::LockedLedger { ledger: &mut ledger, store: &store, lock: &lock };
            // The plan is too old to prove the owner.
            let read = Instant::now().checked_sub(Duration::from_secs(11));
            let options = apply::Options { parallelism: 16, deep: false, partial: false, read };
            let summary = apply::apply(session, &eval, &plan, locked, &options, &|_| {}).await.unwrap();
            lock.release().await.unwrap();
            summary.failures
        })
    }

    /// Recreates the examples that have a name under that name, without `dwctl`, with these tags.
    fn recreate(&self, tags: &dyn Fn(&Address) -> Tags) -> BTreeMap<Address, String> {
        let mut ids = self.ids(&self.a());
        ids.retain(|address, _| !is_assigned(&address.kind));
        self.project.with(async |_, cx| {
            for (address, id) in &ids {
                recreate(kind(&address.kind).unwrap(), cx, id, &tags(address)).await;
            }
        });
        ids
    }
}

/// Deletes a resource, and creates another of the same settings in its place.
async fn recreate(kind: &dyn ErasedKind, cx: &Cx, id: &str, tags: &Tags) {
    let live = read_all(kind, cx, &[id]).await.pop().unwrap().expect("it is there");
    let Value::Map(mut spec) = live.spec else { panic!("a spec") };
    // Settings that AWS does not return.
    let more: &[(&str, Value)] = match kind.name() {
        "secretsmanager_secret" => {
            &[("recovery_window_days", Value::from(0)), ("secret_string", Value::from("by hand"))]
        }
        "s3_bucket" => &[("force_destroy", Value::Bool(true))],
        "s3_object" => &[("content", Value::from("by hand")), ("force_destroy", Value::Bool(true))],
        _ => &[],
    };
    spec.remove("checksum_sha256");
    spec.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let spec = Value::Map(spec);
    kind.delete(cx, id, &spec).await.unwrap_or_else(|error| panic!("{id}: {error}"));
    while read_all(kind, cx, &[id]).await.pop().unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let new = NewResource { tags, token: "5c2f3d0e-7b1c-4d55-9a52-2f3d1b9b0001" };
    let made = kind.create(cx, &spec, new).await.unwrap_or_else(|error| panic!("{id}: {error}")).id;
    assert_eq!(made, id);
    // The emulator keeps the tags of a dashboard that is deleted; AWS does not.
    let live = read_all(kind, cx, &[id]).await.pop().unwrap().expect("it was made");
    let stale: Vec<String> = live.tags.keys().filter(|key| !tags.contains_key(*key)).cloned().collect();
    if !stale.is_empty() {
        kind.tag(cx, id, &live.attrs, tags, &stale).await.unwrap();
    }
}

/// The owner tags of a stack and an address.
fn owned_by(stack: &str, address: &Address) -> Tags {
    Owner::new(stack, "default", address).tags()
}

const ALL: [&str; 5] = ["plan", "apply", "replace", "destroy", "drift"];

#[test]
fn foreign_resources_are_not_touched() {
    let mut owners = Owners::new();
    let a = owners.a();
    let ids = owners.ids(&a);
    assert_eq!(ids.len() + 1, KINDS.len(), "each kind has its example here");
    let ledger = owners.ledger(&a).resources;
    let assigned = ledger.iter().filter(|(address, _)| is_assigned(&address.kind));
    let assigned: BTreeMap<&Address, &String> =
        assigned.map(|(address, entry)| (address, &entry.id)).collect();

    owners.row("taken over by another stack, with --adopt");
    let b = owners.folder("b");
    write(&b, &format!("{}{}", all("b", ""), imports(assigned)));
    owners.run(&b, &["apply", "--yes", "--adopt"]).exits(0);
    owners.run(&a, &["show"]).exits(0).says("no longer belongs to this stack: its tags say that it is ");
    owners.refuses(&a, &ids, &ALL);
    // The same if they are no longer declared.
    write(&a, HEAD);
    owners.refuses(&a, &ids, &["plan", "apply", "destroy"]);
    // A stack that lost its ledger is refused like any other stack that finds foreign resources.
    write(&a, &all("a", "").to_string());
    std::fs::remove_dir_all(a.join(".dwctl")).unwrap();
    let mut named = ids.clone();
    named.retain(|address, _| !is_assigned(&address.kind));
    owners.refuses(&a, &named, &["plan", "apply"]);
    let writes = owners.project.cloud.writes();
    owners.run(&a, &["destroy", "--yes"]).exits(0);
    assert_eq!(owners.project.cloud.writes(), writes);
    owners.run(&b, &["plan", "--detailed-exitcode"]).exits(0);

    owners.row("made anew under the same name, by hand");
    let mut made = owners.recreate(&|_| Tags::new());
    // Someone who overwrites an object under its key changes it; it still belongs to the stack.
    assert!(made.remove(&example("s3_object")).is_some());
    owners.refuses(&a, &made, &ALL);

    owners.row("made anew under the same name, by another stack");
    let made = owners.recreate(&|address| owned_by("b", address));
    owners.refuses(&a, &made, &ALL);

    owners.row("its tags taken off by hand");
    owners.project.with(async |_, cx| {
        for (address, id) in ids.iter().filter(|(address, _)| kind(&address.kind).unwrap().taggable()) {
            untag(kind(&address.kind).unwrap(), cx, id).await;
        }
    });
    let is_unprovable = |address: &Address| NAMELESS.contains(&address.kind.as_str());
    let (unprovable, ours): (BTreeMap<_, _>, BTreeMap<_, _>) =
        ids.clone().into_iter().partition(|(address, _)| is_unprovable(address));
    owners.refuses(&a, &unprovable, &["plan", "apply", "destroy"]);
    // The recreation of the others is not detectable, so they count as drifted.
    let all_but: Vec<String> =
        unprovable.keys().flat_map(|address| ["--exclude".to_owned(), address.to_string()]).collect();
    let all_but: Vec<&str> = ["plan"].into_iter().chain(all_but.iter().map(String::as_str)).collect();
    owners.run(&a, &all_but).exits(0);
    let put_back = owners.run(&a, &["apply", "--yes", "--adopt"]).exits(0);
    for address in ours.keys().filter(|address| address.kind != "sns_subscription") {
        let lines = put_back.attributes(&address.to_string());
        assert!(
            lines.iter().any(|line| line.contains("dwctl:stack") && line.contains("drift")),
            "{put_back}"
        );
    }
    owners.run(&a, &["plan", "--detailed-exitcode"]).exits(0);

    // A resource that the plan saw as the stack's own belongs to another stack by the time of the call.
    let replace: Vec<String> = ids.keys().map(ToString::to_string).collect();
    for (verb, selection) in [
        ("update", Selection::default()),
        ("destroy", Selection { destroy: true, ..Selection::default() }),
        ("replace", Selection { replace, ..Selection::default() }),
    ] {
        owners.row(&format!("taken over while the question stands, {verb}"));
        if verb == "update" {
            let mut stack = all("a", "");
            for address in ids.keys() {
                let declared = stack[&address.kind].as_table_mut().unwrap();
                let declared = declared[&address.name].as_table_mut().unwrap();
                if kind(&address.kind).unwrap().taggable() {
                    let tags = declared.entry("tags").or_insert_with(|| Table::new().into());
                    tags.as_table_mut().unwrap().insert("late".to_owned(), "yes".into());
                } else {
                    declared.insert("raw_message_delivery".to_owned(), false.into());
                }
            }
            write(&a, &stack.to_string());
        }
        let mut overtaken = ids.clone();
        // A subscription belongs to the owner of its topic.
        let topic: Address = "sns_topic.sns_subscription_alerts".parse().unwrap();
        overtaken.insert(topic.clone(), owners.ledger(&a).resources[&topic].id.clone());
        let before = std::cell::RefCell::new(BTreeMap::new());
        let failures = owners.overtaken(&selection, async |cx| {
            for (address, id) in &overtaken {
                let kind = kind(&address.kind).unwrap();
                let live = read_all(kind, cx, &[id]).await.pop().unwrap().expect("it is there");
                if kind.taggable() {
                    kind.tag(cx, id, &live.attrs, &owned_by("b", address), &[]).await.unwrap();
                }
                let live = read_all(kind, cx, &[id]).await.pop().unwrap();
                before.borrow_mut().insert(address.clone(), live);
            }
        });
        for address in ids.keys() {
            let is_it = |failure: &&Diagnostic| failure.message.starts_with(&format!("{address} "));
            let failure = failures.iter().find(is_it);
            assert_eq!(failure.map(|one| one.code), Some("not-ours"), "{address}: {failures:#?}");
        }
        for (address, live) in owners.look(&overtaken) {
            assert_eq!(live, before.borrow()[&address], "{address} is not as it was");
        }
    }

    // In addition to the resources of `a`, `b` has the same ones under other names.
    owners.row("setup");
    write(&b, &all("b", "b-").to_string());
    owners.run(&b, &["apply", "--yes"]).exits(0);
    let theirs = owners.ids(&b);
    let kept = tempfile::tempdir().unwrap();
    copy(&b.join(".dwctl"), kept.path());
    owners.keep();

    owners.row("renamed onto");
    write(&a, &all("a", "b-").to_string());
    let mut named = theirs.clone();
    named.retain(|address, _| !is_assigned(&address.kind));
    owners.refuses(&a, &named, &["plan", "apply", "replace"]);

    for tagged in [true, false] {
        owners
            .row(&format!("ids edited in the ledger, to {}", if tagged { "another's" } else { "nobody's" }));
        if !tagged {
            owners.project.with(async |_, cx| {
                for (address, id) in &theirs {
                    untag(kind(&address.kind).unwrap(), cx, id).await;
                }
            });
        }
        let file = owners.project.ledger_file();
        let ledger = std::fs::read_to_string(&file).unwrap();
        let mut ledger: serde_json::Value = serde_json::from_str(&ledger).unwrap();
        for (address, id) in &theirs {
            ledger["resources"][address.to_string()]["id"] = id.as_str().into();
        }
        std::fs::write(&file, ledger.to_string()).unwrap();
        owners.refuses(&a, &theirs, &["plan", "apply", "destroy", "replace"]);
        write(&a, HEAD);
        owners.refuses(&a, &theirs, &["plan", "apply", "destroy"]);
    }

    owners.row("imported");
    let c = owners.folder("c");
    write(&c, &format!("{}{}", all("c", ""), imports(&ids)));
    let mut tagged = ids.clone();
    tagged.retain(|address, _| kind(&address.kind).unwrap().taggable());
    owners.refuses(&c, &tagged, &["plan", "apply"]);

    owners.row("imported twice");
    let mut twice = all("a", "");
    let second = |address: &Address| Address { name: "second".to_owned(), ..address.clone() };
    for address in ids.keys() {
        let declared = twice[&address.kind].as_table_mut().unwrap();
        let mut copied = declared[&address.name].as_table().unwrap().clone();
        rename(&address.kind, &mut copied, "second-");
        declared.insert("second".to_owned(), copied.into());
    }
    let seconds: BTreeMap<Address, String> =
        ids.iter().map(|(address, id)| (second(address), id.clone())).collect();
    // Imports of ids that the ledger already has, and of ids that do not exist.
    write(&a, &format!("{twice}{}", imports(&seconds)));
    let writes = owners.project.cloud.writes();
    let refused = owners.run(&a, &["apply", "--yes"]);
    assert!(matches!(refused.code, Some(3 | 7)), "{refused}");
    assert_eq!(owners.project.cloud.writes(), writes);
    write(&a, &format!("{twice}{}{}", imports(&ids), imports(&seconds)));
    let said = owners.run(&a, &["validate"]).exits(3);
    for (address, id) in &ids {
        assert!(said.stderr.contains(id), "{address} is imported twice\n{said}");
    }
}

/// Removes the owner tags.
async fn untag(kind: &dyn ErasedKind, cx: &Cx, id: &str) {
    if kind.taggable() {
        let live = read_all(kind, cx, &[id]).await.pop().unwrap().expect("it is there");
        let keys = Owner::KEYS.into_iter().filter(|key| live.tags.contains_key(*key));
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        kind.tag(cx, id, &live.attrs, &Tags::new(), &keys)
            .await
            .unwrap_or_else(|error| panic!("{id}: {error}"));
    }
}

#[test]
fn every_kind_has_a_name_or_is_given_an_id() {
    let nobody =
        dwctl::aws::Scope { partition: String::new(), account_id: String::new(), region: String::new() };
    let known: BTreeSet<&str> = examples().map(ErasedKind::name).collect();
    for kind in examples() {
        let identity = kind.identity(dwctl::kind::Known(&Value::Null), &nobody);
        let assigned = identity == dwctl::kind::Identity::Assigned;
        assert_eq!(is_assigned(kind.name()), assigned, "{}", kind.name());
    }
    assert!(NAMELESS.iter().all(|kind| known.contains(kind)));
}

#[test]
fn an_untaggable_resource_is_identified_by_its_creation_time() {
    let classifier = "[glue_classifier.c]\nname = \"c\"\njson_classifier = { json_path = \"$\" }\n";
    let project = Project::new(&format!("{HEAD}{classifier}"));
    project.apply();
    project.settled();
    // Someone recreates it, and then owns it. The emulator's times have a resolution of one second.
    std::thread::sleep(Duration::from_millis(1100));
    let cloud = &project.cloud;
    cloud.call_json("glue", "AWSGlue.DeleteClassifier", "{\"Name\":\"c\"}");
    cloud.call_json(
        "glue",
        "AWSGlue.CreateClassifier",
        "{\"JsonClassifier\":{\"Name\":\"c\",\"JsonPath\":\"$.theirs\"}}",
    );
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        project.run(arguments).exits(7).says("[not-ours]");
    }
    project.run(&["apply", "--yes", "--adopt"]).exits(0);
    project.settled();
    // Another stack that declares it does not take it over.
    let other = Project::new(&format!("{HEAD}{classifier}").replace("\"a\"", "\"b\""));
    other.cloud.call_json(
        "glue",
        "AWSGlue.CreateClassifier",
        "{\"JsonClassifier\":{\"Name\":\"c\",\"JsonPath\":\"$.theirs\"}}",
    );
    other.run(&["apply", "--yes"]).exits(7).says("already exists");
}
