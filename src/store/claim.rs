//! Giving due messages out to the gateway, and taking them back unsent. A claim is one seek in each lane: a cursor in
//! memory remembers up to where everything is given out.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use wardwire_core::base::{MessageId, PartId, PhoneNumber, SimId, Ulid, UtcTime};
use wardwire_core::queue::state::Priority;
use wardwire_core::queue::verbs::{DueMessage, DuePart, Reply};
use wardwire_core::sms::EncodedPart;

use super::code::{Columns, PRIORITIES};
use super::numbers::SealedNumber;
use super::seal::{DataKey, SealError, Slot};
use super::turn::{OpError, Place, Turn};

/// Rows of one lane that are due, from a place on, each with its recipient and one waiting part; the parts of a message
/// follow each other.
pub(super) const SELECT_DUE: &str = "SELECT m.due_at, m.id, m.valid_until,
    m.sim, m.pinned, m.avoid, n.sim,
    m.delivery_report, n.hash, n.data_key, n.number, p.id, p.sequence, p.attempts, p.content
    FROM messages m CROSS JOIN numbers n ON n.id = m.number
    CROSS JOIN parts p ON p.message = m.id AND p.state = 0
    WHERE m.priority = ?1 AND (m.due_at, m.id) >= (?2, ?3) AND m.due_at <= ?4
    ORDER BY m.due_at, m.id";

const SELECT_NEXT: &str = "SELECT due_at FROM messages WHERE priority = ?1 AND due_at > ?2 ORDER BY due_at LIMIT 1";

/// One row of [`SELECT_DUE`].
struct DueRow {
    place: Place,
    valid_until: UtcTime,
    sim: Option<SimId>,
    pinned: bool,
    avoid: Option<SimId>,
    prefer: Option<SimId>,
    delivery_report: bool,
    number: SealedNumber,
    part: PartId,
    sequence: u8,
    attempts: u32,
    content: Option<Vec<u8>>,
}

impl DueRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut c = Columns::new(row);
        Ok(Self {
            place: (c.get()?, c.ulid()?),
            valid_until: c.time()?,
            sim: c.ulid_or_none()?.map(SimId),
            pinned: c.get()?,
            avoid: c.ulid_or_none()?.map(SimId),
            prefer: c.ulid_or_none()?.map(SimId),
            delivery_report: c.get()?,
            number: SealedNumber {
                hash: c.get()?,
                data_key: c.get()?,
                number: c.get()?,
            },
            part: PartId(c.ulid()?),
            sequence: c.get()?,
            attempts: c.get()?,
            content: c.get()?,
        })
    }

    fn id(&self) -> MessageId {
        MessageId(self.place.1)
    }
}

/// Gives out up to `room` messages, most urgent lane first, oldest first.
pub(super) fn take_due(turn: &mut Turn<'_>, room: usize) -> Result<Reply, OpError> {
    let mut messages = Vec::new();
    let mut successors = Successors::default();
    for lane in PRIORITIES {
        if messages.len() < room {
            take_lane(turn, lane, room, &mut successors, &mut messages)?;
        }
    }
    for message in &mut messages {
        message.parts.sort_by_key(|part| part.sequence);
    }
    let mut next_due = None;
    let mut select = turn.db.prepare_cached(SELECT_NEXT)?;
    for lane in PRIORITIES {
        let due: Option<i64> = select
            .query_row(params![lane as i64, turn.now.utc.as_millis()], |row| row.get(0))
            .optional()?;
        next_due = [next_due, due.map(UtcTime::from_millis)].into_iter().flatten().min();
    }
    Ok(Reply::Due { messages, next_due })
}

/// SIMs that were replaced, with their successors; read when the first message names a SIM.
#[derive(Default)]
struct Successors(Option<BTreeMap<SimId, SimId>>);

impl Successors {
    /// What stands for this SIM now.
    fn of(&mut self, turn: &Turn<'_>, sim: Option<SimId>) -> Result<Option<SimId>, OpError> {
        let Some(sim) = sim else { return Ok(None) };
        let known = match &mut self.0 {
            Some(known) => known,
            none => {
                let pair = |row: &Row<'_>| {
                    let mut c = Columns::new(row);
                    Ok((SimId(c.ulid()?), SimId(c.ulid()?)))
                };
                let found = turn
                    .db
                    .prepare_cached("SELECT id, replaced_by FROM sims WHERE replaced_by IS NOT NULL")?
                    .query_map([], pair)?
                    .collect::<Result<_, _>>()?;
                none.insert(found)
            }
        };
        Ok(Some(known.get(&sim).copied().unwrap_or(sim)))
    }
}

