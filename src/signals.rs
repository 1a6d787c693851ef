//! Requests to stop: SIGINT, SIGTERM and SIGHUP, handled during all of `main`.
//!
//! After the first signal, nothing new starts. Work that has changed nothing yet ends at once; running
//! changes ([`Working`]) are waited for. After the second signal, two seconds remain to write the
//! ledger, free its lock and end the process. Separate threads enforce both deadlines, because the
//! main thread may be blocked by a pipe that nobody reads, by a disk, or by an evaluation.
//!
//! Signals concern the whole process, so the state of this module is global.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tokio::sync::watch;

use crate::diag::Diagnostic;

/// How long the main thread may take to notice the first signal if no change is running.
const GRACE: Duration = Duration::from_millis(500);
/// How long the main thread may take to end after the running changes have ended.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time for S3 to free the lock after the first signal, if the main thread is held up.
const UNLOCK: Duration = Duration::from_secs(3);
/// How long one call that frees the lock is waited for after the second signal.
const PROMPT: Duration = Duration::from_millis(300);
/// Time after the second signal at which the main thread is considered blocked.
const HELD_UP: Duration = Duration::from_millis(1_000);
/// Time after the second signal at which the process ends.
const END: Duration = Duration::from_millis(1_700);

/// Work that is still done after the second signal, with its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// Running AWS calls: they are not waited for.
    Call,
    /// The ledger is written.
    Ledger,
    /// Its lock is freed.
    Lock,
}

impl Last {
    /// The deadline, counted from the second signal.
    fn time(self) -> Duration {
        match self {
            Self::Call => Duration::ZERO,
            Self::Ledger => Duration::from_millis(800),
            Self::Lock => Duration::from_millis(1_400),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    signals: u32,
    /// Running work that the first signal must not interrupt.
    working: usize,
    /// What is held and must be released before the command ends, such as a lock.
    held: usize,
    /// The time of the second signal.
    second: Option<Instant>,
}

impl State {
    /// Returns whether a signal has come and no change is running: what has changed nothing yet ends.
    fn is_idle(&self) -> bool {
        self.signals > 0 && self.working == 0
    }

    /// Returns whether a signal has come and there is nothing left to release either.
    fn is_free(&self) -> bool {
        self.is_idle() && self.held == 0
    }
}

static STATE: LazyLock<watch::Sender<State>> = LazyLock::new(|| watch::Sender::new(State::default()));
/// Set by the handler itself: the main thread may notice a child that the same Ctrl-C ended before the
/// counting thread has run.
static SEEN: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static END_WITH: OnceLock<fn() -> !> = OnceLock::new();
static RESORTS: Mutex<BTreeMap<u64, Resort>> = Mutex::new(BTreeMap::new());

type Resort = Arc<dyn Fn(Instant) + Send + Sync>;

// Each change of the map is a single call, so the map is valid after a panic.
fn resorts() -> MutexGuard<'static, BTreeMap<u64, Resort>> {
    RESORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts listening. `end` ends the process if the main thread does not do so in time. If handlers
/// cannot be installed, the default stays: a signal ends the process. An ignored SIGHUP, as under
/// `nohup`, stays ignored.
pub fn listen(end: fn() -> !) {
    let mut wanted = vec![SIGINT, SIGTERM];
    wanted.extend((!is_ignored(SIGHUP)).then_some(SIGHUP));
    let Ok(mut signals) = signal_hook::iterator::Signals::new(&wanted) else { return };
    for signal in wanted {
        // Without it, a signal only goes unnoticed until the thread has run.
        signal_hook::flag::register(signal, Arc::clone(&SEEN)).ok();
    }
    END_WITH.get_or_init(|| end);
    std::thread::spawn(move || signals.forever().for_each(|_| hear()));
}

/// Returns whether this process was started with the signal ignored.
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    status.as_deref().and_then(|status| ignores(status, signal)).unwrap_or_else(|| {
        // A shell cannot trap a signal that was ignored when it was started (POSIX, `trap`).
        let probe = format!("trap 'exit 9' {signal}; kill -{signal} $$; exit 0");
        let status = std::process::Command::new("sh").args(["-c", &probe]).status();
        status.is_ok_and(|status| status.success())
    })
}

/// Reads the ignored signals of a process on Linux
/// (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
fn ignores(status: &str, signal: i32) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask & (1 << (signal - 1)) != 0)
}

fn hear() {
    let mut count = 0;
    STATE.send_modify(|state| {
        state.signals += 1;
        count = state.signals;
        if count == 2 {
            state.second = Some(Instant::now());
        }
    });
    match count {
        1 => end_idle_after(GRACE),
        2 => drop(std::thread::spawn(|| {
            let second = Instant::now();
            std::thread::sleep(HELD_UP);
            end(second + Last::Lock.time(), second + END);
        })),
        // Two seconds are over soon.
        _ => {}
    }
}

/// Ends the process after `time` if it is still alive and no change is running.
fn end_idle_after(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        if !is_working() {
            let now = Instant::now();
            // Without a second signal, S3 has time to free the lock.
            end(now + UNLOCK, now);
        }
    });
}

