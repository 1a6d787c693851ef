//! How long calls are retried, and the errors when they are not.

use std::time::{Duration, Instant};

use crate::aws::{Class, Error};
use crate::diag::Diagnostic;
use crate::signals;

/// The update is sent once more if AWS does not show it after this time.
pub(super) const RESEND: Duration = Duration::from_secs(6);
/// How long a new principal, key or grant may be unknown to another service.
const PROPAGATION: Duration = Duration::from_secs(180);
/// How long the target of a reference may be unknown to its own service.
const VISIBILITY: Duration = Duration::from_secs(20);

/// The outcome of a unit.
pub(super) type Outcome<T> = Result<T, Vec<Diagnostic>>;

/// The reason why work on a resource ends early.
pub(super) enum Halt {
    /// The resource found there is not ours, and was left as it is.
    Foreign(Diagnostic),
    /// Anything else.
    Failed(Diagnostic),
}

/// The error for a call that failed for good.
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
    pub(super) fn relax(&mut self) {
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
