//! What an outage made late: the store notices the silence over all SIMs when the first attempt after it is written, and
//! holds what is stale since then for a person.

use rusqlite::{Connection, OptionalExtension, params};
use wardwire_core::base::{MessageId, Ulid, UtcTime};
use wardwire_core::queue::lane::Lane;
use wardwire_core::queue::stale::{OUTAGE, Silence};

use super::lanes;
use super::life::Life;
use super::turn::{Flow, OpError, Turn};

/// Messages looked at in one turn, in each lane.
const MESSAGES: i64 = 200;

const KEY: &str = "silence";

/// What a process that starts needs to know of the one before.
pub(super) fn recall(db: &Connection) -> rusqlite::Result<Flow> {
    let last: Option<i64> = db.query_row(
        "SELECT max((SELECT a.written_at FROM attempts a WHERE a.sim = s.id ORDER BY a.written_at DESC LIMIT 1))
         FROM sims s",
        [],
        |row| row.get(0),
    )?;
    let kept: Option<[u8; 16]> = db
        .query_row("SELECT value FROM meta WHERE key = ?1", [KEY], |row| row.get(0))
        .optional()?;
    let silence = kept.map(|kept| {
        let both = u128::from_be_bytes(kept);
        let time = |half: u128| UtcTime::from_millis(i64::try_from(half & u128::from(u64::MAX)).unwrap_or_default());
        Silence {
            from: time(both >> 64),
            until: time(both),
        }
    });
    Ok(Flow {
        last: last.map(UtcTime::from_millis).unwrap_or_default(),
        silence,
        to_hold: silence.is_some(),
    })
}

/// An attempt is about to be written: if it ends a silence, that is kept, also over a restart.
pub(super) fn note_attempt(turn: &mut Turn<'_>) -> Result<(), OpError> {
    let now = turn.now.utc;
    let before = turn.memory.flow;
    let ended = Silence::ended(before.last, now);
    if let Some(Silence { from, until }) = ended {
        let octets = |at: UtcTime| u64::try_from(at.as_millis()).unwrap_or_default().to_be_bytes();
        turn.db
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![KEY, [octets(from), octets(until)].concat()])?;
    }
    turn.memory.set_flow(Flow {
        last: now,
        silence: ended.or(before.silence),
        to_hold: before.to_hold || ended.is_some(),
    });
    Ok(())
}

/// Holds messages that became stale in the last silence; whether there may be more of them. An attempt at one of those
/// left over is refused all the same.
pub(super) fn hold_some(turn: &mut Turn<'_>) -> Result<bool, OpError> {
    let flow = turn.memory.flow;
    let Some(silence) = flow.silence.filter(|_| flow.to_hold) else {
        return Ok(false);
    };
    let mut held = false;
    for lane in turn.memory.lanes.keys().copied().collect::<Vec<_>>() {
        for id in due(turn, lane, silence.until.before(OUTAGE))? {
            if let Some(mut life) = Life::load(turn, id)? {
                life.pass_time(turn);
                held |= life.held.is_some();
                life.save(turn)?;
            }
        }
    }
    turn.memory.set_flow(Flow { to_hold: held, ..flow });
    Ok(held)
}

/// What has been due since then and has a moment, or may have one.
fn due(turn: &Turn<'_>, lane: Lane, since: UtcTime) -> Result<Vec<MessageId>, OpError> {
    let (way, priority, service) = lanes::columns(lane);
    let ids = turn
        .db
        .prepare_cached(
            "SELECT id FROM messages WHERE way = ?1 AND priority = ?2 AND service = ?3 AND due_at <= ?4
             AND (send_at IS NOT NULL OR category IS NOT NULL OR priority < 2) ORDER BY due_at, id LIMIT ?5",
        )?
        .query_map(params![way, priority, service, since.as_millis(), MESSAGES], |row| {
            row.get(0).map(|id| MessageId(Ulid::from_octets(id)))
        })?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}
