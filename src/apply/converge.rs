//! Updates a resource until AWS shows what is declared. One loop serves all kinds, and also finishes
//! what an interrupted apply left.

use std::time::Instant;

use super::create::OwnerCheck;
use super::executor::READS_PROVE;
use super::reads::{Patience, read};
use super::retry::{Backoff, Halt, RESEND, Retry};
use super::work::Work;
use crate::aws::{Class, Error, Tags};
use crate::diag::Diagnostic;
use crate::kind::{ErasedLive, OnExisting, ReadRequest, State};
use crate::plan::order::Step;
use crate::plan::{self, AttributeChange, Past, diff};
use crate::schema::{PathStep, normalize};
use crate::value::Value;

/// Maximum number of updates of one resource in one apply; a kind that needs more does not converge.
const MAX_ROUNDS: u32 = 12;

/// The progress of one resource towards its declaration.
struct Progress {
    /// It was created just now, with all settings that AWS cannot return.
    fresh: bool,
    /// Reads and updates have separate limits: a read that succeeds proves nothing about updates.
    reads: Retry,
    updates: Retry,
    backoff: Backoff,
    /// The time since which AWS does not show it.
    missing: Option<Instant>,
    /// The settings that AWS cannot return have been sent.
    sent_unreadable: bool,
    /// The last update, and what it was to change.
    last_update: Option<(Instant, Vec<AttributeChange>)>,
    rounds: u32,
    resent: bool,
    /// The reads in a row that agreed with the declaration.
    agreed: u32,
    /// The tags as the create call sent them, or as AWS showed them since the last change of them, with the
    /// time.
    tags: Option<(Instant, Tags)>,
    /// How long the next read waits for those of others; `None` to read alone, as a read that is repeated.
    patience: Option<Patience>,
}

impl Progress {
    /// The tags, unless they were seen too long ago to prove whose the resource is.
    fn known_tags(&self) -> Option<&Tags> {
        self.tags.as_ref().filter(|(seen, _)| seen.elapsed() < READS_PROVE).map(|(_, tags)| tags)
    }
}

/// The remaining difference.
struct Difference {
    have: Value,
    want: Value,
    attributes: Vec<AttributeChange>,
    tags: Vec<AttributeChange>,
}

impl Work<'_, '_, '_, '_> {
    /// Updates until the live state matches the declaration. `fresh` means that it was created just
    /// now, with all settings that AWS cannot return; `answered` is the resource as the answer to that call
    /// described it.
    pub(super) async fn converge(
        &self,
        id: &str,
        fresh: bool,
        mut answered: Option<ErasedLive>,
    ) -> Result<ErasedLive, Halt> {
        let mut progress = Progress {
            fresh,
            reads: Retry::new(self.deadline()),
            updates: Retry::new(self.deadline()),
            backoff: Backoff::default(),
            missing: None,
            sent_unreadable: fresh,
            last_update: None,
            rounds: 0,
            resent: false,
            agreed: 0,
            tags: None,
            patience: Some(self.executor.patience(self.unit, None)),
        };
        if fresh {
            progress.patience = Some(self.executor.patience(self.unit, Some(self.wrote.get())));
            progress.tags = Some((Instant::now(), self.tags()));
            let proves = self.kind.on_existing(&self.cx.scope) == OnExisting::Refuses;
            self.unproven.set(self.kind.taggable() && !proves);
            self.send_rest(id, &mut progress).await?;
        }
        loop {
            let live = match answered.take() {
                Some(live) => live,
                None => match self.look(id, &mut progress).await? {
                    Some(live) => live,
                    None => continue,
                },
            };
            if !self.is_ready(id, &live, &mut progress).await? {
                continue;
            }
            let left = self.difference(&live, &progress);
            if left.tags.is_empty() && progress.known_tags().is_none() {
                progress.tags = Some((Instant::now(), live.tags.clone()));
            }
            if left.attributes.is_empty() && left.tags.is_empty() {
                // The tag index may still show what was replaced.
                if self.unproven.get() && self.change.live.is_some() {
                    self.prove(&mut progress);
                    continue;
                }
                if self.is_settled(&mut progress).await {
                    return Ok(live);
                }
                continue;
            }
            progress.agreed = 0;
            if self.unproven.get() {
                self.prove(&mut progress);
                continue;
            }
            self.before.borrow_mut().get_or_insert_with(|| live.clone());
            if self.is_due(id, &left, &mut progress).await? {
                self.send(id, &live, left, &mut progress).await?;
            }
        }
    }

