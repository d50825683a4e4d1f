//! What the store tells readers: plain rows with the core's words. Numbers and texts come unsealed in types whose
//! `Debug` shows nothing of them. How they look in JSON is the API's business.

use wardwire_core::base::{
    ApiKeyId, AttemptId, BatchId, Body, EventId, InboundId, LoopbackId, MessageId, ModemId, Originator, PartId,
    PhoneNumber, ServiceId, SimId, Ulid, UtcTime,
};
use wardwire_core::queue::error::{ErrorCode, NetworkCode};
use wardwire_core::queue::hours::Window;
use wardwire_core::queue::inbound::InboundKind;
use wardwire_core::queue::loopback::LoopbackFacts;
use wardwire_core::queue::plan::Cap;
use wardwire_core::queue::state::{Category, HoldReason, MessageStatus, OnUnknown, PartState, Priority};
use wardwire_core::queue::status::Delivery;
use wardwire_core::sms::Alphabet;

/// An outbound message, as `GET /v1/messages/{id}` needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// Which.
    pub id: MessageId,
    /// Who owns it.
    pub service: ServiceId,
    /// Where it goes; `None` once the person was erased.
    pub recipient: Option<PhoneNumber>,
    /// Its text; `None` once erased.
    pub body: Option<Body>,
    /// Status.
    pub status: MessageStatus,
    /// Nothing will open it again.
    pub is_final: bool,
    /// Why it is held; set only while [`MessageStatus::Held`].
    pub held: Option<HoldReason>,
    /// What is known about delivery.
    pub delivery: Delivery,
    /// What it is for, where its caller said.
    pub category: Option<Category>,
    /// Lane.
    pub priority: Priority,
    /// Alphabet on the air.
    pub alphabet: Alphabet,
    /// Parts, 1 to 10.
    pub part_count: u8,
    /// Parts the SMSC took.
    pub parts_accepted: u8,
    /// Parts the phone took.
    pub parts_delivered: u8,
    /// Septets, 16-bit units or octets of text in all parts.
    pub units: u32,
    /// SIM of its latest attempt.
    pub sim: Option<SimId>,
    /// That SIM's own number, where known.
    pub from: Option<PhoneNumber>,
    /// Attempts of all parts.
    pub attempts: u32,
    /// What went wrong last; cleared when it went well after all.
    pub error: Option<MessageError>,
    /// A part was sent again after an outcome that nobody knows: the phone may show it twice.
    pub possible_copy: bool,
    /// Asked for delivery reports.
    pub delivery_report: bool,
    /// Its policy for unknown outcomes.
    pub on_unknown: OnUnknown,
    /// The batch it is one of.
    pub batch: Option<BatchId>,
    /// The caller's own id.
    pub reference: Option<String>,
    /// The caller's pairs as canonical JSON.
    pub metadata: Option<String>,
    /// When the row was written.
    pub created_at: UtcTime,
    /// The caller's `send_at`, or the later moment at which its hours open.
    pub scheduled_for: Option<UtcTime>,
    /// The part of the day in which it goes, where the caller named one.
    pub window: Option<Window>,
    /// No part goes out after this.
    pub valid_until: UtcTime,
    /// When it first waited for a SIM.
    pub queued_at: Option<UtcTime>,
    /// When its first part was handed to a modem.
    pub submitted_at: Option<UtcTime>,
    /// When the SMSC had taken all of it.
    pub sent_at: Option<UtcTime>,
    /// When the last report said that the phone has it.
    pub delivered_at: Option<UtcTime>,
    /// When it became final.
    pub final_at: Option<UtcTime>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageError {
    /// The word for machines; its sentence is [`ErrorCode::detail`].
    pub code: ErrorCode,
    /// The raw value behind it.
    pub network_code: Option<NetworkCode>,
}

