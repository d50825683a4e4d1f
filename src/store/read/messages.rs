//! Outbound messages with their parts and attempts.

use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension, Row};
use wardwire_core::base::{AttemptId, BatchId, MessageId, ModemId, PartId, PhoneNumber, ServiceId, SimId};
use wardwire_core::queue::error::NetworkCode;
use wardwire_core::queue::state::{Category, MessageStatus, PartState};
use wardwire_core::queue::status::Delivery;

use super::{IdRange, MOST_ROWS, Read, Reader, page};
use crate::store::code::{ALPHABETS, Columns, HOLD_REASONS, ON_UNKNOWN, PRIORITIES};
use crate::store::numbers::{SealedNumber, open_text};
use crate::store::records::{AttemptRecord, AttemptState, ListFilter, MessageRecord, Page, PartRecord};
use crate::store::seal::{Keys, SealError, Slot};

const COLUMNS: &str = "SELECT m.id, m.service, m.status, m.final, m.held, m.delivery, m.priority, m.alphabet,
    m.part_count, m.parts_accepted, m.parts_delivered, m.units, m.sim, s.number, m.attempts, m.error, m.network_code,
    m.possible_copy, m.delivery_report, m.on_unknown, m.reference, m.metadata, m.created_at, m.send_at, m.valid_until,
    m.queued_at, m.submitted_at, m.sent_at, m.delivered_at, m.final_at, m.category, m.window, m.opens_at,
    m.batch, m.body, n.hash, n.data_key, n.number";

const JOINS: &str = "JOIN numbers n ON n.id = m.number LEFT JOIN sims s ON s.id = m.sim";

/// A row whose number and body are still sealed.
struct Sealed {
    record: MessageRecord,
    body: Option<Vec<u8>>,
    number: SealedNumber,
}

impl Sealed {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut c = Columns::new(row);
        let mut record = MessageRecord {
            id: MessageId(c.ulid()?),
            service: ServiceId(c.ulid()?),
            recipient: None,
            body: None,
            status: c.one_of(&MessageStatus::ALL)?,
            is_final: c.get()?,
            held: c.one_of_or_none(&HOLD_REASONS)?,
            delivery: c.one_of(&Delivery::ALL)?,
            category: None,
            priority: c.one_of(&PRIORITIES)?,
            alphabet: c.one_of(&ALPHABETS)?,
            part_count: c.get()?,
            parts_accepted: c.get()?,
            parts_delivered: c.get()?,
            units: c.get()?,
            sim: c.ulid_or_none()?.map(SimId),
            from: c
                .get::<Option<String>>()?
                .and_then(|number| PhoneNumber::from_e164(&number).ok()),
            attempts: c.get()?,
            error: c.error()?,
            possible_copy: c.get()?,
            delivery_report: c.get()?,
            on_unknown: c.one_of(&ON_UNKNOWN)?,
            batch: None,
            reference: c.get()?,
            metadata: c.get()?,
            created_at: c.time()?,
            scheduled_for: c.time_or_none()?,
            window: None,
            valid_until: c.time()?,
            queued_at: c.time_or_none()?,
            submitted_at: c.time_or_none()?,
            sent_at: c.time_or_none()?,
            delivered_at: c.time_or_none()?,
            final_at: c.time_or_none()?,
        };
        record.category = c.one_of_or_none(&Category::ALL)?;
        record.window = c.window()?;
        record.scheduled_for = record.scheduled_for.max(c.time_or_none()?);
        record.batch = c.ulid_or_none()?.map(BatchId);
        Ok(Self {
            record,
            body: c.get()?,
            number: SealedNumber {
                hash: c.get()?,
                data_key: c.get()?,
                number: c.get()?,
            },
        })
    }

    fn open(self, keys: &Keys) -> Result<MessageRecord, SealError> {
        let mut record = self.record;
        record.held = record.held.filter(|_| record.status == MessageStatus::Held);
        let Some(key) = self.number.key(keys)? else {
            return Ok(record);
        };
        record.recipient = self
            .number
            .open(&key)?
            .and_then(|number| PhoneNumber::from_e164(number.reveal()).ok());
        let row = record.id.0.to_octets();
        let slot = Slot {
            column: "messages.body",
            row: &row,
        };
        record.body = self
            .body
            .as_deref()
            .map(|sealed| open_text(&key, slot, sealed))
            .transpose()?;
        Ok(record)
    }
}

/// One message.
pub(super) fn one(reader: &Reader, service: ServiceId, id: MessageId) -> Read<Option<MessageRecord>> {
    let sealed = reader
        .connection()
        .prepare_cached(&format!(
            "{COLUMNS} FROM messages m {JOINS} WHERE m.id = ?1 AND m.service = ?2"
        ))?
        .query_row([id.0.to_octets(), service.0.to_octets()], Sealed::read)
        .optional()?;
    Ok(sealed.map(|sealed| sealed.open(reader.keys())).transpose()?)
}

/// A page of messages. A list by status is one seek for each status, so that a rare one is found among millions.
pub(super) fn list(reader: &Reader, service: ServiceId, filter: &ListFilter) -> Read<Page<MessageRecord>> {
    let limit = filter.limit.clamp(1, MOST_ROWS);
    let mut rows = Vec::new();
    if filter.statuses.is_empty() {
        rows = query(reader, service, filter, None, limit)?;
    }
    for status in &filter.statuses {
        rows.append(&mut query(reader, service, filter, Some(*status), limit)?);
    }
    rows.sort_unstable_by_key(|row| row.record.id);
    rows.dedup_by_key(|row| row.record.id);
    if !filter.ascending {
        rows.reverse();
    }
    let page = page(rows, limit, |row| row.record.id.0);
    let records = page
        .rows
        .into_iter()
        .map(|sealed| sealed.open(reader.keys()))
        .collect::<Result<_, _>>()?;
    Ok(Page {
        rows: records,
        next: page.next,
    })
}

