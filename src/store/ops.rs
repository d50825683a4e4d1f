//! What can be asked of the writing side of the store, and what it answers. Each op is decided and written in one
//! savepoint; answers are given after the commit.

use std::fmt;

use wardwire_core::base::{ApiKeyId, BatchId, LoopbackId, MessageId, ServiceId, SimId};
use wardwire_core::queue::state::MessageStatus;
use wardwire_core::queue::verbs::{NewMessage, Reply, Request};

use super::audit::NewAudit;
use super::batch::{AcceptBatch, BatchAct, BatchActed};
use super::decision::{Decided, Decision};
use super::loopback::NewLoopback;
use super::outbox::Told;
use super::records::{ApiKeyRecord, MessageRecord};
use super::sharing::Share;
use super::sims::{Replaced, SimEdit};

/// One thing to decide and write.
#[derive(Debug)]
pub enum Op {
    /// From the running gateway.
    Gateway(Request),
    /// A new message from a caller.
    Accept(Box<Accept>),
    /// A new batch from a caller.
    AcceptBatch(Box<AcceptBatch>),
    /// Pause, resume or withdraw a batch.
    ActOnBatch {
        /// Its owner; a batch of somebody else is not found.
        service: ServiceId,
        /// Which.
        batch: BatchId,
        /// What.
        act: BatchAct,
    },
    /// One step of what batches have left to do: messages of some recipients, or what was decided for some messages.
    Batches,
    /// Withdraw a message.
    Cancel {
        /// Its owner; a message of somebody else is not found.
        service: ServiceId,
        /// Which.
        message: MessageId,
    },
    /// What a person decided about a message.
    Decide {
        /// Its owner; a message of somebody else is not found.
        service: ServiceId,
        /// Which.
        message: MessageId,
        /// What.
        decision: Decision,
    },
    /// A new API key.
    CreateKey(NewKey),
    /// Make a key void.
    RevokeKey(ApiKeyId),
    /// Change what is noted of a SIM.
    EditSim {
        /// Which.
        sim: SimId,
        /// What changes.
        edit: SimEdit,
    },
    /// Put a SIM in another's place.
    ReplaceSim {
        /// The one that is kept for what comes in.
        old: SimId,
        /// The one that sends from now on.
        new: SimId,
    },
    /// Keep what people entered of pools and routes.
    Share(Box<Share>),
    /// Begin a loopback test.
    Loopback(Box<NewLoopback>),
    /// Write down what a person is about to do.
    Audit(NewAudit),
    /// Write down what came of telling a webhook.
    Told {
        /// Its label.
        webhook: String,
        /// Which event.
        sequence: u64,
        /// What came of it.
        told: Told,
    },
    /// Write down how it ended.
    AuditOutcome {
        /// From [`Answer::Audited`].
        sequence: u64,
        /// In words.
        outcome: String,
    },
}

/// The answer to the [`Op`] at the same place.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Op::Gateway`].
    Gateway(Reply),
    /// To [`Op::Accept`].
    Accepted(Accepted),
    /// To [`Op::Cancel`].
    Canceled(Canceled),
    /// To [`Op::Decide`].
    Decided(Decided),
    /// To [`Op::CreateKey`].
    Key(ApiKeyRecord),
    /// To [`Op::RevokeKey`]: whether there was one to revoke.
    Revoked(bool),
    /// To [`Op::AcceptBatch`].
    BatchAccepted(Accepted<BatchId>),
    /// To [`Op::ActOnBatch`].
    BatchActed(BatchActed),
    /// To [`Op::EditSim`], [`Op::Share`] and [`Op::AuditOutcome`]: whether there was something to change; to [`Op::Batches`]: whether more is
    /// left to do.
    Done(bool),
    /// To [`Op::ReplaceSim`].
    Replaced(Replaced),
    /// To [`Op::Loopback`]: `None` when its message names no SIM.
    Loopback(Option<LoopbackId>),
    /// To [`Op::Audit`]: its place in the record.
    Audited(u64),
    /// Nothing of this op was written (input/output error, or the disk has no room at all): ask again later.
    Unavailable,
    /// Nothing was written: the room that is left is kept for what comes in.
    Full,
    /// Nothing was written: it waited too long for its turn.
    Late,
}

/// A new message with what makes its request safe to repeat.
pub struct Accept {
    /// The message.
    pub message: NewMessage,
    /// What the caller's `Idempotency-Key` header says.
    pub idempotency: Option<Idempotency>,
    /// Makes the answer that is stored with the key and given again on a repeat. Called inside the transaction: it
    /// must only format.
    pub respond: Respond,
}

/// Makes the answer to be stored from the message as it was written.
pub type Respond = Box<dyn Fn(&MessageRecord) -> StoredResponse + Send>;

impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("message", &self.message)
            .field("idempotency", &self.idempotency)
            .finish_non_exhaustive()
    }
}

/// An idempotency key with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, 1 to 255 printable ASCII characters.
    pub key: String,
    /// Method and path, as `POST /v1/messages`. The service is added by the store.
    pub scope: String,
    /// SHA-256 of the canonical body.
    pub fingerprint: [u8; 32],
}

/// An answer as it goes over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// HTTP status.
    pub status: u16,
    /// Body; it may hold a number and a text and is kept sealed.
    pub body: String,
}

impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredResponse({}, {} octets)", self.status, self.body.len())
    }
}

/// What became of an [`Accept`] or [`AcceptBatch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted<Id = MessageId> {
    /// It is on disk.
    New {
        /// Which it is now.
        id: Id,
        /// What its `respond` made.
        response: StoredResponse,
    },
    /// The same request came before: its answer again.
    Replayed {
        /// The message or batch of then.
        id: Id,
        /// The answer of then.
        response: StoredResponse,
    },
    /// The key came before with another body.
    KeyReused,
}

/// What became of an [`Op::Cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canceled {
    /// Nothing of it goes out.
    Done,
    /// A part was written before: nothing more of it goes out, but that part may have.
    AlreadySubmitting,
    /// It had ended before, this way.
    AlreadyFinal(MessageStatus),
    /// The service has no such message.
    NotFound,
}

/// An API key to be. The secret itself never comes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its id: the caller makes the whole key, since it is part of its text. `None`: the store makes one.
    pub id: Option<ApiKeyId>,
    /// Name of the service it belongs to; made when missing.
    pub service: String,
    /// For people.
    pub label: String,
    /// SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// What it may do.
    pub scopes: Vec<String>,
}
