//! The store for many tasks: one thread writes, two read. The writer takes what is queued (at most 256 ops), applies it
//! in one transaction and answers after the commit: no waiting for company, the queue that builds up during one commit
//! is the next one's group.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, oneshot, watch};
use wardwire_core::base::{ApiKeyId, Instant, MessageId, Now, ServiceId};
use wardwire_core::queue::verbs::{Reply, Request};

use super::disk::{Disk, DiskState};
use super::jobs::{Jobs, Taken};
use super::ops::{Accept, Accepted, Answer, Canceled, NewKey, Op};
use super::read::{Read, Reader};
use super::records::{ApiKeyRecord, Fact};
use super::writer::Store;

/// Ops in one transaction at most.
const GROUP: usize = 256;
/// Of these, places kept for callers however busy the gateway is.
const CALLERS: usize = 32;
/// Batches of the gateway that may wait.
const GATEWAY_QUEUE: usize = 1_024;
/// Ops of callers that may wait; more callers wait for room.
const CALLER_QUEUE: usize = 4_096;
/// Reads that may wait.
const READ_QUEUE: usize = 1_024;
/// Threads that read.
const READERS: usize = 2;
/// Facts a slow listener may fall behind before it misses some.
const FACTS: usize = 4_096;
/// After this long without work the writer tidies up.
const IDLE: Duration = Duration::from_secs(20);

/// Steps of batches in one transaction when nobody else wants anything, and after the transaction of others.
const STEPS: usize = 4;
const STEPS_BETWEEN: usize = 1;
/// Batches that could not go on try again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Longest that an op waits for its turn, and a transaction may take before new ops are refused at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A transaction that takes longer is told of.
const SLOW: Duration = Duration::from_secs(1);

/// Why the store gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk does not work, or has no room at all: nothing was written, ask again later.
    #[error("the store cannot write now")]
    Unavailable,
    /// The disk is full: what is left is kept for what comes in. Nothing was written; somebody has to make room.
    #[error("the disk is full")]
    Full,
    /// The disk is too slow for what is asked of it: nothing was written, ask again later.
    #[error("the store is too slow now")]
    Slow,
    /// The store is closed, or its thread died.
    #[error("the store is closed")]
    Closed,
}

enum Job {
    Gateway {
        numbers: Vec<u64>,
        requests: Vec<Request>,
        reply: oneshot::Sender<Vec<(u64, Reply)>>,
    },
    Caller {
        op: Op,
        since: Instant,
        reply: oneshot::Sender<Answer>,
    },
}

impl Job {
    fn weight(&self) -> usize {
        match self {
            Self::Gateway { requests, .. } => requests.len().max(1),
            Self::Caller { .. } => 1,
        }
    }
}

type ReadJob = Box<dyn FnOnce(&Reader) + Send>;

/// The store's door for tasks. Clones share it; when the last one is gone the threads end.
#[derive(Clone)]
pub struct StoreHandle {
    shared: Arc<Shared>,
    _alive: Arc<Alive>,
}

struct Shared {
    jobs: Jobs<Job>,
    reads: Jobs<ReadJob>,
    facts: broadcast::Sender<Fact>,
    work: Notify,
    closed: watch::Receiver<()>,
    disk: watch::Sender<Disk>,
    /// Since when the writer is at the same transaction, in microseconds of the monotonic clock; 0 while it waits.
    busy_since: AtomicU64,
    clock: fn() -> Now,
}

impl Shared {
    /// The writer is at one transaction for too long.
    fn is_stuck(&self) -> bool {
        let since = self.busy_since.load(Ordering::Relaxed);
        since > 0 && (self.clock)().monotonic.since(Instant::from_micros(since)) >= PATIENCE
    }
}

/// Closes the queues when the last handle goes.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.jobs.close();
        self.0.reads.close();
    }
}

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreHandle(..)")
    }
}