/// One part with its attempts, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRecord {
    /// Which.
    pub id: PartId,
    /// 1-based place.
    pub sequence: u8,
    /// State.
    pub state: PartState,
    /// Reference the SMSC took it under.
    pub tp_mr: Option<u8>,
    /// SIM it was accepted through.
    pub sim: Option<SimId>,
    /// What went wrong last.
    pub error: Option<MessageError>,
    /// TP-Status of its last delivery report, raw.
    pub tp_st: Option<u8>,
    /// When the SMSC took it, by our clock.
    pub accepted_at: Option<UtcTime>,
    /// When the final report came, by our clock.
    pub reported_at: Option<UtcTime>,
    /// TP-Service-Centre-Time-Stamp of the report.
    pub smsc_timestamp: Option<UtcTime>,
    /// TP-Discharge-Time of the report.
    pub discharged_at: Option<UtcTime>,
    /// It was sent again after an outcome that nobody knows.
    pub possible_copy: bool,
    /// Its attempts.
    pub attempts: Vec<AttemptRecord>,
}

/// What happened on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Which.
    pub id: AttemptId,
    /// State.
    pub state: AttemptState,
    /// Modem.
    pub modem: ModemId,
    /// SIM.
    pub sim: SimId,
    /// Reference the modem used, where it told.
    pub tp_mr: Option<u8>,
    /// Raw error, where there was one.
    pub network_code: Option<NetworkCode>,
    /// On disk since.
    pub written_at: UtcTime,
    /// Answered, or given up.
    pub ended_at: Option<UtcTime>,
}

/// State of an attempt on disk (the index is the code on disk; only append).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptState {
    /// On disk, no answer yet.
    Written,
    /// The SMSC took it.
    Accepted,
    /// It was refused: by the network, the modem or the SIM.
    Refused,
    /// No usable answer.
    Unknown,
    /// It ended before Ctrl-Z: nothing left the box.
    NotSent,
}

impl AttemptState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Written,
        Self::Accepted,
        Self::Refused,
        Self::Unknown,
        Self::NotSent,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
        }
    }
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundRecord {
    /// Which.
    pub id: InboundId,
    /// Who may read it.
    pub service: ServiceId,
    /// Who sent it; `None` once the person was erased.
    pub from: Option<Originator>,
    /// The SIM's own number, where known.
    pub to: Option<PhoneNumber>,
    /// SIM that got it.
    pub sim: SimId,
    /// What it is.
    pub kind: InboundKind,
    /// Its text, with gaps marked, or its octets in hexadecimal where its kind is no text; `None` once erased.
    pub body: Option<Body>,
    /// Parts it has in all.
    pub parts: u8,
    /// Parts are missing and will not be waited for any more.
    pub incomplete: bool,
    /// When the row was written.
    pub received_at: UtcTime,
    /// TP-Service-Centre-Time-Stamp of the first part there is.
    pub smsc_timestamp: Option<UtcTime>,
}

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Which.
    pub id: ApiKeyId,
    /// Whose.
    pub service: ServiceId,
    /// For people.
    pub label: String,
    /// SHA-256 of the secret; compare in constant time.
    pub secret_sha256: [u8; 32],
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: UtcTime,
    /// Since when it is void.
    pub revoked_at: Option<UtcTime>,
}

/// A SIM, as people care for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimRecord {
    /// Which.
    pub id: SimId,
    /// 18 to 22 digits, where it tells.
    pub iccid: Option<String>,
    /// Up to 15 digits, where it tells.
    pub imsi: Option<String>,
    /// Own number, from the SIM or from a person.
    pub number: Option<PhoneNumber>,
    /// Operator, as a person noted it.
    pub operator: Option<String>,
    /// Tariff, as a person noted it.
    pub plan: Option<String>,
    /// What a person entered of the plan it is sent by, by the names of the configuration.
    pub caps: Vec<(String, u32)>,
    /// Anything else a person noted.
    pub note: Option<String>,
    /// The modem it was seen in last.
    pub modem: ModemId,
    /// The slot of that modem.
    pub slot: String,
    /// Nothing goes out through it.
    pub receive_only: bool,
    /// The SIM in its place.
    pub replaced_by: Option<SimId>,
    /// Credit, as the network told it last.
    pub balance: Option<Balance>,
    /// Parts the SMSC took in the last 24 h.
    pub sent_lately: u32,
    /// Parts refused in the last 24 h, or of which nobody knows.
    pub failed_lately: u32,
    /// When it was first seen.
    pub created_at: UtcTime,
    /// When it was last seen.
    pub seen_at: UtcTime,
}

