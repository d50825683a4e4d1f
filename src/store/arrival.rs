//! Whether what a SIM sends arrives, by its delivery reports: looked at twice an hour, over an index. What is found is kept with the SIM, so
//! that a start changes nothing, and told once.

use std::time::Duration;

use rusqlite::params;
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
    let texts = |from: UtcTime, to: UtcTime| -> Result<Vec<(Duration, bool)>, OpError> {
        let state = AttemptState::Accepted as i64;
        let most = i64::try_from(arrival::ALL_MAX).unwrap_or(i64::MAX);
        let told = |(written_at, reported_at): (UtcTime, Option<UtcTime>)| {
            let in_time = reported_at.is_some_and(|at| at.since(written_at) <= arrival::IN_TIME);
            (settled.since(written_at), in_time)
        };
        let texts = turn
            .db
            .prepare_cached(SELECT_TOLD)?
            .query_map(
                params![sim.0.to_octets(), from.as_millis(), to.as_millis(), state, most],
                |row| {
                    let mut c = Columns::new(row);
                    Ok((c.time()?, c.time_or_none()?))
                },
            )?
            .map(|row| row.map(told))
            .collect::<Result<_, _>>()?;
        Ok(texts)
    };
    let arrival = match since {
        None => arrival::judge(texts(settled.before(arrival::USED_TO), settled)?.into_iter(), false),
        Some(since) => {
            let lately = texts(since.max(settled.before(arrival::LATELY)), settled)?;
            let begun = since.before(arrival::LATELY);
            let before = texts(begun.before(arrival::USED_TO), begun)?;
            let lately = lately.into_iter().take(arrival::LATELY_MAX);
            let before = before.into_iter().map(|(_, told)| (arrival::USED_TO, told));
            arrival::judge(lately.chain(before), true)
        }
    };
    Ok(match arrival {
        Arrival::Dropped { .. } => true,
        Arrival::Sound => false,
        Arrival::Unknown => since.is_some(),
    })
}
