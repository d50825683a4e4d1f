//! Received messages: every TPDU is on disk before the modem's copy goes; what comes in parts is put together here, over
//! restarts, whatever the order.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};
use wardwire_core::base::{Body, InboundId, SimId, Ulid, UtcTime};
use wardwire_core::queue::inbound::{FLOOD, FLOOD_WINDOW, InboundKind, kind_of, kind_of_parts, may_ask_to_stop};
use wardwire_core::queue::verbs::{InboundPart, Reply};
use wardwire_core::sms::{Decoded, Deliver, Direction, Reading, Tpdu, UserData, decode, join_text};

use super::code::{Columns, millis};
use super::loopback;
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
    // A text read again may have moved with its card to another modem, or stayed in its modem when the card was changed.
    let holders = [part.sim.0, part.modem.0];
    let mut seen = false;
    for holder in holders {
        seen |= turn.seen(turn.keys.hash16("inbound", &[&holder.to_octets(), &part.raw]))?;
    }
    if seen {
        return Ok(Reply::Stored);
    }
    let person = numbers::person(turn, &part.from, turn.now.utc)?;
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
    let (kind, body) = read(key, &ordered, group.total)?;
    let kind = place(turn, group, kind, &body)?;
    let incomplete = ordered.len() < usize::from(group.total);
    turn.db
        .prepare_cached(
            "INSERT INTO inbound_messages (id, service, sim, number, parts, incomplete, received_at, smsc_timestamp,
             body, kind) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
            key.seal(slot, body.reveal().as_bytes())?,
            kind as i64,
        ])?;
    let mut claim = turn
        .db
        .prepare_cached("UPDATE inbound_parts SET inbound = ?2 WHERE id = ?1")?;
    for part in &ordered {
        claim.execute(params![part.id.to_octets(), octets])?;
    }
    drop(claim);
    let event = match kind {
        InboundKind::Text if incomplete => EventKind::MessageReceivedIncomplete,
        InboundKind::Text => EventKind::MessageReceived,
        InboundKind::Flood
        | InboundKind::Loopback
        | InboundKind::Silent
        | InboundKind::Waiting
        | InboundKind::WapPush
        | InboundKind::MmsNotice
        | InboundKind::Ported
        | InboundKind::Binary
        | InboundKind::Unreadable => EventKind::MessageKept,
    };
    if kind == InboundKind::Text {
        turn.changes.happened(Tally::Received, turn.now.utc);
    }
    turn.event(event, turn.service, Subject::Inbound(id))
}

/// What the parts there are make together, in order: a text with gaps marked, or octets in hexadecimal.
fn read(key: &DataKey, parts: &[&Stored], total: u8) -> Result<(InboundKind, Body), OpError> {
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        let Some(sealed) = &part.raw else { continue };
        let raw = key.open(raw_slot(&part.id.to_octets()), sealed)?;
        let deliver = match decode(&raw, Direction::Inbound, Reading::Tolerant) {
            Ok(Decoded {
                tpdu: Tpdu::Deliver(deliver),
                ..
            }) => Ok(deliver),
            // What a phone never gets is as unreadable as rubbish.
            Ok(_) | Err(_) => Err(raw),
        };
        read.push((part.sequence, deliver));
    }
    let kind = kind_of_parts(read.iter().map(|(_, deliver)| match deliver {
        Ok(deliver) => kind_of(deliver),
        Err(_) => InboundKind::Unreadable,
    }));
    let body = if kind.is_text() {
        text(&read, total)
    } else {
        let octets = read.iter().map(|(_, deliver)| match deliver {
            Ok(deliver) => deliver.user_data.octets(),
            Err(raw) => raw,
        });
        octets.flatten().map(|octet| format!("{octet:02X}")).collect()
    };
    Ok((kind, Body::new(body)))
}

/// The text of the parts there are. A TPDU that cannot be read has no text; its octets stay.
fn text(parts: &[(u8, Result<Deliver, Vec<u8>>)], total: u8) -> String {
    let mut text = String::new();
    let mut run: Vec<&UserData> = Vec::new();
    let mut expected = 1;
    for (sequence, deliver) in parts {
        if *sequence != expected {
            text.push_str(&join_text(&run));
            run.clear();
            text.push_str(GAP);
        }
        expected = sequence.saturating_add(1);
        run.extend(deliver.iter().map(|deliver| &deliver.user_data));
    }
    text.push_str(&join_text(&run));
    if expected <= total {
        text.push_str(GAP);
    }
    text
}

/// What a text is besides a text: one of our own that came back, or one too many of its sender.
fn place(turn: &Turn<'_>, group: Group, kind: InboundKind, body: &Body) -> Result<InboundKind, OpError> {
    if kind != InboundKind::Text {
        return Ok(kind);
    }
    if loopback::arrived(turn, group.sim, body)? {
        return Ok(InboundKind::Loopback);
    }
    if may_ask_to_stop(body.reveal()) {
        return Ok(InboundKind::Text);
    }
    let since = turn.now.utc.before(FLOOD_WINDOW).as_millis();
    let lately: u32 = turn
        .db
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM inbound_messages INDEXED BY inbound_sender
             WHERE number = ?1 AND kind = 0 AND received_at > ?2 LIMIT ?3)",
        )?
        .query_row(params![group.number, since, FLOOD], |row| row.get(0))?;
    Ok(if lately < FLOOD {
        InboundKind::Text
    } else {
        InboundKind::Flood
    })
}

/// Ends the wait for parts that do not come. When it has to be done again, if anything waits.
pub(super) fn end_waits(turn: &mut Turn<'_>) -> Result<Option<UtcTime>, OpError> {
    let wait = turn.settings.reassembly_wait;
    let late = turn.now.utc.before(wait);
    let oldest: Option<i64> = turn
        .db
        .prepare_cached("SELECT received_at FROM inbound_parts WHERE inbound IS NULL ORDER BY received_at LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(oldest) = oldest.map(UtcTime::from_millis) else {
        return Ok(None);
    };
    // After a start, a sleep or a clock that was set the rest may lie in a modem that has not been read yet.
    let awake = turn.memory.steady_since + wait;
    if turn.now.utc < awake || late < oldest {
        return Ok(Some((oldest + wait).max(awake)));
    }
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
    // A group whose newest part is younger is looked at again a minute later.
    Ok(Some(turn.now.utc + Duration::from_secs(60)))
}
