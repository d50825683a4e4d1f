//! Taking a message on: the key that makes the request safe to repeat, the message, its parts, its event and the answer
//! in one savepoint.

use rusqlite::{Connection, OptionalExtension, params};
use wardwire_core::base::{BatchId, MessageId, Originator, PartId, ServiceId, Ulid, UtcTime};
use wardwire_core::queue::state::{MessageStatus, Sensitivity};
use wardwire_core::queue::verbs::NewMessage;

use super::code::{millis, window_text};
use super::lanes::WayColumn;
use super::life::{Life, PartLife};
use super::numbers::{self, Person};
use super::ops::{Accept, Accepted, Idempotency, StoredResponse};
use super::read::ReadError;
use super::records::{EventKind, MessageRecord, Subject};
use super::seal::{Keys, Slot};
use super::tally::Tally;
use super::turn::{OpError, Turn};

/// Decides and writes one [`Accept`].
pub(super) fn accept(turn: &mut Turn<'_>, accept: &Accept) -> Result<Accepted, OpError> {
    let message = &accept.message;
    let recipient = Originator::new(message.recipient.as_e164());
    let person = numbers::person(turn, &recipient, message.valid_until)?;
    let digest = accept
        .idempotency
        .as_ref()
        .map(|idempotency| digest(turn.keys, message.service, idempotency));
    if let (Some(idempotency), Some(digest)) = (&accept.idempotency, &digest)
        && let Some(earlier) = earlier(turn.db, turn.keys, idempotency, digest)?
    {
        return Ok(earlier);
    }
    let life = insert(turn, message, &person, None)?;
    let record = record(message, &life, turn.now.utc);
    let response = (accept.respond)(&record);
    if let (Some(idempotency), Some(digest)) = (&accept.idempotency, &digest) {
        let code = message.sensitivity == Sensitivity::Code;
        let erase_at = code.then(|| turn.now.utc + turn.settings.retention.code_text);
        let sealed = person.key.seal(response_slot(digest), response.body.as_bytes())?;
        turn.db
            .prepare_cached(
                "INSERT INTO idempotency_keys (digest, fingerprint, message, status, response, created_at, erase_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                digest,
                idempotency.fingerprint,
                record.id.0.to_octets(),
                response.status,
                sealed,
                turn.now.utc.as_millis(),
                millis(erase_at),
            ])?;
    }
    Ok(Accepted::New {
        id: record.id,
        response,
    })
}

/// What was accepted before under this key; writes nothing.
pub(super) fn known(turn: &Turn<'_>, accept: &Accept) -> Result<Option<Accepted>, OpError> {
    let Some(idempotency) = &accept.idempotency else {
        return Ok(None);
    };
    let digest = digest(turn.keys, accept.message.service, idempotency);
    Ok(earlier(turn.db, turn.keys, idempotency, &digest)?)
}

pub(super) fn digest(keys: &Keys, service: ServiceId, idempotency: &Idempotency) -> [u8; 16] {
    let service = service.0.to_octets();
    let pieces = [&service[..], idempotency.scope.as_bytes(), idempotency.key.as_bytes()];
    keys.hash16("idempotency", &pieces)
}

fn response_slot(digest: &[u8; 16]) -> Slot<'_> {
    Slot {
        column: "idempotency_keys.response",
        row: digest,
    }
}

/// What the key stood for before. The writer does one op after the other, so that a request can never meet its own
/// first run half done.
pub(super) fn earlier(
    db: &Connection,
    keys: &Keys,
    idempotency: &Idempotency,
    digest: &[u8; 16],
) -> Result<Option<Accepted>, ReadError> {
    struct Row {
        fingerprint: [u8; 32],
        message: [u8; 16],
        status: u16,
        response: Option<Vec<u8>>,
        hash: [u8; 16],
        data_key: Option<Vec<u8>>,
    }
    let row = db
        .prepare_cached(
            "SELECT k.fingerprint, k.message, k.status, k.response, n.hash, n.data_key FROM idempotency_keys k
             JOIN messages m ON m.id = k.message JOIN numbers n ON n.id = m.number WHERE k.digest = ?1",
        )?
        .query_row([digest], |row| {
            Ok(Row {
                fingerprint: row.get(0)?,
                message: row.get(1)?,
                status: row.get(2)?,
                response: row.get(3)?,
                hash: row.get(4)?,
                data_key: row.get(5)?,
            })
        })
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    if row.fingerprint != idempotency.fingerprint {
        return Ok(Some(Accepted::KeyReused));
    }
    // Erased meanwhile: the message was taken on, and nothing more can be said of it.
    let body = match (row.data_key, row.response) {
        (Some(wrapped), Some(sealed)) => {
            let key = keys.open_data_key(&row.hash, &wrapped)?;
            numbers::open_text(&key, response_slot(digest), &sealed)?
                .reveal()
                .to_owned()
        }
        (None, _) | (_, None) => String::new(),
    };
    Ok(Some(Accepted::Replayed {
        id: MessageId(Ulid::from_octets(row.message)),
        response: StoredResponse {
            status: row.status,
            body,
        },
    }))
}

