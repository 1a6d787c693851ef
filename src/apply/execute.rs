//! Makes one resource match its declaration: create, read, update the rest, and read until AWS agrees.
//! One loop serves all kinds, and also finishes what an interrupted apply left.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::create::OwnerCheck;
use super::look::{look, look_at_tags};
use super::record::{record, refused, take};
use super::{Event, LedgerWriter, Step, Unit};
use crate::aws::{Class, Cx, Error, Session};
use crate::diag::Diagnostic;
use crate::eval::{EvalContext, Instance};
use crate::graph::Address;
use crate::kind::{ErasedKind, ErasedLive, Owner, ReadRequest, State};
use crate::kinds;
use crate::ledger::Entry;
use crate::plan::{self, Action, AttributeChange, Change, Past, Reason, Whose, diff};
use crate::schema::normalize;
use crate::signals;
use crate::value::Value;

/// How long reads may still show the state before an accepted change: AWS is eventually consistent
/// within seconds.
pub(super) const SETTLE: Duration = Duration::from_secs(15);
/// Maximum number of updates of one resource in one apply; a kind that needs more does not converge.
const MOST_ROUNDS: u32 = 12;
/// The update is sent once more if AWS does not show it after this time.
const RESEND: Duration = Duration::from_secs(6);
/// How long a new principal, key or grant may be unknown to another service.
const PROPAGATION: Duration = Duration::from_secs(180);
/// How long the target of a reference may be unknown to its own service.
const VISIBILITY: Duration = Duration::from_secs(20);
/// How long an accepted deletion is waited for after a signal: most are done by then.
const LEAVING: Duration = Duration::from_secs(3);

pub(super) struct Executor<'e, 'a, 'l> {
    pub(super) session: &'e Session,
    pub(super) eval: &'e EvalContext<'a>,
    pub(super) writer: &'e LedgerWriter<'l>,
    /// Resources that are created or replaced.
    pub(super) made: BTreeSet<&'e Address>,
    /// Whether settings that nobody declared are read, too.
    pub(super) deep: bool,
    pub(super) report: &'e dyn Fn(Event),
    /// Resources that an interrupted apply may have created, and this one continues with.
    pub(super) maybe_created: BTreeSet<Address>,
    /// Resources that match their declaration but that AWS is still working on.
    pub(super) busy: BTreeMap<&'e Address, (&'e Change, &'e Instance<'a>)>,
}

pub(super) type Outcome<T> = Result<T, Vec<Diagnostic>>;

impl<'a> Executor<'_, 'a, '_> {
    /// Runs one unit. Returns the physical id.
    pub(super) async fn run(
        &self,
        unit: &Unit,
        change: &Change,
        instance: Option<Instance<'a>>,
    ) -> Outcome<String> {
        match (unit.step, instance) {
            (Step::Forget, _) => {
                self.release(change).await?;
                self.forget(change);
                Ok(change.id.clone().unwrap_or_default())
            }
            (Step::Release, _) => self.let_go(unit, change).await,
            (Step::Destroy, _) => self.destroy(unit, change).await,
            (Step::Create | Step::Update | Step::Complete, Some(instance)) => {
                self.apply_change(unit, change, instance).await
            }
            // Only declared resources are created or updated.
            (_, None) => Err(vec![Diagnostic::error("defect", format!("{} is not declared", unit.address))]),
        }
    }

    fn forget(&self, change: &Change) {
        let mut ledger = self.writer.ledger.borrow_mut();
        let Some(id) = &change.id else {
            // The plan found that it is gone.
            ledger.resources.remove(&change.address);
            ledger.intents.remove(&change.address);
            self.writer.dirty.set(true);
            return;
        };
        let region = change.existing_region();
        if !matches!(change.action, Action::Replace { .. })
            && change.reason != Reason::Deposed
            && ledger.resources.get(&change.address).is_none_or(|entry| entry.id == *id)
        {
            // This also ends what an interrupted apply had begun.
            ledger.intents.remove(&change.address);
        }
        // The address may already belong to a replacement that was created first.
        if !ledger.discard(&change.address, region, id)
            && ledger.resources.get(&change.address).is_some_and(|entry| entry.id == *id)
        {
            ledger.resources.remove(&change.address);
        }
        self.writer.dirty.set(true);
    }

