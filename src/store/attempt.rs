//! Attempts: written down before Ctrl-Z, closed by the modem's answer.

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{AttemptId, MessageId, SimId, Ulid, UtcTime};
use wardwire_core::queue::classify::{History, Verdict, classify, codes};
use wardwire_core::queue::error::{ErrorCode, NetworkCode};
use wardwire_core::queue::state::{OnUnknown, PartState};
use wardwire_core::queue::transition::PartEvent;
use wardwire_core::queue::verbs::{Answer, AttemptResult, Begin, Begun, Closed, Reply, Silence};

use super::code::{Columns, millis};
use super::life::Life;
use super::numbers;
use super::records::{AttemptState, MessageError};
use super::turn::{OpError, Turn};
use super::{budget, recipient, report, stale};

/// Writes an attempt, when nothing speaks against it any more.
pub(super) fn begin(turn: &mut Turn<'_>, begin: &Begin) -> Result<Reply, OpError> {
    let Some(mut life) = Life::load(turn, begin.message)? else {
        return Ok(withdrawn(turn, begin.message));
    };
    let now = turn.now.utc;
    stale::note_attempt(turn)?;
    life.pass_time(turn);
    let leased = turn.memory.leases.contains_key(&begin.message);
    let early = life.send_at.is_some_and(|send_at| send_at > now) || life.is_out_of_hours(turn);
    let sequence = life
        .part(begin.part)
        .filter(|part| part.state == PartState::Pending)
        .map(|part| part.sequence);
    let Some(sequence) = sequence.filter(|_| leased && !early && life.held.is_none()) else {
        let reply = withdrawn(turn, begin.message);
        life.save(turn)?;
        return Ok(reply);
    };
    if let Some(until) = recipient::waits_until(turn, &life)? {
        life.due_at = Some(until);
        life.error = Some(MessageError {
            code: ErrorCode::CapRecipient,
            network_code: None,
        });
        let reply = withdrawn(turn, begin.message);
        life.save(turn)?;
        return Ok(reply);
    }
    if let Some(circle) = begin.circle
        && !budget::has_room(turn, begin.sim, life.number, circle)?
    {
        life.save(turn)?;
        return Ok(Reply::Begun(Begun::NoRoom));
    }
    let attempt = AttemptId(turn.new_id());
    life.step(sequence, PartEvent::Written, now);
    life.sim = Some(begin.sim);
    life.attempts += 1;
    let mut number = 0;
    life.note(sequence, |part| {
        part.attempts += 1;
        part.sim = Some(begin.sim);
        number = part.attempts;
    });
    turn.db
        .prepare_cached(
            "INSERT INTO attempts (message, sequence, number, id, state, awaiting, modem, sim, expected_tp_mr,
             written_at) VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            begin.message.0.to_octets(),
            sequence,
            number,
            attempt.0.to_octets(),
            begin.modem.0.to_octets(),
            begin.sim.0.to_octets(),
            begin.expected_tp_mr,
            now.as_millis(),
        ])?;
    let met = budget::spend(turn, begin.sim, life.number)?;
    budget::mark(turn, begin.sim, &begin.marks)?;
    life.save(turn)?;
    Ok(Reply::Begun(Begun::Written { attempt, met }))
}

fn withdrawn(turn: &mut Turn<'_>, message: MessageId) -> Reply {
    turn.memory.end_lease(message);
    Reply::Begun(Begun::Withdrawn)
}

/// An attempt without a last word.
struct Open {
    message: MessageId,
    sequence: u8,
    number: u32,
    state: AttemptState,
    sim: SimId,
    expected_tp_mr: Option<u8>,
    written_at: UtcTime,
    /// Row of the number it goes to.
    recipient: i64,
}

fn find(turn: &Turn<'_>, attempt: AttemptId) -> Result<Option<Open>, OpError> {
    let open = turn
        .db
        .prepare_cached(
            "SELECT message, sequence, number, state, sim, expected_tp_mr, written_at,
             (SELECT m.number FROM messages m WHERE m.id = message) FROM attempts WHERE id = ?1 AND state IN (0, 3)",
        )?
        .query_row([attempt.0.to_octets()], |row| {
            let mut c = Columns::new(row);
            Ok(Open {
                message: MessageId(c.ulid()?),
                sequence: c.get()?,
                number: c.get()?,
                state: c.one_of(&AttemptState::ALL)?,
                sim: SimId(c.ulid()?),
                expected_tp_mr: c.get()?,
                written_at: c.time()?,
                recipient: c.get()?,
            })
        })
        .optional()?;
    Ok(open)
}