    /// Returns whether enough reads agree with the declaration. After a write, another replica may not
    /// know it yet; then this waits for the next read.
    async fn is_settled(&self, progress: &mut Progress) -> bool {
        let wrote = progress.fresh || progress.last_update.is_some();
        progress.agreed += 1;
        if !wrote || progress.agreed >= self.kind.settling().agreeing {
            return true;
        }
        self.waiting("for AWS to show the change in every read");
        progress.backoff.sleep_through().await;
        false
    }

    /// Lets the next read show the tags. The call may have changed the resource of somebody else, who
    /// created it at that moment, and more must not be changed.
    fn prove(&self, progress: &mut Progress) {
        progress.tags = None;
        self.unproven.set(false);
    }

    /// Reads the resource. Returns `None` after a pause if AWS does not show it.
    async fn look(&self, id: &str, progress: &mut Progress) -> Result<Option<ErasedLive>, Halt> {
        self.pause();
        let request = ReadRequest { tags: progress.known_tags().cloned(), ..self.request(id) };
        let live = match progress.patience.take() {
            Some(patience) => self.executor.reads.read(self.kind, self.cx, &request, patience).await,
            None => read(self.kind, self.cx, &request).await,
        };
        match live {
            Ok(Some(live)) => {
                progress.missing = None;
                progress.reads.relax();
                Ok(Some(live))
            }
            // It is not visible yet, or a single answer was wrong.
            Ok(None)
                if progress.missing.get_or_insert_with(Instant::now).elapsed() < self.settling([]) * 3 =>
            {
                self.waiting("to be visible");
                progress.backoff.sleep_through().await;
                Ok(None)
            }
            Ok(None) => {
                let error = Error::finding(Class::Gone, format!("AWS says that {id} does not exist"));
                Err(self.halt("read", &error, id))
            }
            Err(error) => {
                let waited = progress.reads.wait(&error, &|on| self.waiting(on)).await;
                waited.map_err(|()| self.halt("read", &error, id))?;
                Ok(None)
            }
        }
    }

