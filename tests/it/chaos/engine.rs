//! The commands of `dwctl` in process, assembled as by the command line, and AWS as seen by someone else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dwctl::apply;
use dwctl::aws::{self, Cx, Options, Session};
use dwctl::diag::Diagnostic;
use dwctl::eval::{AccountFacts, EvalContext, Facts};
use dwctl::graph::Address;
use dwctl::kind::{ErasedLive, ReadRequest};
use dwctl::kinds::{self, kind};
use dwctl::ledger::{FileStore, Holder, Ledger, Place, S3Store, Snapshot, Store};
use dwctl::live;
use dwctl::plan::{Plan, Selection};
use dwctl::schema::normalize;
use dwctl::stack::{self, Stack};
use dwctl::value::Value;

use super::model::{BUCKET, SHAPES};
use super::wire::{Script, Wire};
use crate::harness::REGION;

/// An apply of a few resources that takes longer counts as stuck.
const STUCK: Duration = Duration::from_secs(90);

/// The outcome of an apply.
#[derive(Debug)]
pub enum End {
    /// Everything was done.
    Done,
    /// Something was not done.
    Failed(Vec<Diagnostic>),
    /// The process was killed.
    Killed,
}

/// The view of one process: a connection and a folder.
pub struct Engine {
    pub wire: Wire,
    pub session: Session,
    /// A connection that bypasses the wire, for someone else.
    pub aside: Session,
    folder: PathBuf,
    /// True if there may be resources in [`ABROAD`].
    pub abroad: Cell<bool>,
}

/// The region besides the stack's.
pub const ABROAD: &str = "eu-west-1";
/// The account besides the stack's own, in the stack's region.
pub const APART: &str = "account";
/// Its id.
const APART_ID: &str = "222222222222";
/// Its block.
pub const ACCOUNT: &str = "[aws.other]\nrole_arn = \"arn:aws:iam::222222222222:role/chaos\"\n";

/// The place that one of [`REGION`], [`ABROAD`] and [`APART`] stands for.
pub fn place(region: &str) -> aws::Place {
    match region {
        APART => {
            let (account, name) = (Some(APART_ID.to_owned()), Some("other".to_owned()));
            aws::Place { account, name, ..aws::Place::of(REGION) }
        }
        region => aws::Place::of(region),
    }
}

/// One of these three for a place.
pub fn region_of(place: &aws::Place) -> &'static str {
    match (&place.account, place.region.as_str()) {
        (Some(_), _) => APART,
        (None, ABROAD) => ABROAD,
        _ => REGION,
    }
}

/// A resource at AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    pub kind: &'static str,
    /// [`REGION`], [`ABROAD`] or [`APART`].
    pub region: &'static str,
    pub id: String,
}

/// Everything at AWS.
pub type Survey = BTreeMap<Thing, ErasedLive>;

impl Engine {
    pub async fn new(endpoint: &str, folder: &Path, wire: Wire) -> Self {
        let options = |http| Options {
            endpoint_url: Some(endpoint.to_owned()),
            sandbox: true,
            files: dwctl::files::Files::new(folder),
            http,
            ..Options::default()
        };
        wire.follow(Script::new());
        let access = aws::Access {
            name: "other".to_owned(),
            role_arn: Some(format!("arn:aws:iam::{APART_ID}:role/chaos")),
            session_name: "chaos".to_owned(),
            region: REGION.to_owned(),
            ..aws::Access::default()
        };
        let connect = async |http| {
            let (session, refused) =
                Session::connect_all(options(Some(http)), REGION, std::slice::from_ref(&access))
                    .await
                    .expect("an AWS");
            assert!(refused.is_empty(), "{refused:?}");
            session
        };
        let session = connect(wire.http()).await;
        let aside = connect(wire.aside()).await;
        Self { wire, session, aside, folder: folder.to_owned(), abroad: Cell::new(false) }
    }

