//! What the running gateway and the API ask of the store, and what it answers: plain values that both sides name, so
//! that neither knows the other. Every request is decided and written in one transaction; a reply is given only after
//! the commit.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::hours::Window;
use super::lane::{Lane, Way};
use super::plan::{Circle, DayUse, Mark, Met, Plan};
use super::state::{Category, HoldReason, OnUnknown, Priority, Sensitivity};
use crate::base::{
    AttemptId, Body, MessageId, ModemId, Originator, PartId, Past, PhoneNumber, ServiceId, SimId, UtcDay, UtcTime,
};
use crate::sms::{Alphabet, EncodedPart};

/// A message that needs no further check: parsed, policed and segmented by the door it came through.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Who owns it.
    pub service: ServiceId,
    /// Where it goes.
    pub recipient: PhoneNumber,
    /// The text as it was given, for people who may read it.
    pub body: Body,
    /// The text as it goes out, 1 to 10 parts in order. The concatenation reference is set by the store.
    pub parts: Vec<EncodedPart>,
    /// Alphabet of the parts.
    pub alphabet: Alphabet,
    /// Septets (GSM-7), 16-bit units (UCS-2) or octets of text in all parts, headers not counted.
    pub units: u32,
    /// What it is for, where the caller says.
    pub category: Option<Category>,
    /// Lane.
    pub priority: Priority,
    /// Not before this.
    pub send_at: Option<UtcTime>,
    /// Only in this part of the recipient's day, besides the gateway's own hours.
    pub window: Option<Window>,
    /// Never after this.
    pub valid_until: UtcTime,
    /// Ask the network for delivery reports.
    pub delivery_report: bool,
    /// What to do when the outcome stays unknown.
    pub on_unknown: OnUnknown,
    /// Held from the start, for this reason.
    pub held: Option<HoldReason>,
    /// Through this SIM or not at all; the choice is free when `None`.
    pub sim: Option<SimId>,
    /// The caller's own id, at most 64 characters, not unique.
    pub reference: Option<String>,
    /// The caller's own pairs, as canonical JSON of at most 1 KiB; never read here.
    pub metadata: Option<String>,
    /// How long the text is kept.
    pub sensitivity: Sensitivity,
}

/// A message with parts that may be sent now, as the gateway's active window holds it.
#[derive(Clone, Debug)]
pub struct DueMessage {
    /// Which.
    pub id: MessageId,
    /// Where it waits.
    pub lane: Lane,
    /// Its service's share beside the other services of the lane's way and priority, 1 and up.
    pub weight: u32,
    /// Since when it is due.
    pub due_at: UtcTime,
    /// No part goes out after this; what is left of it becomes TP-VP.
    pub valid_until: UtcTime,
    /// Where it goes.
    pub recipient: PhoneNumber,
    /// The SIM that its earlier parts went through: all parts of a message go through one SIM.
    pub sim: Option<SimId>,
    /// A SIM that refused it before; another is better.
    pub avoid: Option<SimId>,
    /// The SIM its recipient knows from the last text: better, but nothing to wait for.
    pub prefer: Option<SimId>,
    /// SIMs that wrote to its recipient lately, each with the last day: these people count no more. At most
    /// [`crate::base::limits::MODEMS`], the latest; empty unless [`Request::TakeDue`] asked for them.
    pub counted: Vec<(SimId, UtcDay)>,
    /// Ask the network for delivery reports.
    pub delivery_report: bool,
    /// The parts still to send, in order of their sequence; never empty.
    pub parts: Vec<DuePart>,
}

/// One part still to send.
#[derive(Clone, Debug)]
pub struct DuePart {
    /// Which.
    pub id: PartId,
    /// 1-based place in the message.
    pub sequence: u8,
    /// Attempts made before.
    pub attempts: u32,
    /// What goes out.
    pub content: EncodedPart,
}

/// How an attempt ended, in the words of the wire. What it *means* is decided by [`super`] in the store's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// `+CMGS`: the SMSC took it under this TP-MR (`None` when the modem answered OK without one).
    Accepted {
        /// TP-Message-Reference the modem used.
        tp_mr: Option<u8>,
        /// SMSC time stamp from the acknowledgement PDU, where the modem gives one.
        smsc_timestamp: Option<UtcTime>,
    },
    /// Ended before Ctrl-Z was written: nothing left the box, whatever the cause.
    NotSent(Answer),
    /// An error after Ctrl-Z.
    Failed {
        /// The answer.
        answer: Answer,
        /// From Ctrl-Z to the answer: tells a local refusal from a network one.
        took: Duration,
    },
    /// No usable answer after Ctrl-Z.
    NoAnswer(Silence),
}

/// An answer that is no success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// `+CMS ERROR: n` (3GPP TS 27.005 clause 3.2.5).
    Cms(u16),
    /// `+CME ERROR: n` (3GPP TS 27.007 clause 9.2).
    Cme(u16),
    /// Plain `ERROR`, or a vendor's form of it.
    Error,
    /// No prompt came, or the port was gone before Ctrl-Z.
    NoPrompt,
    /// The store refused the attempt; the modem never got the PDU.
    Withdrawn,
}

