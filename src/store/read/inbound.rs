//! Received messages.

use rusqlite::{Row, params};
use wardwire_core::base::{InboundId, PhoneNumber, ServiceId, SimId};
use wardwire_core::queue::inbound::InboundKind;

use super::{IdRange, MOST_ROWS, Read, Reader, page};
use crate::store::code::Columns;
use crate::store::numbers::{SealedNumber, open_text};
use crate::store::records::{InboundRecord, ListFilter, Page};
use crate::store::seal::{Keys, SealError, Slot};

/// A row whose number and body are still sealed.
struct Sealed {
    record: InboundRecord,
    body: Option<Vec<u8>>,
    number: SealedNumber,
}

impl Sealed {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut c = Columns::new(row);
        let record = InboundRecord {
            id: InboundId(c.ulid()?),
            service: ServiceId(c.ulid()?),
            from: None,
            to: c
                .get::<Option<String>>()?
                .and_then(|number| PhoneNumber::from_e164(&number).ok()),
            sim: SimId(c.ulid()?),
            kind: c.one_of(&InboundKind::ALL)?,
            body: None,
            parts: c.get()?,
            incomplete: c.get()?,
            received_at: c.time()?,
            smsc_timestamp: c.time_or_none()?,
        };
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

    fn open(self, keys: &Keys) -> Result<InboundRecord, SealError> {
        let mut record = self.record;
        let Some(key) = self.number.key(keys)? else {
            return Ok(record);
        };
        record.from = self.number.open(&key)?;
        let row = record.id.0.to_octets();
        let slot = Slot {
            column: "inbound_messages.body",
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

/// A page of received messages.
pub(super) fn list(reader: &Reader, service: ServiceId, filter: &ListFilter) -> Read<Page<InboundRecord>> {
    let limit = filter.limit.clamp(1, MOST_ROWS);
    let range = IdRange::of(filter);
    let order = if filter.ascending { "ASC" } else { "DESC" };
    let kinds = if filter.kinds.is_empty() {
        &[InboundKind::Text][..]
    } else {
        &filter.kinds
    };
    // Kept ones are few among many texts.
    let index = if kinds.contains(&InboundKind::Text) {
        "inbound_service"
    } else {
        "inbound_kept"
    };
    let among = if index == "inbound_kept" { "AND i.kind <> 0" } else { "" };
    let mask = kinds.iter().fold(0_i64, |mask, kind| mask | 1 << *kind as i64);
    let mut select = reader.connection().prepare_cached(&format!(
        "SELECT i.id, i.service, s.number, i.sim, i.kind, i.parts, i.incomplete, i.received_at, i.smsc_timestamp, i.body,
         n.hash, n.data_key, n.number
         FROM inbound_messages i INDEXED BY {index} JOIN numbers n ON n.id = i.number
         JOIN sims s ON s.id = i.sim
         WHERE i.service = ?1 AND i.id BETWEEN ?2 AND ?3 AND (?4 IS NULL OR i.sim = ?4)
         AND (?5 IS NULL OR i.received_at >= ?5) AND (?6 IS NULL OR i.received_at < ?6)
         AND ?8 >> i.kind & 1 {among} ORDER BY i.id {order} LIMIT ?7"
    ))?;
    let rows = select
        .query_map(
            params![
                service.0.to_octets(),
                range.least,
                range.most,
                filter.sim.map(|sim| sim.0.to_octets()),
                filter.created_after.map(|at| at.as_millis()),
                filter.created_before.map(|at| at.as_millis()),
                limit + 1,
                mask,
            ],
            Sealed::read,
        )?
        .collect::<Result<Vec<_>, _>>()?;
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
