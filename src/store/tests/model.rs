//! The store against a model of a page: random verbs in random order, with restarts, and after each step what must
//! always hold; at the end every message that may go out does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use wardwire_core::base::{AttemptId, MessageId, Originator};
use wardwire_core::queue::state::{MessageStatus as M, OnUnknown, PartState};
use wardwire_core::queue::status::{Context, status_of};
use wardwire_core::queue::verbs::{Answer, AttemptResult, Begin, Begun, DueMessage, Reply, Report, Request, Silence};

use super::Bank;
use crate::store::{AttemptState, ListFilter, MessageRecord, StatusCounts};

/// What the model knows of a message.
#[derive(Clone, Debug)]
struct Known {
    policy: OnUnknown,
    canceled: bool,
    /// Every answer but acceptance that it ever got was one that allows another try.
    lucky: bool,
    last: Option<MessageRecord>,
}

struct Model {
    bank: Bank,
    known: BTreeMap<MessageId, Known>,
    held: Vec<DueMessage>,
    open: BTreeMap<AttemptId, (MessageId, usize)>,
    /// Parts the SMSC took, as (message, reference), without a report yet.
    accepted: Vec<(MessageId, u8)>,
    tp_mr: u8,
    reports: u32,
}

impl Model {
    fn new() -> Self {
        Self {
            bank: Bank::new(),
            known: BTreeMap::new(),
            held: Vec::new(),
            open: BTreeMap::new(),
            accepted: Vec::new(),
            tp_mr: 0,
            reports: 0,
        }
    }

    fn step(&mut self, verb: u8, pick: u8) {
        match verb % 10 {
            0 | 1 => self.accept(pick),
            2 => self.take(usize::from(pick % 4)),
            3 | 4 => self.begin(pick),
            5 | 6 => self.close(pick),
            7 => self.report(pick),
            8 if pick.is_multiple_of(8) => self.restart(),
            8 if pick % 8 == 1 => self.cancel(pick),
            8 => self.release(pick),
            _ => self.pass(u64::from(pick) * 20),
        }
    }

    fn accept(&mut self, pick: u8) {
        let text = if pick.is_multiple_of(3) {
            "It will be long. ".repeat(20)
        } else {
            "Come.".to_owned()
        };
        let mut message = self.bank.message(u32::from(pick % 5), &text);
        message.on_unknown = [OnUnknown::Retry, OnUnknown::Hold, OnUnknown::Auto][usize::from(pick % 3)];
        let policy = message.on_unknown;
        let id = self.bank.accept(message);
        let known = Known {
            policy,
            canceled: false,
            lucky: true,
            last: None,
        };
        self.known.insert(id, known);
    }

    fn take(&mut self, room: usize) {
        let due = self.bank.take(room);
        assert!(due.len() <= room);
        for due in due {
            assert!(!due.parts.is_empty());
            assert!(self.held.iter().all(|held| held.id != due.id), "given out twice");
            self.held.push(due);
        }
    }

    fn begin(&mut self, pick: u8) {
        let Some(place) = usize::from(pick).checked_rem(self.held.len()) else {
            return;
        };
        let due = &mut self.held[place];
        if due.parts.is_empty() || self.open.values().any(|open| open.0 == due.id) {
            return;
        }
        let (id, part) = (due.id, due.parts.remove(0));
        let begin = Begin {
            message: id,
            part: part.id,
            modem: self.bank.modem,
            sim: self.bank.sim,
            expected_tp_mr: Some(self.tp_mr.wrapping_add(1)),
        };
        let Reply::Begun(begun) = self.bank.ask(Request::Begin(begin)) else {
            panic!("another answer");
        };
        match begun {
            Begun::Written { attempt } => {
                assert!(!self.known[&id].canceled, "withdrawn is withdrawn");
                self.open.insert(attempt, (id, place));
            }
            Begun::Withdrawn => self.held.retain(|held| held.id != id),
        }
    }

    fn close(&mut self, pick: u8) {
        let Some((&attempt, &(id, _))) = self.open.iter().next() else {
            return;
        };
        self.open.remove(&attempt);
        let answer = |answer, millis| AttemptResult::Failed {
            answer,
            took: Duration::from_millis(millis),
        };
        let result = match pick % 10 {
            0 => AttemptResult::NoAnswer(Silence::Timeout),
            1 => AttemptResult::NotSent(Answer::NoPrompt),
            2 => answer(Answer::Cms(42), 3_500),
            3 => answer(Answer::Cms(21), 3_500),
            4 => answer(Answer::Error, 100),
            5 => answer(Answer::Cms(500), 30_000),
            6 if pick > 200 => answer(Answer::Cms(1), 3_500),
            _ => {
                self.tp_mr = self.tp_mr.wrapping_add(1);
                self.accepted.push((id, self.tp_mr));
                super::bank::accepted(self.tp_mr)
            }
        };
        if !matches!(result, AttemptResult::Accepted { .. } | AttemptResult::NotSent(_)) {
            self.known.get_mut(&id).unwrap().lucky = false;
        }
        if self.bank.close(attempt, result) == wardwire_core::queue::verbs::Closed::Forget {
            self.held.retain(|held| held.id != id);
        } else {
            self.held.retain(|held| held.id != id || !held.parts.is_empty());
        }
    }