const INSERT_MESSAGE: &str = "INSERT INTO messages (id, service, number, status, final, delivery, held, priority,
    due_at, wake_at, send_at, valid_until, on_unknown, delivery_report, alphabet, units, part_count, created_at,
    queued_at, reference, metadata, body, sim, pinned, sensitivity, category, way, window, opens_at, batch)
    VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
    ?24, ?25, ?26, ?27, ?28, ?29)";

/// Writes a message with its parts and its event.
pub(super) fn insert(
    turn: &mut Turn<'_>,
    message: &NewMessage,
    person: &Person,
    batch: Option<BatchId>,
) -> Result<Life, OpError> {
    let now = turn.now.utc;
    let id = MessageId(turn.new_id());
    let part_ids: Vec<PartId> = message.parts.iter().map(|_| PartId(turn.new_id())).collect();
    let mut life = Life::new(id, message, person.id, now);
    life.batch = batch;
    if message.sim.is_none() {
        life.way = turn.way(&message.recipient, message.service, message.category);
    }
    life.parts = (1..)
        .zip(&part_ids)
        .map(|(sequence, id)| PartLife::new(sequence, *id))
        .collect();
    life.begin(turn);
    let row = id.0.to_octets();
    let body = person.key.seal(
        Slot {
            column: "messages.body",
            row: &row,
        },
        message.body.reveal().as_bytes(),
    )?;
    turn.db.prepare_cached(INSERT_MESSAGE)?.execute(params![
        row,
        message.service.0.to_octets(),
        person.id,
        life.derived.status as i64,
        life.derived.delivery as i64,
        message.held.map(|held| held as i64),
        message.priority as i64,
        millis(life.due_at),
        millis(life.wake_at),
        millis(message.send_at),
        message.valid_until.as_millis(),
        message.on_unknown as i64,
        message.delivery_report,
        message.alphabet as i64,
        message.units,
        u8::try_from(message.parts.len()).unwrap_or(u8::MAX),
        now.as_millis(),
        millis(life.queued_at),
        message.reference,
        message.metadata,
        body,
        life.sim.map(|sim| sim.0.to_octets()),
        life.pinned,
        message.sensitivity as i64,
        message.category.map(|category| category as i64),
        WayColumn(life.way),
        message.window.as_ref().map(window_text),
        millis(life.opens_at),
        batch.map(|batch| batch.0.to_octets()),
    ])?;
    insert_parts(turn, message, person, id, &part_ids)?;
    turn.changes.status(life.derived.status, 1);
    if let Some(batch) = batch {
        turn.changes.of_batch(batch, life.derived.status as i64, 1);
    }
    turn.changes.happened(Tally::Due, life.due_at.unwrap_or(now).max(now));
    turn.event(EventKind::MessageCreated, message.service, Subject::Message(id))?;
    turn.due_changed(life.lane(), life.due_at, id);
    Ok(life)
}

fn insert_parts(
    turn: &Turn<'_>,
    message: &NewMessage,
    person: &Person,
    id: MessageId,
    part_ids: &[PartId],
) -> Result<(), OpError> {
    let reference = if message.parts.len() > 1 {
        Some(numbers::next_reference(turn, person)?)
    } else {
        None
    };
    let mut insert = turn
        .db
        .prepare_cached("INSERT INTO parts (message, sequence, id, state, content) VALUES (?1, ?2, ?3, 0, ?4)")?;
    for (sequence, (part, part_id)) in (1u8..).zip(message.parts.iter().zip(part_ids)) {
        let mut part = part.clone();
        if let Some(reference) = reference {
            part.set_reference(reference);
        }
        let octets = part_id.0.to_octets();
        let slot = Slot {
            column: "parts.content",
            row: &octets,
        };
        let content = person.key.seal(slot, &part.to_octets())?;
        insert.execute(params![id.0.to_octets(), sequence, octets, content])?;
    }
    Ok(())
}

/// The message as a reader would see it.
fn record(message: &NewMessage, life: &Life, now: UtcTime) -> MessageRecord {
    MessageRecord {
        id: life.id,
        service: message.service,
        recipient: Some(message.recipient.clone()),
        body: Some(message.body.clone()),
        status: life.derived.status,
        is_final: life.derived.is_final,
        held: message.held.filter(|_| life.derived.status == MessageStatus::Held),
        delivery: life.derived.delivery,
        category: message.category,
        priority: message.priority,
        alphabet: message.alphabet,
        part_count: u8::try_from(message.parts.len()).unwrap_or(u8::MAX),
        parts_accepted: 0,
        parts_delivered: 0,
        units: message.units,
        sim: message.sim,
        from: None,
        attempts: 0,
        error: None,
        possible_copy: false,
        delivery_report: message.delivery_report,
        on_unknown: message.on_unknown,
        batch: life.batch,
        reference: message.reference.clone(),
        metadata: message.metadata.clone(),
        created_at: now,
        scheduled_for: life.scheduled_for(),
        window: message.window.clone(),
        valid_until: message.valid_until,
        queued_at: life.queued_at,
        submitted_at: None,
        sent_at: None,
        delivered_at: None,
        final_at: None,
    }
}
