//! A store in memory with a modem and a SIM, and short words for what tests do with it.

use std::time::Duration;

use wardwire_core::base::{
    AttemptId, Body, Instant, MessageId, ModemId, Now, Originator, PhoneNumber, ServiceId, SimId, Ulid, UtcTime,
};
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::state::{MessageStatus, OnUnknown, Priority, Sensitivity};
use wardwire_core::queue::verbs::{
    AttemptResult, Begin, Begun, Closed, DueMessage, Introduce, NewMessage, Reply, Report, Request,
};
use wardwire_core::sms::{SegmentOptions, segment};

use crate::store::{
    Accept, Accepted, Answer, Canceled, EventKind, Keys, MessageRecord, Op, PartRecord, Place, Settings, Store,
    StoredResponse,
};

/// Noon of a day in June 2026.
pub(in crate::store) const NOON: i64 = 1_781_524_800_000;

pub(in crate::store) struct Bank {
    pub(in crate::store) store: Store,
    pub(in crate::store) now: Now,
    pub(in crate::store) modem: ModemId,
    pub(in crate::store) sim: SimId,
}

pub(in crate::store) fn keys() -> Keys {
    Keys::from_master(&[7; 32])
}

pub(in crate::store) fn at(seconds: u64) -> Now {
    Now {
        monotonic: Instant::ZERO + Duration::from_secs(seconds),
        utc: UtcTime::from_millis(NOON) + Duration::from_secs(seconds),
    }
}

pub(in crate::store) fn number(n: u32) -> PhoneNumber {
    PhoneNumber::from_e164(&format!("+3538{n:08}")).unwrap()
}

impl Bank {
    pub(in crate::store) fn new() -> Self {
        Self::at_place(&Place::Memory)
    }

    pub(in crate::store) fn at_place(place: &Place) -> Self {
        Self::with(place, Settings::default())
    }

    pub(in crate::store) fn with(place: &Place, settings: Settings) -> Self {
        let store = Store::open(place, keys(), settings, at(0)).unwrap();
        let mut bank = Self {
            store,
            now: at(0),
            modem: ModemId(Ulid::from_bits(0)),
            sim: SimId(Ulid::from_bits(0)),
        };
        (bank.modem, bank.sim) = bank.introduce("1");
        bank
    }

    pub(in crate::store) fn introduce(&mut self, name: &str) -> (ModemId, SimId) {
        let Reply::Introduced(introduced) = self.ask(Request::Introduce(Box::new(introduction(name)))) else {
            panic!("another answer");
        };
        (introduced.modem, introduced.sim)
    }

    pub(in crate::store) fn pass(&mut self, seconds: u64) {
        let by = Duration::from_secs(seconds);
        self.now.monotonic += by;
        self.now.utc = self.now.utc + by;
    }

    pub(in crate::store) fn one(&mut self, op: Op) -> Answer {
        let mut answers = self.store.apply(self.now, vec![op]);
        assert_eq!(answers.len(), 1);
        answers.remove(0)
    }

    pub(in crate::store) fn ask(&mut self, request: Request) -> Reply {
        let Answer::Gateway(reply) = self.one(Op::Gateway(request)) else {
            panic!("another answer");
        };
        reply
    }

    pub(in crate::store) fn message(&self, to: u32, text: &str) -> NewMessage {
        let cut = segment(text, &SegmentOptions::default()).unwrap();
        NewMessage {
            service: self.store.default_service(),
            recipient: number(to),
            body: Body::new(text),
            parts: cut.parts,
            alphabet: cut.alphabet,
            units: cut.units,
            category: None,
            priority: Priority::Normal,
            send_at: None,
            window: None,
            valid_until: self.now.utc + Duration::from_secs(72 * 3600),
            delivery_report: true,
            on_unknown: OnUnknown::Retry,
            held: None,
            sim: None,
            reference: None,
            metadata: None,
            sensitivity: Sensitivity::Usual,
        }
    }

    pub(in crate::store) fn accept(&mut self, message: NewMessage) -> MessageId {
        let Answer::Accepted(Accepted::New { id, .. }) = self.one(Op::Accept(Box::new(plain(message)))) else {
            panic!("another answer");
        };
        id
    }

    /// Accepts a text for the first number.
    pub(in crate::store) fn text(&mut self, text: &str) -> MessageId {
        let message = self.message(1, text);
        self.accept(message)
    }

    pub(in crate::store) fn take(&mut self, room: usize) -> Vec<DueMessage> {
        let Reply::Due { messages, .. } = self.ask(take_due(&[Way::Any, Way::Sim(self.sim)], usize::MAX, room)) else {
            panic!("another answer");
        };
        messages
    }

