//! Hours that messages keep to: nothing begins outside them, whatever delayed it, and all of it goes in the next ones. The bank
//! begins at noon of a Monday, in UTC.

use std::time::Duration;

use wardwire_core::base::{Instant, MessageId, Now, UtcTime};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::hours::{Days, Hours, Rule, Window};
use wardwire_core::queue::lane::Way;
use wardwire_core::queue::state::{Category, HoldReason, MessageStatus as M, Priority};
use wardwire_core::queue::verbs::{Answer, AttemptResult, Begun, DueMessage, NewMessage, Reply, Request, Silence};
use wardwire_core::sms::{SegmentOptions, segment};

use super::Bank;
use super::bank::{accepted, at, take_due, written};
use crate::config::zone;
use crate::store::{Decided, Decision, EventKind, Place};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

fn window(start: &str, finish: &str, name: &str) -> Window {
    Window::new(Days::ALL, start, finish, zone(name).unwrap()).unwrap()
}

fn eight_to_eight() -> Hours {
    Hours {
        rules: vec![Rule {
            categories: vec![Category::Appointment, Category::Program],
            window: window("0800", "2000", "UTC"),
        }],
    }
}

/// The time so many hours after the first day's midnight.
fn clock(hours: u64) -> UtcTime {
    at(0).utc.before(Duration::from_secs(12 * HOUR)) + Duration::from_secs(hours * HOUR)
}

impl Bank {
    fn keeping(hours: Hours) -> Self {
        let mut bank = Self::new();
        bank.store.keep_hours(hours, bank.now).unwrap();
        bank
    }

    /// Lets it become so many seconds before this hour, counted from the first midnight.
    fn until(&mut self, seconds: u64, hour: u64) {
        let wanted = clock(hour).before(Duration::from_secs(seconds));
        let left = wanted.since(self.now.utc);
        assert!(left > Duration::ZERO, "it is {}", self.now.utc);
        self.now.monotonic += left;
        self.now.utc = wanted;
    }

    fn notice(&mut self, change: impl FnOnce(&mut NewMessage)) -> MessageId {
        let mut message = self.message(1, "Come at ten.");
        message.category = Some(Category::Appointment);
        change(&mut message);
        self.accept(message)
    }

    fn scheduled_for(&self, id: MessageId) -> Option<UtcTime> {
        self.record(id).scheduled_for
    }

    /// What is sent now.
    fn goes(&mut self) -> Vec<MessageId> {
        let mut gone = Vec::new();
        while let Some(due) = self.take(1).pop() {
            if let Begun::Written { attempt, .. } = self.begin(&due, 0, None) {
                self.close(attempt, accepted(u8::try_from(gone.len() % 256).unwrap()));
                gone.push(due.id);
            }
        }
        gone
    }

    fn next_due(&mut self) -> Option<UtcTime> {
        let Reply::Due { next_due, .. } = self.ask(take_due(&[Way::Any], 9, 9)) else {
            panic!("another answer");
        };
        next_due
    }

    fn only(&mut self) -> DueMessage {
        let mut due = self.take(9);
        assert_eq!(due.len(), 1);
        due.remove(0)
    }
}

fn two_parts(bank: &mut Bank) -> MessageId {
    let cut = segment(&"Come at ten. ".repeat(20), &SegmentOptions::default()).unwrap();
    bank.notice(|message| message.parts = cut.parts)
}

