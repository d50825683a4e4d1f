//! Delivery reports: matched to the attempt they speak of and written down. One that comes before the modem's own answer,
//! that may speak of several attempts, or of none, is kept and weighed again when an attempt of its SIM has had its word.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};
use wardwire_core::base::{AttemptId, MessageId, Originator, SimId, Ulid, UtcTime};
use wardwire_core::queue::correlate::{Candidate, Fate, RIVALRY, ReportFacts, by_reference, same_number, weigh};
use wardwire_core::queue::error::NetworkCode;
use wardwire_core::queue::report::meaning;
use wardwire_core::queue::state::PartState;
use wardwire_core::queue::transition::PartEvent;
use wardwire_core::queue::verbs::{Reply, Report};

use super::code::{Columns, millis};
use super::life::{Life, PartLife};
use super::numbers::{self, SealedNumber};
use super::read::id_from;
use super::records::{AttemptState, MessageError};
use super::seal::Slot;
use super::turn::{OpError, Turn};

/// Attempts weighed for one report at most: with more of them it proves nothing.
const CANDIDATES: i64 = 128;
/// Kept reports tried again when an attempt closes, at most.
const ORPHANS: i64 = 16;
/// A report may be noted this much before the attempt it speaks of, when the clock was set back.
const AHEAD: Duration = Duration::from_secs(120);

/// Takes a report in.
pub(super) fn report(turn: &mut Turn<'_>, report: &Report) -> Result<Reply, OpError> {
    let digest = turn.keys.hash16("report", &[&report.sim.0.to_octets(), &report.raw]);
    if turn.seen(digest)? {
        return Ok(Reply::Stored);
    }
    let person = numbers::person(turn, &report.recipient, turn.now.utc)?;
    let kept = Kept {
        id: turn.new_id(),
        sim: report.sim,
        tp_st: report.tp_st,
        facts: ReportFacts {
            tp_mr: report.tp_mr,
            smsc_timestamp: report.smsc_timestamp,
            received_at: turn.now.utc,
            delivered: meaning(report.tp_st).0 == PartEvent::Delivered,
        },
        discharged_at: report.discharged_at,
        number: person.id,
    };
    let place = spoken_of(turn, &kept, &report.recipient)?;
    let octets = kept.id.to_octets();
    let slot = Slot {
        column: "reports.raw",
        row: &octets,
    };
    turn.db
        .prepare_cached(
            "INSERT INTO reports (id, sim, tp_mr, tp_st, smsc_timestamp, discharged_at, received_at, number, message,
             sequence, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            octets,
            report.sim.0.to_octets(),
            report.tp_mr,
            report.tp_st,
            millis(report.smsc_timestamp),
            millis(report.discharged_at),
            turn.now.utc.as_millis(),
            person.id,
            place.as_ref().map(|place| place.message.0.to_octets()),
            place.as_ref().map(|place| place.sequence),
            person.key.seal(slot, &report.raw)?,
        ])?;
    match place {
        Some(place) => {
            apply(turn, &kept, &place)?;
            let since = kept.submitted_at().min(turn.now.utc).before(RIVALRY);
            retry_held(turn, report.sim, person.id, since)?;
        }
        None => weigh_held(turn, &kept, &report.recipient).map(|_| ())?,
    }
    Ok(Reply::Stored)
}

/// A report that is on disk.
#[derive(Clone, Copy)]
struct Kept {
    id: Ulid,
    sim: SimId,
    tp_st: u8,
    facts: ReportFacts,
    discharged_at: Option<UtcTime>,
    /// Row of the number it names.
    number: i64,
}

impl Kept {
    /// When the SMSC took what it speaks of.
    fn submitted_at(&self) -> UtcTime {
        self.facts.smsc_timestamp.unwrap_or(self.facts.received_at)
    }

    /// It speaks of the same submit: a repeat, or the word after an interim one.
    fn repeats(&self, other: &Self) -> bool {
        self.facts.tp_mr == other.facts.tp_mr && self.facts.smsc_timestamp == other.facts.smsc_timestamp
    }
}

/// Tries reports again that fitted nothing when they came: those of this SIM and reference since the attempt.
pub(super) fn match_orphans(turn: &mut Turn<'_>, sim: SimId, tp_mr: u8, since: UtcTime) -> Result<(), OpError> {
    retry(turn, sim, BY_REFERENCE, i64::from(tp_mr), since)
}

