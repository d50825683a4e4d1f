//! Batches: the same to many. A batch is on disk whole with one commit, its recipients sealed in bounded pieces; the writer makes
//! their messages from these, one piece a step, between what others ask of it. So a batch is there or not, whatever stops the
//! program, and nobody waits for more than a step. Pausing and withdrawing hold from their commit on, and are carried out in steps too.

mod intake;
mod read;

use rusqlite::{OptionalExtension, params};
use wardwire_core::base::{BatchId, Body, MessageId, Originator, PhoneNumber, ServiceId, Ulid, UtcTime};
use wardwire_core::queue::state::{Category, HoldReason, MessageStatus, Priority};
use wardwire_core::queue::status::Derived;
use wardwire_core::queue::verbs::NewMessage;
use wardwire_core::sms::{Alphabet, EncodedPart};

use super::accept;
use super::code::{Columns, millis};
use super::handle::{StoreError, StoreHandle};
use super::life::Life;
use super::numbers;
use super::ops::{Accepted, Answer, Idempotency, Op, StoredResponse};
use super::read::ReadError;
use super::records::{EventKind, Subject};
use super::seal::Keys;
use super::tally::FINAL;
use super::turn::{OpError, Turn};
use intake::Piece;

/// Recipients of one batch at most.
pub const RECIPIENTS: usize = 10_000;

/// Recipients, or messages, of one step.
pub(super) const STEP: usize = 100;

/// What people decided of a batch (the index is the code on disk; only append).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// It goes out.
    Running,
    /// What waits is held.
    Paused,
    /// What waits never goes out.
    Canceled,
}

impl BatchState {
    const ALL: [Self; 3] = [Self::Running, Self::Paused, Self::Canceled];
}

/// How a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStatus {
    /// It goes out, or will.
    Running,
    /// What waits is held until it is resumed.
    Paused,
    /// Every message of it is final.
    Completed,
    /// It was withdrawn; what was begun before may still get its report.
    Canceled,
}

impl BatchStatus {
    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
        }
    }
}

/// A batch to be.
#[derive(Debug)]
pub struct NewBatch {
    /// For people, at most 100 characters, no personal data.
    pub name: Option<String>,
    /// What its messages share. Recipient, text and `held` are those of each recipient; its reference is that of the batch, and of
    /// each message that has none of its own.
    pub shared: NewMessage,
    /// The texts, at least one.
    pub texts: Vec<BatchText>,
    /// To whom, 1 to [`RECIPIENTS`], each number once.
    pub recipients: Vec<Recipient>,
    /// Recipients that were left out because their number came before.
    pub duplicates: u32,
    /// Recipients that were left out because they cannot be written to.
    pub invalid: u32,
}

/// A text of a batch, as in [`NewMessage`].
#[derive(Clone, Debug)]
pub struct BatchText {
    /// As it was given.
    pub body: Body,
    /// As it goes out.
    pub parts: Vec<EncodedPart>,
    /// Alphabet of the parts.
    pub alphabet: Alphabet,
    /// Units in all parts.
    pub units: u32,
}

/// One recipient of a batch.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Where it goes.
    pub number: PhoneNumber,
    /// Place of its text in [`NewBatch::texts`].
    pub text: usize,
    /// Held from the start, for this reason.
    pub held: Option<HoldReason>,
    /// The caller's own id of this message.
    pub reference: Option<String>,
}

/// A new batch with what makes its request safe to repeat.
pub struct AcceptBatch {
    /// The batch.
    pub batch: NewBatch,
    /// What the caller's `Idempotency-Key` header says.
    pub idempotency: Option<Idempotency>,
    /// Makes the answer that is stored with the key. It is not sealed: neither number nor text may be in it.
    pub respond: RespondBatch,
}

/// Makes the answer to be stored from the batch as it was written.
pub type RespondBatch = Box<dyn Fn(&BatchRecord) -> StoredResponse + Send>;

impl std::fmt::Debug for AcceptBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AcceptBatch({} recipients)", self.batch.recipients.len())
    }
}