#[test]
fn what_comes_at_night_goes_in_the_morning_and_what_is_urgent_at_once() {
    let mut bank = Bank::keeping(eight_to_eight());
    bank.until(0, 21);
    let held = bank.notice(|_| {});
    let planned = bank.notice(|message| message.send_at = Some(clock(22)));
    let later = bank.notice(|message| message.send_at = Some(clock(33)));
    let emergency = bank.notice(|message| message.priority = Priority::Emergency);
    let alert = bank.notice(|message| message.category = Some(Category::StaffAlert));
    let plain = bank.notice(|message| message.category = None);
    let mut at_once = bank.goes();
    at_once.sort_unstable();
    assert_eq!(at_once, [emergency, alert, plain]);
    assert_eq!((bank.status(held), bank.status(planned)), (M::Scheduled, M::Scheduled));
    assert_eq!(bank.scheduled_for(held), Some(clock(32)));
    assert_eq!(bank.scheduled_for(planned), Some(clock(32)));
    assert_eq!(bank.scheduled_for(later), Some(clock(33)));
    let counts = bank.store.read().status_counts(bank.now.utc).unwrap();
    assert_eq!(counts.oldest_due_at, Some(clock(32)), "nothing is late");
    assert_eq!(
        bank.next_due(),
        Some(clock(32)),
        "and the gateway asks again when it opens"
    );
    for hour in [22, 26, 31] {
        bank.until(0, hour);
        bank.sweep();
        assert_eq!(bank.goes(), []);
    }
    bank.until(1, 32);
    assert_eq!(bank.goes(), []);
    bank.until(0, 32);
    bank.sweep();
    assert_eq!((bank.status(held), bank.status(planned)), (M::Queued, M::Queued));
    assert_eq!(bank.goes(), [held, planned]);
    let queued = EventKind::MessageStatus(M::Queued);
    assert_eq!(bank.events().into_iter().filter(|kind| *kind == queued).count(), 2);
    bank.until(0, 33);
    assert_eq!(bank.goes(), [later]);
}

#[test]
fn what_was_given_out_when_the_hours_ended_is_not_begun() {
    let mut bank = Bank::keeping(eight_to_eight());
    bank.until(5, 20);
    let id = bank.notice(|_| {});
    let due = bank.only();
    bank.until(0, 20);
    assert_eq!(bank.begin(&due, 0, None), Begun::Withdrawn);
    assert_eq!(
        (bank.status(id), bank.scheduled_for(id)),
        (M::Scheduled, Some(clock(32)))
    );
    assert_eq!(bank.parts(id)[0].attempts.len(), 0);
    assert_eq!(bank.goes(), []);
    bank.until(0, 32);
    assert_eq!(bank.goes(), [id]);
}

#[test]
fn what_waits_when_the_hours_end_is_put_off_without_a_try() {
    let mut bank = Bank::keeping(eight_to_eight());
    let ids: Vec<_> = (0..300).map(|_| bank.notice(|_| {})).collect();
    bank.until(1, 20);
    let (next, _) = bank.sweep();
    assert!(next <= Some(clock(20)), "{next:?}");
    assert_eq!(bank.status(ids[0]), M::Queued);
    bank.until(0, 20);
    bank.sweep();
    bank.sweep();
    for id in &ids {
        assert_eq!(
            (bank.status(*id), bank.scheduled_for(*id)),
            (M::Scheduled, Some(clock(32)))
        );
    }
    assert_eq!(bank.take(9).len(), 0);
    let counts = bank.store.read().status_counts(bank.now.utc).unwrap();
    assert_eq!(counts.oldest_due_at, Some(clock(32)));
    // In the order in which they came.
    bank.until(0, 32);
    assert_eq!(bank.goes(), ids);
}

#[test]
fn what_is_given_out_when_the_hours_end_comes_back_by_itself() {
    let mut bank = Bank::keeping(eight_to_eight());
    bank.until(5, 20);
    let (short, long) = (bank.notice(|_| {}), two_parts(&mut bank));
    let plain = bank.notice(|message| message.category = None);
    let due = bank.take(9);
    assert_eq!(due.len(), 3);
    let begun = due.iter().find(|due| due.id == long).unwrap();
    let first = written(bank.begin(begun, 0, None));
    bank.until(0, 20);
    let Reply::Swept { put_off, .. } = bank.ask(Request::Sweep) else {
        panic!("another answer");
    };
    assert_eq!(put_off, [short], "and neither what is on its way nor what has no hours");
    bank.close(first, accepted(1));
    assert!(matches!(bank.begin(begun, 1, None), Begun::Written { .. }));
    let other = due.iter().find(|due| due.id == plain).unwrap();
    assert!(matches!(bank.begin(other, 0, None), Begun::Written { .. }));
    bank.until(0, 32);
    assert_eq!(bank.goes(), [short]);
}

