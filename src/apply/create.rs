//! Creates a resource without overwriting an existing one, and finds again what an earlier attempt
//! created.

use std::time::Instant;

use super::retry::{Backoff, Halt, Retry};
use super::work::Work;
use crate::aws::{Class, Error};
use crate::diag::Diagnostic;
use crate::kind::{ErasedCreated, ErasedLive, Identity, Known, NewResource, OnExisting, Owner, State};
use crate::plan::{self, Action, Reason};
use crate::signals;

/// How often to look for the result of an unanswered call before it is repeated: one empty answer
/// proves nothing.
const LOOKS: u32 = 2;

/// A resource that exists after a create.
pub(super) struct Made {
    pub(super) id: String,
    /// True if this call created it, and not an earlier attempt.
    pub(super) now: bool,
    /// The resource, if the answer to the call described all of it.
    pub(super) live: Option<ErasedLive>,
}

impl Made {
    /// A resource that an earlier attempt created.
    fn earlier(id: String) -> Self {
        Self { id, now: false, live: None }
    }
}

/// The verdict on a new resource by its owner tags, which are part of the create call.
pub(super) enum OwnerCheck {
    /// They are ours.
    Ours,
    /// There are none, or they are not visible yet.
    Missing,
    /// They are someone else's.
    Theirs,
}

/// The existing resource, if any, in the place of a new one.
enum Place {
    /// Nothing has this name.
    Free,
    /// A resource that an earlier attempt of ours created, by id.
    Own(String),
    /// A resource that the ledger knows by this id, and that the plan took for gone.
    Known(String),
    /// A resource that AWS is deleting, with AWS's words.
    Leaving(String),
    /// A resource that is not provably ours.
    Foreign(String, Box<ErasedLive>),
}

impl Work<'_, '_, '_, '_> {
    pub(super) fn owner(&self) -> Owner {
        let stack = self.executor.eval.stack;
        Owner::new(&stack.name, &stack.env, &self.instance.address)
    }

    /// Creates the resource, or finds the one that an earlier attempt created.
    pub(super) async fn create(&self) -> Result<Made, Halt> {
        let tags = self.tags();
        let address = &self.instance.address;
        let token = {
            let ledger = self.executor.writer.ledger.borrow();
            ledger.intents.get(address).map(|intent| intent.token.clone())
        };
        let token = token.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        // The SDK would repeat a call whose answer was lost, and so create a second resource.
        let mut cx = self.executor.session.cx_once(&self.instance.place);
        cx.files.clone_from(self.executor.eval.files(self.instance));
        let assigned = self.kind.assigns_ids();
        // An earlier apply may have sent the call; or the answer of a later attempt was lost.
        let mut sent = self.executor.maybe_created.contains(address);
        let mut looks = sent || self.change.reason == Reason::Vanished || self.looks_first();
        let mut failed = false;
        let mut unseen = 0;
        let mut taken: Option<(Instant, Error)> = None;
        let mut retry = Retry::of_single_calls(self.deadline());
        let mut backoff = Backoff::default();
        loop {
            if looks || taken.is_some() || (assigned && failed) {
                let place = match self.place(sent).await {
                    Ok(place) => place,
                    Err(error) => {
                        let waited = retry.wait(&error, &|on| self.waiting(on)).await;
                        waited.map_err(|()| self.uncreated(&error, sent))?;
                        continue;
                    }
                };
                match place {
                    Place::Own(id) => return Ok(Made::earlier(id)),
                    Place::Known(id) => return Err(Halt::Foreign(self.still_there(&id))),
                    Place::Leaving(words) => {
                        // The name was taken by this one, which is looked at until it is gone.
                        (taken, looks) = (None, true);
                        self.waiting(format!("its predecessor to be deleted ({words})"));
                        if Instant::now() > self.deadline() || !backoff.sleep().await {
                            let words = format!("AWS is still deleting its predecessor ({words})");
                            return Err(self.uncreated(&Error::finding(Class::Exists, words), sent));
                        }
                        continue;
                    }
                    // The tags of an unanswered call may not be visible yet.
                    Place::Foreign(_, live)
                        if sent && live.tags.is_empty() && self.began.elapsed() < self.settling([]) =>
                    {
                        self.waiting("for its tags to be visible");
                        backoff.sleep_through().await;
                        continue;
                    }
                    Place::Foreign(id, live) => return Err(Halt::Foreign(self.taken(&id, &live))),
                    Place::Free => {}
                }
                match taken.take() {
                    // A resource created a moment ago may not be visible yet.
                    Some((since, error)) if sent && since.elapsed() < self.settling([]) => {
                        self.waiting("the resource with its name to be visible");
                        taken = Some((since, error));
                        backoff.sleep_through().await;
                        continue;
                    }
                    Some((_, error)) => return Err(self.uncreated(&error, sent)),
                    None => {}
                }
                unseen += 1;
                if assigned && sent && unseen < LOOKS {
                    backoff.sleep_through().await;
                    continue;
                }
            }
            let new = NewResource { tags: &tags, token: &token };
            let error = match self.write(self.kind.create(&cx, &self.instance.spec, new)).await {
                Ok(ErasedCreated { id, live }) => return Ok(Made { id, now: true, live }),
                Err(error) => error,
            };
            self.pause();
            (failed, unseen) = (true, 0);
            if error.class == Class::Exists {
                taken = Some((Instant::now(), error));
                continue;
            }
            sent |= matches!(error.class, Class::Transient | Class::Unreachable);
            if retry.wait(&error, &|on| self.waiting(on)).await.is_ok() {
                continue;
            }
            // A signal ended the wait: a resource created by an unanswered call belongs in the ledger.
            let lost = matches!(error.class, Class::Transient | Class::Unreachable);
            if signals::is_stopping()
                && lost
                && let Ok(Place::Own(id)) = self.place(sent).await
            {
                return Ok(Made::earlier(id));
            }
            return Err(self.uncreated(&error, sent));
        }
    }