/// A batch, as `GET /v1/batches/{id}` needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// Which.
    pub id: BatchId,
    /// Who owns it.
    pub service: ServiceId,
    /// For people.
    pub name: Option<String>,
    /// The caller's own id.
    pub reference: Option<String>,
    /// How it is.
    pub status: BatchStatus,
    /// What it is for, where its caller said.
    pub category: Option<Category>,
    /// Lane.
    pub priority: Priority,
    /// Recipients that were taken on.
    pub recipients: u32,
    /// How many of them have their message.
    pub prepared: u32,
    /// Recipients left out because their number came before.
    pub duplicates: u32,
    /// Recipients left out because they cannot be written to.
    pub invalid: u32,
    /// Parts of all its messages.
    pub parts: u32,
    /// Its messages by status, those of which there are any.
    pub counts: Vec<(MessageStatus, u32)>,
    /// When it was taken on.
    pub created_at: UtcTime,
    /// The caller's `send_at`.
    pub scheduled_for: Option<UtcTime>,
    /// No part goes out after this.
    pub valid_until: UtcTime,
    /// When its last message became final.
    pub completed_at: Option<UtcTime>,
}

/// What a person may do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchAct {
    /// Hold what waits.
    Pause,
    /// Let it go on.
    Resume,
    /// Withdraw what is not begun.
    Cancel,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchActed {
    /// It is so, now or since before.
    Done,
    /// The batch is not one to do this with.
    Conflict(BatchStatus),
    /// The service has no such batch.
    NotFound,
}

/// A batch of which something is not final, as the writer keeps it in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenBatch {
    service: ServiceId,
    state: BatchState,
    /// The last message that `state` was carried out for; `None` when it was for all.
    swept: Option<Ulid>,
    /// Recipients that have no message yet.
    unprepared: u32,
    /// Recipients, with a message or without, of whom something is still to come.
    open: u32,
    /// What is left of it does not open: nothing can be done for it.
    damaged: bool,
}

impl OpenBatch {
    /// Whether a step is left to do.
    pub(super) fn has_work(&self) -> bool {
        self.swept.is_some() || (self.unprepared > 0 && !self.damaged)
    }
}

/// The batches as a start finds them.
pub(super) fn find(turn: &mut Turn<'_>) -> Result<(), OpError> {
    turn.memory.batches = turn
        .db
        .prepare(
            "SELECT id, service, state, swept, recipients, prepared, coalesce((SELECT value FROM batch_counts
             WHERE batch = id AND status = ?1), 0) FROM batches WHERE completed_at IS NULL",
        )?
        .query_map([FINAL], |row| {
            let mut c = Columns::new(row);
            let id = BatchId(c.ulid()?);
            let (service, state, swept) = (ServiceId(c.ulid()?), c.one_of(&BatchState::ALL)?, c.ulid_or_none()?);
            let (recipients, prepared, ended): (u32, u32, u32) = (c.get()?, c.get()?, c.get()?);
            let unprepared = match state {
                BatchState::Running | BatchState::Paused => recipients.saturating_sub(prepared),
                BatchState::Canceled => 0,
            };
            let open = OpenBatch {
                service,
                state,
                swept,
                unprepared,
                open: (prepared + unprepared).saturating_sub(ended),
                damaged: false,
            };
            Ok((id, open))
        })?
        .collect::<Result<_, _>>()?;
    turn.memory.batch_work = turn.memory.batches.values().any(OpenBatch::has_work);
    Ok(())
}

/// Decides and writes one [`AcceptBatch`].
pub(super) fn accept(turn: &mut Turn<'_>, new: &AcceptBatch) -> Result<Accepted<BatchId>, OpError> {
    if let Some(earlier) = known(turn, new)? {
        return Ok(earlier);
    }
    let record = insert(turn, &new.batch)?;
    let response = (new.respond)(&record);
    if let Some(idempotency) = &new.idempotency {
        turn.db
            .prepare_cached(
                "INSERT INTO batch_keys (digest, fingerprint, batch, status, response, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                accept::digest(turn.keys, record.service, idempotency),
                idempotency.fingerprint,
                record.id.0.to_octets(),
                response.status,
                response.body,
                turn.now.utc.as_millis(),
            ])?;
    }
    Ok(Accepted::New {
        id: record.id,
        response,
    })
}

/// What was accepted before under this key; writes nothing.
pub(super) fn known(turn: &Turn<'_>, new: &AcceptBatch) -> Result<Option<Accepted<BatchId>>, OpError> {
    match &new.idempotency {
        Some(idempotency) => Ok(earlier(turn.db, turn.keys, new.batch.shared.service, idempotency)?),
        None => Ok(None),
    }
}

