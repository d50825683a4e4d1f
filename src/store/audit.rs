//! The record of what people did to the bank. What is to be done is written before it is done; how it ended is a row of
//! its own. Neither is ever changed or deleted: triggers of the schema refuse it.

use rusqlite::params;
use wardwire_core::base::UtcTime;

use super::code::Columns;
use super::handle::{StoreError, StoreHandle};
use super::ops::{Answer, Op};
use super::read::{MOST_ROWS, Read, Reader};
use super::records::AuditRecord;
use super::turn::{OpError, Turn};

/// Something a person is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// Who: `local admin`, or the id of a key.
    pub actor: String,
    /// What, as `modem.restart`.
    pub action: &'static str,
    /// To what: label of a modem, id of a SIM.
    pub target: String,
    /// More of it, without PINs, numbers or texts; may be empty.
    pub detail: String,
}

/// Writes it down; its place in the record.
pub(super) fn begin(turn: &Turn<'_>, new: &NewAudit) -> Result<u64, OpError> {
    let sequence: i64 = turn
        .db
        .prepare_cached(
            "INSERT INTO audit (at, actor, action, target, detail) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING sequence",
        )?
        .query_row(
            params![turn.now.utc.as_millis(), new.actor, new.action, new.target, new.detail],
            |row| row.get(0),
        )?;
    Ok(u64::try_from(sequence).unwrap_or_default())
}

/// Writes down how it ended; the first word stays.
pub(super) fn end(turn: &Turn<'_>, sequence: u64, outcome: &str) -> Result<(), OpError> {
    turn.db
        .prepare_cached(
            "INSERT INTO audit_outcomes (sequence, at, outcome) VALUES (?1, ?2, ?3) ON CONFLICT (sequence) DO NOTHING",
        )?
        .execute(params![
            i64::try_from(sequence).unwrap_or(i64::MAX),
            turn.now.utc.as_millis(),
            outcome
        ])?;
    Ok(())
}

impl StoreHandle {
    /// Writes down what is about to be done; it must not be done when this fails.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn audit(&self, new: NewAudit) -> Result<u64, StoreError> {
        let Answer::Audited(sequence) = self.call(Op::Audit(new)).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(sequence)
    }

    /// Writes down how it ended.
    ///
    /// # Errors
    /// [`StoreError`]; the row stays without an outcome.
    pub async fn audit_outcome(&self, sequence: u64, outcome: String) -> Result<(), StoreError> {
        let Answer::Done(_) = self.call(Op::AuditOutcome { sequence, outcome }).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(())
    }
}

impl Reader {
    /// The record, newest first, from before `before` on; at most `limit` and 200 rows.
    ///
    /// # Errors
    /// [`super::ReadError`].
    pub fn audit(&self, before: Option<u64>, limit: u16) -> Read<Vec<AuditRecord>> {
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        let rows = self
            .connection()
            .prepare_cached(
                "SELECT a.sequence, a.at, a.actor, a.action, a.target, a.detail, o.outcome, o.at
                 FROM audit a LEFT JOIN audit_outcomes o ON o.sequence = a.sequence
                 WHERE a.sequence < ?1 ORDER BY a.sequence DESC LIMIT ?2",
            )?
            .query_map(params![before, limit.clamp(1, MOST_ROWS)], |row| {
                let mut c = Columns::new(row);
                let sequence: i64 = c.get()?;
                Ok(AuditRecord {
                    sequence: u64::try_from(sequence).unwrap_or_default(),
                    at: c.time()?,
                    actor: c.get()?,
                    action: c.get()?,
                    target: c.get()?,
                    detail: c.get()?,
                    outcome: c.get::<Option<String>>()?,
                    ended_at: c.get::<Option<i64>>()?.map(UtcTime::from_millis),
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }
}
