//! After an outage, with clocks that jump: nothing early, nothing late beyond its validity or its moment, nothing twice.

use std::time::Duration;

use wardwire_core::base::{MessageId, Now, UtcTime};
use wardwire_core::queue::state::{Category, HoldReason, MessageStatus as M, OnUnknown, Priority};
use wardwire_core::queue::verbs::{AttemptResult, Begun, NewMessage, Silence};

use super::Bank;
use super::bank::{accepted, written};
use crate::store::{Decided, Decision};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

impl Bank {
    /// UTC goes on without the timers: the clock was set, or the host slept.
    fn step(&mut self, seconds: i64) {
        self.now.utc = UtcTime::from_millis(self.now.utc.as_millis() + seconds * 1_000);
    }

    fn plan(&mut self, after: u64, change: impl FnOnce(&mut NewMessage)) -> MessageId {
        let mut message = self.message(1, "Come at ten.");
        message.send_at = Some(self.now.utc + Duration::from_secs(after)).filter(|_| after > 0);
        message.valid_until = self.now.utc + Duration::from_secs(7 * DAY);
        change(&mut message);
        self.accept(message)
    }

    /// Sends all that may go now, one after the other, each in a second; what went.
    fn send_all(&mut self) -> Vec<MessageId> {
        let mut sent = Vec::new();
        while let Some(due) = self.take(1).pop() {
            self.pass(1);
            if let Begun::Written { attempt, .. } = self.begin(&due, 0, None) {
                self.close(attempt, accepted(u8::try_from(sent.len() % 256).unwrap()));
                sent.push(due.id);
            }
        }
        sent
    }

    fn hold_reason(&self, id: MessageId) -> Option<HoldReason> {
        self.record(id).held
    }
}

/// The bank has worked until now.
fn at_work() -> Bank {
    let mut bank = Bank::new();
    bank.text("Come at ten.");
    assert_eq!(bank.send_all().len(), 1);
    bank
}

fn alert(message: &mut NewMessage) {
    message.category = Some(Category::StaffAlert);
    message.priority = Priority::High;
}

#[test]
fn after_three_days_asleep_what_had_its_moment_waits_for_a_person() {
    let mut bank = at_work();
    let planned = bank.plan(HOUR, |_| {});
    let other = bank.plan(DAY, |_| {});
    let call = bank.plan(0, alert);
    let short = bank.plan(HOUR, |message| {
        message.valid_until = message.send_at.unwrap() + Duration::from_secs(DAY);
    });
    let plain = bank.plan(0, |_| {});
    let ahead = bank.plan(3 * DAY + HOUR, |_| {});
    bank.step(i64::try_from(3 * DAY).unwrap());
    assert_eq!(bank.send_all(), [plain], "the text for now has no moment of its own");
    bank.sweep();
    for id in [planned, other, call] {
        assert_eq!(
            (bank.status(id), bank.hold_reason(id)),
            (M::Held, Some(HoldReason::Stale))
        );
    }
    assert_eq!(bank.status(short), M::Expired);
    assert_eq!(bank.status(ahead), M::Scheduled);
    assert_eq!(bank.store.read().status_counts(bank.now.utc).unwrap().stale, 3);
    // Nothing of it goes by itself, however long it lasts.
    bank.pass(HOUR);
    bank.sweep();
    assert_eq!(bank.send_all(), [ahead]);
    assert_eq!(bank.decide(planned, Decision::Release), Decided::Done);
    assert_eq!(bank.decide(call, Decision::Drop), Decided::Done);
    bank.sweep();
    assert_eq!(bank.send_all(), [planned], "released, it is not held again");
    assert_eq!(bank.status(call), M::Canceled);
    assert_eq!(bank.decide(planned, Decision::Release), Decided::Conflict(M::Sent));
    bank.pass(5 * DAY);
    bank.sweep();
    assert_eq!(
        bank.status(other),
        M::Expired,
        "what nobody decides about ends with its validity"
    );
}

#[test]
fn the_silence_is_known_over_a_restart() {
    let mut bank = at_work();
    let planned = bank.plan(HOUR, |_| {});
    let plain = bank.plan(0, |_| {});
    bank.pass(4 * HOUR);
    bank.store.restart(bank.now).unwrap();
    let due = bank.take(8).into_iter().find(|due| due.id == plain).unwrap();
    bank.begin(&due, 0, None);
    // It dies right after the first attempt.
    bank.store.restart(bank.now).unwrap();
    bank.sweep();
    assert_eq!(bank.hold_reason(planned), Some(HoldReason::Stale));
}