    pub(in crate::store) fn begin(&mut self, due: &DueMessage, part: usize, expected: Option<u8>) -> Begun {
        let begin = Begin {
            message: due.id,
            part: due.parts[part].id,
            modem: self.modem,
            sim: self.sim,
            expected_tp_mr: expected,
            circle: None,
            marks: [None; 4],
        };
        let Reply::Begun(begun) = self.ask(Request::Begin(begin)) else {
            panic!("another answer");
        };
        begun
    }

    /// Takes the only due message and begins its first part.
    pub(in crate::store) fn begin_only(&mut self, expected: Option<u8>) -> AttemptId {
        let due = self.take(8);
        assert_eq!(due.len(), 1);
        written(self.begin(&due[0], 0, expected))
    }

    pub(in crate::store) fn close(&mut self, attempt: AttemptId, result: AttemptResult) -> Closed {
        let Reply::Closed(closed) = self.ask(Request::Close { attempt, result }) else {
            panic!("another answer");
        };
        closed
    }

    pub(in crate::store) fn report(&mut self, tp_mr: u8, tp_st: u8) {
        self.report_of(tp_mr, tp_st, self.now.utc);
    }

    /// A report of a part that the SMSC took at that time.
    pub(in crate::store) fn report_of(&mut self, tp_mr: u8, tp_st: u8, submitted: UtcTime) {
        let report = Report {
            sim: self.sim,
            tp_mr,
            recipient: Originator::new(number(1).as_e164()),
            tp_st,
            smsc_timestamp: Some(submitted),
            discharged_at: Some(self.now.utc),
            raw: vec![tp_mr, tp_st, self.now.utc.as_millis().to_le_bytes()[1]],
        };
        assert!(matches!(self.ask(Request::Report(report)), Reply::Stored));
    }

    /// Lanes that the store has in memory.
    pub(in crate::store) fn lanes(&self) -> usize {
        self.store.lanes()
    }

    /// A disk that takes no more writes, and one that does again.
    pub(in crate::store) fn read_only(&self, read_only: bool) {
        let db = self.store.read().connection();
        db.pragma_update(None, "query_only", read_only).unwrap();
    }

    pub(in crate::store) fn cancel(&mut self, service: ServiceId, message: MessageId) -> Canceled {
        let Answer::Canceled(canceled) = self.one(Op::Cancel { service, message }) else {
            panic!("another answer");
        };
        canceled
    }

    /// How many send times the store tells of a SIM.
    pub(in crate::store) fn sends(&mut self, name: &str) -> usize {
        let Reply::Introduced(introduced) = self.ask(Request::Introduce(Box::new(introduction(name)))) else {
            panic!("another answer");
        };
        introduced.sends.len()
    }

    pub(in crate::store) fn sweep(&mut self) -> (Option<UtcTime>, bool) {
        let Reply::Swept { next, due, .. } = self.ask(Request::Sweep) else {
            panic!("another answer");
        };
        (next, due)
    }

    pub(in crate::store) fn record(&self, id: MessageId) -> MessageRecord {
        let service = self.store.default_service();
        self.store.read().message(service, id).unwrap().unwrap()
    }

    pub(in crate::store) fn parts(&self, id: MessageId) -> Vec<PartRecord> {
        let service = self.store.default_service();
        self.store.read().parts(service, id).unwrap().unwrap()
    }

    pub(in crate::store) fn status(&self, id: MessageId) -> MessageStatus {
        self.record(id).status
    }

    /// Kinds of all events so far.
    pub(in crate::store) fn events(&self) -> Vec<EventKind> {
        let events = self.store.read().events(None, 0, 200).unwrap();
        for (place, event) in (1..).zip(&events) {
            assert_eq!(event.sequence, place, "the sequence has no gaps");
        }
        events.into_iter().map(|event| event.kind).collect()
    }
}

pub(in crate::store) fn take_due(ways: &[Way], depth: usize, room: usize) -> Request {
    Request::TakeDue {
        ways: ways.to_vec(),
        depth,
        room,
        counted: false,
    }
}

pub(in crate::store) fn introduction(name: &str) -> Introduce {
    Introduce {
        label: format!("m{name}"),
        imei: Some(format!("35000000000000{name}")),
        iccid: Some(format!("894910000000000000{name}")),
        ..Introduce::default()
    }
}

pub(in crate::store) fn plain(message: NewMessage) -> Accept {
    Accept {
        message,
        idempotency: None,
        respond: Box::new(|record| StoredResponse {
            status: 201,
            body: record.id.to_string(),
        }),
    }
}

pub(in crate::store) fn written(begun: Begun) -> AttemptId {
    match begun {
        Begun::Written { attempt, .. } => attempt,
        Begun::NoRoom | Begun::Withdrawn => panic!("not written"),
    }
}

pub(in crate::store) fn accepted(tp_mr: u8) -> AttemptResult {
    AttemptResult::Accepted {
        tp_mr: Some(tp_mr),
        smsc_timestamp: None,
    }
}