/// What the network said of a SIM's credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Its words.
    pub text: String,
    /// When.
    pub at: UtcTime,
    /// The amount in them, in hundredths of the unit they mean.
    pub amount: Option<i64>,
    /// Since when it is below what the site wants.
    pub low_since: Option<UtcTime>,
}

/// A loopback test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopbackRecord {
    /// Which.
    pub id: LoopbackId,
    /// Of which SIM.
    pub sim: SimId,
    /// Its message.
    pub message: MessageId,
    /// When it was begun.
    pub created_at: UtcTime,
    /// What its result is judged from.
    pub facts: LoopbackFacts,
}

/// What a person did to the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Place in the record, without gaps, from 1.
    pub sequence: u64,
    /// When.
    pub at: UtcTime,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// More of it.
    pub detail: String,
    /// How it ended; `None` when that is not known.
    pub outcome: Option<String>,
    /// When it ended.
    pub ended_at: Option<UtcTime>,
}

/// An event, thin: ids and states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Per box, gap-free, growing, from 1.
    pub sequence: u64,
    /// Which.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub created_at: UtcTime,
    /// Whose.
    pub service: ServiceId,
    /// Of what.
    pub subject: Subject,
    /// The caller's own id of the message or batch.
    pub reference: Option<String>,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An outbound message.
    Message(MessageId),
    /// A received message.
    Inbound(InboundId),
    /// A SIM.
    Sim(SimId),
    /// A batch.
    Batch(BatchId),
}

/// What happened (the index is the code on disk; only append).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// It was accepted from its caller.
    MessageCreated,
    /// The message has this status now.
    MessageStatus(MessageStatus),
    /// A part was refused, undelivered or expired; the message may not be final yet.
    MessagePartFailed,
    /// An outcome that was unknown is known now.
    MessageUnknownResolved,
    /// An inbound message is complete.
    MessageReceived,
    /// An inbound message is as complete as it will get.
    MessageReceivedIncomplete,
    /// Something came in that is no text to hand on; it is kept for technicians.
    MessageKept,
    /// Four fifths of this budget of a SIM are used.
    SimCapNear(Cap),
    /// Nothing of this budget of a SIM is left but what is kept for emergencies.
    SimCapReached(Cap),
    /// Not half as many of a SIM's texts are told of by delivery reports as it is used to.
    SimSuspect,
    /// They are again.
    SimTrusted,
    /// A SIM's credit is below what the site wants.
    SimCreditLow,
    /// It is not any more.
    SimCreditRestored,
    /// A batch was taken on.
    BatchStarted,
    /// The last message of a batch is final.
    BatchCompleted,
    /// A batch was withdrawn.
    BatchCanceled,
}

impl EventKind {
    /// The budget it tells of.
    #[must_use]
    pub const fn cap(self) -> Option<Cap> {
        if let Self::SimCapNear(cap) | Self::SimCapReached(cap) = self {
            Some(cap)
        } else {
            None
        }
    }

    /// The status it tells of.
    #[must_use]
    pub const fn status(self) -> Option<MessageStatus> {
        if let Self::MessageStatus(status) = self {
            Some(status)
        } else {
            None
        }
    }

