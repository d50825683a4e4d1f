//! What of a modem outlives a restart besides its messages: what people took from it, and what its recovery has learned. By slot,
//! with the modem that was in it: one that moves takes its past along.

use rusqlite::{Connection, OptionalExtension as _, params};
use wardwire_core::base::{Ban, Past, StepPast};
use wardwire_core::queue::verbs::{KeepPast, Reply};

use super::read::{Read, Reader};
use super::turn::{OpError, Turn};

/// Of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRecord {
    /// Label of the slot.
    pub label: String,
    /// The modem that was in it, where it told its IMEI.
    pub imei: Option<String>,
    /// Its past.
    pub past: Past,
}

/// Keeps the past of a slot in place of what was kept before.
pub(super) fn keep(turn: &Turn<'_>, keep: &KeepPast) -> Result<Reply, OpError> {
    let KeepPast { label, imei, past } = keep;
    if let Some(imei) = imei {
        for sql in [
            "DELETE FROM modem_steps WHERE label IN (SELECT label FROM modem_pasts WHERE imei = ?1 AND label <> ?2)",
            "DELETE FROM modem_pasts WHERE imei = ?1 AND label <> ?2",
        ] {
            turn.db.prepare_cached(sql)?.execute(params![imei, label])?;
        }
    }
    turn.db
        .prepare_cached(
            "INSERT INTO modem_pasts (label, imei, ban) VALUES (?1, ?2, ?3)
             ON CONFLICT (label) DO UPDATE SET imei = coalesce(excluded.imei, imei), ban = excluded.ban",
        )?
        .execute(params![label, imei, past.ban.map(code)])?;
    turn.db
        .prepare_cached("DELETE FROM modem_steps WHERE label = ?1")?
        .execute([label])?;
    for step in &past.steps {
        turn.db
            .prepare_cached(
                "INSERT INTO modem_steps (label, level, day, today, tried, helped, worse)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                label,
                step.level,
                step.day,
                step.today,
                step.tried,
                step.helped,
                step.worse
            ])?;
    }
    Ok(Reply::PastKept)
}

/// What was kept of this modem; nothing where it was never written.
pub(super) fn of_modem(db: &Connection, imei: Option<&str>) -> rusqlite::Result<Past> {
    let found = db
        .prepare_cached("SELECT label, ban FROM modem_pasts WHERE imei = ?1")?
        .query_row([imei], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
        .optional()?;
    match found {
        Some((label, ban)) => past(db, &label, ban),
        None => Ok(Past::default()),
    }
}

fn past(db: &Connection, label: &str, ban: Option<u8>) -> rusqlite::Result<Past> {
    let steps = db
        .prepare_cached("SELECT level, day, today, tried, helped, worse FROM modem_steps WHERE label = ?1")?
        .query_map([label], |row| {
            Ok(StepPast {
                level: row.get(0)?,
                day: row.get(1)?,
                today: row.get(2)?,
                tried: row.get(3)?,
                helped: row.get(4)?,
                worse: row.get(5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(Past {
        ban: ban.and_then(ban_of),
        steps,
    })
}

const fn code(ban: Ban) -> u8 {
    match ban {
        Ban::Drained => 0,
        Ban::Disabled => 1,
    }
}

const fn ban_of(code: u8) -> Option<Ban> {
    match code {
        0 => Some(Ban::Drained),
        1 => Some(Ban::Disabled),
        _ => None,
    }
}

impl Reader {
    /// What was kept of every slot there was.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn pasts(&self) -> Read<Vec<PastRecord>> {
        let db = self.connection();
        let rows: Vec<(String, Option<String>, Option<u8>)> = db
            .prepare_cached("SELECT label, imei, ban FROM modem_pasts ORDER BY label")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let mut records = Vec::with_capacity(rows.len());
        for (label, imei, ban) in rows {
            let past = past(db, &label, ban)?;
            records.push(PastRecord { label, imei, past });
        }
        Ok(records)
    }
}
