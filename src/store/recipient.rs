//! How many texts one person may get in a day: what keeps a system that runs away from somebody's phone. Decided where the first
//! attempt of a message is written, so that no order of requests gets round it.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::UtcTime;
use wardwire_core::queue::state::{Category, Priority};

use super::life::Life;
use super::turn::{OpError, Turn};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// When this message may be begun, if not now; `None` counts it. Each text the person sent in the last day allows one more: an answer
/// is no burden, and two machines that answer each other still come to an end.
pub(super) fn waits_until(turn: &Turn<'_>, life: &Life) -> Result<Option<UtcTime>, OpError> {
    let cap = turn.settings.per_recipient_per_day;
    if cap == 0 || is_exempt(life) {
        return Ok(None);
    }
    let now = turn.now.utc;
    let since = now.before(DAY).as_millis();
    let known: Option<i64> = turn
        .db
        .prepare_cached("SELECT 1 FROM texted WHERE number = ?1 AND message = ?2")?
        .query_row(params![life.number, life.id.0.to_octets()], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(None);
    }
    let (texted, heard): (i64, i64) = turn
        .db
        .prepare_cached(
            "SELECT (SELECT count(*) FROM texted WHERE number = ?1 AND at > ?2),
             (SELECT count(*) FROM inbound_messages WHERE number = ?1 AND kind = 0 AND received_at > ?2)",
        )?
        .query_row(params![life.number, since], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let over = texted - heard - i64::from(cap);
    if over < 0 {
        turn.db
            .prepare_cached("INSERT INTO texted (number, message, at) VALUES (?1, ?2, ?3)")?
            .execute(params![life.number, life.id.0.to_octets(), now.as_millis()])?;
        return Ok(None);
    }
    let frees: i64 = turn
        .db
        .prepare_cached("SELECT at FROM texted WHERE number = ?1 AND at > ?2 ORDER BY at LIMIT 1 OFFSET ?3")?
        .query_row(params![life.number, since, over], |row| row.get(0))?;
    Ok(Some(UtcTime::from_millis(frees) + DAY))
}

/// Staff are told, an emergency is not counted, and a test of a SIM goes to that SIM.
fn is_exempt(life: &Life) -> bool {
    let for_staff = matches!(life.category, Some(Category::StaffAlert | Category::System));
    for_staff || life.priority == Priority::Emergency || life.pinned
}

/// Forgets what is a day old, some rows a turn.
pub(super) fn forget(turn: &Turn<'_>, most: i64) -> Result<(), OpError> {
    turn.db
        .prepare_cached(
            "DELETE FROM texted WHERE (number, message) IN
             (SELECT number, message FROM texted WHERE at <= ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![turn.now.utc.before(DAY).as_millis(), most])?;
    Ok(())
}
