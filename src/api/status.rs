//! The status of the whole: computed at most once a second, and only while somebody asks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Mutex, broadcast, watch};
use wardwire_core::base::{Instant, MessageId, Now, ServiceId, UtcTime};
use wardwire_core::gateway::snapshot::{ModemSnapshot, Snapshot};
use wardwire_core::gateway::status::{Facts, Sentence, State, Storage, judge};
use wardwire_core::queue::state::MessageStatus;

use super::forecast;
use super::views::{PRIORITIES, word};
use crate::store::{Disk, DiskState, EventKind, Fact, OutboxCounts, StatusCounts, StoreHandle, Subject, Waiting};

/// An answer is given again for this long.
const FRESH: Duration = Duration::from_secs(1);

/// Messages shown as going through.
const RECENT: usize = 12;

/// The status at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The traffic light.
    pub state: State,
    /// Since when it shows this colour, as far as this process knows.
    pub since: UtcTime,
    /// The one sentence.
    pub sentence: Sentence,
    /// Counts, since the beginning of the day in UTC.
    pub counts: StatusCounts,
    /// That beginning.
    pub day_began_at: UtcTime,
    /// The bank.
    pub bank: Snapshot,
    /// What the sentence was judged from.
    pub facts: Facts,
    /// The newest messages, newest first.
    pub recent: Vec<Recent>,
    /// The disk.
    pub disk: Disk,
    /// What webhooks are still to be told.
    pub outbox: OutboxCounts,
    /// What waits in each lane, most urgent first, and when it will be through.
    pub lanes: Vec<(Waiting, Option<UtcTime>)>,
    /// When this was computed.
    pub at: UtcTime,
}

/// What the disk's state means for the sentence.
fn storage(disk: Disk, readable: bool) -> Storage {
    match disk.state {
        _ if !readable => Storage::Fails,
        DiskState::Stuck | DiskState::Failing => Storage::Fails,
        DiskState::Full => Storage::Full,
        DiskState::Scarce => Storage::Scarce(disk.free_percent()),
        DiskState::Low => Storage::Low(disk.free_percent()),
        DiskState::Ample => Storage::Works,
    }
}

/// A message on its way, without number or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub service: ServiceId,
    /// When it was accepted.
    pub created_at: UtcTime,
    /// Its status.
    pub status: MessageStatus,
    /// Its parts, once read.
    pub parts: Option<u8>,
}

/// Computes the status and keeps the last one.
pub struct StatusBoard {
    store: StoreHandle,
    bank: watch::Receiver<Snapshot>,
    clock: fn() -> Now,
    kept: Mutex<Kept>,
}

struct Kept {
    last: Option<(Instant, Arc<Status>)>,
    facts: broadcast::Receiver<Fact>,
    recent: VecDeque<Recent>,
}

impl std::fmt::Debug for StatusBoard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StatusBoard(..)")
    }
}

impl StatusBoard {
    /// Notes facts from now on.
    #[must_use]
    pub fn new(store: StoreHandle, bank: watch::Receiver<Snapshot>, clock: fn() -> Now) -> Self {
        let kept = Kept {
            last: None,
            facts: store.subscribe(),
            recent: VecDeque::new(),
        };
        Self {
            store,
            bank,
            clock,
            kept: Mutex::new(kept),
        }
    }

    /// The status, at most a second old. A store that cannot be read is a status too, and the gravest one.
    pub async fn current(&self) -> Arc<Status> {
        let mut kept = self.kept.lock().await;
        let now = (self.clock)();
        if let Some((at, status)) = &kept.last
            && now.monotonic.since(*at) < FRESH
        {
            return Arc::clone(status);
        }
        let status = Arc::new(self.compute(&mut kept, now).await);
        kept.last = Some((now.monotonic, Arc::clone(&status)));
        status
    }

    async fn compute(&self, kept: &mut Kept, now: Now) -> Status {
        let bank = self.bank.borrow().clone();
        let day_began_at = day_of(now.utc);
        let counts = self.store.read(move |r| r.status_counts(day_began_at)).await;
        let mut facts = Facts::of_bank(&bank);
        let disk = self.store.disk();
        facts.storage = storage(disk, counts.is_ok());
        let counts = counts.unwrap_or_default();
        facts.oldest_due_at = counts.oldest_due_at;
        facts.proven_at = facts.proven_at.max(counts.last_accepted_at);
        let low = self.store.read(|r| r.low_on_credit()).await.unwrap_or_default();
        let is_low = |modem: &&ModemSnapshot| modem.sim.is_some_and(|sim| low.contains(&sim));
        facts.low_credits = bank.modems.iter().filter(is_low).count();
        let (state, sentence) = judge(&facts, now.utc);
        let since = match &kept.last {
            Some((_, last)) if last.state == state => last.since,
            _ => now.utc,
        };
        let outbox = self.store.read(|r| r.outbox_counts()).await.unwrap_or_default();
        let waiting = self.store.read(move |r| r.waiting(now.utc)).await.unwrap_or_default();
        let lanes = forecast::of_queue(now.utc, &bank, &waiting);
        kept.take_facts();
        self.read_parts(kept).await;
        Status {
            state,
            since,
            sentence,
            counts,
            day_began_at,
            bank,
            facts,
            recent: kept.recent.iter().copied().collect(),
            disk,
            outbox,
            lanes,
            at: now.utc,
        }
    }

    /// Reads the parts and the status of the messages that are new in the list, or that facts were missed of.
    async fn read_parts(&self, kept: &mut Kept) {
        for recent in kept.recent.iter_mut().filter(|r| r.parts.is_none()) {
            let (service, id) = (recent.service, recent.id);
            if let Ok(Some(message)) = self.store.read(move |r| r.message(service, id)).await {
                recent.parts = Some(message.part_count);
                recent.status = message.status;
            }
        }
    }
}