/// Weighs reports again that were held because they might have spoken of another attempt to the same number.
pub(super) fn retry_held(turn: &mut Turn<'_>, sim: SimId, number: i64, since: UtcTime) -> Result<(), OpError> {
    retry(turn, sim, BY_NUMBER, number, since)
}

/// Each that fits may free the next, so it goes round as long as one does.
fn retry(turn: &mut Turn<'_>, sim: SimId, of: &str, value: i64, since: UtcTime) -> Result<(), OpError> {
    for _ in 0..ORPHANS {
        let mut fitted = false;
        for orphan in orphans(turn, sim, of, value, since)? {
            fitted = settle(turn, &orphan)?;
            if fitted {
                break;
            }
        }
        if !fitted {
            break;
        }
    }
    Ok(())
}

pub(super) const BY_REFERENCE: &str = "tp_mr = ?2";
pub(super) const BY_NUMBER: &str = "number = ?2";

/// Kept reports of a SIM, newest first, with one more condition.
pub(super) fn select_orphans(of: &str) -> String {
    format!(
        "SELECT id, tp_st, tp_mr, smsc_timestamp, received_at, discharged_at, number FROM reports
         WHERE sim = ?1 AND {of} AND received_at >= ?3 AND message IS NULL ORDER BY received_at DESC LIMIT ?4"
    )
}

/// Kept reports in the order they came, the newest [`ORPHANS`] of them.
fn orphans(turn: &Turn<'_>, sim: SimId, of: &str, value: i64, since: UtcTime) -> Result<Vec<Kept>, OpError> {
    let read = |row: &Row<'_>| {
        let mut c = Columns::new(row);
        let (id, tp_st) = (c.ulid()?, c.get()?);
        Ok(Kept {
            id,
            sim,
            tp_st,
            facts: ReportFacts {
                tp_mr: c.get()?,
                smsc_timestamp: c.time_or_none()?,
                received_at: c.time()?,
                delivered: meaning(tp_st).0 == PartEvent::Delivered,
            },
            discharged_at: c.time_or_none()?,
            number: c.get()?,
        })
    };
    let mut orphans: Vec<Kept> = turn
        .db
        .prepare_cached(&select_orphans(of))?
        .query_map(
            params![sim.0.to_octets(), value, since.before(AHEAD).as_millis(), ORPHANS],
            read,
        )?
        .collect::<Result<_, _>>()?;
    orphans.reverse();
    Ok(orphans)
}

/// An attempt that a report may speak of, and where it is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    message: MessageId,
    sequence: u8,
    number: u32,
    fate: Fate,
    tp_mr: Option<u8>,
}

impl Place {
    /// Number of an attempt that is known by an earlier word on it alone; real ones begin at 1.
    const WITH_ITS_WORD: u32 = 0;
}

/// Accepted attempts of the SIM with this reference whose report is awaited.
pub(super) const SELECT_REFERENCED: &str = "FROM attempts a INDEXED BY attempts_awaiting
    JOIN parts p ON p.message = a.message AND p.sequence = a.sequence
    JOIN messages m ON m.id = a.message JOIN numbers n ON n.id = m.number
    WHERE a.sim = ?1 AND a.awaiting = 1 AND a.tp_mr IS ?2 AND a.state = 1 AND p.state IN (0, 3, 4, 8, 11)
    ORDER BY a.written_at DESC LIMIT ?3";

/// Attempts of the SIM in flight, or without an outcome, also of parts that are settled by now: a report may mean just these.
pub(super) const SELECT_OPEN: &str = "FROM attempts a INDEXED BY attempts_open
    JOIN parts p ON p.message = a.message AND p.sequence = a.sequence
    JOIN messages m ON m.id = a.message JOIN numbers n ON n.id = m.number
    WHERE a.state IN (0, 3) AND a.id >= ?3 AND a.sim = ?1
    ORDER BY a.id DESC LIMIT ?2";

/// Accepted attempts of the SIM written in this time that no report spoke of yet, and refused ones whose refusal may be none, to
/// this number as far as a hash can tell; also of parts and messages that are settled by now.
pub(super) const SELECT_AWAITING: &str = "FROM attempts a INDEXED BY attempts_sim
    JOIN parts p ON p.message = a.message AND p.sequence = a.sequence
    JOIN messages m ON m.id = a.message JOIN numbers n ON n.id = m.number
    WHERE a.sim = ?1 AND a.written_at BETWEEN ?2 AND ?3 AND a.awaiting <> 0 AND a.state IN (1, 2) AND p.state NOT IN (4, 8)
    AND (?4 IS NULL OR n.tail_hash IS NULL OR n.tail_hash = ?4) ORDER BY a.written_at DESC LIMIT ?5";