    fn report(&mut self, pick: u8) {
        let Some(place) = usize::from(pick).checked_rem(self.accepted.len()) else {
            return;
        };
        let (id, tp_mr) = self.accepted.remove(place);
        let service = self.bank.store.default_service();
        let record = self.bank.store.read().message(service, id).unwrap().unwrap();
        self.reports += 1;
        let report = Report {
            sim: self.bank.sim,
            tp_mr,
            recipient: Originator::new(record.recipient.unwrap().as_e164()),
            tp_st: [0x00, 0x00, 0x01, 0x30, 0x46, 0x41][usize::from(pick % 6)],
            smsc_timestamp: None,
            discharged_at: None,
            raw: self.reports.to_be_bytes().to_vec(),
        };
        assert!(matches!(self.bank.ask(Request::Report(report)), Reply::Stored));
    }

    fn restart(&mut self) {
        self.bank.store.restart(self.bank.now).unwrap();
        for (id, _) in self.open.values() {
            self.known.get_mut(id).unwrap().lucky = false;
        }
        self.open.clear();
        self.held.clear();
    }

    fn cancel(&mut self, pick: u8) {
        let Some(place) = usize::from(pick).checked_rem(self.known.len()) else {
            return;
        };
        let (id, known) = self.known.iter_mut().nth(place).unwrap();
        let service = self.bank.store.default_service();
        known.canceled |= !matches!(self.bank.cancel(service, *id), crate::store::Canceled::AlreadyFinal(_));
    }

    fn release(&mut self, pick: u8) {
        let Some(place) = usize::from(pick).checked_rem(self.held.len()) else {
            return;
        };
        let id = self.held[place].id;
        if self.open.values().all(|open| open.0 != id) {
            self.held.remove(place);
            self.bank.ask(Request::Release(id));
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.bank.pass(seconds);
        self.bank.sweep();
    }

    /// What holds after every step.
    fn check(&mut self) {
        let service = self.bank.store.default_service();
        let mut counts: BTreeMap<M, u64> = BTreeMap::new();
        let reader = self.bank.store.read();
        for (id, known) in &mut self.known {
            let record = reader.message(service, *id).unwrap().expect("never lost");
            let parts = reader.parts(service, *id).unwrap().unwrap();
            *counts.entry(record.status).or_default() += 1;
            let states: Vec<PartState> = parts.iter().map(|part| part.state).collect();
            let context = Context {
                delivery_report: true,
                wait_over: record.is_final && matches!(record.status, M::Sent | M::Unknown),
                ..Context::default()
            };
            let derived = status_of(&states, context);
            assert_eq!((derived.status, derived.is_final), (record.status, record.is_final));
            let mut copies = false;
            for part in &parts {
                let of = |state| part.attempts.iter().filter(|attempt| attempt.state == state).count();
                let written = of(AttemptState::Written);
                assert_eq!(written == 1, part.state == PartState::Submitting);
                let maybe = written + of(AttemptState::Accepted) + of(AttemptState::Unknown);
                assert!(maybe <= 1 || known.policy == OnUnknown::Retry, "at most once");
                copies |= maybe > 1;
                if part.state.is_accepted_like() {
                    assert!(of(AttemptState::Accepted) > 0, "accepted only by answer or evidence");
                }
            }
            assert!(!copies || record.possible_copy, "never silently repeated");
            if let Some(last) = known.last.as_ref().filter(|last| last.is_final) {
                assert!(record.is_final);
                let p13 = matches!(last.status, M::Expired | M::PartiallyDelivered | M::Undelivered);
                assert!(
                    p13 || record.status == last.status,
                    "{:?} to {:?}",
                    last.status,
                    record.status
                );
            }
            known.last = Some(record);
        }
        let kept: StatusCounts = reader.status_counts(super::bank::at(0).utc).unwrap();
        assert_eq!(kept.waiting, counts.get(&M::Queued).copied().unwrap_or_default());
        assert_eq!(kept.unknown, counts.get(&M::Unknown).copied().unwrap_or_default());
        let all = ListFilter {
            limit: 200,
            ..ListFilter::default()
        };
        let page = reader.messages(service, &all).unwrap();
        assert_eq!(page.rows.len(), self.known.len());
        let last = reader.last_sequence().unwrap();
        let mut after = 0;
        while after < last {
            let events = reader.events(None, after, 200).unwrap();
            for event in &events {
                after += 1;
                assert_eq!(event.sequence, after);
            }
        }
    }

    /// A working SIM, and time: what may go out goes out, and stays out.
    fn drain(&mut self) {
        self.restart();
        for _ in 0..40 {
            self.pass(20 * 60);
            self.take(100);
            while !self.held.is_empty() {
                self.begin(0);
                self.close(7);
            }
            assert!(self.open.is_empty());
        }
        self.check();
        let done: BTreeSet<M> = self
            .known
            .values()
            .filter(|known| known.lucky && !known.canceled)
            .map(|known| known.last.as_ref().unwrap().status)
            .collect();
        let good = [M::Sent, M::Delivered, M::Undelivered, M::PartiallyDelivered, M::Expired];
        assert!(done.iter().all(|status| good.contains(status)), "{done:?}");
        let retried = self
            .known
            .values()
            .filter(|known| known.policy == OnUnknown::Retry && !known.canceled);
        for known in retried {
            let status = known.last.as_ref().unwrap().status;
            assert!(
                !matches!(status, M::Queued | M::Submitting | M::Canceled),
                "{status:?} for ever"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_verbs_keep_every_promise(steps in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..120)) {
        let mut model = Model::new();
        for (verb, pick) in steps {
            model.step(verb, pick);
            model.check();
        }
        model.drain();
    }
}
