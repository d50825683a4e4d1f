//! SIMs as people care for them: what is noted of one, its successor, and its credit.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};
use wardwire_core::base::{ModemId, PhoneNumber, SimId};

use super::budget;
use super::code::Columns;
use super::handle::{StoreError, StoreHandle};
use super::ops::{Answer, Op};
use super::read::{MOST_ROWS, Read, Reader};
use super::records::{Balance, EventKind, SimRecord, Subject};
use super::turn::{OpError, Turn};
use crate::config::credit::{Credit, Judged};

/// What is sent within this time is told of a SIM.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A change to what is noted of a SIM: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimEdit {
    /// Own number; what the SIM itself tells goes before it.
    pub number: Option<Option<PhoneNumber>>,
    /// Operator.
    pub operator: Option<Option<String>>,
    /// Tariff.
    pub plan: Option<Option<String>>,
    /// Anything else.
    pub note: Option<Option<String>>,
    /// Nothing goes out through it. `false` takes it back to sending and forgets its successor.
    pub receive_only: Option<bool>,
    /// Numbers of its plan by the names of [`wardwire_core::queue::plan::KEYS`]; `None` takes one back to the configuration's.
    pub caps: Vec<(&'static str, Option<u32>)>,
    /// Credit as the network told it now.
    pub balance: Option<NewBalance>,
}

/// What the network says of a SIM's credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBalance {
    /// Its words.
    pub text: String,
    /// What they say. Where they name no amount, what was low stays low.
    pub said: Judged,
}

impl NewBalance {
    /// The words, and what they say by the site's entry for the SIM.
    #[must_use]
    pub fn of(text: String, credit: Option<&Credit>) -> Self {
        let said = credit.map(|credit| credit.judge(&text)).unwrap_or_default();
        Self { text, said }
    }
}

/// What became of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The old SIM is kept for what comes in, the new one is known to its people from now on.
    Done,
    /// There is no such old or new SIM.
    NotFound,
    /// Both are the same SIM.
    Same,
    /// The new SIM sends nothing itself.
    NewReceivesOnly,
}

/// Changes what is noted of a SIM. Whether there is such a one.
pub(super) fn edit(turn: &mut Turn<'_>, sim: SimId, edit: &SimEdit) -> Result<bool, OpError> {
    let id = sim.0.to_octets();
    let number = edit.number.as_ref().map(|n| n.as_ref().map(PhoneNumber::as_e164));
    let texts = [
        ("number", number),
        ("operator", edit.operator.as_ref().map(Option::as_deref)),
        ("plan", edit.plan.as_ref().map(Option::as_deref)),
        ("note", edit.note.as_ref().map(Option::as_deref)),
    ];
    for (column, value) in texts {
        if let Some(value) = value {
            turn.db
                .prepare_cached(&format!("UPDATE sims SET {column} = ?2 WHERE id = ?1"))?
                .execute(params![id, value])?;
        }
    }
    if let Some(receive_only) = edit.receive_only {
        turn.db
            .prepare_cached(
                "UPDATE sims SET receive_only = ?2, replaced_by = iif(?2, replaced_by, NULL) WHERE id = ?1",
            )?
            .execute(params![id, receive_only])?;
    }
    for (key, value) in &edit.caps {
        budget::enter(turn, sim, key, *value)?;
    }
    if let Some(balance) = &edit.balance {
        note_balance(turn, sim, balance)?;
    }
    Ok(receives_only(turn, sim)?.is_some())
}

