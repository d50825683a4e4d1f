//! Whether what a SIM sends arrives, by its delivery reports: looked at twice an hour, over an index. What is found is kept with the SIM, so
//! that a start changes nothing, and told once.

use std::time::Duration;

use rusqlite::{Row, params};
use wardwire_core::base::{SimId, UtcTime};
use wardwire_core::queue::arrival::{self, Arrival};

use super::code::Columns;
use super::records::{AttemptState, EventKind, Subject};
use super::turn::{OpError, Turn};

/// From one look to the next: a text is waited for half as long.
const EVERY: Duration = Duration::from_secs(30 * 60);

/// Texts of a SIM that a report was asked for and that had their time, newest first.
pub(super) const SELECT_TOLD: &str = "SELECT a.written_at, p.reported_at FROM attempts a INDEXED BY attempts_sim
    CROSS JOIN messages m ON m.id = a.message CROSS JOIN parts p ON p.message = a.message AND p.sequence = a.sequence
    WHERE a.sim = ?1 AND a.written_at > ?2 AND a.written_at <= ?3 AND a.state = ?4 AND m.delivery_report = 1
    ORDER BY a.written_at DESC LIMIT ?5";

/// The SIMs whose texts are dropped, when it is time to look.
pub(super) fn judge_all(turn: &mut Turn<'_>) -> Result<Option<Vec<SimId>>, OpError> {
    let now = turn.now.utc;
    // A clock that was set back must not end the looking.
    let soon = now + EVERY;
    if turn.memory.arrivals_at.is_some_and(|at| now < at && at <= soon) {
        return Ok(None);
    }
    turn.memory.arrivals_at = Some(soon);
    let lately = now.before(arrival::LATELY + arrival::IN_TIME).as_millis();
    let sims: Vec<(SimId, Option<UtcTime>)> = turn
        .db
        .prepare_cached(
            "SELECT id, dropped_since FROM sims s WHERE dropped_since IS NOT NULL
             OR EXISTS (SELECT 1 FROM attempts WHERE sim = s.id AND written_at > ?1)",
        )?
        .query_map([lately], |row| {
            let mut c = Columns::new(row);
            Ok((SimId(c.ulid()?), c.time_or_none()?))
        })?
        .collect::<Result<_, _>>()?;
    let mut dropped = Vec::new();
    for (sim, since) in sims {
        let is = is_dropped(turn, sim, since)?;
        if is != since.is_some() {
            turn.db
                .prepare_cached("UPDATE sims SET dropped_since = ?2 WHERE id = ?1")?
                .execute(params![sim.0.to_octets(), is.then_some(now.as_millis())])?;
            let kind = if is {
                EventKind::SimSuspect
            } else {
                EventKind::SimTrusted
            };
            turn.event(kind, turn.service, Subject::Sim(sim))?;
        }
        if is {
            dropped.push(sim);
        }
    }
    Ok(Some(dropped))
}

/// Whether what this SIM sends is dropped. Once it is, what it is used to is what it was used to before: a week of dropping
/// must not become the measure.
fn is_dropped(turn: &Turn<'_>, sim: SimId, since: Option<UtcTime>) -> Result<bool, OpError> {
    let settled = turn.now.utc.before(arrival::IN_TIME);
    // Nothing can be said any more when too little was sent for a week.
    if since.is_some_and(|since| settled.since(since) > arrival::USED_TO) {
        return Ok(false);
    }
    let mut select = turn.db.prepare_cached(SELECT_TOLD)?;
    let read = |row: &Row<'_>| {
        let mut c = Columns::new(row);
        let (written_at, reported_at) = (c.time()?, c.time_or_none()?);
        let in_time = reported_at.is_some_and(|at| at.since(written_at) <= arrival::IN_TIME);
        Ok((settled.since(written_at), in_time))
    };
    let state = AttemptState::Accepted as i64;
    let mut texts = |from: UtcTime, to: UtcTime, most: usize| -> Result<Vec<(Duration, bool)>, OpError> {
        let (from, to, most) = (
            from.as_millis(),
            to.as_millis(),
            i64::try_from(most).unwrap_or(i64::MAX),
        );
        let rows = select.query_map(params![sim.0.to_octets(), from, to, state, most], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let arrival = match since {
        None => {
            let week = settled.before(arrival::USED_TO);
            // The texts of late and one before them: nearly always they suffice.
            let latest = texts(week, settled, arrival::LATELY_MAX + 1)?;
            let all = latest.len() <= arrival::LATELY_MAX;
            match arrival::judge(latest.into_iter(), false) {
                Arrival::Unknown | Arrival::Dropped { .. } if !all => {
                    arrival::judge(texts(week, settled, arrival::ALL_MAX)?.into_iter(), false)
                }
                told @ (Arrival::Unknown | Arrival::Dropped { .. } | Arrival::Sound) => told,
            }
        }
        Some(since) => {
            let lately = texts(since.max(settled.before(arrival::LATELY)), settled, arrival::LATELY_MAX)?;
            let begun = since.before(arrival::LATELY);
            let before = texts(begun.before(arrival::USED_TO), begun, arrival::ALL_MAX)?;
            let before = before.into_iter().map(|(_, told)| (arrival::USED_TO, told));
            arrival::judge(lately.into_iter().chain(before), true)
        }
    };
    Ok(match arrival {
        Arrival::Dropped { .. } => true,
        Arrival::Sound => false,
        Arrival::Unknown => since.is_some(),
    })
}
