//! The ledger that executors write to. It is written to its store seldom, and no work waits for that.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;

use super::event::{Event, WRITE_TIMEOUT};
use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::ledger::{Ledger, Lock, LockState, Snapshot, Store};
use crate::signals::{self, Last};

/// The ledger is written once this many resources became known or were deleted. Together with the
/// first, the last and the quiet writes, an apply of n resources writes it at most 4 + n/25 times.
const MANY: usize = 25;
/// Maximum number of writes caused by a quiet time.
const QUIET_WRITES: u32 = 2;
/// Time without changes that counts as quiet.
const QUIET: Duration = Duration::from_secs(4);

/// The ledger while executors write to it.
pub(super) struct LedgerWriter<'l> {
    pub(super) ledger: RefCell<&'l mut Ledger>,
    /// Set by whoever changes the ledger.
    pub(super) dirty: Cell<bool>,
    store: &'l Store,
    lock: &'l Lock,
    /// The ids that the store holds.
    written: RefCell<BTreeMap<Address, String>>,
    /// Addresses whose creation or deletion has already counted towards a write.
    counted: RefCell<BTreeSet<Address>>,
    fresh: Cell<usize>,
    unsaved: Cell<bool>,
    changed: Cell<Instant>,
    quiet_writes: Cell<u32>,
    writes_every_change: Cell<bool>,
    kept: RefCell<Option<std::path::PathBuf>>,
    report: &'l dyn Fn(Event),
}

/// A running write, or none.
#[derive(Default)]
pub(super) struct Writing<'w>(Option<LocalBoxFuture<'w, Result<(), Diagnostic>>>);

impl<'w> Writing<'w> {
    pub(super) fn of(write: impl Future<Output = Result<(), Diagnostic>> + 'w) -> Self {
        Self(Some(Box::pin(write)))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.0.is_none()
    }
}

impl Future for Writing<'_> {
    type Output = Result<(), Diagnostic>;

    /// Without a write it is never ready; after a write it is idle again.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(write) = &mut self.0 else { return Poll::Pending };
        let outcome = write.as_mut().poll(context);
        if outcome.is_ready() {
            self.0 = None;
        }
        outcome
    }
}

fn ids(ledger: &Ledger) -> BTreeMap<Address, String> {
    ledger.resources.iter().map(|(address, entry)| (address.clone(), entry.id.clone())).collect()
}

impl<'l> LedgerWriter<'l> {
    /// Creates the writer of a ledger whose store holds `before`.
    pub(super) fn new(
        ledger: &'l mut Ledger,
        before: &Ledger,
        store: &'l Store,
        lock: &'l Lock,
        report: &'l dyn Fn(Event),
    ) -> Self {
        Self {
            unsaved: Cell::new(ledger != before),
            ledger: RefCell::new(ledger),
            dirty: Cell::new(false),
            store,
            lock,
            written: RefCell::new(ids(before)),
            counted: RefCell::default(),
            fresh: Cell::new(0),
            changed: Cell::new(Instant::now()),
            quiet_writes: Cell::new(0),
            writes_every_change: Cell::new(false),
            kept: RefCell::new(None),
            report,
        }
    }

    /// Writes pending changes before the first step.
    pub(super) async fn begin(&self) -> Result<(), Diagnostic> {
        if let Some(lost) = self.lost() {
            return Err(lost.note("nothing was changed at AWS"));
        }
        if !self.unsaved.get() {
            return Ok(());
        }
        self.attempt().await.map_err(|error| error.note("nothing was changed at AWS"))
    }

    /// Returns whether work may start: the lock is surely held.
    pub(super) fn is_held(&self) -> bool {
        self.lock.state() == LockState::Held
    }

    /// Returns the error if the lock is lost.
    pub(super) fn lost(&self) -> Option<Diagnostic> {
        let LockState::Lost(why) = self.lock.state() else { return None };
        Some(
            Diagnostic::error("lock-lost", format!("the lock of the ledger {} was lost", self.store.place()))
                .note(why),
        )
    }

    /// From now on every change is due to be written, since the run may end at any moment.
    pub(super) fn write_every_change(&self) {
        self.writes_every_change.set(true);
    }

    /// Returns whether the ledger should be written now.
    pub(super) fn is_due(&self) -> bool {
        self.notice();
        if !self.unsaved.get() {
            return false;
        }
        if self.writes_every_change.get() || self.fresh.get() >= MANY {
            return true;
        }
        let quiet = self.changed.get().elapsed() > QUIET && self.quiet_writes.get() < QUIET_WRITES;
        if quiet {
            self.quiet_writes.set(self.quiet_writes.get() + 1);
        }
        quiet
    }

    /// Registers what executors changed.
    fn notice(&self) {
        if !self.dirty.replace(false) {
            return;
        }
        self.unsaved.set(true);
        self.changed.set(Instant::now());
        let ledger = self.ledger.borrow();
        let (written, mut counted) = (self.written.borrow(), self.counted.borrow_mut());
        let came =
            ledger.resources.iter().filter(|(address, entry)| written.get(*address) != Some(&entry.id));
        let went = written.keys().filter(|address| !ledger.resources.contains_key(*address));
        for address in came.map(|(address, _)| address).chain(went) {
            if counted.insert(address.clone()) {
                self.fresh.set(self.fresh.get() + 1);
            }
        }
    }

