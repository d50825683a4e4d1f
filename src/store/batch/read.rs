//! Batches as readers see them, with the counts of their messages.

use rusqlite::{Connection, OptionalExtension, Row, params};
use wardwire_core::base::{BatchId, ServiceId};
use wardwire_core::queue::state::{Category, MessageStatus};

use super::{BatchRecord, BatchState, BatchStatus, earlier, status};
use crate::store::code::{Columns, PRIORITIES, millis};
use crate::store::ops::{Accepted, Idempotency};
use crate::store::read::{IdRange, MOST_ROWS, Read, Reader, page};
use crate::store::records::{ListFilter, Page};
use crate::store::tally::FINAL;

const SELECT: &str =
    "SELECT id, service, name, reference, state, completed_at, category, priority, recipients, prepared,
    duplicates, invalid, parts, created_at, send_at, valid_until FROM batches";

fn record(row: &Row<'_>) -> rusqlite::Result<BatchRecord> {
    let mut c = Columns::new(row);
    let (id, service) = (BatchId(c.ulid()?), ServiceId(c.ulid()?));
    let (name, reference) = (c.get()?, c.get()?);
    let (state, completed_at) = (c.one_of(&BatchState::ALL)?, c.time_or_none()?);
    Ok(BatchRecord {
        id,
        service,
        name,
        reference,
        status: status(state, completed_at.is_some()),
        category: c.one_of_or_none(&Category::ALL)?,
        priority: c.one_of(&PRIORITIES)?,
        recipients: c.get()?,
        prepared: c.get()?,
        duplicates: c.get()?,
        invalid: c.get()?,
        parts: c.get()?,
        counts: Vec::new(),
        created_at: c.time()?,
        scheduled_for: c.time_or_none()?,
        valid_until: c.time()?,
        completed_at,
    })
}

impl BatchRecord {
    fn count(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut select = db.prepare_cached(
            "SELECT status, value FROM batch_counts WHERE batch = ?1 AND status < ?2 AND value > 0 ORDER BY status",
        )?;
        let rows = select.query_map(params![self.id.0.to_octets(), FINAL], |row| {
            let mut c = Columns::new(row);
            Ok((c.one_of(&MessageStatus::ALL)?, c.get()?))
        })?;
        self.counts = rows.collect::<Result<_, _>>()?;
        // Who had no message when it was withdrawn was withdrawn, too.
        let left = self.recipients.saturating_sub(self.prepared);
        if self.status == BatchStatus::Canceled && left > 0 {
            match self
                .counts
                .iter_mut()
                .find(|(status, _)| *status == MessageStatus::Canceled)
            {
                Some((_, count)) => *count += left,
                None => self.counts.push((MessageStatus::Canceled, left)),
            }
        }
        Ok(())
    }
}

impl Reader {
    /// The batch, when `service` owns it.
    ///
    /// # Errors
    /// [`crate::store::ReadError`].
    pub fn batch(&self, service: ServiceId, id: BatchId) -> Read<Option<BatchRecord>> {
        let db = self.connection();
        let mut found = db
            .prepare_cached(&format!("{SELECT} WHERE id = ?1 AND service = ?2"))?
            .query_row([id.0.to_octets(), service.0.to_octets()], record)
            .optional()?;
        if let Some(batch) = &mut found {
            batch.count(db)?;
        }
        Ok(found)
    }

    /// Batches of `service`; of the filter count order, limit, cursor and times.
    ///
    /// # Errors
    /// [`crate::store::ReadError`].
    pub fn batches(&self, service: ServiceId, filter: &ListFilter) -> Read<Page<BatchRecord>> {
        let db = self.connection();
        let (limit, range) = (filter.limit.clamp(1, MOST_ROWS), IdRange::of(filter));
        let order = if filter.ascending { "ASC" } else { "DESC" };
        let (after, before) = (filter.created_after, filter.created_before);
        let mut rows: Vec<BatchRecord> = db
            .prepare_cached(&format!(
                "{SELECT} WHERE service = ?1 AND id BETWEEN ?2 AND ?3 AND created_at >= coalesce(?4, created_at)
                 AND (?5 IS NULL OR created_at < ?5) ORDER BY id {order} LIMIT ?6"
            ))?
            .query_map(
                params![
                    service.0.to_octets(),
                    range.least,
                    range.most,
                    millis(after),
                    millis(before),
                    limit + 1
                ],
                record,
            )?
            .collect::<Result<_, _>>()?;
        for batch in &mut rows {
            batch.count(db)?;
        }
        Ok(page(rows, limit, |batch| batch.id.0))
    }

    /// As [`Reader::earlier`], of a batch.
    ///
    /// # Errors
    /// [`crate::store::ReadError`].
    pub fn earlier_batch(&self, service: ServiceId, idempotency: &Idempotency) -> Read<Option<Accepted<BatchId>>> {
        earlier(self.connection(), self.keys(), service, idempotency)
    }
}
