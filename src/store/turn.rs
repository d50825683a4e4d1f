//! One op inside a transaction: the connection, the time, and what the op changes outside the database (leases, claim
//! cursors, the sequence of events), which is taken back when its savepoint or the commit fails.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};
use wardwire_core::base::{BatchId, EventId, IdSource, MessageId, Now, ServiceId, Ulid, UtcTime};
use wardwire_core::queue::hours::Hours;
use wardwire_core::queue::lane::Lane;
use wardwire_core::queue::stale::Silence;

use super::batch::OpenBatch;
use super::code::event_code;
use super::lanes::{LaneState, NEVER};
use super::outbox::{self, Hook};
use super::read::ReadError;
use super::records::{EventKind, Fact, Subject};
use super::routing::Routing;
use super::seal::{Keys, SealError};
use super::tally::Changes;
use super::writer::Settings;

/// Why an op could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl OpError {
    /// There was no room on disk.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull))
    }

    /// Full, failing or read-only: what was asked is not to blame.
    pub(super) fn is_of_disk(&self) -> bool {
        use ErrorCode as E;
        let Self::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(E::DiskFull | E::SystemIoFailure | E::ReadOnly | E::CannotOpen | E::DatabaseBusy | E::OutOfMemory)
        )
    }
}

impl From<ReadError> for OpError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Sqlite(error) => Self::Sqlite(error),
            ReadError::Seal(error) => Self::Seal(error),
        }
    }
}

/// What the store keeps in memory beside the database.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Messages given out to the gateway.
    pub(super) leases: BTreeMap<MessageId, Lane>,
    /// Lanes that have something due, now or later, or given out.
    pub(super) lanes: BTreeMap<Lane, LaneState>,
    /// Names of all services.
    pub(super) services: BTreeMap<ServiceId, String>,
    /// What the gateway knows since it last asked for due messages.
    pub(super) asked: Option<Asked>,
    /// Sequence of the last event.
    pub(super) sequence: u64,
    /// Up to when loopback tests that ran out were looked for.
    pub(super) loopbacks_at: Option<UtcTime>,
    /// When the delivery reports of the SIMs are judged next.
    pub(super) arrivals_at: Option<UtcTime>,
    /// When old things are looked for next.
    pub(super) retain_at: Option<UtcTime>,
    /// How attempts follow each other, over all SIMs.
    pub(super) flow: Flow,
    /// Since when time passed without a jump: a start, a clock that was set, a host that slept end what was before.
    pub(super) steady_since: UtcTime,
    /// Batches of which something is not final yet.
    pub(super) batches: BTreeMap<BatchId, OpenBatch>,
    /// One of them may have something left to do.
    pub(super) batch_work: bool,
    /// Both clocks at the last transaction.
    pub(super) seen_at: Option<Now>,
    undo: Vec<Undo>,
}

/// What the gateway wanted and was told when it last asked for due messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// How many of each lane.
    pub(super) depth: usize,
    /// When the next is due that was not then; [`NEVER`] without one.
    pub(super) next_due: i64,
}

/// How attempts follow each other, over all SIMs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    /// When the last one was written.
    pub(super) last: UtcTime,
    /// The last time without any that was long enough to be an outage.
    pub(super) silence: Option<Silence>,
    /// What is stale since then may not all be held yet.
    pub(super) to_hold: bool,
}

/// Clocks that drift apart by more than this between two transactions jumped.
const JUMP: Duration = Duration::from_secs(60);

/// A place in a lane of the index of due messages.
pub(super) type Place = (i64, Ulid);

#[derive(Debug)]
enum Undo {
    Lease(MessageId, Option<Lane>),
    Lane(Lane, Option<LaneState>),
    Sequence(u64),
    Flow(Flow),
    Batch(BatchId, Option<OpenBatch>),
}

impl Memory {
    /// Gives a message of this lane out.
    pub(super) fn lease(&mut self, id: MessageId, lane: Lane) {
        if self.leases.insert(id, lane).is_none() {
            self.undo.push(Undo::Lease(id, None));
            self.change_lane(lane, |state| state.out += 1);
        }
    }

