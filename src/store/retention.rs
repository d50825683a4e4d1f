//! What is kept for how long: texts go first, then who the people were, then the events, at last the rows. Sealed columns are
//! emptied, rows stay for what refers to them; a person is erased by the data key. Done a little at a time over an index, so
//! that no turn is long; at the end a file that has become mostly empty is made smaller.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::UtcTime;
use wardwire_core::queue::state::{MessageStatus, Sensitivity};

use super::read::id_from;
use super::tally::{QUARTER, Tally};
use super::turn::{OpError, Turn};
use super::{budget, recipient};

/// Rows of each kind in one turn.
const ROWS: i64 = 200;
/// Messages deleted with all that belongs to them in one turn.
const WHOLE: i64 = 20;
/// Looked at again after this, when nothing was left over.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// A file with fewer free pages is not made smaller: they are used again soon.
const SLACK: i64 = 256;
/// Pages given back in one turn.
const PAGES: i64 = 256;

/// One turn, when it is time for one.
pub(super) fn retain(turn: &mut Turn<'_>) -> Result<(), OpError> {
    let now = turn.now.utc;
    let due = *turn.memory.retain_at.get_or_insert(now + EVERY);
    if now < due {
        return Ok(());
    }
    let periods = turn.settings.retention;
    let mut more = false;
    for (sensitivity, period) in [
        (Sensitivity::Usual, periods.text),
        (Sensitivity::Sensitive, periods.sensitive_text),
        (Sensitivity::Code, periods.code_text),
    ] {
        more |= texts(turn, sensitivity, now.before(period))?;
    }
    answers(turn, now)?;
    for received in [INBOUND, REPORTS] {
        more |= received.erase(turn, now.before(periods.text))?;
    }
    more |= people(turn, now.before(periods.number))?;
    more |= events(turn, now.before(periods.event))?;
    let old = now.before(periods.record);
    more |= messages(turn, old)?;
    more |= batches(turn, old)?;
    for received in [INBOUND, REPORTS] {
        more |= received.delete(turn, old)?;
    }
    tallies(turn, old)?;
    budget::forget(turn)?;
    recipient::forget(turn, ROWS * 5)?;
    more |= shrink(turn)?;
    turn.memory.retain_at = Some(if more { now } else { now + EVERY });
    Ok(())
}

