//! The reading side: what is committed, copied out. A [`Reader`] holds a connection of its own that cannot write (the
//! writer reads through its own).

mod inbound;
mod messages;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use wardwire_core::base::{ApiKeyId, BatchId, EventId, InboundId, MessageId, ServiceId, SimId, Ulid, UtcTime};
use wardwire_core::queue::state::{HoldReason, MessageStatus, Priority};

use super::accept;
use super::code::{Columns, event_kind};
use super::lanes;
use super::open::stable_plans;
use super::ops::{Accepted, Idempotency};
use super::records::{
    ApiKeyRecord, EventRecord, InboundRecord, ListFilter, MessageRecord, Page, PartRecord, StatusCounts, Subject,
    Waiting,
};
use super::seal::{Keys, SealError};
use super::tally::{QUARTER, Tally};

/// Rows of a list at most.
pub(super) const MOST_ROWS: u16 = 200;
/// Messages of a lane that are looked at to say what waits in it.
const LANE_SAMPLE: i64 = 1_000;
/// What waits longer than this is left out: it lies behind what is scheduled.
const SOON: std::time::Duration = std::time::Duration::from_secs(3_600);

/// What was counted in the lanes of one urgency.
#[derive(Default)]
struct LaneSample {
    messages: u64,
    parts: u64,
    /// There is more in them.
    longer: bool,
}

/// Reads from the store. Every call sees one state of it; no call returns more than 200 rows.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    keys: Keys,
}

/// Why a read failed: nothing the caller can do about, but try again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Input/output error, or a damaged file.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A sealed value is damaged.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a reader's call gives.
pub type Read<T> = Result<T, ReadError>;

impl Reader {
    pub(super) fn new(connection: Connection, keys: Keys) -> Self {
        Self { connection, keys }
    }