    /// A message that was given out is back, or has nothing left to send.
    pub(super) fn end_lease(&mut self, id: MessageId) {
        if let Some(lane) = self.leases.remove(&id) {
            self.undo.push(Undo::Lease(id, Some(lane)));
            self.change_lane(lane, |state| state.out = state.out.saturating_sub(1));
        }
    }

    /// Changes what is known of a lane; a lane of which nothing is left to know is forgotten.
    pub(super) fn change_lane(&mut self, lane: Lane, change: impl FnOnce(&mut LaneState)) {
        let before = self.lanes.get(&lane).copied();
        let mut state = before.unwrap_or_default();
        change(&mut state);
        if before == Some(state) {
            return;
        }
        self.undo.push(Undo::Lane(lane, before));
        if state.out == 0 && state.next == NEVER {
            self.lanes.remove(&lane);
        } else {
            self.lanes.insert(lane, state);
        }
    }

    pub(super) fn set_flow(&mut self, flow: Flow) {
        self.undo.push(Undo::Flow(self.flow));
        self.flow = flow;
    }

    /// Notes both clocks: when one went on without the other, what was waited for in UTC was not waited for.
    pub(super) fn note_clocks(&mut self, now: Now) {
        let steady = self.seen_at.is_some_and(|seen| {
            let by_timer = seen.utc + now.monotonic.since(seen.monotonic);
            now.utc.since(by_timer).max(by_timer.since(now.utc)) <= JUMP
        });
        if !steady {
            self.steady_since = now.utc;
        }
        self.seen_at = Some(now);
    }

    /// Changes what is known of a batch; `None` forgets it.
    pub(super) fn set_batch(&mut self, id: BatchId, batch: Option<OpenBatch>) {
        self.batch_work |= batch.is_some_and(|batch| batch.has_work());
        let before = match batch {
            Some(batch) => self.batches.insert(id, batch),
            None => self.batches.remove(&id),
        };
        self.undo.push(Undo::Batch(id, before));
    }

    fn next_sequence(&mut self) -> u64 {
        self.undo.push(Undo::Sequence(self.sequence));
        self.sequence += 1;
        self.sequence
    }

    /// Where [`Memory::roll_back`] goes back to.
    pub(super) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Takes back what changed since the mark.
    pub(super) fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Lease(id, Some(lane))) => drop(self.leases.insert(id, lane)),
                Some(Undo::Lease(id, None)) => drop(self.leases.remove(&id)),
                Some(Undo::Lane(lane, Some(state))) => drop(self.lanes.insert(lane, state)),
                Some(Undo::Lane(lane, None)) => drop(self.lanes.remove(&lane)),
                Some(Undo::Sequence(sequence)) => self.sequence = sequence,
                Some(Undo::Flow(flow)) => self.flow = flow,
                Some(Undo::Batch(id, before)) => {
                    match before {
                        Some(batch) => drop(self.batches.insert(id, batch)),
                        None => drop(self.batches.remove(&id)),
                    }
                    self.batch_work = true;
                }
                None => {}
            }
        }
    }

    /// The transaction is on disk: nothing will be taken back.
    pub(super) fn settle(&mut self) {
        self.undo.clear();
    }
}

/// One op at work.
pub(super) struct Turn<'a> {
    pub(super) db: &'a Connection,
    pub(super) keys: &'a Keys,
    pub(super) settings: &'a Settings,
    pub(super) hooks: &'a [Hook],
    pub(super) routing: &'a Routing,
    pub(super) hours: &'a Hours,
    pub(super) service: ServiceId,
    pub(super) now: Now,
    pub(super) ids: &'a mut IdSource,
    pub(super) memory: &'a mut Memory,
    pub(super) changes: Changes,
    pub(super) facts: Vec<Fact>,
    /// There may be work for a free modem that the gateway does not know of.
    pub(super) work: bool,
}