/// Texts of messages that ended before. Whether there may be more.
fn texts(turn: &Turn<'_>, sensitivity: Sensitivity, before: UtcTime) -> Result<bool, OpError> {
    let ids: Vec<[u8; 16]> = turn
        .db
        .prepare_cached(SELECT_TEXTS)?
        .query_map(params![sensitivity as i64, before.as_millis(), ROWS], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &ids {
        turn.db
            .prepare_cached("UPDATE parts SET content = NULL WHERE message = ?1")?
            .execute([id])?;
        turn.db
            .prepare_cached("UPDATE messages SET body = NULL WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(is_full(ids.len(), ROWS))
}

pub(super) const SELECT_TEXTS: &str = "SELECT id FROM messages
    WHERE sensitivity = ?1 AND final_at <= ?2 AND final_at IS NOT NULL AND body IS NOT NULL ORDER BY final_at LIMIT ?3";

/// Stored answers that hold a code. Those of other messages are gone after seven days with their key.
fn answers(turn: &Turn<'_>, now: UtcTime) -> Result<(), OpError> {
    turn.db
        .prepare_cached(
            "UPDATE idempotency_keys SET response = NULL, erase_at = NULL WHERE digest IN
             (SELECT digest FROM idempotency_keys WHERE erase_at <= ?1 ORDER BY erase_at LIMIT ?2)",
        )?
        .execute(params![now.as_millis(), ROWS])?;
    Ok(())
}

/// What came from modems, in the order of ids, which is the order of time. How far it is erased stands in `meta`.
#[derive(Clone, Copy)]
struct Received {
    table: &'static str,
    /// Key in `meta`.
    cursor: &'static str,
    /// Empty the sealed columns of ids above ?1 up to ?2.
    erase: &'static [&'static str],
    /// Delete the rows of ids up to ?1.
    delete: &'static [&'static str],
}

const INBOUND: Received = Received {
    table: "inbound_messages",
    cursor: "erased inbound",
    erase: &[
        "UPDATE inbound_messages SET body = NULL WHERE id > ?1 AND id <= ?2",
        "UPDATE inbound_parts SET raw = NULL WHERE inbound > ?1 AND inbound <= ?2",
    ],
    delete: &[
        "DELETE FROM inbound_parts WHERE inbound <= ?1",
        "DELETE FROM inbound_messages WHERE id <= ?1",
    ],
};

const REPORTS: Received = Received {
    table: "reports",
    cursor: "erased reports",
    erase: &["UPDATE reports SET raw = NULL WHERE id > ?1 AND id <= ?2"],
    delete: &["DELETE FROM reports WHERE id <= ?1"],
};

impl Received {
    /// The last id of the next rows between these ids, and whether there may be more.
    fn next(self, turn: &Turn<'_>, after: &[u8], before: UtcTime) -> Result<(Option<[u8; 16]>, bool), OpError> {
        let sql = format!(
            "SELECT max(id), count(*) FROM (SELECT id FROM {} WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
            self.table
        );
        let (last, count): (Option<[u8; 16]>, i64) = turn
            .db
            .prepare_cached(&sql)?
            .query_row(params![after, id_from(before), ROWS], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok((last, count >= ROWS))
    }

    fn erase(self, turn: &Turn<'_>, before: UtcTime) -> Result<bool, OpError> {
        let cursor: Option<Vec<u8>> = turn
            .db
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([self.cursor], |row| row.get(0))
            .optional()?;
        let cursor = cursor.unwrap_or_else(|| vec![0; 16]);
        let (Some(last), more) = self.next(turn, &cursor, before)? else {
            return Ok(false);
        };
        for sql in self.erase {
            turn.db.prepare_cached(sql)?.execute(params![cursor, last])?;
        }
        turn.db
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![self.cursor, last])?;
        Ok(more)
    }

    fn delete(self, turn: &Turn<'_>, before: UtcTime) -> Result<bool, OpError> {
        let (Some(last), more) = self.next(turn, &[0; 16], before)? else {
            return Ok(false);
        };
        for sql in self.delete {
            turn.db.prepare_cached(sql)?.execute([last])?;
        }
        Ok(more)
    }
}

/// Who people are that nobody wrote to and nobody heard of since.
fn people(turn: &Turn<'_>, before: UtcTime) -> Result<bool, OpError> {
    // No count of people looks back that far.
    turn.db
        .prepare_cached(
            "DELETE FROM sim_people WHERE number IN
             (SELECT id FROM numbers WHERE data_key IS NOT NULL AND used_at <= ?1 ORDER BY used_at LIMIT ?2)
             AND day < ?3",
        )?
        .execute(params![
            before.as_millis(),
            ROWS,
            turn.now.utc.day().number() - budget::TOLD
        ])?;
    let erased = turn
        .db
        .prepare_cached(
            "UPDATE numbers SET data_key = NULL, number = NULL, tail_hash = NULL, sim = NULL WHERE id IN
             (SELECT id FROM numbers WHERE data_key IS NOT NULL AND used_at <= ?1 ORDER BY used_at LIMIT ?2)",
        )?
        .execute(params![before.as_millis(), ROWS])?;
    Ok(is_full(erased, ROWS))
}

/// Old events; the newest stays, since the next one counts on from it.
fn events(turn: &Turn<'_>, before: UtcTime) -> Result<bool, OpError> {
    let oldest: Option<(i64, i64)> = turn
        .db
        .prepare_cached("SELECT sequence, created_at FROM events ORDER BY sequence LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, _)) = oldest.filter(|(_, at)| *at < before.as_millis()) else {
        return Ok(false);
    };
    let newest = i64::try_from(turn.memory.sequence).unwrap_or(i64::MAX);
    let end = first.saturating_add(ROWS * 5).min(newest);
    let deleted = turn
        .db
        .prepare_cached("DELETE FROM events WHERE sequence >= ?1 AND sequence < ?2 AND created_at < ?3")?
        .execute(params![first, end, before.as_millis()])?;
    if deleted > 0 {
        // Whoever was not told of them in all that time never will be.
        turn.db
            .prepare_cached("DELETE FROM outbox WHERE sequence < (SELECT min(sequence) FROM events)")?
            .execute([])?;
    }
    Ok(is_full(deleted, ROWS * 5))
}

/// Messages that ended, with all that belongs to them.
fn messages(turn: &mut Turn<'_>, before: UtcTime) -> Result<bool, OpError> {
    let old: Vec<([u8; 16], i64)> = turn
        .db
        .prepare_cached("SELECT id, status FROM messages WHERE id < ?1 AND final = 1 ORDER BY id LIMIT ?2")?
        .query_map(params![id_from(before), WHOLE], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, status) in &old {
        for sql in [
            "DELETE FROM attempts WHERE message = ?1",
            "DELETE FROM parts WHERE message = ?1",
            "DELETE FROM loopbacks WHERE message = ?1",
            "DELETE FROM messages WHERE id = ?1",
        ] {
            turn.db.prepare_cached(sql)?.execute([id])?;
        }
        let status = usize::try_from(*status)
            .ok()
            .and_then(|code| MessageStatus::ALL.get(code));
        if let Some(status) = status {
            turn.changes.status(*status, -1);
        }
    }
    Ok(is_full(old.len(), WHOLE))
}

/// Batches whose messages are gone.
fn batches(turn: &Turn<'_>, before: UtcTime) -> Result<bool, OpError> {
    let old: Vec<[u8; 16]> = turn
        .db
        .prepare_cached(
            "SELECT id FROM batches WHERE id < ?1 AND completed_at IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM messages WHERE batch = batches.id) ORDER BY id LIMIT ?2",
        )?
        .query_map(params![id_from(before), WHOLE], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &old {
        for sql in [
            "DELETE FROM batch_counts WHERE batch = ?1",
            "DELETE FROM batch_keys WHERE batch = ?1",
            "DELETE FROM batches WHERE id = ?1",
        ] {
            turn.db.prepare_cached(sql)?.execute([id])?;
        }
    }
    Ok(is_full(old.len(), WHOLE))
}

/// Counts of quarters of an hour long ago.
fn tallies(turn: &Turn<'_>, before: UtcTime) -> Result<(), OpError> {
    let quarter = before.as_millis().div_euclid(QUARTER);
    for kind in [
        Tally::Due,
        Tally::Sent,
        Tally::Delivered,
        Tally::Failed,
        Tally::Received,
    ] {
        turn.db
            .prepare_cached("DELETE FROM tallies WHERE kind = ?1 AND quarter < ?2")?
            .execute(params![kind.code(), quarter])?;
    }
    Ok(())
}

/// Gives pages back to the file system, while more than a quarter of the file is free.
fn shrink(turn: &Turn<'_>) -> Result<bool, OpError> {
    let free: i64 = turn
        .db
        .prepare_cached("PRAGMA freelist_count")?
        .query_row([], |row| row.get(0))?;
    if free < SLACK {
        return Ok(false);
    }
    let all: i64 = turn
        .db
        .prepare_cached("PRAGMA page_count")?
        .query_row([], |row| row.get(0))?;
    if free < all / 4 {
        return Ok(false);
    }
    turn.db.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    Ok(true)
}

/// Whether as many were found as were asked for, so that more may be left.
fn is_full(found: usize, asked: i64) -> bool {
    i64::try_from(found).is_ok_and(|found| found >= asked)
}
