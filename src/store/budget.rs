//! What each SIM used of its budgets, counted in the transaction that writes the attempt, and what a person entered of its plan.
//! It decides nothing but whether a recipient is one too many: all other limits are the gateway's (`core/dispatch/pace.rs`).

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{MessageId, SimId, UtcDay, UtcTime, limits};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::plan::{Circle, DayUse, KEYS, Mark, Met, Plan};
use wardwire_core::queue::verbs::{DueMessage, Reply};

use super::code::Columns;
use super::life::Life;
use super::records::{EventKind, MessageError, Subject};
use super::turn::{OpError, Turn};

/// Days that are kept: more than any budget looks back.
const KEPT: i64 = 400;
/// Days told at most: a month, and what a clock that was set back left ahead of it. Nor is anything counted anew longer ago.
pub(super) const TOLD: i64 = 62;

/// Whether one more attempt to this number leaves the SIM within its circle.
pub(super) fn has_room(turn: &Turn<'_>, sim: SimId, number: i64, circle: Circle) -> Result<bool, OpError> {
    let sim = sim.0.to_octets();
    let known: Option<i64> = turn
        .db
        .prepare_cached("SELECT day FROM sim_people WHERE number = ?1 AND sim = ?2")?
        .query_row(params![number, sim], |row| row.get(0))
        .optional()?;
    if known.is_some_and(|day| day >= circle.from.number()) {
        return Ok(true);
    }
    let people: u32 = turn
        .db
        .prepare_cached("SELECT coalesce(sum(recipients), 0) FROM sim_days WHERE sim = ?1 AND day >= ?2 AND day < ?3")?
        .query_row(params![sim, circle.from.number(), circle.until.number()], |row| {
            row.get(0)
        })?;
    Ok(people < circle.most)
}

/// Counts an attempt to this number that begins now.
pub(super) fn spend(turn: &Turn<'_>, sim: SimId, number: i64) -> Result<Met, OpError> {
    let (id, today) = (sim.0.to_octets(), turn.now.utc.day());
    let met = turn
        .db
        .prepare_cached(
            "INSERT INTO sim_people (number, sim, day) VALUES (?1, ?2, ?3)
             ON CONFLICT (number, sim) DO UPDATE SET before = day, day = max(day, excluded.day) RETURNING day, before",
        )?
        .query_row(params![number, id, today.number()], |row| {
            let mut c = Columns::new(row);
            Ok(Met {
                day: UtcDay::from_number(c.get()?),
                before: c.get::<Option<i64>>()?.map(UtcDay::from_number),
            })
        })?;
    let new = met.before != Some(met.day);
    turn.db
        .prepare_cached(
            "INSERT INTO sim_days (sim, day, parts, recipients) VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (sim, day) DO UPDATE SET parts = parts + 1, recipients = recipients + excluded.recipients",
        )?
        .execute(params![id, today.number(), new])?;
    if let Some(before) = met.before.filter(|_| new) {
        people(turn, sim, before, -1)?;
    }
    Ok(met)
}