    /// Removes the owner tags from a resource that stays at AWS, so that it has no owner.
    async fn release(&self, change: &Change) -> Outcome<()> {
        let (Some(kind), Some(id), Some(live)) =
            (kinds::kind(&change.address.kind), &change.id, &change.live)
        else {
            return Ok(());
        };
        if !kind.taggable() || !Owner::KEYS.iter().any(|key| live.tags.contains_key(*key)) {
            return Ok(());
        }
        let cx = self.session.cx(&change.region);
        let failed = |error: Error| vec![failure(&format!("cannot give up {}", change.address), id, &error)];
        let live = match look_at_tags(kind, &cx, id).await.map_err(failed)? {
            Some(live) if self.whose(kind, &cx, change, id, &live).await.map_err(failed)? == Whose::Ours => {
                live
            }
            // It is gone, or has another owner, whose tags are left alone.
            _ => return Ok(()),
        };
        let keys = Owner::KEYS.into_iter().filter(|key| live.tags.contains_key(*key));
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        match kind.tag(&cx, id, &live.attrs, &crate::aws::Tags::new(), &keys).await {
            Err(error) if error.class != Class::Gone => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Asks AWS who owns a resource that is about to be changed or deleted. An imported one counts as
    /// ours as long as its owner is the one that the plan saw.
    async fn whose(
        &self,
        kind: &'static dyn ErasedKind,
        cx: &Cx,
        change: &Change,
        id: &str,
        live: &ErasedLive,
    ) -> Result<Whose, Error> {
        let planned = change.live.as_ref().filter(|_| change.is_taken_over());
        if planned.is_some_and(|planned| Owner::of(&planned.tags) == Owner::of(&live.tags)) {
            return Ok(Whose::Ours);
        }
        let (address, region) = (&change.address, &cx.scope.region);
        let whose = {
            let ledger = self.writer.ledger.borrow();
            let deposed = ledger.deposed.get(address).into_iter().flatten();
            let mut known = ledger.resources.get(address).into_iter().chain(deposed);
            // A resource to be deleted may be known from an intent alone.
            let intended = || Entry { id: id.to_owned(), region: region.clone(), ..Entry::default() };
            match known.find(|entry| entry.id == id && entry.region == *region) {
                Some(entry) => plan::whose(kind, address, entry, live, &ledger),
                None => plan::whose(kind, address, &intended(), live, &ledger),
            }
        };
        if !plan::is_wholes(kind, &whose) {
            return Ok(whose);
        }
        let whole = plan::whole(kind, region, id, live, &self.writer.ledger.borrow());
        let Some((address, entry)) = whole else { return Ok(whose) };
        let Some(kind) = kinds::kind(&address.kind) else { return Ok(whose) };
        Ok(match look_at_tags(kind, cx, &entry.id).await? {
            Some(live) => plan::whose(kind, &address, &entry, &live, &self.writer.ledger.borrow()),
            None => whose,
        })
    }

    /// Updates a resource so that it no longer names the one to be deleted, and waits until AWS shows
    /// that.
    async fn let_go(&self, unit: &Unit, change: &Change) -> Outcome<String> {
        let (Some(kind), Some(id)) = (kinds::kind(&unit.address.kind), &change.id) else {
            return Ok(String::new());
        };
        let cx = self.session.cx(change.existing_region());
        let began = Instant::now();
        let failed = |error: &Error| {
            let held: Vec<String> = change.releases.iter().map(|one| one.held.to_string()).collect();
            let what = format!("{} cannot release {}", unit.address, held.join(", "));
            vec![failure(&what, id, error).at_maybe(self.span(&unit.address), "")]
        };
        let waiting = |on: String| {
            (self.report)(Event::Waiting { unit: unit.clone(), on, elapsed: began.elapsed() });
        };
        let deadline = began + Duration::from_secs(kind.pace().deadline_seconds.into());
        let mut retry = Retry::new(deadline);
        let mut backoff = Backoff::default();
        let request = plan::read_request(id, None, None, true);
        let mut sent: Option<Instant> = None;
        loop {
            let live = match look(kind, &cx, &request).await {
                Ok(Some(live)) => live,
                // A resource that is gone holds nothing.
                Ok(None) => return Ok(id.clone()),
                Err(error) => {
                    retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?;
                    continue;
                }
            };
            let have = plan::overlaid(kind, &live.spec, &change.existing);
            let want = plan::let_go(kind, &have, &change.releases);
            if want == have {
                return Ok(id.clone());
            }
            if Instant::now() > deadline {
                let words = format!("AWS accepted the change, but {id} still names it");
                return Err(failed(&Error::finding(Class::Other, words)));
            }
            match &live.state {
                State::Busy(words) | State::Leaving(words) => waiting(words.clone()),
                _ if sent.is_some_and(|sent| sent.elapsed() < RESEND) => {
                    waiting("for AWS to show the change".to_owned());
                }
                _ => {
                    // The owner may have changed since the plan.
                    let whose = self.whose(kind, &cx, change, id, &live).await;
                    let refusal = whose.map(|whose| plan::refusal(&unit.address, id, &whose, true));
                    if let Ok(Some(refusal)) = refusal {
                        return Err(vec![refusal.at_maybe(self.span(&unit.address), "")]);
                    }
                    let updated = match refusal {
                        Ok(_) => kind.update(&cx, id, &have, &want).await,
                        Err(error) => Err(error),
                    };
                    match updated {
                        Ok(()) => sent = Some(Instant::now()),
                        Err(error) => retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?,
                    }
                    continue;
                }
            }
            backoff.sleep_through().await;
        }
    }

    async fn apply_change(
        &self,
        unit: &Unit,
        change: &Change,
        mut instance: Instance<'a>,
    ) -> Outcome<String> {
        self.await_needed(unit, change).await?;
        let mut problems = Vec::new();
        if !self.eval.evaluate(&mut instance, &mut problems) {
            return Err(problems);
        }
        if unit.step == Step::Create {
            let later = change.deferred.iter().filter(|(needed, _)| self.made.contains(*needed));
            instance.defer(&later.flat_map(|(_, attributes)| attributes).collect());
        }
        if let Some(unknown) =
            instance.spec.first_unknown().or_else(|| instance.tags.values().find_map(Value::first_unknown))
        {
            return Err(vec![
                Diagnostic::error(
                    "undecided",
                    format!("{} cannot be applied yet: {unknown}", instance.address),
                )
                .at(instance.resource.span, "")
                .note(format!("it needs {}.{}", unknown.address, unknown.attribute))
                .help("apply without --target, or add that address to the targets"),
            ]);
        }
        let cx = self.session.cx(&instance.region);
        let (kind, began) = (instance.kind, Instant::now());
        let before = RefCell::default();
        let work = Work { executor: self, unit, change, instance: &instance, kind, cx: &cx, began, before };
        let made = || self.writer.ledger.borrow().resources.get(&unit.address).map(|entry| entry.id.clone());
        let id = match unit.step {
            Step::Update => change.id.clone(),
            Step::Complete => made(),
            _ => None,
        };
        let (id, made) = match id {
            Some(id) => (id, None),
            None => {
                let made = match work.create().await {
                    Ok(made) => made,
                    Err(Halt::Failed(problem)) => return Err(vec![problem]),
                    Err(Halt::Foreign(problem)) => {
                        self.disclaim(&instance.address, None);
                        return Err(vec![problem]);
                    }
                };
                (made.id.clone(), Some(made))
            }
        };
        let fresh = made.as_ref().is_some_and(|made| made.now);
        let mut before = None;
        if made.is_some() {
            before = Some(self.known(&instance.address));
            let mut ledger = self.writer.ledger.borrow_mut();
            // The new one was created first, and the old one is still to be deleted.
            if change.live.is_some() {
                ledger.depose(&instance.address);
            }
            // Created earlier, by a call that seemed lost: its settings may differ from today's
            // declaration.
            let intended = ledger.intents.remove(&instance.address).map(|intent| intent.entry(&id));
            match intended.filter(|_| !fresh) {
                Some(entry) => take(&mut ledger, &instance, entry),
                None => record(&mut ledger, &instance, &id, None),
            }
            self.writer.dirty.set(true);
        }
        let live = match work.converge(&id, fresh).await {
            Ok(converged) => converged,
            Err(Halt::Failed(problem)) => {
                self.settle(&work, &id, fresh).await;
                return Err(vec![problem]);
            }
            Err(Halt::Foreign(problem)) => {
                self.disclaim(&instance.address, before);
                return Err(vec![problem]);
            }
        };
        {
            let mut ledger = self.writer.ledger.borrow_mut();
            record(&mut ledger, &instance, &id, Some(&live));
            ledger.intents.remove(&instance.address);
            self.writer.dirty.set(true);
        }
        self.eval.show(&instance.address, self.eval.view(&instance, Some(&live.attrs), Some(&live.spec)));
        Ok(id)
    }

    /// Records what is known of a resource whose change failed. If AWS does not answer or is still
    /// working on it, the ledger keeps the note that this apply may have written it.
    async fn settle(&self, work: &Work<'_, '_, 'a, '_>, id: &str, fresh: bool) {
        let before = work.before.borrow_mut().take();
        if signals::is_hurried() {
            return;
        }
        let Ok(Some(live)) = work.read(id).await else { return };
        if live.state != State::Ready || (before.is_none() && !fresh) {
            return;
        }
        let mut ledger = self.writer.ledger.borrow_mut();
        let before = before.filter(|_| !fresh);
        refused(&mut ledger, work.instance, before.as_ref(), &live);
        self.writer.dirty.set(true);
    }

    /// The entries of an address in the ledger.
    fn known(&self, address: &Address) -> Known {
        let ledger = self.writer.ledger.borrow();
        (ledger.resources.get(address).cloned(), ledger.deposed.get(address).cloned())
    }

    /// Removes the intent of an address, because the resource found there is not ours, and restores
    /// its entries from `before`.
    fn disclaim(&self, address: &Address, before: Option<Known>) {
        let mut ledger = self.writer.ledger.borrow_mut();
        if !self.maybe_created.contains(address) {
            ledger.intents.remove(address);
        }
        if let Some((entry, deposed)) = before {
            ledger.resources.remove(address);
            ledger.deposed.remove(address);
            ledger.resources.extend(entry.map(|entry| (address.clone(), entry)));
            ledger.deposed.extend(deposed.map(|deposed| (address.clone(), deposed)));
        }
        self.writer.dirty.set(true);
    }

    async fn destroy(&self, unit: &Unit, change: &Change) -> Outcome<String> {
        let (Some(kind), Some(id)) = (kinds::kind(&unit.address.kind), &change.id) else {
            return Ok(String::new());
        };
        let cx = self.session.cx(change.existing_region());
        let began = Instant::now();
        let deadline = began + Duration::from_secs(kind.pace().deadline_seconds.into());
        let failed = |error: &Error| {
            let what = format!("cannot destroy {}", unit.address);
            let problem = failure(&what, id, error).at_maybe(self.span(&unit.address), "");
            let first = change.action == (Action::Replace { create_first: false });
            let users = kind.users().filter(|_| error.class == Class::Conflict);
            let problem = users.into_iter().fold(problem, |problem, users| {
                problem.help(format!("to see what uses it: {}", users.replace("{}", id)))
            });
            vec![match error.class {
                Class::Conflict if first => problem.help(
                    "if a resource that stays uses it, a new one can be created first: lifecycle.create_before_destroy",
                ),
                _ => problem,
            }]
        };
        let waiting = |on: String| {
            (self.report)(Event::Waiting { unit: unit.clone(), on, elapsed: began.elapsed() });
        };
        let mut retry = Retry::new(deadline);
        // The owner may have changed since the plan.
        let there = loop {
            let there = async {
                let Some(live) = look_at_tags(kind, &cx, id).await? else { return Ok(None) };
                let leaves = matches!(live.state, State::Leaving(_));
                let whose =
                    if leaves { Whose::Ours } else { self.whose(kind, &cx, change, id, &live).await? };
                Ok::<_, Error>(Some(whose))
            };
            match there.await {
                Ok(there) => break there,
                Err(error) => retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?,
            }
        };
        let Some(whose) = there else {
            // Somebody deleted it meanwhile. Its successor under that name could be anybody's.
            self.forget(change);
            return Ok(id.clone());
        };
        if let Some(refusal) = plan::refusal(&unit.address, id, &whose, false) {
            return Err(vec![refusal.at_maybe(self.span(&unit.address), "")]);
        }
        let delete = async || {
            let mut retry = Retry::new(deadline);
            while let Err(error) = kind.delete(&cx, id, &change.existing).await {
                retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?;
            }
            Ok::<_, Vec<Diagnostic>>(Instant::now())
        };
        let mut deleted = delete().await?;
        let mut retry = Retry::new(deadline);
        let request = plan::read_request(id, None, None, false);
        let mut backoff = Backoff::default();
        let mut stopped: Option<Instant> = None;
        loop {
            match kind.read_many(&cx, std::slice::from_ref(&request)).await.pop() {
                Some(Ok(None)) | None => break,
                Some(Ok(Some(live))) => {
                    let on = match live.state {
                        State::Busy(words) | State::Leaving(words) | State::Failed(words) => words,
                        // The delete call may have answered wrongly that it does not exist.
                        State::Ready if deleted.elapsed() > SETTLE => {
                            deleted = delete().await?;
                            "deleting".to_owned()
                        }
                        State::Ready => "deleting".to_owned(),
                    };
                    if Instant::now() > deadline {
                        let words = format!("AWS accepted the deletion, but {id} is still there ({on})");
                        return Err(failed(&Error::finding(Class::Other, words)));
                    }
                    if stopped.is_some_and(|since| since.elapsed() > LEAVING) {
                        let error =
                            Diagnostic::error("interrupted", format!("{} is not deleted yet", unit.address))
                                .note(format!(
                                    "AWS accepted the deletion of {id}, and is still working on it ({on})"
                                ))
                                .help("run it again: it continues where it stopped");
                        return Err(vec![error.at_maybe(self.span(&unit.address), "")]);
                    }
                    waiting(on);
                    match stopped {
                        Some(_) => tokio::time::sleep(LEAVING / 10).await,
                        None if backoff.sleep().await => {}
                        None => stopped = Some(Instant::now()),
                    }
                }
                Some(Err(error)) => retry.wait(&error, &waiting).await.map_err(|()| failed(&error))?,
            }
        }
        self.forget(change);
        Ok(id.clone())
    }

    pub(super) fn span(&self, address: &Address) -> Option<crate::diag::Span> {
        let declaration = address.declaration();
        self.eval
            .stack
            .resources
            .iter()
            .find(|resource| resource.address() == declaration)
            .map(|resource| resource.span)
    }
}

/// The entries of an address in the ledger: current and deposed.
type Known = (Option<Entry>, Option<Vec<Entry>>);

/// The reason why work on a resource ends early.
pub(super) enum Halt {
    /// The resource found there is not ours, and was left as it is.
    Foreign(Diagnostic),
    /// Anything else.
    Failed(Diagnostic),
}

/// Work on one declared resource.
pub(super) struct Work<'w, 'e, 'a, 'l> {
    pub(super) executor: &'w Executor<'e, 'a, 'l>,
    unit: &'w Unit,
    pub(super) change: &'w Change,
    pub(super) instance: &'w Instance<'a>,
    pub(super) kind: &'static dyn ErasedKind,
    pub(super) cx: &'w Cx,
    pub(super) began: Instant,
    /// The live state before the first update.
    before: RefCell<Option<ErasedLive>>,
}

impl Work<'_, '_, '_, '_> {
    pub(super) fn deadline(&self) -> Instant {
        self.began + Duration::from_secs(self.kind.pace().deadline_seconds.into())
    }

    pub(super) fn waiting(&self, on: impl Into<String>) {
        let (unit, on) = (self.unit.clone(), on.into());
        (self.executor.report)(Event::Waiting { unit, on, elapsed: self.began.elapsed() });
    }

    pub(super) fn tags(&self) -> crate::aws::Tags {
        let stack = self.executor.eval.stack;
        plan::tags(self.instance, &stack.name, &stack.env)
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
            .collect()
    }

    fn request(&self, id: &str) -> ReadRequest {
        let ledger = self.executor.writer.ledger.borrow();
        let entry = ledger.resources.get(&self.instance.address);
        plan::read_request(id, Some(self.instance), entry, self.executor.deep)
    }

    pub(super) async fn read(&self, id: &str) -> Result<Option<ErasedLive>, Error> {
        let request = self.request(id);
        self.kind.read_many(self.cx, std::slice::from_ref(&request)).await.pop().unwrap_or(Ok(None))
    }

    /// Updates until the live state matches the declaration. `fresh` means that it was created just
    /// now, with all settings that AWS cannot return.
    async fn converge(&self, id: &str, fresh: bool) -> Result<ErasedLive, Halt> {
        // Reads and updates have separate limits: a read that succeeds proves nothing about updates.
        let (mut reads, mut updates) = (Retry::new(self.deadline()), Retry::new(self.deadline()));
        let mut backoff = Backoff::default();
        let mut missing: Option<Instant> = None;
        let mut sent_unreadable = fresh;
        let mut last_update: Option<(Instant, Vec<AttributeChange>)> = None;
        let mut rounds = 0;
        let mut resent = false;
        loop {
            let live = match self.read(id).await {
                Ok(Some(live)) => live,
                // It is not visible yet, or a single answer was wrong.
                Ok(None) if missing.get_or_insert_with(Instant::now).elapsed() < SETTLE * 3 => {
                    self.waiting("to be visible");
                    backoff.sleep_through().await;
                    continue;
                }
                Ok(None) => {
                    let error = Error::finding(Class::Gone, format!("AWS says that {id} does not exist"));
                    return Err(self.halt("read", &error, id));
                }
                Err(error) => {
                    let waited = reads.wait(&error, &|on| self.waiting(on)).await;
                    waited.map_err(|()| self.halt("read", &error, id))?;
                    continue;
                }
            };
            missing = None;
            reads.relax();
            if fresh {
                match self.check_owner(&live) {
                    OwnerCheck::Ours => {}
                    OwnerCheck::Missing if self.began.elapsed() < SETTLE => {
                        self.waiting("for its tags to be visible");
                        backoff.sleep_through().await;
                        continue;
                    }
                    OwnerCheck::Missing | OwnerCheck::Theirs => {
                        return Err(Halt::Foreign(self.intruded(id, &live)));
                    }
                }
            }
            match &live.state {
                State::Ready => {}
                State::Failed(reason) => {
                    let error = Error::finding(Class::Other, format!("AWS reports that it failed: {reason}"));
                    return Err(self.halt("finish", &error, id));
                }
                State::Busy(_) | State::Leaving(_) if Instant::now() > self.deadline() => {
                    let seconds = self.kind.pace().deadline_seconds;
                    let error =
                        Error::finding(Class::Other, format!("AWS is still working on it after {seconds} s"));
                    return Err(self.halt("finish", &error, id));
                }
                State::Busy(words) | State::Leaving(words) => {
                    self.waiting(words.clone());
                    backoff.sleep_through().await;
                    continue;
                }
            }
            if !fresh {
                let whose = self.executor.whose(self.kind, self.cx, self.change, id, &live).await;
                let whose = whose.map_err(|error| self.halt("read", &error, id))?;
                if let Some(refusal) = plan::refusal(&self.instance.address, id, &whose, true) {
                    return Err(Halt::Failed(refusal.at(self.instance.resource.span, "")));
                }
            }
            let schema = &self.kind.schema().spec;
            let found = normalize(schema, live.spec.clone());
            let (want, have, changes, tag_changes) = {
                let ledger = self.executor.writer.ledger.borrow();
                let written = ledger.resources.get(&self.instance.address);
                let past = Past::of(self.kind, written, &live);
                let past = Past { entry: written.filter(|_| !sent_unreadable), ..past };
                let (want, have) = plan::complete(self.instance, found, &past, &ledger);
                let changes = diff(schema, &have, &want);
                let applied = ledger.resources.get(&self.instance.address);
                let stack = self.executor.eval.stack;
                let tag_changes = plan::tag_changes(self.instance, &live, applied, &ledger, stack);
                (want, have, changes, tag_changes)
            };
            if changes.is_empty() && tag_changes.is_empty() {
                return Ok(live);
            }
            self.before.borrow_mut().get_or_insert_with(|| live.clone());
            // After an update that had some effect, send the rest at once: some services change one
            // setting at a time. If it had no effect yet, wait for it.
            let left: Vec<AttributeChange> = changes.iter().chain(&tag_changes).cloned().collect();
            if let Some((when, sent)) = &last_update
                && *sent == left
            {
                let since = when.elapsed();
                if resent && since > SETTLE {
                    return Err(Halt::Failed(self.stuck(id, &left)));
                }
                if resent || since < RESEND {
                    self.waiting("for AWS to show the change");
                    backoff.sleep_through().await;
                    continue;
                }
                resent = true;
            }
            rounds += 1;
            let made = fresh || last_update.is_some();
            if rounds > MOST_ROUNDS || (made && changes.iter().any(|change| change.forces_replacement)) {
                return Err(Halt::Failed(self.stuck(id, &left)));
            }
            let sent = async {
                if !changes.is_empty() {
                    self.kind.update(self.cx, id, &have, &want).await?;
                }
                if !tag_changes.is_empty() {
                    let (set, remove) = split(&tag_changes);
                    self.kind.tag(self.cx, id, &live.attrs, &set, &remove).await?;
                }
                Ok::<(), Error>(())
            };
            match sent.await {
                Ok(()) => {
                    sent_unreadable = true;
                    last_update = Some((Instant::now(), left));
                    backoff = Backoff::default();
                    updates.relax();
                }
                Err(error) => {
                    let waited = updates.wait(&error, &|on| self.waiting(on)).await;
                    waited.map_err(|()| self.halt("update", &error, id))?;
                }
            }
        }
    }

    fn halt(&self, verb: &str, error: &Error, id: &str) -> Halt {
        Halt::Failed(self.failure(verb, error, Some(id)))
    }

    pub(super) fn failure(&self, verb: &str, error: &Error, id: Option<&str>) -> Diagnostic {
        let address = &self.instance.address;
        let what = match verb {
            "finish" => format!("{address} did not become ready"),
            verb => format!("cannot {verb} {address}"),
        };
        failure(&what, id.unwrap_or_default(), error).at(self.instance.resource.span, "")
    }

    fn stuck(&self, id: &str, changes: &[AttributeChange]) -> Diagnostic {
        let mut error = Diagnostic::error(
            "not-converged",
            format!("{} did not converge to its declaration", self.instance.address),
        )
        .at(self.instance.resource.span, "")
        .note(format!("{id}: AWS accepted every call, but still returns another value"));
        for change in changes.iter().take(8) {
            error = error.note(plan::change_text(change));
        }
        error.lasting = true;
        error.help("declare what AWS returns, or set lifecycle.ignore_changes for the attribute")
    }
}

fn split(changes: &[AttributeChange]) -> (crate::aws::Tags, Vec<String>) {
    let mut set = crate::aws::Tags::new();
    let mut remove = Vec::new();
    for change in changes {
        let Some(crate::schema::PathStep::Name(name)) = change.path.last() else { continue };
        match change.after.as_ref().and_then(Value::as_str) {
            Some(value) => drop(set.insert(name.clone(), value.to_owned())),
            None => remove.push(name.clone()),
        }
    }
    (set, remove)
}

pub(super) fn failure(what: &str, id: &str, error: &Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("apply-failed", what.to_owned())
        .note(format!("AWS answered: {error}"))
        .request(error.request_id.as_deref());
    diagnostic.lasting = matches!(
        error.class,
        Class::Denied | Class::Invalid | Class::Exists | Class::NotImplemented | Class::Credentials
    );
    if !id.is_empty() {
        diagnostic = diagnostic.note(format!("its id is {id}"));
    }
    if signals::is_stopping() && is_repeated(error.class) {
        return diagnostic
            .note("a signal ended the retries of this call")
            .help("run it again: it continues where it stopped");
    }
    if error.class == Class::Conflict {
        return diagnostic.help("something else still uses or changes it; run it again when that has ended");
    }
    match error.advice("run it again: it continues where it stopped") {
        Some(advice) => diagnostic.help(advice),
        None => diagnostic,
    }
}

/// Returns whether a call with such an error is retried.
fn is_repeated(class: Class) -> bool {
    matches!(
        class,
        Class::NotYetConsistent
            | Class::Gone
            | Class::Conflict
            | Class::Throttled
            | Class::Transient
            | Class::Unreachable
    )
}

/// How long each class of error is retried.
pub(super) struct Retry {
    began: Instant,
    deadline: Instant,
    /// Remaining retries after errors of the network or of AWS.
    faults: u32,
    backoff: Backoff,
}

impl Retry {
    /// For calls that the SDK retries as well.
    pub(super) fn new(deadline: Instant) -> Self {
        Self { began: Instant::now(), deadline, faults: 4, backoff: Backoff::default() }
    }

    /// For calls that the SDK does not retry.
    pub(super) fn of_single_calls(deadline: Instant) -> Self {
        Self { faults: 8, ..Self::new(deadline) }
    }

    /// Resets the time limits and the pauses after a successful call.
    fn relax(&mut self) {
        self.began = Instant::now();
        self.backoff = Backoff::default();
    }

    /// Waits before the next attempt and reports why, or gives up. A signal ends the wait, since only
    /// a refused call would be repeated.
    pub(super) async fn wait(&mut self, error: &Error, say: &dyn Fn(String)) -> Result<(), ()> {
        let until = match error.class {
            Class::NotYetConsistent => self.began + PROPAGATION,
            Class::Gone => self.began + VISIBILITY,
            Class::Conflict | Class::Throttled => self.deadline,
            Class::Transient | Class::Unreachable if self.faults > 0 => self.deadline,
            _ => return Err(()),
        };
        self.faults -= u32::from(matches!(error.class, Class::Transient | Class::Unreachable));
        if Instant::now() > until {
            return Err(());
        }
        say(error.to_string());
        if self.backoff.sleep().await { Ok(()) } else { Err(()) }
    }
}

/// Growing pauses of up to 15 s, with jitter so that many tasks do not wake at once.
#[derive(Default)]
pub(super) struct Backoff {
    count: u32,
}

impl Backoff {
    /// Pauses unless a signal comes. Returns false if one came.
    pub(super) async fn sleep(&mut self) -> bool {
        signals::unless_stopping(self.sleep_through()).await.is_ok()
    }

    /// Pauses without regard to signals.
    pub(super) async fn sleep_through(&mut self) {
        let base =
            Duration::from_millis(150).saturating_mul(1 << self.count.min(7)).min(Duration::from_secs(15));
        self.count += 1;
        let jitter = uuid::Uuid::new_v4().as_u128() % 250;
        // Up to a quarter longer.
        tokio::time::sleep(base + base * (jitter as u32) / 1000).await;
    }
}
