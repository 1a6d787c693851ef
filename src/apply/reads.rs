//! Reads of an apply. Those of one kind and place that come close together are one batch.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use crate::aws::{Cx, Place, Result};
use crate::kind::{ErasedKind, ErasedLive, ReadRequest};

/// The longest wait for others to join a batch.
const LONGEST: Duration = Duration::from_millis(500);
/// The wait after a call that took no longer: less than most calls to AWS take.
const SHORTEST: Duration = Duration::from_millis(40);

/// The longest wait of a read that holds up little.
const LEISURE: Duration = Duration::from_millis(100);

/// How long a read waits for those of others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It joins those that begin at the same time.
    None,
    /// It waits for changes under way. This is how long the call took that it follows.
    After(Duration),
    /// The reader holds up little: it waits for units that are still to come.
    Leisurely,
}

impl Patience {
    fn time(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::After(took) => (took / 2).clamp(SHORTEST, LONGEST),
            Self::Leisurely => LEISURE,
        }
    }
}

/// A kind, a place, and the `[aws.NAME]` by which it is reached.
type Key = (&'static str, Place, Option<String>);

/// An answer to a read.
type Answer = Result<Option<ErasedLive>>;

/// The reads of an apply, and the writes after which others will read.
#[derive(Default)]
pub(super) struct Reads {
    queues: RefCell<HashMap<Key, Rc<Queue>>>,
}

/// The reads and writes of one kind in one place.
#[derive(Default)]
struct Queue {
    /// The batch that is being gathered, if one is.
    batch: RefCell<Option<Batch>>,
    /// The number of units that have not ended.
    coming: Cell<usize>,
    /// The number of resources that are being changed and will be read.
    writing: Cell<usize>,
    /// Wakes the leader of a batch when a change ends, or when a reader joined.
    changed: Notify,
}

/// A batch that is being gathered. The reader that began it will read it.
struct Batch {
    requests: Vec<ReadRequest>,
    /// When it is read at the latest: as the most impatient of the readers says.
    until: Instant,
    /// All readers have time.
    leisurely: bool,
    /// The readers that joined, in the order of the requests after the first.
    joined: Vec<oneshot::Sender<Answer>>,
}

/// A resource that is being changed. A batch of reads waits a little for the end.
pub(super) struct Writing(Rc<Queue>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.writing.set(self.0.writing.get() - 1);
        self.0.changed.notify_one();
    }
}

/// The gathering of a batch. It ends when this is dropped; readers that joined and got no answer then read
/// by themselves.
struct Gathering<'q>(&'q Queue);

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        self.0.batch.borrow_mut().take();
    }
}

impl Queue {
    /// Waits until no other reader is expected, or until the time is up.
    async fn gather(&self) {
        // Units that start at the same time read at the same time.
        tokio::task::yield_now().await;
        while let Some(until) = self.expects_until().filter(|until| *until > Instant::now()) {
            // Later requests join the next batch.
            let _late = tokio::time::timeout_at(until.into(), self.changed.notified()).await;
        }
    }

    /// How long the batch waits for other readers, if any is expected.
    fn expects_until(&self) -> Option<Instant> {
        let batch = self.batch.borrow();
        let batch = batch.as_ref()?;
        let expects = match batch.leisurely {
            true => self.coming.get() > batch.requests.len(),
            false => self.writing.get() > 0,
        };
        expects.then_some(batch.until)
    }

    /// Joins the batch that is being gathered, or begins one.
    fn join(&self, request: &ReadRequest, patience: Patience) -> Part {
        let until = Instant::now() + patience.time();
        let leisurely = patience == Patience::Leisurely;
        let mut batch = self.batch.borrow_mut();
        match batch.as_mut() {
            None => {
                let requests = vec![request.clone()];
                *batch = Some(Batch { requests, until, leisurely, joined: Vec::new() });
                Part::Leader
            }
            // A kind answers each id once.
            Some(batch) if batch.requests.iter().any(|one| one.id == request.id) => Part::Apart,
            Some(batch) => {
                let (answer, told) = oneshot::channel();
                batch.requests.push(request.clone());
                batch.joined.push(answer);
                batch.until = batch.until.min(until);
                batch.leisurely &= leisurely;
                self.changed.notify_one();
                Part::Joined(told)
            }
        }
    }
}

/// The part of a reader in a batch.
enum Part {
    /// It gathers the batch and reads it.
    Leader,
    /// It gets its answer from the leader.
    Joined(oneshot::Receiver<Answer>),
    /// It reads by itself.
    Apart,
}

impl Reads {
    fn queue(&self, kind: &dyn ErasedKind, place: &Place) -> Rc<Queue> {
        let key = (kind.name(), place.clone(), place.name.clone());
        self.queues.borrow_mut().entry(key).or_default().clone()
    }

    /// Counts a unit of the apply, before any has started.
    pub(super) fn announce(&self, kind: &dyn ErasedKind, place: &Place) {
        let queue = self.queue(kind, place);
        queue.coming.set(queue.coming.get() + 1);
    }

    /// Counts a unit no more, since it has ended. Units that are never started stay counted; for them, reads
    /// wait a little in vain.
    pub(super) fn ended(&self, kind: &dyn ErasedKind, place: &Place) {
        let queue = self.queue(kind, place);
        queue.coming.set(queue.coming.get().saturating_sub(1));
        queue.changed.notify_one();
    }

    /// Marks the start of a change: reads of its kind wait a little until the value is dropped.
    pub(super) fn writing(&self, kind: &dyn ErasedKind, cx: &Cx) -> Writing {
        let queue = self.queue(kind, &cx.place);
        queue.writing.set(queue.writing.get() + 1);
        Writing(queue)
    }

    /// Makes a call that changes a resource. Returns its answer and how long it took.
    pub(super) async fn write<T>(
        &self,
        kind: &dyn ErasedKind,
        cx: &Cx,
        call: impl Future<Output = T>,
    ) -> (T, Duration) {
        let _writing = self.writing(kind, cx);
        let began = Instant::now();
        let answer = call.await;
        (answer, began.elapsed())
    }

    /// Reads one resource. If its kind reads several in one call, the read joins others: those that begin
    /// at the same time, and as `patience` says.
    pub(super) async fn read(
        &self,
        kind: &dyn ErasedKind,
        cx: &Cx,
        request: &ReadRequest,
        patience: Patience,
    ) -> Answer {
        if !kind.batches_reads() {
            return read(kind, cx, request).await;
        }
        let queue = self.queue(kind, &cx.place);
        match queue.join(request, patience) {
            Part::Leader => {}
            Part::Apart => return read(kind, cx, request).await,
            Part::Joined(answer) => match answer.await {
                Ok(answer) => return answer,
                // The leader was dropped.
                Err(_) => return read(kind, cx, request).await,
            },
        }
        let gathering = Gathering(&queue);
        queue.gather().await;
        let batch = queue.batch.borrow_mut().take();
        drop(gathering);
        let Some(Batch { requests, joined, .. }) = batch else { return read(kind, cx, request).await };
        let mut answers = kind.read_many(cx, &requests).await.into_iter();
        let own = answers.next().unwrap_or(Ok(None));
        for (reader, answer) in joined.into_iter().zip(answers) {
            // A reader that was dropped needs no answer.
            drop(reader.send(answer));
        }
        own
    }
}

/// Reads one resource in a call of its own.
pub(super) async fn read(kind: &dyn ErasedKind, cx: &Cx, request: &ReadRequest) -> Answer {
    kind.read_many(cx, std::slice::from_ref(request)).await.pop().unwrap_or(Ok(None))
}