/// Takes back the last attempt of a SIM to this number, written then: nothing of it left the box.
pub(super) fn refund(turn: &Turn<'_>, sim: SimId, number: i64, written_at: UtcTime) -> Result<(), OpError> {
    let id = sim.0.to_octets();
    turn.db
        .prepare_cached("UPDATE sim_days SET parts = parts - 1 WHERE sim = ?1 AND day = ?2 AND parts > 0")?
        .execute(params![id, written_at.day().number()])?;
    let met: Option<(i64, Option<i64>)> = turn
        .db
        .prepare_cached("SELECT day, before FROM sim_people WHERE number = ?1 AND sim = ?2")?
        .query_row(params![number, id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((day, before)) = met.filter(|(day, before)| Some(*day) != *before) else {
        return Ok(());
    };
    let (sql, ids) = match before {
        Some(_) => (
            "UPDATE sim_people SET day = before WHERE number = ?1 AND sim = ?2",
            params![number, id],
        ),
        None => (
            "DELETE FROM sim_people WHERE number = ?1 AND sim = ?2",
            params![number, id],
        ),
    };
    turn.db.prepare_cached(sql)?.execute(ids)?;
    people(turn, sim, UtcDay::from_number(day), -1)?;
    if let Some(before) = before {
        people(turn, sim, UtcDay::from_number(before), 1)?;
    }
    Ok(())
}

/// Moves the count of a day's people.
fn people(turn: &Turn<'_>, sim: SimId, day: UtcDay, by: i64) -> Result<(), OpError> {
    if day.number() >= turn.now.utc.day().number() - TOLD {
        turn.db
            .prepare_cached("UPDATE sim_days SET recipients = max(0, recipients + ?3) WHERE sim = ?1 AND day = ?2")?
            .execute(params![sim.0.to_octets(), day.number(), by])?;
    }
    Ok(())
}

/// Tells of budgets that come near their end with an attempt, each once in its window.
pub(super) fn mark(turn: &mut Turn<'_>, sim: SimId, marks: &[Option<Mark>]) -> Result<(), OpError> {
    for mark in marks.iter().flatten() {
        let new = turn
            .db
            .prepare_cached(
                "INSERT INTO sim_marks (sim, cap, reached, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (sim, cap, reached) DO UPDATE SET at = excluded.at WHERE at < ?5",
            )?
            .execute(params![
                sim.0.to_octets(),
                mark.cap as i64,
                mark.reached,
                turn.now.utc.as_millis(),
                mark.since.as_millis(),
            ])?;
        if new > 0 {
            let kind = if mark.reached {
                EventKind::SimCapReached(mark.cap)
            } else {
                EventKind::SimCapNear(mark.cap)
            };
            turn.event(kind, turn.service, Subject::Sim(sim))?;
        }
    }
    Ok(())
}

/// What a SIM sent on each day from this one on, oldest first.
pub(super) fn days(turn: &Turn<'_>, sim: SimId, from: UtcDay) -> Result<Vec<DayUse>, OpError> {
    let days = turn
        .db
        .prepare_cached(
            "SELECT day, parts, recipients FROM sim_days WHERE sim = ?1 AND day >= ?2 ORDER BY day LIMIT ?3",
        )?
        .query_map(params![sim.0.to_octets(), from.number(), TOLD], |row| {
            let mut c = Columns::new(row);
            Ok(DayUse {
                day: UtcDay::from_number(c.get()?),
                parts: c.get()?,
                recipients: c.get()?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(days)
}

/// Tells which SIMs wrote to the recipients of these messages within the longest month.
pub(super) fn tell_counted(turn: &Turn<'_>, messages: &mut [DueMessage]) -> Result<(), OpError> {
    let since = turn.now.utc.day().number() - TOLD;
    let mut select = turn.db.prepare_cached(
        "SELECT p.sim, p.day FROM messages m JOIN sim_people p ON p.number = m.number
         WHERE m.id = ?1 AND p.day >= ?2 ORDER BY p.day DESC LIMIT ?3",
    )?;
    for message in messages {
        let most = i64::try_from(limits::MODEMS).unwrap_or(i64::MAX);
        message.counted = select
            .query_map(params![message.id.0.to_octets(), since, most], |row| {
                let mut c = Columns::new(row);
                Ok((SimId(c.ulid()?), UtcDay::from_number(c.get()?)))
            })?
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// Takes a message back that no SIM may send before then, and says why it waits.
pub(super) fn defer(turn: &mut Turn<'_>, id: MessageId, until: UtcTime) -> Result<Reply, OpError> {
    turn.memory.end_lease(id);
    if let Some(mut life) = Life::load(turn, id)? {
        life.pass_time(turn);
        if life.due_at.is_some() {
            life.due_at = Some(until);
            life.error = Some(MessageError {
                code: ErrorCode::SimCap,
                network_code: None,
            });
        }
        life.save(turn)?;
    }
    Ok(Reply::Released)
}

/// The plan of a SIM: what a person entered for it, else these numbers.
pub(super) fn plan(turn: &Turn<'_>, sim: SimId, usual: Plan) -> Result<Plan, OpError> {
    let mut plan = usual;
    let mut select = turn
        .db
        .prepare_cached("SELECT key, value FROM sim_plans WHERE sim = ?1")?;
    let mut rows = select.query([sim.0.to_octets()])?;
    while let Some(row) = rows.next()? {
        let (name, value): (String, u32) = (row.get(0)?, row.get(1)?);
        if let Some(key) = KEYS.iter().find(|key| key.name == name) {
            key.set(&mut plan, value);
            plan.ramp = false;
        }
    }
    Ok(plan)
}

/// Enters a number of a SIM's plan; `None` takes it back to the usual one.
pub(super) fn enter(turn: &Turn<'_>, sim: SimId, key: &str, value: Option<u32>) -> Result<(), OpError> {
    let id = sim.0.to_octets();
    match value {
        Some(value) => turn
            .db
            .prepare_cached(
                "INSERT INTO sim_plans (sim, key, value) SELECT id, ?2, ?3 FROM sims WHERE id = ?1
                 ON CONFLICT (sim, key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![id, key, value])?,
        None => turn
            .db
            .prepare_cached("DELETE FROM sim_plans WHERE sim = ?1 AND key = ?2")?
            .execute(params![id, key])?,
    };
    Ok(())
}

/// Forgets days so long ago that no budget asks for them.
pub(super) fn forget(turn: &Turn<'_>) -> Result<(), OpError> {
    turn.db
        .prepare_cached("DELETE FROM sim_days WHERE day < ?1")?
        .execute([turn.now.utc.day().number() - KEPT])?;
    Ok(())
}
