//! The ledger's lock around what a verb does: taken, told of, freed however it ends.

use std::time::Duration;

use super::printer::Printer;
use super::{Exit, Failure};
use crate::apply::Signals;
use crate::diag::{Diagnostic, Sources};
use crate::ledger::{Holder, Lock, Store};

/// How to get the lock.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LockArgs {
    /// How long to wait for another dwctl that holds the ledger: 30s, 5m.
    #[arg(long, default_value = "0s", env = "DWCTL_LOCK_TIMEOUT", value_name = "TIME", value_parser = time)]
    lock_timeout: Duration,
}

fn time(text: &str) -> Result<Duration, String> {
    let span: Option<jiff::SignedDuration> = text.parse().ok();
    span.and_then(|span| Duration::try_from(span).ok())
        .ok_or_else(|| "it is a time such as 30s, 5m or 1h".to_owned())
}

/// Works under the lock; frees it however the work ends.
pub(super) async fn locked<T>(
    store: &Store,
    holder: Holder,
    args: &LockArgs,
    printer: &Printer,
    work: impl AsyncFnOnce(&Lock, &mut Signals) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // From here on a signal ends no process that might hold the lock.
    let mut signals = Signals::new();
    let say = |text: &str| printer.note(text);
    let locking = async { Ok(store.lock(holder, args.lock_timeout, &say).await?) };
    let lock = interruptible(&mut signals, locking).await?;
    let outcome = work(&lock, &mut signals).await;
    if let Err(problem) = lock.release().await {
        let warning = Diagnostic { severity: crate::diag::Severity::Warning, ..problem };
        printer.diagnostics(&[warning], &Sources::default());
    }
    outcome
}

/// Works until it is done, or a signal comes: what has changed nothing yet can be left.
pub(super) async fn interruptible<T>(
    signals: &mut Signals,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        () = signals.next() => {
            let error = Diagnostic::error("interrupted", "interrupted").note("nothing was changed");
            Err(Failure::new(Exit::Interrupted, vec![error], Sources::default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::time;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        assert_eq!(time("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(time("1h30m"), Ok(Duration::from_secs(5400)));
        for text in ["", "5", "m", "-5m", "soon"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