/// Ends the process at `at`. Before that, and until `deadline`, runs the last resorts.
fn end(deadline: Instant, at: Instant) {
    let resorts: Vec<Resort> = resorts().values().cloned().collect();
    resorts.iter().for_each(|resort| resort(deadline));
    // The main thread may be about to report what was done.
    std::thread::sleep(at.saturating_duration_since(Instant::now()));
    if let Some(end) = END_WITH.get() {
        end();
    }
}

/// Returns whether a signal has come.
pub fn is_stopping() -> bool {
    SEEN.load(Ordering::SeqCst) || STATE.borrow().signals > 0
}

/// Returns whether a second signal has come.
pub fn is_aborting() -> bool {
    STATE.borrow().signals > 1
}

/// Returns whether work is running that the first signal must not interrupt.
pub fn is_working() -> bool {
    STATE.borrow().working > 0
}

async fn until(reached: impl FnMut(&State) -> bool) {
    if STATE.subscribe().wait_for(reached).await.is_err() {
        // The sender is never dropped.
        std::future::pending::<()>().await;
    }
}

/// Returns once a signal has come.
pub async fn first() {
    until(|state| state.signals > 0).await;
}

/// Returns once a second signal has come.
pub async fn second() {
    until(|state| state.signals > 1).await;
}

/// Returns once a signal has come and no change is running.
pub async fn idle() {
    until(State::is_idle).await;
}

/// Returns once a signal has come, no change is running, and nothing is held that must be released.
pub async fn free() {
    until(State::is_free).await;
}

/// Runs `work` until it is done or a signal comes. Only for work that has changed nothing yet.
///
/// # Errors
/// A signal has come.
pub async fn unless_stopping<T>(work: impl Future<Output = T>) -> Result<T, Diagnostic> {
    tokio::select! {
        biased;
        () = first() => Err(interrupted().note("nothing was changed")),
        done = work => Ok(done),
    }
}

/// Runs `work` for up to `time`, or for the time that a second signal leaves for it. Returns `None` on
/// timeout.
pub async fn within<T>(last: Last, time: Duration, work: impl Future<Output = T>) -> Option<T> {
    let aborting = async {
        second().await;
        let left = STATE.borrow().second.map(|second| last.time().saturating_sub(second.elapsed()));
        tokio::time::sleep(left.unwrap_or_default()).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = aborting => None,
        () = tokio::time::sleep(time) => None,
    }
}

/// Runs `work` until it is done. After a second signal, returns `None` unless the answer comes at
/// once: this call may be stuck, and a new one may not.
pub async fn promptly<T>(work: impl Future<Output = T>) -> Option<T> {
    let late = async {
        second().await;
        tokio::time::sleep(PROMPT).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = late => None,
    }
}

/// The error of work that a signal ended.
pub fn interrupted() -> Diagnostic {
    Diagnostic::error("interrupted", "interrupted")
}

/// While it lives, work is running that the first signal must not interrupt.
#[derive(Debug)]
pub struct Working(());

/// Starts work that the first signal must not interrupt.
///
/// # Errors
/// A signal has come, so nothing new is started.
pub fn begin() -> Result<Working, Diagnostic> {
    if is_stopping() { Err(interrupted().note("nothing was changed")) } else { Ok(finish()) }
}

/// Like [`begin`], for work that completes an earlier change and is done even after a signal.
pub fn finish() -> Working {
    STATE.send_modify(|state| state.working += 1);
    Working(())
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut ends = false;
        STATE.send_modify(|state| {
            state.working -= 1;
            ends = state.working == 0 && state.signals > 0;
        });
        if ends {
            end_idle_after(EXIT_TIMEOUT);
        }
    }
}

/// An action that runs before the process is ended if the main thread does not get to it. Drop it once
/// the main thread has done it. While it lives, [`free`] does not return.
pub struct LastResort(u64);

/// Registers an action that must not be left undone when the process is ended.
pub fn last_resort(act: impl Fn(Instant) + Send + Sync + 'static) -> LastResort {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    resorts().insert(id, Arc::new(act));
    STATE.send_modify(|state| state.held += 1);
    LastResort(id)
}

impl Drop for LastResort {
    fn drop(&mut self) {
        resorts().remove(&self.0);
        STATE.send_modify(|state| state.held -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Last, State, ignores, within};
    use std::time::Duration;

    #[test]
    fn inherited_ignored_signals_are_detected() {
        let status = "Name:\tdwctl\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignores(status, 1), Some(true));
        assert_eq!(ignores(status, 2), Some(false));
        assert_eq!(ignores(status, 13), Some(true));
        assert_eq!(ignores("Name:\tdwctl\n", 1), None);
    }

    #[test]
    fn held_work_is_not_dropped_by_a_signal() {
        let (none, one) = (State::default(), State { signals: 1, ..State::default() });
        assert!(!none.is_idle() && !none.is_free());
        assert!(one.is_idle() && one.is_free());
        let held = State { held: 1, ..one };
        assert!(held.is_idle() && !held.is_free());
        let working = State { working: 1, ..one };
        assert!(!working.is_idle() && !working.is_free());
    }

    #[tokio::test]
    async fn work_is_bounded() {
        let quick = within(Last::Ledger, Duration::from_secs(60), async { 7 }).await;
        assert_eq!(quick, Some(7));
        let slow = within(Last::Lock, Duration::from_millis(5), std::future::pending::<()>()).await;
        assert_eq!(slow, None);
    }
}