impl Kept {
    /// Brings the newest messages up to date with what was committed since the last time.
    fn take_facts(&mut self) {
        use broadcast::error::TryRecvError;
        loop {
            match self.facts.try_recv() {
                Ok(fact) => self.take_fact(&fact),
                // What was missed is read with the parts.
                Err(TryRecvError::Lagged(_)) => self.recent.iter_mut().for_each(|r| r.parts = None),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn take_fact(&mut self, fact: &Fact) {
        let Subject::Message(id) = fact.subject else { return };
        let EventKind::MessageStatus(status) = fact.kind else {
            return;
        };
        match self.recent.iter_mut().find(|r| r.id == id) {
            Some(known) => known.status = status,
            None => {
                // Its id tells when it was made.
                let made = i64::try_from(id.0.bits() >> 80).unwrap_or_default();
                self.recent.push_back(Recent {
                    id,
                    service: fact.service,
                    created_at: UtcTime::from_millis(made),
                    status,
                    parts: None,
                });
                let all = self.recent.make_contiguous();
                all.sort_by_key(|r| std::cmp::Reverse(r.id));
                self.recent.truncate(RECENT);
            }
        }
    }
}

/// 00:00 UTC of that day.
fn day_of(now: UtcTime) -> UtcTime {
    const DAY: i64 = 24 * 3600 * 1000;
    UtcTime::from_millis(now.as_millis().div_euclid(DAY) * DAY)
}

/// The status as `/v1/status` and the status page's stream tell it.
#[derive(Serialize)]
pub struct StatusView {
    state: &'static str,
    since: String,
    sentence: String,
    /// When a text last provably left the house.
    proven_at: Option<String>,
    queue: QueueView,
    modems: ModemsView,
    /// Pools of which no SIM can send anything but emergencies: their texts wait.
    pools_without_sim: Vec<String>,
    /// SIMs in the bank that may send and whose credit is low.
    sims_low_on_credit: usize,
    today: TodayView,
    held: u64,
    /// Those of them whose moment passed in an outage.
    stale: u64,
    scheduled: u64,
    unknown: u64,
    storage: StorageView,
    webhooks: WebhooksView,
}

#[derive(Serialize)]
struct WebhooksView {
    /// Events still to be told.
    pending: u64,
    /// Events given up after three days of tries.
    given_up: u64,
}

#[derive(Serialize)]
struct StorageView {
    /// `ok`, `low` under 20 % free, `very_low` under 10 %, `full`, `slow`, `failing`.
    state: &'static str,
    free_percent: u8,
}

#[derive(Serialize)]
struct QueueView {
    waiting: u64,
    oldest_seconds: Option<u64>,
    /// Until all of it is out, as far as is known now; none when that cannot be foretold.
    estimated_drain_seconds: Option<u64>,
    by_priority: Vec<LaneView>,
}

#[derive(Serialize)]
struct LaneView {
    priority: &'static str,
    waiting: u64,
    /// When the last of it is out, to the minute.
    ready_at: Option<String>,
}

impl QueueView {
    fn of(s: &Status) -> Self {
        let lane = |(waiting, ready_at): &(Waiting, Option<UtcTime>)| LaneView {
            priority: word(&PRIORITIES, &waiting.priority),
            waiting: waiting.messages,
            ready_at: ready_at.map(|at| at.to_string()),
        };
        let all: Option<Vec<UtcTime>> = s.lanes.iter().map(|(_, ready_at)| *ready_at).collect();
        let minute = |at: UtcTime| forecast::seconds(at.since(s.at)).next_multiple_of(60);
        Self {
            waiting: s.counts.waiting,
            oldest_seconds: s.counts.oldest_due_at.map(|t| s.at.since(t).as_secs()),
            estimated_drain_seconds: all.map(|all| all.into_iter().max().map_or(0, minute)),
            by_priority: s.lanes.iter().map(lane).collect(),
        }
    }
}

#[derive(Serialize)]
struct ModemsView {
    ready: usize,
    total: usize,
}

#[derive(Serialize)]
struct TodayView {
    since: String,
    due: u64,
    sent: u64,
    delivered: u64,
    failed: u64,
    received: u64,
}

impl StatusView {
    /// The status in the API's words.
    #[must_use]
    pub fn of(s: &Status) -> Self {
        let c = &s.counts;
        Self {
            state: s.state.as_str(),
            since: s.since.to_string(),
            sentence: s.sentence.to_string(),
            proven_at: s.facts.proven_at.map(|t| t.to_string()),
            queue: QueueView::of(s),
            modems: ModemsView {
                ready: s.facts.ready,
                total: s.facts.modems,
            },
            pools_without_sim: s
                .bank
                .pools
                .iter()
                .filter(|p| !p.serves())
                .map(|p| p.name.clone())
                .collect(),
            sims_low_on_credit: s.facts.low_credits,
            today: TodayView {
                since: s.day_began_at.to_string(),
                due: c.due,
                sent: c.sent,
                delivered: c.delivered,
                failed: c.failed,
                received: c.received,
            },
            held: c.held,
            stale: c.stale,
            scheduled: c.scheduled,
            unknown: c.unknown,
            webhooks: WebhooksView {
                pending: s.outbox.pending,
                given_up: s.outbox.given_up,
            },
            storage: StorageView {
                state: match s.disk.state {
                    DiskState::Ample => "ok",
                    DiskState::Low => "low",
                    DiskState::Scarce => "very_low",
                    DiskState::Full => "full",
                    DiskState::Stuck => "slow",
                    DiskState::Failing => "failing",
                },
                free_percent: s.disk.free_percent(),
            },
        }
    }
}