/// Closes an attempt. One that is not open any more changes nothing.
pub(super) fn close(turn: &mut Turn<'_>, attempt: AttemptId, result: AttemptResult) -> Result<Reply, OpError> {
    let Some(open) = find(turn, attempt)? else {
        return Ok(Reply::Closed(Closed::Forget));
    };
    let Some(mut life) = Life::load(turn, open.message)? else {
        return Ok(Reply::Closed(Closed::Forget));
    };
    let verdict = judge(turn, &life, &open, attempt, result)?;
    // A late word on an attempt after which another was begun: only an acceptance still matters, and only on paper.
    let latest = life
        .parts
        .iter()
        .any(|p| p.sequence == open.sequence && p.attempts == open.number);
    let go_on = if latest || matches!(verdict, Verdict::Accepted { .. }) {
        settle(turn, &mut life, &open, verdict, result)?
    } else {
        false
    };
    life.pass_time(turn);
    let go_on = go_on && life.waiting().next().is_some();
    if !go_on {
        turn.memory.end_lease(open.message);
    }
    life.save(turn)?;
    let references = match verdict {
        Verdict::Accepted { tp_mr, .. } => [tp_mr, None],
        Verdict::Unknown => [
            open.expected_tp_mr,
            open.expected_tp_mr.map(|tp_mr| tp_mr.wrapping_add(1)),
        ],
        Verdict::Later { .. } | Verdict::OtherSim { .. } | Verdict::NotSent { .. } | Verdict::Never => [None; 2],
    };
    for tp_mr in references.into_iter().flatten() {
        report::match_orphans(turn, open.sim, tp_mr, open.written_at)?;
    }
    // It is in flight no more: what was held because of it may fit now.
    report::retry_held(turn, open.sim, open.recipient, open.written_at)?;
    Ok(Reply::Closed(if go_on { Closed::GoOn } else { Closed::Forget }))
}

/// What the result means here: the core's verdict, and never a resend that may be a copy against the message's policy.
fn judge(
    turn: &Turn<'_>,
    life: &Life,
    open: &Open,
    attempt: AttemptId,
    result: AttemptResult,
) -> Result<Verdict, OpError> {
    let attempts = match result {
        // Nothing is counted where an acceptance ends it.
        AttemptResult::NotSent(_) | AttemptResult::Accepted { .. } => open.number,
        // Attempts that never left the box do not count as refusals.
        AttemptResult::Failed { .. } | AttemptResult::NoAnswer(_) => turn
            .db
            .prepare_cached("SELECT count(*) FROM attempts WHERE message = ?1 AND sequence = ?2 AND state <> 4")?
            .query_row(params![open.message.0.to_octets(), open.sequence], |row| row.get(0))?,
    };
    // The random half of the id: the same in a repeated run, spread over attempts.
    let seed = u64::try_from(attempt.0.bits() & u128::from(u64::MAX)).unwrap_or_default();
    let verdict = classify(result, History { attempts, seed });
    let copy = matches!(
        verdict,
        Verdict::Later { copy: true, .. } | Verdict::OtherSim { copy: true, .. }
    );
    Ok(if copy && life.on_unknown != OnUnknown::Retry {
        Verdict::Unknown
    } else {
        verdict
    })
}