fn take_lane(
    turn: &mut Turn<'_>,
    lane: Priority,
    room: usize,
    successors: &mut Successors,
    messages: &mut Vec<DueMessage>,
) -> Result<(), OpError> {
    let db = turn.db;
    let from = turn.memory.cursors.get(lane as usize).copied().flatten();
    let (due, id) = from.unwrap_or((i64::MIN, Ulid::from_bits(0)));
    let mut select = db.prepare_cached(SELECT_DUE)?;
    let mut rows = select.query(params![lane as i64, due, id.to_octets(), turn.now.utc.as_millis()])?;
    let mut cursor = from;
    let mut open: Option<(MessageId, DataKey)> = None;
    while let Some(row) = rows.next()? {
        let row = DueRow::read(row)?;
        if let Some((id, key)) = &open
            && *id == row.id()
        {
            add_part(messages, key, &row);
            continue;
        }
        if messages.len() >= room {
            break;
        }
        cursor = Some((row.place.0, Ulid::from_bits(row.place.1.bits().saturating_add(1))));
        open = None;
        // What lapsed meanwhile is the sweep's.
        if turn.memory.leases.contains(&row.id()) || turn.now.utc >= row.valid_until {
            continue;
        }
        match due_message(turn, lane, &row) {
            Ok((mut message, key)) => {
                if !row.pinned {
                    message.sim = successors.of(turn, row.sim)?;
                }
                message.prefer = successors.of(turn, row.prefer)?;
                messages.push(message);
                turn.memory.lease(row.id(), true);
                open = Some((row.id(), key));
            }
            // It must not keep the others from going out.
            Err(SealError) => tracing::error!(message = %row.id(), "a message does not open and stays in the queue"),
        }
    }
    turn.memory.set_cursor(lane as usize, cursor);
    Ok(())
}

fn due_message(turn: &Turn<'_>, lane: Priority, row: &DueRow) -> Result<(DueMessage, DataKey), SealError> {
    let key = row.number.key(turn.keys)?.ok_or(SealError)?;
    let number = row.number.open(&key)?.ok_or(SealError)?;
    let message = DueMessage {
        id: row.id(),
        priority: lane,
        due_at: UtcTime::from_millis(row.place.0),
        valid_until: row.valid_until,
        recipient: PhoneNumber::from_e164(number.reveal()).map_err(|_| SealError)?,
        sim: row.sim,
        avoid: row.avoid,
        prefer: row.prefer,
        delivery_report: row.delivery_report,
        parts: vec![open_part(&key, row)?],
    };
    Ok((message, key))
}

fn open_part(key: &DataKey, row: &DueRow) -> Result<DuePart, SealError> {
    let octets = row.part.0.to_octets();
    let slot = Slot {
        column: "parts.content",
        row: &octets,
    };
    let content = key.open(slot, row.content.as_deref().ok_or(SealError)?)?;
    Ok(DuePart {
        id: row.part,
        sequence: row.sequence,
        attempts: row.attempts,
        content: EncodedPart::from_octets(&content).map_err(|_| SealError)?,
    })
}

fn add_part(messages: &mut [DueMessage], key: &DataKey, row: &DueRow) {
    match (messages.last_mut(), open_part(key, row)) {
        (Some(message), Ok(part)) => message.parts.push(part),
        (_, Err(SealError)) => tracing::error!(message = %row.id(), "a part does not open and is not sent"),
        (None, Ok(_)) => {}
    }
}

/// Takes a message back unsent.
pub(super) fn release(turn: &mut Turn<'_>, id: MessageId) -> Result<Reply, OpError> {
    turn.memory.lease(id, false);
    let row = turn
        .db
        .prepare_cached("SELECT priority, due_at FROM messages WHERE id = ?1")?
        .query_row([id.0.to_octets()], |row| {
            let mut c = Columns::new(row);
            Ok((c.one_of(&PRIORITIES)?, c.time_or_none()?))
        })
        .optional()?;
    if let Some((priority, due_at)) = row {
        turn.due_changed(priority, due_at, id);
    }
    Ok(Reply::Released)
}