#[test]
fn tries_and_repeats_keep_to_the_hours_too() {
    let mut bank = Bank::keeping(eight_to_eight());
    bank.until(30, 20);
    let (refused, silent) = (bank.notice(|_| {}), bank.notice(|_| {}));
    let due = bank.take(9);
    let attempts: Vec<_> = due.iter().map(|due| written(bank.begin(due, 0, None))).collect();
    // It is no time to try again, and when the evidence window is over it is none to repeat either.
    let result = AttemptResult::Failed {
        answer: Answer::Cms(42),
        took: Duration::from_secs(3),
    };
    bank.close(attempts[0], result);
    bank.close(attempts[1], AttemptResult::NoAnswer(Silence::PortLost));
    assert_eq!(bank.status(silent), M::Unknown);
    for hour in 20..32 {
        bank.until(0, hour);
        bank.sweep();
        assert_eq!(bank.goes(), [], "{hour}");
    }
    assert_eq!(
        (bank.status(refused), bank.status(silent)),
        (M::Scheduled, M::Scheduled)
    );
    bank.until(0, 32);
    bank.sweep();
    assert_eq!(bank.goes(), [refused, silent]);
    assert!(bank.record(silent).possible_copy);
    assert_eq!(bank.record(refused).attempts, 2);
}

#[test]
fn a_long_text_goes_on_a_little_after_its_hours() {
    for (wait, on) in [(10, true), (29 * MINUTE, true), (31 * MINUTE, false)] {
        let mut bank = Bank::keeping(eight_to_eight());
        bank.until(5, 20);
        let id = two_parts(&mut bank);
        let due = bank.only();
        let first = written(bank.begin(&due, 0, None));
        bank.until(0, 20);
        bank.sweep();
        bank.close(first, accepted(1));
        bank.pass(wait);
        let begun = bank.begin(&due, 1, None);
        assert_eq!(matches!(begun, Begun::Written { .. }), on, "after {wait} s");
        assert_eq!(bank.status(id), M::Submitting, "a part of it is out");
        if !on {
            bank.until(0, 32);
            let rest = bank.only();
            assert_eq!(rest.parts.len(), 1);
            written(bank.begin(&rest, 0, None));
        }
    }
}

#[test]
fn both_windows_must_be_open() {
    let mut bank = Bank::keeping(eight_to_eight());
    // 07:00 to 13:00 in UTC, in June.
    let own = |message: &mut NewMessage| message.window = Some(window("0900", "1500", "Europe/Berlin"));
    let id = bank.notice(own);
    let plain = bank.notice(|message| {
        own(message);
        message.category = None;
    });
    bank.until(0, 13);
    assert_eq!(bank.goes(), []);
    bank.until(0, 31);
    assert_eq!(bank.goes(), [plain]);
    bank.until(0, 32);
    assert_eq!(bank.goes(), [id]);
    let shown = bank.record(id).window.unwrap();
    assert_eq!(
        (
            shown.start().to_string(),
            shown.finish().to_string(),
            shown.zone().name()
        ),
        ("0900".to_owned(), "1500".to_owned(), "Europe/Berlin")
    );
}

#[test]
fn windows_that_never_meet_end_with_the_validity() {
    let mut bank = Bank::keeping(eight_to_eight());
    let id = bank.notice(|message| message.window = Some(window("2100", "2300", "UTC")));
    for day in 1..4 {
        bank.until(0, day * 24);
        bank.sweep();
        assert_eq!((bank.goes(), bank.status(id)), (vec![], M::Scheduled));
    }
    bank.until(0, 24 * 3 + 13);
    bank.sweep();
    let record = bank.record(id);
    assert_eq!(
        (record.status, record.error.unwrap().code),
        (M::Expired, ErrorCode::ExpiredInQueue)
    );
}

#[test]
fn what_waits_follows_the_hours_of_now_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("w.db"));
    let mut bank = Bank::at_place(&place);
    let start = |bank: &mut Bank, hours| bank.store.keep_hours(hours, bank.now).unwrap();
    assert_eq!(start(&mut bank, eight_to_eight()), 0);
    bank.until(0, 21);
    let id = bank.notice(|_| {});
    let own = bank.notice(|message| message.window = Some(window("0930", "1000", "UTC")));
    let now = bank.now;
    drop(bank);
    let mut bank = Bank::at_place(&place);
    bank.now = now;
    assert_eq!(start(&mut bank, eight_to_eight()), 0, "nothing changed");
    assert_eq!((bank.goes(), bank.scheduled_for(id)), (vec![], Some(clock(32))));
    let mut longer = eight_to_eight();
    longer.rules[0].window = window("0600", "2200", "UTC");
    assert_eq!(start(&mut bank, longer), 2);
    assert_eq!(bank.goes(), [id]);
    assert_eq!(
        bank.scheduled_for(own),
        Some(clock(33) + Duration::from_secs(30 * MINUTE))
    );
    assert_eq!(start(&mut bank, Hours::default()), 1);
    assert_eq!(
        bank.scheduled_for(own),
        Some(clock(33) + Duration::from_secs(30 * MINUTE))
    );
}