    /// Returns whether an existing resource must be looked for before the create call.
    fn looks_first(&self) -> bool {
        match self.kind.on_existing(&self.cx.scope) {
            OnExisting::Refuses => false,
            // Without tags, nothing proves later whose it is.
            OnExisting::Returns => !self.kind.taggable() || !self.executor.read_recently(),
            OnExisting::Overwrites => true,
        }
    }

    /// Looks for an existing resource. `sent` means that an attempt of ours may have created it.
    async fn place(&self, sent: bool) -> Result<Place, Error> {
        let owner = self.owner();
        let taggable = self.kind.taggable();
        match self.kind.identity(Known(&self.instance.spec), &self.cx.scope) {
            Identity::Named(id) => {
                let Some(live) = self.read(&id).await? else { return Ok(Place::Free) };
                if let State::Leaving(words) = live.state {
                    return Ok(Place::Leaving(words));
                }
                let own = if taggable { Owner::of(&live.tags).as_ref() == Some(&owner) } else { sent };
                Ok(match own {
                    false => Place::Foreign(id, Box::new(live)),
                    // AWS still shows the state before this apply deleted it.
                    true if self.is_replaced(&id) => Place::Free,
                    true if self.is_known(&id) => Place::Known(id),
                    true => Place::Own(id),
                })
            }
            Identity::Assigned => {
                let found = self.kind.find(self.cx, &owner, &self.instance.spec).await?;
                let gone = self.change.reason == Reason::Vanished;
                if let Some(id) = found.iter().find(|id| gone && self.is_known(id)) {
                    return Ok(Place::Known(id.clone()));
                }
                let new = |id: &String| !self.is_known(id) && !self.is_replaced(id);
                let Some(id) = found.into_iter().find(new) else { return Ok(Place::Free) };
                if taggable || sent {
                    return Ok(Place::Own(id));
                }
                let live = self.read(&id).await?;
                Ok(live.map_or(Place::Free, |live| Place::Foreign(id, Box::new(live))))
            }
            Identity::Unknown => Ok(Place::Free),
        }
    }

    /// Returns whether the ledger has this id for the address, as current or deposed.
    fn is_known(&self, id: &str) -> bool {
        let ledger = self.executor.writer.ledger.borrow();
        ledger.entry_with_id(&self.instance.address, &self.instance.place, id).is_some()
    }

    /// Returns whether this id belongs to the resource that this apply deleted for a replacement.
    fn is_replaced(&self, id: &str) -> bool {
        self.change.action == (Action::Replace { create_first: false })
            && self.change.id.as_deref() == Some(id)
            && self.change.existing_place() == &self.instance.place
    }

    /// The error of a failed create. `sent` means that an attempt got no answer.
    fn uncreated(&self, error: &Error, sent: bool) -> Halt {
        let diagnostic = self.failure("create", error, None);
        Halt::Failed(match error.class {
            Class::Transient | Class::Unreachable => {
                diagnostic.note("it is not known whether it was created; the next apply looks for it")
            }
            Class::Exists => {
                let how = if self.kind.assigns_ids() { "import it" } else { "run again with --adopt" };
                Diagnostic { code: "not-ours", ..diagnostic }
                    .note("a resource of this name exists and was left as it is")
                    .help(format!("to take it over, {how}; otherwise choose another name"))
            }
            _ if sent => {
                diagnostic.note("it is not known whether it was created; the next apply looks for it")
            }
            _ => diagnostic.note("nothing was created"),
        })
    }

    /// The error if somebody else created the resource since the plan.
    fn taken(&self, id: &str, live: &ErasedLive) -> Diagnostic {
        plan::not_ours(self.instance, id, live, self.executor.eval.stack)
            .note("it was not there when the plan was made")
    }

    /// Compares the tags of a resource with those that the create call gave it.
    pub(super) fn check_owner(&self, live: &ErasedLive) -> OwnerCheck {
        match Owner::of(&live.tags) {
            _ if !self.kind.taggable() => OwnerCheck::Ours,
            Some(owner) if owner == self.owner() => OwnerCheck::Ours,
            Some(_) => OwnerCheck::Theirs,
            // Other kinds refuse to overwrite, so this is what the call created.
            None if self.kind.on_existing(&self.cx.scope) == OnExisting::Refuses => OwnerCheck::Ours,
            // A create call sets all tags or none.
            None if live.tags.is_empty() => OwnerCheck::Missing,
            None => OwnerCheck::Theirs,
        }
    }

    /// The error if a resource that the plan took for gone still exists.
    fn still_there(&self, id: &str) -> Diagnostic {
        plan::still_there(&self.instance.address, id).at(self.instance.resource.span, "declared here")
    }
}
