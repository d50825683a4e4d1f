//! Received messages: every TPDU is on disk before the modem's copy goes; what comes in parts is put together here, over
//! restarts, whatever the order.

use std::time::Duration;

use rusqlite::{Row, params};
use wardwire_core::base::{Body, InboundId, SimId, Ulid, UtcTime};
use wardwire_core::queue::verbs::{InboundPart, Reply};
use wardwire_core::sms::{Decoded, Direction, Reading, Tpdu, UserData, decode, join_text};

use super::code::{Columns, millis};
use super::numbers::{self, Person, SealedNumber};
use super::records::{EventKind, Subject};
use super::seal::{DataKey, Slot};
use super::tally::Tally;
use super::turn::{OpError, Turn};

/// What stands for parts that never came.
const GAP: &str = "[…]";
/// However slowly parts trickle in, after this a message is as complete as it will get.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// Unfinished messages ended in one sweep at most.
const ENDED_A_TURN: i64 = 50;

/// The parts of one message that is not complete.
#[derive(Clone, Copy)]
struct Group {
    sim: SimId,
    /// Row of the sender.
    number: i64,
    bits: u8,
    reference: u16,
    total: u8,
}

/// One part on disk.
struct Stored {
    id: Ulid,
    sequence: u8,
    received_at: UtcTime,
    smsc_timestamp: Option<UtcTime>,
    raw: Option<Vec<u8>>,
}

/// Takes a part in.
pub(super) fn receive(turn: &mut Turn<'_>, part: &InboundPart) -> Result<Reply, OpError> {
    let digest = turn.keys.hash16("inbound", &[&part.sim.0.to_octets(), &part.raw]);
    if turn.seen(digest)? {
        return Ok(Reply::Stored);
    }
    let person = numbers::person(turn, &part.from)?;
    let concat = part.concat.filter(|concat| concat.total > 1);
    let group = Group {
        sim: part.sim,
        number: person.id,
        bits: concat.map_or(0, |concat| concat.bits),
        reference: concat.map_or(0, |concat| concat.reference),
        total: concat.map_or(1, |concat| concat.total),
    };
    let sequence = concat.map_or(1, |concat| concat.sequence);
    let mut parts = waiting_parts(turn, group)?;
    // Another text under a reference that is in use: the sender has moved on, the old message stays as it is.
    if parts.iter().any(|part| part.sequence == sequence) {
        finish(turn, group, &person.key, &parts)?;
        parts.clear();
    }
    parts.push(insert(turn, part, &person, group, sequence)?);
    if parts.len() >= usize::from(group.total) {
        finish(turn, group, &person.key, &parts)?;
    }
    Ok(Reply::Stored)
}

fn raw_slot(id: &[u8; 16]) -> Slot<'_> {
    Slot {
        column: "inbound_parts.raw",
        row: id,
    }
}

fn insert(
    turn: &mut Turn<'_>,
    part: &InboundPart,
    person: &Person,
    group: Group,
    sequence: u8,
) -> Result<Stored, OpError> {
    let id = turn.new_id();
    let octets = id.to_octets();
    let raw = person.key.seal(raw_slot(&octets), &part.raw)?;
    turn.db
        .prepare_cached(
            "INSERT INTO inbound_parts (id, sim, number, reference, bits, total, sequence, received_at,
             smsc_timestamp, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            octets,
            group.sim.0.to_octets(),
            group.number,
            group.reference,
            group.bits,
            group.total,
            sequence,
            turn.now.utc.as_millis(),
            millis(part.smsc_timestamp),
            raw,
        ])?;
    Ok(Stored {
        id,
        sequence,
        received_at: turn.now.utc,
        smsc_timestamp: part.smsc_timestamp,
        raw: Some(raw),
    })
}

fn waiting_parts(turn: &Turn<'_>, group: Group) -> Result<Vec<Stored>, OpError> {
    if group.total <= 1 {
        return Ok(Vec::new());
    }
    let read = |row: &Row<'_>| {
        let mut c = Columns::new(row);
        Ok(Stored {
            id: c.ulid()?,
            sequence: c.get()?,
            received_at: c.time()?,
            smsc_timestamp: c.time_or_none()?,
            raw: c.get()?,
        })
    };
    let parts = turn
        .db
        .prepare_cached(
            "SELECT id, sequence, received_at, smsc_timestamp, raw FROM inbound_parts
             WHERE sim = ?1 AND number = ?2 AND bits = ?3 AND reference = ?4 AND total = ?5 AND inbound IS NULL",
        )?
        .query_map(
            params![
                group.sim.0.to_octets(),
                group.number,
                group.bits,
                group.reference,
                group.total
            ],
            read,
        )?
        .collect::<Result<_, _>>()?;
    Ok(parts)
}

