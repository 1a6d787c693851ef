//! Holds the ledger's lock while a command works. The lock is released however the work ends.

use std::time::Duration;

use super::Failure;
use super::printer::Printer;
use crate::diag::{Diagnostic, Sources};
use crate::ledger::{Holder, Lock, Snapshot, Store};
use crate::signals::{self, Last};

/// How to get the lock.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LockArgs {
    /// How long to wait if another dwctl holds the ledger: 30s, 5m.
    #[arg(long, default_value = "0s", env = "DWCTL_LOCK_TIMEOUT", value_name = "TIME", value_parser = time)]
    lock_timeout: Duration,
}

impl LockArgs {
    /// Waits for this long.
    pub(super) fn of(lock_timeout: Duration) -> Self {
        Self { lock_timeout }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let span: Option<jiff::SignedDuration> = text.parse().ok();
    span.and_then(|span| Duration::try_from(span).ok())
        .ok_or_else(|| "give a time such as 30s, 5m or 1h".to_owned())
}

/// Works under the lock, and releases it however the work ends.
pub(super) async fn locked<T>(
    store: &Store,
    holder: Holder,
    args: &LockArgs,
    printer: &Printer,
    work: impl AsyncFnOnce(&Lock) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let say = |text: &str| printer.note(text);
    let lock = store.lock(holder, args.lock_timeout, &say).await?;
    // A signal may come after the work looked for one and before it waits: the work then ends here, where
    // the lock is released, and nowhere further out.
    let outcome = tokio::select! {
        biased;
        outcome = work(&lock) => outcome,
        () = signals::idle() => Err(signals::interrupted().note("nothing was changed").into()),
    };
    let _working = signals::finish();
    if let Err(problem) = lock.release().await {
        let warning = Diagnostic { severity: crate::diag::Severity::Warning, ..problem };
        printer.diagnostics(&[warning], &Sources::default());
    }
    outcome
}

/// Works until it is done or a signal comes. Only for work that has changed nothing yet.
pub(super) async fn interruptible<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    signals::unless_stopping(work).await?
}

/// Writes the ledger. A first signal waits for the end of the write.
pub(super) async fn write(store: &Store, snapshot: Snapshot) -> Result<(), Failure> {
    let _working = signals::begin()?;
    // A write without an answer ends by itself, with an error that says so.
    match signals::within(Last::Ledger, Duration::from_secs(600), store.write(snapshot)).await {
        Some(written) => Ok(written?),
        None => Err(signals::interrupted()
            .note(format!("it is not known whether the ledger {} was written", store.place()))
            .help("dwctl ledger list shows what it contains")
            .into()),
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
