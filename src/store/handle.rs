//! The store for many tasks: one thread writes, two read. The writer takes what is queued (at most 256 ops), applies it
//! in one transaction and answers after the commit: no waiting for company, the queue that builds up during one commit
//! is the next one's group.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, oneshot, watch};
use wardwire_core::base::{ApiKeyId, MessageId, Now, ServiceId};
use wardwire_core::queue::verbs::{Reply, Request};

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

/// Why the store gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Disk full, input/output error, or too much is waiting: nothing was written, ask again later.
    #[error("the store cannot write now")]
    Unavailable,
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
            write_loop(&shared, store, clock);
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
        let (reply, receiver) = oneshot::channel();
        self.shared
            .jobs
            .push(Job::Caller { op, reply })
            .await
            .map_err(|_| StoreError::Closed)?;
        receiver.await.map_err(|_| StoreError::Closed)
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

fn write_loop(shared: &Shared, mut store: Store, clock: fn() -> Now) {
    loop {
        match shared.jobs.take(IDLE, GROUP, CALLERS, Job::weight) {
            Taken::Jobs(jobs) => write(shared, &mut store, clock(), jobs),
            Taken::Idle => store.tidy(),
            Taken::Closed => return store.tidy(),
        }
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
            Job::Caller { op, reply } => {
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
    for fact in store.facts() {
        let _ = shared.facts.send(*fact);
    }
    if store.work_arrived() {
        shared.work.notify_one();
    }
}
