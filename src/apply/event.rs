//! The options, the progress and the result of an apply.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::diag::Diagnostic;
use crate::graph::Address;
use crate::ledger::{Ledger, Lock, Store};
use crate::plan::order::{Step, Unit};

/// Time limit of the last write of the ledger; a second signal shortens it.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer than any call: calls end by their own timeouts, or by signals.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// Options of an apply.
#[derive(Clone, Debug)]
pub struct Options {
    /// Maximum number of resources worked on at the same time.
    pub parallelism: usize,
    /// The value of [`crate::plan::Selection::deep`] in the plan.
    pub deep: bool,
    /// The plan covers only a part of the stack, see [`crate::plan::Selection::is_partial`].
    pub partial: bool,
    /// The time at which the reads of the plan began. For a few seconds they prove whose a resource is, so
    /// that it need not be read again before it is changed or deleted. `None` if a person was asked since.
    pub read: Option<Instant>,
}

/// Progress of an apply. Each started unit ends with exactly one of [`Event::Done`], [`Event::Failed`]
/// and [`Event::Abandoned`]. That a resource was someone else's is sometimes found at the end of the apply, and
/// then only in [`Summary::failures`].
#[derive(Clone, Debug)]
pub enum Event {
    /// Work on a resource starts.
    Started {
        /// The work.
        unit: Unit,
    },
    /// Work on a resource waits.
    Waiting {
        /// The work.
        unit: Unit,
        /// The reason, in AWS's words.
        on: String,
        /// Time since the unit started.
        elapsed: Duration,
    },
    /// Work on a resource is done.
    Done {
        /// The work.
        unit: Unit,
        /// The resource's physical id.
        id: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// Work on a resource failed; its error is in the [`Summary`].
    Failed {
        /// The work.
        unit: Unit,
        /// The error in one line.
        message: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// A running unit is no longer waited for, because the user asked a second time to stop.
    Abandoned {
        /// The work.
        unit: Unit,
        /// Time since the unit started.
        elapsed: Duration,
    },
    /// The ledger was written.
    Saved {
        /// Number of resources in it.
        resources: usize,
    },
    /// AWS throttles calls.
    Throttled {
        /// Calls of this run that were throttled so far.
        count: u64,
    },
    /// The user asked to stop: nothing new is started, running units are waited for.
    Stopping {
        /// Running units.
        in_flight: usize,
    },
}

/// The result of an apply.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Resources created, including replacements.
    pub created: usize,
    /// Resources updated in place.
    pub updated: usize,
    /// Resources deleted, including those that were replaced.
    pub destroyed: usize,
    /// The errors.
    pub failures: Vec<Diagnostic>,
    /// The checks that are not met after the apply.
    pub warnings: Vec<Diagnostic>,
    /// Resources whose work was not started, with the failed address that they depend on, or `None`
    /// after an interruption.
    pub skipped: BTreeMap<Address, Option<Address>>,
    /// True if the user interrupted it.
    pub interrupted: bool,
    /// Time from the first to the last step.
    pub elapsed: Duration,
}

impl Summary {
    /// The number of resources created, updated or deleted.
    pub(super) fn changed(&self) -> usize {
        self.created + self.updated + self.destroyed
    }

    /// Counts a unit no more, since the resource that it created proved to be someone else's.
    pub(super) fn disown(&mut self, unit: &Unit, failure: Diagnostic) {
        if unit.step == Step::Create {
            self.created -= 1;
        }
        self.failures.push(failure);
    }

    pub(super) fn count(&mut self, unit: &Unit) {
        match unit.step {
            Step::Create => self.created += 1,
            Step::Update => self.updated += 1,
            Step::Destroy => self.destroyed += 1,
            Step::Complete | Step::Release | Step::Forget => {}
        }
    }
}

/// The ledger that an apply updates, its store, and the lock that permits writing it.
pub struct LockedLedger<'k> {
    /// The resources that the stack owns.
    pub ledger: &'k mut Ledger,
    /// The store of the ledger.
    pub store: &'k Store,
    /// The lock of the ledger, held by this apply.
    pub lock: &'k Lock,
}
