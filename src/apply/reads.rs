//! Reads of an apply. Those of one kind and region that come close together are one batch.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use crate::aws::{Cx, Result};
use crate::kind::{ErasedKind, ErasedLive, ReadRequest};

/// The longest wait for others to join a batch.
const LONGEST: Duration = Duration::from_millis(500);

/// A kind and a region.
type Place = (&'static str, String);

/// An answer to a read.
type Answer = Result<Option<ErasedLive>>;

/// The reads of an apply, and the writes after which others will read.
#[derive(Default)]
pub(super) struct Reads {
    queues: RefCell<HashMap<Place, Rc<Queue>>>,
}

/// The reads and writes of one kind in one region.
#[derive(Default)]
struct Queue {
    /// The batch that is being gathered, if one is.
    batch: RefCell<Option<Batch>>,
    /// The number of calls under way that change resources.
    writing: Cell<usize>,
    /// Wakes the leader of a batch when a write ends.
    ended: Notify,
}

/// A batch that is being gathered. The reader that began it will read it.
struct Batch {
    requests: Vec<ReadRequest>,
    /// The readers that joined, in the order of the requests after the first.
    joined: Vec<oneshot::Sender<Answer>>,
}

/// A write under way. A batch of reads waits a little for its end.
struct Writing(Rc<Queue>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.writing.set(self.0.writing.get() - 1);
        self.0.ended.notify_one();
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
    /// Waits until no write is under way, or until the time is up.
    async fn gather(&self, patience: Duration) {
        // Units that start at the same time read at the same time.
        tokio::task::yield_now().await;
        let all_ended = async {
            while self.writing.get() > 0 {
                self.ended.notified().await;
            }
        };
        // Later requests join the next batch.
        let _late = tokio::time::timeout(patience.min(LONGEST), all_ended).await;
    }

    /// Joins the batch that is being gathered, or begins one.
    fn join(&self, request: &ReadRequest) -> Part {
        let mut batch = self.batch.borrow_mut();
        match batch.as_mut() {
            None => {
                *batch = Some(Batch { requests: vec![request.clone()], joined: Vec::new() });
                Part::Leader
            }
            // A kind answers each id once.
            Some(batch) if batch.requests.iter().any(|one| one.id == request.id) => Part::Apart,
            Some(batch) => {
                let (answer, told) = oneshot::channel();
                batch.requests.push(request.clone());
                batch.joined.push(answer);
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
    fn queue(&self, kind: &dyn ErasedKind, cx: &Cx) -> Rc<Queue> {
        let place = (kind.name(), cx.scope.region.clone());
        self.queues.borrow_mut().entry(place).or_default().clone()
    }

    /// Makes a call that changes a resource: reads of its kind wait a little for the end. Returns its answer and
    /// how long it took.
    pub(super) async fn write<T>(
        &self,
        kind: &dyn ErasedKind,
        cx: &Cx,
        call: impl Future<Output = T>,
    ) -> (T, Duration) {
        let queue = self.queue(kind, cx);
        queue.writing.set(queue.writing.get() + 1);
        let _writing = Writing(queue);
        let began = Instant::now();
        let answer = call.await;
        (answer, began.elapsed())
    }

    /// Reads one resource. If its kind reads several in one call, the read joins others: those that begin
    /// at the same time, and those after writes that end within `patience`.
    pub(super) async fn read(
        &self,
        kind: &dyn ErasedKind,
        cx: &Cx,
        request: &ReadRequest,
        patience: Duration,
    ) -> Answer {
        if !kind.batches_reads() {
            return read(kind, cx, request).await;
        }
        let queue = self.queue(kind, cx);
        match queue.join(request) {
            Part::Leader => {}
            Part::Apart => return read(kind, cx, request).await,
            Part::Joined(answer) => match answer.await {
                Ok(answer) => return answer,
                // The leader was dropped.
                Err(_) => return read(kind, cx, request).await,
            },
        }
        let gathering = Gathering(&queue);
        queue.gather(patience).await;
        let batch = queue.batch.borrow_mut().take();
        drop(gathering);
        let Some(Batch { requests, joined }) = batch else { return read(kind, cx, request).await };
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