    /// Writes the ledger. If that fails, keeps a copy at once: running work may take hours, and the
    /// process may end before.
    pub(super) async fn write(&self) -> Result<(), Diagnostic> {
        let written = self.attempt().await;
        if written.is_err() {
            self.keep();
        }
        written
    }

    async fn attempt(&self) -> Result<(), Diagnostic> {
        self.notice();
        let (snapshot, ids) = {
            let mut ledger = self.ledger.borrow_mut();
            (Snapshot::of(&mut ledger), ids(&ledger))
        };
        self.unsaved.set(false);
        self.fresh.set(0);
        match self.store.write(snapshot).await {
            Ok(()) => {
                (self.report)(Event::Saved { resources: ids.len() });
                self.written.replace(ids);
                Ok(())
            }
            Err(error) => {
                self.unsaved.set(true);
                Err(error)
            }
        }
    }

    /// The error of a write that timed out.
    pub(super) fn late(&self) -> Diagnostic {
        self.unsaved.set(true);
        Diagnostic::error("ledger", format!("the ledger {} could not be written in time", self.store.place()))
    }

    /// Keeps a copy of the ledger in a separate file, replacing an earlier copy.
    fn keep(&self) -> Option<std::io::Error> {
        match self.store.keep(&self.ledger.borrow()) {
            Ok(path) => {
                if let Some(earlier) = self.kept.replace(Some(path.clone()))
                    && earlier != path
                {
                    // A leftover second copy is harmless.
                    drop(std::fs::remove_file(earlier));
                }
                None
            }
            Err(error) => Some(error),
        }
    }

    /// Writes the ledger for the last time. Returns the complete error if this or an earlier step went
    /// wrong. `finished` means that all work is done except for `unselected` resources.
    pub(super) async fn finish(
        &self,
        finished: bool,
        unselected: &BTreeSet<&Address>,
        trouble: Option<Diagnostic>,
    ) -> Option<Diagnostic> {
        self.notice();
        {
            let mut ledger = self.ledger.borrow_mut();
            let before = ledger.intents.len();
            // Keep an intent until its resource is known, or until an apply has finished cleanly.
            ledger.intents.retain(|address, _| !finished || unselected.contains(address));
            self.unsaved.set(self.unsaved.get() || ledger.intents.len() != before);
        }
        let trouble = trouble.or_else(|| self.lost());
        // If another process has the lock or wrote the ledger, do not overwrite it.
        let lost =
            trouble.as_ref().is_some_and(|error| matches!(error.code, "lock-lost" | "ledger-conflict"));
        let error = if lost {
            trouble?
        } else if self.unsaved.get() {
            let written = signals::within(Last::Ledger, WRITE_TIMEOUT, self.attempt()).await;
            match written.unwrap_or_else(|| Err(self.late())) {
                Ok(()) => {
                    if let Some(copy) = self.kept.take() {
                        drop(std::fs::remove_file(copy));
                    }
                    return Some(
                        trouble?
                            .note(
                                "nothing new was started; the ledger was written in the end, and is complete",
                            )
                            .help("run it again to continue"),
                    );
                }
                Err(error) => error,
            }
        } else {
            trouble?
        };
        Some(self.with_advice(error, finished))
    }

    /// Completes an error after which the ledger may be unwritten, and says where a copy is kept.
    fn with_advice(&self, error: Diagnostic, finished: bool) -> Diagnostic {
        let error = if finished {
            error
        } else if signals::is_aborting() {
            error.note("nothing new was started, and running operations were abandoned")
        } else {
            error.note("nothing new was started, and dwctl waited for running operations")
        };
        if !self.unsaved.get() {
            return error
                .note("the ledger records everything that was created")
                .help("run it again to continue");
        }
        if let Some(problem) = self.keep() {
            let ledger = self.ledger.borrow();
            let written = self.written.borrow();
            let mut error = error.note(format!("a copy of the ledger could not be kept either: {problem}"));
            for (address, entry) in &ledger.resources {
                if written.get(address) != Some(&entry.id) {
                    error = error
                        .note(format!("not in the ledger: {address} is {} in {}", entry.id, entry.place));
                }
            }
            for address in written.keys().filter(|address| !ledger.resources.contains_key(*address)) {
                error = error.note(format!("still in the ledger, but deleted: {address}"));
            }
            return error.help(
                "keep these lines; make room, then run it again: it looks for them by name and owner tags",
            );
        }
        let copy = self.kept.borrow().as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        error
            .note(format!("the current ledger is kept in {copy}"))
            .help(format!("when the cause is fixed: dwctl ledger push {copy}"))
            .help("if another apply changed the ledger meanwhile: dwctl ledger recover")
            .help("then run it again to continue")
    }
}