pub(super) const COLUMNS: &str = "SELECT a.id, a.message, a.sequence, a.number, a.state, a.tp_mr, a.expected_tp_mr,
    a.written_at, m.valid_until, a.smsc_timestamp, m.number, n.hash, n.data_key, n.number, n.tail_hash ";

/// Runs one of the selects above; false when there were more than may be weighed.
fn candidates(
    turn: &Turn<'_>,
    kept: &Kept,
    recipient: &Originator,
    (select, parameters): (&str, &[&dyn rusqlite::ToSql]),
    found: &mut Vec<(Place, Candidate)>,
) -> Result<bool, OpError> {
    let tail = numbers::tail_hash(turn.keys, recipient);
    let mut select = turn.db.prepare_cached(&format!("{COLUMNS}{select}"))?;
    let mut rows = select.query(parameters)?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let mut c = Columns::new(row);
        let id = AttemptId(c.ulid()?);
        let place = Place {
            message: MessageId(c.ulid()?),
            sequence: c.get()?,
            number: c.get()?,
            fate: match c.one_of(&AttemptState::ALL)? {
                AttemptState::Written => Fate::InFlight,
                AttemptState::Accepted => Fate::Accepted,
                AttemptState::Unknown | AttemptState::Refused | AttemptState::NotSent => Fate::Unknown,
            },
            tp_mr: c.get()?,
        };
        let same_part =
            |(other, _): &(Place, Candidate)| (other.message, other.sequence) == (place.message, place.sequence);
        let mut candidate = Candidate {
            id,
            fate: place.fate,
            part: found.iter().position(same_part).unwrap_or(found.len()),
            tp_mr: place.tp_mr,
            expected_tp_mr: c.get()?,
            written_at: c.time()?,
            wait_until: c.time()? + turn.settings.report_wait,
            smsc_timestamp: c.time_or_none()?,
            same_number: Some(true),
        };
        let number: i64 = c.get()?;
        let sealed = SealedNumber {
            hash: c.get()?,
            data_key: c.get()?,
            number: c.get()?,
        };
        let their_tail: Option<[u8; 16]> = c.get()?;
        if number != kept.number {
            candidate.same_number = match (tail, their_tail) {
                (Some(ours), Some(theirs)) => Some(ours == theirs),
                (None, _) | (_, None) => compare(turn, &sealed, recipient)?,
            };
        }
        if !found.iter().any(|(other, _)| *other == place) {
            found.push((place, candidate));
        }
    }
    Ok(count < CANDIDATES)
}

/// Compares digit by digit where hashes cannot: short numbers, national forms.
fn compare(turn: &Turn<'_>, sealed: &SealedNumber, reported: &Originator) -> Result<Option<bool>, OpError> {
    let Some(key) = sealed.key(turn.keys)? else {
        return Ok(None);
    };
    let number = sealed.open(&key)?;
    Ok(number.and_then(|number| same_number(number.reveal(), reported.reveal())))
}

/// The number a kept report names.
fn recipient_of(turn: &Turn<'_>, kept: &Kept) -> Result<Originator, OpError> {
    let sealed = turn
        .db
        .prepare_cached("SELECT hash, data_key, number FROM numbers WHERE id = ?1")?
        .query_row([kept.number], |row| {
            let mut c = Columns::new(row);
            Ok(SealedNumber {
                hash: c.get()?,
                data_key: c.get()?,
                number: c.get()?,
            })
        })?;
    let number = match sealed.key(turn.keys)? {
        Some(key) => sealed.open(&key)?,
        None => None,
    };
    // Erased: nothing to compare.
    Ok(number.unwrap_or_else(|| Originator::new("")))
}

/// Applies a kept report if its attempt is beyond doubt now. Whether it is.
fn settle(turn: &mut Turn<'_>, kept: &Kept) -> Result<bool, OpError> {
    let recipient = recipient_of(turn, kept)?;
    match spoken_of(turn, kept, &recipient)? {
        Some(place) => link(turn, kept, &place).map(|()| true),
        None => weigh_held(turn, kept, &recipient),
    }
}

/// Notes what a kept report speaks of, and applies it.
fn link(turn: &mut Turn<'_>, kept: &Kept, place: &Place) -> Result<(), OpError> {
    turn.db
        .prepare_cached("UPDATE reports SET message = ?2, sequence = ?3 WHERE id = ?1")?
        .execute(params![
            kept.id.to_octets(),
            place.message.0.to_octets(),
            place.sequence
        ])?;
    apply(turn, kept, place)
}