    /// The stack's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn cx(&self, region: &str) -> Cx {
        self.aside.cx(&place(region))
    }

    fn load(&self) -> Result<Stack, Vec<Diagnostic>> {
        let kinds: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.name()).collect();
        stack::load(&self.folder, None, &kinds).map_err(|(problems, _)| problems)
    }

    fn store(&self, session: &Session, stack: &Stack, holder: &Holder) -> Store {
        let file = FileStore::new(&self.folder, &stack.env, false);
        match &stack.ledger {
            None => Store::local(file),
            Some(_) => {
                let place = Place {
                    bucket: BUCKET.to_owned(),
                    prefix: "dwctl/".to_owned(),
                    key: format!("dwctl/{}/{}.json", stack.name, stack.env),
                    region: REGION.to_owned(),
                    kms_key_id: None,
                    lock_expiry: Duration::from_secs(60),
                };
                Store::s3(file, S3Store::new(session, place, holder))
            }
        }
    }

    async fn read(store: &Store, stack: &Stack) -> Result<Ledger, Vec<Diagnostic>> {
        let ledger = store.read().await.map_err(|error| vec![error])?;
        Ok(ledger.unwrap_or_else(|| Ledger::new(&stack.name, &stack.env).expect("randomness")))
    }

    fn facts(&self, stack: &Stack) -> Facts {
        Facts {
            scope: self.session.scope(&stack.region),
            availability_zones: None,
            accounts: BTreeMap::from([(
                "other".to_owned(),
                AccountFacts { scope: aws::Scope::of(&stack.region, APART_ID), availability_zones: None },
            )]),
            others: Default::default(),
        }
    }

    /// `dwctl plan`.
    pub async fn plan(&self) -> Result<Plan, Vec<Diagnostic>> {
        let stack = self.load()?;
        let store = self.store(&self.session, &stack, &Holder::new("plan", None));
        let ledger = Self::read(&store, &stack).await?;
        let eval = EvalContext::new(&stack, self.facts(&stack), BTreeMap::new())?;
        live::plan(Some(&self.session), &eval, &ledger, &Selection::default()).await
    }

    /// `dwctl apply` or `dwctl destroy`. `intrude` is what someone else does when the wire says so.
    pub async fn apply(&self, selection: Selection, parallelism: usize, intrude: impl AsyncFn()) -> End {
        self.run(selection, parallelism, false, async || (), intrude).await
    }

    /// The same, with `meanwhile` while the plan is shown and the question is open.
    pub async fn apply_asking(
        &self,
        selection: Selection,
        parallelism: usize,
        meanwhile: impl AsyncFn(),
        intrude: impl AsyncFn(),
    ) -> End {
        self.run(selection, parallelism, true, meanwhile, intrude).await
    }

    async fn run(
        &self,
        selection: Selection,
        parallelism: usize,
        asks: bool,
        meanwhile: impl AsyncFn(),
        intrude: impl AsyncFn(),
    ) -> End {
        let applying = async {
            let stack = self.load()?;
            let holder = Holder::new("apply", None);
            let store = self.store(&self.session, &stack, &holder);
            let lock = store.lock(holder, Duration::ZERO, &|_| {}).await.map_err(|error| vec![error])?;
            let applied = async {
                let mut ledger = Self::read(&store, &stack).await?;
                let eval = EvalContext::new(&stack, self.facts(&stack), BTreeMap::new())?;
                let began = Instant::now();
                let plan = live::plan(Some(&self.session), &eval, &ledger, &selection).await?;
                meanwhile().await;
                let read = (!asks).then_some(began);
                let options = apply::Options { parallelism, deep: false, partial: false, read };
                let locked = apply::LockedLedger { ledger: &mut ledger, store: &store, lock: &lock };
                let done = apply::apply(&self.session, &eval, &plan, locked, &options, &|_| {}).await;
                let summary = done.map_err(|error| vec![error])?;
                if summary.failures.is_empty() { Ok(()) } else { Err(summary.failures) }
            }
            .await;
            lock.release().await.map_err(|error| vec![error])?;
            applied
        };
        let intruding = async {
            loop {
                self.wire.intruded().await;
                intrude().await;
                self.wire.resume();
            }
        };
        let end = tokio::select! {
            applied = tokio::time::timeout(STUCK, applying) => match applied {
                Ok(Ok(())) => End::Done,
                Ok(Err(problems)) => End::Failed(problems),
                Err(_) => panic!("an apply does not end"),
            },
            () = self.wire.killed() => End::Killed,
            never = intruding => never,
        };
        self.settle().await;
        end
    }

    /// `dwctl apply` with the current wire. Also returns the number of requests, and their faults.
    pub async fn apply_with_counts(
        &self,
        selection: Selection,
        parallelism: usize,
        intrude: impl AsyncFn(),
    ) -> (End, u32, Vec<String>) {
        let end = self.apply(selection, parallelism, intrude).await;
        let counts = (self.wire.count(), self.wire.faults_hit());
        self.wire.follow(Script::new());
        (end, counts.0, counts.1)
    }

    /// The complete spec of the only resource of another stack.
    pub async fn evaluate(&self, text: &str) -> Option<Value> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("stack.toml"), text).expect("written");
        let kinds: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.name()).collect();
        let stack =
            stack::load(folder.path(), None, &kinds).map_err(|(problems, _)| problems).expect("a stack");
        let eval = EvalContext::new(&stack, self.facts(&stack), BTreeMap::new()).expect("a context");
        let mut problems = Vec::new();
        let instances = eval.evaluate_all(&mut problems);
        instances.into_iter().next().map(|instance| instance.spec)
    }

    /// Waits for the requests that were under way when a process died.
    async fn settle(&self) {
        self.wire.calm().await;
        // Files are written one after the other on the one thread that there is for it.
        tokio::task::spawn_blocking(|| ()).await.expect("a thread");
    }

    /// Frees a lock in S3 whose holder is dead, like `dwctl ledger unlock`.
    pub async fn unlock(&self) {
        let Ok(stack) = self.load() else { return };
        let store = self.store(&self.aside, &stack, &Holder::new("ledger unlock", None));
        if let (Some(s3), Ok(Some(holder))) = (store.as_s3(), store.holder().await) {
            s3.unlock(&holder.id).await.expect("a lock");
        }
    }

    /// The ledger, if there is one.
    pub async fn ledger(&self) -> Option<Ledger> {
        let stack = self.load().expect("a stack");
        let store = self.store(&self.aside, &stack, &Holder::new("ledger pull", None));
        store.read().await.expect("a ledger that can be read")
    }

    /// Someone else writes the ledger without changing it.
    pub async fn write_ledger(&self) {
        let stack = self.load().expect("a stack");
        let store = self.store(&self.aside, &stack, &Holder::new("ledger push", None));
        let mut ledger = Self::read(&store, &stack).await.expect("a ledger");
        store.write(Snapshot::of(&mut ledger)).await.expect("written");
    }

    /// `dwctl ledger forget`.
    pub async fn forget(&self, address: &Address) -> Result<(), Vec<Diagnostic>> {
        let stack = self.load()?;
        let store = self.store(&self.aside, &stack, &Holder::new("ledger forget", None));
        let mut ledger = Self::read(&store, &stack).await?;
        ledger.resources.remove(address);
        store.write(Snapshot::of(&mut ledger)).await.map_err(|error| vec![error])
    }

    /// Loses the ledger.
    pub async fn lose_ledger(&self, in_s3: bool) {
        if in_s3 {
            let s3 = self.cx(REGION);
            let key = format!("dwctl/{}/default.json", super::model::STACK);
            s3.aws.s3().delete_object().bucket(BUCKET).key(key).send().await.expect("deleted");
        } else {
            // A refused apply may have left no ledger.
            drop(std::fs::remove_file(FileStore::new(&self.folder, "default", false).path()));
        }
    }

    /// `dwctl ledger recover`.
    pub async fn recover(&self) -> Result<apply::Recovered, Vec<Diagnostic>> {
        let stack = self.load()?;
        let holder = Holder::new("ledger recover", None);
        let store = self.store(&self.session, &stack, &holder);
        let lock = store.lock(holder, Duration::ZERO, &|_| {}).await.map_err(|error| vec![error])?;
        let mut ledger = Self::read(&store, &stack).await?;
        let eval = EvalContext::new(&stack, self.facts(&stack), BTreeMap::new())?;
        let selection = Selection { adopt: true, recover: true, ..Selection::default() };
        let found = live::plan(Some(&self.session), &eval, &ledger, &selection).await?;
        let recovered = apply::recover(&self.session, &eval, &found, &mut ledger).await;
        store.write(Snapshot::of(&mut ledger)).await.map_err(|error| vec![error])?;
        lock.release().await.map_err(|error| vec![error])?;
        Ok(recovered)
    }

    /// Reads a resource with all its settings.
    pub async fn look(&self, thing: &Thing) -> Option<ErasedLive> {
        let found = self.look_at(thing.kind, thing.region, vec![thing.id.clone()]).await;
        found.into_iter().next().map(|(_, live)| live)
    }

    async fn look_at(&self, name: &str, region: &str, ids: Vec<String>) -> Vec<(String, ErasedLive)> {
        let kind = kind(name).expect("a kind");
        let all = |id: String| ReadRequest::of(id);
        let request: Vec<ReadRequest> = ids.into_iter().map(all).collect();
        let found = kind.read_many(&self.cx(region), &request).await;
        let mut there = Vec::new();
        for (request, live) in request.into_iter().zip(found) {
            let live = live.unwrap_or_else(|error| panic!("{name} {}: {error}", request.id));
            if let Some(mut live) = live {
                live.spec = normalize(&kind.schema().spec, live.spec);
                there.push((request.id, live));
            }
        }
        there
    }

    /// Deletes everything. Returns whether that worked.
    pub async fn clear(&self) -> bool {
        let mut left = self.survey().await;
        // Children first.
        for parts in [true, false] {
            for shape in SHAPES.iter().filter(|shape| shape.parent.is_some() == parts) {
                let kind = kind(shape.kind).expect("a kind");
                for (thing, live) in left.iter().filter(|(thing, _)| thing.kind == shape.kind) {
                    let spec = deletable_at_once(shape.kind, live.spec.clone());
                    // The survey below shows what could not be deleted.
                    drop(kind.delete(&self.cx(thing.region), &thing.id, &spec).await);
                }
            }
        }
        let cx = self.cx(REGION);
        let s3 = cx.aws.s3();
        if let Ok(listed) = s3.list_objects_v2().bucket(BUCKET).send().await {
            for key in listed.contents().iter().filter_map(|one| one.key()) {
                s3.delete_object().bucket(BUCKET).key(key).send().await.expect("deleted");
            }
        }
        left = self.survey().await;
        left.is_empty()
    }

    /// Lists everything at AWS of the kinds that chaos uses, independent of any record.
    pub async fn survey(&self) -> Survey {
        let mut survey = Survey::new();
        let regions = if self.abroad.get() { &[REGION, ABROAD, APART][..] } else { &[REGION] };
        for &region in regions {
            for (kind, ids) in self.listed(region).await {
                let found = self.look_at(kind, region, ids).await;
                survey.extend(found.into_iter().map(|(id, live)| (Thing { kind, region, id }, live)));
            }
        }
        survey
    }

    /// The ids of the resources in a region, by kind.
    async fn listed(&self, region: &str) -> BTreeMap<&'static str, Vec<String>> {
        let cx = self.cx(region);
        let ids: RefCell<BTreeMap<&'static str, Vec<String>>> = RefCell::default();
        let put = |kind, id: Option<&str>| {
            ids.borrow_mut().entry(kind).or_default().push(id.unwrap_or_default().to_owned());
        };
        let topics = cx.aws.sns().list_topics().send().await.expect("topics");
        topics.topics().iter().for_each(|one| put("sns_topic", one.topic_arn()));
        let subscriptions = cx.aws.sns().list_subscriptions().send().await.expect("subscriptions");
        subscriptions.subscriptions().iter().for_each(|one| put("sns_subscription", one.subscription_arn()));
        if region != ABROAD {
            // Roles are global, so they are listed only once.
            let roles = cx.aws.iam().list_roles().send().await.expect("roles");
            roles.roles().iter().for_each(|one| put("iam_role", Some(one.role_name())));
        }
        let keys = cx.aws.kms().list_keys().send().await.expect("keys");
        keys.keys().iter().for_each(|one| put("kms_key", one.key_id()));
        let vpcs = cx.aws.ec2().describe_vpcs().send().await.expect("VPCs");
        vpcs.vpcs()
            .iter()
            .filter(|one| one.is_default() != Some(true))
            .for_each(|one| put("ec2_vpc", one.vpc_id()));
        let subnets = cx.aws.ec2().describe_subnets().send().await.expect("subnets");
        subnets
            .subnets()
            .iter()
            .filter(|one| one.default_for_az() != Some(true))
            .for_each(|one| put("ec2_subnet", one.subnet_id()));
        let groups = cx.aws.ec2().describe_security_groups().send().await.expect("groups");
        groups
            .security_groups()
            .iter()
            .filter(|one| one.group_name() != Some("default"))
            .for_each(|one| put("ec2_security_group", one.group_id()));
        let logs = cx.aws.cloudwatchlogs().describe_log_groups().send().await.expect("log groups");
        logs.log_groups().iter().for_each(|one| put("cloudwatchlogs_log_group", one.log_group_name()));
        let databases = cx.aws.glue().get_databases().send().await.expect("databases");
        databases.database_list().iter().for_each(|one| put("glue_database", Some(one.name())));
        let jobs = cx.aws.glue().get_jobs().send().await.expect("jobs");
        jobs.jobs().iter().for_each(|one| put("glue_job", one.name()));
        let buckets = cx.aws.s3().list_buckets().send().await.expect("buckets");
        for bucket in buckets.buckets().iter().filter_map(|one| one.name()).filter(|name| *name != BUCKET) {
            if self.abroad.get() {
                let home = cx.aws.s3().get_bucket_location().bucket(bucket).send().await.expect("a place");
                let home = home.location_constraint().map_or("", |one| one.as_str());
                if (if home.is_empty() { REGION } else { home }) != place(region).region {
                    continue;
                }
            }
            put("s3_bucket", Some(bucket));
            let objects = cx.aws.s3().list_objects_v2().bucket(bucket).send().await.expect("objects");
            for key in objects.contents().iter().filter_map(|one| one.key()) {
                put("s3_object", Some(&format!("{bucket}/{key}")));
            }
        }
        let secrets = cx.aws.secretsmanager().list_secrets().send().await.expect("secrets");
        secrets.secret_list().iter().for_each(|one| put("secretsmanager_secret", one.name()));
        ids.into_inner()
    }
}

/// A spec that lets a resource be deleted at once, with its contents.
pub fn deletable_at_once(name: &str, mut spec: Value) -> Value {
    if let Value::Map(map) = &mut spec {
        match name {
            "s3_bucket" => drop(map.insert("force_destroy".to_owned(), Value::Bool(true))),
            "secretsmanager_secret" => {
                map.insert("recovery_window_days".to_owned(), Value::from_json(&serde_json::json!(0)));
            }
            _ => {}
        }
    }
    spec
}

/// Parses an address.
pub fn address(text: &str) -> Address {
    text.parse().expect("an address")
}
