//! What people decide about messages, and what nothing may overrule: withdrawn is withdrawn.

use std::time::Duration;

use wardwire_core::base::{MessageId, ServiceId, Ulid};
use wardwire_core::queue::error::ErrorCode;
use wardwire_core::queue::state::{Category, MessageStatus as M, OnUnknown, PartState as P, Priority};
use wardwire_core::queue::verbs::{Answer as Said, AttemptResult, Closed, NewMessage, Silence};

use super::Bank;
use super::bank::{accepted, written};
use crate::store::{Answer, Decided, Decision, EventKind as E, Op};

const RESET: AttemptResult = AttemptResult::NoAnswer(Silence::ModemReset);

impl Bank {
    pub(in crate::store) fn decide(&mut self, message: MessageId, decision: Decision) -> Decided {
        let op = Op::Decide {
            service: self.store.default_service(),
            message,
            decision,
        };
        let Answer::Decided(decided) = self.one(op) else {
            panic!("another answer");
        };
        decided
    }
}

/// A message whose outcome nobody knows.
fn unknown(bank: &mut Bank, change: impl FnOnce(&mut NewMessage)) -> MessageId {
    let mut message = bank.message(1, "Come at ten.");
    message.on_unknown = OnUnknown::Hold;
    change(&mut message);
    let id = bank.accept(message);
    let attempt = bank.begin_only(Some(7));
    bank.close(attempt, RESET);
    assert_eq!(bank.status(id), M::Unknown);
    id
}

#[test]
fn a_person_says_that_it_was_sent() {
    let mut bank = Bank::new();
    let id = unknown(&mut bank, |_| {});
    assert_eq!(bank.decide(id, Decision::Accepted), Decided::Done);
    assert_eq!(bank.status(id), M::Sent);
    assert!(bank.events().contains(&E::MessageUnknownResolved));
    assert_eq!(bank.decide(id, Decision::NotSent), Decided::Conflict(M::Sent));
    bank.report(7, 0x00);
    assert_eq!(bank.status(id), M::Delivered, "evidence still counts");
    assert_eq!(bank.decide(id, Decision::Accepted), Decided::AlreadyFinal(M::Delivered));
}

#[test]
fn a_person_says_that_it_was_not_sent() {
    let mut bank = Bank::new();
    let id = unknown(&mut bank, |_| {});
    assert_eq!(bank.decide(id, Decision::NotSent), Decided::Done);
    assert_eq!(bank.status(id), M::Queued);
    let attempt = bank.begin_only(None);
    bank.close(attempt, accepted(9));
    assert_eq!(bank.status(id), M::Sent);
    assert!(bank.record(id).possible_copy, "the person may be wrong");
}

#[test]
fn what_was_withdrawn_or_is_too_late_is_not_sent_whatever_a_person_says_of_the_outcome() {
    let mut bank = Bank::new();
    let service = bank.store.default_service();
    let withdrawn = unknown(&mut bank, |message| message.on_unknown = OnUnknown::Retry);
    bank.cancel(service, withdrawn);
    let late = unknown(&mut bank, |message| {
        message.valid_until = message.valid_until.before(Duration::from_secs(71 * 3_600));
    });
    bank.pass(3_600);
    bank.sweep();
    for (id, code) in [
        (withdrawn, ErrorCode::CanceledByUser),
        (late, ErrorCode::ExpiredInQueue),
    ] {
        assert_eq!(bank.status(id), M::Unknown);
        assert_eq!(bank.decide(id, Decision::NotSent), Decided::Done);
        let record = bank.record(id);
        assert_eq!((record.status, record.is_final), (M::Failed, true));
        assert_eq!(record.error.unwrap().code, code);
    }
    assert!(bank.take(8).is_empty());
}

#[test]
fn there_is_nothing_to_decide_about_other_messages() {
    let mut bank = Bank::new();
    let id = bank.text("Come at ten.");
    for decision in [Decision::Accepted, Decision::NotSent, Decision::Release, Decision::Drop] {
        assert_eq!(bank.decide(id, decision), Decided::Conflict(M::Queued));
        let op = Op::Decide {
            service: ServiceId(Ulid::from_bits(77)),
            message: id,
            decision,
        };
        assert!(matches!(bank.one(op), Answer::Decided(Decided::NotFound)));
    }
    // After the wait for evidence nothing opens it again.
    let mut bank = Bank::new();
    let id = unknown(&mut bank, |_| {});
    bank.pass((72 + 48) * 3_600);
    bank.sweep();
    assert_eq!(bank.decide(id, Decision::NotSent), Decided::AlreadyFinal(M::Unknown));
}

#[test]
fn a_text_that_cannot_be_whole_any_more_is_not_gone_on_with() {
    let mut bank = Bank::new();
    let id = bank.text(&"It will be long. ".repeat(20));
    let first = bank.begin_only(None);
    bank.close(first, RESET);
    let due = bank.take(1).remove(0);
    let second = written(bank.begin(&due, 0, None));
    let unassigned = AttemptResult::Failed {
        answer: Said::Cms(1),
        took: Duration::from_secs(4),
    };
    assert_eq!(bank.close(second, unassigned), Closed::Forget);
    let states: Vec<P> = bank.parts(id).iter().map(|part| part.state).collect();
    assert_eq!(states, [P::Unknown, P::Refused, P::Canceled]);
    bank.pass(3_600);
    bank.sweep();
    assert!(bank.take(1).is_empty(), "the unknown part is not sent again either");
    assert_eq!(bank.status(id), M::Unknown);
}

#[test]
fn who_waits_is_told_by_the_category_and_only_without_one_by_the_lane() {
    for (category, priority, at_once) in [
        (Some(Category::StaffAlert), Priority::Normal, true),
        (Some(Category::Otp), Priority::High, true),
        (Some(Category::Appointment), Priority::High, false),
        (None, Priority::High, true),
        (None, Priority::Normal, false),
    ] {
        let mut bank = Bank::new();
        let id = unknown_or_again(&mut bank, category, priority);
        assert_eq!(bank.record(id).category, category);
        assert_eq!(bank.take(1).len(), usize::from(at_once), "{category:?} {priority:?}");
    }
}

fn unknown_or_again(bank: &mut Bank, category: Option<Category>, priority: Priority) -> MessageId {
    let mut message = bank.message(1, "Ward 7.");
    (message.category, message.priority) = (category, priority);
    let id = bank.accept(message);
    let attempt = bank.begin_only(None);
    bank.close(attempt, RESET);
    id
}

/// An alert that resets every modem it is given to.
#[test]
fn a_poisonous_message_stands_behind_the_others_and_is_given_up() {
    let mut bank = Bank::new();
    let alert = |bank: &mut Bank, n: u32| {
        bank.pass(1);
        let mut message = bank.message(n, "Cardiac arrest, ward 7.");
        message.priority = Priority::High;
        bank.accept(message)
    };
    let poison = alert(&mut bank, 1);
    let others = [alert(&mut bank, 2), alert(&mut bank, 3)];
    let mut order = Vec::new();
    for _ in 0..9 {
        bank.pass(60);
        let Some(due) = bank.take(1).pop() else { break };
        order.push(due.id);
        let attempt = written(bank.begin(&due, 0, None));
        let result = if due.id == poison { RESET } else { accepted(1) };
        bank.close(attempt, result);
    }
    assert_eq!(order, [poison, others[0], others[1], poison, poison]);
    assert_eq!(bank.status(poison), M::Unknown);
}