#[test]
fn what_an_outage_kept_from_its_hours_waits_for_a_person_and_the_night_is_no_outage() {
    let mut bank = Bank::keeping(eight_to_eight());
    let planned = bank.notice(|message| message.send_at = Some(clock(16)));
    let short = bank.notice(|message| message.send_at = Some(clock(20).before(Duration::from_secs(10 * MINUTE))));
    let tonight = bank.notice(|message| message.send_at = Some(clock(22)));
    let plain = bank.notice(|message| message.valid_until = clock(96));
    // The last that goes before a power cut from three to nine.
    bank.until(0, 15);
    assert_eq!(bank.goes(), [plain]);
    let now_plain = bank.notice(|_| {});
    bank.until(0, 21);
    bank.store.restart(bank.now).unwrap();
    bank.sweep();
    let record = bank.record(planned);
    assert_eq!((record.status, record.held), (M::Held, Some(HoldReason::Stale)));
    let short_record = bank.record(short);
    assert_eq!(
        (short_record.status, short_record.held),
        (M::Held, Some(HoldReason::Stale)),
        "it would go half a day late"
    );
    assert_eq!(bank.status(now_plain), M::Scheduled, "it has no moment of its own");
    assert_eq!(bank.status(tonight), M::Scheduled);
    // A person lets it go; the hours stay.
    assert_eq!(bank.decide(planned, Decision::Release), Decided::Done);
    assert_eq!(
        (bank.status(planned), bank.scheduled_for(planned)),
        (M::Scheduled, Some(clock(32)))
    );
    bank.until(0, 32);
    bank.sweep();
    let mut gone = bank.goes();
    gone.sort_unstable();
    assert_eq!(gone, [planned, tonight, now_plain]);
}

#[test]
fn a_slow_evening_is_no_outage() {
    let mut bank = Bank::keeping(eight_to_eight());
    let slow: Vec<_> = (0..4)
        .map(|_| bank.notice(|message| message.send_at = Some(clock(19))))
        .collect();
    for minutes in [60, 35, 10] {
        bank.until(minutes * MINUTE, 20);
        let due = bank.take(1).remove(0);
        let attempt = written(bank.begin(&due, 0, None));
        bank.close(attempt, accepted(1));
    }
    bank.until(0, 20);
    bank.sweep();
    assert_eq!(bank.status(slow[3]), M::Scheduled);
    bank.until(0, 32);
    bank.sweep();
    assert_eq!(bank.goes(), [slow[3]]);
}

#[test]
fn a_clock_that_was_never_set_opens_nothing() {
    let mut bank = Bank::keeping(eight_to_eight());
    let minutes = |minutes: u64| Now {
        monotonic: Instant::ZERO + Duration::from_secs(minutes * MINUTE),
        utc: UtcTime::from_millis(0) + Duration::from_secs(12 * HOUR + minutes * MINUTE),
    };
    bank.now = minutes(0);
    let id = bank.notice(|_| {});
    let plain = bank.notice(|message| message.category = None);
    assert_eq!(bank.goes(), [plain], "noon, says a clock that nobody set");
    bank.now = Now {
        monotonic: minutes(5).monotonic,
        utc: clock(21),
    };
    bank.sweep();
    assert_eq!(bank.goes(), []);
    bank.until(0, 32);
    bank.sweep();
    assert_eq!(bank.goes(), [id]);
}

#[test]
fn a_budget_does_not_move_a_text_out_of_its_hours() {
    let mut bank = Bank::keeping(eight_to_eight());
    let id = bank.notice(|_| {});
    let due = bank.only();
    let until = clock(22);
    bank.ask(Request::Defer { message: due.id, until });
    assert_eq!(
        (bank.status(id), bank.scheduled_for(id)),
        (M::Scheduled, Some(clock(32)))
    );
    bank.until(0, 32);
    assert_eq!(bank.goes(), [id]);
}