impl Turn<'_> {
    /// A new id, greater than all before.
    pub(super) fn new_id(&mut self) -> Ulid {
        self.ids.next(self.now.utc)
    }

    /// Writes an event.
    pub(super) fn event(&mut self, kind: EventKind, service: ServiceId, subject: Subject) -> Result<(), OpError> {
        let id = EventId(self.new_id());
        let sequence = self.memory.next_sequence();
        let (resource, place) = match subject {
            Subject::Message(id) => (id.0, 0),
            Subject::Inbound(id) => (id.0, 1),
            Subject::Sim(id) => (id.0, 2),
            Subject::Batch(id) => (id.0, 3),
        };
        let [message, inbound, sim, batch] = [0, 1, 2, 3].map(|of| (of == place).then(|| resource.to_octets()));
        self.db
            .prepare_cached(
                "INSERT INTO events (sequence, id, kind, service, message, inbound, created_at, sim, batch)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                i64::try_from(sequence).unwrap_or(i64::MAX),
                id.0.to_octets(),
                event_code(kind),
                service.0.to_octets(),
                message,
                inbound,
                self.now.utc.as_millis(),
                sim,
                batch,
            ])?;
        outbox::put(self, kind, sequence, resource.to_octets())?;
        self.facts.push(Fact {
            sequence,
            kind,
            service,
            subject,
        });
        Ok(())
    }

    /// Keeps the lane right after a message's due time was written or its lease ended, and notes work: something due now, unless
    /// the gateway holds all it wants of that lane and asks by itself, or later, but before the gateway would ask. What is leased
    /// is not given out, wherever it stands.
    pub(super) fn due_changed(&mut self, lane: Lane, due_at: Option<UtcTime>, id: MessageId) {
        let Some(due_at) = due_at.filter(|_| !self.memory.leases.contains_key(&id)) else {
            return;
        };
        let place = (due_at.as_millis(), id.0);
        self.memory.change_lane(lane, |state| state.arrived(place));
        let out = self.memory.lanes.get(&lane).map_or(0, |state| state.out);
        self.work |= match self.memory.asked {
            None => true,
            Some(asked) if due_at <= self.now.utc => out < asked.depth,
            Some(asked) => place.0 < asked.next_due,
        };
    }

    /// Delivery reports are not believed any more for attempts of this message. What still awaits one (2 from now on) may be meant
    /// by it all the same, and so be no evidence for another.
    pub(super) fn stop_awaiting(&mut self, id: MessageId) -> Result<(), OpError> {
        self.db
            .prepare_cached("UPDATE attempts SET awaiting = 2 WHERE message = ?1 AND awaiting = 1")?
            .execute([id.0.to_octets()])?;
        Ok(())
    }

    /// Whether this came from a modem before, within the last 7 days; remembers it.
    pub(super) fn seen(&mut self, digest: [u8; 16]) -> Result<bool, OpError> {
        let added = self
            .db
            .prepare_cached("INSERT INTO seen (digest, seen_at) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING")?
            .execute(params![digest, self.now.utc.as_millis()])?;
        Ok(added == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardwire_core::queue::lane::Way;
    use wardwire_core::queue::state::Priority;

    fn id(n: u128) -> MessageId {
        MessageId(Ulid::from_bits(n))
    }

    #[test]
    fn what_an_op_changed_is_taken_back_in_order() {
        let lane = |n| Lane {
            priority: Priority::Normal,
            way: Way::Any,
            service: ServiceId(Ulid::from_bits(n)),
        };
        let mut memory = Memory::default();
        memory.lease(id(1), lane(1));
        memory.change_lane(lane(1), |state| state.arrived((5, Ulid::from_bits(1))));
        memory.settle();
        let (leases, lanes) = (memory.leases.clone(), memory.lanes.clone());
        assert_eq!((leases.len(), lanes[&lane(1)].out), (1, 1));
        let mark = memory.mark();
        memory.end_lease(id(1));
        memory.lease(id(1), lane(1));
        memory.end_lease(id(1));
        memory.lease(id(2), lane(2));
        memory.change_lane(lane(1), |state| state.next = NEVER);
        assert_eq!(
            memory.lanes.keys().collect::<Vec<_>>(),
            [&lane(2)],
            "an empty lane is forgotten"
        );
        assert_eq!(memory.next_sequence(), 1);
        memory.roll_back(mark);
        assert_eq!((&memory.leases, &memory.lanes), (&leases, &lanes));
        assert_eq!(memory.sequence, 0);
    }
}