    /// A connection of its own to the database at `path`, which cannot write.
    ///
    /// # Errors
    /// As SQLite has them.
    pub fn open(path: &Path, keys: Keys) -> Read<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        stable_plans(&connection)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self::new(connection, keys))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(super) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The message, when `service` owns it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn message(&self, service: ServiceId, id: MessageId) -> Read<Option<MessageRecord>> {
        messages::one(self, service, id)
    }

    /// Messages of `service`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn messages(&self, service: ServiceId, filter: &ListFilter) -> Read<Page<MessageRecord>> {
        messages::list(self, service, filter)
    }

    /// The parts of a message with their attempts, in order; `None` when `service` has no such message.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn parts(&self, service: ServiceId, id: MessageId) -> Read<Option<Vec<PartRecord>>> {
        messages::parts(self, service, id)
    }

    /// Received messages of `service`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn inbound(&self, service: ServiceId, filter: &ListFilter) -> Read<Page<InboundRecord>> {
        inbound::list(self, service, filter)
    }

    /// The API key with this id, also a revoked one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn api_key(&self, id: ApiKeyId) -> Read<Option<ApiKeyRecord>> {
        let key = self
            .connection
            .prepare_cached(&format!("{SELECT_KEYS} WHERE id = ?1"))?
            .query_row([id.0.to_octets()], api_key)
            .optional()?;
        Ok(key)
    }

    /// All API keys, oldest first, at most 200.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn api_keys(&self) -> Read<Vec<ApiKeyRecord>> {
        let mut select = self
            .connection
            .prepare_cached(&format!("{SELECT_KEYS} ORDER BY id LIMIT {MOST_ROWS}"))?;
        let keys = select.query_map([], api_key)?.collect::<Result<_, _>>()?;
        Ok(keys)
    }

    /// The service of this name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn service(&self, name: &str) -> Read<Option<ServiceId>> {
        let id = self
            .connection
            .prepare_cached("SELECT id FROM services WHERE name = ?1")?
            .query_row([name], |row| Columns::new(row).ulid())
            .optional()?;
        Ok(id.map(ServiceId))
    }

    /// What the key stood for before: [`Accepted::Replayed`] or [`Accepted::KeyReused`]; `None` when it is free. For a
    /// request that can no longer be taken on (its time has passed), but was.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn earlier(&self, service: ServiceId, idempotency: &Idempotency) -> Read<Option<Accepted>> {
        let digest = accept::digest(&self.keys, service, idempotency);
        accept::earlier(&self.connection, &self.keys, idempotency, &digest)
    }

    /// Counts for the status page; `since` is the local midnight.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn status_counts(&self, since: UtcTime) -> Read<StatusCounts> {
        let from = since.as_millis().div_euclid(QUARTER);
        let sum = |tally: Tally| -> Read<u64> {
            let value: i64 = self
                .connection
                .prepare_cached(
                    "SELECT coalesce(sum(value), 0) FROM tallies WHERE kind = ?1 AND quarter >= ?2 AND quarter < ?3",
                )?
                .query_row(params![tally.code(), from, from + 96], |row| row.get(0))?;
            Ok(u64::try_from(value).unwrap_or_default())
        };
        let one = |tally: Tally| -> Read<Option<i64>> {
            let value = self
                .connection
                .prepare_cached("SELECT value FROM tallies WHERE kind = ?1 AND quarter = 0")?
                .query_row([tally.code()], |row| row.get(0))
                .optional()?;
            Ok(value)
        };
        let count = |status: MessageStatus| -> Read<u64> {
            let value = one(Tally::Status(status))?.unwrap_or_default();
            Ok(u64::try_from(value).unwrap_or_default())
        };
        Ok(StatusCounts {
            due: sum(Tally::Due)?,
            sent: sum(Tally::Sent)?,
            delivered: sum(Tally::Delivered)?,
            failed: sum(Tally::Failed)?,
            received: sum(Tally::Received)?,
            waiting: count(MessageStatus::Queued)? + count(MessageStatus::Assigned)?,
            oldest_due_at: self.oldest_due_at()?,
            held: count(MessageStatus::Held)?,
            stale: self.stale()?,
            scheduled: count(MessageStatus::Scheduled)?,
            unknown: count(MessageStatus::Unknown)?,
            last_accepted_at: one(Tally::LastAccepted)?.map(UtcTime::from_millis),
        })
    }

    /// What waits of each urgency, most urgent first, empty ones left out. At most a thousand rows of each lane are looked at: of
    /// longer ones the least urgent is told to hold the rest of what waits.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn waiting(&self, now: UtcTime) -> Read<Vec<Waiting>> {
        let all: i64 = self
            .connection
            .prepare_cached("SELECT coalesce(sum(value), 0) FROM tallies WHERE kind IN (?1, ?2) AND quarter = 0")?
            .query_row(
                [MessageStatus::Queued, MessageStatus::Assigned].map(|status| Tally::Status(status).code()),
                |row| row.get(0),
            )?;
        let mut select = self.connection.prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE status = ?6), coalesce(sum(part_count) FILTER (WHERE status = ?6), 0)
             FROM (SELECT m.status, m.part_count FROM messages m
             WHERE m.way = ?1 AND m.priority = ?2 AND m.service = ?3 AND m.due_at <= ?4 ORDER BY m.due_at LIMIT ?5)",
        )?;
        let until = (now + SOON).as_millis();
        let mut found: BTreeMap<Priority, LaneSample> = BTreeMap::new();
        for lane in lanes::all(&self.connection)? {
            let (way, priority, service) = lanes::columns(lane);
            let (rows, messages, parts): (i64, i64, i64) = select.query_row(
                params![way, priority, service, until, LANE_SAMPLE, MessageStatus::Queued as i64],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            let sum = found.entry(lane.priority).or_default();
            sum.messages += messages.unsigned_abs();
            sum.parts += parts.unsigned_abs();
            sum.longer |= rows >= LANE_SAMPLE;
        }
        let counted: u64 = found.values().map(|lane| lane.messages).sum();
        let rest = u64::try_from(all).unwrap_or_default().saturating_sub(counted);
        let mut waiting: Vec<Waiting> = Vec::new();
        let longest = found
            .iter()
            .rev()
            .find(|(_, lane)| lane.longer)
            .map(|(priority, _)| *priority);
        for (priority, lane) in found.into_iter().filter(|(_, lane)| lane.messages > 0) {
            waiting.push(Waiting {
                priority,
                messages: lane.messages + if longest == Some(priority) { rest } else { 0 },
                parts_each: u32::try_from(lane.parts.div_ceil(lane.messages)).unwrap_or(1),
            });
        }
        Ok(waiting)
    }

    fn stale(&self) -> Read<u64> {
        let count: i64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM messages INDEXED BY messages_held WHERE status = 1 AND held = ?1")?
            .query_row([HoldReason::Stale as i64], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    fn oldest_due_at(&self) -> Read<Option<UtcTime>> {
        let mut select = self.connection.prepare_cached(
            "SELECT due_at FROM messages WHERE way = ?1 AND priority = ?2 AND service = ?3 AND due_at IS NOT NULL
             ORDER BY due_at LIMIT 1",
        )?;
        let mut oldest = None;
        for lane in lanes::all(&self.connection)? {
            let due: Option<i64> = select.query_row(lanes::columns(lane), |row| row.get(0)).optional()?;
            oldest = [oldest, due.map(UtcTime::from_millis)].into_iter().flatten().min();
        }
        Ok(oldest)
    }

    /// Events of `service` (`None`: all) with a greater sequence, oldest first, at most `limit` and 200.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn events(&self, service: Option<ServiceId>, after: u64, limit: u16) -> Read<Vec<EventRecord>> {
        let mut select = self.connection.prepare_cached(
            "SELECT e.sequence, e.id, e.kind, e.created_at, e.service, e.message, e.inbound,
             e.sim, e.batch, coalesce(m.reference, b.reference)
             FROM events e LEFT JOIN messages m ON m.id = e.message LEFT JOIN batches b ON b.id = e.batch
             WHERE e.sequence > ?1 AND (?2 IS NULL OR e.service = ?2) ORDER BY e.sequence LIMIT ?3",
        )?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let service = service.map(|service| service.0.to_octets());
        let events = select
            .query_map(params![after, service, limit.clamp(1, MOST_ROWS)], |row| event(row, 0))?
            .collect::<Result<_, _>>()?;
        Ok(events)
    }

    /// Sequence of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn last_sequence(&self) -> Read<u64> {
        let last: i64 = self
            .connection
            .prepare_cached("SELECT coalesce(max(sequence), 0) FROM events")?
            .query_row([], |row| row.get(0))?;
        Ok(u64::try_from(last).unwrap_or_default())
    }
}

