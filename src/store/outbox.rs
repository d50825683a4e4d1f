//! What webhooks are still to be told. A row is written with its event, in the same transaction, for each webhook that wants
//! it; it goes when the receiver said yes. Of one message (or received message) the oldest goes first, the others wait.

use rusqlite::params;
use wardwire_core::base::UtcTime;

use super::handle::{StoreError, StoreHandle};
use super::ops::{Answer, Op};
use super::read::{Read, Reader, event};
use super::records::{EventKind, EventRecord};
use super::turn::{OpError, Turn};

/// Who is told of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name, unique.
    pub label: String,
    /// Types of events, as `message.delivered` or `message.*`; empty: all.
    pub types: Vec<String>,
}

impl Hook {
    /// Whether it wants events of this kind.
    fn wants(&self, kind: EventKind) -> bool {
        let name = kind.as_str();
        self.types.is_empty()
            || self.types.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => wanted == name,
            })
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event: EventRecord,
    /// How often it was tried.
    pub tries: u32,
}

/// What came of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The receiver has it.
    Yes,
    /// Try again then.
    Later(UtcTime),
    /// Never: tried often enough, or not wanted any more. Kept, so that it is counted.
    GivenUp,
}

/// How much is to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Events still to be told, over all webhooks.
    pub pending: u64,
    /// Events given up.
    pub given_up: u64,
}

/// Writes what is to be told of an event.
pub(super) fn put(turn: &Turn<'_>, kind: EventKind, sequence: u64, resource: [u8; 16]) -> Result<(), OpError> {
    for hook in turn.hooks.iter().filter(|hook| hook.wants(kind)) {
        turn.db
            .prepare_cached("INSERT INTO outbox (webhook, sequence, resource, due_at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                hook.label,
                i64::try_from(sequence).unwrap_or(i64::MAX),
                resource,
                turn.now.utc.as_millis()
            ])?;
    }
    Ok(())
}

/// Writes what came of telling.
pub(super) fn settle(turn: &Turn<'_>, webhook: &str, sequence: u64, told: Told) -> Result<(), OpError> {
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    let due_at = match told {
        Told::Yes => {
            turn.db
                .prepare_cached("DELETE FROM outbox WHERE webhook = ?1 AND sequence = ?2")?
                .execute(params![webhook, sequence])?;
            return Ok(());
        }
        Told::Later(at) => Some(at.as_millis()),
        Told::GivenUp => None,
    };
    turn.db
        .prepare_cached("UPDATE outbox SET tries = tries + 1, due_at = ?3 WHERE webhook = ?1 AND sequence = ?2")?
        .execute(params![webhook, sequence, due_at])?;
    Ok(())
}

/// Forgets what was to be told to webhooks that are not there any more.
pub(super) fn forget_others(turn: &Turn<'_>) -> Result<(), OpError> {
    let known: Vec<&str> = turn.hooks.iter().map(|hook| hook.label.as_str()).collect();
    let labels: Vec<String> = turn
        .db
        .prepare("SELECT DISTINCT webhook FROM outbox")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for label in labels.iter().filter(|label| !known.contains(&label.as_str())) {
        let events = turn.db.execute("DELETE FROM outbox WHERE webhook = ?1", [label])?;
        tracing::warn!(
            webhook = label,
            events,
            "this webhook is not configured any more: its events are forgotten"
        );
    }
    Ok(())
}

pub(super) const SELECT_DUE: &str = "SELECT o.tries, e.sequence, e.id, e.kind, e.created_at, e.service, e.message,
    e.inbound, e.sim, e.batch, coalesce(m.reference, b.reference)
    FROM outbox o CROSS JOIN events e ON e.sequence = o.sequence
    LEFT JOIN messages m ON m.id = e.message LEFT JOIN batches b ON b.id = e.batch
    WHERE o.webhook = ?1 AND o.due_at <= ?2 AND NOT EXISTS
    (SELECT 1 FROM outbox earlier INDEXED BY outbox_order WHERE earlier.webhook = o.webhook AND earlier.resource = o.resource
     AND earlier.sequence < o.sequence AND earlier.due_at IS NOT NULL)
    ORDER BY o.due_at, o.sequence LIMIT ?3";

impl Reader {
    /// What this webhook is to be told now: at most `limit` events, one of each message.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn outbox(&self, webhook: &str, now: UtcTime, limit: u16) -> Read<Vec<Delivery>> {
        let rows = self
            .connection()
            .prepare_cached(SELECT_DUE)?
            .query_map(params![webhook, now.as_millis(), limit], |row| {
                Ok(Delivery {
                    tries: row.get(0)?,
                    event: event(row, 1)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// How much is to be told.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn outbox_counts(&self) -> Read<OutboxCounts> {
        let (pending, all): (i64, i64) = self
            .connection()
            .prepare_cached("SELECT count(due_at), count(*) FROM outbox")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(OutboxCounts {
            pending: u64::try_from(pending).unwrap_or_default(),
            given_up: u64::try_from(all - pending).unwrap_or_default(),
        })
    }
}

impl StoreHandle {
    /// Writes down what came of telling a webhook.
    ///
    /// # Errors
    /// [`StoreError`]; it will be told again.
    pub async fn told(&self, webhook: &str, sequence: u64, told: Told) -> Result<(), StoreError> {
        let op = Op::Told {
            webhook: webhook.to_owned(),
            sequence,
            told,
        };
        let Answer::Done(_) = self.call(op).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(())
    }
}