/// Why there was no answer after Ctrl-Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Silence {
    /// The hard timeout passed.
    Timeout,
    /// The modem restarted.
    ModemReset,
    /// The port vanished.
    PortLost,
    /// The daemon stopped or died in between.
    Restart,
}

/// What the gateway asks of the store.
#[derive(Clone, Debug)]
pub enum Request {
    /// A modem has been identified: who is it, and what did its SIM send lately?
    Introduce(Box<Introduce>),
    /// Fill the active window: of each lane of these ways the oldest, until `depth` of it are given out, most urgent lanes
    /// first. A message given out is leased in memory until all its parts are closed or it is released; it is not given
    /// out twice.
    TakeDue {
        /// Ways that some SIM serves now.
        ways: Vec<Way>,
        /// How many of each lane may be given out at a time, those given out before counted.
        depth: usize,
        /// Most messages to give now.
        room: usize,
        /// Tell [`DueMessage::counted`]: some SIM may write to so many people only.
        counted: bool,
    },
    /// Give a leased message back unsent.
    Release(MessageId),
    /// Give a leased message back that no SIM's budget lets go now: it waits until then, and says so (`sim_cap`).
    Defer {
        /// Which.
        message: MessageId,
        /// When it is due again.
        until: UtcTime,
    },
    /// Write an attempt before its Ctrl-Z, if nothing speaks against it any more.
    Begin(Begin),
    /// An attempt ended.
    Close {
        /// Which, from [`Begun::Written`].
        attempt: AttemptId,
        /// How.
        result: AttemptResult,
    },
    /// A delivery report came in.
    Report(Report),
    /// An inbound part came in.
    Receive(InboundPart),
    /// A PIN is about to be given to a card: write that down before.
    TryPin(PinTry),
    /// What became of it.
    EndPin(PinEnded),
    /// Keep what of a modem must outlive a restart, in place of what was kept before.
    KeepPast(KeepPast),
    /// Do what is due by time: lapse, give unknowns up or back, end report waits and reassembly; bounded a turn.
    Sweep,
}

/// What the store answers, after the commit.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To [`Request::Introduce`].
    Introduced(Box<Introduced>),
    /// To [`Request::TakeDue`].
    Due {
        /// Never more than asked for.
        messages: Vec<DueMessage>,
        /// Lanes that may have more than was given; of the others more arrives with a word only.
        more: Vec<Lane>,
        /// When the next one of these ways that is not due yet will be, as far as known now.
        next_due: Option<UtcTime>,
    },
    /// To [`Request::Begin`].
    Begun(Begun),
    /// To [`Request::Close`]: whether the gateway may go on with the message.
    Closed(Closed),
    /// To [`Request::Report`] and [`Request::Receive`]: it is on disk, the modem's copy may go.
    Stored,
    /// To [`Request::Release`] and [`Request::Defer`].
    Released,
    /// To [`Request::TryPin`]: whether it may be given.
    PinTried(PinTried),
    /// To [`Request::EndPin`].
    PinEnded,
    /// To [`Request::KeepPast`].
    PastKept,
    /// To [`Request::Sweep`]: when to sweep again at the latest, and whether more messages became due.
    Swept {
        /// SIMs whose loopback test has just run out: what they sent was accepted and did not come in. Each is told once.
        deaf: Vec<SimId>,
        /// SIMs whose texts are dropped silently, by their delivery reports; `None` when that was not looked at this time.
        dropped: Option<Vec<SimId>>,
        /// Messages that were given out, and whose hours are over: they are back, and given out when those begin again. At most
        /// some hundred.
        put_off: Vec<MessageId>,
        /// Next sweep.
        next: Option<UtcTime>,
        /// There may be work for a free modem.
        due: bool,
    },
    /// Nothing was written (disk full, input/output error): ask again later. Never given for a refused decision.
    Unavailable,
}

/// A modem and its SIM, as bring-up found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduce {
    /// Label of the configuration.
    pub label: String,
    /// 15 digits, where the modem tells.
    pub imei: Option<String>,
    /// 18 to 22 digits, where the SIM tells; else the IMSI stands in for it.
    pub iccid: Option<String>,
    /// Up to 15 digits.
    pub imsi: Option<String>,
    /// Own number, where the SIM knows it.
    pub number: Option<PhoneNumber>,
    /// Manufacturer, as the modem says.
    pub manufacturer: String,
    /// Model, as the modem says.
    pub model: String,
    /// Firmware, as the modem says.
    pub firmware: String,
    /// The plan of a SIM that has none of its own.
    pub plan: Plan,
}