/// Applies the verdict to attempt and part. Whether the gateway may go on with the message's next part.
fn settle(
    turn: &mut Turn<'_>,
    life: &mut Life,
    open: &Open,
    verdict: Verdict,
    result: AttemptResult,
) -> Result<bool, OpError> {
    let now = turn.now.utc;
    let part = open.sequence;
    let error = error_of(result);
    match verdict {
        Verdict::Accepted { tp_mr, smsc_timestamp } => {
            end(
                turn,
                life,
                open,
                AttemptState::Accepted,
                (tp_mr, smsc_timestamp),
                None,
                true,
            )?;
            life.step(part, PartEvent::Accepted, now);
            life.note(part, |part| part.tp_mr = tp_mr);
            life.avoid = None;
            turn.changes.accepted(now);
            if !life.pinned {
                numbers::known_by(turn, open.recipient, open.sim)?;
            }
            Ok(true)
        }
        Verdict::Unknown => {
            // A late error on what is unknown already adds nothing.
            if open.state == AttemptState::Written {
                end(turn, life, open, AttemptState::Unknown, (None, None), error, true)?;
                life.step(part, PartEvent::NoOutcome, now);
                // A message in one piece is better sent again elsewhere; the parts of a long one stay together.
                life.avoid = Some(open.sim).filter(|_| life.parts.len() == 1 && !life.pinned);
            }
            Ok(false)
        }
        Verdict::Never => {
            end(turn, life, open, AttemptState::Refused, (None, None), error, false)?;
            life.step(part, PartEvent::Refused, now);
            life.note(part, |part| part.error = error);
            life.error = error;
            // P14: what cannot be whole any more is not begun.
            let begun = life.parts.iter().any(|part| part.state.is_accepted_like());
            if !begun {
                life.withdraw_waiting(PartEvent::Canceled, now);
            }
            Ok(begun)
        }
        Verdict::Later { after, copy } => {
            end(turn, life, open, AttemptState::Refused, (None, None), error, copy)?;
            again(life, open, error, now + after, None, copy, now);
            Ok(false)
        }
        Verdict::OtherSim { after, copy } => {
            end(turn, life, open, AttemptState::Refused, (None, None), error, copy)?;
            again(life, open, error, now + after, Some(open.sim), copy, now);
            Ok(false)
        }
        Verdict::NotSent { after, other_sim } => {
            end(turn, life, open, AttemptState::NotSent, (None, None), error, false)?;
            budget::refund(turn, open.sim, open.recipient, open.written_at)?;
            again(
                life,
                open,
                error,
                now + after,
                other_sim.then_some(open.sim),
                false,
                now,
            );
            Ok(false)
        }
    }
}

fn again(
    life: &mut Life,
    open: &Open,
    error: Option<MessageError>,
    due_at: UtcTime,
    avoid: Option<SimId>,
    copy: bool,
    now: UtcTime,
) {
    life.step(open.sequence, PartEvent::Again, now);
    life.note(open.sequence, |part| {
        part.error = error;
        part.possible_copy |= copy;
    });
    life.possible_copy |= copy;
    life.error = error;
    life.due_at = Some(due_at);
    life.avoid = avoid.filter(|_| !life.pinned);
    // One SIM for all parts binds a message from its first part that went out, and not before.
    if !is_begun(life) && !life.pinned {
        life.sim = None;
    }
}

/// Whether a part of it went out, or may have.
fn is_begun(life: &Life) -> bool {
    life.parts
        .iter()
        .any(|p| p.state.is_accepted_like() || p.state == PartState::Unknown)
}

/// The words for what went wrong; silence has none of its own.
fn error_of(result: AttemptResult) -> Option<MessageError> {
    let answer: Answer = match result {
        AttemptResult::NotSent(answer) | AttemptResult::Failed { answer, .. } => answer,
        AttemptResult::Accepted { .. } | AttemptResult::NoAnswer(_) => return None,
    };
    Some(MessageError {
        code: codes::error_of(answer),
        network_code: Some(NetworkCode::Answer(answer)),
    })
}

/// Writes how an attempt ended. `taken`: the network has the part, or may have it, and a report may speak of it.
fn end(
    turn: &Turn<'_>,
    life: &Life,
    open: &Open,
    state: AttemptState,
    (tp_mr, smsc_timestamp): (Option<u8>, Option<UtcTime>),
    error: Option<MessageError>,
    taken: bool,
) -> Result<(), OpError> {
    let awaiting = taken && life.delivery_report && turn.now.utc < life.wait_until(turn);
    turn.db
        .prepare_cached(
            "UPDATE attempts SET state = ?4, awaiting = ?5, tp_mr = ?6, network_code = ?7, ended_at = ?8,
             smsc_timestamp = ?9 WHERE message = ?1 AND sequence = ?2 AND number = ?3",
        )?
        .execute(params![
            open.message.0.to_octets(),
            open.sequence,
            open.number,
            state as i64,
            awaiting,
            tp_mr,
            error.and_then(|error| error.network_code).map(NetworkCode::to_bits),
            turn.now.utc.as_millis(),
            millis(smsc_timestamp),
        ])?;
    Ok(())
}

/// After a restart: attempts without an answer become unknown. At most one a modem.
pub(super) fn restart(turn: &mut Turn<'_>) -> Result<(), OpError> {
    let open: Vec<AttemptId> = turn
        .db
        .prepare("SELECT id FROM attempts WHERE state IN (0, 3) AND state = 0")?
        .query_map([], |row| row.get(0).map(|id| AttemptId(Ulid::from_octets(id))))?
        .collect::<Result<_, _>>()?;
    for attempt in open {
        close(turn, attempt, AttemptResult::NoAnswer(Silence::Restart))?;
    }
    Ok(())
}