impl StoreHandle {
    /// Starts the threads around an open store. `readers` are connections of their own to the same file
    /// ([`Reader::open`]); `clock` is asked once for each transaction.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(store: Store, readers: Vec<Reader>, clock: fn() -> Now) -> std::io::Result<Self> {
        let (alive, closed) = watch::channel(());
        let shared = Arc::new(Shared {
            jobs: Jobs::new(GATEWAY_QUEUE, CALLER_QUEUE),
            reads: Jobs::new(0, READ_QUEUE),
            facts: broadcast::channel(FACTS).0,
            work: Notify::new(),
            closed,
            disk: watch::Sender::new(store.disk()),
            busy_since: AtomicU64::new(0),
            clock,
        });
        let handle = Self {
            _alive: Arc::new(Alive(Arc::clone(&shared))),
            shared: Arc::clone(&shared),
        };
        for reader in readers {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("store-reader".into())
                .spawn(move || read_loop(&shared, &reader))?;
        }
        thread::Builder::new().name("store-writer".into()).spawn(move || {
            write_loop(&shared, store);
            drop(alive);
        })?;
        Ok(handle)
    }

    /// Starts the threads around an open store with as many readers of the same file as usual.
    ///
    /// # Errors
    /// When a connection or a thread cannot be made.
    pub fn start_with_readers(store: Store, path: &Path, clock: fn() -> Now) -> Result<Self, super::OpenError> {
        let readers = (0..READERS)
            .map(|_| Reader::open(path, store.keys().clone()))
            .collect::<Result<Vec<_>, _>>()?;
        Self::start(store, readers, clock).map_err(|error| super::OpenError::Thread(error.to_string()))
    }

    /// Hands a batch of the gateway to the writer; it is applied in one transaction, ahead of callers. The numbers come
    /// back with their replies. When the queue is full every reply is [`Reply::Unavailable`]; when the store is closed
    /// the receiver gives an error.
    #[must_use]
    pub fn gateway(&self, batch: Vec<(u64, Request)>) -> oneshot::Receiver<Vec<(u64, Reply)>> {
        let (reply, receiver) = oneshot::channel();
        let (numbers, requests) = batch.into_iter().unzip();
        let job = Job::Gateway {
            numbers,
            requests,
            reply,
        };
        if let Err(Job::Gateway { numbers, reply, .. }) = self.shared.jobs.push_first(job)
            && self.shared.closed.has_changed().is_ok()
        {
            let _ = reply.send(numbers.into_iter().map(|n| (n, Reply::Unavailable)).collect());
        }
        receiver
    }

    pub(super) async fn call(&self, op: Op) -> Result<Answer, StoreError> {
        if self.shared.is_stuck() {
            return Err(StoreError::Slow);
        }
        let (reply, receiver) = oneshot::channel();
        let since = (self.shared.clock)().monotonic;
        let push = self.shared.jobs.push(Job::Caller { op, since, reply });
        match tokio::time::timeout(PATIENCE, push).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(StoreError::Closed),
            Err(_) => return Err(StoreError::Slow),
        }
        let answer = receiver.await.map_err(|_| StoreError::Closed)?;
        if matches!(answer, Answer::Full) {
            return Err(StoreError::Full);
        }
        if matches!(answer, Answer::Late) {
            return Err(StoreError::Slow);
        }
        Ok(answer)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.shared.jobs.waiting()
    }

    /// How the disk is.
    #[must_use]
    pub fn disk(&self) -> Disk {
        let disk = *self.shared.disk.borrow();
        if self.shared.is_stuck() {
            let state = DiskState::Stuck;
            return Disk { state, ..disk };
        }
        disk
    }

    /// Takes a message on; it is on disk when this returns [`Accepted::New`].
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn accept(&self, accept: Accept) -> Result<Accepted, StoreError> {
        let Answer::Accepted(accepted) = self.call(Op::Accept(Box::new(accept))).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(accepted)
    }

    /// Withdraws a message.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn cancel(&self, service: ServiceId, message: MessageId) -> Result<Canceled, StoreError> {
        let Answer::Canceled(canceled) = self.call(Op::Cancel { service, message }).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(canceled)
    }

    /// Makes an API key, and its service when missing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn create_key(&self, key: NewKey) -> Result<ApiKeyRecord, StoreError> {
        let Answer::Key(record) = self.call(Op::CreateKey(key)).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(record)
    }

    /// Makes a key void; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn revoke_key(&self, key: ApiKeyId) -> Result<bool, StoreError> {
        let Answer::Revoked(found) = self.call(Op::RevokeKey(key)).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(found)
    }

    /// Runs `read` on a reader thread: `store.read(move |r| r.message(service, id)).await`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Read<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, receiver) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            // A caller that went away needs no answer.
            if !reply.is_closed() {
                let _ = reply.send(read(reader));
            }
        });
        self.shared.reads.push(job).await.map_err(|_| StoreError::Closed)?;
        match receiver.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "reading the store failed");
                Err(StoreError::Unavailable)
            }
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Committed facts from now on. A listener that falls more than 4,096 behind is told how many it missed and reads
    /// them with [`Reader::events`].
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Fact> {
        self.shared.facts.subscribe()
    }

    /// Returns when there may be new work for a free modem. One waiter; what arrives before the wait is not lost.
    pub async fn work_arrived(&self) {
        self.shared.work.notified().await;
    }

    /// Returns when the writer thread has ended, by [`StoreHandle::close`] or because it died. The daemon ends then.
    pub async fn closed(&self) {
        let mut closed = self.shared.closed.clone();
        while closed.changed().await.is_ok() {}
    }

    /// Takes nothing more; what is queued is still done. Await [`StoreHandle::closed`] for the end.
    pub fn close(&self) {
        self.shared.jobs.close();
        self.shared.reads.close();
    }
}

