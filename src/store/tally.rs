//! Counts that are kept with every change, so that reading them never counts rows: how many messages stand in each
//! status now, and what happened in each quarter of an hour (every local midnight falls on one).

use std::collections::BTreeMap;

use rusqlite::Connection;
use wardwire_core::base::{BatchId, UtcTime};
use wardwire_core::queue::state::MessageStatus;

/// Milliseconds of a quarter of an hour.
pub(super) const QUARTER: i64 = 15 * 60 * 1_000;

/// Among the counts of a batch by status: messages that are final.
pub(super) const FINAL: i64 = 100;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tally {
    /// Messages in this status now.
    Status(MessageStatus),
    /// Messages whose time to be sent fell into the quarter.
    Due,
    /// Messages the SMSC took all of.
    Sent,
    /// Messages that reached the phone.
    Delivered,
    /// Messages that ended badly.
    Failed,
    /// Messages received.
    Received,
    /// No count: the time of the last acceptance.
    LastAccepted,
}

impl Tally {
    /// Code on disk.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Status(status) => status as i64,
            Self::Due => 100,
            Self::Sent => 101,
            Self::Delivered => 102,
            Self::Failed => 103,
            Self::Received => 104,
            Self::LastAccepted => 200,
        }
    }
}

/// Changes of one transaction, written in one go before its commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    counts: BTreeMap<(i64, i64), i64>,
    batches: BTreeMap<(BatchId, i64), i64>,
    last_accepted: Option<UtcTime>,
}

impl Changes {
    /// `by` more (or fewer) messages stand in `status`.
    pub(super) fn status(&mut self, status: MessageStatus, by: i64) {
        *self.counts.entry((Tally::Status(status).code(), 0)).or_default() += by;
    }

    /// `by` more (or fewer) messages of a batch stand in `status`; [`FINAL`] counts those that ended.
    pub(super) fn of_batch(&mut self, batch: BatchId, status: i64, by: i64) {
        *self.batches.entry((batch, status)).or_default() += by;
    }

    /// It happened once more at this time.
    pub(super) fn happened(&mut self, what: Tally, at: UtcTime) {
        let quarter = at.as_millis().div_euclid(QUARTER);
        *self.counts.entry((what.code(), quarter)).or_default() += 1;
    }

    /// The SMSC took a part at this time.
    pub(super) fn accepted(&mut self, at: UtcTime) {
        self.last_accepted = self.last_accepted.max(Some(at));
    }

    /// Adds the changes of one op to those of its transaction.
    pub(super) fn add(&mut self, other: Self) {
        for (key, by) in other.counts {
            *self.counts.entry(key).or_default() += by;
        }
        for (key, by) in other.batches {
            *self.batches.entry(key).or_default() += by;
        }
        self.last_accepted = self.last_accepted.max(other.last_accepted);
    }

    /// Writes the changes.
    pub(super) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        if !self.counts.is_empty() {
            let mut add = db.prepare_cached(
                "INSERT INTO tallies (kind, quarter, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, quarter) DO UPDATE SET value = value + excluded.value",
            )?;
            for ((kind, quarter), by) in self.counts.iter().filter(|(_, by)| **by != 0) {
                add.execute((kind, quarter, by))?;
            }
        }
        if !self.batches.is_empty() {
            let mut add = db.prepare_cached(
                "INSERT INTO batch_counts (batch, status, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (batch, status) DO UPDATE SET value = value + excluded.value",
            )?;
            for ((batch, status), by) in self.batches.iter().filter(|(_, by)| **by != 0) {
                add.execute((batch.0.to_octets(), status, by))?;
            }
        }
        if let Some(at) = self.last_accepted {
            db.prepare_cached(
                "INSERT INTO tallies (kind, quarter, value) VALUES (?1, 0, ?2)
                 ON CONFLICT (kind, quarter) DO UPDATE SET value = max(value, excluded.value)",
            )?
            .execute((Tally::LastAccepted.code(), at.as_millis()))?;
        }
        Ok(())
    }
}