/// Makes the message of the parts there are.
fn finish(turn: &mut Turn<'_>, group: Group, key: &DataKey, parts: &[Stored]) -> Result<(), OpError> {
    let mut ordered: Vec<&Stored> = parts.iter().collect();
    ordered.sort_by_key(|part| part.sequence);
    let id = InboundId(turn.new_id());
    let octets = id.0.to_octets();
    let slot = Slot {
        column: "inbound_messages.body",
        row: &octets,
    };
    let text = text(key, &ordered, group.total)?;
    let incomplete = ordered.len() < usize::from(group.total);
    turn.db
        .prepare_cached(
            "INSERT INTO inbound_messages (id, service, sim, number, parts, incomplete, received_at, smsc_timestamp,
             body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            octets,
            turn.service.0.to_octets(),
            group.sim.0.to_octets(),
            group.number,
            group.total,
            incomplete,
            turn.now.utc.as_millis(),
            millis(ordered.first().and_then(|part| part.smsc_timestamp)),
            key.seal(slot, text.reveal().as_bytes())?,
        ])?;
    let mut claim = turn
        .db
        .prepare_cached("UPDATE inbound_parts SET inbound = ?2 WHERE id = ?1")?;
    for part in &ordered {
        claim.execute(params![part.id.to_octets(), octets])?;
    }
    drop(claim);
    turn.changes.happened(Tally::Received, turn.now.utc);
    let kind = if incomplete {
        EventKind::MessageReceivedIncomplete
    } else {
        EventKind::MessageReceived
    };
    turn.event(kind, turn.service, Subject::Inbound(id))
}

/// The text of the parts there are, in order, with gaps marked. A TPDU that cannot be read has no text; its octets stay.
fn text(key: &DataKey, parts: &[&Stored], total: u8) -> Result<Body, OpError> {
    let mut text = String::new();
    let mut run: Vec<UserData> = Vec::new();
    let mut expected = 1;
    for part in parts {
        let Some(sealed) = &part.raw else { continue };
        let raw = key.open(raw_slot(&part.id.to_octets()), sealed)?;
        if part.sequence != expected {
            flush(&mut text, &mut run);
            text.push_str(GAP);
        }
        expected = part.sequence.saturating_add(1);
        if let Ok(Decoded {
            tpdu: Tpdu::Deliver(deliver),
            ..
        }) = decode(&raw, Direction::Inbound, Reading::Tolerant)
        {
            run.push(deliver.user_data);
        }
    }
    flush(&mut text, &mut run);
    if expected <= total {
        text.push_str(GAP);
    }
    Ok(Body::new(text))
}

fn flush(text: &mut String, run: &mut Vec<UserData>) {
    text.push_str(&join_text(&run.iter().collect::<Vec<_>>()));
    run.clear();
}

/// Ends the wait for parts that do not come. When it has to be done again, if anything waits.
pub(super) fn end_waits(turn: &mut Turn<'_>) -> Result<Option<UtcTime>, OpError> {
    let wait = turn.settings.reassembly_wait;
    let late = turn.now.utc.before(wait);
    let read = |row: &Row<'_>| {
        let mut c = Columns::new(row);
        let group = Group {
            sim: SimId(c.ulid()?),
            number: c.get()?,
            bits: c.get()?,
            reference: c.get()?,
            total: c.get()?,
        };
        let number = SealedNumber {
            hash: c.get()?,
            data_key: c.get()?,
            number: None,
        };
        Ok((group, number))
    };
    let groups: Vec<(Group, SealedNumber)> = turn
        .db
        .prepare_cached(
            "SELECT DISTINCT p.sim, p.number, p.bits, p.reference, p.total, n.hash, n.data_key
             FROM inbound_parts p JOIN numbers n ON n.id = p.number
             WHERE p.inbound IS NULL AND p.received_at <= ?1 ORDER BY p.received_at LIMIT ?2",
        )?
        .query_map(params![late.as_millis(), ENDED_A_TURN], read)?
        .collect::<Result<_, _>>()?;
    for (group, number) in groups {
        let parts = waiting_parts(turn, group)?;
        let newest = parts.iter().map(|part| part.received_at).max();
        let oldest = parts.iter().map(|part| part.received_at).min();
        let over =
            newest.is_some_and(|at| at <= late) || oldest.is_some_and(|at| at <= turn.now.utc.before(LONGEST_WAIT));
        if let Some(key) = number.key(turn.keys)?.filter(|_| over) {
            finish(turn, group, &key, &parts)?;
        }
    }
    let oldest: Option<i64> = turn
        .db
        .prepare_cached("SELECT min(received_at) FROM inbound_parts WHERE inbound IS NULL")?
        .query_row([], |row| row.get(0))?;
    // A group whose newest part is younger is looked at again a minute later at the earliest.
    let soon = turn.now.utc + Duration::from_secs(60);
    Ok(oldest.map(|at| (UtcTime::from_millis(at) + wait).max(soon)))
}
