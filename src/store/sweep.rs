//! What is due by time alone: messages that lapse, unknowns that are sent again or given up, waits that end, rows that
//! are kept for a while only. Everything is bounded; what is left over is done in the next turn.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{MessageId, Ulid, UtcTime};
use wardwire_core::queue::verbs::Reply;

use super::arrival;
use super::inbound;
use super::lanes;
use super::life::Life;
use super::loopback;
use super::retention;
use super::stale;
use super::turn::{OpError, Turn};

/// Messages looked at in one turn.
const MESSAGES: i64 = 200;
/// Old rows deleted in one turn, of each kind.
const OLD_ROWS: i64 = 500;
/// How long idempotency keys and digests of TPDUs are kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// One turn.
pub(super) fn sweep(turn: &mut Turn<'_>) -> Result<Reply, OpError> {
    let now = turn.now.utc;
    let due: Vec<MessageId> = turn
        .db
        .prepare_cached("SELECT id FROM messages WHERE wake_at <= ?1 ORDER BY wake_at, id LIMIT ?2")?
        .query_map(params![now.as_millis(), MESSAGES], |row| {
            row.get(0).map(|id| MessageId(Ulid::from_octets(id)))
        })?
        .collect::<Result<_, _>>()?;
    let mut put_off = Vec::new();
    for id in due {
        if let Some(mut life) = Life::load(turn, id)? {
            life.pass_time(turn);
            if turn.memory.leases.contains_key(&id) && life.is_put_off(turn) {
                turn.memory.end_lease(id);
                put_off.push(id);
            }
            life.save(turn)?;
        }
    }
    let more = stale::hold_some(turn)?.then_some(now);
    let reassembly = inbound::end_waits(turn)?;
    forget(turn, "seen", "digest", "seen_at")?;
    forget(turn, "idempotency_keys", "digest", "created_at")?;
    forget(turn, "batch_keys", "digest", "created_at")?;
    retention::retain(turn)?;
    let wake: Option<i64> = turn
        .db
        .prepare_cached("SELECT wake_at FROM messages WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let wake = wake.map(UtcTime::from_millis);
    Ok(Reply::Swept {
        deaf: loopback::overdue(turn)?,
        dropped: arrival::judge_all(turn)?,
        put_off,
        next: [wake, reassembly, more].into_iter().flatten().min(),
        due: work(turn)?,
    })
}

fn forget(turn: &Turn<'_>, table: &'static str, key: &'static str, time: &'static str) -> Result<(), OpError> {
    let before = turn.now.utc.before(KEPT).as_millis();
    // Nearly always there is nothing old: an index seek tells, where the deletion would set up a table of its own.
    let oldest: Option<i64> = turn
        .db
        .prepare_cached(&format!("SELECT {time} FROM {table} ORDER BY {time} LIMIT 1"))?
        .query_row([], |row| row.get(0))
        .optional()?;
    if oldest.is_none_or(|oldest| oldest >= before) {
        return Ok(());
    }
    let sql = format!(
        "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {time} < ?1 ORDER BY {time} LIMIT ?2)"
    );
    turn.db.prepare_cached(&sql)?.execute(params![before, OLD_ROWS])?;
    Ok(())
}

/// Whether a message is due that is not given out.
fn work(turn: &Turn<'_>) -> Result<bool, OpError> {
    let mut select = turn.db.prepare_cached(
        "SELECT id FROM messages WHERE way = ?1 AND priority = ?2 AND service = ?3 AND (due_at, id) >= (?4, ?5)
         AND due_at <= ?6 AND valid_until > ?6 ORDER BY due_at, id",
    )?;
    let now = turn.now.utc.as_millis();
    for (lane, state) in turn.memory.lanes.iter().filter(|(_, state)| state.next <= now) {
        let (way, priority, service) = lanes::columns(*lane);
        let (due, id) = state.cursor.unwrap_or((i64::MIN, Ulid::from_bits(0)));
        let mut rows = select.query(params![way, priority, service, due, id.to_octets(), now])?;
        while let Some(row) = rows.next()? {
            let id = MessageId(Ulid::from_octets(row.get(0)?));
            if !turn.memory.leases.contains_key(&id) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