const SELECT_KEYS: &str = "SELECT id, service, label, secret_sha256, scopes, created_at, revoked_at FROM api_keys";

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKeyRecord> {
    let mut c = Columns::new(row);
    Ok(ApiKeyRecord {
        id: ApiKeyId(c.ulid()?),
        service: ServiceId(c.ulid()?),
        label: c.get()?,
        secret_sha256: c.get()?,
        scopes: c.get::<String>()?.split_whitespace().map(str::to_owned).collect(),
        created_at: c.time()?,
        revoked_at: c.time_or_none()?,
    })
}

/// An event from the columns of a row from this one on.
pub(super) fn event(row: &Row<'_>, from: usize) -> rusqlite::Result<EventRecord> {
    let mut c = Columns::from(row, from);
    let sequence: i64 = c.get()?;
    let id = EventId(c.ulid()?);
    let code: i64 = c.get()?;
    let created_at = c.time()?;
    let service = ServiceId(c.ulid()?);
    let about = (
        c.ulid_or_none()?,
        c.ulid_or_none()?,
        c.ulid_or_none()?,
        c.ulid_or_none()?,
    );
    let subject = match about {
        (Some(message), _, _, _) => Subject::Message(MessageId(message)),
        (None, None, Some(sim), _) => Subject::Sim(SimId(sim)),
        (None, None, None, Some(batch)) => Subject::Batch(BatchId(batch)),
        (None, inbound, _, _) => Subject::Inbound(InboundId(inbound.unwrap_or(Ulid::from_bits(0)))),
    };
    Ok(EventRecord {
        sequence: u64::try_from(sequence).unwrap_or_default(),
        id,
        kind: event_kind(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, code))?,
        created_at,
        service,
        subject,
        reference: c.get()?,
    })
}

/// The least id that a row made at this time can have: ids begin with the time, and never fall behind it.
pub(super) fn id_from(at: UtcTime) -> [u8; 16] {
    let millis = u128::from(at.as_millis().max(0).unsigned_abs()).min((1 << 48) - 1);
    Ulid::from_bits(millis << 80).to_octets()
}

/// The range of ids that a filter leaves, for a list in order of the id.
pub(super) struct IdRange {
    pub(super) least: [u8; 16],
    pub(super) most: [u8; 16],
}

impl IdRange {
    pub(super) fn of(filter: &ListFilter) -> Self {
        let mut least = filter.created_after.map_or([0; 16], id_from);
        // Ids run ahead of the time after a clock was set back: by two days at most is allowed for.
        let ahead = std::time::Duration::from_secs(2 * 24 * 3600);
        let mut most = filter.created_before.map_or([0xFF; 16], |at| id_from(at + ahead));
        if let Some(cursor) = filter.cursor {
            if filter.ascending {
                least = least.max(Ulid::from_bits(cursor.bits().saturating_add(1)).to_octets());
            } else {
                most = most.min(Ulid::from_bits(cursor.bits().saturating_sub(1)).to_octets());
            }
        }
        Self { least, most }
    }
}

/// Cuts one row more than asked for into a page and the place of the next.
pub(super) fn page<T>(mut rows: Vec<T>, limit: u16, id: impl Fn(&T) -> Ulid) -> Page<T> {
    let limit = usize::from(limit);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(id);
    Page { rows, next }
}