fn earlier(
    db: &rusqlite::Connection,
    keys: &Keys,
    service: ServiceId,
    idempotency: &Idempotency,
) -> Result<Option<Accepted<BatchId>>, ReadError> {
    let row = db
        .prepare_cached("SELECT fingerprint, batch, status, response FROM batch_keys WHERE digest = ?1")?
        .query_row([accept::digest(keys, service, idempotency)], |row| {
            let mut c = Columns::new(row);
            let fingerprint: [u8; 32] = c.get()?;
            let id = BatchId(c.ulid()?);
            let (status, body) = (c.get()?, c.get()?);
            Ok((fingerprint, id, StoredResponse { status, body }))
        })
        .optional()?;
    Ok(row.map(
        |(fingerprint, id, response)| match fingerprint == idempotency.fingerprint {
            true => Accepted::Replayed { id, response },
            false => Accepted::KeyReused,
        },
    ))
}

fn insert(turn: &mut Turn<'_>, batch: &NewBatch) -> Result<BatchRecord, OpError> {
    let (shared, id) = (&batch.shared, BatchId(turn.new_id()));
    let row = id.0.to_octets();
    let (key, wrapped) = turn.keys.new_data_key(&row)?;
    let recipients = u32::try_from(batch.recipients.len()).unwrap_or(u32::MAX);
    let parts_of = |recipient: &Recipient| batch.texts.get(recipient.text).map_or(0, |text| text.parts.len());
    let parts = batch.recipients.iter().map(parts_of).sum::<usize>();
    let record = BatchRecord {
        id,
        service: shared.service,
        name: batch.name.clone(),
        reference: shared.reference.clone(),
        status: BatchStatus::Running,
        category: shared.category,
        priority: shared.priority,
        recipients,
        prepared: 0,
        duplicates: batch.duplicates,
        invalid: batch.invalid,
        parts: u32::try_from(parts).unwrap_or(u32::MAX),
        counts: Vec::new(),
        created_at: turn.now.utc,
        scheduled_for: shared.send_at,
        valid_until: shared.valid_until,
        completed_at: None,
    };
    turn.db
        .prepare_cached(
            "INSERT INTO batches (id, service, state, recipients, prepared, duplicates, invalid, parts, name, reference,
             category, priority, send_at, valid_until, data_key, created_at)
             VALUES (?1, ?2, 0, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            row,
            record.service.0.to_octets(),
            recipients,
            record.duplicates,
            record.invalid,
            record.parts,
            record.name,
            record.reference,
            record.category.map(|category| category as i64),
            record.priority as i64,
            millis(record.scheduled_for),
            record.valid_until.as_millis(),
            wrapped,
            record.created_at.as_millis(),
        ])?;
    let mut write = turn
        .db
        .prepare_cached("INSERT INTO batch_intakes (batch, place, content) VALUES (?1, ?2, ?3)")?;
    for (nth, recipients) in batch.recipients.chunks(STEP).enumerate() {
        let place = u32::try_from(nth * STEP).unwrap_or(u32::MAX);
        let sealed = Piece::of(shared, &batch.texts, recipients).seal(&key, id, place)?;
        write.execute(params![row, place, sealed])?;
    }
    drop(write);
    let open = OpenBatch {
        service: record.service,
        state: BatchState::Running,
        swept: None,
        unprepared: recipients,
        open: recipients,
        damaged: false,
    };
    turn.memory.set_batch(id, Some(open));
    turn.event(EventKind::BatchStarted, record.service, Subject::Batch(id))?;
    Ok(record)
}

/// Does one step of what batches have left to do; whether more is left.
pub(super) fn step(turn: &mut Turn<'_>) -> Result<bool, OpError> {
    let work = |turn: &Turn<'_>| {
        let with_work = turn.memory.batches.iter().filter(|(_, batch)| batch.has_work());
        // What was decided by a person goes before what is made.
        let next = with_work.min_by_key(|(id, batch)| (batch.swept.is_none(), **id));
        next.map(|(id, batch)| (*id, *batch))
    };
    if let Some((id, batch)) = work(turn) {
        match batch.swept {
            Some(after) => sweep(turn, id, batch, after)?,
            None => prepare(turn, id, batch)?,
        }
    }
    let more = work(turn).is_some();
    turn.memory.batch_work = more;
    Ok(more)
}