fn read_loop(shared: &Shared, reader: &Reader) {
    loop {
        match shared.reads.take(IDLE, 1, 1, |_| 1) {
            Taken::Jobs(jobs) => jobs.into_iter().for_each(|job| job(reader)),
            Taken::Idle => {}
            Taken::Closed => return,
        }
    }
}

fn write_loop(shared: &Shared, mut store: Store) {
    // How long to wait for jobs before batches go on; `None`: they have nothing left to do.
    let mut pause = store.has_batches().then_some(Duration::ZERO);
    loop {
        let steps = match shared.jobs.take(pause.unwrap_or(IDLE), GROUP, CALLERS, Job::weight) {
            Taken::Jobs(jobs) => {
                timed(shared, |begin| write(shared, &mut store, begin, jobs));
                STEPS_BETWEEN
            }
            Taken::Idle if pause.is_none() => {
                store.tidy();
                0
            }
            Taken::Idle => STEPS,
            Taken::Closed => return store.tidy(),
        };
        if steps > 0 && store.has_batches() {
            pause = Some(timed(shared, |begin| carry_on(shared, &mut store, begin, steps)));
        }
        if !store.has_batches() {
            pause = None;
        }
        shared.disk.send_if_modified(|shown| {
            let disk = store.disk();
            std::mem::replace(shown, disk) != disk
        });
    }
}

/// One transaction, watched.
fn timed<T>(shared: &Shared, work: impl FnOnce(Now) -> T) -> T {
    let begin = (shared.clock)();
    shared
        .busy_since
        .store(begin.monotonic.as_micros().max(1), Ordering::Relaxed);
    let done = work(begin);
    shared.busy_since.store(0, Ordering::Relaxed);
    let took = (shared.clock)().monotonic.since(begin.monotonic);
    if took >= SLOW {
        tracing::warn!(
            took_ms = took.as_millis(),
            "the disk is slow: one transaction took long"
        );
    }
    done
}

/// Goes on with batches; how long to wait before the next time.
fn carry_on(shared: &Shared, store: &mut Store, now: Now, steps: usize) -> Duration {
    let answers = store.apply(now, std::iter::repeat_with(|| Op::Batches).take(steps).collect());
    publish(shared, store);
    match answers.iter().all(|answer| matches!(answer, Answer::Done(_))) {
        true => Duration::ZERO,
        false => AGAIN,
    }
}

/// Tells what the last transaction brought.
fn publish(shared: &Shared, store: &Store) {
    for fact in store.facts() {
        let _ = shared.facts.send(*fact);
    }
    if store.work_arrived() {
        shared.work.notify_one();
    }
}

enum Waiting {
    Gateway(Vec<u64>, oneshot::Sender<Vec<(u64, Reply)>>),
    Caller(oneshot::Sender<Answer>),
}

fn write(shared: &Shared, store: &mut Store, now: Now, jobs: Vec<Job>) {
    let mut ops = Vec::new();
    let mut waiting = Vec::with_capacity(jobs.len());
    for job in jobs {
        match job {
            Job::Gateway {
                numbers,
                requests,
                reply,
            } => {
                ops.extend(requests.into_iter().map(Op::Gateway));
                waiting.push(Waiting::Gateway(numbers, reply));
            }
            // Its caller was promised an answer before now, and may have given up: it must not be done behind his back.
            Job::Caller { since, reply, .. } if now.monotonic.since(since) >= PATIENCE => {
                let _ = reply.send(Answer::Late);
            }
            Job::Caller { op, reply, .. } => {
                ops.push(op);
                waiting.push(Waiting::Caller(reply));
            }
        }
    }
    let mut answers = store.apply(now, ops).into_iter();
    for waiter in waiting {
        match waiter {
            Waiting::Gateway(numbers, reply) => {
                let replies = answers.by_ref().take(numbers.len()).map(|answer| {
                    let Answer::Gateway(reply) = answer else {
                        return Reply::Unavailable;
                    };
                    reply
                });
                let replies: Vec<_> = replies.collect();
                let _ = reply.send(numbers.into_iter().zip(replies).collect());
            }
            Waiting::Caller(reply) => {
                let _ = reply.send(answers.next().unwrap_or(Answer::Unavailable));
            }
        }
    }
    publish(shared, store);
}