/// Their ids and what the SIM sent lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduced {
    /// The modem (by IMEI, else by label).
    pub modem: ModemId,
    /// The SIM (by ICCID, else IMSI, else by modem).
    pub sim: SimId,
    /// Its plan.
    pub plan: Plan,
    /// When this SIM was first used here.
    pub first_used_at: Option<UtcTime>,
    /// Begin of its attempts within 24 h, oldest first, at most the newest [`Plan::history`].
    pub sends: Vec<UtcTime>,
    /// What it sent on each day since the begin of the billing month, oldest first; at most 62.
    pub days: Vec<DayUse>,
    /// TP-MR of its last accepted part.
    pub last_tp_mr: Option<u8>,
    /// A person keeps it for what comes in: nothing goes out through it.
    pub receive_only: bool,
    /// What was kept of this modem, whatever slot it was in then.
    pub past: Past,
}

/// An attempt to be written down before Ctrl-Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Message.
    pub message: MessageId,
    /// Part.
    pub part: PartId,
    /// Modem it goes through.
    pub modem: ModemId,
    /// SIM it goes through.
    pub sim: SimId,
    /// The TP-MR this SIM will probably use next: evidence, should the outcome stay unknown.
    pub expected_tp_mr: Option<u8>,
    /// Do not begin it when its recipient would be one too many; `None`: the SIM may write to any number of people.
    pub circle: Option<Circle>,
    /// What it does to the SIM's budgets that is worth telling, if it is begun.
    pub marks: [Option<Mark>; 4],
}

/// Whether the attempt may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is on disk: Ctrl-Z may be written.
    Written {
        /// To close it by.
        attempt: AttemptId,
        /// How its recipient is counted now.
        met: Met,
    },
    /// Its recipient would be one too many for this SIM: send nothing; another SIM may. What the gateway knows of the SIM's budget
    /// is wrong.
    NoRoom,
    /// Canceled, opted out, lapsed or held meanwhile: send nothing, forget the message.
    Withdrawn,
}

/// What follows for the gateway's copy of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Send its next part; one waits.
    GoOn,
    /// None waits, or none may go now: forget the message; the store gives it out again when (and if) it is due again.
    Forget,
}

/// The past of a modem, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepPast {
    /// Label of its slot.
    pub label: String,
    /// The modem in it, once it told its IMEI. What was kept of this modem under another label is forgotten.
    pub imei: Option<String>,
    /// Its past.
    pub past: Past,
}

/// A PIN about to be given to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinTry {
    /// ICCID of the card, or the label of the modem where it does not tell it while locked.
    pub holder: String,
    /// Label of the modem the card is in: under it stands a try made while the card did not tell its ICCID.
    pub label: String,
    /// The PIN, in a type that keeps out of logs; only a keyed hash of it is kept.
    pub pin: Body,
    /// Tries the card has left, by its own counter.
    pub tries_left: u16,
    /// A person gives it.
    pub by_person: bool,
}

/// Whether a PIN may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinTried {
    /// The try is on disk.
    Written,
    /// The card refused this PIN before.
    Refused,
    /// It was given too often without an answer: only a person may give it.
    Unanswered,
}

/// What became of a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinEnded {
    /// As in [`PinTry`].
    pub holder: String,
    /// As in [`PinTry`].
    pub pin: Body,
    /// How it ended.
    pub end: PinEnd,
}

/// How giving a PIN ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinEnd {
    /// The card took it: nothing needs to be known of it any more.
    Taken,
    /// The card refused it: never again.
    Refused,
    /// It was written down, and then not given.
    NotGiven,
}

/// A delivery report (SMS-STATUS-REPORT, 3GPP TS 23.040 clause 9.2.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// SIM that got it.
    pub sim: SimId,
    /// TP-Message-Reference.
    pub tp_mr: u8,
    /// TP-Recipient-Address.
    pub recipient: Originator,
    /// TP-Status, raw.
    pub tp_st: u8,
    /// TP-Service-Centre-Time-Stamp, where it is a time.
    pub smsc_timestamp: Option<UtcTime>,
    /// TP-Discharge-Time, where it is a time.
    pub discharged_at: Option<UtcTime>,
    /// The TPDU as it came.
    pub raw: Vec<u8>,
}

/// A received SMS-DELIVER (clause 9.2.2.1), or something that could not be read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundPart {
    /// SIM that got it.
    pub sim: SimId,
    /// Modem it was read from: where its own memory kept the text, it shows it again under the next SIM.
    pub modem: ModemId,
    /// TP-Originating-Address.
    pub from: Originator,
    /// TP-Service-Centre-Time-Stamp, where it is a time.
    pub smsc_timestamp: Option<UtcTime>,
    /// Set when it is one part of a longer message.
    pub concat: Option<Concat>,
    /// The TPDU as it came, at most [`crate::base::limits::TPDU_OCTETS`]. The text is read from it when all parts are
    /// there, so that what was cut between two parts comes out whole.
    pub raw: Vec<u8>,
}

/// Concatenation element of a part (23.040 clauses 9.2.3.24.1 and 9.2.3.24.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concat {
    /// Reference, 8 or 16 bits wide.
    pub reference: u16,
    /// Width of the reference in bits: 8 or 16.
    pub bits: u8,
    /// Parts in all, 1 to 255.
    pub total: u8,
    /// 1-based place, at most `total`.
    pub sequence: u8,
}