/// Makes the messages of the next recipients.
fn prepare(turn: &mut Turn<'_>, id: BatchId, batch: OpenBatch) -> Result<(), OpError> {
    let row = id.0.to_octets();
    let held = (batch.state == BatchState::Paused).then_some(HoldReason::Paused);
    let piece = turn
        .db
        .prepare_cached(
            "SELECT i.place, i.content, b.data_key FROM batch_intakes i JOIN batches b ON b.id = i.batch
             WHERE i.batch = ?1 ORDER BY i.place LIMIT 1",
        )?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let piece = piece.and_then(|(place, sealed, wrapped): (u32, Vec<u8>, Option<Vec<u8>>)| {
        let key = turn.keys.open_data_key(&row, &wrapped?).ok()?;
        Some((
            place,
            Piece::open(&key, id, place, &sealed)?.messages(batch.service, held)?,
        ))
    });
    let Some((place, mut messages)) = piece else {
        tracing::error!(batch = %id, "what is left of a batch does not open: its recipients get no message");
        turn.memory.set_batch(id, Some(OpenBatch { damaged: true, ..batch }));
        return Ok(());
    };
    let mut made = 0;
    while let Some(message) = messages.advance() {
        let recipient = Originator::new(message.recipient.as_e164());
        let person = numbers::person(turn, &recipient, message.valid_until)?;
        accept::insert(turn, message, &person, Some(id))?;
        made += 1;
    }
    let unprepared = batch.unprepared.saturating_sub(made);
    turn.db
        .prepare_cached("DELETE FROM batch_intakes WHERE batch = ?1 AND place = ?2")?
        .execute(params![row, place])?;
    turn.db
        .prepare_cached(
            "UPDATE batches SET prepared = prepared + ?2, data_key = CASE WHEN ?3 THEN NULL ELSE data_key END WHERE id = ?1",
        )?
        .execute(params![row, made, unprepared == 0])?;
    turn.memory.set_batch(id, Some(OpenBatch { unprepared, ..batch }));
    Ok(())
}