/// The attempt the report speaks of, by an earlier word on it or by its reference.
fn spoken_of(turn: &Turn<'_>, kept: &Kept, recipient: &Originator) -> Result<Option<Place>, OpError> {
    if let Some(place) = second_word(turn, kept, Duration::ZERO)? {
        return Ok(Some(place));
    }
    let mut found = Vec::new();
    referenced(turn, kept, recipient, &mut found)?;
    let facts: Vec<Candidate> = found.iter().map(|(_, candidate)| *candidate).collect();
    Ok(by_reference(kept.facts, &facts)
        .and_then(|place| found.get(place))
        .map(|(place, _)| *place))
}

fn referenced(
    turn: &Turn<'_>,
    kept: &Kept,
    recipient: &Originator,
    found: &mut Vec<(Place, Candidate)>,
) -> Result<bool, OpError> {
    let sim = kept.sim.0.to_octets();
    let parameters: [&dyn rusqlite::ToSql; 3] = [&sim, &kept.facts.tp_mr, &CANDIDATES];
    candidates(turn, kept, recipient, (SELECT_REFERENCED, &parameters), found)
}

/// Weighs a kept report whose reference does not settle it against all that it may mean, together with the others that are
/// held for this number, and applies those that are clear. Whether any was.
fn weigh_held(turn: &mut Turn<'_>, kept: &Kept, recipient: &Originator) -> Result<bool, OpError> {
    let Some(at) = kept.facts.smsc_timestamp else {
        return Ok(false);
    };
    let mut all = vec![*kept];
    all.extend(orphans(turn, kept.sim, BY_NUMBER, kept.number, at.before(RIVALRY))?);
    let mut submits: Vec<Kept> = Vec::new();
    for report in &all {
        let near = report.submitted_at().since(at).max(at.since(report.submitted_at())) <= RIVALRY;
        if near && !submits.iter().any(|other| other.repeats(report)) {
            // One like it had its place: it speaks of that one, or of nothing that can be told.
            match second_word(turn, report, RIVALRY)? {
                Some(_) if submits.is_empty() => return Ok(false),
                Some(_) => {}
                None => submits.push(*report),
            }
        }
    }
    let Some(found) = rivals(turn, kept, recipient, &submits)? else {
        return Ok(false);
    };
    let facts: Vec<ReportFacts> = submits.iter().map(|report| report.facts).collect();
    let attempts: Vec<Candidate> = found.iter().map(|(_, candidate)| *candidate).collect();
    let pairs = weigh(&facts, &attempts);
    for (submit, place) in &pairs {
        let (Some(submit), Some((place, _))) = (submits.get(*submit), found.get(*place)) else {
            continue;
        };
        let mut words: Vec<&Kept> = all.iter().filter(|report| report.repeats(submit)).collect();
        words.sort_by_key(|report| (report.facts.received_at, report.id));
        words.dedup_by_key(|report| report.id);
        for word in words {
            link(turn, word, place)?;
        }
    }
    Ok(!pairs.is_empty())
}

