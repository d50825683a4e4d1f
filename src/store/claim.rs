//! Giving due messages out to the gateway, and taking them back unsent. A claim is one seek in each lane that has
//! something due: a cursor in memory remembers up to where everything is given out.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};
use wardwire_core::base::{MessageId, PartId, PhoneNumber, SimId, Ulid, UtcTime};
use wardwire_core::queue::lane::{Lane, Way};
use wardwire_core::queue::state::Priority;
use wardwire_core::queue::verbs::{DueMessage, DuePart, Reply};
use wardwire_core::sms::EncodedPart;

use super::budget;
use super::code::Columns;
use super::lanes::{self, NEVER};
use super::numbers::SealedNumber;
use super::seal::{DataKey, SealError, Slot};
use super::turn::{Asked, OpError, Place, Turn};

/// Rows of one lane that are due, from a place on, each with its recipient and one waiting part; the parts of a message
/// follow each other.
pub(super) const SELECT_DUE: &str = "SELECT m.due_at, m.id, m.valid_until,
    m.sim, m.pinned, m.avoid, n.sim,
    m.delivery_report, n.hash, n.data_key, n.number, p.id, p.sequence, p.attempts, p.content
    FROM messages m CROSS JOIN numbers n ON n.id = m.number
    CROSS JOIN parts p ON p.message = m.id AND p.state = 0
    WHERE m.way = ?1 AND m.priority = ?2 AND m.service = ?3 AND (m.due_at, m.id) >= (?4, ?5) AND m.due_at <= ?6
    ORDER BY m.due_at, m.id";

pub(super) const SELECT_NEXT: &str = "SELECT due_at FROM messages WHERE way = ?1 AND priority = ?2 AND service = ?3
    AND due_at > ?4 ORDER BY due_at LIMIT 1";

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

/// Gives out what is missing to `depth` of each lane of these ways, up to `room` messages, most urgent lanes first, of one
/// urgency those first of which least is out.
pub(super) fn take_due(
    turn: &mut Turn<'_>,
    ways: &[Way],
    depth: usize,
    room: usize,
    counted: bool,
) -> Result<Reply, OpError> {
    let now = turn.now.utc.as_millis();
    let routing = turn.routing;
    let asked = |lane: &Lane| ways.contains(&routing.leads(lane.way));
    let mut lanes: Vec<(Priority, usize, Lane)> = turn
        .memory
        .lanes
        .iter()
        .filter(|(lane, state)| asked(lane) && state.next <= now)
        .map(|(lane, state)| (lane.priority, state.out, *lane))
        .collect();
    lanes.sort_unstable();
    let (mut messages, mut more) = (Vec::new(), Vec::new());
    let mut successors = Successors::default();
    for (_, out, lane) in lanes {
        let wanted = depth.saturating_sub(out).min(room - messages.len());
        if wanted == 0 || take_lane(turn, lane, wanted, &mut successors, &mut messages)? {
            more.push(Lane {
                way: routing.leads(lane.way),
                ..lane
            });
        }
    }
    for message in &mut messages {
        message.parts.sort_by_key(|part| part.sequence);
    }
    if counted {
        budget::tell_counted(turn, &mut messages)?;
    }
    let later = turn.memory.lanes.iter().filter(|(lane, _)| asked(lane));
    let next_due = later
        .map(|(_, state)| state.next)
        .filter(|next| *next > now)
        .min()
        .unwrap_or(NEVER);
    turn.memory.asked = Some(Asked { depth, next_due });
    Ok(Reply::Due {
        messages,
        more,
        next_due: (next_due != NEVER).then_some(UtcTime::from_millis(next_due)),
    })
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

/// Gives out up to `wanted` messages of a lane; whether there may be more of it now.
fn take_lane(
    turn: &mut Turn<'_>,
    lane: Lane,
    wanted: usize,
    successors: &mut Successors,
    messages: &mut Vec<DueMessage>,
) -> Result<bool, OpError> {
    let (db, now) = (turn.db, turn.now.utc.as_millis());
    let from = turn.memory.lanes.get(&lane).and_then(|state| state.cursor);
    let (due, id) = from.unwrap_or((i64::MIN, Ulid::from_bits(0)));
    let (way, priority, service) = lanes::columns(lane);
    let mut select = db.prepare_cached(SELECT_DUE)?;
    let mut rows = select.query(params![way, priority, service, due, id.to_octets(), now])?;
    let (most, mut cursor, mut more) = (messages.len() + wanted, from, false);
    let mut open: Option<(MessageId, DataKey)> = None;
    while let Some(row) = rows.next()? {
        let row = DueRow::read(row)?;
        if let Some((id, key)) = &open
            && *id == row.id()
        {
            add_part(messages, key, &row);
            continue;
        }
        if messages.len() >= most {
            more = true;
            break;
        }
        cursor = Some((row.place.0, Ulid::from_bits(row.place.1.bits().saturating_add(1))));
        open = None;
        // What lapsed meanwhile is the sweep's.
        if turn.memory.leases.contains_key(&row.id()) || turn.now.utc >= row.valid_until {
            continue;
        }
        match due_message(turn, lane, &row) {
            Ok((mut message, key)) => {
                if !row.pinned {
                    message.sim = successors.of(turn, row.sim)?;
                }
                message.prefer = successors.of(turn, row.prefer)?;
                messages.push(message);
                turn.memory.lease(row.id(), lane);
                open = Some((row.id(), key));
            }
            // It must not keep the others from going out.
            Err(SealError) => tracing::error!(message = %row.id(), "a message does not open and stays in the queue"),
        }
    }
    let next = if more { i64::MIN } else { next_due(turn, lane)? };
    turn.memory.change_lane(lane, |state| {
        state.cursor = cursor;
        state.next = next;
    });
    // A full lane is asked for again when it runs low: nothing is said of what arrives behind it.
    Ok(more || messages.len() >= most)
}

/// When something of a lane that is not due yet will be.
fn next_due(turn: &Turn<'_>, lane: Lane) -> Result<i64, OpError> {
    let (way, priority, service) = lanes::columns(lane);
    let due = turn
        .db
        .prepare_cached(SELECT_NEXT)?
        .query_row(params![way, priority, service, turn.now.utc.as_millis()], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(due.unwrap_or(NEVER))
}

fn due_message(turn: &Turn<'_>, lane: Lane, row: &DueRow) -> Result<(DueMessage, DataKey), SealError> {
    let key = row.number.key(turn.keys)?.ok_or(SealError)?;
    let number = row.number.open(&key)?.ok_or(SealError)?;
    let message = DueMessage {
        id: row.id(),
        lane: Lane {
            way: turn.routing.leads(lane.way),
            ..lane
        },
        weight: turn.weight(lane.service),
        due_at: UtcTime::from_millis(row.place.0),
        valid_until: row.valid_until,
        recipient: PhoneNumber::from_e164(number.reveal()).map_err(|_| SealError)?,
        sim: row.sim,
        avoid: row.avoid,
        prefer: row.prefer,
        counted: Vec::new(),
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
    turn.memory.end_lease(id);
    let row = turn
        .db
        .prepare_cached("SELECT way, priority, service, due_at FROM messages WHERE id = ?1")?
        .query_row([id.0.to_octets()], |row| {
            let mut c = Columns::new(row);
            Ok((lanes::read_lane(&mut c)?, c.time_or_none()?))
        })
        .optional()?;
    if let Some((lane, due_at)) = row {
        turn.due_changed(lane, due_at, id);
    }
    Ok(Reply::Released)
}