#[test]
fn slow_is_no_outage_and_neither_is_a_quiet_night() {
    let mut bank = at_work();
    bank.pass(10 * HOUR);
    let planned: Vec<MessageId> = (0..30).map(|_| bank.plan(MINUTE, |_| {})).collect();
    bank.pass(MINUTE);
    for id in planned {
        bank.sweep();
        let due = bank.take(1).remove(0);
        assert_eq!(due.id, id);
        let attempt = written(bank.begin(&due, 0, None));
        bank.close(attempt, accepted(1));
        bank.pass(10 * MINUTE);
    }
}

#[test]
fn an_old_reminder_does_not_go_out_by_a_retry() {
    let mut bank = at_work();
    let planned = bank.plan(MINUTE, |message| message.on_unknown = OnUnknown::Retry);
    bank.pass(MINUTE);
    let attempt = bank.begin_only(None);
    bank.close(attempt, AttemptResult::NoAnswer(Silence::PortLost));
    bank.step(i64::try_from(DAY).unwrap());
    let plain = bank.plan(0, |_| {});
    // The first sign of life ends the silence; the evidence window is long over.
    let due = bank.take(1).remove(0);
    assert_eq!(due.id, plain);
    let attempt = written(bank.begin(&due, 0, None));
    bank.close(attempt, accepted(1));
    bank.sweep();
    assert_eq!(bank.send_all(), []);
    assert_eq!(bank.status(planned), M::Unknown);
    assert_eq!(bank.decide(planned, Decision::NotSent), Decided::Done);
    assert_eq!(bank.send_all(), [planned]);
}

#[test]
fn a_clock_an_hour_off_sends_nothing_early_and_nothing_twice() {
    let mut bank = at_work();
    let planned = bank.plan(30 * MINUTE, |_| {});
    bank.step(3_600);
    bank.sweep();
    let due = bank.take(1).remove(0);
    assert_eq!(due.id, planned);
    // Back again before it was sent: it is early now.
    bank.step(-3_600);
    assert_eq!(bank.begin(&due, 0, None), Begun::Withdrawn);
    assert_eq!(bank.send_all(), []);
    bank.pass(30 * MINUTE);
    bank.sweep();
    assert_eq!(bank.send_all(), [planned]);
    bank.step(-3_600);
    bank.sweep();
    bank.step(2 * 3_600);
    bank.sweep();
    assert_eq!(bank.send_all(), []);
    assert_eq!(bank.parts(planned)[0].attempts.len(), 1);
    bank.events();
}

/// A host without a clock of its own starts in 1970 and is told the time later.
#[test]
fn before_the_clock_is_set_what_is_planned_waits_and_what_is_for_now_goes() {
    let mut bank = at_work();
    let planned = bank.plan(HOUR, |_| {});
    let later = bank.plan(DAY, |_| {});
    let real = bank.now;
    bank.now = Now {
        monotonic: real.monotonic,
        utc: UtcTime::from_millis(40_000),
    };
    assert!(!bank.now.utc.is_credible());
    bank.store.restart(bank.now).unwrap();
    bank.sweep();
    let now = bank.plan(0, |message| {
        alert(message);
        message.valid_until = message.valid_until.before(Duration::from_secs(6 * DAY));
    });
    assert_eq!(bank.send_all(), [now]);
    let waits = bank.plan(0, |message| {
        alert(message);
        message.valid_until = message.valid_until.before(Duration::from_secs(6 * DAY));
    });
    bank.pass(MINUTE);
    // The clock is set: half an hour after the one moment, a day before the other.
    bank.now.utc = real.utc + Duration::from_secs(90 * MINUTE);
    bank.sweep();
    assert_eq!(bank.send_all(), [waits, planned]);
    assert_eq!(bank.status(later), M::Scheduled);
    let record = bank.record(waits);
    assert_eq!(
        record.valid_until.since(bank.now.utc).as_secs() / HOUR,
        23,
        "its validity began when the clock was set"
    );
    bank.pass(DAY);
    bank.sweep();
    assert_eq!(bank.send_all(), [later]);
    bank.events();
}

/// What a SIM seems to have sent in the future does not use up its budget.
#[test]
fn a_clock_in_the_past_does_not_count_what_was_sent_later() {
    let mut bank = at_work();
    assert_eq!(bank.sends("1"), 1);
    bank.step(-3_600);
    assert_eq!(bank.sends("1"), 1, "an hour back is a clock that was set");
    bank.now.utc = UtcTime::from_millis(0);
    assert_eq!(bank.sends("1"), 0);
}