    /// Checks that the resource is ours and that AWS has finished it. Returns false after a pause if
    /// it is too early to say.
    async fn is_ready(&self, id: &str, live: &ErasedLive, progress: &mut Progress) -> Result<bool, Halt> {
        if progress.fresh {
            match self.check_owner(live) {
                OwnerCheck::Ours => {}
                OwnerCheck::Missing if self.began.elapsed() < self.settling([]) => {
                    self.waiting("for its tags to be visible");
                    progress.backoff.sleep_through().await;
                    return Ok(false);
                }
                OwnerCheck::Missing | OwnerCheck::Theirs => {
                    let stack = self.executor.eval.stack;
                    return Err(Halt::Foreign(plan::intruded(self.instance, id, live, stack)));
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
                let words = format!("AWS is still working on it after {} s", self.limit().as_secs());
                let failure = self.failure("finish", &Error::finding(Class::Other, words), Some(id));
                let step = if self.unit.step == Step::Update { "update" } else { "create" };
                return Err(Halt::Failed(
                    failure
                        .help(format!("to wait longer: timeout = {{ {step} = \"2h\" }} in its declaration")),
                ));
            }
            State::Busy(words) | State::Leaving(words) => {
                self.waiting(words.clone());
                progress.backoff.sleep_through().await;
                return Ok(false);
            }
        }
        if !progress.fresh {
            let ownership = self.executor.ownership(self.kind, self.cx, self.change, id, live).await;
            let ownership = ownership.map_err(|error| self.halt("read", &error, id))?;
            if let Some(refusal) = plan::refusal(&self.instance.address, id, &ownership, true) {
                return Err(Halt::Failed(refusal.at(self.instance.resource.span, "")));
            }
        }
        Ok(true)
    }

    /// Sends the settings that the create call did not take, without a read between. If this fails, the
    /// usual reads and updates follow.
    async fn send_rest(&self, id: &str, progress: &mut Progress) -> Result<(), Halt> {
        let later = self.kind.set_after_create();
        let Value::Map(spec) = &self.instance.spec else { return Ok(()) };
        if !spec.keys().any(|name| later.contains(&name.as_str())) {
            return Ok(());
        }
        if self.unproven.get() {
            self.prove(progress);
            let bare = plan::read_request(id, None, None, false);
            let patience = progress.patience.unwrap_or(Patience::None);
            self.pause();
            match self.executor.reads.read(self.kind, self.cx, &bare, patience).await {
                Ok(Some(live)) if matches!(self.check_owner(&live), OwnerCheck::Ours) => {
                    progress.tags = Some((Instant::now(), live.tags));
                }
                _ => return Ok(()),
            }
        }
        let spec = spec.iter().filter(|(name, _)| !later.contains(&name.as_str()));
        let new = ErasedLive {
            spec: Value::Map(spec.map(|(name, value)| (name.clone(), value.clone())).collect()),
            attrs: Value::Null,
            tags: progress.known_tags().cloned().unwrap_or_default(),
            state: State::Ready,
            incarnation: None,
            not_returned: Vec::new(),
        };
        let left = self.difference(&new, progress);
        if left.attributes.is_empty() {
            return Ok(());
        }
        self.send(id, &new, left, progress).await
    }

    /// Compares the live resource with its declaration.
    fn difference(&self, live: &ErasedLive, progress: &Progress) -> Difference {
        let schema = &self.kind.schema().spec;
        let ledger = self.executor.writer.ledger.borrow();
        let entry = ledger.resources.get(&self.instance.address);
        let past = Past::of(self.kind, entry, live);
        let entry_to_compare = entry.filter(|_| !progress.sent_unreadable);
        let past = Past { entry: entry_to_compare, is_new: progress.fresh, ..past };
        let found = normalize(schema, live.spec.clone());
        let (want, have) = plan::complete(self.instance, found, &past, &ledger);
        let attributes = diff(schema, &have, &want);
        let stack = self.executor.eval.stack;
        let tags = plan::tag_changes(self.instance, live, entry, &ledger, stack);
        Difference { have, want, attributes, tags }
    }

    /// Returns whether an update should be sent now. After an update that had some effect, the rest
    /// is sent at once: some services change one setting at a time. If it had no effect yet, waits
    /// for it.
    async fn is_due(&self, id: &str, left: &Difference, progress: &mut Progress) -> Result<bool, Halt> {
        if let Some((when, sent)) = &progress.last_update
            && *sent == left.all()
        {
            let since = when.elapsed();
            let settling = self.settling(left.attributes.iter().filter_map(AttributeChange::root));
            if progress.resent && since > settling {
                return Err(Halt::Failed(self.stuck(id, &left.all())));
            }
            if progress.resent || since < RESEND {
                self.waiting("for AWS to show the change");
                progress.backoff.sleep_through().await;
                return Ok(false);
            }
            progress.resent = true;
        }
        progress.rounds += 1;
        let made = progress.fresh || progress.last_update.is_some();
        let is_forced = made && left.attributes.iter().any(|change| change.forces_replacement);
        if progress.rounds > MAX_ROUNDS || is_forced {
            return Err(Halt::Failed(self.stuck(id, &left.all())));
        }
        Ok(true)
    }

    /// Sends an update. Waits before the next attempt if AWS refuses it for now.
    async fn send(
        &self,
        id: &str,
        live: &ErasedLive,
        left: Difference,
        progress: &mut Progress,
    ) -> Result<(), Halt> {
        let sent = async {
            if !left.attributes.is_empty() {
                self.kind.update(self.cx, id, &left.have, &left.want).await?;
            }
            if !left.tags.is_empty() {
                let (set, remove) = split(&left.tags);
                self.kind.tag(self.cx, id, &live.attrs, &set, &remove).await?;
            }
            Ok::<(), Error>(())
        };
        let sent = self.write(sent).await;
        if !left.tags.is_empty() {
            progress.tags = None;
        }
        match sent {
            Ok(()) => {
                progress.patience = Some(self.executor.patience(self.unit, Some(self.wrote.get())));
                progress.sent_unreadable = true;
                progress.last_update = Some((Instant::now(), left.all()));
                progress.backoff = Backoff::default();
                progress.updates.relax();
                Ok(())
            }
            Err(error) => {
                self.pause();
                let waited = progress.updates.wait(&error, &|on| self.waiting(on)).await;
                waited.map_err(|()| self.halt("update", &error, id))
            }
        }
    }

    /// The error for a resource that AWS does not change as it is declared.
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

impl Difference {
    fn all(&self) -> Vec<AttributeChange> {
        self.attributes.iter().chain(&self.tags).cloned().collect()
    }
}

/// The tags to set, and those to remove.
fn split(changes: &[AttributeChange]) -> (Tags, Vec<String>) {
    let mut set = Tags::new();
    let mut remove = Vec::new();
    for change in changes {
        let Some(PathStep::Name(name)) = change.path.last() else { continue };
        match change.after.as_ref().and_then(Value::as_str) {
            Some(value) => drop(set.insert(name.clone(), value.to_owned())),
            None => remove.push(name.clone()),
        }
    }
    (set, remove)
}