/// All that these reports may mean; `None` when there is more than may be weighed.
fn rivals(
    turn: &Turn<'_>,
    kept: &Kept,
    recipient: &Originator,
    submits: &[Kept],
) -> Result<Option<Vec<(Place, Candidate)>>, OpError> {
    let sim = kept.sim.0.to_octets();
    let times = || submits.iter().map(Kept::submitted_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    let mut whole = referenced(turn, kept, recipient, &mut found)?;
    // Ids never fall behind the time they are made at: unknowns of months ago are not gone through again.
    let open: [&dyn rusqlite::ToSql; 3] = [&sim, &CANDIDATES, &id_from(first.before(RIVALRY))];
    whole &= candidates(turn, kept, recipient, (SELECT_OPEN, &open), &mut found)?;
    let (from, to) = (first.before(RIVALRY).as_millis(), (last + RIVALRY).as_millis());
    let tail = numbers::tail_hash(turn.keys, recipient);
    let awaiting: [&dyn rusqlite::ToSql; 5] = [&sim, &from, &to, &tail, &CANDIDATES];
    whole &= candidates(turn, kept, recipient, (SELECT_AWAITING, &awaiting), &mut found)?;
    Ok(whole.then_some(found))
}

/// An earlier report that was matched.
pub(super) const SELECT_SECOND_WORD: &str = "SELECT message, sequence FROM reports WHERE number = ?1 AND tp_mr = ?2
    AND sim = ?3 AND id <> ?5 AND coalesce(smsc_timestamp, received_at) BETWEEN ?4 AND ?6 AND message IS NOT NULL
    LIMIT 1";

/// An earlier report with the same reference, number and time of submit (give or take `slack`) was matched: this one
/// speaks of the same attempt (a repeat, or the last word after an interim one) and proves nothing about any other.
fn second_word(turn: &Turn<'_>, kept: &Kept, slack: Duration) -> Result<Option<Place>, OpError> {
    let at = kept.submitted_at();
    let place = turn
        .db
        .prepare_cached(SELECT_SECOND_WORD)?
        .query_row(
            params![
                kept.number,
                kept.facts.tp_mr,
                kept.sim.0.to_octets(),
                at.before(slack).as_millis(),
                kept.id.to_octets(),
                (at + slack).as_millis(),
            ],
            |row| {
                let mut c = Columns::new(row);
                Ok(Place {
                    message: MessageId(c.ulid()?),
                    sequence: c.get()?,
                    number: Place::WITH_ITS_WORD,
                    fate: Fate::Accepted,
                    tp_mr: Some(kept.facts.tp_mr),
                })
            },
        )
        .optional()?;
    Ok(place)
}

/// Notes on the attempt that it has had its word, unless another one follows. The network knows better than the modem under which
/// reference it took the part.
fn note_word(turn: &Turn<'_>, kept: &Kept, place: &Place, open: bool) -> Result<(), OpError> {
    // Attempts with a reference are accepted ones.
    turn.db
        .prepare_cached(
            "UPDATE attempts SET state = 1, tp_mr = ?3, awaiting = awaiting * ?4 WHERE message = ?1 AND sequence = ?2
             AND (number = ?5 OR (?5 = ?6 AND tp_mr = ?3))",
        )?
        .execute(params![
            place.message.0.to_octets(),
            place.sequence,
            kept.facts.tp_mr,
            open,
            place.number,
            Place::WITH_ITS_WORD,
        ])?;
    Ok(())
}

/// Whether another attempt of the part than the one spoken of is being written, or was taken and awaits its own report.
fn other_copy(turn: &Turn<'_>, kept: &Kept, place: &Place) -> Result<bool, OpError> {
    let other = turn
        .db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM attempts WHERE message = ?1 AND sequence = ?2
             AND (state = 0 OR (state = 1 AND awaiting = 1)) AND number <> ?3 AND (?3 <> ?4 OR tp_mr IS NOT ?5))",
        )?
        .query_row(
            params![
                place.message.0.to_octets(),
                place.sequence,
                place.number,
                Place::WITH_ITS_WORD,
                kept.facts.tp_mr,
            ],
            |row| row.get(0),
        )?;
    Ok(other)
}

/// Moves the part as the report says. What is settled already does not move: then the report is history only.
fn apply(turn: &mut Turn<'_>, kept: &Kept, place: &Place) -> Result<(), OpError> {
    let Some(mut life) = Life::load(turn, place.message)? else {
        return Ok(());
    };
    let now = turn.now.utc;
    let part = place.sequence;
    let (event, error) = meaning(kept.tp_st);
    // The end of one copy is not the end of the part.
    let gave_up = matches!(event, PartEvent::Undelivered | PartEvent::Expired);
    if gave_up && other_copy(turn, kept, place)? {
        return note_word(turn, kept, place, false);
    }
    if place.fate != Fate::Accepted || place.tp_mr != Some(kept.facts.tp_mr) {
        life.step(part, PartEvent::Accepted, now);
        life.note(part, |part| part.tp_mr = Some(kept.facts.tp_mr));
    }
    if life.step(part, event, now) {
        life.note(part, |part| {
            part.tp_st = Some(kept.tp_st);
            part.smsc_timestamp = kept.facts.smsc_timestamp;
            part.discharged_at = kept.discharged_at;
            part.error = error.map(|code| MessageError {
                code,
                network_code: Some(NetworkCode::Status(kept.tp_st)),
            });
        });
    }
    // Held back, or given up by the network: the phone may have it yet.
    let open = |of: &PartLife| of.sequence == part && matches!(of.state, PartState::Buffered | PartState::Expired);
    note_word(turn, kept, place, life.parts.iter().any(open))?;
    // Nothing is left to send, when evidence came for a part that waited to be sent again.
    if life.waiting().next().is_none() {
        turn.memory.end_lease(life.id);
    }
    life.save(turn)
}