/// Keeps what the network says of a SIM's credit, and tells once that it is low, and that it is not any more.
fn note_balance(turn: &mut Turn<'_>, sim: SimId, balance: &NewBalance) -> Result<(), OpError> {
    let (id, now) = (sim.0.to_octets(), turn.now.utc.as_millis());
    let known: Option<bool> = turn
        .db
        .prepare_cached("SELECT credit_low_since IS NOT NULL FROM sims WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(was_low) = known else { return Ok(()) };
    let Judged { amount, low } = balance.said;
    let low = amount.map_or(was_low, |_| low);
    turn.db
        .prepare_cached(
            "UPDATE sims SET balance = ?2, balance_at = ?3, credit = ?4,
             credit_low_since = iif(?5, coalesce(credit_low_since, ?3), NULL) WHERE id = ?1",
        )?
        .execute(params![id, balance.text, now, amount, low])?;
    match (was_low, low) {
        (false, true) => turn.event(EventKind::SimCreditLow, turn.service, Subject::Sim(sim)),
        (true, false) => turn.event(EventKind::SimCreditRestored, turn.service, Subject::Sim(sim)),
        (true, true) | (false, false) => Ok(()),
    }
}

/// `None` when there is no such SIM.
fn receives_only(turn: &Turn<'_>, sim: SimId) -> Result<Option<bool>, OpError> {
    let found = turn
        .db
        .prepare_cached("SELECT receive_only FROM sims WHERE id = ?1")?
        .query_row([sim.0.to_octets()], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// Puts a SIM in another's place: the old one is kept for what comes in, and people it wrote to know the new one. Who was
/// led to the old one before is led to the new one, so that no chain is ever longer than one step.
pub(super) fn replace(turn: &Turn<'_>, old: SimId, new: SimId) -> Result<Replaced, OpError> {
    if old == new {
        return Ok(Replaced::Same);
    }
    match (receives_only(turn, old)?, receives_only(turn, new)?) {
        (None, _) | (_, None) => return Ok(Replaced::NotFound),
        (Some(_), Some(true)) => return Ok(Replaced::NewReceivesOnly),
        (Some(_), Some(false)) => {}
    }
    let ids = params![old.0.to_octets(), new.0.to_octets()];
    for sql in [
        "UPDATE sims SET replaced_by = ?2 WHERE replaced_by = ?1",
        "UPDATE sims SET receive_only = 1, replaced_by = ?2 WHERE id = ?1",
    ] {
        turn.db.prepare_cached(sql)?.execute(ids)?;
    }
    Ok(Replaced::Done)
}

impl StoreHandle {
    /// Changes what is noted of a SIM. Whether there is such a one.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn edit_sim(&self, sim: SimId, edit: SimEdit) -> Result<bool, StoreError> {
        let Answer::Done(found) = self.call(Op::EditSim { sim, edit }).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(found)
    }

    /// Puts a SIM in another's place.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn replace_sim(&self, old: SimId, new: SimId) -> Result<Replaced, StoreError> {
        let Answer::Replaced(replaced) = self.call(Op::ReplaceSim { old, new }).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(replaced)
    }
}

const SELECT: &str =
    "SELECT s.id, s.iccid, s.imsi, s.number, s.operator, s.plan, s.note, s.modem, m.label, s.receive_only,
    s.replaced_by, s.balance, s.balance_at, s.credit, s.credit_low_since, s.created_at, s.seen_at,
    (SELECT count(*) FROM attempts a WHERE a.sim = s.id AND a.written_at > ?1 AND a.state = 1),
    (SELECT count(*) FROM attempts a WHERE a.sim = s.id AND a.written_at > ?1 AND a.state IN (2, 3))
    FROM sims s JOIN modems m ON m.id = s.modem";

fn sim(row: &Row<'_>) -> rusqlite::Result<SimRecord> {
    let mut c = Columns::new(row);
    Ok(SimRecord {
        id: SimId(c.ulid()?),
        iccid: c.get()?,
        imsi: c.get()?,
        number: c
            .get::<Option<String>>()?
            .and_then(|number| PhoneNumber::from_e164(&number).ok()),
        operator: c.get()?,
        plan: c.get()?,
        caps: Vec::new(),
        note: c.get()?,
        modem: ModemId(c.ulid()?),
        slot: c.get()?,
        receive_only: c.get()?,
        replaced_by: c.ulid_or_none()?.map(SimId),
        balance: match (c.get()?, c.time_or_none()?, c.get()?, c.time_or_none()?) {
            (Some(text), Some(at), amount, low_since) => Some(Balance {
                text,
                at,
                amount,
                low_since,
            }),
            (None, ..) | (_, None, ..) => None,
        },
        created_at: c.time()?,
        seen_at: c.time()?,
        sent_lately: c.get()?,
        failed_lately: c.get()?,
    })
}

impl Reader {
    /// All SIMs ever seen, the last seen first, at most 200. `now` ends the day they are asked about.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn sims(&self, now: wardwire_core::base::UtcTime) -> Read<Vec<SimRecord>> {
        let mut sims: Vec<SimRecord> = self
            .connection()
            .prepare_cached(&format!("{SELECT} ORDER BY s.seen_at DESC, s.id LIMIT {MOST_ROWS}"))?
            .query_map([now.before(DAY).as_millis()], sim)?
            .collect::<Result<_, _>>()?;
        let mut select = self
            .connection()
            .prepare_cached("SELECT key, value FROM sim_plans WHERE sim = ?1 ORDER BY key")?;
        for sim in &mut sims {
            let caps = select.query_map([sim.id.0.to_octets()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            sim.caps = caps.collect::<Result<_, _>>()?;
        }
        Ok(sims)
    }

    /// The SIMs whose credit is low, of those that may send.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn low_on_credit(&self) -> Read<Vec<SimId>> {
        let sims = self
            .connection()
            .prepare_cached("SELECT id FROM sims WHERE credit_low_since IS NOT NULL AND NOT receive_only")?
            .query_map([], |row| Ok(SimId(Columns::new(row).ulid()?)))?
            .collect::<Result<_, _>>()?;
        Ok(sims)
    }
}