    /// The `type` the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageCreated => "message.created",
            Self::MessageStatus(MessageStatus::Scheduled) => "message.scheduled",
            Self::MessageStatus(MessageStatus::Held) => "message.held",
            Self::MessageStatus(MessageStatus::Blocked) => "message.blocked",
            Self::MessageStatus(MessageStatus::Canceled) => "message.canceled",
            Self::MessageStatus(MessageStatus::Queued) => "message.queued",
            Self::MessageStatus(MessageStatus::Assigned) => "message.assigned",
            Self::MessageStatus(MessageStatus::Submitting) => "message.submitting",
            Self::MessageStatus(MessageStatus::Sent) => "message.sent",
            Self::MessageStatus(MessageStatus::Delivered) => "message.delivered",
            Self::MessageStatus(MessageStatus::Undelivered) => "message.undelivered",
            Self::MessageStatus(MessageStatus::PartiallyDelivered) => "message.partially_delivered",
            Self::MessageStatus(MessageStatus::PartiallySent) => "message.partially_sent",
            Self::MessageStatus(MessageStatus::Expired) => "message.expired",
            Self::MessageStatus(MessageStatus::Failed) => "message.failed",
            Self::MessageStatus(MessageStatus::Unknown) => "message.unknown",
            Self::MessagePartFailed => "message.part_failed",
            Self::MessageUnknownResolved => "message.unknown_resolved",
            Self::MessageReceived => "message.received",
            Self::MessageReceivedIncomplete => "message.received_incomplete",
            Self::MessageKept => "message.kept",
            Self::SimCapNear(_) => "sim.cap_near",
            Self::SimCapReached(_) => "sim.cap_reached",
            Self::SimSuspect => "sim.suspect",
            Self::SimTrusted => "sim.trusted",
            Self::SimCreditLow => "sim.credit_low",
            Self::SimCreditRestored => "sim.credit_restored",
            Self::BatchStarted => "batch.started",
            Self::BatchCompleted => "batch.completed",
            Self::BatchCanceled => "batch.canceled",
        }
    }
}

/// A committed event, as it is broadcast: enough to know what to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Sequence of the event.
    pub sequence: u64,
    /// What happened.
    pub kind: EventKind,
    /// Whose.
    pub service: ServiceId,
    /// Of what.
    pub subject: Subject,
}

/// What to list, newest first unless [`ListFilter::ascending`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only after this one in the order of the list; from [`Page::next`].
    pub cursor: Option<Ulid>,
    /// Rows, 1 to 200; other values are brought into that range.
    pub limit: u16,
    /// Oldest first.
    pub ascending: bool,
    /// Only these statuses; empty = all. Messages only.
    pub statuses: Vec<MessageStatus>,
    /// Only with this reference. Messages only.
    pub reference: Option<String>,
    /// Only of this SIM.
    pub sim: Option<SimId>,
    /// Only of this batch. Messages only.
    pub batch: Option<BatchId>,
    /// Only of these kinds; empty: texts, which are handed on. Received messages only.
    pub kinds: Vec<InboundKind>,
    /// Only created (received) at or after this.
    pub created_after: Option<UtcTime>,
    /// Only created (received) before this.
    pub created_before: Option<UtcTime>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Ulid>,
}

/// What waits of one urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How urgent.
    pub priority: Priority,
    /// Messages that wait for a SIM; of the least urgent long ones all that is not counted.
    pub messages: u64,
    /// Parts of each, on average of the first thousand, rounded up.
    pub parts_each: u32,
}

/// Counts for the status page; kept up to date with every change, so that reading them costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusCounts {
    /// Messages whose time to be sent fell or falls between `since` and 24 h later.
    pub due: u64,
    /// Messages that the SMSC took all of since `since`.
    pub sent: u64,
    /// Messages that reached the phone since `since`.
    pub delivered: u64,
    /// Messages that ended badly since `since`: failed, expired, undelivered or in part.
    pub failed: u64,
    /// Messages received since `since`.
    pub received: u64,
    /// Messages that wait for a SIM now.
    pub waiting: u64,
    /// The earliest due time of a message with something left to send; it may lie ahead.
    pub oldest_due_at: Option<UtcTime>,
    /// Messages held for a person.
    pub held: u64,
    /// Those of them whose moment passed in an outage.
    pub stale: u64,
    /// Messages whose time has not come.
    pub scheduled: u64,
    /// Messages that may or may not have been sent, not final.
    pub unknown: u64,
    /// Last time the SMSC took a part: the proof that patients can be reached.
    pub last_accepted_at: Option<UtcTime>,
}
