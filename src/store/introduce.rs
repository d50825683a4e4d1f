//! Modems and SIMs: who they are, and what a SIM sent lately.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{ModemId, SimId, Ulid, UtcDay, UtcTime};
use wardwire_core::queue::verbs::{Introduce, Introduced, Reply};

use super::turn::{OpError, Turn};
use super::{budget, pasts};

/// What a SIM sent longer ago does not matter to its pace.
const HISTORY: Duration = Duration::from_secs(24 * 3600);
/// Nor does what it seems to have sent later than this from now: the clock is not what it was.
const AHEAD: Duration = Duration::from_secs(3600);

/// Writes down modem and SIM, and tells their ids.
pub(super) fn introduce(turn: &mut Turn<'_>, introduce: &Introduce) -> Result<Reply, OpError> {
    let modem = modem(turn, introduce)?;
    let sim = sim(turn, introduce, modem)?;
    let plan = budget::plan(turn, sim, introduce.plan)?;
    let history = i64::try_from(plan.history()).unwrap_or(i64::MAX);
    let mut sends: Vec<UtcTime> = turn
        .db
        .prepare_cached(
            "SELECT written_at FROM attempts WHERE sim = ?1 AND written_at > ?2 AND written_at <= ?4
             AND state <> 4 ORDER BY written_at DESC LIMIT ?3",
        )?
        .query_map(
            params![
                sim.0.to_octets(),
                turn.now.utc.before(HISTORY).as_millis(),
                history,
                (turn.now.utc + AHEAD).as_millis()
            ],
            |row| row.get(0).map(UtcTime::from_millis),
        )?
        .collect::<Result<_, _>>()?;
    sends.reverse();
    let days = budget::days(turn, sim, plan.month(turn.now.utc).start)?;
    let first_used_at = first_used(turn, sim)?;
    let last_tp_mr = turn
        .db
        .prepare_cached(
            "SELECT tp_mr FROM (SELECT tp_mr, written_at FROM attempts WHERE sim = ?1 ORDER BY written_at DESC LIMIT 300)
             WHERE tp_mr IS NOT NULL ORDER BY written_at DESC LIMIT 1",
        )?
        .query_row([sim.0.to_octets()], |row| row.get(0))
        .optional()?;
    let receive_only = turn
        .db
        .prepare_cached("SELECT receive_only FROM sims WHERE id = ?1")?
        .query_row([sim.0.to_octets()], |row| row.get(0))?;
    Ok(Reply::Introduced(Box::new(Introduced {
        modem,
        sim,
        plan,
        first_used_at,
        sends,
        days,
        last_tp_mr,
        receive_only,
        past: pasts::of_modem(turn.db, introduce.imei.as_deref())?,
    })))
}

/// When a SIM was first used here. When that attempt is gone already, its day is known longer.
fn first_used(turn: &Turn<'_>, sim: SimId) -> Result<Option<UtcTime>, OpError> {
    let (attempt, day): (Option<i64>, Option<i64>) = turn
        .db
        .prepare_cached(
            "SELECT (SELECT min(written_at) FROM attempts WHERE sim = ?1), (SELECT min(day) FROM sim_days WHERE sim = ?1)",
        )?
        .query_row([sim.0.to_octets()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let attempt = attempt.map(UtcTime::from_millis);
    let day = day.map(UtcDay::from_number);
    Ok(match (attempt, day) {
        (Some(at), Some(day)) if day < at.day() => Some(day.begin()),
        (None, Some(day)) => Some(day.begin()),
        (attempt, _) => attempt,
    })
}

/// The modem with this IMEI; one that does not tell it now is the one that had this label last.
fn modem(turn: &mut Turn<'_>, introduce: &Introduce) -> Result<ModemId, OpError> {
    let known: Option<[u8; 16]> = turn
        .db
        .prepare_cached(
            "SELECT id FROM modems WHERE imei = ?1 OR (label = ?2 AND (?1 IS NULL OR imei IS NULL))
             ORDER BY imei IS ?1 DESC, seen_at DESC LIMIT 1",
        )?
        .query_row(params![introduce.imei, introduce.label], |row| row.get(0))
        .optional()?;
    let id = known.unwrap_or_else(|| turn.new_id().to_octets());
    turn.db
        .prepare_cached(
            "INSERT INTO modems (id, label, imei, manufacturer, model, firmware, created_at, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
             ON CONFLICT (id) DO UPDATE SET label = excluded.label, imei = coalesce(excluded.imei, imei),
             manufacturer = excluded.manufacturer, model = excluded.model, firmware = excluded.firmware,
             seen_at = excluded.seen_at",
        )?
        .execute(params![
            id,
            introduce.label,
            introduce.imei,
            introduce.manufacturer,
            introduce.model,
            introduce.firmware,
            turn.now.utc.as_millis(),
        ])?;
    Ok(ModemId(Ulid::from_octets(id)))
}

/// The SIM with this ICCID, else with this IMSI; else the one this modem had last, when what it tells now and what is known
/// of that one cannot be compared. So a read that fails once does not make a new SIM, with a budget of its own and everything on
/// it received again.
fn sim(turn: &mut Turn<'_>, introduce: &Introduce, modem: ModemId) -> Result<SimId, OpError> {
    let known: Option<[u8; 16]> = turn
        .db
        .prepare_cached(
            "SELECT id FROM sims WHERE iccid = ?1 OR (imsi = ?2 AND (?1 IS NULL OR iccid IS NULL))
             OR (modem = ?3 AND (?1 IS NULL OR iccid IS NULL) AND (?2 IS NULL OR imsi IS NULL)
                 AND seen_at = (SELECT max(seen_at) FROM sims WHERE modem = ?3))
             ORDER BY iccid IS ?1 AND ?1 IS NOT NULL DESC, imsi IS ?2 AND ?2 IS NOT NULL DESC, seen_at DESC LIMIT 1",
        )?
        .query_row(params![introduce.iccid, introduce.imsi, modem.0.to_octets()], |row| {
            row.get(0)
        })
        .optional()?;
    let id = known.unwrap_or_else(|| turn.new_id().to_octets());
    let number = introduce.number.as_ref().map(|number| number.as_e164());
    turn.db
        .prepare_cached(
            "INSERT INTO sims (id, iccid, imsi, number, modem, created_at, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
             ON CONFLICT (id) DO UPDATE SET iccid = coalesce(excluded.iccid, iccid),
             imsi = coalesce(excluded.imsi, imsi), number = coalesce(excluded.number, number),
             modem = excluded.modem, seen_at = excluded.seen_at",
        )?
        .execute(params![
            id,
            introduce.iccid,
            introduce.imsi,
            number,
            modem.0.to_octets(),
            turn.now.utc.as_millis(),
        ])?;
    Ok(SimId(Ulid::from_octets(id)))
}