/// One row more than `limit`, so that the caller sees whether there are more.
fn query(
    reader: &Reader,
    service: ServiceId,
    filter: &ListFilter,
    status: Option<MessageStatus>,
    limit: u16,
) -> Read<Vec<Sealed>> {
    let trouble = status.is_some_and(|status| !matches!(status, MessageStatus::Sent | MessageStatus::Delivered));
    let index = match (filter.batch, &filter.reference, trouble, filter.sim) {
        (Some(_), _, _, _) => "messages_batch",
        (None, Some(_), _, _) => "messages_reference",
        (None, None, true, _) => "messages_trouble",
        (None, None, false, Some(_)) => "messages_sim",
        (None, None, false, None) => "messages_service",
    };
    let range = IdRange::of(filter);
    let service = service.0.to_octets();
    let sim = filter.sim.map(|sim| sim.0.to_octets());
    let batch = filter.batch.map(|batch| batch.0.to_octets());
    let status = status.map(|status| status as i64);
    let after = filter.created_after.map(|at| at.as_millis());
    let before = filter.created_before.map(|at| at.as_millis());
    let mut values: Vec<&dyn ToSql> = vec![&service, &range.least, &range.most];
    let mut clauses = String::new();
    let optional: [(&str, Option<&dyn ToSql>); 6] = [
        ("m.batch =", batch.as_ref().map(|value| value as &dyn ToSql)),
        ("m.status =", status.as_ref().map(|value| value as &dyn ToSql)),
        (
            "m.reference =",
            filter.reference.as_ref().map(|value| value as &dyn ToSql),
        ),
        ("m.sim =", sim.as_ref().map(|value| value as &dyn ToSql)),
        ("m.created_at >=", after.as_ref().map(|value| value as &dyn ToSql)),
        ("m.created_at <", before.as_ref().map(|value| value as &dyn ToSql)),
    ];
    for (test, value) in optional {
        if let Some(value) = value {
            values.push(value);
            clauses.push_str(&format!(" AND {test} ?{}", values.len()));
        }
    }
    if trouble {
        // Word for word the condition of the index.
        clauses.push_str(" AND m.status NOT IN (7, 8)");
    }
    let order = if filter.ascending { "ASC" } else { "DESC" };
    let sql = format!(
        "{COLUMNS} FROM messages m INDEXED BY {index} {JOINS}
         WHERE m.service = ?1 AND m.id BETWEEN ?2 AND ?3 {clauses} ORDER BY m.id {order} LIMIT {}",
        limit + 1
    );
    let mut select = reader.connection().prepare_cached(&sql)?;
    let rows = select
        .query_map(values.as_slice(), Sealed::read)?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// The parts of one message with their attempts.
pub(super) fn parts(reader: &Reader, service: ServiceId, id: MessageId) -> Read<Option<Vec<PartRecord>>> {
    let db = reader.connection();
    let message = id.0.to_octets();
    let owned = db
        .prepare_cached("SELECT 1 FROM messages WHERE id = ?1 AND service = ?2")?
        .exists([message, service.0.to_octets()])?;
    if !owned {
        return Ok(None);
    }
    let mut select = db.prepare_cached(
        "SELECT id, sequence, state, tp_mr, sim, error, network_code, tp_st, accepted_at, reported_at,
         smsc_timestamp, discharged_at, possible_copy FROM parts WHERE message = ?1 ORDER BY sequence",
    )?;
    let mut parts = select.query_map([message], part)?.collect::<Result<Vec<_>, _>>()?;
    let mut select = db.prepare_cached(
        "SELECT sequence, id, state, modem, sim, tp_mr, network_code, written_at, ended_at
         FROM attempts WHERE message = ?1 ORDER BY sequence, number",
    )?;
    for row in select.query_map([message], attempt)? {
        let (sequence, attempt) = row?;
        if let Some(part) = parts.iter_mut().find(|part| part.sequence == sequence) {
            part.attempts.push(attempt);
        }
    }
    Ok(Some(parts))
}

fn part(row: &Row<'_>) -> rusqlite::Result<PartRecord> {
    let mut c = Columns::new(row);
    Ok(PartRecord {
        id: PartId(c.ulid()?),
        sequence: c.get()?,
        state: c.one_of(&PartState::ALL)?,
        tp_mr: c.get()?,
        sim: c.ulid_or_none()?.map(SimId),
        error: c.error()?,
        tp_st: c.get()?,
        accepted_at: c.time_or_none()?,
        reported_at: c.time_or_none()?,
        smsc_timestamp: c.time_or_none()?,
        discharged_at: c.time_or_none()?,
        possible_copy: c.get()?,
        attempts: Vec::new(),
    })
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<(u8, AttemptRecord)> {
    let mut c = Columns::new(row);
    let sequence = c.get()?;
    let attempt = AttemptRecord {
        id: AttemptId(c.ulid()?),
        state: c.one_of(&AttemptState::ALL)?,
        modem: ModemId(c.ulid()?),
        sim: SimId(c.ulid()?),
        tp_mr: c.get()?,
        network_code: c.get::<Option<u32>>()?.and_then(NetworkCode::from_bits),
        written_at: c.time()?,
        ended_at: c.time_or_none()?,
    };
    Ok((sequence, attempt))
}