/// Carries out what was decided for the next messages.
fn sweep(turn: &mut Turn<'_>, id: BatchId, batch: OpenBatch, after: Ulid) -> Result<(), OpError> {
    let most = i64::try_from(STEP).unwrap_or(i64::MAX);
    let ids: Vec<[u8; 16]> = turn
        .db
        .prepare_cached("SELECT id FROM messages WHERE batch = ?1 AND id > ?2 AND final = 0 ORDER BY id LIMIT ?3")?
        .query_map(params![id.0.to_octets(), after.to_octets(), most], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let last = ids
        .last()
        .filter(|_| ids.len() == STEP)
        .map(|id| Ulid::from_octets(*id));
    set_swept(turn, id, last)?;
    turn.memory.set_batch(id, Some(OpenBatch { swept: last, ..batch }));
    for message in ids {
        if let Some(mut life) = Life::load(turn, MessageId(Ulid::from_octets(message)))? {
            life.pass_time(turn);
            life.save(turn)?;
        }
    }
    Ok(())
}

fn set_swept(turn: &Turn<'_>, id: BatchId, swept: Option<Ulid>) -> Result<(), OpError> {
    turn.db
        .prepare_cached("UPDATE batches SET swept = ?2 WHERE id = ?1")?
        .execute(params![id.0.to_octets(), swept.map(Ulid::to_octets)])?;
    Ok(())
}

/// Makes a message follow what was decided of its batch: at its first touch, or when the sweep comes to it.
pub(super) fn obey(turn: &Turn<'_>, life: &mut Life) {
    let batch = life.batch.and_then(|id| turn.memory.batches.get(&id));
    match batch.map(|batch| batch.state) {
        Some(BatchState::Running) => life.resume(turn.now.utc),
        Some(BatchState::Paused) => life.pause(),
        Some(BatchState::Canceled) => life.withdrawn = true,
        None => {}
    }
}

/// A message was written: keeps the counts of its batch, and notices its end.
pub(super) fn moved(turn: &mut Turn<'_>, life: &Life, before: Derived) -> Result<(), OpError> {
    let Some(id) = life.batch else { return Ok(()) };
    if life.derived.status != before.status {
        turn.changes.of_batch(id, before.status as i64, -1);
        turn.changes.of_batch(id, life.derived.status as i64, 1);
    }
    if life.derived.is_final && !before.is_final {
        turn.changes.of_batch(id, FINAL, 1);
        if let Some(batch) = turn.memory.batches.get(&id).copied() {
            let open = batch.open.saturating_sub(1);
            turn.memory.set_batch(id, Some(OpenBatch { open, ..batch }));
            end_if_over(turn, id)?;
        }
    }
    Ok(())
}

fn end_if_over(turn: &mut Turn<'_>, id: BatchId) -> Result<(), OpError> {
    let Some(batch) = turn.memory.batches.get(&id).copied().filter(|batch| batch.open == 0) else {
        return Ok(());
    };
    turn.memory.set_batch(id, None);
    turn.db
        .prepare_cached("UPDATE batches SET completed_at = ?2, swept = NULL WHERE id = ?1")?
        .execute(params![id.0.to_octets(), turn.now.utc.as_millis()])?;
    turn.event(EventKind::BatchCompleted, batch.service, Subject::Batch(id))
}

/// Decides and writes what a person wants of a batch.
pub(super) fn act(turn: &mut Turn<'_>, service: ServiceId, id: BatchId, act: BatchAct) -> Result<BatchActed, OpError> {
    let Some(row) = status_of(turn.db, service, id)? else {
        return Ok(BatchActed::NotFound);
    };
    let wanted = match act {
        BatchAct::Pause => BatchState::Paused,
        BatchAct::Resume => BatchState::Running,
        BatchAct::Cancel => BatchState::Canceled,
    };
    let Some(batch) = turn.memory.batches.get(&id).copied() else {
        return Ok(match (act, row) {
            (BatchAct::Cancel, BatchStatus::Canceled) => BatchActed::Done,
            (BatchAct::Pause | BatchAct::Resume | BatchAct::Cancel, other) => BatchActed::Conflict(other),
        });
    };
    if batch.state == wanted {
        return Ok(BatchActed::Done);
    }
    if batch.state == BatchState::Canceled {
        return Ok(BatchActed::Conflict(BatchStatus::Canceled));
    }
    turn.db
        .prepare_cached("UPDATE batches SET state = ?2 WHERE id = ?1")?
        .execute(params![id.0.to_octets(), wanted as i64])?;
    let from = Ulid::from_bits(0);
    set_swept(turn, id, Some(from))?;
    let mut next = OpenBatch {
        state: wanted,
        swept: Some(from),
        ..batch
    };
    if wanted == BatchState::Canceled {
        // Who has no message yet gets none.
        turn.db
            .prepare_cached("DELETE FROM batch_intakes WHERE batch = ?1")?
            .execute([id.0.to_octets()])?;
        turn.db
            .prepare_cached("UPDATE batches SET data_key = NULL WHERE id = ?1")?
            .execute([id.0.to_octets()])?;
        next.open = batch.open.saturating_sub(batch.unprepared);
        next.unprepared = 0;
        turn.event(EventKind::BatchCanceled, service, Subject::Batch(id))?;
    }
    turn.memory.set_batch(id, Some(next));
    end_if_over(turn, id)?;
    Ok(BatchActed::Done)
}

fn status_of(db: &rusqlite::Connection, service: ServiceId, id: BatchId) -> Result<Option<BatchStatus>, OpError> {
    let status = db
        .prepare_cached("SELECT state, completed_at FROM batches WHERE id = ?1 AND service = ?2")?
        .query_row([id.0.to_octets(), service.0.to_octets()], |row| {
            let mut c = Columns::new(row);
            Ok(status(c.one_of(&BatchState::ALL)?, c.get::<Option<i64>>()?.is_some()))
        })
        .optional()?;
    Ok(status)
}

fn status(state: BatchState, completed: bool) -> BatchStatus {
    match (state, completed) {
        (BatchState::Canceled, _) => BatchStatus::Canceled,
        (BatchState::Running | BatchState::Paused, true) => BatchStatus::Completed,
        (BatchState::Running, false) => BatchStatus::Running,
        (BatchState::Paused, false) => BatchStatus::Paused,
    }
}

impl StoreHandle {
    /// Takes a batch on; it is on disk, whole, when this returns [`Accepted::New`].
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn accept_batch(&self, accept: AcceptBatch) -> Result<Accepted<BatchId>, StoreError> {
        let Answer::BatchAccepted(accepted) = self.call(Op::AcceptBatch(Box::new(accept))).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(accepted)
    }

    /// Pauses, resumes or withdraws a batch.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written.
    pub async fn act_on_batch(
        &self,
        service: ServiceId,
        batch: BatchId,
        act: BatchAct,
    ) -> Result<BatchActed, StoreError> {
        let Answer::BatchActed(acted) = self.call(Op::ActOnBatch { service, batch, act }).await? else {
            return Err(StoreError::Unavailable);
        };
        Ok(acted)
    }
}
