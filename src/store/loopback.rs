//! Loopback tests: a message that may go through one SIM only, known by a token when it comes back in.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{Body, LoopbackId, SimId, Ulid, UtcTime};
use wardwire_core::queue::loopback::LoopbackFacts;
use wardwire_core::queue::state::MessageStatus;
use wardwire_core::queue::verbs::NewMessage;

use super::accept;
use super::code::Columns;
use super::handle::{StoreError, StoreHandle};
use super::ops::{Accept, Accepted, Answer, Op, StoredResponse};
use super::read::{Read, Reader};
use super::records::LoopbackRecord;
use super::turn::{OpError, Turn};

/// A test to begin. Its message names the SIM, and its text ends with the token.
#[derive(Debug)]
pub struct NewLoopback {
    /// The text to itself.
    pub message: NewMessage,
    /// Last word of the text; the same is never used twice.
    pub token: String,
    /// Nothing is waited for after this.
    pub ends_at: UtcTime,
}

/// Takes the message on together with the test; `None` when the message names no SIM.
pub(super) fn begin(turn: &mut Turn<'_>, new: &NewLoopback) -> Result<Option<LoopbackId>, OpError> {
    let Some(sim) = new.message.sim else {
        return Ok(None);
    };
    let accept = Accept {
        message: new.message.clone(),
        idempotency: None,
        respond: Box::new(|_| StoredResponse {
            status: 201,
            body: String::new(),
        }),
    };
    let message = match accept::accept(turn, &accept)? {
        Accepted::New { id, .. } | Accepted::Replayed { id, .. } => id,
        Accepted::KeyReused => return Ok(None),
    };
    let id = LoopbackId(turn.new_id());
    turn.db
        .prepare_cached(
            "INSERT INTO loopbacks (id, sim, message, token, ends_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            id.0.to_octets(),
            sim.0.to_octets(),
            message.0.to_octets(),
            new.token,
            new.ends_at.as_millis(),
            turn.now.utc.as_millis(),
        ])?;
    Ok(Some(id))
}

/// Whether this text, received by this SIM, is a test of its own coming back; notes when.
pub(super) fn arrived(turn: &Turn<'_>, sim: SimId, text: &Body) -> Result<bool, OpError> {
    let Some(token) = text.reveal().split_whitespace().next_back() else {
        return Ok(false);
    };
    let changed = turn
        .db
        .prepare_cached("UPDATE loopbacks SET arrived_at = ?3 WHERE token = ?1 AND sim = ?2 AND arrived_at IS NULL")?
        .execute(params![token, sim.0.to_octets(), turn.now.utc.as_millis()])?;
    Ok(changed > 0)
}

/// SIMs whose test ran out since the last call, although the SMSC took its text. What ran out while nobody looked says nothing
/// about now.
pub(super) fn overdue(turn: &mut Turn<'_>) -> Result<Vec<SimId>, OpError> {
    let now = turn.now.utc;
    let Some(since) = turn.memory.loopbacks_at.replace(now) else {
        return Ok(Vec::new());
    };
    let sims = turn
        .db
        .prepare_cached(
            "SELECT l.sim FROM loopbacks l INDEXED BY loopbacks_open JOIN messages m ON m.id = l.message
             WHERE l.arrived_at IS NULL AND l.ends_at > ?1 AND l.ends_at <= ?2 AND m.sent_at IS NOT NULL",
        )?
        .query_map(params![since.as_millis(), now.as_millis()], |row| {
            row.get(0).map(|id| SimId(Ulid::from_octets(id)))
        })?
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(sims.into_iter().collect())
}

impl StoreHandle {
    /// Begins a loopback test; `None` when its message names no SIM.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn begin_loopback(&self, new: NewLoopback) -> Result<Option<LoopbackId>, StoreError> {
        let Answer::Loopback(id) = self.call(Op::Loopback(Box::new(new))).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(id)
    }
}

impl Reader {
    /// A loopback test of this SIM.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn loopback(&self, id: LoopbackId) -> Read<Option<LoopbackRecord>> {
        let record = self
            .connection()
            .prepare_cached(
                "SELECT l.id, l.sim, l.message, l.created_at, m.status, m.final, m.sent_at, l.arrived_at,
                 m.delivered_at, l.ends_at FROM loopbacks l JOIN messages m ON m.id = l.message WHERE l.id = ?1",
            )?
            .query_row([id.0.to_octets()], |row| {
                let mut c = Columns::new(row);
                Ok(LoopbackRecord {
                    id: LoopbackId(c.ulid()?),
                    sim: SimId(c.ulid()?),
                    message: wardwire_core::base::MessageId(c.ulid()?),
                    created_at: c.time()?,
                    facts: LoopbackFacts {
                        status: c.one_of(&MessageStatus::ALL)?,
                        is_final: c.get()?,
                        sent_at: c.time_or_none()?,
                        arrived_at: c.time_or_none()?,
                        reported_at: c.time_or_none()?,
                        ends_at: c.time()?,
                    },
                })
            })
            .optional()?;
        Ok(record)
    }
}
